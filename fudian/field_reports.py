"""What crews report from the place: every stage and clock of the desk, kept once however often a telephone sends it.

A telephone that was out of reach sends what waits when it is back. It says how long ago each thing happened by its own clock, so
that neither a wrong clock nor another time zone moves a stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fudian.desk import Desk, DeskStoreError
from fudian.photographs import keeping, photograph_of
from network import FudianError, text

REPORTS = (
    "take",
    "arrived",
    "found",
    "not_here",
    "isolated",
    "partly_restored",
    "repaired",
    "restored",
    "photo",
    "note",
)
"""Takes the job; is there; the section with the fault; a section without; isolated; part of the customers have power; repaired;
all have; a photograph; words."""

_STAGES = {
    "take": "taken",
    "arrived": "arrived",
    "found": "located",
    "isolated": "isolated",
    "partly_restored": "partly_restored",
    "repaired": "repaired",
    "restored": "restored",
}

LONGEST_AGO = timedelta(days=7)
"""What is older than that when it comes is refused."""

MOST = 200
"""Reports in one request."""

MOST_WORDS = 1000


@dataclass(frozen=True)
class ReportOutcome:
    """What came of one report.

    Attributes:
        event_id: of the report.
        state: ``kept``, ``known`` (it was kept before) or ``refused``.
        refusal: why.
    """

    event_id: str
    state: str
    refusal: FudianError | None = None

    def as_dict(self, language: str) -> dict[str, Any]:
        """Return it for JSON."""
        refusal = self.refusal
        return {
            "event_id": self.event_id,
            "state": self.state,
            "error": None if refusal is None else refusal.message.in_language(language),
            "hint": None if refusal is None or refusal.hint is None else refusal.hint.in_language(language),
        }


def take_reports(desk: Desk, rows: Sequence[Mapping[str, Any]], who: str) -> list[ReportOutcome]:
    """Keep reports of a crew, each for itself; what cannot be taken does not hinder the others.

    Args:
        desk: that keeps them.
        rows: each with ``event_id`` (the same when it is sent again), ``incident``, ``report`` (one of :data:`REPORTS`),
            ``crew_id``, and, if anything, ``ago_s`` (seconds since it happened), ``branches``, ``note``, ``photo``, ``lon``
            and ``lat``.
        who: the account or token.

    Returns:
        One outcome for each.

    Raises:
        FudianError: there are too many.
        DeskStoreError: the store cannot be written; those before it are kept, and may be sent again.
    """
    if len(rows) > MOST:
        raise FudianError(
            text("{count} reports are more than one request takes.", count=len(rows)),
            text("Send {most} at most, in several requests.", most=MOST),
        )
    found = []
    for row in rows:
        event_id = str(row.get("event_id") or "")
        try:
            found.append(_taken(desk, row, event_id, who))
        except DeskStoreError:
            raise
        except FudianError as refusal:
            found.append(ReportOutcome(event_id, "refused", refusal))
    return found


def _taken(desk: Desk, row: Mapping[str, Any], event_id: str, who: str) -> ReportOutcome:
    if not 8 <= len(event_id) <= 100:
        raise FudianError(
            text("The report has no event_id of 8 to 100 characters."), text("Send one with each report.")
        )
    named = f"field:{event_id}"
    if desk.knows(named):
        return ReportOutcome(event_id, "known")
    at = desk.utility.workspace.reading.now() - _ago(row.get("ago_s"))
    incident = str(row.get("incident") or "")
    incident = desk.sheet(incident).merged_into or incident
    said = _decisions(row, at)
    beside = None
    if row.get("report") == "photo":
        photo_id, beside = keeping(photograph_of(row.get("photo")))
        said[-1]["photo_id"] = photo_id
    desk.decide_together(incident, said, who, named, beside)
    place = _place(row)
    if place is not None:
        desk.place(str(row["crew_id"]), *place, at, who, f"{named}:place")
    return ReportOutcome(event_id, "kept")


def _ago(said: Any) -> timedelta:
    """Return how long ago something happened.

    Raises:
        FudianError: it is no number of seconds, or too many.
    """
    try:
        ago = timedelta(seconds=max(float(said or 0.0), 0.0))
    except (TypeError, ValueError, OverflowError):
        ago = LONGEST_AGO * 2
    if ago > LONGEST_AGO:
        raise FudianError(
            text("The report happened {value!r} s ago, which is too long, or no number.", value=said),
            text("Tell the desk by telephone; a dispatcher enters it with its time."),
        )
    return ago


def _decisions(row: Mapping[str, Any], at: datetime) -> list[dict[str, Any]]:
    """Return what a report decides, in order.

    Raises:
        FudianError: there is no such report, or something is missing.
    """
    report, crew = str(row.get("report") or ""), row.get("crew_id")
    if report not in REPORTS or not crew:
        raise FudianError(
            text("There is no report {report!r} of crew {crew!r}.", report=report, crew=crew or ""),
            text("Known are: {known}.", known=", ".join(REPORTS)),
        )
    moment = {"at": at.isoformat()}
    said: list[dict[str, Any]] = []
    if report == "take":
        said.append({"action": "assign", "crew_id": crew} | moment)
    branches = row.get("branches")
    if report == "not_here" or (report == "found" and branches):  # of single users there is no section to tell
        said.append({"action": "look", "branches": branches, "found": report == "found"} | moment)
        if report == "found":
            said.append({"action": "section", "branches": branches})
    if report in _STAGES:
        said.append({"action": "stage", "stage": _STAGES[report]} | moment)
    note = str(row.get("note") or "").strip()[:MOST_WORDS]
    if report == "photo":
        said.append({"action": "photograph", "photo_id": ""} | moment | ({"note": note} if note else {}))
    elif note:
        said.append({"action": "note", "note": note})
    if not said:
        raise FudianError(text("The note says nothing."), text("Write it, and send it again."))
    return said


def _place(row: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return longitude and latitude, if a report says them so that they can be."""
    try:
        lon, lat = float(row["lon"]), float(row["lat"])
    except (KeyError, TypeError, ValueError):
        return None
    return (lon, lat) if -180 <= lon <= 180 and -90 <= lat <= 90 else None
