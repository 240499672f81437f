"""What crews and dispatchers say on sheets is an order: of who goes, and when each stage was reached."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from fudian.ledger import DeskEvent
from network import FudianError
from repair.desk.work import Sheet, Work, checked
from repair.desk.work_orders import order_known, told_orders

NOON = datetime(2022, 7, 20, 12)


def at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def work(*said: dict[str, Any]) -> Work:
    """Return the work on incident I after some decisions."""
    return Work.of(DeskEvent(f"e{n}", "decision", "wang", each, "I", None, n) for n, each in enumerate(said, 1))


TAKEN = (
    {"action": "stage", "stage": "dispatched", "at": at(2)},
    {"action": "assign", "crew_id": "B1", "at": at(3)},
    {"action": "stage", "stage": "taken", "at": at(3)},
    {"action": "stage", "stage": "arrived", "at": at(30)},
)


def test_the_sheet_is_an_order_as_far_as_it_was_known() -> None:
    told = dict(told_orders(work(*TAKEN), NOON + timedelta(minutes=10)))
    order = order_known(None, told["I"], NOON)
    assert order is not None
    assert (order["crew_id"], order["accept_time"], order["arrive_time"]) == ("B1", NOON, None)
    assert order["dispatch_time"] == NOON + timedelta(minutes=2)
    later = dict(told_orders(work(*TAKEN), NOON + timedelta(hours=1)))
    assert dict(later["I"])["arrive_time"] == NOON + timedelta(minutes=30)
    assert told_orders(work(*TAKEN), NOON) == ()


def test_a_crew_that_took_it_by_itself_was_sent_then() -> None:
    told = dict(told_orders(work(*TAKEN[1:]), datetime.max))
    assert dict(told["I"])["dispatch_time"] == NOON + timedelta(minutes=3)


def test_what_the_sheet_says_counts_before_the_table_and_fills_no_blank_with_nothing() -> None:
    row = {"crew_id": "B9", "accept_time": NOON - timedelta(minutes=5), "dispatch_time": NOON, "site_class": "urban"}
    order = order_known(row, dict(told_orders(work(*TAKEN), datetime.max))["I"], NOON)
    assert order is not None
    assert (order["crew_id"], order["site_class"], order["accept_time"]) == ("B1", "urban", NOON - timedelta(minutes=5))
    assert order_known(row, None, NOON) == row
    assert order_known(None, None, NOON) is None


def test_what_persons_estimated_stands_beside_the_order_and_makes_none() -> None:
    until = (NOON + timedelta(hours=3)).isoformat()
    told = dict(told_orders(work({"action": "estimate", "until": until, "at": at(5)}), NOON + timedelta(minutes=9)))
    assert dict(told["I"])["estimates"] == ((NOON + timedelta(minutes=5), NOON + timedelta(hours=3)),)
    assert order_known(None, told["I"], NOON) is None
    assert "estimates" not in (order_known({"crew_id": "B9"}, told["I"], NOON) or {})


def test_stages_from_before_it_was_opened_again_are_of_another_order() -> None:
    again = work(*TAKEN, {"action": "close", "at": at(60)}, {"action": "reopen", "reason": "call"})
    assert told_orders(again, datetime.max) == ()


def test_a_position_that_comes_late_moves_nobody_back() -> None:
    events = [
        DeskEvent(
            f"p{n}", "decision", "B1", {"action": "position", "crew_id": "B1", "lon": lon, "lat": 30.0, "at": at(m)}
        )
        for n, (lon, m) in enumerate(((114.0, 10), (114.5, 20), (114.2, 5)))
    ]
    assert Work.of(events).positions["B1"].lon == 114.5


def test_a_look_says_yes_or_no_of_some_branches() -> None:
    told = checked(Sheet("I"), {"action": "look", "branches": "L1", "found": "false"}, NOON)
    assert (told["branches"], told["found"]) == (["L1"], False)
    for wrong in ({"found": "perhaps", "branches": ["L1"]}, {"found": True, "branches": []}, {"found": True}):
        with pytest.raises(FudianError):
            checked(Sheet("I"), {"action": "look"} | wrong, NOON)
