"""Files in which no table was found, told as what they are: damaged, or of another kind than their names say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from network.tables.decoding import UnreadableError
from network.texts import text

_KINDS = {
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7-Zip",
    b"SQLite format 3": "SQLite",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""How files of other kinds begin."""

_BEGINNINGS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1")
"""How workbooks and Parquet begin: less than that is what is left of one."""

_NO_TEXT = np.array([*range(9), *range(14, 27), *range(28, 32)], dtype=np.uint8)
_PROBE, _SHARE = 65_536, 200
"""Bytes that are looked at, and one in so many that no text has: random bytes have one in ten."""

_NOT_OF_TEXT = (".xlsx", ".xlsm", ".xlsb", ".ods", ".parquet")


def no_table(path: Path, data: bytes, found: UnreadableError) -> UnreadableError:
    """Return what to say of a file whose text gave no table.

    Args:
        path: its name tells what it should be.
        data: its content, unpacked.
        found: what was found of it as text.
    """
    ending = path.suffix.lower()
    for mark, kind in _KINDS.items():
        if data.startswith(mark):
            return UnreadableError(
                text("This is a file of the kind {kind}, which holds no table that can be read", kind=kind),
                text("Export the table as .xlsx or .csv."),
            )
    if is_no_text(data) or any(mark.startswith(data) for mark in _BEGINNINGS):
        return UnreadableError(
            text("This is neither text nor anything else that its name {ending} may stand for", ending=ending),
            text(
                "It is damaged, encrypted, or not what its name says: open it in the program it comes from, and export it again."
            ),
        )
    if ending in _NOT_OF_TEXT:
        hint = text("Its name ends in {ending}, yet it is text: see whether it is the right file. {hint}", ending=ending,
                    hint=found.hint)  # fmt: skip
        return UnreadableError(found.message, hint, found.severity, found.encoding)
    return found


def is_no_text(data: bytes) -> bool:
    """Return whether bytes are no text in any encoding: too many are signs that no text has, and it is not UTF-16."""
    letters = np.frombuffer(data[:_PROBE], dtype=np.uint8)
    if not len(letters) or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    return int(np.isin(letters, _NO_TEXT).sum()) * _SHARE > len(letters)
