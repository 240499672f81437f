"""File bytes to text: the encoding of an export, found from what it holds.

A byte order mark decides, then strict UTF-8, then GB18030. No character is ever left out: a line in another encoding than
the rest of its file is reported. The rules are those of the field reference, 9.2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from network.problems import Problem
from network.tables.table_form import Table
from network.texts import Text, text

_UTF8_CHINESE = re.compile(rb"(?:[\xe3-\xe9][\x80-\xbf]{2}){2}")
_LONG_UTF8 = re.compile(rb"[\xe0-\xf4][\x80-\xbf]{2}")


class UnreadableError(Exception):
    """The file as a whole gives no sheet: one problem says why.

    Attributes:
        message: what is wrong.
        hint: how to mend it.
        severity: ``error`` or ``warning``.
        encoding: how the text was encoded, ``None`` where it is not known.
    """

    def __init__(self, message: Text, hint: Text, severity: str = "error", encoding: str | None = None) -> None:
        super().__init__(str(message))
        self.message, self.hint, self.severity, self.encoding = message, hint, severity, encoding


@dataclass(frozen=True)
class Decoded:
    """The text of a file in UTF-8 with plain line ends; lines that could not be decoded are blank and reported.

    Attributes:
        data: the text.
        encoding: how it was encoded: ``utf-8``, ``utf-8-sig``, ``utf-16`` or ``gb18030``.
        table: the name of the table it should hold.
        file: the name of the file.
        problems: the lines in another encoding, and doubts about the encoding as a whole.
    """

    data: bytes
    encoding: str
    table: str
    file: str
    problems: Sequence[Problem] = ()


def decode(data: bytes, table: Table, file: str) -> Decoded:
    """Decode by byte order mark, then strict UTF-8, then GB18030; never by leaving characters out.

    Args:
        data: the bytes of the file.
        table: what it should hold.
        file: the name of the file.

    Returns:
        The text, its encoding and the problems found on the way.

    Raises:
        UnreadableError: the file begins as UTF-16 but breaks.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return Decoded(_plain_lines(data.decode("utf-16").encode()), "utf-16", table.name, file)
        except UnicodeDecodeError as reason:
            raise UnreadableError(
                text("The file begins as UTF-16 but breaks at byte {byte}", byte=reason.start),
                text("It may have been cut off: export it again."),
                encoding="utf-16",
            ) from reason
    if (form := _wide_without_mark(data)) is not None and (wide := _decoded(data, form)) is not None:
        return Decoded(_plain_lines(wide.encode()), "utf-16", table.name, file)
    encoding = "utf-8"
    if data.startswith(b"\xef\xbb\xbf"):
        data, encoding = data[3:], "utf-8-sig"
    if _is_valid(data, "utf-8"):
        doubts = [] if encoding == "utf-8-sig" else _doubts(data, table, file)
        return Decoded(_plain_lines(data), encoding, table.name, file, doubts)
    if encoding == "utf-8" and not _may_hold_utf8(data) and (decoded := _decoded(data, "gb18030")) is not None:
        return Decoded(_plain_lines(decoded.encode()), "gb18030", table.name, file)
    return _decode_by_line(data, encoding, table, file)


def _wide_without_mark(data: bytes) -> str | None:
    """Return which form of UTF-16 a file without a byte order mark seems to be in: every other byte of digits and marks is 0."""
    head = data[:_WIDE_PROBE]
    first, second = head[::2].count(0), head[1::2].count(0)
    few, many = sorted((first, second))
    if len(data) % 2 or few * _WIDE_SHARE > many or many * 2 * _WIDE_SHARE < len(head):
        return None
    return "utf-16-le" if second > first else "utf-16-be"


_WIDE_PROBE, _WIDE_SHARE = 4096, 5
"""Bytes that are looked at, and one in so many letters that must be of the Latin alphabet: digits, marks, ends of lines."""


def _may_hold_utf8(data: bytes) -> bool:
    """Return whether two Chinese characters in UTF-8 stand side by side anywhere: the pattern of ``_UTF8_CHINESE``."""
    letters = np.frombuffer(data, dtype=np.uint8)
    if len(letters) < 6:
        return False
    at = np.flatnonzero((letters[:-5] >= 0xE3) & (letters[:-5] <= 0xE9))
    for place in (1, 2, 4, 5):
        at = at[(letters[at + place] & 0xC0) == 0x80]
    return bool(((letters[at + 3] >= 0xE3) & (letters[at + 3] <= 0xE9)).any())


def _doubts(data: bytes, table: Table, file: str) -> list[Problem]:
    """Warn where a few Chinese characters in GBK happen to be valid UTF-8 as well: two bytes each, such as 路 and ·."""
    if data.isascii() or _LONG_UTF8.search(data) or not _is_valid(data, "gb18030"):
        return []
    number, line = next((number, line) for number, line in enumerate(data.split(b"\n"), 1) if not line.isascii())
    message = text(
        "The encoding is not certain: read as UTF-8, {taken}; in GBK it would be {other}",
        taken=line.decode().strip()[:80],
        other=line.decode("gb18030", errors="replace").strip()[:80],
    )
    hint = text("If the second is right, save the file as UTF-8 with BOM.")
    return [Problem("warning", table.name, message, hint, file, number)]


def _is_valid(data: bytes, encoding: str) -> bool:
    return _decoded(data, encoding) is not None


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _plain_lines(data: bytes) -> bytes:
    if b"\r" not in data:
        return data
    data = data.replace(b"\r\n", b"\n")
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _decode_by_line(data: bytes, encoding: str, table: Table, file: str) -> Decoded:
    """Decode each line in the encoding of the first line that shows one, and report the lines in another."""
    lines = _plain_lines_with_offsets(data)
    if encoding == "utf-8":
        first = next(line for _, line in lines if not line.isascii())
        encoding = "utf-8" if _is_valid(first, "utf-8") else "gb18030"
    strict = "gb18030" if encoding == "gb18030" else "utf-8"
    good: list[bytes] = []
    problems: list[Problem] = []
    for number, (offset, line) in enumerate(lines, start=1):
        broken = None if line.isascii() else _first_broken_byte(line, strict)
        good.append(b"" if broken is not None else line.decode(strict).encode())
        if broken is not None:
            message = text(
                "Mixed encodings: the file is {encoding}, but this row breaks at byte {byte}",
                encoding=strict,
                byte=offset + broken,
            )
            hint = text("Save the whole file in one encoding, UTF-8 or GBK, and read it again.")
            shown = line.decode("utf-8" if strict == "gb18030" else "gb18030", errors="backslashreplace")[:200]
            problems.append(Problem("error", table.name, message, hint, file=file, row=number, value=shown))
    return Decoded(b"\n".join(good), encoding, table.name, file, problems)


def _plain_lines_with_offsets(data: bytes) -> list[tuple[int, bytes]]:
    lines: list[tuple[int, bytes]] = []
    offset = 0
    for line in data.split(b"\n"):
        lines.append((offset, line.removesuffix(b"\r")))
        offset += len(line) + 1
    return lines


def _first_broken_byte(line: bytes, encoding: str) -> int | None:
    if encoding == "gb18030" and _is_valid(line, "utf-8") and (chinese := _UTF8_CHINESE.search(line)):
        return chinese.start()
    try:
        line.decode(encoding)
    except UnicodeDecodeError as reason:
        return reason.start
    return None
