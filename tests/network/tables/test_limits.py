"""What a file can be beyond all limits: each gives one problem, soon, and takes nothing else along."""

from __future__ import annotations

import gzip
import io
import json
import struct
import time
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Problem, read_workspace
from network.tables import limits
from network.tables.limits import bounded
from tests.network.tables import clerks

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
    'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>',
}  # fmt: skip


def workbook(cells: dict[str, str]) -> bytes:
    """Return a workbook with one sheet that holds these texts."""
    rows = "".join(
        f'<row r="{"".join(filter(str.isdigit, at))}"><c r="{at}" t="inlineStr"><is><t>{word}</t></is></c></row>'
        for at, word in cells.items()
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in PARTS.items():
            archive.writestr(name, part)
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        )
    return content.getvalue()


def xml_workbook(rows: str) -> bytes:
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    return (
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet><Table>'
        f"<Row><Cell><Data>node</Data></Cell></Row>{rows}</Table></Worksheet></Workbook>"
    ).encode()


def open_document(cells: str) -> bytes:
    content = io.BytesIO()
    names = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content{names}><office:body><office:spreadsheet><table:table table:name='S'>{cells}"
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry '
            'manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>',
        )
    return content.getvalue()


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a cell in the last column of the last row": ("xlsx", lambda: workbook({"A1": "node", "A2": "S", "XFD1048576": "x"})),
    "a cell far to the right of many": ("xlsx", lambda: workbook({"A1": "node", "ZZZ5000": "x"})),
    "a cell of 300 MB": ("xlsx", lambda: workbook({"A1": "node", "A2": "x" * 300_000_000})),
    "a million columns": ("csv", lambda: b"node" + b",c" * 1_000_000 + b"\nS" + b"," * 1_000_000 + b"\n"),
    "one line for all": ("csv", lambda: b"node,name," * 2_000_000),
    "a value of 100 MB": ("csv", lambda: b"node,name\nS," + b"x" * 100_000_000 + b"\n"),
    "a value of 100 MB with a stray quote": ("csv", lambda: b'node,name\nS,a"' + b"x" * 100_000_000 + b"\n"),
    "a column span of 99,999": ("xls", lambda: b"<table><tr><th>node</th></tr>" + b"<tr><td colspan=99999>S</td></tr>" * 3000),
    "spans of rows and columns": (
        "xls", lambda: b"<html><table><tr><th>node</th></tr>" + b"<tr><td colspan=9999 rowspan=9999>S</td></tr>" * 3000,
    ),
    "a cell index of 99999999": (
        "xls", lambda: xml_workbook('<Row ss:Index="99999999"><Cell ss:Index="99999999"><Data>S</Data></Cell></Row>' * 50),
    ),
    "a row index of 1,000,000 with wide rows": (
        "xls", lambda: xml_workbook('<Row ss:Index="1000000"><Cell ss:Index="9999"><Data>S</Data></Cell></Row>'),
    ),
    "a merge across 99999999": (
        "xls", lambda: xml_workbook('<Row><Cell ss:MergeAcross="99999999"><Data>S</Data></Cell></Row>' * 3000),
    ),
    "a packed file of 3 GB": ("csv.gz", lambda: gzip.compress(b"node\n") + gzip.compress(b"x" * (1 << 28), 1) * 12),
    "JSON nested 100,000 deep": ("json", lambda: b"[" * 100_000 + b"]" * 100_000),
    "JSON with other names in each record": (
        "json", lambda: json.dumps([{f"n{at}": at} for at in range(9_000)]).encode(),
    ),
    "a quote that is never closed": ("csv", lambda: b'node\n"' + b"x,y\n" * 2_000_000),
    "rows that do not fit": ("csv", lambda: b"node,station_id\n" + b"x\n" * 2_000_000),
    "damaged Parquet": ("parquet", lambda: _damaged(_parquet({"node": ["S"] * 1000}))),
}  # fmt: skip


def _parquet(columns: dict[str, object]) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content)
    return content.getvalue()


def _damaged(content: bytes) -> bytes:
    return bytes(
        letter ^ (0x5A if at % 7 == 0 and 20 < at < len(content) - 60 else 0) for at, letter in enumerate(content)
    )


@pytest.mark.parametrize("kind", FILES)
def test_what_is_beyond_a_limit_is_one_problem_soon(kind: str, tmp_path: Path) -> None:
    ending, make = FILES[kind]
    (tmp_path / f"sources.{ending}").write_bytes(make())
    (tmp_path / "branches.csv").write_text("branch_id,from_node,to_node,kind\nL,S,A,line\n")
    begun = time.process_time()
    read = read_workspace(tmp_path)
    assert time.process_time() - begun < 10
    assert [problem.severity for problem in read.problems_of("sources")] == ["error"], read.problems
    assert read.tables["branches"].height == 1


