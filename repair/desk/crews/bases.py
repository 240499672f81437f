"""Where crews should wait 抢修驻点: the bases from which past faults would have been reached soonest, or within a limit.

The p-median problem (S. L. Hakimi, Operations Research 12(3), 1964) and the problem of greatest coverage (R. Church, C.
ReVelle, Papers of the Regional Science Association 32, 1974), each solved to its optimum by integer programming.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import coo_array, csr_array, eye_array, hstack

from network import FudianError, text
from network.arrays import Numbers
from repair.desk.crews.travel import Travel, distances_km
from repair.desk.crews.work import Place
from repair.settings import CrewSettings

APART_KM = 1.0
"""Places where a base could be lie at least so far from each other."""


@dataclass(frozen=True)
class BaseChoice:
    """The bases that were chosen.

    Attributes:
        chosen: places of the candidates, ascending.
        mean_min: minutes of travel from the nearest base, the mean over all demand.
        covered: share of the demand within the limit; ``None`` without a limit.
        proven: whether no other choice can be better.
    """

    chosen: tuple[int, ...]
    mean_min: float
    covered: float | None
    proven: bool


def figures(
    minutes: Numbers, weight: Numbers, chosen: Sequence[int], limit_min: float | None
) -> tuple[float, float | None]:
    """Return the mean minutes from the nearest of some bases, and the share of demand within a limit.

    Args:
        minutes: travel from each candidate to each place of demand, shape (candidates, places).
        weight: demand of each place.
        chosen: places of the bases among the candidates.
        limit_min: minutes within which demand counts as covered.
    """
    nearest = minutes[list(chosen)].min(axis=0)
    whole = float(weight.sum())
    covered = None if limit_min is None else float(weight[nearest <= limit_min].sum()) / whole
    return float(weight @ nearest) / whole, covered


def best_bases(
    minutes: Numbers, weight: Numbers, count: int, limit_min: float | None = None, limit_s: float = 30.0
) -> BaseChoice:
    """Return the bases with the least mean travel, or, with a limit, those within whose reach most demand lies.

    Args:
        minutes: travel from each candidate to each place of demand, shape (candidates, places).
        weight: demand of each place: how many faults were there.
        count: how many bases.
        limit_min: minutes within which demand counts as covered; ``None``: least mean travel.
        limit_s: seconds after which the search ends.

    Raises:
        FudianError: there are not so many candidates, or no demand.
    """
    candidates = len(minutes)
    if not 1 <= count <= candidates or not weight.sum() > 0:
        raise FudianError(
            text("{count} bases cannot be chosen among {candidates} places.", count=count, candidates=candidates),
            text("Ask for at least one base and at most as many as there are places with coordinates."),
        )
    if limit_min is None:
        values, proven = _p_median(minutes * weight, count, limit_s)
    else:
        values, proven = _coverage((minutes <= limit_min).astype(float), weight, count, limit_s)
    chosen = tuple(int(each) for each in np.flatnonzero(values[:candidates] > 0.5))
    return BaseChoice(chosen, *figures(minutes, weight, chosen, limit_min), proven)


def _p_median(cost: Numbers, count: int, limit_s: float) -> tuple[Numbers, bool]:
    """Variables: whether each candidate is open, then which candidate serves each place."""
    candidates, places = cost.shape
    pairs = candidates * places
    row = np.tile(np.arange(places), candidates)
    once = hstack([coo_array((places, candidates)), coo_array((np.ones(pairs), (row, np.arange(pairs))))])
    of = np.repeat(np.arange(candidates), places)
    opened = hstack([coo_array((-np.ones(pairs), (np.arange(pairs), of)), shape=(pairs, candidates)), eye_array(pairs)])
    number = hstack([coo_array(np.ones((1, candidates))), coo_array((1, pairs))])
    return _solve(
        np.concatenate([np.zeros(candidates), cost.ravel()]),
        [(csr_array(once), 1, 1), (csr_array(opened), -np.inf, 0), (csr_array(number), count, count)],
        candidates, limit_s,
    )  # fmt: skip


def _coverage(serves: Numbers, weight: Numbers, count: int, limit_s: float) -> tuple[Numbers, bool]:
    """Variables: whether each candidate is open, then whether each place is covered."""
    candidates, places = serves.shape
    reached = hstack([coo_array(-serves.T), eye_array(places)])
    number = hstack([coo_array(np.ones((1, candidates))), coo_array((1, places))])
    return _solve(
        np.concatenate([np.zeros(candidates), -weight]),
        [(csr_array(reached), -np.inf, 0), (csr_array(number), count, count)],
        candidates, limit_s,
    )  # fmt: skip


def _solve(
    cost: Numbers, rules: list[tuple[csr_array, float, float]], whole: int, limit_s: float
) -> tuple[Numbers, bool]:
    """Solve with rules of the form ``low <= matrix @ variables <= high``."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # a tenth of a second that no other question needs

    is_whole = np.concatenate([np.ones(whole), np.zeros(len(cost) - whole)])
    found = milp(
        cost,
        constraints=[LinearConstraint(*rule) for rule in rules],
        integrality=is_whole,
        bounds=Bounds(0, 1),
        options={"time_limit": limit_s},
    )
    if found.x is None:
        raise FudianError(text("No choice of bases was found within {seconds:.0f} s.", seconds=limit_s))
    return np.asarray(found.x), bool(found.status == 0)


