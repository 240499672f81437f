"""The whole server is killed between handing messages over and marking them: none is lost, and what comes again has its key."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fudian.test_messages import NOON, folder_of, until

AT_ONCE = 2

RECEIVER = """
import json, os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

folder, lock, count = Path(sys.argv[1]), Lock(), 0
kill_at = {2, 4, 6}  # five messages, and at least one again after each kill: the third comes in any case

class Gateway(BaseHTTPRequestHandler):
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with lock, (folder / "heard.ndjson").open("ab") as heard:
            count += 1
            is_last = count in kill_at
            heard.write(body + b"\\n")
            heard.flush()
            os.fsync(heard.fileno())
        if is_last:
            os.kill(int((folder / "server").read_text()), signal.SIGKILL)
            time.sleep(1)
        try:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        except OSError:
            pass

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
(folder / "port.new").write_text(str(server.server_port))
(folder / "port.new").rename(folder / "port")
server.serve_forever()
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Path]:
    """A gateway in a process of its own, which keeps all it hears, and kills the server before it answers, three times."""
    folder = tmp_path / "gateway"
    folder.mkdir()
    process = subprocess.Popen([sys.executable, "-c", RECEIVER, str(folder)])
    until((folder / "port").is_file)
    yield folder
    process.kill()
    process.wait(30)


class Served:
    """A server in a process of its own, which can be started again after it was killed."""

    def __init__(self, folder: Path, gateway: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.gateway = folder, gateway
        self.process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def get(self, path: str) -> Any:
        return httpx.get(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=60).json()

    def post(self, path: str, said: Any) -> Any:
        answer = httpx.post(f"http://127.0.0.1:{self.port}/api/v1/{path}", json=said, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def start(self) -> None:
        command = [sys.executable, "-m", "fudian.cli", "serve", str(self.folder), "--port", str(self.port)]
        with (self.folder.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        (self.gateway / "server").write_text(str(self.process.pid))

        def answers() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{self.port}/public/health", timeout=5).status_code == 200
            except httpx.HTTPError:
                return self.is_killed()

        until(answers, 120)

    def is_killed(self) -> bool:
        return self.process is not None and self.process.poll() == -signal.SIGKILL

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


@pytest.fixture
def served(tmp_path: Path, gateway: Path) -> Iterator[Served]:
    """A server that tells the gateway."""
    port = (gateway / "port").read_text()
    made = Served(folder_of(tmp_path / "w", f"http://127.0.0.1:{port}/messages", at_once=AT_ONCE), gateway)
    yield made
    made.stop()


def test_a_server_that_is_killed_while_it_tells_customers_loses_nothing(served: Served, gateway: Path) -> None:
    served.start()
    rows = [{"time": NOON.isoformat(), "object": "branch", "object_id": "K1", "kind": "trip"}]
    rows += [
        {"time": NOON.isoformat(), "object": "transformer", "object_id": each, "kind": "off"} for each in ("T1", "T2")
    ]
    served.post("signals", rows)
    (incident,) = served.get("incidents")["incidents"]
    served.post(
        f"incidents/{incident['id']}/decisions", {"action": "stage", "stage": "dispatched", "at": NOON.isoformat()}
    )
    until(served.is_killed)
    for _ in range(2):
        served.start()
        until(served.is_killed)
    served.start()
    until(lambda: all(row["state"] == "sent" for row in served.get(f"incidents/{incident['id']}/messages")["rows"]))
    told = served.get(f"incidents/{incident['id']}/messages")["rows"]
    served.stop()
    heard = [json.loads(line) for line in (gateway / "heard.ndjson").read_text("utf-8").splitlines()]
    keys = Counter(each["key"] for each in heard)
    whom = {next(iter(each["to"].values())) for each in heard}
    assert whom == {row["id"] for row in told} == {"C1", "C2", "C4", "T1", "T2"}, "none is lost"
    assert len(keys) == len(told) == 5, "and none has two keys"
    assert 3 <= len(heard) - len(keys) <= 3 * AT_ONCE, "again came only what was under way at a kill"
