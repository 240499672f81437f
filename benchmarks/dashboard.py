"""The dashboard under many readers: how long until the first figure, how long a click takes, and whether anyone waits.

    python -m benchmarks.dashboard                      # the sample county
    python -m benchmarks.dashboard 1000000              # a million customers, 700 feeders, three years of events
    python -m benchmarks.dashboard 1000000 --browsers 3 --seconds 60
    python -m benchmarks.dashboard 1000000 --workspace FOLDER --to FILE    # kept for the next run; figures as they come
    python -m benchmarks.dashboard --minutes 20         # mixed load, and the memory of the server minute by minute

The server runs in a process of its own, pinned to one core; the readers, pinned to the other, speak the protocol of the
callbacks as the document in a browser does, each choosing one of twenty kinds of interaction, with a pause between two. A few
real browsers may look on. Beside them a plain request is asked for all the while. Memory is that of the server alone; what is
made once for each version of the data is made before the readers come, and timed.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from data_samples.generator.county import COUNTY, generate

PAGES = ("/operations", "/management", "/dispatch", "/planned")
INTERACTIONS: tuple[tuple[str, str], ...] = (
    ("/operations", ""), ("/operations", "?year=2021"), ("/operations", "?year=2020"), ("/operations", "?med=exclude"),
    ("/operations", "?year=2021&med=exclude"), ("/operations", "?level=lv"), ("/operations", "?level=lv&year=2021"),
    ("/operations", "?level=lv&med=exclude"), ("/operations", "?plan=gongan-2022"), ("/operations", "?plan=changzhou-2020"),
    ("/operations", "?area=all"), ("/operations", "?lang=en"), ("/management", ""), ("/management", "?year=2021"),
    ("/management", "?basis=hours"), ("/management", "?year=2020&basis=hours"), ("/dispatch", ""), ("/dispatch", "?tab=restored"),
    ("/dispatch", "?tab=planned"), ("/planned", ""),
)  # fmt: skip
"""Twenty kinds of interaction: what the address says after it."""

FIGURES = (
    "/api/v1/indices", "/api/v1/indices?by=unit", "/api/v1/targets?plan=gongan-2022", "/api/v1/live-ratio", "/api/v1/process",
    "/api/v1/n-1", "/api/v1/check", "/api/v1/incidents",
)  # fmt: skip
"""Figures that programs ask for."""

PAUSE_S = 2.0

MOST_S = 120.0
"""For how long an answer is waited for; one that takes longer has failed."""

FAILED = "failed"


@dataclass
class Waits:
    """How long answers took, by what was asked, in seconds."""

    of: dict[str, list[float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, seconds: float) -> None:
        """Add one."""
        with self.lock:
            self.of.setdefault(what, []).append(seconds)


def share(values: list[float], part: float) -> float:
    """Return the value below which a part of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else float("nan")


