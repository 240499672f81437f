"""How an input is broken: bits, pieces, words that mean trouble, and the parts inside a packed file."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from random import Random

WORDS = [
    b"", b"0", b"-1", b"-0", b"1e308", b"-1e308", b"1e-320", b"nan", b"inf", b"9" * 40, b"2147483648",
    b"9223372036854775808", b"0x10", b"1_000", b"1,000", b"1.5e+15", b"0001-01-01", b"9999-12-31 23:59:59",
    b"10000-01-01", b"2022-02-30", b"2022-01-01 24:00", b"2022-01-01T00:00:00+14:00", b"2022-01-01 00:00Z",
    b"20220101000000", b"44762.34", b"1e18", b"true", b"\xe6\x98\xaf", b"null", b"-", b"=1+1", b"=cmd|' /C calc'!A0",
    b"\xef\xbc\x9d1+1", b"@SUM(1)", b"\xed\xa0\x80", b"\xef\xbf\xbd", b"\x00", b"\x1b[31m", b"\r", b"\n", b'"', b"'",
    b'""', b",", b";", b"\t", b"\xef\xbc\x8c", b"\xe2\x80\x8b", b"\xf0\x9f\x98\x80", b"<", b">", b"&amp;", b"&x;",
    b"]]>", b"{", b"[", b"}" * 50, b"[" * 2000, b"(" * 2000, b"A" * 5000, b"\xe7\x94\xb5" * 3000, b"../../etc/passwd",
    b"%s%n", b"#REF!", b"~", b"@@", b"@#", b"//", b"<a>" * 3000, b"colspan=99999", b'ss:Index="99999999"',
    b'rowspan="65536"', b"XFD1048576", b"_x0000_", b"#_nothing", b"urn:uuid:", b"redirect /etc/passwd", b"Infinity",
    b"1e400", b"99999999999999999999/01/01", b"-292277022657-01-27",
]  # fmt: skip
"""Values and marks at which readers stumble."""

SOUND_IN_XML = [word for word in WORDS if not re.search(rb"[<>&\x00-\x1f\"']|\xed\xa0|\xef\xbf\xbd", word)]
"""Those that leave an XML text well formed, so that its reader comes to what they mean."""

_IN_XML = re.compile(rb">([^<>]+)<|\"([^\"<>]+)\"")
_TOKEN = re.compile(rb"[\w.:+-]+|[^\w\s]")
_PACKED = (b"PK\x03\x04", b"\x1f\x8b")


def broken(content: bytes, others: list[bytes], random: Random) -> bytes:
    """Return an input with one fault or a few."""
    for _ in range(random.choice([1, 1, 1, 2, 3, 8])):
        content = _broken_once(content, others, random)
    return content[: 1 << 22]


def _broken_once(content: bytes, others: list[bytes], random: Random) -> bytes:
    if content.startswith(_PACKED) and random.random() < 0.6:
        return _repacked(content, others, random)
    chosen = random.random()
    if chosen < 0.35:
        return _other_word(content, random)
    at, until = _piece(content, random)
    if chosen < 0.45:
        return content[:at] + bytes(random.getrandbits(8) for _ in range(random.randint(1, 4))) + content[at + 1 :]
    if chosen < 0.55:
        return content[:at] + content[until:]
    if chosen < 0.65:
        return content[:until] + content[at:until] * random.choice([1, 2, 50]) + content[until:]
    if chosen < 0.72:
        return content[:at]
    if chosen < 0.80:
        return content[:at] + random.choice(WORDS) + content[at:]
    if chosen < 0.86:
        return _lines_moved(content, random)
    if chosen < 0.92 and content:
        flipped = bytearray(content)
        for _ in range(random.choice([1, 3, 20])):
            flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
        return bytes(flipped)
    other = random.choice(others)
    cut = random.randint(0, len(other))
    return content[:at] + other[cut : cut + random.choice([10, 200, 5000])] + content[at:]


def _piece(content: bytes, random: Random) -> tuple[int, int]:
    at = random.randint(0, len(content))
    return at, min(len(content), at + random.choice([1, 2, 8, 60, 600]))


def _other_word(content: bytes, random: Random) -> bytes:
    """Put a word that means trouble in the place of one of the content."""
    start = random.randint(0, max(len(content) - 200, 0))
    if content.lstrip()[:1] == b"<" and random.random() < 0.8:
        told = list(_IN_XML.finditer(content[start : start + 1500]))
        if told:
            each = random.choice(told)
            span = each.span(1) if each[1] is not None else each.span(2)
            return content[: start + span[0]] + random.choice(SOUND_IN_XML) + content[start + span[1] :]
    found = list(_TOKEN.finditer(content[start : start + 400]))
    if not found:
        return random.choice(WORDS) + content
    word = random.choice(found)
    return content[: start + word.start()] + random.choice(WORDS) + content[start + word.end() :]


def _lines_moved(content: bytes, random: Random) -> bytes:
    lines = content.split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    if random.random() < 0.5:
        lines.insert(one, lines[other])
    return b"\n".join(lines)


def _repacked(content: bytes, others: list[bytes], random: Random) -> bytes:
    """Break what a packed file holds, and pack it again."""
    if content.startswith(b"\x1f\x8b"):
        try:
            return _gzip(_broken_once(zlib.decompress(content, 31), others, random))
        except zlib.error:
            return content[:-1]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        return content[:-1]
    if not parts:
        return content
    name = random.choice(sorted(parts, key=lambda each: "sheet" not in each and "content" not in each)[:4])
    if random.random() < 0.05:
        del parts[name]
    else:
        parts[name] = _broken_once(parts[name], others, random)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, part in parts.items():
            archive.writestr(each, part)
    return packed.getvalue()


def _gzip(content: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()
