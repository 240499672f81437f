"""The two passes of the posterior over a forest, compiled: from the leaves up, and back down (field reference 6.3, 7.4).

A message is a table of weights by fault current (none, cleared further down, not cleared) and state of a node, scaled so that its
greatest entry is one. The current of several children together is the greatest of theirs. Nothing is subtracted, and no logarithm
taken but of scales, so that small shares keep all their digits.

Shapes, throughout: ``copies`` are forests of the same branches that differ in what their users say and in priors of faults.
"""

from __future__ import annotations

import math

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.compiled import compiled
from repair.inference.states import BACK, BACK_UNHEARD, CLOSED_AGAIN, DARK, LIVE, OPENED, STATES, STAYED, UNHEARD

_TINY = 1e-300
_SMALL = 1e-150


@compiled
def _join(together: Numbers, other: Numbers) -> float:
    """Put what one more child says to what some children say together, both (3, 5); return what the result was divided by."""
    greatest = _TINY
    for state in range(STATES):
        quiet, calm = together[0, state], together[0, state] + together[1, state]
        other_calm = other[0, state] + other[1, state]
        uncleared = calm * other[2, state] + together[2, state] * (other_calm + other[2, state])
        cleared = quiet * other[1, state] + together[1, state] * other_calm
        quiet *= other[0, state]
        together[0, state], together[1, state], together[2, state] = quiet, cleared, uncleared
        greatest = max(greatest, quiet, cleared, uncleared)
    scale = 1 / greatest
    for current in range(3):
        for state in range(STATES):
            together[current, state] *= scale
    return greatest


@compiled
def _upper(below: Numbers, refed: float, left: float, chances: Numbers, acts: Numbers) -> None:
    """Fill in what a branch says by what its device did and the state above, (3, 5), from what lies below it, (5,)."""
    fails, works = chances[0], chances[1]
    dark = (1 - fails) * below[DARK] + fails * below[UNHEARD]
    unheard = works * below[DARK] + (1 - works) * below[UNHEARD]
    back = (1 - fails) * below[BACK] + fails * below[BACK_UNHEARD]
    back_unheard = works * below[BACK] + (1 - works) * below[BACK_UNHEARD]
    floating = chances[2] * below[LIVE]
    acts[STAYED, LIVE] = below[LIVE]
    acts[STAYED, DARK] = acts[CLOSED_AGAIN, DARK] = (1 - refed) * dark + refed * back + floating
    acts[STAYED, UNHEARD] = acts[CLOSED_AGAIN, UNHEARD] = (1 - refed) * unheard + refed * back_unheard + floating
    acts[STAYED, BACK] = (1 - left) * back + left * dark + floating
    acts[STAYED, BACK_UNHEARD] = (1 - left) * back_unheard + left * unheard + floating
    acts[OPENED, LIVE] = acts[OPENED, DARK] = acts[OPENED, BACK] = dark
    acts[OPENED, UNHEARD] = acts[OPENED, BACK_UNHEARD] = unheard
    acts[CLOSED_AGAIN, LIVE] = acts[CLOSED_AGAIN, BACK] = back
    acts[CLOSED_AGAIN, BACK_UNHEARD] = back_unheard


@compiled
def _lower(used: Numbers, refed: float, left: float, chances: Numbers, state: Numbers) -> None:
    """Fill in the weight of all else by state of a lower node, (5,), from that by what the device did and state above, (3, 5)."""
    fails, works = chances[0], chances[1]
    held_dark, held_unheard = (
        used[STAYED, DARK] + used[CLOSED_AGAIN, DARK],
        used[STAYED, UNHEARD] + used[CLOSED_AGAIN, UNHEARD],
    )
    held_back, held_back_unheard = used[STAYED, BACK], used[STAYED, BACK_UNHEARD]
    dark = (1 - refed) * held_dark + left * held_back
    dark += used[OPENED, LIVE] + used[OPENED, DARK] + used[OPENED, BACK]
    unheard = (1 - refed) * held_unheard + left * held_back_unheard
    unheard += used[OPENED, UNHEARD] + used[OPENED, BACK_UNHEARD]
    back = refed * held_dark + (1 - left) * held_back + used[CLOSED_AGAIN, LIVE] + used[CLOSED_AGAIN, BACK]
    back_unheard = refed * held_unheard + (1 - left) * held_back_unheard + used[CLOSED_AGAIN, BACK_UNHEARD]
    state[LIVE] = used[STAYED, LIVE] + chances[2] * (held_dark + held_unheard + held_back + held_back_unheard)
    state[DARK] = (1 - fails) * dark + works * unheard
    state[UNHEARD] = fails * dark + (1 - works) * unheard
    state[BACK] = (1 - fails) * back + works * back_unheard
    state[BACK_UNHEARD] = fails * back + (1 - works) * back_unheard


