"""Who stays off once the faults that signals tell of are isolated, as listed and as is to be expected."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from fudian import Utility
from network import Network
from repair import fault_area

NOON = datetime(2022, 7, 20, 12)


def rows(*words: str) -> list[dict[str, Any]]:
    """Return rows of the signals table; ``seen`` and ``none`` are fault currents."""
    found = []
    for word in words:
        object_, object_id, kind, after = word.split()
        value = {"seen": 1.0, "none": 0.0}.get(kind)
        kind = kind if value is None else "fault_current"
        time = NOON + timedelta(minutes=float(after))
        found.append({"time": time, "object": object_, "object_id": object_id, "kind": kind, "value": value})
    return found


@pytest.fixture
def utility() -> Utility:
    """K1 feeds T1 before the switch S1, T2 and T3 beyond it; D1 hangs on T1 and on T3."""
    net = Network.from_text(
        "=S -[K1]- 0 -L1- 1 -(S1)- 2 -L2- 3 -L3- 4; T1(10) @ 1; T2(20) @ 3; T3(5) @ 4",
        {"sensors": [{"branch_id": "K1", "kind": "flag"}, {"branch_id": "S1", "kind": "flag"}]},
    )
    both = {"customer_id": "D1", "transformer_id": "T1", "second_transformer_id": "T3"}
    return Utility(net.workspace.with_table("customers", [*net.customers.to_dicts(), both]))


OFF = ("branch K1 trip 0", *(f"transformer T{i} off 1" for i in (1, 2, 3)))


def test_a_flag_beyond_the_switch_brings_back_who_hangs_before_it(utility: Utility) -> None:
    answer = utility.affected(signals=rows(*OFF, "branch S1 seen 0", "branch K1 seen 0"))
    told = answer.as_dict()
    after = told["after_isolation"]
    assert (told["customers"], after["customers"]) == (36, 25)
    assert after["transformers"] == ["T2", "T3"]
    (section,) = after["sections"]
    assert section["isolated_by"] == ["S1"]
    located = utility.locate(rows(*OFF, "branch S1 seen 0", "branch K1 seen 0")).location
    assert section["branches"] == list(located.ranked[0].branches)
    assert section["probability"] == pytest.approx(located.ranked[0].probability)


@pytest.mark.parametrize("flags", [(), ("branch S1 seen 0",), ("branch K1 seen 0", "branch S1 none 0")])
def test_the_expected_number_is_the_sum_over_sections_and_users(utility: Utility, flags: tuple[str, ...]) -> None:
    answer = utility.affected(signals=rows(*OFF, *flags))
    told = answer.as_dict()
    sure = told["sure"]
    single = {"T1": 10, "T2": 20, "T3": 5}
    expected = sum(sure[name] * count for name, count in single.items()) + sure["T1"] * sure["T3"]
    assert told["expected_customers"] == pytest.approx(expected)
    located = utility.locate(rows(*OFF, *flags)).location
    stays = dict.fromkeys(single, 0.0)
    for section in located.ranked:
        kept = fault_area(utility.normal, section.branches[0]).after.hit.transformers
        for name in kept:
            stays[name] += section.probability * sure[name]
    expected = sum(stays[name] * count for name, count in single.items()) + stays["T1"] * stays["T3"]
    assert told["after_isolation"]["expected_customers"] == pytest.approx(expected)


def test_single_users_stay_as_they_are(utility: Utility) -> None:
    words = ("transformer T2 off 0", "transformer T1 read 1", "transformer T3 read 1")
    told = utility.affected(signals=rows(*words)).as_dict()
    after = told["after_isolation"]
    assert (told["transformers"], after["transformers"], after["sections"]) == (["T2"], ["T2"], [])


def test_every_customer_of_the_list_carries_how_sure_it_is(utility: Utility) -> None:
    answer = utility.affected(signals=rows(*OFF))
    sure = answer.as_dict()["sure"]
    listed = answer.table()
    assert listed.height == 36
    of = dict(listed.select("customer_id", "sure").iter_rows())
    assert of["D1"] == pytest.approx(sure["T1"] * sure["T3"])
    alone = listed.filter(pl.col("customer_id") != "D1")
    assert all(row["sure"] == pytest.approx(sure[row["transformer_id"]]) for row in alone.iter_rows(named=True))
    assert "sure" not in utility.affected(open="K1").table().columns
