"""The end of an outage, where a sheet does not give it plainly: as a duration, by a sign, below a header that stands twice.

A blank end says that the outage still lasts, so nothing else may pass for a blank: what cannot be read leaves its row out
(R1.20).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import polars as pl

from network.problems import Problem
from network.tables.cells import Fault, clean
from network.tables.columns import Understood
from network.tables.conventions import ReadingSettings
from network.tables.durations import is_surely_duration, seconds_of
from network.tables.times import clock_of
from network.texts import text

_SIGNS = frozenset({"-", "--", "—", "——", "/", "无", "空", "n/a"})
_STILL_OFF = frozenset(
    {
        "至今", "未恢复", "未送电", "未复电", "未恢复供电", "未恢复送电", "尚未恢复", "尚未送电", "待送电", "待恢复",
        "仍停电", "停电中", "抢修中", "ongoing", "still off", "not restored",
    }
)  # fmt: skip
"""Words in the place of an end that can only say that the outage lasts."""

_NAMED_DAY = re.compile(
    r"^(?P<day>次日|翌日|第二天|次晨|next day|当日|当天|同日|same day)\s*(?P<clock>.*)$", re.IGNORECASE
)
_SAME_DAY = frozenset({"当日", "当天", "同日", "same day"})
_SAME_MIN = 1.5
"""Minutes by which an end and a duration may differ: both are often rounded."""


def without_still_off(raw: pl.Series, reading: ReadingSettings) -> pl.Series:
    """Return the cells of an end, with blanks for the signs by which an outage still lasts."""
    if not reading.still_off or raw.dtype != pl.String:
        return raw
    return raw.set(raw.str.strip_chars().is_in(list(reading.still_off)).fill_null(False), None)


def refuse_signs(end: Understood) -> None:
    """Refuse signs such as ``/``: they do not say whether the outage still lasts, or ended at once, or nobody knows when."""
    if end.raw.dtype != pl.String:
        return
    blank = end.values.is_null() & end.raw.is_not_null()
    if not blank.any():
        return
    words = end.raw.filter(blank).unique().to_list()
    signs = [word for word in words if clean(word).lower() in _SIGNS]
    fault = Fault(
        text("This sign does not say whether it still lasts, or when it ended; the row was left out"),
        text(
            "Write the end, or leave the cell empty only while it still lasts; or name the sign as still_off under [reading]."
        ),
    )
    end.add_faults(blank & end.raw.is_in(signs).fill_null(False), fault)


def take_still_off(end: Understood) -> None:
    """Take words such as 未恢复 for what a blank says: that it still lasts."""
    end.faults = [
        fault for fault in end.faults if fault[2].severity != "error" or clean(fault[1] or "").lower() not in _STILL_OFF
    ]


def take_named_days(start: Understood, end: Understood) -> None:
    """Give an end such as 次日1:00 or 当日10:00 its day by that of the start; a bare clock may be of any later day."""
    wrong = {
        position: said
        for position, shown, fault in end.faults
        if fault.severity == "error" and shown is not None and (said := _NAMED_DAY.match(clean(shown)))
    }
    clocks = {position: clock for position, said in wrong.items() if (clock := clock_of(said["clock"])) is not None}
    if not clocks:
        return
    positions = list(clocks)
    later = [
        timedelta(days=wrong[position]["day"].lower() not in _SAME_DAY) + clocks[position] for position in positions
    ]
    days = start.values.gather(positions).dt.truncate("1d")
    end.faults = [each for each in end.faults if each[0] not in clocks]
    end.values = end.values.clone().scatter(positions, days + pl.Series(later, dtype=pl.Duration("us")))


def take_durations(start: Understood, end: Understood, lasted: Understood | None) -> None:
    """Fill ends that are not given from how long it lasted: a column of its own, or durations in the place of the end."""
    _take_words(start, end)
    if lasted is None:
        return
    by_duration = start.values + lasted.values
    apart = ((end.values - by_duration).dt.total_seconds().abs() > 60 * _SAME_MIN).fill_null(False)
    fault = Fault(
        text("The end and the duration of this row disagree; the end was taken"),
        text("Correct one of them."),
        "warning",
    )
    end.add_faults(apart, fault)
    given = end.values.is_not_null() | end.refused()
    for position, shown, wrong in lasted.faults:
        if not given[position]:
            end.faults.append((position, shown, wrong))
    if lasted.unusable is not None:  # said and cannot be read: no outage that still lasts
        unread = lasted.unusable & ~given
        end.unusable = unread if end.unusable is None else end.unusable | unread
    end.values = end.values.zip_with(given, by_duration)


def _take_words(start: Understood, end: Understood) -> None:
    """Take durations such as ``3小时20分`` that stand where the end should."""
    seconds = {
        position: found
        for position, shown, fault in end.faults
        if fault.severity == "error"
        and shown is not None
        and is_surely_duration(shown)
        and (found := seconds_of(shown)) is not None
    }
    if not seconds:
        return
    end.faults = [fault for fault in end.faults if fault[0] not in seconds]
    positions = list(seconds)
    lasted = pl.Series([round(1_000_000 * second) for second in seconds.values()], dtype=pl.Int64).cast(
        pl.Duration("us")
    )
    end.values = end.values.clone().scatter(positions, start.values.gather(positions) + lasted)
    message = text(
        "How long it lasted stands in the place of the end (rows: {rows}); the end follows from it", rows=len(positions)
    )
    end.notes.append(Fault(message, text("Nothing needs to be done."), "warning"))


def second_header_is_end(first: pl.Series, second: pl.Series) -> bool:
    """Return whether, of two columns of times under one header, the second holds the ends: never earlier, and mostly later."""
    both = first.is_not_null() & second.is_not_null()
    return bool(both.any() and not (second < first).any() and (second > first).sum() * 2 > both.sum())


_ADD_AN_END = text("Add the column end (停电结束时间), or how long each lasted (停电时长).")


def end_may_stand_below(header: str) -> Fault:
    """Return what to say of a table without an end where a header that is not known has times after the start below it."""
    return Fault(
        text("No column says when an outage ended, but {header} holds times after the start", header=header),
        text(
            'Say under [headers.outages] in fudian.toml what it means: "{header}" = "end", or "{header}" = "" if it is not '
            "needed; fudian map asks for it.",
            header=header,
        ),
    )


NO_END = Fault(
    text("No column says when an outage ended, so all of them count as still lasting"), _ADD_AN_END, "warning"
)
"""What to say of a table in which nothing says when an outage ended."""


def refuse_endless_parts(
    parts: Sequence[tuple[pl.DataFrame, Sequence[Problem]]],
) -> list[tuple[pl.DataFrame, list[Problem]]]:
    """Leave out the parts of a table that do not say when an outage ended, where others do: a month has lost its column.

    Args:
        parts: the rows and the problems of each file or sheet.
    """
    endless = [any(problem.message == NO_END.message for problem in problems) for _, problems in parts]
    if all(endless) or not any(endless):
        return [(rows, list(problems)) for rows, problems in parts]
    refused = text("No column says when an outage ended, though other parts have one; this part was not read")
    return [
        (
            rows.clear() if lost else rows,
            [
                replace(problem, severity="error", message=refused) if problem.message == NO_END.message else problem
                for problem in problems
            ],
        )
        for (rows, problems), lost in zip(parts, endless, strict=True)
    ]


def ends_of(columns: Sequence[Understood]) -> tuple[Understood | None, Understood | None]:
    """Return start and end among the columns of a table, where a blank end says that it still lasts."""
    by_name = {column.column.name: column for column in columns}
    end = by_name.get("end")
    return (by_name.get("start"), end) if end is not None and end.column.blank_is_open else (None, None)
