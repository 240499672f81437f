"""No incidents are made of moments at which an event surely goes on; with all of them made the answers are the same."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.infer import Bench, Storm
from network.arrays import Mask
from repair import Inference
from repair.inference.going_on import GoingOn
from repair.inference.judgement import Judgement
from repair.inference.users import firsts
from tests.conftest import GOLDEN


class NeverSure(GoingOn):
    """Makes all incidents."""

    def surely(self, judgement: Judgement) -> Mask:
        return np.zeros(len(judgement.events.piece), dtype=np.bool_)


def test_with_all_incidents_made_the_answers_are_the_same() -> None:
    bench = Bench.of()
    net, supply = bench.net, bench.net.energise()
    tables = {name: net.workspace.tables[name] for name in ("plans", "outages")}
    for folder in sorted((GOLDEN / "storms").iterdir())[:3]:
        signals = Storm.kept(folder).signals
        for given_tables in (None, tables):
            quick, slow = Inference(supply, given_tables), Inference(supply, given_tables)
            slow._going_on = NeverSure(**vars(slow._going_on))
            heard_until = signals["arrived"][0] - timedelta(minutes=1)
            for minute in range(0, 240, 20):
                at = signals["arrived"][0] + timedelta(minutes=minute)
                fresh = signals.filter((pl.col("arrived") > heard_until) & (pl.col("arrived") <= at)).drop("arrived")
                heard_until = at
                for each in (quick, slow):
                    each.take(fresh)
                    each.tick(at)
                assert quick.incidents == slow.incidents
                assert quick.sure() == slow.sure()


@given(st.lists(st.integers(0, 10_000) | st.integers(0, 20)))
def test_the_first_of_each_key_and_its_number_are_those_of_all_put_in_order(keys: list[int]) -> None:
    key = np.array(keys, dtype=np.int64)
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    found = firsts(key)
    assert found[0].tolist() == first.tolist()
    assert found[1].tolist() == number.tolist()
