"""Messages wait with the decision that causes them, and go out: none is lost, none told twice."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

import fudian
from fudian import Utility
from fudian.desk import Desk, DeskStoreError
from fudian.erasure import erase
from fudian.outbox import Outbox
from fudian.sending import Gateway, Sender, channel_of, send_due
from fudian.store import Store, store_of
from fudian.store.tables import utc_now
from network import FudianError
from network.readers.one_line import one_line_tables
from repair.settings import MessageSettings

NOON = datetime(2022, 7, 20, 12)
INCIDENT = "20220720T120000-K1"
FEEDER = "=S -[K1]- 0 -L1- 1 -L2- 2; T1(3) @ 1; T2(2) @ 2"
PHONE = "13900001234"


def folder_of(folder: Path, to: str, feeder: str = FEEDER, **settings: Any) -> Path:
    """Write a workspace of five customers: C1 and C2 of T1 are told in person, of T2 only the important C4; C5 declined."""
    tables = one_line_tables(feeder)
    for number, row in enumerate(tables["customers"], 1):
        row |= {
            "customer_id": f"C{number}",
            "name": f"王芳{number}",
            "phone": f"{PHONE}{number}",
            "verified": number != 3,
        }
        row |= {"opted_out": number == 5, "important": number == 4}
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        if rows:
            (folder / f"{name}.json").write_text(json.dumps(rows), "utf-8")
    rules = {"to": to, "first_wait_s": 0.02, "longest_wait_s": 0.1, "quiet_from": "", **settings}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in rules.items())
    (folder / "fudian.toml").write_text(f"[messages]\n{lines}", "utf-8")
    return folder


def utility(folder: Path) -> Utility:
    return fudian.open(folder, "en")


def opened(folder: Path, store: Store) -> Desk:
    """Return a desk at which a feeder tripped."""
    desk = Desk(utility(folder), store)
    rows = [{"time": NOON.isoformat(), "object": "branch", "object_id": "K1", "kind": "trip"}]
    rows += [
        {"time": NOON.isoformat(), "object": "transformer", "object_id": each, "kind": "off"} for each in ("T1", "T2")
    ]
    desk.accept(rows, "head end").judged.result(30)
    return desk


def decide(desk: Desk, action: str, **details: Any) -> int:
    """Decide something, and return the number of that line."""
    return desk.decide(INCIDENT, {"action": action} | details, "wang").history[-1].number


def stage(desk: Desk, name: str, hour: int) -> int:
    return decide(desk, "stage", stage=name, at=NOON.replace(hour=hour).isoformat())


def found(desk: Desk) -> list[tuple[str, str, str]]:
    return sorted((each.message.kind, each.message.to.id, each.state) for each in desk.outbox.of(INCIDENT))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = store_of(store_url)
    yield store
    store.close()


class Receiver:
    """A gateway of a test: it answers as it is told, and tells a customer once for a key."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}
        self.heard: Counter[str] = Counter()
        self.tokens: set[str | None] = set()
        self.answer: Callable[[str, int], int] = lambda _key, _time: 200
        self.lock = threading.Lock()

    def take(self, key: str, letter: dict[str, Any]) -> int:
        with self.lock:
            self.heard[key] += 1
            count = self.heard[key]
        status = self.answer(key, count)
        with self.lock:
            if status < 300:
                self.told.setdefault(key, letter)
        return status


@contextmanager
def receiving(receiver: Receiver, port: int = 0) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            letter = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert letter["key"] == self.headers["Idempotency-Key"]
            receiver.tokens.add(self.headers["Authorization"])
            status = receiver.take(letter["key"], letter)
            with suppress(OSError):
                self.send_response(status)
                if status in {301, 302, 303, 307}:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def do_GET(self) -> None:
            raise AssertionError

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/messages"
    server.shutdown()
    server.server_close()
    thread.join()


