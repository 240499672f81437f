"""The forecast: what it draws from, what it adds, and what it says where it knows little."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fudian
from data_samples.generator.county import COUNTY
from network import FudianError, Network
from reliability.statistics import Statistics
from reliability.steering.forecast import COMMITTED_SCHEMA, Forecast, forecast
from reliability.steering.rest_of_year import DailyRecord, baselines, draws_of_rest, pinball
from reliability.steering.settings import SteeringSettings
from reliability.steering.trials import LEAST_TRIALS, MODEL, forecast_rest
from reliability.targets import judge
from tests.reliability.records import bus, statistics

RULES = SteeringSettings()
PLAN = {
    "target_id": "M", "plan": "mine", "area_scheme": "region", "area_label": "农村", "metric": "SAIDI", "op": "<=",
    "value": 10, "unit": "h",
}  # fmt: skip


CONTRACT = {
    "target_id", "label", "metric", "unit", "limit", "to_date", "committed", "expected", "p10", "p50", "p90", "probability_met",
    "left_ch",
}  # fmt: skip


def record(first: date, values: Any) -> DailyRecord:
    amounts = np.asarray(values, dtype=float)
    return DailyRecord(
        first,
        amounts.reshape(len(amounts), -1),
        tuple(str(n) for n in range(amounts.reshape(len(amounts), -1).shape[1])),
    )


def years(first: int, last: int, each: float = 0.01, **more: float) -> DailyRecord:
    days = (date(last + 1, 1, 1) - date(first, 1, 1)).days
    values = np.full(days, each)
    for year in range(first, last + 1):
        values[(date(year, 1, 1) - date(first, 1, 1)).days :] *= more.get(f"y{year}", 1.0)
    return record(date(first, 1, 1), values)


def test_days_that_are_all_alike_come_again() -> None:
    rest = draws_of_rest(years(2018, 2021), date(2021, 7, 1), date(2022, 1, 1), RULES)[:, 0]
    assert rest.mean() == pytest.approx(1.84, rel=0.03)
    assert np.quantile(rest, 0.1) < 1.84 < np.quantile(rest, 0.9)


def test_the_year_so_far_lifts_the_rest() -> None:
    usual, lifted = years(2018, 2021), years(2018, 2021, y2021=2.0)
    one, two = (draws_of_rest(each, date(2021, 10, 1), date(2022, 1, 1), RULES).mean() for each in (usual, lifted))
    assert 1.25 * one < two < 2.0 * one


def test_what_comes_later_is_not_known() -> None:
    values = np.random.default_rng(1).gamma(0.3, 1, 4 * 365)
    changed = values.copy()
    changed[(date(2020, 6, 1) - date(2018, 1, 1)).days :] *= 50
    ends = date(2020, 6, 1), date(2021, 1, 1)
    records = [record(date(2018, 1, 1), each) for each in (values, changed)]
    one, two = (draws_of_rest(each, *ends, RULES) for each in records)
    assert np.array_equal(one, two)
    rest, other = (forecast_rest(each, *ends, RULES) for each in records)
    assert np.array_equal(rest.draws, other.draws)


def test_a_storm_season_is_told_from_other_months() -> None:
    values = np.full(4 * 365 + 1, 0.01)
    for year in (2017, 2018, 2019, 2020):
        values[(date(year, 9, 10) - date(2017, 1, 1)).days] = 2.0
    told = record(date(2017, 1, 1), values)
    before, after = (draws_of_rest(told, date(2020, month, 1), date(2021, 1, 1), RULES)[:, 0] for month in (9, 10))
    assert before.mean() > after.mean() + 1.0
    assert np.quantile(after, 0.5) < 1.5


def test_a_baseline_is_what_anybody_would_count() -> None:
    values = np.arange(3 * 365 + 1, dtype=float)
    told = record(date(2019, 1, 1), values)
    start, end = date(2021, 4, 1), date(2022, 1, 1)
    said = baselines(told, start, end)

    def at(day: date) -> int:
        return (day - date(2019, 1, 1)).days

    assert said["run_rate"] is not None
    assert said["run_rate"][0] == pytest.approx(values[at(date(2021, 1, 1)) : at(start)].sum() / 90 * 275)
    rest = [values[at(date(year, 1, 1)) + 90 : at(date(year + 1, 1, 1))].sum() for year in (2019, 2020)]
    assert said["last_year_rest"] == pytest.approx([rest[1]])
    assert said["seasonal_mean"] == pytest.approx([np.mean(rest)])
    assert baselines(told, date(2019, 4, 1), date(2020, 1, 1))["seasonal_mean"] is None


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(sorted), st.floats(-6, 6))
def test_pinball_loss_by_its_definition(quantiles: list[float], came: float) -> None:
    slow = [
        (share * (came - q) if came >= q else (1 - share) * (q - came))
        for share, q in zip((0.1, 0.5, 0.9), quantiles, strict=True)
    ]
    assert pinball(np.array([came]), np.array(quantiles)[:, None])[0] == pytest.approx(sum(slow) / 3)


def test_a_baseline_that_earlier_years_show_to_be_better_is_used_and_said() -> None:
    """Every year has the same days, each once: last year's rest is always right to the last digit."""
    pattern = np.random.default_rng(3).gamma(0.05, 1.0, 365)
    values = np.concatenate([np.append(pattern, [0.0] * (year % 4 == 0)) for year in range(2013, 2022)])
    told = record(date(2013, 1, 1), values)
    rest = forecast_rest(told, date(2021, 7, 2), date(2022, 1, 1), RULES)
    assert rest.method(0) == "last_year_rest"
    assert len(rest.trials[0].years) >= LEAST_TRIALS
    assert np.median(rest.draws) == pytest.approx(pattern[182:].sum(), rel=0.02)
    assert forecast_rest(years(2019, 2021), date(2021, 7, 1), date(2022, 1, 1), RULES).method(0) == MODEL


