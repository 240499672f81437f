"""File to sheet: headers, cells and the row of each as a spreadsheet counts it, without meaning yet.

The content decides how a file is read, not its suffix (but for ``.parquet``): Parquet, a workbook, the XML form of a
workbook, HTML or delimited text. The rules are those of the field reference, 9.2.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import fastexcel
import lxml.etree
import lxml.html
import numpy as np
import numpy.typing as npt
import polars as pl

from network.problems import Problem
from network.tables.decoding import Decoded, UnreadableError, decode
from network.tables.headers import HEAD_ROWS, count_hits, find_header
from network.tables.schema import ROW, Table
from network.tables.values import as_text
from network.texts import text

DELIMITERS = (",", "\t", ";", "，")
_HEAD_BYTES = 65_536
_ZIP, _OLE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"

_XML_WORKBOOK = b"urn:schemas-microsoft-com:office:spreadsheet"
_XML_SPACE = "{urn:schemas-microsoft-com:office:spreadsheet}"
_MOST_SKIPPED = 100_000
_SHEET_ERRORS = {
    "NA": "#N/A",
    "Ref": "#REF!",
    "Value": "#VALUE!",
    "Div0": "#DIV/0!",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
}


@dataclass(frozen=True)
class Sheet:
    """Cells without meaning yet: one series per header, and the row of each cell as a spreadsheet counts it.

    Attributes:
        headers: as they stand in the file.
        columns: the cells below each header, text or typed.
        rows: the row of each cell, the first of the file being 1.
        header_row: the row of the header.
        encoding: how the text of the file was encoded, ``None`` where not text.
        problems: what is wrong with the text: its encoding, and lines that gave no cells.
    """

    headers: Sequence[str]
    columns: Sequence[pl.Series]
    rows: pl.Series
    header_row: int = 1
    encoding: str | None = None
    problems: Sequence[Problem] = field(default_factory=tuple)


def row_numbers(height: int, header_row: int = 1) -> pl.Series:
    """Number the rows below a header as a spreadsheet counts them.

    Args:
        height: how many rows there are.
        header_row: the row of the header.

    Returns:
        The numbers, from the row after the header, under the name :data:`network.tables.schema.ROW`.
    """
    return pl.Series(ROW, np.arange(header_row + 1, header_row + 1 + height, dtype=np.uint32))


def read_sheet(path: Path, table: Table) -> Sheet:
    """Read one file as a sheet.

    Args:
        path: the file.
        table: what it should hold; its names tell which row is the header, and which sheet of a workbook is meant.

    Returns:
        The sheet.

    Raises:
        UnreadableError: the file as a whole gives no sheet.
        OSError: the file cannot be opened.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    data = path.read_bytes()
    if data.startswith(_PARQUET):
        return _read_parquet(path)
    if data.startswith((_ZIP, _OLE)):
        return _read_workbook(data, table)
    if not data.strip():
        raise UnreadableError(text("The file is empty"), text("Export it again, or remove it."), "warning")
    decoded = decode(data, table, path.name)
    head = decoded.data[:1000].lstrip().lower()
    if head.startswith(b"<") and _XML_WORKBOOK in head:
        return _read_xml_workbook(decoded, table)
    if head.startswith(b"<") and (b"<table" in decoded.data.lower() or b"<html" in head):
        return _read_html(decoded, table)
    return _read_delimited(decoded, table)


def _read_parquet(path: Path) -> Sheet:
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as reason:
        raise UnreadableError(
            text("This is not a complete Parquet file"),
            text(
                "It may have been copied while it was being written: write it again. ({reason})",
                reason=_first_line(reason),
            ),
        ) from reason
    return Sheet(frame.columns, frame.get_columns(), row_numbers(frame.height))


def _first_line(reason: Exception) -> str:
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0]


