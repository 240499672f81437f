"""Tokens of programs: each has a name, scopes and an end; the store holds only hashes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from dashboard.access.accounts import LONGEST_NAME
from dashboard.access.roles import SCOPES, Right
from dashboard.access.sessions import hash_of, secret
from fudian.store import Store
from fudian.store.access_tables import TOKENS
from fudian.store.tables import utc_now
from network import FudianError, text

PREFIX = "fudian_"
"""What every token begins with, so that one that was published by mistake can be found."""

_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class Token:
    """What is known of a token."""

    name: str
    scopes: tuple[str, ...]
    unit: str | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None

    @property
    def rights(self) -> frozenset[Right]:
        """What it allows."""
        return frozenset[Right]().union(*(SCOPES.get(scope, frozenset()) for scope in self.scopes))

    def as_dict(self) -> dict[str, Any]:
        """Return the token as a list shows it."""
        return vars(self) | {"scopes": list(self.scopes)}


class Tokens:
    """The tokens of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self, name: str, scopes: Collection[str], days: float | None = 365, unit: str | None = None
    ) -> tuple[str, Token]:
        """Make a token.

        Args:
            name: of the program that uses it.
            scopes: some of :data:`dashboard.access.roles.SCOPES`.
            days: for which it is good; ``None`` for good.
            unit: the one unit that it sees.

        Returns:
            The token itself, which nobody can be told again, and what is known of it.

        Raises:
            FudianError: the name is taken or blank, or a scope is not known.
        """
        shown = name.strip()
        if not shown or len(shown) > LONGEST_NAME or not shown.isprintable():
            raise FudianError(text("A name has 1 to {most} characters that can be printed.", most=LONGEST_NAME))
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise FudianError(
                text("Scopes are some of {scopes}, not {given!r}.", scopes=", ".join(SCOPES), given=", ".join(unknown))
            )
        given, at = PREFIX + secret(), utc_now()
        row = {
            "name": shown,
            "token_hash": hash_of(given),
            "scopes": " ".join(scope for scope in SCOPES if scope in scopes),
            "unit": unit or None,
            "created_at": at,
            "expires_at": None if days is None else at + timedelta(days=days),
        }
        try:
            with self._store.writing() as connection:
                connection.execute(insert(TOKENS).values(row))
        except IntegrityError as taken:
            raise FudianError(
                text("There is a token {name!r} already.", name=shown), text("fudian tokens list shows all of them.")
            ) from taken
        return given, next(token for token in self.all() if token.name == shown)

    def all(self) -> list[Token]:
        """Return all tokens by name, those that are over too."""
        with self._store.reading() as connection:
            return [_token(row) for row in connection.execute(select(TOKENS).order_by(TOKENS.c.name)).mappings()]

    def revoke(self, name: str) -> Token:
        """Let a token be good no longer.

        Raises:
            FudianError: there is none of that name.
        """
        at = utc_now()
        with self._store.writing() as connection:
            connection.execute(
                update(TOKENS).where(TOKENS.c.name == name, TOKENS.c.revoked_at.is_(None)).values(revoked_at=at)
            )
        found = next((token for token in self.all() if token.name == name), None)
        if found is None:
            raise FudianError(
                text("There is no token {name!r}.", name=name), text("fudian tokens list shows all of them.")
            )
        return found

    def holder(self, given: str, now: datetime | None = None) -> Token | None:
        """Return what is known of a token that is good now; ``None`` for any other."""
        if not given.startswith(PREFIX):
            return None
        at = now or utc_now()
        with self._store.reading() as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.token_hash == hash_of(given))).mappings().first()
        if row is None or row["revoked_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= at):
            return None
        if row["used_at"] is None or row["used_at"] <= at - _NOTED_EVERY:
            with self._store.writing() as connection:
                connection.execute(update(TOKENS).where(TOKENS.c.token_id == row["token_id"]).values(used_at=at))
        return _token(row)


def _token(row: RowMapping) -> Token:
    return Token(
        row["name"],
        tuple(row["scopes"].split()),
        row["unit"],
        row["created_at"],
        row["expires_at"],
        row["used_at"],
        row["revoked_at"],
    )
