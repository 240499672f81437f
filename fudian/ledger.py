"""The ledger of the incident desk: every event that was accepted, in the order in which it came, kept before it is acknowledged.

What the desk knows is a projection of these events: it can be made again from them at any time. An event has the sender's own id,
or one made of what it says; the same id is one event, however often it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from threading import Lock
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from fudian.store import Store
from fudian.store.desk_tables import DESK_EVENTS
from fudian.store.tables import utc_now
from network.representation import Shown

KINDS = ("signal", "operation", "decision", "order", "erasure")
"""A report from the field, a switch that moved, what a person decided, an order to a crew, that personal data was erased."""

AT_ONCE = 5_000
"""Events in one statement."""


@dataclass(frozen=True, eq=False, repr=False)
class DeskEvent(Shown):
    """One event.

    Attributes:
        event_id: the sender's own, or one made of what it says.
        kind: one of :data:`KINDS`.
        who: the person, or the system, that told it.
        details: what it says.
        incident: id of the incident whose sheet it belongs to; ``None`` where it belongs to none.
        before: what it replaced; ``None`` where nothing was there.
        number: its place in the ledger; ``None`` until it is kept.
        received_at: when it was accepted, with zone; ``None`` until it is kept.
    """

    event_id: str
    kind: str
    who: str
    details: Mapping[str, Any]
    incident: str | None = None
    before: Mapping[str, Any] | None = None
    number: int | None = None
    received_at: datetime | None = None

    @classmethod
    def told(
        cls,
        kind: str,
        who: str,
        details: Mapping[str, Any],
        incident: str | None = None,
        before: Mapping[str, Any] | None = None,
        event_id: str | None = None,
    ) -> DeskEvent:
        """Return an event; without an id of its own it is named by what it says, so that the same words are one event."""
        named = event_id or event_id_of(kind, incident, details)
        return cls(named, kind, who, details, incident, before)


class Report(NamedTuple):
    """A report from the field as it is kept: many of them, so no more than that."""

    event_id: str
    who: str
    details: str


def event_id_of(*parts: object) -> str:
    """Return the id of an event that has none of its own."""
    said = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return "made-" + blake2b(said.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Kept:
    """What came of events that were handed in.

    Attributes:
        new: those that were not known, as they stand in the ledger now.
        repeated: ids of those that were known already, or stood there twice.
        at: when they were kept, with zone.
    """

    new: tuple[DeskEvent, ...]
    repeated: tuple[str, ...]
    at: datetime


Beside = Callable[[Connection, tuple[DeskEvent, ...]], None]
"""Writes, within a transaction, what belongs to events that are kept in it."""


def both(first: Beside | None, second: Beside | None) -> Beside | None:
    """Return what writes one after the other; ``None`` where there is neither."""
    if first is None or second is None:
        return first or second

    def write(connection: Connection, new: tuple[DeskEvent, ...]) -> None:
        first(connection, new)
        second(connection, new)

    return write


class Ledger:
    """The events of one desk in a store.

    One process writes at a time (see :meth:`fudian.store.Store.hold`); many may read.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._numbering = Lock()  # the next number is found and taken by one at a time

    def keep(self, events: Sequence[DeskEvent], beside: Beside | None = None) -> Kept:
        """Keep events, all or none; when this returns they outlast a power cut.

        Args:
            events: in order.
            beside: what is kept in the same transaction because of those that are new.

        Raises:
            SQLAlchemyError: the store cannot be written now; nothing was kept.
        """
        first: dict[str, DeskEvent] = {}
        repeated: list[str] = []
        for event in events:
            if event.event_id in first:
                repeated.append(event.event_id)
            else:
                first[event.event_id] = event
        received = utc_now()
        with self._numbering, self.store.writing() as connection:
            known = _known(connection, list(first))
            last = connection.execute(select(func.max(DESK_EVENTS.c.number))).scalar_one() or 0
            fresh = [event for name, event in first.items() if name not in known]
            new = tuple(_numbered(event, last + place, received) for place, event in enumerate(fresh, 1))
            if new:
                _insert(connection, new, received)
                if beside is not None:
                    beside(connection, new)
        return Kept(new, (*repeated, *(name for name in first if name in known)), received)

    def keep_reports(self, reports: Iterable[Report]) -> tuple[set[str], datetime]:
        """Keep reports from the field, all or none; when this returns they outlast a power cut.

        Args:
            reports: in order; of those with one id the first is kept.

        Returns:
            The ids of those that were not known, and when they were kept, with zone.

        Raises:
            SQLAlchemyError: the store cannot be written now; nothing was kept.
        """
        first: dict[str, Report] = {}
        for report in reports:
            first.setdefault(report.event_id, report)
        try:  # as a rule all are new, and none needs to be looked up
            received = self._insert(first)
        except IntegrityError:
            received = self._insert(first, look_up=True)
        return set(first), received

    def _insert(self, reports: dict[str, Report], look_up: bool = False) -> datetime:
        """Write reports behind the last event; those that are known are taken out where they are looked up."""
        received = utc_now()
        with self._numbering, self.store.writing() as connection:
            if look_up:
                for name in _known(connection, list(reports)):
                    del reports[name]
            last = connection.execute(select(func.max(DESK_EVENTS.c.number))).scalar_one() or 0
            _insert_reports(connection, reports.values(), last, received)
        return received

    def known(self, event_ids: Sequence[str]) -> set[str]:
        """Return which of some events are kept.

        Args:
            event_ids: their ids.

        Raises:
            SQLAlchemyError: the store cannot be read now.
        """
        if not event_ids:
            return set()
        with self.store.reading() as connection:
            return _known(connection, list(event_ids))

    def since(self, number: int = 0, kinds: Iterable[str] = KINDS) -> Iterator[DeskEvent]:
        """Give the events after a place of the ledger, in their order.

        Args:
            number: the place; 0 gives all.
            kinds: which.
        """
        wanted = (
            select(DESK_EVENTS)
            .where(DESK_EVENTS.c.number > number, DESK_EVENTS.c.kind.in_(list(kinds)))
            .order_by(DESK_EVENTS.c.number)
        )
        with self.store.reading() as connection:
            for row in connection.execution_options(yield_per=AT_ONCE).execute(wanted).mappings():
                yield DeskEvent(
                    row["event_id"],
                    row["kind"],
                    row["who"],
                    orjson.loads(row["details"]),
                    row["incident"],
                    None if row["before"] is None else orjson.loads(row["before"]),
                    row["number"],
                    row["received_at"],
                )


