"""What people did: live-line jobs, planned outages, repair orders, and the crews and bases behind them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from data_samples.generator import places
from data_samples.generator.network import FEEDERS_PER_DISTRICT, Grid
from data_samples.generator.outages import (
    FAULT_HOUR_WEIGHTS,
    PLANNED_MONTH_WEIGHTS,
    YEARS,
    Records,
    draw_moments,
    seconds,
    section_devices,
)

LIVE_RATIO = {2020: 0.75, 2021: 0.86, 2022: 0.93}
"""Live jobs as a share of live jobs and planned outages, by year."""

LIVE_ITEM_WEIGHTS = (
    5, 4, 3, 6, 14, 4, 7, 6, 16, 9, 4, 3, 2, 3, 1, 1, 1, 1, 0.7, 1.2, 0.6, 2, 1, 1.6, 1.2, 1, 2.4,
    0.9, 0.6, 0.9, 0.7, 0.7, 0.7,
)  # fmt: skip
"""How often each of the 33 items is done."""

STICK_ITEMS = (1, 2, 3, 4, 15, 16, 17)
CONNECTION_ITEMS = (4, 9, 27)
BYPASS_FROM_ITEM = 30
CLASS_LIMITS = (4, 14, 27)
"""The last item of classes 1 to 3."""

OTHER_METHOD_SHARES = (("generator", "GEN", 0.05), ("mobile_substation", "GEN", 0.02), ("low_voltage", "LV", 0.06))
APPLIED_DAYS = {2020: 34.0, 2021: 28.0, 2022: 22.0}
"""Mean days from the application for an outage to the outage."""

FUTURE_PLANS_PER_DISTRICT = 14
TELLING_PLANS = (
    ("F06-K01", "2023-02-27T08:00:00", 5.0, "站内出线间隔改造", "待审核"),
    ("F02-K01", "2023-01-13T08:30:00", 7.5, "主线改造", "待审核"),
    ("F14-K10", "2023-01-12T09:00:00", 4.0, "线路改造", "待审核"),
    ("F14-K10", "2023-01-28T09:00:00", 3.0, "更换导线", "已批准"),
)
"""Branch, start, hours, work and status of plans that show something: nearly all are transferred, over the budget, and off too
often for the sake of the last."""

BUDGET_H = {"city_centre": 0.3, "urban": 1.5, "town": 9.0, "rural": 15.0}
"""Hours of outage in a year that the budget has for a user of each class."""

CREWS_PER_UNIT = 2
VEHICLES = {(1, 1): "带电作业车", (2, 1): "带电作业车", (1, 2): "发电车", (3, 1): "移动箱变车"}
"""Vehicles by unit and crew."""

FIRST_SHIFT, SHIFT_DAYS = datetime(2022, 12, 26, 8), 12
LONG_ROADS = (("ZD5", "F14", 75.0), ("ZD6", "F06", 60.0), ("ZD6", "F12", 70.0))
"""Base, feeder and minutes of travel where there is no direct road."""

ACTIVE_REPAIR_SHARE = {2020: 0.28, 2021: 0.36, 2022: 0.47}
TRAVEL_MINUTES = {"city_centre": 22.0, "urban": 26.0, "town": 38.0, "rural": 58.0}
CHILD_ORDER_SHARE = 0.03


def make_live_jobs(grid: Grid, records: Records, rng: np.random.Generator) -> pl.DataFrame:
    """Draw the live-line jobs of three years, so that their ratio to planned outages rises as :data:`LIVE_RATIO` says.

    Args:
        grid: the network.
        records: the outage records; the planned ones are counted.
        rng: generator of the random numbers.

    Returns:
        The table ``live_jobs`` of a workspace.
    """
    spots = _work_spots(grid)
    planned = records.outages.filter(
        pl.col("nature").str.starts_with("P-PLAN") | pl.col("nature").str.starts_with("P-TEMP")
    )
    planned = planned.filter(pl.col("customer_id").is_null())
    counts = {
        year: round(
            planned.filter(pl.col("start").dt.year() == year).height * LIVE_RATIO[year] / (1 - LIVE_RATIO[year])
        )
        for year in YEARS
    }
    jobs = pl.concat([_live_jobs_of_year(spots, year, count, rng) for year, count in counts.items()]).sort(
        "start", "branch_id", "end", maintain_order=True
    )
    return jobs.select(_numbered("BD"), *jobs.columns).rename({"number": "job_id"})


def _numbered(prefix: str) -> pl.Expr:
    return (pl.lit(prefix) + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(5)).alias("number")


def _work_spots(grid: Grid) -> pl.DataFrame:
    """Return where work is done: the devices at the heads of laterals and of later sections, with unit and class."""
    units = grid.transformers.group_by("feeder_id", maintain_order=True).agg(pl.col("unit").first())
    laterals = grid.branches.filter(pl.col("lateral_id") == pl.col("branch_id")).select(
        "branch_id", "feeder_id", "region_class"
    )
    sections = section_devices(grid).filter(pl.col("section") > 0)
    later = sections.select("feeder_id", "region_class", branch_id="device_id").select(laterals.columns)
    return pl.concat([laterals, later]).join(units, on="feeder_id", how="left", maintain_order="left")


def _live_jobs_of_year(spots: pl.DataFrame, year: int, count: int, rng: np.random.Generator) -> pl.DataFrame:
    chosen = spots[rng.integers(0, spots.height, count)]
    weights = np.array(LIVE_ITEM_WEIGHTS)
    item = rng.choice(33, count, p=weights / weights.sum()) + 1
    method = np.select([np.isin(item, STICK_ITEMS), item >= BYPASS_FROM_ITEM], ["stick", "bypass"], "glove").astype(
        object
    )
    work_class = np.array(["1", "2", "3", "4"], dtype=object)[np.searchsorted(CLASS_LIMITS, item)]
    listed = np.ones(count, dtype=bool)
    draw, passed = rng.random(count), 0.0
    for other, label, share in OTHER_METHOD_SHARES:
        here = (draw >= passed) & (draw < passed + share)
        method[here], work_class[here], listed[here] = other, label, False
        passed += share
    day_s = draw_moments(year, PLANNED_MONTH_WEIGHTS, FAULT_HOUR_WEIGHTS, count, rng) // 86_400 * 86_400
    start_s = day_s + 8 * 3600 + rng.integers(0, 32, count) * 900
    work_s = (np.clip(rng.normal(2.4, 0.9, count), 0.5, 6.0) * 12).astype(np.int64) * 300
    return pl.DataFrame(
        {
            "start": _times(start_s),
            "end": _times(start_s + work_s),
            "unit": chosen["unit"],
            "branch_id": chosen["branch_id"],
            "feeder_id": chosen["feeder_id"],
            "item": pl.select(pl.when(pl.Series(listed)).then(pl.Series(item))).to_series(),
            "method": pl.Series(method, dtype=pl.String),
            "work_class": pl.Series(work_class, dtype=pl.String),
            "connection": listed & np.isin(item, CONNECTION_ITEMS) & (rng.random(count) < 0.6),
            "outage_h": np.round(np.clip(rng.normal(2.2, 0.8, count), 0.5, 5.0), 1),
        }
    )


def _times(moments_s: np.ndarray) -> pl.Series:
    return pl.Series(moments_s.astype("datetime64[s]").astype("datetime64[us]"))


def _hours(hours: np.ndarray) -> pl.Series:
    return pl.Series(np.round(hours * 3600).astype("timedelta64[s]").astype("timedelta64[us]"))


def make_plans(grid: Grid, records: Records, rng: np.random.Generator) -> pl.DataFrame:
    """Return the plans behind the planned outages of three years, and those of January 2023.

    Args:
        grid: the network.
        records: the outage records.
        rng: generator of the random numbers.

    Returns:
        The table ``plans`` of a workspace. Future plans contain two for one lateral within a few days, some that a live-line
        job could replace, and those of :data:`TELLING_PLANS`.
    """
    plans = pl.concat([_past_plans(records, rng), _future_plans(grid, rng), _telling_plans(grid)], how="diagonal")
    return plans.select(_numbered("JH"), *plans.columns).rename({"number": "plan_id"})


def _past_plans(records: Records, rng: np.random.Generator) -> pl.DataFrame:
    outages = records.outages.filter(pl.col("nature").str.starts_with("P-PLAN"))
    applied = outages["start"].dt.year().replace_strict(APPLIED_DAYS, return_dtype=pl.Float64).to_numpy()
    applied_days = np.clip(applied * rng.lognormal(0, 0.25, outages.height), 14, 80)
    notified_days = rng.uniform(7.2, 11, outages.height)
    notified_days[rng.random(outages.height) < 0.04] = 5
    late_h = rng.integers(-6, 3, outages.height) / 4
    return outages.select(
        "start",
        end=pl.max_horizontal(pl.col("end") - _hours(late_h), pl.col("start") + pl.duration(hours=1)),
        nature="nature",
        branch_id="branch_id",
        transformer_id="transformer_id",
        work="cause",
        unit="unit",
        connection=pl.col("cause") == "业扩接火",
        applied_at=pl.col("start") - _hours(applied_days * 24),
        notified_at=pl.col("start") - _hours(notified_days * 24),
        status=pl.lit("已完成"),
        actual_start="start",
        actual_end="end",
    )


def _future_plans(grid: Grid, rng: np.random.Generator) -> pl.DataFrame:
    spots = _work_spots(grid)
    count = FUTURE_PLANS_PER_DISTRICT * max(1, grid.feeders.height // FEEDERS_PER_DISTRICT)
    chosen = rng.permutation(spots.height)[:count]
    chosen[-1] = chosen[0]
    start_s = (
        seconds("2023-01-04")
        + np.sort(rng.integers(0, 26, count)) * 86_400
        + 8 * 3600
        + rng.integers(0, 4, count) * 1800
    )
    start_s[-1] = start_s[0] + 3 * 86_400
    item = rng.choice([5, 9, 10, 14, 24], count)
    connection = (item == 9) & (rng.random(count) < 0.8)
    live = rng.random(count) < 0.5
    approved = rng.random(count) < 0.6
    notified_s = start_s - 8 * 86_400 - 3600
    notified = approved & (notified_s < seconds("2023-01-01"))
    works = {5: "消除缺陷", 9: "业扩接火", 10: "更换熔断器", 14: "更换柱上开关", 24: "更换隔离开关"}
    return (
        spots[chosen]
        .select(
            start=_times(start_s),
            end=_times(start_s + rng.integers(6, 16, count) * 1800),
            nature=pl.Series(np.where(connection, "P-PLAN-CONST", "P-PLAN-MAINT")),
            branch_id="branch_id",
            work=pl.Series([works[int(each)] for each in item]),
            unit="unit",
            connection=pl.Series(connection),
            live_line_item=pl.select(pl.when(pl.Series(live | connection)).then(pl.Series(item))).to_series(),
            applied_at=_times(
                seconds("2022-12-12") + rng.integers(0, 18, count) * 86_400 + rng.integers(18, 34, count) * 1800
            ),
            notified_at=pl.select(pl.when(pl.Series(notified)).then(_times(notified_s))).to_series(),
            status=pl.Series(np.where(approved, "已批准", "待审核")),
        )
        .sort("start", "branch_id")
    )


def _telling_plans(grid: Grid) -> pl.DataFrame:
    """Return :data:`TELLING_PLANS` for the feeders that the county has."""
    units = grid.transformers.group_by("feeder_id").agg(pl.col("unit").first())
    known = grid.branches.select("branch_id", "feeder_id").join(units, on="feeder_id")
    rows = pl.DataFrame(
        [
            {
                "branch_id": branch_id,
                "start": datetime.fromisoformat(start),
                "end": datetime.fromisoformat(start) + timedelta(hours=hours),
                "work": work,
                "applied_at": datetime(2022, 12, 20, 10),
                "notified_at": None,
                "nature": "P-PLAN-MAINT",
                "connection": False,
                "status": status,
            }
            for branch_id, start, hours, work, status in TELLING_PLANS
        ],
        schema_overrides={"notified_at": pl.Datetime("us")},
    )
    return rows.join(known.drop("feeder_id"), on="branch_id", maintain_order="left")


def make_budget(grid: Grid) -> pl.DataFrame:
    """Return the customer-hours that each unit may spend in a year: hours of the class of each transformer, added up."""
    hours = pl.col("region_class").replace_strict(BUDGET_H, return_dtype=pl.Float64)
    return grid.transformers.group_by("unit").agg(annual_target_ch=hours.sum()).sort("unit")


def make_bases() -> pl.DataFrame:
    """Return where crews wait: one base per unit."""
    rows: list[dict[str, Any]] = []
    for number, unit in enumerate(places.UNITS, start=1):
        lon, lat = places.to_lon_lat(unit.x_km, unit.y_km)
        name = f"{unit.name}抢修驻点"
        rows.append({"base_id": f"ZD{number}", "name": name, "lon": lon, "lat": lat, "unit": unit.name})
    return pl.DataFrame(rows)


def make_crews() -> pl.DataFrame:
    """Return the repair crews: two per unit, the first of three units with live-line skills."""
    return pl.DataFrame(
        [
            {
                "crew_id": f"BZ{number}{crew}",
                "name": f"{unit.name}抢修{crew}班",
                "base_id": f"ZD{number}",
                "unit": unit.name,
                "members": 3 + (number + crew) % 3,
                "live_line": crew == 1 and number <= 3,
                "cable": number <= 3,
                "low_voltage": True,
                "vehicles": VEHICLES.get((number, crew), ""),
                "zones": unit.name,
            }
            for number, unit in enumerate(places.UNITS, start=1)
            for crew in range(1, CREWS_PER_UNIT + 1)
        ]
    )


def make_shifts() -> pl.DataFrame:
    """Return who is on duty in the days around the present: in each unit both crews by day, and one of them by night in turn."""
    rows = []
    for day in range(SHIFT_DAYS):
        morning = FIRST_SHIFT + timedelta(days=day)
        for number in range(1, len(places.UNITS) + 1):
            at_night = 1 + (day + number) % CREWS_PER_UNIT
            for crew in range(1, CREWS_PER_UNIT + 1):
                hours = 24 if crew == at_night else 12
                rows.append({"crew_id": f"BZ{number}{crew}", "start": morning, "end": morning + timedelta(hours=hours)})
    return pl.DataFrame(rows)


def make_travel() -> pl.DataFrame:
    """Return what coordinates do not tell: over the pass between two units the road is long."""
    return pl.DataFrame(
        [{"from_place": base, "to_place": feeder, "travel_min": minutes} for base, feeder, minutes in LONG_ROADS]
    )


def make_orders(grid: Grid, records: Records, rng: np.random.Generator) -> pl.DataFrame:
    """Return the repair orders of the internal faults: reported, dispatched, accepted, arrived, restored.

    Args:
        grid: the network.
        records: the outage records.
        rng: generator of the random numbers.

    Returns:
        The table ``orders`` of a workspace; some orders are children of another one of the same fault.
    """
    faults = _repaired(grid, records)
    count = faults.height
    start_s = faults["start_s"].to_numpy()
    duration_s = (faults["end_s"].fill_null(seconds("2023-01-01 02:00:00")) - faults["start_s"]).to_numpy()
    active_share = faults["start"].dt.year().replace_strict(ACTIVE_REPAIR_SHARE, return_dtype=pl.Float64).to_numpy()
    active = (rng.random(count) < active_share) & faults["customer_id"].is_null().to_numpy()
    travel = faults["region_class"].replace_strict(TRAVEL_MINUTES, return_dtype=pl.Float64).to_numpy()
    accept_s = np.minimum(
        np.where(active, rng.integers(30, 240, count), rng.integers(180, 900, count)), duration_s // 10
    )
    dispatch_s = accept_s + np.minimum(rng.integers(20, 300, count), duration_s // 20)
    accepted_s = dispatch_s + np.minimum(rng.integers(20, 240, count), duration_s // 20)
    arrive_s = accepted_s + np.minimum(
        (travel * 60 * rng.lognormal(0, 0.35, count)).astype(np.int64), duration_s * 2 // 5
    )
    unit_number = faults["unit"].replace_strict(
        {unit.name: number for number, unit in enumerate(places.UNITS, start=1)}
    )
    crew = rng.integers(1, CREWS_PER_UNIT + 1, count)
    orders = faults.select(
        order_id=_numbered("GD"),
        parent_id=pl.lit(None, dtype=pl.String),
        outage_id="outage_id",
        source=pl.Series(np.where(active, "主动抢修", "95598")),
        fault_type="fault_type",
        accept_time=_times(start_s + accept_s),
        dispatch_time=_times(start_s + dispatch_s),
        accepted_time=_times(start_s + accepted_s),
        arrive_time=_times(start_s + arrive_s),
        restore_time="end",
        crew_id=pl.lit("BZ") + unit_number.cast(pl.String) + pl.Series(crew).cast(pl.String),
        site_class="site_class",
    )
    children = orders.filter(pl.Series(rng.random(count) < CHILD_ORDER_SHARE)).with_columns(
        parent_id="order_id", order_id=pl.col("order_id") + "-1", source=pl.lit("95598")
    )
    return pl.concat([orders, children]).sort("accept_time", "order_id")


def _repaired(grid: Grid, records: Records) -> pl.DataFrame:
    """Return the counted internal faults longer than three minutes, with class of the place and kind of fault."""
    branches = grid.branches.select("branch_id", of_branch="region_class", branch_feeder="feeder_id")
    transformers = grid.transformers.select("transformer_id", of_transformer="region_class")
    fault_kinds = grid.branches.select(fault_branch_id="branch_id", fault_kind="kind")
    remote_feeders = pl.col("branch_feeder").is_in(
        grid.feeders.filter(pl.col("name").str.contains("西岭线"))["feeder_id"].to_list()
    )
    lasts = pl.col("end_s").is_null() | (pl.col("end_s") - pl.col("start_s") > 180)
    return (
        records.outages.filter(pl.col("nature") == "F-INT", pl.col("exclusion").is_null(), lasts)
        .join(branches, on="branch_id", how="left", maintain_order="left")
        .join(transformers, on="transformer_id", how="left", maintain_order="left")
        .join(fault_kinds, on="fault_branch_id", how="left", maintain_order="left")
        .with_columns(region_class=pl.coalesce("of_branch", "of_transformer", pl.lit("town")))
        .with_columns(
            fault_type=pl.when(pl.col("customer_id").is_not_null())
            .then(pl.lit("低压故障"))
            .when(pl.col("transformer_id").is_not_null())
            .then(pl.lit("配变故障"))
            .when(pl.col("fault_kind") == "cable")
            .then(pl.lit("中压电缆故障"))
            .otherwise(pl.lit("中压架空线路故障")),
            site_class=pl.when(remote_feeders.fill_null(value=False))
            .then(pl.lit("remote"))
            .when(pl.col("region_class").is_in(["city_centre", "urban"]))
            .then(pl.lit("urban"))
            .otherwise(pl.lit("rural")),
        )
    )
