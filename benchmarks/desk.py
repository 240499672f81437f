"""The desk under fire: killed at random moments, and as fast as it goes, beside a bare insert loop of the same rows.

    .venv/bin/python -m benchmarks.desk kill 50                  # kill -9 so often: SQLite over HTTP
    .venv/bin/python -m benchmarks.desk kill 50 mqtt             # the same over a real broker (mosquitto)
    .venv/bin/python -m benchmarks.desk kill 50 http postgresql  # the same on a real PostgreSQL
    .venv/bin/python -m benchmarks.desk rate 1000000             # reports a second over HTTP, in batches of 1,000
    .venv/bin/python -m benchmarks.desk rate 100000 mqtt         # the same over a broker, a message each
    .venv/bin/python -m benchmarks.desk screen                   # from a report to its incident on the screen, in a browser

A run of kills sends storms (:mod:`benchmarks.desk_storms`) with a number to each report and, over HTTP, operations of
switches; what is not acknowledged is sent again. In the end every number must stand in the ledger once, and incidents and the
state of the switches must equal those of a desk that was never disturbed; sheets are not decided on and not compared. The seed is
printed, and may be given at the end.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select

from benchmarks.desk_server import free_port, started
from benchmarks.desk_storms import operations, reports, utility
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
    with tempfile.TemporaryDirectory() as name, stores(kind, Path(name)) as url:
        killed = killed_over_mqtt if way == "mqtt" else killed_over_http
        acknowledged = killed(kills, rows, moves, url, Path(name), random.Random(seed))
        store = store_of(url)
        told = [each.event_id.rpartition(":")[2] for each in Ledger(store).since()]
        sent = {row["event_id"] for row in (*rows, *(move for _, move in moves))}
        with Desk(utility(), store) as desk:
            found = state(desk)
        store.close()
    return {
        "kills": kills,
        "way": way,
        "store": kind,
        "seed": seed,
        "acknowledged": acknowledged,
        "lost": len(sent - set(told)),
        "doubled": len(told) - len(set(told)),
        "equals an undisturbed desk": found == undisturbed(rows, [move for _, move in moves]),
    }


def killed_over_http(
    kills: int,
    rows: list[dict[str, Any]],
    moves: list[tuple[int, dict[str, Any]]],
    url: str,
    _: Path,
    chance: random.Random,
) -> int:
    """Send reports and operations to a desk that is killed so often; return how many were acknowledged."""
    port, acknowledged = free_port(), 0
    waiting: list[tuple[str, list[dict[str, Any]]]] = []
    place = 0
    for until, move in (*moves, (len(rows), None)):
        while place < until:
            count = min(chance.randint(1, 4), until - place)
            waiting.append(("/api/v1/signals?wait=false", rows[place : place + count]))
            place += count
        if move is not None:
            waiting.append(("/api/v1/operations", [move]))
    for turn in range(kills + 1):
        process = started(url, port)
        last = turn == kills
        timer = threading.Timer(chance.uniform(0.0, 0.4), process.kill)
        if not last:
            timer.start()
        with suppress(httpx.HTTPError), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while waiting and (last or process.is_alive()):
                path, body = waiting[0]
                if client.post(path, json=body).status_code not in {200, 202}:
                    break
                acknowledged += len(waiting.pop(0)[1])
                if not last:
                    time.sleep(chance.uniform(0.0, 0.02))
        if last:
            process.kill()
        process.join()
        timer.cancel()
    return acknowledged


def killed_over_mqtt(
    kills: int, rows: list[dict[str, Any]], _: list[Any], url: str, folder: Path, chance: random.Random
) -> int:
    """Publish reports to a broker whose desk is killed so often; return how many the broker acknowledged."""
    from tests.mosquitto import broker

    port, done = free_port(), threading.Event()
    with broker(folder) as found:
        client = publisher(found.port)
        over = threading.Event()

        def publish() -> None:
            for number, row in enumerate(rows):
                client.publish("fudian/signals", json.dumps(row), qos=1).wait_for_publish(60)
                if number % ROWS_A_LIFE == 0:
                    over.wait(0.4)
            done.set()

        process = started(url, port, found.url)
        threading.Thread(target=publish, daemon=True).start()
        for _turn in range(kills):
            time.sleep(chance.uniform(0.0, 0.4))
            process.kill()
            process.join()
            process = started(url, port, found.url)
        over.set()
        done.wait()
        wait_for(url, len(rows))
        process.kill()
        process.join()
        client.disconnect()
        client.loop_stop()
    return len(rows)


def publisher(port: int) -> Any:
    """Return a client that publishes to a broker of this machine."""
    from paho.mqtt.client import Client, MQTTv5
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


def state(desk: Desk) -> Any:
    """Return all that a desk knows, but for who told it under which number."""
    desk.wait()
    known = desk.utility.operated()
    switches = {name: known[name] for name in ("opened", "closed", "cuts", "jumpers", "dead")}
    return json.loads(json.dumps([desk.utility.incidents()["incidents"], switches], default=str))


def undisturbed(rows: list[dict[str, Any]], moves: list[dict[str, Any]]) -> Any:
    """Return what a desk knows that was told the same without any stop."""
    store = store_of("sqlite://")
    with Desk(utility(), store) as desk:
        desk.accept(rows, "undisturbed")
        desk.operate(moves, "undisturbed")
        found = state(desk)
    store.close()
    return found


def wait_for(url: str, count: int, seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    store = store_of(url)
    while kept(store) < count and time.monotonic() < deadline:
        time.sleep(0.2)
    store.close()


def kept(store: Store) -> int:
    """Return how many events stand in a ledger."""
    with store.reading() as connection:
        return int(connection.execute(select(func.max(DESK_EVENTS.c.number))).scalar_one() or 0)


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
