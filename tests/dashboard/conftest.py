"""The sample county, served on a free port of this machine, for all tests of the pages and of the interface."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
import uvicorn

from dashboard.app import create_app
from data_samples.generator.county import COUNTY
from network import Network, Supply, read_network


@pytest.fixture(scope="session")
def net() -> Network:
    return read_network(COUNTY)


def present(net: Network, at: datetime | None = None) -> Supply:
    """Return the normal state of what is in service on the day of a moment, by default of the last that is known."""
    moment = at or net.workspace.settings["as_of"]
    return net.in_service(datetime(moment.year, moment.month, moment.day)).energise()


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """Address of the running application."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(COUNTY), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listening.close()
