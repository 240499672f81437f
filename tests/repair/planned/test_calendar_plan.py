"""Merging and the calendar: random plans against every grouping and every assignment of days."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given

from reliability.statistics import Statistics
from repair.planned.calendar_plan import CalendarPlan, calendar_plan
from repair.planned.merging import best_grouping
from repair.planned.plan_desk import PlanDesk
from tests.costly import costly
from tests.repair.plans import DAYS, County, Plan, counties, partitions


@given(counties(most_plans=5, rules=False))
def test_no_grouping_costs_less(county: County) -> None:
    desk = county.desk()
    grouping = best_grouping(desk, list(desk.jobs.values()))
    assert grouping.best
    assert sorted(plan for group in grouping.groups for plan in group.plan_ids) == sorted(desk.jobs)
    for group in grouping.groups:
        members = tuple(int(plan[1:]) for plan in group.plan_ids)
        assert group.cost.user_minutes == county.cost(members)
    least = min(sum(county.cost(group) for group in groups) for groups in partitions(list(range(len(county.plans)))))
    assert sum(group.cost.user_minutes for group in grouping.groups) == least


@costly(35)
@given(counties(most_plans=3))
def test_no_calendar_is_better(county: County) -> None:
    plan = calendar_plan(county.desk())
    assert plan.best
    groups = [tuple(int(each[1:]) for each in entry.option.group.plan_ids) for entry in plan.entries]
    days = tuple(DAYS.index(entry.option.start) for entry in plan.entries)
    assert county.keeps(groups, days)
    assert sorted(
        [*(job.plan_id for job, _ in plan.unscheduled), *(f"P{each}" for group in groups for each in group)]
    ) == [f"P{each}" for each in range(len(county.plans))]
    assert (len(plan.unscheduled), round(plan.planned_ch * 60)) == county.best()


def chain(plans: list[Plan], **rules: object) -> County:
    """A feeder of three sections, one transformer each."""
    rest = {"past": [], "crews": {}, "annual": {}, "holidays": set()} | rules
    return County([0, 1, 2], ["U", "U", "U"], plans=plans, **rest)  # type: ignore[arg-type]


def only(plan: CalendarPlan) -> tuple[str, ...]:
    assert len(plan.unscheduled) == 1
    return tuple(str(why) for _, why in plan.unscheduled)


def test_two_jobs_of_one_feeder_cost_one_outage() -> None:
    """180 minutes for 3 users and 120 minutes for 2 of them: together the longer one is enough."""
    plan = calendar_plan(chain([Plan(1, 0, 180, 0, 5, "U"), Plan(2, 3, 120, 0, 5, "U")]).desk())
    assert plan.submitted_ch == pytest.approx(3 * 3 + 2 * 2)
    assert plan.planned_ch == pytest.approx(9)
    assert plan.saving_ch == pytest.approx(4)
    assert plan.entries[0].as_dict()["plan_ids"] == ["P0", "P1"]
    assert plan.entries[0].option.moved_days == 3


def test_what_cannot_be_scheduled_is_said_with_the_reason() -> None:
    long = Plan(1, 2, 600, 2, 2, "U")
    assert "none of its 1 days is allowed: 1 × outside the dates" in only(calendar_plan(chain([long]).desk()))[0]
    fits = Plan(1, 2, 480, 2, 2, "U")
    assert "1 × a holiday" in only(calendar_plan(chain([fits], holidays={2}).desk()))[0]
    assert "1 × over the budget" in only(calendar_plan(chain([fits], annual={"U": 100.0}).desk()))[0]
    often = [(1, 3), (1, 10)]
    assert "1 × users off once too often" in only(calendar_plan(chain([fits], past=often).desk()))[0]
    apart = County(
        [0, 1, 1], ["U"] * 3, [], [Plan(2, 0, 60, 0, 0, "U"), Plan(3, 0, 60, 0, 0, "U")], {"U": 1}, {}, set()
    )
    assert "beside the other plans" in only(calendar_plan(apart.desk()))[0]


def test_the_submitted_calendar_is_told_what_it_breaks() -> None:
    plans = [Plan(2, 0, 60, 0, 5, "U"), Plan(3, 0, 60, 0, 5, "U")]
    apart = County([0, 1, 1], ["U"] * 3, [], plans, {"U": 1}, {}, set())
    plan = calendar_plan(apart.desk())
    assert [str(each) for each in plan.broken] == ["jobs of U on 2022-06-28: 2 of at most 1 by P0, P1"]
    assert len(plan.entries) == 2
    assert not plan.unscheduled


def test_a_job_of_several_days_takes_its_crew_on_each_of_them() -> None:
    plans = [Plan(2, 0, 50 * 60, 0, 5, "U"), Plan(3, 1, 60, 1, 1, "U")]  # the first from the 28th to the 30th
    apart = County([0, 1, 1], ["U"] * 3, [], plans, {"U": 1}, {}, set())
    plan = calendar_plan(apart.desk())
    assert "jobs of U on 2022-06-29: 2 of at most 1 by P0, P1" in [str(each) for each in plan.broken]
    assert {entry.option.group.plan_ids: entry.option.start for entry in plan.entries} == {
        ("P1",): DAYS[1],
        ("P0",): DAYS[2],
    }


def test_a_plan_under_way_keeps_its_crew_and_its_way() -> None:
    """From the 28th to the 30th switch 2 is worked on; its crew is free again on the 1st, switch 3 has another."""
    plans = [Plan(2, 0, 50 * 60, 0, 5, "U"), Plan(3, 1, 60, 0, 5, "U"), Plan(2, 1, 60, 0, 5, "V")]
    county = County([0, 1, 1], ["U"] * 3, [], plans, {"U": 1, "V": 1}, {}, set())
    net = county.desk().net
    status = pl.when(pl.col("plan_id") == "P0").then(pl.lit("已批准")).otherwise("status")
    as_of = DAYS[0] + timedelta(hours=1)
    told = net.workspace.tables["plans"].with_columns(status=status, notified_at=pl.lit(as_of - timedelta(days=30)))
    desk = PlanDesk.of(Statistics(net), told.with_columns(nature=pl.lit("P-TEMP-MAINT")), as_of=as_of)
    plan = calendar_plan(desk)
    starts = {entry.option.group.plan_ids[0]: entry.option.start for entry in plan.entries}
    assert starts == {"P1": DAYS[3], "P2": DAYS[3]}
    assert plan.as_dict()["under_way"][0]["plan_id"] == "P0"


def test_users_cannot_be_told_of_what_begins_too_soon() -> None:
    county = chain([Plan(1, 0, 60, 0, 5, "U")])
    desk = county.desk()
    desk.as_of = DAYS[0] - timedelta(days=5)
    plan = calendar_plan(desk)
    assert plan.entries[0].option.start == DAYS[2]
    assert "users cannot be told in time" in str(plan.broken[0])


def test_no_plans_make_an_empty_calendar() -> None:
    plan = calendar_plan(chain([]).desk())
    assert plan.as_dict()["entries"] == []
    assert plan.saving_ch == 0
    assert plan.best
