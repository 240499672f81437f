"""Sheets: headers, cells and the row of each as a spreadsheet counts it, without meaning yet.

What reads a file makes them (:mod:`network.tables.files`); the rules are those of the field reference, 9.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
import polars as pl

from network.problems import Problem
from network.tables.decoding import Decoded, UnreadableError
from network.tables.headers import Header, Names
from network.tables.limits import look_at_ragged
from network.tables.table_form import ROW, Table
from network.texts import text


class Merged(NamedTuple):
    """A merged cell that goes over several rows: its column from 0, and its first and last row from 1."""

    column: int
    first: int
    last: int


@dataclass(frozen=True)
class Sheet:
    """Cells without meaning yet: one series per header, and the row of each cell as a spreadsheet counts it.

    Attributes:
        headers: as they stand in the file.
        columns: the cells below each header, text or typed.
        rows: the row of each cell, the first of the file being 1.
        header_row: the row of the header, its last where it has several.
        encoding: how the text of the file was encoded, ``None`` where not text.
        problems: what is wrong with the text: its encoding, and lines that gave no cells.
        name: of the sheet, where its file has several.
        merged: the cells that go over several rows; their value stands in the first.
        is_workbook: whether cells come typed from a workbook, where a day looks like its midnight.
    """

    headers: Sequence[str]
    columns: Sequence[pl.Series]
    rows: pl.Series
    header_row: int = 1
    encoding: str | None = None
    problems: Sequence[Problem] = field(default_factory=tuple)
    name: str | None = None
    merged: Sequence[Merged] = ()
    is_workbook: bool = False


@dataclass(frozen=True)
class Grid:
    """The cells of a sheet as text, all rows as wide as the widest, and those that go over several rows."""

    cells: Sequence[Sequence[str]]
    merged: Sequence[Merged] = ()
    name: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What is looked for in a file: a table, under which headers.

    Attributes:
        table: the table.
        names: the headers that :func:`network.tables.headers.accepted_names` gives.
        file: the name of the file.
    """

    table: Table
    names: Names
    file: str


def row_numbers(height: int, header_row: int = 1) -> pl.Series:
    """Number the rows below a header as a spreadsheet counts them.

    Args:
        height: how many rows there are.
        header_row: the row of the header.

    Returns:
        The numbers, from the row after the header, under the name :data:`network.tables.table_form.ROW`.
    """
    return pl.Series(ROW, np.arange(header_row + 1, header_row + 1 + height, dtype=np.uint32))


def sheet_of_records(
    records: Iterable[Sequence[str]], header: Header, decoded: Decoded, grid: Grid | None = None
) -> Sheet:
    """Build a sheet from rows of text; rows of another width than the header are reported."""
    width = len(header.names)
    kept: list[Sequence[str]] = []
    numbers: list[int] = []
    problems = list(decoded.problems)
    for number, record in enumerate(islice(records, header.last + 1, None), start=header.last + 2):
        if not any(map(str.strip, record)):
            continue
        if len(record) < width or any(map(str.strip, record[width:])):
            problems.append(ragged(decoded, number, width, record))
            look_at_ragged(len(problems))
            continue
        kept.append(record)
        numbers.append(number)
    columns = [pl.Series(str(i), [record[i] for record in kept], dtype=pl.String) for i in range(width)]
    rows = pl.Series(ROW, numbers, dtype=pl.UInt32)
    name, merged = (grid.name, grid.merged) if grid is not None else (None, ())
    return Sheet(header.names, columns, rows, header.last + 1, decoded.encoding, problems, name, merged)


def ragged(decoded: Decoded, number: int, width: int, record: Sequence[str]) -> Problem:
    """Return the problem of a row that has not as many values as the header."""
    return Problem(
        "error",
        decoded.table,
        text("The row has {found} values, the header has {expected}", found=len(record), expected=width),
        text("Look for a missing or an extra separator, or a line break inside a value."),
        file=decoded.file,
        row=number,
        value=" | ".join(record)[:200],
    )


def no_header(records: Sequence[Sequence[str]], table: Table, encoding: str | None = None) -> UnreadableError:
    """Return what to say of a file in which no row is the header of a table."""
    first = next((record for record in records if any(map(str.strip, record))), [])
    return UnreadableError(
        text("No header row was found; the first row is: {found}", found=", ".join(map(str.strip, first))[:200]),
        text("Put the column names in the first row: {names}.", names=_wanted(table)),
        encoding=encoding,
    )


def _wanted(table: Table) -> str:
    return ", ".join(f"{column.name} ({column.chinese})" for column in table.columns if column.required)


def first_line(reason: Exception) -> str:
    """Return the first line of what a library says of its failure."""
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0]
