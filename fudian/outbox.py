"""The outbox: messages to customers that wait, were sent, or failed; written with the decision that they follow from.

A message is written in the transaction of the event that caused it, so that there is neither one without the other. Whoever
delivers it marks it afterwards; a message that was delivered and not marked yet is delivered again under the same key.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from fudian.store import Store
from fudian.store.message_tables import MESSAGES
from network.representation import Shown
from repair.desk.messages import OVERTAKES, Addressee, Message

STATES = ("waiting", "sent", "failed", "withdrawn")
"""Withdrawn is what was overtaken, undone, or has nobody to go to any more, before it was sent."""

AT_ONCE = 500
"""Rows in one statement."""


@dataclass(frozen=True, eq=False, repr=False)
class Outgoing(Shown):
    """One message of the outbox.

    Attributes:
        number: its place.
        message: what is told to whom.
        event: number of the event that caused it.
        state: one of :data:`STATES`.
        queued_at, due_at: since when it waits, and before when it is not tried, with zone.
        attempts: how often it was tried.
        sent_at: when it was delivered, with zone.
        error: what went wrong the last time.
    """

    number: int
    message: Message
    event: int
    state: str
    queued_at: datetime
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class Outcome:
    """What came of one try.

    Attributes:
        number: of the message.
        state: that it is in now.
        at: when it was tried, with zone.
        due_at: when it is tried next, with zone.
        error: what went wrong; ``None`` where nothing did.
        tried: whether it was handed to the channel at all.
    """

    number: int
    state: str
    at: datetime
    due_at: datetime
    error: str | None = None
    tried: bool = True


class Outbox:
    """The messages in a store.

    Attributes:
        woken: set whenever something may have to be sent.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.woken = threading.Event()

    # Written with the event that causes it ---------------------------------------------------------------------------

    def queue(
        self, connection: Connection, event: int, messages: Sequence[tuple[Message, datetime]], now: datetime
    ) -> None:
        """Let messages wait; one whose key is known already is left as it is, unless it was withdrawn.

        Args:
            connection: that keeps the event.
            event: its number.
            messages: each with the moment, with zone, before which it is not sent.
            now: with zone.
        """
        known = _states(connection, [message.key for message, _ in messages])
        fresh = [(message, due) for message, due in messages if known.get(message.key) in {None, "withdrawn"}]
        for keys in _parts([message.key for message, _ in fresh if message.key in known]):
            connection.execute(delete(MESSAGES).where(MESSAGES.c.key.in_(keys)))
        _overtake(connection, [message for message, _ in fresh])
        if fresh:
            connection.execute(insert(MESSAGES), [_row(message, event, due, now) for message, due in fresh])

    def withdraw(self, connection: Connection, event: int) -> None:
        """Let nothing be sent any more that waits because of an event."""
        waits = (MESSAGES.c.event == event) & (MESSAGES.c.state == "waiting")
        connection.execute(update(MESSAGES).where(waits).values(state="withdrawn", error="undone"))

    # Sent ------------------------------------------------------------------------------------------------------------

    def due(self, now: datetime, most: int) -> list[Outgoing]:
        """Return messages that have to be tried now, those that wait longest first.

        Nobody is told of an incident or a plan out of order: what waits behind an earlier message is not among them.
        """
        before = MESSAGES.alias()
        behind = exists().where(
            *(before.c[name] == MESSAGES.c[name] for name in ("subject", "to_id", "to_kind", "state")),
            before.c.number < MESSAGES.c.number,
        )
        wanted = (
            select(MESSAGES)
            .where(MESSAGES.c.state == "waiting", MESSAGES.c.due_at <= now, ~behind)
            .order_by(MESSAGES.c.due_at, MESSAGES.c.number)
            .limit(most)
        )
        with self.store.reading() as connection:
            return [_outgoing(row) for row in connection.execute(wanted).mappings()]

    def next_due(self) -> datetime | None:
        """Return when the next message has to be tried; ``None`` where none waits."""
        with self.store.reading() as connection:
            found: datetime | None = connection.execute(
                select(func.min(MESSAGES.c.due_at)).where(MESSAGES.c.state == "waiting")
            ).scalar_one()
        return found

    def mark(self, outcomes: Iterable[Outcome]) -> None:
        """Keep what came of some tries, all or none."""
        with self.store.writing() as connection:
            for outcome in outcomes:
                values: dict[str, Any] = {"state": outcome.state, "due_at": outcome.due_at, "error": outcome.error}
                if outcome.tried:
                    values["attempts"] = MESSAGES.c.attempts + 1
                if outcome.state == "sent":
                    values["sent_at"] = outcome.at
                row = MESSAGES.c.number == outcome.number
                if outcome.state != "sent":  # what was withdrawn meanwhile stays so
                    row &= MESSAGES.c.state == "waiting"
                connection.execute(update(MESSAGES).where(row).values(**values))

    # Read ------------------------------------------------------------------------------------------------------------

    def of(self, subject: str, newest: int | None = None) -> tuple[Outgoing, ...]:
        """Return the messages of an incident or a plan, in order; of many the newest few, where their number is named."""
        wanted = select(MESSAGES).where(MESSAGES.c.subject == subject).order_by(MESSAGES.c.number.desc()).limit(newest)
        with self.store.reading() as connection:
            return tuple(_outgoing(row) for row in connection.execute(wanted).mappings())[::-1]

    def reached(self, subject: str) -> set[tuple[str, str]]:
        """Return kind and id of whom a message of an incident or a plan was sent to."""
        wanted = select(MESSAGES.c.to_kind, MESSAGES.c.to_id).where(
            MESSAGES.c.subject == subject, MESSAGES.c.state == "sent"
        )
        with self.store.reading() as connection:
            return {(str(kind), str(named)) for kind, named in connection.execute(wanted)}

    def counts_of(self, subject: str) -> dict[tuple[str, str], int]:
        """Return how many messages of an incident or a plan there are, by kind and state."""
        wanted = (
            select(MESSAGES.c.kind, MESSAGES.c.state, func.count())
            .where(MESSAGES.c.subject == subject)
            .group_by(MESSAGES.c.kind, MESSAGES.c.state)
        )
        with self.store.reading() as connection:
            return {(str(kind), str(state)): int(count) for kind, state, count in connection.execute(wanted)}

    def counts(self) -> dict[str, int]:
        """Return how many messages are in each state."""
        wanted = select(MESSAGES.c.state, func.count()).group_by(MESSAGES.c.state)
        with self.store.reading() as connection:
            found = {str(state): int(count) for state, count in connection.execute(wanted)}
        return {state: found.get(state, 0) for state in STATES}


