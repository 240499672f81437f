"""Load that is true: what each transformer takes in the hours until the repair, and after hours without supply.

A load curve 负荷曲线 (table ``load_profile``) gives the load of a class in each hour beside the typical one. After hours without
supply the first load is higher, since heating, pumps and refrigerators all start at once (冷负荷); it sinks to that of the hour.
So a plan is proven at the load of now, as high as it is after the outage, and at that of each hour until the repair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from network import Text, Topology, text
from network.arrays import Indices, Numbers
from network.representation import Shown
from network.tables.code_words import REGION_CLASSES
from network.texts import shown
from repair.isolation import Isolation
from repair.restoration.loading import Loads
from repair.settings import RestorationSettings

ALL = "all"
"""The class of whoever has no row of their own."""

_WORDS = {word: code for code, words in REGION_CLASSES.items() for word in (code, *words)}
MONTHS, DAYS, HOURS = 12, 7, 24
_HOUR = timedelta(hours=1)

Key = tuple[str, int | None, int | None, int]
"""A class or a transformer, a month, a day of the week (``None`` is every one), an hour."""


@dataclass(frozen=True, eq=False, repr=False)
class LoadCurve(Shown):
    """The load of each transformer by hour, over its typical one.

    Attributes:
        factor: of each row of ``load_profile``.
        kinds: the names under which transformers are looked up, those first that go first.
        kind: of each transformer, by number in ``kinds``, shape (transformers,).
    """

    factor: dict[Key, float]
    kinds: Sequence[tuple[str, ...]]
    kind: Indices

    @classmethod
    def of(cls, net: Topology) -> LoadCurve | None:
        """Return the curve of a network, ``None`` where it has no table ``load_profile``."""
        rows = net.workspace.tables["load_profile"]
        if rows.is_empty():
            return None
        factor: dict[Key, float] = {}
        for row in rows.iter_rows(named=True):
            name = f"#{row['transformer_id']}" if row["class"] is None else _WORDS.get(row["class"], row["class"])
            factor[name, row["month"], row["weekday"], row["hour"]] = float(row["factor"])
        own = rows["transformer_id"].drop_nulls().unique()
        told = net.transformers.select(
            own=pl.when(pl.col("transformer_id").is_in(own.implode())).then(pl.lit("#") + pl.col("transformer_id")),
            load_class=pl.col("load_class").replace(_WORDS),
            region_class="region_class",
        )
        numbered = told.with_columns(pl.struct(pl.all()).rank("dense").alias("kind"))
        kinds = numbered.unique("kind").sort("kind").drop("kind")
        names = [tuple(name for name in (*row, ALL) if name is not None) for row in kinds.iter_rows()]
        return cls(factor, names, numbered["kind"].cast(pl.Int64).to_numpy() - 1)

    def at(self, moment: datetime) -> Numbers:
        """Return the load in the hour of a moment over the typical one; 1 where no row tells it, shape (transformers,)."""
        found = [self._of(names, moment.month, moment.isoweekday(), moment.hour) for names in self.kinds]
        return np.array(found)[self.kind]

    def _of(self, names: Sequence[str], month: int | None, weekday: int | None, hour: int) -> float:
        """Return the factor of the first name that has one for an hour, of a month and a day before that of every one."""
        whens = [(each, day) for each in (month, None) for day in (weekday, None)]
        keys = ((name, *when, hour) for name in names for when in whens)
        return next((self.factor[key] for key in keys if key in self.factor), 1.0)

    def day(self, at: datetime | None, kw: Numbers) -> list[Numbers]:
        """Return the factors in the hours of a day, each of shape (transformers,).

        Args:
            at: the day; ``None`` for the one that has most load in one hour.
            kw: the typical load of each transformer.
        """
        whens = (
            [(at.month, at.isoweekday())] if at is not None else [(m, d) for m in self._months for d in self._weekdays]
        )
        days = [
            [np.array([self._of(names, *when, hour) for names in self.kinds])[self.kind] for hour in range(HOURS)]
            for when in whens
        ]
        return max(days, key=lambda hours: max(float((factor * kw).sum()) for factor in hours))

    @cached_property
    def _months(self) -> list[int | None]:
        """The months that differ; ``None`` is any other."""
        named = sorted({key[1] for key in self.factor if key[1] is not None})
        return [*named, *([] if len(named) == MONTHS else [None])]

    @cached_property
    def _weekdays(self) -> list[int | None]:
        """The days of the week that differ; ``None`` is any other."""
        named = sorted({key[2] for key in self.factor if key[2] is not None})
        return [*named, *([] if len(named) == DAYS else [None])]

    @cached_property
    def highest(self) -> Numbers:
        """The highest factor of each transformer in any hour, shape (transformers,)."""
        whens = [(month, day, hour) for month in self._months for day in self._weekdays for hour in range(HOURS)]
        found = [max(self._of(names, *when) for when in whens) for names in self.kinds]
        return np.array(found)[self.kind]

    @cached_property
    def untold(self) -> int:
        """How many transformers no row tells of."""
        named = {name for name, *_ in self.factor}
        told = np.array([not named.isdisjoint(names) for names in self.kinds])
        return int((~told[self.kind]).sum())


@dataclass(frozen=True, eq=False, repr=False)
class Hour(Shown):
    """The load of one hour.

    Attributes:
        at: when; ``None`` where no moment is known.
        warm: what each transformer takes that has been fed all the time.
        cold: the same, where those who lost supply have just come back.
    """

    at: datetime | None
    warm: Loads
    cold: Loads

    def kw_of(self, transformers: Indices) -> float:
        """Return what these transformers take."""
        return float(self.cold.kw[transformers].sum())


@dataclass(frozen=True)
class LoadBasis:
    """At which load a plan was proven.

    Attributes:
        hours_off: hours without supply until the last of those who come back has it again.
        cold_load: what those take then over their load of the hour.
        proven_at: the hours, their beginnings; empty where no curve is given or no moment known.
        worst: of these the hour with the most load around the fault.
        said: what else to know.
    """

    hours_off: float
    cold_load: float
    proven_at: tuple[datetime, ...] = ()
    worst: datetime | None = None
    said: tuple[Text, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return ``hours_off, cold_load, proven_at, worst``, times as text."""
        return {
            "hours_off": self.hours_off,
            "cold_load": self.cold_load,
            "proven_at": [each.isoformat(sep=" ") for each in self.proven_at],
            "worst": None if self.worst is None else self.worst.isoformat(sep=" "),
        }


