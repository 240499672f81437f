"""What is to be expected of a supply before anything is heard: faults, what devices do about them, and what feeds what again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from network import Supply
from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.inference.device_words import word_likelihoods
from repair.settings import InferenceSettings

HOURS_PER_YEAR = 8760.0

LEAST = 1e-12
"""Nothing that strong words speak for is impossible."""


@dataclass(frozen=True, eq=False, repr=False)
class Rates(Shown):
    """Chances by place of a supply; the branch of a place is the one that leads to it.

    After all places stand the branches that close a ring, in the order of ``supply.forest.back_branch``.

    Attributes:
        supply: supply before the outages.
        rules: rates of the settings.
    """

    supply: Supply
    rules: InferenceSettings

    def _at_place(self, of_branch: Numbers | Mask, default: float) -> Numbers:
        values = np.append(np.asarray(of_branch, dtype=np.float64), default)
        return np.asarray(values[self.branch])

    @cached_property
    def branch(self) -> Indices:
        """The branch that leads to each place, then those that close a ring; -1 where there is none; shape (places + rings,)."""
        return np.concatenate([self.supply.branch_to, self.supply.forest.back_branch])

    def _is(self, *kinds: str) -> Mask:
        of_branch = self.supply.network.branches["kind"].is_in(list(kinds)).fill_null(value=False).to_numpy()
        return self._at_place(of_branch, 0.0) > 0

    @cached_property
    def cuts(self) -> Mask:
        """Whether a branch leads to each place: it cuts it off, on a closed ring with another one; shape (places,)."""
        return self.branch >= 0

    @cached_property
    def clears(self) -> Mask:
        """Whether a protective device stands at the upper end of each place's branch, shape (places,)."""
        return self._is("breaker", "recloser", "fuse") & self.cuts

    @cached_property
    def recloses(self) -> Mask:
        """Whether that device closes again by itself, shape (places,)."""
        return self._is("breaker", "recloser") & self.cuts

    @cached_property
    def switches(self) -> Mask:
        """Whether a device of any kind stands there that can be opened, shape (places,)."""
        return self._at_place(self.supply.network.switching, 0.0) > 0

    @cached_property
    def fault(self) -> Numbers:
        """Probability of a fault on the branch of each place within the hours of one event, shape (places,)."""
        rules, table = self.rules, self.supply.network.branches
        rate = pl.col("failures_per_km_yr").fill_null(rules.failures_per_km_yr)
        is_device = ~pl.col("kind").is_in(["line", "cable", "bus"]).fill_null(value=True)
        known = table.select(yearly=pl.col("length_km") * rate, device=is_device)
        lines = known.filter(~pl.col("device"))["yearly"].drop_nulls()
        typical = float(lines.mean() or 0.0) if len(lines) else 0.0  # type: ignore[arg-type]
        typical = typical if typical > 0 else rules.line_failures_yr
        device = pl.max_horizontal(pl.col("yearly").fill_null(0.0), pl.lit(rules.device_failures_yr))
        yearly = known.select(pl.when("device").then(device).otherwise(pl.col("yearly").fill_null(typical)))
        of_branch = yearly.to_series().to_numpy() * rules.event_h / HOURS_PER_YEAR
        return np.clip(self._at_place(of_branch, 0.0), LEAST, 0.5)

    @cached_property
    def has_tie(self) -> Mask:
        """Whether an open branch below each place leads to a node that has supply, shape (places,)."""
        supply = self.supply
        net = supply.network
        ends = supply.place_of[np.stack([net.from_node, net.to_node])]
        ties = ends[:, supply.is_open & (ends >= 0).all(axis=0)]
        count = np.bincount(ties.ravel(), minlength=len(supply.end))
        rings = np.zeros(len(self.branch) - len(count), dtype=np.bool_)
        return np.append(supply.sum_below(count) > 0, rings)

    @cached_property
    def refed(self) -> Numbers:
        """Probability that what lies below a place is fed another way while above it is dead, by fault current; (places, 3).

        It takes a device that parts it from the fault, and a tie; else a generator set.
        """
        without = np.where(self.switches & self.has_tie, self.rules.transferred, self.rules.generator_set)
        return np.stack([without, *[np.where(self.cuts, without * 1e-2, LEAST)] * 2], axis=1)

    @cached_property
    def left(self) -> Numbers:
        """Probability that what lies below a place stays dead when supply above it is back, by fault current; (places, 3)."""
        with_fault = np.where(self.switches, self.rules.left_dead, self.rules.left_dead * 1e-1)
        by_current = np.stack([with_fault * 1e-3, with_fault, with_fault], axis=1)
        return np.where(self.cuts[:, None], by_current, LEAST)

    @cached_property
    def _repair_h(self) -> Numbers:
        """Hours that the repair of the branch of each place takes on average, shape (places,)."""
        given = self.supply.network.branches["repair_h"].cast(pl.Float64).fill_null(self.rules.repair_h)
        return np.maximum(self._at_place(given.to_numpy(), self.rules.repair_h), 1e-3)

    @cached_property
    def _parted(self) -> Numbers:
        """Probability that the line to each place parted, shape (places,)."""
        return np.where(self.cuts, self.rules.parted_share * self.fault, 0.0)

    @cached_property
    def loss(self) -> Numbers:
        """How probable it is that the device of each place says nothing of what it did, shape (places,)."""
        loss = np.where(self.recloses, self.rules.trip_loss, self.rules.fuse_trip_loss)
        return np.where(self.clears, loss, np.where(self.switches, 0.5, 1.0))

    @cached_property
    def _kinds(self) -> tuple[Indices, Numbers]:
        """Of each place the kind of its device, and what a device of each kind does of which nothing was heard, (kinds, 5, 3)."""
        kind = self.cuts + 2 * self.clears + 4 * self.recloses + 8 * self.switches
        _, place, number = np.unique(kind, return_index=True, return_inverse=True)
        words = word_likelihoods(np.zeros(len(place), dtype=np.int64), self.loss[place], self.rules)
        never = np.zeros(len(place), dtype=np.bool_)
        parts = []
        for back in (0.0, 1.0):
            share = np.full(len(place), back)
            parts.append(self._doings(words, place, never, np.zeros(len(place)), share))
        by_kind = parts[0] + parts[1]
        by_kind[:, :, 0] = parts[0][:, :, 0]
        still, _, is_open, again = words.T
        parting = np.stack([-still, is_open, again], axis=1)
        return number.astype(np.int64), np.concatenate([by_kind, parting[:, None]], axis=1)

    def of_unheard(self, place: Indices, event: Indices, age_h: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Return what devices of which nothing was heard may have done, and how nodes change along their branches.

        Args:
            place: place of each node, shape (nodes,).
            event: event of each, shape (nodes,).
            age_h: hours since each event began, shape (events,).

        Returns:
            What each may have done, shape (nodes, 4, 3); what is fed again and what is left dead, shape (nodes, 2, 3); and how
            probable it is that a fault there is repaired by now, shape (nodes,).
        """
        from repair.inference.unheard_devices import fill_unheard

        done, moves, repaired = np.empty((len(place), 4, 3)), np.empty((len(place), 2, 3)), np.empty(len(place))
        fill_unheard(
            place, event, age_h, *self._kinds, self._parted, self.refed, self.left, self._repair_h,
            np.array([LEAST, self.rules.closed_again]), done, moves, repaired,
        )  # fmt: skip
        return done, moves, repaired

    def of_heard(
        self, device_words: Numbers, flags: Numbers, place: Indices, tripped: Mask, repaired: Numbers
    ) -> Numbers:
        """Return what devices of which something was heard may have done, times the likelihood of what they reported.

        Args:
            device_words: likelihood of its words if it did nothing, reclosed by itself, is open, or was open and
                is closed again; shape (branches, 4).
            flags: likelihood of what its sensor reported, by fault current, shape (branches, 3).
            place: place of each, shape (branches,).
            tripped: whether each reported a trip: so it clears faults, whatever its kind; shape (branches,).
            repaired: how probable a repair by now is: then what nobody called open is closed again; shape (branches,).

        Returns:
            Shape (branches, 4, 3), see :class:`repair.inference.posterior.Evidence`.
        """
        closed_again = self.rules.closed_again
        back = np.where(tripped, closed_again, np.maximum(repaired, closed_again))
        done = self._doings(device_words, place, tripped, self._parted[place], back)
        done[:, 0] *= flags[:, :1]
        done[:, 1] *= flags[:, 1:2]
        done[:, 2:] *= flags[:, 2:, None]
        return done

    def _doings(self, words: Numbers, place: Indices, tripped: Mask, parted: Numbers, back: Numbers) -> Numbers:
        """Return what some devices may have done, times the likelihood of their words, where what opened is back or not."""
        rules = self.rules
        still, itself, is_open, again = words.T
        cuts, clears, recloses = self.cuts[place], self.clears[place] | tripped, self.recloses[place]
        now = 1 - back
        by_hand = np.where(cuts & self.switches[place], rules.opened_otherwise, 0.0)
        by_hand = np.where(cuts, by_hand + LEAST, 0.0)
        alone = by_hand + parted
        over = np.where(recloses, rules.overreach_rate, np.where(clears, rules.overreach_rate * 0.1, 0.0))
        saved = np.where(recloses, rules.fuse_saving, 0.0)
        temporary = np.where(recloses, rules.temporary, 0.0)
        failed = np.where(clears, rules.not_cleared, 1.0)
        done = np.zeros((len(place), 4, 3))
        done[:, 0, 0] = (1 - alone) * still
        done[:, 0, 1], done[:, 0, 2] = alone * now * is_open, alone * back * again
        acts = over + by_hand
        done[:, 1, 0] = (1 - acts) * ((1 - saved) * still + saved * itself)
        done[:, 1, 1], done[:, 1, 2] = acts * now * is_open, acts * back * again
        done[:, 2, 0] = (1 - failed) * temporary * itself
        clearing = (1 - failed) * (1 - temporary)
        done[:, 2, 1], done[:, 2, 2] = clearing * now * is_open, clearing * back * again
        done[:, 3, 0] = failed * (1 - by_hand) * still
        done[:, 3, 1], done[:, 3, 2] = failed * by_hand * now * is_open, failed * by_hand * back * again
        return done
