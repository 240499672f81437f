"""Numbers of users that were only stated, with ends written in two ways, and the count of every day beside the figures."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st

from network import network_from_tables
from reliability import Period
from reliability.query import Query
from reliability.record_checks import population_problems
from reliability.statistics import Statistics


@st.composite
def stated_numbers(draw: st.DrawFn) -> tuple[list[tuple[str, int, int, int]], str]:
    """Draw stated numbers of users: class, number, first day, day after the last; and how their ends are written (R1.23)."""
    found = []
    for region in ("urban", "rural"):
        day = draw(st.integers(0, 40))
        for _ in range(draw(st.integers(1, 4))):
            length, gap = draw(st.integers(2, 90)), draw(st.sampled_from([0, 0, 3, 10]))
            found.append((region, draw(st.integers(1, 500)), day, day + length))
            day += length + gap
    return found, draw(st.sampled_from(["inclusive", "exclusive"]))


STATED_OUTAGES = st.lists(
    st.tuples(st.sampled_from(["urban", "rural"]), st.integers(0, 300 * 24), st.integers(1, 200), st.integers(1, 90)),
    min_size=1,
    max_size=8,
)
"""Class, hour of the beginning, hours and users of outages that only name a number of users."""


def assert_as_counted_day_by_day(
    drawn: tuple[list[tuple[str, int, int, int]], str],
    outages: list[tuple[str, int, int, int]],
    first: int,
    last: int,
    engine: str = "polars",
) -> None:
    """Ends that are included or not, gaps and classes without a number, against the count of every day (R1.23)."""
    stated, ends = drawn
    origin, day, hour = datetime(2022, 1, 1), timedelta(days=1), timedelta(hours=1)
    written = timedelta() if ends == "exclusive" else day
    network = network_from_tables(
        {
            "population": [
                {"region_class": region, "users": users, "from": origin + since * day, "to": origin + until * day - written}
                for region, users, since, until in stated
            ],
            "outages": [
                {"outage_id": f"E{number}", "region_class": region, "start": origin + start * hour,
                 "end": origin + (start + lasted) * hour, "nature": "F-INT", "users": users}
                for number, (region, start, lasted, users) in enumerate(outages)
            ],
        },
        {"reliability": {"population_ends": ends}},
    )  # fmt: skip
    statistics = Statistics(network)
    row = statistics.statement(Query(Period(origin + first * day, origin + last * day), over=True), engine)["rows"][0]

    def on(region: str, at: int) -> int:
        return sum(users for stated_for, users, since, until in stated if stated_for == region and since <= at < until)

    people = sum(on(region, at) for region in ("urban", "rural") for at in range(first, last)) / (last - first)
    counted = [outage for outage in outages if on(outage[0], outage[1] // 24)]
    hours = sum(
        users * sum(first * 24 <= at < last * 24 for at in range(start, start + lasted))
        for _, start, lasted, users in counted
    )
    assert row["N_T"] == pytest.approx(people)
    assert row["CH"] == pytest.approx(hours)
    assert row["SAIDI-1"] == (pytest.approx(hours / people) if people else None)
    warned = [problem.object_id for problem in population_problems(network.workspace, statistics.settings)
              if problem.table == "outages"]  # fmt: skip
    assert warned == [f"E{number}" for number, each in enumerate(outages) if each not in counted]
