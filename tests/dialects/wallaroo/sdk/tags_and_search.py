"""Tags, search by every option, the lists, and every table that a notebook shows."""

from datetime import UTC, datetime, timedelta

from steps import deployed, in_workspace, text_of, upload


def run(given):
    client = in_workspace(given)
    started = datetime.now(tz=UTC)
    model = upload(client, given, "ccfraud", "ccfraud.onnx")
    other = upload(client, given, "house-price", "house_price.onnx")
    pipeline = deployed(client, "searched", model)
    tag = client.create_tag("season-2026")
    tag.add_to_model(model.id())
    tag.add_to_pipeline(pipeline.id())
    place = {"workspace_id": client.get_current_workspace().id()}
    soon = datetime.now(tz=UTC) + timedelta(minutes=1)

    found = {
        "models_by_name": [m.name() for m in client.search_models("house")],
        "models_by_tag": [m.id() == model.id() for m in client.search_models("season")],
        "models_by_hash": [m.id() == model.id() for m in client.search_model_versions(model.sha()[:16])],
        "models_in_time": len(client.search_models(uploaded_time_start=started, uploaded_time_end=soon, **place)),
        "models_before": len(client.search_models(uploaded_time_end=started, **place)),
        "my_models": len(client._search_my_models(workspace_name=given["workspace"])),
        "pipelines_by_name": sorted({p.pipeline().name() for p in client.search_pipelines("search")}),
        "pipelines_by_tag": sorted({p.pipeline().name() for p in client.search_pipelines("season-2026")}),
        "pipelines_deployed": sorted({p.pipeline().name() for p in client.search_pipelines(deployed=True, **place)}),
        "pipelines_not_deployed": len(client.search_pipelines(deployed=False, **place)),
        "pipelines_in_time": len(client.search_pipelines(created_start=started, created_end=soon, **place)) > 0,
        "pipelines_nowhere": len(client.search_pipelines("no-such-thing")),
        "by_name": [p.id() == pipeline.id() for p in client.pipelines_by_name("searched", **place)],
        "model_by_name": client.model_by_name("ccfraud", model.version()).id() == model.id(),
        "model_version_by_name": client.model_version_by_name("ccfraud", model.version()).id() == model.id(),
        "deployment_by_name": client.deployment_by_name("searched").name(),
        "missing": text_of(client.model_version_by_name, "ccfraud", "no-such-version"),
    }
    tagged = {
        "tags": [t.tag() for t in client.list_tags()],
        "on_models": [m.name() for m in tag.list_model_versions()],
        "on_pipelines": [p.name() for p in tag.list_pipelines()],
        "of_the_model": [t.tag() for t in model_tags(client, model)],
        "of_the_pipeline": [t.tag() for t in client.get_pipeline("searched").tags()],
    }
    tables = {
        "models": client.list_models()._repr_html_(),
        "model": client.list_models()[0]._repr_html_(),
        "version": model._repr_html_(),
        "versions": client.search_models("ccfraud")._repr_html_(),
        "pipelines": client.list_pipelines()._repr_html_(),
        "pipeline": client.get_pipeline("searched")._repr_html_(),
        "pipeline_versions": client.search_pipelines("searched")._repr_html_(),
        "pipeline_version": client.get_pipeline("searched").versions()[0]._repr_html_(),
        "tags": client.list_tags()._repr_html_(),
        "workspaces": client.list_workspaces()._repr_html_(),
    }
    lists = {
        "models": sorted(m.name() for m in client.list_models()),
        "pipelines": [p.name() for p in client.list_pipelines(**place)],
        "deployments": [d.name() for d in client.list_deployments()],
        "workspace_models": sorted(m.name() for m in client.get_current_workspace().models()),
        "workspace_pipelines": [p.name() for p in client.get_current_workspace().pipelines()],
        "workspace": client.get_current_workspace().to_json()["name"],
    }
    removed = [tag.remove_from_model(model.id()), tag.remove_from_pipeline(pipeline.id())]
    left = [tag.list_model_versions(), tag.list_pipelines()]
    pipeline.undeploy()
    return {
        "found": found,
        "tagged": tagged,
        "lists": lists,
        "tables": {
            name: text.startswith(("\n", "<table", " ")) and "</table>" in text for name, text in tables.items()
        },
        "table_texts": {name: tables[name] for name in ("pipelines", "tags", "workspaces", "pipeline_versions")},
        "removed": removed
        == [{"model_id": model.id(), "tag_id": tag.id()}, {"pipeline_pk_id": pipeline.id(), "tag_pk_id": tag.id()}],
        "left": left,
        "other": other.name(),
    }


def model_tags(client, model):
    return client.model_by_name(model.name(), model.version()).tags()
