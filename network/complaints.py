"""Problems told to people: those of one kind are one line, with their number and a few examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from network.problems import Problem
from network.texts import text

EXAMPLES = 3


@dataclass(frozen=True)
class Complaint:
    """Problems of one kind: of one table and column, with one message.

    Attributes:
        problems: one or more, in the order in which they were found.
    """

    problems: tuple[Problem, ...]

    @property
    def severity(self) -> str:
        """``error`` or ``warning``."""
        return self.problems[0].severity

    @property
    def count(self) -> int:
        """How many problems there are."""
        return len(self.problems)

    def line(self, language: str = "en") -> str:
        """Return the complaint as one line: where, what is wrong, how often with examples, what to do."""
        first = self.problems[0]
        if self.count == 1:
            return first.line(language)
        files = {(problem.file, problem.sheet) for problem in self.problems}
        place = first.place() if len(files) == 1 else first.table
        if first.column is not None:
            place += f", {first.column}"
        examples = "; ".join(_example(problem, len(files) > 1, language) for problem in self.problems[:EXAMPLES])
        often = text("{count} times, such as {examples}", count=f"{self.count:,}", examples=examples)
        message, hint = first.message.in_language(language), first.hint.in_language(language)
        return f"{place}: {message}. {often.in_language(language)}. {hint}".strip()


def _example(problem: Problem, name_file: bool, language: str) -> str:
    """Return where one problem stands and its value."""
    place = [problem.place()] if name_file else []
    if problem.row is not None:
        place.append(text("row {row}", row=problem.row).in_language(language))
    elif problem.object_id is not None:
        place.append(problem.object_id)
    shown = ", ".join(place) or problem.table
    return shown if problem.value is None else f"{shown} = {problem.value!r}"


def complaints(problems: Iterable[Problem]) -> list[Complaint]:
    """Put the problems of one kind together.

    Args:
        problems: of one or several tables.

    Returns:
        One complaint for each kind, in the order of the first problem of each.
    """
    kinds: dict[tuple[str, str, str | None, str], list[Problem]] = {}
    for problem in problems:
        kind = (problem.severity, problem.table, problem.column, problem.message.template)
        kinds.setdefault(kind, []).append(problem)
    return [Complaint(tuple(each)) for each in kinds.values()]
