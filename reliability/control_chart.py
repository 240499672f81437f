"""Control chart of single values and moving ranges (XmR): is a month out of the ordinary, or only up and down as usual?

The natural limits are the mean plus and minus 2.66 times the mean moving range (Wheeler, Understanding Variation, 1993;
2.66 = 3 / 1.128, where 1.128 is the mean range of two normal values).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LIMIT_FACTOR = 2.66
"""Distance of the natural limits from the mean, in mean moving ranges."""


RUN_ON_ONE_SIDE = 8
"""Values in a row on one side of the mean that are no chance any more (Wheeler)."""

RUN_OF_A_TREND = 6
"""Values in a row each above, or each below, the one before it that are no chance any more (Nelson 1984)."""


@dataclass(frozen=True)
class Run:
    """Values in a row that say that the process has changed although each lies within the limits.

    Attributes:
        kind: ``above`` or ``below`` the mean, ``rising`` or ``falling``.
        first, last: positions of its first and last value.
        length: known values in it.
    """

    kind: str
    first: int
    last: int
    length: int


@dataclass(frozen=True)
class Stretch:
    """Values between two stated changes of the process: they have a mean and natural limits of their own.

    Attributes:
        first, last: positions of its first and last value.
        mean: mean of the known values; ``None`` when nothing is known.
        lower, upper: natural limits, cut at what the figure can be; ``None`` with fewer than two values.
    """

    first: int
    last: int
    mean: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class ControlChart:
    """A run of values judged as a process.

    Attributes:
        values: as given, in order of time; ``None`` where there was none.
        mean: mean of the known values since the last stated change; ``None`` when nothing is known.
        lower, upper: natural limits since then, cut at what the figure can be; ``None`` with fewer than two values.
        signals: positions of the values outside the limits.
        runs: eight or more in a row on one side of the mean, six or more rising or falling, between two changes.
        stretches: the parts that stated changes make.
    """

    values: tuple[float | None, ...]
    mean: float | None
    lower: float | None
    upper: float | None
    signals: tuple[int, ...]
    runs: tuple[Run, ...] = ()
    stretches: tuple[Stretch, ...] = ()

    @property
    def stable(self) -> bool | None:
        """Whether every value lies within the limits and none makes a run; ``None`` when there are no limits."""
        return None if self.lower is None else not self.signals and not self.runs


def control_chart(
    values: Sequence[float | None],
    minimum: float | None = None,
    maximum: float | None = None,
    changes: Sequence[int] = (),
) -> ControlChart:
    """Return mean and natural limits of a run of values.

    Args:
        values: in order of time; ``None`` is left out, and the moving range goes from one known value to the next.
        minimum: the figure cannot be smaller, such as 0 %.
        maximum: the figure cannot be greater, such as 100 %.
        changes: positions at which the process was changed on purpose; limits and runs begin anew there.
    """
    starts = sorted({0, *(place for place in changes if 0 < place < len(values))})
    stretches: list[Stretch] = []
    signals: list[int] = []
    runs: list[Run] = []
    for first, following in pairwise([*starts, len(values)]):
        known = [(place, value) for place, value in enumerate(values[first:following], first) if value is not None]
        stretch = _limits(known, first, following - 1, minimum, maximum)
        stretches.append(stretch)
        if stretch.mean is None or stretch.lower is None or stretch.upper is None:
            continue
        signals += [place for place, value in known if not stretch.lower <= value <= stretch.upper]
        runs += _runs(known, stretch.mean)
    now = stretches[-1] if values else Stretch(0, -1, None, None, None)
    return ControlChart(
        tuple(values), now.mean, now.lower, now.upper, tuple(signals), tuple(runs), tuple(stretches) if values else ()
    )


def _limits(
    known: Sequence[tuple[int, float]], first: int, last: int, minimum: float | None, maximum: float | None
) -> Stretch:
    """Return the mean and natural limits of known values between two changes."""
    if not known:
        return Stretch(first, last, None, None, None)
    mean = sum(value for _, value in known) / len(known)
    if len(known) < 2:
        return Stretch(first, last, mean, None, None)
    ranges = [abs(after - before) for (_, before), (_, after) in pairwise(known)]
    reach = LIMIT_FACTOR * sum(ranges) / len(ranges)
    lower = mean - reach if minimum is None else max(mean - reach, minimum)
    upper = mean + reach if maximum is None else min(mean + reach, maximum)
    return Stretch(first, last, mean, lower, upper)


def _runs(known: Sequence[tuple[int, float]], mean: float) -> tuple[Run, ...]:
    """Return the runs of known values, in order of their beginning."""
    sides = ["above" if value > mean else "below" if value < mean else "" for _, value in known]
    steps = [
        "rising" if after > before else "falling" if after < before else ""
        for (_, before), (_, after) in pairwise(known)
    ]
    found = [
        Run(kind, known[first][0], known[last][0], last - first + 1)
        for kind, first, last in _stretches(sides)
        if last - first + 1 >= RUN_ON_ONE_SIDE
    ]
    found += [
        Run(kind, known[first][0], known[last + 1][0], last - first + 2)
        for kind, first, last in _stretches(steps)
        if last - first + 2 >= RUN_OF_A_TREND
    ]
    return tuple(sorted(found, key=lambda run: (run.first, run.kind)))


def _stretches(words: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the stretches of equal words that are not blank, each with its first and last place."""
    found: list[tuple[str, int, int]] = []
    for place, word in enumerate(words):
        if found and found[-1][0] == word and found[-1][2] == place - 1:
            found[-1] = (word, found[-1][1], place)
        elif word:
            found.append((word, place, place))
    return found
