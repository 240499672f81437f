"""Levers: what they save is counted by hand, and a lever never makes a target less likely."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from reliability.steering.forecast import COMMITTED_SCHEMA, forecast
from reliability.steering.levers import OPTIONS_SCHEMA, levers
from tests.reliability.records import bus, statistics

PLAN = {
    "target_id": "M", "plan": "mine", "area_scheme": "region", "area_label": "农村", "metric": "SAIDI", "op": "<=",
    "value": 14, "unit": "h",
}  # fmt: skip
AS_OF = datetime(2021, 7, 2)


def county() -> Any:
    """Two feeders of two users; every user of F1 is off for 2 h every ten days, of F2 for 1 h every twenty."""
    tables = bus(4, [{"region_class": "rural", "feeder_id": f"F{1 + n // 2}"} for n in range(4)])
    rows = []
    for day in range(0, 730, 10):
        for user in (0, 1, *((2, 3) if day % 20 == 0 else ())):
            start = datetime(2019, 7, 3, 9) + timedelta(days=day)
            rows.append(
                {"outage_id": f"E{day}-{user}", "transformer_id": f"T{user}", "start": start,
                 "end": start + timedelta(hours=2 if user < 2 else 1), "nature": "F-INT"}
            )  # fmt: skip
    return statistics({**tables, "outages": rows, "targets": [PLAN]})


def test_each_lever_saves_what_a_person_would_count() -> None:
    utility = county()
    planned = pl.DataFrame(
        [("P1", datetime(2021, 8, 1), "T0", 5.0, False), ("P2", datetime(2022, 2, 1), "T0", 5.0, True)],
        schema=COMMITTED_SCHEMA, orient="row",
    )  # fmt: skip
    said = forecast(utility, "mine", as_of=AS_OF, planned=planned)
    start, later = datetime(2021, 8, 1), datetime(2022, 2, 1)
    options = pl.DataFrame(
        [("live", "P1", "换熔断器", start, False, "T0", 5.0), ("live", "P2", "", later, False, "T0", 5.0),
         ("merge", "P1 + P3", "", start, False, "T0", 3.0), ("merge", "P1 + P3", "", start, False, "T1", -1.0),
         ("move", "P3", "", start, False, "T2", 4.0), ("transfer", "P3", "", start, True, "T3", 6.0)],
        schema=OPTIONS_SCHEMA, orient="row",
    )  # fmt: skip
    found = {(lever.kind, lever.name): lever for lever in levers(utility, said, "M", options, 30.0)}
    assert set(found) == {
        ("live", "P1"), ("merge", "P1 + P3"), ("move", "P3"), ("transfer", "P3"), ("feeder", "F1"), ("faster", "30 min"),
    }  # fmt: skip
    assert found["live", "P1"].saves_ch == pytest.approx(5)  # the other plan lies in the next year
    assert [found[each].saves_ch for each in (("merge", "P1 + P3"), ("move", "P3"), ("transfer", "P3"))] == [
        2.0,
        4.0,
        6.0,
    ]
    assert found["transfer", "P3"].counted
    before = [
        row
        for row in utility.net.workspace.tables["outages"].to_dicts()
        if AS_OF - timedelta(days=365) <= row["start"] < AS_OF
    ]
    hours = {name: sum((row["end"] - row["start"]).seconds / 3600 for row in before if row["transformer_id"] in users)
             for name, users in (("F1", ("T0", "T1")), ("F2", ("T2", "T3")))}  # fmt: skip
    left = 183 / 365
    middle = (hours["F1"] + hours["F2"]) / 4
    assert found["feeder", "F1"].saves_ch == pytest.approx((hours["F1"] / 2 - middle) * 2 * left)
    assert found["faster", "30 min"].saves_ch == pytest.approx(len(before) * 0.5 * left)
    row = said.row("M")
    assert row is not None
    for each in found.values():
        change = each.saves_ch / 4
        assert each.probability == row.probability(0.0 if each.counted else change)
        assert each.without == row.probability(-change if each.counted else 0.0)
        assert each.probability >= each.without


def test_a_target_that_no_forecast_is_made_of_has_no_lever() -> None:
    utility = county()
    said = forecast(utility, "mine", as_of=AS_OF)
    assert levers(utility, said, "OTHER", None, 15.0) == ()
    assert {lever.kind for lever in levers(utility, said, "M", None, 0.0)} == {"feeder"}
