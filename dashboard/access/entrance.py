"""Who may come in, and how: rules of the command line; accounts, sessions and tokens, asked beside the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cachetools import TTLCache
from starlette.datastructures import Headers

from dashboard.access.accounts import Account, Accounts
from dashboard.access.failures import Failures
from dashboard.access.hosts import Net, Origins, is_loopback
from dashboard.access.looks import Looks
from dashboard.access.reader import Reader
from dashboard.access.roles import LOCAL_RIGHTS, ROLES, Right
from dashboard.access.sessions import Sessions
from dashboard.access.tokens import Tokens
from fudian.store import Store
from network import FudianError, Text, text

Result = TypeVar("Result")

KNOWN_S = 1.0
"""For how long it is taken as still so that a session or token is good; a disabled account is out after that."""

THREADS = 4
"""That ask the store at a time."""

MOST_WAITING = 64
"""Questions that wait for one of them, at most."""

HASHED_AT_A_TIME = 2
"""Passwords, beside the questions: a flood of them delays nobody who has signed in."""

MOST_SIGNING_IN = 16
"""Who wait for their password to be judged, at most."""


@dataclass(frozen=True)
class Rules:
    """How the server is reached, and by whom.

    Attributes:
        host: address that it is bound to.
        host_names: further names that readers type.
        role: of whoever sits at this machine, where nobody signs in; ``None``: all but personal data.
        is_open: anyone may read, personal data masked; writing takes a token.
        proxies: peers whose word on address, protocol and user counts.
        user_header: header in which they name the user.
        is_https: the server itself speaks HTTPS.
    """

    host: str = "127.0.0.1"
    host_names: tuple[str, ...] = ()
    role: str | None = None
    is_open: bool = False
    proxies: tuple[Net, ...] = ()
    user_header: str | None = None
    is_https: bool = False

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            FudianError: a role for an open or a foreign server, or a user header that anybody could send.
        """
        if self.role is not None and (self.is_open or not is_loopback(self.host)):
            raise FudianError(
                text("--role is for the reader at this machine; others have the role of their account."),
                text("Leave out --role, or serve 127.0.0.1 without --open."),
            )
        if self.user_header is not None and not self.proxies:
            raise FudianError(
                text("A user header counts only from listed proxies; anybody else could send it."),
                text("Name the address of the proxy with --trusted-proxy."),
            )


class Unknown(Exception):  # noqa: N818  (an answer, not an error)
    """Whoever asks says who they are, and it is not so."""

    def __init__(self, message: Text, hint: Text) -> None:
        super().__init__(str(message))
        self.message = message
        self.hint = hint


