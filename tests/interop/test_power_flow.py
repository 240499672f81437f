"""The sweep against pandapower's Newton-Raphson: published and random radial networks, to a millionth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandapower
import pandapower.networks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network import Network, network_from_tables
from network.power_flow import power_flow

pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:pandapower\..*")


def theirs(net: Network, kw: np.ndarray, kvar: np.ndarray, kv: float) -> Any:
    """The same network in pandapower, with ideal lines of one kilometre."""
    grid = pandapower.create_empty_network()
    buses = [pandapower.create_bus(grid, kv) for _ in net.nodes]
    for node in net.source_node:
        pandapower.create_ext_grid(grid, buses[node])
    for row, branch in enumerate(net.branches.iter_rows(named=True)):
        pandapower.create_line_from_parameters(
            grid, buses[net.from_node[row]], buses[net.to_node[row]], 1.0, r_ohm_per_km=branch["r_ohm"],
            x_ohm_per_km=branch["x_ohm"], c_nf_per_km=0.0, max_i_ka=1.0, in_service=not net.normally_open[row],
        )  # fmt: skip
    for node, p, q in zip(net.transformer_node, kw, kvar, strict=True):
        pandapower.create_load(grid, buses[node], p / 1000, q / 1000)
    pandapower.runpp(grid, tolerance_mva=1e-9, max_iteration=50, numba=False)
    return grid


def compare(net: Network, kw: np.ndarray, kvar: np.ndarray, kv: float) -> None:
    ours, grid = power_flow(net.energise(), kw, kvar, voltage_kv=kv), theirs(net, kw, kvar, kv)
    assert ours.converged
    assert ours.voltage_pu == pytest.approx(grid.res_bus.vm_pu.to_numpy(), abs=1e-6, nan_ok=True)
    assert ours.current_a == pytest.approx(grid.res_line.i_ka.fillna(0).to_numpy() * 1000, rel=1e-6, abs=1e-6)
    assert ours.losses_kw == pytest.approx(grid.res_line.pl_mw.sum() * 1000, rel=1e-6, abs=1e-6)


def test_case33bw() -> None:
    grid = pandapower.networks.case33bw()
    loads = grid.load.sort_values("bus")
    kv = float(grid.bus.vn_kv.iloc[0])
    net = network_from_tables(
        {
            "sources": [{"node": str(grid.ext_grid.bus.iloc[0])}],
            "branches": [
                {
                    "branch_id": str(i), "from_node": str(row.from_bus), "to_node": str(row.to_bus), "kind": "line",
                    "normally_open": not row.in_service, "r_ohm": row.r_ohm_per_km * row.length_km,
                    "x_ohm": row.x_ohm_per_km * row.length_km,
                }
                for i, row in grid.line.iterrows()
            ],
            "transformers": [{"transformer_id": f"T{bus}", "node": str(bus)} for bus in loads.bus],
        }
    )  # fmt: skip
    ours = power_flow(net.energise(), loads.p_mw.to_numpy() * 1000, loads.q_mvar.to_numpy() * 1000, voltage_kv=kv)
    pandapower.runpp(grid, tolerance_mva=1e-10, numba=False)
    assert ours.losses_kw == pytest.approx(grid.res_line.pl_mw.sum() * 1000, rel=1e-6)
    assert ours.losses_kw == pytest.approx(202.68, abs=0.01)
    bus = [int(node) for node in net.nodes]
    assert ours.voltage_pu == pytest.approx(grid.res_bus.vm_pu.loc[bus].to_numpy(), abs=1e-6)
    assert ours.voltage_pu.min() == pytest.approx(0.9131, abs=5e-5)


@settings(max_examples=25)
@given(st.data())
def test_random_radial_networks(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 40))
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    above = [int(draw.integers(0, i)) for i in range(1, count)]
    branches = [
        {
            "branch_id": f"L{i}", "from_node": f"n{a}", "to_node": f"n{i}", "kind": "line",
            "r_ohm": float(draw.uniform(0.01, 0.6)), "x_ohm": float(draw.uniform(0.01, 0.5)),
        }
        for i, a in enumerate(above, 1)
    ]  # fmt: skip
    tables = {
        "sources": [{"node": "n0"}],
        "branches": branches,
        "transformers": [{"transformer_id": f"T{i}", "node": f"n{i}"} for i in range(1, count)],
    }
    compare(network_from_tables(tables), draw.uniform(0, 120, count - 1), draw.uniform(-20, 60, count - 1), 10.0)
