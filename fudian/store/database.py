"""Open a store: SQLite beside the workspace, or PostgreSQL by URL; bring it to the present form; read and write in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from fudian.store.held import Held, hold
from network import FudianError, text

IN_MEMORY = "sqlite://"
"""A store that is forgotten when the program ends."""

BUSY_S = 30
"""For how long a writer waits for another one before it gives up."""

_WRITES = "fudian_writes"
_REMEDY = text("Name another place with --store: a path, sqlite:///path or postgresql://user@host/database.")


def url_beside(workspace: Path) -> str:
    """Return the URL of the store beside a workspace: ``county.fudian/store.sqlite`` next to the folder ``county``."""
    folder = workspace.resolve()
    return f"sqlite:///{folder.with_name(folder.name + '.fudian') / 'store.sqlite'}"


class Store:
    """An open store; safe for many threads, each with one connection at a time.

    Attributes:
        engine: for statements; :meth:`reading` and :meth:`writing` give connections.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __repr__(self) -> str:
        return f"<Store {self.engine.url.render_as_string(hide_password=True)}>"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store and changes nothing that lasts."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are kept, all or none, once the block ends; SQLite has one writer at a time."""
        with self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection

    def hold(self, purpose: str) -> Held:
        """Hold the store for one purpose, until it is closed or the process ends; others may still read and write otherwise.

        Raises:
            FudianError: another process holds it for that.
        """
        return hold(self.engine, purpose)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def store_of(url: str | Path) -> Store:
    """Open a store, made if it is not there, in the present form of its tables.

    Args:
        url: a path of SQLite, or a URL as SQLAlchemy reads it; ``sqlite://`` keeps nothing. PostgreSQL is asked through psycopg.

    Raises:
        FudianError: the store cannot be opened, or was written by a newer Fudian.
    """
    place = _place(url)
    is_sqlite = place.get_backend_name() == "sqlite"
    try:
        if is_sqlite and place.database:
            folder = Path(place.database).absolute().parent
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            Path(place.database).touch(mode=0o600)  # nobody else reads it, nor the log beside it
        return _upgraded(
            Store(_sqlite(place) if is_sqlite else create_engine(place, pool_pre_ping=True, hide_parameters=True))
        )
    except (OSError, SQLAlchemyError, ImportError) as error:
        raise _unopened(place, error) from error


def _upgraded(store: Store) -> Store:
    from fudian.store.upgrade import upgrade  # it loads much that only a store that is opened needs

    try:
        with store.writing() as connection:
            upgrade(connection)
    except BaseException:
        store.close()
        raise
    return store


def _place(url: str | Path) -> URL:
    given = str(url)
    try:
        place = make_url(given) if "://" in given else make_url(f"sqlite:///{Path(given).absolute()}")
        if place.drivername in {"postgresql", "postgres"}:
            place = place.set(drivername="postgresql+psycopg")
        place.get_dialect()
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise FudianError(text("The store is named in a way that cannot be read."), _REMEDY) from error
    if place.get_backend_name() not in {"sqlite", "postgresql"}:
        raise FudianError(text("A store is SQLite or PostgreSQL, not {kind}.", kind=place.get_backend_name()), _REMEDY)
    return place


def _unopened(place: URL, error: Exception) -> FudianError:
    """Return why a store cannot be opened, without passwords."""
    reason: object = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, OSError):
        reason = error.strerror or error
    return FudianError(
        text(
            "The store {place} cannot be opened: {reason}.",
            place=place.render_as_string(hide_password=True),
            reason=str(reason).strip().splitlines()[0] if str(reason).strip() else type(error).__name__,
        ),
        _REMEDY,
    )


def _sqlite(place: URL) -> Engine:
    """Return an engine on SQLite: write-ahead log, on the disk before a write is done, foreign keys checked."""
    alone: dict[str, Any] = {
        "poolclass": QueuePool,
        "pool_size": 1,
        "max_overflow": 0,
    }  # a memory is one connection's own
    more = {} if place.database and place.database != ":memory:" else alone
    engine = create_engine(
        place, hide_parameters=True, connect_args={"timeout": BUSY_S, "check_same_thread": False}, **more
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin where begin says so below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