@contextmanager
def server(workspace: Path, core: int | None) -> Iterator[tuple[str, int]]:
    """The server in a process of its own on one core: its address and its process."""
    command = [sys.executable, "-m", "fudian.cli", "serve", str(workspace), "--port", "0"]
    pinned = ["taskset", "-c", str(core)] if core is not None and shutil.which("taskset") else []
    running = subprocess.Popen([*pinned, *command], stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        said = (re.search(r"http://\S+/", line) for line in running.stderr)
        yield next(found[0] for found in said if found), running.pid
    finally:
        running.terminate()
        running.communicate(timeout=60)


def ask(client: httpx.Client, path: str, search: str) -> float:
    """Ask for a page as the document does; return how long its content took.

    Raises:
        RuntimeError: the page is a note that it cannot be shown.
    """
    values = (
        ("address", "pathname", path),
        ("address", "search", search),
        ("data-version", "data", None),
        ("desk-changed", "data", None),
    )
    asked = {
        "output": "..page.children...shown.data..",
        "outputs": [{"id": "page", "property": "children"}, {"id": "shown", "property": "data"}],
        "inputs": [{"id": name, "property": kind, "value": value} for name, kind, value in values],
        "changedPropIds": ["address.search"],
        "state": [{"id": "shown", "property": "data", "value": None}],
    }
    began = time.perf_counter()
    answer = client.post("/_dash-update-component", json=asked)
    took = time.perf_counter() - began
    answer.raise_for_status()
    if "cannot be shown" in answer.text or "无法显示" in answer.text:
        raise RuntimeError(f"{path}{search}: {answer.text[:300]}")
    return took


def memory_gb(process: int) -> tuple[float, float]:
    """Return how much memory a process holds now, and how much of it is its own and not a file's."""
    told = Path(f"/proc/{process}/status").read_text()
    return tuple(int(re.search(rf"{name}:\s+(\d+)", told)[1]) / 1e6 for name in ("VmRSS", "RssAnon"))  # type: ignore[index,return-value]


def prepared_in(address: str, most_s: float = 600.0) -> float:
    """Wait until figures are prepared, for so long at most; return how long that took."""
    began = time.perf_counter()
    told = (("data-version", "data"), ("data-notice", "children"), ("data-state", "children"))
    values = (("data-clock", "n_intervals", 0), ("address", "search", "?lang=en"))
    states = (("data-version", "data", None), ("address", "pathname", "/operations"))
    asked = {
        "output": "..data-version.data...data-notice.children...data-state.children..",
        "outputs": [{"id": name, "property": kind} for name, kind in told],
        "inputs": [{"id": name, "property": kind, "value": value} for name, kind, value in values],
        "changedPropIds": ["data-clock.n_intervals"],
        "state": [{"id": name, "property": kind, "value": value} for name, kind, value in states],
    }
    with httpx.Client(base_url=address, timeout=600) as client:
        while "prepared" in client.post("/_dash-update-component", json=asked).text:
            if time.perf_counter() - began > most_s:
                return float("inf")
            time.sleep(0.5)
    return time.perf_counter() - began


def readers(address: str, count: int, seconds: float, waits: Waits) -> None:
    """Let readers click for a while, and ask for something plain meanwhile."""
    over = time.monotonic() + seconds

    def read(seed: int) -> None:
        choice = random.Random(seed)
        with httpx.Client(base_url=address, timeout=MOST_S) as client:
            while time.monotonic() < over:
                path, search = choice.choice(INTERACTIONS)
                try:
                    waits.add(path + search, ask(client, path, search))
                except (httpx.HTTPError, RuntimeError):
                    waits.add(FAILED, MOST_S)
                time.sleep(choice.uniform(0, 2 * PAUSE_S))

    def plain() -> None:
        with httpx.Client(base_url=address, timeout=MOST_S) as client:
            while time.monotonic() < over:
                began = time.perf_counter()
                try:
                    client.get("/").raise_for_status()
                    waits.add("GET /", time.perf_counter() - began)
                except httpx.HTTPError:
                    waits.add(FAILED, MOST_S)
                time.sleep(0.02)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(count)] + [threading.Thread(target=plain)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def steady(address: str, process: int, count: int, minutes: int) -> Table:
    """Let readers click, export, ask the interface and report signals for some minutes; return memory and waits of each."""
    over = time.monotonic() + minutes * 60
    waits, lock = Waits(), threading.Lock()
    table = Table("minute", "requests", "p95 s", "memory GB", "of it its own", "failed")
    failed: list[str] = []

    def read(seed: int) -> None:
        choice = random.Random(seed)
        with httpx.Client(base_url=address, timeout=300) as client:
            while time.monotonic() < over:
                began = time.perf_counter()
                try:
                    _one_of_many(client, choice)
                except (httpx.HTTPError, RuntimeError) as wrong:
                    with lock:
                        failed.append(str(wrong)[:200])
                waits.add("any", time.perf_counter() - began)
                time.sleep(choice.uniform(0, 2 * PAUSE_S))

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(count)]
    for thread in threads:
        thread.start()
    for minute in range(1, minutes + 1):
        time.sleep(60)
        with waits.lock:
            told = waits.of.pop("any", [])
        whole, own = memory_gb(process)
        table.add_row(
            str(minute), str(len(told)), f"{share(told, 0.95):.2f}", f"{whole:.3f}", f"{own:.3f}", str(len(failed))
        )
        print(
            f"minute {minute}: {len(told)} requests, p95 {share(told, 0.95):.2f} s, {whole:.3f} GB ({own:.3f})",
            flush=True,
        )
    for thread in threads:
        thread.join()
    for wrong in failed[:5]:
        print(wrong)
    return table


def _one_of_many(client: httpx.Client, choice: random.Random) -> None:
    """Ask for a page, a figure or an export, or report a signal."""
    kind = choice.random()
    if kind < 0.6:
        ask(client, *choice.choice(INTERACTIONS))
    elif kind < 0.8:
        client.get(choice.choice(FIGURES)).raise_for_status()
    elif kind < 0.9:
        client.get("/export/operations/rows.csv?rows=ledger").raise_for_status()
    else:
        told = {
            "time": f"{datetime.now():%Y-%m-%d %H:%M:%S}",
            "object": "transformer",
            "kind": choice.choice(("off", "on")),
        }
        place = f"F{choice.randint(1, 9):02}-B{choice.randint(1, 9):02}"
        client.post("/api/v1/signals", json=[told | {"object_id": place}]).raise_for_status()


def browse(address: str, count: int) -> list[float]:
    """Return how long real browsers take from the shell to the first figure."""
    from playwright.sync_api import sync_playwright

    from tests.browser import ARGUMENTS, chromium_path

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        for number in range(count):
            page = browser.new_page()
            page.goto(f"{address}{PAGES[number % 2][1:]}", wait_until="domcontentloaded")
            began = time.perf_counter()
            page.wait_for_selector("h1 b", timeout=300_000)
            found.append(time.perf_counter() - began)
            page.close()
        browser.close()
    return found


