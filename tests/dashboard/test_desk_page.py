"""Work on an incident in a real browser: what is decided by a button is kept, and stands there for everybody."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboard.access.entrance import Access
from dashboard.app import create_app
from dashboard.pages.plan_card import Chosen
from fudian.store import store_of
from fudian.store.database import IN_MEMORY
from network import Network
from network.readers.one_line import one_line_tables
from repair.restoration.restorer import restore
from tests.browser import ARGUMENTS, chromium_path

NOW = datetime.now().replace(microsecond=0) - timedelta(hours=2)
MINUTE = timedelta(minutes=1)
FEEDER = (
    "=S -[K1]- 0 -L1- 1 -[K2]- 2 -L2- 3 -[K3]- 4 -L3- 5 /[K4]/ 6 -L4- 7 -[K5]- 8; =R -L5- 8; "
    "T1(30) @ 1; T3(50) @ 3; T5(70) @ 5; T7(20) @ 7"
)


def report(object_id: str, kind: str, minutes: float, value: float | None = None) -> dict[str, Any]:
    object_ = "transformer" if object_id.startswith("T") else "branch"
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return {"time": at, "object": object_, "object_id": object_id, "kind": kind, "value": value}


TRIP = [
    report("K1", "fault_current", 0, 1),
    report("K2", "fault_current", 0, 1),
    report("K3", "fault_current", 0, 0),
    report("K1", "trip", 0.1),
    *(report(each, "off", 0.5) for each in ("T1", "T3", "T5")),
]


@contextmanager
def serving(
    folder: Path,
    is_telling: bool = False,
    more: Mapping[str, list[dict[str, Any]]] | None = None,
    settings: str = "",
    store: str = IN_MEMORY,
    diagram: str = FEEDER,
) -> Iterator[str]:
    """Serve a small feeder on a free port, of which one customer is told in person where messages are sent at all."""
    folder.mkdir()
    tables = one_line_tables(diagram)
    tables["customers"][0] |= {"customer_id": "C1", "name": "王芳", "phone": "13900001234", "verified": True}
    for branch in tables["branches"]:
        if branch["branch_id"] == "K2":
            branch["name"] = "Mill Lane"
    devices = [row["branch_id"] for row in tables["branches"] if row["branch_id"].startswith("K")]
    sensors = {"sensors": [{"branch_id": device, "kind": "ftu"} for device in devices]}
    for name, rows in (tables | sensors | dict(more or {})).items():
        if rows:
            (folder / f"{name}.json").write_text(json.dumps(rows), "utf-8")
    telling = '[messages]\nto = "out.ndjson"\nquiet_from = ""\n' if is_telling else ""
    (folder / "fudian.toml").write_text(
        f'name = "Test"\nas_of = {NOW:%Y-%m-%dT%H:%M:%S}\n' + telling + settings, "utf-8"
    )
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(folder, "en", Access(store_of(store))), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listening.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path / "feeder") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium: name one in CHROMIUM, or install it with: playwright install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=20_000)
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    page.close()
    assert wrong == []


def sheet_of(address: str) -> dict[str, Any]:
    incident = httpx.get(f"{address}/api/v1/incidents", timeout=60).json()["incidents"][0]["id"]
    answer: dict[str, Any] = httpx.get(f"{address}/api/v1/incidents/{incident}/sheet", timeout=60).json()
    return answer


def off_now(page: Page, address: str) -> int:
    """Return how many customers are off by the one incident, which the sheet, the list and the route tell alike."""
    (incident,) = httpx.get(f"{address}/api/v1/incidents", timeout=60).json()["incidents"]
    number: int = incident["customers_off"]
    expect(page.locator("[data-figure=customers]")).to_have_attribute("data-value", str(number))
    expect(page.locator("#incidents tbody tr").first.locator("td").nth(1)).to_have_text(str(number))
    return number


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page where a folder is named for it."""
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_what_is_decided_by_a_button_is_kept(page: Page, served: str) -> None:
    httpx.post(f"{served}/api/v1/signals", json=TRIP).raise_for_status()
    page.goto(f"{served}/dispatch?lang=en")
    work, plan = page.locator(".card.work"), page.locator(".card.plan")
    expect(plan.locator(".operations tbody tr").first).to_contain_text("K2")
    picture(page, "desk-before-en")
    work.get_by_role("button", name="Acknowledge").click()
    expect(work).to_contain_text("looked after by")
    expect(work.locator("tr", has_text="looked after by")).to_contain_text("local")
    work.get_by_role("button", name="arrived").click()
    expect(work.locator(".stages .reached")).to_contain_text("arrived")
    first = plan.locator(".operations tbody tr").first.inner_text()
    steps = plan.locator(".operations tbody tr").count()
    plan.get_by_role("button", name="done").click()
    expect(plan).to_contain_text("Done so far")
    expect(plan.locator(".operations tbody tr")).to_have_count(steps - 1)
    kept = sheet_of(served)
    assert kept["steps"][0]["branch_id"] in first
    assert (kept["stage"], kept["acknowledged_by"]) == ("arrived", "local")
    expect(page.locator(".card.state-now")).to_contain_text(kept["steps"][0]["branch_id"])
    work.get_by_text("Hand over").click()
    work.get_by_label("to whom").fill("wang")
    work.locator(".asked:visible").get_by_role("button", name="Send").click()
    expect(work.locator("tr", has_text="looked after by")).to_contain_text("wang")
    picture(page, "desk-after-en")
    undo = work.locator(".history tr", has_text="arrived").get_by_role("button", name="undo")
    for _ in range(60):
        if not undo.is_visible():
            work.locator(".history summary").click()
        page.wait_for_timeout(500)
        if undo.is_visible():
            break
    undo.click()
    expect(work.locator(".stages .reached")).to_have_count(0)
    assert sheet_of(served)["stage"] is None
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{served}/dispatch?lang=zh")
    expect(page.locator(".card.work")).to_contain_text("事件处置")
    picture(page, "desk-phone-zh")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_sheet_and_the_route_show_who_was_told(page: Page, tmp_path: Path) -> None:
    """A file takes the messages of a served desk; T1 has one customer that is told in person."""
    with serving(tmp_path / "feeder", True) as address:
        httpx.post(f"{address}/api/v1/signals", json=TRIP).raise_for_status()
        incident = httpx.get(f"{address}/api/v1/incidents", timeout=60).json()["incidents"][0]["id"]
        page.goto(f"{address}/dispatch?lang=en")
        work = page.locator(".card.work")
        expect(work).to_contain_text("Customers told: 0 of 150 (0.0%)")
        work.get_by_text("Expected back").click()
        work.get_by_label("day and time").fill(f"{NOW + timedelta(hours=5):%Y-%m-%d %H:%M}")
        work.locator(".asked:visible").get_by_role("button", name="Send").click()
        expect(work.locator("tr", has_text="power is expected back").first).to_be_visible()
        work.get_by_role("button", name="dispatched").click()
        expect(work.locator("tr", has_text="fault outage")).to_be_visible()
        out = tmp_path / "feeder" / "out.ndjson"
        deadline = time.monotonic() + 30
        told: dict[str, Any] = {}
        while sum(each["sent"] for each in told.get("kinds", [])) < 4 and time.monotonic() < deadline:
            told = httpx.get(f"{address}/api/v1/incidents/{incident}/messages").json()
        letters = {json.dumps(each["to"]): each for each in map(json.loads, out.read_text("utf-8").splitlines())}
        assert sorted(letters) == ['{"customer_id": "C1", "phone": "13900001234"}', '{"transformer_id": "T1"}',
                                 '{"transformer_id": "T3"}', '{"transformer_id": "T5"}']  # fmt: skip
        assert "尊敬的王芳：因线路故障，T1于" in letters[min(letters)]["text"]
        assert told["notified"] == {"customers": 150, "in_person": 1, "by_notice": 149, "ratio": 1 / 150}
        rows = {row["id"]: row for row in told["rows"]}
        assert sorted(rows) == ["C1", "T1", "T3", "T5"]
        assert {(row["kind"], row["state"]) for row in told["rows"]} == {("fault", "sent")}
        assert "王•" in rows["C1"]["text"]
        page.goto(f"{address}/dispatch?lang=zh")
        expect(work).to_contain_text("通知到户 1/150 户（0.7%）；另有 149 户通过台区通知告知。")
        picture(page, "messages-zh")
        page.goto(f"{address}/dispatch?lang=en")
        expect(work).to_contain_text("Customers told: 1 of 150")
        picture(page, "messages-en")
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{address}/dispatch?lang=zh")
        expect(work).to_contain_text("通知到户 1/150 户")
        picture(page, "messages-phone-zh")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_form_stays_open_that_was_opened_while_the_page_was_being_made_anew(page: Page, served: str) -> None:
    httpx.post(f"{served}/api/v1/signals", json=TRIP, timeout=120).raise_for_status()
    page.goto(f"{served}/dispatch?lang=en")
    work = page.locator(".card.work")
    expect(work).to_contain_text("Hand over")
    incident = httpx.get(f"{served}/api/v1/incidents", timeout=120).json()["incidents"][0]["id"]
    work.get_by_text("Hand over").click()
    work.get_by_label("to whom").fill("wa")
    said = {"action": "commander", "name": "sun"}
    httpx.post(f"{served}/api/v1/incidents/{incident}/decisions", json=said, timeout=120).raise_for_status()
    page.evaluate("window.dash_clientside.set_props('desk-changed', { data: Date.now() })")  # as asked for just before
    expect(work.locator("tr", has_text="incident commander").first).to_contain_text("sun")
    expect(work.get_by_label("to whom")).to_be_visible()
    expect(work.get_by_label("to whom")).to_have_value("wa")
    work.get_by_label("to whom").fill("wang")
    work.locator(".asked:visible").get_by_role("button", name="Send").click()
    expect(work.locator("tr", has_text="looked after by")).to_contain_text("wang")
    expect(work.locator("details.deciding[open]")).to_have_count(0)


