"""Users in two columns, public transformers and customers' own: both count, and no half of them is taken for the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

import fudian
from network.tables.mapping import propose
from network.tables.words import Words
from tests.network.tables.clerks import xls, xlsx

HEAD = ["停电编号", "停电开始时间", "停电结束时间", "停电性质", "地区特征"]
ROW = ["A", "2022-03-01 08:00", "2022-03-01 10:00", "内部故障停电", "城镇"]


def county(folder: Path, headers: list[str], *rows: list[str]) -> fudian.Utility:
    folder.mkdir(exist_ok=True)
    (folder / "population.csv").write_text("地区特征,用户数\n城镇,1000\n", "utf-8")
    (folder / "outages.xlsx").write_bytes(xlsx({"1月": [HEAD + headers, *rows]}))
    return fudian.open(folder)


@pytest.mark.parametrize(
    "headers",
    [
        ["停电公变数", "停电专变数"],
        ["专变(台)", "公变(台)"],
        ["影响公变户数", "影响专变户数"],
        ["公变台数", "专变台数"],
    ],
)
def test_both_columns_are_added_up(headers: list[str], tmp_path: Path) -> None:
    utility = county(tmp_path, headers, [*ROW, "10", "2"], ["B", *ROW[1:], "", "3"], ["C", *ROW[1:], "4.0", "-"])
    assert utility.indices("2022").rows["CH"].item() == 2 * (12 + 3 + 4)
    (said,) = [problem for problem in utility.problems if problem.column == "users"]
    assert (said.severity, *(header in str(said.message) for header in headers)) == ("warning", True, True)


def test_what_is_no_number_is_named_with_both_parts(tmp_path: Path) -> None:
    utility = county(tmp_path, ["停电公变数", "停电专变数"], [*ROW, "10", "2"], ["B", *ROW[1:], "约3", "4"])
    assert utility.indices("2022").rows["CH"].item() == 24
    assert [(problem.row, problem.value) for problem in utility.workspace.errors] == [(3, "约3 + 4")]


def test_a_column_of_all_users_is_no_sum(tmp_path: Path) -> None:
    utility = county(tmp_path, ["停电户数", "停电公变数", "停电专变数"], [*ROW, "12", "10", "2"])
    assert utility.indices("2022").rows["CH"].item() == 24
    assert [problem.value for problem in utility.problems] == ["停电公变数", "停电专变数"]


def test_the_proposal_of_a_sheet_takes_neither_for_something_else(tmp_path: Path) -> None:
    (tmp_path / "outages.xls").write_bytes(xls({"1月": [[*HEAD, "停电公变数", "停电专变数"], [*ROW, "10", "2"]]}))
    proposal = propose(tmp_path / "outages.xls", "outages", Words(), None)
    assert [header.column for header in proposal.headers][-2:] == ["users", "users"]
