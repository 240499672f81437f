"""Hours until restoration, learned: boosting for the middle and both ends of a range, made honest by conformal calibration.

Quantile regression alone promises too much. So the models of both ends are trained on the older part of the past and measured
on the newer part: by how much the truth lay outside there is added to the ends, each by itself (Y. Romano, E. Patterson, E.
Candès, Conformalized Quantile Regression, NeurIPS 2019). Whoever fits anew every day has a calibration that rolls along, so
that the share of ranges that hold stays near the promise while the world drifts. A range says nothing on days that are unlike
the past: these are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from network.arrays import Mask, Numbers
from repair.settings import RestorationTimeSettings

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

MOST_LEVELS = 200
"""Values of one category that are told apart, the most frequent ones; the learner takes 255 at most."""

SHORT_H = 0.25
"""Hours are learned as logarithms of this much more, so that short outages do not weigh more than minutes matter."""

MODEL, BY_CATEGORY, OVERALL = "model", "median_by_cause", "median"
"""What an estimate rests on: the learned model; the past of the same cause; the whole past."""

SCHEMA = {
    "low_h": pl.Float64,
    "likely_h": pl.Float64,
    "high_h": pl.Float64,
    "basis": pl.String,
    "out_of_depth": pl.Boolean,
}


@dataclass(frozen=True)
class Features:
    """Which columns are learned from; all of them hold what was known at the moment of the estimate.

    Attributes:
        numbers: numeric columns; blanks are allowed.
        categories: columns of words; the first stands for the cause, by which medians are taken where little is known.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]


