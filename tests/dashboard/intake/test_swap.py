"""A workspace that changes while reports come in: they are kept and heard, whichever version of the data is served."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from dashboard.access.entrance import Access, Rules
from dashboard.app import create_app
from fudian.ledger import Ledger
from fudian.store import Store, store_of
from tests.dashboard.access.test_people import running_app
from tests.fudian.test_fresh import FURTHER, OUTAGES, folder

__all__ = ["folder"]

NEEDED_AFTER = 10
"""Reports that are to come in after the swap."""


def told(client: httpx.Client, shown: str | None) -> dict[str, Any]:
    """Ask as the clock of a page does which version is served."""
    names = (("data-version", "data"), ("data-notice", "children"), ("data-state", "children"))
    given = (("data-clock", "n_intervals", 0), ("address", "search", "?lang=en"))
    known = (("data-version", "data", shown), ("address", "pathname", "/operations"))
    asked = {
        "output": "..data-version.data...data-notice.children...data-state.children..",
        "outputs": [{"id": name, "property": kind} for name, kind in names],
        "inputs": [{"id": name, "property": kind, "value": value} for name, kind, value in given],
        "changedPropIds": ["data-clock.n_intervals"],
        "state": [{"id": name, "property": kind, "value": value} for name, kind, value in known],
    }
    answer: dict[str, Any] = client.post("/_dash-update-component", json=asked).json()["response"]
    return answer


class Reporter(threading.Thread):
    """Reports one thing after the other, and keeps what was acknowledged."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self._address, self.over = address, threading.Event()
        self.acknowledged: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        begun = datetime.now().replace(microsecond=0) - timedelta(hours=1)
        with httpx.Client(base_url=self._address, timeout=60) as client:
            for number in range(10_000):
                if self.over.wait(0.02):
                    return
                row = {
                    "event_id": f"report-{number}", "time": str(begun + timedelta(seconds=number)), "object": "transformer",
                    "object_id": f"T{1 + number % 2}", "kind": "off",
                }  # fmt: skip
                answer = client.post("/api/v1/signals", json=[row])
                said = answer.json()
                if answer.status_code == 200 and said["accepted"] == 1 and not said["problems"]:
                    self.acknowledged.append(row["event_id"])
                else:
                    self.wrong.append(answer.text)


def kept(store: Store) -> set[str]:
    return {event.event_id for event in Ledger(store).since(kinds=("signal",))}


def test_reports_that_come_in_while_a_changed_workspace_takes_its_place_are_kept_and_heard(folder: Path) -> None:
    store = store_of("sqlite://")
    app = create_app(folder, "en", Access(store, Rules(role="dispatcher")), looks_after=True)
    with running_app(app) as address, httpx.Client(base_url=address, timeout=120) as client:
        first = told(client, None)["data-version"]["data"]
        reporter = Reporter(address)
        reporter.start()
        wait_for(lambda: len(reporter.acknowledged) >= NEEDED_AFTER)
        (folder / "outages.csv").write_text(OUTAGES + FURTHER)
        wait_for(lambda: told(client, first).get("data-version", {}).get("data", first) != first)
        at_swap = len(reporter.acknowledged)
        wait_for(lambda: len(reporter.acknowledged) >= at_swap + NEEDED_AFTER)
        reporter.over.set()
        reporter.join(60)
        shown = told(client, None)
        judged = f'fudian_signals_total{{outcome="judged"}} {len(reporter.acknowledged)}\n'
        wait_for(lambda: judged in client.get("/api/v1/metrics").text)
        heard = client.get("/api/v1/incidents").json()
    assert reporter.wrong == []
    assert kept(store) == {f"local:{each}" for each in reporter.acknowledged}, (
        "what was acknowledged is kept, and nothing else"
    )
    version = shown["data-version"]["data"]
    assert version != first
    assert version in str(shown["data-state"]["children"]), "the page says which version it shows"
    assert heard["incidents"], "the version that is served now has heard of them"


def wait_for(holds: Any, most_s: float = 300) -> None:
    deadline = time.monotonic() + most_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
