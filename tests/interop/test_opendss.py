"""Fudian's answer to "who is off when this branch opens" against OpenDSS: open it, solve, and see who has no voltage."""

from __future__ import annotations

from pathlib import Path

import opendssdirect  # noqa: F401 (absent: the whole module is left out)
import pytest

from network import Network, WorkspaceError, build_network
from network.readers.opendss import read_opendss
from tests.interop.conftest import EVERYTHING
from tests.interop.feeders import MASTERS, Circuit, banks, cases

SINGLE_PHASE_TIE = "Line.sw8"
RING_ON_ONE_PHASE = {"Line.l67", "Line.l77", "Line.l86", "Line.l88", "Line.l90", "Line.l92"}
"""IEEE 123: Sw8 closes a ring on phase A alone. Tables have no phases, so nobody goes off by these; in truth B and C do."""


def network_of(master: Path) -> Network:
    return build_network(read_opendss([master], lambda _: None))


@pytest.mark.parametrize("feeder", ["ieee13", "ieee34", "ieee123", "ieee9500"])
def test_every_branch_cuts_off_whom_opendss_leaves_without_voltage(feeder: str) -> None:
    master = cases("dss") / MASTERS[feeder]
    net, circuit = network_of(master), Circuit(master)
    supply = net.energise()
    assert net.transformers["transformer_id"].to_list() == circuit.loads
    assert supply.dead() == []
    chosen = banks(net)
    if feeder == "ieee9500" and not EVERYTHING:
        switches = set(net.branches.filter(net.branches["kind"] == "switch")["branch_id"])
        chosen = [bank for index, bank in enumerate(chosen) if index % 15 == 0 or switches & set(bank)]
    compared, cutting = 0, 0
    for bank in chosen:
        if set(bank) & RING_ON_ONE_PHASE and feeder == "ieee123":
            assert supply.below(bank).transformers == []
            bank = [*bank, SINGLE_PHASE_TIE]  # noqa: PLW2901 (with the tie open there is no ring, and both agree)
        ours = supply.below(bank).transformers
        assert set(ours) == circuit.lost(bank), bank
        compared += 1
        cutting += bool(ours)
    print(f"\n{feeder}: {len(circuit.loads)} loads; {compared} branches or banks compared, {cutting} cut off somebody")
    assert cutting > compared / 2


MASTER = """
clear
new circuit.county basekv=10 bus1=S
new linecode.overhead nphases=3 r1=0.3 x1=0.4 units=km
new line.exit bus1=S bus2=A switch=yes
new line.trunk bus1=A bus2=B linecode=overhead length=1500 units=m normamps=300
new line.spur bus1=B bus2=C linecode=overhead length=0.5 units=km
new line.far bus1=C bus2=D linecode=overhead length=1
new line.old bus1=C bus2=E linecode=overhead length=1 units=km enabled=no
new line.tie bus1=D bus2=S switch=yes
new transformer.three phases=3 windings=3 buses=(D, F, G) kvs=(10, 0.4, 0.4) kvas=(100, 50, 50)
new fuse.f1 monitoredobj=line.spur monitoredterm=1
new recloser.r1 monitoredobj=line.exit monitoredterm=1
new swtcontrol.t1 switchedobj=line.tie switchedterm=1 normal=open
new capacitor.bank bus1=B kvar=100
new load.shop bus1=C kv=10 kw=40 numcust=3
new load.home bus1=F.1 phases=1 kv=0.23 kw=5
new load.mill bus1=G kv=0.4 kw=30
makebuslist
setbusxy bus=A x=113.6 y=34.7
"""


def test_every_element_has_its_place(tmp_path: Path) -> None:
    master = tmp_path / "county.dss"
    master.write_text(MASTER)
    net = network_of(master)
    supply = net.energise()
    branches = {row["branch_id"]: row for row in net.branches.iter_rows(named=True)}
    assert {name: row["kind"] for name, row in branches.items()} == {
        "Line.exit": "recloser", "Line.trunk": "line", "fuse.f1": "fuse", "Line.spur": "line", "Line.far": "line",
        "Line.tie": "switch", "Transformer.three.1": "bus", "Transformer.three.2": "bus", "Transformer.three.3": "bus",
    }  # fmt: skip
    assert [name for name, row in branches.items() if row["normally_open"]] == ["Line.tie"]
    trunk = branches["Line.trunk"]
    assert (trunk["length_km"], trunk["rating_a"]) == (1.5, 300.0)
    assert (trunk["r_ohm"], trunk["x_ohm"]) == (pytest.approx(0.45), pytest.approx(0.6))
    assert branches["Line.far"]["length_km"] is None
    assert supply.below("fuse.f1").transformers == ["Load.shop", "Load.home", "Load.mill"]
    assert supply.below("Transformer.three.2").transformers == ["Load.home"]
    assert supply.below("Line.exit").customer_count == 5
    assert net.transformers["load_kw"].to_list() == [40.0, 5.0, 30.0]
    assert net.workspace.tables["nodes"].row(0) == ("a", 113.6, 34.7, 2)
    said = {problem.object_id or problem.value: problem for problem in net.workspace.problems}
    assert set(said) == {"Line.old", "Line.far", "capacitor"}
    assert net.feeders.select("feeder_id", "name").rows() == [("Line.exit", "Line.exit")]
    assert set(net.branches.filter(net.branches["feeder_id"].is_null())["branch_id"]) == {"Line.tie"}


