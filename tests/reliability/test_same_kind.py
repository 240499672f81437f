"""Frames of Polars, pandas and Arrow go in, and the same kind comes out with the same figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fudian
import reliability
from network import network_from_tables
from network.readers.one_line import one_line_tables

DIAGRAM = "=S -[K1]- 1 -L1 2.5km- 2 -[K2]- 3; T1(30) @ 1; T2(10) @ 3"
OUTAGES = pl.DataFrame(
    {
        "outage_id": ["A", "B"],
        "start": [datetime(2022, 3, 1, 8), datetime(2022, 5, 2, 9)],
        "end": [datetime(2022, 3, 1, 10), datetime(2022, 5, 2, 9, 30)],
        "nature": ["F-INT", "P-PLAN-MAINT"],
        "branch_id": ["L1", "K1"],
    }
)
SIGNALS = pl.DataFrame({"time": [datetime(2022, 3, 1, 8)], "object": ["branch"], "object_id": ["K2"], "kind": ["trip"]})
KINDS: dict[str, tuple[Callable[[pl.DataFrame], Any], type]] = {
    "polars": (lambda frame: frame, pl.DataFrame),
    "pandas": (lambda frame: frame.to_pandas(), pd.DataFrame),
    "arrow": (lambda frame: frame.to_arrow(), pa.Table),
}


def as_polars(frame: Any) -> pl.DataFrame:
    return pl.from_pandas(frame) if isinstance(frame, pd.DataFrame) else pl.DataFrame(frame)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_kind_comes_out(kind: str) -> None:
    of_kind, expected = KINDS[kind]
    net = network_from_tables({name: of_kind(pl.DataFrame(rows)) for name, rows in one_line_tables(DIAGRAM).items()})
    assert not net.problems
    off = reliability.interruptions(of_kind(OUTAGES), None, net)
    users = of_kind(reliability.population(net))
    year = reliability.Period.parse("2022")
    behind = reliability.ledger(off, year)
    figures = reliability.indices(off, users, period=year)
    beside = reliability.ieee_indices(off, users, period=year)
    assert [type(each) for each in (off, behind, figures, beside)] == [expected] * 4
    assert as_polars(off).height == 3
    row = as_polars(figures).row(0, named=True)
    assert (row["CH"], row["CI"], row["N_T"]) == (3.0, 3, 2.0)  # T2 off for 2 h, both for half an hour
    assert row["SAIDI-1"] == pytest.approx(1.5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_workspace_takes_frames_of_any_kind(kind: str) -> None:
    of_kind, _ = KINDS[kind]
    net = network_from_tables({name: pl.DataFrame(rows) for name, rows in one_line_tables(DIAGRAM).items()})
    utility = fudian.open(net.workspace.with_table("outages", of_kind(OUTAGES)), "en")
    assert utility.workspace.tables["outages"].height == 2
    assert utility.indices("2022").rows["CH"].item() == 3.0
    assert utility.locate(of_kind(SIGNALS)).location.ranked[0].branches == ("K2",)
