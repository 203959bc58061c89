"""Models: logged, loaded back, registered, moved through aliases and stages, found, deleted."""

import mlflow
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

_X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 5.0]], dtype=np.float32)
_Y = np.array([0, 0, 1, 1])


def run(given):
    """Train, log in two flavors, register and use."""
    name = given["name"]
    mlflow.set_experiment(name)
    model = LogisticRegression().fit(_X, _Y)
    with mlflow.start_run() as made:
        plain = mlflow.sklearn.log_model(
            model, name="plain", signature=infer_signature(_X, _Y), registered_model_name=name
        )
        mlflow.log_metric("auc", 0.75, model_id=plain.model_id)
        onnx = mlflow.onnx.log_model(to_onnx(model, _X[:1]), name="onnx")
    registered = mlflow.register_model(onnx.model_uri, name, tags={"flavor": "onnx"})
    by_run = mlflow.register_model(f"runs:/{made.info.run_id}/plain", name)
    client = mlflow.MlflowClient()
    return {
        "expected": model.predict(_X).tolist(),
        "loaded": _predicted(plain.model_uri, f"models:/{name}/1", f"runs:/{made.info.run_id}/plain"),
        "onnx": [int(v) for v in next(iter(mlflow.pyfunc.load_model(f"models:/{name}/2").predict(_X).values()))],
        "versions": [registered.version, by_run.version, registered.status],
        "logged": _logged(client, plain.model_id, made.info.experiment_id),
        "outputs": sorted(o.model_id for o in client.get_run(made.info.run_id).outputs.model_outputs)
        == sorted([plain.model_id, onnx.model_id]),
        "registry": _registry(client, name),
        "searched": _searched(client, name, made.info.run_id),
        "deleted": _deleted(client, name),
    }


def _predicted(*uris):
    return [mlflow.sklearn.load_model(uri).predict(_X).tolist() for uri in uris]


def _logged(client, model_id, experiment_id):
    model = client.get_logged_model(model_id)
    client.set_logged_model_tags(model_id, {"kind": "linear", "old": "1"})
    client.delete_logged_model_tag(model_id, "old")
    found = mlflow.search_logged_models(
        experiment_ids=[experiment_id], filter_string="metrics.auc > 0.5 AND tags.kind = 'linear'", output_format="list"
    )
    return {
        "name": model.name,
        "status": str(model.status),
        "metrics": [[m.key, m.value] for m in model.metrics],
        "found": [each.model_id == model_id for each in found],
        "tags": found[0].tags.get("kind"),
    }


def _registry(client, name):
    client.update_registered_model(name, "what it does")
    client.set_registered_model_tag(name, "team", "fraud")
    client.set_registered_model_alias(name, "champion", "2")
    client.set_model_version_tag(name, "2", "checked", "yes")
    client.update_model_version(name, "2", "the second")
    client.transition_model_version_stage(name, "1", "Production")
    client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    champion = client.get_model_version_by_alias(name, "champion")
    model = client.get_registered_model(name)
    shown = {
        "description": model.description,
        "tags": model.tags,
        "aliases": model.aliases,
        "champion": [
            champion.version,
            champion.description,
            champion.tags,
            list(champion.aliases),
            champion.current_stage,
        ],
        "stages": [client.get_model_version(name, number).current_stage for number in "123"],
        "latest": sorted(v.version for v in client.get_latest_versions(name, ["Production", "None"])),
        "by alias": mlflow.pyfunc.load_model(f"models:/{name}@champion").metadata.flavors.keys() >= {"onnx"},
        "by stage": mlflow.pyfunc.load_model(f"models:/{name}/Production").metadata.flavors.keys() >= {"onnx"},
    }
    client.delete_registered_model_alias(name, "champion")
    client.delete_registered_model_tag(name, "team")
    client.delete_model_version_tag(name, "2", "checked")
    client.rename_registered_model(name, f"{name} renamed")
    client.rename_registered_model(f"{name} renamed", name)
    return shown


def _searched(client, name, run_id):
    return {
        "models": [m.name for m in client.search_registered_models(f"name = '{name}'")],
        "versions": sorted(int(v.version) for v in client.search_model_versions(f"name = '{name}'")),
        "of run": sorted(int(v.version) for v in client.search_model_versions(f"run_id = '{run_id}'")),
        "tagged": [v.version for v in client.search_model_versions(f"name = '{name}' AND tags.flavor = 'onnx'")],
    }


def _deleted(client, name):
    client.delete_model_version(name, "3")
    try:
        client.get_model_version(name, "3")
    except MlflowException as error:
        gone = error.error_code
    client.delete_registered_model(name)
    return [gone, [m.name for m in client.search_registered_models(f"name = '{name}'")]]
