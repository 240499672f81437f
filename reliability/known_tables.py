"""What figures are made of: users, interruptions, what is known until when, and whether there is enough of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import narwhals as nw
import polars as pl

from network import FudianError, Network, UnknownIdError, WorkspaceError, text
from network.representation import Shown
from network.tables.as_of import known_until, stated_as_of
from reliability.cube import Cube
from reliability.interruption_table import interruptions, states_of_records
from reliability.period import Period
from reliability.population_table import ATTRIBUTES, population
from reliability.query import Query
from reliability.record_states import RecordStates
from reliability.settings import ReliabilitySettings
from reliability.switched import interruptions_from_switching


@dataclass(frozen=True, eq=False, repr=False)
class KnownTables(Shown):
    """The users and interruptions of one network and its records; what is asked twice is made once."""

    net: Network

    @cached_property
    def settings(self) -> ReliabilitySettings:
        """The rules that the workspace sets."""
        return ReliabilitySettings.of(self.net.workspace.settings)

    @cached_property
    def _interruptions(self) -> dict[str, pl.DataFrame]:
        return {}

    @cached_property
    def _users(self) -> dict[str, pl.DataFrame]:
        return {}

    def interruptions(self, level: str = "mv", source: str = "records") -> pl.DataFrame:
        """Return who was without power, at a level, by the records or by the switching log.

        See :func:`reliability.interruptions` and :func:`reliability.switched.interruptions_from_switching`.
        """
        if source == "records":
            if level not in self._interruptions:
                self._interruptions[level] = self._from_records(level, self.sharing(level))
            return self._interruptions[level]
        if level not in self._switched:
            log = self.net.workspace.tables["switching"]
            self._switched[level] = interruptions_from_switching(self.net, log, level, self.population(level))
        return self._switched[level]

    @cached_property
    def _switched(self) -> dict[str, pl.DataFrame]:
        return {}

    @cached_property
    def _by_engine(self) -> dict[tuple[str, str, str], tuple[Any, Any]]:
        return {}

    def population(self, level: str = "mv") -> pl.DataFrame:
        """Return the users of a level; see :func:`reliability.population`."""
        if level not in self._users:
            outages = self.net.workspace.tables["outages"]
            self._users[level] = population(self.net, level, outages, settings=self.settings)
        return self._users[level]

    def users(self, query: Query) -> pl.DataFrame:
        """Return the users that a query is about."""
        found: pl.DataFrame = chosen(self.population(query.level), query.where)
        return found

    def places(self, level: str = "mv") -> pl.DataFrame:
        """Return the classes, units and feeders of the users of a level, each combination at least once."""
        cube = self.cubes.get(level)
        return (self.population(level) if cube is None else cube.users).select(ATTRIBUTES)

    def sharing(self, level: str = "mv") -> pl.DataFrame:
        """Return the users of a level as they stand in the interruptions: those that share every one of them in one row."""
        if level == "mv":
            return self.population(level)
        outages = self.net.workspace.tables["outages"]
        first: Any = outages["start"].min()
        return population(self.net, level, outages, settings=self.settings, since=first)

    def _from_records(self, level: str, users: Any) -> Any:
        tables = self.net.workspace.tables
        records = tables["outages"], tables["stages"]
        return interruptions(*records, self.net, level, users, self.settings, states=self.record_states)

    @cached_property
    def record_states(self) -> RecordStates:
        """In which state of the switches each record is taken, by the number of its row (R1.16)."""
        return states_of_records(self.net.workspace.tables["outages"], self.net, self.settings)

    # What is computed once for each version of the data ------------------------------------------------------------

    @cached_property
    def cubes(self) -> dict[str, Cube]:
        """The cubes that figures are taken from, by level, as far as there are any; see :meth:`cube_of`."""
        return {}

    def cube_of(self, level: str) -> Cube:
        """Merge and sum the interruptions of a level, until when the data is known.

        Figures are taken from a cube once it stands in :attr:`cubes`; they are the same without.
        """
        as_of = stated_as_of(self.net.workspace) or self.known_until
        return Cube.of(self.interruptions(level), self.population(level), self.settings, as_of)

    def _cube(self, query: Query, engine: str = "polars") -> Cube | None:
        """Return the cube that knows the ledger of a query."""
        cube = self.cubes.get(query.level) if query.source == "records" and engine == "polars" else None
        return cube if cube is not None and query.as_of == cube.as_of else None

    @cached_property
    def known_until(self) -> datetime:
        """Until when the data is known; see :func:`network.tables.as_of.known_until`."""
        return known_until(self.net.workspace)

    def query(
        self,
        period: Period,
        by: Sequence[str] = (),
        level: str = "mv",
        med: str = "include",
        as_of: datetime | None = None,
        source: str = "records",
        where: Mapping[str, str] | None = None,
    ) -> Query:
        """Return the query of a figure, known as far as asked for, else as the workspace states, else as the records tell.

        What is asked for or stated cuts the period: nothing is said about days to come. Where only the records tell, open
        outages last until the latest moment that they name, and a period that is over by the calendar is whole.
        """
        stated = as_of or stated_as_of(self.net.workspace)
        over = stated is None and period.end <= datetime.now()
        return Query(period, tuple(by), level, med, stated or self.known_until, where or {}, source, over)

    def period_of(self, event: str, source: str = "records") -> Period:
        """Return the calendar years that an outage touches.

        Raises:
            UnknownIdError: there is no such outage.
        """
        parts = self._outage(event, source)
        years = pl.concat([parts["start"], parts["end"]]).drop_nulls().dt.year()
        return Period(Period.year(years.min()).start, Period.year(years.max()).end)  # type: ignore[arg-type]

    def _outage(self, event: str, source: str) -> pl.DataFrame:
        """Return the rows of one outage: its record, or its interruptions in the replay."""
        outages = self.net.workspace.tables["outages"] if source == "records" else self.interruptions(source=source)
        rows = outages.filter(pl.col("outage_id") == event)
        if rows.is_empty():
            raise UnknownIdError("outage", event, outages["outage_id"].unique().to_list())
        return rows

    def years(self, source: str = "records") -> list[int]:
        """Return the calendar years that have records, or operations of the switching log."""
        if source not in self._years:
            tables = self.net.workspace.tables
            moments = tables["outages"]["start"] if source == "records" else tables["switching"]["time"]
            self._years[source] = sorted(moments.dt.year().unique().to_list())
        return self._years[source]

    @cached_property
    def _years(self) -> dict[str, list[int]]:
        return {}

    def require_records(self, source: str = "records") -> None:
        """Make sure that figures can be computed at all from the ``records`` or from the ``switching`` log.

        Raises:
            WorkspaceError: there is no usable outage record or operation, or nothing to divide by.
        """
        if source == "switching":
            self._require_log()
        else:
            self._require_outages()
        self._require_users()

    def _require_log(self) -> None:
        if self.net.workspace.tables["switching"].is_empty():
            raise WorkspaceError(
                text("There is no usable operation of a switching log."),
                self.net.workspace.problems_of("switching", "error"),
                text("Add switching.csv, switching.xlsx or switching.parquet to the workspace."),
            )
        self.net.require_sources()

    def _require_outages(self) -> None:
        source = self.net.workspace
        if source.tables["outages"].is_empty() and (errors := source.problems_of("outages", "error")):
            raise WorkspaceError(text("No outage record can be used."), errors)
        if "outages" not in source.files:
            raise WorkspaceError(
                text("There is no table of outages."),
                (),
                text("Add outages.csv, outages.xlsx or outages.parquet to the workspace."),
            )
        if source.tables["outages"]["branch_id"].is_not_null().any():
            self.net.require_sources()

    def _require_users(self) -> None:
        source = self.net.workspace
        if source.tables["transformers"].is_empty() and source.tables["population"].is_empty():
            raise WorkspaceError(
                text("There are no users to divide by."),
                (*source.problems_of("transformers", "error"), *source.problems_of("population", "error")),
                text("Add the table transformers, or population with the stated number of users."),
            )


def chosen(frame: Any, where: Mapping[str, str]) -> Any:
    """Return the rows of a frame of any engine that have these values."""
    rows: Any = nw.from_native(frame)
    names = rows.collect_schema().names()
    unknown = [column for column in where if column not in names]
    if unknown:
        raise FudianError(text("There is no column {column!r} to filter by.", column=unknown[0]))
    return rows.filter(*(nw.col(column) == value for column, value in where.items())).to_native() if where else frame
