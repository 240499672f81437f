"""The application: pages over one workspace beside the HTTP interface, on one port, without any outside request."""

from __future__ import annotations

import ctypes
import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import dash_mantine_components as dmc
import pandas  # noqa: F401  # whole before threads draw: plotly takes one that another thread is loading for one that is there
import uvicorn
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import DependencyException
from fastapi import FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.access.callbacks import CallbackForm
from dashboard.access.connections import MOST_CONNECTIONS, BoundedProtocol
from dashboard.access.edges import MOST_BYTES, Edges
from dashboard.access.entrance import Access
from dashboard.access.gate import Gate, content_policy
from dashboard.access.look_list import looks_router
from dashboard.access.provider import Provider
from dashboard.access.reader import READER, Reader
from dashboard.access.refusals import REFUSALS
from dashboard.access.sign_in import sign_in_router
from dashboard.api import install
from dashboard.data_state import VERSION, connect_state, state_line, state_parts
from dashboard.drawer import contents
from dashboard.export import export_router
from dashboard.field.public import public_router
from dashboard.field.routes import field_router
from dashboard.intake.health import health_router
from dashboard.intake.lifetime import taking_in
from dashboard.intake.live import live_router
from dashboard.language_note import LanguageNote
from dashboard.pages import avoidable_card, dispatch, frequent, management, operations, planned, steering
from dashboard.pages.frequent_card import CLOCK as CALCULATED_CLOCK
from dashboard.pages.grid_card import CARD, CLOCK, grid_content
from dashboard.parts.address import ROWS, Address
from dashboard.parts.blocks import Part, data, frame, note_card
from dashboard.parts.grids import block
from dashboard.pool import Pool, PooledServer
from dashboard.ready import is_kept, ready_page
from dashboard.rows import rows_of
from fudian import Utility
from fudian.ahead import load_compiled
from fudian.desk import Desk
from fudian.fresh import Fresh
from fudian.store import store_of
from fudian.store.database import IN_MEMORY
from network import FudianError, WorkspaceError, text, translate
from network.complaints import complaints
from network.steps import asking
from network.texts import showing

PAGES = {
    "operations": operations.page,
    "steering": steering.page,
    "dispatch": dispatch.page,
    "planned": planned.page,
    "frequent": frequent.page,
    "management": management.page,
}
UNDER_CHECK = {
    "operations": operations.under_check,
    "steering": steering.under_check,
    "frequent": frequent.under_check,
    "dispatch": dispatch.under_check,
    "planned": planned.under_check,
}
"""What says how far the long work is on which a page rests."""

CHANGED = "desk-changed"
"""Id of the store that the script of the page writes to when something changed at the desk."""

WARMED = ("operations", "steering", "dispatch", "planned")
"""Pages in the order in which they are made before anybody asks: what begins long work of its own comes last. Those that are kept
come after the others: nobody waits for them."""

