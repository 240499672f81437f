"""A small network written as text, the way a one-line diagram reads: for tests, examples and questions to colleagues.

::

    =S -[K1]- 1 -L1 2.5km- 2 -(S1)- 3 /(TIE)/ 4 -L2- 5 -[K2]- =R
    T1(30) @ 2; T2 @ 3, 5

=================  ========================================================================================
``=S``             node S is a source
``1``              node 1; the same name is the same node wherever it stands
``-L1-``           branch L1, closed, a line
``/L1/``           branch L1, normally open
``-[K1]-``         a breaker; ``/[K1]/`` a breaker that is normally open
``-(S1)-``         a switch; ``/(S1)/`` a switch that is normally open
``-L1 2.5km-``     a branch of 2.5 km
``T1 @ 2``         transformer T1 at node 2
``T1(30) @ 2``     the same, with 30 customers ``T1-1`` … ``T1-30``
``T1 @ 2, 5``      a transformer with a second supply from node 5
``column=value``   any other column of its table, after what it belongs to: ``-L1 kind=cable rating_a=400-``,
                   ``=S station_id=A``, ``2 lon=115.2 lat=33.1``, ``T1 @ 2 capacity_kva=400``
``;`` or new line  ends a statement
``#``              the rest of the line is a remark
=================  ========================================================================================

A statement is a chain (node, branch, node, …) or a transformer. Words are separated by blanks, so ids may hold dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from network.nearest import nearest
from network.problems import OneLineError
from network.tables.schema import TABLES
from network.texts import text

Row = dict[str, Any]
Tables = dict[str, list[Row]]

_WORD = re.compile(r"(?P<sign>[-/])(?P<inside>\S.*?)(?P=sign)(?=\s|$)|\S+")
_BRANCH = re.compile(r"(?:\[(?P<breaker>[^\s\[\]]+)\]|\((?P<switch>[^\s()]+)\)|(?P<line>[^\s\[\]()=]+))(?=\s|$)")
_TRANSFORMER = re.compile(
    r"\s*(?P<id>[^\s()@=]+)(?:\((?P<customers>\d+)\))?\s+@\s+(?P<node>[^\s,=]+)(?:\s*,\s*(?P<second>[^\s,=]+))?(?=\s|$)"
)
_LENGTH = re.compile(r"(?P<km>\d+(?:\.\d+)?)km")


def one_line_tables(diagram: str) -> Tables:
    """Return the tables that a one-line text describes; the module says how it is written.

    Args:
        diagram: chains of nodes and branches, and transformers.

    Returns:
        Rows of ``sources``, ``branches``, ``transformers``, ``customers`` and ``nodes``, where there are any.
        Values stand as written, to be checked like those of a file.

    Raises:
        OneLineError: a statement cannot be read; the error says where, and how it is written.
    """
    tables: Tables = {name: [] for name in ("sources", "branches", "transformers", "customers", "nodes")}
    for number, line in enumerate(diagram.splitlines(), 1):
        for part in re.finditer("[^;]+", line.partition("#")[0]):
            statement = _Statement(part[0], number, part.start())
            if re.search(r"(^|\s)@(\s|$)", statement.text):
                _read_transformer(statement, tables)
            else:
                _read_chain(statement, tables)
    return {name: rows for name, rows in tables.items() if rows}


@dataclass(frozen=True)
class _Statement:
    """A piece of a line, and where it stands: line from 1, offset from 0."""

    text: str
    line: int
    offset: int

    def words(self, start: int = 0) -> Iterator[re.Match[str]]:
        return _WORD.finditer(self.text, start)

    def wrong(self, at: int, value: str, how: str) -> OneLineError:
        return OneLineError(self.line, self.offset + at + 1, value, text(how))


def _read_chain(statement: _Statement, tables: Tables) -> None:
    """Read nodes and the branches between them; words with an equals sign belong to the node before."""
    node: str | None = None
    branch: tuple[Row, re.Match[str]] | None = None
    for word in statement.words():
        if word["inside"]:
            if node is None or branch:
                raise statement.wrong(word.start(), word[0], "A branch stands between two nodes: 1 -L1- 2.")
            branch = _branch(statement, word), word
        elif "=" in word[0][1:]:
            if node is None or branch:
                raise statement.wrong(word.start(), word[0], "A column follows the node that it belongs to.")
            _describe_node(statement, word, node, tables)
        elif word[0][0] in "-/" or word[0] == "=":
            raise statement.wrong(
                word.start(), word[0], "A closed branch is written -L1-, an open one /L1/, a source =S."
            )
        elif node is not None and branch is None:
            raise statement.wrong(word.start(), word[0], "Between two nodes stands a branch: 1 -L1- 2.")
        else:
            following = word[0].removeprefix("=")
            if following != word[0]:
                tables["sources"].append({"node": following})
            if branch:
                tables["branches"].append(branch[0] | {"from_node": node, "to_node": following})
            node, branch = following, None
    if branch:
        word = branch[1]
        raise statement.wrong(word.start(), word[0], "A branch stands between two nodes: 1 -L1- 2.")


def _branch(statement: _Statement, word: re.Match[str]) -> Row:
    found = _BRANCH.match(word["inside"])
    if found is None:
        raise statement.wrong(
            word.start(), word[0], "A line is written -L1-, a breaker -[K1]-, a switch -(S1)-; open ones with / for -."
        )
    kind = str(found.lastgroup)
    row: Row = {"branch_id": found[kind], "kind": kind, "normally_open": word["sign"] == "/"}
    for more in re.finditer(r"\S+", word["inside"][found.end() :]):
        if length := _LENGTH.fullmatch(more[0]):
            row["length_km"] = length["km"]
        else:
            row |= _columns(statement, word.start("inside") + found.end() + more.start(), more[0], "branches")
    return row


def _describe_node(statement: _Statement, word: re.Match[str], node: str, tables: Tables) -> None:
    """Put a column after a node into the table that has it: its place on the map, or its source."""
    name = word[0].partition("=")[0]
    table = "nodes" if name in TABLES["nodes"].names else "sources"
    column = _columns(statement, word.start(), word[0], table)
    row = next((row for row in tables[table] if row["node"] == node), None)
    if row is None and table == "sources":
        raise statement.wrong(word.start(), word[0], "This column belongs to a source, written =S.")
    if row is None:
        row = {"node": node}
        tables[table].append(row)
    row |= column


def _read_transformer(statement: _Statement, tables: Tables) -> None:
    found = _TRANSFORMER.match(statement.text)
    if found is None:
        start = len(statement.text) - len(statement.text.lstrip())
        raise statement.wrong(
            start,
            statement.text.strip(),
            "A transformer is written T1 @ 2, with 30 customers T1(30) @ 2, with two supplies T1 @ 2, 5.",
        )
    row: Row = {"transformer_id": found["id"], "node": found["node"], "second_node": found["second"]}
    for word in statement.words(found.end()):
        row |= _columns(statement, word.start(), word[0], "transformers")
    tables["transformers"].append(row)
    tables["customers"] += [
        {"customer_id": f"{found['id']}-{number}", "transformer_id": found["id"]}
        for number in range(1, int(found["customers"] or 0) + 1)
    ]


def _columns(statement: _Statement, at: int, word: str, table: str) -> Row:
    """Return the column that a word ``column=value`` gives."""
    name, equals, value = word.partition("=")
    if not equals or not value:
        raise statement.wrong(at, word, "Further columns are written column=value, a length 2.5km.")
    if name not in TABLES[table].names:
        near = nearest(name, TABLES[table].names)
        hint = (
            text("Did you mean {near}?", near=near[0]) if near else text("Look at the columns of {table}.", table=table)
        )
        raise OneLineError(statement.line, statement.offset + at + 1, name, hint)
    return {name: value}
