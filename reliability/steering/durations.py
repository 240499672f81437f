"""How long planned outages really take 准确评估停送电操作及施工时间: by kind of job and extent, and what overruns cost.

The cases are plans that were carried out. Few jobs are of the same kind and extent, so a prediction pools in part: the cases of
the same kind and extent count one each; behind them stand those of the same kind, behind these those of the same nature, and at
last all of them, each as heavy as ``duration_pooling_cases`` cases (the posterior mean of a hierarchical Dirichlet process; Teh,
Jordan, Beal and Blei, Journal of the American Statistical Association 101, 2006).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from network import Network, Text, text
from reliability.live_items import LIVE_ITEMS, suggested_item
from reliability.natures import PLANNED_WORK
from reliability.period import Period
from reliability.steering.rest_of_year import QUANTILES
from reliability.steering.settings import SteeringSettings

PARTS = ("opening", "work", "closing", "whole")
"""From the cut to the permit of work, from the permit to its end, from there until supply is back, and all of it."""

_EDGES = {
    "opening": ("actual_start", "work_start"),
    "work": ("work_start", "work_end"),
    "closing": ("work_end", "actual_end"),
    "whole": ("actual_start", "actual_end"),
}

EXTENTS = {
    "one": text("one user"),
    "few": text("few users"),
    "many": text("many users"),
    "unknown": text("extent not known"),
}
"""How many medium-voltage users the place of the work cuts off in the normal state, without transfer."""

JUDGEMENTS = {"short": text("stated too short"), "long": text("stated too long"), "fits": text("fits")}
"""What becomes of a stated time."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """A predicted length in hours.

    Attributes:
        low, middle, high: 10, 50 and 90 % quantiles.
    """

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Prediction:
    """How long a plan is likely to take.

    Attributes:
        plan_id: the plan.
        kind: kind of job: the live-line item that its words suggest, else its nature; blank where neither is known.
        extent: of :data:`EXTENTS`.
        users: medium-voltage users below its place; ``None`` where the place is not known.
        stated_h: hours between its planned start and end.
        parts: predicted hours of each of :data:`PARTS` of which there is history.
        alike: cases of the same kind and extent.
        of_kind: cases of the same kind, whatever their extent.
        cases: all cases.
        weight: as many cases of equal weight would say as much as the pooled ones do.
        holds: share of such jobs that the range from low to high holds; less than 0.8 where there are few cases.
        longer: share of such jobs that took longer than stated.
        judgement: of :data:`JUDGEMENTS`; ``None`` where there are too few of its kind.
    """

    plan_id: str
    kind: str
    extent: str
    users: int | None
    stated_h: float
    parts: Mapping[str, Spread]
    alike: int
    of_kind: int
    cases: int
    weight: float
    holds: float | None
    longer: float | None
    judgement: str | None

    @property
    def rests_on(self) -> Text:
        """Say what history it rests on, and how wide that leaves it."""
        if not self.cases:
            return text("no plan that was carried out says from when to when: nothing can be predicted")
        said = text(
            "{alike} jobs of the same kind and extent, {of_kind} of the same kind, {cases} in all", alike=self.alike,
            of_kind=self.of_kind, cases=self.cases,
        )  # fmt: skip
        if self.holds is None or self.holds >= QUANTILES[-1] - QUANTILES[0]:
            return said
        return text("{said}; so few that the range holds only {holds:.0%} of such jobs", said=said, holds=self.holds)

    @property
    def warning(self) -> Text | None:
        """Say that the stated time is too short or too long; ``None`` where it is not, or cannot be judged."""
        if self.judgement not in {"short", "long"}:
            return None
        whole = self.parts["whole"]
        words = {
            "short": text("{stated:.1f} h are stated; {longer:.0%} of such jobs took longer: {low:.1f} to {high:.1f} h, half of "
                          "them more than {middle:.1f} ({rests_on})",
                          stated=self.stated_h, longer=self.longer, low=whole.low, high=whole.high, middle=whole.middle,
                          rests_on=self.rests_on),
            "long": text("{stated:.1f} h are stated; only {longer:.0%} of such jobs took longer: {low:.1f} to {high:.1f} h, half "
                         "of them less than {middle:.1f} ({rests_on})",
                         stated=self.stated_h, longer=self.longer, low=whole.low, high=whole.high, middle=whole.middle,
                         rests_on=self.rests_on),
        }  # fmt: skip
        return words[self.judgement]

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every figure, the judgement and what it rests on in a language."""
        hours = {
            f"{part}_{name}_h": getattr(self.parts[part], name) if part in self.parts else None
            for part in PARTS
            for name in ("low", "middle", "high")
        }
        own = {name: value for name, value in vars(self).items() if name != "parts"}
        warning = self.warning
        return own | hours | {
            "extent_means": EXTENTS[self.extent].in_language(language),
            "rests_on": self.rests_on.in_language(language),
            "warning": warning.in_language(language) if warning else None,
        }  # fmt: skip


