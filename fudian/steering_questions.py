"""Questions of whoever steers a year: figures of operation, budget, forecast, and why figures changed."""

from __future__ import annotations

import polars as pl

from fudian.answers import Answer, Targets
from fudian.foundation import Foundation, Moment, Names, PeriodLike, names, question
from network import WorkspaceError, text
from reliability.steering.why import why
from reliability.targets import judge_operation, plans


class SteeringQuestions(Foundation):
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

    def _year(self, year: int | None) -> int:
        if year is not None:
            return year
        if not self.years:
            raise WorkspaceError(
                text("There is no outage record to take the year from."), (), text("Name the year, or add records.")
            )
        return self.years[-1]
