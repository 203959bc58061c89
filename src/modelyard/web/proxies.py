"""Where a request came from, behind proxies that one trusts.

The connection says who sent it last. ``X-Forwarded-For`` says who it passed before, each hop added at the right; it is
believed as far as it was written by a proxy on the list, and by nobody else: the address is that of the first hop, from
the right, that is not on it. ``Forwarded`` (RFC 7239) is not read.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_HEADER = b"x-forwarded-for"


class TrustedProxies:
    """``networks`` are addresses or networks in CIDR notation; with none the connection alone counts."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ip_network(text) for text in networks)

    def seen_through(self, scope: Scope) -> Scope:
        """The scope with the client's own address (and port 0) in ``client``, where a trusted proxy sent it."""
        if not self._networks:
            return scope
        client = scope.get("client")
        peer = _address(client[0]) if client else None
        if peer is None or not self._trusted(peer):
            return scope
        return {**scope, "client": (str(self._first_stranger(peer, _hops(scope))), 0)}

    def _first_stranger(self, peer: Address, hops: Sequence[str]) -> Address:
        found = peer
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:  # not an address: what stands before it was written by nobody knows whom
                return found
            found = address
            if not self._trusted(found):
                return found
        return found

    def _trusted(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _hops(scope: Scope) -> list[str]:
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER]
    return [hop.strip() for hop in ",".join(lines).split(",")] if lines else []


def _address(text: str) -> Address | None:
    """The address; an IPv4 one that came over IPv6 (RFC 4291, section 2.5.5.2) as what it is."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
