"""File to sheets: the content decides how a file is read, not its suffix (but for ``.parquet`` and ``.json``).

Parquet, a workbook, the XML form of a workbook, HTML, JSON or delimited text, each also packed by gzip. What reads a form is
loaded when a file has it. The rules are those of the field reference, 9.2.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from network.problems import Problem
from network.tables.decoding import Decoded, UnreadableError, decode
from network.tables.delimited import read_delimited
from network.tables.headers import accepted_names
from network.tables.limits import Room, bounded, look_at_parquet, look_at_size, look_at_width, unpacked
from network.tables.mistaken import no_table
from network.tables.panics import panics_as
from network.tables.sheets import Sheet, Wanted, first_line, row_numbers
from network.tables.table_form import Table
from network.texts import text

_ZIP, _OLE, _PARQUET, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"\x1f\x8b"
_XML_WORKBOOK = b"urn:schemas-microsoft-com:office:spreadsheet"


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
        from network.tables.workbooks import read_workbook

        return read_workbook(data, wanted)
    if not data.strip():
        raise UnreadableError(text("The file is empty"), text("Export it again, or remove it."), "warning")
    try:
        return _read_text(data, wanted, path)
    except UnreadableError as found:
        raise no_table(path, data, found) from found


def _read_text(data: bytes, wanted: Wanted, path: Path) -> tuple[list[Sheet], list[Problem]]:
    decoded = decode(data, wanted.table, path.name)
    head = decoded.data[:1000].lstrip().lower()
    if head.startswith(b"<") and _XML_WORKBOOK in head:
        from network.tables.markup import read_xml_workbook

        return read_xml_workbook(decoded, wanted)
    if head.startswith(b"<") and (b"<table" in decoded.data.lower() or b"<html" in head):
        from network.tables.markup import read_html

        return read_html(decoded, wanted)
    if head.startswith((b"[", b"{")):
        return [_read_json(decoded)], []
    return [read_delimited(decoded, wanted)], []


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    try:
        return unpacked(data)
    except (OSError, EOFError, zlib.error) as reason:
        raise UnreadableError(
            text("The packed file is not complete"),
            text("Pack it again, or give it unpacked. ({reason})", reason=first_line(reason)),
        ) from reason


def _read_parquet(path: Path) -> Sheet:
    import pyarrow
    import pyarrow.parquet

    try:
        look_at_parquet(path)
        with pyarrow.parquet.ParquetFile(path) as file:
            read = file.read(use_threads=False)
        read.validate(full=True)  # texts that are none would be a panic of what takes them on
        with panics_as(ValueError("damaged")):  # so are names and notes on columns that are no text
            frame = pl.DataFrame(read)
    except (pl.exceptions.PolarsError, pyarrow.ArrowException, OSError, ValueError) as reason:
        raise UnreadableError(
            text("This is not a complete Parquet file"),
            text(
                "It may have been copied while it was being written: write it again. ({reason})",
                reason=first_line(reason),
            ),
        ) from reason
    return Sheet(frame.columns, [bounded(column) for column in frame.get_columns()], row_numbers(frame.height))


def _read_json(decoded: Decoded) -> Sheet:
    """Read a list of records, or one record a line; the first record counts as row 2, as below a header."""
    try:
        content = json.loads(decoded.data)
    except (ValueError, RecursionError) as whole:
        try:
            content = [json.loads(line) for line in decoded.data.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise UnreadableError(
                text("This is not complete JSON"), text("Export it again. ({reason})", reason=first_line(whole))
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
    try:
        "".join(headers).encode()
        columns = [
            pl.Series(str(index), [_plain_text(record.get(name)) for record in content], dtype=pl.String)
            for index, name in enumerate(headers)
        ]
    except UnicodeEncodeError as reason:
        raise UnreadableError(
            text("This JSON holds half a character, which no text can hold"),
            text("Export it again in UTF-8. ({reason})", reason=ascii(reason.object[reason.start : reason.end])),
        ) from reason
    return Sheet(headers, columns, row_numbers(len(content)), 1, decoded.encoding, decoded.problems)


def _plain_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
