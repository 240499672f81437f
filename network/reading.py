"""File to table: whatever a utility exports, read into the typed table of the contract.

A file of any supported form first becomes a sheet: headers, cells and the row of each as a spreadsheet counts it. A
sheet then becomes a table: headers are matched, values understood, and all that is wrong is said as problems. The rules
are those of the field reference, 9.2.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import fastexcel
import lxml.etree
import lxml.html
import numpy as np
import numpy.typing as npt
import polars as pl

from network.problems import Problem
from network.schema import ROW, Column, Table
from network.texts import Text, text
from network.values import SAME_UNIT, Fault, Scale, as_text, clean, parse

DELIMITERS = (",", "\t", ";", "，")
_HEAD_BYTES = 65_536
_HEAD_ROWS = 5
_UTF8_CHINESE = re.compile(rb"(?:[\xe3-\xe9][\x80-\xbf]{2}){2}")
_LONG_UTF8 = re.compile(rb"[\xe0-\xf4][\x80-\xbf]{2}")
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

_LENGTH = {"km": Scale(), "千米": Scale(), "公里": Scale(), "m": Scale(1, 1000), "米": Scale(1, 1000)}
_CURRENT = {"a": Scale(), "安": Scale(), "安培": Scale(), "ka": Scale(1000), "千安": Scale(1000)}
_APPARENT = {"kva": Scale(), "千伏安": Scale(), "mva": Scale(1000), "兆伏安": Scale(1000), "va": Scale(1, 1000)}
_POWER = {
    "kw": Scale(),
    "千瓦": Scale(),
    "mw": Scale(1000),
    "兆瓦": Scale(1000),
    "w": Scale(1, 1000),
    "瓦": Scale(1, 1000),
}
_VOLTAGE = {"kv": Scale(), "千伏": Scale(), "v": Scale(1, 1000), "伏": Scale(1, 1000)}
_RESISTANCE = {"ohm": Scale(), "ω": Scale(), "欧": Scale(), "欧姆": Scale(), "mω": Scale(1, 1000)}
_HOURS = {"h": Scale(), "hour": Scale(), "hours": Scale(), "小时": Scale(), "时": Scale()} | dict.fromkeys(
    ("min", "minute", "minutes", "分钟", "分"), Scale(1, 60)
)
_MINUTES = dict.fromkeys(("min", "minute", "minutes", "分钟", "分"), Scale()) | dict.fromkeys(
    ("h", "小时", "时"), Scale(60)
)
_COUNTS = dict.fromkeys(("户", "台", "个", "次", "人", "项"), Scale()) | {"万户": Scale(10_000), "千户": Scale(1000)}
_FAILURES = dict.fromkeys(
    ("次/km·年", "次/(km·年)", "次/km年", "次/公里·年", "次/(公里·年)", "1/(km·a)", "1/km·a"), Scale()
) | (dict.fromkeys(("次/百公里·年", "次/(百公里·年)", "次/百公里年", "次/100km·年", "次/(100km·年)"), Scale(1, 100)))
_UNITS: Mapping[str, Mapping[str, Scale]] = {
    "km": _LENGTH, "a": _CURRENT, "kva": _APPARENT, "kw": _POWER, "kv": _VOLTAGE, "ohm": _RESISTANCE, "h": _HOURS,
    "min": _MINUTES,
}  # fmt: skip
_BY_NAME: Mapping[str, Mapping[str, Scale]] = {
    "failures_per_km_yr": _FAILURES,
    "miss_rate": {"%": Scale(1, 100)},
    "false_rate": {"%": Scale(1, 100)},
    "lon": {"°": Scale(), "度": Scale()},
    "lat": {"°": Scale(), "度": Scale()},
}


@dataclass(frozen=True)
class ReadTable:
    """A table as read from one file.

    Attributes:
        frame: the usable rows, with the columns of the table in order and :data:`network.schema.ROW` at the end.
        problems: all that is wrong with the file, in order of rows.
        file: the name of the file.
        encoding: how its text was encoded (``utf-8``, ``utf-8-sig``, ``utf-16``, ``gb18030``), ``None`` where not text.
    """

    frame: pl.DataFrame
    problems: tuple[Problem, ...]
    file: str
    encoding: str | None = None


@dataclass(frozen=True)
class _Sheet:
    """Cells without meaning yet: one series per header, and the row of each cell as a spreadsheet counts it."""

    headers: Sequence[str]
    columns: Sequence[pl.Series]
    rows: pl.Series
    header_row: int = 1
    encoding: str | None = None
    problems: Sequence[Problem] = field(default_factory=tuple)


class _UnreadableError(Exception):
    """The file as a whole gives no sheet: one problem says why."""

    def __init__(self, message: Text, hint: Text, severity: str = "error", encoding: str | None = None) -> None:
        super().__init__(str(message))
        self.message, self.hint, self.severity, self.encoding = message, hint, severity, encoding


def read_file(path: Path, table: Table, codes: Mapping[str, Mapping[str, object]] | None = None) -> ReadTable:
    """Read one file as one table.

    The content decides how it is read, not the suffix: a ``.xls`` may be a workbook, HTML or text.

    Args:
        path: a ``.parquet``, ``.csv``, ``.xlsx`` or ``.xls`` file.
        table: what it should hold.
        codes: the code maps of the settings: column (or ``table.column``) to text in the file to code.

    Returns:
        The usable rows and the problems. A file that cannot be read at all gives an empty table and one problem.

    Raises:
        OSError: the file cannot be opened.
    """
    try:
        sheet = _read_sheet(path, table)
    except _UnreadableError as wrong:
        problem = Problem(wrong.severity, table.name, wrong.message, wrong.hint, file=path.name)
        return ReadTable(table.empty(), (problem,), path.name, wrong.encoding)
    frame, problems = _understand(sheet, table, codes or {}, path.name)
    return ReadTable(frame, problems, path.name, sheet.encoding)


def read_frame(
    frame: pl.DataFrame, table: Table, codes: Mapping[str, Mapping[str, object]] | None = None
) -> tuple[pl.DataFrame, tuple[Problem, ...]]:
    """Read a frame in memory as one table, by the same rules as a file.

    Args:
        frame: columns under any accepted header, text or typed. A column :data:`network.schema.ROW` is kept as the row
            numbers; without it the first row is 2, as in a file with a header.
        table: what it should hold.
        codes: the code maps of the settings.

    Returns:
        The usable rows in the types of the table, and the problems in order of rows.
    """
    rows = (
        frame[ROW].cast(pl.UInt32)
        if ROW in frame.columns and frame[ROW].dtype.is_integer()
        else _row_numbers(frame.height)
    )
    columns = [column for column in frame.get_columns() if column.name != ROW]
    return _understand(_Sheet([column.name for column in columns], columns, rows), table, codes or {}, None)


def _row_numbers(height: int, header_row: int = 1) -> pl.Series:
    return pl.Series(ROW, np.arange(header_row + 1, header_row + 1 + height, dtype=np.uint32))


# -- files to sheets ---------------------------------------------------------------------------------------------------


def _read_sheet(path: Path, table: Table) -> _Sheet:
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    data = path.read_bytes()
    if data.startswith(_PARQUET):
        return _read_parquet(path)
    if data.startswith((_ZIP, _OLE)):
        return _read_workbook(data, table)
    if not data.strip():
        raise _UnreadableError(text("The file is empty"), text("Export it again, or remove it."), "warning")
    decoded = _decode(data, table, path.name)
    head = decoded.data[:1000].lstrip().lower()
    if head.startswith(b"<") and _XML_WORKBOOK in head:
        return _read_xml_workbook(decoded, table)
    if head.startswith(b"<") and (b"<table" in decoded.data.lower() or b"<html" in head):
        return _read_html(decoded, table)
    return _read_delimited(decoded, table)


def _read_parquet(path: Path) -> _Sheet:
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as reason:
        raise _UnreadableError(
            text("This is not a complete Parquet file"),
            text(
                "It may have been copied while it was being written: write it again. ({reason})",
                reason=_first_line(reason),
            ),
        ) from reason
    return _Sheet(frame.columns, frame.get_columns(), _row_numbers(frame.height))


def _first_line(reason: Exception) -> str:
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0]


def _read_workbook(data: bytes, table: Table) -> _Sheet:
    try:
        book = fastexcel.read_excel(data)
        sheets = {
            name: book.load_sheet(
                name, header_row=None, skip_rows=0, n_rows=4 * _HEAD_ROWS, dtypes="string"
            ).to_polars()
            for name in book.sheet_names
        }
        heads = {name: [[cell or "" for cell in row] for row in head.rows()] for name, head in sheets.items()}
        found = {name: _find_header(head, table) for name, head in heads.items() if any(map(any, head))}
        if not found:
            raise _UnreadableError(text("The file is empty"), text("Export it again, or remove it."), "warning")
        name, position = next(((name, at) for name, at in found.items() if at is not None), (next(iter(found)), None))
        if position is None:
            raise _no_header(heads[name], table)
        columns = _body_of_sheet(book, name, position, len(heads[name][position]))
    except fastexcel.FastExcelError as reason:
        raise _UnreadableError(
            text("This workbook cannot be opened"),
            text(
                "It may be damaged or protected by a password: save it again as .xlsx. ({reason})",
                reason=_first_line(reason),
            ),
        ) from reason
    height = len(columns[0]) if columns else 0
    return _Sheet(heads[name][position], columns, _row_numbers(height, position + 1), position + 1)


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


def _read_xml_workbook(decoded: _Decoded, table: Table) -> _Sheet:
    """Read the XML form of a workbook (2003), which some systems export as ``.xls``."""
    content = re.sub(rb"^\s*<\?xml[^>]*\?>", b"", decoded.data)
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = lxml.etree.fromstring(content, parser)
    except lxml.etree.LxmlError as reason:
        raise _UnreadableError(
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


def _first_sheet(grids: Sequence[Sequence[Sequence[str]]], table: Table, decoded: _Decoded) -> _Sheet:
    """Return the first grid with a header of the table."""
    for grid in grids:
        position = _find_header(grid, table)
        if position is not None:
            return _sheet_of_records(grid, position, decoded)
    raise _no_header(next((grid for grid in grids if grid), []), table, decoded.encoding)


def _read_html(decoded: _Decoded, table: Table) -> _Sheet:
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


def _sheet_of_records(records: Sequence[Sequence[str]], position: int, decoded: _Decoded) -> _Sheet:
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
    return _Sheet(headers, columns, pl.Series(ROW, numbers, dtype=pl.UInt32), position + 1, decoded.encoding, problems)


def _ragged(decoded: _Decoded, number: int, width: int, record: Sequence[str]) -> Problem:
    return Problem(
        "error",
        decoded.table,
        text("The row has {found} values, the header has {expected}", found=len(record), expected=width),
        text("Look for a missing or an extra separator, or a line break inside a value."),
        file=decoded.file,
        row=number,
        value=" | ".join(record)[:200],
    )


# -- text --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Decoded:
    """The text of a file in UTF-8 with plain line ends; lines that could not be decoded are blank and reported."""

    data: bytes
    encoding: str
    table: str
    file: str
    problems: Sequence[Problem] = ()


def _decode(data: bytes, table: Table, file: str) -> _Decoded:
    """Decode by byte order mark, then strict UTF-8, then GB18030; never by leaving characters out."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return _Decoded(_plain_lines(data.decode("utf-16").encode()), "utf-16", table.name, file)
        except UnicodeDecodeError as reason:
            raise _UnreadableError(
                text("The file begins as UTF-16 but breaks at byte {byte}", byte=reason.start),
                text("It may have been cut off: export it again."),
                encoding="utf-16",
            ) from reason
    encoding = "utf-8"
    if data.startswith(b"\xef\xbb\xbf"):
        data, encoding = data[3:], "utf-8-sig"
    if _is_valid(data, "utf-8"):
        doubts = [] if encoding == "utf-8-sig" else _doubts(data, table, file)
        return _Decoded(_plain_lines(data), encoding, table.name, file, doubts)
    if encoding == "utf-8" and not _may_hold_utf8(data) and _is_valid(data, "gb18030"):
        return _Decoded(_plain_lines(data.decode("gb18030").encode()), "gb18030", table.name, file)
    return _decode_by_line(data, encoding, table, file)