def test_a_step_is_ticked_with_its_time_and_a_reading_printed_so_and_undone(page: Page, served: str) -> None:
    httpx.post(f"{served}/api/v1/signals", json=TRIP).raise_for_status()
    page.goto(f"{served}/dispatch?lang=en")
    plan = page.locator(".card.plan")
    steps = plan.locator(".operations tbody tr")
    expect(steps.first).to_contain_text("K2")
    count, before = steps.count(), off_now(page, served)
    plan.get_by_text("step 1 done, with time or reading").click()
    plan.get_by_label("value read, such as 95 A").fill("95 A")
    plan.get_by_label("done at, such as 07:57; now if blank").fill(f"{NOW + MINUTE:%H:%M}")
    picture(page, "desk-tick-en")
    plan.locator(".asked:visible").get_by_role("button", name="Send").click()
    expect(steps).to_have_count(count - 1)
    expect(plan).to_contain_text(f"{NOW + MINUTE:%H:%M} 95 A")
    kept = sheet_of(served)["steps"][0]
    assert (kept["read"], kept["at"][11:16]) == ("95 A", f"{NOW + MINUTE:%H:%M}")
    order = httpx.get(f"{served}{plan.get_by_text('Print').get_attribute('href')}", timeout=60).text
    assert (order.count("☑"), order.count("☐")) == (1, count - 2)
    assert "95 A" in order
    expect(page.locator(".card.state-now tbody tr").first).to_contain_text("K2 Mill Lane")
    for left in range(count - 2, 0, -1):
        steps.first.get_by_role("button", name="done").click()
        expect(steps).to_have_count(left)
    expect(plan).to_contain_text("All steps are carried out")
    assert off_now(page, served) < before, "whom the steps feed again are off no more"
    expect(page.locator("tr", has_text="Back by switching")).to_have_count(1)
    expect(page.locator(".card.work .stages .reached")).to_contain_text("partly restored")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 1000})
        for language in ("zh", "en"):
            page.goto(f"{served}/dispatch?lang={language}")
            expect(page.locator("[data-figure=customers]")).to_have_attribute("data-value", str(off_now(page, served)))
            picture(page, f"desk-fed-again-{language}-{width}")
    page.set_viewport_size({"width": 1440, "height": 1000})
    expect(plan).to_contain_text("All steps are carried out")
    order = httpx.get(f"{served}{plan.get_by_text('Print').get_attribute('href')}", timeout=60).text
    assert (order.count("☑"), order.count("☐")) == (count - 1, 0)
    for left in range(2, count):
        plan.get_by_role("button", name="undo").click()
        expect(steps).to_have_count(left)
    plan.get_by_role("button", name="undo").click()
    expect(steps).to_have_count(count)
    assert sheet_of(served)["steps"] == []
    expect(page.locator("[data-figure=customers]")).to_have_attribute("data-value", str(before))
    assert off_now(page, served) == before


