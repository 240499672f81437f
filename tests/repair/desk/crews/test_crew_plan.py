"""The plan of crews on the sample county, with the outages and orders that a test needs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fudian
from data_samples.generator.county import COUNTY
from fudian import Utility
from network import FudianError, UnknownIdError, WorkspaceError, read_workspace
from repair.desk.crews.clocks import arrival_clock, site_of
from repair.desk.crews.crew_plan import CrewPlan
from repair.settings import CrewSettings

NOW = datetime(2022, 12, 20, 10)
OUTAGES = {
    "A": {"branch_id": "F03-K02"},
    "B": {"branch_id": "F08-K02"},
    "C": {"transformer_id": "F06-B03"},
    "D": {"branch_id": "F01-L05"},
}


def county(
    tmp_path: Path, orders: tuple[dict[str, Any], ...] = (), settings: str = "", **tables: list[dict[str, Any]]
) -> Utility:
    """Return the sample county with four outages an hour ago, and no signals."""
    known = read_workspace(COUNTY).tables
    outages = [
        {"outage_id": name, "start": NOW - timedelta(hours=1), "nature": "F-INT", **place}
        for name, place in OUTAGES.items()
    ]
    rows: dict[str, Any] = {
        name: known[name].drop("row")
        for name in ("sources", "feeders", "branches", "nodes", "transformers", "customers", "crews", "bases")
    }
    rows |= {"outages": pl.DataFrame(outages)} | {name: pl.DataFrame(told) for name, told in tables.items()}
    if orders:
        rows["orders"] = pl.DataFrame(orders)
    for name, frame in rows.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "fudian.toml").write_text(f"as_of = {NOW:%Y-%m-%dT%H:%M:%S}\n{settings}", "utf-8")
    return fudian.open(tmp_path, "en")


def crew_of(plan: CrewPlan) -> dict[str, str | None]:
    return {
        assignment.fault.key: assignment.visits[0].crew_id if assignment.visits else None
        for assignment in plan.assignments
    }


def test_every_open_outage_gets_a_crew_that_can_do_it(tmp_path: Path) -> None:
    utility = county(tmp_path)
    plan = utility.crews()
    assert set(crew_of(plan)) == set(OUTAGES)
    assert plan.routing.exact
    assert plan.customer_hours <= min(plan.nearest, plan.greedy) + 1e-9
    cable_crews = set(utility.workspace.tables["crews"].filter("cable")["crew_id"])
    assert crew_of(plan)["D"] in cable_crews
    by_key = {assignment.fault.key: assignment for assignment in plan.assignments}
    assert by_key["D"].fault.job.needs == {"cable"}
    assert by_key["A"].fault.customers == utility.affected(open="F03-K02").customer_count
    for assignment in plan.assignments:
        assert assignment.visits[0].arrives > NOW
        assert assignment.restored is not None
        assert assignment.next_best is not None
        assert assignment.next_best[1] >= -1e-9
        assert assignment.clock.start == NOW - timedelta(hours=1)
    assert by_key["A"].clock.state == "missed"
    assert plan.rows().height == len(plan.visits)


def test_the_customers_of_switching_are_those_of_the_restoration_plan(tmp_path: Path) -> None:
    utility = county(tmp_path)
    fault = next(assignment.fault for assignment in utility.crews().assignments if assignment.fault.key == "A")
    off = utility.affected(open="F03-K02")
    stages = {
        stage.stage: set(stage.customer_ids) & set(off.as_dict()["customer_ids"])
        for stage in utility.restore_in(utility.present(NOW), "F03-K02").stages
    }
    assert fault.remotely == len(stages["remote"]) > 0
    assert fault.customers - fault.remotely >= len(stages["on_site"])


def test_whoever_is_under_way_goes_on(tmp_path: Path) -> None:
    """By the table orders, however far away the crew stands."""
    order = {
        "order_id": "G1", "outage_id": "A", "accept_time": NOW - timedelta(minutes=50), "crew_id": "BZ62",
        "dispatch_time": NOW - timedelta(minutes=20), "arrive_time": None, "site_class": "urban",
    }  # fmt: skip
    (tmp_path / "under").mkdir()
    (tmp_path / "there").mkdir()
    plan = county(tmp_path / "under", (order,)).crews()
    assert crew_of(plan)["A"] == "BZ62"
    assert next(assignment for assignment in plan.assignments if assignment.fault.key == "A").reason == "under_way"
    arrived = NOW - timedelta(minutes=15)
    there = county(tmp_path / "there", (order | {"arrive_time": arrived},)).crews()
    visit = next(each for each in there.visits if each.incident == "A")
    assert (visit.crew_id, visit.arrives, visit.under_way) == ("BZ62", arrived, True)
    before = next(each for each in plan.visits if each.incident == "A")
    assert visit.done < before.done
    clocks = {assignment.fault.key: assignment.clock for assignment in there.assignments}
    assert clocks["A"].as_dict() == {
        "start": "2022-12-20T09:10:00", "site": "urban", "limit_min": 45.0, "due": "2022-12-20T09:55:00",
        "arrived": "2022-12-20T09:45:00", "state": "met",
    }  # fmt: skip


def test_a_person_decides_otherwise(tmp_path: Path) -> None:
    utility = county(tmp_path)
    free = utility.crews()
    crew = crew_of(free)["A"]
    assert crew is not None
    chosen = utility.crews(assign="A=BZ61")
    assert crew_of(chosen)["A"] == "BZ61"
    assert next(assignment for assignment in chosen.assignments if assignment.fault.key == "A").reason == "chosen"
    assert chosen.customer_hours >= free.customer_hours - 1e-9
    assert crew_of(utility.crews(without=crew))["A"] not in {crew, None}
    with pytest.raises(FudianError, match="cannot do what D needs: cable"):
        utility.crews(assign={"D": "BZ61"})
    with pytest.raises(FudianError, match="no open incident X"):
        utility.crews(assign="X=BZ61")
    with pytest.raises(FudianError, match="names no incident and crew"):
        utility.crews(assign="A")
    with pytest.raises(UnknownIdError):
        utility.crews(without="BZ99")


def test_off_duty_is_off_duty_and_zones_are_kept_where_they_are_to_be(tmp_path: Path) -> None:
    (tmp_path / "duty").mkdir()
    (tmp_path / "zones").mkdir()
    shifts = (
        [{"crew_id": "BZ21", "start": NOW - timedelta(days=2), "end": NOW + timedelta(hours=9)}]
        + [
            {"crew_id": f"BZ{unit}{crew}", "start": NOW - timedelta(days=2), "end": NOW - timedelta(days=1)}
            for unit in range(1, 7)
            for crew in (1, 2)
            if (unit, crew) not in {(2, 1), (3, 1)}
        ]
        + [{"crew_id": "BZ31", "start": NOW + timedelta(hours=2), "end": NOW + timedelta(hours=9)}]
    )
    plan = county(tmp_path / "duty", shifts=shifts).crews()
    assert {crew.crew_id for crew in plan.crews} == {"BZ21", "BZ31"}
    assert all(visit.arrives >= NOW + timedelta(hours=2) for visit in plan.visits if visit.crew_id == "BZ31")
    utility = county(tmp_path / "zones", settings="[crews]\nkeep_zones = true\n")
    units = dict(utility.workspace.tables["crews"].select("crew_id", "unit").iter_rows())
    for assignment in utility.crews().assignments:
        assert assignment.visits
        assert units[assignment.visits[0].crew_id] == assignment.fault.job.zone
    assert utility.crews().as_dict()["settings_changed"] == {"crews": {"keep_zones": True}}


def test_without_crews_nobody_goes_and_that_is_said(tmp_path: Path) -> None:
    utility = county(tmp_path, crews=[{"crew_id": "K1", "cable": False, "low_voltage": True}])
    plan = utility.crews()
    reasons = {assignment.fault.key: assignment.reason for assignment in plan.assignments}
    assert reasons == {"A": "sent", "B": "sent", "C": "sent", "D": "no_crew"}
    assert all(incident["next_best"] is None for incident in plan.as_dict()["incidents"])


def test_settings_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError):
        county(tmp_path, settings="[crews]\nspeed_kmh = 0\n").crews()


def test_what_signals_tell_is_gone_to_section_by_section() -> None:
    utility = fudian.open(COUNTY, "en")
    plan = utility.crews("2022-10-09 07:55")
    (told,) = plan.assignments
    chances = [stop.probability for stop in told.fault.job.stops]
    assert len(chances) > 1
    assert sum(chances) == pytest.approx(1.0)
    assert chances == sorted(chances, reverse=True)
    assert sorted(told.visits[0].sections) == sorted(told.fault.sections)


@pytest.mark.parametrize(
    ("profile", "limits"), [("sgcc", (45, 90, 120)), ("gbt28583", (60, 120, 240)), ("custom", (30, 60, 100))]
)
def test_the_clock_of_arrival(profile: str, limits: tuple[float, ...]) -> None:
    rules = CrewSettings(
        arrival_profile=profile,
        arrival_urban_min=30,
        arrival_rural_min=60,
        arrival_remote_min=100,
    )
    for site, limit in zip(("urban", "rural", "remote"), limits, strict=True):
        due = NOW + timedelta(minutes=limit)

        def state(minutes: float, arrived: datetime | None = None, expected: datetime | None = None) -> str:
            now = due + timedelta(minutes=minutes)  # noqa: B023
            return arrival_clock(rules, now, NOW, site, arrived, expected).state  # noqa: B023

        assert (state(-11), state(-10), state(0), state(1)) == ("running", "due", "due", "missed")
        assert state(-11, expected=due + timedelta(seconds=1)) == "late"
        assert (state(9, arrived=due), state(9, arrived=due + timedelta(seconds=1))) == ("met", "missed")
        assert arrival_clock(rules, NOW, NOW, site).due == due
    assert arrival_clock(rules, NOW, NOW, None).state == "no_limit"


def test_the_class_of_a_site() -> None:
    assert [site_of(told, None) for told in ("1", "2", "3", "城区", "特殊边远地区", "remote", "?")] == [
        "urban", "rural", "remote", "urban", "remote", "remote", None,
    ]  # fmt: skip
    assert [site_of(None, region) for region in ("city_centre", "urban", "town", "rural", None)] == [
        "urban", "urban", "rural", "rural", None,
    ]  # fmt: skip
