"""The desk under fire: killed at random moments, and as fast as it goes, beside a bare insert loop of the same rows.

    .venv/bin/python -m benchmarks.desk kill 50                  # kill -9 so often: SQLite over HTTP
    .venv/bin/python -m benchmarks.desk kill 50 mqtt             # the same over a real broker (mosquitto)
    .venv/bin/python -m benchmarks.desk kill 50 http postgresql  # the same on a real PostgreSQL
    .venv/bin/python -m benchmarks.desk rate 1000000             # reports a second over HTTP, in batches of 1,000
    .venv/bin/python -m benchmarks.desk rate 1000000 mqtt        # the same over a broker, a message each
    .venv/bin/python -m benchmarks.desk screen                   # from a report to its incident on the screen, in a browser

A run of kills sends storms (:mod:`benchmarks.desk_storms`) with a number to each report, what dispatchers decide meanwhile
(:mod:`benchmarks.desk_work`: stages, orders, steps, merging, splitting, closing, undoing …) and, over HTTP, operations of
switches; what is not acknowledged is sent again. In the end every number must stand in the ledger once, and incidents, sheets
and the state of the switches must equal those of a desk that was never disturbed. The seed is printed, and may be given at
the end.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from benchmarks.desk_server import free_port, started
from benchmarks.desk_storms import operations, reports, utility
from benchmarks.desk_work import Decision, known, send, undisturbed
from fudian.desk import Desk
from fudian.ledger import Ledger
from fudian.store import Store, store_of
from fudian.store.desk_tables import DESK_EVENTS

SEED = 20_221_009
ROWS_A_LIFE = 36
"""Reports for each kill: more than one life takes in."""


@contextmanager
def stores(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'store.sqlite'}"
        return
    from tests.postgres import postgresql

    (folder / "postgresql").mkdir()
    with postgresql(folder / "postgresql") as server:
        yield server.new_database()


def kill(kills: int, way: str, kind: str, seed: int = SEED) -> dict[str, Any]:
    """Kill a desk so often; return what was acknowledged, lost and doubled, and whether it equals an undisturbed one."""
    rows = reports(min(kills * ROWS_A_LIFE, 1_900))
    moves = operations(rows) if way == "http" else []
    expected, decided = undisturbed(rows, moves, seed, is_worked=True)
    with tempfile.TemporaryDirectory() as name, stores(kind, Path(name)) as url:
        steps = _steps(rows, moves, decided, random.Random(seed))
        killed = killed_over_mqtt if way == "mqtt" else killed_over_http
        acknowledged = killed(kills, steps, url, Path(name), random.Random(seed))
        store = store_of(url)
        told = [each.event_id.rpartition(":")[2] for each in Ledger(store).since() if each.who != "desk"]
        sent = {row["event_id"] for row in (*rows, *(move for _, move in moves), *(each.said for each in decided))}
        with Desk(utility(), store) as desk:
            found = known(desk)
        store.close()
    return {
        "kills": kills,
        "way": way,
        "store": kind,
        "seed": seed,
        "acknowledged": acknowledged,
        "decisions": len(decided),
        "lost": len(sent - set(told)),
        "doubled": len(told) - len(set(told)),
        "equals an undisturbed desk": found == expected,
    }


@dataclass(frozen=True)
class Step:
    """What is sent at once: some reports, an operation, or a decision; and how many reports were sent by then."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    move: dict[str, Any] | None = None
    decision: Decision | None = None
    after: int = 0

    def send(self, client: httpx.Client) -> bool:
        """Send it over HTTP; return whether it was acknowledged."""
        if self.decision is not None:
            return send(client, self.decision)
        path = "/api/v1/operations" if self.move else "/api/v1/signals?wait=false"
        return client.post(path, json=[self.move] if self.move else self.reports).status_code in {200, 202}


def _steps(
    rows: list[dict[str, Any]],
    moves: list[tuple[int, dict[str, Any]]],
    decided: list[Decision],
    chance: random.Random,
) -> list[Step]:
    """Return all that is sent, in order: reports in small parts, and what people do in between."""
    done = [(place, Step(move=move, after=place)) for place, move in moves]
    done += [(each.after, Step(decision=each, after=each.after)) for each in decided]
    done.sort(key=lambda pair: pair[0])
    found: list[Step] = []
    place = 0
    for until, step in (*done, (len(rows), None)):
        while place < until:
            count = min(chance.randint(1, 4), until - place)
            found.append(Step(rows[place : place + count], after=place + count))
            place += count
        found += [] if step is None else [step]
    return found


