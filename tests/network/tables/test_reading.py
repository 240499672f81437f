"""Files of every form become the same table, and all that is wrong with them is said."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from network.problems import Problem
from network.tables.reading import ReadTable, read_file, read_frame
from network.tables.schema import TABLES
from network.tables.table_form import ROW
from network.tables.words import Words

OUTAGES = TABLES["outages"]
HEADER = "outage_id,start,end,nature,branch_id"
GOOD = "O1,2022-07-20 08:05:00,2022-07-20 09:05:00,F-INT,B1"
CHINESE = (
    "停电编号,停电开始时间,停电结束时间,停电性质,支路编码\n故障一,2022/7/20 8:05,2022/7/20 9:05,内部故障停电,城东线\n"
)


def read(folder: Path, content: str | bytes, name: str = "outages.csv", table: str = "outages") -> ReadTable:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, TABLES[table])


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, [problem.line() for problem in problems]
    return problems[0]


def test_plain_file(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADER}\n{GOOD}\n")
    assert result.problems == ()
    assert result.encoding == "utf-8"
    assert result.file == "outages.csv"
    assert dict(result.frame.schema) == OUTAGES.polars_schema
    row = result.frame.row(0, named=True)
    assert {name: row[name] for name in ("outage_id", "start", "end", "nature", "branch_id", "feeder_id", ROW)} == {
        "outage_id": "O1",
        "start": datetime(2022, 7, 20, 8, 5),
        "end": datetime(2022, 7, 20, 9, 5),
        "nature": "F-INT",
        "branch_id": "B1",
        "feeder_id": None,
        ROW: 2,
    }


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030"), ("gbk", "gb18030"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings(tmp_path: Path, encoding: str, said: str, end: str) -> None:
    result = read(tmp_path, CHINESE.replace("\n", end).encode(encoding))
    assert result.problems == ()
    assert result.encoding == said
    assert result.frame.select("outage_id", "branch_id").row(0) == ("故障一", "城东线")


@pytest.mark.parametrize("delimiter", [",", "，", "\t", ";"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    result = read(tmp_path, CHINESE.replace(",", delimiter))
    assert result.problems == ()
    assert result.frame["branch_id"].to_list() == ["城东线"]


def test_mixed_encodings_name_row_and_byte_and_keep_the_rest(tmp_path: Path) -> None:
    good = CHINESE.encode()
    foreign = "故障二,2022/7/21 8:05,2022/7/21 9:05,内部故障停电,城西线\n".encode("gbk")
    result = read(tmp_path, good + foreign + "O3,2022/7/22 8:05,,检修停电,B3\n".encode())
    assert result.frame["outage_id"].to_list() == ["故障一", "O3"]
    assert result.frame[ROW].to_list() == [2, 4]
    problem = only(result.problems)
    assert (problem.severity, problem.row) == ("error", 3)
    assert f"breaks at byte {len(good)}" in str(problem.message)
    assert "故障二" in (problem.value or "")


def test_utf8_rows_in_a_gbk_file_are_not_read_as_other_characters(tmp_path: Path) -> None:
    good = CHINESE.encode("gbk")
    result = read(tmp_path, good + "故障二号,2022/7/21 8:05,,内部故障停电,城西线\n".encode())
    assert result.frame["outage_id"].to_list() == ["故障一"]
    problem = only(result.problems)
    assert (problem.severity, problem.row) == ("error", 3)
    assert f"byte {len(good)}" in str(problem.message)


def test_gbk_that_is_valid_utf8_too_is_said(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADER}\n{GOOD.replace('B1', '路')}\n".encode("gbk"))
    problem = only(result.problems)
    assert (problem.severity, problem.row) == ("warning", 2)
    assert "路" in str(problem.message)
    assert "·" in str(problem.message)


def test_broken_utf16(tmp_path: Path) -> None:
    result = read(tmp_path, CHINESE.encode("utf-16")[:-1])
    assert "breaks at byte" in str(only(result.problems).message)


def test_empty_file_is_a_warning(tmp_path: Path) -> None:
    result = read(tmp_path, "")
    assert result.frame.equals(OUTAGES.empty())
    assert only(result.problems).severity == "warning"


def test_table_without_rows_is_a_warning(tmp_path: Path) -> None:
    for content in (HEADER, HEADER + "\n", HEADER + "\n,,,,\n\n"):
        result = read(tmp_path, content)
        assert result.frame.equals(OUTAGES.empty())
        problem = only(result.problems)
        assert (problem.severity, str(problem.message)) == ("warning", "The table has no rows")


def test_file_without_header_is_an_error(tmp_path: Path) -> None:
    result = read(tmp_path, GOOD + "\n")
    problem = only(result.problems)
    assert problem.severity == "error"
    assert "No header row" in str(problem.message)
    assert "停电编号" in str(problem.hint)


def test_missing_column_names_what_was_found(tmp_path: Path) -> None:
    result = read(tmp_path, "outage_id,start,branch_id\nO1,2022-07-20,B1\n")
    assert result.frame.equals(OUTAGES.empty())
    problem = only(result.problems)
    assert (problem.severity, problem.file, problem.column) == ("error", "outages.csv", "nature")
    assert "outage_id, start, branch_id" in str(problem.hint)


def test_unknown_column_is_ignored_with_the_nearest_name(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADER},externall,天气\n{GOOD},是,晴\n")
    assert result.frame.height == 1
    assert [(problem.severity, problem.row, problem.value) for problem in result.problems] == [
        ("warning", 1, "externall"),
        ("warning", 1, "天气"),
    ]
    assert "external" in str(result.problems[0].hint)


def test_two_headers_for_one_column(tmp_path: Path) -> None:
    header = HEADER.replace("start", "停电时间") + ",start"
    result = read(tmp_path, f"{header}\n{GOOD},2022-07-20 08:00:00\n")
    assert result.frame["start"].to_list() == [datetime(2022, 7, 20, 8)]
    problem = only(result.problems)
    assert (problem.severity, problem.column, problem.value) == ("warning", "start", "停电时间")


def test_values_without_header(tmp_path: Path) -> None:
    assert read(tmp_path, f"{HEADER},\n{GOOD},\n").problems == ()
    problem = only(read(tmp_path, f"{HEADER},\n{GOOD},x\n").problems)
    assert (problem.severity, "Column 6" in str(problem.message)) == ("warning", True)


def test_chinese_headers_below_title_rows(tmp_path: Path) -> None:
    content = "西华县供电公司停电记录,,,,\n统计时间：2022年7月,,,,\n\n" + CHINESE.replace(
        "停电编号", " 停电\u3000编号* "
    )
    result = read(tmp_path, content.encode("gbk"))
    assert result.problems == ()
    assert result.frame["outage_id"].to_list() == ["故障一"]
    assert result.frame[ROW].to_list() == [5]


def test_title_rows_may_be_shorter_than_the_header(tmp_path: Path) -> None:
    result = read(tmp_path, "停电记录\n" + CHINESE)
    assert result.problems == ()
    assert result.frame[ROW].to_list() == [3]


def test_header_with_line_break_inside(tmp_path: Path) -> None:
    result = read(tmp_path, CHINESE.replace("停电开始时间", '"停电开始\n时间"'))
    assert result.problems == ()
    assert result.frame[ROW].to_list() == [2]


@pytest.mark.parametrize(
    ("header", "written", "value"),
    [
        ("length_km", "1.5", 1.5),
        ("长度", "1.5", 1.5),
        ("长度（km）", "1.5", 1.5),
        ("长度(公里)", "1.5", 1.5),
        ("长度（ｍ）", "850", 0.85),
        ("Length (m)", "850", 0.85),
    ],
)
def test_units_in_headers(tmp_path: Path, header: str, written: str, value: float) -> None:
    content = f"branch_id,from_node,to_node,kind,{header}\nB1,S,N,line,{written}\n"
    result = read(tmp_path, content, "branches.csv", "branches")
    assert result.problems == ()
    assert result.frame["length_km"].to_list() == [value]


def test_units_of_other_kinds(tmp_path: Path) -> None:
    header = "支路编码,首端节点,末端节点,支路类型,额定电流（kA）,修复时间（分钟）,故障率（次/百公里·年）"
    content = f"{header}\nB1,S,N,line,0.4,90,5\n"
    result = read(tmp_path, content, "branches.csv", "branches")
    assert result.problems == ()
    assert result.frame.select("rating_a", "repair_h", "failures_per_km_yr").row(0) == (400.0, 1.5, 0.05)
    content = "台区编号,节点,变压器容量（MVA）,负荷(MW)\nT1,N,0.4,0.1\n"
    result = read(tmp_path, content, "transformers.csv", "transformers")
    assert result.frame.select("capacity_kva", "load_kw").row(0) == (400.0, 100.0)


@pytest.mark.parametrize("header", ["长度（h）", "长度（英里）"])
def test_wrong_unit_is_an_error_and_the_column_is_not_read(tmp_path: Path, header: str) -> None:
    content = f"branch_id,from_node,to_node,kind,{header}\nB1,S,N,line,1\n"
    result = read(tmp_path, content, "branches.csv", "branches")
    assert result.frame["length_km"].to_list() == [None]
    problem = only(result.problems)
    assert (problem.severity, problem.column, problem.value) == ("error", "length_km", header)


def test_time_in_another_zone_by_its_header(tmp_path: Path) -> None:
    result = read(tmp_path, f"{HEADER.replace('end', '停电结束时间（UTC）')}\n{GOOD.replace('09:05', '01:05')}\n")
    assert result.frame["end"].to_list() == [datetime(2022, 7, 20, 9, 5)]
    problem = only(result.problems)
    assert (problem.severity, problem.row, problem.column) == ("warning", None, "end")


def test_an_end_in_a_zone_that_is_not_known_leaves_its_rows_out(tmp_path: Path) -> None:
    content = f"{HEADER.replace('end', '停电结束时间（EST）')}\n{GOOD}\nO2,2022-07-20 08:05:00,,F-INT,B1\n"
    result = read(tmp_path, content)
    assert result.frame.select("outage_id", "end").rows() == [("O2", None)]
    problem = only(result.problems)
    assert (problem.severity, problem.row, problem.column) == ("error", 1, "end")


def test_ragged_rows_are_left_out_and_the_rest_stays(tmp_path: Path) -> None:
    content = f"{HEADER}\n{GOOD}\nO2,2022-07-20 08:05:00\nO3,a,b,c,d,e\n{GOOD.replace('O1', 'O4')},,\n"
    result = read(tmp_path, content)
    assert result.frame["outage_id"].to_list() == ["O1", "O4"]
    assert result.frame[ROW].to_list() == [2, 5]
    assert [(problem.severity, problem.row) for problem in result.problems] == [("error", 3), ("error", 4)]
    assert str(result.problems[0].message) == "The row has 2 values, the header has 5"


def test_quoted_values(tmp_path: Path) -> None:
    content = f'{HEADER},cause\n{GOOD},"树障, 见\n""记录"""\n{GOOD.replace("O1", "O2")},"单纯"\n'
    result = read(tmp_path, content)
    assert result.problems == ()
    assert result.frame["cause"].to_list() == ['树障, 见\n"记录"', "单纯"]
    assert result.frame[ROW].to_list() == [2, 3]


