"""Interruptions, the one currency: who was without power, from when to when, by which event.

Outage records become interruptions through the topology. Everything that counts hours or users starts from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from network import Network, Supply, schema
from network.tables.frames import MissingColumnsError, require_table
from reliability.engines import like, shaped
from reliability.population_table import ATTRIBUTES, population

SCHEMA: Mapping[str, type[pl.DataType] | pl.DataType] = {
    "outage_id": pl.String,
    "user_id": pl.String,
    "users": pl.Int64,
    "transformer_id": pl.String,
    "customer_id": pl.String,
    "start": pl.Datetime("us"),
    "end": pl.Datetime("us"),
    "nature": pl.String,
    "external": pl.Boolean,
    "cause": pl.String,
    "capacity_kva": pl.Float64,
    "load_kw": pl.Float64,
    **dict.fromkeys(ATTRIBUTES, pl.String),
    "in_service": pl.Datetime("us"),
    "retired": pl.Datetime("us"),
    "approved_end": pl.Datetime("us"),
    "recorded_only": pl.Boolean,
    "exclusion": pl.String,
}

_PLACES = ("branch_id", "feeder_id", "transformer_id", "customer_id", "users")
"""What a record may say lost supply by; one of them is needed."""

_RECORD = ("outage_id", "start", "nature", "external", "cause", "exclusion", "approved_end")


def interruptions(
    outages: Any,
    stages: Any | None,
    net: Network,
    level: str = "mv",
    users: Any = None,
) -> Any:
    """Return who was without power, from when to when, by which event.

    A record names what lost supply: a branch (with everything that truly hangs on it alone in the normal state), a feeder, a
    transformer, a customer, or only a number of users. A stage ends the interruption of the part that it names (R1.8). A
    user with two supplies is interrupted while both are lost (1.1).

    Args:
        outages: table of the contract, with usable rows only; Polars or pandas.
        stages: table of the contract, or ``None``.
        net: the network.
        level: ``mv`` (transformers) or ``lv`` (customers).
        users: the population of that level, where it is at hand already; at low voltage on any engine, and so is the result.

    Returns:
        The same kind of frame, one row per outage and user (or group of users that share it): ``outage_id``, ``user_id``,
        ``users``, ``transformer_id``, ``customer_id``, ``start``, ``end`` (null while it lasts), ``nature``, ``external``,
        ``cause``, the columns of the user, ``approved_end`` (of a planned outage; null if not stated),
        ``recorded_only`` (a number without names), and ``exclusion``: why the row does not count. A record that cuts off
        nobody keeps one row with the exclusion ``nobody_off``; at medium voltage a record that names a customer keeps one
        with ``low_voltage``.

    Raises:
        MissingColumnsError: a column that hours are made of is missing, or all that could say what lost supply.
        TextTimesError: times are given as text.
    """
    require_table(outages, "outages", ["end"])
    _require_a_place(outages)
    if stages is not None:
        require_table(stages, "stages")
    in_pandas = nw.from_native(outages, eager_only=True).implementation.is_pandas()
    outages = with_columns_of(outages, "outages")
    stages = with_columns_of(stages, "stages")
    everyone = population(net, level, outages) if users is None else users
    supply = net.energise()

    lost = _lost_supplies(outages, stages, supply)
    transformers = _both_lost(lost, "transformer_id", _two_live_supplies(supply))
    table: Any = nw.from_native(everyone)
    if level == "mv":
        rows = nw.from_native(transformers.join(everyone, on="transformer_id", how="inner", maintain_order="left"))
        low_voltage = outages.filter(pl.col("customer_id").is_not_null()).select(
            "outage_id", "end", users=pl.lit(0), exclusion=pl.lit("low_voltage")
        )
    else:
        rows = _low_voltage(transformers, outages, table)
        low_voltage = pl.DataFrame(schema={"outage_id": pl.String, "end": pl.Datetime("us"), "exclusion": pl.String})
    counted = outages.filter(pl.col("users").is_not_null()).select(
        "outage_id", "end", "users", "region_class", "unit",
        user_id=pl.format("users of {}", "outage_id"), recorded_only=pl.lit(value=True),
    )  # fmt: skip
    counted = _without_stated_users(counted, outages, everyone, level)
    others = shaped(nw.from_native(pl.concat([counted, low_voltage], how="diagonal_relaxed")), SCHEMA).to_native()
    found = nw.concat([shaped(rows, SCHEMA), like(others, table)])
    records = like(outages.select(*_RECORD, "end"), table)
    nobody = records.join(found.select("outage_id"), on="outage_id", how="anti").select(
        "outage_id", "end", users=nw.lit(0), exclusion=nw.lit("nobody_off")
    )
    result = with_records(nw.concat([found, shaped(nobody, SCHEMA)]), records.drop("end")).to_native()
    return result.to_pandas() if in_pandas else result


def _require_a_place(outages: Any) -> None:
    """Make sure that records can say at all what lost supply."""
    available = nw.from_native(outages).collect_schema()
    if not any(place in available for place in _PLACES):
        raise MissingColumnsError("outages", _PLACES, available)


def _without_stated_users(counted: pl.DataFrame, outages: pl.DataFrame, everyone: Any, level: str) -> pl.DataFrame:
    """Mark the records of mere numbers that no figure can be divided by: no stated users, or counted at another level."""
    if not isinstance(everyone, pl.DataFrame) or not everyone["stated"].any():
        reason = pl.lit("low_voltage_unknown") if level == "lv" else pl.lit(None, dtype=pl.String)
        return counted.with_columns(exclusion=reason)
    stated = everyone.select("region_class", since="in_service", until="retired")
    covered = (
        outages.select("outage_id", "start", "region_class")
        .join(stated, on="region_class")
        .filter(
            (pl.col("since").is_null() | (pl.col("since") <= pl.col("start")))
            & (pl.col("until").is_null() | (pl.col("start") < pl.col("until")))
        )["outage_id"]
        .unique()
    )
    return counted.with_columns(
        exclusion=pl.when(~pl.col("outage_id").is_in(covered.implode())).then(pl.lit("no_population"))
    )


def with_columns_of(given: Any, table: str) -> pl.DataFrame:
    """Return a Polars or pandas frame as Polars, with every column of the contract's table; absent ones are null."""
    columns = schema.TABLES[table].columns
    if given is None:
        return schema.TABLES[table].empty()
    frame: pl.DataFrame = nw.from_native(given, eager_only=True).to_polars()
    return frame.select(
        pl.col(column.name).cast(column.polars_type)
        if column.name in frame.columns
        else pl.lit(None, dtype=column.polars_type).alias(column.name)
        for column in columns
    )