class Found:
    """What was measured so far: printed as it comes, so that a run that is broken off has told what it knew."""

    def __init__(self, to: Path | None) -> None:
        """Write to a file besides, where one is named."""
        self.table, self._to = Table("what", "seconds"), to
        if to is not None:
            to.write_text("")

    def add(self, what: str, value: str) -> None:
        """Add a figure."""
        self.table.add_row(what, value)
        print(f"{datetime.now():%H:%M:%S} {what}: {value}", flush=True)
        if self._to is not None:
            with self._to.open("a") as written:
                written.write(f"{what}\t{value}\n")

    def memory(self, when: str, process: int) -> None:
        """Add how much memory the server holds."""
        whole, own = memory_gb(process)
        self.add(f"memory of the server {when}, GB (of it its own)", f"{whole:.2f} ({own:.2f})")

    def waits(self, waits: Waits, name: str) -> None:
        """Add what readers waited, kind by kind and in all."""
        failed = waits.of.pop(FAILED, [])
        plain = waits.of.pop("GET /", [])
        for kind, values in sorted(waits.of.items()):
            self.add(
                f"p50, p95 of {len(values)} x {kind}, {name}", f"{share(values, 0.5):.3f}, {share(values, 0.95):.3f}"
            )
        clicks = [each for values in waits.of.values() for each in values]
        for part in (0.5, 0.95):
            self.add(f"p{part * 100:.0f} of {len(clicks)} interactions, {name}", f"{share(clicks, part):.3f}")
        self.add(f"p99 of {len(plain)} plain requests, {name}", f"{share(plain, 0.99):.3f}")
        self.add(f"requests that failed, {name}", str(len(failed)))


def first_figures(address: str, found: Found, name: str, pages: tuple[str, ...] = PAGES) -> None:
    """Add how long the first figure of each page takes."""
    with httpx.Client(base_url=address, timeout=MOST_S) as client:
        client.get("/").raise_for_status()
        for page in pages:
            try:
                found.add(f"first figure of {page}, {name}", f"{ask(client, page, ''):.3f}")
            except (httpx.HTTPError, RuntimeError) as wrong:
                found.add(f"first figure of {page}, {name}", f"failed: {str(wrong)[:100]}")


def measure(workspace: Path, given: argparse.Namespace, core: int | None, found: Found) -> None:
    """Measure a server that begins with nothing, then one that finds what the first has made."""
    began = time.perf_counter()
    with server(workspace, core) as (address, process):
        with httpx.Client(base_url=address, timeout=MOST_S) as client:
            client.get("/").raise_for_status()
        found.add("from start to the shell", f"{time.perf_counter() - began:.2f}")
        first_figures(address, found, "nothing prepared", PAGES[:2])
        found.add("prepared after another", f"{prepared_in(address, given.prepared_within):.1f}")
        found.memory("that has prepared", process)
    with server(workspace, core) as (address, process):
        first_figures(address, found, "prepared, server just started")
        prepared_in(address, given.prepared_within)
        found.memory("after the first figures", process)
        first_figures(address, found, "warm")
        for name in ("cold", "warm"):
            waits = Waits()
            readers(address, given.readers, given.seconds, waits)
            found.waits(waits, name)
            found.memory(f"after {given.readers} readers, {name}", process)
        if given.browsers:
            found.add(
                f"first figure in {given.browsers} browsers, worst", f"{max(browse(address, given.browsers)):.2f}"
            )


def main() -> None:
    """Measure one workspace."""
    parser = argparse.ArgumentParser()
    parser.add_argument("customers", nargs="?", type=int, default=0)
    parser.add_argument("--workspace", type=Path, help="made there if it is not there yet, and kept")
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--prepared-within", type=float, default=600, help="seconds for which preparation is waited for"
    )
    parser.add_argument("--browsers", type=int, default=0)
    parser.add_argument("--minutes", type=int, default=0, help="mixed load for so long, and nothing else")
    parser.add_argument("--to", type=Path, help="file for what was measured, a line each as it comes")
    given = parser.parse_args()
    found = Found(given.to)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    with tempfile.TemporaryDirectory() as scratch:
        workspace = given.workspace or Path(scratch) / "workspace"
        if not workspace.exists():
            if given.customers:
                generate(given.customers, workspace)
            else:
                shutil.copytree(COUNTY, workspace, ignore=shutil.ignore_patterns(".*"))
        if len(cores) > 1:
            os.sched_setaffinity(0, cores[1:])
        core = cores[0] if len(cores) > 1 else None
        if given.minutes:
            with server(workspace, core) as (address, process):
                Console().print(steady(address, process, given.readers, given.minutes))
            return
        measure(workspace, given, core, found)
        Console().print(found.table)


if __name__ == "__main__":
    main()
