"""The indices of IEEE Std 1366-2012 from the same ledger as those of DL/T 836, and what lies between the two.

The standards differ in what is sustained: longer than 5 minutes here, longer than 3 there, and SAIDI-1 of DL/T 836 holds every
interruption. Both count a user with several supplies only while all are lost, and both divide by the same users.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrameT

from network import Text, text
from network.ids import each_of
from reliability.engines import arrow_in_arrow_out, like, small
from reliability.index_table import cells, indices, per_user, ratio, shown, with_users
from reliability.ledger_table import MICROSECONDS_PER_MINUTE
from reliability.openings import openings
from reliability.period import MICROSECONDS_PER_HOUR, Period
from reliability.settings import ReliabilitySettings

_ROUNDING = 1e-11
"""Share of a figure below which a difference is that of floating-point sums."""

REASONS = ("short_interruptions", "between_thresholds", "major_event_days", "successive_interruptions")
"""Why a figure of IEEE 1366 differs from that of DL/T 836, in the order in which the reasons are taken."""


def reason_words(settings: ReliabilitySettings) -> dict[str, Text]:
    """Return each of :data:`REASONS` as a sentence."""
    first, second = settings.sustained_threshold_min, settings.ieee_sustained_threshold_min
    words = (
        text("interruptions up to {first:g} min count in SAIDI-1 and its kin, not in IEEE 1366", first=first),
        text(
            "interruptions from {first:g} to {second:g} min are sustained by one standard and short by the other",
            first=min(first, second),
            second=max(first, second),
        ),
        text("major event days are left out of the figure of IEEE 1366"),
        text("momentary interruptions in quick succession are one event, or part of a sustained one"),
    )
    return dict(zip(REASONS, words, strict=True))


@arrow_in_arrow_out
def ieee_indices(
    interruptions: IntoFrameT,
    population: IntoFrameT,
    by: str | Sequence[str] = (),
    period: Period | None = None,
    settings: ReliabilitySettings | None = None,
    as_of: datetime | None = None,
    cells_of: IntoFrameT | None = None,
) -> IntoFrameT:
    """Return the indices of IEEE Std 1366-2012, one row per combination of ``by``.

    Args:
        interruptions: the table of :func:`reliability.interruptions`, or a ledger of the same period.
        population: as for :func:`reliability.indices`; in the same engine.
        by: any of :data:`reliability.index_table.BY`; none gives one row for the whole.
        period: the statistical period; by default the whole calendar years in which interruptions begin.
        settings: rules; an interruption is sustained when longer than ``ieee_sustained_threshold_min``.
        as_of: interruptions without end last until then; the end of the period by default.
        cells_of: interruptions, or a ledger, whose cells have a row too, such as those before major event days were left out.

    Returns:
        The same kind of frame: the ``by`` columns, ``N_T`` (equivalent users); of sustained interruptions ``CMI``
        (customer-minutes), ``CI``, ``CN`` (distinct users), ``SAIDI_min``, ``SAIDI_h``, ``SAIFI``, ``CAIDI_min``, ``CAIDI_h``,
        ``CTAIDI_min``, ``CTAIDI_h``, ``CAIFI``, ``ASAI``, ``CEMI_n``, ``CELID-s``, ``CELID-t`` (%), ``ASIFI``, ``ASIDI_min``,
        ``ASIDI_h``; ``MAIFI`` (momentary interruptions per user), ``MAIFI_E`` (momentary interruption events per user) and
        ``CEMSMI_n`` (%, users with n sustained and momentary interruptions or more). A zero or unknown denominator gives null.

    Raises:
        FudianError: a ``by`` column is not known, or there is no interruption to take a period from.
    """
    rules = settings or ReliabilitySettings()
    limit_h = round(rules.ieee_sustained_threshold_min * MICROSECONDS_PER_MINUTE) / MICROSECONDS_PER_HOUR
    by = each_of(by)
    shown = interruptions if cells_of is None else cells_of
    with cells(shown, population, by, period, rules, as_of) as (every_day, _, keys):
        found = small(every_day.select(keys).unique(keys))
    with cells(interruptions, population, by, period, rules, as_of) as (counted, users, keys):
        pieces = _with_events(counted.with_columns(sustained=nw.col("duration_h") > limit_h), rules)
        sustained = pieces.filter("sustained")
        often = per_user(pieces, keys, rules).select(*keys, often_any=nw.col("often"))
        parts = [small(table) for table in (_sums(pieces, keys), per_user(sustained, keys, rules), often)]
    table = with_users(found, users, keys)
    for part in parts:
        table = table.join(part, on=keys, how="left")
    return like(_finish(table, list(by), rules).to_native(), nw.from_native(interruptions)).to_native()  # type: ignore[no-any-return]


def _with_events(pieces: Any, rules: ReliabilitySettings) -> Any:
    """Add ``event``: 1 where a momentary interruption event opens.

    By IEEE 1366 all interruptions of a user that begin within five minutes of the first are one event, which is none when a
    sustained interruption is among them. Only the few that are so close together are looked at one by one.
    """
    window = round(rules.momentary_event_window_min * MICROSECONDS_PER_MINUTE)
    every = ["user_id"]
    opening = (
        pieces.filter(nw.col("count") > 0)
        .select("user_id", "group_start", "sustained")
        .unique(["user_id", "group_start"])
        .with_columns(before=nw.col("group_start").shift(1).over(*every, order_by="group_start"))
        .with_columns(after=nw.col("group_start").shift(-1).over(*every, order_by="group_start"))
    )
    near = opening.filter(
        (nw.col("group_start") - nw.col("before") <= window) | (nw.col("after") - nw.col("group_start") <= window)
    ).select("user_id", "group_start", "sustained")
    close = _events(small(near).to_native(), window)
    joined = pieces.join(like(close, pieces), on=["user_id", "group_start"], how="left")
    return joined.with_columns(
        event=nw.when(nw.col("count") == 0)
        .then(0)
        .when(~nw.col("opens_event").is_null())
        .then(nw.col("opens_event"))
        .when(nw.col("sustained"))
        .then(0)
        .otherwise(1)
    )


def _events(close: pl.DataFrame, window: int) -> pl.DataFrame:
    rows = close.sort("user_id", "group_start")
    opens = openings(
        rows["user_id"].rank("dense").cast(pl.Int64).to_numpy(), rows["group_start"].to_numpy(), window + 1
    )
    return (
        rows.with_columns(opens=pl.Series(opens, dtype=pl.Boolean))
        .with_columns(run=pl.col("opens").cum_sum())
        .with_columns(momentary=~pl.col("sustained").any().over("run"))
        .select("user_id", "group_start", opens_event=(pl.col("opens") & pl.col("momentary")).cast(pl.Int64))
    )


def _sums(pieces: Any, keys: list[str]) -> Any:
    """Return CH, CI and the capacity sums of sustained interruptions, and the momentary interruptions and their events."""
    customers, hours = nw.col("users") * nw.col("count"), nw.col("users") * nw.col("h")
    unnamed = nw.col("recorded_only").cast(nw.Int64)
    parts = {
        "CH": nw.when("sustained").then(hours).otherwise(0.0),
        "CI": nw.when("sustained").then(customers).otherwise(0),
        "kvah": nw.when("sustained").then(nw.col("capacity_kva") * nw.col("h")).otherwise(0.0),
        "kva_interrupted": nw.when("sustained").then(nw.col("capacity_kva") * nw.col("count")).otherwise(0.0),
        "kva_gaps": nw.when("sustained").then(nw.col("capacity_kva").is_null().cast(nw.Int64)).otherwise(0),
        "unnamed": nw.when("sustained").then(unnamed).otherwise(0),
        "unnamed_any": unnamed,
        "momentary": nw.when("sustained").then(0).otherwise(customers),
        "events": nw.col("users") * nw.col("event"),
    }
    return pieces.with_columns(**parts).group_by(keys).agg(nw.col(*parts).sum())


def _finish(table: Any, by: list[str], rules: ReliabilitySettings) -> Any:
    zeros = ["CH", "CI", "momentary", "events", "kvah", "kva_interrupted", "kva_gaps", "unnamed", "unnamed_any"]
    people = {"CN": "unnamed", "long_single": "unnamed", "long_total": "unnamed", "often_sustained": "unnamed"}
    people |= {"often_any": "unnamed_any"}
    table = table.with_columns(nw.col(*zeros).fill_null(0)).with_columns(
        nw.when(nw.col(unnamed) == 0).then(nw.col(name).fill_null(0)).alias(name) for name, unnamed in people.items()
    )
    capacity_known = (nw.col("kva_unknown") == 0) & (nw.col("kva_gaps") == 0)
    hours = {
        "SAIDI": ratio("CH", "N_T"),
        "CAIDI": ratio("CH", "CI"),
        "CTAIDI": ratio("CH", "CN"),
        "ASIDI": nw.when(capacity_known).then(ratio("kvah", "kva")),
    }
    figures = {"CMI": nw.col("CH") * 60}
    figures |= {f"{name}_min": value * 60 for name, value in hours.items()}
    figures |= {f"{name}_h": value for name, value in hours.items()}
    figures |= {
        "SAIFI": ratio("CI", "N_T"),
        "CAIFI": ratio("CI", "CN"),
        "ASAI": (1 - ratio("CH", "N_T") / nw.col("hours")) * 100,
        f"CEMI_{rules.frequent_count}": ratio("often_sustained", "N_T") * 100,
        "CELID-s": ratio("long_single", "N_T") * 100,
        "CELID-t": ratio("long_total", "N_T") * 100,
        "MAIFI": ratio("momentary", "N_T"),
        "MAIFI_E": ratio("events", "N_T"),
        f"CEMSMI_{rules.frequent_count}": ratio("often_any", "N_T") * 100,
        "ASIFI": nw.when(capacity_known).then(ratio("kva_interrupted", "kva")),
    }
    order = ["CMI", "CI", "CN", *(f"{name}_{unit}" for name in hours for unit in ("min", "h"))]
    rest = [name for name in figures if name not in order]
    return shown(table.with_columns(**figures), by, ["N_T", *order, *rest])


def differences(
    interruptions: pl.DataFrame,
    population: pl.DataFrame,
    by: Sequence[str],
    period: Period,
    settings: ReliabilitySettings,
    as_of: datetime | None = None,
    without_days: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return each index by both standards, and by how much each reason moves it.

    The reasons are taken one after another, in the order of :data:`REASONS`: each moves the figure from where the one before
    left it, so together they are exactly the difference.

    Args:
        interruptions: the table of :func:`reliability.interruptions`, or a ledger of the period, with every day.
        population: the users.
        by: columns to break down by.
        period: the statistical period.
        settings: rules of both standards.
        as_of: nothing later is known.
        without_days: the same without major event days, where the figures of IEEE 1366 leave them out; those of DL/T 836
            hold every day.

    Returns:
        One row per cell and index: the ``by`` columns, ``index``, ``unit`` (h, times or %), ``dl_t_836`` (of the column
        ``variant`` there), ``ieee_1366``, ``difference`` (DL/T 836 less IEEE 1366), and one column per reason with its part of
        the difference. Null where a figure is.
    """
    as_in_dlt = settings.model_copy(update={"ieee_sustained_threshold_min": settings.sustained_threshold_min})
    dlt = indices(interruptions, population, by, period, settings, as_of)
    all_short_out = ieee_indices(interruptions, population, by, period, as_in_dlt, as_of)
    short_out = ieee_indices(interruptions, population, by, period, settings, as_of)
    days_out = short_out
    if without_days is not None:
        days_out = ieee_indices(without_days, population, by, period, settings, as_of, interruptions)
    tables = []
    for index, unit, variant, figure in _compared(settings.frequent_count):
        separate = "MAIFI" if index == "MAIFI_E" else figure
        columns = {
            "dl_t_836": dlt[variant],
            "sustained": all_short_out[separate],
            "longer": short_out[separate],
            "kept": days_out[separate],
            "ieee_1366": days_out[figure],
        }
        figures = {name: values.cast(pl.Float64) for name, values in columns.items()}
        words = {"index": index, "unit": unit, "variant": variant}
        tables.append(
            pl.DataFrame({**{name: dlt[name] for name in by}, **figures}).with_columns(
                pl.lit(word).alias(name) for name, word in words.items()
            )
        )
    moves = list(pairwise(("dl_t_836", "sustained", "longer", "kept", "ieee_1366")))
    return pl.concat(tables).select(
        *by, "index", "unit", "variant", "dl_t_836", "ieee_1366",
        difference=_between("dl_t_836", "ieee_1366"),
        **{reason: _between(*ends) for reason, ends in zip(REASONS, moves, strict=True)},
    )  # fmt: skip


def _between(one: str, other: str) -> pl.Expr:
    """Return one column less the other; what rounding alone leaves between them is no difference."""
    left = pl.col(one) - pl.col(other)
    noise = _ROUNDING * pl.max_horizontal(pl.col(one).abs(), pl.col(other).abs())
    return pl.when(left.abs() <= noise).then(0.0).otherwise(left)


def _compared(n: int) -> list[tuple[str, str, str, str]]:
    """Return index, unit, variant of DL/T 836 and column of IEEE 1366 of what both standards know."""
    return [
        ("SAIDI", "h", "SAIDI-1", "SAIDI_h"),
        ("SAIFI", "times", "SAIFI-1", "SAIFI"),
        ("ASAI", "%", "ASAI-1", "ASAI"),
        *((name, "h", name, f"{name}_h") for name in ("CAIDI", "CTAIDI", "ASIDI")),
        *((name, "times", name, name) for name in ("CAIFI", "ASIFI", "MAIFI")),
        ("MAIFI_E", "times", "MAIFI", "MAIFI_E"),
        *((name, "%", name, name) for name in (f"CEMI_{n}", f"CEMSMI_{n}", "CELID-s", "CELID-t")),
    ]