@compiled
def _add_what_it_did(used: Numbers, below: Numbers, chances: Numbers, did: Numbers) -> None:
    """Add the weights of a device being open, or closed again, below a live node, and of being open at all, to (3,)."""
    fails, works = chances[0], chances[1]
    dark = (1 - fails) * below[DARK] + fails * below[UNHEARD]
    unheard = works * below[DARK] + (1 - works) * below[UNHEARD]
    back = (1 - fails) * below[BACK] + fails * below[BACK_UNHEARD]
    first = used[OPENED, LIVE] * dark
    did[0] += first
    did[1] += used[CLOSED_AGAIN, LIVE] * back
    did[2] += first + (used[OPENED, DARK] + used[OPENED, BACK]) * dark
    did[2] += (used[OPENED, UNHEARD] + used[OPENED, BACK_UNHEARD]) * unheard


@compiled
def _only_if_repaired(acts: Numbers, repaired: float) -> None:
    """To close on a fault, or to be back above it, takes that it is repaired by now, or that its own device is open."""
    acts[STAYED, BACK] *= repaired
    acts[STAYED, BACK_UNHEARD] *= repaired
    acts[CLOSED_AGAIN, LIVE] *= repaired
    acts[CLOSED_AGAIN, BACK] *= repaired
    acts[CLOSED_AGAIN, BACK_UNHEARD] *= repaired


@compiled
def _says(
    below: Numbers, prior: float, done: Numbers, moves: Numbers, repaired: float, chances: Numbers, acts: Numbers,
    own: Numbers, row: Numbers, say: Numbers,
) -> float:  # fmt: skip
    """Fill in what a branch says to the one above, scaled, (3, 5); return what it was divided by.

    ``below`` is the weight of what lies at and below its lower node, (3, 5); ``prior``, ``done``, ``moves``, ``repaired`` and
    ``chances`` are those of the branch, see :func:`upwards`; ``acts``, ``own`` and ``row`` are room to work in.
    """
    for current in range(3):
        for state in range(STATES):
            row[state] = below[current, state] * (1 - prior)
        _upper(row, moves[0, current], moves[1, current], chances, acts[current])
    if prior > 0:
        for state in range(STATES):
            row[state] = (below[0, state] + below[1, state] + below[2, state]) * prior
        _upper(row, moves[0, 2], moves[1, 2], chances, own)
        _only_if_repaired(own, repaired)
        for act in range(3):
            for state in range(STATES):
                acts[2, act, state] += own[act, state]
    greatest = _TINY
    for state in range(STATES):
        none, cleared, uncleared = 0.0, 0.0, 0.0
        for act in range(3):
            none += done[0, act] * acts[0, act, state]
            cleared += done[1, act] * acts[1, act, state] + done[2, act] * acts[2, act, state]
            uncleared += done[3, act] * acts[2, act, state]
        say[0, state], say[1, state], say[2, state] = none, cleared, uncleared
        greatest = max(greatest, none, cleared, uncleared)
    scale = 1 / greatest
    for current in range(3):
        for state in range(STATES):
            say[current, state] *= scale
    return greatest


@compiled
def _stays_live(calm: Numbers, heard: float, prior: float, done: Numbers) -> None:
    """Turn the weights of all below a branch being live, (3,), into those of all at and below it, and its device closed."""
    faulted = prior * (calm[0] + calm[1] + calm[2])
    uncleared = (1 - prior) * calm[2] + faulted
    calm[0] *= heard * (1 - prior) * done[0, STAYED]
    calm[1] = heard * ((1 - prior) * done[1, STAYED] * calm[1] + done[2, STAYED] * uncleared)
    calm[2] = heard * done[3, STAYED] * uncleared


