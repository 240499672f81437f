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
    Moment,
    Said,
    node_hears,
    of_calls,
    of_customers,
    of_terminals,
    own_outage,
    silence,
    together,
    transformer_speaks,
)
from repair.inference.states import STATES
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
    def _key(self) -> Indices:
        """Event and transformer in one number."""
        return self.event * self._many + self.transformer

    @cached_property
    def _order(self) -> Indices:
        return np.argsort(self._key, kind="stable")

    def _rows_of(self, event: Indices, transformer: Indices) -> tuple[Mask, Indices]:
        """Return which transformers of events are among these, and the row of each that is."""
        wanted = event * self._many + transformer
        at = np.searchsorted(self._key, wanted, sorter=self._order)
        there = (at < len(self._key)) & (transformer >= 0)
        there[there] = self._key[self._order[at[there]]] == wanted[there]
        return there, self._order[at[there]]

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
    def _age_h(self) -> Numbers:
        """Hours since each transformer reported off, or since the event began."""
        terminals = self.users.terminals
        since = self.moment.onset[self.event].copy()
        reported = terminals.last_off > -EVER
        since[self.users.at[reported]] = terminals.last_off[reported]
        return np.asarray(np.maximum(self.moment.at[self.event] - since, 0) / HOUR)

    @cached_property
    def _restored(self) -> Indices:
        """When something of each event came on last; ``-EVER`` where nothing did."""
        found = np.full(len(self.events.piece), -EVER)
        np.maximum.at(found, self.said.event, self.said.last_on)
        return found

    def heard(self) -> Heard:
        """Return what each transformer says of its node, for each way of reporting."""
        rules, users, count = self.rules, self.users, len(self.transformer)
        their, customers = users.their, users.customers
        known = np.isin(self._key, self.events.known)
        joint = together(users.terminals)
        went_together = np.zeros(count, dtype=np.bool_)
        went_together[users.at] = joint
        callers = np.bincount(their, customers.call > -EVER, count).astype(np.int64)
        connected = self.devices.network.customers_with_one_supply[self.transformer]
        calls, calls_of_some = of_calls(callers, connected, self.moment, self.event, rules)
        shared, off, off_with_others = of_customers(customers, self.moment, rules, self._restored)
        _, by_part, by_one = own_outage(rules)
        one = np.logaddexp(shared[:, 0], off + np.log(by_one))
        alone = sums_at(their, one, count)
        all_of_them = np.stack([sums_at(their, shared[:, state], count) for state in range(STATES)], axis=1)
        several = sums_at(their, off_with_others, count) + calls_of_some
        several = np.where(np.bincount(their, minlength=count) > 1, several, -np.inf)
        parts: list[tuple[Numbers, Numbers, Numbers]] = []
        for quality in rules.qualities:
            own = silence(self.moment, rules, quality, known, self.event)
            own[users.at] = of_terminals(
                users.terminals, self.moment, rules, quality, known[users.at], self._beside, joint
            )
            own[:, 1:] += calls[:, None]
            says = transformer_speaks(own, alone, all_of_them, several, rules)
            parts.append(node_hears(says, rules, went_together, self._age_h))
        as_part = several + np.log(by_part)
        shared_cause = np.exp(as_part - np.logaddexp(alone, as_part))
        by_itself = np.exp(off + np.log(by_one) - one)
        off_alone = shared_cause[their] + (1 - shared_cause[their]) * by_itself
        says_of, dead, gone = (list(column) for column in zip(*parts, strict=True))
        return Heard(users, says_of, dead, gone, off_alone, shared_cause)


def sums_at(row: Indices, amount: Numbers, rows: int) -> Numbers:
    """Return the sum of the amounts of each row, shape (rows,)."""
    sums: Numbers = np.bincount(row, weights=amount, minlength=rows).astype(np.float64)
    return sums
