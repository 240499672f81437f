"""Substations, feeders, sections, ties and transformers.

A feeder is a trunk in one direction, cut into sections by switching devices, with laterals to both sides::

    bus ──[breaker]── span ── span ──[switch]── span ── span ──[switch]── span ── … ──[tie, open]── neighbour
                        │                         │
                      [fuse]                [disconnector]
                        │                         │
                      span                       span
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from data_samples.generator import places
from data_samples.generator.places import FEEDER_PLANS, FeederPlan

CUSTOMERS_PER_TRANSFORMER = 50
MINIMUM_TRANSFORMERS_PER_FEEDER = 8
CUSTOMERS_PER_DISTRICT = 20_000
FEEDERS_PER_DISTRICT = len(FEEDER_PLANS)
PRIVATE_SHARE = 0.14
PROTECTIVE_KINDS = frozenset({"breaker", "recloser", "fuse"})


@dataclass(frozen=True)
class Conductor:
    """Electrical data of one kind of line: per km, and what it can carry."""

    kind: str
    r_ohm_per_km: float
    x_ohm_per_km: float
    rating_a: float
    repair_h: float


TRUNK_CABLE = Conductor("cable", 0.100, 0.085, 500.0, 5.0)
LATERAL_CABLE = Conductor("cable", 0.196, 0.092, 290.0, 4.5)
TRUNK_LINE = Conductor("line", 0.132, 0.330, 480.0, 2.5)
RURAL_TRUNK_LINE = Conductor("line", 0.253, 0.350, 320.0, 3.0)
LATERAL_LINE = Conductor("line", 0.443, 0.370, 210.0, 2.5)

FAILURES_PER_KM_YR = {
    ("cable", "city_centre"): 0.07,
    ("cable", "urban"): 0.055,
    ("line", "urban"): 0.09,
    ("line", "town"): 0.12,
    ("line", "rural"): 0.11,
}
DEVICE_RATING_A = {"breaker": 630.0, "recloser": 630.0, "switch": 630.0, "disconnector": 400.0, "fuse": 100.0}
CAPACITIES_KVA = {
    "city_centre": (400.0, 500.0, 630.0, 800.0),
    "urban": (315.0, 400.0, 500.0, 630.0),
    "town": (200.0, 315.0, 400.0),
    "rural": (100.0, 160.0, 200.0, 315.0),
}
PRIVATE_CAPACITIES_KVA = (250.0, 315.0, 500.0, 630.0, 800.0)


@dataclass(frozen=True)
class Position:
    """A node while a feeder is being laid: where it is and what stands above it."""

    node: str
    x_km: float
    y_km: float
    section: int
    protective_id: str
    lateral_id: str | None = None


@dataclass
class Rows:
    """Rows of the tables while they grow."""

    sources: list[dict[str, Any]] = field(default_factory=list)
    branches: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    feeders: list[dict[str, Any]] = field(default_factory=list)
    transformers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Grid:
    """The network with what the records need besides the columns of its tables.

    Attributes:
        sources, nodes, feeders: tables of a workspace.
        branches: the columns of their table, and ``section`` (0 at the head of the feeder), ``protective_id`` (the device
            that clears a fault here), ``lateral_id`` (the device at the head of the lateral, null on a trunk) and
            ``region_class``.
        transformers: the columns of their table, and ``section``, ``lateral_id`` and ``feeder_number`` (0, 1, 2 …).
        partner_of: by feeder number, the feeder number a tie joins to it, or -1.
    """

    sources: pl.DataFrame
    branches: pl.DataFrame
    nodes: pl.DataFrame
    feeders: pl.DataFrame
    transformers: pl.DataFrame
    partner_of: np.ndarray


BRANCH_COLUMNS = (
    "branch_id", "from_node", "to_node", "kind", "normally_open", "remote", "feeder_id", "name", "length_km",
    "rating_a", "r_ohm", "x_ohm", "failures_per_km_yr", "repair_h",
)  # fmt: skip
TRANSFORMER_COLUMNS = (
    "transformer_id", "node", "second_node", "name", "feeder_id", "public", "capacity_kva", "load_kw", "region_class",
    "planning_class", "unit", "in_service", "retired",
)  # fmt: skip


class FeederBuilder:
    """Lays one feeder: each step adds a branch and returns the position at its far end."""

    def __init__(self, rows: Rows, plan: FeederPlan, feeder_id: str, rng: np.random.Generator):
        self.rows = rows
        self.plan = plan
        self.feeder_id = feeder_id
        self.rng = rng
        self.trunk: list[Position] = []
        self.lateral_ends: list[Position] = []
        self.lateral_nodes: list[Position] = []
        self._lines = 0
        self._devices = 0
        self._nodes = 0

    def place(self, x_km: float, y_km: float, above: Position) -> Position:
        """Add a node of this feeder on the map, with what stands above it."""
        self._nodes += 1
        node = f"{self.feeder_id}-N{self._nodes:02d}"
        lon, lat = places.to_lon_lat(x_km, y_km)
        self.rows.nodes.append({"node": node, "lon": lon, "lat": lat})
        return Position(node, x_km, y_km, above.section, above.protective_id, above.lateral_id)

    def device(
        self,
        start: Position,
        kind: str,
        name: str,
        *,
        remote: bool = False,
        new_section: bool = False,
        lateral: bool = False,
        end: Position | None = None,
    ) -> Position:
        """Add a switching device and return the position behind it; with ``end`` it is a normally open tie to there."""
        self._devices += 1
        branch_id = f"{self.feeder_id}-{'T' if end else 'K'}{self._devices:02d}"
        far = end or self.place(start.x_km + 0.01, start.y_km + 0.01, start)
        behind = Position(
            far.node,
            far.x_km,
            far.y_km,
            start.section + new_section,
            branch_id if kind in PROTECTIVE_KINDS else start.protective_id,
            branch_id if lateral else start.lateral_id,
        )
        self.rows.branches.append(
            self._branch(branch_id, start, behind, kind, name)
            | {"normally_open": end is not None, "remote": remote, "rating_a": DEVICE_RATING_A[kind], "repair_h": 3.0}
        )
        return behind

    def span(self, start: Position, conductor: Conductor, bearing_deg: float, length_km: float, name: str) -> Position:
        """Add a span of line or cable in a direction and return the position at its end."""
        angle = math.radians(bearing_deg)
        end = self.place(start.x_km + length_km * math.cos(angle), start.y_km + length_km * math.sin(angle), start)
        self.line(start, end, conductor, length_km, name)
        return end

    def line(self, start: Position, end: Position, conductor: Conductor, length_km: float, name: str) -> None:
        """Add a line or cable between two positions."""
        self._lines += 1
        length_km = round(length_km, 3)
        self.rows.branches.append(
            self._branch(f"{self.feeder_id}-L{self._lines:02d}", start, end, conductor.kind, name)
            | {
                "length_km": length_km,
                "rating_a": conductor.rating_a,
                "r_ohm": round(conductor.r_ohm_per_km * length_km, 4),
                "x_ohm": round(conductor.x_ohm_per_km * length_km, 4),
                "failures_per_km_yr": failures_per_km_yr(conductor.kind, self.plan.region_class),
                "repair_h": conductor.repair_h,
            }
        )

    def _branch(self, branch_id: str, start: Position, end: Position, kind: str, name: str) -> dict[str, Any]:
        return {
            "branch_id": branch_id,
            "from_node": start.node,
            "to_node": end.node,
            "kind": kind,
            "normally_open": False,
            "remote": False,
            "feeder_id": self.feeder_id,
            "name": f"{self.plan.name}{name}",
            "length_km": 0.0,
            "rating_a": 0.0,
            "r_ohm": 0.0,
            "x_ohm": 0.0,
            "failures_per_km_yr": 0.0,
            "repair_h": 0.0,
            "section": end.section,
            "protective_id": end.protective_id,
            "lateral_id": end.lateral_id,
            "region_class": self.plan.region_class,
        }


def failures_per_km_yr(kind: str, region_class: str) -> float:
    """Return failures per km and year of a kind of line in a region class; cables outside the city are as in town."""
    return FAILURES_PER_KM_YR.get((kind, region_class), FAILURES_PER_KM_YR["cable", "urban"])


def make_grid(customers: int, rng: np.random.Generator) -> Grid:
    """Lay out the network for a number of customers: districts of two substations and fourteen feeders each.

    Args:
        customers: low-voltage customers to be fed; about 50 per transformer.
        rng: generator of the random numbers.

    Returns:
        The grid. One district stands for 20,000 customers; fewer customers mean fewer transformers on the same feeders.
    """
    districts = max(1, round(customers / CUSTOMERS_PER_DISTRICT))
    transformers = max(
        MINIMUM_TRANSFORMERS_PER_FEEDER * FEEDERS_PER_DISTRICT * districts, round(customers / CUSTOMERS_PER_TRANSFORMER)
    )
    counts = _transformers_per_feeder(transformers, districts)
    rows, partner_of = Rows(), []
    for district in range(districts):
        first = district * FEEDERS_PER_DISTRICT
        _add_district(rows, district, districts, counts[first : first + FEEDERS_PER_DISTRICT], rng)
        partner_of += [
            -1 if (other := places.partner(each)) is None else first + other for each in range(FEEDERS_PER_DISTRICT)
        ]
    return Grid(
        sources=pl.DataFrame(rows.sources),
        branches=pl.DataFrame(rows.branches, infer_schema_length=None),
        nodes=pl.DataFrame(rows.nodes),
        feeders=pl.DataFrame(rows.feeders),
        transformers=_dated(pl.DataFrame(rows.transformers, infer_schema_length=None), rng),
        partner_of=np.array(partner_of),
    )


def _transformers_per_feeder(transformers: int, districts: int) -> np.ndarray:
    feeders = FEEDERS_PER_DISTRICT * districts
    counts = np.full(feeders, transformers // feeders)
    counts[: transformers % feeders] += 1
    return counts


def _add_district(rows: Rows, district: int, districts: int, counts: np.ndarray, rng: np.random.Generator) -> None:
    x_km, y_km = places.district_offset_km(district, districts)
    suffix = "" if districts == 1 else f"{district + 1}"
    buses: list[list[Position]] = []
    for station, (dx_km, dy_km) in enumerate(places.STATION_OFFSETS_KM):
        station_id = f"S{district * 2 + station + 1:0{station_width(districts)}d}"
        name = f"{places.STATION_NAMES[station]}{suffix}"
        buses.append([_add_bus(rows, (station_id, name), bus, x_km + dx_km, y_km + dy_km) for bus in (1, 2)])
    builders = []
    for number, plan in enumerate(FEEDER_PLANS):
        feeder_id = f"F{district * FEEDERS_PER_DISTRICT + number + 1:0{feeder_width(districts)}d}"
        bus = buses[plan.station][number % 2]
        builders.append(_add_feeder(rows, number, feeder_id, bus, suffix=suffix, rng=rng))
    for one, other in places.TIES:
        _add_tie(builders[one], builders[other])
    for number, builder in enumerate(builders):
        neighbour = places.partner(number)
        second = None if neighbour is None else builders[neighbour].trunk
        _add_transformers(builder, int(counts[number]), district * FEEDERS_PER_DISTRICT + number, second)


def station_width(districts: int) -> int:
    """Return the digits of a substation's number."""
    return 1 if districts < 5 else len(str(districts * 2))


