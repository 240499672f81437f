"""Tables as clerks write them give the same figures, or say what they could not take; never another figure in silence."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fudian
from network.complaints import complaints
from network.problems import Problem
from network.tables.columns import fill_merged
from network.tables.folder import part_of_table
from network.tables.sheets import Merged
from network.tables.workspace import Workspace, read_workspace
from tests.network.tables.clerks import (
    USERS_STATED,
    Style,
    html,
    ods,
    records,
    styles,
    write,
    xls,
    xlsb,
    xlsx,
    xml_workbook,
)

OUTAGES = records()
CUSTOMER_HOURS = sum(outage.customer_hours for outage in OUTAGES)
STYLES = styles()


def customer_hours(workspace: Workspace) -> float:
    outages = workspace.tables["outages"].drop_nulls("end")
    hours = (outages["end"] - outages["start"]).dt.total_seconds() / 3600
    return float((hours * outages["users"]).sum())


def with_population(folder: Path) -> Path:
    (folder / "population.csv").write_text(f"region_class,users\nurban,{USERS_STATED}\n", "utf-8")
    return folder


def test_there_are_as_many_styles_as_pairs_need() -> None:
    assert len(STYLES) >= 60


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_every_clerk_gets_the_same_hours(style: Style, tmp_path: Path) -> None:
    write(with_population(tmp_path), OUTAGES, style)
    workspace = read_workspace(tmp_path)
    assert [problem.line() for problem in workspace.errors] == []
    outages = workspace.tables["outages"]
    assert outages["outage_id"].to_list() == [outage.outage_id for outage in OUTAGES]
    assert outages["start"].to_list() == [outage.start for outage in OUTAGES]
    assert outages["end"].to_list() == [outage.end for outage in OUTAGES]
    assert outages["nature"].to_list() == [outage.nature[0] for outage in OUTAGES]
    assert customer_hours(workspace) == pytest.approx(CUSTOMER_HOURS, rel=1e-12)


# -- what must not pass in silence -------------------------------------------------------------------------------------

HEADER = "停电编号,停电开始时间,停电结束时间,停电性质,地区特征,停电户数"
A = "A,2022-03-01 08:00:00,2022-03-01 11:20:00,内部故障停电,市区,10"
B = "B,2022-03-02 08:00:00,2022-03-02 10:00:00,内部故障停电,市区,5"


def of_files(folder: Path, **files: str | bytes) -> Workspace:
    """Read a workspace of these tables; ``__`` in a name is a dot."""
    with_population(folder)
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_workspace(folder)


def ids(workspace: Workspace) -> list[str]:
    return workspace.tables["outages"]["outage_id"].to_list()


def said(workspace: Workspace, severity: str | None = None) -> list[str]:
    return [problem.line() for problem in workspace.problems if severity in {None, problem.severity}]


def only(workspace: Workspace) -> Problem:
    assert len(workspace.problems) == 1, said(workspace)
    return workspace.problems[0]


@pytest.mark.parametrize("sign", ["/", "无", "N/A", "—", "-", "--", " ／ ", "空"])
def test_a_sign_is_no_end(sign: str, tmp_path: Path) -> None:
    """Each of these lasted to this day when a sign was taken for a blank."""
    row = B.replace("2022-03-02 10:00:00", sign)
    workspace = of_files(tmp_path, outages__csv="\n".join((HEADER, A, row)))
    assert ids(workspace) == ["A"]
    problem = only(workspace)
    assert (problem.severity, problem.row, problem.column, problem.value) == ("error", 3, "end", sign)
    assert "leave the cell empty if unknown" not in str(problem.hint)


@pytest.mark.parametrize("blank", ["", "NULL", "null", "None"])
def test_a_blank_end_still_lasts(blank: str, tmp_path: Path) -> None:
    workspace = of_files(tmp_path, outages__csv="\n".join((HEADER, A, B.replace("2022-03-02 10:00:00", blank))))
    assert workspace.tables["outages"]["end"].to_list() == [datetime(2022, 3, 1, 11, 20), None]
    assert said(workspace) == []


def test_a_utility_may_say_which_sign_still_lasts(tmp_path: Path) -> None:
    rows = "\n".join((HEADER, A, B.replace("2022-03-02 10:00:00", "/"), B.replace("2022-03-02 10:00:00", "未送电")))
    settings = '[reading]\nstill_off = ["/", "未送电"]\n'
    workspace = of_files(tmp_path, outages__csv=rows.replace("\nB", "\nC", 1), fudian__toml=settings)
    assert workspace.tables["outages"]["end"].to_list()[1:] == [None, None]
    assert said(workspace) == []


def test_no_column_for_the_end_is_said(tmp_path: Path) -> None:
    rows = "停电编号,停电开始时间,停电性质,地区特征,停电户数\nA,2022-03-01 08:00:00,内部故障停电,市区,10\n"
    problem = only(of_files(tmp_path, outages__csv=rows))
    assert (problem.severity, problem.row, problem.column) == ("warning", None, "end")
    assert "停电时长" in str(problem.hint)


def test_a_part_that_has_lost_its_end_is_not_read_where_others_have_one(tmp_path: Path) -> None:
    lost = "停电编号,停电开始时间,停电性质,地区特征,停电户数\nB,2022-03-02 08:00:00,内部故障停电,市区,5\n"
    workspace = of_files(tmp_path, outages_1月__csv=f"{HEADER}\n{A}\n", outages_2月__csv=lost)
    assert ids(workspace) == ["A"]
    problem = only(workspace)
    assert (problem.severity, problem.file, problem.column) == ("error", "outages_2月.csv", "end")


def test_an_unreadable_end_leaves_its_row_out(tmp_path: Path) -> None:
    workspace = of_files(tmp_path, outages__csv="\n".join((HEADER, A, B.replace("2022-03-02 10:00:00", "当晚"))))
    assert (ids(workspace), only(workspace).severity) == (["A"], "error")


@pytest.mark.parametrize("form", ["xlsx", "xls", "xlsb", "ods", "xml", "html"])
def test_merged_cells_hold_for_each_of_their_rows(form: str, tmp_path: Path) -> None:
    """An end that is merged over three rows; the numbers of users beside it are not."""
    rows = [HEADER.split(",")]
    rows += [
        f"{name},2022-03-01 08:00:00,,内部故障停电,市区,{users}".split(",")
        for name, users in (("A", 10), ("B", 5), ("C", 1))
    ]
    rows[1][2] = "2022-03-01 11:20:00"
    rows.append(["D", "2022-03-01 08:00:00", "", "内部故障停电", "市区", "7"])
    merged = [(1, 2, 3, 2)]
    content = {
        "xlsx": lambda: xlsx({"1月": rows}, merged=merged),
        "xls": lambda: xls({"1月": rows}, merged),
        "xlsb": lambda: xlsb({"1月": rows}, merged),
        "ods": lambda: ods({"1月": rows}, {(1, 2): 3}),
        "xml": lambda: xml_workbook(rows, {(1, 2): 3}),
        "html": lambda: html(rows, {(1, 2): 3}),
    }[form]()
    name = {"xml": "outages__xls", "html": "outages__xls"}.get(form, f"outages__{form}")
    workspace = of_files(tmp_path, **{name: content})
    assert said(workspace) == []
    end = datetime(2022, 3, 1, 11, 20)
    assert workspace.tables["outages"]["end"].to_list() == [end, end, end, None]
    assert workspace.tables["outages"]["users"].to_list() == [10, 5, 1, 7]


def test_a_merged_number_of_users_is_not_counted_for_each_row(tmp_path: Path) -> None:
    rows: list[list[object]] = [list(HEADER.split(",")), [*A.split(",")[:5], 10], [*B.split(",")[:5], None]]
    workspace = of_files(tmp_path, outages__xlsx=xlsx({"1月": rows}, merged=[(1, 5, 2, 5)]))
    assert ids(workspace) == ["A"]
    assert len(said(workspace, "error")) == 1


def test_merged_real_dates(tmp_path: Path) -> None:
    start, end = datetime(2022, 3, 1, 8), datetime(2022, 3, 1, 11, 20)
    rows: list[list[object]] = [list(HEADER.split(","))]
    rows += [[name, start, end if name == "A" else None, "内部故障停电", "市区", 10] for name in "AB"]
    workspace = of_files(tmp_path, outages__xlsx=xlsx({"1月": rows}, merged=[(1, 2, 2, 2)]))
    assert (workspace.tables["outages"]["end"].to_list(), said(workspace)) == ([end, end], [])


def test_a_formula_without_a_value_is_not_a_blank(tmp_path: Path) -> None:
    rows: list[list[object]] = [list(HEADER.split(",")), [*A.split(",")[:5], 10], [*B.split(",")[:5], 5]]
    rows[2][2] = "=B3+C3/24"
    content = without_values(xlsx({"1月": rows}))
    workspace = of_files(tmp_path, outages__xlsx=content)
    assert ids(workspace) == ["A"]
    problem = only(workspace)
    assert (problem.severity, problem.row, problem.column, problem.value) == ("error", 3, "end", "=B3+C3/24")
    assert "calculate" in str(problem.hint)


def without_values(content: bytes) -> bytes:
    """Take away what a spreadsheet has calculated."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part.replace(b"</f><v>0</v>", b"</f>") if name.startswith("xl/worksheets") else part)
    return packed.getvalue()


