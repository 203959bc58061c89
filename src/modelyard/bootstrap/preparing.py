"""What makes uploads ready to be served, as the settings say."""

from collections.abc import Callable
from functools import partial

from modelyard.artifacts.local import LocalArtifacts
from modelyard.bootstrap.data_folder import PREPARING
from modelyard.bootstrap.environments import open_environments
from modelyard.bootstrap.isolation import code_refusal
from modelyard.bootstrap.registries import model_registries
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.model_places import Folder
from modelyard.core.catalogue.registry_uploads import origin
from modelyard.core.catalogue.secrets import Sealer
from modelyard.core.kernel.store import Store
from modelyard.engines.onnx_check import check_model
from modelyard.engines.onnx_fold import fold
from modelyard.engines.process.runtime_files import runtime_folder
from modelyard.preparing.commission import Workshop
from modelyard.preparing.preparer import Preparer
from modelyard.settings import Settings


def build_preparer(settings: Settings, store: Store, sealer: Sealer, name: str) -> Preparer:
    """What prepares under this name."""
    registries = model_registries(settings)

    def fetch(version: ModelVersion, lost: Callable[[], None]) -> Folder:
        found = store.run_read(origin, sealer, version)
        return registries.folder(found.registry, found.path, lost)

    workshop = Workshop(
        store=store,
        artifacts=LocalArtifacts(settings.data / "blobs"),
        environments=open_environments(settings),
        runtime=partial(runtime_folder, settings.data),
        refusal=code_refusal(settings),
        folder=settings.data.absolute() / PREPARING,
        check=check_model,
        fold=fold,
        fetch=fetch,
        limit=settings.max_upload_bytes,
    )
    return Preparer(workshop, name)
