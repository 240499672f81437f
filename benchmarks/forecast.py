"""Backtest of the forecast: the year end from each month end, with what was known then, beside three plain baselines.

The named baseline is the seasonal mean (what was so far, and the mean of the rest of all earlier years). A baseline says one
figure for all quantiles; the column "with its errors" gives it the quantiles of its own errors in earlier years. Nothing is tuned
on the years that are judged: the settings are the defaults, and what is learned from trials is learned from earlier years.

``python -m benchmarks.forecast --daily DAILY.csv`` reads a table with the columns Date, CI, CMI (customer-minutes) and
total_customers; without it only the sample county is judged.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

import fudian
from data_samples.generator.county import COUNTY
from reliability.period import Period
from reliability.steering.rest_of_year import BASELINES, QUANTILES, DailyRecord, Floats, baselines, pinball, same_days
from reliability.steering.settings import SteeringSettings
from reliability.steering.trials import forecast_rest

NAMED = "seasonal_mean"
RESAMPLES = 4000


@dataclass
class Judged:
    """What was said and what came, of one kind of figure."""

    losses: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    inside: list[bool] = field(default_factory=list)
    stated: list[tuple[float, bool]] = field(default_factory=list)

    def add(self, year: int, name: str, came: float, said: Floats | float) -> None:
        """Count the loss of one method."""
        quantiles = np.broadcast_to(np.asarray(said, dtype=float), (len(QUANTILES),))
        self.losses[name].append((year, float(pinball(np.array([came]), quantiles[:, None])[0])))

    def mean(self, name: str) -> float:
        """Return the pooled loss of a method."""
        return float(np.mean([loss for _, loss in self.losses[name]]))

    def bounds(self, name: str) -> tuple[float, float]:
        """Return 5 and 95 % of the ratio of the model's loss to that of a method, years drawn anew."""
        generator = np.random.default_rng(0)
        years = sorted({year for year, _ in self.losses["model"]})
        sums = {
            each: np.array([sum(loss for at, loss in self.losses[each] if at == year) for year in years])
            for each in ("model", name)
        }
        drawn = generator.integers(0, len(years), (RESAMPLES, len(years)))
        ratios = sums["model"][drawn].sum(axis=1) / sums[name][drawn].sum(axis=1)
        low, high = np.quantile(ratios, [0.05, 0.95])
        return float(low), float(high)

    def lines(self, title: str) -> list[str]:
        """Return the table of one kind of figure."""
        years = sorted({year for year, _ in self.losses["model"]})
        found = [
            f"\n{title}: {len(self.losses['model'])} forecasts, years {years[0]} to {years[-1]}",
            f"{'method':36} {'pinball':>9} {'model / it':>11}   90 % of resampled years",
        ]
        for name in self.losses:
            if len(self.losses[name]) < len(self.losses["model"]):
                found.append(f"{name:36} {self.mean(name):9.4f} {'':>11}   ({len(self.losses[name])} forecasts)")
                continue
            low, high = self.bounds(name)
            mark = "  <- named" if name == NAMED else ""
            ratio = self.mean("model") / self.mean(name)
            found.append(f"{name:36} {self.mean(name):9.4f} {ratio:11.3f}   {low:.3f} to {high:.3f}{mark}")
        found.append(f"the 80 % interval held what came in {np.mean(self.inside):.0%}")
        edges = [0, 0.2, 0.4, 0.6, 0.8, 1.0001]
        for low, high in pairwise(edges):
            inside = [(chance, met) for chance, met in self.stated if low <= chance < high]
            if inside:
                chance, met = np.mean([one for one, _ in inside]), np.mean([two for _, two in inside])
                found.append(f"  stated {chance:4.0%} on average, came true in {met:4.0%} of {len(inside)}")
        return found