def _may_hold_utf8(data: bytes) -> bool:
    """Return whether two Chinese characters in UTF-8 stand side by side anywhere: the pattern of ``_UTF8_CHINESE``."""
    letters = np.frombuffer(data, dtype=np.uint8)
    if len(letters) < 6:
        return False
    leads = (letters >= 0xE3) & (letters <= 0xE9)
    follows = (letters & 0xC0) == 0x80
    first = leads[:-2] & follows[1:-1] & follows[2:]
    return bool((first[:-3] & first[3:]).any())


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
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _plain_lines(data: bytes) -> bytes:
    if b"\r" not in data:
        return data
    data = data.replace(b"\r\n", b"\n")
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _decode_by_line(data: bytes, encoding: str, table: Table, file: str) -> _Decoded:
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
    return _Decoded(b"\n".join(good), encoding, table.name, file, problems)


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


def _read_delimited(decoded: _Decoded, table: Table) -> _Sheet:
    head = decoded.data[:_HEAD_BYTES]
    if len(head) < len(decoded.data) and b"\n" in head:
        head = head[: head.rindex(b"\n")]
    found: list[tuple[int, int, str]] = []
    for delimiter in DELIMITERS:
        records = _records(head.decode(errors="replace"), delimiter, 4 * _HEAD_ROWS)
        position = _find_header(records, table)
        if position is not None:
            found.append((_hits(records[position], table), position, delimiter))
    if not found:
        first = _records(head.decode(errors="replace"), ",", _HEAD_ROWS)
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


