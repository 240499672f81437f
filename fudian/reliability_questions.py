"""Questions of operations staff and managers: indices, targets, records, live-line work, frequent outages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import polars as pl

from fudian.answerable import answerable
from fudian.answers import Answer, Check, LedgerAnswer, Targets
from fudian.foundation import Foundation, Moment, Names, PeriodLike, names, question, stating_settings
from fudian.kept_sections import keep_sections, kept_sections, place_of_sections
from fudian.settings import SETTINGS
from fudian.versions import Version, version
from network import FudianError, Problem, WorkspaceError, text
from network.tables.conventions import ReadingSettings
from network.tables.settings import GENERAL_SETTINGS, unknown_names
from reliability.area import Area
from reliability.cross_check import CrossCheck
from reliability.curve import cumulative_saidi, ledger_within
from reliability.frequent import FrequentOutages, frequent_outages, preset
from reliability.live_line import LiveRatio
from reliability.live_months import live_ratio_by_month
from reliability.major_event_days import MajorEventDays
from reliability.notice import late_approvals
from reliability.period import Period
from reliability.query import Query
from reliability.ranking import causes, planned_outages, worst_feeders
from reliability.record_checks import record_problems
from reliability.rolling import rolling
from reliability.rule_packs import DLT_836_2016, IEEE_1366_2012
from reliability.settings import ReliabilitySettings
from reliability.targets import TargetResult, grid_plans, judge, judge_grid, metrics, plan_year, plans
from reliability.workspace_difference import WorkspaceDifference, workspace_difference
from repair.restoration.grid_figures import N_1, further_figures, grid_figures
from repair.restoration.n_minus_1 import NMinus1, n_minus_1

STANDARDS = {"dlt": "dlt", "ieee": "ieee", DLT_836_2016.id: "dlt", IEEE_1366_2012.id: "ieee"}
"""Words for the rules that figures are counted by: a standard, or the id of a rule pack."""

Progress = Callable[[int, int], object]
"""Told how much of long work is done, and how much there is in all."""


class ReliabilityQuestions(Foundation):
    """What the statistics of a workspace answer."""

    @question
    def check(self) -> Check:
        """Return what is wrong with tables, topology and settings, and what the rules find doubtful in the records."""
        problems = (*self.problems, *self._further_problems())
        return Check(problems, self.workspace.check()["counts"], answerable(self._statistics))

    def _further_problems(self) -> list[Problem]:
        settings = self.workspace.settings
        found = unknown_names(settings, (*GENERAL_SETTINGS, *SETTINGS))
        for subject in SETTINGS.values():
            if subject is ReadingSettings:
                continue  # the tables were read by it, and its problems stand with theirs
            try:
                subject.of(settings)
            except WorkspaceError as error:
                found += error.problems
        return found or [
            *late_approvals(self.workspace, ReliabilitySettings.of(settings)),
            *record_problems(self._statistics),
        ]

    def diff(
        self,
        new: Version,
        table: str | None = None,
        level: str = "mv",
        progress: Callable[[str], object] = lambda _: None,
    ) -> WorkspaceDifference:
        """Return what a new version of the workspace, or of one table, adds, deletes and changes, and the figures it moves.

        Args:
            new: the other version: a folder, or a file with one table.
            table: the table of a file, where its name does not say it.
            level: ``mv`` or ``lv``: of the figures.
            progress: told which table is being exchanged.

        Raises:
            FudianError: there is no such file or folder, or it is not known which table the file holds.
        """
        return workspace_difference(self.workspace, version(new, table, self.workspace), level, progress)

    @property
    def reliability_settings(self) -> ReliabilitySettings:
        """The rules of counting that the workspace sets."""
        return self._statistics.settings

    # Figures ------------------------------------------------------------------------------------------------------

    @question
    def indices(
        self,
        period: PeriodLike = None,
        by: Names = (),
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
        engine: str = "polars",
        source: str = "records",
        standard: str = "dlt",
    ) -> Answer:
        """Return the reliability indices of a period, in all or broken down.

        Args:
            period: of the figures, or a query of :meth:`query`; by default the last calendar year with records.
            by: columns to break down by: ``region_class``, ``planning_class``, ``aggregate``, ``feeder_id``, ``unit``, ``month``,
                ``nature``, ``cause``.
            level: ``mv`` (transformers are users) or ``lv`` (customers are).
            med: ``include`` or ``exclude`` major event days.
            as_of: nothing later is known.
            engine: ``polars``, ``pandas``, ``duckdb`` or ``spark``.
            source: ``records``, or ``switching`` for the replay of the switching log.
            standard: ``dlt`` for DL/T 836 (rule pack ``dlt836-2016``); ``ieee`` (``ieee1366-2012``) puts IEEE 1366 beside it and
                tells why they differ.

        Returns:
            One row per combination: ``N_T``, ``CH`` (customer-hours), ``CI``, ``SAIDI-1`` (h per user), ``SAIFI-1`` …

        Raises:
            FudianError: a word is not known, or nothing of the period is known.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        if standard not in STANDARDS:
            raise FudianError(text("There is no standard {standard!r}.", standard=standard), text("Use dlt or ieee."))
        self.require_records(source)
        query = self.query(period, by, level, med, as_of, source)
        rows = self._statistics.indices(query, engine)

        def form(language: str) -> dict[str, Any]:
            told = self._statistics.statement(query, engine, language, rows)
            return (
                told
                if STANDARDS[standard] == "dlt"
                else told | self._statistics.both_standards(query, engine, language)
            )

        return Answer("indices", rows, _about(query), form)

    @question
    def ledger(
        self,
        period: PeriodLike = None,
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
        source: str = "records",
        event: str | None = None,
        customer: str | None = None,
    ) -> LedgerAnswer:
        """Return the interruptions behind a figure: who, from when, until when, counted or not and why.

        Args:
            period: of the figure; of one event by default the calendar years that it touches.
            level: ``mv`` or ``lv``.
            med: ``include`` or ``exclude`` major event days.
            as_of: nothing later is known.
            source: ``records`` or ``switching``.
            event: only this outage.
            customer: only this customer: the interruptions of its transformers and its own.

        Raises:
            UnknownIdError: the outage or the customer is not in the tables.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records(source)
        if period is None and event is not None:
            period = self._statistics.period_of(event, source)
        query = self.query(period, (), level, med, as_of, source)
        rows = self._statistics.ledger(query) if event is customer is None else pl.DataFrame()

        def form(language: str, most: int | None = None) -> dict[str, Any]:
            listed = self._statistics.ledger_rows(query, event, customer, language, most)
            span = {"start": query.period.start, "end": query.period.end}
            return {"period": span, "level": query.level, "rows": listed}

        if event is not None or customer is not None:
            rows = pl.DataFrame(form("en")["rows"], infer_schema_length=None)
        return LedgerAnswer("ledger", rows, _about(query), form, form)

    @question
    def rolling(
        self,
        period: PeriodLike = None,
        days: int = 365,
        centred: bool = False,
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
    ) -> Answer:
        """Return SAIDI, SAIFI and CAIDI of the window of days up to each day of a period.

        Args:
            period: of the days; by default the last calendar year with records.
            days: length of a window by the calendar.
            centred: the day lies in the middle of its window.
            level: ``mv`` or ``lv``.
            med: ``include`` or ``exclude`` major event days.
            as_of: nothing later is known.

        Raises:
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records()
        query = self.query(period, (), level, med, as_of)
        rows = rolling(self._statistics, query, days, centred)
        told = {"period": query.period.as_dict(), "level": level, "days": days, "centred": centred}
        told["rule_pack"] = DLT_836_2016.as_dict(query.period)
        return Answer("rolling", rows, _about(query), lambda _: told | {"rows": rows.to_dicts()})

    @question
    def audit(self, period: PeriodLike = None, level: str = "mv", as_of: Moment = None) -> Answer:
        """Compare the outage records with the switching log and the meters, in customer-hours.

        Args:
            period: by default the last calendar year with records.
            level: ``mv`` or ``lv``.
            as_of: nothing later is known.

        Raises:
            WorkspaceError: there is no usable record, or neither a switching log nor a report of a meter.
        """
        self.require_records()
        query = self.query(period, (), level, as_of=as_of)
        rows = self._statistics.audit(query).rows
        return Answer("audit", rows, _about(query), partial(self._statistics.audit_statement, query))

    @question
    def frequent(
        self,
        rules: str = "nea",
        level: str = "mv",
        med: str = "include",
        as_of: Moment = None,
        days: int | None = None,
        times: int | None = None,
    ) -> FrequentOutages:
        """Return the users and feeders that lose supply too often, and who soon may.

        Args:
            rules: the preset ``nea``, ``sgcc`` or ``custom``.
            level: ``mv`` or ``lv``.
            med: ``include`` or ``exclude`` major event days.
            as_of: nothing later is known.
            days: length of a window, for ``custom``.
            times: outages in a window that are too many, for ``custom``.

        Raises:
            FudianError: there is no such preset.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        chosen = preset(rules, days, times)
        self.require_records()
        return frequent_outages(self._statistics, chosen, self.moment(as_of), level, med)

    @question
    def cross_check(self, as_of: Moment = None) -> CrossCheck:
        """Compare the reliability system's own report with itself and with the figures here.

        Raises:
            WorkspaceError: there is no usable row of the report, or no usable record.
        """
        self.require_records()
        return self._statistics.cross_check(self.moment(as_of))

    @question
    def live_ratio(self, period: PeriodLike = None, by: Names = ()) -> Answer:
        """Return the live-line work ratio, with numerators, denominators and the customer-hours saved.

        Args:
            period: by default the last calendar year with records.
            by: ``unit`` or ``month``.

        Raises:
            FudianError: another column.
            WorkspaceError: there is no table of live-line jobs, or no usable record.
        """
        self.require_records()
        if "live_jobs" not in self.workspace.files:
            raise WorkspaceError(
                text("There is no table of live-line jobs."), (), text("Add live_jobs.csv to the workspace.")
            )
        query = self.query(period)
        rows = self._statistics.live_ratios(query.period, names(by))
        told = {"period": query.period.as_dict(), "rows": rows}
        return Answer("live_ratio", pl.DataFrame(rows, infer_schema_length=None), _about(query), lambda _: told)

    @question
    def major_event_days(self, period: PeriodLike = None, level: str = "mv") -> MajorEventDays:
        """Return the major event days of a period, or why they cannot be told."""
        return self._statistics.major_event_days(self.query(period, (), level))

    # Targets and the grid -----------------------------------------------------------------------------------------

    @property
    def target_plans(self) -> list[str]:
        """Ids of the plans whose targets can be judged."""
        return self._kept.recall("target_plans", lambda: plans(self._statistics))

    @stating_settings
    def targets(
        self,
        plan: str,
        year: int | None = None,
        level: str = "mv",
        as_of: Moment = None,
        wait_s: float | None = None,
        progress: Progress | None = None,
    ) -> Targets:
        """Judge the figures of a year against the targets of a plan.

        Args:
            plan: ``xihua-2022``, ``shenqiu-2022``, ``gongan-2022``, ``jinhua-2022``, ``changzhou-2020``, or one of the workspace.
            year: calendar year; by default that of the plan's deadline.
            level: user level of the figures; the plans mean ``mv``.
            as_of: nothing later is known; a year that is not over cannot pass yet.
            wait_s: for how long the N-1 test is waited for, where a target takes it; ``None`` waits until it is over.
            progress: told how far that test is.

        Raises:
            FudianError: the plan is not known.
            WorkspaceError: there is no usable outage record, or nothing to divide by.
        """
        self.require_records()
        judged_year = plan_year(self._statistics, plan) if year is None else year
        further, done = None, True
        if N_1 in metrics(self._statistics, plan):
            swept = self.n_1(wait_s, progress)
            further, done = further_figures(self._statistics, swept), swept.complete
        moment = self.moment(as_of)

        def compute() -> Targets:
            return Targets(plan, judged_year, tuple(judge(self._statistics, plan, judged_year, moment, level, further)))

        return self.memory.recall(("targets", plan, judged_year, level, moment, done), compute)

    @stating_settings
    def n_1(self, wait_s: float | None = None, progress: Progress | None = None) -> NMinus1:
        """Test every section of every feeder: can its neighbours feed the healthy rest after a fault there?

        The test runs once, in a thread of its own, on the normal state of what is in service as far as the data is known.

        Args:
            wait_s: return what is done after so long; ``None`` waits until it is over.
            progress: told how far it is.

        Raises:
            FudianError: it cannot be done.
        """
        self.network.require_sources()
        sweep = self.in_background("n-1", self._tried)
        told = None if progress is None else (lambda done: progress(len(done.sections), done.sections_in_all))
        return sweep.result(wait_s, told)

    def _tried(self, tell: Callable[[NMinus1], None]) -> NMinus1:
        """Return the N-1 test, taken from what is kept of the same network, else kept for whoever asks later."""
        present = self.present()
        if self.sections is None:
            return n_minus_1(present, progress=tell)
        place = place_of_sections(self.sections, present)
        result = n_minus_1(present, progress=tell, known=lambda: kept_sections(place))
        if not place.is_file():
            keep_sections(place, result)
        return result

    @stating_settings
    def grid_kpi(
        self, plan: str = "gongan-2022", wait_s: float | None = None, progress: Progress | None = None
    ) -> Answer:
        """Return the grid-structure KPIs of the public feeders: ties, supply radius, structure, sections, N-1, and targets.

        Args:
            plan: whose targets for the grid are judged.
            wait_s: for how long the N-1 test is waited for; ``None`` waits until it is over.
            progress: told how far that test is.

        Raises:
            FudianError: the plan is not known.
        """
        metrics(self._statistics, plan)
        swept = self.n_1(wait_s, progress)
        figures = cache(partial(grid_figures, self._statistics, plan, swept))
        told = figures(self.language)["rows"]
        rows = pl.DataFrame({name: [row[name] for row in told] for name in (told[0] if told else ())})
        return Answer("grid_kpi", rows, f"plan {plan}", lambda language: dict(figures(language)))

    def grid_targets(self, wait_s: float | None = None) -> list[Targets]:
        """Return, of every plan that sets targets for the structure of the grid, those targets judged."""
        further = further_figures(self._statistics, self.n_1(wait_s))
        return [
            Targets(plan, plan_year(self._statistics, plan), tuple(judge_grid(self._statistics, plan, further)))
            for plan in grid_plans(self._statistics)
        ]

    # Rows behind figures ------------------------------------------------------------------------------------------

    @question
    def totals(self, query: Query) -> pl.DataFrame:
        """Return those figures of :meth:`indices` that are sums: users, customer-hours, interruptions, SAIDI, SAIFI."""
        return self._statistics.totals(query)

    def records_beyond(self, query: Query) -> int:
        """Return how many records state more users than there are; they count as stated (R1.23)."""
        return self._statistics.count_beyond(query)

    @question
    def accrued(self, query: Query, area: Area | None = None) -> pl.DataFrame:
        """Return SAIDI-1 accrued until the end of each day; see :func:`reliability.curve.cumulative_saidi`."""
        return cumulative_saidi(self._statistics, query, area)

    @question
    def causes(self, query: Query, most: int | None = None) -> pl.DataFrame:
        """Return the customer-hours of each cause, greatest first; see :func:`reliability.ranking.causes`."""
        return causes(self._statistics, query, most)

    @question
    def worst_feeders(self, query: Query, most: int = 8) -> pl.DataFrame:
        """Return the feeders with most customer-hours; see :func:`reliability.ranking.worst_feeders`."""
        return worst_feeders(self._statistics, query, most)

    @question
    def costly_plans(self, period: PeriodLike = None) -> pl.DataFrame:
        """Return the prearranged outages for work, dearest first; see :func:`reliability.ranking.planned_outages`."""
        return planned_outages(self._statistics, self.query(period))

    def interruptions_of(
        self, query: Query, part: Period | None = None, where: tuple[str, tuple[str, ...]] | None = None
    ) -> pl.DataFrame:
        """Return the ledger behind a figure, of a part of its period and of a part of its users.

        Args:
            query: what the figure covers.
            part: a day or month of the period.
            where: a column and values of it, as a target of a plan has them.
        """
        rows = self.ledger(query).rows
        if part is not None:
            rows = ledger_within(rows, part, self.reliability_settings.crossing)
        return Area(*where).of(rows, self.reliability_settings) if where else rows

    @question
    def live_work(self, period: PeriodLike = None) -> LiveRatio:
        """Return the live-line ratio of a whole period."""
        self.require_records()
        return self._statistics.live_ratio(self.period(period))

    @question
    def live_work_by_month(self, period: PeriodLike = None) -> list[tuple[str, LiveRatio]]:
        """Return the live-line ratio of each month of a period."""
        return live_ratio_by_month(self._statistics, self.period(period))

    @property
    def live_jobs(self) -> pl.DataFrame:
        """The live-line jobs with the users and customer-hours that each saved."""
        return self._statistics.live_jobs

    def target_of(self, plan: str, year: int, level: str, target_id: str) -> TargetResult | None:
        """Return one target of a plan, or ``None`` where there is no such target."""
        results = self.targets(plan, year, level, wait_s=0.0).results
        return next((result for result in results if result.target_id == target_id), None)


def _about(query: Query) -> str:
    known = query.known.period
    by = f" by {', '.join(query.by)}" if query.by else ""
    days = "" if query.med == "include" else ", without major event days"
    return f"{known.start:%Y-%m-%d} to {known.end:%Y-%m-%d}, {query.level.upper()} users{by}{days}"
