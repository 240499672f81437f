"""Feeders without closed rings judged one after the other, compiled: each way of reporting is weighed, and the ways are mixed.

What is worked with belongs to one feeder, so that it stays near the processor however many feeders are judged at once.
"""

from __future__ import annotations

import math

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.compiled import compiled
from repair.inference.feeders import Given, Mixed, Spoken
from repair.inference.passes import downwards, upwards
from repair.inference.states import BACK, DARK, LIVE, STATES

_LEAST = 1e-300
_MOST_LOG_ODDS = 500.0


@compiled
def _listen(
    node: Indices, row: Indices, says: Numbers, likely: Numbers, greatest: Numbers, first: int, heard: Numbers
) -> float:
    """Fill in the likelihoods of what is said at each node of a feeder, scaled, (nodes, 5); return the log of the scale."""
    heard[:] = 1.0
    scale, each = 0.0, 0
    while each < len(node):
        at, end = node[each], each + 1
        while end < len(node) and node[end] == at:
            end += 1
        here = heard[at - first]
        if end == each + 1:
            scale += greatest[row[each]]
            here[:] = likely[row[each]]
        else:
            here[:] = 0.0
            for other in range(each, end):
                for state in range(STATES):
                    here[state] += says[row[other], state]
            most = here.max()
            scale += most
            for state in range(STATES):
                here[state] = math.exp(here[state] - most)
        each = end
    return scale


@compiled
def _weigh(logs: Numbers, weight: Numbers) -> float:
    """Fill in shares from their logs, and return the log of their sum."""
    most, total = logs.max(), 0.0
    for way in range(len(logs)):
        weight[way] = math.exp(logs[way] - most)
        total += weight[way]
    for way in range(len(logs)):
        weight[way] /= total
    return most + math.log(total)


@compiled
def _log_odds_dead(say: Numbers, back: float) -> float:
    """Return how much better all is explained if the source above a top was lost, as log, from what the top says, (3, 5)."""
    dark, again, live = 0.0, 0.0, 0.0
    for current in range(3):
        dark, again, live = dark + say[current, DARK], again + say[current, BACK], live + say[current, LIVE]
    lost = (1 - back) * dark + back * again
    return min(math.log(max(lost, _LEAST)) - math.log(max(live, _LEAST)), _MOST_LOG_ODDS)


@compiled
def _mix(
    share: float, first: int, given: Given, quiet: Mask, state: Numbers, better: Numbers, flow: Numbers, did: Numbers,
    found: Mixed,
) -> None:  # fmt: skip
    """Add a share of what follows of the nodes of a feeder; of quiet ones that they are live."""
    for each in range(len(quiet)):
        node = first + each
        if quiet[each]:
            found.state[node, LIVE] += share
            continue
        for one in range(STATES):
            found.state[node, one] += share * state[each, one]
        found.fault[node] += share * given.fault[node] * better[each]
        found.flow[node] += share * (flow[each, 0] + flow[each, 1])
        found.opened[node] += share * did[each, 2]
        found.cut[node, 0] += share * did[each, 0]
        found.cut[node, 1] += share * did[each, 1]


@compiled
def _mix_users(
    share: float, way: int, first: int, begin: int, end: int, spoken: Spoken, quiet: Mask, state: Numbers, found: Mixed
) -> None:
    """Add a share of how probable it is that each transformer of a feeder is dead, and back."""
    dead, gone = spoken.dead[way], spoken.gone[way]
    for each in range(begin, end):
        at, row = spoken.node[each] - first, spoken.row[each]
        if quiet[at]:
            found.dark[each] += share * dead[row, LIVE]
            found.was[each] += share * gone[row, LIVE]
            continue
        for one in range(STATES):
            part = share * state[at, one]
            found.dark[each] += part * dead[row, one]
            found.was[each] += part * gone[row, one]


