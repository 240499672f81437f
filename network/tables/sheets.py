"""File to sheets: headers, cells and the row of each as a spreadsheet counts it, without meaning yet.

The content decides how a file is read, not its suffix (but for ``.parquet`` and ``.json``): Parquet, a workbook, the XML form
of a workbook, HTML, JSON or delimited text, each also packed by gzip. The rules are those of the field reference, 9.2.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import fastexcel
import lxml.etree
import lxml.html
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow
import pyarrow.parquet

from network.problems import Problem
from network.tables.cells import as_text
from network.tables.compound import look_at_compound
from network.tables.decoding import Decoded, UnreadableError, decode
from network.tables.headers import HEAD_ROWS, Header, Names, accepted_names, find_header
from network.tables.limits import (
    LONGEST_CELL,
    Room,
    bounded,
    look_at_cell,
    look_at_parquet,
    look_at_size,
    look_at_width,
    look_at_workbook,
    unpacked,
)
from network.tables.panics import panics_as
from network.tables.schema import ROW, Table
from network.tables.selection import Candidate, choose_sheets
from network.tables.spans import Merged, Spans, spans_of
from network.texts import text

DELIMITERS = (",", "\t", ";", "，")
_HEAD_BYTES = 65_536
_ZIP, _OLE, _PARQUET, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"\x1f\x8b"

_XML_WORKBOOK = b"urn:schemas-microsoft-com:office:spreadsheet"
_XML_SPACE = "{urn:schemas-microsoft-com:office:spreadsheet}"
_MOST_SKIPPED = 1_048_576
csv.field_size_limit(LONGEST_CELL)
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
        header_row: the row of the header, its last where it has several.
        encoding: how the text of the file was encoded, ``None`` where not text.
        problems: what is wrong with the text: its encoding, and lines that gave no cells.
        name: of the sheet, where its file has several.
        merged: the cells that go over several rows; their value stands in the first.
        is_workbook: whether cells come typed from a workbook, where a day looks like its midnight.
    """

    headers: Sequence[str]
    columns: Sequence[pl.Series]
    rows: pl.Series
    header_row: int = 1
    encoding: str | None = None
    problems: Sequence[Problem] = field(default_factory=tuple)
    name: str | None = None
    merged: Sequence[Merged] = ()
    is_workbook: bool = False