def test_quotes_where_they_should_not_be(tmp_path: Path) -> None:
    stray = read(tmp_path, f'{HEADER},cause\n{GOOD},5" 管 6"\n{GOOD.replace("O1", "O2")},x\n')
    assert stray.frame["cause"].to_list() == ['5" 管 6"', "x"]
    never_closed = read(tmp_path, f'{HEADER},cause\n{GOOD},5" 管\n{GOOD.replace("O1", "O2")},x\n')
    assert never_closed.frame["cause"].to_list() == ['5" 管', "x"]
    assert never_closed.problems == ()


def test_unreadable_values(tmp_path: Path) -> None:
    content = (
        f"{HEADER},external\n"
        f"{GOOD},maybe\n"
        "O2,gestern,2022-07-20 09:05:00,F-INT,B1,\n"
        "O3,2022-07-20 08:05:00,sometime,F-INT,B1,\n"
        "O4,2022-07-20 08:05:00,,F-INT,B1,\n"
        "O5,,,F-INT,B1,\n"
        "1.23457E+15,2022-07-20 08:05:00,,F-INT,B1,\n"
    )
    result = read(tmp_path, content)
    assert result.frame.select("outage_id", "external").rows() == [("O1", None), ("O4", None)]
    assert [(p.severity, p.row, p.column, p.value, p.object_id) for p in result.problems] == [
        ("error", 2, "external", "maybe", "O1"),
        ("error", 3, "start", "gestern", "O2"),
        ("error", 4, "end", "sometime", "O3"),
        ("error", 6, "start", None, "O5"),
        ("error", 7, "outage_id", "1.23457E+15", None),
    ]


