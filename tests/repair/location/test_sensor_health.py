"""Sensor health against a simulated history whose rates are known, and by hand."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from network import Network
from repair import LocationSettings
from repair.location.sensor_health import action_accuracy, sensor_health

START = datetime(2022, 1, 1)
SIGNALS: dict[str, Any] = {
    "time": pl.Datetime("us"),
    "object": pl.String,
    "object_id": pl.String,
    "kind": pl.String,
    "value": pl.Float64,
}
FEEDER = "=A -[K]- 1 -(S1)- 2 -L1 1km- 3 -R kind=recloser- 4 -(S2)- 5 -L2 1km- 6; 3 -(S3)- 7 -L3 1km- 8"


def table(*branches: str) -> pl.DataFrame:
    rows = {"branch_id": list(branches), "kind": ["ftu"] * len(branches)}
    return pl.DataFrame(rows).with_columns(miss_rate=pl.lit(None, pl.Float64), false_rate=pl.lit(None, pl.Float64))


def closed(*faults: str) -> pl.DataFrame:
    starts = [START + timedelta(days=2 * i) for i in range(len(faults))]
    return pl.DataFrame(
        {"incident_id": [f"I{i}" for i in range(len(faults))], "branch_id": list(faults), "start": starts}
    ).with_columns(end=pl.col("start") + timedelta(hours=1))


def heard(*rows: tuple[int, str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (START + timedelta(days=2 * number, minutes=1), "branch", name, "fault_current", value)
            for number, name, value in rows
        ],
        schema=SIGNALS,
        orient="row",
    )


def test_by_hand() -> None:
    """A fault on L3 that S1 missed and S2 invented, and one on L2 beyond the recloser, by which S1 is not judged."""
    supply = Network.from_text(FEEDER).energise()
    signals = heard((0, "S1", 0.0), (0, "S2", 1.0), (0, "S3", 1.0), (1, "S1", 0.0), (1, "S3", 0.0))
    found = sensor_health(supply, closed("L3", "L2"), signals, table("S1", "S2", "S3"), LocationSettings())
    counted = found.select("branch_id", "correct", "missed", "silent", "quiet", "wrong").rows()
    assert counted == [("S1", 0, 1, 0, 0, 0), ("S2", 0, 0, 1, 0, 1), ("S3", 1, 0, 0, 1, 0)]
    assert found["miss_rate"].to_list() == pytest.approx([(1 + 0.05 * 20) / 21, 0.05, 0.05 * 20 / 21])
    assert found["false_rate"].to_list() == pytest.approx([0.05, (1 + 0.05 * 20) / 21, 0.05 * 20 / 21])
    assert found["accuracy"].to_list() == [0.0, 0.0, 100.0]
    assert action_accuracy(found) == pytest.approx(100 / 4)


def test_nothing_to_report_has_no_accuracy() -> None:
    supply = Network.from_text(FEEDER).energise()
    found = sensor_health(supply, closed("L3"), heard((0, "S2", 0.0)), table("S2"), LocationSettings())
    assert found["accuracy"].to_list() == [None]
    assert action_accuracy(found) is None


def test_rates_are_learned_from_a_long_history() -> None:
    supply = Network.from_text("=A -[K]- 1 -(S1)- 2 -L1 1km- 3 -(S2)- 4 -L2 1km- 5").energise()
    rng = np.random.default_rng(3)
    faults = rng.choice(["L1", "L2"], 1500)
    rows = []
    for number, fault in enumerate(faults):
        rows.append((number, "S1", float(rng.random() >= 0.2)))
        there = fault == "L2"
        rows.append((number, "S2", float(rng.random() >= 0.02 if there else rng.random() < 0.1)))
    found = sensor_health(supply, closed(*faults), heard(*rows), table("S1", "S2"), LocationSettings())
    assert found["miss_rate"].to_list() == pytest.approx([0.2, 0.02], abs=0.03)
    assert found["false_rate"][1] == pytest.approx(0.1, abs=0.03)
