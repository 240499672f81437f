"""A workspace: a folder of tables and settings, read and checked as a whole."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from network.arrays import Indices
from network.nearest import nearest
from network.problems import Problem, WorkspaceError
from network.representation import Shown
from network.tables.checks import check_tables, look_through
from network.tables.reading import read_file, read_frame
from network.tables.schema import TABLES, Column, Table
from network.tables.values import clean, is_code
from network.texts import Text, text

if TYPE_CHECKING:
    import pandas as pd

SETTINGS_FILE = "fudian.toml"
SUFFIXES = (".parquet", ".csv", ".xlsx", ".xls")
"""Forms of a table, in the order in which they are looked for."""

FrameOrRows: TypeAlias = "pl.DataFrame | pd.DataFrame | Sequence[Mapping[str, Any]]"


@dataclass(frozen=True, repr=False)
class Workspace(Shown):
    """Tables that were read and checked, and what is wrong with them.

    Attributes:
        folder: where the files are; ``None`` for tables in memory.
        tables: every table of the schema by name, typed, with the usable rows only; an absent one is empty.
        files: table to file name, for those that are present.
        settings: ``fudian.toml`` as parsed; empty where there is none.
        problems: all that is wrong, in order of tables.
        places: for columns ``table.column`` whose references the check looked up, the row of each in the table it
            names, -1 where there is none.
    """

    folder: Path | None
    tables: Mapping[str, pl.DataFrame]
    files: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    places: Mapping[str, Indices] = field(default_factory=dict, repr=False, compare=False)

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
        codes = _code_maps(self.settings)
        if not isinstance(source, Path):
            return read_frame(_as_frame(source), TABLES[table], codes)
        if not source.is_file():
            raise WorkspaceError(text("There is no file {path}.", path=str(source)), ())
        read = read_file(source, TABLES[table], codes)
        return read.frame, read.problems

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
        from_file = isinstance(source, str | Path)
        frame, problems = self.read(table, Path(source) if from_file else source)  # type: ignore[arg-type]
        files = {**self.files, table: Path(source).name if from_file else table}  # type: ignore[arg-type]
        tables, found = check_tables({**self.tables, table: frame}, files, present=files, only=[table])
        others = [problem for problem in self.problems if problem.table != table]
        return replace(
            self,
            tables=MappingProxyType(tables),
            files=MappingProxyType(files),
            problems=(*others, *problems, *found),
            places={},
        )


def read_workspace(folder: str | Path, progress: Callable[[str], None] | None = None) -> Workspace:
    """Read the tables and settings of a folder and check them.

    Args:
        folder: holds ``<table>.parquet``, ``.csv``, ``.xlsx`` or ``.xls``, under English or Chinese names, and perhaps
            ``fudian.toml``.
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
    settings, problems = _read_settings(folder)
    paths, found = _find_files(folder)
    problems += found
    if not paths:
        raise WorkspaceError(
            text("The folder {folder} holds no table.", folder=str(folder)),
            problems,
            text("Expected are files such as {names}.", names=", ".join(f"{name}.csv" for name in list(TABLES)[:7])),
        )
    codes = _code_maps(settings)
    tables = {name: table.empty() for name, table in TABLES.items()}
    files: dict[str, str] = {}
    for name, path in paths.items():
        if progress is not None:
            progress(path.name)
        files[name] = path.name
        try:
            read = read_file(path, TABLES[name], codes)
        except OSError as reason:
            problems.append(_unopened(name, path, reason))
            continue
        tables[name] = read.frame
        problems += read.problems
    return _checked_workspace(folder, tables, files, settings, problems)


def workspace(tables: Mapping[str, FrameOrRows], settings: Mapping[str, Any] | None = None) -> Workspace:
    """Build a workspace from tables in memory, by the same rules as from files.

    Args:
        tables: table name to a Polars or pandas frame, or a list of dictionaries; headers, text and codes as in files.
        settings: what ``fudian.toml`` would hold.

    Returns:
        The workspace, without a folder. Rows are counted as in a file with a header: the first is row 2.
    """
    settings = dict(settings or {})
    problems = _check_settings(settings)
    codes = _code_maps(settings)
    result = {name: table.empty() for name, table in TABLES.items()}
    files: dict[str, str] = {}
    for given, rows in tables.items():
        name = _table_named(given)
        if name is None:
            problems.append(_unknown_table(given))
            continue
        result[name], found = read_frame(_as_frame(rows), TABLES[name], codes)
        files[name] = given
        problems += found
    return _checked_workspace(None, result, files, settings, problems)


def _checked_workspace(
    folder: Path | None,
    tables: Mapping[str, pl.DataFrame],
    files: Mapping[str, str],
    settings: Mapping[str, Any],
    problems: Iterable[Problem],
) -> Workspace:
    checked = look_through(tables, files if folder is not None else None, present=files)
    return Workspace(
        folder,
        MappingProxyType(checked.tables),
        MappingProxyType(dict(files)),
        settings,
        (*problems, *checked.problems),
        MappingProxyType(checked.places),
    )


# -- files -------------------------------------------------------------------------------------------------------------


