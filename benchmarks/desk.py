"""The desk under fire: killed at random moments, and as fast as it goes, beside a bare insert loop of the same rows.

    .venv/bin/python -m benchmarks.desk kill 200                  # kill -9 so often: SQLite over HTTP
    .venv/bin/python -m benchmarks.desk kill 200 mqtt             # the same over a real broker (mosquitto)
    .venv/bin/python -m benchmarks.desk kill 200 http postgresql  # the same on a real PostgreSQL
    .venv/bin/python -m benchmarks.desk rate 1000000              # reports a second over HTTP, in batches of 1,000

A run of kills sends reports of a feeder with a number each; what is not acknowledged is sent again. In the end every number must
stand in the ledger once, and what the desk tells must equal what a desk tells that was never disturbed. The seed is printed.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from fudian import Utility
from fudian.desk import Desk
from fudian.ledger import Ledger
from fudian.store import store_of
from network import Network

NOON = datetime(2022, 7, 20, 12)
SECTIONS = 20
SEED = 20_221_009
BATCH = 1_000

SERVER = """
import sys
import uvicorn
from fastapi import FastAPI
from benchmarks.desk import feeder
from dashboard.intake.http import intake_router
from dashboard.intake.mqtt import MqttIntake
from fudian import Utility
from fudian.desk import Desk
from fudian.store import store_of

