"""Fudian's answer to "who is off when this switch opens" against pandapower's own, for every switch of SimBench networks."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandapower
import pandapower.networks
import pytest
import simbench
from pandapower.topology import unsupplied_buses

from network import WorkspaceError, build_network, read_network
from network.readers.converting import convert_files
from network.readers.pandapower import read_pandapower, workspace_of_net
from tests.interop.conftest import EVERYTHING
from tests.interop.simbench_networks import Topology

pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:pandapower\..*")
CODES = ["1-MVLV-urban-all-0-sw", "1-MVLV-rural-all-0-sw", "1-MVLV-comm-all-0-sw", "1-MVLV-semiurb-all-0-sw"]


@cache
def simbench_net(code: str) -> Any:
    return simbench.get_simbench_net(code)


@pytest.mark.parametrize("code", CODES if EVERYTHING else CODES[:2])
def test_every_switch_of_simbench_cuts_off_whom_pandapower_says(code: str) -> None:
    net = simbench_net(code)
    theirs = Topology(net)
    supply = build_network(workspace_of_net(net)).energise()
    assert set(supply.dead()) == {
        f"load-{load}" for bus in theirs.unsupplied for load in theirs.loads_at.get(bus, set())
    }
    by_edge: dict[Any, frozenset[int]] = {}
    wrong, cutting = [], 0
    for index in net.switch.index:
        edge = theirs.edge(index)
        if edge not in by_edge:
            by_edge[edge] = theirs.lost(edge)
        ours = {int(load.removeprefix("load-")) for load in supply.below(f"switch-{index}").transformers}
        cutting += bool(ours)
        if ours != by_edge[edge]:
            wrong.append(index)
    print(f"\n{code}: {len(net.load)} loads, {len(net.switch)} switches compared, {cutting} of them cut off somebody")
    assert wrong == []
    assert cutting > len(net.switch) / 2


def test_the_parted_graph_answers_as_the_whole_one() -> None:
    net = simbench_net(CODES[0])
    theirs = Topology(net)
    for index in net.switch.index[:: len(net.switch) // 30]:
        edge = theirs.edge(index)
        if not theirs.graph.has_edge(*edge):
            continue
        whole = theirs.graph.copy()
        whole.remove_edge(*edge)
        buses = unsupplied_buses(net, mg=whole) - theirs.unsupplied
        assert theirs.lost(edge) == frozenset().union(*(theirs.loads_at.get(bus, set()) for bus in buses))


@pytest.fixture
def small() -> Any:
    """110 kV - trafo3w - two 20 kV and 10 kV rings with every kind of switch, and elements out of service."""
    net = pandapower.create_empty_network()
    volts = {"hv": 110.0, "mv": 20.0, "lv": 10.0, "a": 20.0, "b": 20.0, "c": 20.0, "d": 10.0, "gone": 20.0}
    bus = {
        name: pandapower.create_bus(net, kv, name=name, geodata=(113.0 + place / 10, 34.0))
        for place, (name, kv) in enumerate(volts.items())
    }
    pandapower.create_ext_grid(net, bus["hv"], name="进线")
    pandapower.create_transformer3w(net, bus["hv"], bus["mv"], bus["lv"], std_type="63/25/38 MVA 110/20/10 kV")
    kind = "NA2XS2Y 1x240 RM/25 12/20 kV"
    for start, end, in_service in (
        ("mv", "a", True),
        ("a", "b", True),
        ("b", "c", True),
        ("c", "mv", True),
        ("c", "gone", False),
    ):
        pandapower.create_line(
            net, bus[start], bus[end], 2.0, kind, name=f"{start}{end}", in_service=in_service, parallel=2
        )
    pandapower.create_switch(net, bus["mv"], 0, "l", type="CB")
    pandapower.create_switch(net, bus["a"], 0, "l", type="DS")
    pandapower.create_switch(net, bus["mv"], 0, "l", type="DS")  # a second one in series at the same end
    pandapower.create_switch(net, bus["c"], 3, "l", type="LBS", closed=False)
    pandapower.create_switch(net, bus["lv"], 0, "t3", type="CB")
    pandapower.create_switch(net, bus["lv"], bus["d"], "b", type="LBS")
    pandapower.create_switch(net, bus["c"], 4, "l", type="LBS")
    for name, power in (("a", 0.1), ("c", 0.2), ("lv", 0.3), ("d", 0.4), ("gone", 0.5)):
        pandapower.create_load(net, bus[name], power, name=f"load {name}", scaling=0.5)
    pandapower.create_sgen(net, bus["c"], 0.1)
    return net


def test_every_element_has_its_place(small: Any) -> None:
    workspace = workspace_of_net(small, "small")
    net = build_network(workspace)
    supply = net.energise()
    branches = {row["branch_id"]: row for row in net.branches.iter_rows(named=True)}

    assert [branches[f"switch-{i}"]["kind"] for i in range(6)] == [
        "breaker", "disconnector", "disconnector", "switch", "breaker", "switch",
    ]  # fmt: skip
    assert branches["switch-3"]["normally_open"]
    line = branches["line-0"]
    assert (line["kind"], line["length_km"], line["name"]) == ("cable", 2.0, "mva")
    assert line["r_ohm"] == pytest.approx(small.line.r_ohm_per_km[0] * 2 / 2)
    assert line["rating_a"] == pytest.approx(small.line.max_i_ka[0] * 1000 * 2)
    below = {i: set(supply.below(f"switch-{i}").transformers) for i in range(6)}
    assert below == {
        0: {"load-0", "load-1"},
        1: {"load-0", "load-1"},
        2: {"load-0", "load-1"},
        3: set(),
        4: {"load-2", "load-3"},
        5: {"load-3"},
    }
    assert set(supply.switched(open=["switch-0"], close=["switch-3"]).dead()) == set(supply.dead())
    assert net.transformers["load_kw"].to_list() == [50.0, 100.0, 150.0, 200.0, 250.0]
    assert workspace.tables["nodes"].row(0, named=True)["lon"] == 113.0
    assert net.sources["name"].to_list() == ["进线"]


def test_what_has_no_place_is_named(small: Any) -> None:
    problems = {problem.object_id or problem.value: problem for problem in workspace_of_net(small, "small").problems}
    assert set(problems) == {"line-4", "switch-6", "sgen", "line-3"}
    assert "have no breaker" in str(problems["line-3"].message)
    assert "out of service" in str(problems["line-4"].message)
    small.switch.loc[5, "element"] = 99
    small.switch.loc[0, "element"] = 77
    small.switch.loc[1, "bus"] = 0
    wrong = {problem.object_id: str(problem.message) for problem in workspace_of_net(small).errors}
    assert "does not have" in wrong["switch-0"]
    assert "no end of line-0" in wrong["switch-1"]


def test_a_file_gives_the_same_tables(small: Any, tmp_path: Path) -> None:
    pandapower.to_json(small, str(tmp_path / "small.json"))
    convert_files([tmp_path / "small.json"], "pandapower", tmp_path / "ws")
    from_file = read_network(tmp_path / "ws")
    in_memory = workspace_of_net(small)
    for table in ("sources", "branches", "transformers", "nodes"):
        assert from_file.workspace.tables[table].equals(in_memory.tables[table]), table


@pytest.mark.parametrize("make", [pandapower.networks.mv_oberrhein, pandapower.networks.create_cigre_network_mv])
def test_every_switch_of_the_networks_of_pandapower(make: Any) -> None:
    net = make()
    supply = build_network(workspace_of_net(net)).energise()
    before = unsupplied_buses(net)
    for index, closed in list(net.switch.closed.items()):
        net.switch.loc[index, "closed"] = False
        buses = unsupplied_buses(net) - before
        net.switch.loc[index, "closed"] = closed
        loads = {f"load-{load}" for load, bus in net.load.bus.items() if bus in buses}
        assert set(supply.below(f"switch-{index}").transformers) == loads, index


@pytest.mark.parametrize("broken", ["{}", "[" * 3000, "{", '{"bus": 1}', "\xff"])
def test_a_broken_file_is_refused_with_its_reason(broken: str, tmp_path: Path) -> None:
    (tmp_path / "net.json").write_bytes(broken.encode("latin-1"))
    with pytest.raises(WorkspaceError, match="is not a pandapower network"):
        read_pandapower([tmp_path / "net.json"], lambda _: None)


def test_a_file_has_nothing_called(tmp_path: Path) -> None:
    net = pandapower.create_empty_network()
    pandapower.create_ext_grid(net, pandapower.create_bus(net, 10.0))
    saved = json.loads(pandapower.to_json(net))
    path, trace = tmp_path / "net.json", tmp_path / "called"
    path.write_text(json.dumps(saved), "utf-8")
    assert read_pandapower([path], lambda _: None).tables["sources"].height == 1
    saved["_object"]["user_pf_options"] = {"_module": "pathlib", "_class": "Path", "_object": str(trace)}
    saved["_object"]["name"] = {"_module": "posix", "_class": "system", "_object": f"touch {trace}"}
    path.write_text(json.dumps(saved), "utf-8")
    with pytest.raises(WorkspaceError, match=r"pathlib\.Path|posix\.system"):
        read_pandapower([path], lambda _: None)
    assert not trace.exists()
