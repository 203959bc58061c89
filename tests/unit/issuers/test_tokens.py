"""Access tokens: what is accepted, and that nothing else is."""

import base64
import hashlib
import hmac
import json
import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from modelyard.core.identity.entities import Session, User
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.embedded.claims import Subject
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.tokens import (
    read_refresh,
    refresh_token,
    sign_access,
    sign_id,
    verify_access,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ISSUER = "http://h:8080/auth/realms/master"
REALMS = ("master", "deploy-realm")
USER = User("u-1", "mary", "mary@x.io", "Mary", "Jane", True, False, NOW, None)
SESSION = Session(
    "6f1f2a30-7c0f-4d1f-9a1e-0d5c4b3a2f10",
    "u-1",
    "sdk-client",
    "master",
    "email",
    False,
    3,
    NOW,
    NOW,
    NOW,
    None,
    NOW,
    None,
)
SUBJECT = Subject(USER, frozenset({"USER"}), "sdk-client", SESSION, "profile email")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.open(tmp_path_factory.mktemp("keys"))


def claims(keys: KeyRing) -> dict[str, object]:
    return dict(jwt.decode(sign_access(keys, SUBJECT, ISSUER, NOW, 60), keys.signing, algorithms=["RS256"]).claims)


def signed(keys: KeyRing, header: dict[str, object] | None = None, **changed: object) -> str:
    content = claims(keys) | changed
    return jwt.encode({"alg": "RS256", "kid": keys.kid, **(header or {})}, content, keys.signing)


def part(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refusal(keys: KeyRing, token: str, now: datetime = NOW) -> str:
    with pytest.raises(DomainError) as caught:
        verify_access(keys, token, REALMS, now)
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED
    assert not token or token not in caught.value.message
    return caught.value.message


def test_a_token_says_who_and_for_which_client(keys: KeyRing) -> None:
    verified = verify_access(keys, sign_access(keys, SUBJECT, ISSUER, NOW, 60), REALMS, NOW)
    assert (verified.user_id, verified.client_id, verified.session_id) == ("u-1", "sdk-client", SESSION.id)
    assert verified.expires_at == NOW.timestamp() + 60


def test_the_claims_are_those_that_clients_read(keys: KeyRing) -> None:
    found = claims(keys)
    assert found["email"] == "mary@x.io"
    assert found["preferred_username"] == "mary"
    assert found["typ"] == "Bearer"
    assert found["aud"] == ["master-realm", "account"]
    assert found["https://hasura.io/jwt/claims"] == {
        "x-hasura-user-id": "u-1",
        "x-hasura-user-email": "mary@x.io",
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user"],
        "x-hasura-user-groups": "{}",
    }


def test_forgeries_are_refused(keys: KeyRing, tmp_path: Path) -> None:
    stranger = KeyRing.open(tmp_path)
    body = claims(keys)
    good = sign_access(keys, SUBJECT, ISSUER, NOW, 60)
    head, _, signature = good.split(".")
    public = keys.signing.as_pem(private=False)
    confused = f"{part({'alg': 'HS256', 'kid': keys.kid})}.{part(body)}"
    mac = base64.urlsafe_b64encode(hmac.new(public, confused.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    forged = {
        "unsigned": f"{part({'alg': 'none', 'kid': keys.kid})}.{part(body)}.",
        "key confusion": f"{confused}.{mac}",
        "other key": signed(stranger),
        "other key, our kid": jwt.encode({"alg": "RS256", "kid": keys.kid}, body, stranger.signing),
        "own key in the header": jwt.encode(
            {"alg": "RS256", "kid": keys.kid, "jwk": stranger.signing.as_dict(private=False)}, body, stranger.signing
        ),
        "changed payload": f"{head}.{part(body | {'sub': 'u-2'})}.{signature}",
        "cut": good[:-10],
        "garbage": "a.b.c",
        "empty": "",
        "not ascii": "ü.ü.ü",
    }
    for name, token in forged.items():
        assert refusal(keys, token), name


def test_only_access_tokens_of_our_realms_in_time_open_anything(keys: KeyRing) -> None:
    assert "access token" in refusal(keys, sign_id(keys, SUBJECT, ISSUER, NOW, 60))
    assert "issuer" in refusal(keys, signed(keys, iss="http://h:8080/auth/realms/other"))
    assert "expired" in refusal(keys, sign_access(keys, SUBJECT, ISSUER, NOW, 60), NOW + timedelta(seconds=66))
    assert refusal(keys, refresh_token(keys, SESSION))


def test_a_refresh_token_carries_its_session_and_generation(keys: KeyRing) -> None:
    token = refresh_token(keys, SESSION)
    assert read_refresh(keys, token) == (SESSION.id, 3)
    assert token == refresh_token(keys, SESSION)


@pytest.mark.parametrize("token", ["", "x", "ü", "a" * 70, "e30.e30.e30", "A" * 10_000])
def test_foreign_refresh_tokens_are_none_of_ours(keys: KeyRing, token: str) -> None:
    assert read_refresh(keys, token) is None


def test_a_refresh_token_of_other_keys_is_none_of_ours(keys: KeyRing, tmp_path: Path) -> None:
    assert read_refresh(keys, refresh_token(KeyRing.open(tmp_path), SESSION)) is None


def test_keys_are_kept_for_the_server_alone_and_found_again(tmp_path: Path) -> None:
    first = KeyRing.open(tmp_path / "keys")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert KeyRing.open(tmp_path / "keys").jwks() == first.jwks()
    assert "d" not in first.jwks()["keys"][0]  # type: ignore[index]


@pytest.mark.parametrize("name", ["signing.pem", "refresh.key"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_key_is_named_and_never_replaced(tmp_path: Path, name: str, damage: str) -> None:
    KeyRing.open(tmp_path)
    path = tmp_path / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(DomainError, match=name):
        KeyRing.open(tmp_path)


def test_processes_that_start_together_agree_on_the_keys(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(_kid, [tmp_path / "keys"] * 4)
    assert len(set(found)) == 1


def _kid(folder: Path) -> str:
    return KeyRing.open(folder).kid


def test_the_public_key_verifies_what_the_private_one_signs(keys: KeyRing) -> None:
    (published,) = keys.jwks()["keys"]  # type: ignore[misc]
    decoded = jwt.decode(sign_access(keys, SUBJECT, ISSUER, NOW, 60), RSAKey.import_key(published))
    assert decoded.header["kid"] == published["kid"]
