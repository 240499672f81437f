"""What each role is shown of customers, through the real pages, routes and exports; and that every look is recorded."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from dashboard.access.entrance import Access
from dashboard.access.roles import ROLES
from dashboard.app import create_app, server_settings
from data_samples.generator.county import COUNTY
from fudian.store import store_of
from fudian.store.database import IN_MEMORY
from network import read_network
from tests.dashboard.access.conftest import PASSWORD

SCRIPT = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
LISTS = {"operations", "dispatcher", "manager", "admin"}


@contextmanager
def running(workspace: Path, access: Access) -> Iterator[str]:
    """Serve a workspace as the command does."""
    with running_app(create_app(workspace, "en", access)) as address:
        yield address


@contextmanager
def running_app(app: Any) -> Iterator[str]:
    """Serve an application as the command does."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(server_settings(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listening.close()


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample county with people whom one would know again, a script as every other name, and a row with a comma too many."""
    folder = Path(shutil.copytree(COUNTY, tmp_path_factory.mktemp("people") / "county"))
    path = folder / "customers.csv"
    head, *rows = csv.reader(io.StringIO(path.read_text("gb18030")))
    place = {name: head.index(name) for name in ("用户名称", "联系电话", "用电地址", "实名认证")}
    for number, row in enumerate(rows):
        known = (
            f"王{number}小明" if number % 2 else SCRIPT + "小明",
            f"139{10_000_000 + number}",
            f"幸福里{number}号",
            "是",
        )
        for column, value in zip(place.values(), known, strict=True):
            row[column] = value
    shifted = ["C999999", "F01-B01", "", "赵", "钱孙李", "13812345678", "和平路八号", "", "", "", "", ""]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, shifted, *rows])
    return folder


@pytest.fixture(scope="module")
def access() -> Access:
    access = Access(store_of(IN_MEMORY))
    for role in ROLES:
        access.accounts.add(role, role, PASSWORD)
    return access


@pytest.fixture(scope="module")
def address(county: Path, access: Access) -> Iterator[str]:
    with running(county, access) as address:
        yield address


@contextmanager
def signed_in(address: str, access: Access, role: str) -> Iterator[httpx.Client]:
    secret = access.sessions.begin(access.accounts.named(role))
    headers = {"cookie": f"fudian={secret}"}
    with httpx.Client(base_url=address, timeout=120, headers=headers) as client:
        yield client


def callback(client: httpx.Client, output: str, **values: Any) -> httpx.Response:
    """Call a callback as a page does, with some values of its inputs by component and property."""
    known = next(each for each in client.get("/_dash-dependencies").json() if output in each["output"])

    def filled(each: dict[str, Any]) -> dict[str, Any]:
        return each | {"value": values.get(f"{each['id']}.{each['property']}".replace(".", "_"))}

    names = known["output"].strip(".").split("...")
    outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
    body = {
        "output": known["output"],
        "outputs": outputs if len(outputs) > 1 else outputs[0],
        "inputs": [filled(each) for each in known["inputs"]],
        "state": [filled(each) for each in known["state"]],
        "changedPropIds": ["address.pathname"],
    }
    return client.post("/_dash-update-component", json=body)


def page(client: httpx.Client, path: str, search: str = "") -> str:
    answer = callback(client, "page.children", address_pathname=path, address_search=search)
    assert answer.status_code == 200, answer.text
    return json.dumps(answer.json(), ensure_ascii=False)


def people_in(text: str) -> dict[str, bool]:
    """Tell which kinds of personal data a text holds as they are."""
    return {"names": "小明" in text, "phones": "1391000" in text or "1391001" in text, "addresses": "幸福里1" in text}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_page_shows_of_customers_what_the_role_needs(address: str, access: Access, role: str) -> None:
    with signed_in(address, access, role) as client:
        before = len(access.looks.since())
        shown = page(client, "/dispatch")
        looks = access.looks.since()
        found = people_in(shown)
        assert found["names"] == found["phones"] == (role == "dispatcher"), role
        assert ("王•••" in shown) == (role in LISTS - {"dispatcher"})
        assert ("/export/dispatch/customers" in shown) == (role in LISTS)
        assert len(looks) - before == (role in LISTS)
        if role in LISTS:
            (look,) = looks[:1]
            assert (look["who"], look["list"], look["form"]) == (role, "dispatch", "page")
            assert look["is_masked"] == (role != "dispatcher")
            assert look["customers"] > 0


@pytest.mark.parametrize("role", sorted(ROLES))
def test_an_export_holds_of_customers_what_the_role_needs(address: str, access: Access, role: str) -> None:
    with signed_in(address, access, "dispatcher") as client:
        event = client.get("/api/v1/incidents").json()["incidents"][0]["id"]
    with signed_in(address, access, role) as client:
        for ending in ("csv", "html"):
            answer = client.get(f"/export/dispatch/customers.{ending}", params={"event": event})
            if role not in LISTS:
                assert answer.status_code == 403
                continue
            assert answer.status_code == 200, answer.text
            found = people_in(answer.text)
            assert found["names"] == found["phones"] == (role == "dispatcher")
            assert "<script>alert" not in answer.text or ending == "csv"
            look = access.looks.since()[0]
            assert (look["who"], look["form"], look["which"]) == (role, ending, f"event={event}")


@pytest.mark.parametrize("role", sorted(ROLES))
def test_nothing_else_holds_any(address: str, access: Access, role: str) -> None:
    pages = ("/operations", "/planned", "/management", "/operations?rows=problems")
    routes = ("check", "plans", "frequent", "frequent?level=lv", "incidents", "sensor-health", "calendar", "precheck")
    with signed_in(address, access, role) as client:
        for each in pages:
            path, _, search = each.partition("?")
            if path == "/planned" and role == "dispatcher":
                continue
            shown = page(client, path, f"?{search}" if search else "")
            assert not any(people_in(shown).values()), (each, role)
            assert "赵" not in shown
        drawer = callback(client, "drawer.opened", address_pathname="/operations", address_search="?rows=problems").text
        told = [client.get(f"/api/v1/{route}").text for route in routes]
        taken = client.get("/export/operations/rows.csv", params={"rows": "problems"}).text
        for text in (drawer, *told, taken):
            for personal in ("小明", "13910", "13812345678", "幸福里1", "和平路", "钱孙李", "赵"):
                assert personal not in text, (personal, role)


def test_rows_of_customers_open_for_those_who_may_see_them(address: str, access: Access) -> None:
    search = "?rows=ledger&level=lv&rows.outage_id=TD00019"
    for role in ROLES:
        with signed_in(address, access, role) as client:
            before = len(access.looks.since())
            drawer = callback(client, "drawer.opened", address_pathname="/operations", address_search=search).text
            rows = callback(
                client, "getRowsResponse", address_pathname="/operations", address_search=search,
                getRowsRequest={"startRow": 0, "endRow": 10},
            )  # fmt: skip
            taken = client.get("/export/operations/rows.csv" + search)
            if role in LISTS:
                assert "drawer-head" in drawer
                assert taken.status_code == 200
                assert len(access.looks.since()) - before == 2
            else:
                assert "roles that need it" in drawer
                assert taken.status_code == 403
                assert "C0" not in drawer + rows.text
                assert len(access.looks.since()) == before


def test_an_account_of_one_unit_sees_its_own_customers_and_rows(address: str, access: Access, county: Path) -> None:
    net = read_network(county)
    units = dict(net.transformers.select("transformer_id", "unit").iter_rows())
    customers = dict(net.customers.select("customer_id", "transformer_id").iter_rows())
    with signed_in(address, access, "dispatcher") as client:
        events = [incident["id"] for incident in client.get("/api/v1/incidents").json()["incidents"]]
    seen: dict[str, set[str]] = {}
    for unit in sorted({unit for unit in units.values() if unit}):
        access.accounts.add(unit, "dispatcher", PASSWORD, unit)
        with signed_in(address, access, unit) as client:
            lists = [client.get("/export/dispatch/customers.csv", params={"event": event}) for event in events[:8]]
            found = {name for each in lists for name in re.findall(r"^(C\d{6}),", each.text, re.MULTILINE)}
            assert {units[customers[name]] for name in found} <= {unit}
            seen[unit] = found
            rows = client.get("/export/operations/rows.csv", params={"rows": "ledger"}).text
            named = set(re.findall(r"(F\d+-B\d+)", rows))
            assert {units[name] for name in named} == {unit}
            plans = client.get("/export/operations/rows.csv", params={"rows": "plans"}).text
            assert not any(other in plans for other in units.values() if other != unit)
            drawer = callback(
                client, "getRowsResponse", address_pathname="/operations", address_search="?rows=ledger",
                getRowsRequest={"startRow": 0, "endRow": 5000},
            ).text  # fmt: skip
            assert {units[name] for name in re.findall(r"(F\d+-B\d+)", drawer)} <= {unit}
    with signed_in(address, access, "dispatcher") as client:
        lists = [client.get("/export/dispatch/customers.csv", params={"event": event}) for event in events[:8]]
    everybody = {name for each in lists for name in re.findall(r"^(C\d{6}),", each.text, re.MULTILINE)}
    assert set().union(*seen.values()) == everybody
    assert len(everybody) > 100


def test_no_program_is_led_to_the_callbacks(county: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASH_MCP_ENABLED", "true")
    app = create_app(county)
    with running_app(app) as address:
        for path in ("/_mcp", "/_mcp/"):
            asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            assert httpx.post(address + path, json=asked, timeout=60).status_code == 405
            assert "tools" not in httpx.get(address + path, timeout=60, follow_redirects=True).text.split("<body>")[0]


def test_scripts_in_every_text_column_are_text(address: str, access: Access) -> None:
    with signed_in(address, access, "dispatcher") as client:
        for path in ("/dispatch", "/planned"):
            shown = json.loads(page(client, path))
            assert not [kind for kind in kinds_of(shown) if "Markdown" in kind or "DangerouslySetInnerHTML" in kind]


def kinds_of(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("type"), str):
            yield part["type"]
        for each in part.values():
            yield from kinds_of(each)
    elif isinstance(part, list):
        for each in part:
            yield from kinds_of(each)


FOREIGN: list[Any] = [
    {},
    [],
    None,
    {"output": "nothing.children", "outputs": {"id": "nothing", "property": "children"}, "inputs": []},
    {"output": ["a"], "inputs": []},
    {"output": "..page.children...shown.data.."},
    {"output": "..page.children...shown.data..", "outputs": [], "inputs": [], "state": []},
]


@pytest.mark.parametrize("number", range(len(FOREIGN)))
def test_foreign_calls_of_callbacks_are_refused(address: str, access: Access, number: int) -> None:
    with signed_in(address, access, "viewer") as client:
        answer = client.post("/_dash-update-component", json=FOREIGN[number])
        assert answer.status_code == 400
        assert answer.json()["error"]


@pytest.mark.parametrize(
    "value", [5, [], {"a": 1}, True, 1e308, "?" + "a=1&" * 3000, "?lang=" + "x" * 9000, "?at=9999-99-99", "?rows=\x00"]
)
def test_foreign_values_of_callbacks_break_nothing(address: str, access: Access, value: Any) -> None:
    with signed_in(address, access, "viewer") as client:
        answer = callback(client, "page.children", address_pathname="/operations", address_search=value)
        assert answer.status_code == (200 if isinstance(value, str) else 400), answer.text
        answer = callback(client, "drawer.opened", address_pathname=value, address_search="?rows=ledger")
        assert answer.status_code == (200 if isinstance(value, str) else 400), answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/export/operations/rows.csv?rows=ledger&rows.outage_id=../../etc/passwd",
        "/export/..%2f..%2f..%2fetc%2fpasswd/rows.csv",
        "/export/dispatch/customers.csv?event=../../../etc/passwd",
        "/export/dispatch/customers.csv?event=TD99999",
        "/export/dispatch/customers.exe",
        "/export/operations/nothing.csv",
        "/assets/..%2f..%2fapp.py",
        "/assets/../app.py",
        "/_dash-component-suites/dash/..%2f..%2fpyproject.toml",
        "/_dash-component-suites/dashboard/app.py",
        "/_dash-component-suites/os/x.js",
        "/api/v1/affected?open=../../etc/passwd",
        "/api/v1/affected?open=F99-K99",
        "/api/v1/restore?fault=%00",
        "/api/v1/ledger?event=%27%20OR%201=1",
        "/api/v1/indices?start=0001-01-01&end=9999-12-31",
        "/api/v1/indices?by=name,phone",
        "/api/v1/targets?plan=../../fudian",
        "/api/v1/looks?most=-1",
        "/api/v1/looks?since=x",
    ],
)
def test_what_is_guessed_or_climbs_is_refused_without_data_or_paths(
    address: str, access: Access, county: Path, path: str
) -> None:
    with signed_in(address, access, "admin") as client:
        request = client.build_request("GET", address)
        raw, _, query = path.partition("?")
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = client.send(request)
        assert answer.status_code in {200, 400, 403, 404, 422}, (raw, query, answer.status_code)
        for leak in (str(county), str(county.parent), "Traceback", "site-packages", "root:", "create_app", 'File "'):
            assert leak not in answer.text, (leak, answer.text[:500])
        assert answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_cell_of_an_export_runs_as_a_formula(address: str, access: Access) -> None:
    with signed_in(address, access, "dispatcher") as client:
        event = client.get("/api/v1/incidents").json()["incidents"][0]["id"]
        answer = client.get("/export/dispatch/customers.csv", params={"event": event})
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert len(rows) > 10
        assert not [cell for row in rows for cell in row if cell[:1] in "=+-@＝＋－＠\t\r" and cell]
