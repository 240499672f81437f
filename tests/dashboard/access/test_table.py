"""Every page, route, socket and export against every role, token and way in: one table."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from dashboard.access.roles import LOCAL_RIGHTS, OPEN_RIGHTS, ROLES, SCOPES
from dashboard.app import create_app
from data_samples.generator.county import COUNTY
from fudian.store import Store, store_of
from fudian.store.database import IN_MEMORY
from tests.dashboard.access.conftest import PASSWORD, gated, served_by

READ, ASKING, LISTS, NAMES, SIGNALS, DECIDING, REPORTING = (f"token {scope}" for scope in SCOPES)
SEEING = {*ROLES, READ, "local", "open"}
TAKING = SEEING - {"viewer", "crew"}
LISTING = {"operations", "dispatcher", "manager", "admin", "local", "open"}
ASKING_THEM = {"operations", "dispatcher", "manager", "admin", "local", "open"}
AT_THE_PLACE = {"crew", "dispatcher", "local", REPORTING}
ALL = {*ROLES, *(f"token {scope}" for scope in SCOPES), "local", "open", "nobody"}

TABLE: dict[tuple[str, str], set[str]] = {
    # pages and what they are made of
    ("GET", "/"): SEEING,
    ("GET", "/operations"): SEEING,
    ("GET", "/dispatch"): SEEING,
    ("GET", "/planned"): SEEING,
    ("GET", "/management"): SEEING,
    ("GET", "/operations?rows=ledger&level=lv"): SEEING,
    ("GET", "/anything"): SEEING,
    ("GET", "/_dash-layout"): SEEING,
    ("GET", "/_dash-dependencies"): SEEING,
    ("GET", "/_favicon.ico"): SEEING,
    ("GET", "/_reload-hash"): SEEING,
    ("GET", "/_dash-component-suites/dash/x.js"): SEEING,
    ("GET", "/assets/style.css"): SEEING,
    ("GET", "/assets"): SEEING,
    ("GET", "/openapi.json"): SEEING,
    ("POST", "/_dash-update-component"): SEEING,
    ("WEBSOCKET", "/_dash-ws-callback"): SEEING,
    ("WEBSOCKET", "/api/v1/changes"): SEEING,
    ("WEBSOCKET", "/anything"): set(),
    # reliability
    ("GET", "/api/v1/check"): SEEING,
    ("GET", "/api/v1/indices"): SEEING,
    ("GET", "/api/v1/ledger"): SEEING,
    ("GET", "/api/v1/ledger?level=lv"): LISTING,
    ("GET", "/api/v1/ledger?level=LV"): LISTING,
    ("GET", "/api/v1/ledger?level=%6cv"): LISTING,
    ("GET", "/api/v1/ledger?level=mv&level=lv"): LISTING,
    ("GET", "/api/v1/ledger?level=lv&level=mv"): LISTING,
    ("GET", "/api/v1/ledger?customer=C000001"): LISTING,
    ("GET", "/api/v1/audit"): SEEING,
    ("GET", "/api/v1/frequent"): SEEING,
    ("GET", "/api/v1/frequent?level=lv"): LISTING,
    ("GET", "/api/v1/rolling"): SEEING,
    ("GET", "/api/v1/cross-check"): SEEING,
    ("GET", "/api/v1/targets"): SEEING,
    ("GET", "/api/v1/grid-kpi"): SEEING,
    ("GET", "/api/v1/plans"): SEEING,
    ("GET", "/api/v1/operating-kpi"): SEEING,
    ("GET", "/api/v1/why"): SEEING,
    ("GET", "/api/v1/crews"): SEEING,
    ("GET", "/api/v1/whatever-is-to-come"): SEEING,
    ("GET", "/api/v1/budget"): SEEING,
    ("GET", "/api/v1/forecast"): SEEING,
    ("GET", "/api/v1/levers"): SEEING,
    ("GET", "/api/v1/durations"): SEEING,
    ("GET", "/api/v1/avoidable"): SEEING,
    ("GET", "/api/v1/process"): SEEING,
    ("GET", "/api/v1/frequent-bands"): SEEING,
    ("GET", "/api/v1/report"): SEEING,
    ("GET", "/api/v1/report/report.pdf"): TAKING,
    ("GET", "/steering"): SEEING,
    ("GET", "/api/v1/live-ratio"): SEEING,
    # repair
    ("GET", "/api/v1/n-1"): SEEING,
    ("GET", "/api/v1/weak-spots"): SEEING,
    ("GET", "/api/v1/sensor-health"): SEEING,
    ("GET", "/api/v1/affected"): LISTING,
    ("GET", "/api/v1/restore"): LISTING,
    ("GET", "/api/v1/incidents"): LISTING,
    ("POST", "/api/v1/affected"): ASKING_THEM,
    ("POST", "/api/v1/locate"): ASKING_THEM | {ASKING},
    ("POST", "/api/v1/infer"): ASKING_THEM | {ASKING},
    ("POST", "/api/v1/durations"): ASKING_THEM | {ASKING},
    ("POST", "/api/v1/signals"): {"dispatcher", "local", SIGNALS},
    ("POST", "/api/v1/operations"): {"dispatcher", "local", SIGNALS},
    ("GET", "/api/v1/operations"): SEEING,
    ("GET", "/api/v1/incidents/20220720T120000-K1/sheet"): SEEING,
    ("GET", "/api/v1/incidents/20220720T120000-K1/messages"): LISTING,
    ("GET", "/api/v1/plans/TD01/messages"): LISTING,
    ("POST", "/api/v1/plans/TD01/announcement"): {"dispatcher", "local", DECIDING},
    ("GET", "/api/v1/incidents/20220720T120000-K1/record"): LISTING,
    ("GET", "/api/v1/desk-kpi"): SEEING,
    ("GET", "/api/v1/metrics"): SEEING,
    ("GET", "/public/health"): ALL,
    ("POST", "/api/v1/incidents/20220720T120000-K1/decisions"): {"dispatcher", "local", DECIDING},
    # crews at the place
    ("GET", "/crew"): AT_THE_PLACE,
    ("GET", "/crew/app.js"): AT_THE_PLACE,
    ("GET", "/crew/worker.js"): AT_THE_PLACE,
    ("GET", "/crew/style.css"): AT_THE_PLACE,
    ("GET", "/crew/manifest.json"): AT_THE_PLACE,
    ("GET", "/api/v1/crew/jobs"): AT_THE_PLACE,
    ("POST", "/api/v1/crew/reports"): AT_THE_PLACE,
    ("GET", "/api/v1/photographs/0a"): {"dispatcher", "local", DECIDING},
    # planned outages
    ("GET", "/api/v1/precheck"): LISTING,
    ("POST", "/api/v1/precheck"): ASKING_THEM,
    ("GET", "/api/v1/calendar"): SEEING,
    # who looked
    ("GET", "/api/v1/looks"): {"manager", "admin", "local"},
    ("GET", "/api/anything"): SEEING,
    # exports
    ("GET", "/export/operations/rows.csv"): TAKING,
    ("GET", "/export/operations/rows.csv?rows=ledger&level=lv"): TAKING - {READ},
    ("GET", "/export/dispatch/customers.csv"): TAKING - {READ},
    ("GET", "/export/planned/customers.xlsx"): TAKING - {READ},
    ("GET", "/export/planned/plans.csv"): TAKING,
    ("GET", "/export/planned/calendar.html"): TAKING,
    ("GET", "/export/dispatch/steps.html"): TAKING,
    # the way in
    ("GET", "/access/sign-in"): ALL,
    ("POST", "/access/sign-in"): ALL,
    ("POST", "/access/sign-out"): ALL,
    ("GET", "/access/style.css"): ALL,
    ("GET", "/access/provider"): ALL,
    ("GET", "/access/provider/back"): ALL,
    ("GET", "/public/anything"): ALL,
    ("GET", "/access/anything"): SEEING,
    # what is written nowhere
    ("PUT", "/api/v1/signals"): set(),
    ("DELETE", "/api/v1/signals"): set(),
    ("POST", "/api/v1/indices"): set(),
    ("POST", "/"): set(),
    ("POST", "/_mcp"): set(),
    ("GET", "/_mcp"): SEEING,
    ("OPTIONS", "/api/v1/indices"): set(),
    ("TRACE", "/"): set(),
    # the same under other spellings
    ("POST", "/api/v1/signals/"): set(),
    ("POST", "//api/v1/signals"): set(),
    ("POST", "/api/v1/../v1/signals"): set(),
    ("POST", "/API/v1/signals"): set(),
    ("POST", "/api/v1/signals%00"): set(),
    ("POST", "/access/../api/v1/signals"): set(),
    ("POST", "/access/sign-in/../../api/v1/signals"): set(),
    ("GET", "/public%2f..%2fapi/v1/looks"): ALL,
}
"""Who comes through, by method and address; everybody else is refused.

