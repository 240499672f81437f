"""The clock of the desk goes on whatever is done to that of the machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fudian.steady import SLIP, SteadyClock

NOON = datetime(2022, 7, 20, 12, tzinfo=UTC)


@given(
    st.lists(st.tuples(st.integers(0, 7200), st.sampled_from([0, 0, 0, 0.5, -0.5, 3600, -3600, -90_000])), max_size=30)
)
def test_it_runs_on_while_the_hands_are_set(steps: list[tuple[int, float]]) -> None:
    """It is the machine's while that was not set back; else as much later as time passed."""
    wall, passed = NOON, 0.0
    clock = SteadyClock(lambda: wall, lambda: passed)
    before, before_passed = clock.now(), passed
    for seconds, turned in steps:
        passed += seconds
        wall += timedelta(seconds=seconds + turned)
        now = clock.now()
        steady = before + timedelta(seconds=passed - before_passed)
        assert now == (wall if wall >= steady - SLIP else steady)
        assert now >= before - SLIP
        assert clock.told() == (now if now - wall > SLIP else None)
        before, before_passed = now, passed
