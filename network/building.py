"""From tables to the arrays of a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from network.arrays import Indices
from network.ids import places
from network.topology import Network
from network.workspace import Workspace, read_workspace, workspace


def read_network(folder: str | Path | Workspace) -> Network:
    """Read a workspace and return its network; what is wrong with it is in ``network.problems``.

    Args:
        folder: a folder with the tables of the contract, or a workspace that has been read already.

    Raises:
        WorkspaceError: the folder is missing or holds no table.
    """
    return build_network(folder if isinstance(folder, Workspace) else read_workspace(folder))


def network_from_tables(tables: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> Network:
    """Return the network of tables in memory (Polars or pandas frames, or lists of dictionaries) by table name."""
    return build_network(workspace(tables, settings))


def build_network(source: Workspace) -> Network:
    """Turn the tables of a workspace into arrays."""
    tables = source.tables
    branches, transformers = tables["branches"], tables["transformers"]
    ends = pl.concat([branches["from_node"], branches["to_node"], tables["sources"]["node"]])
    nodes, end_node = _distinct(ends)
    from_node, to_node, source_node = np.split(end_node, [branches.height, 2 * branches.height])
    return Network(
        branches=branches,
        transformers=transformers,
        customers=tables["customers"],
        feeders=tables["feeders"],
        sources=tables["sources"],
        nodes=nodes.alias("node"),
        from_node=from_node,
        to_node=to_node,
        source_node=source_node,
        transformer_node=places(transformers["node"], nodes),
        transformer_second_node=places(transformers["second_node"], nodes),
        customer_transformer=_customer_places(source, "transformer_id"),
        customer_second_transformer=_customer_places(source, "second_transformer_id"),
        workspace=source,
    )


def _distinct(ids: pl.Series) -> tuple[pl.Series, Indices]:
    """Return the distinct ids in the order in which they first occur, and the place of each id among them."""
    first = places(ids, ids)
    is_first = first == np.arange(len(ids))
    number = np.cumsum(is_first) - 1
    return ids.filter(pl.Series(is_first)), np.where(first >= 0, number[first], -1)


def _customer_places(source: Workspace, column: str) -> Indices:
    """Return the transformer of each customer, as the check of the tables found it, where it has."""
    found = source.places.get(f"customers.{column}")
    known = source.tables["transformers"]["transformer_id"]
    return found if found is not None else places(source.tables["customers"][column], known)
