"""What an address says: the page, the language and the filters, so that a link brings anyone to the same view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from network import Text, text
from network.texts import language_of, unknown_language

PAGES = ("operations", "steering", "dispatch", "planned", "frequent", "management")
ROWS = "rows"
"""Parameter that opens the drawer; ``rows.<column>`` are its filters."""


@dataclass
class Address:
    """An address taken apart.

    Attributes:
        page: one of :data:`PAGES`.
        values: parameters as given, without the language.
        language: ``zh`` or ``en``.
        default_language: that of the application; only another one stands in links.
        notes: what in the address could not be followed, and what is shown instead.
    """

    page: str
    values: dict[str, str]
    language: str
    default_language: str = "zh"
    notes: list[Text] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: str | None, search: str | None, default_language: str = "zh") -> Address:
        """Take path and query string apart."""
        values = dict(parse_qsl((search or "").removeprefix("?"), keep_blank_values=True))
        wanted = (path or "/").strip("/") or PAGES[0]
        named = values.pop("lang", default_language)
        spoken = language_of(named)
        address = cls(wanted if wanted in PAGES else PAGES[0], values, spoken or default_language, default_language)
        if wanted not in PAGES:
            address.notes.append(text("There is no page {page}; this is the first one.", page=wanted))
        if spoken is None:
            address.notes.append(unknown_language(named))
        return address

    def choose(self, name: str, options: Sequence[str], default: str) -> str:
        """Return the value of a parameter if it is one of ``options``; otherwise the default, with a note."""
        self.asked.add(name)
        given = self.values.get(name)
        if given is None or given in options:
            return given or default
        if not default:
            self.notes.append(text("{name}={value} in the address is not known here.", name=name, value=given))
            return default
        self.notes.append(
            text(
                "{name}={value} in the address is not known here; {default} is shown.",
                name=name,
                value=given,
                default=default,
            )
        )
        return default

    def note_unknown(self) -> None:
        """Note the parameters that nothing asked for."""
        for name in self.values:
            if name not in self.asked and name != ROWS and not name.startswith(f"{ROWS}."):
                self.notes.append(text("{name} in the address has no meaning on this page.", name=name))

    @property
    def filters(self) -> dict[str, str]:
        """The filters of the drawer by column."""
        prefix = f"{ROWS}."
        return {name.removeprefix(prefix): value for name, value in self.values.items() if name.startswith(prefix)}

    def without_rows(self) -> dict[str, str]:
        """Return the parameters of the page itself."""
        return {name: value for name, value in self.values.items() if name != ROWS and not name.startswith(f"{ROWS}.")}

    def search(self, values: Mapping[str, str | None], language: str | None = None) -> str:
        """Return a query string in the address's language or another one; ``None`` leaves a parameter out."""
        kept = {name: value for name, value in values.items() if value is not None}
        spoken = language or self.language
        if spoken != self.default_language:
            kept["lang"] = spoken
        return f"?{urlencode(kept)}" if kept else ""

    def href(self, **changes: str | None) -> str:
        """Return the link to this page with some parameters changed, and the drawer closed."""
        return f"/{self.page}{self.search(self.without_rows() | changes)}"

    def page_href(self, page: str, **values: str | None) -> str:
        """Return the link to another page in the same language."""
        return f"/{page}{self.search(values)}"

    def in_language(self, language: str) -> str:
        """Return the link to this view in another language."""
        return f"/{self.page}{self.search(self.values, language)}"

    def rows_search(self, kind: str, filters: Mapping[str, str | None] | None = None) -> str:
        """Return the query string of this page with the drawer open on rows; a blank value means none recorded."""
        named = {f"{ROWS}.{column}": value or "" for column, value in (filters or {}).items()}
        return self.search(self.without_rows() | {ROWS: kind} | named)

    def rows_href(self, kind: str, filters: Mapping[str, str | None] | None = None) -> str:
        """Return the link that opens the drawer on some rows; see :meth:`rows_search`."""
        return f"/{self.page}{self.rows_search(kind, filters)}"
