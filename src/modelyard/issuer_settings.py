"""One external OpenID issuer as an operator configures it. The standard library alone, like ``settings``."""

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any
from urllib.parse import urlsplit

DISCOVERY = "/.well-known/openid-configuration"

_TEXT_MAX, _URL_MAX = 255, 512
_ALL_MAX = 16_384  # characters of all issuers together: they travel to the processes through a pipe


class WrongPartError(ValueError):
    """``value`` at ``part`` (like ``[0].url``; empty for the whole) is not ``expected``."""

    def __init__(self, part: str, value: object, expected: str) -> None:
        super().__init__(expected)
        self.part = part
        self.value = value
        self.expected = expected


@dataclass(frozen=True, kw_only=True)
class IssuerSettings:
    """``docs/reference/configuration.md`` explains each. ``url`` is exactly what the tokens have as ``iss``."""

    url: str
    audiences: tuple[str, ...]
    username_claim: str = "preferred_username"
    email_claim: str = "email"
    groups_claim: str = "groups"
    admin_groups: tuple[str, ...] = ()
    create_users: bool = True
    link_verified_email: bool = False
    accept_id_tokens: bool = False
    id_token_clients: tuple[str, ...] = ()
    allow_http: bool = False

    @property
    def discovery_url(self) -> str:
        """Where the issuer describes itself (OpenID Connect Discovery 1.0, section 4)."""
        return self.url.rstrip("/") + DISCOVERY

    @property
    def on_loopback(self) -> bool:
        """Whether the issuer runs on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "IssuerSettings":
        """From what ``json`` made of ``dataclasses.asdict``."""
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
        return cls(**values)


_NAMES = tuple(field.name for field in fields(IssuerSettings))
_REQUIRED = frozenset(field.name for field in fields(IssuerSettings) if field.default is MISSING)


def is_loopback(host: str) -> bool:
    """Whether the host name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def read_issuers(value: object) -> tuple[IssuerSettings, ...]:
    """From a list of tables, or JSON of a list or of one table. ``WrongPartError`` names what is wrong in them."""
    raw = json.loads(value) if isinstance(value, str) else value
    tables = [raw] if isinstance(raw, dict) else raw
    if not isinstance(tables, list | tuple):
        raise TypeError
    issuers = tuple(_read(f"[{number}]", table) for number, table in enumerate(tables))
    for number, issuer in enumerate(issuers):
        if any(issuer.url == earlier.url for earlier in issuers[:number]):
            raise WrongPartError(f"[{number}].url", issuer.url, "a different one for each issuer")
    if (size := len(json.dumps([asdict(issuer) for issuer in issuers]))) > _ALL_MAX:
        raise WrongPartError("", f"{size} characters", f"at most {_ALL_MAX} characters for all issuers together")
    return issuers


def _read(part: str, table: object) -> IssuerSettings:
    if not isinstance(table, dict):
        raise WrongPartError(part, table, "a table with at least url and audiences")
    for key in table:
        if key not in _NAMES:
            raise WrongPartError(part, key, f"one of the keys {', '.join(_NAMES)}")
    issuer = IssuerSettings(**dict(_values(part, table)))
    if urlsplit(issuer.url).scheme == "http" and not (issuer.allow_http or issuer.on_loopback):
        raise WrongPartError(f"{part}.url", issuer.url, "https; allow_http lets it be http")
    return issuer


def _values(part: str, table: Mapping[str, object]) -> Iterator[tuple[str, Any]]:
    for key in _NAMES:
        if key not in table and key not in _REQUIRED:
            continue
        parse, expected = _PARTS.get(key, (_flag, "true or false"))
        try:
            yield key, parse(table.get(key))
        except (ValueError, TypeError):
            raise WrongPartError(f"{part}.{key}", table.get(key), expected) from None


def _url(value: object) -> str:
    text = _text(value, _URL_MAX).removesuffix(DISCOVERY)
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError
    if parts.query or parts.fragment or " " in text or parts.port == 0:  # reading the port checks it
        raise ValueError
    return text


def _text(value: object, most: int = _TEXT_MAX) -> str:
    if not isinstance(value, str):
        raise TypeError
    if not value.isprintable() or not 0 < len(value) <= most:
        raise ValueError
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError
    return tuple(_text(member) for member in value)


def _some_texts(value: object) -> tuple[str, ...]:
    return _texts(value or None)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_CLAIM = (_text, "the name of a claim")
_PARTS: dict[str, tuple[Callable[[object], object], str]] = {
    "url": (_url, "the address of an issuer, like https://login.example.com, as its tokens name it"),
    "audiences": (_some_texts, "a list of at least one audience that tokens for this server have"),
    "username_claim": _CLAIM,
    "email_claim": _CLAIM,
    "groups_claim": _CLAIM,
    "admin_groups": (_texts, "a list of names of groups"),
    "id_token_clients": (_texts, "a list of ids of clients"),
}
