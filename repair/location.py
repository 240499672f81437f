"""Fault-section location 故障定位: which section explains the flags, with an honest probability (field reference 7).

One fault on a radial feeder. Given the faulted section, a sensor on the way from it to the source should have seen the fault
and every other one should not; each may miss or report falsely at its own rate. So the log-likelihood of a section is a
constant plus a **sum along its path** of what each sensor there speaks for or against it, and Bayes' rule with a prior of
length times failure rate gives the answer exactly. Sections that no sensor separates stand together; sections that explain the
signals equally well are all returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from network import Network, Supply
from network.arrays import Indices, Numbers
from repair.settings import LocationSettings, location_settings
from repair.signals import standing_trips, still_dark

SAME = 1e-9
"""Probabilities this close, relative to each other, are the same."""


@dataclass(frozen=True)
class Section:
    """A part of the network that no sensor separates.

    Attributes:
        branches: branch ids, from the source outwards.
        probability: that the fault lies here.
        bounded_by: the branches with sensors at its borders; the first is on the source side, if there is one.
    """

    branches: tuple[str, ...]
    probability: float
    bounded_by: tuple[str, ...]


@dataclass(frozen=True)
class Suspect:
    """A signal that the answer contradicts: ``thought`` is ``missing`` or ``false``."""

    object_id: str
    kind: str
    thought: str


@dataclass(frozen=True)
class Location:
    """Where the fault lies, what speaks against it, and what to check next.

    Attributes:
        ranked: sections by falling probability; they add up to one.
        ambiguous: more than one section is equally probable.
        suspect_signals: signals that must be wrong if the first (or one of the equal first) is true.
        next_check: the sensor whose reading would gain most, and the gain in bit; ``None`` when nothing is left to gain.
        outage: ``level``, ``object_id`` and ``state`` of what is out.
        unused: signals that this answer does not use, by kind.
    """

    ranked: tuple[Section, ...]
    ambiguous: bool
    suspect_signals: tuple[Suspect, ...]
    next_check: tuple[str, float] | None
    outage: dict[str, str | None]
    unused: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the location in the contract's form."""
        return {
            "ranked": [
                {"branches": list(each.branches), "probability": each.probability, "bounded_by": list(each.bounded_by)}
                for each in self.ranked
            ],
            "ambiguous": self.ambiguous,
            "suspect_signals": [vars(each) for each in self.suspect_signals],
            "next_check": None
            if self.next_check is None
            else {"object_id": self.next_check[0], "gain_bits": self.next_check[1]},
            "outage": self.outage,
            "unused_signals": self.unused,
        }


@dataclass(frozen=True, eq=False)
class _Sensors:
    """Sensors on energised branches, by place in depth-first order (source side first)."""

    branch: Indices
    place: Indices
    miss: Numbers
    false: Numbers
    report: Numbers  # 1 seen, 0 looked and not seen, not a number: nothing heard
    kind: tuple[str, ...]

    def weight_below(self) -> Numbers:
        """Return log P(report | fault at or beyond it) - log P(report | fault elsewhere), 0 where nothing was heard."""
        seen, not_seen = np.log((1 - self.miss) / self.false), np.log(self.miss / (1 - self.false))
        return np.where(np.isnan(self.report), 0.0, np.where(self.report > 0, seen, not_seen))


def locate(
    supply: Supply,
    signals: pl.DataFrame,
    sensors: pl.DataFrame | None = None,
    settings: LocationSettings | None = None,
) -> Location:
    """Return the faulted section of a radial feeder.

    Args:
        supply: supply before the fault.
        signals: table of the contract; ``fault_current`` and ``trip`` count here, other kinds only tell what is out.
        sensors: table of the contract, with the rates of each sensor; unknown rates take the default of the settings.
        settings: default rates and priors; those of the workspace by default.

    Returns:
        The location; no sections where no flag or trip names an energised branch.
    """
    net = supply.network
    rules = settings or location_settings(net.workspace.settings)
    outage = _outage(signals)
    unused = signals.filter(~pl.col("kind").is_in(["fault_current", "trip", "reclose", "close"]))
    unused_by_kind = dict(unused.group_by("kind").len().sort("kind").rows())
    everywhere = _sensors(supply, signals, sensors, rules)
    heard = ~np.isnan(everywhere.report)
    if not heard.any():
        return Location((), False, (), None, outage, unused_by_kind)

    root_of = supply.source_above
    roots = np.unique(root_of[everywhere.place[heard & (everywhere.report > 0)]])
    if not len(roots):
        roots = np.unique(root_of[everywhere.place[heard]])
    at = _take(everywhere, np.isin(root_of[everywhere.place], roots))
    candidates = np.flatnonzero(np.isin(root_of, roots) & (supply.branch_to >= 0))

    evidence = np.zeros(len(supply.end))
    np.add.at(evidence, at.place, at.weight_below())
    log_posterior = (
        np.log(_prior(net, rules))[supply.branch_to[candidates]] + supply.sum_along_path(evidence)[candidates]
    )
    posterior = np.exp(log_posterior - log_posterior.max())
    posterior /= posterior.sum()

    section_of = _owners(supply, at.place)[candidates]
    heads, member = np.unique(section_of, return_inverse=True)
    probability: Numbers = np.bincount(member, weights=posterior).astype(np.float64)
    order = np.argsort(-probability, kind="stable")
    best = [int(section) for section in order if probability[section] >= probability.max() * (1 - SAME)]
    ids = net.branches["branch_id"]
    ranked = tuple(
        Section(
            tuple(ids.gather(supply.branch_to[candidates[member == section]]).to_list()),
            float(probability[section]),
            tuple(ids.gather(supply.branch_to[_borders(supply, int(heads[section]), at.place)]).to_list()),
        )
        for section in order
    )
    return Location(
        ranked,
        len(best) > 1,
        _suspects(supply, at, [int(heads[section]) for section in best]),
        _next_check(supply, at, heads, probability),
        outage,
        unused_by_kind,
    )


