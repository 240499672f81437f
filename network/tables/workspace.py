"""A workspace: a folder of tables and settings, read and checked as a whole."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals as nw
import polars as pl

from network.arrays import Indices
from network.problems import Problem, WorkspaceError
from network.representation import Shown
from network.tables.checks import check_tables, look_through
from network.tables.conventions import ReadingSettings
from network.tables.folder import find_files, table_named, unknown_table
from network.tables.parts import Part, Parts, placed
from network.tables.plain_rows import read_plain
from network.tables.reading import ReadTable, read_file, read_files, read_frame
from network.tables.recognition import how_to_read
from network.tables.schema import TABLES
from network.tables.veil import veiled
from network.tables.words import SETTINGS_FILE, Words, settings_problem, words_of
from network.texts import text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

FrameOrRows: TypeAlias = "pl.DataFrame | pd.DataFrame | pa.Table | Sequence[Mapping[str, Any]]"
"""A frame of Polars, pandas or Arrow, or a list of dictionaries."""


@dataclass(frozen=True, repr=False)
class Workspace(Shown):
    """Tables that were read and checked, and what is wrong with them.

    Attributes:
        folder: where the files are; ``None`` for tables in memory.
        tables: every table of the schema by name, typed, with the usable rows only; an absent one is empty.
        files: table to file name, for those that are present; several names with commas between.
        settings: ``fudian.toml`` as parsed; empty where there is none.
        problems: all that is wrong, in order of tables.
        parts: the files and sheets that each table was put together from.
        places: for columns ``table.column`` whose references the check looked up, the row of each in the table it
            names, -1 where there is none.
        aside: places of records, by ``row``, that no network knows, so that the users of the records count; ``None`` of none.
    """

    folder: Path | None
    tables: Mapping[str, pl.DataFrame]
    files: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    places: Mapping[str, Indices] = field(default_factory=dict, repr=False, compare=False)
    parts: Parts = field(default_factory=dict, repr=False)
    aside: pl.DataFrame | None = field(default=None, repr=False, compare=False)

    @property
    def reading(self) -> ReadingSettings:
        """How times are written in this workspace."""
        return self._words.reading

    @cached_property
    def _words(self) -> Words:
        """The utility's own words, understood once."""
        return words_of(self.settings)[0]

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: dict(value) if isinstance(value, MappingProxyType) else value for name, value in vars(self).items()
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        read_only = {name: MappingProxyType(state[name]) for name in ("tables", "files")}
        vars(self).update(state | read_only)

    def _line(self) -> str:
        folder = self.folder.name if self.folder else "in memory"
        return f"Workspace {folder}: {len(self.files)} tables, {len(self.errors)} errors, {len(self.warnings)} warnings"

    def _table(self) -> pl.DataFrame:
        return pl.DataFrame({"table": list(self.files), "rows": [self.tables[table].height for table in self.files]})

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems by which rows or values were left out."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that left everything in place."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    def problems_of(self, table: str, severity: str | None = None) -> tuple[Problem, ...]:
        """Return the problems of one table, of one severity or of both."""
        return tuple(
            problem for problem in self.problems if problem.table == table and severity in {None, problem.severity}
        )

    def check(self, language: str = "en") -> dict[str, Any]:
        """Return what ``fudian check`` shows: errors, warnings, and the usable rows of each table that is present.

        Args:
            language: ``en`` or ``zh``, for messages and hints.
        """
        return {
            "errors": [problem.as_dict(language) for problem in self.errors],
            "warnings": [problem.as_dict(language) for problem in self.warnings],
            "counts": {name: self.tables[name].height for name in TABLES if name in self.files},
        }

    def read(self, table: str, source: Path | FrameOrRows) -> tuple[pl.DataFrame, tuple[Problem, ...]]:
        """Read a file or rows as one table by the rules of this workspace, without a look at the other tables.

        Args:
            table: name of the table.
            source: a file, a frame, or a list of dictionaries.

        Returns:
            The rows that can be read, and the problems of the others.

        Raises:
            WorkspaceError: the file does not exist.
        """
        read = self._read(table, source)
        return read.frame, veiled(read.problems)

    def with_file(self, table: str, path: str | Path) -> Workspace:
        """Return the workspace with one table read from another file, checked against the other tables.

        Args:
            table: name of the table.
            path: the file; its name does not matter.

        Raises:
            WorkspaceError: the file does not exist.
        """
        return self.with_table(table, Path(path))

    def with_table(self, table: str, source: str | Path | FrameOrRows) -> Workspace:
        """Return the workspace with one table from elsewhere, checked against the other tables.

        Args:
            table: name of the table.
            source: a file, whatever its name, a frame, or a list of dictionaries.

        Raises:
            WorkspaceError: the file does not exist.
        """
        read = self._read(table, source)
        files = {**self.files, table: read.file or table}
        parts = {**self.parts, table: read.parts}
        given, zone = {**self.tables, table: read.frame}, self.reading.time_zone
        tables, found = check_tables(given, files, present=files, only=[table], zone=zone)
        others = [problem for problem in self.problems if problem.table != table]
        return replace(
            self,
            tables=MappingProxyType(tables),
            files=MappingProxyType(files),
            problems=(*others, *veiled((*read.problems, *placed(found, parts)))),
            places={},
            parts=MappingProxyType(parts),
        )

    def _read(self, table: str, source: str | Path | FrameOrRows) -> ReadTable:
        words = self._words
        if isinstance(source, list) and not words.codes and not words.headers_of(TABLES[table]):
            plain = read_plain(source, TABLES[table])
            if plain is not None:
                return ReadTable(plain, (), "")
        if not isinstance(source, str | Path):
            frame, problems = read_frame(_as_frame(source), TABLES[table], words)
            return ReadTable(frame, problems, "")
        if not Path(source).is_file():
            raise WorkspaceError(text("There is no file {path}.", path=str(source)), ())
        return read_file(Path(source), TABLES[table], words)


