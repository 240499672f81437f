"""Sign in and out: with a password, or at the utility's own provider."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from dashboard.access.accounts import Account
from dashboard.access.entrance import Access, BusyError, cookie, cookie_name
from dashboard.access.gate_pages import STYLE, refusal_page, sign_in_page
from dashboard.access.hosts import Origins, is_loopback
from dashboard.access.provider import Provider, ProviderError
from dashboard.access.sessions import LASTS
from network import text, translate
from network.texts import language_of

PAGE = "/access/sign-in"
_FIRST_PAGE = "/"
Wanted = Annotated[str, Query(alias="next")]


def sign_in_router(access: Access, language: str, provider: Provider | None = None) -> APIRouter:
    """Return the routes to sign in and out.

    Args:
        access: who may come in.
        language: of the pages where the address names none.
        provider: the utility's own provider, if there is one.
    """
    routes = APIRouter(prefix="/access", include_in_schema=False)

    def spoken(given: str) -> str:
        return language_of(given) or language

    @routes.get("/style.css")
    def style() -> Response:
        return PlainTextResponse(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})

    @routes.get("/sign-in")
    def page(wanted: Wanted = "", lang: str = "") -> HTMLResponse:
        return sign_in_page(spoken(lang), own_path(wanted), provider=provider is not None)

    @routes.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        return await _with_password(access, request, spoken, provider is not None)

    @routes.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        origins: Origins = request.state.origins
        if given := cookie(request.headers, origins):
            await access.ask(lambda: access.sessions.end(given))
            access.forget(given)
        answer = RedirectResponse(PAGE, HTTPStatus.SEE_OTHER, {"Clear-Site-Data": '"cache"'})
        answer.delete_cookie(cookie_name(origins), secure=origins.is_https, httponly=True, samesite="lax")
        return answer

    if provider is not None:
        _provider_routes(routes, access, provider, spoken)
    return routes


async def _with_password(access: Access, request: Request, spoken: Callable[[str], str], provider: bool) -> Response:
    origins: Origins = request.state.origins
    given = _typed(await request.body())
    language, wanted, name = spoken(given.get("lang", "")), own_path(given.get("next", "")), given.get("name", "")
    if not origins.is_https and not is_loopback(origins.peer):
        return refusal_page(
            HTTPStatus.FORBIDDEN,
            text("Passwords are taken over HTTPS only."),
            text(
                "Start the server with --certificate and --key, or behind a proxy that speaks HTTPS (--trusted-proxy)."
            ),
            language,
        )

    def judge() -> tuple[int, Account | None]:
        wait = access.failures.begin(name, origins.peer)
        if wait:
            return wait, None
        account = access.accounts.checked(name, given.get("password", ""))
        if account is not None:
            access.failures.forget(name, origins.peer)
        return 0, account

    try:
        wait_s, account = await access.judge(judge)
    except BusyError:
        wait_s, account = 5, None
    if account is not None:
        return await signed_in(access, request, account, wanted)
    if wait_s:
        said = translate("Too many tries. Try again in {minutes} min.", language, minutes=-(-wait_s // 60))
        page = sign_in_page(language, wanted, HTTPStatus.TOO_MANY_REQUESTS, said, name[:100], provider)
        page.headers["Retry-After"] = str(wait_s)
        return page
    said = translate("User name or password is wrong.", language)
    return sign_in_page(language, wanted, HTTPStatus.UNAUTHORIZED, said, name[:100], provider)


def _typed(body: bytes) -> dict[str, str]:
    """Return what a form holds; nothing where it is not the form of this page."""
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return {}


async def signed_in(access: Access, request: Request, account: Account, wanted: str) -> Response:
    """Begin a session, end the one before, and lead to where the reader wanted to go."""
    origins: Origins = request.state.origins
    before = cookie(request.headers, origins)

    def begin() -> str:
        if before:
            access.sessions.end(before)
        return access.sessions.begin(account)

    secret = await access.ask(begin)
    access.forget(before)
    at_first = "/crew" if account.role == "crew" and wanted == _FIRST_PAGE else wanted
    answer = RedirectResponse(at_first, HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        cookie_name(origins),
        secret,
        max_age=int(LASTS.total_seconds()),
        secure=origins.is_https,
        httponly=True,
        samesite="lax",
    )
    return answer


def _provider_routes(routes: APIRouter, access: Access, provider: Provider, spoken: Callable[[str], str]) -> None:
    def refused(error: ProviderError, language: str) -> Response:
        return refusal_page(HTTPStatus.FORBIDDEN, error.message, error.hint, language)

    @routes.get("/provider")
    async def leave(request: Request, wanted: Wanted = "", lang: str = "") -> Response:
        origins: Origins = request.state.origins
        try:
            address, kept = await provider.leave(_back(origins), own_path(wanted), spoken(lang))
        except ProviderError as error:
            return refused(error, spoken(lang))
        answer = RedirectResponse(address, HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            _on_the_way(origins), kept, max_age=600, secure=origins.is_https, httponly=True, samesite="lax"
        )
        return answer

    @routes.get("/provider/back")
    async def come_back(request: Request) -> Response:
        origins: Origins = request.state.origins
        kept = request.cookies.get(_on_the_way(origins), "")
        try:
            name, subject, wanted, language = await provider.come_back(_back(origins), dict(request.query_params), kept)
        except ProviderError as error:
            return refused(error, spoken(""))
        account = await access.ask(lambda: access.accounts.at_provider(name, subject))
        if account is None:
            return refusal_page(
                HTTPStatus.FORBIDDEN,
                text("There is no account for {name} here.", name=name),
                text("Whoever runs this server makes one with fudian users add, without a password."),
                language,
            )
        answer = await signed_in(access, request, account, wanted)
        answer.delete_cookie(_on_the_way(origins), secure=origins.is_https, httponly=True, samesite="lax")
        return answer


def _on_the_way(origins: Origins) -> str:
    return f"{cookie_name(origins)}-way"


def _back(origins: Origins) -> str:
    return f"{'https' if origins.is_https else 'http'}://{origins.authority}/access/provider/back"


def own_path(given: str) -> str:
    """Return a path of this server as it was given; the first page for anything that leads elsewhere."""
    is_own = (
        given.startswith("/") and not given.startswith(("//", "/access/")) and given.isascii() and given.isprintable()
    )
    return given if is_own and "\\" not in given and len(given) < 4000 else _FIRST_PAGE
