"""What a table of a workspace is: its columns, and how a value of each is understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

ROW = "row"
"""Name of the column that every table carries besides its own: the row in the file, as a spreadsheet counts it."""

POLARS_TYPES: Mapping[str, type[pl.DataType] | pl.DataType] = MappingProxyType(
    {
        "id": pl.String,
        "text": pl.String,
        "code": pl.String,
        "number": pl.Float64,
        "integer": pl.Int64,
        "boolean": pl.Boolean,
        "time": pl.Datetime("us"),
    }
)


@dataclass(frozen=True)
class Column:
    """One column: its name, kind, Chinese header, meaning, and how a value is understood.

    Attributes:
        name: the name in English, with its unit as a suffix (``_h``, ``_km``, ``_a``, ``_kva``).
        kind: ``id``, ``text``, ``code``, ``number``, ``integer``, ``boolean`` or ``time``.
        chinese: the Chinese header, accepted when reading and used when writing.
        meaning: what the column says, in one phrase.
        aliases: further headers that utilities use.
        required: a row without a value is left out.
        critical: a row whose value cannot be read is left out, because a blank would mean something else.
        default: what a blank means; ``None`` stays unknown.
        codes: for ``code``: each code with the words that stand for it.
        refers_to: ``table.column`` whose ids this column names.
        minimum: the smallest possible value of a number.
        needs_clock: a day without a time of day says too little here, since hours are counted from it.
        blank_is_open: a blank cell says that it still lasts, so a sign such as ``/`` does not pass for a blank.
    """

    name: str
    kind: str
    chinese: str
    meaning: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    critical: bool = False
    default: bool | float | str | None = None
    codes: Mapping[str, tuple[str, ...]] | None = None
    refers_to: str | None = None
    minimum: float | None = None
    needs_clock: bool = False
    blank_is_open: bool = False

    @property
    def unit(self) -> str | None:
        """The unit in the name: ``length_km`` is in ``km``."""
        suffix = self.name.rsplit("_", 1)[-1]
        return suffix if self.kind == "number" and suffix in {"h", "min", "km", "a", "kva", "kw", "kv", "ohm"} else None

    @property
    def polars_type(self) -> type[pl.DataType] | pl.DataType:
        """The Polars type of a value of this kind."""
        return POLARS_TYPES[self.kind]


@dataclass(frozen=True)
class Table:
    """One table of a workspace: its columns, its key and what a row is.

    Attributes:
        name: the name in English.
        chinese: the Chinese name, accepted for files.
        meaning: what a row is, in one phrase.
        columns: what it holds.
        key: the columns that tell one row from another.
        aliases: further names for files.
        duration: a column of hours that a sheet may give in place of ``end``; it is read and not kept.
    """

    name: str
    chinese: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    duration: Column | None = None

    def __getitem__(self, column: str) -> Column:
        return next(each for each in self.columns if each.name == column)

    @property
    def names(self) -> list[str]:
        """The column names in order."""
        return [column.name for column in self.columns]

    @property
    def polars_schema(self) -> dict[str, type[pl.DataType] | pl.DataType]:
        """Polars types by column, with :data:`ROW` at the end."""
        return {column.name: column.polars_type for column in self.columns} | {ROW: pl.UInt32}

    def empty(self) -> pl.DataFrame:
        """Return the table without rows."""
        return pl.DataFrame(schema=self.polars_schema)


def id_column(
    name: str, chinese: str, meaning: str, *aliases: str, required: bool = False, refers_to: str | None = None
) -> Column:
    """Return a column of an id."""
    return Column(name, "id", chinese, meaning, aliases, required=required, refers_to=refers_to)


def text_column(name: str, chinese: str, meaning: str, *aliases: str, required: bool = False) -> Column:
    """Return a column of text."""
    return Column(name, "text", chinese, meaning, aliases, required=required)


def number_column(
    name: str, chinese: str, meaning: str, *aliases: str, required: bool = False, minimum: float = 0.0
) -> Column:
    """Return a column of numbers."""
    return Column(name, "number", chinese, meaning, aliases, required=required, minimum=minimum)


def time_column(
    name: str,
    chinese: str,
    meaning: str,
    *aliases: str,
    required: bool = False,
    critical: bool = False,
    needs_clock: bool = False,
    blank_is_open: bool = False,
) -> Column:
    """Return a column of times."""
    return Column(
        name,
        "time",
        chinese,
        meaning,
        aliases,
        required=required,
        critical=critical,
        needs_clock=needs_clock,
        blank_is_open=blank_is_open,
    )


def flag_column(name: str, chinese: str, meaning: str, *aliases: str, default: bool | None = None) -> Column:
    """Return a column of yes and no."""
    return Column(name, "boolean", chinese, meaning, aliases, default=default)


def code_column(
    name: str, chinese: str, meaning: str, codes: Mapping[str, tuple[str, ...]], *aliases: str, required: bool = False
) -> Column:
    """Return a column of codes."""
    return Column(name, "code", chinese, meaning, aliases, required=required, codes=codes)
