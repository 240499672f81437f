"""The sheet of an incident is what its decisions make, in their order, however they are put together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fudian.ledger import DeskEvent
from network import FudianError
from repair.desk.work import ACTIONS, STAGES, Sheet, Work, checked

NOW = datetime(2022, 10, 9, 9)
NAME = "20221009T074831-F02-K01"


def event(place: int, who: str, **details: Any) -> DeskEvent:
    return DeskEvent(f"e{place}", "decision", who, details, NAME, None, place)


def test_a_sheet_goes_through_its_stages() -> None:
    told = [
        event(1, "li", action="acknowledge"),
        event(2, "li", action="stage", stage="accepted", at="2022-10-09T07:50:00"),
        event(3, "li", action="order", order_id="G1"),
        event(4, "li", action="stage", stage="arrived", at="2022-10-09T08:20:00"),
        event(5, "wang", action="section", branches=["F02-L05"]),
        event(6, "wang", action="refuse", branch_id="F02-K04"),
        event(7, "wang", action="step", branch_id="F02-K03", move="open", at="2022-10-09T08:25:00"),
        event(8, "li", action="hand_over", to="zhao", note="shift"),
        event(9, "zhao", action="commander", name="sun"),
    ]
    sheet = Work.of(told).sheet(NAME)
    assert sheet.stage == "arrived"
    assert list(sheet.stages) == ["accepted", "arrived"]
    assert (sheet.acknowledged_by, sheet.commander, sheet.orders) == ("zhao", "sun", ("G1",))
    assert (sheet.section, sheet.refused, sheet.is_closed) == (("F02-L05",), ("F02-K04",), False)
    assert [step["branch_id"] for step in sheet.steps] == ["F02-K03"]


def test_what_was_read_at_a_step_is_kept_on_the_sheet() -> None:
    said = {"action": "step", "branch_id": "F02-K03", "move": "open", "read": "95 A"}
    told = checked(Sheet(NAME), said, NOW)
    assert told["read"] == "95 A"
    assert "read" not in checked(Sheet(NAME), {**said, "read": None}, NOW)
    sheet = Work.of([event(1, "li", **told)]).sheet(NAME)
    assert [step["read"] for step in sheet.steps] == ["95 A"]
    assert Work.of([event(1, "li", **told)]).operations.history[0].read == "95 A"


def test_what_is_undone_holds_no_more_and_stays_in_the_history() -> None:
    told = [
        event(1, "li", action="stage", stage="accepted", at="2022-10-09T07:50:00"),
        event(2, "li", action="stage", stage="restored", at="2022-10-09T08:00:00"),
        event(3, "li", action="close"),
        event(4, "li", action="undo", number=2),
        event(5, "li", action="undo", number=3),
    ]
    sheet = Work.of(told).sheet(NAME)
    assert (sheet.stage, sheet.is_closed) == ("accepted", False)
    assert [line.is_undone for line in sheet.history] == [False, True, True, False, False]
    again = [*told, event(6, "li", action="close"), event(7, "wu", action="reopen", reason="call")]
    assert not Work.of(again).sheet(NAME).is_closed


ANY = st.sampled_from(["acknowledge", "close", "reopen", "undo", "stage"])


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), ANY, st.integers(0, 8))))
def test_a_sheet_kept_up_is_the_sheet_made_again(words: list[tuple[str, str, int]]) -> None:
    """The slow way: a list of what holds, each time from the beginning."""
    work, events = Work(), []
    for number, (incident, action, choice) in enumerate(words, 1):
        details: dict[str, Any] = {"action": action}
        if action == "undo":
            details["number"] = choice
        if action == "stage":
            details |= {"stage": STAGES[choice], "at": "2022-10-09T08:00:00"}
        if action == "reopen":
            details["reason"] = "dark"
        each = DeskEvent(str(number), "decision", f"w{choice}", details, incident, None, number)
        work.add(each)
        events.append(each)
    for incident in ("a", "b"):
        mine = [each for each in events if each.incident == incident]
        undone = {each.details["number"] for place, each in enumerate(mine) if each.details["action"] == "undo"
                  for earlier in mine[:place] if earlier.number == each.details["number"]}  # fmt: skip
        holds = [each for each in mine if each.details["action"] != "undo" and each.number not in undone]
        moves = [hold.details["action"] for hold in holds if hold.details["action"] in {"close", "reopen"}]
        who = [hold.who for hold in holds if hold.details["action"] == "acknowledge"]
        reached = {hold.details["stage"] for hold in holds if hold.details["action"] == "stage"}
        sheet = work.sheet(incident)
        assert sheet.is_closed == (moves[-1:] == ["close"])
        assert sheet.acknowledged_by == (who[-1] if who else None)
        assert sheet.stage == max(reached, key=STAGES.index, default=None)
        assert sheet.as_dict() == Work.of(events).sheet(incident).as_dict()


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"action": "sing"},
        {"action": "stage"},
        {"action": "stage", "stage": "asleep"},
        {"action": "stage", "stage": "arrived", "at": (NOW + timedelta(minutes=1)).isoformat()},
        {"action": "stage", "stage": "arrived", "at": "soon"},
        {"action": "stage", "stage": "arrived", "at": "2022-10-09T25:00:00"},
        {"action": "undo", "number": 5},
        {"action": "merge", "into": NAME},
        {"action": "order"},
    ],
)
def test_what_cannot_be_decided_is_refused_with_the_remedy(details: dict[str, Any]) -> None:
    with pytest.raises(FudianError) as refused:
        checked(Sheet(NAME), details, NOW)
    assert refused.value.hint


@pytest.mark.parametrize("action", ACTIONS)
def test_every_decision_can_be_taken(action: str) -> None:
    said = dict.fromkeys(ACTIONS[action], "x") | {
        "at": "2022-10-09T08:00:00",
        "stage": "arrived",
        "number": 1,
        "move": "open",
        "until": "2099-10-09 11:00",
        "found": True,
    }
    first = "close" if action == "record" else "acknowledge"
    sheet = Work.of([event(1, "li", action=first)]).sheet(NAME)
    told = checked(sheet, {"action": action, "unknown": 1} | said, NOW)
    assert set(told) == {"action", *ACTIONS[action], *(["into"] if action == "split" else [])}


def test_an_estimate_is_the_last_word_of_a_person_until_it_is_opened_again() -> None:
    told = [
        checked(Sheet(NAME), {"action": "estimate", "until": until}, NOW)
        for until in ("2099-10-09 11:00", "2099-10-09 12:30")
    ]
    events = [event(number, "li", **each) for number, each in enumerate(told, 1)]
    assert Work.of(events).sheet(NAME).as_dict()["estimate"] == "2099-10-09T12:30:00"
    events.append(event(3, "li", action="undo", number=2))
    assert Work.of(events).sheet(NAME).estimate == datetime(2099, 10, 9, 11)
    events.append(event(4, "desk", action="reopen", reason="off"))
    assert Work.of(events).sheet(NAME).estimate is None
    with pytest.raises(FudianError):
        checked(Sheet(NAME), {"action": "estimate", "until": "soon"}, NOW)


def test_users_are_split_off_moved_and_given_back() -> None:
    told = [
        event(1, "li", action="split", users=["T3", "T4"], into=f"{NAME}.2"),
        event(2, "li", action="move", users=["T3"], into="other"),
    ]
    work = Work.of(told)
    assert work.users(NAME, ["T1", "T2", "T3", "T4"]) == ("T1", "T2")
    assert work.users(f"{NAME}.2", []) == ("T4",)
    assert work.users("other", ["T9"]) == ("T9", "T3")
    assert (work.parent(f"{NAME}.2"), work.parent("other")) == (NAME, None)
    work.add(event(3, "li", action="undo", number=2))
    assert work.users(f"{NAME}.2", []) == ("T3", "T4")
    work.add(event(4, "li", action="undo", number=1))
    assert work.users(NAME, ["T1", "T3"]) == ("T1", "T3")
    assert work.parent(f"{NAME}.2") is None


def test_what_is_split_off_gets_the_next_name_that_is_free() -> None:
    said = {"action": "split", "users": "T3"}
    assert checked(Sheet(NAME), said, NOW)["into"] == f"{NAME}.2"
    assert checked(Sheet(NAME), said, NOW, {f"{NAME}.2", "x"}) == {
        "action": "split",
        "users": ["T3"],
        "into": f"{NAME}.3",
    }
