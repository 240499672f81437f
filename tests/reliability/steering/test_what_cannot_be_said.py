"""No history, a month of it, a class without users, targets without a year: each question says what it can say and what not."""

import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import fudian
from fudian import Utility
from network import FudianError, WorkspaceError, network_from_tables
from tests.reliability.records import bus

PLAN = {
    "target_id": "M", "plan": "mine", "area_scheme": "region", "area_label": "农村", "metric": "SAIDI", "op": "<=",
    "value": 14, "unit": "h",
}  # fmt: skip
TOWN = PLAN | {"target_id": "TOWN", "area_label": "城镇"}


def utility(first: datetime, days: int, settings: Mapping[str, Any] | None = None, **more: Any) -> Utility:
    """Return a utility of four rural users, one of whom is off for an hour every five days."""
    rows = [
        {"outage_id": f"E{number}", "transformer_id": f"T{number % 4}", "start": start, "end": start + timedelta(hours=1),
         "nature": "F-INT"}
        for number, start in enumerate(first + timedelta(days=day, hours=9) for day in range(0, days, 5))
    ]  # fmt: skip
    users = [{"region_class": "rural", "unit": "east", "feeder_id": f"F{number // 2}"} for number in range(4)]
    tables = {**bus(4, users), "outages": rows, "targets": [PLAN, TOWN], **more}
    return Utility(network_from_tables(tables, settings or {}).workspace, "en")


def notes(answer: Any) -> str:
    told = answer.as_dict()
    return " ".join(told.get("notes", []) or told["basis"]["notes"])


BEFORE_ANY = datetime(2021, 6, 1), 60, "2021-05-01"
A_MONTH = datetime(2021, 1, 1), 31, "2021-02-01"


def test_without_any_record_only_the_budget_is_told() -> None:
    empty = utility(datetime(2021, 1, 1), 0)
    asked = (
        lambda: empty.forecast("mine", "2021-05-01"), lambda: empty.levers("mine", as_of="2021-05-01"),
        lambda: empty.why("2020", "2021"), empty.process, lambda: empty.report("2021-05", "mine"), empty.frequent_bands,
    )  # fmt: skip
    for ask in asked:
        with pytest.raises(WorkspaceError, match="outage"):
            ask()
    assert "no outage is recorded before 2021-05-01" in notes(empty.budget(2021, "2021-05-01"))


def test_before_the_first_record_nothing_is_taken_for_zero() -> None:
    first, days, as_of = BEFORE_ANY
    early = utility(first, days)
    for row in early.forecast("mine", as_of).as_dict()["rows"]:
        assert (row["to_date"], row["p50"], row["probability_met"], row["left_ch"]) == (None,) * 4
        assert row["reason"]
    levers = early.levers("mine", as_of=as_of)
    assert levers.as_dict()["rows"] == []
    assert "of no target of the plan" in notes(levers)
    assert "no records before 2021-05-01" in notes(levers)
    assert "no outage is recorded" in notes(early.budget(2021, as_of))
    assert [str(sentence) for sentence in early.process(as_of=as_of).says] == ["no month of it is known"]
    report = early.report("2021-04", "mine", "en", as_of=as_of)
    assert any("no outage is recorded before" in sentence for sentence in report.section("headline").says)
    assert any("nothing can be said of what may come" in sentence for sentence in report.section("forecast").says)


def test_a_period_before_the_first_record_is_no_year_without_outages() -> None:
    first, days, _ = BEFORE_ANY
    change = utility(first, days).why("2020", "2021")
    assert "whether there was none from 2020-01-01" in notes(change)
    assert "whether there was none from 2021-01-01" in notes(change)
    assert change.as_dict()["residual"] == 0
    whole = utility(datetime(2020, 1, 1), 730).why("2020", "2021")
    assert "first recorded outage" not in notes(whole)


def test_a_month_of_history_admits_what_it_does_not_know() -> None:
    first, days, as_of = A_MONTH
    month = utility(first, days)
    said = month.forecast("mine", as_of)
    assert "31 days of records are less than a year" in notes(said)
    row = said.as_dict()["rows"][0]
    assert row["baselines"] == {
        "run_rate": pytest.approx(1.75 / 31 * 365),
        "last_year_rest": None,
        "seasonal_mean": None,
    }
    assert 0 < row["p10"] < row["p50"] < row["p90"]
    assert 0 < row["probability_met"] < 1
    levers = month.levers("mine", as_of=as_of)
    assert "of the faults of 31 days, not of a year" in notes(levers)
    assert {each["kind"] for each in levers.as_dict()["rows"]} == {"faster", "feeder"}
    (process,) = (str(sentence) for sentence in month.process(as_of=as_of).says)
    assert "too few for natural limits" in process
    (budget,) = month.budget(2021, as_of).as_dict()["rows"]
    assert (budget["consumed_ch"], budget["fault_share_from"]) == (pytest.approx(7.0), "setting")
    assert "whether there was none from 2020-01-01" in notes(month.why("2020", "2021", as_of=as_of))
    report = month.report("2021-01", "mine", "en", as_of=as_of)
    assert any("less than a year" in sentence for sentence in report.section("forecast").says)
    assert any("too few" in sentence for sentence in report.section("process").says)


