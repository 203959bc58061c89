"""Where the tests' environments of models get wheels from beside the index: above all torch, of which an index gives
the variant for graphics cards, several gigabytes of it.

The folders in ``MODELYARD_TEST_WHEELS`` (separated like PATH), else those that pip is configured to look in
(``global.find-links``). A package that is in one of them is taken from there alone.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from modelyard.engines.environments import Packages


@cache
def package_folders() -> tuple[Path, ...]:
    """The folders that exist."""
    named = os.environ.get("MODELYARD_TEST_WHEELS")
    texts = named.split(os.pathsep) if named is not None else _of_pip()
    return tuple(folder for folder in map(Path, texts) if folder.is_absolute() and folder.is_dir())


def packages() -> Packages:
    """For ``Environments`` of the tests."""
    return Packages(folders=package_folders())


def package_variables() -> dict[str, str]:
    """The same for the environment of a server that a test starts."""
    folders = ",".join(str(folder) for folder in package_folders())
    return {"MODELYARD_PACKAGE_FOLDERS": folders} if folders else {}


def has_wheel(name: str) -> bool:
    """Whether a package is in one of the folders, as torch must be before a test asks for it."""
    return any(any(folder.glob(f"{name.replace('-', '_')}-*.whl")) for folder in package_folders())


def _of_pip() -> list[str]:
    command = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else []
