"""Limits of a file: how wide, how long and how large it may be, looked at before it is loaded.

A file of a few kilobytes can name a cell in the last column of the last row, span a hundred thousand columns, or unpack to more
than any memory holds. What is beyond a limit gives one problem that says so; nothing of it is loaded. All limits are our own.
"""

from __future__ import annotations

import gzip
import io
import re
import string
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from network.tables.decoding import UnreadableError
from network.texts import Text, text

MOST_COLUMNS = 16_384
"""Columns of a table: as many as a spreadsheet has."""

MOST_CELLS = 20_000_000
"""Cells of one sheet of a workbook, blank ones between others included: a million rows of twenty columns. Each takes 56 bytes."""

MOST_CELLS_AS_TEXT = 5_000_000
"""Cells of the tables of one page, or of the XML form of a workbook, which are held one by one."""

MOST_CELLS_OF_PARQUET = 500_000_000
"""Cells of a Parquet file, whose columns are packed."""

LARGEST_FILE = 2 << 30
"""Bytes of a file, unpacked."""

LONGEST_CELL = 10_000_000
"""Bytes of one cell; a spreadsheet holds 32,767 characters."""

MOST_RAGGED = 100_000
"""Rows that have not as many values as the header; with more of them a file is no table."""

ZIP_FAULTS = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, KeyError, struct.error,
)  # fmt: skip
"""What a packed file raises that is damaged or locked."""

_PART = 1 << 20
_CELL = re.compile(rb"""<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*["']\$?([A-Za-z]{1,50})\$?(\d{1,12})""")
_ROW = re.compile(rb"""<(?:\w+:)?row\s(?:[^>]*?\s)?r\s*=\s*["'](\d{1,12})""")
_FAR = re.compile(rb"""r\s*=\s*["']\$?(?:[A-Za-z]{2,50}\$?\d|[A-Za-z]?\$?\d{6})""")
"""A place beyond column Z or row 99,999; a sheet without one is small enough, and no further look at its cells is needed."""

_PLAIN_CELL = re.compile(rb'<c r="([A-Z]{1,50}[0-9]{1,12})"')
_PLAIN_ROW = re.compile(rb'<row r="([0-9]{1,12})"')
_LETTERS, _DIGITS = string.ascii_uppercase.encode(), string.digits.encode()
_REPEATED = re.compile(rb'number-(columns|rows)-repeated="(\d{1,9})"')
_SHEETS = re.compile(r"^(?:xl/worksheets/.*\.xml|content\.xml)$")


def look_at_size(size: int) -> None:
    """Refuse a file that is too large.

    Raises:
        UnreadableError: it is.
    """
    if size > LARGEST_FILE:
        raise _beyond(
            text("The file has {size} MB; at most {most} MB can be read", size=size >> 20, most=LARGEST_FILE >> 20),
            text("Export a shorter period or a smaller area, or several files."),
        )


def look_at_width(columns: int) -> None:
    """Refuse a table that is too wide.

    Raises:
        UnreadableError: it is.
    """
    if columns > MOST_COLUMNS:
        raise _beyond(
            text("The table has {found} columns; at most {most} can be read", found=columns, most=MOST_COLUMNS),
            text("Look for a missing line break, or delete the columns beyond the table."),
        )


def look_at_ragged(rows: int) -> None:
    """Refuse a file in which too many rows do not fit the header.

    Raises:
        UnreadableError: they do not.
    """
    if rows > MOST_RAGGED:
        raise _beyond(
            text("More than {most} rows have not as many values as the header", most=MOST_RAGGED),
            text("Look for another separator, or a quote that is never closed, and export the file again."),
        )


def look_at_cell(size: int) -> None:
    """Refuse a cell, or a line, that is too long.

    Raises:
        UnreadableError: it is.
    """
    if size > LONGEST_CELL:
        raise _beyond(
            text("A cell has more than {most} characters", most=LONGEST_CELL),
            text("Look for a file or a picture that was pasted into a cell, and delete it."),
        )


_NOT_PLAIN = (b"mergeCell", b"-spanned=")
"""Marks of merged cells; formulas are elements or attributes that begin with f, whatever prefix their names have."""


def look_at_parquet(path: Path) -> None:
    """Refuse a Parquet file that would unpack to too much, by what its end says of it.

    Raises:
        UnreadableError: it would.
        OSError: the file cannot be opened.
        ValueError: it is not Parquet, or is damaged.
    """
    import pyarrow.parquet

    told = pyarrow.parquet.read_metadata(path)
    look_at_width(told.num_columns)
    if told.num_rows * told.num_columns > MOST_CELLS_OF_PARQUET:
        raise _too_many_cells(told.num_rows * told.num_columns, MOST_CELLS_OF_PARQUET)
    look_at_size(sum(told.row_group(group).total_byte_size for group in range(told.num_row_groups)))


