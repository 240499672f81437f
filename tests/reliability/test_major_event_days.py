"""Major event days: the settings of the 2.5 beta method one by one, and that leaving days out loses nothing."""

import math
import statistics as plain_statistics
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from reliability import Period, ReliabilitySettings
from reliability.major_event_days import judged_days, threshold
from reliability.query import Query
from reliability.statistics import Statistics
from tests.costly import costly
from tests.reliability.records import MINUTE, START, Scene, bus, scenes, statistics

YEAR = Period.year(2022)


def history(years: list[int], values: list[float]) -> list[tuple[date, float]]:
    return [(date(year, 1, 1) + timedelta(days=i), value) for year in years for i, value in enumerate(values)]


def judged(rows: list[tuple[date, float]], **rules: Any) -> Any:
    frame = pl.DataFrame(rows, schema={"day": pl.Date, "saidi_h": pl.Float64}, orient="row")
    return judged_days(frame, YEAR, ReliabilitySettings(**({"minimum_history_days": 3} | rules)))


BIG = [(date(2022, 6, 1), 1.0), (date(2022, 6, 2), 0.03)]
VALUES = [0.01, 0.02, 0.05, 0.02]


@pytest.mark.parametrize("zero_days", ["drop", "lowest"])
@pytest.mark.parametrize("ddof", [0, 1])
def test_days_without_interruptions_are_dropped_or_stand_with_the_lowest(zero_days: str, ddof: int) -> None:
    found = judged(history([2019, 2020, 2021], VALUES) + BIG, zero_days=zero_days, beta_ddof=ddof)
    logarithms = [math.log(value) for value in VALUES * 3]
    if zero_days == "lowest":
        logarithms += [math.log(0.01)] * (365 + 366 + 365 - 12)
    spread = plain_statistics.stdev(logarithms) if ddof else plain_statistics.pstdev(logarithms)
    assert found.threshold.saidi_h == pytest.approx(math.exp(plain_statistics.fmean(logarithms) + 2.5 * spread))
    assert date(2022, 6, 1) in found.days
    assert (date(2022, 6, 2) in found.days) == (zero_days == "lowest")


def test_the_lowest_value_stands_for_zeros_in_the_threshold_too() -> None:
    lowest, dropped = (threshold([0.0, 0.01, 0.02], zero_days=rule).saidi_h for rule in ("lowest", "drop"))
    assert lowest == pytest.approx(threshold([0.01, 0.01, 0.02]).saidi_h)
    assert dropped == pytest.approx(threshold([0.01, 0.02]).saidi_h)
    with pytest.raises(ValueError, match="two days"):
        threshold([0.0, 0.0, 0.02], zero_days="lowest")


def test_how_long_the_history_is_and_how_short_it_may_be() -> None:
    old = [(day, 100 * value) for day, value in history([2016], VALUES)]
    recent = history([2019, 2020, 2021], VALUES)
    five, six = judged(old + recent + BIG), judged(old + recent + BIG, history_years=6)
    assert five.threshold == judged(recent + BIG).threshold
    assert six.threshold.saidi_h > five.threshold.saidi_h
    short = judged(history([2020, 2021], VALUES) + BIG)
    assert (short.basis, short.days, short.threshold) == ("not_computable", (), None)
    assert "2 years" in str(short.reason)
    assert judged(history([2020, 2021], VALUES) + BIG, minimum_history_years=2).basis == "calculated"
    assert judged(recent + BIG, minimum_history_days=13).basis == "not_computable"
    assert judged(recent + BIG, minimum_history_days=12).basis == "calculated"


def test_an_interruption_belongs_whole_to_the_day_it_began() -> None:
    tables = bus(1)
    tables["outages"] = [
        {"outage_id": "E", "start": datetime(2022, 6, 1, 23), "end": datetime(2022, 6, 2, 20), "nature": "F-INT",
         "transformer_id": "T0"}
    ]  # fmt: skip
    for day, hours in (("2022-06-01", 0), ("2022-06-02", 21)):
        county = statistics(tables, {"major_event_days": [day]})
        assert county.indices(Query(YEAR, med="exclude"))["CH"].item() == hours