def read_workspace(folder: str | Path, progress: Callable[[str], None] | None = None) -> Workspace:
    """Read the tables and settings of a folder and check them.

    Args:
        folder: holds ``<table>.parquet``, ``.csv``, ``.xlsx`` or another form, under English or Chinese names, whole or in
            parts such as ``outages_1月.csv``, and perhaps ``fudian.toml``.
        progress: told the name of each file before it is read.

    Returns:
        The workspace; whatever is wrong inside the files stands in its problems.

    Raises:
        WorkspaceError: the folder does not exist, or holds no table at all.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WorkspaceError(
            text("There is no folder {folder}.", folder=str(folder)),
            (),
            text("Give the folder that holds the tables of the workspace."),
        )
    settings, problems = read_settings(folder)
    words, wrong = words_of(settings)
    found = find_files(folder, words.files)
    problems += [*wrong, *found.problems]
    if not found.tables:
        names = ", ".join(f"{name}.csv" for name in list(TABLES)[:7])
        advice = how_to_read(folder)  # files of another program need no word each
        raise WorkspaceError(
            text("The folder {folder} holds no table.", folder=str(folder)),
            problems if advice is None else [],
            text("Expected are files such as {names}.", names=names) if advice is None else advice,
        )
    tables = {name: table.empty() for name, table in TABLES.items()}
    files: dict[str, str] = {}
    parts: dict[str, Sequence[Part]] = {}
    for name, paths in found.tables.items():
        files[name] = ", ".join(path.name for path in paths)
        if progress is not None:
            progress(files[name])
        read = read_files(_that_can_be_opened(name, paths, problems), TABLES[name], words)
        tables[name], parts[name] = read.frame, read.parts
        problems += read.problems
    return _checked_workspace(folder, tables, files, settings, problems, parts)


def _that_can_be_opened(table: str, paths: Sequence[Path], problems: list[Problem]) -> list[Path]:
    """Return the files that can be opened, and report the others."""
    opened: list[Path] = []
    for path in paths:
        try:
            with path.open("rb"):
                opened.append(path)
        except OSError as reason:
            problems.append(_unopened(table, path, reason))
    return opened


def workspace(tables: Mapping[str, FrameOrRows], settings: Mapping[str, Any] | None = None) -> Workspace:
    """Build a workspace from tables in memory, by the same rules as from files.

    Args:
        tables: table name to a frame of Polars, pandas or Arrow, or a list of dictionaries; headers, text and codes as in files.
        settings: what ``fudian.toml`` would hold.

    Returns:
        The workspace, without a folder. Rows are counted as in a file with a header: the first is row 2.
    """
    settings = dict(settings or {})
    words, problems = words_of(settings)
    result = {name: table.empty() for name, table in TABLES.items()}
    files: dict[str, str] = {}
    for given, rows in tables.items():
        name = table_named(given)
        if name is None:
            problems.append(unknown_table(given))
            continue
        result[name], found = read_frame(_as_frame(rows), TABLES[name], words)
        files[name] = given
        problems += found
    return _checked_workspace(None, result, files, settings, problems)


def _checked_workspace(
    folder: Path | None,
    tables: Mapping[str, pl.DataFrame],
    files: Mapping[str, str],
    settings: Mapping[str, Any],
    problems: Iterable[Problem],
    parts: Parts | None = None,
) -> Workspace:
    reading = words_of(settings)[0].reading
    named = files if folder is not None else None
    checked = look_through(tables, named, present=files, now=reading.now(), parts=parts, zone=reading.time_zone)
    return Workspace(
        folder,
        MappingProxyType(checked.tables),
        MappingProxyType(dict(files)),
        settings,
        veiled((*problems, *placed(checked.problems, parts or {}))),
        MappingProxyType(checked.places),
        MappingProxyType(dict(parts or {})),
        checked.aside,
    )


# -- files -------------------------------------------------------------------------------------------------------------


def _unopened(name: str, path: Path, reason: OSError) -> Problem:
    message = text("The file cannot be opened: {reason}", reason=reason.strerror or str(reason))
    return Problem("error", name, message, text("Close it in other programs, and check who may read it."), path.name)


# -- settings ----------------------------------------------------------------------------------------------------------


def read_settings(folder: Path) -> tuple[dict[str, Any], list[Problem]]:
    """Return what ``fudian.toml`` of a folder says, and what keeps it from being read."""
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return {}, []
    try:
        settings = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        hint = text("Save the file as UTF-8.")
        return {}, [settings_problem(text("The settings are not in UTF-8 and were not read"), hint)]
    except tomllib.TOMLDecodeError as reason:
        place = re.search(r"line (\d+)", str(reason))
        message = text("The settings cannot be read: {reason}", reason=str(reason))
        hint = text("Correct the line; texts stand in quotes. No setting was applied.")
        return {}, [replace(settings_problem(message, hint), row=int(place[1]) if place else None)]
    except RecursionError:
        message = text("The settings are nested too deep and were not read")
        return {}, [settings_problem(message, text("Write sections and values as the guide shows them."))]
    except OSError as reason:
        return {}, [_unopened("settings", path, reason)]
    return settings, []


# -- frames ------------------------------------------------------------------------------------------------------------


def _as_frame(rows: FrameOrRows) -> pl.DataFrame:
    """Return a Polars frame of anything that may be given as a table; no value is changed or lost."""
    if isinstance(rows, pl.DataFrame):
        return rows
    if nw.dependencies.is_pyarrow_table(rows):
        return pl.DataFrame(rows)
    if isinstance(rows, Sequence):
        names = list(dict.fromkeys(name for row in rows for name in row))
        by_name = {_whole(str(name)): [row.get(name) for row in rows] for name in names}
        return pl.DataFrame([_as_series(name, values) for name, values in by_name.items()])
    columns = []
    for name in rows.columns:
        try:
            columns.append(pl.Series(str(name), rows[name]))
        except (TypeError, ValueError, pl.exceptions.PolarsError):
            columns.append(_as_series(str(name), rows[name].tolist()))
    return pl.DataFrame(columns)


def _as_series(name: str, values: Sequence[Any]) -> pl.Series:
    if any(isinstance(value, datetime) and value.tzinfo is not None for value in values):
        values = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if value is None else _whole(str(value)) for value in values], dtype=pl.String)


def _whole(given: str) -> str:
    """Return a text in which half a character, which no table can hold, is a question mark."""
    return given.encode("utf-8", errors="replace").decode()
