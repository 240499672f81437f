"""The gate before every page, route, socket and export: who asks, whether they may, and what goes out with the answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.access.doors import READING, door_of
from dashboard.access.entrance import Access, BusyError, Unknown
from dashboard.access.gate_pages import refusal_page
from dashboard.access.hosts import LOCAL_HOSTS, Origins, is_address, is_loopback, is_own, origins_of
from dashboard.access.reader import NOBODY, READER, Look, Reader
from dashboard.access.roles import OPEN_RIGHTS
from network import Text, text
from network.texts import language_of

_log = logging.getLogger("fudian")

SIGN_IN = "/access/sign-in"
_BUSY = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    text("Who may come in cannot be told at present."),
    text("Try again in a moment."),
)
_REMEDY_LOCAL = text(
    "On this machine open it as http://localhost, past any proxy. For others make accounts with fudian users add, and name the "
    "host with --host-name."
)
_REMEDY_HOST = text("Name the host that readers type with --host-name.")


class Refused(Exception):  # noqa: N818  (an answer, not an error)
    """A request that goes no further."""

    def __init__(
        self, status: int, message: Text, hint: Text | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message
        self.hint = hint
        self.headers = headers or {}


class Gate:
    """Lets a request pass whose reader may come to its path, under the usual headers; everything else is answered here."""

    def __init__(self, app: ASGIApp, access: Access, policy: str, language: str) -> None:
        """Stand before an application.

        Args:
            app: the application.
            access: who may come in.
            policy: content policy of pages.
            language: of refusals where the address names none.
        """
        self.app = app
        self._access = access
        self._policy = policy
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or socket pass, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        origins = origins_of(scope, self._access.rules.proxies)
        send = self._with_headers(scope, origins, send)
        token = READER.set(NOBODY)
        try:
            try:
                who = await self._admitted(scope, origins)
            except Refused as refused:
                await self._refuse(scope, receive, send, refused)
                return
            except (BusyError, SQLAlchemyError):
                _log.exception("The store did not answer")
                await self._refuse(scope, receive, send, Refused(*_BUSY))
                return
            READER.set(who)
            scope.setdefault("state", {})["origins"] = origins
            if scope["type"] == "websocket":
                receive = self._while_admitted(scope, origins, receive)
            await self._passed(scope, receive, send)
        finally:
            READER.reset(token)

    async def _passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; what goes wrong inside is told without its data, and the log keeps the rest."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sent)
        except Exception:  # the last door: a reader never sees a traceback
            if begun or scope["type"] == "websocket":
                raise
            _log.exception("%s could not be answered", scope["path"])
            failed = Refused(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                text("Something went wrong inside Fudian."),
                text("The log of the server says more; the other pages are not affected."),
            )
            await self._refuse(scope, receive, send, failed)

    async def _admitted(self, scope: Scope, origins: Origins) -> Reader:
        """Return who asks, if they may.

        Raises:
            Refused: they may not.
        """
        self._check_host(origins)
        method = "WEBSOCKET" if scope["type"] == "websocket" else scope["method"]
        self._check_origin(scope, method, origins)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        door = door_of(method, scope["path"], query)
        if door is None:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, text("Nothing can be done here in this way."))
        if not door.rights:
            return replace(NOBODY, peer=origins.peer)
        who = await self._reader(scope, origins)
        if not door.rights <= who.rights:
            if who.role == "open":
                raise Refused(
                    HTTPStatus.UNAUTHORIZED,
                    text("This takes a token."),
                    text("fudian tokens add makes one; send it as Authorization: Bearer …."),
                    {"WWW-Authenticate": "Bearer"},
                )
            raise Refused(
                HTTPStatus.FORBIDDEN,
                text("Your role does not allow this."),
                text("Ask whoever administers the accounts, or sign in with another one."),
            )
        if door.is_whole and who.unit is not None:
            raise Refused(
                HTTPStatus.FORBIDDEN,
                text("These are rows of all units, and this account sees {unit} alone.", unit=who.unit),
                text("Ask whoever administers the accounts, or sign in with another one."),
            )
        if door.is_list:
            form = scope["path"].rpartition(".")[2] if scope["path"].startswith("/export/") else "json"
            look = Look(scope["path"], scope["query_string"].decode("latin-1"), form[:20])
            await self._access.ask(lambda: who.sees(look))
        return who

    def _check_host(self, origins: Origins) -> None:
        """Refuse a host that is not one of this server: the page of a foreign name may have been led here."""
        rules = self._access.rules
        names = LOCAL_HOSTS | {name.lower() for name in (*rules.host_names, rules.host)}
        if origins.host and (origins.host in names or (is_address(origins.host) and not is_loopback(rules.host))):
            return
        raise Refused(
            HTTPStatus.FORBIDDEN, text("This server does not go by the host name of this request."), _REMEDY_HOST
        )

    def _check_origin(self, scope: Scope, method: str, origins: Origins) -> None:
        """Refuse what a page of another server sends; it may lead here by a link, and no more."""
        is_link = Headers(scope=scope).get("sec-fetch-mode") == "navigate" and origins.origin is None
        if not is_own(origins) and not (method in READING and is_link):
            raise Refused(HTTPStatus.FORBIDDEN, text("This request was sent by a page of another server."))

    async def _reader(self, scope: Scope, origins: Origins) -> Reader:
        """Return who asks.

        Raises:
            Refused: nobody can tell, or it is nobody who may come in.
        """
        headers = Headers(scope=scope)
        try:
            found = await self._access.identify(headers, origins)
        except Unknown as unknown:
            raise Refused(
                HTTPStatus.UNAUTHORIZED, unknown.message, unknown.hint, {"WWW-Authenticate": "Bearer"}
            ) from unknown
        if found is not None:
            return found
        rules = self._access.rules
        if rules.is_open:
            return self._access.known("open", "open", OPEN_RIGHTS, origins.peer)
        if await self._access.signs_in():
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                text("Sign in first."),
                text("Programs send a token as Authorization: Bearer …; fudian tokens add makes one."),
                {"WWW-Authenticate": "Bearer"},
            )
        is_here = is_loopback(rules.host) and is_loopback(origins.peer) and origins.host in LOCAL_HOSTS
        if not is_here or origins.is_forwarded:
            raise Refused(
                HTTPStatus.FORBIDDEN, text("Without accounts only this machine itself is served."), _REMEDY_LOCAL
            )
        return self._access.at_this_machine(origins.peer)

    def _while_admitted(self, scope: Scope, origins: Origins, receive: Receive) -> Receive:
        """Look again at each message of a socket whether its reader may still come in."""

        async def received() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive":
                try:
                    READER.set(await self._admitted(scope, origins))
                except Refused:
                    return {"type": "websocket.disconnect", "code": 1008}
            return message

        return received

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        await self._refusal(scope, refused)(scope, receive, send)

    def _refusal(self, scope: Scope, refused: Refused) -> Response:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        path = scope["path"]
        headers = Headers(scope=scope)
        is_page = scope["method"] in READING and "text/html" in headers.get("accept", "")
        for_programs = path.startswith(("/api/", "/_dash", "/assets/", "/openapi.json"))
        language = language_of(query.get("lang", "")) or ("en" if path.startswith("/api/") else self._language)
        if is_page and not for_programs:
            if refused.status == HTTPStatus.UNAUTHORIZED and refused.headers and path != SIGN_IN:
                wanted = path + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
                spoken = f"&lang={language}" if language != self._language else ""
                return RedirectResponse(f"{SIGN_IN}?next={quote(wanted, safe='')}{spoken}", HTTPStatus.SEE_OTHER)
            return refusal_page(refused.status, refused.message, refused.hint, language)
        answer: dict[str, Any] = {
            "error": refused.message.in_language(language),
            "hint": refused.hint.in_language(language) if refused.hint else None,
            "errors": [],
        }
        return JSONResponse(answer, refused.status, refused.headers)

    def _with_headers(self, scope: Scope, origins: Origins, send: Send) -> Send:
        """Send what goes out with every answer: how a browser may use it, and that nobody between keeps it."""
        path = scope["path"]
        keeps = path.startswith(("/assets/", "/_dash-component-suites/", "/access/style.css"))

        async def sent(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS:
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", self._policy)
                if not keeps:
                    headers.setdefault("Cache-Control", "no-store")
                if origins.is_https:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                headers.add_vary_header("Cookie")
            await send(message)

        return sent


_HEADERS: Sequence[tuple[str, str]] = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
)


def content_policy(scripts: Sequence[str]) -> str:
    """Return the content policy of pages: everything from this server; scripts only from files and those whose hashes are given.

    Styles may stand in the page, since charts and components write theirs there. Maps work in a worker made of a blob.
    """
    allowed = " ".join(("'self'", *scripts))
    return "; ".join((
        "default-src 'none'",
        f"script-src {allowed}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ))  # fmt: skip
