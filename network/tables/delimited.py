"""Delimited text as a sheet: by compiled code where its quotes are proper, else record by record."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from network.problems import Problem
from network.tables.decoding import Decoded, UnreadableError
from network.tables.headers import HEAD_ROWS, Header, find_header
from network.tables.limits import LONGEST_CELL, look_at_cell, look_at_width
from network.tables.sheets import Sheet, Wanted, no_header, ragged, sheet_of_records
from network.tables.table_form import ROW
from network.texts import text

DELIMITERS = (",", "\t", ";", "，", "|")
_HEAD_BYTES = 65_536
csv.field_size_limit(LONGEST_CELL)


def read_delimited(decoded: Decoded, wanted: Wanted) -> Sheet:
    """Read text with delimiters: with that of :data:`DELIMITERS` by which most headers are known.

    Raises:
        UnreadableError: no row is a header, or a cell or row is longer than any can be.
    """
    head = _head_of(decoded.data)
    found: list[tuple[Header, str]] = []
    for delimiter in DELIMITERS:
        header = find_header(_records(head.decode(errors="replace"), delimiter, 4 * HEAD_ROWS), wanted.names)
        if header is not None:
            found.append((header, delimiter))
    if not found:
        first = _records(head.decode(errors="replace"), ",", HEAD_ROWS)
        if find_header([re.split(r"\s+", line[0].strip()) if line else [] for line in first], wanted.names) is not None:
            raise UnreadableError(
                text("The columns are separated by blanks, so that nothing tells where one ends"),
                text("Save it with commas or tabs between the columns."),
                encoding=decoded.encoding,
            )
        raise no_header(first, wanted.table, decoded.encoding)
    header, delimiter = max(found, key=lambda each: each[0].hits)
    look_at_width(len(header.names))
    if delimiter.isascii() and (sheet := _read_quickly(decoded, header, delimiter)) is not None:
        return sheet
    try:
        return sheet_of_records(_records(decoded.data.decode(), delimiter), header, decoded)
    except csv.Error:  # the only fault that is no matter of taste: a field longer than any cell
        look_at_cell(LONGEST_CELL + 1)
        raise


def _head_of(data: bytes) -> bytes:
    """Return the first lines whole, as many as may hold the header.

    Raises:
        UnreadableError: the first of them is longer than a row can be.
    """
    if len(data) <= _HEAD_BYTES:
        return data
    end = data.rfind(b"\n", 0, _HEAD_BYTES)
    if end < 0:
        end = data.find(b"\n")
        first = data if end < 0 else data[:end]
        look_at_width(max(first.count(delimiter.encode()) for delimiter in DELIMITERS) + 1)
        end = len(first)
    return data[:end]


def _records(content: str, delimiter: str, most: int | None = None) -> list[list[str]]:
    """Split text into records; where a quote is never closed, each line stands for itself."""
    lines: Iterable[str] = io.StringIO(content, newline="")
    if content.count('"') % 2:
        records = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
        return records[:most]
    records = []
    for record in csv.reader(lines, delimiter=delimiter):
        records.append(record)
        if most is not None and len(records) >= most:
            break
    return records


def _read_quickly(decoded: Decoded, header: Header, delimiter: str) -> Sheet | None:
    """Read plain or properly quoted text by compiled code; ``None`` where quotes stand where they should not."""
    data = decoded.data if decoded.data.endswith(b"\n") else decoded.data + b"\n"
    letters = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    separators = np.flatnonzero(letters == ord(delimiter))
    quotes = np.flatnonzero(letters == ord('"'))
    if len(quotes):
        if not _quotes_are_proper(letters, quotes, delimiter):
            return None
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
        separators = separators[np.searchsorted(quotes, separators) % 2 == 0]
    starts = np.concatenate(([0], ends[:-1] + 1))
    counts = np.searchsorted(separators, ends) - np.searchsorted(separators, starts)
    look_at_cell(int((ends - starts).max(initial=0)))
    lines = _Lines(data, starts, ends, counts, delimiter)
    if header.last >= len(ends):  # a carriage return alone ends a line for some, and not here
        return None
    headers = header.names
    body, numbers, problems = _keep_even_records(decoded, lines, header.last, len(headers))
    frame = pl.read_csv(
        body,
        has_header=False,
        separator=delimiter,
        schema={str(i): pl.String for i in range(len(headers))},
        raise_if_empty=False,
    )
    if frame.height != len(numbers):
        return None
    rows = pl.Series(ROW, numbers.astype(np.uint32))
    return Sheet(headers, frame.get_columns(), rows, header.last + 1, decoded.encoding, problems)


def _quotes_are_proper(letters: npt.NDArray[np.uint8], quotes: npt.NDArray[np.intp], delimiter: str) -> bool:
    """Return whether every quote opens or closes a whole value."""
    if len(quotes) % 2:
        return False
    before = letters[np.maximum(quotes[0::2] - 1, 0)]
    after = letters[quotes[1::2] + 1]
    opens = np.isin(before, [ord(delimiter), ord("\n"), ord('"')]) | (quotes[0::2] == 0)
    return bool(opens.all() and np.isin(after, [ord(delimiter), ord("\n"), ord('"')]).all())


@dataclass(frozen=True)
class _Lines:
    """Where the records of a delimited text begin and end, and how many delimiters each has."""

    data: bytes
    starts: npt.NDArray[np.intp]
    ends: npt.NDArray[np.intp]
    counts: npt.NDArray[np.intp]
    delimiter: str

    def record(self, index: int) -> list[str]:
        """Return the values of one record."""
        content = self.data[int(self.starts[index]) : int(self.ends[index])].decode()
        return next(csv.reader(io.StringIO(content, newline=""), delimiter=self.delimiter), [])


def _keep_even_records(
    decoded: Decoded, lines: _Lines, position: int, width: int
) -> tuple[bytes, npt.NDArray[np.intp], list[Problem]]:
    """Return the records below the header that are as wide as it, their rows, and the problems of the others."""
    problems = list(decoded.problems)
    kept = np.ones(len(lines.starts), dtype=bool)
    kept[: position + 1] = False
    odd = (lines.counts != width - 1) | (lines.starts == lines.ends)
    pieces: list[bytes] = []
    done = int(lines.ends[position]) + 1
    for index in np.flatnonzero(odd & kept).tolist():
        pieces.append(lines.data[done : int(lines.starts[index])])
        done = int(lines.ends[index]) + 1
        record = lines.record(index)
        if len(record) > width and not any(map(str.strip, record[width:])):
            trimmed = io.StringIO()
            csv.writer(trimmed, delimiter=lines.delimiter, lineterminator="\n").writerow(record[:width])
            pieces.append(trimmed.getvalue().encode())
            continue
        kept[index] = False
        if any(map(str.strip, record)):
            problems.append(ragged(decoded, index + 1, width, record))
    pieces.append(lines.data[done:])
    return b"".join(pieces), np.flatnonzero(kept) + 1, problems
