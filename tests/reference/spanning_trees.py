"""All radial configurations of the 33-bus feeder that feed every bus, and the exact voltages of each.

The complement of a spanning tree holds one branch of every independent loop; five branches are one exactly where their columns
of the loop matrix are independent. Voltages by the impedance matrix of each tree, not by sweeps as in the house.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl

from network.arrays import Indices, Mask, Numbers
from tests.reference.case33bw import branches, buses

_CHUNK = 4000
_ROUNDS = 60
_SETTLED = 1e-11
"""A voltage that moves by less in a round has settled."""


def spanning_trees() -> Mask:
    """Return whether each branch is closed, shape (trees, 37), in the order of the table."""
    incidence = _incidence()
    tree, ties = np.flatnonzero(branches()["status"] == 1), np.flatnonzero(branches()["status"] == 0)
    loops = np.zeros((len(ties), incidence.shape[1]))
    loops[:, ties] = np.eye(len(ties))
    loops[:, tree] = -np.linalg.solve(incidence[:, tree], incidence[:, ties]).T
    opened = np.array(list(combinations(range(incidence.shape[1]), len(ties))))
    independent = np.abs(np.linalg.det(loops[:, opened].transpose(1, 0, 2))) > 0.5
    closed = np.ones((int(independent.sum()), incidence.shape[1]), dtype=np.bool_)
    closed[np.arange(len(closed))[:, None], opened[independent]] = False
    return closed


def lowest_voltages_pu(closed: Mask, power_factor: float, rounds: int = _ROUNDS) -> Numbers:
    """Return the lowest voltage of each tree with loads of constant power, shape (trees,); zero where there is none."""
    rows = branches()
    ohm = rows["r_ohm"].to_numpy() + 1j * rows["x_ohm"].to_numpy()
    z_pu = ohm / (12.66**2 * 1000.0)
    load = buses().filter(pl.col("bus") > 1).sort("bus")["p_kw"].to_numpy() * (1 + 1j * np.tan(np.arccos(power_factor)))
    incidence = _incidence()
    found = np.zeros(len(closed))
    for start in range(0, len(closed), _CHUNK):
        chosen = np.array([np.flatnonzero(each) for each in closed[start : start + _CHUNK]])
        paths = np.linalg.inv(incidence[:, chosen].transpose(1, 0, 2))
        across = paths.transpose(0, 2, 1)
        matrix = (across * z_pu.real[chosen][:, None, :]) @ paths + 1j * (
            (across * z_pu.imag[chosen][:, None, :]) @ paths
        )
        voltage = np.ones((len(chosen), len(load)), dtype=np.complex128)
        rest, impedance, now = np.arange(len(chosen)), matrix, voltage.copy()
        for _ in range(rounds):
            before, now = now, 1.0 - (impedance @ np.conj(load / now)[:, :, None])[:, :, 0]
            voltage[rest] = now
            moves = np.abs(now - before).max(axis=1) >= _SETTLED
            if moves.mean() < 0.5:
                rest, impedance, now = rest[moves], impedance[moves], now[moves]
            if not len(rest):
                break
        off = np.abs(voltage - 1.0 + (matrix @ np.conj(load / voltage)[:, :, None])[:, :, 0]).max(axis=1)
        found[start : start + _CHUNK] = np.where(off < 1e-9, np.abs(voltage).min(axis=1), 0.0)
    return found


def _incidence() -> Numbers:
    """Return +1 where a branch starts and -1 where it ends, without the bus of the source, shape (32, 37)."""
    full = np.zeros((33, branches().height))
    ends: Indices = branches().select("from_bus", "to_bus").to_numpy() - 1
    full[ends[:, 0], np.arange(len(ends))] = 1.0
    full[ends[:, 1], np.arange(len(ends))] = -1.0
    return full[1:]
