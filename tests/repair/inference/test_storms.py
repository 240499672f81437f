"""At no minute of a storm do list, incidents, location and board contradict each other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from benchmarks.infer import Bench, Storm
from repair import Inference
from repair.desk.board import board
from repair.desk.incidents import Told, affected_by_told
from tests.conftest import GOLDEN

LINES = {"line", "trunk", "lateral", "sub_lateral"}


STORMS = sorted((GOLDEN / "storms").iterdir())


def test_there_are_ten_storms_in_ten_worlds() -> None:
    assert len({folder.name.partition("_")[2] for folder in STORMS}) == 10


@pytest.mark.parametrize("folder", STORMS, ids=lambda folder: folder.name)
def test_list_incidents_location_and_board_agree(folder: Path) -> None:
    bench, storm = Bench.of(), Storm.kept(folder)
    net, supply = bench.net, bench.net.energise()
    inference = Inference(supply)
    present = net.in_service(storm.signals["arrived"][0]).energise()
    heard_until = storm.signals["arrived"][0] - timedelta(minutes=1)
    for minute in range(75):
        at = storm.signals["arrived"][0] + timedelta(minutes=minute)
        fresh = storm.signals.filter((pl.col("arrived") > heard_until) & (pl.col("arrived") <= at)).drop("arrived")
        heard_until = at
        inference.take(fresh)
        inference.tick(at)
        outages = [incident for incident in inference.incidents if incident.is_open]
        told = Told.of(inference, storm.heard(at))
        listed = affected_by_told(inference.supply, told)
        assert set(listed.hit.transformers) == {name for each in outages for name in each.dark_ids}
        assert listed.sure is not None
        assert all(listed.sure[name] >= inference.rules.suspected - 1e-9 for name in listed.hit.transformers)
        if minute % 15 == 0:
            tables = dict(net.workspace.tables) | {
                "signals": storm.heard(at),
                "outages": net.workspace.tables["outages"].clear(),
            }
            shown = board(present, tables, at, told=told)
            of_board = {name for entry in shown.active for name in entry.affected.hit.transformers}
            assert of_board == set(listed.hit.transformers)
            for entry in shown.active:
                assert entry.customers == entry.affected.customer_count
                outage = entry.incident.outage if entry.incident else None
                if outage and outage.level in LINES and entry.incident and entry.incident.location.ranked:
                    zone = set(entry.incident.location.ranked[0].branches)
                    below = {outage.object_id, *entry.affected.branches}
                    above = set(_way_to(inference, outage.object_id))
                    assert zone & (below | above)


def _way_to(inference: Inference, branch: str) -> list[str]:
    supply = inference.supply
    at = int(supply.place_below(supply.network.branch_index(branch))[0])
    way = []
    while at > 0:
        if supply.branch_to[at] >= 0:
            way.append(str(supply.network.branches["branch_id"][int(supply.branch_to[at])]))
        at = int(supply.parent[at])
    return way
