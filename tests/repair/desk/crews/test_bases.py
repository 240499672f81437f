"""Bases are the best of all choices, tried one by one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fudian
from data_samples.generator.county import COUNTY
from network import FudianError
from repair.desk.crews.bases import best_bases, figures

Problem = tuple[np.ndarray, np.ndarray, int]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    candidates, places = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    one = st.integers(0, 60).map(float)
    minutes = np.array([[draw(one) for _ in range(places)] for _ in range(candidates)])
    weight = np.array([float(draw(st.integers(1, 9))) for _ in range(places)])
    return minutes, weight, draw(st.integers(1, candidates))


@settings(max_examples=60, deadline=None)
@given(problems())
def test_no_other_bases_are_nearer(problem: Problem) -> None:
    minutes, weight, count = problem
    found = best_bases(minutes, weight, count)
    every = [figures(minutes, weight, chosen, None)[0] for chosen in combinations(range(len(minutes)), count)]
    assert len(found.chosen) == count
    assert found.proven
    assert found.mean_min == pytest.approx(min(every))


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(0, 60))
def test_no_other_bases_cover_more(problem: Problem, limit_min: int) -> None:
    minutes, weight, count = problem
    found = best_bases(minutes, weight, count, float(limit_min))
    every = [figures(minutes, weight, chosen, limit_min)[1] for chosen in combinations(range(len(minutes)), count)]
    assert len(found.chosen) == count
    assert found.covered == pytest.approx(max(each for each in every if each is not None))


def test_too_many_bases_or_no_faults_are_refused() -> None:
    with pytest.raises(FudianError, match="3 bases cannot be chosen among 2 places"):
        best_bases(np.ones((2, 2)), np.ones(2), 3)
    with pytest.raises(FudianError):
        best_bases(np.ones((2, 2)), np.zeros(2), 1)


def test_the_county_gains_by_better_places() -> None:
    utility = fudian.open(COUNTY, "en")
    answer = utility.bases().as_dict()
    assert len(answer["rows"]) == 6
    assert answer["mean_min"] < answer["today"]["mean_min"]
    assert sum(row["faults"] for row in answer["rows"]) == answer["faults"] > 500
    within = utility.bases(count=3, limit_min=15.0).as_dict()
    more = utility.bases(count=6, limit_min=15.0).as_dict()
    assert 0 < within["covered"] <= more["covered"] <= 1
    assert more["covered"] >= more["today"]["covered"]