def feeder_width(districts: int) -> int:
    """Return the digits of a feeder's number."""
    return max(2, len(str(districts * FEEDERS_PER_DISTRICT)))


def _add_bus(rows: Rows, station: tuple[str, str], bus: int, x_km: float, y_km: float) -> Position:
    station_id, station_name = station
    node = f"{station_id}-BUS{bus}"
    y_km += 0.03 if bus == 1 else -0.03
    lon, lat = places.to_lon_lat(x_km, y_km)
    rows.nodes.append({"node": node, "lon": lon, "lat": lat})
    label = f"{station_name}10kV{'Ⅰ' if bus == 1 else 'Ⅱ'}段母线"
    rows.sources.append({"node": node, "station_id": station_id, "name": label, "capacity_a": 2000.0})
    return Position(node, x_km, y_km, 0, "")


def _add_feeder(
    rows: Rows, number: int, feeder_id: str, bus: Position, *, suffix: str, rng: np.random.Generator
) -> FeederBuilder:
    plan = FEEDER_PLANS[number]
    rows.feeders.append(
        {
            "feeder_id": feeder_id,
            "name": f"10kV{plan.name}{suffix}",
            "station_id": bus.node.split("-")[0],
            "voltage_kv": 10.0,
            "public": True,
            "structure": plan.structure,
            "area_label": plan.label,
        }
    )
    builder = FeederBuilder(rows, plan, feeder_id, rng)
    _lay_trunk(builder, bus, parallel=number == places.PARALLEL_CABLE_FEEDER)
    _lay_laterals(builder)
    return builder


