"""How results show themselves: one line where they are printed, a table in a notebook."""

from __future__ import annotations

import polars as pl

_SHOWN_ROWS = 20


class Shown:
    """A result that prints as one line, and as its first rows in a notebook."""

    def __repr__(self) -> str:
        """Return one line that says what the result is and how large."""
        return f"<{self._line()}>"

    def _repr_html_(self) -> str:
        """Return the line and the first rows of the result's table, where it has one."""
        caption = f"<p>{_escaped(self._line())}</p>"
        table = self._table()
        return caption if table is None else caption + table.head(_SHOWN_ROWS)._repr_html_()

    def _line(self) -> str:
        return type(self).__name__

    def _table(self) -> pl.DataFrame | None:
        return None


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
