"""The budget: classes and months add up to the year, and the desk of planned outages counts with the same figures."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fudian
from data_samples.generator.county import COUNTY
from reliability.steering.budget import budgets
from reliability.steering.budget_sheet import BudgetSheet, budget_sheet
from tests.reliability.records import bus, statistics


def sheet(
    tables: dict[str, Any], as_of: datetime, rules: dict[str, Any] | None = None, year: int = 2022
) -> BudgetSheet:
    county = statistics(tables, rules)
    return budget_sheet(county, year, as_of, budgets(county, year, as_of), {})


def fault(number: int, transformer: int, start: datetime, hours: float, nature: str = "F-INT") -> dict[str, Any]:
    return {
        "outage_id": f"E{number}", "transformer_id": f"T{transformer}", "start": start,
        "end": start + timedelta(hours=hours), "nature": nature,
    }  # fmt: skip


TWO = [{"unit": "U", "region_class": "town"}, {"unit": "U", "region_class": "rural"}]


def test_a_plan_gives_the_budget_of_a_unit_without_one() -> None:
    """9 h of a town user and 15 h of a rural one by Xihua's plan; one town user of a unit with a budget of its own."""
    tables = bus(3, [*TWO, {"unit": "V", "region_class": "town"}])
    tables["budget"] = [{"unit": "V", "annual_target_ch": 4.0}]
    found = sheet(tables, datetime(2022, 1, 1), {"budget_plan": "xihua-2022"})
    assert found.budgets["U"].annual_ch == pytest.approx(24)
    assert (found.budgets["U"].annual_from, found.budgets["V"].annual_from) == ("targets", "table")
    assert found.budgets["V"].annual_ch == 4
    by_class = {(row["unit"], row["area_class"]): row["annual_ch"] for row in found.by_class.to_dicts()}
    assert by_class["U", "town"] == pytest.approx(9)
    assert by_class["U", "rural"] == pytest.approx(15)
    without = sheet(bus(2, TWO), datetime(2022, 1, 1))
    assert without.budgets["U"].annual_ch is None
    assert "U" in str(without.notes[0])
    assert without.may_plan("U", 5) is None


def test_an_aggregate_stands_for_its_classes() -> None:
    tables = bus(2, [{"unit": "U", "region_class": "city_centre"}, {"unit": "U", "region_class": "rural"}])
    assert sheet(tables, datetime(2022, 1, 1), {"budget_plan": "xihua-2022"}).budgets["U"].annual_ch == pytest.approx(
        1 + 15
    )


def test_a_month_has_its_twelfth_and_its_season_of_faults() -> None:
    """One year of records with all faults in July: with one flat year beside it July has 1/2 + 1/24 of them."""
    tables = bus(2, TWO)
    tables["outages"] = [fault(0, 0, datetime(2021, 7, 1), 10), fault(1, 1, datetime(2022, 2, 1), 3, "P-PLAN-MAINT")]
    tables["budget"] = [{"unit": "U", "annual_target_ch": 120.0}]
    found = sheet(tables, datetime(2022, 3, 10))
    months = found.months("U")
    assert months[6]["fault_reserve_ch"] == pytest.approx(120 * 0.4 * (0.5 + 1 / 24))
    assert months[0]["budget_ch"] == pytest.approx(120 * 0.6 / 12 + 120 * 0.4 / 24)
    assert months[1]["prearranged_ch"] == 3
    assert [month["may_plan_ch"] for month in months[:3]] == [0, 0, 6]  # what is over cannot be planned
    left = 120 - 3 - 120 * 0.4 * (1 - 2 / 24)
    assert found.rows()[0]["may_plan_ch"] == pytest.approx(left)
    flat = sheet(tables | {"outages": tables["outages"][1:]}, datetime(2022, 3, 10)).budgets["U"].fault_season
    assert list(flat.values()) == pytest.approx([1 / 12] * 12)


