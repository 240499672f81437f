"""Workbooks (``.xlsx``, ``.xlsb``, ``.xls``, ``.ods``) as sheets."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import fastexcel
import polars as pl

from network.problems import Problem
from network.tables.cells import as_text
from network.tables.compound import look_at_compound
from network.tables.decoding import UnreadableError
from network.tables.headers import HEAD_ROWS, find_header, match_header
from network.tables.limits import ZIP_FAULTS, look_at_workbook
from network.tables.panics import panics_as
from network.tables.selection import Candidate, choose_sheets
from network.tables.sheets import Merged, Sheet, Wanted, first_line, no_header, row_numbers
from network.texts import text

_SHEET_ERRORS = {
    "NA": "#N/A",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "Div0": "#DIV/0!",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
}


def read_workbook(data: bytes, wanted: Wanted) -> tuple[list[Sheet], list[Problem]]:
    """Read the sheets of a workbook that hold what is wanted, as :func:`network.tables.files.read_wanted` does."""
    plain = look_at_workbook(data)
    if not data.startswith(b"PK"):
        look_at_compound(data)
    with panics_as(_damaged_workbook()):
        return _read_workbook(data, wanted, plain)


def _read_workbook(data: bytes, wanted: Wanted, plain: Collection[str]) -> tuple[list[Sheet], list[Problem]]:
    try:
        book = fastexcel.read_excel(data)
        heads = {name: _head_of_sheet(book, name) for name in book.sheet_names}
        if not any(head.filled for head in heads.values()):
            raise UnreadableError(text("The file is empty"), text("Export it again, or remove it."), "warning")
        candidates = [
            Candidate(name, find_header(head.rows, wanted.names), head.visible, not head.filled)
            for name, head in heads.items()
        ]
        chosen, problems = choose_sheets(candidates, wanted.table, wanted.file)
        if not chosen:
            raise _no_header_in_workbook(heads, wanted)
        several = sum(head.filled for head in heads.values()) > 1
        return [_sheet_of_workbook(data, book, each, several, plain, wanted) for each in chosen], problems
    except fastexcel.FastExcelError as reason:
        raise UnreadableError(
            text("This workbook cannot be opened"),
            text(
                "It may be damaged or protected by a password: save it again as .xlsx. ({reason})",
                reason=first_line(reason),
            ),
        ) from reason


def _damaged_workbook() -> UnreadableError:
    return UnreadableError(
        text("This workbook cannot be opened"),
        text("It is damaged: export it again, or save it as .xlsx in a spreadsheet."),
    )


class _Head(NamedTuple):
    """The first rows of a sheet, and whether a spreadsheet shows it."""

    rows: Sequence[Sequence[str]]
    visible: bool

    @property
    def filled(self) -> bool:
        """Whether any cell of them holds something."""
        return any(map(any, self.rows))


def _head_of_sheet(book: fastexcel.ExcelReader, name: str) -> _Head:
    sheet = book.load_sheet(name, header_row=None, skip_rows=0, n_rows=4 * HEAD_ROWS, dtypes="string")
    return _Head([[cell or "" for cell in row] for row in sheet.to_polars().rows()], sheet.visible == "visible")


def _no_header_in_workbook(heads: Mapping[str, _Head], wanted: Wanted) -> UnreadableError:
    shown = [head for head in heads.values() if head.visible and head.filled]
    if any(find_header(head.rows, wanted.names) for head in heads.values() if not head.visible):
        return UnreadableError(
            text("The only sheet with the columns of the table is hidden, and was not read"),
            text("Show the sheet and save the file, if it is the right one."),
        )
    return no_header(shown[0].rows if shown else [], wanted.table)


def _sheet_of_workbook(
    data: bytes, book: fastexcel.ExcelReader, chosen: Candidate, several: bool, plain: Collection[str], wanted: Wanted
) -> Sheet:
    """Return the cells below the header of one sheet."""
    header = chosen.header
    assert header is not None  # noqa: S101  # only sheets with a header are chosen
    columns = _body_of_sheet(book, chosen.name, header.last, len(header.names))
    if _counts_from_1904(data):
        columns = [_from_1900(*each, wanted) for each in zip(columns, header.names, strict=False)]
    height = len(columns[0]) if columns else 0
    blank = [_blanks(column) for column in columns]
    merged: Sequence[Merged] = ()
    if any(each.any() for each in blank):
        from network.tables.spans import spans_of  # what reads them takes time to load

        spans = spans_of(data, chosen.name, plain)
        merged = spans.merged
        for formula in spans.formulas:
            row = formula.row - header.last - 2
            if 0 <= row < height and formula.column < len(columns) and blank[formula.column][row]:
                columns[formula.column] = as_text(columns[formula.column]).scatter(row, formula.written)
    return Sheet(
        header.names,
        columns,
        row_numbers(height, header.last + 1),
        header.last + 1,
        name=chosen.name if several else None,
        merged=merged,
        is_workbook=True,
    )


def _counts_from_1904(data: bytes) -> bool:
    """Return whether an ``.xlsx`` counts days from 1904, as some programs of the Macintosh do; its dates are read so already."""
    if not data.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return bool(_FROM_1904.search(archive.read("xl/workbook.xml")))
    except ZIP_FAULTS:
        return False


_FROM_1904 = re.compile(rb"""<(?:\w+:)?workbookPr\s[^>]*date1904\s*=\s*["'](?:1|true)["']""")


def _from_1900(cells: pl.Series, header: str, wanted: Wanted) -> pl.Series:
    """Return numbers that are times and have no form of a date, counted from 1900 as everywhere else."""
    found = match_header(header, wanted.names)
    return (
        cells + _DAYS_TO_1904 if found is not None and found[0].kind == "time" and cells.dtype.is_numeric() else cells
    )


_DAYS_TO_1904 = 1462


def _blanks(cells: pl.Series) -> pl.Series:
    """Return which cells hold nothing: a formula of the old form that was never calculated is a text without letters."""
    return cells.is_null() | (cells == "").fill_null(False) if cells.dtype == pl.String else cells.is_null()


def _body_of_sheet(book: fastexcel.ExcelReader, name: str, position: int, width: int) -> list[pl.Series]:
    """Return the typed columns below the header; a cell whose formula has failed shows its error as text."""
    sheet = book.load_sheet(name, header_row=None, skip_rows=position + 1, schema_sample_rows=None)
    if not sheet.total_height or sheet.total_height <= position + 1:
        return [pl.Series(str(index), [], dtype=pl.String) for index in range(width)]
    batch, wrong = sheet.to_arrow_with_errors()
    columns = pl.DataFrame(batch).get_columns()
    for error in wrong.errors if wrong is not None else ():
        row, index = error.offset_position
        shown = _SHEET_ERRORS.get(error.detail.rpartition("Error(")[2].rstrip(")'"), "#N/A")
        columns[index] = as_text(columns[index]).scatter(row, shown)
    return columns
