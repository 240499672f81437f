"""Cases from the field: small networks, few signals, and the one right answer."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from network import Network, network_from_tables
from repair import Inference, affected_by_signals, incidents, locate
from repair.desk.board import board
from repair.desk.incidents import Told
from repair.inference.outage import InferredOutage
from repair.settings import InferenceSettings
from tests.repair.inference.words import NOON, OUTAGES, PLANS, SPAN, inferred, minute, said


def told(outages: tuple[InferredOutage, ...], *states: str) -> list[tuple[str, str]]:
    return [(outage.object_id, outage.state) for outage in outages if not states or outage.state in states]


def test_the_recloser_is_named_and_not_the_breaker_above() -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2 -RC kind=recloser- 3 -L2- 4; T1(2) @ 2; T2(3) @ 3; T3(4) @ 4")
    words = ("RC trip 0", "T2 off 0", "T3 off 0.1")
    (outage,) = inferred(net, *words).incidents
    assert (outage.object_id, outage.state, outage.transformer_ids, outage.customers) == (
        "RC",
        "confirmed",
        ("T2", "T3"),
        7,
    )
    assert set(locate(net.energise(), said(*words)).ranked[0].branches) == {"RC", "L2"}
    assert affected_by_signals(net.energise(), said(*words), {}).hit.transformers == ["T2", "T3"]


def test_two_feeders_of_a_bus_are_two_incidents() -> None:
    net = Network.from_text(
        "=S -INC- 0 -[K1]- 1 -L1- 11; 0 -[K2]- 2 -L2- 22; 0 -[K3]- 3 -L3- 33\n"
        "T1(5) @ 11; T2(5) @ 22; T3(5) @ 33; T4(5) @ 1; T5(5) @ 2; T6(5) @ 3"
    )
    found = inferred(net, "K1 trip 0", "K2 trip 0", at=15).incidents
    assert sorted(each.object_id for each in found if each.is_open) == ["K1", "K2"]
    assert {name for each in found for name in each.dark_ids} == {"T1", "T2", "T4", "T5"}


def chain(count: int) -> Network:
    lines = " ".join(f"-L{i}- {i}" for i in range(1, count + 1))
    return Network.from_text(f"=S -[K1]- 0 {lines};" + "; ".join(f"T{i}(3) @ {i}" for i in range(1, count + 1)))


@pytest.mark.parametrize("count", [10, 40])
def test_one_wrong_reading_does_not_overturn_an_outage(count: int) -> None:
    net = chain(count)
    words = ["K1 trip 0", *(f"T{i} off {i % 10 / 10}" for i in range(1, count)), f"T{count} answered 1"]
    (outage,) = inferred(net, *words).incidents
    assert (outage.object_id, outage.state, outage.needs_order, outage.dark) == ("K1", "confirmed", True, count)
    assert [(each.object_id, each.kind) for each in outage.doubted] == [(f"T{count}", "read")]
    suspects = locate(net.energise(), said(*words)).suspect_signals
    assert [(suspect.object_id, suspect.kind, suspect.thought) for suspect in suspects] == [
        (f"T{count}", "read", "false")
    ]


def test_every_device_of_the_sample_is_found(county: Network) -> None:
    """Each device of the sample county opened with perfect signals: a trip where it reports, and all below it off."""
    supply = county.energise()
    table = county.branches.filter(pl.col("kind").is_in(["breaker", "recloser", "fuse"]) & ~pl.col("normally_open"))
    wrong = []
    for branch, kind in table.select("branch_id", "kind").iter_rows():
        below = supply.below(branch).transformers
        served = county.transformers.filter(
            pl.col("transformer_id").is_in(below)
            & (pl.col("in_service").is_null() | (pl.col("in_service") <= NOON))
            & (pl.col("retired").is_null() | (pl.col("retired") > NOON))
        )["transformer_id"].to_list()
        if not served:
            continue
        rows = [(NOON, "branch", branch, "trip", None)] if kind != "fuse" else []
        rows += [(NOON + timedelta(seconds=5), "transformer", each, "off", None) for each in served]
        inference = Inference(supply)
        inference.take(pl.DataFrame(rows, schema=said().schema, orient="row"))
        inference.tick(NOON + timedelta(minutes=15))
        off = sorted({name for incident in inference.incidents if incident.is_open for name in incident.dark_ids})
        (outage,) = [incident for incident in inference.incidents if incident.is_open]
        alone = len(served) == 1 and outage.object_id == served[0]
        if off != sorted(served) or not (outage.object_id == branch or alone):
            wrong.append(branch)
    assert wrong == []


S5 = "=S -[K1]- 1 -L1- 2 -RC kind=recloser- 3 -L2- 4 -FU kind=fuse- 5 -L3- 6; T1 @ 2; T2 @ 4; T3 @ 5; T4 @ 6"


def test_a_reclose_and_a_reading_point_at_the_fuse() -> None:
    net = Network.from_text(S5)
    words = ("RC trip 0", "RC reclose 0.0333", "T3 off 0", "T4 off 0", "T2 answered 1")
    found = locate(net.energise(), said(*words))
    assert set(found.ranked[0].branches) == {"FU", "L3"}
    assert found.ranked[0].probability > 0.99
    assert found.suspect_signals == ()
    outages = inferred(net, *words).incidents
    assert told(outages, "confirmed") == [("FU", "confirmed")]
    assert [(outage.object_id, outage.reason) for outage in outages if not outage.is_open] == [("RC", "reclosed")]


def test_calls_from_everywhere_below_a_switch_are_one_outage() -> None:
    lines = " ".join(f"-L{i}- {i + 1}" for i in range(1, 7))
    users = "; ".join(f"T{i}(20) @ {i}" for i in range(1, 8))
    net = Network.from_text(f"=S -[K1]- 0 -L0- 00 -(S1)- 1 {lines}; {users}; T8(20) @ 00; T9(20) @ 0")
    calls = [f"T{i}-{j} call {0.3 * i + j}" for i in range(1, 8) for j in (1, 2)]
    (outage,) = inferred(net, *calls).incidents
    assert (outage.object_id, outage.dark, outage.calls) == ("S1", 7, 14)


def test_calls_booked_at_transformers_count_as_calls() -> None:
    """A call may be booked at the transformer where the customer is not known: from all below a switch it is its outage."""
    users = "; ".join(f"T{i}(20) @ {i}" for i in range(1, 8))
    lines = " ".join(f"-L{i}- {i + 1}" for i in range(1, 7))
    net = Network.from_text(f"=S -[K1]- 0 -L0- 00 -(S1)- 1 {lines}; {users}; T8(20) @ 00; T9(20) @ 0")
    (outage,) = inferred(net, *(f"T{i} call {0.3 * i}" for i in range(1, 8))).incidents
    assert (outage.object_id, outage.dark, outage.calls) == ("S1", 7, 7)
    (nothing,) = [inferred(net, "T3 call 0").incidents]
    assert nothing == ()


def test_calls_from_behind_a_fuse_point_at_it() -> None:
    net = Network.from_text(
        "=S -[K1]- 1 -L1- 2 -L2- 3; 2 -FU kind=fuse- 5 -L3- 6; T1(40) @ 2; T2(40) @ 3; T3(4) @ 5; T4(4) @ 6"
    )
    calls = [f"T{t}-{c} call {c + t / 10}" for t in (3, 4) for c in (1, 2, 3)]
    assert set(locate(net.energise(), said(*calls)).ranked[0].branches) == {"FU", "L3"}
    (outage,) = inferred(net, *calls).incidents
    assert (outage.object_id, outage.dark_ids) == ("FU", ("T3", "T4"))


def test_an_old_outage_does_not_swallow_a_new_one(county: Network) -> None:
    """The workspace's signals, whose incidents on F02 never heard "on" but whose records have an end, and a new outage there."""
    inference = Inference(county.energise(), county.workspace.tables)
    inference.take(county.workspace.tables["signals"])
    began = datetime(2023, 1, 1, 3)
    mine = county.transformers.filter(
        (pl.col("feeder_id") == "F02")
        & (pl.col("in_service").is_null() | (pl.col("in_service") < began))
        & (pl.col("retired").is_null() | (pl.col("retired") > began))
    )["transformer_id"].head(25)
    rows = [(began, "branch", "F02-K01", kind, None) for kind in ("trip", "fault_current")]
    rows += [(began + timedelta(seconds=10), "transformer", each, "off", None) for each in mine]
    inference.take(pl.DataFrame(rows, schema=said().schema, orient="row"))
    mine_now = [incident for incident in inference.incidents if incident.start >= began - timedelta(minutes=1)]
    assert [(each.object_id, each.state, each.start) for each in mine_now] == [("F02-K01", "confirmed", began)]
    old = [
        incident for incident in inference.incidents if incident.object_id.startswith("F02") and incident.start < began
    ]
    assert old
    assert {each.state for each in old} <= {"restored", "overturned"}


