"""Six incidents as their signals arrive, each with something that makes it hard, and the operations that followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

import numpy as np
import polars as pl

from data_samples.generator.network import Grid
from data_samples.generator.outages import Records, seconds, section_devices, told_outage
from network.tables.code_words import NATURES


@dataclass(frozen=True)
class Incident:
    """One incident of the first district.

    Attributes:
        name: names the file of its signals.
        feeder: index of the feeder.
        start: when supply was lost.
        end: when it was back for all; ``None`` while it lasts.
        cause: what was found.
        section: faulted section of the trunk; ``None`` for a lateral.
        lost_section: section whose terminal stays silent although it should report.
        false_section: section whose terminal reports a fault that it cannot have seen.
        recloses: the breaker closes again by itself and stays closed.
    """

    name: str
    feeder: int
    start: str
    end: str | None
    cause: str
    section: int | None = None
    lost_section: int | None = None
    false_section: int | None = None
    recloses: bool = False


TRUNK_INCIDENTS = (
    Incident("incident-1", 8, "2022-09-14 10:22:08", "2022-09-14 13:05:40", "外力破坏", section=1),
    Incident("incident-2", 1, "2022-10-09 07:48:31", "2022-10-09 10:31:05", "设备老化", section=2, lost_section=1),
    Incident("incident-3", 0, "2022-11-28 16:03:47", "2022-11-28 17:48:20", "外力破坏", section=0, false_section=3),
    Incident("incident-4", 5, "2022-12-05 02:17:55", None, "鸟害", section=1, recloses=True),
)
LATERAL_INCIDENT = Incident("incident-5", 13, "2022-12-31 21:37:12", None, "覆冰")
TRANSFORMER_INCIDENT = Incident("incident-6", 10, "2022-12-20 18:51:20", "2022-12-20 20:40:00", "过载")

MONTH_END_OUTAGES = (
    ("new-year-2021", 7, "2020-12-31 22:08:00", "2021-01-01 03:41:30", "覆冰"),
    ("new-year-2022", 12, "2021-12-31 23:12:40", "2022-01-01 01:55:10", "大风"),
    ("month-end", 11, "2022-06-30 23:03:15", "2022-07-01 02:16:45", "雷击"),
)
"""Faults of a lateral that last over midnight at the end of a year or a month: name, feeder, start, end, cause."""

OFF_REPORT_SHARE = 0.85
LIVE_ANSWERS = 6
SIGNAL_SCHEMA = {
    "time_s": pl.Int64,
    "object": pl.String,
    "object_id": pl.String,
    "kind": pl.String,
    "value": pl.Float64,
}


@dataclass(frozen=True)
class Scene:
    """Where the incidents play: the network, its sensors and customers, and the chance that shapes the reports."""

    grid: Grid
    sensors: pl.DataFrame
    customers: pl.DataFrame
    rng: np.random.Generator

    def feeder_id(self, incident: Incident) -> str:
        """Return the id of the incident's feeder."""
        return _feeder_id(self.grid, incident.feeder)


@dataclass(frozen=True)
class Story:
    """What the incidents leave behind.

    Attributes:
        signals: by file name without suffix, the table ``signals`` of that incident.
        truth: by the same name, the branch that was faulted; ``None`` where no branch was.
        outages: the outage records, with the columns of :data:`data_samples.generator.outages.SCHEMA` that they fill.
    """

    signals: dict[str, pl.DataFrame]
    truth: dict[str, str | None]
    outages: pl.DataFrame


def make_story(grid: Grid, sensors: pl.DataFrame, customers: pl.DataFrame, rng: np.random.Generator) -> Story:
    """Tell the incidents.

    Args:
        grid: the network; the first fourteen feeders play.
        sensors: the table ``sensors``.
        customers: the table ``customers``; some of them call.
        rng: generator of the random numbers.

    Returns:
        Signals, truth and outage records.
    """
    scene = Scene(grid, sensors, customers, rng)
    signals: dict[str, pl.DataFrame] = {}
    truth: dict[str, str | None] = {}
    outages: list[dict[str, Any]] = []
    for incident in TRUNK_INCIDENTS:
        fault = _trunk_span(grid, incident)
        signals[incident.name] = _as_table(_trunk_signals(scene, incident, fault))
        truth[incident.name] = fault["branch_id"]
        if not incident.recloses:
            outages.append(_outage(incident, fault))
    fault = _lateral_span(grid, LATERAL_INCIDENT.feeder)
    signals[LATERAL_INCIDENT.name] = _as_table(_lateral_signals(scene, LATERAL_INCIDENT, fault))
    truth[LATERAL_INCIDENT.name] = fault["branch_id"]
    outages.append(_outage(LATERAL_INCIDENT, fault))
    rows, outage = _transformer_story(scene, TRANSFORMER_INCIDENT)
    signals[TRANSFORMER_INCIDENT.name], truth[TRANSFORMER_INCIDENT.name] = _as_table(rows), None
    outages.append(outage)
    outages += [_midnight_outage(grid, each) for each in MONTH_END_OUTAGES]
    return Story(signals=signals, truth=truth, outages=pl.DataFrame(outages, infer_schema_length=None))


