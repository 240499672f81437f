"""Passwords: hashed with Argon2id, a few at a time; what is too easy is refused when it is set."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from network import FudianError, text

LEAST_LETTERS = 12
"""Letters of a password, at least; longer helps more than signs and figures."""

MOST_LETTERS = 256
"""Letters of a password, at most: more would only cost time."""

_HASHER = PasswordHasher()  # RFC 9106, second recommended: 64 MiB


def hashed(password: str, name: str = "") -> str:
    """Return what is kept of a password.

    Args:
        password: as given.
        name: of the account; a password must not hold it.

    Raises:
        FudianError: the password is too easy to guess, or too long.
    """
    if not LEAST_LETTERS <= len(password) <= MOST_LETTERS:
        raise FudianError(
            text("A password has {least} to {most} characters.", least=LEAST_LETTERS, most=MOST_LETTERS),
            text("Take a sentence or some words that only you would put together."),
        )
    plain = password.casefold()
    if (len(name) > 2 and name.casefold() in plain) or len(set(plain)) < LEAST_LETTERS // 2:
        raise FudianError(
            text("This password is too easy to guess."),
            text("Take a sentence or some words that only you would put together."),
        )
    return _HASHER.hash(password)


def is_right(password: str, kept: str | None) -> bool:
    """Tell whether a password is the one that was set; takes as long where none was."""
    try:
        return _HASHER.verify(kept or _nobodys(), password[: MOST_LETTERS + 1]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Tell whether a password is kept in a weaker way than new ones."""
    return _HASHER.check_needs_rehash(kept)


def rehashed(password: str) -> str:
    """Return what is kept of a password that was accepted before."""
    return _HASHER.hash(password)


@cache
def _nobodys() -> str:
    return _HASHER.hash("the password of nobody")
