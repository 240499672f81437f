"""What would meet a target: what can still be changed in the rest of the year, in order of the customer-hours that it saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from reliability.steering.rest_of_year import YEAR_DAYS

MOST = 10

LEVER_NAMES = {
    "live": "live work",
    "merge": "merging",
    "move": "moving",
    "transfer": "transfer",
    "feeder": "feeder",
    "faster": "faster restoration",
}
"""Kinds of levers, for people."""

OPTIONS_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String,
    "name": pl.String,
    "detail": pl.String,
    "start": pl.Datetime("us"),
    "counted": pl.Boolean,
    "transformer_id": pl.String,
    "hours": pl.Float64,
}
"""Changes of plans to come: ``live``, ``merge``, ``move`` or ``transfer``; of which plan; a word on it; when it begins; whether
the forecast counts on it already; and the hours that it saves of each transformer, less than zero where it adds some."""

_SAYS = {
    ("live", False): text("plan {name} done live ({detail}) saves {hours:.1f} customer-hours"),
    ("live", True): text(
        "plan {name} done live ({detail}) saves {hours:.1f} customer-hours; the forecast counts on it"
    ),
    ("merge", False): text("plans {name} in one outage save {hours:.1f} customer-hours"),
    ("move", False): text("plan {name} moved beyond the year saves {hours:.1f} customer-hours of this year"),
    ("transfer", True): text("transfer during plan {name} saves {hours:.1f} customer-hours; the forecast counts on it"),
}
"""What each change of a plan says, counted on already or not."""


@dataclass(frozen=True)
class Lever:
    """One thing that can be changed.

    Attributes:
        kind: ``live`` (a plan done without an outage), ``merge``, ``move`` (beyond the year), ``transfer``, ``feeder`` (brought
            to the median of its class) or ``faster``.
        name: the plans or feeder, or the minutes.
        saves_ch: customer-hours of the area that it saves in the rest of the year.
        counted: whether the forecast counts on it already.
        probability: how likely the target is met with it.
        without: how likely without it.
        says: in one sentence.
    """

    kind: str
    name: str
    saves_ch: float
    counted: bool
    probability: float | None
    without: float | None
    says: Text

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every figure, the sentence in a language."""
        return vars(self) | {"says": self.says.in_language(language)}


def levers(
    statistics: Statistics, said: Forecast, target_id: str, options: pl.DataFrame | None, faster_min: float
) -> tuple[Lever, ...]:
    """Return what would help to meet a target, the greatest first; nothing where no forecast can be made of it.

    Args:
        statistics: of the workspace.
        said: the forecast.
        target_id: the target, of the time without power.
        options: what can be changed about the plans to come, in the form of :data:`OPTIONS_SCHEMA`.
        faster_min: minutes by which faults could be restored sooner.
    """
    row = said.row(target_id)
    if row is None or not len(row.draws) or row.target.where is None or row.target.metric != "SAIDI" or not row.users:
        return ()
    area = Area(*row.target.where)
    found = [
        *_plans(statistics, said, area, options),
        *_feeders(statistics, said, area),
        *_faster(statistics, said, area, faster_min),
    ]
    known = [_with_probability(row, *each) for each in found if each[2] > 0]
    return tuple(sorted(known, key=lambda each: (-each.saves_ch, each.kind, each.name)))


def lever_notes(said: Forecast, row: TargetForecast | None, found: Sequence[Lever]) -> tuple[Text, ...]:
    """Say what the levers of a target cannot say.

    Args:
        said: the forecast.
        row: the target; ``None`` where of none a forecast can be made.
        found: its levers.
    """
    if row is None:
        none = text("of no target of the plan a forecast can be made, so no lever is told")
        return (none, *(each.says() for each in said.rows))
    if not len(row.draws):
        return (text("no lever is told"), row.says())
    if row.target.metric != "SAIDI":
        return (
            text(
                "levers are told of the time without power only, and {label} counts something else",
                label=row.target.label,
            ),
        )
    notes = []
    if said.history_days < YEAR_DAYS:
        notes.append(
            text("savings of feeders and of faster restoration are those of the faults of {days} days, not of a year",
                 days=said.history_days)
        )  # fmt: skip
    if not found:
        notes.append(text("nothing that can still be changed saves customer-hours of {label}", label=row.target.label))
    return (*notes, *said.notes)


def _with_probability(row: TargetForecast, kind: str, name: str, hours: float, says: Text, counted: bool) -> Lever:
    change = hours / row.users * row.per_hour
    chances = row.probability(0.0 if counted else change), row.probability(-change if counted else 0.0)
    return Lever(kind, name, hours, counted, *chances, says)


Found = tuple[str, str, float, Text, bool]


def _plans(statistics: Statistics, said: Forecast, area: Area, options: pl.DataFrame | None) -> list[Found]:
    """Return what each change of a plan saves of the area in the year."""
    if options is None or options.is_empty():
        return []
    year_end = Period.year(said.year).end
    users = statistics.population(said.level).drop_nulls("transformer_id")
    coming = options.filter((pl.col("start") >= said.as_of) & (pl.col("start") < year_end))
    rows = area.of(coming.join(users, on="transformer_id", how="inner"), statistics.settings)
    sums = rows.group_by("kind", "name", "detail", "counted").agg(
        ch=(pl.col("users") * pl.col("hours")).sum().cast(pl.Float64)
    )
    return [
        (
            kind,
            name,
            hours,
            Text(_SAYS[kind, counted].template, {"name": name, "detail": detail, "hours": hours}),
            counted,
        )
        for kind, name, detail, counted, hours in sums.iter_rows()
    ]


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
                                       feeder=names.get(feeder) or feeder, hours=saves), False)
        for feeder, saves in worst.head(MOST).select("feeder_id", "saves").iter_rows()
    ]  # fmt: skip


def _faster(statistics: Statistics, said: Forecast, area: Area, faster_min: float) -> list[Found]:
    """Return what faults restored sooner save: so many minutes of each interruption, and no more than it lasts."""
    rows, left = _year_of_faults(statistics, said, area)
    sooner = pl.min_horizontal("h", pl.lit(faster_min / 60)) * pl.col("users")
    saves = float(rows.select(sooner.sum()).item() or 0.0) * left
    return [("faster", f"{faster_min:g} min", saves, text("faults restored {minutes:g} minutes sooner save {hours:.1f} "
             "customer-hours", minutes=faster_min, hours=saves), False)]  # fmt: skip
