"""Problems as data: what is wrong, where it stands, and what to do about it.

::

    FudianError
    ├── WorkspaceError      the answer cannot be given: carries the problems that prevent it
    ├── UnknownIdError      a branch, transformer or feeder that the network does not have
    ├── OneLineError        a network written as text cannot be read: line, column, value
    └── MissingExtraError   an optional package is absent: names the install line
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from network.nearest import nearest
from network.texts import Text, text


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the data.

    Attributes:
        severity: ``error`` (the row or value was left out) or ``warning`` (kept, but look at it).
        table: name of the table.
        message: what is wrong.
        hint: what to do about it.
        file: file name inside the workspace, where the problem comes from a file.
        row: row in that file as a spreadsheet counts it (the header is row 1), or ``None`` for the whole table.
        column: name of the column in English.
        value: the offending value as it stands in the file.
        object_id: the id of the branch, transformer, customer or outage meant, where it has one.
        sheet: sheet of the workbook, where it has several.
    """

    severity: str
    table: str
    message: Text
    hint: Text
    file: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None
    object_id: str | None = None
    sheet: str | None = None

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the problem for commands and routes: table, row, column, value, message, hint, and file, sheet, object_id."""
        return {
            "table": self.table,
            "file": self.file,
            "sheet": self.sheet,
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "object_id": self.object_id,
            "message": self.message.in_language(language),
            "hint": self.hint.in_language(language),
        }

    def place(self) -> str:
        """Return the file and sheet of the problem, or its table."""
        return (self.file or self.table) + (f" [{self.sheet}]" if self.sheet is not None else "")

    def line(self, language: str = "en") -> str:
        """Return the problem as one line: file, row, column, value, what is wrong, what to do."""
        place = self.place()
        if self.row is not None:
            place += text(", row {row}", row=self.row).in_language(language)
        if self.column is not None:
            place += f", {self.column}"
        if self.value is not None:
            place += f" = {self.value!r}"
        return (
            text("{place}: {message}. {hint}", place=place, message=self.message, hint=self.hint)
            .in_language(language)
            .strip()
        )


class FudianError(Exception):
    """Anything that Fudian refuses to do, said in one sentence with its remedy."""

    def __init__(self, message: Text, hint: Text | None = None) -> None:
        super().__init__(str(message) + (f" {hint}" if hint else ""))
        self.message = message
        self.hint = hint

    def in_language(self, language: str = "en") -> str:
        """Return message and hint in ``zh`` or ``en``."""
        return " ".join(part.in_language(language) for part in (self.message, self.hint) if part)


class WorkspaceError(FudianError):
    """The data has errors that prevent the answer."""

    def __init__(self, message: Text, problems: Iterable[Problem], hint: Text | None = None) -> None:
        super().__init__(message, hint)
        self.problems: Sequence[Problem] = tuple(problems)


class UnknownIdError(FudianError):
    """An id that the network does not have, with the nearest ones that it has."""

    def __init__(self, kind: str, unknown: str, known: Iterable[str]) -> None:
        near = nearest(unknown, known, 3)
        hint = text("Did you mean {near}?", near=", ".join(near)) if near else text("Look at the ids in the table.")
        super().__init__(text("There is no {kind} {id!r} in the network.", kind=text(kind), id=unknown), hint)
        self.kind = kind
        self.unknown = unknown
        self.near = near


class OneLineError(FudianError):
    """A network written as one-line text cannot be read at one place; line and column count from 1."""

    def __init__(self, line: int, column: int, value: str, hint: Text) -> None:
        message = text("Line {line}, column {column}: {value!r} cannot be read.", line=line, column=column, value=value)
        super().__init__(message, hint)
        self.line = line
        self.column = column
        self.value = value


class MissingExtraError(FudianError):
    """An optional package is absent."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            text("This needs the package {package}, which is not installed.", package=package),
            text("Install it with: pip install 'fudian[{extra}]'", extra=extra),
        )
        self.extra = extra
