"""How each setting is read from text, TOML or a flag, and what a wrong value is told to be instead."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from modelyard.issuer_settings import read_issuers

_UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SIZE = re.compile(r"(\d+) ?([KMGT]iB|B)?", re.IGNORECASE)
_REALM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")


@dataclass(frozen=True)
class Rule:
    """``parse`` raises ``ValueError`` or ``TypeError`` for what is not ``expected``."""

    parse: Callable[[object], object]
    expected: str


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError
    return value


def _matching(pattern: re.Pattern[str], expected: str) -> Rule:
    def parse(value: object) -> str:
        if not pattern.fullmatch(_text(value)):
            raise ValueError
        return _text(value)

    return Rule(parse, expected)


def _integer(low: int, high: int, unit: str = "") -> Rule:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise TypeError
        number = int(value)
        if not low <= number <= high:
            raise ValueError
        return number

    return Rule(parse, f"a whole number{unit} from {low} to {high}")


def _size(value: object) -> int:
    found = _SIZE.fullmatch(str(value).strip())
    if found is None or isinstance(value, bool):
        raise ValueError
    size = int(found[1]) * _UNITS[(found[2] or "").upper()]
    if size < 1024:
        raise ValueError
    return size


def _choice(*choices: str) -> Rule:
    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return Rule(parse, "one of " + ", ".join(choices))


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if _text(value).lower() not in {"true", "false"}:
        raise ValueError
    return _text(value).lower() == "true"


def _realms(value: object) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else tuple(_listed(value))
    if not names or len(set(names)) < len(names) or not all(_REALM.fullmatch(_text(name)) for name in names):
        raise ValueError
    return names


def _networks(value: object) -> tuple[str, ...]:
    return tuple(str(ip_network(text)) for text in _texts(value))


def _roots(value: object) -> tuple[str, ...]:
    texts = [text.strip() for text in value.split(",")] if isinstance(value, str) else _listed(value)
    if not all(Path(_text(text)).is_absolute() and Path(text) != Path("/") for text in texts):
        raise ValueError
    return tuple(texts)


def _listed(value: object) -> "list[str] | tuple[str, ...]":
    if not isinstance(value, list | tuple):
        raise TypeError
    return value


def _folder(value: object) -> Path:
    text = str(value) if isinstance(value, Path) else _text(value)
    if not text:
        raise ValueError
    return Path(text).expanduser()


def _web_address(value: object) -> str:
    parts = urlsplit(_text(value))
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    return _text(value).rstrip("/")


def _web_addresses(value: object) -> tuple[str, ...]:
    return tuple(_web_address(text) for text in _texts(value))


def _origin(value: object) -> str:
    address = _web_address(value)
    if urlsplit(address).path or "@" in address:
        raise ValueError
    return address


def _origins(value: object) -> tuple[str, ...]:
    return tuple(_origin(text) for text in _texts(value))


def _folders(value: object) -> tuple[str, ...]:
    folders = tuple(Path(text).expanduser() for text in _texts(value))
    if not all(folder.is_absolute() for folder in folders):
        raise ValueError
    return tuple(str(folder) for folder in folders)


def _texts(value: object) -> tuple[str, ...]:
    texts = value.split(",") if isinstance(value, str) else _listed(value)
    return tuple(_text(text).strip() for text in texts)


def _webhook(value: object) -> str:
    parts = urlsplit(_text(value))
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise ValueError
    return _text(value)


def _database(value: object) -> str:
    scheme, separator, _ = _text(value).partition("://")
    if not separator or scheme not in {"sqlite", "postgresql"}:
        raise ValueError
    return _text(value)


def _password(value: object) -> str:
    if not isinstance(value, str) or len(value) < 8:
        raise ValueError
    return value


_SIZE_RULE = Rule(_size, "a size of 1024 bytes or more, as a number of bytes or like 64MiB")
_LIFETIME = _integer(1, 10 * 366 * 86_400, " of seconds")
_SECRET = Rule(_password, "a text of 8 characters or more")

RULES = {
    "host": _matching(_HOST, "a host name or address"),
    "port": _integer(0, 65_535),
    "grpc_port": _integer(0, 65_535),
    "data": Rule(_folder, "the path of a folder"),
    "workers": _integer(1, 256),
    "database": Rule(_database, "a URL like postgresql://user@host/name or sqlite:///path"),
    "realms": Rule(_realms, "a list of different names of letters, digits, '.', '_' and '-'"),
    "admin_email": _matching(_EMAIL, "an e-mail address"),
    "admin_password": _SECRET,
    "api_client_secret": _SECRET,
    "public_url": Rule(_web_address, "an http or https address without query, like https://models.example.com"),
    "external_issuers": Rule(read_issuers, "a list of tables, or JSON of one, with at least url and audiences"),
    "default_permission": _choice("READ", "USE", "EDIT", "MANAGE", "NO_PERMISSIONS"),
    "access_token_seconds": _LIFETIME,
    "refresh_token_seconds": _LIFETIME,
    "offline_token_seconds": _LIFETIME,
    "refresh_grace_seconds": _integer(0, 3600, " of seconds"),
    "browser_session_seconds": _LIFETIME,
    "browser_session_idle_seconds": _LIFETIME,
    "password_grant": Rule(_switch, "true or false"),
    "inference_queue": _integer(0, 100_000),
    "inference_timeout_seconds": _integer(1, 86_400, " of seconds"),
    "skip_logging": Rule(_switch, "true or false"),
    "max_body_bytes": _SIZE_RULE,
    "max_upload_bytes": _SIZE_RULE,
    "model_roots": Rule(_folders, "a list of absolute paths of folders"),
    "s3_endpoint": Rule(_origin, "an http or https address without path, like https://s3.example.com"),
    "s3_endpoints": Rule(_origins, "a list of http or https addresses without path"),
    "trusted_proxies": Rule(_networks, "a list of addresses or networks like 10.0.0.0/8"),
    "alert_webhook_url": Rule(_webhook, "an http or https address"),
    "data_roots": Rule(_roots, "a list of absolute paths of folders, in which {namespace} may stand"),
    "outgoing_networks": Rule(_networks, "a list of addresses or networks like 10.0.0.0/8"),
    "job_runners": _integer(0, 64),
    "model_hang_seconds": _integer(1, 86_400, " of seconds"),
    "rollout_standby": _integer(0, 64),
    "package_index": Rule(
        _web_address, "an http or https address without query, like https://packages.example.com/simple"
    ),
    "package_extra_indexes": Rule(_web_addresses, "a list of http or https addresses without query"),
    "package_folders": Rule(_folders, "a list of absolute paths of folders"),
    "package_offline": Rule(_switch, "true or false"),
    "package_sources": Rule(_switch, "true or false"),
    "sandbox_minimum": _choice("process", "restricted", "isolated"),
    "drain_seconds": _integer(0, 3600, " of seconds"),
    "log_format": _choice("plain", "json"),
    "log_level": _choice("debug", "info", "warning", "error"),
}
