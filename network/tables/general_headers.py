"""Headers that say too little alone, such as 类型, 区域 or ``Type``: a column is meant where its values say so.

Most values must be codes of the column, and none a bare number; of ids none may stand twice; of times each must show a
clock. Where two headers could mean a column, neither is taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

import polars as pl

from network.tables.cells import as_text, blank_to_null
from network.tables.headers import header_key, is_general, numbers_rows
from network.tables.sheets import Sheet
from network.tables.table_form import Column, Table
from network.tables.times import NO_UNIT, parse_times, without_clock
from network.tables.values import parse
from network.tables.words import Words
from network.texts import text

_IDS = re.compile(
    r"^(?:id|编号|单号|编码|记录号|记录编号|(?:停电|事件|停电事件|故障|工单|事故)(?:编?号|编码|id)|incident|event|outage|job|ticket|reference|ref)$"
)
_DAYS: Mapping[str, re.Pattern[str]] = {
    "start": re.compile(r"^(?:停电|停电开始|开始停电|开始|起始|发生|故障|事件)日期$|^(?:outage|start|begin)date$"),
    "end": re.compile(
        r"^(?:送电|复电|恢复|恢复送电|恢复供电|停电结束|结束|终止)日期$|^(?:end|restore|restored|restoration)date$"
    ),
}
_MOST_WORDS = 200
_MOSTLY = 0.6
"""Share of the values that are codes of a column where the others are slips, or words of the utility's own."""


def meant_by_values(
    sheet: Sheet, table: Table, unknown: Collection[int], missing: Collection[Column], words: Words
) -> dict[int, Column]:
    """Return which columns are meant by headers that say too little alone.

    Args:
        sheet: as read.
        table: what it holds.
        unknown: the positions of the headers that mean nothing so far.
        missing: the columns that no header means so far.
        words: the utility's own words.
    """
    fits: dict[str, list[int]] = {}
    for index in unknown:
        for column in _columns_of(sheet, index, table, missing, words):
            fits.setdefault(column.name, []).append(index)
    once = [positions[0] for positions in fits.values() if len(positions) == 1]
    return {
        positions[0]: table[name]
        for name, positions in fits.items()
        if len(positions) == 1 and once.count(positions[0]) == 1
    }


def _columns_of(sheet: Sheet, index: int, table: Table, missing: Collection[Column], words: Words) -> Iterator[Column]:
    header, cells = sheet.headers[index], sheet.columns[index]
    key = header_key(header)
    if not key or numbers_rows(header):
        return
    for column in missing:
        if column.kind == "code" and is_general(header):
            fits = _mostly_codes(cells, column, header, words)
        elif column.kind == "id" and (column.name,) == table.key and _IDS.match(key):
            fits = _all_different(cells)
        elif column.needs_clock and column.name in _DAYS and _DAYS[column.name].match(key):
            fits = _all_with_clock(cells, words)
        else:
            continue
        if fits:
            yield column


def _mostly_codes(cells: pl.Series, column: Column, header: str, words: Words) -> bool:
    given = blank_to_null(as_text(cells).str.strip_chars()).drop_nulls()
    said = given.value_counts()
    if said.is_empty() or len(said) > _MOST_WORDS or given.str.contains(r"^\d+(?:\.0+)?$").any():
        return False
    known = parse(said.to_series(0), column, header, words.codes.get(column.name)).values.is_not_null()
    return int(said["count"].filter(known).sum()) >= _MOSTLY * len(given)


def _all_different(cells: pl.Series) -> bool:
    said = blank_to_null(as_text(cells).str.strip_chars()).drop_nulls()
    return len(said) > 0 and said.n_unique() == len(said)


def _all_with_clock(cells: pl.Series, words: Words) -> bool:
    given = cells.filter(blank_to_null(as_text(cells).str.strip_chars()).is_not_null())
    if given.is_empty():
        return False
    read = parse_times(given, words.reading, NO_UNIT, text("Write times as 2022-07-20 08:05:00.")).values
    return not read.null_count() and not without_clock(given, read).any()
