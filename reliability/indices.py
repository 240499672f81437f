"""Reliability indices: sums of the ledger over the users of a period (field reference 1.4, DL/T 836).

Figures are hours and times per user, and per cent. A zero or unknown denominator gives null. The code is written once on
narwhals and runs on the engine of the frames it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrameT

from network import FudianError, text
from reliability.ledger import add_within, ledger, microseconds_of
from reliability.natures import FAULT, PREARRANGED, SYSTEM_SHORTAGE, URBAN_NETWORK
from reliability.period import MICROSECONDS_PER_HOUR, Period
from reliability.population import ATTRIBUTES
from reliability.settings import ReliabilitySettings

USER_COLUMNS = (*ATTRIBUTES, "aggregate", "month")
EVENT_COLUMNS = ("nature", "cause")
BY = (*USER_COLUMNS, *EVENT_COLUMNS)
"""Columns by which figures can be broken down."""

VARIANTS = ("1", "2", "3", "4", "F", "S")
"""1 all; 2 without external causes; 3 without system shortage; 4 sustained only; F faults; S prearranged."""

_BLANK = ""
"""Stands for a blank class while frames are joined; null again in the result."""


def indices(
    interruptions: IntoFrameT,
    population: IntoFrameT,
    by: Sequence[str] = (),
    period: Period | None = None,
    settings: ReliabilitySettings | None = None,
    as_of: datetime | None = None,
) -> IntoFrameT:
    """Return all indices of a period, one row per combination of ``by``.

    Args:
        interruptions: the table of :func:`reliability.interruptions`, or a ledger of the same period.
        population: the table of :func:`reliability.population`, or the ``population`` table of the contract with stated
            numbers of users; in the same engine.
        by: any of :data:`BY`; none gives one row for the whole.
        period: the statistical period; by default the whole calendar years in which interruptions begin.
        settings: rules of the statistics.
        as_of: interruptions without end last until then; the end of the period by default.

    Returns:
        The same kind of frame: the ``by`` columns, ``N_T`` (equivalent users), ``CH`` (customer-hours), ``CI``
        (customer-interruptions), ``CN`` (distinct users interrupted, null where only numbers of users are recorded), and
        per variant of :data:`VARIANTS` ``SAIDI-k`` (h), ``SAIFI-k``, ``ASAI-k`` (%, k = 1 to 4); ``MAIFI``, ``CAIDI``,
        ``CTAIDI``, ``CAIFI``, ``MIC``, ``MID``, ``CELID-s``, ``CELID-t``, ``CEMI_n``, ``CEMSMI_n`` (%), ``ASIDI``, ``ASIFI``,
        ``AENS`` (kWh).

    Raises:
        FudianError: a ``by`` column is not known, or there is no interruption to take a period from.
    """
    rules = settings or ReliabilitySettings()
    pieces, table, keys = cells(interruptions, population, by, period, rules, as_of)
    for sums in (_sums(pieces, keys), per_user(pieces, keys, rules), _per_event(pieces, keys)):
        table = table.join(sums, on=keys, how="left")
    return _finish(table, list(by), rules).to_native()  # type: ignore[no-any-return]


def cells(
    interruptions: Any,
    population: Any,
    by: Sequence[str],
    period: Period | None,
    rules: ReliabilitySettings,
    as_of: datetime | None,
) -> tuple[Any, Any, list[str]]:
    """Return what figures are made of: the counted pieces of the ledger, the cells with N_T, and the keys of a cell.

    Raises:
        FudianError: a ``by`` column is not known, or there is no interruption to take a period from.
    """
    unknown = [column for column in by if column not in BY]
    if unknown:
        raise FudianError(
            text("Figures cannot be broken down by {column!r}.", column=unknown[0]),
            text("Use any of: {columns}.", columns=", ".join(BY)),
        )
    rows: Any = nw.from_native(interruptions)
    span = period or _calendar_years(rows)
    if "group_start" not in rows.collect_schema().names():
        rows = nw.from_native(ledger(interruptions, span, rules, as_of))
    users = _as_users(nw.from_native(population))
    if "aggregate" in by:
        rows, users = _with_aggregates(rows, rules), _with_aggregates(users, rules)
    bounds = like(span.frame(by_month="month" in by), rows)
    keys = [*by, "whole"]
    user_keys = [key for key in keys if key not in EVENT_COLUMNS]

    pieces = add_within(
        _keyed(rows.drop("h", "count", "counted", "reason").join(bounds, how="cross"), keys), rules.crossing
    ).filter("counted")
    denominators = _denominators(_keyed(users.join(bounds, how="cross"), user_keys), user_keys)
    present = pieces.select(keys)
    if user_keys == keys:
        present = nw.concat([present, denominators.select(keys)])
    return pieces, present.unique(keys).join(denominators, on=user_keys, how="left"), keys


def _as_users(population: Any) -> Any:
    """Return the users with every column that a figure may need; the contract's table has its own names for two of them."""
    names = population.collect_schema().names()
    renamed = {
        old: new for old, new in (("from", "in_service"), ("to", "retired")) if old in names and new not in names
    }
    frame = population.rename(renamed) if renamed else population
    known = frame.collect_schema().names()
    kinds: dict[str, Any] = dict.fromkeys(ATTRIBUTES, nw.String)
    kinds |= {"in_service": nw.Datetime("us"), "retired": nw.Datetime("us"), "capacity_kva": nw.Float64}
    return frame.with_columns(nw.lit(None, dtype=kind).alias(name) for name, kind in kinds.items() if name not in known)


