"""Rule packs: every figure names the rules that it is counted by, and national values stand beside it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

import fudian
from network import FudianError
from reliability import Period
from reliability.query import Query
from reliability.rule_packs import DLT_836_2016, IEEE_1366_2012, NATIONAL, PACKS, across_packs, national_references
from tests.reliability.records import bus, statistics
from tests.reliability.test_ledger import outage

YEAR = Period.year(2022)


def test_the_basis_of_a_figure_names_its_pack_and_whether_it_was_in_force() -> None:
    county = statistics(bus(1) | {"outages": [outage("A", 8, 9)]})
    assert county.basis(Query(YEAR))["rule_pack"] == {
        "id": "dlt836-2016", "standard": "DL/T 836.1-2016, DL/T 836.2-2016", "in_force_from": "2016-06-01",
        "in_force_until": None, "in_force": True, "next_edition": None,
    }  # fmt: skip
    assert county.basis(Query(Period.year(2016)))["rule_pack"]["in_force"] is False
    assert county.basis(Query(Period(datetime(2016, 6, 1), datetime(2017, 1, 1))))["rule_pack"]["in_force"] is True


def test_a_comparison_across_packs_says_so() -> None:
    county = statistics(bus(1) | {"outages": [outage("A", 8, 9)]})
    both = county.both_standards(Query(YEAR))
    assert both["ieee_rule_pack"]["id"] == "ieee1366-2012"
    assert both["comparison"]["rule_packs"] == ["dlt836-2016", "ieee1366-2012"]
    assert "different rules" in both["comparison"]["says"]
    assert across_packs(DLT_836_2016, DLT_836_2016) is None
    assert "规则" in across_packs(DLT_836_2016, IEEE_1366_2012, "zh")["says"]  # type: ignore[index]


def test_packs_stand_under_their_ids_the_default_first() -> None:
    assert list(PACKS) == ["dlt836-2016", "ieee1366-2012"]
    assert IEEE_1366_2012.since == date(2012, 5, 31)
    assert IEEE_1366_2012.next_edition == "IEEE Std 1366-2022"


def test_every_answer_in_figures_names_its_pack(tmp_path: Path) -> None:
    tables = bus(1) | {"outages": [outage("A", 8, 9)]}
    for name, rows in tables.items():
        pl.DataFrame(rows).write_parquet(tmp_path / f"{name}.parquet")
    utility = fudian.open(tmp_path)
    assert utility.indices(2022).as_dict()["basis"]["rule_pack"]["id"] == "dlt836-2016"
    assert utility.indices(2022, standard="ieee1366-2012").as_dict()["ieee_rule_pack"]["id"] == "ieee1366-2012"
    assert utility.targets("xihua-2022").as_dict()["rule_pack"] == "dlt836-2016"
    assert utility.rolling(2022).as_dict()["rule_pack"]["id"] == "dlt836-2016"
    assert utility.frequent().as_dict()["basis"]["rule_pack"] == "dlt836-2016"
    with pytest.raises(FudianError, match="standard"):
        utility.indices(2022, standard="iec")


def test_national_values_stand_beside_the_figures_of_their_years() -> None:
    assert (NATIONAL[2023].saidi_h, NATIONAL[2023].asai_percent) == (7.83, 99.911)
    assert NATIONAL[2023].asai_percent == pytest.approx(100 * (1 - 7.83 / 8760), abs=5e-4)
    assert NATIONAL[2024].saidi_h == pytest.approx(6.7, abs=0.05)
    assert NATIONAL[2024].saidi_is_computed
    assert national_references(YEAR) == []
    assert [
        reference.year for reference in national_references(Period(datetime(2023, 12, 1), datetime(2025, 1, 1)))
    ] == [
        2023,
        2024,
    ]
    later = outage("B", 8, 9) | {"start": datetime(2023, 6, 1, 8), "end": datetime(2023, 6, 1, 9)}
    county = statistics(bus(1) | {"outages": [outage("A", 8, 9), later]})
    assert [row["SAIDI-1"] for row in county.statement(Query(Period.year(2023)))["reference"]] == [7.83]
