"""Delimited text as a sheet: by compiled code where its quotes are proper, else record by record."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import polars as pl

from network.problems import Problem
from network.tables.decoding import Decoded, UnreadableError
from network.tables.headers import HEAD_ROWS, Header, find_header
from network.tables.limits import LONGEST_CELL, look_at_cell, look_at_ragged, look_at_width
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
        header = find_header(_first(head.decode(errors="replace"), delimiter, 4 * HEAD_ROWS), wanted.names)
        if header is not None:
            found.append((header, delimiter))
    if not found:
        first = _first(head.decode(errors="replace"), ",", HEAD_ROWS)
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


def _first(content: str, delimiter: str, most: int) -> list[list[str]]:
    return list(islice(_records(content, delimiter), most))


def _records(content: str, delimiter: str) -> Iterator[list[str]]:
    """Split text into records; where a quote is never closed, each line stands for itself."""
    lines = io.StringIO(content, newline="")
    if content.count('"') % 2:
        return (next(csv.reader([line], delimiter=delimiter), []) for line in lines)
    return csv.reader(lines, delimiter=delimiter)


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
    kept = lines.starts != lines.ends
    kept[: position + 1] = False
    cut: dict[int, bytes] = {}
    for index in np.flatnonzero((lines.counts != width - 1) & kept).tolist():
        record = lines.record(index)
        if len(record) > width and not any(map(str.strip, record[width:])):
            trimmed = io.StringIO()
            csv.writer(trimmed, delimiter=lines.delimiter, lineterminator="\n").writerow(record[:width])
            cut[index] = trimmed.getvalue().encode()
            continue
        kept[index] = False
        if any(map(str.strip, record)):
            problems.append(ragged(decoded, index + 1, width, record))
            look_at_ragged(len(problems))
    return _body(lines, kept, cut), np.flatnonzero(kept) + 1, problems


def _body(lines: _Lines, kept: npt.NDArray[np.bool_], cut: Mapping[int, bytes]) -> bytes:
    """Return the records that are kept, run by run, each of ``cut`` as it stands there."""
    whole = kept.copy()
    whole[list(cut)] = False
    edges = np.flatnonzero(np.diff(whole, prepend=False, append=False))
    runs = zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True)
    pieces = {first: lines.data[int(lines.starts[first]) : int(lines.ends[after - 1]) + 1] for first, after in runs}
    pieces.update(cut)
    return b"".join(pieces[index] for index in sorted(pieces))
