"""Targets of the utilities' improvement plans: value against limit, or the reason why there is no value (field reference 2)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import polars as pl

from network import FudianError, Text, schema, text
from network.tables.reading import read_file
from reliability.natures import classes_of
from reliability.operating_kpis import Kpi
from reliability.period import Period
from reliability.statistics import Statistics

_FOLDER = Path(__file__).parent

AREA_SCHEMES = ("region", "aggregate", "planning")
"""Schemes whose targets are indices of a part of the users."""

STATUSES = {
    "pass": text("met"),
    "fail": text("missed"),
    "unknown": text("undecided"),
    "not_computable": text("cannot be computed"),
}
"""What each status of a target means."""

METRIC_NAMES = {
    "SAIDI": "average outage time",
    "SAIFI": "average number of outages",
    "tie_rate": "tie rate",
    "standard_structure_rate": "standard structure rate",
    "n1_pass_rate": "N-1 pass rate",
    "long_feeder_reduction": "fewer feeders over 15 km",
    "service_live_connect_rate": "connections made without an outage",
    "da_action_accuracy": "accuracy of automation actions",
    "da_line_coverage": "feeders with automation",
    "outage_schedule_time_reduction": "shorter wait for a planned outage",
    "active_repair_rate_gain": "more repairs begun before a call",
    "active_repair_rate": "repairs begun before a call",
    "da_effective_coverage": "feeders with effective automation",
    "remote_control_success_rate": "remote operations that succeed",
    "remote_control_use_rate": "operations done by remote control",
    "remote_signal_accuracy": "accuracy of remote signals",
    "master_online_rate": "master station on line",
    "terminal_online_rate": "terminals on line",
    "operation_punctuality": "operations on time",
}
"""What targets and figures of operation measure, for people."""

STANDS = frozenset({
    "tie_rate", "standard_structure_rate", "n1_pass_rate", "long_feeder_reduction", "da_line_coverage",
    "da_effective_coverage",
})  # fmt: skip
"""Figures of what is built: they stand as they are, whatever happens in the year."""

SAME_DECIMALS = 12
"""Decimals to which hours per user are the same in whatever order they were added up."""

_ALTERNATIVE = re.compile(r"yoy<=-(\d+(?:\.\d+)?)%")

_WITHOUT_DATA = {
    "tie_rate": text("there are no public feeders"),
    "standard_structure_rate": text("the form of connection (structure) of some public feeders is not given"),
    "n1_pass_rate": text("it takes the N-1 test of the network"),
    "long_feeder_reduction": text(
        "the plan does not state its base: give long_feeders_base under [grid] of fudian.toml, and the length of every line"
    ),
}


@dataclass(frozen=True)
class TargetResult:
    """One target judged.

    Attributes:
        target_id, label, metric, op, unit, limit: as in the plan.
        value: what was reached, in ``unit``; ``None`` when unknown.
        status: ``pass``, ``fail``, ``unknown`` or ``not_computable``.
        reason: why, where the status alone does not say it.
        asai: availability in per cent where the value is an outage time.
        previous: the value of the year that a rule compares with: the year before, or the base year.
        where: column and values of the users that it covers.
        numerator, denominator: what the value is the ratio of: customer-hours and users; feeders; of a reduction or gain the
            figure now and that of the base year.
    """

    target_id: str
    label: str
    metric: str
    op: str
    unit: str
    limit: float
    value: float | None
    status: str
    reason: Text | None = None
    asai: float | None = None
    previous: float | None = None
    where: tuple[str, tuple[str, ...]] | None = None
    numerator: float | None = None
    denominator: float | None = None

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the result for commands and routes, with op, asai, previous, where, numerator and denominator besides."""
        return asdict(self) | {"reason": self.reason.in_language(language) if self.reason else None}


@cache
def shipped(name: str) -> pl.DataFrame:
    """Return a table that comes with the package: ``targets`` of the five plans, or ``area_map`` for their area labels."""
    return read_file(_FOLDER / f"{name}.csv", schema.TABLES[name]).frame


def plans(statistics: Statistics) -> list[str]:
    """Return the ids of the plans that can be judged: those shipped, and those of the workspace."""
    return _targets(statistics)["plan"].unique(maintain_order=True).to_list()


def grid_plans(statistics: Statistics) -> list[str]:
    """Return the ids of the plans with targets for the structure of the grid, those of the workspace first."""
    rows = _targets(statistics).filter(pl.col("area_scheme") == "grid")
    return rows["plan"].unique(maintain_order=True).to_list()


