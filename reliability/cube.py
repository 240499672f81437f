"""The cube: what a ledger adds up to, once for each version of the data, so that a figure of any period is a sum over days.

A ledger merges what overlaps before anything is summed, and major event days are left out before anything is merged. Only
what adds whatever is left out stands alone in sums by day: the rows of users of whom no two interruptions overlap or adjoin.
The rows of the other users are summed apart, for figures that leave nothing out; for those that do, their interruptions are
merged anew. Customer-hours are whole microseconds and interruptions whole numbers, so no order of summing changes them.

Distinct users, single events and durations do not add over days: they are counted from the rows of the ledger, which are kept
merged, so that a period needs no more than to be cut out of them.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from cachetools import TTLCache

from reliability.index_table import EVENT_COLUMNS, as_users, denominators_of, with_aggregates
from reliability.ledger_table import ledger_of, merged_until
from reliability.major_event_days import MajorEventDays
from reliability.natures import FAULT, PREARRANGED, SYSTEM_SHORTAGE
from reliability.period import MICROSECONDS_PER_HOUR, Period, microseconds
from reliability.population_table import ATTRIBUTES
from reliability.settings import ReliabilitySettings

KIND = ("nature", "cause", "external", "sustained", "recorded_only")
DAY_US = 24 * MICROSECONDS_PER_HOUR

_OF_SUMS = ("cells", "places", "kinds")
_KEPT_LISTS = 4
"""Lists of days left out for which a cube remembers what it merged anew."""

_KEPT_S = 300.0
"""For how long at most."""

_VARIANTS: Mapping[str, pl.Expr] = {
    "1": pl.lit(value=True),
    "2": ~pl.col("external"),
    "3": ~pl.col("nature").is_in(list(SYSTEM_SHORTAGE)),
    "4": pl.col("sustained"),
    "F": pl.col("nature").is_in(list(FAULT)),
    "S": pl.col("nature").is_in(list(PREARRANGED)),
}


@dataclass(frozen=True, eq=False)
class Sums:
    """Rows of a ledger summed by day, place and kind.

    Attributes:
        cells: ``us`` (user-microseconds) and ``interruptions`` by ``place``, ``kind``, ``day``, ``begun`` (the day on which the
            record began) and ``simple``; days are numbers since 1970, in order.
        places: ``place`` with the classes, unit and feeder that it stands for.
        kinds: ``kind`` with nature, cause and how an interruption counts.
    """

    cells: pl.DataFrame
    places: pl.DataFrame
    kinds: pl.DataFrame

    @classmethod
    def of(cls, merged: pl.DataFrame, settings: ReliabilitySettings) -> Sums:
        """Sum the rows of :func:`reliability.ledger_table.merged_until` that count, with ``simple`` and ``begun``."""
        rows = merged.filter(pl.col("exclusion").is_null())
        places, kinds = _numbered(rows, ATTRIBUTES, "place"), _numbered(rows, KIND, "kind")
        for known, columns in ((places, ATTRIBUTES), (kinds, KIND)):
            rows = rows.join(known, on=columns, how="left", nulls_equal=True)
        return cls(_cells(rows, settings), places, kinds)

    def simple(self, without: MajorEventDays) -> Sums:
        """Return the sums that stay when the records of some days are left out."""
        cells = self.cells.filter("simple").join(self.places.select("place", "unit"), on="place", maintain_order="left")
        return Sums(cells.filter(~_left_out(without)), self.places, self.kinds)

    def within(self, period: Period, by: Sequence[str], where: Mapping[str, str]) -> pl.DataFrame:
        """Return the sums of the days of a period by what makes the variants, and by as much else as is asked."""
        first, last = (
            microseconds(each) // DAY_US for each in (period.start, period.end + timedelta(days=1, microseconds=-1))
        )
        bounds = np.searchsorted(self.cells["day"].to_numpy(), [first, last])
        cells = self.cells[int(bounds[0]) : int(bounds[1])]
        places = self.places.filter(*_has(where))
        if where:
            cells = cells.join(places.select("place"), on="place", how="semi")
        if "month" in by:
            cells = cells.with_columns(month=pl.from_epoch("day", time_unit="d").dt.strftime("%Y-%m"))
        is_placed = bool({*by} & {*ATTRIBUTES, "aggregate"})
        axes = ["kind", *(["place"] if is_placed else []), *({"day", "month"} & {*by})]
        summed = cells.group_by(axes).agg(pl.col("us").cast(pl.Int128).sum(), pl.col("interruptions").sum())
        summed = summed.join(self.kinds, on="kind")
        kept = [each for each in by if each in {*ATTRIBUTES, "day", "month"}]
        if "aggregate" in by and "region_class" not in kept:
            kept.append("region_class")
        table = summed.join(places, on="place") if is_placed else summed
        return table.select(*kept, *KIND, "us", "interruptions")


Anew = TTLCache[Any, tuple[pl.DataFrame, tuple[Sums, ...]]]


@dataclass(frozen=True, eq=False)
class Cube:
    """The ledger of one level until one moment, merged and summed.

    Attributes:
        merged: every interruption known by then, merged; with ``simple`` (nothing of its user overlaps or adjoins) and ``begun``
            (the day on which its record began).
        rest: the interruptions that count of the other users, to be merged anew without some days.
        sums: of all of them.
        users: the users that figures are divided by, those that were there from the first record on in one row for each place.
        since: the first of January of the first record; figures of earlier periods are not answered.
        as_of: until when the data is known.
        settings: rules of the statistics.
        files: what its tables are read from, where it was kept.
    """

    merged: pl.DataFrame
    rest: pl.DataFrame
    sums: Sums
    users: pl.DataFrame
    since: datetime
    as_of: datetime
    settings: ReliabilitySettings
    files: tuple[mmap.mmap, ...] = ()
    _anew: Anew = field(default_factory=lambda: TTLCache(_KEPT_LISTS, _KEPT_S))
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(
        cls, interruptions: pl.DataFrame, population: pl.DataFrame, settings: ReliabilitySettings, as_of: datetime
    ) -> Cube:
        """Merge and sum interruptions.

        Args:
            interruptions: the table of :func:`reliability.interruptions`.
            population: the users of the same level.
            settings: rules of the statistics.
            as_of: until when the data is known.
        """
        first: Any = interruptions["start"].min()
        since = datetime(min(first or as_of, as_of).year, 1, 1)
        begun = _day_number(pl.col("start").min().over("outage_id")).cast(pl.Int32)
        rows = interruptions.with_columns(begun=begun).with_row_index("position")
        merged = merged_until(rows, settings, as_of).with_columns(simple=_is_simple())
        apart = merged.filter(~pl.col("simple"))["position"].unique()
        rest = rows.filter(pl.col("position").is_in(apart.implode())).drop("position")
        sums = Sums.of(merged, settings)
        return cls(merged.drop("position"), rest, sums, _users(population, since), since, as_of, settings)

    def answers(self, period: Period) -> bool:
        """Return whether sums of a period are sums of days: it begins and ends with a day, or ends with what is known."""
        ends = period.end.time() == time.min or period.end >= self.as_of
        return self.since <= period.start and period.start.time() == time.min and ends

    def ledger(self, period: Period, without: MajorEventDays | None = None) -> pl.DataFrame:
        """Return the ledger of a period; see :func:`reliability.ledger_table.ledger`.

        Args:
            period: the statistical period.
            without: days whose records are left out.
        """
        if without is None:
            return ledger_of(self.merged, period, self.settings).drop("simple", "begun")
        kept = self.merged.filter(pl.col("simple") & ~_left_out(without))
        rows = ledger_of(kept, period, self.settings)
        again = ledger_of(self._without(without)[0], period, self.settings)
        return pl.concat([rows, again.select(rows.columns)]).drop("simple", "begun")

    def _without(self, days: MajorEventDays) -> tuple[pl.DataFrame, tuple[Sums, ...]]:
        """Return what is merged anew without some days, and the sums of all that stays."""
        key = days.days, tuple(days.by_unit.items())
        with self._lock:
            if key not in self._anew:
                rest = self.rest.filter(~_left_out(days))
                merged = merged_until(rest, self.settings, self.as_of).with_columns(simple=pl.lit(value=False))
                self._anew[key] = merged, (self.sums.simple(days), Sums.of(merged, self.settings))
            return self._anew[key]

    def totals(
        self,
        period: Period,
        by: Sequence[str],
        without: MajorEventDays | None = None,
        where: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """Return what adds: users, customer-hours and interruptions of a period that the cube :meth:`answers`.

        Args:
            period: the statistical period.
            by: any of :data:`reliability.index_table.BY`.
            without: days whose records are left out.
            where: only users with these values.

        Returns:
            The ``by`` columns, ``N_T``, ``hours`` (of the cell's part of the period), and for each variant ``us-k``
            (user-microseconds) and ``CI-k``.
        """
        keys = [key for key in by if key not in EVENT_COLUMNS] or ["whole"]
        found = self._found(period, by, without, where or {})
        users = self._users_of(period, keys, where or {})
        if not {*by} & {*EVENT_COLUMNS}:
            found = users.select(keys).join(found, on=keys, how="full", coalesce=True)
        amounts = [column for column in found.columns if column[:3] in ("us-", "CI-")]
        shown = [pl.when(pl.col(key) != "").then(pl.col(key)).alias(key) for key in by]
        table = found.join(users, on=keys, how="left").with_columns(pl.col(amounts).fill_null(0))
        told = table.select(*shown, "N_T", "hours", *amounts)
        return told.sort(*by, nulls_last=True) if by else told

    def hours_by_day(
        self, period: Period, column: str | None, without: MajorEventDays | None, where: Mapping[str, str] | None = None
    ) -> pl.DataFrame:
        """Return ``day`` (since 1970) and ``us-1`` (user-microseconds) of the days with any, by a column of the users."""
        by = ["day"] if column is None else ["day", column]
        return self._found(period, by, without, where or {}).select(*by, "us-1").sort(by)

    def _found(
        self, period: Period, by: Sequence[str], without: MajorEventDays | None, where: Mapping[str, str]
    ) -> pl.DataFrame:
        parts = (self.sums,) if without is None else self._without(without)[1]
        told = pl.concat([part.within(period, by, where) for part in parts])
        if "aggregate" in by:
            told = with_aggregates(nw.from_native(told), self.settings).to_native()
        words = [key for key in by if key != "day"]
        blank = told.with_columns(whole=pl.lit(""), **{key: pl.col(key).fill_null("") for key in words})
        amounts = {
            f"{name}-{each}": pl.col(source).filter(mask).sum()
            for each, mask in _VARIANTS.items()
            for name, source in (("us", "us"), ("CI", "interruptions"))
        }
        own = [key for key in by if key not in EVENT_COLUMNS] or ["whole"]
        return blank.group_by(list(dict.fromkeys([*by, *own]))).agg(**amounts)

    def _users_of(self, period: Period, keys: list[str], where: Mapping[str, str]) -> pl.DataFrame:
        frame: Any = as_users(nw.from_native(self.users.filter(*_has(where))))
        if "aggregate" in keys:
            frame = with_aggregates(frame, self.settings)
        found: pl.DataFrame = denominators_of(frame, period.frame(by_month="month" in keys), keys).to_native()
        return found.select(*keys, "N_T", "hours")

    # On the disk ------------------------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write the cube to a folder."""
        sums = {name: getattr(self.sums, name) for name in _OF_SUMS}
        moments = pl.DataFrame({"since": [self.since], "as_of": [self.as_of]})
        tables = {"merged": self.merged, "rest": self.rest, "users": self.users, "moments": moments, **sums}
        for name, frame in tables.items():
            frame.write_ipc(folder / f"{name}.arrow")

    @classmethod
    def load(cls, folder: Path, settings: ReliabilitySettings) -> Cube:
        """Return the cube of a folder; its tables stay on the disk and come into memory as they are asked for."""
        names = ("merged", "rest", "users", "moments", *_OF_SUMS)
        files = [_mapped(folder / f"{name}.arrow") for name in names]
        merged, rest, users, moments, *sums = (_table_of(file) for file in files)
        since, as_of = moments.row(0)
        return cls(merged, rest, Sums(*sums), users, since, as_of, settings, files=tuple(files))

    def leave_on_disk(self) -> None:
        """Let what came into memory of the files leave it, where the system can be told so; it comes again as it is asked for.

        What was merged anew a while ago goes too.
        """
        with self._lock:
            self._anew.expire()
        if hasattr(mmap, "MADV_DONTNEED"):
            for file in self.files:
                file.madvise(mmap.MADV_DONTNEED)


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _table_of(file: mmap.mmap) -> pl.DataFrame:
    import pyarrow as pa

    table = pa.ipc.open_file(pa.BufferReader(file)).read_all()
    frame: pl.DataFrame = pl.from_arrow(table, rechunk=False)  # type: ignore[assignment]
    return frame


def _is_simple() -> pl.Expr:
    """Return whether a merged row adds whatever is left out: no interruption of its user overlaps or adjoins another."""
    counts = pl.col("exclusion").is_null()
    held = counts & ~pl.col("leads") & ~pl.col("overrun")
    return ~(counts & held.any().over(pl.coalesce("user_id", "outage_id")))


def _day_number(moment: pl.Expr) -> pl.Expr:
    return (moment - datetime(1970, 1, 1)).dt.total_microseconds() // DAY_US


def _has(where: Mapping[str, str]) -> list[pl.Expr]:
    return [pl.col(column) == value for column, value in where.items()]


def _left_out(without: MajorEventDays) -> pl.Expr:
    """Return whether a row with ``begun`` and ``unit`` belongs to a record of one of the days, of its unit where they are so."""

    def among(days: Sequence[Any]) -> pl.Expr:
        numbers = [(datetime.combine(day, time.min) - datetime(1970, 1, 1)).days for day in days]
        return pl.col("begun").is_in(numbers)

    if not without.by_unit:
        return among(without.days)
    out = [among(days) & (pl.col("unit") == unit).fill_null(value=False) for unit, days in without.by_unit.items()]
    return pl.any_horizontal(out)


def _numbered(rows: pl.DataFrame, columns: Sequence[str], name: str) -> pl.DataFrame:
    return rows.select(columns).unique().sort(*columns).with_row_index(name)


def _cells(rows: pl.DataFrame, settings: ReliabilitySettings) -> pl.DataFrame:
    """Return the sums of rows that count by place, kind, day, day of the record, and whether they add whatever is left out."""
    alike = ["place", "kind", "begun", "simple", "group_start", "from", "until", "leads"]
    same = rows.group_by(alike).agg(pl.col("users").cast(pl.Int64).sum())
    keys = ["place", "kind", "day", "begun", "simple"]
    opened = pl.col("group_start") // DAY_US
    nothing = pl.lit(0, pl.Int64)
    counts = same.filter("leads").with_columns(day=opened, us=nothing, interruptions="users")
    lasting = same.filter(pl.col("until") > pl.col("from"))
    if settings.crossing == "start":
        spread = lasting.with_columns(day=opened, us=pl.col("until") - pl.col("from"))
    else:
        last = (pl.col("until") - 1) // DAY_US
        spread = lasting.with_columns(day=pl.int_ranges(pl.col("from") // DAY_US, last + 1)).explode("day")
        ends = pl.min_horizontal("until", (pl.col("day") + 1) * DAY_US)
        spread = spread.with_columns(us=ends - pl.max_horizontal("from", pl.col("day") * DAY_US))
    hours = spread.with_columns(us=pl.col("us") * pl.col("users"), interruptions=nothing)
    columns = [*keys, "us", "interruptions"]
    both = pl.concat([counts.select(columns), hours.select(columns)])
    summed = both.group_by(keys).agg(pl.col("us", "interruptions").sum())
    return summed.with_columns(pl.col("day").cast(pl.Int32)).sort("day", "place", "kind", "begun")


def _users(population: pl.DataFrame, since: datetime) -> pl.DataFrame:
    """Return the users with those that were there by a moment as if they had always been; capacity is null where any is."""
    entered = pl.when(pl.col("in_service") > since).then("in_service")
    return (
        population.with_columns(in_service=entered)
        .group_by(*ATTRIBUTES, "in_service", "retired", "stated")
        .agg(
            pl.col("users").sum(),
            capacity_kva=pl.when(pl.col("capacity_kva").is_not_null().all()).then(pl.col("capacity_kva").sum()),
        )
        .sort(*ATTRIBUTES, "in_service", "retired")
    )
