"""The state of the switches is what the operations that hold make of it, in the order in which they were done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import FudianError, Network, UnknownIdError
from repair.desk.operations import Operations, checked_operation, moment_done

NOON = datetime(2022, 7, 20, 12)
NOW = NOON + timedelta(hours=5)
NET = Network.from_text("=S -[K1]- 0 -L1- 1 -[K2]- 2 -L2- 3; =R -[K3]- 9 -L9- 10; T1(3) @ 1; T3(5) @ 3; T9(7) @ 10")


def done(operations: Operations, number: int, action: str, minutes: float = 0, **said: Any) -> Operations:
    details = {"action": action, "at": (NOON + timedelta(minutes=minutes)).isoformat(), **said}
    return operations.told(number, "li", checked_operation(operations, NET, details, NOW))


def dead(operations: Operations, at: datetime | None = None) -> list[str]:
    held = operations.until(at)
    return NET.joined(held.jumpers).energise(held.rows).dead()


def test_a_jumper_feeds_what_a_cut_leaves_without_supply_until_it_is_removed() -> None:
    told = done(Operations(), 1, "cut", 1, branch_id="L2")
    assert dead(told) == ["T3"]
    told = done(told, 2, "jumper", 2, branch_id="J1", from_node="10", to_node="3")
    assert dead(told) == []
    joined = NET.joined(told.jumpers)
    assert joined.energise(told.rows).below("K3").transformers == ["T3", "T9"]
    assert joined.branch_index("L9").tolist() == NET.branch_index("L9").tolist(), "all others keep their index"
    told = done(told, 3, "remove", 3, branch_id="J1")
    assert dead(told) == ["T3"]
    assert dead(told, NOON + timedelta(minutes=2)) == []
    assert dead(done(told, 4, "join", 4, branch_id="L2")) == []


def test_an_operation_told_late_stands_at_its_own_time_and_one_undone_nowhere() -> None:
    told = done(Operations(), 1, "close", 10, branch_id="K2")
    told = done(told, 2, "open", 5, branch_id="K2")
    assert dead(told) == [], "the closing came after it"
    assert dead(told, NOON + timedelta(minutes=7)) == ["T3"]
    told = told.told(3, "li", checked_operation(told, NET, {"action": "undo", "number": 1}, NOW))
    assert dead(told) == ["T3"]
    assert [each.is_undone for each in told.history] == [True, False]
    with pytest.raises(FudianError, match="no operation 1 to undo"):
        checked_operation(told, NET, {"action": "undo", "number": 1}, NOW)


def test_what_was_read_at_a_device_is_kept_with_the_operation() -> None:
    told = done(done(Operations(), 1, "open", 1, branch_id="K2", read="95 A"), 2, "close", 2, branch_id="K2")
    assert [each.read for each in told.history] == ["95 A", None]
    assert [each.as_dict().get("read") for each in told.history] == ["95 A", None]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"action": "explode", "branch_id": "K1"}, "no operation 'explode'"),
        ({"action": "open"}, "does not say branch_id"),
        ({"action": "open", "branch_id": "L1"}, "no device that can be opened"),
        ({"action": "join", "branch_id": "L1"}, "neither cut"),
        ({"action": "remove", "branch_id": "J7"}, "no jumper J7"),
        ({"action": "jumper", "branch_id": "L1", "from_node": "1", "to_node": "3"}, "a branch L1 already"),
        ({"action": "jumper", "branch_id": "J1", "from_node": "1", "to_node": "1"}, "joins two nodes"),
        ({"action": "open", "branch_id": "K1", "at": "2022-07-20T18:00:00"}, "in the future"),
        ({"action": "open", "branch_id": "K1", "at": "yesterday"}, "is no time"),
    ],
)
def test_what_cannot_be_done_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(FudianError, match=message):
        checked_operation(Operations(), NET, said, NOW)


def test_what_is_not_there_is_named_with_what_is_near() -> None:
    with pytest.raises(UnknownIdError, match="branch 'K4'"):
        checked_operation(Operations(), NET, {"action": "open", "branch_id": "K4"}, NOW)
    with pytest.raises(UnknownIdError, match="node '11'"):
        checked_operation(
            Operations(), NET, {"action": "jumper", "branch_id": "J", "from_node": "11", "to_node": "3"}, NOW
        )


STEP = st.tuples(st.sampled_from(["open", "close", "cut", "undo"]), st.sampled_from(["K1", "K2", "K3", "L1"]),
                 st.integers(0, 30))  # fmt: skip


@given(st.lists(STEP, max_size=12), st.integers(0, 30))
def test_the_state_is_that_of_a_hand_with_a_pencil(steps: list[tuple[str, str, int]], until: int) -> None:
    """The slow way: a list of what holds, sorted by time, played switch by switch from the normal state."""
    told, slow = Operations(), {}
    for number, (action, branch, minute) in enumerate(steps, 1):
        if action == "undo":
            told = told.undone(minute)
            slow.pop(minute, None)
            continue
        details = {"action": action, "branch_id": branch, "at": (NOON + timedelta(minutes=minute)).isoformat()}
        told = told.told(number, "li", details)
        slow[number] = (minute, number, action, branch)
    is_open = dict.fromkeys(("K1", "K2", "K3", "L1"), False)
    same_time: dict[tuple[int, str], list[str]] = {}
    for minute, _, action, branch in sorted(slow.values()):
        if minute <= until:
            same_time.setdefault((minute, branch), []).append("open" if action in {"open", "cut"} else "close")
    for (_, branch), actions in sorted(same_time.items()):
        more = actions.count("open") - actions.count("close")
        is_open[branch] = more > 0 if more else is_open[branch]
    held = told.until(NOON + timedelta(minutes=until))
    found = NET.energise(held.rows)
    assert {each: bool(found.is_open[NET.branch_index(each)][0]) for each in is_open} == is_open


@pytest.mark.parametrize(
    ("given", "now", "at"),
    [
        ("07:57", "2022-10-09 08:10", "2022-10-09 07:57:59"),
        ("07:57", "2022-10-09 07:57:20", "2022-10-09 07:57:20"),
        ("7:57", "2022-10-09 08:10", "2022-10-09 07:57:59"),
        ("23:58", "2022-10-09 00:05", "2022-10-08 23:58:59"),
        ("2022-10-09 07:57", "2022-10-09 08:10", "2022-10-09 07:57"),
        (None, "2022-10-09 08:10", "2022-10-09 08:10"),
        ("09:10", "2022-10-09 08:10", None),
        ("25:10", "2022-10-09 08:10", None),
        ("at once", "2022-10-09 08:10", None),
    ],
)
def test_a_time_of_day_is_the_last_such_one(given: str | None, now: str, at: str | None) -> None:
    if at is None:
        with pytest.raises(FudianError):
            moment_done(given, datetime.fromisoformat(now))
    else:
        assert moment_done(given, datetime.fromisoformat(now)) == datetime.fromisoformat(at)
