"""The posterior on a forest equals the sum over every explanation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair.inference.best import Best
from repair.inference.coupled import off_by_both
from repair.inference.feeders import Given, Mixed, Spoken
from repair.inference.passes import judge_trees
from repair.inference.posterior import Chances, Evidence, Posterior
from repair.inference.states import STATES
from tests.repair.inference.every_explanation import B, D, L, M, W, explanations

CLOSE = 1e-9


def random_parents(dice: np.random.Generator, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A random forest in depth-first order."""
    path: list[int] = []
    parent = []
    for branch in range(count):
        path = path[: dice.integers(0, len(path) + 1)]
        parent.append(path[-1] if path else -1)
        path.append(branch)
    return np.array(parent, dtype=np.int64)


def random_evidence(seed: int, count: int, extreme: float = 3.0) -> Evidence:
    """A random forest with random evidence; some things are certain."""
    dice = np.random.default_rng(seed)
    parent = random_parents(dice, count)
    done = dice.random((count, 4, 3)) * np.exp(dice.normal(0, 3, (count, 4, 3)))
    done[dice.random(count) < 0.3, :, 1:] = 0.0
    fault = dice.random(count) * 10.0 ** -dice.integers(0, 6, count)
    users = dice.normal(0, extreme, (count, 5))
    chances = Chances(
        refed=dice.random((count, 3)) * 0.5 * (dice.random((count, 3)) < 0.5),
        left=dice.random((count, 3)) * 0.5 * (dice.random((count, 3)) < 0.5),
        repaired=dice.random(count) * (dice.random(count) < 0.7),
        channel_fails=dice.choice([0.0, 0.1]), channel_works=dice.choice([0.0, 0.3]), afloat=dice.choice([0.0, 1e-3]),
    )  # fmt: skip
    return Evidence(parent, fault, done, users, chances)


@given(st.integers(0, 2**31), st.integers(1, 3))
@settings(max_examples=60)
def test_it_equals_every_explanation(seed: int, count: int) -> None:
    evidence = random_evidence(seed, count)
    told = list(explanations(evidence))
    weight = np.array([each.weight for each in told])
    total = weight.sum()
    found = Posterior(evidence)
    assert found.log_evidence.sum() == pytest.approx(np.log(total), abs=CLOSE)
    share = weight / total

    def sums(which: list[bool]) -> float:
        return float(share[np.array(which)].sum())

    parent = evidence.parent
    for b in range(count):
        for state in range(5):
            assert found.state[b, state] == pytest.approx(sums([t.states[b] == state for t in told]), abs=CLOSE)
        assert found.fault[b] == pytest.approx(sums([b in t.faults for t in told]), abs=CLOSE)
        assert found.flow[b].sum() == pytest.approx(sums([t.flow[b] for t in told]), abs=CLOSE)
        assert found.opened[b] == pytest.approx(sums([t.did[b] == 1 for t in told]), abs=CLOSE)
        for number in (0, 1):
            begins = [t.did[b] == number + 1 and (parent[b] < 0 or t.states[parent[b]] == L) for t in told]
            assert found.cut[b, number] == pytest.approx(sums(begins), abs=CLOSE)


@given(st.integers(0, 2**31), st.integers(1, 12))
@settings(max_examples=200)
def test_it_equals_all_sets_of_cuts(seed: int, count: int) -> None:
    """With cuts alone the sums run over all their sets, nested ones too (field reference 6.3)."""
    dice = np.random.default_rng(seed)
    parent = random_parents(dice, count)
    own, heard = dice.normal(-2, 3, count), dice.normal(0, 3, count)
    done = np.zeros((count, 4, 3))
    done[:, :, 0], done[:, :, 1] = 1.0, np.exp(own)[:, None]
    users = np.zeros((count, 5))
    users[:, [D, M, B]] = heard[:, None]
    never = np.zeros((count, 3))
    chances = Chances(never, never, np.ones(count), channel_fails=0.0, channel_works=0.0, afloat=0.0)
    found = Posterior(Evidence(parent, np.zeros(count), done, users, chances))
    sets = (np.arange(1 << count)[:, None] >> np.arange(count)) & 1
    dark = sets.astype(bool)
    for b in range(count):
        if parent[b] >= 0:
            dark[:, b] |= dark[:, parent[b]]
    logs = sets @ own + dark @ heard
    best = Best(found.evidence).explained
    assert best.log_weight.sum() == pytest.approx(logs.max(), abs=CLOSE)
    assert best.did.tolist() == sets[logs.argmax()].tolist()
    assert ((best.state == D) == dark[logs.argmax()]).all()
    weight = np.exp(logs)
    assert found.log_evidence.sum() == pytest.approx(np.log(weight.sum()), abs=CLOSE)
    assert found.dark == pytest.approx(weight @ dark / weight.sum(), abs=CLOSE)
    assert found.opened == pytest.approx(weight @ sets / weight.sum(), abs=CLOSE)


@given(st.integers(0, 2**31), st.integers(1, 3))
@settings(max_examples=60)
def test_the_best_of_every_explanation_is_found(seed: int, count: int) -> None:
    evidence = random_evidence(seed, count)
    told = list(explanations(evidence))
    found = Best(evidence).explained
    best = max(each.weight for each in told)
    assert found.log_weight.sum() == pytest.approx(np.log(best), abs=CLOSE)
    chosen = [
        each.weight
        for each in told
        if each.faults == tuple(np.flatnonzero(found.fault).tolist())
        and each.did == tuple(found.did.tolist())
        and each.states == tuple(found.state.tolist())
    ]
    assert max(chosen) == pytest.approx(best, rel=CLOSE)


