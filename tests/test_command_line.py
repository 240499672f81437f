"""The command line as a new user meets it, with broken files too."""

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from data_samples.generator.county import COUNTY
from fudian.cli.app import main
from fudian.cli.terminal import begin_answer, print_json


class Said(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.out)
        return result


Command = Callable[..., Said]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("FUDIAN_LANG", "en")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str | Path) -> Said:
        status = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Said(status, captured.out, captured.err)

    return run


@pytest.fixture
def county(tmp_path: Path) -> Path:
    return Path(shutil.copytree(COUNTY, tmp_path / "county"))


def rewrite(path: Path, change: Callable[[list[list[str]]], None]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    change(rows)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)


def test_every_command_answers_on_the_sample_county(command: Command) -> None:
    signals = COUNTY / "signals" / "incident-1.csv"
    answers: dict[str, tuple[set[str], list[str | Path]]] = {
        "check": ({"errors", "warnings", "counts"}, []),
        "indices": (
            {"period", "level", "basis", "rows", "rejected"},
            ["--start", "2022-01-01", "--end", "2023-01-01", "--by", "region_class"],
        ),
        "frequent": ({"basis", "users", "feeders"}, ["--preset", "custom", "--days", "90", "--times", "2", "--level", "lv"]),
        "rolling": ({"period", "level", "days", "centred", "rows"}, ["--days", "90", "--start", "2022-03-01"]),
        "ledger": ({"rows"}, ["--start", "2022-01-01", "--end", "2022-02-01"]),
        "audit": ({"period", "level", "basis", "totals", "rows", "rejected"}, ["--start", "2022-01-01"]),
        "targets": ({"rows"}, ["--plan", "jinhua-2022"]),
        "affected": (
            {"transformers", "customers", "customer_ids", "important", "branches", "feeders"}, ["--fault", "F03-L01"],
        ),
        "locate": ({"ranked", "ambiguous", "suspect_signals", "next_check", "outage"}, ["--signals", signals]),
        "restore": (
            {"isolate", "steps", "restored_customers", "unrestored_customers", "overloads", "proof", "stages", "assumptions"},
            ["--fault", "F03-L05", "--refused", "F01-T15", "--objective", "kw"],
        ),
        "n-1": ({"pass_rate", "feeders", "sections", "assumptions"}, []),
        "live-ratio": ({"rows"}, ["--start", "2022-01-01", "--end", "2023-01-01"]),
    }  # fmt: skip
    for name, (fields, options) in answers.items():
        said = command(name, COUNTY, *options, "--json")
        assert said.status == 0, said.err
        assert fields <= set(said.json), name
        people = command(name, COUNTY, *options)
        assert people.status == 0
        assert people.out.strip()


def test_figures_carry_their_basis_and_are_not_rounded(command: Command) -> None:
    result = command("indices", COUNTY, "--start", "2022-01-01", "--end", "2023-01-01", "--json").json
    assert result["period"] == {"start": "2022-01-01T00:00:00", "end": "2023-01-01T00:00:00", "hours": 8760.0}
    basis = result["basis"]
    assert basis["user_level"] == "MV"
    assert basis["provisional_outages"] == 1
    assert basis["settings_changed"] == {"minimum_history_years": 2}
    (row,) = result["rows"]
    assert row["SAIDI-1"] == row["CH"] / row["N_T"]
    excluded = command(
        "indices", COUNTY, "--start", "2022-01-01", "--end", "2023-01-01", "--med", "exclude", "--json"
    ).json
    assert excluded["basis"]["major_event_days"]["days"] == ["2022-06-26"]
    assert excluded["rows"][0]["SAIDI-1"] < row["SAIDI-1"]


def test_the_other_standard_stands_beside_with_every_difference_explained(command: Command) -> None:
    asked = (
        "indices",
        COUNTY,
        "--start",
        "2022-01-01",
        "--end",
        "2023-01-01",
        "--standard",
        "ieee",
        "--med",
        "exclude",
    )
    result = command(*asked, "--json").json
    (row,), (ieee,) = result["rows"], result["ieee"]
    assert ieee["SAIDI_min"] == pytest.approx(60 * row["SAIDI-4"], rel=0.05)  # both without major event days
    saidi = next(difference for difference in result["differences"] if difference["index"] == "SAIDI")
    assert saidi["ieee_1366"] == pytest.approx(ieee["SAIDI_h"], rel=1e-12)
    assert saidi["dl_t_836"] > row["SAIDI-1"]  # every day
    assert {"short_interruptions", "major_event_days"} <= {part["reason"] for part in saidi["because"]}
    assert sum(part["amount"] for part in saidi["because"]) == pytest.approx(saidi["difference"])
    said = command(*asked)
    assert "IEEE 1366" in said.out
    assert "major event days are left out" in said.out
    assert command("indices", COUNTY, "--standard", "iec").status == 2


