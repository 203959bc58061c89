"""Rules for the names that people give to things."""

import re
import unicodedata

from modelyard.core.kernel.errors import invalid

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NOT_LABEL = re.compile(r"[^a-z0-9]+")
_LABEL_MAX = 63
_SLUG_MAX = 50
_TITLE_MAX = 255


def label(what: str, name: str) -> str:
    """A name that can stand in a URL or a host name (RFC 1123 label): models and pipelines."""
    if not _LABEL.fullmatch(name) or len(name) > _LABEL_MAX:
        raise invalid(
            f"{what} name {_shown(name)} is not allowed: use at most {_LABEL_MAX} lower-case letters, digits and "
            "inner hyphens, as in [a-z0-9]([-a-z0-9]*[a-z0-9])?",
            name=_shown(name),
        )
    return name


def number_in(text: str, digits: int = 15) -> int | None:
    """The number that the text is: ASCII digits alone, at most so many; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def slug_of(name: str, otherwise: str = "workspace") -> str:
    """A label made from a title, as ``fraud-detection`` from ``Fraud détection!``; ``otherwise`` where nothing is left.

    At most 50 characters, which leaves room for a number behind it.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_LABEL.sub("-", plain)[:_SLUG_MAX].strip("-") or otherwise


def title(what: str, name: str) -> str:
    """A name for people: any printable text without surrounding white space, at most 255 characters."""
    text = unicodedata.normalize("NFC", name).strip()
    if not text or len(text) > _TITLE_MAX or not text.isprintable():
        raise invalid(f"{what} name {_shown(name)} is not allowed: use 1 to {_TITLE_MAX} printable characters")
    return text


def _shown(name: str) -> str:
    return repr(name if len(name) <= _LABEL_MAX else name[:_LABEL_MAX] + "…")
