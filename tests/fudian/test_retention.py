"""What is old is erased and folded by the server itself; what goes on keeps all of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from fudian import Utility
from fudian.desk import Desk
from fudian.ledger import Ledger
from fudian.live import REMEMBERED_DAYS
from fudian.retention import Retention, tidy
from fudian.retention_settings import LEAST_DAYS, RetentionSettings
from fudian.store import Store, store_of
from fudian.store.desk_tables import DESK_EVENTS
from network import Network, WorkspaceError
from tests.fudian.test_desk import FEEDER, NOON, TRIP, report

RULES = {"retention": {"personal_days": 60, "signals_days": 90}}
CALL = {"time": (NOON + timedelta(minutes=5)).isoformat(), "object": "customer", "object_id": "T3-2", "kind": "call"}
BACK = [report("K1", "close", 30, "c"), *(report(f"T{i}", "on", 31, f"on{i}") for i in range(1, 6))]


def utility() -> Utility:
    return Utility(Network.from_text(FEEDER, settings=RULES).workspace)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = store_of(store_url)
    yield store
    store.close()


def received(store: Store, days_ago: float) -> None:
    """Have all events been received so long ago."""
    with store.writing() as connection:
        connection.execute(update(DESK_EVENTS).values(received_at=datetime.now(UTC) - timedelta(days=days_ago)))


def details(store: Store, kind: str) -> list[dict[str, Any]]:
    return [dict(each.details) for each in Ledger(store).since(kinds=[kind])]


def test_what_is_over_is_erased_and_then_folded(store: Store) -> None:
    with Desk(utility(), store) as desk:
        desk.accept([*TRIP, CALL, *BACK], "head end")
        desk.wait()
        received(store, 59)
        assert tidy(desk) == (0, 0)
        received(store, 61)
        assert tidy(desk) == (1, 0)
        assert "T3-2" not in str(details(store, "signal"))
        assert len(details(store, "signal")) == 13
        received(store, 91)
        assert tidy(desk) == (0, 13)
        assert details(store, "signal") == []
        fold = details(store, "erasure")[-1]
        assert (fold["action"], fold["events"]) == ("fold", 13)
        assert {(count["object"], count["kind"]): count["count"] for count in fold["counts"]} == {
            ("branch", "trip"): 1, ("transformer", "off"): 5, ("customer", "call"): 1, ("branch", "close"): 1,
            ("transformer", "on"): 5,
        }  # fmt: skip
        assert {count["day"] for count in fold["counts"]} == {"2022-07-20"}
        numbers = [each.number or 0 for each in Ledger(store).since()]
        assert numbers == sorted(set(numbers))
        assert desk.accept([report("T2", "off", 90, "later")], "head end").accepted == 1


def test_an_incident_that_goes_on_keeps_what_tells_of_it(store: Store) -> None:
    with Desk(utility(), store) as desk:
        desk.accept([*TRIP, CALL], "head end")
        desk.wait()
        desk.utility._live.tick(NOON + timedelta(hours=1))
        received(store, 400)
        with store.writing() as connection:  # received when it began
            connection.execute(update(DESK_EVENTS).values(received_at=datetime(2022, 7, 20, 4, 30, tzinfo=UTC)))
        assert tidy(desk, datetime(2023, 7, 20, tzinfo=UTC)) == (0, 0)
        assert len(details(store, "signal")) == 7


def test_an_incident_that_nobody_closed_keeps_what_tells_of_it(store: Store) -> None:
    with Desk(utility(), store) as desk:
        desk.accept([*TRIP, *BACK], "head end")
        desk.wait()
        name = desk.utility.told().outages[0].id
        desk.decide(name, {"action": "acknowledge"}, "li")
        with store.writing() as connection:
            connection.execute(update(DESK_EVENTS).values(received_at=datetime(2022, 7, 20, 4, 30, tzinfo=UTC)))
        assert tidy(desk) == (0, 0)
        desk.decide(name, {"action": "close", "at": "2022-07-20T12:40:00"}, "li")
        assert tidy(desk) == (0, 12)
        assert len(details(store, "decision")) == 2


def test_a_server_does_it_by_itself(store: Store) -> None:
    with Desk(utility(), store) as desk:
        desk.accept([*TRIP, *BACK], "head end")
        desk.wait()
        received(store, 400)
        retention = Retention(desk, 0.05)
        deadline = time.monotonic() + 60
        while details(store, "signal") and time.monotonic() < deadline:
            time.sleep(0.1)
        retention.close()
        assert details(store, "signal") == []


def test_by_default_all_is_kept() -> None:
    with Desk(Utility(Network.from_text(FEEDER).workspace), store := store_of("sqlite://")) as desk:
        desk.accept([*TRIP, *BACK], "head end")
        desk.wait()
        received(store, 4000)
        assert tidy(desk) == (0, 0)
    store.close()


@pytest.mark.parametrize("days", [1, 29, -1])
def test_shorter_than_the_desk_remembers_is_refused(days: int) -> None:
    assert LEAST_DAYS == REMEMBERED_DAYS
    with pytest.raises(WorkspaceError):
        RetentionSettings.of({"retention": {"personal_days": days}})
