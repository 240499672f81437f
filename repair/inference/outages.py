"""Outage inference 停电研判: from signals to incidents (field reference 6.2 and 6.3).

What is inferred depends on which signals were heard and until when, never on the order or the batches in which they came: signals
count by the time at which they happened, and one that comes late corrects what was said before. Only the pieces of the network
that a batch speaks of (:mod:`repair.inference.feeder_tree`), and those whose silence has begun to tell, are judged again.

The way of a signal: :mod:`~repair.inference.intake` (usable, or counted as a problem), :mod:`~repair.inference.history` (which
event it belongs to), :mod:`~repair.inference.reports` and :mod:`~repair.inference.rates` (what it is worth),
:mod:`~repair.inference.posterior` (what follows), :mod:`~repair.inference.explanations` (incidents).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from network import Problem, Supply
from network.arrays import NONE, Indices, Mask, Numbers
from network.tables.frames import require_table
from repair.inference.coupled import CoupledUsers
from repair.inference.devices import EVER, Devices
from repair.inference.events import Events
from repair.inference.explained import ExplainedOutages
from repair.inference.explanations import Explanations, ms_of, time_of
from repair.inference.feeder_tree import FeederTree
from repair.inference.history import MINUTE, Bars, Ends, History
from repair.inference.intake import EXAMPLES, Intake, Removed
from repair.inference.judgement import Judge, Judgement
from repair.inference.outage import OF_CUSTOMERS, BestExplanation, InferredOutage
from repair.inference.piece import Past, Piece, by_phases, closed, faded, fades
from repair.inference.records import Records
from repair.inference.sources import LostSource, Sources
from repair.inference.states import CLOSED_AGAIN, DARK, LIVE, OPENED, STATES, UNHEARD
from repair.inference.words import OFF, ON, READ, Rows, is_of
from repair.settings import InferenceSettings

MOST_WAITING = 1 << 18
"""Signals that wait to be judged at most: their memory does not grow."""

MOST_NODES = 8_000
"""Nodes that are judged at once: memory does not grow with the network, and what is computed stays near the processor."""

STEP = 24 * 60 * MINUTE
"""One device alone is ahead of all others by so much at most, in ms."""

STEPS_MIN = (0.0, 1.0, 3.0, 12.0, 30.0, 60.0, 90.0, 120.0, 180.0, 240.0, 360.0, 720.0, 1440.0)
"""Minutes after the last signal of a feeder at which its silence is judged again: ticks of the clock."""

STEPS = tuple(round(each * MINUTE) for each in STEPS_MIN)
"""The same, in ms."""


NEGLIGIBLE = 0.01
"""A transformer that is less probably off stands on no list."""


class Inference:
    """Incidents over one supply, kept up as signals arrive.

    Args:
        supply: supply before the outages.
        tables: ``plans`` and ``outages`` of a workspace; without them nothing is explained beforehand.
        settings: rates and bars; those of the workspace by default.
    """

    def __init__(
        self,
        supply: Supply,
        tables: Mapping[str, pl.DataFrame] | None = None,
        settings: InferenceSettings | None = None,
    ) -> None:
        self.supply = supply
        self.rules = settings or InferenceSettings.of(supply.network.workspace.settings)
        self.newest: datetime | None = None
        self._clock: datetime | None = None
        self._devices = Devices(supply.network)
        self._tree = FeederTree(supply)
        self._explained = ExplainedOutages.of(supply, self._devices, tables or {}, self.rules)
        self._records = Records.of(supply, tables or {})
        self._until = {each.reference: each.until for each in self._explained.known}
        self._intake = Intake(supply, self._devices, self.rules)
        self._judge = Judge(self._tree, self._devices, self.rules)
        self._explanations = Explanations(self._tree, self._devices, self._explained, self.rules)
        self._bars = Bars.of(self.rules)
        self._coupled = CoupledUsers(self._tree, self._devices, self.rules)
        self._sources, self._lost = Sources(self._tree, self.rules), dict[int, LostSource]()
        self._over: dict[int, list[list[InferredOutage]]] = {}
        self._removed = Removed()
        self._piece, self._rows = NONE, Rows(NONE, NONE)
        self._waiting: list[Rows] = []
        self._pieces: dict[int, Piece] = {}
        self._told: dict[int, dict[str, InferredOutage]] = {}
        self._changed: set[int] = set()
        self._fading: set[int] = set()
        self._latest: dict[int, int] = {}
        self._phases: dict[int, dict[str, InferredOutage]] = {}
        self._forgotten_before: datetime | None = None

    # Signals ------------------------------------------------------------------------------------------------------

    def take(self, signals: pl.DataFrame, now: datetime | None = None) -> list[Problem]:
        """Take some more signals into account; they are judged when incidents are asked for, or when many wait.

        Args:
            signals: the table ``signals`` of a workspace (``time``, ``object``, ``object_id``, ``kind``), in any order.
            now: local time at which they were heard; what is later by more than ``skew_limit_min`` comes from the future.
                Default: the clock, which no given moment runs ahead of.

        Returns:
            Which of them cannot be used, for each reason.
        """
        require_table(signals, "signals")
        clock = self.supply.network.workspace.reading.now()
        removed = Removed()
        whole, some_phases = by_phases(signals)
        heard = self._not_forgotten(self._intake.read(whole, min(now or clock, clock), removed), removed)
        if some_phases.height:
            self._hear_phases(some_phases, min(now or clock, clock), removed)
        self._removed.join(removed)
        if len(heard.device):
            self._waiting.append(heard)
            self._hear_latest(heard)
        if sum(len(rows.device) for rows in self._waiting) >= MOST_WAITING:
            self._settle()
        return removed.problems()

    def _hear_phases(self, signals: pl.DataFrame, now: datetime, removed: Removed) -> None:
        """Take reports of single phases: each is an incident of its own kind, until its device reports power or all phases."""
        for phases, rows in signals.partition_by("phases", as_dict=True).items():
            heard = self._intake.read(rows, now, removed)
            piece, _ = self.places_of(heard.device)
            for number, device, time, kind in zip(
                piece.tolist(), heard.device.tolist(), heard.time.tolist(), heard.kind.tolist(), strict=True
            ):
                if kind == OFF and number >= 0:
                    outage = self._explanations.of_phases(device, time, str(phases[0]))
                    self._pieces.setdefault(number, Piece())
                    self._phases.setdefault(number, {})[outage.id] = outage
                    self._changed.add(number)

    def _hear_latest(self, heard: Rows) -> None:
        """Move the newest moment: one device alone moves it by a step at most, however far ahead its clock is."""
        order = np.argsort(heard.time, kind="stable")[::-1]
        for device, time in zip(heard.device[order].tolist(), heard.time[order].tolist(), strict=True):
            if len(self._latest) > 1 and time <= min(self._latest.values()):
                break
            self._latest[device] = max(time, self._latest.get(device, time))
            if len(self._latest) > 2:
                del self._latest[min(self._latest, key=lambda each: (self._latest[each], each))]
        first, *others = sorted(self._latest.values(), reverse=True)
        self.newest = time_of(min([first, *(other + STEP for other in others)]))

    def tick(self, moment: datetime) -> None:
        """Tell what time it is: silence counts until then. The clock never runs backwards."""
        self._clock = moment if self._clock is None else max(self._clock, moment)

    @property
    def at(self) -> datetime | None:
        """The moment of all answers: the clock as it was told, or the newest signal."""
        known = [each for each in (self._clock, self.newest) if each is not None]
        return max(known, default=None)

    def reject(self, problems: Iterable[Problem]) -> None:
        """Count rows that could not even be read."""
        errors = [problem for problem in problems if problem.severity == "error"]
        examples = [{"row": each.row, "column": each.column, "value": each.value} for each in errors[:EXAMPLES]]
        self._removed.add("malformed", len(errors), examples)

    def repeated(self, rows: pl.DataFrame) -> None:
        """Count signals that came again, and were not heard twice."""
        shown = rows.head(EXAMPLES).select(pl.col("time").cast(pl.String), "object", "object_id")
        examples = list(shown.iter_rows(named=True))
        self._removed.add("duplicate", rows.height, examples)

    def _not_forgotten(self, heard: Rows, removed: Removed) -> Rows:
        if self._forgotten_before is None:
            return heard
        old = heard.time < ms_of(self._forgotten_before)
        removed.add("forgotten", int(old.sum()), self._examples(heard, np.flatnonzero(old)))
        return Rows(heard.device[~old], heard.word[~old])

    # Judging ------------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Judge the pieces that the waiting signals speak of, and those whose silence tells more than it did."""
        touched = self._with_those_known() if self._waiting else set()
        now = ms_of(self.at) if self.at else -int(EVER)
        due = touched | {number for number, piece in self._pieces.items() if piece.due <= now}
        due |= self._with_their_sources(due)
        for chunk in self._chunks(sorted(due)):
            self._judge_pieces(np.array(chunk, dtype=np.int64))
        self._weigh_sources(due)
        self._bring_back(touched)
        self._changed |= due
        for number in self._fading:
            piece = self._pieces[number]
            until = tuple(self._tick(each.judged) for each in piece.over if fades(each.outage))
            if until != piece.faded:
                piece.faded = until
                self._changed.add(number)
        self._fading = {number for number in self._fading if self._pieces[number].faded}

    def _chunks(self, pieces: list[int]) -> Iterator[list[int]]:
        size = self._tree.last - self._tree.first
        chunk: list[int] = []
        nodes = 0
        for piece in pieces:
            if chunk and nodes + size[piece] > MOST_NODES:
                yield chunk
                chunk, nodes = [], 0
            chunk.append(piece)
            nodes += int(size[piece])
        if chunk:
            yield chunk

    def _with_those_known(self) -> set[int]:
        """Put the waiting signals among those known, each once, and return the pieces they speak of."""
        from repair.inference.merging import merge

        heard = Rows(*(np.concatenate([getattr(rows, name) for rows in self._waiting]) for name in ("device", "word")))
        self._waiting = []
        heard_piece, _ = self.places_of(heard.device)
        order = np.lexsort((heard.word, heard.device, heard_piece))
        new = heard_piece[order], heard.device[order], heard.word[order]
        merged = np.empty((3, len(self._piece) + len(order)), dtype=np.int64)
        again = np.zeros(len(order), dtype=np.bool_)
        count = merge(self._piece, self._rows.device, self._rows.word, *new, merged, again)
        if again.any():
            where = np.flatnonzero(again)
            self._removed.add("duplicate", len(where), self._examples(Rows(new[1], new[2]), where))
        self._piece, self._rows = merged[0, :count], Rows(merged[1, :count], merged[2, :count])
        first_of = np.lexsort((heard.time, heard_piece))
        numbers, at = np.unique(heard_piece[first_of], return_index=True)
        firsts = zip(numbers.tolist(), heard.time[first_of][at].tolist(), strict=True)
        earliest = {number: time for number, time in firsts if number >= 0}
        for number, time in earliest.items():
            self._reopen(self._pieces.setdefault(number, Piece()), time)
        return set(earliest)

    def _reopen(self, piece: Piece, time: int) -> None:
        """Forget what was concluded of a piece from signals after a moment, since another one was heard of it."""
        if time <= piece.cut + self._bars.quiet:
            forgotten = -int(EVER) if self._forgotten_before is None else ms_of(self._forgotten_before)
            before = time_of(forgotten) if forgotten > -EVER else datetime.min
            piece.over = [each for each in piece.over if each.outage.start < before]
            piece.cut = forgotten
            piece.checked = forgotten
        elif time <= piece.checked + self._bars.quiet:
            piece.checked = piece.cut

    def _judge_pieces(self, pieces: Indices) -> None:
        """Divide the signals of some pieces into events, and judge the last of each."""
        rows, of = self._usable(pieces)
        history = History.of(of, rows)
        states = [self._pieces[int(number)] for number in history.pieces]
        for number in set(pieces.tolist()) - set(history.pieces.tolist()):
            self._pieces[number].since = self._pieces[number].due = int(EVER)
        now = ms_of(self.at) if self.at else 0
        ends = history.ends(now, self._bars)
        while True:
            cut = np.array([state.cut for state in states], dtype=np.int64)
            since = history.begins_after(cut)
            checked = np.array([state.checked for state in states], dtype=np.int64)
            candidate = ends.first(np.maximum(since, checked + 1))
            asked = np.flatnonzero((candidate >= 0) & (since < EVER))
            if not len(asked):
                break
            end = candidate[asked]
            judgement = self._judged(history.pieces[asked], since[asked], ends.time[end], ends.at[end], rows, of)
            self._close(judgement, [states[each] for each in asked], ends, end)
            self._fading |= set(history.pieces[asked].tolist())
        for state, begin, last in zip(states, since.tolist(), history.last.tolist(), strict=True):
            state.since, state.last, state.now = begin, last, []
            state.due = self._next_tick(last) if begin < EVER else int(EVER)
            state.sure, state.states = (NONE, np.zeros(0)), (NONE, np.zeros((0, STATES)))
        going_on = np.flatnonzero(since < EVER)
        if len(going_on):
            at = np.array([self._tick(states[each].last) for each in going_on])
            judgement = self._judged(history.pieces[going_on], since[going_on], at, at, rows, of)
            self._keep(judgement, [states[each] for each in going_on])

    # Sources ------------------------------------------------------------------------------------------------------

    def _with_their_sources(self, due: set[int]) -> set[int]:
        """Return the other feeders of sources that were found lost, and of which something is judged again."""
        found: set[int] = set()
        for source in {int(self._sources.of_piece[number]) for number in due} & set(self._lost):
            for number in self._lost.pop(source).pieces:
                piece = self._pieces[number]
                if piece.since < EVER:
                    found.add(number)
                else:
                    piece.now, piece.sure, piece.states = [], (NONE, np.zeros(0)), (NONE, np.zeros((0, STATES)))
                    self._changed.add(number)
        return found

    def _weigh_sources(self, due: set[int]) -> None:
        """Weigh the loss of the sources of some feeders, and make one incident of those that are lost."""
        for source in sorted({int(self._sources.of_piece[number]) for number in due} - {-1}):
            feeders = self._sources.feeders(source)
            known = [self._pieces[number] for number in feeders if number in self._pieces]
            if self._sources.is_in_question([each for each in known if each.since < EVER]):
                self._weigh(source, feeders)
            over = self._over_together(source, feeders)
            if over != self._over.get(source, []):
                self._changed |= set(feeders) & set(self._pieces)
                self._over[source] = over

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

    def _weigh(self, source: int, feeders: list[int]) -> None:
        pieces, states = np.array(feeders), [self._pieces.setdefault(each, Piece()) for each in feeders]
        heard = np.array([each.since < EVER for each in states])
        going = [each for each in states if each.since < EVER]
        begun, until = min(each.since for each in going), max(each.at for each in going)
        since = np.where(heard, [each.since for each in states], begun)
        last = np.where(heard, [each.last for each in states], until)
        at = np.where(heard, [each.at for each in states], until)
        events = replace(
            self._events(pieces, since, last, at, *self._usable(pieces)), begun=np.full(len(pieces), begun)
        )
        live, lost = self._judge.judge_with_and_without_source(events)
        odds = self._sources.log_odds + float((lost.log_evidence - live.log_evidence).sum())
        share = float(1 / (1 + np.exp(-np.clip(odds, -700, 700))))
        both = live.mixed(lost, share)
        top = both.state[np.searchsorted(both.event, np.arange(len(states)))][:, [DARK, UNHEARD]].sum(axis=1)
        if min(share, *top.tolist()) < self.rules.suspected:
            return
        self._keep(both, states)
        heads = []
        for state, number in zip(states, feeders, strict=True):
            mine = self._explanations.head_of(number)
            heads += [each for each in state.now if each.is_open and each.object_id == mine]
            state.now = [each for each in state.now if not (each.is_open and each.object_id == mine)]
        self._changed.update(feeders)
        if heads:
            outage = self._sources.together(source, share, heads, self._explanations)
            self._lost[source] = LostSource(outage, tuple(feeders))

    def _usable(self, pieces: Indices) -> tuple[Rows, Indices]:
        """Return the signals of some pieces, given in rising order, without outages that were too short to be any."""
        first, last = (np.searchsorted(self._piece, pieces, side) for side in ("left", "right"))
        size = last - first
        mine = np.arange(size.sum()) + np.repeat(first - (np.cumsum(size) - size), size)
        rows, of = Rows(self._rows.device[mine], self._rows.word[mine]), self._piece[mine]
        short = np.zeros(len(of), dtype=np.bool_)
        pair = (rows.device[1:] == rows.device[:-1]) & (rows.kind[:-1] == OFF) & (rows.kind[1:] == ON)
        pair &= (np.diff(rows.time) < self._bars.least) & (rows.device[1:] < self._devices.branches_from)
        short[:-1] |= pair
        short[1:] |= pair
        return Rows(rows.device[~short], rows.word[~short]), of[~short]

    def _judged(
        self, pieces: Indices, since: Indices, until: Indices, at: Indices, rows: Rows, of: Indices
    ) -> Judgement:
        """Return the posterior of the events of some pieces, from their signals between two moments."""
        return self._judge.judge(self._events(pieces, since, until, at, rows, of))

    def _events(self, pieces: Indices, since: Indices, until: Indices, at: Indices, rows: Rows, of: Indices) -> Events:
        number = np.full(len(self._tree.first), -1, dtype=np.int64)
        number[pieces] = np.arange(len(pieces))
        event = number[of]
        time = rows.time
        inside = (event >= 0) & (time >= since[event]) & (time <= until[event])
        heard_within = round(self.rules.heard_within_h * 60 * MINUTE)
        earlier = (event >= 0) & (time < since[event]) & (time >= since[event] - heard_within)
        earlier &= rows.device < self._devices.customers_from
        many = self._devices.branches_from + self.supply.network.branches.height
        known = np.unique(event[earlier] * many + rows.device[earlier])
        return Events(pieces, at, event[inside], Rows(rows.device[inside], rows.word[inside]), known)

    def _close(self, judgement: Judgement, states: list[Piece], ends: Ends, end: Indices) -> None:
        """Put an end to the events in which all have supply again, or of which nothing was heard for long."""
        found = self._told_by(judgement, len(states))
        odds_of = judgement.lost_source.tolist()
        for state, outages, which, odds in zip(states, found, end.tolist(), odds_of, strict=True):
            lines = [each for each in outages if each.is_open and self._is_of_line(each)]
            if lines and not ends.stale[which]:
                state.checked = int(ends.time[which])
                continue
            state.over += [Past(each, int(ends.at[which]), odds) for each in outages]
            state.cut = int(ends.time[which])
            state.checked = state.cut

    @staticmethod
    def _is_of_line(outage: InferredOutage) -> bool:
        """Whether an open outage keeps the event of its feeder going on; those of single users do not."""
        return outage.level not in {"transformer", *OF_CUSTOMERS}

    def _keep(self, judgement: Judgement, states: list[Piece]) -> None:
        """Keep what the present events say."""
        for state, outages, at in zip(
            states, self._told_by(judgement, len(states)), judgement.events.at.tolist(), strict=True
        ):
            state.now, state.at = outages, at
        first = np.searchsorted(judgement.event, np.arange(len(states)))
        top = judgement.state[first][:, [DARK, UNHEARD]].sum(axis=1)
        for state, share, odds in zip(states, top.tolist(), judgement.lost_source.tolist(), strict=True):
            state.top, state.lost_source = share, odds
        matters = judgement.dark > NEGLIGIBLE
        event = judgement.of_transformer
        for number, state in enumerate(states):
            rows = np.flatnonzero(matters & (event == number)) if len(states) < 50 else None
            if rows is None:
                first, last = np.searchsorted(event, [number, number + 1])
                rows = first + np.flatnonzero(matters[first:last])
            state.sure = judgement.transformer[rows], judgement.dark[rows]
            if len(self._coupled.transformer):
                state.states = self._states(judgement, number)

    @staticmethod
    def _states(judgement: Judgement, event: int) -> tuple[Indices, Numbers]:
        """Return the places of an event that may have lost supply, and how probable each state of them is."""
        first, last = np.searchsorted(judgement.event, [event, event + 1])
        which = first + np.flatnonzero(judgement.state[first:last, LIVE] < 1 - NEGLIGIBLE)
        return judgement.place[which], judgement.state[which]

    def _state_at(self, places: Indices) -> Numbers:
        """Return how probable each state of some places is, shape (places, 5)."""
        found = np.zeros((len(places), STATES))
        found[:, LIVE] = 1.0
        pieces = self._tree.piece_of(places)
        for row, number in enumerate(pieces.tolist()):
            if number in self._pieces:
                known, share = self._pieces[number].states
                at = int(np.searchsorted(known, places[row]))
                if at < len(known) and known[at] == places[row]:
                    found[row] = share[at]
        return found

    def _of_two_feeders(self) -> tuple[list[InferredOutage], Indices, Numbers]:
        """Return the incidents of transformers with two supplies, and how probable each of them is off."""
        coupled = self._coupled
        if not len(coupled.transformer):
            return [], NONE, np.zeros(0)
        mine = np.flatnonzero((self._piece < 0) & np.isin(self._rows.device, coupled.transformer))
        share, said, at = coupled.judged(
            Rows(self._rows.device[mine], self._rows.word[mine]), self._state_at, self._tick
        )
        began = np.full(len(share), -int(EVER))
        began[at] = said.last_off
        found = [
            self._explanations.of_two_feeders(
                int(coupled.transformer[each]), float(share[each]), int(began[each]), self.at
            )
            for each in np.flatnonzero(share >= self.rules.suspected)
        ]
        return found, coupled.transformer, share

    def _told_by(self, judgement: Judgement, count: int) -> list[list[InferredOutage]]:
        found: list[list[InferredOutage]] = [[] for _ in range(count)]
        at = judgement.events.at
        for event, outage in self._explanations.outages(judgement, self._power_between):
            found[event].append(self._by_record(outage, time_of(int(at[event]))))
        return found

    def _by_record(self, outage: InferredOutage, at: datetime) -> InferredOutage:
        """Return an incident as the record of the statistics that tells of it has it."""
        if not outage.is_open or not len(self._records.start):
            return outage
        end = self._records.end_of(outage.start, outage.last, self._span(outage), at)
        return outage if end is None else closed(outage, end, "record")

    def _span(self, outage: InferredOutage) -> tuple[int, int]:
        """Return the first place that an incident took out, and the first after them."""
        supply, net = self.supply, self.supply.network
        if outage.transformer_ids:
            places = supply.transformer_place[net.transformer_index(list(outage.transformer_ids))]
            return int(places.min()), int(places.max()) + 1
        if outage.customer_ids:
            customers, _ = net.known_customers(outage.customer_ids)
            place = int(self._tree.customer_place(customers).max())
            return place, place + 1
        place = int(supply.place_to(net.branch_index(outage.object_id))[0])
        return place, int(supply.end[place])

    def _power_between(self, devices: Indices, since: int, until: int) -> bool:
        """Tell whether one of these devices had power between two moments, in ms."""
        rows = self._rows
        mine = np.isin(rows.device, devices) & (rows.time > since) & (rows.time < until)
        return bool(is_of(rows.kind[mine], ON, READ).any())

    # Answers ------------------------------------------------------------------------------------------------------

    @property
    def incidents(self) -> tuple[InferredOutage, ...]:
        """All incidents, latest first."""
        self._settle()
        return _shown([*(outage for number in self._pieces for outage in self._of(number)), *self._of_several()])

    def _of_several(self) -> list[InferredOutage]:
        """Return the incidents of more than one feeder."""
        over = [
            self._sources.together(source, 1.0, group, self._explanations)
            for source, groups in self._over.items()
            for group in groups
        ]
        return [
            *(self._as_now(each) for each in (*(lost.outage for lost in self._lost.values()), *over)),
            *self._of_two_feeders()[0],
        ]

    def _of(self, number: int) -> list[InferredOutage]:
        """Return the incidents of a piece, as they are at the moment of all answers."""
        piece = self._pieces[number]
        phases = self._phases.get(number, {}).values()
        several = self._over.get(int(self._sources.of_piece[number]), [])
        hidden = {each.id for group in several for each in group}
        return [self._as_now(each) for each in (*self._past(piece), *phases, *piece.now) if each.id not in hidden]

    def _past(self, piece: Piece) -> list[InferredOutage]:
        """Return the incidents of events that are over; single transformers fade while nothing confirms them."""
        return [
            faded(each, self._tick(each.judged), self.rules) if fades(each.outage) else each.outage
            for each in piece.over
        ]

    def _tick(self, since: int) -> int:
        """Return the last tick of the clock after a moment, in ms."""
        passed = bisect_right(STEPS, (ms_of(self.at) if self.at else since) - since)
        return since + STEPS[max(passed - 1, 0)]

    def _next_tick(self, since: int) -> int:
        """Return the next tick of the clock after a moment, or when its event may be over, in ms; ``EVER`` if there is none."""
        silent = (ms_of(self.at) if self.at else since) - since
        ahead = (each for each in (*STEPS, self._bars.quiet + 1, self._bars.stale + 1) if each > silent)
        return since + min(ahead, default=int(EVER) - since)

    def _as_now(self, outage: InferredOutage) -> InferredOutage:
        now = self.at or outage.start
        outage = self._by_record(outage, now)
        if outage.is_open and now - outage.last > timedelta(hours=self.rules.stale_after_h):
            outage = replace(outage, reason="stale")
        until = self._until.get(outage.plan_or_record or "")
        if outage.explanation == "plan" and until is not None and (outage.restored_at or now) > until:
            outage = replace(outage, reason="overrun")
        return outage

    def _bring_back(self, touched: set[int]) -> None:
        """End the incidents of single users of some pieces that had power since, though their event is over."""
        power = np.flatnonzero(is_of(self._rows.kind, ON, READ))
        signs, piece = Rows(self._rows.device[power], self._rows.word[power]), self._piece[power]
        for number in touched:
            first, last = np.searchsorted(piece, [number, number + 1])
            if first == last:
                continue
            known = self._pieces[number]
            ended = self._ended_by(Rows(signs.device[first:last], signs.word[first:last]), self._single(number))
            if ended:
                known.over = [each._replace(outage=ended.get(each.outage.id, each.outage)) for each in known.over]
                phases = self._phases.get(number, {})
                phases.update({name: ended[name] for name in phases if name in ended})

    def _single(self, number: int) -> list[InferredOutage]:
        """Return the open incidents of single users of a piece, of events that are over."""
        known = [*(each.outage for each in self._pieces[number].over), *self._phases.get(number, {}).values()]
        return [each for each in known if each.is_open and not self._is_of_line(each)]

    def _ended_by(self, signs: Rows, outages: list[InferredOutage]) -> dict[str, InferredOutage]:
        """Return those of some incidents that some signs of power end, by id: each by the first sign after its last word."""
        newest = int(signs.time.max())
        outages = [each for each in outages if ms_of(each.last) < newest]
        if not outages:
            return {}
        told: dict[tuple[str, str], list[int]] = {}
        for device, time in zip(signs.device.tolist(), signs.time.tolist(), strict=True):
            told.setdefault(self._devices.kind_and_id(device), []).append(time)
        found = {}
        for each in outages:
            users = [("customer", name) for name in each.customer_ids] or [("transformer", each.object_id)]
            later = [time for user in users for time in told.get(user, []) if time > ms_of(each.last)]
            if later:
                found[each.id] = closed(each, time_of(min(later)), "")
        return found

    def changes(self) -> tuple[InferredOutage, ...]:
        """Return the incidents that are new, or not as they were, since this was asked last; latest first."""
        self._settle()
        changed = []
        for number in self._changed:
            before, found = self._told.get(number, {}), {each.id: each for each in self._of(number)}
            changed += [each for name, each in found.items() if before.get(name) != each]
            self._told[number] = found
        self._changed = set()
        before, found = self._told.get(-1, {}), {each.id: each for each in self._of_several()}
        changed += [each for name, each in found.items() if before.get(name) != each]
        self._told[-1] = found
        return _shown(changed)

    def sure(self) -> dict[str, float]:
        """Return how probable it is that each transformer is off at this moment, where it is not negligible.

        Returns:
            Transformer id -> probability, in the order of the table.
        """
        self._settle()
        probability = np.zeros(self.supply.network.transformers.height)
        for piece in self._pieces.values():
            which, share = piece.sure
            probability[which] = np.maximum(probability[which], share)
            alone = [each for each in self._past(piece) if each.is_open and each.level == "transformer"]
            for outage in alone:
                index = self.supply.network.transformer_index(list(outage.dark_ids))
                probability[index] = np.maximum(probability[index], outage.sure)
        _, coupled, share = self._of_two_feeders()
        probability[coupled] = share
        ids = self.supply.network.transformers["transformer_id"]
        return {ids[int(each)]: float(probability[each]) for each in np.flatnonzero(probability > NEGLIGIBLE)}

    def best_explanations(self) -> list[BestExplanation]:
        """Return, for each feeder where somebody is off, what is most probable as a whole: faults, devices and users at once."""
        self._settle()
        asked = [number for number, piece in self._pieces.items() if any(each.is_open for each in piece.now)]
        return [each for chunk in self._chunks(sorted(asked)) for each in self._best_of(chunk)]

    def _best_of(self, asked: list[int]) -> list[BestExplanation]:
        pieces, states = np.array(asked, dtype=np.int64), [self._pieces[each] for each in asked]
        since, until, at = (np.array([getattr(each, name) for each in states]) for name in ("since", "last", "at"))
        case = self._judge.prepare(self._events(pieces, since, until, at, *self._usable(pieces)))
        found, share = case.best()
        branch = self.supply.branch_to[case.place]
        ids = self.supply.network.branches["branch_id"]

        def named(which: Mask) -> tuple[str, ...]:
            return tuple(ids.gather(branch[np.flatnonzero(which & (branch >= 0))]).to_list())

        return [
            BestExplanation(
                named((case.event == event) & found.fault),
                named((case.event == event) & (found.did == OPENED)),
                named((case.event == event) & (found.did == CLOSED_AGAIN)),
                float(share[event]),
            )
            for event in range(len(pieces))
        ]

    def told(self, language: str = "en") -> dict[str, Any]:
        """Return incidents and problems for JSON.

        Args:
            language: ``en`` or ``zh``, for the problems.
        """
        return {
            "newest": self.newest,
            "incidents": [each.as_dict() for each in self.incidents],
            "problems": [each.as_dict(language) for each in self.problems],
        }

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the same, with the most probable ``explanations`` of what is still out.

        Args:
            language: ``en`` or ``zh``, for the problems.
        """
        return self.told(language) | {"explanations": [vars(each) for each in self.best_explanations()]}

    @property
    def problems(self) -> list[Problem]:
        """Signals that tell of no outage: for each reason how many there are, and what to do."""
        self._settle()
        return self._removed.problems()

    def removed(self) -> Removed:
        """Return what was counted of signals that tell of no outage, and count anew."""
        self._settle()
        found, self._removed = self._removed, Removed()
        return found

    # Places -------------------------------------------------------------------------------------------------------

    def places_of(self, device: Indices) -> tuple[Indices, Indices]:
        """Return piece and place of each device; -1 where it is dead."""
        supply, devices = self.supply, self._devices
        place = np.full(len(device), -1, dtype=np.int64)
        terminal = device < devices.customers_from
        place[terminal] = supply.transformer_place[device[terminal]]
        meter = ~terminal & (device < devices.branches_from)
        place[meter] = self._tree.customer_place(device[meter] - devices.customers_from)
        switch = device >= devices.branches_from
        place[switch] = supply.place_to(device[switch] - devices.branches_from)
        return self._tree.piece_of(place), place

    def is_fed(self, signals: pl.DataFrame) -> Mask:
        """Return which signals speak of something that has supply in this state: a user, or what lies below a branch."""
        device = self._intake.device_of(signals)
        known = np.flatnonzero(device >= 0)
        fed = np.zeros(len(device), dtype=np.bool_)
        fed[known] = self.places_of(device[known])[1] >= 0
        return fed

    def places(self, signals: pl.DataFrame) -> pl.DataFrame:
        """Return signals with the ``place`` in depth-first order of what each speaks of, and of the ``head`` of its feeder.

        A branch stands at the place it leads to; -1 where the supply reaches neither.
        """
        supply = self.supply
        device = self._intake.device_of(signals)
        known = np.flatnonzero(device >= 0)
        place = np.full(len(device), -1, dtype=np.int64)
        _, place[known] = self.places_of(device[known])
        branch = np.flatnonzero(device >= self._devices.branches_from)
        number = device[branch] - self._devices.branches_from
        ends = supply.place_of[supply.network.from_node[number]], supply.place_of[supply.network.to_node[number]]
        place[branch] = np.maximum(*ends)
        return signals.with_columns(
            place=pl.Series(place), head=pl.Series(np.where(place >= 0, supply.head_above[place], -1))
        )

    # Memory -------------------------------------------------------------------------------------------------------

    def forget(self, before: datetime) -> int:
        """Forget the signals and incidents of before a moment, but for those of events that were still going on then.

        Signals from before ``before`` count as forgotten from then on, unless their event still goes on.

        Returns:
            How many incidents were forgotten.
        """
        self._settle()
        limit = ms_of(before)
        cuts = np.full(len(self._tree.first) + 1, limit, dtype=np.int64)
        count = 0
        for number, piece in self._pieces.items():
            cuts[number] = min(limit, self._needed_since(piece), piece.cut + 1 if piece.cut > -EVER else limit)
            kept = [
                each
                for each in piece.over
                if each.outage.is_open or (each.outage.restored_at or each.outage.start) >= before
            ]
            count += len(piece.over) - len(kept)
            piece.over = kept
        self._over = {source: self._over_together(source, self._sources.feeders(source)) for source in self._over}
        keep = self._rows.time >= cuts[self._piece]
        self._rows, self._piece = Rows(self._rows.device[keep], self._rows.word[keep]), self._piece[keep]
        self._forgotten_before = max(before, self._forgotten_before or before)
        for number, told in self._told.items():
            known = {each.id for each in self._of(number)} if number >= 0 else set(told)
            self._told[number] = {name: each for name, each in told.items() if name in known}
        return count

    def needed(self, signals: pl.DataFrame) -> Mask:
        """Return which of these signals are remembered still: those that are not forgotten, or of an event that goes on."""
        device = self._intake.device_of(signals)
        piece, _ = self.places_of(np.maximum(device, 0))
        since = np.full(len(self._tree.first) + 1, EVER)
        for number, state in self._pieces.items():
            since[number] = self._needed_since(state)
        time = signals["time"].dt.epoch("ms").to_numpy()
        limit = -int(EVER) if self._forgotten_before is None else ms_of(self._forgotten_before)
        return np.asarray((time >= limit) | ((device >= 0) & (time >= since[piece])))

    def _needed_since(self, piece: Piece) -> int:
        """Return from when on signals of a piece tell of an open incident, in ms; ``EVER`` where there is none."""
        known = (*self._past(piece), *piece.now)
        still = [ms_of(each.start) for each in known if each.is_open and not each.is_stale]
        return min([piece.since, *still])

    def _examples(self, rows: Rows, which: Indices) -> list[dict[str, Any]]:
        shown = []
        for index in which[:EXAMPLES].tolist():
            kind, object_id = self._devices.kind_and_id(int(rows.device[index]))
            shown.append({"time": str(time_of(int(rows.time[index]))), "object": kind, "object_id": object_id})
        return shown


def _shown(outages: Iterable[InferredOutage]) -> tuple[InferredOutage, ...]:
    """Return incidents latest first, each with an id of its own."""
    ordered = sorted(outages, key=lambda each: (each.level, each.object_id, each.state))
    ordered.sort(key=lambda each: each.start, reverse=True)
    taken: dict[str, int] = {}
    shown = []
    for each in ordered:
        taken[each.id] = taken.get(each.id, 0) + 1
        shown.append(each if taken[each.id] == 1 else replace(each, id=f"{each.id}-{taken[each.id]}"))
    return tuple(shown)
