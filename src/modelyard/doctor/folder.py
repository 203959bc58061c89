"""What belongs to this server: its data folder, keys, database and address."""

import os
from collections.abc import Iterator
from pathlib import Path

from modelyard.bootstrap.data_folder import open_store
from modelyard.doctor.check import Check, fail, ok, warn
from modelyard.issuers.embedded.key_files import FIRST, REFRESH, signing_files
from modelyard.server.claims import StartError, claim_address, holder_of
from modelyard.settings import Settings
from modelyard.storage.migrate import is_current


def check_folder(settings: Settings) -> Iterator[Check]:
    """Whether the server may write to its data folder, and others may not read it."""
    data = settings.data
    if not data.exists():
        yield _about_missing(data)
    elif not data.is_dir() or not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield fail(
            "data folder", f"{data} is not a folder this user may write to", "Mend its rights or choose another."
        )
    elif others := data.stat().st_mode & 0o077:
        yield warn("data folder", f"{data} is open to others ({others:03o})", f"Close it: chmod 700 {data}")
    else:
        yield ok("data folder", f"{data} is for its owner alone")


def _about_missing(data: Path) -> Check:
    parent = next(path for path in data.absolute().parents if path.exists())
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return ok("data folder", f"{data} will be made at the first start")
    return fail("data folder", f"{data} cannot be made: {parent} may not be written to", "Choose another: --data")


def check_keys(settings: Settings) -> Iterator[Check]:
    """The files that sign tokens, and the first passwords: there, and readable by their owner alone."""
    folder = settings.data / "keys"
    signing = sorted(signing_files(folder)) if folder.is_dir() else []
    present = [folder / name for name in (*signing, REFRESH) if (folder / name).exists()]
    if not present:
        yield ok("keys", "will be made at the first start")
        return
    missing = [name for name in (FIRST if not signing else "", REFRESH) if name and folder / name not in present]
    for name in missing:
        yield fail("keys", f"{folder / name} is missing", "Restore it from a backup: the server does not replace it.")
    credentials = settings.data / "credentials.json"
    exposed = [path for path in (*present, credentials) if path.exists() and path.stat().st_mode & 0o077]
    for path in exposed:
        yield warn("keys", f"{path} can be read by others", f"Close it: chmod 600 {path}")
    if not exposed and not missing:
        yield ok("keys", "signing keys are there, for their owner alone")


def check_database(settings: Settings) -> Iterator[Check]:
    """Whether the database answers and is at the schema of this program."""
    what = "PostgreSQL" if (settings.database or "").startswith("postgresql") else "SQLite"
    if settings.database is None and not (settings.data / "modelyard.db").exists():
        yield ok("database", "a SQLite file will be made at the first start")
        return
    store = open_store(settings)
    try:
        current = is_current(store)
    except Exception as error:  # noqa: BLE001 - drivers have errors of their own, for the host, the password, the file
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        yield fail("database", f"{what} cannot be used: {reason}", "Check the address and the rights.")
        return
    finally:
        store.close()
    if current:
        yield ok("database", f"{what} answers and has the current schema")
    else:
        yield warn("database", f"{what} has another schema", "Start the server, which brings an older one up to date.")


def check_address(settings: Settings) -> Iterator[Check]:
    """Whether the server could listen where it is told to."""
    where = f"{settings.host} port {settings.port}"
    try:
        claim_address(settings.host, settings.port).close()
    except StartError as error:
        if holder := holder_of(settings.data):
            yield ok("address", f"the server of this data folder runs (process {holder}); {where} is in use")
        else:
            reason, _, advice = str(error).partition("; ")
            yield fail("address", reason, f"{advice[:1].upper()}{advice[1:]}.")
        return
    yield ok("address", f"{where} is free")
