"""A desk in a process of its own, for benchmarks: what it imports stands ready, so that a start takes its own work alone."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import socket
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess

import uvicorn
from fastapi import FastAPI

from dashboard.intake.health import health_router
from dashboard.intake.http import intake_router
from dashboard.intake.mqtt import MqttIntake
from dashboard.intake.work import work_router
from fudian.cli.__main__ import NEW_OBJECTS
from fudian.desk import Desk
from fudian.store import store_of

_APART = multiprocessing.get_context("forkserver")
_APART.set_forkserver_preload(["benchmarks.desk_server", "benchmarks.desk_storms"])


def serve(world: str, url: str, port: int, broker: str) -> None:
    """Take reports in, over HTTP and where a broker is named from it, with garbage looked for as seldom as by the program."""
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    desk = Desk(importlib.import_module(world).utility(), store_of(url))
    server = FastAPI()
    for routes in (intake_router, work_router, health_router):
        server.include_router(routes(desk, {}))
    if broker:
        MqttIntake(desk, broker)
    uvicorn.run(server, host="127.0.0.1", port=port, log_level="error")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def started(url: str, port: int, broker: str = "", world: str = "benchmarks.desk_storms") -> BaseProcess:
    """Start a desk, and wait until it answers."""
    process = _APART.Process(target=serve, args=(world, url, port, broker), daemon=True)
    process.start()
    while process.is_alive():
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        time.sleep(0.01)
    raise RuntimeError("the desk did not start")
