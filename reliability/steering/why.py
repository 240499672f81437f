"""Why a figure changed between two periods: users, frequency, extent and duration, by cause, class, unit, feeder or device.

Each part of a breakdown adds ``E · X · D / N`` to the figure: events, users off per event, hours per user off, over all users.
Its change is given to the four by their Shapley values: each is what changing it adds, averaged over all orders in which the four
can be changed (Shapley 1953; in energy statistics Albrecht, François and Schoors, Energy Policy 30, 2002). The four add up to
the change of the part, and the parts to the change of the figure: there is no residual.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import polars as pl

from network import FudianError, Text, text
from reliability.query import Query
from reliability.rule_packs import DLT_836_2016
from reliability.statistics import Statistics
from reliability.steering.shrinkage import Ranked, ranked

FACTORS = ("users", "frequency", "extent", "duration")
BY = ("nature", "cause", "region_class", "planning_class", "unit", "feeder_id", "device")
"""Columns by which a change can be broken down."""

METRICS = ("saidi", "saifi")
_ORDERS = tuple(permutations(range(len(FACTORS))))
_WHOLE = "whole"


@dataclass(frozen=True)
class Part:
    """What one part of the breakdown adds to the change, per user: hours of SAIDI or times of SAIFI.

    Attributes:
        value: the values of the columns, in their order; ``None`` where a record has none.
        before, after: what it added to the figure of each period.
        events_before, events_after: its outages.
        users, frequency, extent, duration: shares of the change; their sum is ``total``.
    """

    value: tuple[str | None, ...]
    before: float
    after: float
    events_before: int
    events_after: int
    users: float
    frequency: float
    extent: float
    duration: float

    @property
    def total(self) -> float:
        """The change of the part."""
        return self.after - self.before


UNRECORDED = timedelta(days=31)
"""A period that begins so long before the first recorded outage may lack records, and says so."""


@dataclass(frozen=True)
class Why:
    """The change of a figure from one period to another, in parts that add up to it.

    Attributes:
        metric: ``saidi`` (hours per user) or ``saifi`` (times per user).
        by: the columns of the breakdown.
        before, after: the queries of the two periods.
        value_before, value_after: the figure.
        users_before, users_after: equivalent users.
        parts: greatest change first.
        ranking: the values of a single column of users by their figure of the second period, small numbers shrunk.
        records_from: when the first recorded outage began.
        without_users: of which classes outages of either period count nowhere.
    """

    metric: str
    by: tuple[str, ...]
    before: Query
    after: Query
    value_before: float
    value_after: float
    users_before: float
    users_after: float
    parts: tuple[Part, ...]
    ranking: tuple[Ranked, ...]
    records_from: datetime | None = None
    without_users: tuple[Text, ...] = ()

    @property
    def change(self) -> float:
        """The change of the figure."""
        return self.value_after - self.value_before

    @property
    def residual(self) -> float:
        """What the parts leave unexplained: nothing but the last bits of sums."""
        return self.change - math.fsum(getattr(part, factor) for part in self.parts for factor in FACTORS)

    def share(self, factor: str) -> float:
        """Return what one of :data:`FACTORS` adds to the change over all parts."""
        return math.fsum(getattr(part, factor) for part in self.parts)

    @property
    def notes(self) -> tuple[Text, ...]:
        """What a reader must know before comparing the two periods."""
        found = []
        before, after = self.before.known.period, self.after.known.period
        if abs(before.hours - after.hours) > 48:
            found.append(
                text(
                    "the periods differ in length: {before:.0f} h and {after:.0f} h; nothing is extrapolated",
                    before=before.hours,
                    after=after.hours,
                )
            )
        first = self.records_from
        if first is None:
            found.append(
                text("no outage is recorded before {moment}: that nothing happened is not known", moment=after.end)
            )
        found += [
            text(
                "the first recorded outage began at {first}: whether there was none from {start} until then is not known",
                first=first, start=period.start,
            )
            for period in (before, after)
            if first is not None and period.start + UNRECORDED < first
        ]  # fmt: skip
        found += [
            text("the period is known only until {moment}", moment=query.known.period.end)
            for query in (self.before, self.after)
            if not query.is_over
        ]
        return (*found, *self.without_users)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return ``change``, ``parts`` and ``residual`` in the form of commands and routes, with what they rest on."""
        columns = ",".join(self.by)

        def form(part: Part) -> dict[str, Any]:
            named = vars(part) | {"by": columns, "value": part.value[0] if len(part.value) == 1 else list(part.value)}
            return {"by": named.pop("by"), "value": named.pop("value")} | named | {"total": part.total}

        return {
            "metric": self.metric,
            "from": self.before.known.period.as_dict() | {"value": self.value_before, "N_T": self.users_before},
            "to": self.after.known.period.as_dict() | {"value": self.value_after, "N_T": self.users_after},
            "basis": {
                "level": self.after.level,
                "major_event_days": self.after.med,
                "rule_pack": DLT_836_2016.id,
                "by": list(self.by),
                "notes": [note.in_language(language) for note in self.notes],
            },
            "change": self.change,
            "shares": {factor: self.share(factor) for factor in FACTORS},
            "parts": [form(part) for part in self.parts],
            "ranking": [each.as_dict() for each in self.ranking],
            "residual": self.residual if abs(self.residual) > 1e-12 else 0,
        }