SWITCH_S = 0.001
"""How long a thread that computes goes on while the event loop waits for its turn; every request feels Python's own 5 ms."""

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""Names of what ``mallopt`` is told, from ``malloc.h``."""

_log = logging.getLogger("fudian")


def create_app(
    workspace: Path,
    language: str = "zh",
    access: Access | None = None,
    provider: Provider | None = None,
    looks_after: bool = False,
) -> FastAPI:
    """Return the application over a workspace.

    Args:
        workspace: folder with the tables.
        language: ``zh`` or ``en``, for addresses that name none.
        access: who may come in; by default whoever sits at this machine, and nothing is kept.
        provider: where readers may sign in besides.
        looks_after: whether figures are prepared beforehand, and changes of the workspace are taken, while it runs.

    Raises:
        WorkspaceError: the folder is missing or holds no table.
        FudianError: another desk runs on the store, or the broker that the settings name cannot be reached.
    """
    access = access or Access(store_of(IN_MEMORY))
    pool = Pool()
    served = Fresh(
        workspace, language, partial(_ask_beforehand, access.at_this_machine()), pool.make_way, "dashboard.prepared"
    )
    desk = Desk(served.utility, access.store)
    served.follow = desk.follow
    lifespan = partial(_while_served, served if looks_after else None, taking_in(desk))
    server = FastAPI(title="Fudian 复电", docs_url=None, redoc_url=None, lifespan=lifespan)
    server.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=5, thread_minimum_size=16_000)
    server.include_router(health_router(desk, REFUSALS))
    server.include_router(field_router(desk, language, REFUSALS))
    server.include_router(public_router(desk, pool, language))
    install(server, served, desk, pool)
    server.include_router(live_router(desk))
    server.include_router(export_router(served, pool))
    server.include_router(sign_in_router(access, language, provider))
    server.include_router(looks_router(access))
    pages = Dash(
        __name__,
        server=False,
        backend=PooledServer,
        title="复电 Fudian",
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        use_pages=False,
        enable_mcp=False,
        index_string=_index(language),
    )
    pages.layout = partial(_layout, served)
    pages.backend.pool = pool  # type: ignore[attr-defined]
    pages.init_app(server)
    _connect(pages, served)
    connect_state(pages, served)
    server.add_exception_handler(DependencyException, _no_such_file)
    server.add_middleware(PageAddresses)
    server.add_middleware(WallClock, served=served)
    server.add_middleware(LanguageNote)
    server.add_middleware(CallbackForm, known=lambda: pages.callback_map, language=language)
    server.add_middleware(Edges)
    server.add_middleware(Gate, access=access, policy=content_policy(pages.csp_hashes()), language=language)
    return server


@asynccontextmanager
async def _while_served(
    served: Fresh | None, desk_at_work: Callable[[FastAPI], AbstractAsyncContextManager[Any]], server: FastAPI
) -> AsyncIterator[None]:
    """Let the desk work, and look after the data, for as long as it is served."""
    async with desk_at_work(server):
        if served is not None:
            served.begin()
        yield
        if served is not None:
            served.end()


def _ask_beforehand(who: Reader, utility: Utility) -> None:
    """Make pages once, be they kept or not, so that the figures of which others are made are there."""

    def goes_on() -> bool:
        utility.make_way()
        return True

    asking.set(goes_on)
    READER.set(who)
    showing.set(utility.workspace.reading.written)
    addresses = [Address.read(f"/{page}", "", utility.language) for page in WARMED]
    for address in sorted(addresses, key=lambda each: is_kept(utility, each)):
        utility.make_way()
        try:
            PAGES[address.page](utility, address)
        except FudianError:  # the page says why when it is asked for
            continue


def give_memory_back() -> None:
    """Have blocks of a megabyte and more go back to the system once they are free, where the library of C can be told so.

    It would else keep up to 32 MB of each size for itself, and that for each of many threads: as much again as what is in use.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another library, another system
        return
    tell(_MMAP_THRESHOLD, 1 << 20)
    tell(_ARENA_MAX, 2)


def _no_such_file(request: Request, error: Exception) -> PlainTextResponse:
    """Answer for a file of components that there is not."""
    del request, error
    return PlainTextResponse("", HTTPStatus.NOT_FOUND)


class PageAddresses:
    """Serve every page's address with the one document of the application, which then reads the address itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; the address of a page leads to the document at ``/``."""
        if scope["type"] == "http" and scope["path"].strip("/") in PAGES:
            scope = {**scope, "path": "/", "raw_path": b"/"}
        await self.app(scope, receive, send)


class WallClock:
    """Write times of the workspace by the clock on its wall, whatever is asked for."""

    def __init__(self, app: ASGIApp, served: Fresh) -> None:
        self.app, self.served = app, served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        with self.served.utility.workspace.reading.showing():
            await self.app(scope, receive, send)


