"""The N-1 test of feeders that nothing can feed from elsewhere, all sections in a few passes over the network.

Where a feeder has no loop, no open branch and no user with a second supply, a fault anywhere leaves one way in: the device that
tripped. What lies between it and the faulted section comes back by it, within every limit, since the feeder carried more before
the fault; what lies beyond the section waits for the repair. Sums below tell all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network import Supply
from network.arrays import Indices, Mask, Numbers
from repair.restoration.loading import Loads


@dataclass(frozen=True, eq=False)
class WithoutTies:
    """What a fault on each branch leaves, in A; not a number for a branch that has to be tried.

    Attributes:
        transfer_a: healthy load that lost supply and comes back before the repair, shape (branches,).
        stranded_a: healthy load that waits for the repair, shape (branches,).
    """

    transfer_a: Numbers
    stranded_a: Numbers

    @classmethod
    def of(cls, loads: Loads, supply: Supply, zone: Indices) -> WithoutTies:
        """Work out every branch.

        Args:
            loads: the load of every transformer.
            supply: supply before any fault.
            zone: section of each node: what no switching device divides, shape (nodes,).
        """
        net = supply.network
        at_place = _load_at_place(loads, supply)
        below = supply.sum_below(at_place)
        top = _tops(supply, zone)
        of_zone = np.bincount(zone[supply.node_at[1:]], weights=at_place[1:], minlength=len(top))
        trip = _protective_above(supply)
        ends = np.stack([supply.place_of[net.from_node], supply.place_of[net.to_node]])
        lower = np.maximum(ends.max(axis=0), 0)
        section = zone[supply.node_at[lower]]
        first = top[section]
        tripped = trip[first]
        usable = (ends.min(axis=0) >= 0) & ~supply.is_open & (tripped > 0) & (supply.branch_to[first] >= 0)
        usable &= ~_need_a_search(loads, supply)[supply.head_above[first]]
        transfer = np.where(usable, below[tripped] - below[first], np.nan)
        stranded = np.where(usable, below[first] - of_zone[section], np.nan)
        return cls(np.maximum(transfer, 0.0), np.maximum(stranded, 0.0))


def _load_at_place(loads: Loads, supply: Supply) -> Numbers:
    net = supply.network
    places = supply.place_of[net.transformer_node]
    live = places >= 0
    load: Numbers = np.bincount(places[live], weights=loads.ampere[live], minlength=len(supply.end)).astype(np.float64)
    return load


def _tops(supply: Supply, zone: Indices) -> Indices:
    """Return the first place of each section, 0 for a dead one."""
    places = np.arange(1, len(supply.end))
    of_place = zone[supply.node_at[1:]]
    top = np.zeros(int(zone.max(initial=-1)) + 1, dtype=np.int64)
    top[of_place[::-1]] = places[::-1]
    return top


def _protective_above(supply: Supply) -> Indices:
    """Return the nearest place at or above each that a protective device leads to, 0 where there is none."""
    protective = np.append(supply.network.protective, False)[supply.branch_to]
    above = np.where(protective, np.arange(len(supply.end)), np.maximum(supply.parent, 0))
    while not np.array_equal(higher := above[above], above):
        above = higher
    return np.where(protective[above], above, 0)


def _need_a_search(loads: Loads, supply: Supply) -> Mask:
    """Return, at the place of the head of each feeder, whether its sections have to be tried one by one."""
    net, head = supply.network, supply.head_above
    need = np.zeros(len(supply.end), dtype=np.bool_)
    is_open = supply.is_open
    second = net.transformer_second_node >= 0
    nodes = np.concatenate([
        net.from_node[is_open], net.to_node[is_open], net.transformer_node[second], net.transformer_second_node[second],
    ])  # fmt: skip
    places = supply.place_of[nodes[nodes >= 0]]
    forest = supply.forest
    for each in (places[places >= 0], forest.back_lower, forest.back_upper):
        need[head[each]] = True
    need[head[_collapsed(loads, supply, need)]] = True
    return need


def _collapsed(loads: Loads, supply: Supply, known: Mask) -> Indices:
    """Return the heads of the other feeders for which the power flow finds no voltage, or for which there is none below."""
    ohm = loads.impedance_ohm[supply.branch_to]
    head = supply.head_above
    unknown = np.zeros(len(head), dtype=np.bool_)
    unknown[head[np.isnan(ohm)]] = True
    measured = np.unique(head[(ohm != 0) & ~np.isnan(ohm) & (np.arange(len(head)) > 0)])
    found = []
    for place in measured[~known[measured]].tolist():
        parts = supply.parts_of(supply.node_at[[place]])
        if unknown[place] or any(loads.state_of(supply, part).collapsed for part in parts):
            found.append(place)
    return np.array(found, dtype=np.int64)
