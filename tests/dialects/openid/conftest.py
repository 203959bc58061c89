"""A person with a browser."""

import pytest

from browser import Browser
from running import RunningServer
from wire import Person, invite


@pytest.fixture
def person(live_server: RunningServer) -> Person:
    return invite(live_server, "web")


@pytest.fixture
def browser(live_server: RunningServer) -> Browser:
    return Browser(live_server.url)
