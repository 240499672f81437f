"""The HTTP interface gives the answers of the statistics and of the repair side, and refuses with a reason."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import polars as pl
import pytest

from dashboard.export import file_of
from network import Network
from reliability import Period
from reliability.frequent import frequent_outages, preset
from reliability.query import Query
from reliability.rolling import rolling
from reliability.statistics import Statistics
from reliability.targets import judge
from repair import affected_by_opening, answer_of, fault_area, restore
from repair.desk.board import board
from repair.planned.calendar_plan import calendar_plan
from repair.planned.plan_desk import PlanDesk
from repair.planned.precheck import precheck
from repair.restoration.n_minus_1 import n_minus_1
from tests.dashboard.conftest import present


@pytest.fixture(scope="module")
def client(served: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served, timeout=60) as client:
        yield client


def test_check(client: httpx.Client, net: Network) -> None:
    answer = client.get("/api/v1/check").json()
    assert {"indices", "affected", "live_ratio"} <= {each["question"] for each in answer.pop("answers")}
    assert "reliability" in answer.pop("settings_changed")
    assert answer == net.check("en")


def test_indices(client: httpx.Client, net: Network) -> None:
    period = {"start": "2022-01-01", "end": "2023-01-01"}
    answer = client.get("/api/v1/indices", params=period | {"by": "region_class", "med": "exclude"}).json()
    rows = Statistics(net).indices(Query(Period.year(2022), ("region_class",), med="exclude"))
    assert [row["SAIDI-1"] for row in answer["rows"]] == pytest.approx(rows["SAIDI-1"].to_list())
    assert answer["period"]["hours"] == 8760
    assert answer["basis"]["major_event_days"]["treatment"] == "exclude"


def test_a_time_with_a_zone_is_taken_as_local(client: httpx.Client) -> None:
    local = client.get("/api/v1/indices", params={"start": "2022-01-01T00:00:00", "end": "2022-02-01T00:00:00"}).json()
    zoned = client.get(
        "/api/v1/indices", params={"start": "2021-12-31T16:00:00Z", "end": "2022-01-31T16:00:00Z"}
    ).json()
    assert zoned["period"] == local["period"]
    assert zoned["rows"][0]["CH"] == pytest.approx(local["rows"][0]["CH"])


def test_ledger_of_one_event(client: httpx.Client, net: Network) -> None:
    event = net.workspace.tables["outages"].filter(pl.col("start").dt.year() == 2022)["outage_id"][5]
    answer = client.get("/api/v1/ledger", params={"event": event}).json()
    assert {row["outage_id"] for row in answer["rows"]} == {event}


def test_targets_and_plans(client: httpx.Client, net: Network) -> None:
    statistics = Statistics(net)
    plans = client.get("/api/v1/plans").json()["plans"]
    assert "shenqiu-2022" in plans
    rows = client.get("/api/v1/targets", params={"plan": "shenqiu-2022", "year": 2022}).json()["rows"]
    expected = judge(statistics, "shenqiu-2022", 2022)
    assert [(row["target_id"], row["status"]) for row in rows] == [(each.target_id, each.status) for each in expected]
    assert [row["value"] for row in rows] == pytest.approx([each.value for each in expected])


def as_json(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as a program reads them from the routes."""
    rows: list[dict[str, Any]] = json.loads(json.dumps(table.to_dicts(), default=lambda moment: moment.isoformat()))
    return rows


def test_audit(client: httpx.Client, net: Network) -> None:
    asked = {"start": "2022-01-01", "end": "2023-01-01", "level": "lv"}
    answer = client.get("/api/v1/audit", params=asked).json()
    found = Statistics(net).audit(Query(Period.year(2022), level="lv", as_of=Statistics(net).known_until))
    assert answer["basis"]["recorded_customer_hours"] == pytest.approx(found.recorded_customer_hours)
    assert answer["basis"]["found_customer_hours"] == pytest.approx(found.found_customer_hours)
    assert [row["outage_id"] for row in answer["rows"]] == found.rows["outage_id"].to_list()
    chinese = client.get("/api/v1/audit", params=asked | {"lang": "zh"}).json()["totals"]
    assert {row["finding"] for row in chinese}.isdisjoint(row["finding"] for row in answer["totals"])


def test_frequent(client: httpx.Client, net: Network) -> None:
    asked: dict[str, str | int] = {"preset": "custom", "days": 90, "times": 2, "level": "lv", "as_of": "2022-09-01"}
    answer = client.get("/api/v1/frequent", params=asked).json()
    found = frequent_outages(Statistics(net), preset("custom", 90, 2), datetime(2022, 9, 1), "lv")
    assert answer["users"] == as_json(found.users)
    assert answer["feeders"] == as_json(found.feeders)
    assert len(answer["users"]) > 0
    assert client.get("/api/v1/frequent", params={"preset": "mine"}).status_code == 422
    assert client.get("/api/v1/frequent", params={"preset": "custom", "days": 0}).status_code == 422


