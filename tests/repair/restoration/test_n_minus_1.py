"""The N-1 test by hand and against the plans."""

from __future__ import annotations

import pytest

from network import Network
from reliability.statistics import Statistics
from repair.restoration.grid_figures import grid_figures
from repair.restoration.n_minus_1 import NMinus1, n_minus_1

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
    by_branch = {each.branch_id: each for each in result.sections}
    assert set(by_branch) == {"L1", "L2", "L3", "L11"}
    assert by_branch["L1"].transfer_a == pytest.approx(45)
    assert by_branch["L1"].missing_a == pytest.approx(missing)
    assert by_branch["L2"].transfer_a == pytest.approx(30)
    assert by_branch["L2"].stranded_a == pytest.approx(5)
    assert by_branch["L2"].missing_a == pytest.approx(0)
    feeders = {each["feeder_id"]: each for each in result.as_dict()["feeders"]}
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
    missing = {each.branch_id: each.missing_a for each in result.sections}
    assert missing == {"L11": pytest.approx(0), "K1": pytest.approx(40), "S1": pytest.approx(0)}
    assert {each["feeder_id"]: each["passes"] for each in result.as_dict()["feeders"]} == {"A": False, "B": True}


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
