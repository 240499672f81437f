"""The pages of the gate: sign-in, and why something is refused; plain HTML that needs nothing behind the gate."""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from network import Text, translate

_MARK = (
    '<svg class="mark" viewBox="0 0 48 48" aria-hidden="true"><rect width="48" height="48" rx="12"/>'
    '<path d="M27.5 7 12.5 27h9.4l-1.6 14L35.5 20.6h-9.6z"/></svg>'
)


def document(title: str, body: str, language: str, status: int, other: str = "") -> HTMLResponse:
    """Return a page of the gate.

    Args:
        title: of the page.
        body: HTML of the card.
        language: ``zh`` or ``en``.
        status: of the answer.
        other: address of the same page in the other language; blank for none.
    """
    spoken = "zh-CN" if language == "zh" else "en"
    label = html.escape(translate("Language", language))
    names = [("zh", "中文"), ("en", "English")]
    toggle = "".join(
        f'<b lang="{code}">{name}</b>'
        if code == language
        else f'<a lang="{code}" href="{html.escape(other)}">{name}</a>'
        for code, name in names
    )
    foot = f'<nav aria-label="{label}">{toggle}</nav>' if other else ""
    brand = html.escape(translate("Fudian", language))
    claim = html.escape(translate("Outage reliability and fault repair", language))
    return HTMLResponse(
        f'<!DOCTYPE html><html lang="{spoken}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light">'
        f'<title>{html.escape(title)} · {brand}</title><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/access/style.css"></head><body>'
        f'<main><header>{_MARK}<div><p class="brand">{brand}</p><p class="claim">{claim}</p></div></header>'
        f"{body}</main><footer>{foot}</footer></body></html>",
        status,
    )


def refusal_page(status: int, message: Text, hint: Text | None, language: str) -> HTMLResponse:
    """Return a page that says why something is refused and what to do."""
    title = translate("Not available" if status >= 500 else "No access", language)
    more = f"<p>{html.escape(hint.in_language(language))}</p>" if hint else ""
    said = html.escape(message.in_language(language))
    again = "" if status != 403 else _sign_in_again(language)
    return document(title, f'<h1>{html.escape(title)}</h1><p class="said">{said}</p>{more}{again}', language, status)


def _sign_in_again(language: str) -> str:
    return (
        f'<p><a class="other" href="/access/sign-in?{urlencode({"lang": language})}">'
        f"{html.escape(translate('Sign in with another account', language))}</a></p>"
    )


def sign_in_page(
    language: str,
    wanted: str,
    status: int = 200,
    said: str = "",
    name: str = "",
    provider: bool = False,
    passwords: bool = True,
) -> HTMLResponse:
    """Return the page to sign in.

    Args:
        language: ``zh`` or ``en``.
        wanted: where to go afterwards.
        status: of the answer.
        said: what was wrong with the last try.
        name: that was typed.
        provider: whether one may sign in at the utility's own provider.
        passwords: whether one may sign in with a password.
    """

    def said_in(sentence: str) -> str:
        return html.escape(translate(sentence, language))

    alert = f'<p class="alert" role="alert">{html.escape(said)}</p>' if said else ""
    wrong = ' aria-invalid="true"' if said else ""
    kept = f'<input type="hidden" name="next" value="{html.escape(wanted)}"><input type="hidden" name="lang" value="{language}">'
    form = (
        f'<form method="post" action="/access/sign-in">{kept}'
        f'<label for="name">{said_in("User name")}</label>'
        f'<input id="name" name="name" value="{html.escape(name)}" autocomplete="username" autocapitalize="none" '
        f'spellcheck="false" maxlength="100" required {"" if name else "autofocus"}{wrong}>'
        f'<label for="password">{said_in("Password")}</label>'
        f'<input id="password" name="password" type="password" autocomplete="current-password" maxlength="256" required '
        f"{'autofocus' if name else ''}{wrong}>"
        f'<button type="submit">{said_in("Sign in")}</button></form>'
    )
    elsewhere = (
        f'<a class="provider" href="/access/provider?{html.escape(urlencode({"next": wanted, "lang": language}))}">'
        f"{said_in('Sign in with the company account')}</a>"
    )
    between = f'<p class="or"><span>{said_in("or")}</span></p>' if provider and passwords else ""
    help_ = said_in("No account, or the password forgotten? Whoever runs this server can help.")
    other = "?" + urlencode({"next": wanted, "lang": "en" if language == "zh" else "zh"})
    body = (
        f"<h1>{said_in('Sign in')}</h1>{alert}{form if passwords else ''}{between}{elsewhere if provider else ''}"
        f'<p class="help">{help_}</p>'
    )
    return document(translate("Sign in", language), body, language, status, other)


STYLE = (Path(__file__).parent / "style.css").read_text("utf-8")
"""Of the pages of the gate."""
