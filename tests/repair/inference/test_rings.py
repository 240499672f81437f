"""Outages on closed rings and of feeders with several sources."""

from __future__ import annotations

import pytest

from network import Network
from repair.desk.incidents import Told, affected_by_told, state_told
from tests.repair.inference.words import inferred, said

RING = (
    "=S -[K1]- 1 -L1- 2 -A kind=recloser- 3 -L2- 4 -B kind=recloser- 5 -C kind=recloser- 2; "
    "T1(3) @ 2; T2(3) @ 3; T3(3) @ 4; T4(3) @ 5"
)


def test_two_openings_cut_off_a_part_of_a_ring() -> None:
    net = Network.from_text(RING)
    found = inferred(net, "A trip 0", "B trip 0", "T2 off 0.2", "T3 off 0.3", at=30)
    still = [incident for incident in found.incidents if incident.is_open]
    assert [(each.object_id, each.ends, each.dark_ids) for each in still] in (
        [("A", ("B",), ("T2", "T3"))],
        [("B", ("A",), ("T2", "T3"))],
    )
    assert still[0].sure > 0.95
    told = Told.of(found, said("A trip 0", "B trip 0", "T2 off 0.2", "T3 off 0.3"))
    assert sorted(state_told(net.energise(), told).dead()) == ["T2", "T3"]


def test_one_opening_on_a_ring_cuts_off_nobody() -> None:
    net = Network.from_text(RING)
    found = inferred(net, "A trip 0", at=30)
    assert not [incident for incident in found.incidents if incident.is_open]
    assert max(found.sure().values(), default=0.0) < 0.05
    assert any("ring" in str(problem.message) for problem in found.problems)


def test_the_whole_ring_is_off_by_what_stands_above_it() -> None:
    net = Network.from_text(RING)
    found = inferred(net, "K1 trip 0", *(f"T{number} off 0.{number}" for number in range(1, 5)), at=30)
    still = [incident for incident in found.incidents if incident.is_open]
    assert [(each.object_id, each.ends, len(each.dark_ids)) for each in still] == [("K1", (), 4)]


def test_silent_devices_on_a_ring_are_found_by_who_reports() -> None:
    """A fault on L2 opens both its ends; only terminals say so, and the others are silent as they have power."""
    net = Network.from_text(RING)
    found = inferred(net, "T2 off 0.1", "T3 off 0.2", "T1 answered 5", "T4 answered 6", at=30)
    dark = {name for incident in found.incidents if incident.is_open for name in incident.dark_ids}
    assert dark == {"T2", "T3"}


@pytest.mark.parametrize("open_ends", [("K1", "S1"), ("S1", "K2")])
def test_a_feeder_between_two_sources_is_off_where_both_ends_are_open(open_ends: tuple[str, str]) -> None:
    net = Network.from_text("=S -[K1]- 1 -(S1)- 2 -[K2]- =R; T1(3) @ 1; T2(3) @ 2")
    off = "T1" if "K1" in open_ends else "T2"
    words = [f"{open_end} trip 0" for open_end in open_ends]
    found = inferred(net, *words, f"{off} off 0.1", at=30)
    still = [incident for incident in found.incidents if incident.is_open]
    assert {name for each in still for name in each.dark_ids} == {off}
    assert {still[0].object_id, *still[0].ends} == set(open_ends)


def test_a_fault_on_a_ring_is_cleared_from_both_sides_though_one_device_does_not_say_so() -> None:
    net = Network.from_text(RING)
    found = inferred(net, "A trip 0", "T2 off 0.1", "T3 off 0.2", at=30)
    still = [incident for incident in found.incidents if incident.is_open]
    assert [each.dark_ids for each in still] == [("T2", "T3")]
    assert {still[0].object_id, *still[0].ends} == {"A", "B"}


def test_in_a_mesh_of_many_rings_a_node_is_off_where_all_its_switches_opened() -> None:
    rows = range(4)
    across = [f"{4 * row + each} -(H{4 * row + each})- {4 * row + each + 1}" for row in rows for each in range(3)]
    down = [f"{4 * row + each} -(V{4 * row + each})- {4 * row + each + 4}" for row in range(3) for each in rows]
    users = "; ".join(f"T{each}(3) @ {each}" for each in range(16))
    net = Network.from_text("; ".join(["=S -[K1]- 0", *across, *down]) + "; " + users)
    found = inferred(net, "H4 trip 0", "H5 trip 0", "V1 trip 0.1", "V5 trip 0.1", "T5 off 0.1", at=30)
    still = [incident for incident in found.incidents if incident.is_open]
    assert [each.dark_ids for each in still] == [("T5",)]
    assert {still[0].object_id, *still[0].ends} == {"H4", "H5", "V1", "V5"}


def ring_of(count: int) -> Network:
    way = " ".join(f"-L{each}- {each}" for each in range(1, count))
    users = "; ".join(f"T{each} @ {each}" for each in range(1, count, 10))
    return Network.from_text(f"=S -[K1]- 0 {way} -L0- 0; {users}")


@pytest.mark.parametrize(("count", "approximate"), [(90, False), (110, True)])
def test_it_is_said_where_a_ring_has_more_openings_than_are_looked_at(count: int, approximate: bool) -> None:
    net = ring_of(count)
    words = ["K1 trip 0", *(f"T{each} off 0.{each % 7}" for each in range(1, count, 10))]
    found = inferred(net, *words, at=30)
    (still,) = (incident for incident in found.incidents if incident.is_open)
    assert (still.object_id, still.dark, still.approximate) == ("K1", len(words) - 1, approximate)
    assert [problem.object_id for problem in found.problems if "approximate" in str(problem.message)] == [
        "K1"
    ] * approximate
    listed = affected_by_told(net.energise(), Told.of(found, said(*words)))
    assert listed.as_dict()["approximate"] == ["K1"] * approximate


@pytest.mark.parametrize("count", [3, 400])
def test_a_bundle_of_parallel_branches_feeds_what_is_beyond_it_however_many_they_are(count: int) -> None:
    """Beyond a hundred rings some are left out, and the answer says so; who is off stays as it is."""
    bundle = "; ".join(f"1 -(P{number})- 2" for number in range(count))
    net = Network.from_text(f"=S -[K1]- 1; {bundle}; 2 -L1- 3; T1(3) @ 1; T2(3) @ 2; T3(3) @ 3")
    one_open = inferred(net, "P0 trip 0", "T2 answered 3", "T3 answered 3", at=30)
    assert not [incident for incident in one_open.incidents if incident.is_open]
    all_off = inferred(net, "K1 trip 0", "T1 off 0.1", "T2 off 0.2", "T3 off 0.2", at=30)
    (incident,) = [incident for incident in all_off.incidents if incident.is_open]
    assert (incident.object_id, sorted(incident.dark_ids)) == ("K1", ["T1", "T2", "T3"])
    assert incident.approximate == (count > 100)
