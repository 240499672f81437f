"""What the pages once said wrongly, one test each: the case, and what is right."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plotly.io.json import to_json_plotly

import fudian
from dashboard.app import page_or_note
from dashboard.parts.address import Address
from dashboard.parts.expected import span
from data_samples.generator.county import COUNTY
from fudian import Utility

COUNTS = {
    "outages": "outage_id,start,end,nature,region_class,users,feeder_id,cause\n"
    "A,2022-03-01 08:00,2022-03-01 10:00,F-INT,urban,4,F1,树障\nB,2022-12-30 08:00,,F-INT,urban,60,F1,\n"
    "C,2022-05-01 08:00,2022-05-01 09:00,F-INT,rural,7,F2,\nD,2022-06-01 08:00,2022-06-01 09:00,F-INT,rural,9,F2,\n",
    "population": "region_class,users\nurban,400\nrural,900\n",
}


def county(tmp_path: Path) -> Path:
    return Path(shutil.copytree(COUNTY, tmp_path / "county", ignore=shutil.ignore_patterns(".*")))


def folder_of(tmp_path: Path, tables: dict[str, str]) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text(rows, "utf-8")
    return folder


def shown(utility: Utility, path: str, search: str = "", language: str = "zh") -> str:
    """Return the words of a page."""
    page = page_or_note(utility, Address.read(path, search, language))
    return json.dumps(json.loads(to_json_plotly(page)), ensure_ascii=False)


def words_of(part: Any) -> Iterator[str]:
    """Yield the words of a page in the order in which they are read."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for each in part:
            yield from words_of(each)
    elif isinstance(part, dict):
        yield from words_of(part.get("props", {}).get("children"))


@pytest.fixture(scope="module")
def whole() -> Utility:
    return fudian.open(COUNTY)


@pytest.mark.parametrize("how", ["missing", "unreadable"])
def test_a_ratio_that_cannot_be_computed_is_not_zero(tmp_path: Path, how: str) -> None:
    folder = county(tmp_path)
    if how == "missing":
        (folder / "live_jobs.csv").unlink()
    else:
        (folder / "live_jobs.csv").write_text("没有\n数据\n", "utf-8")
    said = shown(fudian.open(folder), "/management")
    assert "0.0 %" not in said
    assert "live_jobs" in said, "what is missing, and what to do"


def test_records_of_counts_alone_are_counted_on_the_page(tmp_path: Path) -> None:
    utility = fudian.open(folder_of(tmp_path, COUNTS))
    said = shown(utility, "/operations")
    assert "无法显示" not in said
    assert "users of" not in said
    assert "60" in said, "an open outage of 60 users is one of 60"
    assert not re.search(r"停电\s*0\s*户", said)


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh", "64.29 %，目标 65 %，还差 0.71 %"), ("en", "64.29 %, target 65 %, 0.71 % short of it")],
)
def test_below_a_target_of_at_least_so_much_falls_short(whole: Utility, language: str, said: str) -> None:
    (missed,) = [result for result in whole.targets("gongan-2022", wait_s=None).results if result.status == "fail"]
    assert (missed.op, missed.numerator, missed.denominator, missed.limit) == (">=", 9, 14, 65.0)
    page = json.loads(shown(whole, "/operations", "?plan=gongan-2022", language))
    assert said in "".join(words_of(page))


@pytest.mark.parametrize("page", ["operations", "steering", "dispatch", "planned", "management"])
def test_a_language_that_is_not_spoken_is_answered_with_a_page(whole: Utility, page: str) -> None:
    whole.plans_under_check(600.0)
    said = shown(whole, f"/{page}", "?lang=fr")
    assert "无法显示" not in said
    assert "fr" in said


def test_no_major_event_day_is_said_where_none_was_found(whole: Utility) -> None:
    said = shown(whole, "/operations", "?level=lv&med=exclude")
    assert "重大事件日" in said
    found = whole.major_event_days("2022", "lv")
    assert bool(found.days) != ("没有重大事件日" in said or "无重大事件日" in said)


def test_names_stand_where_there_are_names(whole: Utility) -> None:
    whole.plans_under_check(600.0)
    for path in ("/operations", "/management", "/planned"):
        said = shown(whole, path)
        assert "yoy<=" not in said
        assert not re.search(r"\bbit\b", said)


def test_management_shows_a_workspace_that_has_only_a_network(tmp_path: Path) -> None:
    folder = folder_of(
        tmp_path,
        {
            "sources": "node\nS\n",
            "branches": "branch_id,from_node,to_node,kind,feeder_id\nK,S,1,breaker,F\nL,1,2,line,F\n",
            "transformers": "transformer_id,node,feeder_id\nT1,1,F\nT2,2,F\n",
        },
    )
    said = shown(fudian.open(folder), "/management", "", "en")
    assert "This page cannot be shown" not in said
    assert "The grid" in said


def test_the_sheet_tells_of_past_faults_once_they_are_learned_and_makes_nobody_wait() -> None:
    utility = fudian.open(COUNTY)
    (incident, *_) = [entry.key for entry in utility.board().active if entry.incident]

    def words(page: str) -> str:
        return " ".join(words_of(json.loads(page)))

    meanwhile = shown(utility, "/dispatch", "?lang=en")
    assert utility.restoration_times_under_check(None).is_all
    expected = utility.range_of(incident)
    assert expected is not None
    told = span(*expected)
    assert told in words(meanwhile) or "what past faults tell" in words(meanwhile)
    assert told in words(shown(utility, "/dispatch", "?lang=en"))
