"""Commands, routes, pages and the object ask one method each, and so give one answer."""

import ast
import json
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import typer.main
import uvicorn

import fudian
from dashboard.app import create_app
from data_samples.generator.county import COUNTY
from docs.generate import QUESTIONS, asked_by_commands, asked_by_pages, asked_by_routes
from fudian import Utility
from fudian.cli.app import app, main
from network import read_workspace
from reliability.targets import STATUSES
from tests.page_text import page_text

PROJECT = Path(__file__).parents[2]
CUT = datetime(2022, 7, 1)
TOOLS = {"fudian convert", "fudian map", "fudian sample", "fudian serve", "fudian demo", "fudian template",
         "fudian backup", "fudian restore-backup", "fudian erase"}  # fmt: skip
"""Commands that answer no question of the field."""

WORDS = {"text", "translate", "listed", "language_of", "unknown_language", "asking", "telling", "shown", "showing"}
"""What faces may take from below besides classes and constants: texts, times as people read them, how far work is, who waits."""

SHOWING = ("network.pictures", "network.tables.writing", "network.tables.aside", "network.complaints")
"""Rooms that help to show and to write, which every face may use."""

FILES_ALONE = {
    "fudian/cli/app.py": ("network.readers.converting", "data_samples.generator.county"),
    "fudian/cli/tables.py": tuple(
        f"network.tables.{name}" for name in ("folder", "mapping", "template", "words", "workspace")
    ),
}
"""Commands that turn one file into another, where no workspace is asked, and the rooms that do so."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample county as it was known on a day in the middle of a year, with one outage still open."""
    to = tmp_path_factory.mktemp("cut")
    tables = dict(read_workspace(COUNTY).tables)
    for name, time_column in (
        ("outages", "start"),
        ("signals", "time"),
        ("switching", "time"),
        ("stages", "restored_at"),
    ):
        tables = {**tables, name: tables[name].filter(pl.col(time_column) < CUT)}
    outages = tables["outages"].with_columns(end=pl.when(pl.col("end") < CUT).then("end"))
    last = outages.filter(pl.col("branch_id").is_not_null())["outage_id"][-1]
    tables["outages"] = outages.with_columns(end=pl.when(pl.col("outage_id") != last).then("end")).filter(
        pl.col("end").is_not_null() | (pl.col("outage_id") == last)
    )
    tables["switching"] = pl.DataFrame(
        [
            {"time": datetime(2022, 5, 1, hour), "branch_id": "F03-K02", "action": action, "row": hour}
            for hour, action in ((8, "open"), (10, "close"))
        ]
    )
    for name, frame in tables.items():
        if not frame.is_empty():
            frame.drop("row").write_parquet(to / f"{name}.parquet")
    text = (COUNTY / "fudian.toml").read_text("utf-8").replace("2023-01-01T00:00:00", f"{CUT:%Y-%m-%dT%H:%M:%S}")
    (to / "fudian.toml").write_text(text, "utf-8")
    return to