def killed_over_http(kills: int, steps: list[Step], url: str, _: Path, chance: random.Random) -> int:
    """Send to a desk that is killed so often; return how many steps were acknowledged, a report each."""
    port, acknowledged, waiting = free_port(), 0, deque(steps)
    for turn in range(kills + 1):
        process = started(url, port)
        last = turn == kills
        timer = threading.Timer(chance.uniform(0.0, 0.4), process.kill)
        if not last:
            timer.start()
        with suppress(httpx.HTTPError), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while waiting and (last or process.is_alive()):
                if not waiting[0].send(client):
                    break
                acknowledged += len(waiting.popleft().reports) or 1
                if not last:
                    time.sleep(chance.uniform(0.0, 0.02))
        if last:
            process.kill()
        process.join()
        timer.cancel()
    return acknowledged


def killed_over_mqtt(kills: int, steps: list[Step], url: str, folder: Path, chance: random.Random) -> int:
    """Publish reports to a broker whose desk is killed so often, and decide over HTTP; return how many were acknowledged."""
    from tests.mosquitto import broker

    port, done, over = free_port(), threading.Event(), threading.Event()
    with broker(folder) as found:
        client, store = publisher(found.port), store_of(url)

        def publish() -> None:
            paced = 0
            for step in steps:
                for row in step.reports:
                    client.publish("fudian/signals", json.dumps(row), qos=1).wait_for_publish(60)
                if step.decision is not None:
                    decide(step)
                elif step.after - paced >= ROWS_A_LIFE:
                    paced = step.after
                    over.wait(0.4)
            done.set()

        def decide(step: Step) -> None:
            deadline = time.monotonic() + 600
            while time.monotonic() < deadline:
                with suppress(httpx.HTTPError), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as desk:
                    if kept(store, "signal") >= step.after and step.send(desk):
                        return
                time.sleep(0.02)

        process = started(url, port, found.url)
        threading.Thread(target=publish, daemon=True).start()
        for _turn in range(kills):
            time.sleep(chance.uniform(0.0, 0.4))
            process.kill()
            process.join()
            process = started(url, port, found.url)
        over.set()
        done.wait()
        wait_for(url, sum(len(each.reports) for each in steps), kind="signal")
        process.kill()
        process.join()
        store.close()
        client.disconnect()
        client.loop_stop()
    return sum(len(each.reports) or 1 for each in steps)


def publisher(port: int) -> Any:
    """Return a client that publishes to a broker of this machine."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.max_inflight_messages_set(2_000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


def wait_for(
    url: str, count: int, seconds: float = 600, kind: str = "", told: Callable[[int], object] = lambda _: None
) -> None:
    """Wait until so many events stand in a ledger; tell meanwhile how many there are."""
    deadline = time.monotonic() + seconds
    store = store_of(url)
    while (found := kept(store, kind)) < count and time.monotonic() < deadline:
        told(found)
        time.sleep(0.2)
    store.close()


def kept(store: Store, kind: str = "") -> int:
    """Return how many events stand in a ledger, all or of one kind."""
    asked = select(func.max(DESK_EVENTS.c.number))
    if kind:
        asked = select(func.count()).where(DESK_EVENTS.c.kind == kind)
    with store.reading() as connection:
        return int(connection.execute(asked).scalar_one() or 0)


def _asked(more: list[str]) -> tuple[str, str]:
    """Return the way and the store that were asked for."""
    way, kind, *_ = (*more, *("http", "sqlite")[len(more) :])
    return way, kind


def main() -> None:
    from benchmarks.desk_rate import rate

    match sys.argv[1:]:
        case ["kill", kills, *more]:
            begun = time.perf_counter()
            seed = int(more.pop()) if more and more[-1].isdigit() else SEED
            print(kill(int(kills), *_asked(more), seed))
            print(f"{time.perf_counter() - begun:.0f} s")
        case ["rate", count, *more]:
            rate(int(count), *_asked(more))
        case ["screen", *storms]:
            from benchmarks.desk_screen import screen

            screen(*map(int, storms))
        case _:
            print(__doc__)


if __name__ == "__main__":
    main()
