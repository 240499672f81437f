"""Records as they come: one outage in several rows (R1.18), users that were moved (R1.19), stages that repeat themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from network import Network, network_from_tables
from reliability import Period, indices
from reliability.engines import ENGINES, from_engine
from reliability.query import Query
from reliability.statistics import Statistics
from tests.reliability.records import bus, statistics
from tests.reliability.test_ledger import MARCH, outage

YEAR = Period.year(2022)
LINE = "=S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4; T1 @ 1; T2 @ 2; T3 @ 4"


def figures(county: Statistics, **query: Any) -> dict[str, Any]:
    return county.indices(Query(YEAR, **query)).row(0, named=True)


def test_the_rows_of_one_outage_are_one_event() -> None:
    """Three transformers off for one hour, one and a half, and two and a half: five hours, one event."""
    ends = (9, 9.5, 10.5)
    county = statistics(
        bus(4) | {"outages": [outage("A", 8, end, transformer_id=f"T{i}") for i, end in enumerate(ends)]}
    )
    row = figures(county)
    assert county.net.workspace.errors == ()
    assert (row["CH"], row["CI"], row["CN"], row["MIC"], row["MID"]) == (5, 3, 3, 3, 2.5)
    assert [ledger_row["user_id"] for ledger_row in county.ledger_rows(Query(YEAR), event="A")] == ["T0", "T1", "T2"]
    basis = county.basis(Query(YEAR))
    assert (basis["outages_in_period"], basis["outages_that_cut_off_nobody"]) == (1, 0)


def test_parts_of_one_outage_that_overlap_count_once() -> None:
    rows = [
        outage("A", 8, 10, branch_id="S1"),
        outage("A", 8, 9, branch_id="K1"),
        outage("A", 8, 11, transformer_id="T3"),
    ]
    county = Statistics(Network.from_text(LINE, {"outages": rows}))
    assert (figures(county)["CH"], figures(county)["CI"]) == (1 + 1 + 3, 3)


def test_rows_of_numbers_of_one_outage_add_up() -> None:
    rows = [
        outage("A", 8, 10, users=30, region_class="urban"),
        outage("A", 8, 9, users=10, region_class="rural"),
    ]
    tables = {"outages": rows, "population": [{"region_class": name, "users": 100} for name in ("urban", "rural")]}
    row = figures(Statistics(network_from_tables(tables)))
    assert (row["CH"], row["CI"], row["N_T"], row["MIC"]) == (70, 40, 200, 40)


def test_a_stage_belongs_to_every_part_of_its_outage() -> None:
    rows = [outage("A", 8, 12, transformer_id="T1"), outage("A", 8, 12, branch_id="S1")]
    stages = [{"outage_id": "A", "restored_at": MARCH + timedelta(hours=9), "branch_id": "K1"}]
    county = Statistics(Network.from_text(LINE, {"outages": rows, "stages": stages}))
    assert figures(county)["CH"] == 2


def moved(first: str, second: str, at: datetime, **service: Any) -> dict[str, list[dict[str, Any]]]:
    """Return two transformers with a customer each, and one customer that was moved from one to the other."""
    return bus(2) | {
        "customers": [
            {"customer_id": "C", "transformer_id": first, "retired": at},
            {"customer_id": "C", "transformer_id": second, "in_service": at} | service,
            {"customer_id": "D", "transformer_id": "T0"},
            {"customer_id": "E", "transformer_id": "T1"},
        ]
    }


JUNE = datetime(2022, 6, 1)


@pytest.mark.parametrize("engine", [each for each in ENGINES if each != "spark"])
def test_a_moved_customer_is_one_user_off_where_it_hung(engine: str) -> None:
    """C hangs on T0 until June, then on T1. T0 is off for 4 h in March and 3 h in July, T1 for 2 h in March and 5 in July."""
    morning = timedelta(hours=8)
    july = JUNE + timedelta(days=30) + morning
    spans = [("A", MARCH + morning, 4, "T0"), ("B", MARCH + morning + timedelta(days=1), 2, "T1"), ("P", july, 3, "T0"),
             ("Q", july + timedelta(days=1), 5, "T1")]  # fmt: skip
    rows = [
        {
            "outage_id": name,
            "start": start,
            "end": start + timedelta(hours=hours),
            "nature": "F-INT",
            "transformer_id": of,
        }
        for name, start, hours, of in spans
    ]
    county = Statistics(network_from_tables(moved("T0", "T1", JUNE) | {"outages": rows}))
    assert county.net.workspace.errors == ()
    row = county.indices(Query(YEAR, level="lv"), engine).row(0, named=True)
    assert (row["N_T"], row["CN"]) == (pytest.approx(3), 3)
    assert (row["CH"], row["CI"]) == ((4 + 5) + (4 + 3) + (2 + 5), 6)
    own = county.ledger_rows(Query(YEAR, level="lv"), customer="C")
    assert [(each["outage_id"], each["h"]) for each in own] == [("A", 4), ("Q", 5)]


def test_an_outage_across_the_move_counts_what_each_place_lost() -> None:
    """T0 is off from 22:00 to 02:00, T1 from 23:00 to 03:00; C moves at midnight: two hours and three, one interruption."""
    rows = [outage("A", -2, 2, transformer_id="T0"), outage("B", -1, 3, transformer_id="T1")]
    county = Statistics(network_from_tables(moved("T0", "T1", MARCH) | {"outages": rows}))
    own = [
        ledger_row for ledger_row in county.ledger_rows(Query(YEAR, level="lv"), customer="C") if ledger_row["counted"]
    ]
    assert [(each["outage_id"], each["h"], each["count"]) for each in own] == [("A", 2, 1), ("B", 3, 0)]


def test_a_customer_that_was_away_between_two_places_begins_anew() -> None:
    rows = [outage("B", -1, 3, transformer_id="T1")]
    tables = moved("T0", "T1", MARCH - timedelta(days=1)) | {"outages": rows}
    tables["customers"][1]["in_service"] = MARCH
    county = Statistics(network_from_tables(tables))
    own = county.ledger_rows(Query(YEAR, level="lv"), customer="C")
    assert [(each["h"], each["reason_code"]) for each in own] == [(0, "not_in_service")]


def test_a_moved_transformer_takes_its_customers_along() -> None:
    """T hangs behind B0 until June, then behind B1; its two customers with it."""
    tables = bus(2)
    tables["transformers"] = [
        {"transformer_id": "T", "node": "N0", "retired": JUNE},
        {"transformer_id": "T", "node": "N1", "in_service": JUNE},
    ]
    tables["customers"] = [{"customer_id": f"C{i}", "transformer_id": "T"} for i in range(2)]
    later = {"start": JUNE + timedelta(days=1), "end": JUNE + timedelta(days=1, hours=3), "nature": "F-INT"}
    tables["outages"] = [
        outage("A", 0, 1, branch_id="B0"), outage("B", 5, 7, branch_id="B1"),
        {"outage_id": "P", "branch_id": "B0"} | later, {"outage_id": "Q", "branch_id": "B1"} | later,
    ]  # fmt: skip
    switching = [
        {"time": MARCH + timedelta(hours=hour), "branch_id": branch, "action": action}
        for branch, hour, action in (("B0", 0, "open"), ("B0", 1, "close"), ("B1", 5, "open"), ("B1", 7, "close"))
    ]
    county = Statistics(network_from_tables(tables | {"switching": switching}))
    assert county.net.workspace.errors == ()
    for level, users in (("mv", 1), ("lv", 2)):
        row = figures(county, level=level)
        assert (row["N_T"], row["CN"]) == (pytest.approx(users), users)
        assert (row["CH"], row["CI"]) == (users * (1 + 3), users * 2)
        assert figures(county, level=level, source="switching")["CH"] == users
        nobody = county.ledger(Query(YEAR, level=level)).filter(exclusion="nobody_off")["outage_id"].sort().to_list()
        assert nobody == ["B", "P"]
    for moment, branch, other in ((MARCH, "B0", "B1"), (JUNE, "B1", "B0")):
        supply = county.net.in_service(moment).energise()
        assert supply.below(branch).customers == ["C0", "C1"]
        assert (supply.below(branch).transformers, supply.below(other).transformers) == (["T"], [])


def test_figures_of_moved_users_are_the_same_from_frames() -> None:
    tables = moved("T0", "T1", JUNE) | {"outages": [outage("A", 0, 4, transformer_id="T0")]}
    county = Statistics(network_from_tables(tables))
    frames = county.interruptions("lv"), county.population("lv")
    found = from_engine(indices(frames[0].to_pandas(), frames[1].to_pandas(), (), YEAR)).row(0, named=True)
    assert (found["CH"], found["N_T"]) == (8, pytest.approx(3))
    assert frames[1].filter(pl.col("user_id") == "C")["continues"].to_list() == [False, True]
