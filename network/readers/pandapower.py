"""pandapower networks, from a file, from SimBench by code, or in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from network.problems import FudianError, MissingExtraError, WorkspaceError
from network.readers.gathering import Ends, Gathering, Progress, legs, number, require_files, the_one
from network.readers.pandapower_file import foreign_object
from network.tables.workspace import Workspace
from network.texts import Text, text

SWITCH_KINDS: Mapping[str, str] = MappingProxyType(
    {"CB": "breaker", "LBS": "switch", "LS": "switch", "DS": "disconnector"}
)
"""Kind of branch by ``switch.type``; anything else is a switch."""

_BRANCHES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "line": ("l", ("from_bus", "to_bus")),
        "trafo": ("t", ("hv_bus", "lv_bus")),
        "trafo3w": ("t3", ("hv_bus", "mv_bus", "lv_bus")),
        "impedance": ("", ("from_bus", "to_bus")),
        "tcsc": ("", ("from_bus", "to_bus")),
        "dcline": ("", ("from_bus", "to_bus")),
    }
)
"""Tables that carry supply: how a switch names them, and the columns of their buses."""

_LOADS = ("load", "asymmetric_load", "motor")
_SOURCES = ("ext_grid", "gen")
_BUS_COLUMNS = ("bus", "from_bus", "hv_bus")
_SIMBENCH = re.compile(r"\d-[\w.]+-.+-(sw|no_sw)")


def read_pandapower(sources: Sequence[Path], progress: Progress, idle_is_open: bool = False) -> Workspace:
    """Read a ``.json`` file that pandapower saved, or a SimBench network by its code (``1-MVLV-urban-all-0-sw``).

    Args:
        sources: the file or the code.
        progress: told its name.
        idle_is_open: take branches out of service as normally open instead of leaving them out.

    Raises:
        MissingExtraError: pandapower or simbench is not installed.
        FudianError: there is no such file or code.
        WorkspaceError: the file is not a pandapower network.
    """
    source = the_one(sources)
    if not source.exists() and _SIMBENCH.fullmatch(str(source)):
        return workspace_of_net(_simbench(str(source), progress), str(source), idle_is_open)
    require_files([source])
    try:
        import pandapower
    except ImportError as missing:
        raise MissingExtraError("pandapower", "pandapower") from missing
    progress(source.name)
    try:
        content = source.read_bytes().decode("utf-8-sig")
        if foreign := foreign_object(content):
            raise _not_a_net(source, foreign)
        net = pandapower.from_json_string(content, convert=True)
        if not hasattr(net, "bus") or not hasattr(net, "ext_grid"):
            raise _not_a_net(source, type(net).__name__)
        return workspace_of_net(net, source.name, idle_is_open)
    except _DAMAGES as reason:
        raise _not_a_net(source, f"{type(reason).__name__}: {str(reason)[:200]}") from reason


_DAMAGES = (
    ArithmeticError, AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError, UserWarning, ValueError,
)  # fmt: skip
"""What pandapower, and the walk over the tables that it makes, raise where a file is damaged."""


def _not_a_net(source: Path, reason: Text | str) -> WorkspaceError:
    return WorkspaceError(
        text("{path} is not a pandapower network: {reason}.", path=str(source), reason=reason),
        (),
        text("Save it with pandapower.to_json."),
    )


def _simbench(code: str, progress: Progress) -> Any:
    try:
        import simbench
    except ImportError as missing:
        raise MissingExtraError("simbench", "pandapower") from missing
    if code not in simbench.collect_all_simbench_codes():
        raise FudianError(
            text("SimBench has no network {code}.", code=code), text("A code reads like 1-MVLV-urban-all-0-sw.")
        )
    progress(code)
    return simbench.get_simbench_net(code)


def workspace_of_net(net: Any, name: str | None = None, idle_is_open: bool = False) -> Workspace:
    """Return the workspace of a network that a caller has in memory.

    Ids are the pandapower tables with the index: ``bus-7``, ``line-12``, ``switch-3``, ``load-4``. A switch at a line or
    transformer stands in series with it: between them is a node of its own. Elements out of service are left out and named.

    Args:
        net: a ``pandapowerNet``; only the attributes of its tables are used.
        name: shown with each problem.
        idle_is_open: take branches out of service as normally open instead of leaving them out.
    """
    found = Gathering(name, idle_is_open)
    live = _buses(net, found)
    _sources(net, found, live)
    placed = _placed(net, found, live)
    ends = _switches(net, found, live, placed)
    for table, elements in placed.items():
        for index, element in elements.items():
            _branch(found, ends, table, index, element)
    _loads(net, found, live)
    _unread(net, found)
    return found.workspace()


def _records(net: Any, table: str) -> Iterable[tuple[int, dict[str, Any]]]:
    """Give the index and the row of each element of a table; nothing where the network lacks the table."""
    frame = getattr(net, table, None)
    return [] if frame is None else zip(frame.index.tolist(), frame.to_dict("records"), strict=True)


def _buses(net: Any, found: Gathering) -> set[int]:
    """Return the buses in service, and note where they lie."""
    live = set()
    for index, bus in _records(net, "bus"):
        if not bus.get("in_service", True):
            found.out_of_service("nodes", f"bus-{index}", _name(bus))
            continue
        live.add(index)
        found.voltage(f"bus-{index}", number(bus.get("vn_kv")))
        point = bus.get("geo")
        if isinstance(point, str) and (given := json.loads(point).get("coordinates")):
            found.place(f"bus-{index}", float(given[0]), float(given[1]))
    for index, point in _records(net, "bus_geodata"):
        if index in live:
            found.place(f"bus-{index}", float(point["x"]), float(point["y"]))
    return live


def _name(element: Mapping[str, Any]) -> str | None:
    name = element.get("name")
    return name if isinstance(name, str) else None


def _in_service(element: Mapping[str, Any], columns: Iterable[str], live: set[int]) -> bool:
    return bool(element.get("in_service", True)) and all(element[column] in live for column in columns)


def _sources(net: Any, found: Gathering, live: set[int]) -> None:
    for table in _SOURCES:
        for index, source in _records(net, table):
            if table == "gen" and not source.get("slack"):
                found.unread("gen")
            elif _in_service(source, ["bus"], live):
                found.add("sources", node=f"bus-{source['bus']}", name=_name(source))
            else:
                found.out_of_service("sources", f"{table}-{index}", _name(source))


def _placed(net: Any, found: Gathering, live: set[int]) -> dict[str, dict[int, dict[str, Any]]]:
    """Return the branches in service by table and index."""
    placed: dict[str, dict[int, dict[str, Any]]] = {}
    for table, (_, buses) in _BRANCHES.items():
        placed[table] = {}
        for index, element in _records(net, table):
            name = f"{table}-{index}"
            if _in_service(element, buses, live):
                placed[table][index] = element
            elif not all(element[bus] in live for bus in buses):
                found.out_of_service("branches", name, _name(element))
            elif found.keeps_idle(name, _name(element)):
                placed[table][index] = element | {"is_idle": True}
    return placed


def _switches(
    net: Any, found: Gathering, live: set[int], placed: Mapping[str, Mapping[int, Mapping[str, Any]]]
) -> Ends:
    """Add the switches, and return where the elements behind them begin."""
    ends = Ends()
    tables = {letter: table for table, (letter, _) in _BRANCHES.items() if letter}
    for index, switch in _records(net, "switch"):
        name, bus, element = f"switch-{index}", switch["bus"], switch["element"]
        if switch["et"] == "b":
            if not {bus, element} <= live:
                found.out_of_service("branches", name, _name(switch))
                continue
            nodes = f"bus-{bus}", f"bus-{element}"
        else:
            table = tables.get(switch["et"], "")
            behind = placed.get(table, {}).get(element)
            if behind is None:
                _without_element(net, found, name, table, element)
                continue
            if bus not in [behind[column] for column in _BRANCHES[table][1]]:
                found.leave_out(
                    "branches",
                    name,
                    text(
                        "The switch stands at bus {bus}, which is no end of {element}",
                        bus=bus,
                        element=f"{table}-{element}",
                    ),
                    text("Correct the bus or the element of the switch."),
                    _name(switch),
                )
                continue
            nodes = ends.insert((table, element, bus), f"bus-{bus}", name)
        found.add(
            "branches",
            branch_id=name,
            from_node=nodes[0],
            to_node=nodes[1],
            kind=SWITCH_KINDS.get(str(switch.get("type")), "switch"),
            normally_open=not switch["closed"],
            name=_name(switch),
            rating_a=number(switch.get("in_ka"), 1000),
        )
    return ends


def _without_element(net: Any, found: Gathering, name: str, table: str, element: int) -> None:
    """Name a switch whose element is out of service, or is not there at all."""
    frame = getattr(net, table, None) if table else None
    if frame is not None and element in frame.index:
        found.out_of_service("branches", name)
        return
    found.leave_out(
        "branches",
        name,
        text("The switch belongs to {element}, which the network does not have", element=f"{table or '?'}-{element}"),
        text("Correct the element of the switch, or delete the switch."),
    )


def _branch(found: Gathering, ends: Ends, table: str, index: int, element: Mapping[str, Any]) -> None:
    buses = [element[column] for column in _BRANCHES[table][1]]
    nodes = [ends.at((table, index, bus), f"bus-{bus}") for bus in buses]
    row: dict[str, Any] = {"kind": "bus"}
    if table == "line":
        length, parallel = number(element["length_km"]), number(element.get("parallel")) or 1.0
        row = {
            "kind": "cable" if element.get("type") == "cs" else "line",
            "length_km": length,
            "r_ohm": number(element["r_ohm_per_km"], (length or 0.0) / parallel),
            "x_ohm": number(element["x_ohm_per_km"], (length or 0.0) / parallel),
            "rating_a": number(element.get("max_i_ka"), 1000 * parallel * (number(element.get("df")) or 1.0)),
        }
    if element.get("is_idle"):
        row |= {"kind": "switch", "normally_open": True}
    for branch_id, from_node, to_node in legs(nodes, f"{table}-{index}"):
        found.add("branches", branch_id=branch_id, from_node=from_node, to_node=to_node, name=_name(element), **row)


def _loads(net: Any, found: Gathering, live: set[int]) -> None:
    for table in _LOADS:
        for index, load in _records(net, table):
            if not _in_service(load, ["bus"], live):
                found.out_of_service("transformers", f"{table}-{index}", _name(load))
                continue
            powers = [number(load.get(column)) for column in ("p_mw", "p_a_mw", "p_b_mw", "p_c_mw")]
            known = [power for power in powers if power is not None]
            found.add(
                "transformers",
                transformer_id=f"{table}-{index}",
                node=f"bus-{load['bus']}",
                name=_name(load),
                load_kw=number(sum(known), 1000 * (1.0 if load.get("scaling") is None else load["scaling"]))
                if known
                else None,
                capacity_kva=number(load.get("sn_mva"), 1000),
            )


def _unread(net: Any, found: Gathering) -> None:
    """Count the elements of every other table that stands at a bus."""
    read = {"bus", "switch", *_BRANCHES, *_LOADS, *_SOURCES}
    for table, frame in net.items():
        columns = getattr(frame, "columns", ())
        if table in read or table.startswith(("_", "res_")) or not any(column in columns for column in _BUS_COLUMNS):
            continue
        found.unread(table, len(frame))
