"""Frames that a caller hands in: whether they have the columns that an answer is made of, in the kind that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw

from network.problems import FudianError
from network.tables.schema import TABLES
from network.texts import text


class MissingColumnsError(FudianError):
    """A frame lacks columns that the answer is made of.

    Attributes:
        table: what the frame is.
        missing: the columns that it lacks.
        available: the columns that it has.
    """

    def __init__(self, table: str, missing: Sequence[str], available: Iterable[str]) -> None:
        self.table, self.missing, self.available = table, tuple(missing), tuple(available)
        super().__init__(
            text("Columns not found in {table}: {missing}.", table=table, missing=", ".join(self.missing)),
            text(
                "It has: {available}. Rename what means the same; a column of nulls says that nothing is known.",
                available=", ".join(self.available) or "—",
            ),
        )


class TextTimesError(FudianError):
    """A frame holds times as text, which sorts and subtracts wrongly.

    Attributes:
        table: what the frame is.
        columns: the columns with text in place of times.
    """

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        self.table, self.columns = table, tuple(columns)
        super().__init__(
            text(
                "Columns of {table} hold text where times belong: {columns}.", table=table, columns=", ".join(columns)
            ),
            text(
                "Make them times first, in Polars with pl.col({column!r}).str.to_datetime(), in pandas with pd.to_datetime; or "
                "let fudian.open read the file.",
                column=self.columns[0],
            ),
        )


def require_columns(frame: Any, table: str, columns: Iterable[str], times: Iterable[str] = ()) -> None:
    """Make sure that a frame of any engine has some columns, and that those that are times hold no text.

    Args:
        frame: the frame.
        table: what it is, for the message.
        columns: that it must have.
        times: of its columns, those that are times.

    Raises:
        MissingColumnsError: columns are missing.
        TextTimesError: a column of times holds text.
    """
    schema = nw.from_native(frame).collect_schema()
    missing = [column for column in columns if column not in schema]
    if missing:
        raise MissingColumnsError(table, missing, schema)
    as_text = [column for column in times if schema.get(column) == nw.String]
    if as_text:
        raise TextTimesError(table, as_text)


def require_table(frame: Any, table: str, further: Iterable[str] = ()) -> None:
    """Make sure that a frame has the required columns of a table of the schema, times as times.

    Args:
        frame: the frame.
        table: name of the table.
        further: columns that are needed besides.

    Raises:
        MissingColumnsError: columns are missing.
        TextTimesError: a column of times holds text.
    """
    columns = TABLES[table].columns
    needed = [column.name for column in columns if column.required]
    times = [column.name for column in columns if column.kind == "time"]
    require_columns(frame, table, [*needed, *further], times)
