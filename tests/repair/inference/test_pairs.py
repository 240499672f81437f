"""Users of two feeders are evidence of both: the posterior equals the sum over all sets of cuts of all feeders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network import Network
from repair.inference import pairs
from repair.inference.pairs import Coupled, clusters
from repair.inference.posterior import Chances, Evidence
from repair.inference.states import DARK, OPENED, STATES
from tests.repair.inference.words import inferred

CLOSE = 1e-9


@st.composite
def forests(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, int]], int]:
    """Draw two feeders or three in depth-first order, users of two different ones, and a seed."""
    parent: list[int] = []
    for _ in range(draw(st.integers(2, 3))):
        top = len(parent)
        path = [top]
        parent.append(-1)
        for _ in range(draw(st.integers(0, 3))):
            path = path[: draw(st.integers(1, len(path)))]
            parent.append(path[-1])
            path.append(len(parent) - 1)
    tree = np.cumsum(np.array(parent) < 0).tolist()
    apart = [(a, b) for a in range(len(parent)) for b in range(len(parent)) if tree[a] != tree[b]]
    users = draw(st.lists(st.sampled_from(apart), min_size=1, max_size=3))
    return parent, users, draw(st.integers(0, 2**31))


@given(forests())
@settings(max_examples=150, deadline=None)
def test_it_equals_all_sets_of_cuts(case: tuple[list[int], list[tuple[int, int]], int]) -> None:
    parent, users, seed = case
    dice, count, ways = np.random.default_rng(seed), len(parent), 2
    own, heard, words = dice.normal(-2, 3, count), dice.normal(0, 3, (ways, count)), dice.normal(0, 4, len(users))
    done, of_users, says = (
        np.zeros((count, 4, 3)),
        np.zeros((ways, count, STATES)),
        np.zeros((len(users), STATES, STATES)),
    )
    done[:, :, 0], done[:, :, OPENED] = 1.0, np.exp(own)[:, None]
    of_users[:, :, 1:], says[:, 1:, 1:] = heard[:, :, None], words[:, None, None]
    never, prior = np.zeros((count, 3)), np.array([0.3, 0.7])
    chances = Chances(never, never, np.ones(count), channel_fails=0.0, channel_works=0.0, afloat=0.0)
    evidence = Evidence(np.array(parent), np.zeros(count), done, of_users, chances)
    found = Coupled(evidence, prior, np.array(users), says)

    sets = ((np.arange(1 << count)[:, None] >> np.arange(count)) & 1).astype(bool)
    dark = sets.copy()
    for node, above in enumerate(parent):
        if above >= 0:
            dark[:, node] |= dark[:, above]
    both = np.stack([dark[:, a] & dark[:, b] for a, b in users], axis=1)
    tree = np.cumsum(np.array(parent) < 0) - 1
    logs = np.stack(
        [np.stack([dark[:, tree == t] @ heard[w, tree == t] for t in range(tree[-1] + 1)]) for w in range(ways)]
    )
    of_ways = prior[:, None, None] * np.exp(logs)
    weight = np.exp(sets @ own + both @ words) * of_ways.sum(axis=0).prod(axis=0)
    weight /= weight.sum()
    assert found.counted.all()
    state = sum(found.weight[w][tree][:, None] * found.follows["state"][w] for w in range(ways))
    opened = sum(found.weight[w][tree] * found.follows["opened"][w] for w in range(ways))
    assert state[:, DARK] == pytest.approx(weight @ dark, abs=CLOSE)
    assert opened == pytest.approx(weight @ sets, abs=CLOSE)
    assert found.both[:, DARK, DARK] == pytest.approx(weight @ both, abs=CLOSE)
    assert found.weight == pytest.approx((weight * of_ways / of_ways.sum(axis=0)).sum(axis=2), abs=CLOSE)


def test_groups_hold_all_that_hangs_together() -> None:
    found = clusters(np.array([[4, 1], [2, 3], [1, 2], [7, 8], [8, 7]]))
    assert found == [([1, 2, 3, 4], [0, 1, 2]), ([7, 8], [3, 4])]


def test_more_users_than_can_be_taken_in_turn_leave_out_those_that_tell_least() -> None:
    count = 40
    never = np.zeros((2 * count, 3))
    chances = Chances(never, never, np.ones(2 * count))
    parent = np.array([-1, *range(count - 1), -1, *range(count, 2 * count - 1)])
    done = np.zeros((2 * count, 4, 3))
    done[:, :, 0], done[:, :, OPENED] = 1.0, 1e-3
    users = np.zeros((1, 2 * count, STATES))
    says = np.zeros((9, STATES, STATES))
    says[:, DARK, DARK] = np.arange(9)
    nodes = np.stack([np.arange(9), count + np.arange(9)], axis=1)
    found = Coupled(Evidence(parent, np.zeros(2 * count), done, users, chances), np.ones(1), nodes, says)
    assert 2 * count * STATES ** found.counted.sum() <= pairs.MOST < 2 * count * STATES ** (found.counted.sum() + 1)
    assert np.flatnonzero(found.counted).tolist() == list(range(9 - found.counted.sum(), 9))


TWO = (
    "=S -[K1]- 1 -L1- 2 -F1 kind=fuse- 3; =R -[K2]- 4 -L2- 5 -F2 kind=fuse- 6; "
    "T1 @ 2; T2 @ 2; T3 @ 5; T4 @ 5; T5 @ 3; T6 @ 6; T7 @ 3, 6; T8 @ 3, 6"
)


def test_what_users_of_two_feeders_say_counts_for_both() -> None:
    (alone,) = inferred(Network.from_text(TWO), "T6 off 0", at=20).incidents
    assert (alone.object_id, alone.state) == ("T6", "suspected")
    (fuse,) = inferred(Network.from_text(TWO), "T6 off 0", "T7 off 0.1", "T8 off 0.2", at=20).incidents
    assert (fuse.object_id, fuse.dark_ids, fuse.state) == ("F2", ("T6",), "confirmed")


def test_a_user_of_two_feeders_that_has_power_speaks_against_one_of_two_trips() -> None:
    trips = ("K1 trip 0", "T1 off 0", "T2 off 0", "T5 off 0", "K2 trip 0.3")
    net = Network.from_text(TWO)
    off, live = inferred(net, *trips, "T7 off 0.4", at=20).sure(), inferred(net, *trips, "T7 answered 3", at=20).sure()
    assert off["T7"] > 0.9 > live["T7"]
    assert off["T1"] > 0.99
    assert off["T3"] > 0.9 > live["T3"]


def test_users_of_two_feeders_alone_make_an_event_of_both() -> None:
    found = inferred(Network.from_text(TWO), "T7 off 0", "T8 off 0.1", at=20)
    before = found.sure()
    assert before["T5"] == pytest.approx(before["T6"], rel=0.01)
    assert 0.2 < before["T5"] < 0.5
    assert before["T7"] < before["T5"]


def test_their_words_count_once_and_in_any_order() -> None:
    words = ["K1 trip 0", "T5 off 0", "T6 off 1", "T7 off 1", "T8 answered 4", "K2 trip 1"]
    once = inferred(Network.from_text(TWO), *words, at=30)
    again = inferred(Network.from_text(TWO), *reversed(words), *words, at=30)
    assert once.incidents == again.incidents
    assert once.sure() == again.sure()
    assert [str(problem.message).rpartition(": ")[2] for problem in again.problems] == [str(len(words))]
