"""What the pages and routes of one application share: the network, its statistics and its board, each computed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

from dashboard.sweep import Sweep
from network import Network, Supply
from network.tables.as_of import known_until
from reliability.period import Period
from reliability.statistics import Query, Statistics
from reliability.targets import TargetResult, judge, metrics, plans
from repair.desk.board import Board, board
from repair.inference.outages import Inference
from repair.planned.calendar_plan import CalendarPlan, calendar_plan
from repair.planned.plan_desk import PlanDesk
from repair.planned.precheck import PlanCheck, precheck
from repair.restoration.grid_figures import N_1, further_figures, grid_figures
from repair.restoration.n_minus_1 import NMinus1
from repair.restoration.restorer import RestorationPlan, Restorer

Answer = TypeVar("Answer")

REMEMBERED = 200
"""Answers kept; a page asks for about a dozen."""

REMEMBERED_DAYS = 30
"""Days for which live signals are kept; open incidents are kept for as long as they last."""

TOLD = 100
"""Changes and problems that one answer lists; their number is told besides."""


class Service:
    """The answers over one workspace.

    Attributes:
        net: the network with its tables.
        language: language of addresses that name none.
        statistics: the reliability side.
    """

    def __init__(self, net: Network, language: str = "zh") -> None:
        self.net = net
        self.language = language
        self.statistics = Statistics(net)
        self._remembered: dict[Hashable, Any] = {}
        self._lock = threading.RLock()
        self._heard = [net.workspace.tables["signals"]]
        self._newest: datetime | None = None
        self._forgotten: datetime | None = None

    def remember(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """Return the answer under a key, made once."""
        if key not in self._remembered:
            answer = make()
            if len(self._remembered) >= REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)), None)
            self._remembered[key] = answer
            return answer
        found: Answer = self._remembered[key]
        return found

    @property
    def name(self) -> str:
        """Name of the utility or area, from the settings; blank where none is given."""
        return str(self.net.workspace.settings.get("name", ""))

    @cached_property
    def as_of(self) -> datetime:
        """Until when the data is known."""
        return known_until(self.net.workspace)

    @cached_property
    def supply(self) -> Supply:
        """Supply in the normal state, of all that was ever in service."""
        return self.net.energise()

    def present(self, at: datetime | None = None) -> Supply:
        """Return the supply in the normal state of what is in service on the day of a moment; by default as far as is known."""
        day = datetime.combine((at or self.now).date(), time.min)
        return self.remember(("present", day), lambda: self._one_supply(self.net.in_service(day)))

    def _one_supply(self, net: Network) -> Supply:
        """Return the supply of a network of some day, the same for all days on which the same is in service."""
        hanging = (net.transformer_node, net.customer_transformer, net.customer_second_transformer)
        return self.remember(("supply", *(hash(each.tobytes()) for each in hanging)), net.energise)

    @cached_property
    def years(self) -> list[int]:
        """Calendar years with records."""
        return self.statistics.years()

    @cached_property
    def plans(self) -> list[str]:
        """Plans that can be judged."""
        return plans(self.statistics)

    def query(self, year: int, level: str = "mv", med: str = "include", by: tuple[str, ...] = ()) -> Query:
        """Return the query of a calendar year as far as it is known."""
        return Query(Period.year(year), by, level, med, self.as_of)

    def targets(
        self, plan: str, year: int, level: str = "mv", as_of: datetime | None = None, wait_s: float = 0.0
    ) -> list[TargetResult]:
        """Return every target of a plan judged on a year; what takes the N-1 test says how far that is.

        Args:
            plan: of the targets.
            year: calendar year.
            level: user level of the figures.
            as_of: nothing later is known; by default all that is.
            wait_s: for how long the N-1 test is waited for.
        """
        further, is_done = None, True
        if N_1 in metrics(self.statistics, plan):
            swept = self.n_minus_1(wait_s)
            further, is_done = further_figures(self.statistics, swept), swept.complete
        return self.remember(
            ("targets", plan, year, level, as_of, is_done),
            lambda: judge(self.statistics, plan, year, as_of or self.as_of, level, further),
        )

    def restoration(
        self,
        fault: str,
        refused: tuple[str, ...] = (),
        objective: str | None = None,
        at: datetime | None = None,
    ) -> RestorationPlan:
        """Return the plan that brings power back around a fault in the normal state, without the devices that do not move.

        Args:
            fault: the faulted branch.
            refused: devices that do not move.
            objective: ``customers`` or ``kw``; that of the settings by default.
            at: what is in service on the day of this moment counts; by default as far as is known.

        Raises:
            UnknownIdError: a branch is not in the network.
            FudianError: nothing clears the fault, or no plan can be proven.
        """
        supply = self.present(at)
        restorer = self.remember(("restorer", supply), lambda: Restorer.of(supply))
        return self.remember(
            ("restore", fault, refused, objective, supply), lambda: restorer.plan(fault, refused, objective)
        )

    def grid(self, plan: str, language: str, wait_s: float = 0.0) -> dict[str, Any]:
        """Return the figures of the grid, as far as the N-1 test is done after waiting for it as long as this."""
        metrics(self.statistics, plan)
        return grid_figures(self.statistics, plan, self.n_minus_1(wait_s), language)

    def n_minus_1(self, wait_s: float = 0.0) -> NMinus1:
        """Return the N-1 test of the normal state as far as it is done; the first call begins it, in a thread of its own.

        Args:
            wait_s: return sooner than this only when it is over.

        Raises:
            FudianError: it cannot be done.
        """
        with self._lock:
            sweep = self._sweep
        return sweep.result(wait_s)

    @cached_property
    def _sweep(self) -> Sweep:
        return Sweep(self.present(self.as_of))

    @cached_property
    def desk(self) -> PlanDesk:
        """The planned outages to come."""
        return PlanDesk.of(self.statistics, as_of=self.as_of)

    @property
    def checks(self) -> list[PlanCheck]:
        """The check of every planned outage to come."""
        return self.remember("prechecks", lambda: precheck(self.desk))

    def calendar(self, live_as_outage: bool = False) -> CalendarPlan:
        """Return the best calendar of the planned outages to come."""
        return self.remember(("calendar", live_as_outage), lambda: calendar_plan(self.desk, live_as_outage))

    # Live signals -------------------------------------------------------------------------------------------------

    @cached_property
    def _inference(self) -> Inference:
        live = Inference(self.supply, self.net.workspace.tables)
        live.take(self.net.workspace.tables["signals"])
        return live

    @property
    def signals(self) -> pl.DataFrame:
        """All signals heard: those of the workspace, and those that came since."""
        with self._lock:
            if len(self._heard) > 1:
                self._heard = [pl.concat(self._heard)]
            return self._heard[0]

    @property
    def now(self) -> datetime:
        """Until when the desk knows: the workspace, or the newest signal that came since."""
        return max(self.as_of, self._newest) if self._newest else self.as_of

    def hear(self, rows: list[dict[str, Any]], now: datetime | None, language: str) -> dict[str, Any]:
        """Take rows of the signals table into account, and tell what came of it.

        Args:
            rows: as in a file; what cannot be read is counted and told, and the rest is taken.
            now: local time at which they were heard; by default the clock.
            language: of the problems.
        """
        read, problems = self.net.workspace.read("signals", rows)
        with self._lock:
            live = self._inference
            live.reject(problems)
            live.take(read, now)
            usable = live.places(read).filter(pl.col("place") >= 0).drop("place", "head")
            self._heard.append(usable.select(self._heard[0].columns))
            if live.newest is not None:
                self._newest = max(live.newest, self._newest or live.newest)
                self._forget(live, live.newest - timedelta(days=REMEMBERED_DAYS))
            changed = live.changes()
            self._remembered = {key: value for key, value in self._remembered.items() if not _is_board(key)}
            told = [problem.as_dict(language) for problem in problems[:TOLD]]
            return {
                "heard": len(rows),
                "changed": [each.as_dict() for each in changed[:TOLD]],
                "changes": len(changed),
                "problems": told,
            }

    def _forget(self, live: Inference, before: datetime) -> None:
        """Forget what is older than the board shows, from time to time."""
        if before - (self._forgotten or before) >= timedelta(hours=1):
            live.forget(before)
            self._heard = [self.signals.filter(pl.col("time") >= before)]
        elif self._forgotten:
            return
        self._forgotten = before

    def inferred(self, language: str) -> dict[str, Any]:
        """Return the incidents that all signals tell of, and what is wrong with signals."""
        with self._lock:
            return self._inference.as_dict(language)

    def board(self, at: datetime | None = None) -> Board:
        """Return the dispatcher's board at a moment; by default as far as is known."""
        moment = at or self.now
        with self._lock:
            signals, live = self.signals, self._inference if moment >= self.now else None
            tables = {**self.net.workspace.tables, "signals": signals}
            return self.remember(("board", moment), lambda: board(self.present(moment), tables, moment, inference=live))


def _is_board(key: Hashable) -> bool:
    return isinstance(key, tuple) and key[:1] == ("board",)