def test_a_commander_and_the_loss_of_the_grid_above_are_told_by_buttons(page: Page, served: str) -> None:
    httpx.post(f"{served}/api/v1/signals", json=TRIP).raise_for_status()
    page.goto(f"{served}/dispatch?lang=en")
    work = page.locator(".card.work")
    asked = work.locator(".asked:visible")
    work.get_by_text("Commander", exact=True).click()
    work.get_by_label("name", exact=True).fill("sun")
    asked.get_by_role("button", name="Send").click()
    expect(work.locator("tr", has_text="incident commander").first).to_contain_text("sun")
    work.get_by_text("Grid above is lost", exact=True).click()
    work.get_by_label("node of the source").fill("nowhere")
    asked.get_by_role("button", name="Send").click()
    expect(work.get_by_role("alert").filter(visible=True)).to_contain_text("nowhere")
    assert sheet_of(served)["upstream"] is None, "a node that is no source is refused"
    work.get_by_label("node of the source").fill("S")
    asked.get_by_label("note").fill("110 kV busbar")
    asked.get_by_role("button", name="Send").click()
    notice = work.locator("tr", has_text="grid above is lost").first
    expect(notice).to_contain_text("S · ")
    kept = sheet_of(served)
    assert kept["commander"] == "sun"
    assert (kept["upstream"]["node"], kept["upstream"]["note"]) == ("S", "110 kV busbar")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 1000})
        for language, said in (("zh", "总指挥长"), ("en", "incident commander")):
            page.goto(f"{served}/dispatch?lang={language}")
            expect(work.locator("tr", has_text=said).first).to_contain_text("sun")
            picture(page, f"desk-upstream-{language}-{width}")
    undo = work.locator(".history tr", has_text="grid above is lost").get_by_role("button", name="undo")
    for _ in range(60):
        if not undo.is_visible():
            work.locator(".history summary").click()
        page.wait_for_timeout(500)
        if undo.is_visible():
            break
    undo.click()
    expect(work.locator(".history tr.undone")).to_have_count(1)
    assert sheet_of(served)["upstream"] is None


