"""The worked examples of the field reference, to the printed digits."""

from datetime import date, datetime, timedelta

import pytest

from reliability import Period, ReliabilitySettings, indices
from reliability.ledger_table import sustained_only
from reliability.major_event_days import threshold
from reliability.query import Query
from reliability.ranking import planned_outages
from reliability.targets import TargetResult, judge
from tests.reliability.records import bus, statistics

E1, E2, E3, E4 = (datetime(2022, month, 1, 8) for month in (1, 2, 3, 4))
TEN_USERS = bus(10) | {
    "outages": [
        {"outage_id": "E1", "start": E1, "end": datetime(2022, 1, 1, 11, 30), "nature": "F-INT", "branch_id": "ALL"},
        {"outage_id": "E3", "start": E3, "end": datetime(2022, 3, 1, 8, 30), "nature": "F-EXT", "branch_id": "ALL"},
        {"outage_id": "E4", "start": E4, "end": datetime(2022, 4, 1, 8, 2), "nature": "F-INT", "branch_id": "ALL"},
        {"outage_id": "E2", "start": E2, "end": datetime(2022, 2, 1, 12), "nature": "P-PLAN-MAINT", "branch_id": "SIX"},
    ],
    "stages": [{"outage_id": "E1", "restored_at": datetime(2022, 1, 1, 8, 45), "branch_id": "FOUR"}],
}  # fmt: skip
TEN_USERS["sources"] = [{"node": "SOURCE"}]
TEN_USERS["branches"] = [
    {"branch_id": "ALL", "from_node": "SOURCE", "to_node": "S", "kind": "breaker"},
    {"branch_id": "FOUR", "from_node": "S", "to_node": "S4", "kind": "switch"},
    {"branch_id": "SIX", "from_node": "S", "to_node": "S6", "kind": "switch"},
    *(row | {"from_node": "S4" if i < 4 else "S6"} for i, row in enumerate(bus(10)["branches"])),
]


def test_ten_users_of_section_1_7() -> None:
    county = statistics(TEN_USERS)
    query = Query(Period.year(2022))
    row = county.indices(query).row(0, named=True)
    assert row["N_T"] == 10
    assert row["CH"] == pytest.approx(24 + 24 + 5 + 1 / 3)
    printed = {
        "SAIDI-1": 5.33333, "SAIDI-2": 4.83333, "SAIDI-4": 5.3, "ASAI-1": 99.939117, "ASAI-4": 99.939498,
        "SAIFI-1": 3.6, "SAIFI-4": 2.6, "MAIFI": 1.0, "CAIDI-4": 2.03846,
    }  # fmt: skip
    for name, value in printed.items():
        digits = len(str(value).split(".")[1])
        assert round(row[name], digits) == value, name
    only = sustained_only(county.ledger(query))
    sustained = indices(only, county.population(), period=query.period).row(0, named=True)
    assert sustained["SAIDI-F"] == pytest.approx(2.9)
    assert sustained["SAIDI-S"] == pytest.approx(2.4)
    assert sustained["MIC-F"] == 10
    assert sustained["MIC-S"] == 6


PLANNED = {
    "outage_id": "E", "start": datetime(2022, 5, 1, 8), "end": datetime(2022, 5, 1, 14), "approved_end": datetime(2022, 5, 1, 12),
    "transformer_id": "T0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("nature", "rule", "expected"),
    [
        ("P-PLAN-MAINT", "P-TEMP-*", {"P-PLAN-MAINT": (4, 1), "P-TEMP-MAINT": (2, 0)}),
        ("P-PLAN-CONST", "P-TEMP-*", {"P-PLAN-CONST": (4, 1), "P-TEMP-CONST": (2, 0)}),
        ("P-PLAN-CUST", "P-TEMP-*", {"P-PLAN-CUST": (4, 1), "P-TEMP-CUST": (2, 0)}),
        ("P-PLAN-SWITCH", "P-TEMP-*", {"P-PLAN-SWITCH": (4, 1), "P-TEMP-MAINT": (2, 0)}),
        ("P-PLAN-MAINT", "F-INT", {"P-PLAN-MAINT": (4, 1), "F-INT": (2, 0)}),
        ("P-PLAN-MAINT", "same", {"P-PLAN-MAINT": (6, 1)}),
        ("P-TEMP-MAINT", "P-TEMP-*", {"P-TEMP-MAINT": (6, 1)}),
        ("F-INT", "P-TEMP-*", {"F-INT": (6, 1)}),
    ],
)
def test_four_hours_as_planned_and_two_beyond(nature: str, rule: str, expected: dict[str, tuple[float, int]]) -> None:
    county = statistics(bus(2) | {"outages": [PLANNED | {"nature": nature}]}, {"overrun_class": rule})
    figures = county.indices(Query(Period.year(2022), ("nature",)))
    assert {row["nature"]: (row["CH"], row["CI"]) for row in figures.to_dicts()} == expected
    whole = county.indices(Query(Period.year(2022))).row(0, named=True)
    assert (whole["CH"], whole["CI"], whole["CN"], whole["MIC"]) == (6, 1, 1, 1)
    basis = county.basis(Query(Period.year(2022)))
    assert (basis["outages_beyond_approved_end"], basis["overrun_class"]) == (len(expected) - 1, rule)
    (cost,) = planned_outages(county, Query(Period.year(2022))).to_dicts() or [{"users": 1, "nature": nature, "ch": 6}]
    assert (cost["users"], cost["nature"]) == (1, nature)


