"""Jobs as their runners see them: taken, kept alive. ``ending`` is how they end.

A runner holds a job by its name and its heartbeats. What it does for a job it does with an access token that its owner
is lent for it: good for inference alone, and worthless as soon as the job has ended, however it has.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.automation.entities import Job
from modelyard.core.automation.payloads import Manner
from modelyard.core.automation.states import JobState, move
from modelyard.core.catalogue.entities import ModelConfig, ModelVersion, Workspace
from modelyard.core.catalogue.model_places import Credentials
from modelyard.core.catalogue.secrets import Sealer, bucket_credentials
from modelyard.core.identity.access_tokens import lend_token
from modelyard.core.identity.users import load_actor
from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Deployment, Form, Pipeline, PipelineVersion
from modelyard.core.serving.graph.compiling import request_specs
from modelyard.core.serving.pipelines import require_pipeline
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.states import SERVED

LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Work:
    """A job with all that its runner must know.

    ``workspace`` is a slug; ``manner`` is how the deployment itself is asked, ``inputs`` are its columns.
    """

    job: Job
    workspace: str
    pipeline: str
    manner: Manner
    inputs: tuple[TensorSpec, ...]


def take_job(tx: Tx, runner: str) -> Job | None:
    """The oldest job that waits, which is this runner's from now on."""
    job = tx.first(Job, state=JobState.PENDING)
    if job is None:
        return None

    values: dict[str, Any] = {
        "state": move(job.state, JobState.RUNNING),
        "runner": runner,
        "heartbeat_at": tx.now,
        "started_at": job.started_at or tx.now,
    }
    taken = tx.change(Job, values, id=job.id, state=JobState.PENDING)  # nobody else took it meanwhile
    return replace(job, **values) if taken else None


def prepare_job(tx: Tx, job: Job, secret_hash: str) -> Work:
    """What the job needs, asked with the rights that its owner has now; the token is kept as ``secret_hash``.

    Raises what its owner would be told: ``UNAUTHENTICATED``, ``NOT_FOUND``, ``FORBIDDEN``, ``FAILED_PRECONDITION``.
    """
    pipeline, deployment = _deployed(tx, job)
    token = lend_token(tx, job.created_by, f"job {job.name}", secret_hash, tx.now + LONGEST)
    tx.update(Job, job.id, lambda found: replace(found, token_id=token.id))
    workspace = tx.get(Workspace, job.workspace_id)
    assert workspace is not None  # noqa: S101  # foreign keys hold
    return Work(job, workspace.slug, pipeline.name, _manner(tx, pipeline, deployment), _inputs(tx, deployment))


def owner_credentials(tx: Tx, job: Job, sealer: Sealer, secret: str) -> Credentials:
    """What a secret of the workspace says, for the owner of the job with the rights of now."""
    return bucket_credentials(tx, load_actor(tx, job.created_by, None), sealer, job.workspace_id, secret)


def check_owner(tx: Tx, job: Job) -> None:
    """Whether the owner may still have the job done, and the deployment is there; raises as ``prepare_job``."""
    _deployed(tx, job)


def beat(tx: Tx, job_id: int, runner: str, done: int, failed: int) -> bool:
    """The runner is alive, and so far has come; False when the job is not its any longer and it must stop."""
    values = {"heartbeat_at": tx.now, "done": done, "failed": failed}
    return tx.change(Job, values, id=job_id, runner=runner, state=JobState.RUNNING) == 1


def _deployed(tx: Tx, job: Job) -> tuple[Pipeline, Deployment]:
    owner = load_actor(tx, job.created_by, None)
    pipeline = tx.get(Pipeline, job.pipeline_id)
    assert pipeline is not None  # noqa: S101  # foreign keys hold
    for permission in (Permission.PIPELINE_EDIT, Permission.PIPELINE_INFER):
        require_pipeline(tx, owner, permission, pipeline, "deployment", pipeline.name)
    deployment = tx.first(Deployment, pipeline_id=pipeline.id)
    if deployment is None or deployment.state not in SERVED:
        raise failed_precondition(f"{pipeline.name} is not deployed; deploy it and make the job again")
    return pipeline, deployment


def _manner(tx: Tx, pipeline: Pipeline, deployment: Deployment) -> Manner:
    """Seldon's for SeldonDeployments that do not say otherwise; all others speak the Open Inference Protocol."""
    if pipeline.form != Form.PREDICTORS:
        return Manner.OPEN_INFERENCE
    version = tx.get(PipelineVersion, deployment.pipeline_version_id)
    protocol = version.definition["document"]["spec"].get("protocol") if version else None
    return Manner.SELDON if protocol in (None, "", "seldon") else Manner.OPEN_INFERENCE


def _inputs(tx: Tx, deployment: Deployment) -> tuple[TensorSpec, ...]:
    models = [
        (tx.get(ModelVersion, model["version_id"]), tx.get(ModelConfig, model["config_id"]))
        for model in deployment.models
    ]
    known = [
        (Signature.from_json(version.signature), config.tensor_fields if config else None)
        for version, config in models
        if version is not None and version.signature is not None
    ]
    return request_specs(deployment.plan, known) if len(known) == len(models) else ()
