"""The desk loses nothing that it acknowledged, doubles nothing, and is where it was after a start."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fudian import Utility
from fudian.desk import Desk, DeskBusyError, DeskStoreError
from fudian.desk_reports import WORK
from fudian.erasure import erase
from fudian.field_reports import REPORTS, take_reports
from fudian.ledger import DeskEvent, Ledger
from fudian.steady import SteadyClock
from fudian.store import Store, store_of
from fudian.utility import open_workspace
from network import FudianError, Network
from network.readers.one_line import one_line_tables
from repair.desk.work import ACTIONS, STAGES, Work
from tests.disks import small_disk
from tests.postgres import postgresql

NOON = datetime(2022, 7, 20, 12)
FEEDER = "=S -[K1]- 0 -L1- 1 -L2- 2 -L3- 3 -L4- 4 -L5- 5;" + "; ".join(f"T{i}(3) @ {i}" for i in range(1, 6))


def utility() -> Utility:
    """Return a feeder of five sections, each with a transformer of three customers, that has heard nothing."""
    return Utility(Network.from_text(FEEDER).workspace)


def report(object_id: str, kind: str, minutes: float, event_id: str | None = None) -> dict[str, Any]:
    """Return one row of signals; names that begin with K are branches, with T transformers."""
    object_ = {"K": "branch", "T": "transformer"}[object_id[0]]
    at = (NOON + timedelta(minutes=minutes)).isoformat()
    return {"time": at, "object": object_, "object_id": object_id, "kind": kind, "event_id": event_id}


TRIP = [report("K1", "trip", 0, "1"), *(report(f"T{i}", "off", 0.5, str(i + 1)) for i in range(1, 6))]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = store_of(store_url)
    yield store
    store.close()


def told(desk: Desk) -> list[tuple[Any, ...]]:
    desk.wait()
    return [(incident["id"], incident["state"], incident["dark"]) for incident in desk.utility.incidents()["incidents"]]


def numbers(store: Store) -> list[int | None]:
    return [each.number for each in Ledger(store).since()]


def test_what_was_accepted_is_there_after_a_start(store: Store) -> None:
    with Desk(utility(), store) as desk:
        receipt = desk.accept(TRIP, "head end")
        assert (receipt.accepted, receipt.repeated, receipt.problems) == (6, 0, ())
        assert [each["object_id"] for each in receipt.judged.result(30)["changed"]] == ["K1"]
        before = told(desk)
        problems = desk.utility.incidents()["problems"]
    assert before == [("20220720T120000-K1", "confirmed", 5)]
    with Desk(utility(), store) as again:
        assert told(again) == before
        assert again.utility.incidents()["problems"] == problems
        assert again.utility.now == NOON + timedelta(minutes=0.5) or again.utility.now > NOON


def test_what_is_sent_again_counts_once(store: Store) -> None:
    with Desk(utility(), store) as desk:
        desk.accept(TRIP, "head end")
        receipt = desk.accept([*TRIP[2:], report("T1", "on", 9, "99"), report("T1", "on", 9, "99")], "head end")
        assert (receipt.accepted, receipt.repeated) == (1, 5)
        without_id = [row | {"event_id": None} for row in TRIP]
        assert desk.accept(without_id, "head end").accepted == 6, "named by what they say, not by the sender's number"
        assert desk.accept(without_id, "head end").repeated == 6
        assert desk.accept(TRIP, "another").accepted == 6, "numbers are each sender's own"
        desk.wait()
        assert len(desk.utility.incidents()["incidents"]) == 1
    assert numbers(store) == list(range(1, 20))


def test_bad_rows_are_told_and_the_rest_is_kept(store: Store) -> None:
    early = report("T1", "off", (datetime.now() + timedelta(days=30) - NOON) / timedelta(minutes=1), "early")
    with Desk(utility(), store) as desk:
        receipt = desk.accept([TRIP[0], {"time": "never"}, report("T9", "off", 1), early], "head end")
        assert receipt.accepted == 3, "what lies in the future, or names what is not there, is kept and not believed"
        assert {problem.value for problem in receipt.problems} >= {"never"}
        desk.wait()
        problems = desk.utility.incidents()["problems"]
        assert any("T9" in str(problem) for problem in problems)
        assert len(desk.utility.incidents()["incidents"]) == 1
    with Desk(utility(), store) as again:
        again.wait()
        assert len(again.utility.incidents()["incidents"]) == 1


def test_a_clock_that_runs_ahead_is_ahead_after_a_start_too(store: Store) -> None:
    """A report of an hour later than it was heard is not believed, even when it is read again after that hour."""
    with Desk(utility(), store) as desk:
        desk.accept([report("T1", "off", 60)], "head end", NOON)
        desk.accept([report("T2", "off", 61)], "head end", NOON + timedelta(hours=2))
        before = told(desk)
    assert [name.partition("-")[2] for name, *_ in before] == ["T2"]
    with Desk(utility(), store) as again:
        assert told(again) == before


class Hands:
    """A clock whose hands may be set."""

    def __init__(self) -> None:
        self.wall, self.passed_s = NOON.replace(tzinfo=UTC), 0.0

    def go_on(self, minutes: float, back_h: float = 0.0) -> None:
        self.passed_s += 60 * minutes
        self.wall += timedelta(minutes=minutes, hours=-back_h)

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.passed_s)


def test_a_clock_that_is_set_back_makes_no_report_one_of_the_future(store: Store) -> None:
    hands = Hands()
    with Desk(utility(), store, clock=hands.clock()) as desk:
        local = desk.utility.moment(hands.wall)
        assert local is not None
        early = (local - NOON) / timedelta(minutes=1)
        desk.accept([report("K1", "trip", early, "1")], "head end")
        hands.go_on(5, back_h=2)
        rows = [report(f"T{i}", "off", early + 3, f"{i + 1}") for i in range(1, 6)]
        assert desk.accept(rows, "head end").accepted == 5
        assert [(state, dark) for _, state, dark in told(desk)] == [("confirmed", 5)]
        hands.go_on(60)
        back = [
            report("K1", "close", early + 63, "c"),
            *(report(f"T{i}", "on", early + 64, f"b{i}") for i in range(1, 6)),
        ]
        desk.accept([*back, report("T2", "off", early + 90, "ahead")], "head end")
        before = told(desk)
        assert [(state, dark) for _, state, dark in before] == [("restored", 0)]
        (problem,) = desk.utility.incidents("en")["problems"]
        assert problem["message"].startswith("It comes from the future")
        assert problem["message"].endswith(": 1")
    with Desk(utility(), store, clock=hands.clock()) as again:
        assert told(again) == before


@pytest.mark.parametrize("is_mounted", [True, False], ids=["file system", "limit of SQLite"])
def test_nothing_is_acknowledged_that_the_store_did_not_take(tmp_path: Path, is_mounted: bool) -> None:
    """A disk that is full, and then has room again: what was refused is taken when it is sent again.

    Where no file system may be mounted, the limit of SQLite stands for the disk in both cases.
    """
    with small_disk(tmp_path / "disk", is_mounted) as disk:
        store = store_of(disk.folder / "store.sqlite")
        disk.holds(store)
        with Desk(utility(), store) as desk:
            desk.accept(TRIP[:1], "head end")
            incident = told(desk)[0][0]
            disk.fill(store)
            many = [report("T1", "off", i / 1000, f"m{i}") for i in range(5000)]
            with pytest.raises(DeskStoreError, match="full"):
                desk.accept(many, "head end")
            long = {"action": "note", "note": "x" * 1_000_000}
            with pytest.raises(DeskStoreError, match="full"):
                desk.decide(incident, long, "li", "note")
            assert desk.is_working
            assert numbers(store) == [1]
            assert desk.sheet(incident).history == ()
            disk.make_room()
            assert desk.accept(many, "head end").accepted == 5000
            assert [line.action for line in desk.decide(incident, long, "li", "note").history] == ["note"]
            assert desk.counts["store_errors"] == 1
            before = told(desk)
        assert numbers(store) == list(range(1, 5003))
        with Desk(utility(), store) as again:
            assert told(again) == before
            assert again.sheet(incident).history[0].details["note"] == long["note"]
        store.close()


def test_a_database_that_is_gone_and_back_loses_nothing_and_is_held_again(tmp_path: Path) -> None:
    """What is told while it is gone is refused, told again it is kept once; no second desk came in meanwhile."""
    with postgresql(tmp_path) as server:
        url = server.new_database()
        store, other = store_of(url), store_of(url)
        with Desk(utility(), store) as desk:
            desk.accept(TRIP[:3], "head end")
            server.stop()
            with pytest.raises(DeskStoreError, match="cannot be written"):
                desk.accept(TRIP, "head end")
            with pytest.raises(DeskStoreError):
                desk.operate([{"action": "open", "branch_id": "K1", "at": NOON.isoformat(), "event_id": "o"}], "scada")
            assert desk.is_working
            server.start()
            assert desk.accept(TRIP, "head end").accepted == 3
            desk.operate([{"action": "open", "branch_id": "K1", "at": NOON.isoformat(), "event_id": "o"}], "scada")
            with pytest.raises(FudianError, match="Another desk"):
                Desk(utility(), other)
            before = told(desk)
            assert numbers(store) == list(range(1, 8))
        with Desk(utility(), other) as again:
            assert told(again) == before
        store.close()
        other.close()


def test_a_desk_whose_store_was_taken_over_meanwhile_writes_no_more(tmp_path: Path) -> None:
    with postgresql(tmp_path) as server:
        url = server.new_database()
        first, second = store_of(url), store_of(url)
        with Desk(utility(), first) as desk:
            desk.accept(TRIP[:3], "head end")
            server.stop()
            server.start()
            with Desk(utility(), second) as other:
                with pytest.raises(DeskStoreError, match="Another desk"):
                    desk.accept(TRIP, "head end")
                assert other.accept(TRIP, "head end").accepted == 3
            assert desk.accept(TRIP, "head end").repeated == 6, "the other is gone"
        first.close()
        second.close()


def test_too_much_is_refused_and_nothing_of_it_taken(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store.sqlite")
    with Desk(utility(), store, most_waiting=10) as desk:
        with desk.utility._hearing:  # the judge is held up
            desk.accept(TRIP, "head end")
            with pytest.raises(DeskBusyError):
                desk.accept([report("T1", "on", i, f"x{i}") for i in range(5)], "head end")
        desk.wait()
        assert desk.accept([report("T1", "on", i, f"x{i}") for i in range(5)], "head end").accepted == 5
    assert len(numbers(store)) == 11
    store.close()


def test_many_batches_of_one_report_each_are_too_much_as_well(tmp_path: Path) -> None:
    """Each batch that waits holds a table of its own: a sender of single reports is asked to wait before memory is full."""
    store = store_of(tmp_path / "store.sqlite")
    with Desk(utility(), store, most_batches=3) as desk:
        with desk.utility._hearing:  # the judge is held up
            for number in range(3):
                desk.accept([report("T1", "on", number, f"x{number}")], "head end")
            with pytest.raises(DeskBusyError):
                desk.accept([report("T1", "on", 3, "x3")], "head end")
        desk.wait()
        assert desk.accept([report("T1", "on", 3, "x3")], "head end").accepted == 1
    assert len(numbers(store)) == 4
    store.close()


def test_one_desk_holds_a_store(store_url: str) -> None:
    one, two = store_of(store_url), store_of(store_url)
    with Desk(utility(), one), pytest.raises(FudianError, match="Another desk"):
        Desk(utility(), two)
    Desk(utility(), two).close()
    one.close()
    two.close()


def test_many_senders_at_once(store: Store) -> None:
    with Desk(utility(), store) as desk:

        def send(sender: int) -> None:
            for i in range(20):
                desk.accept([report(f"T{1 + i % 5}", "off", i / 100, f"{i}-{part}") for part in range(3)], f"s{sender}")

        threads = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert numbers(store) == list(range(1, 8 * 20 * 3 + 1))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.lists(st.sampled_from(range(14)), min_size=1, max_size=5), min_size=1, max_size=6),
    stops=st.sets(st.integers(0, 5)),
)
def test_in_whatever_parts_and_with_whatever_starts_between_the_desk_is_the_same(
    parts: list[list[int]], stops: set[int]
) -> None:
    words = [*TRIP, *(report(f"T{i}", "on", 20 + i, f"on{i}") for i in range(1, 6)), report("K1", "close", 20, "c"),
             report("T4", "off", 90, "again"), report("T5", "read", 95, "read")]  # fmt: skip
    store = store_of("sqlite://")
    desk = Desk(utility(), store)
    for number, part in enumerate(parts):
        desk.accept([words[each] for each in part], "head end")
        if number in stops:
            desk.close()
            desk = Desk(utility(), store)
    found = told(desk)
    desk.close()
    store.close()
    whole = utility()
    whole.ingest([words[each] for each in sorted({each for part in parts for each in part})])
    assert found == [
        (incident["id"], incident["state"], incident["dark"]) for incident in whole.incidents()["incidents"]
    ]


# Power cuts -----------------------------------------------------------------------------------------------------------

DESK = """
import json, sys
from fudian.desk import Desk
from fudian.store import store_of
from tests.fudian.test_desk import utility

