"""IEEE 1366 beside DL/T 836: against the slow answer, on every engine, and the difference explained to the last bit."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability import Period
from reliability.ieee import REASONS
from reliability.openings import openings
from reliability.query import Query
from reliability.statistics import Statistics
from tests.costly import costly
from tests.reliability.records import START, Scene, bus, scenes, statistics
from tests.reliability.slow import LAST, Rules, Slow, moment_of_knowledge, rules
from tests.reliability.test_worked_examples import TEN_USERS

YEAR = Query(Period.year(2022))


def test_the_ten_users_of_section_1_7_by_ieee_1366() -> None:
    """E4 lasts 2 minutes: it is momentary, and all else is sustained."""
    row = statistics(TEN_USERS).ieee(YEAR).row(0, named=True)
    expected = {
        "N_T": 10, "CMI": 53 * 60, "CI": 26, "CN": 10, "SAIDI_min": 318, "SAIDI_h": 5.3, "SAIFI": 2.6, "CAIDI_min": 3180 / 26,
        "CTAIDI_min": 318, "CAIFI": 2.6, "ASAI": 100 * (1 - 5.3 / 8760), "MAIFI": 1, "MAIFI_E": 1, "CEMI_3": 60, "CEMSMI_3": 100,
        "CELID-s": 0, "CELID-t": 0,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == pytest.approx(expected)


def outages_of_one_user(*minutes: tuple[float, float]) -> Statistics:
    """Return one user that was off from so many minutes to so many minutes after noon."""
    noon = datetime(2022, 6, 1, 12)
    tables = bus(1)
    tables["outages"] = [
        {
            "outage_id": f"E{i}", "start": noon + timedelta(minutes=a), "end": noon + timedelta(minutes=b),
            "nature": "F-INT", "transformer_id": "T0",
        }
        for i, (a, b) in enumerate(minutes)
    ]  # fmt: skip
    return statistics(tables)


@pytest.mark.parametrize(
    ("minutes", "saifi", "maifi", "events"),
    [
        ([(0, 5)], 0, 1, 1),  # 5 minutes are momentary, one second more is not
        ([(0, 5 + 1 / 60)], 1, 0, 0),
        ([(0, 1), (2, 3), (5, 6)], 0, 3, 1),  # three recloses within five minutes of the first
        ([(0, 1), (3, 4), (6, 7)], 0, 3, 2),  # the third begins six minutes after the first: an event of its own
        ([(0, 1), (2, 3), (4, 60)], 1, 2, 0),  # they lead to a sustained interruption
        ([(0, 30), (31, 32)], 1, 1, 1),  # after a sustained interruption
    ],
)
def test_momentary_interruptions_and_their_events(
    minutes: list[tuple[float, float]], saifi: float, maifi: float, events: float
) -> None:
    row = outages_of_one_user(*minutes).ieee(YEAR).row(0, named=True)
    assert (row["SAIFI"], row["MAIFI"], row["MAIFI_E"]) == (saifi, maifi, events)


@costly(25)
@given(scenes(), rules(), st.integers(0, 60), st.integers(61, LAST), st.none() | st.integers(62, LAST))
def test_ieee_equals_the_count_of_every_users_minutes(
    scene: Scene, drawn: Rules, first: int, last: int, as_of: int | None
) -> None:
    as_of = moment_of_knowledge(scene, drawn, as_of)
    slow = Slow(scene, drawn, first, last, as_of)
    county = Statistics(scene.network(asdict(drawn)))
    query = Query(slow.period, as_of=None if as_of is None else START + timedelta(minutes=as_of))
    row = county.ieee(query).row(0, named=True)
    figures = slow.figures(drawn.ieee_sustained_threshold_min, only_sustained=True)
    n, users = drawn.frequent_count, figures["N_T"]

    def over(above: str, below: float, factor: float = 1) -> Any:
        return pytest.approx(figures[above] / below * factor) if below else None

    assert row["N_T"] == pytest.approx(users)
    assert (row["CI"], row["CN"], row["CMI"]) == (figures["CI"], figures["CN"], pytest.approx(figures["CH"] * 60))
    assert row["SAIDI_min"] == over("CH", users, 60)
    assert row["SAIFI"] == over("CI", users)
    assert row["CAIDI_h"] == over("CH", figures["CI"])
    assert row["CTAIDI_min"] == over("CH", figures["CN"], 60)
    assert row["CAIFI"] == over("CI", figures["CN"])
    assert row["MAIFI"] == over("short", users)
    assert row["MAIFI_E"] == over("events", users)
    assert row["CELID-s"] == over("long_single", users, 100)
    assert row["CELID-t"] == over("long_total", users, 100)
    assert row[f"CEMI_{n}"] == over("often_sustained", users, 100)
    assert row[f"CEMSMI_{n}"] == over("often", users, 100)


def test_by_capacity_where_every_capacity_is_known() -> None:
    tables = bus(2, [{"capacity_kva": 100}, {"capacity_kva": 300}])
    start = datetime(2022, 6, 1)
    tables["outages"] = [
        {"outage_id": "E", "start": start, "end": start + timedelta(hours=2), "nature": "F-INT", "transformer_id": "T1"},
        {"outage_id": "M", "start": start + timedelta(days=1), "end": start + timedelta(days=1, minutes=4),
         "nature": "F-INT", "transformer_id": "T0"},
    ]  # fmt: skip
    row = statistics(tables).ieee(YEAR).row(0, named=True)
    assert (row["ASIFI"], row["ASIDI_min"], row["ASIDI_h"]) == (0.75, pytest.approx(90), pytest.approx(1.5))
    tables["transformers"][0].pop("capacity_kva")
    assert statistics(tables).ieee(YEAR).row(0, named=True)["ASIDI_min"] is None


def same(one: float | None, other: float | None) -> bool:
    """Two runs of one figure may differ in the last digit: sums are taken in parallel."""
    if one is None or other is None:
        return one is other
    return one == pytest.approx(other, rel=1e-12)


@costly(14)
@given(scenes(), rules(), st.sampled_from([(), ("region_class",), ("nature", "month"), ("aggregate",)]), st.booleans())
def test_the_reasons_add_up_to_the_difference(scene: Scene, drawn: Rules, by: tuple[str, ...], exclude: bool) -> None:
    period = Period(START - timedelta(days=1), START + timedelta(days=5))
    county = Statistics(scene.network(asdict(drawn) | {"major_event_days": ["2022-01-30"]}))
    query = Query(period, by=by, med="exclude" if exclude else "include")
    table = county.differences(query)
    dlt = {tuple(row[name] for name in by): row for row in county.indices(Query(period, by=by)).to_dicts()}
    ieee = {tuple(row[name] for name in by): row for row in county.ieee(query).to_dicts()}
    assert {tuple(row[name] for name in by) for row in table.to_dicts()} == set(dlt)
    assert dlt or "nature" in by  # where nothing counts, no nature has a row
    for row in table.to_dicts():
        cell = tuple(row[name] for name in by)
        assert same(row["dl_t_836"], dlt[cell][row["variant"]])
        name = row["index"] + ("_h" if row["unit"] == "h" else "")
        if cell in ieee:  # a nature whose every interruption lies on a major event day has no row of its own
            assert same(row["ieee_1366"], ieee[cell][name])
        parts = [row[reason] for reason in REASONS]
        if None in (row["dl_t_836"], row["ieee_1366"]):
            assert row["difference"] is None
        elif None not in parts:
            assert sum(parts) == pytest.approx(row["difference"], abs=1e-9)
            assert row["difference"] == pytest.approx(row["dl_t_836"] - row["ieee_1366"])
        if not exclude:
            assert row["major_event_days"] in (0, None)


def test_each_reason_says_what_it_takes_away() -> None:
    """Off for 2 minutes, 4 minutes, an hour, and three hours on a major event day."""
    county = outages_of_one_user((0, 2), (100, 104), (200, 260), (1000, 1180))
    county = Statistics(county.net)
    rows = {row["index"]: row for row in county.both_standards(YEAR)["differences"]}
    assert rows["SAIDI"]["dl_t_836"] == pytest.approx(246 / 60)
    assert rows["SAIDI"]["ieee_1366"] == pytest.approx(240 / 60)
    assert [(part["reason"], round(part["amount"] * 60, 6)) for part in rows["SAIDI"]["because"]] == [
        ("short_interruptions", 2), ("between_thresholds", 4),
    ]  # fmt: skip
    assert "3 to 5 min" in rows["SAIDI"]["because"][1]["says"]
    assert [(part["reason"], part["amount"]) for part in rows["MAIFI"]["because"]] == [("between_thresholds", -1)]


@costly(12)
@given(scenes(), rules(), st.sampled_from(["pandas", "duckdb"]))
def test_every_engine_gives_the_same_ieee_figures(scene: Scene, drawn: Rules, engine: str) -> None:
    from polars.testing import assert_frame_equal

    query = Query(Period(START, START + timedelta(days=5)), by=("region_class", "nature", "month"))
    county = Statistics(scene.network(asdict(drawn)))
    expected = county.ieee(query)
    found = county.ieee(query, engine=engine)
    assert_frame_equal(found.select(expected.columns), expected, check_dtypes=False, rel_tol=1e-12)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), max_size=40),
    st.integers(1, 20),
)
def test_openings_are_found_one_after_another(drawn: list[tuple[int, int]], span: int) -> None:
    rows = sorted(drawn)
    expected = []
    opened: dict[int, int] = {}
    for key, start in rows:
        expected.append(key not in opened or start - opened[key] >= span)
        if expected[-1]:
            opened[key] = start
    keys, starts = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    assert openings(keys, starts, span).tolist() == expected
