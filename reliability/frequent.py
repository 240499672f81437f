"""Frequent outages 频繁停电: users and feeders that lose supply more often than a rule allows (field reference 4.4).

A window is half-open: it holds its first moment and not its last, so an outage 60 days after another is in another window. What
counts is the merged interruption of a user; hours play no part, but what is too short does not count at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from network import FudianError, text
from network.representation import Shown
from reliability.ledger_table import MICROSECONDS_PER_MINUTE
from reliability.natures import PREARRANGED
from reliability.openings import openings
from reliability.period import MICROSECONDS_PER_HOUR, Period
from reliability.query import Query
from reliability.rule_packs import DLT_836_2016
from reliability.statistics import Statistics

PLANNED_REPAIR = ("P-PLAN-MAINT",)
HIGH_VOLTAGE_KV = 35.0


@dataclass(frozen=True)
class Rule:
    """More than ``most`` outages are too many.

    Attributes:
        name: code of the rule.
        most: outages that are still allowed.
        window: length of a rolling window, such as ``60d`` or ``2mo``; ``None`` is the calendar year.
        natures: interruption natures that count; ``None`` for all.
        most_high_voltage: allowed for users at 35 kV and above, where that differs.
        makes_frequent: whether a breach makes the user a frequent one, or is only told.
    """

    name: str
    most: int
    window: str | None = None
    natures: tuple[str, ...] | None = None
    most_high_voltage: int | None = None
    makes_frequent: bool = True


@dataclass(frozen=True)
class EarlyWarning:
    """So many outages, from ``fewest`` to ``most``, foretell a breach of a rule.

    Attributes:
        name: code of the warning.
        rule: name of the rule that is near.
        fewest: from this many outages.
        most: to this many.
        last_days: in so many days before the as-of time; ``None`` is the calendar year so far.
    """

    name: str
    rule: str
    fewest: int
    most: int
    last_days: int | None = None


@dataclass(frozen=True)
class Preset:
    """A set of rules with what it leaves out.

    Attributes:
        name: code of the preset.
        rules: what is too often.
        warnings: what comes before.
        shortest_min: interruptions shorter than this do not count.
        without_single_user: outages that cut off a single user do not count.
        merge_h: an outage that begins sooner than this after the last one that counts is merged with it.
    """

    name: str
    rules: tuple[Rule, ...]
    warnings: tuple[EarlyWarning, ...] = field(default=())
    shortest_min: float = 0.0
    without_single_user: bool = False
    merge_h: float = 0.0


CONNECTION_RULE = Rule("planned_repair_in_year", 3, None, PLANNED_REPAIR, most_high_voltage=1, makes_frequent=False)
"""Rules for Supply of Electricity 供电营业规则: planned repair at most three times a year at 10 kV, once from 35 kV up."""

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "nea": Preset(
            "nea",
            (
                Rule("in_year", 5),
                Rule("in_window", 3, "60d"),
                Rule("prearranged_in_year", 3, None, PREARRANGED),
                CONNECTION_RULE,
            ),
            (
                EarlyWarning("four_or_five_in_year", "in_year", 4, 5),
                EarlyWarning("three_in_50_days", "in_window", 3, 3, 50),
                EarlyWarning("two_in_30_days", "in_window", 2, 2, 30),
            ),
            shortest_min=5,
            without_single_user=True,
            merge_h=6,
        ),
        "sgcc": Preset("sgcc", (Rule("in_window", 2, "2mo"), CONNECTION_RULE)),
    }
)
"""The rules by whose they are: the energy administration's, and the State Grid's; ``custom`` is made by :func:`preset`."""

USER_COLUMNS = ("user_id", "users", "transformer_id", "feeder_id", "public")


def preset(name: str, days: int | None = None, times: int | None = None) -> Preset:
    """Return a preset by name; ``custom`` calls a user frequent with ``times`` outages or more in ``days`` days.

    Raises:
        FudianError: the name is not known, or days and times are given to a preset that has its own.
    """
    if name == "custom":
        length, most = 60 if days is None else days, 2 if times is None else times - 1
        if length < 1 or most < 0:
            raise FudianError(text("A rule of frequent outages needs at least one day and one time."))
        return Preset("custom", (Rule("in_window", most, f"{length}d"), CONNECTION_RULE))
    if name not in PRESETS:
        raise FudianError(
            text("There is no preset {name!r} of frequent outages.", name=name),
            text("Use any of: {names}.", names=", ".join([*PRESETS, "custom"])),
        )
    if days is not None or times is not None:
        raise FudianError(
            text("The preset {name} has its own days and times.", name=name), text("Use the preset custom.")
        )
    return PRESETS[name]


@dataclass(frozen=True, eq=False, repr=False)
class FrequentOutages(Shown):
    """Who loses supply too often, and who soon may.

    Attributes:
        users: one row per user and rule that is broken or near: ``user_id``, ``users`` (how many the row stands for),
            ``transformer_id``, ``feeder_id``, ``public``, ``status`` (``frequent``, ``breach`` of a rule that does not make a
            user frequent, or ``warning``), ``rule``, ``times``, ``most`` (allowed), ``window_from``, ``window_until``
            (exclusive), ``outage_ids``, ``left`` (outages from the as-of time on until the rule is broken anew).
        feeders: one row per feeder with outages that count: ``feeder_id``, ``frequent`` (two frequent users or more, not all
            of them private), ``frequent_users``, ``all_private``, and of its fullest window ``times``, ``window_from``,
            ``window_until``, ``outage_ids``.
        preset: the rules.
        as_of: until when outages are known.
        level: ``mv`` or ``lv``.
        left_out: interruptions that do not count, by reason.
        med: whether major event days are in or out.
    """

    users: pl.DataFrame
    feeders: pl.DataFrame
    preset: Preset
    as_of: datetime
    level: str
    left_out: Mapping[str, int]
    med: str = "include"

    def as_dict(self) -> dict[str, Any]:
        """Return the form of commands and routes: what it rests on, users and feeders."""
        year_start = datetime((self.as_of - timedelta(microseconds=1)).year, 1, 1)
        return {
            "basis": {
                "rule_pack": DLT_836_2016.id,
                "preset": asdict(self.preset),
                "as_of": self.as_of.isoformat(),
                "year": year_start.year,
                "user_level": self.level.upper(),
                "major_event_days": self.med,
                "left_out": dict(self.left_out),
            },
            "users": self.users.to_dicts(),
            "feeders": self.feeders.to_dicts(),
        }


def frequent_outages(
    statistics: Statistics, rules: Preset, as_of: datetime | None = None, level: str = "mv", med: str = "include"
) -> FrequentOutages:
    """Return the users and feeders that lost supply too often in the calendar year up to the as-of time.

    A rolling window counts when its last outage lies in that year. Records that only state a number of users tell nothing about
    one user, and are left out.

    Args:
        statistics: of the workspace.
        rules: a preset.
        as_of: nothing later is known; by default as far as the data is known.
        level: ``mv`` (transformers) or ``lv`` (customers; those who share every interruption stand in one row).
        med: ``exclude`` leaves out what began on major event days.

    Raises:
        FudianError: the level or the treatment of major event days is not known.
    """
    known = as_of or statistics.known_until
    year_start = datetime((known - timedelta(microseconds=1)).year, 1, 1)
    users = users_counted(statistics, level)
    counted = _counted(statistics, rules, users, year_start, known, level, med)
    outages, kept = counted.outages, counted.kept
    found = _judged(kept, users.select("user_id", "high_voltage"), "user_id", rules, year_start, known)
    order = {"status": False, "times": True, "user_id": False, "rule": False}
    listed = users.select(USER_COLUMNS).join(found, on="user_id").sort(list(order), descending=list(order.values()))
    feeders = _feeders(outages, listed, rules, year_start)
    return FrequentOutages(listed, feeders, rules, known, level, counted.left_out, med)


@dataclass(frozen=True, eq=False, repr=False)
class _Counted(Shown):
    """The outages that count: all of them, those kept of each user, and how many were left out and why."""

    outages: pl.DataFrame
    kept: pl.DataFrame
    left_out: Mapping[str, int]


def _counted(
    statistics: Statistics,
    rules: Preset,
    users: pl.DataFrame,
    year_start: datetime,
    known: datetime,
    level: str,
    med: str,
) -> _Counted:
    """Return the outages that count by a preset, from the longest window before a year up to the as-of time."""
    reach = min(_window_start(year_start, rule.window) for rule in rules.rules)
    rows = statistics.ledger(Query(Period(datetime(reach.year, 1, 1), known), level=level, med=med, as_of=known))
    named = rows.filter((pl.col("count") > 0) & ~pl.col("recorded_only"))
    lasting = named.filter(pl.col("duration_h") >= rules.shortest_min * MICROSECONDS_PER_MINUTE / MICROSECONDS_PER_HOUR)
    shared = lasting
    if rules.without_single_user:
        shared = lasting.join(_single_user_outages(rows, users, level), on="outage_id", how="anti")
    started = pl.from_epoch("group_start", time_unit="us")
    outages = shared.select("user_id", "feeder_id", "outage_id", "nature", start=started)
    kept = apart(outages.drop("feeder_id"), "user_id", rules.merge_h)
    left_out = {
        "too_short": named.height - lasting.height,
        "single_user": lasting.height - shared.height,
        "merged": shared.height - kept.height,
    }
    return _Counted(outages, kept, left_out)


def outages_that_count(statistics: Statistics, rules: Preset, as_of: datetime, level: str = "mv") -> pl.DataFrame:
    """Return the outages of each user that a preset counts, over as long as any of its rules looks back from the as-of time.

    Args:
        statistics: of the workspace.
        rules: a preset.
        as_of: nothing later is known.
        level: ``mv`` or ``lv``.

    Returns:
        Columns ``user_id``, ``outage_id``, ``nature``, ``start``; at least ``merge_h`` apart for each user.
    """
    year_start = datetime((as_of - timedelta(microseconds=1)).year, 1, 1)
    return _counted(statistics, rules, users_counted(statistics, level), year_start, as_of, level, "include").kept


def users_counted(statistics: Statistics, level: str) -> pl.DataFrame:
    """Return the users of a level as outages are counted for them, with ``public`` and ``high_voltage`` (35 kV and above)."""
    net = statistics.net
    voltage = net.feeders.select("feeder_id", "voltage_kv").unique("feeder_id", keep="first")
    public = net.transformers.select("transformer_id", pl.col("public").fill_null(value=True))
    return (
        statistics.sharing(level)
        .join(public, on="transformer_id", how="left", maintain_order="left")
        .join(voltage, on="feeder_id", how="left", maintain_order="left")
        .with_columns(high_voltage=(pl.col("voltage_kv") >= HIGH_VOLTAGE_KV).fill_null(value=False))
    )


def as_many(level: str) -> pl.Expr:
    """Return for how many a user stands where outages of a single user do not count; a public transformer stands for many."""
    return pl.when(pl.col("public")).then(2).otherwise(pl.col("users")) if level == "mv" else pl.col("users")


def _single_user_outages(rows: pl.DataFrame, users: pl.DataFrame, level: str) -> pl.DataFrame:
    """Return the outages that cut off one user; a public transformer stands for many."""
    many = as_many(level)
    hit = rows.filter(pl.col("exclusion").is_null()).select("outage_id", "user_id").unique()
    return (
        hit.join(users.select("user_id", many=many), on="user_id")
        .group_by("outage_id")
        .agg(pl.col("many").sum())
        .filter(pl.col("many") == 1)
    )


def apart(outages: pl.DataFrame, key: str, merge_h: float) -> pl.DataFrame:
    """Return the outages of each key that begin at least ``merge_h`` after the last one that was kept."""
    rows = outages.sort(_code(key), "start", "outage_id")
    who = rows[key].rle_id().cast(pl.Int64).to_numpy()
    starts = rows["start"].to_physical().to_numpy()
    return rows.filter(
        pl.Series(openings(who, starts, max(round(merge_h * MICROSECONDS_PER_HOUR), 1)), dtype=pl.Boolean)
    )


def _code(key: str) -> pl.Expr:
    """Return numbers for ids: they sort twice as fast, and which key stands first does not matter."""
    return pl.col(key).cast(pl.Categorical).to_physical()


def _judged(
    kept: pl.DataFrame, keys: pl.DataFrame, key: str, rules: Preset, year_start: datetime, as_of: datetime
) -> pl.DataFrame:
    """Return the rules that are broken, and the warnings of those that are near."""
    found = []
    for rule in rules.rules:
        allowed = pl.when("high_voltage").then(rule.most_high_voltage or rule.most).otherwise(rule.most)
        chosen = kept if rule.natures is None else kept.filter(pl.col("nature").is_in(rule.natures))
        counted = _count(chosen.filter(_recent(rule.window, year_start, as_of)), key, "now")
        left = keys.select(key, most=allowed.cast(pl.Int64)).join(counted, on=key, how="left").select(
            key, "most", left=(pl.col("most") - pl.col("now").fill_null(0)).clip(0)
        )  # fmt: skip
        if rule.window is None:
            broken = _in_span(
                chosen, key, year_start, Period.year(year_start.year).end, left, pl.col("times") > pl.col("most")
            )
        else:
            broken = _fullest_windows(chosen, key, rule.window, year_start, left)
        status = "frequent" if rule.makes_frequent else "breach"
        found.append(broken.select(key, *_COLUMNS, status=pl.lit(status), rule=pl.lit(rule.name)))
        for warning in (each for each in rules.warnings if each.rule == rule.name):
            since, until = year_start, Period.year(year_start.year).end
            if warning.last_days is not None:
                since, until = as_of - timedelta(days=warning.last_days), as_of
            near = _in_span(chosen, key, since, until, left, pl.col("times").is_between(warning.fewest, warning.most))
            found.append(
                near.join(broken, on=key, how="anti").select(
                    key, *_COLUMNS, status=pl.lit("warning"), rule=pl.lit(warning.name)
                )
            )
    return pl.concat(found)


_COLUMNS = ("times", "most", "window_from", "window_until", "outage_ids", "left")


def _count(outages: pl.DataFrame, key: str, name: str) -> pl.DataFrame:
    return outages.group_by(key).agg(pl.len().cast(pl.Int64).alias(name))


def _in_span(
    chosen: pl.DataFrame, key: str, since: datetime, until: datetime, left: pl.DataFrame, too_many: pl.Expr
) -> pl.DataFrame:
    """Return the keys with too many outages from one moment to another, with the outages."""
    inside = chosen.filter((pl.col("start") >= since) & (pl.col("start") < until))
    many = _count(inside, key, "times").join(left, on=key).filter(too_many)
    ids = inside.join(many, on=key, how="semi").group_by(key).agg(outage_ids=pl.col("outage_id").sort_by("start"))
    return many.join(ids, on=key).with_columns(
        window_from=pl.lit(since, dtype=pl.Datetime("us")), window_until=pl.lit(until, dtype=pl.Datetime("us"))
    )


def _fullest_windows(
    chosen: pl.DataFrame, key: str, window: str, year_start: datetime, left: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return the fullest window of each key whose last outage lies in the year; of equal ones the first.

    With ``left`` only of the keys that have a window with more outages than ``most``.
    """
    rows = chosen.sort(_code(key), "start", "outage_id").with_columns(until=pl.col("start").dt.offset_by(window))
    starts = rows["start"].to_physical().to_numpy()
    times = times_in_window(rows[key].rle_id().to_numpy(), starts, rows["until"].to_physical().to_numpy())
    place = np.arange(len(starts))
    windows = rows.select(
        key, window_from="start", window_until="until", times=pl.Series(times, dtype=pl.Int64),
        first=pl.Series(place, dtype=pl.Int64), last=rows["start"].gather(place + times - 1),
    ).filter(pl.col("last") >= year_start)  # fmt: skip
    if left is not None:
        windows = windows.join(left, on=key, maintain_order="left").filter(pl.col("times") > pl.col("most"))
    fullest = windows.filter(pl.col("times") == pl.col("times").max().over(key)).unique(
        key, keep="first", maintain_order=True
    )
    several = pl.int_ranges(pl.col("first"), pl.col("first") + pl.col("times"))
    within = fullest.select(key, at=several).explode("at").drop_nulls()
    ids = (
        within.with_columns(outage_id=rows["outage_id"].gather(within["at"]))
        .group_by(key, maintain_order=True)
        .agg(outage_ids="outage_id")
    )
    return fullest.drop("first", "last").join(ids, on=key)


