"""Inference while switches are operated: each report is judged on the state of the switches in which it was made.

Each state has an inference of its own. A report of darkness, a trip or a call belongs to the last state, at its time, in
which what it speaks of had supply: what an operation cut off stays with the incident because of which it was cut off. A sign
of power counts in every state that there was by then. Where switches stand as they stood before, the inference is that of
before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from network import Problem, Supply
from network.arrays import Indices, Mask
from repair.inference.intake import Removed
from repair.inference.outage import InferredOutage
from repair.inference.outages import Inference
from repair.settings import InferenceSettings

MOST_STATES = 16
"""States that are kept apart in any case."""

MOST_NODES = 200_000
"""Nodes of all states that are kept apart: a small network keeps many, so that reports may come in any order.

Beyond that a state that is over is let go, but for those in which somebody is out still; a report of its time that comes later
is judged in the state before.
"""


@dataclass(frozen=True, eq=False)
class Since:
    """From when on which state of the switches held."""

    since: datetime
    supply: Supply


@dataclass(frozen=True, eq=False)
class Seen:
    """In which state an incident was seen, and from when on that state held first."""

    since: datetime
    inference: Inference


class SwitchedInference:
    """Incidents of a network whose switches are operated meanwhile.

    Args:
        supply: the state before the first operation.
        tables: ``plans`` and ``outages`` of a workspace.
        periods: the states since, in order of time.

    Attributes:
        last_dark: when each transformer last reported to be off, or did not answer a reading.
    """

    def __init__(
        self, supply: Supply, tables: Mapping[str, pl.DataFrame] | None = None, periods: Sequence[Since] = ()
    ) -> None:
        self.supply = supply
        self._tables = tables
        self._periods: list[tuple[datetime, Inference]] = []
        self._of_state: dict[object, Inference] = {}
        self._asked: list[tuple[datetime, object]] = []
        self._latest_dark = datetime.min
        self.last_dark: dict[str, datetime] = {}
        self._clock: datetime | None = None
        self._removed = Removed()
        self._over: tuple[InferredOutage, ...] = ()
        self._moved: tuple[InferredOutage, ...] = ()
        self._begin(Since(datetime.min, supply))
        for period in periods:
            self._begin(period)
        self._asked = [(period.since, self._key(period.supply)) for period in periods]

    def _key(self, supply: Supply) -> object:
        """Return what tells one state of the switches from another, jumpers among it."""
        net, count = supply.network, self.supply.network.branches.height
        return supply.is_open.tobytes(), net.from_node[count:].tobytes(), net.to_node[count:].tobytes()

    def _begin(self, period: Since) -> Inference:
        key = self._key(period.supply)
        inference = self._of_state.get(key)
        if inference is None:
            inference = self._of_state[key] = Inference(period.supply, self._tables)
            if self._clock is not None:
                inference.tick(self._clock)
        self._periods.append((period.since, inference))
        return inference

    # States -------------------------------------------------------------------------------------------------------

    def follow(self, periods: Sequence[Since], heard: pl.DataFrame) -> SwitchedInference:
        """Return the incidents with other states of the switches since; signals that were heard are judged in them.

        Args:
            periods: all states since the first, in order of time.
            heard: all signals that are remembered.
        """
        asked = [(period.since, self._key(period.supply)) for period in periods]
        goes_on = asked[: len(self._asked)] == self._asked
        further = periods[len(self._asked) :]
        if goes_on and all(each.since > self._latest_dark for each in further):
            for each in further:
                count = len(self._of_state)
                inference = self._begin(each)
                if len(self._of_state) > count:
                    inference.take(heard.filter((pl.col("time") >= each.since - self._heard_within) & _is_life()))
            self._asked = asked
            self._drop_old()
            return self
        anew = SwitchedInference(self.supply, self._tables, periods)
        anew.take(heard)
        anew.forget_told()
        if self._clock is not None:
            anew.tick(self._clock)
        before = {incident.id: incident for incident in self.incidents}
        anew._moved = tuple(incident for incident in anew.incidents if before.get(incident.id) != incident)
        anew.changes_of_states()
        anew._removed.join(self._all_removed())
        return anew

    def _drop_old(self) -> None:
        """Let go of states that are over, where nobody is out any more; their incidents stay as they ended."""
        kept = {id(self._periods[0][1]), id(self._periods[-1][1])}
        most = max(MOST_STATES, MOST_NODES // max(self.supply.network.nodes.len(), 1))
        for key, inference in list(self._of_state.items()):
            if len(self._of_state) <= most:
                return
            told = inference.incidents
            if id(inference) not in kept and not any(each.is_open for each in told):
                self._over += told
                del self._of_state[key]
                self._periods = [period for period in self._periods if period[1] is not inference]

    @property
    def _heard_within(self) -> timedelta:
        """For so long a device that was heard from is expected to speak."""
        return timedelta(hours=self.rules.heard_within_h)

    @property
    def _states(self) -> list[Inference]:
        return list(self._of_state.values())

    # Signals ------------------------------------------------------------------------------------------------------

    def take(self, signals: pl.DataFrame, now: datetime | None = None, clock: datetime | None = None) -> list[Problem]:
        """Take some more signals into account; see :meth:`Inference.take`."""
        dark = signals.filter(~_is_life())["time"].max()
        if isinstance(dark, datetime):
            self._latest_dark = max(self._latest_dark, dark)
        if len(self._of_state) == 1:
            problems = self._states[0].take(signals, now, clock)
        else:
            problems = [
                problem
                for inference, rows in self._shares(signals)
                for problem in (inference.take(rows, now, clock) if rows.height else ())
            ]
        self._note_dark(signals)
        return problems

    def _note_dark(self, signals: pl.DataFrame) -> None:
        """Note when transformers said to be without power; what lies in the future is not believed."""
        off = (pl.col("kind") == "off") | ((pl.col("kind") == "read") & (pl.col("value") == 0))
        is_believed = off & (pl.col("object") == "transformer") & (pl.col("time") <= (self.newest or datetime.min))
        for name, at in signals.filter(is_believed).group_by("object_id").agg(pl.col("time").max()).iter_rows():
            self.last_dark[name] = max(at, self.last_dark.get(name, at))

    def _shares(self, signals: pl.DataFrame) -> Iterator[tuple[Inference, pl.DataFrame]]:
        """Give each state the signals that belong to it."""
        states = self._states
        fed = [state.is_fed(signals) for state in states]
        number = {id(each): place for place, each in enumerate(states)}
        time = signals["time"].to_numpy()
        own = np.full(signals.height, -1, dtype=np.int64)
        for since, inference in reversed(self._periods):
            place = number[id(inference)]
            own[(own < 0) & _since(time, since) & fed[place]] = place
        own[own < 0] = number[id(self._periods[0][1])]
        life = signals.select(_is_life()).to_series().to_numpy()
        begun = self._begun()
        for place, inference in enumerate(states):
            since = begun[id(inference)]
            early = since if since == datetime.min else since - self._heard_within
            mine: Mask = (own == place) | (life & _since(time, early) & fed[place])
            yield inference, signals.filter(pl.Series(mine))

    def _begun(self) -> dict[int, datetime]:
        """Return from when on each state held first."""
        found: dict[int, datetime] = {}
        for since, inference in self._periods:
            found.setdefault(id(inference), since)
        return found

    def tick(self, moment: datetime) -> None:
        """Tell what time it is; see :meth:`Inference.tick`."""
        self._clock = moment if self._clock is None else max(self._clock, moment)
        for state in self._states:
            state.tick(moment)

    def reject(self, problems: Sequence[Problem]) -> None:
        """Count rows that could not even be read."""
        self._states[0].reject(problems)

    def repeated(self, rows: pl.DataFrame) -> None:
        """Count signals that came again."""
        self._states[0].repeated(rows)

    # Answers ------------------------------------------------------------------------------------------------------

    @property
    def rules(self) -> InferenceSettings:
        """Rates and bars."""
        return self._states[0].rules

    @property
    def newest(self) -> datetime | None:
        """The newest moment that was heard of."""
        return max((state.newest for state in self._states if state.newest is not None), default=None)

    @property
    def at(self) -> datetime | None:
        """The moment of all answers."""
        return max((state.at for state in self._states if state.at is not None), default=None)

    @property
    def incidents(self) -> tuple[InferredOutage, ...]:
        """All incidents, latest first."""
        return tuple(outage for outage, _ in self._told())

    def seen(self) -> dict[str, Seen]:
        """Return in which state each incident was seen, where that is not the first one."""
        begun, first = self._begun(), self._periods[0][1]
        return {
            outage.id: Seen(begun[id(inference)], inference)
            for outage, inference in self._told()
            if inference is not None and inference is not first
        }

    def _told(self) -> list[tuple[InferredOutage, Inference | None]]:
        if len(self._of_state) == 1 and not self._over:
            first = self._states[0]
            return [(incident, first) for incident in first.incidents]
        found: list[tuple[InferredOutage, Inference | None]] = [(each, None) for each in self._over]
        found += [(outage, state) for state in self._states for outage in state.incidents]
        found.sort(key=lambda pair: pair[0].start, reverse=True)
        taken: dict[str, int] = {}
        told: list[tuple[InferredOutage, Inference | None]] = []
        for outage, inference in found:
            taken[outage.id] = again = taken.get(outage.id, 0) + 1
            told.append((outage if again == 1 else replace(outage, id=f"{outage.id}+{again}"), inference))
        return told

    def changes(self) -> tuple[InferredOutage, ...]:
        """Return the incidents that are new, or not as they were, since this was asked last; latest first."""
        moved, self._moved = self._moved, ()
        found = {each.id: each for each in (*moved, *self.changes_of_states())}
        return tuple(sorted(found.values(), key=lambda each: each.start, reverse=True))

    def changes_of_states(self) -> list[InferredOutage]:
        """Return what changed in each state by what was heard there."""
        return [outage for state in self._states for outage in state.changes()]

    def sure(self) -> dict[str, float]:
        """Return how probable it is that each transformer is off at this moment, where it is not negligible."""
        found: dict[str, float] = {}
        for state in self._states:
            for name, share in state.sure().items():
                found[name] = max(share, found.get(name, 0.0))
        return found

    def sure_now(self) -> dict[str, float]:
        """Return how probable it is that each transformer is off in the state that holds now, where it is not negligible."""
        return dict(self._periods[-1][1].sure())

    @property
    def problems(self) -> list[Problem]:
        """Signals that tell of no outage: for each reason how many there are, and what to do."""
        return self._all_removed().problems()

    def _all_removed(self) -> Removed:
        self.forget_told(self._removed)
        return self._removed

    def forget_told(self, into: Removed | None = None) -> None:
        """Count anew what cannot be used; what was counted is added elsewhere, or forgotten."""
        for state in self._states:
            removed = state.removed()
            if into is not None:
                into.join(removed)

    def places(self, signals: pl.DataFrame) -> pl.DataFrame:
        """Return signals with their places in the first state; see :meth:`Inference.places`."""
        return self._periods[0][1].places(signals)

    # Memory -------------------------------------------------------------------------------------------------------

    def forget(self, before: datetime) -> int:
        """Forget the signals and incidents of before a moment; see :meth:`Inference.forget`."""
        self._over = tuple(each for each in self._over if (each.restored_at or each.start) >= before)
        self.last_dark = {name: at for name, at in self.last_dark.items() if at >= before}
        return sum(state.forget(before) for state in self._states)

    def needed(self, signals: pl.DataFrame) -> Mask:
        """Return which of these signals are remembered still."""
        needed: Mask = np.any([state.needed(signals) for state in self._states], axis=0)
        return needed


def _since(time: Indices, moment: datetime) -> Mask:
    """Return which times are not before a moment."""
    if moment == datetime.min:
        return np.ones(len(time), dtype=np.bool_)
    return np.asarray(time >= np.datetime64(moment), dtype=np.bool_)


def _is_life() -> pl.Expr:
    """Tell of power: it came, was closed in, or a reading was answered."""
    answered = (pl.col("kind") == "read") & (pl.col("value") != 0).fill_null(value=True)
    return (pl.col("kind").is_in(["on", "close"]) | answered).fill_null(value=False)
