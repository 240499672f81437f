"""What differs from a full state of the switches, feeder by feeder.

The full state falls into pieces: each source's node by itself, what hangs on each branch that leaves a source's node, and each
dead island. Nothing but a source joins two live pieces (in depth-first order no branch leads across), so that operating a switch
can change nothing outside the pieces at its two ends. They are energised anew, together where a closed tie joins them; all
others keep their places in the full state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from network.arrays import NONE, Indices, Mask, among, components
from network.forest import Forest
from network.kept import Kept
from network.representation import Shown

MOST_KEPT = 200_000
"""Parts are kept with so many nodes in all: a search and its proof ask for the same few again and again."""


def _size_of(part: Part) -> int:
    return len(part.nodes)


@dataclass(frozen=True, eq=False, repr=False)
class Pieces(Shown):
    """The pieces of one full state; live ones are numbered before dead ones.

    Attributes:
        from_node, to_node: node at each end of a branch, shape (branches,).
        is_source: whether each node is a source, shape (nodes,).
        is_open: whether each branch is open in the full state, shape (branches,).
        forest: the full state.
    """

    from_node: Indices
    to_node: Indices
    is_source: Mask
    is_open: Mask
    forest: Forest
    _parts: Kept[Part] = field(default_factory=lambda: Kept(MOST_KEPT, _size_of), init=False)

    @cached_property
    def islands(self) -> Forest:
        """What no source reaches, grown from one node of each island."""
        dead = ~self.forest.reached
        branch = np.flatnonzero(~self.is_open & dead[self.from_node])
        tail, head = self.from_node[branch], self.to_node[branch]
        label = components(len(dead), tail, head)
        nodes = np.flatnonzero(dead)
        _, one_of_each = np.unique(label[nodes], return_index=True)
        return Forest.grow(len(dead), branch, tail, head, nodes[one_of_each])

    @cached_property
    def _live_starts(self) -> Indices:
        above = self.forest.parent
        source = above == 0
        return np.flatnonzero(source | ((above > 0) & source[above]))

    @cached_property
    def _dead_starts(self) -> Indices:
        return np.flatnonzero(self.islands.parent == 0)

    def of(self, nodes: Indices) -> Indices:
        """Return the piece of each node."""
        place = self.forest.place_of[nodes]
        piece = np.searchsorted(self._live_starts, place, side="right") - 1
        dead = np.flatnonzero(place < 0)
        if len(dead):
            island = np.searchsorted(self._dead_starts, self.islands.place_of[nodes[dead]], side="right") - 1
            piece[dead] = len(self._live_starts) + island
        return piece

    def of_branches(self, branches: Indices) -> Indices:
        """Return the piece of each branch that is closed in the full state: that of its lower end."""
        tail, head = self.from_node[branches], self.to_node[branches]
        place_of = self.forest.place_of
        return self.of(np.where(place_of[tail] > place_of[head], tail, head))

    def place_in(self, piece: int, node: int) -> int:
        """Return how many places behind its piece's first one a node stands."""
        forest, first, _ = self.span(piece)
        return int(forest.place_of[node]) - first

    def span(self, piece: int) -> tuple[Forest, int, int]:
        """Return the forest of a piece, its first place and the place after its last."""
        live = len(self._live_starts)
        forest, starts, which = (
            (self.forest, self._live_starts, piece) if piece < live else (self.islands, self._dead_starts, piece - live)
        )
        last = int(starts[which + 1]) if which + 1 < len(starts) else len(forest.end)
        return forest, int(starts[which]), last


