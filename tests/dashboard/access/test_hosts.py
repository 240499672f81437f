"""Where a request may come from: this machine, listed proxies, own pages; and what a forged header is worth."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.access.entrance import Access, Rules
from dashboard.access.hosts import host_of, networks
from fudian.store import Store
from network import FudianError
from tests.dashboard.access.conftest import ask_of, served_by

FIGURES = "/api/v1/indices"
ANYWHERE = "0.0.0.0"  # noqa: S104


def status(store: Store, rules: dict[str, Any], headers: dict[str, str], peer: str = "127.0.0.1", **more: Any) -> int:
    return ask_of(served_by(store, **rules), peer)(more.get("method", "GET"), FIGURES, headers=headers).status_code


@pytest.mark.parametrize("host", ["localhost", "localhost:8050", "127.0.0.1:1", "[::1]:8050", "LOCALHOST"])
def test_this_machine_is_served_without_sign_in(store: Store, host: str) -> None:
    assert status(store, {}, {"host": host}) == 200
    assert status(store, {"host": "::1"}, {"host": host}, "::1") == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "10.0.0.1",
        "[::2]",
        "localhost:8050@evil.example",
        "evil.example:8050",
        "localhost/evil",
        "localhost:x",
        "",
        "127.1",
        "0x7f000001",
        "localhost evil",
    ],
)
def test_another_host_name_is_refused_with_the_remedy(store: Store, host: str) -> None:
    answer = ask_of(served_by(store))("GET", FIGURES, headers={"host": host})
    assert answer.status_code == 403
    assert "--host-name" in answer.json()["hint"]


@pytest.mark.parametrize(
    "header",
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-x", "x-real-ip", "via"],
)
def test_behind_a_proxy_loopback_is_not_this_machine(store: Store, header: str) -> None:
    answer = ask_of(served_by(store))("GET", FIGURES, headers={"host": "localhost", header: "127.0.0.1"})
    assert answer.status_code == 403
    assert "fudian users add" in answer.json()["hint"]


@pytest.mark.parametrize(
    ("host", "peer"), [("127.0.0.1", "10.0.0.9"), (ANYWHERE, "127.0.0.1"), (ANYWHERE, "10.0.0.9"), ("::", "::1")]
)
def test_without_accounts_nobody_else_is_served(store: Store, host: str, peer: str) -> None:
    answer = ask_of(served_by(store, host=host), peer)("GET", FIGURES, headers={"host": "localhost"})
    assert answer.status_code == 403
    assert "fudian users add" in answer.json()["hint"]


def test_the_reader_at_this_machine_sees_personal_data_only_by_role(store: Store) -> None:
    masked = ask_of(served_by(store))("GET", FIGURES).json()
    dispatcher = ask_of(served_by(store, role="dispatcher"))("GET", FIGURES).json()
    viewer = ask_of(served_by(store, role="viewer"))
    assert (masked["masked"], dispatcher["masked"]) == (True, False)
    assert viewer("GET", FIGURES).json()["masked"]
    assert viewer("GET", "/export/dispatch/customers.csv").status_code == 403


def test_accounts_close_the_door_of_this_machine(peopled: Store) -> None:
    ask = ask_of(served_by(peopled))
    assert ask("GET", FIGURES).status_code == 401
    page = ask("GET", "/operations?year=2022&lang=zh", headers={"accept": "text/html"})
    assert page.status_code == 303
    assert page.headers["location"] == "/access/sign-in?next=%2Foperations%3Fyear%3D2022%26lang%3Dzh&lang=zh"


def test_an_open_server_masks_and_takes_nothing(store: Store) -> None:
    access = served_by(store, host=ANYWHERE, is_open=True)
    ask = ask_of(access, "10.0.0.9", "http://10.0.0.1")
    assert ask("GET", FIGURES).json()["masked"]
    assert ask("GET", "/export/dispatch/customers.csv").status_code == 200
    assert ask("POST", "/api/v1/signals", json=[]).status_code == 401
    token, _ = access.tokens.add("scada", ["signals"])
    sent = ask("POST", "/api/v1/signals", json=[], headers={"authorization": f"Bearer {token}"})
    assert sent.json()["who"] == "token scada"
    assert ask("GET", FIGURES, headers={"host": "evil.example"}).status_code == 403


def test_a_name_that_readers_type_is_given_once(peopled: Store, keys: dict[str, dict[str, str]]) -> None:
    rules = {"host": ANYWHERE, "host_names": ("Fudian.County.example",)}
    mine = keys["viewer"]
    assert status(peopled, rules, {"host": "fudian.county.example"} | mine, "10.0.0.9") == 200
    assert status(peopled, rules, {"host": "fudian.county.example:8443"} | mine, "10.0.0.9") == 200
    assert status(peopled, rules, {"host": "10.0.0.1"} | mine, "10.0.0.9") == 200
    assert status(peopled, rules, {"host": "other.example"} | mine, "10.0.0.9") == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:81"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "file://"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://localhost, http://evil.example"},
        {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
        {"origin": "http://evil.example", "sec-fetch-mode": "navigate"},
    ],
)
def test_pages_of_other_servers_neither_read_nor_write(
    peopled: Store, keys: dict[str, dict[str, str]], headers: dict[str, str]
) -> None:
    ask = ask_of(served_by(peopled))
    for method, path in (
        ("GET", FIGURES),
        ("POST", "/api/v1/signals"),
        ("POST", "/access/sign-in"),
        ("POST", "/access/sign-out"),
    ):
        assert ask(method, path, headers=headers | keys["dispatcher"]).status_code == 403, (method, path)


def test_links_of_other_servers_lead_here(peopled: Store, keys: dict[str, dict[str, str]]) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"} | keys["viewer"]
    ask = ask_of(served_by(peopled))
    assert ask("GET", "/operations", headers=link).status_code == 200
    assert ask("POST", "/_dash-update-component", headers=link).status_code == 403
    own = {"origin": "http://localhost", "sec-fetch-site": "same-origin"} | keys["viewer"]
    assert ask("POST", "/_dash-update-component", headers=own).status_code == 200


PROXY = {"host": "127.0.0.1", "proxies": networks(["10.1.0.0/16", "fd00::1"]), "user_header": "X-User"}


def test_a_user_header_counts_only_from_listed_proxies(peopled: Store) -> None:
    named = {"x-user": "Dispatcher", "host": "127.0.0.1"}
    for peer in ("10.1.2.3", "fd00::1", "::ffff:10.1.2.3"):
        assert ask_of(served_by(peopled, **PROXY), peer)("GET", FIGURES, headers=named).json()["who"] == "dispatcher"
    for peer in ("127.0.0.1", "10.2.0.1", "::1", "fd00::2", ""):
        assert ask_of(served_by(peopled, **PROXY), peer)("GET", FIGURES, headers=named).status_code == 401
    twice = [("x-user", "admin"), ("x-user", "dispatcher"), ("host", "127.0.0.1")]
    assert ask_of(served_by(peopled, **PROXY), "10.1.2.3")("GET", FIGURES, headers=twice).status_code == 401
    unknown = {"x-user": "nobody knows", "host": "127.0.0.1"}
    assert ask_of(served_by(peopled, **PROXY), "10.1.2.3")("GET", FIGURES, headers=unknown).status_code == 401


@pytest.mark.parametrize(
    ("forwarded", "peer"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.1.9.9", "203.0.113.7"),
        ("10.1.9.9", "10.1.2.3"),
        ("", "10.1.2.3"),
    ],
)
def test_whom_a_proxy_names_is_who_asks(peopled: Store, forwarded: str, peer: str) -> None:
    headers = {"x-user": "viewer", "host": "127.0.0.1", "x-forwarded-for": forwarded}
    told = ask_of(served_by(peopled, **PROXY), "10.1.2.3")("GET", FIGURES, headers=headers).json()
    assert told["peer"] == peer


@pytest.mark.parametrize(
    "rules",
    [
        {"user_header": "X-User"},
        {"role": "dispatcher", "host": ANYWHERE},
        {"role": "dispatcher", "is_open": True},
    ],
)
def test_rules_that_would_open_the_house_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(FudianError):
        Rules(**rules)
    with pytest.raises(FudianError):
        networks(["the proxy"])


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("a.example:80", "a.example"),
        ("[::1]", "[::1]"),
        ("a@b", ""),
        ("a/b", ""),
        ("a:99999999", ""),
        ("", ""),
        ("[::1", ""),
    ],
)
def test_a_host_is_what_stands_there_and_nothing_more(authority: str, host: str) -> None:
    assert host_of(authority) == host


def test_what_is_said_at_the_start(store: Store, peopled: Store) -> None:
    assert Access(store).warnings() == []
    assert "fudian users add" in str(served_by(store, host=ANYWHERE).warnings()[0])
    assert "masked" in str(served_by(store, host=ANYWHERE, is_open=True).warnings()[0])
    (plain,) = served_by(peopled, host=ANYWHERE).warnings()
    assert "--certificate" in str(plain)
    assert served_by(peopled, host=ANYWHERE, is_https=True).warnings() == []
    assert "recorded" in str(served_by(store, role="dispatcher").warnings()[0])
