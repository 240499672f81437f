"""A mixed-integer program put together row by row, and solved goal after goal (HiGHS, by way of SciPy)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from network.arrays import Indices, Numbers

Terms = Sequence[tuple[int, float]]
"""Pairs of variable and factor."""

_TIME_LIMIT = 1

SHORTEST_S = 1.0
"""Each goal is given at least so long."""

LARGEST = 1000.0
"""Goals are scaled to factors up to this: the solver's tolerances are absolute."""


@dataclass(frozen=True)
class Goal:
    """A sum to be made least.

    Attributes:
        terms: the sum.
        whole: whether it is a whole number, so that it can be kept exactly; what is not comes last.
    """

    terms: Terms
    whole: bool = True


class Program:
    """Variables and rows.

    Attributes:
        proven: whether the last solution is known to be the best for every goal.
        proven_goals: for how many of the leading goals it is known to be.
    """

    def __init__(self) -> None:
        self.proven, self.proven_goals = False, 0
        self._lower: list[float] = []
        self._upper: list[float] = []
        self._integer: list[bool] = []
        self._columns: list[int] = []
        self._factors: list[float] = []
        self._starts = [0]
        self._least: list[float] = []
        self._most: list[float] = []

    def variables(self, count: int, least: float = 0.0, most: float = 1.0, integer: bool = False) -> Indices:
        """Add variables within bounds, and return their numbers."""
        first = len(self._lower)
        self._lower += [least] * count
        self._upper += [most] * count
        self._integer += [integer] * count
        return np.arange(first, first + count)

    def fix(self, variable: int, value: float) -> None:
        """Hold a variable to a value."""
        self._lower[variable] = self._upper[variable] = value

    @contextmanager
    def held_at_zero(self, variables: Iterable[int]) -> Iterator[None]:
        """Hold variables at zero for a while; what is called the best then is the best of these."""
        lower, upper = self._lower.copy(), self._upper.copy()
        for variable in variables:
            self.fix(variable, 0.0)
        yield
        self._lower, self._upper = lower, upper

    def row(self, terms: Terms, least: float = -np.inf, most: float = np.inf) -> None:
        """Add ``least <= sum of variable x factor <= most``."""
        for variable, factor in terms:
            self._columns.append(int(variable))
            self._factors.append(float(factor))
        self._starts.append(len(self._columns))
        self._least.append(least)
        self._most.append(most)

    def solve(self, goal: Terms, deadline: float) -> tuple[Numbers | None, bool]:
        """Return the values that make a sum least, and whether that is certain; whole numbers are exact.

        ``None`` with certainty: no values keep all rows; without: none were found in time.
        """
        from scipy.optimize import (
            Bounds,
            LinearConstraint,
            milp,
        )  # half of what starting takes, and most commands plan nothing

        cost = np.zeros(len(self._lower))
        for variable, factor in goal:
            cost[variable] += factor
        rows = csr_array(
            (self._factors, self._columns, self._starts), shape=(len(self._least), len(self._lower)), dtype=np.float64
        )
        rows.sum_duplicates()  # HiGHS refuses two entries at one place
        found = milp(
            cost,
            integrality=np.array(self._integer, dtype=np.int64),
            bounds=Bounds(self._lower, self._upper),
            constraints=LinearConstraint(rows, self._least, self._most),
            # presolve has called programs infeasible for which it had a solution before
            options={"mip_rel_gap": 0.0, "time_limit": max(deadline - time.monotonic(), SHORTEST_S)},
        )
        is_certain = found.status != _TIME_LIMIT
        return None if found.x is None else np.where(self._integer, np.round(found.x), found.x), is_certain

    def best(self, goals: Iterable[Goal], deadline: float) -> Numbers | None:
        """Return the values that make each goal least among those that are best for all before it.

        Args:
            goals: sums; one that is whole consists of variables that are 0 or 1 in the end, with whole factors.
            deadline: when the search ends, by ``time.monotonic``; a goal that is not reached by then is left as it stands.
        """
        kept = self.so_far()
        values = None
        self.proven, self.proven_goals = True, 0
        for goal in goals:
            largest = max((abs(factor) for _, factor in goal.terms), default=0.0)
            scale = min(1.0, LARGEST / (largest or 1.0))  # a goal may be all zeros: plans that cut nobody off
            terms = [(variable, factor * scale) for variable, factor in goal.terms]
            better, is_certain = self.solve(terms, deadline)
            self.proven &= is_certain and better is not None
            if better is None:
                break
            values = better
            self.proven_goals += self.proven
            if not goal.whole:
                break
            reached = sum(factor * round(values[variable]) for variable, factor in goal.terms)
            self.row(terms, most=(reached + 0.5) * scale)
        self.forget(kept)
        return values

    def so_far(self) -> tuple[int, int]:
        """Return how many rows and factors there are, to forget those that follow."""
        return len(self._least), len(self._columns)

    def forget(self, kept: tuple[int, int]) -> None:
        """Take away the rows that were added since."""
        rows, factors = kept
        del self._least[rows:], self._most[rows:], self._starts[rows + 1 :]
        del self._columns[factors:], self._factors[factors:]
