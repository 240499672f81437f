"""What would meet a target: what can still be changed in the rest of the year, in order of the customer-hours that it saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from network import Text, text
from reliability.area import Area
from reliability.natures import FAULT
from reliability.period import Period
from reliability.query import Query
from reliability.statistics import Statistics
from reliability.steering.forecast import Forecast, TargetForecast

MOST = 10


@dataclass(frozen=True)
class Lever:
    """One thing that can be changed.

    Attributes:
        kind: ``live`` (a plan done without an outage), ``feeder`` (brought to the median of its class) or ``faster``.
        name: the plan or feeder, or the minutes.
        saves_ch: customer-hours of the area that it saves in the rest of the year.
        probability: how likely the target is met then.
        says: in one sentence.
    """

    kind: str
    name: str
    saves_ch: float
    probability: float | None
    says: Text

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every figure, the sentence in a language."""
        return vars(self) | {"says": self.says.in_language(language)}


def levers(
    statistics: Statistics, said: Forecast, target_id: str, planned: pl.DataFrame | None, faster_min: float
) -> tuple[Lever, ...]:
    """Return what would help to meet a target, the greatest first; nothing where no forecast can be made of it.

    Args:
        statistics: of the workspace.
        said: the forecast.
        target_id: the target, of the time without power.
        planned: planned outages to come, as for :func:`reliability.steering.forecast.forecast`.
        faster_min: minutes by which faults could be restored sooner.
    """
    row = said.row(target_id)
    if row is None or not len(row.draws) or row.target.where is None or row.target.metric != "SAIDI" or not row.users:
        return ()
    area = Area(*row.target.where)
    found = [
        *_plans(statistics, said, area, planned),
        *_feeders(statistics, said, area),
        *_faster(statistics, said, area, faster_min),
    ]
    known = [_with_probability(row, *each) for each in found if each[2] > 0]
    return tuple(sorted(known, key=lambda each: (-each.saves_ch, each.kind, each.name))[: 2 * MOST])


def _with_probability(row: TargetForecast, kind: str, name: str, hours: float, says: Text) -> Lever:
    return Lever(kind, name, hours, row.probability(hours / row.users * row.per_hour), says)


Found = tuple[str, str, float, Text]


def _plans(statistics: Statistics, said: Forecast, area: Area, planned: pl.DataFrame | None) -> list[Found]:
    """Return what each plan to come takes of the area: saved where it is done live, moved beyond the year, or merged away."""
    if planned is None or planned.is_empty():
        return []
    year_end = Period.year(said.year).end
    users = statistics.population(said.level).drop_nulls("transformer_id")
    coming = planned.filter((pl.col("start") >= said.as_of) & (pl.col("start") < year_end))
    rows = area.of(coming.join(users, on="transformer_id", how="inner"), statistics.settings)
    sums = rows.group_by("plan_id").agg(ch=(pl.col("users") * pl.col("hours")).sum())
    return [
        ("live", plan, hours, text("plan {plan} done live, merged into another or moved beyond the year saves {hours:.1f} "
                                   "customer-hours", plan=plan, hours=hours))
        for plan, hours in sums.iter_rows()
    ]  # fmt: skip


def _year_of_faults(statistics: Statistics, said: Forecast, area: Area) -> tuple[pl.DataFrame, float]:
    """Return the fault rows of the twelve months before, and the share of a year that is still to come."""
    start = said.as_of - timedelta(days=365)
    ledger = statistics.ledger(Query(Period(start, said.as_of), level=said.level, med=said.med, as_of=said.as_of))
    rows = area.of(ledger.filter(pl.col("counted") & pl.col("nature").is_in(FAULT)), statistics.settings)
    year = Period.year(said.year)
    left = max((year.end - said.as_of) / (year.end - year.start), 0.0)
    return rows, left


def _feeders(statistics: Statistics, said: Forecast, area: Area) -> list[Found]:
    """Return what the feeders with most hours per user save where they are brought to the median of the area's feeders."""
    rows, left = _year_of_faults(statistics, said, area)
    users = (
        area.of(statistics.population(said.level), statistics.settings)
        .group_by("feeder_id")
        .agg(users=pl.col("users").sum())
    )
    hours = rows.group_by("feeder_id").agg(ch=(pl.col("users") * pl.col("h")).sum())
    table = (
        users.join(hours, on="feeder_id", how="left").with_columns(pl.col("ch").fill_null(0.0)).drop_nulls("feeder_id")
    )
    if table.height < 2:
        return []
    per_user = table["ch"] / table["users"]
    middle = float(per_user.median())  # type: ignore[arg-type]
    names: Mapping[str, str | None] = dict(statistics.net.feeders.select("feeder_id", "name").iter_rows())
    worst = table.with_columns(saves=((per_user - middle) * table["users"] * left).clip(0)).sort(
        "saves", descending=True
    )
    return [
        ("feeder", feeder, saves, text("{feeder} brought to the median of its class saves {hours:.1f} customer-hours of faults",
                                       feeder=names.get(feeder) or feeder, hours=saves))
        for feeder, saves in worst.head(MOST).select("feeder_id", "saves").iter_rows()
    ]  # fmt: skip


def _faster(statistics: Statistics, said: Forecast, area: Area, faster_min: float) -> list[Found]:
    """Return what faults restored sooner save: so many minutes of each interruption, and no more than it lasts."""
    rows, left = _year_of_faults(statistics, said, area)
    sooner = pl.min_horizontal("h", pl.lit(faster_min / 60)) * pl.col("users")
    saves = float(rows.select(sooner.sum()).item() or 0.0) * left
    return [("faster", f"{faster_min:g} min", saves, text("faults restored {minutes:g} minutes sooner save {hours:.1f} "
             "customer-hours", minutes=faster_min, hours=saves))]  # fmt: skip
