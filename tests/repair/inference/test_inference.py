"""Outage inference does not depend on the order or the batches of signals, and bad signals change nothing."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_samples.generator.county import COUNTY
from network import Network
from repair import Inference
from repair.inference.intake import REASONS
from repair.inference.outage import InferredOutage
from tests.networks import Plain, plain_networks
from tests.repair.inference.words import NOON, SCHEMA, inferred, minute, said

LATER = NOON + timedelta(days=1)
Signal = tuple[float, str, int, str]
"""Time in minutes, kind of object, its number, kind of signal."""

KINDS = {
    "branch": ["trip", "reclose", "close"],
    "transformer": ["off", "off", "off", "on", "read", "unanswered"],
    "customer": ["off", "off", "on", "read", "call", "unanswered"],
}


def frame(signals: list[Signal]) -> pl.DataFrame:
    rows = [
        (minute(time), kind, f"{kind[0].upper()}{number}", *(("read", 0.0) if what == "unanswered" else (what, None)))
        for time, kind, number, what in signals
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@st.composite
def cases(draw: st.DrawFn) -> tuple[Plain, list[Signal]]:
    """Draw signals, some of them a whole outage: a trip, many that go dark at once, and most that come back."""
    plain = draw(plain_networks())
    numbers = {"branch": len(plain.branches), "transformer": len(plain.transformers), "customer": len(plain.customers)}
    drawn: list[Signal] = []
    for kind in [kind for kind in numbers if numbers[kind]]:
        one = st.tuples(
            st.integers(0, 200).map(lambda half: half / 2), st.just(kind), st.integers(0, numbers[kind] - 1),
            st.sampled_from(KINDS[kind]),
        )  # fmt: skip
        drawn += draw(st.lists(one, max_size=8))
    for _ in range(draw(st.integers(0, 2))):
        begin = draw(st.integers(0, 40)) / 2
        for number in draw(st.sets(st.integers(0, numbers["transformer"] - 1), max_size=8)):
            drawn.append((begin + draw(st.integers(0, 8)) / 2, "transformer", number, "off"))
            if draw(st.booleans()):
                drawn.append((begin + draw(st.integers(9, 60)) / 2, "transformer", number, "on"))
        if draw(st.booleans()) and numbers["branch"]:
            drawn.append((begin, "branch", draw(st.integers(0, numbers["branch"] - 1)), "trip"))
    return plain, drawn


def states_of(inference: Inference) -> tuple[tuple[InferredOutage, ...], dict[str, float], set[str]]:
    return inference.incidents, inference.sure(), {str(problem.message) for problem in inference.problems}


@settings(max_examples=60)
@given(cases(), st.data())
def test_neither_order_nor_batches_matter(case: tuple[Plain, list[Signal]], data: st.DataObject) -> None:
    plain, signals = case
    supply = plain.network().energise()
    at_once, in_parts = Inference(supply), Inference(supply)
    at_once.take(frame(signals), LATER)
    shuffled = data.draw(st.permutations(signals))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(signals)), max_size=5)))
    told: dict[str, InferredOutage] = {}
    for begin, end in zip([0, *cuts], [*cuts, len(signals)], strict=True):
        in_parts.take(frame(shuffled[begin:end]), LATER)
        told |= {change.id: change for change in in_parts.changes()}
    assert states_of(at_once) == states_of(in_parts)
    assert all(told[incident.id] == incident for incident in in_parts.incidents)
    for inference in (at_once, in_parts):
        inference.tick(LATER)
    assert states_of(at_once) == states_of(in_parts)


def test_the_first_sign_of_power_ends_a_lone_incident_even_if_it_comes_last() -> None:
    """T1 is off at 0 and 59 and reads at 61; of both readings the one of 81 is heard first, or the other way round."""
    net = Network.from_text("=S -[K1]- 0 -L1- 1; T1 @ 1; T2 @ 0")
    ends = []
    for words in (("T1 answered 61", "T1 answered 81"), ("T1 answered 81", "T1 answered 61")):
        inference = Inference(net.energise())
        inference.take(said("T1 off 0", "T1 off 59"), LATER)
        for word in words:
            inference.take(said(word), LATER)
            ends.append([(each.id, each.restored_at) for each in inference.incidents])
    assert ends[1] == ends[3]
    assert minute(61) in [at for _, at in ends[3]]


@settings(max_examples=30)
@given(cases(), st.data())
def test_bad_signals_change_nothing_but_the_problems(case: tuple[Plain, list[Signal]], data: st.DataObject) -> None:
    plain, signals = case
    supply = plain.network().energise()
    clean, dirty = Inference(supply), Inference(supply)
    clean.take(frame(signals), LATER)
    bad: dict[str, list[tuple[object, ...]]] = {
        "malformed": [(None, "branch", "B0", "trip"), (NOON, "tower", "B0", "trip"), (NOON, "branch", None, "trip"),
                      (NOON, "branch", "B0", "off"), (NOON, "customer", "C0", "trip")],
        "unknown": [(NOON, "branch", "X", "trip"), (NOON, "transformer", "B0", "off"), (NOON, "customer", "", "call")],
        "future": [(LATER + timedelta(minutes=6), "transformer", "T0", "off")],
    }  # fmt: skip
    times = data.draw(st.sampled_from([1, 7]))
    parts = [pl.DataFrame([(*row, None) for row in rows * times], schema=SCHEMA, orient="row") for rows in bad.values()]
    said_of: list[str] = []
    for part in data.draw(st.permutations([frame(signals), *parts])):
        said_of += [str(each.message) for each in dirty.take(part, LATER)]
    assert dirty.incidents == clean.incidents
    assert dirty.newest == clean.newest
    for reason, rows in bad.items():
        message = str(REASONS[reason][0])
        assert any(said.startswith(message) and said.endswith(f": {len(rows) * times}") for said in said_of)


@pytest.mark.parametrize("again", [2, 300])
def test_a_signal_many_times_over_counts_once(county: Network, again: int) -> None:
    signals = county.workspace.tables["signals"]
    once, often = (Inference(county.energise(), county.workspace.tables) for _ in range(2))
    once.take(signals)
    often.take(pl.concat([signals] * again))
    assert often.incidents == once.incidents
    assert any(str(problem.message).endswith(f": {signals.height * (again - 1)}") for problem in often.problems)


def test_a_late_report_corrects_what_was_said_before() -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2; T1 @ 1; T2 @ 2; T3 @ 2; T4 @ 2")
    inference = inferred(net, "K1 trip 0", "T1 off 0", "T2 off 0", "T3 off 0", "T4 off 0", at=200)
    assert [change.state for change in inference.changes()] == ["confirmed"]
    inference.take(said("K1 close 20", *(f"T{i} on 20" for i in range(1, 5))))
    (outage,) = inference.changes()
    assert (outage.state, outage.restored_at) == ("restored", minute(20))
    assert inference.changes() == ()


def test_a_device_out_of_service_does_not_count() -> None:
    net = Network.from_text(
        "=S -[K1]- 1 -L1- 2; T1 @ 1; T2 @ 2; T3 @ 2 in_service=2023-01-01; T4 @ 2 retired=2022-01-01"
    )
    inference = inferred(net, "T3 off 0", "T4 off 0", "K1 trip 1", "T1 off 1", "T2 off 1")
    (outage,) = inference.incidents
    assert (outage.object_id, outage.dark_ids) == ("K1", ("T1", "T2"))
    messages = {str(problem.message).split(";")[0] for problem in inference.problems}
    assert messages == {"It was not yet in service", "It was no longer in service"}


def test_two_feeders_are_two_incidents_and_quiet_ones_are_forgotten() -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2; S -[K2]- 3 -L2- 4; T1 @ 1; T2 @ 2; T3 @ 3; T4 @ 4")
    inference = inferred(
        net,
        "K1 trip 0",
        "T1 off 1",
        "T2 off 1",
        "T1 on 9",
        "T2 on 9",
        "K1 close 9",
        "K2 trip 1",
        "T3 off 1",
        "T4 off 2",
        at=50,
    )
    assert {(incident.object_id, incident.state) for incident in inference.incidents} == {
        ("K1", "restored"),
        ("K2", "confirmed"),
    }
    assert inference.forget(minute(45)) == 1
    assert [incident.object_id for incident in inference.incidents] == ["K2"]
    told = inference.take(said("T1 off 5", "T3 on 80", "T4 on 80", "K2 close 80"))
    assert ["older than what is remembered" in str(each.message) for each in told] == [True]
    assert [(incident.object_id, incident.state) for incident in inference.incidents] == [("K2", "restored")]


def test_what_is_forgotten_does_not_hide_what_is_new() -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2; S -[K2]- 3 -L2- 4; T1 @ 1; T2 @ 2; T3 @ 3; T4 @ 4")
    inference = inferred(net, "K1 trip 0", "T1 off 0", "T2 off 0")
    assert [change.object_id for change in inference.changes()] == ["K1"]
    inference.take(said("K2 trip 500", "T3 off 500", "T4 off 500"))
    inference.forget(minute(100))
    assert [change.object_id for change in inference.changes() if change.object_id == "K2"] == ["K2"]


def test_customers_who_are_not_yet_in_service_do_not_count() -> None:
    served = [{"customer_id": f"C{each}", "transformer_id": "T1", "in_service": None} for each in range(3)]
    later = [{"customer_id": "C9", "transformer_id": "T1", "in_service": NOON + timedelta(days=9)}]
    net = Network.from_text("=S -[K1]- 1 -L1- 2; T1 @ 1", {"customers": [*served, *later]})
    (outage,) = inferred(net, "K1 trip 0", "T1 off 0").incidents
    assert (outage.customers, outage.customers_off) == (3, 3)


def test_dual_supply_and_rings_give_sound_probabilities() -> None:
    """A ring that is operated closed is cut off as a whole only; a transformer with two supplies goes off where both meet."""
    net = Network.from_text(
        "=S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4 -(S2)- 1; 1 -F1 kind=fuse- 5 -L3- 6; 1 -F2 kind=fuse- 7\n"
        "T1 @ 2; T2 @ 3; T3 @ 4; T4 @ 5; T5 @ 6; T6 @ 6, 7"
    )
    (lateral,) = inferred(net, "T4 off 0", "T5 off 0").incidents
    assert (lateral.object_id, lateral.dark_ids) == ("F1", ("T4", "T5"))
    (whole,) = inferred(net, "K1 trip 0", *(f"T{i} off 0" for i in range(1, 7))).incidents
    assert (whole.object_id, whole.dark) == ("K1", 6)


@pytest.mark.parametrize("number", [1, 2, 3, 5, 6])
def test_the_incidents_of_the_sample_are_inferred(county: Network, number: int) -> None:
    rows = county.workspace.read("signals", COUNTY / "signals" / f"incident-{number}.csv")[0]
    inference = Inference(county.energise())
    inference.take(rows)
    assert any(incident.is_open or incident.state == "restored" for incident in inference.incidents)
    assert all(0 <= incident.sure <= 1 and 0 <= incident.probability <= 1 for incident in inference.incidents)


def test_an_event_silent_for_just_as_long_as_events_are_is_judged_again_when_it_is_over() -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2; =R -[K2]- 3; T1(3) @ 2; T2(3) @ 3")
    supply = net.energise()
    at_once, in_parts = Inference(supply), Inference(supply)
    first: list[Signal] = [(0.0, "transformer", 1, "off"), (30.0, "transformer", 2, "off")]
    later: list[Signal] = [(50.0, "transformer", 2, "on")]
    at_once.take(frame(first + later), LATER)
    for part in (first, later):
        in_parts.take(frame(part), LATER)
        in_parts.changes()
    assert states_of(at_once) == states_of(in_parts)
