"""The report read back from its files: the figures of the other questions, and formulas that give them."""

import ast
import math
import operator
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from docx import Document
from pypdf import PdfReader

import fudian
from data_samples.generator.county import COUNTY
from fudian import Utility
from network import FudianError, WorkspaceError, read_workspace
from network.steps import Done, NobodyWaitsError, asking, telling
from reliability.report.content import Column, Report, Section
from reliability.report.writing import sheet_name

PERIOD, PLAN = "2022-07", "jinhua-2022"


@pytest.fixture(scope="module")
def county() -> Utility:
    return fudian.open(COUNTY, "en")


@pytest.fixture(scope="module", params=["en", "zh"])
def report(request: pytest.FixtureRequest, county: Utility) -> Report:
    return county.report(PERIOD, PLAN, request.param, wait_s=None)


def plain(words: str) -> str:
    """Return text without blanks: a PDF sets them between figures and characters."""
    return re.sub(r"\s+", "", words)


def test_its_figures_are_those_of_the_other_questions(report: Report, county: Utility) -> None:
    whole = county.indices(PERIOD).rows.row(0, named=True)
    told = {row["figure"]: row["value"] for row in report.section("headline").rows}
    assert told == pytest.approx({name: whole[name] for name in told}, rel=1e-12)
    by_class = county.indices(PERIOD, by="region_class").as_dict()["rows"]
    told_of_classes = sorted(row["CH"] for row in report.section("classes").rows)
    assert told_of_classes == pytest.approx(sorted(row["CH"] for row in by_class))
    months = report.section("months")
    assert months.total(months.columns[3]) == pytest.approx(whole["CH"])
    targets = county.targets(PLAN, 2022, as_of="2022-08-01").as_dict()["rows"]
    assert [row["value"] for row in report.section("targets").rows] == pytest.approx([row["value"] for row in targets])
    said = county.forecast(PLAN, "2022-08-01", year=2022).as_dict()["rows"]
    assert [row["p50"] for row in report.section("forecast").rows] == pytest.approx([row["p50"] for row in said])
    causes = county.causes(county.query(PERIOD), 10)["ch"].to_list()
    assert [row["ch"] for row in report.section("causes").rows] == pytest.approx(causes)
    live = county.live_ratio(PERIOD, "unit").as_dict()["rows"]
    assert [row["reduced_ch"] for row in report.section("live").rows] == pytest.approx(
        [row["reduced_ch"] for row in live]
    )
    assert all(row["value"] is not None for row in report.section("grid").rows)
    budget = county.budget(2022, "2022-08-01").as_dict()["rows"]
    assert report.section("budget").rows == tuple(budget)
    may_plan = next(column for column in report.section("budget").columns if column.name == "may_plan_ch")
    assert report.section("budget").total(may_plan) == pytest.approx(sum(row["may_plan_ch"] for row in budget))
    operation = county.operating_kpi(2022, "2022-08-01").as_dict()["rows"]
    assert [row["value"] for row in report.section("operation").rows] == [row["value"] for row in operation]
    desk = county.desk_kpi("2022-07-01", "2022-08-01").as_dict()
    assert str(desk["incidents"]) in report.section("desk").says[0]
    assert [row.get("value") for row in report.section("desk").rows] == [
        row["value"] for row in desk["rows"] if desk["incidents"]
    ]
    dispatch = county.dispatch_kpi("2022-07-01", "2022-08-01").as_dict()
    assert dispatch["incidents"] == 0  # nobody was sent from a desk: no figures, and none of them zero
    assert report.section("dispatch").rows == ()
    assert "0" in report.section("dispatch").says[0]
    process = county.process("saidi", 2022, "2022-08-01").as_dict(report.language)
    for sentence in process["says"]:
        assert any(sentence in said for said in report.section("process").says)


def test_whoever_reads_it_sees_words_and_no_codes(report: Report) -> None:
    names = [section.name for section in report.sections]
    assert names == [
        "headline", "months", "classes", "targets", "forecast", "budget", "process", "causes", "feeders", "frequent", "live",
        "planned", "operation", "desk", "dispatch", "grid", "data",
    ]  # fmt: skip
    for section in report.sections:
        for column in section.columns:
            assert "_" not in column.title, (section.name, column.name)
            if report.language == "zh" and column.name not in {"SAIDI-1", "SAIFI-1"}:
                assert re.search(r"[\u4e00-\u9fff]|%", column.title), (section.name, column.title)
    dense = {"en": ["city centre", "urban district", "town", "rural"], "zh": ["市中心区", "市区", "城镇", "农村"]}
    assert [row["region_class"] for row in report.section("classes").rows] == dense[report.language]
    told = {row["name"]: row["value"] for row in report.section("data").rows}
    assert told["reliability.minimum_history_years"] == "2"
    assert told["planned.holidays"].startswith("2023-01-21, 2023-01-22")
    assert all("." not in name or name.split(".")[0] in {"reliability", "planned", "grid", "steering"} for name in told)


