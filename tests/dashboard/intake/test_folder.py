"""Reports as files: each is kept, then moved; what cannot be read is moved apart with the reason."""

from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl

from dashboard.intake.folder import FolderIntake
from fudian.desk import Desk
from fudian.ledger import Ledger
from fudian.store import store_of
from tests.fudian.test_desk import TRIP, utility


def drop(folder: Path, name: str, content: bytes) -> None:
    """Write a file as one that nobody writes to any more."""
    path = folder / name
    path.write_bytes(content)
    past = time.time() - 60
    os.utime(path, (past, past))


def until(done: Path) -> None:
    deadline = time.monotonic() + 60
    while not done.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert done.exists(), sorted(str(path) for path in done.parent.parent.rglob("*"))


def test_files_are_kept_and_moved(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store.sqlite")
    folder = tmp_path / "incoming"
    csv = pl.DataFrame(TRIP).write_csv().encode()
    with Desk(utility(), store) as desk:
        intake = FolderIntake(desk, folder)
        drop(folder, "one.csv", csv)
        until(folder / "done" / "one.csv")
        drop(folder, "broken.csv", b"\x00\x01\x02")
        until(folder / "refused" / "broken.csv.problems.txt")
        drop(folder, "one.csv", csv.replace(b"trip", b"tripped?"))
        until(folder / "done" / "one-2.csv")
        intake.close()
        assert not [path for path in folder.iterdir() if path.is_file()]
        assert "tripped?" in (folder / "done" / "one-2.csv.problems.txt").read_text("utf-8")
        assert len(list(Ledger(store).since())) == 6
        desk.wait()
        assert [outage.object_id for outage in desk.utility.told().outages] == ["K1"]
    store.close()


def test_a_file_that_is_still_written_to_is_left(tmp_path: Path) -> None:
    store = store_of("sqlite://")
    folder = tmp_path / "incoming"
    with Desk(utility(), store) as desk:
        intake = FolderIntake(desk, folder)
        path = folder / "part.csv"
        deadline = time.monotonic() + 2.5
        with path.open("wb") as file:
            while time.monotonic() < deadline:
                file.write(b"\n")
                file.flush()
                os.utime(path)
                assert path.exists()
                time.sleep(0.1)
        intake.close()
    store.close()
