"""How results show themselves: one line where they are printed, a table in a notebook."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import fields
from datetime import date
from html import escape
from typing import Any

import polars as pl

_SHOWN_ROWS = 20
_LONGEST = 160


class Shown:
    """A result that prints as one line, and as its first rows in a notebook.

    A class says what its line and its table are; else the line tells the fields of a dataclass: values, and how many there are of
    what has many.
    """

    def __repr__(self) -> str:
        """Return one line that says what the result is and how large."""
        return f"<{self._line()}>"

    def _repr_html_(self) -> str:
        """Return the line and the first rows of the result's table, where it has one."""
        caption, table = f"<p>{escape(self._line())}</p>", self._table()
        return caption if table is None else caption + table.head(_SHOWN_ROWS)._repr_html_()

    def _line(self) -> str:
        told = ", ".join(filter(None, (_told(field.name, getattr(self, field.name)) for field in fields(self))))  # type: ignore[arg-type]
        line = f"{type(self).__name__}: {told}"
        return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"

    def _table(self) -> pl.DataFrame | None:
        return None


def _told(name: str, value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | date):
        return f"{name} {value}"
    if isinstance(value, str):
        return f"{name} {value!r}" if len(value) <= _SHOWN_ROWS else f"{name} …"
    return f"{name} ({len(value)})" if isinstance(value, Sized) else ""
