"""What a new version of the tables adds, deletes and changes: in rows, in customer-hours and in figures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network import Workspace, workspace
from reliability.workspace_difference import TableDifference, row_changes, workspace_difference
from tests.reliability.records import bus
from tests.reliability.test_ledger import outage

APRIL = 24 * 31


def version(outages: list[dict[str, Any]], rules: dict[str, Any] | None = None, **tables: Any) -> Workspace:
    return workspace(bus(4) | {"outages": outages} | tables, rules or {})


OLD = [outage("A", 8, 10), outage("B", 30, 31, transformer_id="T1"), outage("C", 60, 64, transformer_id="T2"),
       outage("Z", APRIL + 24, APRIL + 25, transformer_id="T3")]  # fmt: skip


def of_outages(new: list[dict[str, Any]], **tables: Any) -> TableDifference:
    return workspace_difference(version(OLD), version(new, **tables)).tables["outages"]


def test_the_same_tables_in_another_order_differ_in_nothing() -> None:
    found = workspace_difference(version(OLD), version(OLD[::-1]))
    assert all(not table.rows and not table.figures for table in found.tables.values())
    assert found.tables["outages"].customer_hours == 0


def test_added_deleted_and_changed_records_in_rows_and_customer_hours() -> None:
    """B is deleted (1 h), C lasts an hour longer, N is new with two hours."""
    longer = OLD[2] | {"end": OLD[2]["end"] + timedelta(hours=1)}
    found = of_outages([OLD[0], longer, OLD[3], outage("N", 100, 102)])
    assert [(row.kind, row.id) for row in found.rows] == [("deleted", "B"), ("changed", "C"), ("added", "N")]
    assert found.rows[1].columns == {"end": (OLD[2]["end"], longer["end"])}
    assert (found.count("added"), found.count("deleted"), found.count("changed")) == (1, 1, 1)
    assert found.customer_hours == pytest.approx(2)
    assert found.by_kind == {"added": 2, "deleted": -1, "changed": 1, "others": 0}
    moved = {(figure.period, figure.figure): (figure.old, figure.new, figure.closed) for figure in found.figures}
    assert moved["2022-03", "CH"] == (pytest.approx(7), pytest.approx(9), True)
    assert moved["2022", "CH"] == (pytest.approx(8), pytest.approx(10), False)
    assert ("2022-04", "CH") not in moved


def test_a_closed_month_cannot_change_unseen() -> None:
    """The old version is known until the second of April: March is over then, April is not."""
    late = workspace_difference(version(OLD), version([*OLD, outage("N", APRIL + 30, APRIL + 31)]))
    assert late.closed == []
    early = workspace_difference(version(OLD), version([*OLD, outage("N", 10, 11, transformer_id="T3")]))
    assert {figure.period for figure in early.closed} == {"2022-03"}


def test_a_table_that_others_refer_to_is_blamed_for_what_it_takes_along() -> None:
    old, new = version(OLD), version(OLD)
    without = [row for row in bus(4)["transformers"] if row["transformer_id"] != "T2"]
    new = version(OLD, transformers=without)
    found = workspace_difference(old, new)
    assert [(row.kind, row.id) for row in found.tables["transformers"].rows] == [("deleted", "T2")]
    assert found.tables["transformers"].customer_hours == pytest.approx(-4)
    assert found.tables["outages"].customer_hours == 0
    assert {figure.figure for figure in found.tables["transformers"].figures if figure.period == "2022"} >= {
        "N_T",
        "CH",
    }


def test_changed_settings_stand_among_the_tables() -> None:
    short = [*OLD, outage("S", 200, 200.05, transformer_id="T3")]
    found = workspace_difference(version(short), version(short, {"reliability": {"merge_gap_min": 5}}))
    assert [(row.kind, row.id) for row in found.tables["settings"].rows] == [("added", "reliability.merge_gap_min")]
    assert found.tables["settings"].customer_hours == 0


def test_values_of_persons_are_masked() -> None:
    def people(name: str) -> list[dict[str, Any]]:
        return [{"customer_id": "C", "transformer_id": "T0", "name": name, "phone": "1", "important": name == "Li"}]

    old, new = version(OLD, customers=people("Wang")), version(OLD, customers=people("Li"))
    (change,) = workspace_difference(old, new).tables["customers"].rows
    assert change.columns == {"name": ("…", "…"), "important": (False, True)}


def test_a_comma_too_many_shows_no_person_either() -> None:
    old = version(OLD, customers=[{"customer_id": "C", "transformer_id": "T0", "unit": "城关所"}])
    new = version(OLD, customers=[{"customer_id": "C", "transformer_id": "王小明", "address": "人民路1号"},
                                  {"customer_id": "李四", "transformer_id": "T0"}])  # fmt: skip
    told = str(workspace_difference(old, new).as_dict())
    assert not [word for word in ("王小明", "人民路", "李四") if word in told]
    assert "王•••" in told


def test_parts_of_one_outage_are_compared_part_by_part() -> None:
    parts = [outage("P", 8, 10, transformer_id=f"T{i}") for i in range(3)]
    longer = parts[1] | {"end": parts[1]["end"] + timedelta(hours=1)}
    found = workspace_difference(version(parts), version([parts[2], longer, parts[0]])).tables["outages"]
    assert [(row.kind, list(row.columns)) for row in found.rows] == [("changed", ["end"])]
    assert found.by_kind == {"added": 0, "deleted": 0, "changed": pytest.approx(1), "others": 0}


def test_without_records_there_are_rows_and_no_hours() -> None:
    old, new = workspace(bus(2)), workspace(bus(3))
    found = workspace_difference(old, new).tables["transformers"]
    assert (found.count("added"), found.customer_hours, found.figures) == (1, None, ())


rows = st.lists(
    st.fixed_dictionaries({"feeder_id": st.sampled_from("ABCD"), "name": st.sampled_from([None, "x", "y"])}),
    unique_by=lambda row: row["feeder_id"],
)


@settings(max_examples=60)
@given(rows, rows)
def test_changes_are_those_of_the_ids(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    schema = {"feeder_id": pl.String, "name": pl.String}
    frames = [pl.DataFrame(each, schema=schema).with_row_index("row") for each in (old, new)]
    one, other = ({row["feeder_id"]: row["name"] for row in each} for each in (old, new))
    expected = {(("added" if key not in one else "deleted" if key not in other else "changed"), key)
                for key in {*one, *other} if key not in one or key not in other or one[key] != other[key]}  # fmt: skip
    assert {(change.kind, change.id) for change in row_changes("feeders", *frames)} == expected


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 900), st.integers(1, 40)), max_size=5), st.data())
def test_customer_hours_of_tables_add_up(spans: list[tuple[int, int, int]], data: st.DataObject) -> None:
    def records(chosen: list[tuple[int, int, int]]) -> list[dict[str, Any]]:
        return [
            outage(f"{start}-{user}", start, start + hours, transformer_id=f"T{user}") for user, start, hours in chosen
        ] + [outage("last", 2000, 2001)]

    kept = [span for span in spans if data.draw(st.booleans())]
    old, new = version(records(spans)), version(records(kept))
    found = workspace_difference(old, new)
    asked = ("2022", "CH")
    figures = [
        change for table in found.tables.values() for change in table.figures if (change.period, change.figure) == asked
    ]
    whole = [(change.new or 0.0) - (change.old or 0.0) for change in figures]
    assert sum(whole) == pytest.approx(sum(table.customer_hours or 0 for table in found.tables.values()))


def test_moments_of_the_old_version_close_months() -> None:
    stated = {"as_of": datetime(2022, 6, 1)}
    found = workspace_difference(version(OLD, stated), version([*OLD, outage("N", APRIL + 30, APRIL + 31)], stated))
    assert {figure.period for figure in found.closed} == {"2022-04"}
