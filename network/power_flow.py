"""Power flow of a radial network: backward-forward sweep over the forest, three phases balanced.

Each round is two sums: the currents of the loads, summed below each branch, and the voltage drops, summed along the path from
the source (Shirmohammadi et al., IEEE Transactions on Power Systems 3(2), 1988). No round looks at a single node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from network.arrays import Indices, Mask, Numbers
from network.forest import Forest, sum_along_path, sum_below
from network.problems import FudianError
from network.representation import Shown
from network.supply import Supply
from network.texts import text
from network.topology import Topology

Complex = npt.NDArray[np.complex128]

TOLERANCE_PU = 1e-10
"""A round that moves no voltage by more than this is the last."""

MOST_ROUNDS = 200
COLLAPSED_PU = 0.1
"""A load whose voltage sinks below this cannot be fed: the rounds have no end."""


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Shown):
    """The flow over one forest.

    Attributes:
        voltage_pu: complex voltage at each place, shape (places,).
        current_a: current into each place from the one above it, shape (places,).
        losses_kw: sum over all branches.
        converged: whether the rounds came to an end.
    """

    voltage_pu: Complex
    current_a: Numbers
    losses_kw: float
    converged: bool


@dataclass(frozen=True, eq=False, repr=False)
class PowerFlow(Shown):
    """Voltages, currents and losses of one state of the switches.

    Attributes:
        voltage_pu: magnitude at each node, not a number where it is dead, shape (nodes,).
        current_a: magnitude in each branch, zero where it is open or dead, shape (branches,).
        losses_kw: sum over all branches.
        converged: whether the answer can be used; a network that cannot carry its load has none.
    """

    voltage_pu: Numbers
    current_a: Numbers
    losses_kw: float
    converged: bool


def power_flow(
    supply: Supply, load_kw: Numbers, load_kvar: Numbers, voltage_kv: float | None = None, source_pu: float = 1.0
) -> PowerFlow:
    """Return the voltages, currents and losses of a radial network whose loads take constant power.

    Args:
        supply: the state of the switches.
        load_kw: active power of each transformer, shape (transformers,).
        load_kvar: reactive power of each transformer, shape (transformers,).
        voltage_kv: nominal voltage, line to line; by default that of each feeder in the table ``feeders``.
        source_pu: voltage at every source.

    A transformer with two supplies takes its load where the first of them is live. ``r_ohm`` and ``x_ohm`` are of one phase.

    Raises:
        FudianError: a live line has no ``r_ohm`` or ``x_ohm``; a loop is closed; a load is unknown; or the
            nominal voltage of a feeder is unknown.
    """
    net, forest = supply.network, supply.forest
    _require_radial(supply)
    host = np.where(supply.live(net.transformer_node), net.transformer_node, net.transformer_second_node)
    fed = np.flatnonzero(supply.live(host))
    place = supply.place_of[host[fed]]
    if np.isnan(load_kw[fed]).any() or np.isnan(load_kvar[fed]).any():
        missing = fed[np.isnan(load_kw[fed]) | np.isnan(load_kvar[fed])]
        raise FudianError(
            text("{transformer} has no load.", transformer=net.transformers["transformer_id"][int(missing[0])]),
            text("Fill in load_kw; a transformer that takes nothing has 0."),
        )
    power = np.zeros(len(forest.end), dtype=np.complex128)
    np.add.at(power, place, load_kw[fed] + 1j * load_kvar[fed])
    impedance = _impedance(supply, forest)
    nominal = np.full(len(forest.end), voltage_kv) if voltage_kv is not None else _nominal_kv(supply, forest)
    swept = sweep(forest, impedance, power, nominal, source_pu)
    voltage = np.full(len(net.nodes), np.nan)
    voltage[forest.node_at[1:]] = np.abs(swept.voltage_pu[1:])
    current = np.zeros(net.branches.height)
    reached = forest.branch_to >= 0
    current[forest.branch_to[reached]] = swept.current_a[reached]
    return PowerFlow(voltage, current, swept.losses_kw, swept.converged)


def sweep(
    forest: Forest, impedance_ohm: Complex, power_kva: Complex, nominal_kv: Numbers, source_pu: float = 1.0
) -> Sweep:
    """Sweep a forest without loops.

    Args:
        forest: of a radial network.
        impedance_ohm: of the branch to each place, zero for sources, shape (places,).
        power_kva: load at each place, active plus reactive, shape (places,).
        nominal_kv: nominal voltage at each place, line to line, shape (places,).
        source_pu: voltage at every source.
    """
    z_pu = impedance_ohm / (nominal_kv**2 * 1000.0)  # one kVA is the base of power
    voltage = np.full(len(power_kva), source_pu, dtype=np.complex128)
    current = np.zeros(len(power_kva), dtype=np.complex128)
    converged = False
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(MOST_ROUNDS):
            taken, end = np.conj(power_kva / voltage), forest.end
            current = sum_below(end, taken.real) + 1j * sum_below(end, taken.imag)
            drop = z_pu * current
            moved = source_pu - sum_along_path(end, drop.real) - 1j * sum_along_path(end, drop.imag)
            change = float(np.max(np.abs(moved - voltage)))
            voltage = moved
            if not np.isfinite(change) or np.abs(voltage).min() < COLLAPSED_PU:
                break
            if change < TOLERANCE_PU:
                converged = True
                break
        losses_kw = float(np.sum(z_pu.real * np.abs(current) ** 2))
        return Sweep(voltage, np.abs(current) / (np.sqrt(3.0) * nominal_kv), losses_kw, converged)


def _require_radial(supply: Supply) -> None:
    loops = supply.loops
    if loops:
        raise FudianError(
            text("The network is meshed: a loop of {branches} is closed.", branches=", ".join(loops[0].branches[:6])),
            text("Open one branch of each loop; this power flow is for radial operation."),
        )


def impedance_ohm(net: Topology) -> Complex:
    """Return the impedance of each branch, shape (branches + 1,); the last is 0, for no branch.

    A switching device without ``r_ohm`` and ``x_ohm`` has none; a line without is not a number.
    """
    parts = [net.branches[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("r_ohm", "x_ohm")]
    r_ohm, x_ohm = (np.where(np.isnan(part) & net.switching, 0.0, part) for part in parts)
    return np.append(r_ohm + 1j * x_ohm, 0.0)


def _impedance(supply: Supply, forest: Forest) -> Complex:
    ohm = impedance_ohm(supply.network)[forest.branch_to]
    missing: Mask = np.isnan(ohm)
    if missing.any():
        ids = supply.network.branches["branch_id"].gather(forest.branch_to[missing]).to_list()
        raise FudianError(
            text("{count} branches have no r_ohm or x_ohm, first {branch}.", count=len(ids), branch=ids[0]),
            text("Fill in both columns of branches; a device without impedance has 0."),
        )
    return ohm


def _nominal_kv(supply: Supply, forest: Forest) -> Numbers:
    """Return the nominal voltage at each place: that of the feeder; sources take part in none of the drops."""
    net = supply.network
    known = dict(net.feeders.select("feeder_id", "voltage_kv").drop_nulls().iter_rows())
    of_node = supply.node_feeder.replace_strict(known, default=None, return_dtype=pl.Float64).to_numpy()
    kv: Numbers = np.append(of_node, np.nan)[forest.node_at]
    kv[forest.branch_to < 0] = np.nanmax(kv) if not np.isnan(kv).all() else np.nan
    unknown: Indices = np.flatnonzero(np.isnan(kv))
    if len(unknown):
        node = net.nodes[int(forest.node_at[unknown[-1]])] if forest.node_at[unknown[-1]] >= 0 else "-"
        raise FudianError(
            text("The nominal voltage at node {node} is unknown.", node=node),
            text("Fill in voltage_kv of its feeder, and feeder_id of its branches."),
        )
    return kv
