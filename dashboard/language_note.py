"""The note on a language that is not known, beside answers that have no place for it: a header of routes and exports."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from network.texts import language_of, unknown_language

HEADER = "X-Fudian-Note"
_NOTED = ("/api/", "/export/")


class LanguageNote:
    """Answer in the default language where ``lang`` names an unknown one, and say so in :data:`HEADER`, in plain ASCII."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the note to its answer where there is one."""
        note = _note(scope) if scope["type"] == "http" and scope["path"].startswith(_NOTED) else None

        async def send_noted(message: Message) -> None:
            if note is not None and message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = note
            await send(message)

        await self.app(scope, receive, send_noted)


def _note(scope: Scope) -> str | None:
    named = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get("lang")
    if named is None or language_of(named[-1]):
        return None
    return str(unknown_language(named[-1])).encode("ascii", "backslashreplace").decode()
