"""Changes of plans to come: what they save transformer by transformer adds up to what the desk counts."""

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given, settings

from repair.planned.plan_desk import PlanDesk
from repair.planned.plan_levers import plan_levers
from repair.planned.precheck import pending_grouping
from tests.repair.plans import County, counties

YEAR_END = datetime(2023, 1, 1)


def saved(desk: PlanDesk, kind: str) -> dict[str, float]:
    options = plan_levers(desk, YEAR_END).filter(kind=kind)
    return dict(options.group_by("name").agg(pl.col("hours").sum()).iter_rows())


@settings(max_examples=25)
@given(counties())
def test_each_change_saves_what_the_desk_counts(county: County) -> None:
    desk = county.desk()
    for kind in ("transfer", "merge", "move"):
        expected = {}
        if kind == "transfer":
            expected = {job.plan_id: job.before.customer_hours - job.after.customer_hours for job in desk.jobs.values()}
        if kind == "merge":
            groups = [group for group in pending_grouping(desk).groups if len(group.jobs) > 1]
            expected = {" + ".join(group.plan_ids): group.saving_ch for group in groups}
        told = saved(desk, kind)
        for name, hours in expected.items():
            assert told.get(name, 0.0) == pytest.approx(hours, abs=1e-9)
        assert kind != "move" or told == {}  # every plan there has a last day within the year


def test_a_plan_goes_live_where_an_item_is_named_or_suggested_and_moves_where_its_dates_allow() -> None:
    county = County([0, 0, 1], ["甲", "甲"], [], [], {}, {}, set())
    plans = county.desk().statistics.net.workspace.tables["plans"]
    rows = [
        {"plan_id": name, "branch_id": "B1", "start": datetime(2022, 7, day, 8), "end": datetime(2022, 7, day, 11),
         "work": work, "live_line_item": item, "latest_end": latest, "status": "已批准"}
        for name, day, work, item, latest in (
            ("named", 4, "检修", 7, None), ("suggested", 5, "更换熔断器", None, None), ("free", 6, "检修", None, None),
            ("later", 7, "检修", None, datetime(2023, 1, 1, 3)), ("bound", 8, "检修", None, datetime(2023, 1, 1, 2)),
        )
    ]  # fmt: skip
    given_plans = pl.concat([plans.clear(), pl.DataFrame(rows)], how="diagonal_relaxed")
    desk = PlanDesk.of(county.desk().statistics, given_plans, as_of=datetime(2022, 6, 1))
    options = plan_levers(desk, YEAR_END)
    told = {(kind, name): counted for kind, name, counted in options.select("kind", "name", "counted").iter_rows()}
    assert {each: told[each] for each in told if each[0] in {"live", "move"}} == {
        ("live", "named"): True, ("live", "suggested"): False, ("move", "free"): False, ("move", "later"): False,
    }  # fmt: skip
    assert saved(desk, "live")["named"] == pytest.approx(desk.jobs["named"].after.customer_hours)
