"""What an account that sees one unit is shown of rows: its own transformers, plans and jobs. Figures are of all units."""

from __future__ import annotations

import polars as pl

from dashboard.access.reader import reader
from network import Topology
from repair import Affected


def own(net: Topology, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a table that whoever asks may see.

    Args:
        net: whose transformers they are.
        frame: with ``unit``, or else with ``transformer_id``; a row that names none is nobody's own.
    """
    unit = reader().unit
    if unit is None:
        return frame
    if "unit" in frame.columns:
        return frame.filter(pl.col("unit") == unit)
    transformers = net.transformers.filter(pl.col("unit") == unit)["transformer_id"].unique()
    return frame.filter(pl.col("transformer_id").is_in(transformers.implode()))


def customers_off(affected: Affected) -> pl.DataFrame:
    """Return the list of customers who are off, as far and as plainly as whoever asks may see it."""
    return own(affected.network, affected.table(reader().is_masked))
