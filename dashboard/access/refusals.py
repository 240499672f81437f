"""How routes refuse: one form, and the reasons that every route may have."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Refusal(BaseModel):
    """Why a question is not answered."""

    error: str
    """What is wrong, in one sentence."""
    hint: str | None = None
    """What to do about it."""
    errors: list[dict[str, Any]] = []
    """The rows of tables that prevent the answer, as ``check`` gives them."""


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "The request is not one that can be read, or is nested too deeply."},
    401: {"model": Refusal, "description": "Nobody has signed in, or the token is not good."},
    403: {"model": Refusal, "description": "Role or scope do not allow it, or host or origin are foreign."},
    404: {"model": Refusal, "description": "There is no such branch, transformer, outage or route."},
    422: {"model": Refusal, "description": "A value cannot be used, or the data has errors that prevent the answer."},
    408: {"model": Refusal, "description": "The body did not come in time."},
    413: {"model": Refusal, "description": "The body is too long, or holds too many values."},
    415: {"model": Refusal, "description": "The body is compressed."},
    500: {"model": Refusal, "description": "Something went wrong inside; the log of the server says what."},
    503: {"model": Refusal, "description": "Too many ask at once."},
}
"""How every route refuses."""
