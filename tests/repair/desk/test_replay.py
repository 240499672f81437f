"""A file of signals played into a real desk over HTTP, as a user would."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest
import uvicorn

from dashboard.app import create_app
from data_samples.generator.county import COUNTY
from network import FudianError, Network
from repair import Inference
from repair.desk.replay import parts, play, speed_of

SIGNALS = COUNTY / "signals" / "incident-5.csv"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[str]:
    """A desk over the county that has heard nothing yet."""
    folder = tmp_path / "county"
    folder.mkdir()
    for file in COUNTY.iterdir():
        if file.is_file() and file.name not in {"signals.csv", "outages.csv", "stages.csv", "switching.csv"}:
            (folder / file.name).write_bytes(file.read_bytes())
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(folder), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 120
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.started
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listening.close()


def signals(net: Network, name: str) -> pl.DataFrame:
    return net.workspace.read("signals", COUNTY / "signals" / name)[0]


def test_the_desk_infers_what_the_file_says(desk: str, county: Network) -> None:
    sent: list[int] = []
    rows = pl.concat([signals(county, "incident-5.csv"), signals(county, "incident-6.csv")])
    play(rows, desk, None, sent.append)
    assert sum(sent) == rows.height
    told = httpx.get(f"{desk}/api/v1/incidents", timeout=60).json()
    alone = Inference(county.energise(), county.workspace.tables)
    alone.take(rows)
    assert [incident["id"] for incident in told["incidents"]] == [incident.id for incident in alone.incidents]
    assert alone.newest is not None
    assert told["newest"] == alone.newest.isoformat()
    play(rows, desk, None)
    again = httpx.get(f"{desk}/api/v1/incidents", timeout=60).json()
    assert again["incidents"] == told["incidents"]
    assert f": {rows.height}" in again["problems"][0]["message"]


def test_many_may_speak_at_once(desk: str, county: Network) -> None:
    rows = pl.concat([signals(county, f"incident-{number}.csv") for number in (1, 2, 3, 5, 6)])
    threads = [threading.Thread(target=play, args=(rows[start::4], desk, None)) for start in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        httpx.get(f"{desk}/api/v1/incidents", timeout=60).raise_for_status()
    for thread in threads:
        thread.join()
    alone = Inference(county.energise(), {"plans": county.workspace.tables["plans"]})
    alone.take(rows)
    told = httpx.get(f"{desk}/api/v1/incidents", timeout=60).json()["incidents"]
    assert [(each["id"], each["state"], each["dark"]) for each in told] == [
        (incident.id, incident.state, incident.dark) for incident in alone.incidents
    ]


def test_bad_rows_are_told_and_the_rest_is_taken(desk: str) -> None:
    rows = [
        {"time": "2022-12-20 18:51:20", "object": "transformer", "object_id": "F11-B02", "kind": "off"},
        {"time": "never", "object": "transformer", "object_id": "F11-B02", "kind": "off"},
        {"time": "2022-12-20 18:51:20", "object": "transformer", "object_id": "F99-B02", "kind": "off"},
        {},
    ]
    answer = httpx.post(f"{desk}/api/v1/signals", json=rows, timeout=60).json()
    assert (answer["heard"], answer["changes"]) == (4, 1)
    assert answer["problems"][0]["value"] == "never"
    found = httpx.get(f"{desk}/api/v1/incidents?lang=zh", timeout=60).json()
    assert len(found["incidents"]) == 1
    assert {problem["object_id"] for problem in found["problems"]} == {None, "F99-B02"}
    assert httpx.post(f"{desk}/api/v1/signals", json=[], timeout=60).json()["heard"] == 0
    one = httpx.post(f"{desk}/api/v1/signals", json={"a": 1}, timeout=60).json()
    assert (one["accepted"], one["heard"]) == (0, 1)
    assert one["problems"]
    assert httpx.post(f"{desk}/api/v1/signals", json=[1], timeout=60).status_code == 422


def test_the_parts_keep_the_pace(county: Network) -> None:
    rows = signals(county, "incident-5.csv")
    sent = list(parts(rows, 60))
    first = rows["time"].min()
    assert isinstance(first, datetime)
    assert pl.concat([part for _, part in sent])["time"].to_list() == sorted(rows["time"])
    for due, part in sent:
        after = (part["time"] - first).dt.total_seconds()
        assert after.is_between((due - 1) * 60, due * 60, closed="left").all()
    assert [due for due, _ in parts(rows, None)] == [0.0]


def test_a_replay_takes_the_time_it_should(desk: str, county: Network) -> None:
    rows = signals(county, "incident-6.csv")
    lasts = rows["time"].max() - rows["time"].min()
    begun = time.monotonic()
    play(rows, desk, 200)
    assert timedelta(seconds=time.monotonic() - begun) >= lasts / 200


@pytest.mark.parametrize("given", ["slow", "0", "-3", "nan", "inf"])
def test_a_speed_is_a_number_above_zero_or_max(given: str) -> None:
    with pytest.raises(FudianError):
        speed_of(given)
    assert speed_of("max") is None
    assert speed_of("60") == 60


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "file:///etc/passwd", "desk"])
def test_a_desk_that_is_not_there_is_said(county: Network, url: str) -> None:
    with pytest.raises(FudianError):
        play(signals(county, "incident-6.csv"), url, None)
