"""What is missing: for those who stay off, which limit stops them, by how much, and what would lift it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from network import Supply, Text, text
from network.arrays import Indices, Mask, components
from repair.isolation import resumed
from repair.restoration.capacity import Overload
from repair.restoration.problem import RestorationProblem

FAULT, NO_WAY, LIMIT, SEARCH = "fault", "no_way", "limit", "search"
"""Why somebody stays off: on the faulted part; nothing leads there; a limit; the search has not found the way."""

PERMISSION, GENERATOR, STRONGER, NEW_TIE, REPAIR = "permission", "generator", "stronger", "new_tie", "repair"
"""What would lift it, the cheapest first."""


@dataclass(frozen=True)
class Missing:
    """Some who stay off together, and why.

    Attributes:
        reason: of :data:`FAULT`, :data:`NO_WAY`, :data:`LIMIT` and :data:`SEARCH`.
        transformers: their ids.
        customers: how many customers they have; ``None`` without a table of customers.
        kw: their load.
        way: the device that would feed them with the least missing; ``None`` where none leads there.
        limit: what it would break most; ``None`` where nothing.
        missing_a: amperes that are missing there; ``None`` where it is a voltage.
        missing_kw: the load that has to go elsewhere for the rest to be fed; ``None`` where it is a voltage.
        missing_pu: by how much the voltage would be too low; ``None`` where it is a current.
        lifted_by: what would lift it, the cheapest first.
        said: all of it in a sentence.
    """

    reason: str
    transformers: tuple[str, ...]
    customers: int | None
    kw: float
    way: str | None
    limit: Overload | None
    missing_a: float | None
    missing_kw: float | None
    missing_pu: float | None
    lifted_by: tuple[str, ...]
    said: Text

    def with_permission(self) -> Missing:
        """Return the same where a move of live load would do, if a tie might be closed live or somebody cut off for a moment."""
        return replace(self, lifted_by=(PERMISSION, *self.lifted_by))

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return what is missing with all its fields, for JSON."""
        return vars(self) | {
            "transformers": list(self.transformers),
            "limit": None if self.limit is None else vars(self.limit),
            "lifted_by": list(self.lifted_by),
            "said": self.said.in_language(language),
        }


def missing(problem: RestorationProblem, end: Supply) -> tuple[Missing, ...]:
    """Return why those who are off at the end of a plan stay off, those with the most load first.

    Args:
        problem: the fault, with the feeders that the plan touched.
        end: the state at the end of the plan.
    """
    left = problem.at(resumed(problem.fault, end))
    found = [*_of_limits(left), *_of_fault(left)]
    return tuple(sorted(found, key=lambda each: (-each.kw, each.transformers)))


def _of_fault(left: RestorationProblem) -> Iterator[Missing]:
    """Give those on the faulted part, and those whom nothing leads to."""
    net, fault = left.fault.network, left.fault
    off = left.lost.transformer_index
    node = np.where(
        np.isin(net.transformer_node[off], fault.dead), net.transformer_node[off], net.transformer_second_node[off]
    )
    in_zone = left.zones.zone_of(net.transformer_node[off]) >= 0
    in_zone |= left.zones.zone_of(net.transformer_second_node[off]) >= 0
    faulted = np.isin(node, fault.zone) & ~in_zone
    if faulted.any():
        said = text(
            "{count} transformers hang on the faulted section and wait for the repair", count=int(faulted.sum())
        )
        yield _missing(left, FAULT, off[faulted], said, lifted_by=(REPAIR, GENERATOR))
    stranded = ~faulted & ~in_zone
    held = _held_by_refusal(left)
    names = np.array([held.get(int(each), "") for each in node])
    for devices in np.unique(names[stranded & (names != "")]).tolist():
        here = stranded & (names == devices)
        said = text(
            "{count} transformers could be fed over {devices} alone, which cannot be operated",
            count=int(here.sum()), devices=devices,
        )  # fmt: skip
        yield _missing(left, NO_WAY, off[here], said, lifted_by=(GENERATOR, NEW_TIE))
    stranded &= names == ""
    if stranded.any():
        said = text("{count} transformers lie beyond the fault, and no tie leads there", count=int(stranded.sum()))
        yield _missing(left, NO_WAY, off[stranded], said, lifted_by=(GENERATOR, NEW_TIE))


def _held_by_refusal(left: RestorationProblem) -> dict[int, str]:
    """Return, for each dead node, the open devices that would feed its part from a live one and are not operated: their ids."""
    net, fault = left.fault.network, left.fault
    is_faulted = np.isin(net.from_node, fault.zone) | np.isin(net.to_node, fault.zone)
    closed = np.flatnonzero(~fault.after.is_open & ~is_faulted)
    part = components(len(net.nodes), net.from_node[closed], net.to_node[closed])
    held = np.flatnonzero(net.switching & fault.barred & fault.after.is_open)
    held = np.setdiff1d(held, fault.branches)
    devices: dict[int, list[str]] = {}
    for one, other in ((net.from_node, net.to_node), (net.to_node, net.from_node)):
        for branch in held[fault.after.live(one[held]) & ~fault.after.live(other[held])].tolist():
            devices.setdefault(int(part[other[branch]]), []).append(str(net.branches["branch_id"][branch]))
    return {int(node): ", ".join(sorted(devices[int(part[node])])) for node in fault.dead if int(part[node]) in devices}


