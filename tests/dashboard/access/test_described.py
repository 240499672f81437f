"""The HTTP interface does what its description says, whatever is asked that the description allows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.access.entrance import Access, Rules
from data_samples.generator.county import COUNTY
from fudian.store import store_of
from fudian.store.database import IN_MEMORY
from tests.dashboard.access.test_people import running

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SLOW = ("/api/v1/calendar", "/api/v1/n-1", "/api/v1/grid-kpi", "/api/v1/targets", "/api/v1/restore")
"""Asked less often: each answer takes seconds."""


def described(address: str, *more: str) -> str:
    """Let schemathesis ask a server, and return what it says of it."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{address}/openapi.json",
        "--checks",
        CHECKS,
    ]
    settings = ["--seed", "2022", "--request-timeout", "120", "--suppress-health-check", "all", "--no-color"]
    done = subprocess.run([*command, *settings, *more], capture_output=True, text=True, timeout=3600, check=False)
    told: str = done.stdout + done.stderr
    assert done.returncode == 0, told[-8000:]
    return told


@pytest.mark.long
@pytest.mark.parametrize("role", ["dispatcher", "viewer"])
def test_no_answer_is_undocumented(role: str, tmp_path: Path) -> None:
    county = Path(shutil.copytree(COUNTY, tmp_path / "county"))
    with running(county, Access(store_of(IN_MEMORY), Rules(role=role))) as address:
        some = [part for path in SLOW for part in ("--exclude-path", path)]
        told = described(address, "--max-examples", "60", *some)
        assert re.search(r"Operations:\s+(\d+) selected / (\d+) total", told), told[-3000:]
        described(address, "--max-examples", "5", *(part for path in SLOW for part in ("--include-path", path)))
        assert str(county) not in told
