"""The public keys of an issuer (RFC 7517), as far as they can be used to verify its signatures."""

import base64
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from modelyard.issuers.external.algorithms import ALGORITHMS

_KEYS_MAX = 100
_RSA_BITS = range(2048, 8193)
_CURVES = {"P-256", "P-384", "P-521", "Ed25519"}
_TRIED_MAX = 4  # for one token that does not say which


@dataclass(frozen=True, slots=True)
class _Published:
    kid: str | None
    algorithm: str | None
    key: Key


class KeySet:
    """``offered`` counts what the issuer published, ``keys`` what of it can be used here."""

    def __init__(self, keys: list[_Published], offered: int) -> None:
        self.keys = keys
        self.offered = offered

    @classmethod
    def read(cls, content: bytes) -> "KeySet":
        """From a JWK set. What is not a public signing key of a known kind and size is left out.

        ``ValueError`` for what is no JWK set at all, or one of more than 100 keys.
        """
        document = msgspec.json.decode(content)
        offered = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(offered, list) or len(offered) > _KEYS_MAX:
            raise ValueError(f"it is not a JWK set of at most {_KEYS_MAX} keys")
        keys = [key for each in offered if (key := _published(each)) is not None]
        return cls(keys, len(offered))

    def find(self, kid: str | None, algorithm: str) -> list[Key]:
        """The keys that may have made a signature; a token without ``kid`` may be of any that fits."""
        named = [each for each in self.keys if kid is None or each.kid == kid]
        fitting = [each.key for each in named if each.algorithm in (None, algorithm) and _fits(each.key, algorithm)]
        return fitting[:_TRIED_MAX]


def _published(raw: Any) -> _Published | None:
    if not isinstance(raw, dict) or raw.get("use", "sig") != "sig" or "verify" not in raw.get("key_ops", ["verify"]):
        return None
    kid, algorithm = raw.get("kid"), raw.get("alg")
    if not isinstance(kid, str | None) or algorithm not in (None, *ALGORITHMS):
        return None
    try:
        key = _imported(raw)
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return _Published(kid, algorithm, key) if key else None


def _imported(raw: dict[str, Any]) -> Key | None:
    """The public part alone: an issuer that publishes a private key by mistake gives us no secret to keep."""
    if raw["kty"] == "RSA" and _bits(raw["n"]) in _RSA_BITS and _bits(raw["e"]) <= 64:
        return RSAKey.import_key({name: raw[name] for name in ("kty", "n", "e")})
    if raw["kty"] == "EC" and raw["crv"] in _CURVES:
        return ECKey.import_key({name: raw[name] for name in ("kty", "crv", "x", "y")})
    if raw["kty"] == "OKP" and raw["crv"] in _CURVES:
        return OKPKey.import_key({name: raw[name] for name in ("kty", "crv", "x")})
    return None


def _bits(number: str) -> int:
    raw = base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))
    return int.from_bytes(raw).bit_length()


def _fits(key: Key, algorithm: str) -> bool:
    try:
        JWSRegistry.algorithms[algorithm].check_key(key)
    except JoseError:
        return False
    return True
