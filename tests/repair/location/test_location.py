import json
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_samples.generator.county import COUNTY
from network import Network, network_from_tables, read_workspace
from repair import Location, LocationSettings, incidents, locate

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
    assert [vars(suspect_signal) for suspect_signal in found.suspect_signals] == [
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
    assert found.outage == {"level": "line", "object_id": "B1", "state": "confirmed"}


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


def line_of(diagram: str, *heard: tuple[str, str, str, float | None], **rules: float) -> Location:
    """Return the location on a one-line diagram of signals ``(object, id, kind, value)``; every flag comes from a sensor."""
    net = Network.from_text(diagram)
    rows = pl.DataFrame(heard, schema=SIGNALS, orient="row").with_columns(time=pl.lit(NOON))
    table = rows.filter(pl.col("kind") == "fault_current").select("object_id").unique(maintain_order=True)
    known = table.select(branch_id="object_id", miss_rate=pl.lit(0.05), false_rate=pl.lit(0.05))
    return locate(net.energise(), rows, known, LocationSettings(**rules))


def flagged(**values: float) -> list[tuple[str, str, str, float | None]]:
    return [("branch", name, "fault_current", value) for name, value in values.items()]


CHAIN_WITH_GENERATION = "=A -(S1)- 1 -L1 1km- 2 -(S2)- 3 -L2 1km- 4 -(S3)- 5 -L3 1km- 6 -(S4)- 7 -L4 1km- {end}"


@pytest.mark.parametrize(
    ("end", "values", "first"),
    [("=D", (1, 1, -1, -1), ("S2", "L2")), ("8", (1, 1, 0, 0), ("S2", "L2"))],
)
def test_signed_flags_with_distributed_generation(end: str, values: tuple[int, ...], first: tuple[str, ...]) -> None:
    """Field reference 7.5: the generator at the far end feeds the fault too, or is off."""
    found = line_of(
        CHAIN_WITH_GENERATION.format(end=end),
        *flagged(**{f"S{i + 1}": float(value) for i, value in enumerate(values)}),
    )
    assert set(found.ranked[0].branches) == set(first)
    assert not found.suspect_signals
    assert found.ranked[0].probability > 0.9


def test_two_faults_with_distributed_generation() -> None:
    """Field reference 7.5: faults in 1 and 3; between them no current flows."""
    found = line_of(
        CHAIN_WITH_GENERATION.format(end="=D"), *flagged(S1=1.0, S2=0.0, S3=0.0, S4=-1.0), second_fault_rate=0.5
    )
    pair = [set(found.ranked[i].branches) for i in found.explanations[0].sections]
    assert sorted(pair, key=sorted) == [{"S1", "L1"}, {"S3", "L3"}]
    assert found.two_faults > 0.5
    assert not found.suspect_signals


def test_a_closed_ring_is_fed_from_both_sides() -> None:
    found = line_of("=A -[K]- 1 -(S1)- 2 -L1 1km- 3 -(S2)- 4 -L2 1km- 5 -(S3)- 1", *flagged(S1=1.0, S2=-1.0, S3=-1.0))
    assert set(found.ranked[0].branches) >= {"L1"}
    assert not found.suspect_signals


def test_a_recloser_clears_before_the_breaker() -> None:
    """Sensors above it have lost their flag, or kept it: either way the fault lies beyond it and nothing is wrong."""
    feeder = "=A -[K]- 1 -(S1)- 2 -L1 1km- 3 -R kind=recloser- 4 -(S2)- 5 -L2 1km- 6 -(S3)- 7 -L3 1km- 8"
    for above in (0.0, 1.0):
        found = line_of(feeder, *flagged(K=above, S1=above, S2=1.0, S3=0.0), ("branch", "R", "trip", None))
        assert set(found.ranked[0].branches) == {"S2", "L2"}
        assert not found.suspect_signals


def test_a_fuse_that_blew_is_seen_by_dark_transformers_alone() -> None:
    feeder = "=A -[K]- 1 -L1 1km- 2 -L2 1km- 3; 2 -F kind=fuse- 4 -L3 1km- 5; T1 @ 4; T2 @ 5; T3 @ 3; T4 @ 5"
    dark = [("transformer", name, "off", None) for name in ("T1", "T2", "T4")]
    found = line_of(feeder, *dark, ("transformer", "T3", "read", 1.0))
    assert set(found.ranked[0].branches) == {"F", "L3"}
    assert found.ranked[0].probability > 0.9
    assert line_of(feeder, dark[0]).ranked == ()  # one dark transformer speaks of itself alone


def test_two_faults_on_two_branches() -> None:
    feeder = (
        "=A -[K]- 1 -L0 1km- 2; 2 -(S1)- 3 -L1 1km- 4 -(S2)- 5 -L2 1km- 6; 2 -(S3)- 7 -L3 1km- 8 -(S4)- 9 -L4 1km- 10"
    )
    found = line_of(feeder, *flagged(S1=1.0, S2=1.0, S3=1.0, S4=1.0), second_fault_rate=0.1)
    pair = [set(found.ranked[i].branches) for i in found.explanations[0].sections]
    assert sorted(pair, key=sorted) == [{"S2", "L2"}, {"S4", "L4"}]
    assert not found.suspect_signals
    one = line_of(feeder, *flagged(S1=1.0, S2=1.0, S3=1.0, S4=1.0), second_fault_rate=0.0)
    assert one.two_faults == 0
    assert {suspect_signal.object_id for suspect_signal in one.suspect_signals} in (
        {"S1", "S2"},
        {"S3", "S4"},
        {"S1", "S2", "S3", "S4"},
    )


def test_the_same_answer_whatever_the_order_of_the_signals() -> None:
    heard = [*flagged(S1=1.0, S2=1.0, S3=-1.0, S4=-1.0), ("branch", "S1", "fault_current", 0.0)]
    answers = [line_of(CHAIN_WITH_GENERATION.format(end="=D"), *rows).as_dict() for rows in (heard, heard[::-1])]
    assert answers[0] == answers[1]


def test_ninety_per_cent_in_as_few_sections_as_it_takes() -> None:
    found = locate(chain(4).energise(), flags([1, 1, None, 0]), sensors(4))
    assert [each.branches for each in found.covering] == [("B2",), ("B3",)]


def test_the_desk_locates_what_the_command_does(county: Network) -> None:
    """An incident brings along who is live on its feeder: number 5 has no flag and no trip, only dark and live transformers."""
    truth = json.loads((COUNTY / "signals" / "truth.json").read_text("utf-8"))
    workspace = read_workspace(COUNTY)
    signals = workspace.with_file("signals", COUNTY / "signals" / "incident-5.csv").tables["signals"]
    (incident,) = incidents(county.energise(), signals, workspace.tables["sensors"])
    assert truth["incident-5.csv"] in incident.location.ranked[0].branches
    assert incident.location.ranked[0].probability > 0.95


def test_the_reading_that_is_advised_tells_where_the_fault_lies_and_no_other_feeder_does() -> None:
    net = Network.from_text(
        "=S -[K1]- 1 -L1- 2 -F1 kind=fuse- 3 -L2- 4; T1(9) @ 2; T2(9) @ 4; T5(9) @ 4; T6(9) @ 4; "
        "S -[K2]- 5 -L3- 6 -F2 kind=fuse- 7 -L4- 8; T3 @ 6; T4 @ 8"
    )
    off = [("transformer", name, "off", None) for name in ("T2", "T5", "T6")]
    rows = [*off, ("transformer", "T3", "read", None)]
    signals = pl.DataFrame(rows, schema=SIGNALS, orient="row").with_columns(time=pl.lit(NOON))
    found = locate(net.energise(), signals)
    (read,) = [check for check in found.checks if check.kind == "read"]
    assert read.object_id == "T1"
    known = [*rows, ("transformer", "T1", "read", None)]
    settled = locate(net.energise(), pl.DataFrame(known, schema=SIGNALS, orient="row").with_columns(time=pl.lit(NOON)))
    assert all(check.object_id not in {"T3", "T4"} for check in settled.checks)
