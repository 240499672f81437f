"""Three years of outage records: faults where the lines are, planned work by day, and the odd cases of practice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from data_samples.generator.network import FEEDERS_PER_DISTRICT, Grid

YEARS = (2020, 2021, 2022)
YEAR_FACTOR = {2020: 1.3, 2021: 1.0, 2022: 0.78}
"""Reliability improves: faults and planned work per year against the middle year."""

FAULT_MONTH_WEIGHTS = (1.1, 0.8, 0.7, 0.8, 0.9, 1.4, 1.8, 1.7, 0.9, 0.6, 0.6, 0.9)
PLANNED_MONTH_WEIGHTS = (0.3, 0.4, 1.2, 1.5, 1.4, 0.8, 0.5, 0.5, 1.2, 1.6, 1.5, 0.9)
FAULT_HOUR_WEIGHTS = (2, 2, 2, 2, 2, 2, 3, 4, 5, 5, 5, 5, 5, 5, 6, 7, 7, 7, 6, 6, 5, 4, 3, 2)

STORM_DAYS = (("2020-07-11", "大风"), ("2021-08-22", "雷击"), ("2022-06-26", "大风"))
STORM_TRUNK_FAULTS_PER_FEEDER = 0.5
STORM_LATERAL_SHARE = 0.2

CAUSES = ("雷击", "大风", "树障", "鸟害", "外力破坏", "设备老化", "覆冰", "用户影响", "施工", "原因不明")
MEDIAN_HOURS = (1.3, 1.8, 1.6, 1.0, 2.6, 2.2, 3.4, 1.1, 2.4, 0.9)
DURATION_SIGMA = 0.55
REGION_HOURS_FACTOR = {"city_centre": 0.55, "urban": 0.7, "town": 1.0, "rural": 1.25}

SUMMER, WINTER, SPRING = (6, 7, 8), (12, 1, 2), (3, 4, 5)
LINE_CAUSE_WEIGHTS = (8, 12, 14, 6, 12, 18, 0, 12, 3, 8)
CABLE_CAUSE_WEIGHTS = (0, 0, 0, 0, 34, 42, 0, 10, 14, 4)

PLANNED_PER_FEEDER = {"city_centre": 1.4, "urban": 2.0, "town": 5.2, "rural": 7.0}
PLANNED_YEAR_FACTOR = {2020: 1.35, 2021: 0.95, 2022: 0.6}
PLANNED_KINDS = (
    ("P-PLAN-MAINT", "检修", 46),
    ("P-PLAN-CONST", "施工", 18),
    ("P-PLAN-CONST", "业扩接火", 8),
    ("P-PLAN-CUST", "用户申请", 7),
    ("P-PLAN-SWITCH", "调电", 4),
    ("P-TEMP-MAINT", "缺陷处理", 10),
    ("P-TEMP-CONST", "配合市政施工", 5),
    ("P-TEMP-CUST", "用户临时申请", 2),
)
TRANSFORMER_FAULTS_PER_YEAR = {"city_centre": 0.05, "urban": 0.1, "town": 0.16, "rural": 0.24}
CUSTOMER_EVENTS_PER_YEAR = 0.012
ARREARS_SHARE = 0.2
SHORT_PER_FEEDER = {"city_centre": 0.2, "urban": 0.5, "town": 1.0, "rural": 1.6}
OVERLAPS_PER_DISTRICT = 14

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "start_s": pl.Int64,
    "end_s": pl.Int64,
    "nature": pl.String,
    "external": pl.Boolean,
    "cause": pl.String,
    "unit": pl.String,
    "branch_id": pl.String,
    "feeder_id": pl.String,
    "transformer_id": pl.String,
    "customer_id": pl.String,
    "exclusion": pl.String,
    "fault_branch_id": pl.String,
    "key": pl.String,
}
"""An outage while it is made: the columns of their tables with times in seconds, where the fault lay, and a story's name."""


@dataclass(frozen=True)
class Records:
    """The outages and their stages.

    Attributes:
        outages: the columns of their tables, and ``fault_branch_id`` and ``key`` (names a told story).
        stages: likewise.
    """

    outages: pl.DataFrame
    stages: pl.DataFrame


def seconds(time: str) -> int:
    """Return a local time written as ``2022-12-31 21:37:00`` (or a date) as seconds since 1970."""
    return int(np.datetime64(time, "s").astype(np.int64))


