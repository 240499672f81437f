"""Outage inference equals the slow rule, whatever the order and the batches in which signals arrive."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network
from repair.episodes import episodes
from repair.inference import Inference, InferredOutage
from repair.intake import REASONS
from repair.settings import InferenceSettings
from tests.networks import Plain, plain_networks
from tests.repair.slow_inference import Found, Signal, Slow, Spell, windows

NOON = datetime(2022, 7, 20, 12)
LATER = datetime(2022, 7, 21, 12)
RULES = InferenceSettings()
SCHEMA = {"time": pl.Datetime("us"), "object": pl.String, "object_id": pl.String, "kind": pl.String}
KINDS = {
    "branch": ["trip", "reclose", "close"],
    "transformer": ["off", "off", "off", "on", "read"],
    "customer": ["off", "off", "on", "read", "call"],
}


def frame(signals: list[Signal]) -> pl.DataFrame:
    rows = [
        (NOON + timedelta(minutes=time), kind, f"{kind[0].upper()}{number}", what)
        for time, kind, number, what in signals
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def minutes(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - NOON) / timedelta(minutes=1)


def plainly(outage: InferredOutage) -> Found:
    level = "line" if outage.explanation == "line" else outage.level
    reason = outage.explanation if outage.explanation in {"plan", "arrears"} else outage.reason
    return (
        level, outage.object_id, outage.state, reason, minutes(outage.start), minutes(outage.restored_at),
        outage.dark, outage.back, outage.meters, outage.calls,
    )  # type: ignore[return-value]  # fmt: skip


@st.composite
def signals_of(draw: st.DrawFn, plain: Plain) -> list[Signal]:
    """Draw signals, some of them a whole outage: a trip, many that go dark at once, and most that come back."""
    numbers = {"branch": len(plain.branches), "transformer": len(plain.transformers), "customer": len(plain.customers)}
    drawn: list[Signal] = []
    for kind in [kind for kind in numbers if numbers[kind]]:
        one = st.tuples(
            st.integers(0, 60).map(lambda half: half / 2), st.just(kind), st.integers(0, numbers[kind] - 1),
            st.sampled_from(KINDS[kind]),
        )  # fmt: skip
        drawn += draw(st.lists(one, max_size=10))
    for _ in range(draw(st.integers(0, 2))):
        begin = draw(st.integers(0, 40)) / 2
        for number in draw(st.sets(st.integers(0, numbers["transformer"] - 1), max_size=8)):
            drawn.append((begin + draw(st.integers(0, 8)) / 2, "transformer", number, "off"))
            if draw(st.booleans()):
                drawn.append((begin + draw(st.integers(9, 60)) / 2, "transformer", number, "on"))
        if draw(st.booleans()):
            drawn.append((begin, "branch", draw(st.integers(0, numbers["branch"] - 1)), "trip"))
    return drawn


@st.composite
def cases(draw: st.DrawFn) -> tuple[Plain, list[Signal]]:
    plain = draw(plain_networks())
    return plain, draw(signals_of(plain))


def window(draw: st.DataObject, most: int) -> dict[int, tuple[float, float]]:
    span = st.tuples(st.integers(0, 20), st.integers(21, 40))
    return draw.draw(st.dictionaries(st.integers(0, most - 1), span, max_size=2)) if most else {}


PLANS = dict.fromkeys(("plan_id", "branch_id", "feeder_id", "transformer_id", "status"), pl.String)
OUTAGES = dict.fromkeys(("outage_id", "transformer_id", "customer_id", "exclusion"), pl.String)
SPAN = dict.fromkeys(("start", "end"), pl.Datetime("us"))


def explained(
    planned: dict[int, tuple[float, float]], arrears: dict[int, tuple[float, float]]
) -> dict[str, pl.DataFrame]:
    """Return the tables in which transformers are planned out and customers are in arrears."""

    def span(times: tuple[float, float]) -> dict[str, datetime]:
        return {name: NOON + timedelta(minutes=time) for name, time in zip(SPAN, times, strict=True)}

    plans = [{"plan_id": f"P{i}", "transformer_id": f"T{i}", **span(times)} for i, times in planned.items()]
    owing = [
        {"outage_id": f"O{i}", "customer_id": f"C{i}", "exclusion": "arrears", **span(times)}
        for i, times in arrears.items()
    ]
    return {"plans": pl.DataFrame(plans, schema=PLANS | SPAN), "outages": pl.DataFrame(owing, schema=OUTAGES | SPAN)}


@given(cases(), st.data())
def test_the_incidents_equal_the_slow_rule(case: tuple[Plain, list[Signal]], data: st.DataObject) -> None:
    plain, signals = case
    planned, arrears = window(data, len(plain.transformers)), window(data, len(plain.customers))
    share = data.draw(st.sampled_from([0.3, 0.5, 1.0]))
    rules = InferenceSettings(
        dark_share=share, minimum_dark=data.draw(st.integers(1, 3)), minimum_meters=data.draw(st.integers(1, 3))
    )
    inference = Inference(plain.network().energise(), explained(planned, arrears), rules)
    inference.take(frame(signals), LATER)
    found = sorted((plainly(each) for each in inference.incidents), key=str)
    assert found == Slow(plain, rules, planned, arrears).infer(signals)


def states_of(inference: Inference) -> tuple[tuple[InferredOutage, ...], set[str]]:
    return inference.incidents, {str(problem.message) for problem in inference.problems}


@given(cases(), st.data())
def test_neither_order_nor_batches_matter(case: tuple[Plain, list[Signal]], data: st.DataObject) -> None:
    plain, signals = case
    supply, tables = plain.network().energise(), explained(window(data, len(plain.transformers)), {})
    at_once = Inference(supply, tables, RULES)
    at_once.take(frame(signals), LATER)
    in_parts = Inference(supply, tables, RULES)
    shuffled = data.draw(st.permutations(signals))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(signals)), max_size=5)))
    told: dict[str, InferredOutage] = {}
    for begin, end in zip([0, *cuts], [*cuts, len(signals)], strict=True):
        in_parts.take(frame(shuffled[begin:end]), LATER)
        told |= {each.id: each for each in in_parts.changes()}
    assert states_of(at_once) == states_of(in_parts)
    assert all(told[each.id] == each for each in in_parts.incidents if each.explanation != "plan")


@given(cases(), st.data())
def test_bad_signals_change_nothing_but_the_problems(case: tuple[Plain, list[Signal]], data: st.DataObject) -> None:
    plain, signals = case
    supply = plain.network().energise()
    clean = Inference(supply, None, RULES)
    clean.take(frame(signals), LATER)
    good = frame(signals)
    bad = {
        "malformed": [(None, "branch", "B0", "trip"), (NOON, "tower", "B0", "trip"), (NOON, "branch", None, "trip"),
                      (NOON, "branch", "B0", "off"), (NOON, "customer", "C0", "trip"),
                      (datetime(1066, 1, 1), "branch", "B0", "trip")],
        "unknown": [(NOON, "branch", "X", "trip"), (NOON, "transformer", "B0", "off"), (NOON, "customer", "", "call")],
        "future": [(LATER + timedelta(minutes=6), "transformer", "T0", "off"), (datetime(2099, 1, 1), "branch", "B0", "trip")],
    }  # fmt: skip
    times = data.draw(st.sampled_from([1, 7]))
    parts = [pl.DataFrame(rows * times, schema=SCHEMA, orient="row") for rows in bad.values()]
    dirty = Inference(supply, None, RULES)
    for part in data.draw(st.permutations([good, *([good] if signals else []), *parts])):
        dirty.take(part, LATER)
    assert dirty.incidents == clean.incidents
    assert dirty.newest == clean.newest
    counts = {str(problem.message).split(";")[0]: problem for problem in dirty.problems}
    for reason, rows in bad.items():
        message = str(REASONS[reason][0])
        assert str(counts[message].message).endswith(f": {len(rows) * times}")
    assert len(dirty.problems) <= len(REASONS)


@pytest.mark.parametrize("again", [1, 1000])
def test_a_signal_a_thousand_times_over_counts_once(county: Network, again: int) -> None:
    signals = county.workspace.tables["signals"]
    once, often = (Inference(county.energise(), county.workspace.tables, RULES) for _ in range(2))
    once.take(signals)
    often.take(pl.concat([signals] * again))
    assert once.incidents == often.incidents
    assert [str(problem.message).rsplit(" ", 1)[1] for problem in often.problems[:1]] == (
        [str((again - 1) * signals.filter(pl.col("kind") != "fault_current").height)] if again > 1 else []
    )


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=40), st.integers(1, 12))
def test_episodes_are_the_fullest_windows(items: list[tuple[int, int]], length: int) -> None:
    items.sort()
    found = episodes(
        np.array([key for key, _ in items], dtype=np.int64), np.array([at for _, at in items], dtype=np.int64), length
    )
    expected = []
    for key in sorted({key for key, _ in items}):
        own = [Spell(("", key), at) for each, at in items if each == key]
        expected += sorted(windows(own, length), key=lambda part: part[0].start)
    assert found.tolist() == [number for number, part in enumerate(expected) for _ in part]
