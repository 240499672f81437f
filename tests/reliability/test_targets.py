from datetime import datetime, timedelta
from typing import Any

import pytest

from network import FudianError, Network
from reliability.query import Query
from reliability.statistics import Statistics
from reliability.targets import TargetResult, judge, plans
from tests.reliability.records import bus, statistics

PLANS = ["xihua-2022", "shenqiu-2022", "gongan-2022", "jinhua-2022", "changzhou-2020"]
FOUR_HOURS = {"outage_id": "E", "start": datetime(2022, 1, 1), "end": datetime(2022, 1, 1, 4), "nature": "F-INT"}


def year_of(hours: dict[int, float], rules: dict[str, Any] | None = None, **attributes: Any) -> Statistics:
    """Return the statistics of one user that was off for so many hours in each year."""
    tables = bus(1, [attributes])
    tables["outages"] = [
        {
            "outage_id": f"E{year}", "start": datetime(year, 3, 1), "end": datetime(year, 3, 1) + timedelta(hours=off),
            "nature": "F-INT", "transformer_id": "T0",
        }
        for year, off in hours.items()
    ]  # fmt: skip
    return statistics(tables, rules)


def one(results: list[TargetResult], target: str) -> TargetResult:
    return next(result for result in results if result.target_id == target)


def test_every_plan_is_judged_and_what_cannot_be_computed_says_why(county: Network) -> None:
    sample = Statistics(county)
    assert plans(sample) == PLANS
    seen = set()
    for plan in PLANS:
        for result in judge(sample, plan):
            seen.add(result.status)
            if result.status == "not_computable":
                assert result.value is None
                assert str(result.reason)
            else:
                assert result.value is not None
    assert seen == {"pass", "fail", "not_computable"}  # the N-1 rate takes another room


@pytest.mark.parametrize(
    ("hours", "status", "previous"),
    [
        ({2021: 9, 2022: 7}, "pass", None),
        ({2021: 10, 2022: 9.2}, "pass", 10),
        ({2021: 10, 2022: 9.21}, "fail", 10),
        ({2022: 9.2}, "unknown", None),
    ],
)
def test_the_alternative_rule_of_jinhua(hours: dict[int, float], status: str, previous: float | None) -> None:
    result = one(judge(year_of(hours, region_class="town"), "jinhua-2022"), "JH-5")
    assert (result.status, result.previous) == (status, previous)


@pytest.mark.parametrize(
    ("base", "hours", "status", "previous"),
    [
        (2020, {2020: 10, 2021: 20, 2022: 8.46}, "pass", 10),  # 0.92 twice is 0.8464
        (2020, {2020: 10, 2021: 20, 2022: 8.47}, "fail", 10),  # though far below the year before
        (2019, {2019: 10, 2022: 7.78}, "pass", 10),  # three times 0.778688
        (2019, {2019: 10, 2022: 7.79}, "fail", 10),
        (2020, {2021: 20, 2022: 8}, "unknown", None),  # no records of the base year
        (None, {2021: 20, 2022: 8}, "unknown", None),  # the base year is not stated
        (2022, {2021: 20, 2022: 8}, "unknown", None),  # it must lie before the judged year
        (2020, {2020: 1, 2022: 7}, "pass", None),  # the plain limit holds
    ],
)
def test_the_compound_reading_of_jinhua(
    base: int | None, hours: dict[int, float], status: str, previous: float | None
) -> None:
    county = year_of(hours, {"year_on_year": "compound", "year_on_year_base": base}, region_class="town")
    result = one(judge(county, "jinhua-2022"), "JH-5")
    assert (result.status, result.previous) == (status, previous)


def test_the_alternative_of_jinhua_covers_the_classes_only() -> None:
    """The figures for the urban and the rural network stand without it."""
    county = year_of({2021: 100, 2022: 10}, region_class="town")
    assert one(judge(county, "jinhua-2022"), "JH-5").status == "pass"
    assert one(judge(county, "jinhua-2022"), "JH-2").status == "fail"


def test_a_year_that_is_not_over_cannot_pass_yet() -> None:
    county = year_of({2022: 5}, region_class="town")
    june = datetime(2022, 6, 1)
    assert one(judge(county, "xihua-2022", as_of=june), "XH-1").status == "unknown"
    assert one(judge(year_of({2022: 10}, region_class="town"), "xihua-2022", as_of=june), "XH-1").status == "fail"


def test_an_area_adds_its_classes_and_never_averages_them() -> None:
    tables = bus(3, [{"region_class": "city_centre"}, {"region_class": "urban"}, {"region_class": "urban"}])
    start = datetime(2022, 1, 1)
    tables["outages"] = [
        {"outage_id": "E", "start": start, "end": start + timedelta(hours=3), "nature": "F-INT", "transformer_id": "T0"}
    ]
    county = statistics(tables)
    assert one(judge(county, "xihua-2022"), "XH-3").value == pytest.approx(1)
    assert one(judge(county, "jinhua-2022"), "JH-1").value == pytest.approx(1)


def test_a_label_that_is_no_class_needs_a_class_or_a_list_of_feeders() -> None:
    rural = year_of({2022: 4}, region_class="rural")
    missing = one(judge(rural, "shenqiu-2022"), "SQ-1")
    assert missing.status == "not_computable"
    assert "县区" in str(missing.reason)
    tables = bus(1, [{"region_class": "rural", "feeder_id": "F1"}])
    tables["feeders"] = [{"feeder_id": "F1", "area_label": "县区"}]
    tables["outages"] = [FOUR_HOURS | {"feeder_id": "F1"}]
    assert one(judge(statistics(tables), "shenqiu-2022"), "SQ-1").value == pytest.approx(4)


def test_a_plan_of_ones_own_in_the_same_form() -> None:
    tables = bus(1, [{"region_class": "rural"}])
    tables["outages"] = [FOUR_HOURS | {"transformer_id": "T0"}]
    tables["targets"] = [
        {
            "target_id": "MY-1", "plan": "mine", "area_scheme": "region", "area_label": "农村", "metric": "SAIDI",
            "op": "<=", "value": 240, "unit": "min",
        }
    ]  # fmt: skip
    (result,) = judge(statistics(tables), "mine", 2022)
    assert (result.status, result.value) == ("pass", pytest.approx(240))
    with pytest.raises(FudianError, match="mine"):
        judge(statistics(tables), "yours")


def test_a_target_agrees_with_the_indices(county: Network) -> None:
    from reliability import Period

    sample = Statistics(county)
    rows = {
        row["region_class"]: row for row in sample.indices(Query(Period.year(2022), by=("region_class",))).to_dicts()
    }
    assert one(judge(sample, "xihua-2022"), "XH-2").value == pytest.approx(rows["rural"]["SAIDI-1"], rel=1e-12)
