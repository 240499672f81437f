"""What is wrong with the topology in the normal state, as data: nothing is dropped, everything is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from network.arrays import Mask
from network.problems import Problem
from network.supply import Supply
from network.texts import text

if TYPE_CHECKING:
    from network.topology import Network


def topology_problems(net: Network) -> list[Problem]:
    """Return users, sections and labels that do not fit the supply in the normal state."""
    if net.branches.is_empty() and net.transformers.is_empty():
        return []
    supply = net.energise()
    reachable = Supply.of(net, np.zeros(net.branches.height, dtype=np.bool_))
    problems = []
    problems += _transformers_without_node(net)
    problems += _without_source(net, reachable)
    problems += _dead_in_normal_state(net, supply, reachable)
    problems += _undeclared_loops(net, supply)
    problems += _labels_against_trace(net, supply)
    return problems


def _rows(
    net: Network, table: str, chosen: Mask, column: str, message: str, hint: str, severity: str = "error"
) -> list[Problem]:
    """Return one problem per chosen row of a table."""
    frame = net.workspace.tables[table].filter(pl.Series(chosen, dtype=pl.Boolean))
    key = frame.columns[0]
    return [
        Problem(
            severity,
            table,
            text(message, id=identity),
            text(hint),
            file=net.workspace.files.get(table),
            row=row,
            column=column,
            value=value,
            object_id=identity,
        )
        for identity, value, row in frame.select(
            pl.col(key).alias("identity"), pl.col(column).alias("value"), "row"
        ).rows()
    ]


def _transformers_without_node(net: Network) -> list[Problem]:
    return _rows(
        net, "transformers", net.transformer_node < 0, "node",
        "transformer {id} hangs on a node that no branch and no source reaches",
        "Give the node of a branch, or add the branch that leads to it.",
    )  # fmt: skip


def _without_source(net: Network, reachable: Supply) -> list[Problem]:
    """Sections that no source reaches even with every switch closed: an island, or a loop to nowhere."""
    island = reachable.place_of[net.from_node] < 0
    return _rows(
        net, "branches", island, "from_node",
        "section {id} has no way to a source, even with every switch closed",
        "Add the missing branch or source; a branch that is out of use can be deleted.",
    )  # fmt: skip


def _dead_in_normal_state(net: Network, supply: Supply, reachable: Supply) -> list[Problem]:
    dead = (supply.transformer_place < 0) & (net.transformer_node >= 0)
    by_switch = dead & (reachable.transformer_place >= 0)
    return _rows(
        net, "transformers", by_switch, "node",
        "transformer {id} has no supply in the normal state",
        "Check the flag normally_open of the switches around it.", severity="warning",
    ) + _rows(
        net, "transformers", dead & ~by_switch, "node",
        "transformer {id} hangs on a section without a source",
        "Add the missing branch or source.",
    )  # fmt: skip


def _undeclared_loops(net: Network, supply: Supply) -> list[Problem]:
    """Branches that close a loop in the normal state; legitimate for parallel cables and rings, so a warning."""
    in_tree = np.zeros(net.branches.height + 1, dtype=np.bool_)
    in_tree[supply.branch_to] = True
    closing = ~supply.is_open & (supply.place_of[net.from_node] >= 0) & ~in_tree[:-1]
    return _rows(
        net, "branches", closing, "normally_open",
        "branch {id} closes a loop in the normal state",
        "Right for a ring operated closed or parallel cables; else mark the tie as normally open.", severity="warning",
    )  # fmt: skip


def _labels_against_trace(net: Network, supply: Supply) -> list[Problem]:
    """Transformers whose feeder label differs from the feeder that really feeds them."""
    traced = pl.concat([supply.node_feeder, pl.Series([None], dtype=pl.String)])
    traced = traced.gather(np.where(net.transformer_node >= 0, net.transformer_node, len(traced) - 1))
    differs = (net.transformers["feeder_id"] != traced).fill_null(value=False).to_numpy()
    return _rows(
        net, "transformers", differs, "feeder_id",
        "transformer {id} carries another feeder's label than the trace from the source gives",
        "Correct the label or the switch state.", severity="warning",
    )  # fmt: skip
