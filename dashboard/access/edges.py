"""What a request may weigh: length of its address, size, form, depth and items of its body, and how long it takes to come."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from network import Text, text
from network.texts import language_of

MOST_BYTES: Mapping[str, int] = {"/api/": 8 << 20, "/access/": 16 << 10, "/_dash": 2 << 20}
"""Bytes of a body, at most, by the beginning of the path; nothing else takes a body."""

MOST_DEPTH = 32
"""Levels of lists and objects in a body of JSON, at most: the tables have two."""

MOST_ITEMS = 400_000
"""Values in a body of JSON, at most."""

MOST_PARAMETERS = 100
"""Parameters of an address, at most."""

WHOLE_WITHIN_S = 30.0
"""In which a body must have come."""

_APART_BYTES = 64 << 10
"""From this size on a body is looked through beside the event loop."""

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_SIGNS = re.compile(rb"[\[{\]}]")


class TooMuch(Exception):  # noqa: N818  (an answer, not an error)
    """A request that weighs too much."""

    def __init__(self, status: int, message: Text, hint: Text | None = None) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message
        self.hint = hint


class Edges:
    """Passes on requests whose body has come as a whole and weighs no more than it may."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            if scope["query_string"].count(b"&") >= MOST_PARAMETERS:
                raise TooMuch(
                    HTTPStatus.BAD_REQUEST, text("An address has at most {most} parameters.", most=MOST_PARAMETERS)
                )
            body = await self._body(scope, receive)
        except TooMuch as refused:
            await _refusal(scope, refused)(scope, receive, send)
            return
        except asyncio.CancelledError:
            raise
        if body is None:  # the client left
            return
        await self.app(scope, _again(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        headers = Headers(scope=scope)
        most = next((size for begin, size in MOST_BYTES.items() if scope["path"].startswith(begin)), 0)
        if headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
            raise TooMuch(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text("A body is taken as it is, not compressed."), None)
        stated = headers.get("content-length", "0")
        if stated.isascii() and stated.isdecimal() and int(stated[:19]) > most:
            raise _too_long(most)
        try:
            body = await asyncio.wait_for(_whole(receive, most), WHOLE_WITHIN_S)
        except TimeoutError as late:
            raise TooMuch(
                HTTPStatus.REQUEST_TIMEOUT,
                text("The body did not come within {seconds} s.", seconds=int(WHOLE_WITHIN_S)),
            ) from late
        if body and not scope["path"].startswith("/access/"):
            await _looked_through(body)
        return body


async def _whole(receive: Receive, most: int) -> bytes | None:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if size > most:
            raise _too_long(most)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_long(most: int) -> TooMuch:
    if most == 0:
        return TooMuch(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text("Nothing is sent along to this address."))
    return TooMuch(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        text("A body has at most {most} bytes here.", most=f"{most:,}"),
        text("Send it in several parts."),
    )


async def _looked_through(body: bytes) -> None:
    if len(body) > _APART_BYTES:
        await asyncio.to_thread(check_form, body)
    else:
        check_form(body)


def check_form(body: bytes) -> None:
    """Refuse JSON that is nested too deeply or holds too much, before anything is made of it.

    Raises:
        TooMuch: it is, or does.
    """
    plain = _STRINGS.sub(b"0", body)
    if plain.count(b",") + plain.count(b"[") + plain.count(b"{") > MOST_ITEMS:
        raise TooMuch(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            text("A body has at most {most} values.", most=f"{MOST_ITEMS:,}"),
            text("Send it in several parts."),
        )
    depth = 0
    for sign in _SIGNS.finditer(plain):
        depth += 1 if sign[0] in b"[{" else -1
        if depth > MOST_DEPTH:
            raise TooMuch(
                HTTPStatus.BAD_REQUEST, text("Lists and objects stand at most {most} deep in a body.", most=MOST_DEPTH)
            )


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body once, and then what comes after it."""
    given = False

    async def received() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return received


def _refusal(scope: Scope, refused: TooMuch) -> JSONResponse:
    found = re.search(rb"(?:^|&)lang=([A-Za-z_-]*)", scope["query_string"])
    language = (language_of(found[1].decode()) if found else None) or "en"
    answer: dict[str, Any] = {
        "error": refused.message.in_language(language),
        "hint": refused.hint.in_language(language) if refused.hint else None,
        "errors": [],
    }
    return JSONResponse(answer, refused.status, {"Connection": "close"})