@dataclass(frozen=True, eq=False, repr=False)
class Part(Shown):
    """Pieces that closed ties join, energised anew.

    Attributes:
        members: the pieces.
        changed: branches of theirs that are open (true) or closed (false) unlike in the full state; one at a lost source's node
            is named even where it is closed as there, because that node joins pieces now.
        nodes: their nodes and those of their sources, shape (nodes of the part,).
        forest: over ``nodes``, counted from 0; branches by their index in the network.
    """

    members: frozenset[int]
    changed: Mapping[int, bool]
    nodes: Indices
    forest: Forest

    @classmethod
    def energise(
        cls, pieces: Pieces, members: Iterable[int], changed: Mapping[int, bool], lost: frozenset[int] = frozenset()
    ) -> Part:
        """Energise pieces with some branches changed and without the sources at the nodes ``lost``.

        Every branch that is newly closed joins pieces among them. What was energised lately is not energised again.
        """
        joined = tuple(members)
        key = joined, tuple(changed.items()), lost
        return pieces._parts.recall(key, lambda: cls._energise(pieces, joined, changed, lost))

    @classmethod
    def _energise(
        cls, pieces: Pieces, members: tuple[int, ...], changed: Mapping[int, bool], lost: frozenset[int]
    ) -> Part:
        offset: dict[int, int] = {}
        found: list[Indices] = []
        count = 0
        for piece in members:
            forest, first, last = pieces.span(piece)
            offset[piece] = count
            found.append(forest.node_at[first:last])
            count += last - first
        index_of_source: dict[int, int] = {}

        def index_of(node: int) -> int:
            nonlocal count
            piece = int(pieces.of(np.array([node]))[0])
            if piece in offset:
                return offset[piece] + pieces.place_in(piece, node)
            if node not in index_of_source:
                index_of_source[node] = count
                found.append(np.array([node], dtype=np.int64))
                count += 1
            return index_of_source[node]

        cut = np.array([branch for branch, is_open in changed.items() if is_open], dtype=np.int64)
        branches, lower, upper = [], [], []
        for piece in list(offset):
            forest, first, last = pieces.span(piece)
            back = slice(*np.searchsorted(forest.back_lower, [first, last]))
            branch = np.concatenate([forest.branch_to[first:last], forest.back_branch[back]])
            low = np.concatenate([np.arange(first, last), forest.back_lower[back]])
            up = np.concatenate([forest.parent[first:last], forest.back_upper[back]])
            real = (branch >= 0) & ~among(branch, cut)
            outside = up < first
            shift = offset[piece] - first
            up = up + shift
            if (real & outside).any():
                up[outside] = index_of(int(forest.node_at[forest.parent[first]]))
            branches.append(branch[real])
            lower.append(low[real] + shift)
            upper.append(up[real])
        for one, is_open in changed.items():
            if not is_open and pieces.is_open[one]:
                branches.append(np.array([one], dtype=np.int64))
                lower.append(np.array([index_of(int(pieces.from_node[one]))]))
                upper.append(np.array([index_of(int(pieces.to_node[one]))]))
        branch, tail, head = np.concatenate(branches), np.concatenate(lower), np.concatenate(upper)
        nodes = np.concatenate(found)
        feeds = pieces.is_source[nodes]
        if lost:
            feeds &= ~np.isin(nodes, list(lost))
        forest = Forest.grow(len(nodes), branch, tail, head, np.flatnonzero(feeds))
        return cls(frozenset(offset), changed, nodes, forest)


