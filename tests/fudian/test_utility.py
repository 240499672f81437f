"""One object for every question: the same answers however it is asked, one line when printed, the same after a pickle."""

import pickle
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import fudian
import reliability
from data_samples.generator.county import COUNTY
from fudian import Utility
from network import FudianError, Network, WorkspaceError, read_network
from network.tables.frames import MissingColumnsError, TextTimesError
from reliability import Period
from repair import affected_by_opening, affected_by_transformers, isolate, locate, restore


@pytest.fixture(scope="module")
def utility() -> Utility:
    return fudian.open(COUNTY)


# Periods and moments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("2022", (2022, 1, 1), (2023, 1, 1)),
        (2022, (2022, 1, 1), (2023, 1, 1)),
        ("2022-12", (2022, 12, 1), (2023, 1, 1)),
        ("2022Q3", (2022, 7, 1), (2022, 10, 1)),
        ("2022-q4", (2022, 10, 1), (2023, 1, 1)),
        ("2022-02-28", (2022, 2, 28), (2022, 3, 1)),
        ("2022-01-01..2022-07-01", (2022, 1, 1), (2022, 7, 1)),
        (("2022-03-01", None), (2022, 3, 1), (2023, 1, 1)),
        ((None, date(2022, 7, 1)), (2022, 1, 1), (2022, 7, 1)),
        ((None, datetime(2022, 1, 1)), (2021, 1, 1), (2022, 1, 1)),
        (None, (2022, 1, 1), (2023, 1, 1)),
    ],
)
def test_a_period_may_be_named_in_many_ways(
    utility: Utility, words: Any, start: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    assert utility.period(words) == Period(datetime(*start), datetime(*end))


@pytest.mark.parametrize("words", ["", "year", "2022-13", "2022Q5", "2022-07-01..2022-01-01", "10000000000", "1..2"])
def test_what_is_no_period_is_refused(utility: Utility, words: str) -> None:
    with pytest.raises(FudianError):
        utility.indices(words)


def test_a_time_that_is_none_is_refused_with_the_remedy(utility: Utility) -> None:
    with pytest.raises(FudianError, match="Write it as 2022-10-09"):
        utility.restore("F03-L05", at="yesterday")


@pytest.mark.parametrize(
    ("zone", "local", "ahead_in_july"),
    [("Asia/Shanghai", 8, 0), ("Europe/London", 0, 1), ("America/New_York", -5, 1), ("Asia/Kolkata", 5.5, 0)],
)
def test_a_moment_with_a_zone_is_told_in_the_time_of_the_workspace(zone: str, local: float, ahead_in_july: int) -> None:
    """January's time all year, as the tables of a zone with summer time are kept; without a zone, what the clock shows."""
    utility = one_transformer([CLOSED], {"reading": {"time_zone": zone}})
    for month in (1, 7):
        assert utility.moment(f"2022-0{month}-03 12:00+00:00") == datetime(2022, month, 3, 12) + timedelta(hours=local)
    assert utility.moment("2022-07-03 12:00") == datetime(2022, 7, 3, 12 - ahead_in_july)
    assert utility.moment("2022-01-03 12:00") == datetime(2022, 1, 3, 12)


def test_equal_questions_are_one_answer(utility: Utility) -> None:
    assert utility.indices(2022, by="region_class") is utility.indices(2022, by=["region_class"])
    assert utility.check() is utility.check()


# Defaults ---------------------------------------------------------------------------------------------------------------


def one_transformer(outages: list[dict[str, Any]], settings: dict[str, Any] | None = None) -> Utility:
    net = Network.from_text("=S -[K1]- 1 -L1- 2; T1(3) @ 2; T2(1) @ 2", {"outages": outages}, settings)
    return Utility(net.workspace)


CLOSED = {
    "outage_id": "A",
    "start": datetime(2022, 3, 1, 8),
    "end": datetime(2022, 3, 1, 9),
    "nature": "F-INT",
    "transformer_id": "T1",
}
OPEN = {"outage_id": "B", "start": datetime(2022, 6, 30, 8), "end": None, "nature": "F-INT", "transformer_id": "T1"}


def test_an_open_outage_lasts_until_what_is_stated_and_the_period_ends_there() -> None:
    answer = one_transformer([CLOSED, OPEN], {"as_of": datetime(2022, 6, 30, 12)}).indices(2022)
    assert answer.rows["CH"].item() == 1 + 4
    assert answer.as_dict()["period"]["end"] == "2022-06-30T12:00:00"


def test_an_open_outage_lasts_until_the_latest_moment_known_where_nothing_is_stated() -> None:
    later = CLOSED | {"outage_id": "C", "start": datetime(2022, 6, 30, 10), "end": datetime(2022, 6, 30, 11)}
    later["transformer_id"] = "T2"
    answer = one_transformer([CLOSED, OPEN, later]).indices(2022)
    assert answer.rows["CH"].item() == 1 + 3 + 1
    assert answer.as_dict()["period"]["hours"] == 8760
    assert answer.as_dict()["basis"]["as_of"] == "2022-06-30T11:00:00"


def test_a_period_that_is_not_over_ends_where_the_records_do() -> None:
    this_year = datetime.now().year
    start = datetime(this_year, 1, 1, 8)
    answer = one_transformer([CLOSED | {"start": start, "end": start.replace(hour=10)}]).indices(this_year)
    assert answer.as_dict()["period"]["hours"] == 10


def test_the_answer_is_that_of_the_state_asked_for() -> None:
    log = [{"time": datetime(2022, 3, 1, 7), "branch_id": "S1", "action": "open"}]
    net = Network.from_text("=S -[K1]- 1 -L1- 2 -(S1)- 3; T1(3) @ 2; T2(1) @ 3", {"switching": log})
    utility = Utility(net.workspace)
    assert utility.affected(open="K1").transformers == ["T1", "T2"]
    assert utility.affected(open="K1", at="2022-03-01 08:00").transformers == ["T1"]
    assert utility.affected(open="K1", at="2022-03-01 06:00").transformers == ["T1", "T2"]
    assert utility.affected(open=["K1"], switching=log).transformers == ["T1"]


# What is hard to misuse -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frames(county: Network) -> dict[str, Any]:
    tables = county.workspace.tables
    interruptions = reliability.interruptions(tables["outages"], tables["stages"], county)
    return {"outages": tables["outages"], "interruptions": interruptions, "population": reliability.population(county)}


@pytest.mark.parametrize("column", ["outage_id", "start", "end", "nature"])
def test_a_missing_column_of_the_records_is_an_error(county: Network, frames: dict[str, Any], column: str) -> None:
    for given in (frames["outages"].drop(column), frames["outages"].drop(column).to_pandas()):
        with pytest.raises(MissingColumnsError, match=column) as refused:
            reliability.interruptions(given, None, county)
        assert refused.value.missing == (column,)
        assert "branch_id" in refused.value.available


def test_records_that_cannot_say_what_lost_supply_are_an_error(county: Network, frames: dict[str, Any]) -> None:
    places = ["branch_id", "feeder_id", "transformer_id", "customer_id", "users"]
    with pytest.raises(MissingColumnsError, match="branch_id, feeder_id"):
        reliability.interruptions(frames["outages"].drop(places), None, county)


@pytest.mark.parametrize("column", ["user_id", "users", "start", "end", "nature", "exclusion"])
def test_a_missing_column_of_interruptions_is_an_error(frames: dict[str, Any], column: str) -> None:
    without = frames["interruptions"].drop(column)
    with pytest.raises(MissingColumnsError, match=column):
        reliability.indices(without, frames["population"], period=Period.year(2022))
    with pytest.raises(MissingColumnsError, match=column):
        reliability.ledger(without, Period.year(2022))
    with pytest.raises(MissingColumnsError, match=column):
        reliability.ieee_indices(without, frames["population"], period=Period.year(2022))


@pytest.mark.parametrize("column", ["users", "in_service", "retired"])
def test_a_missing_column_of_the_population_is_an_error(frames: dict[str, Any], column: str) -> None:
    with pytest.raises(MissingColumnsError, match=column):
        reliability.indices(frames["interruptions"], frames["population"].drop(column), period=Period.year(2022))


def test_times_as_text_are_refused_with_the_remedy(county: Network, frames: dict[str, Any]) -> None:
    as_text = frames["outages"].with_columns(pl.col("start").dt.to_string("iso"))
    for given in (as_text, as_text.to_pandas()):
        with pytest.raises(TextTimesError, match=r"start.*str.to_datetime"):
            reliability.interruptions(given, None, county)
    log = county.workspace.tables["switching"].with_columns(pl.col("time").dt.to_string("iso"))
    with pytest.raises(TextTimesError, match="switching"):
        county.energise(log)
    with pytest.raises(MissingColumnsError, match="action"):
        county.energise(log.drop("action"))
    with pytest.raises(MissingColumnsError, match="kind"):
        locate(county.energise(), county.workspace.tables["signals"].drop("kind"))


def test_a_single_id_is_one_id_wherever_several_may_be_given(county: Network, utility: Utility) -> None:
    supply = county.energise()
    several = affected_by_opening(supply, ["F03-K02"])
    assert affected_by_opening(supply, "F03-K02").opened == ("F03-K02",)
    assert affected_by_opening(supply, "F03-K02").hit.transformers == several.hit.transformers
    assert utility.affected(open="F03-K02").transformers == utility.affected(open=["F03-K02"]).transformers
    assert supply.switched(open="F03-K02").dead() == supply.switched(open=["F03-K02"]).dead()
    assert affected_by_transformers(supply, "F03-B01").hit.transformers == ["F03-B01"]
    assert (
        isolate(supply, "F03-L05", "F03-K02").barred.tolist() == isolate(supply, "F03-L05", ["F03-K02"]).barred.tolist()
    )
    one, many = restore(supply, "F03-L05", "F01-T15"), restore(supply, "F03-L05", ["F01-T15"])
    assert one.as_dict() == many.as_dict()
    frame = reliability.indices(
        reliability.interruptions(county.workspace.tables["outages"], None, county),
        reliability.population(county), by="region_class", period=Period.year(2022),
    )  # fmt: skip
    assert set(frame["region_class"]) == {"city_centre", "urban", "town", "rural"}


def test_exactly_one_thing_is_asked_of_who_is_off(utility: Utility) -> None:
    for asked in ({}, {"open": "F03-K02", "fault": "F03-L05"}, {"open": ()}):
        with pytest.raises(FudianError):
            utility.affected(**asked)


def test_rows_frames_and_files_are_read_alike(utility: Utility, tmp_path: Any) -> None:
    signals = utility.workspace.tables["signals"].drop("row").filter(pl.col("time").dt.date() == date(2022, 10, 9))
    signals.write_csv(tmp_path / "signals.csv")
    given: list[Any] = [
        signals,
        signals.to_pandas(),
        signals.to_dicts(),
        tmp_path / "signals.csv",
        str(tmp_path / "signals.csv"),
    ]
    answers = [utility.locate(each).as_dict() for each in given]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["ranked"]
    with pytest.raises(WorkspaceError, match="no usable row of signals"):
        utility.locate([{"time": "never", "object": "branch", "object_id": "F03-K01", "kind": "trip"}])


# As people see it -------------------------------------------------------------------------------------------------------


def test_every_answer_is_one_line_when_printed_and_a_table_in_a_notebook(utility: Utility) -> None:
    supply = utility.present()
    incident = utility.board("2022-10-09 08:00").active[0]
    seen = [
        utility, utility.workspace, utility.network, supply, supply.below("F03-K02"), utility.check(), utility.indices(2022),
        utility.ledger(2022), utility.targets("xihua-2022"), utility.rolling(2022), utility.audit(2022), utility.frequent(),
        utility.live_ratio(2022), utility.affected(open="F03-K02"), utility.affected(fault="F03-L05").area,
        utility.locate(), utility.restore("F03-L05"), utility.board(), incident, incident.affected, utility.precheck(),
        utility.precheck().checks[0], utility.precheck().desk, utility.infer(), isolate(supply, "F03-L05"),
    ]  # fmt: skip
    for each in seen:
        line = repr(each)
        assert "\n" not in line, line
        assert 10 < len(line) < 250, line
    for each in seen[1:3] + seen[5:12]:
        assert str(getattr(each, "_repr_html_", str)()).startswith("<p>")
    assert "<table" in utility.indices(2022, by="unit")._repr_html_()


def test_network_supply_and_utility_survive_a_pickle(utility: Utility) -> None:
    net = read_network(COUNTY)
    again = pickle.loads(pickle.dumps(net))
    assert again.energise().below("F03-K02").customers == net.energise().below("F03-K02").customers
    supply = pickle.loads(pickle.dumps(net.energise().switched(open="F03-K02")))
    assert supply.dead() == net.energise().switched(open="F03-K02").dead()
    copy = pickle.loads(pickle.dumps(utility))
    assert_frame_equal(copy.indices(2022).rows, utility.indices(2022).rows)
    assert copy.problems == utility.problems
    with pytest.raises(TypeError):
        again.workspace.tables["outages"] = pl.DataFrame()


def test_pandas_frames_of_the_ledger_stay_pandas(county: Network, frames: dict[str, Any]) -> None:
    ledger = reliability.ledger(frames["interruptions"].to_pandas(), Period.year(2022))
    assert isinstance(ledger, pd.DataFrame)
