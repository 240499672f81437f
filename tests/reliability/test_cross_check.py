"""The reliability system's own report: read in every form it comes in, checked against itself and against our figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from network import Network, WorkspaceError, network_from_tables, read_network
from network.tables.schema import TABLES
from reliability import Period
from reliability.query import Query
from reliability.statistics import Statistics
from tests.reliability.records import bus

YEAR = {"start": "2022-01-01", "end": "2022-12-31", "period_h": 8760}
HEADER = (
    "所属地市", "所属区县", "管理属性", "统计期间小时", "统计期间天数", "起始时间", "终止时间", "电压等级", "规划特征",
    "线路性质", "单位性质", "地区特征", "系统平均停电时间SAIDI-1（小时/户）", "SAIDI-F（分钟/户）", "SAIDI-S（h/户）",
    "平均供电可靠率ASAI-1（%）", "等效总用户数（户）", "停电总时户数（时户）",
)  # fmt: skip


@cache
def worked_example() -> Mapping[str, pl.DataFrame]:
    """Ten users all year, as in 1.7 of the field reference: two of them in town, the others rural."""
    users = [
        {"region_class": "town" if i < 2 else "rural", "unit": "城关供电所" if i < 5 else "青石供电所"}
        for i in range(10)
    ]
    outages = [
        *({"outage_id": f"E1-{i}", "start": "2022-03-01 08:00", "end": f"2022-03-01 {'08:45' if i < 4 else '11:30'}",
           "nature": "F-INT", "transformer_id": f"T{i}"} for i in range(10)),
        *({"outage_id": f"E2-{i}", "start": "2022-05-01 08:00", "end": "2022-05-01 12:00", "nature": "P-PLAN-MAINT",
           "transformer_id": f"T{i}"} for i in range(6)),
    ]  # fmt: skip
    tables = network_from_tables(bus(10, users) | {"outages": outages}).workspace.tables
    return {name: tables[name].drop("row") for name in ("sources", "branches", "transformers", "outages")}


def of(found: list[dict[str, Any]], figure: str, against: str = "our_records") -> dict[str, Any]:
    (row,) = (row for row in found if row["figure"] == figure and row["against"] == against)
    return row


def checked(*report: Mapping[str, Any], name: str = "", as_of: datetime | None = None) -> list[dict[str, Any]]:
    """Return the comparison of a report with the worked example."""
    feeders = [{"feeder_id": "F", "public": True}]
    tables = {**worked_example(), "feeders": feeders, "reliability_report": [{**YEAR, **row} for row in report]}
    net = network_from_tables(tables, {"name": name})
    assert net.workspace.errors == ()
    return Statistics(net).cross_check(as_of).rows.to_dicts()


def test_a_row_that_is_right_agrees_with_itself_and_with_us() -> None:
    found = checked(
        {"equivalent_users": 10, "total_customer_hours": 48, "saidi_1_h": 4.80, "saidi_f_h": 2.4, "saidi_s_h": 2.4,
         "asai_1_percent": 99.945, "period_days": 365}
    )  # fmt: skip
    assert [row["figure"] for row in found if row["against"] == "itself"] == ["hours", "days", "SAIDI-1", "ASAI-1"]
    assert [row["figure"] for row in found if row["against"] == "our_records"] == [
        "N_T", "CH", "SAIDI-1", "SAIDI-F", "SAIDI-S", "ASAI-1",
    ]  # fmt: skip
    assert all(row["agrees"] for row in found)
    assert {row["reason"] for row in found} == {None}
    assert of(found, "SAIDI-F")["computed"] == pytest.approx(2.4)
    assert of(found, "N_T")["end"] == datetime(2023, 1, 1)


@pytest.mark.parametrize(
    ("row", "figure", "difference"),
    [
        ({"equivalent_users": 10, "total_customer_hours": 48, "saidi_1_h": 4.82}, "SAIDI-1", 0.02),
        ({"saidi_1_h": 4.8, "asai_1_percent": 99.94}, "ASAI-1", 99.94 - 100 * (1 - 4.8 / 8760)),
        ({"period_days": 364}, "days", -1),
    ],
)
def test_a_row_that_contradicts_itself(row: dict[str, Any], figure: str, difference: float) -> None:
    line = of(checked(row), figure, "itself")
    assert line["agrees"] is False
    assert line["difference"] == pytest.approx(difference)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 1e6), st.floats(-0.05, 0.05)), min_size=1, unique=True))
def test_saidi_agrees_within_a_hundredth(drawn: list[tuple[float, float, float]]) -> None:
    rows = [(users, hours, max(0.0, hours / users + off)) for users, hours, off in drawn]
    found = checked(
        *(
            {"equivalent_users": users, "total_customer_hours": hours, "saidi_1_h": saidi}
            for users, hours, saidi in rows
        )
    )
    lines = [line for line in found if (line["figure"], line["against"]) == ("SAIDI-1", "itself")]
    for line in lines:
        users, hours, saidi = rows[line["row"] - 2]
        distance = abs(saidi - hours / users)
        assert line["reported"] == saidi
        if abs(distance - 0.01) > 1e-6 * max(1, saidi):
            assert line["agrees"] == (distance < 0.01)


@pytest.mark.parametrize(
    ("row", "users", "hours"),
    [
        ({"region_class": "城镇"}, 2, 2 * 4.75),
        ({"region_class": "农网"}, 10, 48),
        ({"region_class": "城网"}, 0, 0),
        ({"unit": "青石供电所"}, 5, 5 * 3.5 + 4),
        ({"county": "青石供电所", "region_class": "农村"}, 5, 5 * 3.5 + 4),
        ({"county": "复源县", "region_class": "全口径"}, 10, 48),
        ({"voltage": "10（6、20）千伏"}, 10, 48),
        ({"end": "2022-12-31 23:59:59", "period_h": None}, 10, 48),
        ({"end": "2022-04-01", "period_h": 2160}, 10, 24),
        ({"end": "2022-03-31", "period_h": None, "period_days": 90}, 10, 24),
    ],
)
def test_the_users_and_the_time_that_a_row_names(row: dict[str, Any], users: float, hours: float) -> None:
    found = checked(row | {"equivalent_users": users, "total_customer_hours": hours}, name="复源县")
    for figure, value in (("N_T", users), ("CH", hours)):
        assert of(found, figure)["computed"] == pytest.approx(value)
        assert of(found, figure)["agrees"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"period_h": None}, "period_unclear"),
        ({"period_h": 8000}, "period_unclear"),
        ({"county": "他县"}, "unit_unknown"),
        ({"voltage": "35kV"}, "high_voltage"),
        ({"voltage": "全部"}, "voltage_unclear"),
        ({"voltage": "380V"}, "no_customers"),
    ],
)
def test_a_row_that_cannot_be_compared_says_why(row: dict[str, Any], reason: str) -> None:
    found = checked(row | {"equivalent_users": 10, "total_customer_hours": 48, "saidi_1_h": 4.8})
    ours = [line for line in found if line["against"] == "our_records"]
    assert len(ours) == 6
    assert {(line["reason"], line["agrees"], line["computed"]) for line in ours} == {(reason, None, None)}
    assert of(found, "SAIDI-1", "itself")["agrees"]


def test_doubts_are_said() -> None:
    found = checked({"planning_class": "A类", "equivalent_users": 0}, {"line_kind": "公用", "equivalent_users": 10})
    assert {(line["row"], line["reason"]) for line in found if line["figure"] == "N_T"} == {
        (2, "class_missing"), (3, "class_missing"),
    }  # fmt: skip
    twice = checked({"admin_property": "城区"}, {"admin_property": "县公司"})
    assert {line["reason"] for line in twice if line["against"] == "our_records"} == {"same_scope"}
    assert of(checked({}), "CH")["reason"] == "not_reported"
    assert of(checked({"equivalent_users": 0, "saidi_1_h": 0}), "SAIDI-1", "itself")["reason"] == "not_computable"


def test_what_is_not_known_yet_is_not_compared() -> None:
    found = checked({"total_customer_hours": 48}, as_of=datetime(2022, 7, 1))
    assert of(found, "CH")["reason"] == "not_known_yet"
    assert of(checked({"total_customer_hours": 48}, as_of=datetime(2023, 1, 1)), "CH")["agrees"]


# Reading ----------------------------------------------------------------------------------------------------------------


def report_of(net: Network) -> list[list[object]]:
    """Write the report that the reliability system would hold of 2022, a row for each region class and all together."""
    known = Statistics(net)
    names = {code: words[0] for code, words in (TABLES["reliability_report"]["region_class"].codes or {}).items()}
    return [
        ["某市", "复源县", "县公司", 8760, 365, "2022-01-01", "2022-12-31", "10kV", "", "", "供电企业", names[row[by]],
         round(row["SAIDI-1"], 2), round(60 * row["SAIDI-F"], 1), round(row["SAIDI-S"], 2), f"{row['ASAI-1']:.3f}%",
         round(row["N_T"], 2), round(row["CH"], 2)]
        for by in ("region_class", "aggregate")
        for row in known.indices(Query(Period.year(2022), (by,))).to_dicts()
    ]  # fmt: skip


def write_report(path: Path, form: str, rows: list[list[object]]) -> None:
    titles: list[list[object]] = [["供电可靠性指标统计报表"], ["单位：复源县供电公司", "统计时间：2022年"], []]
    lines: list[list[object]] = [*titles, list(HEADER), *rows]
    if form == "xlsx":
        book = xlsxwriter.Workbook(path / "可靠性统计报表.xlsx")
        sheet = book.add_worksheet("报表")
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line)
        book.close()
    elif form == "html":
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in lines)
        page = f'<html><head><meta charset="gb2312"></head><body><table>{body}</table></body></html>'
        (path / "reliability_report.xls").write_bytes(page.encode("gbk"))
    else:
        text = "\n".join("\t".join(map(str, line)) for line in lines)
        suffix, text = ("xls", text) if form == "tsv" else ("csv", text.replace("\t", ","))
        (path / f"reliability_report.{suffix}").write_bytes(text.encode("gb18030"))


@pytest.mark.parametrize("form", ["csv", "xlsx", "html", "tsv"])
def test_a_report_in_every_form_agrees_with_the_county_it_was_made_of(
    form: str, tmp_path: Path, county: Network
) -> None:
    folder = tmp_path / "ws"
    folder.mkdir()
    for name in ("sources", "branches", "transformers", "outages", "stages", "feeders", "customers"):
        county.workspace.tables[name].drop("row").write_parquet(folder / f"{name}.parquet")
    (folder / "fudian.toml").write_text('name = "复源县"\n', "utf-8")
    rows = report_of(county)
    write_report(folder, form, rows)
    net = read_network(folder)
    assert net.workspace.problems_of("reliability_report") == ()
    found = Statistics(net).cross_check()
    assert found.rows.filter(against="our_records", figure="CH")["row"].to_list() == [5 + i for i in range(7)]
    assert found.rows.filter(pl.col("agrees").not_()).to_dicts() == []
    assert found.rows["agrees"].null_count() == 0
    rows[2][12] = round(float(str(rows[2][12])) + 0.02, 2)
    write_report(folder, form, rows)
    differs = Statistics(read_network(folder)).cross_check().rows.filter(pl.col("agrees").not_())
    assert differs.select("row", "against", "figure").rows() == [
        (7, "itself", "SAIDI-1"),
        (7, "our_records", "SAIDI-1"),
    ]


def test_a_class_that_no_one_can_map_is_rejected_aloud(tmp_path: Path, county: Network) -> None:
    county.workspace.tables["transformers"].drop("row").write_parquet(tmp_path / "transformers.parquet")
    rows = report_of(county)[:2]
    rows[0][11] = "2"  # 农村 in one system, 市区 in another
    write_report(tmp_path, "csv", rows)
    net = read_network(tmp_path)
    (problem,) = net.workspace.problems_of("reliability_report")
    assert (problem.severity, problem.row, problem.column, problem.value) == ("error", 5, "region_class", "2")
    assert "fudian.toml" in str(problem.hint)
    result = Statistics(net).cross_check().as_dict()
    assert {row["row"] for row in result["rows"]} == {6}
    assert [each["value"] for each in result["rejected"]] == ["2"]


def test_without_a_report_there_is_nothing_to_compare(county: Network) -> None:
    with pytest.raises(WorkspaceError, match="reliability_report"):
        Statistics(county).cross_check()
