"""Signals that were heard put among those that are known, compiled: in one walk along both, since both are in order."""

from __future__ import annotations

from network.arrays import Indices, Mask
from network.compiled import compiled


@compiled
def merge(
    piece: Indices, device: Indices, word: Indices, new_piece: Indices, new_device: Indices, new_word: Indices,
    merged: Indices, again: Mask,
) -> int:  # fmt: skip
    """Merge two tables of signals in the order of piece, device and word, each once.

    Args:
        piece: of each known signal, shape (known,).
        device: likewise.
        word: likewise.
        new_piece: of each new signal, shape (new,).
        new_device: likewise.
        new_word: likewise.
        merged: filled in with the result, shape (3, known + new).
        again: filled in with whether each new signal is known already, shape (new,).

    Returns:
        How many rows of ``merged`` are filled in.
    """
    known, count = 0, 0
    for each in range(len(new_piece)):
        this = (new_piece[each], new_device[each], new_word[each])
        while known < len(piece) and (piece[known], device[known], word[known]) <= this:
            merged[0, count], merged[1, count], merged[2, count] = piece[known], device[known], word[known]
            known += 1
            count += 1
        again[each] = count > 0 and (merged[0, count - 1], merged[1, count - 1], merged[2, count - 1]) == this
        if not again[each]:
            merged[0, count], merged[1, count], merged[2, count] = this
            count += 1
    while known < len(piece):
        merged[0, count], merged[1, count], merged[2, count] = piece[known], device[known], word[known]
        known += 1
        count += 1
    return count
