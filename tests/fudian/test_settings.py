"""Every answer states the settings it rests on that differ from their defaults, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import fudian
from data_samples.generator.county import COUNTY
from fudian import Utility

CHANGED = {
    "reading": {"still_off": ["/"]},
    "reliability": {"notice_h": 7.0},
    "crews": {"keep_zones": True},
    "inference": {"quiet_min": 31.0},
    "intake": {"mqtt": "mqtt://user@host:1883"},
    "messages": {"to": "https://gateway.example/secret"},
    "location": {"miss_rate": 0.05},
}
"""The last is the default itself."""


@pytest.fixture(scope="module")
def utility() -> Utility:
    whole = fudian.open(COUNTY, "en").workspace
    return fudian.open(replace(whole, settings={**whole.settings, **CHANGED}), "en")


STATED: dict[str, tuple[Callable[[Utility], Any], set[str]]] = {
    "indices": (lambda utility: utility.indices("2022"), {"reliability"}),
    "affected": (lambda utility: utility.affected(open="F03-K02"), {"inference"}),
    "locate": (
        lambda utility: utility.locate(
            [{"time": "2022-03-01 08:00", "object": "branch", "object_id": "F03-K02", "kind": "trip"}]
        ),
        {"inference"},
    ),
    "bases": (lambda utility: utility.bases(), {"crews"}),
    "operated": (lambda utility: utility.operated(), set()),
    "why": (lambda utility: utility.why("2021", "2022"), {"reliability"}),
}


@pytest.mark.parametrize("question", STATED)
def test_an_answer_states_the_settings_it_rests_on(utility: Utility, question: str) -> None:
    ask, subjects = STATED[question]
    expected = {subject: CHANGED[subject] for subject in ("reading", *subjects)}
    for answer in (ask(utility), ask(utility)):  # the second is remembered
        form = answer if isinstance(answer, dict) else answer.as_dict()
        assert form["settings_changed"] == expected


def test_settings_that_cannot_be_used_are_not_stated_and_others_are() -> None:
    whole = fudian.open(COUNTY, "en").workspace
    settings = {**whole.settings, "crews": {"nope": 1}, "planned": {"merge_most": 3}}
    assert fudian.open(replace(whole, settings=settings)).settings_changed("crews") == {"planned": {"merge_most": 3}}
