"""Names in place of ids: with or without a voltage level, in any form of the same sign; never guessed."""

from __future__ import annotations

import polars as pl
import pytest

from network import Network, network_from_tables
from network.tables.names import answering
from reliability import Period
from reliability.query import Query
from reliability.statistics import Statistics

OUTAGE = {"outage_id": "A", "start": "2022-03-01 08:00", "end": "2022-03-01 10:00", "nature": "F-INT"}
SPELLINGS = [
    ("10kV城东线", "城东线", True),
    ("城东线", "10kV城东线", True),
    ("１０ＫＶ 城东线", "10千伏城东线", True),
    ("10(20)kV城东线", "城东线", True),
    ("10.0kV城东线", "10kV城东线", True),
    ("城东Ⅰ线", "城东I线", True),
    ("10kV城东Ⅱ线", "城东II线", True),
    ("35kV城东线", "10kV城东线", False),
    ("城东1线", "城东Ⅰ线", False),
    ("城东一线", "城东1线", False),
    ("城东", "城东线", False),
    ("城东线支线", "城东线", False),
    ("10kV", "城东线", False),
]


def feeders(*names: str, **more: object) -> list[dict[str, object]]:
    return [{"feeder_id": f"F{i}", "name": name, **more} for i, name in enumerate(names, 1)]


def county(said: str, rows: list[dict[str, object]]) -> Network:
    """Return a county with a transformer on each feeder, and one outage that names a feeder."""
    branches = [
        {"branch_id": f"L{i}", "from_node": "S", "to_node": f"{i}", "kind": "line", "feeder_id": f"F{i}"}
        for i in range(1, len(rows) + 1)
    ]
    tables = {
        "sources": [{"source_id": "S", "node": "S"}],
        "branches": branches,
        "transformers": [{"transformer_id": f"T{i}", "node": f"{i}", "feeder_id": f"F{i}"} for i in range(1, len(rows) + 1)],
        "feeders": rows,
        "outages": [OUTAGE | {"feeder_id": said}],
    }  # fmt: skip
    return network_from_tables(tables)


def of_outages(net: Network) -> list[tuple[str, str]]:
    return [
        (problem.severity, str(problem.message)) for problem in net.workspace.problems if problem.table == "outages"
    ]


@pytest.mark.parametrize(("said", "name", "same"), SPELLINGS)
def test_a_feeder_is_called_with_or_without_its_level(said: str, name: str, same: bool) -> None:
    net = county(said, feeders(name, "别的线"))
    found = of_outages(net)
    assert [severity for severity, _ in found] == ["warning" if same else "error"]
    if same:
        assert "which is F1" in found[0][1]
        assert Statistics(net).indices(Query(Period.year(2022)))["CH"].item() == 2.0
    else:
        assert net.workspace.tables["outages"].is_empty()


@pytest.mark.parametrize(
    ("said", "names", "taken"),
    [
        ("城东线", ["10kV城东线", "35kV城东线"], None),
        ("10kV城东线", ["10kV城东线", "35kV城东线", "城东线"], "F1"),
        ("城东线", ["10kV城东线", "城东线"], "F2"),
        ("城东线", ["城东线", "城东线"], None),
        ("10 kV城东线", ["城东线", "10千伏城东线"], "F2"),
        ("城东I线", ["城东Ⅰ线", "城东Ⅱ线", "城东1线"], "F1"),
        ("城东I线", ["城东Ⅰ线", "10kV城东I线"], "F1"),
    ],
)
def test_what_several_answer_to_is_told_with_their_ids(said: str, names: list[str], taken: str | None) -> None:
    net = county(said, feeders(*names))
    ((severity, message),) = of_outages(net)
    assert severity == ("error" if taken is None else "warning")
    assert net.workspace.tables["outages"]["feeder_id"].to_list() == ([] if taken is None else [taken])
    if taken is None:
        assert "F1, F2" in message


def test_the_level_that_a_table_gives_is_that_of_its_names() -> None:
    assert of_outages(county("35kV城东线", feeders("城东线", voltage_kv=10)))[0][0] == "error"
    assert of_outages(county("35kV城东线", feeders("城东线", voltage_kv=35)))[0][0] == "warning"


def test_labels_of_feeders_may_be_their_names_too() -> None:
    tables = {
        "sources": [{"source_id": "S", "node": "S"}],
        "branches": [{"branch_id": "L1", "from_node": "S", "to_node": "1", "kind": "line", "feeder_id": "城东线"}],
        "transformers": [{"transformer_id": "T1", "node": "1", "feeder_id": "10KV城东线"}],
        "feeders": feeders("10kV城东线"),
        "outages": [OUTAGE | {"feeder_id": "F1"}],
    }  # fmt: skip
    net = network_from_tables(tables)
    assert net.workspace.tables["transformers"]["feeder_id"].to_list() == ["F1"]
    assert net.workspace.tables["branches"]["feeder_id"].to_list() == ["F1"]
    assert Statistics(net).indices(Query(Period.year(2022)))["CH"].item() == 2.0


def test_ids_that_are_names_are_called_so_without_a_table_of_feeders() -> None:
    tables = {
        "sources": [{"source_id": "S", "node": "S"}],
        "branches": [{"branch_id": "10kV东支线", "from_node": "S", "to_node": "1", "kind": "line", "feeder_id": "10kV城东线"}],
        "transformers": [{"transformer_id": "T1", "node": "1", "feeder_id": "10kV城东线"}],
        "outages": [
            OUTAGE | {"feeder_id": "城东线"},
            OUTAGE | {"outage_id": "B", "start": "2022-03-01 07:00", "branch_id": "东支线"},
        ],
    }  # fmt: skip
    net = network_from_tables(tables)
    assert [severity for severity, _ in of_outages(net)] == ["warning", "warning"]
    assert Statistics(net).indices(Query(Period.year(2022)))["CH"].item() == 3.0


def test_names_of_nobody_are_no_answer() -> None:
    nobody = answering(pl.Series(["A", None], dtype=pl.String), pl.DataFrame({"name": [], "id": [], "kv": []}, schema={
        "name": pl.String, "id": pl.String, "kv": pl.Float64}))  # fmt: skip
    assert (nobody.one, nobody.several) == ({}, {})
