"""Monthly SAIDI and the live-line ratio as processes: counted by hand, limits split where the settings state a change."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from network import FudianError, WorkspaceError, network_from_tables
from reliability.statistics import Statistics
from reliability.steering.process import process
from tests.reliability.records import bus

END = datetime(2022, 1, 1)
HOURS = [4, 8, 4, 8, 4, 8, 20, 24, 20, 24, 20, 24]
"""Customer-hours of each month of 2021: another process from July on."""


def county(
    changes: dict[str, str] | None = None, live: Sequence[tuple[int, int]] = (), hours_of: Sequence[int] = HOURS
) -> Statistics:
    """Four users; one of them off once a month; of each month so many live jobs and planned outages of no length."""
    outages: list[dict[str, Any]] = [
        {"outage_id": f"E{month}", "transformer_id": "T0", "start": datetime(2021, month, 5),
         "end": datetime(2021, month, 5) + timedelta(hours=hours), "nature": "F-INT"}
        for month, hours in enumerate(hours_of, start=1)
    ]  # fmt: skip
    jobs = []
    for month, (done, off) in enumerate(live, start=1):
        jobs += [
            {"job_id": f"L{month}-{n}", "start": datetime(2021, month, 9), "users_off": 2, "outage_h": 3.0}
            for n in range(done)
        ]
        outages += [
            {"outage_id": f"W{month}-{n}", "transformer_id": "T1", "start": datetime(2021, month, 10 + n, 8),
             "end": datetime(2021, month, 10 + n, 10), "nature": "P-PLAN-MAINT"}
            for n in range(off)
        ]  # fmt: skip
    tables = {**bus(4), "outages": outages, **({"live_jobs": jobs} if jobs else {})}
    return Statistics(network_from_tables(tables, {"steering": {"process_changes": changes or {}}}))


def test_monthly_saidi_has_numerator_denominator_and_limits_by_hand() -> None:
    found = process(county(), "saidi", END)
    assert found.numerators == tuple(map(float, HOURS))
    assert found.denominators == pytest.approx((4.0,) * 12)
    assert found.chart.values == pytest.approx([hours / 4 for hours in HOURS])
    # mean 3.5; moving ranges are 1, but for 3 in July: 13 / 11
    assert found.chart.mean == pytest.approx(3.5)
    assert found.chart.upper == pytest.approx(3.5 + 2.66 * 13 / 11)
    assert found.chart.lower == pytest.approx(3.5 - 2.66 * 13 / 11)
    assert (found.months[0], found.months[-1], found.unit) == ("2021-01", "2021-12", "h")


def test_limits_are_split_where_the_settings_state_a_change() -> None:
    what = {"2021-07": "带电作业班撤销", "2019-01": "早于记录"}
    found = process(county(what), "saidi", END)
    assert [(stretch.first, stretch.last) for stretch in found.chart.stretches] == [(0, 5), (6, 11)]
    assert [stretch.mean for stretch in found.chart.stretches] == pytest.approx([1.5, 5.5])
    assert [stretch.upper for stretch in found.chart.stretches] == pytest.approx([1.5 + 2.66, 5.5 + 2.66])
    assert found.chart.stable
    said = [str(sentence) for sentence in found.says]
    assert "since 2021-07 the mean is 5.50" in said[0]
    assert "from 2021-07 on: 带电作业班撤销" in said
    assert any("need no comment" in each for each in said)
    assert "2019-01" in str(found.notes[0])
    told = found.as_dict("zh")
    assert [row["mean"] for row in told["rows"]] == pytest.approx([1.5] * 6 + [5.5] * 6)
    assert told["basis"]["process_changes"] == {"2021-07": "带电作业班撤销"}


def test_the_live_line_ratio_with_its_parts() -> None:
    live = [(3, 1), (9, 1), (1, 1), (4, 0)]
    found = process(county(live=live), "live_jobs", datetime(2021, 5, 3))
    assert found.numerators == (3, 9, 1, 4)
    assert found.denominators == (4, 10, 2, 4)
    assert found.chart.values == pytest.approx([75.0, 90.0, 50.0, 100.0])
    assert "not over" in str(found.notes[0])
    hours = process(county(live=live), "live_hours", datetime(2021, 5, 1))
    assert hours.numerators == pytest.approx([18.0, 54.0, 6.0, 24.0])
    assert hours.denominators == pytest.approx([20.0, 56.0, 8.0, 24.0])
    assert hours.notes == ()


def test_months_without_live_jobs_are_unknown_and_too_few_months_say_so() -> None:
    nothing = process(county(), "live_jobs", END)
    assert set(nothing.chart.values) == {None}
    assert [str(sentence) for sentence in nothing.says] == ["no month of it is known"]
    one = process(county(), "saidi", datetime(2021, 2, 1))
    assert "too few" in str(one.says[0])
    none = process(county(), "saidi", datetime(2021, 1, 20))
    assert none.months == ()
    assert "no month" in str(none.says[0])


def test_runs_are_said_with_their_months() -> None:
    found = process(county(hours_of=[12, 6, 4, 6, 8, 10, 12, 14, 12, 14, 12, 14]), "saidi", END)
    said = [str(sentence) for sentence in found.says]
    assert "6 months in a row rising from 2021-03 to 2021-08: the process is changing" in said
    assert not any("need no comment" in each for each in said)
    assert "months in a row" not in " ".join(map(str, process(county(), "saidi", END).says))  # six on a side are no run


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(FudianError, match="SAIFI"):
        process(county(), "SAIFI", END)
    with pytest.raises(WorkspaceError):
        process(county({"2021-13": "no such month"}), "saidi", END)