def plan_year(statistics: Statistics, plan: str) -> int:
    """Return the year that a plan is judged in by default: its deadline, else the last year with records.

    Raises:
        FudianError: the plan is not known.
    """
    deadlines = _of_plan(statistics, plan)["deadline"].drop_nulls()
    years = statistics.years()
    area = _of_plan(statistics, plan).filter(pl.col("area_scheme").is_in(AREA_SCHEMES))["deadline"].drop_nulls()
    for due in (area, deadlines):
        if len(due):
            return int(due.dt.year().max())  # type: ignore[arg-type]
    if years:
        return years[-1]
    raise FudianError(text("The plan has no deadline and there are no records."), text("Name the year."))


Further = Mapping[str, Kpi | float | Text]
"""Figures by metric that other rooms compute, or why there is none."""


def judge(
    statistics: Statistics,
    plan: str,
    year: int | None = None,
    as_of: datetime | None = None,
    level: str = "mv",
    further: Further | None = None,
) -> list[TargetResult]:
    """Return every target of a plan, judged on unrounded figures of a calendar year (2.4).

    Args:
        statistics: of the workspace.
        plan: ``xihua-2022``, ``shenqiu-2022``, ``gongan-2022``, ``jinhua-2022``, ``changzhou-2020``, or one of the workspace.
        year: the calendar year; by default the year of the plan's deadline.
        as_of: nothing later is known; a year that is not over cannot pass yet.
        level: user level of the figures; the plans are taken to mean ``mv`` (2.2).
        further: figures that other rooms compute.

    Raises:
        FudianError: the plan is not known.
    """
    rows = _of_plan(statistics, plan)
    judged = _Judged(statistics, plan_year(statistics, plan) if year is None else year, as_of, level, further or {})
    return [judged.result(row) for row in rows.to_dicts()]


def obstacles(
    statistics: Statistics, plan: str, year: int | None = None, further: Further | None = None
) -> dict[str, Text | None]:
    """Return why each target of a plan cannot be computed, or ``None``, without computing it.

    Args:
        statistics: of the workspace.
        plan: as for :func:`judge`.
        year: as for :func:`judge`.
        further: figures that other rooms would compute; any number stands for one that can be.

    Raises:
        FudianError: the plan is not known.
    """
    rows = _of_plan(statistics, plan)
    judged = _Judged(statistics, plan_year(statistics, plan) if year is None else year, None, "mv", further or {})
    return {row["target_id"]: judged.obstacle(row) for row in rows.to_dicts()}


def alternative_limits(statistics: Statistics, plan: str, year: int, level: str = "mv") -> dict[str, float]:
    """Return the limit that the alternative rule of a target sets by an earlier year, in its unit, where it sets one.

    Args:
        statistics: of the workspace.
        plan: as for :func:`judge`.
        year: the calendar year that is judged.
        level: user level of the figures.

    Raises:
        FudianError: the plan is not known.
    """
    judged = _Judged(statistics, year, None, level, {})
    found = {}
    for row in _of_plan(statistics, plan).filter(pl.col("alt_rule").is_not_null()).to_dicts():
        rule, where = _ALTERNATIVE.fullmatch(row["alt_rule"]), judged.area(row)
        base, factor = judged.year_on_year(1 - float(rule[1]) / 100) if rule else (None, 1.0)
        if where is None or base not in statistics.years() or base is None:
            continue
        sums = judged.sums(row, where, base)
        if sums[1]:
            found[row["target_id"]] = round(factor * _figure(row, *sums), SAME_DECIMALS)
    return found


def class_limits(statistics: Statistics, plan: str) -> tuple[str, dict[str, float]]:
    """Return the outage time in h that a plan allows users of each class, and the column of the classes.

    A target of an aggregate stands for those of its classes for which the plan has no target of their own.

    Raises:
        FudianError: the plan is not known, or sets no outage time for any class.
    """
    rows = _of_plan(statistics, plan).filter(pl.col("metric") == "SAIDI")
    judged = _Judged(statistics, plan_year(statistics, plan), None, "mv", {})
    scheme = statistics.settings.aggregate_scheme
    found: dict[str, dict[str, float]] = {}
    wide: dict[str, float] = {}
    for row in rows.to_dicts():
        area = judged.area(row)
        hours = row["value"] / (60 if row["unit"] == "min" else 1)
        if area is None:
            continue
        for value in area[1]:
            if area[0] == "aggregate":
                wide |= dict.fromkeys(classes_of(value, scheme), hours)
            elif area[0] in {"region_class", "planning_class"}:
                found.setdefault(area[0], {})[value] = hours
    if wide:
        found["region_class"] = wide | found.get("region_class", {})
    if not found:
        raise FudianError(text("The plan {plan} sets no outage time for a class of users.", plan=plan))
    return max(found.items(), key=lambda each: len(each[1]))


