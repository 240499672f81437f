"""Interruptions, the one currency: who was without power, from when to when, by which event.

Outage records become interruptions through the topology. Everything that counts hours or users starts from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from narwhals.typing import IntoFrame, IntoFrameT

from network import Network, Supply, schema
from network.tables.frames import MissingColumnsError, require_table
from reliability.engines import arrow_in_arrow_out, like, shaped
from reliability.named_parts import Change, NamedParts
from reliability.overlaps import overlapping
from reliability.population_table import ATTRIBUTES, population, service_periods
from reliability.record_states import RecordStates, record_states
from reliability.settings import ReliabilitySettings

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
    "record_state": pl.String,
    "exclusion": pl.String,
}

_PLACES = ("branch_id", "feeder_id", "transformer_id", "customer_id", "users")
"""What a record may say lost supply by; one of them is needed."""

NAMES = ("branch_id", "feeder_id", "transformer_id")

NAMES_A_PLACE = pl.col("customer_id").is_null() & pl.col("users").is_null()
"""Of records of :func:`numbered`: whether they name a part of the medium-voltage network."""

_RECORD = ("outage_id", "start", "nature", "external", "cause", "exclusion", "approved_end")

_BY_PART: Mapping[str, type[pl.DataType] | pl.DataType] = {
    **SCHEMA,
    "part": pl.Int64,
    "moved": pl.Boolean,
    "continues": pl.Boolean,
}
"""The columns while rows still belong to one row of the records; see :func:`with_records`."""


@arrow_in_arrow_out
def interruptions(
    outages: IntoFrameT,
    stages: IntoFrame | None,
    net: Network,
    level: str = "mv",
    users: IntoFrame | None = None,
    settings: ReliabilitySettings | None = None,
    switching: pl.DataFrame | None = None,
    states: RecordStates | None = None,
) -> IntoFrameT:
    """Return who was without power, from when to when, by which event.

    A record names what lost supply: a branch (with everything that truly hung on it alone when the event came, R1.16), a feeder,
    a transformer, a customer, or only a number of users. Several rows of one id are parts of one event (R1.18). A stage ends
    the interruption of the part that it names (R1.8). A user with two supplies is interrupted while both are lost (1.1). A
    user that was moved is interrupted where it hung at the time (R1.19).

    Args:
        outages: the table ``outages``, with usable rows only; of Polars, pandas or Arrow.
        stages: the table ``stages``, or ``None``.
        net: the network.
        level: ``mv`` (transformers) or ``lv`` (customers).
        users: the population of that level, where it is at hand already; at low voltage on any engine, and so is the result.
        settings: ``record_state`` and what belongs to it.
        switching: the log that says in which state a record found the switches; that of the workspace by default.
        states: of :func:`states_of_records`, where they are at hand already.

    Returns:
        The same kind of frame, one row per row of the records and user (or group of users that share it): ``outage_id``,
        ``user_id``, ``users``, ``transformer_id``, ``customer_id``, ``start``, ``end`` (null while it lasts), ``nature``,
        ``external``, ``cause``, the columns of the user, ``approved_end`` (of a planned outage; null if not stated),
        ``recorded_only`` (a number without names), ``record_state`` (``as_logged`` or ``normal``: the state of the switches
        in which the record was taken; null where it names no branch and no feeder), and ``exclusion``: why the row does not
        count. A record that cuts off nobody keeps one row with the exclusion ``nobody_off``; at medium voltage a record that
        names a customer keeps one with ``low_voltage``.

    Raises:
        MissingColumnsError: a column that hours are made of is missing, or all that could say what lost supply.
        TextTimesError: times are given as text.
    """
    require_table(outages, "outages", ["end"])
    _require_a_place(outages)
    if stages is not None:
        require_table(stages, "stages")
    given: Any = nw.from_native(outages)
    recorded = numbered(with_columns_of(outages, "outages"))
    rules = settings or ReliabilitySettings()
    everyone = population(net, level, recorded, settings=rules) if users is None else users
    if states is None:
        states = states_of_records(recorded, net, rules, switching)
    table: Any = nw.from_native(everyone)
    rows, low_voltage = _users_off(
        _transformers_off(recorded, with_columns_of(stages, "stages"), states), recorded, everyone, level
    )
    counted = _numbers_alone(recorded, everyone, level)
    others = shaped(nw.from_native(pl.concat([counted, low_voltage], how="diagonal_relaxed")), _BY_PART).to_native()
    found = nw.concat([shaped(rows, _BY_PART), like(others, table)])
    said = recorded.with_columns(
        record_state=pl.col("part").replace_strict(states.state, default=None, return_dtype=pl.String)
    )
    records = like(said.select("part", *_RECORD, "end", "record_state"), table)
    nobody = records.join(found.select("part"), on="part", how="anti").select(
        "part", "end", users=nw.lit(0), exclusion=nw.lit("nobody_off")
    )
    every = nw.concat([found, shaped(nobody, _BY_PART)]).drop("outage_id", "record_state")
    result: Any = with_records(every, records.drop("end"), "part").to_native()
    return result.to_pandas() if given.implementation.is_pandas() else result  # type: ignore[no-any-return]


def _users_off(
    transformers: pl.DataFrame, outages: pl.DataFrame, everyone: Any, level: str
) -> tuple[Any, pl.DataFrame]:
    """Return the users of a level that were off with these transformers, and the records that say nothing at this level."""
    if level == "mv":
        rows = nw.from_native(transformers.join(everyone, on="transformer_id", how="inner", maintain_order="left"))
        return rows, outages.filter(pl.col("customer_id").is_not_null()).select(
            "part", "end", users=pl.lit(0), exclusion=pl.lit("low_voltage")
        )
    rows = _low_voltage(transformers, outages, nw.from_native(everyone))
    return rows, pl.DataFrame(schema={"part": pl.Int64, "end": pl.Datetime("us"), "exclusion": pl.String})


def _require_a_place(outages: Any) -> None:
    """Make sure that records can say at all what lost supply."""
    available = nw.from_native(outages).collect_schema()
    if not any(place in available for place in _PLACES):
        raise MissingColumnsError("outages", _PLACES, available)


def numbered(outages: pl.DataFrame) -> pl.DataFrame:
    """Return records with ``part``, the number of the row, and only the most specific of the places that a row names."""
    place = ("customer_id", "transformer_id", "branch_id", "feeder_id")
    blank = pl.lit(None, dtype=pl.String)
    kept = {
        name: pl.when(pl.all_horizontal(pl.col(*place[:rank]).is_null())).then(name).otherwise(blank)
        for rank, name in enumerate(place)
        if rank
    }
    no_place = pl.all_horizontal(pl.col(*place).is_null())
    numbers = pl.int_range(pl.len(), dtype=pl.Int64)
    return outages.with_columns(**kept, users=pl.when(no_place).then("users"), part=numbers)


def _numbers_alone(outages: pl.DataFrame, everyone: Any, level: str) -> pl.DataFrame:
    """Return the records of mere numbers, each as one user of its own, and those that no figure can be divided by marked."""
    which = pl.int_range(pl.len()).over("outage_id") + 1
    name = pl.format("users of {}", "outage_id")
    counted = outages.filter(pl.col("users").is_not_null()).select(
        "part", "start", "end", "users", "region_class", "unit",
        user_id=pl.when(pl.len().over("outage_id") > 1).then(pl.format("{} ({})", name, which)).otherwise(name),
        recorded_only=pl.lit(value=True),
    )  # fmt: skip
    if not isinstance(everyone, pl.DataFrame) or not everyone["stated"].any():
        reason = pl.lit("low_voltage_unknown") if level == "lv" else pl.lit(None, dtype=pl.String)
        return counted.with_columns(exclusion=reason)
    stated = everyone.select("region_class", since="in_service", until="retired")
    covered = (
        counted.select("part", "start", "region_class")
        .join(stated, on="region_class")
        .filter(
            (pl.col("since").is_null() | (pl.col("since") <= pl.col("start")))
            & (pl.col("until").is_null() | (pl.col("start") < pl.col("until")))
        )["part"]
        .unique()
    )
    return counted.with_columns(
        exclusion=pl.when(~pl.col("part").is_in(covered.implode())).then(pl.lit("no_population"))
    )


def with_columns_of(given: Any, table: str) -> pl.DataFrame:
    """Return a Polars or pandas frame as Polars, with every column of the table; absent ones are null."""
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


def states_of_records(
    outages: pl.DataFrame, net: Network, settings: ReliabilitySettings, switching: pl.DataFrame | None = None
) -> RecordStates:
    """Return in which state of the switches each record is taken, by the number of its row (R1.16).

    Args:
        outages: the table ``outages`` of a workspace.
        net: the network.
        settings: ``record_state`` and what belongs to it.
        switching: the log; that of the workspace by default.
    """
    records = outages if "part" in outages.columns else numbered(with_columns_of(outages, "outages"))
    log = net.workspace.tables["switching"] if switching is None else switching
    return record_states(records.filter(NAMES_A_PLACE), NamedParts(net), log, settings)


def _transformers_off(outages: pl.DataFrame, stages: pl.DataFrame, states: RecordStates) -> pl.DataFrame:
    """Return which transformer was off from when to when by which record: ``part, transformer_id, start, end``."""
    lost = lost_supplies(outages.filter(NAMES_A_PLACE), stages, states.parts, states.changes)
    off = _all_lost(lost, _live_supplies(states.parts.normal))
    return where_it_hung(off, states.parts.net.transformers).select("part", "transformer_id", "start", "end")


def lost_supplies(
    outages: pl.DataFrame, stages: pl.DataFrame, parts: NamedParts, changes: Mapping[int, Change]
) -> pl.DataFrame:
    """Return which supply was lost from when to when: ``part, supply, start, end``; the earliest stage brings it back.

    Args:
        outages: records with their number ``part``.
        stages: the table ``stages`` of a workspace; each is looked at in the state in which its record found the switches.
        parts: what they name.
        changes: that state by ``part``, where it is not the normal one.
    """
    lost = parts.expand(outages.select("part", "start", "end", *NAMES), changes)
    first_back = restored(outages, stages, parts, changes).group_by("part", "supply").agg(pl.col("restored_at").min())
    return lost.join(first_back, on=["part", "supply"], how="left", maintain_order="left").with_columns(
        end=pl.min_horizontal("end", "restored_at")
    )


def restored(
    outages: pl.DataFrame, stages: pl.DataFrame, parts: NamedParts, changes: Mapping[int, Change]
) -> pl.DataFrame:
    """Return which supply each stage brought back: ``stage`` (the number of its row), ``part``, ``restored_at``, ``supply``."""
    of_records = stages.with_columns(
        stage=pl.int_range(pl.len(), dtype=pl.Int64), feeder_id=pl.lit(None, dtype=pl.String)
    ).join(outages.select("outage_id", "part"), on="outage_id", maintain_order="left")
    return parts.expand(of_records.select("stage", "part", "restored_at", *NAMES), changes)


def _live_supplies(supply: Supply) -> pl.DataFrame:
    """Return the supplies that are live in the normal state, with how many their transformer has: ``supply``, ``live``."""
    net = supply.network
    live = [supply.place_of[nodes] >= 0 for nodes in (net.transformer_node, net.transformer_second_node)]
    count = live[0].astype(np.int64) + live[1]
    found = [np.flatnonzero(each) * 2 + which for which, each in enumerate(live)]
    supplies = np.sort(np.concatenate(found))
    return pl.DataFrame({"supply": supplies, "live": count[supplies // 2]})


def _all_lost(lost: pl.DataFrame, live: pl.DataFrame) -> pl.DataFrame:
    """Return when a transformer had no supply at all: ``part, transformer`` (its row), ``start, end``.

    One with one supply in the normal state is off while that is lost; one with two is off while both are, by the event that took
    the last. One with none hangs on what was switched to it.
    """
    columns = ["part", "transformer", "start", "end"]
    lost = lost.join(live, on="supply", how="left", maintain_order="left").with_columns(
        transformer=pl.col("supply") // 2, which=pl.col("supply") % 2
    )
    lives = pl.col("transformer").is_in((live["supply"] // 2).unique().implode())
    single = lost.filter(pl.col("live") == 1)
    revived = lost.filter(pl.col("live").is_null() & ~lives).select(columns).unique(maintain_order=True)
    halves = lost.filter((pl.col("live") == 2) & (pl.col("end").is_null() | (pl.col("end") > pl.col("start"))))
    first, second = halves.filter(which=0), halves.filter(which=1)
    one, other = overlapping(first, second, "transformer")
    beside = second[other].select(pl.col("part", "start", "end").name.suffix("_2"))
    later = pl.col("start_2") > pl.col("start")
    together = pl.concat([first[one], beside], how="horizontal").select(
        "transformer",
        part=pl.when(later).then("part_2").otherwise("part"),
        start=pl.max_horizontal("start", "start_2"),
        end=pl.min_horizontal("end", "end_2"),
    )
    return pl.concat([single.select(columns), revived, together.select(columns)])


def where_it_hung(off: pl.DataFrame, transformers: pl.DataFrame) -> pl.DataFrame:
    """Return when transformers were off, by id; of one that was moved only while it hung there (R1.19).

    Args:
        off: ``transformer`` (its row), ``start``, ``end``, and other columns that are passed on.
        transformers: the table ``transformers`` of a workspace.
    """
    rows = (
        service_periods(transformers, "transformer_id")
        .select("transformer_id", "in_service", "retired", "moved", "continues")
        .with_columns(transformer=pl.int_range(pl.len(), dtype=pl.Int64))
    )
    known = nw.from_native(off.join(rows, on="transformer", maintain_order="left"))
    kept: pl.DataFrame = within_service(known).to_native()
    before = pl.col("moved") & ~pl.col("continues") & (pl.col("start") < pl.col("in_service")).fill_null(value=False)
    return kept.filter(~before).select(pl.exclude("transformer", "in_service", "retired", "moved", "continues"))


def within_service(rows: Any) -> Any:
    """Return the rows of a narwhals frame with those of moved users cut to the time for which they hung where the row says."""
    at_once = nw.col("moved") & nw.col("continues") & (nw.col("start") < nw.col("in_service"))
    later = rows.with_columns(
        start=nw.when(at_once.fill_null(value=False)).then(nw.col("in_service")).otherwise(nw.col("start"))
    )
    over = (nw.col("end") <= nw.col("in_service")).fill_null(value=False)
    gone = (nw.col("retired") <= nw.col("start")).fill_null(value=False)
    ends = (nw.col("moved") & (nw.col("retired") > nw.col("start"))).fill_null(value=False)
    return later.filter(~(nw.col("moved") & (over | gone))).with_columns(
        end=nw.when(ends).then(nw.min_horizontal("end", "retired")).otherwise(nw.col("end"))
    )


def _low_voltage(transformers: pl.DataFrame, outages: pl.DataFrame, everyone: Any) -> Any:
    """Return the interruptions of customers: those of their transformers, and their own."""
    named = outages.filter(pl.col("customer_id").is_not_null()).select("part", "customer_id", "start", "end")
    # every one, but not one twice: a record can cut off a transformer with two supplies at several times
    lost = like(transformers.unique(maintain_order=True), everyone)
    own = like(named, everyone).join(everyone.filter(~nw.col("customer_id").is_null()), on="customer_id", how="inner")
    one_supply = everyone.filter(nw.col("second_transformer_id").is_null())
    two_supplies = everyone.filter(~nw.col("second_transformer_id").is_null())
    single = lost.join(one_supply, on="transformer_id", how="inner")
    pair = ["user_id", "transformer_id", "second_transformer_id"]
    of_first = lost.join(two_supplies, on="transformer_id", how="inner")
    of_second = lost.rename({"transformer_id": "lost_id"}).join(
        two_supplies.select(pair).unique(), left_on="lost_id", right_on="second_transformer_id", how="inner"
    )
    if "second_transformer_id" not in of_second.collect_schema().names():
        of_second = of_second.with_columns(second_transformer_id=nw.col("lost_id"))
    both = (
        of_first.join(of_second.select(*pair, "part", "start", "end"), on=pair, how="inner", suffix="_2")
        .with_columns(later=nw.col("start_2") > nw.col("start"))
        .with_columns(
            part=nw.when("later").then("part_2").otherwise("part"),
            start=nw.max_horizontal("start", "start_2"),
            end=nw.min_horizontal("end", "end_2"),
        )
        .filter(nw.col("end").is_null() | (nw.col("end") > nw.col("start")))
    )
    columns = ["part", "start", "end", *everyone.collect_schema().names()]
    return nw.concat([rows.select(columns) for rows in (single, both, own)])


def with_records(rows: Any, of_record: Any, on: str = "outage_id") -> Any:
    """Add what the outage record says, and the reasons that the record or the user's service dates give not to count.

    Args:
        rows: narwhals frame of interruptions, with ``moved`` and ``continues`` of their users (R1.19).
        of_record: what the records say, one row for each value of ``on``.
        on: the column that names the record.
    """
    joined = rows.drop("nature", "external", "cause", "approved_end").join(
        of_record, on=on, how="left", suffix="_record"
    )
    joined = joined.with_columns(
        nw.col("moved", "continues").fill_null(value=False), start=nw.coalesce("start", "start_record")
    )
    joined = within_service(joined)
    start = nw.col("start")
    served = nw.col("in_service").is_null() | (nw.col("in_service") <= start)
    gone = ~nw.col("retired").is_null() & (nw.col("retired") <= start)
    return shaped(
        joined.with_columns(
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
