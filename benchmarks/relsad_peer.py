"""RELSAD as a peer of restoration: one failed line, its sections and backup lines, and the load that it sheds.

RELSAD (https://github.com/stinefm/relsad, MIT) opens the breaker at the head, parts the failed section off by its
disconnectors, closes the breaker again, and then closes declared backup lines, the first that it finds between two
parts, until no two parts are left to join. It does not choose among them, and opens nothing else. A linear program
then sheds load, bus by bus and in any share, until the flows keep the capacities of the lines. Voltages have no limit
there.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MISSING = (
    "RELSAD is not installed: make peers, or pip install --no-deps --ignore-requires-python relsad, and matplotlib"
)
NOISE_KW = 0.1
"""What its linear program may be off at a bus."""


@dataclass(frozen=True)
class Line:
    """A line between two buses with a disconnector at either end.

    Attributes:
        name: of the line.
        ends: names of the buses.
        ohm: resistance and reactance; both above zero.
        rating_kw: what it may carry; ``None`` for any load.
        tie: whether it is open, to be closed as a backup line.
    """

    name: str
    ends: tuple[str, str]
    ohm: tuple[float, float]
    rating_kw: float | None = None
    tie: bool = False


@dataclass(frozen=True)
class Wires:
    """Feeders from one source as bare lines and loads, the first line with the breaker.

    Attributes:
        lines: of all feeders.
        load_kw: of each bus.
        power_factor: of every load, lagging.
    """

    lines: Sequence[Line]
    load_kw: Mapping[str, float]
    power_factor: float


@dataclass(frozen=True)
class Shed:
    """What RELSAD answers to one fault.

    Attributes:
        closed: names of the lines that are closed in the end.
        fed_kw: load of all buses less what it sheds.
        noise_kw: what that may be off.
        seconds: of the processor for the fault itself; building the network and its sections is not counted.
    """

    closed: frozenset[str]
    fed_kw: float
    noise_kw: float
    seconds: float


def relsad_version() -> str | None:
    """Return the version of RELSAD, ``None`` where it or what it imports is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        import relsad.simulation  # noqa: F401
    except ImportError:
        return None
    try:
        return version("relsad")
    except PackageNotFoundError:
        return "unknown"


def shed_after(wires: Wires, failed: str) -> Shed:
    """Return what RELSAD makes of one failed line, all its switches working at once."""
    from relsad.simulation import Simulation
    from relsad.simulation.system_config import prepare_system
    from relsad.Time import Time, TimeStamp, TimeUnit

    hour = Time(1, TimeUnit.HOUR)
    with contextlib.redirect_stdout(io.StringIO()):
        system, lines = _system(wires)
        simulation = Simulation(system, random_seed=0)
        simulation.distribute_random_instance(np.random.default_rng(0))
        begin, end = (TimeStamp(2024, 1, 1, at, 0, 0) for at in (0, 3))
        prepare_system(system, begin, end, hour, TimeUnit.HOUR)
        begun = time.process_time()
        lines[failed].fail(dt=hour)
        simulation.run_increment(0, begin, Time(0, TimeUnit.HOUR), hour, save_flag=False)
        seconds = time.process_time() - begun
    shed_kw = 1000.0 * float(sum(bus.acc_p_energy_shed for bus in system.buses))
    closed = frozenset(name for name, line in lines.items() if line.connected)
    return Shed(closed, sum(wires.load_kw.values()) - shed_kw, NOISE_KW * len(system.buses), seconds)


def _system(wires: Wires) -> tuple[Any, dict[str, Any]]:
    """Return the system of RELSAD and its lines by name."""
    from relsad.network.components import ManualMainController
    from relsad.network.systems import Distribution, PowerSystem, Transmission
    from relsad.Time import Time

    buses = _buses(wires)
    lines = {line.name: _line(line, buses, breaker=line is wires.lines[0]) for line in wires.lines}
    system = PowerSystem(ManualMainController(name="C", sectioning_time=Time(0)))
    source = wires.lines[0].ends[0]
    above = Transmission(system, buses[source])
    below = Distribution(above, lines[wires.lines[0].name])
    below.add_buses([bus for name, bus in buses.items() if name != source])
    below.add_lines([lines[line.name] for line in wires.lines[1:]])
    return system, lines


def _buses(wires: Wires) -> dict[str, Any]:
    from relsad.load.bus import CostFunction
    from relsad.network.components import Bus

    factor = np.tan(np.arccos(wires.power_factor))
    found: dict[str, Any] = {}
    for name in dict.fromkeys(end for line in wires.lines for end in line.ends):
        found[name] = bus = Bus(f"N{name}", n_customers=1)
        mw = np.full(3, wires.load_kw.get(name, 0.0) / 1000.0)
        bus.add_load_data(pload_data=mw, qload_data=mw * factor, cost_function=CostFunction(A=1, B=0))
    return found


def _line(line: Line, buses: Mapping[str, Any], breaker: bool) -> Any:
    from relsad.network.components import CircuitBreaker, Disconnector
    from relsad.network.components import Line as RelsadLine
    from relsad.StatDist import StatDist, StatDistType, UniformParameters

    first, second = (buses[end] for end in line.ends)
    long = StatDist(StatDistType.UNIFORM_FLOAT, UniformParameters(min_val=100.0, max_val=100.0))
    capacity_mw = 1e3 if line.rating_kw is None else line.rating_kw / 1000.0
    made = RelsadLine(
        f"L{line.name}", first, second, line.ohm[0], line.ohm[1], repair_time_dist=long, capacity=capacity_mw
    )
    if breaker:
        CircuitBreaker(f"K{line.name}", made)
    Disconnector(f"D{line.name}a", made, first)
    Disconnector(f"D{line.name}b", made, second)
    if line.tie:
        made.set_backup()
    return made
