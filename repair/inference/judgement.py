"""What the signals of some events say of everything on their feeders: evidence put together, and its posterior (6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Indices, Mask, Numbers
from repair.inference.devices import EVER, Devices
from repair.inference.feeder_tree import FeederTree
from repair.inference.posterior import STATES, Chances, Evidence, Posterior
from repair.inference.rates import Rates
from repair.inference.reports import (
    HOUR,
    Moment,
    Said,
    node_hears,
    of_calls,
    of_customers,
    of_terminals,
    own_outage,
    silence,
    transformer_speaks,
)
from repair.inference.reports import (
    together as together_of,
)
from repair.inference.spells import CALL, FLAG, NO_FLAG, OFF, ON, RECLOSE, Rows
from repair.settings import InferenceSettings

MANY = 4
"""Where so many speak of an outage, or a device tripped, one of them may stand in the wrong place."""


@dataclass(frozen=True, eq=False)
class Events:
    """Stretches of signals, each of one piece of the network, to be judged at one moment each.

    Attributes:
        piece: number of the piece of each, shape (events,).
        at: the moment, in ms, shape (events,).
        of: the event of each row, rising, shape (rows,).
        rows: signals by event, device and time.
        known: device numbers of terminals heard from shortly before, with the event in one number: ``event * devices + device``,
            rising.
    """

    piece: Indices
    at: Indices
    of: Indices
    rows: Rows
    known: Indices


@dataclass(frozen=True, eq=False)
class Users:
    """What the users of some events said.

    Attributes:
        terminals: words of terminals.
        at: row of the transformer of each terminal.
        customers: words of customers.
        their: row of the transformer of each customer.
    """

    terminals: Said
    at: Indices
    customers: Said
    their: Indices


@dataclass(frozen=True, eq=False)
class Heard:
    """What users say of their nodes; lists run over the ways of reporting.

    Attributes:
        users: who spoke.
        says: what each transformer says, by state of its node, shape (transformers, 5).
        dead, gone: how probable it is dead, and back after an outage, by state of its node, shape (transformers, 5).
        alone: if its transformer is live, how probable each customer that spoke is off, shape (customers,).
        together: if it is live, how probable those of each transformer are off together, shape (transformers,).
    """

    users: Users
    says: list[Numbers]
    dead: list[Numbers]
    gone: list[Numbers]
    alone: Numbers
    together: Numbers


@dataclass(frozen=True, eq=False)
class Prepared:
    """The evidence of some events, for each way of reporting.

    Attributes:
        events: what was heard.
        rules: rates.
        place, event, parent: place, event and node above of each node, shape (nodes,).
        fault: prior of a fault on the branch to each node, shape (nodes,).
        done: what devices did, see :class:`Evidence`.
        says: what users say, shape (ways, nodes, 5).
        refed, left: see :class:`Chances`.
        transformer, of_transformer, node: see :class:`Judgement`.
        heard: what users said.
        doing: words of each device, see :func:`categories`.
    """

    events: Events
    rules: InferenceSettings
    place: Indices
    event: Indices
    parent: Indices
    fault: Numbers
    done: Numbers
    says: Numbers
    refed: Numbers
    left: Numbers
    transformer: Indices
    of_transformer: Indices
    node: Indices
    heard: Heard
    doing: Indices

    def posterior(self, fault: Numbers, sets: int = 1) -> Posterior:
        """Return the posterior for each way of reporting, one after another, and there for each set of priors of faults.

        Args:
            fault: priors of faults, set after set, shape (sets x nodes,).
            sets: how many sets there are.
        """
        ways, count = len(self.says), len(self.place)
        copies = ways * sets
        above = np.where(self.parent >= 0, self.parent + np.arange(copies)[:, None] * count, -1)
        chances = Chances(
            np.tile(self.refed, (copies, 1)),
            np.tile(self.left, (copies, 1)),
            self.rules.channel_fails,
            self.rules.channel_works,
        )
        says = np.repeat(self.says, sets, axis=0).reshape(-1, STATES)
        return Posterior(
            Evidence(above.ravel(), np.tile(fault, ways), np.tile(self.done, (copies, 1, 1)), says, chances)
        )

    def weights(self, posterior: Posterior) -> tuple[Numbers, Numbers]:
        """Return how probable each way of reporting is, shape (ways, events), and the log-probability of all, shape (events,)."""
        logs = (
            posterior.log_evidence.reshape(len(self.says), -1)
            + np.log([each[0] for each in self.rules.qualities])[:, None]
        )
        total = np.logaddexp.reduce(logs, axis=0)
        return np.exp(logs - total), total


@dataclass(frozen=True, eq=False)
class Judgement:
    """The posterior of some events, and where each thing stands in it.

    Attributes:
        events: what was judged.
        place: place of each node, event by event, shape (nodes,).
        event: event of each node, shape (nodes,).
        state: probability of each state of each node, shape (nodes, 5).
        fault, flow, opened: probabilities by the branch that leads to each node, see :class:`Posterior`; shape (nodes,).
        cut: that an outage begins there, open now or closed again; shape (nodes, 2).
        transformer, of_transformer, node: index of each transformer, its event and its node, shape (transformers,).
        dark: probability that each has no supply now, shape (transformers,).
        was: probability that each had none since the event began, and has it now, shape (transformers,).
        users: what terminals and customers said.
        alone: probability that each customer that spoke is off although its transformer is live, shape (customers,).
        together: probability that those of each transformer are off together then, shape (transformers,).
        doing: words of each device, see :func:`categories`, shape (nodes,).
        quality: weight of each way of reporting, shape (events, ways).
        log_evidence: log-probability of all that was heard, shape (events,).
    """

    events: Events
    place: Indices
    event: Indices
    state: Numbers
    fault: Numbers
    flow: Numbers
    opened: Numbers
    cut: Numbers
    transformer: Indices
    of_transformer: Indices
    node: Indices
    dark: Numbers
    was: Numbers
    users: Users
    alone: Numbers
    together: Numbers
    doing: Indices
    quality: Numbers
    log_evidence: Numbers


@dataclass(frozen=True, eq=False)
class Judge:
    """Judges events on one supply."""

    tree: FeederTree
    devices: Devices
    rules: InferenceSettings

    @cached_property
    def rates(self) -> Rates:
        """What is to be expected before anything is heard."""
        return Rates(self.tree.supply, self.rules)

    @cached_property
    def _by_place(self) -> tuple[Indices, Indices]:
        """Transformers by place, and the places, both in rising order of place."""
        place = self.tree.supply.transformer_place
        order = np.argsort(place, kind="stable")
        return order, place[order]

    @cached_property
    def _customers(self) -> Indices:
        """How many customers each transformer feeds alone."""
        return self.devices.network.customers_with_one_supply

    @cached_property
    def _sensor_rates(self) -> Numbers:
        """How often the sensor of each branch misses a fault current, and reports one that is not; shape (branches, 2)."""
        net, rules = self.devices.network, self.rules
        found = np.tile([rules.flag_miss, rules.flag_false], (net.branches.height, 1))
        table = net.workspace.tables.get("sensors")
        if table is not None and table.height:
            branch, which = net.known_branches(table["branch_id"])
            for column, name in enumerate(("miss_rate", "false_rate")):
                rate = table[name].cast(float).to_numpy()[which]
                given = ~np.isnan(rate)
                found[branch[given], column] = np.clip(rate[given], 1e-6, 0.5)
        return found

    def prepare(self, events: Events, flags: Numbers | None = None) -> Prepared:
        """Put the evidence of some events together.

        Args:
            events: what was heard.
            flags: likelihood of what the sensor of each node reported, by fault current, shape (nodes, 3); by default by the
                rates of the table of sensors.
        """
        place, event, offset = self._nodes(events)
        supply, rates = self.tree.supply, self.rates
        first = self.tree.first[events.piece]
        parent = np.where(place == first[event], -1, supply.parent[place] - first[event] + offset[event])
        transformer, of_transformer = self._transformers(events)
        node = supply.transformer_place[transformer] - first[of_transformer] + offset[of_transformer]
        moment = Moment(events.at, *onset(events, self.rules))
        heard = self._users(events, moment, transformer, of_transformer)
        nodes = np.stack(
            [
                np.stack([sums_at(node, one[:, state], len(place)) for state in range(STATES)], axis=1)
                for one in heard.says
            ]
        )
        words, seen, doing = self._device_words(events, place, event, first, offset)
        done = rates.doings(words, seen if flags is None else flags, place, doing > 0)
        return Prepared(
            events, self.rules, place, event, parent, rates.fault[place], done, nodes, rates.refed[place], rates.left[place],
            transformer, of_transformer, node, heard, doing,
        )  # fmt: skip

    def judge(self, events: Events) -> Judgement:
        """Return the posterior of each event."""
        prepared = self.prepare(events)
        posterior = prepared.posterior(prepared.fault)
        weight, log_evidence = prepared.weights(posterior)
        count, ways = len(prepared.place), len(self.rules.qualities)
        event, node, of, heard = prepared.event, prepared.node, prepared.of_transformer, prepared.heard

        def mixed(values: Numbers) -> Numbers:
            return np.asarray((values.reshape(ways, count, -1) * weight[:, event, None]).sum(axis=0))

        states = posterior.state.reshape(ways, count, STATES)
        dark, was = np.zeros(len(node)), np.zeros(len(node))
        for way in range(ways):
            share = weight[way, of]
            dark += share * (states[way, node] * heard.dead[way]).sum(axis=1)
            was += share * (states[way, node] * heard.gone[way]).sum(axis=1)
        live = np.clip(1 - dark - was, 0.0, 1.0)
        return Judgement(
            events, prepared.place, event, mixed(posterior.state), mixed(posterior.fault)[:, 0], mixed(posterior.flow).sum(axis=1),
            mixed(posterior.opened)[:, 0], mixed(posterior.cut), prepared.transformer, of, node, dark, was, heard.users,
            heard.alone * live[heard.users.their], heard.together * live, prepared.doing, weight.T, log_evidence,
        )  # fmt: skip

    # Places -------------------------------------------------------------------------------------------------------

    def nodes_of(self, events: Events) -> Indices:
        """Return the places of the nodes of some events, in the order in which they are judged."""
        return self._nodes(events)[0]

    def _nodes(self, events: Events) -> tuple[Indices, Indices, Indices]:
        """Return the places of all events, the event of each, and where each event's begin."""
        first, last = self.tree.first[events.piece], self.tree.last[events.piece]
        size = last - first
        offset = np.concatenate([[0], np.cumsum(size)])[:-1].astype(np.int64)
        event = np.repeat(np.arange(len(size)), size)
        return np.arange(len(event)) - offset[event] + first[event], event, offset

    def _transformers(self, events: Events) -> tuple[Indices, Indices]:
        """Return the transformers of all events, and the event of each."""
        order, places = self._by_place
        begin = np.searchsorted(places, self.tree.first[events.piece])
        size = np.searchsorted(places, self.tree.last[events.piece]) - begin
        of = np.repeat(np.arange(len(size)), size)
        offset = np.concatenate([[0], np.cumsum(size)])[:-1]
        found = order[np.arange(len(of)) - offset[of] + begin[of]]
        early, late = self.devices.in_service(found, events.at[of])
        served = ~(early | late)
        return found[served], of[served]

    # Users --------------------------------------------------------------------------------------------------------

    def _users(self, events: Events, moment: Moment, transformer: Indices, event: Indices) -> Heard:
        """Return who spoke, and for each way of reporting what each transformer says of its node."""
        rules, devices = self.rules, self.devices
        many = devices.branches_from + devices.network.branches.height
        key = event * many + transformer
        order = np.argsort(key, kind="stable")
        known = np.isin(key, events.known)
        mine = events.rows.device < devices.branches_from
        said = Said.of(events.of[mine], Rows(events.rows.device[mine], events.rows.word[mine]))
        is_terminal = said.device < devices.customers_from
        terminals, customers = said.at(is_terminal), said.at(~is_terminal)
        at = np.searchsorted(key, terminals.event * many + terminals.device, sorter=order)
        there = at < len(key)
        there[there] = key[order[at[there]]] == (terminals.event * many + terminals.device)[there]
        terminals, at = terminals.at(there), order[at[there]]
        of = devices.meter_transformer[customers.device - devices.customers_from]
        customers, of = customers.at(of >= 0), of[of >= 0]
        their = np.searchsorted(key, customers.event * many + of, sorter=order)
        there = their < len(key)
        there[there] = key[order[their[there]]] == (customers.event * many + of)[there]
        customers, their = customers.at(there), order[their[there]]
        spoke = np.bincount(their, minlength=len(transformer))
        only = own_outage(rules)[2]
        voices = np.bincount(said.event, said.first < EVER, len(events.piece))
        trips = (events.rows.device >= devices.branches_from) & (events.rows.kind == OFF)
        beside = (voices + MANY * np.bincount(events.of, trips, len(events.piece)))[terminals.event] >= MANY
        joint = together_of(terminals)
        together_off = np.zeros(len(transformer), dtype=np.bool_)
        together_off[at] = joint
        since = moment.onset[event].copy()
        reported = terminals.last_off > -EVER
        since[at[reported]] = terminals.last_off[reported]
        age_h = np.maximum(events.at[event] - since, 0) / HOUR
        restored = np.full(len(events.piece), -EVER)
        np.maximum.at(restored, said.event, said.last_on)
        callers = np.bincount(their, customers.call > -EVER, len(transformer))
        calls, calls_of_some = of_calls(callers, self._customers[transformer], moment, event, rules)
        shared, off, off_with_others = of_customers(customers, moment, rules, restored)
        alone = np.logaddexp(shared[:, 0], off + np.log(only))
        together = np.stack([sums_at(their, shared[:, s], len(transformer)) for s in range(STATES)], axis=1)
        of_some = sums_at(their, off_with_others, len(transformer)) + calls_of_some
        several = np.where(spoke > 1, of_some, -np.inf)
        hears: list[Numbers] = []
        dead: list[Numbers] = []
        gone: list[Numbers] = []
        for quality in rules.qualities:
            own = silence(moment, rules, quality, known, event)
            own[at] = of_terminals(terminals, moment, rules, quality, known[at], beside, joint)
            own[:, 1:] += calls[:, None]
            heard = transformer_speaks(own, sums_at(their, alone, len(transformer)), together, several, rules)
            for parts, part in zip((hears, dead, gone), node_hears(heard, rules, together_off, age_h), strict=True):
                parts.append(part)
        each = sums_at(their, alone, len(transformer))
        joint = several + np.log(own_outage(rules)[1])
        shared_cause = np.exp(joint - np.logaddexp(each, joint))
        by_itself = np.exp(off + np.log(only) - alone)
        off_alone = shared_cause[their] + (1 - shared_cause[their]) * by_itself
        return Heard(Users(terminals, at, customers, their), hears, dead, gone, off_alone, shared_cause)

    # Devices ------------------------------------------------------------------------------------------------------

    def _device_words(
        self, events: Events, place: Indices, event: Indices, first: Indices, offset: Indices
    ) -> tuple[Numbers, Numbers, Indices]:
        """Return the likelihoods of what devices and sensors reported, (nodes, 4) and (nodes, 3), and what devices said, (nodes,)."""
        rules, devices = self.rules, self.devices
        loss = np.where(self.rates.recloses[place], rules.trip_loss, rules.fuse_trip_loss)
        loss = np.where(self.rates.clears[place], loss, np.where(self.rates.switches[place], 0.5, 1.0))
        doing = np.zeros(len(place), dtype=np.int64)
        words, flags = word_likelihoods(doing, loss, rules), np.ones((len(place), 3))
        mine = np.flatnonzero(events.rows.device >= devices.branches_from)
        rows, of = Rows(events.rows.device[mine], events.rows.word[mine]), events.of[mine]
        branch = rows.device - devices.branches_from
        spot = self.tree.supply.place_below(branch)
        inside = (spot >= first[of]) & (spot < self.tree.last[events.piece][of])
        rows, of, branch, spot = Rows(rows.device[inside], rows.word[inside]), of[inside], branch[inside], spot[inside]
        node = spot - first[of] + offset[of]
        told = np.isin(rows.kind, (OFF, ON, RECLOSE))
        if told.any():
            at, doing_there = categories(node[told], rows.kind[told], rows.time[told])
            doing[at] = doing_there
            words[at] = word_likelihoods(doing_there, np.minimum(loss[at], 0.5), rules)
        sensed = np.flatnonzero((rows.kind == FLAG) | (rows.kind == NO_FLAG))
        if len(sensed):
            seen = np.zeros(len(place), dtype=np.int64)
            np.maximum.at(seen, node[sensed], np.where(rows.kind[sensed] == FLAG, 2, 1))
            at = np.unique(node[sensed])
            rate = np.zeros((len(place), 2))
            rate[node[sensed]] = self._sensor_rates[branch[sensed]]
            miss, false = rate[at].T
            flags[at] = flag_likelihoods(seen[at] == 2, miss, false, rules.flag_kept)
        return words, flags, doing


