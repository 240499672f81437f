"""Storms over three small feeders, as fixed files: what every run of the desk's benchmark and its test is told.

    python -m benchmarks.desk_storms SCRIPT    # make them anew by a script that shares no code and no rate with the desk

The files of ``storms/`` hold reports in order of arrival. A storm strikes a feeder, another or all; terminals say off and on
again, customers call, some reports are lost, false or late, some terminals are read.
"""

from __future__ import annotations

import csv
import importlib.util
import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fudian import Utility
from network import Network

FOLDER = Path(__file__).parent / "storms"
STORMS = 8
LATEST_DAYS = 28
"""Of days: what is older is forgotten by a desk, each at its own time."""

FEEDERS = "ABC"
_FEEDER = (
    "=S{f} -[K{f}]- {f}0 -{f}L1 1.2km- {f}1 -{f}L2 0.9km- {f}2 -({f}S1)- {f}3 -{f}L3 1.1km- {f}4 -{f}L4 0.8km- {f}5"
    " -({f}S2)- {f}6 -{f}L5 1.4km- {f}7; {f}2 -{f}F1 kind=fuse- {f}8 -{f}L6 0.5km- {f}9;"
    " T{f}1(4) @ {f}1; T{f}2(3) @ {f}2; T{f}4(5) @ {f}4; T{f}5(2) @ {f}5; T{f}7(6) @ {f}7; T{f}8(3) @ {f}8; T{f}9(4) @ {f}9"
)
NETWORK = "; ".join([*(_FEEDER.format(f=feeder) for feeder in FEEDERS), "A7 /(AB)/ B7; B5 /(BC)/ C5"])


def utility() -> Utility:
    """Return the feeders, which have heard nothing."""
    return Utility(Network.from_text(NETWORK).workspace)


def reports(count: int) -> list[dict[str, Any]]:
    """Return so many reports in order of arrival, each with a number; storm follows storm from day to day.

    Raises:
        ValueError: so many would go on for longer than a desk remembers.
    """
    found: list[dict[str, Any]] = []
    for day, rows in enumerate(_days()):
        for row in rows:
            if len(found) == count:
                return found
            at = datetime.fromisoformat(row["time"]) + timedelta(days=day)
            value = float(row["value"]) if row["value"] else None
            found.append({**row, "time": at.isoformat(), "value": value, "event_id": f"e{len(found)}"})
    raise ValueError("so many reports go on for longer than a desk remembers")


def operations(rows: list[dict[str, Any]], every: int = 40) -> list[tuple[int, dict[str, Any]]]:
    """Return operations of switches that come with reports: after how many of these, and the operation."""
    chance, found = random.Random(len(rows)), []
    is_open = dict.fromkeys((f"{feeder}S{number}" for feeder in FEEDERS for number in (1, 2)), False)
    for place in range(every, len(rows), every):
        branch = chance.choice(sorted(is_open))
        is_open[branch] = not is_open[branch]
        said = {"action": "open" if is_open[branch] else "close", "branch_id": branch, "at": rows[place - 1]["time"]}
        found.append((place, {**said, "event_id": f"o{place}"}))
    return found


def _days() -> Iterator[list[dict[str, str]]]:
    for day in range(LATEST_DAYS):
        path = FOLDER / f"storm_{1 + day % STORMS}.csv"
        with path.open(encoding="utf-8", newline="") as given:
            yield list(csv.DictReader(given))


def make(script: Path) -> None:
    """Make the storms anew."""
    spec = importlib.util.spec_from_file_location("storm", script)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{script} is no script")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tables = {name: found.to_dicts() for name, found in utility().workspace.tables.items()}
    for row in tables["transformers"]:
        row["feeder_id"] = str(row["transformer_id"])[1]
    FOLDER.mkdir(exist_ok=True)
    for number in range(1, STORMS + 1):
        rates = {"false_off_per_day": 0.3, "call_per_customer_h": 1.5, "temporary": 0.1, "batch_share": 0.3}
        signals, _, _ = module.storm(tables, number, 6, datetime(2023, 1, 1, 9), 8.0, rates)
        rows = sorted(((row[5] if len(row) > 5 else row[0], row) for row in signals), key=lambda pair: pair[0])
        with (FOLDER / f"storm_{number}.csv").open("w", encoding="utf-8", newline="") as out:
            write = csv.writer(out, lineterminator="\n")
            write.writerow(["time", "object", "object_id", "kind", "value"])
            write.writerows([f"{row[0]:%Y-%m-%dT%H:%M:%S}", *row[1:5]] for _, row in rows)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
