"""Rows that programs send are read in the short way just as by all rules, or not at all."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from network.tables.plain_rows import read_plain
from network.tables.reading import read_frame
from network.tables.schema import TABLES
from network.tables.workspace import Workspace, _as_frame

SIGNALS = TABLES["signals"]
PLAIN: dict[str, Any] = {
    "time": "2022-07-20T12:00:00.5", "object": "branch", "object_id": "K1", "kind": "trip", "event_id": "7",
}  # fmt: skip
ODD = st.sampled_from([
    None, "", " ", "null", "NA", "-", "--", "total", "Sum", "sum1", "note", "end of", "1e5", "1E+05", "T 1", "配变",
    "跳闸", "=1", "#N/A",
    "Off", "off", "on", "read", "transformer", "customer", "T1", "000123", "1.0", "1.50", "\ud800",
    "2022-07-20", "2022-07-20 12:00",
    "2022-07-20T24:00:00", "2022-02-30T12:00:00", "2022-07-20T12:00:60", "2022-07-20T12:00:00Z", "2022-07-20T12:00:00+08:00",
    "2022-07-20T00:00:00", "2099-12-31T23:59:59.999999", "20220720120000", "AB", "A", "1900-01-01T00:00:00",
    0, 1, -1, 2, 0.0, 0.5, True, False, 20_220_720, 1e300, [], {},
])  # fmt: skip
USUAL: dict[str, st.SearchStrategy[Any]] = {
    "time": st.sampled_from(["2022-07-20T12:00:00", "2022-07-20T12:00:00.25", "2024-02-29T23:59:59.999999"]),
    "object": st.sampled_from(["branch", "transformer", "customer"]),
    "object_id": st.sampled_from(["K1", "F01-K01", "000123", "17", "sub-total-1"]),
    "kind": st.sampled_from(["trip", "off", "on", "read", "fault_current"]),
    "value": st.sampled_from([None, 0, 1, 1.0]),
    "phases": st.sampled_from([None, "A", "BC"]),
    "event_id": st.sampled_from([None, "1", "2f-9", "e0001"]),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: USUAL[name] for name in ("time", "object", "object_id", "kind")}, optional={
        name: USUAL[name] for name in ("value", "phases", "event_id")
    }),
    min_size=1, max_size=6,
)  # fmt: skip


def by_all_rules(rows: list[dict[str, Any]]) -> Any:
    return read_frame(_as_frame(rows), SIGNALS)


@settings(max_examples=400, deadline=None)
@given(rows=ROWS, changes=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(SIGNALS.names), ODD), max_size=2))
def test_what_is_read_in_the_short_way_is_what_all_rules_read(
    rows: list[dict[str, Any]], changes: list[tuple[int, str, Any]]
) -> None:
    for place, name, value in changes:
        rows[place % len(rows)][name] = value
    found = read_plain(rows, SIGNALS)
    if found is not None:
        frame, problems = by_all_rules(rows)
        assert problems == ()
        assert found.schema == frame.schema
        assert found.equals(frame)


@settings(max_examples=100, deadline=None)
@given(rows=ROWS)
def test_plain_rows_are_read_in_the_short_way(rows: list[dict[str, Any]]) -> None:
    rows = [row for row in rows if not str(row["object_id"]).startswith("sub")] or [PLAIN]
    assert read_plain(rows, SIGNALS) is not None


def test_own_words_of_a_workspace_hold_for_rows_too() -> None:
    rows = [PLAIN | {"kind": "off", "object": "transformer"}]
    plain = Workspace(None, {}, {}).read("signals", rows)[0]
    own = Workspace(None, {}, {}, {"codes": {"signals.kind": {"off": "on"}}}).read("signals", rows)[0]
    assert (plain["kind"].item(), own["kind"].item()) == ("off", "on")


def test_a_column_of_another_name_is_looked_at_by_all_rules() -> None:
    assert read_plain([PLAIN | {"对象": "branch"}], SIGNALS) is None
    assert read_plain([], SIGNALS) is None
