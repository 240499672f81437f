"""One code, four engines: ledger and figures on Polars, pandas, DuckDB and Spark; customers that never leave Spark."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from network import Network, network_from_tables, read_network
from reliability import Period, ieee_indices, indices
from reliability.engines import ENGINES, from_engine, to_engine
from reliability.interruption_table import interruptions
from reliability.ledger_table import ledger, without_days
from reliability.population_table import customer_groups, population
from reliability.query import Query
from reliability.settings import ReliabilitySettings
from reliability.statistics import Statistics
from tests.reliability.oracle import DAYS, assert_as_counted_by_the_minute
from tests.reliability.records import Scene, scenes_as_written, statistics
from tests.reliability.slow import LAST, Rules, moment_of_knowledge, rules
from tests.reliability.stated import STATED_OUTAGES, assert_as_counted_day_by_day, stated_numbers

pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Downcasting behavior in Series:FutureWarning"),  # narwhals on pandas 2
]

DAY = datetime(2022, 3, 1)
CROSSINGS: tuple[Literal["cut", "start"], ...] = ("cut", "start")


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A Spark of two workers that lets less than a megabyte of any result reach its driver."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: the extra spark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java, and there is none")
    from pyspark.sql import SparkSession

    from reliability.engines import spark_session

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.maxResultSize", "1m")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    assert spark_session().sparkContext.master == session.sparkContext.master
    yield session
    session.stop()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "spark":
        request.getfixturevalue("spark")
    if request.param == "duckdb":
        pytest.importorskip("duckdb", reason="the extra duckdb is not installed")
    return str(request.param)


def interrupted() -> Statistics:
    """Four users: an interruption inside another, one after the other, over the end of a month and beyond its approved end,
    open, and not counted.
    """
    minutes = [
        ("E0", "T0", 0, 90, "F-INT"), ("E1", "T0", 10, 20, "P-PLAN-MAINT"), ("E2", "T0", 60, 120, "F-EXT"),
        ("E3", "T1", 0, 2, "F-INT"), ("E4", "T1", 0, 60 * 24 * 40, "P-PLAN-MAINT"), ("E5", "T2", 30, None, "P-RAT-SYS"),
        ("E6", "T2", 5, 25, "F-INT"), ("E7", "T3", -60 * 24 * 20, 5, "F-INT"),
    ]  # fmt: skip
    return statistics(
        {
            "sources": [{"node": "S"}],
            "branches": [{"branch_id": "B", "from_node": "S", "to_node": "N", "kind": "breaker"}],
            "transformers": [
                {"transformer_id": f"T{i}", "node": "N", "region_class": region, "in_service": since}
                for i, (region, since) in enumerate(
                    [("urban", None), ("rural", DAY - timedelta(days=9)), ("urban", None), (None, None)]
                )
            ],
            "outages": [
                {
                    "outage_id": outage,
                    "transformer_id": user,
                    "start": DAY + timedelta(minutes=start),
                    "end": None if end is None else DAY + timedelta(minutes=end),
                    "nature": nature,
                    "exclusion": "arrears" if outage == "E6" else None,
                    "approved_end": DAY + timedelta(days=20) if outage == "E4" else None,
                }
                for outage, user, start, end, nature in minutes
            ],
        }
    )


def test_the_ledger_is_the_same_on_every_engine(engine: str) -> None:
    rows, period = interrupted().interruptions(), Period.year(2022)
    columns = ["outage_id", "user_id", "from", "until", "group_start", "duration_h", "leads", "h", "count", "counted"]
    columns += ["sustained", "provisional", "overrun", "nature", "reason"]
    expected = ledger(rows, period).select(columns).sort("outage_id", "from")
    found = from_engine(ledger(to_engine(rows, engine), period)).select(columns).sort("outage_id", "from")
    assert_frame_equal(found, expected, check_dtypes=False, rel_tol=1e-12)
    assert dict(expected.filter(user_id="T0").select("outage_id", "h").iter_rows()) == {"E0": 1.5, "E1": 0, "E2": 0.5}
    beyond = expected.filter("overrun").select("outage_id", "nature", "h", "count", "reason").rows()
    assert beyond == [("E4", "P-TEMP-MAINT", 480, 0, "overrun")]
    rest = from_engine(ledger(without_days(to_engine(rows, engine), [DAY.date()]), period))
    assert rest["outage_id"].to_list() == ["E7"]


@pytest.mark.parametrize(
    ("figures_of", "by", "crossing"),
    [
        (indices, (), "cut"),
        (indices, ("region_class", "month", "nature"), "cut"),
        (indices, ("aggregate",), "start"),
        (ieee_indices, (), "start"),
        (ieee_indices, ("region_class", "month", "nature"), "cut"),
    ],
)
def test_figures_are_the_same_on_every_engine(
    engine: str, figures_of: Callable[..., Any], by: tuple[str, ...], crossing: Literal["cut", "start"]
) -> None:
    county, period, rules = interrupted(), Period.year(2022), ReliabilitySettings(crossing=crossing)
    rows, users = county.interruptions(), county.population()
    expected = figures_of(rows, users, by, period, rules)
    found = from_engine(figures_of(to_engine(rows, engine), to_engine(users, engine), by, period, rules))
    order = list(by)
    if order:
        found, expected = (frame.sort(order, nulls_last=True) for frame in (found, expected))
    assert_frame_equal(found.select(expected.columns), expected, check_dtypes=False, rel_tol=1e-12)


def test_an_interruption_belongs_whole_to_the_month_in_which_it_began(engine: str) -> None:
    county, period = interrupted(), Period.year(2022)
    rows, users = (to_engine(frame, engine) for frame in (county.interruptions(), county.population()))
    cut, whole = (
        {
            row["month"]: (row["CH"], row["CI"])
            for row in from_engine(
                indices(rows, users, ("month",), period, ReliabilitySettings(crossing=crossing))
            ).to_dicts()
            if row["CH"]
        }
        for crossing in CROSSINGS
    )
    to_the_year = 306 * 24 - 0.5  # the open one, from half past midnight on the first of March
    assert whole == {
        "2022-02": (pytest.approx(480 + 5 / 60), 1),
        "2022-03": (pytest.approx(2 + 40 * 24 + to_the_year), 3),
    }
    assert len(cut) == 11
    assert (cut["2022-02"], cut["2022-12"]) == ((480, 1), (31 * 24, 0))
    assert sum(hours for hours, _ in cut.values()) == pytest.approx(sum(hours for hours, _ in whole.values()))


def test_a_statement_is_the_same_on_every_engine(engine: str) -> None:
    query = Query(Period.year(2022), ("region_class",), med="exclude", where={"region_class": "urban"})
    county = interrupted()
    expected, found = county.statement(query), county.statement(query, engine)
    assert found["basis"] == expected["basis"]
    assert_frame_equal(pl.DataFrame(found["rows"]), pl.DataFrame(expected["rows"]), check_dtypes=False, rel_tol=1e-12)


def as_records_come() -> Statistics:
    """Two feeders and a tie: load switched over, one outage of three rows, a customer that was moved, a major event day."""
    diagram = "=S -[K1]- 1 -L1- 2 -(S1)- 3 /(TIE)/ 4 -[K2]- =R; T1 @ 2; T2 @ 3; T3 @ 4"
    hours = [(7, "TIE", "close"), (7, "S1", "open"), (8, "K2", "open"), (10, "K2", "close")]
    spans = [("A", "branch_id", "K2", 8, 10), ("B", "transformer_id", "T1", 30, 31), ("B", "transformer_id", "T2", 30, 32),
             ("B", "transformer_id", "T3", 30, 33), ("C", "transformer_id", "T1", 24 * 60, 24 * 60 + 5),
             ("M", "branch_id", "K1", 24 * 9 + 22, 24 * 10 + 3), ("N", "branch_id", "K1", 24 * 10 + 3, 24 * 10 + 4)]  # fmt: skip
    moment = DAY + timedelta(days=40)
    return Statistics(
        Network.from_text(
            diagram,
            {
                "switching": [
                    {"time": DAY + timedelta(hours=hour), "branch_id": branch, "action": action} for hour, branch, action in hours
                ],
                "outages": [
                    {"outage_id": name, column: part, "start": DAY + timedelta(hours=start), "end": DAY + timedelta(hours=end),
                     "nature": "F-INT"}
                    for name, column, part, start, end in spans
                ],
                "customers": [
                    {"customer_id": "C0", "transformer_id": "T1", "retired": moment},
                    {"customer_id": "C0", "transformer_id": "T2", "in_service": moment},
                    *({"customer_id": f"C{i}", "transformer_id": f"T{1 + i % 3}"} for i in range(1, 7)),
                ],
            },
            {"reliability": {"major_event_days": [(DAY + timedelta(days=9)).date().isoformat()]}},
        )
    )  # fmt: skip


@pytest.mark.parametrize("level", ["mv", "lv"])
def test_records_as_they_come_are_the_same_on_every_engine(engine: str, level: str) -> None:
    """As logged (R1.16), without a major event day (R1.17), several rows (R1.18), a move (R1.19)."""
    county = as_records_come()
    assert county.net.workspace.errors == ()
    query = Query(Period.year(2022), ("month",), level, "exclude")
    expected, found = (county.statement(query, each) for each in ("polars", engine))
    assert found["basis"] == expected["basis"]
    assert_frame_equal(pl.DataFrame(found["rows"]), pl.DataFrame(expected["rows"]), check_dtypes=False, rel_tol=1e-12)
    hours = {row["month"]: row["CH"] for row in found["rows"] if row["CH"]}
    if level == "mv":  # A: T2 and T3; B: all three; N: T1 alone, since T2 hangs on the second feeder
        assert hours == {"2022-03": 4 + 6 + 1, "2022-04": 5}
    else:  # C0 hangs on T1 until April, and is not there when T1 goes off in its end
        assert hours == {"2022-03": 2 * 4 + (3 * 1 + 2 * 2 + 2 * 3) + 3, "2022-04": 2 * 5}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=scenes_as_written(), drawn=rules(), first=st.integers(0, 60), last=st.integers(61, LAST),
       as_of=st.none() | st.integers(62, LAST), days=st.sets(st.sampled_from(DAYS)), open_min=st.integers(1, 120))  # fmt: skip
def test_random_records_are_counted_as_by_the_minute(
    engine: str, scene: Scene, drawn: Rules, first: int, last: int, as_of: int | None, days: set[date], open_min: int
) -> None:
    """Rules R1.16 to R1.22 switched at random, on every engine."""
    as_of = moment_of_knowledge(scene, drawn, as_of)
    told = [
        minute for outage in scene.outages for minute in (outage["start"], outage["end"]) if isinstance(minute, int)
    ]
    assume(as_of is not None or max(told, default=0) > first)  # else nothing is known of the period
    assert_as_counted_by_the_minute(scene, drawn, first, last, as_of, days, open_min, engine)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=stated_numbers(), outages=STATED_OUTAGES, first=st.integers(0, 30), last=st.integers(200, 364))
def test_stated_numbers_of_users_are_counted_day_by_day(
    engine: str,
    drawn: tuple[list[tuple[str, int, int, int]], str],
    outages: list[tuple[str, int, int, int]],
    first: int,
    last: int,
) -> None:
    """Rule R1.23 on every engine."""
    assert_as_counted_day_by_day(drawn, outages, first, last, engine)


def test_customers_in_part_files_stay_in_spark(spark: Any, tmp_path: Path) -> None:
    """Their groups give the figures of one machine, and Spark itself forbids that they come to the driver."""
    count, transformers = 120_000, 60
    number = pl.int_range(count, eager=True)
    customers = pl.DataFrame(
        {
            "customer_id": pl.Series([f"customer {i:040}" for i in range(count)]).shuffle(seed=1),
            "transformer_id": "T" + (number % transformers).cast(pl.String),
            "second_transformer_id": pl.Series([None, "T1"], dtype=pl.String).gather(
                (number % 600 == 0).cast(pl.Int64)
            ),
            "in_service": pl.Series([None, DAY]).cast(pl.Datetime("us")).gather((number % 7 == 0).cast(pl.Int64)),
            "retired": pl.Series([None] * count, dtype=pl.Datetime("us")),
        }
    )
    tables = {
        "sources": pl.DataFrame({"node": ["S"]}),
        "branches": pl.DataFrame(
            {
                "branch_id": [f"B{i}" for i in range(transformers)],
                "from_node": "S",
                "to_node": [f"N{i}" for i in range(transformers)],
                "kind": "fuse",
            }
        ),
        "transformers": pl.DataFrame(
            {
                "transformer_id": [f"T{i}" for i in range(transformers)],
                "node": [f"N{i}" for i in range(transformers)],
                "region_class": ["urban", "rural"] * (transformers // 2),
            }
        ),
        "outages": pl.DataFrame(
            [
                {
                    "outage_id": f"E{i}",
                    "start": DAY + timedelta(minutes=20 * i),
                    "end": DAY + timedelta(minutes=20 * i + 45),
                    "nature": "F-INT",
                    "branch_id": f"B{i % 4}",
                }
                for i in range(12)
            ]
        ),
    }
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
        for name, table in tables.items():
            table.write_parquet(folder / f"{name}.parquet")
    customers.write_parquet(whole / "customers.parquet")
    (parts / "customers.parquet").mkdir()
    for part in range(4):
        customers[part::4].write_parquet(parts / "customers.parquet" / f"part-{part}.parquet")

    with pytest.raises(Exception, match="maxResultSize"):
        spark.read.parquet(str(parts / "customers.parquet")).toArrow()
    query = Query(Period.year(2022), ("region_class", "month"), "lv")
    expected = Statistics(read_network(whole)).statement(query)
    found = Statistics(read_network(parts)).statement(query, "spark")
    assert found["basis"] == expected["basis"]
    assert_frame_equal(pl.DataFrame(found["rows"]), pl.DataFrame(expected["rows"]), check_dtypes=False, rel_tol=1e-9)
    assert sum(row["N_T"] for row in expected["rows"] if row["month"] == "2022-12") == count


def test_times_with_a_zone_are_refused(spark: Any, tmp_path: Path) -> None:
    from network import FudianError
    from reliability.engines import parquet_on_spark

    pl.DataFrame({"customer_id": ["C"], "in_service": [DAY]}).with_columns(
        pl.col("in_service").dt.replace_time_zone("UTC")
    ).write_parquet(tmp_path / "part.parquet")
    with pytest.raises(FudianError, match="zone"):
        parquet_on_spark(tmp_path)


@pytest.mark.parametrize("engine", ["polars", "spark"], indirect=True)
def test_a_customer_named_by_a_record_stands_alone(engine: str) -> None:
    net = network_from_tables(
        {
            "sources": [{"node": "S"}],
            "branches": [{"branch_id": "B", "from_node": "S", "to_node": "N", "kind": "breaker"}],
            "transformers": [{"transformer_id": "T", "node": "N", "region_class": "urban"}],
            "customers": [{"customer_id": f"C{i}", "transformer_id": "T"} for i in range(5)],
            "outages": [
                {"outage_id": "A", "start": DAY, "end": DAY + timedelta(hours=2), "nature": "F-INT", "branch_id": "B"},
                {"outage_id": "C", "start": DAY + timedelta(hours=1), "end": DAY + timedelta(hours=4), "nature": "F-INT",
                 "customer_id": "C3"},
            ],
        }
    )  # fmt: skip
    outages = net.workspace.tables["outages"]
    users = customer_groups(
        to_engine(net.customers.drop("row"), engine), population(net), outages["customer_id"].drop_nulls()
    )
    rows = interruptions(outages, None, net, "lv", users)
    found = from_engine(indices(rows, users, (), Period.year(2022))).row(0, named=True)
    assert (found["N_T"], found["CH"], found["CI"], found["CN"]) == (5, 4 * 2 + 4, 5, 5)
    assert from_engine(users)["user_id"].sort().to_list() == ["C0+3", "C3"]