def _read_workbook(data: bytes, table: Table) -> Sheet:
    try:
        book = fastexcel.read_excel(data)
        sheets = {
            name: book.load_sheet(name, header_row=None, skip_rows=0, n_rows=4 * HEAD_ROWS, dtypes="string").to_polars()
            for name in book.sheet_names
        }
        heads = {name: [[cell or "" for cell in row] for row in head.rows()] for name, head in sheets.items()}
        found = {name: find_header(head, table) for name, head in heads.items() if any(map(any, head))}
        if not found:
            raise UnreadableError(text("The file is empty"), text("Export it again, or remove it."), "warning")
        name, position = next(((name, at) for name, at in found.items() if at is not None), (next(iter(found)), None))
        if position is None:
            raise _no_header(heads[name], table)
        columns = _body_of_sheet(book, name, position, len(heads[name][position]))
    except fastexcel.FastExcelError as reason:
        raise UnreadableError(
            text("This workbook cannot be opened"),
            text(
                "It may be damaged or protected by a password: save it again as .xlsx. ({reason})",
                reason=_first_line(reason),
            ),
        ) from reason
    height = len(columns[0]) if columns else 0
    return Sheet(heads[name][position], columns, row_numbers(height, position + 1), position + 1)


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


def _read_xml_workbook(decoded: Decoded, table: Table) -> Sheet:
    """Read the XML form of a workbook (2003), which some systems export as ``.xls``."""
    content = re.sub(rb"^\s*<\?xml[^>]*\?>", b"", decoded.data)
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = lxml.etree.fromstring(content, parser)
    except lxml.etree.LxmlError as reason:
        raise UnreadableError(
            text("This workbook cannot be opened"),
            text(
                "It may be damaged or protected by a password: save it again as .xlsx. ({reason})",
                reason=_first_line(reason),
            ),
            encoding=decoded.encoding,
        ) from reason
    return _first_sheet([_xml_grid(each) for each in root.iter(f"{_XML_SPACE}Table")], table, decoded)


def _xml_grid(sheet: lxml.etree._Element) -> list[list[str]]:
    """Return the cells of one sheet of an XML workbook; skipped rows and cells are blank."""
    grid: list[list[str]] = []
    for line in sheet.iterchildren(f"{_XML_SPACE}Row"):
        grid.extend([] for _ in range(_number_or(line.get(f"{_XML_SPACE}Index"), 0) - 1 - len(grid)))
        row: list[str] = []
        for cell in line.iterchildren(f"{_XML_SPACE}Cell"):
            row.extend("" for _ in range(_number_or(cell.get(f"{_XML_SPACE}Index"), 0) - 1 - len(row)))
            row.append("".join("".join(data.itertext()) for data in cell.iterchildren(f"{_XML_SPACE}Data")))
            row.extend("" for _ in range(_number_or(cell.get(f"{_XML_SPACE}MergeAcross"), 0)))
        grid.append(row)
    width = max(map(len, grid), default=0)
    return [row + [""] * (width - len(row)) for row in grid]


def _first_sheet(grids: Sequence[Sequence[Sequence[str]]], table: Table, decoded: Decoded) -> Sheet:
    """Return the first grid with a header of the table."""
    for grid in grids:
        position = find_header(grid, table)
        if position is not None:
            return _sheet_of_records(grid, position, decoded)
    raise _no_header(next((grid for grid in grids if grid), []), table, decoded.encoding)


def _read_html(decoded: Decoded, table: Table) -> Sheet:
    try:
        page = lxml.html.document_fromstring(
            decoded.data, parser=lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
        )
    except lxml.etree.LxmlError as reason:
        raise _no_header([], table, decoded.encoding) from reason
    return _first_sheet([_grid(each) for each in page.iter("table")], table, decoded)


def _grid(element: lxml.html.HtmlElement) -> list[list[str]]:
    """Return the cells of an HTML table, a cell that spans rows repeated in each of them."""
    grid: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}
    for line in element.iter("tr"):
        row: list[str] = []

        def fill_from_above(row: list[str] = row) -> None:
            while len(row) in hanging:
                left, word = hanging.pop(len(row))
                if left > 1:
                    hanging[len(row)] = (left - 1, word)
                row.append(word)

        for cell in line.iterchildren("td", "th"):
            fill_from_above()
            word = "".join(cell.itertext()).replace("\xa0", " ").strip()
            for extra in range(_number_or(cell.get("colspan"), 1)):
                down = _number_or(cell.get("rowspan"), 1)
                if down > 1:
                    hanging[len(row)] = (down - 1, word if extra == 0 else "")
                row.append(word if extra == 0 else "")
        fill_from_above()
        grid.append(row)
    return grid


