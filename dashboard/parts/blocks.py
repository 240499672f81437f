"""The pieces that every page is built from: sentence, card, chip, table, link, bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import Formatter
from typing import Any
from urllib.parse import quote

from dash import dcc, html

from dashboard.access.reader import reader
from dashboard.access.roles import ROLE_NAMES
from dashboard.parts.address import PAGES, Address
from network import translate

Part = Any
"""A Dash component, a text, or a list of them."""

_PAGE_NAMES = {
    "operations": "Operations",
    "steering": "Steering",
    "dispatch": "Repair",
    "planned": "Plans",
    "frequent": "Frequent",
    "management": "Management",
}


def compose(template: str, language: str, /, **parts: Part) -> list[Part]:
    """Return a translated sentence whose places are filled by components."""
    pieces: list[Part] = []
    for words, name, _, _ in Formatter().parse(translate(template, language)):
        if words:
            pieces.append(words)
        if name is not None:
            pieces.append(parts[name])
    return pieces


def strong(value: str, tone: str = "") -> html.B:
    """Return a figure in bold; ``tone`` is ``warning`` or ``abnormal`` where something is off."""
    return html.B(value, className=tone)


def link(label: Part, href: str, name: str = "", **more: Any) -> dcc.Link:
    """Return a link within the dashboard."""
    return dcc.Link(label, href=href, className=f"link {name}".strip(), **more)


def chip(label: str, options: Sequence[tuple[str, str]], described: str) -> html.Details:
    """Return a chip that shows a choice and opens the others.

    Args:
        label: the present choice.
        options: label and link of every choice.
        described: what is chosen, for screen readers.
    """
    named: list[Part] = [
        html.Span(f"{described}: ", className="hidden"),
        label,
        html.Span("▾", className="caret", **aria(hidden="true")),
    ]
    return html.Details(
        [
            html.Summary(named, className="chip"),
            html.Div([dcc.Link(each, href=href) for each, href in options], className="choices"),
        ],
        className="choice",
    )


def card(title: Part, *content: Part, note: Part = None, name: str = "", **more: Any) -> html.Section:
    """Return a white card with a heading and a quiet note beside it."""
    heading = [html.H2(title)] + ([html.Span(note, className="note")] if note is not None else [])
    return html.Section([html.Header(heading), *content], className=f"card {name}".strip(), **more)


def table(head: Sequence[tuple[str, str]], rows: Iterable[Part], name: str = "", caption: str = "") -> html.Table:
    """Return a plain table.

    Args:
        head: heading and class of each column.
        rows: of :func:`row`.
        name: class of the table.
        caption: what it shows, for screen readers.
    """
    body = list(rows)
    for each in body:
        if len(each.children) == len(head):
            for cell, (label, _) in zip(each.children, head, strict=True):
                if label:
                    setattr(cell, "data-label", label)
    return html.Table(
        [
            html.Caption(caption, className="hidden"),
            html.Thead(html.Tr([html.Th(label, className=kind, scope="col") for label, kind in head]))
            if head
            else None,
            html.Tbody(body),
        ],
        className=f"table {name} {'' if head and name != 'bullets' else 'kept'}".strip(),
    )


def row(
    cells: Sequence[tuple[Part, str]],
    href: str | None = None,
    name: str = "",
    title: str | None = None,
    incident: str | None = None,
) -> html.Tr:
    """Return a table row; with ``href`` its first cell is a link that covers the whole row; changes of an incident mark it."""
    content = [html.Td(_side_by_side(cell), className=kind) for cell, kind in cells]
    if href is not None:
        first, kind = cells[0]
        content[0] = html.Td(dcc.Link(first, href=href, className="cover"), className=kind)
    more: Any = {"title": title} if title else {}
    if incident is not None:
        more |= data(incident=incident)
    return html.Tr(content, className=f"{'door' if href else ''} {name}".strip(), **more)


def _side_by_side(part: Part) -> Part:
    """Return a part without lists within lists, of which a page shows nothing."""
    if not isinstance(part, list):
        return part
    return [each for one in part for each in (_side_by_side(one) if isinstance(one, list) else [one])]


def scrolling(content: Part) -> html.Div:
    """Return a part that scrolls within the card when it is long."""
    return html.Div(content, className="scrolling", tabIndex="0")


def badge(label: str, tone: str = "") -> html.Span:
    """Return a small label; ``tone`` is ``warning``, ``abnormal`` or nothing."""
    return html.Span(label, className=f"badge {tone}".strip())


def bar(*shares: tuple[float, str], mark: float | None = None, label: str = "") -> html.Div:
    """Return a bar of one or more parts.

    Args:
        shares: length from 0 to 1 and class of each part, side by side.
        mark: where a limit stands, from 0 to 1.
        label: what it says, for screen readers.
    """
    parts = [html.Div(className=f"fill {kind}", style={"width": f"{share * 100:.2f}%"}) for share, kind in shares]
    if mark is not None:
        parts.append(html.Div(className="mark", style={"left": f"{mark * 100:.2f}%"}))
    return html.Div(parts, className="bar", role="img", **aria(label=label))


def sparkline(values: Sequence[float], label: str) -> html.Img:
    """Return a small line of values as an image without axes."""
    width, height, top = 76, 18, max([*values, 1e-9])
    step = width / max(len(values) - 1, 1)
    points = " ".join(
        f"{position * step:.1f},{height - 2 - value / top * (height - 4):.1f}" for position, value in enumerate(values)
    )
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<polyline points="{points}" fill="none" stroke="#4f6f88" stroke-width="1.2" stroke-linejoin="round"/></svg>'
    )
    return html.Img(
        src=f"data:image/svg+xml,{quote(drawing)}", alt=label, width=width, height=height, className="sparkline"
    )


def lead(sentence: Sequence[Part], below: Sequence[Part]) -> html.Div:
    """Return the sentence that opens a page, and the line under it."""
    return html.Div([html.H1(list(sentence)), html.P(list(below))], className="lead")


def frame(
    address: Address, chips: Sequence[Part], right: Sequence[Part], content: Sequence[Part], has_heading: bool = True
) -> html.Div:
    """Return a whole page: navigation at the left, controls and freshness above, notes, then the content.

    Args:
        address: of the page.
        chips: choices above the content.
        right: what stands beside them.
        content: of the page.
        has_heading: whether the content has a heading of the first order; else the name of the page is one, unseen.
    """
    language = address.language
    other = "en" if language == "zh" else "zh"
    navigation = html.Nav(
        [
            html.Span(translate("Fudian", language), className="brand"),
            *(
                dcc.Link(
                    translate(_PAGE_NAMES[page], language),
                    href=address.page_href(page),
                    className="here" if page == address.page else "",
                )
                for page in PAGES
            ),
        ],
        **aria(label=translate("Pages", language)),
    )
    toggle = html.Span(
        [
            html.B(name) if spoken == language else link(name, address.in_language(other))
            for spoken, name in (("zh", "中"), ("en", "EN"))
        ],
        className="languages",
        **aria(label=translate("Language", language)),
    )
    name = translate(_PAGE_NAMES[address.page], language)
    heading = [] if has_heading else [html.H1(name, className="hidden")]
    title = f"{name} · {translate('Fudian', language)}"
    notes = [html.P(note.in_language(language), className="address-note", role="status") for note in address.notes]
    top = html.Div(
        [
            html.Div(list(chips), className="chips"),
            html.Div([*right, *_live(language), toggle, signed_in(language)], className="freshness"),
        ],
        className="top",
    )
    return html.Div(
        [navigation, html.Main([html.Div(title, className="print-header"), *heading, top, *notes, *content])],
        className="shell",
        lang="zh-CN" if language == "zh" else "en",
        **data(title=title),
    )


def _live(language: str) -> list[Part]:
    """Return where the script of the page says whether it is told of changes, and the switch of its sound."""
    words = data(
        live=translate("live", language),
        lost=translate("Not told of changes since {time}: what is shown may be old.", language, time="{time}"),
        refusing=translate("The store cannot be written: nothing that is told now is kept or acknowledged.", language),
    )
    sounds = data(on=translate("sound on", language), off=translate("sound off", language))
    return [
        html.Span(className="live-state", role="status", **words),
        html.Button(type="button", className="sound link", **sounds),
    ]


def signed_in_here(language: str) -> Part:
    """Return what stands in a page that is made for nobody where others read who is signed in."""
    return html.Span(className="signed-in", lang=language, **data(place="signed-in"))


def signed_in(language: str) -> Part:
    """Return who is signed in, and the way out; an empty place where nobody signs in."""
    who = reader()
    if not who.shown_name:
        return signed_in_here(language)
    leave = html.Button(translate("Sign out", language), type="submit", className="link leave")
    said = " · ".join(
        part for part in (who.shown_name, translate(ROLE_NAMES.get(who.role, ""), language), who.unit) if part
    )
    return html.Form([html.Span(said), leave], action="/access/sign-out", method="post", className="signed-in")


def note_card(title: str, sentence: str, hint: str = "", items: Sequence[str] = ()) -> html.Section:
    """Return a card that says what is wrong and what to do."""
    content: list[Part] = [html.P(sentence), html.P(hint, className="quiet")]
    if items:
        content.append(html.Ul([html.Li(item) for item in items]))
    return card(title, *content, name="wide", role="alert")


def data(**values: object) -> Any:
    """Return ``data-…`` attributes, so that a figure in the page can be read by programs."""
    return {f"data-{name}": str(value) for name, value in values.items()}


def aria(**values: str) -> Any:
    """Return ``aria-…`` attributes."""
    return {f"aria-{name}": value for name, value in values.items()}
