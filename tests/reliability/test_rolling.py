"""Rolling indices by the calendar, and major event days, on ten years of daily sums of real utilities and on small cases."""

import math
import statistics as plain
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import FudianError
from reliability import Period, ReliabilitySettings
from reliability.major_event_days import judged_days
from reliability.query import Query
from reliability.rolling import rolling, rolling_indices
from tests.conftest import reference
from tests.reliability.records import bus, statistics

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def ten_years() -> pl.DataFrame:
    return pl.read_csv(reference("ieee_daily_2003_2012") / "daily.csv", try_parse_dates=True)


def test_the_rolling_indices_of_the_reference(ten_years: pl.DataFrame) -> None:
    """The file's window is the 182 days before a day, the day and the 182 after it, over the customers of that day.

    The first and the last 182 of its 3,471 days are left out: their windows hold days that are not in the file.
    """
    daily = ten_years.select(day="Date", CI="CI", CH=pl.col("CMI") / 60, users="total_customers")
    first, last = daily["day"][0], daily["day"][-1]
    found = rolling_indices(daily, first, last, 365, centred=True, users="day")
    known = found.drop_nulls("SAIFI").join(ten_years, left_on="day", right_on="Date")
    assert found.height == ten_years.height == 3471
    assert known["day"].to_list() == ten_years["Date"][182:-182].to_list()
    assert known.height == 3107
    for ours, theirs in (
        (known["SAIFI"], known["SAIFI_right"]), (known["SAIDI_h"] * 60, known["SAIDI"]), (known["CAIDI_h"] * 60, known["CAIDI"]),
        (known["CI"], known["rolling_CI"]), (known["CH"] * 60, known["rolling_CMI"]),
    ):  # fmt: skip
        assert ((ours / theirs - 1).abs()).max() < 1e-9


def test_major_event_days_of_the_reference(ten_years: pl.DataFrame) -> None:
    """Each of 2008 to 2012 judged by the five years before it, computed again with nothing but the standard library."""
    daily = ten_years.select(day="Date", saidi_h=pl.col("CMI") / 60 / pl.col("total_customers"))
    found = judged_days(daily, Period(datetime(2008, 1, 1), datetime(2013, 1, 1)), ReliabilitySettings())
    values = dict(daily.iter_rows())
    expected = []
    for year in range(2008, 2013):
        logarithms = [math.log(value) for day, value in values.items() if year - 5 <= day.year < year]
        limit = math.exp(plain.fmean(logarithms) + 2.5 * plain.stdev(logarithms))
        expected += [day for day, value in values.items() if day.year == year and value > limit]
    assert found.basis == "calculated"
    assert list(found.days) == expected
    assert len(expected) > 20
    assert date(2012, 10, 29) in expected  # the hurricane Sandy


@given(
    st.dictionaries(
        st.integers(0, 60), st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 5)), max_size=30
    ),
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from(["mean", "day"]),
)
def test_windows_are_days_of_the_calendar(
    drawn: dict[int, tuple[int, int, int]], days: int, centred: bool, users: Any
) -> None:
    first, last = date(2022, 2, 1), date(2022, 2, 1) + 60 * DAY
    schema = {"day": pl.Date, "CI": pl.Int64, "CH": pl.Int64, "users": pl.Int64}
    rows = [(first + day * DAY, *values) for day, values in sorted(drawn.items())]
    found = rolling_indices(pl.DataFrame(rows, schema=schema, orient="row"), first, last, days, centred, users)
    served: list[int | None] = [drawn[day][2] if day in drawn else None for day in range(61)]
    for day in range(1, 61):
        served[day] = served[day - 1] if served[day] is None else served[day]
    for day in reversed(range(60)):
        served[day] = served[day + 1] if served[day] is None else served[day]
    for day, row in enumerate(found.to_dicts()):
        start = day - (days // 2 if centred else days - 1)
        window = range(start, start + days)
        if window[0] < 0 or window[-1] > 60:
            assert [row[name] for name in ("CI", "CH", "users", "SAIDI_h", "SAIFI", "CAIDI_h", "window_start")] == [
                None
            ] * 7
            continue
        assert (row["window_start"], row["window_end"]) == (first + window[0] * DAY, first + window[-1] * DAY)
        ci, ch = (sum(drawn[each][place] for each in window if each in drawn) for place in (0, 1))
        assert (row["CI"], row["CH"]) == (ci, ch)
        over = [served[each] for each in window] if users == "mean" else [served[day]]
        people = None if None in over else sum(each or 0 for each in over) / len(over)
        assert row["SAIFI"] == (pytest.approx(ci / people) if people else None)
        assert row["SAIDI_h"] == (pytest.approx(ch / people) if people else None)
        assert row["CAIDI_h"] == (pytest.approx(ch / ci) if ci else None)


def test_a_doubled_day_is_refused() -> None:
    day = date(2022, 1, 1)
    twice = pl.DataFrame({"day": [day, day], "CI": [1, 1], "CH": [1, 1], "users": [1, 1]})
    with pytest.raises(FudianError, match="twice"):
        rolling_indices(twice, day, day)
    with pytest.raises(FudianError, match="at least one day"):
        rolling_indices(twice.head(1), day, day, 0)


def test_the_rolling_year_of_a_workspace() -> None:
    """Off for two hours on 1 March 2021 and four on 1 July 2022: the rolling year holds the first until the end of February."""
    tables = bus(2)
    tables["outages"] = [
        {"outage_id": "A", "start": datetime(2021, 3, 1, 8), "end": datetime(2021, 3, 1, 10), "nature": "F-INT",
         "transformer_id": "T0"},
        {"outage_id": "B", "start": datetime(2022, 7, 1, 8), "end": datetime(2022, 7, 1, 12), "nature": "F-INT",
         "transformer_id": "T1"},
    ]  # fmt: skip
    county = statistics(tables)
    rows = {row["day"]: row for row in rolling(county, Query(Period.year(2022))).to_dicts()}
    assert len(rows) == 365
    assert rows[date(2022, 2, 28)]["SAIDI_h"] == 1
    assert rows[date(2022, 3, 1)]["SAIDI_h"] == 0
    assert rows[date(2022, 3, 1)]["CAIDI_h"] is None
    assert (rows[date(2022, 12, 31)]["SAIDI_h"], rows[date(2022, 12, 31)]["CAIDI_h"]) == (2, 4)
    assert rows[date(2022, 12, 31)]["SAIDI_h"] == county.indices(Query(Period.year(2022)))["SAIDI-1"].item()
    early = rolling(county, Query(Period.year(2021)))
    assert early["SAIDI_h"].null_count() == 364
    august = rolling(county, Query(Period.year(2022), as_of=datetime(2022, 8, 1, 12)))
    assert august["day"].max() == date(2022, 7, 31)