def test_an_overrun_is_what_a_record_of_its_own_would_be() -> None:
    """The approved end in one record gives the figures of two records, one up to it and one from it on."""
    one = PLANNED | {"nature": "P-PLAN-MAINT"}
    two = [
        one | {"end": one["approved_end"]},
        one | {"outage_id": "F", "start": one["approved_end"], "nature": "P-TEMP-MAINT"},
    ]
    others = [
        {"outage_id": name, "start": datetime(2022, 5, 1, a), "end": datetime(2022, 5, 1, b), "nature": "F-INT",
         "transformer_id": "T0"}
        for name, a, b in (("A", 7, 9), ("Z", 13, 16))
    ]  # fmt: skip
    for more in ([], others[:1], others[1:], others):
        query = Query(Period.year(2022), ("nature",))
        left, right = (statistics(bus(2) | {"outages": [*rows, *more]}).indices(query) for rows in ([one], two))
        assert left.to_dicts() == right.to_dicts()


@pytest.mark.parametrize(("ddof", "beta", "limit"), [(1, 0.5796271, 0.1106707), (0, 0.5464777, 0.1018688)])
def test_major_event_threshold_of_section_1_6(ddof: int, beta: float, limit: float) -> None:
    found = threshold([0.01, 0.02, 0.05, 0.02, 0.03, 0, 0.04, 0.015, 0.025, 0.06], ddof)
    assert round(found.alpha, 7) == -3.6502642
    assert round(found.beta, 7) == beta
    assert round(found.saidi_h, 7) == limit


def test_equivalent_users_of_section_1_5() -> None:
    tables = bus(1, [{"in_service": datetime(2022, 7, 1)}])
    tables["outages"] = [{"outage_id": "E", "start": E1, "end": E2, "nature": "F-INT", "transformer_id": "T0"}]
    row = statistics(tables).indices(Query(Period.year(2022))).row(0, named=True)
    assert round(row["N_T"], 5) == 0.50411
    assert row["CH"] == 0


CHANGZHOU = [
    ("A", 99.989, 57.82, 57.97, 58, 99.98896, 99.98900),
    ("B", 99.980, 105.12, 105.41, 105, 99.98002, 99.98008),
    ("C", 99.960, 210.24, 210.82, 211, 99.95986, 99.95997),
    ("D", 99.940, 315.36, 316.22, 316, 99.93988, 99.94004),
]


@pytest.mark.parametrize(
    ("planning_class", "percent", "common", "leap", "limit", "asai_common", "asai_leap"), CHANGZHOU
)
def test_changzhou_table_2_5(
    planning_class: str, percent: float, common: float, leap: float, limit: int, asai_common: float, asai_leap: float
) -> None:
    """A class that is off for exactly the plan's minutes, in a leap year and in a common one."""
    for year, hours, minutes, asai in ((2020, 8784, leap, asai_leap), (2021, 8760, common, asai_common)):
        assert Period.year(year).hours == hours
        assert round((1 - percent / 100) * hours * 60, 2) == minutes
        result = judged_minutes(planning_class, year, limit * 60)
        assert (result.status, result.limit, result.unit) == ("pass", limit, "min")
        assert result.value == pytest.approx(limit)
        assert result.asai is not None
        assert round(result.asai, 5) == asai
        assert f"{result.asai:.3f}" == f"{percent:.3f}"
        disagrees = 1 - limit / 60 / hours < percent / 100
        assert (result.reason is not None) == disagrees
    assert judged_minutes(planning_class, 2020, limit * 60 + 1).status == "fail"


@pytest.mark.parametrize(("planning_class", "low", "high"), [("A", 57.82, 58), ("C", 210.24, 211), ("D", 315.36, 316)])
def test_changzhou_note_in_a_common_year(planning_class: str, low: float, high: float) -> None:
    for seconds in (low * 60 + 2, high * 60 - 1):
        result = judged_minutes(planning_class, 2021, round(seconds))
        assert result.status == "pass"
        assert "8784" in str(result.reason)
    assert judged_minutes(planning_class, 2021, round(low * 60 - 2)).reason is None


def judged_minutes(planning_class: str, year: int, seconds: int) -> TargetResult:
    start = datetime(year, 6, 1)
    tables = bus(3, [{"planning_class": planning_class}] * 3)
    tables["outages"] = [
        {"outage_id": f"E{i}", "start": start, "end": start + timedelta(seconds=seconds),
         "nature": "F-INT", "transformer_id": f"T{i}"}
        for i in range(3)
    ]  # fmt: skip
    results = judge(statistics(tables), "changzhou-2020", year)
    return next(result for result in results if result.target_id == f"CZ-{planning_class}")


def test_hours_to_availability_of_section_2_5() -> None:
    printed = {
        1: 99.98858,
        1.4: 99.98402,
        1.5: 99.98288,
        3: 99.96575,
        3.6: 99.95890,
        5: 99.94292,
        7: 99.92009,
        9: 99.89726,
        15: 99.82877,
    }
    for hours, percent in printed.items():
        tables = bus(1)
        start = datetime(2022, 6, 1)
        tables["outages"] = [
            {
                "outage_id": "E",
                "start": start,
                "end": start + timedelta(hours=hours),
                "nature": "F-INT",
                "transformer_id": "T0",
            }
        ]
        row = statistics(tables).indices(Query(Period.year(2022))).row(0, named=True)
        assert round(row["ASAI-1"], 5) == percent


def test_an_approved_list_of_major_event_days_overrides_the_calculation() -> None:
    county = statistics(TEN_USERS, {"major_event_days": ["2022-02-01"]})
    query = Query(Period.year(2022), med="exclude")
    assert county.major_event_days(query).days == (date(2022, 2, 1),)
    assert county.indices(query).row(0, named=True)["SAIDI-1"] == pytest.approx(5.33333 - 2.4, abs=1e-5)
    assert ReliabilitySettings.model_validate({"major_event_days": ["2022-02-01"]}).changed() == {
        "major_event_days": ["2022-02-01"]
    }
