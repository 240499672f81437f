"""Customers by their ids: the row of each, and of one that was moved the last that hangs somewhere."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from network import network_from_tables
from network.readers.one_line import one_line_tables

MOVED = datetime(2022, 5, 1)
rows = st.lists(st.tuples(st.sampled_from("ABCDEF"), st.sampled_from((None, "T1", "T2"))), min_size=1, max_size=12)


@given(rows, st.lists(st.sampled_from("ABCDEFG"), max_size=8))
def test_each_id_stands_for_its_last_row_that_hangs_somewhere(
    given_rows: list[tuple[str, str | None]], ids: str
) -> None:
    customers = [
        {"customer_id": each, "transformer_id": where or "T1", "retired": None if where else MOVED}
        for each, where in given_rows
    ]
    net = network_from_tables({**one_line_tables("=S -[K1]- 1; T1(1) @ 1; T2(1) @ 1"), "customers": customers})
    for state in (net, net.in_service(datetime(2022, 6, 1))):
        table = state.customers["customer_id"].to_list()
        stands = {each: row for row, each in enumerate(table)}
        stands |= {each: row for row, each in enumerate(table) if state.customer_transformer[row] >= 0}
        found, which = state.known_customers(ids)
        assert which.tolist() == [at for at, each in enumerate(ids) if each in stands]
        assert found.tolist() == [stands[each] for each in ids if each in stands]
    assert net.in_service(datetime(2022, 6, 1)).customer_places is net.customer_places
