"""One world for all questions of access."""

import pytest
from world import World, build

from running import RunningServer


@pytest.fixture(scope="session")
def world(closed_server: RunningServer) -> World:
    return build(closed_server)