def _lost_supplies(outages: pl.DataFrame, stages: pl.DataFrame, supply: Supply) -> pl.DataFrame:
    """Return which supply of which transformer was lost from when to when: ``outage_id, transformer_id, supply, start, end``."""
    lost = _named_parts(outages.select("outage_id", "start", "end", "branch_id", "feeder_id", "transformer_id"), supply)
    back = _named_parts(
        stages.select(
            "outage_id", "restored_at", "branch_id", "transformer_id", feeder_id=pl.lit(None, dtype=pl.String)
        ),
        supply,
    )
    first_back = back.group_by("outage_id", "transformer_id", "supply").agg(pl.col("restored_at").min())
    return lost.join(
        first_back, on=["outage_id", "transformer_id", "supply"], how="left", maintain_order="left"
    ).with_columns(end=pl.min_horizontal("end", "restored_at"))


def _named_parts(frame: pl.DataFrame, supply: Supply) -> pl.DataFrame:
    """Expand rows that name a branch, feeder or transformer to the supplies of transformers they mean."""
    supplies = _supplies(supply)
    keep = [column for column in frame.columns if column not in {"branch_id", "feeder_id", "transformer_id"}]
    by_branch = frame.filter(pl.col("branch_id").is_not_null())
    by_feeder = frame.filter(pl.col("branch_id").is_null() & pl.col("feeder_id").is_not_null())
    by_transformer = frame.filter(
        pl.col("branch_id").is_null() & pl.col("feeder_id").is_null() & pl.col("transformer_id").is_not_null()
    )
    return pl.concat(
        [
            _below_branches(by_branch, supply, supplies).select(*keep, "transformer_id", "supply"),
            by_feeder.drop("transformer_id").join(supplies, on="feeder_id").select(*keep, "transformer_id", "supply"),
            by_transformer.join(supplies, on="transformer_id").select(*keep, "transformer_id", "supply"),
        ]
    )


def _supplies(supply: Supply) -> pl.DataFrame:
    """Return every supply of every transformer by its place in depth-first order, with ``supply`` and ``feeder_id``."""
    net = supply.network
    place_of = supply.place_of
    ids, second = net.transformers["transformer_id"], net.transformer_second_node
    traced = pl.concat([supply.node_feeder, pl.Series([None], dtype=pl.String)])
    first_supply = pl.DataFrame(
        {"transformer_id": ids, "place": place_of[net.transformer_node], "feeder_id": net.transformer_feeder}
    )
    second_supply = pl.DataFrame({"transformer_id": ids, "place": place_of[second], "feeder_id": traced.gather(second)})
    return pl.concat(
        [
            first_supply.with_columns(supply=pl.lit(1, dtype=pl.Int8)),
            second_supply.filter(pl.Series(second >= 0)).with_columns(supply=pl.lit(2, dtype=pl.Int8)),
        ]
    ).sort("place", maintain_order=True)


