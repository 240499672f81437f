"""One column of a sheet, understood: its values, what is wrong with single cells, and what is to be said of it as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from network.tables.cells import Fault, faults_at
from network.tables.conventions import ReadingSettings
from network.tables.schema import Column
from network.tables.spans import Merged
from network.tables.times import at_midnight, without_clock
from network.texts import text

_SUSPECT, _CERTAIN = 3, 20
"""So many times, all at 0:00, are suspect; so many are days without a time of day, even where a clock was printed."""


@dataclass
class Understood:
    """A column while its table is being read.

    Attributes:
        column: what it should hold.
        raw: the cells, as long as the sheet.
        values: what they mean, ``null`` where blank or unreadable.
        faults: position, text and fault of each cell that cannot be taken as it stands.
        notes: what is to be said once of the whole column.
        unusable: positions of rows that are left out by a note, and so are not named one by one.
    """

    column: Column
    raw: pl.Series
    values: pl.Series
    faults: list[tuple[int, str | None, Fault]] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    unusable: pl.Series | None = None

    def add_faults(self, where: pl.Series, fault: Fault) -> None:
        """Say the same of every cell that is chosen."""
        self.faults += faults_at(self.raw, where, fault)

    def refused(self) -> pl.Series:
        """Return in which rows the value cannot be used."""
        refused = np.zeros(len(self.raw), dtype=bool)
        refused[[position for position, _, fault in self.faults if fault.severity == "error"]] = True
        return pl.Series(refused) if self.unusable is None else pl.Series(refused) | self.unusable

    def refuse_all(self, fault: Fault) -> None:
        """Say once that no value of the column can be used."""
        self.notes.append(fault)
        self.unusable = (
            self.values.is_not_null() if self.unusable is None else self.unusable | self.values.is_not_null()
        )
        self.values = self.values.set(self.values.is_not_null(), None)


def fill_merged(cells: pl.Series, merged: Sequence[Merged], index: int, rows: pl.Series) -> pl.Series:
    """Repeat the value of each merged cell in the rows over which it goes.

    Args:
        cells: of one column.
        merged: the merged cells of the sheet.
        index: which column it is, from 0.
        rows: the row of each cell, ascending.
    """
    own = [each for each in merged if each.column == index]
    if not own:
        return cells
    numbers = rows.to_numpy()
    firsts = np.searchsorted(numbers, [each.first for each in own])
    ends = np.searchsorted(numbers, [each.last for each in own], side="right")
    source = np.arange(len(cells))
    for each, first, end in zip(own, firsts, ends, strict=True):
        if first < len(numbers) and numbers[first] == each.first:
            source[first:end] = first
    return cells.gather(source)


def look_at_days(understood: Understood, reading: ReadingSettings) -> None:
    """Say where a day stands without a time of day in a column from which hours are counted."""
    times = understood.values
    known = len(times) - times.null_count()
    if not known or reading.dates_without_time == "midnight":
        return
    midnights = int(at_midnight(times).sum())
    if not midnights:
        return
    bare = without_clock(understood.raw, times)
    certain = _SUSPECT if isinstance(understood.raw.dtype, pl.Datetime) else _CERTAIN
    if int(bare.sum()) == known or (midnights == known and known >= certain):
        message = text("Days without a time of day give no hours; all rows with one were left out ({rows})", rows=known)
        hint = text('Export it with the time of day; or set dates_without_time = "midnight" under [reading].')
        understood.refuse_all(Fault(message, hint))
    elif midnights == known and known >= _SUSPECT:
        message = text("All times of this column are 0:00")
        understood.notes.append(Fault(message, text("Check whether the time of day was lost."), "warning"))
    elif bare.any():
        fault = Fault(
            text("This day has no time of day; it was taken as 0:00"), text("Add the time of day."), "warning"
        )
        understood.add_faults(bare, fault)
