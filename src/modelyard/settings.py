"""What an operator can choose, and where each choice may come from.

Order of precedence: flags, ``MODELYARD_*`` environment variables, a TOML file, defaults. The keys are the same
everywhere: ``--max-body-bytes``, ``MODELYARD_MAX_BODY_BYTES``, ``max_body_bytes``. This module imports the standard
library alone, because the supervisor that holds it stays small.
"""

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from modelyard.issuer_settings import IssuerSettings, WrongPartError
from modelyard.setting_rules import RULES

PREFIX = "MODELYARD_"
CONFIG_VARIABLE = "MODELYARD_CONFIG"
CONFIG_NAME = "modelyard.toml"

# Never shown in a message or a repr. Each may be given as a file too: MODELYARD_ADMIN_PASSWORD_FILE and so on.
SECRETS = frozenset(
    {"admin_password", "alert_webhook_url", "api_client_secret", "database", "package_index", "package_extra_indexes"}
)

_TEXTS = (
    *("realms", "model_roots", "s3_endpoints", "trusted_proxies", "data_roots"),
    *("package_extra_indexes", "package_folders", "outgoing_networks"),
)

# Variables of the same prefix that are read by the client or name the file itself.
_NOT_SETTINGS = frozenset(
    PREFIX + name for name in ("CONFIG", "DEBUG", "PASSWORD", "TOKEN", "URL", "USERNAME", "WORKSPACE")
)


class SettingsError(Exception):
    """A setting cannot be used: one line that names the key, the value, where it came from and what is expected."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be chosen; ``docs/reference/configuration.md`` explains each. Times are seconds."""

    host: str = "127.0.0.1"
    port: int = 8080
    grpc_port: int = 0
    data: Path = Path("modelyard-data")
    workers: int = 2
    database: str | None = field(default=None, repr=False)
    realms: tuple[str, ...] = ("master", "deploy-realm")
    admin_email: str = "admin@localhost"
    admin_password: str | None = field(default=None, repr=False)
    api_client_secret: str | None = field(default=None, repr=False)
    public_url: str | None = None
    external_issuers: tuple[IssuerSettings, ...] = ()
    default_permission: Literal["READ", "USE", "EDIT", "MANAGE", "NO_PERMISSIONS"] = "READ"
    access_token_seconds: int = 3600
    refresh_token_seconds: int = 28_800
    offline_token_seconds: int = 2_592_000
    refresh_grace_seconds: int = 60
    browser_session_seconds: int = 36_000
    browser_session_idle_seconds: int = 1800
    password_grant: bool = True
    max_body_bytes: int = 64 * 2**20
    max_upload_bytes: int = 10 * 2**30
    model_roots: tuple[str, ...] = ()
    s3_endpoint: str | None = None
    s3_endpoints: tuple[str, ...] = ()
    inference_queue: int = 32
    inference_timeout_seconds: int = 60
    skip_logging: bool = False
    trusted_proxies: tuple[str, ...] = ()
    data_roots: tuple[str, ...] = ()
    outgoing_networks: tuple[str, ...] = ()
    job_runners: int = 2
    model_hang_seconds: int = 60
    rollout_standby: int = 64
    package_index: str | None = field(default=None, repr=False)
    package_extra_indexes: tuple[str, ...] = field(default=(), repr=False)
    package_folders: tuple[str, ...] = ()
    package_offline: bool = False
    package_sources: bool = False
    sandbox_minimum: Literal["process", "restricted", "isolated"] = "restricted"
    alert_webhook_url: str | None = field(default=None, repr=False)
    drain_seconds: int = 30
    log_format: Literal["plain", "json"] = "plain"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def to_json(self) -> str:
        """For the child processes; contains the secrets."""
        return json.dumps({**asdict(self), "data": str(self.data)})

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """The inverse of ``to_json``."""
        raw = json.loads(text)
        issuers = tuple(IssuerSettings.from_json(each) for each in raw["external_issuers"])
        lists = {key: tuple(raw[key]) for key in _TEXTS} | {"external_issuers": issuers}
        return cls(**{**raw, "data": Path(raw["data"]), **lists})


KEYS = tuple(each.name for each in fields(Settings))


def load_settings(
    flags: Mapping[str, object], environ: Mapping[str, str], config_file: Path | str | None = None
) -> Settings:
    """The settings that hold. ``flags`` maps keys to values, ``None`` where a flag was not given.

    The file is ``config_file``, or what ``MODELYARD_CONFIG`` names, or ``modelyard.toml`` in the data folder, if
    there is one. ``SettingsError`` for the first thing that is wrong.
    """
    given = _from_flags(flags)
    from_environ = dict(_from_environ(environ))
    upper = from_environ | given
    lower = _from_file(config_file or environ.get(CONFIG_VARIABLE) or None, upper.get("data", Settings.data))
    return Settings(**(lower | upper))


def _from_flags(flags: Mapping[str, object]) -> dict[str, Any]:
    return {
        key: _checked(key, value, f"--{key.replace('_', '-')}") for key, value in flags.items() if value is not None
    }


def _from_environ(environ: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in _NOT_SETTINGS and environ[variable]:
            yield _from_variable(variable, environ)


def _from_variable(variable: str, environ: Mapping[str, str]) -> tuple[str, Any]:
    key = variable.removeprefix(PREFIX).lower()
    if key in KEYS:
        return key, _checked(key, environ[variable], f"environment variable {variable}")
    key = key.removesuffix("_file")
    if key not in SECRETS:
        guess = _guess(variable, [PREFIX + known.upper() for known in KEYS])
        raise SettingsError(f"environment variable {variable} is not a setting of the server{guess}")
    if environ.get(variable.removesuffix("_FILE")):
        raise SettingsError(f"{variable.removesuffix('_FILE')} and {variable} are both set; keep one of them")
    return key, _checked(key, _secret_in(environ[variable], variable), f"the file in {variable}")


def _secret_in(path: str, variable: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"environment variable {variable}: cannot read {path!r}: {_reason(error)}") from error


def _from_file(chosen: Path | str | None, data: Path) -> dict[str, Any]:
    path = Path(chosen) if chosen else data / CONFIG_NAME
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if chosen is None:
            return {}
        raise SettingsError(f"configuration file {str(path)!r} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"configuration file {str(path)!r} cannot be read: {_reason(error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"configuration file {str(path)!r} is not TOML: {error}") from error
    if chosen is None and "data" in raw:
        raise SettingsError(f"data cannot be set in {str(path)!r}, which is found through it; use --data")
    return {key: _from_key(key, value, path) for key, value in raw.items()}


def _from_key(key: str, value: object, path: Path) -> Any:
    if key not in KEYS:
        raise SettingsError(f"unknown key {key!r} in {str(path)!r}{_guess(key, KEYS)}")
    return _checked(key, value, str(path))


def _checked(key: str, value: object, origin: str) -> Any:
    rule = RULES[key]
    try:
        return rule.parse(value)
    except WrongPartError as wrong:
        raise SettingsError(f"{key}{wrong.part}: {wrong.value!r} (from {origin}) is not {wrong.expected}") from None
    except (ValueError, TypeError):
        shown = "the value given" if key in SECRETS else repr(value)
        raise SettingsError(f"{key}: {shown} (from {origin}) is not {rule.expected}") from None


def _guess(wrong: str, known: "list[str] | tuple[str, ...]") -> str:
    close = difflib.get_close_matches(wrong, known, n=1)
    return f"; perhaps {close[0]} is meant" if close else "; docs/reference/configuration.md lists them"


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not UTF-8 text"
