"""The same outages as different clerks would write them: encodings, forms of files, headers, times and signs, pair by pair."""

from __future__ import annotations

import io
import itertools
import random
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import xlsxwriter
import xlwt

YEAR = datetime(2022, 1, 1)
USERS_STATED = 20_000
NATURES = (
    ("F-INT", "故障停电", "内部故障停电"),
    ("F-EXT", "故障停电", "外部故障停电"),
    ("P-PLAN-MAINT", "预安排停电", "计划停电", "检修停电"),
    ("P-PLAN-CONST", "预安排停电", "计划停电", "施工停电"),
    ("P-TEMP-MAINT", "预安排停电", "临时停电", "检修停电"),
    ("P-TEMP-CUST", "预安排停电", "临时停电", "用户申请停电"),
)


@dataclass(frozen=True)
class Record:
    """One outage, as it was."""

    outage_id: str
    start: datetime
    end: datetime
    nature: Sequence[str]
    users: int

    @property
    def customer_hours(self) -> float:
        return self.users * (self.end - self.start) / timedelta(hours=1)


def records(count: int = 200, seed: int = 2022) -> list[Record]:
    """Draw outages of a year: from two minutes to two days, to the minute, in the order of their start."""
    chance = random.Random(seed)
    starts = sorted(YEAR + timedelta(minutes=chance.randrange(300 * 1440)) for _ in range(count))
    return [
        Record(
            f"TD{number:05d}",
            start,
            start + timedelta(minutes=chance.choice((2, 45, 95, 200, 431, 1500, 2880))),
            chance.choice(NATURES),
            chance.randrange(1, 400),
        )
        for number, start in enumerate(starts, start=1)
    ]


# -- styles ------------------------------------------------------------------------------------------------------------

FORMS = ("csv", "txt", "csv.gz", "json", "xlsx", "xls", "xlsb", "ods", "html")
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16")
HEADERS = ("english", "english words", "chinese", "titled", "two rows", "start twice", "unit", "starred")
ENDS = ("end", "duration words", "duration minutes", "duration in end", "clock duration")
TIMES = ("iso", "slashes", "chinese", "digits", "dots", "utc", "zone", "epoch", "apart")
PATHS = ("code", "leaf", "/", "-", " > ", "—", "，", " ")
PARTS = ("one", "months", "sheets")

CHOICES: Mapping[str, Sequence[str]] = {
    "form": FORMS,
    "encoding": ENCODINGS,
    "header": HEADERS,
    "end": ENDS,
    "time": TIMES,
    "path": PATHS,
    "parts": PARTS,
}
WORKBOOKS = ("xlsx", "xls", "xlsb", "ods")


@dataclass(frozen=True)
class Style:
    """How one clerk writes."""

    form: str
    encoding: str
    header: str
    end: str
    time: str
    path: str
    parts: str

    def __str__(self) -> str:
        return "|".join((self.form, self.encoding, self.header, self.end, self.time, self.path, self.parts))


def possible(style: Mapping[str, str]) -> bool:
    """Return whether a clerk can write so: a header that stands twice or over two columns needs two columns of times."""
    two = style.get("header") in {"start twice", "two rows"}
    return not (
        (two and style.get("end", "end") not in {"end", "duration in end"})
        or (style.get("header") == "start twice" and style.get("end", "end") != "end")
        or (style.get("header") in {"two rows", "titled", "start twice"} and style.get("form") == "json")
        or (style.get("form") in WORKBOOKS and style.get("encoding", "utf-8") != "utf-8")
        or (style.get("parts") == "sheets" and style.get("form", "xlsx") not in WORKBOOKS)
        or (style.get("time") == "epoch" and style.get("header") in {"two rows", "start twice"})
        or (style.get("time") == "epoch" and style.get("end", "end") == "duration in end")
        or (style.get("time") == "apart" and (two or style.get("header") == "starred"))
    )


def styles(seed: int = 7) -> list[Style]:
    """Return styles by which every possible pair of choices is written at least once."""
    names = list(CHOICES)
    pairs = {
        ((one, a), (two, b))
        for one, two in itertools.combinations(names, 2)
        for a in CHOICES[one]
        for b in CHOICES[two]
        if possible({one: a, two: b})
    }
    chance = random.Random(seed)
    found: list[Style] = []
    while pairs:
        best: tuple[int, dict[str, str]] | None = None
        for _ in range(120):
            (one, a), (two, b) = chance.choice(sorted(pairs))
            style = {name: chance.choice(CHOICES[name]) for name in names} | {one: a, two: b}
            if possible(style):
                new = sum(pair in pairs for pair in itertools.combinations(style.items(), 2))
                best = max(best or (0, style), (new, style), key=lambda each: each[0])
        if best is None or not best[0]:
            break
        found.append(Style(**best[1]))
        pairs -= set(itertools.combinations(best[1].items(), 2))
    return found