def test_blank_cells_to_the_end_of_an_open_document_are_usual(tmp_path: Path) -> None:
    row, cell = "table:table-row", "table:table-cell"
    said = "".join(
        f"<{row}><{cell} office:value-type='string'><text:p>{word}</text:p></{cell}>"
        f"<{cell} table:number-columns-repeated='16383'/></{row}>"
        for word in ("node", "S")
    )
    blank = f"<{row} table:number-rows-repeated='1048574'><{cell} table:number-columns-repeated='16384'/></{row}>"
    (tmp_path / "sources.ods").write_bytes(open_document(said + blank))
    assert read_workspace(tmp_path).tables["sources"]["node"].to_list() == ["S"]


def test_tables_in_tables_are_read_each_by_itself(tmp_path: Path) -> None:
    deep = "<table><tr><td>" * 3000 + "</td></tr></table>" * 3000
    (tmp_path / "sources.xls").write_text(
        f"<html><table><tr><td><table><tr><th>node</th></tr><tr><td>S</td></tr></table>{deep}"
    )
    begun = time.process_time()
    assert read_workspace(tmp_path).tables["sources"]["node"].to_list() == ["S"]
    assert time.process_time() - begun < 10


def problems_of(columns: dict[str, object], folder: Path) -> list[Problem]:
    (folder / "outages.parquet").write_bytes(_parquet(columns))
    return list(read_workspace(folder).problems)


def test_times_out_of_range_are_named(tmp_path: Path) -> None:
    start = pa.array([2**62, 1_650_000_000_000], pa.timestamp("ms"))
    found = problems_of(
        {
            "outage_id": ["a", "b"],
            "start": start,
            "nature": ["F-INT"] * 2,
            "users": [5, 5],
            "region_class": ["urban"] * 2,
        },
        tmp_path,
    )
    (wrong,) = [problem for problem in found if problem.column == "start"]
    assert (wrong.row, wrong.value) == (2, str(2**62))


def test_durations_are_no_reason_to_stop(tmp_path: Path) -> None:
    found = problems_of(
        {"outage_id": ["a"], "start": pa.array([2**40], pa.duration("ms")), "nature": ["F-INT"]}, tmp_path
    )
    assert any(problem.column == "start" and problem.severity == "error" for problem in found)


