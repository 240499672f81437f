"""The network model: tables of a workspace, the network they describe, and its supply for one state of the switches.

Example:
    >>> from network import read_network
    >>> net = read_network("data_samples/county")
    >>> supply = net.energise()
    >>> supply.below("F03-K02").customer_count
    837
"""

from network.loops import Loop
from network.model import Jumper, Network, build_network, network_from_tables, read_network
from network.problems import (
    FudianError,
    MissingExtraError,
    OneLineError,
    Problem,
    UnknownIdError,
    WorkspaceError,
)
from network.supply import Hit as Hit  # the former name of LostSupply, for programs that use it
from network.supply import LostSupply, Supply
from network.switching_replay import Replay, replay
from network.tables import schema
from network.tables.workspace import Workspace, read_workspace, workspace
from network.texts import Text, listed, text, translate
from network.topology import Topology

__all__ = [
    "FudianError",
    "Jumper",
    "Loop",
    "LostSupply",
    "MissingExtraError",
    "Network",
    "OneLineError",
    "Problem",
    "Replay",
    "Supply",
    "Text",
    "Topology",
    "UnknownIdError",
    "Workspace",
    "WorkspaceError",
    "build_network",
    "listed",
    "network_from_tables",
    "read_network",
    "read_workspace",
    "replay",
    "schema",
    "text",
    "translate",
    "workspace",
]


def __dir__() -> list[str]:
    """Name what is meant to be used from outside."""
    return __all__