# -- sheets ------------------------------------------------------------------------------------------------------------


def rows_of(outages: Sequence[Record], style: Style) -> list[list[str]]:
    """Return the rows of one sheet, header and titles included, all as text."""
    region = "Urban area" if style.header == "english words" else "市区"
    body = [
        [
            outage.outage_id,
            *(apart(outage.start) if style.time == "apart" else [time_of(outage.start, style.time)]),
            *(apart(outage.end) if style.time == "apart" and style.end == "end" else [end_of(outage, style)]),
            nature_of(outage.nature, style.path),
            region,
            str(outage.users),
        ]
        for outage in outages
    ]
    return [*headers_of(style), *body]


def apart(time: datetime) -> list[str]:
    """Return the parts of a time, one a column."""
    return [str(part) for part in (time.year, time.month, time.day, time.hour, time.minute)]


def _names_apart(style: Style, names: Sequence[str]) -> list[str]:
    """Return the headers of a sheet in which each part of a time has its own."""
    english = style.header.startswith("english")
    parts = ("Year", "Month", "Day", "Hour", "Minute") if english else ("年", "月", "日", "时", "分")
    whole = ("Start ", "Restored ") if english else ("停电", "送电") if style.header == "unit" else ("", "")
    ends = [whole[1] + part for part in parts] if style.end == "end" else [names[2]]
    return [names[0], *(whole[0] + part for part in parts), *ends, *names[3:]]


def headers_of(style: Style) -> list[list[str]]:
    english = style.header == "english"
    start = "start" if english else "停电开始时间"
    words = style.header == "english words"
    end = {
        "end": "end" if english else "送电时间",
        "duration in end": "end" if english else "送电时间",
        "duration words": "停电时长",
        "duration minutes": "停电持续时间（分钟）",
        "clock duration": "duration_h" if english else "历时",
    }[style.end]
    if words:
        start = "Interrupted at"
        end = {
            "duration words": "Outage Duration", "duration minutes": "Duration (mins)", "clock duration": "Duration",
        }.get(style.end, "Restoration Date/Time")  # fmt: skip
    if style.time == "epoch":
        start = f"{start}(ms)"
        end = f"{end}(ms)" if style.end == "end" else end
    names = ["outage_id", start, end, "nature", "region_class", "users"]
    if words:
        names = ["Event #", start, end, "Kind of Outage", "District", "No. of Customers Affected (NCA)"]
    elif not english:
        names = ["停电编号", start, end, "停电性质", "地区特征", "停电户数"]
    if style.header == "start twice":
        names[1] = names[2] = "停电时间"
    if style.header == "unit":
        names[5] = "停电户数（户）"
    if style.header == "starred":
        names = [f" {name}* " for name in names]
    if style.time == "apart":
        names = _names_apart(style, names)
    if style.header == "titled":
        blank = [""] * (len(names) - 1)
        return [["复源县供电公司停电记录", *blank], ["统计年度：2022", *blank], names]
    if style.header == "two rows":
        return [
            ["停电编号", "停电时间", "", "停电性质", "影响范围", ""],
            ["", "起始时间", "终止时间", "", "地区特征", "停电户数"],
        ]
    return [names]


def time_of(time: datetime, style: str) -> str:
    if style == "slashes":
        return f"{time.year}/{time.month}/{time.day} {time.hour}:{time:%M}"
    if style == "chinese":
        return f"{time.year}年{time.month}月{time.day}日{time.hour}时{time.minute}分"
    if style == "digits":
        return f"{time:%Y%m%d%H%M%S}"
    if style == "dots":
        return f"{time:%Y.%m.%d %H:%M}"
    if style == "utc":
        return f"{time - timedelta(hours=8):%Y-%m-%dT%H:%M:%SZ}"
    if style == "zone":
        return f"{time:%Y-%m-%d %H:%M:%S}+08:00"
    if style == "epoch":
        return str(round((time - timedelta(hours=8) - datetime(1970, 1, 1)).total_seconds() * 1000))
    return f"{time:%Y-%m-%d %H:%M:%S}"


def end_of(outage: Record, style: Style) -> str:
    minutes = round((outage.end - outage.start) / timedelta(minutes=1))
    hours, rest = divmod(minutes, 60)
    if style.end in {"duration words", "duration in end"}:
        return f"{hours}小时{rest}分" if hours else f"{rest}分钟"
    if style.end == "duration minutes":
        return str(minutes)
    if style.end == "clock duration":
        return f"{hours}:{rest:02d}"
    return time_of(outage.end, style.time)