@dataclass(frozen=True)
class Grid:
    """The cells of a sheet as text, all rows as wide as the widest, and those that go over several rows."""

    cells: Sequence[Sequence[str]]
    merged: Sequence[Merged] = ()
    name: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What is looked for in a file: a table, under which headers.

    Attributes:
        table: the table.
        names: the headers that :func:`network.tables.headers.accepted_names` gives.
        file: the name of the file.
    """

    table: Table
    names: Names
    file: str


def row_numbers(height: int, header_row: int = 1) -> pl.Series:
    """Number the rows below a header as a spreadsheet counts them.

    Args:
        height: how many rows there are.
        header_row: the row of the header.

    Returns:
        The numbers, from the row after the header, under the name :data:`network.tables.schema.ROW`.
    """
    return pl.Series(ROW, np.arange(header_row + 1, header_row + 1 + height, dtype=np.uint32))


def read_sheets(
    path: Path, table: Table, own_headers: Mapping[str, str] | None = None
) -> tuple[list[Sheet], list[Problem]]:
    """Read one file as the sheets that hold a table.

    Args:
        path: the file.
        table: what it should hold; its names tell which row is the header, and which sheets of a workbook are meant.
        own_headers: the utility's own headers by key, each with the name of its column.

    Returns:
        The sheets in their order, and what is to be said of those that were not read.

    Raises:
        UnreadableError: the file as a whole gives no sheet.
        OSError: the file cannot be opened.
    """
    return read_wanted(path, Wanted(table, accepted_names(table, own_headers), path.name))


def read_wanted(path: Path, wanted: Wanted) -> tuple[list[Sheet], list[Problem]]:
    """Read one file as the sheets that hold what is wanted, as :func:`read_sheets` does."""
    look_at_size(path.stat().st_size)
    if path.suffix.lower() == ".parquet":
        return [_read_parquet(path)], []
    data = _unpacked(path.read_bytes())
    if data.startswith(_PARQUET):
        return [_read_parquet(path)], []
    if data.startswith((_ZIP, _OLE)):
        look_at_workbook(data)
        if data.startswith(_OLE):
            look_at_compound(data)
        with panics_as(_damaged_workbook()):
            return _read_workbook(data, wanted)
    if not data.strip():
        raise UnreadableError(text("The file is empty"), text("Export it again, or remove it."), "warning")
    decoded = decode(data, wanted.table, path.name)
    head = decoded.data[:1000].lstrip().lower()
    if head.startswith(b"<") and _XML_WORKBOOK in head:
        return _read_xml_workbook(decoded, wanted)
    if head.startswith(b"<") and (b"<table" in decoded.data.lower() or b"<html" in head):
        return _read_html(decoded, wanted)
    if head.startswith((b"[", b"{")):
        return [_read_json(decoded)], []
    return [_read_delimited(decoded, wanted)], []


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    try:
        return unpacked(data)
    except (OSError, EOFError, zlib.error) as reason:
        raise UnreadableError(
            text("The packed file is not complete"),
            text("Pack it again, or give it unpacked. ({reason})", reason=_first_line(reason)),
        ) from reason


def _read_parquet(path: Path) -> Sheet:
    try:
        look_at_parquet(path)
        read = pyarrow.parquet.read_table(path, partitioning=None, use_threads=False)
        read.validate(full=True)  # texts that are none would be a panic of what takes them on
        frame = pl.DataFrame(read)
    except (pl.exceptions.PolarsError, pyarrow.ArrowException, OSError, ValueError) as reason:
        raise UnreadableError(
            text("This is not a complete Parquet file"),
            text(
                "It may have been copied while it was being written: write it again. ({reason})",
                reason=_first_line(reason),
            ),
        ) from reason
    return Sheet(frame.columns, [bounded(column) for column in frame.get_columns()], row_numbers(frame.height))


def _first_line(reason: Exception) -> str:
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0]


def _read_workbook(data: bytes, wanted: Wanted) -> tuple[list[Sheet], list[Problem]]:
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
        return [_sheet_of_workbook(data, book, each, several) for each in chosen], problems
    except fastexcel.FastExcelError as reason:
        raise UnreadableError(
            text("This workbook cannot be opened"),
            text(
                "It may be damaged or protected by a password: save it again as .xlsx. ({reason})",
                reason=_first_line(reason),
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
    return _no_header(shown[0].rows if shown else [], wanted.table)


def _sheet_of_workbook(data: bytes, book: fastexcel.ExcelReader, chosen: Candidate, several: bool) -> Sheet:
    """Return the cells below the header of one sheet."""
    header = chosen.header
    assert header is not None  # noqa: S101  # only sheets with a header are chosen
    columns = _body_of_sheet(book, chosen.name, header.last, len(header.names))
    height = len(columns[0]) if columns else 0
    spans = spans_of(data, chosen.name) if any(column.null_count() for column in columns) else Spans()
    for formula in spans.formulas:
        row = formula.row - header.last - 2
        if 0 <= row < height and formula.column < len(columns) and columns[formula.column][row] is None:
            columns[formula.column] = as_text(columns[formula.column]).scatter(row, formula.written)
    return Sheet(
        header.names,
        columns,
        row_numbers(height, header.last + 1),
        header.last + 1,
        name=chosen.name if several else None,
        merged=spans.merged,
        is_workbook=True,
    )


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


def _read_xml_workbook(decoded: Decoded, wanted: Wanted) -> tuple[list[Sheet], list[Problem]]:
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
    room = Room()
    return _chosen_grids([_xml_grid(each, room) for each in root.iter(f"{_XML_SPACE}Table")], decoded, wanted)


def _xml_grid(sheet: lxml.etree._Element, room: Room) -> Grid:
    """Return the cells of one sheet of an XML workbook; skipped rows and cells are blank."""
    grid: list[list[str]] = []
    merged: list[Merged] = []
    for line in sheet.iterchildren(f"{_XML_SPACE}Row"):
        _leave_rows(grid, _number_or(line.get(f"{_XML_SPACE}Index"), 0) - 1 - len(grid), room)
        row: list[str] = []
        for cell in line.iterchildren(f"{_XML_SPACE}Cell"):
            _leave_cells(row, _number_or(cell.get(f"{_XML_SPACE}Index"), 0) - 1 - len(row))
            if down := _number_or(cell.get(f"{_XML_SPACE}MergeDown"), 0):
                merged.append(Merged(len(row), len(grid) + 1, len(grid) + 1 + down))
            row.append("".join("".join(data.itertext()) for data in cell.iterchildren(f"{_XML_SPACE}Data")))
            _leave_cells(row, _number_or(cell.get(f"{_XML_SPACE}MergeAcross"), 0))
        room.take(len(row) + 1)
        grid.append(row)
    room.take(max(map(len, grid), default=0) * len(grid) - sum(map(len, grid)))
    parent = sheet.getparent()
    return Grid(_even(grid), merged, None if parent is None else parent.get(f"{_XML_SPACE}Name"))


def _leave_rows(grid: list[list[str]], count: int, room: Room) -> None:
    """Leave rows blank."""
    room.take(max(count, 0))
    grid.extend([] for _ in range(count))


def _leave_cells(row: list[str], count: int) -> None:
    """Leave cells of a row blank."""
    look_at_width(len(row) + count)
    row.extend("" for _ in range(count))


def _even(rows: Sequence[list[str]]) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]


def _chosen_grids(grids: Sequence[Grid], decoded: Decoded, wanted: Wanted) -> tuple[list[Sheet], list[Problem]]:
    """Return the grids that hold the table; those without a name, such as the tables of a page, are passed over in silence."""
    by_name = {grid.name or str(number): grid for number, grid in enumerate(grids, start=1)}
    candidates = [
        Candidate(name, find_header(grid.cells, wanted.names), empty=not any(map(any, grid.cells)))
        for name, grid in by_name.items()
    ]
    chosen, problems = choose_sheets(candidates, wanted.table, wanted.file)
    if not chosen:
        raise _no_header(next((grid.cells for grid in grids if grid.cells), []), wanted.table, decoded.encoding)
    sheets = [
        _sheet_of_records(by_name[each.name].cells, each.header, decoded, by_name[each.name])
        for each in chosen
        if each.header is not None
    ]
    return sheets, [problem for problem in problems if problem.sheet is None or by_name[problem.sheet].name is not None]


def _read_html(decoded: Decoded, wanted: Wanted) -> tuple[list[Sheet], list[Problem]]:
    try:
        page = lxml.html.document_fromstring(
            decoded.data, parser=lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
        )
    except lxml.etree.LxmlError as reason:
        raise _no_header([], wanted.table, decoded.encoding) from reason
    room = Room()
    return _chosen_grids([_grid(each, room) for each in page.iter("table")], decoded, wanted)


def _grid(element: lxml.html.HtmlElement, room: Room) -> Grid:
    """Return the cells of an HTML table without those of a table inside it; a cell that spans shows its text in the first."""
    grid: list[list[str]] = []
    merged: list[Merged] = []
    hanging: dict[int, int] = {}
    for line in _own_rows(element):
        row: list[str] = []
        for cell in line.iterchildren("td", "th"):
            _pass_over(row, hanging)
            across, down = _number_or(cell.get("colspan"), 1), _number_or(cell.get("rowspan"), 1)
            if down > 1:
                merged.append(Merged(len(row), len(grid) + 1, len(grid) + down))
            look_at_width(len(row) + across)
            if down > 1:
                hanging.update(dict.fromkeys(range(len(row), len(row) + across), down - 1))
            row.append(_text_of(cell))
            _leave_cells(row, across - 1)
        _pass_over(row, hanging)
        room.take(len(row) + 1)
        grid.append(row)
    return Grid(grid, merged)


def _own_rows(table: lxml.html.HtmlElement) -> Iterator[lxml.html.HtmlElement]:
    """Give the rows of a table, but not those of a table inside one of its cells."""
    for child in table.iterchildren("tr", "thead", "tbody", "tfoot"):
        if child.tag == "tr":
            yield child
        else:
            yield from child.iterchildren("tr")


def _text_of(cell: lxml.html.HtmlElement) -> str:
    """Return the text of a cell; that of a table inside it belongs to that table."""
    inner = next(cell.iter("table"), None)
    said = "".join(cell.itertext()) if inner is None else cell.text or ""
    return said.replace("\xa0", " ").strip()


def _pass_over(row: list[str], hanging: dict[int, int]) -> None:
    """Leave the columns blank into which a cell of an upper row hangs."""
    while hanging.get(len(row)):
        hanging[len(row)] -= 1
        row.append("")


def _number_or(raw: str | None, otherwise: int) -> int:
    """Return a number of cells or rows as HTML and XML give it, bounded against nonsense."""
    return min(int(raw), _MOST_SKIPPED) if raw and raw.isdecimal() and int(raw) else otherwise


def _sheet_of_records(
    records: Sequence[Sequence[str]], header: Header, decoded: Decoded, grid: Grid | None = None
) -> Sheet:
    """Build a sheet from rows of text; rows of another width than the header are reported."""
    width = len(header.names)
    kept: list[Sequence[str]] = []
    numbers: list[int] = []
    problems = list(decoded.problems)
    for number, record in enumerate(records[header.last + 1 :], start=header.last + 2):
        if not any(map(str.strip, record)):
            continue
        if len(record) < width or any(map(str.strip, record[width:])):
            problems.append(_ragged(decoded, number, width, record))
            continue
        kept.append(record)
        numbers.append(number)
    columns = [pl.Series(str(i), [record[i] for record in kept], dtype=pl.String) for i in range(width)]
    rows = pl.Series(ROW, numbers, dtype=pl.UInt32)
    name, merged = (grid.name, grid.merged) if grid is not None else (None, ())
    return Sheet(header.names, columns, rows, header.last + 1, decoded.encoding, problems, name, merged)


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


def _read_delimited(decoded: Decoded, wanted: Wanted) -> Sheet:
    head = _head_of(decoded.data)
    found: list[tuple[Header, str]] = []
    for delimiter in DELIMITERS:
        header = find_header(_records(head.decode(errors="replace"), delimiter, 4 * HEAD_ROWS), wanted.names)
        if header is not None:
            found.append((header, delimiter))
    if not found:
        first = _records(head.decode(errors="replace"), ",", HEAD_ROWS)
        raise _no_header(first, wanted.table, decoded.encoding)
    header, delimiter = max(found, key=lambda each: each[0].hits)
    look_at_width(len(header.names))
    if delimiter.isascii() and (sheet := _read_quickly(decoded, header, delimiter)) is not None:
        return sheet
    try:
        return _sheet_of_records(_records(decoded.data.decode(), delimiter), header, decoded)
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


def _read_json(decoded: Decoded) -> Sheet:
    """Read a list of records, or one record a line; the first record counts as row 2, as below a header."""
    try:
        content = json.loads(decoded.data)
    except (ValueError, RecursionError) as whole:
        try:
            content = [json.loads(line) for line in decoded.data.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise UnreadableError(
                text("This is not complete JSON"), text("Export it again. ({reason})", reason=_first_line(whole))
            ) from whole
    if isinstance(content, dict):
        content = next((each for each in content.values() if isinstance(each, list)), [content])
    if not isinstance(content, list) or not all(isinstance(record, dict) for record in content):
        raise UnreadableError(
            text("This JSON is not a list of records"), text("Give a list of objects, one for each row.")
        )
    headers = list(dict.fromkeys(name for record in content for name in record))
    look_at_width(len(headers))
    Room().take(len(headers) * len(content))
    columns = [
        pl.Series(str(index), [_plain_text(record.get(name)) for record in content], dtype=pl.String)
        for index, name in enumerate(headers)
    ]
    return Sheet(headers, columns, row_numbers(len(content)), 1, decoded.encoding, decoded.problems)


def _plain_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


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