def test_without_a_record_the_old_one_is_stale_and_takes_in_nothing() -> None:
    net = chain(5)
    inference = inferred(net, "K1 trip 0", *(f"T{i} off 0" for i in range(1, 6)))
    later = 84 * 24 * 60
    inference.take(said(f"K1 trip {later}", *(f"T{i} off {later}" for i in range(1, 6))))
    new, old = inference.incidents
    assert (new.state, new.reason, new.start) == ("confirmed", "", minute(later))
    assert (old.reason, old.is_stale, old.needs_order, old.start) == ("stale", True, False, NOON)


def planned_chain() -> tuple[Network, dict[str, pl.DataFrame]]:
    rows = [{"plan_id": "P1", "branch_id": "K1", "start": NOON, "end": minute(60)}]
    return chain(5), {"plans": pl.DataFrame(rows, schema=PLANS | SPAN)}


def test_a_call_after_the_end_of_a_plan_is_its_overrun() -> None:
    net, tables = planned_chain()
    (outage,) = inferred(net, "T3-1 call 90", "T3-2 call 91", tables=tables).incidents
    assert (outage.explanation, outage.plan_or_record, outage.reason, outage.needs_order) == (
        "plan",
        "P1",
        "overrun",
        False,
    )


def test_the_clock_alone_says_the_overrun() -> None:
    net, tables = planned_chain()
    offs = [f"T{i} off 1" for i in range(1, 6)]
    (before,) = inferred(net, *offs, tables=tables, at=30).incidents
    (after,) = inferred(net, *offs, tables=tables, at=75).incidents
    assert (before.reason, after.reason, after.explanation) == ("", "overrun", "plan")


