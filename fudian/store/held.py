"""One process at a time does what only one may do on a store."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from network import FudianError, text


class Held:
    """A store that is held for one purpose; a process that is killed lets go of it.

    Attributes:
        close: lets go of it.
        renew: takes it again where the database was gone meanwhile; raises :class:`network.FudianError` where another process
            holds it by now, and :class:`sqlalchemy.exc.SQLAlchemyError` where the database is gone still.
    """

    def __init__(self, let_go: Callable[[], object], renew: Callable[[], object] = lambda: None) -> None:
        self.close = let_go
        self.renew = renew


def hold(engine: Engine, purpose: str) -> Held:
    """Hold a store; see :meth:`fudian.store.Store.hold`."""
    place = engine.url
    if place.get_backend_name() == "postgresql":
        return _hold_server(engine, purpose)
    if not place.database or place.database == ":memory:":
        return Held(lambda: None)
    lock = Path(f"{place.database}.{purpose}").open("a")  # noqa: SIM115 (held until it is closed)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise _held(engine) from error
    return Held(lock.close)


def _hold_server(engine: Engine, purpose: str) -> Held:
    """Hold a lock of a session of the database: it is gone with the session."""
    key = int.from_bytes(blake2b(purpose.encode(), digest_size=8).digest(), "big", signed=True)
    one_at_a_time = Lock()
    connection = _locked(engine, key)

    def renew() -> None:
        nonlocal connection
        with one_at_a_time:
            try:
                connection.execute(select(1))
                connection.commit()
            except SQLAlchemyError:
                with suppress(SQLAlchemyError):
                    connection.invalidate()
                    connection.close()
                connection = _locked(engine, key)

    def let_go() -> None:
        with suppress(SQLAlchemyError):
            connection.execute(select(func.pg_advisory_unlock(key)))
            connection.close()

    return Held(let_go, renew)


def _locked(engine: Engine, key: int) -> Connection:
    connection = engine.connect()
    if not connection.execute(select(func.pg_try_advisory_lock(key))).scalar_one():
        connection.close()
        raise _held(engine)
    connection.commit()
    return connection


def _held(engine: Engine) -> FudianError:
    place = engine.url.render_as_string(hide_password=True)
    return FudianError(
        text("Another desk runs on the store {place}.", place=place),
        text("Stop it first, or name another store with --store."),
    )
