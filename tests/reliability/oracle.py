"""Records as they come, counted by the statistics on any engine and by a look at every user in every minute."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import date

import pytest

from reliability.query import Query
from reliability.record_checks import open_outages
from reliability.statistics import Statistics
from tests.reliability.records import EVENING, MINUTE, Scene
from tests.reliability.slow import Rules, Slow

DAYS = (EVENING.date(), EVENING.date().replace(day=EVENING.day + 1))
"""The days on which the records of a scene begin."""


def assert_as_counted_by_the_minute(
    scene: Scene,
    drawn: Rules,
    first: int,
    last: int,
    as_of: int | None,
    days: Collection[date],
    open_min: int,
    engine: str,
) -> None:
    """Compare figures, their parts by nature, and what is warned of.

    Args:
        scene: of :func:`tests.reliability.records.scenes_as_written`.
        drawn: the rules.
        first: minute in which the period begins.
        last: minute in which it ends.
        as_of: minute until which anything is known.
        days: the approved major event days, which are left out (R1.17).
        open_min: after so many minutes an outage without an end is warned of (R1.20).
        engine: on which the figures are computed.
    """
    assert scene.states is not None
    rules = asdict(drawn) | {
        "record_state": "as_logged" if scene.states.as_logged else "normal",
        "event_window_min": scene.states.window,
        "log_open_days": scene.states.longest / 1440,
        "major_event_days": [day.isoformat() for day in days],
        "open_warning_days": open_min / 1440,
    }
    statistics = Statistics(scene.network(rules))
    refused = [problem for problem in statistics.net.workspace.errors if problem.table == "outages"]
    assert {(problem.object_id, problem.column) for problem in refused} == {
        (row["outage_id"], "end") for row in scene.refused
    }

    kept = [outage for outage in scene.outages if (scene.start + outage["start"] * MINUTE).date() not in days]
    slow = Slow(replace(scene, outages=kept), drawn, first, last, as_of)
    until = None if as_of is None else scene.start + as_of * MINUTE
    query = Query(slow.period, med="exclude", as_of=until)
    row = statistics.indices(query, engine).row(0, named=True)
    figures = slow.figures(drawn.sustained_threshold_min, only_sustained=False)
    assert row["N_T"] == pytest.approx(figures["N_T"])
    assert (row["CI"], row["CN"], row["CH"]) == (figures["CI"], figures["CN"], pytest.approx(figures["CH"]))

    hours, counts = slow.by_nature()
    by_nature = {each["nature"]: each for each in statistics.indices(replace(query, by=("nature",)), engine).to_dicts()}
    for nature in {*by_nature, *hours, *counts}:
        part = by_nature.get(nature, {"CH": 0, "CI": 0})
        assert part["CH"] == pytest.approx(hours.get(nature, 0)), nature
        assert part["CI"] == counts.get(nature, 0), nature

    oldest = statistics.known_until - open_min * MINUTE
    lasting = [
        outage["outage_id"]
        for outage in scene.outages
        if outage["end"] is None and scene.start + outage["start"] * MINUTE < oldest
    ]
    warned = open_outages(statistics.net.workspace, statistics.known_until, statistics.settings)
    if len(scene.outages) > 1 and all(outage["end"] is None for outage in scene.outages):
        assert len(warned) == bool(lasting)
    else:
        assert sorted(str(problem.object_id) for problem in warned) == sorted(lasting)
