"""Only what a client registered is where a browser may be sent, letter by letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.identity.redirects import checked_uri, is_registered
from modelyard.core.kernel.errors import DomainError

ORIGIN = "https://models.example.com"
REGISTERED = ["https://app.example.com/cb?a=1", "http://127.0.0.1/cb", "http://[::1]:8400/cb", "/console/cb"]


@pytest.mark.parametrize("uri", ["https://app.example.com/cb?a=1", f"{ORIGIN}/console/cb", "http://127.0.0.1/cb"])
def test_what_is_registered_is_found(uri: str) -> None:
    assert is_registered(uri, REGISTERED, ORIGIN)


@given(st.integers(1, 65_535))
def test_any_port_of_this_machine_is_the_registered_one(port: int) -> None:
    assert is_registered(f"http://127.0.0.1:{port}/cb", REGISTERED, ORIGIN)
    assert is_registered(f"http://[::1]:{port}/cb", REGISTERED, ORIGIN)
    assert not is_registered(f"http://localhost:{port}/cb", REGISTERED, ORIGIN)
    assert not is_registered(f"{ORIGIN}:{port}/console/cb", REGISTERED, ORIGIN)


@given(st.sampled_from(REGISTERED[:1] + REGISTERED[3:]), st.integers(0, 40), st.characters())
def test_one_other_letter_is_another_address(registered: str, place: int, letter: str) -> None:
    whole = registered if registered.startswith("http") else ORIGIN + registered
    for changed in (whole[:place] + letter + whole[place + 1 :], whole[:place] + letter + whole[place:]):
        assert is_registered(changed, [registered], ORIGIN) is (changed == whole)


@given(st.text())
def test_nothing_is_registered_where_nothing_is(uri: str) -> None:
    assert not is_registered(uri, [], ORIGIN)


@pytest.mark.parametrize(
    "uri", ["https://app.example.com", "http://127.0.0.1/cb", "/", "/console/cb", "com.example.app:/cb"]
)
def test_sound_addresses_may_be_registered(uri: str) -> None:
    assert checked_uri(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "*",
        "https://*.example.com/cb",
        "https://app.example.com/*",
        "https://app.example.com/cb#x",
        "https://user@app.example.com/cb",
        "https:///cb",
        "https://app.example.com/c b",
        "https://app.example.com/cb\n",
        "//app.example.com/cb",
        "/\\app.example.com",
        "cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
    ],
)
def test_others_may_not(uri: str) -> None:
    with pytest.raises(DomainError, match="cannot be registered"):
        checked_uri(uri)
