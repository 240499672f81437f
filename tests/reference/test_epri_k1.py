"""EPRI K1: our customers below every branch against OpenDSS's own count."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from network import Network, read_network
from tests.conftest import reference


@pytest.fixture(scope="module")
def branches() -> pl.DataFrame:
    rows = pl.read_csv(reference("epri_k1") / "EPRI_K1_branches.csv", schema_overrides={"name": pl.String})
    nth = pl.int_range(pl.len()).over("kind", "name")  # parallel units of a bank share a name
    return rows.with_columns(
        branch_id=pl.format(
            "{}.{}{}", "kind", "name", pl.when(nth > 0).then(pl.format("#{}", nth)).otherwise(pl.lit(""))
        )
    )


@pytest.fixture(scope="module")
def folder(branches: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the feeder as a workspace: a load bus is a transformer with its customers."""
    loads = pl.read_csv(reference("epri_k1") / "EPRI_K1_loads.csv")
    to = tmp_path_factory.mktemp("epri_k1")
    pl.DataFrame({"node": ["trans_equiv"]}).write_csv(to / "sources.csv")
    branches.select(
        "branch_id",
        from_node="bus1",
        to_node="bus2",
        kind=pl.when(pl.col("is_switch") == 1).then(pl.lit("switch")).otherwise(pl.lit("line")),
        normally_open=pl.col("open"),
    ).write_csv(to / "branches.csv")
    loads.select(transformer_id="load", node="bus").write_csv(to / "transformers.csv")
    each = loads.select("load", n=pl.int_ranges(0, "customers")).explode("n", empty_as_null=False)
    each.select(customer_id=pl.format("{}-{}", "load", "n"), transformer_id="load").write_csv(to / "customers.csv")
    return to


@pytest.fixture(scope="module")
def net(folder: Path) -> Network:
    return read_network(folder)


def test_customers_below_every_branch_equal_opendss(net: Network, branches: pl.DataFrame) -> None:
    assert net.customers.height == 571
    below = net.energise().customers_below()
    counted = branches.with_columns(fudian=pl.Series(below).cast(pl.Int64)).filter(pl.col("parallel") == 0)
    left_off = (pl.col("customers_downstream") == 0) & (pl.col("fudian") > 0)
    compared = counted.filter(~left_off)
    assert compared.height >= 1270
    wrong = compared.filter(pl.col("fudian") != pl.col("customers_downstream"))
    assert wrong.is_empty(), wrong


def test_the_command_gives_the_same_list(folder: Path, net: Network, branches: pl.DataFrame) -> None:
    row = branches.filter((pl.col("customers_downstream") > 100) & (pl.col("parallel") == 0)).row(0, named=True)
    branch = row["branch_id"]
    done = subprocess.run(
        [sys.executable, "-m", "fudian.cli", "affected", str(folder), "--open", branch, "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    assert answer["customers"] == row["customers_downstream"] == len(answer["customer_ids"])
    assert answer["customer_ids"] == net.energise().below(branch).customers