def test_what_came_back_and_went_off_again_is_no_overrun() -> None:
    net, tables = planned_chain()
    words = [f"T{i} off 1" for i in range(1, 6)] + [f"T{i} on 50" for i in range(1, 6)]
    again = [f"T{i} off 100" for i in range(1, 6)]
    latest = inferred(net, *words, *again, tables=tables).incidents[0]
    assert (latest.explanation, latest.needs_order) == ("line", True)


def test_an_unreadable_value_does_not_matter_where_it_means_nothing(county: Network) -> None:
    rows = [{"time": "2022-07-20 12:00", "object": "transformer", "object_id": "F01-B01", "kind": "off", "value": "??"}]
    read, problems = county.workspace.read("signals", rows)
    assert read.height == 1, problems


def test_arrears_are_told_as_arrears() -> None:
    owing = pl.DataFrame(
        [{"outage_id": "O1", "customer_id": "T1-1", "exclusion": "arrears", "start": minute(-10), "end": None}],
        schema=OUTAGES | SPAN,
    )
    (outage,) = inferred(chain(3), "T1-1 call 0", tables={"outages": owing}).incidents
    assert (outage.explanation, outage.plan_or_record, outage.needs_order) == ("arrears", "O1", False)


def test_several_incidents_of_one_file_are_located_one_by_one(county: Network) -> None:
    found = incidents(
        county.energise(),
        county.workspace.tables["signals"],
        county.workspace.tables["sensors"],
        tables=county.workspace.tables,
    )
    days = {each.start.date() for each in found}
    assert len(days) > 2
    assert all(each.location.two_faults < 0.2 for each in found if each.location.ranked)


