"""What an unknown sheet means, remembered in fudian.toml; an empty workbook to fill in."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
from datetime import datetime
from pathlib import Path

import fastexcel
import pytest

from network.problems import FudianError
from network.tables.mapping import SheetProposal, ids_in, propose, remember, with_choice
from network.tables.reading import read_file
from network.tables.schema import TABLES
from network.tables.template import template
from network.tables.words import Words, words_of
from network.tables.workspace import read_settings, read_workspace
from tests.network.tables.clerks import xlsx

SHEET: list[list[object]] = [
    ["复源县6月停电统计"],
    ["序号", "事件号", "停电起", "送电", "性质", "影响户数", "区域", "所属单位", "线路名称", "备注"],
    [1, "X1", "2022-06-01 08:00", "2022-06-01 10:00", "检修", 12, "市区", "城东所", "城东线", "无"],
    [2, "X2", "2022-06-02 08:00", "2022-06-02 11:00", "故障停电", 5, "农村", "城东所", "城西线", ""],
    [3, "X3", "2022-06-03 08:00", "2022-06-03 09:00", "内部蹊跷", 7, "市区", "城东所", "城西线", ""],
]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "6月情况.xlsx"
    path.write_bytes(xlsx({"Sheet1": SHEET}))
    return path


def meant(proposal: SheetProposal) -> dict[str, tuple[str | None, str]]:
    return {header.header: (header.column, header.how_sure) for header in proposal.headers}


def test_each_header_is_proposed_with_examples_and_how_sure(sheet: Path) -> None:
    proposal = propose(sheet)
    assert (proposal.table, proposal.named, proposal.missing) == ("outages", False, ())
    assert meant(proposal) == {
        "序号": (None, "unknown"),
        "事件号": ("outage_id", "likely"),
        "停电起": ("start", "certain"),
        "送电": ("end", "likely"),
        "性质": ("nature", "likely"),
        "影响户数": ("users", "certain"),
        "区域": ("region_class", "likely"),
        "所属单位": ("unit", "certain"),
        "线路名称": ("feeder_id", "certain"),
        "备注": (None, "unknown"),
    }
    assert proposal.headers[1].examples == ("X1", "X2", "X3")
    assert [(code.column, code.word, code.rows) for code in proposal.codes] == [("nature", "内部蹊跷", 1)]


def test_no_header_is_proposed_for_what_its_values_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "outages.csv"
    path.write_text("停电编号,停电开始时间,性质,停电户\nO1,2022-06-01 08:00,市区,许多\n", "utf-8")
    found = meant(propose(path))
    assert found["性质"] == ("region_class", "likely")
    assert found["停电户"][1] != "certain"
    assert propose(path).missing == ("nature",)


def test_what_is_remembered_reads_the_sheet(sheet: Path) -> None:
    proposal = propose(sheet)
    remember(proposal, sheet.parent)
    workspace = read_workspace(sheet.parent)
    outages = workspace.tables["outages"]
    assert outages.select("outage_id", "end", "nature", "region_class", "users").rows() == [
        ("X1", datetime(2022, 6, 1, 10), "P-PLAN-MAINT", "urban", 12),
        ("X2", datetime(2022, 6, 2, 11), "F-INT", "rural", 5),
    ]
    assert propose(sheet, words=words_of(workspace.settings)[0]).codes == proposal.codes


def test_what_stands_in_the_settings_stays(sheet: Path) -> None:
    path = sheet.parent / "fudian.toml"
    path.write_text('# ours\nname = "复源县"  # the county\n\n[headers.outages]\n"旧" = "cause"\n', "utf-8")
    remember(with_choice(propose(sheet), "备注", "cause"), sheet.parent)
    written = path.read_text("utf-8")
    assert written.startswith('# ours\nname = "复源县"  # the county\n')
    settings = tomllib.loads(written)
    assert settings["headers"]["outages"]["旧"] == "cause"
    assert settings["headers"]["outages"]["备注"] == "cause"
    assert settings["files"] == {"6月情况.xlsx": "outages"}
    assert words_of(settings)[1] == []
    remember(propose(sheet), sheet.parent)
    assert tomllib.loads(path.read_text("utf-8")) == settings


@pytest.mark.parametrize("content", ["[headers\n", "headers = 1\n"])
def test_settings_that_cannot_be_read_are_not_written_over(content: str, sheet: Path) -> None:
    path = sheet.parent / "fudian.toml"
    path.write_text(content, "utf-8")
    with pytest.raises(FudianError, match="cannot be read"):
        remember(propose(sheet), sheet.parent)
    assert path.read_text("utf-8") == content


def test_a_file_that_is_like_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("苹果,梨\n1,2\n", "utf-8")
    with pytest.raises(FudianError, match="like no table"):
        propose(path)
    path.write_bytes(b"")
    with pytest.raises(FudianError, match="empty"):
        propose(path)
    with pytest.raises(FudianError, match="cannot be opened"):
        propose(tmp_path)


UNLIKE: list[list[object]] = [
    ["序号", "单据", "何时", "到何时", "类型", "影响户数", "区域", "走廊", "变", "外"],
    [1, "TD001", "2022-06-01 08:00", "2022-06-01 10:00", "检修", 12, "城网", "城东线", "B1", "是"],
    [2, "TD002", "2022-06-02 08:00", "2022-06-02 11:00", "非计划", 5, "农网", "城东线", "B1", "否"],
    [3, "TD003", "2022-06-03 08:00", "2022-06-03 09:00", "故障", 7, "市区", "城西线", "B2", "否"],
]


def test_values_speak_where_headers_say_nothing(tmp_path: Path) -> None:
    """Words of codes and what they often mean, ids of other tables, times in their order, yes and no."""
    path = tmp_path / "outages.xlsx"
    path.write_bytes(xlsx({"Sheet1": UNLIKE}))
    (tmp_path / "feeders.csv").write_text("feeder_id,name\nF1,城东线\nF2,城西线\n", "utf-8")
    (tmp_path / "transformers.csv").write_text("transformer_id,node,feeder_id\nB1,1,F1\nB2,2,F2\n", "utf-8")
    proposal = propose(path, ids=ids_in(tmp_path, Words(), path))
    assert meant(proposal) == {
        "序号": (None, "unknown"),
        "单据": ("outage_id", "perhaps"),
        "何时": ("start", "perhaps"),
        "到何时": ("end", "perhaps"),
        "类型": ("nature", "likely"),
        "影响户数": ("users", "certain"),
        "区域": ("region_class", "perhaps"),
        "走廊": ("feeder_id", "likely"),
        "变": ("transformer_id", "likely"),
        "外": ("external", "perhaps"),
    }
    assert {header.header: header.examples for header in proposal.headers}["区域"] == ("城网", "农网", "市区")
    assert [(code.column, code.word, code.code, code.how_sure) for code in proposal.codes] == [
        ("nature", "非计划", "F-INT", "perhaps"),
        ("region_class", "城网", "urban", "perhaps"),
        ("region_class", "农网", "rural", "perhaps"),
    ]
    remember(proposal, tmp_path)
    outages = read_workspace(tmp_path).tables["outages"]
    assert outages.select("outage_id", "nature", "region_class", "transformer_id", "external").rows() == [
        ("TD001", "P-PLAN-MAINT", "urban", "B1", True),
        ("TD002", "F-INT", "rural", "B1", False),
        ("TD003", "F-INT", "urban", "B2", False),
    ]


ENGLISH = """Outage Ref,From,To,Category,Customers Out,Area,Depot
A1,2022-03-01 08:00,2022-03-01 10:00,Scheduled,20,City,S1
A2,2022-03-02 08:00,2022-03-02 10:00,Emergency,20,Suburban,S1
"""


def test_an_english_sheet_is_mapped_at_once(tmp_path: Path) -> None:
    path = tmp_path / "outages.csv"
    path.write_text(ENGLISH, "utf-8")
    assert run("map", str(path), "--yes").returncode == 0
    outages = read_workspace(tmp_path).tables["outages"]
    assert outages.select("outage_id", "nature", "users", "region_class", "unit").rows() == [
        ("A1", "P-PLAN-MAINT", 20, "urban", "S1"),
        ("A2", "F-INT", 20, "town", "S1"),
    ]


def test_other_tables_do_not_take_what_their_values_are_not(tmp_path: Path) -> None:
    path = tmp_path / "outages.csv"
    path.write_text("停电编号,停电时间,送电时间,停电性质,走廊\nA,2022-03-01 08:00,,故障,X9\n", "utf-8")
    (tmp_path / "feeders.csv").write_text("feeder_id,name\nF1,城东线\n", "utf-8")
    assert meant(propose(path, ids=ids_in(tmp_path, Words(), path)))["走廊"] == (None, "unknown")


@pytest.mark.parametrize("known", sorted(TABLES))
def test_every_table_is_recognised_by_its_own_headers(known: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    columns = TABLES[known].columns
    path.write_text(
        ",".join(column.chinese for column in columns) + "\n" + ",".join("1" for _ in columns) + "\n", "utf-8"
    )
    proposal = propose(path)
    found = {header.column for header in proposal.headers if header.how_sure == "certain"}
    assert proposal.table == known
    assert {column.name for column in columns if column.required} <= found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fudian.cli.app", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_the_command_writes_only_when_it_is_told(sheet: Path) -> None:
    told = run("map", str(sheet))
    assert (told.returncode, "事件号" in told.stdout) == (0, True)
    assert not (sheet.parent / "fudian.toml").exists()
    agreed = run("map", str(sheet), "--yes", "--json")
    found = json.loads(agreed.stdout)
    assert (agreed.returncode, found["table"], found["written"]) == (0, "outages", str(sheet.parent / "fudian.toml"))
    assert {"header": "送电", "column": "end"}.items() <= found["headers"][3].items()
    assert tomllib.loads((sheet.parent / "fudian.toml").read_text("utf-8"))["headers"]["outages"]["送电"] == "end"
    assert run("map", str(sheet), "--table", "outage").returncode == 2
    assert run("map", str(sheet.parent / "nothing.csv")).returncode == 2


def test_the_command_asks_on_a_terminal(sheet: Path) -> None:
    pty = pytest.importorskip("pty")
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "fudian.cli.app", "map", str(sheet)]
    running = subprocess.Popen(command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.write(master, b"-\n\nnonsense\nend\n\n\ncause\n-\n")
    running.communicate(timeout=120)
    for descriptor in (master, terminal):
        os.close(descriptor)
    headers = tomllib.loads((sheet.parent / "fudian.toml").read_text("utf-8"))["headers"]["outages"]
    assert headers == {
        "序号": "", "事件号": "outage_id", "送电": "end", "性质": "nature", "区域": "region_class", "备注": "cause",
    }  # fmt: skip
    assert read_workspace(sheet.parent).tables["outages"]["cause"].to_list() == [None, None]


# -- templates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("table", sorted(TABLES))
def test_an_empty_workbook_reads_as_its_table_without_rows(table: str, language: str, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(template(table, language))
    result = read_file(path, TABLES[table])
    assert result.frame.equals(TABLES[table].empty())
    assert [
        (problem.severity, "no rows" in str(problem.message) or problem.sheet is not None)
        for problem in result.problems
    ] == [
        ("warning", True),
        ("warning", True),
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("table", sorted(TABLES))
def test_the_example_of_a_workbook_can_be_read(table: str, language: str, tmp_path: Path) -> None:
    book = fastexcel.read_excel(template(table, language))
    notes = book.load_sheet(1, header_row=None, dtypes="string").to_polars().rows()
    path = tmp_path / "x.xlsx"
    path.write_bytes(xlsx({"数据": [list(notes[0]), list(notes[2])]}))
    result = read_file(path, TABLES[table])
    assert (result.problems, result.frame.height) == ((), 1)


def test_codes_can_be_chosen_from_a_list() -> None:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(template("outages", "zh"))) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<dataValidation ") == 4
    assert "'填表说明'!$D$4:$D$14" in sheet
    book = fastexcel.read_excel(template("outages", "zh"))
    column = book.load_sheet("填表说明", header_row=None, dtypes="string").to_polars().to_series(3).to_list()
    assert column[0] == "停电性质*"
    assert column[3:14] == ["内部故障停电", "外部故障停电", "检修停电", "施工停电", "用户申请停电", "调电停电", "临时检修停电",
                            "临时施工停电", "用户临时申请停电", "系统电源不足限电", "供电网限电"]  # fmt: skip


def test_the_command_takes_the_table_from_the_name(tmp_path: Path) -> None:
    path = tmp_path / "配变.xlsx"
    written = run("template", "--to", str(path), "--language", "en", "--json")
    assert (written.returncode, json.loads(written.stdout)["table"]) == (0, "transformers")
    head = fastexcel.read_excel(path).load_sheet(0, header_row=None, dtypes="string").to_polars().row(0)
    assert head[:2] == ("transformer_id*", "node*")
    assert run("template", "--to", str(tmp_path / "x.csv")).returncode == 2
    assert run("template", "--to", str(tmp_path / "no" / "x.xlsx")).returncode == 2


def test_no_person_stands_among_the_examples(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("用户编号,用户名称,联系电话,台区编号\nC1,张三丰,13812345678,T1\n", "utf-8")
    shown = [header.examples for header in propose(path, "customers", words_of({})[0]).headers]
    assert shown == [("C1",), ("张•••",), ("138••••78",), ("T1",)]


@pytest.mark.parametrize(
    ("headers", "cells", "meant"),
    [
        (
            ["停电日期", "停电时刻", "复电日期", "复电时刻"],
            ["2022-03-01", "23:00", "2022-03-02", "1:00"],
            ["start", "start", "end", "end"],
        ),
        (["停电公变数", "停电专变数", "停电开始时间"], ["10", "2", "2022-03-01 08:00"], ["users", "users", "start"]),
    ],
)
def test_what_is_understood_together_is_proposed_for_nothing_else(
    headers: list[str], cells: list[str], meant: list[str], tmp_path: Path
) -> None:
    """The day of a clock was once proposed as the cause, and what was read before was lost with that."""
    rows = [
        ["停电编号", "停电性质", "地区特征", *headers],
        ["A", "内部故障停电", "城镇", *cells],
        ["B", "内部故障停电", "城镇", *cells],
    ]
    (tmp_path / "outages.xlsx").write_bytes(xlsx({"1月": rows}))
    proposal = propose(tmp_path / "outages.xlsx", "outages")
    assert [header.column for header in proposal.headers][3:] == meant
    before = read_file(tmp_path / "outages.xlsx", TABLES["outages"]).frame
    remember(proposal, tmp_path)
    words, problems = words_of(read_settings(tmp_path)[0])
    assert not problems
    assert read_file(tmp_path / "outages.xlsx", TABLES["outages"], words).frame.equals(before)
