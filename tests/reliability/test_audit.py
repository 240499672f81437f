"""Records against the switching log and the meters: what each known corruption of the truth is worth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from network import Network, UnknownIdError, WorkspaceError, network_from_tables, schema
from reliability import Period, ReliabilitySettings, interruptions, ledger
from reliability.audit import FINDINGS, Audit, audit
from reliability.meters import meter_evidence
from reliability.query import Query
from reliability.statistics import Statistics
from reliability.switched import interruptions_from_switching
from tests.costly import costly
from tests.network.test_switching import station_networks
from tests.networks import Plain, plain_networks
from tests.reliability.records import MINUTE, START, Scene, at, scenes
from tests.reliability.test_switched import LAST, log_of, operations

DAY = Period(START - timedelta(days=1), START + timedelta(days=1))
HOURS = 60


def feeder(**more: Any) -> Network:
    """Return one feeder, and a transformer behind a fuse of its own.

    ::

        S --K1-- a --K2-- b --K3-- c --X3-- d      a tie from c to another source R
                 Ta       Tb Tc2   Tc      Td
    """
    rows = [
        ("K1", "S", "a", "breaker"), ("K2", "a", "b", "switch"), ("K3", "b", "c", "switch"), ("X3", "c", "d", "fuse"),
        ("KR", "R", "r", "breaker"), ("TIE", "r", "c", "switch"),
    ]  # fmt: skip
    tables = {
        "sources": [{"node": "S"}, {"node": "R"}],
        "branches": [
            {"branch_id": i, "from_node": a, "to_node": b, "kind": kind, "normally_open": i == "TIE", "feeder_id": "F"}
            for i, a, b, kind in rows
        ],
        "transformers": [
            {"transformer_id": f"T{name}", "node": node}
            for name, node in (("a", "a"), ("b", "b"), ("b2", "b"), ("c", "c"), ("d", "d"))
        ],
    }
    return network_from_tables(tables | more)


TRIP = [(0, "K2", True), (120, "K2", False)]
"""Two hours for b, b2, c and d: eight customer-hours."""


def record(outage_id: str = "O", start: int = 0, end: int | None = 120, **named: Any) -> dict[str, Any]:
    named = named or {"branch_id": "K2"}
    return {"outage_id": outage_id, "start": at(start), "end": at(end), "nature": "F-INT"} | named


def signal(minute: float, object_id: str, kind: str, of: str = "transformer") -> dict[str, Any]:
    return {"time": START + minute * MINUTE, "object": of, "object_id": object_id, "kind": kind}


def audited(
    outages: Sequence[dict[str, Any]],
    log: list[tuple[int, str, bool]],
    signals: Sequence[dict[str, Any]] = (),
    stages: Sequence[dict[str, Any]] = (),
    rules: ReliabilitySettings | None = None,
    level: str = "mv",
    **more: Any,
) -> Audit:
    given_tables = {"outages": outages, "signals": signals, "stages": stages}
    net = feeder(**{name: list(rows) for name, rows in given_tables.items() if rows}, **more)
    tables = net.workspace.tables
    assert not [problem for problem in net.workspace.errors if problem.table in given_tables]
    result = audit(net, tables["outages"], tables["stages"], log_of(log), tables["signals"], DAY, level, rules)
    assert_identity(result)
    return result


def assert_identity(result: Audit) -> None:
    worth = result.rows["customer_hours"].sum()
    assert worth == pytest.approx(result.found_customer_hours - result.recorded_customer_hours, abs=1e-9)


def said(result: Audit) -> list[tuple[Any, ...]]:
    return result.rows.select("kind", "outage_id", "users", "customer_hours", "evidence").rows()


def test_a_true_record_has_no_discrepancy() -> None:
    result = audited([record()], TRIP)
    assert said(result) == []
    assert result.recorded_customer_hours == result.found_customer_hours == 8


@pytest.mark.parametrize(
    ("outages", "expected"),
    [
        ([], [("missed", None, 4, 8.0, "switching")]),
        ([record(start=30)], [("wrong_start", "O", 4, 2.0, "switching")]),
        ([record(start=-30)], [("wrong_start", "O", 4, -2.0, "switching")]),
        ([record(end=90)], [("wrong_end", "O", 4, 2.0, "switching")]),
        ([record(end=180)], [("wrong_end", "O", 4, -4.0, "switching")]),
        ([record(start=-15, end=150)],
         [("wrong_end", "O", 4, -2.0, "switching"), ("wrong_start", "O", 4, -1.0, "switching")]),
        ([record(branch_id="K3")], [("users_missing", "O", 2, 4.0, "switching")]),
        ([record(branch_id="K1")], [("users_too_many", "O", 1, -2.0, "switching")]),
        ([record(branch_id="KR")], [("missed", None, 4, 8.0, "switching")]),
        ([record(), record("P", 300, 360)], [("invented", "P", 4, -4.0, "switching")]),
        ([record(end=60), record("P", 61, 120)], [("understated", "O", 4, 1 / 15, "switching")]),
    ],
)  # fmt: skip
def test_each_corruption_of_a_record_is_named_with_its_customer_hours(
    outages: list[dict[str, Any]], expected: list[tuple[Any, ...]]
) -> None:
    assert said(audited(outages, TRIP, rules=ReliabilitySettings(audit_tolerance_min=0))) == [
        (*row[:3], pytest.approx(row[3]), row[4]) for row in expected
    ]


def test_a_forgotten_stage_is_a_wrong_end_of_those_who_were_back_sooner() -> None:
    """A worked case. K2 trips at 0:00; K3 is opened, the tie feeds c and d again at 0:30; b and b2 are back at 2:00.

    ========  ========  ======  =========================
    users     recorded  found   customer-hours too many
    ========  ========  ======  =========================
    b, b2     2 h       2 h     0
    c, d      2 h       0.5 h   2 users x 1.5 h = 3
    ========  ========  ======  =========================
    """
    log = [(0, "K2", True), (29, "K3", True), (30, "TIE", False), (120, "K2", False)]
    (row,) = audited([record()], log).rows.to_dicts()
    assert row == {
        "kind": "wrong_end", "outage_id": "O", "event_id": "20220130T000000-K2", "users": 2, "user_id": "Tc",
        "feeder_id": "F", "from": at(30), "to": at(120), "recorded_h": 2.0, "found_h": 0.5, "customer_hours": -3.0,
        "undecided_customer_hours": None, "evidence": "switching",
    }  # fmt: skip
    stage = {"outage_id": "O", "restored_at": at(30), "branch_id": "K3"}
    assert said(audited([record()], log, stages=[stage])) == []


def test_the_tolerance_gathers_small_differences_of_times_and_hides_none() -> None:
    row = ("within_tolerance", "O", 4, pytest.approx(-4 / 60), "switching")
    assert said(audited([record(end=121)], TRIP)) == [row]
    assert said(audited([record(end=122)], TRIP)) == [("wrong_end", "O", 4, pytest.approx(-8 / 60), "switching")]
    wide = ReliabilitySettings(audit_tolerance_min=2)
    assert said(audited([record(end=122)], TRIP, rules=wide))[0][0] == "within_tolerance"


def test_an_outage_of_a_minute_that_nobody_recorded_is_missed_whatever_the_tolerance() -> None:
    log = [(0, "K2", True), (1, "K2", False)]
    assert said(audited([], log)) == [("missed", None, 4, pytest.approx(4 / 60), "switching")]


def test_open_outages_are_compared_until_the_as_of_time() -> None:
    rules = ReliabilitySettings()
    net = feeder(outages=[record(end=None)])
    tables = net.workspace.tables
    still_off = log_of(TRIP[:1])
    for log, expected in ((still_off, []), (log_of(TRIP), [("wrong_end", "O", 4, -4.0, "switching")])):
        result = audit(net, tables["outages"], None, log, tables["signals"], DAY, "mv", rules, at(180))
        assert said(result) == expected
    early = audit(net, tables["outages"], None, log_of(TRIP), tables["signals"], DAY, "mv", rules, at(60))
    assert said(early) == []
    assert early.recorded_customer_hours == 4


def test_what_the_log_could_not_hold_is_unconfirmed_and_not_invented() -> None:
    """A fuse stands in no log; a cause outside the utility neither; nor what happened before the log began."""
    for outage in (
        record("P", 300, 360, branch_id="X3"),
        record("P", 300, 360, transformer_id="Td"),
        record("P", 300, 360, branch_id="X3", external=True),
        record("P", -360, -300, branch_id="X3"),
    ):
        (row,) = audited([record(), outage], TRIP).rows.to_dicts()
        assert (row["kind"], row["customer_hours"], row["undecided_customer_hours"]) == ("unconfirmed", None, 1.0)
        assert (row["evidence"], row["found_h"]) == (None, None)
    external = record("P", 300, 360, branch_id="K2", external=True)
    assert said(audited([record(), external], TRIP))[0][0] == "unconfirmed"
    before = record("P", -360, -300)
    assert said(audited([record(), before], TRIP))[0][0] == "unconfirmed"
    only_breakers = ReliabilitySettings(audit_logged_kinds=("breaker",))
    assert said(audited([record(), record("P", 300, 360)], TRIP, rules=only_breakers))[0][0] == "unconfirmed"


def test_meters_show_what_stands_in_no_log() -> None:
    blown = [signal(600, "Td", "off"), signal(660, "Td", "on")]
    assert said(audited([record()], TRIP, blown)) == [("missed", None, 1, 1.0, "meters")]
    late = record("P", 630, 660, transformer_id="Td")
    assert said(audited([record(), late], TRIP, blown)) == [("wrong_start", "P", 1, 0.5, "meters")]
    too_long = record("P", 600, 720, branch_id="X3")
    assert said(audited([record(), too_long], TRIP, blown)) == [("wrong_end", "P", 1, -1.0, "meters")]
    assert said(audited([record(), record("P", 600, 660, branch_id="X3")], TRIP, blown)) == []


def test_a_meter_that_was_read_denies_a_record() -> None:
    invented = record("P", 600, 720, transformer_id="Td")
    assert said(audited([record(), invented], TRIP, [signal(660, "Td", "read")])) == [
        ("invented", "P", 1, -2.0, "meters")
    ]
    both = audited([record(), record("P", 600, 720, branch_id="K3")], TRIP, [signal(660, "Td", "read")])
    assert said(both) == [("invented", "P", 2, -4.0, "both")]


def test_both_see_a_missed_outage() -> None:
    seen = [signal(2, "Tc", "off"), signal(123, "Tc", "on")]
    assert said(audited([], TRIP, seen)) == [("missed", None, 4, 8.0, "both")]


def test_the_delay_of_meters_is_no_discrepancy() -> None:
    delayed = [signal(4, "Tc", "off"), signal(124.5, "Tc", "on")]
    assert said(audited([record()], TRIP, delayed)) == []
    late = [signal(4, "Tc", "off"), signal(128, "Tc", "on")]
    assert said(audited([record()], TRIP, late)) == [("wrong_end", "O", 1, pytest.approx(8 / 60), "meters")]


def test_log_and_meters_that_contradict_each_other_are_shown_and_not_decided() -> None:
    powered = audited([record()], TRIP, [signal(60, "Tc", "read")])
    (row,) = powered.rows.to_dicts()
    assert (row["kind"], row["users"], row["customer_hours"]) == ("contradiction", 1, None)
    assert (row["undecided_customer_hours"], row["evidence"]) == (2.0, "both")
    unrecorded = audited([], TRIP, [signal(60, "Tc", "read")])
    assert said(unrecorded) == [("missed", None, 3, 6.0, "switching"), ("contradiction", None, 1, None, "both")]
    dark = [signal(600, "Tc", "off"), signal(660, "Tc", "on")]
    not_logged = audited([record(), record("P", 600, 660, branch_id="K3")], TRIP, dark)
    assert said(not_logged) == [("invented", "P", 1, -1.0, "switching"), ("contradiction", "P", 1, None, "both")]


def test_a_rule_that_leaves_a_user_out_of_a_record_leaves_it_out_of_the_audit() -> None:
    own_fault = record("P", transformer_id="Td", exclusion="own_fault")
    others = [record("O1", transformer_id="Tc"), record("O2", transformer_id="Tb"), record("O3", transformer_id="Tb2")]
    result = audited([own_fault, *others], TRIP)
    assert said(result) == []
    assert result.found_customer_hours == 6


def test_reports_of_meters_are_filtered_by_the_rules_of_section_6_2() -> None:
    rows = [
        signal(0, "a", "off"), signal(1, "a", "off"), signal(30, "a", "on"), signal(31, "a", "on"),  # said twice
        signal(0, "b", "on"),  # no start
        signal(0, "c", "off"),  # still off
        signal(0, "d", "off"), signal(0.5, "d", "on"),  # too short
        signal(-5000, "e", "off"), signal(0, "e", "on"),  # too long
        signal(0, "f", "off"), signal(20, "f", "read"), signal(30, "f", "on"),  # was read meanwhile
        signal(200, "g", "off"),  # after the as-of time
        signal(0, "c", "off", "branch"),
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema_overrides={"time": pl.Datetime("us")})
    found = meter_evidence(frame, ReliabilitySettings(), at(100))  # type: ignore[arg-type]
    assert found.off.sort("object_id").select("object_id", "off_from", "off_to").rows() == [
        ("a", at(0), at(30)),
        ("c", at(0), None),
    ]
    assert found.dropped == {
        "duplicate": 2, "on_without_off": 1, "future": 1, "too_short": 1, "too_long": 1, "read_during": 1,
    }  # fmt: skip


def test_customers_with_two_transformers_and_single_meters_at_low_voltage() -> None:
    customers = [
        {"customer_id": f"C{i}", "transformer_id": first, "second_transformer_id": second}
        for i, (first, second) in enumerate([("Tc", None)] * 5 + [("Tc", "Ta"), ("Tc", "Td"), ("Ta", None)])
    ]
    dark = [signal(600, "C7", "off", "customer"), signal(660, "C7", "on", "customer")]
    result = audited([], TRIP, dark, level="lv", customers=customers)
    assert said(result) == [("missed", None, 6, 12.0, "switching"), ("missed", None, 1, 1.0, "meters")]


def test_nothing_to_audit_against_is_said() -> None:
    with pytest.raises(WorkspaceError, match="neither a switching log nor"):
        audited([record()], [])


def test_an_empty_log_denies_no_record() -> None:
    blown = [signal(600, "Td", "off"), signal(660, "Td", "on")]
    result = audited([record()], [], blown)
    assert said(result) == [("missed", None, 1, 1.0, "meters"), ("unconfirmed", "O", 4, None, None)]


def test_an_operation_of_an_unknown_branch_is_named() -> None:
    with pytest.raises(UnknownIdError, match="K9"):
        audited([record()], [(0, "K9", True)])


def test_the_period_cuts_both_sides() -> None:
    net = feeder(outages=[record(end=240)])
    tables = net.workspace.tables
    half = Period(START + timedelta(hours=1), START + timedelta(hours=3))
    result = audit(net, tables["outages"], None, log_of(TRIP), tables["signals"], half)
    assert said(result) == [("wrong_end", "O", 4, -4.0, "switching")]
    assert (result.recorded_customer_hours, result.found_customer_hours) == (8.0, 4.0)


def test_the_audit_of_the_sample_county_finds_what_was_planted(county: Network) -> None:
    query = Query(Period.year(2022), as_of=datetime(2023, 1, 1))
    result = Statistics(county).audit(query)
    assert_identity(result)
    decided = result.rows.filter(pl.col("customer_hours").is_not_null())
    assert [
        (*row[:3], round(row[3], 2)) for row in decided.select("kind", "outage_id", "users", "customer_hours").rows()
    ] == [
        ("invented", "TD01208", 6, -30.5),  # planned work that was called off
        ("users_too_many", "TD01233", 9, -29.4),  # the second section was opened, the first was recorded
        ("users_missing", "TD01229", 10, 25.96),  # the other way round
        ("missed", None, 13, 15.6),
        ("wrong_start", "TD01199", 19, 4.43),  # 14 min late
        ("wrong_end", "TD01207", 9, -3.75),  # 25 min too long for those without a stage
        ("wrong_end", "TD01209", 2, 1.17),  # 35 min of overrun
        ("within_tolerance", "TD01200", 26, 0.29),  # 40 s
    ]
    assert decided["evidence"].unique().to_list() == ["switching"]
    assert result.rows.filter(pl.col("customer_hours").is_null())["kind"].unique().to_list() == ["unconfirmed"]


# Random cases -----------------------------------------------------------------------------------------------------------

STRICT = ReliabilitySettings(audit_tolerance_min=0)


def true_records(net: Network, log: pl.DataFrame) -> list[dict[str, Any]]:
    """Write down what the log did, one record per interruption of a transformer."""
    rows = interruptions_from_switching(net, log).sort("start", "user_id")
    return [
        {"outage_id": f"O{i}", "start": start, "end": end, "nature": "F-INT", "transformer_id": transformer}
        for i, (start, end, transformer) in enumerate(rows.select("start", "end", "transformer_id").rows())
    ]


def audit_of(net: Network, outages: list[dict[str, Any]], log: pl.DataFrame, period: Period = DAY) -> Audit:
    columns = {column.name: column.polars_type for column in schema.TABLES["outages"].columns}
    return audit(
        net, pl.DataFrame(outages, schema=columns), None, log, net.workspace.tables["signals"], period, rules=STRICT
    )  # fmt: skip


@costly(15)
@given(st.one_of(station_networks(), plain_networks()), st.data())
def test_one_corruption_of_the_truth_is_one_finding(plain: Plain, data: st.DataObject) -> None:
    drawn = data.draw(operations(len(plain.branches)).filter(bool))
    net, log = plain.network(), log_of(drawn)
    truth = true_records(net, log)
    assert audit_of(net, truth, log).rows.is_empty()
    assume(truth)
    one = data.draw(st.integers(0, len(truth) - 1))
    row = truth[one]
    end = row["end"] or DAY.end
    length = (end - row["start"]) / timedelta(hours=1)
    dropped = audit_of(net, [*truth[:one], *truth[one + 1 :]], log)
    assert dropped.rows.select("users", "customer_hours").rows() == [(1, pytest.approx(length))]
    assert dropped.rows["kind"].item() in {"missed", "users_missing"}
    half = row["start"] + (end - row["start"]) / 2
    for change, kind in (({"start": half}, "wrong_start"), ({"end": half}, "wrong_end")):
        (found,) = audit_of(net, [*truth[:one], row | change, *truth[one + 1 :]], log).rows.to_dicts()
        assert (found["kind"], found["outage_id"], found["users"]) == (kind, row["outage_id"], 1)
        assert found["customer_hours"] == pytest.approx(length / 2)
        assert (found["recorded_h"], found["found_h"]) == (pytest.approx(length / 2), pytest.approx(length))


@costly(16)
@given(scenes(), st.data())
def test_findings_add_up_to_what_was_found_less_what_was_recorded(scene: Scene, data: st.DataObject) -> None:
    """Whatever is recorded, switched and reported: the identity holds, and without meters both sides are the ledgers'."""
    net = scene.network()
    tables = net.workspace.tables
    log = log_of(data.draw(operations(len(scene.plain.branches)).filter(bool)))
    first = data.draw(st.integers(-5, LAST))
    period = Period(START + first * MINUTE, START + data.draw(st.integers(first + 1, 120)) * MINUTE)
    as_of = data.draw(st.none() | st.integers(first + 1, 130).map(at))
    users = [f"T{i}" for i in range(len(scene.plain.transformers))]
    drawn = data.draw(
        st.lists(
            st.tuples(st.integers(0, 100), st.sampled_from(users), st.sampled_from(["off", "on", "read"])), max_size=8
        )
    )
    empty = tables["signals"].select("time", "object", "object_id", "kind").clear()
    signals = pl.DataFrame([signal(*each) for each in drawn], schema=empty.schema) if drawn else empty
    rules = ReliabilitySettings(meter_deviation_min=data.draw(st.sampled_from([0, 5])))

    recorded = interruptions(tables["outages"], tables["stages"], net, switching=log)
    result = audit(net, tables["outages"], tables["stages"], log, signals, period, "mv", rules, as_of)
    assert_identity(result)
    assert set(result.rows["kind"]) <= set(FINDINGS)
    assert result.recorded_customer_hours == pytest.approx(hours_of(recorded, period, as_of))
    undecided = result.rows["kind"].is_in(["contradiction", "unconfirmed"])
    assert (result.rows["customer_hours"].is_null() == undecided).all()
    assert (result.rows["undecided_customer_hours"].is_null() == ~undecided).all()

    without = audit(net, tables["outages"], tables["stages"], log, empty, period, "mv", rules, as_of)
    assert_identity(without)
    if (without.rows["kind"] != "unconfirmed").all():
        switched = interruptions_from_switching(net, log)
        assert without.found_customer_hours == pytest.approx(hours_of(switched, period, as_of))


