"""Whether the packages that Fudian is made of are its own.

Their names are common words, and other distributions use them too: an installer writes the files of one over those of another
without a word. So each start compares the files with the record of the installation, by name and size, and only where something
differs are the records of all other distributions read, to say which one it was.

Nothing of Fudian is imported before it was looked at: a package that was replaced need not be importable.
"""

from __future__ import annotations

import csv
import hashlib
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("network", "reliability", "repair", "fudian", "dashboard", "data_samples")
"""The packages of Fudian, by their names in Python."""

HOME = Path(__file__).resolve().parent.parent
"""The folder in which they lie side by side."""

SENTENCES = {
    "replaced": "{owner} has written over Fudian's package {room} ({file}), so no answer can be given. "
    "Install Fudian into an environment of its own: python -m venv fudian-env, and there pip install fudian.",
    "hidden": "Python finds the package {room} of {owner} instead of Fudian's ({file}), so no answer can be given. "
    "Install Fudian into an environment of its own: python -m venv fudian-env, and there pip install fudian.",
    "covered": "Python finds {file} instead of Fudian's package {room}, so no answer can be given. "
    "Rename it, or start from another folder and without it in PYTHONPATH.",
    "incomplete": "Fudian's package {room} is not complete ({file} is missing), so no answer can be given. "
    "Install it again: pip install --force-reinstall --no-deps fudian.",
    "changed": "Fudian's package {room} is not as it was installed ({file}). "
    "If that is not your doing, install it again: pip install --force-reinstall --no-deps fudian.",
    "shared": "{owner} has put files into Fudian's package {room} ({file}). "
    "Before one of the two breaks the other, install Fudian into an environment of its own.",
}
"""What is said of each kind of trouble."""

_BREAKING = ("replaced", "hidden", "covered", "incomplete")


class RoomError(ImportError):
    """A package of Fudian is not its own, so no answer could be trusted."""


@dataclass(frozen=True)
class Trouble:
    """One package that is not as it was installed.

    Attributes:
        kind: one of :data:`SENTENCES`.
        room: the package.
        file: the first file that shows it.
        owner: name and version of the distribution that the file belongs to, where a record names one.
    """

    kind: str
    room: str
    file: str
    owner: str = ""

    @property
    def is_breaking(self) -> bool:
        """Whether Fudian cannot work so."""
        return self.kind in _BREAKING

    def __str__(self) -> str:
        return SENTENCES[self.kind].format(**self.values())

    def values(self) -> dict[str, str]:
        """Return what fills the places of the sentence."""
        return {"room": self.room, "file": self.file, "owner": self.owner}


def require_own_rooms() -> None:
    """Look whether all packages are Fudian's own, and warn of what it can live with.

    Raises:
        RoomError: one was replaced, hidden by another or is incomplete.
    """
    found = troubles()
    if breaking := [str(trouble) for trouble in found if trouble.is_breaking]:
        raise RoomError("\n".join(breaking))
    for trouble in found:
        warnings.warn(str(trouble), stacklevel=2)


def troubles() -> list[Trouble]:
    """Return what is wrong with the packages, one trouble each; in a checkout, without a record, only where they are found."""
    astray = {room: place for room in ROOMS if (place := _found_elsewhere(room))}
    if astray:
        return [_hidden(room, place) for room, place in astray.items()]
    recorded = _recorded()
    suspects = {} if recorded is None else _suspects(recorded)
    return list(_judged(suspects)) if suspects else []


# Where Python finds a package ---------------------------------------------------------------------------------------------


def _found_elsewhere(room: str) -> Path | None:
    """Return the file or folder that Python would import as a package, where it is not that beside this one."""
    spec = find_spec(room)
    if spec is None:
        return None
    places = [Path(place).resolve() for place in spec.submodule_search_locations or ()]
    if places and places[0] == HOME / room:
        return None
    return Path(spec.origin).resolve() if spec.origin else next(iter(places), None)