def test_a_second_column_of_the_same_header_is_the_end_where_it_holds_later_times(tmp_path: Path) -> None:
    header = HEADER.replace("停电开始时间", "停电时间").replace("停电结束时间", "停电时间")
    workspace = of_files(tmp_path, outages__csv="\n".join((header, A, B)))
    assert customer_hours(workspace) == pytest.approx(10 * 10 / 3 + 5 * 2)
    assert [problem.severity for problem in workspace.problems] == ["warning", "warning"]


def test_a_second_column_of_the_same_header_is_not_guessed(tmp_path: Path) -> None:
    header = HEADER.replace("停电开始时间", "停电时间").replace("停电结束时间", "停电时间")
    row = B.replace("2022-03-02 10:00:00", "2022-03-02 07:00:00")
    workspace = of_files(tmp_path, outages__csv="\n".join((header, A, row)))
    assert workspace.tables["outages"]["end"].to_list() == [None, None]
    assert any("No column says when" in line for line in said(workspace))


def test_durations_that_say_no_unit_are_never_guessed(tmp_path: Path) -> None:
    rows = "\n".join((HEADER.replace("停电结束时间", "停电时长"), A.replace("2022-03-01 11:20:00", "200")))
    workspace = of_files(tmp_path, outages__csv=rows)
    assert (ids(workspace), only(workspace).severity, "duration_unit" in str(only(workspace).hint)) == (
        [],
        "error",
        True,
    )
    workspace = of_files(tmp_path, outages__csv=rows, fudian__toml='[reading]\nduration_unit = "min"\n')
    assert workspace.tables["outages"]["end"].to_list() == [datetime(2022, 3, 1, 11, 20)]


