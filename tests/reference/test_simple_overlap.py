"""The capacity-limited case with a stated answer: feeder 5 takes loads 1 and 2, feeder 6 takes 3 and 4, open between 2 and 3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from network import Network, network_from_tables
from repair.restoration.restorer import restore
from tests.conftest import reference


@pytest.fixture(scope="module")
def net() -> Network:
    """The adapter: a power of one is one kW, and one kW one ampere; a line's switch stands at its ``f_bus`` end."""
    folder = reference("simple_overlap")

    def table(name: str) -> list[dict[str, Any]]:
        return pl.read_csv(Path(folder) / f"{name}.csv", separator=";").to_dicts()

    switch_at = {(row["f_bus"], row["t_bus"]): row for row in table("switch")}
    branches: list[dict[str, Any]] = []
    for row in table("branches"):
        ends = row["f_bus"], row["t_bus"]
        branches.append(
            {"branch_id": row["ID"], "from_node": f"{row['ID']}.1", "to_node": f"{row['ID']}.2", "kind": "line"}
        )
        for number, end in enumerate(ends, 1):
            found = switch_at.get(ends if number == 1 else ends[::-1])
            device = {"branch_id": f"{row['ID']}.s{number}", "from_node": end, "to_node": f"{row['ID']}.{number}"}
            if found is None:
                branches.append(device | {"kind": "bus"})
            else:
                kind = "breaker" if found["breaker"] else "switch"
                branches.append(
                    device | {"kind": kind, "normally_open": not found["closed"], "remote": bool(found["remote"])}
                )
    return network_from_tables(
        {
            "sources": [{"node": row["bus"], "capacity_a": row["Pmax"]} for row in table("gen")],
            "branches": branches,
            "transformers": [{"transformer_id": row["ID"], "node": row["bus"], "load_kw": row["P"]} for row in table("loads")],
            "customers": [{"customer_id": f"{row['ID']}-1", "transformer_id": row["ID"]} for row in table("loads")],
        },
        {"restoration": {"power_factor": 1.0, "voltage_kv": 1 / 3**0.5}},
    )  # fmt: skip


@pytest.mark.parametrize("objective", ["customers", "kw"])
def test_each_backup_takes_what_it_can(net: Network, objective: str) -> None:
    plan = restore(net.energise(), "line_0_f", objective=objective)
    assert plan.proof.holds
    assert plan.back.transformers == ["load_1", "load_2", "load_3", "load_4"]
    after = net.energise().switched(
        open=[*plan.as_dict()["tripped"], *(step.branch_id for step in plan.steps if step.action == "open")],
        close=[step.branch_id for step in plan.steps if step.action == "close"],
    )
    place = {str(node): index for index, node in enumerate(net.nodes)}
    feeder = {
        load: str(net.nodes[int(after.node_at[after.source_above[after.place_of[place[load]]]])])
        for load in ("load_1", "load_2", "load_3", "load_4")
    }
    assert feeder == {"load_1": "bf_5", "load_2": "bf_5", "load_3": "bf_6", "load_4": "bf_6"}
    operated = {step.branch_id: step.action for step in plan.steps}
    assert operated == {
        "line_0_f.s2": "open", "line_2_3.s1": "open", "line_2_5.s1": "close", "line_3_6.s1": "close",
    }  # fmt: skip


def test_a_refused_switch_is_left_alone_and_the_plan_is_made_anew(net: Network) -> None:
    plan = restore(net.energise(), "line_0_f", refused=["line_2_5.s1"])
    assert "line_2_5.s1" not in {step.branch_id for step in plan.steps}
    assert plan.back.transformers == ["load_3", "load_4"]
