"""``modelyard keys …``: works on the data folder, with the server running or not."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from modelyard.bootstrap.data_folder import SEALING_KEYS, open_store
from modelyard.cli.failures import CommandError, UsageError
from modelyard.cli.options import Common, Output, examples
from modelyard.cli.screen import Columns, Screen
from modelyard.core.catalogue.registries import reseal_registries
from modelyard.core.catalogue.secrets import reseal
from modelyard.core.kernel.errors import DomainError
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.rotation import retire as retire_key
from modelyard.issuers.embedded.rotation import rotate as rotate_keys
from modelyard.settings import SettingsError, load_settings
from modelyard.storage.sealing import KeyFolder

app = App(name="keys")


@Parameter(name="*", group=Group("Where the keys are"))
@dataclass(frozen=True)
class Place:
    """How to find the data folder, and how to write what was found."""

    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None
    """A TOML file with settings; by default modelyard.toml in the data folder, if there is one."""

    data: Path | None = None
    """The folder that holds everything. [default: modelyard-data]"""

    output: Annotated[Output, Parameter(name=["--output", "-o"])] = Output.TABLE
    """How to write data to standard output."""


@dataclass(frozen=True)
class Key:
    """A signing key as it is shown."""

    kid: str
    created_at: datetime | None
    use: str


@dataclass(frozen=True)
class SealingKey:
    """A key that seals secrets, as it is shown."""

    key: str
    use: str


SEALING_COLUMNS: Columns[SealingKey] = {"KEY": lambda row: row.key, "USE": lambda row: row.use}
COLUMNS: Columns[Key] = {
    "KEY": lambda row: row.kid,
    "CREATED": lambda row: row.created_at,
    "USE": lambda row: row.use,
}
_HERE = Place()


@app.command(help_epilogue=examples("keys rotate", "keys rotate --data /srv/modelyard"))
def rotate(*, place: Place = _HERE) -> None:
    """Make a new signing key. Older ones verify until they are retired, so nobody is signed out."""
    with _folder(place) as folder:
        made = rotate_keys(folder)
        _screen(place).say(f"{made.kid} signs from two seconds on.")
        _show(place, folder)


@app.command(name="list", help_epilogue=examples("keys list", "keys list -o json"))
def show_all(*, place: Place = _HERE) -> None:
    """Show the signing keys, the oldest first."""
    with _folder(place) as folder:
        _show(place, folder)


@app.command(help_epilogue=examples("keys retire Jr3hRrlpUxZaq_Vs0Cg5Lw"))
def retire(kid: str, /, *, place: Place = _HERE) -> None:
    """Remove a signing key: within a second the server refuses the access tokens that it signed.

    Clients renew them with their refresh tokens, which are signed otherwise. Who wants to spare them even that waits
    after a rotation for as long as access tokens last.

    Parameters
    ----------
    kid
        The key, as the list names it.
    """
    with _folder(place) as folder:
        retire_key(folder, kid)
        _screen(place).say(f"{kid} is gone.")
        _show(place, folder)


@app.command(name="rotate-secrets", help_epilogue=examples("keys rotate-secrets", "keys rotate-secrets -o json"))
def rotate_secrets(*, place: Place = _HERE) -> None:
    """Make a new key for the secrets of workspaces, tokens of registries among them, and seal all of them with it.

    The server may go on running.
    """
    with _folder(place):
        settings = load_settings({"data": place.data}, os.environ, place.config)
        sealer = KeyFolder.open(settings.data / SEALING_KEYS)
        made, store = sealer.rotate(), open_store(settings)
        try:
            count = store.run_write(reseal, sealer) + store.run_write(reseal_registries, sealer)
        finally:
            store.close()
        screen = _screen(place)
        screen.say(f"{made} seals from now on; {count} secrets were sealed anew.")
        screen.rows([SealingKey(key_id, _use(key_id, made)) for key_id in sealer.key_ids()], SEALING_COLUMNS)


def _use(key_id: str, newest: str) -> str:
    return "seals" if key_id == newest else "opens backups"


@contextmanager
def _folder(place: Place) -> Iterator[Path]:
    """The folder of the keys, which must exist; failures in words."""
    try:
        folder = load_settings({"data": place.data}, os.environ, place.config).data / "keys"
        if not folder.is_dir():
            raise UsageError(f"There are no keys in {folder}: the first start of the server makes them.")
        yield folder
    except SettingsError as error:
        raise UsageError(f"{error}.") from error
    except DomainError as error:
        raise CommandError(f"{error.message}.") from error


def _show(place: Place, folder: Path) -> None:
    ring = KeyRing.open(folder)
    uses = [(key, "signs" if key == ring.signer else "verifies") for key in ring.all]
    _screen(place).rows([Key(key.kid, key.since, use) for key, use in uses], COLUMNS)


def _screen(place: Place) -> Screen:
    return Screen(Common(output=place.output))
