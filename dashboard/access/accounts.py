"""Accounts: who may sign in, in which role, and which unit they see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from dashboard.access.passwords import hashed, is_outdated, is_right, rehashed
from dashboard.access.roles import ROLES
from fudian.store import Store
from fudian.store.access_tables import ACCOUNTS, SESSIONS
from fudian.store.tables import utc_now
from network import FudianError, text

LONGEST_NAME = 100


@dataclass(frozen=True)
class Account:
    """One person, or one desk, that may sign in."""

    account_id: int
    name: str
    shown_name: str
    role: str
    unit: str | None
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """Return the account as a list shows it."""
        return {
            "name": self.shown_name,
            "role": self.role,
            "unit": self.unit,
            "password": self.has_password,
            "created_at": self.created_at,
            "disabled_at": self.disabled_at,
        }


class Accounts:
    """The accounts of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, name: str, role: str, password: str | None = None, unit: str | None = None) -> Account:
        """Make an account.

        Args:
            name: to sign in with; told apart without regard to case.
            role: one of :data:`dashboard.access.roles.ROLES`.
            password: ``None`` for one that signs in at a provider or through a proxy.
            unit: the one unit that it sees.

        Raises:
            FudianError: the name is taken or cannot be used, the role is not known, the password is too easy.
        """
        shown, key = name.strip(), _key(name)
        if not key or len(key) > LONGEST_NAME or not shown.isprintable():
            raise FudianError(text("A name has 1 to {most} characters that can be printed.", most=LONGEST_NAME))
        role_of(role)
        row = {
            "name": key,
            "shown_name": shown,
            "role": role,
            "unit": unit or None,
            "password_hash": None if password is None else hashed(password, key),
            "created_at": utc_now(),
        }
        try:
            with self._store.writing() as connection:
                connection.execute(insert(ACCOUNTS).values(row))
        except IntegrityError as taken:
            raise FudianError(
                text("There is an account {name!r} already.", name=shown), text("fudian users list shows all of them.")
            ) from taken
        return self.named(shown)

    def all(self) -> list[Account]:
        """Return all accounts by name, those that are disabled too."""
        with self._store.reading() as connection:
            return [_account(row) for row in connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name)).mappings()]

    def are_there_any(self) -> bool:
        """Tell whether there is an account, be it disabled: who disables the last one opens nothing."""
        with self._store.reading() as connection:
            return connection.execute(select(ACCOUNTS.c.account_id).limit(1)).first() is not None

    def named(self, name: str) -> Account:
        """Return the account of a name.

        Raises:
            FudianError: there is none.
        """
        found = self.find(name)
        if found is None:
            raise FudianError(
                text("There is no account {name!r}.", name=name), text("fudian users list shows all of them.")
            )
        return found

    def find(self, name: str) -> Account | None:
        """Return the account of a name if there is one."""
        row = self._row(name)
        return None if row is None else _account(row)

    def change(self, name: str, **values: str | None) -> Account:
        """Change role, unit or password; whoever is signed in with the account is signed out.

        Args:
            name: of the account.
            values: ``role``, ``unit`` (blank for all units) or ``password``.

        Raises:
            FudianError: there is no such account, or a value cannot be used.
        """
        account = self.named(name)
        changed: dict[str, Any] = {}
        if values.get("role") is not None:
            changed["role"] = role_of(str(values["role"]))
        if values.get("unit") is not None:
            changed["unit"] = values["unit"] or None
        if values.get("password") is not None:
            changed["password_hash"] = hashed(str(values["password"]), account.name)
        self._set(account, changed)
        return self.named(name)

    def disable(self, name: str, enabled: bool = False) -> Account:
        """Disable an account and end its sessions, or enable it again.

        Raises:
            FudianError: there is no such account.
        """
        account = self.named(name)
        if enabled or account.disabled_at is None:
            self._set(account, {"disabled_at": None if enabled else utc_now()})
        return self.named(name)

    def checked(self, name: str, password: str) -> Account | None:
        """Return the account if name and password are right and it is enabled; takes as long where they are not."""
        row = self._row(name)
        kept = None if row is None or row["disabled_at"] is not None else row["password_hash"]
        if not is_right(password, kept) or row is None or kept is None:
            return None
        if is_outdated(kept):
            with self._store.writing() as connection:
                better = {"password_hash": rehashed(password)}
                connection.execute(
                    update(ACCOUNTS)
                    .where(ACCOUNTS.c.account_id == row["account_id"], ACCOUNTS.c.password_hash == kept)
                    .values(better)
                )
        return _account(row)

    def at_provider(self, name: str, subject: str) -> Account | None:
        """Return the enabled account that a provider vouches for; the first time, the name is bound to its subject.

        Args:
            name: as the provider calls the person.
            subject: issuer and subject, which never pass to another person.
        """
        with self._store.writing() as connection:
            bound = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.subject == subject)).mappings().first()
            if bound is None:
                free = ACCOUNTS.c.name == _key(name), ACCOUNTS.c.subject.is_(None), ACCOUNTS.c.password_hash.is_(None)
                connection.execute(update(ACCOUNTS).where(*free).values(subject=subject))
                bound = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.subject == subject)).mappings().first()
        return None if bound is None or bound["disabled_at"] is not None else _account(bound)

    def _row(self, name: str) -> RowMapping | None:
        with self._store.reading() as connection:
            return connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == _key(name))).mappings().first()

    def _set(self, account: Account, values: Mapping[str, Any]) -> None:
        if not values:
            return
        with self._store.writing() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.account_id == account.account_id))
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.account_id == account.account_id).values(values))


def role_of(named: str) -> str:
    """Return a role as it is named.

    Raises:
        FudianError: there is none of that name.
    """
    if named not in ROLES:
        raise FudianError(text("A role is one of {roles}, not {given!r}.", roles=", ".join(ROLES), given=named))
    return named


def _key(name: str) -> str:
    return name.strip().casefold()


def _account(row: RowMapping) -> Account:
    return Account(
        row["account_id"],
        row["name"],
        row["shown_name"],
        row["role"],
        row["unit"],
        row["password_hash"] is not None,
        row["created_at"],
        row["disabled_at"],
    )
