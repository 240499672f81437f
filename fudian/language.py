"""The language of texts where a question names none: what the user set, else that of the system."""

from __future__ import annotations

import locale
import os

from network.texts import Text, language_of, text

VARIABLE = "FUDIAN_LANG"
"""Environment variable that names the language, ``zh`` or ``en``."""

_SYSTEM_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Where a system says which language its messages have; the first that is set counts."""


def default_language() -> str:
    """Return ``zh`` or ``en``: that of ``FUDIAN_LANG``, else Chinese where the system speaks Chinese, else English."""
    return language_of(os.environ.get(VARIABLE, "")) or language_of(_system_locale()) or "en"


def unknown_choice() -> Text | None:
    """Return what is to be said where ``FUDIAN_LANG`` names a language that is not known; the system's is spoken then."""
    chosen = os.environ.get(VARIABLE, "")
    if not chosen or language_of(chosen):
        return None
    return text("{variable}={value} is not known; set it to zh or en.", variable=VARIABLE, value=chosen)


def _system_locale() -> str:
    named = next((os.environ[name] for name in _SYSTEM_VARIABLES if os.environ.get(name)), None)
    return named or locale.getlocale()[0] or ""
