"""The two passes of the posterior over a forest, compiled: from the leaves up, and back down (field reference 6.3, 7.4).

Feeders without closed rings are judged one after the other, each way of reporting is weighed, and the ways are mixed
(:func:`judge_trees`); what is worked with belongs to one feeder, so that it stays near the processor.

A message is a table of weights by fault current (none, cleared further down, not cleared) and state of a node, scaled so that its
greatest entry is one. The current of several children together is the greatest of theirs. Nothing is subtracted, and no logarithm
taken but of scales, so that small shares keep all their digits.

Shapes, throughout: ``copies`` are forests of the same branches that differ in what their users say and in priors of faults. What
is gone through for every branch takes whole tables and the number of a branch: a view of a part would be counted and let go again
each time, which takes longer than what is computed.
"""

from __future__ import annotations

import math

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.compiled import compiled, inlined
from repair.inference.feeders import Given, Mixed, Spoken
from repair.inference.states import BACK, BACK_UNHEARD, CLOSED_AGAIN, DARK, LIVE, OPENED, STATES, STAYED, UNHEARD

_TINY = 1e-300
_SMALL = 1e-150

_MOST_LOG_ODDS = 500.0
_LEAST_LOG = -60.0
"""A way of reporting less probable than this changes nothing, even if the source was lost."""

Moved = tuple[float, float, float, float, float, float, float, float, float]
"""See :func:`_moved`."""

Room = tuple[Numbers, Numbers, Numbers, Numbers]
"""See :func:`_follows`."""


@inlined
def _join(together: Numbers, at: int, other: Numbers, of: int) -> float:
    """Put what one more child says to what some children say together, tables of (3, 5) at these places of (n, 3, 5).

    Returns:
        What the result was divided by.
    """
    greatest = _TINY
    for state in range(STATES):
        quiet, cleared, uncleared = together[at, 0, state], together[at, 1, state], together[at, 2, state]
        other_quiet, other_cleared, other_uncleared = other[of, 0, state], other[of, 1, state], other[of, 2, state]
        other_calm = other_quiet + other_cleared
        uncleared = (quiet + cleared) * other_uncleared + uncleared * (other_calm + other_uncleared)
        cleared = quiet * other_cleared + cleared * other_calm
        quiet *= other_quiet
        together[at, 0, state], together[at, 1, state], together[at, 2, state] = quiet, cleared, uncleared
        greatest = max(greatest, quiet, cleared, uncleared)
    scale = 1 / greatest
    for current in range(3):
        for state in range(STATES):
            together[at, current, state] *= scale
    return greatest


@inlined
def _moved(mine: Numbers, repaired: Numbers, refed: float, left: float, chances: Numbers) -> Moved:
    """Return weights of what lies below a branch, by what it takes of its device and of the state above.

    Args:
        mine: weights by state of the lower node, shape (5,).
        repaired: likewise, but only of what may be back: a fault there is repaired by now; shape (5,).
        refed: see the chances.
        left: see the chances.
        chances: see :func:`upwards`.

    Returns:
        Live; dead, heard of and not; the same below a node that is dead if the device is closed; back, heard of and not; the same
        below a node that is back if the device stayed closed.
    """
    fails, works = chances[0], chances[1]
    dark = (1 - fails) * mine[DARK] + fails * mine[UNHEARD]
    unheard = works * mine[DARK] + (1 - works) * mine[UNHEARD]
    again = (1 - fails) * mine[BACK] + fails * mine[BACK_UNHEARD]
    again_unheard = works * mine[BACK] + (1 - works) * mine[BACK_UNHEARD]
    floating = chances[2] * mine[LIVE]
    held_dark = (1 - refed) * dark + refed * again + floating
    held_unheard = (1 - refed) * unheard + refed * again_unheard + floating
    back = (1 - fails) * repaired[BACK] + fails * repaired[BACK_UNHEARD]
    back_unheard = works * repaired[BACK] + (1 - works) * repaired[BACK_UNHEARD]
    left_dark = (1 - fails) * repaired[DARK] + fails * repaired[UNHEARD]
    left_unheard = works * repaired[DARK] + (1 - works) * repaired[UNHEARD]
    floating = chances[2] * repaired[LIVE]
    held_back = (1 - left) * back + left * left_dark + floating
    held_back_unheard = (1 - left) * back_unheard + left * left_unheard + floating
    return mine[LIVE], dark, unheard, held_dark, held_unheard, back, back_unheard, held_back, held_back_unheard


