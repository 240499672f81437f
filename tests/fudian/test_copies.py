"""A copy of the store is whole, and can be put back."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path

import pytest

from fudian.cli.app import main
from fudian.desk import Desk
from fudian.ledger import Ledger
from fudian.store import store_of
from fudian.store.copies import copy_of, put_back
from network import FudianError
from tests.fudian.test_desk import TRIP, utility


def count(path: Path) -> int:
    store = store_of(path)
    try:
        return len(list(Ledger(store).since()))
    finally:
        store.close()


def test_a_copy_is_taken_while_the_desk_runs_and_put_back_while_it_does_not(tmp_path: Path) -> None:
    path, copy = tmp_path / "store.sqlite", tmp_path / "copy.sqlite"
    store = store_of(path)
    with Desk(utility(), store) as desk:
        desk.accept(TRIP[:2], "head end")
        copy_of(store, copy)
        desk.accept(TRIP, "head end")
        with pytest.raises(FudianError, match="Another desk"):
            put_back(copy, str(path))
        with pytest.raises(FudianError, match="already"):
            copy_of(store, copy)
    store.close()
    assert (count(copy), count(path)) == (2, 6)
    kept = put_back(copy, str(path))
    assert (count(path), count(kept)) == (2, 6)


def test_what_is_no_store_is_not_put_back(tmp_path: Path) -> None:
    path, other = tmp_path / "store.sqlite", tmp_path / "other.sqlite"
    store_of(path).close()
    other.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(FudianError):
        put_back(other, str(path))
    with pytest.raises(FudianError):
        put_back(tmp_path / "nothing", str(path))
    memory = store_of("sqlite://")
    with pytest.raises(FudianError, match="SQLite"):
        copy_of(memory, tmp_path / "copy")
    memory.close()


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FUDIAN_LANG", "en")
    workspace = tmp_path / "county"
    workspace.mkdir()
    copy = tmp_path / "copy.sqlite"
    for words in (
        ["backup", str(workspace), "--to", str(copy)],
        ["restore-backup", str(workspace), "--from", str(copy)],
        ["restore-backup", str(workspace), "--from", str(copy), "--by", "wang"],
        ["erase", str(workspace), "--customer", "C1"],
        ["erase", str(workspace), "--customer", "C1", "--by", "li"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0, capsys.readouterr().err
    assert copy.exists()
    assert list((tmp_path / "county.fudian").glob("store.sqlite.2*"))
    store = store_of(tmp_path / "county.fudian" / "store.sqlite")
    told = [(event.who, event.details["action"]) for event in Ledger(store).since()]
    store.close()
    assert told == [("wang", "restore_backup"), (getuser(), "erase"), ("li", "erase")]