@dataclass(frozen=True, eq=False, repr=False)
class Patch(Shown):
    """The parts in which a state differs from a full one.

    Attributes:
        pieces: of the full state.
        parts: part of each piece that was energised anew.
        lost: nodes whose sources do not feed any more.
    """

    pieces: Pieces
    parts: Mapping[int, Part] = field(default_factory=dict)
    lost: frozenset[int] = frozenset()

    @cached_property
    def distinct(self) -> tuple[Part, ...]:
        """Every part once."""
        return tuple({id(part): part for part in self.parts.values()}.values())

    @cached_property
    def changed(self) -> Mapping[int, bool]:
        """Branches that are open (true) or closed (false) unlike in the full state."""
        return {branch: is_open for part in self.distinct for branch, is_open in part.changed.items()}

    @cached_property
    def _nodes_and_supply(self) -> tuple[Indices, Mask]:
        if not self.parts:
            return NONE, np.zeros(0, dtype=np.bool_)
        nodes = np.concatenate([part.nodes for part in self.distinct])
        live = np.concatenate([part.forest.reached for part in self.distinct])
        by_node = np.argsort(nodes)
        return nodes[by_node], live[by_node]

    @property
    def nodes(self) -> Indices:
        """All nodes of the parts, in rising order; a source's node perhaps more than once."""
        return self._nodes_and_supply[0]

    def live(self, nodes: Indices) -> Mask:
        """Return whether each of these nodes has supply; -1 (no node) has none."""
        live = self.pieces.forest.place_of[nodes] >= 0
        touched, supply = self._nodes_and_supply
        if len(touched) and len(nodes):
            at = np.minimum(np.searchsorted(touched, nodes), len(touched) - 1)
            live = np.where(touched[at] == nodes, supply[at], live)
        return live

    def switched(self, opened: Iterable[int], closed: Iterable[int], lost: Iterable[int] = ()) -> Patch:
        """Return the patch after operating branches; only the pieces at their ends, and what is joined to them, are touched.

        Args:
            opened: branches to open.
            closed: branches to close.
            lost: nodes of sources that do not feed any more; all branches at them must be among those opened.
        """
        pieces = self.pieces
        wanted = dict.fromkeys(opened, True) | dict.fromkeys(closed, False)
        gone = self.lost.union(lost)
        dead = set(pieces.of(np.array(sorted(gone), dtype=np.int64)).tolist())
        operated = np.array(list(wanted), dtype=np.int64)
        dirty = dead.union(*(pieces.of(end[operated]).tolist() for end in (pieces.from_node, pieces.to_node)))
        old = {id(self.parts[piece]): self.parts[piece] for piece in dirty if piece in self.parts}.values()
        changed: dict[int, bool] = {}
        for part in old:
            changed |= part.changed
            dirty |= part.members
        changed |= wanted
        changed = {
            branch: is_open
            for branch, is_open in changed.items()
            if pieces.from_node[branch] != pieces.to_node[branch]
            and (
                is_open != pieces.is_open[branch]
                or not gone.isdisjoint((pieces.from_node[branch], pieces.to_node[branch]))
            )
        }
        parts = {piece: part for piece, part in self.parts.items() if piece not in dirty}
        for members, their_changes in _joined(pieces, changed, dead):
            part = Part.energise(pieces, members, their_changes, gone)
            parts |= dict.fromkeys(members, part)
        return Patch(pieces, parts, gone)


def _joined(
    pieces: Pieces, changed: Mapping[int, bool], also: Iterable[int]
) -> list[tuple[list[int], dict[int, bool]]]:
    """Return groups of pieces that newly closed branches join, each with its own changes.

    Pieces without any change are left out, but for those that are asked for.
    """
    group_of: dict[int, list[int]] = {piece: [piece] for piece in also}
    touches: dict[int, int] = {}
    opened = [branch for branch, is_open in changed.items() if is_open]
    for branch, piece in zip(opened, pieces.of_branches(np.array(opened, dtype=np.int64)).tolist(), strict=True):
        group_of.setdefault(piece, [piece])
        touches[branch] = piece
    for branch in [branch for branch, is_open in changed.items() if not is_open]:
        first, second = pieces.of(np.array([pieces.from_node[branch], pieces.to_node[branch]])).tolist()
        one, other = group_of.setdefault(first, [first]), group_of.setdefault(second, [second])
        touches[branch] = first
        if one is not other:
            one.extend(other)
            group_of.update(dict.fromkeys(other, one))
    groups = {id(group): group for group in group_of.values()}
    changes: dict[int, dict[int, bool]] = {key: {} for key in groups}
    for branch, piece in touches.items():
        changes[id(group_of[piece])][branch] = changed[branch]
    return [(group, changes[key]) for key, group in groups.items()]
