"""Will the targets of a plan be met: the expected end of the year with its range, from what was, is promised and may come."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from network import FudianError, Text, text
from reliability.area import Area
from reliability.natures import PREARRANGED
from reliability.period import Period, microseconds
from reliability.query import Query
from reliability.rule_packs import DLT_836_2016
from reliability.statistics import Statistics
from reliability.steering.ratio_rest import ratio_draws
from reliability.steering.rest_of_year import BASELINES, QUANTILES, DailyRecord, Floats
from reliability.steering.settings import SteeringSettings
from reliability.steering.trials import Trials, forecast_rest
from reliability.targets import METRIC_NAMES, SAME_DECIMALS, STANDS, TargetResult, alternative_limits, judge, metrics

COMMITTED_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "plan_id": pl.String,
    "start": pl.Datetime("us"),
    "transformer_id": pl.String,
    "hours": pl.Float64,
    "approved": pl.Boolean,
}
"""Planned outages to come: for how many hours each cuts off a transformer, and whether it is approved."""

UNITS = {"次": text("times"), "h": text("h"), "min": text("min")}
"""Units of targets as people say them."""

SURE = 0.99
"""No probability of what is still to come is told as more than this, or less than what is left to one."""


@dataclass(frozen=True, eq=False)
class TargetForecast:
    """The expected year end of one target.

    Attributes:
        target: as judged on the year so far.
        limit: the limit that counts: of the plan, or of its alternative rule where that allows more.
        users: equivalent users of the year.
        to_date: what there was so far, over the users of the year, in the unit of the target; ``None`` where it cannot be told.
        committed: what approved plans to come will add; ``None`` for what no outage adds to.
        draws: year ends drawn, in the unit of the target; empty where nothing can be said.
        method: ``model``, the baseline that earlier years show to be better, or ``own_events`` for a figure of operation.
        trials: how the methods did on earlier years.
        reason: why nothing can be said, or what makes the answer wide.
    """

    target: TargetResult
    limit: float
    users: float
    to_date: float | None
    committed: float | None
    draws: Floats
    method: str
    trials: Trials | None = None
    baselines: Mapping[str, float | None] | None = None
    reason: Text | None = None

    @cached_property
    def quantiles(self) -> tuple[float | None, ...]:
        """The year end that 10, 50 and 90 of 100 draws stay below."""
        if not len(self.draws):
            return (None,) * len(QUANTILES)
        return tuple(float(each) for each in np.quantile(self.draws, QUANTILES))

    @property
    def expected(self) -> float | None:
        """The mean of the draws."""
        return float(self.draws.mean()) if len(self.draws) else None

    def probability(self, less: float = 0.0) -> float | None:
        """Return how likely the target is met if the rest of the year had so much less, in the unit of the target."""
        if not len(self.draws):
            return None
        over = float(self.draws.max()) == float(self.draws.min())
        if not self.accumulates:
            reached = self.draws >= self.limit if self.target.op == ">=" else self.draws <= self.limit
            met = float(reached.mean())
        elif self.to_date is not None and self.to_date > self.limit:
            return 0.0
        else:
            met = float((np.maximum(self.draws - less, self.to_date or 0.0) <= self.limit).mean())
        return met if over else min(max(met, 1 - SURE), SURE)

    @property
    def accumulates(self) -> bool:
        """Whether every outage adds to it, so that what there was cannot be made good."""
        return self.target.where is not None

    @property
    def left(self) -> float | None:
        """What may still be spent: the limit less what there was and what is promised, in customer-hours or interruptions."""
        if self.to_date is None or self.committed is None or not self.users:
            return None
        per_user = self.limit - self.to_date - self.committed
        return per_user * self.users / self.per_hour

    @property
    def per_hour(self) -> float:
        """How many units of the target an hour (or an interruption) is."""
        return 60.0 if self.target.unit == "min" else 1.0

    @property
    def unit(self) -> Text | str:
        """The unit as people say it."""
        return UNITS.get(self.target.unit, self.target.unit)

    def says(self) -> Text:
        """Say it in one sentence."""
        label: Text | str = self.target.label
        if self.target.metric != "SAIDI":
            metric = text(METRIC_NAMES.get(self.target.metric, self.target.metric))
            label = text("{label}, {metric}", label=self.target.label, metric=metric)
        if self.reason is not None and not len(self.draws):
            return text("{label}: {reason}", label=label, reason=self.reason)
        chance = self.probability()
        if chance == 0.0 and self.accumulates:
            return text(
                "{label}: {to_date:.2f} {unit} so far, more than the limit of {limit:.4g} already; {expected:.2f} expected at "
                "the end of the year ({low:.2f} to {high:.2f})",
                label=label, to_date=self.to_date, unit=self.unit, expected=self.expected,
                low=self.quantiles[0], high=self.quantiles[2], limit=self.limit,
            )  # fmt: skip
        return text(
            "{label}: {to_date:.2f} {unit} so far, {expected:.2f} expected at the end of the year ({low:.2f} to {high:.2f}); "
            "the limit of {limit:.4g} is met with a probability of {chance:.0%}",
            label=label, to_date=self.to_date, unit=self.unit, expected=self.expected,
            low=self.quantiles[0], high=self.quantiles[2], limit=self.limit, chance=chance,
        )  # fmt: skip

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the row in the form of commands and routes, with what it rests on."""
        p10, p50, p90 = self.quantiles
        return {
            "target_id": self.target.target_id,
            "label": self.target.label,
            "metric": self.target.metric,
            "unit": self.target.unit,
            "op": self.target.op,
            "limit": self.limit,
            "to_date": self.to_date,
            "committed": self.committed,
            "expected": self.expected,
            "p10": p10,
            "p50": p50,
            "p90": p90,
            "probability_met": self.probability(),
            "left_ch": self.left if self.target.metric == "SAIDI" else None,
            "left_ci": self.left if self.target.metric == "SAIFI" else None,
            "N_T": self.users,
            "method": self.method,
            "baselines": dict(self.baselines) if self.baselines else None,
            "backtest": self.trials.as_dict() if self.trials else None,
            "reason": self.reason.in_language(language) if self.reason else None,
            "says": self.says().in_language(language),
        }


