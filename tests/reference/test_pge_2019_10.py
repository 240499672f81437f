"""A month of real, dirty outage records: every row that is left out is named, and the rest still answers."""

import csv
import gzip
import json
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from network import read_workspace
from tests.conftest import reference

USERS = 5_500_000
"""Stated number of users: about the electric customer accounts of the utility in 2019."""
START, END = datetime(2019, 10, 1), datetime(2019, 11, 1)
REGION_CLASS = "rural"
"""The records name no region class, so all stand under one."""


def events() -> list[dict[str, str]]:
    with gzip.open(reference("pge_2019_10") / "events_2019_10_psps.csv.gz", "rt") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the events as record-only outages; an event ends when it is gone from the map."""
    to = tmp_path_factory.mktemp("pge")
    with (to / "outages.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["outage_id", "start", "end", "nature", "cause", "users", "region_class"])
        for row in events():
            nature = "P-TEMP-MAINT" if "safety" in row["cause_last"].lower() else "F-INT"
            times = row["start_utc"], row["gone_by"]
            writer.writerow(
                [row["outage_number"], *times, nature, row["cause_last"], row["customers_max"], REGION_CLASS]
            )
    (to / "population.csv").write_text(f"region_class,users\n{REGION_CLASS},{USERS}\n", "utf-8")
    return to


def usable(rows: list[dict[str, str]]) -> list[tuple[datetime, datetime, int]]:
    """Return start, end and users of the rows that can be used, by rules written down again here."""
    kept, seen = [], set()
    for row in rows:
        start, end = (datetime.fromisoformat(row[name]) for name in ("start_utc", "gone_by"))
        if end < start or not row["customers_max"] or int(row["customers_max"]) < 1 or row["outage_number"] in seen:
            continue
        seen.add(row["outage_number"])
        kept.append((start, end, int(row["customers_max"])))
    return kept


def run(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "fudian.cli", *arguments, "--json"], capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_check_names_every_dirty_row(folder: Path) -> None:
    rows = events()
    assert len(rows) == 34_713
    result = run("check", str(folder))
    left_out = {problem["row"] for problem in result["errors"] if problem["table"] == "outages"}
    assert result["counts"]["outages"] == len(rows) - len(left_out) == len(usable(rows))
    for problem in result["errors"]:
        assert all(problem[part] for part in ("row", "message", "hint", "column")), problem
    by_number = dict(enumerate(rows, start=2))
    first_use = {}
    for number, row in by_number.items():
        reason = int(row["customers_max"] or 0) < 1 or row["outage_number"] in first_use
        assert (number in left_out) == reason, row
        if int(row["customers_max"] or 0) >= 1:
            first_use.setdefault(row["outage_number"], number)
    repeated = Counter(problem["column"] for problem in result["errors"])
    assert repeated["users"] == 145
    assert repeated["outage_id"] == len(left_out) - 145


def test_saidi_of_the_month_equals_an_independent_sum(folder: Path) -> None:
    kept = usable(events())
    result = run("indices", str(folder), "--start", "2019-10-01", "--end", "2019-11-01", "--by", "region_class")
    (row,) = result["rows"]
    zero = timedelta()
    hours = sum(
        users * (max(min(end, END) - max(start, START), zero) / timedelta(hours=1)) for start, end, users in kept
    )
    count = sum(users for start, _, users in kept if START <= start < END)
    assert row["N_T"] == USERS
    assert row["CH"] == pytest.approx(hours, rel=1e-12)
    assert row["CI"] == count
    assert row["SAIDI-1"] == pytest.approx(hours / USERS, rel=1e-12)
    assert row["SAIFI-1"] == pytest.approx(count / USERS, rel=1e-12)
    assert row["CN"] is None
    assert row["CTAIDI"] is None
    assert result["basis"]["population_basis"] == "stated"
    assert len({problem["row"] for problem in result["rejected"]}) == 34_713 - len(kept)


def test_long_events_are_kept_and_mentioned(folder: Path) -> None:
    workspace = read_workspace(folder)
    long = [problem for problem in workspace.warnings if problem.table == "outages" and "30" in str(problem.message)]
    assert len(long) >= 1