def test_an_end_and_a_duration_that_disagree_are_said(tmp_path: Path) -> None:
    rows = "\n".join((f"{HEADER},停电时长（小时）", f"{A},3.33", f"{B},20"))
    workspace = of_files(tmp_path, outages__csv=rows)
    assert customer_hours(workspace) == pytest.approx(10 * 10 / 3 + 5 * 2)
    problem = only(workspace)
    assert (problem.severity, problem.row) == ("warning", 3)


def test_months_on_sheets_are_one_table_and_notes_are_named(tmp_path: Path) -> None:
    """A month on each sheet of a workbook, beside a sheet of notes."""
    header: list[object] = [*HEADER.split(",")]
    sheets: dict[str, list[list[object]]] = {
        "填表说明": [["停电性质", "请按规程填写"]],
        "汇总": [["供电单位", "停电户数", "停电性质"], ["城东所", "15", ""]],
        "1月": [header, [*A.split(",")[:5], 10]],
        "2月": [["二月停电"], header, [*B.split(",")[:5], 5]],
        "Sheet3": [],
    }
    workspace = of_files(tmp_path, outages__xlsx=xlsx(sheets))
    assert ids(workspace) == ["A", "B"]
    assert customer_hours(workspace) == pytest.approx(10 * 10 / 3 + 5 * 2)
    assert [(problem.severity, problem.sheet) for problem in workspace.problems] == [
        ("warning", "填表说明"),
        ("warning", "汇总"),
    ]


@pytest.mark.parametrize("form", ["xlsx", "xls"])
def test_a_hidden_sheet_never_wins(form: str, tmp_path: Path) -> None:
    header = HEADER.split(",")
    sheets = {"旧": [header, A.split(",")], "新": [header, B.split(",")]}
    content = xlsx(sheets, hidden=["旧"]) if form == "xlsx" else xls(sheets, hidden=["旧"])
    workspace = of_files(tmp_path, **{f"outages__{form}": content})
    assert ids(workspace) == ["B"]
    problem = only(workspace)
    assert (problem.severity, problem.sheet, "hidden" in str(problem.message)) == ("warning", "旧", True)


def test_a_hidden_sheet_alone_is_not_read(tmp_path: Path) -> None:
    sheets = {"说明": [["见附件"]], "数据": [HEADER.split(","), A.split(",")]}
    workspace = of_files(tmp_path, outages__xlsx=xlsx(sheets, hidden=["数据"]))
    assert ids(workspace) == []
    assert "hidden" in only(workspace).line()


def test_a_month_with_a_column_missing_is_an_error(tmp_path: Path) -> None:
    header = HEADER.split(",")
    lacking = [name for name in header if name != "停电性质"]
    workspace = of_files(tmp_path, outages__xlsx=xlsx({"1月": [header, A.split(",")], "2月": [lacking, ["B"]]}))
    assert ids(workspace) == ["A"]
    problem = only(workspace)
    assert (problem.severity, problem.sheet, "nature" in str(problem.message)) == ("error", "2月", True)


def test_a_poorer_list_of_the_same_outages_is_not_joined(tmp_path: Path) -> None:
    """Its rows have no end, and would last to this day."""
    header = HEADER.split(",")
    poor = [["停电编号", "停电开始时间", "停电性质"], [A.split(",")[each] for each in (0, 1, 3)]]
    workspace = of_files(tmp_path, outages__xlsx=xlsx({"清单": poor, "明细": [header, A.split(","), B.split(",")]}))
    assert customer_hours(workspace) == pytest.approx(10 * 10 / 3 + 5 * 2)
    problem = only(workspace)
    assert (problem.severity, problem.sheet, "end, users" in str(problem.message)) == ("warning", "清单", True)


