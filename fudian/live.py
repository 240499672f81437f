"""What signals tell while they come in: heard, judged at once, and shown on the board."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import polars as pl

from fudian.foundation import Foundation, Moment, Table, stating_settings
from fudian.memory import MOMENTS_KEPT, PLACES_KEPT
from network import FudianError, Network, Problem, Supply, text
from repair.desk.board import Board, board
from repair.desk.fed_again import after_operations
from repair.desk.heard import Heard
from repair.desk.incidents import ALONE, Told, state_told
from repair.desk.operations import Operations
from repair.desk.switched import Since, SwitchedInference
from repair.desk.work import Sheet, Work
from repair.settings import InferenceSettings

if TYPE_CHECKING:
    from fudian.outbox import Outbox

REMEMBERED_DAYS = 30
"""Days for which live signals are kept; open incidents are kept for as long as they last."""

STATES_BY = ("log", "desk", "signals")
"""How a state of the switches is told."""

TOLD = 100
"""Changes and problems that one answer lists; their number is told besides."""


class LiveQuestions(Foundation):
    """The incidents of the workspace's signals and of those that came since.

    Signals are judged one batch at a time. Who asks what they tell while a batch is being judged is told what was known before
    it, and waits for nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hearing = threading.Lock()
        self._heard: Heard | None = None
        self._newest: datetime | None = None
        self._newest_came = 0.0
        self._forgotten: datetime | None = None
        self._told: Told | None = None
        self._told_is_old = False
        self._is_asked = False
        self._switched: SwitchedInference | None = None
        self._followed: tuple[int, ...] = ()
        self.work = Work()
        self.outbox: Outbox | None = None

    @property
    def _live(self) -> SwitchedInference:
        """What judges signals as they come, in the state of the switches in which each was made."""
        operated = self.work.operations
        live = self._switched
        if live is None:
            signals = self.workspace.tables["signals"]
            live = SwitchedInference(self.network.energise(), self.workspace.tables, self._periods(operated))
            live.take(signals)
            self._heard = Heard.of(live.places(signals))
        elif operated.numbers != self._followed:
            live = live.follow(self._periods(operated), self.signals)
        self._switched, self._followed = live, operated.numbers
        return live

    def _periods(self, operated: Operations) -> list[Since]:
        """Return from when on which state of the switches held, as it was operated."""
        moments = sorted({each.at for each in operated.held})
        return [Since(moment, self._operated(moment, None, self.network)) for moment in moments]

    @property
    def signals(self) -> pl.DataFrame:
        """All signals heard: those of the workspace, and those that came since."""
        heard = self._heard
        return self.workspace.tables["signals"] if heard is None else heard.all.drop("place", "head")

    def heard_last(self, until: datetime) -> datetime | None:
        """Return the time of the last signal that was heard until a moment; ``None`` where there is none."""
        heard = self._heard or Heard.of(self.workspace.tables["signals"])
        return heard.newest_until(until)

    @property
    def now(self) -> datetime:
        """Until when the desk knows: the workspace, or the newest signal that came since and the whole minutes passed since."""
        clock = self._clock
        return self.known_until if clock is None else max(self.known_until, clock)

    @property
    def _clock(self) -> datetime | None:
        """The newest signal that came in while this runs, and the whole minutes passed since; ``None`` where none came."""
        if self._newest is None:
            return None
        return self._newest + timedelta(minutes=(monotonic() - self._newest_came) // 60)

    @property
    def forgotten_before(self) -> datetime | None:
        """The moment before which incidents that are over are forgotten; ``None`` where all are remembered."""
        return self._forgotten

    @property
    def skew_limit_min(self) -> float:
        """By how many minutes a signal may be ahead of the time at which it was heard."""
        return InferenceSettings.of(self.workspace.settings).skew_limit_min

    def reject(self, problems: Sequence[Problem] = (), repeated: pl.DataFrame | None = None) -> None:
        """Count rows of signals that cannot be read, and signals that came again."""
        with self._hearing:
            self._live.reject(problems)
            if repeated is not None and repeated.height:
                self._live.repeated(repeated)

    def ingest(self, rows: list[dict[str, Any]], now: Moment = None, language: str | None = None) -> dict[str, Any]:
        """Take rows of the signals table into account, and tell what came of it.

        Args:
            rows: as in a file; what cannot be read is counted and told, and the rest is taken.
            now: local time at which they were heard; by default the clock.
            language: of the problems.
        """
        read, problems = self.workspace.read("signals", rows)
        told = self.ingest_table(read, problems, now)
        said = [problem.as_dict(language or self.language) for problem in told["problems"]]
        return told | {"heard": len(rows), "problems": said}

    def ingest_table(
        self, read: pl.DataFrame, problems: Sequence[Problem] = (), now: Moment = None, is_certain: bool = False
    ) -> dict[str, Any]:
        """Take signals that were read already into account; see :meth:`ingest`.

        Args:
            read: table of signals.
            problems: what is wrong with rows that could not be read.
            now: local time at which they were heard; by default the clock.
            is_certain: whether that is what the clock said; else this machine's clock is asked, and is not run ahead of.
        """
        with self._hearing:
            live = self._live
            live.reject(problems)
            heard = self.moment(now)
            problems = (*problems, *live.take(read, heard, heard if is_certain else None))
            self._keep(live, read)
            changed = live.changes()
            self._told_is_old = True
            if self._is_asked or (changed and self.work.operations.held):
                told = {each.id: each for each in self._tell(live).outages}
                changed = tuple(told.get(each.id, each) for each in changed)
            return {
                "heard": read.height,
                "changed": [each.as_dict() for each in changed[:TOLD]],
                "changes": len(changed),
                "problems": problems[:TOLD],
            }

    def carry_on(self, before: LiveQuestions) -> None:
        """Hear what was heard before by an earlier version of the same workspace, as far as this one does not hold it itself.

        Args:
            before: the earlier version, which may go on hearing; what it hears later is carried on when asked again.
        """
        columns = ["time", "object", "object_id", "kind", "value"]
        self.work, self.outbox = before.work, before.outbox
        known = pl.concat([each.workspace.tables["signals"].select(columns) for each in (self, before)])
        further = before.signals.select(columns).join(known, on=columns, how="anti", nulls_equal=True)
        further = further.join(self.signals.select(columns), on=columns, how="anti", nulls_equal=True)
        if further.height:
            self.ingest(further.to_dicts(), before.now)

    def _keep(self, live: SwitchedInference, read: pl.DataFrame) -> None:
        """Keep what was heard, and forget what is older than the board shows."""
        heard = self._heard or Heard.of(live.places(self.workspace.tables["signals"]))
        self._heard = heard.and_then(live.places(read).filter(pl.col("place") >= 0))
        if live.newest is not None and (self._newest is None or live.newest > self._newest):
            self._newest, self._newest_came = live.newest, monotonic()
        if live.newest is not None:
            self._forget(live, live.newest - timedelta(days=REMEMBERED_DAYS))

    def _forget(self, live: SwitchedInference, before: datetime) -> None:
        """Forget what is older than the board shows, from time to time."""
        if before - (self._forgotten or before) >= timedelta(hours=1):
            live.forget(before)
            if self._heard is not None:
                self._heard = self._heard.only(live.needed, before)
        elif self._forgotten:
            return
        self._forgotten = before

    def told(self) -> Told:
        """Return what all signals heard tell now; while some are being judged, what was told before them."""
        told = self._told
        if not self._hearing.acquire(blocking=told is None):
            self._is_asked = True
            return told  # type: ignore[return-value]
        try:
            told = self._told
            is_switched = self._followed != self.work.operations.numbers
            if told is None or self._told_is_old or is_switched or self._is_later(told.at):
                told = self._tell(self._live)
            return told
        finally:
            self._hearing.release()

    def _is_later(self, moment: datetime | None) -> bool:
        """Whether time went on since a moment, for signals that came in while this runs."""
        clock = self._clock
        return clock is not None and moment is not None and clock > moment

    def _tell(self, live: SwitchedInference) -> Told:
        clock = self._clock
        if clock is not None:
            live.tick(clock)
        told = Told.of(live, self._heard or self.workspace.tables["signals"])
        self._told = self._after_operations(told, live, self.work.operations)
        self._told_is_old = self._is_asked = False
        self.memory.forget("board")
        self.memory.forget("told")
        return self._told

    def _after_operations(self, told: Told, live: SwitchedInference, operated: Operations) -> Told:
        """Return what was told, with those counted back whom operations have fed again."""

        def state_at(moment: datetime) -> Supply:
            return self._operated(moment, None, self.network)

        def serving() -> Supply:
            return self.present(told.at or self.now)

        return after_operations(told, state_at, operated.held, live.last_dark, live.sure_now, serving)

    @stating_settings
    def incidents(self, language: str | None = None) -> dict[str, Any]:
        """Return the incidents that all signals heard tell of, and what is wrong with signals, for commands and routes."""
        with self._hearing:
            live = self._live
            told = self._tell(live)
            problems = [problem.as_dict(language or self.language) for problem in live.problems]
            return {"newest": live.newest, "incidents": told.incidents, "problems": problems}

    def board(self, at: Moment = None) -> Board:
        """Return the dispatcher's board at a moment: what is out, what came back, what is planned.

        Args:
            at: the moment; by default as far as is known.
        """
        moment = self.moment(at) or self.now
        told, looks = self._told_at(moment), self.work.looks(datetime.max if at is None else moment)
        key = ("board", moment, told, looks)
        serving = self._serving(moment)

        def state_at(since: datetime) -> Supply:
            return self._operated(since, None, serving)

        def made() -> Board:
            supply, tables = self.present(moment), self.workspace.tables
            recall = partial(self.memory.recall, newest=PLACES_KEPT)
            return board(supply, tables, moment, told=told, looks=dict(looks), state_at=state_at, recall=recall)

        return self.memory.recall(key, made, newest=MOMENTS_KEPT)

    def state(self, at: Moment = None, switching: Table | None = None, by: str = "log") -> Supply:
        """Return the supply in a state of the switches, of what is in service on its day.

        Args:
            at: the moment; without one, and without a log, the normal state.
            switching: the log; by default that of the workspace.
            by: ``log``; ``desk``, with what was operated, cut and joined since, until now where no moment is named; or
                ``signals``, where besides what signals tell is open is open.

        Raises:
            UnknownIdError: the log operates a branch that the network does not have.
            WorkspaceError: the log has no usable row.
            FudianError: ``by`` is none of these.
        """
        require_way(by)
        if by == "log":
            return super().state(at, switching)
        moment = self.moment(at)
        supply = self._operated(moment, switching, self._serving(moment or self.now))
        return supply if by == "desk" else state_told(supply, self._told_at(moment or self.now))

    def _operated(
        self, moment: datetime | None, switching: Table | None, net: Network, before: datetime | None = None
    ) -> Supply:
        """Return a network as the log leaves it at a moment, and what was operated since; now without a moment.

        Of the operations of switches only those before another moment count, where one is named.
        """
        log = self.workspace.tables["switching"] if switching is None else self.table("switching", switching)[0]
        held = self.work.operations.until(moment)
        if before is not None:
            held = held.without({each.number for each in held.since(before)})
        logged = log.filter(pl.col("time") <= (moment or self.now))

        def energised() -> Supply:
            return net.joined(held.jumpers).energise(pl.concat([logged, held.rows], how="diagonal_relaxed"))

        if switching is not None:
            return energised()
        return self.memory.recall(("operated", net, logged.height, held.numbers), energised, newest=MOMENTS_KEPT)

    @stating_settings
    def operated(self, at: Moment = None) -> dict[str, Any]:
        """Return what was operated until a moment, and in what the state of the switches then differs from the normal one.

        Args:
            at: the moment; by default now.

        Returns:
            ``operations`` (all that were told, with those that were undone), ``opened`` and ``closed`` (branches that are not as
            they normally are), ``cuts``, ``jumpers`` (each with its nodes), ``dead`` (transformers without supply) and ``at``.
        """
        moment = self.moment(at)
        told, held = self.work.operations, self.work.operations.until(moment)
        supply = self.state(moment, by="desk")
        net = supply.network
        differs, ids = supply.is_open != net.normally_open, net.branches["branch_id"]
        jumpers = [vars(jumper) for jumper in held.jumpers]
        return {
            "at": (moment or self.now).isoformat(),
            "operations": [each.as_dict() for each in told.history if moment is None or each.at <= moment],
            "opened": ids.filter(pl.Series(differs & supply.is_open)).to_list(),
            "closed": ids.filter(pl.Series(differs & ~supply.is_open)).to_list(),
            "cuts": list(held.cuts),
            "jumpers": jumpers,
            "dead": supply.dead(),
        }

    @stating_settings
    def sheet(self, incident: str) -> Sheet:
        """Return the sheet of an incident: its stages, orders and decisions.

        Args:
            incident: its id; that of a record where no signal told of it.

        Raises:
            FudianError: neither signals nor a record tell of such an incident, and nothing was decided of it.
        """
        if incident not in self.work.sheets and incident not in self.incident_ids():
            raise FudianError(
                text("There is no incident {incident!r}.", incident=incident), text("The board lists those there are.")
            )
        return replace(self.work.sheet(incident), fed_again_at=self.told().partly_restored_at(incident))

    def incident_ids(self) -> set[str]:
        """Return the ids of all incidents: by signals, by records, and those that were split off."""
        split = {into for _, into in self.work.moves.values()}
        records = self._kept.recall("outage_ids", lambda: set(self.workspace.tables["outages"]["outage_id"]))
        return records | split | {outage.id for outage in self.told().outages}

    def low_voltage_place(self, incident: str) -> dict[str, Any] | None:
        """Return where an incident of single users lies: down to meter box and phase where the table of customers has them.

        Args:
            incident: its id.

        Returns:
            ``transformer_id``, ``boxes`` (meter boxes of its customers), ``phases`` (those that are lost, else those of its
            customers; blank where unknown); ``None`` where it is of a line, or not known.
        """
        outage = next((each for each in self.told().outages if each.id == incident), None)
        if outage is None or outage.level not in ALONE:
            return None
        customers = self.network.customers.filter(pl.col("customer_id").is_in(outage.customer_ids))
        boxes, phases = (customers[name].drop_nulls().unique().sort().to_list() for name in ("box_id", "phase"))
        of_customer = customers["transformer_id"].to_list()[:1]
        transformer = of_customer[0] if outage.level in {"box", "customer"} and of_customer else outage.object_id
        own = outage.phases or ("".join(phases) if len(phases) == 1 else "")
        return {"transformer_id": transformer, "boxes": boxes, "phases": "".join(own)}

    def _told_at(self, moment: datetime) -> Told:
        """Return what signals tell at a moment: all that was heard, or what was heard by then."""
        if moment >= self.now:
            return self.told()
        operated = self.work.operations.until(moment)

        def told() -> Told:
            signals = self.signals.filter(pl.col("time") <= moment)
            inference = SwitchedInference(self.network.energise(), self.workspace.tables, self._periods(operated))
            inference.take(signals)
            inference.tick(moment)
            return self._after_operations(Told.of(inference, signals), inference, operated)

        return self.memory.recall(("told", moment, operated.numbers), told, newest=MOMENTS_KEPT)


def require_way(by: str) -> None:
    """Make sure that a state is told in a way that there is.

    Raises:
        FudianError: it is not.
    """
    if by not in STATES_BY:
        raise FudianError(
            text("A state is not told by {word!r}.", word=by), text("Use one of {known}.", known=", ".join(STATES_BY))
        )