def test_a_class_without_users_is_named_and_the_other_targets_stand() -> None:
    both = utility(datetime(2020, 1, 1), 600, {"reliability": {"budget_plan": "mine"}})
    as_of = "2021-07-01"
    rural, town = both.forecast("mine", as_of).as_dict()["rows"]
    assert rural["p50"] is not None
    assert (town["p50"], town["to_date"]) == (None, None)
    assert "城镇" in town["reason"]
    asked = both.levers("mine", "TOWN", as_of)
    assert asked.as_dict()["rows"] == []
    assert "no user belongs to 城镇" in notes(asked)
    (budget,) = both.budget(2021, as_of).as_dict()["rows"]
    assert budget["annual_ch"] == pytest.approx(14 * 4)  # of the class that has users
    assert [each["area_class"] for each in both.budget(2021, as_of).as_dict()["classes"]] == ["rural"]
    parts = both.why("2020-01", "2021-01", by="region_class", as_of=as_of).as_dict()["parts"]
    assert [part["value"] for part in parts] == ["rural"]
    report = both.report("2021-06", "mine", "en", as_of=as_of)
    assert [row["value"] is None for row in report.section("targets").rows] == [False, True]
    assert [row["label"] for row in report.section("forecast").rows] == ["农村"]
    assert any("城镇" in sentence for sentence in report.section("forecast").says)


def test_a_class_whose_users_are_not_stated_is_named_by_every_question() -> None:
    """Only numbers are known, and none for the towns: their outages count nowhere, and no figure keeps silent about that."""
    rows = [
        {"outage_id": f"E{number}", "start": start, "end": start + timedelta(hours=1), "nature": "F-INT", "users": 10,
         "region_class": "town" if number % 2 else "rural"}
        for number, start in enumerate(datetime(2020, 1, 1, 9) + timedelta(days=5 * each) for each in range(120))
    ]  # fmt: skip
    tables = {"outages": rows, "population": [{"region_class": "rural", "users": 1000}], "targets": [PLAN, TOWN]}
    counts, as_of = Utility(network_from_tables(tables).workspace, "en"), "2021-07-01"
    said = "are not counted: population states no users of it then"
    assert said in notes(counts.forecast("mine", as_of))
    assert [row["p50"] is None for row in counts.forecast("mine", as_of).as_dict()["rows"]] == [False, True]
    assert said in notes(counts.levers("mine", as_of=as_of))
    change = counts.why("2020", "2021", by="region_class", as_of=as_of)
    assert "37 outages of town from 2020-01-01 00:00:00 to 2021-01-01 00:00:00 are not counted" in notes(change)
    assert "18 outages of town from 2021-01-01" in notes(change)
    assert "55 outages of town from 2020-01-01" in notes(counts.process(as_of=as_of))
    assert "there is no network" in notes(counts.budget(2021, as_of))
    report = counts.report("2021-06", "mine", "en", as_of=as_of)
    for section in ("headline", "forecast", "process"):
        assert any(said in sentence for sentence in report.section(section).says), section
    stated = [{"region_class": "rural", "users": 1000}, {"region_class": "town", "users": 9}]
    whole = Utility(network_from_tables(tables | {"population": stated}).workspace, "en")
    assert "not counted" not in notes(whole.process(as_of=as_of))


def carried_out(number: int, start: datetime) -> dict[str, Any]:
    """Return a plan that took an hour longer than was stated."""
    return {
        "plan_id": f"P{number}", "transformer_id": f"T{number % 4}", "start": start, "end": start + timedelta(hours=2),
        "actual_start": start, "actual_end": start + timedelta(hours=3), "nature": "P-PLAN-MAINT", "unit": "east",
    }  # fmt: skip


CARRIED_OUT = [carried_out(number, datetime(2021, 1, 4, 8) + timedelta(days=3 * number)) for number in range(7)]
TO_COME = {
    "plan_id": "X", "transformer_id": "T1", "start": "2021-08-02 08:00", "end": "2021-08-02 10:00",
    "nature": "P-PLAN-MAINT", "unit": "east",
}  # fmt: skip


