"""Where a request came from: the connection, or what proxies that one trusts say."""

from typing import Any

import pytest

from modelyard.web.proxies import TrustedProxies


def seen(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = ("10.0.0.0/8", "fd00::/8")) -> Any:
    headers = [(b"host", b"x"), *((b"x-forwarded-for", line.encode("latin-1")) for line in forwarded)]
    scope = {"type": "http", "headers": headers, "client": (peer, 1234) if peer else None}
    client = TrustedProxies(trusted).seen_through(scope)["client"]
    return client[0] if client else None


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.66, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["' OR 1=1 --, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["2001:DB8::1"], "2001:db8::1"),
        ("fd00::1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        (None, ["198.51.100.1"], None),
    ],
)
def test_only_what_a_trusted_proxy_wrote_is_believed(peer: str | None, forwarded: list[str], address: object) -> None:
    assert seen(peer, *forwarded) == address


def test_with_nobody_to_trust_the_connection_counts() -> None:
    assert seen("10.0.0.1", "198.51.100.1", trusted=()) == "10.0.0.1"