def test_default_fills_blanks_but_not_what_is_unreadable(tmp_path: Path) -> None:
    content = "transformer_id,node,public\nT1,N,\nT2,N,也许\nT3,N,专变\n"
    result = read(tmp_path, content, "transformers.csv", "transformers")
    assert result.frame["public"].to_list() == [True, None, False]
    assert only(result.problems).row == 3
    without = read(tmp_path, "transformer_id,node\nT1,N\n", "transformers.csv", "transformers")
    assert without.frame["public"].to_list() == [True]


def test_code_maps_reach_the_column(tmp_path: Path) -> None:
    path = tmp_path / "transformers.csv"
    path.write_text("transformer_id,node,变压器类型\nT1,N,1\nT2,N,2\n", encoding="utf-8")
    table = TABLES["transformers"]
    assert read_file(path, table).frame["public"].to_list() == [None, None]
    for name in ("public", "transformers.public"):
        result = read_file(path, table, Words(codes={name: {"1": True, "2": False}}))
        assert result.problems == ()
        assert result.frame["public"].to_list() == [True, False]


def write_workbook(path: Path, rows: Sequence[Sequence[object]], start: int = 0) -> None:
    book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss"})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows, start=start):
        for column, value in enumerate(row):
            if value == "#N/A":
                sheet.write_formula(number, column, "=NA()", None, "#N/A")
            elif value is not None:
                sheet.write(number, column, value)
    book.close()


