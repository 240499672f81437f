"""The statistics of a workspace: every figure with its basis, and the rows behind it.

Commands, pages and routes all ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import narwhals as nw
import polars as pl
from cachetools import TTLCache

from network import FudianError, Problem, Text, UnknownIdError, text, translate
from network.tables.as_of import stated_as_of
from reliability.audit import FINDINGS, Audit, audit
from reliability.cross_check import CrossCheck, cross_check
from reliability.engines import from_engine, has_order, parquet_on_spark, small, to_engine
from reliability.grid_kpis import grid_kpis
from reliability.ieee import differences, ieee_indices, reason_words
from reliability.index_table import VARIANTS, indices, users_by
from reliability.known_tables import KnownTables, chosen
from reliability.ledger_table import NOT_COUNTED, ledger, ledger_of, merged_until
from reliability.live_line import LiveRatio, connected_with_outage, live_jobs_with_saving, live_ratio
from reliability.major_event_days import MajorEventDays, known_span, major_event_days, saidi_of_days
from reliability.natures import CLASS_NAMES, UNKNOWN
from reliability.numbers_beyond import numbers_beyond
from reliability.operating_kpis import Kpi, grid_kpi, operating_kpis
from reliability.period import MICROSECONDS_PER_HOUR, Period, day_of
from reliability.population_table import customer_groups, population, standing_alone
from reliability.query import Query
from reliability.rule_packs import DLT_836_2016, IEEE_1366_2012, across_packs, national_references
from reliability.switched import interruptions_from_switching

__all__ = ["Query", "Statistics"]

LEDGER_COLUMNS = (
    "outage_id", "user_id", "users", "transformer_id", "customer_id", "region_class", "feeder_id", "unit", "from", "until",
    "group_start", "nature", "external", "cause", "record_state", "sustained", "provisional", "overrun", "h", "count",
    "counted", "reason",
)  # fmt: skip

_KEPT_MERGED = 3
"""Moments for which the merged interruptions are remembered: what a report asks for, and what is left out."""

_KEPT_S = 120.0
"""For how long at most."""


@dataclass(frozen=True, eq=False, repr=False)
class Statistics(KnownTables):
    """The statistics of one network and its records; what is asked twice is computed once."""

    _merged_rows: TTLCache[Any, pl.DataFrame] = field(default_factory=lambda: TTLCache(_KEPT_MERGED, _KEPT_S))
    _merging: Lock = field(default_factory=Lock)

    def ledger_rows(
        self,
        query: Query,
        event: str | None = None,
        customer: str | None = None,
        language: str = "en",
        most: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return the ledger for people and programs: times as times, reasons as sentences.

        Args:
            query: what the figure covers.
            event: only this outage.
            customer: only this customer, at the low-voltage level.
            language: of the reasons.
            most: only so many rows, the earliest.

        Raises:
            UnknownIdError: the outage or the customer is not in the tables.
        """
        if event is not None:
            self._outage(event, query.source)
        rows = self.ledger(query) if customer is None else self._ledger_of_customer(query, customer)
        if event is not None:
            rows = rows.filter(pl.col("outage_id") == event)
        times = [pl.from_epoch(pl.col(name), time_unit="us").alias(name) for name in ("from", "until", "group_start")]
        ordered = rows.lazy().select(*LEDGER_COLUMNS).sort("from", "outage_id", "user_id")
        shown = (ordered if most is None else ordered.head(most)).with_columns(times).collect()
        reasons = {code: translate(sentence, language) for code, sentence in NOT_COUNTED.items()}
        return shown.with_columns(
            reason_code="reason", reason=pl.col("reason").replace(list(reasons), list(reasons.values()))
        ).to_dicts()

    def _ledger_of_customer(self, query: Query, customer: str) -> pl.DataFrame:
        tables = self.net.workspace.tables
        if not (tables["customers"]["customer_id"] == customer).any():
            raise UnknownIdError("customer", customer, tables["customers"]["customer_id"].to_list())
        users = population(self.net, "lv", tables["outages"], alone=[customer]).filter(
            pl.col("customer_id") == customer
        )
        if query.source == "records":
            own: pl.DataFrame = self._from_records("lv", users)
        else:
            own = interruptions_from_switching(self.net, tables["switching"], "lv", users)
        own = own.filter(pl.col("customer_id") == customer)
        if query.med == "exclude":
            own = self._days_until(query).without(own)
        return ledger(own, query.period, self.settings, query.as_of)

    def ledger(self, query: Query) -> pl.DataFrame:
        """Return the interruptions behind a figure, each with what it adds or why it adds nothing."""
        rows: pl.DataFrame = self._ledger_on(query, "polars")
        return rows

    def users_by(self, period: Period, by: Sequence[str]) -> pl.DataFrame:
        """Return ``N_T`` of each combination of columns of users, whether or not there are records."""
        return users_by(self.population(), by, period, self.settings)

    def _ledger_on(self, query: Query, engine: str) -> Any:
        if cube := self._cube(query, engine):
            return chosen(cube.ledger(query.period, self._left_out(query)), query.where)
        without = self._left_out(query)
        if engine == "polars" and query.as_of is not None:
            merged = self._merged(query.level, query.source, query.as_of, without)
            return ledger_of(chosen(merged, query.where), query.period, self.settings)
        rows = self._tables_on(query, engine)[0]
        rows = rows if without is None else without.without(rows)
        return chosen(ledger(rows, query.period, self.settings, query.as_of), query.where)

    def _merged(self, level: str, source: str, as_of: datetime, without: MajorEventDays | None) -> pl.DataFrame:
        """Return all interruptions known by a moment, merged once: the ledger of any period and part is cut out of them."""
        left_out = None if without is None else (without.days, tuple(without.by_unit.items()))
        key = level, source, as_of, left_out
        with self._merging:
            if key not in self._merged_rows:
                rows = self.interruptions(level, source)
                rows = rows if without is None else without.without(rows)
                self._merged_rows[key] = merged_until(rows, self.settings, as_of)
            return self._merged_rows[key]

    def rest(self) -> None:
        """Let go of what a question brought into memory and is quickly there again: mapped files, and what was merged for it."""
        with self._merging:
            self._merged_rows.expire()
        for cube in tuple(self.cubes.values()):
            cube.leave_on_disk()

    def _tables_on(self, query: Query, engine: str) -> tuple[Any, Any]:
        """Return the interruptions and the users on an engine; customers in part files never leave Spark, but as groups."""
        level, source = query.level, query.source
        if engine == "polars":
            return self.interruptions(level, source), self.population(level)
        if (level, source, engine) not in self._by_engine:
            parts = self._customer_parts if (level, source, engine) == ("lv", "records", "spark") else None
            if parts is None:
                tables_here = self.interruptions(level, source), self.population(level)
                rows, users = (to_engine(frame, engine) for frame in tables_here)
            else:
                named = standing_alone(self.net, self.net.workspace.tables["outages"])
                users = customer_groups(parquet_on_spark(parts), self.population(), named).persist()
                rows = self._from_records(level, users)
            self._by_engine[level, source, engine] = rows, users
        return self._by_engine[level, source, engine]

    @property
    def _customer_parts(self) -> Path | None:
        """The folder of part files that holds the customers, where there is one."""
        folder = self.net.workspace.folder
        named = [folder / name for name in ("customers.parquet", "customers")] if folder else []
        return next((path for path in named if path.is_dir()), None)

    def indices(self, query: Query, engine: str = "polars") -> pl.DataFrame:
        """Return all indices, one row per combination of ``query.by``.

        Raises:
            FudianError: the engine is not known, or a column cannot be broken down by.
            MissingExtraError: the engine's package is not installed.
        """
        return self._figures(indices, query, engine)

    def ieee(self, query: Query, engine: str = "polars") -> pl.DataFrame:
        """Return the indices of IEEE 1366, one row per combination of ``query.by``; see :func:`reliability.ieee_indices`.

        Raises:
            FudianError: the engine is not known, or a column cannot be broken down by.
            MissingExtraError: the engine's package is not installed.
        """
        return self._figures(ieee_indices, query, engine)

    def totals(self, query: Query) -> pl.DataFrame:
        """Return the figures of :meth:`indices` that are sums over days, and those sums over users.

        Returns:
            The columns of ``query.by``, ``N_T``, ``CH``, ``CI``, and of each variant ``SAIDI-k`` and ``SAIFI-k``.

        Raises:
            FudianError: a column cannot be broken down by.
        """
        query, names = query.known, [f"{name}-{each}" for name in ("SAIDI", "SAIFI") for each in VARIANTS]
        cube = self._cube(query)
        if cube is None or not cube.answers(query.period):
            return self.indices(query).select(*query.by, "N_T", "CH", "CI", *names)
        told = cube.totals(query.period, query.by, self._left_out(query), query.where)
        hours = {
            f"CH-{variant}": pl.col(f"us-{variant}").cast(pl.Float64) / MICROSECONDS_PER_HOUR for variant in VARIANTS
        }
        some = pl.col("N_T") > 0
        per_user = {
            f"SAIDI-{variant}": pl.when(some).then(pl.col(f"CH-{variant}") / pl.col("N_T")) for variant in VARIANTS
        }
        per_user |= {
            f"SAIFI-{variant}": pl.when(some).then(pl.col(f"CI-{variant}") / pl.col("N_T")) for variant in VARIANTS
        }
        ratios = told.with_columns(**hours).with_columns(CH="CH-1", CI=pl.col("CI-1").cast(pl.Int64), **per_user)
        return ratios.select(*query.by, "N_T", "CH", "CI", *names)

    def hours_by_day(self, query: Query, column: str | None = None) -> pl.DataFrame | None:
        """Return the customer-hours of each day with any, where they are summed already: ``day`` (since 1970), ``ch``.

        Args:
            query: what the figure covers.
            column: of the users, by which they are broken down.
        """
        cube, period = self._cube(query), query.known.period
        if cube is None or not cube.answers(period):
            return None
        told = cube.hours_by_day(period, column, self._left_out(query), query.where)
        return told.with_columns(ch=pl.col("us-1").cast(pl.Float64) / MICROSECONDS_PER_HOUR).drop("us-1")

    def _left_out(self, query: Query) -> MajorEventDays | None:
        return self._days_until(query) if query.med == "exclude" else None

    def _users_on(self, query: Query, engine: str) -> Any:
        cube = self._cube(query, engine)
        if cube is not None and query.period.start >= cube.since:
            return cube.users
        return self._tables_on(query, engine)[1]

    def _figures(self, figures_of: Callable[..., Any], query: Query, engine: str) -> pl.DataFrame:
        query = query.known
        users = chosen(self._users_on(query, engine), query.where)
        rows = self._ledger_on(query, engine)
        if has_order(nw.from_native(rows)):
            self._tally(query, engine, rows)  # while they are at hand: the basis of the figures tells it
        figures = from_engine(figures_of(rows, users, query.by, query.period, self.settings, query.as_of))
        figures = figures.with_columns(pl.col("CI", "CN").cast(pl.Int64))
        return figures.sort(*query.by, nulls_last=True) if query.by else figures

    def differences(self, query: Query) -> pl.DataFrame:
        """Return each index by both standards and why they differ; see :func:`reliability.ieee.differences`.

        The figures of DL/T 836 hold every day; those of IEEE 1366 treat major event days as the query does.
        """
        query = query.known
        rows = self.ledger(replace(query, med="include"))
        kept = self.ledger(query) if query.med == "exclude" else None
        users = self.users(query)
        return differences(rows, users, query.by, query.period, self.settings, query.as_of, kept)

    def both_standards(self, query: Query, engine: str = "polars", language: str = "en") -> dict[str, Any]:
        """Return ``ieee`` and ``differences`` for commands and routes: each difference with what adds up to it, and why.

        ``ieee_rule_pack`` names the rules of the one, ``comparison`` says that the other counts by different ones.
        """
        words = {reason: said.in_language(language) for reason, said in reason_words(self.settings).items()}
        explained = [
            {name: value for name, value in row.items() if name not in words}
            | {
                "because": [
                    {"reason": reason, "amount": row[reason], "says": said}
                    for reason, said in words.items()
                    if row[reason]
                ]
            }
            for row in self.differences(query).iter_rows(named=True)
        ]
        return {
            "ieee": self.ieee(query, engine).to_dicts(),
            "ieee_rule_pack": IEEE_1366_2012.as_dict(query.known.period),
            "differences": explained,
            "comparison": across_packs(DLT_836_2016, IEEE_1366_2012, language),
        }

    def major_event_days(self, query: Query) -> MajorEventDays:
        """Return the major event days of the query's period: one list for the whole utility, whatever the query is about.

        Days before the period from which an outage reaches into it are listed too.
        """
        found = major_event_days(self._daily_saidi(query), query.period, self.settings)
        earlier = self._days_until(query).days
        cube = self._cube(replace(query, level="mv"))
        rows = cube.merged if cube else self.interruptions(source=query.source)
        rows = rows.select("start", "end").filter(pl.col("start") < query.period.start)
        reaching = (
            rows.filter(pl.col("end").is_null() | (pl.col("end") > query.period.start))
            .select(day_of(pl.col("start"), self.zone))
            .to_series()
            .unique()
        )
        return replace(found, days=tuple(sorted({*found.days, *(set(earlier) & set(reaching))})), zone=self.zone)

    def _days_until(self, query: Query) -> MajorEventDays:
        """Return all major event days up to the end of the query's period: records that began on them are left out."""
        daily = self._daily_saidi(query)
        first = min([query.period.start.year, *daily["day"].dt.year().head(1)])
        found = major_event_days(daily, replace(query.period, start=datetime(first, 1, 1)), self.settings)
        return replace(found, zone=self.zone)

    def _daily_saidi(self, query: Query) -> pl.DataFrame:
        """Return the SAIDI of every day with interruptions, at medium voltage, as far as is known (R1.17)."""
        key = query.source, query.as_of or self.known_until
        if key not in self._daily:
            cube = self._cube(replace(query, level="mv", as_of=key[1]))
            if cube:
                rows = cube.ledger(Period(cube.since, max(cube.as_of, Period.year(cube.since.year).end)))
                self._daily[key] = saidi_of_days(rows, cube.users)
            else:
                span = known_span(self.interruptions(source=query.source), key[1])
                rows = self.ledger(Query(span, source=query.source, as_of=key[1]))
                self._daily[key] = saidi_of_days(rows, self.population(), self.zone)
        return self._daily[key]

    @cached_property
    def _daily(self) -> dict[tuple[str, datetime], pl.DataFrame]:
        return {}

    def statement(
        self, query: Query, engine: str = "polars", language: str = "en", figures: pl.DataFrame | None = None
    ) -> dict[str, Any]:
        """Return the indices in the form of commands and routes: period, level, basis, rows, rejected.

        Args:
            query: what the figures cover.
            engine: on which they are computed.
            language: of sentences.
            figures: of :meth:`indices` for the same query, where they are at hand already.
        """
        query = query.known
        return {
            "period": query.period.as_dict(),
            "level": query.level,
            "basis": self.basis(query, language, engine),
            "rows": (self.indices(query, engine) if figures is None else figures).to_dicts(),
            "reference": [reference.as_dict() for reference in national_references(query.period)],
            "rejected": [problem.as_dict(language) for problem in self.rejected()],
        }

    def basis(self, query: Query, language: str = "en", engine: str = "polars") -> dict[str, Any]:
        """Return what a figure rests on: users, level, as-of time, major event days, settings, and how much was left out."""
        outages, not_counted = self._tally(query, engine)
        undivided = nw.col("exclusion").is_in(["no_population", "low_voltage_unknown"])
        usable = self.net.workspace.tables["outages"].height
        if query.source == "records":
            cube = self._cube(query, engine)
            rows: Any = nw.from_native(cube.merged if cube else self._tables_on(query, engine)[0])
            usable -= small(rows.filter(undivided).select("outage_id")).shape[0]
        rejected = len({problem.row for problem in self.rejected() if problem.table == "outages"})
        return {
            "variant": "SAIDI-1",
            "rule_pack": DLT_836_2016.as_dict(query.period),
            "source": query.source,
            "outages_of_unknown_nature": outages["unknown"],
            "user_level": query.level.upper(),
            "population_basis": "stated" if self.has_only_stated_users else "equivalent",
            "as_of": (query.as_of or query.period.end).isoformat(),
            "outages_in_period": outages["counted"],
            "outages_that_cut_off_nobody": outages["nobody_off"],
            "outages_not_counted": not_counted,
            "outages_with_more_users_than_there_are": self.count_beyond(query),
            "provisional_outages": outages["provisional"],
            "major_event_days": {"treatment": query.med} | self.major_event_days(query).as_dict(language),
            "overlaps": "merged",
            "record_state": self.settings.record_state,
            "records_by_state": self._records_by_state() if query.source == "records" else None,
            "overrun_class": self.settings.overrun_class,
            "outages_beyond_approved_end": outages["overrun"],
            "short_interruptions": "recorded" if outages["short"] else "not recorded",
            "where": dict(query.where),
            "settings_changed": self.settings.changed() | self.net.workspace.reading.changed(),
            "outages_used": usable,
            "outages_rejected": rejected,
            "rejected_share": rejected / (usable + rejected) if usable + rejected else None,
        }

    def _tally(self, query: Query, engine: str, rows: Any = None) -> tuple[dict[str, int], dict[str, int]]:
        """Return how many outages count, cut off nobody, and so on, and how many count nowhere, by the reason.

        Args:
            query: of the figures.
            engine: on which they are computed.
            rows: the ledger of the query, where it is at hand already.
        """
        key = replace(query, by=()), engine
        if key not in self._tallies:
            self._tallies[key] = _tally(nw.from_native(self._ledger_on(query, engine) if rows is None else rows))
        return self._tallies[key]

    @cached_property
    def _tallies(self) -> dict[tuple[Query, str], tuple[dict[str, int], dict[str, int]]]:
        return {}

    def without_users(self, query: Query) -> tuple[Text, ...]:
        """Say of which classes outages count nowhere, since no number of users is stated for them to be divided by."""
        if not self.has_only_stated_users:
            return ()
        rows = self.ledger(replace(query.known, by=())).filter(pl.col("exclusion") == "no_population")
        counts = rows.group_by("region_class").agg(pl.col("outage_id").n_unique()).sort("region_class")
        span = query.known.period
        return tuple(
            text(
                "{count} outages of {area} from {start} to {end} are not counted: population states no users of it then",
                count=count, area=CLASS_NAMES.get(each, text("no class")), start=span.start, end=span.end,
            )
            for each, count in counts.iter_rows()
        )  # fmt: skip

    @cached_property
    def numbers_beyond(self) -> pl.DataFrame:
        """Records that state more users than there are; see :func:`reliability.numbers_beyond.numbers_beyond`."""
        return numbers_beyond(self.net, self.population(), self.settings.population_ends)

    def count_beyond(self, query: Query) -> int:
        """Return how many records of a query state more users than there are, and count so."""
        if query.source != "records" or (query.level == "lv" and not self.has_only_stated_users):
            return 0
        begun = pl.col("start").is_between(query.period.start, query.period.end, closed="left")
        return self.numbers_beyond.filter(begun).height

    def log_conflicts(self) -> list[Problem]:
        """Return a warning for each record that the switching log cannot explain; it is taken in the normal state (R1.16)."""
        conflicts = self.record_states.conflicts
        if not conflicts:
            return []
        outages = self.net.workspace.tables["outages"]
        file = self.net.workspace.files.get("outages") if self.net.workspace.folder is not None else None
        hint = text("Complete the switching log; the record counts in the normal state of the switches.")
        shown = outages.select("row", "outage_id").rows()
        return [
            Problem("warning", "outages", message, hint, file, shown[part][0], object_id=shown[part][1])
            for part, message in sorted(conflicts.items())
        ]

    def _records_by_state(self) -> dict[str, int]:
        states = list(self.record_states.state.values())
        counts = {name: states.count(name) for name in ("as_logged", "normal")}
        return counts | {"log_conflicts": len(self.record_states.conflicts)}

    @property
    def has_only_stated_users(self) -> bool:
        """Whether the number of users is known from the table ``population`` alone."""
        return self.net.transformers.is_empty() and not self.net.workspace.tables["population"].is_empty()

    def rejected(self) -> list[Any]:
        """Return the problems that left a row of the records out."""
        return [
            problem for problem in self.net.workspace.errors if problem.table in {"outages", "stages", "population"}
        ]

    def audit(self, query: Query) -> Audit:
        """Return where the records differ from switching log and meters; see :func:`reliability.audit.audit`.

        Raises:
            WorkspaceError: there is neither a switching log nor a report of a meter.
        """
        query = query.known
        tables = self.net.workspace.tables
        records = tables["outages"], tables["stages"], tables["switching"], tables["signals"]
        return audit(self.net, *records, query.period, query.level, self.settings, query.as_of)

    def audit_statement(self, query: Query, language: str = "en") -> dict[str, Any]:
        """Return the audit for people and programs: period, level, basis, totals by kind, rows, rejected."""
        query = query.known
        found = self.audit(query)
        log = self.net.workspace.tables["switching"]["time"]
        names = ("audit_tolerance_min", "audit_logged_kinds", "meter_deviation_min", "meter_min_outage_min",
                 "meter_max_outage_min")  # fmt: skip
        rules = self.settings.model_dump(mode="json")
        words = {kind: translate(sentence, language) for kind, sentence in FINDINGS.items()}
        rejected = [
            problem
            for problem in self.net.workspace.errors
            if problem.table in {"outages", "stages", "switching", "signals"}
        ]
        return {
            "period": query.period.as_dict(),
            "level": query.level,
            "basis": {
                "rule_pack": DLT_836_2016.as_dict(query.period),
                "user_level": query.level.upper(),
                "as_of": (query.as_of or query.period.end).isoformat(),
                "recorded_customer_hours": found.recorded_customer_hours,
                "found_customer_hours": found.found_customer_hours,
                "undecided_customer_hours": found.rows["undecided_customer_hours"].sum(),
                "switching_operations": log.len(),
                "switching_from": None if log.is_empty() else log.min().isoformat(),  # type: ignore[union-attr]
                "switching_until": None if log.is_empty() else log.max().isoformat(),  # type: ignore[union-attr]
                "transformers_dead_in_normal_state": len(self.net.energise().dead()),
                "meter_outages": found.meters.off.height,
                "meter_reports_left_out": found.meters.dropped,
                "settings": {name: rules[name] for name in names},
                "rows_rejected": len({(problem.table, problem.row) for problem in rejected}),
            },
            "totals": [{"finding": words[total["kind"]]} | total for total in found.totals()],
            "rows": [{"finding": words[row["kind"]]} | row for row in found.rows.to_dicts()],
            "rejected": [problem.as_dict(language) for problem in rejected],
        }

    def cross_check(self, as_of: datetime | None = None) -> CrossCheck:
        """Return the reliability system's own report beside our figures; see :func:`reliability.cross_check.cross_check`.

        Raises:
            WorkspaceError: there is no usable row of the report.
        """

        def ledger_of(period: Period, level: str) -> tuple[pl.DataFrame, pl.DataFrame]:
            return self.ledger(self.query(period, level=level, as_of=as_of)), self.population(level)

        return cross_check(self.net, ledger_of, self.settings, as_of or stated_as_of(self.net.workspace))

    def live_ratio(
        self, period: Period, where: Mapping[str, str] | None = None, as_of: datetime | None = None
    ) -> LiveRatio:
        """Return the live-line ratio of a period as far as it is known, for the whole or for one unit."""
        query = self.query(period, where=where, as_of=as_of)
        users = float(self.totals(query)["N_T"].sum())
        return live_ratio(
            chosen(self.live_jobs, query.where),
            self.ledger(query),
            chosen(self.connected_with_outage, query.where),
            query.known.period,
            users,
            self.knows_live_jobs,
        )

    def live_ratios(self, period: Period, by: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return the live-line ratio of the whole, or of each ``unit`` or ``month``.

        Raises:
            FudianError: another column.
        """
        if not by:
            return [self.live_ratio(period).as_dict()]
        if list(by) == ["month"]:
            months = self.query(period).known.period.months()
            return [{"month": label} | self.live_ratio(part).as_dict() for label, part in months]
        if list(by) == ["unit"]:
            units = pl.concat([self.live_jobs["unit"], self.places()["unit"]]).drop_nulls().unique().sort()
            return [{"unit": unit} | self.live_ratio(period, {"unit": unit}).as_dict() for unit in units]
        raise FudianError(
            text("The live-line ratio cannot be broken down by {by}.", by=", ".join(by)), text("Use unit or month.")
        )

    @cached_property
    def grid_kpis(self) -> dict[str, Any]:
        """The grid-structure KPIs of the public feeders; see :func:`reliability.grid_kpis.grid_kpis`."""
        return grid_kpis(self.net)

    def grid_kpi(self, kpi: str) -> Kpi | None:
        """Return a rate of the grid with numerator and denominator, or ``None`` where it is none or cannot be computed."""
        return grid_kpi(self.grid_kpis, kpi)

    def operating_kpis(
        self, year: int, as_of: datetime | None = None, base_year: int | None = None
    ) -> Mapping[str, Kpi]:
        """Return the figures of operation of a year; see :func:`reliability.operating_kpis.operating_kpis`."""
        return operating_kpis(self.net, self.settings, year, as_of or stated_as_of(self.net.workspace), base_year)

    @property
    def knows_live_jobs(self) -> bool:
        """Whether there is a table of live jobs, with a usable row unless it has none at all."""
        source = self.net.workspace
        return "live_jobs" in source.files and not (
            source.tables["live_jobs"].is_empty() and source.problems_of("live_jobs", "error")
        )

    @cached_property
    def live_jobs(self) -> pl.DataFrame:
        """The live jobs with the users and customer-hours that each saved."""
        return live_jobs_with_saving(self.net.workspace.tables["live_jobs"], self.net)

    @cached_property
    def connected_with_outage(self) -> pl.DataFrame:
        """The plans by which new connections were made with an outage."""
        return connected_with_outage(self.net.workspace.tables["plans"], self.settings)


def _tally(rows: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many outages of a ledger count, and so on, and how many count nowhere, by the reason.

    The reason is a key of ``NOT_COUNTED``.
    """
    kinds = {
        "counted": nw.col("counted"),
        "nobody_off": (nw.col("exclusion") == "nobody_off").fill_null(value=False),
        "provisional": nw.col("provisional") & nw.col("counted"),
        "unknown": nw.col("counted") & (nw.col("nature") == UNKNOWN).fill_null(value=False),
        "short": nw.col("counted") & ~nw.col("sustained"),
        "overrun": nw.col("counted") & nw.col("overrun"),
    }
    small_kinds = {name: kind.cast(nw.Int8) for name, kind in kinds.items()}
    marked = rows.select("outage_id", nw.col("exclusion").fill_null(""), **small_kinds)
    parts: pl.DataFrame = small(marked.group_by("outage_id", "exclusion").agg(nw.col(*kinds).max())).to_native()
    outages = parts.group_by("outage_id").agg(pl.col(*kinds).max())
    nowhere = outages.filter(pl.col("counted") == 0).select("outage_id")
    silent = parts.filter(pl.col("exclusion") != "").join(nowhere, on="outage_id", how="semi")
    reasons = dict(silent.group_by("exclusion").agg(pl.len()).sort("exclusion").iter_rows())
    nobody = pl.col("nobody_off") * (pl.col("counted") == 0)
    return outages.select(pl.col(*kinds).sum()).row(0, named=True) | outages.select(nobody.sum()).row(
        0, named=True
    ), reasons