desk = Desk(utility(), store_of(sys.argv[1]))
print("ready", flush=True)
for line in sys.stdin:
    desk.accept(json.loads(line), "head end")
    print("kept", flush=True)
"""


def test_a_desk_that_is_killed_loses_nothing_that_it_acknowledged(store_url: str) -> None:
    """Killed at random moments while reports come in; the sender sends again what was not acknowledged."""
    chance = random.Random(7)
    words = [
        report(f"T{1 + i % 5}", "off" if (i // 5) % 2 == 0 else "on", 12 * (i // 5) + i / 60, str(i))
        for i in range(400)
    ]
    waiting = [words[start : start + 4] for start in range(0, len(words), 4)]
    acknowledged: list[str] = []
    kills = 0
    while waiting:
        process = subprocess.Popen(
            [sys.executable, "-c", DESK, store_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        last = kills >= 3
        timer = threading.Timer(3600 if last else chance.uniform(0.0, 0.25), os.kill, (process.pid, signal.SIGKILL))
        timer.start()
        try:
            while waiting:
                process.stdin.write(json.dumps(waiting[0]) + "\n")
                process.stdin.flush()
                if process.stdout.readline() != "kept\n":
                    break
                acknowledged += [row["event_id"] for row in waiting.pop(0)]
        except BrokenPipeError:
            pass
        timer.cancel()
        kills += 1
        process.kill()
        process.wait()
        process.stdout.close()
        with suppress(BrokenPipeError):
            process.stdin.close()
    store = store_of(store_url)
    kept = [each.event_id for each in Ledger(store).since()]
    assert kept == [f"head end:{name}" for name in acknowledged], "in order, none lost, none doubled"
    with Desk(utility(), store) as desk:
        found = told(desk)
    store.close()
    whole = utility()
    whole.ingest(words)
    assert found == [
        (incident["id"], incident["state"], incident["dark"]) for incident in whole.incidents()["incidents"]
    ]


def test_an_event_says_who_and_what_was_before(store: Store) -> None:
    ledger = Ledger(store)
    first = DeskEvent.told("decision", "li", {"stage": "accepted"}, "20220720T120000-K1")
    second = DeskEvent.told("decision", "wang", {"stage": "arrived"}, "20220720T120000-K1", before=first.details)
    ledger.keep([first])
    assert ledger.keep([first, second]).repeated == (first.event_id,)
    kept = list(ledger.since(1))
    assert [(each.who, each.details, each.before, each.incident) for each in kept] == [
        ("wang", {"stage": "arrived"}, {"stage": "accepted"}, "20220720T120000-K1")
    ]
    assert kept[0].received_at is not None
    assert [each.kind for each in ledger.since(kinds=["signal"])] == []


# Work on incidents ----------------------------------------------------------------------------------------------------


def test_an_event_known_from_a_record_alone_is_worked_on_like_any_other(store: Store) -> None:
    """From the sheet to handing over, a commander and the notice that the grid above is lost; it is there after a start."""
    record = {"outage_id": "R1", "start": NOON.isoformat(), "branch_id": "K1", "kind": "fault"}

    def told_of_a_record() -> Utility:
        workspace = Network.from_text(FEEDER).workspace
        tables = {**workspace.tables, "outages": workspace.read("outages", [record])[0]}
        return Utility(replace(workspace, tables=tables))

    with Desk(told_of_a_record(), store) as desk:
        assert desk.utility.told().outages == ()
        desk.decide("R1", {"action": "acknowledge"}, "li")
        desk.decide("R1", {"action": "order", "order_id": "G1"}, "li")
        desk.decide("R1", {"action": "stage", "stage": "arrived", "at": "2022-07-20T12:30:00"}, "li")
        desk.decide("R1", {"action": "commander", "name": "sun"}, "li")
        with pytest.raises(FudianError, match="no node 'Q'"):
            desk.decide("R1", {"action": "upstream", "node": "Q"}, "li")
        desk.decide("R1", {"action": "upstream", "node": "S", "at": "2022-07-20T12:01:00", "note": "110 kV"}, "li")
        sheet = desk.decide("R1", {"action": "hand_over", "to": "zhao", "note": "shift"}, "li")
        assert (sheet.acknowledged_by, sheet.orders, sheet.stage, sheet.commander) == (
            "zhao",
            ("G1",),
            "arrived",
            "sun",
        )
        assert sheet.upstream == {"node": "S", "at": "2022-07-20T12:01:00", "note": "110 kV"}
    with Desk(told_of_a_record(), store) as again:
        assert again.sheet("R1").as_dict() == sheet.as_dict()


def test_decisions_outlast_a_start(store: Store) -> None:
    name = "20220720T120000-K1"
    with Desk(utility(), store) as desk:
        desk.accept(TRIP, "head end")
        desk.wait()
        desk.decide(name, {"action": "acknowledge"}, "li")
        desk.decide(name, {"action": "stage", "stage": "accepted", "at": "2022-07-20T12:02:00"}, "li", "once")
        sheet = desk.decide(name, {"action": "stage", "stage": "accepted", "at": "2022-07-20T12:02:00"}, "li", "once")
        assert [line.action for line in sheet.history] == ["acknowledge", "stage"]
        told = desk.decide(name, {"action": "commander", "name": "sun"}, "wang").as_dict()
    with Desk(utility(), store) as again:
        assert again.sheet(name).as_dict() == told
        before = [each.before for each in again.ledger.since(kinds=["decision"])]
        assert before[-1] == {"stage": "accepted", "acknowledged_by": "li", "closed": False}
        with pytest.raises(FudianError, match="no incident"):
            again.decide("20220720T120000-K9", {"action": "acknowledge"}, "li")


def test_many_decide_at_once(store: Store) -> None:
    name = "20220720T120000-K1"
    with Desk(utility(), store) as desk:
        desk.accept(TRIP, "head end")
        desk.wait()

        def decide(person: int) -> None:
            for number in range(10):
                desk.decide(name, {"action": "note", "note": f"{person}-{number}"}, f"w{person}")

        threads = [threading.Thread(target=decide, args=(person,)) for person in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = desk.sheet(name).as_dict()
        assert len(told["history"]) == 40
    with Desk(utility(), store) as again:
        assert again.sheet(name).as_dict() == told


def test_a_decision_that_is_sent_again_is_not_judged_again(store: Store) -> None:
    """An undo that came through is no undo of nothing when the phone sends it once more, after a start too."""
    name = "20220720T120000-K1"
    with Desk(utility(), store) as desk:
        desk.accept(TRIP, "head end")
        desk.wait()
        number = desk.decide(name, {"action": "close"}, "li", "1").history[-1].number
        undone = desk.decide(name, {"action": "undo", "number": number}, "li", "2").as_dict()
        assert desk.decide(name, {"action": "undo", "number": number}, "li", "2").as_dict() == undone
    with Desk(utility(), store) as again:
        assert again.decide(name, {"action": "undo", "number": number}, "li", "2").as_dict() == undone
        with pytest.raises(FudianError, match="nothing to undo"):
            again.decide(name, {"action": "undo", "number": number}, "li", "3")


# The state of the network now ---------------------------------------------------------------------------------------------


def test_operations_outlast_a_start_and_every_question_of_the_desk_begins_with_them(store: Store) -> None:
    name = "20220720T120000-K1"
    at = "2022-07-20T12:30:00"
    with Desk(utility(), store) as desk:
        desk.accept(TRIP, "head end")
        desk.wait()
        rows: list[dict[str, Any]] = [
            {"action": "cut", "branch_id": "L4", "at": at, "event_id": "1"},
            {"action": "open", "branch_id": "L2", "at": at},
            {"action": "jumper", "branch_id": "J1", "from_node": "2", "to_node": "4", "at": at, "event_id": 2},
        ]
        kept, known, refused = desk.operate(rows, "scada")
        assert [(each.action, each.branch_id) for each in kept] == [("cut", "L4"), ("jumper", "J1")]
        assert (known, [place for place, _ in refused]) == (0, [1])
        assert desk.operate(rows, "scada")[:2] == ((), 2)
        assert desk.utility.state(by="desk").dead() == []
        assert desk.utility.affected("L4", by="desk").transformers == []
        assert desk.utility.affected("L4").transformers == ["T4", "T5"]
        desk.decide(name, {"action": "step", "branch_id": "K1", "move": "open", "at": "2022-07-20T12:40:00"}, "li")
        assert desk.utility.operated("2022-07-20T12:35:00")["dead"] == []
        now = desk.utility.operated()
        assert (now["dead"], now["opened"]) == ([f"T{i}" for i in range(1, 6)], ["K1", "L4"])
        step = desk.sheet(name).history[-1].number
        with pytest.raises(FudianError, match="stands on the sheet"):
            raise desk.operate([{"action": "undo", "number": step}], "li")[2][0][1]
        desk.decide(name, {"action": "undo", "number": step}, "li")
        desk.operate([{"action": "undo", "number": kept[1].number}], "li")
        now = desk.utility.operated()
        assert (now["dead"], now["jumpers"], now["cuts"]) == (["T4", "T5"], [], ["L4"])
    with Desk(utility(), store) as again:
        assert again.utility.operated() | {"at": now["at"]} == now
        assert again.utility.state(by="desk").dead() == ["T4", "T5"]


def test_a_plan_goes_on_from_what_was_operated_since_the_fault(store: Store) -> None:
    two = "=S -[K1]- 0 -L1- 1 -[K2]- 2 -L2- 3 /[K3]/ 4 -L4- 5 -[K4]- 6; =R -L6- 6; T1(3) @ 1; T3(5) @ 3; T5(7) @ 5"
    with Desk(Utility(Network.from_text(two).workspace), store) as desk:
        first = desk.utility.restore("L1", by="desk", since=NOON)
        assert [(step.action, step.branch_id) for step in first.steps] == [("open", "K2"), ("close", "K3")]
        at = (NOON + timedelta(minutes=9)).isoformat()
        desk.operate([{"action": "open", "branch_id": "K2", "at": at}], "li")
        then = desk.utility.restore("L1", by="desk", since=NOON)
        assert then.done == (("open", "K2"),)
        assert [(step.action, step.branch_id) for step in then.steps] == [("close", "K3")]
        before = desk.utility.restore("L1", by="desk", since=NOON, at=NOON + timedelta(minutes=5))
        assert len(before.steps) == 2, "not done yet at that moment"
        assert len(desk.utility.restore("L1").steps) == 2, "the log knows nothing of it"


def test_a_closed_incident_is_opened_again_by_a_user_that_is_still_dark(store: Store) -> None:
    name = "20220720T120000-K1"
    back = [report("K1", "close", 30, "c"), *(report(f"T{i}", "on", 31, f"on{i}") for i in range(1, 6))]
    call = {
        "time": (NOON + timedelta(minutes=50)).isoformat(),
        "object": "customer",
        "object_id": "T3-2",
        "kind": "call",
    }
    with Desk(utility(), store) as desk:
        changed: list[str] = []
        desk.changes.watch(changed.extend)
        desk.accept([*TRIP, *back], "head end")
        desk.wait()
        desk.decide(name, {"action": "close", "at": "2022-07-20T12:40:00"}, "li")
        desk.accept([report("T2", "off", 35, "late")], "head end")
        desk.wait()
        assert desk.sheet(name).is_closed, "it spoke of a moment before"
        changed.clear()
        desk.accept([call], "95598")
        desk.wait()
        sheet = desk.sheet(name)
        assert (sheet.is_closed, sheet.reopened, sheet.history[-1].who) == (False, ("call",), "desk")
        assert name in changed
        desk.decide(name, {"action": "close", "at": "2022-07-20T13:30:00"}, "li")
        desk.accept([call | {"event_id": "again"}], "95598")
        desk.wait()
        assert desk.sheet(name).is_closed, "that call was before it was closed"
        count = len(list(desk.ledger.since()))
    with Desk(utility(), store) as again:
        assert again.sheet(name).is_closed
        assert len(list(again.ledger.since())) == count


def test_a_closed_incident_is_opened_again_by_readings_that_nobody_answers(store: Store) -> None:
    """One may be lost; of two in a row at least one is believed. A sign of power between them begins anew."""
    name = "20220720T120000-K1"
    back = [report("K1", "close", 30, "c"), *(report(f"T{i}", "on", 31, f"on{i}") for i in range(1, 6))]

    def read(minutes: float, answer: float) -> dict[str, Any]:
        at = (NOON + timedelta(minutes=minutes)).isoformat()
        return {"time": at, "object": "customer", "object_id": "T3-2", "kind": "read", "value": answer}

    with Desk(utility(), store) as desk:
        desk.accept([*TRIP, *back, read(35, 0), read(38, 0)], "head end")
        desk.wait()
        desk.decide(name, {"action": "close", "at": "2022-07-20T12:40:00"}, "li")
        for minutes, answer in ((50, 0), (52, 1), (54, 0)):
            desk.accept([read(minutes, answer)], "head end")
            desk.wait()
            assert desk.sheet(name).is_closed, minutes
        desk.accept([read(54, 0)], "another head end")
        desk.wait()
        assert desk.sheet(name).is_closed, "the same reading"
        desk.accept([read(56, 0)], "head end")
        desk.wait()
        assert (desk.sheet(name).is_closed, desk.sheet(name).reopened) == (False, ("read",))
        count = len(list(desk.ledger.since()))
    with Desk(utility(), store) as again:
        assert again.sheet(name).reopened == ("read",)
        assert len(list(again.ledger.since())) == count


def test_a_desk_that_died_before_it_opened_an_incident_again_does_so_at_its_start(store: Store) -> None:
    name = "20220720T120000-K1"
    with Desk(utility(), store) as desk:
        desk.accept(TRIP, "head end")
        desk.wait()
        desk.decide(name, {"action": "close", "at": "2022-07-20T12:10:00"}, "li")
    said = {"time": "2022-07-20T12:20:00.000000", "object": "transformer", "object_id": "T4", "kind": "off"}
    Ledger(store).keep([DeskEvent("head end:x", "signal", "head end", said)])
    for _ in range(2):
        with Desk(utility(), store) as again:
            assert again.sheet(name).reopened == ("off",)
            assert len(again.sheet(name).history) == 2


def utility_with_crews() -> Utility:
    """Return the feeder with two crews, whose customers are told of what happens."""
    workspace = Network.from_text(FEEDER).workspace
    crews = pl.DataFrame({"crew_id": ["B1", "B2"]}, schema_overrides=workspace.tables["crews"].schema)
    crews = pl.concat([workspace.tables["crews"], crews], how="diagonal_relaxed")
    plans = workspace.read("plans", [PLAN])[0]
    tables = {**workspace.tables, "crews": crews, "plans": plans}
    settings = {**workspace.settings, "messages": {"to": "out.ndjson", "quiet_from": ""}}
    return Utility(replace(workspace, tables=tables, settings=settings))


PLAN = {"plan_id": "P1", "branch_id": "L4", "nature": "P-PLAN-MAINT", "work": "pole", "status": "approved",
        "start": "2099-08-20 08:00:00", "end": "2099-08-20 12:00:00"}  # fmt: skip
PHOTOGRAPH = b64encode(b"\xff\xd8\xff\xe0" + b"x" * 100 + b"\xff\xd9").decode()


class Histories(RuleBasedStateMachine):
    """Signals, operations, decisions, crews' reports and starts in any order: what is made again equals what was kept up."""

    def __init__(self) -> None:
        super().__init__()
        self.store = store_of("sqlite://")
        self.desk = Desk(utility_with_crews(), self.store)
        self.minute = 0

    @property
    def at(self) -> str:
        self.minute += 1
        return (NOON + timedelta(minutes=self.minute)).isoformat()

    @rule(which=st.integers(1, 5), kind=st.sampled_from(["off", "on", "call", "read"]))
    def ingest(self, which: int, kind: str) -> None:
        self.desk.accept([report(f"T{which}", kind, self.minute, f"s{self.minute}-{which}-{kind}")], "head end")
        self.minute += 1

    @rule(move=st.sampled_from(["open", "close", "cut", "join"]), branch=st.sampled_from(["K1", "L2", "L3"]))
    def operate(self, move: str, branch: str) -> None:
        self.desk.operate([{"action": move, "branch_id": branch, "at": self.at}], "scada")

    @rule(number=st.integers(1, 2), away=st.booleans())
    def join(self, number: int, away: bool) -> None:
        said = {
            "action": "remove" if away else "jumper",
            "branch_id": f"J{number}",
            "from_node": "1",
            "to_node": str(2 + number),
        }
        self.desk.operate([said | {"at": self.at}], "crew")

    @rule(number=st.integers(1, 20))
    def undo(self, number: int) -> None:
        self.desk.operate([{"action": "undo", "number": number}], "li")

    @rule(
        action=st.sampled_from([*ACTIONS, "close", "record", "split", "move"]),
        number=st.integers(1, 20),
    )
    def decide(self, action: str, number: int) -> None:
        self.desk.wait()
        names = sorted(self.desk.utility.incident_ids())
        if names:
            name, into = names[number % len(names)], names[(number + 1) % len(names)]
            move = ("open", "close")[number % 2]
            details = {"action": action, "at": self.at, "branch_id": "K1", "move": move, "number": number,
                       "reason": "dark", "users": [f"T{1 + number % 5}"], "stage": STAGES[number % len(STAGES)], "into": into,
                       "to": "wang", "note": "it burns", "name": "sun", "until": self.at, "order_id": f"W{number}",
                       "branches": ["L2", "L3"], "node": "S", "crew_id": f"B{1 + number % 2}", "found": number % 3 == 0,
                       "photo_id": f"p{number}"}  # fmt: skip
            with suppress(FudianError):
                self.desk.decide(name, details, "li")

    @rule(said=st.sampled_from(REPORTS), number=st.integers(1, 20), again=st.booleans(), is_placed=st.booleans())
    def report_from_the_place(self, said: str, number: int, again: bool, is_placed: bool) -> None:
        self.desk.wait()
        names = sorted(self.desk.utility.incident_ids())
        if names:
            row = {"event_id": f"telephone-{number}-{said}", "incident": names[number % len(names)], "report": said,
                   "crew_id": f"B{1 + number % 2}", "ago_s": number, "branches": ["L2"], "note": "it burns",
                   "photo": PHOTOGRAPH} | ({"lon": 114.0, "lat": 33.0 + number} if is_placed else {})  # fmt: skip
            for _ in range(1 + again):
                take_reports(self.desk, [row], "li")

    @rule()
    def tell_who_was_reached_later(self) -> None:
        self.desk.wait()
        self.desk.tell_more()

    @rule()
    def announce(self) -> None:
        with suppress(FudianError):
            self.desk.announce("P1", "wang")

    @rule()
    def start_again(self) -> None:
        before = self.known()
        self.desk.close()
        self.desk = Desk(utility_with_crews(), self.store)
        assert self.known() == before

    def known(self) -> tuple[Any, ...]:
        state = self.desk.utility.state(by="desk")
        closed = [name for name in sorted(self.desk.work.sheets) if self.desk.sheet(name).is_closed]
        return self.desk.work.as_dict(), told(self.desk), state.is_open.tolist(), state.dead(), self.proposals(closed)

    def proposals(self, closed: list[str]) -> list[Any]:
        """Return the records that closed incidents would leave; why there is none."""
        found: list[Any] = []
        for name in closed:
            try:
                found.append(self.desk.utility.proposed(name).as_dict())
            except FudianError as refused:
                found.append(str(refused))
        return found

    @invariant()
    def what_is_made_again_is_what_was_kept_up(self) -> None:
        assert Work.of(self.desk.ledger.since(kinds=WORK)).as_dict() == self.desk.work.as_dict()

    def teardown(self) -> None:
        self.desk.close()
        self.store.close()


