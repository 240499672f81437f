"""Questions of how well crews were sent and customers were told: arrivals, ranges, messages, and what nobody could have saved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from fudian.answers import Answer
from fudian.foundation import Moment, stating_settings
from fudian.message_questions import MessageQuestions
from fudian.public_questions import PublicQuestions
from repair.desk.board import Entry
from repair.desk.crews.clocks import arrival_clock
from repair.desk.crews.travel import Travel
from repair.desk.crews.work import Place
from repair.desk.figures import Figure
from repair.desk.messages import notified
from repair.desk.work import Sheet
from repair.settings import CrewSettings


class DispatchQuestions(PublicQuestions, MessageQuestions):
    """What can be told of crews and messages after the fact."""

    @stating_settings
    def dispatch_kpi(self, start: Moment = None, end: Moment = None) -> Answer:
        """Return how crews arrived, how ranges held, how many were told, and how near the best possible the dispatch came.

        Args:
            start: incidents that began since then; by default all that are remembered.
            end: and before.

        Returns:
            One row per figure: ``kpi``, ``value``, ``unit``, ``numerator``, ``denominator``; no value where nothing counts.
            ``on_time_arrival``: crews that arrived within the limit. ``interval_coverage``: incidents that were over within the
            range that was told first. ``notified_ratio`` 通知到户率: customers reached in person, of those on the affected lists
            of incidents of which anybody was told. ``unavoidable_share``: customer-hours that a dispatcher who had known every
            place at once, and had a free crew at the nearest base, could not have saved, of those that were lost.

        Raises:
            WorkspaceError: a setting cannot be used.
        """
        since, until = self.moment(start) or datetime.min, self.moment(end) or datetime.max
        worked = self._worked_on(since, until) if self.work.sheets else []
        figures = [self._arrivals(worked), _coverage(worked), self._told_share(worked), self._unavoidable(worked)]
        rows = pl.DataFrame([vars(figure) for figure in figures], schema=Figure.SCHEMA)
        form: dict[str, Any] = {"incidents": len(worked), "rows": rows.to_dicts()}
        return Answer("dispatch_kpi", rows, f"{len(worked)} incidents", lambda _: form)

    def _worked_on(self, since: datetime, until: datetime) -> list[tuple[Entry, Sheet]]:
        """Return the incidents that began within a time and of which anything was decided."""
        shown = self.board()
        entries = [each for each in (*shown.active, *shown.restored) if since <= each.start < until]
        return [(entry, sheet) for entry in entries if (sheet := self.work.sheet(entry.key)).history]

    def _arrivals(self, worked: list[tuple[Entry, Sheet]]) -> Figure:
        """Return the share of crews that arrived in time, where a limit is known."""
        rules = CrewSettings.of(self.workspace.settings)
        states = []
        for entry, sheet in worked:
            arrived = sheet.stages.get("arrived")
            if arrived is not None:
                reported = sheet.stages.get("accepted") or entry.start
                clock = arrival_clock(rules, arrived, reported, self.site_of(entry), arrived)
                states.append(clock.state)
        counted = [state for state in states if state != "no_limit"]
        return _share("on_time_arrival", counted.count("met"), len(counted))

    def _told_share(self, worked: list[tuple[Entry, Sheet]]) -> Figure:
        told = customers = 0
        for entry, _ in worked if self.outbox is not None else ():
            reached = self.outbox.reached(entry.key)  # type: ignore[union-attr]
            if reached:
                from fudian.telling import affected_rows  # only who has a store waits for its library

                found = notified(affected_rows(self, entry.key)[0], reached)
                told, customers = told + found.in_person, customers + found.customers
        return _share("notified_ratio", told, customers)

    def _unavoidable(self, worked: list[tuple[Entry, Sheet]]) -> Figure:
        """Return the share of customer-hours that no dispatch could have saved.

        Of each incident as if it were the only one: the way from the nearest base to where it lay, and the work from the moment
        at which the fault was found; searching and waiting would have been saved.
        """
        bases = self.workspace.tables["bases"].drop_nulls(["lon", "lat"])
        places = [Place(row["base_id"], row["lon"], row["lat"]) for row in bases.to_dicts()]
        rules = CrewSettings.of(self.workspace.settings)
        rows = self.workspace.tables["travel"].select("from_place", "to_place", "travel_min").iter_rows()
        known = {(origin, destination): minutes for origin, destination, minutes in rows}
        travel = Travel(rules.speed_kmh, rules.road_factor, rules.unknown_travel_min, known)
        lost = bound = 0.0
        for entry, sheet in worked:
            over = sheet.stages.get("restored")
            found = sheet.stages.get("located") or sheet.stages.get("arrived")
            if over is None or found is None or not places:
                continue
            lon, lat = self._middle(sheet.section) if sheet.section else (None, None)
            if lon is None:
                lon, lat = self._node_of(entry)
            way = float(travel.minutes(places, [Place(entry.key, lon, lat)]).min())
            taken = (over - entry.start) / timedelta(hours=1)
            least = (over - found) / timedelta(hours=1) + (rules.turnout_min + way) / 60.0
            customers = entry.incident.outage.customers if entry.incident is not None else entry.customers
            lost += customers * taken
            bound += customers * max(min(least, taken), 0.0)
        value = 100 * bound / lost if lost else None
        return Figure("unavoidable_share", value, "%", bound, round(lost))


def _coverage(worked: list[tuple[Entry, Sheet]]) -> Figure:
    """Return the share of incidents that were over within the range that was told first."""
    held = [
        expected[0] <= over <= expected[1]
        for _, sheet in worked
        if (expected := sheet.first_range) is not None and (over := sheet.stages.get("restored")) is not None
    ]
    return _share("interval_coverage", sum(held), len(held))


def _share(kpi: str, part: int, whole: int) -> Figure:
    return Figure(kpi, 100 * part / whole if whole else None, "%", part, whole)