def sensors(*branches: str) -> pl.DataFrame:
    rates = {"miss_rate": [0.05] * len(branches), "false_rate": [0.05] * len(branches)}
    return pl.DataFrame({"branch_id": list(branches)} | rates)


def test_six_sensors_that_see_nothing_tell_of_no_fault() -> None:
    names = [f"B{i}" for i in range(1, 7)]
    text = "=S " + " ".join(f"-({name})- {i} -L{i} 1km- {i}b" for i, name in enumerate(names, 1))
    net = Network.from_text(text)
    calm = pl.DataFrame(
        [(NOON, "branch", name, "fault_current", 0.0) for name in names], schema=said().schema, orient="row"
    )
    found = locate(net.energise(), calm, sensors(*names))
    assert found.explanations[0].sections == ()
    assert found.nothing > 0.75
    assert found.outage == {"level": "none", "object_id": None, "state": "none"}
    clear = calm.with_columns(value=pl.Series([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]))
    seen = locate(net.energise(), clear, sensors(*names))
    assert seen.nothing < 0.01
    assert seen.outage["level"] == "section"
    assert seen.outage["object_id"] in {"B3", "L3"}


def test_signals_of_open_incidents_are_never_forgotten(county: Network) -> None:
    """Two outages hours apart on one feeder, and then forgetting: the board is made, open incidents keep their signals."""
    inference = Inference(county.energise(), county.workspace.tables)
    first, second = datetime(2023, 1, 1, 1), datetime(2023, 1, 1, 2, 30)
    customer = county.customers.filter(pl.col("transformer_id") == "F05-B01")["customer_id"][0]
    rows = [
        (first, "transformer", "F05-B01", "off", None),
        (first + timedelta(minutes=4), "customer", customer, "call", None),
        (second, "transformer", "F05-B02", "off", None),
    ]
    signals = pl.DataFrame(rows, schema=said().schema, orient="row")
    assert inference.take(signals[:2]) == []
    assert [change.object_id for change in inference.changes()] == ["F05-B01"]
    inference.take(signals[2:])
    assert "F05-B02" in {change.object_id for change in inference.changes()}
    tables = dict(county.workspace.tables) | {"signals": signals}
    shown = board(county.energise(), tables, second, told=Told.of(inference, signals))
    assert all(entry.incident is None or entry.incident.signals.height for entry in shown.active)
    inference.forget(first + timedelta(hours=1))
    assert inference.needed(signals).tolist() == [True, True, True]
    assert {incident.object_id for incident in inference.incidents if incident.is_open} == {"F05-B01", "F05-B02"}


def test_one_clock_that_is_wrong_does_not_make_the_desk_deaf() -> None:
    net = chain(5)
    inference = Inference(net.energise())
    ahead = pl.DataFrame([(datetime(2099, 1, 1), "transformer", "T1", "off", None)], schema=said().schema, orient="row")
    problems = inference.take(ahead, datetime(2100, 1, 1))
    assert ["future" in str(problem.message) for problem in problems] == [True]
    inference.take(said("T2 off 0"))
    stray = said(f"T1 off {60 * 24 * 365}")
    inference.take(stray)
    assert inference.newest == NOON + timedelta(hours=24)
    unknown = inference.take(said("T9 off 0"))
    assert ["does not have this device" in str(each.message) for each in unknown] == [True]
    inference.take(said("K1 trip 5", *(f"T{i} off 5" for i in (3, 4, 5))))
    assert ("K1", "confirmed") in told(inference.incidents)