def test_rolling(client: httpx.Client, net: Network) -> None:
    asked: dict[str, str | int] = {"start": "2022-03-01", "end": "2022-03-11", "days": 90}
    answer = client.get("/api/v1/rolling", params=asked).json()
    known = Statistics(net)
    query = Query(Period(datetime(2022, 3, 1), datetime(2022, 3, 11)), as_of=known.known_until)
    expected = as_json(rolling(known, query, 90))
    assert [row["day"] for row in answer["rows"]] == [f"2022-03-{day:02}" for day in range(1, 11)]
    for row, other in zip(answer["rows"], expected, strict=True):
        assert row == {name: approx(value) for name, value in other.items()}
    (window,) = known.indices(Query(Period(datetime(2021, 12, 11), datetime(2022, 3, 11))))["CI"]
    assert answer["rows"][-1]["CI"] == window


def approx(value: Any) -> Any:
    return pytest.approx(value) if isinstance(value, float) else value


def test_a_cross_check_without_a_report_says_what_to_add(client: httpx.Client) -> None:
    answer = client.get("/api/v1/cross-check")
    assert answer.status_code == 422
    assert "reliability_report" in answer.json()["hint"]


def test_affected(client: httpx.Client, net: Network) -> None:
    branch = net.branches["branch_id"][0]
    supply = present(net)
    assert client.get("/api/v1/affected", params={"open": branch}).json() == answer_of(
        affected_by_opening(supply, [branch])
    ) | {"parallel": [], "settings_changed": {}}
    assert client.get("/api/v1/affected", params={"fault": branch, "lang": "zh"}).json() == fault_area(
        supply, branch
    ).as_dict("zh") | {"parallel": [], "settings_changed": {}}


def test_restore(client: httpx.Client, net: Network) -> None:
    asked = {"fault": "F03-L05", "refused": "F01-T15", "objective": "kw", "lang": "zh"}
    plan = restore(present(net), "F03-L05", refused=["F01-T15"], objective="kw")
    answer = client.get("/api/v1/restore", params=asked).json()
    assert answer.pop("settings_changed")["planned"]["generator_kva"] == 400
    assert answer == plan.as_dict("zh")
    assert client.get("/api/v1/restore", params={"fault": "nowhere"}).status_code == 404
    assert client.get("/api/v1/restore", params={"fault": "F03-L05", "objective": "money"}).status_code == 422


def test_locate(client: httpx.Client, net: Network) -> None:
    signals = net.workspace.tables["signals"].drop("row").with_columns(pl.col("time").dt.to_string("iso"))
    tripped = signals.filter(pl.col("kind") == "trip")["time"][0][:10]
    answer = client.post(
        "/api/v1/locate", json=signals.filter(pl.col("time").str.starts_with(tripped)).to_dicts()
    ).json()
    assert sum(each["probability"] for each in answer["ranked"]) == pytest.approx(1)
    assert answer["rejected"] == []


def test_live_ratio(client: httpx.Client, net: Network) -> None:
    answer = client.get("/api/v1/live-ratio", params={"start": "2022-01-01", "end": "2023-01-01", "by": "unit"}).json()
    assert answer["rows"] == Statistics(net).live_ratios(Period.year(2022), ("unit",))


def test_the_grid_is_tried_beside_the_pages(client: httpx.Client, net: Network) -> None:
    begun = client.get("/api/v1/n-1").json()
    assert begun["sections_tried"] <= begun["sections_in_all"]
    assert (begun["pass_rate"] is None) == (not begun["complete"])
    whole = client.get("/api/v1/n-1", params={"wait_s": 60}).json()
    assert whole == n_minus_1(present(net)).as_dict() | {"settings_changed": {}}
    grid = client.get("/api/v1/grid-kpi").json()
    assert grid["n1_pass_rate"] == whole["pass_rate"]
    rows = client.get("/api/v1/targets", params={"plan": "gongan-2022"}).json()["rows"]
    assert grid["targets"] == [
        row for row in rows if row["target_id"] in {target["target_id"] for target in grid["targets"]}
    ]