def _calendar_years(rows: Any) -> Period:
    seen = rows.select(first=nw.col("start").min(), last=nw.col("start").max())
    ((first, last),) = (seen.collect() if isinstance(seen, nw.LazyFrame) else seen).rows()
    if first is None:
        raise FudianError(text("There is no interruption to take the period from."), text("Name the period."))
    return Period(Period.year(first.year).start, Period.year(last.year).end)


def like(frame: pl.DataFrame, other: Any) -> Any:
    """Return a small Polars frame in the engine of ``other``."""
    if other.implementation.is_polars():
        native: Any = frame.lazy() if isinstance(other, nw.LazyFrame) else frame
    elif other.implementation.is_pandas():
        native = frame.to_pandas()
    elif other.implementation.is_duckdb():
        import duckdb

        native = duckdb.from_arrow(frame.to_arrow())
    else:
        raise FudianError(
            text("The statistics do not run on {engine}.", engine=str(other.implementation)),
            text("Use Polars, pandas or DuckDB."),
        )
    return nw.from_native(native)


def _with_aggregates(frame: Any, rules: ReliabilitySettings) -> Any:
    """Repeat each row for all areas together and for the urban or rural network it lies in (2.1)."""
    urban = nw.col("region_class").is_in(URBAN_NETWORK[rules.aggregate_scheme])
    return nw.concat(
        [
            frame.with_columns(aggregate=nw.lit("all_scope")),
            frame.filter(~nw.col("region_class").is_null()).with_columns(
                aggregate=nw.when(urban).then(nw.lit("urban_net")).otherwise(nw.lit("rural_net"))
            ),
        ]
    )


def _keyed(frame: Any, keys: Sequence[str]) -> Any:
    """Give every row a value in every key."""
    return frame.with_columns(whole=nw.lit(_BLANK)).with_columns(nw.col(*keys).fill_null(_BLANK))


def _denominators(users: Any, keys: list[str]) -> Any:
    """Return N_T (equivalent users), the connected capacity and the hours of each cell (1.5)."""
    entered = microseconds_of("in_service").fill_null(-(2**62))
    left = microseconds_of("retired").fill_null(2**62)
    first = nw.when(entered > nw.col("bound_start")).then(entered).otherwise(nw.col("bound_start"))
    last = nw.when(left < nw.col("bound_end")).then(left).otherwise(nw.col("bound_end"))
    return (
        users.with_columns(served=(last - first) / MICROSECONDS_PER_HOUR)
        .with_columns(share=nw.when(nw.col("served") > 0).then(nw.col("served") / nw.col("hours")).otherwise(0.0))
        .with_columns(
            equivalent=nw.col("users") * nw.col("share"),
            connected=nw.col("capacity_kva") * nw.col("share"),
            blank=nw.col("capacity_kva").is_null().cast(nw.Int64),
        )
        .group_by(keys)
        .agg(
            nw.col("equivalent").sum().alias("N_T"),
            nw.col("connected").sum().alias("kva"),
            nw.col("blank").sum().alias("kva_unknown"),
            nw.col("hours").max(),
        )
    )