@pytest.mark.parametrize(("unit", "per_second"), [("ms", 1000), ("us", 10**6), ("ns", 10**9)])
def test_a_typed_duration_says_itself_how_long_it_is(unit: str, per_second: int, tmp_path: Path) -> None:
    lasted = pa.array([5400 * per_second + per_second // 2, -per_second], pa.duration(unit))
    columns = {"outage_id": ["a", "b"], "start": ["2022-03-01 08:00"] * 2, "停电时长": lasted, "nature": ["F-INT"] * 2,
               "users": [5, 5], "region_class": ["urban"] * 2}  # fmt: skip
    found = problems_of(columns, tmp_path)
    assert [(problem.row, problem.column) for problem in found if problem.severity == "error"] == [(3, "end")]
    assert read_workspace(tmp_path).tables["outages"]["end"].to_list() == [datetime(2022, 3, 1, 9, 30, 0, 500_000)]


def test_half_a_character_in_json_is_named(tmp_path: Path) -> None:
    for text in ('[{"node": "\\ud800"}]', '[{"no\\udfffde": "S"}]'):
        (tmp_path / "sources.json").write_text(text)
        assert ["half a character" in str(problem.message) for problem in read_workspace(tmp_path).errors] == [True]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_within_the_years_stay_as_they_are(unit: Literal["ms", "us", "ns"]) -> None:
    usual = pl.Series("t", [0, 10**12, None]).cast(pl.Datetime(unit))
    assert bounded(usual).equals(usual)
    wild = pl.Series("t", [0, 2**62, -(2**62)]).cast(pl.Datetime("ms"))
    assert bounded(wild).to_list() == ["1970-01-01 00:00:00.000", str(2**62), str(-(2**62))]
    assert bounded(pl.Series("d", [0, 2**31 - 1]).cast(pl.Int32).cast(pl.Date)).to_list() == [
        "1970-01-01",
        str(2**31 - 1),
    ]


def test_a_number_beyond_all_others_is_named(tmp_path: Path) -> None:
    (tmp_path / "branches.csv").write_text(
        "branch_id,from_node,to_node,kind,length_km\nL,S,A,line,1e308\nM,S,A,line,0.5\n"
    )
    read = read_workspace(tmp_path)
    assert read.tables["branches"]["length_km"].to_list() == [None, 0.5]
    (wrong,) = [problem for problem in read.errors if problem.column == "length_km"]
    assert (wrong.row, wrong.value) == (2, "1e308")


def test_settings_nested_too_deep_are_named(tmp_path: Path) -> None:
    (tmp_path / "sources.csv").write_text("node\nS\n")
    (tmp_path / "fudian.toml").write_text("a = " + "[" * 5000 + "]" * 5000 + "\n")
    read = read_workspace(tmp_path)
    assert read.tables["sources"].height == 1
    assert any("nested too deep" in str(problem.message) for problem in read.errors)


def test_no_person_stands_in_a_problem(tmp_path: Path) -> None:
    """A comma too many, one too few, a name where yes or no belongs, and a file without its header."""
    header = "customer_id,transformer_id,name,phone,address,important,verified\n"
    rows = (
        "C1,T1,王小明,13812345678,西华县城关镇人民路12号,是,是\n"
        "C2,T1,李四,光,13987654321,西华县东王营乡3组,否,否\n"
        "C3,T1,13712345678,西华县奉母镇,赵六,是\n"
        "C4,T1,西华县聂堆镇,孙七,13612345678,13512345678,周八\n"
    )
    for folder, content in (("with", header + rows), ("without", rows), ("mixed", header + rows[:60] + "é")):
        place = tmp_path / folder
        place.mkdir()
        (place / "customers.csv").write_bytes(content.encode("gb18030") if folder == "mixed" else content.encode())
        (place / "transformers.csv").write_text("transformer_id,node\nT1,A\n")
        said = " ".join(problem.line("zh") + str(problem.as_dict("zh")) for problem in read_workspace(place).problems)
        assert "customers.csv" in said
        for word in (
            "小明",
            "李四",
            "赵六",
            "孙七",
            "周八",
            "13812345678",
            "13987654321",
            "人民路",
            "王营",
            "奉母",
            "聂堆",
        ):
            assert word not in said, (folder, word)


def _old_workbook() -> bytes:
    return clerks.xls({"S": [["node", "name"], *([f"N{at}", "x" * 40] for at in range(200))]})


def _with_dimensions(content: bytes, last_row: int, last_column: int) -> bytes:
    at = content.index(struct.pack("<HH", 0x0200, 14))
    return content[: at + 8] + struct.pack("<IHH", last_row, 0, last_column) + content[at + 16 :]


def _with_endless_chain(content: bytes) -> bytes:
    table = (struct.unpack_from("<I", content, 76)[0] + 1) * 512
    return content[:table] + struct.pack("<128I", *([0] * 128)) + content[table + 512 :]


BROKEN_WORKBOOKS: dict[str, Callable[[bytes], bytes]] = {
    "rows beyond the form": lambda content: _with_dimensions(content, 0x0D950000, 2),
    "columns beyond the form": lambda content: _with_dimensions(content, 201, 60_000),
    "a chain without an end": _with_endless_chain,
    "cut off": lambda content: content[:700],
}


@pytest.mark.parametrize("kind", BROKEN_WORKBOOKS)
def test_old_workbooks_that_a_reader_would_follow_for_ever(kind: str, tmp_path: Path) -> None:
    (tmp_path / "sources.xls").write_bytes(_old_workbook())
    assert read_workspace(tmp_path).tables["sources"].height == 200
    (tmp_path / "sources.xls").write_bytes(BROKEN_WORKBOOKS[kind](_old_workbook()))
    begun = time.process_time()
    read = read_workspace(tmp_path)
    assert [problem.severity for problem in read.problems_of("sources")] == ["error"]
    assert time.process_time() - begun < 10


def test_notes_on_a_parquet_file_that_are_no_text_are_named(tmp_path: Path) -> None:
    noted = pa.schema([pa.field("node", pa.string(), metadata={"unit": b"\xff\xfe"})])
    pq.write_table(pa.table({"node": ["S"]}, schema=noted), tmp_path / "sources.parquet")
    problems = read_workspace(tmp_path).problems_of("sources")
    assert [(problem.severity, "Parquet" in problem.line()) for problem in problems] == [("error", True)]


def test_texts_of_a_parquet_file_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "sources.parquet").write_bytes(_parquet({"node": ["SSSS"]}).replace(b"SSSS", b"S\xff\xfeS"))
    assert [problem.severity for problem in read_workspace(tmp_path).problems_of("sources")] == ["error"]


def test_an_open_document_that_is_not_well_formed_is_named(tmp_path: Path) -> None:
    (tmp_path / "sources.ods").write_bytes(open_document("<table:table-row><{table:table>"))
    assert [problem.severity for problem in read_workspace(tmp_path).problems_of("sources")] == ["error"]


places = st.builds(
    "{}{}".format,
    st.sampled_from(["", "A", "Z", "b", "AA", "XFD", "$A$", "$", "$AB", "A$"]),
    st.sampled_from([1, 9, 10, 12345, 99999, 100000, 1048576]),
)
attributes = st.builds(
    "{}{}{}".format,
    st.sampled_from([" r=", " r =", " r= ", " spans=", " t=", " x:r=", " r="]),
    st.sampled_from(['"', "'"]),
    places,
)
elements = st.one_of(
    st.tuples(st.sampled_from(["c", "row", "x:c"]), attributes).map(
        lambda each: "<" + each[0] + each[1] + ('"' if '"' in each[1] else "'") + ">"
    ),
    st.sampled_from(["<v>1</v>", '<t>"</t>', "<t>it's</t>", '<t>r="AB1"</t>', "</c>", "<f>A1</f>", "<x:f>", "text of"]),
)


@given(st.lists(elements, max_size=6).map("".join))
def test_the_quick_look_at_a_sheet_misses_nothing(piece: str) -> None:
    """Against the plain search: whatever it finds, the quick look lets it look for."""
    content = piece.encode()
    assert limits._may_reach_far(content) or not limits._FAR.search(content)
    assert limits._has_marks(content) == any(mark in content for mark in (b"mergeCell", b"<f", b":f", b"-spanned="))