def base_plan(
    tables: Mapping[str, pl.DataFrame], until: datetime, rules: CrewSettings, count: int | None, limit_min: float | None
) -> dict[str, Any]:
    """Return the best bases for the internal faults until a moment, with what they gain over today's.

    Args:
        tables: ``bases``, ``nodes``, ``branches``, ``transformers``, ``travel`` and ``outages`` of a workspace.
        until: nothing later is known.
        rules: settings of travel.
        count: how many; by default as many as there are now.
        limit_min: see :func:`best_bases`.

    Raises:
        FudianError: there are fewer places than bases, or no fault with a place.
    """
    known = tables["bases"].drop_nulls(["lon", "lat"])
    today = [Place(row["base_id"], row["lon"], row["lat"]) for row in known.to_dicts()]
    demand, weight, lost = _demand(tables, until)
    candidates = [*today, *_apart(tables, today)]
    told = {(row["from_place"], row["to_place"]): row["travel_min"] for row in tables["travel"].to_dicts()}
    travel = Travel(rules.speed_kmh, rules.road_factor, rules.unknown_travel_min, told)
    minutes = travel.minutes(candidates, demand)
    found = best_bases(minutes, weight, count or max(len(today), 1), limit_min)
    now = figures(minutes, weight, range(len(today)), limit_min) if today and len(demand) else (None, None)
    nearest = minutes[list(found.chosen)].argmin(axis=0)
    rows = []
    for number, chosen in enumerate(found.chosen):
        own = nearest == number
        faults = float(weight[own].sum())
        mean = float(weight[own] @ minutes[chosen][own]) / faults if faults else None
        place = candidates[chosen]
        rows.append({"place": place.name, "is_base": chosen < len(today), "lon": place.lon, "lat": place.lat,
                     "faults": round(faults), "mean_min": mean})  # fmt: skip
    return {
        "rows": rows,
        "mean_min": found.mean_min,
        "covered": found.covered,
        "limit_min": limit_min,
        "proven": found.proven,
        "today": {
            "bases": len(today),
            "mean_min": now[0],
            "covered": now[1],
            "places": [_on_map(each) for each in today],
        },
        "demand": [
            _on_map(each) | {"faults": round(count)} for each, count in zip(demand, weight.tolist(), strict=True)
        ],
        "faults": round(float(weight.sum())),
        "without_place": lost,
        "until": until.isoformat(),
    }


def _on_map(place: Place) -> dict[str, Any]:
    return {"place": place.name, "lon": place.lon, "lat": place.lat}


def _demand(tables: Mapping[str, pl.DataFrame], until: datetime) -> tuple[list[Place], Numbers, int]:
    """Return where internal faults were and how many there, and how many have no place."""
    at = {row["node"]: (row["lon"], row["lat"]) for row in tables["nodes"].drop_nulls(["lon", "lat"]).to_dicts()}
    branch = {row["branch_id"]: (row["to_node"], row["feeder_id"]) for row in tables["branches"].to_dicts()}
    transformer = {row["transformer_id"]: (row["node"], row["feeder_id"]) for row in tables["transformers"].to_dicts()}
    customer = dict(tables["customers"].select("customer_id", "transformer_id").iter_rows())
    faults = tables["outages"].filter(pl.col("nature").str.starts_with("F-INT"), pl.col("start") <= until)
    counts: dict[tuple[str, str | None], int] = {}
    for row in faults.to_dicts():
        name = row["transformer_id"] or customer.get(row["customer_id"])
        node = transformer.get(name) if name else branch.get(row["branch_id"])
        if node is not None and node[0] in at:
            counts[node] = counts.get(node, 0) + 1
    places = [Place(node, *at[node], feeder) for node, feeder in counts]
    return places, np.array(list(counts.values()), dtype=float), faults.height - sum(counts.values())


def _apart(tables: Mapping[str, pl.DataFrame], today: Sequence[Place]) -> list[Place]:
    """Return places of transformers that lie at least :data:`APART_KM` from each other and from today's bases."""
    nodes = (
        tables["nodes"]
        .drop_nulls(["lon", "lat"])
        .filter(pl.col("node").is_in(tables["transformers"]["node"].implode()))
    )
    kept: list[Place] = []
    for row in nodes.sort("node").to_dicts():
        place = Place(row["node"], row["lon"], row["lat"])
        others = [*today, *kept]
        if not others or distances_km([place], others).min() >= APART_KM:
            kept.append(place)
    return kept
