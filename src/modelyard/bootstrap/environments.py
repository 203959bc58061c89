"""The environments of models, as the settings say."""

from pathlib import Path

from modelyard.engines.environments import Environments, Packages
from modelyard.settings import Settings


def open_environments(settings: Settings) -> Environments:
    """Those in the data folder."""
    return Environments(environments_folder(settings), packages(settings))


def environments_folder(settings: Settings) -> Path:
    """Where they are."""
    return settings.data / "environments"


def packages(settings: Settings) -> Packages:
    """Where their packages come from."""
    return Packages(
        index=settings.package_index,
        extra_indexes=settings.package_extra_indexes,
        folders=tuple(Path(folder) for folder in settings.package_folders),
        offline=settings.package_offline,
        sources=settings.package_sources,
    )
