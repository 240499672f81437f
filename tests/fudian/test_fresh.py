"""A workspace that is served: what changes on the disk is taken, what breaks is not, and what is kept beside it is taken up."""

from __future__ import annotations

import shutil
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fudian.fresh import Fresh
from fudian.prepared import HOME, prepare, prepare_apart, state_of, take, version_of
from fudian.utility import open_workspace

TRANSFORMERS = "transformer_id,node,feeder_id,region_class,unit\nT1,1,F,urban,east\nT2,2,F,rural,west\n"
OUTAGES = "outage_id,start,end,nature,transformer_id\nA,2022-03-01 08:00,2022-03-01 10:00,F-INT,T1\n"
FURTHER = "B,2022-04-01 08:00,2022-04-01 09:00,F-INT,T2\n"
CUSTOMERS = "customer_id,transformer_id\nC1,T1\nC2,T1\nC3,T2\n"
SIGNALS = "time,object,object_id,kind\n2022-12-31 23:00:00,transformer,T2,off\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "small"
    place.mkdir()
    (place / "sources.csv").write_text("node\nS\n")
    (place / "feeders.csv").write_text("feeder_id,name\nF,first\n")
    (place / "branches.csv").write_text("branch_id,from_node,to_node,kind,feeder_id\nK,S,1,breaker,F\nL,1,2,line,F\n")
    for name, rows in (
        ("transformers", TRANSFORMERS),
        ("outages", OUTAGES),
        ("customers", CUSTOMERS),
        ("signals", SIGNALS),
    ):
        (place / f"{name}.csv").write_text(rows)
    return place


def hours(served: Fresh) -> float:
    return float(served.utility.indices("2022").rows["CH"].item())


def looked(served: Fresh) -> bool:
    """Look twice: a change is taken when it has stayed the same from one look to the next."""
    return served.look() or served.look()


def test_a_change_is_taken_once_it_stands_still(folder: Path) -> None:
    served = Fresh(folder)
    assert (hours(served), served.look(), served.renewed) == (2.0, False, False)
    first = served.standing
    (folder / "outages.csv").write_text(OUTAGES + FURTHER)
    assert served.look() is False, "it may still be being written"
    assert served.look() is True
    assert (hours(served), served.renewed, served.warning) == (3.0, True, None)
    assert served.standing.version != first.version
    assert float(first.utility.indices("2022").rows["CH"].item()) == 2.0, (
        "who still asks the old version is answered from it"
    )


@pytest.mark.parametrize("harm", ["emptied", "deleted", "unreadable", "the folder is gone"])
def test_what_is_broken_leaves_the_old_in_service_with_a_warning(folder: Path, harm: str) -> None:
    served = Fresh(folder)
    kept = folder.parent / "kept"
    shutil.copytree(folder, kept)
    if harm == "emptied":
        (folder / "outages.csv").write_text(OUTAGES.splitlines()[0] + "\n")
    elif harm == "deleted":
        (folder / "outages.csv").unlink()
    elif harm == "unreadable":
        (folder / "outages.csv").write_bytes(b"\x00\xff" * 50)
    else:
        shutil.rmtree(folder)
    assert looked(served) is False
    assert hours(served) == 2.0
    assert served.warning is not None
    assert "what was read before" in str(served.warning).lower()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder)
    (folder / "outages.csv").write_text(OUTAGES + FURTHER)
    assert looked(served) is True
    assert (hours(served), served.warning) == (3.0, None)


def test_signals_that_came_in_are_heard_by_the_new_version_too(folder: Path) -> None:
    served = Fresh(folder)
    served.utility.hear(
        [{"time": "2022-12-31 23:30:00", "object": "transformer", "object_id": "T1", "kind": "off"}], "2022-12-31 23:31"
    )
    before = served.utility.signals.select("time", "object_id")
    (folder / "outages.csv").write_text(OUTAGES + FURTHER)
    assert looked(served) is True
    assert_frame_equal(served.utility.signals.select("time", "object_id"), before, check_row_order=False)


def test_what_is_kept_is_taken_up_and_gives_the_same_figures(folder: Path) -> None:
    plain = open_workspace(folder)
    version = version_of(state_of(folder))
    assert take(open_workspace(folder), folder, version) is False
    prepare(open_workspace(folder), folder, version)
    again = open_workspace(folder)
    assert take(again, folder, version) is True
    for level in ("mv", "lv"):
        assert_frame_equal(again.indices("2022", "unit", level).rows, plain.indices("2022", "unit", level).rows)
        assert_frame_equal(
            again.totals(again.query("2022", level=level)), plain.totals(plain.query("2022", level=level))
        )
    assert version_of(state_of(folder)) == version, "what is kept is no part of the data"
    assert again.indices("2022", level="lv").rows["CH"].item() == 4.0


def test_only_the_last_versions_are_kept(folder: Path) -> None:
    for number in range(4):
        (folder / "outages.csv").write_text(OUTAGES + FURTHER * number)
        assert prepare_apart(folder)
    assert len(list((folder / HOME).iterdir())) == 2


def test_the_data_says_when_it_was_written(folder: Path) -> None:
    served = Fresh(folder)
    newest = max(path.stat().st_mtime for path in folder.iterdir())
    assert abs(served.standing.written - datetime.fromtimestamp(newest)) < timedelta(milliseconds=1)
    assert pl.Series([served.standing.read_at]).is_between(served.standing.written, datetime.now()).all()


def test_changes_are_taken_where_no_process_can_be_started_to_prepare_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(folder / "there is no interpreter"))
    assert prepare_apart(folder) is False
    served = Fresh(folder, further="fudian.prepared")
    served.begin()
    try:
        (folder / "outages.csv").write_text(OUTAGES + FURTHER)
        over = time.monotonic() + 50
        while hours(served) != 3.0 and time.monotonic() < over:
            time.sleep(0.1)
    finally:
        served.end()
    assert hours(served) == 3.0
