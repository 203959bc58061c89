"""Which network addresses this server calls because a user says so.

The public internet, encrypted, and what the operator opened beside it. Everything else is refused, so that nobody uses
the server to reach what only it can reach: itself, the machines around it, the metadata service of a cloud.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_NAT64 = IPv6Network("64:ff9b::/96")
"""Addresses of IPv4 behind a translator (RFC 6052)."""
_SPECIAL = tuple(ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23"))
"""For protocols, not for servers (RFC 6890); older Pythons take some of them for public."""


class Addresses:
    """``networks`` are those that the operator opened, like ``10.0.0.0/8``."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = tuple(ip_network(text) for text in networks)

    def allowed(self, address: str, *, encrypted: bool) -> bool:
        """Whether this address may be called; in the clear only inside the networks that were opened."""
        found = _reached(address)
        if any(found in network for network in self._networks):
            return True
        special = found.is_multicast or found.is_reserved or any(found in network for network in _SPECIAL)
        return encrypted and found.is_global and not special


def _reached(address: str) -> IPv4Address | IPv6Address:
    """Where packets to the address end up: some of IPv6 are another way to write one of IPv4."""
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return found
    if found in _NAT64:
        return IPv4Address(int(found) & 0xFFFFFFFF)
    teredo = found.teredo[1] if found.teredo else None
    return found.ipv4_mapped or found.sixtofour or teredo or found
