"""A folder of tables and settings, read as a whole."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pytest

from network.problems import Problem, WorkspaceError
from network.tables.schema import TABLES
from network.tables.table_form import ROW
from network.tables.workspace import Workspace, read_workspace, workspace

FILES = {
    "sources.csv": "node\nS\n",
    "branches.csv": "branch_id,from_node,to_node,kind\nB1,S,N1,breaker\nB2,N1,N2,line\n",
    "transformers.csv": "transformer_id,node,public\nT1,N1,1\nT2,N2,0\n",
    "customers.csv": "customer_id,transformer_id\nC1,T1\nC2,T2\n",
    "outages.csv": "outage_id,start,end,nature,branch_id\nO1,2022-07-20 08:05:00,2022-07-20 09:05:00,F-INT,B2\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, [problem.line() for problem in problems]
    return problems[0]


def test_every_table_is_there_and_typed(folder: Path) -> None:
    told: list[str] = []
    result = read_workspace(str(folder), told.append)
    assert result.problems == ()
    assert set(result.tables) == set(TABLES)
    for name, table in result.tables.items():
        assert dict(table.schema) == TABLES[name].polars_schema
    assert told == list(FILES)
    assert dict(result.files) == {name.removesuffix(".csv"): name for name in FILES}
    assert result.folder == folder
    assert result.settings == {}
    assert result.check() == {
        "errors": [],
        "warnings": [],
        "counts": {"sources": 1, "branches": 2, "transformers": 2, "customers": 2, "outages": 1},
    }


def test_check_gives_its_fields(folder: Path) -> None:
    with (folder / "outages.csv").open("a", encoding="utf-8") as file:
        file.write("O2,2022-07-20 08:05:00,2022-07-20 07:05:00,故障,B2\n")
    result = read_workspace(folder)
    assert len(result.errors) == len(result.warnings) == 1
    checked = result.check()
    assert checked["counts"]["outages"] == 1
    error = checked["errors"][0]
    assert {key: error[key] for key in ("table", "file", "row", "column", "value", "object_id")} == {
        "table": "outages",
        "file": "outages.csv",
        "row": 3,
        "column": "end",
        "value": "2022-07-20 07:05:00",
        "object_id": "O2",
    }
    assert checked["warnings"][0]["column"] == "nature"


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="There is no folder"):
        read_workspace(tmp_path / "nowhere")


def test_folder_without_tables_names_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / "outage.csv").write_text("x")
    with pytest.raises(WorkspaceError, match=r"holds no table.*branches\.csv") as wrong:
        read_workspace(tmp_path)
    assert [problem.file for problem in wrong.value.problems] == ["outage.csv", "readme.txt"]


def test_chinese_file_names(folder: Path) -> None:
    (folder / "transformers.csv").rename(folder / "台区.csv")
    (folder / "outages.csv").rename(folder / "停电事件.csv")
    result = read_workspace(folder)
    assert result.problems == ()
    assert result.files["transformers"] == "台区.csv"
    assert result.files["outages"] == "停电事件.csv"


def test_the_first_form_is_taken_and_the_others_are_named(folder: Path) -> None:
    pl.DataFrame({"node": ["P"]}).write_parquet(folder / "sources.parquet")
    (folder / "电源.csv").write_text("node\nX\n", encoding="utf-8")
    result = read_workspace(folder)
    assert result.tables["sources"]["node"].to_list() == ["P"]
    problem = only(result.problems)
    assert problem.severity == "warning"
    assert "sources.parquet was read, sources.csv, 电源.csv was not" in str(problem.message)


def test_unknown_table_file_is_named_with_the_nearest(folder: Path) -> None:
    (folder / "outage.csv").write_text("x\n")
    (folder / "~$outages.xlsx").write_text("lock")
    (folder / ".outages.csv").write_text("hidden")
    problem = only(read_workspace(folder).problems)
    assert (problem.severity, problem.file) == ("warning", "outage.csv")
    assert "outages" in str(problem.hint)


def test_one_damaged_table_never_stops_the_others(folder: Path) -> None:
    (folder / "outages.parquet").write_bytes(b"PAR1 half")
    (folder / "customers.csv").write_text("CONS_NO\nC1\n")
    result = read_workspace(folder)
    assert result.tables["branches"].height == 2
    assert result.tables["outages"].equals(TABLES["outages"].empty())
    assert {(p.severity, p.table) for p in result.problems} == {
        ("warning", "outages"),
        ("error", "outages"),
        ("error", "customers"),
    }


def test_settings_give_code_maps(folder: Path) -> None:
    (folder / "transformers.csv").write_text("transformer_id,node,变压器类型\nT1,N1,1\nT2,N2,2\n", encoding="utf-8")
    (folder / "fudian.toml").write_text('\ufeff[codes.public]\n"1" = true\n"2" = "专变"\n', encoding="utf-8")
    result = read_workspace(folder)
    assert result.problems == ()
    assert result.tables["transformers"]["public"].to_list() == [True, False]
    assert result.settings == {"codes": {"public": {"1": True, "2": "专变"}}}


@pytest.mark.parametrize("content", ['[codes.public]\n"1" = yes\n', "[codes\n"])
def test_broken_settings_are_an_error_with_the_line(folder: Path, content: str) -> None:
    (folder / "fudian.toml").write_text(content, encoding="utf-8")
    result = read_workspace(folder)
    problem = only(result.problems)
    assert (problem.severity, problem.file, problem.row) == ("error", "fudian.toml", len(content.splitlines()))
    assert result.settings == {}
    assert result.tables["branches"].height == 2


def test_settings_in_gbk_are_an_error(folder: Path) -> None:
    (folder / "fudian.toml").write_bytes('[codes.public]\n"公" = "公变"\n'.encode("gbk"))
    assert "not in UTF-8" in str(only(read_workspace(folder).problems).message)


@pytest.mark.parametrize(
    ("codes", "column"),
    [
        ({"publik": {"1": True}}, "codes.publik"),
        ({"public": {"1": "perhaps"}}, "codes.public.1"),
        ({"region_class": {"1": "suburb"}}, "codes.region_class.1"),
        ({"public": True}, "codes.public"),
        ("public", "codes"),
    ],
)
def test_wrong_code_maps_are_errors(codes: object, column: str) -> None:
    problem = only(workspace({"sources": [{"node": "S"}]}, {"codes": codes}).problems)
    assert (problem.severity, problem.table, problem.column) == ("error", "settings", column)


def in_memory(kind: str, rows: list[dict[str, object]]) -> object:
    return {"rows": rows, "polars": pl.DataFrame(rows), "pandas": pd.DataFrame(rows)}[kind]


@pytest.mark.parametrize("kind", ["rows", "polars", "pandas"])
def test_tables_in_memory_equal_tables_in_files(folder: Path, kind: str) -> None:
    start, end = datetime(2022, 7, 20, 8, 5), datetime(2022, 7, 20, 9, 5)
    tables = {
        "sources": [{"node": "S"}],
        "branches": [
            {"branch_id": "B1", "from_node": "S", "to_node": "N1", "kind": "断路器"},
            {"branch_id": "B2", "from_node": "N1", "to_node": "N2", "kind": "line"},
        ],
        "transformers": [
            {"transformer_id": "T1", "node": "N1", "public": True},
            {"transformer_id": "T2", "node": "N2", "public": False},
        ],
        "customers": [{"用户编号": "C1", "台区编号": "T1"}, {"用户编号": "C2", "台区编号": "T2"}],
        "outages": [{"outage_id": "O1", "start": start, "end": end, "nature": "F-INT", "branch_id": "B2"}],
    }
    result = workspace({name: in_memory(kind, rows) for name, rows in tables.items()})
    assert result.problems == ()
    expected = read_workspace(folder)
    for name in TABLES:
        assert result.tables[name].equals(expected.tables[name]), name
    assert result.folder is None


def test_rows_of_mixed_types_lose_nothing() -> None:
    shanghai = datetime(2022, 7, 20, 8, 5, tzinfo=ZoneInfo("Asia/Shanghai"))
    rows = [
        {
            "outage_id": 1,
            "start": "2022/7/20 8:05",
            "end": None,
            "nature": "F-INT",
            "users": 3,
            "region_class": "urban",
        },
        {"outage_id": "A2", "start": shanghai, "end": None, "nature": "F-INT", "users": "x", "region_class": "urban"},
    ]
    for table in (rows, pd.DataFrame(rows)):
        result = workspace({"outages": table})
        assert result.tables["outages"].select("outage_id", "start", "users", ROW).rows() == [
            ("1", datetime(2022, 7, 20, 8, 5), 3, 2)
        ]
        problem = only(result.problems)
        assert (problem.row, problem.column, problem.value) == (3, "users", "x")


def test_unknown_table_in_memory() -> None:
    problem = only(workspace({"outage": []}).problems)
    assert (problem.severity, problem.table) == ("warning", "outage")


def test_another_file_for_one_table(folder: Path) -> None:
    base = read_workspace(folder)
    path = folder / "incident.txt"
    path.write_text("time,object,object_id,kind\n2022-07-20 08:05,branch,B1,trip\n2022-07-20 08:05,branch,B9,trip\n")
    result = base.with_file("signals", path)
    assert isinstance(result, Workspace)
    assert result.tables["signals"]["object_id"].to_list() == ["B1"]
    assert only(result.problems).file == "incident.txt"
    assert base.tables["signals"].is_empty()
    assert base.problems == ()
    with pytest.raises(WorkspaceError, match="There is no file"):
        base.with_file("signals", folder / "nowhere.csv")
