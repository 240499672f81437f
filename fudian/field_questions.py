"""Questions of a crew at the place: which jobs there are, how each stands, and where its fault may lie."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from fudian.answers import Answer
from fudian.crew_questions import CrewQuestions
from fudian.foundation import stating_settings
from network import FudianError
from repair.desk.board import Entry
from repair.desk.crews.clocks import arrival_clock, site_of
from repair.desk.crews.crew_plan import Assignment
from repair.desk.restoration_time.outlook import SWITCHING_PLAN
from repair.desk.work import Sheet
from repair.settings import CrewSettings

LISTED_SECTIONS = 6
"""Sections that a telephone lists, the likeliest first."""

_SCHEMA: dict[str, Any] = {
    "incident": pl.String, "name": pl.String, "place": pl.String, "customers": pl.Int64, "important": pl.Int64,
    "start": pl.String, "stage": pl.String, "crew_id": pl.String, "planned_crew_id": pl.String, "number": pl.Int64,
    "due": pl.String, "clock": pl.String, "low": pl.String, "high": pl.String, "estimate": pl.String,
    "by_switching": pl.Int64, "switched_by": pl.String,
    "sections": pl.String, "lon": pl.Float64, "lat": pl.Float64,
}  # fmt: skip


class FieldQuestions(CrewQuestions):
    """What can be told to a crew."""

    @stating_settings
    def crew_jobs(self, crew: str | None = None) -> Answer:
        """Return the open jobs as a crew sees them: its own first, in the order of the plan; no customer is named.

        Args:
            crew: whose jobs come first; by default nobody's.

        Returns:
            One row per open incident: what it is and where, ``customers``, ``stage`` and ``stages`` with their times, ``crew_id``
            (who took it, or was assigned), ``planned_crew_id`` and ``number`` (whose so-manyth visit the plan makes it),
            ``due`` and ``clock`` (until when a crew has to arrive), ``low``, ``high``, ``estimate`` (when power is back: by
            the model or by ``by_plan``, by a person), ``by_switching`` and ``switched_by`` (how many come back by steps still to
            come, and by when), and ``sections`` with ``branches``, ``probability``, ``found`` and a place.

        Raises:
            WorkspaceError: the network has no source, or settings cannot be used.
        """
        shown = self.board()
        planned, told = self._plan_of_crews(), self._ranges()
        open_jobs = (self._job(entry, planned.get(entry.key), told.get(entry.key, {})) for entry in shown.active)
        rows = [row for row in open_jobs if row is not None]
        mine = [row["incident"] for row in rows if crew and crew in {row["crew_id"], row["planned_crew_id"]}]
        rows.sort(key=lambda row: (row["incident"] not in mine, row["crew_id"] != crew, row["number"] or 0))
        crews = self.crew_names()
        form = {"at": shown.at.isoformat(), "crew": crew, "crews": crews, "mine": mine, "rows": rows}
        flat = pl.DataFrame([_flat(row) for row in rows], schema=_SCHEMA)
        return Answer("crew_jobs", flat, f"{len(mine)} of {len(rows)} jobs", lambda _: form)

    def _plan_of_crews(self) -> dict[str, Assignment]:
        """Return the plan of each incident; none where nothing can be planned."""
        if self.workspace.tables["crews"].is_empty():
            return {}
        try:
            return {assignment.fault.key: assignment for assignment in self.crews().assignments}
        except FudianError:
            return {}

    def _ranges(self) -> dict[str, dict[str, Any]]:
        """Return when power will be back by the model, by incident."""
        try:
            rows: list[dict[str, Any]] = self.restoration_times().as_dict()["rows"]
        except FudianError:
            return {}
        return {row["incident"]: row for row in rows}

    def _job(self, entry: Entry, planned: Assignment | None, told: dict[str, Any]) -> dict[str, Any] | None:
        """Return one job; nothing of what is part of another, or closed by a person."""
        sheet = self.work.sheet(entry.key)
        if sheet.is_closed or sheet.merged_into:
            return None
        visit = planned.visits[0] if planned is not None and planned.visits else None
        sections = self._likely(entry, sheet)
        clock = planned.clock.as_dict() if planned is not None else self._arrival(entry, sheet)
        place = self.low_voltage_place(entry.key)
        lon, lat = next(
            ((section["lon"], section["lat"]) for section in sections if section["lon"] is not None), (None, None)
        )
        if lon is None:
            lon, lat = self._node_of(entry)
        return {
            "incident": entry.key,
            "name": self.name_of(entry.object_id, place),
            "place": "" if place is None else " · ".join([*place["boxes"][:3], *filter(None, [place["phases"]])]),
            "customers": entry.customers,
            "important": entry.important,
            "start": entry.start.isoformat(),
            "stage": sheet.stage,
            "stages": {stage: at.isoformat() for stage, at in sheet.stages.items()},
            "crew_id": sheet.crew_id,
            "planned_crew_id": None if visit is None else visit.crew_id,
            "number": None if visit is None else visit.number,
            "due": clock["due"],
            "clock": clock["state"],
            "low": told.get("low"),
            "high": told.get("high"),
            "out_of_depth": bool(told.get("out_of_depth")),
            "by_plan": told.get("basis") == SWITCHING_PLAN,
            "by_switching": told.get("by_switching"),
            "switched_by": told.get("switched_by"),
            "estimate": None if sheet.estimate is None else sheet.estimate.isoformat(),
            "sections": sections,
            "lon": lon,
            "lat": lat,
        }

    def name_of(self, object_id: str | None, place: dict[str, Any] | None = None) -> str:
        """Return the name of what lost supply; of single customers that of their transformer, since nobody is named."""
        net = self.network
        wanted = place["transformer_id"] if place is not None else object_id
        for frame, column in (
            (net.branches, "branch_id"),
            (net.transformers, "transformer_id"),
            (net.feeders, "feeder_id"),
        ):
            found = frame.filter(pl.col(column) == wanted)
            if not found.is_empty():
                return str(found["name"][0] or wanted)
        return "" if wanted is None or self._is_customer(wanted) else str(wanted)

    def _is_customer(self, object_id: str) -> bool:
        return bool(len(self.network.known_customers([object_id])[0]))

    def _likely(self, entry: Entry, sheet: Sheet) -> list[dict[str, Any]]:
        """Return the likeliest sections, and what crews said of each."""
        if entry.incident is None:
            return []
        said = {branch: look.found for look in sheet.looks for branch in look.branches}
        rows = []
        for section in entry.incident.location.ranked[:LISTED_SECTIONS]:
            lon, lat = self._middle(section.branches)
            rows.append(
                {
                    "branches": list(section.branches),
                    "between": list(section.bounded_by[:4]),
                    "probability": section.probability,
                    "found": next((said[each] for each in section.branches if each in said), None),
                    "lon": lon,
                    "lat": lat,
                }
            )
        return rows

    def _middle(self, branches: tuple[str, ...]) -> tuple[float | None, float | None]:
        """Return the middle of some branches, as far as their nodes have places."""
        rows = self.network.branches.filter(pl.col("branch_id").is_in(branches))
        return self._mean_of(rows["from_node"].to_list() + rows["to_node"].to_list())

    def _node_of(self, entry: Entry) -> tuple[float | None, float | None]:
        off = entry.affected.hit.transformers[:1]
        rows = self.network.transformers.filter(pl.col("transformer_id").is_in(off))
        return self._mean_of(rows["node"].to_list())

    def _mean_of(self, nodes: list[str]) -> tuple[float | None, float | None]:
        known = self.workspace.tables["nodes"].filter(pl.col("node").is_in(nodes)).drop_nulls(["lon", "lat"])
        if known.is_empty():
            return None, None
        lon, lat = known.select(pl.col("lon").mean(), pl.col("lat").mean()).row(0)
        return lon, lat

    def site_of(self, entry: Entry) -> str | None:
        """Return the class of the site of an incident, by the region class of most transformers there."""
        off = entry.affected.hit.transformers
        if not off and entry.incident is not None:
            off = list(entry.incident.outage.transformer_ids)
        region = self.network.transformers.filter(pl.col("transformer_id").is_in(off))["region_class"].drop_nulls()
        return site_of(None, region.mode().sort()[0] if len(region) else None)

    def _arrival(self, entry: Entry, sheet: Sheet) -> dict[str, Any]:
        """Return the arrival clock of an incident of which no plan tells."""
        start = sheet.stages.get("accepted") or entry.start
        now = max(self.now, *sheet.stages.values()) if sheet.stages else self.now
        arrived: datetime | None = sheet.stages.get("arrived")
        rules = CrewSettings.of(self.workspace.settings)
        return arrival_clock(rules, now, start, self.site_of(entry), arrived).as_dict()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Return a job as a row of a table."""
    sections = "; ".join(", ".join(section["branches"][:4]) for section in row["sections"])
    return {name: sections if name == "sections" else row[name] for name in _SCHEMA}
