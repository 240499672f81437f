"""The desk while signals come in: nobody waits for a batch to be judged, and time goes on without signals."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic

import pytest

import fudian
import fudian.live
from data_samples.generator.county import COUNTY
from fudian import Utility
from network import FudianError, Network

NOON = datetime(2022, 7, 20, 12)


def rows(*words: str) -> list[dict[str, object]]:
    """Return rows of the signals table from words such as ``transformer T2 off 0``: the last is minutes after noon."""
    named = [word.split() for word in words]
    return [
        {"time": NOON + timedelta(minutes=float(after)), "object": object_, "object_id": object_id, "kind": kind}
        for object_, object_id, kind, after in named
    ]


@pytest.fixture
def desk() -> Utility:
    """A feeder of five sections, each with a transformer of three customers."""
    return Utility(Network.from_text(
        "=S -[K1]- 0 -L1- 1 -L2- 2 -L3- 3 -L4- 4 -L5- 5;" + "; ".join(f"T{i}(3) @ {i}" for i in range(1, 6))
    ).workspace)  # fmt: skip


def test_who_asks_while_a_batch_is_judged_is_told_what_was_known_before_it(desk: Utility) -> None:
    desk.ingest(rows("branch K1 trip 0", *(f"transformer T{i} off 0" for i in range(1, 6))), NOON)
    before = [each.key for each in desk.board().active]
    assert before == ["20220720T120000-K1"]
    with desk._hearing:  # as while a batch is being judged
        assert [each.key for each in desk.board().active] == before
    desk.ingest(
        rows(*(f"transformer T{i} on 20" for i in range(1, 6)), "branch K1 close 20"), NOON + timedelta(minutes=20)
    )
    assert desk.board().active == ()
    assert [each.key for each in desk.board().restored] == before


def test_the_board_and_the_incidents_are_of_the_same_moment(desk: Utility) -> None:
    desk.ingest(rows("transformer T5 off 0", "transformer T4 off 1"), NOON + timedelta(minutes=1))
    listed = {
        incident["id"] for incident in desk.incidents()["incidents"] if incident["state"] in {"suspected", "confirmed"}
    }
    assert {each.key for each in desk.board().active} == listed


def test_the_clock_of_the_desk_goes_on_after_the_last_signal(desk: Utility, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ingest(rows("branch K1 trip 0"), NOON)
    assert desk.now == max(desk.known_until, NOON)
    passed = monotonic() + 125
    monkeypatch.setattr(fudian.live, "monotonic", lambda: passed)
    assert desk.told().at == NOON + timedelta(minutes=2)


def test_a_state_by_signals_is_the_list_by_signals() -> None:
    county = fudian.open(COUNTY)
    at = "2022-10-09 08:00"
    state = county.state(at, by="signals")
    listed = {name for entry in county.board(at).active if entry.incident for name in entry.affected.hit.transformers}
    assert listed
    by_log = set(county.present(at).lost_in(county.state(at)).transformers)
    assert not listed <= by_log
    assert set(county.present(at).lost_in(state).transformers) == listed | by_log


def test_a_state_by_signals_keeps_what_is_back_alive(desk: Utility) -> None:
    """T1 and T2 are back, T3 to T5 are not: open is the branch that leads to those only."""
    off = [f"transformer T{i} off 0" for i in range(1, 6)]
    back = ["transformer T1 on 20", "transformer T2 on 20", "transformer T2 read 25", "transformer T5 off 26"]
    desk.ingest(rows("branch K1 trip 0", *off, *back), NOON + timedelta(minutes=26))
    dark = {name for entry in desk.board().active for name in entry.affected.hit.transformers}
    state = desk.state(by="signals")
    assert "T5" in dark
    assert "T1" not in dark
    assert set(desk.normal.lost_in(state).transformers) == dark


def test_a_state_is_told_by_log_desk_or_signals(desk: Utility) -> None:
    with pytest.raises(FudianError, match="Use one of log, desk, signals"):
        desk.state(by="hearsay")
