"""A real MQTT broker for tests: Debian's mosquitto, started on a free port, with a memory that outlasts its stop."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MISSING = "no mosquitto is installed; on Debian: apt-get install mosquitto"


def mosquitto_path() -> str | None:
    """Return the path of the broker; ``None`` where there is none."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Broker:
    """A broker that can be stopped and started again."""

    def __init__(self, path: str, folder: Path, saved_every_s: int = 1) -> None:
        self._path, self._folder = path, folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            f"max_queued_messages 0\nautosave_interval {saved_every_s}\nuser root\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._path, "-c", str(self._settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise TimeoutError("the broker did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None


@contextmanager
def broker(folder: Path, saved_every_s: int = 1) -> Iterator[Broker]:
    """Start a broker on a folder, and stop it at the end; it writes its memory down so often."""
    path = mosquitto_path()
    if path is None:
        pytest.skip(MISSING)
    found = Broker(path, folder, saved_every_s)
    found.start()
    try:
        yield found
    finally:
        found.stop()
