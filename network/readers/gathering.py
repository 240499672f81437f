"""Rows of the tables as a reader finds them, and what it could not place."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from network.problems import FudianError, Problem
from network.readers.coordinates import are_degrees
from network.readers.feeders import HEADS, feeders_by_trace
from network.tables.workspace import Workspace, workspace
from network.texts import Text, text

Progress = Callable[[str], None]
"""Told what is being read, for a person who waits."""

MOST_CUSTOMERS_OF_ONE = 100_000
"""Customers that one load can have: the whole town behind one substation. Own limit."""

MOST_CUSTOMERS = 5_000_000
"""Customers that a source can count in all: those of a large city. Own limit."""


@dataclass
class Gathering:
    """Collects rows table by table and problems element by element.

    Attributes:
        file: name of the source, shown with each problem.
        idle_is_open: a branch out of service is taken as normally open, else it is left out.
        rows: rows by table.
        problems: what could not be placed, in the order found.
    """

    file: str | None = None
    idle_is_open: bool = False
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _points: dict[str, tuple[float, float]] = field(default_factory=dict)
    _voltages: dict[str, float] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _unread: Counter[str] = field(default_factory=Counter)

    def add(self, table: str, **row: Any) -> None:
        """Add one row to a table; a number that is not one stays blank."""
        self.rows.setdefault(table, []).append(
            {
                name: None if isinstance(value, float) and not math.isfinite(value) else value
                for name, value in row.items()
            }
        )

    def customers(self, transformer_id: str, count: float, name: str | None = None) -> None:
        """Add as many customers of a transformer as the source counts; it gives them no ids, so they are numbered."""
        whole = int(count)
        if 0 < whole <= MOST_CUSTOMERS_OF_ONE and sum(self._counts.values()) + whole <= MOST_CUSTOMERS:
            self._counts[transformer_id] = self._counts.get(transformer_id, 0) + whole
        elif whole:
            self.leave_out(
                "customers",
                transformer_id,
                text("It cannot have {count} customers; they were left out", count=whole),
                text(
                    "Correct the number: one load has at most {one}, a model {all}.",
                    one=MOST_CUSTOMERS_OF_ONE,
                    all=MOST_CUSTOMERS,
                ),
                name=name,
                value=str(whole),
            )

    def place(self, node: str, lon: float, lat: float) -> None:
        """Note where a node lies; the first word counts."""
        self._points.setdefault(node, (lon, lat))

    def voltage(self, node: str, kv: float | None) -> None:
        """Note the nominal voltage of a node; the first word counts."""
        if kv:
            self._voltages.setdefault(node, kv)

    def leave_out(
        self, table: str, element: str, message: Text, hint: Text, name: str | None = None, **where: Any
    ) -> None:
        """Name an element that is in no table although it belongs there: the answer lacks it."""
        self._report("error", table, element, message, hint, name, where)

    def mention(
        self, table: str, element: str | None, message: Text, hint: Text, name: str | None = None, **where: Any
    ) -> None:
        """Name an element of which something is left open, without harm to the rest."""
        self._report("warning", table, element, message, hint, name, where)

    def out_of_service(self, table: str, element: str, name: str | None = None) -> None:
        """Name an element that its source has taken out of service: no operation of a switch brings it back."""
        self.mention(
            table,
            element,
            text("It is out of service in the source; it was left out"),
            text("Nothing needs to be done, unless it is in use after all: a tie, say, which --idle open keeps.")
            if table == "branches"
            else text("Nothing needs to be done, unless it is in use after all."),
            name,
        )

    def keeps_idle(self, element: str, name: str | None = None) -> bool:
        """Return whether a branch out of service becomes one that is normally open; it is named either way."""
        if not self.idle_is_open:
            self.out_of_service("branches", element, name)
            return False
        self.mention(
            "branches",
            element,
            text("It is out of service in the source; it was taken as normally open"),
            text("Delete it where no operation brings it back."),
            name,
        )
        return True

    def unread(self, kind: str, count: int = 1) -> None:
        """Count elements of a kind that the tables have no place for, and that feed nobody."""
        if count:
            self._unread[kind] += count

    def _report(
        self,
        severity: str,
        table: str,
        element: str | None,
        message: Text,
        hint: Text,
        name: str | None,
        where: dict[str, Any],
    ) -> None:
        if element is not None:
            shown = f"{name} ({element})" if name and name != element else element
            message = text("{element}: {said}", element=shown, said=message)
        self.problems.append(
            Problem(severity, table, message, hint, where.pop("file", self.file), object_id=element, **where)
        )

    def workspace(self) -> Workspace:
        """Return the rows as a checked workspace, with the problems of the source before those of the tables."""
        self._place_nodes()
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
        if self.rows.get("branches") and not self.rows.get("sources"):
            self.leave_out(
                "sources",
                self.file or "?",
                text("It has no source, so nobody is known to have supply"),
                text(
                    "Export it with its source of supply, or add the table sources: the node at which supply comes in."
                ),
            )
        self._make_feeders()
        read = workspace({**self.rows, **self._customers()})
        return replace(read, problems=(*self.problems, *read.problems))

    def _place_nodes(self) -> None:
        points = self._points
        lengths = [
            (points[row["from_node"]], points[row["to_node"]], row.get("length_km"))
            for row in self.rows.get("branches", [])
            if row["from_node"] in points and row["to_node"] in points
        ]
        if points and are_degrees(list(points.values()), lengths):
            for node, (lon, lat) in points.items():
                self.add("nodes", node=node, lon=lon, lat=lat)
        elif points:
            self.mention(
                "nodes",
                None,
                text("The coordinates are not longitude and latitude; they were not read"),
                text("Add the table nodes with degrees if a map is wanted."),
            )

    def _customers(self) -> dict[str, pl.DataFrame]:
        """Return the table of customers, those that the source only counts at its end."""
        named = self.rows.get("customers", [])
        if not self._counts:
            return {}
        counted = (
            pl.DataFrame({"transformer_id": list(self._counts), "number": list(self._counts.values())})
            .with_columns(pl.int_ranges(1, pl.col("number") + 1).alias("number"))
            .explode("number")
            .select(pl.format("{}#{}", "transformer_id", "number").alias("customer_id"), "transformer_id")
        )
        whole = [pl.DataFrame(named, infer_schema_length=None), counted] if named else [counted]
        return {"customers": pl.concat(whole, how="diagonal_relaxed")}

    def _make_feeders(self) -> None:
        """Make feeders by trace where the source names none."""
        branches = self.rows.get("branches", [])
        if self.rows.get("feeders") or any(row.get("feeder_id") for row in branches):
            return
        feeders = feeders_by_trace(branches, self.rows.get("sources", []), self._voltages)
        if not feeders:
            return
        self.rows["feeders"] = feeders
        kinds = {row["branch_id"]: row["kind"] for row in branches}
        doubtful = [row["feeder_id"] for row in feeders if kinds[row["feeder_id"]] not in HEADS]
        if doubtful:
            self.mention(
                "feeders",
                None,
                text(
                    "The source names no feeders, and {count} of those made by trace have no breaker",
                    count=len(doubtful),
                ),
                text(
                    "A feeder begins at the last breaker before its first line; correct feeder_id where that is wrong."
                ),
                column="feeder_id",
                value=doubtful[0],
            )


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
