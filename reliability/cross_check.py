"""The reliability system's own report beside our figures: does a row agree with itself, and do we agree with it.

The report is only read. Each of its rows is checked twice: its figures against each other (customer-hours over users give
SAIDI-1, field reference 9.3), and its figures against ours for the same time and users. What cannot be compared says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import polars as pl

from network import Network, Problem, WorkspaceError, text, translate
from network.representation import Shown
from network.tables.code_words import ALL
from network.tables.table_form import ROW
from reliability.index_table import indices
from reliability.natures import URBAN_NETWORK
from reliability.period import Period
from reliability.rule_packs import DLT_836_2016
from reliability.settings import ReliabilitySettings

TABLE = "reliability_report"

NOT_COMPARED: Mapping[str, str] = {
    "not_reported": "the report does not give it",
    "not_computable": "it cannot be computed: the users or hours are not known",
    "period_unclear": "the dates do not say whether the last day is included, or contradict the hours of the period",
    "not_known_yet": "the period reaches beyond what is known",
    "voltage_unclear": "the voltage cannot be read",
    "high_voltage": "users above 20 kV are not counted here",
    "no_customers": "there is no table of low-voltage customers",
    "unit_unknown": "no user has this unit, and the workspace does not carry its name",
    "same_scope": "another row of the report covers the same users and time",
    "unnamed_records": "some records only state a number of users, who have no such class",
    "class_missing": "some users have no such class, so they are in no row",
}
"""Why a figure is not compared, or with what doubt, by code."""

SCHEMA: Mapping[str, type[pl.DataType] | pl.DataType] = {
    "row": pl.UInt32,
    "unit": pl.String,
    "region_class": pl.String,
    "planning_class": pl.String,
    "line_kind": pl.String,
    "start": pl.Datetime("us"),
    "end": pl.Datetime("us"),
    "against": pl.String,
    "figure": pl.String,
    "reported": pl.Float64,
    "computed": pl.Float64,
    "difference": pl.Float64,
    "agrees": pl.Boolean,
    "reason": pl.String,
}

_FIGURES = {
    "N_T": "equivalent_users",
    "CH": "total_customer_hours",
    "SAIDI-1": "saidi_1_h",
    "SAIDI-F": "saidi_f_h",
    "SAIDI-S": "saidi_s_h",
    "ASAI-1": "asai_1_percent",
}
_VOLTAGE = re.compile(r"(\d+(?:\.\d+)?)(?:\s*[（(][^（()）]*[)）])?\s*(k|K|千)?\s*([vV伏])?")
_ROUNDING = 1e-9

LedgerOf = Callable[[Period, str], tuple[pl.DataFrame, pl.DataFrame]]


@dataclass(frozen=True, eq=False, repr=False)
class CrossCheck(Shown):
    """What a comparison with the report found.

    Attributes:
        rows: one row per row of the report and figure: ``row`` (in the file), ``unit``, ``region_class``, ``planning_class``,
            ``line_kind``, ``start``, ``end`` (as understood, exclusive), ``against`` (``itself`` or ``our_records``), ``figure``,
            ``reported``, ``computed`` (from the row's other figures, or by us), ``difference`` (reported less computed),
            ``agrees`` (null where it cannot be said) and ``reason`` (a key of :data:`NOT_COMPARED`). Hours, users,
            customer-hours; ASAI in per cent.
        rules: the tolerances.
        rejected: what is wrong with rows of the report that were left out.
    """

    rows: pl.DataFrame
    rules: ReliabilitySettings
    rejected: tuple[Problem, ...]

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the comparison for people and programs: basis, totals, rows with sentences, rejected."""
        agrees = self.rows["agrees"]
        said = {code: translate(sentence, language) for code, sentence in NOT_COMPARED.items()}
        reasons = pl.col("reason").replace(list(said), list(said.values()))
        return {
            "basis": {
                "rule_pack": DLT_836_2016.id,
                "report_tolerance": self.rules.report_tolerance,
                "report_tolerance_percent": self.rules.report_tolerance_percent,
                "settings_changed": self.rules.changed(),
                "report_rows": self.rows["row"].n_unique(),
                "report_rows_rejected": len({problem.row for problem in self.rejected}),
            },
            "totals": {
                "agree": agrees.sum(),
                "differ": (~agrees).sum(),
                "not_compared": agrees.null_count(),
            },
            "rows": self.rows.with_columns(reason_code="reason", reason=reasons).to_dicts(),
            "rejected": [problem.as_dict(language) for problem in self.rejected],
        }


@dataclass(frozen=True)
class _Scope:
    """The users and the time that a row of the report is about; ``reason`` where they cannot be told."""

    period: Period | None
    level: str
    unit: str | None
    region: str
    planning: str
    line: str
    reason: str | None = None


def cross_check(net: Network, ledger_of: LedgerOf, rules: ReliabilitySettings, as_of: datetime | None) -> CrossCheck:
    """Compare the table ``reliability_report`` with itself and with our figures.

    Args:
        net: the network with its tables.
        ledger_of: gives the ledger and the users of a period and level.
        rules: ``report_tolerance``, ``report_tolerance_percent`` and the rules of the statistics.
        as_of: nothing later is known, so a period that ends later is not compared.

    Raises:
        WorkspaceError: there is no usable row of the report.
    """
    workspace = net.workspace
    report = workspace.tables[TABLE]
    if report.is_empty():
        raise WorkspaceError(
            text("There is no usable row of the reliability system's report."),
            workspace.problems_of(TABLE),
            text("Add the table {table} to the workspace.", table=TABLE),
        )
    records = _Records(net, ledger_of, rules)
    scopes = [_scope(row, records, as_of) for row in report.to_dicts()]
    found: list[dict[str, Any]] = []
    for row, scope in zip(report.to_dicts(), scopes, strict=True):
        shown = {
            "row": row[ROW],
            "unit": _unit(row),
            **{name: row[name] for name in ("region_class", "planning_class", "line_kind")},
            "start": row["start"],
            "end": scope.period.end if scope.period else row["end"],
        }
        repeated = scope.reason is None and scopes.count(scope) > 1
        own = {"reason": "same_scope"} if repeated else records.figures(scope)
        found += [shown | {"against": "itself"} | line for line in _against_itself(row, scope, rules)]
        found += [shown | {"against": "our_records"} | line for line in _against_records(row, own, rules)]
    rejected = tuple(problem for problem in workspace.problems_of(TABLE, "error"))
    return CrossCheck(pl.DataFrame(found, schema=SCHEMA), rules, rejected)


def _line(figure: str, reported: float | None, computed: float | None, tolerance: float) -> dict[str, Any]:
    """Return the comparison of two figures; unknown where one of them is."""
    if reported is None or computed is None:
        reason = "not_reported" if reported is None else "not_computable"
        return {"figure": figure, "reported": reported, "computed": computed, "reason": reason}
    difference = reported - computed
    slack = _ROUNDING * max(1.0, abs(reported))
    return {
        "figure": figure,
        "reported": reported,
        "computed": computed,
        "difference": difference,
        "agrees": abs(difference) <= tolerance + slack,
    }


def _against_itself(row: Mapping[str, Any], scope: _Scope, rules: ReliabilitySettings) -> Iterator[dict[str, Any]]:
    """Compare the figures of one row with each other (9.3)."""
    dated = (scope.period or _longest(row)).hours
    hours = _stated_hours(row)
    if row["period_h"] is not None:
        yield _line("hours", row["period_h"], dated, rules.report_tolerance)
    if row["period_days"] is not None:
        yield _line("days", row["period_days"], dated / 24, rules.report_tolerance)
    users, saidi = row["equivalent_users"], row["saidi_1_h"]
    over_users = row["total_customer_hours"] / users if users and row["total_customer_hours"] is not None else None
    yield _line("SAIDI-1", saidi, over_users, rules.report_tolerance)
    span = hours or (scope.period.hours if scope.period else None)
    served = None if saidi is None or not span else 100 * (1 - saidi / span)
    yield _line("ASAI-1", row["asai_1_percent"], served, rules.report_tolerance_percent)


def _against_records(
    row: Mapping[str, Any], own: Mapping[str, Any], rules: ReliabilitySettings
) -> Iterator[dict[str, Any]]:
    """Compare the figures of one row with ours."""
    for figure, column in _FIGURES.items():
        tolerance = rules.report_tolerance_percent if figure == "ASAI-1" else rules.report_tolerance
        if figure in own:
            line = _line(figure, row[column], own[figure], tolerance)
            yield line | {"reason": line.get("reason") or own["reason"]}
        else:
            yield {"figure": figure, "reported": row[column], "reason": own["reason"]}


# What a row is about ----------------------------------------------------------------------------------------------------


def _scope(row: Mapping[str, Any], records: _Records, as_of: datetime | None) -> _Scope:
    """Return the users and the time of a row of the report, or why they cannot be told."""
    period, unit, level = _period(row), _unit(row), _level(row["voltage"])
    reason = None
    if period is None:
        reason = "period_unclear"
    elif as_of is not None and as_of < period.end:
        reason = "not_known_yet"
    elif level not in {"mv", "lv"}:
        reason = level
    elif level == "lv" and records.net.customers.is_empty():
        reason = "no_customers"
    elif unit is not None and unit not in records.units and unit != records.name:
        reason = "unit_unknown"
    region, planning, line = (row[name] or ALL for name in ("region_class", "planning_class", "line_kind"))
    return _Scope(period, level, None if unit == records.name else unit, region, planning, line, reason)


def _unit(row: Mapping[str, Any]) -> str | None:
    """Return the smallest unit that a row names."""
    return next((str(row[name]) for name in ("unit", "county", "prefecture") if row[name] is not None), None)


def _stated_hours(row: Mapping[str, Any]) -> float | None:
    if row["period_h"] is not None:
        return float(row["period_h"])
    return None if row["period_days"] is None else 24.0 * float(row["period_days"])


def _longest(row: Mapping[str, Any]) -> Period:
    """Return the period with its last day or minute included."""
    end: datetime = row["end"]
    if end.time() == time():
        return Period(row["start"], end + timedelta(days=1))
    return Period(row["start"], (end + timedelta(minutes=1)).replace(second=0, microsecond=0))


def _period(row: Mapping[str, Any]) -> Period | None:
    """Return the period by the dates and the stated hours; without hours only one that ends at 23:59 is clear."""
    longest, hours = _longest(row), _stated_hours(row)
    if hours is None:
        return longest if (row["end"].hour, row["end"].minute) == (23, 59) else None
    candidates = [longest, *([Period(row["start"], row["end"])] if row["end"] > row["start"] else [])]
    return next((candidate for candidate in candidates if abs(candidate.hours - hours) < 0.02), None)


def _level(voltage: str | None) -> str:
    """Return the user level of a voltage such as 10kV, 10（6、20）千伏 or 380V, or why there is none; blank is medium voltage."""
    if voltage is None:
        return "mv"
    found = _VOLTAGE.search(voltage)
    if found is None:
        return "voltage_unclear"
    number, kilo, volt = found.groups()
    kilovolts = float(number) / (1000 if volt and not kilo else 1)
    return "lv" if kilovolts < 1 else "mv" if kilovolts <= 20 else "high_voltage"


# Our figures ------------------------------------------------------------------------------------------------------------


class _Records:
    """Our figures for the scopes of a report; each period is computed once."""

    def __init__(self, net: Network, ledger_of: LedgerOf, rules: ReliabilitySettings) -> None:
        self.net = net
        self.rules = rules
        self.name = str(net.workspace.settings.get("name", "")) or None
        self.units = frozenset(net.transformers["unit"].drop_nulls())
        self._ledger_of = ledger_of
        self._known: dict[tuple[Period, str], tuple[pl.DataFrame, pl.DataFrame]] = {}

    def figures(self, scope: _Scope) -> dict[str, Any]:
        """Return our figures by name, with the doubt as ``reason``; only the reason where they cannot be compared."""
        if scope.reason is not None or scope.period is None:
            return {"reason": scope.reason}
        rows, users = self._of(scope.period, scope.level)
        within = self._users_within(scope)
        if {scope.planning, scope.line} != {ALL} and rows.filter("recorded_only", "counted").height:
            return {"reason": "unnamed_records"}
        figures = indices(rows.filter(within), users.filter(within), (), scope.period, self.rules)
        own = figures.row(0, named=True) if figures.height else {"N_T": 0.0, "CH": 0.0}
        doubtful = bool(users.select(within.is_null().any()).item())
        return {name: own.get(name) for name in _FIGURES} | {"reason": "class_missing" if doubtful else None}

    def _of(self, period: Period, level: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        if (period, level) not in self._known:
            rows, users = self._ledger_of(period, level)
            public = self.net.workspace.tables["feeders"].select("feeder_id", of_public_feeder="public")
            self._known[period, level] = (
                rows.join(public, on="feeder_id", how="left"),
                users.join(public, on="feeder_id", how="left"),
            )
        return self._known[period, level]

    def _users_within(self, scope: _Scope) -> pl.Expr:
        """Return whether a user belongs to a scope; null where the user has no such class."""
        conditions = [pl.lit(value=True)]
        if scope.unit is not None:
            conditions.append(pl.col("unit") == scope.unit)
        urban = pl.col("region_class").is_in(URBAN_NETWORK[self.rules.aggregate_scheme])
        if scope.region in {"urban_net", "rural_net"}:
            conditions.append(urban if scope.region == "urban_net" else ~urban)
        elif scope.region != ALL:
            conditions.append(pl.col("region_class") == scope.region)
        if scope.planning != ALL:
            conditions.append(pl.col("planning_class") == scope.planning)
        if scope.line != ALL:
            conditions.append(pl.col("of_public_feeder") == (scope.line == "public"))
        return pl.all_horizontal(conditions)