def rounded(answer: Any) -> Any:
    """Return an answer without the last bits, which sums in another order change."""
    if isinstance(answer, dict):
        return {name: rounded(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [rounded(value) for value in answer]
    return round(answer, 9) if isinstance(answer, float) else answer


def tables(days: int, hours: float = 1.0, first: date = date(2020, 1, 1), every: int = 5) -> dict[str, Any]:
    rows = []
    for number, day in enumerate(range(0, days, every)):
        start = datetime.combine(first, datetime.min.time()) + timedelta(days=day, hours=9)
        rows.append(
            {"outage_id": f"E{number}", "transformer_id": f"T{number % 4}", "start": start,
             "end": start + timedelta(hours=hours), "nature": "F-INT"}
        )  # fmt: skip
    return {**bus(4, [{"region_class": "rural"}] * 4), "outages": rows, "targets": [PLAN]}


def said(given_tables: dict[str, Any], as_of: datetime, **asked: Any) -> Forecast:
    return forecast(statistics(given_tables), "mine", as_of=as_of, **asked)


def test_a_year_that_is_over_ends_as_it_was() -> None:
    county = statistics(tables(3 * 365) | {"targets": [PLAN | {"value": 20}]})
    (row,) = forecast(county, "mine", 2021, datetime(2022, 1, 1)).rows
    (judged,) = judge(county, "mine", 2021, datetime(2022, 1, 1))
    assert row.quantiles == pytest.approx((judged.value,) * 3)
    assert row.probability() == 1.0
    assert row.left == pytest.approx((20 - (judged.value or 0)) * 4)


def test_what_is_promised_is_added_and_what_is_only_submitted_comes_in_part() -> None:
    planned = [("P1", datetime(2021, 11, 20, 8), "T0", 8.0, True), ("P2", datetime(2021, 11, 22, 8), "T1", 8.0, False)]
    frame = pl.DataFrame(planned, schema=COMMITTED_SCHEMA, orient="row")
    none = said(tables(3 * 365), datetime(2021, 11, 1), planned=frame.clear()).rows[0]
    both = said(tables(3 * 365), datetime(2021, 11, 1), planned=frame).rows[0]
    assert both.committed == pytest.approx(2.0)
    assert both.expected - none.expected == pytest.approx(2.0 + 2.0 * 0.7, abs=0.1)
    assert both.left == pytest.approx(none.left - 8)


def test_an_outage_that_is_still_open_goes_on() -> None:
    given_tables = tables(3 * 365)
    given_tables["outages"] = [row for row in given_tables["outages"] if row["start"] < datetime(2021, 11, 1)]
    open_ = {"outage_id": "OPEN", "transformer_id": "T0", "start": datetime(2021, 10, 31, 23, 30), "nature": "F-INT"}
    without = said(given_tables, datetime(2021, 11, 1)).rows[0]
    given_tables["outages"].append(open_)
    with_it = said(given_tables, datetime(2021, 11, 1)).rows[0]
    assert with_it.to_date - without.to_date == pytest.approx(0.5 / 4)
    assert with_it.expected - without.expected > 0.9 / 4


def test_without_records_it_says_that_it_cannot_say() -> None:
    given_tables = tables(40, first=date(2021, 6, 1))
    (row,) = said(given_tables, datetime(2021, 5, 1)).rows
    assert (row.expected, row.probability(), row.quantiles) == (None, None, (None, None, None))
    assert str(row.reason)


def test_one_month_of_records_gives_an_answer_that_admits_its_width() -> None:
    month = said(tables(31, first=date(2021, 1, 1)), datetime(2021, 2, 1))
    assert month.history_days == 31
    assert any("31 days" in str(note) for note in month.notes)
    long = said(tables(365 * 6 + 32, first=date(2015, 1, 1)), datetime(2021, 2, 1))
    widths = [row.quantiles[2] / row.quantiles[0] for row in (month.rows[0], long.rows[0])]
    assert widths[0] > 1.3 * widths[1]
    assert not any("days of records" in str(note) for note in long.notes)


def test_a_class_without_users_and_a_target_without_a_year() -> None:
    given_tables = tables(2 * 365)
    town = PLAN | {"target_id": "TOWN", "area_label": "城镇"}
    grid = PLAN | {"target_id": "GRID", "area_scheme": "grid", "metric": "tie_rate", "unit": "%"}
    given_tables["targets"] = [PLAN, town, grid]
    rows = said(given_tables, datetime(2021, 7, 1)).as_dict()["rows"]
    assert [row["target_id"] for row in rows] == ["M", "TOWN", "GRID"]
    assert rows[0]["p50"] is not None  # the plan has no deadline: the year of the data is meant
    assert (rows[1]["p50"], rows[1]["probability_met"], rows[1]["to_date"]) == (None, None, None)
    assert "城镇" in rows[1]["reason"]
    assert (rows[2]["p50"], rows[2]["left_ch"]) == (None, None)


def test_a_year_to_come_and_an_unknown_plan_are_refused() -> None:
    with pytest.raises(FudianError, match="not begun"):
        said(tables(365), datetime(2020, 7, 1), year=2021)
    with pytest.raises(FudianError, match="yours"):
        forecast(statistics(tables(365)), "yours", as_of=datetime(2020, 7, 1))


def test_the_same_input_gives_the_same_figures_and_its_form_is_that_of_commands(county: Network) -> None:
    first, again = (forecast(Statistics(county), "jinhua-2022", as_of=datetime(2022, 8, 1)).as_dict() for _ in range(2))
    assert rounded(first) == rounded(again)
    assert set(first) >= {"as_of", "year", "basis", "method", "rows", "baselines", "backtest"}
    for row in first["rows"]:
        assert set(row) >= CONTRACT
        assert row["to_date"] <= row["p10"] <= row["p50"] <= row["p90"]
        assert 0 <= row["probability_met"] <= 1
    assert set(first["baselines"]) == {"run_rate", "last_year_rest", "seasonal_mean"}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(2, 40))
def test_more_to_spend_is_never_less_likely(seed: int, limit: float) -> None:
    values = np.random.default_rng(seed).gamma(0.2, 0.1, 3 * 365)
    rest = forecast_rest(record(date(2019, 1, 1), values), date(2021, 5, 1), date(2022, 1, 1), RULES).draws[:, 0]
    assert (rest <= limit).mean() <= (rest <= limit * 1.1).mean()
    assert (rest >= 0).all()


def test_the_same_county_is_forecast_alike_to_the_last_bit() -> None:
    """Sums are made in any order; what is told of the year does not show it, limits by an earlier year among it."""
    told = [fudian.open(COUNTY, "en").forecast("jinhua-2022", datetime(2022, 7, 1)).as_dict() for _ in range(3)]
    assert told[0]["rows"]
    assert all(each == told[0] for each in told)
