"""Reports over HTTP: one, a list, or a line each; packed with gzip or not."""

from __future__ import annotations

import json
from concurrent.futures import TimeoutError as TookTooLongError
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from dashboard import forms
from dashboard.access.packing import unpacked
from dashboard.access.reader import reader
from fudian.desk import RETRY_S, Desk, DeskBusyError, DeskStoreError
from network import FudianError, text
from network.texts import Text, language_of

MOST_ROWS = 100_000
"""Reports in one request."""

JUDGED_WITHIN_S = 20.0
"""How long an answer waits for what came of the reports; they are kept in any case."""

_LINES = ("application/x-ndjson", "application/jsonl", "application/ndjson")
_ROW = {"type": "object", "description": "A row of the table of signals; event_id is the sender's own number."}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"oneOf": [_ROW, {"type": "array", "items": _ROW}]}},
        "application/x-ndjson": {"schema": {"type": "string", "description": "One row a line."}},
    },
}


def intake_router(desk: Desk, responses: dict[int | str, dict[str, Any]]) -> APIRouter:
    """Return the route by which reports come in.

    Args:
        desk: keeps and judges them.
        responses: how every route refuses.
    """
    routes = APIRouter(prefix="/api/v1", tags=["repair"])
    refusals = responses | {
        429: {"description": "Too much waits; nothing was taken. Retry-After says when to send it again."},
        503: {
            "description": "The store cannot be written; nothing was acknowledged. Retry-After says when to try again."
        },
    }

    @routes.post("/signals", response_model=forms.Ingested, responses=refusals, openapi_extra={"requestBody": _BODY})
    async def ingest(
        request: Request,
        now: Annotated[
            str | None, Query(description="local time at which they were heard; by default the clock")
        ] = None,
        wait: Annotated[bool, Query(description="answer once they are judged; else once they are kept")] = True,
    ) -> JSONResponse:
        """Keep reports, then judge them; the answer says which incidents changed."""
        language = language_of(request.query_params.get("lang", "")) or "en"
        body = await request.body()
        return await run_in_threadpool(_take, desk, body, request, now, wait, language)

    return routes


def _take(desk: Desk, body: bytes, request: Request, now: str | None, wait: bool, language: str) -> JSONResponse:
    encoding = request.headers.get("content-encoding", "")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    rows = rows_of(unpacked(body, encoding), is_lines=kind in _LINES)
    try:
        receipt = desk.accept(rows, sender(request), now)
    except DeskBusyError as busy:
        return _later(429, busy, language)
    except DeskStoreError as refused:
        return _later(503, refused, language)
    except TookTooLongError:
        return _later(503, FudianError(
            text("The store did not answer in time."), text("Send the reports again: what was kept already counts once.")
        ), language)  # fmt: skip
    answer: dict[str, Any] = {"accepted": receipt.accepted, "repeated": receipt.repeated}
    problems = [each.as_dict(language) for each in receipt.problems[:100]]
    try:
        came = receipt.judged.result(JUDGED_WITHIN_S if wait else 0.0)
    except TookTooLongError:
        return JSONResponse(answer | {"heard": len(rows), "judged": False, "problems": problems}, 202)
    said = [problem.as_dict(language) for problem in came["problems"][:100]]
    return JSONResponse(_plain(answer | came | {"heard": len(rows), "judged": True, "problems": problems + said}))


def sender(request: Request) -> str:
    """Return whose reports a request brings: who signed in, or the token, or the peer."""
    return reader().who or f"http:{request.client.host if request.client else ''}"


def rows_of(content: bytes, is_lines: bool) -> list[dict[str, Any]]:
    """Return the rows of a body: one object, a list of them, or one a line.

    Raises:
        FudianError: it holds something else, or too many.
    """
    try:
        if is_lines:
            found = [orjson.loads(line) for line in content.splitlines() if line.strip()]
        else:
            read = orjson.loads(content)
            found = read if isinstance(read, list) else [read]
    except (ValueError, RecursionError) as error:
        raise _unreadable(text("The body is no JSON.")) from error
    if not all(isinstance(row, dict) for row in found):
        raise _unreadable(text("A report is an object."))
    if len(found) > MOST_ROWS:
        raise FudianError(
            text("{count} reports are more than one request takes.", count=len(found)),
            text("Send {most} at most, in several requests.", most=MOST_ROWS),
        )
    return found


def _unreadable(message: Text) -> FudianError:
    return FudianError(message, text("Send a row of the table of signals, a list of rows, or one row a line."))


def _later(status: int, refusal: FudianError, language: str) -> JSONResponse:
    hint = refusal.hint.in_language(language) if refusal.hint else None
    answer = {"error": refusal.message.in_language(language), "hint": hint}
    return JSONResponse(answer, status, {"Retry-After": str(RETRY_S)})


def _plain(answer: dict[str, Any]) -> Any:
    """Return an answer with moments as text."""
    return json.loads(json.dumps(answer, default=str))
