"""An incident as work 一张工单、一支队伍、一次解决: its sheet, from the events that a desk kept of it.

A sheet is a projection: made of the decisions and orders of one incident in the order in which they were kept, and nothing
else. The stages are those of the trade: accepted 已受理, dispatched 已派单, taken 已接单, arrived 已到达, located 故障定位,
isolated 隔离完成, partly restored 部分复电, under way 处理中, repaired 故障修复, restored 已复电.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from secrets import token_urlsafe
from typing import Any, Protocol

from network import FudianError, text
from network.ids import each_of
from network.representation import Shown
from network.tables.conventions import USUAL, ReadingSettings
from repair.desk.operations import Operations, moment_ahead, moment_done
from repair.location.looks import Look

STAGES = (
    "accepted", "dispatched", "taken", "arrived", "located", "isolated", "partly_restored", "under_way", "repaired", "restored",
)  # fmt: skip
"""In the order in which an incident passes them; some may be left out."""

STAGE_NAMES: Mapping[str, str] = {
    "accepted": "accepted",
    "dispatched": "dispatched",
    "taken": "taken by the crew",
    "arrived": "arrived",
    "located": "fault located",
    "isolated": "isolated",
    "partly_restored": "partly restored",
    "under_way": "under way",
    "repaired": "repaired",
    "restored": "restored",
}
"""Each stage in words."""

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "acknowledge": (),
    "note": ("note",),
    "hand_over": ("to", "note"),
    "commander": ("name",),
    "stage": ("stage", "at"),
    "estimate": ("until", "at"),
    "order": ("order_id",),
    "assign": ("crew_id", "at", "note"),
    "look": ("branches", "found", "at", "note"),
    "photograph": ("photo_id", "at", "note"),
    "link": ("token",),
    "unlink": (),
    "merge": ("into",),
    "split": ("users",),
    "move": ("users", "into"),
    "upstream": ("node", "at", "note"),
    "section": ("branches",),
    "refuse": ("branch_id",),
    "step": ("branch_id", "move", "at", "read", "note"),
    "close": ("at", "note"),
    "reopen": ("reason",),
    "record": ("tables",),
    "undo": ("number",),
}
"""What may be decided on a sheet, and what each decision must say, but for :data:`MAY_SAY`."""

LINK_BYTES = 24
"""Of the secret in the address of a public page: nobody finds one by trying."""

MAY_SAY = frozenset({"note", "read"})
"""What a decision may leave out: a note, and what was read at a device, such as ``95 A``."""


class KeptEvent(Protocol):
    """An event of the ledger."""

    @property
    def number(self) -> int | None:
        """Its place in the ledger."""

    @property
    def kind(self) -> str:
        """``operation``, ``decision`` or ``order``."""

    @property
    def who(self) -> str:
        """Who told it."""

    @property
    def details(self) -> Mapping[str, Any]:
        """What it says: ``action`` and what belongs to it."""

    @property
    def incident(self) -> str | None:
        """Whose sheet it belongs to."""


@dataclass(frozen=True, eq=False, repr=False)
class Line(Shown):
    """One line of the history of a sheet."""

    number: int
    who: str
    action: str
    details: Mapping[str, Any]
    is_undone: bool = False

    @classmethod
    def of(cls, event: KeptEvent) -> Line:
        """Return the line that an event makes."""
        details = {name: value for name, value in event.details.items() if name != "action"}
        return cls(event.number or 0, event.who, str(event.details["action"]), details)


@dataclass(frozen=True)
class Position:
    """Where a crew was when it reported last.

    Attributes:
        at: local time.
        lon, lat: in degrees.
    """

    at: datetime
    lon: float
    lat: float


@dataclass(frozen=True, eq=False, repr=False)
class Sheet(Shown):
    """The sheet of one incident.

    Attributes:
        incident: its id.
        history: all that was decided, in order, with what was undone.
        fed_again_at: when operations fed some of its users again, but not all, as far as that is known: partly restored.
    """

    incident: str
    history: tuple[Line, ...] = ()
    fed_again_at: datetime | None = None

    def after(self, line: Line) -> Sheet:
        """Return the sheet as it is once one more thing was decided."""
        history = self.history
        if line.action == "undo":
            history = tuple(
                replace(each, is_undone=each.is_undone or each.number == line.details["number"]) for each in history
            )
        return replace(self, history=(*history, line))

    @property
    def lines(self) -> list[Line]:
        """What was decided and holds."""
        return [line for line in self.history if not line.is_undone and line.action != "undo"]

    def _last(self, action: str, name: str) -> Any:
        return next((line.details[name] for line in reversed(self.lines) if line.action == action), None)

    def _all(self, action: str, name: str) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(line.details[name] for line in self.lines if line.action == action))

    @property
    def stages(self) -> dict[str, datetime]:
        """When each stage was reached, in the order of the stages."""
        told = {} if self.fed_again_at is None else {"partly_restored": self.fed_again_at.isoformat()}
        told |= {line.details["stage"]: line.details["at"] for line in self.lines if line.action == "stage"}
        return {stage: datetime.fromisoformat(told[stage]) for stage in STAGES if stage in told}

    @property
    def stage(self) -> str | None:
        """The furthest stage; ``None`` before the first."""
        return next(reversed(self.stages), None)

    @property
    def acknowledged_by(self) -> str | None:
        """Who looks after it: who acknowledged it last, or to whom it was handed over since."""
        who = None
        for line in self.lines:
            who = {"acknowledge": line.who, "hand_over": line.details.get("to")}.get(line.action, who)
        return who

    @property
    def commander(self) -> str | None:
        """The incident commander 总指挥长."""
        found: str | None = self._last("commander", "name")
        return found

    @property
    def estimate(self) -> datetime | None:
        """When power will be back, as a person said last; what was said before an incident was opened again is forgotten."""
        said = None
        for line in self.lines:
            said = {"estimate": line.details.get("until"), "reopen": None}.get(line.action, said)
        return None if said is None else datetime.fromisoformat(said)

    @property
    def crew_id(self) -> str | None:
        """The crew that goes: the one that was assigned, or took it, last."""
        found: str | None = self._last("assign", "crew_id")
        return found

    @property
    def looks(self) -> tuple[Look, ...]:
        """What crews said of sections that they looked at, in order."""
        return tuple(
            Look(frozenset(line.details["branches"]), bool(line.details["found"]), line.details["at"])
            for line in self.lines
            if line.action == "look"
        )

    @property
    def link(self) -> str | None:
        """The secret of its public page; ``None`` where it has none, or no longer."""
        last = next((line for line in reversed(self.lines) if line.action in {"link", "unlink"}), None)
        return None if last is None or last.action == "unlink" else str(last.details["token"])

    @property
    def first_range(self) -> tuple[datetime, datetime] | None:
        """Between which moments power was to be back, as the model told at the first stage that it told of."""
        told = next((line.details["range"] for line in self.lines if "range" in line.details), None)
        return None if told is None else (datetime.fromisoformat(told[0]), datetime.fromisoformat(told[1]))

    @property
    def photographs(self) -> tuple[str, ...]:
        """Ids of the photographs that were taken at the place."""
        return self._all("photograph", "photo_id")

    @property
    def orders(self) -> tuple[str, ...]:
        """Ids of its orders; the first is the parent 母单."""
        return self._all("order", "order_id")

    @property
    def merged_into(self) -> str | None:
        """The incident that it is part of."""
        found: str | None = self._last("merge", "into")
        return found

    @property
    def section(self) -> tuple[str, ...]:
        """Branches of the section that was confirmed or chosen."""
        return tuple(self._last("section", "branches") or ())

    @property
    def refused(self) -> tuple[str, ...]:
        """Devices that did not move."""
        return self._all("refuse", "branch_id")

    @property
    def steps(self) -> tuple[Mapping[str, Any], ...]:
        """Operations that were done: ``branch_id``, ``move`` (``open`` or ``close``), ``at``, and ``read``, if anything was."""
        return tuple(line.details for line in self.lines if line.action == "step")

    @property
    def is_closed(self) -> bool:
        """Whether a person closed it, and nobody opened it again."""
        return self._closing is not None

    @property
    def _closing(self) -> Line | None:
        last = next((line for line in reversed(self.lines) if line.action in {"close", "reopen"}), None)
        return last if last is not None and last.action == "close" else None

    @property
    def closed_at(self) -> datetime | None:
        """When it was closed; ``None`` while it is open, or open again, and where nobody said."""
        told = None if self._closing is None else self._closing.details.get("at")
        return None if told is None else datetime.fromisoformat(told)

    @property
    def reopened(self) -> tuple[str, ...]:
        """Why it was opened again, each time."""
        return self._all("reopen", "reason")

    @property
    def upstream(self) -> Mapping[str, Any] | None:
        """The notice that the grid above is lost 上级电网停电: ``node`` of the source, ``at``, perhaps ``note``."""
        return next((line.details for line in reversed(self.lines) if line.action == "upstream"), None)

    @property
    def record(self) -> Mapping[str, Any] | None:
        """The outage record that a person accepted, rows by table; ``None`` where there is none, or it was opened again."""
        if not self.is_closed:
            return None
        last = next((line for line in reversed(self.lines) if line.action in {"record", "close"}), None)
        return last.details["tables"] if last is not None and last.action == "record" else None

    def as_dict(self) -> dict[str, Any]:
        """Return the sheet for JSON."""
        return {
            "incident": self.incident,
            "stage": self.stage,
            "stages": {stage: at.isoformat() for stage, at in self.stages.items()},
            "acknowledged_by": self.acknowledged_by,
            "commander": self.commander,
            "crew_id": self.crew_id,
            "estimate": None if self.estimate is None else self.estimate.isoformat(),
            "orders": list(self.orders),
            "merged_into": self.merged_into,
            "section": list(self.section),
            "refused": list(self.refused),
            "looks": [{"branches": sorted(look.branches), "found": look.found, "at": look.at} for look in self.looks],
            "photographs": list(self.photographs),
            "steps": [dict(step) for step in self.steps],
            "upstream": None if self.upstream is None else dict(self.upstream),
            "closed": self.is_closed,
            "closed_at": None if self.closed_at is None else self.closed_at.isoformat(),
            "reopened": list(self.reopened),
            "record": None if self.record is None else dict(self.record),
            "history": [vars(line) | {"details": dict(line.details)} for line in self.history],
        }


@dataclass(eq=False)
class Work:
    """The sheets of all incidents and all operations, kept up event by event.

    Attributes:
        sheets: by incident.
        operations: what was operated.
        positions: where each crew was when it reported last.
        links: incident of every secret of a public page that there ever was; the sheet says whether it still holds.
    """

    sheets: dict[str, Sheet] = field(default_factory=dict)
    operations: Operations = field(default_factory=Operations)
    positions: dict[str, Position] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[KeptEvent]) -> Work:
        """Return the work that events make."""
        work = cls()
        for event in events:
            work.add(event)
        return work

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            "sheets": {name: sheet.as_dict() for name, sheet in sorted(self.sheets.items())},
            "operations": [each.as_dict() for each in self.operations.history],
            "positions": {
                crew: {"at": place.at.isoformat(), "lon": place.lon, "lat": place.lat}
                for crew, place in sorted(self.positions.items())
            },
        }

    def sheet(self, incident: str) -> Sheet:
        """Return the sheet of an incident; an empty one where nothing was decided yet."""
        return self.sheets.get(incident, Sheet(incident))

    def add(self, event: KeptEvent) -> None:
        """Take one more event into account."""
        number, action = event.number or 0, str(event.details["action"])
        if event.kind == "operation":
            self.operations = self.operations.told(number, event.who, event.details)
        if action == "position":
            self._moved(event.details)
        if event.incident is None:
            return
        line = Line.of(event)
        if action == "link":
            self.links[str(line.details["token"])] = event.incident
        if action == "undo":
            self.operations = self.operations.undone(line.details["number"])
        elif action == "step":
            self.operations = self.operations.told(number, event.who, line.details, event.incident)
        self.sheets[event.incident] = self.sheet(event.incident).after(line)

    def _moved(self, said: Mapping[str, Any]) -> None:
        """Note where a crew was; what it told of an earlier moment comes late and changes nothing."""
        new = Position(datetime.fromisoformat(said["at"]), said["lon"], said["lat"])
        known = self.positions.get(said["crew_id"])
        if known is None or new.at >= known.at:
            self.positions[said["crew_id"]] = new

    def looks(self, at: datetime) -> tuple[tuple[str, tuple[Look, ...]], ...]:
        """Return what crews said of sections until a moment, by incident."""
        until = at.isoformat()
        told = {name: sheet.looks for name, sheet in list(self.sheets.items())}
        kept = ((name, tuple(look for look in looks if look.at <= until)) for name, looks in told.items())
        return tuple((name, looks) for name, looks in kept if looks)

    @property
    def moves(self) -> dict[str, tuple[str, str]]:
        """Users that an operator moved from one incident to another, each with both; the last word counts."""
        found = [
            (line.number, user, incident, str(line.details["into"]))
            for incident, sheet in list(self.sheets.items())
            for line in sheet.lines
            if line.action in {"split", "move"}
            for user in line.details["users"]
        ]
        return {user: (away, into) for _, user, away, into in sorted(found)}

    def parent(self, incident: str) -> str | None:
        """Return the incident that one was split off; ``None`` for one that was not."""
        return next(
            (
                name
                for name, sheet in list(self.sheets.items())
                for line in sheet.lines
                if line.action == "split" and line.details["into"] == incident
            ),
            None,
        )

    def users(self, incident: str, inferred: Iterable[str]) -> tuple[str, ...]:
        """Return the users of an incident: those that signals tell of, as operators have moved them since."""
        moves = self.moves
        own = [user for user in inferred if moves.get(user, ("", incident))[1] == incident]
        return tuple(dict.fromkeys([*own, *(user for user, (_, into) in moves.items() if into == incident)]))


def checked(
    sheet: Sheet,
    details: Mapping[str, Any],
    now: datetime,
    taken: Iterable[str] = (),
    reading: ReadingSettings = USUAL,
) -> dict[str, Any]:
    """Return a decision as it is kept.

    Args:
        sheet: as it stands.
        details: ``action`` and what it must say; ``at`` is a local time, by default now.
        now: local time.
        taken: ids of incidents that there are; one that is split off gets the next that is free.
        reading: the zone of the workspace, by whose clock times are told.

    Raises:
        FudianError: there is no such action or stage, something is missing, a time lies in the future, or there is nothing to
            undo.
    """
    action = str(details.get("action", ""))
    if action not in ACTIONS:
        raise FudianError(
            text("There is no decision {action!r}.", action=action),
            text("Known are: {known}.", known=", ".join(ACTIONS)),
        )
    told = {"action": action} | {name: details[name] for name in ACTIONS[action] if details.get(name) is not None}
    told |= (
        {"token": token_urlsafe(LINK_BYTES)} if action == "link" else {}
    )  # nobody chooses it, so nobody can guess it
    if "at" in ACTIONS[action]:
        told["at"] = moment_done(details.get("at"), now, reading=reading).isoformat()
    missing = [name for name in ACTIONS[action] if name not in told and name not in MAY_SAY]
    if missing:
        raise FudianError(
            text("The decision {action} does not say {names}.", action=action, names=", ".join(missing)),
            text("Say it and send the decision again."),
        )
    if "until" in told:
        told["until"] = moment_ahead(told["until"], now, reading).isoformat()
    if action == "stage" and told["stage"] not in STAGES:
        raise FudianError(
            text("There is no stage {stage!r}.", stage=told["stage"]),
            text("Known are: {known}.", known=", ".join(STAGES)),
        )
    if action == "undo" and told["number"] not in {line.number for line in sheet.lines}:
        raise FudianError(
            text("There is nothing to undo under number {number}.", number=told["number"]),
            text("The history of the sheet gives the number of each decision."),
        )
    if told.get("into") == sheet.incident:
        raise FudianError(text("An incident cannot be part of itself."), text("Name the other one."))
    if action == "record" and not sheet.is_closed:
        raise FudianError(
            text("The incident {incident} is not closed.", incident=sheet.incident), text("Close it first.")
        )
    if action == "step" and told["move"] not in {"open", "close"}:
        raise FudianError(text("There is no move {move!r}.", move=told["move"]), text("Use open or close."))
    if "branches" in told:
        told |= _checked_section(told)
    if "users" in told:
        told["users"] = list(dict.fromkeys(str(each) for each in each_of(told["users"])))
    if action == "split":
        used = set(taken)
        told["into"] = next(name for place in count(2) if (name := f"{sheet.incident}.{place}") not in used)
    return told


def _checked_section(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the branches of a section, and whether the fault was found there, if anybody said so.

    Raises:
        FudianError: no branch is named, or what was found is neither yes nor no.
    """
    branches = [str(each) for each in each_of(told["branches"])]
    if not branches:
        raise FudianError(text("No branch is named."), text("Name those of the section."))
    return {"branches": branches} | ({"found": _yes_or_no(told["found"])} if "found" in told else {})


def _yes_or_no(said: Any) -> bool:
    """Return what was said of a fault that was looked for.

    Raises:
        FudianError: it is neither.
    """
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = words.get(str(said).strip().lower())
    if found is None:
        raise FudianError(text("{value!r} is neither yes nor no.", value=said), text("Write true or false."))
    return found
