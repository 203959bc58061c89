"""What a request of the matrix can be about."""

import re
import uuid
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Things:
    """What a request can be about. All names of one workspace carry its canary."""

    canary: str
    workspace_id: int
    workspace_name: str
    model_id: int
    model_name: str
    version_id: int
    version_uuid: str
    config_id: int
    pipeline_id: int
    pipeline_name: str
    pipeline_version_id: int
    pipeline_version_uuid: str
    deployment_id: int
    namespace: str
    seldon_name: str
    revision: str
    core_model: str
    flow: str
    trial: str
    topic: str
    tag_id: int
    experiment_id: str
    run_id: str
    logged_id: str
    tracked_name: str
    artifact: str
    person: str
    role_id: int
    role_permission_id: int
    robot: str
    group: str
    batch_job: str
    load_test: str
    replay: str
    secret: str
    registry: str
    project: str
    model_uri: str
    detector: str

    def hidden_in(self, text: str) -> str:
        """The text with every mention of these things blotted out, and what is new in every answer."""
        names = sorted((str(getattr(self, field.name)) for field in fields(self)), key=len, reverse=True)
        text = re.sub('"requestId":"[^"]*"', '"requestId":""', text)
        return re.sub("|".join(rf"\b{re.escape(name)}\b" for name in names), "<it>", text)


UNKNOWN = Things(
    canary="never-was",
    workspace_id=900_000_001,
    workspace_name="never-was-space",
    model_id=900_000_002,
    model_name="never-was-model",
    version_id=900_000_003,
    version_uuid="00000000-0000-4000-8000-000000000001",
    config_id=900_000_004,
    pipeline_id=900_000_005,
    pipeline_name="never-was-pipeline",
    pipeline_version_id=900_000_006,
    pipeline_version_uuid="00000000-0000-4000-8000-000000000002",
    deployment_id=900_000_007,
    namespace="never-was-pipeline-900000007",
    seldon_name="never-was-seldon",
    revision="0" * 39 + "1",
    core_model="never-was-core-model",
    flow="never-was-flow",
    trial="never-was-trial",
    topic="workspace-900000001-pipeline-never-was-pipeline-inference",
    tag_id=900_000_008,
    experiment_id="900000000000000009",
    run_id="0" * 31 + "1",
    logged_id="m-" + "0" * 31 + "1",
    tracked_name="never-was-tracked",
    artifact="900000000000000009/" + "0" * 31 + "1/artifacts/notes.txt",
    person="never-was@example.com",
    role_id=900_000_010,
    role_permission_id=900_000_011,
    robot="00000000-0000-4000-8000-000000000003",
    group="never-was-group",
    batch_job="batch-00000000",
    load_test="loadtest-00000000",
    replay="replay-00000000",
    secret="never-was-bucket-envvars",
    registry="90000000-0000-4000-8000-000000000001",
    project="never-was-project",
    model_uri="s3://never-was/model",
    detector="never-was-detector",
)


def word() -> str:
    """A word that nothing is named by."""
    return uuid.uuid4().hex[:8]