desk = Desk(feeder(int(sys.argv[4])), store_of(sys.argv[1]))
server = FastAPI()
server.include_router(intake_router(desk, {}))
intake = MqttIntake(desk, sys.argv[3]) if sys.argv[3] else None
uvicorn.run(server, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
"""


def feeder(sections: int) -> Utility:
    """Return a feeder of so many sections, a transformer with three customers at each."""
    lines = " ".join(f"-L{i}- {i}" for i in range(1, sections + 1))
    transformers = "; ".join(f"T{i}(3) @ {i}" for i in range(1, sections + 1))
    return Utility(Network.from_text(f"=S -[K1]- 0 {lines}; {transformers}").workspace)


def reports(count: int, sections: int = SECTIONS) -> list[dict[str, Any]]:
    """Return so many reports: all transformers off, all on again, and so on."""
    found = []
    for number in range(count):
        turn, place = divmod(number, sections)
        at = NOON + timedelta(minutes=15 * turn, seconds=place)
        kind = "off" if turn % 2 == 0 else "on"
        found.append({"time": at.isoformat(), "object": "transformer", "object_id": f"T{place + 1}", "kind": kind,
                      "event_id": str(number)})  # fmt: skip
    return found


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def started(url: str, port: int, broker: str, sections: int = SECTIONS) -> subprocess.Popen[bytes]:
    """Start the desk in a process of its own, and wait until it answers."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, url, str(port), broker, str(sections)])
    while True:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        if process.poll() is not None:
            raise RuntimeError("the desk did not start")
        time.sleep(0.02)


def told(url: str) -> list[Any]:
    store = store_of(url)
    with Desk(feeder(SECTIONS), store) as desk:
        found = desk.utility.incidents()["incidents"]
    store.close()
    return [(each["id"], each["state"], each["dark"]) for each in found]


@contextmanager
def stores(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'store.sqlite'}"
        return
    from tests.postgres import postgresql

    (folder / "postgresql").mkdir()
    with postgresql(folder / "postgresql") as server:
        yield server.new_database()


def kill(kills: int, way: str, kind: str) -> None:
    rows = reports(kills * 40)
    with tempfile.TemporaryDirectory() as name, stores(kind, Path(name)) as url:
        killed = killed_over_mqtt if way == "mqtt" else killed_over_http
        acknowledged = killed(kills, rows, url, Path(name))
        store = store_of(url)
        kept = [each.event_id.rpartition(":")[2] for each in Ledger(store).since()]
        store.close()
        lost, doubled = {row["event_id"] for row in rows} - set(kept), len(kept) - len(set(kept))
        same = told(url) == undisturbed(rows)
    print(
        f"{kills} kills, {way}, {kind}, seed {SEED}: {acknowledged} acknowledged, {len(lost)} lost, {doubled} doubled; "
        f"the desk {'equals' if same else 'DIFFERS FROM'} one that was never disturbed"
    )


def killed_over_http(kills: int, rows: list[dict[str, Any]], url: str, _: Path) -> int:
    """Send reports to a desk that is killed so often; return how many were acknowledged."""
    chance, port, acknowledged = random.Random(SEED), free_port(), 0
    waiting = [rows[start : start + 4] for start in range(0, len(rows), 4)]
    for turn in range(kills + 1):
        process = started(url, port, "")
        last = turn == kills
        timer = threading.Timer(chance.uniform(0.0, 0.4), os.kill, (process.pid, signal.SIGKILL))
        if not last:
            timer.start()
        with suppress(httpx.HTTPError), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while waiting and (last or process.poll() is None):
                answer = client.post("/api/v1/signals?wait=false", json=waiting[0])
                if answer.status_code not in {200, 202}:
                    break
                acknowledged += len(waiting.pop(0))
        timer.cancel()
        process.kill()
        process.wait()
    return acknowledged


def killed_over_mqtt(kills: int, rows: list[dict[str, Any]], url: str, folder: Path) -> int:
    """Publish reports to a broker whose desk is killed so often; return how many the broker acknowledged."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    from tests.mosquitto import broker

    chance, port, done = random.Random(SEED), free_port(), threading.Event()
    with broker(folder) as found:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.connect("127.0.0.1", found.port)
        client.loop_start()

        def publish() -> None:
            for row in rows:
                client.publish("fudian/signals", json.dumps(row), qos=1).wait_for_publish(60)
                time.sleep(0.004)
            done.set()

        process = started(url, port, found.url)
        threading.Thread(target=publish, daemon=True).start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.0, 0.4))
            process.kill()
            process.wait()
            process = started(url, port, found.url)
        done.wait()
        wait_for(url, len(rows))
        process.kill()
        process.wait()
        client.disconnect()
        client.loop_stop()
    return len(rows)


def undisturbed(rows: list[dict[str, Any]]) -> list[Any]:
    utility = feeder(SECTIONS)
    utility.hear(rows)
    return [(each["id"], each["state"], each["dark"]) for each in utility.incidents()["incidents"]]


def wait_for(url: str, count: int, seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    store = store_of(url)
    while sum(1 for _ in Ledger(store).since()) < count and time.monotonic() < deadline:
        time.sleep(0.2)
    store.close()


def rate(count: int) -> None:
    sections = 2_000
    rows = reports(count, sections)
    bodies = [
        gzip.compress("\n".join(json.dumps(row) for row in rows[start : start + BATCH]).encode(), 1)
        for start in range(0, count, BATCH)
    ]
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    with tempfile.TemporaryDirectory() as name:
        url, port = f"sqlite:///{name}/store.sqlite", free_port()
        process = started(url, port, "", sections)
        begun = time.perf_counter()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            for body in bodies:
                while client.post("/api/v1/signals?wait=false", content=body, headers=headers).status_code == 429:
                    time.sleep(0.1)
        took = time.perf_counter() - begun
        peak = next(
            int(line.split()[1])
            for line in Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines()
            if line.startswith("VmHWM")
        )
        process.terminate()
        process.wait()
        bare = bare_loop(rows, Path(name) / "bare.sqlite")
    used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    print(
        f"{count} reports over HTTP in batches of {BATCH}: {count / took:,.0f} a second, kept before each answer; "
        f"a bare insert loop of the same rows in the same batches {count / bare:,.0f}; "
        f"the desk's memory {peak / 1024:,.0f} MB; this process used {used:.0f} s"
    )


def bare_loop(rows: list[dict[str, Any]], path: Path) -> float:
    """Insert the same rows in the same batches, each on the disk before the next; return the seconds."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (number INTEGER PRIMARY KEY, event_id TEXT UNIQUE, details TEXT)")
    begun = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        with connection:
            part = [(row["event_id"], json.dumps(row)) for row in rows[start : start + BATCH]]
            connection.executemany("INSERT INTO events (event_id, details) VALUES (?, ?)", part)
    took = time.perf_counter() - begun
    connection.close()
    return took


def main() -> None:
    match sys.argv[1:]:
        case ["kill", kills, *more]:
            kill(int(kills), more[0] if more else "http", more[1] if len(more) > 1 else "sqlite")
        case ["rate", count]:
            rate(int(count))
        case _:
            print(__doc__)


if __name__ == "__main__":
    main()
