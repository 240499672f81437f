"""What pages draw: the accrued outage time, its parts, causes and feeders all sum to the indices."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_samples.generator.county import COUNTY
from network import read_network, workspace
from network.tables.as_of import known_until
from reliability.area import Area
from reliability.curve import cumulative_saidi, ledger_within, ledgers_of_parts
from reliability.live_months import live_ratio_by_month
from reliability.period import Period
from reliability.query import Query
from reliability.ranking import causes, planned_outages, worst_feeders
from reliability.statistics import Statistics
from tests.costly import costly
from tests.reliability.records import MINUTE, START, Scene, scenes
from tests.reliability.slow import Rules, rules

YEAR = Period.year(2022)


@pytest.fixture(scope="module")
def statistics() -> Statistics:
    return Statistics(read_network(COUNTY))


@pytest.mark.parametrize("level", ["mv", "lv"])
@pytest.mark.parametrize("med", ["include", "exclude"])
@pytest.mark.parametrize("as_of", [None, datetime(2022, 7, 20, 8, 5)])
def test_the_curve_ends_at_saidi(statistics: Statistics, level: str, med: str, as_of: datetime | None) -> None:
    query = Query(YEAR, level=level, med=med, as_of=as_of)
    curve = cumulative_saidi(statistics, query)
    assert curve["saidi_h"][-1] == pytest.approx(statistics.indices(query)["SAIDI-1"][0])
    assert curve["ch"].min() >= -1e-6
    assert curve.height == (365 if as_of is None else 201)


@costly(20)
@given(scenes(), rules(), st.integers(0, 60), st.integers(61, 4000), st.none() | st.integers(62, 130))
def test_the_curve_ends_at_saidi_by_either_rule_of_crossing(
    scene: Scene, drawn: Rules, first: int, last: int, as_of: int | None
) -> None:
    """Cut at the ends of days and of the period, or whole where it began; each day opens to the rows that sum to it."""
    known = Statistics(scene.network(asdict(drawn)))
    query = Query(
        Period(START + first * MINUTE, START + last * MINUTE), as_of=START + as_of * MINUTE if as_of else None
    )
    curve = cumulative_saidi(known, query)
    figure = known.indices(query).row(0, named=True)
    assert curve["ch"].sum() == pytest.approx(figure["CH"])
    assert curve["saidi_h"][-1] == (None if figure["SAIDI-1"] is None else pytest.approx(figure["SAIDI-1"]))
    start, end, rows = query.period.start, query.known.period.end, known.ledger(query)
    days = [Period(start + timedelta(days=n), min(start + timedelta(days=n + 1), end)) for n in range(curve.height)]
    at_once = ledgers_of_parts(rows, [(str(day.start), day) for day in days], drawn.crossing)
    for day, hours in zip(days, curve["ch"], strict=True):
        within = ledger_within(rows, day, drawn.crossing)
        assert hours == pytest.approx((within["users"] * within["h"]).sum(), abs=1e-9)
        assert_frame_equal(at_once[str(day.start)].select(within.columns), within, check_row_order=False)


@pytest.mark.parametrize(
    ("area", "column"),
    [(Area("region_class", ("town",)), "region_class"), (Area("aggregate", ("rural_net",)), "aggregate")],
)
def test_the_curve_of_an_area(statistics: Statistics, area: Area, column: str) -> None:
    query = Query(YEAR, (column,))
    expected = {row[column]: row["SAIDI-1"] for row in statistics.indices(query).to_dicts()}
    assert cumulative_saidi(statistics, query, area)["saidi_h"][-1] == pytest.approx(expected[area.values[0]])


@pytest.mark.parametrize("med", ["include", "exclude"])
def test_each_day_opens_to_rows_that_sum_to_it(statistics: Statistics, med: str) -> None:
    query = Query(YEAR, med=med)
    curve = cumulative_saidi(statistics, query)
    rows = statistics.ledger(query)
    for day, hours in curve.sort("ch", descending=True).head(10).select("day", "ch").iter_rows():
        start = datetime(day.year, day.month, day.day)
        within = ledger_within(rows, Period(start, start + timedelta(days=1)))
        assert (within["users"] * within["h"]).sum() == pytest.approx(hours)


def test_a_day_without_interruption_adds_nothing(statistics: Statistics) -> None:
    curve = cumulative_saidi(statistics, Query(YEAR))
    quiet = curve.filter(curve["ch"].abs() < 1e-6)
    assert quiet.height > 0
    assert curve["day"][0] == date(2022, 1, 1)


@pytest.mark.parametrize("most", [3, 9, None])
def test_causes_sum_to_all_hours(statistics: Statistics, most: int | None) -> None:
    query = Query(YEAR)
    ranked = causes(statistics, query, most)
    assert ranked["ch"].sum() == pytest.approx(statistics.indices(query)["CH"][0])
    assert (ranked["fault_ch"] + ranked["prearranged_ch"]).to_list() == pytest.approx(ranked["ch"].to_list())
    assert ranked["running_percent"][-1] == pytest.approx(100)
    assert ranked.height <= (most or ranked.height) + 1
    named = ranked.filter(~ranked["rest"])["ch"]
    assert named.is_sorted(descending=True)


def test_feeders_with_their_months(statistics: Statistics) -> None:
    query = Query(YEAR)
    worst = worst_feeders(statistics, query, 100)
    assert worst["ch"].sum() == pytest.approx(statistics.indices(query)["CH"][0])
    assert worst["share_percent"].sum() == pytest.approx(100)
    assert worst["by_month"].list.sum().to_list() == pytest.approx(worst["ch"].to_list())
    assert worst["by_month"].list.len().unique().to_list() == [12]


def test_planned_outages_sum_to_the_live_ratio(statistics: Statistics) -> None:
    planned, ratio = planned_outages(statistics, Query(YEAR)), statistics.live_ratio(YEAR)
    assert planned["ch"].sum() == pytest.approx(ratio.prearranged_ch)


def test_months_are_those_of_the_statistics(statistics: Statistics) -> None:
    period = Period(datetime(2022, 3, 1), datetime(2022, 6, 1))
    months = live_ratio_by_month(statistics, period)
    for (label, ratio), expected in zip(months, statistics.live_ratios(period, ("month",)), strict=True):
        assert label == expected["month"]
        known = {
            name: value for name, value in ratio.as_dict().items() if name not in {"population", "saidi_avoided_h"}
        }
        assert known == pytest.approx({name: expected[name] for name in known})


def test_until_when_the_data_is_known() -> None:
    outage = {
        "outage_id": "1",
        "start": "2022-05-01 10:00:00",
        "end": "2022-05-01 11:00:00",
        "nature": "F-INT",
        "transformer_id": "T",
    }
    tables = {"outages": [outage], "transformers": [{"transformer_id": "T", "node": "n"}]}
    assert known_until(workspace(tables)) == datetime(2022, 5, 1, 11)
    assert known_until(workspace(tables, {"as_of": datetime(2022, 6, 1)})) == datetime(2022, 6, 1)
    assert known_until(workspace(tables, {"as_of": date(2022, 6, 1)})) == datetime(2022, 6, 1)


def test_a_query_replaced_keeps_its_answers(statistics: Statistics) -> None:
    query = Query(YEAR, ("region_class",))
    assert Area().equivalent_users(statistics, query) == pytest.approx(
        statistics.indices(replace(query, by=()))["N_T"][0]
    )
