"""Rows of a sheet that hold no record: sums, signatures and notes below the table, and its header printed again on each page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from network.tables.cells import Fault, as_text, clean
from network.tables.sheets import Sheet
from network.tables.table_form import Column
from network.texts import text

_SUM = re.compile(
    r"^(?:本?[年月日季页]度?|全[县市局所年]|\d{1,2}月份?)?"
    r"(?:合\s*计|小\s*计|总\s*计|累\s*计|共\s*计|汇\s*总|总\s*和|平均|(?:grand )?totals?|sub-?totals?|sum|average)"
    r"(?=$|[\s:(\d数值])",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"^(?:备\s*注|注\s*[:\d]|说\s*明|填\s*[表报]|制\s*表|审\s*[核批]|校\s*核|复\s*核|编\s*制|统计人|负责人|联系人|数据来源|以上"
    r"|remarks?\b|notes?\b|prepared by|approved by|checked by|source:|end of )",
    re.IGNORECASE,
)
_TITLE = re.compile(r"^(?:[一二三四五六七八九十]{1,3}[、.]|\([一二三四五六七八九十]{1,3}\))")
_FEWEST = 4
"""So many numbers in a row, counted from 1, number the columns."""

_LAST = 3
"""So many rows at the end may be sums though no cell of them is empty."""


@dataclass(frozen=True)
class Trimmed:
    """A sheet without the rows that hold no record, and what is to be said of these: where the first stands, and its text."""

    sheet: Sheet
    said: tuple[tuple[Fault, int, str], ...] = ()


def trim(sheet: Sheet, matched: Mapping[str, int], columns: Mapping[str, Column]) -> Trimmed:
    """Leave out the rows that hold sums or notes, and those that repeat the header.

    Args:
        sheet: its header and its cells.
        matched: where each column stands that the sheet has.
        columns: those columns.
    """
    required = [index for name, index in matched.items() if columns[name].required]
    if not required or not len(sheet.rows):
        return Trimmed(sheet)
    again = _column_numbers(sheet) + _header_again(sheet, required)
    sums = _sums(sheet, matched, columns, required)
    said = tuple(
        (fault, int(sheet.rows[positions[0]]), _first_text(sheet, positions[0])[1])
        for positions, fault in (
            (
                again,
                Fault(
                    text("{rows} rows repeat or number the header; they were left out", rows=len(again)),
                    _NOTHING,
                    "warning",
                ),
            ),
            (
                sums,
                Fault(
                    text("{rows} rows hold sums or notes and no record; they were left out", rows=len(sums)),
                    _NOTHING,
                    "warning",
                ),
            ),
        )
        if positions
    )
    if not said:
        return Trimmed(sheet)
    kept = pl.Series([True]).new_from_index(0, len(sheet.rows)).scatter([*again, *sums], False)
    trimmed = replace(sheet, columns=[column.filter(kept) for column in sheet.columns], rows=sheet.rows.filter(kept))
    return Trimmed(trimmed, said)


_NOTHING = text("Nothing needs to be done.")


def _header_again(sheet: Sheet, required: list[int]) -> list[int]:
    first = sheet.columns[required[0]]
    if first.dtype != pl.String:
        return []
    suspects = (first == sheet.headers[required[0]]).fill_null(False).arg_true().to_list()
    return [
        position
        for position in suspects
        if all(str(sheet.columns[index][position] or "").strip() == sheet.headers[index].strip() for index in required)
    ]


def _column_numbers(sheet: Sheet) -> list[int]:
    """Return the first row where it numbers the columns: 1, 2, 3 and so on."""
    written = [clean(str(column[0])) if column[0] is not None else "" for column in sheet.columns]
    numbers = [re.sub(r"^\((.*)\)$|\.0$", r"\1", each) for each in written if each]
    return [0] if len(numbers) >= _FEWEST and numbers == [str(number) for number in range(1, len(numbers) + 1)] else []


def _sums(sheet: Sheet, matched: Mapping[str, int], columns: Mapping[str, Column], required: list[int]) -> list[int]:
    height = len(sheet.rows)
    suspects: set[int] = set(range(max(height - _LAST, 0), height))
    for index in required:
        suspects.update(_empty(sheet.columns[index]).arg_true().to_list())
    by_index = {index: columns[name] for name, index in matched.items()}
    found = []
    for position in sorted(suspects):
        index, word = _first_text(sheet, position)
        lacks = any(not str(sheet.columns[each][position] or "").strip() for each in required)
        is_note = _NOTE.match(word) and (lacks or ":" in word)
        if not (_SUM.match(word) or is_note or (lacks and _TITLE.match(word))) or _is_meant(word, by_index.get(index)):
            continue
        found.append(position)
    return found


def _is_meant(word: str, column: Column | None) -> bool:
    """Return whether a word such as 合计 is a code of its column."""
    return column is not None and any(word in words for words in (column.codes or {}).values())


def _first_text(sheet: Sheet, position: int) -> tuple[int, str]:
    """Return where the first cell of a row stands that is not empty, and its text."""
    for index, column in enumerate(sheet.columns):
        if word := clean(str(value) if (value := column[position]) is not None else ""):
            return index, word
    return -1, ""


def _empty(cells: pl.Series) -> pl.Series:
    """Return which cells are empty, without a look at each where the first letters show that none is."""
    if cells.dtype != pl.String:
        return cells.is_null()
    if not cells.null_count() and str(cells.min())[:1] > " ":
        return pl.Series([], dtype=pl.Boolean)
    return cells.is_null() | (as_text(cells).str.strip_chars() == "")