The last row: what stands below ``/public/`` is nothing else by another name, since no path is taken apart behind the gate."""

OF_ALL_UNITS = re.compile(
    r"/api/v1/(affected|restore|incidents|precheck|locate|infer|ledger|frequent|audit|calendar|durations|avoidable|frequent-bands|report(/.*)?)"
    r"|/api/v1/(incidents|plans)/[^/]+/messages|/export/planned/(pl|ca).*"
)
"""Where rows of all units stand: closed to an account that sees one."""


async def outcome(access: Any, method: str, address: str, headers: dict[str, str]) -> int | bool:
    """Send a request or open a socket just as it is written, and return its status, or whether it was opened."""
    path, _, query = address.partition("?")
    more = {"host": "localhost"} | ({"origin": "http://localhost"} if method == "WEBSOCKET" else {}) | headers
    scope = {
        "type": "websocket" if method == "WEBSOCKET" else "http",
        "method": method,
        "path": unquote(path),
        "query_string": query.encode(),
        "scheme": "ws" if method == "WEBSOCKET" else "http",
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in more.items()],
    }
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"} if method == "WEBSOCKET" else {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        said.append(message)

    await gated(access)(scope, receive, send)
    return said[0]["type"] == "websocket.accept" if method == "WEBSOCKET" else said[0]["status"]


@pytest.fixture(scope="module")
def ways(peopled: Store, keys: dict[str, dict[str, str]]) -> dict[str, tuple[Any, dict[str, str]]]:
    """Who asks: the server that they come to, and the headers that they send."""
    empty = store_of(IN_MEMORY)
    signing_in = served_by(peopled)
    return {name: (signing_in, headers) for name, headers in keys.items()} | {
        "local": (served_by(empty), {}),
        "open": (served_by(empty, is_open=True), {}),
    }


@pytest.mark.parametrize("who", sorted(ALL))
def test_everybody_comes_to_what_is_theirs_and_to_nothing_else(
    who: str, ways: dict[str, tuple[Any, dict[str, str]]]
) -> None:
    access, headers = ways[who]
    for (method, path), allowed in TABLE.items():
        status = asyncio.run(outcome(access, method, path, headers))
        if method == "WEBSOCKET":
            assert status == (who in allowed), (method, path)
        elif who in allowed:
            assert status == 200, (method, path, status)
        else:
            refused = {405} if not allowed else {401} if who in {"nobody", "open"} else {403}
            assert status in refused, (method, path, status)


def test_an_account_of_one_unit_comes_to_no_rows_of_others() -> None:
    access = served_by(store_of(IN_MEMORY))
    secret = access.sessions.begin(access.accounts.add("li", "dispatcher", PASSWORD, unit="城区"))
    token, _ = access.tokens.add("scada", ["read", "ask", "customers", "signals", "decide", "field"], unit="城区")
    closed = 0
    for headers in ({"cookie": f"fudian={secret}"}, {"authorization": f"Bearer {token}"}):
        for (method, path), allowed in TABLE.items():
            if method == "WEBSOCKET" or "dispatcher" not in allowed:
                continue
            status = asyncio.run(outcome(access, method, path, headers))
            is_closed = OF_ALL_UNITS.fullmatch(path.partition("?")[0]) is not None
            assert status == (403 if is_closed else 200), (method, path)
            closed += is_closed
    assert closed > 20


def routes_in(routes: Iterable[Any]) -> Iterator[tuple[set[str], str, re.Pattern[str]]]:
    """Give methods, path and pattern of every route, those of routers within too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes_in(inner.routes)
        else:
            other = "WEBSOCKET" if "WebSocket" in type(route).__name__ else "GET"  # a folder of files has no methods
            yield set(getattr(route, "methods", None) or {other}), route.path, route.path_regex


def test_every_route_of_the_server_stands_in_the_table() -> None:
    known = [(method, unquote(path.partition("?")[0])) for method, path in TABLE]
    routes = list(routes_in(create_app(COUNTY).routes))
    assert len(routes) > 30
    missing = [
        (method, path)
        for methods, path, pattern in routes
        for method in methods - {"HEAD"}
        if not any(method == each and pattern.fullmatch(address) for each, address in known)
        and not (
            method == "GET" and path.startswith("/api/v1/") and "customer" not in path
        )  # figures, by the last door
    ]
    assert missing == [], "give each a row in TABLE, and a door in dashboard/access/doors.py"


def test_roles_stand_to_each_other_as_they_should() -> None:
    for role, rights in ROLES.items():
        assert ROLES["viewer"] <= rights
        assert ("personal" in rights) == (role == "dispatcher")
    assert "personal" not in LOCAL_RIGHTS | OPEN_RIGHTS
    assert "signals" not in OPEN_RIGHTS