@dataclass(frozen=True, eq=False)
class Forecast:
    """The year of a plan's targets, seen from a moment.

    Attributes:
        plan: its id.
        year: the calendar year.
        as_of: nothing later is known.
        level: ``mv`` or ``lv``.
        med: whether major event days are in (``include``) or out.
        rows: one for each target, in the order of the plan.
        history_days: days of records before.
        plans: planned outages to come that are in it: approved, submitted.
        settings: rules of the forecast.
        notes: what a reader must know.
        frequent: users over, at and one below each bar of frequent outages; see
            :func:`reliability.steering.near_bars.band_counts`;
            ``None`` where it is not told.
    """

    plan: str
    year: int
    as_of: datetime
    level: str
    med: str
    rows: tuple[TargetForecast, ...]
    history_days: int
    plans: tuple[int, int]
    settings: SteeringSettings
    notes: tuple[Text, ...] = ()
    frequent: pl.DataFrame | None = None

    def row(self, target_id: str) -> TargetForecast | None:
        """Return one target, or ``None`` where there is no such target."""
        return next((each for each in self.rows if each.target.target_id == target_id), None)

    @property
    def tightest(self) -> TargetForecast | None:
        """The target of outages that is least likely to be met, of those that are still open, or of all."""
        told = [row for row in self.rows if row.accumulates and row.probability() is not None]
        return min(told, key=lambda each: (each.probability() == 0.0, each.probability() or 0.0), default=None)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the forecast in the form of commands and routes."""
        methods = {row.method for row in self.rows if len(row.draws)}
        tried = [row.trials for row in self.rows if row.trials is not None]
        return {
            "plan": self.plan,
            "as_of": self.as_of.isoformat(),
            "year": self.year,
            "basis": {
                "level": self.level,
                "major_event_days": self.med,
                "rule_pack": DLT_836_2016.id,
                "history_days": self.history_days,
                "plans_approved": self.plans[0],
                "plans_submitted": self.plans[1],
                "settings": self.settings.model_dump(mode="json"),
                "settings_changed": self.settings.changed(),
                "notes": [note.in_language(language) for note in self.notes],
            },
            "method": methods.pop() if len(methods) == 1 else "mixed" if methods else "none",
            "rows": [row.as_dict(language) for row in self.rows],
            "baselines": {
                name: {row.target.target_id: row.baselines[name] for row in self.rows if row.baselines}
                for name in BASELINES
            },
            "backtest": Trials.together(tried).as_dict() if tried else {},
            "frequent": None if self.frequent is None else self.frequent.to_dicts(),
        }


def forecast(
    statistics: Statistics,
    plan: str,
    year: int | None = None,
    as_of: datetime | None = None,
    level: str = "mv",
    med: str = "include",
    planned: pl.DataFrame | None = None,
    notes: Sequence[Text] = (),
) -> Forecast:
    """Return the expected year end of every target of a plan.

    Args:
        statistics: of the workspace.
        plan: id of the plan.
        year: the calendar year; by default that of the as-of time.
        as_of: nothing later is known; by default see :attr:`reliability.known_tables.KnownTables.known_until`.
        level: user level.
        med: ``include`` or ``exclude`` major event days.
        planned: planned outages to come, in the form of :data:`COMMITTED_SCHEMA`; ``None`` where it is not known what is planned.
        notes: what is said beside it.

    Raises:
        FudianError: the plan is not known, or the year is neither over nor begun.
    """
    moment = as_of or statistics.known_until
    chosen = year if year is not None else moment.year
    if moment < Period.year(chosen).start:
        raise FudianError(
            text("{year} has not begun at {moment}.", year=chosen, moment=moment), text("Choose a later as-of time.")
        )
    metrics(statistics, plan)  # whether the plan is known
    return _Forecaster(statistics, plan, chosen, moment, level, med, planned, tuple(notes)).forecast()


@dataclass(frozen=True, eq=False)
class _Forecaster:
    statistics: Statistics
    plan: str
    year: int
    as_of: datetime
    level: str
    med: str
    planned: pl.DataFrame | None
    notes: tuple[Text, ...]

    @cached_property
    def rules(self) -> SteeringSettings:
        return SteeringSettings.of(self.statistics.net.workspace.settings)

    @cached_property
    def end(self) -> date:
        return date(self.year + 1, 1, 1)

    @cached_property
    def start(self) -> date:
        """The first day of which nothing is known."""
        known = self.as_of if self.as_of.time() == datetime.min.time() else self.as_of + timedelta(days=1)
        return min(known.date(), self.end)

    def forecast(self) -> Forecast:
        judged = judge(self.statistics, self.plan, self.year, self.as_of, self.level)
        limits = alternative_limits(self.statistics, self.plan, self.year, self.level)
        rows: dict[str, TargetForecast] = {}
        for metric in ("SAIDI", "SAIFI"):
            targets = [each for each in judged if each.metric == metric and each.where is not None]
            rows |= {each.target.target_id: each for each in self._of_metric(metric, targets, limits)}
        others = {each.target_id: self._other(each) for each in judged if each.target_id not in rows}
        ordered = tuple((rows | others)[each.target_id] for each in judged)
        submitted = (0, 0)
        if self.planned is not None:
            each_plan = self._to_come.unique("plan_id")
            approved = each_plan.filter("approved").height
            submitted = (approved, each_plan.height - approved)
        return Forecast(
            self.plan,
            self.year,
            self.as_of,
            self.level,
            self.med,
            ordered,
            self._history_days,
            submitted,
            self.rules,
            self._said(),
        )

    def _other(self, target: TargetResult) -> TargetForecast:
        """Return a figure of operation with its range, a figure of the grid as it stands."""
        draws = ratio_draws(self.statistics, target, self.year, self.as_of, self.rules)
        if len(draws):
            return TargetForecast(target, target.limit, 0.0, target.value, None, draws, "own_events")
        reason = target.reason
        if target.value is not None and target.metric in STANDS:
            stands = "it stands at {value:.2f} {unit}, the limit of {limit:.4g} holds" if target.status == "pass" else (
                "it stands at {value:.2f} {unit}, the limit of {limit:.4g} is missed")  # fmt: skip
            reason = text(stands, value=target.value, unit=UNITS.get(target.unit, target.unit), limit=target.limit)
        elif reason is None or target.value is not None:
            reason = text("too few events: nothing can be said of the rest of the year")
        return TargetForecast(target, target.limit, 0.0, target.value, None, np.zeros(0), "none", reason=reason)

    def _said(self) -> tuple[Text, ...]:
        found = list(self.notes)
        if self._history_days < 365:
            found.append(
                text("{days} days of records are less than a year: the season is not known, the ranges are wide",
                     days=self._history_days)
            )  # fmt: skip
        if self.planned is None:
            found.append(text("what is planned is not known: planned outages are taken to come as they did"))
        return tuple(found)

    # What was -----------------------------------------------------------------------------------------------------

    @cached_property
    def _ledger(self) -> pl.DataFrame:
        outages = self.statistics.net.workspace.tables["outages"]
        first = outages["start"].min() if outages.height else None
        if not isinstance(first, datetime) or first >= self.as_of:
            return pl.DataFrame()
        period = Period(datetime(first.year, first.month, first.day), min(self.as_of, datetime(self.year + 1, 1, 1)))
        return self.statistics.ledger(Query(period, level=self.level, med=self.med, as_of=self.as_of)).filter("counted")

    @cached_property
    def _first(self) -> date:
        """The day of the first record; the first day to come where there is none."""
        first = self.statistics.net.workspace.tables["outages"]["start"].min()
        return first.date() if isinstance(first, datetime) and self._ledger.height else self.start

    @cached_property
    def _history_days(self) -> int:
        return max((self.start - self._first).days, 0)

    def _record(self, metric: str, areas: Sequence[Area], prearranged: bool) -> DailyRecord:
        """Return hours (or interruptions) per user of every day, of each area; of faults or of prearranged outages."""
        is_prearranged = pl.col("nature").is_in(PREARRANGED).fill_null(value=False)
        rows = self._ledger.filter(is_prearranged if prearranged else ~is_prearranged)
        amount = pl.col("users") * (pl.col("h") if metric == "SAIDI" else pl.col("count"))
        per_user = np.zeros((self._history_days, len(areas)))
        first = microseconds(datetime.combine(self._first, datetime.min.time()))
        for number, area in enumerate(areas):
            daily = area.of(rows, self.statistics.settings).group_by(
                day=(pl.col("from") - first) // 86_400_000_000
            ).agg(amount.sum().cast(pl.Float64).alias("amount"))  # fmt: skip
            inside = daily.filter(pl.col("day").is_between(0, self._history_days - 1))
            np.add.at(per_user[:, number], inside["day"].to_numpy(), inside["amount"].to_numpy())
        # Sums in another order differ in their last bits; without these the same input gives the same draws.
        amounts = np.round(per_user / self._users_by_day(areas), SAME_DECIMALS)
        return DailyRecord(self._first, amounts, tuple(str(each.values) for each in areas))

    def _users_by_day(self, areas: Sequence[Area]) -> Floats:
        """Return the users of each area on each day of the record: those of its year; 1 where there were none."""
        found = np.ones((self._history_days, len(areas)))
        for year in range(self._first.year, self.year + 1):
            low, high = ((date(each, 1, 1) - self._first).days for each in (year, year + 1))
            users = [self._users(area, year) for area in areas]
            found[max(low, 0) : max(high, 0)] = [user or 1.0 for user in users]
        return found

    def _users(self, area: Area, year: int) -> float:
        if (area, year) not in self._known_users:
            self._known_users[area, year] = area.users_in(self.statistics, Period.year(year), self.level)
        return self._known_users[area, year]

    @cached_property
    def _known_users(self) -> dict[tuple[Area, int], float]:
        return {}

    # What may come ------------------------------------------------------------------------------------------------

    def _of_metric(
        self, metric: str, targets: Sequence[TargetResult], limits: Mapping[str, float]
    ) -> list[TargetForecast]:
        areas = [Area(*each.where) for each in targets if each.where is not None]
        if not targets:
            return []
        limit = [max(each.limit, limits.get(each.target_id, each.limit)) for each in targets]
        if not self._history_days:
            reason = text(
                "there are no records before {moment}: nothing can be said of what may come", moment=self.as_of
            )
            return [
                TargetForecast(each, one, self._users(area, self.year), None, 0.0, np.zeros(0), "none", reason=reason)
                for each, area, one in zip(targets, areas, limit, strict=True)
            ]
        faults = forecast_rest(self._record(metric, areas, prearranged=False), self.start, self.end, self.rules,
                               storms=self.med == "include")  # fmt: skip
        planned = self._planned(metric, areas)
        found = []
        for number, (target, area, one) in enumerate(zip(targets, areas, limit, strict=True)):
            users = self._users(area, self.year)
            if not users or target.denominator is None or target.numerator is None:
                reason = target.reason or text("the number of users is not known")
                found.append(TargetForecast(target, one, users, None, 0.0, np.zeros(0), "none", reason=reason))
                continue
            scale = 60.0 if target.unit == "min" else 1.0
            so_far = round(target.numerator / users, SAME_DECIMALS)
            open_ = self._open(metric, area, users)
            rest = faults.draws[:, number] + planned.draws[:, number] + open_
            plain = {
                name: None if (one_ := faults.baseline(name, number)) is None or (two := planned.baseline(name, number)) is None
                else scale * (so_far + one_ + two)
                for name in BASELINES
            }  # fmt: skip
            found.append(
                TargetForecast(
                    target, one, users, scale * so_far, scale * planned.committed[number],
                    scale * (so_far + rest), faults.method(number), faults.trials[number], plain,
                )
            )  # fmt: skip
        return found

    def _open(self, metric: str, area: Area, users: float) -> Floats:
        """Return drawn hours per user that outages still open will add: like the rest of those that lasted as long already."""
        draws = np.zeros(self.rules.forecast_draws)
        if metric != "SAIDI" or "provisional" not in self._ledger.columns:
            return draws
        rows = area.of(self._ledger, self.statistics.settings)
        still = rows.filter("provisional").group_by("outage_id").agg(pl.col("users").sum(), pl.col("group_start").min())
        lasted = rows.filter(~pl.col("provisional"))["duration_h"].to_numpy()
        generator = np.random.default_rng([self.rules.forecast_seed, 7])
        for _, count, began in still.sort("outage_id").iter_rows():
            so_long = (microseconds(self.as_of) - began) / 3.6e9
            longer = lasted[lasted > so_long] - so_long
            most = (datetime(self.year + 1, 1, 1) - self.as_of) / timedelta(hours=1)
            further = (
                generator.choice(longer, len(draws)) if len(longer) else generator.exponential(so_long, len(draws))
            )
            draws += np.minimum(further, max(most, 0.0)) * count / users
        return draws

    @cached_property
    def _to_come(self) -> pl.DataFrame:
        if self.planned is None:
            return pl.DataFrame(schema=COMMITTED_SCHEMA)
        start, end = self.as_of, datetime(self.year + 1, 1, 1)
        return self.planned.filter((pl.col("start") >= start) & (pl.col("start") < end))

    def _planned(self, metric: str, areas: Sequence[Area]) -> _Planned:
        """Return drawn amounts of planned outages: those submitted, and those to come that nobody has submitted yet."""
        record = self._record(metric, areas, prearranged=True)
        # The draws of planned outages are another stream than those of faults.
        own = self.rules.model_copy(update={"forecast_seed": self.rules.forecast_seed + 1})
        known = self.planned is not None and not self.planned.is_empty()
        lead = min(self.start + timedelta(days=math.ceil(self.rules.plan_lead_days) if known else 0), self.end)
        later = forecast_rest(record, lead, self.end, own, storms=False, known_until=self.start)
        near, far, committed = self._submitted(metric, areas, lead)
        draws = near + np.maximum(later.draws, far)
        whole = forecast_rest(record, self.start, self.end, own, storms=False, tried=False)
        return _Planned(draws, committed, {name: whole.baselines[name] for name in BASELINES})

    def _submitted(self, metric: str, areas: Sequence[Area], lead: date) -> tuple[Floats, Floats, Floats]:
        """Return drawn amounts per user of the plans to come until a day and after it, and what is approved of all."""
        count = self.rules.forecast_draws
        near, far = np.zeros((count, len(areas))), np.zeros((count, len(areas)))
        committed = np.zeros(len(areas))
        if self._to_come.is_empty():
            return near, far, committed
        amount = pl.col("users") * (pl.col("hours") if metric == "SAIDI" else 1)
        users = self.statistics.population(self.level).drop_nulls("transformer_id")
        rows = self._to_come.join(users, on="transformer_id", how="inner")
        sums = [
            dict(
                area.of(rows, self.statistics.settings)
                .group_by("plan_id")
                .agg(amount.sum().cast(pl.Float64))
                .iter_rows()
            )
            for area in areas
        ]
        generator = np.random.default_rng([self.rules.forecast_seed, 3])
        for plan_id, start, approved in self._to_come.unique("plan_id").sort("plan_id").select(
            "plan_id", "start", "approved"
        ).iter_rows():  # fmt: skip
            each = np.array([round(own.get(plan_id, 0.0) / (self._users(area, self.year) or 1.0), SAME_DECIMALS)
                             for own, area in zip(sums, areas, strict=True)])  # fmt: skip
            goes_on = np.ones(count) if approved else generator.random(count) < self.rules.pending_share
            (near if start.date() < lead else far)[:] += goes_on[:, None] * each
            committed += each if approved else 0.0
        return near, far, committed


@dataclass(frozen=True, eq=False)
class _Planned:
    draws: Floats
    committed: Floats
    baselines: Mapping[str, Floats | None]

    def baseline(self, name: str, number: int) -> float | None:
        found = self.baselines[name]
        return None if found is None else float(found[number])
