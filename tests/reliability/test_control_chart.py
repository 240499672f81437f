"""The control chart: limits of a worked run, and what happens with little data."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.control_chart import control_chart


def test_limits_of_a_run_worked_by_hand() -> None:
    # mean 12; moving ranges 2, 4, 2, 4 have the mean 3; 2.66 x 3 = 7.98
    chart = control_chart([10, 12, 16, 14, 10])
    assert chart.mean == pytest.approx(12.4)
    assert chart.lower == pytest.approx(12.4 - 7.98)
    assert chart.upper == pytest.approx(12.4 + 7.98)
    assert chart.stable


def test_a_value_far_from_the_others_is_a_signal() -> None:
    chart = control_chart([10, 11, 10, 11, 10, 11, 10, 11, 10, 30])
    assert chart.signals == (9,)
    assert chart.stable is False


def test_the_range_goes_over_a_missing_month() -> None:
    assert control_chart([10, None, 14, 12]).upper == pytest.approx(12 + 2.66 * 3)


def test_limits_stay_within_what_the_figure_can_be() -> None:
    chart = control_chart([90, 100, 80, 100], 0, 100)
    assert chart.upper == 100


@pytest.mark.parametrize("values", [[], [None], [5.0], [None, 5.0]])
def test_without_two_values_there_are_no_limits(values: list[float | None]) -> None:
    chart = control_chart(values)
    assert chart.lower is None
    assert chart.upper is None
    assert chart.stable is None
    assert chart.mean == (5.0 if 5.0 in values else None)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=40), st.floats(-50, 50))
def test_limits_move_with_the_run(values: list[float], shift: float) -> None:
    chart, moved = control_chart(values), control_chart([value + shift for value in values])
    assert chart.lower is not None
    assert moved.lower == pytest.approx(chart.lower + shift, abs=1e-6)


@given(st.lists(st.one_of(st.none(), st.integers(0, 6).map(float)), max_size=30))
def test_runs_are_what_counting_from_every_place_finds(values: list[float | None]) -> None:
    chart = control_chart(values)
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    expected = set()
    for first in range(len(known)):
        for last in range(first, len(known)):
            part = [value for _, value in known[first : last + 1]]
            tests: dict[str, tuple[int, Callable[[list[float]], bool]]] = {
                "above": (8, lambda run: all(value > chart.mean for value in run)),
                "below": (8, lambda run: all(value < chart.mean for value in run)),
                "rising": (6, lambda run: all(one < two for one, two in pairwise(run))),
                "falling": (6, lambda run: all(one > two for one, two in pairwise(run))),
            }
            for kind, (least, holds) in tests.items():
                wider = [known[max(first - 1, 0) : last + 1], known[first : last + 2]]
                grows = any(len(each) > len(part) and holds([value for _, value in each]) for each in wider)
                if len(part) >= least and holds(part) and not grows:
                    expected.add((kind, known[first][0], known[last][0], len(part)))
    assert {(run.kind, run.first, run.last, run.length) for run in chart.runs} == expected


def test_nine_months_below_the_mean_are_not_usual() -> None:
    chart = control_chart([88.0, 93.0, 87.5, 92.0, *[86.0, 87.0, 86.5, 87.0, 86.0, 87.2, 86.1, 86.9, 86.4]])
    assert chart.signals == ()
    assert [(run.kind, run.length) for run in chart.runs] == [("below", 9)]
    assert chart.stable is False


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 6).map(float)), min_size=1, max_size=30),
    st.lists(st.integers(-2, 32), max_size=3),
)
def test_limits_and_runs_begin_anew_at_each_stated_change(values: list[float | None], changes: list[int]) -> None:
    chart = control_chart(values, 0.0, changes=changes)
    edges = sorted({0, *(change for change in changes if 0 < change < len(values))})
    alone = [control_chart(values[first:last], 0.0) for first, last in pairwise([*edges, len(values)])]
    assert [stretch.first for stretch in chart.stretches] == edges
    assert [(stretch.mean, stretch.lower, stretch.upper) for stretch in chart.stretches] == [
        (each.mean, each.lower, each.upper) for each in alone
    ]
    assert (chart.mean, chart.lower, chart.upper) == (alone[-1].mean, alone[-1].lower, alone[-1].upper)
    assert list(chart.signals) == [
        first + place for first, each in zip(edges, alone, strict=True) for place in each.signals
    ]
    assert [(run.kind, run.first, run.length) for run in chart.runs] == [
        (run.kind, first + run.first, run.length) for first, each in zip(edges, alone, strict=True) for run in each.runs
    ]
