"""The ledger: every interruption with what it adds to a figure, or the rule by which it adds nothing.

Overlapping interruptions of one user are one interruption, so nobody is counted twice (R1.12). Each hour belongs to the record
that took the supply first, and the count to the record that opened the merged interruption. What each row adds is therefore
additive: by nature, by cause, by month, by area, the rows sum to the whole.

The code is written once on narwhals and runs on the engine of the frame it is given.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrameT

from network.tables.conventions import LOCAL_ZONE
from network.tables.frames import require_columns
from reliability.engines import arrow_in_arrow_out, compact, has_order, in_memory, like, numbers_of, small
from reliability.natures import OVERRUN
from reliability.period import MICROSECONDS_PER_HOUR, Period, day_of, microseconds
from reliability.settings import ReliabilitySettings

MICROSECONDS_PER_MINUTE = MICROSECONDS_PER_HOUR // 60

NOT_COUNTED = {
    "nobody_off": "nobody hangs on what the record names",
    "low_voltage": "names one low-voltage customer; counted at the low-voltage level",
    "low_voltage_unknown": "records only a number of medium-voltage users",
    "no_population": "the number of users of its region class at that time is not stated (population)",
    "not_in_service": "the user was not in service (1.5)",
    "arrears": "disconnected for arrears (R1.14)",
    "own_fault": "a fault inside the user's own installation (R1.4)",
    "own_request": "the user asked for it (R1.14)",
    "closed_account": "the account is closed (R1.14)",
    "reclosed": "automatic reclosing or transfer succeeded (R1.3)",
    "not_yet": "begins at or after the as-of time",
    "merged": "already without power by an earlier record (R1.12)",
    "overrun": "beyond the approved end; the count belongs to the planned part (R1.15)",
    "counted_before": "the count belongs to the period in which it began (R1.10)",
}
"""Why a row adds no interruption, by code."""

REQUIRED = ("outage_id", "user_id", "users", "start", "end", "nature", "exclusion")
"""Columns of interruptions without which no ledger can be made."""

TIMES = ("start", "end", "approved_end")
"""Of their columns, those that are times."""


_WITHIN, _ALL_BEYOND, _PARTLY_BEYOND = 1, 2, 3
"""How a row lies to the approved end of its outage."""


@arrow_in_arrow_out
def ledger(
    interruptions: IntoFrameT,
    period: Period,
    settings: ReliabilitySettings | None = None,
    as_of: datetime | None = None,
) -> IntoFrameT:
    """Return the interruptions that touch a period, each with what it adds.

    Args:
        interruptions: the table of :func:`reliability.interruptions`, in any engine narwhals knows.
        period: the statistical period.
        settings: rules of the statistics.
        as_of: interruptions without end last until then, and nothing later is known; the end of the period by default. Where
            an interruption belongs whole to the period in which it began (``crossing``), its recorded end is known without.

    Returns:
        The same kind of frame with, besides the columns it had: ``from`` and ``until`` (the part of the interruption that no
        earlier record holds, in microseconds since 1970), ``group_start`` (when the merged interruption began),
        ``duration_h`` (of the whole merged interruption), ``sustained``, ``provisional`` (still open), ``leads`` (the row that
        opens its merged interruption), ``overrun`` (the part of a planned outage beyond its approved end, a row of its own
        with a nature of its own, R1.15), ``h`` (hours that the row adds per user in the period), ``count`` (interruptions that it
        adds per user), ``counted`` and ``reason`` (a key of :data:`NOT_COUNTED`, null when counted).
    """
    require_columns(interruptions, "interruptions", REQUIRED, TIMES)
    given: Any = nw.from_native(interruptions)
    rules = settings or ReliabilitySettings()
    rows = merged(_clip_to_as_of(in_memory(given), period, rules, as_of), period, rules)
    rows = _bounded(rows, period, rules)
    lazy = isinstance(given, nw.LazyFrame) and has_order(rows)
    return (rows.lazy() if lazy else rows).to_native()  # type: ignore[no-any-return]


def _bounded(rows: Any, period: Period, rules: ReliabilitySettings) -> Any:
    start, end = microseconds(period.start), microseconds(period.end)
    bounded = rows.with_columns(bound_start=nw.lit(start), bound_end=nw.lit(end))
    return add_within(bounded, rules.crossing).drop("bound_start", "bound_end")


def merged_until(interruptions: pl.DataFrame, settings: ReliabilitySettings, as_of: datetime) -> pl.DataFrame:
    """Return all interruptions known by a moment, merged, for :func:`ledger_of` of any period.

    Args:
        interruptions: the table of :func:`reliability.interruptions`.
        settings: rules of the statistics.
        as_of: interruptions without end last until then, and nothing later is known.

    Returns:
        What :func:`ledger` gives, less ``h``, ``count``, ``counted`` and ``reason``, with ``until_all``: when the merged
        interruption ended.
    """
    require_columns(interruptions, "interruptions", REQUIRED, TIMES)
    known = _clip_to_as_of(nw.from_native(interruptions), Period.year(as_of.year), settings, as_of)
    rows: pl.DataFrame = _cut_at_approved_end(_merge(known, settings), settings).to_native()
    return rows


def ledger_of(rows: pl.DataFrame, period: Period, settings: ReliabilitySettings) -> pl.DataFrame:
    """Return the ledger of a period from the rows of :func:`merged_until`; see :func:`ledger`."""
    touching = _touching(period)
    within: pl.DataFrame = _bounded(
        nw.from_native(rows).filter(touching).drop("until_all"), period, settings
    ).to_native()
    return within


def _touching(period: Period) -> Any:
    start, end = microseconds(period.start), microseconds(period.end)
    return (nw.col("group_start") < end) & ((nw.col("until_all") > start) | (nw.col("group_start") >= start))


def clipped(rows: Any, period: Period, rules: ReliabilitySettings, as_of: datetime | None) -> Any:
    """Return the rows of a narwhals frame that may count, with ``from`` and ``until`` in microseconds for their times."""
    known = _clip_to_as_of(rows, period, rules, as_of).filter(nw.col("exclusion").is_null())
    return compact(known.drop("start", "end", "approved_end", "provisional", strict=False), ["exclusion"])


def merged(rows: Any, period: Period, rules: ReliabilitySettings) -> Any:
    """Return the rows that touch a period, merged, before it is known what each adds; other columns are passed on."""
    return _cut_at_approved_end(_merge(rows, rules).filter(_touching(period)).drop("until_all"), rules)


def add_within(rows: Any, crossing: str = "cut") -> Any:
    """Add ``h``, ``count``, ``counted`` and ``reason`` within ``bound_start`` to ``bound_end``; see :func:`add_amounts`."""
    begins = (nw.col("group_start") >= nw.col("bound_start")) & (nw.col("group_start") < nw.col("bound_end"))
    return add_amounts(rows, crossing).with_columns(
        reason=nw.when(~nw.col("exclusion").is_null())
        .then(nw.col("exclusion"))
        .when(~nw.col("leads"))
        .then(nw.when("overrun").then(nw.lit("overrun")).otherwise(nw.lit("merged")))
        .when(~begins)
        .then(nw.lit("counted_before"))
        .otherwise(nw.lit(None, dtype=nw.String)),
    )


def add_amounts(rows: Any, crossing: str = "cut") -> Any:
    """Add ``h``, ``count`` and ``counted`` within ``bound_start`` to ``bound_end`` (microseconds).

    What crosses a bound is ``cut`` there, or belongs whole to the part in which it began (``start``; R1.10).
    """
    counts = nw.col("exclusion").is_null()
    first = nw.when(nw.col("from") > nw.col("bound_start")).then(nw.col("from")).otherwise(nw.col("bound_start"))
    last = nw.when(nw.col("until") < nw.col("bound_end")).then(nw.col("until")).otherwise(nw.col("bound_end"))
    begins = (nw.col("group_start") >= nw.col("bound_start")) & (nw.col("group_start") < nw.col("bound_end"))
    whole = nw.when(begins).then(nw.col("until") - nw.col("from")).otherwise(0)
    return (
        rows.with_columns(span=whole if crossing == "start" else last - first)
        .with_columns(
            h=nw.when(counts & (nw.col("span") > 0)).then(nw.col("span") / MICROSECONDS_PER_HOUR).otherwise(0.0),
            count=nw.when(counts & nw.col("leads") & begins).then(1).otherwise(0),
        )
        .with_columns(counted=(nw.col("h") > 0) | (nw.col("count") > 0))
        .drop("span")
    )


def without_days(
    rows: IntoFrameT, days: Collection[date], unit: str | None = None, zone: str = LOCAL_ZONE
) -> IntoFrameT:
    """Return interruptions without those of records that began on one of these days, whole (1.6, R1.17).

    What an ordinary record holds beside them stays, so the days are left out before anything is merged.

    Args:
        rows: the table of :func:`reliability.interruptions`, in any engine narwhals knows.
        days: such as major event days.
        unit: only of the users of this unit; of all without it.
        zone: whose clock on the wall says where days begin.
    """
    if not days:
        return rows
    frame: Any = nw.from_native(rows)
    begun: pl.DataFrame = small(frame.group_by("outage_id").agg(nw.col("start").min())).to_native()
    ids = begun.filter(day_of(pl.col("start"), zone).is_in(list(days)))["outage_id"].to_list()
    out = nw.col("outage_id").is_in(ids)
    if unit is not None:
        out = (out & (nw.col("unit") == unit)).fill_null(value=False)
    return frame.filter(~out).to_native()  # type: ignore[no-any-return]


def sustained_only(rows: IntoFrameT) -> IntoFrameT:
    """Return the ledger without short interruptions."""
    frame: Any = nw.from_native(rows)
    return frame.filter(nw.col("sustained")).to_native()  # type: ignore[no-any-return]


def microseconds_of(column: str, frame: Any = None) -> Any:
    """Return an expression for microseconds since 1970 of a column of local times, on the engine of a narwhals frame.

    Without a frame, on every engine but Spark: it subtracts times by time zones, and a local time has none. There the parts
    of the time are counted.
    """
    moment = nw.col(column)
    if frame is None or not frame.implementation.is_spark_like():
        return (moment - nw.lit(datetime(1970, 1, 1))).dt.total_microseconds()
    return microseconds_of_parts(moment)


def microseconds_of_parts(moment: Any) -> Any:
    """Return the microseconds since 1970 of an expression of local times, counted from their parts by the Gregorian calendar."""
    year = moment.dt.year().cast(nw.Int64)
    leap_days = (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400
    days = (year - 1970) * 365 + leap_days + moment.dt.ordinal_day() - 1
    seconds = ((days * 24 + moment.dt.hour()) * 60 + moment.dt.minute()) * 60 + moment.dt.second()
    return seconds * 1_000_000 + moment.dt.microsecond()


def _clip_to_as_of(rows: Any, period: Period, rules: ReliabilitySettings, as_of: datetime | None) -> Any:
    """Add ``from`` and ``until`` in microseconds; what is open or later than ``as_of`` ends there, and is provisional.

    Without an as-of time that is the end of the period; what belongs whole to the period of its start keeps its recorded end.
    """
    if states_approved_ends(rows):
        rows = rows.with_columns(approved=microseconds_of("approved_end", rows))
    limit = microseconds(as_of or period.end)
    open_ = nw.col("until").is_null()
    later_ends_known = as_of is None and rules.crossing == "start"
    return (
        rows.with_columns(
            **{"from": microseconds_of("start", rows)},
            until=microseconds_of("end", rows),
        )
        .with_columns(provisional=open_ if later_ends_known else open_ | (nw.col("until") > limit))
        .with_columns(
            until=nw.when(nw.col("provisional")).then(nw.lit(limit)).otherwise(nw.col("until")),
            exclusion=nw.when(~nw.col("exclusion").is_null())
            .then(nw.col("exclusion"))
            .when(nw.col("from") >= limit)
            .then(nw.lit("not_yet"))
            .otherwise(nw.lit(None, dtype=nw.String)),
        )
    )


def _merge(rows: Any, rules: ReliabilitySettings) -> Any:
    """Merge the overlapping interruptions of each user; rows with a reason not to count stand apart."""
    gap = round(rules.merge_gap_min * MICROSECONDS_PER_MINUTE)
    threshold = round(rules.sustained_threshold_min * MICROSECONDS_PER_MINUTE)
    rows, line, order = _in_lines(rows)
    together = nw.col("leads").cast(nw.Int64).cum_sum()
    held = ~nw.col("leads") & (nw.col("before") > nw.col("from"))
    run = [*line, "run"] if order else ["run"]
    return (
        rows.with_columns(reach=nw.col("until").cum_max().over(*line, order_by=order))
        .with_columns(before=nw.col("reach").shift(1).over(*line, order_by=order))
        .drop("reach")
        .with_columns(leads=nw.col("before").is_null() | (nw.col("from") > nw.col("before") + gap))
        .with_columns(run=together.over(*line, order_by=order) if order else together)
        .with_columns(
            group_start=nw.col("from").min().over(*run),
            until_all=nw.col("until").max().over(*run),
        )
        .drop("line", "run")
        .with_columns(duration=nw.col("until_all") - nw.col("group_start"))
        .with_columns(
            **{
                # what an earlier record holds as a whole adds nothing: it begins where it ends
                "from": nw.when(held & (nw.col("before") > nw.col("until")))
                .then(nw.col("until"))
                .when(held)
                .then(nw.col("before"))
                .otherwise(nw.col("from"))
            },
            sustained=nw.col("duration") > threshold,
            duration_h=nw.col("duration") / MICROSECONDS_PER_HOUR,
        )
        .drop("before", "duration")
    )


def states_approved_ends(rows: Any) -> bool:
    """Return whether interruptions in a narwhals frame may carry an approved end; a column in memory without any does not."""
    stated = "approved_end" in rows.collect_schema().names()
    return stated and not (has_order(rows) and rows["approved_end"].is_null().all())


def _cut_at_approved_end(rows: Any, rules: ReliabilitySettings) -> Any:
    """Cut planned outages at their approved end; what lies beyond has a nature of its own and adds no count (R1.15).

    A row that begins after the approved end lies beyond it as a whole, and keeps its count.
    """
    if "approved" not in rows.collect_schema().names():
        return rows.with_columns(overrun=nw.lit(value=False))
    if rules.overrun_class == "same":
        return rows.drop("approved").with_columns(overrun=nw.lit(value=False))
    nature, first, approved = nw.col("nature"), nw.col("from"), nw.col("approved")
    beyond = nature.is_in(list(OVERRUN)) & (nw.col("until") > approved) & (nw.col("until") > first)
    whole = nw.when(approved <= first).then(_ALL_BEYOND).otherwise(_PARTLY_BEYOND)
    parts = pl.DataFrame(
        {"part": [_WITHIN, _ALL_BEYOND, _PARTLY_BEYOND, _PARTLY_BEYOND], "overrun": [False, True, False, True]},
        schema={"part": pl.Int64, "overrun": pl.Boolean},
    )
    temporary = nature
    for planned, code in OVERRUN.items():
        named = nw.lit(code if rules.overrun_class == "P-TEMP-*" else rules.overrun_class)
        temporary = nw.when(nature == planned).then(named).otherwise(temporary)
    cut = rows.with_columns(part=nw.when(beyond).then(whole).otherwise(_WITHIN).cast(nw.Int64))
    cut = cut.join(like(parts, rows), on="part", how="inner")
    halved = nw.col("part") == _PARTLY_BEYOND
    return cut.with_columns(
        **{"from": nw.when(halved & nw.col("overrun")).then(approved).otherwise(first)},
        until=nw.when(halved & ~nw.col("overrun")).then(approved).otherwise(nw.col("until")),
        leads=nw.col("leads") & ~(halved & nw.col("overrun")),
        nature=nw.when("overrun").then(temporary).otherwise(nature),
    ).drop("part", "approved")


def _in_lines(rows: Any) -> tuple[Any, list[str], list[str] | None]:
    """Return the rows, the columns of a line (what is merged with each other), and the columns that order a window.

    Rows that have an order are sorted once, by numbers, and need none in a window.
    """
    named = rows.with_columns(user_id=nw.when(nw.col("user_id").is_null()).then("outage_id").otherwise("user_id"))
    counts = nw.col("exclusion").is_null()
    if not has_order(named):
        lined = named.with_columns(line=nw.when(counts).then(nw.lit("")).otherwise("outage_id"))
        return lined, ["user_id", "line"], ["from", "outage_id", "until"]
    user, number = (numbers_of(named, column).alias(column) for column in ("user_id", "outage_id"))
    outages = (number.max() or 0) + 1
    apart = -1 - (nw.col("line") * outages + nw.col("number"))
    numbered = named.with_columns(line=user, number=number).with_columns(
        line=nw.when(counts).then("line").otherwise(apart)
    )
    return numbered.sort("line", "from", "number", "until").drop("number"), ["line"], None
