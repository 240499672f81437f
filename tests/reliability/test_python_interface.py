"""The examples of Python, on Polars and pandas frames."""

from datetime import datetime

import pandas as pd
import polars as pl
import pytest

import reliability
from network import Network
from reliability import Period
from reliability.query import Query
from reliability.statistics import Statistics


def test_the_example_of_the_packages(county: Network) -> None:
    tables = county.workspace.tables
    interruptions = reliability.interruptions(tables["outages"], tables["stages"], county)
    figures = reliability.indices(interruptions, reliability.population(county), by=["region_class"])
    assert isinstance(figures, pl.DataFrame)
    expected = Statistics(county).indices(
        Query(Period(datetime(2020, 1, 1), datetime(2023, 1, 1)), by=("region_class",))
    )
    assert figures["CH"].to_list() == pytest.approx(expected["CH"].to_list())


def test_pandas_in_pandas_out(county: Network) -> None:
    tables = county.workspace.tables
    outages, stages = (tables[name].drop("row").to_pandas() for name in ("outages", "stages"))
    interruptions = reliability.interruptions(outages, stages, county)
    assert isinstance(interruptions, pd.DataFrame)
    figures = reliability.indices(interruptions, reliability.population(county).to_pandas(), period=Period.year(2022))
    assert isinstance(figures, pd.DataFrame)
    (expected,) = Statistics(county).indices(Query(Period.year(2022)))["SAIDI-1"]
    assert figures["SAIDI-1"].item() == pytest.approx(expected)


def test_stated_numbers_of_users_as_a_workspace_has_them(county: Network) -> None:
    outages = pl.DataFrame(
        {
            "outage_id": ["E1"], "start": [datetime(2022, 5, 1, 8)], "end": [datetime(2022, 5, 1, 10)], "nature": ["F-INT"],
            "users": [300], "region_class": ["town"],
        }
    )  # fmt: skip
    stated = pl.DataFrame({"region_class": ["town", "rural"], "users": [1000, 500]})
    figures = reliability.indices(reliability.interruptions(outages, None, county), stated, by=["region_class"])
    rows = {row["region_class"]: row for row in figures.to_dicts()}
    assert rows["town"]["SAIDI-1"] == pytest.approx(0.6)
    assert rows["rural"]["SAIDI-1"] == 0
    assert rows["town"]["CN"] is None
