"""The N-1 test by hand and against the plans."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network, network_from_tables
from reliability.statistics import Statistics
from repair.restoration.grid_figures import grid_figures
from repair.restoration.n_minus_1 import NMinus1, SectionResult, _try, n_minus_1
from repair.restoration.restorer import Restorer, restore

RULES = {"restoration": {"power_factor": 1.0, "voltage_kv": 1 / 3**0.5}}
TWO = """
=S -[K1] feeder_id=A- 1 -L1 feeder_id=A- 2 -(S1) feeder_id=A- 3 -L2 feeder_id=A- 4 /(T)/ 14
=R -[K2] feeder_id=B- 11 -L11 feeder_id=B rating_a={rating}- 14
4 -F1 kind=fuse feeder_id=A- 5 -L3 feeder_id=A- 6
T2 @ 2 load_kw=30; T4 @ 4 load_kw=40; T6 @ 6 load_kw=5; T14 @ 14 load_kw=50
"""


@pytest.mark.parametrize(("rating", "missing"), [(95, 0.0), (94.0, 5.0), (80, 40.0 + 5.0)])
def test_missing_amperes_are_what_no_plan_can_feed(rating: float, missing: float) -> None:
    net = Network.from_text(TWO.format(rating=rating), settings=RULES)
    result = n_minus_1(net.energise())
    by_branch = {section.branch_id: section for section in result.sections}
    assert set(by_branch) == {"L1", "L2", "L3", "L11"}
    assert by_branch["L1"].transfer_a == pytest.approx(45)
    assert by_branch["L1"].missing_a == pytest.approx(missing)
    assert by_branch["L2"].transfer_a == pytest.approx(30)
    assert by_branch["L2"].stranded_a == pytest.approx(5)
    assert by_branch["L2"].missing_a == pytest.approx(0)
    feeders = {feeder["feeder_id"]: feeder for feeder in result.as_dict()["feeders"]}
    assert feeders["A"]["passes"] == (missing == 0)
    assert feeders["A"]["failing"] == ([] if missing == 0 else ["L1"])
    assert result.pass_rate == (100.0 if missing == 0 else 50.0)


def test_a_feeder_without_a_tie_fails() -> None:
    result = n_minus_1(Network.from_text("=S -[K1] feeder_id=A- 1 -L1 feeder_id=A- 2; T2 @ 2").energise())
    assert result.pass_rate == 0.0
    assert result.as_dict("zh")["feeders"][0]["reason"] == "没有可合上的联络"


def test_a_section_without_a_line_is_tried_too() -> None:
    net = Network.from_text(
        """
        =S -[K1] feeder_id=A- 1 -(S1) feeder_id=A- 2 /(T) rating_a=30/ 12
        =R -[K2] feeder_id=B- 11 -L11 feeder_id=B rating_a=200- 12
        T1 @ 1 load_kw=10; T2 @ 2 load_kw=40
        """,
        settings=RULES,
    )
    result = n_minus_1(net.energise())
    missing = {section.branch_id: section.missing_a for section in result.sections}
    assert missing == {"L11": pytest.approx(0), "K1": pytest.approx(40), "S1": pytest.approx(0)}
    assert {feeder["feeder_id"]: feeder["passes"] for feeder in result.as_dict()["feeders"]} == {"A": False, "B": True}


def test_what_is_cleared_at_the_source_is_tried_too() -> None:
    net = Network.from_text("=S -(S1) feeder_id=A- 1 -L1 feeder_id=A- 2; T2 @ 2")
    told = n_minus_1(net.energise()).as_dict()
    print(told)
    assert "2 branches have no rating_a: taken as unlimited" in told["assumptions"]
    assert "1 sources have no capacity_a: taken as unlimited" in told["assumptions"]


def test_the_county_is_tested_whole_and_progress_is_told(county: Network) -> None:
    told: list[NMinus1] = []
    result = n_minus_1(county.energise(), progress=told.append)
    assert result.complete
    assert len(result.feeders) == 14
    assert result.pass_rate is not None
    assert told[-1] == result
    assert [len(each.sections) for each in told] == list(range(1, result.sections_in_all + 1))
    assert told[0].pass_rate is None
    assert told[0].as_dict()["sections_in_all"] == result.sections_in_all


def test_a_feeder_with_nothing_to_try_says_so() -> None:
    diagram = "=S -[K1] feeder_id=A- 1 -L1 feeder_id=A rating_a=10- 2; T2 @ 2"
    net = Network.from_text(diagram, {"feeders": [{"feeder_id": "A"}, {"feeder_id": "B"}]})
    told = grid_figures(Statistics(net), "gongan-2022", n_minus_1(net.energise()))
    rows = {row["feeder_id"]: (row["n1_passes"], row["n1_missing_a"], row["n1_reason"]) for row in told["rows"]}
    assert rows["A"][::2] == (False, "no tie that can be closed")
    assert rows["B"] == (None, None, "no part of it has a line or load: nothing to try")


@st.composite
def trees(draw: st.DrawFn) -> Network:
    """Draw feeders that hang on one or two sources, most without a tie, a loop or a second supply."""
    count = draw(st.integers(1, 10))
    branches = []
    for node in range(1, count + 1):
        kind = draw(st.sampled_from(["line", "line", "switch", "breaker", "fuse", "disconnector", "recloser"]))
        at = draw(st.integers(0, node - 1))
        branches.append(
            {
                "branch_id": f"B{node}", "from_node": f"N{at}", "to_node": f"N{node}", "kind": kind, "feeder_id": "F",
                "rating_a": draw(st.sampled_from([None, 5.0, 100.0])),
            }
        )  # fmt: skip
    sources = [{"node": "N0", "capacity_a": draw(st.sampled_from([None, 20.0]))}]
    if draw(st.integers(0, 4)) == 0:
        sources.append({"node": "M0", "capacity_a": None})
        branches.append({"branch_id": "M1", "from_node": "M0", "to_node": "M1", "kind": "breaker", "feeder_id": "G"})
        at = draw(st.integers(1, count))
        branches.append(
            {
                "branch_id": "TIE",
                "from_node": f"N{at}",
                "to_node": "M1",
                "kind": "switch",
                "normally_open": True,
                "feeder_id": "F",
            }
        )
    transformers = [
        {"transformer_id": f"T{node}", "node": f"N{node}", "load_kw": draw(st.integers(1, 9))}
        for node in range(1, count + 1)
        if draw(st.booleans())
    ]
    return network_from_tables({"sources": sources, "branches": branches, "transformers": transformers}, RULES)


@given(trees())
def test_feeders_without_ties_at_once_are_as_section_by_section(net: Network) -> None:
    supply = net.energise()
    restorer = Restorer.of(supply)
    for section in n_minus_1(supply).sections:
        assert section == close_to(_try(restorer, section.feeder_id, section.branch_id))


def close_to(result: SectionResult) -> SectionResult:
    """Return a result whose figures are compared with a tolerance."""
    close: dict[str, Any] = {
        name: pytest.approx(getattr(result, name), abs=1e-9)
        for name in ("transfer_a", "missing_a", "stranded_a")
        if getattr(result, name) is not None
    }
    return replace(result, **close)


@pytest.mark.parametrize("shape", ["path", "star"])
def test_twenty_thousand_sections_take_seconds(shape: str) -> None:
    count = 20_000
    kinds = ["breaker"] + ["switch"] * (count - 1)
    tail = [0, *range(1, count)] if shape == "path" else [0] + [1] * (count - 1)
    net = network_from_tables(
        {
            "sources": [{"node": "0"}],
            "branches": pl.DataFrame(
                {
                    "branch_id": [f"B{at}" for at in range(count)],
                    "from_node": [str(at) for at in tail],
                    "to_node": [str(at + 1) for at in range(count)],
                    "kind": kinds,
                    "feeder_id": "F",
                }
            ),
            "transformers": pl.DataFrame(
                {"transformer_id": [f"T{at}" for at in range(count)], "node": [str(at + 1) for at in range(count)]}
            ),
        }
    )
    begun = time.process_time()
    assert len(n_minus_1(net.energise()).sections) == count
    assert time.process_time() - begun < 10


CURVE = [
    {"class": "all", "hour": 9, "factor": 1.5},
    {"class": "市区", "hour": 20, "factor": 2.0},
    {"class": "市区", "hour": 9, "factor": 0.5},
]


@pytest.mark.parametrize(
    ("rules", "transfer", "rating"),
    [
        ({"planning_load": "typical"}, 45.0, 95.0),
        ({"planning_load": "worst_hour"}, 45.0, 45.0 + 100.0),  # 175 A at eight in the evening, 137.5 A at nine
        ({}, 1.5 * 45.0, 1.5 * 45.0 + 100.0),
        ({"manual_min": 60.0}, 1.3 * 1.5 * 45.0, 1.3 * 1.5 * 45.0 + 100.0),
    ],
)
def test_the_load_is_that_of_the_setting_and_of_those_who_were_off(
    rules: dict[str, float], transfer: float, rating: float
) -> None:
    """T14 is urban, with its highest hour at eight in the evening; all others have theirs at nine."""
    diagram = TWO.replace("T14 @ 14 load_kw=50", "T14 @ 14 load_kw=50 region_class=urban")
    settings = {"restoration": {**RULES["restoration"], **rules}}
    for short in (0.0, 4.0):
        net = Network.from_text(diagram.format(rating=rating - short), {"load_profile": CURVE}, settings)
        result = n_minus_1(net.energise())
        first = {section.branch_id: section for section in result.sections}["L1"]
        assert first.transfer_a == pytest.approx(transfer)
        assert first.passes == (short == 0.0)
        said = " ".join(each.in_language("en") for each in result.assumed)
        assert "planning_load" in said
        assert ("1.3 times" in said) == ("manual_min" in rules)


def test_a_section_fails_where_the_plan_for_a_fault_there_leaves_somebody_off() -> None:
    """The same engine and the same load: what N-1 misses is what a plan without a moment leaves off."""
    for rating in (100.0, 150.0, 170.0):
        net = Network.from_text(TWO.format(rating=rating), {"load_profile": CURVE}, RULES)
        for section in n_minus_1(net.energise()).sections:
            plan = restore(net.energise(), section.branch_id, objective="kw")
            short = sum(short.kw for short in plan.missing if short.reason == "limit")
            assert section.missing_a == pytest.approx(short)