def judge_grid(statistics: Statistics, plan: str, further: Further | None = None) -> list[TargetResult]:
    """Return the targets of a plan for the structure of the grid, judged on the network as it is.

    Args:
        statistics: of the workspace.
        plan: as for :func:`judge`.
        further: figures that other rooms compute.

    Raises:
        FudianError: the plan is not known.
    """
    rows = _of_plan(statistics, plan).filter(pl.col("area_scheme") == "grid")
    judged = _Judged(statistics, plan_year(statistics, plan), None, "mv", further or {})
    return [judged.result(row) for row in rows.to_dicts()]


def judge_operation(statistics: Statistics, plan: str, year: int, as_of: datetime | None = None) -> list[TargetResult]:
    """Return the targets of a plan that neither indices of users nor the structure of the grid are, judged on a year.

    Args:
        statistics: of the workspace.
        plan: as for :func:`judge`.
        year: the calendar year.
        as_of: nothing later is known.

    Raises:
        FudianError: the plan is not known.
    """
    rows = _of_plan(statistics, plan).filter(~pl.col("area_scheme").is_in([*AREA_SCHEMES, "grid"]))
    judged = _Judged(statistics, year, as_of, "mv", {})
    return [judged.result(row) for row in rows.to_dicts()]


def metrics(statistics: Statistics, plan: str) -> set[str]:
    """Return the figures that a plan sets targets for.

    Raises:
        FudianError: the plan is not known.
    """
    return set(_of_plan(statistics, plan)["metric"])


def _targets(statistics: Statistics) -> pl.DataFrame:
    own = statistics.net.workspace.tables["targets"]
    return pl.concat([own, shipped("targets").filter(~pl.col("plan").is_in(own["plan"].unique().implode()))])


def _of_plan(statistics: Statistics, plan: str) -> pl.DataFrame:
    rows = _targets(statistics).filter(pl.col("plan") == plan)
    if rows.is_empty():
        raise FudianError(
            text("There is no plan {plan!r}.", plan=plan),
            text("Known plans: {names}.", names=", ".join(plans(statistics))),
        )
    return rows