def test_a_breach_is_warned_of_before_it_comes() -> None:
    """100 h of faults a year, half of them in July with the flat year; a budget of 90 h is used up in July or later."""
    tables = bus(1, TWO[:1])
    tables["outages"] = [fault(0, 0, datetime(2021, 7, 1), 100)]
    tables["budget"] = [{"unit": "U", "annual_target_ch": 90.0}]
    found = sheet(tables, datetime(2022, 1, 2))
    season = found.budgets["U"].fault_season
    spent, month = 0.0, 0
    while spent <= 90:
        month += 1
        spent += 100 * season[month]
    assert found.runs_out("U") == month
    (warning,) = found.warnings()
    assert warning["light"] == "amber"
    assert f"2022-{month:02}" in warning["says"]
    tables["outages"].append(fault(1, 0, datetime(2022, 1, 1), 91))
    (warning,) = sheet(tables, datetime(2022, 3, 1)).warnings()
    assert warning["light"] == "red"
    tables["budget"] = [{"unit": "U", "annual_target_ch": 1000.0}]
    assert sheet(tables, datetime(2022, 3, 1)).warnings() == []


rows = st.lists(
    st.tuples(
        st.integers(0, 4), st.datetimes(datetime(2019, 1, 1), datetime(2022, 12, 1)), st.floats(0.1, 60),
        st.sampled_from(["F-INT", "P-PLAN-MAINT", "P-TEMP-MAINT"]),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=40)
@given(rows, st.sampled_from(["table", "classes", "plan"]), st.integers(1, 12), st.floats(0, 3))
def test_classes_and_months_add_up_to_the_year(
    given_rows: list[tuple[Any, ...]], source: str, month: int, prior: float
) -> None:
    attributes = [
        {"unit": f"U{n % 2}", "region_class": each} for n, each in enumerate(("town", "rural", "rural", "urban", None))
    ]
    tables = bus(5, attributes)
    tables["outages"] = [fault(number, *row) for number, row in enumerate(given_rows)]
    if source == "table":
        tables["budget"] = [{"unit": "U0", "annual_target_ch": 50.0}, {"unit": "U1", "annual_target_ch": 70.0}]
    if source == "classes":
        tables["budget"] = [
            {"unit": "U0", "area_class": each, "annual_target_ch": hours}
            for each, hours in (("town", 20.0), ("rural", 31.0))
        ]
    plan = {"budget_plan": "jinhua-2022"} if source == "plan" else {}
    found = sheet(tables, datetime(2022, month, 1), {"budget_season_prior_years": prior, **plan})
    for unit, budget in found.budgets.items():
        classes = [row["annual_ch"] for row in found.by_class.to_dicts() if row["unit"] == unit]
        assert sum(budget.fault_season.values()) == pytest.approx(1, abs=1e-12)
        if budget.annual_ch is None:
            assert set(classes) <= {None}
            continue
        assert sum(classes) == pytest.approx(budget.annual_ch, abs=1e-9)
        months = found.months(unit)
        assert sum(row["budget_ch"] for row in months) == pytest.approx(budget.annual_ch, abs=1e-9)
        assert sum(row["plan_ch"] + row["fault_reserve_ch"] for row in months) == pytest.approx(
            budget.annual_ch, abs=1e-9
        )
        assert all(row["may_plan_ch"] <= max(row["plan_ch"], 0) + 1e-9 for row in months)
    if source == "classes":
        split = {row["area_class"]: row["annual_ch"] for row in found.by_class.to_dicts() if row["unit"] == "U0"}
        assert split == {"town": pytest.approx(20), "rural": pytest.approx(31)}


def test_precheck_and_the_budget_count_with_the_same_figures() -> None:
    county = fudian.open(COUNTY, "en")
    found = {row["unit"]: row for row in county.budget(2023).as_dict()["rows"]}
    seen = 0
    for check in county.precheck().checks:
        for share in check.facts.shares if check.facts else ():
            row = found[share.unit]
            own = (
                check.facts.job.hours_by_year[share.unit, share.year]
                if check.facts and check.facts.job.commits
                else 0.0
            )
            assert share.budget is not None
            assert share.budget.annual_ch == row["annual_ch"]
            assert share.budget.committed_ch + own == pytest.approx(row["committed_ch"], abs=1e-9)
            assert share.budget.remaining_ch - own == pytest.approx(row["remaining_ch"], abs=1e-9)
            seen += 1
    assert seen > 5
    months = county.budget(2023).as_dict()["months"]
    for unit, row in found.items():
        assert sum(month["committed_ch"] for month in months if month["unit"] == unit) == pytest.approx(
            row["committed_ch"]
        )
