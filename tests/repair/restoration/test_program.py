"""The mixed-integer program: goals that say nothing keep the others, and what is best comes back."""

from __future__ import annotations

import time

from repair.restoration.program import Goal, Program


def test_a_goal_of_zeros_is_best_anyhow_and_the_next_one_decides() -> None:
    program = Program()
    first, second = program.variables(2, integer=True).tolist()
    program.row([(first, 1.0), (second, 1.0)], 1.0, 1.0)
    goals = [Goal([(first, 0.0), (second, 0.0)]), Goal([]), Goal([(first, 2.0), (second, 1.0)])]
    values = program.best(goals, time.monotonic() + 5)
    assert values is not None
    assert values.tolist() == [0.0, 1.0]
    assert program.proven
