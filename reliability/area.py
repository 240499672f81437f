"""A part of the users that a figure is about: one or more values of a column, or an urban or rural network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from reliability.index_table import users_by
from reliability.natures import URBAN_NETWORK
from reliability.period import Period
from reliability.query import Query
from reliability.settings import ReliabilitySettings
from reliability.statistics import Statistics


@dataclass(frozen=True)
class Area:
    """The users whose ``column`` has one of ``values``; all users when there is no column.

    Attributes:
        column: ``region_class``, ``planning_class``, ``feeder_id``, ``unit``, ``aggregate``, or ``None`` for all.
        values: values of that column; the aggregates are ``all_scope``, ``urban_net`` and ``rural_net``.
    """

    column: str | None = None
    values: tuple[str, ...] = ()

    def of(self, rows: pl.DataFrame, settings: ReliabilitySettings) -> pl.DataFrame:
        """Return the rows that belong to the area; a blank class belongs to no aggregate but all."""
        if self.column is None or "all_scope" in self.values:
            return rows
        if self.column != "aggregate":
            return rows.filter(pl.col(self.column).is_in(list(self.values)))
        urban = pl.col("region_class").is_in(list(URBAN_NETWORK[settings.aggregate_scheme]))
        return rows.filter(urban if "urban_net" in self.values else ~urban)

    def users_in(self, statistics: Statistics, period: Period, level: str = "mv") -> float:
        """Return N_T of the area in a period, whether or not there are records (1.5)."""
        users = self.of(statistics.population(level), statistics.settings)
        return float(users_by(users, (), period, statistics.settings)["N_T"].sum())

    def equivalent_users(self, statistics: Statistics, query: Query) -> float:
        """Return N_T of the area: equivalent users of the period (1.5)."""
        if self.column is None:
            return float(statistics.totals(replace(query, by=()))["N_T"].sum())
        figures = statistics.totals(replace(query, by=(self.column,)))
        return float(figures.filter(pl.col(self.column).is_in(list(self.values)))["N_T"].sum())
