"""Start and end in one cell: 2022-03-01 08:00~10:00, or 8:00至11:20 beside a column for the day."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from network.tables.cells import clean
from network.tables.columns import fill_merged
from network.tables.headers import Names, header_key, match_header
from network.tables.sheets import Sheet
from network.tables.times import clock_of

_HEADERS = frozenset(
    {
        "停电时间段", "停电时段", "停电起止时间", "起止时间", "停电起止", "时间段", "时段", "停电时间范围", "停送电时间",
        "停复电时间", "outageperiod", "outagewindow", "timerange",
    }
)  # fmt: skip
_CLOCK_AT_END = re.compile(r"\d{1,2}[:时点][\d:分]*$")
_RANGE = re.compile(
    r"^(?P<start>.*?\d{1,2}(?::\d{2}(?::\d{2})?|[时点](?:\d{1,2}分?)?))\s*(?:~|至|到|—+|–|--?|->|→)\s*"
    r"(?P<end>(?:次日|翌日|第二天|当日|当天)?\s*\d.*)$"
)


def split_ranges(sheet: Sheet, names: Names) -> Sheet:
    """Return a sheet with columns for start and end, where it has one for both and none for the end.

    Args:
        sheet: as read.
        names: of :func:`network.tables.headers.accepted_names`.
    """
    if "start" not in names or "end" not in names:
        return sheet
    found = [match_header(header, names) for header in sheet.headers[: len(sheet.columns)]]
    if any(each is not None and each[0].name in {"end", "duration_h"} for each in found):
        return sheet
    suspects = [
        index
        for index, each in enumerate(found)
        if (each is not None and each[0].name == "start")
        or (each is None and header_key(sheet.headers[index]) in _HEADERS)
    ]
    for index in suspects:
        cells = fill_merged(sheet.columns[index], sheet.merged, index, sheet.rows)
        pairs = _pairs(cells)
        if pairs is None:
            continue
        starts, ends = pairs
        headers, columns = list(sheet.headers), list(sheet.columns)
        headers[index : index + 1], columns[index] = ["start"], starts
        return replace(sheet, headers=[*headers[: len(columns)], "end"], columns=[*columns, ends])
    return sheet


def _end(start: str, end: str) -> str:
    """Return the end of a range with its day: a clock alone is of the day of the start, or of the next where it is earlier."""
    clock, begun = clock_of(end), clock_of(_CLOCK_AT_END.search(start)[0])  # type: ignore[index]
    if clock is None or begun is None or clock_of(start) is not None:
        return end
    return f"{'次日' if clock < begun else '当日'} {end}"


def _pairs(cells: pl.Series) -> tuple[pl.Series, pl.Series] | None:
    """Return starts and ends, the cells that are no range as they stand; ``None`` where fewer than half are ranges."""
    if cells.dtype != pl.String:
        return None
    words = [word for word in cells.drop_nulls().unique().to_list() if word.strip()]
    ranges = {word: match for word in words if (match := _RANGE.match(clean(word)))}
    if not ranges or 2 * len(ranges) < len(words):
        return None
    starts = cells.replace_strict(list(ranges), [each["start"] for each in ranges.values()], default=cells)
    ends = cells.replace_strict(
        list(ranges), [_end(each["start"], each["end"]) for each in ranges.values()], default=cells
    )
    return starts, ends