def nature_of(path: Sequence[str], style: str) -> str:
    if style == "code":
        return path[0]
    if style == "leaf":
        temporary = "临时停电" in path
        return {"检修停电": "临时检修停电", "用户申请停电": "用户临时申请停电"}[path[-1]] if temporary else path[-1]
    return style.join(path[1:])


# -- files -------------------------------------------------------------------------------------------------------------


def write(folder: Path, outages: Sequence[Record], style: Style) -> list[Path]:
    """Write the outages as a clerk would, in one file or several."""
    groups = [list(outages)] if style.parts == "one" else list(_by_quarter(outages))
    sheets = {f"{number}季度": rows_of(group, style) for number, group in enumerate(groups, start=1)}
    if style.form == "xls" and style.parts != "months":
        sheets = {"说明": [["本表由营销部填写"]], **sheets}
    if style.parts == "sheets":
        path = folder / f"outages.{style.form}"
        path.write_bytes(content_of(sheets, style))
        return [path]
    paths = []
    for name, rows in sheets.items():
        if name == "说明":
            continue
        path = folder / (f"outages.{_ending(style)}" if style.parts == "one" else f"outages_{name}.{_ending(style)}")
        path.write_bytes(content_of({name: rows}, style))
        paths.append(path)
    return paths


def _ending(style: Style) -> str:
    return "xls" if style.form == "html" else style.form


