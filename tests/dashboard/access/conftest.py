"""A gate before a small application that tells who came through, and accounts of every role."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from dashboard.access.edges import Edges
from dashboard.access.entrance import Access, Rules
from dashboard.access.gate import Gate, content_policy
from dashboard.access.hosts import Origins
from dashboard.access.reader import reader
from dashboard.access.roles import ROLES, SCOPES
from fudian.store import Store, store_of
from fudian.store.database import IN_MEMORY

PASSWORD = "four words nobody would guess"  # noqa: S105
HERE = Origins("127.0.0.1", False, False, False, "localhost", "localhost", None, "")


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with who came through the gate."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    body = (await receive())["body"]
    who = reader()
    answer = {"who": who.who, "role": who.role, "masked": who.is_masked, "peer": who.peer, "bytes": len(body)}
    await JSONResponse(answer | {"path": scope["path"]})(scope, receive, send)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store() -> Iterator[Store]:
    store = store_of(IN_MEMORY)
    yield store
    store.close()


@pytest.fixture(scope="module")
def peopled() -> Iterator[Store]:
    """A store with an account of every role and a token of every scope."""
    store = store_of(IN_MEMORY)
    access = Access(store)
    for role in ROLES:
        access.accounts.add(role, role, PASSWORD)
    yield store
    store.close()


@pytest.fixture(scope="module")
def keys(peopled: Store) -> dict[str, dict[str, str]]:
    """Headers by which each account and each token comes in."""
    access = Access(peopled)
    signed_in = {role: {"cookie": f"fudian={access.sessions.begin(access.accounts.named(role))}"} for role in ROLES}
    tokens = {f"token {scope}": {"authorization": f"Bearer {access.tokens.add(scope, [scope])[0]}"} for scope in SCOPES}
    return signed_in | tokens | {"nobody": {}}


def gated(access: Access, app: Any = told) -> Gate:
    """Put the gate before an application, as it stands before the pages."""
    return Gate(Edges(app), access, content_policy([]), "en")


@asynccontextmanager
async def client_of(
    gate: Gate, peer: str = "127.0.0.1", base: str = "http://localhost"
) -> AsyncIterator[httpx.AsyncClient]:
    """Ask through a gate from some address."""
    transport = httpx.ASGITransport(gate, client=(peer, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client


Asking = Callable[..., httpx.Response]


def ask_of(access: Access, peer: str = "127.0.0.1", base: str = "http://localhost", app: Any = told) -> Asking:
    """Return a function that asks once through a gate."""
    import asyncio

    gate = gated(access, app)

    def ask(method: str, path: str, **more: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            async with client_of(gate, peer, base) as client:
                return await client.request(method, path, **more)

        return asyncio.run(once())

    return ask


def served_by(store: Store, **rules: Any) -> Access:
    """Return who may come in by some rules."""
    return Access(store, Rules(**rules))
