"""Reports over HTTP: whatever they are packed in, kept before they are acknowledged, refused with what to do."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from dashboard.intake.health import health_router
from dashboard.intake.http import intake_router
from dashboard.intake.work import work_router
from fudian.desk import Desk
from fudian.ledger import Ledger
from fudian.store import Store, store_of
from network import FudianError
from tests.disks import small_disk
from tests.fudian.test_desk import TRIP, report, utility

LINES = "\n".join(json.dumps(row) for row in TRIP)


@pytest.fixture
def store() -> Iterator[Store]:
    store = store_of("sqlite://")
    yield store
    store.close()


@contextmanager
def client_of(desk: Desk) -> Iterator[httpx.Client]:
    """Serve the route alone on a free port, and give a client of it."""
    server = FastAPI()
    server.include_router(intake_router(desk, {}))
    server.include_router(work_router(desk, {}))
    server.include_router(health_router(desk, {}))

    @server.exception_handler(FudianError)
    def refused(_: Request, error: FudianError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 422)

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(server, log_level="warning"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=60) as client:
        yield client
    running.should_exit = True
    thread.join(20)
    listening.close()


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    with Desk(utility(), store, most_waiting=20) as desk:
        yield desk


@pytest.fixture
def client(desk: Desk) -> Iterator[httpx.Client]:
    with client_of(desk) as client:
        yield client


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (json.dumps(TRIP).encode(), {}),
        (LINES.encode(), {"Content-Type": "application/x-ndjson"}),
        (gzip.compress(LINES.encode()), {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}),
        (gzip.compress(json.dumps(TRIP).encode()), {"Content-Encoding": "gzip"}),
    ],
    ids=["list", "lines", "packed lines", "packed list"],
)
def test_reports_are_kept_and_judged_in_any_form(
    client: httpx.Client, store: Store, body: bytes, headers: dict[str, str]
) -> None:
    answer = client.post("/api/v1/signals", content=body, headers=headers)
    told = answer.json()
    assert (answer.status_code, told["accepted"], told["repeated"], told["heard"], told["judged"]) == (
        200,
        6,
        0,
        6,
        True,
    )
    assert [each["id"] for each in told["changed"]] == ["20220720T120000-K1"]
    assert len(list(Ledger(store).since())) == 6
    again = client.post("/api/v1/signals", content=body, headers=headers).json()
    assert (again["accepted"], again["repeated"]) == (0, 6)


def test_one_report_needs_no_list(client: httpx.Client) -> None:
    assert client.post("/api/v1/signals", json=TRIP[0]).json()["accepted"] == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{", {}),
        (b"[1]", {}),
        (b"[[]]", {}),
        (b"[" * 100_000, {}),
        (b"{}\n{", {"Content-Type": "application/x-ndjson"}),
        (b"\x1f\x8b broken", {"Content-Encoding": "gzip"}),
        (gzip.compress(b"[]")[:-9], {"Content-Encoding": "gzip"}),
        (b"[]", {"Content-Encoding": "br"}),
        (gzip.compress(b" " * (65 << 20)), {"Content-Encoding": "gzip"}),
        (b"[" + b"{}," * 100_000 + b"{}]", {}),
    ],
    ids=["cut", "number", "list", "deep", "second line", "no gzip", "cut gzip", "other packing", "large", "many"],
)
def test_what_is_no_report_is_refused(client: httpx.Client, store: Store, body: bytes, headers: dict[str, str]) -> None:
    answer = client.post("/api/v1/signals", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert list(Ledger(store).since()) == []


def test_too_much_is_to_be_sent_later(desk: Desk, client: httpx.Client) -> None:
    with desk.utility._hearing:  # the judge is held up
        assert client.post("/api/v1/signals?wait=false", json=TRIP).status_code == 202
        many = [report("T1", "on", i, f"x{i}") for i in range(15)]
        refused = client.post("/api/v1/signals", json=many)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
    desk.wait()
    assert client.post("/api/v1/signals", json=many).json()["accepted"] == 15


def test_a_full_disk_is_told_and_what_is_sent_again_later_is_kept(tmp_path: Path) -> None:
    many = [report("T1", "off", i / 1000, f"m{i}") for i in range(5000)]
    with small_disk(tmp_path / "disk") as disk:
        store = store_of(disk.folder / "store.sqlite")
        disk.holds(store)
        with Desk(utility(), store) as desk, client_of(desk) as client:
            disk.fill(store)
            refused = client.post("/api/v1/signals?wait=false", json=many)
            assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (503, True)
            assert "full" in refused.json()["error"]
            assert client.get("/public/health").status_code == 503
            assert 'outcome="store_errors"} 1' in client.get("/api/v1/metrics").text
            disk.make_room()
            assert client.post("/api/v1/signals", json=many).json()["accepted"] == 5000
            assert client.get("/public/health").status_code == 200
        store.close()


def test_bad_rows_are_told_beside_those_that_were_kept(client: httpx.Client) -> None:
    rows: list[dict[str, Any]] = [TRIP[0], {"time": "never", "object": "branch"}]
    told = client.post("/api/v1/signals?lang=zh", json=rows).json()
    assert told["accepted"] == 1
    assert "never" in {problem["value"] for problem in told["problems"]}


def test_work_on_an_incident(client: httpx.Client) -> None:
    client.post("/api/v1/signals", json=TRIP)
    path = "/api/v1/incidents/20220720T120000-K1"
    assert client.get(f"{path}/sheet").json()["stage"] is None
    decision = {"action": "stage", "stage": "arrived", "at": "2022-07-20T12:20:00", "event_id": "phone-17"}
    for _ in range(2):
        sheet = client.post(f"{path}/decisions", json=decision).json()
    assert sheet["stages"] == {"arrived": "2022-07-20T12:20:00"}
    assert len(sheet["history"]) == 1
    assert client.get(f"{path}/sheet").json() == sheet
    assert client.post(f"{path}/decisions", json={"action": "sing"}).status_code == 422
    assert client.get("/api/v1/incidents/nothing/sheet").status_code == 422
