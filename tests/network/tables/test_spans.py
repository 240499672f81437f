"""Merged cells and formulas without a value, in workbooks of every form."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
import xlwt

from network.tables.sheets import Merged
from network.tables.spans import spans_of
from network.tables.workspace import Workspace, read_workspace
from tests.network.tables.clerks import ods, xlsb, xlsx

HEADER = ["停电编号", "停电时间", "送电时间", "停电性质", "地区特征", "停电户数"]
A = ["A", "2022-03-01 08:00", "2022-03-01 11:20", "内部故障停电", "市区", "10"]
B = ["B", "2022-03-02 08:00", "MISSING", "内部故障停电", "市区", "5"]


def read(folder: Path, name: str, content: bytes) -> Workspace:
    (folder / "population.csv").write_text("region_class,users\nurban,100\n", "utf-8")
    (folder / name).write_bytes(content)
    return read_workspace(folder)


def changed(content: bytes, part_of: str, old: str, new: str) -> bytes:
    """Replace a text in the parts of a packed file that end so."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(packed, "w") as after:
        for name in before.namelist():
            part = before.read(name)
            if name.endswith(part_of):
                assert old.encode() in part
                part = part.replace(old.encode(), new.encode())
            after.writestr(name, part)
    return packed.getvalue()


def old_workbook(rows: Sequence[Sequence[object]]) -> bytes:
    book, content = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("一")
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    book.save(content)
    return content.getvalue()


def uncalculated(form: str) -> bytes:
    if form == "xls":
        return old_workbook([HEADER, A, [*B[:2], xlwt.Formula("B3+1"), *B[3:]]])
    shown = '<table:table-cell office:value-type="string"><text:p>MISSING</text:p></table:table-cell>'
    return changed(ods({"一": [HEADER, A, B]}), "content.xml", shown, '<table:table-cell table:formula="of:=[.B3]+1"/>')


@pytest.mark.parametrize("form", ["xls", "ods"])
def test_a_formula_that_was_never_calculated_is_no_blank_end(form: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"outages.{form}", uncalculated(form))
    assert found.tables["outages"]["outage_id"].to_list() == ["A"]
    (problem,) = found.problems
    assert (problem.severity, problem.row, problem.column) == ("error", 3, "end")
    assert (problem.value or "").startswith("=")


def test_a_formula_whose_result_is_an_empty_text_is_a_blank(tmp_path: Path) -> None:
    plain = xlsx({"一": [HEADER, A, [*B[:2], "=REPEAT_OF_NOTHING", *B[3:]]]})
    for given, rows in (
        ('<c r="C3"><f>REPEAT_OF_NOTHING</f><v>0</v></c>', 1),
        ('<c r="C3" t="str"><f>REPEAT_OF_NOTHING</f><v></v></c>', 2),
    ):
        book = changed(plain, "sheet1.xml", "<c r=\"C3\"><f>REPEAT_OF_NOTHING</f><v>0</v></c>",
                       given.replace("<v>0</v>", "<v></v>"))  # fmt: skip
        assert read(tmp_path, "outages.xlsx", book).tables["outages"].height == rows


def test_an_old_workbook_with_a_calculated_formula_was_calculated_as_a_whole() -> None:
    book = old_workbook([["a", "b"], [xlwt.Formula("1+1"), xlwt.Formula('""')]])
    at = book.index(b"\x06\x00", book.index(b"\x09\x08"))
    calculated = bytearray(book)
    while calculated[at + 10 : at + 18] != b"\x03\x00\x00\x00\x00\x00\xff\xff":
        at = book.index(b"\x06\x00", at + 1)
    calculated[at + 10 : at + 18] = bytes(8)  # the first formula gives zero
    assert len(spans_of(book, "一").formulas) == 2
    assert spans_of(bytes(calculated), "一").formulas == ()


def test_merged_cells_of_a_binary_workbook_hold_for_each_of_their_rows(tmp_path: Path) -> None:
    rows = [HEADER, [*A[:2], "2022-03-02 09:00", *A[3:]], [*B[:2], "", *B[3:]]]
    book = xlsb({"说明": [["见附件"]], "1月": rows}, [(1, 2, 2, 2)])
    assert spans_of(book, "1月").merged == (Merged(2, 2, 3),)
    found = read(tmp_path, "outages.xlsb", book)
    assert found.tables["outages"]["end"].to_list() == [datetime(2022, 3, 2, 9)] * 2
