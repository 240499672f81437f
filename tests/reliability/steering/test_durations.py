"""Durations of planned outages: pooled by hand and by a slow oracle, judged, and what overruns cost minute by minute."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import network_from_tables
from reliability.period import Period
from reliability.steering.durations import History
from tests.reliability.records import bus

AS_OF = datetime(2022, 7, 1)
DAY = datetime(2022, 3, 1, 8)
YEAR = Period.year(2022)
MINUTE = timedelta(minutes=1)


def done(
    number: int, minutes: int, nature: str = "P-PLAN-MAINT", work: str = "检修", place: str = "T0", **other: Any
) -> dict[str, Any]:
    start = DAY + timedelta(days=number)
    return {
        "plan_id": f"D{number}", "start": start, "end": start + timedelta(hours=3), "nature": nature, "work": work,
        "transformer_id": place, "actual_start": start, "actual_end": start + minutes * MINUTE, "status": "已完成", **other,
    }  # fmt: skip


def to_come(hours: float, nature: str = "P-PLAN-MAINT", work: str = "检修", **place: str) -> dict[str, Any]:
    start = datetime(2022, 8, 1, 8)
    return {"plan_id": "P", "start": start, "end": start + timedelta(hours=hours), "nature": nature, "work": work,
            "transformer_id": "T0", **place}  # fmt: skip


def history(plans: list[dict[str, Any]], transformers: int = 3, **settings: Any) -> History:
    tables = bus(transformers, [{"feeder_id": "F1"}] * transformers)
    return History.of(network_from_tables({**tables, "plans": plans}, {"steering": settings}), AS_OF)


def test_a_prediction_is_pooled_as_a_person_would() -> None:
    """Two jobs alike (60, 120 min), one of the kind at more users (240), one of another nature (600); each level as two cases."""
    known = history(
        [done(0, 60), done(1, 120), done(2, 240, transformer_id=None, feeder_id="F1"), done(3, 600, "P-PLAN-CUST", "用户申请")],
        duration_pooling_cases=2,
    )  # fmt: skip
    said = known.predict(to_come(3))
    # All: a quarter each. Nature and kind hold the same three: (1 + 2/4)/5 = 0.3 each and 0.1, then (1 + 0.6)/5 = 0.32 and 0.04.
    # Alike: (1 + 2 * 0.32)/4 = 0.41 for the two, 0.64/4 = 0.16 and 0.08/4 = 0.02 for the others.
    assert (said.kind, said.extent, said.users, said.alike, said.of_kind, said.cases) == (
        "P-PLAN-MAINT",
        "one",
        1,
        2,
        3,
        4,
    )
    assert vars(said.parts["whole"]) == {"low": 1.0, "middle": 2.0, "high": 4.0}
    assert said.longer == pytest.approx(0.18)
    assert said.weight == pytest.approx(1 / (2 * 0.41**2 + 0.16**2 + 0.02**2))
    assert said.holds == pytest.approx((said.weight - 1) / (said.weight + 1))
    assert "holds only" in str(said.rests_on)
    assert said.judgement is None  # three of its kind are too few
    assert said.warning is None


def test_a_stated_time_that_is_too_short_or_too_long_is_named() -> None:
    known = history([done(number, 60 + 6 * number) for number in range(20)])
    judged = {hours: known.predict(to_come(hours)) for hours in (1.0, 1.5, 2.0, 2.9, 4.0)}
    assert {hours: each.judgement for hours, each in judged.items()} == {
        1.0: "short", 1.5: "short", 2.0: "fits", 2.9: "long", 4.0: "long",
    }  # fmt: skip
    assert "took longer" in str(judged[1.0].warning)
    assert judged[2.0].warning is None
    assert judged[2.0].holds == pytest.approx(0.8)
    words = judged[1.0].as_dict("zh")["warning"]
    assert "20" in words
    assert "1.0" in words


def test_without_history_nothing_is_predicted_and_that_is_said() -> None:
    said = history([]).predict(to_come(3, transformer_id="", branch_id="B1"))
    assert (said.parts, said.longer, said.judgement, said.warning) == ({}, None, None, None)
    assert said.extent == "one"
    assert "nothing can be predicted" in str(said.rests_on)
    one = history([done(0, 90)]).predict(to_come(3))
    assert vars(one.parts["whole"]) == dict.fromkeys(("low", "middle", "high"), 1.5)
    assert one.holds == 0.0


def test_what_was_carried_out_later_is_not_known_and_times_that_run_backwards_are_no_case() -> None:
    later = done(0, 60) | {"actual_end": AS_OF + MINUTE}
    backwards = done(1, -30)
    assert history([later, backwards]).cases.is_empty()


def test_the_parts_are_told_where_their_moments_are_known() -> None:
    full = done(0, 240, work_start=DAY + 20 * MINUTE, work_end=DAY + 200 * MINUTE)
    said = history([full, done(1, 120)]).predict(to_come(3))
    assert {name: part.middle for name, part in said.parts.items() if name != "whole"} == pytest.approx(
        {"opening": 1 / 3, "work": 3.0, "closing": 2 / 3}
    )


jobs = st.tuples(
    st.integers(1, 600), st.sampled_from(["P-PLAN-MAINT", "P-PLAN-CONST", None]), st.sampled_from(["检修", "接火", "更换熔断器"]),
    st.sampled_from(["T0", "F1"]),
)  # fmt: skip


@given(st.lists(jobs, min_size=1, max_size=12), jobs, st.sampled_from([0.0, 1.0, 5.0]))
def test_weights_and_quantiles_are_those_of_a_slow_count(cases: list[Any], wanted: Any, behind: float) -> None:
    def places(place: str) -> dict[str, Any]:
        return {"transformer_id": "T0"} if place == "T0" else {"transformer_id": None, "feeder_id": "F1"}

    known = history(
        [done(n, minutes, nature, work, **places(place)) for n, (minutes, nature, work, place) in enumerate(cases)],
        duration_pooling_cases=behind,
    )  # fmt: skip
    stated, nature, work, place = wanted
    said = known.predict(to_come(stated / 60, nature, work, **places(place)))
    kind = {"检修": nature or "", "接火": "接引流线(手套)", "更换熔断器": "更换熔断器(手套)"}

    def kind_of(case: Any) -> str:
        return {"检修": case[1] or ""}.get(case[2], kind[case[2]])

    weight = {n: 1 / len(cases) for n in range(len(cases))}
    levels = [
        [n for n, case in enumerate(cases) if case[1] == nature],
        [n for n, case in enumerate(cases) if kind_of(case) == kind_of(wanted)],
        [n for n, case in enumerate(cases) if kind_of(case) == kind_of(wanted) and case[3] == place],
    ]
    for members in levels:
        if members or behind:
            whole = len(members) + behind
            weight = {n: ((n in members) + behind * weight[n]) / whole for n in weight}
    assert sum(weight.values()) == pytest.approx(1)
    assert said.longer == pytest.approx(sum(w for n, w in weight.items() if cases[n][0] > stated))
    for share, told in zip((0.1, 0.5, 0.9), vars(said.parts["whole"]).values(), strict=True):
        below = sum(w for n, w in weight.items() if cases[n][0] / 60 < told - 1e-6)
        until = sum(w for n, w in weight.items() if cases[n][0] / 60 <= told + 1e-6)
        assert below <= share + 1e-9
        assert until >= share - 1e-9
    assert (said.alike, said.of_kind) == (len(levels[2]), len(levels[1]))


def test_what_overruns_and_late_operations_cost_is_counted_by_hand() -> None:
    """Cut at 8, crew ready 8:10, work 8:20 to 10:50, crew ready 11:05, back 11:30; planned end 11:00. Three users."""
    late = done(
        0, 210, transformer_id=None, feeder_id="F1", unit="甲所", open_arrived_at=DAY + 10 * MINUTE, work_start=DAY + 20 * MINUTE,
        work_end=DAY + 170 * MINUTE, close_arrived_at=DAY + 185 * MINUTE,
    )  # fmt: skip
    told = history([late, done(1, 60, unit="乙所"), done(2, 60, place="", unit="乙所")]).losses(YEAR)
    rows = {row["unit"]: row for row in told.to_dicts()}
    first = rows["甲所"]
    assert (first["plans"], first["overrun"], first["late"], first["untold"]) == (1, 1, 1, 0)
    assert first["overrun_ch"] == pytest.approx(3 * 0.5)
    assert first["late_ch"] == pytest.approx(3 * (10 + 15) / 60)
    assert first["lost_ch"] == pytest.approx(3 * (10 + 40) / 60)  # five minutes are both
    assert first["off_ch"] == pytest.approx(3 * 3.5)
    assert (rows["乙所"]["lost_ch"], rows["乙所"]["untold"]) == (0.0, 1)
    assert history([late]).losses(Period.year(2021)).is_empty()


moment = st.none() | st.integers(0, 60)


@given(st.integers(0, 60), st.integers(0, 60), moment, moment, moment, moment)
def test_what_is_lost_is_what_minutes_say(end: int, back: int, ready: Any, permit: Any, over: Any, close: Any) -> None:
    def at(minute: int | None) -> datetime | None:
        return None if minute is None else DAY + minute * MINUTE

    plan = done(
        0, back, open_arrived_at=at(ready), work_start=at(permit), work_end=at(over), close_arrived_at=at(close)
    ) | {"end": DAY + end * MINUTE}  # fmt: skip
    rows = history([plan]).losses(YEAR).to_dicts()
    overrun = {minute for minute in range(60) if end <= minute < back}
    begun = permit if permit is not None else back
    waits = {minute for minute in range(60) if ready is not None and minute < min(ready, begun)}
    waits |= {minute for minute in range(60) if None not in (over, close) and over <= minute < min(close, back)}
    assert rows[0]["overrun_ch"] == pytest.approx(len(overrun) / 60)
    assert rows[0]["late_ch"] == pytest.approx(len(waits) / 60)
    assert rows[0]["lost_ch"] == pytest.approx(len(overrun | waits) / 60)


def test_losses_are_those_of_the_table() -> None:
    assert history([]).losses(YEAR).schema["lost_ch"] == pl.Float64