def test_a_figure_opens_down_to_its_rows(command: Command) -> None:
    period = ["--start", "2022-03-01", "--end", "2022-04-01"]
    (figure,) = command("indices", COUNTY, *period, "--json").json["rows"]
    rows = command("ledger", COUNTY, *period, "--json").json["rows"]
    assert sum(row["users"] * row["h"] for row in rows) == pytest.approx(figure["CH"])
    assert sum(row["users"] * row["count"] for row in rows) == figure["CI"]
    assert all(row["reason"] for row in rows if not row["counted"])
    one = command("ledger", COUNTY, *period, "--event", rows[0]["outage_id"], "--json").json["rows"]
    assert {row["outage_id"] for row in one} == {rows[0]["outage_id"]}


def test_an_audit_adds_up_to_what_was_found_less_what_was_recorded(command: Command) -> None:
    year = ["--start", "2022-01-01", "--end", "2023-01-01"]
    for level in ("mv", "lv"):
        result = command("audit", COUNTY, *year, "--level", level, "--json").json
        basis = result["basis"]
        worth = sum(row["customer_hours"] for row in result["rows"] if row["customer_hours"] is not None)
        assert worth == pytest.approx(basis["found_customer_hours"] - basis["recorded_customer_hours"])
        (figure,) = command("indices", COUNTY, *year, "--level", level, "--json").json["rows"]
        assert basis["recorded_customer_hours"] == pytest.approx(figure["CH"])
        assert sum(total["findings"] for total in result["totals"]) == len(result["rows"])
        dearest = [abs(row["customer_hours"]) for row in result["rows"] if row["customer_hours"] is not None]
        assert dearest == sorted(dearest, reverse=True)


def test_figures_from_the_switching_log(command: Command) -> None:
    year = ["--start", "2022-01-01", "--end", "2023-01-01", "--from", "switching", "--json"]
    result = command("indices", COUNTY, *year, "--by", "nature").json
    rows = command("ledger", COUNTY, *year).json["rows"]
    assert result["basis"]["source"] == "switching"
    unknown = {row["outage_id"] for row in rows if row["nature"] == "unknown"}
    assert result["basis"]["outages_of_unknown_nature"] == len(unknown) > 0
    assert {row["nature"]: row["CH"] for row in result["rows"]} == {
        nature: pytest.approx(sum(row["users"] * row["h"] for row in rows if row["nature"] == nature))
        for nature in ("unknown", "P-PLAN-CONST")
    }
    assert "unknown nature" in command("indices", COUNTY, *year[:-1]).err
    event = rows[0]["outage_id"]
    one = command("ledger", COUNTY, "--from", "switching", "--event", event, "--json").json["rows"]
    assert {row["outage_id"] for row in one} == {event}
    customer = command("ledger", COUNTY, *year, "--level", "lv").json["rows"]
    assert sum(row["users"] for row in customer) > sum(row["users"] for row in rows)


def test_the_report_of_the_reliability_system_stands_beside(command: Command, county: Path) -> None:
    year = ["--start", "2022-01-01", "--end", "2023-01-01"]
    (figure,) = command("indices", county, *year, "--json").json["rows"]
    assert command("cross-check", county).status == 1
    (county / "可靠性统计报表.csv").write_text(
        "可靠性统计报表\n起始时间,终止时间,统计期间小时,地区特征,等效总用户数（户）,停电总时户数,系统平均停电时间SAIDI-1（小时/户）\n"
        f"2022-01-01,2022-12-31,8760,全口径,{figure['N_T']},{figure['CH']},{figure['SAIDI-1'] + 1}\n"
        "2022-01-01,2022-12-31,8760,3,1,1,1\n",
        "utf-8",
    )
    result = command("cross-check", county, "--json").json
    verdicts = {(row["against"], row["figure"]): row["agrees"] for row in result["rows"] if row["agrees"] is not None}
    assert verdicts == {
        ("itself", "hours"): True, ("itself", "SAIDI-1"): False, ("our_records", "SAIDI-1"): False,
        ("our_records", "N_T"): True, ("our_records", "CH"): True,
    }  # fmt: skip
    assert result["totals"] == {"agree": 3, "differ": 2, "not_compared": 4}
    assert [(each["row"], each["column"], each["value"]) for each in result["rejected"]] == [(4, "region_class", "3")]
    people = command("cross-check", county)
    assert "differ: 2" in people.err
    assert "region_class = '3'" in people.err
    assert people.out.count("SAIDI-1") == 2


def test_an_audit_without_anything_to_audit_against_says_so(command: Command, county: Path) -> None:
    (county / "switching.csv").unlink()
    (county / "signals.csv").unlink()
    said = command("audit", county)
    assert said.status == 1
    assert "Add the table switching" in said.err


