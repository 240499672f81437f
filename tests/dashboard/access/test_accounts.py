"""Accounts, sessions, tokens and wrong passwords, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from dashboard.access.accounts import Accounts
from dashboard.access.failures import MOST_BY_NAME, MOST_BY_NAME_AND_PEER, MOST_BY_PEER, WINDOW, Failures
from dashboard.access.looks import Looks
from dashboard.access.passwords import hashed, is_right
from dashboard.access.reader import NOBODY, Look, Reader
from dashboard.access.roles import ROLES
from dashboard.access.sessions import IDLE, LASTS, Sessions
from dashboard.access.tokens import PREFIX, Tokens
from fudian.store import Store, store_of
from fudian.store.access_tables import ACCOUNTS, REFUSALS, SESSIONS, TOKENS
from fudian.store.tables import utc_now
from network import FudianError
from tests.dashboard.access.conftest import PASSWORD

NOW = utc_now()


@pytest.fixture
def kept(store_url: str) -> Iterator[Store]:
    store = store_of(store_url)
    yield store
    store.close()


def test_an_account_is_known_by_name_and_password(kept: Store) -> None:
    accounts = Accounts(kept)
    accounts.add(" 李Wei ", "dispatcher", PASSWORD, unit="城区")
    for name in ("李Wei", "李WEI ", "李wei"):
        found = accounts.checked(name, PASSWORD)
        assert found is not None
        assert (found.name, found.shown_name, found.role, found.unit) == ("李wei", "李Wei", "dispatcher", "城区")
    for name, password in (
        ("李Wei", PASSWORD + "!"),
        ("李Wei", ""),
        ("李", PASSWORD),
        ("", ""),
        ("李Wei", "x" * 10_000),
    ):
        assert accounts.checked(name, password) is None
    with pytest.raises(FudianError, match="already"):
        accounts.add("李wei", "viewer", PASSWORD)


def test_what_is_kept_opens_nothing(kept: Store) -> None:
    accounts, sessions, tokens = Accounts(kept), Sessions(kept), Tokens(kept)
    secrets = [PASSWORD, sessions.begin(accounts.add("li", "viewer", PASSWORD)), tokens.add("scada", ["read"])[0]]
    with kept.reading() as connection:
        rows = [str(row) for table in (ACCOUNTS, SESSIONS, TOKENS) for row in connection.execute(select(table))]
    assert len(rows) == 3
    assert not any(secret in row for secret in secrets for row in rows)
    for row in rows:
        for word in row.strip("()").replace("'", "").split(", "):
            assert sessions.holder(word) is None
            assert tokens.holder(word) is None


@pytest.mark.parametrize(
    "password", ["", "short", "x" * 11, "x" * 300, "aaaaaaaaaaaaaaaa", "my name is LiWei!", "ababababababab"]
)
def test_a_password_that_is_easy_to_guess_is_refused(password: str, store: Store) -> None:
    with pytest.raises(FudianError):
        Accounts(store).add("liwei", "viewer", password)
    assert Accounts(store).all() == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\x00b", "a\u202eb"])
def test_a_name_can_be_printed(name: str, store: Store) -> None:
    with pytest.raises(FudianError):
        Accounts(store).add(name, "viewer", PASSWORD)
    with pytest.raises(FudianError, match="role"):
        Accounts(store).add("li", "root", PASSWORD)
    with pytest.raises(FudianError):
        Tokens(store).add(name, ["read"])


def test_an_account_without_a_password_has_none_that_fits(kept: Store) -> None:
    accounts = Accounts(kept)
    accounts.add("li", "viewer")
    for password in ("", "None", PASSWORD, "the password of nobody"):
        assert accounts.checked("li", password) is None
    assert not is_right("the password of nobody", None)
    assert is_right(PASSWORD, hashed(PASSWORD))


def test_a_provider_vouches_for_one_account_for_good(kept: Store) -> None:
    accounts = Accounts(kept)
    accounts.add("li", "viewer")
    accounts.add("wang", "admin", PASSWORD)
    first = accounts.at_provider("LI", "https://id.example 1")
    assert first is not None
    assert first.name == "li"
    assert accounts.at_provider("renamed", "https://id.example 1") == first
    assert accounts.at_provider("li", "https://id.example 2") is None
    assert accounts.at_provider("wang", "https://id.example 3") is None, "an account with a password is its owner's"
    accounts.disable("li")
    assert accounts.at_provider("li", "https://id.example 1") is None


def test_a_disabled_account_is_out_with_all_its_sessions(kept: Store) -> None:
    accounts, sessions = Accounts(kept), Sessions(kept)
    account = accounts.add("li", "viewer", PASSWORD)
    secrets = [sessions.begin(account) for _ in range(3)]
    assert all(sessions.holder(secret) for secret in secrets)
    accounts.disable("LI")
    assert not any(sessions.holder(secret) for secret in secrets)
    assert accounts.checked("li", PASSWORD) is None
    assert accounts.are_there_any()
    accounts.disable("li", enabled=True)
    assert accounts.checked("li", PASSWORD) is not None
    assert not any(sessions.holder(secret) for secret in secrets)


@pytest.mark.parametrize("change", [{"role": "admin"}, {"unit": "城区"}, {"password": "another four words indeed"}])
def test_a_change_of_an_account_ends_its_sessions(change: dict[str, str], store: Store) -> None:
    accounts, sessions = Accounts(store), Sessions(store)
    secret = sessions.begin(accounts.add("li", "viewer", PASSWORD))
    accounts.change("li", **change)
    assert sessions.holder(secret) is None
    assert (accounts.checked("li", PASSWORD) is None) == ("password" in change)
    with pytest.raises(FudianError):
        accounts.change("lo", role="viewer")


def test_a_session_ends_by_itself(kept: Store) -> None:
    accounts, sessions = Accounts(kept), Sessions(kept)
    account = accounts.add("li", "viewer", PASSWORD)
    idle = sessions.begin(account, NOW)
    assert sessions.holder(idle, NOW + IDLE - timedelta(seconds=1)) is not None
    assert sessions.holder(idle, NOW + IDLE * 2 - timedelta(seconds=2)) is not None, "it was in use meanwhile"
    assert sessions.holder(idle, NOW + IDLE * 4) is None
    at, busy = NOW, sessions.begin(account, NOW)
    while sessions.holder(busy, at) is not None:
        at += timedelta(minutes=30)
    assert at == NOW + LASTS
    sessions.end(third := sessions.begin(account))
    assert sessions.holder(third) is None
    with kept.reading() as connection:
        assert len(connection.execute(select(SESSIONS)).all()) <= 2, "what is over goes"


def test_a_token_is_good_for_its_scopes_and_its_days(kept: Store) -> None:
    tokens = Tokens(kept)
    given, token = tokens.add("scada", ["signals", "read"], days=1, unit="城区")
    assert given.startswith(PREFIX)
    assert token.scopes == ("read", "signals")
    assert tokens.holder(given, NOW) == token
    assert tokens.holder(given, NOW + timedelta(days=2)) is None  # counted from when it was made, later than NOW
    assert tokens.holder(given[:-1], NOW) is None
    assert tokens.holder(given.removeprefix(PREFIX), NOW) is None
    tokens.revoke("scada")
    assert tokens.holder(given, NOW) is None
    with pytest.raises(FudianError, match="already"):
        tokens.add("scada", ["read"])
    with pytest.raises(FudianError, match="Scopes"):
        tokens.add("other", ["everything"])
    with pytest.raises(FudianError, match="Scopes"):
        tokens.add("other", [])
    with pytest.raises(FudianError, match="no token"):
        tokens.revoke("other")


def test_a_thousand_wrong_passwords_lead_nowhere(kept: Store) -> None:
    failures = Failures(kept)
    waits = [failures.begin("li", "10.0.0.9", NOW + timedelta(seconds=number)) for number in range(1000)]
    tried = [number for number, wait in enumerate(waits) if wait == 0]
    assert tried[:MOST_BY_NAME_AND_PEER] == list(range(MOST_BY_NAME_AND_PEER))
    assert len(tried) <= MOST_BY_NAME_AND_PEER * (1 + 1000 // WINDOW.total_seconds())
    assert all(0 < wait <= WINDOW.total_seconds() + 1 for wait in waits if wait)
    assert failures.begin("LI ", "10.0.0.9", NOW + timedelta(seconds=999)) > 0, "by another spelling"
    assert failures.begin("li", "10.0.0.8", NOW + timedelta(seconds=999)) == 0, "its owner elsewhere is not locked out"


def test_one_peer_cannot_try_many_names(kept: Store) -> None:
    failures = Failures(kept)
    waits = [failures.begin(f"name {number}", f"2001:db8::{number:x}", NOW) for number in range(100)]
    assert waits.count(0) == MOST_BY_PEER, "all addresses of a person count as one"
    assert failures.begin("li", "2001:db8:1::1", NOW) == 0


def test_many_peers_cannot_try_one_name_for_ever(kept: Store) -> None:
    failures = Failures(kept)
    waits = [failures.begin("li", f"10.0.{number}.1", NOW) for number in range(200)]
    assert waits.count(0) == MOST_BY_NAME
    assert failures.begin("li", "10.1.0.1", NOW + WINDOW * 1.01) == 0


def test_tries_at_once_are_counted_each(kept: Store) -> None:
    failures = Failures(kept)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: failures.begin("li", "10.0.0.9"), range(64)))
    assert MOST_BY_NAME_AND_PEER <= waits.count(0) <= MOST_BY_NAME_AND_PEER + 8


def test_who_comes_in_has_no_failures(kept: Store) -> None:
    failures = Failures(kept)
    for _ in range(100):
        assert failures.begin("li", "10.0.0.9") == 0
        failures.forget("li", "10.0.0.9")
    with kept.reading() as connection:
        rows = connection.execute(select(REFUSALS)).mappings().all()
    assert all(row["failures"] == 0 for row in rows)


def test_every_look_is_kept_with_who_when_and_which(kept: Store) -> None:
    looks = Looks(kept)
    li = Reader("li", "dispatcher", ROLES["dispatcher"], None, "10.0.0.9", "Li", looks.note)
    wang = Reader("wang", "operations", ROLES["operations"], None, "10.0.0.8", "Wang", looks.note)
    li.sees(Look("dispatch", "TD00019 " + "x" * 1000, "page", 204))
    wang.sees(Look("/export/dispatch/customers.csv", "event=TD00019", "csv"))
    second, first = looks.since()
    assert (first["who"], first["role"], first["is_masked"], first["customers"]) == ("li", "dispatcher", False, 204)
    assert first["which"].startswith("TD00019")
    assert (second["who"], second["form"], second["is_masked"]) == ("wang", "csv", True)
    assert utc_now() - second["at"] < timedelta(minutes=1)
    assert looks.since(who="LI") == [first]
    assert looks.since(utc_now() + timedelta(hours=1)) == []
    for nobody in (NOBODY, Reader("v", "viewer", ROLES["viewer"], note=looks.note), Reader("l", "x", ROLES["admin"])):
        with pytest.raises(PermissionError):
            nobody.sees(Look("dispatch", "", "page"))
