"""``fudian diff``: a workspace or one table, as it was and as it is to be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fudian
from fudian.cli.app import main
from network import FudianError
from tests.reliability.records import bus
from tests.reliability.test_ledger import outage

RECORDS = [outage("A", 8, 10), outage("B", 30, 31, transformer_id="T1"), outage("Z", 2000, 2001)]


def written(folder: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    folder.mkdir()
    for name, rows in (bus(2) | {"outages": records}).items():
        pl.DataFrame(rows).write_csv(folder / f"{name}.csv")
    return folder


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    with pytest.raises(SystemExit) as stop:
        main(["diff", *map(str, arguments), "--json"])
    assert stop.value.code in (0, None)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Path, Path]:
    return written(tmp_path / "old", RECORDS), written(tmp_path / "new", [RECORDS[0], outage("N", 40, 43), RECORDS[2]])


def test_two_folders_and_a_folder_with_a_file_give_the_same(
    versions: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = versions
    found = told(capsys, old, new)
    assert set(found) == {"sources", "branches", "transformers", "outages"}
    outages = found["outages"]
    assert (outages["added"], outages["deleted"], outages["changed"]) == (1, 1, 0)
    assert outages["customer_hours"] == pytest.approx(3 - 1)
    assert {"period": "2022-03", "figure": "CH", "old": 3.0, "new": 5.0, "closed": True} in outages["figures"]
    assert told(capsys, old, new / "outages.csv")["outages"] == outages
    (new / "outages.csv").rename(new / "records.csv")
    assert told(capsys, old, new / "records.csv", "--table", "outages")["outages"] == outages


def test_two_files_alone_are_compared_row_by_row(
    versions: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = (folder / "outages.csv" for folder in versions)
    found = told(capsys, old, new)
    assert [(row["change"], row["id"]) for row in found["outages"]["rows"]] == [("deleted", "B"), ("added", "N")]
    assert (found["outages"]["customer_hours"], found["outages"]["figures"]) == (None, [])


def test_a_closed_month_is_told_aloud(versions: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["diff", *map(str, versions)])
    output = capsys.readouterr()
    assert "2022-03" in output.err
    assert "customer_hours" in output.out or "时户" in output.out


def test_the_object_answers_too_and_refuses_what_it_cannot_know(versions: tuple[Path, Path], tmp_path: Path) -> None:
    utility = fudian.open(versions[0])
    assert utility.diff(versions[1]).tables["outages"].count("added") == 1
    assert "1 added, 1 deleted" in repr(utility.diff(versions[1]))
    with pytest.raises(FudianError, match="which table"):
        utility.diff((versions[1] / "outages.csv").rename(tmp_path / "x.csv"))
    with pytest.raises(FudianError, match="There is no"):
        utility.diff(tmp_path / "nowhere")