def unpacked(data: bytes) -> bytes:
    """Return what a ``.gz`` file holds.

    Raises:
        UnreadableError: it unpacks to too much.
        OSError, EOFError, zlib.error: it is damaged.
    """
    pieces, size = [], 0
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
        while piece := packed.read(_PART):
            size += len(piece)
            look_at_size(size)
            pieces.append(piece)
    return b"".join(pieces)


def look_at_workbook(data: bytes) -> frozenset[str]:
    """Refuse a workbook with a cell too far away, a cell too long, or too much in it, by a look at its packed parts.

    Args:
        data: an ``.xlsx``, ``.xlsb`` or ``.ods`` file; others are passed over.

    Returns:
        The sheets in which no cell is merged and none is a formula.

    Raises:
        UnreadableError: it has one.
    """
    plain: set[str] = set()
    if not data.startswith(b"PK"):
        return frozenset()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            look_at_size(sum(part.file_size for part in archive.infolist()))
            for part in archive.infolist():
                if part.filename.endswith(".xml") and _look_at_part(archive, part):
                    plain.add(part.filename)
                if part.filename == "content.xml":
                    _look_at_form(archive, part)
    except ZIP_FAULTS:
        return frozenset()  # what opens workbooks says what is wrong with it
    return frozenset(plain)


def _look_at_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Look at one part, and return whether nothing in it is a merged cell or a formula."""
    is_sheet, reaches_far, blank = bool(_SHEETS.match(part.filename)), part.filename == "content.xml", 0
    plain = True
    for piece in _pieces(archive, part):
        plain = plain and not (is_sheet and _has_marks(piece))
        blank = 0 if b"<" in piece else blank + len(piece)
        look_at_cell(blank)
        reaches_far = reaches_far or (is_sheet and _may_reach_far(piece) and bool(_FAR.search(piece)))
    if reaches_far:
        extent = _Extent()
        for piece in _pieces(archive, part):
            extent.take(piece)
    return plain


def _has_marks(piece: bytes) -> bool:
    """Return whether a piece of a sheet may have a merged cell or a formula."""
    letters = np.frombuffer(piece, dtype=np.uint8)
    at = np.flatnonzero(letters == _F)
    before = letters[at[at > 0] - 1]
    return bool(((before == _OPENS) | (before == _COLON)).any()) or any(mark in piece for mark in _NOT_PLAIN)


_F, _OPENS, _COLON, _QUOTE, _EQUALS, _R, _DOLLAR, _NINE = (ord(letter) for letter in 'f<:"=r$9')


def _may_reach_far(piece: bytes) -> bool:
    """Return whether a place of a piece may be beyond those of :data:`_FAR`; ``False`` is certain, and found quickly."""
    letters = np.frombuffer(piece, dtype=np.uint8)
    at = np.flatnonzero(letters == _QUOTE)
    begins, ends = at[::2], at[1::2]
    if b"'" in piece or len(begins) != len(ends) or not len(begins) or begins[0] < 2:
        return True
    if not (
        letters[begins - 1] == _EQUALS
    ).all():  # quotes stand in texts too, so that nothing tells which of them open
        return True
    is_place = letters[begins - 2] == _R
    begins, size = begins[is_place], ends[is_place] - begins[is_place] - 1
    first, second = letters[begins + 1], letters[np.minimum(begins + 2, len(letters) - 1)]
    in_letters = (size > 1) & (first > _NINE) & (second > _NINE)
    many_digits = (size > 6) | ((size == 6) & (first <= _NINE))
    return bool((in_letters | many_digits | (first == _DOLLAR) | ((second == _DOLLAR) & (size > 1))).any())


def _look_at_form(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Refuse an open document that is not well formed: what reads its cells looks for the end of an element for ever."""
    import lxml.etree

    try:
        with archive.open(part) as file:
            for _, element in lxml.etree.iterparse(file, resolve_entities=False, no_network=True, huge_tree=True):
                element.clear()
                while element.getparent() is not None and element.getprevious() is not None:
                    del element.getparent()[0]
    except lxml.etree.LxmlError as reason:
        raise _beyond(
            text("This workbook cannot be opened"),
            text("It is damaged: export it again, or save it as .xlsx in a spreadsheet."),
        ) from reason


