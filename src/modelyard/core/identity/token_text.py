"""What a personal access token looks like: ``mly_``, 32 random bytes and a checksum, the latter two in base 62.

The prefix lets scanners of code find a token that was left somewhere; the checksum (CRC-32) lets them, and us, tell a
token from what only looks like one without asking the database.
"""

import secrets
import zlib
from hashlib import sha256

PREFIX = "mly_"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY, _CHECK = 43, 6  # digits of base 62 that hold 256 and 32 bits


def new_text() -> str:
    """A new token: 53 characters with 256 bits of chance."""
    body = _base62(int.from_bytes(secrets.token_bytes(32)), _BODY)
    return f"{PREFIX}{body}{_checksum(body)}"


def is_personal(token: str) -> bool:
    """Whether the text means to be a personal access token."""
    return token.startswith(PREFIX)


def is_well_formed(token: str) -> bool:
    """Whether the text can be one: prefix, length and checksum are right."""
    body, check = token[len(PREFIX) : len(PREFIX) + _BODY], token[len(PREFIX) + _BODY :]
    return is_personal(token) and len(body) == _BODY and check == _checksum(body)


def text_hash(token: str) -> str:
    """The form a token is kept in. Fast on purpose: nobody guesses 256 random bits."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode("utf-8", "surrogatepass")), _CHECK)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
