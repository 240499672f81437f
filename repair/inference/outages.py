"""Outage inference 停电研判: from signals to incidents (field reference 6.2 and 6.3).

What is inferred depends on which signals were heard, never on the order or the batches in which they came: signals count by
the time at which they happened, and one that comes late corrects what was said before. Only the pieces of the network that a
batch speaks of (:mod:`repair.inference.feeder_tree`) are judged again.

The way of a signal: :mod:`repair.inference.intake` (usable, or counted as a problem), :mod:`repair.inference.spells`
(off until on, device by
device), :mod:`repair.inference.known` (arrears and plans), :mod:`repair.inference.transformer_rule`,
:mod:`repair.inference.line_rule`,
:mod:`repair.inference.explanations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from network import Problem, Supply
from network.arrays import NONE, Indices, Mask
from network.tables.conventions import LOCAL_ZONE
from network.tables.frames import require_table
from repair.inference.devices import EVER, Devices
from repair.inference.explanations import COLUMNS, EXPLANATIONS, REASONS_OF_STATE, STATES, Explanations, Judged
from repair.inference.feeder_tree import LEVELS as LINE_LEVELS
from repair.inference.feeder_tree import FeederTree
from repair.inference.intake import EXAMPLES, Intake, Removed
from repair.inference.known import KnownOutages
from repair.inference.line_rule import Items, LineRule
from repair.inference.spells import ON, READ, RECLOSE, Rows, Spells, spells_of
from repair.inference.transformer_rule import clusters_of, signs_of_power, window_ms
from repair.settings import InferenceSettings, inference_settings

LEVELS = (*LINE_LEVELS, "transformer", "customers", "customer")
"""整线, 主线, 支线, 分支线, 台区, 多户, 单户."""

MOST_WAITING = 1 << 18
"""Signals that wait to be judged at most: their memory does not grow."""

_ORIGIN = datetime(1970, 1, 1)


@dataclass(frozen=True)
class InferredOutage:
    """One incident that the signals tell of.

    Attributes:
        id: its start and its object; stays while they do.
        level: one of :data:`LEVELS`.
        object_id: the branch at its head, the transformer or the customer; for several customers their transformer.
        explanation: one of :data:`repair.inference.explanations.EXPLANATIONS`; no fault order is needed for ``plan``
        and ``arrears``.
        state: one of :data:`repair.inference.explanations.STATES`.
        reason: why it is in that state, where that is not by its own signals: ``trip_contradicted`` and
            ``terminal_contradicted`` (something below had power), ``read_during`` (the device itself was read), ``reclosed``,
            ``overrun`` (of planned work); else blank.
        start: when the first of its devices went off, local time.
        restored_at: when the last of them was back; ``None`` while one is off.
        transformers, customers: how many hang on its object.
        users: the transformers among them that the rule counts (in service, not off before).
        dark, back: how many transformers were dark, and how many of those are back: more than none and fewer than all is a
            partial restoration.
        live: transformers below that had power meanwhile.
        meters, calls: how many distinct customers' meters reported off, and how many customers called.
        tripped: whether a switch tripped at its head or below.
        contradicted_by: kind and id of the device that had power, where one overturned it.
        plan_or_record: id of the plan, or of the record of arrears, that explains it.
    """

    id: str
    level: str
    object_id: str
    explanation: str
    state: str
    reason: str
    start: datetime
    restored_at: datetime | None
    transformers: int
    customers: int
    users: int
    dark: int
    back: int
    live: int
    meters: int
    calls: int
    tripped: bool
    contradicted_by: tuple[str, str] | None
    plan_or_record: str | None

    @property
    def unknown(self) -> int:
        """How many of its transformers nothing was heard of."""
        return max(self.users - self.dark - self.live, 0)

    @property
    def is_open(self) -> bool:
        """Whether someone is, or may be, without supply."""
        return self.state in {"suspected", "confirmed"}

    @property
    def needs_order(self) -> bool:
        """Whether a crew must go: an open incident that neither a plan nor arrears explain."""
        return self.is_open and self.explanation not in {"plan", "arrears"}

    def as_dict(self) -> dict[str, Any]:
        """Return the incident with all its fields, for JSON."""
        return vars(self) | {"unknown": self.unknown, "needs_order": self.needs_order}


class Inference:
    """Incidents over one supply, kept up as signals arrive.

    Args:
        supply: supply before the outages.
        tables: ``plans`` and ``outages`` (for arrears) of the contract; without them nothing is explained beforehand.
        settings: bars of the rules; those of the workspace by default.
    """

    def __init__(
        self,
        supply: Supply,
        tables: Mapping[str, pl.DataFrame] | None = None,
        settings: InferenceSettings | None = None,
    ) -> None:
        self.supply = supply
        self.rules = settings or inference_settings(supply.network.workspace.settings)
        self.newest: datetime | None = None
        self._devices = Devices(supply.network)
        self._tree = FeederTree(supply)
        self._known = KnownOutages.of(supply, self._devices, tables or {}, self.rules)
        self._intake = Intake(supply, self._devices, self.rules)
        self._line_rule = LineRule(self._tree, self._devices, self._known, self.rules)
        self._explanations = Explanations(self._tree, self._devices, window_ms(self.rules))
        self._removed = Removed()
        self._rows = Rows(NONE, NONE)
        self._piece = NONE
        self._waiting: list[Rows] = []
        self._found = pl.DataFrame(schema=COLUMNS)
        self._told = self._found
        self._left_out = pl.DataFrame(schema=_LEFT_OUT)
        self._forgotten_before: datetime | None = None

    # Signals ------------------------------------------------------------------------------------------------------

    def take(self, signals: pl.DataFrame, now: datetime | None = None) -> None:
        """Take some more signals into account; they are judged when incidents are asked for, or when many wait.

        Args:
            signals: table of the contract (``time``, ``object``, ``object_id``, ``kind``), in any order.
            now: local time at which they were heard; what is later by more than ``skew_limit_min`` comes from the future.
                Default: the clock.
        """
        require_table(signals, "signals")
        heard = self._intake.read(
            signals, now or datetime.now(ZoneInfo(LOCAL_ZONE)).replace(tzinfo=None), self._removed
        )
        heard = self._not_forgotten(heard)
        if len(heard.device):
            self._waiting.append(heard)
            newest = _time(int(heard.time.max()))
            self.newest = newest if self.newest is None else max(self.newest, newest)
        if sum(len(rows.device) for rows in self._waiting) >= MOST_WAITING:
            self._settle()

    def reject(self, problems: Iterable[Problem]) -> None:
        """Count rows that could not even be read."""
        errors = [problem for problem in problems if problem.severity == "error"]
        examples = [{"row": each.row, "column": each.column, "value": each.value} for each in errors[:EXAMPLES]]
        self._removed.add("malformed", len(errors), examples)

    def _not_forgotten(self, heard: Rows) -> Rows:
        if self._forgotten_before is None:
            return heard
        old = heard.time < _ms(self._forgotten_before)
        self._removed.add("forgotten", int(old.sum()), self._examples(heard, np.flatnonzero(old)))
        return Rows(heard.device[~old], heard.word[~old])

    def _settle(self) -> None:
        """Judge the pieces that the waiting signals speak of."""
        if not self._waiting:
            return
        piece = self._with_those_known()
        touched = np.zeros(len(self._tree.first) + 1, dtype=np.bool_)
        touched[piece] = True
        mine = touched[self._piece]
        found, left_out = self._judge(Rows(self._rows.device[mine], self._rows.word[mine]), self._piece[mine])
        self._found, self._left_out = (
            pl.concat([old.filter(pl.Series(~touched[old["piece"].to_numpy()])), new])
            for old, new in ((self._found, found), (self._left_out, left_out))
        )

    def _with_those_known(self) -> Indices:
        """Put the waiting signals among those known, each once, and return the pieces they speak of."""
        heard = Rows(*(np.concatenate([getattr(rows, name) for rows in self._waiting]) for name in ("device", "word")))
        self._waiting = []
        heard_piece, _ = self._explanations.places_of(heard.device)
        device, word = (np.concatenate([getattr(self._rows, n), getattr(heard, n)]) for n in ("device", "word"))
        piece = np.concatenate([self._piece, heard_piece])
        order = _order(device, word)
        device, word, piece = device[order], word[order], piece[order]
        again = np.zeros(len(device), dtype=np.bool_)
        again[1:] = (device[1:] == device[:-1]) & (word[1:] == word[:-1])
        if again.any():
            where = np.flatnonzero(again)
            self._removed.add("duplicate", len(where), self._examples(Rows(device, word), where))
            device, word, piece = device[~again], word[~again], piece[~again]
        self._rows, self._piece = Rows(device, word), piece
        return heard_piece

    # Judging ------------------------------------------------------------------------------------------------------

    def _judge(self, rows: Rows, piece: Indices) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the incidents of some pieces from all their signals, and which signals tell of none."""
        devices, window = self._devices, window_ms(self.rules)
        spells = spells_of(rows)
        is_trip = spells.device >= devices.branches_from
        length = spells.end - spells.start
        short = ~is_trip & (spells.calls == 0) & (spells.ended_by == ON) & (length < self.rules.min_outage_min * 60_000)
        denied = ~is_trip & (spells.ended_by == READ) & (length <= window)
        reclosed = is_trip & (spells.ended_by == RECLOSE) & (length <= window)
        known = self._explaining(spells)
        explained = (known >= 0) & ~short & ~denied
        reclosed &= ~explained
        standing = ~(short | denied | reclosed | explained)
        power = signs_of_power(rows, devices)
        clusters = clusters_of(spells.at(standing & ~is_trip), rows, power, devices, self.rules)
        cluster_piece, cluster_place = self._explanations.places_of(clusters.key)
        dark = np.flatnonzero(clusters.is_dark)
        trips = spells.at(standing & is_trip)
        trip_piece, trip_place = self._explanations.places_of(trips.device)
        items = Items(
            np.concatenate([cluster_piece[dark], trip_piece]),
            np.concatenate([cluster_place[dark], trip_place]),
            np.concatenate([clusters.start[dark], trips.start]),
            np.concatenate([clusters.end[dark], trips.end]),
            np.concatenate([clusters.key[dark], np.full(len(trips), -1)]),
        )
        lines = self._line_rule.judge(items, _restored(rows, piece), power)
        judged = Judged(
            clusters, dark, items, lines, spells.at(denied), spells.at(reclosed),
            (spells.at(explained), known[explained]),
        )  # fmt: skip
        found = self._explanations.incidents(judged)
        return found, self._reasons(spells, short, denied, explained)

    def _explaining(self, spells: Spells) -> Indices:
        """Return what explains each spell beforehand, by its device or by the transformer of its meter; -1 without."""
        known = self._known.explaining(spells.device, spells.start)
        meter = (spells.device >= self._devices.customers_from) & (spells.device < self._devices.branches_from)
        asked = np.flatnonzero(meter & (known < 0))
        transformer = self._devices.meter_transformer[spells.device[asked] - self._devices.customers_from]
        known[asked] = np.where(transformer >= 0, self._known.explaining(transformer, spells.start[asked]), -1)
        return known

    def _reasons(self, spells: Spells, short: Mask, denied: Mask, explained: Mask) -> pl.DataFrame:
        """Return how many signals tell of no outage, by piece and reason, with one example of each."""
        parts = []
        once, repeats = np.minimum(spells.offs, 1), np.maximum(spells.offs - 1, 0)
        piece, _ = self._explanations.places_of(spells.device)
        for reason, which, amount in (
            ("repeated", repeats > 0, repeats),
            ("too_short", short, once),
            ("read_during", denied, once + spells.calls),
            ("planned", explained, once + spells.calls),
        ):
            if which.any():
                columns = {"piece": piece, "count": amount, "device": spells.device, "time": spells.start}
                frame = pl.DataFrame({name: values[which] for name, values in columns.items()})
                part = frame.group_by("piece").agg(
                    pl.col("count").sum(), pl.col("device", "time").sort_by("time", "device").first()
                )
                parts.append(part.select("piece", pl.lit(reason).alias("reason"), "count", "device", "time"))
        return pl.concat([pl.DataFrame(schema=_LEFT_OUT), *parts])

    # Answers ------------------------------------------------------------------------------------------------------

    @property
    def incidents(self) -> tuple[InferredOutage, ...]:
        """All incidents, latest first."""
        self._settle()
        return self._outages(self._found)

    def changes(self) -> tuple[InferredOutage, ...]:
        """Return the incidents that are new, or not as they were, since this was asked last; latest first."""
        self._settle()
        changed = self._found.join(self._told, on=list(COLUMNS), how="anti", nulls_equal=True)
        self._told = self._found
        return self._outages(changed)

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """Return incidents and problems for JSON.

        Args:
            language: ``en`` or ``zh``, for the problems.
        """
        return {
            "newest": self.newest,
            "incidents": [each.as_dict() for each in self.incidents],
            "problems": [each.as_dict(language) for each in self.problems],
        }

    @property
    def problems(self) -> list[Problem]:
        """Signals that tell of no outage: for each reason how many there are, and what to do."""
        self._settle()
        all_removed = Removed(
            dict(self._removed.count), {name: list(few) for name, few in self._removed.examples.items()}
        )
        for row in self._left_out.sort("time", "device").iter_rows(named=True):
            kind, object_id = self._devices.kind_and_id(row["device"])
            example = {"time": str(_time(row["time"])), "object": kind, "object_id": object_id, "kind": "off"}
            all_removed.add(row["reason"], row["count"], [example])
        return all_removed.problems()

    def places(self, signals: pl.DataFrame) -> pl.DataFrame:
        """Return signals with the ``place`` in depth-first order of what each speaks of, and of the ``head`` of its feeder.

        A branch stands at the place it leads to; -1 where the supply reaches neither.
        """
        supply = self.supply
        device = self._intake.device_of(signals)
        known = np.flatnonzero(device >= 0)
        place = np.full(len(device), -1, dtype=np.int64)
        _, place[known] = self._explanations.places_of(device[known])
        branch = np.flatnonzero(device >= self._devices.branches_from)
        number = device[branch] - self._devices.branches_from
        ends = supply.place_of[supply.network.from_node[number]], supply.place_of[supply.network.to_node[number]]
        place[branch] = np.maximum(*ends)
        return signals.with_columns(
            place=pl.Series(place), head=pl.Series(np.where(place >= 0, supply.head_above[place], -1))
        )

    def forget(self, before: datetime) -> int:
        """Forget the signals and incidents of before a moment, but for what was still going on then.

        Each piece is cut at the latest moment, not after ``before``, that lies within none of its incidents: what began earlier
        is forgotten, but for the last sign of power of each device, by which it is known to report. Signals from before
        ``before`` count as forgotten from then on.

        Returns:
            How many incidents were forgotten.
        """
        self._settle()
        cut = self._cuts(_ms(before))
        device, kind = self._rows.device, self._rows.kind
        old = self._rows.time < cut[self._piece]
        last_old = old & np.append((device[1:] != device[:-1]) | ~old[1:], True)[: len(old)]
        keep = ~old | (last_old & ((kind == READ) | (kind == ON) | (kind == RECLOSE)))
        self._rows, self._piece = Rows(device[keep], self._rows.word[keep]), self._piece[keep]
        count = self._found.height
        starts = {"_found": "start", "_left_out": "time"}
        for name, column in starts.items():
            frame = getattr(self, name)
            setattr(self, name, frame.filter(pl.col(column) >= pl.Series(cut[frame["piece"].to_numpy()])))
        self._told = self._found
        self._forgotten_before = max(before, self._forgotten_before or before)
        return count - self._found.height

    def _cuts(self, before: int) -> Indices:
        """Return, for each piece, the latest moment in ms, not after ``before``, that no incident covers with its window."""
        window = window_ms(self.rules)
        cut = np.full(len(self._tree.first) + 1, before, dtype=np.int64)
        overturned = pl.col("state") == STATES.index("overturned")
        spans = self._found.select("piece", "start", end=pl.when(overturned).then("start").otherwise("end"))
        for piece, start, end in spans.sort("end", descending=True).iter_rows():
            if end + window >= cut[piece]:
                cut[piece] = min(cut[piece], start - window)
        return cut

    def _outages(self, found: pl.DataFrame) -> tuple[InferredOutage, ...]:
        """Return incidents as they are shown, latest first."""
        shown = found.sort("start", "level", "device", "known", "piece", descending=[True, False, False, False, False])
        shown = shown.with_columns(
            pl.from_epoch("start", time_unit="ms"),
            pl.when(pl.col("end") < int(EVER)).then(pl.from_epoch("end", time_unit="ms")),
            device=pl.Series(self._devices.kinds_and_ids(shown["device"].to_numpy())[1], dtype=pl.String),
        )
        taken: dict[str, int] = {}
        rows = shown.select(*_SHOWN, pl.struct(_COUNTS).alias("counts")).iter_rows(named=True)
        return tuple(self._outage(row, taken) for row in rows)

    def _outage(self, row: dict[str, Any], taken: dict[str, int]) -> InferredOutage:
        known = self._known.known[row["known"]] if row["known"] >= 0 else None
        level, object_id, explanation = LEVELS[row["level"]], row["device"], EXPLANATIONS[row["explanation"]]
        reason = REASONS_OF_STATE[row["reason"]]
        if known:
            level, object_id, explanation = known.level, known.object_id, known.explanation
            last = row["end"] or self.newest
            reason = "overrun" if known.until is not None and last is not None and last > known.until else ""
        name = f"{row['start']:%Y%m%dT%H%M%S}-{object_id}" + ("-customers" if level == "customers" else "")
        taken[name] = taken.get(name, 0) + 1
        return InferredOutage(
            id=name if taken[name] == 1 else f"{name}-{taken[name]}",
            level=level,
            object_id=object_id,
            explanation=explanation,
            state=STATES[row["state"]],
            reason=reason,
            start=row["start"],
            restored_at=row["end"],
            contradicted_by=self._devices.kind_and_id(row["denied_by"]) if row["denied_by"] >= 0 else None,
            plan_or_record=known.reference if known else None,
            **row["counts"],
        )

    def _examples(self, rows: Rows, which: Indices) -> list[dict[str, Any]]:
        shown = []
        for index in which[:5].tolist():
            kind, object_id = self._devices.kind_and_id(int(rows.device[index]))
            shown.append({"time": str(_time(int(rows.time[index]))), "object": kind, "object_id": object_id})
        return shown


