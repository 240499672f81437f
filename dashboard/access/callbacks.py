"""The form of what pages send back: what no page of this server sends is refused before it comes to a callback."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from network import text
from network.texts import language_of

PATH = "/_dash-update-component"

_TEXT_OR_NOTHING = (str, type(None))
KINDS: Mapping[str, tuple[type, ...]] = {
    "pathname": _TEXT_OR_NOTHING,
    "search": _TEXT_OR_NOTHING,
    "hash": _TEXT_OR_NOTHING,
    "href": _TEXT_OR_NOTHING,
    "n_intervals": (int, type(None)),
    "n_clicks": (int, type(None)),
    "opened": (bool, type(None)),
    "clickData": (dict, type(None)),
    "getRowsRequest": (dict, type(None)),
}
"""What the values of some properties of components are; others are as the callback takes them."""


class CallbackForm:
    """Passes on calls of callbacks that a page of this server may have sent."""

    def __init__(self, app: ASGIApp, known: Callable[[], Mapping[str, Any]], language: str) -> None:
        """Stand before the callbacks.

        Args:
            app: the application.
            known: gives the callbacks by their outputs, as Dash keeps them.
            language: of refusals.
        """
        self.app = app
        self._known = known
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or refuse it."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        message = await receive()
        if not self._is_ours(message.get("body", b""), dict(scope["headers"]).get(b"content-type", b"")):
            language = language_of(self._language) or "en"
            answer = {
                "error": text("No page of this server sends this.").in_language(language),
                "hint": text("Programs ask /api/v1; see /openapi.json for the routes.").in_language(language),
                "errors": [],
            }
            await JSONResponse(answer, HTTPStatus.BAD_REQUEST)(scope, receive, send)
            return
        given = False

        async def received() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return message

        await self.app(scope, received, send)

    def _is_ours(self, body: bytes, content_type: bytes) -> bool:
        if not content_type.startswith(b"application/json"):
            return False
        try:
            call = json.loads(body)
        except (ValueError, RecursionError):
            return False
        if not isinstance(call, dict) or not isinstance(call.get("output"), str):
            return False
        callback = self._known().get(call["output"])
        if callback is None or not (callback.get("no_output") or _is_outputs(call.get("outputs"))):
            return False
        changed = call.get("changedPropIds", [])
        if not isinstance(changed, list) or not all(isinstance(each, str) for each in changed):
            return False
        return _fits(call.get("inputs"), callback.get("inputs", [])) and _fits(
            call.get("state", []), callback.get("state", [])
        )


def _is_outputs(given: Any) -> bool:
    each = given if isinstance(given, list) else [given]
    flat = [one for part in each for one in (part if isinstance(part, list) else [part])]
    return bool(flat) and all(isinstance(one, dict) and {"id", "property"} <= one.keys() for one in flat)


def _fits(given: Any, wanted: list[Mapping[str, Any]]) -> bool:
    """Tell whether values are those of the components that a callback names, in its order; a wildcard takes a list of them."""
    if not isinstance(given, list) or len(given) != len(wanted):
        return False
    return all(
        all(_is_value(one, name["property"]) for one in part)
        if isinstance(part, list)
        else _is_value(part, name["property"])
        for part, name in zip(given, wanted, strict=True)
    )


def _is_value(given: Any, wanted: str) -> bool:
    if not isinstance(given, dict) or given.get("property") != wanted or not isinstance(given.get("id"), str | dict):
        return False
    kinds = KINDS.get(wanted)
    value = given.get("value")
    return kinds is None or (isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds))