@pytest.mark.parametrize(
    ("route", "status"),
    [
        ("/api/v1/affected?open=NOWHERE", 404),
        ("/api/v1/ledger?event=NOTHING", 404),
        ("/api/v1/affected", 422),
        ("/api/v1/indices?by=colour", 422),
        ("/api/v1/indices?start=yesterday", 422),
        ("/api/v1/indices?start=2022-02-01&end=2022-01-01", 422),
        ("/api/v1/indices?engine=abacus", 422),
        ("/api/v1/targets?plan=none", 422),
        ("/api/v1/grid-kpi?plan=none", 422),
        ("/api/v1/n-1?wait_s=1000", 422),
        ("/api/v1/nothing", 404),
        ("/export/operations/rows.csv?rows=gold", 422),
        ("/export/dispatch/customers.csv?event=none", 422),
        ("/export/planned/customers.csv?plan=none", 422),
    ],
)
def test_refusals_say_why_and_what_to_do(client: httpx.Client, route: str, status: int) -> None:
    for language in ("en", "zh"):
        answer = client.get(route + ("&" if "?" in route else "?") + f"lang={language}")
        assert answer.status_code == status
        assert answer.json()["error"]
        assert answer.json()["hint"]
        assert "Traceback" not in answer.text


def test_signals_that_cannot_be_used_are_named(client: httpx.Client) -> None:
    answer = client.post(
        "/api/v1/locate", json=[{"time": "never", "object": "branch", "object_id": "F01-K01", "kind": "trip"}]
    )
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert (
        client.post("/api/v1/locate", content="no json", headers={"content-type": "application/json"}).status_code
        == 422
    )


def test_exports_sum_to_the_figure(client: httpx.Client, net: Network) -> None:
    rows = Statistics(net).indices(Query(Period.year(2022), ("feeder_id",), as_of=net.workspace.settings["as_of"]))
    feeder, hours = rows.sort("CH", descending=True).select("feeder_id", "CH").row(0)
    answer = client.get(
        "/export/operations/rows.csv", params={"year": "2022", "rows": "ledger", "rows.feeder_id": feeder}
    )
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert sum(float(line["时户"]) for line in lines) == pytest.approx(hours)
    book = client.get("/export/operations/rows.xlsx", params={"rows": "ledger", "rows.feeder_id": feeder, "lang": "en"})
    assert pl.read_excel(book.content).height > 0


def test_customers_can_be_taken_along_masked(client: httpx.Client, net: Network) -> None:
    planned = net.workspace.tables["plans"].sort("start")["plan_id"][-1]
    page = client.get("/export/dispatch/customers.html", params={"event": planned})
    names = set(net.customers["name"].drop_nulls())
    assert page.status_code == 200
    assert not any(name in page.text for name in names if len(name) > 2)


def test_customers_of_a_plan_can_be_taken_along_masked(client: httpx.Client, net: Network) -> None:
    check = next(each for each in precheck(PlanDesk.of(Statistics(net))) if each.facts and each.facts.after.customers)
    assert check.facts is not None
    answer = client.get("/export/planned/customers.csv", params={"plan": check.plan_id, "lang": "en"})
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(lines) == check.facts.after.customers
    names = set(net.customers["name"].drop_nulls())
    assert not any(name in answer.text for name in names if len(name) > 2)
    page = client.get("/export/planned/customers.html", params={"plan": check.plan_id})
    assert page.status_code == 200


def test_the_switching_order_and_who_is_back_when_can_be_taken_along(client: httpx.Client, net: Network) -> None:
    moment = "2022-11-28T16:06:00"
    (entry, *_) = board(
        present(net, datetime.fromisoformat(moment)), net.workspace.tables, datetime.fromisoformat(moment)
    ).active
    assert entry.incident is not None
    plan = restore(present(net, datetime.fromisoformat(moment)), entry.incident.location.ranked[0].branches)
    asked = {"at": moment, "event": entry.key, "lang": "en"}
    steps = csv.DictReader(
        io.StringIO(client.get("/export/dispatch/steps.csv", params=asked).content.decode("utf-8-sig"))
    )
    assert [(int(row["step"]), row["branch_id"]) for row in steps] == [
        (step.order, step.branch_id) for step in plan.steps
    ]
    listed = client.get("/export/dispatch/customers.csv", params=asked).content.decode("utf-8-sig")
    back = [float(row["minutes"]) for row in csv.DictReader(io.StringIO(listed)) if row["minutes"]]
    assert sorted(back) == sorted(stage.minutes for stage in plan.stages for _ in range(stage.customers or 0))
    assert client.get("/export/dispatch/steps.html", params=asked).status_code == 200
    assert client.get("/export/dispatch/steps.csv", params={"event": "none"}).status_code == 422
    sheet = client.get("/export/dispatch/steps.html", params=asked).text
    assert all(f"（{step.branch_id}）" in sheet or step.branch_id in sheet for step in plan.steps)
    assert sheet.count("☐") == len(plan.steps)
    for said in ("Switching order", entry.key, "purpose", "guardian", "dispatcher in charge"):
        assert said in sheet
    ticked = f"{plan.steps[0].action}:{plan.steps[0].branch_id}"
    rest = client.get("/export/dispatch/steps.html", params=asked | {"done": ticked}).text
    assert (rest.count("☑"), rest.count("☐")) == (1, len(plan.steps) - 1)
    assert rest.index("☑") < rest.index("☐"), "what was carried out stands before what is left"


