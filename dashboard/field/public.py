"""The public page of an incident 可视化报修: how far the repair is, for whoever was given its link."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from cachetools import TTLCache
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, PlainTextResponse

from dashboard.parts.words import moment
from dashboard.pool import Pool, PooledRouter
from fudian.desk import Desk
from network import translate
from network.texts import language_of

KEPT_S = 10.0
"""For how long a page is given as it was made, however many look at it."""

SHOWN_STAGES: Mapping[str, str] = {
    "accepted": "Reported",
    "dispatched": "Crew sent",
    "arrived": "Crew on site",
    "located": "Fault found",
    "partly_restored": "Part has power again",
    "repaired": "Repaired",
    "restored": "All have power again",
}
"""Stages that customers care for, in words."""

_STYLE = Path(__file__).parent / "public.css"
_HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}


def public_router(desk: Desk, pool: Pool, language: str) -> PooledRouter:
    """Return the routes of the public page.

    Args:
        desk: knows the incidents and their links.
        pool: where pages are made.
        language: where the address names none.
    """
    routes = PooledRouter(pool, prefix="/public", include_in_schema=False)
    made: TTLCache[tuple[str, str], str] = TTLCache(1024, KEPT_S)
    lock = Lock()

    @routes.get("/style.css")
    def style() -> PlainTextResponse:
        return PlainTextResponse(_STYLE.read_text("utf-8"), media_type="text/css")

    @routes.get("/outage/{token}")
    def page(token: Annotated[str, InPath(max_length=100)], lang: str = "") -> HTMLResponse:
        spoken = language_of(lang) or language
        utility = desk.utility
        with lock:
            known = made.get((token, spoken))
        if known is None or not utility.is_public(token):
            shown = utility.public_outage(token)
            if shown is None:
                return HTMLResponse(_nothing(spoken), HTTPStatus.NOT_FOUND, _HEADERS)
            known = outage_page(shown, spoken)
            with lock:
                made[token, spoken] = known
        return HTMLResponse(known, headers=_HEADERS)

    return routes


def outage_page(shown: Mapping[str, Any], language: str) -> str:
    """Return the page of an incident.

    Args:
        shown: as :meth:`fudian.Utility.public_outage` tells it.
        language: ``zh`` or ``en``.
    """
    areas = ("、" if language == "zh" else ", ").join(shown["areas"]) or translate("Your area", language)
    if shown["further_areas"]:
        areas = translate("{areas} and {count} more areas", language, areas=areas, count=shown["further_areas"])
    began = translate("Without power since {time}", language, time=_clock(shown["start"]))
    back = shown["back_at"]
    state = translate("Power is back since {time}", language, time=_clock(back)) if back else _expected(shown, language)
    crew = {
        "on_the_way": translate("A crew is on its way.", language),
        "on_site": translate("A crew is at work.", language),
    }.get(shown["crew"] or "", "")
    body = (
        f'<p class="area">{html.escape(areas)}</p><h1 class="{"back" if back else ""}">{html.escape(state)}</h1>'
        + _sooner(shown, language)
        + f"<p>{html.escape(began)}</p>"
        + (f'<p class="crew">{html.escape(crew)}</p>' if crew else "")
        + _stages(shown["stages"], language)
        + "<p>"
        + html.escape(translate("{count} customers are concerned.", language, count=f"{shown['customers']:,}"))
        + "</p>"
    )
    asked = translate("For questions call {hotline}.", language, hotline=shown["hotline"])
    at = translate("As of {time}; this page is renewed every minute.", language, time=_clock(shown["at"]))
    foot = " · ".join(filter(None, [shown["unit"], asked]))
    return _document(body + f'<p class="quiet">{html.escape(at)}</p><p class="quiet">{html.escape(foot)}</p>', language)


def _expected(shown: Mapping[str, Any], language: str) -> str:
    if shown["estimate"] is not None:
        return translate("Power is expected back at {time}", language, time=_clock(shown["estimate"]))
    if shown["low"] is not None:
        low, high = _clock(shown["low"]), _clock(shown["high"])
        return translate("Power is expected back between {low} and {high}", language, low=low, high=high)
    return translate("It cannot be told yet when power is back", language)


def _sooner(shown: Mapping[str, Any], language: str) -> str:
    if shown["by_switching"] is None:
        return ""
    said = translate(
        "{count} customers are to have power again by {time}, before the repair",
        language,
        count=f"{shown['by_switching']:,}",
        time=_clock(shown["switched_by"]),
    )
    return f'<p class="crew">{html.escape(said)}</p>'


def _stages(stages: Mapping[str, datetime], language: str) -> str:
    rows = []
    for stage, said in SHOWN_STAGES.items():
        at = stages.get(stage) or (stages.get("taken") if stage == "dispatched" else None)
        time = f"<time>{html.escape(_clock(at))}</time>" if at else ""
        rows.append(f'<li class="{"reached" if at else ""}">{html.escape(translate(said, language))}{time}</li>')
    return f"<ol>{''.join(rows)}</ol>"


def _clock(at: datetime) -> str:
    return moment(at)


def _nothing(language: str) -> str:
    """Return what is shown for a link that leads nowhere, whichever it is."""
    said = html.escape(translate("This link leads nowhere, or no longer.", language))
    hint = html.escape(translate("Pages of incidents are closed some time after power is back.", language))
    return _document(f"<h1>{said}</h1><p>{hint}</p>", language, is_renewed=False)


def _document(body: str, language: str, is_renewed: bool = True) -> str:
    spoken = "zh-CN" if language == "zh" else "en"
    other, name = ("en", "English") if language == "zh" else ("zh", "中文")
    title = html.escape(translate("Progress of the repair", language))
    renewed = '<meta http-equiv="refresh" content="60">' if is_renewed else ""
    return (
        f'<!DOCTYPE html><html lang="{spoken}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{renewed}<meta name="robots" content="noindex">'
        f'<title>{title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/public/style.css"></head><body>'
        f'<header>{title}</header><main>{body}</main><footer><a href="?lang={other}" lang="{"en" if other == "en" else "zh-CN"}">'
        f"{name}</a></footer></body></html>"
    )
