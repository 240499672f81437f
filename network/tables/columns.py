"""One column of a sheet, understood: its values, what is wrong with single cells, and what is to be said of it as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from network.tables.cells import Fault, faults_at
from network.tables.conventions import ReadingSettings
from network.tables.sheets import Merged
from network.tables.table_form import Column
from network.tables.times import at_midnight, without_clock
from network.texts import text

_FEWEST_TEXTS, _FEWEST_DAYS = 3, 2
"""So many rows, all from 0:00 to 0:00, show that the time of day was lost: where a clock was printed, and where it was not."""


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
        rows: the row of each cell, ascending. Of cells that overlap, as no spreadsheet has them, the first holds.
    """
    own = sorted(each for each in merged if each.column == index)
    if not own:
        return cells
    numbers = rows.to_numpy()
    firsts = np.searchsorted(numbers, [each.first for each in own])
    ends = np.searchsorted(numbers, [each.last for each in own], side="right")
    source = np.arange(len(cells))
    done = 0
    for each, first, end in zip(own, firsts.tolist(), ends.tolist(), strict=True):
        if done <= first < len(numbers) and numbers[first] == each.first:
            source[first:end] = first
            done = end
    return cells.gather(source)


def look_at_days(understood: Understood, reading: ReadingSettings) -> None:
    """Say where a day stands without a time of day in a column from which hours are counted."""
    times = understood.values
    known = len(times) - times.null_count()
    if not known or reading.dates_without_time == "midnight" or not at_midnight(times).any():
        return
    bare = without_clock(understood.raw, times)
    if int(bare.sum()) == known:
        understood.refuse_all(_days_only(known))
    elif bare.any():
        fault = Fault(
            text("This day has no time of day; it was taken as 0:00"), text("Add the time of day."), "warning"
        )
        understood.add_faults(bare, fault)


def look_at_midnights(columns: Sequence[Understood], looks_alike: bool, reading: ReadingSettings) -> None:
    """Refuse times that are all 0:00, in every column from which hours are counted: the time of day was lost on the way.

    Args:
        columns: of one table.
        looks_alike: whether a day looks like its midnight here, as it does in a workbook; texts show a clock, and typed times
            from elsewhere are taken as they are.
        reading: how the utility writes times.
    """
    clocks = [
        column for column in columns if column.column.needs_clock and column.values.null_count() < len(column.values)
    ]
    if len(clocks) < 2 or reading.dates_without_time == "midnight":
        return
    texts = all(clock.raw.dtype == pl.String for clock in clocks)
    known = min(len(clock.values) - clock.values.null_count() for clock in clocks)
    if not (texts or looks_alike) or known < (_FEWEST_TEXTS if texts else _FEWEST_DAYS):
        return
    if all((at_midnight(clock.values) | clock.values.is_null()).all() for clock in clocks):
        for clock in clocks:
            clock.refuse_all(_days_only(len(clock.values) - clock.values.null_count()))


def _days_only(rows: int) -> Fault:
    return Fault(
        text("Days without a time of day give no hours; all rows with one were left out ({rows})", rows=rows),
        text('Export it with the time of day; or set dates_without_time = "midnight" under [reading].'),
    )