@compiled
def mix_ways(given: Given, spoken: Spoken, state: Numbers, fault: Numbers, flow: Numbers, did: Numbers, found: Mixed) -> None:
    """Mix what follows of all nodes for each way of reporting, by the weights that are filled in already.

    Args:
        given: the nodes; with priors of faults of one, ``fault`` being the probability.
        spoken: what the transformers say.
        state, fault, flow, did: see :func:`repair.inference.passes.downwards`, shapes (ways, nodes, ...).
        found: what is filled in.
    """
    for feeder in range(len(given.back)):
        first, last = given.first[feeder], given.first[feeder + 1]
        begin, end = spoken.first[feeder], spoken.first[feeder + 1]
        quiet = np.zeros(last - first, dtype=np.bool_)
        for way in range(len(state)):
            share, here = found.weight[feeder, way], state[way, first:last]
            if share > 0:
                _mix(
                    share, first, given, quiet, here, fault[way, first:last], flow[way, first:last], did[way, first:last], found
                )  # fmt: skip
                _mix_users(share, way, first, begin, end, spoken, quiet, here, found)


@compiled
def _judge_tree(feeder: int, given: Given, spoken: Spoken, heard: Numbers, log_scale: Numbers, limits: Numbers, found: Mixed) -> None:
    """Fill in what follows of one feeder.

    Args:
        feeder: its number.
        given: the nodes of all.
        spoken: what the transformers of all say.
        heard: likelihoods of what is said at each of its nodes, for each way of reporting, scaled; shape (ways, nodes, 5).
        log_scale: the log of what they are scaled by and of the prior of each way, (ways,).
        limits: see :func:`judge_trees`.
        found: what is filled in.
    """
    first, last = given.first[feeder], given.first[feeder + 1]
    ways, size = heard.shape[0], last - first
    parent = given.parent[first:last] - first
    parent[0] = -1
    fault = np.empty((ways, size))
    fault[:] = given.fault[first:last]
    below, say, later = np.zeros((ways, size, 3, STATES)), np.empty((ways, size, 3, STATES)), np.empty((ways, size, 3, STATES))
    calm, scale = np.zeros((ways, size, 3)), np.empty((ways, 1))
    below[:, :, 0] = 1.0
    for each in range(size):
        if not given.asked[first + each]:
            calm[:, each, 0] = 1.0
    done, moves, repaired = given.done[first:last], given.moves[first:last], given.repaired[first:last]
    upwards(parent, fault, done, heard, moves, repaired, given.chances, below, say, later, calm, scale)
    weight = found.weight[feeder]
    found.log_evidence[feeder] = _weigh(scale[:, 0] + log_scale, weight)
    odds = 0.0
    for way in range(ways):
        odds += weight[way] * math.exp(_log_odds_dead(say[way, 0], given.back[feeder]))
    found.lost_source[feeder] = math.log(odds + _LEAST)
    kept = np.zeros((ways, 1), dtype=np.bool_)
    kept[:, 0] = weight > limits[1]
    state, better, flow = np.empty((ways, size, STATES)), np.empty((ways, size)), np.empty((ways, size, 2))
    did, quiet = np.empty((ways, size, 3)), np.empty((ways, size), dtype=np.bool_)
    downwards(
        parent, kept, fault, done, heard, moves, repaired, given.chances, below, say, later, calm, limits[0],
        state, better, flow, did, quiet,
    )  # fmt: skip
    begin, end = spoken.first[feeder], spoken.first[feeder + 1]
    for way in range(ways):
        if kept[way, 0]:
            _mix(weight[way], first, given, quiet[way], state[way], better[way], flow[way], did[way], found)
            _mix_users(weight[way], way, first, begin, end, spoken, quiet[way], state[way], found)


@compiled
def judge_trees(
    given: Given, spoken: Spoken, likely: Numbers, greatest: Numbers, limits: Numbers, found: Mixed
) -> None:
    """Fill in what follows of some feeders.

    Args:
        given: their nodes.
        spoken: what their transformers say.
        likely: the likelihoods of that, scaled; shape (ways, rows, 5).
        greatest: the log of what they are scaled by, shape (ways, rows).
        limits: what is negligible, see :func:`repair.inference.passes.downwards`, and how probable a way of reporting is at least
            that is not left out of what is mixed; shape (2,).
        found: what is filled in.
    """
    ways = len(spoken.prior)
    for feeder in range(len(given.back)):
        first, begin, end = given.first[feeder], spoken.first[feeder], spoken.first[feeder + 1]
        heard, log_scale = np.empty((ways, given.first[feeder + 1] - first, STATES)), spoken.prior.copy()
        node, row = spoken.node[begin:end], spoken.row[begin:end]
        for way in range(ways):
            log_scale[way] += _listen(node, row, spoken.says[way], likely[way], greatest[way], first, heard[way])
        _judge_tree(feeder, given, spoken, heard, log_scale, limits, found)
