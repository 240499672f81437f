"""How near users are to the bars of frequent outages, and whom plans to come bring over: by hand, and against a slow count."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reliability.frequent import Preset, Rule, preset
from reliability.steering.near_bars import COMING_SCHEMA, band_counts, near_bars
from tests.reliability.records import bus, statistics

AS_OF = datetime(2022, 7, 1)
HOUR = timedelta(hours=1)


def county(starts: dict[str, list[datetime]], **feeder: Any) -> Any:
    tables: dict[str, Any] = bus(4, [{"feeder_id": "F", "public": True}] * 4)
    rows = [
        {
            "outage_id": f"{name}-{number}",
            "start": start,
            "end": start + HOUR,
            "nature": "F-INT",
            "transformer_id": name,
        }
        for name, each in starts.items()
        for number, start in enumerate(each)
    ]
    return statistics({**tables, "feeders": [{"feeder_id": "F", **feeder}], "outages": rows})


def plans(
    *given_plans: tuple[str, datetime, str], nature: str | None = "P-PLAN-MAINT", lasts_h: float = 4.0
) -> pl.DataFrame:
    rows = [(plan, transformer, start, nature, lasts_h) for plan, start, transformer in given_plans]
    return pl.DataFrame(rows, schema=COMING_SCHEMA, orient="row")


def days(*numbers: int) -> list[datetime]:
    return [AS_OF + timedelta(days=number, hours=9) for number in numbers]


def row(bands: pl.DataFrame, rule: str, user: str = "T0") -> dict[str, Any]:
    (found,) = bands.filter(rule=rule, user_id=user).to_dicts()
    return found


def test_a_plan_breaks_a_bar_only_where_it_falls_in_its_window() -> None:
    # Three in 60 days are allowed: 55, 30 and 10 days before; the first has left the window six days from now.
    utility = county({"T0": days(-55, -30, -10)})
    inside = near_bars(utility, preset("nea"), AS_OF, planned=plans(("P1", days(4)[0], "T0")))
    assert row(inside, "in_window") == {
        "user_id": "T0", "rule": "in_window", "times": 3, "most": 3, "band": "at", "planned": 1, "breaks": True,
    }  # fmt: skip
    edge = near_bars(utility, preset("nea"), AS_OF, planned=plans(("P1", days(5)[0], "T0")))
    assert (row(edge, "in_window")["planned"], row(edge, "in_window")["breaks"]) == (1, False)
    two = near_bars(utility, preset("nea"), AS_OF, planned=plans(("P1", days(5)[0], "T0"), ("P2", days(7)[0], "T0")))
    assert row(two, "in_window")["breaks"]
    assert band_counts(two).filter(rule="in_window").to_dicts() == [
        {"rule": "in_window", "most": 3, "over": 0, "at": 1, "near": 0, "planned": 1, "breaks": 1}
    ]


def test_a_plan_of_the_year_to_come_breaks_nothing_of_this_year() -> None:
    utility = county({"T0": days(-170, -140, -110, -80, -50)})
    this = near_bars(utility, preset("nea"), AS_OF, planned=plans(("P1", datetime(2022, 12, 31, 8), "T0")))
    assert row(this, "in_year")["band"] == "at"
    assert row(this, "in_year")["breaks"]
    later = near_bars(utility, preset("nea"), AS_OF, planned=plans(("P1", datetime(2023, 1, 1, 8), "T0")))
    assert (row(later, "in_year")["planned"], row(later, "in_year")["breaks"]) == (1, False)


def test_only_plans_that_the_rule_counts_are_told() -> None:
    utility = county({"T0": days(-55, -30, -10)})
    brief = near_bars(utility, preset("nea"), AS_OF, planned=plans(("P1", days(1)[0], "T0"), lasts_h=4 / 60))
    assert (row(brief, "in_window")["planned"], row(brief, "in_window")["breaks"]) == (0, False)
    soon = near_bars(utility, preset("nea"), AS_OF, planned=plans(("P1", days(-10)[0] + 2 * HOUR, "T0")))
    assert not row(soon, "in_window")["breaks"]  # begins less than six hours after an outage that counts already
    other = near_bars(utility, preset("nea"), AS_OF, planned=plans(("P1", days(1)[0], "T1")))
    assert (row(other, "in_window")["planned"], row(other, "in_window")["breaks"]) == (0, False)


def test_a_user_at_35_kv_has_its_own_bar() -> None:
    repairs = [
        {
            "outage_id": "R",
            "start": days(-30)[0],
            "end": days(-30)[0] + HOUR,
            "nature": "P-PLAN-MAINT",
            "feeder_id": "F",
        }
    ]
    for voltage, band in ((10.0, None), (35.0, "at")):
        tables: dict[str, Any] = bus(4, [{"feeder_id": "F", "public": True}] * 4)
        utility = statistics({**tables, "feeders": [{"feeder_id": "F", "voltage_kv": voltage}], "outages": [
            {**repairs[0], "feeder_id": None, "transformer_id": "T0"}]})  # fmt: skip
        found = near_bars(utility, preset("sgcc"), AS_OF).filter(rule="planned_repair_in_year")
        assert found["band"].to_list() == ([] if band is None else [band])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-180, -1), max_size=7), st.lists(st.integers(0, 400), max_size=4), st.integers(1, 4),
    st.sampled_from([None, "20d", "60d"]),
)  # fmt: skip
def test_who_is_brought_over_is_who_a_slow_count_finds(
    past: list[int], to_come: list[int], most: int, window: str | None
) -> None:
    rules = Preset("mine", (Rule("mine", most, window),))
    utility = county({"T0": days(*past), "T3": days(-400)})
    coming = plans(*((f"P{number}", day, "T0") for number, day in enumerate(days(*to_come))))
    bands = near_bars(utility, rules, AS_OF, planned=coming).filter(user_id="T0")
    starts = [(each, False) for each in set(days(*past))] + [(each, True) for each in set(days(*to_come))]
    broken = False
    for first, _ in starts:
        if window is None:
            held = [plan for at, plan in starts if at.year == first.year]
        else:
            held = [plan for at, plan in starts if first <= at < first + timedelta(days=int(window[:-1]))]
        broken = broken or (len(held) > most and any(held))
    for found in bands.to_dicts():
        assert found["planned"] == len(to_come)
        assert found["breaks"] == (broken and found["band"] != "over")


def test_without_plans_nobody_is_brought_over() -> None:
    bands = near_bars(county({"T0": days(-55, -30, -10)}), preset("nea"), AS_OF)
    assert bands["planned"].sum() == 0
    assert not bands["breaks"].any()
    assert set(bands["user_id"]) == {"T0"}
