"""What signals tell while they come in: heard, judged at once, and shown on the board."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from fudian.foundation import Foundation, Moment
from repair import Inference
from repair.desk.board import Board, board

REMEMBERED_DAYS = 30
"""Days for which live signals are kept; open incidents are kept for as long as they last."""

TOLD = 100
"""Changes and problems that one answer lists; their number is told besides."""


class LiveQuestions(Foundation):
    """The incidents of the workspace's signals and of those that came since."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hearing = threading.RLock()
        self._heard = [self.workspace.tables["signals"]]
        self._newest: datetime | None = None
        self._forgotten: datetime | None = None

    @property
    def _live(self) -> Inference:
        def take_all() -> Inference:
            inference = Inference(self.network.energise(), self.workspace.tables)
            inference.take(self.workspace.tables["signals"])
            return inference

        return self._kept.recall("live", take_all)

    @property
    def signals(self) -> pl.DataFrame:
        """All signals heard: those of the workspace, and those that came since."""
        with self._hearing:
            if len(self._heard) > 1:
                self._heard = [pl.concat(self._heard)]
            return self._heard[0]

    @property
    def now(self) -> datetime:
        """Until when the desk knows: the workspace, or the newest signal that came since."""
        return max(self.known_until, self._newest) if self._newest else self.known_until

    def hear(self, rows: list[dict[str, Any]], now: Moment = None, language: str | None = None) -> dict[str, Any]:
        """Take rows of the signals table into account, and tell what came of it.

        Args:
            rows: as in a file; what cannot be read is counted and told, and the rest is taken.
            now: local time at which they were heard; by default the clock.
            language: of the problems.
        """
        read, problems = self.workspace.read("signals", rows)
        with self._hearing:
            live = self._live
            live.reject(problems)
            problems = (*problems, *live.take(read, self.moment(now)))
            usable = live.places(read).filter(pl.col("place") >= 0).drop("place", "head")
            self._heard.append(usable.select(self._heard[0].columns))
            if live.newest is not None:
                self._newest = max(live.newest, self._newest or live.newest)
                self._forget(live, live.newest - timedelta(days=REMEMBERED_DAYS))
            changed = live.changes()
            self.memory.forget("board")
            return {
                "heard": len(rows),
                "changed": [each.as_dict() for each in changed[:TOLD]],
                "changes": len(changed),
                "problems": [problem.as_dict(language or self.language) for problem in problems[:TOLD]],
            }

    def _forget(self, live: Inference, before: datetime) -> None:
        """Forget what is older than the board shows, from time to time."""
        if before - (self._forgotten or before) >= timedelta(hours=1):
            live.forget(before)
            self._heard = [self.signals.filter(pl.Series(live.needed(self.signals)))]
        elif self._forgotten:
            return
        self._forgotten = before

    def incidents(self, language: str | None = None) -> dict[str, Any]:
        """Return the incidents that all signals heard tell of, and what is wrong with signals, in the contract's form."""
        with self._hearing:
            return self._live.as_dict(language or self.language)

    def board(self, at: Moment = None) -> Board:
        """Return the dispatcher's board at a moment: what is out, what came back, what is planned.

        Args:
            at: the moment; by default as far as is known.
        """
        moment = self.moment(at) or self.now
        with self._hearing:
            signals, live = self.signals, self._live if moment >= self.now else None
            tables = {**self.workspace.tables, "signals": signals}
            return self.memory.recall(
                ("board", moment), lambda: board(self.present(moment), tables, moment, inference=live)
            )
