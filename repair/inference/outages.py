"""Outage inference 停电研判: from signals to incidents (field reference 6.2 and 6.3).

What is inferred depends on which signals were heard and until when, never on the order or the batches in which they came: signals
count by the time at which they happened, and one that comes late corrects what was said before. Only the pieces of the network
that a batch speaks of (:mod:`repair.inference.feeder_tree`), and those whose silence has begun to tell, are judged again.

The way of a signal: :mod:`~repair.inference.intake` (usable, or counted as a problem), :mod:`~repair.inference.history` (which
event it belongs to), :mod:`~repair.inference.reports` and :mod:`~repair.inference.rates` (what it is worth),
:mod:`~repair.inference.posterior` (what follows), :mod:`~repair.inference.explanations` (incidents).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from network import Problem, Supply, text
from network.arrays import NONE, Indices, Mask, Numbers
from network.tables.frames import require_table
from repair.inference.clock import Clock
from repair.inference.coupled import CoupledUsers
from repair.inference.devices import EVER, Devices
from repair.inference.explained import ExplainedOutages
from repair.inference.explanations import Explanations
from repair.inference.feeder_tree import FeederTree
from repair.inference.going_on import GoingOn
from repair.inference.history import Bars, Ends, History
from repair.inference.intake import EXAMPLES, Intake, Removed
from repair.inference.judgement import Judge, Judgement
from repair.inference.losses import Losses
from repair.inference.moments import ms_of, time_of, times_of
from repair.inference.outage import BestExplanation, InferredOutage, latest_first
from repair.inference.piece import Past, Piece, by_phases, closed, ended_by, faded, fades, is_of_line, overturned
from repair.inference.records import Records
from repair.inference.remembered import Remembered
from repair.inference.spots import Spots
from repair.inference.states import CLOSED_AGAIN, DARK, LIVE, OPENED, STATES, UNHEARD
from repair.inference.words import OFF, Rows
from repair.settings import InferenceSettings

MOST_WAITING = 1 << 18
"""Signals that wait to be judged at most: their memory does not grow."""

APPROXIMATE = (
    text("Closed rings, or users of two feeders, allow too many cases to look at all: probabilities are approximate"),
    text("Give the switches that are open, as far as they are known: each leaves one ring less."),
)
"""What is said of a feeder with more closed rings than can be looked at in full, and what to do."""

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
        self._clock = Clock()
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
        self._removed = Removed()
        self._spots = Spots(self._tree, self._devices)
        self._going_on = GoingOn(self._explained, self._records, self._spots, self.rules)
        self._signals = Remembered(self._tree, self._devices, self._coupled, self.rules)
        self._pieces: dict[int, Piece] = {}
        self._losses = Losses(self._pieces, self._judge, self._explanations, self._signals, self._keep)
        self._told: dict[int, dict[str, InferredOutage]] = {}
        self._changed: set[int] = set()
        self._fading: set[int] = set()
        self._phases: dict[int, dict[str, InferredOutage]] = {}
        self._forgotten_before: datetime | None = None

    # Signals ------------------------------------------------------------------------------------------------------

    def take(self, signals: pl.DataFrame, now: datetime | None = None, clock: datetime | None = None) -> list[Problem]:
        """Take some more signals into account; they are judged when incidents are asked for, or when many wait.

        Args:
            signals: the table ``signals`` of a workspace (``time``, ``object``, ``object_id``, ``kind``), in any order.
            now: local time at which they were heard; what is later by more than ``skew_limit_min`` comes from the future.
                Default: the clock, which no given moment runs ahead of.
            clock: the local time of the clock, where that is not this machine's.

        Returns:
            Which of them cannot be used, for each reason.
        """
        require_table(signals, "signals")
        clock = clock or self.supply.network.workspace.reading.now()
        removed = Removed()
        whole, some_phases = by_phases(signals)
        heard = self._not_forgotten(self._intake.read(whole, min(now or clock, clock), removed), removed)
        if some_phases.height:
            self._hear_phases(some_phases, min(now or clock, clock), removed)
        self._removed.join(removed)
        if len(heard.device):
            self._signals.waiting.append(heard)
            self._clock.ingest(heard)
        if self._signals.waits >= MOST_WAITING:
            self._settle()
        return removed.problems()

    def _hear_phases(self, signals: pl.DataFrame, now: datetime, removed: Removed) -> None:
        """Take reports of single phases: each is an incident of its own kind, until its device reports power or all phases."""
        for phases, rows in signals.partition_by("phases", as_dict=True).items():
            heard = self._intake.read(rows, now, removed)
            piece, _ = self._spots.of(heard.device)
            for number, device, time, kind in zip(
                piece.tolist(), heard.device.tolist(), heard.time.tolist(), heard.kind.tolist(), strict=True
            ):
                if kind == OFF and number >= 0:
                    outage = self._explanations.of_phases(device, time, str(phases[0]))
                    self._pieces.setdefault(number, Piece())
                    self._phases.setdefault(number, {})[outage.id] = outage
                    self._changed.add(number)

    def tick(self, moment: datetime) -> None:
        """Tell what time it is: silence counts until then. The clock never runs backwards."""
        self._clock.tell(moment)

    @property
    def newest(self) -> datetime | None:
        """Time of the newest signal; one device alone moves it by a day at most."""
        return self._clock.newest

    @property
    def at(self) -> datetime | None:
        """The moment of all answers: the clock as it was told, or the newest signal."""
        return self._clock.at

    def reject(self, problems: Iterable[Problem]) -> None:
        """Count rows that could not even be read."""
        errors = [problem for problem in problems if problem.severity == "error"]
        examples = [{"row": error.row, "column": error.column, "value": error.value} for error in errors[:EXAMPLES]]
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
        touched = self._hear_waiting() if self._signals.waiting else set()
        now = self._clock.ms(-int(EVER))
        due = touched | {number for number, piece in self._pieces.items() if piece.due <= now}
        again, empty = self._losses.undone(due)
        due |= again
        groups = self._signals.together(due)
        due = {each for group in groups for each in group if each in self._pieces}
        for chunk in self._tree.chunks([each for each in group if each in due] for group in groups):
            self._judge_pieces(np.array(chunk, dtype=np.int64))
        self._changed |= due | empty | self._losses.weigh(due)
        self._bring_back(touched)
        for number in self._fading:
            piece = self._pieces[number]
            until = tuple(self._clock.tick(each.judged) for each in piece.over if fades(each.outage))
            if until != piece.faded:
                piece.faded = until
                self._changed.add(number)
        self._fading = {number for number in self._fading if self._pieces[number].faded}

    def _hear_waiting(self) -> set[int]:
        """Put the waiting signals among those known, and return the pieces they speak of."""
        earliest, again = self._signals.join()
        if len(again.device):
            self._removed.add("duplicate", len(again.device), self._examples(again, np.arange(len(again.device))))
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
        rows, of = self._signals.usable(pieces)
        history = History.of(of, rows)
        states = [self._pieces[int(number)] for number in history.pieces]
        for number in set(pieces.tolist()) - set(history.pieces.tolist()):
            self._pieces[number].since = self._pieces[number].due = int(EVER)
        now = self._clock.ms(0)
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
            silent = self._close(judgement, [states[each] for each in asked], ends, end)
            self._fading |= set(history.pieces[asked].tolist())
            if len(silent):
                which, until = asked[silent], ends.time[end[silent]]
                early = self._judged(history.pieces[which], since[which], until, until, rows, of)
                self._overturn(early, [states[each] for each in which])
        for state, begin, last in zip(states, since.tolist(), history.last.tolist(), strict=True):
            state.since, state.last, state.now = begin, last, []
            state.due = self._clock.next_tick(last, self._bars) if begin < EVER else int(EVER)
            state.sure, state.states, state.coupled = (NONE, np.zeros(0)), (NONE, np.zeros((0, STATES))), {}
        going_on = np.flatnonzero(since < EVER)
        if len(going_on):
            at = np.array([self._clock.tick(states[each].last) for each in going_on])
            events = self._signals.events(history.pieces[going_on], since[going_on], at, at, rows, of)
            judgement = self._judge.judge(events, self._coupled.pairs(events, self._clock.tick))
            self._keep(judgement, [states[each] for each in going_on])

    def _judged(
        self, pieces: Indices, since: Indices, until: Indices, at: Indices, rows: Rows, of: Indices
    ) -> Judgement:
        """Return the posterior of the events of some pieces, from their signals between two moments."""
        return self._judge.judge(self._signals.events(pieces, since, until, at, rows, of))

    def _close(self, judgement: Judgement, states: list[Piece], ends: Ends, end: Indices) -> Indices:
        """Put an end to the events in which all have supply again, or of which nothing was heard for long.

        Returns:
            The events that are over and of which there is no incident, although a terminal reported off.
        """
        goes_on = self._going_on.surely(judgement) & ~ends.stale[end]
        found = self._told_by(judgement, len(states), ~goes_on)
        of_event = goes_on.tolist(), judgement.lost_source.tolist()
        for state, outages, which, sure, odds in zip(states, found, end.tolist(), *of_event, strict=True):
            if sure or (not ends.stale[which] and any(each.is_open and is_of_line(each) for each in outages)):
                state.checked = int(ends.time[which])
                continue
            state.over += [Past(outage, int(ends.at[which]), odds) for outage in outages]
            state.cut = int(ends.time[which])
            state.checked = state.cut
        terminals = judgement.users.terminals
        none_left = np.array(
            [not sure and not outages for sure, outages in zip(goes_on, found, strict=True)], dtype=np.bool_
        )
        reported = np.unique(terminals.event[terminals.last_off > -EVER])
        return reported[none_left[reported]]

    def _overturn(self, judgement: Judgement, states: list[Piece]) -> None:
        """Keep what was suspected when it was last spoken of, and is not any more now that its event is over."""
        found = self._told_by(judgement, len(states))
        for state, outages, at in zip(states, found, judgement.events.at.tolist(), strict=True):
            state.over += [Past(overturned(each, at), at, -np.inf) for each in outages if each.is_open]

    def _keep(self, judgement: Judgement, states: list[Piece]) -> None:
        """Keep what the present events say."""
        for state, outages, at in zip(
            states, self._told_by(judgement, len(states)), judgement.events.at.tolist(), strict=True
        ):
            state.now, state.at = outages, at
        first = np.searchsorted(judgement.event, np.arange(len(states)))
        top = judgement.state[first][:, [DARK, UNHEARD]].sum(axis=1)
        of_event = top.tolist(), judgement.lost_source.tolist(), judgement.approximate.tolist()
        for state, share, odds, approximate in zip(states, *of_event, strict=True):
            state.top, state.lost_source, state.approximate = share, odds, approximate
        for state in states:
            state.coupled = {}
        pieces = self._coupled.pieces[np.searchsorted(self._coupled.transformer, judgement.coupled), 0]
        for piece, number, share in zip(
            pieces.tolist(), judgement.coupled.tolist(), judgement.coupled_dark.tolist(), strict=True
        ):
            self._pieces[piece].coupled[number] = share
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
        rows = self._signals.of_none(coupled.transformer)
        share, said, at = coupled.judged(rows, self._state_at, self._clock.tick)
        for piece in self._pieces.values():
            for number, known in piece.coupled.items():
                share[np.searchsorted(coupled.transformer, number)] = known
        began = np.full(len(share), -int(EVER))
        began[at] = said.last_off
        found = [
            self._explanations.of_two_feeders(
                int(coupled.transformer[each]), float(share[each]), int(began[each]), self.at
            )
            for each in np.flatnonzero(share >= self.rules.suspected)
        ]
        return found, coupled.transformer, share

    def _told_by(self, judgement: Judgement, count: int, asked: Mask | None = None) -> list[list[InferredOutage]]:
        found: list[list[InferredOutage]] = [[] for _ in range(count)]
        at = times_of(judgement.events.at)
        for event, outage in self._explanations.outages(judgement, self._signals.power_between, asked):
            found[event].append(self._by_record(outage, at[event]))
        return found

    def _by_record(self, outage: InferredOutage, at: datetime) -> InferredOutage:
        """Return an incident as the record of the statistics that tells of it has it."""
        if not len(self._records.start) or not outage.is_open:
            return outage
        end = self._records.end_of(outage.start, outage.last, self._spots.span_of(outage), at)
        return outage if end is None else closed(outage, end, "record")

    # Answers ------------------------------------------------------------------------------------------------------

    @property
    def incidents(self) -> tuple[InferredOutage, ...]:
        """All incidents, latest first."""
        self._settle()
        return latest_first([*(outage for number in self._pieces for outage in self._of(number)), *self._of_several()])

    def _of_several(self) -> list[InferredOutage]:
        """Return the incidents of more than one feeder."""
        now = self.at
        return [*(self._as_now(each, now) for each in self._losses.outages()), *self._of_two_feeders()[0]]

    def _of(self, number: int) -> list[InferredOutage]:
        """Return the incidents of a piece, as they are at the moment of all answers."""
        piece = self._pieces[number]
        phases = self._phases.get(number, {}).values()
        hidden, now = self._losses.hidden(number), self.at
        return [self._as_now(each, now) for each in (*self._past(piece), *phases, *piece.now) if each.id not in hidden]

    def _past(self, piece: Piece) -> list[InferredOutage]:
        """Return the incidents of events that are over; single transformers fade while nothing confirms them."""
        return [
            faded(each, self._clock.tick(each.judged), self.rules) if fades(each.outage) else each.outage
            for each in piece.over
        ]

    def _as_now(self, outage: InferredOutage, now: datetime | None) -> InferredOutage:
        now = now or outage.start
        outage = self._by_record(outage, now)
        if outage.is_open and now - outage.last > timedelta(hours=self.rules.stale_after_h):
            outage = replace(outage, reason="stale")
        until = self._until.get(outage.plan_or_record or "")
        if outage.explanation == "plan" and until is not None and (outage.restored_at or now) > until:
            outage = replace(outage, reason="overrun")
        return outage

    def _bring_back(self, touched: set[int]) -> None:
        """End the incidents of single users of some pieces that had power since, though their event is over."""
        for number in touched:
            known, single = self._pieces[number], self._single(number)
            ended = ended_by(self._signals.signs_of_power(number), single, self._devices) if single else {}
            if ended:
                known.over = [each._replace(outage=ended.get(each.outage.id, each.outage)) for each in known.over]
                phases = self._phases.get(number, {})
                phases.update({name: ended[name] for name in phases if name in ended})

    def _single(self, number: int) -> list[InferredOutage]:
        """Return the incidents of single users of a piece, of events that are over, which are open or came back by a sign."""
        known = [*(each.outage for each in self._pieces[number].over), *self._phases.get(number, {}).values()]
        came_back = (each for each in known if each.is_open or (each.state == "restored" and not each.reason))
        return [each for each in came_back if not is_of_line(each)]

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
        return latest_first(changed)

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
        return [each for chunk in self._tree.chunks([each] for each in sorted(asked)) for each in self._best_of(chunk)]

    def _best_of(self, asked: list[int]) -> list[BestExplanation]:
        pieces, states = np.array(asked, dtype=np.int64), [self._pieces[each] for each in asked]
        since, until, at = (np.array([getattr(state, name) for state in states]) for name in ("since", "last", "at"))
        case = self._judge.prepare(self._signals.events(pieces, since, until, at, *self._signals.usable(pieces)))
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
            "incidents": [incident.as_dict() for incident in self.incidents],
            "problems": [problem.as_dict(language) for problem in self.problems],
        }

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the same, with the most probable ``explanations`` of what is still out.

        Args:
            language: ``en`` or ``zh``, for the problems.
        """
        return self.told(language) | {"explanations": [vars(explanation) for explanation in self.best_explanations()]}

    @property
    def problems(self) -> list[Problem]:
        """Signals that tell of no outage, how many for each reason and what to do; and feeders whose answers are approximate."""
        self._settle()
        return [*self._removed.problems(), *self._approximate()]

    def _approximate(self) -> list[Problem]:
        """Return a warning for each feeder with more closed rings than can be looked at in full."""
        heads = sorted(
            self._explanations.head_of(number)
            for number, piece in self._pieces.items()
            if piece.approximate and piece.since < EVER
        )
        said, hint = APPROXIMATE
        return [
            Problem(
                "warning", "signals", text("{what} (feeder of {branch})", what=said, branch=head), hint, object_id=head
            )
            for head in heads
        ]

    def removed(self) -> Removed:
        """Return what was counted of signals that tell of no outage, and count anew."""
        self._settle()
        found, self._removed = self._removed, Removed()
        return found

    # Places -------------------------------------------------------------------------------------------------------

    def is_fed(self, signals: pl.DataFrame) -> Mask:
        """Return which signals speak of something that has supply in this state: a user, or what lies below a branch."""
        return self._spots.are_fed(self._intake.device_of(signals))

    def places(self, signals: pl.DataFrame) -> pl.DataFrame:
        """Return signals with the ``place`` in depth-first order of what each speaks of, and of the ``head`` of its feeder.

        A branch stands at the place it leads to; -1 where the supply reaches neither.
        """
        return self._spots.with_places(signals, self._intake.device_of(signals))

    # Memory -------------------------------------------------------------------------------------------------------

    def forget(self, before: datetime) -> int:
        """Forget the signals and incidents of before a moment, but for those of events that were still going on then.

        Signals from before ``before`` count as forgotten from then on, unless their event still goes on.

        Returns:
            How many incidents were forgotten.
        """
        self._settle()
        limit = ms_of(before)
        cuts = np.minimum(self._signals.ever, limit)
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
        self._losses.forget()
        self._signals.forget(cuts)
        self._forgotten_before = max(before, self._forgotten_before or before)
        for number, told in self._told.items():
            known = {each.id for each in self._of(number)} if number >= 0 else set(told)
            self._told[number] = {name: each for name, each in told.items() if name in known}
        return count

    def needed(self, signals: pl.DataFrame) -> Mask:
        """Return which of these signals are remembered still: those that are not forgotten, or of an event that goes on."""
        device = self._intake.device_of(signals)
        piece, _ = self._spots.of(np.maximum(device, 0))
        since = self._signals.ever
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