# Days are judged, and left out, whatever is asked (R1.17) -----------------------------------------------------------


def two_in_june(**rules: Any) -> Statistics:
    """A begins on the last of May at 23:00 and ends at 2:00; B lasts from 8:00 to 9:00; both for two transformers."""
    tables = bus(2, [{"region_class": "urban", "unit": "east"}, {"region_class": "rural", "unit": "west"}])
    spans = ("A", datetime(2022, 5, 31, 23), 3), ("B", datetime(2022, 6, 1, 8), 1)
    tables["outages"] = [
        {
            "outage_id": name,
            "start": start,
            "end": start + timedelta(hours=hours),
            "nature": "F-INT",
            "transformer_id": user,
        }
        for name, start, hours in spans
        for user in ("T0", "T1")
    ]
    tables["customers"] = [{"customer_id": f"C{i}", "transformer_id": f"T{i % 2}"} for i in range(4)]
    return statistics(tables, rules)


JUNE = Period(datetime(2022, 6, 1), datetime(2022, 7, 1))


def test_a_record_of_a_major_event_day_is_left_out_whatever_period_is_asked() -> None:
    county = two_in_june(major_event_days=["2022-05-31"])
    for period in (JUNE, YEAR, Period(datetime(2022, 6, 1), datetime(2022, 6, 2))):
        assert county.indices(Query(period, med="exclude"))["CH"].item() == 2
    by_month = county.indices(Query(YEAR, ("month",), med="exclude"))
    assert {month: hours for month, hours in by_month.select("month", "CH").iter_rows() if hours} == {"2022-06": 2}
    assert county.indices(Query(JUNE))["CH"].item() == 2 * 2 + 2
    for query in (Query(JUNE, med="exclude"), Query(YEAR, med="exclude")):
        assert county.basis(query)["major_event_days"]["days"] == ["2022-05-31"]
    ieee = {row["index"]: row for row in county.both_standards(Query(JUNE, med="exclude"))["differences"]}["SAIDI"]
    assert (ieee["ieee_1366"], ieee["dl_t_836"]) == (1, 3)
    assert [part["reason"] for part in ieee["because"]] == ["major_event_days"]


def test_one_list_for_every_level_and_breakdown() -> None:
    county = two_in_june(major_event_days=["2022-05-31"])
    for level, hours in (("mv", 2), ("lv", 4)):
        for by in ((), ("region_class",), ("unit", "month")):
            assert county.indices(Query(JUNE, by, level, "exclude"))["CH"].sum() == hours
        assert county.indices(Query(JUNE, (), level, "exclude", where={"unit": "west"}))["CH"].item() == hours / 2


def test_lists_may_be_by_unit() -> None:
    county = two_in_june(major_event_days={"east": ["2022-05-31"], "north": ["2022-06-01"]})
    rows = county.indices(Query(JUNE, ("unit",), med="exclude"))
    assert dict(rows.select("unit", "CH").iter_rows()) == {"east": 1, "west": 3}
    assert county.basis(Query(JUNE, med="exclude"))["major_event_days"]["by_unit"] == {
        "east": [],
        "north": ["2022-06-01"],
    }


def test_a_later_record_that_adjoins_stays_with_its_count() -> None:
    tables = bus(1)
    tables["outages"] = [
        {"outage_id": name, "start": start, "end": end, "nature": "F-INT", "transformer_id": "T0"}
        for name, start, end in (
            ("A", datetime(2022, 5, 31, 23), datetime(2022, 6, 1, 2)), ("B", datetime(2022, 6, 1, 2), datetime(2022, 6, 1, 4)),
        )
    ]  # fmt: skip
    row = (
        statistics(tables, {"major_event_days": ["2022-05-31"]}).indices(Query(YEAR, med="exclude")).row(0, named=True)
    )
    assert (row["CH"], row["CI"]) == (2, 1)


