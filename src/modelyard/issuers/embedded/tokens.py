"""Tokens: signing and verification. Pure: no store, and no clock of its own but where it says so."""

import base64
import hmac
import struct
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, RSAKey

from modelyard.core.identity.entities import Session
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.ids import new_uuid
from modelyard.issuers.embedded.claims import Subject, access_claims, common_claims
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.verifiers import Verified

_ALGORITHM = "RS256"
_REFRESH = struct.Struct(">16sI")
_LEEWAY_SECONDS = 5


def sign_access(keys: KeyRing, subject: Subject, issuer: str, now: datetime, seconds: int) -> str:
    """An access token with the claims that Wallaroo's clients and Keycloak's readers look for."""
    claims = {**common_claims(subject, issuer, now, seconds), **access_claims(subject)}
    return _sign(keys, {**claims, "typ": "Bearer", "jti": new_uuid()})


def sign_id(  # what an ID token repeats of the request
    keys: KeyRing, subject: Subject, issuer: str, now: datetime, seconds: int, nonce: str | None = None
) -> str:
    """An ID token (OpenID Connect Core, section 2): it says who signed in.

    It opens nothing, but for clients with ``id_tokens_as_bearer`` the APIs that take ID tokens.
    """
    claims = {**common_claims(subject, issuer, now, seconds), "typ": "ID", "jti": new_uuid(), "aud": subject.client_id}
    return _sign(keys, claims if nonce is None else {**claims, "nonce": nonce})


def verify_access(keys: KeyRing, token: str, realms: tuple[str, ...], now: datetime) -> Verified:
    """What the token says; ``UNAUTHENTICATED`` unless it is an access token of ours, for one of the realms, in time."""
    return verified(read_access(keys, token, realms, now))


def verify_access_now(keys: KeyRing, realms: tuple[str, ...], token: str) -> Verified:
    """``verify_access`` by the clock on the wall."""
    return verify_access(keys, token, realms, datetime.now(UTC))


def verify_access_or_id_now(keys: KeyRing, realms: tuple[str, ...], token: str) -> Verified:
    """The same where ID tokens are taken, too; whether its client's are is for the store to say."""
    claims = _in_time(_signed_by_us(keys, token, realms), datetime.now(UTC))
    return (
        replace(verified(_of_client(claims)), id_token=True)
        if claims.get("typ") == "ID"
        else verified(_of_access(claims))
    )


def read_access(keys: KeyRing, token: str, realms: tuple[str, ...], now: datetime) -> dict[str, Any]:
    """All claims of an access token; ``UNAUTHENTICATED`` as ``verify_access``."""
    return _in_time(_of_access(_signed_by_us(keys, token, realms)), now)


def read_id_hint(keys: KeyRing, token: str, realms: tuple[str, ...]) -> dict[str, Any] | None:
    """The claims of an ID token of ours, or None. It may have expired: a hint says whom it is about, no more."""
    try:
        claims = _signed_by_us(keys, token, realms)
    except DomainError:
        return None
    return claims if claims.get("typ") == "ID" else None


def verified(claims: dict[str, Any]) -> Verified:
    """What of an access token's claims decides who calls."""
    return Verified(claims["sub"], claims["azp"], claims.get("sid"), claims["exp"], jti=claims["jti"])


def refresh_token(keys: KeyRing, session: Session) -> str:
    """The refresh token of the session's current generation: always the same text for the same generation."""
    head = _REFRESH.pack(uuid.UUID(session.id).bytes, session.generation)
    return base64.urlsafe_b64encode(head + keys.refresh_proof(head)).rstrip(b"=").decode()


def read_refresh(keys: KeyRing, token: str) -> tuple[str, int] | None:
    """(session id, generation) of a refresh token of ours, or None."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    head, proof = raw[: _REFRESH.size], raw[_REFRESH.size :]
    if len(head) < _REFRESH.size or not hmac.compare_digest(proof, keys.refresh_proof(head)):
        return None
    session, generation = _REFRESH.unpack(head)
    return str(uuid.UUID(bytes=session)), generation


def _signed_by_us(keys: KeyRing, token: str, realms: tuple[str, ...]) -> dict[str, Any]:
    def key_of(guest: GuestProtocol) -> RSAKey:
        key = keys.find(guest.headers().get("kid"))
        if key is None:
            raise ValueError("a key of somebody else, or a retired one")
        return key

    try:
        claims: dict[str, Any] = jwt.decode(token, key_of, algorithms=[_ALGORITHM]).claims
    except (JoseError, ValueError, TypeError) as error:
        raise _refused("it is not a token of this server, or its key was retired") from error
    if not str(claims.get("iss", "")).endswith(tuple(f"/auth/realms/{realm}" for realm in realms)):
        raise _refused("its issuer is not a realm of this server")
    return claims


def _of_access(claims: dict[str, Any]) -> dict[str, Any]:
    if claims.get("typ") != "Bearer":
        raise _refused("it is not an access token")
    return claims


def _of_client(claims: dict[str, Any]) -> dict[str, Any]:
    """The claims of an ID token, when they are those that ``sign_id`` writes: for one client, which asked for it."""
    texts = [claims.get(name) for name in ("sub", "jti", "azp", "aud")]
    if not all(isinstance(text, str) for text in texts) or claims["azp"] != claims["aud"]:
        raise _refused("it is not an ID token for the one client that asked for it")
    return claims


def _in_time(claims: dict[str, Any], now: datetime) -> dict[str, Any]:
    expires = claims.get("exp")
    if not isinstance(expires, int):
        raise _refused("it has no time of expiry")
    if expires + _LEEWAY_SECONDS < now.timestamp():
        raise _refused("it has expired; refresh it or sign in again")
    return claims


def _sign(keys: KeyRing, claims: dict[str, Any]) -> str:
    signer = keys.signer
    return jwt.encode({"alg": _ALGORITHM, "typ": "JWT", "kid": signer.kid}, claims, signer.rsa)


def _refused(why: str) -> DomainError:
    return DomainError(ErrorKind.UNAUTHENTICATED, f"the bearer token was refused: {why}")
