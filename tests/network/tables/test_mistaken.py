"""Files that are damaged, cut off, or of another kind than their names say: told as that, never as lacking headers."""

from __future__ import annotations

import gzip
import random
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from network.problems import Problem
from network.tables.mistaken import is_no_text
from network.tables.reading import read_file
from network.tables.schema import TABLES
from tests.network.tables.clerks import ods, xls, xlsb, xlsx

ROWS = [["停电编号", "停电开始时间", "停电结束时间", "停电性质", "支路编码"]]
ROWS += [[f"O{i}", "2022/7/20 8:05", "2022/7/20 9:05", "内部故障停电", f"B{i}"] for i in range(60)]
TEXT = "\n".join(",".join(row) for row in ROWS)


def parquet() -> bytes:
    room = BytesIO()
    pl.DataFrame(ROWS[1:], schema=ROWS[0], orient="row").write_parquet(room)
    return room.getvalue()


SOUND = {
    "xlsx": xlsx({"1月": ROWS}),
    "xls": xls({"1月": ROWS}),
    "ods": ods({"1月": ROWS}),
    "xlsb": xlsb({"1月": ROWS}),
    "parquet": parquet(),
    "csv.gz": gzip.compress(TEXT.encode("gb18030")),
    "txt.gz": gzip.compress(xlsx({"1月": ROWS})),
}
ENDINGS = [*SOUND, "xlsm", "json", "csv", "txt"]
BEGINS = {"PDF": b"%PDF-1.7\n", "RAR": b"Rar!\x1a\x07", "PNG": b"\x89PNG\r\n\x1a\n", "SQLite": b"SQLite format 3\0"}


def said(folder: Path, content: bytes, ending: str) -> list[Problem]:
    path = folder / f"outages.{ending}"
    path.write_bytes(content)
    return list(read_file(path, TABLES["outages"]).problems)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_are_told_as_no_table(ending: str, seed: int, tmp_path: Path) -> None:
    content = random.Random(seed).randbytes(10 ** (seed + 1))
    (problem,) = said(tmp_path, content, ending)
    assert problem.severity == "error"
    assert "No header" not in str(problem.message)
    assert len(str(problem.hint)) > 20


@pytest.mark.parametrize("ending", SOUND)
def test_what_was_cut_off_is_told_so_wherever_it_ends(ending: str, tmp_path: Path) -> None:
    whole = SOUND[ending]
    assert [problem.severity for problem in said(tmp_path, whole, ending) if problem.severity == "error"] == []
    for size in {1, 2, 3, 7, 40, 600, len(whole) // 3, len(whole) // 2, len(whole) - 300, len(whole) - 9} - {0}:
        if not 0 < size < len(whole):
            continue
        problems = said(tmp_path, whole[:size], ending)
        read = read_file(tmp_path / f"outages.{ending}", TABLES["outages"]).frame
        assert read.is_empty() or read.height == len(ROWS) - 1, size
        told = [problem for problem in problems if problem.severity == "error"]
        assert told or read.height, size
        assert not any("No header" in str(problem.message) for problem in told), (size, told)


@pytest.mark.parametrize("kind", BEGINS)
@pytest.mark.parametrize("ending", ["xlsx", "csv", "xls"])
def test_other_kinds_of_files_are_named(kind: str, ending: str, tmp_path: Path) -> None:
    (problem,) = said(tmp_path, BEGINS[kind] + random.Random(1).randbytes(500), ending)
    assert kind in str(problem.message)


def test_a_page_in_place_of_a_workbook_is_told_as_text(tmp_path: Path) -> None:
    page = "<html><head><title>登录</title></head><body>请先登录</body></html>"
    for content in (page, "请先登录,再下载\n"):
        (problem,) = said(tmp_path, content.encode(), "xlsx")
        assert "it is text" in str(problem.hint)
        assert not any("it is text" in str(each.hint) for each in said(tmp_path, content.encode(), "csv"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_text_is_text_in_every_encoding(encoding: str, tmp_path: Path) -> None:
    if encoding != "utf-16-le":
        assert not is_no_text(TEXT.encode(encoding))
    assert not said(tmp_path, TEXT.encode(encoding), "csv")
