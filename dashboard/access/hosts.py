"""Where a request comes from and what it was sent to: peers, proxies, Host and Origin."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.types import Scope

from network import FudianError, text

Net: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names of this machine that a browser cannot be tricked into for a foreign page."""

_FORWARDED = (b"forwarded", b"x-forwarded-", b"x-real-ip", b"via")


@dataclass(frozen=True)
class Origins:
    """What a request says of where it comes from, believed only as far as it may be.

    Attributes:
        peer: address of whoever asks; behind listed proxies, of whom they name.
        is_listed: the request came from a listed proxy.
        is_https: nobody on the way could read it.
        is_forwarded: it passed through something that says so.
        host: as the request names it, in lower case, without the port; blank where it names none or several.
        authority: the same with the port.
        origin: of the page that sent it; ``None`` where it names none.
        site: what the browser says of that page: ``same-origin``, ``cross-site`` …; blank where it says nothing.
    """

    peer: str
    is_listed: bool
    is_https: bool
    is_forwarded: bool
    host: str
    authority: str
    origin: str | None
    site: str


def networks(named: Sequence[str]) -> tuple[Net, ...]:
    """Return the addresses of proxies as networks.

    Raises:
        FudianError: one is neither an address nor a network.
    """
    try:
        return tuple(ipaddress.ip_network(each.strip(), strict=False) for each in named)
    except ValueError as wrong:
        raise FudianError(
            text("{given!r} is no address of a proxy.", given=", ".join(named)),
            text("Give addresses or networks such as 10.1.2.3 or 10.1.2.0/24."),
        ) from wrong


def origins_of(scope: Scope, proxies: Sequence[Net]) -> Origins:
    """Return where a request comes from.

    Args:
        scope: of the request or socket.
        proxies: peers whose word on others counts.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    peer = (scope.get("client") or ("", 0))[0]
    is_listed = is_within(peer, proxies)
    is_https = scope["scheme"] in {"https", "wss"}
    if is_listed:
        is_https = is_https or _values(headers, b"x-forwarded-proto")[-1:] == ["https"]
        peer = _named_by_proxies(_values(headers, b"x-forwarded-for"), proxies) or peer
    hosts = [value.decode("latin-1").strip().lower() for name, value in headers if name == b"host"]
    authority = hosts[0] if len(hosts) == 1 else ""
    sent = [value.decode("latin-1").strip().lower() for name, value in headers if name == b"origin"]
    sites = _values(headers, b"sec-fetch-site")
    return Origins(
        peer,
        is_listed,
        is_https,
        any(name.startswith(_FORWARDED) for name, _ in headers),
        host_of(authority),
        authority,
        ("null" if len(sent) > 1 else sent[0]) if sent else None,
        sites[0] if sites else "",
    )


def _values(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    """Return the values of a header that may come several times, with commas within."""
    found = [value.decode("latin-1") for name, value in headers if name == wanted]
    return [part.strip() for part in ",".join(found).split(",") if part.strip()]


def _named_by_proxies(named: Sequence[str], proxies: Sequence[Net]) -> str | None:
    """Return the last address that no listed proxy has: what stands before it anybody may have written."""
    return next((each for each in reversed(named) if not is_within(each, proxies)), None)


def is_within(peer: str, nets: Sequence[Net]) -> bool:
    """Tell whether an address lies in one of the networks."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address.version == net.version and address in net for net in nets)


def is_loopback(peer: str) -> bool:
    """Tell whether an address, or a name to bind to, is this machine itself."""
    if peer == "localhost":
        return True
    try:
        return ipaddress.ip_address(peer.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(authority: str) -> str:
    """Return the host of an authority; blank where it is none."""
    try:
        parts = urlsplit(f"//{authority}")
        port = parts.port
        name = parts.hostname or ""
    except ValueError:
        return ""
    del port
    if not name or parts.netloc != authority or "@" in authority or parts.path or parts.query:
        return ""
    return f"[{name}]" if ":" in name else name


def is_address(host: str) -> bool:
    """Tell whether a host is an address: no foreign name can lead a browser there."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_own(origins: Origins) -> bool:
    """Tell whether the page that sent a request is one of this server, or no page at all."""
    if origins.origin is not None:
        scheme, _, authority = origins.origin.partition("://")
        return authority == origins.authority and scheme in ({"https"} if origins.is_https else {"http", "https"})
    return origins.site in {"", "same-origin", "none"}
