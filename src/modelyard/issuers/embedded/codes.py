"""Random texts that stand for something: kept as digests, so that who reads the database cannot use them."""

import base64
import hashlib
import re
import secrets

from modelyard.core.identity.device_grants import ALPHABET, CODE_LENGTH
from modelyard.issuers.embedded.oauth import OAuthError

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def new_code() -> str:
    """256 random bits, as text that may stand in a URL or cookie."""
    return secrets.token_urlsafe(32)


def new_user_code() -> str:
    """A code for people to type (RFC 8628, section 6.1): 34 random bits, shown as ``XXXX-XXXX``."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def digest(code: str) -> str:
    """The form a code is kept in: SHA-256, in hex."""
    return hashlib.sha256(code.encode()).hexdigest()


def s256(verifier: str) -> str:
    """The PKCE challenge that the verifier answers (RFC 7636, section 4.2)."""
    if not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_request", "code_verifier must have 43 to 128 of A-Z a-z 0-9 - . _ ~")
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
