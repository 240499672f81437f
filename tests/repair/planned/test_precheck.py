"""The check of planned outages: figures by hand, the verdict for each reason, and broken rows that spoil nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from network import FudianError, Network, UnknownIdError, network_from_tables
from reliability.statistics import Statistics
from repair.planned.plan_desk import PlanDesk
from repair.planned.precheck import PlanCheck, precheck, rows_of, statement

AS_OF = datetime(2022, 6, 1)
START = datetime(2022, 6, 20, 8)

FEEDERS: dict[str, Any] = {
    "sources": [{"node": "S"}, {"node": "R"}],
    "feeders": [{"feeder_id": "F1", "voltage_kv": 10.0}],
    "branches": [
        {"branch_id": "K1", "from_node": "S", "to_node": "1", "kind": "breaker", "feeder_id": "F1", "rating_a": 400.0},
        {"branch_id": "A", "from_node": "1", "to_node": "2", "kind": "switch", "feeder_id": "F1", "rating_a": 400.0},
        {"branch_id": "L", "from_node": "2", "to_node": "3", "kind": "line", "feeder_id": "F1", "rating_a": 400.0},
        {"branch_id": "B", "from_node": "3", "to_node": "4", "kind": "switch", "feeder_id": "F1", "rating_a": 400.0},
        {"branch_id": "TIE", "from_node": "4", "to_node": "5", "kind": "switch", "normally_open": True, "rating_a": 400.0},
        {"branch_id": "K2", "from_node": "R", "to_node": "5", "kind": "breaker", "feeder_id": "F2", "rating_a": 400.0},
    ],
    "transformers": [
        {"transformer_id": f"T{node}", "node": str(node), "unit": "U", "load_kw": 100.0, "feeder_id": "F1"} for node in (1, 2, 4)
    ],
    "customers": [
        {"customer_id": f"C{node}-{each}", "transformer_id": f"T{node}", "important": each == 0, "sensitive": each == 1}
        for node in (1, 2, 4) for each in range(10)
    ],
}  # fmt: skip


def plan(plan_id: str = "P1", **changes: Any) -> dict[str, Any]:
    return {
        "plan_id": plan_id, "branch_id": "L", "start": START, "end": START + timedelta(hours=6), "nature": "P-PLAN-MAINT",
        "unit": "U", "work": "检修", "status": "待审核",
    } | changes  # fmt: skip


def county(plans: list[dict[str, Any]], settings: dict[str, Any] | None = None, **tables: Any) -> Network:
    rules = {"as_of": AS_OF, "planned": settings or {}}
    return network_from_tables({**FEEDERS, "plans": plans, **tables}, rules)


def check(plans: list[dict[str, Any]], settings: dict[str, Any] | None = None, **tables: Any) -> list[PlanCheck]:
    return precheck(PlanDesk.of(Statistics(county(plans, settings, **tables))))


def said(found: PlanCheck) -> str:
    return " | ".join(str(each) for each in (*found.reasons, *found.remarks))


def test_figures_before_and_after_transfer_by_hand() -> None:
    """Off without transfer: T2 and T4 for 6 h. With it T2 alone; T4 is off 5 minutes there and 5 back."""
    found = check([plan()])[0]
    facts = found.facts
    assert facts is not None
    assert (facts.before.transformers, facts.after.transformers) == (2, 1)
    assert (facts.before.customers, facts.after.customers) == (20, 10)
    assert facts.after.important == ("C2-0",)
    assert facts.after.sensitive == ("C2-1",)
    assert facts.before.ch_mv == pytest.approx(12)
    assert facts.after.ch_mv == pytest.approx(6 + 10 / 60)
    assert facts.after.ch_lv == pytest.approx(60 + 10 * 10 / 60)
    assert facts.after.saidi_h == pytest.approx((6 + 10 / 60) / 3)
    assert [(step.action, step.branch_id) for step in facts.job.outage.steps] == [
        ("open", "A"),
        ("open", "B"),
        ("close", "TIE"),
    ]
    assert facts.transfer.state == "used"


def test_transfer_respects_ratings() -> None:
    weak = [branch | ({"rating_a": 1.0} if branch["branch_id"] == "TIE" else {}) for branch in FEEDERS["branches"]]
    facts = check([plan()], branches=weak)[0].facts
    assert facts is not None
    assert facts.after.transformers == 2
    assert "no room within ratings" in str(facts.transfer.reason)


@pytest.mark.parametrize(
    ("changes", "settings", "tables", "verdict", "because"),
    [
        ({}, {}, {}, "approve", "6.2 customer-hours"),
        ({"live_line_item": 9}, {}, {}, "convert-to-live", "live-line item 9"),
        ({"live_line_item": 99}, {}, {}, "approve", "6.2"),
        ({}, {"holidays": [START.date()]}, {}, "reject", "holiday"),
        ({"start": AS_OF + timedelta(days=6), "end": AS_OF + timedelta(days=6, hours=2)}, {}, {}, "reject", "cannot be told"),
        ({"start": AS_OF + timedelta(days=6), "end": AS_OF + timedelta(days=6, hours=2), "nature": "P-TEMP-MAINT"}, {}, {},
         "approve", "customer-hours"),
        ({}, {}, {"budget": [{"unit": "U", "annual_target_ch": 5.0, "consumed_ch": 1.0}]}, "reduce", "2.2 more than U has left"),
        ({}, {}, {"budget": [{"unit": "U", "annual_target_ch": 5.0, "consumed_ch": 6.0}]}, "reject", "more than U has left"),
        ({}, {}, {"budget": [{"unit": "U", "annual_target_ch": 7.0, "consumed_ch": 0.0}]}, "approve", "budget is amber"),
    ],
)  # fmt: skip
def test_the_verdict_and_its_reason(
    changes: dict[str, Any], settings: dict[str, Any], tables: dict[str, Any], verdict: str, because: str
) -> None:
    found = check([plan(**changes)], settings, **tables)[0]
    assert found.verdict == verdict
    assert because in said(found)


def test_a_plan_that_cuts_nobody_off_is_checked_like_any_other() -> None:
    gone = [transformer | ({"retired": AS_OF - timedelta(days=99)} if transformer["transformer_id"] == "T4" else {})
            for transformer in FEEDERS["transformers"]]  # fmt: skip
    found = check([plan(branch_id=None, transformer_id="T4")], transformers=gone)[0]
    assert found.facts is not None
    assert found.facts.after.ch_mv == 0
    assert found.verdict == "approve"


def outages(days_before: list[int]) -> list[dict[str, Any]]:
    return [
        {
            "outage_id": f"O{days}", "branch_id": "A", "start": START - timedelta(days=days), "nature": "F-INT",
            "end": START - timedelta(days=days, hours=-2),
        }
        for days in days_before
    ]  # fmt: skip


def test_a_fourth_outage_within_sixty_days_is_too_many() -> None:
    """By the rules of the administration more than three; exactly sixty days before is outside."""
    late = check([plan()], outages=outages([59, 40, 25]))[0]
    assert late.verdict == "reject"
    assert late.facts is not None
    assert set(late.facts.breaches["user_id"]) == {"T2", "T4"}
    assert set(late.facts.breaches["rule"]) == {"in_window"}
    assert check([plan()], outages=outages([60, 40, 25]))[0].verdict == "approve"
    fed = {"generator_kva": 200.0, "generators": 2, "generator_cost_per_day": 1000.0}
    assert check([plan()], fed, outages=outages([59, 40, 25]))[0].verdict == "reject"  # T4 is off while it is switched


def test_a_generator_is_weighed_against_the_hours_it_saves() -> None:
    facts = check([plan()], {"generator_kva": 200.0, "generator_cost_per_day": 600.0, "generator_cost_per_h": 100.0})[
        0
    ].facts
    assert facts is not None
    assert facts.mobile[0].transformers == ("T2",)
    assert facts.mobile[0].saved_ch == pytest.approx(6)
    assert facts.mobile[0].cost == pytest.approx(600 + 600)
    assert facts.mobile[0].cost_per_ch == pytest.approx(200)
    without = check([plan()], {"generator_kva": 200.0})[0]
    assert without.facts is not None
    assert without.facts.mobile[0].cost is None
    assert "no cost of mobile supply" in said(without)
    small = check([plan()], {"generator_kva": 50.0})[0].facts
    assert small is not None
    assert small.mobile == ()


def test_two_jobs_on_one_section_are_merged() -> None:
    found = check([plan("P1"), plan("P2", start=START + timedelta(days=3), end=START + timedelta(days=3, hours=4))])
    assert [each.verdict for each in found] == ["merge", "merge"]
    assert found[0].facts is not None
    assert found[0].facts.group is not None
    assert found[0].facts.group.plan_ids == ("P1", "P2")
    assert found[0].facts.group.saving_ch == pytest.approx(4 + 10 / 60)
    far = check([plan("P1"), plan("P2", start=START + timedelta(days=30), end=START + timedelta(days=30, hours=4))])
    assert [each.verdict for each in far] == ["approve", "approve"]


@pytest.mark.parametrize(
    ("states", "verdicts"),
    [
        (("待审核", "待审核"), ["reject", "reject"]),
        (("已批准", "待审核"), ["approve", "reject"]),
        (("已批准", "已批准"), ["reject", "reject"]),
    ],
)
def test_an_outage_that_takes_the_way_of_another_is_not_approved(states: tuple[str, str], verdicts: list[str]) -> None:
    """While L is worked on, T4 is fed over the tie from K2; that one cannot be worked on meanwhile."""
    branches = [
        {**branch, "from_node": "R2"} if branch["branch_id"] == "K2" else branch for branch in FEEDERS["branches"]
    ]
    branches.append({"branch_id": "K3", "from_node": "R", "to_node": "R2", "kind": "breaker", "feeder_id": "F2"})
    transformers = [*FEEDERS["transformers"], {"transformer_id": "T5", "node": "5", "unit": "U", "load_kw": 100.0}]
    plans = [plan("P1", status=states[0]), plan("P2", branch_id="K2", status=states[1])]
    found = check(plans, branches=branches, transformers=transformers)
    assert [each.verdict for each in found] == verdicts
    assert "at the same time P2" in said(found[0])
    assert "at the same time P1" in said(found[1])
    plans[1] = plan(
        "P2", branch_id="K2", status=states[1], start=START + timedelta(hours=6), end=START + timedelta(hours=9)
    )
    after = check(plans, branches=branches, transformers=transformers)
    assert [each.verdict for each in after] == ["approve", "approve"]


@pytest.mark.parametrize(("capacity_a", "fits"), [(13.0, True), (11.0, False)])
def test_what_plans_of_one_time_move_onto_a_source_is_added_up(capacity_a: float, fits: bool) -> None:
    """Two feeders of one source, each moved to a feeder of R while its L is worked on: 6.1 A each, nothing else on R."""
    second = [
        branch
        | {
            name: str(branch[name]) if branch[name] in {"S", "R"} else f"{branch[name]}x"
            for name in ("branch_id", "from_node", "to_node")
        }
        | {"feeder_id": f"{branch['feeder_id']}x" if "feeder_id" in branch else None}
        for branch in FEEDERS["branches"]
    ]
    transformers = [*FEEDERS["transformers"]] + [
        {
            **transformer,
            "transformer_id": f"{transformer['transformer_id']}x",
            "node": f"{transformer['node']}x",
            "feeder_id": "F1x",
        }
        for transformer in FEEDERS["transformers"]
    ]
    grid: dict[str, Any] = {
        "sources": [{"node": "S"}, {"node": "R", "capacity_a": capacity_a}],
        "branches": [*FEEDERS["branches"], *second],
        "transformers": transformers,
    }
    plans = [plan("P1"), plan("P2", branch_id="Lx")]
    found = check(plans, **grid)
    alone = check([plans[0]], **grid)[0]
    assert alone.facts is not None
    assert alone.facts.after.transformers == 1
    assert alone.facts.short_sources == ()
    for each, other in ((found[0], "P2"), (found[1], "P1")):
        assert each.facts is not None
        assert each.facts.after.transformers == 1, "by itself each has room"
        short = each.facts.short_sources
        assert [(one.node, one.with_plans) for one in short] == ([] if fits else [("R", (other,))])
        assert ("source R would give 12 A, 11 A is what it can" in said(each)) == (not fits)
        assert each.verdict == ("approve" if fits else "reject")
    apart = check(
        [plans[0], plan("P2", branch_id="Lx", start=plans[0]["end"], end=plans[0]["end"] + timedelta(hours=6))], **grid
    )
    assert [each.facts.short_sources for each in apart if each.facts is not None] == [(), ()]


def test_approved_plans_are_committed_in_the_budget() -> None:
    budget = [{"unit": "U", "annual_target_ch": 10.0, "consumed_ch": 0.0}]
    later = plan("P2", start=START + timedelta(days=40), end=START + timedelta(days=40, hours=6), status="已批准")
    found = {each.plan_id: each for each in check([plan("P1"), later], budget=budget)}
    assert found["P1"].facts is not None
    assert found["P1"].facts.shares[0].after_ch == pytest.approx(10 - 2 * (6 + 10 / 60))
    assert found["P1"].verdict == "reduce"
    assert found["P2"].verdict == "approve"


def test_what_is_done_live_takes_nothing_of_a_budget_and_cuts_nobody_off() -> None:
    budget = [{"unit": "U", "annual_target_ch": 10.0, "consumed_ch": 0.0}]
    later = {"start": START + timedelta(days=10), "end": START + timedelta(days=10, hours=6), "status": "已批准"}
    found = check([plan("P1"), plan("P2", live_line_item=9, **later)], budget=budget, outages=outages([25, 20]))
    facts, live = found[0].facts, found[1].facts
    assert facts is not None
    assert live is not None
    assert facts.shares[0].after_ch == pytest.approx(10 - (6 + 10 / 60))
    assert facts.breaches.is_empty()
    assert live.shares == ()
    assert live.budget_light is None
    assert "done live it costs no customer-hours" in str(live.calculated.reason)
    assert "left then" not in said(found[1])


def test_merging_is_said_of_the_plans_asked_for() -> None:
    near = {"start": START + timedelta(days=3), "end": START + timedelta(days=3, hours=4)}
    far = {"start": START + timedelta(days=90), "end": START + timedelta(days=90, hours=4)}
    desk = PlanDesk.of(Statistics(county([plan("P1"), plan("P2", **near), plan("P3", **far)])))
    saves = {
        name: statement(desk, precheck(desk, [name]))["merging_saves_ch"] for name in ("P1", "P2", "P3")
    }  # fmt: skip
    assert saves == {"P1": pytest.approx(4 + 10 / 60), "P2": pytest.approx(4 + 10 / 60), "P3": 0}
    assert statement(desk, precheck(desk))["merging_saves_ch"] == pytest.approx(4 + 10 / 60)


def test_a_plan_that_is_not_looked_at_is_said_to_be_past_or_void() -> None:
    gone = plan("P1", start=AS_OF - timedelta(days=3), end=AS_OF - timedelta(days=2))
    desk = PlanDesk.of(Statistics(county([gone, plan("P2", status="已取消"), plan("P3")])))
    desk.require(["P3"])
    with pytest.raises(FudianError, match="P1 lies before 2022-06-01"):
        desk.require(["P1"])
    with pytest.raises(FudianError, match="P2 is void"):
        desk.require(["P2"])
    with pytest.raises(UnknownIdError):
        desk.require(["P9"])


def test_hours_over_the_end_of_a_year_are_shared_out() -> None:
    """T2 is off for 4 h of the old year and 2 h of the new one, T4 while it is switched: 5 minutes in each."""
    late = plan(start=datetime(2022, 12, 31, 20), end=datetime(2023, 1, 1, 2))
    facts = check([late], budget=[{"unit": "U", "annual_target_ch": 10.0, "consumed_ch": 0.0}])[0].facts
    assert facts is not None
    assert [(share.year, share.plan_ch) for share in facts.shares] == [
        (2022, pytest.approx(4 + 5 / 60)),
        (2023, pytest.approx(2 + 5 / 60)),
    ]
    assert [share.after_ch for share in facts.shares] == [pytest.approx(6 - 5 / 60), pytest.approx(8 - 5 / 60)]


def test_what_is_left_of_a_plan_under_way_is_committed_and_keeps_its_ways() -> None:
    """Two of eight hours are over: T2 is off for six more, and T4 is switched."""
    begun = plan("P0", start=AS_OF - timedelta(hours=2), end=AS_OF + timedelta(hours=6), status="已批准")
    never = plan("P9", start=AS_OF - timedelta(hours=2), end=AS_OF + timedelta(hours=6), status="待审核")
    soon = plan("P1", start=AS_OF + timedelta(hours=1), end=AS_OF + timedelta(hours=2))
    net = county([begun, never, soon, plan("P2")], budget=[{"unit": "U", "annual_target_ch": 20.0, "consumed_ch": 0.0}])
    desk = PlanDesk.of(Statistics(net))
    assert desk.left_out == {"past": 1, "void": 0, "under_way": 1}
    checks = precheck(desk)
    result = statement(desk, checks)
    assert [each.plan_id for each in checks] == ["P1", "P2"]
    assert result["under_way"][0] | {"rest_ch": None} == {
        "plan_id": "P0", "start": begun["start"].isoformat(), "end": begun["end"].isoformat(), "rest_ch": None,
    }  # fmt: skip
    rest = 6 + 10 / 60
    assert result["under_way"][0]["rest_ch"] == pytest.approx(rest)
    assert checks[1].facts is not None
    assert checks[1].facts.shares[0].after_ch == pytest.approx(20 - rest - (6 + 10 / 60))
    assert "at the same time P0" in said(checks[0])
    assert "P0" in " ".join(result["basis"]["says"])


def test_rows_for_people_are_in_words_and_its_form_keeps_codes() -> None:
    budget = [{"unit": "U", "annual_target_ch": 5.0, "consumed_ch": 1.0}]
    found = check([plan()], outages=outages([59, 40, 25]), budget=budget)
    rows = rows_of(found, "zh")
    assert rows.select("verdict", "budget_light", "grade").rows() == [("退回", "超出", "月计划")]
    assert found[0].as_dict("zh")["verdict"] == "reject"
    assert found[0].as_dict("zh")["budget_light"] == "red"
    told = "".join(found[0].as_dict("zh")["reasons"])
    assert "in_window" not in told
    assert "滚动窗口次数" in told


def test_a_row_that_cannot_be_used_spoils_no_other() -> None:
    rows = [
        plan("P1"),
        plan("P2", branch_id=None),
        plan("P3", branch_id="L9"),
        plan("P4", end=START - timedelta(hours=1)),
        plan(
            "P5",
            branch_id=None,
            transformer_id="T4",
            start=START + timedelta(days=40),
            end=START + timedelta(days=40, hours=2),
        ),
        plan("P6", start=AS_OF - timedelta(days=3), end=AS_OF - timedelta(days=2)),
        plan("P7", status="已取消"),
    ]
    net = county(rows)
    desk = PlanDesk.of(Statistics(net))
    found = precheck(desk)
    result = statement(desk, found, net.workspace.problems_of("plans"), "zh")
    verdicts = {each.plan_id: each.verdict for each in found}
    assert verdicts.pop("P1") == "approve"
    assert verdicts.pop("P5") == "approve"
    assert set(verdicts.values()) <= {"reject"}
    told = {each["object_id"] for each in result["rejected"]} | set(verdicts)
    assert {"P2", "P3", "P4"} <= told
    assert desk.left_out == {"past": 1, "void": 1, "under_way": 0}
    assert result["plans"][0]["verdict_means"] == "批准"


def test_work_next_to_the_source_cannot_be_parted() -> None:
    bare = [{"branch_id": "L", "from_node": "S", "to_node": "1", "kind": "line"}]
    net = county([plan()], branches=bare, transformers=[{"transformer_id": "T1", "node": "1"}], customers=[])
    found = precheck(PlanDesk.of(Statistics(net)))[0]
    assert found.verdict == "reject"
    assert "Nothing parts this work from source S" in said(found)


def test_missing_tables_are_said_and_not_taken_for_zero() -> None:
    found = check([plan(unit=None)], customers=[])[0]
    assert found.facts is not None
    assert found.facts.after.customers is None
    assert found.facts.after.ch_lv is None
    assert found.facts.after.important is None
    assert found.facts.budget_light is None
    assert "no customer-hour budget" in said(found)
    assert "name no generator" in said(found)


def test_peak_hours_are_pointed_out() -> None:
    evening = plan(start=START.replace(hour=16), end=START.replace(hour=19))
    assert "peak hours 18:00-21:00" in said(check([evening])[0])
    assert "peak hours" not in said(check([plan()])[0])