def _read_quickly(decoded: _Decoded, position: int, delimiter: str) -> _Sheet | None:
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
    return _Sheet(headers, frame.get_columns(), rows, position + 1, decoded.encoding, problems)


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
    decoded: _Decoded, lines: _Lines, position: int, width: int
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


# -- headers -----------------------------------------------------------------------------------------------------------


def _key(header: str) -> str:
    """Return a header in the form in which headers are compared."""
    return re.sub(r"\s+", "", clean(header)).strip("*:").lower()


def _names(table: Table) -> dict[str, tuple[Column, int]]:
    """Return every accepted header with its column and its rank: the contract's name, the Chinese one, then aliases."""
    names: dict[str, tuple[Column, int]] = {}
    for column in table.columns:
        for rank, name in enumerate((column.name, column.chinese, *column.aliases)):
            names.setdefault(_key(name), (column, rank))
    return names


def _split_unit(key: str) -> tuple[str, str | None]:
    match = re.match(r"^(.+?)\((.*)\)$", key)
    return (match[1], match[2]) if match else (key, None)


def _match(header: str, names: Mapping[str, tuple[Column, int]]) -> tuple[Column, int, str | None] | None:
    """Return the column a header means, the rank of the name, and the unit it carries."""
    key = _key(header)
    if key in names:
        return (*names[key], None)
    bare, unit = _split_unit(key)
    if bare in names:
        return (*names[bare], unit)
    found = next(
        (each for each in names.values() if unit and each[0].unit and each[0].name == f"{bare}_{each[0].unit}"), None
    )
    return (*found, unit) if found else None


