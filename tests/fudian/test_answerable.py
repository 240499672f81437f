"""What a workspace can answer: each question by what its tables hold, and the promise is kept when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fudian
from data_samples.generator.county import COUNTY
from fudian import Utility
from fudian.settings import SETTINGS
from network import FudianError, Workspace, workspace
from tests.reliability.records import bus
from tests.reliability.test_ledger import outage


def first(utility: Utility) -> str:
    branch: str = utility.network.branches["branch_id"][0]
    return branch


ASKED: dict[str, Callable[[Utility], Any]] = {
    "indices": lambda utility: utility.indices(2022),
    "indices lv": lambda utility: utility.indices(2022, level="lv"),
    "affected": lambda utility: utility.affected(open=first(utility)),
    "live_ratio": lambda utility: utility.live_ratio(2022),
    "precheck": lambda utility: utility.precheck(),
    "forecast": lambda utility: utility.forecast("xihua-2022"),
    "why": lambda utility: utility.why("2021", "2022"),
    "budget": lambda utility: utility.budget(),
    "audit": lambda utility: utility.audit(2022),
}
"""How to ask, for questions that are answered or refused as a whole."""


REFUSED = {"indices", "indices lv", "live_ratio", "audit", "forecast", "why"}
"""Questions that are refused where they have no answer; the others answer that nobody is concerned."""


def utility_of(**tables: Any) -> Utility:
    return fudian.open(workspace(tables))


def told(utility: Utility) -> dict[str, tuple[bool, list[str]]]:
    answers = utility.check().as_dict("en")["answers"]
    return {answer["question"]: (answer["answerable"], answer["missing"]) for answer in answers}


def test_the_sample_county_answers_nearly_everything() -> None:
    found = told(fudian.open(COUNTY))
    assert {name for name, (can, _) in found.items() if not can} == set()
    assert found["indices"] == (True, [])
    assert {name for name in found if name.startswith("targets ")} == {
        f"targets {plan}" for plan in ("xihua-2022", "shenqiu-2022", "gongan-2022", "jinhua-2022", "changzhou-2020")
    }


def test_a_network_alone_answers_the_dispatcher_and_no_statistics() -> None:
    found = told(utility_of(**bus(2)))
    assert found["affected"] == (True, ["the table customers"])
    assert found["indices"] == (False, ["the table outages"])
    assert found["restore"] == (False, ["a tie: a branch with normally_open"])
    assert found["live_ratio"][0] is False
    assert (
        "there are no records" in found["targets xihua-2022"][1][0]
        or "no user belongs" in found["targets xihua-2022"][1][0]
    )


def test_counts_alone_answer_the_indices_of_region_classes() -> None:
    records = [outage("A", 8, 10, users=5, region_class="urban")]
    found = told(utility_of(outages=records, population=[{"region_class": "urban", "users": 100}]))
    assert found["indices by region_class"] == (True, [])
    assert found["indices by unit"] == (False, ["the table transformers"])
    assert found["indices lv"] == (False, ["the table customers"])
    assert found["affected"][0] is False


def test_blank_columns_are_counted() -> None:
    tables = bus(4, [{"region_class": "urban"}, {"region_class": "urban"}, {}, {}]) | {"outages": [outage("A", 8, 10)]}
    found = told(utility_of(**tables))
    assert found["indices by region_class"] == (True, ["region_class in 2 of 4 rows of transformers"])
    assert found["indices by planning_class"] == (False, ["planning_class in 4 of 4 rows of transformers"])


def test_rows_that_cannot_be_used_are_not_taken_for_data() -> None:
    found = told(utility_of(**bus(1), outages=[outage("A", 8, 7)]))
    assert found["indices"] == (False, ["a usable row of outages: see its errors"])


@pytest.mark.parametrize(
    "missing", ["", "outages", "sources", "branches", "transformers", "customers", "live_jobs", "plans", "switching"]
)
def test_what_is_promised_is_kept(missing: str) -> None:
    tables = bus(2) | {
        "customers": [{"customer_id": "C", "transformer_id": "T0"}],
        "outages": [outage("A", 8, 10, branch_id="B0")],
        "switching": [{"time": "2022-03-01 08:00", "branch_id": "B0", "action": "open"}],
        "live_jobs": [
            {"job_id": "J", "start": "2022-03-01 08:00", "end": "2022-03-01 09:00", "branch_id": "B0", "outage_h": 2}
        ],
        "plans": [{"plan_id": "P", "start": "2022-05-01 08:00", "end": "2022-05-01 09:00", "branch_id": "B0"}],
    }
    utility = utility_of(**{name: rows for name, rows in tables.items() if name != missing})
    found = told(utility)
    for name, ask in ASKED.items():
        if found[name][0]:
            ask(utility)
        else:
            assert found[name][1]
            if name in REFUSED:
                with pytest.raises(FudianError):
                    ask(utility)


REST: dict[str, Callable[[Utility], Any]] = ASKED | {
    "restore": lambda utility: utility.restore(first(utility)),
    "n_1": lambda utility: utility.n_1(),
    "weak_spots": lambda utility: utility.weak_spots(),
    "locate": lambda utility: utility.locate(
        [{"time": "2022-03-01 08:00", "object": "branch", "object_id": first(utility), "kind": "trip"}]
    ),
}


@pytest.fixture(scope="module")
def part() -> Workspace:
    """Three feeders of the sample county that are tied to each other, with all that belongs to them."""
    whole = fudian.open(COUNTY).workspace
    feeders = ["F01", "F02", "F03"]
    branches = whole.tables["branches"].filter(pl.col("feeder_id").is_in(feeders))
    nodes = pl.concat([branches["from_node"], branches["to_node"]]).unique().implode()
    kept = {
        "feeder_id": pl.Series(feeders).implode(),
        "branch_id": branches["branch_id"].implode(),
        "transformer_id": whole.tables["transformers"]
        .filter(pl.col("feeder_id").is_in(feeders))["transformer_id"]
        .implode(),
        "node_id": nodes,
    }
    tables = {
        name: table.filter(
            pl.all_horizontal(
                True, *(pl.col(id_).is_in(ids) | pl.col(id_).is_null() for id_, ids in kept.items() if id_ in table)
            )
        )
        for name, table in whole.tables.items()
    }
    tables = {name: table.drop("row", strict=False) for name, table in tables.items() if not table.is_empty()}
    made = workspace(tables, whole.settings)
    assert all(told(fudian.open(made))[name][0] for name in REST)
    return made


@pytest.mark.parametrize("subject", sorted(set(SETTINGS) - {"reading"}))
def test_what_rests_on_settings_that_cannot_be_used_is_not_promised(subject: str, part: Workspace) -> None:
    utility = fudian.open(replace(part, settings={**part.settings, subject: {"nope": 1}}))
    found = told(utility)
    for name, ask in REST.items():
        if found[name][0]:
            ask(utility)
        else:
            assert f"settings [{subject}] that can be used: see their errors" in found[name][1]
            try:
                answer = ask(utility)
            except FudianError:
                continue
            assert name == "precheck"  # refuses plan by plan
            assert {check.facts for check in answer.checks} == {None}


def test_the_command_ends_with_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from fudian.cli.app import main

    for name, rows in bus(1).items():
        pl.DataFrame(rows).write_parquet(tmp_path / f"{name}.parquet")
    with pytest.raises(SystemExit):
        main(["check", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "indices of medium-voltage users" in shown or "中压用户可靠性指标" in shown
