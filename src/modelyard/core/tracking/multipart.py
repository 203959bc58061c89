"""Artifacts that arrive in parts: each part is kept as a file of its own until all are there."""

from dataclasses import dataclass
from datetime import timedelta

from modelyard.core.access.check import ask
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.artifacts import ArtifactStore, Upload
from modelyard.core.catalogue.entities import PartialUpload, UploadPart
from modelyard.core.catalogue.uploading import drop_unreferenced
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, invalid, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.store import Between, Existing, Store, Tx
from modelyard.core.tracking.artifacts import keep_artifact, may_write

PARTS_MAX = 10_000
_LIFE = timedelta(days=1)
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Begun:
    """A partial upload, and the digests of parts that older, abandoned ones left."""

    upload: PartialUpload
    left: list[str]


def begin(tx: Tx, actor: Actor, path: str, part_count: int) -> Begun:
    """Announce a file in ``part_count`` parts; what was abandoned for a day is given up."""
    if not 1 <= part_count <= PARTS_MAX:
        raise invalid(f"num_parts must be from 1 to {PARTS_MAX}")
    wanted = may_write(tx, actor, path)
    old = [upload_id for (upload_id,) in tx.values(PartialUpload, ("id",), created_at=Between(None, tx.now - _LIFE))]
    left = [sha for upload_id in old for sha in _forget(tx, upload_id)]
    return Begun(tx.insert(PartialUpload(new_uuid(), wanted, actor.user_id, part_count, tx.now)), left)


def existing_upload(tx: Tx, upload_id: str) -> PartialUpload:
    """The partial upload; asks for no permission: whoever holds a signed address of a part may send it."""
    found = tx.get(PartialUpload, upload_id)
    if found is None:
        raise not_found("upload", upload_id[:64])
    return found


def record_part(tx: Tx, upload_id: str, number: int, sha: str, size: int) -> None:
    """Note that a part is there, in place of an earlier try."""
    upload = existing_upload(tx, upload_id)
    if not 1 <= number <= upload.part_count:
        raise invalid(f"part {number} is not one of 1 to {upload.part_count}")
    tx.insert_all([UploadPart(0, upload_id, number, sha, size)], existing=Existing.REPLACE)


def parts_of(tx: Tx, actor: Actor, path: str, upload_id: str) -> list[UploadPart]:
    """The parts of a complete upload, in order, for who began it and may still write there."""
    _own_upload(tx, actor, path, upload_id)
    parts = tx.find(UploadPart, order_by="number", upload_id=upload_id)
    missing = existing_upload(tx, upload_id).part_count - len(parts)
    if missing:
        raise invalid(f"{missing} parts of this upload are missing; send them again before it is completed")
    return parts


def abort(tx: Tx, actor: Actor, path: str, upload_id: str) -> list[str]:
    """Give an upload up; returns the digests of its parts."""
    _own_upload(tx, actor, path, upload_id)
    return _forget(tx, upload_id)


def keep_part(store: Store, artifacts: ArtifactStore, upload_id: str, number: int, incoming: Upload) -> str:
    """Keep a part; returns its digest. Blocking: to be called on a thread."""
    sha = incoming.finish()
    incoming.keep()
    try:
        store.run_write(record_part, upload_id, number, sha, incoming.size)
    except DomainError:
        drop_unreferenced(store, artifacts, [sha])
        raise
    incoming.keep()
    return sha


def complete(store: Store, artifacts: ArtifactStore, actor: Actor, path: str, upload_id: str, limit: int) -> None:
    """Join the parts to one file under the path. Blocking: to be called on a thread."""
    parts = store.run_read(parts_of, actor, path, upload_id)
    with artifacts.upload(limit) as joined:
        for part in parts:
            with artifacts.path(part.sha).open("rb") as file:
                while chunk := file.read(_READ_BYTES):
                    joined.write(chunk)
        keep_artifact(store, artifacts, actor, path, joined)
    drop_unreferenced(store, artifacts, store.run_write(abort, actor, path, upload_id))


def _own_upload(tx: Tx, actor: Actor, path: str, upload_id: str) -> None:
    ask(actor, Permission.EXPERIMENT_EDIT)
    wanted, upload = may_write(tx, actor, path), existing_upload(tx, upload_id)
    if upload.user_id != actor.user_id or upload.path != wanted:
        raise not_found("upload", upload_id[:64])


def _forget(tx: Tx, upload_id: str) -> list[str]:
    shas = [sha for (sha,) in tx.values(UploadPart, ("sha",), upload_id=upload_id)]
    tx.delete(UploadPart, upload_id=upload_id)
    tx.delete(PartialUpload, id=upload_id)
    return shas
