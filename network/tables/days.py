"""Days and clocks that stand in columns of their own: 停电日期 beside 停电时间 that shows only 8:05."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import polars as pl

from network.tables.cells import Fault, as_text
from network.tables.columns import Understood, fill_merged
from network.tables.conventions import ReadingSettings
from network.tables.date_parts import DAY_OF
from network.tables.headers import Names, header_key, match_header
from network.tables.sheets import Sheet
from network.tables.table_form import Table
from network.tables.times import NO_UNIT, at_midnight, clock_of, parse_times
from network.texts import text

_ANY_DAY = ("日期", "年月日", "date", "day")
_DAYS_OF: Mapping[str, tuple[str, ...]] = {
    "start": (
        "停电日期", "停电开始日期", "开始停电日期", "开始日期", "起始日期", "发生日期", "故障日期", "事件日期",
        "outagedate", "startdate",
    ),
    "end": (
        "送电日期", "复电日期", "恢复日期", "恢复送电日期", "恢复供电日期", "停电结束日期", "结束日期", "终止日期",
        "enddate", "restoredate",
    ),
    "restored_at": ("送电日期", "复电日期", "恢复日期", "恢复送电日期", "enddate", "restoredate"),
    "time": ("操作日期", "发生日期"),
}  # fmt: skip
"""Headers under which the day of each time may stand, besides those that name any day."""

_LONGEST_CLOCK = 14
_ZERO = (datetime(1899, 12, 30), datetime(1899, 12, 31))
"""The days to which workbooks count a clock without a day."""


@dataclass(frozen=True)
class Joined:
    """A sheet in which each day stands with its clock.

    Attributes:
        sheet: with whole times, where days stood apart.
        used: the columns that held the days, which mean nothing more.
        next_day: in how many rows the end was taken on the day after the start, since its clock is earlier.
        day_of: the times of which these columns held the days, by column.
    """

    sheet: Sheet
    used: frozenset[int] = frozenset()
    next_day: int = 0
    day_of: Mapping[int, str] = field(default_factory=dict)


def join_days(sheet: Sheet, table: Table, names: Names, reading: ReadingSettings) -> Joined:
    """Join days and clocks that stand in columns of their own.

    A clock without a column for its day takes the day of the start, or the day after where it is earlier than the start.

    Args:
        sheet: as read.
        table: what it holds.
        names: of :func:`network.tables.headers.accepted_names`.
        reading: how the utility writes times.
    """
    clocked = [column.name for column in table.columns if column.needs_clock]
    days = {name: _day_column(sheet, name, names) for name in clocked}
    if all(day is None for day in days.values()):
        return Joined(sheet)
    times = _columns_of_clocks(sheet, clocked, names)
    first = next(iter(times), None)
    if first is None or days[first] is None:
        return Joined(sheet)
    columns = list(sheet.columns)
    day_of: dict[int, str] = {}
    started: pl.Series | None = None
    next_day = 0
    for name, index in times.items():
        at = days[name]
        if at is None and name != "end":
            continue
        cells = fill_merged(columns[index], sheet.merged, index, sheet.rows)
        day = _days(sheet, days[first] if at is None else at, reading)  # type: ignore[arg-type]
        whole = day + _clocks(cells)
        if at is None and started is not None:
            earlier = (whole < started).fill_null(False)
            whole = (whole + timedelta(days=1)).zip_with(earlier, whole)
            next_day = int(earlier.sum())
        started = whole if name == "start" else started
        if at is not None:
            day_of.setdefault(at, name)
        columns[index] = _put(cells, whole)
    return Joined(replace(sheet, columns=columns), frozenset(day_of), next_day, day_of)


def say_next_day(end: Understood, rows: int) -> None:
    """Say that some ends were taken on the day after the start."""
    message = text(
        "The clock of the end is earlier than that of the start in {rows} rows: taken on the day after", rows=rows
    )
    end.notes.append(Fault(message, text("Add the day of the end (送电日期), if that is not meant."), "warning"))


def _columns_of_clocks(sheet: Sheet, clocked: Sequence[str], names: Names) -> dict[str, int]:
    """Return the columns of these times that hold clocks without a day, by name, in the same order."""
    found: dict[str, int] = {}
    for index, header in enumerate(sheet.headers[: len(sheet.columns)]):
        known = match_header(header, names)
        if known is not None and known[0].name in clocked and _clocks(sheet.columns[index]).is_not_null().any():
            found.setdefault(known[0].name, index)
    return {name: found[name] for name in clocked if name in found}


def _day_column(sheet: Sheet, name: str, names: Names) -> int | None:
    """Return where the day of a time stands: under a header of its own, else under one for any day."""
    keys = [header_key(header) for header in sheet.headers[: len(sheet.columns)]]
    apart = [header_key(f"{DAY_OF}{each}") for each in (name, *(["any"] if name != "end" else []))]
    free = {
        key: index
        for index, key in reversed(list(enumerate(keys)))
        if match_header(sheet.headers[index], names) is None
    }
    wanted: Sequence[str] = (*apart, *_DAYS_OF.get(name, ()))
    if name != "end":
        wanted = (*wanted, *_ANY_DAY)
    return next((free[key] for key in wanted if key in free), None)


def _days(sheet: Sheet, index: int, reading: ReadingSettings) -> pl.Series:
    cells = fill_merged(sheet.columns[index], sheet.merged, index, sheet.rows)
    read = parse_times(cells, _of_days(reading), NO_UNIT, text("Write days as 2022-07-20.")).values
    return read.set(~at_midnight(read), None)


def _of_days(reading: ReadingSettings) -> ReadingSettings:
    """Return how days are written: they have no zone, whatever their clocks have."""
    return reading.model_copy(update={"time_zone": "Asia/Shanghai", "epoch": None})


def _clocks(cells: pl.Series) -> pl.Series:
    """Return the time since midnight of cells that show a clock and no day."""
    kind = cells.dtype
    if kind == pl.Time:
        return cells.cast(pl.Duration("us"))
    if isinstance(kind, pl.Datetime) and kind.time_zone is None:
        since = [cells.cast(pl.Datetime("us")) - zero for zero in _ZERO]
        near = [
            each.set(~each.is_between(timedelta(), timedelta(days=1), closed="left").fill_null(False), None)
            for each in since
        ]
        return near[0].zip_with(near[0].is_not_null(), near[1])
    if kind.is_float():
        share = cells.set(~cells.is_between(0, 1, closed="left").fill_null(False), None)
        return ((share * 86_400).round().cast(pl.Int64) * 1_000_000).cast(pl.Duration("us"))
    if kind != pl.String:
        return pl.Series([None], dtype=pl.Duration("us")).new_from_index(0, len(cells))
    words = cells.filter(cells.str.len_chars() <= _LONGEST_CLOCK).unique().to_list()
    known = {word: clock for word in words if (clock := clock_of(word)) is not None}
    if not known:
        return pl.Series([None], dtype=pl.Duration("us")).new_from_index(0, len(cells))
    return cells.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.Duration("us"))


def _put(cells: pl.Series, whole: pl.Series) -> pl.Series:
    """Return cells with whole times in the place of clocks; what is no clock stays as it stands."""
    if whole.null_count() == cells.null_count():
        return whole
    return whole.dt.to_string("%Y-%m-%d %H:%M:%S").zip_with(whole.is_not_null(), as_text(cells))
