"""Clients that are slow on purpose: half a request, half a body, an answer that nobody takes; the server goes on for others."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from dashboard.access import connections, edges
from dashboard.app import server_settings
from fudian.store import Store
from tests.dashboard.access.conftest import gated, served_by

SOON_S = 0.6


@contextmanager
def serving(app: Any) -> Iterator[tuple[str, int]]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(server_settings(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield listening.getsockname()
    server.should_exit = True
    thread.join(15)
    listening.close()


@pytest.fixture
def place(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server that loses patience soon, with answers of 20 MB."""
    monkeypatch.setattr(connections, "HEADERS_WITHIN_S", SOON_S)
    monkeypatch.setattr(connections, "TAKES_EVERY_S", SOON_S)
    monkeypatch.setattr(edges, "WHOLE_WITHIN_S", SOON_S)

    async def large(scope: Any, receive: Any, send: Any) -> None:
        size = 20 << 20 if scope["path"] == "/large" else 10
        await PlainTextResponse("x" * size)(scope, receive, send)

    with serving(gated(served_by(store), large)) as place:
        yield place


def said_until_closed(client: socket.socket, within_s: float = 10 * SOON_S) -> bytes:
    """Return what a server says until it closes; fails if it does not."""
    client.settimeout(within_s)
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def test_half_a_request_is_not_held(place: tuple[str, int]) -> None:
    with ExitStack() as open_:
        clients = [open_.enter_context(socket.create_connection(place)) for _ in range(300)]
        for number, client in enumerate(clients):
            client.sendall(b"" if number % 2 else b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        began = time.monotonic()
        assert httpx.get(f"http://127.0.0.1:{place[1]}/").text == "x" * 10, "others are served meanwhile"
        assert time.monotonic() - began < 5
        assert {said_until_closed(client) for client in clients} == {b""}


def test_headers_that_trickle_are_not_waited_for(place: tuple[str, int]) -> None:
    def trickle(client: socket.socket, for_s: float) -> None:
        until = time.monotonic() + for_s
        while time.monotonic() < until:
            client.sendall(b"X: y\r\n")
            time.sleep(SOON_S / 6)

    with socket.create_connection(place) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        with pytest.raises(ConnectionError):
            trickle(client, 20 * SOON_S)


def test_headers_have_an_end(place: tuple[str, int]) -> None:
    for junk in (b"GET /" + b"x" * 100_000, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"y" * 100_000):
        with socket.create_connection(place) as client:
            client.sendall(junk)
            assert said_until_closed(client).startswith(b"HTTP/1.1 431 ")


def test_a_body_that_trickles_is_refused(place: tuple[str, int]) -> None:
    with socket.create_connection(place) as client:
        client.sendall(b"POST /api/v1/locate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n[")
        assert said_until_closed(client).startswith(b"HTTP/1.1 408 ")


def test_a_large_body_is_refused_before_it_comes(place: tuple[str, int]) -> None:
    with socket.create_connection(place) as client:
        client.sendall(b"POST /api/v1/locate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n")
        assert said_until_closed(client).startswith(b"HTTP/1.1 413 ")


def test_an_answer_that_nobody_takes_is_not_kept(place: tuple[str, int]) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(place)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(4 * SOON_S)
        taken = said_until_closed(client)
        assert 0 < len(taken) < 20 << 20


def test_an_answer_that_is_taken_slowly_comes_whole(place: tuple[str, int]) -> None:
    with socket.socket() as client:
        client.connect(place)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        taken = 0
        began = time.monotonic()
        while part := client.recv(1 << 20):
            taken += len(part)
            time.sleep(SOON_S / 8)
        assert taken > 20 << 20
        assert time.monotonic() - began > 2 * SOON_S


def test_several_requests_on_one_connection_are_answered(place: tuple[str, int]) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{place[1]}") as client:
        for _ in range(3):
            assert client.get("/").text == "x" * 10
            time.sleep(SOON_S * 1.5)


@pytest.mark.parametrize(
    "junk",
    [b"\x16\x03\x01\x02\x00\x01", b"GET  HTTP/1.1\r\n\r\n", b"\r\n\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 500],
)
def test_what_is_no_request_ends(place: tuple[str, int], junk: bytes) -> None:
    with socket.create_connection(place) as client:
        client.sendall(junk)
        assert b"Traceback" not in said_until_closed(client)
    assert httpx.get(f"http://127.0.0.1:{place[1]}/").status_code == 200
