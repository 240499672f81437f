"""What is compiled for the desk, loaded ahead of who asks for it first."""

from __future__ import annotations

from datetime import datetime

from fudian.utility import open_workspace
from network.readers.one_line import one_line_tables
from network.tables.workspace import workspace

TINY = "=S -[K1]- 1 -[Q1]- 2; T1(1) @ 2"
"""A network of two branches."""


def load_compiled() -> None:
    """Have all that is compiled for the desk loaded, or compiled on a machine that never did: by signals of a tiny network."""
    away = {"time": datetime(2022, 1, 1, 8), "object": "branch", "object_id": "K1", "kind": "trip"}
    silent = {"time": datetime(2022, 1, 1, 8, 1), "object": "customer", "object_id": "C1", "kind": "off"}
    customers = [{"customer_id": "C1", "transformer_id": "T1"}]
    open_workspace(workspace({**one_line_tables(TINY), "customers": customers, "signals": [away, silent]})).board()
