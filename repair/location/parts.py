"""The parts of a section that switching devices can part from each other: where nothing heard can tell, a look on site can."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from network import Supply
from network.arrays import Indices, components


def parts_of(supply: Supply, branch_ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the branches of a section part by part, in the order given; one part where no device stands within.

    A device sits at the source-side end of its branch, so that its own branch belongs to what lies beyond it.

    Args:
        supply: supply before the fault.
        branch_ids: of the section.

    Raises:
        UnknownIdError: a branch is not in the network.
    """
    net, branch = supply.network, supply.network.branch_index(list(branch_ids))
    lines = branch[~net.switching[branch]]
    label = components(len(net.nodes), net.from_node[lines], net.to_node[lines])
    found: dict[int, list[str]] = {}
    for branch_id, part in zip(branch_ids, label[_beyond(supply, branch)].tolist(), strict=True):
        found.setdefault(part, []).append(branch_id)
    return tuple(tuple(part) for part in found.values())


def borders_of(supply: Supply, branch_ids: Sequence[str]) -> tuple[str, ...]:
    """Return the closed devices around a part, the one on its source side first.

    Args:
        supply: supply before the fault.
        branch_ids: of the part.

    Raises:
        UnknownIdError: a branch is not in the network.
    """
    net, own = supply.network, supply.network.branch_index(list(branch_ids))
    lines = own[~net.switching[own]]
    inside = np.unique(np.concatenate([net.from_node[lines], net.to_node[lines], _beyond(supply, own)]))
    around = np.unique(net.branches_at_node.of_keys(inside))
    around = around[net.switching[around] & ~supply.is_open_at(around)]
    leads_away = ~np.isin(_beyond(supply, around), inside)
    return tuple(net.branches["branch_id"].gather(around[np.argsort(leads_away, kind="stable")]).to_list())


def _beyond(supply: Supply, branch: Indices) -> Indices:
    """Return the end of each branch that is farther from the source, shape (branches,)."""
    ends = np.stack([supply.network.from_node[branch], supply.network.to_node[branch]])
    farther: Indices = ends[np.argmax(supply.place_of[ends], axis=0), np.arange(len(branch))]
    return farther