def _number_or(raw: str | None, otherwise: int) -> int:
    """Return a number of cells or rows as HTML and XML give it, bounded against nonsense."""
    return min(int(raw), _MOST_SKIPPED) if raw and raw.isdecimal() and int(raw) else otherwise


def _sheet_of_records(records: Sequence[Sequence[str]], position: int, decoded: Decoded) -> Sheet:
    """Build a sheet from rows of text; rows of another width than the header are reported."""
    headers = records[position]
    width = len(headers)
    kept: list[Sequence[str]] = []
    numbers: list[int] = []
    problems = list(decoded.problems)
    for number, record in enumerate(records[position + 1 :], start=position + 2):
        if not any(map(str.strip, record)):
            continue
        if len(record) < width or any(map(str.strip, record[width:])):
            problems.append(_ragged(decoded, number, width, record))
            continue
        kept.append(record)
        numbers.append(number)
    columns = [pl.Series(str(i), [record[i] for record in kept], dtype=pl.String) for i in range(width)]
    return Sheet(headers, columns, pl.Series(ROW, numbers, dtype=pl.UInt32), position + 1, decoded.encoding, problems)


def _ragged(decoded: Decoded, number: int, width: int, record: Sequence[str]) -> Problem:
    return Problem(
        "error",
        decoded.table,
        text("The row has {found} values, the header has {expected}", found=len(record), expected=width),
        text("Look for a missing or an extra separator, or a line break inside a value."),
        file=decoded.file,
        row=number,
        value=" | ".join(record)[:200],
    )


def _read_delimited(decoded: Decoded, table: Table) -> Sheet:
    head = decoded.data[:_HEAD_BYTES]
    if len(head) < len(decoded.data) and b"\n" in head:
        head = head[: head.rindex(b"\n")]
    found: list[tuple[int, int, str]] = []
    for delimiter in DELIMITERS:
        records = _records(head.decode(errors="replace"), delimiter, 4 * HEAD_ROWS)
        position = find_header(records, table)
        if position is not None:
            found.append((count_hits(records[position], table), position, delimiter))
    if not found:
        first = _records(head.decode(errors="replace"), ",", HEAD_ROWS)
        raise _no_header(first, table, decoded.encoding)
    _, position, delimiter = max(found, key=lambda each: each[0])
    if delimiter.isascii() and (sheet := _read_quickly(decoded, position, delimiter)) is not None:
        return sheet
    return _sheet_of_records(_records(decoded.data.decode(), delimiter), position, decoded)


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


def _read_quickly(decoded: Decoded, position: int, delimiter: str) -> Sheet | None:
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
    lines = _Lines(data, starts, ends, counts, delimiter)
    headers = lines.record(position)
    body, numbers, problems = _keep_even_records(decoded, lines, position, len(headers))
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
    return Sheet(headers, frame.get_columns(), rows, position + 1, decoded.encoding, problems)


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
            problems.append(_ragged(decoded, index + 1, width, record))
    pieces.append(lines.data[done:])
    return b"".join(pieces), np.flatnonzero(kept) + 1, problems


def _no_header(records: Sequence[Sequence[str]], table: Table, encoding: str | None = None) -> UnreadableError:
    first = next((record for record in records if any(map(str.strip, record))), [])
    return UnreadableError(
        text("No header row was found; the first row is: {found}", found=", ".join(map(str.strip, first))[:200]),
        text("Put the column names in the first row: {names}.", names=_wanted(table)),
        encoding=encoding,
    )


def _wanted(table: Table) -> str:
    return ", ".join(f"{column.name} ({column.chinese})" for column in table.columns if column.required)
