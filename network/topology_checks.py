"""What is wrong with the topology, as data: nothing is dropped, everything is named, the rest of the network still loads.

Ids that repeat, branches with both ends at one node and references to what does not exist are found where tables are checked
(:mod:`network.tables.checks`). Here stands what only the network as a whole can tell, and what no network can have.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from network.arrays import Indices, Mask, Numbers, components
from network.problems import Problem
from network.supply import Supply
from network.switching_log import in_order, repeated_operations
from network.texts import Text, text
from network.topology import Topology

LONGEST_SECTION_KM = 100.0
"""A longer section is a slip of unit: a whole feeder counts as long beyond a supply radius of 15 km (field reference 8)."""

HIGHEST_RATING_A = 10_000.0
"""No branch carries more: at 10 kV that would be the whole output of a 170 MVA substation. Own limit."""

LARGEST_TRANSFORMER_KVA = 100_000.0
"""No distribution transformer, and no user's own station on a distribution feeder, is larger. Own limit."""

CLOSED_RING_WORDS = ("闭环", "合环", "花瓣", "closed ring", "closed loop")
"""A form of connection with one of these words is operated as a closed ring; 单环网 and 双环网 are built as rings and
operated open."""


def topology_problems(net: Topology, supply: Supply) -> list[Problem]:
    """Return users, sections, loops, labels, switch states, amounts and places that do not fit.

    Args:
        net: the topology.
        supply: its supply in the normal state, in which everything but the current state of switches is judged.
    """
    if net.branches.is_empty() and net.transformers.is_empty():
        return []
    reachable = _reachable(net)
    problems = []
    problems += _transformers_without_node(net)
    problems += _without_source(net, reachable)
    problems += _sources_that_feed_nothing(net)
    problems += _dead_in_normal_state(net, supply, reachable)
    problems += _dangling_ends(net, supply)
    problems += _loops(net, supply)
    problems += _labels_against_trace(net, supply)
    log = net.workspace.tables["switching"]
    problems += repeated_operations(log, net.branches, net.workspace.files.get("switching"))
    problems += _current_against_normal_state(net)
    problems += _impossible_amounts(net)
    problems += _impossible_places(net)
    return problems


def _rows(
    net: Topology,
    table: str,
    chosen: Mask | pl.Series,
    column: str,
    message: str,
    hint: str,
    severity: str = "warning",
    further: Mapping[str, list[object]] | None = None,
) -> list[Problem]:
    """Return one problem per chosen row of a table; ``further`` fills places of the message, one value per chosen row."""
    whole = {"branches": net.branches, "sources": net.sources}.get(table, net.workspace.tables[table])
    frame = whole.filter(pl.Series(chosen, dtype=pl.Boolean))
    shown = frame.select(pl.col(frame.columns[0]), pl.col(column).cast(pl.String).alias("value"), "row").rows()
    places = further or {}
    remedy, file = text(hint), net.workspace.files.get(table)
    return [
        Problem(
            severity,
            table,
            text(message, id=identity, **{name: values[number] for name, values in places.items()}),
            remedy,
            file=file,
            row=row,
            column=column,
            value=value,
            object_id=identity,
        )
        for number, (identity, value, row) in enumerate(shown)
    ]


# -- supply ------------------------------------------------------------------------------------------------------------


def _reachable(net: Topology) -> Mask:
    """Return whether each node has a way to a source with every switch closed, and False for no node: shape (nodes + 1,)."""
    count = len(net.nodes)
    island = components(count, net.from_node, net.to_node)
    fed = np.zeros(count + 1, dtype=np.bool_)
    fed[island[net.source_node]] = True
    return np.append(fed[island], False)


