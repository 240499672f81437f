"""Planned outages that could have been avoided: each way counted by hand, merging beside every pair of outages."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from network import network_from_tables
from reliability.period import Period
from reliability.statistics import Statistics
from repair.planned.avoidable import Avoidable, avoidable
from repair.planned.plan_desk import PlanDesk
from tests.costly import costly
from tests.reliability.records import bus

AS_OF = datetime(2022, 1, 1)
YEAR = Period.year(2021)


def asked(tables: dict[str, Any], most: int = 100, **planned: Any) -> Avoidable:
    statistics = Statistics(network_from_tables(tables, {"planned": planned}))
    return avoidable(PlanDesk.of(statistics, as_of=AS_OF), statistics.query(YEAR, as_of=AS_OF), most)


def work(number: int, start: datetime, hours: float, cause: str = "检修", **place: Any) -> dict[str, Any]:
    return {"outage_id": f"E{number}", "start": start, "end": start + timedelta(hours=hours), "nature": "P-PLAN-MAINT",
            "cause": cause, **place}  # fmt: skip


RING = {
    "sources": [{"node": "S1"}, {"node": "S2"}],
    "branches": [
        {"branch_id": "K1", "from_node": "S1", "to_node": "A", "kind": "breaker"},
        {"branch_id": "K2", "from_node": "A", "to_node": "B", "kind": "switch"},
        {"branch_id": "K3", "from_node": "B", "to_node": "C", "kind": "switch"},
        {"branch_id": "T1", "from_node": "C", "to_node": "D", "kind": "switch", "normally_open": True},
        {"branch_id": "K4", "from_node": "S2", "to_node": "D", "kind": "breaker"},
    ],
    "transformers": [{"transformer_id": name, "node": name[1:], "unit": "甲所"} for name in ("TA", "TB", "TC", "TD")],
}  # fmt: skip
"""S1 -K1- A -K2- B -K3- C ..T1.. D -K4- S2: what lies beyond work at B can be fed from the other source."""


def test_users_beyond_the_work_could_have_been_fed_over_the_tie() -> None:
    found = asked({**RING, "outages": [work(1, datetime(2021, 5, 4, 8), 4, branch_id="K2")]})
    (each,) = found.outages
    assert each.users == 2
    assert each.ch == pytest.approx(8)
    assert each.transfer_ch == pytest.approx(4 - 10 / 60)  # TC, but for five minutes there and five back
    assert each.avoidable_ch == each.transfer_ch
    assert each.ways == ("transfer",)
    assert (each.unit, each.place) == ("甲所", "K2")
    assert found.totals["transfer"] == (1, each.transfer_ch)
    untried = asked({**RING, "outages": [work(1, datetime(2021, 5, 4, 8), 4, branch_id="K2")]}, most=0)
    assert untried.outages[0].transfer_ch is None
    assert "0 of 1" in str(untried.notes[-1])


def test_an_item_named_by_the_plan_or_its_words_saves_all_and_a_late_notice_is_told() -> None:
    start = datetime(2021, 5, 4, 8)
    plan = {"plan_id": "P1", "start": start - timedelta(hours=1), "end": start + timedelta(hours=3), "transformer_id": "T0",
            "work": "更换熔断器", "notified_at": start - timedelta(days=2)}  # fmt: skip
    elsewhere = plan | {"plan_id": "P2", "transformer_id": "T1", "notified_at": start - timedelta(days=30)}
    found = asked(
        {**bus(2), "plans": [plan, elsewhere],
         "outages": [work(1, start, 3, transformer_id="T0"), work(2, start + timedelta(days=60), 2, "接火", transformer_id="T1")]}
    )  # fmt: skip
    first, second = found.outages
    assert (first.plan_id, first.live_item, first.live_ch, first.avoidable_ch) == ("P1", 10, 3.0, 3.0)
    assert (first.notice_lead_h, first.notice_ch) == (48.0, 3.0)
    assert first.ways == ("live", "notice")
    assert (second.plan_id, second.live_item, second.live_ch, second.notice_lead_h) == (None, 9, 2.0, None)
    assert second.notice_ch == 0.0  # not recorded is not missed
    told = found.as_dict("zh")
    assert told["avoidable_ch"] == pytest.approx(5)
    assert told["totals"]["notice"]["outages"] == 1


def test_two_outages_of_the_same_users_within_thirty_days_could_have_been_one() -> None:
    first = datetime(2020, 12, 20, 8)  # of the year before: it is a partner, and no row
    found = asked(
        {**bus(3), "outages": [
            work(1, first, 2, transformer_id="T0"),
            work(2, first + timedelta(days=20), 5, transformer_id="T0"),
            work(3, first + timedelta(days=51), 5, transformer_id="T0"),
            work(4, first + timedelta(days=52), 1, transformer_id="T1"),
        ]}
    )  # fmt: skip
    by_id = {outage.outage_id: outage for outage in found.outages}
    assert set(by_id) == {"E2", "E3", "E4"}
    assert (by_id["E2"].merge_with, by_id["E2"].merge_ch) == ("E1", 2.0)
    assert (by_id["E3"].merge_with, by_id["E3"].merge_ch) == (None, 0.0)  # thirty-one days after
    assert found.outages[0] is by_id["E2"]


spells = st.lists(st.tuples(st.integers(0, 80), st.integers(1, 9), st.sampled_from(["T0", "T1", "F0"])), max_size=7)


@costly(60)
@given(spells, st.integers(1, 40))
def test_merging_is_what_trying_every_pair_finds(cases: list[tuple[int, int, str]], window: int) -> None:
    tables = bus(3, [{"feeder_id": "F0"}, {"feeder_id": "F0"}, {}])
    tables["branches"] = [row | {"feeder_id": "F0"} if n < 2 else row for n, row in enumerate(tables["branches"])]
    rows = []
    for number, (day, hours, place) in enumerate(dict.fromkeys(cases)):
        name = {"feeder_id": place} if place == "F0" else {"transformer_id": place}
        start = datetime(2021, 3, 1, number % 3) + timedelta(days=day, hours=3 * (number // 3))
        rows.append(work(number, start, hours / 60, **name))
    assume(rows)
    found = asked({**tables, "outages": rows}, most=0, merge_window_days=window)
    users = {row["outage_id"]: {"T0", "T1"} if row.get("feeder_id") else {row["transformer_id"]} for row in rows}
    length = {row["outage_id"]: (row["end"] - row["start"]) / timedelta(hours=1) for row in rows}
    begun = {row["outage_id"]: row["start"] for row in rows}
    for outage in found.outages:
        saved = [
            len(users[outage.outage_id] & users[other]) * min(length[outage.outage_id], length[other])
            for other in users
            if timedelta(0) < begun[outage.outage_id] - begun[other] < timedelta(days=window)
        ]
        assert outage.merge_ch == pytest.approx(max(saved, default=0.0))
        assert outage.avoidable_ch == pytest.approx(outage.merge_ch)