def storm(start: datetime, end: datetime | None) -> Statistics:
    """Three quiet years with one outage of one transformer a month, then a storm over all four."""
    tables = bus(4, [{"region_class": name} for name in ("urban", "urban", "rural", "rural")])
    months = [datetime(year, month, 3, 8) for year in (2019, 2020, 2021) for month in range(1, 13)]
    quiet = [(f"Q{i}", day, day + timedelta(hours=0.4 * (1 + i % 12)), f"T{i % 4}") for i, day in enumerate(months)]
    rows = [*quiet, *((f"S{i}", start, end, f"T{i}") for i in range(4))]
    tables["outages"] = [
        {"outage_id": name, "start": begin, "end": until, "nature": "F-INT", "transformer_id": user}
        for name, begin, until, user in rows
    ]
    return statistics(tables)


def test_a_day_is_judged_by_whole_interruptions_even_from_the_year_after() -> None:
    """The storm begins an hour before the year ends; the hour alone would be no major event, its ten hours are."""
    county = storm(datetime(2022, 12, 31, 23), datetime(2023, 1, 1, 9))
    for year in (2022, 2023):
        query = Query(Period.year(year), med="exclude")
        found = county.major_event_days(query)
        assert found.days == (date(2022, 12, 31),)
        assert 1 < found.threshold.saidi_h < 10 if year == 2022 else True  # type: ignore[union-attr]
        assert county.indices(query)["CH"].item() == 0
        assert county.indices(Query(Period.year(year)))["CH"].item() == {2022: 4, 2023: 36}[year]


def test_a_day_is_judged_by_all_users_and_not_by_those_asked_for() -> None:
    county = storm(datetime(2022, 6, 1, 8), datetime(2022, 6, 1, 18))
    of_rural = Query(YEAR, med="exclude", where={"region_class": "rural"})
    assert county.major_event_days(of_rural) == county.major_event_days(Query(YEAR))
    assert county.indices(of_rural)["CH"].item() == 0


@costly(15)
@given(
    scenes(), st.lists(st.integers(-1, 3), max_size=3), st.sampled_from(["cut", "start"]), st.sampled_from(["mv", "lv"])
)
def test_without_days_is_without_their_records(scene: Scene, days: list[int], crossing: str, level: str) -> None:
    """The figures are those of a workspace that never had the records of these days; where each user has one supply."""
    plain = replace(scene.plain, transformers=[(node, None) for node, _ in scene.plain.transformers])
    scene = replace(scene, plain=plain)
    chosen = [(START + timedelta(days=day)).date() for day in days]
    rules = {"crossing": crossing}
    net = scene.network({"major_event_days": [day.isoformat() for day in chosen]} | rules, one_customer_each=True)
    left = [outage for outage in scene.outages if (START + outage["start"] * MINUTE).date() not in chosen]
    ids = {each["outage_id"] for each in left}
    stages = [stage for stage in scene.stages if stage["outage_id"] in ids]
    other = replace(scene, outages=left, stages=stages).network(rules, one_customer_each=True)
    period = Period(START + timedelta(minutes=20), START + timedelta(days=3))
    as_of = START + timedelta(days=2)
    found = Statistics(net).indices(Query(period, ("region_class",), level, "exclude", as_of))
    expected = Statistics(other).indices(Query(period, ("region_class",), level, "include", as_of))
    assert_frame_equal(found, expected, rel_tol=1e-12)


@pytest.mark.parametrize("until", [datetime(2022, 5, 31, 21), datetime(2022, 5, 31, 23)])
def test_a_day_in_the_middle_of_which_the_period_ends_is_a_major_event_day_too(until: datetime) -> None:
    """R1.17: not the period decides; the day of today, of which only a part is known, neither."""
    tables = bus(2)
    tables["outages"] = [
        {"outage_id": "E", "transformer_id": "T0", "nature": "F-INT",
         "start": datetime(2022, 5, 31, 20), "end": datetime(2022, 5, 31, 22)},
    ]  # fmt: skip
    county = statistics(tables, {"major_event_days": ["2022-05-31"]})
    for query in (Query(Period(datetime(2022, 5, 1), until)), Query(Period.year(2022), as_of=until)):
        counted, left = (county.indices(replace(query, med=med))["CI"].item() for med in ("include", "exclude"))
        assert (counted, left) == (1, 0)
        assert county.basis(query.known)["major_event_days"]["days"] == ["2022-05-31"]
