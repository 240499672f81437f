"""How long it takes from a report to its incident on the screen, while storms rage: measured in a real browser.

    .venv/bin/python -m benchmarks.desk screen        # ten storms within four minutes
    .venv/bin/python -m benchmarks.desk screen 2      # two storms

Besides the storms it takes the time in which the server makes its pages ready, and in which the batches are judged one by one
afterwards; each is told while it goes on.

The ten recorded storms come over the sample county, one an hour, 240 times as fast as in life; to what terminals, switches and
callers say the meters of all customers that are cut off add their own words. All go over HTTP to ``fudian serve`` with its own
store, while a browser shows the page of repairs and nobody touches it. The decisive report of an incident is the last one of
the first batch after which a desk that judges batch by batch, with all the time it needs, has the incident on its board; the
time runs from before that batch is sent until the frame in which the row stands on the page. Incidents that were something
else again before a page could be made are counted apart.
"""

from __future__ import annotations

import gzip
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl

import fudian
from benchmarks.dashboard import memory_gb, prepared_in, server, share
from data_samples.generator.county import COUNTY
from tests.browser import ARGUMENTS, chromium_path

STORMS = Path(__file__).parent.parent / "tests" / "reference" / "data" / "storms"
SPEED = 240.0
TICK_S = 0.25
"""What arrives within so long a time is sent together."""

SEED = 20_230_101
LAG_S = 60.0
"""A meter says that its power went, or came, within so long a time."""

SETTLED_S = 15.0
"""After the last report the page is watched for so long."""

NOTED = """
window.shownAt = {};
window.toldAt = {};
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", (event) => {
      for (const each of Object.keys(JSON.parse(event.data).changes || {})) window.toldAt[each] ??= Date.now();
    });
  }
};
new MutationObserver(() => {
  const here = [...document.querySelectorAll("tr[data-incident]")].map((row) => row.dataset.incident);
  const fresh = here.filter((each) => !(each in window.shownAt));
  if (fresh.length) requestAnimationFrame(() => fresh.forEach((each) => { window.shownAt[each] ??= Date.now(); }));
}).observe(document, { childList: true, subtree: true });
"""


@dataclass
class Sent:
    """Batches that were sent, and when each was, in seconds since 1970; how many reports they hold."""

    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    refused: int = 0
    count: int = 0


def reports(storms: int) -> list[tuple[datetime, dict[str, Any]]]:
    """Return when each report arrives, and the report, in order of arrival."""
    customers = fudian.open(COUNTY).network.customers
    meters = {key[0]: part["customer_id"].to_list()
              for key, part in customers.partition_by("transformer_id", as_dict=True).items()}  # fmt: skip
    chance, found = random.Random(SEED), []
    for number, folder in enumerate(sorted(STORMS.iterdir())[:storms]):
        later = timedelta(hours=number)
        for row in _rows(folder / "signals.csv.gz"):
            said: dict[str, Any] = {name: row[name] for name in ("object", "object_id", "kind")}
            value = float(row["value"]) if row["value"] else None
            at = datetime.fromisoformat(row["time"]) + later
            arrived = datetime.fromisoformat(row["arrived"]) + later
            found.append((arrived, said | {"time": at.isoformat(), "value": value}))
        for row in _rows(folder / "truth.csv.gz"):
            for kind, moment in (("off", row["from"]), ("on", row["until"])):
                for meter in meters.get(row["transformer_id"], ()) if moment else ():
                    at = datetime.fromisoformat(moment) + later
                    said = {"object": "customer", "object_id": meter, "kind": kind, "time": at.isoformat()}
                    found.append((at + timedelta(seconds=chance.uniform(0, LAG_S)), said))
    found.sort(key=lambda pair: pair[0])
    return [(at, said | {"event_id": f"e{number}"}) for number, (at, said) in enumerate(found)]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    yield from pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema_length=0).fill_null("").to_dicts()


