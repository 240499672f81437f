"""Questions of a dispatcher: who is off, where the fault lies, how power comes back, what is on the board."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from fudian.answers import AffectedAnswer, Answer, LocationAnswer
from fudian.foundation import Moment, Names, Table, names, question, stating_settings
from fudian.live import LiveQuestions, require_way
from fudian.memory import MOMENTS_KEPT, PLACES_KEPT
from network import FudianError, Problem, Supply, text
from network.ids import each_of
from repair import (
    Inference,
    RestorationPlan,
    Restorer,
    affected_by_opening,
    fault_area,
    locate,
    several_incidents,
)
from repair.desk.board import Board, Entry
from repair.desk.incidents import Told, affected_by_told
from repair.desk.replay import play, speed_of
from repair.desk.switching_plan import StillToSwitch, still_to_switch, taken_up
from repair.desk.work import Sheet
from repair.isolation import isolate
from repair.location.sensor_health import health_of
from repair.restoration.load_curve import hours_off as hours_off_by_log
from repair.restoration.weak_spots import WeakSpots, weak_spots


class RepairQuestions(LiveQuestions):
    """What a dispatcher asks of one network."""

    @stating_settings
    def affected(
        self,
        open: Names | None = None,  # noqa: A002 (the field's own word)
        fault: str | None = None,
        signals: Table | None = None,
        at: Moment = None,
        switching: Table | None = None,
        by: str = "log",
    ) -> AffectedAnswer:
        """Return who is off when branches open, when a fault strikes, or by what signals tell.

        Exactly one of ``open``, ``fault`` and ``signals`` is asked.

        Args:
            open: one branch, or several that open together.
            fault: the branch that a fault strikes.
            signals: rows of the signals table.
            at: the state of the switches as logged until then, and who is in service that day; by default the normal state.
            switching: the log; by default that of the workspace.
            by: ``log``, or ``desk`` for the state with what was operated, cut and joined since.

        Raises:
            UnknownIdError: a branch is not in the network.
            FudianError: none or several of the three are asked, or no branch is named.
            WorkspaceError: no signal can be used, or the network has no source.
        """
        if sum(each is not None for each in (open, fault, signals)) != 1:
            raise FudianError(text("Name exactly one of open, fault and signals."), text("For example open=F01-K01."))
        self.network.require_sources()
        if signals is not None:
            heard, rejected = self.table("signals", signals)
            supply = self._state_for_signals(at, switching, by)
            told = Told.by(supply, {**self.workspace.tables, "signals": heard}, self.moment(at))
            return AffectedAnswer(
                affected_by_told(supply, told), supply, named=tuple(heard["object_id"]), rejected=rejected, told=told
            )
        supply = self.state(at, switching, by)
        if fault is not None:
            if not fault.strip(" ,，"):
                raise FudianError(text("fault names no branch."), text("Name the branch that it strikes."))
            area = fault_area(supply, fault)
            return AffectedAnswer(area.before, supply, area)
        branches = names(open or ())
        if not branches:
            raise FudianError(text("open names no branch."), text("Name one branch, or several with commas."))
        return AffectedAnswer(affected_by_opening(supply, branches), supply)

    def _state_for_signals(self, at: Moment, switching: Table | None, by: str = "log") -> Supply:
        """Return the state of the switches with all that was ever in service: each signal is judged on its own day."""
        require_way(by)
        moment = self.moment(at)
        if by != "log":
            return self._operated(moment, switching, self.network)
        if moment is None and switching is None:
            return self.network.energise()
        log = self.workspace.tables["switching"] if switching is None else self.table("switching", switching)[0]
        return self.network.energise(log, moment)

    @stating_settings
    def locate(
        self,
        signals: Table | None = None,
        at: Moment = None,
        switching: Table | None = None,
        incident: str | None = None,
        by: str = "log",
    ) -> LocationAnswer:
        """Return the faulted section that explains signals best, with an honest probability.

        Where the signals tell of several incidents, each is located by itself; the answer is that of one of them.

        Args:
            signals: rows of the signals table, which may be missing or wrong; by default those of the workspace.
            at: the state of the switches as logged until then; by default the normal state.
            switching: the log; by default that of the workspace.
            incident: id of one of several incidents; by default that by which most customers lost supply.
            by: ``log``, or ``desk`` for the state with what was operated, cut and joined since.

        Raises:
            WorkspaceError: no signal can be used, or the network has no source.
            FudianError: there is no such incident.
        """
        self.network.require_sources()
        heard, rejected = self._signals(signals)
        supply, sensors = self._state_for_signals(at, switching, by), self.workspace.tables["sensors"]
        several = {each.outage.id: each for each in several_incidents(supply, heard, sensors, self.workspace.tables)}
        if incident is not None and incident not in several:
            known = ", ".join(several) or "–"
            raise FudianError(
                text("The signals do not tell of incident {incident}.", incident=incident),
                text("Those they tell of: {known}.", known=known),
            )
        if not several:
            return LocationAnswer(locate(supply, heard, sensors), rejected)
        chosen = several[incident or next(iter(several))]
        return LocationAnswer(chosen.location, rejected, chosen.outage.id, tuple(several))

    def _signals(self, signals: Table | None) -> tuple[pl.DataFrame, tuple[Problem, ...]]:
        if signals is None:
            return self.workspace.tables["signals"], self.workspace.problems_of("signals")
        return self.table("signals", signals)

    @stating_settings
    def infer(
        self, signals: Table | None = None, at: Moment = None, switching: Table | None = None, by: str = "log"
    ) -> Inference:
        """Return what is out by signals: lines, transformers, customers; confirmed, suspected, restored or overturned.

        Args:
            signals: rows of the signals table; by default those of the workspace.
            at: the state of the switches as logged until then, and the moment at which signals are judged.
            switching: the log; by default that of the workspace.
            by: ``log``, or ``desk`` for the state with what was operated, cut and joined since.

        Raises:
            WorkspaceError: the network has no source.
        """
        self.network.require_sources()
        inference = Inference(self._state_for_signals(at, switching, by), self.workspace.tables)
        rows = self.workspace.tables["signals"]
        if signals is not None:
            rows, unread = self.workspace.read("signals", Path(signals) if isinstance(signals, str) else signals)
            inference.reject(unread)
        moment = self.moment(at)
        inference.take(rows, moment)
        if moment is not None:
            inference.tick(moment)
        return inference

    @question
    def restore(
        self,
        fault: Names,
        refused: Names = (),
        objective: str | None = None,
        at: Moment = None,
        switching: Table | None = None,
        tripped: Names = (),
        done: Names = (),
        by: str = "log",
        since: Moment = None,
        hours_off: float | None = None,
    ) -> RestorationPlan:
        """Plan which switches to operate, in which order, so that most has power again before the repair.

        Args:
            fault: the faulted branch, or several at once; for a bus, or a source that is lost, its node.
            refused: devices that cannot be operated.
            objective: what shall come back, ``customers`` or ``kw``; that of the settings by default.
            at: the state of the switches as logged until then, and who is in service that day; by default the normal state.
            switching: the log; by default that of the workspace.
            tripped: devices that are known to have tripped; by default those that the state of the switches tells of, else those
                that should have.
            done: operations carried out since, in order, as ``open:S1`` or ``close:K1``: the rest is planned from the state they
                reached.
            by: ``log``, or ``desk`` for the state with what was operated, cut and joined since.
            since: by ``desk``: when the fault began; what switches were operated after it counts as carried out since.
            hours_off: for how many hours those who lost supply have been without it; by default as the log tells, else 0.

        Raises:
            UnknownIdError: a branch is not in the network.
            FudianError: there is no such objective, or no plan can be proven.
            WorkspaceError: the network has no source.
        """
        self.network.require_sources()
        begun, moment = self.moment(since), self.moment(at)
        supply = self.state(at, switching, by)
        if by == "desk" and begun is not None:
            later = [each for each in self.work.operations.since(begun) if moment is None or each.at <= moment]
            done = (*(f"{each.action}:{each.branch_id}" for each in later), *each_of(done))
            supply = self._operated(moment, switching, self._serving(moment or self.now), begun)
            moment = (moment or self.now).replace(second=0, microsecond=0)
            hours_off = max((moment - begun).total_seconds() / 3600.0, 0.0) if hours_off is None else hours_off
        if hours_off is None and moment is not None:
            log = self.workspace.tables["switching"] if switching is None else self.table("switching", switching)[0]
            hours_off = hours_off_by_log(isolate(supply, fault, names(refused), tripped), log, moment)
        return self.restore_in(supply, fault, names(refused), objective, tripped, done, moment, hours_off or 0.0)

    def restore_in(
        self,
        supply: Supply,
        fault: Names,
        refused: Names = (),
        objective: str | None = None,
        tripped: Names = (),
        done: Names = (),
        at: datetime | None = None,
        hours_off: float = 0.0,
    ) -> RestorationPlan:
        """Plan how power comes back in a state of the switches; see :meth:`restore`."""
        restorer = self.memory.recall(("restorer", supply), lambda: Restorer.of(supply), newest=MOMENTS_KEPT)
        asked = names(fault), names(refused), objective, names(tripped), tuple(each_of(done)), at, hours_off
        return self.memory.recall(("restore_in", supply, *asked), lambda: restorer.plan(*asked), newest=PLACES_KEPT)

    def plan_for(
        self, entry: Entry, branches: Names, refused: Names = (), at: Moment = None, done: Names = ()
    ) -> RestorationPlan:
        """Plan how power comes back for an event of the board whose fault lies on some branches, from the state of now.

        Args:
            entry: the event, with its incident.
            branches: of the section.
            refused: devices that cannot be operated.
            at: the moment; by default now.
            done: operations to count as carried out besides those that are kept.

        Raises:
            FudianError: no plan can be proven.
        """
        tripped = entry.incident.tripped if entry.incident else ()
        return self.restore(branches, refused, at=at, tripped=tripped, done=done, by="desk", since=entry.start)

    def still_to_switch(self, shown: Board, now: datetime, at: Moment = None) -> dict[str, StillToSwitch]:
        """Return who comes back by steps of a switching plan that are still to come, by open incident of a board.

        Args:
            shown: the board.
            now: until when the desk knows.
            at: the moment that is asked about; by default now.
        """
        found = ((entry.key, self.left_to_switch(entry, self.work.sheet(entry.key), now, at)) for entry in shown.active)
        return {key: left for key, left in found if left is not None}

    def left_to_switch(self, entry: Entry, sheet: Sheet, now: datetime, at: Moment = None) -> StillToSwitch | None:
        """Return who of an event comes back by steps of its switching plan that are still to come; see :meth:`still_to_switch`.

        Args:
            entry: the event.
            sheet: of the incident, as it stands or is about to.
            now: until when the desk knows.
            at: the moment that is asked about; by default now.
        """
        incident = entry.incident
        since = None if sheet.is_closed or sheet.merged_into else taken_up(sheet, now)
        if since is None or incident is None or not incident.location.ranked:
            return None
        section = incident.location.places[incident.location.place_of(sheet.section)]
        try:
            plan = self.plan_for(entry, section.branches, sheet.refused, at)
        except FudianError:  # nothing can be proven: all wait for the repair
            return None
        return still_to_switch(plan, since, now, entry.supply, entry.affected.hit.transformers)

    @question
    def weak_spots(self, at: Moment = None) -> WeakSpots:
        """Return the weak spots of the grid: lines and transformers heavily loaded, low and high voltages, long radii.

        What was measured goes before what is worked out; each spot says what would lift it.

        Args:
            at: the state of the switches as logged until then, and the day whose hours of a load curve stand; by default the
                normal state and the day with the most load.

        Raises:
            WorkspaceError: the network has no source.
        """
        self.network.require_sources()
        return weak_spots(self.state(at), self.moment(at))

    @stating_settings
    def replay(
        self,
        signals: Table | None = None,
        to: str = "http://127.0.0.1:8050",
        speed: str = "60",
        progress: Callable[[int, int], object] = lambda *_: None,
    ) -> dict[str, Any]:
        """Play signals into a running desk, as if they came in now.

        Args:
            signals: rows of the signals table; by default those of the workspace.
            to: address of the desk.
            speed: times faster than in life, or ``max``, which does not wait.
            progress: told how many are sent, and how many there are.

        Returns:
            ``sent`` (how many), ``desk`` (its last answer).

        Raises:
            FudianError: the speed is none, or the desk cannot be reached.
        """
        times_faster = speed_of(speed)
        rows, _ = self._signals(signals)
        sent = 0

        def told(count: int) -> None:
            nonlocal sent
            sent += count
            progress(sent, rows.height)

        return {"sent": rows.height, "desk": play(rows, to, times_faster, told)}

    @question
    def sensor_health(self) -> Answer:
        """Return what closed incidents tell of each sensor, and the rates that location should reckon with.

        Raises:
            WorkspaceError: there is no closed incident or no sensor to learn of.
        """
        told = health_of(self.network)
        rows = pl.DataFrame(told["rows"], infer_schema_length=None)
        return Answer("sensor_health", rows, f"{told['incidents']} incidents", lambda _: told)
