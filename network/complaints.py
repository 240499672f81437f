"""Problems told to people: those of one kind are one line, with their number and a few examples."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from string import Formatter

from network.problems import Problem
from network.texts import Text, text

EXAMPLES = 3


@dataclass(frozen=True)
class Complaint:
    """Problems of one kind: of one table and column, with one message and one remedy.

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
        varying = _varying(self.problems, lambda problem: problem.message)
        named = len(files) > 1
        examples = "; ".join(_example(problem, named, varying, language) for problem in self.problems[:EXAMPLES])
        often = text("{count} times, such as {examples}", count=f"{self.count:,}", examples=examples)
        return text(
            "{place}: {message}. {often}. {hint}", place=place, message=_without(first.message, varying), often=often,
            hint=_without(first.hint, _varying(self.problems, lambda problem: problem.hint)),
        ).in_language(language).strip()  # fmt: skip


class _Each:
    """Stands for what is another value in each problem of a kind."""

    def __repr__(self) -> str:
        return "…"

    def __format__(self, _: str) -> str:
        return "…"


def _varying(problems: Sequence[Problem], said: Callable[[Problem], Text]) -> list[str]:
    """Return the places of a sentence that are not filled by the same value in all problems of a kind."""
    first = said(problems[0]).values
    return [name for name in first if any(said(problem).values[name] != first[name] for problem in problems)]


def _without(sentence: Text, varying: Collection[str]) -> Text:
    return Text(sentence.template, {**sentence.values, **dict.fromkeys(varying, _Each())})


def _example(problem: Problem, name_file: bool, varying: Collection[str], language: str) -> str:
    """Return where one problem stands, its value, and what its message says otherwise than those of its kind."""
    place = [problem.place()] if name_file else []
    if problem.row is not None:
        place.append(text("row {row}", row=problem.row).in_language(language))
    elif problem.object_id is not None:
        place.append(problem.object_id)
    shown = ", ".join(place) or problem.table
    if problem.value is not None:
        shown += f" = {problem.value!r}"
    own = [each for each in _filled(problem.message, varying, language) if each not in {problem.value, problem.sheet}]
    return f"{shown} (… {', '.join(own)})" if own else shown


def _filled(sentence: Text, places: Collection[str], language: str) -> list[str]:
    """Return what fills some places of a sentence, each written as the sentence writes it."""
    return [
        Text(f"{{{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}}}", sentence.values)
        .in_language(language)
        for _, name, form, conversion in Formatter().parse(sentence.template)
        if name in places
    ]  # fmt: skip


def complaints(problems: Iterable[Problem]) -> list[Complaint]:
    """Put the problems of one kind together.

    Args:
        problems: of one or several tables.

    Returns:
        One complaint for each kind, in the order of the first problem of each.
    """
    kinds: dict[tuple[str, str, str | None, str, str], list[Problem]] = {}
    for problem in problems:
        kind = (problem.severity, problem.table, problem.column, problem.message.template, problem.hint.template)
        kinds.setdefault(kind, []).append(problem)
    return [Complaint(tuple(each)) for each in kinds.values()]
