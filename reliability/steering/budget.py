"""The customer-hour budget 时户数预算: what a unit may still spend in a year and in a month (field reference 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from network import Text, text
from reliability.natures import FAULT, PREARRANGED
from reliability.period import Period
from reliability.query import Query
from reliability.settings import ReliabilitySettings
from reliability.statistics import Statistics
from reliability.targets import class_limits

HISTORY_YEARS = 3
"""Years of records that give the share of faults (4.2)."""

MONTHS = 12


@dataclass(frozen=True)
class Budget:
    """What one unit may spend in a year, in customer-hours of medium-voltage users.

    Attributes:
        unit: the unit.
        year: the calendar year.
        annual_ch: the budget; ``None`` where the table gives none.
        consumed_ch: used so far.
        consumed_from: ``table`` or ``records``.
        committed_ch: of approved plans to come.
        fault_share: share of the budget that is kept for faults.
        fault_share_from: ``records`` or ``setting``.
        prearranged_by_month_ch: prearranged hours of the year so far, by number of the month.
        amber_share: amber below this share.
        annual_from: ``table``, ``targets`` (of the plan in the settings) or ``none``.
        faults_so_far_ch: customer-hours of faults of the year so far, by the records.
        fault_season: share of a year's faults that each month has; the shares add up to 1.
    """

    unit: str
    year: int
    annual_ch: float | None
    consumed_ch: float
    consumed_from: str
    committed_ch: float
    fault_share: float
    fault_share_from: str
    prearranged_by_month_ch: Mapping[int, float]
    amber_share: float
    annual_from: str = "table"
    faults_so_far_ch: float = 0.0
    fault_season: Mapping[int, float] = field(default_factory=lambda: dict.fromkeys(range(1, MONTHS + 1), 1 / MONTHS))

    @property
    def remaining_ch(self) -> float | None:
        """What is left: the budget less what was used and what approved plans will use."""
        return None if self.annual_ch is None else self.annual_ch - self.consumed_ch - self.committed_ch

    @property
    def monthly_plan_ch(self) -> float | None:
        """What planned work may use in a month: the twelfth part of what is not kept for faults."""
        return None if self.annual_ch is None else self.annual_ch * (1 - self.fault_share) / MONTHS

    @property
    def fault_reserve_ch(self) -> float | None:
        """What of a year is kept for faults."""
        return None if self.annual_ch is None else self.annual_ch * self.fault_share

    def month_ch(self, month: int) -> float | None:
        """Return the budget of a month: its twelfth for planned work and its season's share of what is kept for faults."""
        if self.monthly_plan_ch is None or self.fault_reserve_ch is None:
            return None
        return self.monthly_plan_ch + self.fault_reserve_ch * self.fault_season[month]

    def reserve_left_ch(self, month: int) -> float | None:
        """Return what is kept for the faults from the beginning of a month to the end of the year."""
        if self.fault_reserve_ch is None:
            return None
        return self.fault_reserve_ch * sum(self.fault_season[each] for each in range(month, MONTHS + 1))

    def may_plan_ch(self, month: int) -> float | None:
        """Return what may still be planned from a month on: what is left once faults have had what is kept for them."""
        left, reserve = self.remaining_ch, self.reserve_left_ch(month)
        return None if left is None or reserve is None else max(left - reserve, 0.0)

    def after(self, hours: float) -> float | None:
        """Return what is left once so many customer-hours more are spent."""
        return None if self.remaining_ch is None else self.remaining_ch - hours

    def share(self, hours: float) -> float | None:
        """Return which share of the rest these customer-hours are; ``None`` without budget, or where nothing is left."""
        return hours / self.remaining_ch if self.remaining_ch is not None and self.remaining_ch > 0 else None

    def light(self, hours: float) -> str | None:
        """Return ``green``, ``amber`` or ``red`` once so many customer-hours more are spent; ``None`` without a budget."""
        left = self.after(hours)
        if left is None or self.annual_ch is None:
            return None
        if left < 0:
            return "red"
        return "amber" if left < self.amber_share * self.annual_ch else "green"

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, with what it rests on."""
        found = {
            name: value for name, value in vars(self).items() if name not in {"prearranged_by_month_ch", "fault_season"}
        }
        return found | {"remaining_ch": self.remaining_ch, "monthly_plan_ch": self.monthly_plan_ch}


def budgets(
    statistics: Statistics, year: int, as_of: datetime, committed_ch: Mapping[str, float] | None = None
) -> dict[str, Budget]:
    """Return the budget of every unit that has users or a budget.

    What was used stands in ``budget.consumed_ch`` for the year of the as-of time; where it is blank, and for other years, it is
    computed from the records. The table has no year: its budget is taken to be that of any year asked for.

    Args:
        statistics: of the workspace.
        year: the calendar year.
        as_of: nothing later is known.
        committed_ch: customer-hours of approved plans to come, by unit.
    """
    table = statistics.net.workspace.tables["budget"]
    rules = statistics.settings
    spent = _spent(statistics, year, as_of)
    shares = _fault_shares(statistics, year, as_of)
    season = fault_season(statistics, year, as_of)
    targeted = _from_targets(statistics, year) if rules.budget_plan else {}
    units = pl.concat([table["unit"], statistics.population()["unit"]]).drop_nulls().unique().sort().to_list()
    return {
        unit: _budget(unit, year, table.filter(pl.col("unit") == unit), spent, shares, rules, as_of,
                      (committed_ch or {}).get(unit, 0.0), season, targeted.get(unit))
        for unit in units
    }  # fmt: skip


def _budget(
    unit: str, year: int, rows: pl.DataFrame, spent: pl.DataFrame, shares: Mapping[str, float],
    rules: ReliabilitySettings, as_of: datetime, committed: float, season: Mapping[int, float], targeted: float | None,
) -> Budget:  # fmt: skip
    own = spent.filter(pl.col("unit") == unit)
    given = rows["annual_target_ch"].drop_nulls()
    stated = rows["consumed_ch"] if year == as_of.year else rows["consumed_ch"].head(0)
    from_table = len(stated) > 0 and not stated.null_count()
    in_table = float(given.sum()) if len(given) and not rows["annual_target_ch"].null_count() else None
    prearranged = own.filter(pl.col("nature").is_in(PREARRANGED)).group_by("month").agg(pl.col("ch").sum())
    return Budget(
        unit,
        year,
        in_table if in_table is not None else targeted,
        float(stated.sum()) if from_table else float(own["ch"].sum()),
        "table" if from_table else "records",
        committed,
        shares.get(unit, rules.budget_fault_share),
        "records" if unit in shares else "setting",
        {int(month): float(hours) for month, hours in prearranged.iter_rows()},
        rules.budget_amber_share,
        "table" if in_table is not None else "none" if targeted is None else "targets",
        float(own.filter(pl.col("nature").is_in(FAULT))["ch"].sum()),
        season,
    )


def _from_targets(statistics: Statistics, year: int) -> dict[str, float]:
    """Return the hours that the targets of the plan in the settings leave the users of each unit."""
    by_class = class_budgets(statistics, year)
    return {
        str(unit): float(hours)
        for unit, hours in by_class.filter(pl.col("unit").is_not_null())
        .group_by("unit")
        .agg(pl.col("ch").sum())
        .iter_rows()
    }


def class_budgets(statistics: Statistics, year: int) -> pl.DataFrame:
    """Return what the targets of the plan in the settings (``budget_plan``) leave the users of each class and unit.

    Returns:
        ``unit``, ``area_class``, ``users`` (equivalent), ``ch`` (target times users; null where the plan has no target).
    """
    plan = statistics.settings.budget_plan
    column, limits = class_limits(statistics, plan) if plan else ("region_class", {})
    users = statistics.users_by(Period.year(year), ("unit", column))
    hours = pl.col(column).replace_strict(limits, default=None, return_dtype=pl.Float64)
    return users.select("unit", area_class=column, users="N_T", ch=pl.col("N_T") * hours)


def fault_season(statistics: Statistics, year: int, as_of: datetime) -> dict[int, float]:
    """Return the share of a year's fault hours that each month has, by the three years before, pulled towards a twelfth.

    A flat year counts as ``budget_season_prior_years`` years of records; without records every month has a twelfth.
    """
    before = [each for each in range(year - HISTORY_YEARS, year) if each in statistics.years()]
    prior = statistics.settings.budget_season_prior_years
    weights = dict.fromkeys(range(1, MONTHS + 1), prior / MONTHS if prior or before else 1 / MONTHS)
    for each in before:
        faults = _spent(statistics, each, as_of).filter(pl.col("nature").is_in(FAULT))
        whole = float(faults["ch"].sum())
        for month, hours in faults.group_by("month").agg(pl.col("ch").sum()).iter_rows():
            weights[int(month)] += float(hours) / whole if whole else 0.0
    whole = sum(weights.values())
    return {month: weight / whole if whole else 1 / MONTHS for month, weight in weights.items()}


def _spent(statistics: Statistics, year: int, as_of: datetime) -> pl.DataFrame:
    """Return the customer-hours of a year so far by unit, month of the start, and nature."""
    period = Period.year(year)
    rows = _no_hours()
    if as_of > period.start and not statistics.net.workspace.tables["outages"].is_empty():
        rows = statistics.ledger(Query(period, as_of=as_of)).filter(pl.col("counted"))
    return rows.group_by(
        "unit", "nature", month=pl.from_epoch(pl.col("from"), time_unit="us").dt.month().cast(pl.Int64)
    ).agg(ch=(pl.col("users") * pl.col("h")).sum())  # fmt: skip


def _no_hours() -> pl.DataFrame:
    kinds = {"unit": pl.String, "nature": pl.String, "from": pl.Int64, "users": pl.Int64, "h": pl.Float64}
    return pl.DataFrame(schema=kinds)


def _fault_shares(statistics: Statistics, year: int, as_of: datetime) -> dict[str, float]:
    """Return the share of faults in the customer-hours of the years before, where three of them have records."""
    before = [each for each in range(year - HISTORY_YEARS, year) if each in statistics.years()]
    if len(before) < HISTORY_YEARS:
        return {}
    spent = pl.concat([_spent(statistics, each, as_of) for each in before])
    sums = spent.group_by("unit").agg(
        whole=pl.col("ch").sum(), fault=pl.col("ch").filter(pl.col("nature").is_in(FAULT)).sum()
    )
    usable = sums.filter(pl.col("unit").is_not_null() & (pl.col("whole") > 0) & (pl.col("fault") < pl.col("whole")))
    return {unit: fault / whole for unit, whole, fault in usable.select("unit", "whole", "fault").iter_rows()}


def budget_words(budget: Budget | None) -> Text | None:
    """Say what a budget lacks, or where its figures come from; nothing where the table gives both."""
    if budget is None or budget.annual_ch is None:
        return text("no customer-hour budget of this unit: fill in annual_target_ch of the table budget")
    if budget.consumed_from == "records":
        return text("what the unit has used is computed from the outage records")
    return None
