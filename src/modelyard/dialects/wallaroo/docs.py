"""``/v1/api/docs``: the API's reference for people, and ``/v1/api/openapi.json``, the same for programs.

Public, as the reference tells nothing that the documentation does not. The page is Swagger UI from our own files: it
loads nothing from elsewhere and runs no inline script.
"""

import hashlib
from functools import cache
from importlib import metadata, resources
from typing import NoReturn

from starlette.responses import Response

from modelyard.core.kernel.errors import not_found
from modelyard.dialects.wallaroo.dialect import wallaroo
from modelyard.dialects.wallaroo.openapi import describe
from modelyard.web.call import Call, json_bytes
from modelyard.web.routing import PUBLIC

_ASSETS = {
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@wallaroo.get("/v1/api/docs", PUBLIC)
async def docs(call: Call) -> Response:
    """This page."""
    return _file(call, "docs.html", "text/html; charset=utf-8")


@wallaroo.get("/v1/api/docs/{asset}", PUBLIC)
async def docs_asset(call: Call) -> Response:
    """A style sheet, script or picture of the page of the API's reference."""
    name = call.request.path_params["asset"]
    if name not in _ASSETS:
        raise not_found("file", name)
    return _file(call, name, _ASSETS[name])


@wallaroo.get("/v1/api/openapi.json", PUBLIC)
async def openapi(call: Call) -> Response:
    """The OpenAPI 3.1 description of these calls."""
    return _cacheable(call, _description(), "application/json")


def _file(call: Call, name: str, media_type: str) -> Response:
    return _cacheable(call, _read(name), media_type)


def _cacheable(call: Call, content: bytes, media_type: str) -> Response:
    """The content, or 304 where the browser has it (RFC 9110 section 13.1.2); it asks again each time."""
    tag = _tag(content)
    headers = {"ETag": tag, "Cache-Control": "no-cache", **_HEADERS}
    if tag in call.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


@cache
def _read(name: str) -> bytes:
    folder = resources.files("modelyard.dialects.wallaroo") / "assets"
    return (folder / "swagger-ui" / name if name.startswith("swagger-ui") else folder / name).read_bytes()


@cache
def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


@cache
def _description() -> bytes:
    routes = wallaroo.routes(_no_services)
    return json_bytes(describe(routes, "Modelyard, Wallaroo dialect", metadata.version("modelyard")))


def _no_services() -> NoReturn:
    raise RuntimeError("these routes are described, not served")
