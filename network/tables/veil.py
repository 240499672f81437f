"""Personal data in problems: what a table of customers holds is masked wherever a problem shows a value of it.

A comma too many moves a name, a telephone or an address under another header: no column of such a table is safe. Ids stay,
since a clerk finds the row by them; words keep their first character, numbers that may be telephones or identity cards three and
two digits, as in every list (:mod:`repair.privacy`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from network.problems import Problem
from network.tables.schema import TABLES
from network.tables.table_form import Table
from network.texts import Text

MASK = "•"
PERSONAL_COLUMNS = frozenset({"phone", "address"})
"""A table that has one of these holds personal data."""

_CARD_OR_PHONE = re.compile(
    r"(?<!\d)(?:1[3-9]\d{9}|0(?:10|2\d)[- ]?\d{8}|0[3-9]\d{2}[- ]?\d{7,8}|[2-9]\d{6,7}|\d{17}[\dXx]|\d{15})(?!\d)"
)
_ID = re.compile(r"(?=.*\d)[\w.#/+:-]+", re.ASCII)
_APART = re.compile(r"(\s*[,;\t|，；、\n]\s*)")


def is_personal(table: Table) -> bool:
    """Return whether a table holds personal data."""
    return any(column.name in PERSONAL_COLUMNS for column in table.columns)


def veiled(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems without the personal data in their values and messages."""
    return tuple(
        _veiled(problem, TABLES[problem.table])
        if problem.table in TABLES and is_personal(TABLES[problem.table])
        else problem
        for problem in problems
    )


def _veiled(problem: Problem, table: Table) -> Problem:
    known = harmless_words(table)
    return replace(
        problem,
        value=None if problem.value is None else veil(problem.value, known),
        object_id=None if problem.object_id is None else veil(problem.object_id, known),
        message=_veiled_text(problem.message, known),
        hint=_veiled_text(problem.hint, known),
    )


def _veiled_text(said: Text, known: frozenset[str]) -> Text:
    values = {
        name: _veiled_text(value, known)
        if isinstance(value, Text)
        else veil(value, known)
        if isinstance(value, str)
        else value
        for name, value in said.values.items()
    }
    return Text(said.template, values)


def harmless_words(table: Table) -> frozenset[str]:
    """Return the words of a table, in lower case, that tell nothing of a person: its headers and codes."""
    words = {table.name, table.chinese}
    for column in table.columns:
        words |= {column.name, column.chinese, f"{column.name} ({column.chinese})", column.meaning, *column.aliases}
        words.add(f"[codes.{column.name}]")
        for code, meanings in (column.codes or {}).items():
            words |= {code, *meanings}
        if column.refers_to:
            words |= {column.refers_to, *column.refers_to.split(".")}
    return frozenset(word.lower() for word in words) | {"true", "false", "utf-8", "gb18030", "utf-16", "null", ""}


def veil(given: str, known: frozenset[str] = frozenset()) -> str:
    """Return a text with what may be personal masked, piece by piece between commas and the like.

    Args:
        given: the text.
        known: words in lower case that stay.
    """
    return "".join(piece if at % 2 else _veil_piece(piece, known) for at, piece in enumerate(_APART.split(given)))


def _veil_piece(piece: str, known: frozenset[str]) -> str:
    word = piece.strip().strip("\"'")
    if word.lower() in known:
        return piece
    if _ID.fullmatch(word):
        return _CARD_OR_PHONE.sub(lambda found: found[0][:3] + MASK * 4 + found[0][-2:], piece)
    return word[:1] + MASK * 3
