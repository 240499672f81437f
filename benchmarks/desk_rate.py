"""How many reports a second the desk takes in, over HTTP or from a broker, and what its memory does meanwhile.

Meters of 500 feeders go off and come on again, feeder after feeder, for an hour as the reports have it; the hour is played as
fast as it goes. A bare loop inserts the same rows in the same batches into a table of SQLite, and is the limit of what can
be.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks.dashboard import share
from benchmarks.desk import publisher, stores, wait_for
from benchmarks.desk_server import free_port, started
from fudian import Utility
from network import Network

NOON = datetime(2022, 7, 20, 12)
FEEDERS, SECTIONS, METERS = 500, 10, 20
"""Feeders, transformers of each, and meters of each transformer."""

BATCH = 1_000
HOUR_MIN = 60
PRINTED_EVERY_MIN = 5


def utility() -> Utility:
    """Return the feeders, which have heard nothing."""
    return Utility(Network.from_text("; ".join(_feeder(each) for each in range(FEEDERS))).workspace)


def _feeder(number: int) -> str:
    name = f"F{number:03}"
    lines = " ".join(f"-{name}L{i}- {name}n{i}" for i in range(1, SECTIONS + 1))
    users = "; ".join(f"{name}T{i}({METERS}) @ {name}n{i}" for i in range(1, SECTIONS + 1))
    return f"={name}S -[{name}K]- {name}n0 {lines}; {users}"


def reports(count: int) -> Iterator[dict[str, Any]]:
    """Give so many reports of meters, spread over an hour: feeder after feeder off, and on again six minutes later."""
    meters = SECTIONS * METERS
    turns = -(-count // (FEEDERS * meters))
    number = 0
    for turn in range(turns):
        kind = "off" if turn % 2 == 0 else "on"
        for feeder in range(FEEDERS):
            at = NOON + timedelta(minutes=HOUR_MIN * (turn + feeder / FEEDERS) / turns)
            for meter in range(meters):
                if number == count:
                    return
                place = f"F{feeder:03}T{1 + meter // METERS}-{1 + meter % METERS}"
                yield {"time": (at + timedelta(milliseconds=100 * (meter % 50))).isoformat(), "object": "customer",
                       "object_id": place, "kind": kind, "event_id": f"e{number}"}  # fmt: skip
                number += 1


def rate(count: int, way: str = "http", kind: str = "sqlite") -> None:
    """Print how many reports a second the desk takes in."""
    rows = list(reports(count))
    with tempfile.TemporaryDirectory() as name, stores(kind, Path(name)) as url:
        port = free_port()
        told = _over_mqtt(rows, url, port, Path(name)) if way == "mqtt" else _over_http(rows, url, port)
        bare = bare_loop(rows, Path(name) / "bare.sqlite")
    print(
        f"{count:,} reports over {way}, {kind}: {told}; a bare insert loop of the same rows in batches of {BATCH:,}: {bare}"
    )


class Watch:
    """The clock, the processor's time and the memory of a desk while it takes in."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        self._begun, self._used = time.perf_counter(), self._processor_s()
        self._next = PRINTED_EVERY_MIN

    def _processor_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    def at(self, row: dict[str, Any]) -> None:
        """Print the memory once so many minutes have passed in what is reported."""
        passed = (datetime.fromisoformat(row["time"]) - NOON) / timedelta(minutes=1)
        if passed >= self._next:
            print(f"  minute {self._next:>2} of the storm: {self.memory_mb():,.0f} MB")
            self._next += PRINTED_EVERY_MIN

    def told(self, count: int) -> str:
        """Return the rate by the clock and by the processor's time of the desk."""
        took, used = time.perf_counter() - self._begun, self._processor_s() - self._used
        return (
            f"{count / took:,.0f} a second by the clock, {count / used:,.0f} a second of the processor "
            f"({took:.0f} s, {used:.0f} s), {self.memory_mb():,.0f} MB"
        )


def _over_http(rows: list[dict[str, Any]], url: str, port: int) -> str:
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    bodies = [
        gzip.compress("\n".join(json.dumps(row) for row in rows[start : start + BATCH]).encode(), 1)
        for start in range(0, len(rows), BATCH)
    ]
    process = started(url, port, "", "benchmarks.desk_rate")
    watch, waited = Watch(process.pid), 0
    acknowledged_s: list[float] = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        for number, body in enumerate(bodies):
            sent = time.perf_counter()
            while client.post("/api/v1/signals?wait=false", content=body, headers=headers).status_code == 429:
                waited += 1
                time.sleep(0.1)
                sent = time.perf_counter()
            acknowledged_s.append(time.perf_counter() - sent)
            watch.at(rows[number * BATCH])
        kept = watch.told(len(rows))
        while float(_waiting(client)) > 0:
            time.sleep(0.2)
        judged = watch.told(len(rows))
    process.terminate()
    process.join()
    slow = ", ".join(f"p{part:.0%}"[:-1] + f" {share(acknowledged_s, part):.3f} s" for part in (0.5, 0.99))
    return f"kept {kept}, asked to wait {waited} times, a batch acknowledged within {slow}; judged too {judged}"


def _waiting(client: httpx.Client) -> str:
    lines = client.get("/api/v1/metrics").text.splitlines()
    return next(line.split()[1] for line in lines if line.startswith("fudian_signals_waiting "))


def _over_mqtt(rows: list[dict[str, Any]], url: str, port: int, folder: Path) -> str:
    """Let the broker hold all of them, then take them in: the rate is the desk's, not that of who publishes."""
    from tests.mosquitto import broker

    with broker(folder, saved_every_s=3_600) as found:
        first = started(url, port, found.url, "benchmarks.desk_rate")  # subscribes, so that the broker keeps what comes
        first.terminate()
        first.join()
        client = publisher(found.port)
        for start in range(0, len(rows), BATCH):
            sent = [client.publish("fudian/signals", json.dumps(row), qos=1) for row in rows[start : start + BATCH]]
            for each in sent:
                each.wait_for_publish(600)
        client.disconnect()
        client.loop_stop()
        process = started(url, port, found.url, "benchmarks.desk_rate")
        watch = Watch(process.pid)
        wait_for(url, len(rows), told=lambda count: watch.at(rows[count - 1]) if count else None)
        told = watch.told(len(rows))
        process.terminate()
        process.join()
    return f"kept {told}, a message each"


def bare_loop(rows: list[dict[str, Any]], path: Path) -> str:
    """Insert the same rows in the same batches, each on the disk before the next; return the rates."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (number INTEGER PRIMARY KEY, event_id TEXT UNIQUE, details TEXT)")
    begun, used = time.perf_counter(), time.process_time()
    for start in range(0, len(rows), BATCH):
        with connection:
            part = [(row["event_id"], json.dumps(row)) for row in rows[start : start + BATCH]]
            connection.executemany("INSERT INTO events (event_id, details) VALUES (?, ?)", part)
    took, used = time.perf_counter() - begun, time.process_time() - used
    connection.close()
    return f"{len(rows) / took:,.0f} a second by the clock, {len(rows) / used:,.0f} a second of the processor"
