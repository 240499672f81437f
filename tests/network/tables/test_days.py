"""Days and clocks in columns of their own give the times that the clerk means, or are named."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest
import xlsxwriter

from network.tables.workspace import Workspace, read_workspace

REST = ["内部故障停电", "市区", "10"]
TIMES = [(datetime(2022, 3, 1, 8), datetime(2022, 3, 1, 11, 20)), (datetime(2022, 3, 2, 23), datetime(2022, 3, 3, 1))]


def read(folder: Path, *rows: list[str]) -> Workspace:
    (folder / "population.csv").write_text("region_class,users\nurban,100\n", "utf-8")
    (folder / "outages.csv").write_text("\n".join(",".join(row) for row in rows), "utf-8")
    return read_workspace(folder)


def times(workspace: Workspace) -> list[tuple[datetime, datetime | None]]:
    return workspace.tables["outages"].select("start", "end").rows()


@pytest.mark.parametrize("day", ["日期", "停电日期", "发生日期", "Date"])
@pytest.mark.parametrize("clocks", [("8:00", "11:20", "23:00", "1:00"), ("8时0分", "上午11:20", "23:00:00", "01:00")])
def test_one_day_for_both_clocks(day: str, clocks: tuple[str, ...], tmp_path: Path) -> None:
    header = ["停电编号", day, "停电时间", "送电时间", "停电性质", "地区特征", "停电户数"]
    found = read(tmp_path, header, ["A", "2022-03-01", *clocks[:2], *REST], ["B", "2022年3月2日", *clocks[2:], *REST])
    assert times(found) == TIMES
    assert [problem.message.template for problem in found.problems] == [
        "The clock of the end is earlier than that of the start in {rows} rows: taken on the day after"
    ]


def test_a_day_for_each_clock_is_taken_as_it_stands(tmp_path: Path) -> None:
    header = ["停电编号", "停电日期", "停电时间", "送电日期", "送电时间", "停电性质", "地区特征", "停电户数"]
    rows = [
        ["A", "2022/3/1", "8:00", "2022/3/1", "11:20", *REST],
        ["B", "2022/3/2", "23:00", "2022/3/3", "1:00", *REST],
        ["C", "2022/3/4", "23:00", "2022/3/4", "1:00", *REST],
        ["D", "2022/3/5", "23:00", "", "", *REST],
    ]
    found = read(tmp_path, header, *rows)
    assert times(found) == [*TIMES, (datetime(2022, 3, 5, 23), None)]
    assert [(problem.row, problem.column) for problem in found.errors] == [(4, "end")]


def test_a_clock_whose_day_is_blank_is_no_time(tmp_path: Path) -> None:
    header = ["停电编号", "停电日期", "停电时间", "送电时间", "停电性质", "地区特征", "停电户数"]
    found = read(tmp_path, header, ["A", "2022/3/1", "8:00", "11:20", *REST], ["B", "", "8:00", "11:20", *REST])
    assert times(found) == TIMES[:1]
    assert {problem.row for problem in found.errors} == {3}


def test_whole_times_beside_a_day_stay_as_they_are(tmp_path: Path) -> None:
    header = ["停电编号", "日期", "停电时间", "送电时间", "停电性质", "地区特征", "停电户数"]
    found = read(tmp_path, header, ["A", "2022-04-01", "2022-03-01 08:00", "2022-03-01 11:20", *REST])
    assert times(found) == TIMES[:1]


def test_midnight_as_24_belongs_to_the_day_after(tmp_path: Path) -> None:
    header = ["停电编号", "日期", "停电时间", "送电时间", "停电性质", "地区特征", "停电户数"]
    found = read(tmp_path, header, ["A", "2022-03-01", "20:00", "24:00", *REST])
    assert times(found) == [(datetime(2022, 3, 1, 20), datetime(2022, 3, 2))]


def test_days_and_clocks_as_a_workbook_holds_them_with_a_day_merged_over_rows(tmp_path: Path) -> None:
    (tmp_path / "population.csv").write_text("region_class,users\nurban,100\n", "utf-8")
    with xlsxwriter.Workbook(str(tmp_path / "outages.xlsx")) as book:
        day, clock = (book.add_format({"num_format": form}) for form in ("yyyy-mm-dd", "hh:mm"))
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["停电编号", "日期", "停电时间", "送电时间", "停电性质", "地区特征", "停电户数"])
        for row, (name, begun, ended) in enumerate([("A", time(8), time(11, 20)), ("B", time(22), time(23))], 1):
            sheet.write(row, 0, name)
            sheet.write_datetime(row, 2, begun, clock)
            sheet.write_datetime(row, 3, ended, clock)
            sheet.write_row(row, 4, [*REST[:2], 10])
        sheet.merge_range(1, 1, 2, 1, date(2022, 3, 1), day)
    found = read_workspace(tmp_path)
    assert found.problems == ()
    assert times(found) == [TIMES[0], (datetime(2022, 3, 1, 22), datetime(2022, 3, 1, 23))]


def test_a_sixtieth_second_is_no_time(tmp_path: Path) -> None:
    header = ["停电编号", "停电时间", "送电时间", "停电性质", "地区特征", "停电户数"]
    found = read(tmp_path, header, ["A", "2022-03-01 08:00:60", "2022-03-01 11:20:00", *REST],
                 ["B", "2022-03-01 08:00:00", "2022-03-01 11:20:00", *REST])  # fmt: skip
    assert times(found) == TIMES[:1]
    assert [(problem.row, problem.column) for problem in found.errors] == [(2, "start")]


# -- parts in columns of their own -------------------------------------------------------------------------------------

PARTS = ("Year", "Month", "Day", "Hour", "Min")
APART = {
    "one after the other": (
        "停电编号,年,月,日,时,分,年,月,日,时,分,停电性质,地区特征,停电户数",
        "2022,3,1,8,0,2022,3,1,11,20",
        "2022,3,2,23,0,2022,3,3,1,0",
    ),
    "named": (
        "停电编号,停电年份,停电月份,停电日,停电小时,停电分钟,送电年份,送电月份,送电日,送电小时,送电分钟,停电性质,地区特征,停电户数",
        "2022年,03月,01日,8时,0分,22,3,1,11,20",
        "2022年,03月,02日,23时,,22,3,3,1,0",
    ),
    "below a group": (
        "停电编号,停电时间,,,,,送电时间,,,,,停电性质,地区特征,停电户数\n,年,月,日,时,分,年,月,日,时,分,,,",
        "2022,3,1,8,0,2022,3,1,11,20",
        "2022,3,2,23,0,2022,3,3,1,0",
    ),
    "day apart, clocks whole": (
        "停电编号,年,月,日,停电时间,送电时间,停电性质,地区特征,停电户数",
        "2022,3,1,8:00,11:20",
        "2022,3,2,23:00,1:00",
    ),
    "one day, two clocks apart": (
        "停电编号,年,月,日,时,分,时,分,停电性质,地区特征,停电户数",
        "2022,3,1,8,0,11,20",
        "2022,3,2,23,0,1,0",
    ),
    "a whole day, clocks apart": (
        "停电编号,停电日期,时,分,时,分,停电性质,地区特征,停电户数",
        "2022-03-01,8,0,11,20",
        "2022-03-02,23,0,1,0",
    ),
    "how long beside": (
        "停电编号,年,月,日,时,分,停电时长（分钟）,停电性质,地区特征,停电户数",
        "2022,3,1,8,0,200",
        "2022,3,2,23,0,120",
    ),
    "English": (
        ",".join(("ID", *(f"{end} {part}" for end in ("Start", "End") for part in PARTS), "Nature", "Region", "Customers")),
        "2022,3,1,8,0,2022,3,1,11,20",
        "2022,3,2,23,0,2022,3,3,1,0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("style", APART)
def test_parts_of_a_time_in_columns_of_their_own(style: str, tmp_path: Path) -> None:
    header, *rows = APART[style]
    rest = ",".join(REST)
    found = read(tmp_path, [header], *([name, row, rest] for name, row in zip("AB", rows, strict=True)))
    assert times(found) == TIMES
    assert found.errors == ()


def test_a_part_that_cannot_be_is_named(tmp_path: Path) -> None:
    header = ["停电编号", "年", "月", "日", "时", "分", "送电时间", "停电性质", "地区特征", "停电户数"]
    found = read(
        tmp_path,
        header,
        ["A", "2022", "3", "1", "8", "0", "2022-03-01 11:20", *REST],
        ["B", "2022", "13", "1", "8", "0", "2022-03-01 11:20", *REST],
        ["C", "2022", "3", "1", "25", "0", "2022-03-01 11:20", *REST],
        ["D", "2022", "3", "", "8", "0", "2022-03-01 11:20", *REST],
    )
    assert times(found) == TIMES[:1]
    assert {(problem.row, problem.column) for problem in found.errors} == {(3, "start"), (4, "start"), (5, "start")}


def test_days_without_a_year_are_named(tmp_path: Path) -> None:
    header = ["停电编号", "月", "日", "起", "止", "停电性质", "地区特征", "停电户数"]
    found = read(tmp_path, header, ["A", "3", "1", "8:00", "11:20", *REST])
    assert times(found) == []
    assert "no column says the year" in found.errors[0].line()


def test_parts_as_numbers_of_a_workbook_with_a_year_merged_over_rows(tmp_path: Path) -> None:
    (tmp_path / "population.csv").write_text("region_class,users\nurban,100\n", "utf-8")
    with xlsxwriter.Workbook(str(tmp_path / "outages.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(
            0, 0, ["停电编号", "年", "月", "日", "时", "分", "停电时长(小时)", "停电性质", "地区特征", "停电户数"]
        )
        sheet.write_row(1, 0, ["A", "", 3, 1, 8, 0, 10 / 3, *REST[:2], 10])
        sheet.write_row(2, 0, ["B", "", 3, 2, 23, 0, 2, *REST[:2], 10])
        sheet.merge_range(1, 1, 2, 1, 2022)
    found = read_workspace(tmp_path)
    assert found.errors == ()
    assert [start for start, _ in times(found)] == [start for start, _ in TIMES]