def flag_likelihoods(seen: Mask, miss: Numbers, false: Numbers, kept: float) -> Numbers:
    """Return how probable what each sensor reports is, by fault current, shape (sensors, 3).

    Args:
        seen: whether it reports fault current.
        miss, false: how often it misses one, and reports one that is not.
        kept: how probable it is that a flag is kept once a device further down has cleared the fault.
    """
    sees = np.stack([false, kept * (1 - miss) + (1 - kept) * false, 1 - miss], axis=1)
    return np.where(seen[:, None], sees, 1 - sees)


NOTHING_SAID, OPEN, OPEN_AFTER_RECLOSE, RECLOSED, CLOSED, ONLY_CLOSED = range(6)
"""What a device said: nothing; its trip last; a trip after a reclosing; a reclosing last; a closing last; just that it closed."""


def sums_at(row: Indices, amount: Numbers, rows: int) -> Numbers:
    """Return the sum of the amounts of each row, shape (rows,)."""
    sums: Numbers = np.bincount(row, weights=amount, minlength=rows).astype(np.float64)
    return sums


def categories(node: Indices, kind: Indices, time: Indices) -> tuple[Indices, Indices]:
    """Return each node whose device spoke, and what it said in all."""
    order = np.lexsort((kind, time, node))
    node, kind = node[order], kind[order]
    at, head = np.unique(node, return_index=True)
    last = kind[np.append(head[1:], len(node)) - 1]
    group = np.cumsum(np.append(True, node[1:] != node[:-1])[: len(node)]) - 1
    trips, recloses = (np.bincount(group, kind == which, len(at)) > 0 for which in (OFF, RECLOSE))
    category = np.where(
        last == OFF, np.where(recloses, OPEN_AFTER_RECLOSE, OPEN), np.where(last == RECLOSE, RECLOSED, CLOSED)
    )
    return at, np.where((last != OFF) & ~trips, ONLY_CLOSED, category)