def test_plans_and_calendar_can_be_taken_along(client: httpx.Client, net: Network) -> None:
    desk = PlanDesk.of(Statistics(net))
    for name, ids, wanted in (
        ("plans", "plan_id", {each.plan_id for each in precheck(desk)}),
        ("calendar", "plans", {", ".join(entry.option.group.plan_ids) for entry in calendar_plan(desk).entries}),
    ):
        text = client.get(f"/export/planned/{name}.csv", params={"lang": "en"}).content.decode("utf-8-sig")
        assert {row[ids] for row in csv.DictReader(io.StringIO(text))} == wanted
        book = client.get(f"/export/planned/{name}.xlsx")
        assert pl.read_excel(book.content).height == len(wanted)


def test_no_cell_runs_as_a_formula() -> None:
    frame = pl.DataFrame({"cause": ["=1+1", "+1", "-1", "@SUM(A1)", "wind"]})
    lines = bytes(file_of(frame, "title", "csv", "en").body).decode("utf-8-sig").splitlines()[1:]
    assert [line[0] for line in lines] == ["'", "'", "'", "'", "w"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("targets?plan=xihua-2022&year=0", 422),
        ("targets?plan=xihua-2022&year=100000000000000000000", 422),
        ("affected?open=,,,", 422),
        ("affected?open=%ff%fe", 404),
        ("indices?start=0001-01-01T00:00:00%2B14:00", 422),
        ("indices?end=9999-12-31T23:59:59-14:00", 422),
        ("indices?as_of=9999-12-31T23:59:59Z", 422),
        ("indices?as_of=0001-01-01T00:00:00%2B14:00", 422),
        ("indices?by=a,a", 422),
        ("indices?by=region_class,region_class", 200),
        ("rolling?start=9999-12-30", 422),
        ("frequent?as_of=0001-01-01", 422),
        ("audit?start=9999-01-01", 422),
        ("ledger?customer=%ed%a0%80", 404),
        ("n-1?wait_s=1e400", 422),
    ],
)
def test_values_at_the_ends_of_their_kind_are_refused_with_a_reason(
    client: httpx.Client, asked: str, status: int
) -> None:
    answer = client.get(f"/api/v1/{asked}")
    assert answer.status_code == status, answer.text
    assert status == 200 or (answer.json()["error"] and "inside" not in answer.json()["error"])


def test_half_a_character_is_no_reason_to_stop(client: httpx.Client) -> None:
    rows = r'[{"time": "\ud800", "object": "branch", "object_id": "\udfff", "kind": "trip", "\ud801": 1, "\ud802": 2}]'
    answer = client.post("/api/v1/locate", content=rows.encode(), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    json.loads(answer.content.decode("utf-8"))


def test_how_a_route_refuses_is_documented(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, told in methods.items():
            assert {"200", "400", "404", "422"} <= set(told["responses"]), (path, method)
            assert "Refusal" in str(told["responses"]["422"])


@pytest.mark.parametrize("text", ["＝1+1", "＋1", "－1", "＠SUM(A1)", " =1+1", "\u200b=1+1", "\t=1", "﹦1", "\ufeff=1"])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_signs_that_look_like_those_of_a_formula_do_not_run_either(text: str, ending: str) -> None:
    content = bytes(file_of(pl.DataFrame({"cause": [text, "wind＝3"]}), "title", ending, "en").body)
    shown = pl.read_csv(io.BytesIO(content), quote_char='"') if ending == "csv" else pl.read_excel(content)
    assert shown.to_series().to_list() == [f"'{text}", "wind＝3"]


def test_answers_of_the_desk_state_what_they_rest_on(client: httpx.Client) -> None:
    for path in ("dispatch-kpi", "restoration-times"):
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        assert {"settings_changed", "rows"} <= set(answer.json())


@pytest.mark.parametrize("body", [b"\x1f\xff\r", b"\xff\xfe\x00", b"(\xb5O"])
@pytest.mark.parametrize("path", ["infer", "precheck", "affected"])
def test_a_body_that_is_no_text_is_refused_in_the_form_of_errors(client: httpx.Client, path: str, body: bytes) -> None:
    answer = client.post(f"/api/v1/{path}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert {"error", "hint"} <= set(answer.json())
    assert "detail" not in answer.json()


def test_a_time_of_an_answer_is_described_as_it_is_written(client: httpx.Client) -> None:
    forms = client.get("/openapi.json").json()["components"]["schemas"]
    written = client.get("/api/v1/indices").json()["period"]["start"]
    assert datetime.fromisoformat(written).tzinfo is None
    assert forms["Span"]["properties"]["start"]["format"] == "local-date-time"  # "date-time" would promise an offset
