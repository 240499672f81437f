"""Reliability indices: sums of the ledger over the users of a period (field reference 1.4, DL/T 836).

Figures are hours and times per user, and per cent. A zero or unknown denominator gives null. The code is written once on
narwhals and runs on the engine of the frames it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from narwhals.typing import IntoFrameT

from network import FudianError, text
from network.ids import each_of
from network.tables.frames import require_columns
from reliability.engines import (
    arrow_in_arrow_out,
    compact,
    has_order,
    held,
    in_memory,
    in_passing,
    like,
    numbers_of,
    small,
)
from reliability.ledger_table import REQUIRED as OF_LEDGER
from reliability.ledger_table import TIMES, add_amounts, clipped, merged, microseconds_of, states_approved_ends
from reliability.natures import FAULT, PREARRANGED, SYSTEM_SHORTAGE, URBAN_NETWORK
from reliability.period import MICROSECONDS_PER_HOUR, Period
from reliability.population_table import ATTRIBUTES, with_exclusive_ends
from reliability.settings import ReliabilitySettings

USER_COLUMNS = (*ATTRIBUTES, "aggregate", "month")
EVENT_COLUMNS = ("nature", "cause")
BY = (*USER_COLUMNS, *EVENT_COLUMNS)
"""Columns by which figures can be broken down."""

VARIANTS = ("1", "2", "3", "4", "F", "S")
"""1 all; 2 without external causes; 3 without system shortage; 4 sustained only; F faults; S prearranged."""

_NEEDED = (
    "outage_id", "user_id", "users", "start", "end", "nature", "external", "capacity_kva", "load_kw", "recorded_only",
    "exclusion", "from", "until", "group_start", "leads", "sustained", "duration_h",
)  # fmt: skip
"""Columns of interruptions, or of their ledger, that figures are made of, besides those they are broken down by."""

REQUIRED = (*OF_LEDGER, "external", "capacity_kva", "load_kw", "recorded_only")
"""Columns of interruptions without which no figure can be made."""

_BLANK = ""
"""Stands for a blank class while frames are joined; null again in the result."""


@arrow_in_arrow_out
def indices(
    interruptions: IntoFrameT,
    population: IntoFrameT,
    by: str | Sequence[str] = (),
    period: Period | None = None,
    settings: ReliabilitySettings | None = None,
    as_of: datetime | None = None,
) -> IntoFrameT:
    """Return all indices of a period, one row per combination of ``by``.

    Args:
        interruptions: the table of :func:`reliability.interruptions`, or a ledger of the same period.
        population: the table of :func:`reliability.population`, or the ``population`` table of a workspace with stated
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
        MissingColumnsError: a column that figures are made of is missing.
        TextTimesError: times are given as text.
    """
    rules = settings or ReliabilitySettings()
    by = each_of(by)
    with cells(interruptions, population, by, period, rules, as_of) as (pieces, users, keys):
        sums = _sums(pieces, keys)
        more = [small(table) for table in (per_user(pieces, keys, rules), _per_event(pieces, keys))]
    table = with_users(sums.select(keys), users, keys)
    for part in (sums, *more):
        table = table.join(part, on=keys, how="left")
    return like(_finish(table, list(by), rules).to_native(), nw.from_native(interruptions)).to_native()  # type: ignore[no-any-return]


def users_by(
    population: pl.DataFrame, by: Sequence[str], period: Period, settings: ReliabilitySettings | None = None
) -> pl.DataFrame:
    """Return ``N_T`` (equivalent users) of each combination of columns of users in a period; without records.

    Args:
        population: the table of :func:`reliability.population`.
        by: any of :data:`reliability.population_table.ATTRIBUTES`.
        period: the statistical period.
        settings: rules of the statistics.
    """
    users = as_users(_stated(nw.from_native(population), settings or ReliabilitySettings()))
    keys = list(by)
    found: pl.DataFrame = denominators_of(users, period.frame(), keys or ["whole"]).to_native()
    blank = [pl.when(pl.col(key) != _BLANK).then(key).alias(key) for key in keys]
    return found.select(*blank, "N_T").sort(keys, nulls_last=True) if keys else found.select("N_T")


@contextmanager
def cells(
    interruptions: Any,
    population: Any,
    by: Sequence[str],
    period: Period | None,
    rules: ReliabilitySettings,
    as_of: datetime | None,
) -> Iterator[tuple[Any, Any, list[str]]]:
    """Yield what figures are made of: the counted pieces of the ledger, the few rows of N_T, and the keys of a cell.

    Raises:
        FudianError: a ``by`` column is not known, or there is no interruption to take a period from.
    """
    unknown = [column for column in by if column not in BY]
    if unknown:
        raise FudianError(
            text("Figures cannot be broken down by {column!r}.", column=unknown[0]),
            text("Use any of: {columns}.", columns=", ".join(BY)),
        )
    require_columns(interruptions, "interruptions", REQUIRED, TIMES)
    require_columns(population, "population", ["users"])
    if "user_id" in nw.from_native(population).collect_schema():
        require_columns(population, "population", ["in_service", "retired", "capacity_kva"], ["in_service", "retired"])
    given: Any = nw.from_native(interruptions)
    names = given.collect_schema().names()
    needed = {*_NEEDED, *by, *(["region_class"] if "aggregate" in by else [])}
    if states_approved_ends(given):
        needed.add("approved_end")
    rows = in_passing(given.select(name for name in names if name in needed))
    span = period or _calendar_years(rows)
    if "group_start" in names:
        rows = rows.filter(nw.col("exclusion").is_null())
    else:
        rows = merged(_numbered(in_memory(clipped(rows, span, rules, as_of))), span, rules)
    users = as_users(_stated(nw.from_native(population), rules))
    if "aggregate" in by:
        rows, users = with_aggregates(rows, rules), with_aggregates(users, rules)
    user_keys = [key for key in by if key not in EVENT_COLUMNS] or ["whole"]
    keys = list(dict.fromkeys([*by, *user_keys]))
    bounds = span.frame(by_month="month" in by)

    denominators = denominators_of(in_passing(users), bounds, user_keys)
    cut = keyed(pieces_in(in_passing(rows), bounds, rules.crossing), keys)
    with held(compact(cut, {*keys, "nature"})) as pieces:
        yield pieces, denominators, keys


def with_users(found: Any, users: Any, keys: list[str]) -> Any:
    """Return the cells with interruptions, and without events those without any too, with their N_T."""
    user_keys = [key for key in keys if key not in EVENT_COLUMNS]
    if user_keys == keys:
        found = nw.concat([found, users.select(keys)])
    return found.unique(keys).join(users, on=user_keys, how="left")


def _numbered(rows: Any) -> Any:
    """Name users and outages by numbers where rows are in memory: no figure shows them, and numbers sort and group fast."""
    if not has_order(rows):
        return rows
    named = rows.with_columns(user_id=nw.when(nw.col("user_id").is_null()).then("outage_id").otherwise("user_id"))
    return named.with_columns(numbers_of(named, column).alias(column) for column in ("user_id", "outage_id"))


def pieces_in(rows: Any, bounds: pl.DataFrame, crossing: str) -> Any:
    """Give the rows to the cells: each cut to those from where it begins to where it ends, or whole to where its group began."""
    cells = bounds.height
    if cells == 1:
        kinds: dict[str, Any] = {"month": nw.String, "bound_start": nw.Int64, "bound_end": nw.Int64}
        only = {name: nw.lit(bounds[name][0], dtype=kind) for name, kind in kinds.items()}
        return add_amounts(rows.with_columns(**only), crossing).filter("counted")
    later = bounds["bound_start"].to_list()[1:]
    whole = crossing == "start"
    opening = nw.col("group_start" if whole else "from")
    first = nw.sum_horizontal(*((opening >= bound).cast(nw.Int64) for bound in later))
    last = first if whole else nw.sum_horizontal(*((nw.col("until") > bound).cast(nw.Int64) for bound in later))
    spanned = rows.with_columns(first=first, last=last).with_columns(
        span=nw.col("first") * cells + nw.when(nw.col("last") > nw.col("first")).then("last").otherwise("first")
    )
    cut = spanned.drop("first", "last").join(like(_spans(bounds), rows), on="span", how="inner")
    return add_amounts(cut.drop("span"), crossing).filter("counted")


def _spans(bounds: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of every run of cells: ``span`` (number of its first times all, and of its last), ``month`` and bounds."""
    cells = bounds.height
    start, end = np.triu_indices(cells)
    length = end - start + 1
    within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    columns = ("month", pl.col("bound_start").cast(pl.Int64), pl.col("bound_end").cast(pl.Int64))
    of_each: pl.DataFrame = bounds.select(*columns)[np.repeat(start, length) + within]
    return of_each.select(pl.Series("span", np.repeat(start * cells + end, length)), pl.all())