@dataclass(frozen=True)
class Durations:
    """The plans to come with how long they are likely to take, and what overruns and late operations have cost.

    Attributes:
        as_of: nothing later is known.
        predictions: one per plan to come.
        period: of the losses.
        losses: of :meth:`History.losses`.
        settings: the rules that were used.
    """

    as_of: datetime
    predictions: tuple[Prediction, ...]
    period: Period
    losses: pl.DataFrame
    settings: SteeringSettings

    @property
    def warned(self) -> tuple[Prediction, ...]:
        """The plans whose stated time is too short or too long."""
        return tuple(prediction for prediction in self.predictions if prediction.warning is not None)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every figure with the settings that it rests on."""
        names = [name for name in type(self.settings).model_fields if name.startswith("duration_")]
        return {
            "as_of": self.as_of.isoformat(),
            "basis": {"user_level": "MV", "settings": {name: getattr(self.settings, name) for name in names}},
            "rows": [prediction.as_dict(language) for prediction in self.predictions],
            "period": self.period.as_dict(),
            "losses": self.losses.to_dicts(),
        }


@dataclass(eq=False)
class History:
    """The plans that were carried out, as cases for those to come.

    Attributes:
        net: the network.
        as_of: nothing later is known.
        rules: the settings.
    """

    net: Network
    as_of: datetime
    rules: SteeringSettings
    _weighed: dict[tuple[str | None, str, str], Floats] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, net: Network, as_of: datetime) -> History:
        """Gather the history of a workspace as it is known at a moment."""
        return cls(net, as_of, SteeringSettings.of(net.workspace.settings))

    def predict(self, plan: Mapping[str, Any]) -> Prediction:
        """Return how long a plan is likely to take.

        Args:
            plan: a row of the table ``plans``.
        """
        kind, users = kind_of(plan), self._users_at(plan)
        extent = self._extent(users)
        stated_h = (plan["end"] - plan["start"]) / timedelta(hours=1)
        known = self.cases
        of_kind = known["kind"] == kind
        alike = int((of_kind & (known["extent"] == extent)).sum())
        counts = alike, int(of_kind.sum()), known.height
        if known.is_empty():
            return Prediction(str(plan["plan_id"]), kind, extent, users, stated_h, {}, *counts, 0.0, None, None, None)
        weights = self._weights(plan.get("nature"), kind, extent)
        parts = {part: self._spread(known[part].to_numpy(), weights) for part in PARTS if known[part].count()}
        weight = float(1 / (weights**2).sum())
        holds = min(QUANTILES[-1] - QUANTILES[0], max(weight - 1, 0.0) / (weight + 1))
        longer = float(weights[known["whole"].to_numpy() > stated_h + 1e-9].sum())
        judgement = self._judgement(counts[1], stated_h, longer, parts["whole"])
        return Prediction(
            str(plan["plan_id"]), kind, extent, users, stated_h, parts, *counts, weight, holds, longer, judgement
        )

    def _judgement(self, of_kind: int, stated_h: float, longer: float, whole: Spread) -> str | None:
        if of_kind < self.rules.duration_least_cases:
            return None
        if longer > self.rules.duration_short_share:
            return "short"
        return "long" if stated_h > whole.high else "fits"

    @cached_property
    def cases(self) -> pl.DataFrame:
        """The plans that were carried out: ``plan_id, nature, kind, extent, users``, and the hours of :data:`PARTS`.

        Hours of a part are null where one of its moments is not known; moments that run backwards are no case.
        """
        done = self._done.to_dicts()
        rows = [
            {"plan_id": row["plan_id"], "nature": row["nature"], "kind": kind_of(row), "users": (users := self._users_at(row)),
             "extent": self._extent(users)} | {part: _hours(row, *edges) for part, edges in _EDGES.items()}
            for row in done
        ]  # fmt: skip
        schema = {"plan_id": pl.String, "nature": pl.String, "kind": pl.String, "users": pl.Int64, "extent": pl.String}
        return pl.DataFrame(rows, schema | dict.fromkeys(PARTS, pl.Float64)).drop_nulls("whole")

    @cached_property
    def _done(self) -> pl.DataFrame:
        plans = self.net.workspace.tables["plans"]
        return plans.filter((pl.col("actual_end") <= self.as_of) & pl.col("actual_start").is_not_null())

    # Pooling ------------------------------------------------------------------------------------------------------

    def _weights(self, nature: str | None, kind: str, extent: str) -> Floats:
        """Return the weight of each case for a job of a nature, kind and extent; they add up to one."""
        key = nature, kind, extent
        if key not in self._weighed:
            same_nature = self.cases.select(pl.col("nature").eq_missing(pl.lit(nature))).to_series().to_numpy()
            same_kind = (self.cases["kind"] == kind).to_numpy()
            alike = same_kind & (self.cases["extent"] == extent).to_numpy()
            weights = np.full(self.cases.height, 1 / self.cases.height)
            for own in (same_nature, same_kind, alike):
                behind = self.rules.duration_pooling_cases
                if own.sum() + behind:
                    weights = (own + behind * weights) / (own.sum() + behind)
            self._weighed[key] = weights
        return self._weighed[key]

    def _spread(self, hours: Floats, weights: Floats) -> Spread:
        known = ~np.isnan(hours)
        order = np.argsort(hours[known], kind="stable")
        sums = np.cumsum(weights[known][order])
        places = np.searchsorted(sums / sums[-1], np.array(QUANTILES) - 1e-12)
        low, middle, high = hours[known][order][np.minimum(places, len(order) - 1)].tolist()
        return Spread(low, middle, high)

    # Extent -------------------------------------------------------------------------------------------------------

    @cached_property
    def _below(self) -> dict[tuple[str, str], int]:
        """Medium-voltage users below each place that a plan can name, by its column and id, in the normal state."""
        if self.net.branches.is_empty():
            return {}
        below = self.net.energise().users_below()
        found = {
            ("branch_id", name): int(users) for name, users in zip(self.net.branches["branch_id"], below, strict=True)
        }
        counts = self.net.transformers.drop_nulls("feeder_id").group_by("feeder_id").agg(
            pl.col("transformer_id").n_unique().cast(pl.Int64)
        )  # fmt: skip
        return found | {("feeder_id", name): users for name, users in counts.iter_rows()}

    def _users_at(self, plan: Mapping[str, Any]) -> int | None:
        for name in ("branch_id", "feeder_id"):
            if plan.get(name):
                return self._below.get((name, str(plan[name])))
        return 1 if plan.get("transformer_id") else None

    def _extent(self, users: int | None) -> str:
        if users is None:
            return "unknown"
        if users <= 1:
            return "one"
        return "few" if users <= self.rules.duration_few_users else "many"

    # What it cost -------------------------------------------------------------------------------------------------

    def losses(self, period: Period) -> pl.DataFrame:
        """Return the customer-hours lost to overruns and late operations in the plans of a period, by unit, the most first.

        Users are off in vain while the crew that operates is awaited (after the cut until it stands ready, and from the end of
        the work until it stands ready), and beyond the planned end; what is both is counted once in the sum. Users are those
        below the place of the work in the normal state, without transfer.

        Returns:
            ``unit``, ``plans`` (carried out), ``overrun`` and ``late`` (how many of them), ``overrun_ch``, ``late_ch``,
            ``lost_ch`` (either of the two), ``off_ch`` (of all of them), ``untold`` (plans whose users or moments are not known).
        """
        inside = (pl.col("actual_start") >= period.start) & (pl.col("actual_start") < period.end)
        rows = [
            {"unit": row["unit"], "users": self._users_at(row)} | _lost(row)
            for row in self._done.filter(inside).to_dicts()
        ]
        schema = {
            "unit": pl.String,
            "users": pl.Int64,
            **dict.fromkeys(("overrun_h", "late_h", "lost_h", "off_h"), pl.Float64),
        }
        table = pl.DataFrame(rows, schema)
        hours = [
            (pl.col("users") * pl.col(f"{name}_h")).sum().cast(pl.Float64).alias(f"{name}_ch")
            for name in ("overrun", "late", "lost", "off")
        ]
        return (
            table.group_by("unit")
            .agg(
                pl.len().cast(pl.Int64).alias("plans"),
                (pl.col("overrun_h") > 0).sum().cast(pl.Int64).alias("overrun"),
                (pl.col("late_h") > 0).sum().cast(pl.Int64).alias("late"),
                *hours,
                (pl.col("users") * pl.col("lost_h")).is_null().sum().cast(pl.Int64).alias("untold"),
            )
            .sort("lost_ch", "unit", descending=[True, False], nulls_last=True)
        )


def kind_of(plan: Mapping[str, Any]) -> str:
    """Return the kind of job of a plan: the live-line item that its words suggest, else its nature; blank without either."""
    item = suggested_item(plan.get("work"))
    if item is not None:
        return LIVE_ITEMS[item]
    nature = plan.get("nature")
    return nature if nature in PLANNED_WORK else ""


def _hours(row: Mapping[str, Any], first: str, last: str) -> float | None:
    if row[first] is None or row[last] is None or row[last] < row[first]:
        return None
    return float((row[last] - row[first]) / timedelta(hours=1))


def _lost(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the hours for which a plan that was carried out was off beyond its end, waiting for its crew, either, and at all."""
    off = _hours(row, "actual_start", "actual_end")
    if off is None:
        return dict.fromkeys(("overrun_h", "late_h", "lost_h", "off_h"))
    start, end = row["actual_start"], row["actual_end"]
    overrun = (max(row["end"], start), end)
    waits = [
        (first, min(last, until))
        for first, last, until in (
            (start, row["open_arrived_at"], row["work_start"] or end),
            (row["work_end"], row["close_arrived_at"], end),
        )
        if first is not None and last is not None
    ]
    return {
        "overrun_h": _union([overrun]),
        "late_h": _union(waits),
        "lost_h": _union([overrun, *waits]),
        "off_h": off,
    }


def _union(spans: list[tuple[datetime, datetime]]) -> float:
    """Return the hours that lie in any of some spans."""
    hours, until = 0.0, datetime.min
    for first, last in sorted(spans):
        begun = max(first, until)
        if last > begun:
            hours += (last - begun) / timedelta(hours=1)
            until = last
    return hours
