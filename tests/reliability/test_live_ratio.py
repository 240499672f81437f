"""Live-line ratios against an example that is counted by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import network_from_tables
from reliability.period import Period
from reliability.statistics import Statistics
from reliability.targets import judge
from tests.costly import costly
from tests.reliability.records import bus

TARGET = {
    "target_id": "C1", "plan": "mine", "area_scheme": "liveline", "area_label": "业扩", "metric": "service_live_connect_rate",
    "op": ">=", "value": 80, "unit": "%",
}  # fmt: skip


def job(number: int, day: int, connection: bool, users: int | None = 5, hours: float | None = 2.0) -> dict[str, Any]:
    start = datetime(2022, 4, day, 9)
    return {
        "job_id": f"J{number}", "start": start, "users_off": users, "outage_h": hours, "connection": connection, "unit": "east",
    }  # fmt: skip


def plan(number: int, day: int, connection: bool) -> dict[str, Any]:
    start = datetime(2022, 4, day, 9)
    return {
        "plan_id": f"P{number}", "transformer_id": "T0", "start": start, "end": start + timedelta(hours=1),
        "nature": "P-PLAN-CUST" if connection else "P-PLAN-MAINT", "connection": connection, "unit": "east",
    }  # fmt: skip


def statistics(jobs: list[dict[str, Any]], plans: list[dict[str, Any]]) -> Statistics:
    outages = [
        {"outage_id": f"E{number}", "transformer_id": f"T{number % 4}", "start": start, "end": start + timedelta(hours=3),
         "nature": nature}
        for number, (start, nature) in enumerate([
            (datetime(2022, 4, 2, 8), "P-PLAN-MAINT"), (datetime(2022, 4, 20, 8), "P-PLAN-CONST"),
            (datetime(2022, 4, 21, 8), "F-INT"), (datetime(2022, 4, 22, 8), "P-RAT-SYS"),
        ])
    ]  # fmt: skip
    tables = {**bus(4), "outages": outages, "live_jobs": jobs, "plans": plans, "targets": [TARGET]}
    return Statistics(network_from_tables(tables))


JOBS = [
    job(1, 3, True), job(2, 4, True), job(3, 5, True), job(4, 6, False), job(5, 7, False, hours=None),
    job(6, 8, True) | {"start": datetime(2023, 1, 1)},  # the next year
]  # fmt: skip
PLANS = [plan(1, 9, True), plan(2, 10, False), plan(3, 11, True) | {"start": datetime(2021, 12, 31, 9)}]


def test_ratios_are_counted_as_a_clerk_would() -> None:
    """Five live jobs beside two planned outages; four jobs of 5 users and 2 h spare 40, the two outages took 3 h each."""
    told = statistics(JOBS, PLANS).live_ratio(Period.year(2022))
    assert (told.live_jobs, told.outage_jobs) == (5, 2)  # rationing and faults are no work
    assert told.by_jobs == pytest.approx(100 * 5 / 7)
    assert (told.reduced_ch, told.prearranged_ch, told.unknown_jobs) == (40.0, 6.0, 1)
    assert told.by_customer_hours == pytest.approx(100 * 40 / 46)
    assert told.saidi_avoided_h == pytest.approx(40 / 4)
    assert (told.live_connections, told.connections) == (3, 4)  # one of four was planned with an outage
    assert told.live_connect_rate == pytest.approx(75.0)


def test_the_target_of_connections_is_judged_by_them() -> None:
    (missed,) = judge(statistics(JOBS, PLANS), "mine", 2022)
    assert (missed.value, missed.numerator, missed.denominator, missed.status) == (pytest.approx(75.0), 3, 4, "fail")
    (met,) = judge(statistics(JOBS, PLANS[1:]), "mine", 2022)
    assert (met.value, met.status) == (pytest.approx(100.0), "pass")
    (none,) = judge(statistics([], PLANS[1:2]), "mine", 2022)
    assert (none.value, none.status) == (None, "not_computable")


def test_plans_that_were_not_carried_out_connected_nobody() -> None:
    """Of seven plans two connected somebody with an outage: one by its actual time, one that no state speaks against."""
    plans = [
        plan(1, 9, True),
        plan(2, 9, True) | {"status": "已取消"},
        plan(3, 9, True) | {"status": "已驳回"},
        plan(4, 9, True) | {"status": "待审核"},
        plan(5, 9, True) | {"status": "已完成", "live_line_item": 9},  # done live: it stands among the jobs
        plan(6, 9, True) | {"status": "已取消", "actual_start": datetime(2022, 4, 9, 10), "live_line_item": 9},
        plan(7, 9, True) | {"status": "已完成", "actual_start": datetime(2023, 1, 2, 10)},
    ]
    told = statistics(JOBS, plans).live_ratio(Period.year(2022))
    assert (told.live_connections, told.connections) == (3, 5)


def test_connections_still_to_come_are_not_made_yet() -> None:
    """Seen from 5 April, the job of that day and the plan of the 9th are to come: two of two were made live."""
    known = statistics(JOBS, PLANS)
    told = known.live_ratio(Period.year(2022), as_of=datetime(2022, 4, 5))
    assert (told.live_connections, told.connections, told.live_jobs, told.outage_jobs) == (2, 2, 2, 1)
    (judged,) = judge(known, "mine", 2022, datetime(2022, 4, 5))
    assert (judged.value, judged.numerator, judged.denominator) == (pytest.approx(100.0), 2, 2)


STATES = st.sampled_from([None, "已完成", "已批准", "已取消", "待审核", "rejected"])
DAYS = st.integers(1, 28)


@given(
    jobs=st.lists(st.tuples(DAYS, st.booleans()), max_size=6),
    planned=st.lists(st.tuples(DAYS, st.booleans(), STATES, st.none() | DAYS, st.none() | st.just(9)), max_size=8),
    known=st.none() | DAYS,
)
@costly(35)
def test_connections_are_those_that_a_clerk_ticks_off_one_by_one(
    jobs: list[tuple[int, bool]],
    planned: list[tuple[int, bool, str | None, int | None, int | None]],
    known: int | None,
) -> None:
    until = datetime(2022, 4, known, 12) if known else datetime(2023, 1, 1)
    live = sum(connection and datetime(2022, 4, day, 9) < until for day, connection in jobs)
    cut = 0
    for day, connection, state, really, item in planned:
        if not connection or datetime(2022, 4, really or day, 9) >= until:
            continue
        was_not_carried_out = item is not None or state in {"已取消", "待审核", "rejected"}
        cut += really is not None or not was_not_carried_out
    rows = [
        plan(number, day, connection)
        | {
            "status": state,
            "actual_start": datetime(2022, 4, really, 9) if really else None,
            "live_line_item": item,
        }
        for number, (day, connection, state, really, item) in enumerate(planned)
    ]
    done = [job(number, day, connection) for number, (day, connection) in enumerate(jobs)]
    as_of = datetime(2022, 4, known, 12) if known else None
    told = statistics(done or [job(99, 1, False)], rows).live_ratio(Period.year(2022), as_of=as_of)
    assert (told.live_connections, told.connections) == (live, live + cut)