def _of_limits(left: RestorationProblem) -> Iterator[Missing]:
    """Give each part that could be reached, with the way on which the least is missing."""
    zones, net = left.zones, left.fault.network
    dead = ~zones.live
    joined = zones.closed & ~zones.port
    part = components(zones.count, zones.first[joined], zones.second[joined])
    off = left.lost.transformer_index
    zone_of = zones.zone_of(net.transformer_node[off])
    zone_of = np.where(zone_of >= 0, zone_of, zones.zone_of(net.transformer_second_node[off]))
    for each in np.unique(part[dead]).tolist():
        here = off[(zone_of >= 0) & (part[zone_of] == each)]
        if not len(here):
            continue
        tried = [(_shortage(over), way, over) for way in _ways(left, part == each) for over in [_over(left, way)]]
        if not tried:
            said = text("{count} transformers can only be reached over a part that stays off", count=len(here))
            yield _missing(left, NO_WAY, here, said, lifted_by=(GENERATOR, NEW_TIE))
            continue
        _, way, over = min(tried, key=lambda each: (each[0], each[1]))
        yield _by_limit(left, here, way, over)


def _ways(left: RestorationProblem, mine: Mask) -> list[int]:
    """Return the open devices, by number, that lead from a live node to zones."""
    zones = left.zones
    to_mine = mine[zones.second] & zones.port
    return np.flatnonzero(to_mine & ~zones.closed).tolist()


def _over(left: RestorationProblem, way: int) -> list[Overload]:
    """Return the limits that break when a part is fed over one way, with the fault isolated."""
    ids = left.fault.network.branches["branch_id"]
    fed = left.fault.after.switched(
        open=ids.gather(left.to_isolate).to_list(), close=[str(ids[int(left.zones.switch[way])])]
    )
    return left.capacity.broken(fed)


def _shortage(over: Sequence[Overload]) -> float:
    """Return how far limits are broken at most, as a share of each."""
    return max((abs(each.value - each.limit) / (each.limit or 1.0) for each in over), default=0.0)


def _by_limit(left: RestorationProblem, here: Indices, way: int, over: list[Overload]) -> Missing:
    net, loads = left.fault.network, left.capacity.loads
    device = str(net.branches["branch_id"][int(left.zones.switch[way])])
    if not over:
        return _missing(
            left, SEARCH, here, text("{way} could feed {count} more transformers; the search has not used it", way=device,
                                     count=len(here)), way=device, lifted_by=(),
        )  # fmt: skip
    worst = max(over, key=lambda each: abs(each.value - each.limit) / (each.limit or 1.0))
    if worst.object == "node":
        said = text(
            "Over {way} node {node} would have {value:.3f} of nominal, {limit:.3f} is the least: {short:.3f} is missing",
            way=device, node=worst.object_id, value=worst.value, limit=worst.limit, short=worst.limit - worst.value,
        )  # fmt: skip
        return _missing(
            left, LIMIT, here, said, way=device, limit=worst, missing_pu=worst.limit - worst.value,
            lifted_by=(GENERATOR, STRONGER, NEW_TIE),
        )  # fmt: skip
    short = worst.value - worst.limit
    volts = loads.voltage_kv(left.zones.switch[[way]])
    kw = short * np.sqrt(3.0) * volts * loads.rules.power_factor
    said = text(
        "Over {way} {object} would carry {value:.0f} A, {limit:.0f} A is its limit: {short:.0f} A are missing, or {kw:.0f} kW",
        way=device, object=worst.object_id, value=worst.value, limit=worst.limit, short=short, kw=kw,
    )  # fmt: skip
    return _missing(
        left, LIMIT, here, said, way=device, limit=worst, missing_a=short, missing_kw=float(kw),
        lifted_by=(GENERATOR, STRONGER, NEW_TIE),
    )  # fmt: skip


def _missing(left: RestorationProblem, reason: str, transformers: Indices, said: Text, **of: Any) -> Missing:
    net = left.fault.network
    known = not net.customers.is_empty()
    customers = left.lost.customer_index
    hang = np.isin(net.customer_transformer[customers], transformers)
    hang |= np.isin(net.customer_second_transformer[customers], transformers)
    plain: dict[str, Any] = dict.fromkeys(("way", "limit", "missing_a", "missing_kw", "missing_pu"))
    return Missing(
        reason=reason,
        transformers=tuple(net.transformers["transformer_id"].gather(np.sort(transformers)).to_list()),
        customers=int(hang.sum()) if known else None,
        kw=float(left.capacity.loads.kw[transformers].sum()),
        said=said,
        **(plain | of),
    )
