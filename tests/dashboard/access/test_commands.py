"""Accounts, tokens and looks from the command line."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from dashboard.access.accounts import Accounts
from dashboard.access.looks import Looks
from dashboard.access.reader import Look, Reader
from dashboard.access.roles import ROLES
from dashboard.access.tokens import Tokens
from data_samples.generator.county import COUNTY
from fudian.cli.app import main
from fudian.store import store_of, url_beside
from tests.dashboard.access.conftest import PASSWORD


class Said(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("FUDIAN_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str | Path, typed: str = "") -> Said:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Said(status, captured.out, captured.err)

    return run


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "county"
    folder.mkdir()
    return folder


def test_accounts(command: Command, workspace: Path) -> None:
    made = command(
        "users", "add", workspace, "Li", "--role", "dispatcher", "--unit", "城区", "--json", typed=f"{PASSWORD}\n"
    )
    assert made.status == 0
    assert {name: made.json[name] for name in ("name", "role", "unit", "password")} == {
        "name": "Li", "role": "dispatcher", "unit": "城区", "password": True,
    }  # fmt: skip
    command("users", "add", workspace, "wang", "--role", "viewer", "--no-password")
    store = store_of(url_beside(workspace))
    accounts = Accounts(store)
    assert accounts.checked("li", PASSWORD) is not None
    assert [each.name for each in accounts.all()] == ["li", "wang"]
    assert command("users", "disable", workspace, "LI", "--json").json["disabled_at"] is not None
    assert accounts.checked("li", PASSWORD) is None
    command("users", "disable", workspace, "li", "--enable")
    command(
        "users",
        "change",
        workspace,
        "li",
        "--role",
        "admin",
        "--unit",
        "",
        "--password",
        typed="another four words indeed\n",
    )
    changed = accounts.checked("li", "another four words indeed")
    assert changed is not None
    assert (changed.role, changed.unit) == ("admin", None)
    listed = command("users", "list", workspace, "--json").json["rows"]
    assert [(row["name"], row["role"], row["password"]) for row in listed] == [
        ("Li", "admin", True),
        ("wang", "viewer", False),
    ]
    assert "Li" in command("users", "list", workspace).out
    store.close()


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (["users", "add", "{}", "li", "--role", "root"], PASSWORD, "role"),
        (["users", "add", "{}", "li", "--role", "viewer"], "short", "characters"),
        (["users", "add", "{}", "li", "--role", "viewer"], "", "characters"),
        (["users", "add", "{}/nowhere", "li", "--role", "viewer"], PASSWORD, "There is no"),
        (["users", "disable", "{}", "li"], "", "no account"),
        (["tokens", "add", "{}", "scada", "--scope", "all"], "", "Scopes"),
        (["tokens", "revoke", "{}", "scada"], "", "no token"),
        (["users", "list", "{}", "--store", "mysql://x"], "", "store"),
        (["serve", "{}", "--role", "dispatcher", "--host", "0.0.0.0"], "", "--role"),  # noqa: S104
        (["serve", "{}", "--role", "dispatcher", "--open"], "", "--role"),
        (["serve", "{}", "--role", "boss"], "", "role"),
        (["serve", "{}", "--user-header", "X-User"], "", "listed proxies"),
        (["serve", "{}", "--trusted-proxy", "proxy"], "", "no address"),
        (["serve", "{}", "--certificate", "a.pem"], "", "go together"),
        (["serve", "{}", "--certificate", "a.pem", "--key", "b.pem"], "", "There is no"),
        (["serve", "{}", "--provider", "https://id.example"], "", "FUDIAN_PROVIDER_ID"),
    ],
)
def test_what_cannot_be_done_is_told(
    command: Command, workspace: Path, arguments: list[str], typed: str, said: str
) -> None:
    done = command(*(argument.format(workspace) for argument in arguments), typed=typed)
    assert (done.status, said in done.err) == (2, True), done.err
    assert PASSWORD not in done.err


def test_tokens(command: Command, workspace: Path) -> None:
    given = command("tokens", "add", workspace, "scada", "--scope", "read,signals", "--days", "30", "--json").json
    store = store_of(url_beside(workspace))
    token = Tokens(store).holder(given["token"])
    assert token is not None
    assert (token.scopes, token.name) == (("read", "signals"), "scada")
    shown = command("tokens", "add", workspace, "meters", "--scope", "signals")
    assert Tokens(store).holder(shown.out.strip()) is not None, "the token alone stands on standard output"
    listed = command("tokens", "list", workspace, "--json")
    assert [row["name"] for row in listed.json["rows"]] == ["meters", "scada"]
    assert given["token"] not in listed.out
    assert command("tokens", "revoke", workspace, "scada", "--json").json["revoked_at"] is not None
    assert Tokens(store).holder(given["token"]) is None
    assert "meters" in command("tokens", "list", workspace).out
    store.close()


def test_looks(command: Command, workspace: Path) -> None:
    store = store_of(url_beside(workspace))
    looks = Looks(store)
    for name in ("li", "wang"):
        reader = Reader(name, "dispatcher", ROLES["dispatcher"], None, "10.0.0.9", name, looks.note)
        reader.sees(Look("dispatch", "TD00019", "page", 204))
    store.close()
    rows = command("looks", workspace, "--json").json["rows"]
    assert [(row["who"], row["which"], row["customers"], row["is_masked"]) for row in rows] == [
        ("wang", "TD00019", 204, False),
        ("li", "TD00019", 204, False),
    ]
    assert len(command("looks", workspace, "--who", "li", "--json").json["rows"]) == 1
    assert command("looks", workspace, "--since", "2100-01-01", "--json").json["rows"] == []
    assert "TD00019" in command("looks", workspace).out


def test_the_server_of_the_command(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = tmp_path / "store.sqlite"
    command = [sys.executable, "-m", "fudian.cli", "serve", str(COUNTY), "--port", str(port), "--store", str(store)]
    told = os.environ | {"FUDIAN_LANG": "en"}
    with subprocess.Popen(command, env=told, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            assert f"http://127.0.0.1:{port}/" in server.stderr.readline()
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                wait_for(client)
                assert client.get("/api/v1/plans").status_code == 200
                assert client.get("/api/v1/plans", headers={"x-forwarded-for": "203.0.113.7"}).status_code == 403
                assert client.get("/api/v1/plans", headers={"host": "evil.example"}).status_code == 403
                accounts = Accounts(store_of(store))
                accounts.add("li", "viewer", PASSWORD)
                time.sleep(1.2)
                assert client.get("/api/v1/plans").status_code == 401, "from the first account on everybody signs in"
                typed = {"name": "li", "password": PASSWORD, "next": "/operations"}
                assert client.post("/access/sign-in", data=typed).headers["location"] == "/operations"
                assert client.get("/api/v1/plans").status_code == 200
                assert "server" not in client.get("/api/v1/plans").headers
                accounts.disable("li")
                time.sleep(1.2)
                assert client.get("/api/v1/plans").status_code == 401, "who disables the last account opens nothing"
        finally:
            server.terminate()
            server.wait(30)


def wait_for(client: httpx.Client) -> None:
    for _ in range(600):
        try:
            client.get("/access/style.css")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start")