def _sensors(supply: Supply, signals: pl.DataFrame, sensors: pl.DataFrame | None, rules: LocationSettings) -> _Sensors:
    """Gather what can speak for or against a section: fault sensors with their latest flag, and devices that tripped."""
    branch_places = pl.DataFrame(
        {"branch_id": supply.network.branches["branch_id"], "place": _place_of_branch(supply)}
    ).with_row_index("branch")
    of_branches = signals.filter(pl.col("object") == "branch").sort("time", maintain_order=True)
    flags = (
        of_branches.filter(pl.col("kind") == "fault_current")
        .group_by(pl.col("object_id").cast(pl.String).alias("branch_id"), maintain_order=True)
        .agg(value=pl.col("value").cast(pl.Float64).fill_null(1.0).last())
    )
    trips = of_branches.filter(pl.col("kind") == "trip").select(
        pl.col("object_id").cast(pl.String).alias("branch_id"),
        miss_rate=pl.lit(rules.trip_miss_rate),
        false_rate=pl.lit(rules.trip_false_rate),
        value=pl.lit(1.0),
        kind=pl.lit("trip"),
    )
    known = pl.DataFrame(schema={"branch_id": pl.String, "miss_rate": pl.Float64, "false_rate": pl.Float64})
    if sensors is not None:
        known = sensors.select(pl.col(name).cast(kind) for name, kind in known.schema.items())
    spoken = known.join(flags, on="branch_id", how="full", coalesce=True).with_columns(kind=pl.lit("fault_current"))
    joined = (
        pl.concat([spoken, trips.unique("branch_id", maintain_order=True)])
        .join(branch_places.filter(pl.col("place") >= 0), on="branch_id", how="inner")
        .sort("place", maintain_order=True)
    )
    places, branches = joined["place"].to_numpy(), joined["branch"].to_numpy().astype(np.int64)
    return _Sensors(
        branches,
        places,
        _rates(joined["miss_rate"], rules.miss_rate),
        _rates(joined["false_rate"], rules.false_rate),
        _seen(supply, branches, places, joined["value"].fill_null(np.nan).to_numpy()),
        tuple(joined["kind"].to_list()),
    )


def _rates(given: pl.Series, default: float) -> Numbers:
    """Fill unknown rates; keep them away from certainty, so that a contradiction never makes every section impossible."""
    return given.fill_null(default).clip(1e-6, 1 - 1e-6).to_numpy()


def _seen(supply: Supply, branches: Indices, places: Indices, values: Numbers) -> Numbers:
    """Read signed flags on a radial feeder: current from the source outwards is a sighting, current towards it is not."""
    outwards = supply.place_of[supply.network.to_node[branches]] == places
    against = np.where(outwards, 0.0, 1.0)
    return np.where(values < 0, against, values)


def _place_of_branch(supply: Supply) -> Indices:
    """Return the place that each branch leads to, -1 where it is not part of the forest."""
    result = np.full(supply.network.branches.height, -1, dtype=np.int64)
    reached = np.flatnonzero(supply.branch_to >= 0)
    result[supply.branch_to[reached]] = reached
    return result


def _take(sensors: _Sensors, chosen: npt.NDArray[np.bool_]) -> _Sensors:
    return _Sensors(
        sensors.branch[chosen],
        sensors.place[chosen],
        sensors.miss[chosen],
        sensors.false[chosen],
        sensors.report[chosen],
        tuple(kind for kind, keep in zip(sensors.kind, chosen, strict=True) if keep),
    )


