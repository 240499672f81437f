"""The slow, obvious answer to R1.16: in which state a record found the switches; the graph is searched after each operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from tests.networks import Plain

Operation = tuple[int, str, bool]
"""Minute, branch, whether it opens."""


def slow_order(plain: Plain, written: Sequence[Operation]) -> list[Operation]:
    """Return a log in the order that its states allow (R1.21): slot by slot, whatever changes the state of the slot's switch."""
    steps = [b[0] - a[0] for a, b in pairwise(written)]
    rows = list(written)
    if sum(step < 0 for step in steps) > sum(step > 0 for step in steps):
        rows.reverse()
    is_open = {f"B{i}": normally for i, (*_, normally) in enumerate(plain.branches)}
    found: list[Operation] = []
    for minute in sorted({row[0] for row in rows}):
        at_once = [row for row in rows if row[0] == minute]
        slots = [row[1] for row in at_once]
        for branch in slots:
            own = [row for row in at_once if row[1] == branch]
            row = next((each for each in own if each[2] != is_open[branch]), own[0])
            at_once.remove(row)
            is_open[branch] = row[2]
            found.append(row)
    return found


@dataclass(frozen=True)
class SlowStates:
    """Records beside a log, all in minutes."""

    plain: Plain
    written: Sequence[Operation]
    outages: Sequence[Mapping[str, Any]]
    window: float
    longest: float
    as_logged: bool = True
    moved: Mapping[int, int] = field(default_factory=dict)
    """Of transformers of ``plain`` that are the later place of another: that one."""

    @cached_property
    def log(self) -> list[Operation]:
        return slow_order(self.plain, self.written)

    @cached_property
    def normal(self) -> frozenset[int]:
        return frozenset(i for i, (*_, is_open) in enumerate(self.plain.branches) if is_open)

    @cached_property
    def open_after(self) -> list[frozenset[int]]:
        """Which branches are open after each number of operations."""
        states = [self.normal]
        for _, branch, opens in self.log:
            states.append(states[-1] | {int(branch[1:])} if opens else states[-1] - {int(branch[1:])})
        return states

    def live(self, is_open: frozenset[int]) -> frozenset[str]:
        key = is_open
        if key not in self._live:
            everything = set(range(len(self.plain.branches)))
            self._live[key] = frozenset(self.plain.live_nodes(set(is_open), everything - set(is_open)))
        return self._live[key]

    @cached_property
    def _live(self) -> dict[frozenset[int], frozenset[str]]:
        return {}

    def below(self, branch: int, is_open: frozenset[int]) -> frozenset[str]:
        """Return the nodes that lose supply when a branch opens."""
        return self.live(is_open) - self.live(is_open | {branch})

    def supplies(self, nodes: frozenset[str]) -> set[tuple[int, int]]:
        ends = ((t, which, node) for t, pair in enumerate(self.plain.transformers) for which, node in enumerate(pair))
        return {(t, which) for t, which, node in ends if node in nodes}

    def spells(self, node: str) -> list[tuple[int, float, int]]:
        """Return when a node went dead and came back, at the ends of minutes, and by which operation."""
        found = []
        minutes = sorted({minute for minute, *_ in self.log})
        was = node in self.live(self.normal)
        since: tuple[int, int] | None = None
        for minute in minutes:
            numbers = [i for i, row in enumerate(self.log) if row[0] == minute]
            now = node in self.live(self.open_after[numbers[-1] + 1])
            if was and not now:
                by = max(
                    i
                    for i in numbers
                    if node in self.live(self.open_after[i]) and node not in self.live(self.open_after[i + 1])
                )
                since = minute, by
            if not was and now and since is not None:
                found.append((since[0], minute, since[1]))
                since = None
            was = now
        return found + ([(since[0], float("inf"), since[1])] if since is not None else [])

    def state(self, number: int) -> frozenset[int] | None:
        """Return which branches were open when a record came; ``None`` for the normal state."""
        if number not in self._states:
            self._states[number] = None
            self._states[number] = self._found(number)
        return self._states[number]

    @cached_property
    def _states(self) -> dict[int, frozenset[int] | None]:
        return {}

    def _found(self, number: int) -> frozenset[int] | None:
        outage = self.outages[number]
        if (
            outage["branch_id"] is None
            or not self.as_logged
            or not self.log
            or outage["start"] < self.log[0][0] - self.window
        ):
            return None
        branch, start = int(outage["branch_id"][1:]), outage["start"]
        spells = [spell for node in set(self.plain.branches[branch][:2]) for spell in self.spells(node)]
        running = [spell for spell in spells if spell[0] <= start < spell[1]]
        fresh = [by for since, _, by in running if since >= start - self.window]
        soon = [by for since, _, by in spells if start < since <= start + self.window]
        until = sum(minute <= start for minute, *_ in self.log)
        count, dead_since = until, None
        if fresh:
            count = min(fresh)
        elif running:
            dead_since = min(by for *_, by in running)
        elif soon:
            count = min(soon)
        count = self._before_isolation(branch, count, start)
        state = self.open_after[count]
        stale = {
            each for each in self._near(branch, state) & (state - self.normal) if self._is_stale(each, count, start)
        }
        state -= stale
        of_users = self.supplies(self.below(branch, state))
        if of_users or not self.supplies(self.below(branch, self.normal)):
            return state
        if dead_since is not None:
            before = self.open_after[dead_since] - stale
            members = self.supplies(self.below(branch, before))
            if members and members <= self._covered(number, start):
                return before
        return None

    def _before_isolation(self, branch: int, count: int, start: int) -> int:
        every = {node: self.spells(node) for node in {end for a, b, _ in self.plain.branches for end in (a, b)}}
        for i, (minute, operated, _) in enumerate(self.log[:count]):
            taken = {node for node, spells in every.items() if any(by == i for *_, by in spells)}
            if minute < start - self.window or not taken or int(operated[1:]) not in self.open_after[count]:
                continue
            hanging = self.below(branch, self.open_after[i])
            if any(node in taken for t, pair in enumerate(self.plain.transformers) for node in pair if node in hanging):
                return i
        return count

    def _near(self, branch: int, is_open: frozenset[int]) -> set[int]:
        """Return the switches at the feeders of a branch and those joined to them; a source's node joins none."""
        changed = is_open ^ self.normal
        passable = {
            i for i in range(len(self.plain.branches)) if i not in self.normal or (i in changed and i not in is_open)
        }
        nodes = set(self.plain.branches[branch][:2]) - set(self.plain.sources)
        while True:
            ends = [(a, b) for i, (a, b, _) in enumerate(self.plain.branches) if i in passable]
            more = {b for a, b in ends if a in nodes} | {a for a, b in ends if b in nodes}
            more -= {*nodes, *self.plain.sources}
            if not more:
                break
            nodes |= more
        return {i for i, (a, b, _) in enumerate(self.plain.branches) if a in nodes or b in nodes}

    def _is_stale(self, branch: int, count: int, start: int) -> bool:
        last = max(minute for minute, operated, _ in self.log[:count] if operated == f"B{branch}")
        return start - last > self.longest

    def _covered(self, number: int, start: int) -> set[tuple[int, int]]:
        covered: set[tuple[int, int]] = set()
        running = [
            i for i, each in enumerate(self.outages)
            if i != number and not each.get("exclusion") and each["start"] <= start < (each["end"] or 10**9)
        ]  # fmt: skip
        for i in sorted(running, key=lambda each: (self.outages[each]["start"], each)):
            each = self.outages[i]
            if each["branch_id"] is None:
                named = int(each["transformer_id"][1:])
                own = [named, *(later for later, earlier in self.moved.items() if earlier == named)]
                covered |= {
                    (t, which) for t in own for which, node in enumerate(self.plain.transformers[t]) if node is not None
                }
            else:
                covered |= self.supplies(self.below(int(each["branch_id"][1:]), self.state(i) or self.normal))
        return covered
