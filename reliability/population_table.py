"""The users that a figure is divided by: one row per user, or per group of users that share every interruption."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import narwhals as nw
import polars as pl

from network import FudianError, Network, WorkspaceError, text
from reliability.engines import like, shaped
from reliability.settings import ReliabilitySettings

LEVELS = ("mv", "lv")

ATTRIBUTES = ("region_class", "planning_class", "feeder_id", "unit")
"""Columns of a user by which figures can be broken down."""

SCHEMA: Mapping[str, type[pl.DataType] | pl.DataType] = {
    "user_id": pl.String,
    "users": pl.Int64,
    "transformer_id": pl.String,
    "second_transformer_id": pl.String,
    "customer_id": pl.String,
    "in_service": pl.Datetime("us"),
    "retired": pl.Datetime("us"),
    "capacity_kva": pl.Float64,
    "load_kw": pl.Float64,
    **dict.fromkeys(ATTRIBUTES, pl.String),
    "stated": pl.Boolean,
    "moved": pl.Boolean,
    "continues": pl.Boolean,
}


def population(
    net: Network,
    level: str = "mv",
    outages: pl.DataFrame | None = None,
    alone: Collection[str] = (),
    settings: ReliabilitySettings | None = None,
    since: datetime | None = None,
) -> pl.DataFrame:
    """Return the users of a network.

    At medium voltage (``mv``) a user is a transformer: public, or a customer's own (1.1). At low voltage (``lv``) a user is a
    metered customer; customers of one transformer that share every interruption stand in one row with their number.

    Args:
        net: the network.
        level: ``mv`` or ``lv``.
        outages: at low voltage, the records that name customers, so that those customers stand alone.
        alone: further customers that stand alone.
        settings: how the ends of stated numbers are meant (``population_ends``).
        since: at low voltage, customers of one transformer that were in service by then share a row, whose ``in_service`` is
            null: nothing is asked of them before. By default each day of beginning is a row of its own.

    Returns:
        Columns ``user_id``, ``users`` (how many the row stands for), ``transformer_id``, ``second_transformer_id``,
        ``customer_id`` (null in a group), ``in_service``, ``retired``, ``capacity_kva``, ``load_kw`` (of the row),
        ``region_class``, ``planning_class``, ``feeder_id``, ``unit``, ``stated`` (whether the number was only stated),
        ``moved`` (the row is one of several service periods of the user, R1.19) and ``continues`` (it takes up where another
        of them ends). Where the network has no transformers, the stated numbers of the ``population`` table.

    Raises:
        FudianError: the level is not known.
    """
    if level not in LEVELS:
        raise FudianError(text("There is no user level {level!r}.", level=level), text("Use mv or lv."))
    if net.transformers.is_empty():
        rules = settings or ReliabilitySettings()
        return _stated(with_exclusive_ends(net.workspace.tables["population"], rules.population_ends))
    transformers = _transformers(net)
    if level == "mv":
        return transformers
    if net.customers.is_empty():
        raise WorkspaceError(
            text("There are no customers, so there is no low-voltage level."),
            net.workspace.problems_of("customers"),
            text("Add the table customers, or use the level mv."),
        )
    grouped: pl.DataFrame = customer_groups(net.customers, transformers, standing_alone(net, outages, alone), since)
    return grouped.sort("user_id", "in_service", nulls_last=False)


def standing_alone(net: Network, outages: pl.DataFrame | None = None, further: Collection[str] = ()) -> pl.Series:
    """Return the customers that share a row with no other: those that records name, those that were moved, and further ones."""
    ids = net.customers["customer_id"]
    named = [pl.Series(list(further), dtype=pl.String), ids.filter(ids.is_duplicated())]
    if outages is not None and "customer_id" in outages.columns:
        named.append(outages["customer_id"].drop_nulls())
    return pl.concat(named)


def service_periods(table: pl.DataFrame, key: str) -> pl.DataFrame:
    """Add whether each row is one of several of its ``key``, and whether it takes up where another of them ends (R1.19)."""
    ended = pl.struct(key, at="retired")
    begun = pl.struct(key, at="in_service")
    several = pl.col(key).is_duplicated()
    return table.with_columns(
        moved=several,
        continues=several & pl.col("in_service").is_not_null() & begun.is_in(ended.implode()),
    )


def _transformers(net: Network) -> pl.DataFrame:
    return _shape(
        service_periods(net.transformers, "transformer_id").with_columns(
            user_id="transformer_id",
            users=pl.lit(1, dtype=pl.Int64),
            feeder_id=net.transformer_feeder,
            stated=pl.lit(value=False),
        )
    )


def customer_groups(customers: Any, transformers: pl.DataFrame, named: pl.Series, since: datetime | None = None) -> Any:
    """Return the low-voltage users: customers of one transformer that share every interruption in one row.

    Args:
        customers: the table ``customers`` of a workspace on any engine; only groups are ever made of its rows.
        transformers: the users at medium voltage.
        named: customers that stand alone.
        since: see :func:`population`.

    Returns:
        The columns of :func:`population`, on the engine of ``customers``.
    """
    table: Any = nw.from_native(customers)
    service = ["transformer_id", "second_transformer_id", "in_service", "retired"]
    alone = like(pl.DataFrame({"customer_id": named.unique(), "alone": named.unique()}), table)
    place = like(_one_place_each(transformers), table)
    rows = table.select("customer_id", *service).join(alone, on="customer_id", how="left")
    if since is not None:
        long_since = nw.col("alone").is_null() & (nw.col("in_service") <= since)
        rows = rows.with_columns(in_service=nw.when(~long_since.fill_null(value=False)).then("in_service"))
    groups = (
        rows.group_by([*service, "alone"])
        .agg(nw.len().alias("users"), nw.col("customer_id").min().alias("first"))
        .join(place, on="transformer_id", how="left")
        .with_columns(share=nw.col("users") / nw.col("users").sum().over("transformer_id"))
    )
    periods = groups.filter(~nw.col("alone").is_null()).group_by("alone").agg(nw.len().alias("periods"))
    ended = groups.filter(~nw.col("alone").is_null() & ~nw.col("retired").is_null()).select(
        "alone", in_service="retired", taken_up=nw.lit(value=True)
    )
    groups = groups.join(periods, on="alone", how="left").join(ended.unique(), on=["alone", "in_service"], how="left")
    others = (nw.col("users") - 1).cast(nw.String)
    single = nw.col("users") == 1
    named_groups = groups.with_columns(
        moved=(nw.col("periods") > 1).fill_null(value=False),
        continues=nw.col("taken_up").fill_null(value=False),
        user_id=nw.when(single).then("first").otherwise(nw.concat_str("first", others, separator="+")),
        customer_id=nw.when(single).then("first"),
        capacity_kva=nw.col("capacity_kva") * nw.col("share"),
        load_kw=nw.col("load_kw") * nw.col("share"),
        stated=nw.lit(value=False),
    )
    return shaped(named_groups, SCHEMA).to_native()


def _one_place_each(transformers: pl.DataFrame) -> pl.DataFrame:
    """Return where each transformer hangs, of one that was moved where it hangs last, for the customers below it."""
    last = transformers.sort("in_service", nulls_last=False, maintain_order=True)
    last = last.unique("transformer_id", keep="last", maintain_order=True)
    return last.select("transformer_id", "capacity_kva", "load_kw", *ATTRIBUTES)


def with_exclusive_ends(table: pl.DataFrame, ends: str = "auto") -> pl.DataFrame:
    """Return stated numbers of users with ``to`` as the first moment after them (R1.23).

    Args:
        table: ``region_class``, ``from``, ``to``.
        ends: ``inclusive``, ``exclusive``, or ``auto``: see the setting ``population_ends``.
    """
    if ends == "exclusive" or not {"region_class", "from", "to"} <= set(table.columns) or table.is_empty():
        return table
    day = timedelta(days=1)
    to = pl.col("to")
    at_midnight = to == to.dt.truncate("1d")
    rows = table.with_row_index("at").sort("region_class", "from", nulls_last=False, maintain_order=True)
    rows = rows.with_columns(following=pl.col("from").shift(-1).over("region_class"))
    written_so = at_midnight & (pl.col("following") == to + day)
    adjoining = rows.select((pl.col("following") == pl.col("to")).any()).item()
    month_ends = to.dt.month_end().dt.truncate("1d") == to
    last_day = at_midnight & ((to != pl.col("following")) | pl.col("following").is_null()).fill_null(value=True)
    style = rows.select(written_so.any()).item() and not adjoining
    included = (
        at_midnight if ends == "inclusive" else written_so | (last_day & (month_ends | pl.lit(value=bool(style))))
    )
    until_midnight = to.dt.truncate("1d") + day - to <= timedelta(minutes=1)
    end = pl.when(included.fill_null(value=False)).then(to + day).when(until_midnight).then(to.dt.truncate("1d") + day)
    return rows.with_columns(to=end.otherwise(to)).sort("at").drop("at", "following")


def _stated(table: pl.DataFrame) -> pl.DataFrame:
    return _shape(
        table.with_columns(
            user_id=pl.format("stated row {}", "row"),
            in_service=pl.col("from"),
            retired=pl.col("to"),
            stated=pl.lit(value=True),
        )
    )


def _shape(frame: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
