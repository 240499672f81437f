"""Networks written as text: every sign of the notation once, and every way to get it wrong."""

from __future__ import annotations

import pytest
from hypothesis import given

from network import Network, OneLineError
from tests.networks import Plain, plain_networks

DIAGRAM = """
=S station_id=A -[K1]- 1 -L1 2.5km- 2 -(S1)- 3 /(TIE)/ 4 -L2 kind=cable rating_a=400- 5 -[K2]- =R   # two sources
2 -F-01-K01- 6 lon=115.2 lat=33.1; 6 /L3/ 5
T1(3) @ 2 capacity_kva=400; T2 @ 3, 5
"""


def test_every_sign() -> None:
    net = Network.from_text(DIAGRAM)
    assert net.problems == ()
    assert net.sources.select("node", "station_id").rows() == [("S", "A"), ("R", None)]
    branches = net.branches.select(
        "branch_id", "from_node", "to_node", "kind", "normally_open", "length_km", "rating_a"
    )
    assert branches.rows() == [
        ("K1", "S", "1", "breaker", False, None, None),
        ("L1", "1", "2", "line", False, 2.5, None),
        ("S1", "2", "3", "switch", False, None, None),
        ("TIE", "3", "4", "switch", True, None, None),
        ("L2", "4", "5", "cable", False, None, 400.0),
        ("K2", "5", "R", "breaker", False, None, None),
        ("F-01-K01", "2", "6", "line", False, None, None),
        ("L3", "6", "5", "line", True, None, None),
    ]
    transformers = net.transformers.select("transformer_id", "node", "second_node", "capacity_kva")
    assert transformers.rows() == [("T1", "2", None, 400.0), ("T2", "3", "5", None)]
    assert net.customers["customer_id"].to_list() == ["T1-1", "T1-2", "T1-3"]
    assert net.workspace.tables["nodes"].select("node", "lon", "lat").rows() == [("6", 115.2, 33.1)]


def test_further_tables_and_settings_are_given_beside_the_text() -> None:
    net = Network.from_text("=S -L1 feeder_id=F1- 1", {"feeders": [{"feeder_id": "F1"}]}, {"grid": {}})
    assert net.feeders["feeder_id"].to_list() == ["F1"]
    assert net.workspace.settings == {"grid": {}}


@given(plain_networks())
def test_a_text_and_tables_give_the_same_network(plain: Plain) -> None:
    chains = [
        f"{a} {'/' if is_open else '-'}(B{i}){'/' if is_open else '-'} {b}"
        for i, (a, b, is_open) in enumerate(plain.branches)
    ]
    users = [f"T{i} @ {a}" + (f", {b}" if b else "") for i, (a, b) in enumerate(plain.transformers)]
    one, other = (
        Network.from_text("\n".join([*(f"={node}" for node in plain.sources), *chains, *users])),
        plain.network(),
    )
    for table in ("sources", "branches", "transformers"):
        assert getattr(one, table).equals(getattr(other, table))


@pytest.mark.parametrize(
    ("diagram", "line", "column", "value", "remedy"),
    [
        ("=S -L1- 1\n1 2", 2, 3, "2", "Between two nodes stands a branch"),
        ("=S -L1- 1;  -L2- 2", 1, 13, "-L2-", "A branch stands between two nodes"),
        ("1 -L1- -L2- 2", 1, 8, "-L2-", "A branch stands between two nodes"),
        ("1 -L1-", 1, 3, "-L1-", "A branch stands between two nodes"),
        ("1 -L1 2", 1, 3, "-L1", "A closed branch is written -L1-"),
        ("1 /L1- 2", 1, 3, "/L1-", "A closed branch is written -L1-"),
        ("1 -[L1- 2", 1, 3, "-[L1-", "a breaker -[K1]-"),
        ("1 -L1 2.5- 2", 1, 7, "2.5", "a length 2.5km"),
        ("1 -L1 rating=5- 2", 1, 7, "rating", "Did you mean rating_a?"),
        ("1 -L1 colour=red- 2", 1, 7, "colour", "Look at the columns of branches."),
        ("station_id=A -L1- 2", 1, 1, "station_id=A", "A column follows the node"),
        ("1 station_id=A -L1- 2", 1, 3, "station_id=A", "belongs to a source"),
        ("= -L1- 2", 1, 1, "=", "a source =S"),
        ("  T1() @ 2", 1, 3, "T1() @ 2", "A transformer is written T1 @ 2"),
        ("T1 @ 2, 3, 4", 1, 1, "T1 @ 2, 3, 4", "A transformer is written T1 @ 2"),
        ("T1 @ 2 3", 1, 8, "3", "column=value"),
    ],
)  # fmt: skip
def test_an_error_says_where_what_and_how(diagram: str, line: int, column: int, value: str, remedy: str) -> None:
    with pytest.raises(OneLineError) as caught:
        Network.from_text(diagram)
    assert (caught.value.line, caught.value.column, caught.value.value) == (line, column, value)
    assert remedy in str(caught.value.hint)
    assert f"{line}" in caught.value.in_language("zh")