def test_predicted_durations_say_what_they_rest_on() -> None:
    settings = {"reliability": {"budget_plan": "mine"}}
    (none,) = utility(datetime(2021, 1, 1), 0, settings, plans=[TO_COME]).durations(as_of="2021-07-01").predictions
    assert "nothing can be predicted" in str(none.rests_on)
    assert (none.parts, none.judgement) == ({}, None)
    tables = utility(datetime(2021, 1, 1), 31, settings, plans=[*CARRIED_OUT[:3], TO_COME])
    (month,) = tables.durations(as_of="2021-02-01").predictions
    assert "so few that the range holds only" in str(month.rests_on)
    assert month.parts["whole"].middle == pytest.approx(3.0)
    assert month.judgement is None
    # No user is of the towns, for which there is a target: that is no matter here.
    (whole,) = (
        utility(datetime(2021, 1, 1), 181, settings, plans=[*CARRIED_OUT, TO_COME])
        .durations(as_of="2021-07-01")
        .predictions
    )
    assert whole.judgement == "short"
    assert "2.0 h are stated" in str(whole.warning)


def test_targets_without_a_year_are_those_of_the_year_of_the_data() -> None:
    dated = [each | {"deadline": "2022-12-31"} for each in (PLAN, TOWN)]
    settings = {"reliability": {"budget_plan": "mine"}}
    without = utility(datetime(2020, 1, 1), 600, settings)
    with_year = utility(datetime(2020, 1, 1), 600, settings, targets=dated)
    for each in (without, with_year):
        assert each.forecast("mine", "2021-07-01").year == 2021  # the year that is seen, whatever the deadline
        assert (
            each.report("2021-06", "mine", "en", as_of="2021-07-01").section("targets").says[0]
            == "mine, calendar year 2021"
        )
        assert each.levers("mine", as_of="2021-07-01").as_dict()["target"]["target_id"] == "M"
        assert each.budget(as_of="2021-07-01").as_dict()["year"] == 2021
        assert each.operating_kpi(as_of="2021-07-01").as_dict()["year"] == 2021
        predicted = each.durations(CARRIED_OUT[:1], as_of="2021-07-01")
        assert predicted.period.start == datetime(2021, 1, 1)
    asked: tuple[Callable[[Utility], Any], ...] = (
        lambda each: each.why("2020-06", "2021-06", by="unit", as_of="2021-07-01"),
        lambda each: each.process(as_of="2021-07-01"),
        lambda each: each.levers("mine", as_of="2021-07-01"),
    )
    for ask in asked:
        assert ask(without).as_dict() == ask(with_year).as_dict()
    assert (
        without.forecast("mine", "2021-07-01").as_dict()["rows"]
        == with_year.forecast("mine", "2021-07-01").as_dict()["rows"]
    )


def test_a_table_of_outages_without_a_row_is_no_county_without_outages(tmp_path: Path) -> None:
    """The table stands there and is empty: every question says that it does not know, and the report is written all the same."""
    for file in Path("data_samples/county").iterdir():
        if file.is_file() and file.stem not in {"outages", "stages"}:
            shutil.copy(file, tmp_path)
    head = Path("data_samples/county/outages.csv").read_text("utf-8-sig").splitlines()[0]
    (tmp_path / "outages.csv").write_text(f"{head}\n", "utf-8")
    empty = fudian.open(tmp_path, "en")
    with pytest.raises(FudianError, match="No outage is recorded"):
        empty.process(year=2022)
    assert "that nothing happened is not known" in notes(empty.why("2022-10", "2022-11"))
    report = empty.report("2022-11", "xihua-2022", "en")
    assert any("No outage is recorded" in sentence for sentence in report.section("process").says)
    assert any("that nothing happened is not known" in sentence for sentence in report.section("headline").says)
    assert {row["status"] for row in report.section("targets").rows} == {"not_computable"}


def test_a_report_within_a_year_leaves_its_targets_open_though_the_calendar_is_past_it() -> None:
    """Records end in February 2021, and no as-of time is stated: seen from there the year is not over, and no cause is told."""
    report = utility(datetime(2021, 1, 1), 50).report("2021-02", "mine", "en")
    rural, town = report.section("targets").rows
    assert (rural["status"], town["status"]) == ("unknown", "not_computable")
    assert [row["probability_met"] is None for row in report.section("forecast").rows] == [False]
    assert [row["cause"] for row in report.section("causes").rows] == ["not recorded"]
    whole = utility(datetime(2021, 1, 1), 50).report("2021", "mine", "en")
    assert whole.section("targets").rows[0]["status"] == "pass"
