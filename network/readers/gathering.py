"""Rows of the contract's tables as a reader finds them, and what it could not place."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from network.problems import FudianError, Problem
from network.tables.workspace import Workspace, workspace
from network.texts import Text, text

Progress = Callable[[str], None]
"""Told what is being read, for a person who waits."""


@dataclass
class Gathering:
    """Collects rows table by table and problems element by element.

    Attributes:
        file: name of the source, shown with each problem.
        rows: rows by table of the contract.
        problems: what could not be placed, in the order found.
    """

    file: str | None = None
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _points: dict[str, tuple[float, float]] = field(default_factory=dict)
    _unread: Counter[str] = field(default_factory=Counter)

    def add(self, table: str, **row: Any) -> None:
        """Add one row to a table; a number that is not one stays blank."""
        self.rows.setdefault(table, []).append(
            {
                name: None if isinstance(value, float) and not math.isfinite(value) else value
                for name, value in row.items()
            }
        )

    def customers(self, transformer_id: str, count: int) -> None:
        """Add as many customers of a transformer as the source counts; it gives them no ids, so they are numbered."""
        for number in range(1, count + 1):
            self.add("customers", customer_id=f"{transformer_id}#{number}", transformer_id=transformer_id)

    def place(self, node: str, lon: float, lat: float) -> None:
        """Note where a node lies; the first word counts."""
        self._points.setdefault(node, (lon, lat))

    def leave_out(self, table: str, element: str, message: Text, hint: Text, **where: Any) -> None:
        """Name an element that is in no table although it belongs there: the answer lacks it."""
        self._report("error", table, element, message, hint, where)

    def mention(self, table: str, element: str | None, message: Text, hint: Text, **where: Any) -> None:
        """Name an element of which something is left open, without harm to the rest."""
        self._report("warning", table, element, message, hint, where)

    def out_of_service(self, table: str, element: str) -> None:
        """Name an element that its source has taken out of service: no operation of a switch brings it back."""
        self.mention(
            table,
            element,
            text("It is out of service in the source; it was left out"),
            text("Nothing needs to be done, unless it is in use after all."),
        )

    def unread(self, kind: str, count: int = 1) -> None:
        """Count elements of a kind that the tables have no place for, and that feed nobody."""
        if count:
            self._unread[kind] += count

    def _report(
        self, severity: str, table: str, element: str | None, message: Text, hint: Text, where: dict[str, Any]
    ) -> None:
        self.problems.append(
            Problem(severity, table, message, hint, where.pop("file", self.file), object_id=element, **where)
        )

    def workspace(self) -> Workspace:
        """Return the rows as a checked workspace, with the problems of the source before those of the tables."""
        if self._points and all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in self._points.values()):
            for node, (lon, lat) in self._points.items():
                self.add("nodes", node=node, lon=lon, lat=lat)
        elif self._points:
            self.mention(
                "nodes",
                None,
                text("The coordinates are not longitude and latitude; they were not read"),
                text("Add the table nodes with degrees if a map is wanted."),
            )
        for kind, count in sorted(self._unread.items()):
            self.mention(
                "branches",
                None,
                text(
                    "{count} elements of kind {kind} have no place in the tables",
                    count=count,
                    kind=kind,
                ),
                text("Nothing needs to be done: nobody is fed through them."),
                value=kind,
            )
        read = workspace(self.rows)
        return replace(read, problems=(*self.problems, *read.problems))


@dataclass
class Ends:
    """The node at which an element begins once the devices in front of it have taken their places in series."""

    _node: dict[Hashable, str] = field(default_factory=dict)

    def at(self, key: Hashable, node: str) -> str:
        """Return the node of the element at this end; ``node`` where no device stands between."""
        return self._node.get(key, node)

    def insert(self, key: Hashable, node: str, device: str) -> tuple[str, str]:
        """Put a device between ``node`` and the element, and return the two nodes of the device."""
        before = self.at(key, node)
        self._node[key] = f"{device}.end"
        return before, self._node[key]


def number(value: Any, factor: float = 1.0) -> float | None:
    """Return a finite number times ``factor``, or ``None`` where there is none."""
    try:
        result = float(value) * factor
    except (TypeError, ValueError):
        return None
    return result if math.isfinite(result) else None


def legs(nodes: Sequence[str], element: str) -> list[tuple[str, str, str]]:
    """Return the branches that an element with two or more nodes becomes: ``(branch_id, from_node, to_node)``.

    Two nodes make one branch; three or more make a star about a node of its own.
    """
    distinct = list(dict.fromkeys(nodes))
    if len(distinct) == 2:
        return [(element, distinct[0], distinct[1])]
    star = f"{element}.star"
    return [(f"{element}.{position}", node, star) for position, node in enumerate(distinct, start=1)]


def the_one(sources: Iterable[Path]) -> Path:
    """Return the only source.

    Raises:
        FudianError: there are several.
    """
    paths = list(sources)
    if len(paths) != 1:
        raise FudianError(
            text("This format is read from one source, not from {count}.", count=len(paths)),
            text("Name one file; it may refer to others."),
        )
    return paths[0]


def require_files(paths: Iterable[Path]) -> None:
    """Make sure that every path is there.

    Raises:
        FudianError: one is not.
    """
    for path in paths:
        if not path.exists():
            raise FudianError(text("There is no {path}.", path=str(path)), text("Check the spelling of the path."))
