"""Coordinates of a source: longitude and latitude, or the metres and millimetres of a plane."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import TypeAlias

Point: TypeAlias = "tuple[float, float]"

LARGEST_AREA_DEGREES = 5.0
"""No distribution network reaches over more of the earth: 500 km. Own limit."""

LONGEST_BESIDE_LENGTH = 20.0
"""How many times farther apart than they are long the ends of lines may lie, by the middle one of all. Own limit."""

_KM_PER_DEGREE = 111.2


def are_degrees(points: Sequence[Point], lines: Iterable[tuple[Point, Point, float | None]] = ()) -> bool:
    """Return whether points are longitude and latitude, and not coordinates of a plane or a drawing.

    Small numbers could be either. Degrees of a distribution network lie on land, put the ends of a line no farther apart than it
    is long, or else lie close together and are no whole numbers.

    Args:
        points: x and y, or longitude and latitude.
        lines: both ends and length in km, where it is known, of the lines between such points.
    """
    if any(abs(lon) > 180 or abs(lat) > 90 for lon, lat in points) or all(_at_sea(*point) for point in points):
        return False
    beside = [_kilometres(first, second) / length for first, second, length in lines if length]
    if beside:
        return median(beside) <= LONGEST_BESIDE_LENGTH
    spread = max(max(each) - min(each) for each in zip(*points, strict=True))
    return spread <= LARGEST_AREA_DEGREES and not (
        len(points) > 1 and all(float(x).is_integer() for point in points for x in point)
    )


def _at_sea(lon: float, lat: float) -> bool:
    """Return whether a point lies in the Gulf of Guinea, where longitude and latitude are near zero and no land is."""
    return abs(lon) <= 5 and abs(lat) <= 4


def _kilometres(first: Point, second: Point) -> float:
    """Return how far two points are apart, each in degrees."""
    across = (first[0] - second[0]) * math.cos(math.radians((first[1] + second[1]) / 2))
    return _KM_PER_DEGREE * math.hypot(across, first[1] - second[1])
