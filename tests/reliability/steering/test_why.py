"""The parts of a change add up to it, and each is what a person would count by hand."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import FudianError, Network
from reliability.period import Period
from reliability.query import Query
from reliability.statistics import Statistics
from reliability.steering.why import BY, FACTORS, METRICS, Why, why
from tests.costly import costly
from tests.reliability.records import bus, statistics

EARLIER, LATER = Query(Period.year(2021)), Query(Period.year(2022))


def of(tables: dict[str, Any], by: tuple[str, ...] = ("nature",), metric: str = "saidi") -> Why:
    return why(statistics(tables), EARLIER, LATER, metric, by)


def outage(number: int, transformer: int, start: datetime, hours: float, **more: Any) -> dict[str, Any]:
    return {
        "outage_id": f"E{number}", "transformer_id": f"T{transformer}", "start": start,
        "end": start + timedelta(hours=hours), "nature": "F-INT",
    } | more  # fmt: skip


def test_twice_as_many_outages_is_frequency_alone() -> None:
    rows = [
        outage(0, 0, datetime(2021, 3, 1), 2),
        outage(1, 0, datetime(2022, 3, 1), 2),
        outage(2, 1, datetime(2022, 4, 1), 2),
    ]
    (part,) = of({**bus(2), "outages": rows}).parts
    assert (part.before, part.after) == (1, 2)
    assert (part.users, part.frequency, part.extent, part.duration) == (0, 1, 0, 0)


def test_longer_outages_are_duration_alone_and_wider_ones_extent_alone() -> None:
    longer = [outage(0, 0, datetime(2021, 3, 1), 2), outage(1, 0, datetime(2022, 3, 1), 3)]
    (part,) = of({**bus(2), "outages": longer}).parts
    assert (part.frequency, part.extent, part.duration) == (0, 0, 0.5)
    wider = [outage(0, 0, datetime(2021, 3, 1), 2), *(outage(1, each, datetime(2022, 3, 1), 2) for each in (0, 1))]
    (part,) = of({**bus(2), "outages": wider}).parts
    assert (part.frequency, part.extent, part.duration) == (0, 1, 0)


def test_more_users_thin_out_the_same_hours() -> None:
    tables = bus(2, [{}, {"in_service": datetime(2022, 1, 1)}])
    rows = [outage(0, 0, datetime(2021, 3, 1), 2), outage(1, 0, datetime(2022, 3, 1), 2)]
    (part,) = of({**tables, "outages": rows}).parts
    assert (part.users, part.total, part.frequency) == (-1, -1, 0)


def test_what_did_not_happen_before_is_frequency() -> None:
    rows = [outage(0, 0, datetime(2021, 3, 1), 2), outage(1, 0, datetime(2022, 3, 1), 5, nature="P-PLAN-MAINT")]
    found = of({**bus(1), "outages": rows})
    by_nature = {part.value[0]: part for part in found.parts}
    assert by_nature["P-PLAN-MAINT"].frequency == 5
    assert by_nature["F-INT"].frequency == -2
    assert found.change == 3


def test_two_factors_share_what_they_do_together() -> None:
    """One outage of 2 h becomes two of 3 h: 4 h more, of which 2.5 by number and 1.5 by length."""
    rows = [outage(0, 0, datetime(2021, 3, 1), 2), *(outage(n, 0, datetime(2022, n, 1), 3) for n in (1, 2))]
    (part,) = of({**bus(1), "outages": rows}).parts
    assert (part.frequency, part.duration) == (2.5, 1.5)


def test_an_outage_across_the_turn_of_the_year_adds_its_hours_to_both() -> None:
    rows = [outage(0, 0, datetime(2021, 12, 31, 22), 5)]
    saidi, saifi = (of({**bus(1), "outages": rows}, metric=metric) for metric in METRICS)
    assert (saidi.value_before, saidi.value_after) == (2, 3)
    assert (saifi.value_before, saifi.value_after) == (1, 0)
    assert abs(saidi.residual) < 1e-12


def test_device_is_the_kind_of_the_branch_or_what_else_is_named() -> None:
    rows = [
        outage(0, 0, datetime(2022, 3, 1), 2) | {"transformer_id": None, "branch_id": "B0"},
        outage(1, 0, datetime(2022, 4, 1), 1),
    ]
    found = of({**bus(1), "outages": rows}, ("device",))
    assert {part.value[0]: part.total for part in found.parts} == {"fuse": 2, "transformer": 1}


moments = st.datetimes(datetime(2020, 12, 25), datetime(2022, 12, 31)).map(lambda each: each.replace(microsecond=0))
records = st.lists(
    st.tuples(
        st.integers(0, 5), st.integers(0, 3), moments, st.floats(0, 2000), st.sampled_from(["F-INT", "F-EXT", "P-PLAN-MAINT"]),
        st.sampled_from([None, "wind", "age"]), st.booleans(),
    ),
    max_size=14,
)  # fmt: skip
options = st.lists(st.sampled_from(BY), unique=True, max_size=3)


@costly(15)
@given(records, options, st.sampled_from(METRICS), st.sampled_from(["mv", "lv"]), st.sampled_from(["cut", "start"]),
       st.sampled_from(["include", "exclude"]))  # fmt: skip
def test_the_parts_add_up_under_all_options(
    rows: list[tuple[Any, ...]], by: list[str], metric: str, level: str, crossing: str, med: str
) -> None:
    attributes = [
        {"region_class": each, "unit": unit, "in_service": since}
        for each, unit, since in (
            ("town", "U1", None), ("rural", "U1", datetime(2021, 7, 1)),
            (None, None, None), ("rural", "U2", datetime(2022, 3, 1)),
        )
    ]  # fmt: skip
    tables = bus(4, attributes)
    tables["customers"] = [{"customer_id": f"C{n}", "transformer_id": f"T{n // 2}"} for n in range(8)]
    tables["outages"] = [
        outage(number, transformer, start, hours, nature=nature, cause=cause)
        | ({"transformer_id": None, "branch_id": f"B{transformer}"} if named else {})
        for number, (_, transformer, start, hours, nature, cause, named) in enumerate(rows)
    ]  # fmt: skip
    rules = {"crossing": crossing, "major_event_days": [row[2].date() for row in rows[:2]]}
    county = statistics(tables, rules)
    queries = tuple(Query(Period.year(year), level=level, med=med) for year in (2021, 2022))
    found = why(county, queries[0], queries[1], metric, by)
    expected = [float(county.indices(query)["SAIDI-1" if metric == "saidi" else "SAIFI-1"].sum()) for query in queries]
    assert abs(found.value_before - expected[0]) < 1e-9
    assert abs(found.value_after - expected[1]) < 1e-9
    assert abs(found.residual) < 1e-9
    for part in found.parts:
        assert abs(sum(getattr(part, factor) for factor in FACTORS) - part.total) < 1e-9
    assert abs(sum(part.total for part in found.parts) - (expected[1] - expected[0])) < 1e-9


@given(st.lists(st.floats(0, 1e4), min_size=8, max_size=8))
def test_shapley_values_are_the_mean_over_all_orders(values: list[float]) -> None:
    from math import isclose, prod

    from reliability.steering.why import _shares

    before, after = values[:4], values[4:]
    slow = [0.0] * 4
    for order in permutations(range(4)):
        for place, factor in enumerate(order):
            changed = set(order[:place])
            without = prod(after[n] if n in changed else before[n] for n in range(4))
            with_it = prod(after[n] if n in changed | {factor} else before[n] for n in range(4))
            slow[factor] += (with_it - without) / 24
    scale = max(prod(after), prod(before), 1.0) + sum(map(abs, slow))
    assert all(
        isclose(one, other, rel_tol=1e-9, abs_tol=1e-9 * scale)
        for one, other in zip(_shares(before, after), slow, strict=True)
    )


def test_the_sample_county_adds_up_by_every_column(county: Network) -> None:
    sample = Statistics(county)
    for metric in METRICS:
        for by in ((), *((column,) for column in BY), ("unit", "cause"), BY):
            found = why(sample, Query(Period.year(2020)), Query(Period.year(2022)), metric, by)
            assert abs(found.residual) < 1e-9, (metric, by)
            assert found.as_dict()["residual"] == 0


def test_few_users_are_pulled_to_the_mean_and_their_rank_is_unsure() -> None:
    """Of three units with the same rate the one with a single user and one long outage is not called the worst for certain."""
    tables = bus(41, [{"unit": "small"}, *({"unit": "A"} for _ in range(20)), *({"unit": "B"} for _ in range(20))])
    rows = [outage(0, 0, datetime(2022, 1, 5), 30)]
    rows += [outage(1 + n, 1 + n, datetime(2022, 2, 1 + n % 20), 6) for n in range(40)]
    ranking = {each.value: each for each in of({**tables, "outages": rows}, ("unit",)).ranking}
    small = ranking["small"]
    assert small.figure == 30
    assert small.shrunk is not None
    assert small.shrunk < 15
    assert (small.rank_low, small.rank_high) == (1, 3)
    assert sorted(each.rank for each in ranking.values() if each.rank) == [1, 2, 3]


def test_wrong_words_and_empty_periods_are_refused() -> None:
    tables = {**bus(1, [{"in_service": datetime(2022, 1, 1)}]), "outages": [outage(0, 0, datetime(2022, 3, 1), 2)]}
    with pytest.raises(FudianError, match="caidi"):
        of(tables, metric="caidi")
    with pytest.raises(FudianError, match="month"):
        of(tables, ("month",))
    with pytest.raises(FudianError, match="No user"):
        of(tables)