def _lay_trunk(builder: FeederBuilder, bus: Position, *, parallel: bool) -> None:
    plan, rng = builder.plan, builder.rng
    here = builder.device(bus, "breaker", "出线断路器", remote=True)
    bearing_deg = plan.bearing_deg
    span_km = plan.length_km / (plan.sections * plan.spans)
    for section in range(plan.sections):
        if section:
            kind, remote = _section_device(plan, section)
            here = builder.device(here, kind, f"{section}号分段开关", remote=remote, new_section=True)
        for span in range(plan.spans):
            bearing_deg = plan.bearing_deg + 0.6 * (bearing_deg - plan.bearing_deg) + rng.normal(0, 5)
            start, length_km = here, span_km * rng.uniform(0.85, 1.15)
            conductor = _trunk_conductor(plan, section)
            here = builder.span(start, conductor, bearing_deg, length_km, f"主线{section + 1}段{span + 1}档")
            if parallel and section == 0 and span == 0:
                builder.line(start, here, conductor, length_km, "主线1段1档并列电缆")
            builder.trunk.append(here)


def _trunk_conductor(plan: FeederPlan, section: int) -> Conductor:
    if plan.form == "cable" or (plan.form == "mixed" and section == 0):
        return TRUNK_CABLE
    return RURAL_TRUNK_LINE if plan.region_class == "rural" else TRUNK_LINE


