"""The command's figures on the sample county against a slow count: every transformer, every second, by searching the graph."""

import json
import subprocess
import sys
from collections import defaultdict
from datetime import datetime
from typing import Any

import networkx as nx
import numpy as np
import pytest

from data_samples.generator.county import COUNTY
from network import Network

START, END = datetime(2022, 5, 15), datetime(2022, 8, 15)
"""With the storm of June, stages, overlaps, and users that came into service."""


class Slow:
    """The rules once more, without a forest, without merging."""

    def __init__(self, net: Network) -> None:
        self.tables = {name: frame.to_dicts() for name, frame in net.workspace.tables.items()}
        self.branches = {row["branch_id"]: row for row in self.tables["branches"]}
        self.sources = [row["node"] for row in self.tables["sources"]]
        self.normal = self.live(None)
        self.hits: dict[str, set[tuple[str, str]]] = {}

    def live(self, without: str | None) -> set[str]:
        graph = nx.MultiGraph()
        graph.add_nodes_from(self.sources)
        graph.add_edges_from(
            (row["from_node"], row["to_node"])
            for name, row in self.branches.items()
            if not row["normally_open"] and name != without
        )
        return set().union(*(nx.node_connected_component(graph, source) for source in self.sources))

    def supplies_lost(self, row: dict[str, Any]) -> set[tuple[str, str]]:
        """Return which nodes' supply of which transformers a record or stage names."""
        transformers = self.tables["transformers"]
        if branch := row.get("branch_id"):
            if branch not in self.hits:
                dark = self.normal - self.live(branch)
                self.hits[branch] = {
                    (transformer["transformer_id"], node)
                    for transformer in transformers
                    for node in (transformer["node"], transformer["second_node"])
                    if node in dark
                }
            return self.hits[branch]
        if name := row.get("transformer_id"):
            return {(name, node) for transformer in transformers if transformer["transformer_id"] == name
                    for node in (transformer["node"], transformer["second_node"]) if node}  # fmt: skip
        if feeder := row.get("feeder_id"):
            found = {
                (transformer["transformer_id"], transformer["node"])
                for transformer in transformers
                if transformer["feeder_id"] == feeder
            }
            of_node = {
                row[end]: row["feeder_id"]
                for row in self.branches.values()
                for end in ("from_node", "to_node")
                if not row["normally_open"]
            }
            return found | {(transformer["transformer_id"], transformer["second_node"]) for transformer in transformers
                            if transformer["second_node"] and of_node[transformer["second_node"]] == feeder}  # fmt: skip
        return set()

    def seconds_off(self) -> dict[str, tuple[float, int]]:
        """Return hours without power and interruptions that began inside the period, for each transformer."""
        stages = defaultdict(list)
        for stage in self.tables["stages"]:
            stages[stage["outage_id"]].append((stage["restored_at"], self.supplies_lost(stage)))
        lost: dict[str, dict[str, list[tuple[datetime, datetime]]]] = defaultdict(lambda: defaultdict(list))
        for outage in self.tables["outages"]:
            if outage["exclusion"] or outage["start"] >= END:
                continue
            for name, node in self.supplies_lost(outage):
                back = [at for at, parts in stages[outage["outage_id"]] if (name, node) in parts]
                lost[name][node].append((outage["start"], min([outage["end"] or END, *back])))
        return {
            row["transformer_id"]: self.count(row, lost[row["transformer_id"]]) for row in self.tables["transformers"]
        }

    def count(self, row: dict[str, Any], lost: dict[str, list[tuple[datetime, datetime]]]) -> tuple[float, int]:
        margin = 40 * 86_400  # before the period, so that an interruption that runs into it is seen to begin earlier
        length = margin + int((END - START).total_seconds())

        def second(moment: datetime) -> int:
            return min(max(0, margin + round((moment - START).total_seconds())), length)

        supplies = [node for node in (row["node"], row["second_node"]) if node]
        dark = np.ones(length, dtype=np.bool_)
        for node in supplies:
            off = np.zeros(length, dtype=np.bool_)
            for start, end in lost[node]:
                if row["in_service"] is None or row["in_service"] <= start:
                    off[second(start) : second(end)] = True
            dark &= off
        if row["retired"] is not None:
            dark[second(row["retired"]) :] = False
        begins = np.flatnonzero(dark[1:] & ~dark[:-1]) + 1
        return dark[margin:].sum() / 3600, int((begins >= margin).sum())


def test_the_command_equals_the_slow_count(county: Network) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fudian.cli", "indices", str(COUNTY), "--start", f"{START:%Y-%m-%d}", "--end", f"{END:%Y-%m-%d}",
         "--by", "region_class", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = {row["region_class"]: row for row in json.loads(done.stdout)["rows"]}
    counted = Slow(county).seconds_off()
    hours = (END - START).total_seconds() / 3600
    assert set(rows) == {"city_centre", "urban", "town", "rural"}
    for region, row in rows.items():
        users = [each for each in county.transformers.to_dicts() if each["region_class"] == region]
        served = [
            max(
                0.0, (min(user["retired"] or END, END) - max(user["in_service"] or START, START)).total_seconds() / 3600
            )
            for user in users
        ]
        own = [counted[user["transformer_id"]] for user in users]
        assert row["N_T"] == pytest.approx(sum(served) / hours)
        assert row["CH"] == pytest.approx(sum(off for off, _ in own))
        assert row["CI"] == sum(count for _, count in own)
        assert row["CN"] == sum(off > 0 for off, _ in own)
        assert row["SAIDI-1"] == pytest.approx(sum(off for off, _ in own) / (sum(served) / hours))
