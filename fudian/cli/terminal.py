"""Answers on a terminal: rows as a table, one JSON object, messages on standard error, in the language of the user.

Standard output carries the answer and nothing else; what people should know besides goes to standard error.
"""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from fudian.language import default_language
from network.complaints import complaints
from network.problems import Problem
from network.tables.conventions import WallTime
from network.tables.writing import header
from network.texts import shown, translate

ERRORS = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
"""Where messages go."""

language = default_language
"""The language of texts for people."""

_SHOWN_PROBLEMS = 20
_MOST_ROWS, _MOST_IN_CELL = 200, 50


@contextmanager
def working(message: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done."""
    if not ERRORS.is_terminal:
        yield lambda _: None
        return
    with ERRORS.status(translate(message, language())) as status:
        yield status.update


@contextmanager
def counting(message: str) -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how much of long work is done; the callback takes what is done and what there is in all."""
    if not ERRORS.is_terminal:
        yield lambda *_: None
        return
    from rich.progress import Progress

    with Progress(console=ERRORS, transient=True) as bar:
        task = bar.add_task(translate(message, language()), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def tell(sentence: str, style: str | None = None, **values: object) -> None:
    """Say a sentence of the catalogue on standard error, with its named places filled."""
    ERRORS.print(translate(sentence, language(), **values), style=style)


def tell_left_out(problems: Sequence[Problem]) -> None:
    """Say how many errors left something out, where there are any."""
    if problems:
        tell("Errors in the data: {count}; fudian check lists them.", style="yellow", count=len(problems))


def tell_problems(problems: Sequence[Problem]) -> None:
    """List the problems, those of one kind in one line, and say how many more kinds there are."""
    kinds = complaints(problems)
    for complaint in kinds[:_SHOWN_PROBLEMS]:
        ERRORS.print(complaint.line(language()), style="yellow")
    if len(kinds) > _SHOWN_PROBLEMS:
        tell("… and {count} more.", style="yellow", count=len(kinds) - _SHOWN_PROBLEMS)


@dataclass
class _Answer:
    """Whether this command has printed its one JSON object."""

    is_given: bool = False


_answer = _Answer()


def begin_answer() -> None:
    """Begin a command: it has printed nothing yet."""
    _answer.is_given = False


def print_json(result: Mapping[str, Any]) -> None:
    """Print an answer as one JSON object in UTF-8, whatever the encoding of the terminal; only the first of a command counts.

    Times are in ISO 8601, no number is rounded. The whole is built before any of it is written, so that nothing else can follow
    half an answer.
    """
    if _answer.is_given:
        return
    line = json_of(result) + b"\n"
    _answer.is_given = True
    sys.stdout.flush()
    if isinstance(buffer := getattr(sys.stdout, "buffer", None), io.IOBase):
        buffer.write(line)
        buffer.flush()
    else:  # a stream that takes text only
        sys.stdout.write(line.decode())


def json_of(result: Mapping[str, Any]) -> bytes:
    """Return an answer as JSON in UTF-8; half a character is written as its escape, and what is no number as ``null``."""
    try:
        built = json.dumps(result, ensure_ascii=False, default=_plain, allow_nan=False)
    except ValueError:
        built = json.dumps(_without_infinities(result), ensure_ascii=False, default=_plain, allow_nan=False)
    return built.encode("utf-8", errors="backslashreplace")


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    msg = f"{type(value).__name__} has no form in JSON"
    raise TypeError(msg)


def _without_infinities(value: Any) -> Any:
    """Return an answer in which what is not a finite number is nothing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _without_infinities(each) for name, each in value.items()}
    return [_without_infinities(each) for each in value] if isinstance(value, list | tuple) else value


def print_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    title: str | None = None,
    limit: int | None = None,
    count: int | None = None,
) -> None:
    """Print rows, or the first of them, as a table for people: two decimals, a dash for what is unknown.

    Nobody reads thousands of rows: without a limit the first two hundred are printed, and what is left out is said:
    of ``count`` rows, where ``rows`` are the first of them.
    """
    every = len(rows) if count is None else count
    if title:
        sys.stdout.write(f"{title}\n")
    shown = rows[: _MOST_ROWS if limit is None else limit]
    table = Table(box=None, pad_edge=False)
    for column in columns:
        numeric = any(isinstance(row.get(column), int | float) for row in shown)
        table.add_column(header(column, language()), justify="right" if numeric else "left")
    for row in shown:
        table.add_row(*(_cell(column, row.get(column)) for column in columns))
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(table)
    if every > len(shown):
        if limit is None:
            tell("{shown} of {all} rows; --json shows all.", shown=len(shown), all=every)
        else:
            tell("{shown} of {all} rows; --limit or --json shows more.", shown=limit, all=every)


def _cell(column: str, value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return translate("yes" if value else "no", language())
    if isinstance(value, float):
        return f"{value:,.3f}" if column.startswith(("ASAI", "SAIFI", "MAIFI", "probability")) else f"{value:,.2f}"
    if isinstance(value, datetime):
        return shown(value, "%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, WallTime):
        return value.replace("T", " ")
    if isinstance(value, list | tuple):
        listed = " ".join(str(each) for each in value[:_MOST_IN_CELL])
        return listed if len(value) <= _MOST_IN_CELL else f"{listed} … ({len(value):,})"
    return translate(str(value), language())
