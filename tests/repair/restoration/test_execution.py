"""A plan while it is carried out: ticked step by step, refused midway, undone; the rest is planned from the state reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import FudianError, Network
from repair.restoration.restorer import RestorationPlan, restore
from tests.costly import costly
from tests.repair.grids import Grid
from tests.repair.restoration.test_cases import AMPERES, CHAIN
from tests.repair.restoration.test_moves import groups


def named(plan: RestorationPlan, count: int | None = None) -> list[str]:
    return [f"{step.action}:{step.branch_id}" for step in plan.steps[:count]]


def test_each_tick_leaves_the_rest_of_the_plan_a_moment_of_a_move_included() -> None:
    supply = Network.from_text(CHAIN.format(parallel="true"), settings=AMPERES).energise()
    whole = restore(supply, "L1")
    for count in range(len(whole.steps) + 1):
        rest = restore(supply, "L1", done=named(whole, count))
        assert named(rest) == named(whole)[count:]
        assert [step.order for step in rest.steps] == list(range(1, len(rest.steps) + 1))
        assert rest.as_dict()["done"] == [each.split(":") for each in named(whole, count)]
        assert rest.proof.holds


def test_what_refuses_midway_changes_the_rest_only() -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2 -(S1)- 3 /(T)/ 5 -[K2]- =R; 3 /(U)/ 6 -[K3]- =Q; T2(20) @ 3")
    first = restore(net.energise(), "L1")
    tie, other = ("T", "U") if first.steps[1].branch_id == "T" else ("U", "T")
    again = restore(net.energise(), "L1", refused=[tie], done=["open:S1"])
    assert named(again) == [f"close:{other}"]
    assert again.back.customer_count == 20


def test_what_cannot_be_gone_on_from_is_refused_with_a_reason() -> None:
    supply = Network.from_text(CHAIN.format(parallel="true"), settings=AMPERES).energise()
    for done, said in (
        (["close:S1", "close:K1"], "is live"),
        (["turn:S1"], "no operation"),
        (["open:S9"], "no branch 'S9'"),
    ):
        with pytest.raises(FudianError, match=said):
            restore(supply, "L1", done=done)


@costly(50)
@given(groups, st.data())
def test_wherever_a_plan_is_taken_up_again_it_ends_as_well(case: tuple[Grid, int], data: st.DataObject) -> None:
    grid, fault = case
    supply, refused = grid.network().energise(), [f"B{i}" for i in sorted(grid.refused)]
    whole = restore(supply, f"B{fault}", refused)
    count = data.draw(st.integers(0, len(whole.steps)))
    rest = restore(supply, f"B{fault}", refused, done=named(whole, count))
    assert rest.proof.holds
    fed = whole.fault.after.lost_in(whole.states[-1]), rest.states[-1]
    ends = [
        grid.gain([not is_open for is_open in plan.states[-1].is_open.tolist()], grid.tripped(fault))
        for plan in (whole, rest)
    ]
    assert ends[1] >= ends[0]
    assert not fed[0].customer_count