def _transformers_without_node(net: Topology) -> list[Problem]:
    second = net.transformers["second_node"]
    unknown = second.is_not_null() & pl.Series(net.transformer_second_node < 0)
    return _rows(
        net, "transformers", net.transformer_node < 0, "node",
        "transformer {id} hangs on a node that no branch and no source reaches",
        "Give the node of a branch, or add the branch that leads to it.", "error",
    ) + _rows(
        net, "transformers", unknown, "second_node",
        "the second supply of transformer {id} is a node that no branch and no source reaches",
        "Give the node of a branch, or add the branch that leads to it.", "error",
    ) + _rows(
        net, "transformers", (second == net.transformers["node"]).fill_null(value=False), "second_node",
        "both supplies of transformer {id} hang on one node, so the second secures nothing",
        "Correct second_node, or leave it blank.",
    )  # fmt: skip


def _without_source(net: Topology, reachable: Mask) -> list[Problem]:
    """Sections that no source reaches even with every switch closed: an island, or a loop to nowhere."""
    return _rows(
        net, "branches", ~reachable[net.from_node], "from_node",
        "section {id} has no way to a source, even with every switch closed",
        "Add the missing branch or source; a branch that is out of use can be deleted.", "error",
    )  # fmt: skip


def _sources_that_feed_nothing(net: Topology) -> list[Problem]:
    at_branch = np.zeros(len(net.nodes), dtype=np.bool_)
    at_branch[net.from_node] = at_branch[net.to_node] = True
    at_branch[net.transformer_node[net.transformer_node >= 0]] = True
    return _rows(
        net, "sources", ~at_branch[net.source_node], "node",
        "source {id} feeds nothing: no branch and no transformer is at it",
        "Correct the node, or delete a source that is out of use.",
    )  # fmt: skip


def _dead_in_normal_state(net: Topology, supply: Supply, reachable: Mask) -> list[Problem]:
    dead = (supply.transformer_place < 0) & (net.transformer_node >= 0)
    by_switch = dead & (reachable[net.transformer_node] | reachable[net.transformer_second_node])
    return _rows(
        net, "transformers", by_switch, "node",
        "transformer {id} has no supply in the normal state",
        "Check the flag normally_open of the switches around it.",
    ) + _rows(
        net, "transformers", dead & ~by_switch, "node",
        "transformer {id} hangs on a section without a source",
        "Add the missing branch or source.", "error",
    )  # fmt: skip


def _dangling_ends(net: Topology, supply: Supply) -> list[Problem]:
    """Stubs: parts of a line below which nothing hangs; one problem for each, at the branch that leads to it.

    A transformer, a source, an open branch or one that closes a loop is a reason to be there. Without transformers
    nothing can be told.
    """
    if net.transformers.is_empty():
        return []
    tied = supply.is_open | _closing(net, supply)
    at = [net.transformer_node, net.transformer_second_node, net.source_node, net.from_node[tied], net.to_node[tied]]
    places = supply.place_of[np.concatenate(at)]
    used = np.zeros(len(supply.end), dtype=np.int64)
    used[places[places >= 0]] = 1
    bare = supply.sum_below(used) == 0
    first = np.flatnonzero(bare & ~bare[supply.parent] & (supply.branch_to >= 0))
    first = first[np.argsort(supply.branch_to[first])]
    length = np.append(np.nan_to_num(_numbers(net.branches, "length_km")), 0.0)
    km = supply.sum_below(length[supply.branch_to])[first]
    return _rows(
        net, "branches", _mask(net, supply.branch_to[first]), "to_node",
        "from branch {id} on the line ends blind, without transformer, source or tie; branches: {count}, length: {km} km",
        "Add what hangs there; a line that is out of use can be deleted.",
        further={"count": (supply.end[first] - first).tolist(), "km": [f"{each:.3g}" for each in km]},
    )  # fmt: skip


def _mask(net: Topology, branches: Indices) -> Mask:
    chosen = np.zeros(net.branches.height, dtype=np.bool_)
    chosen[branches] = True
    return chosen


# -- loops -------------------------------------------------------------------------------------------------------------


def _closing(net: Topology, supply: Supply) -> Mask:
    """Return the closed branches outside the tree: each closes a loop."""
    in_tree = np.zeros(net.branches.height + 1, dtype=np.bool_)
    in_tree[supply.branch_to] = True
    return ~supply.is_open & (supply.place_of[net.from_node] >= 0) & ~in_tree[:-1]


