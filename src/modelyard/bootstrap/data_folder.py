"""What every process finds by the settings."""

import contextlib
import os
import pwd

from modelyard.core.kernel.ids import new_uuid
from modelyard.settings import Settings
from modelyard.storage.store import SqlStore, sqlite_url

SEALING_KEYS = "secret-keys"
"""The folder with the keys that seal the secrets of workspaces."""
LENT = "run/lent"
"""Where models lie whose processes belong to a job."""
PREPARING = "run/preparing"
"""Where uploads lie while they are prepared, below the name of who prepares them."""


def open_store(settings: Settings) -> SqlStore:
    """The store that the settings name; a SQLite file in the data folder by default."""
    return SqlStore(settings.database or sqlite_url(settings.data / "modelyard.db"))


def server_id(settings: Settings) -> str:
    """The name of this data folder's server among those that share a database."""
    path = settings.data / "server-id"
    with contextlib.suppress(FileExistsError), path.open("x") as file:
        file.write(new_uuid())
    return path.read_text()


def system_user() -> str:
    """Who runs this process, as the system names them."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in containers that run as a number
        return str(os.getuid())
