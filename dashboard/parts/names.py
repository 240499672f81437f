"""Devices, transformers and feeders by the names that people know, with the code beside where it is needed to act."""

from __future__ import annotations

from dash import html

from dashboard.parts.blocks import Part
from dashboard.parts.words import DASH
from fudian import Utility


def named(utility: Utility, object_id: str | None) -> str:
    """Return the name of a branch, transformer or feeder; its code where it has none, a dash where nothing is named."""
    if object_id is None:
        return DASH
    return _names(utility).get(object_id) or object_id


def device(utility: Utility, branch_id: str) -> Part:
    """Return a device to be operated: its name, and the code that stands on it."""
    name = named(utility, branch_id)
    code = html.B(branch_id)
    return code if name == branch_id else html.Span([code, " ", html.Span(name, className="quiet")])


def _names(utility: Utility) -> dict[str, str]:
    net = utility.network

    def compute() -> dict[str, str]:
        tables = (
            net.branches.select("branch_id", "name"),
            net.transformers.select("transformer_id", "name"),
            net.feeders.select("feeder_id", "name"),
        )
        return {key: name for table in tables for key, name in table.iter_rows() if name}

    return utility.memory.recall("names", compute)