def _sums(pieces: Any, keys: list[str]) -> Any:
    """Return CH and CI of every variant, and the capacity and energy sums."""
    chosen = {
        "1": nw.lit(value=True),
        "2": ~nw.col("external"),
        "3": ~nw.col("nature").is_in(SYSTEM_SHORTAGE),
        "4": nw.col("sustained"),
        "F": nw.col("nature").is_in(FAULT),
        "S": nw.col("nature").is_in(PREARRANGED),
    }
    chosen |= {
        "short": ~nw.col("sustained"),
        "short-F": ~nw.col("sustained") & chosen["F"],
        "short-S": ~nw.col("sustained") & chosen["S"],
    }
    amounts = {"CH": nw.col("users") * nw.col("h"), "CI": nw.col("users") * nw.col("count")}
    parts = {
        f"{name}-{variant}": nw.when(mask).then(amount).otherwise(0)
        for name, amount in amounts.items()
        for variant, mask in chosen.items()
    }
    parts |= {
        "kvah": nw.col("capacity_kva") * nw.col("h"),
        "kva_interrupted": nw.col("capacity_kva") * nw.col("count"),
        "kwh": nw.col("load_kw") * nw.col("h"),
        "load_unknown": nw.col("load_kw").is_null().cast(nw.Int64),
        "kva_gaps": nw.col("capacity_kva").is_null().cast(nw.Int64),
    }
    return pieces.with_columns(**parts).group_by(keys).agg(nw.col(*parts).sum())


def per_user(pieces: Any, keys: list[str], rules: ReliabilitySettings) -> Any:
    """Return how many distinct users were interrupted at all, for long, and often."""
    own = (
        pieces.with_columns(
            sustained_count=nw.when("sustained").then(nw.col("count")).otherwise(0),
            led_h=nw.when(nw.col("count") > 0).then(nw.col("duration_h")).otherwise(0.0),
            unnamed=nw.col("recorded_only").cast(nw.Int64),
        )
        .group_by([*keys, "user_id"])
        .agg(nw.col("users").max(), nw.col("h", "count", "sustained_count").sum(), nw.col("led_h", "unnamed").max())
    )
    groups = {
        "CN": nw.lit(value=True),
        "long_single": nw.col("led_h") >= rules.long_single_h,
        "long_total": nw.col("h") >= rules.long_total_h,
        "often_sustained": nw.col("sustained_count") >= rules.frequent_count,
        "often": nw.col("count") >= rules.frequent_count,
    }
    counted = own.with_columns(
        **{name: nw.when(mask).then(nw.col("users")).otherwise(0) for name, mask in groups.items()}
    )
    sums = counted.group_by(keys).agg(nw.col(*groups).sum(), nw.col("unnamed").max())
    return sums.with_columns(nw.when(nw.col("unnamed") == 0).then(nw.col(name)).alias(name) for name in groups)


def _per_event(pieces: Any, keys: list[str]) -> Any:
    """Return the number of events and the sum of their durations, in all and by group."""
    opening = pieces.filter(nw.col("count") > 0).with_columns(
        event_h=(nw.col("until") - nw.col("from")) / MICROSECONDS_PER_HOUR,
        event_fault=nw.col("nature").is_in(FAULT).cast(nw.Int64),
        event_prearranged=nw.col("nature").is_in(PREARRANGED).cast(nw.Int64),
    )
    events = opening.group_by([*keys, "outage_id"]).agg(nw.col("event_h", "event_fault", "event_prearranged").max())
    return (
        events.with_columns(
            events=nw.lit(1),
            event_h_fault=nw.col("event_h") * nw.col("event_fault"),
            event_h_prearranged=nw.col("event_h") * nw.col("event_prearranged"),
        )
        .group_by(keys)
        .agg(
            nw.col(
                "events", "event_h", "event_fault", "event_prearranged", "event_h_fault", "event_h_prearranged"
            ).sum()
        )
    )


