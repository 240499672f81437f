"""The catalogue of user texts: English in the code, Chinese in ``locale/zh_CN/LC_MESSAGES/fudian.po``.

A text is written in English where it arises and translated where it is shown, so that results carry one language-neutral
form: a :class:`Text` holds the sentence with its named places and the values that fill them.

What runs is ``fudian.mo``, compiled from the catalogue when the package is built or installed. A checkout holds both; one that
was edited since says so.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

LANGUAGES = ("zh", "en")
_LANGUAGE_NAMES = {"zh": "zh", "chinese": "zh", "en": "en", "english": "en"}
CATALOGUES = {"zh": Path(__file__).parent / "locale" / "zh_CN" / "LC_MESSAGES" / "fudian.mo"}
"""The compiled catalogue of each language but English."""

_SHOWN_LETTERS = 40

showing: ContextVar[Callable[[datetime, str], str]] = ContextVar("showing", default=format)
"""Writes a time of the workspace that is served as people read it, in a form of ``strftime``; see ``ReadingSettings.written``."""

COMPILING = "make catalogue"
"""What compiles the catalogue of a checkout."""


def language_of(named: str) -> str | None:
    """Return the language that a tag or a name of a locale means: ``zh`` or ``en``; ``None`` for any other.

    Args:
        named: such as ``zh``, ``EN``, ``zh-CN``, ``zh_CN.UTF-8`` or ``Chinese (Simplified)_China.936``.
    """
    return _LANGUAGE_NAMES.get(re.split(r"[-_.@ ]", named.strip().lower(), maxsplit=1)[0])


def unknown_language(named: str) -> Text:
    """Return the note on a language that is not spoken here."""
    shown = named if len(named) <= _SHOWN_LETTERS else f"{named[:_SHOWN_LETTERS]}…"
    return text("The language {named!r} is not known here; known are zh and en.", named=shown)


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the translations for ``zh`` or ``en``; English is the identity."""
    path = CATALOGUES.get(language)
    if path is None:
        return NullTranslations()
    if is_stale(path):
        warnings.warn(f"{path.with_suffix('.po')} is newer than what was compiled from it: {COMPILING}", stacklevel=2)
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as compiled:
        return GNUTranslations(compiled)


def is_stale(compiled: Path) -> bool:
    """Tell whether the source of a compiled catalogue lies beside it, as in a checkout, and is newer."""
    source = compiled.with_suffix(".po")
    return source.exists() and (not compiled.exists() or compiled.stat().st_mtime_ns <= source.stat().st_mtime_ns)


def translate(text: str, language: str = "en", /, **values: object) -> str:
    """Return ``text`` in ``language`` with its named places filled by ``values``."""
    sentence = catalogue(language).gettext(text) if text else text
    moments = {name: _Moment(each) for name, each in values.items() if isinstance(each, datetime)}
    return sentence.format(**values | moments) if values else sentence


def shown(moment: datetime, form: str) -> str:
    """Return a time of a workspace as people read it: by the clock on the wall, with its offset in the hour that it shows twice.

    Args:
        moment: as the tables hold it.
        form: of ``strftime``; blank writes it whole.
    """
    return showing.get()(moment, form)


@dataclass(frozen=True)
class _Moment:
    """A time in the place of a sentence."""

    moment: datetime

    def __format__(self, form: str) -> str:
        return shown(self.moment, form)

    def __str__(self) -> str:
        return shown(self.moment, "")

    __repr__ = __str__


@dataclass(frozen=True)
class Text:
    """One sentence for a person, not yet in a language."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def in_language(self, language: str = "en") -> str:
        """Return the sentence in ``zh`` or ``en``; values that are texts themselves are translated too."""
        filled = {
            name: value.in_language(language) if isinstance(value, Text) else value
            for name, value in self.values.items()
        }
        return translate(self.template, language, **filled)

    def __str__(self) -> str:
        return self.in_language()


def text(template: str, /, **values: object) -> Text:
    """Build a :class:`Text`: ``text("{rows} rows were left out", rows=3)``."""
    return Text(template, values)


def listed(parts: Sequence[Text]) -> Text:
    """Return one or more sentences as one, with semicolons between them."""
    whole = parts[0]
    for part in parts[1:]:
        whole = text("{first}; {second}", first=whole, second=part)
    return whole
