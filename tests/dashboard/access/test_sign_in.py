"""Signing in and out: cookies, fixation, wrong passwords over the wire, and the utility's own provider."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from dashboard.access.entrance import MOST_SIGNING_IN, Access
from dashboard.access.failures import MOST_BY_NAME_AND_PEER
from dashboard.access.hosts import networks
from dashboard.access.provider import Provider, ProviderSettings
from dashboard.access.sign_in import own_path, sign_in_router
from fudian.store import Store
from tests.dashboard.access.conftest import PASSWORD, client_of, gated, served_by, told

pytestmark = pytest.mark.anyio


def house(access: Access, provider: Provider | None = None) -> Any:
    """Put the pages to sign in and a small application behind the gate."""
    app = FastAPI(openapi_url=None)
    app.include_router(sign_in_router(access, "en", provider))
    app.mount("/", told)
    return gated(access, app)


@asynccontextmanager
async def browser(
    access: Access, provider: Provider | None = None, peer: str = "127.0.0.1", base: str = "http://localhost"
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(house(access, provider), peer, base) as client:
        yield client


async def sign_in(
    client: httpx.AsyncClient, name: str, password: str = PASSWORD, wanted: str = "/operations"
) -> httpx.Response:
    return await client.post("/access/sign-in", data={"name": name, "password": password, "next": wanted})


async def test_signed_in(peopled: Store) -> None:
    async with browser(served_by(peopled)) as client:
        assert (await client.get("/api/v1/plans")).status_code == 401
        answer = await sign_in(client, "Dispatcher", wanted="/dispatch?event=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/dispatch?event=1")
        (kept,) = answer.headers.get_list("set-cookie")
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(re.split(r"; ", kept))
        assert "Secure" not in kept, "over plain HTTP on this machine a secure cookie would never come back"
        assert (await client.get("/api/v1/plans")).json()["who"] == "dispatcher"
        secret = client.cookies["fudian"]
        left = await client.post("/access/sign-out")
        assert (left.status_code, left.headers["location"]) == (303, "/access/sign-in")
        assert "fudian" not in client.cookies
        again = await client.get("/api/v1/plans", headers={"cookie": f"fudian={secret}"})
        assert again.status_code == 401, "the session itself is over, not only the cookie"


async def test_over_https_the_cookie_is_bound_to_this_host(peopled: Store) -> None:
    rules = {"host": "127.0.0.1", "proxies": networks(["10.1.2.3"])}
    headers = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7"}
    for access, peer, base, more in (
        (served_by(peopled), "127.0.0.1", "https://localhost", {}),
        (served_by(peopled, **rules), "10.1.2.3", "http://localhost", headers),
    ):
        async with browser(access, None, peer, base) as client:
            client.headers.update(more)
            (kept,) = (await sign_in(client, "viewer")).headers.get_list("set-cookie")
            assert kept.startswith("__Host-fudian=")
            assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(kept.split("; "))
            assert "Domain" not in kept
            told_ = await client.get("/api/v1/plans", headers={"cookie": kept.split(";")[0]})
            assert told_.headers["strict-transport-security"]
            plain = kept.split(";")[0].removeprefix("__Host-")
            assert (await client.get("/api/v1/plans", headers={"cookie": plain})).status_code in {200, 401}


async def test_a_password_never_crosses_the_network_in_the_clear(peopled: Store) -> None:
    async with browser(served_by(peopled, host="::"), None, "10.0.0.9", "http://10.0.0.1") as client:
        refused = await sign_in(client, "viewer")
        assert (refused.status_code, "HTTPS" in refused.text) == (403, True)
        assert "set-cookie" not in refused.headers


async def test_a_session_that_somebody_put_into_the_browser_is_never_taken_up(peopled: Store) -> None:
    access = served_by(peopled)
    planted = access.sessions.begin(access.accounts.named("viewer"))
    async with browser(access) as client:
        for before in ("made up", planted):
            client.cookies.clear()
            client.cookies.set("fudian", before, "localhost.local")
            await sign_in(client, "dispatcher")
            mine = [cookie.value for cookie in client.cookies.jar if cookie.value != before]
            assert len(mine) == 1
            assert access.sessions.holder(before) is None, "what was there before is over"
            holder = access.sessions.holder(str(mine[0]))
            assert holder is not None
            assert holder["name"] == "dispatcher"
    two = {"cookie": "fudian=a; fudian=b"}
    async with browser(access) as client:
        assert (await client.get("/api/v1/plans", headers=two)).status_code == 401


async def test_a_thousand_wrong_passwords_over_the_wire(store: Store) -> None:
    access = served_by(store)
    access.accounts.add("li", "dispatcher", PASSWORD)
    async with browser(access) as client:
        answers = [await sign_in(client, "li", f"wrong {number}") for number in range(1000)]
        statuses = [answer.status_code for answer in answers]
        assert statuses == [401] * MOST_BY_NAME_AND_PEER + [429] * (1000 - MOST_BY_NAME_AND_PEER)
        assert 0 < int(answers[-1].headers["retry-after"]) <= 901
        right = await sign_in(client, "li")
        assert (right.status_code, "set-cookie" in right.headers) == (429, False), "the right one is not told apart"
        assert "15" in right.text
    async with browser(access, None, "127.0.0.2") as client:
        assert (await sign_in(client, "li")).status_code == 303, "the owner is elsewhere"


async def test_a_name_that_there_is_looks_like_one_that_there_is_not(store: Store) -> None:
    access = served_by(store)
    access.accounts.add("li", "viewer", PASSWORD)
    access.accounts.add("wang", "viewer")
    seconds: dict[str, float] = {}
    texts = set()
    for name in ("nobody", "li", "wang", "lu"):
        async with browser(access, None, f"127.0.1.{len(seconds) + 1}") as client:
            began = time.perf_counter()
            for number in range(3):
                answer = await sign_in(client, name, f"wrong {number}")
                texts.add(answer.text.replace(f'value="{name}"', ""))
                assert answer.status_code == 401
            seconds[name] = time.perf_counter() - began
    assert len(texts) == 1
    assert max(seconds.values()) < 6 * min(seconds.values()), "each takes a hash"


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/dispatch?event=1&lang=en", "/dispatch?event=1&lang=en"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("javascript:alert(1)", "/"),
        ("/access/sign-in", "/"),
        ("", "/"),
        ("/" + "x" * 5000, "/"),
        ("/电", "/"),
    ],
)
def test_signing_in_leads_nowhere_else(wanted: str, leads: str) -> None:
    assert own_path(wanted) == leads


async def test_what_was_typed_comes_back_harmless(peopled: Store) -> None:
    script = '"><script>alert(1)</script>'
    async with browser(served_by(peopled)) as client:
        answer = await sign_in(client, script, "x", f"/{script}")
        assert "<script" not in answer.text
        assert "&lt;script&gt;" in answer.text
        page = await client.get("/access/sign-in", params={"next": f"/{script}", "lang": script})
        assert "<script" not in page.text
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe-inline" not in policy.split("style-src")[0]
        for name in ("x-content-type-options", "x-frame-options", "referrer-policy", "permissions-policy"):
            assert page.headers[name]
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "form", [b"a=&" * 100, b"name=%ff&password=%00", b"name=%ed%a0%80&password=%ed%a0%80", b"", b"\xff\xfe", b"=&=;"]
)
async def test_a_form_that_is_not_ours_is_a_wrong_password(store: Store, form: bytes) -> None:
    async with browser(served_by(store)) as client:
        assert (await client.post("/access/sign-in", content=form)).status_code == 401


async def test_the_language_is_one_click_away(peopled: Store) -> None:
    async with browser(served_by(peopled)) as client:
        english = (await client.get("/access/sign-in", params={"next": "/dispatch"})).text
        (other,) = re.findall(r'<a lang="zh" href="([^"]*)"', english)
        chinese = (await client.get("/access/sign-in" + other.replace("&amp;", "&"))).text
        assert ('<html lang="en">' in english, '<html lang="zh-CN">' in chinese) == (True, True)
        assert ("Password" in english, "密码" in chinese) == (True, True)
        assert 'name="next" value="/dispatch"' in chinese


# The provider ---------------------------------------------------------------------------------------------------------


class FalseProvider:
    """A provider of the tests' own, which can be told to lie."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self.claims: dict[str, Any] = {}
        self.signed_by = self.key
        self.algorithm = "RS256"
        self.asked: dict[str, str] = {}
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.issuer = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def about() -> dict[str, str]:
            ends = {"authorization": "authorize", "token": "token"}
            return {
                "issuer": self.issuer,
                "jwks_uri": f"{self.issuer}/keys",
                **{f"{name}_endpoint": f"{self.issuer}/{end}" for name, end in ends.items()},
            }

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.get("/authorize")
        def authorize(redirect_uri: str, state: str, nonce: str, code_challenge: str) -> RedirectResponse:
            self.asked = {"nonce": nonce, "challenge": code_challenge}
            return RedirectResponse(f"{redirect_uri}?code=one&state={state}", 303)

        @app.post("/token")
        async def token(request: Request) -> dict[str, Any]:
            sent = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            verifier = urlsafe_b64encode(sha256(sent["code_verifier"].encode()).digest()).decode().rstrip("=")
            if (sent["code"], verifier) != ("one", self.asked["challenge"]):
                raise HTTPException(400, "not who began it")
            now = int(time.time())
            said = {
                "iss": self.issuer, "sub": "7", "aud": "fudian", "exp": now + 60, "iat": now, "nonce": self.asked["nonce"],
                "preferred_username": "li",
            }  # fmt: skip
            header = {"alg": self.algorithm, "kid": "1"}
            signed = jwt.encode(header, said | self.claims, self.signed_by, algorithms=[self.algorithm])
            return {"access_token": "x", "token_type": "Bearer", "id_token": signed}

        return app