def _known(connection: Connection, names: list[str]) -> set[str]:
    """Return which of these ids stand in the ledger."""
    place = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    found: set[str] = set()
    for start in range(0, len(names), AT_ONCE):
        wanted = tuple(names[start : start + AT_ONCE])
        places = ",".join([place] * len(wanted))
        asked = f"SELECT event_id FROM {DESK_EVENTS.name} WHERE event_id IN ({places})"  # noqa: S608 (places alone)
        found |= set(connection.exec_driver_sql(asked, wanted).scalars())
    return found


def _insert_reports(connection: Connection, reports: Iterable[Report], last: int, received: datetime) -> None:
    """Write reports by the driver itself, behind the last event."""
    process = DESK_EVENTS.c.received_at.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    moment = process(received) if process else received
    rows = [
        (last + place, event_id, "signal", who, moment, details)
        for place, (event_id, who, details) in enumerate(reports, 1)
    ]
    if rows:
        places = ", ".join(["?" if connection.dialect.paramstyle == "qmark" else "%s"] * len(rows[0]))
        columns = "number, event_id, kind, who, received_at, details"
        connection.exec_driver_sql(f"INSERT INTO {DESK_EVENTS.name} ({columns}) VALUES ({places})", rows)  # noqa: S608


def _insert(connection: Connection, new: Sequence[DeskEvent], received: datetime) -> None:
    """Write events of one moment by the driver itself: one statement, and no work on each row but its own words."""
    statement = insert(DESK_EVENTS).compile(dialect=connection.dialect)
    column = DESK_EVENTS.c.received_at.type.dialect_impl(connection.dialect)
    process = column.bind_processor(connection.dialect)
    moment = process(received) if process else received
    rows = [
        {
            "number": event.number,
            "event_id": event.event_id,
            "kind": event.kind,
            "incident": event.incident,
            "who": event.who,
            "received_at": moment,
            "details": _json(event.details),
            "before": None if event.before is None else _json(event.before),
        }
        for event in new
    ]
    if statement.positional:
        names = tuple(statement.positiontup or ())
        connection.exec_driver_sql(str(statement), [tuple(map(row.__getitem__, names)) for row in rows])
    else:
        connection.exec_driver_sql(str(statement), rows)


def _json(said: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(said), default=str).decode()


def _numbered(event: DeskEvent, number: int, received: datetime) -> DeskEvent:
    return DeskEvent(
        event.event_id, event.kind, event.who, event.details, event.incident, event.before, number, received
    )
