"""The parts of a table: the files and sheets that were put together, and where in them each row stands."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from network.problems import Problem


@dataclass(frozen=True)
class Part:
    """One file or sheet of a table.

    Attributes:
        start: what was added to the rows of this part, so that no two rows of the table have the same number.
        file: name of the file.
        sheet: name of the sheet, where its file has several.
    """

    start: int
    file: str
    sheet: str | None = None


Parts: TypeAlias = Mapping[str, Sequence[Part]]
"""The parts of each table that has several, by the name of the table."""


def placed(problems: Iterable[Problem], parts: Parts) -> list[Problem]:
    """Say of problems with rows of whole tables in which file, sheet and row of it they stand.

    Args:
        problems: each with the row of its table, as the column ``row`` counts it.
        parts: the parts of the tables.
    """
    return [_placed(problem, parts.get(problem.table, ())) for problem in problems]


def row_of(row: int, parts: Sequence[Part]) -> str:
    """Return a row of a table as a person finds it: with its file and sheet where the table has several parts."""
    if len(parts) < 2:
        return str(row)
    part = _part_of(row, parts)
    return f"{row - part.start} ({part.file}{f' [{part.sheet}]' if part.sheet else ''})"


def _part_of(row: int, parts: Sequence[Part]) -> Part:
    return parts[max(bisect_left([part.start for part in parts], row) - 1, 0)]


def _placed(problem: Problem, parts: Sequence[Part]) -> Problem:
    if problem.row is None or not parts:
        return problem
    part = _part_of(problem.row, parts)
    return replace(problem, file=part.file, sheet=part.sheet, row=problem.row - part.start)
