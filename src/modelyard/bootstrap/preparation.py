"""The first thing at every start: migrations, keys, and on the first start accounts."""

import json
import os
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

from modelyard.bootstrap.audit_head import HeadFile
from modelyard.bootstrap.data_folder import LENT, SEALING_KEYS, open_store, server_id, system_user
from modelyard.core.access.permissions import Role
from modelyard.core.audit.configuration import record_configuration
from modelyard.core.catalogue.model_metadata import ensure_default_project
from modelyard.core.serving.workers import claim_database
from modelyard.core.tracking.first_start import ensure_tracking
from modelyard.issuers.embedded.first_start import first_start
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.passwords import Passwords
from modelyard.settings import SECRETS, Settings
from modelyard.storage.migrate import migrate
from modelyard.storage.sealing import KeyFolder


def prepare(settings: Settings) -> None:
    """See ``bootstrap.prepare``."""
    store = open_store(settings)
    migrate(store)
    store.run_write(claim_database, server_id(settings))
    KeyRing.open(settings.data / "keys")
    KeyFolder.open(settings.data / SEALING_KEYS)
    HeadFile(settings.data).begin(store)
    store.run_write(record_configuration, _shown(settings), system_user())
    shutil.rmtree(settings.data / LENT, ignore_errors=True)  # of jobs whose runner died with the server
    path = settings.data / "credentials.json"
    made_up = first_start(
        store,
        Passwords(),
        partial(_keep, path),
        settings.admin_email,
        settings.admin_password,
        settings.api_client_secret,
    )
    store.run_write(ensure_tracking, Role(settings.default_permission))
    store.run_write(ensure_default_project, Role(settings.default_permission))
    store.close()
    if made_up:
        lines = "".join(f"  {name}: {value}\n" for name, value in made_up.items())
        sys.stdout.write(f"First start. These credentials are shown once and kept in {path}:\n{lines}")
        sys.stdout.flush()


def _shown(settings: Settings) -> dict[str, Any]:
    """The settings as JSON types; of a secret only whether it is given."""
    shown: dict[str, Any] = json.loads(settings.to_json())
    return shown | {name: "given" if shown[name] else None for name in SECRETS}


def _keep(path: Path, made_up: dict[str, str]) -> None:
    """Write the credentials down for the server's user alone, whole or not at all."""
    known = json.loads(path.read_text()) if path.exists() else {}
    temporary = path.with_suffix(".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({**known, **made_up}, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
