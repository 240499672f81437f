"""Each report is judged on the state of the switches in which it was made, in whatever order reports and operations come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fudian import Utility
from fudian.desk import Desk
from fudian.store import store_of
from network import Network
from network.model import network_from_tables
from network.readers.one_line import one_line_tables
from repair.desk.switched import MOST_STATES, Since, SwitchedInference
from tests.costly import costly

NOON = datetime(2022, 7, 20, 12)
TWO = (
    "=S -[K1]- 0 -L1 1km- 1 -L2 1km- 2 -(S1)- 3 -L3 1km- 4 /(TIE)/ 5 -L4 1km- 6 -[K2]- =R;"
    " T1(3) @ 1; T2(3) @ 2; T3(3) @ 3; T4(3) @ 4; T5(3) @ 5; T6(3) @ 6"
)


def utility() -> Utility:
    return Utility(Network.from_text(TWO).workspace)


def report(object_id: str, kind: str, minutes: float) -> dict[str, Any]:
    object_ = {"K": "branch", "T": "transformer"}[object_id[0]]
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return {
        "time": at,
        "object": object_,
        "object_id": object_id,
        "kind": kind,
        "event_id": f"{object_id}-{kind}-{minutes}",
    }


def moved(action: str, branch: str, minutes: float, **more: Any) -> dict[str, Any]:
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return {"action": action, "branch_id": branch, "at": at, "event_id": f"{action}-{branch}-{minutes}"} | more


def told(desk: Desk) -> set[tuple[str, str, tuple[str, ...]]]:
    desk.wait()
    return {(outage.object_id, outage.state, tuple(sorted(outage.dark_ids))) for outage in desk.utility.told().outages}


TRANSFER = [moved("open", "S1", 10), moved("close", "TIE", 11)]
"""What lies behind S1 hangs on the other source from then on."""

FAULT_AT_R = [report("K2", "trip", 30), *(report(f"T{i}", "off", 30.2) for i in (3, 4, 5, 6))]


def test_after_a_transfer_a_trip_cuts_off_who_hangs_there_now() -> None:
    store = store_of("sqlite://")
    with Desk(utility(), store) as desk:
        desk.operate(TRANSFER, "scada")
        desk.accept(FAULT_AT_R, "head end")
        assert told(desk) == {("K2", "confirmed", ("T3", "T4", "T5", "T6"))}
        entry = desk.utility.board().active[0]
        assert sorted(entry.affected.hit.transformers) == ["T3", "T4", "T5", "T6"]
        assert entry.incident is not None
        assert entry.incident.location.ranked
        assert len(entry.incident.signals) == 5
        before = told(desk)
    with Desk(utility(), store) as again:
        assert told(again) == before
    store.close()


def test_who_was_cut_off_to_isolate_a_fault_stays_with_its_incident() -> None:
    """The fault strikes L1; S1 is opened, the tie closed: T3 and T4 are back, T1 and T2 are not."""
    store = store_of("sqlite://")
    with Desk(utility(), store) as desk:
        desk.accept([report("K1", "trip", 0), *(report(f"T{i}", "off", 0.2) for i in (1, 2, 3, 4))], "head end")
        desk.wait()
        desk.operate([moved("open", "K1", 1), *TRANSFER], "scada")
        desk.accept([report("T3", "on", 11.5), report("T4", "on", 11.5), report("T2", "off", 12)], "head end")
        assert told(desk) == {("K1", "confirmed", ("T1", "T2"))}
        desk.accept([*FAULT_AT_R], "head end")
        assert told(desk) == {("K1", "confirmed", ("T1", "T2")), ("K2", "confirmed", ("T3", "T4", "T5", "T6"))}
        desk.operate([moved("close", "K1", 60)], "scada")
        desk.accept([report("K1", "close", 60), report("T1", "on", 60.5), report("T2", "on", 60.5)], "head end")
        assert ("K1", "restored", ()) in told(desk)
    store.close()


def test_a_jumper_feeds_who_hangs_on_it() -> None:
    with Desk(utility(), store := store_of("sqlite://")) as desk:
        desk.operate([moved("open", "S1", 10), moved("jumper", "J1", 11, from_node="3", to_node="6")], "crew")
        desk.accept(FAULT_AT_R, "head end")
        assert told(desk) == {("K2", "confirmed", ("T3", "T4", "T5", "T6"))}
    store.close()


def test_an_operation_that_is_told_late_or_undone_corrects_what_was_said() -> None:
    with Desk(utility(), store := store_of("sqlite://")) as desk:
        desk.accept(FAULT_AT_R, "head end")
        assert ("K2", "confirmed", ("T3", "T4", "T5", "T6")) not in told(desk)
        kept, _, _ = desk.operate(TRANSFER, "scada")
        assert told(desk) == {("K2", "confirmed", ("T3", "T4", "T5", "T6"))}
        desk.operate([{"action": "undo", "number": each.number} for each in kept], "li")
        assert ("K2", "confirmed", ("T3", "T4", "T5", "T6")) not in told(desk)
    store.close()


WORDS = [*FAULT_AT_R, report("K1", "trip", 0), *(report(f"T{i}", "off", 0.2) for i in (1, 2, 3, 4)), report("T3", "on", 12),
         report("T4", "on", 12), report("T2", "read", 13), report("T1", "on", 40), report("K2", "close", 50)]  # fmt: skip
MOVES = [
    *TRANSFER,
    moved("open", "K1", 5),
    moved("close", "K1", 39),
    moved("close", "S1", 70),
    moved("open", "TIE", 71),
]


@pytest.fixture(scope="module")
def in_turn() -> set[tuple[str, str, tuple[str, ...]]]:
    """What is told where all operations come first, and then all reports."""
    with Desk(utility(), store := store_of("sqlite://")) as desk:
        desk.operate(MOVES, "scada")
        desk.accept(WORDS, "head end")
        found = told(desk)
    store.close()
    return found


@costly(10)
@given(order=st.permutations(range(len(WORDS) + len(MOVES))), parts=st.integers(1, 5))
def test_the_order_in_which_reports_and_operations_come_does_not_matter(
    in_turn: set[tuple[str, str, tuple[str, ...]]], order: list[int], parts: int
) -> None:
    with Desk(utility(), second := store_of("sqlite://")) as desk:
        for start in range(0, len(order), parts):
            for place in order[start : start + parts]:
                if place < len(WORDS):
                    desk.accept([WORDS[place]], "head end")
                else:
                    desk.operate([MOVES[place - len(WORDS)]], "scada")
            desk.wait()
            desk.utility.told()
        assert told(desk) == in_turn
    second.close()


def test_a_late_report_is_judged_on_its_state_however_many_there_were_since() -> None:
    jumpers = [moved("jumper", f"J{at}", 60 + at, from_node="1", to_node="2") for at in range(MOST_STATES + 4)]
    found = []
    for late in (False, True):
        with Desk(utility(), store := store_of("sqlite://")) as desk:
            desk.utility.told()
            for report_comes_now in (not late, late):
                if report_comes_now:
                    desk.accept(FAULT_AT_R, "head end")
                else:
                    for each in (*TRANSFER, *jumpers):
                        desk.operate([each], "scada")
                        desk.utility.told()
            found.append(told(desk))
        store.close()
    assert found[0] == found[1]
    assert ("K2", "confirmed", ("T3", "T4", "T5", "T6")) in found[0]


def test_without_operations_it_is_one_inference() -> None:
    desk = utility()
    net = desk.network
    rows = desk.workspace.read("signals", WORDS)[0]
    alone = SwitchedInference(net.energise())
    same = SwitchedInference(net.energise(), None, [Since(NOON, net.energise())])
    for each in (alone, same):
        each.take(rows)
    assert alone.incidents == same.incidents
    assert alone.seen() == same.seen() == {}
    assert [change.id for change in same.changes()] == [change.id for change in alone.changes()]


@pytest.mark.parametrize("by", ["log", "desk"])
def test_signals_and_plans_from_elsewhere_start_from_the_state_that_is_asked(by: str) -> None:
    with Desk(utility(), store := store_of("sqlite://")) as desk:
        desk.operate(TRANSFER, "scada")
        found = desk.utility.infer(FAULT_AT_R, by=by)
        dark = {name for incident in found.incidents for name in incident.dark_ids if incident.object_id == "K2"}
        assert dark == ({"T5", "T6"} if by == "log" else {"T3", "T4", "T5", "T6"})
        plan = {"plan_id": "P1", "branch_id": "L4", "start": "2022-08-01T08:00:00", "end": "2022-08-01T10:00:00"}
        check = desk.utility.precheck([plan], as_of=NOON + timedelta(minutes=20), by=by).checks[0]
        assert check.facts is not None
        touched = set(check.facts.job.outage.before.hit.transformers)
        assert touched == ({"T5", "T6"} if by == "log" else {"T3", "T4", "T5", "T6"})
    store.close()


def test_customers_of_one_meter_box_are_an_incident_of_the_box() -> None:
    rows = one_line_tables("=S -[K1]- 0 -L1- 1; T1(6) @ 1")
    for place, row in enumerate(rows["customers"]):
        row |= {"box_id": f"B{1 + place // 3}", "phase": "ABC"[place // 3]}
    desk = Utility(network_from_tables(rows).workspace)
    signals = [
        {
            "time": (NOON + timedelta(seconds=place)).isoformat(),
            "object": "customer",
            "object_id": f"T1-{place}",
            "kind": "off",
        }
        for place in (1, 2, 3)
    ]
    live = {
        "time": (NOON + timedelta(minutes=1)).isoformat(),
        "object": "transformer",
        "object_id": "T1",
        "kind": "read",
        "value": 1,
    }
    desk.ingest([*signals, live])
    outage = next(each for each in desk.told().outages if each.is_open)
    assert (outage.level, outage.object_id, outage.explanation) == ("box", "B1", "customers")
    assert outage.customer_ids == ("T1-1", "T1-2", "T1-3")
    assert desk.low_voltage_place(outage.id) == {"transformer_id": "T1", "boxes": ["B1"], "phases": "A"}
    entry = desk.board().active[0]
    assert (entry.object_id, entry.customers, entry.incident and len(entry.incident.signals)) == ("B1", 3, 3)
    other = signals[0] | {"object_id": "T1-5"}
    desk.ingest([other])
    several = next(each for each in desk.told().outages if each.is_open)
    assert (several.level, several.object_id) == ("customers", "T1"), "two boxes: not one of them alone"