def test_problems_of_parts_name_file_sheet_and_row(tmp_path: Path) -> None:
    header = HEADER.split(",")
    first = xlsx({"1月": [header, A.split(",")], "2月": [header, B.split(","), A.split(",")[:1] + B.split(",")[1:]]})
    backwards = B.replace("B,", "C,").replace("10:00:00", "07:00:00")
    workspace = of_files(tmp_path, outages_上半年__xlsx=first, outages_下半年__csv=f"{HEADER}\n{backwards}\n")
    assert ids(workspace) == ["A", "B"]
    found = {(problem.file, problem.sheet, problem.row, problem.column) for problem in workspace.errors}
    assert found == {("outages_上半年.xlsx", "2月", 3, "outage_id"), ("outages_下半年.csv", None, 2, "end")}
    assert "Row 2 (outages_上半年.xlsx [1月])" in "".join(said(workspace, "error"))


def test_two_header_rows_above_real_dates(tmp_path: Path) -> None:
    start, end = datetime(2022, 3, 1, 8), datetime(2022, 3, 1, 11, 20)
    rows: list[list[object]] = [
        ["停电编号", "停电时间", None, "停电性质", "地区特征", "停电户数"],
        [None, "起", "止", None, None, None],
        ["A", start, end, "内部故障停电", "市区", 10],
    ]
    workspace = of_files(tmp_path, outages__xlsx=xlsx({"1月": rows}, merged=[(0, 1, 0, 2), (0, 0, 1, 0)]))
    assert workspace.tables["outages"].select("outage_id", "start", "end", "row").rows() == [("A", start, end, 3)]
    assert said(workspace) == []


@pytest.mark.parametrize(
    ("begin", "finish"), [("起", "止"), ("开始", "结束"), ("自", "至"), ("停电", "送电"), ("起始时间", "终止时间")]
)
def test_two_times_below_one_group(begin: str, finish: str, tmp_path: Path) -> None:
    header = f"停电编号,停电时间,,停电性质,地区特征,停电户数\n,{begin},{finish},,,"
    workspace = of_files(tmp_path, outages__csv="\n".join((header, A, B)))
    assert (customer_hours(workspace), said(workspace)) == (pytest.approx(10 * 10 / 3 + 5 * 2), [])


def test_hours_under_the_name_of_a_time_are_a_duration(tmp_path: Path) -> None:
    header = HEADER.replace("停电结束时间", "停电时间（小时）")
    rows = (A.replace("2022-03-01 11:20:00", "3.5"), B.replace("2022-03-02 10:00:00", "2"))
    workspace = of_files(tmp_path, outages__csv="\n".join((header, *rows)))
    assert (customer_hours(workspace), said(workspace)) == (10 * 3.5 + 5 * 2, [])


def test_a_stray_zone_stays_an_error(tmp_path: Path) -> None:
    """One time with a zone among local ones."""
    stray = B.replace("10:00:00", "10:00:00Z")
    workspace = of_files(tmp_path, outages__csv="\n".join((HEADER, A, stray)))
    assert (ids(workspace), only(workspace).row, only(workspace).severity) == (["A"], 3, "error")


def test_an_end_whose_header_names_another_zone_is_converted(tmp_path: Path) -> None:
    header = HEADER.replace("停电结束时间", "停电结束时间（UTC）")
    rows = "\n".join((header, A.replace("11:20", "03:20"), B.replace("10:00", "02:00")))
    workspace = of_files(tmp_path, outages__csv=rows)
    assert customer_hours(workspace) == pytest.approx(10 * 10 / 3 + 5 * 2)
    assert (only(workspace).severity, only(workspace).row) == ("warning", None)


@pytest.mark.parametrize("zone", ["（UTC时间）", "(GMT+0)", "（世界时）", "UTC", "_utc", "（UTC+00:00）"])
def test_the_zone_of_a_header_in_other_words(zone: str, tmp_path: Path) -> None:
    header = HEADER.replace("停电结束时间", f"停电结束时间{zone}")
    workspace = of_files(
        tmp_path, outages__csv="\n".join((header, A.replace("11:20", "03:20"), B.replace("10:00", "02:00")))
    )
    assert customer_hours(workspace) == pytest.approx(10 * 10 / 3 + 5 * 2)
    assert (only(workspace).severity, only(workspace).row) == ("warning", None)


@pytest.mark.parametrize(
    "zone",
    ["（北京时间）", "（东八区）", "（UTC+8）", "（24小时制）", "（年月日时分）", "（实际时间）", "（本地时间）"],
)
def test_a_header_that_names_the_own_zone_or_none(zone: str, tmp_path: Path) -> None:
    header = HEADER.replace("停电结束时间", f"停电结束时间{zone}")
    workspace = of_files(tmp_path, outages__csv="\n".join((header, A, B)))
    assert (customer_hours(workspace), said(workspace)) == (pytest.approx(10 * 10 / 3 + 5 * 2), [])


