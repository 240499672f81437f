from datetime import datetime

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network, Supply, network_from_tables
from repair import affected_by_fault, affected_by_opening, affected_by_transformers, incidents
from tests.networks import Plain, plain_networks

FEEDER = """
=S -[K1] feeder_id=F- 1 -L1 feeder_id=F- 2 -K2 kind=recloser feeder_id=F- 3 -L2 feeder_id=F- 4
2 -F1 kind=fuse feeder_id=F- 5 -L3 feeder_id=F- 6
T2 @ 2; T4 @ 4; T6 @ 6
"""
CUSTOMERS = [
    {
        "customer_id": f"C{node}{i}", "transformer_id": f"T{node}", "important": i == 0, "verified": i == 0,
        "name": "王小明", "phone": "13812345678",
    }
    for node in ("2", "4", "6")
    for i in range(2)
]  # fmt: skip


@pytest.fixture
def feeder() -> Network:
    return Network.from_text(FEEDER, {"customers": CUSTOMERS})


@pytest.mark.parametrize(
    ("fault", "opened", "transformers"),
    [
        ("L1", ["K1"], ["T2", "T4", "T6"]),
        ("K1", ["K1"], ["T2", "T4", "T6"]),
        ("K2", ["K2"], ["T4"]),
        ("L2", ["K2"], ["T4"]),
        ("L3", ["F1"], ["T6"]),
    ],
)
def test_the_nearest_protective_device_clears_the_fault(
    feeder: Network, fault: str, opened: list[str], transformers: list[str]
) -> None:
    found = affected_by_fault(feeder.energise(), fault).as_dict()
    assert found["opened"] == opened
    assert found["transformers"] == transformers
    assert found["customers"] == 2 * len(transformers)
    assert found["feeders"] == {"F": 2 * len(transformers)}
    assert found["important"] == [f"C{name[1:]}0" for name in transformers]


def test_a_fault_on_a_closed_ring_opens_both_ends() -> None:
    ring = Network.from_text("=S -[K1]- 1 -L1 kind=cable- 2 -[K2]- 3 -[K3]- S; T2 @ 2; T3 @ 3")
    found = affected_by_fault(ring.energise(), "L1").as_dict()
    assert (found["opened"], found["transformers"]) == (["K1", "K2"], ["T2"])
    assert affected_by_opening(ring.energise(), ["L1"]).as_dict()["transformers"] == []


def test_a_fault_on_an_open_branch_cuts_off_nobody() -> None:
    supply = Network.from_text("=S -[K1]- 1 -L1- 2 /(T)/ 3 -L3- 4; T2 @ 2; T4 @ 4").energise()
    for fault in ("T", "L3"):
        found = affected_by_fault(supply, fault).as_dict()
        assert (found["transformers"], found["opened"]) == ([], [])


def test_a_device_that_was_opened_is_what_cleared_the_fault(feeder: Network) -> None:
    supply = feeder.energise().switched(open=["K2"])
    for fault in ("K2", "L2"):
        found = affected_by_fault(supply, fault).as_dict()
        assert (found["customers"], found["opened"], found["transformers"]) == (2, ["K2"], ["T4"])
    tripped_above = affected_by_fault(feeder.energise().switched(open=["K1"]), "L2").as_dict()
    assert (tripped_above["opened"], tripped_above["transformers"]) == (["K1"], ["T2", "T4", "T6"])


@given(plain_networks(), st.data())
def test_an_opening_equals_the_graph(plain: Plain, data: st.DataObject) -> None:
    opened = data.draw(st.sets(st.integers(0, len(plain.branches) - 1), min_size=1, max_size=3))
    found = affected_by_opening(plain.network().energise(), [f"B{i}" for i in sorted(opened)]).as_dict()
    lost = plain.live_transformers(set()) - plain.live_transformers(opened)
    assert found["transformers"] == [f"T{i}" for i in sorted(lost)]
    assert found["customer_ids"] == [
        f"C{i}" for i in sorted(plain.live_customers(set()) - plain.live_customers(opened))
    ]