def test_customers_are_not_made_up(tmp_path: Path) -> None:
    master = tmp_path / "county.dss"
    master.write_text(MASTER.replace("numcust=3", ""))
    assert network_of(master).customers.is_empty()


def test_a_file_that_opendss_refuses_is_a_clear_error(tmp_path: Path) -> None:
    master = tmp_path / "county.dss"
    master.write_text("new circuit.county\nnew line.x bus1=A bus2=B linecode=none_such\n")
    with pytest.raises(WorkspaceError, match="none_such"):
        network_of(master)


def test_a_script_is_not_run_but_for_what_defines_the_circuit(tmp_path: Path) -> None:
    """It may neither write nor read files elsewhere, nor solve: whoever exports a circuit names commands of all kinds."""
    folder, outside = tmp_path / "circuit", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "Names.csv").write_text("x")
    (folder / "Lines.DSS").write_text(
        "new line.more bus1=A bus2=H length=1 units=km\nnew load.late bus1=H kv=10 kw=1\n"
    )
    (folder / "points.csv").write_text("A, 113.62, 34.71\nB 113.63 34.72 ! below\n")
    master = folder / "county.dss"
    master.write_text(
        f"set datapath={outside}\n"
        + MASTER
        + "redirect lines.dss ! of Windows\nbuscoords points.csv\nuuids Names.csv\nsolve mode=yearly number=8760\n"
        + f"export voltages {outside / 'v.csv'}\nsave circuit dir={outside / 'saved'}\nshow losses\n"
        + "new loadshape.year npts=8760 interval=1 mult=(file=year.csv)\nnew load.shaped bus1=B kv=10 kw=2 daily=year\n"
        + f"new line.odd bus1=B bus2=Q rmatrix=(file={outside / 'secret.csv'})\n~ length=2\n"
        + "new generator.plant bus1=B kw=10 usermodel=plant.dll\nplot circuit\n"
    )
    before = sorted(tmp_path.rglob("*"))
    net = network_of(master)
    assert sorted(tmp_path.rglob("*")) == before
    assert {"Line.more", "Line.trunk"} <= set(net.branches["branch_id"])
    assert {"Load.late", "Load.shaped"} <= set(net.transformers["transformer_id"])
    assert net.workspace.tables["nodes"].select("node", "lon").rows() == [("a", 113.62), ("b", 113.63)]
    told = [problem.line() for problem in net.workspace.problems]
    assert any("export, plot, save, show, solve, uuids" in line for line in told)
    assert any("line.odd" in line and "was not run" in line for line in told)


@pytest.mark.parametrize(
    "command", ["redirect ../secret.dss", "compile (SECRET)", "buscoords ../secret.dss", "redirect county.dss"]
)
def test_a_script_reads_no_file_outside_its_folder(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "circuit"
    folder.mkdir()
    secret = tmp_path / "secret.dss"
    secret.write_text("new line.secret bus1=A bus2=X\n")
    (folder / "county.dss").write_text(MASTER + command.replace("SECRET", str(secret)) + "\n")
    with pytest.raises(WorkspaceError, match=r"outside its folder|names itself"):
        network_of(folder / "county.dss")


def test_a_circuit_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    master = tmp_path / "county.dss"
    master.write_text(MASTER)
    monkeypatch.setattr("network.readers.opendss.SECONDS", 0.01)
    with pytest.raises(WorkspaceError, match="not done after"):
        network_of(master)


@pytest.mark.parametrize("scale", [1.0, 0.1, 0.01])
def test_points_of_a_plane_are_not_degrees(scale: float, tmp_path: Path) -> None:
    """A drawing of 30 by 30 units, or of 3 by 3, lies in the same range as degrees."""
    points = "".join(
        f"setbusxy bus={bus} x={(3 + 9 * at) * scale} y={(29 - 7 * at) * scale}\n" for at, bus in enumerate("SABC")
    )
    master = tmp_path / "county.dss"
    master.write_text(MASTER.split("makebuslist", maxsplit=1)[0] + "makebuslist\n" + points)
    net = network_of(master)
    assert net.workspace.tables["nodes"].is_empty()
    assert any("not longitude and latitude" in str(problem.message) for problem in net.workspace.problems)


def test_a_line_out_of_service_may_be_a_tie(tmp_path: Path) -> None:
    master = tmp_path / "county.dss"
    master.write_text(MASTER)
    net = build_network(read_opendss([master], lambda _: None, idle_is_open=True))
    rows = {row["branch_id"]: row for row in net.branches.iter_rows(named=True)}
    assert (rows["Line.old"]["kind"], rows["Line.old"]["normally_open"], rows["Line.old"]["length_km"]) == (
        "switch",
        True,
        1.0,
    )
    assert "Line.old: It is out of service in the source; it was taken as normally open" in " ".join(
        problem.line() for problem in net.workspace.problems
    )
