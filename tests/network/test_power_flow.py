"""The sweep against the node equations, solved the slow way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import FudianError, Network
from network.power_flow import power_flow

KV = 10.0


@st.composite
def radial(draw: st.DrawFn) -> tuple[Network, np.ndarray, np.ndarray]:
    """A tree from one source, or two, with a load at some nodes; numbered in no order."""
    count = draw(st.integers(2, 15))
    order = draw(st.permutations(range(count)))
    rows = []
    for i in range(1, count):
        a, b = f"n{order[draw(st.integers(0, i - 1))]}", f"n{order[i]}"
        r, x = draw(st.sampled_from([0.0, 0.05, 0.3, 1.1])), draw(st.sampled_from([0.0, 0.1, 0.4]))
        ends = f"{b} -L{i} r_ohm={r} x_ohm={x}- {a}" if draw(st.booleans()) else f"{a} -L{i} r_ohm={r} x_ohm={x}- {b}"
        rows.append(ends)
    sources = [f"n{order[0]}"]
    if draw(st.booleans()):
        rows.append(f"=R -LR r_ohm=0.2 x_ohm=0.2- R1 /TIE/ n{order[-1]}; TR @ R1")
    at = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=8))
    users = [f"T{k} @ n{node}" for k, node in enumerate(at)]
    net = Network.from_text("\n".join([f"={sources[0]} {rows[0].partition(' ')[2]}" if rows[0].startswith(f"{sources[0]} ")
                                        else f"={sources[0]} -L0 r_ohm=0 x_ohm=0- z", *rows, *users]))  # fmt: skip
    number = net.transformers.height
    kw = np.array(draw(st.lists(st.floats(0, 400), min_size=number, max_size=number)))
    kvar = np.array(draw(st.lists(st.floats(-50, 200), min_size=number, max_size=number)))
    return net, kw, kvar


def by_node_equations(net: Network, kw: np.ndarray, kvar: np.ndarray) -> tuple[np.ndarray, float]:
    """Solve Y v = i(v) by plain repetition; a branch without impedance gets one too small to matter."""
    nodes = len(net.nodes)
    admittance = np.zeros((nodes, nodes), dtype=complex)
    z = (
        np.maximum(net.branches["r_ohm"].fill_null(0.0).to_numpy(), 1e-9)
        + 1j * net.branches["x_ohm"].fill_null(0).to_numpy()
    )
    closed = [row for row in range(net.branches.height) if not net.normally_open[row]]
    for row in closed:
        a, b, y = net.from_node[row], net.to_node[row], KV**2 * 1000 / z[row]
        admittance[[a, b], [a, b]] += y
        admittance[[a, b], [b, a]] -= y
    power = np.zeros(nodes, dtype=complex)
    np.add.at(power, net.transformer_node, kw + 1j * kvar)
    free = np.setdiff1d(np.arange(nodes), net.source_node)
    voltage = np.ones(nodes, dtype=complex)
    for _ in range(200):
        pulled = -np.conj(power / voltage)[free] - admittance[np.ix_(free, net.source_node)].sum(axis=1)
        voltage[free] = np.linalg.solve(admittance[np.ix_(free, free)], pulled)
    losses = sum(
        abs((voltage[net.from_node[row]] - voltage[net.to_node[row]]) / z[row] * KV * 1000) ** 2 * z[row].real
        for row in closed
    )
    return np.abs(voltage), losses / 1000


@given(radial())
def test_equals_the_node_equations(case: tuple[Network, np.ndarray, np.ndarray]) -> None:
    net, kw, kvar = case
    found = power_flow(net.energise(), kw, kvar, voltage_kv=KV)
    voltage, losses = by_node_equations(net, kw, kvar)
    assert found.converged
    live = ~np.isnan(found.voltage_pu)
    assert found.voltage_pu[live] == pytest.approx(voltage[live], abs=1e-6)
    assert found.losses_kw == pytest.approx(losses, abs=1e-3)


def test_the_current_is_the_load_over_the_voltage() -> None:
    net = Network.from_text("=S -L1 r_ohm=0 x_ohm=0- 1 -L2 r_ohm=0 x_ohm=0- 2 /L3/ 3; T1 @ 1; T2 @ 2; T3 @ 3")
    found = power_flow(net.energise(), np.array([600.0, 800.0, 9.0]), np.array([0.0, 600.0, 9.0]), voltage_kv=10)
    assert found.current_a == pytest.approx([abs(1400 + 600j) / 3**0.5 / 10, 1000 / 3**0.5 / 10, 0])
    assert np.isnan(found.voltage_pu[list(net.nodes).index("3")])


@pytest.mark.parametrize(
    ("diagram", "said"),
    [
        ("=S -L1 r_ohm=1- 1; T1 @ 1", "L1"),
        ("=S -L1 r_ohm=1 x_ohm=1- 1 -L2 r_ohm=1 x_ohm=1- S; T1 @ 1", "meshed"),
        ("=S -L1 r_ohm=1 x_ohm=1- 1; T1 @ 1", "voltage"),
    ],
)
def test_what_cannot_be_computed_is_said(diagram: str, said: str) -> None:
    net = Network.from_text(diagram)
    with pytest.raises(FudianError, match=said):
        power_flow(net.energise(), np.ones(1), np.ones(1))


def test_an_unknown_load_is_refused() -> None:
    net = Network.from_text("=S -L1 r_ohm=1 x_ohm=1- 1; T1 @ 1")
    with pytest.raises(FudianError, match="T1 has no load"):
        power_flow(net.energise(), np.array([np.nan]), np.ones(1), voltage_kv=10)


def test_a_load_beyond_what_the_line_can_carry_does_not_converge() -> None:
    net = Network.from_text("=S -L1 r_ohm=10 x_ohm=10- 1; T1 @ 1")
    assert not power_flow(net.energise(), np.array([9000.0]), np.zeros(1), voltage_kv=10).converged
    assert power_flow(net.energise(), np.array([900.0]), np.zeros(1), voltage_kv=10).converged
