"""One GET to an address that a user chose: whoever answers there may be hostile.

The name is looked up once, and the connection goes to an address that was allowed, whatever the name means a moment
later. Redirects are not followed, proxies not used, and time and bytes are bounded.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import cache

import httpx

from modelyard.core.kernel.errors import DomainError, invalid, timed_out
from modelyard.outgoing.addresses import Addresses
from modelyard.outgoing.calling import AnsweredError, Take, origin_of, unavailable

_CONNECT_SECONDS = 5.0
_IDLE_SECONDS = 30.0
_TRIED = 4
_PORTS = {"http": 80, "https": 443}
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "modelyard"}
_READ_BYTES = 2**18


def get(addresses: Addresses, url: str, headers: Mapping[str, str], take: Take, seconds: float) -> None:
    """See ``Outgoing.stream``."""
    try:
        asyncio.run(_in_time(addresses, url, headers, take, seconds))
    except (TimeoutError, httpx.TimeoutException) as error:
        raise timed_out(f"{origin_of(url)} took too long to answer") from error
    except (httpx.HTTPError, OSError) as error:
        raise unavailable(url, str(error) or type(error).__name__) from error
    except httpx.InvalidURL as error:
        raise invalid(f"{origin_of(url)} is not the address of a web server") from error


async def _in_time(addresses: Addresses, url: str, headers: Mapping[str, str], take: Take, seconds: float) -> None:
    timeout = httpx.Timeout(min(seconds, _IDLE_SECONDS), connect=_CONNECT_SECONDS)
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(verify=_tls(), trust_env=False, timeout=timeout) as client,
    ):
        answer = await _answer(client, addresses, httpx.URL(url), headers)
        try:
            _check(answer, url)
            async for chunk in answer.aiter_raw(_READ_BYTES):
                take(chunk)
        finally:
            await answer.aclose()


async def _answer(
    client: httpx.AsyncClient, addresses: Addresses, url: httpx.URL, headers: Mapping[str, str]
) -> httpx.Response:
    """From the first of the name's addresses where somebody answers."""
    failure: Exception = _leads_nowhere(url)
    for address in await _looked_up(addresses, url):
        own = {"Host": url.netloc.decode("ascii"), **_HEADERS, **headers}
        named = {"sni_hostname": url.raw_host.decode("ascii")}  # whom the certificate must be for
        request = client.build_request("GET", url.copy_with(host=address), headers=own, extensions=named)
        try:
            return await client.send(request, stream=True, follow_redirects=False)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            failure = error
    raise failure


async def _looked_up(addresses: Addresses, url: httpx.URL) -> list[str]:
    """Where the name leads, as far as that may be called.

    The same is said of names that mean nothing: nobody learns which names mean something in here.
    """
    host, port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
    found: list[str] = []
    with suppress(OSError, UnicodeError):
        looked_up = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = [str(address[0]) for *_, address in looked_up]
    encrypted = url.scheme == "https"
    return [each for each in found if addresses.allowed(each, encrypted=encrypted)][:_TRIED]


def _check(answer: httpx.Response, url: str) -> None:
    if answer.is_redirect:
        raise unavailable(url, "it redirects, which is not followed; use the address that it redirects to")
    if answer.status_code != httpx.codes.OK:
        raise AnsweredError(answer.status_code)
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise unavailable(url, "it answers compressed, which was not asked for")


@cache
def _tls() -> ssl.SSLContext:
    """The certificates that the environment says, as in every program: ``SSL_CERT_FILE``."""
    return httpx.create_ssl_context()


def _leads_nowhere(url: httpx.URL) -> DomainError:
    return invalid(
        f"{url.host!r} leads to no address that this server calls: public ones by https, and those that an "
        "administrator opened in the setting outgoing_networks"
    )
