"""The incident desk: what comes in is kept before it is acknowledged, and judged apart from that.

Reports wait in one queue. A writer keeps all that wait in one transaction, acknowledges them, and hands them to a judge; neither
waits for a page, and no page waits for them. Where too much waits, more is refused with the time after which to try again; where
the store cannot be written, nothing is acknowledged. After a start all that was ever kept is judged again, so that the desk is
where it was.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import polars as pl
from sqlalchemy.exc import SQLAlchemyError

from fudian.changes import Changes
from fudian.desk_records import write_accepted
from fudian.desk_reports import AT_ONCE, WORK, as_reports, heard_again
from fudian.foundation import Moment
from fudian.ledger import Beside, DeskEvent, Ledger, Report, both
from fudian.outbox import Outbox
from fudian.steady import SteadyClock
from fudian.store import Store
from fudian.telling import beside_announcement, beside_decision, beside_signals, leads_to_page
from fudian.utility import Utility
from network import FudianError, Problem, UnknownIdError, text
from repair.desk.operations import Operation, Operations, checked_operation
from repair.desk.reopening import still_dark
from repair.desk.work import Line, Sheet, Work, checked
from repair.settings import InferenceSettings

MOST_WAITING = 200_000
"""Reports that wait to be kept, or to be judged, at most."""

MOST_BATCHES = 2_000
"""Batches of reports that wait at most: each holds a table of its own, however few its reports are."""

REST_S = 1.0
"""For how long the judge rests at most after it worked as long, so that reports are kept meanwhile and judged together."""

RETRY_S = 2
"""After how many seconds one who was refused may try again."""

REFUSING_S = 15.0
"""For how long after a write that failed it is told that the store cannot be written, where none was tried since."""


_log = logging.getLogger("fudian")


class DeskBusyError(FudianError):
    """More waits than the desk takes; nothing of this was taken."""


class DeskStoreError(FudianError):
    """The store cannot be written now; nothing of this was taken."""


@dataclass
class _Batch:
    reports: list[Report]  # until they are kept
    rows: pl.DataFrame
    now: datetime | None
    count: int
    again: pl.DataFrame | None = None
    kept: Future[tuple[int, int]] = field(default_factory=Future)
    judged: Future[dict[str, Any]] = field(default_factory=Future)


@dataclass(frozen=True)
class Receipt:
    """What was acknowledged.

    Attributes:
        accepted: how many reports are kept now that were not before.
        repeated: how many were known already.
        problems: rows that cannot be read.
        judged: what came of them, once they are judged; see :meth:`fudian.Utility.ingest`.
    """

    accepted: int
    repeated: int
    problems: tuple[Problem, ...]
    judged: Future[dict[str, Any]]


class Desk:
    """A utility whose signals are kept in a store.

    Args:
        utility: what judges them.
        store: where they are kept; held by this desk alone while it runs.
        most_waiting: reports that wait to be kept, or to be judged, at most.
        most_batches: batches of them that wait at most.
        clock: tells when reports are heard.

    Raises:
        FudianError: another desk holds the store.
    """

    def __init__(
        self,
        utility: Utility,
        store: Store,
        most_waiting: int = MOST_WAITING,
        clock: SteadyClock | None = None,
        most_batches: int = MOST_BATCHES,
    ) -> None:
        self.utility = utility
        self.ledger = Ledger(store)
        self.outbox = Outbox(store)
        self._most, self._most_batches, self._clock = most_waiting, most_batches, clock or SteadyClock()
        self._held = store.hold("desk")
        self._to_keep: deque[_Batch] = deque()
        self._to_judge: deque[_Batch] = deque()
        self._waiting = self._batches = 0
        self._moved = threading.Condition()
        self._is_closing = self._is_written = False
        self._failed_at = -REFUSING_S
        self.counts = {"accepted": 0, "repeated": 0, "malformed": 0, "refused": 0, "store_errors": 0, "judged": 0}
        self.changes = Changes()
        self._deciding = threading.RLock()
        self._heard_of: set[str] = set()
        self.work = Work.of(self.ledger.since(kinds=WORK))
        self.follow(utility)
        self._restore()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._write, "desk-writer"), (self._judge, "desk-judge"))
        ]
        for thread in self._threads:
            thread.start()

    # Intake -------------------------------------------------------------------------------------------------------

    def accept(
        self, rows: list[dict[str, Any]] | Path, who: str, now: Moment = None, timeout_s: float = 60.0
    ) -> Receipt:
        """Keep reports of the signals table; what this returns outlasts a power cut.

        Args:
            rows: a file, or rows as in one; ``event_id`` is the sender's own number of a report, which makes it safe to send
                it again.
            who: the sender.
            now: local time at which they were heard, where that is not the clock.
            timeout_s: how long to wait for the store.

        Raises:
            DeskBusyError: too much waits; try again after :data:`RETRY_S` seconds.
            DeskStoreError: the store cannot be written.
        """
        read, problems = self.utility.workspace.read("signals", rows)
        moment = self._heard_at(now)
        batch = _Batch(as_reports(read, who, moment), read, moment, read.height)
        if batch.reports:
            self._queue(batch)
            accepted, repeated = batch.kept.result(timeout_s)
        else:
            accepted = repeated = 0
            batch.judged.set_result({"heard": 0, "changed": [], "changes": 0, "problems": []})
        if problems:
            self.counts["malformed"] += sum(problem.severity == "error" for problem in problems)
            self.utility.reject(problems)
        return Receipt(accepted, repeated, problems, batch.judged)

    def _heard_at(self, named: Moment) -> datetime | None:
        """Return the local time at which reports are heard, where that is not what this machine says."""
        moment, clock = self.utility.moment(named), self.utility.moment(self._clock.now())
        return self.utility.moment(self._clock.told()) if moment is None else min(moment, clock or moment)

    def _queue(self, batch: _Batch) -> None:
        with self._moved:
            too_much = self._waiting + batch.count > self._most or self._batches >= self._most_batches
            if self._is_closing or (self._waiting and too_much):
                self.counts["refused"] += batch.count
                raise DeskBusyError(
                    text("The desk cannot take more reports now."),
                    text("Send them again after {seconds} seconds; none of them was taken.", seconds=RETRY_S),
                )
            self._waiting, self._batches = self._waiting + batch.count, self._batches + 1
            self._to_keep.append(batch)
            self._moved.notify_all()

    # Work on incidents ----------------------------------------------------------------------------------------------

    def follow(self, utility: Utility) -> None:
        """Let another version of the workspace judge from now on."""
        utility.work, utility.outbox = self.work, self.outbox
        self.utility = utility

    def sheet(self, incident: str) -> Sheet:
        """Return the sheet of an incident: its stages, orders and decisions.

        Raises:
            FudianError: neither signals nor a record tell of such an incident, and nothing was decided of it.
        """
        return self.utility.sheet(incident)

    def decide(self, incident: str, details: Mapping[str, Any], who: str, event_id: str | None = None) -> Sheet:
        """Keep what a person decided on an incident, and return its sheet as it stands then.

        Args:
            incident: its id.
            details: ``action`` and what it must say; see :data:`repair.desk.work.ACTIONS`.
            who: the person.
            event_id: the sender's own number, which makes it safe to send the decision again.

        Raises:
            FudianError: there is no such incident, or the decision cannot be taken.
            DeskStoreError: the store cannot be written; nothing was decided.
        """
        return self.decide_together(incident, [details], who, f"{who}:{event_id}" if event_id else None)

    def decide_together(
        self,
        incident: str,
        several: Sequence[Mapping[str, Any]],
        who: str,
        event_id: str | None = None,
        beside: Beside | None = None,
    ) -> Sheet:
        """Keep several decisions on one incident, all or none, and return its sheet as it stands then.

        Args:
            incident: its id.
            several: as :meth:`decide` takes one.
            who: the person.
            event_id: the same for the same decisions, whoever sends them again.
            beside: what is kept with them.

        Raises:
            FudianError: there is no such incident, or a decision cannot be taken.
            DeskStoreError: the store cannot be written; nothing was decided.
        """
        named = event_id or f"decision-{uuid4()}"
        with self._deciding:
            sheet = self.sheet(incident)
            if self.knows(named):  # sent again: it stands already, whatever could be decided now
                return sheet
            events: list[DeskEvent] = []
            ahead = before = sheet
            if leads_to_page(self.utility, sheet, several):
                several = [{"action": "link"}, *several]
            for place, details in enumerate(several):
                told = self._checked(ahead, details)
                name = f"{named}:{place}" if place else named
                was = {"stage": ahead.stage, "acknowledged_by": ahead.acknowledged_by, "closed": ahead.is_closed}
                events.append(DeskEvent(name, "decision", who, told, incident, was))
                before, ahead = ahead, ahead.after(Line.of(events[-1]))
            telling = beside_decision(self.utility, self.outbox, before, events[-1])
            self._keep_now(events, both(beside, telling))
            self._tell_later(str(event.details["into"]) for event in events if "into" in event.details)
            self._tell_later(incident for event in events if event.details["action"] in {"step", "undo"})
            self._hand_over()
            return self.sheet(incident)

    def _checked(self, sheet: Sheet, details: Mapping[str, Any]) -> dict[str, Any]:
        """Return a decision as it is kept."""
        if details.get("action") == "record" and sheet.is_closed and not details.get("tables"):
            details = {"action": "record", "tables": self.utility.proposed(sheet.incident).tables}
        reading = self.utility.workspace.reading
        told = checked(sheet, details, reading.now(), self.utility.incident_ids(), reading)
        self._require_known(told)
        if told["action"] == "stage" and told["stage"] not in {"repaired", "restored"}:
            expected = self.utility.range_of(sheet.incident)  # kept, so that it can be told later whether it held
            told |= {} if expected is None else {"range": [each.isoformat() for each in expected]}
        return told

    def knows(self, event_id: str) -> bool:
        """Tell whether something that people did is kept already.

        Raises:
            DeskStoreError: the store cannot be read.
        """
        return bool(self._known([event_id]))

    def _known(self, event_ids: Sequence[str]) -> set[str]:
        """Return which events are kept already."""
        try:
            return self.ledger.known(event_ids)
        except (SQLAlchemyError, OSError) as error:
            raise _unwritten(error) from error

    def place(self, crew_id: str, lon: float, lat: float, at: datetime, who: str, event_id: str) -> None:
        """Keep where a crew said that it was; the same id counts once.

        Raises:
            DeskStoreError: the store cannot be written; nothing was kept.
        """
        said = {"action": "position", "crew_id": crew_id, "lon": lon, "lat": lat, "at": at.isoformat()}
        with self._deciding:
            self._keep_now([DeskEvent(event_id, "decision", who, said)])

    def announce(self, plan_id: str, who: str, event_id: str | None = None) -> int:
        """Have customers told of a planned outage as it stands: that it is to come, or what changed since they were told.

        Args:
            plan_id: of the plan.
            who: the person.
            event_id: the sender's own number, which makes it safe to send it again.

        Returns:
            How many messages wait to be sent because of it; none where everybody was told already.

        Raises:
            FudianError: there is no such plan, nobody can tell who is off by it, or no channel is set.
            DeskStoreError: the store cannot be written; nobody is told.
        """
        named = f"{who}:{event_id}" if event_id else f"decision-{uuid4()}"
        with self._deciding:
            if self.knows(named):
                return 0
            beside, count = beside_announcement(self.utility, self.outbox, plan_id)
            if count:
                self._keep_now([DeskEvent(named, "decision", who, {"action": "announce", "plan_id": plan_id})], beside)
            return count

    def tell_more(self) -> int:
        """Have those told whom an incident on which work began reached since, or who came back; return how many incidents."""
        count = 0
        while True:
            with self._moved:
                if not self._heard_of:
                    return count
                incident = min(self._heard_of)
            with self._deciding:
                with self._moved:
                    self._heard_of.discard(incident)  # what is heard from here on is looked at again
                beside = beside_signals(self.utility, self.outbox, self.work.sheet(incident))
                if beside is not None:
                    said = {"action": "announce", "incident": incident}
                    self._keep_now([DeskEvent(f"heard-{uuid4()}", "decision", "desk", said)], beside)
                    count += 1

    def _tell_later(self, incidents: Iterable[str]) -> None:
        """Note that those who are concerned by incidents may have to be told, where work on them began."""
        with self._moved:
            self._heard_of.update(incident for incident in incidents if incident in self.work.sheets)

    def _hand_over(self) -> None:
        """Let the workspace hold the records that people accepted."""
        folder = self.utility.workspace.folder
        if folder is not None and folder.is_dir():
            try:
                write_accepted(self.work, folder)
            except (OSError, ValueError):
                _log.exception(
                    "The accepted records could not be written into the workspace; the next decision tries again"
                )

    def _require_known(self, told: Mapping[str, Any]) -> None:
        """Make sure that a decision names branches, users and incidents that there are."""
        net = self.utility.network
        net.branch_index([*told.get("branches", ()), *([told["branch_id"]] if "branch_id" in told else [])])
        crews = self.utility.workspace.tables["crews"]["crew_id"]
        if "crew_id" in told and told["crew_id"] not in crews:
            raise UnknownIdError("crew", str(told["crew_id"]), crews.sort().to_list())
        sources = net.nodes.gather(net.source_node)
        if "node" in told and told["node"] not in sources:
            raise UnknownIdError("node", str(told["node"]), sources.to_list())
        for user in told.get("users", ()):
            if not len(net.known_transformers([user])[0]) and not len(net.known_customers([user])[0]):
                raise FudianError(
                    text("There is neither a transformer nor a customer {id!r}.", id=user),
                    text("Name those there are."),
                )
        for name, rows in told.get("tables", {}).items():
            if not rows:
                continue
            wrong = [each for each in self.utility.workspace.read(name, rows)[1] if each.severity == "error"]
            if wrong:
                raise FudianError(text("The record cannot be counted."), wrong[0].message)
        if told["action"] in {"merge", "move"}:
            self.sheet(str(told["into"]))

    def operate(
        self, rows: Sequence[Mapping[str, Any]], who: str
    ) -> tuple[tuple[Operation, ...], int, tuple[tuple[int, FudianError], ...]]:
        """Keep operations of switches, cuts and jumpers, and undo what was told by mistake.

        Args:
            rows: each with ``action`` and what it must say, see :data:`repair.desk.operations.MOVES`; ``at`` is a local time, by
                default now; ``event_id`` is the sender's own number, which makes it safe to send it again.
            who: the sender.

        Returns:
            The operations that are kept now, how many were known already, and which rows cannot be taken (from 0) and why; those
            do not hinder the others.

        Raises:
            DeskStoreError: the store cannot be written; nothing was kept.
        """
        with self._deciding:
            now, net = self.utility.workspace.reading.now(), self.utility.network
            ahead = Operations(self.work.operations.history)
            events: list[DeskEvent] = []
            refused: list[tuple[int, FudianError]] = []
            names = [f"{who}:{row['event_id']}" for row in rows if row.get("event_id") is not None]
            kept_before, known = self._known(names), 0
            number = 1 + max((each.number for each in ahead.history), default=0)
            for place, row in enumerate(rows):
                given = row.get("event_id")
                named = f"{who}:{given}" if given is not None else f"operation-{uuid4()}"
                if named in kept_before or any(event.event_id == named for event in events):
                    known += 1
                    continue
                try:
                    told = checked_operation(ahead, net, row, now, self.utility.workspace.reading)
                except FudianError as wrong:
                    refused.append((place, wrong))
                    continue
                last = ahead.last.get(str(told.get("branch_id")))
                events.append(
                    DeskEvent(named, "operation", who, told, None, None if last is None else {"action": last.action})
                )
                ahead = ahead.told(number, who, told)
                number += 1
            kept = self._keep_now(events) if events else ()
            numbers = {each.number for each in kept}
            return tuple(each for each in self.work.operations.history if each.number in numbers), known, tuple(refused)

    def _keep_now(self, events: list[DeskEvent], beside: Beside | None = None) -> tuple[DeskEvent, ...]:
        """Keep events of people, and what goes with them, and take them into account; to be called by one at a time."""
        try:
            self._held.renew()
            kept = self.ledger.keep(events, beside)
        except (SQLAlchemyError, OSError, FudianError) as error:
            self._failed_at = monotonic()
            raise _unwritten(error) from error
        self._failed_at = -REFUSING_S
        for each in kept.new:
            self.work.add(each)
        self.changes.tell(each.incident or "" for each in kept.new)
        if beside is not None:
            self.outbox.woken.set()
        return kept.new

    def _reopen(self, rows: pl.DataFrame) -> None:
        """Open incidents again that were closed and of which a user says to be still without power."""
        reads = InferenceSettings.of(self.utility.workspace.settings).reopen_reads
        with self._deciding:
            events = [
                DeskEvent(
                    f"reopen:{each.incident}:{each.object_id}:{each.at.isoformat()}",
                    "decision",
                    "desk",
                    {"action": "reopen", "reason": each.kind, "user": each.object_id, "at": each.at.isoformat()},
                    each.incident,
                    {"closed": True},
                )
                for each in still_dark(self.work, self.utility.told(), self.utility.network, rows, reads)
            ]
            known = self._known([event.event_id for event in events])
            new = [event for event in events if event.event_id not in known]
            if new:
                self._keep_now(new)
                self._hand_over()

    # How it is ----------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many reports wait to be kept or judged."""
        return self._waiting

    @property
    def is_working(self) -> bool:
        """Whether the writer and the judge run."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def is_refusing(self) -> bool:
        """Whether the store could not be written lately, so that nothing that comes in is acknowledged."""
        return monotonic() - self._failed_at < REFUSING_S

    # Waiting ------------------------------------------------------------------------------------------------------

    def wait(self) -> None:
        """Wait until all that was accepted is judged."""
        with self._moved:
            self._moved.wait_for(lambda: not self._waiting)

    def close(self) -> None:
        """Keep and judge what waits, and let go of the store."""
        with self._moved:
            self._is_closing = True
            self._moved.notify_all()
        for thread in self._threads:
            thread.join()
        self._held.close()

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Work ---------------------------------------------------------------------------------------------------------

    def _take(self, queue: deque[_Batch], is_over: Callable[[], bool]) -> list[_Batch]:
        """Return some of the batches that wait in a queue; none once it is over and nothing is left."""
        with self._moved:
            self._moved.wait_for(lambda: bool(queue) or is_over())
            taken: list[_Batch] = []
            count = 0
            while queue and (not taken or count + queue[0].count <= AT_ONCE):
                taken.append(queue.popleft())
                count += taken[-1].count
            return taken

    def _write(self) -> None:
        """Keep what comes in, until the desk closes."""
        while taken := self._take(self._to_keep, lambda: self._is_closing):
            kept = self._keep_together(taken)
            with self._moved:
                if kept:
                    self._to_judge.extend(taken)
                else:
                    self._let_go(taken)
                self._moved.notify_all()
        with self._moved:
            self._is_written = True
            self._moved.notify_all()

    def _let_go(self, batches: list[_Batch]) -> None:
        self._waiting -= sum(batch.count for batch in batches)
        self._batches -= len(batches)

    def _judge(self) -> None:
        """Judge what was kept, until the last of it; what judging needs is made before the first report comes."""
        with suppress(FudianError):
            self.utility.told()
        while taken := self._take(self._to_judge, lambda: self._is_written):
            begun = monotonic()
            for now, group in groupby(taken, key=lambda batch: batch.now):
                self._judge_together(list(group), now)
            rest = min(monotonic() - begun, REST_S)
            with self._moved:
                self._let_go(taken)
                self._moved.notify_all()
                self._moved.wait_for(lambda: self._is_closing or not self._waiting, rest)

    def _keep_together(self, taken: list[_Batch]) -> bool:
        """Keep batches in one transaction and acknowledge them; tell whether that was possible."""
        try:
            self._held.renew()
            new, at = self.ledger.keep_reports(report for batch in taken for report in batch.reports)
        except Exception as error:  # noqa: BLE001 (whatever it is: nothing was kept, and who sent it must know)
            _log.exception("Reports could not be kept")
            self.counts["store_errors"] += 1
            self._failed_at = monotonic()
            refusal = _unwritten(error)
            for batch in taken:
                batch.kept.set_exception(refusal)
            return False
        self._failed_at = -REFUSING_S
        heard = self.utility.moment(at)
        for batch in taken:
            is_new = []
            for report in batch.reports:
                is_new.append(report.event_id in new)
                new.discard(report.event_id)
            fresh = pl.Series(is_new)
            batch.rows, batch.again = batch.rows.filter(fresh), batch.rows.filter(~fresh)
            batch.reports = []
            batch.now = batch.now or heard
            self.counts["accepted"] += sum(is_new)
            self.counts["repeated"] += len(is_new) - sum(is_new)
            batch.kept.set_result((sum(is_new), len(is_new) - sum(is_new)))
        return True

    def _judge_together(self, batches: list[_Batch], now: datetime | None) -> None:
        try:
            self.utility.reject(repeated=pl.concat([batch.again for batch in batches if batch.again is not None]))
            rows = pl.concat([batch.rows for batch in batches])
            told = self.utility.ingest_table(rows, (), now, is_certain=True)
            if any(sheet.is_closed for sheet in list(self.work.sheets.values())):
                self._reopen(rows)
            self.changes.tell(each["id"] for each in told["changed"])
            self._tell_later(each["id"] for each in told["changed"])
        except Exception as failure:  # noqa: BLE001 (what is kept stays kept; who waits is told)
            _log.exception("Reports that are kept could not be judged; a start judges them again")
            for batch in batches:
                batch.judged.set_exception(failure)
            return
        self.counts["judged"] += sum(batch.rows.height for batch in batches)
        for batch in batches:
            batch.judged.set_result(told | {"heard": batch.rows.height})

    def _restore(self) -> None:
        """Judge all that the ledger holds, each report as of the time at which it came."""
        for read in heard_again(self.utility, self.ledger):
            if any(sheet.is_closed for sheet in self.work.sheets.values()):
                self._reopen(read)


def _unwritten(error: Exception) -> DeskStoreError:
    reason = (str(getattr(error, "orig", None) or error).strip() or type(error).__name__).splitlines()[0]
    return DeskStoreError(
        text("The store cannot be written: {reason}.", reason=reason),
        text("Send it again later; none of it was taken."),
    )
