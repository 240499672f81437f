"""Automatic dispatch 自动派单: crews are sent as the plan has it, where the settings say so; a person's word counts before it."""

from __future__ import annotations

import logging
import threading

from fudian.desk import Desk
from fudian.utility import Utility
from network import FudianError, translate
from repair.desk.crews.crew_plan import Assignment, CrewPlan
from repair.settings import CrewSettings

LOOK_S = 15.0
"""After how many seconds the plan is looked at again."""

AUTOMATIC = "automatic"

_log = logging.getLogger("fudian")


class AutoDispatch:
    """Sends crews at a desk until it is closed.

    Args:
        desk: that sends them.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dispatch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send nobody any more."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(LOOK_S):
            try:
                dispatch_due(self.desk)
            except Exception:  # noqa: BLE001 (the loop outlives whatever it meets; the next look tries again)
                _log.exception("Crews could not be sent by themselves")


def dispatch_due(desk: Desk) -> list[tuple[str, str]]:
    """Send the crews that the plan sends now, each with the reason, and return incident and crew of each.

    Nobody is sent to what is only suspected, or to an incident of which a person said once who goes, be it that an order was
    taken back. A crew that has a job keeps it.

    Args:
        desk: that sends them.

    Raises:
        FudianError: the plan cannot be made.
        DeskStoreError: the store cannot be written.
    """
    utility = desk.utility
    if CrewSettings.of(utility.workspace.settings).dispatch != AUTOMATIC:
        return []
    plan, shown = utility.crews(), utility.board()
    sure = {
        each.key
        for each in shown.active
        if each.incident is None or each.record or each.incident.outage.state == "confirmed"
    }
    sent = []
    for assignment in plan.assignments:
        crew = _crew_now(plan, assignment)
        incident = assignment.fault.key
        sheet = desk.work.sheet(incident)
        if crew is None or incident not in sure or any(line.action == "assign" for line in sheet.history):
            continue
        said = [
            {"action": "assign", "crew_id": crew, "note": reason(utility, assignment)},
            {"action": "stage", "stage": "dispatched"},
        ]
        desk.decide_together(incident, said, "desk", f"dispatch:{incident}")
        sent.append((incident, crew))
    return sent


def _crew_now(plan: CrewPlan, assignment: Assignment) -> str | None:
    """Return the crew that leaves for an incident now by the plan: its first visit, while it is free and on duty."""
    first = assignment.visits[0] if assignment.visits else None
    if first is None or first.number != 1 or assignment.reason != "sent":
        return None
    crew = next(each for each in plan.crews if each.crew_id == first.crew_id)
    is_free = crew.heading_to is None and crew.free_min <= plan.rules.turnout_min
    return crew.crew_id if is_free else None


def reason(utility: Utility, assignment: Assignment) -> str:
    """Return why a crew is sent, for the sheet."""
    language = utility.language
    if assignment.next_best is None:
        return translate("sent by itself: no other crew can go", language)
    crew, hours = assignment.next_best
    return translate(
        "sent by itself: crew {crew} would cost {hours} customer-hours more", language, crew=crew, hours=f"{hours:.1f}"
    )


def automatic(utility: Utility) -> bool:
    """Tell whether crews are sent by themselves; not where the settings cannot be used, which the log says."""
    try:
        return CrewSettings.of(utility.workspace.settings).dispatch == AUTOMATIC
    except FudianError:
        _log.exception("Nobody is sent by itself: the settings of crews cannot be used")
        return False
