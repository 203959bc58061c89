"""A model of any framework, from its upload to its answers; one that is there already is found by its name."""

import pandas as pd
import pyarrow as pa
from steps import in_workspace
from wallaroo.framework import Framework


def run(given):
    client = in_workspace(given)
    model = uploaded(client, given)
    told = {
        "id": model.id(),
        "status": model.status(),
        "error": model.error_summary(),
        "runtime": model.config().runtime(),
        "upload_logs": [str(line) for line in model.get_upload_logs() or []],
    }
    if model.status() != "ready":
        return told
    pipeline = client.build_pipeline(given["name"]).add_model_step(model)
    pipeline.deploy()
    told |= asked(pipeline, given) | {"deployment": pipeline.status()}
    told["namespace"] = f"{given['name']}-{client.deployment_by_name(given['name']).id()}"
    if given.get("keep"):
        return told
    pipeline.undeploy()
    return told | {"after": pipeline.status()["status"]}


def uploaded(client, given):
    """The model's newest version; of the SDK's own making where a file is given."""
    if "file" not in given:
        return client.get_model(given["name"])
    return client.upload_model(
        given["name"],
        given["file"],
        framework=Framework(given["framework"]),
        input_schema=schema(given["inputs"]),
        output_schema=schema(given["outputs"]),
    )


def asked(pipeline, given):
    """Answers to a DataFrame and to a table of Arrow, and the newest rows of the log."""
    frame, table = pd.DataFrame(given["rows"]), pa.table(given["rows"], schema(given["inputs"]))
    answers, in_arrow = pipeline.infer(frame), pipeline.infer(table)
    log = pipeline.logs(limit=len(frame))  # the newest first
    return {
        "columns": list(answers.columns),
        "answers": {name: values(answers[f"out.{name}"]) for name in names(given)},
        "arrow": {name: in_arrow[f"out.{name}"].to_pylist() for name in names(given)},
        "logged": {name: values(log[f"out.{name}"])[::-1] for name in names(given)},
    }


def names(given):
    """The names of the outputs."""
    return [one["name"] for one in given["outputs"]]


def values(column):
    """The values of a column of a DataFrame, as JSON has them."""
    return [value.tolist() if hasattr(value, "tolist") else value for value in column]


def schema(tensors):
    """As users of the SDK declare tensors."""
    return pa.schema([pa.field(one["name"], kind(one)) for one in tensors])


def kind(tensor):
    """The type of a row's value."""
    found = pa.type_for_alias(tensor["dtype"])
    for size in reversed(tensor["shape"][1:]):
        found = pa.list_(found, -1 if size is None else size)
    return found
