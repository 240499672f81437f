"""What a short interruption costs, against every order of operations; and important customers are never the last."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network
from repair.restoration.restorer import restore
from tests.costly import costly
from tests.repair.every_order import BREAKS, MAKES, EveryOrder, State
from tests.repair.grids import Grid
from tests.repair.restoration.test_cases import AMPERES, CHAIN, steps
from tests.repair.restoration.test_moves import groups


class EveryInterruption(EveryOrder):
    """The states that can be reached where part may be cut off until the next step, with the least that has to be.

    Attributes:
        cut: customers (a transformer without any is one) that lose supply for a moment on the way to each state, at least.
    """

    def __init__(self, grid: Grid, fault: int) -> None:
        super().__init__(grid, fault)
        self.cut = self._cheapest()

    def off(self, before: State, meanwhile: State) -> int:
        """Return who has supply before and none meanwhile."""
        live, then = self.live(before), self.live(meanwhile)
        return sum(
            max(customers, 1)
            for node, second, _, customers in self.grid.loads
            if {node, second} & live and not {node, second} & then
        )

    def with_a_break(self, state: State) -> Iterator[tuple[State, int]]:
        """Give the states after a device is opened under load and a tie closed next, with who is off in between."""
        live = self.live(state)
        for i in self.free:
            tie = self.grid.branches[i]
            if state[i] or tie.kind not in MAKES or not {tie.a, tie.b} <= live or self.may_join(state, i):
                continue
            for j in self.free:
                behind = self.grid.branches[j]
                if j != i and state[j] and behind.kind in BREAKS and {behind.a, behind.b} <= live:
                    meanwhile = (*state[:j], False, *state[j + 1 :])
                    if self.keeps(meanwhile):
                        yield (*meanwhile[:i], True, *meanwhile[i + 1 :]), self.off(state, meanwhile)

    def _cheapest(self) -> dict[State, int]:
        found = {self.start: 0}
        waiting = [(0, self.start)]
        while waiting:
            cut, state = heapq.heappop(waiting)
            if found[state] < cut:
                continue
            live = self.live(state)
            onwards = [*((after, 0) for after, _ in self.onwards(state)), *self.with_a_break(state)]
            for after, more in onwards:
                if found.get(after, cut + more + 1) > cut + more and live <= self.live(after) and self.keeps(after):
                    found[after] = cut + more
                    heapq.heappush(waiting, (cut + more, after))
        return found

    def most(self, cost: float) -> float:
        """Return the most that is fed, less what those cost who are cut off for a moment."""
        return max(self.grid.gain(list(state), list(self.start))[0] - cost * cut for state, cut in self.cut.items())


@costly(45)
@given(groups, st.sampled_from([0.0, 0.25, 1.0, 4.0]))
def test_no_order_feeds_more_for_what_its_interruptions_cost(case: tuple[Grid, int], cost: float) -> None:
    grid, fault = case
    rules = {"transfer_allowed": "with_short_interruption", "interruption_cost": cost}
    plan = restore(grid.network(rules).energise(), f"B{fault}", refused=[f"B{i}" for i in sorted(grid.refused)])
    assert plan.proof.holds
    every = EveryInterruption(grid, fault)
    states = [every.start]
    for step in plan.steps:
        i = int(step.branch_id[1:])
        states.append((*states[-1][:i], step.action == "close", *states[-1][i + 1 :]))
    cut = sum(every.off(one, other) for one, other in pairwise(states))
    value = grid.gain(list(states[-1]), list(every.start))[0] - cost * cut
    most = every.most(cost)
    assert value <= most + 1e-9
    assert most <= value + plan.gap + 1e-9
    assert not plan.best or value == pytest.approx(most)
    never = restore(
        grid.network({"transfer_allowed": "never"}).energise(), f"B{fault}", [f"B{i}" for i in grid.refused]
    )
    assert value >= grid.gain(_end(grid, fault, never), list(every.start))[0]


def _end(grid: Grid, fault: int, plan: object) -> list[bool]:
    closed = list(grid.tripped(fault))
    for step in plan.steps:  # type: ignore[attr-defined]
        closed[int(step.branch_id[1:])] = step.action == "close"
    return closed


def test_an_interruption_has_to_be_worth_it() -> None:
    """One transformer is cut off for a moment so that 20 customers come back: not where that counts more than 20."""
    for cost, back in ((0.1, 20), (10.0, 20)):
        rules = {**AMPERES["restoration"], "transfer_allowed": "with_short_interruption", "interruption_cost": cost}
        plan = restore(
            Network.from_text(CHAIN.format(parallel="false"), settings={"restoration": rules}).energise(), "L1"
        )
        assert plan.back.customer_count == back
    few = CHAIN.format(parallel="false").replace("T2(20)", "T2(5)")
    for cost, back in ((4.9, 5), (5.1, 0)):
        rules = {**AMPERES["restoration"], "transfer_allowed": "with_short_interruption", "interruption_cost": cost}
        plan = restore(Network.from_text(few, settings={"restoration": rules}).energise(), "L1")
        assert plan.back.customer_count == back
        assert all(step.interrupts_transformers == () for step in plan.steps) == (back == 0)


@pytest.mark.parametrize("at", ["T4", "T5", "T6"])
def test_important_customers_are_never_the_last(at: str) -> None:
    """A bus is lost and three feeders come back over ties: that of the important customer first, also behind another part."""
    diagram = """
    =S -[K]- B -(A2)- 4 /(TIE2)/ 8 -[K8]- =R; B -(A3)- 5 /(TIE3)/ 8; B -(A4)- 6 /(TIE4)/ 8; 5 -(C)- 7
    T4 @ 4; T5 @ 7; T6 @ 6
    """
    customers = [
        {"customer_id": f"C{name}", "transformer_id": name, "important": name == at} for name in ("T4", "T5", "T6")
    ]
    plan = restore(Network.from_text(diagram, {"customers": customers}).energise(), "B")
    brought = [step.restores_transformers for step in plan.steps if step.restores_transformers]
    assert brought[0] == (at,)
    assert sorted(each for some in brought for each in some) == ["T4", "T5", "T6"]
    assert len(steps(plan)) == 6
