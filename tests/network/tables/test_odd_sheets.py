"""Sheets as offices pass them around: each gives the hours that a reader would work out, and says what was not taken."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

import fudian
from network.tables.chinese import chinese_meaning
from network.tables.english import english_meaning
from network.tables.workspace import read_workspace
from tests.network.tables.clerks import xls, xlsx

HEAD = "停电编号,停电开始时间,停电结束时间,停电性质,地区特征,停电户数"
A = "A,2022-03-01 08:00,2022-03-01 10:00,内部故障停电,市区,10"
B = "B,2022-03-02 08:00,2022-03-02 10:00,内部故障停电,市区,5"
BOTH = 30.0
"""Customer-hours of A and B."""


def two(*times: str) -> str:
    """Return a sheet whose outages last from the first to the second, and from the third to the fourth of these times."""
    rows = (f'A,"{times[0]}","{times[1]}",内部故障停电,市区,10', f'B,"{times[2]}","{times[3]}",内部故障停电,市区,5')
    return "\n".join((HEAD, *rows))


def hours(folder: Path, content: str | bytes, name: str = "outages.csv") -> tuple[float, list[str]]:
    """Return the customer-hours of a sheet, as the index table gives them, and what was said of it."""
    (folder / "population.csv").write_text("region_class,users\nurban,1000\n", "utf-8")
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    county = fudian.open(folder)
    found = county.indices("2022")
    return float(found.rows["CH"][0]), [problem.line() for problem in county.problems]


SILENT = {
    "header in capitals": f"OUTAGE_ID,START,END,NATURE,REGION_CLASS,USERS\n{A}\n{B}",
    "camel case": f"outageId,startTime,endTime,outageNature,regionClass,usersAffected\n{A}\n{B}",
    "words": f"Outage ID,Start Time,End Time,Outage Type,Region,Customers Affected\n{A}\n{B}",
    "other words": f"Outage No.,Outage Start,Restoration Time,Interruption Type,Region-Class,No. of Customers\n{A}\n{B}",
    "minutes": "Event ID,Start Time,Duration (min),Nature,Region Class,Customers\nA,2022-03-01 08:00,120,F-INT,Urban,10\n"
    "B,2 Mar 2022 8:00,120,F-INT,urban,5",
    "pipes": f"{HEAD}\n{A}\n{B}".replace(",", "|"),
    "counted": f"{HEAD}\n{A}户\n{B} (户)",
    "clock and half": two("2022/3/1上午8:00", "2022/3/1 10:00 AM", "2022-03-02 8点半", "2022-03-02 10点半"),
    "noon and night": two("2022-03-01 凌晨1:00", "2022-03-01 凌晨3:00", "2022-03-02 中午12:00", "2022-03-02 下午14:00"),
    "days of the week": two("2022-03-01 星期二 8:00", "2022-03-01(周二)10:00", "2022-03-02 8:00", "2022-03-02 10:00"),
    "marks": two("2022-03-01-08:00", "2022-03-01_10:00:00", "2022.03.02.08:00", "2022-03-02 1000"),
    "range": f"{HEAD.replace('停电开始时间,停电结束时间', '停电时间')}\n"
    "A,2022-03-01 08:00~2022-03-01 10:00,内部故障停电,市区,10\nB,2022-03-02 08:00 至 2022-03-02 10:00,内部故障停电,市区,5",
    "range of clocks": "停电编号,停电日期,停电时段,停电性质,地区特征,停电户数\nA,2022-03-01,08:00-10:00,内部故障停电,市区,10\n"
    "B,2022-03-02,8:00～10:00,内部故障停电,市区,5",
    "range over midnight": f"{HEAD.replace('停电开始时间,停电结束时间', '停电起止时间')}\n"
    "A,2022-03-01 23:00~1:00,内部故障停电,市区,10\nB,2022年3月2日8时-10时,内部故障停电,市区,5",
    "named days": two("2022-03-01 08:00", "当日10:00", "2022-03-02 23:00", "次日 1时"),
    "years of two digits before 年": two("22年3月1日8时", "22年3月1日10时", "22年3月2日8时0分", "22年3月2日10时整"),
    "marks that nobody sees": two(
        "\u200b2022-03-01 08:00", "2022-03-01 10:00\u200b", "'2022-03-02 08:00", "2022\\3\\2 10:00"
    ),
    "letters for hours": two("2022-03-01 8h", "2022-03-01 10h00", "2022-03-02 08:00 CST", "2022-03-02 10:00 CST"),
    "Chinese words": f"停电编号,停电发生时刻,恢复供电时间,停电性质,地区特征,受影响用户数\n{A}\n{B}",
    "Chinese words 2": f"停电编号,实际停电时间,复电时刻,停电性质,地区特征,涉及户数\n{A}\n{B}",
    "short English words": f"Event No,From,To,Outage Type,Region,Customers Affected\n{A}\n{B}",
    "tens of thousands": f"{HEAD}（万户）\nA,2022-03-01 08:00,2022-03-01 10:00,内部故障停电,市区,0.001万\n{B[:-1]}0.0005",
}


DURATIONS = {
    "停电时长[min]": "120",
    "停电时长/min": "120",
    "停电时长_分钟": "120",
    "停电时长【小时】": "2",
    "停电分钟数": "120",
    "停电小时数": "2.0",
    "停电时长(秒)": "7200",
    "停电时长(s)": "7200",
    "停电历时（天）": "0.0833333333333333",
    "停电时长(时:分)": "2:00",
    "停电时长(hh:mm:ss)": "02:00:00",
    "持续时间": "PT2H",
    "Duration [hrs]": "2",
}


@pytest.mark.parametrize(("header", "lasted"), DURATIONS.items(), ids=DURATIONS)
def test_units_of_durations_however_they_stand(header: str, lasted: str, tmp_path: Path) -> None:
    sheet = f"{HEAD.replace('停电结束时间', header)}\nA,2022-03-01 08:00,{lasted},内部故障停电,市区,10\n"
    assert hours(tmp_path, sheet) == (pytest.approx(20, abs=1e-6), [])


@pytest.mark.parametrize("unit", ["周", "km"])
def test_a_duration_in_a_unit_that_is_not_known_is_no_outage_that_still_lasts(unit: str, tmp_path: Path) -> None:
    head = HEAD.replace("停电结束时间", f"停电时长({unit})")
    (tmp_path / "outages.csv").write_text(f"{head}\nA,2022-03-01 08:00,2,内部故障停电,市区,10\n", "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["outages"].is_empty()
    assert [problem.value for problem in read.errors] == [f"停电时长({unit})"]


def test_times_below_a_header_that_nobody_knows_may_be_the_ends(tmp_path: Path) -> None:
    """No figure is made as if all outages still lasted; the utility says once what the column holds."""
    sheet = f"{HEAD.replace('停电结束时间', '合闸成功')}\n{A}\n{B}"
    (tmp_path / "outages.csv").write_text(sheet, "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["outages"].is_empty()
    assert [problem.column for problem in read.errors] == ["end"]
    assert '"合闸成功" = "end"' in read.errors[0].line()
    (tmp_path / "fudian.toml").write_text('[headers.outages]\n"合闸成功" = "end"\n', "utf-8")
    assert read_workspace(tmp_path).tables["outages"]["end"].null_count() == 0
    (tmp_path / "fudian.toml").write_text('[headers.outages]\n"合闸成功" = ""\n', "utf-8")
    assert read_workspace(tmp_path).tables["outages"]["end"].null_count() == 2


@pytest.mark.parametrize(
    "header", ["计划停电时间", "批准送电时间", "停电时户数", "停电次数", "上报时间", "时间", "停电时间安排"]
)
def test_chinese_words_that_say_something_else_are_not_read(header: str) -> None:
    assert chinese_meaning(header) is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_letters_without_a_mark_at_the_beginning(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "outages.csv").write_bytes(f"{HEAD}\n{A}\n{B}".encode(encoding))
    read = read_workspace(tmp_path)
    assert read.tables["outages"]["users"].to_list() == [10, 5]
    assert not read.problems


def test_the_times_of_a_group_below_a_title_over_all(tmp_path: Path) -> None:
    rows = [
        ["停电情况", "", "", "", "", ""],
        ["停电编号", "停送电时间", "", "停电性质", "地区特征", "停电户数"],
        ["", "停电", "送电", "", "", ""],
        A.split(","),
        B.split(","),
    ]
    (tmp_path / "outages.xlsx").write_bytes(xlsx({"3月": rows}))
    read = read_workspace(tmp_path)
    assert read.tables["outages"]["end"].to_list() == [datetime(2022, 3, 1, 10), datetime(2022, 3, 2, 10)]
    assert not read.problems


@pytest.mark.parametrize(("name", "said"), [("outages.zip", "Unpack"), ("2022/outages.csv", "below it")])
def test_what_is_packed_or_in_a_folder_below_is_named_with_what_to_do(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "population.csv").write_text("region_class,users\nurban,1000\n", "utf-8")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x", "utf-8")
    assert said in "\n".join(problem.line() for problem in read_workspace(tmp_path).problems)


@pytest.mark.parametrize("sheet", SILENT.values(), ids=SILENT)
def test_a_sheet_is_read_without_a_word(sheet: str, tmp_path: Path) -> None:
    assert hours(tmp_path, sheet, "outages.txt" if "|" in sheet else "outages.csv") == (pytest.approx(BOTH), [])


SAID = {
    "numbers of rows": (f"序号,{HEAD}\n1,{A}\n2,{B}", "'序号': This column only numbers the rows"),
    "sums": (f"{HEAD}\n{A}\n小计,,,,,10\n{B}\n小计,,,,,5\n总计,,,,,15", "row 3 = '小计': 3 rows hold sums or notes"),
    "notes": (
        f"{HEAD}\n{A}\n{B}\n,,,,合计,15\n备注：三月数据,,,,,\n填表人：,张三,,审核：,李四,",
        "3 rows hold sums or notes",
    ),
    "titles of parts": (
        f"{HEAD}\n一、城区,,,,,\n{A}\n二、城郊,,,,,\n{B}",
        "row 2 = '一、城区': 2 rows hold sums or notes",
    ),
    "header on each page": (f"{HEAD}\n{A}\n{HEAD}\n{B}", "row 3 = '停电编号': 1 rows repeat or number the header"),
    "numbers of columns": (f"{HEAD}\n1,2,3,4,5,6\n{A}\n{B}", "row 2 = '1': 1 rows repeat or number the header"),
    "customer-hours": (f"{HEAD},停电时户数\n{A},20\n{B},99", "'停电时户数': This figure follows from the records"),
}


@pytest.mark.parametrize(("sheet", "said"), SAID.values(), ids=SAID)
def test_what_is_no_record_is_said_once(sheet: str, said: str, tmp_path: Path) -> None:
    found, lines = hours(tmp_path, sheet)
    assert found == pytest.approx(BOTH)
    assert len(lines) == 1
    assert said in lines[0]


@pytest.mark.parametrize("write", [xlsx, xls])
def test_a_workbook_with_titles_sums_and_signatures(write: object, tmp_path: Path) -> None:
    rows = list(
        csv.reader(io.StringIO(f"某县三月停电明细,,,,,\n{HEAD}\n{A}\n{B}户\n合计,,,,,15\n填表人：,张三,,审核：,李四,"))
    )
    (tmp_path / f"outages.{write.__name__}").write_bytes(write({"3月": rows}))  # type: ignore[attr-defined]
    read = read_workspace(tmp_path)
    assert read.tables["outages"]["users"].to_list() == [10, 5]
    (only,) = read.problems
    assert "2 rows hold sums or notes" in only.line()


def test_an_outage_that_is_said_to_last_lasts(tmp_path: Path) -> None:
    (tmp_path / "outages.csv").write_text(f"{HEAD}\n{A.replace('2022-03-01 10:00', '至今')}\n{B}", "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["outages"]["end"].to_list() == [None, datetime(2022, 3, 2, 10)]
    assert not read.problems


@pytest.mark.parametrize("end", ["3:20", "3时20分", "10:00"])
def test_a_clock_alone_may_be_of_a_later_day_or_a_duration(end: str, tmp_path: Path) -> None:
    (tmp_path / "outages.csv").write_text(f"{HEAD}\n{A.replace('2022-03-01 10:00', end)}\n{B}", "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["outages"]["outage_id"].to_list() == ["B"]
    (only,) = read.errors
    assert "Write the day before the time of day" in only.line()


REFUSED = {
    "turned": (
        "\n".join(",".join(row) for row in zip(HEAD.split(","), A.split(","), B.split(","), strict=True)),
        "The names of the columns stand one below the other",
    ),
    "blanks": (
        "停电编号  停电开始时间  停电性质\nA 2022-03-01T08:00 内部故障停电",
        "The columns are separated by blanks",
    ),
    "only numbers of rows": (f"序号{HEAD[4:]}\n{A}\n{B}", 'write "序号" = "outage_id" under [headers.outages]'),
}


@pytest.mark.parametrize(("sheet", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_named_with_what_to_do(sheet: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "outages.csv").write_text(sheet, "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["outages"].is_empty()
    assert said in "\n".join(problem.line() for problem in read.errors)
    assert len(read.errors) == 1


def test_the_numbers_of_rows_serve_as_ids_where_the_utility_says_so(tmp_path: Path) -> None:
    (tmp_path / "outages.csv").write_text(f"序号{HEAD[4:]}\n{A}\n{B}", "utf-8")
    (tmp_path / "fudian.toml").write_text('[headers.outages]\n"序号" = "outage_id"\n', "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["outages"]["outage_id"].to_list() == ["A", "B"]
    assert not read.problems


def test_tables_side_by_side_are_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "outages.csv").write_text(f"{HEAD},,{HEAD}\n{A},,{B}\n", "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["outages"]["outage_id"].to_list() == ["A"]
    (only,) = read.errors
    assert "Two tables stand side by side" in only.line()


def test_a_total_is_a_class_where_the_table_has_one(tmp_path: Path) -> None:
    head = "地区特征,起始时间,终止时间,统计期间小时,停电总时户数"
    rows = (head, "市区,2022-01-01,2022-12-31,8760,10", "合计,2022-01-01,2022-12-31,8760,30")
    (tmp_path / "reliability_report.csv").write_text("\n".join(rows), "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["reliability_report"]["region_class"].to_list() == ["urban", "all_scope"]


ENGLISH = {
    "numbered, dates apart": """Fault No.,Date,Time Off,Time On,Type,Affected Customers,District,Depot
