"""Figures of operation that plans set targets for: automation, waiting for an outage, active repair, operations on time.

Each is told with numerator and denominator, or with the reason why there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from network import Network, Text, text
from network.tables.code_words import SECTIONALISING_KINDS
from reliability.grid_kpis import public_feeders
from reliability.period import Period
from reliability.query import Query
from reliability.settings import ReliabilitySettings

REFERENCES: Mapping[str, float] = {
    "master_online_rate": 99.0,
    "terminal_online_rate": 95.0,
    "remote_control_use_rate": 90.0,
    "remote_control_success_rate": 98.0,
    "remote_signal_accuracy": 95.0,
}
"""What the rules of operation of distribution automation ask for at least, in per cent."""


@dataclass(frozen=True)
class Kpi:
    """One figure of operation.

    Attributes:
        kpi: its name, as plans set targets for it.
        value: in per cent; ``None`` where it cannot be computed.
        numerator, denominator: what the value is the ratio of; of a reduction or gain the figure now and that of the base year.
        unit: of numerator and denominator.
        reason: why there is no value, or what was counted.
        base_year: year that a reduction or gain is counted from.
        base: the figure of that year.
        reference: what the rules of operation ask for at least, in per cent.
    """

    kpi: str
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    unit: str = ""
    reason: Text | None = None
    base_year: int | None = None
    base: float | None = None
    reference: float | None = None

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return every figure, the reason as a sentence."""
        return vars(self) | {"reason": self.reason.in_language(language) if self.reason else None}


def operating_kpis(
    net: Network, settings: ReliabilitySettings, year: int, as_of: datetime | None = None, base_year: int | None = None
) -> dict[str, Kpi]:
    """Return the figures of operation of a calendar year by name.

    Args:
        net: the network with its tables.
        settings: rules that the field leaves open.
        year: the calendar year.
        as_of: nothing later is known.
        base_year: year that reductions and gains are counted from; by default as the settings say, else the year before.

    Raises:
        FudianError: the year has not begun at ``as_of``.
    """
    base = base_year or settings.base_year or year - 1
    known = Query(Period.year(year), as_of=as_of).known.period
    return {each.kpi: each for each in _Year(net, settings, year, known, base).all()}


def grid_kpi(figures: Mapping[str, Any], kpi: str) -> Kpi | None:
    """Return a rate of the grid with its numerator and denominator, or ``None`` where it is none or cannot be computed.

    Args:
        figures: of :func:`reliability.grid_kpis.grid_kpis`.
        kpi: name of the rate.
    """
    if figures.get(kpi) is None:
        return None
    base = figures["long_feeders_base"]
    parts = {
        "tie_rate": (figures["tied"], figures["feeders"]),
        "standard_structure_rate": (figures["standard"], figures["feeders"]),
        "long_feeder_reduction": (base - (figures["long_feeders"] or 0) if base else None, base),
    }
    return Kpi(kpi, float(figures[kpi]), *parts.get(kpi, (None, None)), unit="feeders")


def operating_events(net: Network, settings: ReliabilitySettings, kpi: str) -> pl.DataFrame | None:
    """Return what a figure of operation is the mean of, one row an event; ``None`` for a figure that is no mean of events.

    Args:
        net: the network with its tables.
        settings: rules that the field leaves open.
        kpi: name of the figure.

    Returns:
        ``time``; ``credit``: 1 or 0, of applications the days from application to outage.
    """
    tables = net.workspace.tables
    if kpi in _KINDS_OF_ACTIONS:
        actions = tables["automation_actions"].filter(pl.col("kind").fill_null("fa") == _KINDS_OF_ACTIONS[kpi])
        return _events(actions, "time", pl.col("result") == "correct")
    if kpi == "remote_control_use_rate":
        used = tables["automation_actions"].filter(pl.col("kind").is_in(["remote_control", "manual"]))
        return _events(used, "time", pl.col("kind") == "remote_control")
    if kpi == "outage_schedule_time_reduction":
        begins = pl.col("applied") if settings.schedule_time_from == "applied" else pl.coalesce("ready", "applied")
        days = (pl.col("outage_date") - begins).dt.total_seconds() / 86_400
        return _events(tables["applications"], "outage_date", days).filter(pl.col("credit") >= 0)
    if kpi in ("active_repair_rate", "active_repair_rate_gain"):
        # Parts of another order are not counted, nor are orders of an unknown source.
        active, reported = list(settings.active_order_sources), list(settings.reported_order_sources)
        orders = tables["orders"].filter(pl.col("parent_id").is_null() & pl.col("source").is_in([*active, *reported]))
        return _events(orders, "accept_time", pl.col("source").is_in(active))
    if kpi == "operation_punctuality":
        allowed = timedelta(minutes=settings.arrival_tolerance_min)
        parts = [
            _events(tables["plans"].drop_nulls(actual), planned, pl.col(actual) <= pl.col(planned) + allowed)
            for planned, actual in (("start", "open_arrived_at"), ("end", "close_arrived_at"))
        ]
        return pl.concat(parts)
    return None