def test_the_structure_of_the_grid_is_judged_against_the_plan(command: Command, county: Path) -> None:
    answer = command("grid-kpi", county, "--json").json
    judged = {row["metric"]: (row["status"], row["value"], row["limit"]) for row in answer["targets"]}
    assert judged == {
        "tie_rate": ("pass", pytest.approx(100 * 12 / 14), 77.0),
        "standard_structure_rate": ("pass", pytest.approx(100 * 12 / 14), 85.0),
        "n1_pass_rate": ("fail", pytest.approx(100 * 9 / 14), 65.0),
        "long_feeder_reduction": ("pass", 50.0, 15.0),
    }
    failing = {row["feeder_id"]: row for row in answer["rows"] if not row["n1_passes"]}
    assert set(failing) == {"F04", "F07", "F08", "F13", "F14"}
    assert (failing["F04"]["n1_failing"], failing["F04"]["n1_missing_a"]) == (
        ["F04-L01"],
        pytest.approx(63.10, abs=0.01),
    )
    assert failing["F08"]["n1_reason"] == "no tie that can be closed"
    (row,) = [row for row in command("targets", county, "--plan", "gongan-2022", "--json").json["rows"]
              if row["metric"] == "n1_pass_rate"]  # fmt: skip
    assert (row["status"], row["value"]) == ("fail", answer["n1_pass_rate"])
    settings = (county / "fudian.toml").read_text("utf-8")
    (county / "fudian.toml").write_text(settings.replace("long_feeders_base", "# long_feeders_base"), "utf-8")
    judged = {row["metric"]: row["status"] for row in command("grid-kpi", county, "--json").json["targets"]}
    assert judged["long_feeder_reduction"] == "not_computable"
    assert command("grid-kpi", county, "--plan", "nowhere-2022").status == 2


def test_the_printed_list_opens_in_a_spreadsheet(command: Command, tmp_path: Path) -> None:
    for name in ("list.csv", "list.xlsx"):
        said = command("affected", COUNTY, "--open", "F03-K01", "--csv", tmp_path / name, "--json")
        table = pl.read_csv(tmp_path / name) if name.endswith("csv") else pl.read_excel(tmp_path / name)
        assert table.height == said.json["customers"] > 0
    assert (tmp_path / "list.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert command("affected", COUNTY, "--open", "F03-K01", "--csv", tmp_path / "list.pdf").status == 2


def test_a_switching_log_changes_who_is_affected(command: Command) -> None:
    call = ["affected", COUNTY, "--open", "F09-K01", "--switching", COUNTY / "switching.csv", "--json"]
    before = command("affected", COUNTY, "--open", "F09-K01", "--as-of", "2019-01-01", "--json").json
    assert command(*call, "--as-of", "2019-01-01").json == before
    normal = command("affected", COUNTY, "--open", "F09-K01", "--as-of", "2022-09-01", "--json").json
    transferred = command(*call, "--as-of", "2022-09-14T11:00:00").json
    assert 0 < transferred["customers"] < normal["customers"]  # the rest hangs on F05 or waits for the repair
    assert set(transferred["customer_ids"]) < set(normal["customer_ids"])


def test_feeders_in_parallel_are_flagged(command: Command) -> None:
    call = ["affected", COUNTY, "--open", "F09-K01", "--switching", COUNTY / "switching.csv", "--as-of"]
    assert command(*call, "2022-09-14T13:06:00", "--json").json["parallel"] == []
    said = command(*call, "2022-09-14T13:07:00", "--json")  # the tie to F05 opens 40 s later
    (loop,) = said.json["parallel"]
    assert loop["feeders"] == ["F05", "F09"]
    assert "F05-T11" in loop["branches"]
    assert said.json["customers"] == 0
    assert "F05, F09" in said.err


def test_tables_of_any_form_become_parquet_that_gives_the_same_figures(command: Command, tmp_path: Path) -> None:
    assert command("convert", COUNTY, "--to", tmp_path / "ws").status == 0
    period = ["--start", "2021-01-01", "--end", "2022-01-01", "--json"]
    first, second = (command("indices", folder, *period).json for folder in (COUNTY, tmp_path / "ws"))
    assert len(first["rows"]) == len(second["rows"]) == 1
    assert first["rows"][0] == pytest.approx(second["rows"][0], rel=1e-12)  # the cores add up in any order


def test_a_sample_of_another_size(command: Command, tmp_path: Path) -> None:
    assert command("sample", "--customers", "2000", "--to", tmp_path / "small").status == 0
    assert command("check", tmp_path / "small", "--json").json["errors"] == []


# Mishaps ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["indices", "nowhere"], 2, "nowhere"),
        (["indices", COUNTY, "--by", "colour"], 2, "region_class"),
        (["indices", COUNTY, "--level", "hv"], 2, "mv or lv"),
        (["indices", COUNTY, "--engine", "excel"], 2, "polars"),
        (["indices", COUNTY, "--from", "memory"], 2, "records or switching"),
        (["ledger", COUNTY, "--from", "switching", "--event", "TD00019"], 2, "TD00019"),
        (["audit", COUNTY, "--level", "hv"], 2, "mv or lv"),
        (["indices", COUNTY, "--med", "maybe"], 2, "include or exclude"),
        (["indices", COUNTY, "--start", "2022-02-01", "--end", "2022-01-01"], 2, "not after its start"),
        (["indices", COUNTY, "--start", "yesterday"], 2, "yesterday"),
        (["ledger", COUNTY, "--event", "TD99999"], 2, "TD99999"),
        (["ledger", COUNTY, "--customer", "C9"], 2, "C9"),
        (["targets", COUNTY, "--plan", "atlantis"], 2, "jinhua-2022"),
        (["affected", COUNTY, "--open", "F03-K99"], 2, "F03-K"),
        (["affected", COUNTY], 2, "exactly one"),
        (["affected", COUNTY, "--open", "F03-K01", "--fault", "F03-K01"], 2, "exactly one"),
        (["locate", COUNTY, "--signals", "nothing.csv"], 2, "nothing.csv"),
        (["locate", COUNTY, "--signals", COUNTY / "outages.csv"], 1, "outages.csv"),
        (["affected", COUNTY, "--open", ","], 2, "names no branch"),
        (["indices", COUNTY, "--start", "0001-01-01", "--end", "9999-12-31"], 2, "1901"),
        (["indices", COUNTY, "--start", "2024-01-01", "--end", "2025-01-01"], 2, "Nothing is known"),
        (["ledger", COUNTY, "--med", "maybe"], 2, "include or exclude"),
        (["convert", COUNTY, "--format", "floppy", "--to", "x"], 2, "table"),
        (["frobnicate"], 2, "frobnicate"),
    ],
)  # fmt: skip
def test_a_wrong_call_says_what_is_wrong(command: Command, arguments: list[str | Path], status: int, says: str) -> None:
    said = command(*arguments)
    assert said.status == status
    assert says in said.err
    if arguments[0] not in {"frobnicate", "convert"} and "yesterday" not in arguments:
        as_json = command(*arguments, "--json")
        assert as_json.status == status
        assert as_json.json["error"]


@pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is not None, reason="pyspark is installed, so nothing is missing"
)
def test_an_absent_extra_names_its_install_line(command: Command) -> None:
    said = command("indices", COUNTY, "--engine", "spark")
    assert said.status == 2
    assert "pip install 'fudian[spark]'" in said.err


def test_broken_rows_are_named_and_the_rest_gives_the_same_figures(command: Command, county: Path) -> None:
    period = ["--start", "2022-01-01", "--end", "2023-01-01", "--json"]
    clean = command("indices", county, *period).json

    def spoil(rows: list[list[str]]) -> None:
        start, end, nature, branch = (
            rows[0].index(name) for name in ("停电开始时间", "停电结束时间", "停电性质", "支路编码")
        )
        for number, (column, value) in enumerate(
            [(end, "1999-01-01"), (nature, "天灾"), (branch, "X99"), (start, "昨天")]
        ):
            row = [f"NEW{number}", *rows[2][1:]]
            row[start], row[end], row[nature] = "2022-05-05 08:00:00", "2022-05-05 09:00:00", "内部故障停电"
            row[branch:] = ["F01-K01", *[""] * (len(row) - branch - 1)]
            row[column] = value
            rows.append(row)

    rewrite(county / "outages.csv", spoil)
    checked = command("check", county, "--json").json
    named = {(problem["column"], problem["value"]) for problem in checked["errors"]}
    assert named == {("end", "1999-01-01 00:00:00"), ("nature", "天灾"), ("branch_id", "X99"), ("start", "昨天")}
    assert all(problem["file"] == "outages.csv" and problem["row"] and problem["hint"] for problem in checked["errors"])
    after = command("indices", county, *period).json
    (figures,), (expected,) = after["rows"], clean["rows"]
    assert figures == pytest.approx(expected, rel=1e-12)  # the cores add up in any order
    assert len(after["rejected"]) == after["basis"]["outages_rejected"] == 4


@pytest.mark.parametrize(
    ("table", "content", "says"),
    [
        ("outages.csv", b"PAR1 not really a table", "outages.csv"),
        ("outages.csv", b"", "outages.csv"),
        ("outages.csv", "停电编号,开始,性质\n1,2,3\n".encode(), "start"),
    ],
)
def test_a_table_that_cannot_be_used_prevents_the_answer(
    command: Command, county: Path, table: str, content: bytes, says: str
) -> None:
    (county / table).write_bytes(content)
    said = command("indices", county, "--json")
    assert said.status == 1
    assert says in said.err
    assert said.json["error"]


