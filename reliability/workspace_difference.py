"""What a new version of the tables adds, deletes and changes: in rows, in customer-hours, and in which figures.

The tables are exchanged one after another, each after those that it refers to, so that every customer-hour that moves is the work
of one table. A figure of a month that was over when the old version was known is marked as closed: it must not change unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import polars as pl

from network import FudianError, Workspace, build_network, schema
from network.representation import Shown
from network.tables.checks import check_tables, tables_in_order
from network.tables.table_form import ROW
from network.tables.veil import harmless_words, is_personal, veil
from reliability.period import Period
from reliability.statistics import Statistics

SETTINGS = "settings"
"""Name under which changed settings stand among the tables."""

KINDS = ("deleted", "changed", "added")
"""What may have become of a row."""

FIGURES = ("N_T", "CH", "CI", "SAIDI-1", "SAIFI-1", "ASAI-1")
"""Figures that are compared, month by month and for each year."""

_OF_OUTAGES = ("outages", "stages")
_PERSONAL = frozenset({"name", "phone", "address"})
_PLACES = ("branch_id", "feeder_id", "transformer_id", "customer_id", "region_class")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class RowChange:
    """One row that is new, gone, or other than it was.

    Attributes:
        kind: ``added``, ``deleted`` or ``changed``.
        id: its id, where the table has one.
        row: its row in the new file; of a deleted one in the old file.
        columns: of a changed row, each column that differs with the old and the new value; values of personal columns are masked.
    """

    kind: str
    id: str | None
    row: int | None
    columns: Mapping[str, tuple[object, object]]

    def as_dict(self) -> dict[str, Any]:
        """Return the change by name."""
        columns = {name: {"old": old, "new": new} for name, (old, new) in self.columns.items()}
        return {"change": self.kind, "id": self.id, "row": self.row, "columns": columns}


@dataclass(frozen=True)
class FigureChange:
    """One figure that is other than it was.

    Attributes:
        period: ``2022`` or ``2022-03``.
        figure: one of :data:`FIGURES`.
        old, new: its values; ``None`` where it was not known.
        closed: whether the period was over when the old version was known.
    """

    period: str
    figure: str
    old: float | None
    new: float | None
    closed: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the change by name."""
        return {"period": self.period, "figure": self.figure, "old": self.old, "new": self.new, "closed": self.closed}


