"""The budget of customer-hours as a sheet: units, classes and months, what may still be planned, and warnings before a breach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from network import Text, text
from reliability.natures import FAULT
from reliability.period import Period
from reliability.query import Query
from reliability.statistics import Statistics
from reliability.steering.budget import HISTORY_YEARS, MONTHS, Budget, class_budgets

Committed = Mapping[tuple[str, int, int], float]
"""Customer-hours of approved plans to come, by unit, year and month."""


@dataclass(frozen=True)
class BudgetSheet:
    """What every unit may spend in a year, in customer-hours of medium-voltage users.

    Attributes:
        year: the calendar year.
        as_of: nothing later is known.
        budgets: one of each unit, with what approved plans will use.
        committed: by unit, year and month.
        by_class: ``unit``, ``area_class``, ``annual_ch``, ``consumed_ch``; the classes of a unit add up to its budget.
        class_split: what divides the budget of a unit among its classes: ``table``, ``targets``, ``history`` or ``users``.
        expected_faults: customer-hours of faults that a year of the unit had on average.
        notes: what is missing or only assumed.
    """

    year: int
    as_of: datetime
    budgets: Mapping[str, Budget]
    committed: Committed
    by_class: pl.DataFrame
    class_split: Mapping[str, str]
    expected_faults: Mapping[str, float]
    notes: tuple[Text, ...]

    def months(self, unit: str) -> list[dict[str, Any]]:
        """Return the months of a unit: budget, its parts for planned work and faults, used, committed, still to be planned."""
        budget = self.budgets[unit]
        rows = []
        for month in range(1, MONTHS + 1):
            committed = self.committed.get((unit, self.year, month), 0.0)
            planned = budget.prearranged_by_month_ch.get(month, 0.0)
            rows.append(
                {
                    "unit": unit,
                    "month": f"{self.year}-{month:02}",
                    "budget_ch": budget.month_ch(month),
                    "plan_ch": budget.monthly_plan_ch,
                    "fault_reserve_ch": None
                    if budget.fault_reserve_ch is None
                    else budget.fault_reserve_ch * budget.fault_season[month],
                    "prearranged_ch": planned,
                    "committed_ch": committed,
                    "may_plan_ch": self.may_plan(unit, month),
                }
            )
        return rows

    def may_plan(self, unit: str, month: int) -> float | None:
        """Return what may still be planned in a month: what is left of its share, and no more than the year leaves.

        ``None`` without a budget; 0 for a month that is over.
        """
        budget = self.budgets[unit]
        now = self.now
        of_year = budget.may_plan_ch(min(now, MONTHS))
        if of_year is None or budget.monthly_plan_ch is None:
            return None
        if month < now:
            return 0.0
        taken = budget.prearranged_by_month_ch.get(month, 0.0) + self.committed.get((unit, self.year, month), 0.0)
        return max(min(budget.monthly_plan_ch - taken, of_year), 0.0)

    @property
    def now(self) -> int:
        """The month that the as-of time stands in: 1 before the year, 13 after it."""
        if self.as_of.year != self.year:
            return 1 if self.as_of.year < self.year else MONTHS + 1
        return self.as_of.month

    def runs_out(self, unit: str) -> int | None:
        """Return the month in which the budget is used up if faults come as they did on average, or ``None``."""
        budget = self.budgets[unit]
        if budget.annual_ch is None:
            return None
        spent = budget.consumed_ch
        if spent > budget.annual_ch:
            return min(self.now, MONTHS)
        for month in range(self.now, MONTHS + 1):
            spent += self.committed.get((unit, self.year, month), 0.0)
            spent += self.expected_faults.get(unit, 0.0) * budget.fault_season[month]
            if spent > budget.annual_ch:
                return month
        return None

    def warnings(self, language: str = "en") -> list[dict[str, Any]]:
        """Return what a unit must be told: no budget, used up, nearly used up, or used up before the year is over."""
        found = []
        for unit, budget in self.budgets.items():
            light, out = budget.light(0.0), self.runs_out(unit)
            if light is None:
                continue
            said: Text | None = None
            if light == "red":
                said = text("{unit} has used or promised {over:.1f} customer-hours more than its budget of {budget:.1f}",
                            unit=unit, over=-(budget.remaining_ch or 0.0), budget=budget.annual_ch)  # fmt: skip
            elif out is not None:
                said = text(
                    "{unit} has used up its budget in {month} if faults come as they did on average: {left:.1f} customer-hours "
                    "are left, {faults:.1f} of faults are to be expected",
                    unit=unit, month=f"{self.year}-{out:02}", left=budget.remaining_ch,
                    faults=self.expected_faults.get(unit, 0.0)
                    * sum(budget.fault_season[each] for each in range(self.now, MONTHS + 1)),
                )  # fmt: skip
            elif light == "amber":
                said = text("{unit} has less than {share:.0%} of its budget left: {left:.1f} customer-hours",
                            unit=unit, share=budget.amber_share, left=budget.remaining_ch)  # fmt: skip
            if said is not None:
                found.append(
                    {"unit": unit, "light": "amber" if light != "red" else "red", "says": said.in_language(language)}
                )
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per unit."""
        now = min(self.now, MONTHS)
        return [
            budget.as_dict()
            | {
                "light": budget.light(0.0),
                "reserve_left_ch": 0.0 if self.now > MONTHS else budget.reserve_left_ch(now),
                "may_plan_ch": 0.0 if self.now > MONTHS else budget.may_plan_ch(now),
                "runs_out": None if (out := self.runs_out(unit)) is None else f"{self.year}-{out:02}",
                "class_split": self.class_split.get(unit),
            }
            for unit, budget in self.budgets.items()
        ]

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return ``rows`` by unit, ``classes``, ``months`` and ``warnings``."""
        return {
            "year": self.year,
            "as_of": self.as_of.isoformat(),
            "rows": self.rows(),
            "classes": self.by_class.to_dicts(),
            "months": [row for unit in self.budgets for row in self.months(unit)],
            "warnings": self.warnings(language),
            "notes": [note.in_language(language) for note in self.notes],
        }


def budget_sheet(
    statistics: Statistics,
    year: int,
    as_of: datetime,
    budgets: Mapping[str, Budget],
    committed: Committed,
    notes: tuple[Text, ...] = (),
) -> BudgetSheet:
    """Return the budget of a year as a sheet.

    Args:
        statistics: of the workspace.
        year: the calendar year.
        as_of: nothing later is known.
        budgets: of :func:`reliability.steering.budget.budgets`, with what approved plans will use.
        committed: the same hours by month.
        notes: what is said beside it.
    """
    classes, split = _by_class(statistics, year, as_of, budgets)
    lacking = [unit for unit, budget in budgets.items() if budget.annual_ch is None]
    if lacking:
        hint = text(
            "no budget of {units}: fill in the table budget, or name a plan in budget_plan", units=", ".join(lacking)
        )
        notes = (*notes, hint)
    return BudgetSheet(
        year, as_of, budgets, committed, classes, split, _expected_faults(statistics, year, as_of), notes
    )


def _years_before(statistics: Statistics, year: int) -> list[int]:
    return [each for each in range(year - HISTORY_YEARS, year) if each in statistics.years()]


def _hours(statistics: Statistics, year: int, as_of: datetime, by: list[str]) -> pl.DataFrame:
    """Return the customer-hours of a year so far by columns of the ledger."""
    period = Period.year(year)
    if as_of <= period.start or statistics.net.workspace.tables["outages"].is_empty():
        return pl.DataFrame(schema={**dict.fromkeys(by, pl.String), "ch": pl.Float64})
    rows = statistics.ledger(Query(period, as_of=as_of)).filter(pl.col("counted"))
    return rows.group_by(by).agg(ch=(pl.col("users") * pl.col("h")).sum())


def _expected_faults(statistics: Statistics, year: int, as_of: datetime) -> dict[str, float]:
    before = _years_before(statistics, year)
    if not before:
        return {}
    rows = pl.concat([_hours(statistics, each, as_of, ["unit", "nature"]) for each in before])
    faults = rows.filter(pl.col("nature").is_in(FAULT)).group_by("unit").agg(pl.col("ch").sum() / len(before))
    return {str(unit): float(hours) for unit, hours in faults.iter_rows()}


def _by_class(
    statistics: Statistics, year: int, as_of: datetime, budgets: Mapping[str, Budget]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return the budget of each unit divided among its classes, and by what."""
    stated = statistics.net.workspace.tables["budget"].filter(pl.col("area_class").is_not_null())
    targeted = class_budgets(statistics, year)
    rows_before = [
        _hours(statistics, each, as_of, ["unit", "region_class"]) for each in _years_before(statistics, year)
    ]
    history = pl.concat(rows_before) if rows_before else None
    used = _hours(statistics, year, as_of, ["unit", "region_class"])
    users = statistics.users_by(Period.year(year), ("unit", "region_class"))
    rows, split = [], {}
    for unit, budget in budgets.items():
        own = pl.col("unit") == unit
        sources = {
            "table": _weights(stated.filter(own), "area_class", "annual_target_ch"),
            "targets": _weights(targeted.filter(own), "area_class", "ch"),
            "history": {} if history is None else _weights(history.filter(own), "region_class", "ch"),
            "users": _weights(users.filter(own), "region_class", "N_T"),
        }
        name, weights = next(((name, each) for name, each in sources.items() if each), ("users", {}))
        split[unit] = name
        whole = sum(weights.values())
        spent = _weights(used.filter(own), "region_class", "ch")
        for area_class, weight in weights.items():
            annual = None if budget.annual_ch is None else budget.annual_ch * weight / whole
            consumed = spent.get(area_class, 0.0)
            rows.append(
                {"unit": unit, "area_class": area_class, "annual_ch": annual, "consumed_ch": consumed,
                 "left_ch": None if annual is None else annual - consumed}
            )  # fmt: skip
    schema = {
        "unit": pl.String,
        "area_class": pl.String,
        "annual_ch": pl.Float64,
        "consumed_ch": pl.Float64,
        "left_ch": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema), split


def _weights(rows: pl.DataFrame, column: str, amount: str) -> dict[str | None, float]:
    """Return a positive amount by class; nothing where there is none."""
    sums = rows.group_by(column).agg(pl.col(amount).sum()).filter(pl.col(amount) > 0).sort(column)
    return {value: float(hours) for value, hours in sums.iter_rows()}