def send(address: str, arrivals: list[tuple[datetime, dict[str, Any]]], sent: Sent) -> None:
    """Send reports as they arrive."""
    begun, first, place = time.time(), arrivals[0][0], 0
    with httpx.Client(base_url=address, timeout=60) as client:
        while place < len(arrivals):
            passed = timedelta(seconds=(time.time() - begun) * SPEED)
            until = place
            while until < len(arrivals) and arrivals[until][0] - first <= passed:
                until += 1
            if until > place:
                rows = [said for _, said in arrivals[place:until]]
                at = time.time()
                if client.post("/api/v1/signals?wait=false", json=rows).status_code in {200, 202}:
                    sent.batches.append(rows)
                    sent.at.append(at)
                    sent.count = place = until
                else:
                    sent.refused += 1
            time.sleep(max(0.0, TICK_S - (time.time() - begun) % TICK_S))


def shown(address: str, arrivals: list[tuple[datetime, dict[str, Any]]], sent: Sent) -> tuple[dict[str, float], ...]:
    """Send reports while a browser looks on; return when its page was told of each, and when it stood there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.add_init_script(NOTED)
        page.goto(f"{address}dispatch?lang=en")
        page.locator(".live-state").filter(has_text="live").wait_for(timeout=300_000)
        sending = threading.Thread(target=send, args=(address, arrivals, sent), daemon=True)
        sending.start()
        while sending.is_alive():
            page.wait_for_timeout(1000)
            progress(f"{sent.count:,} of {len(arrivals):,} reports sent")
        page.wait_for_timeout(SETTLED_S * 1000)
        found = page.evaluate("[window.toldAt, window.shownAt]")
        browser.close()
    return tuple({incident: at / 1000 for incident, at in each.items()} for each in found)


def first_known(folder: Path, batches: list[list[dict[str, Any]]]) -> dict[str, int]:
    """Return the number of the batch after which each incident could be on the board first."""
    utility = fudian.open(folder)
    first: dict[str, int] = {}
    for number, rows in enumerate(batches):
        if utility.ingest(rows)["changes"]:
            for entry in utility.board().active:
                first.setdefault(entry.key, number)
        progress(f"{number + 1} of {len(batches)} batches judged")
    return first


class _Progress:
    """Says how far it is, every few seconds."""

    EVERY_S = 15.0

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._next = self.EVERY_S

    def __call__(self, said: str, now: bool = False) -> None:
        """Print where it is, if it is time to."""
        passed = time.perf_counter() - self._begun
        if now or passed >= self._next:
            print(f"  {passed:4.0f} s: {said}", flush=True)
            self._next = passed + self.EVERY_S


progress = _Progress()


def screen(storms: int = 10) -> None:
    """Print the times from the decisive report to the screen."""
    arrivals, sent = reports(storms), Sent()
    progress(f"{len(arrivals):,} reports of {storms} storms are read", now=True)
    with tempfile.TemporaryDirectory() as name:
        served, judged = Path(name) / "served", Path(name) / "judged"
        for each in (served, judged):
            shutil.copytree(COUNTY, each)
        with server(served, None) as (address, process):
            progress("the server runs, and makes its pages ready", now=True)
            took = prepared_in(address)
            progress(f"pages are ready after {took:.0f} s; the storms begin", now=True)
            begun = time.perf_counter()
            told, on_screen = shown(address, arrivals, sent)
            took, memory = time.perf_counter() - begun, memory_gb(process)[0] * 1000
        progress("the storms are over; their batches are judged one by one", now=True)
        first = first_known(judged, sent.batches)
    waits = {each: on_screen[each] - sent.at[first[each]] for each in on_screen if each in first}
    values = list(waits.values())
    print(
        f"{len(arrivals):,} reports of {storms} storms in {len(sent.batches)} batches within {took - SETTLED_S:.0f} s "
        f"(the largest {max(map(len, sent.batches)):,}; {sent.refused} refused), server {memory:,.0f} MB"
    )
    print(
        f"from the decisive report to the row on the screen, {len(values)} incidents: "
        + ", ".join(f"p{part:.0%}"[:-1] + f" {share(values, part):.2f} s" for part in (0.5, 0.95, 0.99))
        + f", longest {max(values):.2f} s"
    )
    never, clock = set(first) - set(on_screen), set(on_screen) - set(first)
    print(
        f"something else again before a page was made: {len(never)}; shown by the clock or between batches: {len(clock)}"
    )
    for incident, wait in sorted(waits.items(), key=lambda pair: -pair[1])[:5]:
        heard = told.get(incident, float("nan")) - sent.at[first[incident]]
        print(f"  {wait:5.2f} s, of which {heard:5.2f} s until the page was told: {incident}")