def _table_named(stem: str) -> str | None:
    """Return the table that a file name without its suffix means."""
    wanted = clean(stem).lower()
    for name, table in TABLES.items():
        if wanted in {name, clean(table.chinese).lower(), *(clean(alias).lower() for alias in table.aliases)}:
            return name
    return None


def _find_files(folder: Path) -> tuple[dict[str, Path], list[Problem]]:
    """Return the file of each table that is present, in the order of the schema, and what is odd about the files."""
    candidates: dict[str, list[Path]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "~$")) or path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        name = _table_named(path.stem)
        if name is None:
            problems.append(_unknown_table(path.stem, path.name))
        else:
            candidates.setdefault(name, []).append(path)
    paths: dict[str, Path] = {}
    for name in TABLES:
        if name not in candidates:
            continue
        ranked = sorted(
            candidates[name],
            key=lambda path: (SUFFIXES.index(path.suffix.lower()), path.stem.lower() != name, path.name),
        )
        paths[name] = ranked[0]
        if len(ranked) > 1:
            others = ", ".join(path.name for path in ranked[1:])
            message = text(
                "Several files hold this table: {taken} was read, {others} was not", taken=ranked[0].name, others=others
            )
            problems.append(
                Problem("warning", name, message, text("Remove those that are out of date."), ranked[0].name)
            )
    return paths, problems


def _unknown_table(given: str, file: str | None = None) -> Problem:
    names = {name.lower(): name for table in TABLES.values() for name in (table.name, table.chinese, *table.aliases)}
    near = nearest(clean(given), names)
    hint = (
        text("Did you mean {near}?", near=names[near[0]])
        if near
        else text("Nothing needs to be done if it is not needed.")
    )
    return Problem("warning", given, text("This is not a table of a workspace; it was not read"), hint, file)


def _unopened(name: str, path: Path, reason: OSError) -> Problem:
    message = text("The file cannot be opened: {reason}", reason=reason.strerror or str(reason))
    return Problem("error", name, message, text("Close it in other programs, and check who may read it."), path.name)


# -- settings ----------------------------------------------------------------------------------------------------------


def _read_settings(folder: Path) -> tuple[dict[str, Any], list[Problem]]:
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return {}, []
    try:
        settings = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        hint = text("Save the file as UTF-8.")
        return {}, [_settings_problem(text("The settings are not in UTF-8 and were not read"), hint)]
    except tomllib.TOMLDecodeError as reason:
        place = re.search(r"line (\d+)", str(reason))
        message = text("The settings cannot be read: {reason}", reason=str(reason))
        hint = text("Correct the line; texts stand in quotes. No setting was applied.")
        return {}, [replace(_settings_problem(message, hint), row=int(place[1]) if place else None)]
    except OSError as reason:
        return {}, [_unopened("settings", path, reason)]
    return settings, _check_settings(settings)


def _settings_problem(message: Text, hint: Text, column: str | None = None, value: str | None = None) -> Problem:
    return Problem("error", "settings", message, hint, SETTINGS_FILE, None, column, value)


def _code_maps(settings: Mapping[str, Any]) -> dict[str, Mapping[str, object]]:
    """Return the code maps of the settings by ``column`` or ``table.column``."""
    codes = settings.get("codes", {})
    return (
        {name: words for name, words in codes.items() if isinstance(words, Mapping)}
        if isinstance(codes, Mapping)
        else {}
    )


def _check_settings(settings: Mapping[str, Any]) -> list[Problem]:
    """Check that every code map belongs to a column and gives codes that the column has."""
    codes = settings.get("codes", {})
    if not isinstance(codes, Mapping):
        return [
            _settings_problem(
                text("codes is a section"), text('Write [codes.public], then lines such as "1" = true.'), "codes"
            )
        ]
    columns: dict[str, Column] = {}
    for table, column in _coded_columns():
        columns[f"{table.name}.{column.name}"] = column
        columns.setdefault(column.name, column)
    problems: list[Problem] = []
    for name, words in codes.items():
        if name not in columns or not isinstance(words, Mapping):
            near = nearest(name, columns)
            hint = (
                text("Did you mean {near}?", near=near[0])
                if near
                else text("Use one of {names}.", names=", ".join(columns))
            )
            problems.append(_settings_problem(text("No column with codes has this name"), hint, f"codes.{name}"))
            continue
        for word, meaning in words.items():
            if not is_code(meaning, columns[name]):
                known = ", ".join(columns[name].codes or ("true", "false"))
                hint = text("Use one of {codes}.", codes=known)
                problems.append(
                    _settings_problem(
                        text("This is not a code of the column"), hint, f"codes.{name}.{word}", str(meaning)
                    )
                )
    return problems


def _coded_columns() -> Iterable[tuple[Table, Column]]:
    for table in TABLES.values():
        for column in table.columns:
            if column.kind in {"code", "boolean"}:
                yield table, column


# -- frames ------------------------------------------------------------------------------------------------------------


def _as_frame(rows: FrameOrRows) -> pl.DataFrame:
    """Return a Polars frame of anything that may be given as a table; no value is changed or lost."""
    if isinstance(rows, pl.DataFrame):
        return rows
    if isinstance(rows, Sequence):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return pl.DataFrame([_as_series(str(name), [row.get(name) for row in rows]) for name in names])
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
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)