@inlined
def _add_said(moved: Moved, done: Numbers, say: Numbers, branch: int, way: int, current: int) -> None:
    """Add what a branch says with some fault current, by the state above, given what its device did in one of the ways."""
    live, dark, unheard, held_dark, held_unheard, back, back_unheard, held_back, held_back_unheard = moved
    stays, opens, closes = done[branch, way, STAYED], done[branch, way, OPENED], done[branch, way, CLOSED_AGAIN]
    say[branch, current, LIVE] += stays * live + opens * dark + closes * back
    say[branch, current, DARK] += (stays + closes) * held_dark + opens * dark
    say[branch, current, UNHEARD] += (stays + closes) * held_unheard + opens * unheard
    say[branch, current, BACK] += stays * held_back + opens * dark + closes * back
    say[branch, current, BACK_UNHEARD] += stays * held_back_unheard + opens * unheard + closes * back_unheard


@inlined
def _says(
    below: Numbers, branch: int, prior: float, done: Numbers, moves: Numbers, repaired: float, chances: Numbers,
    mine: Numbers, mended: Numbers, say: Numbers,
) -> float:  # fmt: skip
    """Fill in what a branch says to the one above, scaled; return what it was divided by.

    ``below``, the weight of what lies at and below its lower node, and ``say`` are tables of (n, 3, 5); ``prior`` and
    ``repaired`` are those of the branch, what else is given as in :func:`upwards`; ``mine`` and ``mended`` are to work in.
    """
    flows = 0.0
    for state in range(STATES):
        flows += below[branch, 1, state]
        say[branch, 0, state] = say[branch, 1, state] = say[branch, 2, state] = 0.0
    for current in range(2 if flows > 0 else 1):
        for state in range(STATES):
            mine[state] = below[branch, current, state] * (1 - prior)
        moved = _moved(mine, mine, moves[branch, 0, current], moves[branch, 1, current], chances)
        _add_said(moved, done, say, branch, current, current)
    for state in range(STATES):
        free = below[branch, 2, state] * (1 - prior)
        faulted = (below[branch, 0, state] + below[branch, 1, state] + below[branch, 2, state]) * prior
        mine[state], mended[state] = free + faulted, free + faulted * repaired
    moved = _moved(mine, mended, moves[branch, 0, 2], moves[branch, 1, 2], chances)
    _add_said(moved, done, say, branch, 2, 1)
    _add_said(moved, done, say, branch, 3, 2)
    greatest = _TINY
    for current in range(3):
        for state in range(STATES):
            greatest = max(greatest, say[branch, current, state])
    scale = 1 / greatest
    for current in range(3):
        for state in range(STATES):
            say[branch, current, state] *= scale
    return greatest


@inlined
def _stays_live(calm: Numbers, branch: int, heard: float, prior: float, done: Numbers) -> None:
    """Turn the weights of all below a branch being live, (n, 3), into those of all at and below it, and its device closed."""
    faulted = prior * (calm[branch, 0] + calm[branch, 1] + calm[branch, 2])
    uncleared = (1 - prior) * calm[branch, 2] + faulted
    calm[branch, 0] *= heard * (1 - prior) * done[branch, 0, STAYED]
    cleared = (1 - prior) * done[branch, 1, STAYED] * calm[branch, 1] + done[branch, 2, STAYED] * uncleared
    calm[branch, 1] = heard * cleared
    calm[branch, 2] = heard * done[branch, 3, STAYED] * uncleared