def _loops(net: Topology, supply: Supply) -> list[Problem]:
    """Loops in the normal state that no feeder in them declares by its form of connection, and sources that are joined."""
    closing = np.flatnonzero(_closing(net, supply))
    joined = supply.parent[supply.place_of[net.source_node]] != 0
    of_branch = {branch: loop.feeders for loop in supply.loops for branch in loop.branch_index.tolist()}
    feeders = [of_branch[branch] for branch in closing.tolist()]
    forms = net.feeders["structure"].str.to_lowercase()
    as_ring = forms.str.contains_any(list(CLOSED_RING_WORDS)).fill_null(value=False)
    rings = set(net.feeders["feeder_id"].filter(as_ring))
    within = [len(feeder) < 2 and rings.isdisjoint(feeder) for feeder in feeders]
    between = [len(feeder) > 1 and rings.isdisjoint(feeder) for feeder in feeders]
    return _rows(
        net, "branches", _mask(net, closing[within]), "normally_open",
        "branch {id} closes a loop in the normal state",
        "Right for a ring operated closed or parallel cables; else mark the tie as normally open.",
    ) + _rows(
        net, "branches", _mask(net, closing[between]), "normally_open",
        "branch {id} closes a loop through feeders {feeders} in the normal state: they run in parallel",
        "Mark the tie between them as normally open.",
        further={"feeders": [", ".join(feeder) for feeder in feeders if len(feeder) > 1 and rings.isdisjoint(feeder)]},
    ) + _rows(
        net, "sources", joined, "node",
        "source {id} is joined with another source by closed branches in the normal state",
        "Right for buses that run in parallel; else mark the tie between them as normally open.",
    )  # fmt: skip


# -- labels and states of switches -------------------------------------------------------------------------------------


def _labels_against_trace(net: Topology, supply: Supply) -> list[Problem]:
    """Transformers, and the first branch of each part of a line, whose feeder label is not that of the trace."""
    traced = pl.concat([supply.node_feeder, pl.Series([None], dtype=pl.String)])
    at_transformer = traced.gather(np.where(net.transformer_node >= 0, net.transformer_node, len(traced) - 1))
    differs = (net.transformers["feeder_id"] != at_transformer).fill_null(value=False)
    return _rows(
        net, "transformers", differs, "feeder_id",
        "transformer {id} carries another feeder's label than the trace from the source gives",
        "Correct the label or the switch state.",
    ) + _branches_of_another_feeder(net, supply)  # fmt: skip


def _branches_of_another_feeder(net: Topology, supply: Supply) -> list[Problem]:
    reached = np.flatnonzero(supply.branch_to >= 0)
    labels = net.branches["feeder_id"]
    own = labels.gather(supply.branch_to[reached])
    traced = supply.node_feeder.gather(supply.node_at[reached])
    wrong = reached[(own != traced).fill_null(value=False).to_numpy()]
    above = supply.branch_to[supply.parent[wrong]]
    above_label = pl.concat([labels, pl.Series([None], dtype=pl.String)]).gather(
        np.where(above < 0, len(labels), above)
    )
    first = labels.gather(supply.branch_to[wrong]).ne_missing(above_label).to_numpy()
    branches = np.sort(supply.branch_to[wrong[first]])
    lower = np.empty(net.branches.height, dtype=np.int64)
    lower[supply.branch_to[reached]] = supply.node_at[reached]
    return _rows(
        net, "branches", _mask(net, branches), "feeder_id",
        "from branch {id} on the line carries another label than that of feeder {feeder}, which feeds it",
        "Correct the labels or the switch state.",
        further={"feeder": supply.node_feeder.gather(lower[branches]).to_list()},
    )  # fmt: skip