@dataclass
class Access:
    """Everything that the gate and the sign-in ask."""

    store: Store
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        """Set up what asks the store."""
        self.accounts = Accounts(self.store)
        self.sessions = Sessions(self.store)
        self.tokens = Tokens(self.store)
        self.failures = Failures(self.store)
        self.looks = Looks(self.store)
        self._asking = _Line(THREADS, MOST_WAITING)
        self._judging = _Line(HASHED_AT_A_TIME, MOST_SIGNING_IN)
        self._recent: TTLCache[Hashable, Any] = TTLCache(4096, KNOWN_S, timer=time.monotonic)

    def warnings(self) -> list[Text]:
        """Return what to say at the start about who can come in."""
        rules = self.rules
        said = []
        if rules.is_open:
            said.append(text("Anybody who reaches this server can read; personal data is masked."))
        elif not is_loopback(rules.host) and rules.user_header is None and not self.accounts.are_there_any():
            said.append(text("Nobody can come in before there are accounts: fudian users add."))
        if not is_loopback(rules.host) and not rules.is_https and not rules.proxies:
            said.append(
                text(
                    "What goes over the network can be read on the way: name --certificate and --key, or a --trusted-proxy."
                )
            )
        if rules.role is not None and Right.PERSONAL in ROLES[rules.role]:
            said.append(text("Personal data is shown to whoever uses this machine; every look is recorded."))
        return said

    async def ask(self, question: Callable[[], Result]) -> Result:
        """Ask the store beside the event loop.

        Raises:
            BusyError: too many ask already.
        """
        return await self._asking.result(question)

    async def judge(self, question: Callable[[], Result]) -> Result:
        """Judge a password beside the event loop, and beside the questions of others.

        Raises:
            BusyError: too many wait already.
        """
        return await self._judging.result(question)

    async def signs_in(self) -> bool:
        """Tell whether everybody signs in: as soon as there is an account, or a proxy that names users."""
        return self.rules.user_header is not None or bool(await self._recently("accounts", self.accounts.are_there_any))

    async def identify(self, headers: Headers, origins: Origins) -> Reader | None:
        """Return who a request says it comes from; ``None`` where it says nothing.

        Raises:
            Unknown: it says so wrongly.
        """
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self._bearer(given.strip(), origins)
        if self.rules.user_header is not None and origins.is_listed:
            named = headers.getlist(self.rules.user_header)
            if len(named) == 1 and named[0].strip():
                return await self._named_by_proxy(named[0], origins)
        secret = cookie(headers, origins)
        if not secret:
            return None
        row = await self._recently(("session", secret), lambda: self.sessions.holder(secret))
        return (
            None if row is None else self._of_account(row["name"], row["shown_name"], row["role"], row["unit"], origins)
        )

    def known(self, who: str, role: str, rights: frozenset[Right], peer: str) -> Reader:
        """Return a reader without an account."""
        return Reader(who, role, rights, peer=peer, note=self.looks.note)

    def at_this_machine(self, peer: str = "") -> Reader:
        """Return who sits at this machine while nobody signs in."""
        role = self.rules.role
        return self.known("local", role or "local", LOCAL_RIGHTS if role is None else ROLES[role], peer)

    def forget(self, secret: str) -> None:
        """Know a session no longer that has just ended."""
        self._recent.pop(("session", secret), None)

    async def _bearer(self, given: str, origins: Origins) -> Reader:
        token = await self._recently(("token", given), lambda: self.tokens.holder(given))
        if token is None:
            raise Unknown(
                text("This token is not good."),
                text("fudian tokens list shows which are; fudian tokens add makes one."),
            )
        return Reader(f"token {token.name}", "token", token.rights, token.unit, origins.peer, note=self.looks.note)

    async def _named_by_proxy(self, named: str, origins: Origins) -> Reader:
        account: Account | None = await self._recently(("user", named), lambda: self.accounts.find(named))
        if account is None or account.disabled_at is not None:
            raise Unknown(
                text("There is no account for the user that the proxy names."), text("fudian users add makes one.")
            )
        return self._of_account(account.name, account.shown_name, account.role, account.unit, origins)

    def _of_account(self, name: str, shown: str, role: str, unit: str | None, origins: Origins) -> Reader:
        return Reader(name, role, ROLES.get(role, frozenset()), unit, origins.peer, shown, self.looks.note)

    async def _recently(self, key: Hashable, question: Callable[[], Result]) -> Result:
        recent = self._recent.get(key, _NOT_ASKED)
        if recent is _NOT_ASKED:
            recent = self._recent[key] = await self.ask(question)
        found: Result = recent
        return found


class _Line:
    """Threads, and a line before them that has an end."""

    def __init__(self, threads: int, most: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "access")
        self._most = most
        self._waiting = 0

    async def result(self, question: Callable[[], Result]) -> Result:
        if self._waiting >= self._most:
            raise BusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, question)
        finally:
            self._waiting -= 1


_NOT_ASKED = object()


class BusyError(Exception):
    """Too many ask at once."""


def cookie_name(origins: Origins) -> str:
    """Return the name of the cookie: over HTTPS one that no other host and no plain answer can set."""
    return "__Host-fudian" if origins.is_https else "fudian"


def cookie(headers: Headers, origins: Origins) -> str:
    """Return the secret in the cookie; blank where there is none, or several that contradict each other."""
    wanted = cookie_name(origins)
    found = {
        value.strip()
        for part in ";".join(headers.getlist("cookie")).split(";")
        for name, _, value in [part.partition("=")]
        if name.strip() == wanted
    }
    return found.pop() if len(found) == 1 else ""