def serve(
    workspace: Path,
    port: int = 8050,
    open_browser: bool = False,
    language: str = "zh",
    access: Access | None = None,
    provider: Provider | None = None,
    certificate: tuple[Path, Path] | None = None,
) -> None:
    """Serve the application until it is stopped, and say where; see :func:`create_app`.

    Args:
        workspace: folder with the tables.
        port: of the host that the rules of ``access`` name; 0 takes any free one.
        open_browser: whether to show it at once.
        language: ``zh`` or ``en``.
        access: who may come in.
        provider: where readers may sign in besides.
        certificate: files of the certificate and its key, to speak HTTPS.

    Raises:
        FudianError: the port cannot be had.
        WorkspaceError: the workspace cannot be read.
    """
    give_memory_back()
    access = access or Access(store_of(IN_MEMORY))
    host = access.rules.host
    listener = _listen(host, port)
    address = (
        f"{'https' if certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"
    )
    server = create_app(workspace, language, access, provider, looks_after=True)
    for sentence in (text("Fudian is at {address} (Ctrl+C stops it)", address=address), *access.warnings()):
        sys.stderr.write(sentence.in_language(language) + "\n")
    threading.Thread(target=load_compiled, name="compiled", daemon=True).start()
    if open_browser:
        threading.Timer(1.0, webbrowser.open, [address]).start()
    sys.setswitchinterval(SWITCH_S)
    uvicorn.Server(server_settings(server, certificate)).run(sockets=[listener])


def server_settings(app: ASGIApp, certificate: tuple[Path, Path] | None = None) -> uvicorn.Config:
    """Return how the application is served: bounded connections, nothing believed of proxies but what the gate believes."""
    files: dict[str, Any] = {}
    if certificate is not None:
        files = {"ssl_certfile": certificate[0], "ssl_keyfile": certificate[1]}
    return uvicorn.Config(
        app,
        log_level="warning",
        http=BoundedProtocol,
        limit_concurrency=MOST_CONNECTIONS,
        proxy_headers=False,
        server_header=False,
        ws_max_size=MOST_BYTES["/_dash"],
        timeout_graceful_shutdown=10,
        **files,
    )


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise FudianError(
            text(
                "Port {port} of {host} cannot be had: {reason}.", port=port, host=host, reason=error.strerror or error
            ),
            text("Name another with --port; 0 takes any free one."),
        ) from error
    return listener


def _index(language: str) -> str:
    spoken = "zh-CN" if language == "zh" else "en"
    viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<html lang="{spoken}"><head>{{%metas%}}{viewport}'
    body = "<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body></html>"
    return f"<!DOCTYPE html>{head}<title>{{%title%}}</title>{{%favicon%}}{{%css%}}</head>{body}"


def _layout(served: Fresh) -> dmc.MantineProvider:
    return dmc.MantineProvider(
        [
            dcc.Location(id="address", refresh=False),
            dcc.Store(id="shown"),
            dcc.Store(id=CHANGED),
            *state_parts(served),
            html.Div(id="page", **data(busy="正在计算 · computing")),
            state_line(),
            dmc.Drawer(
                id="drawer", position="right", size="min(1180px, 92vw)", opened=False, padding="md", lockScroll=True
            ),
        ],
        forceColorScheme="light",
        theme={"fontFamily": "var(--sans)", "fontSizes": {"sm": "13px", "md": "13px"}},
    )


def _connect(pages: Dash, served: Fresh) -> None:
    """Connect addresses with pages and drawer; every callback calls one function and shows its result."""
    _connect_pages(pages, served)
    _connect_cards(pages, served)
    _connect_rows(pages, served)


