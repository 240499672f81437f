"""Signals as they arrive: each batch becomes numbers in one pass, and what cannot be used is counted (field reference 6.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from network import Problem, Supply, Text, text
from network.arrays import Indices, Mask
from network.representation import Shown
from network.tables.code_words import OBJECTS
from repair.inference.devices import Devices
from repair.inference.words import CALL, FLAG, NO_FLAG, OFF, ON, READ, RECLOSE, UNANSWERED, Rows
from repair.settings import InferenceSettings

EXAMPLES = 5
"""Signals that are kept to show for each reason."""

REASONS: Mapping[str, tuple[Text, Text]] = {
    "malformed": (
        text("Time, object, id or kind is missing, cannot be read or does not fit"),
        text("Correct the row; see the table signals in the guide."),
    ),
    "unknown": (text("The network does not have this device"), text("Correct object_id, or add the device.")),
    "before_service": (text("It was not yet in service"), text("Correct the time of the signal, or in_service.")),
    "after_retirement": (text("It was no longer in service"), text("Correct the time of the signal, or retired.")),
    "future": (
        text("It comes from the future: the clock of the device is wrong"),
        text("Set the clock of the device."),
    ),
    "duplicate": (text("It was reported before"), text("Nothing needs to be done; the first report counts.")),
    "cuts_off_nobody": (
        text("The branch carries no supply, or stands in a closed ring: its trip alone cuts off nobody"),
        text("Check the state of the switches before the fault."),
    ),
    "forgotten": (
        text("It is older than what is remembered"),
        text("Send signals sooner, or judge them as a file."),
    ),
    "repeated": (
        text("It was off already, and reported it again"),
        text("Nothing needs to be done; the first report counts."),
    ),
    "too_short": (text("Off and on again sooner than an outage lasts"), text("See min_outage_min in the settings.")),
    "read_during": (text("It was read while it said to be off"), text("Check the device: it reports outages falsely.")),
    "planned": (text("Planned work explains it"), text("Nothing needs to be done unless the work overruns.")),
}
"""Why a signal tells of no outage, and what to do."""

_KINDS = {
    "trip": OFF, "off": OFF, "call": CALL, "read": READ, "on": ON, "close": ON, "reclose": RECLOSE, "fault_current": FLAG,
}  # fmt: skip
_FITS = {
    "branch": ("trip", "reclose", "close", "fault_current"),
    "transformer": ("off", "on", "read", "call"),
    "customer": ("off", "on", "read", "call"),
}
_FIRST, _END = datetime(1900, 1, 1), datetime(2101, 1, 1)


@dataclass
class Removed:
    """Counts of signals that were removed, by reason, with the first few of each.

    Attributes:
        count: by reason.
        examples: by reason, at most :data:`EXAMPLES` each.
    """

    count: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, reason: str, count: int, examples: Iterable[dict[str, Any]]) -> None:
        """Count some more."""
        if count:
            self.count[reason] = self.count.get(reason, 0) + count
            shown = self.examples.setdefault(reason, [])
            shown += list(examples)[: EXAMPLES - len(shown)]

    def add_rows(self, reason: str, rows: pl.DataFrame) -> None:
        """Count rows of the table of signals."""
        few = rows.head(EXAMPLES).select(pl.col("time", "object", "object_id", "kind").cast(pl.String)).to_dicts()
        self.add(reason, rows.height, few)

    def join(self, other: Removed) -> None:
        """Count what another one counted, too."""
        for reason, count in other.count.items():
            self.add(reason, count, other.examples[reason])

    def problems(self) -> list[Problem]:
        """Return one problem for each reason."""
        found = []
        for reason in REASONS:
            if reason not in self.count:
                continue
            message, hint = REASONS[reason]
            first = self.examples[reason][0] if self.examples[reason] else {}
            said = text("{what}; signals like this: {count}", what=message, count=self.count[reason])
            shown = ", ".join(str(value) for value in first.values() if value is not None) or None
            found.append(Problem("warning", "signals", said, hint, value=shown, object_id=first.get("object_id")))
        return found


@dataclass(frozen=True, eq=False, repr=False)
class Intake(Shown):
    """Turns batches of the table of signals into rows of numbers."""

    supply: Supply
    devices: Devices
    rules: InferenceSettings

    def read(self, signals: pl.DataFrame, now: datetime, removed: Removed) -> Rows:
        """Return the signals of a batch that can be used, in the order given.

        Args:
            signals: the table ``signals`` of a workspace; columns that are missing count as blank.
            now: local time at which they were heard.
            removed: told what was left out.
        """
        frame = signals.select(
            *(
                pl.col(name).cast(kind, strict=False)
                if name in signals.columns
                else pl.lit(None, dtype=kind).alias(name)
                for name, kind in _COLUMNS.items()
            )
        )
        fits = pl.any_horizontal(
            *(pl.col("object").eq(kind) & pl.col("kind").is_in(list(kinds)) for kind, kinds in _FITS.items())
        ).fill_null(value=False)
        usable = fits & pl.col("object_id").is_not_null() & pl.col("time").is_between(_FIRST, _END, closed="left")
        frame = self._keep(
            frame, frame.select(usable.fill_null(value=False)).to_series().to_numpy(), "malformed", removed
        )
        frame = self._keep(frame, self._on_time(frame, now), "future", removed)
        device = self.device_of(frame)
        frame, device = self._known(frame, device, removed)
        unanswered = ((frame["kind"] == "read") & (frame["value"] == 0)).fill_null(value=False)
        kind = frame["kind"].replace_strict(_KINDS, return_dtype=pl.Int64).to_numpy()
        kind = np.where(unanswered.to_numpy(), UNANSWERED, kind)
        not_seen = ((frame["kind"] == "fault_current") & (frame["value"] == 0)).fill_null(value=False)
        kind = np.where(not_seen.to_numpy(), NO_FLAG, kind)
        time = frame["time"].dt.epoch("ms").to_numpy()
        return self._of_consequence(frame, device, time, kind, removed)

    def _on_time(self, frame: pl.DataFrame, now: datetime) -> Mask:
        limit = pl.lit(now).dt.offset_by(f"{round(self.rules.skew_limit_min * 60_000)}ms")
        return frame.select(pl.col("time") <= limit).to_series().to_numpy()

    def _keep(self, frame: pl.DataFrame, keep: Mask, reason: str, removed: Removed) -> pl.DataFrame:
        if keep.all():
            return frame
        removed.add_rows(reason, frame.filter(pl.Series(~keep)))
        return frame.filter(pl.Series(keep))

    def device_of(self, frame: pl.DataFrame) -> Indices:
        """Return the number of the device that each signal speaks of, -1 where it is not known."""
        device = np.full(frame.height, -1, dtype=np.int64)
        for kind in OBJECTS:
            rows = (frame["object"] == kind).arg_true()
            if len(rows):
                device[rows.to_numpy()] = self.devices.numbers(kind, frame["object_id"].gather(rows))
        return device

    def _known(self, frame: pl.DataFrame, device: Indices, removed: Removed) -> tuple[pl.DataFrame, Indices]:
        frame, device = self._keep(frame, device >= 0, "unknown", removed), device[device >= 0]
        if self.devices.service is None:
            return frame, device
        early, late = self.devices.in_service(device, frame["time"].dt.epoch("ms").to_numpy())
        for wrong, reason in ((early, "before_service"), (late, "after_retirement")):
            if wrong.any():
                removed.add_rows(reason, frame.filter(pl.Series(wrong)))
        served = ~(early | late)
        return (frame, device) if served.all() else (frame.filter(pl.Series(served)), device[served])

    def _of_consequence(
        self, frame: pl.DataFrame, device: Indices, time: Indices, kind: Indices, removed: Removed
    ) -> Rows:
        """Leave out what devices say that carry no supply; of a ring two may cut off somebody together."""
        branch = device - self.devices.branches_from
        of_branch = np.flatnonzero(branch >= 0)
        carries, cuts = np.ones(len(device), dtype=np.bool_), np.ones(len(device), dtype=np.bool_)
        carries[of_branch] = self.supply.place_to(branch[of_branch]) >= 0
        cuts[of_branch] = self.supply.place_below(branch[of_branch]) >= 0
        idle = (kind == OFF) & ~cuts
        if idle.any():
            removed.add_rows("cuts_off_nobody", frame.filter(pl.Series(idle)))
        return Rows(device[carries], time[carries] * 8 + kind[carries])


_COLUMNS: Mapping[str, type[pl.DataType] | pl.DataType] = {
    "time": pl.Datetime("us"),
    "object": pl.String,
    "object_id": pl.String,
    "kind": pl.String,
    "value": pl.Float64,
}
