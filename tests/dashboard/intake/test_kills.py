"""A desk that is killed while a storm comes in: the short form of ``python -m benchmarks.desk kill``."""

from __future__ import annotations

import pytest

from benchmarks.desk import kill


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("way", ["http", "mqtt"])
def test_a_storm_over_kills_leaves_the_desk_of_an_undisturbed_one(way: str, kind: str) -> None:
    came = kill(2, way, kind)
    assert (came["lost"], came["doubled"]) == (0, 0)
    assert came["acknowledged"] >= 72
    assert came["decisions"] >= 5
    assert came["equals an undisturbed desk"]
