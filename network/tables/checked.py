"""The tables of a workspace while the rules between their values go over them, and what the rules have said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from network.arrays import Indices
from network.ids import Places
from network.problems import Problem
from network.tables.conventions import LOCAL_ZONE, walls
from network.tables.parts import Parts
from network.tables.schema import TABLES
from network.tables.table_form import ROW
from network.texts import Text


@dataclass
class Checked:
    """The tables as they stand after the rules so far, and what the rules said.

    Attributes:
        tables: every table by name, with the rows that can be used.
        read: the tables as they were read.
        files: table to file name.
        present: the tables that were given at all.
        parts: the files and sheets of each table.
        now: local time after which a start lies in the future.
        zone: in which the times of the tables are written.
        problems: what the rules said, in order of tables and rows.
        standing: for a key ``table.column`` that others name, where each of its ids stands, once it was looked up.
        places: for a column ``table.column`` with references, the row of each in the table it names, -1 where there is
            none; only for columns whose rows all stay.
        aside: places of records, by ``row``, that no network knows; ``None`` of none.
    """

    tables: dict[str, pl.DataFrame]
    read: Mapping[str, pl.DataFrame]
    files: Mapping[str, str]
    present: frozenset[str]
    now: datetime
    parts: Parts = field(default_factory=dict)
    zone: str = LOCAL_ZONE
    problems: list[Problem] = field(default_factory=list)
    standing: dict[str, Places] = field(default_factory=dict)
    places: dict[str, Indices] = field(default_factory=dict)
    aside: pl.DataFrame | None = None

    def report(
        self,
        table: str,
        rows: pl.DataFrame,
        severity: str,
        messages: Text | Iterable[Text],
        hints: Text | Iterable[Text],
        *,
        column: str | None = None,
    ) -> None:
        """Add one problem for each of ``rows``, with the id of its row where the table has one."""
        numbers = rows[ROW].to_list()
        key = TABLES[table].key
        ids = rows[key[0]].to_list() if len(key) == 1 and rows.schema[key[0]] == pl.String else [None] * len(numbers)
        values = [None] * len(numbers) if column is None else _shown(rows[column], self.zone)
        said = [messages] * len(numbers) if isinstance(messages, Text) else messages
        help_ = [hints] * len(numbers) if isinstance(hints, Text) else hints
        self.problems.extend(
            Problem(severity, table, message, hint, self.files.get(table), number, column, value, object_id)
            for number, value, object_id, message, hint in zip(numbers, values, ids, said, help_, strict=True)
        )

    def where(self, table: str, key: str) -> Places:
        """Return where the ids of a table stand that has been checked already."""
        name = f"{table}.{key}"
        if name not in self.standing:
            self.standing[name] = Places(self.tables[table][key])
        return self.standing[name]

    def rows_where(self, table: str, where: pl.Expr) -> pl.Series:
        """Return whether ``where`` holds in each row of a table; a lazy query copies no column that it does not read."""
        return self.tables[table].lazy().select(where.fill_null(False)).collect().to_series()

    def leave_out(self, table: str, where: pl.Expr, message: Text, hint: Text, column: str | None = None) -> None:
        """Report the rows of a table where ``where`` holds, and leave them out."""
        wrong = self.rows_where(table, where)
        if wrong.any():
            frame = self.tables[table]
            self.report(table, frame.filter(wrong), "error", message, hint, column=column)
            self.tables[table] = frame.filter(~wrong)

    def mention(self, table: str, where: pl.Expr, message: Text, hint: Text, column: str | None = None) -> None:
        """Warn of the rows of a table where ``where`` holds, and keep them."""
        found = self.rows_where(table, where)
        if found.any():
            self.report(table, self.tables[table].filter(found), "warning", message, hint, column=column)


def _shown(values: pl.Series, zone: str) -> list[str | None]:
    if isinstance(values.dtype, pl.Datetime):
        on_the_wall = values.to_frame("time").select(walls(pl.col("time"), zone)).to_series()
        return on_the_wall.dt.to_string("%Y-%m-%d %H:%M:%S").to_list()
    return values.cast(pl.String).to_list()
