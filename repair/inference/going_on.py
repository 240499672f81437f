"""Events that surely go on, whatever incidents their posterior is told as: no incidents need to be made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.arrays import Mask
from network.representation import Shown
from repair.inference.explained import ExplainedOutages
from repair.inference.explanations import darkness
from repair.inference.judgement import Judgement
from repair.inference.records import Records
from repair.inference.spots import Spots
from repair.settings import InferenceSettings


@dataclass(frozen=True, eq=False, repr=False)
class GoingOn(Shown):
    """Tells which events go on.

    Attributes:
        known: plans and arrears.
        records: of the statistics.
        spots: where devices stand.
        rules: bars.
    """

    known: ExplainedOutages
    records: Records
    spots: Spots
    rules: InferenceSettings

    def surely(self, judgement: Judgement) -> Mask:
        """Return the events with an open outage of a line that neither a plan, arrears nor a record may tell of, (events,).

        What is dead below a branch is an open outage of a line, which keeps its event going on; a plan may say that it is one of
        a transformer, and a record that it is over.
        """
        events = judgement.events
        found = np.zeros(len(events.piece), dtype=np.bool_)
        if not len(found):
            return found
        begin, until = int(events.rows.time.min(initial=int(events.at.min()))), int(events.at.max())
        if self.records.some_between(begin, until):
            return found
        found[judgement.event[darkness(judgement) >= self.rules.suspected]] = True
        return found & ~np.isin(events.piece, self.known.pieces_of(begin, until, self.spots))