Histories.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestHistories = Histories.TestCase


def test_an_accepted_record_counts_in_the_indices_like_any_other_and_no_more_once_undone(tmp_path: Path) -> None:
    folder = tmp_path / "feeder"
    folder.mkdir()
    for name, rows in one_line_tables(FEEDER).items():
        if rows:
            (folder / f"{name}.json").write_text(json.dumps(rows), "utf-8")
    (folder / "fudian.toml").write_text("as_of = 2023-01-01T00:00:00\n", "utf-8")
    (folder / "outages_desk.json").write_text(
        json.dumps([{"outage_id": "old", "start": "2022-01-05T00:00:00", "end": "2022-01-05T01:00:00",
                     "nature": "F-INT", "transformer_id": "T5"}]), "utf-8")  # fmt: skip
    store = store_of("sqlite://")
    name = "20220720T120000-K1"
    back = [report("K1", "close", 30, "c"), *(report(f"T{i}", "on", 31, f"on{i}") for i in range(1, 6))]
    with Desk(open_workspace(folder, "en"), store) as desk:
        desk.accept([*TRIP, *back], "head end")
        desk.wait()
        desk.decide(name, {"action": "section", "branches": ["L3"]}, "li")
        desk.decide(name, {"action": "close", "at": "2022-07-20T12:40:00"}, "li")
        assert desk.utility.proposed(name).accepted_by is None
        with pytest.raises(FudianError, match="cannot be counted"):
            desk.decide(name, {"action": "record", "tables": {"outages": [{"outage_id": "x"}]}}, "wang")
        before = open_workspace(folder).indices(2022).rows["SAIDI-1"].item()
        sheet = desk.decide(name, {"action": "record"}, "wang")
        accepted = open_workspace(folder)
        assert desk.utility.proposed(name).accepted_by == "wang"
        assert before == pytest.approx(1 / 5)
        assert accepted.indices(2022).rows["SAIDI-1"].item() == pytest.approx(1 / 5 + 0.5)
        assert accepted.workspace.tables["incidents"]["branch_id"].to_list() == ["L3"]
        assert not [
            problem for problem in accepted.problems if problem.severity == "error" and problem.table == "outages"
        ]
        desk.decide(name, {"action": "undo", "number": sheet.history[-1].number}, "wang")
        assert open_workspace(folder).indices(2022).rows["SAIDI-1"].item() == before
    store.close()


