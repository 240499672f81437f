"""File to table: whatever a utility exports, read into the typed table of a workspace.

A file of any supported form first becomes a sheet (:mod:`network.tables.files`): headers, cells and the row of each as a
spreadsheet counts it. A sheet then becomes a table: headers are matched (:mod:`network.tables.headers`), values understood
(:mod:`network.tables.values`), and all that is wrong is said as problems. The rules are those of the field reference, 9.2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from network.nearest import nearest
from network.problems import Problem
from network.tables.added import with_users_added
from network.tables.cells import Fault, as_text, clean, nulls
from network.tables.code_words import KINDS_WITH_VALUE
from network.tables.columns import Understood, fill_merged, look_at_days, look_at_midnights
from network.tables.date_parts import NO_YEAR, put_together
from network.tables.days import join_days, say_next_day
from network.tables.decoding import UnreadableError
from network.tables.durations import parse_durations
from network.tables.ends import (
    NO_END,
    end_may_stand_below,
    ends_of,
    refuse_endless_parts,
    refuse_signs,
    second_header_is_end,
    take_durations,
    take_named_days,
    take_still_off,
    without_still_off,
)
from network.tables.files import read_sheets
from network.tables.general_headers import meant_by_values
from network.tables.headers import (
    Names,
    accepted_names,
    header_key,
    is_calculated,
    is_general,
    known_units,
    match_header,
    numbers_rows,
    scale_of,
    split_unit,
)
from network.tables.limits import bounded
from network.tables.parts import Part
from network.tables.ranges import split_ranges
from network.tables.sheets import Sheet, row_numbers
from network.tables.table_form import ROW, Column, Table
from network.tables.times import NO_UNIT, TimeUnit, parse_times, time_unit
from network.tables.trimming import trim
from network.tables.values import SAME_UNIT, Scale, parse
from network.tables.words import Words
from network.texts import Text, text


@dataclass(frozen=True)
class ReadTable:
    """A table as read from one file, or from several.

    Attributes:
        frame: the usable rows, with the columns of the table in order and :data:`network.tables.table_form.ROW` at the end. The
            rows of a further part are counted on from those of the parts before it.
        problems: all that is wrong with the files, in order of rows.
        file: the name of the file, or of all files.
        encoding: how its text was encoded (``utf-8``, ``utf-8-sig``, ``utf-16``, ``gb18030``), ``None`` where not text.
        parts: the files and sheets that were put together.
    """

    frame: pl.DataFrame
    problems: tuple[Problem, ...]
    file: str
    encoding: str | None = None
    parts: tuple[Part, ...] = ()


def read_file(path: Path, table: Table, words: Words | None = None) -> ReadTable:
    """Read one file as one table, all its sheets that hold it.

    The content decides how it is read, not the suffix: a ``.xls`` may be a workbook, HTML or text.

    Args:
        path: Parquet, delimited text, JSON or a workbook, perhaps packed by gzip.
        table: what it should hold.
        words: the utility's own headers and codes, and how it writes times.

    Returns:
        The usable rows and the problems. A file that cannot be read at all gives an empty table and one problem.

    Raises:
        OSError: the file cannot be opened.
    """
    return read_files([path], table, words)


def read_files(paths: Sequence[Path], table: Table, words: Words | None = None) -> ReadTable:
    """Read several files as one table, such as one for each month.

    Args:
        paths: one or more files.
        table: what they should hold together.
        words: the utility's own headers and codes, and how it writes times.

    Returns:
        The usable rows of all and their problems.

    Raises:
        OSError: a file cannot be opened.
    """
    words = words or Words()
    read: list[tuple[pl.DataFrame, tuple[Problem, ...]]] = []
    problems: list[Problem] = []
    parts: list[Part] = []
    encodings: list[str | None] = []
    start = 0
    for path in paths:
        try:
            sheets, found = read_sheets(path, table, words.headers_of(table))
        except UnreadableError as wrong:
            problems.append(Problem(wrong.severity, table.name, wrong.message, wrong.hint, file=path.name))
            encodings.append(wrong.encoding)
            continue
        problems += found
        for sheet in sheets:
            frame, found_in_sheet = _understand(sheet, table, words, path.name)
            shifted = frame.with_columns(pl.col(ROW) + pl.lit(start, pl.UInt32)) if start else frame
            read.append((shifted, found_in_sheet))
            parts.append(Part(start, path.name, sheet.name))
            encodings.append(sheet.encoding)
            start += max(sheet.rows[-1] if len(sheet.rows) else 0, sheet.header_row)
    kept = refuse_endless_parts(read)
    problems += [problem for _, found in kept for problem in found]
    frames = [frame for frame, _ in kept] or [table.empty()]
    whole = pl.concat(frames) if len(frames) > 1 else frames[0]
    file = ", ".join(dict.fromkeys(path.name for path in paths))
    return ReadTable(whole, tuple(problems), file, encodings[0] if encodings else None, tuple(parts))


def read_frame(
    frame: pl.DataFrame, table: Table, words: Words | None = None
) -> tuple[pl.DataFrame, tuple[Problem, ...]]:
    """Read a frame in memory as one table, by the same rules as a file.

    Args:
        frame: columns under any accepted header, text or typed. A column :data:`network.tables.table_form.ROW` is kept as the row
            numbers; without it the first row is 2, as in a file with a header.
        table: what it should hold.
        words: the utility's own headers and codes, and how it writes times.

    Returns:
        The usable rows in the types of the table, and the problems in order of rows.
    """
    rows = (
        frame[ROW].cast(pl.UInt32)
        if ROW in frame.columns and frame[ROW].dtype.is_integer()
        else row_numbers(frame.height)
    )
    columns = [bounded(column) for column in frame.get_columns() if column.name != ROW]
    return _understand(Sheet([column.name for column in columns], columns, rows), table, words or Words(), None)


def _understand(sheet: Sheet, table: Table, words: Words, file: str | None) -> tuple[pl.DataFrame, tuple[Problem, ...]]:
    """Match the headers, understand the values, and leave out the rows that cannot be used."""
    report = _Report(table, sheet, file, list(sheet.problems))
    names = accepted_names(table, words.headers_of(table))
    added = with_users_added(sheet, names)
    if added.said is not None:
        report.add(added.said[0], column="users", value=added.said[1], row=sheet.header_row)
    whole = put_together(split_ranges(added.sheet, names), names)
    joined = join_days(whole.sheet, table, names, words.reading)
    sheet = joined.sheet
    matched = match_headers(sheet, table, words, report, joined.used | whole.used | added.used)
    if whole.without_year:
        report.add(NO_YEAR, row=sheet.header_row)
    missing = [column for column in table.columns if column.required and column.name not in matched]
    if missing:
        _report_missing(report, missing, names)
        return table.empty(), report.in_order()
    sheet = _without_blank_rows(sheet, [match.index for match in matched.values()])
    trimmed = trim(
        sheet,
        {name: match.index for name, match in matched.items() if name in table.names},
        {column.name: column for column in table.columns},
    )
    sheet = trimmed.sheet
    for fault, row, shown in trimmed.said:
        report.add(fault, value=shown, row=row)
    if not len(sheet.rows):
        report.add(Fault(text("The table has no rows"), text("Export it again, or remove it."), "warning"))
        return table.empty(), report.in_order()
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        columns = list(
            pool.map(
                lambda column: _understand_column(sheet, table, column, matched.get(column.name), words), table.columns
            )
        )
    look_at_midnights(columns, sheet.is_workbook, words.reading)
    _settle_ends(sheet, table, columns, matched, words)
    if joined.next_day:
        say_next_day(next(column for column in columns if column.column.name == "end"), joined.next_day)
    frame = pl.DataFrame([*(column.values for column in columns), sheet.rows.alias(ROW)])
    columns = [replace(column, faults=_that_mean_something(frame, table, column)) for column in columns]
    usable = ~_unusable(columns, len(sheet.rows))
    report.add_columns(frame, columns)
    return frame if usable.all() else frame.filter(usable), report.in_order()


_FEWEST_NAMES = 3
"""So many names of columns one below the other show that a sheet is turned."""


def _report_missing(report: _Report, missing: Sequence[Column], names: Names) -> None:
    """Say which columns a sheet lacks, or that its names stand one below the other."""
    sheet = report.sheet
    first = [sheet.headers[0], *as_text(sheet.columns[0].head(50)).to_list()] if sheet.columns else []
    below = {found[0].name for cell in first if cell and (found := match_header(cell, names))}
    beside = {found[0].name for header in sheet.headers if (found := match_header(header, names))}
    if len(below) >= _FEWEST_NAMES and len(below) > len(beside):
        report.problems.clear()
        message = text(
            "The names of the columns stand one below the other, in the first column; the sheet was not read"
        )
        hint = text("Turn it: copy the cells and paste them with Transpose, so that each record is a row.")
        report.add(Fault(message, hint), row=sheet.header_row, value=clean(sheet.headers[0]))
        return
    found_headers = ", ".join(clean(header) for header in sheet.headers)
    number = next((clean(header) for header in sheet.headers if numbers_rows(header)), None)
    for column in missing:
        message = text("The column {column} ({chinese}) is missing", column=column.name, chinese=column.chinese)
        hint = text(
            "Add it, or say which header means it with fudian map. The columns found are: {found}.", found=found_headers
        )
        if number is not None and column.kind == "id" and (column.name,) == report.table.key:
            hint = text(
                'Add it; or, if no number under {header} stands twice in the whole table, write "{header}" = "{column}" under '
                "[headers.{table}] in fudian.toml.",
                header=number,
                column=column.name,
                table=report.table.name,
            )
        report.add(Fault(message, hint), column=column.name)


def _unusable(columns: Iterable[Understood], height: int) -> pl.Series:
    """Return which rows are left out: those in which a value that is needed cannot be used."""
    unusable = np.zeros(height, dtype=bool)
    for column in columns:
        if column.column.required or column.column.critical:
            if column.faults:
                unusable[[position for position, _, fault in column.faults if fault.severity == "error"]] = True
            if column.unusable is not None:
                unusable |= column.unusable.to_numpy()
    return pl.Series(unusable, dtype=pl.Boolean)


_MOST_GUESSED = 200
"""Columns for which a name that they resemble is looked for: nobody mends more by hand, and each look takes its time."""


@dataclass
class _Report:
    """The problems of one sheet."""

    table: Table
    sheet: Sheet
    file: str | None
    problems: list[Problem]

    def add(self, fault: Fault, column: str | None = None, value: str | None = None, row: int | None = None) -> None:
        """Say something of the sheet, or of one of its columns."""
        problem = Problem(fault.severity, self.table.name, fault.message, fault.hint, self.file, row, column, value)
        self.problems.append(replace(problem, sheet=self.sheet.name))

    def add_columns(self, frame: pl.DataFrame, columns: Iterable[Understood]) -> None:
        """Say of each fault in which row it stands, and the id of that row where the table has one."""
        columns = list(columns)
        for column in columns:
            for note in column.notes:
                self.add(note, column.column.name)
        faults = [(*fault, column.column.name) for column in columns for fault in column.faults]
        positions = [position for position, _, _, _ in faults]
        rows = frame[ROW].gather(positions).to_list()
        ids: list[str | None] = [None] * len(rows)
        if len(self.table.key) == 1 and self.table[self.table.key[0]].kind == "id":
            ids = frame[self.table.key[0]].gather(positions).to_list()
        self.problems += [
            Problem(
                fault.severity, self.table.name, fault.message, fault.hint, self.file, row, column, value, object_id,
                self.sheet.name,
            )
            for (_, value, fault, column), row, object_id in zip(faults, rows, ids, strict=True)
        ]  # fmt: skip

    def in_order(self) -> tuple[Problem, ...]:
        """Return the problems in order of rows."""
        return tuple(sorted(self.problems, key=lambda problem: problem.row or 0))


def _that_mean_something(
    frame: pl.DataFrame, table: Table, understood: Understood
) -> list[tuple[int, str | None, Fault]]:
    """Return the faults of a column but those of cells that mean nothing in their row: a value that no such signal has."""
    if (table.name, understood.column.name) != ("signals", "value"):
        return understood.faults
    kinds = frame["kind"]
    return [fault for fault in understood.faults if kinds[fault[0]] is None or kinds[fault[0]] in KINDS_WITH_VALUE]


@dataclass(frozen=True)
class _Matched:
    """Where a column of the table stands in the sheet, and in which unit; ``None`` for a unit that does not fit."""

    index: int
    header: str
    scale: Scale | None
    time_unit: TimeUnit | None
    has_unit: bool
    again: tuple[int, ...] = ()


def _twice(ignored: str) -> Text:
    return text("Two headers mean this column; {ignored} was ignored", ignored=ignored)


def match_headers(
    sheet: Sheet, table: Table, words: Words, report: _Report, used: Collection[int] = ()
) -> dict[str, _Matched]:
    """Find the columns of a table in a sheet, and report the headers that cannot be used, but for columns that are used up."""
    own = words.headers_of(table)
    names = accepted_names(table, own)
    matched: dict[str, _Matched] = {}
    ranks: dict[str, int] = {}
    unknown: list[int] = []
    for index, header in enumerate(sheet.headers[: len(sheet.columns)]):
        found = match_header(header, names)
        if found is None:
            if own.get(header_key(header)) != "" and index not in used:
                unknown.append(index)
            continue
        column, rank, unit = found
        given = _Matched(index, header, scale_of(column, unit), time_unit(unit), bool(unit))
        known = matched.get(column.name)
        if known is not None:
            better = rank < ranks[column.name]
            ignored = known.header if better else header
            same = header_key(known.header) == header_key(header)
            if same:
                matched[column.name] = replace(known, again=(*known.again, index))
            message = _twice(ignored)
            fault = Fault(message, text("Remove one of them, or give them different names."), "warning")
            report.add(fault, column.name, ignored, sheet.header_row)
            if not better:
                continue
        matched[column.name] = given
        ranks[column.name] = rank
    by_values = _match_by_values(sheet, table, unknown, matched, words, report)
    for index in unknown:
        if index not in by_values:
            _report_unknown(report, sheet.headers[index], index, sheet, names)
    beside = [match.header for match in matched.values() if match.again]
    if len(beside) >= _FEWEST_NAMES:
        report.problems = [problem for problem in report.problems if problem.message.template != _twice("").template]
        message = text("Two tables stand side by side; only the left one was read")
        hint = text("Put the right one below the left one, or on a sheet of its own.")
        report.add(Fault(message, hint), None, ", ".join(map(clean, beside)), sheet.header_row)
    for name, match in list(matched.items()):
        _report_unit(report, table, name, match, matched)
    return matched


def _match_by_values(
    sheet: Sheet, table: Table, unknown: Sequence[int], matched: dict[str, _Matched], words: Words, report: _Report
) -> Collection[int]:
    """Match headers that say too little alone by their values, say so, and return which those are."""
    missing = [column for column in table.columns if column.name not in matched]
    meant = meant_by_values(sheet, table, unknown, missing, words)
    for index, column in meant.items():
        header = sheet.headers[index]
        matched[column.name] = _Matched(index, header, SAME_UNIT, NO_UNIT, has_unit=False)
        message = text(
            "The header {header} was taken for this column, since its values are of it", header=clean(header)
        )
        hint = text("Nothing needs to be done if that is meant; otherwise say what it means with fudian map.")
        report.add(Fault(message, hint, "warning"), column.name, header, sheet.header_row)
    return meant.keys()


def _report_unit(report: _Report, table: Table, name: str, found: _Matched, matched: dict[str, _Matched]) -> None:
    """Report a unit that does not fit its column; a column without which a row says something else stays, as unreadable."""
    column = next(known for known in (*table.columns, table.duration) if known is not None and known.name == name)
    if found.scale is not None and (found.time_unit is not None or column.kind != "time"):
        return
    unit = split_unit(header_key(found.header))[1] or ""
    known = ", ".join(known_units(column)) if column.kind != "time" else "UTC+8"
    message = text("The unit {unit} does not fit this column, which was not read", unit=unit)
    report.add(Fault(message, text("Use one of {known}.", known=known)), name, found.header, report.sheet.header_row)
    if not column.critical and column is not table.duration:
        del matched[name]


def _report_unknown(report: _Report, header: str, index: int, sheet: Sheet, names: Names) -> None:
    key = header_key(header)
    if not key:
        if not _is_empty(sheet.columns[index]).all():
            message = text("Column {number} has values but no header; it was ignored", number=index + 1)
            fault = Fault(message, text("Give it a name, or remove it."), "warning")
            report.add(fault, value=header, row=sheet.header_row)
        return
    if numbers_rows(header) or is_calculated(header):
        message = (
            text("This column only numbers the rows; it was left out")
            if numbers_rows(header)
            else text("This figure follows from the records and is calculated; the column was not read")
        )
        report.add(Fault(message, text("Nothing needs to be done."), "warning"), value=header, row=sheet.header_row)
        return
    near = nearest(split_unit(key)[0], names) if index < _MOST_GUESSED else []
    if near:
        hint = text("Did you mean {near}?", near=names[near[0]][0].name)
    elif is_general(header):
        hint = text("Say what it means with fudian map; nothing needs to be done if it is not needed.")
    else:
        hint = text("Nothing needs to be done if it is not needed.")
    fault = Fault(text("This column is not known; it was ignored"), hint, "warning")
    report.add(fault, value=header, row=sheet.header_row)


def _understand_column(sheet: Sheet, table: Table, column: Column, where: _Matched | None, words: Words) -> Understood:
    """Understand one column of the table."""
    if where is None:
        blank = pl.Series(column.name, [column.default], dtype=column.polars_type)
        values = blank.new_from_index(0, len(sheet.rows))
        return Understood(column, values, values)
    raw = sheet.columns[where.index]
    if column.kind != "integer":
        raw = fill_merged(raw, sheet.merged, where.index, sheet.rows)
    if column.blank_is_open:
        raw = without_still_off(raw, words.reading)
    if where.scale is None or (where.time_unit is None and column.kind == "time"):
        return Understood(column, raw, nulls(raw, column.polars_type).alias(column.name), unusable=~_is_empty(raw))
    parsed = parse(
        raw, column, where.header, words.codes_of(table, column), where.scale, words.reading, where.time_unit or NO_UNIT
    )
    understood = Understood(column, raw, parsed.values, list(parsed.faults), list(parsed.notes))
    if column.needs_clock:
        look_at_days(understood, words.reading)
    _fill_blanks(understood)
    return understood


def _fill_blanks(understood: Understood) -> None:
    """Give blank cells the default of their column, or say that a value is needed."""
    column, values = understood.column, understood.values
    if not values.null_count() or not (column.required or column.default is not None):
        return
    blank = values.is_null() & ~understood.refused()
    if not blank.any():
        return
    if column.required:
        fault = Fault(
            text("A value is needed here; the row was left out"),
            text("Fill it in: {meaning}.", meaning=text(column.meaning)),
        )
        cells = as_text(understood.raw.filter(blank)).to_list()
        understood.faults += zip(blank.arg_true().to_list(), cells, [fault] * len(cells), strict=True)
    if column.default is not None:
        understood.values = values.set(blank, column.default)


def _settle_ends(
    sheet: Sheet, table: Table, columns: Sequence[Understood], matched: Mapping[str, _Matched], words: Words
) -> None:
    """Find the ends where a blank one would say that it still lasts."""
    start, end = ends_of(columns)
    if start is None or end is None:
        return
    given = matched.get(table.duration.name) if table.duration is not None else None
    lasted = _durations(sheet, given, table, words)
    if "end" not in matched and lasted is None and not _take_second_start(sheet, matched["start"], start, end, words):
        later = _unknown_with_later_times(sheet, table, start, matched, words)
        end.notes.append(NO_END if later is None else end_may_stand_below(later))
        end.unusable = None if later is None else start.values.is_not_null()
        return
    refuse_signs(end)
    take_still_off(end)
    take_durations(start, end, lasted)
    take_named_days(start, end)


def _unknown_with_later_times(
    sheet: Sheet, table: Table, start: Understood, matched: Mapping[str, _Matched], words: Words
) -> str | None:
    """Return the header of a column that nobody knows and that holds times after the start: the end may stand there."""
    known = {match.index for match in matched.values()}
    own = words.headers_of(table)
    for index, header in enumerate(sheet.headers[: len(sheet.columns)]):
        if index in known or not clean(header) or own.get(header_key(header)) == "":
            continue
        cells = sheet.columns[index]
        if cells.dtype != pl.String and not cells.dtype.is_temporal():
            continue
        times = parse_times(cells.head(_PROBED), words.reading, NO_UNIT, text("")).values
        if second_header_is_end(start.values.head(_PROBED), times):
            return clean(header)
    return None


_PROBED = 1000
"""Rows that are looked at to see whether a column holds times."""


def _durations(sheet: Sheet, where: _Matched | None, table: Table, words: Words) -> Understood | None:
    if where is None or table.duration is None:
        return None
    raw = fill_merged(sheet.columns[where.index], sheet.merged, where.index, sheet.rows)
    if where.scale is None:
        return Understood(table.duration, raw, nulls(raw, pl.Duration("us")), unusable=~_is_empty(raw))
    named = where.has_unit or header_key(where.header) == table.duration.name
    parsed = parse_durations(raw, where.scale if named else None, words.reading)
    return Understood(table.duration, raw, parsed.values, list(parsed.faults))


def _take_second_start(sheet: Sheet, where: _Matched, start: Understood, end: Understood, words: Words) -> bool:
    """Take the second of two columns with the header of the start as the end, where it holds nothing but later times."""
    for index in where.again:
        raw = fill_merged(sheet.columns[index], sheet.merged, index, sheet.rows)
        parsed = parse(raw, end.column, where.header, reading=words.reading, time_unit=where.time_unit or NO_UNIT)
        if second_header_is_end(start.values, parsed.values):
            end.raw, end.values, end.faults = raw, parsed.values, list(parsed.faults)
            message = text(
                "The header {header} stands twice; the second column was taken as the end", header=where.header
            )
            end.notes.append(Fault(message, text("Give the columns different names."), "warning"))
            look_at_days(end, words.reading)
            return True
    return False


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
