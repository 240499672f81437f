"""What the pages and routes of one application share: the network, its statistics and its board, each computed once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from network import Network, Supply
from reliability.as_of import known_until
from reliability.period import Period
from reliability.statistics import Query, Statistics
from reliability.targets import TargetResult, judge, plans
from repair.board import Board, board

Answer = TypeVar("Answer")

REMEMBERED = 200
"""Answers kept; a page asks for about a dozen."""


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
        """Supply in the normal state."""
        return self.net.energise()

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

    def targets(self, plan: str, year: int, level: str) -> list[TargetResult]:
        """Return every target of a plan judged on a year."""
        return self.remember(
            ("targets", plan, year, level), lambda: judge(self.statistics, plan, year, self.as_of, level)
        )

    def board(self, at: datetime | None = None) -> Board:
        """Return the dispatcher's board at a moment; by default as far as the data is known."""
        moment = at or self.as_of
        return self.remember(("board", moment), lambda: board(self.supply, self.net.workspace.tables, moment))