def test_an_operation_is_told_refused_with_a_reason_and_undone(page: Page, served: str) -> None:
    page.goto(f"{served}/dispatch?lang=en")
    now = page.locator(".card.state-now")
    expect(now).to_contain_text("All switches are as they normally are.")
    now.get_by_text("Tell an operation").click()
    now.get_by_label("operation").select_option("open")
    now.get_by_label("device, line or name of the jumper").fill("L2")
    now.get_by_role("button", name="Send").click()
    expect(now.get_by_role("alert")).to_contain_text("no device that can be opened")
    now.get_by_label("operation").select_option("cut")
    picture(page, "desk-operation-en")
    now.get_by_role("button", name="Send").click()
    expect(now).to_contain_text("open: L2")
    assert httpx.get(f"{served}/api/v1/operations").json()["dead"] == ["T3", "T5"]
    now.get_by_role("button", name="undo").click()
    expect(now).to_contain_text("All switches are as they normally are.")
    assert httpx.get(f"{served}/api/v1/operations").json()["dead"] == []


def test_what_is_new_appears_by_itself_is_marked_until_looked_at_and_rings_once(page: Page, served: str) -> None:
    page.goto(f"{served}/dispatch?lang=en")
    expect(page.locator(".live-state")).to_have_text("live")
    expect(page.locator(".card").first).to_contain_text("Nothing is out at this moment.")
    httpx.post(f"{served}/api/v1/signals", json=TRIP).raise_for_status()
    sent = time.perf_counter()
    expect(page.locator("tr[data-incident]")).to_have_count(1)
    took = time.perf_counter() - sent
    assert took < 5, "no reload was needed"
    assert page.evaluate("document.documentElement.dataset.rung") == "1"
    other = [report("K5", "fault_current", 5, 1), report("K5", "trip", 5), report("T7", "off", 5)]
    httpx.post(f"{served}/api/v1/signals", json=other).raise_for_status()
    expect(page.locator("tr[data-incident]")).to_have_count(2)
    unseen = page.locator("tr.new")
    expect(unseen).to_have_count(1)
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    assert page.locator("nav a[data-count]").get_attribute("data-count") == "1"
    picture(page, "desk-live-en")
    unseen.locator("a").click()
    expect(page.locator("tr.new")).to_have_count(0)
    page.get_by_role("button", name="sound on").click()
    expect(page.get_by_role("button", name="sound off")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="sound off")).to_be_visible()
    httpx.post(f"{served}/api/v1/signals", json=[report("T7", "on", 30), report("K5", "close", 30)]).raise_for_status()
    expect(page.locator("tr[data-incident]")).to_have_count(1)
    assert page.evaluate("document.documentElement.dataset.rung") is None, "muted, and nothing new"


