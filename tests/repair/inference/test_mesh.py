"""Closed rings, several sources and users of two nodes: the posterior equals the sum over all sets of cuts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair.inference.mesh import Mesh
from repair.inference.posterior import Chances
from repair.inference.states import DARK, OPENED, STATES

CLOSE = 1e-9
Dark = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def random_mesh(seed: int, branches: int, rings: int, users_of_two: int) -> tuple[Mesh, Dark, np.ndarray]:
    """Return a network of cuts alone, who is dark by each set of them, and the log-weight of each set."""
    dice = np.random.default_rng(seed)
    rings = min(rings, branches - 1)
    nodes = branches - rings
    ends = [(int(dice.integers(-1, node)), node) for node in range(nodes)]
    while len(ends) < branches:
        one, other = (int(integer) for integer in dice.integers(-1, nodes, 2))
        if one != other:
            ends.append((one, other))
    own, heard = dice.normal(-2, 3, branches), dice.normal(0, 3, nodes)
    done = np.zeros((branches, 4, 3))
    done[:, :, 0], done[:, :, OPENED] = 1.0, np.exp(own)[:, None]
    users = np.zeros((nodes, STATES))
    users[:, 1:] = heard[:, None]
    pairs = dice.integers(0, nodes, (users_of_two, 2))
    words = dice.normal(0, 4, users_of_two)
    says = np.zeros((users_of_two, STATES, STATES))
    says[:, 1:, 1:] = words[:, None, None]
    never = np.zeros((branches, 3))
    chances = Chances(never, never, np.ones(branches), channel_fails=0.0, channel_works=0.0, afloat=0.0)
    none = np.zeros(branches, dtype=np.bool_)
    mesh = Mesh(np.array(ends), np.zeros(branches), done, users, chances, pairs, says, none, none)
    sets = ((np.arange(1 << branches)[:, None] >> np.arange(branches)) & 1).astype(bool)
    live = np.zeros((len(sets), nodes + 1), dtype=np.bool_)
    live[:, -1] = True
    for _ in range(nodes):
        for branch, (one, other) in enumerate(ends):
            carries = ~sets[:, branch] & (live[:, one] | live[:, other])
            live[:, one] |= carries
            live[:, other] |= carries
    dark = ~live[:, :-1]
    both = dark[:, pairs[:, 0]] & dark[:, pairs[:, 1]]
    return mesh, dark, sets @ own + dark @ heard + both @ words


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(0, 4), st.integers(0, 2))
@settings(max_examples=200, deadline=None)
def test_it_equals_all_sets_of_cuts(seed: int, branches: int, rings: int, users_of_two: int) -> None:
    mesh, dark, logs = random_mesh(seed, branches, rings, users_of_two)
    weight = np.exp(logs - logs.max())
    sets = ((np.arange(len(logs))[:, None] >> np.arange(branches)) & 1).astype(bool)
    found = mesh.marginals
    assert float(found.log_evidence) == pytest.approx(np.log(weight.sum()) + logs.max(), abs=CLOSE)
    assert found.state[:, DARK] == pytest.approx(weight @ dark / weight.sum(), abs=CLOSE)
    assert found.opened == pytest.approx(weight @ sets / weight.sum(), abs=CLOSE)


@given(st.integers(0, 2**31), st.integers(1, 10), st.integers(0, 3), st.integers(0, 1))
@settings(max_examples=100, deadline=None)
def test_the_best_set_of_cuts_is_found(seed: int, branches: int, rings: int, users_of_two: int) -> None:
    mesh, dark, logs = random_mesh(seed, branches, rings, users_of_two)
    best, log_weight = mesh.best()
    assert log_weight == pytest.approx(logs.max(), abs=CLOSE)
    cuts = (best.did == OPENED).astype(np.int64)
    number = int(cuts @ (1 << np.arange(branches)))
    assert logs[number] == pytest.approx(logs.max(), abs=CLOSE)
    assert ((best.state == DARK) == dark[number]).all()
