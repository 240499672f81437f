"""What the rest of a year will bring, drawn from days that were: ordinary days of the season at the level of late, storms apart.

Every draw puts together the days to come from days of the record at the same season (a bootstrap of days, so that what one outage
does to several classes stays together and rare long outages keep their tail), raises or lowers them to the level of the recent
past, and adds storm days as often as the season had them. Amounts are per user: hours of SAIDI or times of SAIFI.

Three plain baselines stand beside it: the rate so far, the rest of last year, and the mean of the rest of all earlier years.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from reliability.steering.settings import SteeringSettings

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]

BASELINES = ("run_rate", "last_year_rest", "seasonal_mean")
QUANTILES = (0.1, 0.5, 0.9)
YEAR_DAYS = 365
FLAT_SPREAD = 0.3
"""Spread of the logarithm of a level, where no two years tell it: what a year has is rarely more than a third off the last."""
FLAT_SPREAD_YEARS = 3.0
STORM_GAP_DAYS = 3
"""Storm days this close are one storm."""
LEAST_APART = 0.3
LEAST_STORMS = 0.5
"""Storms that are added to those of the record: what never was is not impossible (Jeffreys)."""


@dataclass(frozen=True, eq=False)
class DailyRecord:
    """Amounts per user of every day, for several groups of users at once.

    Attributes:
        first: the first day.
        amounts: days times groups.
        groups: names of the groups.
    """

    first: date
    amounts: Floats
    groups: tuple[str, ...]

    def until(self, day: date) -> DailyRecord:
        """Return the record of the days before one."""
        count = max((day - self.first).days, 0)
        return DailyRecord(self.first, self.amounts[:count], self.groups)

    def between(self, start: date, end: date) -> Floats:
        """Return the days from one to before another, as far as they are recorded."""
        low, high = (min(max((each - self.first).days, 0), len(self.amounts)) for each in (start, end))
        return self.amounts[low:high]

    @cached_property
    def years(self) -> list[int]:
        """The calendar years of which every day is recorded."""
        last = self.first + timedelta(days=len(self.amounts))
        first = self.first.year + (self.first > date(self.first.year, 1, 1))
        return [year for year in range(first, last.year + 1) if date(year + 1, 1, 1) <= last]

    @cached_property
    def day_of_year(self) -> Days:
        """The day of the year of each day, 0 to 365."""
        return day_of_year(self.first, len(self.amounts))

    @cached_property
    def year(self) -> Days:
        """The calendar year of each day."""
        start = np.datetime64(self.first, "D") + np.arange(len(self.amounts))
        years: Days = start.astype("datetime64[Y]").astype(np.int64) + 1970
        return years


def day_of_year(first: date, count: int) -> Days:
    """Return the day of the year, 0 to 365, of so many days from one on."""
    days = np.datetime64(first, "D") + np.arange(count)
    found: Days = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    return found


def draws_of_rest(
    record: DailyRecord,
    start: date,
    end: date,
    settings: SteeringSettings,
    draws: int | None = None,
    storms: bool = True,
) -> Floats:
    """Return drawn sums of the days from one to before another, per user: draws times groups.

    Args:
        record: what was known: days before ``start``.
        start: the first day to come.
        end: the day after the last.
        settings: recency, evidence, season.
        draws: how many; by default as the settings say.
        storms: whether storm days are drawn apart; not where they are left out of the figure.

    Raises:
        ValueError: nothing is recorded.
    """
    count, groups = draws or settings.forecast_draws, len(record.groups)
    horizon = (end - start).days
    known = record.until(start)
    if not len(known.amounts):
        msg = "Nothing is recorded before the first day to come."
        raise ValueError(msg)
    if horizon <= 0:
        return np.zeros((count, groups))
    generator = np.random.default_rng([settings.forecast_seed, start.year, start.timetuple().tm_yday])
    is_storm = storm_days(known, settings) if storms else np.zeros(len(known.amounts), dtype=bool)
    ordinary = _ordinary(known, ~is_storm, start, horizon, settings, count, generator)
    return ordinary + _storms(known, is_storm, start, horizon, count, generator)


def same_days(year: int, start: date, end: date) -> tuple[date, date]:
    """Return the first of the same days of another year, and the day after the last; the end of a year stays the end."""
    first = date(year, 1, 1) + timedelta(days=(start - date(start.year, 1, 1)).days)
    ends_year = end == date(start.year + 1, 1, 1)
    return first, date(year + 1, 1, 1) if ends_year else first + (end - start)


def storm_days(record: DailyRecord, settings: SteeringSettings) -> npt.NDArray[np.bool_]:
    """Return which days are drawn apart: those whose largest group lies above exp(alpha + 2.5 beta) of all days with outages.

    The rule is that of the major event days, on what is known so far.
    """
    whole = record.amounts.mean(axis=1)
    above = whole > 0
    if above.sum() < settings.forecast_least_days:
        return np.zeros(len(whole), dtype=bool)
    logarithms = np.log(whole[above])
    centre, spread = np.median(logarithms), logarithms.std(ddof=1)
    found: npt.NDArray[np.bool_] = above & (np.log(np.where(above, whole, 1.0)) > centre + 2.5 * spread)
    return found


def _ordinary(
    record: DailyRecord, usable: npt.NDArray[np.bool_], start: date, horizon: int, settings: SteeringSettings, count: int,
    generator: np.random.Generator,
) -> Floats:  # fmt: skip
    earlier = usable & (record.year < start.year)
    candidates = earlier if earlier.sum() >= YEAR_DAYS / 2 else usable
    weights = candidates * settings.forecast_recency ** (start.year - record.year).astype(np.float64)
    coming = day_of_year(start, horizon)
    sums = np.zeros((count, len(record.groups)))
    for centre, days in _stretches(coming):
        pool, chance = _season(record, weights, centre, settings.forecast_window_days)
        drawn = generator.choice(len(pool), (count, days), p=chance)
        times = np.zeros((count, len(pool)))
        np.add.at(times, (np.repeat(np.arange(count), days), drawn.ravel()), 1.0)
        sums += times @ record.amounts[pool]
    level, spread = levels(record, usable, start, settings)
    events = (record.amounts[usable] > 0).sum(axis=0)
    common = generator.normal(0.0, 1.0, (count, 1))
    own = generator.gamma(events + 1.0, 1.0 / (events + 1.0), (count, len(events)))
    return sums * level * np.exp(spread * common - spread**2 / 2) * own


def _stretches(coming: Days) -> list[tuple[int, int]]:
    """Return the days to come in stretches of about a month: the day of the year in the middle, and how many there are."""
    parts = np.array_split(coming, max(1, math.ceil(len(coming) / 30)))
    return [(int(part[len(part) // 2]), len(part)) for part in parts]


def _season(record: DailyRecord, weights: Floats, centre: int, window: int) -> tuple[Days, Floats]:
    """Return the days within a window around a day of the year and the chance of each; all days where there are too few."""
    apart = np.abs(record.day_of_year - centre)
    near = (np.minimum(apart, YEAR_DAYS - apart) <= window) & (weights > 0)
    if near.sum() < window:
        near = weights > 0
    pool = np.flatnonzero(near)
    if not len(pool):
        pool = np.arange(len(weights))
        return pool, np.full(len(pool), 1 / len(pool))
    return pool, weights[pool] / weights[pool].sum()


def levels(
    record: DailyRecord, usable: npt.NDArray[np.bool_], start: date, settings: SteeringSettings
) -> tuple[Floats, float]:
    """Return by how much the days to come lie above those of earlier years, by group, and the spread of its logarithm.

    The year so far counts by its days against ``forecast_evidence_days`` of what earlier years say; a group of few outages takes
    its level mostly from all groups together. The spread comes from how far earlier years were off.
    """
    elapsed = len(record.between(date(start.year, 1, 1), start))
    earlier = usable & (record.year < start.year)
    off = [math.log(max(_ratio(record, usable, year, YEAR_DAYS, settings)[1], 0.05)) for year in record.years[1:]]
    if earlier.sum() < YEAR_DAYS / 2 or not elapsed:
        return np.ones(len(record.groups)), _spread(off)
    ratio, all_ratio, events = _ratio(record, usable, start.year, elapsed, settings)
    pooling = events / (events + settings.forecast_pooling_events)
    logarithm = pooling * np.log(np.maximum(ratio, 0.05)) + (1 - pooling) * math.log(max(all_ratio, 0.05))
    trust = elapsed / (elapsed + settings.forecast_evidence_days)
    return np.exp(trust * logarithm), _spread(off) * math.sqrt(1 - trust)


def _spread(off: Sequence[float]) -> float:
    squares = FLAT_SPREAD_YEARS * FLAT_SPREAD**2 + sum(each**2 for each in off)
    return math.sqrt(squares / (FLAT_SPREAD_YEARS + len(off)))


def _ratio(
    record: DailyRecord, usable: npt.NDArray[np.bool_], year: int, days: int, settings: SteeringSettings
) -> tuple[Floats, float, Floats]:
    """Return what the first days of a year had against the same days of the years before, by group and in all, and its events."""
    now = usable & (record.year == year) & (record.day_of_year < days)
    weights = usable * (record.year < year) * settings.forecast_recency ** np.maximum(year - record.year, 0)
    same = weights * (record.day_of_year < days)
    if not same.any():
        return np.ones(len(record.groups)), 1.0, np.zeros(len(record.groups))
    before = (same[:, None] * record.amounts).sum(axis=0) / same.sum() * now.sum()
    had = record.amounts[now].sum(axis=0)
    ratio = np.divide(had, before, out=np.ones(len(had)), where=before > 0)
    return ratio, float(had.sum() / before.sum()) if before.sum() else 1.0, (record.amounts[now] > 0).sum(axis=0)


def _storms(
    record: DailyRecord, is_storm: npt.NDArray[np.bool_], start: date, horizon: int, count: int, generator: np.random.Generator
) -> Floats:  # fmt: skip
    """Return drawn storm hours: as many storms as the season had, each like one that was, give or take.

    Storm days close together are one storm. How far a storm to come may differ from one that was follows from how far those
    that were lie apart, by the usual width of a kernel (Silverman 1986).
    """
    sums = np.zeros((count, len(record.groups)))
    storms = _episodes(record, is_storm)
    if not len(storms):
        return sums
    began, amounts = storms[:, 0].astype(np.int64), storms[:, 1:]
    years = len(record.amounts) / YEAR_DAYS
    season = np.isin(record.day_of_year[began], day_of_year(start, horizon))
    rate = generator.gamma(season.sum() + LEAST_STORMS * horizon / YEAR_DAYS, 1 / years, count)
    number = generator.poisson(rate)
    pool = amounts[season] if season.any() else amounts
    size = np.log(amounts.sum(axis=1))
    apart = max(float(size.std(ddof=1)) if len(size) > 1 else 1.0, LEAST_APART) * len(size) ** -0.2
    for nth in range(int(number.max(initial=0))):
        struck = number > nth
        like = pool[generator.integers(0, len(pool), int(struck.sum()))]
        sums[struck] += like * np.exp(generator.normal(0.0, apart, (int(struck.sum()), 1)))
    return sums


def _episodes(record: DailyRecord, is_storm: npt.NDArray[np.bool_]) -> Floats:
    """Return one row a storm: the place of its first day, and what it brought by group."""
    found = np.flatnonzero(is_storm)
    if not len(found):
        return np.zeros((0, 1 + len(record.groups)))
    number = np.concatenate([[0], np.cumsum(np.diff(found) > STORM_GAP_DAYS)])
    sums = np.zeros((number[-1] + 1, 1 + len(record.groups)))
    sums[:, 0] = found[np.concatenate([[True], np.diff(number) > 0])]
    np.add.at(sums[:, 1:], number, record.amounts[found])
    return sums


def baselines(record: DailyRecord, start: date, end: date) -> dict[str, Floats | None]:
    """Return what each of :data:`BASELINES` says of the sum of the days from one to before another, per user and group."""
    known = record.until(start)
    so_far = known.between(date(start.year, 1, 1), start)
    rests = [_rest(known, year, start, end) for year in range(known.first.year, start.year)]
    whole = [rest for rest in rests if rest is not None]
    return {
        "run_rate": so_far.sum(axis=0) / len(so_far) * (end - start).days if len(so_far) else None,
        "last_year_rest": rests[-1] if rests else None,
        "seasonal_mean": np.mean(whole, axis=0) if whole else None,
    }


def _rest(record: DailyRecord, year: int, start: date, end: date) -> Floats | None:
    """Return the sum of the same days of another year, or ``None`` where they are not all recorded."""
    first, last = same_days(year, start, end)
    if first < record.first or last > record.first + timedelta(days=len(record.amounts)):
        return None
    total: Floats = record.between(first, last).sum(axis=0)
    return total


def pinball(actual: Floats, quantiles: Floats, levels_of: Sequence[float] = QUANTILES) -> Floats:
    """Return the pinball loss of quantiles, averaged over them: quantiles times groups against what came, by group."""
    off = actual[None, :] - quantiles
    share = np.asarray(levels_of)[:, None]
    loss: Floats = np.maximum(share * off, (share - 1) * off).mean(axis=0)
    return loss