@pytest.mark.parametrize("zone", ["（东京时间）", "（EST）", "（Europe/Berlin）", "（美东）"])
def test_a_header_of_a_zone_that_is_not_known_leaves_its_rows_out(zone: str, tmp_path: Path) -> None:
    header = HEADER.replace("停电结束时间", f"停电结束时间{zone}")
    workspace = of_files(tmp_path, outages__csv="\n".join((header, A, B)))
    assert (ids(workspace), only(workspace).severity, only(workspace).column) == ([], "error", "end")


def test_durations_that_a_workbook_shows_as_a_clock(tmp_path: Path) -> None:
    """26 hours shown as h:mm are a day and two hours to a reader."""
    rows: list[list[object]] = [[*HEADER.replace("停电结束时间", "停电时长").split(",")]]
    rows += [[name, f"2022-03-0{day} 08:00:00", None, "内部故障停电", "市区", 1] for day, name in enumerate("ABC", 1)]
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        clock = book.add_format({"num_format": "h:mm"})
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        for number, hours in enumerate((3.5, 26, 0.25), 1):
            sheet.write_number(number, 2, hours / 24, clock)
    workspace = of_files(tmp_path, outages__xlsx=content.getvalue())
    assert (customer_hours(workspace), said(workspace)) == (pytest.approx(29.75), [])


@pytest.mark.parametrize("form", ["csv", "xlsx", "midnights"])
def test_days_without_a_time_of_day_are_one_line(form: str, tmp_path: Path) -> None:
    """Taken as midnight, they would make hours of 0 and 24 and momentary outages."""
    rows: list[list[object]] = [list(HEADER.split(","))]
    for day, name in enumerate("ABCD", start=1):
        rows.append([name, datetime(2022, 3, day), datetime(2022, 3, day + day % 2), "内部故障停电", "市区", 10])
    if form == "xlsx":
        workspace = of_files(tmp_path, outages__xlsx=xlsx({"1月": rows}, date_format="yyyy-mm-dd"))
    else:
        pattern = "%Y-%m-%d" if form == "csv" else "%Y-%m-%d 0:00"
        lines = [
            ",".join(f"{cell:{pattern}}" if isinstance(cell, datetime) else str(cell) for cell in row) for row in rows
        ]
        workspace = of_files(tmp_path, outages__csv="\n".join(lines))
    assert ids(workspace) == []
    assert [(problem.severity, problem.row, problem.column) for problem in workspace.problems] == [
        ("error", None, "start"),
        ("error", None, "end"),
    ]
    midnight = '[reading]\ndates_without_time = "midnight"\n'
    (tmp_path / "fudian.toml").write_text(midnight, "utf-8")
    assert ids(read_workspace(tmp_path)) == list("ABCD")


def test_starts_at_midnight_are_taken_where_the_ends_show_a_clock(tmp_path: Path) -> None:
    row = "{},2022-03-0{} 00:00:00,2022-03-0{} 02:00:00,内部故障停电,市区,1"
    rows = [row.format(name, day, day) for day, name in enumerate("ABCD", 1)]
    workspace = of_files(tmp_path, outages__csv="\n".join((HEADER, *rows)))
    assert (customer_hours(workspace), said(workspace)) == (8, [])


@pytest.mark.parametrize("clock", ["10:30", "10时30分", "10点30分", "3:20", "2日"])
def test_a_time_of_day_is_no_duration(clock: str, tmp_path: Path) -> None:
    workspace = of_files(tmp_path, outages__csv="\n".join((HEADER, A, B.replace("2022-03-02 10:00:00", clock))))
    assert (ids(workspace), only(workspace).severity, only(workspace).row) == (["A"], "error", 3)


def test_one_day_among_times_is_said(tmp_path: Path) -> None:
    workspace = of_files(tmp_path, outages__csv="\n".join((HEADER, A, B.replace("2022-03-02 08:00:00", "2022-03-02"))))
    problem = only(workspace)
    assert (problem.severity, problem.row, problem.column) == ("warning", 3, "start")


def test_one_unknown_code_in_many_rows_is_one_line_with_three_examples(tmp_path: Path) -> None:
    """Noise: nobody reads a line for each of so many rows."""
    rows = [f"O{number},2022-03-01 08:00,2022-03-01 09:00,怪,市区,1" for number in range(34_000)]
    workspace = of_files(tmp_path, outages__csv="\n".join((HEADER, *rows)))
    assert len(workspace.errors) == 34_000
    (complaint,) = complaints(workspace.problems)
    assert "34,000 times, such as row 2 = '怪'; row 3 = '怪'; row 4 = '怪'." in complaint.line()
    assert "共 34,000 处，如 第 2 行 = '怪'" in complaint.line("zh")


PARTS = """停电编号,停电开始时间,停电结束时间,停电性质,{place},{users},地区特征
A,2022-03-01 08:00,2022-03-01 09:00,内部故障停电,东风1,2,市区
A,2022-03-01 08:00,2022-03-01 09:00,内部故障停电,东风2,2,市区
A,2022-03-01 08:00,2022-03-01 10:00,内部故障停电,东风3,3,市区
"""
"""One outage as a row for each of its transformers."""


