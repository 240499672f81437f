"""Losses of sources as they are found, one incident each in place of those of their feeders, and undone when more is heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from network.arrays import NONE
from repair.inference.devices import EVER
from repair.inference.explanations import Explanations
from repair.inference.judgement import Judge, Judgement
from repair.inference.outage import InferredOutage
from repair.inference.piece import Piece
from repair.inference.remembered import Remembered
from repair.inference.sources import LostSource, Sources
from repair.inference.states import DARK, STATES, UNHEARD

Keep = Callable[[Judgement, list[Piece]], None]
"""Keeps what a judgement says of some pieces."""


class Losses:
    """The sources that are lost, or were.

    Args:
        pieces: what is known of each piece.
        judge: judges events.
        explanations: makes incidents.
        signals: what is remembered.
        keep: keeps what a judgement says of some pieces.
    """

    def __init__(
        self, pieces: dict[int, Piece], judge: Judge, explanations: Explanations, signals: Remembered, keep: Keep
    ) -> None:
        self._sources = Sources(judge.tree, judge.rules)
        self._pieces, self._judge, self._explanations = pieces, judge, explanations
        self._signals, self._keep = signals, keep
        self._lost: dict[int, LostSource] = {}
        self._over: dict[int, list[list[InferredOutage]]] = {}

    def undone(self, due: set[int]) -> tuple[set[int], set[int]]:
        """Give up the losses found of sources of which something is judged again.

        Returns:
            Their feeders that are to be judged again, and those of which nothing is known without the loss.
        """
        again, empty = set[int](), set[int]()
        for source in {int(self._sources.of_piece[number]) for number in due} & set(self._lost):
            for number in self._lost.pop(source).pieces:
                piece = self._pieces[number]
                if piece.since < EVER:
                    again.add(number)
                else:
                    piece.now, piece.sure, piece.states = [], (NONE, np.zeros(0)), (NONE, np.zeros((0, STATES)))
                    empty.add(number)
        return again, empty

    def weigh(self, due: set[int]) -> set[int]:
        """Weigh the loss of the sources of some feeders, make one incident of each that is lost; return the feeders changed."""
        changed: set[int] = set()
        for source in sorted({int(self._sources.of_piece[number]) for number in due} - {-1}):
            feeders = self._sources.feeders(source)
            known = [self._pieces[number] for number in feeders if number in self._pieces]
            if self._sources.is_in_question([each for each in known if each.since < EVER]) and self._weigh(
                source, feeders
            ):
                changed |= set(feeders)
            over = self._over_together(source, feeders)
            if over != self._over.get(source, []):
                changed |= set(feeders) & set(self._pieces)
                self._over[source] = over
        return changed

    def _over_together(self, source: int, feeders: list[int]) -> list[list[InferredOutage]]:
        """Return the incidents of feeders of a source that are over and that its loss explains, those of one loss together."""
        heads: dict[int, list[tuple[InferredOutage, float]]] = {}
        for number in set(feeders) & set(self._pieces):
            piece, head = self._pieces[number], self._explanations.head_of(number)
            now = [] if source in self._lost else [(each, piece.lost_source) for each in piece.now]
            known = [(each.outage, each.lost_source) for each in piece.over] + now
            heads[number] = [each for each in known if each[0].state == "restored" and each[0].object_id == head]
            if not heads[number]:
                return []
        return self._sources.over(source, heads)

    def _weigh(self, source: int, feeders: list[int]) -> bool:
        """Weigh the loss of one source; return whether its feeders are judged as lost with it."""
        pieces, states = np.array(feeders), [self._pieces.setdefault(feeder, Piece()) for feeder in feeders]
        heard = np.array([each.since < EVER for each in states])
        going = [each for each in states if each.since < EVER]
        begun, until = min(each.since for each in going), max(each.at for each in going)
        since = np.where(heard, [each.since for each in states], begun)
        last = np.where(heard, [each.last for each in states], until)
        at = np.where(heard, [each.at for each in states], until)
        events = self._signals.events(pieces, since, last, at, *self._signals.usable(pieces))
        live, lost = self._judge.judge_with_and_without_source(replace(events, begun=np.full(len(pieces), begun)))
        odds = self._sources.log_odds + float((lost.log_evidence - live.log_evidence).sum())
        share = float(1 / (1 + np.exp(-np.clip(odds, -700, 700))))
        both = live.mixed(lost, share)
        top = both.state[np.searchsorted(both.event, np.arange(len(states)))][:, [DARK, UNHEARD]].sum(axis=1)
        if min(share, *top.tolist()) < self._judge.rules.suspected:
            return False
        self._keep(both, states)
        heads = []
        for state, number in zip(states, feeders, strict=True):
            mine = self._explanations.head_of(number)
            heads += [each for each in state.now if each.is_open and each.object_id == mine]
            state.now = [each for each in state.now if not (each.is_open and each.object_id == mine)]
        if heads:
            outage = self._sources.together(source, share, heads, self._explanations)
            self._lost[source] = LostSource(outage, tuple(feeders))
        return True

    def outages(self) -> list[InferredOutage]:
        """Return the incidents of sources, those that are over too."""
        over = (
            self._sources.together(source, 1.0, group, self._explanations)
            for source, groups in self._over.items()
            for group in groups
        )
        return [*(lost.outage for lost in self._lost.values()), *over]

    def hidden(self, number: int) -> set[str]:
        """Return the ids of incidents of a feeder that are told as those of its source."""
        several = self._over.get(int(self._sources.of_piece[number]), [])
        return {each.id for group in several for each in group}

    def forget(self) -> None:
        """Forget the losses of which the feeders' incidents are forgotten."""
        self._over = {source: self._over_together(source, self._sources.feeders(source)) for source in self._over}