@dataclass(frozen=True)
class TableDifference:
    """What one table of the new version does.

    Attributes:
        rows: the rows that are new, gone or other.
        customer_hours: by how many customer-hours the table moves the sum of all years; ``None`` where none can be computed.
        by_kind: of outages and stages, the customer-hours of the records that were ``added``, ``deleted`` and ``changed``.
        figures: the figures that the table moves.
    """

    rows: tuple[RowChange, ...]
    customer_hours: float | None = None
    by_kind: Mapping[str, float] | None = None
    figures: tuple[FigureChange, ...] = ()

    def count(self, kind: str) -> int:
        """Return how many rows are ``added``, ``deleted`` or ``changed``."""
        return sum(row.kind == kind for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """Return the difference in the form of commands and routes, with the rows besides."""
        return {
            "added": self.count("added"),
            "deleted": self.count("deleted"),
            "changed": self.count("changed"),
            "customer_hours": self.customer_hours,
            "customer_hours_by_kind": dict(self.by_kind) if self.by_kind is not None else None,
            "figures": [figure.as_dict() for figure in self.figures],
            "rows": [row.as_dict() for row in self.rows],
        }


@dataclass(frozen=True, eq=False, repr=False)
class WorkspaceDifference(Shown):
    """What a new version does, table by table.

    Attributes:
        tables: the difference of each table that either version has, and of the settings where they differ.
    """

    tables: Mapping[str, TableDifference]

    @property
    def closed(self) -> list[FigureChange]:
        """The figures of closed months and years that move."""
        return [figure for table in self.tables.values() for figure in table.figures if figure.closed]

    def as_dict(self, language: str = "en") -> dict[str, Any]:  # noqa: ARG002 (figures have no language)
        """Return the difference of each table by its name."""
        return {name: table.as_dict() for name, table in self.tables.items()}

    def _line(self) -> str:
        counts = ", ".join(f"{sum(table.count(kind) for table in self.tables.values())} {kind}"
                           for kind in ("added", "deleted", "changed"))  # fmt: skip
        return f"difference: {counts} rows"

    def _table(self) -> pl.DataFrame:
        names = ("added", "deleted", "changed", "customer_hours")
        return pl.DataFrame(
            [{"table": name} | {key: table.as_dict()[key] for key in names} for name, table in self.tables.items()]
        )


def workspace_difference(
    old: Workspace, new: Workspace, level: str = "mv", progress: Callable[[str], object] = lambda _: None
) -> WorkspaceDifference:
    """Return what a new version of a workspace adds, deletes and changes.

    Args:
        old: the version that was read last.
        new: the version to be taken.
        level: ``mv`` or ``lv``: of the figures.
        progress: told the name of each table before it is exchanged.
    """
    present = [name for name in tables_in_order() if name in old.files or name in new.files]
    rows = {name: row_changes(name, old.tables[name], new.tables[name]) for name in present}
    found: dict[str, TableDifference] = {name: TableDifference(each) for name, each in rows.items()}
    settings = _settings_changes(old.settings, new.settings)
    if settings:
        found = {SETTINGS: TableDifference(settings)} | found
    closed_until = Statistics(build_network(old)).known_until
    state = old
    before = _Figures.of(state, level)
    for name in found:
        if not found[name].rows:
            found[name] = replace(found[name], customer_hours=0.0 if before.known else None)
            continue
        progress(name)
        state = _exchanged(state, new, name)
        after = _Figures.of(state, level)
        found[name] = replace(
            found[name],
            customer_hours=after.customer_hours_beyond(before),
            by_kind=_by_kind(found[name].rows, before, after) if name in _OF_OUTAGES else None,
            figures=after.moved_from(before, closed_until),
        )
        before = after
    return WorkspaceDifference(MappingProxyType(found))


def _exchanged(state: Workspace, new: Workspace, name: str) -> Workspace:
    """Return a workspace with one table, or the settings, of the new version; rows that then refer to nothing are left out."""
    if name == SETTINGS:
        return replace(state, settings=new.settings)
    files = {**state.files, **({name: new.files[name]} if name in new.files else {})}
    if name not in new.files:
        files.pop(name, None)
    tables, _ = check_tables({**state.tables, name: new.tables[name]}, files, present=files)
    return replace(state, tables=MappingProxyType(tables), files=MappingProxyType(files), places={})


# Rows -----------------------------------------------------------------------------------------------------------------


def row_changes(table: str, old: pl.DataFrame, new: pl.DataFrame) -> tuple[RowChange, ...]:
    """Return the rows of a table that are new, gone or other; rows that only stand elsewhere in the file are the same.

    A changed row is one with the same id; of an outage with several rows, one that names the same part if there is one.
    """
    columns = [name for name in schema.TABLES[table].names if name in old.columns and name in new.columns]
    copy = pl.int_range(pl.len()).over(columns).alias("copy")
    same = [*columns, "copy"]
    one, other = old.with_columns(copy), new.with_columns(copy)
    gone = one.join(other.select(same), on=same, how="anti", nulls_equal=True).drop("copy")
    come = other.join(one.select(same), on=same, how="anti", nulls_equal=True).drop("copy")
    key = list(schema.TABLES[table].key)
    places = [name for name in _PLACES if name in columns and name not in key]
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for by in ([*key, *places], key) if key else ():
        gone, come, matched = _matched(gone, come, by)
        pairs += matched
    found = [_change("changed", key, after, _differing(before, after, columns)) for before, after in pairs]
    found += [_change("deleted", key, row, {}) for row in gone.iter_rows(named=True)]
    found += [_change("added", key, row, {}) for row in come.iter_rows(named=True)]
    if is_personal(schema.TABLES[table]):
        known = harmless_words(schema.TABLES[table])
        found = [_veiled(change, known) for change in found]
    return tuple(sorted(found, key=lambda change: (KINDS.index(change.kind), change.row or 0)))


def _matched(
    gone: pl.DataFrame, come: pl.DataFrame, by: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Pair rows that agree in some columns, one with one, and return those that are left."""
    nth = pl.int_range(pl.len()).over(by).alias("nth")
    gone, come = gone.with_columns(nth).with_row_index("left"), come.with_columns(nth).with_row_index("right")
    on = [*by, "nth"]
    both = gone.select(*on, "left").join(come.select(*on, "right"), on=on, nulls_equal=True)
    rows = gone.drop("left", "nth"), come.drop("right", "nth")
    pairs = [
        (rows[0].row(left, named=True), rows[1].row(right, named=True))
        for left, right in both.select("left", "right").iter_rows()
    ]
    kept = (
        rows[0].filter(~gone["left"].is_in(both["left"].implode())),
        rows[1].filter(~come["right"].is_in(both["right"].implode())),
    )
    return *kept, pairs


def _differing(
    before: Mapping[str, Any], after: Mapping[str, Any], columns: list[str]
) -> dict[str, tuple[object, object]]:
    return {
        name: ("…", "…") if name in _PERSONAL else (before[name], after[name])
        for name in columns
        if before[name] != after[name]
    }


def _veiled(change: RowChange, known: frozenset[str]) -> RowChange:
    """Return a change of a table of persons without what may be personal: a comma too many moves it below any header."""

    def hidden(value: object) -> object:
        return veil(value, known) if isinstance(value, str) and value != "…" else value

    columns = {name: (hidden(old), hidden(new)) for name, (old, new) in change.columns.items()}
    return replace(change, id=None if change.id is None else veil(change.id, known), columns=columns)


def _change(
    kind: str, key: list[str], row: Mapping[str, Any], columns: Mapping[str, tuple[object, object]]
) -> RowChange:
    return RowChange(kind, str(row[key[0]]) if key else row.get("outage_id"), row.get(ROW), columns)


def _settings_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[RowChange, ...]:
    one, other = _flat(old), _flat(new)
    changes = [
        RowChange("added" if name not in one else "deleted" if name not in other else "changed", name, None,
                  {name: (one.get(name), other.get(name))})
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name) or (name in one) != (name in other)
    ]  # fmt: skip
    return tuple(changes)


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= _flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found


# Figures --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Figures:
    """The figures of a workspace by month and year, and the customer-hours of each outage; empty where none can be computed."""

    known: bool
    by_period: Mapping[str, Mapping[str, float | None]]
    of_outage: Mapping[str, float]

    @classmethod
    def of(cls, workspace: Workspace, level: str) -> _Figures:
        """Compute the figures of all years with records."""
        statistics = Statistics(build_network(workspace))
        try:
            statistics.require_records()
            years = statistics.years()
            figures: dict[str, Mapping[str, float | None]] = {}
            hours: dict[str, float] = {}
            for year in years:
                query = statistics.query(Period.year(year), ("month",), level)
                figures[str(year)] = statistics.indices(replace(query, by=())).row(0, named=True)
                figures |= {row["month"]: row for row in statistics.indices(query).iter_rows(named=True)}
                rows = statistics.ledger(query.known).filter("counted")
                worth = rows.group_by("outage_id").agg((pl.col("users") * pl.col("h")).sum())
                for outage, amount in worth.iter_rows():
                    hours[outage] = hours.get(outage, 0.0) + amount
        except FudianError:
            return cls(known=False, by_period={}, of_outage={})
        return cls(known=bool(years), by_period=figures, of_outage=hours)

    def customer_hours_beyond(self, before: _Figures) -> float | None:
        """Return by how many customer-hours these figures lie above others; ``None`` where neither can be computed."""
        if not self.known and not before.known:
            return None
        return sum(self.of_outage.values()) - sum(before.of_outage.values())

    def moved_from(self, before: _Figures, closed_until: datetime) -> tuple[FigureChange, ...]:
        """Return the figures that differ, by period."""
        changes = []
        for period in sorted({*self.by_period, *before.by_period}):
            closed = Period.parse(period).end <= closed_until
            old, new = before.by_period.get(period, {}), self.by_period.get(period, {})
            for figure in FIGURES:
                values = old.get(figure), new.get(figure)
                if not _same(*values):
                    changes.append(FigureChange(period, figure, *values, closed))
        return tuple(changes)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _ROUNDING * max(abs(one), abs(other))


def _by_kind(rows: tuple[RowChange, ...], before: _Figures, after: _Figures) -> dict[str, float] | None:
    """Return the customer-hours of the records of rows that were added, deleted and changed, and of all others."""
    if not before.known and not after.known:
        return None
    kind_of: dict[str, str] = {}
    for change in rows:
        if change.id is not None:
            kind_of[change.id] = change.kind if kind_of.get(change.id, change.kind) == change.kind else "changed"
    hours = dict.fromkeys(("added", "deleted", "changed", "others"), 0.0)
    for outage in {*before.of_outage, *after.of_outage}:
        moved = after.of_outage.get(outage, 0.0) - before.of_outage.get(outage, 0.0)
        hours[kind_of.get(outage, "others")] += moved
    return hours
