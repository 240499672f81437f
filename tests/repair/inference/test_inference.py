"""Outage inference equals the slow rule, whatever the order and the batches in which signals arrive."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network, network_from_tables
from repair.inference.episodes import episodes
from repair.inference.intake import REASONS
from repair.inference.outages import Inference, InferredOutage
from repair.settings import InferenceSettings
from tests.networks import Plain, plain_networks
from tests.repair.inference.slow_inference import Found, Signal, Slow, Spell, windows

NOON = datetime(2022, 7, 20, 12)
LATER = datetime(2022, 7, 21, 12)
RULES = InferenceSettings()
SCHEMA = {
    "time": pl.Datetime("us"),
    "object": pl.String,
    "object_id": pl.String,
    "kind": pl.String,
    "value": pl.Float64,
}
KINDS = {
    "branch": ["trip", "reclose", "close"],
    "transformer": ["off", "off", "off", "on", "read", "unanswered"],
    "customer": ["off", "off", "on", "read", "call", "unanswered", "unanswered"],
}


def _kind_and_value(what: str) -> tuple[str, float | None]:
    return ("read", 0.0) if what == "unanswered" else (what, None)


def frame(signals: list[Signal]) -> pl.DataFrame:
    rows = [
        (NOON + timedelta(minutes=time), kind, f"{kind[0].upper()}{number}", *_kind_and_value(what))
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
    parts = [pl.DataFrame([(*row, None) for row in rows * times], schema=SCHEMA, orient="row") for rows in bad.values()]
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


TOWN = """
=S -[K1] feeder_id=F- 1 -L1- 2 -L2- 3 -L3- 4 -L4- 9
2 -F1 kind=fuse- 5 -L5- 6 -L6- 7
6 -F2 kind=fuse- 8
T1 @ 1; T2 @ 2; T3 @ 3; T4 @ 4; T5 @ 5; T6 @ 6; T7 @ 7; T8 @ 8; T9 @ 9; TA @ 9; TB @ 9
"""
r"""
S -K1- 1(T1) -L1- 2(T2) -L2- 3(T3) -L3- 4(T4) -L4- 9(T9, TA, TB)
                   \
                    F1- 5(T5) -L5- 6(T6) -L6- 7(T7)
                                     \
                                      F2- 8(T8)
