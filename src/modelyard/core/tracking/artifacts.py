"""Artifacts: named files of experiments, below paths like ``<experiment>/<run>/artifacts/model/MLmodel``.

Their bytes lie in the artifact store by digest; these use-cases keep the names.
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import unquote

from modelyard.core.access.check import ask
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.artifacts import ArtifactStore, Upload
from modelyard.core.catalogue.entities import ArtifactFile
from modelyard.core.catalogue.uploading import drop_unreferenced
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, invalid, not_found
from modelyard.core.kernel.store import Existing, StartsWith, Store, Tx
from modelyard.core.tracking.experiments import require_experiment
from modelyard.core.tracking.limits import shortened

_PATH_MAX = 1024
_SCHEME = "mlflow-artifacts:"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file (``size`` in bytes) or a folder (None) in a listing; ``path`` is relative to what was listed above."""

    path: str
    size: int | None


def checked_path(path: str) -> str:
    """The path in its one form, or ``INVALID``: relative, no empty, dotted or disguised part, no backslash.

    A path that still means something else after decoding it once more is refused: it was encoded twice to get past
    checks like this one.
    """
    text = path.rstrip("/")
    plain = unquote(text)
    suspicious = plain != text or any(mark in text for mark in ("\\", ";", "#", "?")) or not text.isprintable()
    parts = text.split("/")
    if suspicious or len(text) > _PATH_MAX or any(part.strip(" .") == "" for part in parts) or _drive(parts[0]):
        raise invalid(
            f"Invalid path: {shortened(path)!r}. Use a relative path of plain names: no '..', no backslash, no '%', "
            "';', '#' or '?'"
        )
    return unicodedata.normalize("NFC", text)


def location_path(uri: str) -> str | None:
    """The path behind ``mlflow-artifacts:/path`` (with or without a host); None for stores that are not ours."""
    if not uri.startswith(_SCHEME):
        return None
    rest = uri.removeprefix(_SCHEME)
    if rest.startswith("//"):
        rest = rest[2:].partition("/")[2]
    return checked_path(rest.lstrip("/"))


def list_artifacts(tx: Tx, actor: Actor, path: str) -> list[Entry]:
    """What lies directly below the path, by name; a path that is a file or that nothing lies below gives nothing."""
    folder = _folder(tx, actor, Permission.EXPERIMENT_READ, path)
    entries: dict[str, Entry] = {}
    for name, size in tx.values(ArtifactFile, ("path", "size"), path=StartsWith(f"{folder}/")):
        first, _, deeper = name.removeprefix(f"{folder}/").partition("/")
        entries[first] = Entry(first, None if deeper else size)
    return [entries[name] for name in sorted(entries)]


def find_artifact(tx: Tx, actor: Actor, path: str) -> ArtifactFile:
    """One file."""
    wanted = _folder(tx, actor, Permission.EXPERIMENT_READ, path)
    found = tx.first(ArtifactFile, path=wanted)
    if found is None:
        raise not_found("artifact", shortened(path))
    return found


def may_write(tx: Tx, actor: Actor, path: str) -> str:
    """The path in its one form, when the actor may write a file there."""
    wanted = _folder(tx, actor, Permission.EXPERIMENT_EDIT, path)
    if "/" not in wanted:
        raise invalid(f"Invalid path: {shortened(path)!r} names no file below an experiment")
    parts = wanted.split("/")
    above = ["/".join(parts[:depth]) for depth in range(2, len(parts))]
    below = tx.first(ArtifactFile, path=StartsWith(f"{wanted}/"))
    if below is not None or tx.first(ArtifactFile, path=above) is not None:
        raise invalid(f"{shortened(path)!r} cannot be both a file and a folder")
    return wanted


def record_artifact(tx: Tx, actor: Actor, path: str, sha: str, size: int) -> str | None:
    """Let the path name this file; returns the digest of the file it named before, if it was another."""
    wanted = may_write(tx, actor, path)
    before = tx.first(ArtifactFile, path=wanted)
    experiment_id = wanted.partition("/")[0]
    tx.insert_all([ArtifactFile(0, experiment_id, wanted, sha, size)], existing=Existing.REPLACE)
    return before.sha if before is not None and before.sha != sha else None


def remove_artifacts(tx: Tx, actor: Actor, path: str) -> list[str]:
    """Remove a file, or all files below a folder; returns the digests that may be unreferenced now."""
    wanted = _folder(tx, actor, Permission.EXPERIMENT_MANAGE, path)
    if "/" not in wanted:
        raise invalid("all artifacts of an experiment cannot be deleted at once; name a run's folder")
    gone: list[str] = []
    for where in (wanted, StartsWith(f"{wanted}/")):
        gone += [sha for (sha,) in tx.values(ArtifactFile, ("sha",), path=where)]
        tx.delete(ArtifactFile, path=where)
    return sorted(set(gone))


def keep_artifact(store: Store, artifacts: ArtifactStore, actor: Actor, path: str, incoming: Upload) -> None:
    """Keep a complete upload under the path. Blocking: to be called on a thread."""
    sha = incoming.finish()
    incoming.keep()
    try:
        replaced = store.run_write(record_artifact, actor, path, sha, incoming.size)
    except DomainError:
        drop_unreferenced(store, artifacts, [sha])
        raise
    incoming.keep()  # in case a deletion of the same file fell between: from here on the row protects it
    if replaced:
        drop_unreferenced(store, artifacts, [replaced])


def drop_artifacts(store: Store, artifacts: ArtifactStore, actor: Actor, path: str) -> None:
    """Remove files by path. Blocking: to be called on a thread."""
    gone: Collection[str] = store.run_write(remove_artifacts, actor, path)
    drop_unreferenced(store, artifacts, gone)


def _folder(tx: Tx, actor: Actor, permission: Permission, path: str) -> str:
    ask(actor, permission)
    wanted = checked_path(path)
    require_experiment(tx, actor, permission, wanted.partition("/")[0])
    return wanted


def _drive(part: str) -> bool:
    """A Windows drive or a scheme in front: absolute in disguise."""
    return ":" in part
