"""What is known of one piece of the network: its present event, and the incidents of those that are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from network.arrays import NONE, Indices, Numbers
from repair.inference.devices import EVER, Devices
from repair.inference.history import MINUTE
from repair.inference.moments import ms_of, time_of
from repair.inference.outage import OF_CUSTOMERS, Doubted, InferredOutage
from repair.inference.states import STATES
from repair.inference.words import Rows
from repair.settings import InferenceSettings


class Past(NamedTuple):
    """An incident of an event that is over, the moment at which it was judged, in ms, and the piece's ``lost_source`` then."""

    outage: InferredOutage
    judged: int
    lost_source: float


@dataclass
class Piece:
    """What is known of one piece.

    Attributes:
        cut: last signal of the last event that is over, in ms.
        checked: last signal after which the present event was found not to be over, in ms.
        over: incidents of events that are over.
        now: incidents of the present event.
        since: when the present event began, in ms; ``EVER`` where there is none.
        last: last signal, in ms.
        at: moment of the present event's judgement, in ms.
        due: when it is to be judged again although nothing is heard of it, in ms; ``EVER`` where there is no event.
        sure: transformers, and the probability that each is off, where it is not negligible.
        states: places that may have lost supply, and the probability of each of their states.
        coupled: how probable each transformer of two feeders that spoke within its event is off, by index; with one of the two.
        top: how probable it is that its head is dead now.
        lost_source: how much better, as log, what was heard is explained by the loss of its source.
        approximate: whether some of what may have happened on its closed rings was left out.
        faded: moments until which the silence of single transformers counts, of events that are over, in ms.
    """

    cut: int = -int(EVER)
    checked: int = -int(EVER)
    over: list[Past] = field(default_factory=list)
    now: list[InferredOutage] = field(default_factory=list)
    since: int = int(EVER)
    last: int = -int(EVER)
    at: int = -int(EVER)
    due: int = int(EVER)
    sure: tuple[Indices, Numbers] = (NONE, np.zeros(0))
    states: tuple[Indices, Numbers] = (NONE, np.zeros((0, STATES)))
    coupled: dict[int, float] = field(default_factory=dict)
    top: float = 0.0
    lost_source: float = -np.inf
    approximate: bool = False
    faded: tuple[int, ...] = ()


def by_phases(signals: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the signals of whole devices, and those that name one or two phases only."""
    if "phases" not in signals.columns:
        return signals, signals.clear()
    letters = pl.col("phases").cast(pl.String).str.to_uppercase().str.replace_all("[^ABC]", "")
    some = letters.str.len_chars().is_between(1, 2).fill_null(value=False)
    return signals.filter(~some), signals.filter(some).with_columns(phases=letters)


def fades(outage: InferredOutage) -> bool:
    """Whether nothing but the word of one terminal speaks of an open incident."""
    return outage.is_open and outage.level == "transformer" and outage.explanation == "transformer"


def faded(past: Past, until: int, rules: InferenceSettings) -> InferredOutage:
    """Return the outage of a single transformer as it is after more silence, until a moment in ms.

    It ends after ``outage_h`` on average, and then its terminal says so but for ``on_loss``; so silence speaks for a report that
    was false, or else for an end that was not heard.
    """
    outage = past.outage
    lasts = float(np.exp(-(until - past.judged) / (60 * MINUTE) / rules.outage_h))
    dark, back = outage.sure * lasts, outage.sure * (1 - lasts) * rules.on_loss
    total = dark + back + 1 - outage.sure
    sure = dark / total
    if sure >= rules.suspected:
        state = "confirmed" if sure >= rules.confirmed else "suspected"
        share = sure / outage.sure
        return replace(
            outage, sure=sure, probability=sure, state=state, expected_customers=outage.expected_customers * share
        )
    if (dark + back) / total >= rules.suspected:
        return closed(outage, time_of(until), "")
    return overturned(outage, until)


def overturned(outage: InferredOutage, until: int) -> InferredOutage:
    """Return the same outage where silence until a moment, in ms, has made it less probable than not."""
    doubted = (Doubted("transformer", outage.object_id, "off", outage.start),) if fades(outage) else outage.doubted
    return replace(closed(outage, time_of(until), ""), state="overturned", restored_at=None, back=0, doubted=doubted)


def closed(outage: InferredOutage, end: datetime, reason: str) -> InferredOutage:
    """Return an incident of which all have supply again since a moment."""
    return replace(
        outage,
        state="restored",
        reason=reason,
        restored_at=end,
        dark=0,
        back=outage.transformers,
        dark_ids=(),
        customers_off=0,
        expected_customers=0.0,
    )


def is_of_line(outage: InferredOutage) -> bool:
    """Whether an open outage keeps the event of its feeder going on; those of single users do not."""
    return outage.level not in {"transformer", *OF_CUSTOMERS}


def ended_by(signs: Rows, outages: Sequence[InferredOutage], devices: Devices) -> dict[str, InferredOutage]:
    """Return those of some incidents that signs of power end, by id: each by the first sign after its last word.

    Args:
        signs: signals that somebody has power.
        outages: incidents of single users, open or ended by a sign.
        devices: numbers of devices.
    """
    newest = int(signs.time.max(initial=-int(EVER)))
    outages = [outage for outage in outages if ms_of(outage.last) < newest]
    if not outages:
        return {}
    told: dict[tuple[str, str], list[int]] = {}
    for device, time in zip(signs.device.tolist(), signs.time.tolist(), strict=True):
        told.setdefault(devices.kind_and_id(device), []).append(time)
    found = {}
    for outage in outages:
        users = [("customer", name) for name in outage.customer_ids] or [("transformer", outage.object_id)]
        later = [time for user in users for time in told.get(user, []) if time > ms_of(outage.last)]
        if later and (outage.restored_at is None or time_of(min(later)) < outage.restored_at):
            found[outage.id] = closed(outage, time_of(min(later)), "")
    return found