@pytest.mark.parametrize("users", ["停电户数", "用户数", "受影响户数"])
@pytest.mark.parametrize("place", ["台区编号", "台区名称", "停电台区"])
def test_parts_of_an_outage_at_places_that_no_network_knows_add_up(place: str, users: str, tmp_path: Path) -> None:
    rows = PARTS.format(place=place, users=users)
    workspace = of_files(tmp_path, outages__csv=rows.encode("gb18030"))
    assert customer_hours(workspace) == 2 + 2 + 2 * 3
    assert [problem.severity for problem in workspace.problems] == [
        "warning"
    ]  # there is no network to look places up in


def test_a_transformer_may_be_called_by_its_name_in_a_column_of_names(tmp_path: Path) -> None:
    rows = PARTS.format(place="台区名称", users="停电户数")
    transformers = "".join(f"T{number},N,东风{number}\n" for number in (1, 2, 3))
    workspace = of_files(
        tmp_path,
        outages__csv=rows,
        transformers__csv=f"transformer_id,node,name\n{transformers}",
        branches__csv="branch_id,from_node,to_node,kind\nL,S,N,line\n",
        sources__csv="node\nS\n",
    )
    assert workspace.tables["outages"]["transformer_id"].to_list() == ["T1", "T2", "T3"]


def test_what_differs_within_a_kind_stands_with_the_examples(tmp_path: Path) -> None:
    """A line for many rows says nothing that holds for its first row alone."""
    rows = [
        f"O{number},2022-03-01 08:00,2022-03-01 09:00,{word},市区,1" for number, word in enumerate(("检修", "故障"))
    ]
    (complaint,) = complaints(of_files(tmp_path, outages__csv="\n".join((HEADER, *rows))).problems)
    assert "taken as …. 2 times, such as row 2 = '检修' (… P-PLAN-MAINT); row 3 = '故障' (… F-INT)." in complaint.line()
    assert "共 2 处，如 第 2 行 = '检修' (… P-PLAN-MAINT); 第 3 行 = '故障' (… F-INT)。" in complaint.line("zh")


def test_parts_of_a_table_are_read_together_and_the_rest_is_named_once(tmp_path: Path) -> None:
    """A month in each file, of any form."""
    workspace = of_files(
        tmp_path,
        outages_1月__csv=f"{HEADER}\n{A}\n",
        outages_2月__txt=f"{HEADER}\n{B}\n".replace(",", "\t"),
        outages_10月__csv__gz=gzip.compress(f"{HEADER}\n{A.replace('A,', 'C,')}\n".encode("gbk")),
        停电事件2023__json=json.dumps([dict(zip(HEADER.split(","), B.replace("B,", "D,").split(","), strict=True))]),
        报告__docx=b"PK",
        草图__vsdx=b"PK",
        outages_备份__csv=f"{HEADER}\n{A.replace('A,', 'X,')}\n",
    )
    assert sorted(ids(workspace)) == ["A", "B", "C", "D"]
    assert [ids(workspace).index(each) for each in "ABC"] == sorted(ids(workspace).index(each) for each in "ABC")
    assert len(workspace.problems) == 2
    assert any("报告.docx" in line and "草图.vsdx" in line for line in said(workspace))
    assert any("outages_备份.csv" in line for line in said(workspace))


@pytest.mark.parametrize(
    ("stem", "table"),
    [
        ("outages_1月", "outages"),
        ("outages-2022-03", "outages"),
        ("outages (2)", "outages"),
        ("2022年停电事件", "outages"),
        ("停电事件第一季度", "outages"),
        ("停电明细_城东所", "outages"),
        ("switching_log", "switching"),
        ("用户数2022", "population"),
        ("用户_城东", "customers"),
        ("outages_old", None),
        ("停电计划2022", "plans"),
        ("非停电事件", None),
        ("outages_template", None),
        ("outagesx", None),
    ],
)
def test_names_of_parts(stem: str, table: str | None) -> None:
    assert part_of_table(stem)[0] == table


def test_pieces_that_an_engine_wrote(tmp_path: Path) -> None:
    folder = tmp_path / "nodes.parquet"
    folder.mkdir()
    for number in range(2):
        pl.DataFrame({"node": [f"N{number}"]}).write_parquet(folder / f"part-{number}.parquet")
    (folder / "_SUCCESS").touch()
    assert read_workspace(tmp_path).tables["nodes"]["node"].to_list() == ["N0", "N1"]


