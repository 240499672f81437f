"""What trips for a fault is one rule: the affected list, the plan that brings power back, and location all ask isolation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from network import Network, network_from_tables
from network.arrays import NONE
from repair import affected_by_fault, restore
from repair.isolation import isolate
from tests.networks import Plain, plain_networks

NO_BREAKER = "=S -L0- 1 -L1- 2 -[K2]- 3; T1(30) @ 2; T2 @ 3"


def test_a_fault_that_nothing_clears_is_cleared_at_the_source_for_everyone_who_asks() -> None:
    supply = Network.from_text(NO_BREAKER).energise()
    off = affected_by_fault(supply, "L1").as_dict()
    assert (off["transformers"], off["customers"], off["opened"]) == (["T1", "T2"], 30, [])
    plan = restore(supply, "L1").as_dict()
    assert (plan["tripped"], plan["steps"], plan["unrestored_customers"]) == ([], [], 30)
    assert any("cleared at the source" in said for said in plan["assumptions"])


def test_a_tie_still_feeds_what_lies_beyond_a_device_once_the_source_is_lost() -> None:
    net = Network.from_text(
        "=S -L0- 1 -L1- 2 -[K2]- 3 -L3- 4 /(TIE)/ 5 -[K3]- =R; =S -[K4]- 6; T1(30) @ 2; T2(4) @ 3; T3(2) @ 5; T4(8) @ 6"
    )
    plan = restore(net.energise(), "L1").as_dict()
    assert [(step["action"], step["branch_id"]) for step in plan["steps"]] == [("open", "K2"), ("close", "TIE")]
    assert plan["restored_customers"] == 4
    assert affected_by_fault(net.energise(), "L1").as_dict()["transformers"] == ["T1", "T2", "T4"]


@given(plain_networks(), st.data())
def test_what_trips_is_the_last_device_on_every_way_to_the_fault(plain: Plain, data: st.DataObject) -> None:
    """Against a plain walk: from the fault over closed branches that do not clear it; where a source is reached, it is lost."""
    count = len(plain.branches)
    kinds = data.draw(st.lists(st.sampled_from(["line", "breaker", "switch", "fuse"]), min_size=count, max_size=count))
    tables = dict(plain.network().workspace.tables)
    tables["branches"] = tables["branches"].drop("row").with_columns(kind=np.array(kinds))
    net = network_from_tables({name: tables[name] for name in ("sources", "branches", "transformers", "customers")})
    supply = net.energise()
    for branch in range(count):
        if kinds[branch] != "line" or supply.is_open[branch] or not supply.live(net.from_node[[branch]]).all():
            continue
        zone, edge = set(), [int(net.from_node[branch]), int(net.to_node[branch])]
        while edge:
            node = edge.pop()
            zone.add(node)
            for other in net.branches_at_node.of_keys(np.array([node])).tolist():
                if supply.is_open[other] or kinds[other] in {"breaker", "fuse"}:
                    continue
                edge += [end for end in (int(net.from_node[other]), int(net.to_node[other])) if end not in zone]
        fault = isolate(supply, f"B{branch}")
        lost = np.array(sorted(zone & set(net.source_node.tolist())), dtype=np.int64)
        np.testing.assert_array_equal(fault.lost_sources, lost)
        inside = np.zeros(len(net.nodes), dtype=np.bool_)
        inside[list(zone)] = True
        border = ~supply.is_open & (inside[net.from_node] != inside[net.to_node])
        assert set(fault.tripped.tolist()) <= set(np.flatnonzero(border).tolist())
        is_open = supply.is_open | border
        expected = supply.lost_in(type(supply).of(net, is_open, lost if len(lost) else NONE))
        assert sorted(affected_by_fault(supply, f"B{branch}").hit.transformer_index.tolist()) == sorted(
            expected.transformer_index.tolist()
        )