def _as_table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return (
        pl.DataFrame(rows, schema=SIGNAL_SCHEMA)
        .sort("time_s", "object", "object_id")
        .with_columns(time=pl.from_epoch("time_s", time_unit="s").cast(pl.Datetime("us")))
        .select("time", "object", "object_id", "kind", "value")
    )


def _feeder_id(grid: Grid, feeder: int) -> str:
    return str(grid.feeders["feeder_id"][feeder])


def _trunk_span(grid: Grid, incident: Incident) -> dict[str, Any]:
    """Return the middle span of the incident's section of the trunk."""
    spans = grid.branches.filter(
        pl.col("feeder_id") == _feeder_id(grid, incident.feeder),
        pl.col("section") == incident.section,
        pl.col("lateral_id").is_null(),
        pl.col("kind").is_in(["line", "cable"]),
        ~pl.col("name").str.contains("联络段|并列"),
    )
    return spans.row(spans.height // 2, named=True)


def _lateral_span(grid: Grid, feeder: int) -> dict[str, Any]:
    """Return the first span of the feeder's fused lateral with most transformers."""
    feeder_id = _feeder_id(grid, feeder)
    count = grid.transformers.filter(pl.col("feeder_id") == feeder_id).group_by("lateral_id").agg(count=pl.len())
    spans = (
        grid.branches.filter(pl.col("feeder_id") == feeder_id, pl.col("protective_id") == pl.col("lateral_id"))
        .filter(pl.col("kind") == "line")
        .join(count, on="lateral_id")
        .sort("count", "branch_id", descending=[True, False])
    )
    return spans.row(0, named=True)


def _outage(incident: Incident, fault: dict[str, Any]) -> dict[str, Any]:
    return told_outage(
        incident.name,
        incident.start,
        incident.end,
        incident.cause,
        branch_id=fault["protective_id"],
        fault_branch_id=fault["branch_id"],
    )


def _midnight_outage(grid: Grid, told: tuple[str, int, str, str, str]) -> dict[str, Any]:
    key, feeder, start, end, cause = told
    fault = _lateral_span(grid, feeder)
    return told_outage(key, start, end, cause, branch_id=fault["protective_id"], fault_branch_id=fault["branch_id"])


def _signal(time_s: int, of: str, object_id: str, kind: str, *, value: float | None = None) -> dict[str, Any]:
    return {"time_s": time_s, "object": of, "object_id": object_id, "kind": kind, "value": value}


def _trunk_signals(scene: Scene, incident: Incident, fault: dict[str, Any]) -> list[dict[str, Any]]:
    start_s = seconds(incident.start)
    rows = [_signal(start_s, "branch", fault["protective_id"], "trip"), *_terminal_flags(scene, incident)]
    if incident.recloses:
        return [*rows, _signal(start_s + 1, "branch", fault["protective_id"], "reclose")]
    branches = scene.grid.branches
    tripped_section = branches.filter(pl.col("branch_id") == fault["protective_id"])["section"][0]
    beyond = pl.col("section") >= tripped_section
    return rows + _reports(scene, incident, beyond, callers=1)


def _terminal_flags(scene: Scene, incident: Incident) -> list[dict[str, Any]]:
    """Return what the terminals of the feeder report: 1 on the way to the fault, 0 elsewhere, one lost, one false."""
    feeder_id, start_s = scene.feeder_id(incident), seconds(incident.start)
    devices = section_devices(scene.grid).filter(pl.col("feeder_id") == feeder_id)
    section_of = dict(devices.select("device_id", "section").iter_rows())
    of_feeder = pl.col("branch_id").str.starts_with(f"{feeder_id}-")
    rows = []
    for branch_id in scene.sensors.filter(pl.col("kind") == "ftu", of_feeder)["branch_id"]:
        section = section_of.get(branch_id)
        seen = section is not None and (section <= (incident.section or 0) or section == incident.false_section)
        if section is None or section != incident.lost_section:
            delay_s = int(scene.rng.integers(1, 12))
            rows.append(_signal(start_s + delay_s, "branch", branch_id, "fault_current", value=float(seen)))
    return rows


def _lateral_signals(scene: Scene, incident: Incident, fault: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the signals of a blown fuse: no trip is reported, only meters fall silent and people call."""
    on_lateral = (pl.col("lateral_id") == fault["lateral_id"]).fill_null(value=False)
    return _reports(scene, incident, on_lateral, callers=3)


def _reports(scene: Scene, incident: Incident, off: pl.Expr, *, callers: int) -> list[dict[str, Any]]:
    """Return what meters and people say: most dark transformers report it, some live ones answer, a few people call.

    Args:
        scene: where it plays.
        incident: what happened.
        off: which transformers of the feeder lost supply; one with a second supply did not.
        callers: how many people call.

    Returns:
        Rows of signals.
    """
    served = _in_service(scene, incident)
    off = off & pl.col("second_node").is_null()
    dark, live = served.filter(off)["transformer_id"].to_list(), served.filter(~off)["transformer_id"].to_list()
    return _dark_reports(scene, incident, dark) + _reads(scene, incident, live) + _calls(scene, incident, dark, callers)


def _in_service(scene: Scene, incident: Incident) -> pl.DataFrame:
    """Return the transformers of the incident's feeder that are in service."""
    moment = pl.lit(incident.start).str.to_datetime(time_unit="us")
    return scene.grid.transformers.filter(
        pl.col("feeder_id") == scene.feeder_id(incident),
        pl.col("in_service") <= moment,
        (pl.col("retired") > moment).fill_null(value=True),
    )


def _dark_reports(scene: Scene, incident: Incident, transformer_ids: list[str]) -> list[dict[str, Any]]:
    heard = scene.rng.random(len(transformer_ids)) < OFF_REPORT_SHARE
    delays_s = scene.rng.integers(3, 170, len(transformer_ids))
    return [
        _signal(seconds(incident.start) + int(delay_s), "transformer", transformer_id, "off")
        for transformer_id, ok, delay_s in zip(transformer_ids, heard, delays_s, strict=True)
        if ok
    ]


def _reads(scene: Scene, incident: Incident, transformer_ids: list[str]) -> list[dict[str, Any]]:
    """Return answers to on-demand reading: these transformers are live."""
    return [
        _signal(seconds(incident.start) + 200 + int(scene.rng.integers(0, 60)), "transformer", transformer_id, "read")
        for transformer_id in transformer_ids[:LIVE_ANSWERS]
    ]


def _calls(scene: Scene, incident: Incident, transformer_ids: list[str], count: int) -> list[dict[str, Any]]:
    start_s = seconds(incident.start)
    moment = pl.from_epoch(pl.lit(start_s), time_unit="s")
    callers = scene.customers.filter(
        pl.col("transformer_id").is_in(transformer_ids),
        pl.col("second_transformer_id").is_null(),
        pl.col("in_service") <= moment,
        (pl.col("retired") > moment).fill_null(value=True),
    )["customer_id"]
    chosen = callers.gather(scene.rng.permutation(callers.len())[:count])
    return [_signal(start_s + 240 + int(scene.rng.integers(0, 240)), "customer", each, "call") for each in chosen]


def _transformer_story(scene: Scene, incident: Incident) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return signals and outage of one transformer: its neighbours answer, some of its customers call."""
    served = _in_service(scene, incident).filter(pl.col("public"), pl.col("second_node").is_null())["transformer_id"]
    transformer_id, others = str(served[0]), served[1:].to_list()
    rows = [_signal(seconds(incident.start), "transformer", transformer_id, "off")]
    rows += _reads(scene, incident, others) + _calls(scene, incident, [transformer_id], 4)
    outage = told_outage(incident.name, incident.start, incident.end, incident.cause, transformer_id=transformer_id)
    return rows, outage


LOGGED_KINDS = ("breaker", "recloser", "switch", "disconnector")
DEVIATIONS = (
    "none", "late_record", "seconds", "long_record", "not_done", "overrun", "none", "none", "none", "above", "below",
)  # fmt: skip
"""How the log differs from the records that nobody tells a story about, one after the other: the record begins 14 minutes late,
is 40 seconds or 25 minutes out at its end, tells of planned work that was called off, ends 35 minutes too soon, or names the
device below or above the one that opened."""

UNRECORDED = ("F11-K02", "2022-11-08 09:04:00", "2022-11-08 10:16:00")
"""A device, and when it was opened and closed without any record."""


def make_switching(grid: Grid, records: Records) -> pl.DataFrame:
    """Return the log since the first told incident.

    The told trunk faults are as recorded: trip, isolation, restoration of both sides, normal state. The other records of
    switching devices differ from it by :data:`DEVIATIONS`, so that an audit has something to find.
    """
    told = records.outages.filter(pl.col("key").is_in([incident.name for incident in TRUNK_INCIDENTS]))
    logged = grid.branches.filter(pl.col("kind").is_in(LOGGED_KINDS))["branch_id"]
    others = records.outages.filter(
        pl.col("branch_id").is_in(logged.implode())
        & (pl.col("start") > told["start"].min())
        & pl.col("end").is_not_null()
        & ~pl.col("external")
        & ~pl.col("outage_id").is_in(told["outage_id"].implode())
    )
    done = [*told.iter_rows(named=True), *_as_done(grid, others)]
    rows = [row for outage in done for row in _operations(grid, records.stages, outage)]
    device, opened, closed = UNRECORDED
    rows += [
        (datetime.fromisoformat(opened), device, "open", "消缺"),
        (datetime.fromisoformat(closed), device, "close", "恢复送电"),
    ]
    table = pl.DataFrame(rows, schema=["time", "branch_id", "action", "reason"], orient="row")
    return table.with_columns(pl.col("time").cast(pl.Datetime("us"))).sort("time", maintain_order=True)


def _as_done(grid: Grid, outages: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the outages as they truly were: the records with their deviations undone."""
    devices = section_devices(grid)
    beside = {
        "above": dict(devices.select("device_id", beside=pl.col("device_id").shift(1).over("feeder_id")).iter_rows()),
        "below": dict(devices.select("device_id", beside=pl.col("device_id").shift(-1).over("feeder_id")).iter_rows()),
    }
    done = []
    for outage, deviation in zip(outages.iter_rows(named=True), cycle(DEVIATIONS), strict=False):
        long = outage["end"] - outage["start"] > timedelta(hours=1)
        true = dict(outage)
        if deviation == "late_record" and long:
            true["start"] -= timedelta(minutes=14)
        elif deviation == "long_record" and long:
            true["end"] -= timedelta(minutes=25)
        elif deviation == "overrun":
            true["end"] += timedelta(minutes=35)
        elif deviation == "seconds":
            true["end"] += timedelta(seconds=40)
        elif deviation in beside:
            true["branch_id"] = beside[deviation].get(outage["branch_id"]) or outage["branch_id"]
        if deviation != "not_done":
            done.append(true)
    return done


def _operations(grid: Grid, stages: pl.DataFrame, outage: dict[str, Any]) -> list[tuple[Any, str, str, str]]:
    head, start, end = outage["branch_id"], outage["start"], outage["end"]
    reason = "跳闸" if outage["nature"] == "F-INT" else NATURES[outage["nature"]][0]
    own = stages.filter(pl.col("outage_id") == outage["outage_id"])
    if own.is_empty():
        return [(start, head, "open", reason), (end, head, "close", "恢复送电")]
    fault = grid.branches.row(by_predicate=pl.col("branch_id") == outage["fault_branch_id"], named=True)
    devices = section_devices(grid).filter(pl.col("feeder_id") == fault["feeder_id"])["device_id"].to_list()
    before, after = devices[fault["section"]], devices[fault["section"] + 1 :][:1]
    upstream = _first_restored(own.filter(pl.col("transformer_id").is_not_null()))
    through_tie = _first_restored(own.filter(pl.col("branch_id").is_not_null()))
    minute = timedelta(minutes=1)
    rows = [(start, head, "open", reason)]
    if upstream is not None:
        rows += [(upstream - minute, before, "open", "隔离故障"), (upstream, head, "close", "恢复上游")]
    if through_tie is not None:
        tie = _tie_of(grid, fault["feeder_id"])
        rows += [(through_tie - minute, after[0], "open", "隔离故障"), (through_tie, tie, "close", "转供")]
    rows.append((end, before if upstream is not None else head, "close", "恢复送电"))
    if through_tie is not None:
        rows += [(end + minute, after[0], "close", "恢复正常方式"), (end + 2 * minute, tie, "open", "恢复正常方式")]
    return rows


def _first_restored(stages: pl.DataFrame) -> datetime | None:
    return min(stages["restored_at"].to_list(), default=None)


def _tie_of(grid: Grid, feeder_id: str) -> str:
    """Return the first tie switch that can feed a feeder from its neighbour."""
    reaches = pl.col("from_node").str.starts_with(f"{feeder_id}-") | pl.col("to_node").str.starts_with(f"{feeder_id}-")
    return str(grid.branches.filter(pl.col("normally_open"), reaches)["branch_id"][0])
