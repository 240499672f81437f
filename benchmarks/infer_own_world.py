"""What is out in the model's own world: random feeders, random faults, reports that are lost or false independently.

    python -m benchmarks.infer_own_world                # 200 feeders of 60 branches and 13 devices

The rates of this world are told. For each rate of loss and of false reports: customers wrongly listed and missing, in per cent of
all off; those of them that nobody can find, since nothing was heard from below the device that opened; devices named rightly; and
how far stated probabilities are from shares that came true. All feeders stand in one network, each with one fault or two.
"""

from __future__ import annotations

import random
import sys
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from benchmarks.infer import SCHEMA, calibration_error
from network import Network, network_from_tables
from repair import Inference
from repair.settings import InferenceSettings

FEEDERS, BRANCHES, DEVICES = 200, 60, 13
NOON = datetime(2022, 7, 20, 12)
CELLS = ((0.0, 0.0), (0.1, 0.0), (0.3, 0.0), (0.1, 0.01), (0.3, 0.01))
TRIP_LOSS = 0.02


def feeders(dice: random.Random) -> Network:
    """Return one network of many random feeders, a transformer at every second node; each device fails as often, and no line."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("sources", "branches", "transformers", "customers")}
    for feeder in range(FEEDERS):
        rows["sources"].append({"node": f"{feeder}-0"})
        devices = {1, *dice.sample(range(2, BRANCHES + 1), DEVICES - 1)}
        for number in range(1, BRANCHES + 1):
            above = number - 1 if dice.random() < 0.5 else dice.randrange(1, number) if number > 1 else 0
            kind = "line"
            if number in devices:
                kind = "breaker" if number == 1 else dice.choice(("recloser", "fuse"))
            rows["branches"].append(
                {
                    "branch_id": f"B{feeder}-{number}", "from_node": f"{feeder}-{above}", "to_node": f"{feeder}-{number}",
                    "kind": kind, "length_km": 0.2, "failures_per_km_yr": 1e-9 if kind == "line" else 5 / DEVICES,
                }
            )  # fmt: skip
            if number % 2 == 0:
                rows["transformers"].append({"transformer_id": f"T{feeder}-{number}", "node": f"{feeder}-{number}"})
                rows["customers"] += [
                    {"customer_id": f"C{feeder}-{number}-{each}", "transformer_id": f"T{feeder}-{number}"}
                    for each in range(10)
                ]
    return network_from_tables(rows)


def rates_of(loss: float, false: float, faults: int) -> InferenceSettings:
    """Return the rates of this world: nothing but devices fails, and nothing stands in the wrong place."""
    return InferenceSettings(
        qualities=((1.0, 0.001, max(loss, 0.001)),), calls=((1.0, 1e-6),), event_h=8760.0 * faults, trip_loss=TRIP_LOSS,
        false_off=max(false, 1e-6), wrong_place=0.0, coincidence=1.0, batch_share=0.0, channel_fails=0.0,
        transformer_outages_yr=1e-7, customer_outages_yr=1e-7, low_voltage_outages_yr=1e-7, device_failures_yr=1e-7,
        opened_otherwise=1e-12, parted_share=0.0, temporary=0.0, overreach_rate=0.0, fuse_saving=0.0, not_cleared=1e-6,
        closed_again=1e-3, transferred=1e-6,
    )  # fmt: skip


def main() -> None:
    """Print one line a cell."""
    dice = random.Random(1)
    net = feeders(dice)
    supply = net.energise()
    kinds = dict(net.branches.select("branch_id", "kind").iter_rows())
    sys.stdout.write("faults  loss  false |  wrong  missing  unheard of | device right | ECE\n")
    for faults in (1, 2):
        for loss, false in CELLS:
            rows: list[tuple[Any, ...]] = []
            cuts: dict[int, set[str]] = {}
            off: set[str] = set()
            for feeder in range(FEEDERS):
                own = [name for name, kind in kinds.items() if name.startswith(f"B{feeder}-") and kind != "line"]
                for device in dice.sample(own, faults):
                    below = set(supply.below(device).transformers)
                    if not below or below & off:
                        continue
                    cuts.setdefault(feeder, set()).add(device)
                    off |= below
                    if kinds[device] != "fuse" and dice.random() >= TRIP_LOSS:
                        rows.append((NOON, "branch", device, "trip", None, None))
            reporting = [
                name
                for name in net.transformers["transformer_id"]
                if (name in off and dice.random() >= loss) or (name not in off and dice.random() < false)
            ]
            rows += [
                (NOON + timedelta(seconds=dice.randrange(20)), "transformer", each, "off", None, None)
                for each in reporting
            ]
            inference = Inference(supply, None, rates_of(loss, false, faults))
            inference.take(pl.DataFrame(rows, schema=SCHEMA, orient="row").drop("arrived"))
            inference.tick(NOON + timedelta(minutes=15))
            still = [incident for incident in inference.incidents if incident.is_open]
            listed = {name for each in still for name in each.dark_ids}
            named = {each.object_id for each in still}
            devices = [device for own in cuts.values() for device in own]
            right = sum(device in named or supply.below(device).transformers[0] in named for device in devices)
            sure = inference.sure()
            names = net.transformers["transformer_id"].to_list()
            error = calibration_error([sure.get(each, 0.0) for each in names], [each in off for each in names])
            heard = {row[2] for row in rows}
            silent = {
                name
                for device in devices
                if device not in heard and not heard & set(supply.below(device).transformers)
                for name in supply.below(device).transformers
            }
            unheard = 100 * len(silent - listed) / len(off)
            wrong, missing = 100 * len(listed - off) / len(off), 100 * len(off - listed) / len(off)
            sys.stdout.write(
                f"{faults:6}  {loss:4.0%}  {false:5.0%} | {wrong:5.2f}%  {missing:6.2f}%      {unheard:6.2f}% |"
                f"       {100 * right / len(devices):5.1f}% | {error:4.2f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
