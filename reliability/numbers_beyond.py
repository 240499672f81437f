"""Records that state more interrupted users than there are: they count as stated, and that is said wherever the figure stands."""

from __future__ import annotations

import polars as pl

from network import Network
from network.tables.table_form import ROW
from reliability.population_table import with_exclusive_ends

NAMES_NO_PLACE = pl.all_horizontal(pl.col("branch_id", "feeder_id", "transformer_id", "customer_id").is_null())
"""Records of mere numbers."""


def numbers_beyond(net: Network, users: pl.DataFrame, population_ends: str = "auto") -> pl.DataFrame:
    """Return the records of mere numbers whose number is above that of the users of their region class (R1.23).

    Args:
        net: the network, or what is known in place of one.
        users: the medium-voltage users of the network, with ``region_class`` and ``users``; where only numbers of users are
            stated, those of the day on which the record begins are asked instead.
        population_ends: how the ends of stated numbers are written; see the setting.

    Returns:
        One row per record: ``row`` (of the table), ``outage_id``, ``start``, ``users`` (off) and ``there`` (users of the class).
    """
    tables = net.workspace.tables
    records = tables["outages"].filter(pl.col("users").is_not_null() & NAMES_NO_PLACE)
    records = records.select(ROW, "outage_id", "start", "region_class", "users")
    if not net.transformers.is_empty():
        there = users.group_by("region_class").agg(there=pl.col("users").sum())
        known = records.join(there, on="region_class", how="left", maintain_order="left").with_columns(
            pl.col("there").fill_null(0)
        )
    else:
        stated = with_exclusive_ends(tables["population"], population_ends)
        of_class = records.join(
            stated.select("region_class", "from", "to", there="users"), on="region_class", maintain_order="left"
        )
        begun = pl.col("from").is_null() | (pl.col("from") <= pl.col("start"))
        known = of_class.filter(begun & (pl.col("to").is_null() | (pl.col("start") < pl.col("to"))))
    return known.filter(pl.col("users") > pl.col("there")).select(ROW, "outage_id", "start", "users", "there")
