"""Any sequence of switching, against the graph searched anew; loops against the graph's blocks."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import FudianError, Network, Supply, network_from_tables
from tests.networks import Plain, plain_networks


@st.composite
def station_networks(draw: st.DrawFn) -> Plain:
    """Draw stations with several feeders each, ties between feeders and couplers between stations, and dead islands."""
    sources, branches, nodes = [], [], []
    for station in range(draw(st.integers(1, 3))):
        sources.append(f"S{station}")
        nodes.append(f"S{station}")
        for feeder in range(draw(st.integers(1, 3))):
            above = f"S{station}"
            for section in range(draw(st.integers(1, 4))):
                name = f"S{station}F{feeder}N{section}"
                branches.append((above, name, draw(st.integers(0, 7)) == 0))
                nodes.append(name)
                above = name if draw(st.booleans()) else above
    node = st.sampled_from(nodes)
    for _ in range(draw(st.integers(0, 7))):
        a, b = draw(node), draw(node)
        if a != b:
            branches.append((a, b, draw(st.integers(0, 2)) > 0))
    if draw(st.booleans()):
        branches += [("I0", "I1", False), ("I1", "I2", draw(st.booleans())), (draw(node), "I0", True)]
        nodes += ["I0", "I1", "I2"]
        node = st.sampled_from(nodes)
    branches = [(b, a, is_open) if draw(st.booleans()) else (a, b, is_open) for a, b, is_open in branches]
    transformers = draw(st.lists(st.tuples(node, st.none() | node), min_size=1, max_size=12))
    user = st.integers(0, len(transformers) - 1)
    return Plain(sources, branches, transformers, draw(st.lists(st.tuples(user, st.none() | user), max_size=12)))


def ids(letter: str, numbers: set[int]) -> list[str]:
    return [f"{letter}{i}" for i in sorted(numbers)]


def loops_of_graph(plain: Plain, is_open: list[bool]) -> set[frozenset[str]]:
    """Which branches share a simple cycle of the graph in which all sources are one node, as sets of ids."""
    opened = {i for i, each in enumerate(is_open) if each}
    live = plain.live_nodes(opened, set(range(len(is_open))) - opened)
    graph = nx.Graph()
    for i, (a, b, _) in enumerate(plain.branches):
        if not is_open[i] and a in live:
            ends = ["ground" if node in plain.sources else node for node in (a, b)]
            graph.add_edges_from([(ends[0], (i, 0)), ((i, 0), (i, 1)), ((i, 1), ends[1])])
    together = nx.Graph()
    for cycle in nx.simple_cycles(graph):
        on_it = sorted({node[0] for node in cycle if isinstance(node, tuple)})
        nx.add_path(together, on_it)
        together.add_nodes_from(on_it)
    return {frozenset(f"B{i}" for i in loop) for loop in nx.connected_components(together)}


def same_loops(supply: Supply, plain: Plain, is_open: list[bool]) -> bool:
    found = [frozenset(loop.branches) for loop in supply.loops]
    for loop in supply.loops:
        ends = {node for branch in loop.branches for node in plain.branches[int(branch[1:])][:2]}
        assert set(loop.sources) == ends & set(plain.sources)
    assert len(set(found)) == len(found)
    return set(found) == loops_of_graph(plain, is_open)


@given(st.one_of(station_networks(), plain_networks()), st.data())
def test_any_sequence_of_switching_equals_the_graph_searched_anew(plain: Plain, data: st.DataObject) -> None:
    supply = plain.network().energise()
    branch = st.integers(0, len(plain.branches) - 1)
    is_open = [each for *_, each in plain.branches]
    assert same_loops(supply, plain, is_open)
    for _ in range(data.draw(st.integers(1, 6))):
        opened = data.draw(st.sets(branch, max_size=3))
        closed = data.draw(st.sets(branch, max_size=3)) - opened
        before, before_open = supply, list(is_open)
        supply = supply.switched(open=[f"B{i}" for i in opened], close=[f"B{i}" for i in closed])
        for i in opened:
            is_open[i] = True
        for i in closed:
            is_open[i] = False
        assert supply.is_open.tolist() == is_open
        live = live_users(plain, is_open)
        assert supply.dead() == ids("T", set(range(len(plain.transformers))) - live[0])
        was = live_users(plain, before_open)
        lost, gained = before.lost_in(supply), supply.lost_in(before)
        assert (lost.transformers, lost.customers) == (ids("T", was[0] - live[0]), ids("C", was[1] - live[1]))
        assert (gained.transformers, gained.customers) == (ids("T", live[0] - was[0]), ids("C", live[1] - was[1]))
        assert same_loops(supply, plain, is_open)
        of_all = supply.customers_below()
        for i in data.draw(st.sets(branch, max_size=3)):
            then = [each or i == j for j, each in enumerate(is_open)]
            after = live_users(plain, then)
            hit = supply.below(f"B{i}")
            assert hit.transformers == ids("T", live[0] - after[0])
            assert hit.customers == ids("C", live[1] - after[1])
            assert of_all[i] == len(live[1] - after[1])


def live_users(plain: Plain, is_open: list[bool]) -> tuple[set[int], set[int]]:
    opened = {i for i, each in enumerate(is_open) if each}
    closed = set(range(len(is_open))) - opened
    return plain.live_transformers(opened, closed), plain.live_customers(opened, closed)


@given(station_networks(), st.data())
def test_undoing_what_was_done_gives_the_full_state_back(plain: Plain, data: st.DataObject) -> None:
    supply = plain.network().energise()
    opened = data.draw(st.sets(st.integers(0, len(plain.branches) - 1), max_size=4))
    names = [f"B{i}" for i in opened if not plain.branches[i][2]]
    assert supply.switched(open=names).switched(close=names) is supply


def two_feeders() -> Network:
    """Two feeders of one station and one of another, with a tie each; the first feeder has a closed ring of its own."""
    rows = [
        ("K1", "S1", "a", "F1", False), ("L1", "a", "b", "F1", False), ("L2", "b", "c", "F1", False),
        ("L3", "a", "c", "F1", False), ("K2", "S1", "d", "F2", False), ("L4", "d", "e", "F2", False),
        ("K3", "S2", "g", "F3", False), ("T12", "c", "e", None, True), ("T23", "e", "g", None, True),
    ]  # fmt: skip
    return network_from_tables(
        {
            "sources": [{"node": "S1"}, {"node": "S2"}],
            "branches": [
                {"branch_id": i, "from_node": a, "to_node": b, "kind": "switch", "feeder_id": f, "normally_open": o}
                for i, a, b, f, o in rows
            ],
            "transformers": [{"transformer_id": f"T{node}", "node": node} for node in "abcdeg"],
        }
    )


def test_a_closed_tie_between_live_feeders_is_flagged_as_parallel_operation() -> None:
    normal = two_feeders().energise()
    assert [(loop.branches, loop.is_parallel) for loop in normal.loops] == [(["L1", "L2", "L3"], False)]
    after = normal.switched(close=["T12"])
    (loop,) = (loop for loop in after.loops if loop.is_parallel)
    assert (loop.feeders, loop.sources) == (["F1", "F2"], ["S1"])
    assert after.lost_in(normal).transformers == normal.lost_in(after).transformers == []
    assert after.below("K1").transformers == []  # the other feeder holds it
    after = normal.switched(close=["T23"])
    (loop,) = (loop for loop in after.loops if loop.is_parallel)
    assert (loop.sources, loop.feeders) == (["S1", "S2"], ["F2", "F3"])
    assert loop.branches == ["K2", "L4", "K3", "T23"]


def test_one_branch_cannot_be_opened_and_closed_at_once() -> None:
    with pytest.raises(FudianError, match="K1"):
        two_feeders().energise().switched(open=["K1"], close=["K1"])


def test_only_the_touched_feeders_are_energised_again() -> None:
    supply = two_feeders().energise()
    after = supply.switched(open=["L4"])
    names = supply.network.nodes.gather(np.unique(after.patch.nodes)).to_list()
    assert sorted(names) == ["S1", "d", "e"]


def test_many_operations_at_once_are_as_a_few(county: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number the whole network is energised anew: nobody can tell."""
    supply = county.energise()
    opened = county.branches["branch_id"].to_list()[::37]
    nodes = np.arange(0, len(county.nodes), 41)
    patched = supply.switched(open=opened), supply.without_nodes(nodes)
    monkeypatch.setattr("network.supply.MOST_PATCHED", 0)
    anew = supply.switched(open=opened), supply.without_nodes(nodes)
    for one, other in zip(patched, anew, strict=True):
        assert one.dead() == other.dead()
        assert supply.lost_in(one).transformers == supply.lost_in(other).transformers
        again = one.switched(close=opened), other.switched(close=opened)
        assert again[0].dead() == again[1].dead()
