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


@dataclass(frozen=True)
class ControlChart:
    """A run of values judged as a process.

    Attributes:
        values: as given, in order of time; ``None`` where there was none.
        mean: mean of the known values; ``None`` when nothing is known.
        lower, upper: natural limits, cut at what the figure can be; ``None`` with fewer than two values.
        signals: positions of the values outside the limits.
    """

    values: tuple[float | None, ...]
    mean: float | None
    lower: float | None
    upper: float | None
    signals: tuple[int, ...]

    @property
    def stable(self) -> bool | None:
        """Whether every value lies within the limits; ``None`` when there are no limits."""
        return None if self.lower is None else not self.signals


def control_chart(
    values: Sequence[float | None], minimum: float | None = None, maximum: float | None = None
) -> ControlChart:
    """Return mean and natural limits of a run of values.

    Args:
        values: in order of time; ``None`` is left out, and the moving range goes from one known value to the next.
        minimum: the figure cannot be smaller, such as 0 %.
        maximum: the figure cannot be greater, such as 100 %.
    """
    known = [(position, value) for position, value in enumerate(values) if value is not None]
    if not known:
        return ControlChart(tuple(values), None, None, None, ())
    mean = sum(value for _, value in known) / len(known)
    if len(known) < 2:
        return ControlChart(tuple(values), mean, None, None, ())
    ranges = [abs(after - before) for (_, before), (_, after) in pairwise(known)]
    reach = LIMIT_FACTOR * sum(ranges) / len(ranges)
    lower = mean - reach if minimum is None else max(mean - reach, minimum)
    upper = mean + reach if maximum is None else min(mean + reach, maximum)
    outside = tuple(position for position, value in known if not lower <= value <= upper)
    return ControlChart(tuple(values), mean, lower, upper, outside)
