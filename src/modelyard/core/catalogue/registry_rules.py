"""Which addresses and tokens of model registries are taken, as far as their texts tell."""

from urllib.parse import urlsplit

from modelyard.core.kernel.errors import DomainError, invalid

_URL_MAX = 1024
_TOKEN_MAX = 16 * 1024
_API = "/api/2.0/mlflow"


def checked_url(text: str) -> str:
    """The root below which ``/api/2.0/mlflow`` lies, without a slash at its end; ``INVALID`` for what is none."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _not_an_address(url) from error
    plain_root = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    if not plain_root or parts.query or parts.fragment or port == 0 or len(url) > _URL_MAX or not url.isprintable():
        raise _not_an_address(url)
    if url.endswith(_API):
        raise invalid(f"the registry's url is its root: leave {_API} out of it")
    return url


def checked_token(token: str) -> str:
    """What can become part of a header; empty where none is asked for."""
    bearer = ":" not in token
    if len(token) > _TOKEN_MAX or not token.isprintable() or (bearer and (" " in token or not token.isascii())):
        raise invalid(
            f"the registry's token is not allowed: use at most {_TOKEN_MAX} printable characters, without spaces "
            "unless it is user:password"
        )
    return token


def _not_an_address(url: str) -> DomainError:
    shown = url.rpartition("@")[2] if "@" in url else url  # what stands before it may be a password
    return invalid(
        f"the registry's url {shown[:100]!r} is not allowed: use an http or https address without user, query or "
        "fragment, like https://mlflow.example.com"
    )
