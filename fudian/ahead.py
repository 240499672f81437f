"""What is compiled for the desk, loaded ahead of who asks for it first."""

from __future__ import annotations

from datetime import datetime

from fudian.utility import open_workspace
from network.readers.one_line import one_line_tables
from network.tables.workspace import workspace

TINY = "=S -[K1]- 1 -[Q1]- 2; =R -[K2]- 3; T1(1) @ 2; T2 @ 2, 3"
"""A network of three branches, with a user of two feeders, which are judged by loops of their own."""


def load_compiled() -> None:
    """Have all that is compiled for the desk loaded, or compiled on a machine that never did: by signals of a tiny network."""
    eight, later = datetime(2022, 1, 1, 8), datetime(2022, 1, 1, 8, 1)
    signals = [{"time": eight, "object": "branch", "object_id": each, "kind": "trip"} for each in ("K1", "K2")]
    signals += [{"time": later, "object": "transformer", "object_id": "T2", "kind": "off"}]
    signals += [{"time": later, "object": "customer", "object_id": "C1", "kind": "off"}]
    customers = [{"customer_id": "C1", "transformer_id": "T1"}]
    open_workspace(workspace({**one_line_tables(TINY), "customers": customers, "signals": signals})).board()
