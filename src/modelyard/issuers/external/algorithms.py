"""Which signatures count: public-key ones alone, so that what verifies a token can never make one."""

from typing import Any

from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

# RFC 7518, section 3.1, without none and HMAC; RFC 8037 and RFC 9864.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)


class Signatures(JWSRegistry):
    """Knows ``ALGORITHMS``, and lets issuers put headers of their own into their tokens."""

    max_header_length = 8192  # some send the certificates of the key along; they are not looked at

    def __init__(self) -> None:
        super().__init__(algorithms=ALGORITHMS, strict_check_header=False)

    def get_alg(self, name: str) -> Any:  # the library does not export the type
        """Without the library's advice to prefer the name Ed25519: issuers name it as they do."""
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]
