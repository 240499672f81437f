"""What anybody may see of an incident who was given its link: how far the repair is, and no personal data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fudian.field_questions import FieldQuestions
from repair.desk.board import Entry
from repair.desk.work import Sheet
from repair.settings import MessageSettings

NAMED = 3
"""Areas that the page names; of the others it tells the number."""

ON_THE_WAY = ("dispatched", "taken")


class PublicQuestions(FieldQuestions):
    """What the public page of an incident shows."""

    def public_outage(self, token: str) -> dict[str, Any] | None:
        """Return what the public page of an incident shows 可视化报修; ``None`` for a link that leads nowhere, or no longer.

        Args:
            token: the secret of the link.

        Returns:
            ``areas`` and ``further_areas``, ``customers``, ``start``, ``stages`` (with their times), ``crew`` (``on_the_way``,
            ``on_site`` or nothing), ``estimate`` (as a person says), ``low`` and ``high`` (by the model), ``by_switching`` and
            ``switched_by`` (how many come back sooner, and by when), ``back_at`` (when all had power again), ``hotline``,
            ``unit`` and ``at``.

        Raises:
            WorkspaceError: a setting cannot be used.
        """
        if not self.is_public(token):
            return None
        sheet = self.work.sheet(self.work.links[token])
        sheet = self.work.sheet(sheet.merged_into) if sheet.merged_into else sheet
        entry = self.board().find(self.work.parent(sheet.incident) or sheet.incident)
        return None if entry is None else self._told_to_all(entry, sheet)

    def is_public(self, token: str) -> bool:
        """Tell whether a link leads to a page now: it was made, not taken back, and the incident was not closed long ago."""
        incident = self.work.links.get(token)
        sheet = None if incident is None else self.work.sheet(incident)
        return sheet is not None and sheet.link == token and not self._is_over(sheet)

    def _is_over(self, sheet: Sheet) -> bool:
        """Tell whether an incident was closed for so long that its page is gone."""
        rules = MessageSettings.of(self.workspace.settings)
        if not sheet.is_closed:
            return False
        closed = sheet.closed_at
        now = self.workspace.reading.now()
        return closed is None or now > closed + timedelta(hours=rules.page_after_close_h)

    def _told_to_all(self, entry: Entry, sheet: Sheet) -> dict[str, Any]:
        rules = MessageSettings.of(self.workspace.settings)
        transformers = entry.affected.hit.transformers
        names = dict(self.network.transformers.select("transformer_id", "name").iter_rows())
        place = self.low_voltage_place(entry.key)
        if not transformers and place is not None:
            transformers = [place["transformer_id"]]
        areas = list(dict.fromkeys(str(names.get(transformer) or transformer) for transformer in transformers))
        back_at: datetime | None = sheet.stages.get("restored") or entry.end
        told = None if back_at is not None or sheet.estimate is not None else self.expected_back().get(entry.key)
        expected = None if told is None else told.range
        sooner = told if told is not None and not told.by_plan else None
        crew = "on_site" if "arrived" in sheet.stages else None
        if crew is None and any(each in sheet.stages for each in ON_THE_WAY):
            crew = "on_the_way"
        return {
            "areas": areas[:NAMED],
            "further_areas": max(len(areas) - NAMED, 0),
            "customers": entry.customers,
            "start": entry.start,
            "stages": sheet.stages,
            "crew": None if back_at is not None else crew,
            "estimate": None if back_at is not None else sheet.estimate,
            "low": None if expected is None else expected[0],
            "high": None if expected is None else expected[1],
            "by_switching": None if sooner is None else sooner.by_switching,
            "switched_by": None if sooner is None else sooner.switched_by,
            "back_at": back_at,
            "hotline": rules.hotline,
            "unit": rules.unit,
            "at": self.workspace.reading.now(),
        }
