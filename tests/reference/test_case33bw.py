"""The published figures of the 33-bus feeder of Baran and Wu (IEEE Transactions on Power Delivery 4(2), 1989)."""

import numpy as np
import polars as pl
import pytest

from network.power_flow import PowerFlow, power_flow
from tests.conftest import reference
from tests.reference.case33bw import kvar, network


def flow(opened: tuple[str, ...] = (), closed: tuple[str, ...] = ()) -> PowerFlow:
    net = network()
    load_kw = net.transformers["load_kw"].to_numpy()
    return power_flow(net.energise().switched(open=opened, close=closed), load_kw, kvar())


@pytest.mark.parametrize("state", ["initial", "minimum-loss", "second best"])
def test_losses_and_lowest_voltage_are_the_published_ones(state: str) -> None:
    published = pl.read_csv(reference("case33bw") / "reference.csv").filter(state=state).row(0, named=True)
    opened = set(published["open_branches"].split())
    ties = {"33", "34", "35", "36", "37"}
    found = flow(tuple(opened - ties), tuple(ties - opened))
    assert found.converged
    assert found.losses_kw == pytest.approx(published["loss_kw"], abs=6e-4)
    assert np.nanmin(found.voltage_pu) == pytest.approx(published["vmin_pu"], abs=6e-6)
