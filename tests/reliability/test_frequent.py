"""Frequent outages: the worked example, each rule at its edge, and a slow answer that looks at every window of every user."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import FudianError, Network
from reliability.frequent import PRESETS, EarlyWarning, Preset, Rule, frequent_outages, preset
from reliability.statistics import Statistics
from tests.costly import costly
from tests.reliability.records import bus, statistics

END = datetime(2023, 1, 1)
HOUR = timedelta(hours=1)


def county_of(starts: dict[str, list[datetime]], nature: str = "F-INT", hours: float = 1, **feeder: Any) -> Statistics:
    """Return public transformers on one feeder, each off for an hour from each of its starts, together with T9."""
    tables: dict[str, Any] = bus(10, [{"feeder_id": "F", "public": True}] * 10)
    tables["feeders"] = [{"feeder_id": "F", **feeder}]
    tables["outages"] = [
        {
            "outage_id": f"{name}-{i}",
            "start": start,
            "end": start + hours * HOUR,
            "nature": nature,
            "transformer_id": name,
        }
        for name, given_starts in starts.items()
        for i, start in enumerate(given_starts)
    ]
    return statistics(tables)


def found(county: Statistics, name: str = "nea", **options: Any) -> dict[tuple[str, str], dict[str, Any]]:
    result = frequent_outages(county, preset(name), **({"as_of": END} | options))
    return {(row["user_id"], row["rule"]): row for row in result.users.to_dicts()}


FIRST_THREE = [datetime(2022, 1, 1), datetime(2022, 1, 10), datetime(2022, 1, 20)]


@pytest.mark.parametrize(("fourth", "frequent"), [(datetime(2022, 2, 28), True), (datetime(2022, 3, 2), False)])
def test_four_outages_in_sixty_days_of_section_4_4(fourth: datetime, frequent: bool) -> None:
    rows = found(county_of({"T0": [*FIRST_THREE, fourth]}))
    assert (("T0", "in_window") in rows) == frequent
    if frequent:
        row = rows["T0", "in_window"]
        assert row["outage_ids"] == ["T0-0", "T0-1", "T0-2", "T0-3"]
        assert (row["status"], row["times"], row["most"]) == ("frequent", 4, 3)
        assert (row["window_from"], row["window_until"]) == (datetime(2022, 1, 1), datetime(2022, 3, 2))


def test_what_is_left_and_the_warnings_before_a_breach() -> None:
    county = county_of({"T0": [datetime(2022, 6, 1), datetime(2022, 6, 20)], "T1": FIRST_THREE})
    june = found(county, as_of=datetime(2022, 7, 1))
    assert june["T0", "two_in_30_days"]["left"] == 1
    assert june["T0", "two_in_30_days"]["outage_ids"] == ["T0-0", "T0-1"]
    assert ("T0", "two_in_30_days") not in found(county, as_of=datetime(2022, 7, 2))
    march = found(county, as_of=datetime(2022, 2, 20))
    assert (march["T1", "three_in_50_days"]["left"], march["T1", "three_in_50_days"]["status"]) == (0, "warning")
    assert ("T1", "three_in_50_days") not in found(county, as_of=datetime(2022, 2, 21))


@pytest.mark.parametrize(
    ("times", "rule"), [(3, None), (4, "four_or_five_in_year"), (5, "four_or_five_in_year"), (6, "in_year")]
)
def test_outages_in_the_calendar_year(times: int, rule: str | None) -> None:
    spread = [datetime(2022, 1, 5) + timedelta(days=31 * i) for i in range(times)]
    before = [datetime(2021, 12, 1)]
    rows = found(county_of({"T0": before + spread}), as_of=datetime(2022, 12, 25))
    expected = {rule} if rule else set()
    assert {name for _, name in rows} - {"two_in_30_days"} == expected
    if rule:
        assert rows["T0", rule]["times"] == times
        assert rows["T0", rule]["left"] == max(5 - times, 0)


def test_planned_repair_by_the_rules_for_supply() -> None:
    two = [datetime(2022, 2, 1), datetime(2022, 8, 1)]
    assert found(county_of({"T0": two}, "P-PLAN-MAINT", voltage_kv=10)) == {}
    high = found(county_of({"T0": two}, "P-PLAN-MAINT", voltage_kv=35))
    assert [(rule, row["status"], row["most"]) for (_, rule), row in high.items()] == [
        ("planned_repair_in_year", "breach", 1)
    ]
    four = [datetime(2022, month, 1) for month in (2, 5, 8, 11)]
    rules = {rule: row["status"] for (_, rule), row in found(county_of({"T0": four}, "P-PLAN-MAINT")).items()}
    assert rules == {
        "planned_repair_in_year": "breach", "prearranged_in_year": "frequent", "four_or_five_in_year": "warning",
    }  # fmt: skip
    assert {rule for _, rule in found(county_of({"T0": four}, "P-TEMP-MAINT"))} == {
        "prearranged_in_year", "four_or_five_in_year",
    }  # fmt: skip


def test_what_does_not_count() -> None:
    starts = [datetime(2022, 1, day) for day in (1, 5, 9, 13)]
    assert ("T0", "in_window") in found(county_of({"T0": starts}, hours=5 / 60))
    assert ("T0", "in_window") not in found(county_of({"T0": starts}, hours=4.99 / 60))
    soon = [*starts[:3], starts[2] + 5.99 * HOUR]
    assert ("T0", "in_window") not in found(county_of({"T0": soon}))
    assert ("T0", "in_window") in found(county_of({"T0": [*starts[:3], starts[2] + 6 * HOUR]}))
    tables = bus(1, [{"public": False}])
    tables["outages"] = [
        {"outage_id": f"E{i}", "start": start, "end": start + HOUR, "nature": "F-INT", "transformer_id": "T0"}
        for i, start in enumerate(starts)
    ]
    assert found(statistics(tables)) == {}  # work orders of a single, private, user
    assert ("T0", "in_window") in found(statistics(tables), "sgcc")
    listed = statistics(
        tables | {"transformers": [{"transformer_id": "T0", "node": "N0"}]}, {"major_event_days": ["2022-01-05"]}
    )
    assert ("T0", "in_window") in found(listed)
    assert ("T0", "in_window") not in found(listed, med="exclude")


def test_a_feeder_is_frequent_with_two_frequent_users_that_are_not_all_private() -> None:
    four = [datetime(2022, 1, day) for day in (1, 5, 9, 13)]

    def feeders(*public: bool) -> list[tuple[str, bool, int]]:
        tables = bus(3, [{"public": each, "feeder_id": "F"} for each in (*public, *[True] * (3 - len(public)))])
        tables["feeders"] = [{"feeder_id": "F"}]
        tables["branches"] = [{"branch_id": "ALL", "from_node": "S", "to_node": "M", "kind": "breaker"}] + [
            row | {"from_node": "M" if i < len(public) else "S"} for i, row in enumerate(tables["branches"])
        ]
        tables["outages"] = [
            {"outage_id": f"E{i}", "start": start, "end": start + HOUR, "nature": "F-INT", "branch_id": "ALL"}
            for i, start in enumerate(four)
        ]
        result = frequent_outages(statistics(tables), PRESETS["nea"], END)
        return result.feeders.select("feeder_id", "frequent", "frequent_users").rows()

    assert feeders(True) == [("F", False, 1)]
    assert feeders(True, True) == [("F", True, 2)]
    assert feeders(True, False) == [("F", True, 2)]
    assert feeders(False, False) == [("F", False, 2)]


def test_two_months_are_two_months_of_the_calendar() -> None:
    def often(third: datetime) -> bool:
        return ("T0", "in_window") in found(
            county_of({"T0": [datetime(2022, 7, 1), datetime(2022, 7, 5), third]}), "sgcc"
        )

    assert often(datetime(2022, 8, 31, 23, 59))
    assert not often(datetime(2022, 9, 1))


def test_presets_are_named() -> None:
    rule = preset("custom", 90, 5).rules[0]
    assert (rule.most, rule.window) == (4, "90d")
    with pytest.raises(FudianError, match="unheard"):
        preset("unheard")
    with pytest.raises(FudianError, match="own days"):
        preset("nea", 60)
    with pytest.raises(FudianError, match="at least"):
        preset("custom", 0)


def test_low_voltage_names_customers_by_id_only(county: Network) -> None:
    result = frequent_outages(Statistics(county), PRESETS["nea"], level="lv")
    assert result.as_dict()["users"]
    said = str(result.as_dict())
    for column in ("name", "phone", "address"):
        for value in county.customers[column].drop_nulls().unique()[:50]:
            assert value not in said


@st.composite
def cases(
    draw: st.DrawFn,
) -> tuple[Statistics, Preset, datetime, dict[int, list[tuple[datetime, datetime, str, str]]], list[bool]]:
    """Draw records of three transformers in half hours around a turn of the year, and rules to judge them by."""
    public = draw(st.lists(st.booleans(), min_size=3, max_size=3))
    origin = datetime(2021, 12, 20)
    rows, own = [], {0: [], 1: [], 2: []}
    for number in range(draw(st.integers(0, 16))):
        start = origin + draw(st.integers(0, 1200)) * HOUR / 2
        end = start + draw(st.sampled_from([2, 30, 60, 300])) * HOUR / 60
        nature = draw(st.sampled_from(["F-INT", "P-PLAN-MAINT", "P-TEMP-MAINT"]))
        hit = draw(st.sampled_from([0, 1, 2, None]))
        part = {"branch_id": "ALL"} if hit is None else {"transformer_id": f"T{hit}"}
        rows.append({"outage_id": f"E{number:02}", "start": start, "end": end, "nature": nature, **part})
        for user in (0, 1, 2) if hit is None else (hit,):
            own[user].append((start, end, f"E{number:02}", nature))
    tables = bus(3, [{"public": each, "feeder_id": "F"} for each in public])
    tables["branches"] = [{"branch_id": "ALL", "from_node": "S", "to_node": "M", "kind": "breaker"}] + [
        row | {"from_node": "M"} for row in tables["branches"]
    ]
    county = statistics(tables | {"outages": rows, "feeders": [{"feeder_id": "F"}]})
    days = draw(st.integers(1, 20))
    rules = Preset(
        "drawn",
        (
            Rule("in_year", draw(st.integers(0, 5))),
            Rule("in_window", draw(st.integers(0, 4)), f"{days}d"),
            Rule("prearranged", draw(st.integers(0, 3)), None, ("P-PLAN-MAINT", "P-TEMP-MAINT"), makes_frequent=False),
        ),
        (EarlyWarning("soon", "in_window", 1, 2, draw(st.integers(1, 15))),),
        shortest_min=draw(st.sampled_from([0, 5, 45])),
        without_single_user=draw(st.booleans()),
        merge_h=draw(st.sampled_from([0, 6, 48])),
    )
    return county, rules, origin + draw(st.integers(600, 1300)) * HOUR / 2, own, public


def slow_starts(
    own: list[tuple[datetime, datetime, str, str]], rules: Preset, as_of: datetime, alone: set[str]
) -> list[tuple[datetime, str, str]]:
    """Return the outages of one user that count: overlaps merged, the short, the single-user and the too soon left out."""
    merged: list[list[Any]] = []
    for start, end, outage, nature in sorted(own, key=lambda row: (row[0], row[2])):
        if start >= as_of:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], min(end, as_of))
        else:
            merged.append([start, min(end, as_of), outage, nature])
    kept: list[tuple[datetime, str, str]] = []
    for start, end, outage, nature in merged:
        if end - start < timedelta(minutes=rules.shortest_min) or (rules.without_single_user and outage in alone):
            continue
        if kept and start - kept[-1][0] < timedelta(hours=rules.merge_h):
            continue
        kept.append((start, outage, nature))
    return kept


@costly(50)
@given(cases())
def test_frequent_users_are_those_of_every_window_looked_at(case: Any) -> None:
    county, rules, as_of, own, public = case
    year = (as_of - timedelta(microseconds=1)).year
    hit: dict[str, set[int]] = {}
    for user, rows in own.items():
        for start, _, outage, _ in rows:
            if start < as_of:
                hit.setdefault(outage, set()).add(user)
    alone = {outage for outage, users in hit.items() if len(users) == 1 and not public[next(iter(users))]}
    expected: dict[tuple[str, str], tuple[int, int, str]] = {}
    for user, rows in own.items():
        kept = slow_starts(rows, rules, as_of, alone)
        in_year, in_window, prearranged = rules.rules
        assert in_window.window is not None
        days = timedelta(days=int(in_window.window[:-1]))
        this_year = [start for start, _, _ in kept if start.year == year]
        planned = [start for start, _, nature in kept if start.year == year and nature.startswith("P-")]
        fullest = 0
        for first, _, _ in kept:
            window = [start for start, _, _ in kept if first <= start < first + days]
            if window[-1].year == year:
                fullest = max(fullest, len(window))
        recent = sum(start + days > as_of for start, _, _ in kept)
        for rule, times, now, status in (
            (in_year, len(this_year), len(this_year), "frequent"), (in_window, fullest, recent, "frequent"),
            (prearranged, len(planned), len(planned), "breach"),
        ):  # fmt: skip
            if times > rule.most:
                expected[f"T{user}", rule.name] = times, max(rule.most - now, 0), status
        (warning,) = rules.warnings
        soon = sum(start >= as_of - timedelta(days=warning.last_days) for start, _, _ in kept)
        if warning.fewest <= soon <= warning.most and fullest <= in_window.most:
            expected[f"T{user}", "soon"] = soon, max(in_window.most - recent, 0), "warning"
    result = frequent_outages(county, rules, as_of)
    assert {
        (row["user_id"], row["rule"]): (row["times"], row["left"], row["status"]) for row in result.users.to_dicts()
    } == expected
    for row in result.users.to_dicts():
        assert len(row["outage_ids"]) == row["times"]
    frequent = {user for (user, _), (_, _, status) in expected.items() if status == "frequent"}
    some_public = any(public[int(user[1:])] for user in frequent)
    told = {row["feeder_id"]: row for row in result.feeders.to_dicts()}
    if told:
        assert told["F"]["frequent"] == (len(frequent) >= 2 and some_public)
        assert told["F"]["frequent_users"] == len(frequent)
    else:
        assert len(frequent) == 0