def times_in_window(
    keys: npt.NDArray[np.unsignedinteger[Any]], starts: npt.NDArray[np.int64], untils: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return how many outages of the same key lie in the window that each one opens; sorted by key and start."""
    times = np.ones(len(starts), dtype=np.int64)
    going_on, step = np.arange(len(starts)), 1
    while len(going_on := going_on[going_on + step < len(starts)]):
        later = going_on + step
        going_on = going_on[(keys[later] == keys[going_on]) & (starts[later] < untils[going_on])]
        times[going_on] += 1
        step += 1
    return times


def _recent(window: str | None, year_start: datetime, as_of: datetime) -> pl.Expr:
    """Return whether an outage shares a window with one at the as-of time."""
    return pl.col("start") >= year_start if window is None else pl.col("start").dt.offset_by(window) > as_of


def _window_start(moment: datetime, window: str | None) -> datetime:
    if window is None:
        return moment
    earlier: Any = pl.Series([moment], dtype=pl.Datetime("us")).dt.offset_by(f"-{window}").item()
    return earlier  # type: ignore[no-any-return]


def _feeders(outages: pl.DataFrame, listed: pl.DataFrame, rules: Preset, year_start: datetime) -> pl.DataFrame:
    """Return the feeders with their frequent users and their own fullest window."""
    window = next((rule.window for rule in rules.rules if rule.window is not None), "1y")
    events = (
        outages.filter(pl.col("feeder_id").is_not_null())
        .group_by("feeder_id", "outage_id")
        .agg(pl.col("start").min(), pl.col("nature").first())
    )
    fullest = _fullest_windows(apart(events, "feeder_id", rules.merge_h), "feeder_id", window, year_start)
    frequent = listed.filter(pl.col("status") == "frequent").unique("user_id", keep="first")
    counted = frequent.group_by("feeder_id").agg(
        frequent_users=pl.col("users").sum(), all_private=(~pl.col("public")).all()
    )
    return (
        fullest.join(counted, on="feeder_id", how="left")
        .with_columns(pl.col("frequent_users").fill_null(0))
        .select(
            "feeder_id",
            frequent=(pl.col("frequent_users") >= 2) & ~pl.col("all_private").fill_null(value=False),
            frequent_users="frequent_users",
            all_private="all_private",
            times="times",
            window_from="window_from",
            window_until="window_until",
            outage_ids="outage_ids",
        )
        .sort("frequent", "frequent_users", "times", "feeder_id", descending=[True, True, True, False])
    )
