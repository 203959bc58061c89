"""A browser without scripts: follows nothing by itself, keeps cookies, reads forms and posts them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

_SECONDS = 30


@dataclass
class Form:
    """A form of a page: where it goes, its fields with their values, and its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


@dataclass
class Page:
    """What came back."""

    answer: requests.Response

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def location(self) -> str:
        """Where the answer sends the browser."""
        assert self.status in (302, 303), f"{self.status} {self.text}"
        return self.answer.headers["location"]

    @property
    def reply(self) -> dict[str, str]:
        """The query of that address."""
        return dict(parse_qsl(urlsplit(self.location).query, keep_blank_values=True))

    @property
    def form(self) -> Form:
        """The one form of the page."""
        reader = _Forms()
        reader.feed(self.text)
        assert len(reader.forms) == 1, self.text
        return reader.forms[0]


class Browser:
    """Its cookies last as long as it does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def cookies(self) -> dict[str, str]:
        return {str(cookie.name): str(cookie.value) for cookie in self._session.cookies}

    def get(self, path: str, **request: Any) -> Page:
        """GET a page; ``path`` may be a whole address."""
        return self._send("GET", path, **request)

    def post(self, path: str, data: Any, **request: Any) -> Page:
        """POST a form."""
        return self._send("POST", path, data=data, **request)

    def submit(self, page: Page, button: str, **values: str) -> Page:
        """Fill in the page's form and press one of its buttons."""
        form = page.form
        assert button in form.buttons, form
        assert set(values) <= set(form.fields), form
        return self.post(urljoin(page.answer.url, form.action), {**form.fields, **values, "action": button})

    def _send(self, method: str, path: str, **request: Any) -> Page:
        url = urljoin(self._url, path)
        return Page(self._session.request(method, url, allow_redirects=False, timeout=_SECONDS, **request))


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            assert given.get("method") == "post"
            self.forms.append(Form(given["action"] or ""))
        elif tag == "input":
            self.forms[-1].fields[given["name"] or ""] = given.get("value") or ""
        elif tag == "button":
            assert given["name"] == "action"
            self.forms[-1].buttons.append(given["value"] or "")
