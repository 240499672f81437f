"""The matrix method and 0-1 programming against enumeration of all sets of faults, and against the answer itself."""

from datetime import datetime
from itertools import chain, combinations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network
from repair import locate
from repair.location.cross_checks import matrix_method, zero_one_programming
from tests.repair.location.test_location import chain as chain_of


@pytest.mark.parametrize(
    ("flags", "expected", "cost"),
    [
        ([1, 1, 0, 0], [{"B2"}], 0.5),
        ([1, 0, 1, 0], [{"B1"}, {"B3"}], 1.5),
        ([1, 1, None, 0], [{"B2"}, {"B3"}], 0.5),
    ],
)
def test_chains_of_section_7_5(flags: list[int | None], expected: list[set[str]], cost: float) -> None:
    named = {f"B{i + 1}": None if flag is None else bool(flag) for i, flag in enumerate(flags)}
    found = zero_one_programming(chain_of(4).energise(), named)
    assert sorted(map(set, found.solutions), key=sorted) == expected
    assert found.cost == cost


@st.composite
def flagged_trees(draw: st.DrawFn) -> tuple[Network, list[int], dict[str, bool | None]]:
    count = draw(st.integers(1, 7))
    parents = [draw(st.integers(0, i)) for i in range(count)]
    flags = {f"B{i + 1}": draw(st.sampled_from([None, False, True])) for i in range(count)}
    return chain_of(count, parents), parents, flags


def paths(parents: list[int]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for i, above in enumerate(parents):
        found[f"B{i + 1}"] = {f"B{i + 1}"} | (found[f"B{above}"] if above else set())
    return found


@given(flagged_trees())
def test_programming_equals_enumeration(tree: tuple[Network, list[int], dict[str, bool | None]]) -> None:
    net, parents, flags = tree
    path = paths(parents)
    costs = {}
    for faults in chain.from_iterable(combinations(flags, size) for size in range(len(flags) + 1)):
        shows = set().union(*(path[fault] for fault in faults)) if faults else set()
        wrong = sum(flag is not None and flag != (name in shows) for name, flag in flags.items())
        costs[frozenset(faults)] = wrong + 0.5 * len(faults)
    least = min(costs.values())
    found = zero_one_programming(net.energise(), flags, most=1000)
    assert found.cost == pytest.approx(least)
    assert set(found.solutions) == {faults for faults, cost in costs.items() if cost == least}


@given(flagged_trees(), st.data())
def test_with_right_flags_all_three_agree(
    tree: tuple[Network, list[int], dict[str, bool | None]], data: st.DataObject
) -> None:
    net, parents, flags = tree
    fault = data.draw(st.sampled_from(sorted(flags)))
    right = {name: name in paths(parents)[fault] for name in flags}
    supply = net.energise()
    assert matrix_method(supply, right) == {fault}
    assert zero_one_programming(supply, right).solutions == ({fault},)
    heard = pl.DataFrame(
        [("branch", name, "fault_current", float(flag)) for name, flag in right.items()],
        schema={"object": pl.String, "object_id": pl.String, "kind": pl.String, "value": pl.Float64},
        orient="row",
    ).with_columns(time=pl.lit(datetime(2022, 1, 1)))
    found = locate(
        supply, heard, pl.DataFrame({"branch_id": list(flags)}).with_columns(miss_rate=0.01, false_rate=0.01)
    )
    assert found.ranked[0].branches == (fault,)
    assert not found.suspect_signals