def word_likelihoods(category: Indices, loss: Numbers, rules: InferenceSettings) -> Numbers:
    """Return how probable the words of each device are if it did nothing, reclosed by itself, is open, was open and is closed."""
    false = np.full(len(loss), rules.false_trip)
    heard = 1 - loss
    table = np.stack(
        [
            np.stack([1 - false, loss**2, loss, loss * np.maximum(loss, 0.5)], axis=1),
            np.stack([false, heard * loss, heard, heard * 0.3], axis=1),
            np.stack([false**2, false, heard**2, heard**2 * 0.3], axis=1),
            np.stack([false, heard**2, heard * loss, heard * 0.3], axis=1),
            np.stack([false, heard * loss, false, heard**2 * 0.5], axis=1),
            np.stack([false * 10, heard * loss, false, loss * 0.5], axis=1),
        ]
    )
    return np.asarray(table[category, np.arange(len(loss))])


def onset(events: Events, rules: InferenceSettings) -> tuple[Indices, Indices]:
    """Return when the latest burst of words of outage of each event began, and the first, in ms; its moment where there is none."""
    window = round(rules.window_min * 60_000)
    kind = events.rows.kind
    found, first = events.at.copy(), events.at.copy()
    for kinds in ((CALL,), (OFF,)):
        which = np.flatnonzero(np.isin(kind, kinds))
        order = which[np.lexsort((events.rows.time[which], events.of[which]))]
        of, time = events.of[order], events.rows.time[order]
        begins = np.ones(len(order), dtype=np.bool_)
        begins[1:] = (of[1:] != of[:-1]) | (time[1:] - time[:-1] > window)
        found[of[begins]] = time[begins]
        first[of[begins][::-1]] = np.minimum(first[of[begins][::-1]], time[begins][::-1])
    return found, first