@given(plain_networks(), st.data())
def test_a_fault_equals_a_search_between_protective_devices(plain: Plain, data: st.DataObject) -> None:
    """Remove everything that no protective device separates from the fault; who is alive without it stays on."""
    protective = data.draw(st.sets(st.integers(0, len(plain.branches) - 1)))
    fault = data.draw(st.integers(0, len(plain.branches) - 1))
    base = plain.network()
    tables = dict(base.workspace.tables)
    tables["branches"] = tables["branches"].with_columns(
        kind=pl.Series(["breaker" if i in protective else "line" for i in range(len(plain.branches))])
    )
    supply = network_from_tables(
        {name: tables[name] for name in ("sources", "branches", "transformers", "customers")}
    ).energise()
    found = affected_by_fault(supply, f"B{fault}").as_dict()

    live = plain.live_nodes(set())
    a, b, is_open = plain.branches[fault]
    if is_open or a not in live:
        assert found["transformers"] == found["opened"] == []
        return
    inner = nx.Graph()
    inner.add_nodes_from(node for ends in plain.branches for node in ends[:2])
    inner.add_edges_from((x, y) for i, (x, y, off) in enumerate(plain.branches) if not off and i not in protective)
    if fault in protective:
        beyond = [
            node
            for node in (a, b)
            if supply.place_of[list(base.nodes).index(node)]
            == max(supply.place_of[list(base.nodes).index(a)], supply.place_of[list(base.nodes).index(b)])
        ]
        zone = nx.node_connected_component(inner, beyond[0])
    else:
        zone = nx.node_connected_component(inner, a)
    touching = {i for i, (x, y, _) in enumerate(plain.branches) if x in zone or y in zone}
    after = plain.live_nodes(touching) - zone
    lost = {
        i for i, (x, y) in enumerate(plain.transformers) if (x in live or y in live) and not (x in after or y in after)
    }
    assert found["transformers"] == [f"T{i}" for i in sorted(lost)]


@given(plain_networks(), st.data())
def test_losing_nodes_changes_what_a_whole_trace_says(plain: Plain, data: st.DataObject) -> None:
    """Nodes lost group after group, with switching between: who is live equals a new trace of everything."""
    net = plain.network()
    branch, node = st.integers(0, len(plain.branches) - 1), st.integers(0, len(net.nodes) - 1)
    supply, is_open, lost = net.energise(), net.normally_open.copy(), set[int]()
    everywhere = np.arange(len(net.nodes))
    for _ in range(data.draw(st.integers(1, 3))):
        before = supply
        opened, closed = data.draw(st.sets(branch, max_size=2)), data.draw(st.sets(branch, max_size=2))
        supply = supply.switched([f"B{i}" for i in opened], [f"B{i}" for i in closed - opened])
        is_open[list(opened)] = True
        is_open[list(closed - opened)] = False
        gone = np.array(sorted(data.draw(st.sets(node, max_size=3))), dtype=np.int64)
        supply = supply.without_nodes(gone)
        lost |= set(gone.tolist())
        is_open |= np.isin(net.from_node, gone) | np.isin(net.to_node, gone)
        whole = Supply.of(net, is_open, lost_sources=np.array(sorted(lost), dtype=np.int64))
        assert supply.live(everywhere).tolist() == whole.live(everywhere).tolist()
        assert supply.dead() == whole.dead()
        assert (supply.forest.reached == whole.forest.reached).all()
        assert supply.is_open.tolist() == is_open.tolist()
        hit, expected = before.lost_in(supply), before.lost_in(whole)
        assert (hit.transformers, hit.customers) == (expected.transformers, expected.customers)


def test_the_printed_list_is_masked_and_important_first(feeder: Network) -> None:
    table = affected_by_opening(feeder.energise(), ["K1"]).table()
    assert table["important"].to_list() == [True] * 3 + [False] * 3
    assert set(table["name"]) == {"王••"}
    assert table["phone"].to_list() == ["138••••78"] * 3 + [None] * 3


def test_a_dark_transformer_takes_its_customers_but_not_those_with_a_second_supply(county: Network) -> None:
    dual = county.customers.filter(pl.col("second_transformer_id").is_not_null()).row(0, named=True)
    found = affected_by_transformers(county.energise(), [dual["transformer_id"]])
    own = county.customers.filter(pl.col("transformer_id") == dual["transformer_id"])
    assert dual["customer_id"] not in found.as_dict()["customer_ids"]
    assert found.customer_count == own.filter(pl.col("second_transformer_id").is_null()).height


def test_signals_far_apart_in_time_or_place_are_different_incidents(county: Network) -> None:
    tables = county.workspace.tables
    found = incidents(county.energise(), tables["signals"], tables["sensors"])
    starts = [incident.start for incident in found]
    assert starts == sorted(starts, reverse=True)
    assert all(set(incident.signals["kind"]) - {"read"} for incident in found)
    assert sum(incident.affected.customer_count > 0 for incident in found) >= 4
    assert datetime(2022, 1, 1) < starts[-1] < starts[0] <= datetime(2023, 1, 1)
