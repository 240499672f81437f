"""Who spoke of the users of some events, and what each transformer says of its node (field reference 6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.devices import EVER, Devices
from repair.inference.events import Events
from repair.inference.reports import (
    HOUR,
    IMPOSSIBLE,
    Moment,
    Said,
    call_of_somebody,
    node_hears,
    of_calls,
    of_customers,
    of_readings,
    of_terminals,
    own_outage,
    silence,
    together,
    transformer_speaks,
)
from repair.inference.states import BACK_UNHEARD, STATES, UNHEARD
from repair.inference.words import OFF, Rows
from repair.settings import InferenceSettings

MANY = 4
"""Where so many speak of an outage, or a device tripped, one of them may stand in the wrong place."""


@dataclass(frozen=True, eq=False, repr=False)
class Users(Shown):
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


@dataclass(frozen=True, eq=False, repr=False)
class Heard(Shown):
    """What users say of their nodes; transformers of which the same was heard, and not heard, share a row.

    Attributes:
        users: who spoke.
        row: row of each transformer, shape (transformers,).
        says: what those of each row say, by state of their node, shape (ways, rows, 5).
        dead, gone: how probable they are dead, and back after an outage, by state of their node, shape (ways, rows, 5).
        alone: if its transformer is live, how probable each customer that spoke is off, shape (customers,).
        together: if it is live, how probable those of each transformer are off together, shape (transformers,).
    """

    users: Users
    row: Indices
    says: Numbers
    dead: Numbers
    gone: Numbers
    alone: Numbers
    together: Numbers


@dataclass(frozen=True, eq=False, repr=False)
class Hearing(Shown):
    """The users of some events, and all that was heard of them.

    Attributes:
        devices: numbers of devices.
        rules: rates.
        events: what was heard.
        moment: when the events are asked about.
        transformer: index of each transformer, shape (transformers,).
        event: event of each, shape (transformers,).
    """

    devices: Devices
    rules: InferenceSettings
    events: Events
    moment: Moment
    transformer: Indices
    event: Indices

    @property
    def _many(self) -> int:
        return self.devices.branches_from + self.devices.network.branches.height

    @cached_property
    def _row_of(self) -> Indices:
        """Row of each transformer of the network; for those that are of no event any number at all, which tells of itself."""
        found: Indices = np.empty(self.devices.customers_from + 1, dtype=np.int64)
        found[self.transformer] = np.arange(len(self.transformer))
        return found

    def _rows_of(self, event: Indices, transformer: Indices) -> tuple[Mask, Indices]:
        """Return which transformers of events are among these, and the row of each that is; each is of one event at most."""
        there = transformer >= 0
        row = self._row_of[transformer]
        there &= (row >= 0) & (row < len(self.transformer))
        there[there] = self.transformer[row[there]] == transformer[there]
        there[there] = self.event[row[there]] == event[there]
        return there, row[there]

    @cached_property
    def said(self) -> Said:
        """The words of all users."""
        rows = self.events.rows
        mine = rows.device < self.devices.branches_from
        return Said.of(self.events.of[mine], Rows(rows.device[mine], rows.word[mine]))

    @cached_property
    def users(self) -> Users:
        """Who spoke."""
        devices = self.devices
        is_terminal = self.said.device < devices.customers_from
        terminals, customers = self.said.at(is_terminal), self.said.at(~is_terminal)
        there, at = self._rows_of(terminals.event, terminals.device)
        of = devices.meter_transformer[customers.device - devices.customers_from]
        known, their = self._rows_of(customers.event, of)
        return Users(terminals.at(there), at, customers.at(known), their)

    @cached_property
    def _beside(self) -> Mask:
        """Whether many others speak of an outage beside each terminal."""
        events, devices = self.events, self.devices
        count = len(events.piece)
        voices = np.bincount(self.said.event, self.said.first < EVER, count)
        trips = (events.rows.device >= devices.branches_from) & (events.rows.kind == OFF)
        return np.asarray((voices + MANY * np.bincount(events.of, trips, count))[self.users.terminals.event] >= MANY)

    @cached_property
    def _rows(self) -> tuple[Indices, Indices, Mask]:
        """The transformers that stand for all alike, one for each row; the row of each; and whether that was heard before.

        Whoever spoke has a row alone; of the others, event, number of customers and having been heard from before tell all.
        """
        users, count = self.users, len(self.transformer)
        spoke = np.zeros(count, dtype=np.bool_)
        spoke[users.at] = spoke[users.their] = True
        known = np.zeros(count, dtype=np.bool_)
        if len(self.events.known):
            event, device = np.divmod(self.events.known, self._many)
            _, at = self._rows_of(event, device)
            known[at] = True
        speaking, quiet = np.flatnonzero(spoke), np.flatnonzero(~spoke)
        customers = self._connected[quiet]
        key = (self.event[quiet] * 2 + known[quiet]) * 2 + self._passed_on[quiet]
        key = key * (customers.max(initial=0) + 1) + customers
        first, number = firsts(key)
        row = np.empty(count, dtype=np.int64)
        row[speaking], row[quiet] = np.arange(len(speaking)), len(speaking) + number
        shown = np.concatenate([speaking, quiet[first]])
        return shown, row, known[shown]

    @cached_property
    def _passed_on(self) -> Mask:
        """Whether the concentrator of each transformer passed on a word since the event began: its channel is not down."""
        named = self.devices.concentrator
        if not (named >= 0).any():
            return np.zeros(len(self.transformer), dtype=np.bool_)
        users = self.users
        own, meters = (
            (said.last_off > -EVER) | (said.last_on > -EVER) | (said.answered > -EVER)
            for said in (users.terminals, users.customers)
        )
        at = np.concatenate([users.at[own], users.their[meters]])
        group = self.event * (named.max() + 1) + named[self.transformer]
        return np.isin(group, group[at]) & (named[self.transformer] >= 0)

    @cached_property
    def _connected(self) -> Indices:
        """Customers of each transformer, shape (transformers,)."""
        return self.devices.network.customers_with_one_supply[self.transformer]

    @cached_property
    def _restored(self) -> Indices:
        """When something of each event came on last; ``-EVER`` where nothing did."""
        found = np.full(len(self.events.piece), -EVER)
        np.maximum.at(found, self.said.event, self.said.last_on)
        return found

    def _age_h(self, event: Indices, at: Indices) -> Numbers:
        """Return the hours since each row reported off, or since its event began."""
        terminals = self.users.terminals
        since = self.moment.onset[event]
        reported = terminals.last_off > -EVER
        since[at[reported]] = terminals.last_off[reported]
        return np.asarray(np.maximum(self.moment.at[event] - since, 0) / HOUR)

    def heard(self) -> Heard:
        """Return what each transformer says of its node, for each way of reporting."""
        rules, users = self.rules, self.users
        shown, row, known = self._rows
        event, count, at, their = self.event[shown], len(shown), row[users.at], row[users.their]
        customers = users.customers
        joint = together(users.terminals)
        went_together = np.zeros(count, dtype=np.bool_)
        went_together[at] = joint
        booked = at[users.terminals.call > -EVER]
        callers = np.bincount(their, customers.call > -EVER, count).astype(np.int64)
        callers += np.bincount(booked, minlength=count)
        calls, calls_of_some = of_calls(callers, self._connected[shown], self.moment, event, rules)
        shared, off, off_with_others = of_customers(customers, self.moment, rules, self._restored)
        _, by_part, by_one = own_outage(rules)
        one = np.logaddexp(shared[:, 0], off + np.log(by_one))
        alone = sums_at(their, one, count)
        alone[booked] += call_of_somebody(self._connected[shown[booked]], self.moment, event[booked], rules)
        all_of_them = np.stack([sums_at(their, shared[:, state], count) for state in range(STATES)], axis=1)
        several = sums_at(their, off_with_others, count) + calls_of_some
        several = np.where(np.bincount(their, minlength=count) > 1, several, -np.inf)
        parts: list[tuple[Numbers, Numbers, Numbers]] = []
        age_h, readings = self._age_h(event, at), of_readings(users.terminals, self.moment, rules)
        spoke = (users.terminals.last_off > -EVER) | (users.terminals.last_on > -EVER)
        passed_on = self._passed_on[shown]
        passed_on[at[spoke]] = False
        channel_up = np.flatnonzero(passed_on)
        for quality in rules.qualities:
            own = silence(self.moment, rules, quality, known, event)
            own[at] = (
                of_terminals(users.terminals, self.moment, rules, quality, known[at], self._beside, joint) + readings
            )
            for state in (UNHEARD, BACK_UNHEARD):
                own[channel_up, state] += np.log(IMPOSSIBLE)
            own[:, 1:] += calls[:, None]
            says = transformer_speaks(own, alone, all_of_them, several, rules)
            parts.append(node_hears(says, rules, went_together, age_h))
        as_part = several + np.log(by_part)
        shared_cause = np.exp(as_part - np.logaddexp(alone, as_part))
        by_itself = np.exp(off + np.log(by_one) - one)
        off_alone = shared_cause[their] + (1 - shared_cause[their]) * by_itself
        says, dead, gone = (np.stack(column) for column in zip(*parts, strict=True))
        return Heard(users, row, says, dead, gone, off_alone, shared_cause[row])


def firsts(key: Indices) -> tuple[Indices, Indices]:
    """Return where each key stands first, by rising key, and the number of each key among these; keys are none below zero."""
    if key.max(initial=0) > 8 * len(key) + 1024:
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        return first, number
    at = np.full(int(key.max(initial=0)) + 1, -1, dtype=np.int64)
    at[key[::-1]] = np.arange(len(key))[::-1]
    there = at >= 0
    return at[there], (np.cumsum(there) - 1)[key]


def sums_at(row: Indices, amount: Numbers, rows: int) -> Numbers:
    """Return the sum of the amounts of each row, shape (rows,)."""
    sums: Numbers = np.bincount(row, weights=amount, minlength=rows).astype(np.float64)
    return sums
