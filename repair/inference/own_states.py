"""What transformers say of their nodes through a state of their own, compiled (field reference 6.3)."""

from __future__ import annotations

import math

import numpy as np

from network.arrays import Indices, Numbers
from network.compiled import compiled
from repair.inference.states import BACK, BACK_UNHEARD, DARK, LIVE, STATES, UNHEARD

_TINY = 1e-300


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
        greatest = heard[each, 0]
        for state in range(1, STATES):
            greatest = max(greatest, heard[each, state])
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