def until(ready: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


# With the decision ----------------------------------------------------------------------------------------------------


def test_a_decision_and_its_messages_are_kept_together(store: Store, tmp_path: Path) -> None:
    with opened(folder_of(tmp_path / "w", "out.ndjson"), store) as desk:
        stage(desk, "accepted", 12)
        assert found(desk) == [], "nobody is told before a crew is sent"
        stage(desk, "dispatched", 12)
        everybody = ["C1", "C2", "C4", "T1", "T2"]
        assert found(desk) == [("fault", each, "waiting") for each in everybody]
        stage(desk, "dispatched", 12)
        decide(desk, "note", note="again")
        assert len(found(desk)) == 5, "once"
        located = stage(desk, "located", 13)
        assert [each for each in found(desk) if each[0] == "progress"] == [
            ("progress", each, "waiting") for each in everybody
        ]
        decide(desk, "undo", number=located)
        assert {state for kind, _, state in found(desk) if kind == "progress"} == {"withdrawn"}
        stage(desk, "located", 13)
        assert Counter(found(desk)).most_common(1)[0][1] == 1
        assert {state for kind, _, state in found(desk) if kind == "progress"} == {"waiting"}
        stage(desk, "restored", 14)
        states = {(kind, state) for kind, _, state in found(desk)}
        assert states == {("fault", "withdrawn"), ("progress", "withdrawn"), ("restored", "waiting")}, "overtaken"
        sent_again = desk.decide(INCIDENT, {"action": "stage", "stage": "restored"}, "wang", "7")
        assert (
            desk.decide(INCIDENT, {"action": "stage", "stage": "restored"}, "wang", "7").history == sent_again.history
        )
        assert [kind for kind, *_ in found(desk)].count("restored") == 5
        assert PHONE not in (tmp_path / "w" / "fudian.toml").read_text()
        stored = json.dumps([each.message.facts for each in desk.outbox.of(INCIDENT)], ensure_ascii=False)
        assert PHONE not in stored
        assert "王芳" not in stored


def test_who_comes_back_later_and_who_is_moved_is_told_too(tmp_path: Path) -> None:
    store = store_of("sqlite://")
    feeder = "=S -[K1]- 0 -L1- 1 -[K2]- 2 -L2- 3; T1(3) @ 1; T2(2) @ 3"
    with opened(folder_of(tmp_path / "w", "out.ndjson", feeder), store) as desk:
        assert desk.tell_more() == 0, "nobody began work on it"
        stage(desk, "dispatched", 12)
        stage(desk, "partly_restored", 13)
        assert Counter(kind for kind, *_ in found(desk)) == {"fault": 5, "progress": 5}, "nobody has power yet"
        before = desk.sheet(INCIDENT).history
        at = NOON.replace(hour=14)
        words = (("branch", "K2", "trip"), ("branch", "K1", "close"), ("transformer", "T1", "on"))
        rows = [{"time": at.isoformat(), "object": of, "object_id": name, "kind": kind} for of, name, kind in words]
        desk.accept(rows, "head end").judged.result(30)
        assert desk.tell_more() == 1
        back = [each.message for each in desk.outbox.of(INCIDENT) if each.message.kind == "restored"]
        assert sorted(each.to.id for each in back) == ["C1", "C2", "T1"]
        assert {each.facts["end"] for each in back} == {at.isoformat()}, "not when the first were back"
        assert desk.sheet(INCIDENT).history == before
        assert desk.tell_more() == 0, "once"
        own = desk.decide(INCIDENT, {"action": "split", "users": ["C5"]}, "wang").history[-1].details["into"]
        assert desk.tell_more() == 0
        desk.decide(own, {"action": "stage", "stage": "dispatched", "at": at.isoformat()}, "wang")
        assert [each.message.to.id for each in desk.outbox.of(own)] == ["T2"]
        desk.decide(INCIDENT, {"action": "move", "users": ["C4"], "into": own}, "wang")
        assert desk.tell_more() == 1
        assert [each.message.to.id for each in desk.outbox.of(own)] == ["T2", "C4"]
    store.close()


def test_neither_without_the_other(tmp_path: Path) -> None:
    """Where the messages cannot be written, the decision is not kept, and the other way round."""
    store = store_of(tmp_path / "store.sqlite")
    with opened(folder_of(tmp_path / "w", "out.ndjson"), store) as desk:

        def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("INSERT INTO messages"):
                raise OSError(28, "No space left on device")

        event.listen(store.engine, "before_cursor_execute", fail)
        with pytest.raises(DeskStoreError):
            stage(desk, "dispatched", 12)
        event.remove(store.engine, "before_cursor_execute", fail)
        assert found(desk) == []
        assert desk.sheet(INCIDENT).history == ()
        stage(desk, "dispatched", 12)
        assert len(found(desk)) == 5
    store.close()


def test_without_a_channel_nothing_waits(tmp_path: Path) -> None:
    store = store_of("sqlite://")
    with opened(folder_of(tmp_path / "w", ""), store) as desk:
        stage(desk, "dispatched", 12)
        assert found(desk) == []
        told = desk.utility.messages(INCIDENT).as_dict()
        assert (told["channel"], told["rows"]) == (False, [])
        assert told["notified"] == {"customers": 5, "in_person": 0, "by_notice": 0, "ratio": 0.0}
    store.close()


def test_who_was_told_is_erased_on_request(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store.sqlite")
    with opened(folder_of(tmp_path / "w", "out.ndjson"), store) as desk:
        stage(desk, "dispatched", 12)
    assert erase(store, "officer", "C1") == 1
    assert sorted(each.message.to.id for each in Outbox(store).of(INCIDENT)) == ["C2", "C4", "T1", "T2", "erased"]
    assert erase(store, "officer", before=utc_now()) == 2
    assert sorted(each.message.to.id for each in Outbox(store).of(INCIDENT)) == [
        "T1",
        "T2",
        "erased",
        "erased",
        "erased",
    ]
    store.close()


def test_a_plan_is_announced_once_and_each_change_of_it(store: Store, tmp_path: Path) -> None:
    """Seven days ahead of a planned outage; the lead is that to the present start, of whoever was told last."""
    folder = folder_of(tmp_path / "w", "out.ndjson")
    start = datetime.now().replace(microsecond=0) + timedelta(days=10)

    def plan(begins: datetime, status: str | None, nature: str = "P-PLAN-MAINT") -> Utility:
        row = {"plan_id": "P1", "start": begins.isoformat(), "end": (begins + timedelta(hours=3)).isoformat()}
        row |= {"nature": nature, "branch_id": "L2", "work": "更换导线", "status": status}
        (folder / "plans.json").write_text(json.dumps([row]), "utf-8")
        return utility(folder)

    with Desk(plan(start, "待审核"), store) as desk:

        def told() -> list[tuple[str, str, str]]:
            return [
                (row["kind"], row["id"], row["state"]) for row in desk.utility.plan_messages("P1").as_dict()["rows"]
            ]

        assert desk.announce("P1", "wang") == 0, "it is not approved"
        desk.follow(plan(start, "已审核"))
        assert desk.announce("P1", "wang", "1") == 5
        assert desk.announce("P1", "wang", "1") == desk.announce("P1", "wang") == 0
        assert sorted(told()) == [("planned", each, "waiting") for each in ("C1", "C2", "C4", "T1", "T2")]
        assert desk.utility.plan_messages("P1").as_dict()["notice"]["state"] == "due"
        channel = channel_of(MessageSettings.of(desk.utility.workspace.settings), folder, None)
        send_due(desk.outbox, channel, desk.utility, utc_now())
        notice = desk.utility.plan_messages("P1").as_dict()["notice"]
        assert (notice["state"], notice["required_h"]) == ("given", 168)
        local = desk.utility.workspace.reading.now()
        assert notice["lead_h"] == pytest.approx((start - local) / timedelta(hours=1), abs=0.1)
        assert desk.utility.plan_messages("P1").as_dict()["notified"]["ratio"] == 0.6
        desk.follow(plan(start + timedelta(hours=5), "已审核"))
        assert desk.utility.plan_messages("P1").as_dict()["notice"]["lead_h"] is None, "nobody knows of the new start"
        assert desk.announce("P1", "wang") == 5
        desk.follow(plan(start + timedelta(hours=5), "已取消"))
        assert desk.announce("P1", "wang") == 5
        assert send_due(desk.outbox, channel, desk.utility, utc_now()) == 5, "the second change waits behind the first"
        assert send_due(desk.outbox, channel, desk.utility, utc_now()) == 5
        channel.close()
        texts = [json.loads(line)["text"] for line in (folder / "out.ndjson").read_text("utf-8").splitlines()]
        kinds = [kind for kind in ("计划停电通知", "停电延期", "停电取消") for _ in range(5)]
        assert [text.split("：")[0] for text in texts] == [f"【供电公司】{kind}" for kind in kinds]
        with pytest.raises(FudianError):
            desk.announce("P2", "wang")
    with Desk(plan(start, "已取消"), store) as again:
        assert again.announce("P1", "wang") == 0


# Sent -----------------------------------------------------------------------------------------------------------------


def test_a_gateway_that_refuses_fails_or_is_slow_gets_all_of_it_once(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Down, then failing in every way, each message twice; the slow one takes it, and answers too late."""
    receiver, slow = Receiver(), threading.Event()
    statuses = [500, 302, 429, 503, 404]

    def answer(key: str, count: int) -> int:
        if count == 1:
            return statuses[int(key, 16) % len(statuses)]
        if count == 2 and int(key, 16) % 2:
            receiver.told.setdefault(key, {"text": "slow"})
            slow.wait(0.6)
        return 200

    receiver.answer = answer
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    to = f"http://127.0.0.1:{port}/messages"
    with opened(folder_of(tmp_path / "w", to, timeout_s=0.3), store) as desk:
        sender = Sender(desk.outbox, Gateway(to, 0.3, "secret"), lambda: desk.utility)
        stage(desk, "dispatched", 12)
        until(lambda: all(each.attempts >= 2 for each in desk.outbox.of(INCIDENT)))
        assert {state for *_, state in found(desk)} == {"waiting"}
        with receiving(receiver, port):
            until(lambda: desk.outbox.counts()["sent"] == 5)
        sender.close()
        assert receiver.heard.keys() == receiver.told.keys() == {each.message.key for each in desk.outbox.of(INCIDENT)}
        assert receiver.tokens == {"Bearer secret"}
        told = desk.utility.messages(INCIDENT).as_dict()
        assert told["notified"] == {"customers": 5, "in_person": 3, "by_notice": 2, "ratio": 0.6}
        assert {row["state"] for row in told["rows"]} == {"sent"}
        assert all(row["error"] is None and row["attempts"] >= 4 for row in told["rows"])
        assert "王芳1" not in json.dumps(told, ensure_ascii=False)
        assert "王芳1" in json.dumps(desk.utility.messages(INCIDENT, masked=False).as_dict(), ensure_ascii=False)
    assert PHONE not in caplog.text
    assert "王芳" not in caplog.text


def test_what_the_gateway_never_takes_and_what_is_too_old_has_failed(tmp_path: Path) -> None:
    store, receiver = store_of("sqlite://"), Receiver()
    receiver.answer = lambda _key, _count: 422
    with receiving(receiver) as to, opened(folder_of(tmp_path / "w", to), store) as desk:
        stage(desk, "dispatched", 12)
        channel = Gateway(to, 5)
        assert send_due(desk.outbox, channel, desk.utility, utc_now()) == 5
        assert {(each.state, each.error) for each in desk.outbox.of(INCIDENT)} == {("failed", "HTTP 422")}
        stage(desk, "located", 13)
        assert send_due(desk.outbox, channel, desk.utility, utc_now() + timedelta(hours=25)) == 5
        late = [each for each in desk.outbox.of(INCIDENT) if each.message.kind == "progress"]
        assert {(each.state, each.error, each.attempts) for each in late} == {("failed", "too old", 0)}
    store.close()


def test_waits_double_to_a_limit(tmp_path: Path) -> None:
    store = store_of("sqlite://")
    folder = folder_of(tmp_path / "w", "http://127.0.0.1:9/", first_wait_s=5, longest_wait_s=60)
    with opened(folder, store) as desk:
        stage(desk, "dispatched", 12)
        now, waits = utc_now() + timedelta(seconds=1), []
        for _ in range(6):
            send_due(desk.outbox, Gateway("http://127.0.0.1:9/", 5), desk.utility, now)
            due = desk.outbox.next_due()
            assert due is not None
            waits.append((due - now).total_seconds())
            assert (
                send_due(desk.outbox, Gateway("http://127.0.0.1:9/", 5), desk.utility, due - timedelta(seconds=1)) == 0
            )
            now = due
        assert waits == [5, 10, 20, 40, 60, 60]
    store.close()


def test_who_declined_meanwhile_is_told_nothing(tmp_path: Path) -> None:
    store, receiver = store_of("sqlite://"), Receiver()
    folder = folder_of(tmp_path / "w", "http://127.0.0.1:9/")
    with receiving(receiver) as to, opened(folder, store) as desk:
        stage(desk, "dispatched", 12)
        rows = json.loads((folder / "customers.json").read_text("utf-8"))
        rows[0]["opted_out"] = True
        (folder / "customers.json").write_text(json.dumps(rows), "utf-8")
        send_due(desk.outbox, Gateway(to, 5), utility(folder), utc_now())
        assert ("fault", "C1", "withdrawn") in found(desk)
        assert len(receiver.told) == 4
        whom = {each["to"].get("customer_id"): each["to"].get("phone") for each in receiver.told.values()}
        assert whom == {"C2": f"{PHONE}2", "C4": f"{PHONE}4", None: None}
    store.close()


def test_the_file_holds_each_message_once_even_after_a_torn_line(tmp_path: Path) -> None:
    store = store_of("sqlite://")
    folder = folder_of(tmp_path / "w", "out.ndjson")
    rules, out = MessageSettings.of(utility(folder).workspace.settings), folder / "out.ndjson"
    with opened(folder, store) as desk:
        stage(desk, "dispatched", 12)
        channel = channel_of(rules, folder, None)
        send_due(desk.outbox, channel, desk.utility, utc_now())
        channel.close()
        whole = out.read_bytes()
        assert len(whole.splitlines()) == 5
        assert out.stat().st_mode & 0o077 == 0
        out.write_bytes(whole[:-20])
        again = channel_of(rules, folder, None)
        for line in whole.splitlines():
            again.send(json.loads(line))
        again.close()
        assert out.read_bytes() == whole
    store.close()


@pytest.mark.parametrize("to", ["ftp://host/x", "http://", "https://user:word@host/x", "missing/out.ndjson"])
def test_a_channel_that_cannot_be_used_is_refused_at_the_start(to: str, tmp_path: Path) -> None:
    with pytest.raises(FudianError):
        channel_of(MessageSettings(to=to), tmp_path, None)


# Power cuts -----------------------------------------------------------------------------------------------------------

SENDER = """
import sys, time
from pathlib import Path
from fudian.outbox import Outbox
from fudian.sending import Gateway, Sender
from fudian.store import store_of
from tests.fudian.test_messages import utility

served = utility(Path(sys.argv[2]))
outbox = Outbox(store_of(sys.argv[1]))
sender = Sender(outbox, Gateway(sys.argv[3], 10), lambda: served)
while outbox.counts()["waiting"]:
    time.sleep(0.05)
sender.close()
"""


def test_a_sender_that_is_killed_between_sending_and_marking_loses_nothing(store_url: str, tmp_path: Path) -> None:
    """The gateway takes a message and kills the sender before it answers; the next one sends it again, under its key."""
    receiver = Receiver()
    process: subprocess.Popen[bytes] | None = None
    kill_at = {3, 7, 12}
    total = 0

    def answer(key: str, _: int) -> int:
        nonlocal total
        with receiver.lock:
            total += 1
            receiver.told.setdefault(key, {})
            is_last = total in kill_at
        if is_last:
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
        return 200

    receiver.answer = answer
    store = store_of(store_url)
    with receiving(receiver) as to:
        folder = folder_of(tmp_path / "w", to, at_once=2)
        with opened(folder, store) as desk:
            stage(desk, "dispatched", 12)
            for name, hour in (("arrived", 13), ("located", 14)):
                stage(desk, name, hour)
            keys = {each.message.key for each in desk.outbox.of(INCIDENT) if each.state == "waiting"}
        ended = []
        while not ended or ended[-1] != 0:
            assert len(ended) <= len(kill_at)
            process = subprocess.Popen([sys.executable, "-c", SENDER, store_url, str(folder), to])
            ended.append(process.wait(120))
    assert ended == [-signal.SIGKILL] * 3 + [0]
    assert len(keys) == 10, "a fault and the latest progress for each of five"
    assert receiver.told.keys() == keys, "none is lost, and none was made up"
    assert {each.state for each in Outbox(store).of(INCIDENT) if each.message.key in keys} == {"sent"}
    again = sum(count - 1 for count in receiver.heard.values())
    assert 3 <= again <= 3 * 2, "again, under the same key, came only what was under way at a kill"
    store.close()