def _stated(population: Any, rules: ReliabilitySettings) -> Any:
    """Return users of the table of stated numbers with the first moment after them; others as they are."""
    if not {"from", "to", "region_class"} <= set(population.collect_schema().names()):
        return population
    return like(with_exclusive_ends(small(population).to_native(), rules.population_ends), population)


def as_users(population: Any) -> Any:
    """Return the users with every column that a figure may need; the table has its own names for two of them."""
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


def with_aggregates(frame: Any, rules: ReliabilitySettings) -> Any:
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


def keyed(frame: Any, keys: Sequence[str]) -> Any:
    """Give every row a value in every key."""
    return frame.with_columns(whole=nw.lit(_BLANK)).with_columns(nw.col(*keys).fill_null(_BLANK))


def denominators_of(users: Any, bounds: pl.DataFrame, keys: list[str]) -> Any:
    """Return N_T (equivalent users), the connected capacity and the hours of each cell (1.5)."""
    own = [key for key in keys if key != "month"] or ["whole"]
    same = (
        keyed(users, own)
        .with_columns(
            entered=microseconds_of("in_service", users).fill_null(-(2**62)),
            left=microseconds_of("retired", users).fill_null(2**62),
            blank=nw.col("capacity_kva").is_null().cast(nw.Int64),
        )
        .group_by([*own, "entered", "left"])
        .agg(nw.col("users", "capacity_kva", "blank").sum())
    )
    same = small(same)
    first = nw.when(nw.col("entered") > nw.col("bound_start")).then("entered").otherwise("bound_start")
    last = nw.when(nw.col("left") < nw.col("bound_end")).then("left").otherwise("bound_end")
    return (
        same.join(like(bounds, same), how="cross")
        .with_columns(served=(last - first) / MICROSECONDS_PER_HOUR)
        .with_columns(share=nw.when(nw.col("served") > 0).then(nw.col("served") / nw.col("hours")).otherwise(0.0))
        .with_columns(
            equivalent=nw.col("users") * nw.col("share"),
            connected=nw.col("capacity_kva") * nw.col("share"),
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
    """Return CH and CI of every variant, the capacity and energy sums, and whether only numbers of users are recorded."""
    kinds = list(dict.fromkeys([*keys, "nature", "external", "sustained"]))
    amounts = {
        "CH": nw.col("users") * nw.col("h"),
        "CI": nw.col("users") * nw.col("count"),
        "kvah": nw.col("capacity_kva") * nw.col("h"),
        "kva_interrupted": nw.col("capacity_kva") * nw.col("count"),
        "kwh": nw.col("load_kw") * nw.col("h"),
        "load_unknown": nw.col("load_kw").is_null().cast(nw.Int64),
        "kva_gaps": nw.col("capacity_kva").is_null().cast(nw.Int64),
        "unnamed": nw.col("recorded_only").cast(nw.Int64),
    }
    of_kind = small(pieces.with_columns(**amounts).group_by(kinds).agg(nw.col(*amounts).sum()))
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
    parts = {
        f"{name}-{variant}": nw.when(mask).then(nw.col(name)).otherwise(0)
        for name in ("CH", "CI")
        for variant, mask in chosen.items()
    }
    others = [name for name in amounts if name not in {"CH", "CI"}]
    return of_kind.with_columns(**parts).group_by(keys).agg(nw.col(*parts, *others).sum())


def per_user(pieces: Any, keys: list[str], rules: ReliabilitySettings) -> Any:
    """Return how many distinct users were interrupted at all, for long, and often."""
    own = (
        pieces.with_columns(
            sustained_count=nw.when("sustained").then(nw.col("count")).otherwise(0),
            led_h=nw.when(nw.col("count") > 0).then(nw.col("duration_h")).otherwise(0.0),
        )
        .group_by([*keys, "user_id"])
        .agg(nw.col("users").max(), nw.col("h", "count", "sustained_count").sum(), nw.col("led_h").max())
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
    return counted.group_by(keys).agg(nw.col(*groups).sum())


def _per_event(pieces: Any, keys: list[str]) -> Any:
    """Return the number of events and the sum of their durations, in all and by group."""
    opening = pieces.filter(nw.col("count") > 0).with_columns(
        event_h=(nw.col("until") - nw.col("from")) / MICROSECONDS_PER_HOUR,
        event_fault=nw.col("nature").is_in(FAULT).cast(nw.Int64),
        event_prearranged=nw.col("nature").is_in(PREARRANGED).cast(nw.Int64),
    )
    events = opening.group_by([*keys, "outage_id"]).agg(nw.col("event_h", "event_fault", "event_prearranged").max())
    sums = ("events", "event_h", "event_fault", "event_prearranged", "event_h_fault", "event_h_prearranged")
    return (
        events.with_columns(
            events=nw.lit(1),
            event_h_fault=nw.col("event_h") * nw.col("event_fault"),
            event_h_prearranged=nw.col("event_h") * nw.col("event_prearranged"),
        )
        .group_by(keys)
        .agg(nw.col(*sums).sum())
    )


def _finish(table: Any, by: list[str], rules: ReliabilitySettings) -> Any:
    """Divide the sums: blank cells of known users are true zeros, unknown denominators give null."""
    sums = [f"{name}-{variant}" for name in ("CH", "CI") for variant in (*VARIANTS, "short", "short-F", "short-S")]
    zeros = [*sums, "kvah", "kva_interrupted", "kwh", "load_unknown", "kva_gaps", "unnamed", "events", "event_h"]
    zeros += ["event_fault", "event_prearranged", "event_h_fault", "event_h_prearranged"]
    people = ["CN", "long_single", "long_total", "often_sustained", "often"]
    table = table.with_columns(nw.col(*zeros).fill_null(0)).with_columns(
        nw.when(nw.col("unnamed") == 0).then(nw.col(name).fill_null(0)).alias(name) for name in people
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
