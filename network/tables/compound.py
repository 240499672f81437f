"""Workbooks of the old form: whether the chains of sectors in their container end, before a reader follows them.

A ``.xls`` file is a small file system (Compound File Binary Format): a table says of each sector which one follows. Where a
damaged table leads back to a sector, a reader follows it for ever and takes all memory.
"""

from __future__ import annotations

import struct

import numpy as np

from network.arrays import Indices
from network.tables.decoding import UnreadableError
from network.texts import text

_HEADER = 512
_ENTRY = 128
_SMALLEST_LARGE = 4096
_ROWS, _COLUMNS = 65_536, 256
_DIMENSIONS = 0x0200
_CELLS = frozenset(
    {
        0x0001,
        0x0002,
        0x0003,
        0x0004,
        0x0005,
        0x0006,
        0x00BD,
        0x00BE,
        0x00D6,
        0x00FD,
        0x0201,
        0x0203,
        0x0204,
        0x0205,
        0x027E,
    }
)
"""Records that begin with the row and the column of a cell."""

_LARGEST_SECTOR = 0xFFFFFFFA
"""Greater numbers are marks: end of a chain, a free sector, or one of the tables themselves."""


def look_at_compound(data: bytes) -> None:
    """Refuse a container in which a chain of sectors does not end.

    Args:
        data: the bytes of a file that begins as a compound file does.

    Raises:
        UnreadableError: it is damaged in such a way.
    """
    if len(data) < _HEADER:
        raise _damaged()
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    if not 7 <= shift <= 16 or mini_shift > shift:
        raise _damaged()
    size = 1 << shift
    following = _table(data, size, _table_sectors(data, size))
    if _has_cycle(following):
        raise _damaged()
    first_of_mini, count = struct.unpack_from("<II", data, 60)
    chain = _chain(following, first_of_mini) if count else []
    mini = _table(data, size, chain)
    if _has_cycle(mini):
        raise _damaged()
    _look_at_cells(_workbook(data, size, 1 << mini_shift, following, mini))


def workbook_stream(data: bytes) -> bytes:
    """Return the records of the workbook in a container that :func:`look_at_compound` has let pass, empty where there is none."""
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    size = 1 << shift
    following = _table(data, size, _table_sectors(data, size))
    first_of_mini, count = struct.unpack_from("<II", data, 60)
    mini = _table(data, size, _chain(following, first_of_mini) if count else [])
    return _workbook(data, size, 1 << mini_shift, following, mini)


def _damaged() -> UnreadableError:
    return UnreadableError(
        text("This workbook cannot be opened"),
        text("It is damaged: export it again, or save it as .xlsx in a spreadsheet."),
    )


def _table_sectors(data: bytes, size: int) -> list[int]:
    """Return the sectors in which the table stands: the first 109 in the header, the others in sectors that name them."""
    found = [each for each in struct.unpack_from("<109I", data, 76) if each < _LARGEST_SECTOR]
    following, count = struct.unpack_from("<II", data, 68)
    seen: set[int] = set()
    while count and following < _LARGEST_SECTOR:
        sector = _sector(data, size, following)
        if following in seen or len(sector) < size:
            raise _damaged()
        seen.add(following)
        *named, following = np.frombuffer(sector, dtype="<u4").tolist()
        found += [each for each in named if each < _LARGEST_SECTOR]
    if len(found) != len(set(found)):
        raise _damaged()
    return found


def _sector(data: bytes, size: int, number: int) -> bytes:
    start = max(size, _HEADER) if number == 0 else (number + 1) * size
    return data[start : start + size]


def _table(data: bytes, size: int, sectors: list[int]) -> Indices:
    whole = b"".join(_sector(data, size, sector) for sector in sectors)
    return np.frombuffer(whole[: len(whole) // 4 * 4], dtype="<u4").astype(np.int64)


def _chain(following: Indices, first: int) -> list[int]:
    found, at = [], first
    while at < len(following):
        found.append(at)
        at = int(following[at])
    return found


def _workbook(data: bytes, size: int, mini_size: int, following: Indices, mini: Indices) -> bytes:
    """Return the stream with the workbook, empty where the directory names none."""
    directory = _joined(data, size, following, struct.unpack_from("<I", data, 48)[0])
    root_start = struct.unpack_from("<I", directory, 116)[0] if len(directory) >= _ENTRY else _LARGEST_SECTOR
    for at in range(0, len(directory) - _ENTRY + 1, _ENTRY):
        name = directory[at : at + 64].decode("utf-16-le", errors="replace").split("\0")[0]
        start, length = struct.unpack_from("<II", directory, at + 116)
        if name.lower() not in {"workbook", "book"}:
            continue
        if length >= _SMALLEST_LARGE:
            return _joined(data, size, following, start)[:length]
        small = _joined(data, size, following, root_start)
        return b"".join(small[each * mini_size : (each + 1) * mini_size] for each in _chain(mini, start))[:length]
    return b""


def _joined(data: bytes, size: int, following: Indices, first: int) -> bytes:
    return b"".join(_sector(data, size, each) for each in _chain(following, first))


def _look_at_cells(stream: bytes) -> None:
    """Refuse a cell, or a range of cells, beyond the rows and columns of this form: a reader makes room for all up to it."""
    at = 0
    while at + 8 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind in _CELLS and struct.unpack_from("<H", stream, at + 6)[0] >= _COLUMNS:
            raise _damaged()
        if kind == _DIMENSIONS and length >= 12:
            *rows, first_column, last_column = struct.unpack_from("<IIHH", stream, at + 4)
            if max(rows) > _ROWS or max(first_column, last_column) > _COLUMNS:
                raise _damaged()
        at += 4 + length


def _has_cycle(following: Indices) -> bool:
    """Return whether some sector follows itself, near or far: none does once as many steps are made as there are sectors."""
    end = len(following)
    at = np.append(np.where(following < end, following, end), end)
    for _ in range(max(end, 1).bit_length()):
        at = at[at]
    return bool((at != end).any())