@compiled
def _join_live(together: Numbers, other: Numbers, scale: float) -> None:
    """Put the weights of one more child being live to those of some children, both (3,)."""
    quiet, calm = together[0], together[0] + together[1]
    other_calm = other[0] + other[1]
    together[2] = scale * (calm * other[2] + together[2] * (other_calm + other[2]))
    together[1] = scale * (quiet * other[1] + together[1] * other_calm)
    together[0] = scale * quiet * other[0]


@compiled
def upwards(
    parent: Indices, fault: Numbers, done: Numbers, heard: Numbers, moves: Numbers, repaired: Numbers, chances: Numbers,
    below: Numbers, say: Numbers, later: Numbers, calm: Numbers, log_scale: Numbers,
) -> None:  # fmt: skip
    """Fill in what lies at and below each branch, and what it says to the one above.

    Args:
        parent: the branch above each, which comes before it; -1 for a top; shape (n,).
        fault: prior of a fault of each, shape (copies, n).
        done: see :class:`repair.inference.posterior.Evidence`, shape (n, 4, 3).
        heard: likelihood of what users say, by state, scaled; shape (copies, n, 5).
        moves: ``refed`` and ``left`` of the chances, shape (n, 2, 3).
        repaired: shape (n,).
        chances: a channel fails, works again, something is afloat; shape (3,).
        below: one without fault current on entry; on return the weight of what lies below, shape (copies, n, 3, 5).
        say: what each says to the one above, shape (copies, n, 3, 5).
        later: what its siblings after it say together, shape (copies, n, 3, 5).
        calm: one without fault current on entry, zero where more is asked; on return the part of what each says in which all at
            and below it is live and nothing opened, shape (copies, n, 3).
        log_scale: what all of a tree is scaled by, its top being live, shape (copies, tops).
    """
    acts, own, row = np.empty((3, 3, STATES)), np.empty((3, STATES)), np.empty(STATES)
    for copy in range(len(fault)):
        tree, scale, logs = log_scale.shape[1], 1.0, 0.0
        for branch in range(len(parent) - 1, -1, -1):
            here, to_above, over = below[copy, branch], say[copy, branch], parent[branch]
            for current in range(3):
                for state in range(STATES):
                    here[current, state] *= heard[copy, branch, state]
            by = _says(
                here, fault[copy, branch], done[branch], moves[branch], repaired[branch], chances, acts, own, row, to_above
            )  # fmt: skip
            scale *= by
            _stays_live(calm[copy, branch], heard[copy, branch, LIVE] / by, fault[copy, branch], done[branch])
            if over >= 0:
                above = below[copy, over]
                for current in range(3):
                    for state in range(STATES):
                        later[copy, branch, current, state] = above[current, state]
                by = _join(above, to_above)
                scale *= by
                _join_live(calm[copy, over], calm[copy, branch], 1 / by)
            if scale < _SMALL or scale > 1 / _SMALL:
                logs += math.log(scale)
                scale = 1.0
            if over < 0:
                tree -= 1
                live = max(to_above[0, LIVE] + to_above[1, LIVE] + to_above[2, LIVE], _TINY)
                log_scale[copy, tree] = logs + math.log(scale) + math.log(live)
                scale, logs = 1.0, 0.0


@compiled
def _outside(above: Numbers, others: Numbers, weight: Numbers) -> None:
    """Fill in the weight of all else by fault current at the upper end of a branch and state there, scaled; all (3, 5).

    Args:
        above: weight of what lies outside the node above, by fault current of all its children together.
        others: what its other children say together.
        weight: what is filled in.
    """
    greatest = _TINY
    for state in range(STATES):
        calm = others[0, state] + others[1, state]
        uncleared = above[2, state] * others[2, state]
        weight[0, state] = above[0, state] * others[0, state] + above[1, state] * others[1, state] + uncleared
        weight[1, state] = above[1, state] * calm + uncleared
        weight[2, state] = above[2, state] * (calm + others[2, state])
        greatest = max(greatest, weight[0, state], weight[1, state], weight[2, state])
    scale = 1 / greatest
    for current in range(3):
        for state in range(STATES):
            weight[current, state] *= scale


