"""What was operated since the desk runs: by remote control, by crews, by operators; with undo, cuts and jumpers 临时跳线.

An operation is an event that is kept. What holds at a moment is a projection of the events: of each branch the last operation
that nobody undid. A cut opens a branch that is no switch, its leads being taken off; a jumper joins two nodes for a while.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from network import FudianError, Jumper, Network, text
from network.representation import Shown
from network.tables.conventions import USUAL, ReadingSettings
from network.tables.times import typed_time

MOVES: Mapping[str, tuple[str, ...]] = {
    "open": ("branch_id",),
    "close": ("branch_id",),
    "cut": ("branch_id",),
    "join": ("branch_id",),
    "jumper": ("branch_id", "from_node", "to_node"),
    "remove": ("branch_id",),
    "undo": ("number",),
}
"""What may be operated, and what each operation must say: a cut is joined again, a jumper is removed."""

OPENS = frozenset({"open", "cut"})
"""Operations that leave a branch open."""

SKEW = timedelta(minutes=5)
"""By how much the clock of a sender may be ahead."""


@dataclass(frozen=True, eq=False, repr=False)
class Operation(Shown):
    """One operation.

    Attributes:
        number: its place in the ledger.
        who: who told it.
        at: local time at which it was done.
        action: one of :data:`MOVES`.
        branch_id: the device, or the name of the jumper.
        from_node, to_node: what a jumper joins.
        reason: why.
        incident: on whose sheet it stands; ``None`` where on none.
        is_undone: whether it was told by mistake.
        read: what was read at the device, such as ``95 A``.
    """

    number: int
    who: str
    at: datetime
    action: str
    branch_id: str
    from_node: str | None = None
    to_node: str | None = None
    reason: str | None = None
    incident: str | None = None
    is_undone: bool = False
    read: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the operation for JSON."""
        told = {name: value for name, value in vars(self).items() if value is not None}
        return told | {"at": self.at.isoformat()}