def cold_load_after(hours: float, rules: RestorationSettings) -> float:
    """Return what comes back after so many hours without supply takes, over its load of the hour."""
    return max((factor for begin, factor in rules.cold_load if hours >= begin), default=1.0)


def planning_loads(typical: Loads) -> Loads:
    """Return the load for what is judged without an hour of its own, as the setting ``planning_load`` says.

    Args:
        typical: the load of every transformer without a curve.
    """
    which, curve = typical.rules.planning_load, LoadCurve.of(typical.network)
    if curve is None:
        return typical
    if which == "typical":
        loads, said = typical, text("The typical load is taken, not that of load_profile (planning_load)")
    elif which == "worst_hour":
        hours = [typical.times(factor) for factor in curve.day(None, typical.kw)]
        loads = max(hours, key=lambda each: float(each.kw.sum()))
        said = text("The load is that of the hour of load_profile with the most in the network (planning_load)")
    else:
        loads, said = (
            typical.times(curve.highest),
            text("Every load is taken at its highest hour of load_profile (planning_load)"),
        )
    return replace(loads, assumed=(*typical.assumed, said))


def hours_until(
    typical: Loads, curve: LoadCurve | None, lost: Indices, at: datetime | None, repair_min: float, cold_load: float
) -> list[Hour]:
    """Return the load of now and of each hour until the repair, each other load once.

    Args:
        typical: the load of every transformer without a curve.
        curve: the load by hour, where it is known.
        lost: transformers that lost supply.
        at: now; without it each transformer is taken at its highest hour.
        repair_min: minutes until the repair.
        cold_load: what those who lost supply take when they come back, over their load.
    """
    if curve is None or at is None:
        now = typical if curve is None else typical.times(curve.highest)
        return [Hour(None, now, now.times_of(lost, cold_load))]
    end, moment, found = at + timedelta(minutes=repair_min), at, list[Hour]()
    while moment < end or not found:
        warm = typical.times(curve.at(moment))
        hour = Hour(moment, warm, warm if found else warm.times_of(lost, cold_load))
        if not any(np.array_equal(hour.cold.kw, each.cold.kw) for each in found):
            found.append(hour)
        moment = moment.replace(minute=0, second=0, microsecond=0) + _HOUR
    return found


def highest_of(hours: Sequence[Hour]) -> Hour:
    """Return the highest load of each transformer in any of these hours: what keeps the limits at it does so in each of them."""
    warm, cold = (np.max([getattr(hour, name).kw for hour in hours], axis=0) for name in ("warm", "cold"))
    return Hour(hours[0].at, replace(hours[0].warm, kw=warm), replace(hours[0].cold, kw=cold))


def hours_off(fault: Isolation, log: pl.DataFrame, at: datetime) -> float:
    """Return for how many hours those behind the devices that tripped have been off by the log; 0 where it tells nothing."""
    ids = fault.network.branches["branch_id"].gather(fault.tripped)
    last = log.filter(pl.col("branch_id").is_in(ids.implode()), pl.col("action") == "open", pl.col("time") <= at)
    begun = last.group_by("branch_id").agg(pl.col("time").max())["time"].min()
    return (at - begun).total_seconds() / 3600.0 if isinstance(begun, datetime) else 0.0


def said_of(hours: Sequence[Hour], curve: LoadCurve | None, basis: LoadBasis) -> tuple[Text, ...]:
    """Return what to know of the load that a plan was proven at."""
    said = []
    if basis.cold_load != 1.0:
        said.append(
            text("Who comes back takes {factor:g} times their load, after {hours:.1f} h without supply",
                 factor=basis.cold_load, hours=basis.hours_off)
        )  # fmt: skip
    if curve is None:
        return tuple(said)
    if basis.worst is None:
        said.append(text("No moment is asked: every load is taken at its highest hour of load_profile"))
    else:
        first, last = (shown(each.at or basis.worst, "%Y-%m-%d %H:%M") for each in (hours[0], hours[-1]))
        said.append(
            text("Proven at the load of each hour until the repair by load_profile, from {first} to {last}; the most is at "
                 "{worst}", first=first, last=last, worst=shown(basis.worst, "%H:%M"))
        )  # fmt: skip
    if curve.untold:
        said.append(
            text("{count} transformers have no row of load_profile: taken at their typical load", count=curve.untold)
        )
    return tuple(said)