def _section_device(plan: FeederPlan, section: int) -> tuple[str, bool]:
    """Return kind and remote control of the device at the head of a section: reclosers first on long rural lines."""
    if plan.region_class != "rural":
        return "switch", plan.region_class != "town" or section == 1
    if section == 1:
        return "recloser", True
    return ("switch", section == 2) if section < 3 else ("disconnector", False)


def _lay_laterals(builder: FeederBuilder) -> None:
    plan, rng = builder.plan, builder.rng
    spots = (
        np.sort(rng.permutation(len(builder.trunk))[: plan.laterals]) if plan.laterals <= len(builder.trunk) else None
    )
    indices = spots if spots is not None else np.arange(plan.laterals) % len(builder.trunk)
    for number, index in enumerate(indices):
        _lay_lateral(builder, builder.trunk[int(index)], number)


def _lay_lateral(builder: FeederBuilder, start: Position, number: int) -> None:
    plan, rng = builder.plan, builder.rng
    from_station_km = plan.length_km * (start.section + 0.5) / plan.sections
    length_km = min(plan.lateral_km * rng.uniform(0.6, 1.5), 0.42 * from_station_km)
    side = 1 if number % 2 else -1
    bearing_deg = plan.bearing_deg + side * rng.uniform(62, 98)
    kind = _lateral_device(plan, number)
    here = builder.device(start, kind, f"{number + 1}号支线开关", remote=kind in {"breaker", "recloser"}, lateral=True)
    conductor = LATERAL_CABLE if plan.form == "cable" else LATERAL_LINE
    spans = 2 if plan.form == "cable" else 3
    for span in range(spans):
        here = builder.span(
            here, conductor, bearing_deg + rng.normal(0, 8), length_km / spans, f"{number + 1}号支线{span + 1}档"
        )
        builder.lateral_nodes.append(here)
        if plan.region_class == "rural" and span == 0 and number % 3 == 0:
            _lay_sublateral(builder, here, bearing_deg - side * 70, length_km / 3, number)
    builder.lateral_ends.append(here)


def _lay_sublateral(builder: FeederBuilder, start: Position, bearing_deg: float, length_km: float, number: int) -> None:
    behind = builder.device(start, "fuse", f"{number + 1}号支线分支熔断器")
    end = builder.span(behind, LATERAL_LINE, bearing_deg, length_km, f"{number + 1}号支线分支")
    builder.lateral_nodes.append(end)
    builder.lateral_ends.append(end)


def _lateral_device(plan: FeederPlan, number: int) -> str:
    if plan.form == "cable":
        return "breaker" if number % 4 == 3 else "fuse"
    if number % 5 == 4:
        return "disconnector"
    return ("recloser" if plan.region_class == "rural" else "breaker") if number % 5 == 2 else "fuse"


