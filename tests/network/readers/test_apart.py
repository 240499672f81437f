"""Work of a foreign library ends, whatever it does."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from network import WorkspaceError
from network.readers.apart import apart


def _turn(to: float) -> float:
    """Work that the processor does for ever, and the clock for a while."""
    while to:
        to += 1.0
    return to


def _sleep(to: float) -> float:
    time.sleep(to)
    return to


@pytest.mark.parametrize("work", [_turn, _sleep])
def test_work_apart_is_stopped_by_the_processor_and_by_the_clock(work: Callable[[float], float]) -> None:
    began = time.monotonic()
    with pytest.raises(WorkspaceError, match="was not done after 1 s"):
        apart(work, 60.0, library="A library", seconds=1.0)
    assert time.monotonic() - began < 30.0
