"""What an issuer publishes, fetched with bounds: the issuer, or whoever answers in its place, may be hostile."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from modelyard.issuer_settings import IssuerSettings
from modelyard.issuers.external.keys import KeySet

_SECONDS = 5.0  # for everything together: a drip of bytes keeps no thread
_BYTES = 256 * 1024
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "modelyard"}


class IssuerError(Exception):
    """The issuer cannot be reached or does not do what the standards say; the message is for the operator."""


def download_keys(issuer: IssuerSettings) -> KeySet:
    """The issuer's keys, found through its discovery document. Blocks for some seconds at most."""
    try:
        return asyncio.run(_in_time(issuer))
    except TimeoutError as error:
        raise IssuerError(f"it took longer than {_SECONDS:.0f} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise IssuerError(f"it cannot be reached: {str(error) or type(error).__name__}") from error
    except (ValueError, RecursionError) as error:  # unreadable headers, JSON, keys
        raise IssuerError(f"its answer cannot be read: {error}") from error


async def _in_time(issuer: IssuerSettings) -> KeySet:
    async with asyncio.timeout(_SECONDS), _client(issuer) as client:
        document = msgspec.json.decode(await _get(client, issuer.discovery_url))
        address = _keys_address(issuer, document)
        return KeySet.read(await _get(client, address))


def _client(issuer: IssuerSettings) -> httpx.AsyncClient:
    """Proxies and certificates as the environment says, but never a proxy to this machine."""
    direct = httpx.AsyncHTTPTransport() if issuer.on_loopback else None
    return httpx.AsyncClient(headers=_HEADERS, timeout=_SECONDS, transport=direct)


async def _get(client: httpx.AsyncClient, url: str) -> bytes:
    async with client.stream("GET", url, follow_redirects=False) as answer:
        if answer.is_redirect:
            raise IssuerError(f"{url} redirects, which is not followed; configure where it leads to")
        if answer.status_code != httpx.codes.OK:
            raise IssuerError(f"{url} answers with status {answer.status_code}")
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise IssuerError(f"{url} answers compressed, which was not asked for")
        content = bytearray()
        async for chunk in answer.aiter_raw():
            content += chunk
            if len(content) > _BYTES:
                raise IssuerError(f"{url} answers with more than {_BYTES} bytes")
        return bytes(content)


def _keys_address(issuer: IssuerSettings, document: Any) -> str:
    """``jwks_uri`` of the document, which must be this issuer's (OpenID Connect Discovery 1.0, section 4.3)."""
    if not isinstance(document, dict) or not isinstance(document.get("jwks_uri"), str):
        raise IssuerError(f"{issuer.discovery_url} is not a discovery document: it has no jwks_uri")
    if document.get("issuer") != issuer.url:
        raise IssuerError(f"it calls itself {document.get('issuer')!r:.200}; the url must be exactly that")
    return _allowed(issuer, document["jwks_uri"])


def _allowed(issuer: IssuerSettings, address: str) -> str:
    """Keys come over https; over http only from the host of an issuer that is itself allowed it."""
    own, theirs = urlsplit(issuer.url), urlsplit(address)
    plain_is_fine = own.scheme == "http" and theirs.hostname == own.hostname
    if theirs.scheme != "https" and not (theirs.scheme == "http" and plain_is_fine):
        raise IssuerError(f"its jwks_uri {address!r:.200} is not https")
    return address
