"""What the parts that lost supply take once they are fed, and where those with two supplies take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from network.arrays import Numbers
from network.representation import Shown
from repair.isolation import Isolation
from repair.restoration.loading import Loads
from repair.restoration.zones import Zones


@dataclass(frozen=True, eq=False, repr=False)
class Demand(Shown):
    """The load of the zones, in A at nominal voltage.

    Attributes:
        at_node: taken at each node of the zones as soon as it is fed, shape (nodes,).
        second: loads with a supply in two zones: node and zone of the first, node and zone of the second, amperes; it is taken
            at the second while the first is not fed.
        taken_over: loads whose second supply outside the zones feeds them now: that live node of the network, the zone of the
            first, amperes; they go back as soon as that zone is fed.
    """

    at_node: Numbers
    second: Sequence[tuple[int, int, int, int, float]]
    taken_over: Sequence[tuple[int, int, float]] = ()

    @property
    def can_sink(self) -> bool:
        """Whether a way may carry less after more is fed: users with two supplies leave one for the other."""
        return bool(self.second or self.taken_over)

    @classmethod
    def of(cls, fault: Isolation, zones: Zones, loads: Loads) -> Demand:
        """Return what the zones around a fault take."""
        net, after = fault.network, fault.after
        at_node = np.zeros(len(zones.nodes))
        second: list[tuple[int, int, int, int, float]] = []
        taken_over: list[tuple[int, int, float]] = []
        for transformer in np.unique(net.transformers_at_node.of_keys(zones.nodes)).tolist():
            ends = np.array([net.transformer_node[transformer], net.transformer_second_node[transformer]])
            ampere = float(loads.ampere[transformer])
            one, two = zones.zone_of(ends).tolist()
            outside = after.live(ends) & (np.array([one, two]) < 0)
            if outside[0] or (one < 0 and outside[1]):
                continue
            place = np.searchsorted(zones.nodes, ends).tolist()
            if one >= 0 and two >= 0 and one != two and not zones.live[one]:
                second.append((place[0], one, place[1], two, ampere))
                continue
            at_node[place[0 if one >= 0 else 1]] += ampere
            if outside[1] and not zones.live[one]:
                taken_over.append((int(ends[1]), one, ampere))
        return cls(at_node, second, taken_over)
