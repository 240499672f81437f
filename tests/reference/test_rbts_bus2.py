"""Bus 2 of the Roy Billinton test system: who trips, who is switched back and who waits for repair, for every fault of a year.

Figures are those of R. N. Allan, R. Billinton and others, IEEE Transactions on Power Systems 6(2), 1991, case A.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from network import Network, network_from_tables
from repair.restoration.restorer import restore
from tests.conftest import GOLDEN

FOLDER = GOLDEN / "rbts_bus2"
SUPPLY_END = ("28", "30", "34", "38")
"""Buses with the alternative supply."""


def buses() -> pl.DataFrame:
    return pl.read_csv(FOLDER / "bus2_buses.csv", schema_overrides={"Bus": pl.String})


def sections() -> pl.DataFrame:
    names = {"From_Bus": pl.String, "To_Bus": pl.String}
    return pl.read_csv(FOLDER / "bus2_caseA_sections.csv", schema_overrides=names)


def branches_of(section: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a section as a device at the end that the table names, a breaker or a disconnector, and its line."""
    name, a, b = section["Line"], section["From_Bus"], section["To_Bus"]
    middle = f"{name}.end"
    is_breaker = section["Breaker_Direction"] != "N"
    first = {"branch_id": f"{name}.device", "kind": "breaker" if is_breaker else "disconnector"}
    return [
        {**first, "from_node": a, "to_node": middle, "feeder_id": "bus 2"},
        {"branch_id": name, "from_node": middle, "to_node": b, "kind": "line", "feeder_id": "bus 2"},
    ]


@pytest.fixture(scope="module")
def net() -> Network:
    loads = buses().filter(pl.col("Number_of_Customers") > 0)
    ties = [
        {"branch_id": f"tie {bus}", "from_node": "other", "to_node": bus, "kind": "switch", "normally_open": True}
        for bus in SUPPLY_END
    ]
    return network_from_tables(
        {
            "sources": [{"node": "23"}, {"node": "other"}],
            "branches": [branch for row in sections().to_dicts() for branch in branches_of(row)] + ties,
            "transformers": [
                {"transformer_id": bus, "node": bus, "load_kw": 1000 * mw}
                for bus, mw in loads.select("Bus", "P [MW]").rows()
            ],
            "customers": [
                {"customer_id": f"{bus}-{number}", "transformer_id": bus}
                for bus, count in loads.select("Bus", "Number_of_Customers").rows()
                for number in range(count)
            ],
        }
    )


def effect(net: Network, section: str) -> tuple[set[str], set[str]]:
    """Return the load points that a fault of a line leaves to switching, and those that it leaves to repair."""
    plan = restore(net.energise(), section)
    waiting = {name for stage in plan.stages if stage.stage == "repair" for name in stage.transformer_ids}
    return set(plan.lost.transformers) - waiting, waiting


def test_what_each_fault_of_the_first_feeder_does(net: Network) -> None:
    published = pl.read_csv(FOLDER / "fault_effects_caseA_feeder1.csv").filter(component="line")
    assert len(published) == 11
    for row in published.iter_rows(named=True):
        switched, waiting = effect(net, row["section"])
        assert waiting == set(str(row["lp_out_until_repair"]).split())
        assert switched == set(str(row["lp_restored_by_switching"] or "").split())


def test_the_indices_of_a_year_are_the_published_ones(net: Network) -> None:
    """Each line fails so often a year and km; a transformer's failure is out until repair at its own load point."""
    rate: dict[str, float] = defaultdict(float)
    hours: dict[str, float] = defaultdict(float)
    loads = set(net.transformers["transformer_id"])
    for row in sections().iter_rows(named=True):
        per_year = row["Failure_Rate [1/yr/km]"] * row["Length [km]"]
        switched, waiting = effect(net, row["Line"])
        for name in switched | waiting:
            rate[name] += per_year
            hours[name] += per_year * (row["Repair_Time [h]"] if name in waiting else row["Switching_Time [h]"])
        if row["To_Bus"] in loads:
            rate[row["To_Bus"]] += row["Transformer_Failure_Rate [1/yr]"]
            hours[row["To_Bus"]] += row["Transformer_Failure_Rate [1/yr]"] * row["Transformer_Repair_Time [h]"]
    points = pl.read_csv(FOLDER / "load_point_indices_caseA.csv")
    assert len(points) == len(loads) == 22
    for row in points.iter_rows(named=True):
        name = str(row["load_point"])
        assert rate[name] == pytest.approx(row["lambda_per_yr"], abs=1e-6)
        assert hours[name] == pytest.approx(row["u_h_per_yr"], abs=1e-5)
        assert hours[name] / rate[name] == pytest.approx(row["r_h"], abs=1e-4)

    published = pl.read_csv(FOLDER / "published.csv").row(0, named=True)
    customers = {str(name): number for name, number in points.select("load_point", "customers").rows()}
    served = sum(customers.values())
    assert served == 1908
    frequency = sum(rate[name] * number for name, number in customers.items()) / served
    duration = sum(hours[name] * number for name, number in customers.items()) / served
    energy = sum(hours[str(name)] * mw for name, mw in points.select("load_point", "avg_mw").rows())
    assert frequency == pytest.approx(published["SAIFI_per_customer_yr"], abs=5e-4)
    assert duration == pytest.approx(published["SAIDI_h_per_customer_yr"], abs=5e-3)
    assert duration / frequency == pytest.approx(published["CAIDI_h"], abs=5e-3)
    assert energy == pytest.approx(published["ENS_MWh_per_yr"], abs=5e-4)
