"""The rule of outage inference the slow, obvious way: signal by signal, node by node, on a networkx graph."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx

from repair.settings import InferenceSettings
from tests.networks import Plain

NEVER = math.inf
ORDER = {"read": 0, "off": 1, "trip": 1, "call": 2, "on": 3, "close": 3, "reclose": 4, "unanswered": 5}

Device = tuple[str, int]
Signal = tuple[float, str, int, str]
"""Time in minutes, kind of object, its number, kind of signal."""


@dataclass
class Spell:
    """Off until the next sign of power."""

    device: Device
    start: float
    offs: int = 0
    calls: int = 0
    unanswered: int = 0
    end: float = NEVER
    ended_by: str | None = None


@dataclass
class Cluster:
    """Spells of one transformer, or one customer alone, within one window."""

    key: Device
    spells: list[Spell]
    is_dark: bool = False
    denied: bool = False

    @property
    def start(self) -> float:
        return min(spell.start for spell in self.spells)

    @property
    def end(self) -> float:
        return max(spell.end for spell in self.spells)

    def customers(self, kind: str = "any") -> set[Device]:
        wanted = {"any": lambda s: s.offs or s.calls, "off": lambda s: s.offs, "call": lambda s: s.calls}[kind]
        return {spell.device for spell in self.spells if spell.device[0] == "customer" and wanted(spell)}


@dataclass
class Line:
    """A node that is out."""

    branch: int
    start: float
    state: str
    clusters: list[Cluster] = field(default_factory=list)
    trips: list[Spell] = field(default_factory=list)
    groups: list[Cluster] = field(default_factory=list)

    @property
    def end(self) -> float:
        return max((each.end for each in self.clusters or self.trips), default=NEVER)


Found = tuple[str, str, str, str, float, float | None, int, int, int, int]
"""Level (line for any kind of line), object, state, reason, start, end, dark, back, meters, calls."""


class Slow:
    """The rule over one network; planned transformers and customers in arrears are given with their times."""

    def __init__(
        self,
        plain: Plain,
        rules: InferenceSettings,
        planned: dict[int, tuple[float, float]] | None = None,
        arrears: dict[int, tuple[float, float]] | None = None,
    ) -> None:
        self.plain, self.rules = plain, rules
        self.planned, self.arrears = planned or {}, arrears or {}
        graph = nx.MultiGraph()
        graph.add_nodes_from(plain.sources)
        graph.add_edges_from((a, b, i) for i, (a, b, is_open) in enumerate(plain.branches) if not is_open)
        live = plain.live_nodes(set())
        order = {node: i for i, node in enumerate(plain.network().nodes)}
        roots: list[str] = []
        for source in sorted(plain.sources, key=lambda node: order[node]):
            if not any(nx.has_path(graph, source, root) for root in roots):
                roots.append(source)
        rest = graph.subgraph(live - set(roots))
        self.component = {node: ("part", min(part)) for part in nx.connected_components(rest) for node in part}
        self.component |= {root: ("root", root) for root in roots}
        self.root_of = {node: next(root for root in roots if nx.has_path(graph, node, root)) for node in live}
        self.below = {
            i: live - plain.live_nodes({i})
            for i, (a, _, is_open) in enumerate(plain.branches)
            if not is_open and a in live
        }
        self.users_below = {
            i: plain.live_transformers(set()) - plain.live_transformers({i}) for i, nodes in self.below.items() if nodes
        }

    def piece(self, transformer: int) -> tuple[str, str] | None:
        pieces = {self.component[node] for node in self.plain.transformers[transformer] if node in self.component}
        if len(pieces) == 1:
            return pieces.pop()
        roots = {self.root_of[node] for node in self.plain.transformers[transformer] if node in self.root_of}
        return ("root", roots.pop()) if len(roots) == 1 else None

    def piece_of_branch(self, branch: int) -> tuple[str, str]:
        return next(self.component[node] for node in self.below[branch])

    def meter_of(self, customer: int) -> int | None:
        first, second = self.plain.customers[customer]
        return first if second is None else None

    def key(self, device: Device) -> Device:
        if device[0] == "customer":
            transformer = self.meter_of(device[1])
            return device if transformer is None else ("transformer", transformer)
        return device

    def infer(self, signals: list[Signal]) -> list[Found]:
        rules, window = self.rules, self.rules.window_min
        signals = sorted(set(signals), key=lambda each: (each[0], ORDER[each[3]]))
        spells = [
            spell for device in dict.fromkeys((s[1], s[2]) for s in signals) for spell in self.spells(device, signals)
        ]
        found: list[Found] = []
        good: list[Spell] = []
        explained: dict[tuple[str, object, object], list[Spell]] = {}
        for spell in spells:
            is_trip = spell.device[0] == "branch"
            length = spell.end - spell.start
            why = self.explaining(spell)
            if is_trip and not self.users_below_or_nodes(spell.device[1]):
                continue
            if not is_trip and not spell.calls and spell.ended_by == "on" and length < rules.min_outage_min:
                continue
            if not is_trip and spell.ended_by == "read" and length <= window:
                found.append(self.overturned(spell))
            elif why:
                explained.setdefault((*why, self.piece_of_device(spell.device)), []).append(spell)
            elif is_trip and spell.ended_by == "reclose" and length <= window:
                found.append(
                    ("line", f"B{spell.device[1]}", "restored", "reclosed", spell.start, spell.end, 0, 0, 0, 0)
                )
            else:
                good.append(spell)
        clusters = self.clusters([spell for spell in good if spell.device[0] != "branch"], signals)
        trips = [spell for spell in good if spell.device[0] == "branch"]
        lines = self.lines([each for each in clusters if each.is_dark], trips, signals)
        found += self.incidents(clusters, lines)
        for (kind, which, _), members in explained.items():
            found.append(self.known(kind, which, members))
        return sorted(found, key=str)

    def users_below_or_nodes(self, branch: int) -> bool:
        return bool(self.below.get(branch))

    def piece_of_device(self, device: Device) -> object:
        key = self.key(device)
        if key[0] == "transformer":
            return self.piece(key[1])
        return device

    def explaining(self, spell: Spell) -> tuple[str, object] | None:
        kind, number = spell.device
        if kind == "customer" and number in self.arrears:
            since, until = self.arrears[number]
            if since <= spell.start < until:
                return "arrears", number
        key = self.key(spell.device)
        if key[0] == "transformer" and key[1] in self.planned:
            since, until = self.planned[key[1]]
            if since - self.rules.plan_margin_min <= spell.start < until:
                return "plan", key[1]
        return None

    def known(self, kind: str, which: object, members: list[Spell]) -> Found:
        end = max(spell.end for spell in members)
        start = min(spell.start for spell in members)
        terminals = {spell.device for spell in members if spell.device[0] == "transformer"}
        out = {spell.device for spell in members if spell.end == NEVER}
        meters = {spell.device for spell in members if spell.device[0] == "customer" and spell.offs}
        calls = {spell.device for spell in members if spell.device[0] == "customer" and spell.calls}
        level, name = ("customer", f"C{which}") if kind == "arrears" else ("transformer", f"T{which}")
        state = "restored" if end < NEVER else "confirmed"
        dark = len(terminals)
        return level, name, state, kind, start, ended(end), dark, len(terminals - out), len(meters), len(calls)

    def spells(self, device: Device, signals: list[Signal]) -> list[Spell]:
        found: list[Spell] = []
        current: Spell | None = None
        for time, kind, number, what in signals:
            if (kind, number) != device:
                continue
            if what in {"off", "trip", "call"}:
                if current is None:
                    current = Spell(device, time)
                    found.append(current)
                current.offs += what != "call"
                current.calls += what == "call"
            elif what == "unanswered":
                if current is not None:
                    current.unanswered += 1
            elif current is not None:
                current.end, current.ended_by = time, what
                current = None
        return found

    def overturned(self, spell: Spell) -> Found:
        kind, number = spell.device
        return kind, f"{kind[0].upper()}{number}", "overturned", "read_during", spell.start, None, 0, 0, 0, spell.calls

    # Transformers -------------------------------------------------------------------------------------------------

    def clusters(self, spells: list[Spell], signals: list[Signal]) -> list[Cluster]:
        window = self.rules.window_min
        found = []
        for key in dict.fromkeys(self.key(spell.device) for spell in spells):
            own = [spell for spell in spells if self.key(spell.device) == key]
            groups = [Cluster(key, part) for part in windows(own, window)]
            groups.sort(key=lambda each: each.start)
            for number, group in enumerate(groups):
                after = groups[number + 1].start if number + 1 < len(groups) else NEVER
                self.judge(group, after, signals)
            found += groups
        return found

    def judge(self, cluster: Cluster, after: float, signals: list[Signal]) -> None:
        if cluster.key[0] != "transformer":
            return
        until = cluster.start + self.rules.window_min
        mine = {spell.device for spell in cluster.spells}
        of_meters = [s for s in signals if s[1] == "customer" and self.key((s[1], s[2])) == cluster.key]
        terminal = any(spell.device[0] == "transformer" for spell in cluster.spells)
        cluster.denied = any(
            s[3] in {"read", "on"} and cluster.start < s[0] <= min(until, after) and (s[1], s[2]) not in mine
            for s in of_meters
        )
        heard = {s[2] for s in of_meters if s[3] not in {"call", "unanswered"} and s[0] <= until}
        bar = max(self.rules.minimum_meters, math.ceil(self.rules.meter_share * len(heard)))
        cluster.is_dark = (terminal or len(cluster.customers("off")) >= bar) and not cluster.denied
        cluster.denied = cluster.denied and terminal

    # Lines --------------------------------------------------------------------------------------------------------

    def lines(self, dark: list[Cluster], trips: list[Spell], signals: list[Signal]) -> list[Line]:
        found = []
        pieces = {self.piece(each.key[1]) for each in dark} | {self.piece_of_branch(trip.device[1]) for trip in trips}
        for piece in pieces:
            items: list[Cluster | Spell] = [each for each in dark if self.piece(each.key[1]) == piece]
            items += [trip for trip in trips if self.piece_of_branch(trip.device[1]) == piece]
            if piece is not None:
                for episode in windows(items, self.rules.window_min):
                    found += self.lines_of(piece, episode, items, signals)
        return found

    def lines_of(
        self,
        piece: tuple[str, str],
        episode: list[Cluster | Spell],
        items: list[Cluster | Spell],
        signals: list[Signal],
    ) -> list[Line]:
        rules = self.rules
        dark = [each for each in episode if isinstance(each, Cluster)]
        trips = [each for each in episode if isinstance(each, Spell)]
        begun = min(each.start for each in episode)
        mine = {each.key[1] for each in dark}
        before = {
            each.key[1] for each in items if isinstance(each, Cluster) and each.start < begun and each.end > begun
        } | {
            number for number, (since, until) in self.planned.items() if since - rules.plan_margin_min <= begun < until
        }  # fmt: skip
        power = [
            (time, self.key((kind, number))[1])
            for time, kind, number, what in signals
            if what in {"on", "read"} and kind != "branch" and self.key((kind, number))[0] == "transformer"
            and self.piece(self.key((kind, number))[1]) == piece
        ]  # fmt: skip
        back = [each.end for each in episode] + [
            time for time, kind, number, what in signals
            if what in {"on", "close", "reclose"} and time > begun and self.anywhere(kind, number) == piece
        ]  # fmt: skip
        stop = min(back)
        until = begun + rules.window_min
        power = [(t, who) for t, who in power if who not in mine and begun < t and (t <= until or t < stop)]
        lines = []
        for branch, users in self.users_below.items():
            nodes = self.below[branch]
            own_dark = [each for each in dark if each.key[1] in users]
            own_trips = [trip for trip in trips if self.below[trip.device[1]] <= nodes]
            head = any(trip.device[1] == branch for trip in trips)
            if not own_dark and not own_trips:
                continue
            started = min(each.start for each in [*own_dark, *own_trips])
            veto = any(t > started and who in users for t, who in power)
            count = len({each.key[1] for each in own_dark})
            counted = users - (before - mine)
            enough = count >= rules.minimum_dark and (head or count >= rules.dark_share * len(counted))
            if not veto and (enough or head):
                confirmed = count >= rules.minimum_dark
                lines.append(Line(branch, started, "confirmed" if confirmed else "suspected", own_dark, own_trips))
            elif veto and head:
                lines.append(Line(branch, started, "overturned", [], [t for t in trips if t.device[1] == branch]))
        return [
            line for line in lines
            if line.state == "overturned"
            or not any(self.below[line.branch] < self.below[o.branch] for o in lines if o.state != "overturned")
        ]  # fmt: skip

    def anywhere(self, kind: str, number: int) -> object:
        if kind == "branch":
            return self.piece_of_branch(number) if self.below.get(number) else None
        key = self.key((kind, number))
        if key[0] == "transformer":
            return self.piece(key[1])
        pieces = {self.piece(t) for t in self.plain.customers[number] if t is not None and self.lives(t)}
        if len(pieces) == 1:
            return pieces.pop()
        roots = {piece[1] if piece[0] == "root" else self.root_of[piece[1]] for piece in pieces if piece}
        return ("root", roots.pop()) if len(roots) == 1 and None not in pieces else None

    def lives(self, transformer: int) -> bool:
        return any(node in self.component for node in self.plain.transformers[transformer])

    # Incidents ----------------------------------------------------------------------------------------------------

    def incidents(self, clusters: list[Cluster], lines: list[Line]) -> list[Found]:
        window = self.rules.window_min
        taken = {id(each) for line in lines for each in line.clusters}
        standing = sorted(
            (line for line in lines if line.state != "overturned"), key=lambda e: (e.start, -len(self.below[e.branch]))
        )
        roots: list[Line] = []
        own_end = {id(line): line.end for line in standing}
        for line in standing:
            over = next(
                (r for r in roots if self.below[line.branch] <= self.below[r.branch] and line.start <= own_end[id(r)]),
                None,
            )
            if over is None:
                roots.append(line)
            else:
                over.clusters += line.clusters
                over.trips += line.trips
        roots.sort(key=lambda each: (-len(self.below[each.branch]), each.start))
        loose = []
        for cluster in clusters:
            if id(cluster) in taken or not (cluster.is_dark or cluster.customers()):
                continue
            over = next(
                (r for r in roots if self.reaches(r, cluster) and r.start - window <= cluster.start <= own_end[id(r)]),
                None,
            )
            if over is None:
                loose.append(cluster)
            elif cluster.is_dark:
                over.clusters.append(cluster)
            else:
                over.groups.append(cluster)
        found = [self.of_line(line) for line in roots] + [
            self.of_line(line) for line in lines if line.state == "overturned"
        ]
        alone = sorted((each for each in loose if each.is_dark), key=lambda each: each.start)
        joined: dict[int, list[Cluster]] = {id(each): [] for each in alone}
        for group in (each for each in loose if not each.is_dark):
            over_t = next((t for t in alone if t.key == group.key and t.start - window <= group.start <= t.end), None)
            if over_t is None:
                found.append(self.of_group(group))
            else:
                joined[id(over_t)].append(group)
        found += [self.of_transformer(each, joined[id(each)]) for each in alone]
        found += [
            ("transformer", f"T{each.key[1]}", "overturned", "terminal_contradicted", each.start, None, 0, 0, 0, 0)
            for each in clusters if each.denied
        ]  # fmt: skip
        return found

    def silent(self, cluster: Cluster) -> bool:
        asked: dict[Device, int] = {}
        for spell in cluster.spells:
            asked[spell.device] = asked.get(spell.device, 0) + spell.unanswered
        return max(asked.values()) >= self.rules.unanswered_reads

    def reaches(self, line: Line, cluster: Cluster) -> bool:
        if cluster.key[0] == "transformer":
            return cluster.key[1] in self.users_below[line.branch]
        lost = self.plain.live_customers(set()) - self.plain.live_customers({line.branch})
        return cluster.key[1] in lost

    def of_line(self, line: Line) -> Found:
        darks: dict[Device, float] = {}
        for each in line.clusters:
            darks[each.key] = max(darks.get(each.key, 0), each.end)
        end = max(darks.values(), default=max((trip.end for trip in line.trips), default=NEVER))
        state, reason = line.state, ""
        if state == "overturned":
            reason, end = "trip_contradicted", NEVER
        elif end < NEVER:
            state = "restored"
        everyone = [*line.clusters, *line.groups]
        meters, calls = (sum(len(each.customers(kind)) for each in everyone) for kind in ("off", "call"))
        back = sum(each < NEVER for each in darks.values())
        return "line", f"B{line.branch}", state, reason, line.start, ended(end), len(darks), back, meters, calls

    def of_transformer(self, cluster: Cluster, groups: list[Cluster]) -> Found:
        meters, calls = (sum(len(each.customers(kind)) for each in [cluster, *groups]) for kind in ("off", "call"))
        terminal = any(spell.device[0] == "transformer" for spell in cluster.spells)
        sure = meters + calls or not terminal or self.silent(cluster)
        state = "restored" if cluster.end < NEVER else "confirmed" if sure else "suspected"
        back = int(cluster.end < NEVER)
        return "transformer", f"T{cluster.key[1]}", state, "", cluster.start, ended(cluster.end), 1, back, meters, calls

    def of_group(self, group: Cluster) -> Found:
        meters, calls, both = group.customers("off"), group.customers("call"), group.customers()
        end = max(spell.end for spell in group.spells)
        sure = len(meters) > 1 or meters & calls or self.silent(group)
        state = "restored" if end < NEVER else "confirmed" if sure else "suspected"
        if len(both) > 1:
            level, name = "customers", f"T{group.key[1]}"
        else:
            level, name = "customer", f"C{next(iter(both))[1]}"
        return level, name, state, "", group.start, ended(end), 0, 0, len(meters), len(calls)


def ended(end: float) -> float | None:
    return None if end == NEVER else end


def windows(items: list, length: float) -> list[list]:
    """The window with most items is one part, what is before and after it is divided likewise; not across longer gaps."""
    items = sorted(items, key=lambda each: each.start)
    if not items:
        return []
    for number, (one, other) in enumerate(pairwise(items), start=1):
        if other.start - one.start > length:
            return windows(items[:number], length) + windows(items[number:], length)
    sizes = [
        sum(first.start <= each.start <= first.start + length for each in items[i:]) for i, first in enumerate(items)
    ]
    begin = sizes.index(max(sizes))
    end = begin + sizes[begin]
    return [*windows(items[:begin], length), items[begin:end], *windows(items[end:], length)]
