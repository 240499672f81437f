"""File to table: whatever a utility exports, read into the typed table of the contract.

A file of any supported form first becomes a sheet (:mod:`network.tables.sheets`): headers, cells and the row of each as a
spreadsheet counts it. A sheet then becomes a table: headers are matched (:mod:`network.tables.headers`), values understood
(:mod:`network.tables.values`), and all that is wrong is said as problems. The rules are those of the field reference, 9.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from network.nearest import nearest
from network.problems import Problem
from network.tables.decoding import UnreadableError
from network.tables.headers import accepted_names, header_key, known_units, match_header, scale_of, split_unit
from network.tables.schema import KINDS_WITH_VALUE, ROW, Column, Table
from network.tables.sheets import Sheet, read_sheet, row_numbers
from network.tables.values import Fault, Scale, as_text, clean, parse
from network.texts import Text, text


@dataclass(frozen=True)
class ReadTable:
    """A table as read from one file.

    Attributes:
        frame: the usable rows, with the columns of the table in order and :data:`network.tables.schema.ROW` at the end.
        problems: all that is wrong with the file, in order of rows.
        file: the name of the file.
        encoding: how its text was encoded (``utf-8``, ``utf-8-sig``, ``utf-16``, ``gb18030``), ``None`` where not text.
    """

    frame: pl.DataFrame
    problems: tuple[Problem, ...]
    file: str
    encoding: str | None = None


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
        sheet = read_sheet(path, table)
    except UnreadableError as wrong:
        problem = Problem(wrong.severity, table.name, wrong.message, wrong.hint, file=path.name)
        return ReadTable(table.empty(), (problem,), path.name, wrong.encoding)
    frame, problems = _understand(sheet, table, codes or {}, path.name)
    return ReadTable(frame, problems, path.name, sheet.encoding)


def read_frame(
    frame: pl.DataFrame, table: Table, codes: Mapping[str, Mapping[str, object]] | None = None
) -> tuple[pl.DataFrame, tuple[Problem, ...]]:
    """Read a frame in memory as one table, by the same rules as a file.

    Args:
        frame: columns under any accepted header, text or typed. A column :data:`network.tables.schema.ROW` is kept as the row
            numbers; without it the first row is 2, as in a file with a header.
        table: what it should hold.
        codes: the code maps of the settings.

    Returns:
        The usable rows in the types of the table, and the problems in order of rows.
    """
    rows = (
        frame[ROW].cast(pl.UInt32)
        if ROW in frame.columns and frame[ROW].dtype.is_integer()
        else row_numbers(frame.height)
    )
    columns = [column for column in frame.get_columns() if column.name != ROW]
    return _understand(Sheet([column.name for column in columns], columns, rows), table, codes or {}, None)


def _understand(
    sheet: Sheet, table: Table, codes: Mapping[str, Mapping[str, object]], file: str | None
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
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        understood = pool.map(
            lambda column: _understand_column(sheet, table, column, matched.get(column.name), codes), table.columns
        )
    for column, (values, wrong) in zip(table.columns, understood, strict=True):
        columns.append(values)
        for position, value, fault in wrong:
            faults.append((position, value, fault, column))
    frame = pl.DataFrame([*columns, sheet.rows.alias(ROW)])
    faults = [each for each in faults if not _means_nothing(frame, table, each[3], each[0])]
    for position, _, fault, column in faults:
        if fault.severity == "error" and (column.required or column.critical):
            unusable[position] = True
    problems += _value_problems(frame, table, faults, file)
    return frame.filter(pl.Series(~unusable)) if unusable.any() else frame, _in_order(problems)


def _means_nothing(frame: pl.DataFrame, table: Table, column: Column, position: int) -> bool:
    """Tell whether a cell means nothing in its row: the value of a signal that has none."""
    if table.name != "signals" or column.name != "value":
        return False
    kind = frame["kind"][position]
    return kind is not None and kind not in KINDS_WITH_VALUE


@dataclass(frozen=True)
class _Matched:
    """Where a column of the table stands in the sheet."""

    index: int
    header: str
    scale: Scale


def _match_headers(sheet: Sheet, table: Table, file: str | None) -> tuple[dict[str, _Matched], list[Problem]]:
    names = accepted_names(table)
    matched: dict[str, _Matched] = {}
    ranks: dict[str, int] = {}
    problems: list[Problem] = []

    def report(severity: str, column: str | None, message: Text, hint: Text, header: str) -> None:
        problems.append(Problem(severity, table.name, message, hint, file, sheet.header_row, column, header))

    for index, header in enumerate(sheet.headers[: len(sheet.columns)]):
        found = match_header(header, names)
        if found is None:
            _report_unknown(report, header, index, sheet, names)
            continue
        column, rank, unit = found
        scale = scale_of(column, unit)
        if scale is None:
            report(
                "error",
                column.name,
                text("The unit {unit} does not fit this column, which was not read", unit=unit),
                text("Use one of {known}.", known=", ".join(known_units(column)) if column.kind != "time" else "UTC+8"),
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
    sheet: Sheet,
    names: Mapping[str, tuple[Column, int]],
) -> None:
    key = header_key(header)
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
    near = nearest(split_unit(key)[0], names)
    hint = (
        text("Did you mean {near}?", near=names[near[0]][0].name)
        if near
        else text("Nothing needs to be done if it is not needed.")
    )
    report("warning", None, text("This column is not known; it was ignored"), hint, header)


def _understand_column(
    sheet: Sheet,
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
    if values.null_count() and (column.required or column.default is not None):
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


def _none_is_empty(cells: pl.Series) -> bool:
    """Return whether no cell is empty, as far as first characters show: blanks lie before or after those of ASCII."""
    if cells.null_count():
        return False
    return cells.dtype != pl.String or (str(cells.min())[:1] > " " and str(cells.max())[:1] < "\x7f")


def _without_blank_rows(sheet: Sheet, used: Sequence[int]) -> Sheet:
    """Leave out the rows where no cell that is used says anything, such as those below the end of a spreadsheet."""
    quickest_first = sorted(used, key=lambda index: sheet.columns[index].dtype == pl.String)
    if not used or not len(sheet.rows) or any(_none_is_empty(sheet.columns[index]) for index in quickest_first):
        return sheet
    blank = pl.Series(np.ones(len(sheet.rows), dtype=bool))
    for index in used:
        blank &= _is_empty(sheet.columns[index])
        if not blank.any():
            return sheet
    return replace(sheet, columns=[column.filter(~blank) for column in sheet.columns], rows=sheet.rows.filter(~blank))


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: problem.row or 0))