@inlined
def _join_live(calm: Numbers, over: int, branch: int, scale: float) -> None:
    """Put the weights of a branch being live to those of some children of the one above it, (n, 3)."""
    quiet, cleared, uncleared = calm[over, 0], calm[over, 1], calm[over, 2]
    other_calm = calm[branch, 0] + calm[branch, 1]
    calm[over, 2] = scale * ((quiet + cleared) * calm[branch, 2] + uncleared * (other_calm + calm[branch, 2]))
    calm[over, 1] = scale * (quiet * calm[branch, 1] + cleared * other_calm)
    calm[over, 0] = scale * quiet * calm[branch, 0]


@inlined
def _begin(below: Numbers, calm: Numbers, branch: int, heard: Numbers) -> None:
    """Fill in the weights of a branch that nothing hangs below, (n, 3, 5), and of all there being live, (n, 3)."""
    for state in range(STATES):
        below[branch, 0, state] = heard[branch, state]
        below[branch, 1, state] = below[branch, 2, state] = 0.0
    calm[branch, 0], calm[branch, 1], calm[branch, 2] = 1.0, 0.0, 0.0


@inlined
def _hand_on(below: Numbers, calm: Numbers, later: Numbers, over: int, branch: int, say: Numbers) -> None:
    """Fill in what the last child of a branch, the first that is gone through, says: nothing comes after it."""
    for current in range(3):
        calm[over, current] = calm[branch, current]
        for state in range(STATES):
            later[branch, current, state] = 1.0 if current == 0 else 0.0
            below[over, current, state] = say[branch, current, state]


