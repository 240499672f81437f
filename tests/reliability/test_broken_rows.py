"""A file with broken rows gives the figures of the file without them, and says of each what was left out."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import read_network
from network.tables.schema import TABLES
from reliability import Period
from reliability.query import Query
from reliability.statistics import Statistics
from tests.costly import costly

Row = dict[str, str]
Marked = tuple[Row, str | None]
"""A row and the column in which it is wrong: none where it is the whole row, or that it is good."""

GOOD = "good"

START = datetime(2022, 5, 1)
PERIOD = Period(START, START + timedelta(days=40))
OUTAGE = ("outage_id", "start", "end", "nature", "cause", "branch_id", "feeder_id", "transformer_id", "customer_id", "users",
          "region_class")  # fmt: skip
STAGE = ("outage_id", "restored_at", "branch_id", "transformer_id")
GRID = {
    "sources": ["node", "S"],
    "branches": [
        "branch_id,from_node,to_node,kind",
        *(f"B{i},{'S' if i == 0 else 'N0'},N{i},breaker" for i in range(6)),
    ],
    "transformers": [
        "transformer_id,node,region_class,feeder_id",
        *(f"T{i},N{i},{'town' if i % 2 else 'rural'},F{i % 2}" for i in range(6)),
    ],
    "customers": ["customer_id,transformer_id", *(f"C{i},T{i % 6}" for i in range(20))],
}
NAMED = {"branch_id": "B3", "feeder_id": "F1", "transformer_id": "T2", "customer_id": "C7"}
WRONG_VALUES = (
    ("start", "昨天"), ("start", "2022-02-30 08:00"), ("start", ""), ("start", "2022-05-02T08:00Z"),
    ("end", "2022-13-01"), ("end", "99"), ("end", "1999-01-01 00:00"), ("end", "#VALUE!"),
    ("nature", "天灾"), ("nature", ""), ("nature", "7"), ("nature", "不拉闸限电"),
    ("outage_id", ""), ("outage_id", "1.23457E+15"), ("outage_id", "#N/A"),
)  # fmt: skip


def moments() -> st.SearchStrategy[datetime]:
    return st.integers(0, 40 * 24 * 60).map(lambda minute: START + timedelta(minutes=minute, seconds=30))


@st.composite
def good_outages(draw: st.DrawFn, name: str) -> Row:
    start = draw(moments())
    end = draw(st.none() | st.integers(1, 5000).map(lambda minutes: start + timedelta(minutes=minutes)))
    column = draw(st.sampled_from(list(NAMED)))
    target = {"branch_id": "B", "feeder_id": "F", "transformer_id": "T", "customer_id": "C"}[column]
    number = draw(st.integers(0, 1 if column == "feeder_id" else 5))
    return dict.fromkeys(OUTAGE, "") | {
        "outage_id": name,
        "start": str(start),
        "end": "" if end is None else str(end),
        "nature": draw(st.sampled_from(["F-INT", "外部故障停电", "P-PLAN-MAINT", "预安排停电/限电/系统电源不足限电"])),
        "cause": draw(st.sampled_from(["", "大风", 'a "quoted", cause'])),
        column: f"{target}{number}",
    }


@st.composite
def broken_outages(draw: st.DrawFn, name: str, earlier: str) -> Marked:
    """Draw a row that nobody could use: one thing is wrong with it."""
    row = draw(good_outages(name))
    empty = row | dict.fromkeys(NAMED, "")
    unknown = st.sampled_from([(empty | {column: "X99"}, column) for column in NAMED])
    wrong_value = st.sampled_from([(row | {column: value}, column) for column, value in WRONG_VALUES])
    apart = ("transformer_id", "feeder_id"), ("transformer_id", "customer_id")
    two = st.sampled_from([(empty | {name: NAMED[name] for name in pair}, None) for pair in apart])
    counted = empty | {"region_class": "town"}
    others: list[Marked] = [
        (empty, None),
        (empty | {"users": "5"}, "region_class"),
        (counted | {"users": "-3"}, "users"),
        (counted | {"users": "many"}, "users"),
        (row | {"end": str(datetime.fromisoformat(row["start"]) - timedelta(minutes=1))}, "end"),
        (row | {"outage_id": earlier, "cause": f"{name} has its id"}, "outage_id"),
        (row | {"beyond": "the last column"}, None),
    ]
    return draw(unknown | wrong_value | two | st.sampled_from(others))


@st.composite
def broken_stages(draw: st.DrawFn, outages: Sequence[Row]) -> Marked:
    outage = draw(st.sampled_from(outages))
    row = {"outage_id": outage["outage_id"], "restored_at": outage["start"], "branch_id": "B3", "transformer_id": ""}
    early = str(datetime.fromisoformat(outage["start"]) - timedelta(minutes=1))
    return draw(
        st.sampled_from(
            [
                (row | {"outage_id": "nobody"}, "outage_id"),
                (row | {"restored_at": "soon"}, "restored_at"),
                (row | {"restored_at": early}, "restored_at"),
                (row | {"branch_id": "X99"}, "branch_id"),
                (row | {"transformer_id": "T1"}, None),
                (row | {"branch_id": ""}, None),
            ]
        )
    )


def mixed(draw: Callable[..., Any], good: Sequence[Row], broken: Sequence[Marked]) -> list[Marked]:
    """Put broken rows anywhere behind the first good one, so that a repeated id is the later one."""
    rows: list[Marked] = [(row, GOOD) for row in good]
    for each in broken:
        rows.insert(draw(st.integers(1, len(rows))), each)
    return rows


def write(folder: Path, name: str, columns: Sequence[str], rows: Sequence[Row], encoding: str, chinese: bool) -> None:
    headers = [TABLES[name][column].chinese if chinese else column for column in columns]
    with (folder / f"{name}.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([headers, *(list(row.values()) for row in rows)])


def statistics_of(
    folder: Path, outages: Sequence[Row], stages: Sequence[Row], encoding: str, chinese: bool
) -> Statistics:
    folder.mkdir()
    for name, lines in GRID.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    write(folder, "outages", OUTAGE, outages, encoding, chinese)
    write(folder, "stages", STAGE, stages, encoding, chinese)
    return Statistics(read_network(folder))


@costly(12)
@given(st.data(), st.sampled_from(["utf-8-sig", "gb18030"]), st.booleans(), st.sampled_from(["mv", "lv"]))
def test_a_tenth_of_the_rows_is_broken(data: st.DataObject, encoding: str, chinese: bool, level: str) -> None:
    count = data.draw(st.integers(9, 40))
    good = [data.draw(good_outages(f"E{i}")) for i in range(count)]
    broken = [data.draw(broken_outages(f"W{i}", good[0]["outage_id"])) for i in range(max(1, count // 9))]
    lasting = [row for row in good if row["end"]]
    stages = [
        {"outage_id": row["outage_id"], "restored_at": row["end"], "branch_id": f"B{i % 6}", "transformer_id": ""}
        for i, row in enumerate(lasting)
    ]
    wrong_stages = [data.draw(broken_stages(good))] if stages else []
    outages, parts = mixed(data.draw, good, broken), mixed(data.draw, stages, wrong_stages)
    with tempfile.TemporaryDirectory() as folder:
        clean = statistics_of(Path(folder) / "clean", good, stages, encoding, chinese)
        dirty = statistics_of(
            Path(folder) / "dirty", [row for row, _ in outages], [row for row, _ in parts], encoding, chinese
        )
    assert clean.net.workspace.errors == ()
    wrong = [("outages", *each) for each in enumerate(outages, start=2)] + [
        ("stages", *each) for each in enumerate(parts, start=2)
    ]
    expected = [(table, number, column) for table, number, (_, column) in wrong if column != GOOD]
    found = [(problem.table, problem.row, problem.column) for problem in dirty.rejected()]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert all(problem.file and problem.hint.in_language("zh") for problem in dirty.rejected())

    query = Query(PERIOD, ("region_class", "month", "nature"), level)
    left, right = (each.indices(query).to_dicts() for each in (clean, dirty))
    assert len(left) == len(right)
    for row, other in zip(left, right, strict=True):
        for name, value in row.items():
            assert other[name] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), name
    basis = dirty.basis(query)
    assert (basis["outages_used"], basis["outages_rejected"]) == (len(good), len(broken))
    assert basis["rejected_share"] == len(broken) / (len(good) + len(broken))
