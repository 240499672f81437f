"""Times and periods as people type them, with a dash, a stroke, a dot or in Chinese."""

from __future__ import annotations

from datetime import datetime

import pytest

from network import FudianError
from network.tables.times import typed_time
from reliability.period import Period


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2022-03-01 08:00", datetime(2022, 3, 1, 8)),
        ("2022/3/1 8:00", datetime(2022, 3, 1, 8)),
        ("2022.3.1", datetime(2022, 3, 1)),
        ("2022-3-1 8:05:07", datetime(2022, 3, 1, 8, 5, 7)),
        ("2022年3月1日", datetime(2022, 3, 1)),
        ("2022年3月1日 8点30分", datetime(2022, 3, 1, 8, 30)),
        (" 2022年3月1日8时 ", datetime(2022, 3, 1, 8)),
    ],
)
def test_a_time_is_read_as_it_is_typed(typed: str, moment: datetime) -> None:
    assert typed_time(typed) == moment


@pytest.mark.parametrize("typed", ["", "yesterday", "2022/13/1", "2022/2/30", "2022/3/1 25:00", "44562", "3/1/2022"])
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  each of them says it in its own words
        typed_time(typed)


@pytest.mark.parametrize(
    ("typed", "start", "end"),
    [
        ("2022", datetime(2022, 1, 1), datetime(2023, 1, 1)),
        ("2022年", datetime(2022, 1, 1), datetime(2023, 1, 1)),
        ("2022/6", datetime(2022, 6, 1), datetime(2022, 7, 1)),
        ("2022年12月", datetime(2022, 12, 1), datetime(2023, 1, 1)),
        ("2022/6/9", datetime(2022, 6, 9), datetime(2022, 6, 10)),
        ("2022年6月9日", datetime(2022, 6, 9), datetime(2022, 6, 10)),
        ("2022/1/1..2022/7/1", datetime(2022, 1, 1), datetime(2022, 7, 1)),
    ],
)
def test_a_period_is_read_as_it_is_typed(typed: str, start: datetime, end: datetime) -> None:
    period = Period.parse(typed)
    assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize("typed", ["2022/13", "2022-06-01 08:00", "June", "22"])
def test_what_is_no_period_is_refused(typed: str) -> None:
    with pytest.raises(FudianError, match="is no period"):
        Period.parse(typed)
