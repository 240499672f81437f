"""In which state of the switches each outage record found what it names (R1.16).

A record that names a branch or a feeder cuts off what hung on it when the event came. Where a switching log covers that time, the
state is the log's, wound back over the openings by which the event itself cut the part off; what the log cannot explain is
looked at in the normal state, and named as a conflict of the log.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from network import Network, Text, replay, text
from network.arrays import Indices, components
from network.switching_log import in_order
from reliability.named_parts import NORMAL, Change, NamedParts
from reliability.settings import ReliabilitySettings

AS_LOGGED, AS_NORMAL = "as_logged", "normal"


@dataclass(frozen=True)
class RecordStates:
    """The states of the switches that records are taken in.

    Attributes:
        state: ``as_logged`` or ``normal``, by the number of the record; records that name neither branch nor feeder have none.
        changes: what differs from the normal state, where something does.
        conflicts: why the normal state, at least of a switch, is used although the log covers the time.
        parts: what hangs on the parts of the network, in each of the states.
    """

    parts: NamedParts
    state: Mapping[int, str] = field(default_factory=dict)
    changes: Mapping[int, Change] = field(default_factory=dict)
    conflicts: Mapping[int, Text] = field(default_factory=dict)


def record_states(
    outages: pl.DataFrame, parts: NamedParts, switching: pl.DataFrame, rules: ReliabilitySettings
) -> RecordStates:
    """Return the state in which each record found the network.

    Args:
        outages: ``part`` (its number), ``outage_id``, ``start``, ``end``, ``exclusion``, ``branch_id``, ``feeder_id`` and
            ``transformer_id``; one of the last three is filled.
        parts: of the network.
        switching: the table ``switching`` of a workspace; may be empty.
        rules: ``record_state``, ``event_window_min`` and ``log_open_days``.

    Raises:
        UnknownIdError: the log operates a branch that the network does not have.
    """
    named = outages.filter(
        pl.col("transformer_id").is_null() & pl.any_horizontal(pl.col("branch_id", "feeder_id").is_not_null())
    )
    if rules.record_state == "normal" or switching.is_empty() or named.is_empty():
        return RecordStates(parts, dict.fromkeys(named["part"].to_list(), AS_NORMAL))
    return _Found(parts, _Log(parts.net, switching), outages, rules).states(named)


class _Log:
    """A log with the state of every switch after each number of operations, and what each opening took."""

    def __init__(self, net: Network, switching: pl.DataFrame) -> None:
        log = in_order(switching, net.branches)
        self.net = net
        self.times: list[datetime] = log["time"].to_list()
        self.branch: list[int] = net.branch_index(log["branch_id"].to_list()).tolist()
        self.opens: list[bool] = (log["action"] == "open").to_list()
        self.operations: dict[int, list[int]] = defaultdict(list)
        last_opening: dict[tuple[datetime, str], int] = {}
        repeats = log["repeats"].to_list()
        for number, (branch, opens) in enumerate(zip(self.branch, self.opens, strict=True)):
            self.operations[branch].append(number)
            if opens and not repeats[number]:
                last_opening[self.times[number], net.branches["branch_id"][branch]] = number
        played = replay(net, switching)
        self.zone_of = played.zone_of
        self.spells: dict[int, list[tuple[datetime, datetime, int]]] = defaultdict(list)
        self.taken: dict[int, set[int]] = defaultdict(set)
        taken = played.off.drop_nulls("branch_id").sort("off_from")
        for zone, since, until, branch_id in taken.select("zone", "off_from", "off_to", "branch_id").iter_rows():
            number = last_opening[since, branch_id]
            self.spells[zone].append((since, until or datetime.max, number))
            self.taken[number].add(zone)

    def count_until(self, moment: datetime) -> int:
        """Return how many operations lie at or before a moment."""
        return bisect_right(self.times, moment)

    def is_open(self, branch: int, count: int) -> bool:
        """Return whether a switch is open after the first ``count`` operations."""
        at = bisect_right(self.operations[branch], count - 1)
        return self.opens[self.operations[branch][at - 1]] if at else bool(self.net.normally_open[branch])

    def since(self, branch: int, count: int) -> datetime:
        """Return when a switch was operated last among the first ``count`` operations."""
        at = bisect_right(self.operations[branch], count - 1)
        return self.times[self.operations[branch][at - 1]]

    @cached_property
    def _feeder_of(self) -> Indices:
        """The feeder of each node in the normal state: what hangs together without passing a source; -1 for a source."""
        net = self.net
        inside = ~(net.normally_open | net.is_source[net.from_node] | net.is_source[net.to_node])
        return np.where(net.is_source, -1, components(len(net.nodes), net.from_node[inside], net.to_node[inside]))

    @cached_property
    def _at_feeder(self) -> dict[int, list[tuple[int, set[int]]]]:
        """The operated branches at each feeder, with the feeders at their two ends."""
        found: dict[int, list[tuple[int, set[int]]]] = defaultdict(list)
        for branch in sorted(self.operations):
            feeders = self._feeders_at(branch)
            for feeder in feeders:
                found[feeder].append((branch, feeders))
        return found

    def _feeders_at(self, branch: int) -> set[int]:
        ends = self.net.from_node[branch], self.net.to_node[branch]
        return {int(self._feeder_of[end]) for end in ends} - {-1}

    def change_at(self, branches: Iterable[int], count: int) -> Change:
        """Return what is unlike normal after ``count`` operations in the feeders of some branches and those joined to them."""
        seen = {feeder for branch in branches for feeder in self._feeders_at(branch)}
        wanted, change = list(seen), set()
        while wanted:
            for branch, feeders in self._at_feeder.get(wanted.pop(), ()):
                is_open = self.is_open(branch, count)
                if is_open == bool(self.net.normally_open[branch]):
                    continue
                change.add((branch, is_open))
                if not is_open:
                    wanted += feeders - seen
                    seen |= feeders
        return frozenset(change)


@dataclass(frozen=True, eq=False)
class _Found:
    """Finds the state of one record after the other."""

    parts: NamedParts
    log: _Log
    outages: pl.DataFrame
    rules: ReliabilitySettings
    _judged: dict[int, tuple[Change | None, Text | None]] = field(default_factory=dict)

    @cached_property
    def _rows(self) -> dict[int, dict[str, object]]:
        columns = ("part", "outage_id", "start", "end", "exclusion", "branch_id", "feeder_id", "transformer_id")
        return {row["part"]: row for row in self.outages.select(columns).iter_rows(named=True)}

    def states(self, named: pl.DataFrame) -> RecordStates:
        begins = self.log.times[0] - self._window
        state: dict[int, str] = {}
        changes: dict[int, Change] = {}
        conflicts: dict[int, Text] = {}
        for part, start in named.select("part", "start").iter_rows():
            if start < begins:
                state[part] = AS_NORMAL
                continue
            change, conflict = self._of(part)
            follows_log = change if conflict is not None else change is not None
            state[part] = AS_LOGGED if follows_log else AS_NORMAL
            if conflict is not None:
                conflicts[part] = conflict
            if change:
                changes[part] = change
        return RecordStates(self.parts, state, changes, conflicts)

    @property
    def _window(self) -> timedelta:
        return timedelta(minutes=self.rules.event_window_min)

    def _of(self, part: int) -> tuple[Change | None, Text | None]:
        """Return what is unlike normal for a record, or why the log cannot be followed."""
        if part not in self._judged:
            self._judged[part] = None, None  # a record that covers itself covers nothing
            self._judged[part] = self._judge(part)
        return self._judged[part]

    def _judge(self, part: int) -> tuple[Change | None, Text | None]:
        row = self._rows[part]
        start: datetime = row["start"]  # type: ignore[assignment]
        branches = self._branches(row)
        if not branches:
            return None, None
        count, dead_since = self._found_at(branches, start)
        count = self._before_isolation(row, branches, count, start)
        change = self.log.change_at(branches, count)
        stale = self._stale(change, count, start)
        conflict = self._omission(stale, count) if stale else None
        change -= stale
        if len(self._members(row, change)) or not len(self._members(row, NORMAL)):
            return change, conflict
        if dead_since is not None:
            before = self.log.change_at(branches, dead_since) - stale
            members = self._members(row, before)
            if len(members) and self._covered(part, start, set(members.tolist())):
                return before, conflict
        return NORMAL, conflict or text(
            "by the switching log nobody hung on {name} at {start}, and no other record that counts says why",
            name=row["branch_id"] or row["feeder_id"],
            start=start,
        )

    def _branches(self, row: Mapping[str, object]) -> list[int]:
        named = row["branch_id"]
        ids = (str(named),) if named is not None else self.parts.heads(str(row["feeder_id"]))
        found: list[int] = self.log.net.branch_index(ids).tolist()
        return found

    def _found_at(self, branches: list[int], start: datetime) -> tuple[int, int | None]:
        """Return before which operation the event found the part, and before which it went dead if that was earlier."""
        log, window = self.log, self._window
        ends = [end[branch] for branch in branches for end in (log.net.from_node, log.net.to_node)]
        spells = [spell for zone in {int(log.zone_of[node]) for node in ends} for spell in log.spells.get(zone, ())]
        running = [spell for spell in spells if spell[0] <= start < spell[1]]
        begun = [number for since, _, number in running if since >= start - window]
        if begun:
            return min(begun), None
        soon = [number for since, _, number in spells if start < since <= start + window]
        if soon and not running:
            return min(soon), None
        return log.count_until(start), min((number for *_, number in running), default=None)

    def _before_isolation(self, row: Mapping[str, object], branches: list[int], count: int, start: datetime) -> int:
        """Wind back over openings that had cut off a part of what the record names, and still stand."""
        log = self.log
        first = log.count_until(start - self._window - timedelta(microseconds=1))
        for number in range(first, count):
            taken = log.taken.get(number)
            if not taken or not log.is_open(log.branch[number], count):
                continue
            members = self._members(row, log.change_at(branches, number))
            if taken & self._zones(members.tolist()):
                return number
        return count

    def _zones(self, supplies: Iterable[int]) -> set[int]:
        net = self.log.net
        ends = net.transformer_node, net.transformer_second_node
        return {int(self.log.zone_of[ends[supply % 2][supply // 2]]) for supply in supplies}

    def _stale(self, change: Change, count: int, start: datetime) -> Change:
        """Return the switches that have stood open against their normal state for so long that the log forgot them."""
        longest = timedelta(days=self.rules.log_open_days)
        return frozenset(
            (branch, is_open)
            for branch, is_open in change
            if is_open and start - self.log.since(branch, count) > longest
        )

    def _omission(self, stale: Change, count: int) -> Text:
        branch = min(branch for branch, _ in stale)
        return text(
            "the switching log leaves {name} open since {since}, for more than {days:g} days",
            name=self.log.net.branches["branch_id"][branch],
            since=self.log.since(branch, count),
            days=self.rules.log_open_days,
        )

    def _members(self, row: Mapping[str, object], change: Change) -> Indices:
        if row["branch_id"] is not None:
            return self.parts.below(str(row["branch_id"]), change)
        return self.parts.of_feeder(str(row["feeder_id"]), change)

    def _covered(self, part: int, start: datetime, members: set[int]) -> bool:
        """Return whether records that count have all of these supplies off at a moment."""
        running = self.outages.filter(
            (pl.col("part") != part)
            & pl.col("exclusion").is_null()
            & (pl.col("start") <= start)
            & (pl.col("end").is_null() | (pl.col("end") > start))
        )
        for other in running.sort("start", "part")["part"].to_list():
            row = self._rows[other]
            if row["transformer_id"] is not None:
                members -= set(self._of_transformer.get(str(row["transformer_id"]), ()))
            elif row["branch_id"] is not None or row["feeder_id"] is not None:
                members -= set(self._members(row, self._of(other)[0] or NORMAL).tolist())
            if not members:
                return True
        return False

    @cached_property
    def _of_transformer(self) -> dict[str, list[int]]:
        groups = self.parts.table.group_by("transformer_id").agg("supply")
        return dict(groups.iter_rows())
