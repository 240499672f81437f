"""What signals tell while they come in: heard, judged at once, and shown on the board."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import polars as pl

from fudian.foundation import Foundation, Moment, Table
from network import FudianError, Problem, Supply, text
from repair import Inference
from repair.desk.board import Board, board
from repair.desk.incidents import Told, state_told

REMEMBERED_DAYS = 30
"""Days for which live signals are kept; open incidents are kept for as long as they last."""

TOLD = 100
"""Changes and problems that one answer lists; their number is told besides."""

MOST_PARTS = 64
"""Batches of signals that lie apart in memory, until they are joined."""


class LiveQuestions(Foundation):
    """The incidents of the workspace's signals and of those that came since.

    Signals are judged one batch at a time. Who asks what they tell while a batch is being judged is told what was known before
    it, and waits for nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hearing = threading.Lock()
        self._heard: pl.DataFrame | None = None
        self._newest: datetime | None = None
        self._newest_came = 0.0
        self._forgotten: datetime | None = None
        self._told: Told | None = None
        self._told_is_old = False
        self._is_asked = False

    @property
    def _live(self) -> Inference:
        def take_all() -> Inference:
            inference = Inference(self.network.energise(), self.workspace.tables)
            signals = self.workspace.tables["signals"]
            inference.take(signals)
            self._heard = inference.places(signals)
            return inference

        return self._kept.recall("live", take_all)

    @property
    def signals(self) -> pl.DataFrame:
        """All signals heard: those of the workspace, and those that came since."""
        heard = self._heard
        return self.workspace.tables["signals"] if heard is None else heard.drop("place", "head")

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
    def skew_limit_min(self) -> float:
        """By how many minutes a signal may be ahead of the time at which it was heard."""
        return self._live.rules.skew_limit_min

    def reject(self, problems: Sequence[Problem] = (), repeated: pl.DataFrame | None = None) -> None:
        """Count rows of signals that cannot be read, and signals that came again."""
        with self._hearing:
            self._live.reject(problems)
            if repeated is not None and repeated.height:
                self._live.repeated(repeated)

    def hear(self, rows: list[dict[str, Any]], now: Moment = None, language: str | None = None) -> dict[str, Any]:
        """Take rows of the signals table into account, and tell what came of it.

        Args:
            rows: as in a file; what cannot be read is counted and told, and the rest is taken.
            now: local time at which they were heard; by default the clock.
            language: of the problems.
        """
        read, problems = self.workspace.read("signals", rows)
        told = self.hear_table(read, problems, now)
        said = [problem.as_dict(language or self.language) for problem in told["problems"]]
        return told | {"heard": len(rows), "problems": said}

    def hear_table(self, read: pl.DataFrame, problems: Sequence[Problem] = (), now: Moment = None) -> dict[str, Any]:
        """Take signals that were read already into account; see :meth:`hear`.

        Args:
            read: table of signals.
            problems: what is wrong with rows that could not be read.
            now: local time at which they were heard; by default the clock.
        """
        with self._hearing:
            live = self._live
            live.reject(problems)
            problems = (*problems, *live.take(read, self.moment(now)))
            self._keep(live, read)
            changed = live.changes()
            self._told_is_old = True
            if self._is_asked:
                self._tell(live)
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
        known = pl.concat([each.workspace.tables["signals"].select(columns) for each in (self, before)])
        further = before.signals.select(columns).join(known, on=columns, how="anti", nulls_equal=True)
        further = further.join(self.signals.select(columns), on=columns, how="anti", nulls_equal=True)
        if further.height:
            self.hear(further.to_dicts(), before.now)

    def _keep(self, live: Inference, read: pl.DataFrame) -> None:
        """Keep what was heard, and forget what is older than the board shows."""
        heard = self._heard if self._heard is not None else live.places(self.workspace.tables["signals"])
        placed = live.places(read).filter(pl.col("place") >= 0)
        self._heard = pl.concat([heard, placed.select(heard.columns)], rechunk=heard.n_chunks() >= MOST_PARTS)
        if live.newest is not None and (self._newest is None or live.newest > self._newest):
            self._newest, self._newest_came = live.newest, monotonic()
        if live.newest is not None:
            self._forget(live, live.newest - timedelta(days=REMEMBERED_DAYS))

    def _forget(self, live: Inference, before: datetime) -> None:
        """Forget what is older than the board shows, from time to time."""
        if before - (self._forgotten or before) >= timedelta(hours=1):
            live.forget(before)
            if self._heard is not None:
                self._heard = self._heard.filter(pl.Series(live.needed(self._heard)))
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
            if told is None or self._told_is_old or self._is_later(told.at):
                told = self._tell(self._live)
            return told
        finally:
            self._hearing.release()

    def _is_later(self, moment: datetime | None) -> bool:
        """Whether time went on since a moment, for signals that came in while this runs."""
        clock = self._clock
        return clock is not None and moment is not None and clock > moment

    def _tell(self, live: Inference) -> Told:
        clock = self._clock
        if clock is not None:
            live.tick(clock)
        signals = self.workspace.tables["signals"] if self._heard is None else self._heard
        self._told, self._told_is_old, self._is_asked = Told.of(live, signals), False, False
        self.memory.forget("board")
        return self._told

    def incidents(self, language: str | None = None) -> dict[str, Any]:
        """Return the incidents that all signals heard tell of, and what is wrong with signals, in the contract's form."""
        with self._hearing:
            live = self._live
            self._tell(live)
            return live.told(language or self.language)

    def board(self, at: Moment = None) -> Board:
        """Return the dispatcher's board at a moment: what is out, what came back, what is planned.

        Args:
            at: the moment; by default as far as is known.
        """
        moment = self.moment(at) or self.now
        told = self._told_at(moment)
        key = ("board", moment, told)
        return self.memory.recall(key, lambda: board(self.present(moment), self.workspace.tables, moment, told=told))

    def state(self, at: Moment = None, switching: Table | None = None, by: str = "log") -> Supply:
        """Return the supply in a state of the switches, of what is in service on its day.

        Args:
            at: the moment; without one, and without a log, the normal state.
            switching: the log; by default that of the workspace.
            by: ``log``; or ``signals``, where besides what signals tell is open is open, until now where no moment is named.

        Raises:
            UnknownIdError: the log operates a branch that the network does not have.
            WorkspaceError: the log has no usable row.
            FudianError: ``by`` is neither.
        """
        if by not in {"log", "signals"}:
            raise FudianError(text("A state is not told by {word!r}.", word=by), text("Say by log or by signals."))
        if by == "log":
            return super().state(at, switching)
        moment = self.moment(at) or self.now
        return state_told(super().state(moment, switching), self._told_at(moment))

    def _told_at(self, moment: datetime) -> Told:
        """Return what signals tell at a moment: all that was heard, or what was heard by then."""
        if moment >= self.now:
            return self.told()
        tables = {**self.workspace.tables, "signals": self.signals}
        key = ("board", "told", moment)
        return self.memory.recall(key, lambda: Told.by(self.network.energise(), tables, moment))