@dataclass(frozen=True)
class _Judged:
    """One plan and year under judgement."""

    statistics: Statistics
    year: int
    as_of: datetime | None
    level: str
    further: Further

    def result(self, row: dict[str, Any]) -> TargetResult:
        """Judge one row of the targets table."""
        common = [row[name] for name in ("target_id", "area_label", "metric", "op", "unit", "value")]
        result: Callable[..., TargetResult] = TargetResult
        make: Callable[..., TargetResult] = partial(result, *common)
        if row["metric"] == "service_live_connect_rate":
            return self._live_connect_rate(row, make)
        obstacle = self.obstacle(row)
        where = self.area(row) if row["area_scheme"] in AREA_SCHEMES else None
        if obstacle is not None:
            return make(None, "not_computable", obstacle, where=where)
        if where is None:
            return self._judge_kpi(row, make)
        hours_or_counts, users = self.sums(row, where, self.year)
        if not users:
            return make(None, "not_computable", text("the number of users is not known"), where=where)
        value = _figure(row, hours_or_counts, users)
        status, reason, previous = self._status(row, where, value)
        hours = Period.year(self.year).hours
        asai = None
        if row["metric"] == "SAIDI":
            asai = (1 - (value / 60 if row["unit"] == "min" else value) / hours) * 100
            reason = reason or _percent_disagrees(row, value, asai)
        parts = {"numerator": hours_or_counts, "denominator": users}
        return make(value, status, reason, asai=asai, previous=previous, where=where, **parts)

    def _judge_kpi(self, row: dict[str, Any], make: Callable[..., TargetResult]) -> TargetResult:
        kpi = self._kpi(row)
        if not isinstance(kpi, Kpi) or kpi.value is None:
            return make(None, "not_computable")
        parts = {"numerator": kpi.numerator, "denominator": kpi.denominator, "previous": kpi.base}
        return make(kpi.value, *self._ratio_status(row, kpi.value, kpi.reason), **parts)

    def _ratio_status(self, row: dict[str, Any], value: float, said: Text | None) -> tuple[str, Text | None]:
        """Return the status of a ratio, and what is said of it: what the rest of the year adds to it can turn it either way.

        What is built is judged as it stands.
        """
        holds = _holds(value, row["op"], row["value"])
        if row["metric"] in STANDS:
            return "pass" if holds else "fail", said
        query = self.statistics.query(Period.year(self.year), as_of=self.as_of)
        if query.is_over:
            return "pass" if holds else "fail", said
        far = (
            text("the year is not over: the limit holds so far, until {moment}", moment=query.as_of)
            if holds
            else text("the year is not over: the limit is missed so far, until {moment}", moment=query.as_of)
        )
        return "unknown", far if said is None else text("{first}; {then}", first=said, then=far)

    def obstacle(self, row: dict[str, Any]) -> Text | None:
        """Return why a target cannot be computed, as far as that shows before anything is."""
        if row["metric"] == "service_live_connect_rate":
            jobs = self.statistics.net.workspace.tables["live_jobs"]
            return text("there are no connections of {year}", year=self.year) if jobs.is_empty() else None
        kpi = self._kpi(row)
        if isinstance(kpi, Text):
            return kpi
        if kpi is not None:
            return kpi.reason if kpi.value is None else None
        if row["metric"] not in {"SAIDI", "SAIFI"} or row["area_scheme"] not in AREA_SCHEMES:
            unknown = text("{metric} is not a figure that Fudian computes", metric=row["metric"])
            return _WITHOUT_DATA.get(row["metric"], unknown)
        if self.area(row) is None and self.statistics.has_only_stated_users:
            return text("no users of {label} are stated: add them to the table population", label=row["area_label"])
        if self.area(row) is None:
            return text(
                "no user belongs to {label}: give region class or planning class, or name its feeders in area_map",
                label=row["area_label"],
            )
        if self.year not in self.statistics.years():
            return text("there are no records of {year}", year=self.year)
        return None

    def _kpi(self, row: dict[str, Any]) -> Kpi | Text | None:
        """Return a figure of the grid or of operation, why there is none, or nothing where the metric is neither."""
        metric = row["metric"]
        if row["area_scheme"] in AREA_SCHEMES:
            return None
        found = self.further.get(metric)
        if isinstance(found, float | int):
            return Kpi(metric, float(found))
        if found is not None or (found := self.statistics.grid_kpi(metric)) is not None:
            return found
        if self.as_of is not None and self.as_of <= Period.year(self.year).start:
            return text("there are no records of {year}", year=self.year)
        return self._operating(row).get(metric)

    def _operating(self, row: dict[str, Any]) -> Mapping[str, Kpi]:
        base = row.get("base_year")
        if base not in self._by_base:
            self._by_base[base] = self.statistics.operating_kpis(self.year, self.as_of, base)
        return self._by_base[base]

    @cached_property
    def _by_column(self) -> dict[tuple[str, int], pl.DataFrame]:
        """The sums of a year by a column, computed once for all targets that take them."""
        return {}

    @cached_property
    def _by_base(self) -> dict[int | None, Mapping[str, Kpi]]:
        return {}

    def _live_connect_rate(self, row: dict[str, Any], make: Callable[..., TargetResult]) -> TargetResult:
        ratio = self.statistics.live_ratio(Period.year(self.year), as_of=self.as_of)
        value = ratio.live_connect_rate
        if value is None:
            return make(None, "not_computable", text("there are no connections of {year}", year=self.year))
        said = text(
            "{live} of {all} connections were made without an outage",
            live=ratio.live_connections,
            all=ratio.connections,
        )
        parts = {"numerator": ratio.live_connections, "denominator": ratio.connections}
        return make(value, *self._ratio_status(row, value, said), **parts)

    def area(self, row: dict[str, Any]) -> tuple[str, tuple[str, ...]] | None:
        """Return which users the label means: by the workspace's map, the shipped map, or the label of feeders (2.3)."""
        tables = self.statistics.net.workspace.tables
        feeders = tables["feeders"].filter(pl.col("area_label") == row["area_label"])["feeder_id"].to_list()
        readings = [_mapped(source, row) for source in (tables["area_map"], shipped("area_map"))]
        users = self.statistics.places(self.level)
        for column, values in (*readings, ("feeder_id", tuple(feeders))):
            if column == "aggregate" or (column in users.columns and users[column].is_in(values).any()):
                return column, values
        return None

    def sums(self, row: dict[str, Any], where: tuple[str, tuple[str, ...]], year: int) -> tuple[float, float]:
        """Return customer-hours (or interruptions) and users of an area: sums of its classes, never a mean of means."""
        column, values = where
        if (column, year) not in self._by_column:
            query = self.statistics.query(Period.year(year), (column,), self.level, as_of=self.as_of)
            self._by_column[column, year] = self.statistics.totals(query)
        area = self._by_column[column, year].filter(pl.col(column).is_in(values))
        return float(area["CH" if row["metric"] == "SAIDI" else "CI"].sum()), float(area["N_T"].sum())

    def _status(
        self, row: dict[str, Any], where: tuple[str, tuple[str, ...]], value: float
    ) -> tuple[str, Text | None, float | None]:
        query = self.statistics.query(Period.year(self.year), as_of=self.as_of)
        over = query.is_over
        holds = _holds(value, row["op"], row["value"])
        if not over and holds:
            return (
                "unknown",
                text("the year is not over: the limit holds so far, until {moment}", moment=query.as_of),
                None,
            )
        alternative = _ALTERNATIVE.fullmatch(row["alt_rule"] or "")
        if holds or not alternative:
            return "pass" if holds else "fail", None, None
        base, factor = self.year_on_year(1 - float(alternative[1]) / 100)
        if base is None:
            rule = text("{percent} per cent less each year", percent=alternative[1])
            reason = text("the limit is missed, and the compound rule ({rule}) needs year_on_year_base", rule=rule)
            return "unknown", reason, None
        rule = text("{percent} per cent less than in {year}", percent=f"{(1 - factor) * 100:.4g}", year=base)
        if base not in self.statistics.years():
            reason = text("the limit is missed, and {year} has no records for the rule ({rule})", year=base, rule=rule)
            return "unknown", reason, None
        sums = self.sums(row, where, base)
        previous = _figure(row, *sums) if sums[1] else None
        if not over or previous is None:
            return (
                "unknown",
                text("the limit is missed; the alternative rule ({rule}) is open", rule=rule),
                previous,
            )
        if _holds(value, "<=", factor * previous):
            return "pass", text("by the alternative rule: {rule}", rule=rule), previous
        return "fail", text("the alternative rule ({rule}) fails too", rule=rule), previous

    def year_on_year(self, yearly: float) -> tuple[int | None, float]:
        """Return the year to compare with and the share of it that may be left (2.4)."""
        rules = self.statistics.settings
        if rules.year_on_year == "simple":
            return self.year - 1, yearly
        base = rules.year_on_year_base
        return (base, yearly ** (self.year - base)) if base is not None and base < self.year else (None, yearly)


