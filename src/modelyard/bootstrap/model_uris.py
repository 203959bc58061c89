"""Where models may come from, as the settings say."""

from modelyard.artifacts.local import LocalArtifacts
from modelyard.artifacts.roots import Roots
from modelyard.artifacts.s3 import Buckets
from modelyard.core.catalogue.model_intake import Engine, Intake
from modelyard.core.catalogue.model_places import Credentials, Opener
from modelyard.core.catalogue.model_uris import ModelUris
from modelyard.core.catalogue.secrets import Sealer, bucket_credentials
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.model_uris import ModelRegistry
from modelyard.engines.onnx_check import check_model
from modelyard.engines.onnx_fold import fold
from modelyard.settings import Settings
from modelyard.storage.store import SqlStore


def model_uris(settings: Settings, store: SqlStore, artifacts: LocalArtifacts, sealer: Sealer) -> ModelUris:
    """Models of this server, of the folders that are open, and of S3."""
    intake = Intake(store, artifacts, Engine(check_model, fold), settings.max_upload_bytes)
    openers: dict[str, Opener] = {
        "file": Roots(settings.model_roots),
        "s3": Buckets(settings.s3_endpoint, settings.s3_endpoints),
    }

    def credentials(tx: Tx, actor: Actor, workspace_id: int, name: str) -> Credentials:
        return bucket_credentials(tx, actor, sealer, workspace_id, name)

    return ModelUris(store, intake, ModelRegistry(), openers, credentials)