def _finish(table: Any, by: list[str], rules: ReliabilitySettings) -> Any:
    """Divide the sums: blank cells of known users are true zeros, unknown denominators give null."""
    sums = [f"{name}-{variant}" for name in ("CH", "CI") for variant in (*VARIANTS, "short", "short-F", "short-S")]
    zeros = [*sums, "kvah", "kva_interrupted", "kwh", "load_unknown", "kva_gaps", "unnamed", "events", "event_h"]
    zeros += ["event_fault", "event_prearranged", "event_h_fault", "event_h_prearranged"]
    people = ["CN", "long_single", "long_total", "often_sustained", "often"]
    table = table.with_columns(nw.col(*zeros).fill_null(0)).with_columns(
        nw.when((nw.col("unnamed") == 0) & nw.col(name).is_null()).then(0).otherwise(nw.col(name)).alias(name)
        for name in people
    )
    ratios = {f"SAIDI-{k}": ratio(f"CH-{k}", "N_T") for k in VARIANTS}
    ratios |= {f"SAIFI-{k}": ratio(f"CI-{k}", "N_T") for k in VARIANTS}
    ratios |= {f"ASAI-{k}": (1 - ratio(f"CH-{k}", "N_T") / nw.col("hours")) * 100 for k in ("1", "2", "3", "4")}
    ratios |= {
        "MAIFI": ratio("CI-short", "N_T"),
        "MAIFI-F": ratio("CI-short-F", "N_T"),
        "MAIFI-S": ratio("CI-short-S", "N_T"),
        "CAIDI": ratio("CH-1", "CI-1"),
        "CAIDI-4": ratio("CH-4", "CI-4"),
        "CTAIDI": ratio("CH-1", "CN"),
        "CAIFI": ratio("CI-1", "CN"),
        "MIC": ratio("CI-1", "events"),
        "MIC-F": ratio("CI-F", "event_fault"),
        "MIC-S": ratio("CI-S", "event_prearranged"),
        "MID": ratio("event_h", "events"),
        "MID-F": ratio("event_h_fault", "event_fault"),
        "MID-S": ratio("event_h_prearranged", "event_prearranged"),
        "CELID-s": ratio("long_single", "N_T") * 100,
        "CELID-t": ratio("long_total", "N_T") * 100,
        f"CEMI_{rules.frequent_count}": ratio("often_sustained", "N_T") * 100,
        f"CEMSMI_{rules.frequent_count}": ratio("often", "N_T") * 100,
        "ASIDI": nw.when((nw.col("kva_unknown") == 0) & (nw.col("kva_gaps") == 0)).then(ratio("kvah", "kva")),
        "ASIFI": nw.when((nw.col("kva_unknown") == 0) & (nw.col("kva_gaps") == 0)).then(
            ratio("kva_interrupted", "kva")
        ),
        "AENS": nw.when(nw.col("load_unknown") == 0).then(ratio("kwh", "N_T")),
    }
    sums_shown = [nw.col("CH-1").alias("CH"), nw.col("CI-1").alias("CI")]
    return shown(table.with_columns(**ratios), by, ["N_T", *sums_shown, "CN", *ratios])


def shown(table: Any, by: list[str], columns: Sequence[Any]) -> Any:
    """Return the columns of the result, in order, with blank classes null again."""
    keys = [nw.when(nw.col(key) != _BLANK).then(nw.col(key)).alias(key) for key in by]
    result = table.select(*keys, *columns)
    return result.sort(*by, nulls_last=True) if by else result


def ratio(above: str, below: str) -> Any:
    """Return a quotient; null where the denominator is zero or unknown."""
    return nw.when(nw.col(below) > 0).then(nw.col(above) / nw.col(below))