@pytest.fixture
def false_provider() -> Iterator[FalseProvider]:
    made = FalseProvider()
    server = uvicorn.Server(uvicorn.Config(made.app(), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [made.socket]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield made
    server.should_exit = True
    thread.join(10)
    made.socket.close()


async def through(made: FalseProvider, access: Access, change: Any = None) -> tuple[httpx.Response, httpx.AsyncClient]:
    """Go to the provider and come back, as a browser does."""
    provider = Provider(ProviderSettings(made.issuer, "fudian", "secret"))
    async with browser(access, provider) as client:
        away = await client.get("/access/provider", params={"next": "/dispatch", "lang": "en"})
        assert away.status_code == 303
        asked = parse_qs(urlsplit(away.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        async with httpx.AsyncClient() as outside:
            back = (await outside.get(away.headers["location"])).headers["location"]
        if change is not None:
            back = change(client, back)
        link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "accept": "text/html"}
        return await client.get(back, headers=link), client


async def test_the_provider_vouches_for_an_account(store: Store, false_provider: FalseProvider) -> None:
    access = served_by(store)
    access.accounts.add("Li", "dispatcher")
    answer, client = await through(false_provider, access)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dispatch")
    holder = access.sessions.holder(client.cookies["fudian"])
    assert holder is not None
    assert (holder["name"], holder["subject"]) == ("li", f"{false_provider.issuer} 7")


async def test_whom_the_provider_knows_and_we_do_not_is_refused(store: Store, false_provider: FalseProvider) -> None:
    access = served_by(store)
    access.accounts.add("wang", "viewer")
    answer, client = await through(false_provider, access)
    assert (answer.status_code, "fudian" in client.cookies) == (403, False)
    assert "no account for li" in answer.text


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["fudian", "another"]},
        {"exp": int(time.time()) - 3600},
        {"nonce": "another"},
        {"preferred_username": ""},
        {"preferred_username": None},
        {"sub": None},
    ],
)
async def test_what_the_provider_says_wrongly_opens_nothing(
    store: Store, false_provider: FalseProvider, lie: dict[str, Any]
) -> None:
    access = served_by(store)
    access.accounts.add("li", "dispatcher")
    false_provider.claims = lie
    answer, client = await through(false_provider, access)
    assert (answer.status_code, "fudian" in client.cookies) == (403, False)


