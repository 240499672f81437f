"""What to check next: the reading, the sensor or the point on the line that tells most about where the fault lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network.arrays import Indices, Numbers
from repair.location.feeders import sums_of
from repair.location.meshed_model import MeshedModel
from repair.location.radial_model import RadialModel
from repair.location.radial_sections import bits_of
from repair.settings import LocationSettings

LEAST_BITS = 1e-6
"""A check that tells less tells nothing."""


@dataclass(frozen=True)
class Check:
    """Something to look at.

    Attributes:
        kind: ``sensor`` (read its flag again), ``read`` (ask a transformer's terminal whether it is live) or ``patrol`` (look
            on which side of this device the fault lies).
        object_id: branch or transformer.
        gain_bits: how much it tells about where the fault lies.
    """

    kind: str
    object_id: str
    gain_bits: float


def best_checks(model: RadialModel | MeshedModel, posterior: Numbers, rules: LocationSettings) -> tuple[Check, ...]:
    """Return the best check of each kind, the one that tells most first; of equals the one that needs no crew.

    Args:
        model: the signals.
        posterior: of each candidate, shape (candidates,).
        rules: rates of error.
    """
    net = model.feeders.supply.network
    found = []
    for kind, (objects, gain) in (
        ("read", _reads(model, posterior, rules)),
        ("sensor", _sensors(model, posterior)),
        ("patrol", _patrol(model, posterior, rules)),
    ):
        if len(gain) and (bits := float(gain.max())) > LEAST_BITS:
            index = int(objects[np.argmax(gain)])
            ids = net.transformers["transformer_id"] if kind == "read" else net.branches["branch_id"]
            found.append(Check(kind, ids[index], bits))
    return tuple(sorted(found, key=lambda check: -round(check.gain_bits, 9)))


def _sensors(model: RadialModel | MeshedModel, posterior: Numbers) -> tuple[Indices, Numbers]:
    return model.sensors.branch, model.gains(sums_of(model.section, posterior, int(model.section.max()) + 1))


def _reads(model: RadialModel | MeshedModel, posterior: Numbers, rules: LocationSettings) -> tuple[Indices, Numbers]:
    """Return transformers and what a reading of each tells: whether it hangs on what clears the fault."""
    supply = model.feeders.supply
    net = supply.network
    nodes = model.feeders.node[1:]
    transformers = net.transformers_at_node.of_keys(nodes)
    place = model.feeders.place(supply.transformer_place[transformers])
    transformers, place = transformers[place >= 0], place[place >= 0]
    dark = np.clip(model.dark(posterior)[place], 0.0, 1.0)
    miss, false = np.full(len(dark), rules.dark_miss_rate), np.full(len(dark), rules.dark_false_rate)
    gain = bits_of(dark * (1 - miss) + (1 - dark) * false) - dark * bits_of(miss) - (1 - dark) * bits_of(false)
    return transformers, gain


def _patrol(model: RadialModel | MeshedModel, posterior: Numbers, rules: LocationSettings) -> tuple[Indices, Numbers]:
    """Return devices without a sensor and what a look at each tells: on which side of it the fault lies; radial feeders only."""
    feeders = model.feeders
    if not isinstance(model, RadialModel):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    below = feeders.sum_below(feeders.gather(model.candidates, posterior))
    device = np.append(~feeders.supply.network.branches["kind"].is_in(["line", "cable", "bus"]).to_numpy(), False)
    place = np.setdiff1d(np.flatnonzero(device[feeders.branch_to]), model.sensors.place)
    beyond = np.clip(below[place], 0.0, 1.0)
    wrong = np.full(len(beyond), rules.patrol_error_rate)
    gain = bits_of(beyond * (1 - wrong) + (1 - beyond) * wrong) - bits_of(wrong)
    return feeders.branch_to[place], gain
