"""Figures of the desk, counted by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from fudian import Utility
from fudian.desk import Desk
from fudian.store import store_of
from network import FudianError, Network

NOON = datetime(2022, 7, 20, 12)
TWO = "=S -[K1]- 0 -L1- 1 -[K2] remote=true- 2 -L2- 3; =R -[K3]- 4 -L3- 5; T1(3) @ 1; T3(5) @ 3; T5(7) @ 5"


def at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def report(object_id: str, kind: str, minutes: float) -> dict[str, Any]:
    object_ = "customer" if "-" in object_id else "transformer" if object_id[0] == "T" else "branch"
    return {"time": at(minutes), "object": object_, "object_id": object_id, "kind": kind}


STORY = [
    report("K1", "trip", 0), report("T1", "off", 0.5), report("T3", "off", 0.6),
    report("K3", "trip", 100), report("T5", "off", 100.5), report("T5-1", "call", 104),
    report("T3", "on", 21), report("T1", "on", 61), report("T5", "on", 130),
]  # fmt: skip
ONE, OTHER = "20220720T120000-K1", "20220720T134000-K3"


@pytest.fixture
def desk() -> Any:
    store = store_of("sqlite://")
    with Desk(Utility(Network.from_text(TWO).workspace), store) as desk:
        desk.accept(STORY, "head end")
        desk.wait()
        yield desk
    store.close()


def work(desk: Desk) -> None:
    """One incident is dealt with as it should be; of the other the crew was sent after the call, and twice."""
    for action, said in (
        ("stage", {"stage": "dispatched", "at": at(3)}),
        ("order", {"order_id": "G1"}),
        ("section", {"branches": ["L1"]}),
        ("stage", {"stage": "located", "at": at(10)}),
        ("step", {"branch_id": "K2", "move": "open", "at": at(11)}),
        ("step", {"branch_id": "K1", "move": "close", "at": at(60)}),
        ("stage", {"stage": "partly_restored", "at": at(20)}),
        ("stage", {"stage": "restored", "at": at(62)}),
        ("close", {"at": at(90)}),
    ):
        desk.decide(ONE, {"action": action, **said}, "li")
    for action, said in (
        ("stage", {"stage": "dispatched", "at": at(106)}),
        ("order", {"order_id": "G2"}),
        ("order", {"order_id": "G3"}),
        ("close", {"at": at(140)}),
    ):
        desk.decide(OTHER, {"action": action, **said}, "li")


def test_figures_are_those_of_a_hand_that_counts(desk: Desk) -> None:
    work(desk)
    desk.decide(ONE, {"action": "record"}, "wang")
    told = {row["kpi"]: row for row in desk.utility.desk_kpi().rows.to_dicts()}
    assert {name: (row["numerator"], row["denominator"]) for name, row in told.items() if row["unit"] == "%"} == {
        "proactive_repair_rate": (1, 2),
        "one_order_rate": (1, 2),
        "inference_correctness": (1, 1),
        "false_alarm_rate": (0, 2),
        "miss_rate": (0, 2),
        "on_time_operation": (1, 2),
    }
    assert told["time_to_first_restoration"]["value"] == pytest.approx((20 + 30) / 2, abs=0.6)
    assert told["time_to_full_restoration"]["value"] == pytest.approx((62 + 30) / 2, abs=0.6)
    assert desk.utility.desk_kpi(NOON + timedelta(hours=1)).as_dict()["incidents"] == 1


def test_nothing_that_can_be_counted_is_no_figure() -> None:
    told = Utility(Network.from_text(TWO).workspace).desk_kpi().rows
    assert told["value"].null_count() == told.height == 8


def test_a_record_says_who_came_back_when_and_by_whose_word(desk: Desk) -> None:
    with pytest.raises(FudianError, match="is not closed"):
        desk.utility.proposed(ONE)
    desk.decide(ONE, {"action": "commander", "name": "sun"}, "li")
    work(desk)
    found = desk.utility.proposed(ONE)
    (outage,) = found.outages
    assert (outage["branch_id"], outage["start"], outage["nature"]) == ("K1", NOON, "F-INT")
    assert outage["incident_commander"] == "sun"
    users = {user.user: user for user in found.users}
    assert users["T1"].by_switching == NOON + timedelta(minutes=60)
    assert users["T1"].by_meter == NOON + timedelta(minutes=61)
    assert users["T1"].difference_min == 1.0
    assert (users["T3"].told_by, users["T3"].taken) == ("meter", NOON + timedelta(minutes=21)), "K2 stays open"
    assert outage["end"] == NOON + timedelta(minutes=60)
    assert [(stage["transformer_id"], stage["restored_at"]) for stage in found.stages] == [
        ("T3", NOON + timedelta(minutes=21))
    ]
    assert [(order["order_id"], order["source"]) for order in found.orders] == [("G1", "主动抢修")]
    assert [(incident["branch_id"], incident["incident_id"]) for incident in found.incidents] == [("L1", ONE)]
    other = desk.utility.proposed(OTHER)
    assert [(order["order_id"], order["parent_id"], order["source"]) for order in other.orders] == [
        ("G2", None, "95598"),
        ("G3", "G2", "95598"),
    ]
    assert not other.incidents, "nobody said where the fault was"


def test_users_that_were_moved_stand_in_the_record_of_the_other_incident(desk: Desk) -> None:
    desk.decide(ONE, {"action": "split", "users": ["T3"]}, "li")
    for name in (ONE, f"{ONE}.2"):
        desk.decide(name, {"action": "close", "at": at(90)}, "li")
    mine, split = desk.utility.proposed(ONE), desk.utility.proposed(f"{ONE}.2")
    assert [outage["transformer_id"] for outage in mine.outages] == ["T1"]
    assert [(outage["transformer_id"], outage["outage_id"]) for outage in split.outages] == [("T3", f"{ONE}.2")]