def make_outages(grid: Grid, customers: pl.DataFrame, told: pl.DataFrame, rng: np.random.Generator) -> Records:
    """Draw three years of records.

    Args:
        grid: the network.
        customers: the table ``customers``; low-voltage outages name them.
        told: outages that a story needs, with the columns of :data:`SCHEMA`.
        rng: generator of the random numbers.

    Returns:
        Outages numbered in order of time, and their stages.
    """
    units = grid.transformers.group_by("feeder_id", maintain_order=True).agg(pl.col("unit").first())
    sections = section_devices(grid)
    kinds = [
        _line_faults(grid, rng),
        _storm_faults(grid, sections, rng),
        _planned(grid, sections, rng),
        _short(sections, rng),
        _upper_grid(grid, rng),
        _transformer_outages(grid, rng),
        _customer_outages(customers, grid, rng),
        told.with_columns(unit=None),
    ]
    outages = pl.concat([_shaped(kind, units, grid) for kind in kinds])
    outages = pl.concat([outages, _overlaps(outages, grid, rng)]).sort("start_s", "end_s", maintain_order=True)
    outages = _within_service(outages, grid)
    width = max(5, len(str(outages.height)))
    outages = outages.with_columns(
        outage_id=pl.lit("TD") + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(width),
        start=_time("start_s"),
        end=_time("end_s"),
    )
    return Records(outages=outages, stages=_stages(outages, grid, sections, rng))


def section_devices(grid: Grid) -> pl.DataFrame:
    """Return ``feeder_id``, ``section`` and the device at the head of each section of every trunk."""
    devices = (
        ~pl.col("kind").is_in(["line", "cable", "fuse"]) & ~pl.col("normally_open") & pl.col("lateral_id").is_null()
    )
    return (
        grid.branches.filter(devices)
        .group_by("feeder_id", "section", maintain_order=True)
        .agg(
            device_id=pl.col("branch_id").first(),
            remote=pl.col("remote").first(),
            region_class=pl.col("region_class").first(),
        )
        .sort("feeder_id", "section")
    )


def _time(column: str) -> pl.Expr:
    return pl.from_epoch(pl.col(column), time_unit="s").cast(pl.Datetime("us"))