def test_a_half_written_parquet_is_one_clear_line(command: Command, county: Path) -> None:
    whole = county / "whole.parquet"
    pl.DataFrame({"outage_id": ["1"]}).write_parquet(whole)
    (county / "outages.parquet").write_bytes(whole.read_bytes()[:40])
    whole.unlink()
    errors = command("check", county, "--json").json["errors"]
    assert [problem["file"] for problem in errors if problem["table"] == "outages"] == ["outages.parquet"]
    assert command("indices", county, "--json").status == 1


def test_a_loop_to_nowhere_is_named_and_the_rest_is_answered(command: Command, county: Path) -> None:
    def add_loop(rows: list[list[str]]) -> None:
        for number, (a, b) in enumerate([("X1", "X2"), ("X2", "X3"), ("X3", "X1")]):
            rows.append([f"LOOP{number}", a, b, "line", *[""] * (len(rows[0]) - 4)])

    rewrite(county / "branches.csv", add_loop)
    checked = command("check", county, "--json").json
    assert {problem["object_id"] for problem in checked["errors"]} == {"LOOP0", "LOOP1", "LOOP2"}
    assert command("affected", county, "--open", "F03-K01", "--json").json["customers"] > 0


def test_markup_in_the_data_stays_text(command: Command, county: Path) -> None:
    def mark(rows: list[list[str]]) -> None:
        cause = rows[0].index("停电原因")
        for row in rows[1:]:
            row[cause] = "[/bar][red]" + row[cause]

    rewrite(county / "outages.csv", mark)
    said = command("indices", county, "--by", "cause")
    assert said.status == 0
    assert "[/bar][red]大风" in said.out


def test_a_network_without_a_source_prevents_the_answer(command: Command, county: Path) -> None:
    (county / "sources.csv").unlink()
    for arguments in (["indices", county], ["affected", county, "--open", "F03-K01"]):
        said = command(*arguments, "--json")
        assert said.status == 1
        assert "sources" in said.json["error"]


def test_without_customers_their_number_is_unknown_not_zero(command: Command, county: Path) -> None:
    (county / "customers.csv").unlink()
    found = command("affected", county, "--open", "F03-K01", "--json").json
    assert found["transformers"]
    assert found["customers"] is None
    assert found["feeders"] == {"F03": None}
    assert command("indices", county, "--level", "lv", "--json").status == 1


def test_numbers_of_users_without_a_stated_population_are_left_out_aloud(command: Command, tmp_path: Path) -> None:
    (tmp_path / "population.csv").write_text("region_class,users,from\ntown,1000,\nrural,500,2022-07-01\n", "utf-8")
    (tmp_path / "outages.csv").write_text(
        "outage_id,start,end,nature,users,region_class\n"
        "E1,2022-08-01 08:00,2022-08-01 10:00,F-INT,100,town\n"
        "E2,2022-08-01 08:00,2022-08-01 10:00,F-INT,100,urban\n"
        "E3,2022-03-01 08:00,2022-03-01 10:00,F-INT,100,rural\n",
        "utf-8",
    )
    year = ["--start", "2022-01-01", "--end", "2023-01-01", "--json"]
    (whole,) = command("indices", tmp_path, *year).json["rows"]
    assert whole["CH"] == 200
    reasons = {row["outage_id"]: row["reason_code"] for row in command("ledger", tmp_path, *year).json["rows"]}
    assert reasons == {"E1": None, "E2": "no_population", "E3": "no_population"}


def test_figures_stop_where_knowledge_does(command: Command) -> None:
    year = ["--start", "2022-01-01", "--end", "2023-01-01", "--as-of", "2022-04-01", "--json"]
    result = command("indices", COUNTY, *year, "--by", "month").json
    assert result["period"]["hours"] == 24 * 90
    assert [row["month"] for row in result["rows"]] == ["2022-01", "2022-02", "2022-03"]


def test_an_event_of_another_year_opens_too(command: Command) -> None:
    assert command("ledger", COUNTY, "--event", "TD00019", "--json").json["rows"]


def test_every_engine_gives_the_same_json(command: Command) -> None:
    pytest.importorskip("duckdb", reason="the extra duckdb is not installed")
    call = ["indices", COUNTY, "--start", "2022-01-01", "--end", "2023-01-01", "--by", "region_class", "--json"]
    engines = ["polars", "pandas", "duckdb"]
    if importlib.util.find_spec("pyspark") is not None and (shutil.which("java") or "JAVA_HOME" in os.environ):
        engines.append("spark")
    expected, *others = (command(*call, "--engine", engine).json["rows"] for engine in engines)
    for rows in others:
        assert len(rows) == len(expected)
        for row, found in zip(expected, rows, strict=True):
            assert set(found) == set(row)
            for name, value in row.items():
                assert type(found[name]) is type(value), name
                assert found[name] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), name


