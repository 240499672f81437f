"""The indices against a brute-force oracle: every user, every minute."""

from dataclasses import asdict, replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reliability import Period
from reliability.query import Query
from reliability.statistics import Statistics
from tests.costly import costly
from tests.reliability.oracle import DAYS, assert_as_counted_by_the_minute
from tests.reliability.records import MINUTE, START, Scene, logged_scenes, scenes, scenes_as_written
from tests.reliability.slow import Rules, Slow, moment_of_knowledge, rules
from tests.reliability.stated import STATED_OUTAGES, assert_as_counted_day_by_day, stated_numbers

LAST = 130


def dark_minutes(scene: Scene, user: int) -> list[list[str]]:
    return [scene.off(user, minute) for minute in range(LAST)]


def spells(dark: list[list[str]]) -> list[tuple[int, int]]:
    """Return the stretches without power as (first minute, minute after the last)."""
    found, begun = [], None
    for minute, blamed in enumerate([*dark, []]):
        if blamed and begun is None:
            begun = minute
        if not blamed and begun is not None:
            found.append((begun, minute))
            begun = None
    return found


def served_minutes(scene: Scene, user: int, first: int, last: int) -> int:
    entered, left = scene.service[user]
    return max(0, min(last, last if left is None else left) - max(first, first if entered is None else entered))


@costly(30)
@given(scenes(), st.integers(0, 60), st.integers(61, LAST))
def test_indices_equal_the_count_of_every_users_minutes(scene: Scene, first: int, last: int) -> None:
    period = Period(START + first * MINUTE, START + last * MINUTE)
    statistics = Statistics(scene.network())
    rows = {row["region_class"]: row for row in statistics.indices(Query(period, by=("region_class",))).to_dicts()}
    for region in set(scene.classes):
        users = [i for i, each in enumerate(scene.classes) if each == region]
        dark = {user: dark_minutes(scene, user) for user in users}
        stretches = {user: spells(dark[user]) for user in users}
        inside = {user: sum(bool(blamed) for blamed in dark[user][first:last]) for user in users}
        opened = [(a, b) for user in users for a, b in stretches[user] if first <= a < last]
        known = {user: [min(b, last) - a for a, b in stretches[user] if first <= a < last] for user in users}
        row = rows[region]
        assert row["N_T"] == pytest.approx(
            sum(served_minutes(scene, user, first, last) for user in users) / (last - first)
        )
        assert row["CH"] == pytest.approx(sum(inside.values()) / 60)
        assert row["CI"] == len(opened)
        assert row["CN"] == sum(bool(inside[user]) for user in users)
        if row["N_T"] > 0:
            assert row["SAIDI-1"] == pytest.approx(sum(inside.values()) / 60 / row["N_T"])
            assert row["ASAI-1"] == pytest.approx(100 * (1 - row["SAIDI-1"] / period.hours))
            short = sum(length <= 3 for lengths in known.values() for length in lengths)
            assert row["MAIFI"] == pytest.approx(short / row["N_T"])
        else:
            assert row["SAIDI-1"] is None


@st.composite
def excluded_scenes(draw: st.DrawFn) -> Scene:
    """Draw scenes in which some records do not count; with two supplies they still take one away, so there they all count."""
    scene = draw(scenes())
    if all(second is None for _, second in scene.plain.transformers):
        for outage in scene.outages:
            outage["exclusion"] = draw(st.sampled_from([None, None, "arrears", "own_fault", "reclosed"]))
    return scene


@st.composite
def one_supply_each(draw: st.DrawFn) -> Scene:
    """Draw scenes in which no transformer has a second supply, so that a minute has one first record."""
    scene = draw(scenes())
    return replace(
        scene, plain=replace(scene.plain, transformers=[(node, None) for node, _ in scene.plain.transformers])
    )


@costly(35)
@given(excluded_scenes(), rules(), st.integers(0, 60), st.integers(61, LAST), st.none() | st.integers(62, LAST))
def test_every_rule_switched_at_random(scene: Scene, drawn: Rules, first: int, last: int, as_of: int | None) -> None:
    """Threshold, merge gap, crossing, as-of time and exclusions, against the count of every user's minutes."""
    as_of = moment_of_knowledge(scene, drawn, as_of)
    slow = Slow(scene, drawn, first, last, as_of)
    query = Query(slow.period, as_of=None if as_of is None else START + as_of * MINUTE)
    row = Statistics(scene.network(asdict(drawn))).indices(query).row(0, named=True)
    figures = slow.figures(drawn.sustained_threshold_min, only_sustained=False)
    n, users = drawn.frequent_count, figures["N_T"]
    assert row["N_T"] == pytest.approx(users)
    assert (row["CI"], row["CN"], row["CH"]) == (figures["CI"], figures["CN"], pytest.approx(figures["CH"]))
    shares = {
        "SAIDI-1": ("CH", users), "SAIFI-1": ("CI", users), "SAIDI-4": ("CH-sustained", users),
        "SAIFI-4": ("CI-sustained", users), "MAIFI": ("short", users), "CAIDI": ("CH", figures["CI"]),
        "CAIDI-4": ("CH-sustained", figures["CI-sustained"]), "CTAIDI": ("CH", figures["CN"]), "CAIFI": ("CI", figures["CN"]),
    }  # fmt: skip
    percents = {
        "CELID-s": "long_single", "CELID-t": "long_total", f"CEMI_{n}": "often_sustained", f"CEMSMI_{n}": "often",
    }  # fmt: skip
    for name, (above, below) in shares.items():
        assert row[name] == (pytest.approx(figures[above] / below) if below else None), name
    for name, above in percents.items():
        assert row[name] == (pytest.approx(figures[above] / users * 100) if users else None), name


