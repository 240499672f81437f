"""Questions of whoever steers a year: figures of operation, budget, forecast, and why figures changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from fudian.answers import Answer, Targets
from fudian.foundation import Moment, Names, PeriodLike, names, question
from fudian.planning_questions import PlanningQuestions
from network import Text, UnknownIdError, WorkspaceError, text
from network.steps import Done
from network.texts import shown as written
from reliability.frequent import preset
from reliability.period import Period
from reliability.query import Query
from reliability.steering.budget import budgets
from reliability.steering.budget_sheet import BudgetSheet, budget_sheet
from reliability.steering.forecast import COMMITTED_SCHEMA, Forecast, forecast
from reliability.steering.levers import lever_notes, levers
from reliability.steering.near_bars import COMING_SCHEMA, band_counts, near_bars
from reliability.steering.process import Process, process
from reliability.steering.why import why
from reliability.targets import judge_operation, plans
from repair.planned.plan_levers import plan_levers


class SteeringQuestions(PlanningQuestions):
    """What can be told of the year while it can still be changed."""

    @question
    def operating_kpi(self, year: int | None = None, as_of: Moment = None, base_year: int | None = None) -> Answer:
        """Return the figures of operation that plans set targets for: automation, waiting for an outage, active repair.

        Args:
            year: calendar year; by default the last with records.
            as_of: nothing later is known.
            base_year: year that reductions and gains are counted from; by default as the settings say, else the year before.

        Returns:
            One row per figure: ``kpi``, ``value`` (per cent), ``numerator``, ``denominator``, ``unit`` of both, ``reason``,
            ``base_year``, ``base``, ``reference`` (least value that the rules of operation ask for).

        Raises:
            WorkspaceError: no year is named and there is no record to take it from.
        """
        chosen = self._year(year)
        found = list(self._statistics.operating_kpis(chosen, self.moment(as_of), base_year).values())
        rows = pl.DataFrame([each.as_dict() for each in found], infer_schema_length=None)

        def form(language: str) -> dict[str, object]:
            return {"year": chosen, "rows": [each.as_dict(language) for each in found]}

        return Answer("operating_kpi", rows, f"{chosen}", form)

    @question
    def operating_targets(self, year: int | None = None) -> tuple[Targets, ...]:
        """Return, of every plan that sets targets for operation, those targets judged on a year.

        Args:
            year: calendar year; by default the last with records.
        """
        chosen = self._year(year)
        moment = self.moment(None)
        judged = (
            Targets(plan, chosen, tuple(judge_operation(self._statistics, plan, chosen, moment)))
            for plan in plans(self._statistics)
        )
        return tuple(each for each in judged if each.results)

    @question
    def why(
        self,
        earlier: PeriodLike,
        later: PeriodLike = None,
        metric: str = "saidi",
        by: Names = "nature",
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
    ) -> Answer:
        """Return why SAIDI or SAIFI changed between two periods: users, frequency, extent, duration; the parts add up.

        Args:
            earlier: the period to compare with.
            later: the period that is explained; by default the last calendar year with records.
            metric: ``saidi`` or ``saifi``.
            by: columns: ``nature``, ``cause``, ``region_class``, ``planning_class``, ``unit``, ``feeder_id``, ``device``.
            level: ``mv`` or ``lv``.
            med: ``include`` or ``exclude`` major event days.
            as_of: nothing later is known.

        Raises:
            FudianError: a word is not known, or nothing of a period is known.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records()
        before, after = (self.query(each, (), level, med, as_of) for each in (earlier, later))
        found = why(self._statistics, before, after, metric, names(by))
        rows = pl.DataFrame(found.as_dict()["parts"], infer_schema_length=None)
        return Answer("why", rows, f"{metric} by {', '.join(found.by)}, change {found.change:+.4g}", found.as_dict)

    @question
    def process(self, figure: str = "saidi", year: int | None = None, as_of: Moment = None) -> Process:
        """Return a figure month by month, judged as a process: natural limits, run rules, and the sentences that follow.

        Args:
            figure: ``saidi``, ``live_jobs`` or ``live_hours`` (live-line ratio by jobs or by customer-hours).
            year: calendar year until the end of which months are looked at; by default the last with records.
            as_of: nothing later is known.

        Raises:
            FudianError: there is no such figure.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records()
        moment = self.moment(as_of) or self.known_until
        return process(self._statistics, figure, min(moment, Period.year(self._year(year)).end))

    @question
    def budget(self, year: int | None = None, as_of: Moment = None) -> BudgetSheet:
        """Return the budget of customer-hours by unit, class and month: used, promised, kept for faults, still to be planned.

        Args:
            year: calendar year; by default that of the day on which the data is known.
            as_of: nothing later is known.
        """
        moment = self.moment(as_of) or self.known_until
        chosen = moment.year if year is None else year
        notes = self._unrecorded(moment)
        if self.workspace.tables["sources"].is_empty():
            notes += (text("there is no network: what approved plans will use is not known"),)
            return budget_sheet(self._statistics, chosen, moment, budgets(self._statistics, chosen, moment), {}, notes)
        desk = self._own_desk(as_of)
        units = {unit: desk.budget_of(unit, chosen) for unit in budgets(self._statistics, chosen, moment)}
        known = {unit: each for unit, each in units.items() if each is not None}
        if desk.refused:
            notes += (text("plans that cannot be computed are not in it: {plans}", plans=", ".join(desk.refused)),)
        return budget_sheet(self._statistics, chosen, moment, known, desk.committed_by_month, notes)

    @question
    def forecast(
        self,
        plan: str,
        as_of: Moment = None,
        level: str = "mv",
        med: str = "include",
        year: int | None = None,
    ) -> Forecast:
        """Return for each target of a plan how the year is likely to end, and how likely the target is met.

        Args:
            plan: as for :meth:`targets`.
            as_of: nothing later is known; by default until when the data is known.
            level: ``mv`` or ``lv``.
            med: ``include`` or ``exclude`` major event days.
            year: calendar year; by default that which the data reaches, the last one with records where that has just begun.

        Raises:
            FudianError: the plan is not known, or the year has not begun.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records()
        moment = self.moment(as_of) or self.known_until
        chosen = (moment - timedelta(microseconds=1)).year if year is None else year
        planned, notes = self._planned_hours(as_of)
        span = Period.year(chosen)
        if moment > span.start:
            notes += self._without_users(Query(span, level=level, as_of=min(moment, span.end)))
        found = forecast(self._statistics, plan, chosen, moment, level, med, planned, notes)
        return replace(found, frequent=band_counts(self.frequent_bands(level=level, as_of=as_of).rows))

    @question
    def levers(
        self,
        plan: str,
        target_id: str | None = None,
        as_of: Moment = None,
        faster_min: float = 15.0,
        year: int | None = None,
    ) -> Answer:
        """Return what would meet a target in the rest of the year, in order of customer-hours, with its effect on the chance.

        Args:
            plan: as for :meth:`forecast`.
            target_id: the target; by default the one that is least likely to be met.
            as_of: nothing later is known.
            faster_min: minutes by which faults could be restored sooner.
            year: as for :meth:`forecast`.

        Returns:
            One row per lever: ``kind`` (``live``, ``merge``, ``move``, ``transfer``, ``feeder``, ``faster``), ``name``,
            ``saves_ch``, ``counted`` (whether the forecast counts on it already), ``probability`` with it and ``without`` it,
            ``says``.

        Raises:
            FudianError: the plan or target is not known, or the year has not begun.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        said = self.forecast(plan, as_of, year=year)
        told = said.tightest if target_id is None else said.row(target_id)
        if target_id is not None and told is None:
            raise UnknownIdError("target", target_id, [row.target.target_id for row in said.rows])
        options = self._plan_options(as_of, said.year)
        found = () if told is None else levers(self._statistics, said, told.target.target_id, options, faster_min)
        rows = pl.DataFrame([each.as_dict() for each in found], infer_schema_length=None)

        notes = lever_notes(said, told, found)

        def form(language: str) -> dict[str, object]:
            target = None if told is None else told.as_dict(language)
            basis = {"notes": [note.in_language(language) for note in notes]}
            return {"plan": plan, "target": target, "rows": [each.as_dict(language) for each in found], "basis": basis}

        return Answer("levers", rows, f"plan {plan}", form)

    @question
    def frequent_bands(self, rules: str = "nea", level: str = "mv", as_of: Moment = None) -> Answer:
        """Return who is over a bar of frequent outages, at it, or one below, with the plans to come that cut them off.

        Args:
            rules: the preset ``nea`` or ``sgcc``.
            level: ``mv`` or ``lv``.
            as_of: nothing later is known.

        Returns:
            One row per user and rule; see :func:`reliability.steering.near_bars.near_bars`.

        Raises:
            FudianError: there is no such preset.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records()
        moment = self.moment(as_of) or self.known_until
        planned, notes = self._planned_hours(as_of)
        bands = near_bars(self._statistics, preset(rules), moment, level, planned)

        def form(language: str) -> dict[str, object]:
            return {
                "as_of": moment.isoformat(),
                "rules": rules,
                "level": level,
                "counts": band_counts(bands).to_dicts(),
                "rows": bands.to_dicts(),
                "basis": {"notes": [note.in_language(language) for note in notes]},
            }

        return Answer("frequent_bands", bands, f"rules {rules}, {written(moment, '%Y-%m-%d %H:%M')}", form)

    def bands_under_check(self, as_of: Moment = None, wait_s: float | None = 0.0) -> Done:
        """Return how far :meth:`frequent_bands` at a moment is, for which every plan to come is calculated.

        Args:
            as_of: nothing later is known.
            wait_s: how long to wait for its end; ``None`` waits until it is over.

        Raises:
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records()
        moment = self.moment(as_of) or self.known_until
        what = text("outages of plans")
        return self.under_way(f"bands {moment}", what, lambda: self.frequent_bands(as_of=as_of), wait_s)

    def levers_under_check(
        self, plan: str, as_of: Moment = None, year: int | None = None, wait_s: float | None = 0.0
    ) -> Done:
        """Return how far :meth:`forecast` and :meth:`levers` of a plan are; once over, both are there without waiting.

        Args:
            plan: as for :meth:`forecast`.
            as_of: nothing later is known.
            year: as for :meth:`forecast`.
            wait_s: how long to wait for their end; ``None`` waits until it is over.

        Raises:
            FudianError: the plan is not known, or the year has not begun.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records()
        moment = self.moment(as_of) or self.known_until

        def compute() -> None:
            self.forecast(plan, as_of, year=year)
            self.levers(plan, as_of=as_of, year=year)

        return self.under_way(f"levers {plan} {moment} {year}", text("outages of plans"), compute, wait_s)

    def _without_users(self, query: Query) -> tuple[Text, ...]:
        """Say of which classes outages of a period count nowhere, since no number of users is stated for them."""
        return self._statistics.without_users(query)

    def _unrecorded(self, moment: datetime) -> tuple[Text, ...]:
        """Say that nothing is recorded before a moment, where that is so: that nothing happened is not known."""
        if (self.workspace.tables["outages"]["start"] < moment).any():
            return ()
        return (text("no outage is recorded before {moment}: that nothing happened is not known", moment=moment),)

    def _plan_options(self, as_of: Moment, year: int) -> pl.DataFrame | None:
        """Return what can be changed about the plans to come at a moment."""
        if self.workspace.tables["plans"].is_empty() or self.workspace.tables["sources"].is_empty():
            return None
        return plan_levers(self._own_desk(as_of), Period.year(year).end)

    def _planned_hours(self, as_of: Moment) -> tuple[pl.DataFrame | None, tuple[Text, ...]]:
        """Return the plans to come at a moment, with the hours of each transformer."""
        if self.workspace.tables["plans"].is_empty() or self.workspace.tables["sources"].is_empty():
            return None, ()
        rows = []
        desk = self._own_desk(as_of)
        for job in desk.jobs.values():
            if job.needs_outage:
                longest = desk.longest_by_transformer(job)
                for transformer, hours in desk.hours_by_transformer(job).items():
                    told = (
                        job.plan_id,
                        job.start,
                        transformer,
                        hours,
                        job.approved,
                        job.row["nature"],
                        longest[transformer],
                    )
                    rows.append(told)
        said = (text("plans that cannot be computed are not in it: {plans}", plans=", ".join(desk.refused)),)
        frame = pl.DataFrame(rows, schema=COMMITTED_SCHEMA | COMING_SCHEMA, orient="row")
        return frame, said if desk.refused else ()

    def _year(self, year: int | None) -> int:
        if year is not None:
            return year
        if not self.years:
            raise WorkspaceError(
                text("There is no outage record to take the year from."), (), text("Name the year, or add records.")
            )
        return self.years[-1]