def _pieces(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Give a part piece by piece, each ending where an element does, so that no mark is cut in two."""
    rest, size = b"", 0
    with archive.open(part) as file:
        while piece := file.read(_PART):
            size += len(piece)
            look_at_size(size)
            at = piece.rfind(b">") + 1
            if not at and len(rest) < LONGEST_CELL:
                rest += piece
                continue
            yield rest + piece[:at]
            rest = piece[at:] if at else b""
            if not at:
                yield piece
    if rest:
        yield rest


@dataclass
class _Extent:
    """How far the cells of a sheet reach; a spreadsheet's reader makes room for all between the first and the last."""

    column: int = 0
    row: int = 0
    repeated: int = 0

    def take(self, piece: bytes) -> None:
        """Look at a piece of a sheet."""
        columns, rows = _plain_places(piece) or _places(piece)
        if columns:
            self.column = max(self.column, *map(_column_number, columns))
        if rows:
            self.row = max(self.row, *rows)
            self._judge(max(self.column, 1) * self.row, f"{_letters(self.column)}{self.row}")
        for _, times in _REPEATED.findall(piece):  # blank ones at the end are repeated to the last column and row
            self.repeated += int(times) if int(times) < 1_000 else 0
        self._judge(self.repeated, None)

    def _judge(self, cells: int, last: str | None) -> None:
        if cells <= MOST_CELLS:
            return
        if last is None:
            raise _too_many_cells(cells, MOST_CELLS)
        raise _beyond(
            text("The sheet reaches to cell {cell}: {count} cells with the blank ones", cell=last, count=cells),
            text("Delete the rows and columns beyond the table, and save the file again."),
        )


def _plain_places(piece: bytes) -> tuple[set[bytes], set[int]] | None:
    """Return the columns and rows of cells written as most programs do; ``None`` where one may be written otherwise."""
    cells, rows = _PLAIN_CELL.findall(piece), _PLAIN_ROW.findall(piece)
    written = sum(piece.count(mark) for mark in (b"<c ", b"<c\t", b"<c\n", b"<c\r"))
    if len(cells) != written or len(rows) != piece.count(b"<row") or b":c" in piece or b":row" in piece:
        return None
    places = b" ".join(cells)
    numbers = np.fromstring(places.translate(None, _LETTERS).decode(), dtype=np.int64, sep=" ")
    return set(places.translate(None, _DIGITS).split()), {int(numbers.max(initial=0)), *map(int, rows)} - {0}


def _places(piece: bytes) -> tuple[set[bytes], set[int]]:
    found = _CELL.findall(piece)
    rows = {int(row) for row in (*_ROW.findall(piece), *(row for _, row in found))}
    return {letters.upper() for letters, _ in found}, rows


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _letters(column: int) -> str:
    found = ""
    while column:
        column, letter = divmod(column - 1, 26)
        found = chr(65 + letter) + found
    return found or "A"


@dataclass
class Room:
    """Room for cells that are held one by one: :meth:`take` refuses what is beyond it."""

    left: int = MOST_CELLS_AS_TEXT

    def take(self, cells: int) -> None:
        """Take room for some cells.

        Raises:
            UnreadableError: there is not so much left.
        """
        self.left -= cells
        if self.left < 0:
            raise _too_many_cells(MOST_CELLS_AS_TEXT - self.left, MOST_CELLS_AS_TEXT)


def _too_many_cells(found: int, most: int) -> UnreadableError:
    return _beyond(
        text("The file has {found} cells or more; at most {most} can be read", found=found, most=most),
        text("Look for cells that go over far too many rows or columns, or export several files."),
    )


def _beyond(message: Text, hint: Text) -> UnreadableError:
    return UnreadableError(message, hint)


# -- values ------------------------------------------------------------------------------------------------------------

_UNITS_A_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""Days since 1970 of the years 1 and 9999, between which times can be calculated with and shown."""


def bounded(values: pl.Series) -> pl.Series:
    """Return typed values with no time outside the years 1 to 9999: a column with one becomes text, the number as it stands.

    Durations become text too, in ISO 8601: which unit they were counted in is then of no account.
    """
    kind = values.dtype
    if isinstance(kind, pl.Duration):
        return _as_durations(values)
    if kind != pl.Date and not isinstance(kind, pl.Datetime):
        return values
    per_day = 1 if not isinstance(kind, pl.Datetime) else _UNITS_A_DAY[kind.time_unit]
    days = values.to_physical().cast(pl.Int64) // per_day
    outside = ~days.is_between(_FIRST_DAY, _LAST_DAY).fill_null(value=True)
    if not outside.any():
        return values
    inside = values.set(outside, None).dt.to_string("iso")
    return inside.zip_with(~outside, _as_numbers(values))


def _as_durations(values: pl.Series) -> pl.Series:
    """Write durations as seconds, such as ``PT5400.5S``; of one below zero, the sign stands where nobody reads a number."""
    ticks = values.to_physical().cast(pl.Int64)
    per_second = _UNITS_A_DAY[values.dtype.time_unit] // 86_400  # type: ignore[attr-defined]
    whole, rest = ticks // per_second, ticks % per_second
    digits = len(str(per_second)) - 1
    return values.to_frame("of").select(
        pl.format("PT{}.{}S", whole, rest.cast(pl.String).str.zfill(digits)).alias(values.name)
    ).to_series()  # fmt: skip


def _as_numbers(values: pl.Series) -> pl.Series:
    return values.to_physical().cast(pl.Int64).cast(pl.String)
