"""What the signals of one incident say, as numbers on the network: flags, trips, and transformers that are dark or live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from network import Network, Supply
from network.arrays import Indices, Mask, Numbers
from repair.feeders import Feeders
from repair.settings import LocationSettings


@dataclass(frozen=True, eq=False)
class Sensors:
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
        """Return the sensors of the contract's table that sit on energised branches, source side first, all silent."""
        net = supply.network
        known = pl.DataFrame(schema={"branch_id": pl.String, "miss_rate": pl.Float64, "false_rate": pl.Float64})
        if table is not None:
            known = table.select(pl.col(name).cast(kind) for name, kind in known.schema.items())
        known = known.unique("branch_id", keep="first", maintain_order=True)
        known = known.filter(pl.col("branch_id").is_in(net.branches["branch_id"].implode()))
        branch = net.branch_index(known["branch_id"].to_list())
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
        flags = (
            signals.filter((pl.col("object") == "branch") & (pl.col("kind") == "fault_current"))
            .select("object_id", "time", value=pl.col("value").cast(pl.Float64).fill_null(1.0).sign())
            .sort("time", pl.col("value").abs(), "value")
            .group_by("object_id")
            .last()
            .sort("object_id")
        )
        branch, known = _known_branches(supply.network, flags["object_id"])
        value = flags["value"].to_numpy()[known]
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


@dataclass(frozen=True, eq=False)
class Witnesses:
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
    def of(cls, net: Network, signals: pl.DataFrame, rules: LocationSettings) -> Witnesses:
        """Gather what terminals, meters and callers say about each transformer; each transformer is one witness.

        A transformer is dark when its terminal says so, or when at least three and half of its reporting meters do and none is
        live (field reference 6.3, rule 4); it is live when its terminal or a meter answers a reading and nobody there is
        dark; calls alone speak more softly. One of which both is said is not heard.
        """
        spoken = signals.filter(
            pl.col("object").is_in(["transformer", "customer"]) & pl.col("kind").is_in(["off", "on", "read", "call"])
        )
        if spoken.is_empty():
            return cls(np.zeros(0, dtype=np.int64), np.zeros(0), ())
        of_object = pl.concat(
            [
                net.transformers.select(object=pl.lit("transformer"), object_id="transformer_id", of="transformer_id"),
                net.customers.select(object=pl.lit("customer"), object_id="customer_id", of="transformer_id"),
            ]
        )
        said = (
            spoken.join(of_object, on=["object", "object_id"], how="inner")
            .group_by("object", "object_id", "of")
            .agg(
                off=(pl.col("kind") == "off").any(),
                live=((pl.col("kind") == "read") & (pl.col("value").fill_null(1.0) != 0)).any(),
                on=(pl.col("kind") == "on").any(),
                call=(pl.col("kind") == "call").any(),
            )
            .with_columns(live=pl.col("live") | (pl.col("on") & ~pl.col("off")))
        )
        meter = pl.col("object") == "customer"
        per_transformer = said.group_by("of").agg(
            terminal_off=(~meter & pl.col("off")).any(),
            dark_meters=(meter & pl.col("off")).sum(),
            live=pl.col("live").any(),
            call=pl.col("call").any(),
            meters=(meter & (pl.col("off") | pl.col("live"))).sum(),
        )
        enough = (pl.col("dark_meters") >= 3) & (pl.col("dark_meters") * 2 >= pl.col("meters"))
        dark = pl.col("terminal_off") | enough
        decided = per_transformer.select(
            "of",
            kind=pl.when(dark & ~pl.col("live"))
            .then(pl.lit("off"))
            .when(pl.col("live") & ~dark & (pl.col("dark_meters") == 0))
            .then(pl.lit("read"))
            .when(pl.col("call") & ~pl.col("live"))
            .then(pl.lit("call")),
        ).drop_nulls()
        transformer = net.transformer_index(decided["of"].to_list())
        order = np.argsort(transformer)
        kinds = decided["kind"].to_list()
        weight = {
            "off": np.log((1 - rules.dark_miss_rate) / rules.dark_false_rate),
            "read": np.log(rules.dark_miss_rate / (1 - rules.dark_false_rate)),
            "call": np.log((1 - rules.call_miss_rate) / rules.call_false_rate),
        }
        kind = tuple(kinds[i] for i in order)
        return cls(transformer[order], np.array([weight[each] for each in kind]), kind)

    def on(self, feeders: Feeders) -> Witnesses:
        """Return the witnesses that hang on some feeders."""
        here = feeders.place(feeders.supply.transformer_place[self.transformer]) >= 0
        kind = tuple(each for each, keep in zip(self.kind, here, strict=True) if keep)
        return Witnesses(self.transformer[here], self.weight[here], kind)


def tripped_branches(net: Network, signals: pl.DataFrame) -> Indices:
    """Return the known branches that tripped, whether they reclosed or not, in rising order."""
    trips = signals.filter((pl.col("object") == "branch") & (pl.col("kind") == "trip"))["object_id"]
    branch, _ = _known_branches(net, trips.unique())
    return np.sort(branch)


def lower_place(supply: Supply, branches: Indices) -> Indices:
    """Return the place of the lower end of each branch, -1 where it is open or dead."""
    net = supply.network
    ends = supply.place_of[np.stack([net.from_node[branches], net.to_node[branches]])]
    return np.where((ends.min(axis=0) >= 0) & ~supply.is_open[branches], ends.max(axis=0), -1)


def _known_branches(net: Network, ids: Iterable[str]) -> tuple[Indices, Indices]:
    """Return the indices of the branches that are known, and which of ``ids`` they are."""
    names = list(ids)
    known = pl.Series(names, dtype=pl.String).is_in(net.branches["branch_id"].implode())
    which = np.flatnonzero(known.to_numpy()) if names else np.zeros(0, dtype=np.int64)
    return net.branch_index([names[i] for i in which]), which
