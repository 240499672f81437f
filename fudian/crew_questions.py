"""Questions of who goes where: crews for open faults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from fudian.answers import Answer
from fudian.foundation import Moment, Names, Table, names, question, stating_settings
from fudian.memory import MOMENTS_KEPT
from fudian.repair_questions import RepairQuestions
from network import FudianError, text
from network.steps import Done
from network.texts import shown as written
from repair.desk.board import Board, Entry, board
from repair.desk.crews.bases import base_plan
from repair.desk.crews.clocks import ArrivalClock
from repair.desk.crews.crew_plan import CrewPlan, crew_plan
from repair.desk.crews.open_work import OpenWork
from repair.desk.incidents import Told
from repair.desk.restoration_time.model import RestorationTimes
from repair.desk.restoration_time.outlook import ExpectedBack, learned, outlook
from repair.desk.switching_plan import StillToSwitch, taken_up
from repair.desk.work import Sheet
from repair.desk.work_orders import told_orders
from repair.settings import CrewSettings, RestorationTimeSettings


class CrewQuestions(RepairQuestions):
    """What can be told of the crews of a utility."""

    @stating_settings
    def crews(
        self,
        at: Moment = None,
        signals: Table | None = None,
        assign: Mapping[str, str] | Names = (),
        without: Names = (),
    ) -> CrewPlan:
        """Plan which crew goes to which open fault, in which order, so that customers are without power for the fewest hours.

        The place of a fault is uncertain: its sections are looked at one after the other, each with its probability. Who comes
        back by switching comes first. Crews that are under way by the table ``orders`` stay with what they do.

        Args:
            at: the moment; by default as far as is known.
            signals: rows of the signals table; by default those of the workspace, and what came since.
            assign: crews that a person has chosen, by incident: a mapping, or ``incident=crew`` each.
            without: crews that are not to be sent.

        Raises:
            UnknownIdError: there is no such crew.
            FudianError: there is no such open incident, or a chosen crew lacks the skills.
            WorkspaceError: the network has no source, or settings cannot be used.
        """
        self.network.require_sources()
        chosen = _chosen(assign)
        shown = self._board_of(at, signals)
        now = self._known_by(shown, at)
        told, positions = told_orders(self.work, now), self._positions(now)
        key = ("crews", shown, tuple(sorted(chosen.items())), names(without), told, tuple(sorted(positions.items())))

        def planned() -> CrewPlan:
            supply = self.present(shown.at)
            rules = CrewSettings.of(self.workspace.settings)
            work = OpenWork(
                supply,
                self.workspace.tables,
                now,
                rules,
                lambda branch: self.restore_in(supply, branch),
                dict(told),
                positions,
            )
            return crew_plan(work, work.faults(self._waiting(shown, now)), chosen, names(without))

        return self.memory.recall(key, planned, newest=MOMENTS_KEPT)

    @stating_settings
    def restoration_times(self, at: Moment = None) -> Answer:
        """Tell when power will be back for every open fault: a likely moment, and a range that holds as often as promised.

        Learned from the faults that were over by then, with what was known of each at the time; the estimate of a fault changes
        when a crew is sent, when it arrives, when the fault is found, and when it is isolated or some have power again. Where
        there is too little of a past, medians by the kind of fault stand in.

        Once the switching plan of an incident was taken up, those who come back by the steps that are left are told apart
        (``by_switching``, ``switched_by``); where these bring everybody back the range is theirs.

        Args:
            at: the moment; by default as far as is known.

        Raises:
            WorkspaceError: the network has no source, or settings cannot be used.
        """
        self.network.require_sources()
        shown = self.board(at)
        now = self._known_by(shown, at)
        orders, steps = told_orders(self.work, now), self._still_to_switch(shown, now, at)
        rules = RestorationTimeSettings.of(self.workspace.settings)
        tables = self.workspace.tables
        day = shown.at.replace(hour=0, minute=0, second=0, microsecond=0)

        def told() -> Answer:
            model = self._restoration_model(day)
            rows = outlook(model, shown.active, tables, now, dict(orders), dict(steps))
            basis = {"at": now.isoformat(), "coverage": rules.coverage, "learned_until": day.isoformat()}
            form = basis | {"rows": [_plain(row) for row in rows.to_dicts()]}
            return Answer("restoration_times", rows, f"at {written(now, '%Y-%m-%d %H:%M')}", lambda _: form)

        return self.memory.recall(("restoration_times", shown, now, orders, steps), told, newest=MOMENTS_KEPT)

    def _still_to_switch(self, shown: Board, now: datetime, at: Moment) -> tuple[tuple[str, StillToSwitch], ...]:
        """Return who comes back by steps that are still to come, by incident; worked out once for what was decided."""
        decided = tuple(
            (entry.key, since, self.work.sheet(entry.key).section, self.work.sheet(entry.key).refused)
            for entry in shown.active
            if (since := taken_up(self.work.sheet(entry.key), now)) is not None
        )
        key = ("still_to_switch", shown, now, decided, self.work.operations.numbers)
        if not decided:
            return ()

        def left() -> tuple[tuple[str, StillToSwitch], ...]:
            return tuple(self.still_to_switch(shown, now, at).items())

        return self.memory.recall(key, left, newest=MOMENTS_KEPT)

    def _restoration_model(self, day: datetime) -> RestorationTimes:
        """Return what the faults before a day tell of hours until restoration."""
        rules = RestorationTimeSettings.of(self.workspace.settings)
        past = told_orders(self.work, day)
        return self.memory.recall(
            ("restoration_model", day, past), lambda: learned(self.workspace.tables, day, rules, dict(past))
        )

    def restoration_times_under_check(self, wait_s: float | None = 0.0) -> Done:
        """Return how far it is learned how long restoration takes; once over, :meth:`restoration_times` does not wait for it.

        Args:
            wait_s: how long to wait for its end; ``None`` waits until it is over.

        Raises:
            WorkspaceError: the network has no source, or settings cannot be used.
        """
        self.network.require_sources()
        day = self.board().at.replace(hour=0, minute=0, second=0, microsecond=0)
        what = text("what past faults tell")
        return self.under_way(f"restoration times {day}", what, lambda: self._restoration_model(day), wait_s)

    def crew_names(self) -> list[dict[str, Any]]:
        """Return ``crew_id`` and ``name`` of all crews."""
        return self.workspace.tables["crews"].select("crew_id", "name").sort("crew_id").to_dicts()

    def arrival_warnings(self, most: int = 100) -> dict[str, ArrivalClock]:
        """Return the arrival clocks of open incidents whose limit is near or was missed, with no crew there yet.

        Args:
            most: so many of the board are looked at, in its order.
        """
        shown = self.board()
        now = self._known_by(shown, None)
        told = told_orders(self.work, now)

        def looked() -> dict[str, ArrivalClock]:
            try:
                rules = CrewSettings.of(self.workspace.settings)
            except FudianError:
                return {}
            supply = self.present(shown.at)
            work = OpenWork(
                supply, self.workspace.tables, now, rules, lambda branch: self.restore_in(supply, branch), dict(told)
            )
            clocks = {entry.key: work.clock(entry) for entry in self._waiting(shown, now)[:most]}
            return {
                key: each for key, each in clocks.items() if each.arrived is None and each.state in {"missed", "due"}
            }

        return self.memory.recall(("arrival_warnings", shown, now, told, most), looked, newest=MOMENTS_KEPT)

    def expected_back(self) -> dict[str, ExpectedBack]:
        """Return when power will be back for each open incident, as every face tells it: a person's word before all else."""
        try:
            rows = self.restoration_times().rows.to_dicts()
        except FudianError:
            rows = []
        told = {row["incident"]: ExpectedBack.of(row, self.work.sheet(row["incident"]).estimate) for row in rows}
        said = {name: sheet.estimate for name, sheet in list(self.work.sheets.items()) if sheet.estimate is not None}
        return {name: ExpectedBack(until, None) for name, until in said.items()} | told

    def range_of(self, incident: str) -> tuple[datetime, datetime] | None:
        """Return between which moments power will be back for an open incident, by experience or by steps still to come.

        Args:
            incident: its id.

        Returns:
            The range; ``None`` where none can be told: without a past, out of depth, or where the incident is not open.
        """
        found = self.expected_back().get(incident)
        return None if found is None else found.range

    def sooner_than_repair(self, sheet: Sheet) -> StillToSwitch | None:
        """Return who of an open incident comes back by steps of its switching plan that are still to come.

        Args:
            sheet: of the incident, as it is about to stand.
        """
        since = taken_up(sheet, datetime.max)
        shown = self.board() if since is not None else None
        entry = None if shown is None else next((each for each in shown.active if each.key == sheet.incident), None)
        if shown is None or entry is None or since is None:
            return None
        return self.left_to_switch(entry, sheet, max(self._known_by(shown, None), since))

    @question
    def bases(self, count: int | None = None, limit_min: float | None = None, as_of: Moment = None) -> Answer:
        """Tell where crews should wait, so that the faults of the past would have been reached soonest, and what that gains.

        Candidates are the present bases, and places of transformers a kilometre or more apart.

        Args:
            count: how many bases; by default as many as there are now.
            limit_min: minutes of travel within which most faults shall lie; by default the mean travel is the least.
            as_of: nothing later is known.

        Raises:
            FudianError: there are fewer places than bases, or no fault with a place.
        """
        until = self.moment(as_of) or self.known_until
        rules = CrewSettings.of(self.workspace.settings)
        told = base_plan(self.workspace.tables, until, rules, count, limit_min)
        rows = pl.DataFrame(told["rows"])
        return Answer("bases", rows, f"{told['faults']} faults until {until:%Y-%m-%d}", lambda _: told)

    def _known_by(self, shown: Board, at: Moment) -> datetime:
        """Return the moment that a plan is made for: that of the board, or now the last word of a crew where it is later."""
        if at is not None:
            return shown.at
        told = (dict(said) for _, said in told_orders(self.work, datetime.max))
        moments: list[datetime] = [each for said in told for name, each in said.items() if name.endswith("_time")]
        steps = [
            datetime.fromisoformat(step["at"]) for sheet in list(self.work.sheets.values()) for step in sheet.steps
        ]
        return max((shown.at, *moments, *steps))

    def _waiting(self, shown: Board, now: datetime) -> list[Entry]:
        """Return the open entries of a board that need a crew: none that is part of another, repaired, or closed by a person."""
        found = []
        for entry in shown.active:
            sheet = self.work.sheet(entry.key)
            done = {name for name, at in sheet.stages.items() if at <= now} & {"repaired", "restored"}
            if not (sheet.is_closed or sheet.merged_into or (done and not sheet.reopened)):
                found.append(entry)
        return found

    def _positions(self, at: datetime) -> dict[str, tuple[float, float]]:
        """Return where crews are that said so a short while before a moment."""
        since = at - timedelta(minutes=CrewSettings.of(self.workspace.settings).position_good_min)
        return {
            crew: (place.lon, place.lat)
            for crew, place in sorted(self.work.positions.items())
            if since <= place.at <= at
        }

    def _board_of(self, at: Moment, signals: Table | None) -> Board:
        if signals is None:
            return self.board(at)
        heard, _ = self.table("signals", signals)
        moment = self.moment(at) or heard["time"].max()
        supply, tables = self.present(moment), {**self.workspace.tables, "signals": heard}  # type: ignore[arg-type]
        return board(supply, tables, moment, told=Told.by(supply, tables, moment))  # type: ignore[arg-type]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its moments as text."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _chosen(assign: Mapping[str, str] | Names) -> dict[str, str]:
    """Return crews by incident.

    Raises:
        FudianError: a word is no ``incident=crew``.
    """
    if isinstance(assign, Mapping):
        return dict(assign)
    found = {}
    for name in names(assign):
        incident, equals, crew = name.partition("=")
        if not (incident and equals and crew):
            raise FudianError(
                text("{given!r} names no incident and crew.", given=name), text("Write it as incident=crew.")
            )
        found[incident.strip()] = crew.strip()
    return found
