"""The environments of models: whether they can be made."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelyard.bootstrap.environments import environments_folder, open_environments
from modelyard.doctor.check import Check, fail, ok, warn
from modelyard.engines.environments import REMEDY, uv_version
from modelyard.settings import Settings

_NAME = "environments"
_FILES = "environment files"
_SHOWN = 12
_MIB = 2**20


def check_environments(settings: Settings) -> Iterator[Check]:
    """uv, the folder, and the folders with wheels. No index is asked: that is done when a model needs it."""
    version = uv_version()
    folder = environments_folder(settings)
    if version is None:
        yield fail(_NAME, "uv does not run, which makes them", "Install again: pip install modelyard")
    elif folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield fail(_NAME, f"{folder} may not be written to by this user", "Mend its rights.")
    elif missing := [each for each in settings.package_folders if not os.access(each, os.R_OK | os.X_OK)]:
        yield fail(_NAME, f"{missing[0]} of package_folders cannot be read", "Make it, or take it out of the settings.")
    elif settings.package_offline and not _wheels(settings):
        advice = "Put wheels there: docs/howto/model-environments.md says how."
        yield warn(_NAME, "package_offline is set and package_folders hold no wheel", advice)
    else:
        yield ok(_NAME, f"{version}; {_built(settings)}; {_source(settings)}")


def check_environment_files(settings: Settings, *, fully: bool = False) -> Iterator[Check]:
    """Whether the files of environments are those that were installed; ``fully`` reads every one of them."""
    found = open_environments(settings).changed(fully=fully)
    for key, changed in found.items():
        if changed:
            told = f"{len(changed)} files of {key[:_SHOWN]} were changed after it was built: {', '.join(changed[:3])}"
            yield fail(_FILES, told, f"Models that use it are not started; {REMEDY}.")
    if not any(found.values()):
        yield ok(_FILES, _unchanged(found, fully=fully))


def _unchanged(found: Mapping[str, list[str] | None], *, fully: bool) -> str:
    unlisted = sum(changed is None for changed in found.values())
    earlier = f"; {unlisted} built by an earlier version without a list of their files" if unlisted else ""
    how = "every byte was read" if fully else "sizes and times; --environments reads every byte"
    return f"as they were installed ({how}){earlier}" if found else "none yet"


def _built(settings: Settings) -> str:
    built = open_environments(settings).built()
    size = sum(each.bytes for each in built) // _MIB
    return f"{len(built)} built, {size} MiB" if built else "none built yet"


def _source(settings: Settings) -> str:
    folders = [f"{_wheels(settings)} wheels in package_folders"] if settings.package_folders else []
    index = "an index of its own" if settings.package_index else "uv's index"
    return " and ".join([*folders, *([] if settings.package_offline else [f"{index} (not tried)"])])


def _wheels(settings: Settings) -> int:
    return sum(len(list(Path(folder).glob("*.whl"))) for folder in settings.package_folders)