def _hits(record: Sequence[str], table: Table) -> int:
    names = _names(table)
    return len({found[0].name for header in record if (found := _match(header, names))})


def _find_header(records: Sequence[Sequence[str]], table: Table) -> int | None:
    """Return the position of the header among the first five rows that are not blank: the one with most names."""
    filled = [position for position, record in enumerate(records[: 4 * _HEAD_ROWS]) if any(map(str.strip, record))]
    best = max(filled[:_HEAD_ROWS], key=lambda position: _hits(records[position], table), default=None)
    return best if best is not None and _hits(records[best], table) else None


def _no_header(records: Sequence[Sequence[str]], table: Table, encoding: str | None = None) -> _UnreadableError:
    first = next((record for record in records if any(map(str.strip, record))), [])
    return _UnreadableError(
        text("No header row was found; the first row is: {found}", found=", ".join(map(str.strip, first))[:200]),
        text("Put the column names in the first row: {names}.", names=_wanted(table)),
        encoding=encoding,
    )


def _wanted(table: Table) -> str:
    return ", ".join(f"{column.name} ({column.chinese})" for column in table.columns if column.required)


def _scale_of(column: Column, unit: str | None) -> Scale | None:
    """Return how the unit of a header becomes that of the column, ``None`` where it cannot."""
    if unit is None or not unit:
        return SAME_UNIT
    if column.kind == "time":
        return None if re.match(r"^(utc|gmt)(?!\+0?8)", unit) else SAME_UNIT
    if column.kind not in {"number", "integer"}:
        return SAME_UNIT
    if column.name in _BY_NAME:
        return _BY_NAME[column.name].get(unit)
    if column.kind == "integer":
        return _COUNTS.get(unit)
    return _UNITS.get(column.unit or "", {}).get(unit)


