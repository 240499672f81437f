"""Questions of what the desk did: the record that a closed incident leaves, and how well incidents were dealt with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from fudian.answers import Answer
from fudian.foundation import Moment, stating_settings
from fudian.live import LiveQuestions
from network import FudianError, text
from repair.desk.figures import Figure, desk_figures
from repair.desk.records import Proposed, first_call, proposed
from repair.settings import RestorationSettings


class DeskQuestions(LiveQuestions):
    """What can be told of the work of the desk."""

    @stating_settings
    def proposed(self, incident: str) -> Proposed:
        """Return the outage record that a closed incident would leave, beside what meters and switching tell of each user.

        Args:
            incident: its id.

        Raises:
            FudianError: no signal told of such an incident, or it is not closed.
        """
        sheet = self.sheet(incident)
        told = self.told()
        named = self.work.parent(incident) or incident
        outage = next((each for each in told.outages if each.id == named), None)
        if outage is None:
            raise FudianError(
                text("No signal told of {incident}, so nothing can be proposed.", incident=incident),
                text("Its record is that of the table of outages."),
            )
        own = () if named != incident else (outage.transformer_ids or outage.customer_ids)
        users = self.work.users(incident, own)
        signals = told.heard.since(outage.start)
        log = self.workspace.tables["switching"].select("time", "branch_id", "action")
        operations = self.work.operations.until(None).rows.select("time", "branch_id", "action")
        rows, fed = pl.concat([log, operations]), told.fed_again.get(named, ())
        return proposed(self.network, outage, sheet, users, signals, rows, fed)

    @stating_settings
    def desk_kpi(self, start: Moment = None, end: Moment = None) -> Answer:
        """Return how incidents were dealt with: begun before a call, one order, inferred rightly, missed, back in what time.

        Args:
            start: incidents that began since then; by default all that are remembered.
            end: and before.

        Returns:
            One row per figure: ``kpi``, ``value``, ``unit``, ``numerator``, ``denominator``; no value where nothing counts.

        Raises:
            WorkspaceError: a setting cannot be used.
        """
        since, until = self.moment(start) or datetime.min, self.moment(end) or datetime.max
        told = self.told()
        outages = [outage for outage in told.outages if since <= outage.start < until]
        heard = told.heard.since(min((outage.start for outage in outages), default=datetime.max))
        heard = heard.filter(pl.col("kind") == "call")
        calls = {
            outage.id: first_call(heard, outage.transformer_ids or outage.customer_ids, self.network, outage.start)
            for outage in outages
        }
        rules = RestorationSettings.of(self.workspace.settings)
        figures = desk_figures(outages, self.work, calls, self.network, rules)
        rows = pl.DataFrame([vars(figure) for figure in figures], schema=Figure.SCHEMA)
        form: dict[str, Any] = {"incidents": len(outages), "rows": rows.to_dicts()}
        return Answer("desk_kpi", rows, f"{len(outages)} incidents", lambda _: form)