def _states(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Return the states of the messages with these keys, as far as there are any."""
    found: dict[str, str] = {}
    for part in _parts(keys):
        wanted = select(MESSAGES.c.key, MESSAGES.c.state).where(MESSAGES.c.key.in_(part))
        found.update({str(key): str(state) for key, state in connection.execute(wanted)})
    return found


def _overtake(connection: Connection, messages: Sequence[Message]) -> None:
    """Withdraw what waits and need not be told any more once these are."""
    for subject, kind in dict.fromkeys(
        (message.subject, message.kind) for message in messages if message.kind in OVERTAKES
    ):
        to = {
            (message.to.kind, message.to.id)
            for message in messages
            if (message.subject, message.kind) == (subject, kind)
        }
        wanted = select(MESSAGES.c.number, MESSAGES.c.to_kind, MESSAGES.c.to_id).where(
            MESSAGES.c.subject == subject, MESSAGES.c.kind.in_(OVERTAKES[kind]), MESSAGES.c.state == "waiting"
        )
        numbers = [number for number, *who in connection.execute(wanted) if tuple(who) in to]
        for part in _parts(numbers):
            old = MESSAGES.c.number.in_(part)
            connection.execute(update(MESSAGES).where(old).values(state="withdrawn", error="overtaken"))


def _parts(of: Collection[Any]) -> Iterator[list[Any]]:
    whole = list(of)
    for start in range(0, len(whole), AT_ONCE):
        yield whole[start : start + AT_ONCE]


def _row(message: Message, event: int, due: datetime, now: datetime) -> dict[str, Any]:
    return {
        "key": message.key,
        "event": event,
        "subject": message.subject,
        "kind": message.kind,
        "to_kind": message.to.kind,
        "to_id": message.to.id,
        "area": message.to.area,
        "is_important": message.to.important,
        "facts": json.dumps(message.facts, ensure_ascii=False),
        "state": "waiting",
        "queued_at": now,
        "due_at": due,
        "attempts": 0,
    }


def _outgoing(row: Mapping[Any, Any]) -> Outgoing:
    to = Addressee(row["to_kind"], row["to_id"], row["area"], row["is_important"])
    message = Message(row["subject"], row["kind"], to, json.loads(row["facts"]), row["key"])
    return Outgoing(
        row["number"],
        message,
        row["event"],
        row["state"],
        row["queued_at"],
        row["due_at"],
        row["attempts"],
        row["sent_at"],
        row["error"],
    )
