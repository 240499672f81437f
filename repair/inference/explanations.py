"""From a posterior to incidents: where outages begin, who is off by them, and since when (field reference 6.3).

A node counts as dead, or as back after an outage, where that is more probable than not. What hangs together so is one outage, and
the branch at its head is where it begins; so the list of users, the incident and its state always say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np

from network.arrays import NONE, Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.customers_out import CustomersOut
from repair.inference.device_words import OPEN, OPEN_AFTER_RECLOSE, RECLOSED
from repair.inference.devices import EVER, Devices
from repair.inference.explained import ExplainedOutages, PowerBetween
from repair.inference.feeder_tree import FeederTree
from repair.inference.judgement import Judgement
from repair.inference.moments import ORIGIN, ms_of, time_of
from repair.inference.outage import LEVELS, Doubted, InferredOutage, RunnerUp
from repair.inference.states import DARK, LIVE, UNHEARD
from repair.inference.words import OFF, ON, RECLOSE, is_of
from repair.settings import InferenceSettings

LEAST_BITS = 0.05
"""A reading that is expected to tell less is not proposed."""


@dataclass(frozen=True, eq=False, repr=False)
class Explanations(Shown):
    """Makes incidents of judgements."""

    tree: FeederTree
    devices: Devices
    known: ExplainedOutages
    rules: InferenceSettings

    def outages(
        self, judgement: Judgement, power_between: PowerBetween, asked: Mask | None = None
    ) -> list[tuple[int, InferredOutage]]:
        """Return the incidents of each event, with the number of the event.

        Args:
            judgement: the posterior.
            power_between: tells whether one of these devices had power between two moments, in ms.
            asked: the events of which incidents are wanted, shape (events,); by default of all.
        """
        asked = np.ones(len(judgement.events.at), dtype=np.bool_) if asked is None else asked
        if not asked.any():
            return []
        told = Told(self, judgement, power_between, asked)
        found = [*told.lines(), *told.transformers(), *told.customers(), *told.overturned(), *told.reclosed()]
        if not judgement.approximate.any():
            return found
        return [(event, replace(each, approximate=bool(judgement.approximate[event]))) for event, each in found]

    def of_phases(self, device: int, time: int, phases: str) -> InferredOutage:
        """Return the incident of a transformer or customer that lost some phases (缺相)."""
        kind, object_id = self.devices.kind_and_id(device)
        began = time_of(time)
        count = self.customer_count(np.array([device]), time) if kind == "transformer" else 1
        return InferredOutage(
            id=f"{began:%Y%m%dT%H%M%S}-{object_id}-{phases}", level=kind, object_id=object_id, probability=1.0, runner_up=None,
            explanation=kind, state="suspected", sure=1.0, reason="phases", start=began, last=began, restored_at=None,
            transformers=0, customers=count, customers_off=0, expected_customers=0.0, dark=0, back=0, meters=0, calls=0,
            tripped=False, doubted=(), plan_or_record=None, transformer_ids=(), dark_ids=(),
            customer_ids=(object_id,) if kind == "customer" else (), next_read=None, phases=phases,
        )  # fmt: skip

    def of_two_feeders(self, transformer: int, share: float, began: int, now: datetime | None) -> InferredOutage:
        """Return the incident of a transformer with two supplies that is off, since a moment in ms if it said so."""
        index = np.array([transformer])
        start = time_of(began) if began > -EVER else now or ORIGIN
        object_id, customers = self.transformer_ids(index)[0], self.customer_count(index, ms_of(start))
        return InferredOutage(
            id=f"{start:%Y%m%dT%H%M%S}-{object_id}", level="transformer", object_id=object_id, probability=share, runner_up=None,
            explanation="transformer", state="confirmed" if share >= self.rules.confirmed else "suspected", sure=share,
            reason="", start=start, last=start, restored_at=None, transformers=1, customers=customers,
            customers_off=customers, expected_customers=share * customers, dark=1, back=0, meters=0, calls=0, tripped=False,
            doubted=(), plan_or_record=None, transformer_ids=(object_id,), dark_ids=(object_id,), customer_ids=(),
            next_read=None,
        )  # fmt: skip

    def head_of(self, piece: int) -> str:
        """Return the branch at the head of a feeder, by its number."""
        branch = int(self.tree.supply.branch_to[self.tree.first[piece]])
        return str(self.devices.names["branch"][branch]) if branch >= 0 else ""

    def customer_count(self, transformers: Indices, at: int) -> int:
        """Return how many customers are off when these transformers are, of those in service at a moment in ms."""
        alone, first, second = self.devices.customers_served(at)
        both = np.isin(first, transformers) & np.isin(second, transformers) if len(first) else first
        return int(alone[transformers].sum() + both.sum())

    def customers_of(self, transformers: Indices, at: int) -> Indices:
        """Return how many customers each of these transformers feeds alone, of those in service at a moment in ms."""
        return self.devices.customers_served(at)[0][transformers]

    def box_of(self, customers: Sequence[int]) -> str | None:
        """Return the meter box that some customers share; ``None`` where it is not one, or not known of all."""
        boxes = set(self.tree.supply.network.customers["box_id"].gather(list(customers)))
        return boxes.pop() if len(boxes) == 1 else None

    def transformer_ids(self, transformers: Indices) -> tuple[str, ...]:
        """Return the ids of transformers, in the order of the table."""
        return tuple(self.devices.names["transformer"][np.sort(transformers)].tolist()) if len(transformers) else ()


@dataclass(frozen=True)
class Words:
    """What was heard of one incident; moments in ms.

    Attributes:
        start: when the first of its devices went off.
        last: the last word.
        end: when the last was back; ``None`` while one is off.
        meters, calls: how many distinct customers' meters reported off, and how many customers called.
        tripped: whether a switch tripped.
        doubted: words that are probably wrong.
    """

    start: int
    last: int
    end: int | None
    meters: int = 0
    calls: int = 0
    tripped: bool = False
    doubted: tuple[Doubted, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Told(Shown):
    """The incidents of one judgement."""

    by: Explanations
    judgement: Judgement
    power_between: PowerBetween
    asked: Mask

    # What is out --------------------------------------------------------------------------------------------------

    @cached_property
    def _dark(self) -> Mask:
        """Whether each node is dead, rather than not."""
        return self._darkness >= self.by.rules.suspected

    @cached_property
    def _darkness(self) -> Numbers:
        """Probability that each node is dead."""
        return darkness(self.judgement)

    @cached_property
    def _of_asked(self) -> Mask:
        """Whether each node is of an event of which incidents are wanted."""
        return np.asarray(self.asked[self.judgement.event])

    @cached_property
    def _transformer_asked(self) -> Mask:
        """Likewise of each transformer."""
        return np.asarray(self.asked[self.judgement.of_transformer])

    @cached_property
    def _out(self) -> Mask:
        """Whether each node was cut off since its event began, rather than not."""
        dark, live = self._darkness, self.judgement.state[:, LIVE]
        return self._dark | is_back(dark, 1 - live - dark, self.by.rules)

    @cached_property
    def _cut(self) -> Numbers:
        """Probability that an outage begins at each node."""
        return np.asarray(self.judgement.cut[:, 0] + self.judgement.cut[:, 1])

    @cached_property
    def _first(self) -> Indices:
        """The first node of each event."""
        return np.searchsorted(self.judgement.event, np.arange(len(self.judgement.events.piece)))

    @cached_property
    def _parent(self) -> Indices:
        """The node above each node, -1 for the first of an event."""
        found, tree = self.judgement, self.by.tree
        first = tree.first[found.events.piece][found.event]
        above = tree.supply.parent[found.place] - first + self._first[found.event]
        return np.where(found.place == first, -1, above)

    @cached_property
    def _end(self) -> Indices:
        """The first node after everything below each node."""
        found, tree = self.judgement, self.by.tree
        return tree.supply.end[found.place] - found.place + np.arange(len(found.place))

    @cached_property
    def _transformer_dark(self) -> Mask:
        return self.judgement.dark >= self.by.rules.suspected

    @cached_property
    def _transformer_out(self) -> Mask:
        found = self.judgement
        return self._transformer_dark | is_back(found.dark, found.was, self.by.rules)

    def _transformers_in(self, first: int, last: int) -> Indices:
        """Return the rows of the transformers at some nodes, which stand in the order of nodes."""
        return np.arange(*np.searchsorted(self.judgement.node, [first, last]))

    # What was said ------------------------------------------------------------------------------------------------

    @cached_property
    def _device_rows(self) -> tuple[Indices, Indices, Indices]:
        """Node, kind and time of each word of a device, by node."""
        found, by = self.judgement, self.by
        rows, of = found.events.rows, found.events.of
        mine = np.flatnonzero((rows.device >= by.devices.branches_from) & is_of(rows.kind, OFF, ON, RECLOSE))
        place = by.tree.supply.place_to(rows.device[mine] - by.devices.branches_from)
        first = by.tree.first[found.events.piece][of[mine]]
        inside = place >= 0
        node = (place - first + self._first[of[mine]])[inside]
        order = np.argsort(node, kind="stable")
        return node[order], rows.kind[mine][inside][order], rows.time[mine][inside][order]

    def _words_in(self, first: int, last: int) -> tuple[Indices, Indices, Indices]:
        node, kind, time = self._device_rows
        a, b = np.searchsorted(node, [first, last])
        return node[a:b], kind[a:b], time[a:b]

    @cached_property
    def _terminal_of(self) -> Indices:
        """Row of the words of the terminal of each transformer, -1 where it said nothing."""
        users = self.judgement.users
        found = np.full(len(self.judgement.transformer), -1, dtype=np.int64)
        found[users.at] = np.arange(len(users.at))
        return found

    @cached_property
    def _customers_of(self) -> tuple[Indices, Indices]:
        users = self.judgement.users
        order = np.argsort(users.their, kind="stable")
        return order, users.their[order]

    def _speaking_customers(self, rows: Indices) -> Indices:
        """Return the customers that spoke of some transformers that stand one after the other."""
        order, their = self._customers_of
        return order[slice(*np.searchsorted(their, [rows[0], rows[-1] + 1]))] if len(rows) else NONE

    # Incidents ----------------------------------------------------------------------------------------------------

    def lines(self) -> list[tuple[int, InferredOutage]]:
        """Return the outages that begin at a branch."""
        parent = self._parent
        above = np.where(parent >= 0, self._out[parent], False)
        return [self._at_branch(int(head)) for head in np.flatnonzero(self._out & ~above & self._of_asked)]

    def _at_branch(self, head: int) -> tuple[int, InferredOutage]:
        found, by = self.judgement, self.by
        last = int(self._end[head])
        event = int(found.event[head])
        below = self._transformers_in(head, last)
        out = below[self._transformer_out[below]]
        dark = out[self._transformer_dark[out]]
        nodes = np.arange(head, last)[self._out[head:last]]
        is_open = bool(self._dark[nodes].any()) or len(dark) > 0
        sure = float(self._darkness[nodes].max() if is_open else 1 - found.state[head, 0])
        said = self._said(below, head, last, event, is_open=is_open)
        branch = int(by.tree.supply.branch_to[found.place[head]])
        base = self._outage(
            level=LEVELS[by.tree.level[found.place[head]]], explanation="line", transformers=found.transformer[out],
            dark=found.transformer[dark],
            expected=float(found.dark[below] @ by.customers_of(found.transformer[below], said.start)),
            object_id=self._branch_id(branch), probability=min(float(self._cut[head]), 1.0), sure=sure, is_open=is_open,
            words=said,
        )  # fmt: skip
        outage = replace(
            base, runner_up=self._runner_up(head), next_read=self._next_read(event), ends=self._ends(head, nodes)
        )
        return event, self._explained(outage, branch + by.devices.branches_from, found.transformer[out])

    def _ends(self, head: int, nodes: Indices) -> tuple[str, ...]:
        """Return the branches of closed rings, beside the head, between what is out and what is not."""
        found, supply = self.judgement, self.by.tree.supply
        rings = self.by.tree.rings.get(int(found.events.piece[found.event[head]]))
        if rings is None:
            return ()
        forest, out = supply.forest, set(found.place[nodes].tolist())
        on_ring = np.flatnonzero(~forest.is_bridge & (forest.branch_to >= 0))
        lower, upper = (
            np.append(on_ring, forest.back_lower[rings]),
            np.append(forest.parent[on_ring], forest.back_upper[rings]),
        )
        branch = np.append(forest.branch_to[on_ring], forest.back_branch[rings])
        return tuple(
            self._branch_id(each)
            for one, other, each in zip(lower.tolist(), upper.tolist(), branch.tolist(), strict=True)
            if each >= 0 and each != supply.branch_to[found.place[head]] and (one in out) != (other in out)
        )

    def _said(self, below: Indices, first: int, last: int, event: int, *, is_open: bool) -> Words:
        """Return when it began and ended, who spoke of it, and which of their words are doubted."""
        found = self.judgement
        _, kind, time = self._words_in(first, last)
        terminals = self._terminal_of[below]
        terminals = terminals[terminals >= 0]
        words = found.users.terminals.at(terminals)
        speaking = self._speaking_customers(below)
        customers = found.users.customers.at(speaking)
        trips = time[kind == OFF]
        starts = np.concatenate([trips, words.first, customers.first])
        starts = starts[starts < EVER]
        start = int(starts.min()) if len(starts) else int(found.events.at[event])
        ends = np.concatenate([words.last_on, words.answered, customers.last_on, customers.answered, time[kind != OFF]])
        ends = ends[ends >= start]
        end = None if is_open else int(ends.max()) if len(ends) else int(found.events.at[event])
        words_last = np.concatenate(
            [[start], ends, words.last_off, words.asked, words.call, customers.last_off, customers.call]
        )
        return Words(
            start,
            int(words_last.max()),
            end,
            int((customers.offs > 0).sum()),
            int((customers.call > -EVER).sum() + (words.call > -EVER).sum()),
            bool(len(trips)),
            self._doubted(terminals),
        )

    def _doubted(self, terminals: Indices) -> tuple[Doubted, ...]:
        """Return readings answered, and power-on reports, of transformers that are dead; and reports of those that never were."""
        found = self.judgement
        ids = self.by.devices.names["transformer"]
        row = found.users.at[terminals]
        words = found.users.terminals.at(terminals)
        dark, out = self._transformer_dark[row], self._transformer_out[row]
        since = np.where(words.last_off > -EVER, words.last_off, -EVER)
        wrong = {
            "read": (dark & (words.answered > since), words.answered),
            "on": (dark & (words.last_on > since), words.last_on),
            "off": (~out & (words.last_off > -EVER), words.last_off),
        }
        doubted = [
            Doubted("transformer", str(ids[int(found.transformer[row[each]])]), kind, time_of(int(time[each])))
            for kind, (which, time) in wrong.items()
            for each in np.flatnonzero(which)
        ]
        return tuple(sorted(doubted, key=lambda each: (each.time, each.object_id, each.kind)))

    def transformers(self) -> list[tuple[int, InferredOutage]]:
        """Return the outages of transformers whose node has, and had, supply."""
        found = self.judgement
        alone = np.flatnonzero(self._transformer_out & ~self._out[found.node] & self._transformer_asked)
        return [self._transformer(int(row)) for row in alone]

    def _transformer(self, row: int) -> tuple[int, InferredOutage]:
        found, by = self.judgement, self.by
        event, number = int(found.of_transformer[row]), int(found.transformer[row])
        is_open = bool(self._transformer_dark[row])
        only, index = np.array([row]), np.array([number])
        said = self._said(only, 0, 0, event, is_open=is_open)
        share = float(found.dark[row] if is_open else found.dark[row] + found.was[row])
        outage = self._outage(
            level="transformer", explanation="transformer", transformers=index, dark=index[: int(is_open)],
            expected=float(found.dark[row] * by.customers_of(index, said.start)[0]), object_id=by.transformer_ids(index)[0],
            probability=share, sure=share, is_open=is_open, words=said,
        )  # fmt: skip
        outage = replace(outage, next_read=self._next_read(event) if is_open else None)
        return event, self._explained(outage, number, index)

    def customers(self) -> list[tuple[int, InferredOutage]]:
        """Return the outages of customers whose transformer has supply: of several together, and of single ones."""
        found, bar = self.judgement, self.by.rules.suspected
        out = np.flatnonzero((found.alone >= bar) & self._transformer_asked[found.users.their])
        if not len(out):
            return []
        their = found.users.their[out]
        alike = np.zeros(len(found.transformer), dtype=np.bool_)
        alike[their] = found.together[their] >= bar
        several: dict[int, list[int]] = {}
        groups: list[tuple[int, list[int]]] = []
        for each, (row, joined) in enumerate(zip(their.tolist(), alike[their].tolist(), strict=True)):
            if joined and row in several:
                several[row].append(each)
                continue
            groups.append((row, [each]))
            if joined:
                several[row] = groups[-1][1]
        spoke = CustomersOut.of(self.by.devices, found.users.customers.at(out), found.alone[out])
        events = found.of_transformer[[row for row, _ in groups]].tolist()
        outages = [self._of_customers(row, members, spoke) for row, members in groups]
        return list(zip(events, outages, strict=True))

    def _of_customers(self, row: int, members: list[int], spoke: CustomersOut) -> InferredOutage:
        found, by = self.judgement, self.by
        first, count = members[0], len(members)
        ids = tuple(spoke.id[each] for each in members)
        if count == 1:
            start, last, back, share = spoke.first[first], spoke.last[first], spoke.back[first], spoke.share[first]
            is_open, expected = spoke.open[first], share
            level, object_id, offs, calls = "customer", spoke.id[first], spoke.offs[first], spoke.called[first]
        else:
            box = by.box_of([spoke.number[each] for each in members])
            level, object_id = ("box", box) if box else ("customers", by.transformer_ids(found.transformer[[row]])[0])
            start = min(spoke.first[each] for each in members)
            last, back = (max(column[each] for each in members) for column in (spoke.last, spoke.back))
            share, expected = max(spoke.share[each] for each in members), sum(spoke.share[each] for each in members)
            is_open = any(spoke.open[each] for each in members)
            offs, calls = (sum(column[each] for each in members) for column in (spoke.offs, spoke.called))
        confirmed = "confirmed" if share >= by.rules.confirmed else "suspected"
        outage = InferredOutage(
            id=f"{start:%Y%m%dT%H%M%S}-{object_id}" + ("-customers" if level == "customers" else ""), level=level,
            object_id=object_id, probability=share, runner_up=None, explanation="customers" if count > 1 else "customer",
            state=confirmed if is_open else "restored", sure=share, reason="", start=start, last=last,
            restored_at=None if is_open else back, transformers=0, customers=count, customers_off=count if is_open else 0,
            expected_customers=expected if is_open else 0.0, dark=0, back=0, meters=offs, calls=calls, tripped=False,
            doubted=(), plan_or_record=None, transformer_ids=(), dark_ids=(), customer_ids=ids, next_read=None,
        )  # fmt: skip
        if not len(by.known.device):
            return outage
        return self._explained(outage, spoke.number[first] + by.devices.customers_from, found.transformer[[row]])

    def overturned(self) -> list[tuple[int, InferredOutage]]:
        """Return what devices and terminals said, and something else refutes."""
        found, by = self.judgement, self.by
        told = []
        tripped = np.isin(found.doing, (OPEN, OPEN_AFTER_RECLOSE)) & ~self._out & by.tree.supply.is_bridge[found.place]
        tripped &= self._of_asked
        for node in np.flatnonzero(tripped).tolist():
            branch = int(by.tree.supply.branch_to[found.place[node]])
            _, kind, time = self._words_in(node, node + 1)
            told.append(
                self._refuted(int(found.event[node]), self._branch_id(branch), node, int(time[kind == OFF].max()))
            )
        words = found.users.terminals
        at = found.users.at
        alone = ~self._transformer_out[at] & (words.last_off > -EVER) & self._transformer_asked[at]
        for each in np.flatnonzero(alone & (words.answered > words.last_off)).tolist():
            row = int(found.users.at[each])
            object_id = by.transformer_ids(found.transformer[[row]])[0]
            event, outage = self._refuted(int(found.of_transformer[row]), object_id, -1, int(words.last_off[each]))
            told.append((event, outage))
        return told

    def _refuted(self, event: int, object_id: str, node: int, start: int) -> tuple[int, InferredOutage]:
        found, line = self.judgement, node >= 0
        nobody = np.zeros(0, dtype=np.int64)
        kinds = ("branch", "trip") if line else ("transformer", "off")
        doubted = Doubted(kinds[0], object_id, kinds[1], time_of(start))
        outage = self._outage(
            level=LEVELS[self.by.tree.level[found.place[node]]] if line else "transformer",
            explanation="line" if line else "transformer", transformers=nobody, dark=nobody, expected=0.0, object_id=object_id,
            probability=float(found.opened[node]) if line else 0.0, sure=0.0, is_open=False,
            words=Words(start, start, None, tripped=line, doubted=(doubted,)),
        )  # fmt: skip
        return event, replace(outage, state="overturned", reason="trip_contradicted" if line else "read_during")

    def reclosed(self) -> list[tuple[int, InferredOutage]]:
        """Return devices that tripped and closed again by themselves, so that nobody is off."""
        found = self.judgement
        told = []
        for node in np.flatnonzero((found.doing == RECLOSED) & ~self._out & self._of_asked).tolist():
            _, kind, time = self._words_in(node, node + 1)
            branch = int(self.by.tree.supply.branch_to[found.place[node]])
            event, outage = self._refuted(
                int(found.event[node]), self._branch_id(branch), node, int(time[kind == OFF].min())
            )
            share = float(found.flow[node])
            back = time_of(int(time[kind == RECLOSE].max()))
            told.append(
                (
                    event,
                    replace(
                        outage,
                        state="restored",
                        reason="reclosed",
                        restored_at=back,
                        doubted=(),
                        sure=share,
                        probability=share,
                    ),
                )
            )
        return told

    # Parts --------------------------------------------------------------------------------------------------------

    def _branch_id(self, branch: int) -> str:
        return str(self.by.devices.names["branch"][branch])

    def _outage(
        self, *, level: str, explanation: str, transformers: Indices, dark: Indices, expected: float,
        object_id: str, probability: float, sure: float, is_open: bool, words: Words,
    ) -> InferredOutage:  # fmt: skip
        by, bars = self.by, self.by.rules
        customers, off = by.customer_count(transformers, words.start), by.customer_count(dark, words.start)
        state = "restored" if not is_open else "confirmed" if sure >= bars.confirmed else "suspected"
        began = time_of(words.start)
        return InferredOutage(
            id=f"{began:%Y%m%dT%H%M%S}-{object_id}", level=level, object_id=object_id, probability=probability,
            runner_up=None, explanation=explanation, state=state,
            sure=sure, reason="", start=began, last=time_of(words.last),
            restored_at=None if words.end is None else time_of(words.end), transformers=len(transformers),
            customers=customers, expected_customers=expected, customers_off=off, dark=len(dark),
            back=len(transformers) - len(dark), meters=words.meters, calls=words.calls,
            tripped=words.tripped, doubted=words.doubted, plan_or_record=None, transformer_ids=by.transformer_ids(transformers),
            dark_ids=by.transformer_ids(dark), customer_ids=(), next_read=None,
        )  # fmt: skip

    def _runner_up(self, head: int) -> RunnerUp | None:
        """Return where else it may begin: on the way to the source, or at the next cuts below."""
        found, cut = self.judgement, self._cut
        way = []
        above = int(self._parent[head])
        while above >= 0:
            way.append(above)
            above = int(self._parent[above])
        below = np.arange(head + 1, int(self._end[head]))
        others = np.concatenate([np.array(way, dtype=np.int64), below])
        others = others[self.by.tree.supply.branch_to[found.place[others]] >= 0]
        if not len(others):
            return None
        best = int(others[np.argmax(cut[others])])
        branch = int(self.by.tree.supply.branch_to[found.place[best]])
        return RunnerUp(self._branch_id(branch), min(float(cut[best]), 1.0))

    @cached_property
    def _next_reads(self) -> dict[int, str | None]:
        return {}

    def _next_read(self, event: int) -> str | None:
        """Return the transformer of an event whose reading is expected to tell most about who is off."""
        if event not in self._next_reads:
            self._next_reads[event] = self._best_read(event)
        return self._next_reads[event]

    def _best_read(self, event: int) -> str | None:
        found, rules = self.judgement, self.by.rules
        rows = np.arange(*np.searchsorted(found.of_transformer, [event, event + 1]))
        if not len(rows):
            return None
        dark = np.clip(found.dark[rows], 0.0, 1.0)
        answered = dark * rules.read_error + (1 - dark) * (1 - rules.unanswered)
        bits = (
            _bits(answered) - dark * _bits(np.array(rules.read_error)) - (1 - dark) * _bits(np.array(rules.unanswered))
        )
        weight = bits * (1 + self.by.customers_of(found.transformer[rows], int(found.events.at[event])))
        best = int(np.argmax(weight))
        return self.by.transformer_ids(found.transformer[rows[[best]]])[0] if bits[best] > LEAST_BITS else None

    def _explained(self, outage: InferredOutage, device: int, transformers: Indices) -> InferredOutage:
        """Return the incident with the plan or arrears that explain it, where they do."""
        which = self.by.known.explaining_outage(device, transformers, outage.start, self.power_between)
        if which < 0:
            return outage
        known = self.by.known.known[which]
        return replace(
            outage,
            explanation=known.explanation,
            level=known.level,
            object_id=known.object_id,
            plan_or_record=known.reference,
        )


def darkness(judgement: Judgement) -> Numbers:
    """Return how probable it is that each node is dead, shape (nodes,)."""
    state = judgement.state
    return np.asarray(state[:, DARK] + state[:, UNHEARD])


def is_back(dark: Numbers, back: Numbers, rules: InferenceSettings) -> Mask:
    """Return where an outage is believed, and that it is over rather than not."""
    return np.asarray((dark + back >= rules.suspected) & (back >= dark))


def _bits(share: Numbers) -> Numbers:
    share = np.clip(share, 1e-12, 1 - 1e-12)
    return np.asarray(-share * np.log2(share) - (1 - share) * np.log2(1 - share))
