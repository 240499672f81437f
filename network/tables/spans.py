"""What a workbook says of its cells besides their values: which are merged, and which are formulas that were never calculated."""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
from collections.abc import Collection, Iterator
from typing import NamedTuple

import lxml.etree
from python_calamine import CalamineError, CalamineWorkbook

from network.tables.compound import workbook_stream
from network.tables.limits import ZIP_FAULTS
from network.tables.sheets import Merged

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell ref="\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})"')
_PIECE, _LONGEST_MARK = 1 << 20, 100
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_VALUES = tuple(f"{_OFFICE}{name}" for name in ("value", "date-value", "time-value", "string-value", "boolean-value"))
_SHEET_OF_BINARY, _MERGED_OF_BINARY = 156, 176
_SHEET_OF_OLD, _FORMULA_OF_OLD, _END_OF_OLD = 0x0085, 0x0006, 0x000A
_EMPTY_TEXT = b"\x03"
"""How a formula of the old form begins its result where that is a text without letters, or was never calculated."""
_VALUELESS = re.compile(
    rb'<(?:\w+:)?c r="([A-Z]{1,3})(\d{1,7})"(?![^>]*\st="str")[^>]*>\s*<(?:\w+:)?f(?:[^>]*/>|[^>]*>([^<]*)</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)


class Formula(NamedTuple):
    """A formula without a value: its column from 0, its row from 1, and how it is written."""

    column: int
    row: int
    written: str


class Spans(NamedTuple):
    """What one sheet says of its cells."""

    merged: tuple[Merged, ...] = ()
    formulas: tuple[Formula, ...] = ()


def spans_of(data: bytes, sheet: str, plain: Collection[str] = ()) -> Spans:
    """Return the merged cells and the formulas without a value of one sheet.

    Args:
        data: an ``.xlsx``, ``.xlsb``, ``.xls`` or ``.ods`` workbook. Formulas of an ``.xlsb`` always carry a value.
        sheet: name of the sheet.
        plain: the parts of which :func:`network.tables.limits.look_at_workbook` has said that they hold neither.
    """
    try:
        if not data.startswith(b"PK"):
            return Spans(tuple(_merged_in_old_workbook(data, sheet)), tuple(_formulas_in_old_workbook(data, sheet)))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "content.xml" in archive.namelist():
                if "content.xml" in plain:
                    return Spans()
                return _spans_in_open_document(archive.read("content.xml"), sheet)
            if "xl/workbook.bin" in archive.namelist():
                return Spans(tuple(_merged_in_binary_workbook(archive, sheet)))
            part = _part_of(archive, sheet)
            return _spans_of_part(archive, part) if part is not None and part not in plain else Spans()
    except (*ZIP_FAULTS, lxml.etree.LxmlError, CalamineError, IndexError):
        return Spans()  # the cells themselves were read; what is broken beside them changes none


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Return the name of the part that holds a sheet of an ``.xlsx``."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    book = _parsed(archive.read("xl/workbook.xml"))
    links = {link.get("Id"): link.get("Target", "") for link in _parsed(archive.read("xl/_rels/workbook.xml.rels"))}
    target = next(
        (links.get(each.get(_LINK)) for each in book.iter(f"{_MAIN}sheet") if each.get("name") == sheet), None
    )
    part = target and (target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}"))
    return part if part in names else None


def _parsed(content: bytes) -> lxml.etree._Element:
    return lxml.etree.fromstring(content, lxml.etree.XMLParser(resolve_entities=False, no_network=True))


def _spans_of_part(archive: zipfile.ZipFile, part: str) -> Spans:
    """Look through a sheet piece by piece; it is held as a whole only where it has formulas."""
    merged: list[Merged] = []
    formulas, mark = False, b""
    with archive.open(part) as stream:
        tail = b""
        while piece := stream.read(_PIECE):
            content = tail + piece
            mark = mark or _formula_mark(content)
            formulas = formulas or mark in content
            ends = 0
            if b"mergeCell" in content:
                for found in _MERGED.finditer(content):
                    left, top, _, bottom = found.groups()
                    merged += _down(_column(left), int(top), int(bottom))
                    ends = found.end()
            tail = content[max(ends, len(content) - _LONGEST_MARK) :]
    return Spans(tuple(merged), tuple(_formulas_in(archive.read(part))) if formulas else ())


def _formula_mark(beginning: bytes) -> bytes:
    """Return how a formula begins in a sheet, with the prefix that some systems give to every name."""
    prefix = re.search(rb"<(\w+:)?worksheet", beginning)
    return b"<" + (prefix[1] or b"" if prefix else b"") + b"f"


def _formulas_in(content: bytes) -> Iterator[Formula]:
    for column, row, written in _VALUELESS.findall(content):
        yield Formula(_column(column), int(row), "=" + written.decode("utf-8", "replace"))


def _down(column: int, first: int, last: int) -> Iterator[Merged]:
    """Give a merged cell where it goes over several rows; its value stands in the first of its columns only."""
    if last > first:
        yield Merged(column, first, last)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number - 1


def _merged_in_old_workbook(data: bytes, sheet: str) -> Iterator[Merged]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    for (top, left), (bottom, _) in book.get_sheet_by_name(sheet).merged_cell_ranges or ():
        yield from _down(left, top + 1, bottom + 1)


def _formulas_in_old_workbook(data: bytes, sheet: str) -> list[Formula]:
    """Return the formulas of a sheet where none has a value: a program wrote them and no spreadsheet has calculated since."""
    stream = workbook_stream(data)
    start = next(
        (struct.unpack_from("<I", body)[0] for kind, body in _old_records(stream, 0) if _names(kind, body, sheet)), None
    )
    if start is None:
        return []
    formulas = [body for kind, body in _old_records(stream, start) if kind == _FORMULA_OF_OLD]
    if not all(body[6:7] == _EMPTY_TEXT and body[12:14] == b"\xff\xff" for body in formulas):
        return []
    places = (struct.unpack_from("<HH", body) for body in formulas)
    return [Formula(column, row + 1, "=…") for row, column in places]


def _names(kind: int, body: bytes, sheet: str) -> bool:
    """Return whether a record of the old form names the sheet."""
    if kind != _SHEET_OF_OLD or len(body) < 8:
        return False
    letters = body[8:].decode("utf-16-le" if body[7] & 1 else "latin-1", errors="replace")
    return letters[: body[6]] == sheet


def _old_records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Give kind and content of the records of the old form, until the end of a part."""
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        if kind == _END_OF_OLD:
            return
        at += 4 + length


def _merged_in_binary_workbook(archive: zipfile.ZipFile, sheet: str) -> Iterator[Merged]:
    links = {link.get("Id"): link.get("Target", "") for link in _parsed(archive.read("xl/_rels/workbook.bin.rels"))}
    for kind, body in _binary_records(archive.read("xl/workbook.bin")):
        if kind != _SHEET_OF_BINARY:
            continue
        identity, after = _wide_text(body, 8)
        name, _ = _wide_text(body, after)
        if name == sheet and identity in links:
            target = links[identity]
            part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            for inner, cell in _binary_records(archive.read(part)):
                if inner == _MERGED_OF_BINARY:
                    top, bottom, left, _ = struct.unpack_from("<IIII", cell)
                    yield from _down(left, top + 1, bottom + 1)


def _binary_records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Give kind and content of the records of a part: both kind and length are written in groups of seven bits."""
    at = 0
    while at < len(content):
        kind, at = content[at], at + 1
        if kind & 0x80:
            kind, at = kind & 0x7F | (content[at] & 0x7F) << 7, at + 1
        length = shift = 0
        while True:
            group, at = content[at], at + 1
            length |= (group & 0x7F) << shift
            shift += 7
            if not group & 0x80 or shift > 21:
                break
        yield kind, content[at : at + length]
        at += length


def _wide_text(body: bytes, at: int) -> tuple[str, int]:
    """Return a text and where it ends."""
    end = at + 4 + 2 * struct.unpack_from("<I", body, at)[0]
    return body[at + 4 : end].decode("utf-16-le", errors="replace"), end


def _spans_in_open_document(content: bytes, sheet: str) -> Spans:
    merged: list[Merged] = []
    formulas: list[Formula] = []
    if b"number-rows-spanned" not in content and b":formula=" not in content:
        return Spans()
    table = next(each for each in _parsed(content).iter(f"{_TABLE}table") if each.get(f"{_TABLE}name") == sheet)
    row = 1
    for line in table.iter(f"{_TABLE}table-row"):
        column = 0
        for cell in line.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            merged += _down(column, row, row + int(cell.get(f"{_TABLE}number-rows-spanned", 1)) - 1)
            written = cell.get(f"{_TABLE}formula")
            if written is not None and not len(cell) and all(cell.get(name) is None for name in _VALUES):
                formulas.append(Formula(column, row, "=" + written.partition("=")[2]))
            column += int(cell.get(f"{_TABLE}number-columns-repeated", 1))
        row += int(line.get(f"{_TABLE}number-rows-repeated", 1))
    return Spans(tuple(merged), tuple(formulas))
