"""Records that state more users than there are: said by the command and on the page where the figure stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fudian
from dashboard.app import PAGES
from dashboard.parts.address import Address
from dashboard.ready import written_page

SAID = {"en": "more users than there are: 1", "zh": "停电户数多于实有用户数的记录：1 条"}


@pytest.mark.parametrize("language", SAID)
def test_command_and_page_say_it_beside_the_figure(language: str, tmp_path: Path) -> None:
    record = "{},2022-03-01 08:00,2022-03-01 10:00,内部故障停电,城镇,{}\n"
    head = "停电编号,停电开始时间,停电结束时间,停电性质,地区特征,停电户数\n"
    (tmp_path / "outages.csv").write_text(head + record.format("A", 300) + record.format("B", 3), "utf-8")
    (tmp_path / "population.csv").write_text("地区特征,用户数\n城镇,10\n", "utf-8")
    utility = fudian.open(tmp_path, language)
    page = written_page(utility, Address.read("/operations", f"?lang={language}"), PAGES["operations"]).decode()
    assert SAID[language] in page.encode().decode("unicode_escape") or SAID[language] in page
    command = [sys.executable, "-m", "fudian.cli", "indices", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "FUDIAN_LANG": language})
    assert SAID[language] in " ".join((told.stdout + told.stderr).decode().split())
    assert utility.indices("2022").rows["CH"].item() == 606