@costly(20)
@given(logged_scenes(), rules(), st.integers(0, 60), st.integers(61, LAST), st.none() | st.integers(62, LAST),
       st.sampled_from(["polars", "pandas", "duckdb"]), st.sampled_from(["mv", "lv"]))  # fmt: skip
def test_records_beside_a_log_in_several_rows_and_of_moved_users(
    scene: Scene, drawn: Rules, first: int, last: int, as_of: int | None, engine: str, level: str
) -> None:
    """The state as logged (R1.16), rows of one event (R1.18), moves (R1.19) and logs in any order (R1.21), minute by minute."""
    as_of = moment_of_knowledge(scene, drawn, as_of)
    slow = Slow(scene, drawn, first, last, as_of)
    assert scene.states is not None
    settings_ = asdict(drawn) | {
        "record_state": "as_logged" if scene.states.as_logged else "normal",
        "event_window_min": scene.states.window,
        "log_open_days": scene.states.longest / 1440,
    }
    net = scene.network(settings_, one_customer_each=level == "lv")
    assert [problem for problem in net.workspace.errors if problem.row is not None] == []
    query = Query(slow.period, level=level, as_of=None if as_of is None else START + as_of * MINUTE)
    row = Statistics(net).indices(query, engine).row(0, named=True)
    figures = slow.figures(drawn.sustained_threshold_min, only_sustained=False)
    assert row["N_T"] == pytest.approx(figures["N_T"])
    assert (row["CI"], row["CN"], row["CH"]) == (figures["CI"], figures["CN"], pytest.approx(figures["CH"]))


@costly(20)
@given(scenes_as_written(), rules(), st.integers(0, 60), st.integers(61, LAST), st.none() | st.integers(62, LAST),
       st.sets(st.sampled_from(DAYS)), st.integers(1, 120), st.sampled_from(["polars", "pandas", "duckdb"]))  # fmt: skip
def test_records_as_written_without_major_event_days(
    scene: Scene, drawn: Rules, first: int, last: int, as_of: int | None, days: set[date], open_min: int, engine: str
) -> None:
    """All of the above with major event days left out (R1.17), open and unreadable ends (R1.20), natures as paths (R1.22)."""
    as_of = moment_of_knowledge(scene, drawn, as_of)
    told = [
        minute for outage in scene.outages for minute in (outage["start"], outage["end"]) if isinstance(minute, int)
    ]
    assume(as_of is not None or max(told, default=0) > first)  # else nothing is known of the period
    assert_as_counted_by_the_minute(scene, drawn, first, last, as_of, days, open_min, engine)


@costly(35)
@given(stated_numbers(), STATED_OUTAGES, st.integers(0, 30), st.integers(200, 364))
def test_stated_numbers_of_users_day_by_day(
    drawn: tuple[list[tuple[str, int, int, int]], str], outages: list[tuple[str, int, int, int]], first: int, last: int
) -> None:
    assert_as_counted_day_by_day(drawn, outages, first, last)


@costly(35)
@given(one_supply_each(), rules(), st.integers(0, 60), st.integers(61, LAST), st.none() | st.integers(62, LAST))
def test_every_minute_has_one_nature(scene: Scene, drawn: Rules, first: int, last: int, as_of: int | None) -> None:
    """The part of a planned outage beyond its approved end has a nature of its own; nobody is counted twice (R1.15)."""
    as_of = moment_of_knowledge(scene, drawn, as_of)
    slow = Slow(scene, drawn, first, last, as_of)
    query = Query(slow.period, ("nature",), as_of=None if as_of is None else START + as_of * MINUTE)
    rows = {row["nature"]: row for row in Statistics(scene.network(asdict(drawn))).indices(query).to_dicts()}
    hours, counts = slow.by_nature()
    for nature in {*rows, *hours, *counts}:
        row = rows.get(nature, {"CH": 0, "CI": 0})
        assert row["CH"] == pytest.approx(hours.get(nature, 0)), nature
        assert row["CI"] == counts.get(nature, 0), nature


@costly(20)
@given(scenes())
def test_parts_add_to_the_whole(scene: Scene) -> None:
    """Areas, natures, months and the faulted and prearranged halves add up, overlaps included."""
    period = Period(START, START + timedelta(days=5))
    statistics = Statistics(scene.network())
    whole = statistics.indices(Query(period)).row(0, named=True)
    for by in ("region_class", "nature", "month"):
        parts = statistics.indices(Query(period, by=(by,)))
        assert parts["CH"].sum() == pytest.approx(whole["CH"])
        assert parts["CI"].sum() == whole["CI"]
    if whole["N_T"] > 0:
        assert whole["SAIDI-F"] + whole["SAIDI-S"] == pytest.approx(whole["SAIDI-1"])
    aggregates = {row["aggregate"]: row for row in statistics.indices(Query(period, by=("aggregate",))).to_dicts()}
    assert aggregates["all_scope"]["CH"] == pytest.approx(whole["CH"])
    assert sum(row["CH"] for name, row in aggregates.items() if name != "all_scope") == pytest.approx(whole["CH"])


@costly(20)
@given(scenes(), st.sampled_from(["pandas", "duckdb"]))
def test_every_engine_gives_the_same_figures(scene: Scene, engine: str) -> None:
    from polars.testing import assert_frame_equal

    query = Query(Period(START, START + timedelta(days=5)), by=("region_class", "month", "nature"))
    statistics = Statistics(scene.network())
    expected = statistics.indices(query)
    found = statistics.indices(query, engine=engine)
    assert_frame_equal(found.select(expected.columns), expected, check_dtypes=False, rel_tol=1e-12)
