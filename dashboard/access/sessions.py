"""Sessions: who signed in, for how long; the browser holds a secret, the store only its hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, delete, insert, select, update

from dashboard.access.accounts import Account
from fudian.store import Store
from fudian.store.access_tables import ACCOUNTS, SESSIONS
from fudian.store.tables import utc_now

LASTS = timedelta(hours=12)
"""After which everybody signs in anew: one shift."""

IDLE = timedelta(hours=2)
"""Without any request, after which a session is over."""

_NOTED_EVERY = timedelta(minutes=5)
"""How often it is written down that a session is in use."""


def secret() -> str:
    """Return a new secret of 256 bits."""
    return secrets.token_urlsafe(32)


def hash_of(given: str) -> str:
    """Return what is kept of a secret: enough to know it again, not enough to use it."""
    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


class Sessions:
    """The sessions of a store."""

    def __init__(self, store: Store, lasts: timedelta = LASTS, idle: timedelta = IDLE) -> None:
        self._store = store
        self._lasts = lasts
        self._idle = idle

    def begin(self, account: Account, now: datetime | None = None) -> str:
        """Begin a session, always a new one, and return the secret for the browser."""
        given, at = secret(), now or utc_now()
        row = {
            "session_hash": hash_of(given),
            "account_id": account.account_id,
            "created_at": at,
            "seen_at": at,
            "expires_at": at + self._lasts,
        }
        with self._store.writing() as connection:
            connection.execute(
                delete(SESSIONS).where((SESSIONS.c.expires_at <= at) | (SESSIONS.c.seen_at <= at - self._idle))
            )
            connection.execute(insert(SESSIONS).values(row))
        return given

    def holder(self, given: str, now: datetime | None = None) -> RowMapping | None:
        """Return the enabled account that a secret belongs to, as a row of accounts; ``None`` where the session is over."""
        at, kept = now or utc_now(), hash_of(given)
        asked = (
            select(ACCOUNTS, SESSIONS.c.seen_at, SESSIONS.c.session_hash)
            .join(SESSIONS, SESSIONS.c.account_id == ACCOUNTS.c.account_id)
            .where(
                SESSIONS.c.session_hash == kept,
                SESSIONS.c.expires_at > at,
                SESSIONS.c.seen_at > at - self._idle,
                ACCOUNTS.c.disabled_at.is_(None),
            )
        )
        with self._store.reading() as connection:
            row = connection.execute(asked).mappings().first()
        if row is not None and row["seen_at"] <= at - _NOTED_EVERY:
            with self._store.writing() as connection:
                connection.execute(update(SESSIONS).where(SESSIONS.c.session_hash == kept).values(seen_at=at))
        return row

    def end(self, given: str) -> None:
        """End a session."""
        with self._store.writing() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.session_hash == hash_of(given)))