def _events(table: pl.DataFrame, time: str, credit: pl.Expr) -> pl.DataFrame:
    return table.select(time=pl.col(time), credit=credit.cast(pl.Float64)).drop_nulls()


_KINDS_OF_ACTIONS = {
    "da_action_accuracy": "fa",
    "remote_control_success_rate": "remote_control",
    "remote_signal_accuracy": "remote_signal",
}


@dataclass(frozen=True)
class _Year:
    net: Network
    settings: ReliabilitySettings
    year: int
    known: Period
    base_year: int

    def all(self) -> Iterator[Kpi]:
        yield from self._actions()
        yield from self._coverage()
        yield from self._online()
        yield self._schedule_time()
        yield self._active_repair()
        yield self._active_repair_gain()
        yield self._punctuality()

    # Automation ---------------------------------------------------------------------------------------------------

    def _actions(self) -> Iterator[Kpi]:
        is_empty = self._table("automation_actions").is_empty()
        for kpi in _KINDS_OF_ACTIONS:
            none = text("there are no automation actions of this kind in {year}", year=self.year)
            if is_empty:
                none = text("there is no table of automation actions")
            yield _ratio(kpi, *self._counted(kpi, self.known), "actions", none)
        remote, whole = self._counted("remote_control_use_rate", self.known)
        none = text("no operation of {year} tells whether it was done by remote control or by hand", year=self.year)
        yield _ratio("remote_control_use_rate", remote, whole if whole > remote else 0, "switching operations", none)

    def _counted(self, kpi: str, span: Period) -> tuple[int, int]:
        """Return how many events of a figure were as they should be in a time, and of how many."""
        events = operating_events(self.net, self.settings, kpi)
        inside = _within(events, "time", span)["credit"] if events is not None else pl.Series(dtype=pl.Float64)
        return int(inside.sum()), len(inside)

    def _coverage(self) -> Iterator[Kpi]:
        table = self._table("automation_terminals")
        if table.is_empty():
            none = text("there is no table of automation terminals")
            yield Kpi("da_line_coverage", None, reason=none)
            yield Kpi("da_effective_coverage", None, reason=none)
            return
        day = self.known.end
        serving = table.filter(
            (pl.col("in_service").is_null() | (pl.col("in_service") < day))
            & (pl.col("retired").is_null() | (pl.col("retired") >= day))
        )["branch_id"].unique()
        devices = self._devices.with_columns(served=pl.col("branch_id").is_in(serving.implode()))
        public = public_feeders(self.net)
        per_feeder = devices.group_by("feeder_id").agg(
            terminals=pl.col("served").sum(), needed=pl.col("required").sum(),
            needed_served=(pl.col("served") & pl.col("required")).sum(),
        )  # fmt: skip
        feeders = public.join(per_feeder, on="feeder_id", how="left").with_columns(pl.exclude("feeder_id").fill_null(0))
        least = self.settings.da_required_terminals
        enough = pl.col("terminals") >= least if least else (pl.col("needed_served") == pl.col("needed"))
        none = text("there are no public feeders")
        for kpi, condition in (
            ("da_line_coverage", pl.col("terminals") > 0),
            ("da_effective_coverage", enough & (pl.col("terminals") > 0)),
        ):
            yield _ratio(kpi, feeders.filter(condition).height, feeders.height, "feeders", none)

    @cached_property
    def _devices(self) -> pl.DataFrame:
        """Return which branches belong to which feeders: those of both ends, so a tie belongs to two."""
        net = self.net
        of_node = net.energise().node_feeder
        ends = [of_node.gather(net.from_node), of_node.gather(net.to_node), net.branches["feeder_id"]]
        required = net.branches["kind"].is_in(SECTIONALISING_KINDS)
        parts = [
            pl.DataFrame({"branch_id": net.branches["branch_id"], "feeder_id": end, "required": required})
            for end in ends
        ]
        return pl.concat(parts).drop_nulls("feeder_id").unique()

    def _online(self) -> Iterator[Kpi]:
        table = self._table("automation_outages")
        if table.is_empty():
            none = text("there is no table of automation outages")
            yield Kpi("master_online_rate", None, reason=none, reference=REFERENCES["master_online_rate"])
            yield Kpi("terminal_online_rate", None, reason=none, reference=REFERENCES["terminal_online_rate"])
            return
        span = self.known
        off = _union_hours(table, span)
        master = sum(hours for branch, hours in off.items() if branch is None)
        yield _ratio("master_online_rate", span.hours - master, span.hours, "h", text("the period has no hours"))
        terminals = self._table("automation_terminals")
        in_service = pl.col("in_service").fill_null(span.start).clip(span.start, span.end)
        retired = pl.col("retired").fill_null(span.end).clip(span.start, span.end)
        served = terminals.select("branch_id", h=(retired - in_service).dt.total_seconds() / 3600)
        served = served.group_by("branch_id").agg(pl.col("h").sum())
        whole = float(served["h"].sum())
        known = dict(served.iter_rows())
        lost = sum(min(hours, known[branch]) for branch, hours in off.items() if branch in known)
        none = text("there is no table of automation terminals")
        yield _ratio("terminal_online_rate", whole - lost, whole, "h", none)

    # Waiting, repair, operations ----------------------------------------------------------------------------------

    def _schedule_time(self) -> Kpi:
        now, count = self._mean_days(self.known)
        before, base_count = self._mean_days(Period.year(self.base_year))
        kpi = "outage_schedule_time_reduction"
        if self._table("applications").is_empty():
            return Kpi(kpi, None, reason=text("there is no table of applications"))
        for year, mean in ((self.year, now), (self.base_year, before)):
            if mean is None:
                return Kpi(kpi, None, reason=text("no application has its outage in {year}", year=year))
        value = 100 * (1 - now / before) if now is not None and before else None
        said = text(
            "from {before:.1f} days ({base_count} applications of {base}) to {now:.1f} days ({count} of {year})",
            before=before, base_count=base_count, base=self.base_year, now=now, count=count, year=self.year,
        )  # fmt: skip
        return Kpi(kpi, value, now, before, "days", said, self.base_year, before)

    def _mean_days(self, span: Period) -> tuple[float | None, int]:
        events = operating_events(self.net, self.settings, "outage_schedule_time_reduction")
        days = _within(events, "time", span)["credit"] if events is not None else pl.Series(dtype=pl.Float64)
        return (float(days.mean()) if len(days) else None), len(days)  # type: ignore[arg-type]

    def _active_repair(self) -> Kpi:
        none = text("there are no repair orders of {year} whose source is known", year=self.year)
        return _ratio("active_repair_rate", *self._counted("active_repair_rate", self.known), "orders", none)

    def _active_repair_gain(self) -> Kpi:
        now, all_now = self._counted("active_repair_rate", self.known)
        then, all_then = self._counted("active_repair_rate", Period.year(self.base_year))
        kpi = "active_repair_rate_gain"
        for year, whole in ((self.year, all_now), (self.base_year, all_then)):
            if not whole:
                return Kpi(
                    kpi, None, reason=text("there are no repair orders of {year} whose source is known", year=year)
                )
        rate, base = 100 * now / all_now, 100 * then / all_then
        points = rate - base
        relative = 100 * (rate / base - 1) if base else None
        value = points if self.settings.active_repair_gain == "points" else relative
        said = text(
            "from {base:.1f} % ({then} of {all_then} orders, {base_year}) to {rate:.1f} % ({now} of {all_now}): {points:+.1f} "
            "points, relative {relative}",
            base=base, then=then, all_then=all_then, base_year=self.base_year, rate=rate, now=now, all_now=all_now,
            points=points, relative="—" if relative is None else f"{relative:+.1f} %",
        )  # fmt: skip
        return Kpi(kpi, value, rate, base, "%", said, self.base_year, base)

    def _punctuality(self) -> Kpi:
        none = text("no plan of {year} says when the crew stood ready", year=self.year)
        counted = self._counted("operation_punctuality", self.known)
        return _ratio("operation_punctuality", *counted, "switching operations", none)

    def _table(self, name: str) -> pl.DataFrame:
        return self.net.workspace.tables[name]


def _ratio(kpi: str, part: float, whole: float, unit: str, none: Text) -> Kpi:
    reference = REFERENCES.get(kpi)
    if not whole:
        return Kpi(kpi, None, reason=none, reference=reference)
    return Kpi(kpi, 100 * part / whole, part, whole, unit, reference=reference)


def _within(table: pl.DataFrame, column: str, span: Period) -> pl.DataFrame:
    return table.filter((pl.col(column) >= span.start) & (pl.col(column) < span.end))


def _union_hours(table: pl.DataFrame, span: Period) -> dict[str | None, float]:
    """Return the hours off line inside a period by device, overlaps counted once; ``None`` is the master station."""
    hours: dict[str | None, float] = {}
    until: dict[str | None, datetime] = {}
    for branch, start, end in table.sort("start").select("branch_id", "start", "end").iter_rows():
        first = max(start, span.start, until.get(branch, span.start))
        last = min(end or span.end, span.end)
        hours[branch] = hours.get(branch, 0.0) + max((last - first) / timedelta(hours=1), 0.0)
        until[branch] = max(last, until.get(branch, span.start))
    return hours
