"""Whom executed steps feed again is counted back from that moment, unless a later word speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fudian import Utility
from fudian.desk import Desk
from fudian.store import store_of
from network import Network, Supply
from repair.desk.fed_again import after_operations
from repair.desk.heard import Heard
from repair.desk.incidents import Told
from repair.desk.operations import Operation, Operations
from repair.inference.outage import InferredOutage

NOON = datetime(2022, 7, 20, 12)
TWO = (
    "=S -[K1]- 0 -L1 1km- 1 -(S1)- 2 -L2 1km- 3 -(S2)- 4 -L3 1km- 5 /(TIE)/ 6 -L4 1km- 7 -[K2]- =R; 3 /(TIE2)/ 8 -[K3]- =Q;"
    " T1(3) @ 1; T2(4) @ 3; T3(5) @ 5; T4(6) @ 6; T5(7) @ 8"
)
NET = Network.from_text(TWO)
SWITCHES = ("K1", "S1", "S2", "TIE", "TIE2", "K2", "K3")
JUMPERS = ("J1", "J2")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def outage(
    name: str, head: str, start: float, ids: Sequence[str], dark: Sequence[str], end: float | None
) -> InferredOutage:
    return InferredOutage(
        name, "feeder", head, 1.0, None, "line", "confirmed" if end is None else "restored", 1.0, "", at(start), at(start),
        None if end is None else at(end), len(ids), 0, 0, 0.0, len(dark), len(ids) - len(dark), 0, 0, True, (), None,
        tuple(ids), tuple(dark), (), None,
    )  # fmt: skip


# A slow oracle: at each moment the whole network is traced anew, node by node -----------------------------------------


def fed(is_open: Mapping[str, bool], jumpers: Mapping[str, tuple[str, str]]) -> set[str]:
    """Return the transformers that hang on a source."""
    rows = NET.branches.select("branch_id", "from_node", "to_node").iter_rows()
    lines = [(one, other) for branch, one, other in rows if not is_open[branch]] + list(jumpers.values())
    reached = set(NET.sources["node"])
    while further := {b for pair in lines for a, b in (pair, pair[::-1]) if a in reached and b not in reached}:
        reached |= further
    return {name for name, node in NET.transformers.select("transformer_id", "node").iter_rows() if node in reached}


def traced(
    outages: Sequence[InferredOutage], operations: Sequence[Operation]
) -> Iterator[tuple[datetime, bool, set[str]]]:
    """Give, for each moment, whether an outage began or ended then, and who is fed after it."""
    by_operation = {
        branch: bool(is_open) for branch, is_open in NET.branches.select("branch_id", "normally_open").iter_rows()
    }
    moments = {each.at for each in operations} | {each.start for each in outages}
    moments |= {each.restored_at for each in outages if each.restored_at is not None}
    begun = min(each.start for each in outages)
    opened: set[str] = set()
    jumpers: dict[str, tuple[str, str]] = {}
    for moment in sorted(moments):
        for each in operations:
            if each.at != moment:
                continue
            if each.action in {"open", "close"}:
                by_operation[each.branch_id] = each.action == "open"
                if each.action == "close":
                    opened.discard(each.branch_id)
            elif each.action == "jumper":
                jumpers[each.branch_id] = (str(each.from_node), str(each.to_node))
            else:
                jumpers.pop(each.branch_id, None)
        is_outage = False
        begin = {each.object_id for each in outages if each.start == moment}
        end = {each.object_id for each in outages if each.restored_at == moment}
        opened = (opened | begin) - end
        is_outage = bool(begin or end)
        state = {branch: is_open or branch in opened for branch, is_open in by_operation.items()}
        if moment >= begun:
            yield moment, is_outage, fed(state, jumpers)


def back_by_oracle(
    one: InferredOutage,
    outages: Sequence[InferredOutage],
    operations: Sequence[Operation],
    dark_words: Mapping[str, datetime],
) -> dict[str, datetime]:
    """Return when each transformer of an outage came back by an operation, by the rule as it is written."""
    found: dict[str, datetime] = {}
    story = list(traced(outages, operations))
    for user in one.transformer_ids:
        for place, (moment, is_outage, live) in enumerate(story):
            if place == 0 or is_outage or user not in live or user in story[place - 1][2]:
                continue
            if moment <= one.start or (one.restored_at is not None and moment > one.restored_at):
                continue
            later = story[place:]
            taken = any(
                user in before[2] and user not in after[2] and not after[1] for before, after in pairwise(later)
            )
            elsewhere = any(
                each is not one and each.start >= moment and user in each.transformer_ids for each in outages
            )
            silent = user not in dark_words or dark_words[user] <= moment
            believed = not taken and ((user in story[-1][2] and silent) or elsewhere)
            if user not in one.dark_ids or believed:
                found[user] = moment
                break
    return found


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[InferredOutage], list[Operation], dict[str, datetime]]:
    users = ["T1", "T2", "T3", "T4", "T5"]
    outages = []
    starts = draw(st.lists(st.integers(0, 30), min_size=1, max_size=3, unique=True))
    for number, start in enumerate(sorted(starts)):
        ids = draw(st.lists(st.sampled_from(users), min_size=1, unique=True))
        end = draw(st.none() | st.none() | st.integers(start + 2, 40).map(lambda each: each + 0.5))
        dark = ids if end is None else []
        dark = dark[: draw(st.integers(0, len(dark)))]
        outages.append(outage(f"I{number}", draw(st.sampled_from(["K1", "K2", "K3", "L2"])), start, ids, dark, end))
    operations, place = [], set()
    minutes = sorted(draw(st.lists(st.integers(-5, 40), max_size=10)))
    for number, minute in enumerate(minutes):
        kind = draw(st.sampled_from(["switch", "switch", "switch", "jumper"]))
        # operations stand a quarter of a minute after the full one, so that none falls on the beginning of an outage
        moment = minute + 0.25
        if kind == "switch":
            branch, action = draw(st.sampled_from(SWITCHES)), draw(st.sampled_from(["open", "close", "close"]))
            # of two operations of one switch at one moment a rule tells the order (R1.21), which is not the question here
            assume(not any((each.branch_id, each.at) == (branch, at(moment)) for each in operations))
            operations.append(Operation(number, "li", at(moment), action, branch))
            continue
        name = draw(st.sampled_from(JUMPERS))
        if name in place:
            operations.append(Operation(number, "li", at(moment), "remove", name))
            place.discard(name)
        else:
            ends = draw(st.sampled_from([("1", "8"), ("3", "7"), ("5", "8"), ("1", "6")]))
            operations.append(Operation(number, "li", at(moment), "jumper", name, *ends))
            place.add(name)
    words = draw(
        st.dictionaries(st.sampled_from(users), st.integers(0, 42).map(lambda each: at(each + 0.75)), max_size=3)
    )
    return outages, operations, words


def state_at(operations: Sequence[Operation]) -> Any:
    def found(moment: datetime) -> Supply:
        held = Operations(tuple(operations)).until(moment)
        return NET.joined(held.jumpers).energise(held.rows)

    return found


@settings(max_examples=400, deadline=None)
@given(history=histories())
def test_who_is_back_is_what_tracing_the_network_at_each_moment_tells(
    history: tuple[list[InferredOutage], list[Operation], dict[str, datetime]],
) -> None:
    outages, operations, words = history
    sure = {user: 1.0 for each in outages for user in each.dark_ids}
    empty = pl.DataFrame(schema={"time": pl.Datetime("us")})
    before = Told(at(60), tuple(outages), Heard(empty), timedelta(minutes=5), sure)
    told = after_operations(before, state_at(operations), operations, words, dict, NET.energise)
    customers = dict(NET.customers.group_by("transformer_id").len().iter_rows())
    for one, after in zip(outages, told.outages, strict=True):
        expected = back_by_oracle(one, outages, operations, words)
        rows = told.fed_again.get(one.id, ())
        assert {user: row.at for row in rows for user in row.transformer_ids} == expected
        assert [row.customers for row in rows] == [sum(customers[user] for user in row.transformer_ids) for row in rows]
        dark = [user for user in one.dark_ids if user not in expected]
        assert list(after.dark_ids) == dark
        if dark != list(one.dark_ids):
            assert (after.dark, after.back) == (len(dark), len(one.transformer_ids) - len(dark))
            assert after.customers_off == sum(customers[user] for user in dark)
            assert after.expected_customers == pytest.approx(sum(customers[user] for user in dark if user in told.sure))
        assert after.is_open == one.is_open, "an incident does not end by what was operated alone"


# The desk -------------------------------------------------------------------------------------------------------------


def utility() -> Utility:
    return Utility(Network.from_text(TWO).workspace)


def report(object_id: str, kind: str, minutes: float, value: float | None = None) -> dict[str, Any]:
    object_ = {"K": "branch", "T": "transformer"}[object_id[0]]
    return {
        "time": at(minutes).isoformat(), "object": object_, "object_id": object_id, "kind": kind, "value": value,
        "event_id": f"{object_id}-{kind}-{minutes}",
    }  # fmt: skip


FAULT = [report("K1", "trip", 0), *(report(f"T{each}", "off", 0.2) for each in (1, 2, 3))]


def step(branch: str, move: str, minutes: float) -> dict[str, Any]:
    return {"action": "step", "branch_id": branch, "move": move, "at": at(minutes).isoformat()}


def off(desk: Desk) -> dict[str, int]:
    """Return how many customers are off by each incident, which every place that tells it must tell alike."""
    desk.wait()
    asked = desk.utility
    told = {each["id"]: each for each in asked.incidents()["incidents"]}
    numbers = {
        name: each["customers_off"] for name, each in told.items() if each["state"] in {"suspected", "confirmed"}
    }
    board = {entry.key: entry for entry in asked.board().active}
    assert {name: entry.customers for name, entry in board.items()} == numbers
    assert {name: entry.affected.customer_count for name, entry in board.items()} == numbers
    for name, entry in board.items():
        assert entry.affected.hit.transformers == sorted(told[name]["dark_ids"])
        assert entry.incident is not None
        assert [row.as_dict() for row in entry.incident.fed_again] == told[name]["fed_again"]
    return numbers


def test_steps_take_customers_off_the_number_and_an_undo_puts_them_back() -> None:
    with Desk(utility(), store := store_of("sqlite://")) as desk:
        desk.accept(FAULT, "head end")
        (incident,) = off(desk)
        assert off(desk) == {incident: 12}
        desk.decide(incident, step("S1", "open", 10), "li")
        assert off(desk) == {incident: 12}, "what is opened feeds nobody"
        assert desk.sheet(incident).stage is None
        sheet = desk.decide(incident, step("TIE", "close", 11), "li")
        assert off(desk) == {incident: 3}
        assert sheet.stages == {"partly_restored": at(11)}
        told = desk.utility.incidents()["incidents"][0]
        assert told["fed_again"] == [{"at": at(11), "transformer_ids": ["T2", "T3"], "customers": 9}]
        assert (told["dark"], told["back"], told["state"]) == (1, 2, "confirmed")
        earlier = desk.utility.board(at(10.5)).active[0]
        assert earlier.customers == earlier.affected.customer_count == 12, (
            "the board of a moment before knows nothing of it"
        )
        desk.decide(incident, {"action": "undo", "number": sheet.history[-1].number}, "li")
        assert off(desk) == {incident: 12}
        assert desk.sheet(incident).stages == {}
    with Desk(utility(), store) as again:
        assert off(again) == {incident: 12}, "after a start the desk is where it was"
    store.close()


@pytest.mark.parametrize(
    ("word", "numbers"),
    [
        (report("T2", "read", 12, 0.0), [7]),
        (report("T2", "off", 12), [3, 4]),
        (report("T2", "read", 12, 1.0), [3]),
        (report("T2", "off", 10.5), [3]),
    ],
    ids=[
        "a reading is not answered",
        "a new report of darkness",
        "a reading is answered",
        "a report from before the step",
    ],
)
def test_a_word_after_the_step_goes_before_what_is_assumed(word: dict[str, Any], numbers: list[int]) -> None:
    with Desk(utility(), store := store_of("sqlite://")) as desk:
        desk.accept(FAULT, "head end")
        (incident,) = off(desk)
        desk.decide_together(incident, [step("S1", "open", 10), step("TIE", "close", 11)], "li")
        desk.accept([word], "head end")
        assert sorted(off(desk).values()) == numbers
    store.close()


def test_who_a_second_fault_takes_from_the_other_feeder_belongs_to_it_alone() -> None:
    with Desk(utility(), store := store_of("sqlite://")) as desk:
        desk.accept(FAULT, "head end")
        (first,) = off(desk)
        desk.decide_together(first, [step("S1", "open", 10), step("TIE", "close", 11)], "li")
        desk.accept([report("K2", "trip", 30), *(report(f"T{each}", "off", 30.2) for each in (2, 3, 4))], "head end")
        numbers = off(desk)
        assert (numbers.pop(first), list(numbers.values())) == (3, [15])
        told = next(each for each in desk.utility.incidents()["incidents"] if each["id"] == first)
        assert told["fed_again"] == [{"at": at(11), "transformer_ids": ["T2", "T3"], "customers": 9}]
        (second,) = numbers
        desk.decide_together(second, [step("S2", "open", 40), step("TIE2", "close", 41)], "li")
        numbers = off(desk)
        assert (numbers[first], numbers[second]) == (3, 11)
    store.close()


def test_the_record_has_a_stage_for_whom_a_step_fed_again() -> None:
    with Desk(utility(), store := store_of("sqlite://")) as desk:
        desk.accept(FAULT, "head end")
        (incident,) = off(desk)
        moved = [step("S1", "open", 10), step("S2", "open", 10), step("TIE", "close", 11), step("TIE2", "close", 14)]
        desk.decide_together(incident, moved, "li")
        desk.accept([report("T2", "read", 15, 0.0), report("T3", "on", 12)], "head end")
        assert off(desk) == {incident: 7}
        desk.decide(incident, {"action": "close", "at": at(60).isoformat()}, "li")
        record = desk.utility.proposed(incident)
        assert {user.user: (user.taken, user.told_by) for user in record.users} == {
            "T1": (at(60), "closing"),
            "T2": (at(60), "closing"),
            "T3": (at(11), "switching"),
        }
        assert [dict(row) for row in record.stages] == [
            {"outage_id": incident, "restored_at": at(11), "transformer_id": "T3"}
        ]
    store.close()


class NumbersOfTheDesk(RuleBasedStateMachine):
    """Whatever is ticked, undone and reported: every place tells the same number, and a fresh desk tells it too."""

    def __init__(self) -> None:
        super().__init__()
        self.store = store_of("sqlite://")
        self.desk = Desk(utility(), self.store)
        self.desk.accept(FAULT, "head end")
        (self.incident,) = off(self.desk)
        self.minute = 1.0

    def moment(self) -> float:
        self.minute += 1
        return self.minute

    @rule(branch=st.sampled_from(SWITCHES[1:5]), move=st.sampled_from(["open", "close", "close"]))
    def tick(self, branch: str, move: str) -> None:
        self.desk.decide(self.incident, step(branch, move, self.moment()), "li")

    @rule(place=st.integers(0, 9))
    def undo(self, place: int) -> None:
        steps = [line.number for line in self.desk.sheet(self.incident).lines if line.action == "step"]
        if steps:
            self.desk.decide(self.incident, {"action": "undo", "number": steps[place % len(steps)]}, "li")

    @rule(user=st.sampled_from(["T1", "T2", "T3", "T4"]), kind=st.sampled_from(["off", "on", "silent"]))
    def word(self, user: str, kind: str) -> None:
        said = report(user, "read", self.moment(), 0.0) if kind == "silent" else report(user, kind, self.moment())
        self.desk.accept([said], "head end")

    @invariant()
    def every_place_tells_the_same(self) -> None:
        off(self.desk)

    def teardown(self) -> None:
        numbers = off(self.desk)
        self.desk.close()
        with Desk(utility(), self.store) as again:
            assert off(again) == numbers
        self.store.close()


TestNumbersOfTheDesk = NumbersOfTheDesk.TestCase
TestNumbersOfTheDesk.settings = settings(max_examples=12, stateful_step_count=8, deadline=None)
