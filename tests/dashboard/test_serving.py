"""What serves the pages: nobody waits for what somebody else computes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from plotly.io.json import to_json_plotly

import fudian
from dashboard.access.reader import READER, Reader
from dashboard.access.roles import ROLES
from dashboard.app import UNDER_CHECK, page_or_note
from dashboard.pages import avoidable_card, frequent_card
from dashboard.parts.address import Address
from dashboard.pool import MAKES_WAY_S, Permits, Pool, PooledRouter
from dashboard.ready import ready_page
from data_samples.generator.county import COUNTY
from fudian import Utility
from fudian.memory import Memory, waiting
from fudian.sweep import Sweep
from network import text
from network.steps import step

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def server_of(workspace: Path) -> Iterator[str]:
    """The server as people start it, in a process of its own; its address."""
    command = [sys.executable, "-m", "fudian.cli", "serve", str(workspace), "--port", "0"]
    running = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, "FUDIAN_LANG": "en"}
    )
    try:
        assert running.stderr is not None
        said = (re.search(r"http://\S+/", line) for line in running.stderr)
        yield next(found[0] for found in said if found)
    finally:
        running.terminate()
        running.communicate(timeout=20)


def get(address: str, wait_s: float = 120) -> bytes:
    return httpx.get(address, timeout=wait_s).content


def ask_page(served: str, path: str, search: str) -> bytes:
    """Ask for a page as the browser does."""
    named = (
        {"id": "address", "property": "pathname", "value": path},
        {"id": "address", "property": "search", "value": search},
    )
    question = {
        "output": "..page.children...shown.data..",
        "outputs": [{"id": "page", "property": "children"}, {"id": "shown", "property": "data"}],
        "inputs": [
            *named,
            {"id": "data-version", "property": "data", "value": None},
            {"id": "desk-changed", "property": "data", "value": None},
        ],
        "changedPropIds": ["address.pathname"],
        "state": [{"id": "shown", "property": "data"}],
    }
    return httpx.post(f"{served}_dash-update-component", json=question, timeout=300).content


def test_a_plain_request_is_answered_while_pages_are_computed() -> None:
    with server_of(COUNTY) as served, ThreadPoolExecutor(4) as readers:
        get(served)
        pages = [
            readers.submit(ask_page, served, "/planned", ""),
            readers.submit(ask_page, served, "/operations", "?level=lv&med=exclude"),
            readers.submit(ask_page, served, "/dispatch", ""),
            readers.submit(ask_page, served, "/management", "?year=2021"),
        ]
        answered = 0
        while not all(each.done() for each in pages):
            get(served)
            answered += 1
        assert all(b'"page"' in each.result() for each in pages)
        assert answered > 2 * len(pages), "a plain request that waited for a page would be answered once a page at most"


def test_permits_are_given_away_while_another_answer_is_waited_for() -> None:
    permits, memory = Permits(1), Memory()
    begun, go = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go.wait(10)
        return "slow"

    def ask() -> str:
        waiting.set(permits.waiting)
        with permits.computing():
            return memory.recall("slow", slow)

    with ThreadPoolExecutor(3) as threads:
        owner = threads.submit(lambda: memory.recall("slow", slow))
        begun.wait(10)
        waiter = threads.submit(ask)
        time.sleep(0.1)

        def quick() -> str:
            with permits.computing():
                return "quick"

        assert threads.submit(quick).result(5) == "quick"
        go.set()
        assert (owner.result(5), waiter.result(5)) == ("slow", "slow")


def test_work_in_the_background_rests_while_an_answer_is_computed_and_goes_on_in_any_case() -> None:
    pool, reached = Pool(threads=1), list[float]()

    def work(tell: Callable[[int], None]) -> int:
        for at in range(6):
            reached.append(time.perf_counter())
            tell(at)
        return 6

    def longest(sweep: Sweep[int]) -> float:
        assert sweep.result(None) == 6
        return max(after - before for before, after in pairwise(reached))

    assert longest(Sweep(work, "alone", 0, pool.make_way)) < MAKES_WAY_S
    reached.clear()
    with pool.permits.computing():
        assert longest(Sweep(work, "beside", 0, pool.make_way)) >= MAKES_WAY_S, "it rested, and went on in any case"


def test_management_is_there_before_every_outage_was_judged_and_again_when_they_are() -> None:
    utility, viewer = fudian.open(COUNTY, "en"), Reader("v", "viewer", ROLES["viewer"])
    first = asked_of("management", "", viewer, utility)
    assert '"data-figure":"under-way"' in first
    assert avoidable_card.CLOCK in first
    utility.avoidable_under_check(None, 300)
    last = asked_of("management", "", viewer, utility)
    assert avoidable_card.CLOCK not in last
    dearest = utility.avoidable("2022").outages[0]
    assert dearest.outage_id in last
    assert avoidable_card.CLOCK in asked_of("management", "?year=2021", viewer, utility), "each year by itself"


def test_pages_are_there_before_the_plans_to_come_are_calculated_and_whole_afterwards() -> None:
    utility, viewer, go_on = fudian.open(COUNTY, "en"), Reader("v", "viewer", ROLES["viewer"]), threading.Event()
    utility.make_way = go_on.wait
    early = {page: asked_of(page, "", viewer, utility) for page in UNDER_CHECK}
    go_on.set()
    for page, said in early.items():
        assert "cannot be shown" not in said
        assert frequent_card.CLOCK in said, "it is asked for again"
        assert f'"data-figure":"{"checked" if page == "planned" else "under-way"}"' in said
        assert UNDER_CHECK[page](utility, Address.read(f"/{page}", "", "en"), None).is_all
        whole = asked_of(page, "", viewer, utility)
        assert "cannot be shown" not in whole
        assert frequent_card.CLOCK not in whole
    assert '"data-figure":"saidi"' in early["operations"], "figures of what was are there at once"


def test_what_a_reader_left_ends_at_its_next_step() -> None:
    pool, memory, taken = Pool(threads=2), Memory(), list[int]()
    app = FastAPI()
    routes = PooledRouter(pool)

    @routes.get("/long")
    def answer(request: Request) -> int:
        def compute() -> int:
            for at in range(100):
                step(text("checks of plans"), at, 100)
                taken.append(at)
                time.sleep(0.05)
            return len(taken)

        return memory.recall("long", compute)

    app.include_router(routes)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/long"
    with pytest.raises(httpx.ReadTimeout):
        get(address, 0.3)
    time.sleep(2)
    reached = len(taken)
    time.sleep(0.5)
    assert 0 < len(taken) == reached < 100, "nobody waits, so it went no further"
    taken.clear()
    assert json.loads(get(address)) == 100
    server.should_exit = True
    thread.join(10)


def test_what_nobody_waits_for_is_never_begun() -> None:
    pool, computed = Pool(threads=1), []
    app, hold = FastAPI(), threading.Event()
    routes = PooledRouter(pool)

    @routes.get("/{name}")
    def answer(request: Request, name: str) -> str:
        computed.append(name)
        hold.wait(10)
        return name

    app.include_router(routes)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    with ThreadPoolExecutor(2) as readers:
        first = readers.submit(get, f"http://127.0.0.1:{port}/first")
        while not computed:
            time.sleep(0.02)
        with pytest.raises(httpx.ReadTimeout):
            get(f"http://127.0.0.1:{port}/left", 0.3)
        time.sleep(1.2)
        hold.set()
        assert json.loads(first.result()) == "first"
        assert json.loads(get(f"http://127.0.0.1:{port}/later")) == "later"
    server.should_exit = True
    thread.join(10)
    assert computed == ["first", "later"]


def asked_of(page: str, search: str, who: Reader, utility: Utility) -> str:
    """Ask for a page as a reader, and return it as it is sent."""

    def ask() -> str:
        READER.set(who)
        return str(to_json_plotly(page_or_note(utility, Address.read(f"/{page}", search, "en"))))

    return copy_context().run(ask)


def without_last_digits(page: str) -> str:
    """Return a page with its unrounded figures to ten digits: threads add up in any order."""
    return re.sub(r"\d+\.\d{9,}", lambda figure: f"{float(figure[0]):.10g}", page)


@pytest.mark.parametrize("page", ["operations", "steering"])
def test_a_page_that_is_kept_is_the_page_that_is_made(page: str) -> None:
    first, second = fudian.open(COUNTY, "en"), fudian.open(COUNTY, "en")
    for utility in (first, second):
        utility.n_1()
        for search in ("", "?year=2021"):
            UNDER_CHECK[page](utility, Address.read(f"/{page}", search, "en"), None)
    viewer = Reader("v", "viewer", ROLES["viewer"], shown_name="Wei")
    manager = Reader("m", "manager", ROLES["manager"], unit="东城供电所", shown_name="Ming")
    for who in (viewer, manager):
        for search in ("", "?year=2021", "?nonsense=1"):
            made = asked_of(page, search, who, first)
            assert asked_of(page, search, who, first) == made, "kept"
            again = asked_of(page, search, who, second)
            assert without_last_digits(again) == without_last_digits(made), "another start makes the same"
    assert "Wei" in asked_of(page, "", viewer, first)
    assert "Wei" not in asked_of(page, "", manager, first), "nobody is greeted as another"


def test_a_page_that_failed_is_made_again() -> None:
    utility, address = fudian.open(COUNTY, "en"), Address.read("/operations", "", "en")

    def fails(*_: object) -> None:
        raise RuntimeError("for once")

    with pytest.raises(RuntimeError):
        ready_page(utility, address, fails)
    assert "made" in to_json_plotly(ready_page(utility, address, lambda *_: "made"))