def made(address: str, output: str, fields: list[tuple[str, str]], state: list[tuple[str, str]]) -> str:
    """Return what a callback of the page gives, as it is sent."""
    said = {"pathname": "/dispatch", "search": "?lang=en"}
    outputs = [dict(zip(("id", "property"), each.split("."), strict=True)) for each in output.strip(".").split("...")]
    asked = {
        "output": output,
        "outputs": outputs[0] if len(outputs) == 1 else outputs,
        "inputs": [{"id": name, "property": kind, "value": said.get(kind)} for name, kind in fields],
        "changedPropIds": [".".join(fields[-1])],
        "state": [{"id": name, "property": kind, "value": said.get(kind)} for name, kind in state],
    }
    return httpx.post(f"{address}/_dash-update-component", json=asked, timeout=60).text


def test_the_list_that_comes_first_is_the_list_of_the_page(served: str) -> None:
    httpx.post(f"{served}/api/v1/signals", json=TRIP).raise_for_status()
    place = [("address", "pathname"), ("address", "search")]
    asked = [*place, ("data-version", "data"), ("desk-changed", "data")]

    def page_made() -> str:
        return made(served, "..page.children...shown.data..", asked, [("shown", "data")])

    deadline = time.monotonic() + 60
    while "what past faults tell" in page_made() and time.monotonic() < deadline:
        time.sleep(0.1)
    first = json.loads(made(served, "incidents.children", [("desk-told", "data")], place))
    whole = page_made()
    card = first["response"]["incidents"]["children"]
    assert "data-incident" in json.dumps(card)
    assert json.dumps(card) in json.dumps(json.loads(whole))


