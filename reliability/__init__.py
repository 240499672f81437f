"""Reliability statistics: outage records become interruptions, interruptions a ledger, the ledger indices, indices targets.

Example:
    >>> import reliability
    >>> from network import read_network
    >>> net = read_network("data_samples/county")
    >>> tables = net.workspace.tables
    >>> interruptions = reliability.interruptions(tables["outages"], tables["stages"], net)
    >>> figures = reliability.indices(interruptions, reliability.population(net), by=["region_class"])
"""

from reliability.ieee import ieee_indices
from reliability.index_table import indices
from reliability.interruption_table import interruptions
from reliability.ledger_table import ledger
from reliability.period import Period
from reliability.population_table import population
from reliability.settings import ReliabilitySettings
from reliability.switched import interruptions_from_switching

__all__ = [
    "Period",
    "ReliabilitySettings",
    "ieee_indices",
    "indices",
    "interruptions",
    "interruptions_from_switching",
    "ledger",
    "population",
]


def __dir__() -> list[str]:
    """Name what is meant to be used from outside."""
    return __all__