class RestorationTimes:
    """What the past tells of hours until restoration.

    Args:
        past: moments of faults that are over, in order of time: the columns of the features, ``hours`` from the moment until
            restoration, and ``open_faults``, how many faults were open at that moment.
        features: what is learned from.
        rules: settings.
    """

    def __init__(self, past: pl.DataFrame, features: Features, rules: RestorationTimeSettings) -> None:
        self.features, self.rules = features, rules
        usual = past["open_faults"].median() if past.height else None
        self.most_open: float | None = (
            None if usual is None else max(float(usual) * rules.depth_factor, rules.depth_least)  # type: ignore[arg-type]
        )
        known = past.filter(~pl.Series(self.out_of_depth(past), dtype=pl.Boolean)) if past.height else past
        self.levels = {name: _levels(known[name]) for name in features.categories}
        self._medians = self._medians_of(known)
        self.is_learned = known.height >= rules.least_history
        if self.is_learned:
            import sklearn.ensemble  # noqa: F401  before the bound, which holds for what is loaded by then

            with threadpool_limits(limits=1):
                self._learn(known)

    @property
    def _promise(self) -> tuple[float, float]:
        return (1 - self.rules.coverage) / 2, (1 + self.rules.coverage) / 2

    def _learn(self, known: pl.DataFrame) -> None:
        newer = max(int(known.height * self.rules.calibration_share), self.rules.least_history // 2)
        older = known.height - newer
        told = known.head(older)
        numbers = tuple(name for name in self.features.numbers if told[name].null_count() < older)
        self.features = Features(numbers, self.features.categories)  # the learner takes no column that is always blank
        inputs, truth = self._inputs(known), np.log(known["hours"].to_numpy() + SHORT_H)
        low, high = self._promise
        self._low = self._model(low).fit(inputs[:older], truth[:older])
        self._high = self._model(high).fit(inputs[:older], truth[:older])
        self._likely = self._model(0.5).fit(inputs, truth)
        self.wider_low = _conformal(self._low.predict(inputs[older:]) - truth[older:], high)
        self.wider_high = _conformal(truth[older:] - self._high.predict(inputs[older:]), high)

    def _model(self, quantile: float) -> HistGradientBoostingRegressor:
        numbers = len(self.features.numbers)
        from sklearn.ensemble import HistGradientBoostingRegressor  # as slow to load as all the rest

        return HistGradientBoostingRegressor(
            loss="quantile",
            quantile=quantile,
            max_iter=self.rules.trees,
            learning_rate=0.06,
            max_leaf_nodes=15,
            min_samples_leaf=30,
            l2_regularization=1.0,
            categorical_features=list(range(numbers, numbers + len(self.features.categories))),
            random_state=0,
        )

    def _inputs(self, rows: pl.DataFrame) -> Numbers:
        numbers = rows.select(pl.col(name).cast(pl.Float64) for name in self.features.numbers)
        words = [
            rows[name].replace_strict(self.levels[name], default=None, return_dtype=pl.Float64).alias(name)
            for name in self.features.categories
        ]
        return np.column_stack([*(each.to_numpy() for each in (*numbers.iter_columns(), *words))]).astype(float)

    def _medians_of(self, known: pl.DataFrame) -> Mapping[str | None, tuple[float, float, float]]:
        """Return low, middle and high hours of each cause with enough of a past, and of the whole under ``None``."""
        found: dict[str | None, tuple[float, float, float]] = {}
        if known.height:
            found[None] = _range(known["hours"], self._promise)
        cause = self.features.categories[0]
        for (word,), rows in known.filter(pl.col(cause).is_not_null()).group_by(cause, maintain_order=True):
            if rows.height >= self.rules.least_of_cause:
                found[str(word)] = _range(rows["hours"], self._promise)
        return found

    def out_of_depth(self, rows: pl.DataFrame) -> Mask:
        """Return where far more faults are open than in the past, so that the past says little."""
        if self.most_open is None:
            return np.ones(rows.height, dtype=np.bool_)
        return (rows["open_faults"].to_numpy() > self.most_open).astype(np.bool_)

    def estimate(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return hours from the moment of each row until restoration.

        Args:
            rows: the columns of the features, and ``open_faults``.

        Returns:
            ``low_h``, ``likely_h``, ``high_h``, ``basis`` (see :data:`MODEL`) and ``out_of_depth``; blank without any past.
        """
        if not rows.height:
            return pl.DataFrame(schema=SCHEMA)
        deep = self.out_of_depth(rows)
        if self.is_learned:
            low, likely, high = self._learned(rows)
            told = {"low_h": low, "likely_h": likely, "high_h": high, "basis": [MODEL] * rows.height}
            return pl.DataFrame(told | {"out_of_depth": deep}, schema=SCHEMA)
        causes = rows[self.features.categories[0]].to_list()
        found = [self._medians.get(cause) for cause in causes]
        whole = self._medians.get(None, (None, None, None))
        basis = [
            BY_CATEGORY if each and cause is not None else OVERALL for each, cause in zip(found, causes, strict=True)
        ]
        ranges = [each if way == BY_CATEGORY else whole for each, way in zip(found, basis, strict=True)]
        columns: dict[str, Any] = {
            name: [each[place] if each else None for each in ranges]
            for place, name in enumerate(("low_h", "likely_h", "high_h"))
        }
        return pl.DataFrame(columns | {"basis": basis, "out_of_depth": deep}, schema=SCHEMA)

    def _learned(self, rows: pl.DataFrame) -> tuple[Numbers, Numbers, Numbers]:
        inputs = self._inputs(rows)
        with threadpool_limits(limits=1):
            low = self._low.predict(inputs) - self.wider_low
            high = self._high.predict(inputs) + self.wider_high
            likely = self._likely.predict(inputs)
        hours = [np.maximum(np.exp(each) - SHORT_H, 0.0) for each in (low, likely, high)]
        return np.minimum(hours[0], hours[1]), hours[1], np.maximum(hours[1], hours[2])


def _levels(words: pl.Series) -> dict[str, float]:
    """Return a number for each of the most frequent words."""
    counted = words.drop_nulls().value_counts().sort("count", words.name, descending=[True, False])
    return {word: float(number) for number, word in enumerate(counted[words.name].head(MOST_LEVELS))}


def _conformal(scores: Numbers, share: float) -> float:
    """Return what at least a share of further scores will not pass, by the split-conformal rule."""
    rank = min(int(np.ceil(share * (len(scores) + 1))), len(scores))
    return float(np.sort(scores)[rank - 1])


def _range(hours: pl.Series, promise: tuple[float, float]) -> tuple[float, float, float]:
    values = hours.to_numpy()
    low, middle, high = np.quantile(values, [promise[0], 0.5, promise[1]])
    return float(low), float(middle), float(high)
