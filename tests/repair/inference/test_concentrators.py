"""Terminals that share a named concentrator: it is one channel, and one word through it shows that it works."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.arrays import Numbers
from network.model import network_from_tables
from network.readers.one_line import one_line_tables
from repair import Inference
from repair.settings import InferenceSettings
from tests.repair.inference.words import minute, said

NODES = [2, 2, 2, 2, 4, 4, 5, 5, 5, 5]
DIAGRAM = "=S -[K1]- 1 -L1- 2 -FU kind=fuse- 3 -L2- 4; 3 -Q1 kind=switch- 5; "
DIAGRAM += "; ".join(f"T{at} @ {node}" for at, node in enumerate(NODES))
UP = list(range(10))


def probabilities(words: list[str], concentrators: Sequence[str | None], rules: InferenceSettings) -> Numbers:
    """Return how probable each transformer is off an hour after noon."""
    tables = one_line_tables(DIAGRAM)
    rows = zip(tables["transformers"], concentrators, strict=True)
    tables["transformers"] = [row | {"concentrator_id": each} for row, each in rows]
    inference = Inference(network_from_tables(tables).energise(), None, rules)
    inference.take(said(*words))
    inference.tick(minute(60))
    sure = inference.sure()
    return np.array([sure.get(f"T{at}", 0.0) for at in UP])


def test_who_is_silent_beside_one_that_spoke_has_power_rather() -> None:
    """T4 and T5 say off, and the other four behind the fuse nothing: their concentrator works, so rather L2 failed."""
    words, rules = ["T4 off 0", "T5 off 0.1"], InferenceSettings(channel_fails=0.2)
    without = probabilities(words, [None] * 10, rules)
    with_one = probabilities(words, ["A"] * 10, rules)
    assert (with_one[6:] < 0.8 * without[6:]).all()
    apart = probabilities(words, ["C"] * 4 + ["A"] * 2 + ["B"] * 4, rules)
    assert apart == pytest.approx(without, abs=1e-12)


@settings(max_examples=60)
@given(st.sets(st.sampled_from(UP), min_size=1), st.sets(st.sampled_from(UP)), st.booleans())
def test_a_concentrator_that_passed_on_a_word_is_a_channel_that_cannot_be_down(
    off: set[int], back: set[int], tripped: bool
) -> None:
    """Where one concentrator serves all and somebody spoke, all is as if no channel could fail at all.

    But for what it costs, as log, that the channel did not fail on any of the five branches if they are off.
    """
    words = [f"T{at} off 0" for at in sorted(off)] + [f"T{at} on 20" for at in sorted(off & back)]
    words += ["FU trip 0"] if tripped else []
    named = probabilities(words, ["A"] * 10, InferenceSettings(channel_fails=0.05))
    never = probabilities(words, [None] * 10, InferenceSettings(channel_fails=0.0))
    log_odds = [np.log(np.clip(each, 1e-9, 1 - 1e-9) / np.clip(1 - each, 1e-9, 1)) for each in (named, never)]
    assert (np.abs(log_odds[0] - log_odds[1]) < -5 * np.log(0.95) + 0.01).all()
