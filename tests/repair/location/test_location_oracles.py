"""Fault location against enumeration of every fault and every two, on random trees, rings and feeders with several infeeds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from network import Network, network_from_tables
from repair import Location, LocationSettings, locate
from tests.costly import costly
from tests.repair.enumeration import ActiveOracle, Feeder, RadialOracle

NOON = datetime(2022, 7, 1, 12)
KINDS = st.sampled_from(["line", "line", "line", "switch", "breaker", "recloser", "fuse"])
RATES = st.tuples(st.floats(0.01, 0.4), st.floats(0.01, 0.4))


def signals(feeder: Feeder) -> pl.DataFrame:
    rows: list[tuple[str, str, str, float | None]] = [
        ("branch", name, "fault_current", float(v)) for name, v in feeder.flags.items() if v is not None
    ]
    rows += [("branch", name, "trip", None) for name in sorted(feeder.trips)]
    rows += [("transformer", name, word, None) for name, word in feeder.said.items()]
    names = {"object": pl.String, "object_id": pl.String, "kind": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(time=pl.lit(NOON))


def sensors(feeder: Feeder) -> pl.DataFrame:
    rows = [(name, *feeder.rates[name]) for name in feeder.flags]
    names = {"branch_id": pl.String, "miss_rate": pl.Float64, "false_rate": pl.Float64}
    return pl.DataFrame(rows, schema=names, orient="row")


def priors(feeder: Feeder) -> dict[str, float]:
    total = sum(km for _, _, _, km in feeder.branches.values())
    return {name: km / total for name, (_, _, _, km) in feeder.branches.items()}


def located(feeder: Feeder, rules: LocationSettings) -> tuple[Network, Location]:
    net = network_from_tables(feeder.tables())
    return net, locate(net.energise(), signals(feeder), sensors(feeder), rules)


def agree(found: Location, oracle: RadialOracle | ActiveOracle) -> None:
    """Compare sections with the sums over their branches, and explanations with the sums over theirs."""
    of_branch = {branch: i for i, section in enumerate(found.ranked) for branch in section.branches}
    assert set(of_branch) == set(oracle.feeder.branches)
    before = (i for i, each in enumerate(found.ranked) if each.bounded_by[:1] != each.branches[:1])
    one, told = oracle.answers(priors(oracle.feeder), of_branch, next(before, None))
    assert sum(section.probability for section in found.ranked) == pytest.approx(1)
    for i, section in enumerate(found.ranked):
        assert section.probability == pytest.approx(sum(one[b] for b in of_branch if of_branch[b] == i), abs=1e-9)
    expected = {tuple(sorted(key)): p * (1 - found.nothing) for key, p in told.items()} | {(): found.nothing}
    assert found.two_faults == pytest.approx(sum(p for key, p in expected.items() if len(key) > 1), abs=1e-9)
    for explanation in found.explanations:
        assert explanation.probability == pytest.approx(expected.get(explanation.sections, 0.0), abs=1e-9)
    least = (
        min((each.probability for each in found.explanations), default=0.0) if len(found.explanations) == 10 else 0.0
    )
    left_out = {key: p for key, p in expected.items() if key not in {e.sections for e in found.explanations}}
    assert max(left_out.values(), default=0.0) <= least + 1e-9


@st.composite
def rules(draw: st.DrawFn) -> LocationSettings:
    return LocationSettings(
        upstream_flag_rate=draw(st.sampled_from([0.0, 0.5, 1.0])),
        second_fault_rate=draw(st.sampled_from([0.0, 0.01, 0.6])),
    )


@st.composite
def feeders(draw: st.DrawFn, most: int = 9) -> Feeder:
    count = draw(st.integers(1, most))
    branches = {}
    for i in range(count):
        a, b = f"N{draw(st.integers(0, i))}", f"N{i + 1}"
        a, b = (b, a) if draw(st.booleans()) else (a, b)
        branches[f"B{i + 1}"] = (a, b, draw(KINDS), draw(st.floats(0.1, 5)))
    return heard(draw, Feeder(branches, ["N0"]), st.sampled_from([None, 0, 1]))


def heard(draw: st.DrawFn, feeder: Feeder, flag: st.SearchStrategy[Any]) -> Feeder:
    names = list(feeder.branches)
    nodes = sorted({end for a, b, _, _ in feeder.branches.values() for end in (a, b)})
    at_sensors = draw(st.lists(st.sampled_from(names), unique=True, max_size=6))
    feeder.flags = {name: draw(flag) for name in sorted(at_sensors)}
    feeder.rates = {name: draw(RATES) for name in feeder.flags}
    feeder.trips = set(draw(st.lists(st.sampled_from(names), unique=True, max_size=2)))
    feeder.transformers = {f"T{i}": draw(st.sampled_from(nodes)) for i in range(draw(st.integers(0, 5)))}
    said = {name: draw(st.sampled_from([None, "off", "off", "read"])) for name in feeder.transformers}
    feeder.said = {name: word for name, word in said.items() if word}
    return feeder


def speaks(feeder: Feeder) -> bool:
    return any(feeder.flags.values()) or bool(feeder.trips)


@settings(max_examples=60, deadline=None)
@given(feeders(), rules())
def test_every_fault_and_every_two_on_trees(feeder: Feeder, drawn: LocationSettings) -> None:
    """Flags alone, and no device that clears: the one posterior is Bayes' rule over faults; "nothing" takes its own share."""
    feeder.trips, feeder.said = set(), {}
    feeder.branches = {name: (a, b, "line", km) for name, (a, b, _, km) in feeder.branches.items()}
    _, found = located(feeder, drawn)
    if any(feeder.flags.values()):
        agree(found, RadialOracle(feeder, drawn))


@st.composite
def active_feeders(draw: st.DrawFn, most: int = 7) -> Feeder:
    feeder = draw(feeders(most))
    nodes = sorted({end for a, b, _, _ in feeder.branches.values() for end in (a, b)})
    for i in range(draw(st.integers(0, 2))):
        a, b = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        if a != b:
            feeder.branches[f"R{i}"] = (a, b, draw(KINDS), draw(st.floats(0.1, 5)))
    more = draw(st.lists(st.sampled_from([node for node in nodes if node != "N0"]), unique=True, max_size=2))
    feeder.sources = ["N0", *more]
    return heard(draw, feeder, st.sampled_from([None, 0, 1, -1]))


@costly(85)
@given(active_feeders(), rules())
def test_every_fault_and_every_two_with_several_ways(feeder: Feeder, drawn: LocationSettings) -> None:
    net, found = located(feeder, drawn)
    supply = net.energise()
    assume(speaks(feeder) and len(supply.forest.back_branch))
    ids = dict(zip(net.branches["branch_id"], range(net.branches.height), strict=True))
    upstream = {}
    for name, (a, b, _, _) in feeder.branches.items():
        tail, head = (int(supply.place_of[end[ids[name]]]) for end in (net.from_node, net.to_node))
        upstream[name] = a if tail <= head else b
    agree(found, ActiveOracle(feeder, drawn, upstream))