def why(
    statistics: Statistics, before: Query, after: Query, metric: str = "saidi", by: Sequence[str] = ("nature",)
) -> Why:
    """Return why SAIDI-1 or SAIFI-1 changed from one period to another.

    Args:
        statistics: of the workspace.
        before: the period to compare with.
        after: the period that is explained; level and major event days are those of both.
        metric: ``saidi`` or ``saifi``.
        by: any of :data:`BY`, one or several; none gives the whole as one part.

    Raises:
        FudianError: the metric or a column is not known, or a period has no users.
    """
    if metric not in METRICS:
        raise FudianError(text("There is no figure {metric!r}.", metric=metric), text("Use saidi or saifi."))
    for column in by:
        if column not in BY:
            raise FudianError(
                text("A change cannot be broken down by {column!r}.", column=column),
                text("Use any of: {columns}.", columns=", ".join(BY)),
            )
    users = [_users(statistics, query) for query in (before, after)]
    tables = [_cells(statistics, query, metric, tuple(by)) for query in (before, after)]
    keys = dict.fromkeys([*tables[0], *tables[1]])
    parts = [_part(key, tables[0].get(key, _NONE), tables[1].get(key, _NONE), users) for key in keys]
    parts.sort(key=lambda part: (-abs(part.total), [each or "" for each in part.value]))
    values = [
        math.fsum(cell.amount for cell in table.values()) / each for table, each in zip(tables, users, strict=True)
    ]
    ranking = ranked(statistics, after, by[0], metric) if tuple(by) in {(column,) for column in _OF_USERS} else ()
    first: Any = statistics.net.workspace.tables["outages"]["start"].min()
    unsaid = tuple(each for query in (before, after) for each in statistics.without_users(query))
    return Why(
        metric, tuple(by), before, after, values[0], values[1], users[0], users[1], tuple(parts), ranking, first, unsaid
    )  # fmt: skip


_OF_USERS = ("region_class", "planning_class", "unit", "feeder_id")


@dataclass(frozen=True)
class _Cell:
    """One part of one period: its outages, the users they hit, and customer-hours or customer-interruptions."""

    events: int
    hit: float
    amount: float


_NONE = _Cell(0, 0.0, 0.0)


def _users(statistics: Statistics, query: Query) -> float:
    users = float(statistics.indices(query)["N_T"].sum())
    if not users:
        raise FudianError(text("No user was in service in the period from {start}.", start=query.period.start))
    return users


def _cells(
    statistics: Statistics, query: Query, metric: str, by: tuple[str, ...]
) -> dict[tuple[str | None, ...], _Cell]:
    rows = statistics.ledger(query.known).filter(pl.col("counted"))
    if metric == "saifi":
        rows = rows.filter(pl.col("count") > 0)
    if "device" in by:
        rows = rows.join(_devices(statistics), on="outage_id", how="left", maintain_order="left")
    amount = pl.col("users") * (pl.col("h") if metric == "saidi" else pl.col("count"))
    keys = list(by) or [_WHOLE]
    found = rows.with_columns(pl.lit("").alias(_WHOLE)).with_columns(
        hit=pl.when(pl.col("user_id").is_null() | pl.struct(*keys, "outage_id", "user_id").is_first_distinct())
        .then("users").otherwise(0)
    )  # fmt: skip
    if metric == "saifi":
        found = found.with_columns(hit=pl.col("users") * pl.col("count"))
    sums = found.group_by(keys).agg(
        events=pl.col("outage_id").n_unique(),
        hit=pl.col("hit").sum().cast(pl.Float64),
        amount=amount.sum().cast(pl.Float64),
    )
    return {row[:-3]: _Cell(*row[-3:]) for row in sums.sort(keys, nulls_last=True).iter_rows()}


def _devices(statistics: Statistics) -> pl.DataFrame:
    """Return ``device`` of each outage: the kind of the branch that the record names, or what else it names."""
    kinds = statistics.net.branches.select("branch_id", kind="kind")
    outages = statistics.net.workspace.tables["outages"].join(kinds, on="branch_id", how="left", maintain_order="left")
    named = (
        pl.when(pl.col("customer_id").is_not_null()).then(pl.lit("customer"))
        .when(pl.col("transformer_id").is_not_null()).then(pl.lit("transformer"))
        .when(pl.col("branch_id").is_not_null()).then("kind")
        .when(pl.col("feeder_id").is_not_null()).then(pl.lit("feeder"))
    )  # fmt: skip
    return outages.select("outage_id", device=named).unique("outage_id", keep="first", maintain_order=True)


def _part(key: tuple[str | None, ...], before: _Cell, after: _Cell, users: Sequence[float]) -> Part:
    shares = _shares(_factors(before, after, users[0]), _factors(after, before, users[1]))
    sums = before.amount / users[0], after.amount / users[1]
    return Part(key, *sums, before.events, after.events, *shares)


def _factors(own: _Cell, other: _Cell, users: float) -> tuple[float, float, float, float]:
    """Return 1/N, E, X and D of one period; where nothing happened, extent and duration are those of the other."""
    known = own if own.events else other
    extent = known.hit / known.events if known.events else 0.0
    timed = own if own.hit else other
    duration = timed.amount / timed.hit if timed.hit else 0.0
    return 1 / users, float(own.events), extent, duration


def _shares(before: Sequence[float], after: Sequence[float]) -> list[float]:
    """Return the Shapley value of each factor in the change of their product."""
    shares = [0.0] * len(before)
    for order in _ORDERS:
        now = list(before)
        product = math.prod(now)
        for factor in order:
            now[factor] = after[factor]
            changed = math.prod(now)
            shares[factor] += changed - product
            product = changed
    return [share / len(_ORDERS) for share in shares]