@compiled
def upwards(
    parent: Indices, fault: Numbers, done: Numbers, heard: Numbers, moves: Numbers, repaired: Numbers, chances: Numbers,
    asked: Mask, below: Numbers, say: Numbers, later: Numbers, calm: Numbers, log_scale: Numbers,
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
        asked: branches that never count as calm, shape (n,).
        below: the weight of what lies at and below each, shape (copies, n, 3, 5).
        say: what each says to the one above, shape (copies, n, 3, 5).
        later: what its siblings after it say together, shape (copies, n, 3, 5).
        calm: the part of what each says in which all at and below it is live and nothing opened, shape (copies, n, 3).
        log_scale: what all of a tree is scaled by, its top being live, shape (copies, tops).
    """
    for copy in range(len(fault)):
        _upwards(
            parent, fault[copy], done, heard[copy], moves, repaired, chances, asked, below[copy], say[copy], later[copy],
            calm[copy], log_scale[copy],
        )  # fmt: skip


@compiled
def _upwards(
    parent: Indices, fault: Numbers, done: Numbers, heard: Numbers, moves: Numbers, repaired: Numbers, chances: Numbers,
    asked: Mask, below: Numbers, say: Numbers, later: Numbers, calm: Numbers, log_scale: Numbers,
) -> None:  # fmt: skip
    """Do so for one copy."""
    has_child = np.zeros(len(parent), dtype=np.bool_)
    mine, mended = np.empty(STATES), np.empty(STATES)
    tree, scale, logs = len(log_scale), 1.0, 0.0
    for branch in range(len(parent) - 1, -1, -1):
        over = parent[branch]
        if has_child[branch]:
            for current in range(3):
                for state in range(STATES):
                    below[branch, current, state] *= heard[branch, state]
        else:
            _begin(below, calm, branch, heard)
        if asked[branch]:
            calm[branch, 0] = calm[branch, 1] = calm[branch, 2] = 0.0
        by = _says(below, branch, fault[branch], done, moves, repaired[branch], chances, mine, mended, say)
        scale *= by
        _stays_live(calm, branch, heard[branch, LIVE] / by, fault[branch], done)
        if over >= 0 and has_child[over]:
            for current in range(3):
                for state in range(STATES):
                    later[branch, current, state] = below[over, current, state]
            by = _join(below, over, say, branch)
            scale *= by
            _join_live(calm, over, branch, 1 / by)
        elif over >= 0:
            has_child[over] = True
            _hand_on(below, calm, later, over, branch, say)
        if scale < _SMALL or scale > 1 / _SMALL:
            logs += math.log(scale)
            scale = 1.0
        if over < 0:
            tree -= 1
            live = max(say[branch, 0, LIVE] + say[branch, 1, LIVE] + say[branch, 2, LIVE], _TINY)
            log_scale[tree] = logs + math.log(scale) + math.log(live)
            scale, logs = 1.0, 0.0


@inlined
def _outside(above: Numbers, over: int, others: Numbers, weight: Numbers) -> None:
    """Fill in the weight of all else by fault current at the upper end of a branch and state there, scaled, (3, 5).

    Args:
        above: weight of what lies outside each node, by fault current of all its children together, (n, 3, 5).
        over: the node above the branch.
        others: what its other children say together, (1, 3, 5).
        weight: what is filled in.
    """
    greatest = _TINY
    for state in range(STATES):
        calm = others[0, 0, state] + others[0, 1, state]
        uncleared = above[over, 2, state] * others[0, 2, state]
        none = above[over, 0, state] * others[0, 0, state] + above[over, 1, state] * others[0, 1, state] + uncleared
        cleared = above[over, 1, state] * calm + uncleared
        uncleared = above[over, 2, state] * (calm + others[0, 2, state])
        weight[0, state], weight[1, state], weight[2, state] = none, cleared, uncleared
        greatest = max(greatest, none, cleared, uncleared)
    scale = 1 / greatest
    for current in range(3):
        for state in range(STATES):
            weight[current, state] *= scale


@inlined
def _used(outside: Numbers, current: int, done: Numbers, branch: int, way: int, used: Numbers) -> None:
    """Add the weight of all else with some fault current above, (3, 5), by what it takes of device and state above, (11,).

    First stands closed and live; then opened below a live node, else, and unheard of; closed below a dead node, and unheard of;
    closed again below a live node, else, and unheard of; stayed closed below a node that is back, and unheard of.
    """
    stays, opens, closes = done[branch, way, STAYED], done[branch, way, OPENED], done[branch, way, CLOSED_AGAIN]
    used[0] += stays * outside[current, LIVE]
    used[1] += opens * outside[current, LIVE]
    used[2] += opens * (outside[current, DARK] + outside[current, BACK])
    used[3] += opens * (outside[current, UNHEARD] + outside[current, BACK_UNHEARD])
    used[4] += (stays + closes) * outside[current, DARK]
    used[5] += (stays + closes) * outside[current, UNHEARD]
    used[6] += closes * outside[current, LIVE]
    used[7] += closes * outside[current, BACK]
    used[8] += closes * outside[current, BACK_UNHEARD]
    used[9] += stays * outside[current, BACK]
    used[10] += stays * outside[current, BACK_UNHEARD]


@inlined
def _lower(used: Numbers, refed: float, left: float, chances: Numbers, arriving: Numbers) -> None:
    """Fill in the weight of all else by state of a lower node, (5,), from that of :func:`_used`."""
    fails, works = chances[0], chances[1]
    dark = (1 - refed) * used[4] + left * used[9] + used[1] + used[2]
    unheard = (1 - refed) * used[5] + left * used[10] + used[3]
    back = refed * used[4] + (1 - left) * used[9] + used[6] + used[7]
    back_unheard = refed * used[5] + (1 - left) * used[10] + used[8]
    arriving[LIVE] = used[0] + chances[2] * (used[4] + used[5] + used[9] + used[10])
    arriving[DARK] = (1 - fails) * dark + works * unheard
    arriving[UNHEARD] = fails * dark + (1 - works) * unheard
    arriving[BACK] = (1 - fails) * back + works * back_unheard
    arriving[BACK_UNHEARD] = fails * back + (1 - works) * back_unheard


@inlined
def _add_what_it_did(used: Numbers, mine: Numbers, chances: Numbers, did: Numbers, branch: int) -> None:
    """Add the weights of a device being open, or closed again, below a live node, and of being open at all, to (n, 3)."""
    fails, works = chances[0], chances[1]
    dark = (1 - fails) * mine[DARK] + fails * mine[UNHEARD]
    unheard = works * mine[DARK] + (1 - works) * mine[UNHEARD]
    back = (1 - fails) * mine[BACK] + fails * mine[BACK_UNHEARD]
    did[branch, 0] += used[1] * dark
    did[branch, 1] += used[6] * back
    did[branch, 2] += (used[1] + used[2]) * dark + used[3] * unheard


@inlined
def _arrives(
    used: Numbers, below: Numbers, branch: int, current: int, prior: float, moves: Numbers, chances: Numbers, arriving: Numbers,
    mine: Numbers, state: Numbers, did: Numbers, above: Numbers,
) -> float:  # fmt: skip
    """Add what follows of a branch without a fault of its own, with some fault current below it; return the weight of that."""
    _lower(used, moves[branch, 0, current], moves[branch, 1, current], chances, arriving)
    flowing = 0.0
    for each in range(STATES):
        mine[each] = below[branch, current, each] * (1 - prior)
        flowing += arriving[each] * mine[each]
        state[branch, each] += arriving[each] * mine[each]
        above[branch, current, each] = (1 - prior) * arriving[each]
    _add_what_it_did(used, mine, chances, did, branch)
    return flowing


@inlined
def _follows(
    outside: Numbers, below: Numbers, branch: int, prior: float, done: Numbers, moves: Numbers, repaired: float,
    chances: Numbers, room: Room, state: Numbers, flow: Numbers, did: Numbers, above: Numbers,
) -> float:  # fmt: skip
    """Fill in what follows of one branch; return how much better all is explained with a fault on it.

    ``outside`` is the weight of all else by fault current at its upper end and state there, (3, 5); ``below`` and what else is
    given are as in :func:`_says`; ``room`` is to work in. What is filled in: ``state``, ``flow`` and ``did``, see
    :func:`downwards`; and ``above``, the weight of all else by fault current below the branch and state of its lower node, with
    or without a fault of its own, (n, 3, 5).
    """
    used, arriving, mine, faulted = room
    for each in range(STATES):
        state[branch, each] = 0.0
    did[branch, 0] = did[branch, 1] = did[branch, 2] = 0.0
    used[:] = 0.0
    _used(outside, 1, done, branch, 2, used)
    _used(outside, 2, done, branch, 3, used)
    flow[branch, 1] = _arrives(used, below, branch, 2, prior, moves, chances, arriving, mine, state, did, above)
    for each in range(6, 11):  # to close on a fault, or to be back above it, takes that it is repaired by now
        used[each] *= repaired
    _lower(used, moves[branch, 0, 2], moves[branch, 1, 2], chances, faulted)
    with_fault = 0.0
    for each in range(STATES):
        mine[each] = below[branch, 0, each] + below[branch, 1, each] + below[branch, 2, each]
        with_fault += faulted[each] * mine[each]
        mine[each] *= prior
        state[branch, each] += faulted[each] * mine[each]
    _add_what_it_did(used, mine, chances, did, branch)
    flow[branch, 1] += with_fault * prior
    used[:] = 0.0
    _used(outside, 0, done, branch, 0, used)
    none = _arrives(used, below, branch, 0, prior, moves, chances, arriving, mine, state, did, above)
    used[:] = 0.0
    _used(outside, 1, done, branch, 1, used)
    flow[branch, 0] = _arrives(used, below, branch, 1, prior, moves, chances, arriving, mine, state, did, above)
    scale = 1 / max(none + flow[branch, 0] + flow[branch, 1], _TINY)
    for each in range(STATES):
        state[branch, each] *= scale
        for current in range(3):
            above[branch, current, each] += prior * faulted[each]
    for each in range(3):
        did[branch, each] *= scale
    flow[branch, 0] *= scale
    flow[branch, 1] *= scale
    better: float = with_fault * scale
    return better


@inlined
def _is_calm(outside: Numbers, say: Numbers, calm: Numbers, branch: int, negligible: float) -> bool:
    """Tell whether all at and below a branch is live and closed but with a negligible probability."""
    total, live = 0.0, 0.0
    for current in range(3):
        live += outside[current, LIVE] * calm[branch, current]
        for state in range(STATES):
            total += outside[current, state] * say[branch, current, state]
    return live > total * (1 - negligible)


@compiled
def downwards(
    parent: Indices, kept: Mask, fault: Numbers, done: Numbers, heard: Numbers, moves: Numbers, repaired: Numbers,
    chances: Numbers, below: Numbers, say: Numbers, later: Numbers, calm: Numbers, negligible: float,
    state: Numbers, better: Numbers, flow: Numbers, did: Numbers, quiet: Mask,
) -> None:  # fmt: skip
    """Fill in what follows of each branch: nothing is filled in for trees of which nothing is asked, nor of quiet branches.

    ``kept`` tells of each tree whether anything is asked, (copies, tops); where something opened, or was dead, at or below a
    branch with a probability of no more than ``negligible``, it is quiet: all there is taken as live, without fault current;
    what else is given is as in :func:`upwards`. What is filled in: ``quiet``, (copies, n); and of the others ``state``, the
    probability of each state of the lower node, (copies, n, 5); ``better``, how much better all is explained with a fault on each
    branch, (copies, n); ``flow``, the probability that fault current entered, cleared below or not, (copies, n, 2); ``did``, that
    its device is open, or closed again, below a live node, and that it is open at all, (copies, n, 3).
    """
    above, earlier = np.empty((len(parent), 3, STATES)), np.empty((len(parent), 3, STATES))
    for copy in range(len(fault)):
        if kept[copy].any():
            _downwards(
                parent, kept[copy], fault[copy], done, heard[copy], moves, repaired, chances, below[copy], say[copy],
                later[copy], calm[copy], negligible, state[copy], better[copy], flow[copy], did[copy], quiet[copy], above,
                earlier,
            )  # fmt: skip


@compiled
def _downwards(
    parent: Indices, kept: Mask, fault: Numbers, done: Numbers, heard: Numbers, moves: Numbers, repaired: Numbers,
    chances: Numbers, below: Numbers, say: Numbers, later: Numbers, calm: Numbers, negligible: float,
    state: Numbers, better: Numbers, flow: Numbers, did: Numbers, quiet: Mask, above: Numbers, earlier: Numbers,
) -> None:  # fmt: skip
    """Do so for one copy; ``above`` and ``earlier`` are to work in, (n, 3, 5)."""
    outside, others = np.empty((3, STATES)), np.empty((1, 3, STATES))
    room = np.empty(11), np.empty(STATES), np.empty(STATES), np.empty(STATES)
    tree = -1
    for branch in range(len(parent)):
        over = parent[branch]
        if over < 0:
            tree += 1
        if not kept[tree]:
            continue
        calmed = over >= 0 and quiet[over]
        if over < 0:
            outside[:] = 0.0
            outside[:, LIVE] = 1.0
        elif not calmed:
            for current in range(3):
                for each in range(STATES):
                    others[0, current, each] = later[branch, current, each]
            _join(others, 0, earlier, over)
            _outside(above, over, others, outside)
            _join(earlier, over, say, branch)
        quiet[branch] = calmed or (negligible > 0 and _is_calm(outside, say, calm, branch, negligible))
        if quiet[branch]:
            continue
        better[branch] = _follows(
            outside, below, branch, fault[branch], done, moves, repaired[branch], chances, room, state, flow, did, above
        )
        for current in range(3):
            for each in range(STATES):
                above[branch, current, each] *= heard[branch, each]
                earlier[branch, current, each] = 1.0 if current == 0 else 0.0


@inlined
def _where_most(values: Numbers) -> int:
    """Return where the greatest value stands, the first of them."""
    found = 0
    for each in range(1, len(values)):
        if values[each] > values[found]:
            found = each
    return found


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
            for state in range(STATES):
                here[state] = likely[row[each], state]
        else:
            here[:] = 0.0
            for other in range(each, end):
                for state in range(STATES):
                    here[state] += says[row[other], state]
            most = here[_where_most(here)]
            scale += most
            for state in range(STATES):
                here[state] = math.exp(here[state] - most)
        each = end
    return scale


@compiled
def _weigh(logs: Numbers, weight: Numbers) -> float:
    """Fill in shares from their logs, and return the log of their sum."""
    most, total = logs[_where_most(logs)], 0.0
    for way in range(len(logs)):
        weight[way] = math.exp(logs[way] - most)
        total += weight[way]
    for way in range(len(logs)):
        weight[way] /= total
    log_total: float = most + math.log(total)
    return log_total


@compiled
def _log_odds_dead(say: Numbers, back: float) -> float:
    """Return how much better all is explained if the source above a top was lost, as log, from what the top says, (3, 5)."""
    dark, again, live = 0.0, 0.0, 0.0
    for current in range(3):
        dark, again, live = dark + say[current, DARK], again + say[current, BACK], live + say[current, LIVE]
    lost = (1 - back) * dark + back * again
    return min(math.log(max(lost, _TINY)) - math.log(max(live, _TINY)), _MOST_LOG_ODDS)


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
def _judge_tree(
    feeder: int, given: Given, spoken: Spoken, heard: Numbers, logs: Numbers, limits: Numbers, found: Mixed
) -> None:
    """Fill in what follows of one feeder.

    Args:
        feeder: its number.
        given: the nodes of all.
        spoken: what the transformers of all say.
        heard: likelihoods of what is said at each of its nodes, for each way of reporting, scaled; shape (ways, nodes, 5).
        logs: the log of what they are scaled by and of the prior of each way, (ways,); on return of the evidence of each.
        limits: see :func:`judge_trees`.
        found: what is filled in.
    """
    first, last = given.first[feeder], given.first[feeder + 1]
    ways, size = heard.shape[0], last - first
    parent = given.parent[first:last] - first
    parent[0] = -1
    fault, done, moves = given.fault[first:last], given.done[first:last], given.moves[first:last]
    repaired, asked, scale = given.repaired[first:last], given.asked[first:last], np.empty(1)
    below, say, later = (
        np.empty((ways, size, 3, STATES)),
        np.empty((ways, size, 3, STATES)),
        np.empty((ways, size, 3, STATES)),
    )
    calm, best = np.empty((ways, size, 3)), -np.inf
    bounds = logs.copy()
    for _ in range(ways):
        way = _where_most(bounds)
        bounds[way] = -np.inf
        if logs[way] < best + _LEAST_LOG:  # no evidence is more probable than what was said is at its likeliest
            logs[way] = -np.inf
            continue
        _upwards(
            parent, fault, done, heard[way], moves, repaired, given.chances, asked, below[way], say[way], later[way], calm[way],
            scale,
        )  # fmt: skip
        logs[way] += scale[0]
        best = max(best, logs[way])
    weight, odds = found.weight[feeder], 0.0
    found.log_evidence[feeder] = _weigh(logs, weight)
    above, earlier, top = np.empty((size, 3, STATES)), np.empty((size, 3, STATES)), np.ones(1, dtype=np.bool_)
    state, better, flow, did = np.empty((size, STATES)), np.empty(size), np.empty((size, 2)), np.empty((size, 3))
    quiet = np.empty(size, dtype=np.bool_)
    begin, end = spoken.first[feeder], spoken.first[feeder + 1]
    for way in range(ways):
        if weight[way] > 0:
            odds += weight[way] * math.exp(_log_odds_dead(say[way, 0], given.back[feeder]))
        if weight[way] > limits[1]:
            _downwards(
                parent, top, fault, done, heard[way], moves, repaired, given.chances, below[way], say[way], later[way], calm[way],
                limits[0], state, better, flow, did, quiet, above, earlier,
            )  # fmt: skip
            _mix(weight[way], first, given, quiet, state, better, flow, did, found)
            _mix_users(weight[way], way, first, begin, end, spoken, quiet, state, found)
    found.lost_source[feeder] = math.log(odds + _TINY)


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
