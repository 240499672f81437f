"""What a word that is not known was meant to be, where that is convincing; a wrong hint is worse than none.

An id is one thing and its neighbour another: two ids are one only if they are the same but for case, width, separators, leading
zeros, or letters that look like digits. A word is meant where one slip of the keyboard makes it, or of a long word two; not
where the two differ by a beginning such as "un", nor by a Chinese character more, less or in front: it is a word of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_SHORTEST_WORD = 4
_LONG_WORD = 10


def nearest(unknown: str, known: Iterable[str], most: int = 1) -> list[str]:
    """Return the known words or ids that an unknown one was convincingly meant to be, the likeliest first.

    Args:
        unknown: as somebody wrote it.
        known: what there is.
        most: how many at most.
    """
    key, word = _normal(unknown), _folded(unknown)
    same, close = [], []
    for candidate in known:
        if _normal(candidate) == key:
            same.append(candidate)
        elif len(same) < most and is_slip(word, _folded(candidate)):
            close.append(candidate)
    return [*same, *close][:most]


def is_slip(word: str, meant: str) -> bool:
    """Return whether one word is the other with a slip of the keyboard, or without its unit: ``rating`` for ``rating_a``."""
    if _is_id(word) or _is_id(meant) or len(word) < _SHORTEST_WORD:
        return False
    if not (word.isascii() and meant.isascii()):
        return len(word) == len(meant) and word[0] == meant[0] and slips(word, meant) == 1
    if meant.startswith(f"{word}_"):
        return True
    if word.endswith(meant) or meant.endswith(word):
        return False
    allowed = 2 if min(len(word), len(meant)) >= _LONG_WORD and word[0] == meant[0] else 1
    return abs(len(word) - len(meant)) <= allowed and slips(word, meant) <= allowed


def slips(word: str, meant: str) -> int:
    """Return how many letters are to be put in, left out, replaced, or swapped with the next, to make one of the other."""
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(word, 1):
        older, before, row = before, row, [i]
        for j, other in enumerate(meant, 1):
            cost = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and word[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _is_id(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold().strip()


def _normal(word: str) -> str:
    """Return a word so that two ways to write the same are equal."""
    plain = _folded(word)
    if _is_id(plain):
        plain = re.sub(r"(?<=\d)[li](?=\d|$)", "1", plain.replace("o", "0"))
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[\s_\-./#]+", "", re.sub(r"(?<!\d)0+(?=\d)", "", plain)))