def test_the_pdf_says_every_figure(report: Report, county: Utility, tmp_path: Path) -> None:
    county.write_report(report, tmp_path / "r.pdf")
    reader = PdfReader(tmp_path / "r.pdf")
    told = plain("".join(page.extract_text() for page in reader.pages))
    assert plain(report.title) in told
    for section in report.sections:
        assert plain(section.title) in told
        for sentence in section.says:
            assert plain(sentence) in told
        for row in section.rows:
            for column in section.columns:
                if isinstance(row.get(column.name), float):
                    assert column.shown(row) in told, (section.name, column.name)
    assert b"pdfaid" in (tmp_path / "r.pdf").read_bytes() or reader.xmp_metadata is not None


def computed(sheet: Any, place: str) -> Any:
    """Return what a cell shows: a figure, a sum of cells, or an expression of cells that is blank where it divides by zero."""
    value = sheet[place].value
    if not (isinstance(value, str) and value.startswith("=")):
        return value
    if found := re.fullmatch(r"=SUM\((\w+:\w+)\)", value):
        cells = [cell for row in sheet[found[1]] for cell in row]
        return math.fsum(computed(sheet, cell.coordinate) or 0 for cell in cells)
    if found := re.fullmatch(r'=IF\((.+)=0,"",(.+)\)', value):
        return "" if expression(sheet, found[1]) == 0 else expression(sheet, found[2])
    return expression(sheet, value[1:])


SIGNS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def expression(sheet: Any, written: str) -> Any:
    """Return what an expression of cells, numbers and the four signs gives."""

    def of(node: ast.expr) -> Any:
        match node:
            case ast.BinOp(left, sign, right):
                return SIGNS[type(sign)](of(left), of(right))
            case ast.UnaryOp(ast.USub(), inner):
                return -of(inner)
            case ast.Name(cell):
                return computed(sheet, cell) or 0
            case ast.Constant(value):
                return value
        raise ValueError(written)

    return of(ast.parse(written, mode="eval").body)


