"""What a record names, as the supplies of transformers that hang on it in one state of the switches.

A supply is a number: twice the row of its transformer, and one more for the second supply of a transformer that has two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from network import Network, Supply
from network.arrays import NONE, Indices

Change = frozenset[tuple[int, bool]]
"""Branches (by index) that are open or closed unlike in the normal state."""

NORMAL: Change = frozenset()

_NAMES = ("branch_id", "feeder_id", "transformer_id")


@dataclass(frozen=True, eq=False)
class NamedParts:
    """The supplies below branches, and of feeders and transformers, in any state of the switches."""

    net: Network
    _states: dict[Change, Supply] = field(default_factory=dict)
    _found: dict[tuple[str, Change], Indices] = field(default_factory=dict)

    @cached_property
    def normal(self) -> Supply:
        """The supply in the normal state."""
        return self.net.energise()

    def state(self, change: Change) -> Supply:
        """Return the supply of a state; only the feeders that are switched are energised anew."""
        if not change:
            return self.normal
        if change not in self._states:
            ids = self.net.branches["branch_id"]
            opened = [ids[branch] for branch, is_open in sorted(change) if is_open]
            closed = [ids[branch] for branch, is_open in sorted(change) if not is_open]
            self._states[change] = self.normal.switched(open=opened, close=closed)
        return self._states[change]

    def below(self, branch_id: str, change: Change = NORMAL) -> Indices:
        """Return the supplies that are lost when one branch alone opens, in rising order."""
        return self._lost((branch_id,), change)

    def of_feeder(self, feeder_id: str, change: Change = NORMAL) -> Indices:
        """Return the supplies of a feeder, in rising order.

        In the normal state the label of a transformer decides, else the trace. In another state those that were switched over
        to the feeder join it, and those that were switched away from it leave it.
        """
        labelled = self._labelled.get(feeder_id, NONE)
        heads = self._heads.get(feeder_id, ())
        if not change or not heads:
            return labelled
        usual, now = self._lost(heads, NORMAL), self._lost(heads, change)
        stay = np.setdiff1d(labelled, np.setdiff1d(usual, now))
        return np.union1d(stay, np.setdiff1d(now, usual))

    def heads(self, feeder_id: str) -> tuple[str, ...]:
        """Return the branches by which a feeder leaves its sources in the normal state."""
        return self._heads.get(feeder_id, ())

    def _lost(self, branch_ids: tuple[str, ...], change: Change) -> Indices:
        key = "\n".join(branch_ids), change
        if key not in self._found:
            before = self.state(change)
            nodes = before.nodes_lost_in(before.switched(open=branch_ids))
            self._found[key] = self._at(nodes)
        return self._found[key]

    def _at(self, nodes: Indices) -> Indices:
        """Return the supplies at some nodes."""
        net = self.net
        rows = net.transformers_at_node.of_keys(nodes)
        parts = (
            rows[np.isin(ends[rows], nodes)] * 2 + which
            for which, ends in enumerate((net.transformer_node, net.transformer_second_node))
        )
        return np.sort(np.concatenate(list(parts)))

    @cached_property
    def table(self) -> pl.DataFrame:
        """Every supply by its place in the normal state: ``supply``, ``transformer_id``, ``place``, ``feeder_id``."""
        net, place_of = self.net, self.normal.place_of
        ids, second = net.transformers["transformer_id"], net.transformer_second_node
        traced = pl.concat([self.normal.node_feeder, pl.Series([None], dtype=pl.String)])
        rows = np.arange(len(ids), dtype=np.int64) * 2
        one = pl.DataFrame(
            {
                "supply": rows,
                "transformer_id": ids,
                "place": place_of[net.transformer_node],
                "feeder_id": net.transformer_feeder,
            }
        )
        other = pl.DataFrame(
            {
                "supply": rows + 1,
                "transformer_id": ids,
                "place": place_of[second],
                "feeder_id": traced.gather(second),
            }
        )
        return pl.concat([one, other.filter(pl.Series(second >= 0))]).sort("place", maintain_order=True)

    @cached_property
    def _labelled(self) -> dict[str, Indices]:
        groups = self.table.drop_nulls("feeder_id").sort("supply").group_by("feeder_id").agg("supply")
        return {feeder: np.array(supplies, dtype=np.int64) for feeder, supplies in groups.iter_rows()}

    @cached_property
    def _heads(self) -> dict[str, tuple[str, ...]]:
        """The heads of each feeder: a head belongs to the feeder of most transformers below it."""
        supply, net = self.normal, self.net
        places = supply.place_of[net.transformer_node]
        live = places >= 0
        head = supply.branch_to[supply.head_above[np.where(live, places, 0)]]
        members: dict[int, Counter[str]] = {}
        for branch, feeder in zip(np.where(live, head, -1).tolist(), net.transformer_feeder.to_list(), strict=True):
            if branch >= 0 and feeder is not None:
                members.setdefault(branch, Counter())[feeder] += 1
        found: dict[str, list[str]] = {}
        ids = net.branches["branch_id"]
        for branch, feeders in sorted(members.items()):
            found.setdefault(max(sorted(feeders), key=lambda name: feeders[name]), []).append(ids[branch])
        return {feeder: tuple(branches) for feeder, branches in found.items()}

    # Tables of records ----------------------------------------------------------------------------------------------

    def expand(self, frame: pl.DataFrame, changes: Mapping[int, Change]) -> pl.DataFrame:
        """Return the supplies that rows mean: the columns of ``frame`` without the names, and ``supply``.

        Args:
            frame: ``part``, and what each row names: ``branch_id``, ``feeder_id`` or ``transformer_id``; the most specific
                counts.
            changes: the state of each part that is not the normal one.
        """
        keep = [column for column in frame.columns if column not in _NAMES]
        by_transformer = pl.col("transformer_id").is_not_null()
        by_branch = ~by_transformer & pl.col("branch_id").is_not_null()
        by_feeder = ~by_transformer & pl.col("branch_id").is_null() & pl.col("feeder_id").is_not_null()
        logged = pl.col("part").is_in(list(changes))
        supplies = self.table.select("supply", "transformer_id", "feeder_id")
        return pl.concat(
            [
                self._below_in_normal_state(frame.filter(by_branch & ~logged)).select(*keep, "supply"),
                frame.filter(by_feeder & ~logged)
                .drop("transformer_id")
                .join(supplies, on="feeder_id")
                .select(*keep, "supply"),
                frame.filter(by_transformer)
                .drop("feeder_id")
                .join(supplies, on="transformer_id")
                .select(*keep, "supply"),
                self._as_logged(frame.filter((by_branch | by_feeder) & logged), changes).select(*keep, "supply"),
            ]
        )

    def _as_logged(self, frame: pl.DataFrame, changes: Mapping[int, Change]) -> pl.DataFrame:
        found = [
            (self.of_feeder(feeder, changes[part]) if branch is None else self.below(branch, changes[part])).tolist()
            for part, branch, feeder in frame.select("part", "branch_id", "feeder_id").iter_rows()
        ]
        supplies = pl.Series("supply", found, dtype=pl.List(pl.Int64))
        return frame.with_columns(supplies).explode("supply").drop_nulls("supply")

    def _below_in_normal_state(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Expand each row to the supplies below its branch: one slice of the depth-first order."""
        supply = self.normal
        cut = supply.place_below(self.net.branch_index(frame["branch_id"].to_list()))
        places = self.table["place"].to_numpy()
        first = np.searchsorted(places, cut)
        count = np.where(cut >= 0, np.searchsorted(places, supply.end[cut]) - first, 0)
        offset = np.repeat(np.cumsum(count) - count, count)
        at = np.repeat(first, count) + np.arange(count.sum()) - offset
        expanded: pl.DataFrame = pl.concat(
            [frame[np.repeat(np.arange(len(cut)), count)], self.table.select("supply")[at]], how="horizontal"
        )
        return expanded