def _connect_pages(pages: Dash, served: Fresh) -> None:
    @pages.callback(
        Output("page", "children"),
        Output("shown", "data"),
        Input("address", "pathname"),
        Input("address", "search"),
        Input(VERSION, "data"),
        Input(CHANGED, "data"),
        State("shown", "data"),
    )
    def show_page(
        path: str | None, search: str | None, _: str | None, changed: float | None, shown: str | None
    ) -> tuple[Part, Part]:
        standing = served.standing
        utility = standing.utility
        address = Address.read(path, search, utility.language)
        key = f"{standing.version} /{address.page}{address.search(address.without_rows())} {path}"
        if address.page == "dispatch":
            key += f" {changed}"
        return (no_update, no_update) if key == shown else (page_or_note(utility, address), key)

    @pages.callback(
        Output(dispatch.LIST, "children"),
        Input(dispatch.TOLD, "data"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def show_incidents(_: float | None, path: str | None, search: str | None) -> Part:
        utility = served.utility
        return dispatch.list_now(utility, Address.read(path, search, utility.language))

    pages.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("fudian", "listed"),
        Output(dispatch.LISTED, "data"),
        Input(dispatch.LIST, "children"),
        prevent_initial_call=True,
    )

    @pages.callback(
        Output("page", "children", allow_duplicate=True),
        Input(CALCULATED_CLOCK, "n_intervals"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def show_calculated(_: int | None, path: str | None, search: str | None) -> Part:
        utility = served.utility
        address = Address.read(path, search, utility.language)
        under_check = UNDER_CHECK.get(address.page)
        is_over = under_check is not None and under_check(utility, address, 0.0).is_all
        return page_or_note(utility, address) if is_over or address.page == "planned" else no_update


def _connect_cards(pages: Dash, served: Fresh) -> None:
    """Connect what is made anew within a page with the clock that asks for it."""

    @pages.callback(
        Output(CARD, "children"),
        Input(CLOCK, "n_intervals"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def show_grid(_: int | None, path: str | None, search: str | None) -> Part:
        utility = served.utility
        return grid_content(utility, Address.read(path, search, utility.language))

    @pages.callback(
        Output(avoidable_card.CARD, "children"),
        Input(avoidable_card.CLOCK, "n_intervals"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def show_avoidable(_: int | None, path: str | None, search: str | None) -> Part:
        utility = served.utility
        address = Address.read(path, search, utility.language)
        return avoidable_card.avoidable_content(utility, address, management.year_of(utility, address))


def _connect_rows(pages: Dash, served: Fresh) -> None:
    @pages.callback(
        Output("drawer", "opened"),
        Output("drawer", "children"),
        Output("drawer", "title"),
        Output("drawer", "closeButtonProps"),
        Input("address", "pathname"),
        Input("address", "search"),
    )
    def show_rows(path: str | None, search: str | None) -> tuple[bool, Part, Part, Part]:
        utility = served.utility
        address = Address.read(path, search, utility.language)
        if ROWS not in address.values:
            return False, no_update, no_update, no_update
        title, content = contents(utility, address)
        return True, content, title, {"aria-label": translate("Close", address.language)}

    @pages.callback(
        Output("address", "search"),
        Input("drawer", "opened"),
        Input({"door": ALL}, "clickData"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def follow(opened: bool, clicks: list[dict[str, Any] | None], path: str | None, search: str | None) -> Part:
        address = Address.read(path, search, served.utility.language)
        if ctx.triggered_id == "drawer":
            return address.search(address.without_rows()) if not opened and ROWS in address.values else no_update
        return next((door for door in map(_door, ctx.triggered) if door), no_update) if any(clicks) else no_update

    @pages.callback(
        Output({"grid": "rows"}, "getRowsResponse"),
        Input({"grid": "rows"}, "getRowsRequest"),
        State("address", "pathname"),
        State("address", "search"),
    )
    def scroll(request: dict[str, Any] | None, path: str | None, search: str | None) -> Part:
        utility = served.utility
        rows = rows_of(utility, Address.read(path, search, utility.language))
        return no_update if request is None or rows is None else block(rows.frame, request)


def _door(triggered: dict[str, Any]) -> str | None:
    """Return the query string that a clicked point leads to."""
    points = (triggered.get("value") or {}).get("points") or [{}]
    led = points[0].get("customdata")
    return str(led[0]) if isinstance(led, list) and led else None


def page_or_note(utility: Utility, address: Address) -> Part:
    """Return a page, or a card that says why it cannot be shown."""
    language = address.language
    try:
        return ready_page(utility, address, PAGES[address.page])
    except FudianError as error:
        items = (
            [complaint.line(language) for complaint in complaints(error.problems)[:20]]
            if isinstance(error, WorkspaceError)
            else []
        )
        hint = error.hint.in_language(language) if error.hint else ""
        card = note_card(
            translate("This page cannot be shown", language), error.message.in_language(language), hint, items
        )
    except Exception:  # noqa: BLE001 (the last door: a reader never sees a traceback, the log keeps it)
        _log.exception("The page %s could not be made", address.page)
        card = note_card(
            translate("This page cannot be shown", language),
            translate("Something went wrong inside Fudian.", language),
            translate("The log of the server says more; the other pages are not affected.", language),
        )
    return frame(address, [], [], [card], has_heading=False)