@pytest.fixture(scope="module")
def utility(folder: Path) -> Utility:
    return fudian.open(folder, "en")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(folder, "en"), log_level="warning"))
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
def command(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("FUDIAN_LANG", "en")

    def run(name: str, *options: str) -> Any:
        with pytest.raises(SystemExit) as ended:
            main([name, str(folder), *options, "--json"])
        assert ended.value.code == 0
        return json.loads(capsys.readouterr().out)

    return run


Route = Callable[..., Any]


@pytest.fixture
def route(served: str) -> Route:
    def get(path: str, rows: list[dict[str, Any]] | None = None, **asked: Any) -> Any:
        address = f"{served}/api/v1/{path}"
        answer = (
            httpx.get(address, params=asked, timeout=120)
            if rows is None
            else httpx.post(address, params=asked, json=rows, timeout=120)
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


def figures(page: str) -> dict[str, str]:
    """Return the figures that a page marks with their unrounded value."""
    found: dict[str, str] = {}

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if "data-figure" in part:
                found[part["data-figure"]] = str(part["data-value"])
            part = list(part.values())
        for each in part if isinstance(part, list) else ():
            look(each)

    look(json.loads(page))
    return found


def plain(answer: Any) -> Any:
    """Return an answer as a program reads it from JSON."""
    return json.loads(json.dumps(answer, default=lambda moment: moment.isoformat()))


class Same:
    """An answer that another equals; sums in another order may differ in their last bits."""

    def __init__(self, answer: Any) -> None:
        self.answer = plain(answer)
        self.differences: list[str] = []

    def __eq__(self, other: object) -> bool:
        self.differences = list(_differences(self.answer, other))
        return not self.differences

    def __getitem__(self, name: str) -> Any:
        return self.answer[name]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"the same but for {self.differences}"


def _differences(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """Give the places at which two answers differ."""
    if isinstance(one, dict) and isinstance(other, dict) and list(one) == list(other):
        for name in one:
            yield from _differences(one[name], other[name], f"{place}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (each, same) in enumerate(zip(one, other, strict=True)):
            yield from _differences(each, same, f"{place}[{number}]")
    elif isinstance(one, float) and isinstance(other, float):
        if not math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12):
            yield f"{place}: {one} {other}"
    elif type(one) is not type(other) or one != other:
        yield f"{place}: {one} {other}"


# Ten questions --------------------------------------------------------------------------------------------------------


def test_how_long_was_the_average_user_without_power(utility: Utility, command: Any, route: Route, served: str) -> None:
    expected = Same(utility.indices(2022).as_dict())
    assert command("indices", "--start", "2022-01-01", "--end", "2023-01-01") == expected
    assert route("indices", start="2022-01-01", end="2023-01-01") == expected
    assert command("indices", "--end", "2023-01-01") == expected
    assert route("indices", end="2023-01-01") == expected
    assert expected == command("indices")
    assert expected == route("indices")
    saidi = expected["rows"][0]["SAIDI-1"]
    assert float(figures(page_text(served, "/operations", "?year=2022"))["saidi"]) == pytest.approx(saidi, rel=1e-12)
    assert saidi == pytest.approx(2.89, abs=0.5)
    assert expected["basis"]["provisional_outages"] == 1


def test_will_the_targets_be_met(utility: Utility, command: Any, route: Route, served: str) -> None:
    for plan in ("jinhua-2022", "gongan-2022"):
        expected = Same(utility.targets(plan).as_dict())
        assert command("targets", "--plan", plan) == expected
        assert route("targets", plan=plan) == expected
    statuses = [result.status for result in utility.targets("jinhua-2022").results]
    assert set(statuses) == {"unknown", "fail"}
    page = page_text(served, "/operations", "?year=2022&plan=jinhua-2022&lang=en")
    for status in ("fail", "unknown"):
        assert page.count(f'"{STATUSES[status]}"') == statuses.count(status)


def test_which_rows_make_a_figure(utility: Utility, command: Any, route: Route) -> None:
    event = utility.workspace.tables["outages"]["outage_id"][-1]
    expected = Same(utility.ledger(event=event).as_dict())
    assert expected["rows"]
    assert command("ledger", "--event", event) == expected
    assert route("ledger", event=event) == expected


def test_how_much_work_was_done_live(utility: Utility, command: Any, route: Route, served: str) -> None:
    expected = Same(utility.live_ratio(2022).as_dict())
    assert expected == command("live-ratio")
    assert expected == route("live-ratio")
    ratio = float(figures(page_text(served, "/management", "?year=2022"))["ratio"])
    assert ratio == pytest.approx(expected["rows"][0]["by_jobs"])


def test_who_is_off_too_often(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.frequent().as_dict())
    assert expected == command("frequent")
    assert expected == route("frequent")
    assert expected["basis"]["as_of"] == CUT.isoformat()


def test_where_records_and_log_differ(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.audit().as_dict())
    assert expected == command("audit")
    assert expected == route("audit")


def test_who_is_off_when_a_switch_opens_or_a_fault_strikes(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.affected(open="F03-K02").as_dict())
    assert expected == command("affected", "--open", "F03-K02")
    assert expected == route("affected", open="F03-K02")
    expected = Same(utility.affected(fault="F03-L05").as_dict())
    assert expected == command("affected", "--fault", "F03-L05")
    assert expected == route("affected", fault="F03-L05")


def test_who_is_off_at_a_logged_moment(utility: Utility, command: Any, route: Route) -> None:
    at = utility.workspace.tables["switching"]["time"][0].isoformat()
    branch = utility.workspace.tables["switching"]["branch_id"][0]
    expected = Same(utility.affected(open=branch, at=at).as_dict())
    assert command("affected", "--open", branch, "--as-of", at) == expected
    assert route("affected", open=branch, as_of=at) == expected


def test_where_the_fault_lies_and_what_is_out(
    utility: Utility, folder: Path, command: Any, route: Route, tmp_path: Path
) -> None:
    signals = read_workspace(COUNTY).tables["signals"].drop("row")
    rows = signals.filter(pl.col("time").dt.date() == datetime(2022, 10, 9).date())
    file = tmp_path / "signals.csv"
    rows.write_csv(file)
    sent = rows.with_columns(pl.col("time").dt.to_string("iso")).to_dicts()
    expected = Same(utility.locate(file).as_dict())
    assert expected == command("locate", "--signals", str(file))
    assert expected == route("locate", sent)
    at = "2022-10-09T09:00:00"
    inferred = Same(utility.infer(file, at).as_dict("en"))
    assert inferred == command("infer", "--signals", str(file), "--as-of", at)
    assert inferred == route("infer", sent, as_of=at)
    who = Same(utility.affected(signals=file).as_dict())
    assert who == command("affected", "--signals", str(file))
    assert who == route("affected", sent)


def test_how_power_comes_back(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.restore("F03-L05").as_dict())
    assert expected == command("restore", "--fault", "F03-L05")
    assert expected == route("restore", fault="F03-L05")


def test_which_crew_goes_where(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.crews().as_dict())
    assert len(expected["incidents"]) == 1
    assert expected == command("crews")
    assert expected == route("crews")
    incident = expected["incidents"][0]["incident"]
    chosen = Same(utility.crews(assign={incident: "BZ11"}, without="BZ12").as_dict())
    assert chosen["incidents"][0]["crew_id"] == "BZ11"
    assert chosen == command("crews", "--assign", f"{incident}=BZ11", "--without", "BZ12")
    assert chosen == route("crews", assign=f"{incident}=BZ11", without="BZ12")


def test_when_power_is_back_and_where_crews_wait(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.restoration_times().as_dict())
    assert len(expected["rows"]) == 1
    assert expected == command("restoration-times")
    assert expected == route("restoration-times")
    expected = Same(utility.bases(5, 20.0).as_dict())
    assert expected == command("bases", "--count", "5", "--limit-min", "20")
    assert expected == route("bases", count=5, limit_min=20)


def test_what_planned_outages_cost(utility: Utility, command: Any, route: Route, served: str) -> None:
    expected = Same(utility.precheck().as_dict())
    assert expected == command("precheck")
    assert expected == route("precheck")
    assert float(figures(page_text(served, "/planned"))["after"]) == pytest.approx(expected["ch_after"])


def test_whether_the_grid_stands_any_fault(utility: Utility, command: Any, route: Route, served: str) -> None:
    expected = Same(utility.n_1().as_dict())
    assert expected == command("n-1")
    assert expected == route("n-1", wait_s=60)
    expected = Same(utility.weak_spots().as_dict())
    assert expected == command("weak-spots")
    assert expected == route("weak-spots")
    assert int(figures(page_text(served, "/management"))["weak"]) == len(expected["rows"])
    expected = Same(utility.grid_kpi().as_dict())
    assert expected == command("grid-kpi")
    assert expected == route("grid-kpi")


def test_what_is_wrong_with_the_data(utility: Utility, command: Any, route: Route) -> None:
    assert Same(utility.check().as_dict()) == command("check")
    assert Same(utility.check().as_dict()) == route("check")


def test_who_is_off_by_a_plan_is_the_same_on_both_pages() -> None:
    """Once load is transferred where it can be: the list of planned outages on the repair page and the page of plans."""
    county = fudian.open(COUNTY, "en")
    checks = {check.plan_id: check for check in county.precheck().checks if check.facts is not None}
    plans = county.board().planned.filter(pl.col("plan_id").is_in(list(checks)))
    differs = 0
    for plan in plans.to_dicts():
        after = checks[plan["plan_id"]].facts.after  # type: ignore[union-attr]
        assert county.affected_by_plan(plan).customer_count == after.customers
        differs += after.customers != checks[plan["plan_id"]].facts.before.customers  # type: ignore[union-attr]
    assert plans.height == len(checks)
    assert differs > 3


# Whether every face asks the object -------------------------------------------------------------------------------------


def test_every_command_asks_a_method() -> None:
    asked = asked_by_commands()
    commands = {f"fudian {name}" for name in typer.main.get_command(app).commands}  # type: ignore[attr-defined]
    assert set(asked) == commands - {"fudian users", "fudian tokens", "fudian looks"}  # of the store, not of the field
    assert {name for name, methods in asked.items() if not methods} == TOOLS - {"fudian sample"}


def test_every_route_asks_a_method() -> None:
    assert {name for name, methods in asked_by_routes().items() if not methods} == {"GET /plans"}


def test_every_page_asks_a_method() -> None:
    assert {name for name, methods in asked_by_pages().items() if not methods} == set()


def test_every_method_is_documented_with_its_arguments() -> None:
    for name, method in QUESTIONS.items():
        assert method.__doc__, name
        assert "return" in method.__annotations__, name
        for argument in list(method.__annotations__)[:-1]:
            assert method.__annotations__[argument], (name, argument)


@pytest.mark.parametrize("face", ["dashboard", "fudian/cli"])
def test_no_face_asks_anything_below(face: str) -> None:
    """From below come classes (to say what is handed over), constants and the catalogue; no function that answers."""
    wrong = []
    for path in sorted((PROJECT / face).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            if node.module.split(".")[0] not in {"network", "reliability", "repair", "data_samples"}:
                continue
            if node.module.startswith(SHOWING + FILES_ALONE.get(str(path.relative_to(PROJECT)), ())):
                continue
            functions = [each.name for each in node.names if each.name[0].islower() and each.name not in WORDS]
            wrong += [f"{path.relative_to(PROJECT)}:{node.lineno} {name}" for name in functions]
    assert not wrong, wrong


# Steering ---------------------------------------------------------------------------------------------------------------


def test_figures_of_operation(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.operating_kpi(2021, base_year=2020).as_dict())
    assert expected == command("operating-kpi", "--year", "2021", "--base-year", "2020")
    assert expected == route("operating-kpi", year=2021, base_year=2020)


def test_why_a_figure_changed(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.why("2021", "2022-03", "saifi", ("unit", "cause"), "lv").as_dict())
    asked = ("--from", "2021", "--to", "2022-03", "--metric", "saifi", "--by", "unit,cause", "--level", "lv")
    assert expected == command("why", *asked)
    assert expected == route("why", **{"from": "2021"}, to="2022-03", metric="saifi", by="unit,cause", level="lv")
    assert expected["residual"] == 0
    assert Same(utility.why("2021").as_dict()) == command("why", "--from", "2021")


def test_the_budget_of_customer_hours(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.budget(2022).as_dict())
    assert expected == command("budget", "--year", "2022")
    assert expected == route("budget", year=2022)
    assert Same(utility.budget().as_dict()) == command("budget")


def test_how_the_year_is_likely_to_end(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.forecast("jinhua-2022").as_dict())
    assert expected == command("forecast", "--plan", "jinhua-2022")
    assert expected == route("forecast", plan="jinhua-2022")
    asked = Same(utility.forecast("jinhua-2022", "2022-03-01", "lv", "exclude", 2022).as_dict())
    options = ("--as-of", "2022-03-01", "--level", "lv", "--med", "exclude", "--year", "2022")
    assert asked == command("forecast", "--plan", "jinhua-2022", *options)
    assert asked == route("forecast", plan="jinhua-2022", as_of="2022-03-01", level="lv", med="exclude", year=2022)


def test_the_report(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.report("2022-03", "xihua-2022", "en", wait_s=None).as_dict())
    assert expected == command("report", "--month", "2022-03", "--plan", "xihua-2022", "--language", "en")
    assert expected == route("report", period="2022-03", plan="xihua-2022", language="en")


def test_what_would_meet_a_target(utility: Utility, command: Any, route: Route) -> None:
    expected = Same(utility.levers("jinhua-2022", "JH-4", faster_min=20.0).as_dict())
    assert expected == command("levers", "--plan", "jinhua-2022", "--target", "JH-4", "--faster-min", "20")
    assert expected == route("levers", plan="jinhua-2022", target="JH-4", faster_min=20)
    assert expected["rows"]


def test_how_long_planned_outages_take(utility: Utility, command: Any, route: Route, served: str) -> None:
    expected = Same(utility.durations(as_of="2023-01-01", period="2022Q2").as_dict())
    assert expected == command("durations", "--as-of", "2023-01-01", "--period", "2022Q2")
    assert expected == route("durations", as_of="2023-01-01", period="2022Q2")
    assert Same(utility.durations().as_dict()) == command("durations")
    checked = utility.precheck(as_of="2023-01-01").as_dict()["plans"]
    by_plan = {row["plan_id"]: row for row in expected["rows"]}
    for plan in checked:
        if plan["duration"] is None:
            continue
        assert Same(plan["duration"]) == by_plan[plan["plan_id"]]
        warning = plan["duration"]["warning"]
        assert (warning in plan["remarks"]) == (warning is not None)
    assert any(row["warning"] for row in expected["rows"])
    lost = utility.durations().losses
    shown = page_text(served, "/planned", "?lang=en")
    assert lost.height
    assert all(f'"{unit}"' in shown for unit in lost["unit"])


def test_months_as_a_process(utility: Utility, command: Any, route: Route, served: str) -> None:
    for figure in ("saidi", "live_jobs", "live_hours"):
        expected = Same(utility.process(figure, 2022).as_dict())
        assert expected == command("process", "--figure", figure, "--year", "2022")
        assert expected == route("process", figure=figure, year=2022)
        assert expected["rows"][-1]["month"] == "2022-06"
    assert Same(utility.process().as_dict()) == command("process")
    shown = page_text(served, "/management", "?lang=en&year=2022")
    assert str(utility.process("saidi", 2022).says[0]) in shown


def test_planned_outages_that_could_have_been_avoided(
    utility: Utility, command: Any, route: Route, served: str
) -> None:
    expected = Same(utility.avoidable("2022", 5).as_dict())
    assert expected == command("avoidable", "--period", "2022", "--most", "5")
    assert expected == route("avoidable", period="2022", most=5)
    whole = utility.avoidable(2022)
    assert sum(outage.ch for outage in whole.outages) == pytest.approx(utility.costly_plans(2022)["ch"].sum())
    shown = page_text(served, "/management", "?lang=en&year=2022")
    assert whole.outages[0].avoidable_ch > 0
    assert f'"{whole.outages[0].outage_id}"' in shown


def test_who_is_near_a_bar_of_frequent_outages(utility: Utility, command: Any, route: Route, served: str) -> None:
    for rules in ("nea", "sgcc"):
        expected = Same(utility.frequent_bands(rules).as_dict())
        assert expected == command("frequent-bands", "--rules", rules)
        assert expected == route("frequent-bands", rules=rules)
    bands = utility.frequent_bands().rows
    counted = {row["rule"]: row for row in utility.frequent_bands().as_dict()["counts"]}
    for rule in bands["rule"].unique():
        own = bands.filter(rule=rule)
        assert [counted[rule][band] for band in ("over", "at", "near")] == [
            own.filter(band=band).height for band in ("over", "at", "near")
        ]
    assert utility.forecast("jinhua-2022").as_dict()["frequent"] == list(counted.values())
    first = utility.network.transformers.filter(pl.col("transformer_id") == bands["user_id"][0])["name"][0]
    for page in ("/frequent", "/operations"):
        assert f'"{first}"' in page_text(served, page, "?year=2022&lang=en")


def test_operations_begin_with_how_the_year_is_likely_to_end(utility: Utility, served: str) -> None:
    said = utility.forecast("xihua-2022").tightest
    assert said is not None
    until, page = time.monotonic() + 120, ""
    while f"{said.expected:.2f}" not in page:  # the page stands at once, what rests on the plans to come follows
        assert time.monotonic() < until
        page = page_text(served, "/operations", "?year=2022&plan=xihua-2022&lang=en")
    assert f"{said.probability():.0%}" in page
    assert "expected by the end of the year" in page
    assert "expected by the end of the year" not in page_text(
        served, "/operations", "?year=2021&plan=xihua-2022&lang=en"
    )
