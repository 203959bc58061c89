"""Tokens of external issuers: reading and checking them (RFC 7519, RFC 9068). Pure: no network, no clock of its own.

The claims are checked before the signature: what is expired or meant for others costs no look at the issuer's keys.
Nothing of a token counts until both were.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import CompactSignature

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuer_settings import IssuerSettings
from modelyard.issuers.external.algorithms import ALGORITHMS, Signatures

LEEWAY_SECONDS = 30
_TOKEN_MAX = 16_384
_TIME_MAX = 2**53  # seconds; NaN is not below it either
_SUBJECT_MAX = 255  # OpenID Connect Core, section 2
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}
_ID_TOKEN_CLAIMS = {"nonce", "at_hash", "c_hash", "s_hash"}
# What only access tokens have: RFC 9068 and RFC 8693, then the habits of Okta and of Entra ID's two versions.
_ACCESS_TOKEN_CLAIMS = {"scope", "client_id", "scp", "cid", "appid", "azpacr"}
_SIGNATURES = Signatures()


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it was read, not yet believed."""

    signature: CompactSignature
    algorithm: str
    kid: str | None
    claims: dict[str, Any]


def claimed_issuer(token: str) -> str | None:
    """What the token says of its issuer, believing nothing; None for what says nothing readable."""
    try:
        issuer = read_token(token).claims.get("iss")
    except DomainError:
        return None
    return issuer if isinstance(issuer, str) else None


def read_token(token: str) -> Token:
    """The parts of a signed JWT; ``UNAUTHENTICATED`` for anything else."""
    if len(token) > _TOKEN_MAX:
        raise refused(f"it is longer than {_TOKEN_MAX} characters")
    try:
        signature = jws.extract_compact(token.encode("ascii"), registry=_SIGNATURES)
        claims = json.loads(signature.payload)
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise refused("it is not a signed token") from error
    header = signature.headers()
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(claims, dict) or not isinstance(algorithm, str) or not isinstance(kid, str | None):
        raise refused("it is not a signed token")
    return Token(signature, algorithm, kid, claims)


def check_claims(token: Token, issuer: IssuerSettings, now: float, *, id_tokens: bool = False) -> float:
    """When the token ends (seconds since 1970); ``UNAUTHENTICATED`` unless it is an access token for us, now.

    With ``id_tokens`` it may also be an ID token for one of the issuer's ``id_token_clients``.
    """
    claims = token.claims
    _check_header(token)
    if claims.get("iss") != issuer.url:
        raise refused("its issuer is another one")
    if not (id_tokens and _is_for_client(token, issuer)):
        _check_purpose(token, issuer)
    if claims.get("typ", "Bearer") not in ("Bearer", "ID") or "events" in claims:
        raise refused("it is neither an access token nor an ID token")
    if "cnf" in claims:
        raise refused("it is bound to a key of its client (cnf) and cannot be sent as a bearer token")
    _check_subject(claims.get("sub"))
    return _check_times(claims, now)


def _check_purpose(token: Token, issuer: IssuerSettings) -> None:
    claims = token.claims
    if not set(_texts(claims.get("aud"))) & set(issuer.audiences):
        raise refused(f"its audience is not one of {', '.join(issuer.audiences)}")
    if not issuer.accept_id_tokens and not _is_access_token(token):
        raise refused("it is an ID token or something else that opens nothing; send an access token")


def _is_for_client(token: Token, issuer: IssuerSettings) -> bool:
    """Whether it is an ID token of a client that may use it so (OpenID Connect Core, section 3.1.3.7, 3 to 5)."""
    claims, clients = token.claims, set(issuer.id_token_clients)
    audiences = _texts(claims.get("aud"))
    meant = bool(audiences) and set(audiences) <= clients and claims.get("azp", audiences[0]) in clients
    return meant and not _is_access_token(token)


def check_signature(token: Token, keys: Iterable[Key]) -> None:
    """``UNAUTHENTICATED`` unless one of the keys made the signature."""
    for key in keys:
        try:
            if jws.validate_compact(token.signature, key, registry=_SIGNATURES):
                return
        except (JoseError, ValueError, TypeError):
            continue
    raise refused("its signature is not the issuer's")


def refused(why: str) -> DomainError:
    """The error for a token that opens nothing."""
    return DomainError(ErrorKind.UNAUTHENTICATED, f"the bearer token was refused: {why}")


def _check_header(token: Token) -> None:
    if token.algorithm not in ALGORITHMS:
        raise refused("it is not signed with a public-key algorithm")
    if _type(token) not in _TYPES:
        raise refused("its type is neither at+jwt nor JWT")
    if "crit" in token.signature.headers():
        raise refused("it asks for extensions (crit) that are not known here")


def _is_access_token(token: Token) -> bool:
    """Whether the token says that it is one, by a standard or by a habit of Keycloak's or Cognito's (``token_use``)."""
    claims = token.claims
    kind = claims.get("typ") or claims.get("token_use")
    if kind in ("ID", "id") or claims.keys() & _ID_TOKEN_CLAIMS:
        return False
    return kind in ("Bearer", "access") or _type(token) != "jwt" or bool(claims.keys() & _ACCESS_TOKEN_CLAIMS)


def _type(token: Token) -> str:
    return str(token.signature.headers().get("typ", "JWT")).lower()


def _check_subject(subject: object) -> None:
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_MAX or not subject.isprintable():
        raise refused("it has no subject of 1 to 255 printable characters")


def _check_times(claims: dict[str, Any], now: float) -> float:
    expires = _moment(claims, "exp")
    if expires is None:
        raise refused("it has no time of expiry")
    if expires + LEEWAY_SECONDS < now:
        raise refused("it has expired; refresh it or sign in again")
    for name in ("nbf", "iat"):
        if (begins := _moment(claims, name)) is not None and begins - LEEWAY_SECONDS > now:
            raise refused(f"it is not valid yet ({name}); are the clocks of issuer and server right?")
    return expires


def _moment(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _TIME_MAX:
        raise refused(f"its {name} is not a time")
    return value


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [text for text in listed if isinstance(text, str)]