@compiled
def _times(values: Numbers, scale: float) -> None:
    """Multiply each value by a number."""
    for each in range(len(values)):
        values[each] *= scale


@compiled
def _follows(
    outside: Numbers, below: Numbers, prior: float, done: Numbers, moves: Numbers, repaired: float, chances: Numbers,
    room: Numbers, state: Numbers, flow: Numbers, did: Numbers, arriving: Numbers,
) -> float:  # fmt: skip
    """Fill in what follows of one branch; return how much better all is explained with a fault on it.

    ``outside`` is the weight of all else by fault current at its upper end and state there, (3, 5); ``below`` and what else is
    given are as in :func:`_says`; ``room`` is to work in, (6, 5). What is filled in: ``state``, ``flow`` and ``did``, see
    :func:`downwards`; and ``arriving``, the weight of all else by fault current below the branch and state of its lower node,
    with or without a fault of its own, (3, 5).
    """
    state[:] = 0.0
    flow[:] = 0.0
    did[:] = 0.0
    used, faulted, mine, row = room[:3], room[3], room[4], room[5]
    with_fault, total = 0.0, 0.0
    for current in (2, 0, 1):
        for act in range(3):
            for each in range(STATES):
                if current == 2:
                    used[act, each] = done[2, act] * outside[1, each] + done[3, act] * outside[2, each]
                else:
                    used[act, each] = done[current, act] * outside[current, each]
        _lower(used, moves[0, current], moves[1, current], chances, arriving[current])
        flowing = 0.0
        for each in range(STATES):
            row[each] = below[current, each] * (1 - prior)
            mine[each] = arriving[current, each] * row[each]
            flowing += mine[each]
        for each in range(STATES):
            state[each] += mine[each]
        _add_what_it_did(used, row, chances, did)
        total += flowing
        if current > 0:
            flow[current - 1] += flowing
        if current == 2:
            _only_if_repaired(used, repaired)
            _lower(used, moves[0, 2], moves[1, 2], chances, faulted)
            for each in range(STATES):
                row[each] = below[0, each] + below[1, each] + below[2, each]
                with_fault += faulted[each] * row[each]
                row[each] *= prior
                state[each] += faulted[each] * row[each]
            _add_what_it_did(used, row, chances, did)
            total += with_fault * prior
            flow[1] += with_fault * prior
    for current in range(3):
        for each in range(STATES):
            arriving[current, each] = (1 - prior) * arriving[current, each] + prior * faulted[each]
    scale = 1 / max(total, _TINY)
    _times(state, scale)
    _times(did, scale)
    _times(flow, scale)
    return with_fault * scale


@compiled
def _is_calm(outside: Numbers, say: Numbers, calm: Numbers, negligible: float) -> bool:
    """Tell whether all at and below a branch is live and closed but with a negligible probability."""
    total, live = 0.0, 0.0
    for current in range(3):
        live += outside[current, LIVE] * calm[current]
        for state in range(STATES):
            total += outside[current, state] * say[current, state]
    return live > total * (1 - negligible)