def test_the_clerks_own_words_are_said_once(tmp_path: Path) -> None:
    """Headers, codes and the order of days, as one utility writes them."""
    header = "事件号,停电起,送电,性质,影响户数,区域,所属单位,线路名称"
    sheet = f"{header}\nA,2022-03-01 08:00,2022-03-01 11:20,小修,10,一类,城东所,城东线\n"
    settings = (
        '[files]\n"6月*.csv" = "outages"\n[headers]\n"区域" = "region_class"\n[headers.outages]\n"事件号" = "outage_id"\n'
        '"送电" = "end"\n"性质" = "nature"\n"线路名称" = ""\n[codes.nature]\n"小修" = "P-PLAN-MAINT"\n'
        '[codes.region_class]\n"一类" = "urban"\n'
    )
    workspace = of_files(tmp_path, **{"6月份停电情况__csv": sheet, "fudian__toml": settings})
    assert said(workspace) == []
    assert workspace.tables["outages"].select("nature", "region_class", "users", "unit").rows() == [
        ("P-PLAN-MAINT", "urban", 10, "城东所")
    ]


def test_a_place_beside_users_is_left_aside_where_there_is_no_network(tmp_path: Path) -> None:
    """影响户数 and 线路名称 stand side by side, and nothing else is known."""
    rows = "\n".join((f"{HEADER},线路名称,台区编号", f"{A},城东线,T1", f"{B},城西线,"))
    workspace = of_files(tmp_path, outages__csv=rows)
    assert customer_hours(workspace) == pytest.approx(10 * 10 / 3 + 5 * 2)
    assert {(problem.severity, problem.row, problem.column) for problem in workspace.problems} == {
        ("warning", None, "feeder_id"),
        ("warning", None, "transformer_id"),
    }


def test_headers_may_be_given_either_way(tmp_path: Path) -> None:
    rows = "\n".join((HEADER.replace("停电户数", "户").replace("停电结束时间", "好了"), A))
    settings = '[headers.outages]\nusers = ["户", "用户"]\nend = "好了"\n'
    assert ids(of_files(tmp_path, outages__csv=rows, fudian__toml=settings)) == ["A"]


@pytest.mark.parametrize(
    ("settings", "column"),
    [
        ('[headers.outages]\n"性质" = "natur"\n', "headers.outages.性质"),
        ('[headers.outage]\n"性质" = "nature"\n', "headers.outage"),
        ('[headers]\n"性质" = 3\n', "headers.性质"),
        ('[files]\n"a*" = "outage"\n', "files.a*"),
        ("headers = 1\n", "headers"),
        ('[reading]\ntime_zone = "Mars/Base"\n', "reading.time_zone"),
        ('[reading]\norder = "dmy"\n', "reading.order"),
    ],
)
def test_wrong_words_are_errors(settings: str, column: str, tmp_path: Path) -> None:
    problem = only(of_files(tmp_path, fudian__toml=settings))
    assert (problem.severity, problem.table, problem.column) == ("error", "settings", column)


def test_a_row_that_is_left_out_claims_no_id(tmp_path: Path) -> None:
    """A row with its end before its start, and its correction below under the same id."""
    backwards = A.replace("11:20:00", "07:00:00")
    workspace = of_files(tmp_path, outages__csv="\n".join((HEADER, backwards, A)))
    assert customer_hours(workspace) == pytest.approx(10 * 10 / 3)
    assert [(problem.row, problem.column) for problem in workspace.problems] == [(2, "end")]


def test_summer_time_is_a_setting(tmp_path: Path) -> None:
    """New York, the nights in which the clocks change."""
    rows = "\n".join(
        (
            HEADER,
            "A,2022-03-13 01:00:00,2022-03-13 04:00:00,内部故障停电,市区,1",
            "B,2022-11-06 00:30:00,2022-11-06 03:30:00,内部故障停电,市区,1",
        )
    )
    workspace = of_files(tmp_path, outages__csv=rows)
    assert customer_hours(workspace) == 6
    workspace = of_files(tmp_path, outages__csv=rows, fudian__toml='[reading]\ntime_zone = "America/New_York"\n')
    assert customer_hours(workspace) == 2 + 4


def test_milliseconds_are_refused_with_their_remedy_and_read_under_their_unit(tmp_path: Path) -> None:
    rows = "\n".join((HEADER, "A,1646092800000,1646104800000,内部故障停电,市区,10"))
    workspace = of_files(tmp_path, outages__csv=rows)
    assert ids(workspace) == []
    assert all("start(ms)" in line for line in said(workspace))
    named = rows.replace("停电开始时间", "停电开始时间（ms）").replace("停电结束时间", "停电结束时间（毫秒）")
    assert customer_hours(of_files(tmp_path, outages__csv=named)) == pytest.approx(10 * 10 / 3)


# -- single cells ------------------------------------------------------------------------------------------------------