@dataclass(frozen=True, eq=False, repr=False)
class Operations(Shown):
    """All operations that were told, in the order in which they were kept.

    Attributes:
        history: those that were undone too.
    """

    history: tuple[Operation, ...] = ()

    def told(self, number: int, who: str, details: Mapping[str, Any], incident: str | None = None) -> Operations:
        """Return the operations with one more, or with one less where it is an undo."""
        action = str(details.get("action") or details.get("move"))
        if action == "undo":
            return self.undone(int(details["number"]))
        operation = Operation(
            number,
            who,
            datetime.fromisoformat(details["at"]),
            action,
            str(details["branch_id"]),
            details.get("from_node"),
            details.get("to_node"),
            details.get("reason"),
            incident,
            read=None if details.get("read") is None else str(details["read"]),
        )
        return Operations((*self.history, operation))

    def undone(self, number: int) -> Operations:
        """Return the operations without one of them, which stays in the history."""
        return Operations(
            tuple(replace(each, is_undone=each.is_undone or each.number == number) for each in self.history)
        )

    @cached_property
    def held(self) -> tuple[Operation, ...]:
        """Those that nobody undid, in the order in which they were done."""
        return tuple(
            sorted((each for each in self.history if not each.is_undone), key=lambda each: (each.at, each.number))
        )

    def until(self, at: datetime | None) -> Operations:
        """Return those that hold and were done by a moment; all that hold without one."""
        return Operations(tuple(each for each in self.held if at is None or each.at <= at))

    def since(self, at: datetime) -> tuple[Operation, ...]:
        """Return the operations of switches that hold and were done after a moment."""
        return tuple(each for each in self.held if each.at > at and each.action in {"open", "close"})

    def without(self, numbers: Collection[int]) -> Operations:
        """Return the operations but some."""
        return Operations(tuple(each for each in self.history if each.number not in numbers))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of those that hold."""
        return tuple(each.number for each in self.held)

    @property
    def last(self) -> dict[str, Operation]:
        """The last operation of each branch and jumper, by its id."""
        return {each.branch_id: each for each in self.held}

    @property
    def jumpers(self) -> tuple[Jumper, ...]:
        """The jumpers that are in place."""
        return tuple(
            Jumper(each.branch_id, str(each.from_node), str(each.to_node))
            for each in self.last.values()
            if each.action == "jumper"
        )

    @property
    def cuts(self) -> tuple[str, ...]:
        """The branches that are cut."""
        return tuple(branch for branch, each in self.last.items() if each.action == "cut")

    @cached_property
    def rows(self) -> pl.DataFrame:
        """What opened and closed branches, as rows of a log of switching."""
        rows = [
            {
                "time": each.at,
                "branch_id": each.branch_id,
                "action": "open" if each.action in OPENS else "close",
                "reason": each.reason,
            }
            for each in self.held
            if each.action in {"open", "close", "cut", "join"}
        ]
        return pl.DataFrame(
            rows,
            {"time": pl.Datetime("us"), "branch_id": pl.String, "action": pl.String, "reason": pl.String},
        )


def checked_operation(
    operations: Operations,
    net: Network,
    details: Mapping[str, Any],
    now: datetime,
    reading: ReadingSettings = USUAL,
) -> dict[str, Any]:
    """Return an operation as it is kept.

    Args:
        operations: what was told before.
        net: the network that is operated.
        details: ``action`` and what it must say; ``at`` is a local time, by default now; ``reason`` says why, ``read`` what was
            read at the device.
        now: time of the workspace.
        reading: the zone of the workspace.

    Raises:
        UnknownIdError: the network has no such branch or node.
        FudianError: there is no such operation, something is missing, it cannot be done, or there is nothing to undo.
    """
    action = str(details.get("action", ""))
    if action not in MOVES:
        raise FudianError(
            text("There is no operation {action!r}.", action=action),
            text("Known are: {known}.", known=", ".join(MOVES)),
        )
    told = {"action": action} | {
        name: details[name] for name in (*MOVES[action], "reason", "read") if details.get(name) is not None
    }
    missing = [name for name in MOVES[action] if name not in told]
    if missing:
        raise FudianError(
            text("The operation {action} does not say {names}.", action=action, names=", ".join(missing)),
            text("Say it and send the operation again."),
        )
    if action == "undo":
        _require_to_undo(operations, told["number"])
        return told
    told["at"] = moment_done(details.get("at"), now, SKEW, reading).isoformat()
    _require_possible(operations, net, action, str(told["branch_id"]), told)
    return told


def _require_to_undo(operations: Operations, number: Any) -> None:
    found = next((each for each in operations.held if each.number == number), None)
    if found is None:
        raise FudianError(
            text("There is no operation {number} to undo.", number=number),
            text("The list of operations gives the number of each."),
        )
    if found.incident is not None:
        raise FudianError(
            text("The operation {number} stands on the sheet of {incident}.", number=number, incident=found.incident),
            text("Undo it there."),
        )


def _require_possible(
    operations: Operations, net: Network, action: str, branch_id: str, told: Mapping[str, Any]
) -> None:
    """Make sure that an operation can be done on what there is."""
    last = operations.last.get(branch_id)
    if action == "jumper":
        if branch_id in set(net.branches["branch_id"]) or (last is not None and last.action == "jumper"):
            raise FudianError(
                text("There is a branch {branch} already.", branch=branch_id), text("Give the jumper another name.")
            )
        net.node_index([str(told["from_node"]), str(told["to_node"])])
        if told["from_node"] == told["to_node"]:
            raise FudianError(text("A jumper joins two nodes."), text("Name both."))
        return
    if action in {"remove", "join"}:
        if last is None or last.action != ("jumper" if action == "remove" else "cut"):
            raise FudianError(
                text("{branch} is neither cut nor a jumper that is in place.", branch=branch_id)
                if action == "join"
                else text("There is no jumper {branch} in place.", branch=branch_id),
                text("The list of operations tells what is cut and joined now."),
            )
        return
    index = net.branch_index(branch_id)
    if action in {"open", "close"} and not net.switching[index].all():
        raise FudianError(
            text("{branch} is no device that can be opened.", branch=branch_id),
            text("Say cut where its leads are taken off, and join where they are put back."),
        )


_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}")


def moment_done(given: Any, now: datetime, skew: timedelta = timedelta(), reading: ReadingSettings = USUAL) -> datetime:
    """Return the time of the workspace at which something was done.

    Args:
        given: as it was told, by the clock on the wall or with its offset; ``None`` is now. A time of day alone is the last
            such one: before midnight told after it, and of an hour that the clock shows twice the later one that is over.
        now: time of the workspace.
        skew: by how much the clock of the sender may be ahead.
        reading: the zone of the workspace.

    Raises:
        FudianError: it is no time, lies in the future, or the clock shows it twice or never.
    """
    if given is None:
        at = now
    elif clock := _time_of_day(given):
        at = _last_such(clock, now, reading)
        at = at if at > now else min(at + timedelta(seconds=59), now)  # not before what tripped in that minute
    else:
        at = _typed(given, reading)
    if at > now + skew:
        raise FudianError(
            text("The time {time} lies in the future.", time=at), text("Give the local time at which it was done.")
        )
    return at


def moment_ahead(given: Any, now: datetime, reading: ReadingSettings = USUAL) -> datetime:
    """Return the time of the workspace until which something lasts.

    Args:
        given: as it was told; a time of day alone is the next such one, of an hour that the clock shows twice the earlier one
            that is to come.
        now: time of the workspace.
        reading: the zone of the workspace.

    Raises:
        FudianError: it is no time, or the clock shows it twice or never.
    """
    clock = _time_of_day(given)
    if clock is None:
        return _typed(given, reading)
    shown = datetime.combine(reading.wall(now).date(), clock)
    found = [each for days in (0, 1) for each in reading.both(shown + timedelta(days=days))]
    return min(each for each in found if each >= now)


def _time_of_day(given: Any) -> time | None:
    """Return a time of day that stands alone; ``None`` of anything else.

    Raises:
        FudianError: no day has it.
    """
    if not _TIME_OF_DAY.fullmatch(str(given)):
        return None
    try:
        return time.fromisoformat(f"{given:0>5}")
    except ValueError:
        raise _no_time(given) from None


def _typed(given: Any, reading: ReadingSettings) -> datetime:
    try:
        return reading.read(typed_time(str(given)))
    except (ValueError, OverflowError):
        raise _no_time(given) from None


def _no_time(given: Any) -> FudianError:
    return FudianError(
        text("{value!r} is no time.", value=given), text("Write it as 2022-10-09, 2022-10-09 07:57 or 07:57.")
    )


def _last_such(clock: time, now: datetime, reading: ReadingSettings) -> datetime:
    """Return when the clock on the wall showed a time of day last, or shows it within twelve hours.

    Raises:
        FudianError: it never shows it on that day.
    """
    wall = reading.wall(now)
    shown = datetime.combine(wall.date(), clock)
    shown -= timedelta(days=int(shown - wall > timedelta(hours=12)))  # told after midnight of the evening before
    both = reading.both(shown)
    return max((each for each in both if each <= now), default=both[0])
