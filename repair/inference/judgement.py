"""What the signals of some events say of everything on their feeders: evidence put together, and its posterior (6.3)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from network.arrays import NONE, Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.best import Best, Explained
from repair.inference.coupled import Pairs
from repair.inference.device_words import categories, flag_likelihoods, word_likelihoods
from repair.inference.devices import Devices
from repair.inference.events import Events, onset
from repair.inference.feeder_tree import FeederTree
from repair.inference.feeders import Given, Mixed, Spoken
from repair.inference.mesh import Marginals, Mesh
from repair.inference.pairs import NAMES, Coupled, clusters
from repair.inference.posterior import Chances, Evidence, Posterior
from repair.inference.rates import Rates
from repair.inference.reports import Moment
from repair.inference.states import CLOSED_AGAIN, OPENED, STATES
from repair.inference.users import Heard, Hearing, Users
from repair.inference.words import FLAG, NO_FLAG, OFF, ON, RECLOSE, Rows, is_of
from repair.settings import InferenceSettings

LEAST_WEIGHT = 1e-9
"""A way of reporting that is less probable changes nothing."""

NEGLIGIBLE = 1e-5
"""Parts of a feeder in which something opened or was dead with no more than this probability are taken as live."""


def said_of(heard: Heard, node: Indices, nodes: int) -> Numbers:
    """Return what users say of each node, shape (ways, nodes, 5), given the node of each transformer."""
    from repair.inference.own_states import said_at_nodes

    found = np.zeros((len(heard.says), nodes, STATES))
    said_at_nodes(node, heard.row, heard.says, found)
    return found


@dataclass(frozen=True, eq=False, repr=False)
class Prepared(Shown):
    """The evidence of some events, for each way of reporting.

    Attributes:
        events: what was heard.
        rules: rates.
        place, event, parent: place, event and node above of each node, shape (nodes,).
        fault: prior of a fault on the branch to each node, shape (nodes,).
        done: what devices did, see :class:`Evidence`.
        moves: what is fed again and what is left dead, see :class:`Chances`, shape (nodes, 2, 3).
        repaired: see :class:`Chances`.
        transformer, of_transformer, node: see :class:`Judgement`.
        heard: what users said.
        doing: words of each device, see :func:`categories`.
        meshes: of each event on a feeder with closed rings, its nodes and what was heard on its network.
    """

    events: Events
    rules: InferenceSettings
    place: Indices
    event: Indices
    parent: Indices
    fault: Numbers
    done: Numbers
    moves: Numbers
    repaired: Numbers
    transformer: Indices
    of_transformer: Indices
    node: Indices
    heard: Heard
    doing: Indices
    meshes: dict[int, tuple[Indices, Mesh]]

    @cached_property
    def says(self) -> Numbers:
        """What users say of each node, shape (ways, nodes, 5)."""
        return said_of(self.heard, self.node, len(self.place))

    @cached_property
    def given(self) -> Given:
        """The nodes of each event, for the passes."""
        first = np.append(np.flatnonzero(self.parent < 0), len(self.parent))
        rates = np.array([self.rules.channel_fails, self.rules.channel_works, Chances.afloat])
        return Given(
            first, self.parent, self.fault, self.done, self.moves, self.repaired, rates, self.doing > 0, self.source_back,
        )  # fmt: skip

    @cached_property
    def spoken(self) -> Spoken:
        """What the transformers of each event say, for the passes."""
        first = np.searchsorted(self.of_transformer, np.arange(len(self.events.piece) + 1))
        prior = np.log([quality[0] for quality in self.rules.qualities])
        return Spoken(first, self.node, self.heard.row, self.heard.says, self.heard.dead, self.heard.gone, prior)

    def posterior(self, fault: Numbers) -> Posterior:
        """Return the posterior for each way of reporting, and there for each set of priors of faults, where there are several.

        Args:
            fault: priors of faults, shape (nodes,) or (sets, nodes).
        """
        says, chances = self.says, self._chances_of(slice(None))
        if fault.ndim == 2:
            says = np.broadcast_to(says[:, None], (len(says), len(fault), *says.shape[1:]))
        return Posterior(Evidence(self.parent, fault, self.done, says, chances))

    def _chances_of(self, nodes: Indices | slice) -> Chances:
        refed, left = self.moves[nodes, 0], self.moves[nodes, 1]
        return Chances(refed, left, self.repaired[nodes], self.rules.channel_fails, self.rules.channel_works)

    def evidence_of(self, nodes: Indices, at: Indices) -> Evidence:
        """Return the evidence of some nodes for each way of reporting, given where each node stands among them."""
        above = self.parent[nodes]
        chances = self._chances_of(nodes)
        parent = np.where(above >= 0, at[above], -1)
        return Evidence(parent, self.fault[nodes], self.done[nodes], self.says[:, nodes], chances)

    def some(self, events: Indices) -> tuple[Prepared, Indices, Indices]:
        """Return what is prepared of some events, rising, without their signals; and which nodes and transformers are theirs."""
        kept = np.zeros(len(self.events.piece), dtype=np.bool_)
        kept[events] = True
        nodes, transformers = np.flatnonzero(kept[self.event]), np.flatnonzero(kept[self.of_transformer])
        above = self.parent[nodes]
        meshes = {
            int(np.searchsorted(events, event)): (np.searchsorted(nodes, at), mesh)
            for event, (at, mesh) in self.meshes.items()
            if kept[event]
        }
        return Prepared(
            Events(self.events.piece[events], self.events.at[events], NONE, Rows(NONE, NONE), NONE), self.rules,
            self.place[nodes], np.searchsorted(events, self.event[nodes]),
            np.where(above >= 0, np.searchsorted(nodes, above), -1), self.fault[nodes], self.done[nodes], self.moves[nodes],
            self.repaired[nodes], self.transformer[transformers], np.searchsorted(events, self.of_transformer[transformers]),
            np.searchsorted(nodes, self.node[transformers]), replace(self.heard, row=self.heard.row[transformers]),
            self.doing[nodes], meshes,
        ), nodes, transformers  # fmt: skip

    def without_source(self) -> Posterior:
        """Return the posterior of each feeder if its source was lost: a branch above its top, which is open, or closed again.

        Where its nodes stand tells :attr:`below_source`.
        """
        count, events = len(self.parent), len(self.events.piece)
        node, source = self.below_source
        parent = np.full(count + events, -1, dtype=np.int64)
        parent[node] = np.where(self.parent >= 0, node[self.parent], source[self.event])

        def spread(values: Numbers, rest: float) -> Numbers:
            found = np.full((count + events, *values.shape[1:]), rest)
            found[node] = values
            return found

        back = self.source_back
        done = spread(self.done, 0.0)
        for way in (0, 1, 3):
            done[source, way, OPENED], done[source, way, CLOSED_AGAIN] = 1 - back, back
        chances = Chances(
            spread(self.moves[:, 0], 0.0), spread(self.moves[:, 1], 0.0), spread(self.repaired, 1.0),
            self.rules.channel_fails, self.rules.channel_works,
        )  # fmt: skip
        says = np.zeros((len(self.says), count + events, STATES))
        says[:, node] = self.says
        return Posterior(Evidence(parent, spread(self.fault, 0.0), done, says, chances))

    def of_trees(self) -> Mixed:
        """Return what follows of all events, where none has closed rings."""
        from repair.inference.passes import judge_trees

        given, spoken = self.given, self.spoken
        found, greatest = Mixed.of(given, spoken), spoken.says.max(axis=2)
        likely, limits = np.exp(spoken.says - greatest[:, :, None]), np.array([NEGLIGIBLE, LEAST_WEIGHT])
        judge_trees(given, spoken, likely, greatest, limits, found)
        return found

    def mixed(
        self, posterior: Marginals, weight: Numbers, log_evidence: Numbers, lost_source: Numbers | None = None
    ) -> Mixed:
        """Return what follows of all events, mixed by the weights of the ways of reporting, shape (ways, events)."""
        found, heard = Mixed.of(self.given, self.spoken), self.heard
        found.weight[:], found.log_evidence[:] = weight.T, log_evidence
        found.lost_source[:] = -np.inf if lost_source is None else lost_source
        for way, shares in enumerate(weight):
            share, state = shares[self.event], posterior.state[way]
            found.state[:] += share[:, None] * state
            found.fault[:] += share * posterior.fault[way]
            found.flow[:] += share * posterior.flow[way].sum(axis=1)
            found.opened[:] += share * posterior.opened[way]
            found.cut[:] += share[:, None] * posterior.cut[way]
            of_users = shares[self.of_transformer][:, None] * state[self.node]
            found.dark[:] += (of_users * heard.dead[way, heard.row]).sum(axis=1)
            found.was[:] += (of_users * heard.gone[way, heard.row]).sum(axis=1)
        return found

    @cached_property
    def approximate(self) -> Mask:
        """Whether some of what may have happened on closed rings is left out, shape (events,)."""
        found = np.zeros(len(self.events.piece), dtype=np.bool_)
        for event, (_, mesh) in self.meshes.items():
            found[event] = mesh.approximate
        return found

    @property
    def source_back(self) -> Numbers:
        """How probable it is that the source of each event is back, had it been lost, shape (events,)."""
        return np.maximum(self.repaired[self.parent < 0], self.rules.closed_again)

    @property
    def below_source(self) -> tuple[Indices, Indices]:
        """Where each node stands, and the source of each event, once a source stands before each event's nodes."""
        first = np.flatnonzero(self.parent < 0)
        return np.arange(len(self.parent)) + self.event + 1, first + np.arange(len(first))

    def best(self) -> tuple[Explained, Numbers]:
        """Return the best explanation, and how probable just that one is, of each event; shape (events,).

        Every event is taken to report in the way that is most probable for it.
        """
        posterior = self.posterior(self.fault)
        weight, total = self.weights(posterior)
        way = weight.argmax(axis=0)
        says = self.says[way[self.event], np.arange(len(self.place))]
        found = Best(Evidence(self.parent, self.fault, self.done, says, self._chances_of(slice(None)))).explained
        for event, (nodes, mesh) in self.meshes.items():
            best, log_weight = replace(mesh, users=mesh.users[way[event]]).best()
            found.state[nodes] = best.state
            found.fault[nodes], found.did[nodes] = best.fault[: len(nodes)], best.did[: len(nodes)]
            found.log_weight[event] = log_weight
        prior = np.log([quality[0] for quality in self.rules.qualities])[way]
        return found, np.exp(found.log_weight + prior - total)

    def weights(self, posterior: Posterior) -> tuple[Numbers, Numbers]:
        """Return how probable each way of reporting is, shape (ways, events), and the log-probability of all, shape (events,)."""
        logs = posterior.log_evidence + np.log([quality[0] for quality in self.rules.qualities])[:, None]
        for event, (_, mesh) in self.meshes.items():
            logs[:, event] = mesh.marginals.log_evidence + np.log([quality[0] for quality in self.rules.qualities])
        total = np.logaddexp.reduce(logs, axis=0)
        return np.exp(logs - total), total


