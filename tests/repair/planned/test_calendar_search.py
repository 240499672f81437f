"""The search for a calendar: its start, and what becomes of it a few plans at a time, against rules that are kept by counting."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from network.steps import Done, telling
from repair.planned.calendar_plan import calendar_choices, calendar_options
from repair.planned.calendar_rules import rules_of
from repair.planned.calendar_search import Search
from repair.planned.merging import candidates
from tests.costly import costly
from tests.repair.plans import DAYS, County, Plan, counties

MANY_NODES = 1000


class Asked:
    """A county, the search for its calendar, and what a calendar is in its own words."""

    def __init__(self, county: County) -> None:
        desk = county.desk()
        jobs = tuple(desk.jobs.values())
        self.county = county
        self.options = calendar_options(desk, candidates(desk, jobs).groups)
        rules = rules_of(desk, [(option.group, option.start) for option in self.options]).rules
        self.search = Search(len(jobs), calendar_choices(jobs, self.options), rules, MANY_NODES)

    def read(self, taken: tuple[int, ...]) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
        chosen = [self.options[each] for each in taken]
        groups = [tuple(int(plan[1:]) for plan in each.group.plan_ids) for each in chosen]
        return groups, tuple(DAYS.index(each.start) for each in chosen)

    def value(self, taken: tuple[int, ...]) -> tuple[int, int]:
        groups, _ = self.read(taken)
        planned = sum(len(group) for group in groups)
        return len(self.county.plans) - planned, sum(self.county.cost(group) for group in groups)

    def free_day_of_a_plan_without_one(self, taken: tuple[int, ...]) -> tuple[int, int] | None:
        """Return a plan that was left without a day, and a day that was free for it."""
        groups, days = self.read(taken)
        planned = {plan for group in groups for plan in group}
        for plan in set(range(len(self.county.plans))) - planned:
            for day in range(len(DAYS)):
                if self.county.keeps([*groups, (plan,)], (*days, day)):
                    return plan, day
        return None


@costly(18)
@given(counties(most_plans=14))
def test_many_plans_keep_the_rules_and_leave_no_free_day_unused(county: County) -> None:
    asked = Asked(county)
    start = asked.search.greedy()
    better = asked.search.improved(start)
    for taken in (start, better):
        assert county.keeps(*asked.read(taken))
        assert asked.search.keeps(taken)
        assert asked.free_day_of_a_plan_without_one(taken) is None
        assert asked.value(taken) == asked.search.value(taken)[:2]
    assert asked.search.value(better) <= asked.search.value(start)


@settings(max_examples=40)
@given(counties(most_plans=3))
def test_what_is_said_to_be_the_least_is_never_above_the_best(county: County) -> None:
    asked = Asked(county)
    left_over, minutes = county.best()
    for taken in (asked.search.greedy(), asked.search.improved(asked.search.greedy())):
        assert asked.value(taken) >= (left_over, minutes)
    found = asked.search.found()
    assert found.best
    assert asked.value(found.taken) == (left_over, minutes)
    assert found.left_over_at_least <= left_over
    assert found.minutes_at_least <= minutes


@settings(max_examples=25)
@given(counties(most_plans=8), st.data())
def test_all_plans_at_once_are_never_arranged_worse_than_a_few_at_a_time(county: County, data: st.DataObject) -> None:
    search = Asked(county).search
    start = data.draw(st.sampled_from([search.greedy(), ()]))
    best, is_best = search.exact(start)
    assert is_best
    assert search.value(best) <= search.value(search.improved(search.greedy())) <= search.value(search.greedy())


def test_how_far_the_search_is_is_told_and_never_goes_back() -> None:
    county = one_trunk()
    told: list[Done] = []
    token = telling.set(told.append)
    try:
        search = Asked(county).search
        search.improved(search.greedy())
    finally:
        telling.reset(token)
    own = [each.done / each.of for each in told if each.what.in_language("en") == "the calendar of plans"]
    assert own == sorted(own)
    assert len(own) > len(county.plans)
    assert own[-1] <= 1


def one_trunk() -> County:
    """Nine jobs on a trunk of three sections, and one crew."""
    plans = [Plan(1 + number % 3, number % 4, 60 + 30 * number, 0, 5, "U") for number in range(9)]
    return County([0, 1, 2], ["U", "U", "U"], [], plans, {"U": 1}, {}, set())


def test_lighter_plans_come_first_where_not_all_can() -> None:
    """On one day one crew can do one job: the one that puts one user off is done rather than the one that puts off three."""
    plans = [Plan(1, 2, 60, 2, 2, "U"), Plan(3, 2, 60, 2, 2, "U")]
    asked = Asked(County([0, 1, 2], ["U", "U", "U"], [], plans, {"U": 1}, {}, set()))
    groups, days = asked.read(asked.search.greedy())
    assert (groups, days) == ([(1,)], (2,))
