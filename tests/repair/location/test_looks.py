"""What crews say of sections is evidence like any other: Bayes' rule on the posterior without it."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network
from repair.location.looks import Look
from repair.location.sections import Location, locate
from repair.settings import LocationSettings

NET = Network.from_text("=S -[K1]- 1 -L1- 2 -[K2]- 3 -L2- 4 -[K3]- 5 -L3- 6; T1(3) @ 2; T2(3) @ 4; T3(3) @ 6")
SUPPLY = NET.energise()
NOON = datetime(2022, 7, 20, 12)
SIGNALS = pl.DataFrame(
    {
        "time": [NOON],
        "object": ["branch"],
        "object_id": ["K1"],
        "kind": ["trip"],
        "value": [1.0],
        "received": [None],
    }
)
SENSORS = pl.DataFrame({"branch_id": ["K2", "K3"], "miss_rate": [0.4, 0.4], "false_rate": [0.05, 0.05]})


def located(*looks: Look, miss: float = 0.05, false: float = 0.0001) -> Location:
    return locate(SUPPLY, SIGNALS, SENSORS, LocationSettings(look_miss_rate=miss, look_false_rate=false), looks)


def of(location: Location) -> dict[str, float]:
    return {branch: each.probability for each in location.ranked for branch in each.branches}


def test_a_section_without_the_fault_gives_its_probability_to_the_others() -> None:
    before, after = located(), located(Look(frozenset({"L1"}), found=False))
    first = next(each for each in before.ranked if "L1" in each.branches)
    looked = located(Look(frozenset(first.branches), found=False))
    ratio = of(before)["L2"] / of(before)["L3"]
    assert of(looked)["L2"] / of(looked)["L3"] == pytest.approx(ratio)
    odds = [each["L1"] / (1 - each["L1"]) for each in (of(looked), of(before))]
    assert odds[0] == pytest.approx(odds[1] * 0.05 / (1 - 0.0001))
    assert of(after)["L1"] <= of(before)["L1"]
    assert sum(each.probability for each in looked.ranked) == pytest.approx(1)


def test_a_section_that_was_found_is_all_but_certain_and_a_later_word_counts() -> None:
    section = next(each for each in located().ranked if "L3" in each.branches)
    found = Look(frozenset(section.branches), found=True)
    assert of(located(found))["L3"] > 0.9
    taken_back = located(found, Look(frozenset(section.branches), found=False))
    assert of(taken_back)["L3"] < of(located())["L3"]


_RATE = st.floats(0.001, 0.4)


@given(_RATE, _RATE, st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=4))
def test_the_posterior_is_that_of_bayes_rule(miss: float, false: float, said: list[tuple[int, bool]]) -> None:
    before = located()
    names = [each.branches for each in before.ranked]
    looks = [Look(frozenset(names[which % len(names)]), found) for which, found in said]
    likelihood = np.ones(len(names))
    for number, branches in enumerate(names):
        word = next((look.found for look in reversed(looks) if look.branches == frozenset(branches)), None)
        if word is not None:
            likelihood[number] = (1 - miss) / false if word else miss / (1 - false)
    expected = np.array([each.probability for each in before.ranked]) * likelihood
    expected /= expected.sum()
    told = {each.branches: each.probability for each in located(*looks, miss=miss, false=false).ranked}
    for branches, probability in zip(names, expected, strict=True):
        assert told[branches] == pytest.approx(probability, abs=1e-9)
