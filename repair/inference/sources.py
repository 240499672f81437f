"""The loss of a source, or of its bus: all its feeders are off at once, and no device of theirs opened (field reference 6.3).

A feeder by itself cannot tell the loss of its source from a silent opening of its head. Feeders together can: what was heard of
all of them, silence included, is weighed with the source lost and with it live, where at least two are off from their heads on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from network.arrays import Indices
from network.representation import Shown
from repair.inference.explanations import Explanations
from repair.inference.feeder_tree import FeederTree
from repair.inference.moments import ms_of
from repair.inference.outage import InferredOutage, RunnerUp
from repair.inference.piece import Piece
from repair.inference.rates import HOURS_PER_YEAR
from repair.settings import InferenceSettings

LEAST_FEEDERS = 2
"""Feeders of a source that are off from their heads on, at least, for its loss to be weighed."""

LEAST_LOG_ODDS = -4.6
"""Log-odds below which, by the feeders that were heard of alone, the loss of a source is not weighed."""


@dataclass(frozen=True)
class LostSource:
    """A source that is lost, rather than not.

    Attributes:
        outage: the one incident of all its feeders.
        pieces: numbers of its feeders.
    """

    outage: InferredOutage
    pieces: tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Sources(Shown):
    """The sources of a supply with several feeders."""

    tree: FeederTree
    rules: InferenceSettings

    @cached_property
    def of_piece(self) -> Indices:
        """The place of the source of each feeder, -1 where it has no other feeder, shape (pieces,)."""
        tree = self.tree
        source = tree.supply.parent[tree.first]
        feeds = tree.transformers_before[tree.last] > tree.transformers_before[tree.first]
        count = np.bincount(source[feeds & (source > 0)], minlength=len(tree.supply.end))
        return np.where(feeds & (source > 0) & (count[source] >= LEAST_FEEDERS), source, -1)

    def feeders(self, source: int) -> list[int]:
        """Return the numbers of the feeders of a source, rising."""
        found: list[int] = np.flatnonzero(self.of_piece == source).tolist()
        return found

    @property
    def log_odds(self) -> float:
        """Log-odds of the loss of a source within one event, before anything is heard."""
        share = self.rules.source_outages_yr * self.rules.event_h / HOURS_PER_YEAR
        return float(np.log(share / (1 - share)))

    def is_in_question(self, pieces: Sequence[Piece]) -> bool:
        """Tell whether what was heard of some feeders of one source speaks of its loss."""
        off = sum(piece.top >= self.rules.suspected for piece in pieces)
        if off < LEAST_FEEDERS:
            return False
        return self.log_odds + sum(piece.lost_source for piece in pieces if piece.now) > LEAST_LOG_ODDS

    def over(
        self, source: int, heads: Mapping[int, Sequence[tuple[InferredOutage, float]]]
    ) -> list[list[InferredOutage]]:
        """Return the groups of incidents that are over and that the loss of a source explains: one of each of its feeders.

        Args:
            source: its place.
            heads: by number of feeder the incidents at its head that are over, and how much better, as log, the loss of the
                source explains what was heard of each.
        """
        first, *others = self.feeders(source)
        found: list[list[InferredOutage]] = []
        taken: set[str] = set()
        for outage, odds in heads.get(first, ()):
            group = [(outage, odds)]
            for other in others:
                meets = (each for each in heads.get(other, ()) if each[0].id not in taken and _meet(each[0], outage))
                group += [each for each in [next(meets, None)] if each is not None]
            if len(group) == 1 + len(others) and self.log_odds + sum(share for _, share in group) > 0:
                found.append([each for each, _ in group])
                taken |= {each.id for each, _ in group}
        return found

    def together(
        self, source: int, share: float, heads: Sequence[InferredOutage], explanations: Explanations
    ) -> InferredOutage:
        """Return the one incident of a source.

        Args:
            source: its place.
            share: how probable its loss is, or was.
            heads: the incident of each of its feeders.
            explanations: what makes incidents.
        """
        supply = self.tree.supply
        node = str(supply.network.nodes[int(supply.node_at[source])])
        first = max(heads, key=lambda each: (each.transformers, each.object_id))
        start = min(head.start for head in heads)
        everyone, dark = (
            supply.network.transformer_index([name for head in heads for name in getattr(head, which)])
            for which in ("transformer_ids", "dark_ids")
        )
        ends = [head.restored_at for head in heads if head.restored_at is not None]
        sure = max(head.sure for head in heads)
        state = "confirmed" if sure >= self.rules.confirmed else "suspected"
        explained = next((head.explanation for head in heads if head.explanation != "line"), "source")
        return replace(
            first,
            id=f"{start:%Y%m%dT%H%M%S}-{node}", level="line", probability=share, explanation=explained,
            runner_up=RunnerUp(first.object_id, 1 - share), start=start, last=max(head.last for head in heads),
            sure=sure, state="restored" if len(ends) == len(heads) else state,
            restored_at=max(ends) if len(ends) == len(heads) else None,
            transformers=len(everyone), customers=explanations.customer_count(everyone, ms_of(start)),
            customers_off=explanations.customer_count(dark, ms_of(start)),
            expected_customers=sum(head.expected_customers for head in heads), dark=len(dark),
            back=len(everyone) - len(dark), meters=sum(head.meters for head in heads),
            calls=sum(head.calls for head in heads), tripped=any(head.tripped for head in heads),
            doubted=tuple(word for head in heads for word in head.doubted),
            transformer_ids=explanations.transformer_ids(everyone), dark_ids=explanations.transformer_ids(dark),
            ends=tuple(head.object_id for head in heads if head is not first),
        )  # fmt: skip


def _meet(one: InferredOutage, other: InferredOutage) -> bool:
    """Tell whether two incidents that are over lasted at one time."""
    ends = one.restored_at or one.last, other.restored_at or other.last
    return one.start <= ends[1] and other.start <= ends[0]
