"""The page of the Python interface, from signatures and docstrings of what the packages name as public."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from network.tables.settings import Settings

PACKAGES = ("fudian", "network", "reliability", "repair")

INTRO = """# The Python interface

`import fudian` is enough for most: one object answers every question, with the defaults of commands and pages
([which question is which command](questions.md)). The packages below it are for analysis of one's own. Frames of
Polars, pandas and Arrow go in wherever a table is asked for, and functions of frames answer with the same kind; rows of
an answer are Polars frames, with `to_pandas()` and `to_arrow()`. Names that do not stand here may change.
"""


def public_names() -> Iterator[tuple[str, Any]]:
    """Give every public name with what it is."""
    for package in PACKAGES:
        room = importlib.import_module(package)
        for name in room.__all__:
            if not name.startswith("_"):
                yield f"{package}.{name}", getattr(room, name)


def members(found: type) -> Iterator[tuple[str, Any]]:
    """Give the public methods and properties of a class of this project, those that it has from its own ancestors too."""
    for name in dir(found):
        if name.startswith("_"):
            continue
        owner = next(each for each in found.__mro__ if name in vars(each) or each is object)
        member = inspect.getattr_static(found, name)
        is_ours = owner.__module__.partition(".")[0] in PACKAGES
        is_value = isinstance(member, property | cached_property | classmethod | staticmethod)
        if is_ours and (is_value or inspect.isfunction(member)):
            yield name, member


def api_page() -> str:
    """Describe every public name of the packages."""
    lines = [INTRO]
    package = ""
    for name, found in public_names():
        if name.partition(".")[0] != package:
            package = name.partition(".")[0]
            said = (importlib.import_module(package).__doc__ or "").partition("Example:")[0]
            lines.append(f"\n## `{package}`\n\n{_text(said)}\n")
        lines.append(_described(name, found))
    return "".join(lines)


def _described(name: str, found: Any) -> str:
    if inspect.ismodule(found):
        return f"\n### `{name}`\n\n{_text(found.__doc__ or '')}\n"
    if not inspect.isclass(found):
        return f"\n### `{name}`\n\n```python\n{_signature(name, found)}\n```\n\n{_text(inspect.getdoc(found) or '')}\n"
    lines = [f"\n### `{name}`\n\n{_text(inspect.getdoc(found) or '')}\n"]
    if issubclass(found, Settings):
        return lines[0] + f"\nIts settings: [`[{found.subject}]`](settings.md#{found.subject}).\n"
    for member, what in members(found):
        inner = getattr(what, "__func__", None) or getattr(what, "fget", None) or getattr(what, "func", None) or what
        said = _text(inspect.getdoc(inner) or "")
        if isinstance(what, property | cached_property):
            lines.append(f"\n#### `{name}.{member}`\n\n{said}\n")
        else:
            lines.append(f"\n#### `{name}.{member}`\n\n```python\n{_signature(member, inner)}\n```\n\n{said}\n")
    return "".join(lines)


def _signature(name: str, function: Any) -> str:
    """Return a call as one would read it: without ``self``, annotations as they stand in the code."""
    shown = inspect.signature(function)
    parameters = [parameter for parameter in shown.parameters.values() if parameter.name not in {"self", "cls"}]
    written = [_parameter(parameter) for parameter in parameters]
    returns = "" if shown.return_annotation is inspect.Signature.empty else f" -> {_plain(shown.return_annotation)}"
    call = f"{name.rpartition('.')[2]}({', '.join(written)}){returns}"
    if len(call) <= 100:
        return call
    return f"{name.rpartition('.')[2]}(\n" + "".join(f"    {each},\n" for each in written) + f"){returns}"


def _parameter(parameter: inspect.Parameter) -> str:
    kind = "" if parameter.annotation is parameter.empty else f": {_plain(parameter.annotation)}"
    default = "" if parameter.default is parameter.empty else f" = {_value(parameter.default)}"
    is_many, is_named = parameter.kind == parameter.VAR_POSITIONAL, parameter.kind == parameter.VAR_KEYWORD
    stars = "*" if is_many else "**" if is_named else ""
    return f"{stars}{parameter.name}{kind}{default}"


def _value(default: Any) -> str:
    return "..." if inspect.isfunction(default) else repr(default)


def _plain(annotation: Any) -> Any:
    if annotation is inspect.Signature.empty:
        return annotation
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


_ROLE = re.compile(r":(?:mod|func|class|meth|data|attr|term):`~?([^`]+)`")
_SECTIONS = ("Args", "Returns", "Raises", "Attributes", "Example")


def _text(said: str) -> str:
    """Return a docstring as Markdown: sections in bold, what they list as a list."""
    said = _ROLE.sub(r"`\1`", said).replace("``", "`")
    lines: list[str] = []
    section = ""
    for line in inspect.cleandoc(said).splitlines():
        if (heading := line.rstrip(":")) in _SECTIONS and line.endswith(":"):
            section = heading
            lines += [f"**{section}**", ""] + (["```python"] if section == "Example" else [])
            continue
        if section and line and not line.startswith(" "):
            lines += ["```", ""] if section == "Example" else [""]
            section = ""
        if section in {"Args", "Raises", "Attributes"} and re.match(r" {4}\S", line):
            name, colon, rest = line.strip().partition(": ")
            lines.append(f"- `{name}`: {rest}" if colon else f"- {line.strip()}")
        else:
            lines.append(line.strip() if section != "Example" else line[4:])
    return "\n".join([*lines, "```"] if section == "Example" else lines).strip()
