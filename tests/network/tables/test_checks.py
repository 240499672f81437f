"""Rules between values: one test for each mishap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from network.problems import Problem
from network.tables.schema import TABLES
from network.tables.table_form import ROW
from network.tables.workspace import Workspace, workspace

START, END = datetime(2022, 7, 20, 8, 5), datetime(2022, 7, 20, 9, 5)
GRID: dict[str, list[dict[str, Any]]] = {
    "sources": [{"node": "S"}],
    "branches": [
        {"branch_id": "B1", "from_node": "S", "to_node": "N1", "kind": "breaker", "feeder_id": "F1"},
        {"branch_id": "B2", "from_node": "N1", "to_node": "N2", "kind": "line", "feeder_id": "F1"},
    ],
    "transformers": [
        {"transformer_id": "T1", "node": "N1", "feeder_id": "F2"},
        {"transformer_id": "T2", "node": "N2", "feeder_id": None},
    ],
    "customers": [{"customer_id": "C1", "transformer_id": "T1"}],
}
OUTAGE = {"outage_id": "O1", "start": START, "end": END, "nature": "F-INT", "branch_id": "B2"}


def checked(**tables: list[dict[str, Any]]) -> Workspace:
    return workspace({**GRID, **tables})


def only(result: Workspace) -> Problem:
    assert len(result.problems) == 1, [problem.line() for problem in result.problems]
    return result.problems[0]


def outage(**values: object) -> dict[str, Any]:
    return {**OUTAGE, **values}


def of(subject: str | None, value: object = None, **values: object) -> dict[str, Any]:
    """An outage that lost what ``subject`` names."""
    record = {**OUTAGE, "branch_id": None, **values}
    return record if subject is None else {**record, subject: value}


def kept(result: Workspace, table: str = "outages", column: str = "outage_id") -> list[Any]:
    return result.tables[table][column].to_list()


def test_a_good_workspace_has_no_problems() -> None:
    result = checked(
        outages=[
            outage(),
            of("feeder_id", "F1", outage_id="O2"),
            of("feeder_id", "F2", outage_id="O3"),
            of("transformer_id", "T1", outage_id="O4"),
            of("customer_id", "C1", outage_id="O5", end=None),
            of("users", 12, outage_id="O6", region_class="urban"),
        ],
        stages=[{"outage_id": "O1", "restored_at": START, "transformer_id": "T2"}],
        population=[{"region_class": "urban", "users": 100}],
        switching=[{"time": START, "branch_id": "B1", "action": "open"}],
        signals=[
            {"time": START, "object": "branch", "object_id": "B1", "kind": "fault_current", "value": -1},
            {"time": START, "object": "branch", "object_id": "B1", "kind": "fault_current", "value": None},
            {"time": START, "object": "customer", "object_id": "C1", "kind": "off", "value": 7},
        ],
        sensors=[{"branch_id": "B1", "kind": "ftu", "miss_rate": 0.1, "false_rate": 1.0}],
    )
    assert result.problems == ()
    assert len(kept(result)) == 6


def test_repeated_row_is_left_out_with_a_warning() -> None:
    result = checked(outages=[outage(), outage()])
    assert result.tables["outages"][ROW].to_list() == [2]
    problem = only(result)
    assert (problem.severity, problem.row, problem.object_id) == ("warning", 3, "O1")


def test_same_id_with_other_content_is_an_error_naming_the_first_row() -> None:
    result = checked(outages=[outage(outage_id="O0"), outage(), outage(end=None), outage()])
    assert result.tables["outages"][ROW].to_list() == [2, 3]
    assert [(problem.severity, problem.row) for problem in result.problems] == [("error", 4), ("warning", 5)]
    error = result.errors[0]
    assert "Row 3 gives the same part" in str(error.message)
    assert (error.column, error.value, error.object_id) == ("outage_id", "O1", "O1")


def test_repeats_in_tables_without_key() -> None:
    stage = {"outage_id": "O1", "restored_at": START, "transformer_id": "T2"}
    signal = {"time": START, "object": "branch", "object_id": "B1", "kind": "trip"}
    result = checked(outages=[outage()], stages=[stage, stage], signals=[signal, signal])
    assert result.tables["stages"].height == 1
    assert result.tables["signals"].height == 2
    assert (only(result).severity, only(result).table) == ("warning", "stages")


def test_branch_with_both_ends_at_one_node() -> None:
    result = checked(
        branches=[*GRID["branches"], {"branch_id": "B3", "from_node": "N2", "to_node": "N2", "kind": "line"}]
    )
    assert kept(result, "branches", "branch_id") == ["B1", "B2"]
    assert (only(result).severity, only(result).row, only(result).object_id) == ("error", 4, "B3")


def test_end_before_start() -> None:
    result = checked(outages=[outage(end=START - timedelta(minutes=1))])
    assert kept(result) == []
    problem = only(result)
    assert (problem.severity, problem.row, problem.column, problem.value) == ("error", 2, "end", "2022-07-20 08:04:00")


def test_a_rejected_row_claims_no_id() -> None:
    bad = {"end": START - timedelta(minutes=1)}, {"branch_id": "B9"}, {"branch_id": None}
    for values in bad:
        result = checked(outages=[outage(**values), outage()])
        assert result.tables["outages"][ROW].to_list() == [3]
        assert [problem.row for problem in result.errors] == [2]
    branches = [{"branch_id": "B", "from_node": "S", "to_node": "S", "kind": "line"}, *GRID["branches"]]
    result = checked(branches=[branches[0], branches[0] | {"to_node": "N1"}, *branches[1:]])
    assert kept(result, "branches", "branch_id") == ["B", "B1", "B2"]


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"end": START}, "end"),
        ({"end": START + timedelta(days=30, minutes=1)}, "end"),
        ({"start": datetime.now().replace(microsecond=0) + timedelta(days=2), "end": None}, "start"),
    ],
)
def test_odd_times_are_kept_with_a_warning(values: dict[str, object], column: str) -> None:
    result = checked(outages=[outage(**values)])
    assert kept(result) == ["O1"]
    assert (only(result).severity, only(result).column) == ("warning", column)


def test_thirty_days_are_not_too_long() -> None:
    assert checked(outages=[outage(end=START + timedelta(days=30))]).problems == ()


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (of(None), "does not say what"),
        (outage(transformer_id="T1"), "do not lie within each other"),
        (of("customer_id", "C1", transformer_id="T2"), "do not lie within each other"),
        (of("customer_id", "C1", feeder_id="F1"), "do not lie within each other"),
        (of("users", 3), "needs a region class"),
    ],
)
def test_records_that_do_not_say_what_lost_supply(record: dict[str, Any], said: str) -> None:
    result = checked(outages=[record])
    assert kept(result) == []
    assert only(result).severity == "error"
    assert said in str(only(result).message)


@pytest.mark.parametrize(
    ("named", "counts"),
    [
        ({"transformer_id": "T1", "feeder_id": "F2"}, "transformer_id"),
        ({"customer_id": "C1", "transformer_id": "T1", "feeder_id": "F2"}, "customer_id"),
        ({"branch_id": "B2", "feeder_id": "F1"}, "branch_id"),
        ({"transformer_id": "T2", "branch_id": "B1"}, "transformer_id"),
        ({"transformer_id": "T1", "users": 60}, "transformer_id"),
    ],
)
def test_of_several_places_the_most_specific_counts(named: dict[str, Any], counts: str) -> None:
    result = checked(outages=[of(None, **named)])
    assert result.problems == ()
    row = result.tables["outages"].row(0, named=True)
    places = ("customer_id", "transformer_id", "branch_id", "feeder_id")
    assert {name: row[name] for name in places if row[name] is not None} == {counts: named[counts]}
    assert row["users"] == named.get("users")


def test_a_feeder_or_transformer_may_be_called_by_its_name() -> None:
    feeders = [
        {"feeder_id": "F1", "name": "10kV East"},
        {"feeder_id": "F2", "name": "East"},
        {"feeder_id": "F3", "name": "East"},
    ]
    transformers = [GRID["transformers"][0] | {"name": "Market"}, GRID["transformers"][1]]
    result = checked(
        feeders=feeders,
        transformers=transformers,
        outages=[
            of("feeder_id", " 10kV East", outage_id="A"),
            of("transformer_id", "Market", outage_id="B"),
            of("feeder_id", "East", outage_id="C"),
        ],
    )
    assert result.tables["outages"].select("outage_id", "feeder_id", "transformer_id").rows() == [
        ("A", "F1", None), ("B", None, "T1"),
    ]  # fmt: skip
    assert [problem.column for problem in result.warnings] == ["feeder_id", "transformer_id"]
    assert "Market, which is T1" in str(result.warnings[1].message)
    assert [(problem.row, problem.value) for problem in result.errors] == [(4, "East")]


def test_a_feeder_that_is_not_known_hinders_no_record_of_something_more_specific() -> None:
    result = checked(
        outages=[of("transformer_id", "T1", feeder_id="far line"), of("feeder_id", "far line", outage_id="P")]
    )
    assert kept(result) == ["O1"]
    assert [(problem.severity, problem.row, problem.column) for problem in result.problems] == [
        ("warning", 2, "feeder_id"), ("error", 3, "feeder_id"),
    ]  # fmt: skip
    assert "1 rows name a feeder that is not known, such as far line" in str(result.problems[0].message)


def test_rows_of_one_outage_are_its_parts() -> None:
    at_once = [of("transformer_id", f"T{i}", start=START + timedelta(seconds=30 * i)) for i in (1, 2)]
    result = checked(outages=[*at_once, of("feeder_id", "F1")])
    assert (result.problems, kept(result)) == ((), ["O1"] * 3)
    numbers = [of("users", 5, region_class=region) for region in ("urban", "rural")]
    assert checked(outages=numbers).problems == ()


def test_a_number_of_users_that_names_no_place_is_no_part_beside_another_of_its_area_class() -> None:
    rows = [of("users", users, region_class="urban") for users in (2, 3, 3)]
    result = checked(outages=rows)
    assert result.tables["outages"]["users"].to_list() == [2]
    assert [(problem.severity, problem.row) for problem in result.problems] == [("error", 3), ("warning", 4)]


@pytest.mark.parametrize("table", ["customers", "transformers"])
@pytest.mark.parametrize("good_first", [False, True])
def test_a_row_that_hangs_on_nothing_takes_no_good_one_of_its_id_along(table: str, good_first: bool) -> None:
    key, hangs_on, known = {
        "customers": ("customer_id", "transformer_id", "T1"),
        "transformers": ("transformer_id", "node", "N2"),
    }[table]
    rows = [{key: "X1", hangs_on: "nowhere"}, {key: "X1", hangs_on: known}]
    others = [] if table == "customers" else GRID["transformers"]
    result = checked(**{table: [*others, *(rows[::-1] if good_first else rows)]})
    assert dict(result.tables[table].select(key, hangs_on).rows())["X1"] == known
    (error,) = [problem for problem in result.errors if problem.object_id == "X1" and problem.column == key]
    assert error.row == 2 + len(others) + good_first


def test_a_customer_that_nothing_better_is_told_of_stays() -> None:
    result = checked(
        customers=[{"customer_id": "C", "transformer_id": "T8"}, {"customer_id": "C", "transformer_id": "T9"}]
    )
    assert kept(result, "customers", "transformer_id") == ["T8"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"start": START + timedelta(minutes=2)}, "another start or nature"),
        ({"nature": "F-EXT"}, "another start or nature"),
        ({"transformer_id": "T1", "end": None}, "the same part"),
    ],
)
def test_rows_of_one_id_that_are_not_one_outage_are_named(values: dict[str, Any], said: str) -> None:
    result = checked(outages=[of("transformer_id", "T1"), of("transformer_id", "T2") | values])
    assert result.tables["outages"][ROW].to_list() == [2]
    assert said in str(only(result).message)
    assert (only(result).severity, only(result).row, only(result).object_id) == ("error", 3, "O1")


@pytest.mark.parametrize(
    ("periods", "kept_rows"),
    [
        ([(None, START), (START, None)], [2, 3]),
        ([(START, None), (None, START)], [2, 3]),
        ([(None, START), (END, None)], [2, 3]),
        ([(None, END), (START, None)], [2]),
        ([(None, None), (START, None)], [2]),
        ([(None, START), (START, END), (END, None)], [2, 3, 4]),
    ],
)
def test_one_customer_may_have_service_periods_that_do_not_overlap(
    periods: list[tuple[datetime | None, datetime | None]], kept_rows: list[int]
) -> None:
    rows = [
        {"customer_id": "C1", "transformer_id": f"T{1 + i % 2}", "in_service": begin, "retired": end}
        for i, (begin, end) in enumerate(periods)
    ]
    result = checked(customers=rows)
    assert result.tables["customers"][ROW].to_list() == kept_rows
    assert [problem.row for problem in result.errors] == [
        row for row in range(2, 2 + len(rows)) if row not in kept_rows
    ]


@pytest.mark.parametrize(
    ("subject", "wrong", "near"),
    [
        ("branch_id", "branch-01", "BRANCH-1"),
        ("transformer_id", "TR-100l", "TR-1001"),
        ("customer_id", "CUST_1", "CUST-1"),
    ],
)
def test_unknown_subject_is_left_out_with_the_nearest(subject: str, wrong: str, near: str) -> None:
    tables = {
        "branches": [{"branch_id": "BRANCH-1", "from_node": "S", "to_node": "N", "kind": "line"}],
        "transformers": [{"transformer_id": "TR-1001", "node": "N"}],
        "customers": [{"customer_id": "CUST-1", "transformer_id": "TR-1001"}],
    }
    result = checked(**tables, outages=[of(subject, wrong)])
    assert kept(result) == []
    problem = only(result)
    assert (problem.severity, problem.column, problem.value, problem.object_id) == ("error", subject, wrong, "O1")
    assert str(problem.hint) == f"Did you mean {near}?"


@pytest.mark.parametrize("unknown", ["T11", "T06", "T100"])
def test_another_number_is_another_transformer(unknown: str) -> None:
    transformers = [{"transformer_id": f"T{number:02d}", "node": "N"} for number in (7, 8, 9, 10)]
    branches = [{"branch_id": "B", "from_node": "S", "to_node": "N", "kind": "line"}]
    sources = [{"node": "S"}]
    rows = [of("transformer_id", unknown)]
    result = checked(sources=sources, branches=branches, transformers=transformers, outages=rows)
    assert {str(error.hint) for error in result.errors} == {"Look at the ids in the table."}


def test_subject_whose_table_is_absent() -> None:
    result = workspace({"outages": [outage()]})
    assert kept(result) == []
    assert "There is no table branches" in str(only(result).message)


def test_unknown_feeder_of_an_outage() -> None:
    result = checked(outages=[of("feeder_id", "F9")])
    assert kept(result) == []
    assert (only(result).severity, only(result).column, only(result).value) == ("error", "feeder_id", "F9")
    assert kept(checked(outages=[of("feeder_id", "F9")], feeders=[{"feeder_id": "F9"}])) == ["O1"]


def test_labels_unknown_to_the_feeders_are_one_warning_each() -> None:
    result = checked(feeders=[{"feeder_id": "F2"}])
    problem = only(result)
    assert (problem.severity, problem.table, problem.value, problem.row) == ("warning", "branches", "F1", 2)
    assert "2 rows" in str(problem.message)
    assert kept(result, "branches", "feeder_id") == ["F1", "F1"]


@pytest.mark.parametrize(
    ("stage", "column"),
    [
        ({"restored_at": START - timedelta(minutes=1)}, "restored_at"),
        ({"restored_at": END + timedelta(minutes=1)}, "restored_at"),
        ({"outage_id": "O9"}, "outage_id"),
        ({"transformer_id": "T9"}, "transformer_id"),
        ({"transformer_id": None, "branch_id": "B9"}, "branch_id"),
        ({"branch_id": "B2"}, None),
        ({"transformer_id": None}, None),
    ],
)
def test_stage_that_does_not_fit_is_left_out(stage: dict[str, Any], column: str | None) -> None:
    good = {"outage_id": "O1", "restored_at": END, "transformer_id": "T2"}
    result = checked(outages=[outage()], stages=[{**good, "restored_at": START}, {**good, **stage}])
    assert result.tables["stages"][ROW].to_list() == [2]
    assert dict(result.tables["stages"].schema) == TABLES["stages"].polars_schema
    assert (only(result).severity, only(result).row, only(result).column) == ("error", 3, column)


def test_stage_of_an_outage_that_was_left_out() -> None:
    stage = {"outage_id": "O1", "restored_at": END, "transformer_id": "T2"}
    result = checked(outages=[outage(branch_id="B9")], stages=[stage])
    assert result.tables["stages"].is_empty()
    assert [problem.table for problem in result.problems] == ["outages", "stages"]
    assert "was left out" in str(result.problems[1].hint)


def test_stage_of_an_outage_that_lasts() -> None:
    stage = {"outage_id": "O1", "restored_at": END, "transformer_id": "T2"}
    assert checked(outages=[outage(end=None)], stages=[stage]).problems == ()


@pytest.mark.parametrize(
    ("table", "row", "column"),
    [
        ("switching", {"time": START, "branch_id": "B9", "action": "open"}, "branch_id"),
        ("sensors", {"branch_id": "B9"}, "branch_id"),
        ("signals", {"time": START, "object": "branch", "object_id": "T1", "kind": "trip"}, "object_id"),
        ("signals", {"time": START, "object": "customer", "object_id": "C9", "kind": "off"}, "object_id"),
        (
            "signals",
            {"time": START, "object": "branch", "object_id": "B1", "kind": "fault_current", "value": 0.5},
            "value",
        ),
        ("plans", {"plan_id": "P1", "start": START, "end": END, "branch_id": "B9"}, "branch_id"),
        ("plans", {"plan_id": "P1", "start": END, "end": START, "branch_id": "B1"}, "end"),
        ("live_jobs", {"job_id": "J1", "start": END, "end": START}, "end"),
    ],
)
def test_row_that_cannot_be_used_is_left_out(table: str, row: dict[str, Any], column: str) -> None:
    result = checked(**{table: [row]})
    assert result.tables[table].equals(TABLES[table].empty())
    problem = only(result)
    assert (problem.severity, problem.table, problem.row, problem.column) == ("error", table, 2, column)


def test_customers_of_an_unknown_transformer_are_kept() -> None:
    result = checked(customers=[{"customer_id": "C1", "transformer_id": "T9"}])
    assert kept(result, "customers", "transformer_id") == ["T9"]
    assert (only(result).severity, only(result).value, only(result).object_id) == ("error", "T9", "C1")


def test_unknown_second_supply_is_blanked() -> None:
    result = checked(customers=[{"customer_id": "C1", "transformer_id": "T1", "second_transformer_id": "T9"}])
    assert kept(result, "customers", "second_transformer_id") == [None]
    assert (only(result).severity, only(result).column) == ("error", "second_transformer_id")


def test_customers_without_transformers_are_one_error() -> None:
    result = workspace({"customers": [{"customer_id": f"C{i}", "transformer_id": "T1"} for i in range(5)]})
    assert result.tables["customers"].height == 5
    assert (only(result).severity, only(result).row) == ("error", None)


def test_live_job_with_unknown_branch_still_counts() -> None:
    result = checked(live_jobs=[{"job_id": "J1", "start": START, "branch_id": "B9", "users_off": 3}])
    assert result.tables["live_jobs"].select("job_id", "branch_id").rows() == [("J1", None)]
    assert only(result).severity == "error"


def test_retired_before_in_service() -> None:
    for table, key in (("transformers", {"node": "N1", "transformer_id": "T1"}), ("customers", GRID["customers"][0])):
        result = checked(**{table: [{**key, "in_service": END, "retired": START}]})
        assert result.tables[table].height == 1
        assert [(p.severity, p.column) for p in result.problems if p.table == table] == [("warning", "retired")]


def test_share_above_one_is_blanked() -> None:
    result = checked(sensors=[{"branch_id": "B1", "miss_rate": 5, "false_rate": 0.01}])
    assert result.tables["sensors"].select("miss_rate", "false_rate").rows() == [(None, 0.01)]
    assert (only(result).severity, only(result).column, only(result).value) == ("error", "miss_rate", "5.0")


def test_load_shed_without_opening_the_feeder_is_left_out() -> None:
    """R1.13, where the cause says it and the nature only that it is rationing."""
    result = checked(
        outages=[
            outage(nature="供电网限电", cause="不拉闸限电 3 MW"),
            outage(outage_id="O2", nature="供电网限电", cause="拉闸限电"),
            outage(outage_id="O3", cause="不拉闸检查"),
        ]
    )
    problem = only(result)
    assert (problem.severity, problem.row, problem.column) == ("error", 2, "cause")
    assert "R1.13" in str(problem.message)
    assert kept(result) == ["O2", "O3"]


def test_an_approved_end_before_the_start_is_mentioned() -> None:
    ends = {"O1": START, "O2": START + timedelta(minutes=1), "O3": None}
    result = checked(outages=[outage(outage_id=name, approved_end=end) for name, end in ends.items()])
    assert (only(result).severity, only(result).row, only(result).column) == ("warning", 2, "approved_end")
    assert kept(result) == list(ends)


def test_more_users_than_the_population_states() -> None:
    """By region class and by the time at which the outage began."""
    later = START + timedelta(days=1)
    population = [
        {"region_class": "urban", "users": 100, "to": later},
        {"region_class": "urban", "users": 90, "from": later},
        {"region_class": "rural", "users": 5},
    ]
    counts = [
        ("urban", 100, START),
        ("urban", 101, START),
        ("urban", 100, later),
        ("rural", 6, START),
        ("town", 9, START),
    ]
    outages = [
        of("users", users, outage_id=f"O{i}", region_class=region, start=start, end=start + timedelta(hours=1))
        for i, (region, users, start) in enumerate(counts)
    ]
    result = checked(outages=outages, population=population)
    found = [
        (problem.severity, problem.row, problem.column, problem.value, problem.object_id) for problem in result.problems
    ]
    assert found == [
        ("warning", 3, "users", "101", "O1"), ("warning", 4, "users", "100", "O2"), ("warning", 5, "users", "6", "O3"),
    ]  # fmt: skip
    assert "only 90 users" in str(result.problems[1].message)
    assert len(kept(result)) == 5


def test_population_periods() -> None:
    first, second = datetime(2022, 1, 1), datetime(2022, 7, 1)
    good = [
        {"region_class": "urban", "users": 100, "from": None, "to": second},
        {"region_class": "urban", "users": 110, "from": second, "to": None},
        {"region_class": "rural", "users": 50, "from": first, "to": None},
    ]
    assert checked(population=good).problems == ()
    overlapping = {"region_class": "urban", "users": 90, "from": first, "to": None}
    reversed_ = {"region_class": "town", "users": 90, "from": second, "to": first}
    result = checked(population=[*good, overlapping, reversed_])
    assert result.tables["population"][ROW].to_list() == [2, 3, 4]
    assert [(p.severity, p.row, p.column) for p in result.problems] == [
        ("error", 5, "region_class"),
        ("error", 6, "to"),
    ]


def test_many_unknown_ids_are_all_listed_quickly() -> None:
    count = 20_000
    customers = pl.DataFrame(
        {"customer_id": [f"C{i}" for i in range(count)], "transformer_id": [f"X{i}" for i in range(count)]}
    )
    result = workspace({**GRID, "customers": customers})
    assert len(result.errors) == count


def test_a_closed_incident_names_a_branch_that_is_known() -> None:
    rows = [
        {"incident_id": "I1", "branch_id": "B1", "start": "2022-01-01"},
        {"incident_id": "I2", "branch_id": "B9", "start": "2022-01-02"},
    ]
    result = checked(incidents=rows)
    assert result.tables["incidents"]["incident_id"].to_list() == ["I1"]
    assert [(problem.table, problem.column, problem.value) for problem in result.problems] == [
        ("incidents", "branch_id", "B9")
    ]
