"""What must hold whatever the records and the rules: parts add to the whole, and two ways to one figure agree."""

from dataclasses import asdict
from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from reliability import Period
from reliability.query import Query
from reliability.statistics import Statistics
from tests.costly import costly
from tests.reliability.records import START, Scene, bus, scenes, statistics
from tests.reliability.slow import Rules, rules

PERIOD = Period(START - timedelta(days=40), START + timedelta(days=5))


@costly(17)
@given(scenes(), rules(), st.sampled_from(["region_class", "nature", "month"]))
def test_areas_natures_and_months_add_to_the_whole(scene: Scene, drawn: Rules, by: str) -> None:
    county = Statistics(scene.network(asdict(drawn)))
    for figures, sums in ((county.indices, ("CH", "CI")), (county.ieee, ("CMI", "CI"))):
        whole, parts = figures(Query(PERIOD)).row(0, named=True), figures(Query(PERIOD, by=(by,)))
        for name in sums:
            assert parts[name].sum() == pytest.approx(whole[name])
        if by == "region_class":
            assert parts["N_T"].sum() == pytest.approx(whole["N_T"])


@settings(max_examples=30)
@given(scenes(), rules())
def test_the_months_give_the_users_and_the_outage_time_of_the_whole(scene: Scene, drawn: Rules) -> None:
    """N_T of the whole weighs the months by their hours; SAIDI is the sum of customer-hours over it (1.5)."""
    county = Statistics(scene.network(asdict(drawn)))
    whole = county.indices(Query(PERIOD)).row(0, named=True)
    months = {row["month"]: row for row in county.indices(Query(PERIOD, by=("month",))).to_dicts()}
    hours = {label: part.hours for label, part in PERIOD.months()}
    assert set(months) == set(hours)
    users = sum(row["N_T"] * hours[label] for label, row in months.items()) / PERIOD.hours
    assert whole["N_T"] == pytest.approx(users)
    if users:
        assert whole["SAIDI-1"] == pytest.approx(sum(row["CH"] for row in months.values()) / users)
        assert whole["SAIFI-1"] == pytest.approx(sum(row["CI"] for row in months.values()) / users)


@costly(15)
@given(scenes(), rules(), st.sampled_from([(), ("region_class",), ("nature", "month")]))
def test_both_levels_agree_where_every_transformer_has_one_customer(
    scene: Scene, drawn: Rules, by: tuple[str, ...]
) -> None:
    county = Statistics(scene.network(asdict(drawn), one_customer_each=True))
    medium, low = (county.indices(Query(PERIOD, by=by, level=level)) for level in ("mv", "lv"))
    assert medium.height > 0 or "nature" in by
    assert_frame_equal(medium, low, check_dtypes=False, rel_tol=1e-12)
    assert_frame_equal(
        *(county.ieee(Query(PERIOD, by=by, level=level)) for level in ("mv", "lv")), check_dtypes=False, rel_tol=1e-12
    )


def test_a_customer_is_off_as_long_as_its_transformer_with_two_supplies() -> None:
    """The second supply goes at 9 while two records hold the first, until 10 and until 13: off from 9 to 13, by one record."""
    day = datetime(2022, 6, 1)
    tables = bus(2)
    tables["transformers"] = [{"transformer_id": "T", "node": "N0", "second_node": "N1"}]
    tables["customers"] = [{"customer_id": "C", "transformer_id": "T"}]
    tables["outages"] = [
        {"outage_id": name, "start": day + timedelta(hours=a), "end": day + timedelta(hours=b), "nature": "F-INT",
         "branch_id": at}
        for name, a, b, at in (("A1", 8, 10, "B0"), ("A2", 8.5, 13, "B0"), ("B", 9, 15, "B1"))
    ]  # fmt: skip
    for level in ("mv", "lv"):
        row = statistics(tables).indices(Query(Period.year(2022), level=level)).row(0, named=True)
        assert (row["CH"], row["CI"]) == (4, 1)


@settings(max_examples=20)
@given(scenes(), rules())
def test_a_whole_interruption_is_never_split_over_periods(scene: Scene, drawn: Rules) -> None:
    """Where hours belong to the period of the start, two halves of a period hold all hours, whatever crosses between them."""
    county = Statistics(scene.network(asdict(drawn) | {"crossing": "start"}))
    middle, known = START + timedelta(minutes=45), START + timedelta(days=4)
    parts = [
        county.indices(Query(period, as_of=known))
        for period in (Period(PERIOD.start, middle), Period(middle, START + timedelta(days=3)), PERIOD)
    ]
    first, second, whole = (part.row(0, named=True) for part in parts)
    assert first["CH"] + second["CH"] == pytest.approx(whole["CH"])
    assert first["CI"] + second["CI"] == whole["CI"]
    rows = county.ledger(Query(Period(PERIOD.start, middle), as_of=known)).filter(pl.col("counted"))
    assert (rows["group_start"] < int((middle - START.replace(1970, 1, 1)).total_seconds() * 1e6)).all()
