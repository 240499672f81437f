"""What a file that pandapower saved may make: its tables and what stands in them, and nothing that acts.

pandapower makes each object of a file by the module and the class that the file names, so a file could have any function
called. This looks at all of them first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from network.texts import Text, text

_TABLES = frozenset({"DataFrame", "Series", "GeoDataFrame", "GeoSeries"})
_CLASSES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "builtins": frozenset({"tuple", "set", "frozenset", "complex", "method"}),
        "pandas": _TABLES,
        "geopandas": _TABLES,
        "numpy": frozenset({"array", "bool", "bool_", "float64", "float32", "int64", "int32", "uint32", "uint8"}),
        "networkx": frozenset({"MultiGraph", "Graph"}),
        "shapely": frozenset({"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"}),
    }
)
"""Classes of the first part of a module that hold values only."""

_OWN = re.compile(r"pandapower\.(?:auxiliary|control|timeseries|protection)(?:\.\w+)*")
_OWN_CLASS = re.compile(r"pandapowerNet|[A-Z]\w*")
_DEEPEST = 50


def foreign_object(content: str) -> Text | None:
    """Return what a saved network would make that is neither a table nor a part of pandapower, ``None`` where there is nothing.

    Args:
        content: the text of the file.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested deeper than anything that pandapower saves.
    """
    for made in _made(json.loads(content), 0):
        module, name = made["_module"], made["_class"]
        if not isinstance(module, str) or not isinstance(name, str) or not _is_plain(module, name):
            return text("it would make {name}, which is no part of a network", name=f"{module}.{name}"[:200])
        values = made.get("_object")
        if name in _TABLES and isinstance(values, str) and not values.lstrip().startswith(("{", "[")):
            return text("a table of it stands in another file: {name}", name=values[:200])
    return None


def _is_plain(module: str, name: str) -> bool:
    return name in _CLASSES.get(module.split(".", maxsplit=1)[0], ()) or bool(
        _OWN.fullmatch(module) and _OWN_CLASS.fullmatch(name)
    )


def _made(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Give every object that names its class, also those within a text that holds JSON itself."""
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, Mapping):
        if "_module" in value and "_class" in value:
            yield value
        for each in value.values():
            yield from _made(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _made(each, depth + 1)
    elif isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            inner = json.loads(value)
        except ValueError:
            return
        yield from _made(inner, depth + 1)
