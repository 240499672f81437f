import math
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Network, UnknownIdError
from tests.networks import Plain, plain_networks


def ids(letter: str, numbers: set[int]) -> list[str]:
    return [f"{letter}{i}" for i in sorted(numbers)]


@given(plain_networks())
def test_below_is_what_the_graph_loses_when_that_branch_alone_opens(plain: Plain) -> None:
    supply = plain.network().energise()
    before, users_before = plain.live_transformers(set()), plain.live_customers(set())
    assert sorted(supply.dead()) == sorted(ids("T", set(range(len(plain.transformers))) - before))
    of_transformers, of_customers = supply.users_below(), supply.customers_below()
    for branch in range(len(plain.branches)):
        hit = supply.below(f"B{branch}")
        lost = before - plain.live_transformers({branch})
        users_lost = users_before - plain.live_customers({branch})
        assert hit.transformers == ids("T", lost)
        assert hit.customers == ids("C", users_lost)
        assert (hit.customer_count, of_transformers[branch], of_customers[branch]) == (
            len(users_lost), len(lost), len(users_lost),
        )  # fmt: skip


@given(plain_networks(), st.data())
def test_a_set_of_branches_and_a_switched_supply_equal_the_graph(plain: Plain, data: st.DataObject) -> None:
    branch = st.integers(0, len(plain.branches) - 1)
    opened = data.draw(st.sets(branch, max_size=4))
    closed = data.draw(st.sets(branch, max_size=3)) - opened
    supply = plain.network().energise()
    hit = supply.below([f"B{i}" for i in opened])
    assert hit.transformers == ids("T", plain.live_transformers(set()) - plain.live_transformers(opened))
    after = supply.switched(open=[f"B{i}" for i in opened], close=[f"B{i}" for i in closed])
    assert after.dead() == [
        f"T{i}" for i in range(len(plain.transformers)) if i not in plain.live_transformers(opened, closed)
    ]


@given(plain_networks(), st.data())
def test_sums_along_the_path_follow_the_parents_and_miss_nothing(plain: Plain, data: st.DataObject) -> None:
    net = plain.network()
    supply = net.energise()
    lengths = data.draw(
        st.lists(st.none() | st.floats(0, 1e6), min_size=len(plain.branches), max_size=len(plain.branches))
    )
    found = supply.along_path(np.array(lengths, dtype=float))
    for node, name in enumerate(net.nodes):
        place = supply.place_of[node]
        if place < 0:
            assert name not in plain.live_nodes(set())
            assert np.isnan(found[node])
            continue
        on_path = [lengths[branch] for branch in supply.path(place)]
        known = [length for length in on_path if length is not None]
        if len(known) < len(on_path):
            assert np.isnan(found[node])
        else:
            assert found[node] == pytest.approx(math.fsum(known), rel=1e-12, abs=1e-9)


@given(plain_networks(), st.data())
def test_sums_below_are_of_whom_the_branch_cuts_off_and_miss_nothing(plain: Plain, data: st.DataObject) -> None:
    count = len(plain.transformers)
    capacities = data.draw(st.lists(st.none() | st.floats(0, 1e6), min_size=count, max_size=count))
    net = plain.network()
    found = net.energise().users_below(np.array(capacities, dtype=float))
    before = plain.live_transformers(set())
    for branch in range(len(plain.branches)):
        lost = [capacities[one] for one in before - plain.live_transformers({branch})]
        known = [capacity for capacity in lost if capacity is not None]
        if len(known) < len(lost):
            assert np.isnan(found[branch])
        else:
            assert found[branch] == pytest.approx(math.fsum(known), rel=1e-12, abs=1e-9)


def test_columns_are_summed_by_name(county: Network) -> None:
    supply = county.energise()
    capacity = dict(county.transformers.select("transformer_id", "capacity_kva").iter_rows())
    branch = county.branches["branch_id"][int(np.argmax(supply.users_below()))]
    expected = sum(capacity[transformer] for transformer in supply.below(branch).transformers)
    assert supply.users_below("capacity_kva")[county.branch_index(branch)[0]] == pytest.approx(expected)
    known = county.branches["length_km"].fill_null(0.0).to_numpy()
    node = int(supply.node_at[supply.place_below(county.branch_index(branch))[0]])
    path = supply.path(int(supply.place_of[node]))
    assert supply.along_path(known)[node] == pytest.approx(sum(known[path]))
    assert np.isnan(supply.along_path("length_km")[node]) == any(county.branches["length_km"].is_null().gather(path))


def test_a_switching_log_is_read_up_to_a_time(county: Network) -> None:
    log = pl.DataFrame(
        {
            "time": [datetime(2022, 1, 1, 10), datetime(2022, 1, 1, 9), datetime(2022, 1, 1, 11)],
            "branch_id": ["F01-K01", "F01-K01", "F01-K01"],
            "action": ["close", "open", "open"],
        }
    )
    normal = len(county.energise().dead())
    assert len(county.energise(log, datetime(2022, 1, 1, 9, 30)).dead()) > normal
    assert len(county.energise(log, datetime(2022, 1, 1, 10)).dead()) == normal
    assert len(county.energise(log).dead()) > normal


@pytest.mark.parametrize(("unknown", "hint"), [("F01-K99", "Look at the ids"), ("f01-k1", "Did you mean F01-K01")])
def test_an_unknown_branch_is_named_and_what_was_meant_where_that_is_convincing(
    county: Network, unknown: str, hint: str
) -> None:
    with pytest.raises(UnknownIdError, match=f"{unknown}.*{hint}"):
        county.energise().below(unknown)


def test_the_graph_view_has_every_branch(county: Network) -> None:
    graph = county.graph()
    assert graph.number_of_edges() == county.branches.height
    assert sum(source for _, source in graph.nodes(data="source")) == county.sources.height


def test_what_is_not_in_service_hangs_nowhere_and_keeps_its_index() -> None:
    day = datetime(2022, 6, 1)
    dates = {
        "T1": (None, day),
        "T2": (None, datetime(2022, 6, 2)),
        "T3": (datetime(2022, 6, 2), None),
        "T4": (day, None),
    }
    transformers = [
        {"transformer_id": name, "node": "2", "in_service": begun, "retired": ended}
        for name, (begun, ended) in dates.items()
    ]
    customers: list[dict[str, Any]] = [{"customer_id": f"C{name}", "transformer_id": name} for name in dates]
    customers.append({"customer_id": "CX", "transformer_id": "T2", "retired": day})
    net = Network.from_text("=S -[K1]- 1 -L1- 2", {"transformers": transformers, "customers": customers})
    hit = net.in_service(day).energise().below("K1")
    assert (hit.transformers, hit.customers) == (["T2", "T4"], ["CT2", "CT4"])
    assert net.in_service(datetime(2022, 6, 3)).in_service(day).energise().below("K1").transformers == ["T2", "T4"]
    assert net.in_service(day).problems == net.problems
    assert net.energise().below("K1").customer_count == 5
    assert Network.from_text("=S -[K1]- 1; T1 @ 1").in_service(day).whole is None