"""


@pytest.fixture(scope="module")
def town() -> Network:
    customers = [{"customer_id": f"C{t}{i}", "transformer_id": f"T{t}"} for t in range(1, 9) for i in range(4)]
    return Network.from_text(TOWN, {"customers": customers})


def said(*words: str) -> pl.DataFrame:
    """Return signals such as ``T5 off 0.5``: object, kind, minutes after noon."""
    kinds = {"T": "transformer", "C": "customer"}
    rows = []
    for word in words:
        name, what, after = word.split()
        rows.append(
            (NOON + timedelta(minutes=float(after)), kinds.get(name[0], "branch"), name, *_kind_and_value(what))
        )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def inferred(net: Network, *words: str, **tables: pl.DataFrame) -> list[tuple[str, str, str]]:
    inference = Inference(net.energise(), tables, RULES)
    inference.take(said(*words), LATER)
    return [(each.level, each.object_id, each.state) for each in inference.incidents]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["K1 trip 0"], [("line", "K1", "suspected")]),
        (["K1 trip 0", "T1 off 1", "T8 off 1"], [("line", "K1", "confirmed")]),
        (["K1 trip 0", "K1 reclose 0.1"], [("line", "K1", "restored")]),
        (["K1 trip 0", "K1 reclose 0.1", "K1 trip 0.5", "T1 off 1", "T4 off 1"],
         [("line", "K1", "confirmed"), ("line", "K1", "restored")]),
        (["K1 trip 0", "T4 read 1"], [("line", "K1", "overturned")]),
        (["C10 call 0", "C10 unanswered 1"], [("customer", "C10", "suspected")]),
        (["C10 call 0", "C10 unanswered 1", "C10 unanswered 2"], [("customer", "C10", "confirmed")]),
        (["C10 unanswered 0", "C10 unanswered 1"], []),
        (["T3 off 0", "T4 off 0", "T9 off 1", "T2 read 1", "T5 read 1"], [("trunk", "L2", "confirmed")]),
        (["T5 off 0", "T6 off 0", "T2 read 1"], [("lateral", "F1", "confirmed")]),
        (["T7 off 0", "T8 off 0", "T5 read 1", "T6 read 1"],
         [("transformer", "T7", "suspected"), ("transformer", "T8", "suspected")]),
        (["T5 off 0", "C51 off 0.2"], [("transformer", "T5", "confirmed")]),
        (["C50 off 0", "C51 off 0", "C52 off 1"], [("transformer", "T5", "confirmed")]),
        (["C50 off 0", "C51 off 0", "C52 off 1", "C53 read 1"], [("customers", "T5", "confirmed")]),
        (["C50 off 0", "C51 call 1"], [("customers", "T5", "suspected")]),
        (["C50 call 0"], [("customer", "C50", "suspected")]),
        (["C50 call 1", "C50 off 0"], [("customer", "C50", "confirmed")]),
        (["T5 off 0", "T5 read 2"], [("transformer", "T5", "overturned")]),
        (["T5 off 0", "T5 on 0.5"], []),
        (["T5 off 0", "C50 read 1"], [("transformer", "T5", "overturned")]),
    ],
)  # fmt: skip
def test_the_order_of_explanations(town: Network, words: list[str], expected: list[tuple[str, str, str]]) -> None:
    assert inferred(town, *words) == expected


def test_a_lateral_of_a_lateral_is_a_sub_lateral() -> None:
    wide = Network.from_text(TOWN + "TU @ 8; TV @ 7; TW @ 7; TX @ 9; TY @ 9; TZ @ 9")
    assert inferred(wide, "T8 off 0", "TU off 0", "T6 read 1") == [("sub_lateral", "F2", "confirmed")]


def test_a_lateral_first_then_the_whole_feeder_are_nested(town: Network) -> None:
    early = ["T5 off 0", "T6 off 0", "T7 off 0", "T2 read 1", "C60 call 3"]
    late = ["K1 trip 30", "T1 off 31", "T2 off 31", "T3 off 32", "C80 call 34", "T8 off 45"]
    inference = Inference(town.energise(), None, RULES)
    inference.take(said(*early, *late), LATER)
    line, lateral = inference.incidents
    assert (line.object_id, line.dark, line.users, line.calls) == ("K1", 4, 8, 1)
    assert (lateral.object_id, lateral.dark, lateral.users, lateral.calls) == ("F1", 3, 4, 1)


def test_a_partial_restoration_is_told_before_the_whole_one(town: Network) -> None:
    inference = Inference(town.energise(), None, RULES)
    inference.take(
        said("K1 trip 0", "T1 off 1", "T2 off 1", "T4 off 1", "K1 close 20", "T1 on 20", "T2 read 21"), LATER
    )
    (outage,) = inference.incidents
    assert (outage.state, outage.dark, outage.back, outage.restored_at) == ("confirmed", 3, 2, None)
    inference.take(said("T4 on 40"), LATER)
    (outage,) = inference.changes()
    assert (outage.state, outage.restored_at) == ("restored", NOON + timedelta(minutes=40))


def test_a_plan_explains_everything_below_its_branch_and_may_overrun(town: Network) -> None:
    plan = pl.DataFrame(
        [{"plan_id": "P1", "branch_id": "F1", "start": NOON, "end": NOON + timedelta(hours=1)}], schema=PLANS | SPAN
    )
    tables = {"plans": plan}
    words = ["F1 trip 0", *(f"T{n} off 1" for n in (5, 6, 7, 8)), "C50 call 5", "T1 off 2"]
    inference = Inference(town.energise(), tables, RULES)
    inference.take(said(*words), LATER)
    alone, planned = inference.incidents
    assert (alone.object_id, planned.explanation, planned.object_id, planned.dark) == ("T1", "plan", "F1", 4)
    assert (planned.plan_or_record, planned.needs_order, planned.reason) == ("P1", False, "")
    assert any("Planned work" in str(problem.message) for problem in inference.problems)
    inference.take(said("T1 on 90"), LATER)
    assert [each.reason for each in inference.incidents] == ["", "overrun"]
    refused = {"plans": plan.with_columns(status=pl.lit("待审核"))}
    assert inferred(town, *words, **refused)[1] == ("lateral", "F1", "confirmed")


def test_a_device_out_of_service_says_nothing_and_does_not_count() -> None:
    dates = {"T3": ("in_service", LATER), "T4": ("retired", NOON - timedelta(days=1))}
    net = Network.from_text(TOWN)
    table = net.transformers.with_columns(
        pl.when(pl.col("transformer_id") == name).then(pl.lit(date)).otherwise(pl.col(column)).alias(column)
        for name, (column, date) in dates.items()
    ).drop("row")
    tables = {name: net.workspace.tables[name].drop("row") for name in ("sources", "branches")}
    dated = network_from_tables(tables | {"transformers": table})
    inference = Inference(dated.energise(), None, RULES)
    inference.take(said("T3 off 0", "T4 off 0", "K1 trip 1", "T1 off 1", "T2 off 1", "T5 off 1"), LATER)
    (outage,) = inference.incidents
    assert (outage.object_id, outage.dark, outage.users, outage.transformers) == ("K1", 3, 9, 11)
    messages = {str(problem.message) for problem in inference.problems}
    assert {
        "It was not yet in service; signals like this: 1",
        "It was no longer in service; signals like this: 1",
    } == messages


@given(cases(), st.integers(0, 60), st.integers(0, 20))
def test_what_is_forgotten_changes_nothing_later(case: tuple[Plain, list[Signal]], at: int, sooner: int) -> None:
    """Signals come in order of time; whatever ends after the moment before which all is forgotten stays as it was."""
    plain, signals = case
    supply = plain.network().energise()
    always, forgetful = Inference(supply, None, RULES), Inference(supply, None, RULES)
    always.take(frame(signals), LATER)
    forgetful.take(frame([each for each in signals if each[0] < at / 2]), LATER)
    before = NOON + timedelta(minutes=max(at - sooner, 0) / 2)
    known = len(forgetful.incidents)
    assert known - forgetful.forget(before) == len(forgetful.incidents)
    forgetful.take(frame([each for each in signals if each[0] >= at / 2]), LATER)

    def later(inference: Inference) -> list[Found]:
        found = [each for each in inference.incidents if each.restored_at is None or each.restored_at >= before]
        return sorted((plainly(each) for each in found if each.state != "overturned" or each.start >= before), key=str)

    assert later(forgetful) == later(always)


def test_two_feeders_are_two_incidents_and_quiet_ones_are_forgotten() -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2; S -[K2]- 3 -L2- 4; T1 @ 1; T2 @ 2; T3 @ 3; T4 @ 4")
    inference = Inference(net.energise(), None, RULES)
    inference.take(
        said("K1 trip 0", "T1 off 1", "T2 off 1", "T1 on 9", "T2 on 9", "K2 trip 1", "T3 off 1", "T4 off 2"), LATER
    )
    assert {(each.object_id, each.state) for each in inference.incidents} == {("K1", "restored"), ("K2", "confirmed")}
    assert inference.forget(NOON + timedelta(hours=1)) == 1
    assert [each.object_id for each in inference.incidents] == ["K2"]
    inference.take(said("T1 off 5", "T3 on 80"), LATER)
    assert [(each.object_id, each.back) for each in inference.incidents] == [("K2", 1)]
    assert any("older than what is remembered" in str(problem.message) for problem in inference.problems)
