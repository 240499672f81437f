"""Long work as steps: what is done so far is told, and what nobody waits for any more ends at its next step."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from network.texts import Text


class NobodyWaitsError(BaseException):
    """Whoever asked has left. It is no failure that anybody handles: the work ends."""


@dataclass(frozen=True)
class Done:
    """How far long work is.

    Attributes:
        what: the part of it that is under way.
        done: how many of its steps are done.
        of: how many there are.
    """

    what: Text
    done: int
    of: int

    @property
    def is_all(self) -> bool:
        """Whether all is done."""
        return self.done >= self.of


asking: ContextVar[Callable[[], bool]] = ContextVar("asking", default=lambda: True)
"""Says whether somebody still waits for what this thread computes."""

telling: ContextVar[Callable[[Done], object]] = ContextVar("telling", default=lambda _: None)
"""Told how far it is."""


def step(what: Text, done: int, of: int) -> None:
    """Tell how far long work is, and end it where nobody waits for it.

    Raises:
        NobodyWaitsError: nobody does.
    """
    if not asking.get()():
        raise NobodyWaitsError
    telling.get()(Done(what, done, of))
