"""A utility's own words, said once in ``fudian.toml``.

``[headers]`` gives each header a column, ``[codes]`` each word of a column a code, ``[files]`` each file a table, and
``[reading]`` the rules that no file states of itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from network.nearest import nearest
from network.problems import Problem, WorkspaceError
from network.tables.conventions import ReadingSettings
from network.tables.headers import header_key
from network.tables.schema import TABLES
from network.tables.table_form import Column, Table
from network.tables.values import is_code
from network.texts import Text, text

SETTINGS_FILE = "fudian.toml"


@dataclass(frozen=True)
class Words:
    """What a utility says of its own files.

    Attributes:
        codes: column (or ``table.column``) to text in the file to code.
        headers: key of a header (or ``table.key``) to the name of a column; an empty name says that the header is not needed.
        files: name of a file, with ``*`` for any letters, to the name of a table; an empty name says that it is not needed.
        reading: how times and durations are written.
    """

    codes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    reading: ReadingSettings = field(default_factory=ReadingSettings)

    def codes_of(self, table: Table, column: Column) -> Mapping[str, object] | None:
        """Return the code map of a column."""
        return self.codes.get(f"{table.name}.{column.name}", self.codes.get(column.name))

    def headers_of(self, table: Table) -> dict[str, str]:
        """Return the own headers of a table: key to the name of a column, empty where the header is not needed."""
        known = {"", *columns_of(table)}
        general = {key: name for key, name in self.headers.items() if "." not in key and name in known}
        own = f"{table.name}."
        return general | {key.removeprefix(own): name for key, name in self.headers.items() if key.startswith(own)}


def words_of(settings: Mapping[str, Any]) -> tuple[Words, list[Problem]]:
    """Return the own words of ``fudian.toml``, and what is wrong with them.

    Args:
        settings: the whole file.
    """
    codes = _section(settings, "codes")
    headers, wrong_headers = _headers(_section(settings, "headers"))
    files, wrong_files = _files(_section(settings, "files"))
    problems = [*_not_sections(settings), *_check_codes(codes), *wrong_headers, *wrong_files]
    try:
        reading = ReadingSettings.of(settings)
    except WorkspaceError as wrong:
        reading, problems = ReadingSettings(), [*problems, *wrong.problems]
    maps = {name: words for name, words in codes.items() if isinstance(words, Mapping)}
    return Words(maps, headers, files, reading), problems


def settings_problem(message: Text, hint: Text, column: str | None = None, value: str | None = None) -> Problem:
    """Return an error in ``fudian.toml``."""
    return Problem("error", "settings", message, hint, SETTINGS_FILE, None, column, value)


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = settings.get(name, {})
    return section if isinstance(section, Mapping) else {}


def _not_sections(settings: Mapping[str, Any]) -> list[Problem]:
    hints = {
        "codes": text('Write [codes.public], then lines such as "1" = true.'),
        "headers": text('Write [headers.outages], then lines such as "影响户数" = "users".'),
        "files": text('Write [files], then lines such as "停电明细*.xlsx" = "outages".'),
    }
    return [
        settings_problem(text("{name} is a section", name=name), hint, name)
        for name, hint in hints.items()
        if not isinstance(settings.get(name, {}), Mapping)
    ]


def _near(given: str, known: Iterable[str]) -> Text:
    names = list(known)
    near = nearest(given, names)
    return text("Did you mean {near}?", near=near[0]) if near else text("Use one of {names}.", names=", ".join(names))


def _headers(section: Mapping[str, Any]) -> tuple[dict[str, str], list[Problem]]:
    """Return the own headers, by key or ``table.key``."""
    everywhere = sorted({name for table in TABLES.values() for name in columns_of(table)})
    headers: dict[str, str] = {}
    problems: list[Problem] = []

    def take(prefix: str, header: str, meaning: object, known: Sequence[str]) -> None:
        pairs = list(_either_way(header, meaning, known))
        for each, name in pairs:
            headers[f"{prefix}.{header_key(each)}" if prefix else header_key(each)] = name
        if not pairs:
            message = text("This is not a column that the header can mean")
            place = ".".join(part for part in ("headers", prefix, header) if part)
            problems.append(settings_problem(message, _near(str(meaning), sorted(known)), place, str(meaning)))

    for name, meaning in section.items():
        if not isinstance(meaning, Mapping):
            take("", name, meaning, everywhere)
        elif name in TABLES:
            for header, column in meaning.items():
                take(name, header, column, columns_of(TABLES[name]))
        else:
            message = text("This is not a table of a workspace")
            problems.append(settings_problem(message, _near(name, TABLES), f"headers.{name}"))
    return headers, problems


def _either_way(header: str, meaning: object, known: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give headers and columns of one line, whichever of the two stands first: ``"户数" = "users"`` or ``users = ["户数"]``."""
    if isinstance(meaning, str) and (not meaning or meaning in known):
        yield header, meaning
    elif header in known:
        given = meaning if isinstance(meaning, list) else [meaning]
        if all(isinstance(each, str) and each for each in given):
            yield from ((str(each), header) for each in given)


def columns_of(table: Table) -> list[str]:
    """Return the names of the columns that a header of a table may mean."""
    return [*table.names, *([table.duration.name] if table.duration is not None else [])]


def _files(section: Mapping[str, Any]) -> tuple[dict[str, str], list[Problem]]:
    files = {name: table for name, table in section.items() if isinstance(table, str) and table in {"", *TABLES}}
    message = text("This is not a table of a workspace")
    return files, [
        settings_problem(message, _near(str(table), TABLES), f"files.{name}", str(table))
        for name, table in section.items()
        if name not in files
    ]


def _check_codes(codes: Mapping[str, Any]) -> list[Problem]:
    """Check that every code map belongs to a column and gives codes that the column has."""
    columns = _coded_columns()
    problems: list[Problem] = []
    for name, words in codes.items():
        if name not in columns or not isinstance(words, Mapping):
            message = text("No column with codes has this name")
            problems.append(settings_problem(message, _near(name, columns), f"codes.{name}"))
            continue
        hint = text("Use one of {codes}.", codes=", ".join(columns[name].codes or ("true", "false")))
        problems += [
            settings_problem(text("This is not a code of the column"), hint, f"codes.{name}.{word}", str(meaning))
            for word, meaning in words.items()
            if not is_code(meaning, columns[name])
        ]
    return problems


def _coded_columns() -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for table in TABLES.values():
        for column in table.columns:
            if column.kind in {"code", "boolean"}:
                columns[f"{table.name}.{column.name}"] = column
                columns.setdefault(column.name, column)
    return columns
