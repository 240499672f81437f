"""The parts of a section that switching devices can part from each other: where nothing heard can tell, a look on site can."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from network import Supply
from network.arrays import components


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
    ends = np.stack([net.from_node[branch], net.to_node[branch]])
    joins = ~net.switching[branch]
    label = components(len(net.nodes), ends[0, joins], ends[1, joins])
    beyond = ends[np.argmax(supply.place_of[ends], axis=0), np.arange(len(branch))]
    found: dict[int, list[str]] = {}
    for branch_id, part in zip(branch_ids, label[beyond].tolist(), strict=True):
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
    heads = own[net.switching[own]]
    inside = {*net.from_node[own[~net.switching[own]]].tolist(), *net.to_node[own[~net.switching[own]]].tolist()}
    inside |= {_beyond(supply, each) for each in heads.tolist()}
    around = net.branches_at_node.of_keys(np.array(sorted(inside), dtype=np.int64))
    around = around[net.switching[around] & ~supply.is_open_at(around)]
    in_order = sorted(dict.fromkeys(around.tolist()), key=lambda each: _beyond(supply, each) not in inside)
    return tuple(net.branches["branch_id"].gather(in_order).to_list())


def _beyond(supply: Supply, branch: int) -> int:
    """Return the end of a branch that is farther from the source."""
    ends = np.array([supply.network.from_node[branch], supply.network.to_node[branch]])
    return int(ends[int(np.argmax(supply.place_of[ends]))])