def _shaped(frame: pl.DataFrame, units: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Return the frame with all columns of :data:`SCHEMA`, the unit taken from the feeder of what lost supply."""
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    frame = frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    branch_feeders = grid.branches.select("branch_id", of_branch="feeder_id")
    transformer_units = grid.transformers.select("transformer_id", of_transformer="unit")
    return (
        frame.join(branch_feeders, on="branch_id", how="left", maintain_order="left")
        .join(transformer_units, on="transformer_id", how="left", maintain_order="left")
        .with_columns(at_feeder=pl.coalesce("of_branch", "feeder_id"))
        .join(
            units.rename({"feeder_id": "at_feeder", "unit": "of_feeder"}),
            on="at_feeder",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            unit=pl.coalesce("unit", "of_transformer", "of_feeder"), external=pl.col("external").fill_null(value=False)
        )
        .select(list(SCHEMA))
    )


def _line_faults(grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    """Draw faults of lines and cables by length and rate; the protective device above clears them."""
    lines = grid.branches.filter(pl.col("failures_per_km_yr") > 0, ~pl.col("name").str.contains("联络段"))
    expected = (lines["length_km"] * lines["failures_per_km_yr"]).to_numpy()
    frames = []
    for year in YEARS:
        hits = np.repeat(np.arange(lines.height), rng.poisson(expected * YEAR_FACTOR[year]))
        start_s = draw_moments(year, FAULT_MONTH_WEIGHTS, FAULT_HOUR_WEIGHTS, hits.size, rng)
        frames.append(_faults(lines[hits], start_s, rng))
    return pl.concat(frames)


def _faults(lines: pl.DataFrame, start_s: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    months = _months(start_s)
    cause = _fault_causes(lines["kind"].to_numpy() == "cable", months, rng)
    factor = lines["region_class"].replace_strict(REGION_HOURS_FACTOR, return_dtype=pl.Float64).to_numpy()
    hours = np.array(MEDIAN_HOURS)[cause] * factor * rng.lognormal(0, DURATION_SIGMA, cause.size)
    return pl.DataFrame(
        {
            "start_s": start_s,
            "end_s": start_s + _as_seconds(np.clip(hours, 0.2, 30.0)),
            "nature": ["F-INT"] * cause.size,
            "cause": np.array(CAUSES)[cause],
            "branch_id": lines["protective_id"],
            "fault_branch_id": lines["branch_id"],
        }
    )


def _fault_causes(is_cable: np.ndarray, months: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weights = np.where(is_cable[:, None], CABLE_CAUSE_WEIGHTS, LINE_CAUSE_WEIGHTS).astype(float)
    overhead = ~is_cable
    weights[overhead & np.isin(months, SUMMER), CAUSES.index("雷击")] *= 4
    weights[overhead & np.isin(months, SPRING), CAUSES.index("鸟害")] *= 3
    weights[overhead & np.isin(months, WINTER), CAUSES.index("覆冰")] = 14
    return _choose(weights, rng)


def _storm_faults(grid: Grid, sections: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Draw the faults of the storm days: many overhead trunks and laterals within a few hours, and long repairs."""
    overhead = grid.branches.filter(pl.col("kind") == "line", ~pl.col("name").str.contains("联络段"))
    trunk = (
        overhead.filter(pl.col("lateral_id").is_null()).group_by("feeder_id", "section", maintain_order=True).first()
    )
    laterals = overhead.filter(pl.col("lateral_id").is_not_null()).group_by("lateral_id", maintain_order=True).first()
    columns = grid.branches.columns
    sections_per_feeder = sections.height / grid.feeders.height
    frames = []
    for day, cause in STORM_DAYS:
        hit_trunk = trunk.filter(
            pl.Series(rng.random(trunk.height) < STORM_TRUNK_FAULTS_PER_FEEDER / sections_per_feeder)
        )
        hit_lateral = laterals.filter(pl.Series(rng.random(laterals.height) < STORM_LATERAL_SHARE))
        lines = pl.concat([hit_trunk.select(columns), hit_lateral.select(columns)])
        start_s = seconds(day) + 15 * 3600 + (rng.beta(2, 3, lines.height) * 6 * 3600).astype(np.int64)
        hours = np.clip(4.5 * rng.lognormal(0, 0.5, lines.height), 0.8, 28)
        frames.append(
            _faults(lines, start_s, rng).with_columns(
                cause=pl.lit(cause), end_s=pl.Series(start_s + _as_seconds(hours))
            )
        )
    return pl.concat(frames)


def _planned(grid: Grid, sections: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Draw planned and temporary outages: laterals mostly, sections of the trunk at times, some single transformers."""
    laterals = grid.branches.filter(pl.col("lateral_id") == pl.col("branch_id")).select(
        "feeder_id", "branch_id", "region_class"
    )
    later = sections.filter(pl.col("section") > 0, pl.col("region_class") != "city_centre").select(
        "feeder_id", "region_class", branch_id="device_id"
    )
    transformers = grid.transformers.select("feeder_id", "region_class", "transformer_id")
    frames = []
    for targets, share in ((laterals, 0.66), (later, 0.14), (transformers, 0.2)):
        per_target = (
            targets["region_class"].replace_strict(PLANNED_PER_FEEDER, return_dtype=pl.Float64).to_numpy() * share
        )
        per_target = per_target / targets.select(pl.len().over("feeder_id")).to_series().to_numpy()
        for year in YEARS:
            hits = np.repeat(np.arange(targets.height), rng.poisson(per_target * PLANNED_YEAR_FACTOR[year]))
            frames.append(_planned_on(targets[hits], year, rng))
    return pl.concat(frames, how="diagonal")


def _planned_on(targets: pl.DataFrame, year: int, rng: np.random.Generator) -> pl.DataFrame:
    count = targets.height
    kind = _choose(np.tile([float(weight) for _, _, weight in PLANNED_KINDS], (count, 1)), rng)
    day_s = draw_moments(year, PLANNED_MONTH_WEIGHTS, FAULT_HOUR_WEIGHTS, count, rng) // 86_400 * 86_400
    start_s = day_s + 6 * 3600 + rng.integers(0, 13, count) * 900
    hours = np.clip(rng.normal(4.9, 1.6, count), 1.5, 10.0)
    return pl.DataFrame(
        {
            "start_s": start_s,
            "end_s": start_s + (hours * 12).astype(np.int64) * 300,
            "nature": np.array([nature for nature, _, _ in PLANNED_KINDS])[kind],
            "cause": np.array([cause for _, cause, _ in PLANNED_KINDS])[kind],
        }
    ).with_columns(targets.select(pl.col("^(branch_id|transformer_id)$")))


def _short(sections: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Draw interruptions of three minutes at most: a trip whose reclosing failed, put back by hand from afar."""
    heads = sections.filter(pl.col("section") == 0)
    expected = heads["region_class"].replace_strict(SHORT_PER_FEEDER, return_dtype=pl.Float64).to_numpy()
    frames = []
    for year in YEARS:
        hits = np.repeat(np.arange(heads.height), rng.poisson(expected * YEAR_FACTOR[year]))
        start_s = draw_moments(year, FAULT_MONTH_WEIGHTS, FAULT_HOUR_WEIGHTS, hits.size, rng)
        frames.append(
            pl.DataFrame(
                {
                    "start_s": start_s,
                    "end_s": start_s + rng.integers(25, 181, hits.size),
                    "nature": ["F-INT"] * hits.size,
                    "cause": rng.choice(["雷击", "鸟害", "原因不明"], hits.size),
                    "branch_id": heads["device_id"][hits],
                }
            )
        )
    return pl.concat(frames)


UPPER_GRID_EVENTS: Sequence[tuple[str, float, str, str, tuple[int, ...]]] = (
    ("2020-05-17 03:12:00", 0.7, "F-EXT", "上级电网故障", (8, 9, 10, 11, 12, 13)),
    ("2021-01-07 18:05:00", 1.5, "P-RAT-SYS", "系统电源不足", (6, 7, 13)),
    ("2021-09-12 22:41:30", 0.45, "F-EXT", "上级电网故障", (0, 2, 4, 6)),
    ("2022-08-15 19:30:00", 1.0, "P-RAT-SYS", "系统电源不足", (5, 12, 13)),
    ("2022-08-17 20:10:00", 1.25, "P-RAT-NET", "主变重载", (9, 10)),
    ("2022-03-02 13:20:00", 0.35, "F-EXT", "上级电网故障", (8, 10, 12)),
)
"""When, hours, nature, cause, and which feeders of each district: what the upper grid did."""


def _upper_grid(grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    """Return outages of whole feeders by the upper grid: external faults and rationing."""
    feeder_ids = grid.feeders["feeder_id"].to_numpy()
    number_in_district = np.arange(feeder_ids.size) % FEEDERS_PER_DISTRICT
    frames = []
    for start, hours, nature, cause, feeders in UPPER_GRID_EVENTS:
        hit = feeder_ids[np.isin(number_in_district, feeders)]
        start_s = np.full(hit.size, seconds(start))
        frames.append(
            pl.DataFrame(
                {
                    "start_s": start_s,
                    "end_s": start_s + _as_seconds(hours * rng.uniform(0.9, 1.2, hit.size)),
                    "nature": [nature] * hit.size,
                    "external": [nature != "P-RAT-NET"] * hit.size,
                    "cause": [cause] * hit.size,
                    "feeder_id": hit,
                }
            )
        )
    return pl.concat(frames)


def _transformer_outages(grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    """Draw faults of single transformers, and short-notice work on them."""
    transformers = grid.transformers
    expected = (
        transformers["region_class"].replace_strict(TRANSFORMER_FAULTS_PER_YEAR, return_dtype=pl.Float64).to_numpy()
    )
    frames = []
    for year in YEARS:
        hits = np.repeat(np.arange(transformers.height), rng.poisson(expected * YEAR_FACTOR[year]))
        start_s = draw_moments(year, FAULT_MONTH_WEIGHTS, FAULT_HOUR_WEIGHTS, hits.size, rng)
        owned = ~transformers["public"].to_numpy()[hits]
        own_fault = owned & (rng.random(hits.size) < 0.5)
        cause = rng.choice(["设备老化", "用户影响", "雷击", "过载", "鸟害"], hits.size, p=[0.4, 0.15, 0.15, 0.2, 0.1])
        hours = np.clip(1.5 * rng.lognormal(0, 0.6, hits.size), 0.15, 20)
        frames.append(
            pl.DataFrame(
                {
                    "start_s": start_s,
                    "end_s": start_s + _as_seconds(hours),
                    "nature": ["F-INT"] * hits.size,
                    "cause": np.where(own_fault, "用户设备故障", cause),
                    "transformer_id": transformers["transformer_id"][hits],
                    "exclusion": pl.Series(np.where(own_fault, "own_fault", "")).replace("", None),
                }
            )
        )
    return pl.concat(frames)


def _customer_outages(customers: pl.DataFrame, grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    """Draw low-voltage outages of single customers; some are disconnections for arrears, recorded but not counted."""
    frames = []
    for year in YEARS:
        count = int(rng.poisson(customers.height * CUSTOMER_EVENTS_PER_YEAR * YEAR_FACTOR[year]))
        start_s = draw_moments(year, FAULT_MONTH_WEIGHTS, FAULT_HOUR_WEIGHTS, count, rng)
        arrears = rng.random(count) < ARREARS_SHARE
        hours = np.where(arrears, rng.lognormal(3.2, 0.6, count), rng.lognormal(0.4, 0.6, count))
        chosen = customers.select("customer_id", "transformer_id")[rng.integers(0, customers.height, count)]
        frames.append(
            pl.DataFrame(
                {
                    "start_s": start_s,
                    "end_s": start_s + _as_seconds(np.clip(hours, 0.1, 240)),
                    "nature": np.where(arrears, "P-TEMP-MAINT", "F-INT"),
                    "cause": np.where(
                        arrears, "欠费停电", rng.choice(["低压线路故障", "表箱故障", "接户线故障"], count)
                    ),
                    "customer_id": chosen["customer_id"],
                    "at_transformer": chosen["transformer_id"],
                    "exclusion": pl.Series(np.where(arrears, "arrears", "")).replace("", None),
                }
            )
        )
    units = grid.transformers.select(at_transformer="transformer_id", unit="unit")
    served = customers.select("customer_id", "in_service", "retired")
    return (
        pl.concat(frames)
        .join(units, on="at_transformer", how="left", maintain_order="left")
        .join(served, on="customer_id", how="left", maintain_order="left")
        .filter(_time("start_s") >= pl.col("in_service"), (_time("end_s") < pl.col("retired")).fill_null(value=True))
        .drop("at_transformer", "in_service", "retired")
    )


def _overlaps(outages: pl.DataFrame, grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    """Return second records of transformers that are already off: what happens when two systems report one event."""
    long = outages.filter(
        pl.col("branch_id").is_not_null(), pl.col("end_s") - pl.col("start_s") > 7200, pl.col("key").is_null()
    )
    below = grid.transformers.group_by("lateral_id", maintain_order=True).agg(other=pl.col("transformer_id").first())
    long = long.join(below.rename({"lateral_id": "branch_id"}), on="branch_id", maintain_order="left")
    wanted = min(long.height, OVERLAPS_PER_DISTRICT * max(1, grid.feeders.height // FEEDERS_PER_DISTRICT))
    chosen = long[np.sort(rng.permutation(long.height)[:wanted])]
    late = pl.Series(rng.integers(5, 40, wanted)) * 60
    later = pl.Series(rng.integers(-50, 60, wanted)) * 60
    return chosen.with_columns(
        start_s=pl.col("start_s") + late,
        end_s=pl.col("end_s") + later,
        nature=pl.lit("F-INT"),
        cause=pl.lit("台区报修"),
        transformer_id=pl.col("other"),
        branch_id=pl.lit(None, dtype=pl.String),
        fault_branch_id=pl.lit(None, dtype=pl.String),
    ).select(list(SCHEMA))


def _within_service(outages: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Leave out outages of single transformers that are not in service at the time."""
    served = grid.transformers.select("transformer_id", "in_service", "retired")
    kept = (
        pl.col("transformer_id").is_null()
        | (_time("start_s") >= pl.col("in_service")) & (_time("end_s") < pl.col("retired")).fill_null(value=True)
    )  # fmt: skip
    return (
        outages.join(served, on="transformer_id", how="left", maintain_order="left")
        .filter(kept)
        .drop("in_service", "retired")
    )


def _stages(outages: pl.DataFrame, grid: Grid, sections: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return step restoration of trunk faults.

    The sections between the tripped device and the fault come back first, by the device; where a tie exists, the
    sections beyond the fault come back through it: one row for the next device, because all below it is back.
    """
    faults = _trunk_faults(outages, grid, sections)
    partner_of = pl.Series(grid.partner_of)
    tied = grid.feeders.select(at_feeder="feeder_id").with_columns(tied=partner_of >= 0)
    faults = faults.join(tied, on="at_feeder", how="left", maintain_order="left")
    quick = faults["region_class"].is_in(["city_centre", "urban"]).to_numpy()
    minutes = np.where(quick, rng.uniform(6, 20, faults.height), rng.uniform(18, 55, faults.height))
    first_s = faults["start_s"].to_numpy() + (minutes * 60).astype(np.int64)
    second_s = first_s + (rng.uniform(2, 15, faults.height) * 60).astype(np.int64)
    transferred = pl.Series(rng.random(faults.height) < 0.75) | faults["key"].is_not_null()
    faults = faults.with_columns(first_s=pl.Series(first_s), second_s=pl.Series(second_s), transferred=transferred)
    faults = faults.filter((pl.col("second_s") + 600) < pl.col("end_s").fill_null(2**60))
    return pl.concat([_upstream_stages(faults, grid), _downstream_stages(faults, sections)]).sort(
        "outage_id", "restored_at", "branch_id", "transformer_id"
    )


def _trunk_faults(outages: pl.DataFrame, grid: Grid, sections: pl.DataFrame) -> pl.DataFrame:
    """Return outages by a trunk device, with the section of the device and of the fault."""
    device = sections.select(branch_id="device_id", device_section="section", at_feeder="feeder_id")
    fault = grid.branches.select(fault_branch_id="branch_id", fault_section="section", region_class="region_class")
    return (
        outages.filter(pl.col("fault_branch_id").is_not_null())
        .join(device, on="branch_id", how="inner", maintain_order="left")
        .join(fault, on="fault_branch_id", how="left", maintain_order="left")
    )


def _upstream_stages(faults: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    transformers = grid.transformers.select(
        "transformer_id", "in_service", "retired", at_feeder="feeder_id", at_section="section"
    )
    return (
        faults.drop("transformer_id")
        .join(transformers, on="at_feeder", how="inner", maintain_order="left_right")
        .filter(pl.col("at_section") >= pl.col("device_section"), pl.col("at_section") < pl.col("fault_section"))
        .filter(pl.col("in_service") <= pl.col("start"), (pl.col("retired") > pl.col("start")).fill_null(value=True))
        .select(
            "outage_id",
            restored_at=_time("first_s"),
            branch_id=pl.lit(None, dtype=pl.String),
            transformer_id="transformer_id",
        )
    )


def _downstream_stages(faults: pl.DataFrame, sections: pl.DataFrame) -> pl.DataFrame:
    following = sections.select(at_feeder="feeder_id", following=pl.col("section") - 1, next_device="device_id")
    return (
        faults.filter(pl.col("tied"), pl.col("transferred"))
        .join(
            following,
            left_on=["at_feeder", "fault_section"],
            right_on=["at_feeder", "following"],
            how="inner",
            maintain_order="left",
        )
        .select(
            "outage_id",
            restored_at=_time("second_s"),
            branch_id="next_device",
            transformer_id=pl.lit(None, dtype=pl.String),
        )
    )


def draw_moments(
    year: int, month_weights: Sequence[float], hour_weights: Sequence[float], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw moments of a year, as seconds since 1970, with the given weights of months and hours of the day."""
    first = np.datetime64(f"{year}-01-01", "D")
    days = np.arange(first, np.datetime64(f"{year + 1}-01-01", "D"))
    day_weights = np.array(month_weights)[days.astype("datetime64[M]").astype(np.int64) % 12]
    day = days[rng.choice(days.size, count, p=day_weights / day_weights.sum())].astype("datetime64[s]").astype(np.int64)
    hours = np.array(hour_weights, dtype=float)
    hour = rng.choice(24, count, p=hours / hours.sum())
    return day + hour * 3600 + rng.integers(0, 3600, count)


def _months(start_s: np.ndarray) -> np.ndarray:
    return start_s.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12 + 1


def _choose(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one column of each row of weights."""
    bounds = np.cumsum(weights, axis=1)
    drawn = rng.random(len(weights)) * bounds[:, -1]
    return np.asarray((bounds < drawn[:, None]).sum(axis=1))


def _as_seconds(hours: np.ndarray) -> np.ndarray:
    return np.round(hours * 3600).astype(np.int64)


def told_outage(
    key: str,
    start: str,
    end: str | None,
    cause: str,
    *,
    branch_id: str | None = None,
    fault_branch_id: str | None = None,
    transformer_id: str | None = None,
) -> dict[str, Any]:
    """Return one internal fault that a story tells; ``end`` is ``None`` while it lasts."""
    return {
        "start_s": seconds(start),
        "end_s": seconds(end) if end else None,
        "nature": "F-INT",
        "cause": cause,
        "branch_id": branch_id,
        "fault_branch_id": fault_branch_id,
        "transformer_id": transformer_id,
        "key": key,
    }