def _below_branches(frame: pl.DataFrame, supply: Supply, supplies: pl.DataFrame) -> pl.DataFrame:
    """Expand each row to the supplies below its branch: one slice of the depth-first order."""
    cut = supply.place_below(supply.network.branch_index(frame["branch_id"].to_list()))
    places = supplies["place"].to_numpy()
    first = np.searchsorted(places, cut)
    count = np.where(cut >= 0, np.searchsorted(places, supply.end[cut]) - first, 0)
    offset = np.repeat(np.cumsum(count) - count, count)
    at = np.repeat(first, count) + np.arange(count.sum()) - offset
    expanded: pl.DataFrame = pl.concat(
        [frame.drop("transformer_id", "feeder_id")[np.repeat(np.arange(len(cut)), count)], supplies[at]],
        how="horizontal",
    )
    return expanded


def _two_live_supplies(supply: Supply) -> pl.Series:
    """Return the transformers that have two live supplies in the normal state."""
    place_of = supply.place_of
    net = supply.network
    both = (place_of[net.transformer_node] >= 0) & (place_of[net.transformer_second_node] >= 0)
    return net.transformers["transformer_id"].filter(pl.Series(both))


def _both_lost(lost: pl.DataFrame, user: str, dual: pl.Series) -> pl.DataFrame:
    """Return when a user had no supply at all: ``outage_id, <user>, start, end``.

    A user with one supply is off while it is lost; a user with two is off while both are, by the event that took the last.
    """
    columns = ["outage_id", user, "start", "end"]
    is_dual = pl.col(user).is_in(dual.implode())
    single = lost.filter(~is_dual).unique(["outage_id", user], keep="first", maintain_order=True)
    halves = lost.filter(is_dual)
    pairs = halves.filter(supply=1).join(halves.filter(supply=2), on=user, suffix="_2").with_columns(
        later=pl.col("start_2") > pl.col("start")
    )  # fmt: skip
    together = pairs.select(
        outage_id=pl.when("later").then("outage_id_2").otherwise("outage_id"),
        **{user: pl.col(user)},
        start=pl.max_horizontal("start", "start_2"),
        end=pl.min_horizontal("end", "end_2"),
    ).filter(pl.col("end").is_null() | (pl.col("end") > pl.col("start")))
    return pl.concat([single.select(columns), together.select(columns)])


def _low_voltage(transformers: pl.DataFrame, outages: pl.DataFrame, everyone: Any) -> Any:
    """Return the interruptions of customers: those of their transformers, and their own."""
    columns = ["outage_id", "user_id", "start", "end"]
    lost = like(transformers.select("outage_id", "transformer_id", "start", "end"), everyone)
    supplies = everyone.select("user_id", "transformer_id", "second_transformer_id")
    first, second = (
        lost.join(supplies.filter(~nw.col(on).is_null()), left_on="transformer_id", right_on=on, how="inner")
        for on in ("transformer_id", "second_transformer_id")
    )
    # every one, but not one twice: a record can cut off a transformer with two supplies at several times
    single = first.filter(nw.col("second_transformer_id").is_null()).select(columns).unique()
    both = (
        first.filter(~nw.col("second_transformer_id").is_null())
        .select(columns)
        .join(second.select(columns), on="user_id", how="inner", suffix="_2")
        .with_columns(later=nw.col("start_2") > nw.col("start"))
        .select(
            "user_id",
            outage_id=nw.when("later").then("outage_id_2").otherwise("outage_id"),
            start=nw.max_horizontal("start", "start_2"),
            end=nw.min_horizontal("end", "end_2"),
        )
        .filter(nw.col("end").is_null() | (nw.col("end") > nw.col("start")))
    )
    named = like(
        outages.filter(pl.col("customer_id").is_not_null()).select("outage_id", "customer_id", "start", "end"), everyone
    )
    own = named.join(
        everyone.filter(~nw.col("customer_id").is_null()).select("customer_id", "user_id"),
        on="customer_id",
        how="inner",
    )
    return nw.concat([single, both.select(columns), own.select(columns)]).join(everyone, on="user_id", how="inner")


def with_records(rows: Any, of_record: Any) -> Any:
    """Add what the outage record says, and the reasons that the record or the user's service dates give not to count."""
    joined = rows.drop("nature", "external", "cause", "approved_end").join(
        of_record, on="outage_id", how="left", suffix="_record"
    )
    start = nw.coalesce("start", "start_record")
    served = nw.col("in_service").is_null() | (nw.col("in_service") <= start)
    gone = ~nw.col("retired").is_null() & (nw.col("retired") <= start)
    return shaped(
        joined.with_columns(
            start=start,
            external=nw.col("external") | nw.col("nature").is_in(["F-EXT"]),
            recorded_only=nw.col("recorded_only").fill_null(value=False),
            exclusion=nw.coalesce(
                "exclusion", "exclusion_record", nw.when(~served | gone).then(nw.lit("not_in_service"))
            ),
        ).with_columns(
            external=nw.col("external").fill_null(value=False),
            end=nw.when(nw.col("retired") > nw.col("start")).then(nw.min_horizontal("end", "retired")).otherwise("end"),
        ),
        SCHEMA,
    )