def daily(path: Path, settings: SteeringSettings) -> dict[str, Judged]:
    """Judge the daily series of a table, every year from the fourth on, from each month end."""
    table = pl.read_csv(path, try_parse_dates=True).sort("Date")
    first: date = table["Date"][0]
    amounts = {name: np.zeros(((table["Date"][-1] - first).days + 1, 1)) for name in ("SAIDI", "SAIFI")}
    for day, count, minutes, users in table.select("Date", "CI", "CMI", "total_customers").iter_rows():
        amounts["SAIDI"][(day - first).days] = minutes / 60 / users
        amounts["SAIFI"][(day - first).days] = count / users
    found = {}
    for name, values in amounts.items():
        record, judged = DailyRecord(first, values, (name,)), Judged()
        for year in range(first.year + 3, table["Date"][-1].year + 1):
            for month in range(2, 13):
                _judge_day(record, date(year, month, 1), date(year + 1, 1, 1), settings, judged)
        found[name] = judged
    return found


def _judge_day(record: DailyRecord, start: date, end: date, settings: SteeringSettings, judged: Judged) -> None:
    came = float(record.between(start, end).sum())
    so_far = float(record.between(date(start.year, 1, 1), start).sum())
    rest = forecast_rest(record, start, end, settings)
    quantiles = np.quantile(rest.draws[:, 0], QUANTILES)
    judged.add(start.year, "model", came, quantiles)
    judged.inside.append(bool(quantiles[0] <= came <= quantiles[-1]))
    last_year = float(record.between(date(start.year - 1, 1, 1), date(start.year, 1, 1)).sum())
    judged.stated.append((float((so_far + rest.draws[:, 0] <= last_year).mean()), so_far + came <= last_year))
    for name in BASELINES:
        said = rest.baselines[name]
        if said is not None:
            judged.add(start.year, name, came, float(said[0]))
            wide = _with_errors(record, name, start, end, float(said[0]))
            if wide is not None:
                judged.add(start.year, f"{name}, with its errors", came, wide)


def _with_errors(record: DailyRecord, name: str, start: date, end: date, said: float) -> Floats | None:
    """Return the quantiles that a baseline had by its errors in earlier years, where there are at least two."""
    ratios = []
    for year in range(record.first.year + 1, start.year):
        low, high = same_days(year, start, end)
        earlier = baselines(record, low, high)[name]
        came = float(record.between(low, high).sum())
        if earlier is not None and earlier[0] > 0 and low >= record.first:
            ratios.append(came / float(earlier[0]))
    return said * np.quantile(ratios, QUANTILES) if len(ratios) >= 2 else None


def county(plan: str = "jinhua-2022") -> dict[str, Judged]:
    """Judge the sample county: every target of a plan from each month end of its second and third year."""
    utility = fudian.open(COUNTY, "en")
    judged = Judged()
    for year in (2021, 2022):
        whole = {
            result.target_id: result
            for result in utility.targets(plan, year, as_of=Period.year(year + 1).start).results
        }
        for month in range(2, 13):
            said = utility.forecast(plan, datetime(year, month, 1), year=year)
            for row in said.rows:
                came, chance = whole[row.target.target_id].value, row.probability()
                if came is None or chance is None or row.baselines is None:
                    continue
                quantiles = np.array(row.quantiles, dtype=float)
                judged.add(year, "model", came, quantiles)
                judged.inside.append(bool(quantiles[0] <= came <= quantiles[-1]))
                judged.stated.append((chance, came <= row.limit))
                for name, each in row.baselines.items():
                    if each is not None:
                        judged.add(year, name, came, each)
    return {f"sample county, {plan}, h per user": judged}


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--daily", type=Path, help="table of daily interruptions")
    options.add_argument("--without-county", action="store_true")
    asked = options.parse_args()
    found: dict[str, Judged] = {}
    if asked.daily:
        units = {"SAIDI": "h per user", "SAIFI": "times per user"}
        found |= {
            f"daily series, {name}, {units[name]}": each
            for name, each in daily(asked.daily, SteeringSettings()).items()
        }
    if not asked.without_county:
        found |= county()
    for title, judged in found.items():
        print("\n".join(judged.lines(title)))


if __name__ == "__main__":
    main()
