"""The page of a crew's telephone 移动终端: one plain document; what it shows is fetched, what it sends waits in the browser."""

from __future__ import annotations

import html
import json

from network import translate
from repair.desk.work import STAGE_NAMES

CREW_WORDS = {
    "jobs": "Jobs",
    "others": "Jobs of others",
    "none": "No open job.",
    "choose": "Choose your crew first.",
    "crew": "Crew",
    "online": "Connected",
    "offline": "Out of reach; what you report is kept on this telephone and sent later.",
    "waiting": "{count} reports wait to be sent",
    "as_of": "as of {time}",
    "back": "All jobs",
    "customers": "{count} customers off",
    "important": "{count} of them important",
    "began": "since {time}",
    "due": "arrive by {time}",
    "missed": "arrival was due at {time}",
    "range": "back between {low} and {high}, by experience",
    "others_range": "the others between {low} and {high}, by experience",
    "by_plan": "all back by {high}, by the steps still to come",
    "sooner": "{count} customers back by {time}, by the steps still to come",
    "unsure": "far more is out than usual: no time can be told",
    "estimate": "back at {time}, as the desk says",
    "take": "Take the job",
    "arrived": "Arrived",
    "found": "Fault found",
    "found_here": "Fault is here",
    "not_here": "Not here",
    "isolated": "Isolated",
    "partly_restored": "Part has power",
    "repaired": "Repaired",
    "restored": "All have power",
    "photo": "Photograph",
    "note": "Note",
    "send_note": "Send the note",
    "sections": "Where is the fault?",
    "section": "{first} to {last}",
    "said_found": "found here",
    "said_not": "looked at, not here",
    "of_crew": "crew {crew}",
    "planned": "planned for you, visit {number}",
    "unsent": "Not sent yet",
    "take_back": "take back",
    "refused": "Not taken by the desk",
    "dismiss": "put away",
    "sure": "Do all customers of this job have power again?",
    "position": "send my position with each report",
    "map": "Open in the map",
    "signed_out": "Your session is over; nothing is lost.",
    "sign_in": "Sign in",
    "sign_out": "Sign out",
    "other_steps": "Other steps",
}
"""Texts of the page, by the name under which its script knows them."""

STEPS = ("take", "arrived", "found", "isolated", "partly_restored", "repaired", "restored")
"""Reports that each reach a stage, in their order."""


def crew_page(language: str, who: str) -> str:
    """Return the document.

    Args:
        language: ``zh`` or ``en``.
        who: the account, as the page greets it.
    """
    spoken = "zh-CN" if language == "zh" else "en"
    words = {name: translate(said, language) for name, said in CREW_WORDS.items()}
    words |= {f"stage_{name}": translate(said, language) for name, said in STAGE_NAMES.items()}
    told = json.dumps({"words": words, "steps": STEPS, "who": who}, ensure_ascii=False).replace("<", "\\u003c")
    title = html.escape(translate("Repair on site", language))
    brand = html.escape(translate("Fudian", language))
    other, name = ("en", "English") if language == "zh" else ("zh", "中文")
    return (
        f'<!DOCTYPE html><html lang="{spoken}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">'
        '<meta name="color-scheme" content="light"><meta name="theme-color" content="#2f5f82">'
        f'<title>{title} · {brand}</title><link rel="icon" href="data:,"><link rel="manifest" href="/crew/manifest.json">'
        '<link rel="stylesheet" href="/crew/style.css"></head><body>'
        f'<header><h1>{brand} <small>{title}</small></h1><p id="state" role="status"></p>'
        f'<label class="crew"><span>{html.escape(words["crew"])}</span><select id="crew"></select></label></header>'
        '<main id="main" tabindex="-1"></main>'
        f'<footer><label class="switch"><input type="checkbox" id="position"> {html.escape(words["position"])}</label>'
        f'<nav><a href="/crew?lang={other}" lang="{"en" if other == "en" else "zh-CN"}">{name}</a>'
        f'<form method="post" action="/access/sign-out" id="out"><button type="submit">{html.escape(words["sign_out"])}</button>'
        "</form></nav></footer>"
        f'<script type="application/json" id="told">{told}</script><script src="/crew/app.js" defer></script></body></html>'
    )