def _figure(row: dict[str, Any], hours_or_counts: float, users: float) -> float:
    """Return SAIDI-1 or SAIFI-1 in the unit of a target."""
    return hours_or_counts / users * (60 if row["unit"] == "min" else 1)


def _mapped(area_map: pl.DataFrame, row: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the column and values that an area map gives a target's label; blank where it gives none."""
    found = area_map.filter(
        (pl.col("area_label") == row["area_label"]) & (pl.col("plan").is_null() | (pl.col("plan") == row["plan"]))
    )
    return ("", ()) if found.is_empty() else (found["column"][0], tuple(found["value"]))


def _holds(value: float, op: str, limit: float) -> bool:
    """Compare unrounded; what differs only in the last bits of the division is equal."""
    if math.isclose(value, limit, rel_tol=1e-12):
        return True
    return value < limit if op == "<=" else value > limit


def _percent_disagrees(row: dict[str, Any], minutes: float, asai: float) -> Text | None:
    """Say when the plan's per cent and its minutes disagree: the minutes were counted on a leap year (2.5)."""
    stated = re.search(r"ASAI>=(\d+(?:\.\d+)?)%", row["note"] or "")
    if stated is None or (asai >= float(stated[1])) == _holds(minutes, "<=", row["value"]):
        return None
    return text(
        "judged on minutes; the {percent} % beside them in the plan gives the other answer: its minutes are rounded on 8784 h",
        percent=stated[1],
    )  # fmt: skip
