"""A forecast tried on earlier years with what was known then: how wide its ranges must be, and whether a baseline does better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import Any

import numpy as np

from reliability.steering.rest_of_year import (
    BASELINES,
    QUANTILES,
    YEAR_DAYS,
    DailyRecord,
    Floats,
    baselines,
    draws_of_rest,
    pinball,
    same_days,
)
from reliability.steering.settings import SteeringSettings

MODEL = "model"
CALM_YEARS = 3.0
"""Years that came out as said, which stand beside those that the forecast was tried on."""
TRIAL_DRAWS = 400
LEAST_TRIALS = 3
"""Earlier years that a baseline must have been better in, taken together, before it is used."""
BETTER_BY = 0.95
"""A baseline is better where its loss is below this share of the model's."""


@dataclass(frozen=True)
class Trials:
    """How the methods did on the rest of earlier years.

    Attributes:
        years: the years that were tried.
        loss: mean pinball loss of the quantiles by method, per user; a baseline says one figure for all quantiles.
        inside: in how many years what came lay between the 10 and 90 % quantiles of the model.
        widened: by how much the draws were drawn apart.
    """

    years: tuple[int, ...]
    loss: Mapping[str, float]
    inside: int
    widened: float

    @property
    def best_baseline(self) -> str | None:
        """The baseline with the smallest loss, or ``None`` where none was tried."""
        tried = {name: each for name, each in self.loss.items() if name != MODEL}
        return min(tried, key=lambda name: tried[name]) if tried else None

    @property
    def chosen(self) -> str:
        """The method to use: the model, unless earlier years show a baseline to be better."""
        best = self.best_baseline
        if best is None or len(self.years) < LEAST_TRIALS:
            return MODEL
        return best if self.loss[best] < BETTER_BY * self.loss[MODEL] else MODEL

    @classmethod
    def together(cls, several: Sequence[Trials]) -> Trials:
        """Return the trials of several targets as one."""
        names = [name for name in (MODEL, *BASELINES) if all(name in each.loss for each in several)]
        loss = {name: float(np.mean([each.loss[name] for each in several])) for name in names}
        years = tuple(sorted({year for each in several for year in each.years}))
        widened = float(np.mean([each.widened for each in several])) if several else 1.0
        count = sum(len(each.years) for each in several)
        return cls(years, loss, sum(each.inside for each in several), widened) if count else cls((), {}, 0, widened)

    def as_dict(self) -> dict[str, Any]:
        """Return ``years``, ``pinball`` by method, ``inside_80`` and ``widened``."""
        return {
            "years": list(self.years),
            "pinball": dict(self.loss),
            "inside_80": self.inside,
            "widened": self.widened,
        }


@dataclass(frozen=True, eq=False)
class Rest:
    """What the rest of a year will bring, per user.

    Attributes:
        draws: draws times groups.
        trials: of each group.
        baselines: what each baseline says, by group.
    """

    draws: Floats
    trials: tuple[Trials, ...]
    baselines: Mapping[str, Floats | None]

    def method(self, group: int) -> str:
        """Return the method of a group."""
        return self.trials[group].chosen

    def baseline(self, name: str, group: int) -> float | None:
        """Return what a baseline says of a group, or ``None`` where it says nothing."""
        found = self.baselines[name]
        return None if found is None else float(found[group])