@given(st.integers(0, 2**31), st.integers(1, 2), st.integers(1, 2))
@settings(max_examples=40)
def test_a_user_of_two_feeders_equals_every_explanation_of_both(seed: int, count: int, other_count: int) -> None:
    dice = np.random.default_rng(seed)
    ways = [random_evidence(seed + each, size) for each, size in enumerate((count, other_count))]
    says, by_one, dead = dice.normal(0, 3, STATES), float(dice.random()), dice.random(STATES)
    off = total = 0.0
    for first in explanations(ways[0]):
        for second in explanations(ways[1]):
            one, other = first.states[-1], second.states[-1]
            own = next(state for state in (L, B, W, D, M) if state in {one, other})
            weight, single = first.weight * second.weight, (one == L) != (other == L)
            off += weight * np.exp(says[own]) * dead[own]
            total += weight * (np.exp(says[own]) + by_one * single)
    one_node, other_node = (Posterior(way).state[[-1]] for way in ways)
    found = off_by_both(one_node, other_node, says[None], np.array([by_one]), dead[None])
    assert found[0] == pytest.approx(off / total, abs=CLOSE)


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(0, 12))
@settings(max_examples=100)
def test_feeders_one_after_the_other_are_the_mixture_of_the_ways_of_reporting(
    seed: int, count: int, users: int
) -> None:
    dice = np.random.default_rng(seed)
    evidence = random_evidence(seed, count)
    done = evidence.done / np.maximum(evidence.done.sum(axis=2, keepdims=True), 1.0)
    parent, chances, ways = evidence.parent, evidence.chances, 3
    node, row = np.sort(dice.integers(0, count, users)), dice.integers(0, 4, users)
    says, dead, gone = dice.normal(0, 8, (ways, 4, STATES)), *dice.random((2, ways, 4, STATES))
    prior, back = dice.dirichlet(np.ones(ways)), dice.random(int((parent < 0).sum()))
    tops = np.flatnonzero(parent < 0)
    given_ = Given(
        np.append(tops, count), parent, evidence.fault, done, np.stack([chances.refed, chances.left], axis=1), chances.repaired,
        np.array([chances.channel_fails, chances.channel_works, chances.afloat]), np.zeros(count, dtype=np.bool_), back,
    )  # fmt: skip
    spoken = Spoken(np.searchsorted(node, given_.first), node, row, says, dead, gone, np.log(prior))
    found, greatest = Mixed.of(given_, spoken), says.max(axis=2)
    judge_trees(given_, spoken, np.exp(says - greatest[..., None]), greatest, np.zeros(2), found)

    said = np.zeros((ways, count, STATES))
    for user in range(users):
        said[:, node[user]] += says[:, row[user]]
    each = Posterior(replace(evidence, done=done, users=said))
    logs = each.log_evidence + np.log(prior)[:, None]
    weight = np.exp(logs - np.logaddexp.reduce(logs, axis=0))
    share = weight[:, np.cumsum(parent < 0) - 1]
    assert found.log_evidence == pytest.approx(np.logaddexp.reduce(logs, axis=0), abs=CLOSE)
    assert found.weight == pytest.approx(weight.T, abs=CLOSE)
    assert found.state == pytest.approx(np.einsum("wn,wns->ns", share, each.state), abs=CLOSE)
    assert found.cut == pytest.approx(np.einsum("wn,wns->ns", share, each.cut), abs=CLOSE)
    for mine, theirs in ((found.fault, each.fault), (found.opened, each.opened), (found.flow, each.flow.sum(axis=-1))):
        assert mine == pytest.approx((share * theirs).sum(axis=0), abs=CLOSE)
    for mine, rate in ((found.dark, dead), (found.was, gone)):
        assert mine == pytest.approx(
            np.einsum("wu,wus,wus->u", share[:, node], each.state[:, node], rate[:, row]), abs=CLOSE
        )
    odds = np.exp(np.minimum(each.log_odds_dead(back), 500.0))
    assert np.exp(found.lost_source) == pytest.approx((weight * odds).sum(axis=0), rel=1e-6, abs=1e-15)


def test_strong_words_against_each_other_stay_numbers() -> None:
    given_ = random_evidence(1, 40, extreme=200.0)
    evidence = replace(given_, done=given_.done + 1e-9, chances=replace(given_.chances, afloat=1e-9))
    found = Posterior(evidence)
    assert np.isfinite(found.log_evidence).all()
    assert found.state.sum(axis=1) == pytest.approx(np.ones(40), abs=1e-6)


def test_the_best_explanation_of_a_feeder_deeper_than_any_is_found() -> None:
    """Of 200,000 branches in a row the last said that it opened, and who hangs below it is off; nothing else is known."""
    count = 200_000
    done = np.zeros((count, 4, 3))
    done[:, :, 0] = 1.0
    done[-1, :, 0], done[-1, :, 1] = 0.1, 0.9
    users = np.zeros((count, 5))
    users[-1] = [-9.0, 0.0, 0.0, -9.0, -9.0]
    never = np.zeros((count, 3))
    chances = Chances(never, never, np.ones(count), channel_fails=0.0, channel_works=0.0, afloat=0.0)
    best = Best(Evidence(np.arange(count) - 1, np.zeros(count), done, users, chances)).explained
    assert np.flatnonzero(best.did).tolist() == [count - 1]
    assert np.flatnonzero(best.state).tolist() == [count - 1]
    assert not best.fault.any()
    assert best.log_weight.tolist() == pytest.approx([np.log(0.9)])
