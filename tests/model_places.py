"""Model URIs as a server resolves them, over a real store, real files and the real check."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from modelyard.artifacts.local import LocalArtifacts
from modelyard.artifacts.roots import Roots
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.model_intake import Engine, Intake
from modelyard.core.catalogue.model_places import Opener
from modelyard.core.catalogue.model_uris import ModelSource, ModelUris
from modelyard.core.catalogue.secrets import bucket_credentials
from modelyard.core.kernel.actor import Actor
from modelyard.core.tracking.model_uris import ModelRegistry
from modelyard.engines.onnx_check import check_model
from modelyard.engines.onnx_fold import fold
from modelyard.storage.sealing import KeyFolder
from modelyard.storage.store import SqlStore

EXAMPLES = Path(__file__).parents[1] / "examples" / "models"


@dataclass(frozen=True)
class Yard:
    """A server's catalogue: ``root`` is the folder that is open to ``file://``."""

    uris: ModelUris
    root: Path
    sealer: KeyFolder
    artifacts: LocalArtifacts

    def place(self, path: str, example: str | None = "ccfraud.onnx", content: bytes = b"") -> Path:
        """A file below the root: an example model, or this content."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if example is not None and not content:
            shutil.copyfile(EXAMPLES / example, place)
        else:
            place.write_bytes(content)
        return place

    def version(
        self, actor: Actor, space: int, uri: str, secret: str | None = None, number: int | None = None
    ) -> ModelVersion:
        """What one URI names."""
        return self.uris.versions(actor, space, [ModelSource(uri, secret, number)])[0]


def open_yard(store: SqlStore, folder: Path, limit: int = 10_000_000, **openers: Opener) -> Yard:
    """A catalogue whose files lie in the folder."""
    root, artifacts = folder / "models", LocalArtifacts(folder / "blobs")
    root.mkdir()
    sealer = KeyFolder.open(folder / "secret-keys")
    intake = Intake(store, artifacts, Engine(check_model, fold), limit)
    places: dict[str, Opener] = {"file": Roots([str(root)]), **openers}

    def credentials(tx, actor, workspace_id, name):  # type: ignore[no-untyped-def]
        return bucket_credentials(tx, actor, sealer, workspace_id, name)

    return Yard(ModelUris(store, intake, ModelRegistry(), places, credentials), root, sealer, artifacts)
