"""A mixed-integer program put together row by row, and solved goal after goal (HiGHS).

Where work is bounded it is counted in nodes of the search tree, on one thread: the answer is the same however busy the machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from network.arrays import Indices, Numbers

if TYPE_CHECKING:
    from highspy import Highs, HighsLp

Terms = Sequence[tuple[int, float]]
"""Pairs of variable and factor."""

SHORTEST_S = 1.0
"""Each goal is given at least so long."""

LESS_FOR_LATER = 10
"""Goals after the first decide among what is as good by the first: each may take so many times fewer nodes."""

WITHOUT = (("mip_heuristic_run_rens", False),)
"""A search within a search (RENS): it takes half of the time of a large fault, and the others find as much."""

LOOKS_AT_ROOT, LOOKS_PER_NODE = 500, 20
"""How often the solver looks whether to go on: mostly 70 times at the root of a tree and 6 times at each node. So a search ends
that takes far more work than its nodes tell, on cuts or within a heuristic."""

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
        bound: what the first goal cannot be less than, as far as the last search showed.
        nodes: of search trees that were looked at so far.
        has_none: whether the last search showed that no values keep all rows.
    """

    def __init__(self) -> None:
        self.proven, self.proven_goals, self.bound, self.nodes = False, 0, -np.inf, 0
        self.has_none = False
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

    def solve(
        self,
        goal: Terms,
        deadline: float | None = None,
        most_nodes: int | None = None,
        start: Numbers | None = None,
    ) -> tuple[Numbers | None, bool, float]:
        """Return the values that make a sum least, whether that is certain, and the least it could be; whole numbers are exact.

        ``None`` with certainty: no values keep all rows; without: none were found within the limits.

        Args:
            goal: the sum.
            deadline: when the search ends, by ``time.monotonic``.
            most_nodes: nodes of the search tree after which it ends.
            start: values that keep all rows.
        """
        import highspy  # most commands plan nothing, and need not wait for it

        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", 0.0), *WITHOUT):
            solver.setOptionValue(option, value)
        if deadline is not None:
            solver.setOptionValue("time_limit", max(deadline - time.monotonic(), SHORTEST_S))
        if most_nodes is not None:
            solver.setOptionValue("mip_max_nodes", most_nodes)
            _end_after(solver, LOOKS_AT_ROOT + LOOKS_PER_NODE * most_nodes)
        solver.passModel(self._model(goal))
        if start is not None:
            known = highspy.HighsSolution()
            known.col_value = start.tolist()
            solver.setSolution(known)
        solver.run()
        status, info = solver.getModelStatus(), solver.getInfo()
        self.nodes += max(int(info.mip_node_count), 0)
        if status == highspy.HighsModelStatus.kInfeasible:
            return None, True, np.inf
        is_certain = status == highspy.HighsModelStatus.kOptimal
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None, False, float(info.mip_dual_bound)
        values = np.array(solver.getSolution().col_value)
        return np.where(self._integer, np.round(values), values), is_certain, float(info.mip_dual_bound)

    def relaxed(self, goal: Terms) -> float:
        """Return what a sum cannot be less than, as it were without whole numbers: quick, and not always reached."""
        whole, self._integer = self._integer, [False] * len(self._integer)
        _, is_certain, _ = found = self.solve(goal)
        self._integer = whole
        values = found[0]
        if values is None or not is_certain:
            return -np.inf
        return float(sum(factor * values[variable] for variable, factor in goal))

    def _model(self, goal: Terms) -> HighsLp:
        import highspy

        cost = np.zeros(len(self._lower))
        for variable, factor in goal:
            cost[variable] += factor
        rows = csr_array(
            (self._factors, self._columns, self._starts), shape=(len(self._least), len(self._lower)), dtype=np.float64
        )
        rows.sum_duplicates()  # HiGHS refuses two entries at one place
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = len(self._lower), len(self._least)
        model.col_cost_, model.col_lower_, model.col_upper_ = cost, np.array(self._lower), np.array(self._upper)
        model.row_lower_, model.row_upper_ = np.array(self._least), np.array(self._most)
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = rows.indptr, rows.indices, rows.data
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[each] for each in self._integer]
        return model

    def best(
        self,
        goals: Iterable[Goal],
        deadline: float | None = None,
        most_nodes: int | None = None,
        start: Numbers | None = None,
        only_if_proven: bool = False,
    ) -> Numbers | None:
        """Return the values that make each goal least among those that are best for all before it.

        Args:
            goals: sums; one that is whole consists of variables that are 0 or 1 in the end, with whole factors.
            deadline: when the search ends, by ``time.monotonic``; a goal that is not reached by then is left as it stands.
            most_nodes: of the search tree of the first goal, likewise, and fewer of each that follows.
            start: values that keep all rows, to begin with; they are returned where nothing better was found.
            only_if_proven: no goal after the first counts where that is not known to be reached.
        """
        kept = self.so_far()
        values = start
        self.proven, self.proven_goals = True, 0
        for number, goal in enumerate(goals):
            largest = max((abs(factor) for _, factor in goal.terms), default=0.0)
            scale = min(1.0, LARGEST / (largest or 1.0))  # a goal may be all zeros: plans that cut nobody off
            terms = [(variable, factor * scale) for variable, factor in goal.terms]
            nodes = most_nodes if most_nodes is None or number == 0 else max(most_nodes // LESS_FOR_LATER, 1)
            better, is_certain, bound = self.solve(terms, deadline, nodes, values)
            if number == 0:
                self.bound, self.has_none = bound / scale, better is None and is_certain
            self.proven &= is_certain and better is not None
            if better is None:
                break
            values = better
            self.proven_goals += self.proven
            if not goal.whole or (only_if_proven and not self.proven and number == 0):
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


def _end_after(solver: Highs, looks: int) -> None:
    """End a search once the solver has looked so often whether to go on: on one thread it always does so at the same places."""
    left = iter(range(looks))
    solver.cbMipInterrupt.subscribe(lambda event: event.interrupt() if next(left, None) is None else None)
