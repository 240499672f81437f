"""Random plans over a small tree of switches; and the slow answer: every grouping, every day, every plan left over or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from hypothesis import strategies as st

from network import network_from_tables
from reliability.statistics import Statistics
from repair.planned.plan_desk import PlanDesk

AS_OF = datetime(2022, 6, 1)
DAYS = [datetime(2022, 6, 28, 8) + timedelta(days=each) for each in range(6)]  # into July: two months
RESERVED = 0.4
MOST_IN_WINDOW = 2  # of the rule sgcc: a third outage within two months is too many
MOST_REPAIRS_IN_YEAR = 3


@dataclass
class Plan:
    branch: int
    day: int
    minutes: int
    earliest: int
    latest: int
    unit: str


@dataclass
class County:
    """A tree: node i hangs on node above[i] by switch i; node 0 is the source, and switch 1 its breaker."""

    above: list[int]
    units: list[str]  # of the transformer at each node from 1
    past: list[tuple[int, int]]  # switch that opened for planned repair, days before the as-of time
    plans: list[Plan]
    crews: dict[str, int]
    annual: dict[str, float | None]
    holidays: set[int]

    def desk(self) -> PlanDesk:
        plans = [
            {
                "plan_id": f"P{i}", "branch_id": f"B{each.branch}", "start": DAYS[each.day], "nature": "P-PLAN-MAINT",
                "end": DAYS[each.day] + timedelta(minutes=each.minutes), "unit": each.unit, "status": "待审核",
                "earliest_start": DAYS[each.earliest], "latest_end": DAYS[each.latest] + timedelta(hours=9),
            }
            for i, each in enumerate(self.plans)
        ]  # fmt: skip
        past = [
            {
                "outage_id": f"O{i}", "branch_id": f"B{switch}", "start": AS_OF - timedelta(days=days),
                "end": AS_OF - timedelta(days=days, hours=-2), "nature": "P-PLAN-MAINT",
            }
            for i, (switch, days) in enumerate(self.past)
        ]  # fmt: skip
        tables: dict[str, Any] = {
            "sources": [{"node": "n0"}],
            "branches": [
                {"branch_id": f"B{i}", "from_node": f"n{up}", "to_node": f"n{i}", "kind": "breaker" if i == 1 else "switch"}
                for i, up in enumerate(self.above, 1)
            ],
            "transformers": [
                {"transformer_id": f"T{i}", "node": f"n{i}", "unit": unit} for i, unit in enumerate(self.units, 1)
            ],
            "plans": plans,
            "crews": [
                {"crew_id": f"{unit}{i}", "unit": unit} for unit, count in self.crews.items() for i in range(count)
            ],
            "budget": [
                {"unit": unit, "annual_target_ch": hours, "consumed_ch": 0.0}
                for unit, hours in self.annual.items() if hours is not None
            ],
            **({"outages": past} if past else {}),
        }  # fmt: skip
        settings = {
            "as_of": AS_OF,
            "planned": {"transfer_min": 0.0, "frequent_preset": "sgcc", "merge_most": 10,
                        "holidays": [DAYS[holiday].date() for holiday in sorted(self.holidays)]},
        }  # fmt: skip
        return PlanDesk.of(Statistics(network_from_tables(tables, settings)))

    # The slow answer ----------------------------------------------------------------------------------------------

    def below(self, switches: set[int]) -> set[int]:
        """Return the transformers that are off while these switches are open."""
        off: set[int] = set()
        for node, up in enumerate(self.above, 1):  # parents come first
            if node in switches or up in off:
                off.add(node)
        return off

    def cost(self, group: tuple[int, ...]) -> int:
        minutes = max(self.plans[each].minutes for each in group)
        return len(self.off(group)) * minutes

    def off(self, group: tuple[int, ...]) -> set[int]:
        return self.below({self.plans[each].branch for each in group})

    def keeps(self, groups: list[tuple[int, ...]], days: tuple[int, ...]) -> bool:
        """Return whether a calendar keeps every rule, by counting."""
        jobs_of_day: dict[tuple[str, int], int] = {}
        hours: dict[tuple[str, Any], float] = {}
        begun: dict[int, list[datetime]] = {node: [] for node in range(1, len(self.above) + 1)}
        busy: dict[int, list[tuple[datetime, datetime]]] = {node: [] for node in range(1, len(self.above) + 1)}
        for group, day in zip(groups, days, strict=True):
            minutes = max(self.plans[each].minutes for each in group)
            for each in group:
                plan = self.plans[each]
                if not plan.earliest <= day or DAYS[day] + timedelta(minutes=minutes) > DAYS[plan.latest] + timedelta(
                    hours=9
                ):
                    return False
                for on in touched(day, plan.minutes):
                    jobs_of_day[plan.unit, on] = jobs_of_day.get((plan.unit, on), 0) + 1
            if self.holidays.intersection(touched(day, minutes)):
                return False
            for node in self.off(group):
                begun[node].append(DAYS[day])
                begin, end = DAYS[day], DAYS[day] + timedelta(minutes=minutes)
                if any(begin < until and since < end for since, until in busy[node]):
                    return False  # two outages take the same part at the same time
                busy[node].append((begin, end))
                for half_hour in range(minutes // 30):
                    for span in ((DAYS[day] + timedelta(minutes=30 * half_hour)).month, "year"):
                        key = self.units[node - 1], span
                        hours[key] = hours.get(key, 0.0) + 0.5
        for (unit, _), count in jobs_of_day.items():
            if count > self.crews.get(unit, count):
                return False
        for (unit, span), used in hours.items():
            annual = self.annual.get(unit)
            if annual is None:
                continue
            left = annual - (0.0 if span == "year" else annual * RESERVED)
            if used > (left if span == "year" else left / 12) + 1e-9:
                return False
        return all(self.often_enough(node, planned) for node, planned in begun.items())

    def often_enough(self, node: int, planned: list[datetime]) -> bool:
        past = {
            AS_OF - timedelta(days=days) for switch, days in self.past if node in self.below({switch})
        }  # overlaps are one
        for first in (*past, *planned):
            end = (first.month + 1) % 12 + 1
            until = first.replace(year=first.year + (end < first.month), month=end, day=min(first.day, 28))
            until += timedelta(days=first.day - min(first.day, 28)) if first.day <= 30 else timedelta(0)
            new = sum(first <= each < until for each in planned)
            if new and new + sum(first <= each < until for each in past) > MOST_IN_WINDOW:
                return False
        return not planned or len(past) + len(planned) <= MOST_REPAIRS_IN_YEAR

    def best(self) -> tuple[int, int]:
        """Return the fewest plans left over, and the fewest user-minutes with so few, over all calendars."""
        count = len(self.plans)
        found = (count, 0)
        for left_over in product([False, True], repeat=count):
            kept = [each for each in range(count) if not left_over[each]]
            for groups in partitions(kept):
                for days in product(range(len(DAYS)), repeat=len(groups)):
                    value = (count - len(kept), sum(self.cost(group) for group in groups))
                    if value < found and self.keeps(groups, days):
                        found = value
        return found


def touched(day: int, minutes: int) -> list[int]:
    """Return the days, by number, in which there is any half hour of an outage."""
    return sorted(
        {(DAYS[day] + timedelta(minutes=each) - DAYS[0].replace(hour=0)).days for each in range(0, minutes, 30)}
    )


def partitions(items: list[int]) -> Iterator[list[tuple[int, ...]]]:
    """Give every way to part items into groups."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for groups in partitions(rest):
        yield [(first,), *groups]
        for at, group in enumerate(groups):
            yield [*groups[:at], (first, *group), *groups[at + 1 :]]


