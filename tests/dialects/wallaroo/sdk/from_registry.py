"""Connect a model registry, look through it, upload a version of a model, deploy it and ask it."""

import time

import pandas as pd
from any_framework import schema, values
from steps import in_workspace
from wallaroo.framework import Framework

_SECONDS = 120


def run(given):
    client = in_workspace(given)
    here = client.get_current_workspace()
    registry = client.create_model_registry(given["registry"], given["token"], given["registry_url"], here.id())
    told = looked_through(client, registry, given) if "registered" in given else {}
    model = registry.upload_model(
        given["name"],
        given["path"],
        Framework(given["framework"]),
        schema(given["inputs"]),
        schema(given["outputs"]),
    )
    wait(client, given["name"])
    told |= {
        "id": model.id(),
        "registry": str(registry.id()),
        "status": model.status(),
        "error": model.error_summary(),
        "file_name": model.file_name(),
        "upload_logs": [str(line) for line in model.get_upload_logs() or []],
    }
    return told | (asked(client, model, given) if model.status() == "ready" else {})


def looked_through(client, registry, given):
    """What the registry holds, by each call that the SDK has for it, shown as notebooks show it."""
    models = registry.list_models()
    (chosen,) = [each for each in models if each.name == given["registered"]]
    versions = chosen.versions()
    files = versions[0].list_artifacts()
    other = client.create_workspace(f"beside-{given['name']}")
    registry.add_registry_to_workspace(other.id())
    listed = client.list_model_registries(other.id())
    shared = client_workspaces(listed[0])
    registry.remove_registry_from_workspace(other.id())
    shown = [each._repr_html_() for each in (registry, listed, models, chosen, versions, versions[0], files)]
    return {
        "models": [each.name for each in models],
        "latest": [each.version for each in chosen.latest_versions],
        "versions": [each.version for each in versions],
        "created": versions[0].created_at.timestamp(),
        "files": {each.full_path: each.file_size for each in files},
        "shared": shared,
        "after": [each.name() for each in client.list_model_registries(other.id())],
        "token": registry._fetch_attributes()["token"],
        "shown": shown,
    }


def client_workspaces(registry):
    return sorted(each["name"] for each in registry._fetch_attributes()["workspaces"])


def wait(client, name):
    """Until the version is ready or failed; the SDK does not wait for these by itself."""
    deadline = time.monotonic() + _SECONDS
    while client.get_model(name).status() not in ("ready", "error") and time.monotonic() < deadline:
        time.sleep(0.5)


def asked(client, model, given):
    """Answers of a deployment that is ended again."""
    pipeline = client.build_pipeline(given["name"]).add_model_step(model)
    pipeline.deploy()
    (output,) = given["outputs"]
    answers = pipeline.infer(pd.DataFrame(given["rows"]))
    pipeline.undeploy()
    return {"answers": values(answers[f"out.{output['name']}"])}
