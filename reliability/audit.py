"""The audit of outage records: what was recorded against what the switching log and the meters say, in customer-hours.

The life of each user is cut wherever the record, the log or the meter changes. Each stretch has one verdict:

========================== ======================= ==============================================================
what speaks of the stretch verdict                 why
========================== ======================= ==============================================================
the log: off               off                     an operation took the supply
the log: off, meter: power undecided               they contradict each other
only the meter: off        off                     a fuse or a fault of the transformer stands in no switching log
only the meter, recorded   undecided               the log would hold the recorded operation, and does not
only the record            power                   the log would hold the operation, or the meter had power
only the record            as recorded             neither the log nor a meter could have seen it
========================== ======================= ==============================================================

What is undecided stays as recorded, with its hours beside it, so the findings add up to what was found less what was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from network import Network, WorkspaceError, text
from network.representation import Shown
from network.switching_replay import while_all_are_off
from reliability.interruption_table import interruptions, with_columns_of
from reliability.ledger_table import ledger
from reliability.meters import EVENTS, MeterEvidence, meter_evidence
from reliability.period import MICROSECONDS_PER_HOUR, Period, microseconds
from reliability.population_table import population
from reliability.settings import ReliabilitySettings
from reliability.switched import interruptions_from_switching

FINDINGS: Mapping[str, str] = {
    "missed": "not recorded",
    "invented": "recorded, but supply was there",
    "wrong_start": "wrong start",
    "wrong_end": "wrong end",
    "users_missing": "users left out",
    "users_too_many": "users too many",
    "understated": "off in between, not recorded",
    "overstated": "supply in between",
    "contradiction": "log and meters contradict each other",
    "unconfirmed": "nothing to check it against",
    "within_tolerance": "times within the tolerance",
}
"""What a finding says, by kind."""

UNDECIDED = ("contradiction", "unconfirmed")
"""Kinds whose worth is not known."""

SCHEMA: Mapping[str, type[pl.DataType] | pl.DataType] = {
    "kind": pl.String,
    "outage_id": pl.String,
    "event_id": pl.String,
    "users": pl.Int64,
    "user_id": pl.String,
    "feeder_id": pl.String,
    "from": pl.Datetime("us"),
    "to": pl.Datetime("us"),
    "recorded_h": pl.Float64,
    "found_h": pl.Float64,
    "customer_hours": pl.Float64,
    "undecided_customer_hours": pl.Float64,
    "evidence": pl.String,
}

_RULES_OF_THE_RECORD = ("arrears", "own_fault", "own_request", "closed_account")


@dataclass(frozen=True, eq=False, repr=False)
class Audit(Shown):
    """What an audit found.

    Attributes:
        rows: one row per discrepancy and direction, the dearest first: ``kind`` (a key of :data:`FINDINGS`), ``outage_id`` (the
            record), ``event_id`` (of the replay), ``users``, ``user_id`` (the first of them), ``feeder_id``, ``from``, ``to``
            (first and last moment in question), ``recorded_h`` and ``found_h`` (hours without supply per user of these, as
            recorded and as found, in the unbroken interruption that is in question), ``customer_hours`` (what the discrepancy is
            worth: found less recorded, so negative where too much was recorded; null where undecided),
            ``undecided_customer_hours``, and ``evidence`` (``switching``, ``meters``, ``both``; null where there is none).
        recorded_customer_hours, found_customer_hours: of the period; their difference is the sum of ``customer_hours``.
        meters: what the meters say.
    """

    rows: pl.DataFrame
    recorded_customer_hours: float
    found_customer_hours: float
    meters: MeterEvidence

    def totals(self) -> list[dict[str, Any]]:
        """Return one row per kind that occurs: ``kind``, ``findings``, ``customer_hours``, ``undecided_customer_hours``."""
        hours = pl.col("customer_hours", "undecided_customer_hours")
        found = self.rows.group_by("kind").agg(hours.drop_nulls().sum(), findings=pl.len())
        decided = pl.col("kind").is_in(UNDECIDED).not_()
        found = found.with_columns(
            customer_hours=pl.when(decided).then("customer_hours"),
            undecided_customer_hours=pl.when(~decided).then("undecided_customer_hours"),
        )
        rank = pl.col("kind").replace_strict(
            {kind: place for place, kind in enumerate(FINDINGS)}, return_dtype=pl.Int64
        )
        return found.sort(rank).select("kind", "findings", "customer_hours", "undecided_customer_hours").to_dicts()


def audit(
    net: Network,
    outages: pl.DataFrame,
    stages: pl.DataFrame | None,
    switching: pl.DataFrame,
    signals: pl.DataFrame,
    period: Period,
    level: str = "mv",
    rules: ReliabilitySettings | None = None,
    as_of: datetime | None = None,
) -> Audit:
    """Return where outage records, switching log and meters differ, and what each difference is worth in customer-hours.

    A record can be denied by the log only where the log would hold it: the record names a feeder or a branch of a kind in
    ``audit_logged_kinds``, no cause outside the utility, and begins after the log does. A meter denies only by a sign of
    power (read, power-on, or power-off later on), never by silence, and not within ``meter_deviation_min`` of an edge. What
    meters report within that time of a recorded or switched outage is the same outage.

    Args:
        net: the network.
        outages: the table ``outages`` of a workspace.
        stages: the table ``stages`` of a workspace, or ``None``.
        switching: the table ``switching`` of a workspace; may be empty.
        signals: the table ``signals`` of a workspace; off, on and read reports of transformers, at low voltage of customers too.
        period: what is audited; outages are cut at its ends.
        level: ``mv`` (transformers) or ``lv`` (customers).
        rules: ``audit_tolerance_min``, ``audit_logged_kinds``, ``meter_deviation_min`` and the rules of the statistics.
        as_of: nothing later is known; the end of the period by default.

    Raises:
        UnknownIdError: the log operates a branch that the network does not have.
        WorkspaceError: there is neither a switching operation nor a report of a meter.
    """
    rules = rules or ReliabilitySettings()
    outages = with_columns_of(outages, "outages")
    known = as_of or period.end
    if switching.is_empty() and not signals["kind"].is_in(EVENTS).any():
        raise WorkspaceError(
            text("There is neither a switching log nor a report of a meter to audit against."),
            (),
            text("Add the table switching, or signals with the kinds off and on."),
        )
    of_customers = signals.filter((pl.col("object") == "customer") & pl.col("kind").is_in(EVENTS))["object_id"]
    whole_log, switching = switching, switching.filter(pl.col("time") <= known)
    users = population(net, level, outages, alone=of_customers.unique().to_list() if level == "lv" else ())
    recorded = _counted(interruptions(outages, stages, net, level, users, rules, whole_log), period, rules, as_of)
    switched = _counted(interruptions_from_switching(net, switching, level, users), period, rules, as_of)
    meters = meter_evidence(signals, rules, known)
    users, recorded, switched = _with_numbers("user_id", users, recorded, switched)
    recorded, switched, in_sight = _with_numbers(
        "outage_id", recorded, switched, _in_sight(net, outages, switching, rules)
    )
    supplies = _supplies(users, level)
    stretches = _stretches(
        recorded.filter(pl.col("exclusion").is_null()),
        switched.filter(pl.col("exclusion").is_null()),
        _dark(meters.off, supplies, users, period, known),
        recorded.filter(pl.col("exclusion").is_in(_RULES_OF_THE_RECORD)),
    )
    weight = pl.concat([recorded, switched]).select("user_id", "users", "feeder_id")
    weight = pl.concat([users.select("user_id", "users", "feeder_id"), weight]).unique("user_id", keep="first")
    stretches = stretches.join(weight, on="user_id", how="left", maintain_order="left")
    stretches = stretches.join(in_sight, on="outage_id", how="left", maintain_order="left")
    judged = _judged(_with_life(stretches, _moments(meters.live, supplies), rules), rules)
    hours = (pl.col("users") * (pl.col("to") - pl.col("from"))).sum() / MICROSECONDS_PER_HOUR
    return Audit(
        _findings(judged, rules),
        judged.filter("recorded").select(hours).item(),
        judged.filter("found").select(hours).item(),
        meters,
    )


def _with_numbers(column: str, *frames: pl.DataFrame) -> list[pl.DataFrame]:
    """Hold ids as numbers in the order of the alphabet, which are compared and sorted sooner than texts."""
    known = pl.Enum(pl.concat([frame[column].unique() for frame in frames]).unique().drop_nulls().sort())
    return [frame.with_columns(pl.col(column).cast(known)) for frame in frames]


def _counted(rows: pl.DataFrame, period: Period, rules: ReliabilitySettings, as_of: datetime | None) -> pl.DataFrame:
    """Return the part of interruptions within the period, no hour of a user twice: ``from`` and ``until`` in microseconds."""
    limit = min(period.end, as_of or period.end)
    first, last = microseconds(period.start), microseconds(limit)
    cut = ledger(rows, period, rules, as_of).with_columns(
        pl.max_horizontal("from", pl.lit(first)), pl.min_horizontal("until", pl.lit(last))
    )
    return cut.filter(pl.col("until") > pl.col("from"))


def _supplies(users: pl.DataFrame, level: str) -> pl.DataFrame:
    """Return the device at each supply of each user: ``user_id``, ``object_id`` (a transformer)."""
    columns = ("transformer_id",) if level == "mv" else ("transformer_id", "second_transformer_id")
    parts = [users.select("user_id", object_id=column) for column in columns]
    return pl.concat(parts).drop_nulls().unique(maintain_order=True)


def _own(users: pl.DataFrame) -> pl.DataFrame:
    return users.filter(pl.col("customer_id").is_not_null()).select("user_id", object_id="customer_id")


def _dark(
    off: pl.DataFrame, supplies: pl.DataFrame, users: pl.DataFrame, period: Period, known: datetime
) -> pl.DataFrame:
    """Return when users were off by meter, while they were in service: ``user_id``, ``from``, ``until`` (microseconds)."""
    of_transformers = off.filter(object="transformer").drop("object")
    shared = while_all_are_off(supplies, "user_id", of_transformers, "object_id")
    own = off.filter(object="customer").join(_own(users), on="object_id").select(shared.columns)
    end = min(period.end, known)
    return (
        pl.concat([shared, own])
        .join(users.select("user_id", "in_service", "retired"), on="user_id")
        .filter(pl.col("in_service").is_null() | (pl.col("in_service") <= pl.col("off_from")))
        .select(
            "user_id",
            pl.max_horizontal("off_from", pl.lit(period.start)).dt.epoch("us").alias("from"),
            until=pl.min_horizontal("off_to", "retired", pl.lit(end)).dt.epoch("us"),
        )
        .filter(pl.col("until") > pl.col("from"))
    )


def _moments(live: pl.DataFrame, supplies: pl.DataFrame) -> pl.DataFrame:
    """Return when users had power by meter: ``user_id``, ``moment`` (microseconds); any supply is enough."""
    moments = live.select("object", "object_id", moment=pl.col("time").dt.epoch("us"))
    shared = moments.filter(object="transformer").join(supplies, on="object_id").select("user_id", "moment")
    own_id = pl.col("object_id").cast(supplies.schema["user_id"], strict=False)
    own = moments.filter(object="customer").select(own_id.alias("user_id"), "moment").drop_nulls()
    return pl.concat([shared, own])


def _in_sight(net: Network, outages: pl.DataFrame, switching: pl.DataFrame, rules: ReliabilitySettings) -> pl.DataFrame:
    """Return ``outage_id`` and ``in_sight``: whether the switching log would hold the operations of the record."""
    kinds = net.branches.select("branch_id", branch_kind="kind")
    named = pl.col("branch_kind").is_in(rules.audit_logged_kinds) | pl.col("feeder_id").is_not_null()
    external = pl.col("external").fill_null(value=False) | pl.col("nature").is_in(["F-EXT"])
    since = pl.lit(switching["time"].min(), dtype=pl.Datetime("us"))
    in_sight = (named & ~external & (pl.col("start") >= since)).fill_null(value=False)
    return outages.join(kinds, on="branch_id", how="left").group_by("outage_id").agg(in_sight=in_sight.any())


def _stretches(
    recorded: pl.DataFrame, switched: pl.DataFrame, dark: pl.DataFrame, excluded: pl.DataFrame
) -> pl.DataFrame:
    """Cut the life of each user wherever something changes.

    Returns:
        One row per stretch in which anything says that the user is off, by user and time: ``user_id``, ``from``, ``to``,
        ``recorded``, ``switched``, ``dark``, ``excluded`` (flags), ``outage_id``, ``event_id``, and ``block`` (the number of the
        unbroken run of stretches it belongs to).
    """
    flags = {"recorded": recorded, "switched": switched, "dark": dark, "excluded": excluded}
    ids = {"recorded": "outage_id", "switched": "event_id"}
    edges = []
    for flag, rows in flags.items():
        for at, step in (("from", 1), ("until", -1)):
            of_flag = {name: pl.lit(step if name == flag else 0, dtype=pl.Int64) for name in flags}
            of_id = {
                name: pl.col("outage_id")
                if step > 0 and source == flag
                else pl.lit(None, dtype=recorded.schema["outage_id"])
                for source, name in ids.items()
            }
            edges.append(rows.select("user_id", pl.col(at).alias("from"), **of_flag, **of_id))
    return (
        pl.concat(edges)
        .group_by("user_id", "from")
        .agg(pl.col(*flags).sum(), *(pl.col(name).drop_nulls().first() for name in ids.values()))
        .sort("user_id", "from")
        .with_columns(
            pl.col(*flags).cum_sum() > 0,  # every interval that begins ends too, so each user ends at zero
            *(pl.col(name).forward_fill() for name in ids.values()),
            to=pl.col("from").shift(-1),
        )
        .with_columns(outage_id=pl.when("recorded").then("outage_id"), event_id=pl.when("switched").then("event_id"))
        .filter(pl.any_horizontal("recorded", "switched", "dark"))
        .with_columns(block=_runs("user_id"))
    )


def _runs(*same: str) -> pl.Expr:
    """Number the runs of stretches that follow each other without a gap and are the same in some columns."""
    breaks = pl.col("from") != pl.col("to").shift(1)
    for column in same:
        breaks |= pl.col(column) != pl.col(column).shift(1)
    return breaks.fill_null(value=True).cast(pl.Int64).cum_sum()


def _with_life(stretches: pl.DataFrame, moments: pl.DataFrame, rules: ReliabilitySettings) -> pl.DataFrame:
    """Add ``alive``: a meter had power within the stretch, away from the edges of what was recorded and switched."""
    margin = round(rules.meter_deviation_min * MICROSECONDS_PER_HOUR / 60)
    run = _runs("user_id", "recorded", "switched")
    placed = stretches.with_row_index("place").with_columns(run=run).with_columns(
        run_from=pl.col("from").min().over("run"), run_to=pl.col("to").max().over("run")
    )  # fmt: skip
    seen = moments.sort("moment").join_asof(
        placed.select("user_id", "place", "to", "run_from", "run_to", since="from").sort("since"),
        left_on="moment",
        right_on="since",
        by="user_id",
        strategy="backward",
        check_sortedness=False,
    )
    inside = (
        (pl.col("moment") < pl.col("to"))
        & (pl.col("moment") >= pl.col("run_from") + margin)
        & (pl.col("moment") <= pl.col("run_to") - margin)
    )
    places = seen.filter(inside)["place"].unique()
    return placed.with_columns(alive=pl.col("place").is_in(places.implode())).drop("place", "run", "run_from", "run_to")


def _next_to(what: pl.Expr) -> pl.Expr:
    """Return whether the stretch before or after, in the same block, is ``what``."""
    block = pl.col("block")
    before = what.shift(1) & (block == block.shift(1))
    return before.fill_null(value=False) | (what.shift(-1) & (block == block.shift(-1))).fill_null(value=False)


def _judged(stretches: pl.DataFrame, rules: ReliabilitySettings) -> pl.DataFrame:
    """Add ``found`` (off, by the verdict), ``undecided`` (a kind, or null) and what spoke: ``by_switching``, ``by_meters``."""
    margin = round(rules.meter_deviation_min * MICROSECONDS_PER_HOUR / 60)
    brief = pl.col("to") - pl.col("from") <= margin
    spoken = pl.col("recorded") | pl.col("switched")
    beside = _next_to(spoken)
    seen_by_log = (pl.col("recorded") & pl.col("switched")).any().over("block")
    dark = pl.col("dark") & (pl.col("switched") | ~(brief & beside))
    only_dark = pl.col("dark") & ~pl.col("switched")
    stretches = stretches.with_columns(
        dark=dark,
        edge_of_dark=brief & _next_to(only_dark),
        in_sight=pl.col("in_sight").fill_null(value=False) | seen_by_log,
    )
    only_meter = ~pl.col("switched") & pl.col("dark")
    only_record = pl.col("recorded") & ~pl.col("switched") & ~pl.col("dark")
    contradiction = (pl.col("switched") & pl.col("alive")) | (only_meter & pl.col("recorded") & pl.col("in_sight"))
    unseen = only_record & ~pl.col("alive") & (~pl.col("in_sight") | pl.col("edge_of_dark"))
    verdict = (
        pl.when(pl.col("excluded") & ~pl.col("recorded"))
        .then(pl.lit("excluded"))
        .when(contradiction)
        .then(pl.lit("contradiction"))
        .when(unseen & ~pl.col("edge_of_dark"))
        .then(pl.lit("unconfirmed"))
    )
    return stretches.with_columns(undecided=verdict).with_columns(
        found=pl.when(pl.col("undecided").is_not_null() | unseen)
        .then("recorded")
        .otherwise(pl.col("switched") | pl.col("dark")),
        by_switching=pl.col("switched") | (pl.col("recorded") & pl.col("in_sight")),
        by_meters=pl.col("dark") | pl.col("alive"),
    )


def _findings(judged: pl.DataFrame, rules: ReliabilitySettings) -> pl.DataFrame:
    """Gather the stretches where the record and the verdict differ, or nothing could be decided, to one row each."""
    blocks = _with_blocks(judged)
    differs = blocks.filter((pl.col("recorded") != pl.col("found")) | pl.col("undecided").is_in(UNDECIDED))
    named = _with_ids(_with_kinds(differs, _same_outages(blocks), rules))
    dearest = pl.col("customer_hours").abs()
    return _gathered(named).sort(
        dearest, pl.col("undecided_customer_hours"), "from", "kind", "user_id",
        descending=[True, True, False, False, False], nulls_last=True,
    ).select(pl.col(name).cast(of) for name, of in SCHEMA.items())  # fmt: skip


def _with_blocks(judged: pl.DataFrame) -> pl.DataFrame:
    """Add what a stretch needs to know of its block: hours recorded and found, and where, and on what, both sides agree."""
    span = pl.col("to") - pl.col("from")
    agrees = pl.col("recorded") & pl.col("found")
    return judged.with_row_index("place").with_columns(
        span=span,
        agrees=agrees,
        block_recorded=span.filter("recorded").sum().over("block"),
        block_found=span.filter("found").sum().over("block"),
        first_agreed=pl.col("place").filter(agrees).min().over("block"),
        last_agreed=pl.col("place").filter(agrees).max().over("block"),
        block_outage=pl.col("outage_id").filter(agrees).first().over("block"),
        block_event=pl.col("event_id").filter(agrees).drop_nulls().first().over("block"),
    )


def _same_outages(blocks: pl.DataFrame) -> pl.DataFrame:
    """Return which record and which event speak of the same time of the same users, most user-hours first.

    Columns ``outage_id`` and ``event_id``; the event is null where meters confirm a record that no operation explains.
    """
    proven = pl.col("agrees") & (pl.col("switched") | (pl.col("dark") & pl.col("undecided").is_null()))
    shared = (pl.col("users") * pl.col("span")).sum()
    pairs = blocks.filter(proven).group_by("outage_id", "event_id").agg(shared.alias("shared"))
    return pairs.sort("shared", "outage_id", "event_id", descending=[True, False, False])


def _with_kinds(differs: pl.DataFrame, pairs: pl.DataFrame, rules: ReliabilitySettings) -> pl.DataFrame:
    """Add ``kind``, and the event and record that are likely meant: ``likely_event``, ``likely_outage``."""
    known = pairs.filter(pl.col("event_id").is_not_null())
    event_of = known.unique("outage_id", keep="first").select("outage_id", likely_event="event_id")
    record_of = known.unique("event_id", keep="first").select("event_id", likely_outage="outage_id")
    alone = pl.col("first_agreed").is_null()
    unmatched_record = pl.col("recorded") & ~pl.col("outage_id").is_in(pairs["outage_id"].unique().implode())
    unmatched_event = pl.col("found") & ~pl.col("event_id").is_in(known["event_id"].unique().implode())
    kind = (
        pl.when(pl.col("undecided").is_not_null())
        .then("undecided")
        .when(unmatched_record)
        .then(pl.lit("invented"))
        .when(unmatched_event.fill_null(value=False) | (alone & pl.col("found") & pl.col("event_id").is_null()))
        .then(pl.lit("missed"))
        .when(alone & pl.col("recorded"))
        .then(pl.lit("users_too_many"))
        .when(alone)
        .then(pl.lit("users_missing"))
        .when(pl.col("place") < pl.col("first_agreed"))
        .then(pl.lit("wrong_start"))
        .when(pl.col("place") > pl.col("last_agreed"))
        .then(pl.lit("wrong_end"))
        .when("recorded")
        .then(pl.lit("overstated"))
        .otherwise(pl.lit("understated"))
    )
    tolerance = round(rules.audit_tolerance_min * MICROSECONDS_PER_HOUR / 60)
    of_times = pl.col("kind").is_in(["wrong_start", "wrong_end", "overstated", "understated"])
    within = of_times & (pl.col("span").sum().over("block", "kind", "found") <= tolerance)
    return (
        differs.join(event_of, on="outage_id", how="left")
        .join(record_of, on="event_id", how="left")
        .with_columns(kind=kind)
        .with_columns(kind=pl.when(within).then(pl.lit("within_tolerance")).otherwise("kind"))
    )


def _with_ids(differs: pl.DataFrame) -> pl.DataFrame:
    """Name the record and the event of each stretch, and what keeps findings apart: the user where both are unknown."""
    record = pl.coalesce("outage_id", "block_outage", "likely_outage")
    event = pl.coalesce("event_id", "block_event", "likely_event")
    return differs.with_columns(
        outage_id=pl.when(pl.col("kind") != "missed").then(record),
        event_id=pl.when(pl.col("kind") != "invented").then(event),
    ).with_columns(
        apart=pl.when(pl.all_horizontal(pl.col("outage_id", "event_id").is_null())).then("user_id"),
        understates=pl.when(~pl.col("kind").is_in(UNDECIDED)).then("found"),
    )


def _gathered(differs: pl.DataFrame) -> pl.DataFrame:
    """Return one row per finding: its stretches summed, each block of a user once."""
    finding = ["kind", "outage_id", "event_id", "apart", "understates"]
    worth = pl.col("users") * pl.col("span") * pl.when("found").then(1).otherwise(-1)
    by_block = differs.group_by(*finding, "user_id", "block").agg(
        pl.col("users", "feeder_id", "block_recorded", "block_found").first(),
        pl.col("from").min(),
        pl.col("to").max(),
        pl.col("by_switching", "by_meters").any(),
        worth=worth.sum(),
        undecided=(pl.col("users") * pl.col("span")).sum(),
    )
    users = pl.col("users").filter(pl.col("user_id").is_first_distinct()).sum()
    decided = ~pl.col("kind").is_in(UNDECIDED)
    return (
        by_block.sort("user_id", "from")
        .group_by(finding)
        .agg(
            users.alias("weight"),
            pl.col("user_id", "feeder_id").first(),
            pl.col("from").min(),
            pl.col("to").max(),
            pl.col("by_switching", "by_meters").any(),
            recorded_h=(pl.col("users") * pl.col("block_recorded")).sum() / users / MICROSECONDS_PER_HOUR,
            found_h=(pl.col("users") * pl.col("block_found")).sum() / users / MICROSECONDS_PER_HOUR,
            worth=pl.col("worth").sum() / MICROSECONDS_PER_HOUR,
            undecided=pl.col("undecided").sum() / MICROSECONDS_PER_HOUR,
        )
        .with_columns(
            pl.from_epoch("from", time_unit="us"),
            pl.from_epoch("to", time_unit="us"),
            users="weight",
            found_h=pl.when(decided).then("found_h"),
            customer_hours=pl.when(decided).then("worth"),
            undecided_customer_hours=pl.when(~decided).then("undecided"),
            evidence=pl.when(pl.all_horizontal("by_switching", "by_meters"))
            .then(pl.lit("both"))
            .when("by_switching")
            .then(pl.lit("switching"))
            .when("by_meters")
            .then(pl.lit("meters")),
        )
    )