def test_the_workbook_computes_what_the_questions_answer(report: Report, county: Utility, tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    county.write_report(report, path)
    book = openpyxl.load_workbook(path)
    seen = 0
    for number, section in enumerate(report.sections, start=1):
        sheet = book[sheet_name(number, section)]
        assert sheet["A2"].value == f"{report.title} · {report.subtitle}"
        if not section.rows:
            continue
        head = len(section.says) + 4
        assert [cell.value for cell in sheet[head]][: len(section.columns)] == [each.title for each in section.columns]
        lines: list[Any] = [dict(row) for row in section.rows]
        if section.has_total:
            lines.append({column.name: section.total(column) for column in section.columns if column.total})
        for at, row in enumerate(lines, start=head + 1):
            for place, column in enumerate(section.columns):
                value, cell = row.get(column.name), sheet.cell(at, place + 1)
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    assert computed(sheet, cell.coordinate) == pytest.approx(value, rel=1e-12), (
                        section.name,
                        cell.coordinate,
                    )
                    seen += 1
                elif isinstance(value, float):
                    assert cell.value == pytest.approx(value, rel=1e-12)
    assert seen > 20


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed: soffice")
def test_libreoffice_computes_what_the_questions_answer(report: Report, county: Utility, tmp_path: Path) -> None:
    """All formulas are computed anew: the copy that LibreOffice reads holds none of the values that were written beside them."""
    county.write_report(report, tmp_path / "written.xlsx")
    bare = openpyxl.load_workbook(tmp_path / "written.xlsx")
    formulas = {(sheet.title, cell.coordinate): cell.value for sheet in bare for row in sheet for cell in row
                if isinstance(cell.value, str) and cell.value.startswith("=")}  # fmt: skip
    bare.save(tmp_path / "r.xlsx")
    empty = openpyxl.load_workbook(tmp_path / "r.xlsx", data_only=True)
    assert all(empty[sheet][place].value is None for sheet, place in formulas)
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    to = ["--convert-to", "xlsx", "--outdir", str(tmp_path / "computed"), str(tmp_path / "r.xlsx")]
    subprocess.run(["soffice", home, "--headless", *to], check=True, capture_output=True, timeout=300)
    computed_by_it = openpyxl.load_workbook(tmp_path / "computed" / "r.xlsx", data_only=True)
    seen = 0
    for number, section in enumerate(report.sections, start=1):
        sheet = computed_by_it[sheet_name(number, section)]
        first = len(section.says) + 5
        lines: list[Any] = [dict(row) for row in section.rows]
        if section.has_total:
            lines.append({column.name: section.total(column) for column in section.columns if column.total})
        for at, row in enumerate(lines, start=first):
            for place, column in enumerate(section.columns, start=1):
                cell = sheet.cell(at, place)
                if (sheet.title, cell.coordinate) in formulas:
                    assert cell.value == pytest.approx(row[column.name], rel=1e-12), (section.name, cell.coordinate)
                    seen += 1
    assert seen == len(formulas) > 20


def test_the_document_holds_the_tables(report: Report, county: Utility, tmp_path: Path) -> None:
    county.write_report(report, tmp_path / "r.docx")
    document = Document(str(tmp_path / "r.docx"))
    filled = [section for section in report.sections if section.rows]
    assert len(document.tables) == len(filled)
    assert len(document.inline_shapes) == len([section for section in filled if section.chart is not None]) > 0
    for table, section in zip(document.tables, filled, strict=True):
        assert len(table.rows) == 1 + len(section.rows) + section.has_total
        assert [cell.text for cell in table.rows[0].cells] == [column.title for column in section.columns]


def test_text_that_looks_like_a_formula_stays_text(county: Utility, tmp_path: Path) -> None:
    section = Section(
        "s", "=1+1", ("=2+2",), (Column("name", "=3"),), ({"name": "=HYPERLINK(1)"}, {"name": "@x #set page()"})
    )
    made = Report("t", "s", "en", (section,), {})
    for ending in (".xlsx", ".pdf", ".docx"):
        county.write_report(made, tmp_path / f"r{ending}")
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx").worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}
    told = plain("".join(page.extract_text() for page in PdfReader(tmp_path / "r.pdf").pages))
    assert "=HYPERLINK(1)@x#setpage()" in told


def test_a_part_that_cannot_be_told_says_why_and_the_rest_stands(county: Utility) -> None:
    whole = county.workspace
    files = {name: file for name, file in whole.files.items() if name != "live_jobs"}
    less = fudian.open(replace(whole, files=files), "en")
    made = less.report(PERIOD, PLAN)
    assert made.section("live").rows == ()
    assert made.section("live").title == "Live-work ratio"
    assert "live" in " ".join(made.section("live").says)
    assert made.section("headline").rows


def test_a_unit_alone_and_any_period(county: Utility) -> None:
    unit = county.workspace.tables["budget"]["unit"][0]
    made = county.report("2022Q3", PLAN, "en", unit, wait_s=None)
    by_unit = {row["unit"]: row for row in county.indices("2022Q3", by="unit").as_dict()["rows"]}
    told = {row["figure"]: row["value"] for row in made.section("headline").rows}
    assert told["CH"] == pytest.approx(by_unit[unit]["CH"])
    assert [row["month"] for row in made.section("months").rows] == ["2022-07", "2022-08", "2022-09"]
    half = county.report("2022-01-01..2022-07-01", PLAN, "en")
    assert len(half.section("months").rows) == 6
    assert county.report("2022H1", PLAN, "en").section("months").rows == half.section("months").rows
    assert [row["unit"] for row in made.section("live").rows] == [unit]
    assert {row["unit"] for row in made.section("planned").rows} <= {unit}
    assert made.section("planned").rows
    names = dict(county.network.transformers.select("name", "unit").iter_rows())
    assert {names[row["name"]] for row in made.section("frequent").rows} <= {unit}
    whole = county.report("2022Q3", PLAN, "en", wait_s=None)
    for section in made.sections:
        of_all = "These figures are of the whole utility." in section.says
        assert of_all == (
            section.name
            in {
                "targets",
                "forecast",
                "process",
                "operation",
                "desk",
                "dispatch",
                "grid",
                "data",
            }
        ), section.name
        if of_all and section.name != "data":
            assert section.rows == whole.section(section.name).rows
    assert [row["unit"] for row in made.section("budget").rows] == [unit]
    with pytest.raises(FudianError, match="unit"):
        county.report("2022Q3", PLAN, "en", "no such unit")


def test_without_records_there_is_no_report_and_it_says_what_to_add() -> None:
    empty = Utility(county_tables := read_workspace(COUNTY).with_table("outages", []), "en")
    assert county_tables.tables["outages"].is_empty()
    with pytest.raises(WorkspaceError, match="outage"):
        empty.report(PERIOD, PLAN)
    for ask in (empty.process, empty.frequent_bands, lambda: empty.forecast(PLAN), lambda: empty.avoidable("2022")):
        with pytest.raises(WorkspaceError, match="outage"):
            ask()
    assert empty.durations(period="2022").predictions  # plans that were carried out are its history


def test_another_kind_of_file_is_refused(county: Utility, report: Report, tmp_path: Path) -> None:
    with pytest.raises(FudianError, match=r"\.pdf, \.docx or \.xlsx|not written"):
        county.write_report(report, tmp_path / "r.txt")


def test_how_far_it_is_is_told_and_what_nobody_waits_for_ends(county: Utility) -> None:
    heard: list[Done] = []
    token = telling.set(heard.append)
    try:
        county.report("2022-05", PLAN, "en", wait_s=0.0)
    finally:
        telling.reset(token)
    parts = [each for each in heard if each.what.template == "parts of the report"]
    assert [part.done for part in parts] == list(range(17))
    assert {part.of for part in parts} == {17}
    left = asking.set(lambda: len(heard) < 3)
    heard.clear()
    token = telling.set(heard.append)
    try:
        with pytest.raises(NobodyWaitsError):
            county.report("2022-04", PLAN, "en", wait_s=0.0)
    finally:
        asking.reset(left)
        telling.reset(token)
    assert len(heard) == 3
