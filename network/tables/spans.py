"""What a workbook says of its cells besides their values: which are merged, and which are formulas that were never calculated."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

import lxml.etree
from python_calamine import CalamineError, CalamineWorkbook

from network.tables.limits import ZIP_FAULTS
from network.tables.sheets import Merged

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell ref="\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})"')
_PIECE, _LONGEST_MARK = 1 << 20, 100
_VALUELESS = re.compile(
    rb'<(?:\w+:)?c r="([A-Z]{1,3})(\d{1,7})"[^>]*>\s*<(?:\w+:)?f(?:[^>]*/>|[^>]*>([^<]*)</(?:\w+:)?f>)\s*'
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


def spans_of(data: bytes, sheet: str) -> Spans:
    """Return the merged cells and the formulas without a value of one sheet.

    Args:
        data: an ``.xlsx``, ``.xls`` or ``.ods`` workbook. Of an ``.xlsb`` nothing is known.
        sheet: name of the sheet.
    """
    try:
        if not data.startswith(b"PK"):
            return Spans(tuple(_merged_in_old_workbook(data, sheet)))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "content.xml" in archive.namelist():
                return Spans(tuple(_merged_in_open_document(archive.read("content.xml"), sheet)))
            part = _part_of(archive, sheet)
            return _spans_of_part(archive, part) if part is not None else Spans()
    except (*ZIP_FAULTS, lxml.etree.LxmlError, CalamineError):
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


def _merged_in_open_document(content: bytes, sheet: str) -> Iterator[Merged]:
    if b"number-rows-spanned" not in content:
        return
    for table in _parsed(content).iter(f"{_TABLE}table"):
        if table.get(f"{_TABLE}name") != sheet:
            continue
        row = 1
        for line in table.iter(f"{_TABLE}table-row"):
            column = 0
            for cell in line.iterchildren(f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                last = row + int(cell.get(f"{_TABLE}number-rows-spanned", 1)) - 1
                yield from _down(column, row, last)
                column += int(cell.get(f"{_TABLE}number-columns-repeated", 1))
            row += int(line.get(f"{_TABLE}number-rows-repeated", 1))