def forecast_rest(
    record: DailyRecord,
    start: date,
    end: date,
    settings: SteeringSettings,
    storms: bool = True,
    known_until: date | None = None,
    tried: bool = True,
) -> Rest:
    """Return the days from one to before another, as wide as earlier years turned out, by the method that did best.

    The same forecast is made for the same days of earlier years with what was known then. Where the years came out farther from
    the middle than the draws said, the draws are drawn apart around their median, on the scale of logarithms, and the other way
    round; :data:`CALM_YEARS` years that came out as said stand beside those that were tried.

    Args:
        record: amounts per user and day.
        start: the first day to come.
        end: the day after the last.
        settings: recency, evidence, season.
        storms: whether storm days are drawn apart.
        known_until: the record is known before this day, where that is not the first day to come.
        tried: whether the forecast is tried on earlier years.
    """
    known = record.until(known_until or start)
    drawn = draws_of_rest(known, start, end, settings, storms=storms)
    plain = baselines(known, start, end)
    groups = len(record.groups)
    runs = list(_runs(known, start, end, settings, storms)) if tried and start < end else []
    trials = tuple(_trials_of(group, runs) for group in range(groups))
    draws = np.stack([_widened(drawn[:, group], trials[group].widened) for group in range(groups)], axis=1)
    for group, each in enumerate(trials):
        if each.chosen != MODEL and plain[each.chosen] is not None:
            draws[:, group] = _around(float(plain[each.chosen][group]), each.chosen, group, runs, settings)  # type: ignore[index]
    return Rest(draws, trials, plain)


@dataclass(frozen=True, eq=False)
class _Run:
    year: int
    came: Floats
    draws: Floats
    said: Mapping[str, Floats | None]


def _runs(record: DailyRecord, start: date, end: date, settings: SteeringSettings, storms: bool) -> Sequence[_Run]:
    found = []
    for year in range(record.first.year + 1, start.year):
        first, last = same_days(year, start, end)
        if (first - record.first).days < YEAR_DAYS or first >= last:
            continue
        drawn = draws_of_rest(record, first, last, settings, TRIAL_DRAWS, storms)
        came = record.between(first, last).sum(axis=0)
        found.append(_Run(year, came, drawn, baselines(record, first, last)))
    return found


def _trials_of(group: int, runs: Sequence[_Run]) -> Trials:
    loss: dict[str, list[float]] = {}
    inside, squares = 0, [CALM_YEARS]
    for run in runs:
        drawn, came = run.draws[:, group], run.came[group]
        quantiles = np.quantile(drawn, QUANTILES)
        inside += bool(quantiles[0] <= came <= quantiles[-1])
        loss.setdefault(MODEL, []).append(_loss(came, quantiles))
        for name in BASELINES:
            said = run.said[name]
            if said is not None:
                loss.setdefault(name, []).append(_loss(came, np.full(len(QUANTILES), said[group])))
        below = ((drawn < came).sum() + 0.5 * (drawn == came).sum() + 0.5) / (len(drawn) + 1)
        squares.append(NormalDist().inv_cdf(float(below)) ** 2)
    widened = math.sqrt(sum(squares) / (CALM_YEARS + len(runs)))
    means = {name: float(np.mean(each)) for name, each in loss.items() if len(each) == len(runs)}
    return Trials(tuple(run.year for run in runs), means, inside, widened)


def _loss(came: float, quantiles: Floats) -> float:
    return float(pinball(np.array([came]), quantiles[:, None])[0])


def _widened(drawn: Floats, factor: float) -> Floats:
    middle = float(np.median(drawn))
    if middle <= 0:
        return drawn
    apart: Floats = middle * np.exp(factor * np.log(np.maximum(drawn, 1e-12) / middle))
    return np.where(drawn > 0, apart, drawn)


def _around(said: float, name: str, group: int, runs: Sequence[_Run], settings: SteeringSettings) -> Floats:
    """Return draws around what a baseline says, as far off as it was in earlier years, its own number of years given."""
    pairs = [(run.came[group], run.said[name][group]) for run in runs if run.said[name] is not None]  # type: ignore[index]
    off = np.array([math.log(came / baseline) for came, baseline in pairs if came > 0 and baseline > 0])
    generator = np.random.default_rng([settings.forecast_seed, 11])
    if len(off) < 2:
        return np.full(settings.forecast_draws, said)
    spread = float(off.std(ddof=1)) * math.sqrt(1 + 1 / len(off))
    found: Floats = said * np.exp(off.mean() + spread * generator.standard_t(len(off) - 1, settings.forecast_draws))
    return found
