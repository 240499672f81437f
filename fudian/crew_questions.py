"""Questions of who goes where: crews for open faults."""

from __future__ import annotations

from collections.abc import Mapping

from fudian.foundation import Moment, Names, Table, names
from fudian.live import LiveQuestions
from fudian.repair_questions import RepairQuestions
from network import FudianError, text
from repair.desk.board import Board, board
from repair.desk.crews.crew_plan import CrewPlan, crew_plan
from repair.desk.crews.open_work import OpenWork
from repair.desk.incidents import Told
from repair.settings import crew_settings


class CrewQuestions(RepairQuestions, LiveQuestions):
    """What can be told of the crews of a utility."""

    def crews(
        self,
        at: Moment = None,
        signals: Table | None = None,
        assign: Mapping[str, str] | Names = (),
        without: Names = (),
    ) -> CrewPlan:
        """Plan which crew goes to which open fault, in which order, so that customers are without power for the fewest hours.

        The place of a fault is uncertain: its sections are looked at one after the other, each with its probability. Who comes
        back by switching comes first. Crews that are under way by the table ``orders`` stay with what they do.

        Args:
            at: the moment; by default as far as is known.
            signals: rows of the signals table; by default those of the workspace, and what came since.
            assign: crews that a person has chosen, by incident: a mapping, or ``incident=crew`` each.
            without: crews that are not to be sent.

        Raises:
            UnknownIdError: there is no such crew.
            FudianError: there is no such open incident, or a chosen crew lacks the skills.
            WorkspaceError: the network has no source, or settings cannot be used.
        """
        self.network.require_sources()
        chosen = _chosen(assign)
        shown = self._board_of(at, signals)
        key = ("crews", shown, tuple(sorted(chosen.items())), names(without))

        def planned() -> CrewPlan:
            supply = self.present(shown.at)
            rules = crew_settings(self.workspace.settings)
            work = OpenWork(
                supply, self.workspace.tables, shown.at, rules, lambda branch: self.restore_in(supply, branch)
            )
            return crew_plan(work, work.faults(shown.active), chosen, names(without))

        return self.memory.recall(key, planned)

    def _board_of(self, at: Moment, signals: Table | None) -> Board:
        if signals is None:
            return self.board(at)
        heard, _ = self.table("signals", signals)
        moment = self.moment(at) or heard["time"].max()
        supply, tables = self.present(moment), {**self.workspace.tables, "signals": heard}  # type: ignore[arg-type]
        return board(supply, tables, moment, told=Told.by(supply, tables, moment))  # type: ignore[arg-type]


def _chosen(assign: Mapping[str, str] | Names) -> dict[str, str]:
    """Return crews by incident.

    Raises:
        FudianError: a word is no ``incident=crew``.
    """
    if isinstance(assign, Mapping):
        return dict(assign)
    found = {}
    for each in names(assign):
        incident, equals, crew = each.partition("=")
        if not (incident and equals and crew):
            raise FudianError(
                text("{given!r} names no incident and crew.", given=each), text("Write it as incident=crew.")
            )
        found[incident.strip()] = crew.strip()
    return found
