"""What the signals of one incident say, as numbers on the network: flags, trips, and transformers that are dark or live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from network import Supply, Topology
from network.arrays import Indices, Mask, Numbers
from network.representation import Shown
from repair.location.feeders import Feeders
from repair.settings import LocationSettings

METERS, METER_SHARE = 3, 0.5
"""Dark meters that speak for their transformer: so many at least, and this share of those that report."""

_WORDS = {"off": 1, "on": 2, "read": 4, "call": 8}
_OF_TERMINAL = 16
"""What a device said, as the sum of its words; a terminal is told from a meter by one more."""


@dataclass(frozen=True, eq=False, repr=False)
class Sensors(Shown):
    """The fault sensors of a network, and what each reports.

    Attributes:
        branch: the branch of each, shape (sensors,).
        place: the place of its lower end, of the supply or, after :meth:`on`, of some feeders; shape (sensors,).
        miss, false: how often each fails to report a fault beyond it, and reports one that is not, shape (sensors,).
        report: 1 seen, 0 looked and not seen, -1 seen against the branch's direction, not a number: nothing heard.
    """

    branch: Indices
    place: Indices
    miss: Numbers
    false: Numbers
    report: Numbers

    @classmethod
    def of(cls, supply: Supply, table: pl.DataFrame | None, rules: LocationSettings) -> Sensors:
        """Return the sensors of the table that sit on energised branches, source side first, all silent."""
        net = supply.network
        known = pl.DataFrame(schema={"branch_id": pl.String, "miss_rate": pl.Float64, "false_rate": pl.Float64})
        if table is not None:
            known = table.select(pl.col(name).cast(kind) for name, kind in known.schema.items())
        known = known.unique("branch_id", keep="first", maintain_order=True)
        branch, which = net.known_branches(known["branch_id"])
        known = known[which]
        miss, false = (
            known[name].fill_null(default).clip(1e-6, 1 - 1e-6).to_numpy()
            for name, default in (("miss_rate", rules.miss_rate), ("false_rate", rules.false_rate))
        )
        return cls._sorted(supply, branch, miss, false, np.full(len(branch), np.nan))

    @classmethod
    def _sorted(cls, supply: Supply, branch: Indices, miss: Numbers, false: Numbers, report: Numbers) -> Sensors:
        place = lower_place(supply, branch)
        live = np.flatnonzero(place >= 0)
        order = live[np.argsort(place[live], kind="stable")]
        return cls(branch[order], place[order], miss[order], false[order], report[order])

    def hearing(self, supply: Supply, signals: pl.DataFrame, rules: LocationSettings) -> Sensors:
        """Return the sensors with their latest flags; a branch that reports without being known as a sensor becomes one."""
        last: dict[str, tuple[Any, float, float]] = {}
        told = signals.filter((pl.col("object") == "branch") & (pl.col("kind") == "fault_current"))
        for name, moment, value in told.select("object_id", "time", "value").iter_rows():
            sign = 1.0 if value is None else float(np.sign(value))
            last[name] = max(last.get(name, (moment, -1.0, sign)), (moment, abs(sign), sign))
        branch, known = supply.network.known_branches(last)
        value = np.array([sign for _, _, sign in last.values()], dtype=np.float64)[known]
        at = np.full(supply.network.branches.height, -1, dtype=np.int64)
        at[self.branch] = np.arange(len(self.branch))
        new = at[branch] < 0
        joined = Sensors._sorted(
            supply,
            np.concatenate([self.branch, branch[new]]),
            np.concatenate([self.miss, np.full(new.sum(), rules.miss_rate)]),
            np.concatenate([self.false, np.full(new.sum(), rules.false_rate)]),
            np.full(len(self.branch) + new.sum(), np.nan),
        )
        at[joined.branch] = np.arange(len(joined.branch))
        live = at[branch] >= 0
        joined.report[at[branch[live]]] = value[live]
        return joined

    def on(self, feeders: Feeders) -> Sensors:
        """Return the sensors of some feeders, with their places there."""
        place = feeders.place(self.place)
        here = place >= 0
        return Sensors(self.branch[here], place[here], self.miss[here], self.false[here], self.report[here])

    @property
    def heard(self) -> Mask:
        """Whether anything was heard of each sensor."""
        return ~np.isnan(self.report)


@dataclass(frozen=True, eq=False, repr=False)
class Witnesses(Shown):
    """Transformers of which something was heard.

    Attributes:
        transformer: index of each, in rising order, shape (witnesses,).
        weight: log P(heard | dead) - log P(heard | live), shape (witnesses,).
        kind: signal kind that decided, per witness: ``off``, ``read`` or ``call``.
    """

    transformer: Indices
    weight: Numbers
    kind: tuple[str, ...]

    @classmethod
    def of(cls, net: Topology, signals: pl.DataFrame, rules: LocationSettings) -> Witnesses:
        """Gather what terminals, meters and callers say about each transformer; each transformer is one witness.

        A transformer is dark when its terminal says so, or when enough of its reporting meters do (settings under
        ``[inference]``) and none is live; it is live when its terminal or a meter answers a
        reading and nobody there is dark; calls alone speak more softly. One of which both is said is not heard.
        """
        spoken = signals.filter(
            pl.col("object").is_in(["transformer", "customer"]) & pl.col("kind").is_in(["off", "on", "read", "call"])
        )
        words_of: dict[str, dict[str, int]] = {"transformer": {}, "customer": {}}
        for kind, name, word, value in spoken.select("object", "object_id", "kind", "value").iter_rows():
            if word != "read" or value != 0:
                of_kind = words_of[kind]
                of_kind[name] = of_kind.get(name, 0) | _WORDS[word]
        index, which = net.known_transformers(words_of["transformer"])
        said = _by_transformer(index, which, words_of["transformer"], _OF_TERMINAL)
        index, which = net.known_customers(words_of["customer"])
        for at, meters in _by_transformer(net.customer_transformer[index], which, words_of["customer"], 0).items():
            said[at] = said.get(at, ()) + meters
        meaning = {heard: _decide(heard) for heard in set(said.values())}
        decided = {at: meaning[heard] for at, heard in sorted(said.items()) if at >= 0}
        weight = {
            "off": np.log((1 - rules.dark_miss_rate) / rules.dark_false_rate),
            "read": np.log(rules.dark_miss_rate / (1 - rules.dark_false_rate)),
            "call": np.log((1 - rules.call_miss_rate) / rules.call_false_rate),
        }
        kinds = tuple(word for word in decided.values() if word)
        transformer = np.array([at for at, word in decided.items() if word], dtype=np.int64)
        return cls(transformer, np.array([weight[word] for word in kinds], dtype=np.float64), kinds)

    def on(self, feeders: Feeders) -> Witnesses:
        """Return the witnesses that hang on some feeders."""
        here = feeders.place(feeders.supply.transformer_place[self.transformer]) >= 0
        kind = tuple(each for each, keep in zip(self.kind, here, strict=True) if keep)
        return Witnesses(self.transformer[here], self.weight[here], kind)


def _by_transformer(
    transformer: Indices, which: Indices, words: dict[str, int], of_terminal: int
) -> dict[int, tuple[int, ...]]:
    """Return what the terminals or the meters of each transformer said."""
    spoken = list(words.values())
    found: dict[int, tuple[int, ...]] = {}
    for at, place in zip(transformer.tolist(), which.tolist(), strict=True):
        found[at] = (*found.get(at, ()), spoken[place] | of_terminal)
    return found


def _decide(heard: tuple[int, ...]) -> str | None:
    """Return what the terminal and the meters of one transformer say together: ``off``, ``read``, ``call`` or nothing."""
    off, on, read, call = (_WORDS[word] for word in ("off", "on", "read", "call"))
    live = [bool(words & read) or words & (on | off) == on for words in heard]
    terminal = any(words & _OF_TERMINAL and words & off for words in heard)
    dark = sum(not words & _OF_TERMINAL and bool(words & off) for words in heard)
    reporting = sum(
        not words & _OF_TERMINAL and (bool(words & off) or alive) for words, alive in zip(heard, live, strict=True)
    )
    if terminal or dark >= max(METERS, METER_SHARE * reporting):
        return None if any(live) else "off"
    if any(live):
        return None if dark else "read"
    return "call" if any(words & call for words in heard) else None


def tripped_branches(net: Topology, signals: pl.DataFrame) -> Indices:
    """Return the known branches that tripped, whether they reclosed or not, in rising order."""
    trips = signals.filter((pl.col("object") == "branch") & (pl.col("kind") == "trip"))["object_id"]
    return np.sort(net.known_branches(dict.fromkeys(trips))[0])


def lower_place(supply: Supply, branches: Indices) -> Indices:
    """Return the place of the lower end of each branch, -1 where it is open or dead."""
    net = supply.network
    ends = supply.place_of[np.stack([net.from_node[branches], net.to_node[branches]])]
    return np.where((ends.min(axis=0) >= 0) & ~supply.is_open[branches], ends.max(axis=0), -1)