_SHOWN = ("device", "level", "explanation", "state", "reason", "start", "end", "denied_by", "known")
_COUNTS = ("transformers", "customers", "users", "dark", "back", "live", "meters", "calls", "tripped")
_LEFT_OUT = {"piece": pl.Int64, "reason": pl.String, "count": pl.Int64, "device": pl.Int64, "time": pl.Int64}


def _order(device: Indices, word: Indices) -> Indices:
    """Return the order by device and word; one number for both is sorted sooner, where it fits."""
    word = word - word.min()
    span = int(word.max()) + 1
    if (int(device.max()) + 1) * span < 1 << 63:
        return np.argsort(device * span + word, kind="stable")
    return np.lexsort((word, device))


def _restored(rows: Rows, piece: Indices) -> Items:
    """Return when something of each piece came on or was closed again, by piece and time."""
    told = np.flatnonzero((rows.kind == ON) | (rows.kind == RECLOSE))
    order = told[np.lexsort((rows.time[told], piece[told]))]
    nowhere = np.full(len(order), -1, dtype=np.int64)
    return Items(piece[order], nowhere, rows.time[order], nowhere, nowhere)


def _time(ms: int) -> datetime:
    return _ORIGIN + timedelta(milliseconds=ms)


def _ms(moment: datetime) -> int:
    return int((moment - _ORIGIN) / timedelta(milliseconds=1))