def _by_quarter(outages: Sequence[Record]) -> Iterator[list[Record]]:
    for _, group in itertools.groupby(outages, key=lambda outage: (outage.start.month - 1) // 3):
        yield list(group)


def content_of(sheets: Mapping[str, Sequence[Sequence[str]]], style: Style) -> bytes:
    """Return the content of a file with these sheets; forms other than workbooks have one."""
    if style.form == "xlsx":
        return xlsx(sheets)
    if style.form == "xls":
        return xls(sheets)
    if style.form == "xlsb":
        return xlsb(sheets)
    if style.form == "ods":
        return ods(sheets)
    rows = next(iter(sheets.values()))
    if style.form == "html":
        return html(rows).decode().encode(style.encoding)
    if style.form == "json":
        import json

        found = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        return json.dumps(found, ensure_ascii=False).encode(style.encoding)
    separator = "\t" if style.form == "txt" else ","
    lines = "\r\n".join(separator.join(cell.replace("，", "、") for cell in row) for row in rows) + "\r\n"
    content = lines.encode(style.encoding)
    if style.form == "csv.gz":
        import gzip

        return gzip.compress(content)
    return content


def xlsx(
    sheets: Mapping[str, Sequence[Sequence[object]]],
    hidden: Sequence[str] = (),
    merged: Sequence[tuple[int, int, int, int]] = (),
    date_format: str = "yyyy-mm-dd hh:mm:ss",
) -> bytes:
    """Return a workbook; ``merged`` are first row, first column, last row and last column of merged cells of each sheet."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": date_format}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if cell not in {None, ""}:
                        sheet.write(number, column, cell)
            for top, left, bottom, right in merged:
                value = rows[top][left]
                form = book.add_format({"num_format": date_format}) if isinstance(value, datetime) else None
                sheet.merge_range(top, left, bottom, right, value, form)
            if name in hidden:
                sheet.hide()
        shown = next((sheet for sheet in book.worksheets() if sheet.get_name() not in hidden), None)
        if shown is not None:
            shown.activate()
            shown.set_first_sheet()
    return content.getvalue()


def xls(
    sheets: Mapping[str, Sequence[Sequence[object]]],
    merged: Sequence[tuple[int, int, int, int]] = (),
    hidden: Sequence[str] = (),
) -> bytes:
    """Return a workbook of the old form."""
    book = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        sheet.visibility = int(name in hidden)
        beneath = {
            (row, column)
            for top, left, bottom, right in merged
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
        }
        for top, left, bottom, right in merged:
            sheet.write_merge(top, bottom, left, right, rows[top][left])
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell not in {None, ""} and (number, column) not in beneath:
                    sheet.write(number, column, cell)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def ods(sheets: Mapping[str, Sequence[Sequence[object]]], spans: Mapping[tuple[int, int], int] | None = None) -> bytes:
    """Return an OpenDocument workbook of texts; ``spans`` gives rows over which the cell at a row and column goes."""
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    table = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
    text = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    tables = []
    for name, rows in sheets.items():
        lines = []
        for number, row in enumerate(rows):
            cells = []
            for column, cell in enumerate(row):
                down = (spans or {}).get((number, column), 1)
                span = f' table:number-rows-spanned="{down}" table:number-columns-spanned="1"' if down > 1 else ""
                if cell in {None, ""}:
                    cells.append("<table:table-cell/>")
                else:
                    shown = escape(str(cell))
                    cells.append(
                        f'<table:table-cell office:value-type="string"{span}><text:p>{shown}</text:p></table:table-cell>'
                    )
            lines.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
        tables.append(f'<table:table table:name="{escape(name)}">{"".join(lines)}</table:table>')
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{office}" xmlns:table="{table}" '
        f'xmlns:text="{text}" office:version="1.2"><office:body><office:spreadsheet>{"".join(tables)}'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", kind, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", content)
    return packed.getvalue()


Spans = Mapping[tuple[int, int], int]
"""Rows over which the cell at a row and column goes."""


def html(rows: Sequence[Sequence[str]], spans: Spans | None = None) -> bytes:
    """Return a page with one table, as systems export it as .xls."""
    beneath = _beneath(spans)
    lines = []
    for number, row in enumerate(rows):
        cells = [
            f'<td rowspan="{(spans or {}).get((number, column), 1)}">{escape(cell)}</td>'
            for column, cell in enumerate(row)
            if (number, column) not in beneath
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<html><body><table>{''.join(lines)}</table></body></html>".encode()


def xml_workbook(rows: Sequence[Sequence[str]], spans: Spans | None = None) -> bytes:
    """Return the XML form of a workbook (2003)."""
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    beneath = _beneath(spans)
    lines = []
    for number, row in enumerate(rows):
        cells = [
            f'<Cell ss:Index="{column + 1}" ss:MergeDown="{(spans or {}).get((number, column), 1) - 1}">'
            f'<Data ss:Type="String">{escape(cell)}</Data></Cell>'
            for column, cell in enumerate(row)
            if cell and (number, column) not in beneath
        ]
        lines.append(f"<Row>{''.join(cells)}</Row>")
    return (
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="1"><Table>'
        f"{''.join(lines)}</Table></Worksheet></Workbook>"
    ).encode()


def _beneath(spans: Spans | None) -> set[tuple[int, int]]:
    return {(row + down, column) for (row, column), rows in (spans or {}).items() for down in range(1, rows)}


def xlsb(sheets: Mapping[str, Sequence[Sequence[str]]], merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    """Return a binary workbook of texts: as few records as a reader needs ([MS-XLSB] 2.4)."""
    packed = io.BytesIO()
    links, bundle = "", b""
    with zipfile.ZipFile(packed, "w") as archive:
        for number, (name, rows) in enumerate(sheets.items(), start=1):
            identity = f"rId{number}"
            target = f"worksheets/sheet{number}.bin"
            links += f'<Relationship Id="{identity}" Type="{_WORKSHEET}" Target="{target}"/>'
            bundle += _record(0x9C, struct.pack("<II", 0, number) + _wide(identity) + _wide(name))
            archive.writestr(f"xl/{target}", _binary_sheet(rows, merged))
        archive.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types/>')
        archive.writestr("xl/_rels/workbook.bin.rels", f'<?xml version="1.0"?><Relationships>{links}</Relationships>')
        book = _record(0x83) + _record(0x8F) + bundle + _record(0x90) + _record(0x84)
        archive.writestr("xl/workbook.bin", book)
    return packed.getvalue()


_WORKSHEET = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"


def _binary_sheet(rows: Sequence[Sequence[str]], merged: Sequence[tuple[int, int, int, int]]) -> bytes:
    width = max(map(len, rows))
    content = _record(0x81) + _record(0x94, struct.pack("<IIII", 0, len(rows) - 1, 0, width - 1)) + _record(0x91)
    for number, row in enumerate(rows):
        content += _record(0x00, struct.pack("<I", number) + bytes(13))
        content += b"".join(
            _record(0x06, struct.pack("<II", column, 0) + _wide(cell)) for column, cell in enumerate(row) if cell
        )
    content += _record(0x92) + _record(0xB1, struct.pack("<I", len(merged)))
    for top, left, bottom, right in merged:
        content += _record(0xB0, struct.pack("<IIII", top, bottom, left, right))
    return content + _record(0xB2) + _record(0x82)


def _record(kind: int, content: bytes = b"") -> bytes:
    """Return a record: its kind and length in groups of seven bits."""
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length, rest = b"", len(content)
    while True:
        rest, group = rest >> 7, rest & 0x7F
        length += bytes([group | 0x80 if rest else group])
        if not rest:
            return head + length + content


def _wide(word: str) -> bytes:
    return struct.pack("<I", len(word)) + word.encode("utf-16-le")
