"""Tests of random cases that cost much: the gate draws some, ``make test-long`` ten times as many."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import settings

TIMES = int(os.environ.get("FUDIAN_TIMES", "1"))
"""How many times as many cases are drawn as in the gate."""

Test = TypeVar("Test", bound=Callable[..., Any])


def costly(examples: int) -> Callable[[Test], Test]:
    """Draw so many cases in the gate, and mark the test as one that is worth more where time allows.

    Args:
        examples: chosen so that the test takes some four seconds of the processor.
    """

    def mark(test: Test) -> Test:
        marked: Test = pytest.mark.costly(settings(max_examples=examples * TIMES)(test))
        return marked

    return mark
