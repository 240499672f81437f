"""Sound inputs of every kind, from which broken ones are made."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import polars as pl

from data_samples.generator.county import COUNTY
from network import read_workspace, workspace
from network.tables.table_form import ROW
from network.tables.workspace import Workspace
from tests.network.readers.test_cim_e import COUNTY as CIM_E
from tests.network.readers.test_cim_xml import DISPATCH, EQUIPMENT, rdf, written
from tests.network.tables import clerks

ROWS = 12
TABLES = (
    "outages",
    "customers",
    "branches",
    "transformers",
    "signals",
    "switching",
    "plans",
    "stages",
    "feeders",
    "sources",
)

OPENDSS = """
clear
new circuit.county basekv=10 bus1=S
new linecode.overhead nphases=3 r1=0.3 x1=0.4 units=km
new line.exit bus1=S bus2=A switch=yes
new line.trunk bus1=A bus2=B linecode=overhead length=1500 units=m normamps=300
~ enabled=yes
new line.spur bus1=B bus2=C linecode=overhead length=0.5 units=km
new line.tie bus1=C bus2=S switch=yes
new transformer.three phases=3 windings=3 buses=(C, F, G) kvs=(10, 0.4, 0.4) kvas=(100, 50, 50)
new fuse.f1 monitoredobj=line.spur monitoredterm=1
new recloser.r1 monitoredobj=line.exit monitoredterm=1
new swtcontrol.t1 switchedobj=line.tie switchedterm=1 normal=open
new loadshape.year npts=8760 interval=1 mult=(file=year.csv)
new load.shop bus1=C kv=10 kw=40 numcust=3 daily=year
new load.home bus1=F.1 phases=1 kv=0.23 kw=5
open line.tie 1
set voltagebases=[10, 0.4]
calcvoltagebases
makebuslist
setbusxy bus=A x=113.6 y=34.7
solve
export voltages
"""

SETTINGS = (COUNTY / "fudian.toml").read_text("utf-8") + (
    '\n[codes.public]\n"1" = true\n"2" = false\n[headers.outages]\n"停电户数" = "users"\n'
)


def county() -> Workspace:
    """Return a piece of the county small enough to be checked for every input."""
    whole = read_workspace(COUNTY)
    rows = {name: frame.drop(ROW).head(ROWS) for name, frame in whole.tables.items() if name in whole.files}
    return workspace(rows)


def tables(whole: Workspace) -> dict[str, tuple[str, bytes]]:
    """Return a sound file of each table in each form: by name, the table and the content."""
    found = {}
    for table in TABLES:
        frame = whole.tables[table].drop(ROW).head(ROWS)
        cells = [frame.columns, *([_shown(value) for value in row] for row in frame.rows())]
        for ending, content in _forms(frame, cells).items():
            found[f"{table}.{ending}"] = (table, content)
    return found


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return "" if value is None else str(value)


def _forms(frame: pl.DataFrame, cells: list[list[str]]) -> dict[str, bytes]:
    text = "\n".join(",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in cells) + "\n"
    packed = io.BytesIO()
    frame.write_parquet(packed)
    records = [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]
    return {
        "csv": text.encode(),
        "gbk.csv": text.encode("gb18030"),
        "utf16.csv": text.encode("utf-16"),
        "txt": text.replace(",", "\t").encode("utf-8-sig"),
        "csv.gz": gzip.compress(text.encode()),
        "json": json.dumps(records, ensure_ascii=False).encode(),
        "jsonl": "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode(),
        "xlsx": clerks.xlsx({"一": cells}),
        "old.xls": clerks.xls({"一": cells}),
        "ods": clerks.ods({"一": cells}),
        "html.xls": clerks.html(cells),
        "xml.xls": _xml_workbook(cells),
        "parquet": packed.getvalue(),
    }


def _xml_workbook(cells: list[list[str]]) -> bytes:
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    rows = "".join(
        "<Row>" + "".join(f"<Cell><Data ss:Type='String'>{cell}</Data></Cell>" for cell in row) + "</Row>"
        for row in cells
    )
    head = f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet><Table>'
    return f"{head}{rows}</Table></Worksheet></Workbook>".encode()


def networks(opendss: bool, pandapower: bool) -> dict[str, tuple[str, bytes]]:
    """Return a sound file of each form of a network: by name, the form and the content.

    Args:
        opendss: whether OpenDSS itself is there to compile what its reader lets pass.
        pandapower: whether pandapower is there to read its own files.
    """
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eq.xml", rdf(EQUIPMENT))
    found = {
        "eq.xml": ("cim-xml", rdf(EQUIPMENT).encode()),
        "dispatch.xml": ("cim-xml", written(DISPATCH, "", "#").encode("utf-8")),
        "eq.zip": ("cim-xml", zipped.getvalue()),
        "county.cime": ("cim-e", CIM_E.encode()),
        "gbk.cime": ("cim-e", CIM_E.encode("gb18030")),
        "script.dss": ("opendss script", OPENDSS.encode()),
        "fudian.toml": ("settings", SETTINGS.encode()),
    }
    if opendss:
        found["master.dss"] = ("opendss", OPENDSS.encode())
    if pandapower:
        found["net.json"] = ("pandapower", _pandapower())
    return found


def _pandapower() -> bytes:
    import pandapower

    net = pandapower.create_empty_network()
    buses = [pandapower.create_bus(net, vn_kv=10.0, name=name) for name in "SABC"]
    pandapower.create_ext_grid(net, buses[0])
    lines = [
        pandapower.create_line(net, tail, head, length_km=1.5, std_type="NAYY 4x150 SE", name=f"{tail}-{head}")
        for tail, head in ((buses[0], buses[1]), (buses[1], buses[2]), (buses[2], buses[3]))
    ]
    pandapower.create_switch(net, buses[0], lines[0], et="l", type="CB")
    pandapower.create_switch(net, buses[0], buses[3], et="b", type="LBS", closed=False)
    pandapower.create_load(net, buses[2], p_mw=0.3, name="shop")
    pandapower.create_load(net, buses[3], p_mw=0.1)
    return str(pandapower.to_json(net)).encode()
