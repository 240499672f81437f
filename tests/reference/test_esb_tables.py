"""The engineers' tables of ESB Networks: from fault-passage flags to the faulted section (Tramore and Grange feeders)."""

from __future__ import annotations

import csv
from datetime import datetime

import polars as pl
import pytest

from network import Network
from repair import Location, locate
from tests.conftest import reference


def located(devices: list[str], flags: str) -> Location:
    """Locate on the feeder of a row: each device heads the line up to the next one, the last one that up to the open point."""
    text = "=N0"
    for number, device in enumerate(devices):
        switch = f"[{device}]" if device == "CB" else f"({device})"
        text += f" -{switch}- D{number} -L{number} 1km- N{number + 1}"
    net = Network.from_text(text)
    signals = pl.DataFrame(
        [("branch", device, "fault_current", float(flag)) for device, flag in zip(devices, flags, strict=True)],
        schema={"object": pl.String, "object_id": pl.String, "kind": pl.String, "value": pl.Float64},
        orient="row",
    ).with_columns(time=pl.lit(datetime(2022, 1, 1)))
    sensors = pl.DataFrame({"branch_id": devices, "miss_rate": [None] * 5, "false_rate": [None] * 5})
    return locate(net.energise(), signals, sensors)


def test_every_row_of_the_engineers_tables() -> None:
    with (reference("esb_ireland") / "truth_tables_tramore_grange.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 64
    told = {"section": 0, "mal operation": 0, "none": 0}
    for row in rows:
        devices, flags = row["devices"].split("|"), row["flags"]
        found = located(devices, flags)
        assert sum(section.probability for section in found.ranked) == pytest.approx(1)
        result = row["result"].casefold()
        if "no fault" in result:
            told["none"] += 1
            assert (found.outage["level"], found.outage["state"]) == ("none", "none")
        elif "mal operation" in result:
            told["mal operation"] += 1
            assert found.suspect_signals, row
        else:
            told["section"] += 1
            last = flags.rindex("1")
            named = [device for device in devices if device.casefold() in result.replace(" ", "")]
            between = {devices[last], *devices[last + 1 : last + 2]}
            assert {name.casefold() for name in named} == {name.casefold() for name in between}, row
            assert f"L{last}" in found.ranked[0].branches, row
            assert not found.suspect_signals
            assert not found.ambiguous
    assert told == {"section": 10, "mal operation": 52, "none": 2}
