"""CIM objects in RDF/XML, whatever form their ids have: ``_1001``, ``1001``, ``#1001``, ``urn:uuid:…``, or several in one model.

A file is read object by object, so that no tree of the whole file stands in memory. References meet the objects that they name by
the id as it is written, or else without the underscore that XML asks for and many exports leave away.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

import lxml.etree

from network.problems import WorkspaceError
from network.tables.limits import ZIP_FAULTS
from network.texts import Text, text

LARGEST_TEXT = 1 << 30
"""Bytes of XML in one file, unpacked, that are still read; more would not fit into the memory of a desk computer. Own limit."""

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass
class CimObject:
    """One object: its class, and its attributes and references by their CIM names without namespace.

    Attributes:
        kind: the class, blank where the file only refers to it or adds to it.
        values: one value or more by name; a reference is the id of the object that it names.
    """

    kind: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)

    def get(self, *names: str) -> str | None:
        """Return the first value under the first of these names that has one."""
        return next((self.values[name][0] for name in names if name in self.values), None)

    def all(self, *names: str) -> list[str]:
        """Return every value under these names."""
        return [value for name in names for value in self.values.get(name, ())]


@dataclass(frozen=True)
class _Found:
    """An object as it stands in one place of a file; ``is_defined`` where that place gives it its id."""

    written: str
    is_defined: bool
    kind: str
    values: Sequence[tuple[str, str, bool]]


def read_rdf(paths: Iterable[Path]) -> dict[str, CimObject]:
    """Return the objects of a model by id, from its ``.xml`` files and ``.zip`` files with such together.

    Ids lose a leading underscore and ``urn:uuid:``; two different objects that only an underscore tells apart keep it.

    Raises:
        WorkspaceError: a file is not RDF/XML, is damaged, or is too large.
    """
    return _linked([found for path in paths for found in _objects_of(path)])


def not_cim(path: Path, reason: object) -> WorkspaceError:
    """Return the error for a file that is no model."""
    return WorkspaceError(
        text("{path} cannot be read as CIM in RDF/XML: {reason}.", path=str(path), reason=reason),
        (),
        text("Export the equipment profile; several files of one model are read together."),
    )


# Files to objects -----------------------------------------------------------------------------------------------------


def _objects_of(path: Path) -> Iterator[_Found]:
    try:
        if not zipfile.is_zipfile(path):
            yield from _objects_in(path, path.stat().st_size, path.open("rb"), path.open("rb"))
            return
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.lower().endswith((".xml", ".rdf")):
                    yield from _objects_in(path, member.file_size, archive.open(member), archive.open(member))
    except (*ZIP_FAULTS, lxml.etree.LxmlError) as reason:
        raise not_cim(path, _first_line(reason)) from reason


def _first_line(reason: Exception) -> str:
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0].rstrip(".")


def _objects_in(path: Path, size: int, source: IO[bytes], again: IO[bytes]) -> Iterator[_Found]:
    """Give the objects of one XML text; where its bytes are not in the encoding that it names, in GB18030.

    Args:
        path: the file, for errors.
        size: of the text in bytes.
        source: the text.
        again: the text from its beginning once more.
    """
    with source, again:
        if size > LARGEST_TEXT:
            raise not_cim(path, _too_large(size))
        try:
            found = list(_parse(path, source, None))
        except lxml.etree.XMLSyntaxError as reason:
            if "encod" not in str(reason).lower() and "utf-8" not in str(reason).lower():
                raise
            found = list(_parse(path, again, "gb18030"))
    yield from found


def _too_large(size: int) -> Text:
    return text("it has {size} MB, and {limit} MB can be read", size=size >> 20, limit=LARGEST_TEXT >> 20)


def _parse(path: Path, source: IO[bytes], encoding: str | None) -> Iterator[_Found]:
    events = lxml.etree.iterparse(
        source,
        events=("start", "end"),
        remove_comments=True,
        remove_pis=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        encoding=encoding,
    )
    depth = 0
    for event, element in events:
        if event == "start":
            depth += 1
            if depth == 1 and element.tag != f"{_RDF}RDF":
                raise not_cim(path, text("its outermost element is {name}, not rdf:RDF", name=_local(element.tag)))
            continue
        depth -= 1
        if depth == 1:
            yield from _object(element)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _object(element: Any) -> Iterator[_Found]:
    """Give an object, and before it those that stand inside its properties."""
    identity = element.get(f"{_RDF}ID")
    written = _written(identity or element.get(f"{_RDF}about") or element.get(f"{_RDF}nodeID") or "")
    kind = _local(element.tag)
    values: list[tuple[str, str, bool]] = []
    for inner in element.iterchildren(lxml.etree.Element):
        name, target = _local(inner.tag), inner.get(f"{_RDF}resource") or inner.get(f"{_RDF}nodeID")
        if inner.tag == f"{_RDF}type" and target is not None:
            kind = _written(target)
        elif target is not None:
            values.append((name, _written(target), True))
        elif len(inner):
            for nested in inner.iterchildren(lxml.etree.Element):
                for found in _object(nested):
                    yield found
                    values.append((name, found.written, True))
        elif given := (inner.text or "").strip():
            values.append((name, given, False))
    if written:
        yield _Found(written, identity is not None, "" if kind == "Description" else kind, values)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _written(given: str) -> str:
    """Return an id or a reference as it is written, without what stands before its mark."""
    name = given.strip().rpartition("#")[2]
    return name[9:] if name[:9].lower() == "urn:uuid:" else name


# Ids ------------------------------------------------------------------------------------------------------------------


def _linked(found: Sequence[_Found]) -> dict[str, CimObject]:
    """Bring together what several places say of one object, and let every reference meet its object."""
    identity = _identities(found)
    by_loose = {_loose(written): name for written, name in reversed(list(identity.items()))}
    objects: defaultdict[str, CimObject] = defaultdict(CimObject)
    for each in found:
        target = objects[identity[each.written]]
        target.kind = target.kind or each.kind
        given: defaultdict[str, list[str]] = defaultdict(list)
        for name, value, is_reference in each.values:
            given[name].append(
                identity.get(value) or by_loose.get(loose := _loose(value)) or loose if is_reference else value
            )
        target.values |= given
    return dict(objects)


def _identities(found: Sequence[_Found]) -> Mapping[str, str]:
    """Return the id of the object that each written form means."""
    forms: defaultdict[str, dict[str, str]] = defaultdict(dict)
    defined = {each.written for each in found if each.is_defined}
    for each in found:
        kinds = forms[_loose(each.written)]
        kinds[each.written] = kinds.get(each.written) or each.kind
    identity: dict[str, str] = {}
    for kinds in forms.values():
        known = {kind for kind in kinds.values() if kind}
        are_one = len(kinds) == 1 or (len(known) < 2 and len(defined.intersection(kinds)) < 2)
        shown = next(iter(kinds)).removeprefix("_")
        for written in kinds:
            identity[written] = (shown or written) if are_one else written
    return identity


def _loose(written: str) -> str:
    """Return what an id has in common with its other forms."""
    bare = unquote(written) if "%" in written else written
    bare = bare.removeprefix("_")
    return bare.lower() if _UUID.fullmatch(bare) else bare