@st.composite
def counties(draw: st.DrawFn, most_plans: int = 4, rules: bool = True) -> County:
    """Draw a tree with plans of up to two units, and what they must keep."""
    above = [0] + [draw(st.integers(1, i)) for i in range(1, draw(st.integers(2, 6)))]
    units = [draw(st.sampled_from(["U", "V"])) for _ in above]
    plans = []
    for _ in range(draw(st.integers(1, most_plans))):
        day = draw(st.integers(0, len(DAYS) - 1))
        early, late = (
            (draw(st.integers(0, day)), draw(st.integers(day, len(DAYS) - 1))) if rules else (0, len(DAYS) - 1)
        )
        half_hours = draw(st.integers(1, 8) | st.sampled_from([48, 50, 60]))  # some go on into the next day
        plans.append(Plan(draw(st.integers(1, len(above))), day, 30 * half_hours, early, late,
                          draw(st.sampled_from(["U", "V"]))))  # fmt: skip
    if not rules:
        return County(above, units, [], plans, {}, {}, set())
    past = [
        (draw(st.integers(1, len(above))), draw(st.sampled_from([3, 20, 40, 100])))
        for _ in range(draw(st.integers(0, 3)))
    ]
    crews = {unit: draw(st.integers(1, 2)) for unit in draw(st.sets(st.sampled_from(["U", "V"])))}
    annual = {unit: draw(st.none() | st.sampled_from([40.0, 120.0, 300.0, 1000.0])) for unit in ("U", "V")}
    return County(above, units, past, plans, crews, annual, draw(st.sets(st.integers(0, 5), max_size=2)))
