"""Records that count otherwise than they seem to: named by ``check``, and said where the figure stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest

from network import Network, network_from_tables
from reliability import Period, indices
from reliability.population_table import with_exclusive_ends
from reliability.query import Query
from reliability.record_checks import record_problems
from reliability.statistics import Statistics
from tests.reliability.records import bus
from tests.reliability.test_ledger import outage

YEAR = Query(Period.year(2022))


def county(settings: dict[str, Any] | None = None, **tables: Any) -> Statistics:
    return Statistics(network_from_tables(tables, {"reliability": settings or {}}))


def numbers(users: int = 5, region: str = "urban", outage_id: str = "O") -> dict[str, object]:
    return outage(outage_id, 8, 10, users=users, region_class=region)


def stated(users: int, begin: str | None = None, end: str | None = None, region: str = "urban") -> dict[str, Any]:
    return {"region_class": region, "users": users, "from": begin, "to": end}


def said(statistics: Statistics) -> list[tuple[str, str | None, str]]:
    return [(problem.table, problem.object_id, str(problem.message)) for problem in record_problems(statistics)]


# Stated numbers of users (R1.23) ------------------------------------------------------------------------------------


def test_a_class_whose_users_are_stated_too_late_is_named_and_said_beside_the_figure() -> None:
    found = county(outages=[numbers()], population=[stated(100, "2022-07-01")])
    basis = found.basis(YEAR)
    assert (basis["outages_used"], basis["outages_not_counted"]) == (0, {"no_population": 1})
    ((table, outage_id, message),) = said(found)
    assert (table, outage_id) == ("outages", "O")
    assert "not counted" in message


def test_a_class_without_any_users_is_named() -> None:
    records = [numbers(), numbers(region="rural", outage_id="P")]
    found = county(outages=records, population=[stated(100)])
    basis = found.basis(YEAR)
    assert (basis["outages_used"], basis["outages_in_period"]) == (1, 1)
    assert basis["outages_not_counted"] == {"no_population": 1}
    assert [each[:2] for each in said(found)] == [("outages", "P")]


HALVES = [("2022-01-01", "2022-06-30"), ("2022-07-01", "2022-12-31")]


@pytest.mark.parametrize(
    ("rows", "ends", "users"),
    [
        (HALVES, "auto", 100),
        ([("2022-01-01", "2022-07-01"), ("2022-07-01", "2023-01-01")], "auto", 100),
        ([("2022-01-01", "2022-06-30 23:59:59"), ("2022-07-01", "2022-12-31 23:59")], "auto", 100),
        ([("2022-01-01", "2022-12-31")], "auto", 100),
        ([("2022-01-01", "2022-06-15"), ("2022-06-16", "2022-12-15")], "auto", 100 * 349 / 365),
        (HALVES, "exclusive", 100 * 363 / 365),
        ([("2022-01-01", "2022-07-15")], "inclusive", 100 * 196 / 365),
        ([("2022-01-01", "2022-07-15")], "auto", 100 * 195 / 365),
        ([(None, "2022-06-30"), ("2022-08-01", None)], "auto", 100 * 334 / 365),
    ],
)  # fmt: skip
def test_last_days_leave_no_gap(rows: list[tuple[str | None, str | None]], ends: str, users: float) -> None:
    table = [stated(100, *row) for row in rows]
    found = county({"population_ends": ends}, outages=[numbers()], population=table)
    assert found.indices(YEAR)["N_T"].item() == pytest.approx(users)
    read = found.net.workspace.tables["population"]
    raw = indices(found.interruptions(), read, (), YEAR.period, found.settings)
    assert raw["N_T"].item() == pytest.approx(users)
    assert with_exclusive_ends(with_exclusive_ends(read, ends), "exclusive").height == len(rows)


def test_an_outage_on_the_last_day_counts() -> None:
    record = {"outage_id": "O", "start": datetime(2022, 6, 30, 8), "end": datetime(2022, 6, 30, 10), "nature": "F-INT",
              "users": 5, "region_class": "urban"}  # fmt: skip
    found = county(outages=[record], population=[stated(100, *row) for row in HALVES])
    assert found.indices(YEAR)["CH"].item() == 10
    assert [(table, message[:15]) for table, _, message in said(found)] == [("population", "Ends such as 20")]


def test_a_real_gap_is_named() -> None:
    found = county(outages=[numbers()], population=[stated(1, None, "2022-03-31"), stated(1, "2022-08-01")])
    messages = [message for table, _, message in said(found) if table == "population"]
    assert any("from 2022-04-01 00:00:00 to 2022-08-01" in message for message in messages)


def test_stated_users_beside_a_network_are_not_used_and_that_is_said() -> None:
    found = county(**bus(10), outages=[outage("A", 8, 9)], population=[stated(100)])
    assert found.indices(YEAR)["N_T"].item() == 10
    assert [each[0] for each in said(found)] == ["population"]


def test_more_users_than_the_network_has_are_named() -> None:
    attributes = [{"region_class": "urban"}] * 10
    found = county(**bus(10, attributes), outages=[numbers(300)])
    assert [each[:2] for each in said(found)] == [("outages", "O")]
    assert "only 10 transformers" in said(found)[0][2]
    assert said(county(**bus(10, attributes), outages=[numbers(10)])) == []


def test_more_users_than_there_are_count_as_stated_and_that_stands_beside_the_figure() -> None:
    """A network of ten transformers, and ten users by population."""
    attributes = [{"region_class": "urban"}] * 10
    for there in (bus(10, attributes), {"population": [stated(10)]}):
        found = county(**there, outages=[numbers(300)])
        assert found.indices(YEAR)["CH"].item() == 600
        assert found.basis(YEAR)["outages_with_more_users_than_there_are"] == 1
        assert found.basis(Query(Period.year(2021)))["outages_with_more_users_than_there_are"] == 0
        assert county(**there, outages=[numbers(10)]).basis(YEAR)["outages_with_more_users_than_there_are"] == 0


def test_a_record_of_mere_numbers_at_low_voltage_is_said_beside_the_figure() -> None:
    tables = bus(2, [{"region_class": "urban"}] * 2) | {"customers": [{"customer_id": "C", "transformer_id": "T0"}]}
    basis = county(**tables, outages=[numbers(1)]).basis(Query(YEAR.period, level="lv"))
    assert (basis["outages_used"], basis["outages_not_counted"]) == (0, {"low_voltage_unknown": 1})


@pytest.mark.parametrize(("users", "fits"), [(1, True), (3, True), (2, False)])
def test_users_beside_a_place_are_compared_with_it(users: int, fits: bool) -> None:
    tables = bus(2) | {"customers": [{"customer_id": f"C{i}", "transformer_id": "T0"} for i in range(3)]}
    found = county(**tables, outages=[outage("A", 8, 10, transformer_id="T0", users=users)])
    assert found.indices(YEAR)["CH"].item() == 2
    assert [message for _, _, message in said(found)] == (
        [] if fits else [f"By the network 1 / 3 users hang there, not {users}"]
    )


# Stages (R1.8) ------------------------------------------------------------------------------------------------------

LINE = "=S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4; T1 @ 1; T2 @ 2; T3 @ 4"


def with_stages(*stages: tuple[str, str, str]) -> Statistics:
    """Return one outage of K1 from 8 to 12; a stage is a column, its id and the time."""
    rows = [{"outage_id": "A", column: part, "restored_at": f"2022-03-01 {time}"} for column, part, time in stages]
    tables = {"outages": [outage("A", 8, 12, branch_id="K1")], "stages": rows}
    return Statistics(Network.from_text(LINE, tables))


def test_a_transformer_that_comes_back_several_times_is_named() -> None:
    found = with_stages(*(("transformer_id", "T2", f"{hour:02}:00") for hour in (10, 9, 11)))
    problems = record_problems(found)
    assert [(problem.table, problem.row, problem.object_id) for problem in problems] == [
        ("stages", 2, "A"),
        ("stages", 4, "A"),
    ]
    assert all("T2" in str(problem.message) and "09:00" in str(problem.message) for problem in problems)
    assert found.indices(YEAR)["CH"].item() == 4 + 1 + 4


def test_the_rest_of_a_part_may_come_back_later_but_not_a_part_of_what_is_back() -> None:
    natural = with_stages(("branch_id", "S1", "09:00"), ("branch_id", "L1", "10:00"))
    assert record_problems(natural) == []
    assert natural.indices(YEAR)["CH"].item() == 4 + 2 + 1
    backwards = with_stages(("branch_id", "L1", "09:00"), ("branch_id", "S1", "10:00"))
    assert [problem.row for problem in record_problems(backwards)] == [3]


# Open ends (R1.20) --------------------------------------------------------------------------------------------------


def test_outages_open_for_long_are_named() -> None:
    records = [outage("A", 8, 9), outage("B", 8, None), outage("C", 24 * 40, 24 * 40 + 1)]
    found = county(**bus(1), outages=records)
    assert [(each[0], each[1]) for each in said(found)] == [("outages", "B")]
    assert "30 days" in said(found)[0][2]
    assert said(county({"open_warning_days": 60}, **bus(1), outages=records)) == []


def test_a_table_without_any_end_is_one_line() -> None:
    records = [outage("A", 8, None), outage("B", 24 * 40, None)]
    for table in (records, [{name: row[name] for name in row if name != "end"} for row in records]):
        ((_, outage_id, message),) = said(county(**bus(1), outages=table))
        assert outage_id is None
        assert "No outage has an end" in message


def test_an_unreadable_end_is_left_out_and_not_open() -> None:
    found = county(**bus(1), outages=pl.DataFrame([outage("A", 8, 9)]).with_columns(end=pl.lit("soon")))
    assert found.net.workspace.tables["outages"].is_empty()
    assert [problem.column for problem in found.net.workspace.errors] == ["end"]
