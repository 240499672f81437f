"""Crews that are sent by themselves, plans that are announced by themselves, services for messages, and figures of all that."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest
from pypdf import PdfReader

import fudian
from fudian.announcing import Announcing
from fudian.auto_dispatch import dispatch_due
from fudian.desk import Desk
from fudian.sending import NotTakenError, Services, channel_of
from fudian.store import Store, store_of
from fudian.store.database import IN_MEMORY
from network import FudianError
from repair.settings import MessageSettings
from tests.fudian.test_messages import INCIDENT, NOON, folder_of

SIGNALS = [
    {"time": NOON.isoformat(), "object": "branch", "object_id": "K1", "kind": "trip"},
    {"time": NOON.isoformat(), "object": "transformer", "object_id": "T1", "kind": "off"},
    {"time": NOON.isoformat(), "object": "transformer", "object_id": "T2", "kind": "off"},
]
CREWS = [{"crew_id": "B1", "name": "一班", "base_id": "Z1"}, {"crew_id": "B2", "name": "二班", "base_id": "Z1"}]
BASES = [{"base_id": "Z1", "lon": 114.5, "lat": 33.5}]


@pytest.fixture
def store() -> Iterator[Store]:
    store = store_of(IN_MEMORY)
    yield store
    store.close()


def desk_of(folder: Path, store: Store, crews: str = "", **messages: Any) -> Desk:
    """Return a desk at which a feeder tripped, with two crews at one base."""
    folder_of(folder, messages.pop("to", "out.ndjson"), **messages)
    (folder / "crews.json").write_text(json.dumps(CREWS), "utf-8")
    (folder / "bases.json").write_text(json.dumps(BASES), "utf-8")
    with (folder / "fudian.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"\n[crews]\n{crews}\n")
    desk = Desk(fudian.open(folder, "en"), store)
    desk.accept(SIGNALS, "head end").judged.result(60)
    return desk


def test_crews_are_sent_by_themselves_where_the_settings_say_so_and_a_person_counts_before(
    tmp_path: Path, store: Store
) -> None:
    with desk_of(tmp_path / "w", store, 'dispatch = "automatic"') as desk:
        ((incident, crew),) = dispatch_due(desk)
        sheet = desk.sheet(incident)
        assert (incident, sheet.crew_id, sheet.stage) == (INCIDENT, crew, "dispatched")
        note = sheet.lines[0].details["note"]
        assert "customer-hours more" in note
        assert dispatch_due(desk) == []
        plan = desk.utility.crews()
        assert [(assignment.reason, assignment.visits[0].crew_id) for assignment in plan.assignments] == [
            ("under_way", crew)
        ]
        for line in sheet.lines:
            desk.decide(incident, {"action": "undo", "number": line.number}, "wang")
        assert desk.sheet(incident).crew_id is None
        assert dispatch_due(desk) == []  # a person took the order back
        other = next(each["crew_id"] for each in CREWS if each["crew_id"] != crew)
        desk.decide(incident, {"action": "assign", "crew_id": other}, "wang")
        assert desk.sheet(incident).crew_id == other
        with pytest.raises(FudianError):
            desk.decide(incident, {"action": "assign", "crew_id": "B9"}, "wang")


def test_nobody_is_sent_by_itself_where_a_person_sends_crews(tmp_path: Path, store: Store) -> None:
    with desk_of(tmp_path / "w", store) as desk:
        assert dispatch_due(desk) == []
        assert desk.sheet(INCIDENT).history == ()


def plan_rows(now: datetime) -> list[dict[str, Any]]:
    def row(plan_id: str, hours: float, nature: str = "P-PLAN-MAINT", status: str = "approved") -> dict[str, Any]:
        start = (now + timedelta(hours=hours)).replace(microsecond=0)
        end = start + timedelta(hours=4)
        said = {"plan_id": plan_id, "branch_id": "L2", "nature": nature, "work": "pole", "status": status}
        return said | {"start": start.isoformat(sep=" "), "end": end.isoformat(sep=" ")}

    return [
        row("NEAR", 7 * 24 + 20),
        row("FAR", 30 * 24),
        row("SOON", 30, "P-TEMP-MAINT"),
        row("LATER", 24 * 5, "P-TEMP-MAINT"),
        row("DRAFT", 100, status="rejected"),
        row("PAST", -2),
    ]


def test_plans_are_announced_by_themselves_in_time_for_their_notice(tmp_path: Path, store: Store) -> None:
    now = fudian.open(folder_of(tmp_path / "clock", "x"), "en").workspace.reading.now()
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "plans.json").write_text(json.dumps(plan_rows(now)), "utf-8")
    with desk_of(tmp_path / "w", store) as desk:
        announcing = Announcing(desk)
        assert announcing.announce_due() == 2
        told = {plan: desk.utility.plan_messages(plan).as_dict() for plan in ("NEAR", "SOON", "FAR", "LATER", "DRAFT")}
        assert {plan: each["count"] > 0 for plan, each in told.items()} == {
            "NEAR": True, "SOON": True, "FAR": False, "LATER": False, "DRAFT": False,
        }  # fmt: skip
        assert {row["kind"] for row in told["SOON"]["rows"]} == {"temporary"}
        assert (told["NEAR"]["notice"]["required_h"], told["SOON"]["notice"]["required_h"]) == (168, 24)
        assert announcing.announce_due() == 0
        assert Announcing(desk).announce_due() == 0  # after a start too


def test_no_plan_is_announced_by_itself_where_a_dispatcher_announces(tmp_path: Path, store: Store) -> None:
    now = fudian.open(folder_of(tmp_path / "clock", "x"), "en").workspace.reading.now()
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "plans.json").write_text(json.dumps(plan_rows(now)), "utf-8")
    with desk_of(tmp_path / "w", store, announce_plans=False) as desk:
        assert Announcing(desk).announce_due() == 0


@pytest.fixture
def service() -> Iterator[tuple[str, list[tuple[str, str]], list[int]]]:
    """A service that takes JSON, as apprise speaks to it: its address, what it heard, and how it answers."""
    heard: list[tuple[str, str]] = []
    answers = [200]

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.path, json.loads(body)["message"]))
            self.send_response(answers[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_port}", heard, answers
    server.shutdown()
    server.server_close()


def test_a_service_takes_messages_and_its_refusal_is_told(service: tuple[str, list[Any], list[int]]) -> None:
    address, heard, answers = service
    channel = Services(address + "/areas/{id}")
    letter = {"key": "k", "to": {"transformer_id": "T/1"}, "text": "停电"}
    channel.send(letter)
    assert [(unquote(path), words) for path, words in heard] == [("/areas/T/1", "停电")]
    answers[0] = 500
    with pytest.raises(NotTakenError) as refusal:
        channel.send(letter)
    assert not refusal.value.is_final
    for wrong in ("nonsense://x", "wecombot://"):
        with pytest.raises(FudianError):
            Services(wrong)


def test_notices_go_over_a_channel_of_their_own(tmp_path: Path, service: tuple[str, list[Any], list[int]]) -> None:
    address, heard, _ = service
    channel = channel_of(MessageSettings(to="out.ndjson", notices=address), tmp_path, None)
    channel.send({"key": "1", "to": {"customer_id": "C1", "phone": "139"}, "text": "in person"})
    channel.send({"key": "2", "to": {"transformer_id": "T1"}, "text": "a notice"})
    channel.close()
    assert [text for _, text in heard] == ["a notice"]
    assert [json.loads(line)["key"] for line in (tmp_path / "out.ndjson").read_text("utf-8").splitlines()] == ["1"]


def test_figures_of_the_dispatch_count_what_happened(tmp_path: Path, store: Store) -> None:
    with desk_of(tmp_path / "w", store) as desk:
        before = {row["kpi"]: row["value"] for row in desk.utility.dispatch_kpi().rows.to_dicts()}
        assert set(before.values()) == {None}
        for stage, minutes in (("accepted", 0), ("dispatched", 5), ("arrived", 40), ("located", 60), ("restored", 120)):
            at = (NOON + timedelta(minutes=minutes)).isoformat()
            desk.decide(INCIDENT, {"action": "stage", "stage": stage, "at": at}, "wang")
        told = {row["kpi"]: row for row in desk.utility.dispatch_kpi().rows.to_dicts()}
        lost = 5 * 2.0
        bound = 5 * (1.0 + (5.0 + 30.0) / 60.0)  # no coordinates: the setting unknown_travel_min
        assert told["unavoidable_share"]["value"] == pytest.approx(100 * bound / lost)
        assert told["unavoidable_share"]["numerator"] == pytest.approx(bound)
        assert told["on_time_arrival"]["denominator"] == 0  # no region class: no limit is known
        assert desk.utility.dispatch_kpi(NOON + timedelta(hours=1)).as_dict()["incidents"] == 0


def test_the_report_of_a_month_has_the_figures_of_the_dispatch_as_they_are_now(tmp_path: Path, store: Store) -> None:
    past = {
        "outage_id": "O1",
        "start": "2022-01-05 08:00",
        "end": "2022-01-05 09:00",
        "nature": "F-INT",
        "branch_id": "L1",
    }
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "outages.json").write_text(json.dumps([past]), "utf-8")
    with desk_of(tmp_path / "w", store) as desk:
        month = f"{NOON:%Y-%m}"
        before = desk.utility.report(month, "xihua-2022").section("dispatch")
        assert (before.rows, before.says[0]) == ((), "0 incidents that the desk worked on")
        for stage, minutes in (("accepted", 0), ("dispatched", 5), ("arrived", 40), ("located", 60), ("restored", 120)):
            at = (NOON + timedelta(minutes=minutes)).isoformat()
            desk.decide(INCIDENT, {"action": "stage", "stage": stage, "at": at}, "wang")
        made = desk.utility.report(month, "xihua-2022")
        told = {row["kpi"]: row for row in made.section("dispatch").rows}
        answers = desk.utility.dispatch_kpi(f"{NOON:%Y-%m-01}").rows.to_dicts()
        assert [row["value"] for row in told.values()] == [answer["value"] for answer in answers]
        share = told["customer-hours that no dispatch could have saved"]
        assert share["value"] == pytest.approx(100 * (1.0 + 35.0 / 60.0) / 2.0)
        assert made.section("desk").rows
        for ending in ("pdf", "docx", "xlsx"):
            desk.utility.write_report(made, tmp_path / f"r.{ending}")
        sheet = openpyxl.load_workbook(tmp_path / "r.xlsx").worksheets[14]
        assert share["value"] in [cell.value for row in sheet for cell in row]
        pages = "".join(page.extract_text() for page in PdfReader(tmp_path / "r.pdf").pages)
        assert f"{share['value']:.2f}" in pages


def test_the_range_of_the_model_stands_in_the_messages_and_on_the_sheet(tmp_path: Path, store: Store) -> None:
    """Of forty past faults of a branch the middle lasted 80 minutes, and four of five between 30 and 130."""
    past = [
        {
            "outage_id": f"O{n}",
            "start": (NOON - timedelta(days=n + 1)).isoformat(sep=" "),
            "end": (NOON - timedelta(days=n + 1) + timedelta(minutes=10 + n % 15 * 10)).isoformat(sep=" "),
            "nature": "F-INT",
            "branch_id": "L1",
        }
        for n in range(40)
    ]
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "outages.json").write_text(json.dumps(past), "utf-8")
    with desk_of(tmp_path / "w", store) as desk:
        expected = desk.utility.range_of(INCIDENT)
        assert expected is not None
        assert NOON < expected[0] < expected[1] < NOON + timedelta(hours=4)
        desk.decide(INCIDENT, {"action": "stage", "stage": "dispatched", "at": NOON.isoformat()}, "wang")
        assert desk.sheet(INCIDENT).first_range == expected
        rows = desk.utility.messages(INCIDENT).as_dict()["rows"]
        assert rows
        assert all("之间恢复供电" in row["text"] for row in rows)
        desk.decide(INCIDENT, {"action": "estimate", "until": "2099-01-01T10:00:00"}, "wang")
        told = desk.utility.messages(INCIDENT).as_dict()["rows"]
        assert any("1月1日10:00" in row["text"] and "之间" not in row["text"] for row in told)
        over = (expected[0] + (expected[1] - expected[0]) / 2).isoformat()
        desk.decide(INCIDENT, {"action": "stage", "stage": "restored", "at": over}, "wang")
        coverage = next(r for r in desk.utility.dispatch_kpi().rows.to_dicts() if r["kpi"] == "interval_coverage")
        assert (coverage["value"], coverage["denominator"]) == (100.0, 1)


@pytest.mark.parametrize(("minutes", "state"), [(34, None), (36, "due"), (45, "due"), (46, "missed")])
def test_an_arrival_limit_is_warned_of_before_it_is_missed(
    tmp_path: Path, store: Store, minutes: int, state: str | None
) -> None:
    """In a town a crew has 45 minutes, and ten before them is warned, until it is there."""
    folder = folder_of(tmp_path / "w", "out.ndjson")
    rows = json.loads((folder / "transformers.json").read_text("utf-8"))
    (folder / "transformers.json").write_text(json.dumps([row | {"region_class": "urban"} for row in rows]), "utf-8")
    settings = folder / "fudian.toml"
    settings.write_text(f"as_of = {NOON:%Y-%m-%dT%H:%M:%S}\n" + settings.read_text("utf-8"), "utf-8")
    with Desk(fudian.open(folder, "en"), store) as desk:
        desk.accept(SIGNALS, "head end").judged.result(60)
        later = {"time": (NOON + timedelta(minutes=minutes)).isoformat(), "object": "transformer", "object_id": "T1"}
        desk.accept([later | {"kind": "off"}], "head end").judged.result(60)
        found = desk.utility.arrival_warnings()
        assert {key: clock.state for key, clock in found.items()} == ({INCIDENT: state} if state else {})
        desk.decide(INCIDENT, {"action": "stage", "stage": "arrived", "at": later["time"]}, "wang")
        assert desk.utility.arrival_warnings() == {}
