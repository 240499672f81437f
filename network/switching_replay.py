"""A log of switching, replayed: when each transformer was without supply.

Only the branches that the log operates can ever change anything. All others join the nodes to zones once; what remains is a small
graph of zones and operated branches, in which each operation costs what it changes: an opened branch is searched from both ends
at once until the smaller side is exhausted or both have a source, a closed one floods the side that was dead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from network.arrays import Indices, components
from network.representation import Shown
from network.switching_log import in_order
from network.tables.frames import require_table
from network.topology import Topology


class Zones:
    """Which zones have supply while branches are operated one after the other.

    A zone is what stays together whatever happens to the branches that may be operated.

    Attributes:
        count: number of zones.
        zone_of: zone of each node, shape (nodes,).
    """

    def __init__(self, network: Topology, operable: Indices) -> None:
        """Build the zones that the branches ``operable`` (indices) separate, in the normal state."""
        may_change = np.zeros(network.branches.height, dtype=np.bool_)
        may_change[operable] = True
        fixed = np.flatnonzero(~network.normally_open & ~may_change)
        self.zone_of: Indices = components(len(network.nodes), network.from_node[fixed], network.to_node[fixed])
        self.count = int(self.zone_of.max(initial=-1)) + 1
        self._has_source = bytearray(self.count)
        self._ends: dict[int, tuple[int, int]] = {}
        self._joined: dict[int, dict[int, int]] = {}
        for zone in self.zone_of[network.source_node].tolist():
            self._has_source[zone] = 1
        self._live = bytearray(self._has_source)
        branches = np.flatnonzero(may_change)
        ends = self.zone_of[network.from_node[branches]], self.zone_of[network.to_node[branches]]
        for branch, one, other in zip(branches.tolist(), ends[0].tolist(), ends[1].tolist(), strict=True):
            self._ends[branch] = one, other
        for branch in branches[~network.normally_open[branches]].tolist():
            self.close(branch)

    def is_live(self, zone: int) -> bool:
        """Return whether a zone has supply now."""
        return bool(self._live[zone])

    def close(self, branch: int) -> list[int]:
        """Close a branch and return the zones that it gives supply to."""
        one, other = self._ends[branch]
        if one == other or branch in self._joined.get(one, ()):
            return []
        self._joined.setdefault(one, {})[branch] = other
        self._joined.setdefault(other, {})[branch] = one
        if self._live[one] == self._live[other]:
            return []
        return self._flood(other if self._live[one] else one)

    def _flood(self, zone: int) -> list[int]:
        live = self._live
        live[zone] = 1
        found = [zone]
        for each in found:
            for beyond in self._joined.get(each, {}).values():
                if not live[beyond]:
                    live[beyond] = 1
                    found.append(beyond)
        return found

    def open(self, branch: int) -> list[int]:
        """Open a branch and return the zones that lose supply with it."""
        one, other = self._ends[branch]
        if one == other or branch not in self._joined.get(one, ()):
            return []
        del self._joined[one][branch], self._joined[other][branch]
        if not self._live[one]:
            return []
        lost = self._cut_off(one, other)
        for zone in lost:
            self._live[zone] = 0
        return lost

    def _cut_off(self, one: int, other: int) -> list[int]:
        """Return the zones of the side that has no source any more; none where both sides have one, or still hang together."""
        found = [one], [other]
        seen = {one}, {other}
        done = [0, 0]
        fed = [False, False]
        side = 0
        while True:
            if done[side] == len(found[side]):
                return found[side]
            zone = found[side][done[side]]
            done[side] += 1
            if self._has_source[zone]:
                if fed[1 - side]:
                    return []
                fed[side] = True
                side = 1 - side
                continue
            for beyond in self._joined[zone].values():
                if beyond in seen[1 - side]:
                    return []
                if beyond not in seen[side]:
                    seen[side].add(beyond)
                    found[side].append(beyond)
            if not fed[1 - side]:
                side = 1 - side


@dataclass(frozen=True, eq=False, repr=False)
class Replay(Shown):
    """What a log of switching did to the supply.

    Attributes:
        network: the network.
        zone_of: zone of each node, shape (nodes,).
        off: one row per time that a zone was without supply: ``zone``, ``off_from`` (null: before the log), ``off_to`` (null:
            still off at its end), ``branch_id`` (whose opening took the supply; null: before the log).
    """

    network: Topology
    zone_of: Indices
    off: pl.DataFrame

    def transformers(self) -> pl.DataFrame:
        """Return one row per time that a transformer was without supply: ``transformer_id``, ``off_from``, ``off_to``.

        A transformer with two supplies is without while both are.
        """
        supplies = self.supplies()
        off = while_all_are_off(supplies.drop("transformer_id"), "transformer", self.off, "zone")
        names = supplies.select("transformer", "transformer_id").unique()
        named = off.join(names, on="transformer", how="left", maintain_order="left")
        return named.select("transformer_id", "off_from", "off_to")

    def supplies(self) -> pl.DataFrame:
        """Return the zone of each supply: ``transformer`` (its row), ``transformer_id``, ``zone``, no row twice."""
        net = self.network
        ids = net.transformers["transformer_id"]
        supplies = [
            pl.DataFrame({"transformer": rows, "transformer_id": ids.gather(rows), "zone": self.zone_of[nodes[rows]]})
            for nodes in (net.transformer_node, net.transformer_second_node)
            for rows in [np.flatnonzero(nodes >= 0)]
        ]
        return pl.concat(supplies).unique(maintain_order=True)


def replay(net: Topology, switching: pl.DataFrame) -> Replay:
    """Return what a log of switching did to the supply, from the normal state on.

    A zone that loses and regains supply at one and the same time never lost it.

    Args:
        net: the network.
        switching: the table ``switching`` of a workspace (``time``, ``branch_id``, ``action``); in any order (R1.21).

    Raises:
        UnknownIdError: the log operates a branch that the network does not have.
    """
    require_table(switching, "switching")
    log = in_order(switching, net.branches)
    branches = net.branch_index(log["branch_id"].to_list())
    zones = Zones(net, np.unique(branches))
    dead = [zone for zone in range(zones.count) if not zones.is_live(zone)]
    operation, zone, live = [-1] * len(dead), dead, [False] * len(dead)
    for number, (branch, opens) in enumerate(zip(branches.tolist(), (log["action"] == "open").to_list(), strict=True)):
        changed = zones.open(branch) if opens else zones.close(branch)
        operation += [number] * len(changed)
        zone += changed
        live += [not opens] * len(changed)
    return Replay(net, zones.zone_of, _intervals(log, operation, zone, live))


def _intervals(log: pl.DataFrame, operation: list[int], zone: list[int], live: list[bool]) -> pl.DataFrame:
    """Turn changes, each by the number of its operation (-1: before the log), into the times without supply."""
    number = np.array(operation, dtype=np.int64)
    by = pl.concat(
        [log.select(at="time", branch_id="branch_id"), log.select(at="time", branch_id="branch_id").clear(1)]
    )
    changes = by[np.where(number >= 0, number, log.height)].with_columns(
        zone=pl.Series(zone, dtype=pl.Int64), live=pl.Series(live, dtype=pl.Boolean)
    )
    before = pl.col("live").shift(1).over("zone").fill_null(value=True)
    return (
        changes.group_by("zone", "at", maintain_order=True)
        .last()
        .sort("zone", maintain_order=True)
        .filter(pl.col("live") != before)
        .with_columns(off_to=pl.col("at").shift(-1).over("zone"))
        .filter(~pl.col("live"))
        .select("zone", "off_to", "branch_id", off_from="at")
    )


def while_all_are_off(parts: pl.DataFrame, who: str, off: pl.DataFrame, part: str) -> pl.DataFrame:
    """Return when all parts of each one are off together.

    Args:
        parts: ``who`` and ``part``, one row per part of each one, no row twice.
        who: column of what is asked for.
        off: ``part``, ``off_from`` (null: since ever), ``off_to`` (null: for ever), without overlaps within one part; further
            columns are let be.
        part: column of what is known.

    Returns:
        ``who``, ``off_from``, ``off_to``, in the order of ``parts`` and then of time.
    """
    ever = pl.datetime(1, 1, 1), pl.datetime(9999, 1, 1)
    parts = parts.with_row_index("order").with_columns(pl.col("order").min().over(who), needed=pl.len().over(who))
    spells = parts.join(off, on=part, how="inner", nulls_equal=False)
    alone = spells.filter(pl.col("needed") == 1).select("order", who, "off_from", "off_to")
    shared = spells.filter(pl.col("needed") > 1)
    edges = (
        pl.concat(
            [
                shared.select("order", who, "needed", at=pl.col("off_from").fill_null(ever[0]), change=pl.lit(1)),
                shared.select("order", who, "needed", at=pl.col("off_to").fill_null(ever[1]), change=pl.lit(-1)),
            ]
        )
        .group_by(who, "at")
        .agg(pl.col("order", "needed").first(), pl.col("change").sum())
        .filter(pl.col("change") != 0)
        .sort(who, "at")
        .with_columns(parts_off=pl.col("change").cum_sum().over(who), off_to=pl.col("at").shift(-1).over(who))
        .filter(pl.col("parts_off") == pl.col("needed"))
        .select(
            "order",
            who,
            off_from=pl.when(pl.col("at") > ever[0]).then("at"),
            off_to=pl.when(pl.col("off_to") < ever[1]).then("off_to"),
        )
    )
    return pl.concat([alone, edges], how="vertical_relaxed").sort("order", "off_from", nulls_last=False).drop("order")
