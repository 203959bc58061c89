"""How files of a registered version are named: ``models:/iris/3/data/model.pkl``, as MLflow names its versions."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.kernel.names import number_in

SCHEME = "models:/"
_URI_MAX = 1024
_DEPTH_MAX = 20
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class RegisteredPath:
    """A version of a registered model, by its number or an alias, and a path in it; empty for all of its folder."""

    name: str
    version: str | None
    alias: str | None
    path: str = ""

    def __str__(self) -> str:
        named = f"{self.name}@{self.alias}" if self.alias else f"{self.name}/{self.version}"
        return SCHEME + (f"{named}/{self.path}" if self.path else named)


def registered_path(uri: str) -> RegisteredPath:
    """``models:/<name>/<number>[/<path>]`` or ``models:/<name>@<alias>[/<path>]``; ``INVALID`` for anything else."""
    if not uri.startswith(SCHEME) or len(uri) > _URI_MAX or not uri.isprintable():
        raise _unknown(uri)
    first, _, rest = uri.removeprefix(SCHEME).strip("/").partition("/")
    name, at, alias = first.partition("@")
    version = None
    if not at:
        version, _, rest = rest.partition("/")
    if not model_name_fits(name) or (at and not alias) or (version is not None and number_in(version) is None):
        raise _unknown(uri)
    return RegisteredPath(name, version, alias or None, inner_path(rest) if rest else "")


def model_name_fits(name: str) -> bool:
    """Whether a registered model may have the name, as far as one can be asked for."""
    return bool(name) and len(name) <= 255 and name.isprintable() and not set("/:\\'\"") & set(name)


def inner_path(path: str) -> str:
    """The path of a file below its folder in its one form; ``INVALID`` for one that may lead elsewhere."""
    parts = path.split("/")
    strange = any(part.strip(" .") == "" for part in parts) or "\\" in path or ":" in parts[0]
    if strange or not path.isprintable() or len(path) > _URI_MAX or len(parts) > _DEPTH_MAX:
        raise invalid(
            f"the path {path[:_SHOWN]!r} is not taken: use at most {_DEPTH_MAX} plain names with '/' between them, "
            "no '..', no backslash, no drive"
        )
    return str(PurePosixPath(path))


def _unknown(uri: str) -> DomainError:
    return invalid(
        f"the path {uri[:_SHOWN]!r} names no version of a registered model: write models:/iris/3 for its folder, "
        "models:/iris/3/model.pkl for one of its files, or models:/iris@champion by an alias"
    )
