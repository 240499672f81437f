"""What dispatchers decide while storms come in: made up by a desk that nobody disturbs, then sent to one that is killed."""

from __future__ import annotations

import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from benchmarks.desk_storms import FEEDERS, utility
from fudian.desk import Desk
from fudian.store import store_of
from network import FudianError
from repair.desk.work import STAGES

EVERY = 12
"""Reports between two decisions."""

NEWEST = 6
"""Decisions are on one of so many incidents that began last."""

NOBODY = ""
"""Who decides where no gate says who came in."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """One decision.

    Attributes:
        after: how many reports came before it.
        incident: whose sheet it belongs to.
        said: what it says, with its ``event_id``; an undo names the place of the line in the history of the sheet.
    """

    after: int
    incident: str
    said: Row


def undisturbed(
    rows: list[Row], moves: list[tuple[int, Row]], seed: int, is_worked: bool
) -> tuple[Any, list[Decision]]:
    """Return what a desk knows that was told all of it without any stop, and what was decided on it meanwhile.

    Args:
        rows: reports.
        moves: operations of switches, each with how many reports came before it.
        seed: of the decisions.
        is_worked: whether anything is decided.
    """
    chance, found = random.Random(seed), list[Decision]()
    due = {*(place for place, _ in moves), *(range(EVERY, len(rows), EVERY) if is_worked else ()), len(rows)}
    told, store = 0, store_of("sqlite://")
    with Desk(utility(), store) as desk:
        for place in sorted(due):
            desk.accept(rows[told:place], "undisturbed")
            told = place
            desk.operate([move for after, move in moves if after == place], "undisturbed")
            desk.wait()
            if is_worked and place % EVERY == 0:
                for said in _thought_of(desk, chance, rows[place - 1]["time"]):
                    named = {**said[1], "event_id": f"d{len(found)}"}
                    with suppress(FudianError):  # what cannot be decided is not sent to the other either
                        _decide(desk, said[0], named)
                        found.append(Decision(place, said[0], named))
        state = known(desk)
    store.close()
    return state, found


def _thought_of(desk: Desk, chance: random.Random, at: str) -> list[tuple[str, Row]]:
    """Return two decisions on incidents that there are."""
    outages = sorted(desk.utility.told().outages, key=lambda each: (each.start, each.id))[-NEWEST:]
    names = sorted({outage.id for outage in outages} | set(sorted(desk.work.sheets)[-2:]))
    users = sorted({user for outage in outages for user in outage.transformer_ids})
    branch = f"{chance.choice(FEEDERS)}S{chance.randint(1, 2)}"
    feeder = chance.choice(FEEDERS)
    if not names:
        return []
    found = []
    for _ in range(2):
        name = chance.choice(names)
        choices: list[Row] = [
            {"action": "acknowledge"}, {"action": "note", "note": "a tree"},
            {"action": "hand_over", "to": "wang", "note": "night"},
            {"action": "commander", "name": "sun"}, {"action": "stage", "stage": chance.choice(STAGES), "at": at},
            {"action": "estimate", "until": at, "at": at}, {"action": "order", "order_id": f"W{chance.randint(1, 99)}"},
            {"action": "look", "branches": [f"{feeder}L1"], "found": chance.random() < 0.5, "at": at},
            {"action": "photograph", "photo_id": "p1", "at": at},
            {"action": "section", "branches": [f"{feeder}L2", f"{feeder}L3"]},
            {"action": "refuse", "branch_id": branch},
            {"action": "step", "branch_id": branch, "move": chance.choice(("open", "close")), "at": at},
            {"action": "split", "users": [chance.choice(users)] if users else []},
            {"action": "move", "users": [chance.choice(users)] if users else [], "into": chance.choice(names)},
            {"action": "merge", "into": chance.choice(names)}, {"action": "upstream", "node": f"S{feeder}", "at": at},
            {"action": "close", "at": at}, {"action": "reopen", "reason": "called back"},
            {"action": "undo", "number": chance.randrange(4)},
        ]  # fmt: skip
        is_over = desk.work.sheet(name).is_closed and chance.random() < 0.5
        found.append((name, {"action": "record"} if is_over else chance.choice(choices)))
    return found


def _decide(desk: Desk, incident: str, said: Row) -> None:
    history = desk.sheet(incident).as_dict()["history"]
    desk.decide(incident, _numbered(said, history), NOBODY, said["event_id"])


def _numbered(said: Row, history: list[Row]) -> Row:
    """Return a decision as it is sent: an undo says the number that its line has in this ledger."""
    told = {name: value for name, value in said.items() if name != "event_id"}
    if said["action"] == "undo":
        told["number"] = history[said["number"]]["number"] if said["number"] < len(history) else -1
    return told


def send(client: httpx.Client, decision: Decision) -> bool:
    """Send a decision once all that came before it is judged; return whether it was acknowledged."""
    while _waiting(client) > 0:
        time.sleep(0.005)
    path = f"/api/v1/incidents/{decision.incident}"
    history: list[Row] = []
    if decision.said["action"] == "undo":
        history = client.get(f"{path}/sheet").raise_for_status().json()["history"]
    body = _numbered(decision.said, history) | {"event_id": decision.said["event_id"]}
    return client.post(f"{path}/decisions", json=body).status_code == httpx.codes.OK


def _waiting(client: httpx.Client) -> float:
    lines = client.get("/api/v1/metrics").raise_for_status().text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("fudian_signals_waiting "))


def known(desk: Desk) -> Any:
    """Return all that a desk knows: incidents, switches and sheets, but for who told it under which number."""
    desk.wait()
    told = desk.utility.operated()
    switches = {name: told[name] for name in ("opened", "closed", "cuts", "jumpers", "dead")}
    sheets = {name: _plain(sheet.as_dict()) for name, sheet in sorted(desk.work.sheets.items())}
    return json.loads(json.dumps([desk.utility.incidents()["incidents"], switches, sheets], default=_as_text))


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _plain(sheet: Row) -> Row:
    """Return a sheet without numbers of the ledger; an undo names the place of the line that it undoes."""
    place = {line["number"]: at for at, line in enumerate(sheet["history"])}
    lines = []
    for line in sheet["history"]:
        details = dict(line["details"])
        if line["action"] == "undo":
            details["number"] = place.get(details["number"])
        lines.append({**line, "number": place[line["number"]], "details": details})
    return {**sheet, "history": lines}