def test_a_converted_workspace_keeps_its_settings_and_its_source(
    command: Command, county: Path, tmp_path: Path
) -> None:
    assert command("convert", county, "--to", county).status == 2
    assert command("convert", county, "--to", tmp_path / "new").status == 0
    excluded = ["--start", "2022-01-01", "--end", "2023-01-01", "--med", "exclude", "--json"]
    (before,), (after,) = (command("indices", folder, *excluded).json["rows"] for folder in (county, tmp_path / "new"))
    assert before == pytest.approx(after)
    files = [county / "outages.csv", county / "stages.csv"]
    assert set(command("convert", *files, "--to", tmp_path / "two", "--json").json["counts"]) == {"outages", "stages"}


def test_an_outage_approved_too_late_is_doubted(command: Command, county: Path) -> None:
    def approve(rows: list[list[str]]) -> None:
        rows[0].append("批准时间")
        start, nature = rows[0].index("停电开始时间"), rows[0].index("停电性质")
        planned = next(row for row in rows if row[nature] == "检修停电")
        for row in rows[1:]:
            row.append(row[start] if row is planned else "")

    rewrite(county / "outages.csv", approve)
    late = [
        warning for warning in command("check", county, "--json").json["warnings"] if warning["column"] == "approved_at"
    ]
    assert [each["file"] for each in late] == ["outages.csv"]
    assert "R1.6" in command("check", county).out
    with (county / "fudian.toml").open("a", encoding="utf-8") as file:
        file.write("notice_h = 0\n")
    warnings = command("check", county, "--json").json["warnings"]
    assert not [warning for warning in warnings if warning["column"] == "approved_at"]


def test_settings_that_are_not_known_are_named(command: Command, county: Path) -> None:
    with (county / "fudian.toml").open("a", encoding="utf-8") as file:
        file.write("sustained_threshold = 5\n")
    said = command("indices", county, "--json")
    assert said.status == 1
    assert "sustained_threshold" in said.err
    assert "sustained_threshold_min" in said.err


def test_a_table_of_settings_that_nothing_reads_is_named(command: Command, county: Path) -> None:
    with (county / "fudian.toml").open("a", encoding="utf-8") as file:
        file.write("[reliabillity]\nnotice_h = 0\n")
    (problem,) = [
        error for error in command("check", county, "--json").json["errors"] if error["file"] == "fudian.toml"
    ]
    assert problem["column"] == "reliabillity"
    assert "reliability" in problem["hint"]


def test_what_libraries_print_does_not_reach_standard_output() -> None:
    noise = "import os; from fudian.cli.app import _keep_answers_apart as keep; keep(); os.write(1, b'noise'); print('答案')"
    said = subprocess.run([sys.executable, "-X", "utf8", "-c", noise], capture_output=True, check=True)
    assert (said.stdout.decode().strip(), said.stderr) == ("答案", b"noise")