def _owners(supply: Supply, sensor_places: Indices) -> Indices:
    """Return the nearest sensor's place at or above each place, or the source's where there is none."""
    owner = supply.source_above.copy()
    for place in np.sort(sensor_places):
        owner[place : supply.end[place]] = place
    return owner


def _borders(supply: Supply, head: int, sensor_places: Indices) -> Indices:
    """Return the sensors at the borders of the section that ``head`` opens: itself, and the next ones beyond."""
    owner = _owners(supply, sensor_places)
    beyond = np.unique(sensor_places[(sensor_places > head) & (sensor_places < supply.end[head])])
    beyond = beyond[owner[supply.parent[beyond]] == head]
    own = [head] if head in sensor_places else []
    return np.concatenate([np.array(own, dtype=np.int64), beyond])


def _prior(net: Network, rules: LocationSettings) -> Numbers:
    """Return the relative rate of faults per branch: length times failure rate; unknown ones take the mean of their kind."""
    rate = net.branches.select(
        length=pl.col("length_km"),
        rate=pl.coalesce("failures_per_km_yr", pl.lit(rules.failures_per_km_yr)),
        device=~pl.col("kind").is_in(["line", "cable", "bus"]),
    )
    known = rate.select(pl.when(~pl.col("device")).then(pl.col("length") * pl.col("rate")))[:, 0]
    typical = known.drop_nulls().mean()
    if typical is None or not isinstance(typical, float) or typical <= 0:
        return np.ones(net.branches.height)
    filled = rate.select(
        pl.when(pl.col("device") & pl.col("length").is_null())
        .then(rules.device_failures_yr)
        .otherwise((pl.col("length") * pl.col("rate")).fill_null(typical))
    )[:, 0]
    return filled.clip(typical * 1e-6).to_numpy()


def _on_path(supply: Supply, sensor_places: Indices, heads: Sequence[int] | Indices) -> npt.NDArray[np.bool_]:
    """Return whether each sensor lies on the path of each section's head, shape (sensors, sections)."""
    place = sensor_places[:, None]
    return (place <= np.asarray(heads)[None, :]) & (np.asarray(heads)[None, :] < supply.end[place])


def _suspects(supply: Supply, sensors: _Sensors, heads: Sequence[int]) -> tuple[Suspect, ...]:
    """Return the reports that contradict at least one of the most probable sections."""
    ids = supply.network.branches["branch_id"]
    beyond = _on_path(supply, sensors.place, heads)
    found = []
    for index, report in enumerate(sensors.report):
        thought = None
        if report == 0 and beyond[index].any():
            thought = "missing"
        elif report > 0 and not beyond[index].all():
            thought = "false"
        if thought:
            found.append(Suspect(ids[int(sensors.branch[index])], sensors.kind[index], thought))
    return tuple(found)


def _next_check(supply: Supply, sensors: _Sensors, heads: Indices, probability: Numbers) -> tuple[str, float] | None:
    """Return the sensor whose (next) reading tells most about the section: the mutual information in bit."""
    sensors = _take(sensors, np.array(sensors.kind) == "fault_current")
    if not sensors.kind:
        return None
    beyond = _on_path(supply, sensors.place, heads) @ probability
    seen = beyond * (1 - sensors.miss) + (1 - beyond) * sensors.false
    gain = _entropy(seen) - beyond * _entropy(sensors.miss) - (1 - beyond) * _entropy(sensors.false)
    best = int(np.argmax(gain))
    if gain[best] < 1e-6:
        return None
    return supply.network.branches["branch_id"][int(sensors.branch[best])], float(gain[best])


def _entropy(p: Numbers) -> Numbers:
    inside = np.clip(p, 1e-300, 1.0), np.clip(1 - p, 1e-300, 1.0)
    return -(p * np.log2(inside[0]) + (1 - p) * np.log2(inside[1]))


def _outage(signals: pl.DataFrame) -> dict[str, str | None]:
    """Return what is out by the last word of devices and meters; confirmed when two kinds of signal agree."""
    tripped = standing_trips(signals)
    dark = still_dark(signals)
    flags = signals.filter((pl.col("kind") == "fault_current") & (pl.col("value").fill_null(1.0) != 0))
    if tripped:
        return {
            "level": "line",
            "object_id": tripped[0],
            "state": "confirmed" if dark.height or flags.height else "suspected",
        }
    trips = signals.filter(pl.col("kind") == "trip")["object_id"]
    if len(trips):
        return {"level": "line", "object_id": trips[0], "state": "restored"}
    if dark.height:
        first = dark.row(0, named=True)
        return {"level": first["object"], "object_id": first["object_id"], "state": "suspected"}
    return {
        "level": "line" if flags.height else "none",
        "object_id": None,
        "state": "suspected" if flags.height else "none",
    }
