"""Every explanation of what was heard on a small forest, one by one: faults, doings of devices and states of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from repair.inference.posterior import Evidence

L, D, M, B, W = range(5)
NEXT_CHANNEL = {D: (D, M), M: (M, D), B: (B, W), W: (W, B)}
DARK, BACK = {D: D, M: M, B: D, W: M}, {D: B, M: W, B: B, W: W}


@dataclass(frozen=True)
class Told:
    """One explanation with its weight."""

    weight: float
    faults: tuple[int, ...]
    did: tuple[int, ...]
    states: tuple[int, ...]
    flow: tuple[bool, ...]


def channel(evidence: Evidence, before: int, after: int) -> float:
    """How probable a channel goes on like this; both states are dark, or both are back."""
    chances = evidence.chances
    was_down, is_down = before in {M, W}, after in {M, W}
    change = chances.channel_works if was_down else chances.channel_fails
    return change if was_down != is_down else 1 - change


def steps(evidence: Evidence, branch: int, current: int, did: int, above: int) -> Iterator[tuple[int, float]]:
    """The states of a lower node, with what each is worth."""
    chances = evidence.chances
    refed, left = float(chances.refed[branch, current]), float(chances.left[branch, current])
    if above == L:
        start = {0: L, 1: D, 2: B}[did]
        ways = [(start, 1.0)]
    elif did == 1:
        ways = [(DARK[above], 1.0)]
    elif did == 2 and above in {B, W}:
        ways = [(above, 1.0)]
    elif above in {D, M}:
        ways = [(above, 1 - refed), (BACK[above], refed), (L, chances.afloat)]
    else:
        ways = [(above, 1 - left), (DARK[above], left), (L, chances.afloat)]
    for state, weight in ways:
        if state == L:
            yield L, weight
        else:
            for after in NEXT_CHANNEL[state]:
                yield after, weight * channel(evidence, state, after)


def explanations(evidence: Evidence) -> Iterator[Told]:
    """Every explanation."""
    parent, count = evidence.parent.tolist(), len(evidence.parent)
    children = [[c for c in range(count) if parent[c] == b] for b in range(count)]
    for mask in range(1 << count):
        faults = [bool(mask >> b & 1) for b in range(count)]
        prior = float(np.prod([evidence.fault[b] if faults[b] else 1 - evidence.fault[b] for b in range(count)]))
        if prior:
            yield from _with_faults(evidence, children, faults, prior)


def _with_faults(evidence: Evidence, children: list[list[int]], faults: list[bool], prior: float) -> Iterator[Told]:
    count = len(faults)
    upper = [0] * count

    def currents(branch: int, chosen: list[int]) -> Iterator[tuple[list[int], list[int]]]:
        """Choose, from the leaves, whether each uncleared current is cleared at a branch."""
        if branch < 0:
            yield list(upper), list(chosen)
            return
        lower = lower_of(upper, branch)
        for way, at in {0: [(0, 0)], 1: [(1, 1)], 2: [(2, 1), (3, 2)]}[lower]:
            upper[branch] = at
            yield from currents(branch - 1, [way, *chosen])

    def lower_of(at: list[int], branch: int) -> int:
        return 2 if faults[branch] else max((at[c] for c in children[branch]), default=0)

    for up, way in currents(count - 1, []):
        below = [lower_of(up, branch) for branch in range(count)]
        yield from _walk(evidence, faults, below, way, 0, prior, (), ())


def _walk(
    evidence: Evidence,
    faults: list[bool],
    below: list[int],
    way: list[int],
    branch: int,
    weight: float,
    did: tuple[int, ...],
    states: tuple[int, ...],
) -> Iterator[Told]:
    """Choose what each device did, and the state of each node, from the top."""
    if branch == len(faults):
        flow = tuple(current > 0 for current in below)
        yield Told(weight, tuple(b for b, faulted in enumerate(faults) if faulted), did, states, flow)
        return
    parent = int(evidence.parent[branch])
    above = L if parent < 0 else states[parent]
    for act in range(3):
        chance = float(evidence.done[branch, way[branch], act])
        if faults[branch] and ((act == 0 and above in {B, W}) or (act == 2 and above in {L, B, W})):
            chance *= float(evidence.chances.repaired[branch])
        for state, worth in steps(evidence, branch, below[branch], act, above):
            if chance and worth:
                heard = weight * chance * worth * float(np.exp(evidence.users[branch, state]))
                yield from _walk(evidence, faults, below, way, branch + 1, heard, (*did, act), (*states, state))
