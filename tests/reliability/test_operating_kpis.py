"""Figures of operation against examples that are counted by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from network import Network, network_from_tables
from reliability.operating_kpis import Kpi
from reliability.statistics import Statistics
from reliability.targets import judge
from tests.reliability.records import bus

TARGETS = ("da_action_accuracy", "da_line_coverage", "outage_schedule_time_reduction", "active_repair_rate_gain")


def kpis(tables: dict[str, Any], rules: dict[str, Any] | None = None, year: int = 2022, **asked: Any) -> dict[str, Kpi]:
    statistics = Statistics(network_from_tables({**bus(1), **tables}, {"reliability": rules or {}}))
    return dict(statistics.operating_kpis(year, **asked))


def action(day: int, kind: str | None, result: str, feeder: str = "F1") -> dict[str, Any]:
    return {"feeder_id": feeder, "time": datetime(2022, 3, day), "kind": kind, "result": result}


FEEDERS = [{"feeder_id": "F1"}, {"feeder_id": "F2"}]


def test_accuracy_is_correct_over_correct_wrong_and_missed() -> None:
    actions = [
        *(action(day, "fa", "correct") for day in range(1, 8)),
        action(8, None, "correct"),  # a kind that is not stated is feeder automation
        action(9, "fa", "wrong"),
        action(10, "fa", "missed"),
        action(11, "remote_control", "wrong"),
        action(12, "remote_signal", "correct"),
        action(1, "fa", "wrong") | {"time": datetime(2023, 1, 1)},  # the next year
    ]
    found = kpis({"feeders": FEEDERS, "automation_actions": actions})
    assert (found["da_action_accuracy"].numerator, found["da_action_accuracy"].denominator) == (8, 10)
    assert found["da_action_accuracy"].value == pytest.approx(80)
    assert found["remote_control_success_rate"].value == 0
    assert found["remote_signal_accuracy"].value == 100
    assert found["remote_control_use_rate"].value is None  # nothing says what was operated by hand
    assert found["remote_control_use_rate"].reason is not None


def test_use_of_remote_control_counts_what_was_done_by_hand() -> None:
    actions = [
        action(1, "remote_control", "wrong"),
        action(2, "remote_control", "correct"),
        action(3, "manual", "correct"),
    ]
    assert kpis({"feeders": FEEDERS, "automation_actions": actions})["remote_control_use_rate"].value == pytest.approx(
        200 / 3
    )


def test_coverage_of_feeders_and_of_the_devices_they_need() -> None:
    """F1 = head K1 and section switch K2; F2 = head K3; F4 dedicated; a tie between F1 and F2."""
    tables: dict[str, Any] = {
        "sources": [{"node": "S"}],
        "feeders": [*FEEDERS, {"feeder_id": "F4", "public": False}],
        "branches": [
            {"branch_id": "K1", "from_node": "S", "to_node": "1", "kind": "breaker", "feeder_id": "F1"},
            {"branch_id": "K2", "from_node": "1", "to_node": "2", "kind": "switch", "feeder_id": "F1"},
            {"branch_id": "K3", "from_node": "S", "to_node": "3", "kind": "breaker", "feeder_id": "F2"},
            {"branch_id": "TIE", "from_node": "2", "to_node": "3", "kind": "switch", "normally_open": True},
            {"branch_id": "K4", "from_node": "S", "to_node": "4", "kind": "breaker", "feeder_id": "F4"},
        ],
        "transformers": [{"transformer_id": f"T{node}", "node": node} for node in "234"],
    }

    def covered(*terminals: str, rules: dict[str, Any] | None = None, **times: datetime) -> tuple[Any, ...]:
        rows = [{"branch_id": terminal, "kind": "two_remote", **times} for terminal in terminals]
        found = kpis({**tables, "automation_terminals": rows}, rules)
        return tuple(found[name].numerator for name in ("da_line_coverage", "da_effective_coverage"))

    assert covered("K1") == (1, 0)
    assert covered("K1", "K4") == (1, 0)  # the dedicated feeder does not count
    assert covered("TIE") == (2, 0)  # a tie belongs to both
    assert covered("K3", "TIE") == (2, 1)
    assert covered("K1", "K2", "K3", "TIE") == (2, 2)
    assert covered("K1", "K2", rules={"da_required_terminals": 2}) == (1, 1)
    assert covered("K1", in_service=datetime(2023, 1, 1)) == (0, 0)
    assert covered("K1", in_service=datetime(2022, 12, 31)) == (1, 0)
    assert covered("K1", retired=datetime(2022, 6, 1)) == (0, 0)
    whole = kpis({**tables, "automation_terminals": [{"branch_id": "K1", "kind": "three_remote"}]})
    assert whole["da_line_coverage"].value == 50


def test_online_rates_take_overlaps_once_and_cut_at_the_year() -> None:
    outages = [
        {"start": datetime(2022, 1, 2), "end": datetime(2022, 1, 3)},  # the master station, 24 h
        {"branch_id": "B0", "start": datetime(2021, 12, 31), "end": datetime(2022, 1, 1, 10)},  # 10 h of 2022
        {"branch_id": "B0", "start": datetime(2022, 5, 1), "end": datetime(2022, 5, 1, 8)},
        {"branch_id": "B0", "start": datetime(2022, 5, 1, 4), "end": datetime(2022, 5, 1, 10)},  # 10 h together
    ]
    terminals = [{"branch_id": "B0", "kind": "three_remote"}]
    found = kpis({"automation_outages": outages, "automation_terminals": terminals})
    assert found["master_online_rate"].value == pytest.approx(100 * (8760 - 24) / 8760)
    assert found["terminal_online_rate"].numerator == pytest.approx(8740)
    assert found["terminal_online_rate"].denominator == pytest.approx(8760)


def test_a_terminal_counts_from_its_first_day() -> None:
    outages = [{"branch_id": "B0", "start": datetime(2022, 12, 31), "end": datetime(2022, 12, 31, 12)}]
    terminals = [{"branch_id": "B0", "kind": "three_remote", "in_service": datetime(2022, 12, 31)}]
    assert kpis({"automation_outages": outages, "automation_terminals": terminals})[
        "terminal_online_rate"
    ].value == pytest.approx(50)


def application(number: int, year: int, days: float, ready: float | None) -> dict[str, Any]:
    outage = datetime(year, 6, 1)
    return {
        "application_id": f"A{number}",
        "applied": outage - timedelta(days=days),
        "ready": None if ready is None else outage - timedelta(days=ready),
        "outage_date": outage,
    }


def test_the_wait_for_an_outage_falls_from_the_base_year() -> None:
    rows = [
        application(1, 2021, 50, 40), application(2, 2021, 20, None),  # 40 and 20 days: 30
        application(3, 2022, 30, 24), application(4, 2022, 18, 18),  # 24 and 18: 21
        application(5, 2020, 60, 60),
        application(6, 2022, 5, 5) | {"outage_date": None},  # still waiting
    ]  # fmt: skip
    found = kpis({"applications": rows})["outage_schedule_time_reduction"]
    assert (found.numerator, found.denominator, found.base_year) == (21, 30, 2021)
    assert found.value == pytest.approx(30)
    assert kpis({"applications": rows}, base_year=2020)["outage_schedule_time_reduction"].value == pytest.approx(65)
    assert kpis({"applications": rows}, {"base_year": 2020})["outage_schedule_time_reduction"].base == 60
    applied = kpis({"applications": rows}, {"schedule_time_from": "applied"})["outage_schedule_time_reduction"]
    assert (applied.numerator, applied.denominator) == (24, 35)
    assert kpis({"applications": rows[2:4]})["outage_schedule_time_reduction"].value is None


def orders(year: int, *sources: str) -> list[dict[str, Any]]:
    return [
        {"order_id": f"{year}-{number}", "source": source, "accept_time": datetime(year, 2, 1)}
        for number, source in enumerate(sources)
    ]


def test_the_gain_of_active_repair_is_told_relative_and_in_points() -> None:
    rows = [
        *orders(2021, "主动抢修", "95598", "95598", "95598", "95598"),  # 20 %
        *orders(2022, "主动抢修", "95598", "95598", "95598", "巡视"),  # 1 of 4, the last is neither
        {"order_id": "child", "parent_id": "2022-0", "source": "95598", "accept_time": datetime(2022, 2, 1)},
    ]
    found = kpis({"orders": rows})
    assert found["active_repair_rate"].value == 25
    assert found["active_repair_rate_gain"].value == pytest.approx(25)
    assert "+5.0 points" in str(found["active_repair_rate_gain"].reason)
    points = kpis({"orders": rows}, {"active_repair_gain": "points"})["active_repair_rate_gain"]
    assert points.value == pytest.approx(5)
    assert "relative +25.0 %" in str(points.reason)


def test_operations_are_on_time_within_the_tolerance() -> None:
    start, end = datetime(2022, 4, 1, 8), datetime(2022, 4, 1, 12)
    plan = {"plan_id": "P1", "start": start, "end": end, "transformer_id": "T0"}
    rows = [
        plan | {"open_arrived_at": start, "close_arrived_at": end + timedelta(minutes=6)},
        plan | {"plan_id": "P2", "open_arrived_at": start - timedelta(minutes=9)},
        plan | {"plan_id": "P3"},
    ]
    found = kpis({"plans": rows})["operation_punctuality"]
    assert (found.numerator, found.denominator) == (2, 3)
    assert kpis({"plans": rows}, {"arrival_tolerance_min": 6})["operation_punctuality"].value == 100


def test_without_tables_every_figure_says_why_it_is_missing() -> None:
    for each in kpis({}).values():
        assert each.value is None, each.kpi
        assert str(each.reason), each.kpi


def test_a_plan_that_states_its_base_year_is_judged_from_it() -> None:
    rows = [application(1, 2019, 40, 40), application(2, 2021, 10, 10), application(3, 2022, 30, 30)]
    target = {
        "target_id": "M", "plan": "mine", "area_scheme": "plan", "area_label": "all", "op": ">=", "value": 20, "unit": "%",
        "metric": "outage_schedule_time_reduction", "base_year": 2019,
    }  # fmt: skip
    statistics = Statistics(network_from_tables({**bus(1), "applications": rows, "targets": [target]}))
    (result,) = judge(statistics, "mine", 2022)
    assert (result.status, result.value, result.previous) == ("pass", pytest.approx(25), 40)
    (result,) = judge(
        Statistics(network_from_tables({**bus(1), "applications": rows, "targets": [target | {"base_year": 2021}]})),
        "mine",
        2022,
    )
    assert (result.status, result.value) == ("fail", pytest.approx(-200))


def test_every_target_of_every_plan_has_a_value_in_the_sample_county(county: Network) -> None:
    import fudian

    utility = fudian.open(county.workspace, "en")
    for plan in utility.target_plans:
        for result in utility.targets(plan).results:
            assert result.value is not None, (plan, result.target_id, str(result.reason))
            assert result.denominator, (plan, result.target_id)
            assert result.numerator is not None, (plan, result.target_id)
