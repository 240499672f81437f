"""Results of the N-1 test that are kept beside a workspace: taken for the same network alone, and the same as those made anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fudian.kept_sections import KEPT_NETWORKS, keep_sections, kept_sections, place_of_sections
from fudian.utility import Utility
from network import Workspace, workspace
from repair.restoration.n_minus_1 import n_minus_1

BRANCHES = (
    ("K1", "S1", "a", "breaker"), ("L1", "a", "b", "line"), ("W1", "b", "c", "switch"), ("L2", "c", "d", "line"),
    ("K2", "S2", "e", "breaker"), ("L3", "e", "f", "line"), ("TIE", "d", "f", "switch"),
)  # fmt: skip


def tables(**more: Any) -> Workspace:
    branches = [
        {
            "branch_id": each,
            "from_node": one,
            "to_node": other,
            "kind": kind,
            "feeder_id": "F2" if "e" in one + other else "F1",
        }
        | {"normally_open": each == "TIE", "rating_a": 300.0}
        for each, one, other, kind in BRANCHES
    ]
    sources: list[dict[str, object]] = [{"node": each, "capacity_a": 400.0} for each in ("S1", "S2")]
    loads: list[dict[str, object]] = [{"transformer_id": f"T{node}", "node": node, "load_kw": 900.0} for node in "bdf"]
    given: dict[str, Any] = {
        "sources": sources,
        "branches": branches,
        "transformers": loads,
    }
    return workspace(given | more, {"name": "Xihua"})


def keeping(tables: Workspace, folder: Path) -> Utility:
    utility = Utility(tables)
    utility.sections = folder
    return utility


def test_what_is_kept_is_what_is_tried(tmp_path: Path) -> None:
    first = keeping(tables(), tmp_path).n_1()
    assert first.sections
    assert len(list(tmp_path.iterdir())) == 1
    again = keeping(tables(), tmp_path).n_1()
    assert (again.sections, again.assumed, again.complete) == (first.sections, first.assumed, True)
    assert first.sections == n_minus_1(Utility(tables()).present()).sections


def test_nothing_is_tried_where_all_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = keeping(tables(), tmp_path).n_1()
    monkeypatch.setattr("repair.restoration.n_minus_1._try", lambda *_: pytest.fail("it is kept"))
    assert keeping(tables(), tmp_path).n_1().sections == first.sections


def test_records_change_nothing_of_it(tmp_path: Path) -> None:
    keeping(tables(), tmp_path).n_1()
    record = {"outage_id": "O1", "start": datetime(2022, 5, 1, 8), "end": datetime(2022, 5, 1, 9)}
    more = tables(outages=[record | {"object": "branch", "object_id": "L1", "nature": "fault"}])
    keeping(more, tmp_path).n_1()
    assert len(list(tmp_path.iterdir())) == 1


def heavier(given: Workspace) -> Workspace:
    loads = given.tables["transformers"].with_columns(load_kw=pl.col("load_kw").cast(pl.Float64) * 3)
    return tables(transformers=loads.to_dicts())


def otherwise_set(given: Workspace) -> Workspace:
    del given
    return workspace({name: tables().tables[name] for name in tables().files}, {"restoration": {"power_factor": 0.8}})


@pytest.mark.parametrize("changed", [heavier, otherwise_set])
def test_another_network_is_tried_anew(tmp_path: Path, changed: Callable[[Workspace], Workspace]) -> None:
    first = keeping(tables(), tmp_path).n_1()
    other = keeping(changed(tables()), tmp_path).n_1()
    assert other.sections == n_minus_1(Utility(changed(tables())).present()).sections
    assert other.sections != first.sections


def test_only_some_networks_are_kept(tmp_path: Path) -> None:
    result = keeping(tables(), tmp_path).n_1()
    for name in ("a", "b", "c"):
        keep_sections(tmp_path / f"{name}.arrow", result)
    assert len(list(tmp_path.iterdir())) == KEPT_NETWORKS


def test_a_file_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    place = place_of_sections(tmp_path, Utility(tables()).present())
    place.write_bytes(b"no table")
    assert kept_sections(place) == {}
    assert kept_sections(tmp_path / "nowhere.arrow") == {}
    utility = keeping(tables(), tmp_path)
    assert utility.n_1().sections == n_minus_1(utility.present()).sections


def test_nowhere_to_write_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert keeping(tables(), tmp_path / "file" / "deeper").n_1().complete
