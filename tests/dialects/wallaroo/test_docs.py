"""The API's reference: a page that works offline under a strict policy, and a description that fits the routes."""

import re

import pytest

from modelyard.dialects.wallaroo import inference_reference, wallaroo
from modelyard.dialects.wallaroo.openapi import ErrorBody
from modelyard.web.routing import access_table
from running import RunningServer
from wire import Caller, administrator

_PAGE = "/v1/api/docs"


@pytest.fixture(scope="module")
def nobody(live_server: RunningServer) -> Caller:
    return Caller(live_server.url)


def test_the_page_and_all_it_loads_come_from_here(nobody: Caller) -> None:
    page = nobody.call("GET", _PAGE)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 6
    for address in loaded:
        assert "//" not in address
        assert nobody.call("GET", f"/v1/api/{address}").status_code == 200


def test_the_page_runs_nothing_but_its_own_files(nobody: Caller) -> None:
    page = nobody.call("GET", _PAGE)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<style" not in page.text
    assert not re.search(r"<script(?![^>]*src=)", page.text)
    assert page.headers["x-content-type-options"] == "nosniff"


def test_a_file_the_browser_has_is_not_sent_again(nobody: Caller) -> None:
    first = nobody.call("GET", f"{_PAGE}/docs.js")
    again = nobody.call("GET", f"{_PAGE}/docs.js", headers={"If-None-Match": first.headers["etag"]})
    changed = nobody.call("GET", f"{_PAGE}/docs.js", headers={"If-None-Match": '"of-another-version"'})
    assert (first.status_code, again.status_code, changed.status_code) == (200, 304, 200)
    assert again.content == b""


@pytest.mark.parametrize("name", ["nothing.js", "LICENSE", "..%2fdocs.py", "docs.html"])
def test_only_the_pages_own_files_are_served(nobody: Caller, name: str) -> None:
    assert nobody.call("GET", f"{_PAGE}/{name}").status_code == 404


def test_the_description_has_every_route_with_its_permission(nobody: Caller) -> None:
    described = nobody.call("GET", "/v1/api/openapi.json").json()
    table = [
        (method.upper(), path, operation["x-permission"])
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    assert described["openapi"] == "3.1.0"
    table.remove(("POST", inference_reference.PATH, "pipeline.infer"))  # served before the router
    assert sorted(table) == access_table(wallaroo.routes(lambda: pytest.fail("not served")))


def test_every_reference_in_the_description_leads_somewhere(nobody: Caller) -> None:
    text = nobody.call("GET", "/v1/api/openapi.json").text
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert named == set(nobody.call("GET", "/v1/api/openapi.json").json()["components"]["schemas"])


def test_errors_are_what_the_description_says(live_server: RunningServer, nobody: Caller) -> None:
    for caller in (nobody, administrator(live_server)):
        answer = caller.call("POST", "/v1/api/models/get", json={"id": 999_999})
        assert set(answer.json()) == set(ErrorBody.__struct_fields__)
