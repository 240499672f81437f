"""CIM/E: a small county of our own in every form that a block may take, and what breaks the form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from network import FudianError, Network, Problem, WorkspaceError, build_network
from network.readers.cim_e import read_cim_e

#   S1 --CB1-- A ==L1== B --LBS1-- C ==L2== D      two 10 kV feeders of one station, tie D--E open
#   S1 --CB2-- F ==L3== E      (D)--TIE--(E)       a third feeder behind the three windings of T1
COUNTY = """<!System=DMS Version=1.0 Code=GBK Data=1.0!>
// 县域 10kV 配电网
<Substation::城关>
@ Num mRID name
// 序号 标识 名称
# 1 113 '城关 110kV 变电站'
</Substation::城关>
<BaseVoltage::城关>
@ Num mRID name nomkV
# 1 10kV 10kV 10
</BaseVoltage::城关>
<EnergySource::城关>
@\tNum\tmRID\tname\tI_node\tSubstation
#\t1\tG1\t'城关 10kV I 母'\tS1\t113
</EnergySource::城关>
<BusbarSection::城关>
@ mRID name I_node
# B1 I母 S1
</BusbarSection::城关>
<Breaker::城关>
@ Num mRID name pathName I_node J_node status ratedCurrent
# 1 CB1 '城一线 开关' 城关/城一线 S1 A 1 630
# 2 CB2 城二线开关 城关/城二线 S1 F 1 NULL
</Breaker::城关>
<LoadBreakSwitch::城关>
@# 顺序 属性名 1 2
# 1 mRID LBS1 TIE
# 2 name 分段开关 联络开关
# 3 I_nd C D
# 4 J_nd B E
# 5 point 1 0
</LoadBreakSwitch::城关>
<ACLineSegment::城关>
@ mRID name r x length ratedCurrent
# L1 城一线1段 0.27 0.38 1.2 400
# L2 城一线2段 0.11 0.16 0.5 300
</ACLineSegment::城关>
<ACLineDot::城关>
@ mRID ACLineSegment I_node
# L1a L1 A
# L1b L1 B
# L2a L2 C
# L2b L2 D
</ACLineDot::城关>
<ACLine::城关>
@ mRID name I_node J_node I_off J_off R X
# L3 城二线1段 F E 0 0 0.5 0.4
# XL1 城一线 NULL NULL 0 0 NULL NULL
</ACLine::城关>
<PowerTransformer::城关>
@@ 顺序 属性名 属性值
# 1 mRID T1
# 2 name '三卷 变'
</PowerTransformer::城关>
<TransformerWinding::城关>
@@Num mRID PowerTransformer I_node
# 1 T1h T1 E
# 2 T1m T1 M
# 3 T1l T1 N
</TransformerWinding::城关>
<Load::城关>
@ mRID name I_node P
# 0012 '李庄 1#' B 0.08
# 0013 王庄 D 0.1
# 0014 厂区 M 0.2
# 0015 站用 N NULL
</Load::城关>
<ShuntCompensator::城关>
@ mRID I_node
# C1 B
</ShuntCompensator::城关>
"""


def read(text: str, folder: Path, encoding: str = "utf-8") -> Network:
    path = folder / "county.cime"
    path.write_bytes(text.encode(encoding))
    return build_network(read_cim_e([path], lambda _: None))


def only(net: Network, severity: str = "error") -> Problem:
    found = [
        problem
        for problem in net.workspace.problems
        if problem.severity == severity and "kind" not in str(problem.message)
    ]
    assert len(found) == 1, [problem.line() for problem in found]
    return found[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_county(encoding: str, tmp_path: Path) -> None:
    net = read(COUNTY, tmp_path, encoding)
    rows = {row["branch_id"]: row for row in net.branches.iter_rows(named=True)}
    assert {name: row["kind"] for name, row in rows.items()} == {
        "CB1": "breaker", "CB2": "breaker", "LBS1": "switch", "TIE": "switch", "L1": "line", "L2": "line", "L3": "line",
        "T1.1": "bus", "T1.2": "bus", "T1.3": "bus",
    }  # fmt: skip
    assert [name for name, row in rows.items() if row["normally_open"]] == ["TIE"]
    assert (rows["CB1"]["name"], rows["CB1"]["rating_a"], rows["CB2"]["rating_a"]) == ("城一线 开关", 630.0, None)
    assert [rows["L1"][column] for column in ("r_ohm", "x_ohm", "length_km", "rating_a")] == [0.27, 0.38, 1.2, 400.0]
    assert (rows["L3"]["r_ohm"], rows["T1.1"]["name"]) == (0.5, "三卷 变")
    assert net.sources.select("node", "station_id", "name").rows() == [("S1", "113", "城关 10kV I 母")]
    assert net.transformers.select("transformer_id", "load_kw").rows() == [
        ("0012", 80.0), ("0013", 100.0), ("0014", 200.0), ("0015", None),
    ]  # fmt: skip
    supply = net.energise()
    assert supply.below("CB1").transformers == ["0012", "0013"]
    assert supply.below("LBS1").transformers == ["0013"]
    assert supply.below("T1.3").transformers == ["0015"]
    assert supply.switched(open=["CB1"], close=["TIE"]).dead() == []
    assert net.workspace.errors == ()
    assert [problem.value for problem in net.workspace.warnings] == ["ShuntCompensator"]


def test_several_files_are_one_model(tmp_path: Path) -> None:
    cut = COUNTY.index("<Load::")
    for name, part in (("a.cime", COUNTY[:cut]), ("b.cime", COUNTY[cut:])):
        (tmp_path / name).write_text(part, "utf-8")
    net = build_network(read_cim_e([tmp_path / "a.cime", tmp_path / "b.cime"], lambda _: None))
    assert net.energise().users_below().max() == 2.0
    assert net.transformers.height == 4


@pytest.mark.parametrize(
    ("good", "bad", "place", "said"),
    [
        ("# 1 CB1 '城一线 开关' 城关", "# 1 CB1 城一线 开关 城关", "# 1 CB1 城一线", "as many fields"),
        ("# 1 CB1 '城一线 开关' 城关", "# 1 CB1 '城一线 城关", "# 1 CB1 '城一线", "quote"),
        ("# 1 113 '城关", "1 113 '城关", "1 113 '城关", "begins with"),
        ("@ mRID ACLineSegment I_node\n", "", "# L1a", "before the columns"),
        ("# 5 point 1 0", "# 5 point 1", "# 5 point 1", "for every object"),
        ("# 2 name '三卷 变'", "# 2 name 三卷 变", "# 2 name 三卷", "attribute"),
        ("</Load::城关>\n", "</Load::城关>\nstray\n", "stray", "outside"),
        ("</Load::城关>\n", "</Load::城关>\n</Loads::城关>\n", "</Loads::城关>", "closes no block"),
    ],
)
def test_a_line_that_breaks_the_form_is_named(good: str, bad: str, place: str, said: str, tmp_path: Path) -> None:
    assert COUNTY.count(good) == 1
    wrong = COUNTY.replace(good, bad)
    net = read(wrong, tmp_path)
    named = net.workspace.errors[0]
    assert (named.file, named.value) == ("county.cime", wrong.split("\n")[(named.row or 0) - 1])
    assert str(named.value).startswith(place)
    assert said in str(named.message)
    assert str(named.hint)
    assert net.sources.height == 1  # the rest was read


@pytest.mark.parametrize(
    ("good", "bad", "place", "table", "element", "said"),
    [
        ("# 0014 厂区 M", "# 0014 厂区 NULL", "# 0014", "transformers", "0014", "no node"),
        ("# L2b L2 D\n", "", "# L2 ", "branches", "L2", "no to_node"),
        (
            "# 2 CB2 城二线开关 城关/城二线 S1 F",
            "# 2 CB2 城二线开关 NULL NULL NULL",
            "# 2 CB2",
            "branches",
            "CB2",
            "no node",
        ),
        ("@@Num mRID PowerTransformer", "@@Num mRID Owner", "# 1 T1h", "branches", "T1h", "no transformer"),
    ],
)
def test_an_element_without_its_nodes_is_named(
    good: str, bad: str, place: str, table: str, element: str, said: str, tmp_path: Path
) -> None:
    assert COUNTY.count(good) == 1
    wrong = COUNTY.replace(good, bad)
    named = read(wrong, tmp_path).workspace.errors[0]
    assert (named.file, named.table, named.object_id) == ("county.cime", table, element)
    assert wrong.split("\n")[(named.row or 0) - 1].startswith(place)
    assert said in str(named.message)


@pytest.mark.parametrize(
    ("good", "bad", "column", "value"),
    [
        ("# 5 point 1 0", "# 5 point 1 9", "normally_open", "9"),
        ("0.27 0.38 1.2 400", "0.27 0.38 1.2km 400", "length_km", "1.2km"),
        ("# 0013 王庄 D 0.1", "# 0013 王庄 D 0,1", "load_kw", "0,1"),
    ],
)
def test_a_doubtful_value_is_left_open_and_named(good: str, bad: str, column: str, value: str, tmp_path: Path) -> None:
    named = only(read(COUNTY.replace(good, bad), tmp_path), "warning")
    assert (named.column, named.value, named.file) == (column, value, "county.cime")


def test_a_block_without_an_end_is_read_and_named(tmp_path: Path) -> None:
    net = read(COUNTY.replace("</Load::城关>\n", ""), tmp_path)
    assert net.transformers.height == 4
    named = only(net, "warning")
    assert (named.value, COUNTY.split("\n")[(named.row or 0) - 1]) == ("Load", "<Load::城关>")


@pytest.mark.parametrize("text", ["", "milk\nbread\n", "<Load::x>\n</Load::x>\n", "\udcff"])
def test_a_file_without_a_block_is_a_clear_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "county.cime"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(WorkspaceError, match=r"county\.cime"):
        read_cim_e([path], lambda _: None)


def test_the_command_converts_it(tmp_path: Path) -> None:
    (tmp_path / "county.cime").write_bytes(COUNTY.replace("# 5 point 1 0", "# 5 point 1").encode("gb18030"))
    fudian = [sys.executable, "-m", "fudian.cli"]
    convert = [
        *fudian,
        "convert",
        str(tmp_path / "county.cime"),
        "--format",
        "cim-e",
        "--to",
        str(tmp_path / "ws"),
        "--json",
    ]
    converted = json.loads(subprocess.run(convert, capture_output=True, text=True, check=True).stdout)
    check = subprocess.run(
        [*fudian, "check", str(tmp_path / "ws"), "--json"], capture_output=True, text=True, check=True
    )
    assert (
        converted["counts"]
        == json.loads(check.stdout)["counts"]
        == {"sources": 1, "branches": 10, "transformers": 4, "feeders": 1}
    )
    (named,) = converted["errors"]
    assert (named["file"], named["table"], named["value"]) == ("county.cime", "LoadBreakSwitch", "# 5 point 1")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FudianError, match="There is no"):
        read_cim_e([tmp_path / "none.cime"], lambda _: None)