def test_workbook_with_title_and_real_dates(tmp_path: Path) -> None:
    start, end = datetime(2022, 7, 20, 8, 5), datetime(2022, 7, 20, 9, 5, 30)
    rows: list[list[object]] = [
        ["停电记录"],
        ["停电编号", "停电开始时间", "停电结束时间", "停电性质", "支路编码"],
        ["0012", start, end, "检修停电", 7],
        [],
        [13, start, None, "检修停电", "B7"],
        [14, start, "#N/A", "检修停电", "B7"],
    ]
    write_workbook(tmp_path / "outages.xlsx", rows, start=2)
    result = read_file(tmp_path / "outages.xlsx", OUTAGES)
    assert result.frame.select("outage_id", "start", "end", "branch_id", ROW).rows() == [
        ("0012", start, end, "7", 5),
        ("13", start, None, "B7", 7),
    ]
    problem = only(result.problems)
    assert (problem.severity, problem.row, problem.column, problem.value) == ("error", 8, "end", "#N/A")


def test_workbook_refuses_long_ids_stored_as_numbers(tmp_path: Path) -> None:
    header: list[object] = ["customer_id", "transformer_id"]
    write_workbook(tmp_path / "customers.xlsx", [header, [1234567890123456789, "T1"], [4100012345, "T1"]])
    result = read_file(tmp_path / "customers.xlsx", TABLES["customers"])
    assert result.frame["customer_id"].to_list() == ["4100012345"]
    assert only(result.problems).row == 2


def test_workbook_takes_the_sheet_that_holds_the_table(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "nodes.xlsx")
    book.add_worksheet("说明").write(0, 0, "导出说明")
    sheet = book.add_worksheet("数据")
    sheet.write_row(0, 0, ["节点", "经度", "纬度"])
    sheet.write_row(1, 0, ["N1", 114.5, 33.8])
    book.close()
    result = read_file(tmp_path / "nodes.xlsx", TABLES["nodes"])
    problem = only(result.problems)
    assert (problem.severity, problem.sheet, "was not read" in str(problem.message)) == ("warning", "说明", True)
    assert result.frame.rows() == [("N1", 114.5, 33.8, 2)]