def _hidden(room: str, place: Path) -> Trouble:
    for other in distributions():
        if any(Path(str(other.locate_file(name))).resolve() == place for name in _files_of(other, room)):
            return Trouble("hidden", room, str(place), _name(other))
    return Trouble("covered", room, str(place))


# What lies in a package ---------------------------------------------------------------------------------------------------


def _recorded() -> Mapping[str, tuple[str, str]] | None:
    """Return hash and size of every file that was installed, by name; ``None`` where nothing was recorded, as in a checkout."""
    try:
        own = distribution("fudian")
    except PackageNotFoundError:
        return None
    if Path(str(own.locate_file("fudian"))).resolve() != HOME / "fudian":
        return None
    files = {name: (digest, size) for name, digest, size in _record(own) if _room_of(name) and size}
    return files or None


def _suspects(recorded: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return each file that was not installed (``shared``), is gone (``incomplete``) or is another (``changed``)."""
    present = {path.relative_to(HOME).as_posix(): path for room in ROOMS for path in _walk(HOME / room)}
    found = dict.fromkeys(present.keys() - recorded.keys(), "shared")
    for name, (digest, size) in recorded.items():
        if name not in present:
            found[name] = "incomplete"
        elif _is_other(present[name], digest, int(size)):
            found[name] = "changed"
    return found


def _is_other(path: Path, digest: str, size: int) -> bool:
    """Tell whether a file is not the installed one: by its size; the file that makes a folder a package also by its hash."""
    if path.stat().st_size != size:
        return True
    if path.name != "__init__.py" or not digest.startswith("sha256="):
        return False
    found = urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")
    return digest != f"sha256={found}"


def _judged(suspects: Mapping[str, str]) -> Iterator[Trouble]:
    """Give the worst trouble of each package."""
    owners = _owners(suspects)
    for room in ROOMS:
        troubles_of_room = [
            Trouble(kind, room, name, owners.get(name, ""))
            for name in sorted(suspects)
            if _room_of(name) == room and (kind := _kind(suspects[name], name, name in owners))
        ]
        order = list(SENTENCES)
        yield from sorted(troubles_of_room, key=lambda trouble: order.index(trouble.kind))[:1]


def _kind(suspicion: str, name: str, is_owned: bool) -> str | None:
    """Return the kind of trouble that a file makes; ``None`` for a stray file that no distribution brought."""
    if suspicion == "shared":
        return "shared" if is_owned else None
    if suspicion == "changed":
        return "replaced" if is_owned else "changed"
    return "incomplete" if name.endswith(".py") else "changed"


def _owners(names: Collection[str]) -> dict[str, str]:
    """Return which other distribution recorded a file of Fudian's packages as its own."""
    return {
        name: _name(other)
        for other in distributions()
        if other.metadata["Name"] != "fudian"
        for room in ROOMS
        for name in _files_of(other, room)
        if name in names and Path(str(other.locate_file(name))).resolve() == HOME / name
    }


def _walk(folder: Path) -> Iterator[Path]:
    """Give the files of a package, without what Python or Fudian itself keeps there: beside the sample county, for one."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir():
            if path.name != "__pycache__" and not path.name.endswith(".fudian"):
                yield from _walk(path)
        else:
            yield path


# Records ------------------------------------------------------------------------------------------------------------------


def _files_of(other: Distribution, room: str) -> list[str]:
    """Return the recorded files of a distribution that lie in a package, or are the module of that name."""
    return [name for name, _, _ in _record(other) if _room_of(name) == room or name == f"{room}.py"]


def _record(one: Distribution) -> list[tuple[str, str, str]]:
    """Return name, hash and size of each installed file."""
    lines = csv.reader((one.read_text("RECORD") or "").splitlines())
    return [(line[0], line[1], line[2]) for line in lines if len(line) == 3]


def _room_of(name: str) -> str | None:
    room, _, rest = name.partition("/")
    return room if rest and room in ROOMS and "__pycache__" not in rest else None


def _name(one: Distribution) -> str:
    return f"{one.metadata['Name']} {one.version}"