READABLE_ENDS: dict[str, Callable[[datetime], str]] = {
    "plain": lambda time: f"{time:%Y-%m-%d %H:%M:%S}",
    "blanks": lambda time: f"  {time:%Y/%m/%d %H:%M}\u3000",
    "wide": lambda time: f"{time:%Y-%m-%d %H:%M}".translate(str.maketrans("0123456789-:", "０１２３４５６７８９－：")),
    "serial": lambda time: repr((time - datetime(1899, 12, 30)).total_seconds() / 86_400),
    "half": lambda time: f"{time:%Y/%m/%d} {'上午' if time.hour < 12 else '下午'} {time.hour % 12 or 12}:{time:%M:%S}",
    "twelve": lambda time: f"{time:%Y-%m-%d %I:%M:%S %p}",
}
DOUBTFUL_ENDS: dict[str, Callable[[datetime], str]] = {
    "local": lambda time: f"{time:%Y-%m-%dT%H:%M:%S}+08:00",
    "zulu": lambda time: f"{time - timedelta(hours=8):%Y-%m-%dT%H:%M:%SZ}",
    "tokyo": lambda time: f"{time + timedelta(hours=1):%Y-%m-%d %H:%M:%S}+09:00",
    "day first": lambda time: f"{time:%d/%m/%Y %H:%M}",
    "short year": lambda time: f"{time:%y-%m-%d %H:%M}",
    "since 1970": lambda time: str(round((time - timedelta(hours=8) - datetime(1970, 1, 1)).total_seconds() * 1000)),
    "clock": lambda time: f"{time:%H时%M分}",
    "clock with colon": lambda time: f"{time:%H:%M}",
} | {word: lambda _, word=word: word for word in ("/", "已送电", "#REF!", "=B2+1/24", "3", "无")}
ENDS = READABLE_ENDS | DOUBTFUL_ENDS


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=st.lists(
        st.tuples(st.sampled_from(sorted(ENDS)), st.integers(1, 500_000), st.integers(1, 3000)),
        min_size=2,
        max_size=12,
    )
)
def test_each_row_is_right_or_named(drawn: list[tuple[str, int, int]], tmp_path: Path) -> None:
    """Whatever stands in the end of a row, its hours are those that were meant, or the row is named and left out."""
    truth: dict[str, tuple[datetime, datetime]] = {}
    lines = [HEADER]
    for number, (how, minute, lasted) in enumerate(drawn):
        start = datetime(2022, 1, 1) + timedelta(minutes=minute)
        end = start + timedelta(minutes=lasted)
        end += timedelta(
            minutes=int((end.hour, end.minute) == (0, 0))
        )  # a serial at 0:00 is a day without its time of day
        truth[f"O{number}"] = (start, end)
        lines.append(f"O{number},{start:%Y-%m-%d %H:%M:%S},{ENDS[how](end)},内部故障停电,市区,1")
    workspace = of_files(tmp_path, outages__csv="\n".join(lines))
    kept = {row[0]: row[1:] for row in workspace.tables["outages"].select("outage_id", "start", "end").iter_rows()}
    named = {problem.object_id for problem in workspace.errors}
    assert kept == {name: truth[name] for name in kept}
    assert set(truth) - set(kept) <= named
    readable = {f"O{number}" for number, (how, _, _) in enumerate(drawn) if how in READABLE_ENDS}
    assert readable <= set(kept)


@pytest.mark.parametrize("content", [gzip.compress(b"x" * 100, mtime=0)[:20], b"\x1f\x8b", gzip.compress(b"", mtime=0)])
def test_a_packed_file_that_is_cut_off_is_said(content: bytes, tmp_path: Path) -> None:
    workspace = of_files(tmp_path, outages__csv__gz=content)
    assert (ids(workspace), len(workspace.problems)) == ([], 1)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": ' * 100_000, "[1, 2]", '[{"a": 1}', "{}", '{"rows": []}'])
def test_json_that_is_no_list_of_records_is_said(content: str, tmp_path: Path) -> None:
    workspace = of_files(tmp_path, outages__json=content)
    assert ids(workspace) == []
    assert len(workspace.errors) >= 1


def test_records_in_an_object_and_one_a_line(tmp_path: Path) -> None:
    names = HEADER.split(",")
    rows = [dict(zip(names, row.split(","), strict=True)) for row in (A, B)]
    assert ids(of_files(tmp_path, outages__json=json.dumps({"total": 2, "rows": rows}))) == ["A", "B"]
    (tmp_path / "outages.json").unlink()
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert ids(of_files(tmp_path, outages__jsonl=lines)) == ["A", "B"]


def test_merged_cells_that_overlap_without_end(tmp_path: Path) -> None:
    many = [Merged(0, 1, 1_000_000)] * 200_000
    cells = pl.Series(["a", *[None] * 999_999])
    filled = fill_merged(cells, many, 0, pl.Series(range(1, 1_000_001), dtype=pl.UInt32))
    assert filled.n_unique() == 1


def test_a_setting_of_reading_stands_beside_the_figures(tmp_path: Path) -> None:
    of_files(tmp_path, outages__csv="\n".join((HEADER, A)), fudian__toml='[reading]\nstill_off = ["/"]\n')
    basis = fudian.open(tmp_path).indices("2022").basis
    assert basis["settings_changed"]["still_off"] == ["/"]