def test_a_lone_report_fades_and_is_overturned_by_silence() -> None:
    net = Network.from_text("=S -[K1]- 0 -L1- 1; T1(30) @ 1; T2(30) @ 0")
    (early,) = inferred(net, "T1 off 0", at=5).incidents
    (late,) = inferred(net, "T1 off 0", at=6 * 60).incidents
    assert (early.object_id, early.state) == ("T1", "suspected")
    assert (late.object_id, late.state, late.dark_ids, late.customers_off) == ("T1", "overturned", (), 0)
    assert [(each.object_id, each.kind) for each in late.doubted] == [("T1", "off")]
    assert inferred(net, "T1 off 0", at=6 * 60).sure().get("T1", 0.0) < 0.5


def test_the_best_explanation_names_fault_and_devices_together() -> None:
    net = Network.from_text("=S -[K1]- 1 -L1- 2 -RC kind=recloser- 3 -L2 1km- 4; T1(2) @ 2; T2(3) @ 3; T3(4) @ 4")
    (best,) = inferred(net, "RC trip 0", "T2 off 0", "T3 off 0.1", at=15).best_explanations()
    assert (best.faults, best.opened, best.closed_again) == (("L2",), ("RC",), ())
    assert 0.1 < best.probability < 1
    net = Network.from_text("=S -[K1]- 1 -(S1)- 2 -L2 1km- 3; T1(5) @ 1; T2(5) @ 3; T3(5) @ 3; T4(5) @ 3")
    offs = [f"T{i} off 0" for i in range(1, 5)]
    (parted,) = inferred(net, "K1 trip 0", *offs, "K1 close 30", "T1 on 30", at=45).best_explanations()
    assert (parted.faults, parted.opened, parted.closed_again) == (("L2",), (), ("K1",))


def test_silence_counts_where_only_a_sensor_spoke() -> None:
    rules = InferenceSettings(trip_loss=0.4, flag_false=1e-6)
    inference = Inference(chain(20).energise(), None, rules)
    inference.take(said("K1 fault_current 0"))
    inference.tick(minute(30))
    assert inference.sure() == {}


def test_a_lost_on_is_not_an_incident_of_its_own() -> None:
    net = Network.from_text(S5)
    words = ("RC trip 0", "T2 off 0", "T3 off 0", "T4 off 0", "RC close 30", "T2 on 30", "T3 on 30")
    (outage,) = inferred(net, *words, at=60).incidents
    assert (outage.object_id, outage.state, outage.restored_at) == ("RC", "restored", minute(30))


def test_a_partial_restoration_says_who_is_back_and_who_is_not() -> None:
    net = Network.from_text(
        "=S -[K1]- 1 -L1 1km- 2 -(S1)- 3 -L2 1km- 4; T1(5) @ 1; T2(5) @ 2; T3(5) @ 2; T4(5) @ 3; T5(5) @ 4; T6(5) @ 4"
    )
    offs = [f"T{i} off 0" for i in range(1, 7)]
    (outage,) = inferred(net, "K1 trip 0", *offs, "K1 close 40", "T1 on 40", "T2 on 40", "T3 on 40", at=60).incidents
    assert (outage.object_id, outage.state, outage.dark_ids) == ("K1", "confirmed", ("T4", "T5", "T6"))
    assert (outage.transformers, outage.back, outage.restored_at) == (6, 3, None)