@costly(16)
@given(plain_networks(), st.data())
def test_findings_add_up_at_low_voltage_too(plain: Plain, data: st.DataObject) -> None:
    """With customers that two transformers feed, and meters of single customers."""
    assume(plain.customers)
    net = plain.network()
    log = log_of(data.draw(operations(len(plain.branches)).filter(bool)))
    branch = st.integers(0, len(plain.branches) - 1)
    named = data.draw(st.lists(st.tuples(branch, st.integers(0, LAST), st.integers(1, 20)), max_size=4))
    columns = {column.name: column.polars_type for column in schema.TABLES["outages"].columns}
    outages = pl.DataFrame(
        [record(f"O{i}", start, start + length, branch_id=f"B{b}") for i, (b, start, length) in enumerate(named)],
        schema=columns,
    )
    devices = [("customer", f"C{i}") for i in range(len(plain.customers))]
    devices += [("transformer", f"T{i}") for i in range(len(plain.transformers))]
    kinds = st.sampled_from(["off", "on", "read"])
    drawn = data.draw(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(devices), kinds), max_size=8))
    empty = net.workspace.tables["signals"].select("time", "object", "object_id", "kind").clear()
    reports = [signal(minute, device, kind, of) for minute, (of, device), kind in drawn]
    signals = pl.DataFrame(reports, schema=empty.schema)
    period = Period(START, START + timedelta(hours=1))

    result = audit(net, outages, None, log, signals, period, "lv", STRICT)
    assert_identity(result)
    recorded = interruptions(outages, None, net, "lv", switching=log)
    assert result.recorded_customer_hours == pytest.approx(hours_of(recorded, period, None))
    unrecorded = audit(net, outages.clear(), None, log, empty, period, "lv", STRICT)
    switched = interruptions_from_switching(net, log, "lv")
    assert unrecorded.found_customer_hours == pytest.approx(hours_of(switched, period, None))
    assert set(unrecorded.rows["kind"]) <= {"missed"}


def hours_of(rows: pl.DataFrame, period: Period, as_of: Any) -> float:
    found: float = ledger(rows, period, as_of=as_of).select((pl.col("users") * pl.col("h")).sum()).item()
    return found
