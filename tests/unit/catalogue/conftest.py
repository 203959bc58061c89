"""A store with the people of ``catalogue_people``."""

import pytest

from catalogue_people import People, gather
from modelyard.storage.store import SqlStore


@pytest.fixture
def people(store: SqlStore) -> People:
    return gather(store)