def test_a_customer_is_taken_out_on_request_and_that_is_kept(store: Store) -> None:
    call = {"time": "2022-07-20T12:05:00", "object": "customer", "object_id": "T3-2", "kind": "call", "event_id": "c"}
    other = call | {"object_id": "T3-1", "event_id": "d"}
    with Desk(utility(), store) as desk:
        desk.accept([*TRIP, call, other], "95598")
        desk.wait()
        desk.decide("20220720T120000-K1", {"action": "note", "note": "T3-2 is ill"}, "li")
        with pytest.raises(FudianError, match="Another desk"):
            erase(store, "officer", "T3-2")
    assert erase(store, "officer", "T3-2") == 2
    assert erase(store, "officer", "T3-2") == 0
    kept = list(Ledger(store).since())
    assert "T3-2" not in str([each.details for each in kept])
    assert "T3-1" in str([each.details for each in kept])
    assert [(each.who, each.details["events"]) for each in kept if each.kind == "erasure"] == [
        ("officer", 2),
        ("officer", 0),
    ]
    with Desk(utility(), store) as again:
        assert told(again)[0][2] == 5, "the incident stands"
        assert again.sheet("20220720T120000-K1").history[-1].details["note"] == "erased"
    assert erase(store, "officer", before=datetime(2100, 1, 1, tzinfo=UTC)) == 1
    with pytest.raises(FudianError, match="Nobody is named"):
        erase(store, "officer")


def test_the_same_words_are_one_report_wherever_they_stand(store: Store) -> None:
    without_id = [row | {"event_id": None} for row in TRIP]
    with Desk(utility(), store) as desk:
        desk.accept(without_id, "head end")
        again = desk.accept(without_id[3:], "head end")
        assert (again.accepted, again.repeated) == (0, 3)