@dataclass(frozen=True, eq=False, repr=False)
class Judgement(Shown):
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
        lost_source: how much better, as log, it is explained by the loss of its source, shape (events,); minus infinity on rings.
        approximate: whether some of what may have happened on closed rings was left out, shape (events,).
        coupled: index of each transformer of two feeders that spoke within the events of both, shape (coupled,).
        coupled_dark: probability that each of these has no supply, shape (coupled,).
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
    lost_source: Numbers
    approximate: Mask
    coupled: Indices = field(default_factory=lambda: NONE)
    coupled_dark: Numbers = field(default_factory=lambda: np.zeros(0))

    def mixed(self, other: Judgement, share: float) -> Judgement:
        """Return the same with a share of another judgement of the same events."""
        names = ("state", "fault", "flow", "opened", "cut", "dark", "was", "alone", "together", "quality")
        both = {name: (1 - share) * getattr(self, name) + share * getattr(other, name) for name in names}
        return replace(self, **both)


@dataclass(frozen=True, eq=False, repr=False)
class Judge(Shown):
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
        heard = Hearing(self.devices, self.rules, events, moment, transformer, of_transformer).heard()
        closing, of_closing = self._closing(events)
        every, of = np.append(place, len(supply.end) + closing), np.append(event, of_closing)
        done, moves, repaired = rates.of_unheard(every, of, moment.since_h())
        at, words, seen, doing = self._device_words(events, every, first, offset, flags)
        done[at] = rates.of_heard(words, seen, every[at], doing[at] > 0, repaired[at])
        nodes = slice(len(place))
        meshes: dict[int, tuple[Indices, Mesh]] = {}
        if len(closing):
            says = said_of(heard, node, len(place))
            chances = Chances(moves[:, 0], moves[:, 1], repaired, self.rules.channel_fails, self.rules.channel_works)
            meshes = self._meshes(every, of, parent, rates.fault[every], done, says, chances)
        return Prepared(
            events, self.rules, place, event, parent, rates.fault[place], done[nodes], moves[nodes], repaired[nodes],
            transformer, of_transformer, node, heard, doing[nodes], meshes,
        )  # fmt: skip

    def _closing(self, events: Events) -> tuple[Indices, Indices]:
        """Return the branches that close rings of some events, by position in ``back_branch``, and the event of each."""
        rings = self.tree.rings
        which = [event for event, piece in enumerate(events.piece.tolist()) if piece in rings] if rings else []
        numbers = [rings[int(events.piece[event])] for event in which]
        closing = np.concatenate([NONE, *numbers])
        return closing, np.repeat(np.array(which, dtype=np.int64), [len(number) for number in numbers])

    def _meshes(
        self, place: Indices, event: Indices, parent: Indices, fault: Numbers, done: Numbers, says: Numbers,
        chances: Chances,
    ) -> dict[int, tuple[Indices, Mesh]]:  # fmt: skip
        """Return the network of each event with closed rings, and its nodes.

        What is given is of all nodes, then of the branches that close rings.
        """
        forest = self.tree.supply.forest
        count, found = len(parent), {}
        for each in np.unique(event[count:]).tolist():
            nodes = np.flatnonzero(event[:count] == each)
            mine = np.append(nodes, count + np.flatnonzero(event[count:] == each))
            closing = place[mine[len(nodes) :]] - len(forest.end)
            above = np.where(parent[nodes] >= 0, parent[nodes] - nodes[0], -1)
            upper, lower = (ends[closing] - place[nodes[0]] for ends in (forest.back_upper, forest.back_lower))
            ends = np.stack([np.append(above, np.maximum(upper, -1)), np.append(np.arange(len(nodes)), lower)], axis=1)
            of_mesh = replace(
                chances, refed=chances.refed[mine], left=chances.left[mine], repaired=chances.repaired[mine]
            )
            never = self.rates.branch[place[mine]] < 0
            on_ring = np.append(~forest.is_bridge[place[nodes]], np.ones(len(closing), dtype=np.bool_))
            no_pairs = np.zeros((0, 2), dtype=np.int64), np.zeros((0, STATES, STATES))
            found[each] = (
                nodes,
                Mesh(
                    ends,
                    np.where(never, 0.0, fault[mine]),
                    done[mine],
                    says[:, nodes],
                    of_mesh,
                    *no_pairs,
                    never,
                    on_ring,
                ),
            )
        return found

    def judge(self, events: Events, pairs: Pairs | None = None) -> Judgement:
        """Return the posterior of each event, with what transformers of two feeders say of both."""
        return self._judged(self.prepare(events), pairs)

    def judge_with_and_without_source(self, events: Events) -> tuple[Judgement, Judgement]:
        """Return the posterior of each event, and that if the source of each was lost."""
        prepared = self.prepare(events)
        posterior = prepared.without_source()
        logs = posterior.log_evidence + np.log([quality[0] for quality in self.rules.qualities])[:, None]
        total = np.logaddexp.reduce(logs, axis=0)
        node, _ = prepared.below_source
        of_nodes = {name: getattr(posterior, name)[:, node] for name in ("state", "fault", "opened", "flow", "cut")}
        lost = prepared.mixed(Marginals(posterior.log_evidence, **of_nodes), np.exp(logs - total), total)
        return self._judged(prepared), self._of(prepared, lost)

    def _judged(self, prepared: Prepared, pairs: Pairs | None = None) -> Judgement:
        found = prepared.of_trees()
        coupled = NONE if pairs is None else np.unique(pairs.event)
        apart = np.union1d(coupled, np.array(sorted(prepared.meshes), dtype=np.int64))
        if not len(apart):
            return self._of(prepared, found)
        some, nodes, transformers = prepared.some(apart)
        if pairs is not None:
            pairs = replace(pairs, event=np.searchsorted(apart, pairs.event), node=np.searchsorted(nodes, pairs.node))
        mixed, both, approximate = self._apart(some, pairs)
        found.put(apart, nodes, transformers, mixed)
        judged = self._of(prepared, found)
        judged.approximate[apart] |= approximate
        if pairs is None:
            return judged
        return replace(judged, coupled=pairs.transformer, coupled_dark=pairs.off(both))

    def _apart(self, prepared: Prepared, pairs: Pairs | None) -> tuple[Mixed, Numbers, Mask]:
        """Return what follows of events with closed rings or with users of two feeders.

        Returns:
            That; the probability of the states of both nodes of each such user, shape (pairs, 5, 5); and the events of which not
            every one of them counts.
        """
        of_trees = replace(prepared.posterior(prepared.fault), negligible=NEGLIGIBLE, asked=prepared.doing > 0)
        weight, log_evidence = prepared.weights(of_trees)
        posterior = self._with_rings(prepared, of_trees.only(weight > LEAST_WEIGHT))
        dead = np.minimum(of_trees.log_odds_dead(prepared.source_back), 500.0)
        odds = np.log(np.einsum("we,we->e", weight, np.exp(dead)) + 1e-300)
        odds[list(prepared.meshes)] = -np.inf
        both, approximate = np.zeros((0, STATES, STATES)), np.zeros(weight.shape[1], dtype=np.bool_)
        if pairs is not None:
            both, approximate = self._with_pairs(prepared, posterior, weight, pairs)
        return prepared.mixed(posterior, weight, log_evidence, odds), both, approximate

    @staticmethod
    def _with_pairs(prepared: Prepared, found: Marginals, weight: Numbers, pairs: Pairs) -> tuple[Numbers, Mask]:
        """Put what follows together with the users of two feeders in place of what follows of each feeder by itself.

        Args:
            prepared: the evidence.
            found: what follows of each node; changed.
            weight: of each way of reporting, (ways, events); changed.
            pairs: the users.

        Returns:
            Probability of the states of both nodes of each user, (pairs, 5, 5), and events of which not every user counts.
        """
        prior = np.array([quality[0] for quality in prepared.rules.qualities])
        approximate = np.zeros(weight.shape[1], dtype=np.bool_)
        share = weight[:, prepared.event]
        mixed = np.einsum("wn,wns->ns", share, found.state)
        both = mixed[pairs.node[:, 0], :, None] * mixed[pairs.node[:, 1], None, :]
        for events, users in clusters(pairs.event):
            if set(events) & set(prepared.meshes):
                approximate[events] = True
                continue
            nodes = np.flatnonzero(np.isin(prepared.event, events))
            at = np.full(len(prepared.event), -1, dtype=np.int64)
            at[nodes] = np.arange(len(nodes))
            coupled = Coupled(prepared.evidence_of(nodes, at), prior, at[pairs.node[users]], pairs.says[users])
            for name in NAMES:
                getattr(found, name)[:, nodes] = coupled.follows[name]
            weight[:, events], both[users] = coupled.weight, coupled.both
            approximate[events] = not coupled.counted.all()
        return both, approximate

    @staticmethod
    def _of(prepared: Prepared, found: Mixed) -> Judgement:
        heard = prepared.heard
        live = np.clip(1 - found.dark - found.was, 0.0, 1.0)
        return Judgement(
            prepared.events, prepared.place, prepared.event, found.state, found.fault, found.flow, found.opened, found.cut,
            prepared.transformer, prepared.of_transformer, prepared.node, found.dark, found.was, heard.users,
            heard.alone * live[heard.users.their], heard.together * live, prepared.doing, found.weight, found.log_evidence,
            found.lost_source, prepared.approximate,
        )  # fmt: skip

    @staticmethod
    def _with_rings(prepared: Prepared, posterior: Posterior) -> Marginals:
        """Return the posterior by node, where rings are closed that of their networks."""
        found = Marginals(
            posterior.log_evidence,
            *(getattr(posterior, name).copy() for name in ("state", "fault", "opened", "flow", "cut")),
        )
        for nodes, mesh in prepared.meshes.values():
            of_mesh = mesh.marginals
            found.state[:, nodes] = of_mesh.state
            for name in ("fault", "opened", "flow", "cut"):
                getattr(found, name)[:, nodes] = getattr(of_mesh, name)[:, : len(nodes)]
        return found

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

    # Devices ------------------------------------------------------------------------------------------------------

    def _device_words(
        self, events: Events, place: Indices, first: Indices, offset: Indices, flags: Numbers | None
    ) -> tuple[Indices, Numbers, Numbers, Indices]:
        """Return the nodes of which devices or sensors reported, the likelihoods of that, and what devices said.

        Shapes (heard,), (heard, 4), (heard, 3) and (nodes,); after the nodes stand the branches that close rings. Flags that are
        given stand in place of what sensors reported.
        """
        rules, devices = self.rules, self.devices
        mine = np.flatnonzero(events.rows.device >= devices.branches_from)
        rows, of = Rows(events.rows.device[mine], events.rows.word[mine]), events.of[mine]
        branch = rows.device - devices.branches_from
        spot = self.tree.supply.place_to(branch)
        closes = self.tree.supply.branch_to[spot] != branch
        inside = (spot >= first[of]) & (spot < self.tree.last[events.piece][of])
        rows, of, branch, spot = Rows(rows.device[inside], rows.word[inside]), of[inside], branch[inside], spot[inside]
        node = spot - first[of] + offset[of]
        for row in np.flatnonzero(closes[inside]).tolist():
            number = int(np.flatnonzero(self.tree.supply.forest.back_branch == branch[row])[0])
            node[row] = np.flatnonzero(place == len(self.tree.supply.end) + number)[0]
        told, sensed = is_of(rows.kind, OFF, ON, RECLOSE), is_of(rows.kind, FLAG, NO_FLAG)
        given = np.arange(0 if flags is None else len(flags))
        at = np.unique(np.concatenate([node[told | sensed], given]))
        doing = np.zeros(len(place), dtype=np.int64)
        speaks, said = categories(node[told], rows.kind[told], rows.time[told])
        doing[speaks] = said
        loss = self.rates.loss[place[at]]
        words = word_likelihoods(doing[at], np.where(doing[at] > 0, np.minimum(loss, 0.5), loss), rules)
        seen = np.ones((len(at), 3))
        where = np.searchsorted(at, node[sensed])
        sees = np.zeros(len(at), dtype=np.bool_)
        sees[where[rows.kind[sensed] == FLAG]] = True
        miss, false = self._sensor_rates[branch[sensed]].T
        seen[where] = flag_likelihoods(sees[where], miss, false, rules.flag_kept)
        if flags is not None:
            seen[: len(flags)] = flags
        return at, words, seen, doing
