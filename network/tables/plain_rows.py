"""Rows that programs send, in the very form of the table: understood column by column, many thousands in a moment.

What is read here is what :func:`network.tables.reading.read_frame` would read. Where one value is not plain, nothing is read
here, and the caller reads the rows by all rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import polars as pl

from network.tables.sheets import row_numbers
from network.tables.table_form import Column, Table
from network.tables.values import not_plain

_TIME = r"^20\d\d-[01]\d-[0-3]\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?$"
_OF_A_SHEET = r"^(?i:grand|sub|total|sum|average|remark|note|prepared|approved|checked|source|end)"
"""Words below a sheet, by which a row of it is no record."""


def read_plain(rows: Sequence[Mapping[str, Any]], table: Table) -> pl.DataFrame | None:
    """Return rows as a table, or nothing where one of them takes more than a look.

    Args:
        rows: names of columns to values, as JSON has them; a column that is absent is blank.
        table: what they should hold, where the workspace has no words of its own for it.

    Returns:
        All rows in the types of the table, with their numbers; ``None`` where they are not plain.
    """
    if not rows or not set(chain.from_iterable(rows)) <= set(table.names):
        return None
    columns: list[pl.Series] = []
    for column in table.columns:
        found = _plain([row.get(column.name) for row in rows], column)
        if found is None:
            return None
        columns.append(found)
    return pl.DataFrame([*columns, row_numbers(len(rows))])


def _plain(values: list[Any], column: Column) -> pl.Series | None:
    """Return the values of one column, or nothing where one is not plain."""
    kinds = set(map(type, values))
    if column.required and type(None) in kinds:
        return None
    if kinds == {type(None)}:
        return pl.Series(column.name, values, dtype=column.polars_type)
    if column.kind == "number":
        is_flag = kinds <= {int, float, type(None)} and set(values) <= {0, 1, None}
        return pl.Series(column.name, values, dtype=column.polars_type) if is_flag else None
    if not kinds <= {str, type(None)}:
        return None
    if column.kind == "code":
        is_known = set(values) <= {*(column.codes or {}), None}
        return pl.Series(column.name, values, dtype=column.polars_type) if is_known else None
    try:
        texts = pl.Series(column.name, values, dtype=pl.String)
    except (UnicodeError, pl.exceptions.PolarsError):  # half a character
        return None
    if column.kind == "time" and not column.needs_clock:
        is_time = texts.str.contains(_TIME).all()
        times = texts.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False) if is_time else None
        return None if times is None or times.null_count() > texts.null_count() else times.cast(column.polars_type)
    if column.kind not in {"id", "text"} or len(not_plain(texts)) or texts.str.contains(_OF_A_SHEET).any():
        return None
    return texts