def test_what_somebody_decides_stands_on_everybody_s_page(page: Page, browser: Browser, served: str) -> None:
    httpx.post(f"{served}/api/v1/signals", json=TRIP).raise_for_status()
    page.goto(f"{served}/dispatch?lang=en")
    with browser.new_page() as other:
        other.goto(f"{served}/dispatch?lang=zh")
        expect(other.locator(".live-state")).to_have_text("实时")
        page.locator(".card.work").get_by_role("button", name="arrived").click()
        expect(other.locator(".stages .reached")).to_contain_text("已到达")


def test_a_page_that_is_told_nothing_says_so(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path / "feeder") as address:
        page.goto(f"{address}/dispatch?lang=en")
        expect(page.locator(".live-state")).to_have_text("live")
    expect(page.locator(".live-state")).to_contain_text("Not told of changes since")
    picture(page, "desk-stale-en")


def test_devices_with_names_stand_in_the_list_of_operations(page: Page, tmp_path: Path) -> None:
    named = [{**row, "name": f"switch of {row['branch_id']}"} for row in one_line_tables(FEEDER)["branches"]]
    with serving(tmp_path / "feeder", more={"branches": named}) as address:
        httpx.post(f"{address}/api/v1/signals", json=TRIP).raise_for_status()
        told = [{"action": "jumper", "branch_id": "J1", "from_node": "2", "to_node": "7", "reason": "pole down"}]
        told.insert(0, {"action": "open", "branch_id": "K2", "reason": "isolated"})
        httpx.post(f"{address}/api/v1/operations", json=told).raise_for_status()
        page.goto(f"{address}/dispatch?lang=en")
        rows = page.locator(".card.state-now tbody tr")
        expect(rows.nth(0)).to_contain_text("J1 2 – 7")
        expect(rows.nth(1)).to_contain_text("K2 switch of K2")
        heads, cells = page.locator(".card.state-now th"), rows.nth(1).locator("td")
        expect(cells).to_have_count(heads.count())
        picture(page, "desk-operations-en")


def test_the_list_of_customers_stands_there_however_the_window_changes(page: Page, served: str) -> None:
    httpx.post(f"{served}/api/v1/signals", json=TRIP).raise_for_status()
    page.goto(f"{served}/dispatch?lang=en")
    first = page.locator(".ag-row").first
    expect(first).to_contain_text("C1")
    for width in (390, 1440) * 3:
        page.set_viewport_size({"width": width, "height": 400})
        page.evaluate("window.scrollTo(0, 0)")  # the list lies below what is seen
        expect(first).to_contain_text("C1", use_inner_text=True)
    picture(page, "desk-resized-en")


