import json
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_samples.county import COUNTY
from network import Network, network_from_tables, read_workspace
from repair import LocationSettings, locate

NOON = datetime(2022, 7, 1, 12)
SIGNALS = {"object": pl.String, "object_id": pl.String, "kind": pl.String, "value": pl.Float64}


def chain(sections: int, parents: list[int] | None = None, lengths: list[float] | None = None) -> Network:
    """Return a radial feeder; section i is headed by switch Bi, and hangs on its parent (by default the one before)."""
    above = parents or list(range(sections))
    rows = [
        {
            "branch_id": f"B{i + 1}", "from_node": f"N{above[i]}", "to_node": f"N{i + 1}", "kind": "line",
            "length_km": None if lengths is None else lengths[i],
        }
        for i in range(sections)
    ]  # fmt: skip
    return network_from_tables({"sources": [{"node": "N0"}], "branches": rows, "transformers": []})


def flags(values: list[int | None]) -> pl.DataFrame:
    rows = [
        ("branch", f"B{i + 1}", "fault_current", float(value)) for i, value in enumerate(values) if value is not None
    ]
    return pl.DataFrame(rows, schema=SIGNALS, orient="row").with_columns(time=pl.lit(NOON))


def sensors(count: int, miss: float | None = None, false: float | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {"branch_id": [f"B{i + 1}" for i in range(count)], "miss_rate": [miss] * count, "false_rate": [false] * count},
        schema={"branch_id": pl.String, "miss_rate": pl.Float64, "false_rate": pl.Float64},
    )


@pytest.mark.parametrize(
    ("reported", "first"),
    [([1, 1, 0, 0], [["B2"]]), ([1, 0, 1, 0], [["B1"], ["B3"]]), ([1, 1, None, 0], [["B2"], ["B3"]])],
)
def test_oracles_of_section_7_5(reported: list[int | None], first: list[list[str]]) -> None:
    found = locate(chain(4).energise(), flags(reported), sensors(4))
    best = [list(each.branches) for each in found.ranked if each.probability > found.ranked[0].probability * (1 - 1e-9)]
    assert sorted(best) == first
    assert found.ambiguous == (len(first) > 1)
    assert sum(each.probability for each in found.ranked) == pytest.approx(1)


def test_contradicted_signals_are_named() -> None:
    found = locate(chain(5).energise(), flags([1, 0, 1, 1, 0]), sensors(5))
    assert found.ranked[0].branches == ("B4",)
    assert [vars(each) for each in found.suspect_signals] == [
        {"object_id": "B2", "kind": "fault_current", "thought": "missing"}
    ]
    assert found.ranked[0].bounded_by == ("B4", "B5")
    assert found.next_check is not None


def test_a_device_that_trips_speaks_like_a_flag() -> None:
    signals = flags([None, 0]).vstack(
        pl.DataFrame([("branch", "B1", "trip", None)], schema=SIGNALS, orient="row").with_columns(time=pl.lit(NOON))
    )
    found = locate(chain(3).energise(), signals, sensors(2))
    assert found.ranked[0].branches == ("B1",)
    assert found.outage == {"level": "line", "object_id": "B1", "state": "suspected"}


def test_no_flag_gives_no_section() -> None:
    found = locate(chain(3).energise(), flags([None, None, None]), sensors(3))
    assert found.ranked == ()
    assert not found.ambiguous


@given(st.data())
def test_probabilities_equal_enumeration(data: st.DataObject) -> None:
    """Every branch in turn taken as faulted, every sensor judged, Bayes' rule by hand."""
    count = data.draw(st.integers(1, 9))
    parents = [data.draw(st.integers(0, i)) for i in range(count)]
    lengths = data.draw(st.lists(st.floats(0.1, 5), min_size=count, max_size=count))
    reported = data.draw(st.lists(st.sampled_from([None, 0, 1]), min_size=count, max_size=count))
    rates = data.draw(st.lists(st.tuples(st.floats(0.01, 0.4), st.floats(0.01, 0.4)), min_size=count, max_size=count))
    table = sensors(count).with_columns(
        miss_rate=pl.Series([miss for miss, _ in rates]), false_rate=pl.Series([false for _, false in rates])
    )
    found = locate(chain(count, parents, lengths).energise(), flags(reported), table, LocationSettings())
    if all(value is None for value in reported):
        assert found.ranked == ()
        return

    def path(branch: int) -> set[int]:
        return {branch} | (path(parents[branch] - 1) if parents[branch] else set())

    weight = []
    for fault in range(count):
        likelihood = lengths[fault]
        for sensor, value in enumerate(reported):
            miss, false = rates[sensor]
            sees = 1 - miss if sensor in path(fault) else false
            likelihood *= 1.0 if value is None else sees if value else 1 - sees
        weight.append(likelihood)
    expected = np.array(weight) / np.sum(weight)
    got = {branch: section.probability for section in found.ranked for branch in section.branches}
    assert len(got) == sum(len(section.branches) for section in found.ranked) == count
    for i in range(count):
        assert got[f"B{i + 1}"] == pytest.approx(expected[i], abs=1e-9)


def test_the_sample_incidents_are_found(county: Network) -> None:
    """The lost and the false flag of the sample do not mislead; the true section comes first."""
    truth = json.loads((COUNTY / "signals" / "truth.json").read_text("utf-8"))
    workspace = read_workspace(COUNTY)
    for file in ("incident-1.csv", "incident-2.csv", "incident-3.csv"):
        signals = workspace.with_file("signals", COUNTY / "signals" / file).tables["signals"]
        found = locate(county.energise(), signals, workspace.tables["sensors"])
        assert truth[file] in found.ranked[0].branches, file
