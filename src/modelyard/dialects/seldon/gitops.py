"""The history of what is served, in the words of GitOps. There is no Git: a revision is a version of ours.

A revision's hash stands for the version; its files are the documents as YAML. No repository is kept in step with it.
"""

from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.workspaces import workspace_by_slug
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.applying import Applied
from modelyard.core.serving.entities import Form
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.core.serving.revisions import Change, history, history_of_all, restore
from modelyard.dialects.seldon import models
from modelyard.dialects.seldon.dialect import json, seldon
from modelyard.dialects.seldon.places import NAMESPACE, PL, SD, place_of
from modelyard.dialects.seldon.reverting import revert
from modelyard.dialects.seldon.revision_files import FOLDERS, experiment_file, file_diff, files, log_entry
from modelyard.web.call import Call

EXPERIMENT: Final = f"{NAMESPACE}/experiments/{{name}}"
_MOST_HASHES: Final = 100


@seldon.get(f"{NAMESPACE}/gitops-status", Permission.WORKSPACE_READ)
async def read_git_ops_status(call: Call) -> Response:
    """That nothing is synchronised with a repository."""
    namespace = call.request.path_params["namespace"]
    await call.services.store.read(workspace_by_slug, call.actor, namespace, Permission.WORKSPACE_READ)
    message = "GitOps is disabled: revisions are kept by this server, in no repository"
    return json({"enabled": False, "status": "disabled", "message": message})


@seldon.get(f"{NAMESPACE}/gitdiffs", Permission.PIPELINE_READ)
async def read_git_diffs(call: Call) -> Response:
    """What several revisions changed, whatever they are revisions of; ``hashes`` are separated by commas."""
    hashes = [each for each in call.request.query_params.get("hashes", "").split(",") if each]
    if not 0 < len(hashes) <= _MOST_HASHES:
        raise invalid(f"hashes: name 1 to {_MOST_HASHES} revisions, separated by commas", field="hashes")
    found = await call.services.store.read(_diffs, call.actor, call.request.path_params["namespace"], hashes)
    return json(found)


@seldon.get(f"{SD}/gitlogs", Permission.PIPELINE_READ)
async def read_seldon_deployment_git_logs(call: Call) -> Response:
    """The revisions of a SeldonDeployment, newest first."""
    return _logs(await _history(call, Form.PREDICTORS))


@seldon.get(f"{SD}/gitdiff", Permission.PIPELINE_READ)
async def read_seldon_deployment_git_diff(call: Call) -> Response:
    """What one revision of a SeldonDeployment changed; the newest unless ``hash`` names one."""
    return _diff(call, await _history(call, Form.PREDICTORS))


@seldon.get(f"{PL}/gitlogs", Permission.PIPELINE_READ)
async def read_pipeline_git_logs(call: Call) -> Response:
    """The revisions of a Pipeline and its explainer."""
    return _logs(await _history(call, Form.DATAFLOW))


@seldon.get(f"{PL}/gitdiff", Permission.PIPELINE_READ)
async def read_pipeline_git_diff(call: Call) -> Response:
    """What one revision of a Pipeline changed."""
    return _diff(call, await _history(call, Form.DATAFLOW))


@seldon.get(f"{models.ONE}/gitlogs", Permission.PIPELINE_READ)
async def read_model_git_logs(call: Call) -> Response:
    """The revisions of a Model."""
    return _logs(await _history(call, Form.MODEL))


@seldon.get(f"{models.ONE}/gitdiff", Permission.PIPELINE_READ)
async def read_model_git_diff(call: Call) -> Response:
    """What one revision of a Model changed."""
    return _diff(call, await _history(call, Form.MODEL))


@seldon.get(f"{EXPERIMENT}/gitlogs", Permission.PIPELINE_READ)
async def read_experiment_git_logs(call: Call) -> Response:
    """The revisions of an experiment, by its own name."""
    return _logs(await call.services.store.read(_experiment, call.actor, *place_of(call)))


@seldon.get(f"{EXPERIMENT}/gitdiff", Permission.PIPELINE_READ)
async def read_experiment_git_diff(call: Call) -> Response:
    """What one revision of an experiment changed."""
    return _diff(call, await call.services.store.read(_experiment, call.actor, *place_of(call)))


@seldon.post(f"{SD}/gitrestore", Permission.PIPELINE_DEPLOY)
async def seldon_deployment_git_restore(call: Call) -> Response:
    """Serve again what a revision served."""
    return await _changed(call, restore, "restored")


@seldon.post(f"{SD}/gitrevert", Permission.PIPELINE_DEPLOY)
async def seldon_deployment_git_revert(call: Call) -> Response:
    """Undo what one revision changed."""
    return await _changed(call, revert, "reverted")


async def _history(call: Call, form: Form) -> list[Change]:
    """The changes of the main document, not of the experiments kept beside it."""
    found = await call.services.store.read(history, call.actor, *place_of(call), form, files)
    return [change for change in found if change.file.startswith(f"{FOLDERS[form]}/")]


def _experiment(tx: Tx, actor: Actor, namespace: str, name: str) -> list[Change]:
    changes = history_of_all(tx, actor, namespace, files)
    found = [change for change in changes if change.file == experiment_file(name)]
    if not found:
        raise not_found("experiment", f"{namespace}/{name}")
    return found


def _diffs(tx: Tx, actor: Actor, namespace: str, hashes: list[str]) -> list[dict[str, str]]:
    changes = history_of_all(tx, actor, namespace, files)
    return [
        file_diff(namespace, change)
        for digest in hashes
        for change in _of_hash([each for each in changes if each.hash == digest], digest)
    ]


def _of_hash(changes: list[Change], digest: str) -> list[Change]:
    if not changes:
        raise not_found("revision", digest[:60])
    return changes


def _deployment(tx: Tx, actor: Actor, namespace: str, name: str) -> None:
    pipeline = pipeline_at(tx, actor, namespace, name, Permission.PIPELINE_DEPLOY)
    if pipeline.form != Form.PREDICTORS:
        raise not_found("deployment", f"{namespace}/{name}")


def _logs(changes: list[Change]) -> Response:
    return json([log_entry(change) for change in changes])


def _diff(call: Call, changes: list[Change]) -> Response:
    digest = call.request.query_params.get("hash") or changes[0].hash
    found = _of_hash([change for change in changes if change.hash == digest], digest)[0]
    return json(file_diff(call.request.path_params["namespace"], found))


async def _changed(call: Call, do: Callable[..., Applied], done: str) -> Response:
    query = call.request.query_params
    digest = query.get("hash")
    namespace, name = place_of(call)
    await call.services.store.read(_deployment, call.actor, namespace, name)
    if not digest:
        raise invalid("hash is missing: say which revision, by its hash of gitlogs", field="hash")
    given = (namespace, name, digest, query.get("action"), query.get("message"))
    await call.services.store.write(do, call.actor, *given)
    return json({"code": 200, "message": f"{done} {digest[:12]} of {name}"})