def _current_against_normal_state(net: Topology) -> list[Problem]:
    """Switches that the log has left in another state than the normal one, each at its last operation."""
    log = net.workspace.tables["switching"]
    if log.is_empty():
        return []
    last = in_order(log, net.branches).unique("branch_id", keep="last", maintain_order=True)
    branches = net.branch_index(last["branch_id"])
    is_open = (last["action"] == "open").to_numpy()
    differs = is_open != net.normally_open[branches]
    if not differs.any():
        return []
    last, branches, is_open = last.filter(differs), branches[differs], is_open[differs]
    now = Supply.logged(net, log)
    looped = ~is_open & (now.place_of[net.from_node[branches]] >= 0) & (now.place_below(branches) < 0)
    file = net.workspace.files.get("switching")
    return [
        Problem(
            "warning", "switching", *_state_texts(branch, time, opened, loop), file, row, "action", action, branch
        )
        for (time, branch, action, row), opened, loop in zip(
            last.select(pl.col("time").dt.to_string("%Y-%m-%d %H:%M"), "branch_id", "action", "row").rows(),
            is_open, looped, strict=True,
        )
    ]  # fmt: skip


def _state_texts(branch: str, since: str, opened: bool, looped: bool) -> tuple[Text, Text]:
    """Return what to say of a switch that is not in its normal state, and what to do."""
    if opened:
        return (
            text("branch {id} is normally closed and has been open since {since}", id=branch, since=since),
            text("Right while work lasts; else log the closing, or correct normally_open."),
        )
    if looped:
        return (
            text(
                "branch {id} is normally open, has been closed since {since} and closes a loop", id=branch, since=since
            ),
            text("Log the opening that ended the parallel operation, or correct normally_open."),
        )
    return (
        text("branch {id} is normally open and has been closed since {since}", id=branch, since=since),
        text("Right while load is transferred; else log the opening, or correct normally_open."),
    )


# -- amounts and places ------------------------------------------------------------------------------------------------


def _numbers(frame: pl.DataFrame, column: str) -> Numbers:
    """Return a column as numbers; not a number where it is blank."""
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _impossible_amounts(net: Topology) -> list[Problem]:
    """Lengths, ratings and capacities that no distribution network has; negative ones are left out when tables are read."""
    rating, kva = _numbers(net.branches, "rating_a"), _numbers(net.transformers, "capacity_kva")
    return _rows(
        net, "branches", _numbers(net.branches, "length_km") > LONGEST_SECTION_KM, "length_km",
        "branch {id} is longer than any section of a distribution line",
        "Give the length in km, not in m.",
    ) + _rows(
        net, "branches", (rating == 0) & ~net.normally_open, "rating_a",
        "branch {id} is closed but rated 0 A, so it could carry nothing",
        "Give the rating in A, or leave it blank where it is not known.",
    ) + _rows(
        net, "branches", rating > HIGHEST_RATING_A, "rating_a",
        "branch {id} is rated higher than any branch of a distribution network",
        "Give the rating in A, not in mA or kVA.",
    ) + _rows(
        net, "transformers", kva == 0, "capacity_kva",
        "transformer {id} has a capacity of 0 kVA",
        "Give the rated capacity in kVA, or leave it blank where it is not known.",
    ) + _rows(
        net, "transformers", kva > LARGEST_TRANSFORMER_KVA, "capacity_kva",
        "transformer {id} is larger than any on a distribution feeder",
        "Give the rated capacity in kVA, not in VA.",
    )  # fmt: skip


def _impossible_places(net: Topology) -> list[Problem]:
    nodes = net.workspace.tables["nodes"]
    lon, lat = _numbers(nodes, "lon"), _numbers(nodes, "lat")
    return _rows(
        net, "nodes", np.abs(lon) > 180, "lon",
        "node {id} has a longitude beyond 180 degrees", "Give degrees; lon and lat may stand in each other's place.",
    ) + _rows(
        net, "nodes", np.abs(lat) > 90, "lat",
        "node {id} has a latitude beyond 90 degrees", "Give degrees; lon and lat may stand in each other's place.",
    ) + _rows(
        net, "nodes", (lon == 0) & (lat == 0), "lon",
        "node {id} lies at 0, 0 in the sea", "Leave lon and lat blank where they are not known.",
    ) + _rows(
        net, "nodes", np.isnan(lon) != np.isnan(lat), "lon",
        "node {id} has only one of lon and lat", "Give both, or neither.",
    )  # fmt: skip