def test_chinese_is_spoken_where_it_is_asked_for(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUDIAN_LANG", "zh")
    said = command("affected", COUNTY, "--open", "F03-K99")
    assert "没有" in said.err or "不存在" in said.err


def test_a_plan_can_be_played_with_the_command_that_lists_who_is_off(command: Command, tmp_path: Path) -> None:
    plan = command("restore", COUNTY, "--fault", "F06-L05", "--json").json
    assert plan["proof"] == {"radial": True, "within_ratings": True, "fault_isolated": True}
    assert [step["order"] for step in plan["steps"]] == list(range(1, len(plan["steps"]) + 1))
    assert {step["branch_id"] for step in plan["steps"] if step["action"] == "open"} <= set(plan["isolate"])
    off = command("affected", COUNTY, "--fault", "F06-L05", "--json").json
    assert off["opened"] == plan["tripped"]
    assert plan["restored_customers"] + plan["unrestored_customers"] == off["customers"]
    assert sum(step["restores_customers"] for step in plan["steps"]) == plan["restored_customers"]
    assert sum(stage["customers"] for stage in plan["stages"]) == off["customers"]
    assert sorted(each for stage in plan["stages"] for each in stage["customer_ids"]) == sorted(off["customer_ids"])
    command("restore", COUNTY, "--fault", "F06-L05", "--csv", tmp_path / "back.csv")
    listed = pl.read_csv(tmp_path / "back.csv")
    assert listed.height == off["customers"]
    assert set(listed[listed.columns[-1]]) == {stage["minutes"] for stage in plan["stages"] if stage["customers"]}


def test_who_is_not_in_service_is_neither_off_nor_back(command: Command) -> None:
    """F06-B02 was retired on the way: it stands in the lists of earlier moments alone."""
    retired = pl.read_csv(COUNTY / "transformers.csv").filter(transformer_id="F06-B02")["retired"][0]
    assert retired < "2023"
    for as_of, is_listed in (("2023-01-01", False), ("2021-01-01", True)):
        off = command("affected", COUNTY, "--fault", "F06-L01", "--as-of", as_of, "--json").json
        plan = command("restore", COUNTY, "--fault", "F06-L01", "--as-of", as_of, "--json").json
        back = {each for stage in plan["stages"] for each in stage["transformer_ids"]}
        assert ("F06-B02" in off["transformers"]) == ("F06-B02" in back) == is_listed
        assert back == set(off["transformers"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fault", "f03-l1"], "There is no branch 'f03-l1' in the network. Did you mean F03-L01?"),
        (["--fault", "F03-L05", "--refused", "F03-K0X"], "There is no branch 'F03-K0X'"),
        (["--fault", "F03-L05", "--objective", "money"], "Use customers or kw"),
        ([], "--fault"),
    ],
)
def test_a_plan_that_is_asked_for_wrongly_is_refused(command: Command, options: list[str], said: str) -> None:
    answer = command("restore", COUNTY, *options)
    assert answer.status == 2
    assert said in answer.err


def test_an_impossible_setting_of_restoration_is_named(command: Command, county: Path) -> None:
    with (county / "fudian.toml").open("a", encoding="utf-8") as file:
        file.write("\n[restoration]\npower_factor = 2\n")
    answer = command("restore", county, "--fault", "F03-L05")
    assert answer.status == 1
    assert "restoration.power_factor" in answer.err
    assert any(
        error["column"] == "restoration.power_factor" for error in command("check", county, "--json").json["errors"]
    )


def test_signals_become_incidents_and_what_is_wrong_with_them(command: Command, county: Path) -> None:
    signals = county / "signals" / "incident-5.csv"
    rewrite(
        signals, lambda rows: rows.extend([["never", *rows[1][1:]], [rows[1][0], "transformer", "F99-B01", "off", ""]])
    )
    result = command("infer", county, "--signals", signals, "--json").json
    (incident,) = result["incidents"]
    assert (incident["level"], incident["state"], incident["object_id"]) == ("lateral", "confirmed", "F14-K08")
    assert len(result["problems"]) == 2
    said = command("infer", county, "--signals", signals)
    assert "F14-K08" in said.out
    assert "F99-B01" in said.err
    assert command("infer", county, "--signals", county / "none.csv").status == 2


def test_the_affected_list_is_written_for_printing(command: Command, tmp_path: Path) -> None:
    for name in ("list.csv", "list.xlsx"):
        said = command(
            "affected", COUNTY, "--signals", COUNTY / "signals" / "incident-5.csv", "--csv", tmp_path / name, "--json"
        )
        assert said.status == 0, said.err
    listed = pl.read_excel(tmp_path / "list.xlsx")
    assert listed.height == said.json["customers"] == len(said.json["customer_ids"]) > 0
    lines = (tmp_path / "list.csv").read_text("utf-8-sig").splitlines()
    assert lines[0].split(",") == listed.columns
    assert [line.split(",")[0] for line in lines[1:]] == listed[listed.columns[0]].to_list()


def test_a_replay_without_a_desk_says_so(command: Command) -> None:
    said = command(
        "replay",
        COUNTY,
        "--signals",
        COUNTY / "signals" / "incident-5.csv",
        "--to",
        "http://127.0.0.1:9",
        "--speed",
        "max",
    )
    assert said.status == 2
    assert "fudian serve" in said.err
    assert command("replay", COUNTY, "--signals", COUNTY / "signals.csv", "--speed", "soon").status == 2


def test_sensor_health_is_shown_to_people_too(command: Command, county: Path) -> None:
    refused = command("sensor-health", county)
    assert refused.status == 1
    assert "incidents" in refused.err
    (county / "incidents.csv").write_text("incident_id,branch_id,start\nI1,F03-L01,2022-06-01 08:00\n", "utf-8")
    result = command("sensor-health", county, "--json").json
    assert result["incidents"] == 1
    said = command("sensor-health", county)
    assert said.status == 0
    assert result["rows"][0]["branch_id"] in said.out
    assert [report["off_heard"] for report in result["reports"]] == [0]
    assert result["reports"][0]["off_expected"] > 0
    assert "How terminals reported" in said.err


def run_apart(*arguments: object, **settings: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "fudian.cli", *map(str, arguments)], check=False, **settings)


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "utf-8"])
def test_redirected_output_in_another_encoding(encoding: str) -> None:
    speaks = {**os.environ, "PYTHONIOENCODING": encoding, "FUDIAN_LANG": "zh", "PYTHONUTF8": "0"}
    told = run_apart("check", COUNTY, "--json", stdout=subprocess.PIPE, env=speaks)
    assert told.returncode == 0
    assert json.loads(told.stdout.decode("utf-8"))["counts"]["sources"] > 0
    people = run_apart("check", COUNTY, stdout=subprocess.PIPE, env=speaks)
    assert people.returncode == 0
    assert people.stdout.decode(encoding).strip()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_full_or_closed_output_is_said(form: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        said = run_apart("check", COUNTY, *form, stdout=full, stderr=subprocess.PIPE)
    assert said.returncode == 1
    assert b"cannot be written" in said.stderr or "无法写出".encode() in said.stderr
    assert b"Traceback" not in said.stderr
    closed = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m fudian.cli check '{COUNTY}' {' '.join(form)} >&-"],
        capture_output=True,
        check=False,
    )
    assert closed.returncode == 1
    assert b"Traceback" not in closed.stderr


