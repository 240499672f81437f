"""Sensor health 动作准确率: what closed incidents tell of each sensor, and the rates that location should reckon with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from network import Network, Supply, WorkspaceError, text
from network.arrays import Indices, Mask
from repair.location.evidence import Sensors, Witnesses, lower_place, tripped_branches
from repair.location.feeders import Feeders
from repair.location.meshed_model import MeshedModel
from repair.location.radial_sections import RadialSections
from repair.location.report_health import report_health
from repair.settings import LocationSettings

BEFORE = timedelta(minutes=5)
"""Signals this long before the recorded start belong to an incident: clocks differ."""

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "branch_id": pl.String,
    "kind": pl.String,
    "correct": pl.Int64,
    "missed": pl.Int64,
    "silent": pl.Int64,
    "quiet": pl.Int64,
    "wrong": pl.Int64,
    "miss_rate": pl.Float64,
    "false_rate": pl.Float64,
    "accuracy": pl.Float64,
}


def sensor_health(
    supply: Supply,
    incidents: pl.DataFrame,
    signals: pl.DataFrame,
    sensors: pl.DataFrame,
    settings: LocationSettings | None = None,
) -> pl.DataFrame:
    """Return what each sensor did when it was known afterwards where the fault had been.

    Args:
        supply: supply before the faults.
        incidents: closed incidents: ``incident_id``, ``branch_id`` (where the crew found the fault), ``start``, ``end`` (a day
            after the start where it is blank).
        signals: the table ``signals`` of a workspace with the signals of all that time.
        sensors: the table ``sensors`` of a workspace.
        settings: default rates, and how many observations they are worth; those of the workspace by default.

    Returns:
        One row per sensor on an energised branch, in the order of the table: ``branch_id``, ``kind``; how often it reported a
        fault beyond it (``correct``), reported none although one was there (``missed``), or was not heard at all then
        (``silent``); how often it rightly reported none (``quiet``) or reported one that was not there (``wrong``);
        ``miss_rate`` and ``false_rate`` as learned, for the table of sensors; ``accuracy`` 动作准确率 = correct / (correct +
        missed + silent + wrong) x 100 (field reference 8), null where the sensor had nothing to report. A sensor above the device
        that cleared a fault is not judged: it may rightly have lost its flag.
    """
    net = supply.network
    rules = settings or LocationSettings.of(net.workspace.settings)
    prepared = Sensors.of(supply, sensors, rules)
    counts = np.zeros((5, net.branches.height), dtype=np.int64)
    for row in incidents.sort("start").iter_rows(named=True):
        until = row["end"] or row["start"] + timedelta(days=1)
        heard = signals.filter(pl.col("time").is_between(row["start"] - BEFORE, until))
        fault = net.branch_index(row["branch_id"])
        if lower_place(supply, fault)[0] >= 0:
            _count(counts, supply, prepared.hearing(supply, heard, rules), heard, fault, rules)
    known = sensors.with_row_index("order").filter(pl.col("branch_id").is_in(_ids(supply, prepared.branch).implode()))
    branch = net.branch_index(known["branch_id"].to_list())
    correct, missed, silent, quiet, wrong = (pl.Series(row[branch]) for row in counts)
    weight = rules.history_weight
    defaults = known.select(
        miss=pl.col("miss_rate").fill_null(rules.miss_rate), false=pl.col("false_rate").fill_null(rules.false_rate)
    )
    acted = correct + missed + silent + wrong
    found = known.select("branch_id", "kind").with_columns(
        correct=correct,
        missed=missed,
        silent=silent,
        quiet=quiet,
        wrong=wrong,
        miss_rate=(missed + defaults["miss"] * weight) / (correct + missed + weight),
        false_rate=(wrong + defaults["false"] * weight) / (quiet + wrong + weight),
        accuracy=pl.select(pl.when(acted > 0).then(correct / acted * 100)).to_series(),
    )
    return found.cast(pl.Schema(SCHEMA))


def action_accuracy(health: pl.DataFrame) -> float | None:
    """Return 动作准确率 of all sensors together, in per cent; ``None`` where nothing acted or should have."""
    acted = int(health.select(pl.sum_horizontal(pl.col("correct", "missed", "silent", "wrong").sum())).item())
    return None if acted == 0 else float(health["correct"].sum()) / acted * 100


def health_of(net: Network) -> dict[str, Any]:
    """Return the sensor health of a workspace: ``incidents`` (how many), ``accuracy`` of all sensors in per cent, ``rows``.

    ``reports`` tells how terminals reported and customers called in these incidents, by unit.

    Raises:
        WorkspaceError: there is no closed incident or no sensor to learn of.
    """
    tables = net.workspace.tables
    for name in ("incidents", "sensors"):
        if tables[name].is_empty():
            raise WorkspaceError(
                text("The table {table} has no row that can be used.", table=name),
                net.workspace.problems_of(name),
                text("Add the table {table} to the workspace.", table=name),
            )
    rows = sensor_health(net.energise(), tables["incidents"], tables["signals"], tables["sensors"])
    reports = report_health(net.energise(), tables["incidents"], tables["signals"])
    return {
        "incidents": tables["incidents"].height,
        "accuracy": action_accuracy(rows),
        "rows": rows.to_dicts(),
        "reports": reports.to_dicts(),
    }


def _ids(supply: Supply, branches: Indices) -> pl.Series:
    return supply.network.branches["branch_id"].gather(branches)


def _count(
    counts: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    supply: Supply,
    hearing: Sensors,
    signals: pl.DataFrame,
    fault: Indices,
    rules: LocationSettings,
) -> None:
    """Add one incident to the counts, shape (correct missed silent quiet wrong, branches)."""
    feeders = Feeders.of(supply, supply.source_above[lower_place(supply, fault)])
    tripped = tripped_branches(supply.network, signals)
    tripped = tripped[feeders.place(lower_place(supply, tripped)) >= 0]
    nobody = Witnesses.of(supply.network, signals.clear(), rules)
    kind = MeshedModel if len(feeders.loops) else RadialSections
    model: MeshedModel | RadialSections = kind(feeders, hearing.on(feeders), tripped, nobody, rules)
    beyond, judged = model.should_show(int(np.flatnonzero(model.branch == fault[0])[0]))
    report, branch = model.sensors.report, model.sensors.branch
    unheard = np.isnan(report)
    seen = ~unheard & (report != 0)
    happened: tuple[Mask, ...] = (
        beyond & seen,
        beyond & ~unheard & ~seen,
        beyond & unheard,
        ~beyond & ~unheard & ~seen,
        ~beyond & seen,
    )
    for row, each in zip(counts, happened, strict=True):
        row[branch[each & judged]] += 1
