"""``fudian convert`` from every form that needs another library, and what ``fudian check`` says of the result."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandapower
import pytest
from pandapower.networks import create_cigre_network_mv

from tests.interop.feeders import MASTERS, cases

SIMBENCH = "1-LV-rural1--0-sw"


def fudian(*arguments: object, status: int = 0) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "fudian.cli", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if status == 0 else done.stderr


@pytest.mark.filterwarnings(r"ignore::DeprecationWarning:pandapower\..*")
def test_pandapower(tmp_path: Path) -> None:
    net = create_cigre_network_mv()
    pandapower.to_json(net, str(tmp_path / "cigre.json"))
    converted = fudian("convert", tmp_path / "cigre.json", "--format", "pandapower", "--to", tmp_path / "ws")
    checked = fudian("check", tmp_path / "ws")
    assert converted["counts"] == checked["counts"]
    assert checked["counts"]["transformers"] == len(net.load)
    assert checked["counts"]["branches"] == len(net.line) + len(net.trafo) + len(net.switch)
    assert checked["errors"] == []


def test_simbench_by_its_code(tmp_path: Path) -> None:
    converted = fudian("convert", SIMBENCH, "--format", "pandapower", "--to", tmp_path / "ws")
    checked = fudian("check", tmp_path / "ws")
    assert checked["counts"] == converted["counts"]
    assert checked["counts"]["transformers"] == 13
    assert checked["errors"] == []
    message = fudian("convert", "1-LV-rural9--0-sw", "--format", "pandapower", "--to", tmp_path / "no", status=2)
    assert "SimBench has no network 1-LV-rural9--0-sw" in message


def test_opendss(tmp_path: Path) -> None:
    converted = fudian("convert", cases("dss") / MASTERS["ieee9500"], "--format", "opendss", "--to", tmp_path / "ws")
    checked = fudian("check", tmp_path / "ws")
    assert checked["counts"] == converted["counts"]
    assert (checked["counts"]["transformers"], checked["counts"]["branches"]) == (2546, 5322)
    assert checked["errors"] == []
    assert any(problem["value"] == "capacitor" for problem in converted["warnings"])


def test_cim_xml(tmp_path: Path) -> None:
    converted = fudian("convert", cases("cim") / "IEEE13.xml", "--format", "cim-xml", "--to", tmp_path / "ws")
    checked = fudian("check", tmp_path / "ws")
    assert checked["counts"] == converted["counts"]
    assert checked["counts"] == {"sources": 1, "branches": 24, "transformers": 16, "customers": 16, "feeders": 1}
    assert checked["errors"] == []


@pytest.mark.parametrize("form", ["pandapower", "opendss", "cim-xml", "cim-e"])
def test_a_file_of_another_form_is_refused_in_one_sentence(form: str, tmp_path: Path) -> None:
    path = tmp_path / "shopping.txt"
    path.write_text("milk\nbread\n")
    message = fudian("convert", path, "--format", form, "--to", tmp_path / "ws", status=1)
    assert "shopping.txt" in message
    assert "Traceback" not in message
    assert not (tmp_path / "ws").exists()