A,2022-03-01,08:00,10:20,Fault,35,Urban,North
B,2022-03-02,23:00,01:10,Planned maintenance,12,Rural,North""",
    "short words": """ID,Interrupted At,Restored At,Outage Type,No. of Customers Affected,Region
A,2022-03-01 08:00,2022-03-01 10:20,Forced,35,City
B,2022-03-02 23:00,2022-03-03 01:10,Maintenance,12,countryside""",
    "abbreviated": """Event #,Start Date/Time,Restoration Date/Time,Cause Category,Customers Interrupted (CI),Region Type
A,2022-03-01 08:00,2022-03-01 10:20,Equipment failure,35,Urban area
B,2022-03-02 23:00,2022-03-03 01:10,Planned outage,12,Rural area""",
    "hours": """Job Number,Start,Duration (hrs),Kind,Customers lost,Classification,Business Unit
A,2022-03-01 08:00,2.3333333333,breakdown,35,urban,D
B,2022-03-02 23:00,2.1666666667,planned work,12,village,D""",
    "whole times under a date": """Incident,Outage Date,Restoration Date,Nature of Outage,Consumers Affected,Area
A,2022-03-01 08:00,2022-03-01 10:20,Unplanned shutdown,35,Urban district
B,2022-03-02 23:00,2022-03-03 01:10,Planned shutdown,12,Rural district""",
}


@pytest.mark.parametrize("sheet", ENGLISH.values(), ids=ENGLISH)
def test_headers_and_words_in_english(sheet: str, tmp_path: Path) -> None:
    (tmp_path / "outages.csv").write_text(sheet, "utf-8")
    read = read_workspace(tmp_path)
    assert [problem.line() for problem in read.errors] == []
    outages = read.tables["outages"]
    rounded = outages.with_columns(pl.col("start", "end").dt.round("1s"))
    assert rounded.select("outage_id", "start", "end", "nature", "users", "region_class").rows() == [
        ("A", datetime(2022, 3, 1, 8), datetime(2022, 3, 1, 10, 20), "F-INT", 35, "urban"),
        ("B", datetime(2022, 3, 2, 23), datetime(2022, 3, 3, 1, 10), "P-PLAN-MAINT", 12, "rural"),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "Customer Hours",
        "Customer No",
        "Network",
        "Date",
        "Report Time Zone",
        "Off",
        "Customers",
        "Fault Location",
        "Type",
    ],
)
def test_english_words_that_say_too_little_are_not_read(header: str) -> None:
    assert english_meaning(header) is None


def test_a_general_header_whose_words_are_others_is_not_taken(tmp_path: Path) -> None:
    head = "停电编号,停电时间,送电时间,停电性质,停电户数,地区特征,类型"
    sheet = f"{head}\nA,2022-03-01 08:00,2022-03-01 10:00,内部故障,5,市区,电缆\n"
    (tmp_path / "outages.csv").write_text(sheet, "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["outages"].height == 1
    assert [problem.value for problem in read.warnings] == ["类型"]


def test_two_general_headers_that_both_fit_are_not_chosen_between(tmp_path: Path) -> None:
    sheet = "停电编号,停电时间,送电时间,停电性质,停电户数,区域,片区\nA,2022-03-01 08:00,2022-03-01 10:00,内部故障,5,市区,农村\n"
    (tmp_path / "outages.csv").write_text(sheet, "utf-8")
    read = read_workspace(tmp_path)
    assert read.tables["outages"].is_empty()
    assert {problem.column for problem in read.errors} == {"region_class"}


@pytest.mark.parametrize("typed", [True, False])
def test_a_workbook_that_counts_from_1904(typed: bool, tmp_path: Path) -> None:
    """Its dates are those that it shows, and numbers under a header of times are counted from its own first day."""
    book = xlsxwriter.Workbook(tmp_path / "outages.xlsx", {"date_1904": True})
    sheet, form = book.add_worksheet("1月"), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    sheet.write_row(0, 0, HEAD.split(","))
    sheet.write_row(1, 0, A.split(","))
    for column, hour in ((1, 8), (2, 10)):
        time = datetime(2022, 3, 1, hour)
        if typed:
            sheet.write_datetime(1, column, time, form)
        else:
            sheet.write_number(1, column, (time - datetime(1904, 1, 1)) / timedelta(days=1))
    book.close()
    found, said = hours(tmp_path, (tmp_path / "outages.xlsx").read_bytes(), "outages.xlsx")
    assert (found, said) == (20.0, [])