@dataclass(frozen=True)
class _Matched:
    """Where a column of the table stands in the sheet."""

    index: int
    header: str
    scale: Scale


def _match_headers(sheet: _Sheet, table: Table, file: str | None) -> tuple[dict[str, _Matched], list[Problem]]:
    names = _names(table)
    matched: dict[str, _Matched] = {}
    ranks: dict[str, int] = {}
    problems: list[Problem] = []

    def report(severity: str, column: str | None, message: Text, hint: Text, header: str) -> None:
        problems.append(Problem(severity, table.name, message, hint, file, sheet.header_row, column, header))

    for index, header in enumerate(sheet.headers[: len(sheet.columns)]):
        found = _match(header, names)
        if found is None:
            _report_unknown(report, header, index, sheet, names)
            continue
        column, rank, unit = found
        scale = _scale_of(column, unit)
        if scale is None:
            known = sorted(_BY_NAME.get(column.name) or (_UNITS.get(column.unit or "", {}) if column.unit else _COUNTS))
            report(
                "error",
                column.name,
                text("The unit {unit} does not fit this column, which was not read", unit=unit),
                text("Use one of {known}.", known=", ".join(known) if column.kind != "time" else "UTC+8"),
                header,
            )
            continue
        if column.name in matched:
            better = rank < ranks[column.name]
            other = matched[column.name].header if better else header
            report(
                "warning",
                column.name,
                text("Two headers mean this column; {ignored} was ignored", ignored=other),
                text("Remove one of them, or give them different names."),
                other,
            )
            if not better:
                continue
        matched[column.name] = _Matched(index, header, scale)
        ranks[column.name] = rank
    return matched, problems


def _report_unknown(
    report: Callable[[str, str | None, Text, Text, str], None],
    header: str,
    index: int,
    sheet: _Sheet,
    names: Mapping[str, tuple[Column, int]],
) -> None:
    key = _key(header)
    if not key:
        if not _is_empty(sheet.columns[index]).all():
            report(
                "warning",
                None,
                text("Column {number} has values but no header; it was ignored", number=index + 1),
                text("Give it a name, or remove it."),
                header,
            )
        return
    near = difflib.get_close_matches(_split_unit(key)[0], list(names), n=1, cutoff=0.6)
    hint = (
        text("Did you mean {near}?", near=names[near[0]][0].name)
        if near
        else text("Nothing needs to be done if it is not needed.")
    )
    report("warning", None, text("This column is not known; it was ignored"), hint, header)


# -- sheets to tables --------------------------------------------------------------------------------------------------


