"""What was measured at branches and transformers (table ``measurements``), hour by hour: a rare peak is no long one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from network import Topology
from network.arrays import Numbers
from network.representation import Shown
from repair.restoration.loading import Loads
from repair.settings import WeakSpotSettings

LOW_SIDE, MEDIUM_SIDE = "low", "medium"


@dataclass(frozen=True)
class MeasuredVoltage:
    """The voltage of one object.

    Attributes:
        object: ``branch`` or ``transformer``.
        index: its index.
        side: ``low`` (at the users) or ``medium``.
        lowest, highest: over nominal in each hour that was measured, shape (hours,).
    """

    object: str
    index: int
    side: str
    lowest: Numbers
    highest: Numbers


@dataclass(frozen=True, eq=False, repr=False)
class Measured(Shown):
    """The highest of each hour.

    Attributes:
        network: the network.
        of_branches: current in A and power in kW of each branch by index, not a number where unknown, each of shape (hours,).
        kva_of_transformers: load of each transformer by index, shape (hours,).
        rows: all hours: ``object``, ``index``, and the lowest and highest of each column.
    """

    network: Topology
    of_branches: dict[int, tuple[Numbers, Numbers]]
    kva_of_transformers: dict[int, Numbers]
    rows: pl.DataFrame
    nominal_v: float

    @classmethod
    def of(cls, net: Topology, rules: WeakSpotSettings, power_factor: float) -> Measured:
        """Return what the workspace of a network holds.

        Args:
            net: the network.
            rules: the nominal voltage of users.
            power_factor: makes kVA of kW.
        """
        table = net.workspace.tables["measurements"]
        highest = [pl.col(name).abs().max().alias(f"{name}_max") for name in ("current_a", "kw")]
        volts = [
            each for name in ("voltage_v", "voltage_kv")
            for each in (pl.col(name).min().alias(f"{name}_min"), pl.col(name).max().alias(f"{name}_max"))
        ]  # fmt: skip
        apparent = 3.0 * pl.col("current_a") * pl.coalesce("voltage_v", pl.lit(rules.nominal_v)) / 1000.0
        kva = pl.coalesce(pl.col("kw").abs() / power_factor, apparent).max().alias("kva")
        rows = (
            table.with_columns(pl.col("time").dt.truncate("1h"))
            .group_by("object", "object_id", "time")
            .agg(*highest, *volts, kva)
            .sort("object", "object_id", "time")
        )
        index = {
            "branch": dict(zip(net.branches["branch_id"], range(net.branches.height), strict=True)),
            "transformer": dict(zip(net.transformers["transformer_id"], range(net.transformers.height), strict=True)),
        }
        branches: dict[int, tuple[Numbers, Numbers]] = {}
        transformers: dict[int, Numbers] = {}
        for (of, name), hours in rows.group_by(["object", "object_id"], maintain_order=True):
            at = index[str(of)][str(name)]
            if of == "branch":
                branches[at] = (_numbers(hours["current_a_max"]), _numbers(hours["kw_max"]))
            else:
                transformers[at] = _numbers(hours["kva"])
        return cls(net, branches, transformers, rows, rules.nominal_v)

    def voltages(self, loads: Loads) -> Iterator[MeasuredVoltage]:
        """Give the voltages that were measured, over nominal: of the feeder, or of users."""
        net = self.network
        feeder_kv = dict(net.feeders.select("feeder_id", "voltage_kv").drop_nulls().iter_rows())
        for (of, name), hours in self.rows.group_by(["object", "object_id"], maintain_order=True):
            is_branch = of == "branch"
            at = int((net.branch_index if is_branch else net.transformer_index)(str(name))[0])
            feeder = net.branches["feeder_id"][at] if is_branch else net.transformer_feeder[at]
            nominal = {"voltage_v": self.nominal_v, "voltage_kv": feeder_kv.get(feeder, loads.rules.voltage_kv)}
            for column, side in (("voltage_v", LOW_SIDE), ("voltage_kv", MEDIUM_SIDE)):
                lowest, highest = (_numbers(hours[f"{column}_{end}"]) / nominal[column] for end in ("min", "max"))
                known = ~np.isnan(lowest)
                if known.any():
                    yield MeasuredVoltage(str(of), at, side, lowest[known], highest[known])


def _numbers(values: pl.Series) -> Numbers:
    found: Numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return found
