"""The catalogue of user texts: English in the code, Chinese in ``locale/zh_CN/LC_MESSAGES/fudian.po``.

A text is written in English where it arises and translated where it is shown, so that results carry one language-neutral
form: a :class:`Text` holds the sentence with its named places and the values that fill them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

LANGUAGES = ("zh", "en")
_CATALOGUES = {"zh": Path(__file__).parent / "locale" / "zh_CN" / "LC_MESSAGES" / "fudian.po"}


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the translations for ``zh`` or ``en``; English is the identity."""
    path = _CATALOGUES.get(language)
    if path is None:
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source))
    compiled.seek(0)
    return GNUTranslations(compiled)


def translate(text: str, language: str = "en", **values: object) -> str:
    """Return ``text`` in ``language`` with its named places filled by ``values``."""
    sentence = catalogue(language).gettext(text) if text else text
    return sentence.format(**values) if values else sentence


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