def _understand(
    sheet: _Sheet, table: Table, codes: Mapping[str, Mapping[str, object]], file: str | None
) -> tuple[pl.DataFrame, tuple[Problem, ...]]:
    """Match the headers, understand the values, and leave out the rows that cannot be used."""
    matched, problems = _match_headers(sheet, table, file)
    problems = [*sheet.problems, *problems]
    missing = [column for column in table.columns if column.required and column.name not in matched]
    if missing:
        found = ", ".join(clean(header) for header in sheet.headers)
        for column in missing:
            message = text("The column {column} ({chinese}) is missing", column=column.name, chinese=column.chinese)
            hint = text("Add it. The columns found are: {found}.", found=found)
            problems.append(Problem("error", table.name, message, hint, file, None, column.name))
        return table.empty(), _in_order(problems)
    sheet = _without_blank_rows(sheet, [each.index for each in matched.values()])
    if not len(sheet.rows):
        message, hint = text("The table has no rows"), text("Export it again, or remove it.")
        problems.append(Problem("warning", table.name, message, hint, file))
        return table.empty(), _in_order(problems)
    unusable = np.zeros(len(sheet.rows), dtype=bool)
    columns: list[pl.Series] = []
    faults: list[tuple[int, str | None, Fault, Column]] = []
    for column in table.columns:
        values, wrong = _understand_column(sheet, table, column, matched.get(column.name), codes)
        columns.append(values)
        for position, value, fault in wrong:
            faults.append((position, value, fault, column))
            if fault.severity == "error" and (column.required or column.critical):
                unusable[position] = True
    frame = pl.DataFrame([*columns, sheet.rows.alias(ROW)])
    problems += _value_problems(frame, table, faults, file)
    return frame.filter(pl.Series(~unusable)) if unusable.any() else frame, _in_order(problems)


def _understand_column(
    sheet: _Sheet,
    table: Table,
    column: Column,
    where: _Matched | None,
    codes: Mapping[str, Mapping[str, object]],
) -> tuple[pl.Series, list[tuple[int, str | None, Fault]]]:
    """Understand one column: its values, and position, text and fault of each that cannot be used."""
    if where is None:
        blank = pl.Series(column.name, [column.default], dtype=column.polars_type)
        return blank.new_from_index(0, len(sheet.rows)), []
    raw = sheet.columns[where.index]
    words = codes.get(f"{table.name}.{column.name}", codes.get(column.name))
    parsed = parse(raw, column, where.header, words, where.scale)
    faults: list[tuple[int, str | None, Fault]] = list(parsed.faults)
    values = parsed.values
    if column.required or column.default is not None:
        blank_cells = values.is_null()
        unreadable = [position for position, _, fault in faults if fault.severity == "error"]
        if unreadable:
            blank_cells = blank_cells.scatter(unreadable, values=False)
        if column.required and blank_cells.any():
            fault = Fault(
                text("A value is needed here; the row was left out"),
                text("Fill it in: {meaning}.", meaning=text(column.meaning)),
            )
            shown = as_text(raw.filter(blank_cells)).to_list()
            faults += zip(blank_cells.arg_true().to_list(), shown, [fault] * len(shown), strict=True)
        if column.default is not None and blank_cells.any():
            values = values.set(blank_cells, column.default)
    return values, faults


def _value_problems(
    frame: pl.DataFrame, table: Table, faults: Sequence[tuple[int, str | None, Fault, Column]], file: str | None
) -> list[Problem]:
    """Say of each fault in which row it stands, and the id of that row where the table has one."""
    positions = [position for position, _, _, _ in faults]
    rows = frame[ROW].gather(positions).to_list()
    ids: list[str | None] = [None] * len(rows)
    if len(table.key) == 1 and table[table.key[0]].kind == "id":
        ids = frame[table.key[0]].gather(positions).to_list()
    return [
        Problem(fault.severity, table.name, fault.message, fault.hint, file, row, column.name, value, object_id)
        for (_, value, fault, column), row, object_id in zip(faults, rows, ids, strict=True)
    ]


def _is_empty(cells: pl.Series) -> pl.Series:
    return cells.is_null() | (cells.str.strip_chars() == "") if cells.dtype == pl.String else cells.is_null()


def _without_blank_rows(sheet: _Sheet, used: Sequence[int]) -> _Sheet:
    """Leave out the rows where no cell that is used says anything, such as those below the end of a spreadsheet."""
    if not used or not len(sheet.rows):
        return sheet
    blank = pl.Series(np.ones(len(sheet.rows), dtype=bool))
    for index in used:
        blank &= _is_empty(sheet.columns[index])
        if not blank.any():
            return sheet
    return replace(sheet, columns=[column.filter(~blank) for column in sheet.columns], rows=sheet.rows.filter(~blank))


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: problem.row or 0))
