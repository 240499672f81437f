"""Questions of whoever plans outages: what a plan costs before anything is cut, and the calendar of all plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from fudian.answers import Calendar, Precheck
from fudian.foundation import Moment, Names, PeriodLike, Table, names, question
from fudian.live import LiveQuestions, require_way
from network import Problem, Supply, text
from network.steps import Done, telling
from reliability.period import Period
from reliability.steering.durations import Durations, History
from repair import Affected
from repair.planned.avoidable import Avoidable, avoidable
from repair.planned.calendar_plan import calendar_plan
from repair.planned.plan_desk import PlanDesk
from repair.planned.planned_work import Work
from repair.planned.precheck import precheck


class PlanningQuestions(LiveQuestions):
    """What can be told of planned outages before anything is cut."""

    @question
    def precheck(
        self, plans: Table | None = None, plan_id: Names = (), as_of: Moment = None, by: str = "log"
    ) -> Precheck:
        """Calculate planned outages before anything is cut: who is off, what it costs, and a verdict with its reasons.

        Args:
            plans: plans from elsewhere, which stand beside those of the workspace; these alone are told of.
            plan_id: only these plans.
            as_of: nothing later is known; plans that begin earlier are past.
            by: ``log`` for work in the normal state of the switches, or ``desk`` for work in the state that the log and what was
                operated, cut and joined since have left.

        Raises:
            UnknownIdError: there is no such plan.
            FudianError: a plan is past, void or under way.
            WorkspaceError: no row of ``plans`` can be used.
        """
        desk, rejected, given = self._desk(plans, as_of, by)
        wanted = names(plan_id) or given
        desk.require(wanted or ())
        return Precheck(desk, tuple(precheck(desk, wanted)), rejected)

    @question
    def calendar(self, plans: Table | None = None, live_as_outage: bool = False, as_of: Moment = None) -> Calendar:
        """Find days and groups for all plans, so that they cost the fewest customer-hours and keep crews, budgets and rules.

        Args:
            plans: plans from elsewhere, beside those of the workspace.
            live_as_outage: plan outages also for work that a live-line item is named for.
            as_of: nothing later is known.

        Raises:
            WorkspaceError: no row of ``plans`` can be used.
        """
        desk, rejected, _ = self._desk(plans, as_of)
        return Calendar(desk, calendar_plan(desk, live_as_outage), rejected)

    def plans_under_check(self, wait_s: float | None = 0.0) -> Done:
        """Return how far the check of all plans and their calendar is; once it is over, both are there without waiting.

        Both are made once, in a thread of their own, which the first to ask begins.

        Args:
            wait_s: how long to wait for their end; ``None`` waits until it is over.

        Raises:
            WorkspaceError: the network has no source.
        """
        self.network.require_sources()

        count = self._own_desk(None).plans.height

        def check(tell: Callable[[Done], None]) -> Done:
            telling.set(tell)
            self.precheck()
            self.calendar()
            return Done(text("checks of plans"), count, count)

        begun = Done(text("outages of plans"), 0, count)
        return self.in_background("plans", check, begun).result(wait_s)

    def plans_to_come(self) -> pl.DataFrame:
        """Return the rows of the table ``plans`` that are to come, before anything of them is computed."""
        return self._own_desk(None).plans

    @question
    def durations(self, plans: Table | None = None, as_of: Moment = None, period: PeriodLike = None) -> Durations:
        """Return how long each plan to come is likely to take, and what overruns and late operations cost each unit.

        Args:
            plans: plans from elsewhere; these alone are told of, by the history of the workspace.
            as_of: nothing later is known.
            period: of what was lost; by default the calendar year that ends or goes on at that moment.

        Raises:
            FudianError: the words name no period.
            WorkspaceError: no row of ``plans`` can be used.
        """
        moment = self.moment(as_of) or self.known_until
        given = None if plans is None else self.table("plans", plans)[0]
        desk = PlanDesk.of(self._statistics, given, as_of=moment)
        wanted = desk.plans if given is None else desk.plans.filter(pl.col("plan_id").is_in(given["plan_id"].implode()))
        span = Period.year((moment - datetime.resolution).year) if period is None else self.period(period)
        history = self.memory.recall(("durations", moment), lambda: History.of(self.network, moment))
        predictions = tuple(history.predict(row) for row in wanted.to_dicts())
        return Durations(moment, predictions, span, history.losses(span), history.rules)

    @question
    def avoidable(self, period: PeriodLike = None, most: int = 100, as_of: Moment = None) -> Avoidable:
        """Return the planned outages of a period, one by one, with what live work, transfer or merging would have saved.

        Args:
            period: by default the last calendar year with records.
            most: transfer is tried for so many of the outages that cost most.
            as_of: nothing later is known.

        Raises:
            FudianError: the words name no period, or nothing of it is known.
            WorkspaceError: there is no usable outage record, no source, or nothing to divide by.
        """
        self.require_records()
        query = self.query(period, as_of=as_of)
        return avoidable(self._own_desk(as_of), query, most)

    def avoidable_under_check(self, period: PeriodLike = None, wait_s: float | None = 0.0) -> Done:
        """Return how far :meth:`avoidable` of a period is; once it is over, the answer is there without waiting.

        It is made once, in a thread of its own, which the first to ask begins.

        Args:
            period: by default the last calendar year with records.
            wait_s: how long to wait for its end; ``None`` waits until it is over.

        Raises:
            FudianError: the words name no period, or nothing of it is known.
            WorkspaceError: there is no usable outage record, no source, or nothing to divide by.
        """
        self.require_records()
        self.network.require_sources()
        span = self.query(period).period
        what = text("planned outages that were carried out")
        return self.under_way(f"avoidable {span.start} {span.end}", what, lambda: self.avoidable(period), wait_s)

    def affected_by_plan(self, plan: Mapping[str, Any]) -> Affected:
        """Return who is off for as long as the work of a plan lasts, once load is transferred where it can be.

        Args:
            plan: a row of the table ``plans``.

        Raises:
            UnknownIdError: the network does not have what the plan names.
            FudianError: the plan names nothing, or its work cannot be parted from its sources.
        """
        work = Work.of(self.network, plan)

        def compute() -> Affected:
            return self._own_desk(None).outage_of(work).after

        return self.memory.recall(("affected_by_plan", work), compute)

    def _desk(
        self, plans: Table | None, as_of: Moment, by: str = "log"
    ) -> tuple[PlanDesk, tuple[Problem, ...], tuple[str, ...] | None]:
        """Return the plans to come, what is wrong with their rows, and the ids that were given from elsewhere."""
        if plans is None:
            return self._own_desk(as_of, by), self.workspace.problems_of("plans"), None
        self.network.require_sources()
        table, rejected = self.table("plans", plans)
        moment = self.moment(as_of) or self.known_until
        desk = PlanDesk.of(self._statistics, table, as_of=moment, present=self._present_state(as_of, by))
        return desk, rejected, tuple(table["plan_id"])

    def _own_desk(self, as_of: Moment, by: str = "log") -> PlanDesk:
        self.network.require_sources()
        moment, present = self.moment(as_of) or self.known_until, self._present_state(as_of, by)
        return self.memory.recall(
            ("desk", moment, present), lambda: PlanDesk.of(self._statistics, as_of=moment, present=present)
        )

    def _present_state(self, as_of: Moment, by: str) -> Supply | None:
        """Return the state in which work is planned; ``None`` for the normal one."""
        require_way(by)
        return None if by == "log" else self.state(as_of, by=by)
