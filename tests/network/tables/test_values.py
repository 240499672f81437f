"""What one cell means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import polars as pl
import pytest

from network.tables.cells import Fault, Parsed
from network.tables.conventions import ReadingSettings
from network.tables.schema import TABLES
from network.tables.times import TimeUnit
from network.tables.values import Scale, is_code, parse

EIGHT_FIVE = datetime(2022, 7, 20, 8, 5)
HOUR = timedelta(hours=1)


def read(table: str, column: str, values: Sequence[object] | pl.Series, **settings: Any) -> Parsed:
    series = values if isinstance(values, pl.Series) else pl.Series("raw", values)
    return parse(series, TABLES[table][column], **settings)


def one(table: str, column: str, value: object, **settings: Any) -> tuple[object, Fault | None]:
    parsed = read(table, column, [value], **settings)
    return parsed.values[0], parsed.faults[0][2] if parsed.faults else None


@pytest.mark.parametrize(
    "written",
    [
        "2022/7/20 8:05",
        "2022-07-20 08:05:00",
        "2022-07-20T08:05:00",
        "20220720080500",
        "202207200805",
        "20220720 08:05",
        "2022年7月20日8时5分",
        "2022年07月20日 08:05",
        "2022年7月20日8点5分0秒",
        "2022.7.20 8:05",
        "２０２２-０７-２０ ０８：０５",
        "  2022-07-20 08:05:00.000 ",
        "2022-07-20T08:05:00+08:00",
        "2022-07-20 08:05+0800",
        "2022-07-20 08:05 GMT+8",
        "2022/7/20 上午 8:05:00",
        "2022-07-20 08:05 AM",
        "2022-07-20 星期三 08:05",
        "2022年7月20日(周三)8时5分",
        "20 Jul 2022 08:05",
        "20-July-2022 8:05",
        "Wed, Jul 20th, 2022 8:05 am",
        "2022-07-20-08:05",
        "2022.07.20.8:05",
        "2022-07-20_08:05:00",
        "2022-07-20 0805",
        "44762.336805556",
    ],
)
def test_time_is_read_in_every_form(written: str) -> None:
    assert one("outages", "start", written) == (EIGHT_FIVE, None)


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("下午 3:05", 15),
        ("3:05 PM", 15),
        ("上午12:05", 0),
        ("下午 12:05", 12),
        ("pm 11:05:00", 23),
        ("下午 15:05", 15),
        ("凌晨3:05", 3),
        ("早上 8点5分", 8),
        ("中午12:05", 12),
        ("中午1:05", 13),
        ("晚上8:05", 20),
        ("夜间 20:05", 20),
        ("8:05 a.m.", 8),
        ("8:05 P.M.", 20),
    ],
)
def test_halves_of_the_day(written: str, hour: int) -> None:
    assert one("outages", "start", f"2022/7/20 {written}") == (datetime(2022, 7, 20, hour, 5), None)


@pytest.mark.parametrize("written", ["2022/7/20", "20220720", "2022年7月20日", "2022.07.20", "44762", "2022-7-20"])
def test_day_without_clock_is_midnight(written: str) -> None:
    assert one("outages", "start", written) == (datetime(2022, 7, 20), None)


def test_excel_serial_with_decimals_is_rounded_to_seconds() -> None:
    assert one("outages", "start", "44762.34") == (datetime(2022, 7, 20, 8, 9, 36), None)
    assert one("outages", "start", 44762.34) == (datetime(2022, 7, 20, 8, 9, 36), None)


@pytest.mark.parametrize("written", ["2022-12-31 24:00", "2022/12/31 24:00:00", "20221231240000", "2022年12月31日24时"])
def test_24_hours_is_midnight_of_the_next_day(written: str) -> None:
    assert one("outages", "end", written) == (datetime(2023, 1, 1), None)


@pytest.mark.parametrize(
    "written",
    [
        "22/7/20",
        "2022-02-30",
        "2022-07-20 24:01",
        "2022-07-20 25:00",
        "7/20/2022",
        "202207",
        "2022/7/20 上午 15:05",
        "2022/7/20 晚上 3:05",
        "20221301",
        "0022-07-20 08:05:00",
        "x",
    ],
)
def test_what_is_not_a_time_is_said(written: str) -> None:
    value, fault = one("outages", "start", written)
    assert value is None
    assert fault is not None
    assert "not a time" in str(fault.message)


@pytest.mark.parametrize("written", ["2022-07-20T08:05:00Z", "2022-07-20 08:05:00+09:00", "2022-07-20 08:05 UTC"])
def test_mixed_zone_is_refused(written: str) -> None:
    parsed = read("outages", "start", ["2022-07-20 08:05:00", written])
    assert parsed.values.to_list() == [EIGHT_FIVE, None]
    assert [(position, raw) for position, raw, _ in parsed.faults] == [(1, written)]
    assert "Mixed zone" in str(parsed.faults[0][2].message)


def test_typed_times_pass_and_instants_become_local() -> None:
    local = pl.Series([EIGHT_FIVE])
    assert read("outages", "start", local).values.to_list() == [EIGHT_FIVE]
    assert read("outages", "start", local.dt.replace_time_zone("Asia/Shanghai")).values.to_list() == [EIGHT_FIVE]
    utc = read("outages", "start", pl.Series([datetime(2022, 7, 20, 0, 5, tzinfo=UTC)]))
    assert utc.values.to_list() == [EIGHT_FIVE]
    assert [note.severity for note in utc.notes] == ["warning"]
    assert read("outages", "start", pl.Series([date(2022, 7, 20)])).values.to_list() == [datetime(2022, 7, 20)]
    assert read("outages", "start", pl.Series([20220720])).values.to_list() == [datetime(2022, 7, 20)]
    assert read("outages", "start", pl.Series([datetime(22, 7, 20)])).faults[0][0] == 0


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (["2022-07-20T00:05:00Z", "2022-07-20T01:05:00Z", ""], [EIGHT_FIVE, EIGHT_FIVE + HOUR, None]),
        (["2022-07-20 00:05+00:00", "2022-07-20 1:05:00+0000"], [EIGHT_FIVE, EIGHT_FIVE + HOUR]),
        (["2022-07-20 09:05:00 UTC+9"], [EIGHT_FIVE]),
        (["20220720000500Z"], [EIGHT_FIVE]),
    ],
)
def test_a_column_that_is_all_in_one_zone_is_converted_and_that_is_said_once(
    written: list[object], values: list[datetime | None]
) -> None:
    parsed = read("outages", "start", written)
    assert parsed.values.to_list() == values
    assert parsed.faults == ()
    assert len(parsed.notes) == 1


def test_a_column_in_the_own_zone_says_nothing() -> None:
    parsed = read("outages", "start", ["2022-07-20 08:05+08:00", "2022-07-20T08:05:00+0800"])
    assert (parsed.values.to_list(), parsed.faults, parsed.notes) == ([EIGHT_FIVE, EIGHT_FIVE], (), ())


def test_two_foreign_zones_in_one_column_are_not_converted() -> None:
    parsed = read("outages", "start", ["2022-07-20 00:05Z", "2022-07-20 09:05+09:00", "2022-07-20 08:05+08:00"])
    assert parsed.values.to_list() == [None, None, EIGHT_FIVE]
    assert [position for position, _, _ in parsed.faults] == [0, 1]


def test_nonsense_in_a_column_of_one_zone_is_an_error_of_its_own() -> None:
    parsed = read("outages", "start", ["2022-07-20 00:05Z", "yesterday"])
    assert parsed.values.to_list() == [EIGHT_FIVE, None]
    assert [(position, raw) for position, raw, _ in parsed.faults] == [(1, "yesterday")]


def test_the_zone_of_a_header_is_converted() -> None:
    utc = read("outages", "start", ["2022-07-20 00:05"], time_unit=TimeUnit(offset_min=0))
    assert (utc.values.to_list(), len(utc.notes)) == ([EIGHT_FIVE], 1)
    local = read("outages", "start", ["2022-07-20 08:05"], time_unit=TimeUnit(offset_min=480))
    assert (local.values.to_list(), local.notes) == ([EIGHT_FIVE], ())


def test_hours_are_right_when_the_clocks_change() -> None:
    """Summer time begins in New York on 2022-03-13 at 2:00 and ends on 2022-11-06 at 2:00."""
    zone = ReadingSettings(time_zone="America/New_York")
    spring = read("outages", "start", ["2022-03-13 01:00", "2022-03-13 04:00", "2022-03-13 02:30"], reading=zone)
    assert spring.values[1] - spring.values[0] == 2 * HOUR
    assert (spring.values[2], "never shows" in str(spring.faults[0][2].message)) == (None, True)
    autumn = read(
        "outages",
        "start",
        [
            "2022-11-06 00:30",
            "2022-11-06 03:30",
            "2022-11-06 01:30",
            "2022-11-06 01:30-04:00",
            "2022-11-06 01:30-05:00",
        ],
        reading=zone,
    )
    begin, end, unclear, first, second = autumn.values.to_list()
    assert (end - begin, first - begin, second - begin) == (4 * HOUR, HOUR, 2 * HOUR)
    assert (unclear, "twice" in str(autumn.faults[0][2].message)) == (None, True)


def test_days_stay_days_in_a_zone_with_summer_time() -> None:
    zone = ReadingSettings(time_zone="Europe/Berlin")
    assert read("population", "from", ["2022-07-01"], reading=zone).values.to_list() == [datetime(2022, 7, 1)]
    assert read("population", "from", [date(2022, 7, 1)], reading=zone).values.to_list() == [datetime(2022, 7, 1)]


@pytest.mark.parametrize("written", ["1658275500000", "1658275500", 1658275500000])
def test_numbers_since_1970_are_refused_with_how_to_name_them(written: object) -> None:
    value, fault = one("outages", "start", written)
    unit: Literal["ms", "s"] = "ms" if len(str(written)) == 13 else "s"
    assert value is None
    assert fault is not None
    assert f"start({unit})" in str(fault.hint)
    assert f'epoch = "{unit}"' in str(fault.hint)
    for way in ({"time_unit": TimeUnit(since_1970=unit)}, {"reading": ReadingSettings(epoch=unit)}):
        assert one("outages", "start", written, **way) == (EIGHT_FIVE, None)


def test_the_order_of_day_and_month_is_never_guessed() -> None:
    value, fault = one("outages", "start", "20/7/2022 8:05")
    assert value is None
    assert fault is not None
    assert "date_order" in str(fault.hint)
    days_first = ReadingSettings(date_order="dmy")
    for written in ("20/7/2022 8:05", "20.07.2022 08:05:00", "20-7-22 8:05", "2022-07-20 08:05"):
        assert one("outages", "start", written, reading=days_first) == (EIGHT_FIVE, None)
    assert one("outages", "start", "7/20/2022 8:05", reading=ReadingSettings(date_order="mdy")) == (EIGHT_FIVE, None)
    assert one("outages", "start", "20/7/2022 8:05", reading=ReadingSettings(date_order="mdy"))[0] is None


@pytest.mark.parametrize(
    ("table", "column"), [("outages", "end"), ("outages", "start"), ("outages", "users"), ("population", "to")]
)
def test_no_remedy_makes_a_blank_of_what_a_blank_would_change(table: str, column: str) -> None:
    """An end that was left empty because it could not be read would last to this day."""
    fault = one(table, column, "x")[1]
    assert fault is not None
    assert "if unknown" not in str(fault.hint)


def test_a_formula_without_a_value_is_said() -> None:
    for table, column in (("outages", "end"), ("outages", "users"), ("outages", "nature"), ("outages", "outage_id")):
        value, fault = one(table, column, "=B2+C2/24")
        assert value is None
        assert fault is not None
        assert "no value" in str(fault.message)


def test_a_column_may_mix_forms() -> None:
    parsed = read(
        "outages", "start", ["2022/7/20 8:05"] * 300 + ["2022-07-20 08:05:00", "20220720080500", "44762.336805556"]
    )
    assert parsed.values.to_list() == [EIGHT_FIVE] * 303


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12.5", 12.5),
        ("1,234.5", 1234.5),
        ("1，234", 1234.0),
        ("１２", 12.0),
        ("1.2万", 12_000.0),
        ("1e3", 1000.0),
        ("3km", 3.0),
        (" 7 ", 7.0),
        (Decimal("1.25"), 1.25),
        (float("nan"), None),
    ],
)
def test_number_is_read(written: object, value: float | None) -> None:
    assert one("branches", "length_km", written) == (value, None)


def test_voltage_may_carry_its_unit() -> None:
    assert read("feeders", "voltage_kv", ["10", "10kV", "交流10kV"]).values.to_list() == [10.0, 10.0, 10.0]


@pytest.mark.parametrize("written", ["x", "1,23,4", "1_000", "inf", "-1", "5%", "3 m"])
def test_what_is_not_a_possible_number_is_said(written: str) -> None:
    value, fault = one("branches", "length_km", written)
    assert value is None
    assert fault is not None
    assert fault.severity == "error"


def test_per_cent_is_a_share() -> None:
    assert one("sensors", "miss_rate", "5％") == (0.05, None)


def test_scale_turns_the_unit_of_the_header() -> None:
    assert one("branches", "length_km", "850", scale=Scale(1, 1000)) == (0.85, None)
    assert one("outages", "users", "1.2", scale=Scale(10_000)) == (12_000, None)


def test_whole_numbers() -> None:
    parsed = read("outages", "users", ["12", "12.0", "1.5", "0", "1.2万", None])
    assert parsed.values.to_list() == [12, 12, None, None, 12_000, None]
    assert parsed.values.dtype == pl.Int64
    assert [position for position, _, _ in parsed.faults] == [2, 3]


@pytest.mark.parametrize("token", ["", " ", "-", "—", "--", "/", "无", "空", "NULL", "None", "n/a", None])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("outages", "outage_id"),
        ("outages", "cause"),
        ("outages", "nature"),
        ("outages", "end"),
        ("outages", "users"),
        ("branches", "length_km"),
        ("branches", "remote"),
    ],
)
def test_null_tokens(token: str | None, table: str, column: str) -> None:
    parsed = read(table, column, pl.Series([token], dtype=pl.String))
    assert parsed.values.to_list() == [None]
    assert parsed.values.dtype == TABLES[table][column].polars_type
    assert parsed.faults == ()


def test_ids_stay_text() -> None:
    parsed = read("outages", "outage_id", ["00123", "123.0", '="007"', " Ａ１ ", "2E5", "F1.0", "1.23", "\ufeffX"])
    assert parsed.values.to_list() == ["00123", "123", "007", "A1", "2E5", "F1.0", "1.23", "X"]
    assert read("outages", "outage_id", [7, 8]).values.to_list() == ["7", "8"]
    assert read("outages", "outage_id", [7.0, None]).values.to_list() == ["7", None]


@pytest.mark.parametrize("written", ["1.23457E+15", "1.5e15", "3E+10", 1.5e15])
def test_ids_in_scientific_notation_are_refused(written: object) -> None:
    value, fault = one("outages", "outage_id", written)
    assert value is None
    assert fault is not None
    assert "lost its last digits" in str(fault.message)


def test_failed_formula_is_no_id_and_no_text() -> None:
    for column in ("outage_id", "cause", "nature", "end", "users"):
        value, fault = one("outages", column, "#N/A")
        assert value is None
        assert fault is not None


@pytest.mark.parametrize("yes", ["是", "Y", "yes", "1", "TRUE", "√", "1.0", True, 1])
def test_yes(yes: object) -> None:
    assert one("branches", "remote", yes) == (True, None)


@pytest.mark.parametrize("no", ["否", "N", "no", "0", "False", False, 0])
def test_no(no: object) -> None:
    assert one("branches", "remote", no) == (False, None)


def test_neither_yes_nor_no() -> None:
    value, fault = one("branches", "remote", "也许")
    assert value is None
    assert fault is not None
    assert "[codes.remote]" in str(fault.hint)


def test_public_and_dedicated() -> None:
    words = ["公变", "公用", "公用变", "专变", "专用", "1", "0"]
    assert read("transformers", "public", words, header="公变").values.to_list() == [
        True,
        True,
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("header", ["变压器类型", "用户性质", "PUB_PRIV_FLAG", " 变压器类型 "])
def test_digits_under_a_contradicting_header_need_a_code_map(header: str) -> None:
    parsed = read("transformers", "public", ["1", "2", "公变"], header=header)
    assert parsed.values.to_list() == [None, None, True]
    assert "[codes.public]" in str(parsed.faults[0][2].hint)
    mapped = read("transformers", "public", ["1", "2", "公变"], header=header, codes={"1": "公变", "2": False})
    assert mapped.values.to_list() == [True, False, True]
    assert mapped.faults == ()


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("f-int", "F-INT"),
        ("内部故障停电", "F-INT"),
        ("预安排/计划停电/检修停电", "P-PLAN-MAINT"),
        ("预安排 > 限电 > 供电网限电", "P-RAT-NET"),
        ("故障停电—外部故障停电", "F-EXT"),
        ("预安排-临时停电-临时施工停电", "P-TEMP-CONST"),
        ("预安排停电/临时停电/检修停电", "P-TEMP-MAINT"),
        ("预安排停电-临时停电-施工停电", "P-TEMP-CONST"),
        ("预安排停电>临时停电>用户申请停电", "P-TEMP-CUST"),
        ("预安排停电—计划停电—施工停电", "P-PLAN-CONST"),
        ("预安排停电，临时停电，检修停电", "P-TEMP-MAINT"),
        ("预安排停电 临时停电 检修停电", "P-TEMP-MAINT"),
        ("临时停电（检修）", "P-TEMP-MAINT"),
        ("检修停电/临时停电", "P-TEMP-MAINT"),
        ("预安排 / 计划 / 用户申请", "P-PLAN-CUST"),
        ("用户临时申请停电", "P-TEMP-CUST"),
        ("故障-外部", "F-EXT"),
        ("temporary maintenance", "P-TEMP-MAINT"),
    ],
)
def test_nature(written: str, code: str) -> None:
    assert one("outages", "nature", written) == (code, None)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("故障", "F-INT"),
        ("预安排/计划停电", "P-PLAN-MAINT"),
        ("01", "P-PLAN-MAINT"),
        ("02", "F-INT"),
        ("检修", "P-PLAN-MAINT"),
        ("02 故障", "F-INT"),
    ],
)
def test_coarse_nature_is_taken_with_a_warning(written: str, code: str) -> None:
    value, fault = one("outages", "nature", written)
    assert value == code
    assert fault is not None
    assert fault.severity == "warning"


@pytest.mark.parametrize("written", ["不拉闸限电", "预安排停电/限电/不拉闸限电", "限电(不拉闸)"])
def test_load_shed_without_opening_the_feeder_is_no_outage(written: str) -> None:
    """R1.13; the nearest nature would count people as without power who were not."""
    value, fault = one("outages", "nature", written)
    assert value is None
    assert fault is not None
    assert (fault.severity, "R1.13" in str(fault.message)) == ("error", True)


def test_unknown_nature_is_an_error_with_the_nearest_word() -> None:
    value, fault = one("outages", "nature", "检修停点")
    assert value is None
    assert fault is not None
    assert "检修停电" in str(fault.hint)
    assert one("outages", "nature", "03")[0] is None


@pytest.mark.parametrize(
    "written",
    ["非故障停电", "非计划停电", "计划停电/临时停电/检修停电", "故障/计划停电", "检修施工停电", "临时调电", "停电"],
)
def test_a_word_that_is_not_known_or_contradicts_another_is_no_nature(written: str) -> None:
    value, fault = one("outages", "nature", written)
    assert value is None
    assert fault is not None
    assert fault.severity == "error"


def test_bare_digits_of_a_class_need_a_code_map() -> None:
    parsed = read("transformers", "region_class", ["1", "市区", "URBAN", "2"])
    assert parsed.values.to_list() == [None, "urban", "urban", None]
    assert "[codes.region_class]" in str(parsed.faults[0][2].hint)
    codes = {"1": "city_centre", "2": "农村"}
    assert read("transformers", "region_class", ["1", "2"], codes=codes).values.to_list() == ["city_centre", "rural"]
    assert read("transformers", "region_class", [1.0, 2.0], codes=codes).values.to_list() == ["city_centre", "rural"]
    assert read("transformers", "planning_class", ["a+", "B类", "2"]).values.to_list() == ["A+", "B", None]


def test_text_keeps_its_form() -> None:
    assert read("outages", "cause", [" 树障（１）", "无", "#1 变"]).values.to_list() == ["树障（１）", None, "#1 变"]


def test_meanings_of_code_maps_are_checked() -> None:
    assert is_code("公变", TABLES["transformers"]["public"])
    assert is_code(True, TABLES["transformers"]["public"])
    assert not is_code("perhaps", TABLES["transformers"]["public"])
    assert is_code("市区", TABLES["transformers"]["region_class"])
    assert not is_code("1", TABLES["transformers"]["region_class"])