def _add_tie(one: FeederBuilder, other: FeederBuilder) -> None:
    """Join the last sections of two feeders by a line and a normally open, remotely controlled switch."""
    start, goal = _nearest(one.trunk[-one.plan.spans :], other.trunk[-other.plan.spans :])
    conductor = (
        TRUNK_CABLE if one.plan.form == "cable" and other.plan.form == "cable" else _trunk_conductor(one.plan, 1)
    )
    end = one.place(goal.x_km + 0.02, goal.y_km + 0.02, start)
    length_km = 1.1 * math.dist((start.x_km, start.y_km), (end.x_km, end.y_km))
    one.line(start, end, conductor, length_km, f"至{other.plan.name}联络段")
    one.device(end, "switch", f"{other.plan.name}联络开关", remote=True, end=goal)


def _nearest(some: list[Position], others: list[Position]) -> tuple[Position, Position]:
    pairs = ((one, other) for one in some for other in others)
    return min(pairs, key=lambda pair: math.dist((pair[0].x_km, pair[0].y_km), (pair[1].x_km, pair[1].y_km)))


def _add_transformers(builder: FeederBuilder, count: int, feeder_number: int, second: list[Position] | None) -> None:
    plan, rng = builder.plan, builder.rng
    spots = list(builder.lateral_ends[:count])
    others = builder.lateral_nodes + builder.trunk
    spots += [others[int(index)] for index in rng.integers(0, len(others), count - len(spots))]
    private = rng.random(count) < PRIVATE_SHARE
    for number, (spot, owned) in enumerate(zip(spots, private, strict=True)):
        dual = second is not None and number % 36 == 7
        builder.rows.transformers.append(
            _transformer(builder, number, spot, owned=bool(owned or dual))
            | {
                "second_node": _nearest([spot], second)[1].node if dual and second else None,
                "feeder_number": feeder_number,
                "unit": places.UNITS[plan.unit].name,
            }
        )


def _transformer(builder: FeederBuilder, number: int, spot: Position, *, owned: bool) -> dict[str, Any]:
    plan, rng = builder.plan, builder.rng
    capacity_kva = float(rng.choice(PRIVATE_CAPACITIES_KVA if owned else CAPACITIES_KVA[plan.region_class]))
    outskirts = plan.region_class == "town" and spot.lateral_id is not None and spot.section == plan.sections - 1
    return {
        "transformer_id": f"{builder.feeder_id}-B{number + 1:02d}",
        "node": spot.node,
        "name": f"{plan.name}{number + 1}号{'专变' if owned else '公变'}",
        "feeder_id": builder.feeder_id,
        "public": not owned,
        "capacity_kva": capacity_kva,
        "load_kw": round(capacity_kva * plan.load_share * float(rng.uniform(0.6, 1.4)), 1),
        "region_class": "rural" if outskirts else plan.region_class,
        "planning_class": "D" if outskirts else plan.planning_class,
        "section": spot.section,
        "lateral_id": spot.lateral_id,
    }


def _dated(transformers: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Add when each transformer went into service, and for a few when it was retired."""
    count = transformers.height
    days_before_2020 = rng.integers(100, 4800, count)
    recent = rng.random(count) < 0.06
    days = np.where(recent, rng.integers(1, 1000, count), -days_before_2020)
    retired = (rng.random(count) < 0.012) & ~recent & transformers["second_node"].is_null().to_numpy()
    retired_days = rng.integers(200, 1090, count)
    start = datetime(2020, 1, 1)
    return transformers.with_columns(
        pl.Series("in_service", [start + timedelta(days=int(day)) for day in days], dtype=pl.Datetime("us")),
        pl.Series(
            "retired",
            [
                start + timedelta(days=int(day)) if gone else None
                for day, gone in zip(retired_days, retired, strict=True)
            ],
            dtype=pl.Datetime("us"),
        ),
    )


def make_sensors(grid: Grid) -> pl.DataFrame:
    """Return the fault sensors: terminals on remote devices, indicators on every second fuse."""
    closed = grid.branches.filter(~pl.col("normally_open"))
    terminals = closed.filter(pl.col("remote")).select(
        "branch_id", kind=pl.lit("ftu"), miss_rate=pl.lit(0.02), false_rate=pl.lit(0.01)
    )
    indicators = (
        closed.filter(pl.col("kind") == "fuse")
        .gather_every(2)
        .select("branch_id", kind=pl.lit("indicator"), miss_rate=pl.lit(0.1), false_rate=pl.lit(0.03))
    )
    return pl.concat([terminals, indicators]).sort("branch_id")