def test_a_store_that_cannot_be_written_is_told_and_a_decision_refused(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with serving(tmp_path / "feeder", store=f"sqlite:///{path}") as address:
        httpx.post(f"{address}/api/v1/signals", json=TRIP).raise_for_status()
        page.goto(f"{address}/dispatch?lang=en")
        expect(page.locator(".live-state")).to_have_text("live")
        with sqlite3.connect(path) as disk:
            disk.execute("CREATE TRIGGER full BEFORE INSERT ON desk_events BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        page.locator(".card.work").get_by_role("button", name="Acknowledge").click()
        expect(page.locator(".live-state")).to_contain_text("The store cannot be written")
        expect(page.locator("body")).to_contain_text("disk full")
        picture(page, "desk-refusing-en")
        assert sheet_of(address)["acknowledged_by"] is None
        assert httpx.get(f"{address}/public/health").status_code == 503
        with sqlite3.connect(path) as disk:
            disk.execute("DROP TRIGGER full")
        httpx.post(f"{address}/api/v1/signals", json=[report("K1", "close", 39)]).raise_for_status()
        expect(page.locator(".live-state")).to_have_text("live")


def test_a_closed_incident_is_accepted_into_the_statistics_and_the_desk_counts_itself(page: Page, served: str) -> None:
    back = [report(each, "on", 40) for each in ("T1", "T3", "T5")] + [report("K1", "close", 39)]
    httpx.post(f"{served}/api/v1/signals", json=TRIP + back).raise_for_status()
    page.goto(f"{served}/dispatch?tab=restored&lang=en")
    work = page.locator(".card.work")
    work.get_by_text("Order", exact=True).click()
    work.get_by_label("number of the order").fill("G1")
    work.locator(".asked:visible").get_by_role("button", name="Send").click()
    expect(work.locator("tr", has_text="repair orders")).to_contain_text("G1")
    work.get_by_text("Close", exact=True).click()
    work.locator(".asked:visible").get_by_role("button", name="Send").click()
    expect(work).to_contain_text("Records proposed: 1")
    expect(work.locator("tr", has_text="T3")).to_contain_text("1.0")
    picture(page, "desk-record-en")
    work.get_by_role("button", name="Accept").click()
    expect(work).to_contain_text("Accepted by local")
    expect(page.locator("[data-figure=one_order_rate]")).to_have_attribute("data-value", "100.0")
    incident = sheet_of(served)["incident"]
    record = httpx.get(f"{served}/api/v1/incidents/{incident}/record").json()
    assert record["accepted_by"] == "local"
    assert record["users"][0]["difference_min"] == 1.0
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        told = httpx.get(f"{served}/api/v1/metrics").text
        if 'fudian_signals_total{outcome="accepted"} 11' in told:
            break
        time.sleep(0.2)
    assert "fudian_sheets_open 0" in told
    assert httpx.get(f"{served}/public/health").json() == {"status": "ok"}


def test_a_plan_names_what_of_the_located_section_it_feeds_again() -> None:
    """No report tells the sides of S1 apart: a plan for a fault on L1 feeds L2, where the fault might lie as well."""
    supply = Network.from_text("=S -[K1]- 1 -L1- 2 -(S1)- 3 -L2- 4 /(T)/ 5 -[K2]- =R; T1 @ 2; T2(5) @ 4").energise()
    section = ("L1", "S1", "L2")
    plan = restore(supply, "L1")
    assert plan.feeds_again(section) == ("L2",)
    caution = Chosen(plan, None, "1.1", 0, (), doubted=plan.feeds_again(section)).caution
    assert caution is not None
    assert "No report tells L2 from it" in str(caution)
    whole = restore(supply, section)
    assert whole.feeds_again(section) == ()
    assert Chosen(whole, None, "1", 0, ()).caution is None


WITHIN = (
    "=S -[K1]- 1 -L1 length_km=2- 2 -(S1) remote=true- 3 -L2 length_km=1- 4 /(T)/ 5 -[K5]- =R; T1(30) @ 2; T3(50) @ 4"
)


def test_the_whole_section_stays_dead_until_somebody_takes_a_part_of_it(page: Page, tmp_path: Path) -> None:
    """Only K1 speaks: the plan feeds nobody again on a line that may be faulted; that of a part does, and warns first."""
    with serving(tmp_path / "feeder", diagram=WITHIN) as address:
        said = [report("K1", "trip", 0.1), *(report(each, "off", 0.5) for each in ("T1", "T3"))]
        httpx.post(f"{address}/api/v1/signals", json=said).raise_for_status()
        page.goto(f"{address}/dispatch?lang=en")
        plan, parts = page.locator(".card.plan"), page.locator(".sections tr", has_text="of it ")
        expect(parts).to_have_count(2)
        expect(plan).to_contain_text("Nobody can be fed another way")
        expect(plan.locator(".warning")).to_have_count(0)
        parts.first.get_by_role("button").click()
        expect(plan.locator(".warning")).to_contain_text("No report tells L2 from it")
        expect(page.locator("[data-figure=back]")).to_have_text("50")
        assert sheet_of(address)["section"] == ["K1", "L1"]
        picture(page, "desk-part-of-section-en")
