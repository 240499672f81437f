"""Tables that were converted give the figures of those they were made of, also without any network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fudian
from network.readers.converting import convert_files

PLACES = ("台区编号", "线路编码", "所属线段编码")


def folder(to: Path, rows: list[dict[str, Any]]) -> Path:
    to.mkdir(parents=True)
    (to / "outages.json").write_text(json.dumps(rows), "utf-8")
    (to / "population.csv").write_text("地区特征,用户数\n城镇,100\n农村,200\n", "utf-8")
    return to


def row(name: str, end: int | None, users: int, place: tuple[str, str], area: str = "城镇") -> dict[str, Any]:
    over = None if end is None else f"2022-03-01 {end:02}:00"
    return {"停电编号": name, "停电时间": "2022-03-01 08:00", "复电时间": over, "停电性质": "内部故障停电", "停电户数": users,
            "地区特征": area, place[0]: place[1]}  # fmt: skip


def same_figures(rows: list[dict[str, Any]], to: Path) -> None:
    source = folder(to / "source", rows)
    convert_files([source], "table", to / "copy")
    first, second = (fudian.open(each) for each in (source, to / "copy"))
    assert first.ledger("2022").as_dict()["rows"] == second.ledger("2022").as_dict()["rows"]
    told = [each.indices("2022", "region_class").rows.to_dicts() for each in (first, second)]
    assert told[0] == told[1]
    convert_files([to / "copy"], "table", to / "again")
    assert fudian.open(to / "again").indices("2022", "region_class").rows.to_dicts() == told[0]


def test_parts_of_one_outage_that_end_at_different_times_are_told_apart(tmp_path: Path) -> None:
    rows = [row("A", 9, 5, (PLACES[0], "T1")), row("A", 10, 7, (PLACES[0], "T2")), row("A", 10, 9, (PLACES[0], "T3"))]
    same_figures(rows, tmp_path)
    assert fudian.open(tmp_path / "copy").indices("2022").rows["CH"].to_list() == [5 * 1 + 16 * 2]


parts = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.one_of(st.none(), st.integers(9, 20)),
        st.integers(1, 9),
        st.tuples(st.sampled_from(PLACES), st.sampled_from(["X", "Y", "Z"])),
        st.sampled_from(["城镇", "农村"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=12)
@given(several=parts)
def test_any_parts_count_the_same_once_they_were_converted(
    several: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    same_figures([row(*each) for each in several], tmp_path_factory.mktemp("converted"))