@compiled
def downwards(
    parent: Indices, kept: Mask, fault: Numbers, done: Numbers, heard: Numbers, moves: Numbers, repaired: Numbers,
    chances: Numbers, below: Numbers, say: Numbers, later: Numbers, calm: Numbers, negligible: float,
    state: Numbers, better: Numbers, flow: Numbers, did: Numbers, quiet: Mask,
) -> None:  # fmt: skip
    """Fill in what follows of each branch: nothing is filled in for trees of which nothing is asked, nor of quiet branches.

    ``kept`` tells of each tree whether anything is asked, (copies, tops); where something opened, or was dead, at or below a
    branch with a probability of no more than ``negligible``, it is quiet: all there is taken as live, without fault current; what
    else is given is as in :func:`upwards`. What is filled in: ``quiet``, (copies, n); and of the others ``state``, the probability
    of each state of the lower node, (copies, n, 5); ``better``, how much better all is explained with a fault on each branch,
    (copies, n); ``flow``, the probability that fault current entered, cleared below or not, (copies, n, 2); ``did``, that its
    device is open, or closed again, below a live node, and that it is open at all, (copies, n, 3).
    """
    above, earlier = np.empty((len(parent), 3, STATES)), np.empty((len(parent), 3, STATES))
    outside, others, room = np.empty((3, STATES)), np.empty((3, STATES)), np.empty((6, STATES))
    for copy in range(len(fault)):
        tree = -1
        for branch in range(len(parent)):
            over = parent[branch]
            if over < 0:
                tree += 1
            if not kept[copy, tree]:
                continue
            calmed = over >= 0 and quiet[copy, over]
            if over < 0:
                outside[:] = 0.0
                outside[:, LIVE] = 1.0
            elif not calmed:
                for current in range(3):
                    for each in range(STATES):
                        others[current, each] = later[copy, branch, current, each]
                _join(others, earlier[over])
                _outside(above[over], others, outside)
                _join(earlier[over], say[copy, branch])
            quiet[copy, branch] = calmed or (
                negligible > 0 and _is_calm(outside, say[copy, branch], calm[copy, branch], negligible)
            )
            if quiet[copy, branch]:
                continue
            better[copy, branch] = _follows(
                outside, below[copy, branch], fault[copy, branch], done[branch], moves[branch], repaired[branch], chances,
                room, state[copy, branch], flow[copy, branch], did[copy, branch], above[branch],
            )  # fmt: skip
            for current in range(3):
                for each in range(STATES):
                    above[branch, current, each] *= heard[copy, branch, each]
            earlier[branch] = 0.0
            earlier[branch, 0] = 1.0


@compiled
def own_states(
    heard: Numbers, fails: Numbers, back: Numbers, fed: Numbers, hears: Numbers, dead: Numbers, gone: Numbers
) -> None:
    """Fill in what transformers say about the state of their nodes, through a state of their own.

    Args:
        heard: log P(heard | own state), shape (transformers, 5).
        fails: probability of an outage of its own, shape (transformers,).
        back: probability that such an outage is over, shape (transformers,).
        fed: probability that it is live below a dead node by generation, and by a generator set; shape (2,).
        hears: log P(heard | state of the node), shape (transformers, 5).
        dead: P(own state dead | state of the node, heard), shape (transformers, 5).
        gone: P(own state back | state of the node, heard), shape (transformers, 5).
    """
    likely = np.empty(STATES)
    stays = 1 - fed[0] - fed[1]
    for each in range(len(heard)):
        greatest = heard[each].max()
        for state in range(STATES):
            likely[state] = math.exp(heard[each, state] - greatest)
        for state in range(STATES):
            off, again = (UNHEARD, BACK_UNHEARD) if state in (UNHEARD, BACK_UNHEARD) else (DARK, BACK)
            if state == LIVE:
                live, is_dead, is_back = 1 - fails[each], fails[each] * (1 - back[each]), fails[each] * back[each]
            elif state in (DARK, UNHEARD):
                live, is_dead, is_back = fed[0], stays, fed[1]
            else:
                live, is_dead, is_back = fed[0], fed[1], stays
            is_dead *= likely[off]
            is_back *= likely[again]
            total = max(live * likely[LIVE] + is_dead + is_back, _TINY)
            hears[each, state] = math.log(total) + greatest
            dead[each, state] = is_dead / total
            gone[each, state] = is_back / total


@compiled
def said_at_nodes(node: Indices, row: Indices, says: Numbers, found: Numbers) -> None:
    """Add what transformers say to their nodes.

    Args:
        node: of each transformer, shape (transformers,).
        row: where what it says stands, shape (transformers,).
        says: log-likelihoods by state, shape (ways, rows, 5).
        found: zero on entry; the sums of each node on return, shape (ways, nodes, 5).
    """
    for way in range(len(says)):
        for each in range(len(node)):
            for state in range(STATES):
                found[way, node[each], state] += says[way, row[each], state]