def test_empty_and_damaged_workbooks(tmp_path: Path) -> None:
    write_workbook(tmp_path / "outages.xlsx", [])
    assert only(read_file(tmp_path / "outages.xlsx", OUTAGES).problems).severity == "warning"
    write_workbook(tmp_path / "outages.xlsx", [HEADER.split(",")])
    assert str(only(read_file(tmp_path / "outages.xlsx", OUTAGES).problems).message) == "The table has no rows"
    content = (tmp_path / "outages.xlsx").read_bytes()
    for damaged in (content[: len(content) // 2], b"\xd0\xcf\x11\xe0" + b"\0" * 600):
        problem = only(read(tmp_path, damaged, "outages.xls").problems)
        assert (problem.severity, "cannot be opened" in str(problem.message)) == ("error", True)


def test_xls_that_is_html(tmp_path: Path) -> None:
    page = (
        '<html><head><meta charset="gb2312"></head><body><table>'
        "<tr><td colspan=5>停电记录</td></tr>"
        "<tr><th>停电编号<br></th><th>停电开始时间</th><th>停电结束时间</th><th>停电性质</th><th>支路编码</th></tr>"
        "<tr><td>O1</td><td>2022/7/20 8:05</td><td>2022/7/20&nbsp;9:05</td>"
        "<td rowspan=2>内部故障停电</td><td>城东线</td></tr>"
        "<tr><td>O2</td><td>2022/7/20 8:05</td><td></td><td>B2</td></tr>"
        "<tr><td>O3</td></tr>"
        "</table></body></html>"
    )
    result = read(tmp_path, page.encode("gbk"), "outages.xls")
    assert result.frame.select("outage_id", "end", "nature", "branch_id", ROW).rows() == [
        ("O1", datetime(2022, 7, 20, 9, 5), "F-INT", "城东线", 3),
        ("O2", None, "F-INT", "B2", 4),
    ]
    problem = only(result.problems)
    assert (problem.severity, problem.row) == ("error", 5)


def test_xls_that_is_tabbed_text(tmp_path: Path) -> None:
    result = read(tmp_path, CHINESE.replace(",", "\t").encode("gbk"), "outages.xls")
    assert result.problems == ()
    assert result.frame["branch_id"].to_list() == ["城东线"]


def test_xls_that_is_xml(tmp_path: Path) -> None:
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    head = "".join(f'<Cell><Data ss:Type="String">{name}</Data></Cell>' for name in ("节点", "经度", "纬度"))
    page = (
        f'<?xml version="1.0" encoding="UTF-8"?><Workbook xmlns="{space}" xmlns:ss="{space}">'
        f'<Worksheet ss:Name="1"><Table><Row ss:Index="2">{head}</Row>'
        '<Row><Cell><Data ss:Type="String">N1</Data></Cell>'
        '<Cell ss:Index="3"><Data ss:Type="Number">33.8</Data></Cell></Row>'
        "</Table></Worksheet></Workbook>"
    )
    result = read(tmp_path, page, "nodes.xls", "nodes")
    assert result.problems == ()
    assert result.frame.rows() == [("N1", None, 33.8, 3)]
    assert "cannot be opened" in str(only(read(tmp_path, page[:-30], "nodes.xls", "nodes").problems).message)


def test_html_without_table_has_no_header(tmp_path: Path) -> None:
    problem = only(read(tmp_path, "<html><body>会话已过期</body></html>", "outages.xls").problems)
    assert (problem.severity, "No header row" in str(problem.message)) == ("error", True)


def test_half_written_parquet(tmp_path: Path) -> None:
    whole = io.BytesIO()
    pl.DataFrame({"outage_id": ["O1"] * 1000}).write_parquet(whole)
    for content in (whole.getvalue()[:200], b"", b"PAR1"):
        result = read(tmp_path, content, "outages.parquet")
        assert result.frame.equals(OUTAGES.empty())
        problem = only(result.problems)
        assert (problem.severity, problem.file) == ("error", "outages.parquet")
        assert str(problem.message) == "This is not a complete Parquet file"


def test_typed_parquet_passes_through(tmp_path: Path) -> None:
    start = datetime(2022, 7, 20, 8, 5)
    frame = pl.DataFrame(
        {
            "outage_id": [1, 2],
            "start": pl.Series([start, start]).dt.replace_time_zone("Asia/Shanghai"),
            "end": pl.Series([start, None], dtype=pl.Datetime("ns")),
            "nature": pl.Series(["F-INT", "检修停电"], dtype=pl.Categorical),
            "external": [True, None],
            "branch_id": ["B1", None],
        }
    )
    frame.write_parquet(tmp_path / "outages.parquet")
    result = read_file(tmp_path / "outages.parquet", OUTAGES)
    assert result.problems == ()
    assert result.encoding is None
    assert result.frame.select("outage_id", "start", "end", "nature", "external", ROW).rows() == [
        ("1", start, start, "F-INT", True, 2),
        ("2", start, None, "P-PLAN-MAINT", None, 3),
    ]


def test_frames_keep_their_rows() -> None:
    frame = pl.DataFrame({"node": ["a", "b"], ROW: [7, 9]})
    result, problems = read_frame(frame, TABLES["nodes"])
    assert problems == ()
    assert result[ROW].to_list() == [7, 9]


def test_many_problems_are_all_listed(tmp_path: Path) -> None:
    rows = "\n".join(f"O{i},nonsense {i},,F-INT,B1" for i in range(20_000))
    result = read(tmp_path, f"{HEADER}\n{rows}\n")
    assert len(result.problems) == 20_000
    assert result.problems[-1].row == 20_001


WORDS = st.text(st.characters(codec="gb18030", categories=["L", "N"]), min_size=1, max_size=12).filter(
    lambda word: word.lower() not in {"null", "none", "nan", "nat", "无", "空"}
)
IDS = st.text("0123456789ABCXYZ线路", min_size=1, max_size=14).filter(lambda word: word not in {"0"})
TIMES = st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)).map(lambda time: time.replace(microsecond=0))
OUTAGE = st.fixed_dictionaries(
    {
        "outage_id": IDS,
        "start": TIMES,
        "end": st.none() | TIMES,
        "nature": st.sampled_from(["F-INT", "F-EXT", "P-TEMP-CUST"]),
        "external": st.none() | st.booleans(),
        "cause": st.none() | WORDS,
        "users": st.none() | st.integers(1, 10**6),
    }
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(OUTAGE, min_size=1, max_size=8), chinese=st.booleans())
@pytest.mark.parametrize("form", ["utf-8", "utf-8-sig", "gb18030", "xlsx", "parquet"])
def test_round_trip(tmp_path: Path, form: str, rows: list[dict[str, object]], chinese: bool) -> None:
    columns = list(rows[0])
    schema = {name: OUTAGES[name].polars_type for name in columns}
    frame = pl.DataFrame(rows, schema=schema)
    chinese = chinese or form == "gb18030"  # a lone 路 in GBK is valid UTF-8 too
    written = frame.rename({name: OUTAGES[name].chinese for name in columns}) if chinese else frame
    path = tmp_path / ("outages." + (form if form in {"xlsx", "parquet"} else "csv"))
    if form == "parquet":
        written.write_parquet(path)
    elif form == "xlsx":
        write_workbook(path, [written.columns, *map(list, written.rows())])
    else:
        path.write_bytes(written.write_csv(datetime_format="%Y-%m-%d %H:%M:%S").encode(form))
    result = read_file(path, OUTAGES)
    uncertain = form == "utf-8" and any(problem.severity == "warning" for problem in result.problems)
    assert uncertain or result.problems == ()  # a short word can be valid in both encodings, and that is said
    assert result.frame.select(columns).equals(frame)
    assert result.frame[ROW].to_list() == list(range(2, frame.height + 2))
