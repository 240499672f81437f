"""Ranges of restoration times keep their promise, know nothing of the future, and say where they are out of their depth."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

import fudian
from data_samples.generator.county import COUNTY
from fudian.ledger import DeskEvent
from network import read_workspace
from repair.desk.restoration_time.history import FEATURES as COUNTY_FEATURES
from repair.desk.restoration_time.history import ISOLATED, LOCATED, past_moments
from repair.desk.restoration_time.model import BY_CATEGORY, MODEL, OVERALL, Features, RestorationTimes, _conformal
from repair.settings import RestorationTimeSettings

FEATURES = Features(("distance",), ("cause",))
RULES = RestorationTimeSettings()


def faults(count: int, seed: int, slower: float = 1.0) -> pl.DataFrame:
    """Draw faults: the cause and the distance say much, and the spread grows with the distance."""
    chance = np.random.default_rng(seed)
    cause = chance.choice(["tree", "animal", "cable"], count)
    distance = chance.uniform(0, 10, count)
    usual = np.where(cause == "cable", 6.0, np.where(cause == "tree", 2.0, 1.0)) + 0.2 * distance
    hours = slower * usual * np.exp(chance.normal(0, 0.2 + 0.05 * distance))
    return pl.DataFrame(
        {"cause": cause, "distance": distance, "hours": hours, "open_faults": chance.integers(1, 10, count)}
    )


@pytest.mark.parametrize("seed", range(3))
def test_ranges_hold_as_often_as_promised(seed: int) -> None:
    model = RestorationTimes(faults(1500, seed), FEATURES, RULES)
    new = faults(2000, seed + 100)
    told = model.estimate(new)
    held = (new["hours"] >= told["low_h"]) & (new["hours"] <= told["high_h"])
    assert 0.76 <= held.mean() <= 0.85
    assert set(told["basis"]) == {MODEL}
    assert (told["low_h"] <= told["likely_h"]).all()
    assert (told["likely_h"] <= told["high_h"]).all()
    by_cause = RestorationTimes(
        faults(1500, seed), FEATURES, RULES.model_copy(update={"least_history": 10**6})
    ).estimate(new)
    assert set(by_cause["basis"]) == {BY_CATEGORY}
    own, median = ((each["likely_h"] - new["hours"]).abs().mean() for each in (told, by_cause))
    assert own < 0.97 * median


def test_the_calibration_follows_a_world_that_drifts() -> None:
    """Faults of late take longer: what was learned of older ones alone would hold far less often."""
    past = pl.concat([faults(900, 1), faults(600, 2, slower=1.6)])
    new = faults(2000, 3, slower=1.6)
    rolling, stale = RestorationTimes(past, FEATURES, RULES), RestorationTimes(faults(1500, 1), FEATURES, RULES)
    held = [
        ((new["hours"] >= told["low_h"]) & (new["hours"] <= told["high_h"])).mean()
        for told in (rolling.estimate(new), stale.estimate(new))
    ]
    assert held[0] > 0.75
    assert held[1] < 0.72


def test_what_was_never_seen_is_out_of_depth() -> None:
    model = RestorationTimes(faults(600, 4), FEATURES, RULES)
    new = faults(3, 5).with_columns(open_faults=pl.Series([3, 15, 100]))
    assert model.estimate(new)["out_of_depth"].to_list() == [False, False, True]


def test_with_little_past_the_median_of_the_cause_stands() -> None:
    past = pl.DataFrame({
        "cause": ["tree"] * 5 + ["cable"] * 2, "distance": [1.0] * 7, "hours": [1.0, 2.0, 3.0, 4.0, 50.0, 9.0, 9.0],
        "open_faults": [1] * 7,
    })  # fmt: skip
    new = pl.DataFrame({"cause": ["tree", "cable", None], "distance": [1.0] * 3, "open_faults": [1] * 3})
    told = RestorationTimes(past, FEATURES, RULES).estimate(new)
    assert told["likely_h"].to_list() == [3.0, 4.0, 4.0]
    assert told["basis"].to_list() == [BY_CATEGORY, OVERALL, OVERALL]
    nothing = RestorationTimes(past.clear(), FEATURES, RULES).estimate(new)
    assert nothing["likely_h"].to_list() == [None] * 3
    assert nothing["out_of_depth"].all()


def test_the_conformal_rule() -> None:
    scores = np.arange(1.0, 20.0)
    assert _conformal(scores, 0.9) == 18.0  # the 18th of 19: 0.9 times 20
    assert _conformal(scores, 1.0) == 19.0


def test_the_past_knows_nothing_of_the_future() -> None:
    tables = dict(read_workspace(COUNTY).tables)
    until = datetime(2021, 7, 1)
    whole = past_moments(tables, until)
    cut = tables | {
        "outages": tables["outages"]
        .filter(pl.col("start") <= until)
        .with_columns(end=pl.when(pl.col("end") <= until).then("end")),
        "orders": tables["orders"].filter(pl.col("accept_time") <= until),
    }
    assert whole.height > 500
    assert whole.equals(past_moments(cut, until))
    assert (whole["hours"] > 0).all()
    assert whole["at"].max() < until
    assert set(COUNTY_FEATURES.numbers) | set(COUNTY_FEATURES.categories) <= set(whole.columns)


def test_a_stage_of_the_past_counts_from_when_it_was_reached() -> None:
    tables = dict(read_workspace(COUNTY).tables)
    until = datetime(2021, 7, 1)
    back = tables["stages"].group_by("outage_id").agg(pl.col("restored_at").min())
    faults = tables["outages"].filter(pl.col("nature").str.starts_with("F-INT"), pl.col("end") <= until)
    name, start, end, first = (
        faults.join(back, on="outage_id")
        .filter(pl.col("restored_at") < pl.col("end"))
        .select("outage_id", "start", "end", "restored_at")
        .row(0)
    )
    found = start + (first - start) / 2
    one = tables | {"outages": tables["outages"].filter(pl.col("outage_id") == name)}
    told = {name: (("located_time", found),)}
    moments = dict(past_moments(one, until, told).select("at", "stage").iter_rows())
    assert (moments[found], moments[first]) == (LOCATED, ISOLATED)
    assert all(stage == ISOLATED for at, stage in moments.items() if first <= at < end)
    assert all(stage < LOCATED for at, stage in moments.items() if at < found)


def test_what_a_person_told_is_known_from_then_on() -> None:
    """Hours until the last estimate that somebody gave by then; none before the first, and none of what was said later."""
    tables = dict(read_workspace(COUNTY).tables)
    until = datetime(2021, 7, 1)
    faults = tables["outages"].filter(pl.col("nature").str.starts_with("F-INT"), pl.col("end") <= until)
    name, start, end = faults.filter(pl.col("end") - pl.col("start") > timedelta(hours=1)).select(
        "outage_id", "start", "end"
    ).row(0)  # fmt: skip
    first, second = start + (end - start) / 4, start + (end - start) / 2
    said = ((first, first + timedelta(hours=3)), (second, second + timedelta(hours=1)))
    one = tables | {"outages": tables["outages"].filter(pl.col("outage_id") == name)}
    moments = dict(past_moments(one, until, {name: (("estimates", said),)}).select("at", "told_h").iter_rows())
    assert (moments[first], moments[second]) == (3.0, 1.0)
    for at, hours in moments.items():
        last = next((until for told, until in reversed(said) if told <= at), None)
        assert hours == (None if last is None else pytest.approx((last - at).total_seconds() / 3600))
    assert set(past_moments(one, until)["told_h"]) == {None}


def test_the_range_moves_on_with_every_stage_of_the_sheet() -> None:
    utility = fudian.open(COUNTY, "en")
    (row,) = utility.restoration_times().as_dict()["rows"]
    now = utility.now.isoformat()
    seen = [row["stage"]]
    for number, stage in enumerate(("located", "isolated"), 1):
        said = {"action": "stage", "stage": stage, "at": now}
        utility.work.add(DeskEvent(f"e{number}", "decision", "wang", said, row["incident"], None, number))
        seen.append(utility.restoration_times().as_dict()["rows"][0]["stage"])
    assert seen == ["arrived", "located", "isolated"]


def test_the_county_is_told_when_power_is_back() -> None:
    utility = fudian.open(COUNTY, "en")
    answer = utility.restoration_times().as_dict()
    (row,) = answer["rows"]
    now = datetime.fromisoformat(answer["at"])
    times = [datetime.fromisoformat(row[name]) for name in ("low", "likely", "high")]
    assert now <= times[0] <= times[1] <= times[2] < now + timedelta(days=1)
    assert row["basis"] == "model"
    assert row["stage"] == "arrived"
    assert not row["out_of_depth"]


ON_ONE_THREAD = """
from threadpoolctl import threadpool_info
from repair.desk.restoration_time.model import RestorationTimes
from tests.repair.desk.restoration_time.test_model import FEATURES, RULES, faults

class Watched(RestorationTimes):
    def _learn(self, known):
        super()._learn(known)
        print(sorted({each["num_threads"] for each in threadpool_info() if each["user_api"] == "openmp"}))

Watched(faults(600, 4), FEATURES, RULES)
"""


def test_the_first_model_of_a_process_is_learned_on_one_thread_too() -> None:
    """Threads that wait for each other on a busy machine take many times the work."""
    wide = {**os.environ, "OMP_NUM_THREADS": "2"}
    said = subprocess.run([sys.executable, "-c", ON_ONE_THREAD], env=wide, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[1]"