async def test_what_another_key_signed_opens_nothing(store: Store, false_provider: FalseProvider) -> None:
    access = served_by(store)
    access.accounts.add("li", "dispatcher")
    false_provider.signed_by = RSAKey.generate_key(2048, {"kid": "1"})
    answer, client = await through(false_provider, access)
    assert (answer.status_code, "fudian" in client.cookies) == (403, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda _, back: back.replace("state=", "state=x"),
        lambda _, back: back.replace("code=one", "error=access_denied"),
        lambda client, back: (client.cookies.clear(), back)[1],
        lambda client, back: (client.cookies.set("fudian-way", "forged", "localhost.local"), back)[1],
    ],
)
async def test_a_way_back_that_did_not_begin_here_opens_nothing(
    store: Store, false_provider: FalseProvider, change: Any
) -> None:
    access = served_by(store)
    access.accounts.add("li", "dispatcher")
    answer, client = await through(false_provider, access, change)
    assert (answer.status_code, "fudian" in client.cookies) == (403, False)


async def test_a_provider_that_is_not_there_is_told(store: Store) -> None:
    access = served_by(store)
    access.accounts.add("li", "dispatcher")
    async with browser(access, Provider(ProviderSettings("http://127.0.0.1:9", "fudian", "secret"))) as client:
        answer = await client.get("/access/provider", headers={"accept": "text/html"})
        assert (answer.status_code, "does not answer" in answer.text) == (403, True)
        assert "company account" in (await client.get("/access/sign-in")).text


async def test_a_flood_of_passwords_delays_nobody_who_has_signed_in(store: Store) -> None:
    access = served_by(store)
    secret = access.sessions.begin(access.accounts.add("li", "viewer", PASSWORD))
    async with browser(access) as client:
        flood = [asyncio.create_task(sign_in(client, f"name {number}", "wrong")) for number in range(20)]
        await asyncio.sleep(0.05)
        for _ in range(3):
            answer = await client.get("/api/v1/plans", headers={"cookie": f"fudian={secret}"})
            assert answer.status_code == 200
            access.forget(secret)
        assert not all(task.done() for task in flood), "others still wait for their password to be judged"
        statuses = [(await task).status_code for task in flood]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= MOST_SIGNING_IN


async def test_a_store_that_is_busy_lets_nobody_in(peopled: Store) -> None:
    access = served_by(peopled)
    async with browser(access) as client:
        with peopled.engine.connect():  # the one connection of a store in memory
            async with asyncio.timeout(5):
                waiting = [
                    asyncio.create_task(client.get("/api/v1/plans", headers={"cookie": f"fudian={n}"}))
                    for n in range(80)
                ]
                done, _ = await asyncio.wait(waiting, timeout=1)
        assert done
        assert {task.result().status_code for task in done} == {503}
        assert {(await task).status_code for task in waiting} <= {401, 503}
