"""The loss of a source with all its feeders is an explanation of its own."""

from __future__ import annotations

import pytest

from network import Network
from repair import Inference
from repair.desk.incidents import Told, state_told
from tests.repair.inference.words import inferred, minute, said

BUS = (
    "=S -[K1]- 1 -L1- 2 -L2- 3; =S -[K2]- 4 -L3- 5; =S -[K3]- 6 -L4- 7; "
    "T1(3) @ 1; T2(3) @ 2; T3(3) @ 3; T4(3) @ 4; T5(3) @ 5; T6(3) @ 6; T7(3) @ 7"
)
BACK = [f"T{number} on 60.{number}" for number in range(1, 8)]
WORDS = [f"T{number} off 0.{number}" for number in range(1, 8)]


def still_of(found: Inference) -> list[tuple[str, int]]:
    return [(incident.explanation, incident.dark) for incident in found.incidents if incident.is_open]


def test_all_feeders_of_a_source_off_without_a_trip_are_one_incident() -> None:
    net = Network.from_text(BUS)
    found = inferred(net, *WORDS, at=30)
    still = [incident for incident in found.incidents if incident.is_open]
    assert [(each.explanation, each.dark, each.customers_off) for each in still] == [("source", 7, 21)]
    assert {still[0].object_id, *still[0].ends} == {"K1", "K2", "K3"}
    assert still[0].probability > 0.95
    assert still[0].state == "confirmed"
    dead = state_told(net.energise(), Told.of(found, said(*WORDS))).dead()
    assert sorted(dead) == sorted(still[0].dark_ids) == sorted(found.sure())


def test_a_feeder_with_supply_speaks_against_the_loss_of_its_source() -> None:
    net = Network.from_text(BUS)
    reading = inferred(net, *WORDS[:5], "T6 answered 3", "T7 answered 4", at=30)
    assert sorted(still_of(reading)) == [("line", 2), ("line", 3)]


def test_trips_of_two_heads_are_two_incidents() -> None:
    net = Network.from_text(BUS)
    found = inferred(net, "K1 trip 0", "K2 trip 0", *WORDS[:5], at=30)
    assert sorted(still_of(found)) == [("line", 2), ("line", 3)]


@pytest.mark.parametrize("at", [61, 80, 200])
def test_it_stays_one_incident_when_power_is_back(at: float) -> None:
    net = Network.from_text(BUS)
    dark = next(incident for incident in inferred(net, *WORDS, at=30).incidents if incident.is_open)
    told = inferred(net, *WORDS, *BACK, at=at).incidents
    assert [(each.id, each.state, each.explanation, each.transformers, each.dark) for each in told] == [
        (dark.id, "restored", "source", 7, 0)
    ]
    assert told[0].restored_at == minute(60.7)


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_batches_do_not_matter(batch: int) -> None:
    net = Network.from_text(BUS)
    found = Inference(net.energise())
    words = [*WORDS, *BACK]
    for first in range(0, len(words), batch):
        found.take(said(*words[first : first + batch]))
        found.changes()
    found.tick(minute(200))
    once = inferred(net, *words, at=200)
    assert found.incidents == once.incidents
    assert found.sure() == once.sure()


def test_what_refutes_the_loss_of_a_source_takes_it_back() -> None:
    net = Network.from_text(BUS)
    found = inferred(net, *WORDS, at=30)
    assert still_of(found)[0][0] == "source"
    found.take(said("K1 trip 0", "K2 trip 0", "K3 trip 0"))
    assert sorted(still_of(found)) == [("line", 2), ("line", 2), ("line", 3)]
    changed = {change.id for change in found.changes()}
    assert changed >= {incident.id for incident in found.incidents if incident.is_open}