def test_an_answer_is_one_object_even_if_it_cannot_be_built(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    begin_answer()
    with pytest.raises(TypeError):
        print_json({"first": 1, "then": object()})
    print_json({"value": float("nan"), "far": [1e308 * 10], "half": "\ud800", "word": "电"})
    print_json({"second": 2})
    told = capsysbinary.readouterr().out.decode("utf-8")
    assert json.loads(told) == {"value": None, "far": [None], "half": "\ud800", "word": "电"}
    assert told.count("\n") == 1


def test_the_last_door_holds_what_is_no_exception_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        """As compiled code raises it."""

    def panics(*_: object) -> None:
        raise Panic("out of range")

    monkeypatch.setattr("fudian.cli.app.opened", panics)
    said = command("check", COUNTY, "--json")
    assert said.status == 1
    assert "Panic: out of range" in said.json["error"]


def test_a_converted_network_without_customers_lists_transformers(command: Command, tmp_path: Path) -> None:
    (tmp_path / "grid.cime").write_text(
        "<EnergySource::x>\n@ mRID I_node\n# G S\n</EnergySource::x>\n"
        "<Breaker::x>\n@ mRID name I_node J_node status\n# K1 城一线 S A 1\n# K9 联络 B R 0\n</Breaker::x>\n"
        "<ACLineSegment::x>\n@ mRID I_node J_node\n# L1 A B\n</ACLineSegment::x>\n"
        "<Load::x>\n@ mRID name I_node P\n# T1 北门 B 0.2\n</Load::x>\n",
        "utf-8",
    )
    converted = command("convert", tmp_path / "grid.cime", "--format", "cim-e", "--to", tmp_path / "ws", "--json")
    assert converted.json["counts"]["feeders"] == 1
    said = command("affected", tmp_path / "ws", "--open", "K1", "--csv", tmp_path / "off.csv")
    assert "None" not in said.out
    assert "1 transformers off; the workspace has no table of customers" in said.out
    listed = pl.read_csv(tmp_path / "off.csv")
    assert listed.height == 1
    assert "T1" in listed.row(0)
    assert command("n-1", tmp_path / "ws", "--json").json["feeders"][0]["feeder_id"] == "K1"
    assert command("convert", tmp_path / "grid.cime", "--format", "cim-xml", "--to", tmp_path / "no").status == 1


def test_a_grid_without_labels_says_why_there_is_nothing_to_test(command: Command, tmp_path: Path) -> None:
    (tmp_path / "sources.csv").write_text("node\nS\n")
    (tmp_path / "branches.csv").write_text("branch_id,from_node,to_node,kind\nK1,S,A,breaker\nL1,A,B,line\n")
    (tmp_path / "transformers.csv").write_text("transformer_id,node\nT1,B\n")
    for question in ("n-1", "grid-kpi"):
        assert "no branch has a feeder_id" in " ".join(command(question, tmp_path, "--json").json["assumptions"]), (
            question
        )


def test_a_folder_that_cannot_be_written_is_said(command: Command) -> None:
    said = command("sample", "--to", "/proc/fudian", "--json")
    assert said.status == 1
    assert "/proc/fudian cannot be read or written" in json.loads(said.out)["error"]


def test_a_fault_without_a_branch_is_refused(command: Command) -> None:
    for given in ("", ",", " ， "):
        said = command("affected", COUNTY, "--fault", given, "--json")
        assert (said.status, json.loads(said.out)["error"]) == (2, "fault names no branch.")


def test_who_stops_the_program_while_it_loads_reads_no_traceback() -> None:
    stopped = "import fudian.cli.__main__, os, signal; os.kill(os.getpid(), signal.SIGINT); print('goes on')"
    said = subprocess.run([sys.executable, "-c", stopped], capture_output=True, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (-signal.SIGINT, b"", b"")
