"""Degrees against the coordinates of a plane or a drawing."""

import pytest

from network.readers.coordinates import are_degrees

COUNTY = [(113.6, 34.7), (113.61, 34.72), (113.7, 34.65)]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (COUNTY, True),
        ([(-119.2, 46.6), (-119.21, 46.62)], True),
        ([(113.6, 34.7)], True),
        ([(1, 1), (2, 1), (30, 28)], False),
        ([(1.5, 1.5), (12.2, 7.5), (29.5, 3.1)], False),
        ([(10, 20), (11, 20), (12, 22)], False),
        ([(0.1, 0.2), (0.3, 0.25)], False),
        ([(500_000.0, 3_800_000.0)], False),
        ([(200.0, 300.0), (201.5, 300.2)], False),
    ],
)
def test_points_alone(points: list[tuple[float, float]], expected: bool) -> None:
    assert are_degrees(points) is expected


def test_the_lengths_of_lines_decide_where_they_are_known() -> None:
    first, second = (12.1, 25.2), (12.9, 25.9)
    assert are_degrees([first, second])
    assert not are_degrees([first, second], [(first, second, 0.8)])
    far = [(100.0, 22.0), (111.0, 25.0)]
    assert not are_degrees(far)
    assert are_degrees(far, [(far[0], (100.01, 22.0), 1.2), (far[1], (111.0, 25.02), 2.5)])
