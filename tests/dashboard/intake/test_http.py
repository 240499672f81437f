"""Reports over HTTP: whatever they are packed in, kept before they are acknowledged, refused with what to do."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from dashboard.intake.http import intake_router
from fudian.desk import Desk
from fudian.ledger import Ledger
from fudian.store import Store, store_of
from network import FudianError
from tests.fudian.test_desk import TRIP, report, utility

LINES = "\n".join(json.dumps(row) for row in TRIP)


@pytest.fixture
def store() -> Iterator[Store]:
    store = store_of("sqlite://")
    yield store
    store.close()


def client_of(desk: Desk) -> TestClient:
    server = FastAPI()
    server.include_router(intake_router(desk, {}))

    @server.exception_handler(FudianError)
    def refused(_: Request, error: FudianError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 422)

    return TestClient(server)


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    with Desk(utility(), store, most_waiting=20) as desk:
        yield desk


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (json.dumps(TRIP).encode(), {}),
        (LINES.encode(), {"Content-Type": "application/x-ndjson"}),
        (gzip.compress(LINES.encode()), {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}),
        (gzip.compress(json.dumps(TRIP).encode()), {"Content-Encoding": "gzip"}),
    ],
)
def test_reports_are_kept_and_judged_in_any_form(
    desk: Desk, store: Store, body: bytes, headers: dict[str, str]
) -> None:
    answer = client_of(desk).post("/api/v1/signals", content=body, headers=headers)
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
    again = client_of(desk).post("/api/v1/signals", content=body, headers=headers).json()
    assert (again["accepted"], again["repeated"]) == (0, 6)


def test_one_report_needs_no_list(desk: Desk) -> None:
    assert client_of(desk).post("/api/v1/signals", json=TRIP[0]).json()["accepted"] == 1


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
)
def test_what_is_no_report_is_refused(desk: Desk, store: Store, body: bytes, headers: dict[str, str]) -> None:
    answer = client_of(desk).post("/api/v1/signals", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert list(Ledger(store).since()) == []


def test_too_much_is_to_be_sent_later(desk: Desk) -> None:
    client = client_of(desk)
    with desk.utility._hearing:  # the judge is held up
        assert client.post("/api/v1/signals?wait=false", json=TRIP).status_code == 202
        many = [report("T1", "on", i, f"x{i}") for i in range(15)]
        refused = client.post("/api/v1/signals", json=many)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) >= 1
    desk.wait()
    assert client.post("/api/v1/signals", json=many).json()["accepted"] == 15


def test_bad_rows_are_told_beside_those_that_were_kept(desk: Desk) -> None:
    rows: list[dict[str, Any]] = [TRIP[0], {"time": "never", "object": "branch"}]
    told = client_of(desk).post("/api/v1/signals?lang=zh", json=rows).json()
    assert told["accepted"] == 1
    assert "never" in {each["value"] for each in told["problems"]}