def test_what_goes_off_again_is_a_new_incident() -> None:
    net = chain(5)
    words = [f"T{i} off 0" for i in range(1, 6)] + [f"T{i} on 20" for i in range(1, 6)]
    again = [f"T{i} off 25" for i in range(1, 6)]
    found = inferred(net, "K1 trip 0", *words, "K1 close 20", "K1 trip 25", *again).incidents
    assert [(each.object_id, each.state, each.start) for each in found] == [
        ("K1", "confirmed", minute(25)), ("K1", "restored", NOON),
    ]  # fmt: skip


def test_lost_phases_are_an_incident_of_their_own() -> None:
    net = chain(3)
    signals = said("T2 off 0").with_columns(phases=pl.lit("A"))
    inference = Inference(net.energise())
    inference.take(signals)
    (outage,) = inference.incidents
    assert (outage.object_id, outage.level, outage.phases, outage.transformers) == ("T2", "transformer", "A", 0)


def test_the_figures_of_list_incidents_and_board_are_the_same() -> None:
    net = network_from_tables(
        {
            "sources": [{"node": "s"}],
            "branches": [
                {"branch_id": "B1", "from_node": "s", "to_node": "a", "kind": "breaker"},
                {"branch_id": "L1", "from_node": "a", "to_node": "b", "kind": "line"},
            ],
            "transformers": [{"transformer_id": "T1", "node": "a"}, {"transformer_id": "T2", "node": "b"}],
            "customers": [{"customer_id": f"T{1 + i % 2}-{i}", "transformer_id": f"T{1 + i % 2}"} for i in range(7)],
        }
    )
    signals = said("B1 trip 0", "T1 off 0", "T2 off 0")
    tables = dict(net.workspace.tables) | {"signals": signals}
    (entry,) = board(net.energise(), tables, minute(5)).active
    (outage,) = inferred(net, "B1 trip 0", "T1 off 0", "T2 off 0").incidents
    listed = affected_by_signals(net.energise(), signals, {}).customer_count
    assert entry.customers == entry.affected.customer_count == outage.customers == listed == 7


def test_the_list_says_how_sure_it_is_and_forgets_who_is_back() -> None:
    net = Network.from_text(S5)
    words = ("RC trip 0", "T2 off 0", "T3 off 0", "T4 off 0")
    now = affected_by_signals(net.energise(), said(*words), {}).as_dict()
    assert now["transformers"] == ["T2", "T3", "T4"]
    assert all(now["sure"][name] > 0.95 for name in now["transformers"])
    assert now["groups"]["certain"] == ["T2", "T3", "T4"]
    back = affected_by_signals(
        net.energise(), said(*words, "RC close 30", "T2 on 30", "T3 on 30", "T4 on 30"), {}, minute(45)
    )
    assert back.hit.transformers == []
    then = affected_by_signals(
        net.energise(), said(*words, "RC close 30", "T2 on 30", "T3 on 30", "T4 on 30"), {}, minute(10)
    )
    assert then.hit.transformers == ["T2", "T3", "T4"]


def test_a_transformer_of_two_feeders_is_off_where_both_are() -> None:
    net = Network.from_text(
        "=S -[K1]- 1 -L1- 2; =R -[K2]- 3 -L2- 4; T1(2) @ 1; T2(2) @ 2; T3(2) @ 3; T4(2) @ 4; TD(5) @ 2, 4"
    )
    one = ("K1 trip 0", "T1 off 0", "T2 off 0")
    assert "TD" not in inferred(net, *one, at=15).sure()
    both = (*one, "K2 trip 5", "T3 off 5", "T4 off 5", "TD off 5")
    inference = inferred(net, *both, at=20)
    assert inference.sure()["TD"] > 0.99
    assert {name for incident in inference.incidents for name in incident.dark_ids} == {"T1", "T2", "T3", "T4", "TD"}
    back = inferred(net, *both, "TD on 30", "T3 on 30", "T4 on 30", "K2 close 30", at=40)
    assert {name for incident in back.incidents for name in incident.dark_ids} == {"T1", "T2"}
