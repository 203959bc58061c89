"""Which addresses are called because a user says so."""

import pytest

from modelyard.outgoing.addresses import Addresses

CLOSED = Addresses(())

INSIDE = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.0.8"),
    *("::1", "::2", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::7f00:1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:0a00:0001::1", "64:ff9b::7f00:1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe"),
)


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_that_are_not_of_the_internet_are_not_called(address: str) -> None:
    assert not CLOSED.allowed(address, encrypted=True)
    assert not CLOSED.allowed(address, encrypted=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_called_encrypted_alone(address: str) -> None:
    assert CLOSED.allowed(address, encrypted=True)
    assert not CLOSED.allowed(address, encrypted=False)


def test_networks_that_were_opened_are_called_and_nothing_beside_them() -> None:
    opened = Addresses(("10.1.0.0/16", "fd00::/8"))
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1"):
        assert opened.allowed(address, encrypted=False)
    for address in ("10.2.0.1", "127.0.0.1", "fc00::1", "169.254.169.254"):
        assert not opened.allowed(address, encrypted=True)
