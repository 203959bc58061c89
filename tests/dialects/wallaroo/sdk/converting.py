"""Upload a model of another framework than ONNX, wait as the SDK does, tell what became of it, and ask it."""

import pandas as pd
import pyarrow as pa
from steps import deployed, in_workspace
from wallaroo.framework import Framework

COLUMNS = 4


def run(given):
    client = in_workspace(given)
    width = given.get("columns", COLUMNS)
    model = client.upload_model(
        given.get("name", "churn"),
        given["file"],
        framework=Framework(given.get("framework", "sklearn")),
        input_schema=pa.schema([pa.field("inputs", pa.list_(pa.float64(), width))]),
        output_schema=pa.schema([pa.field("predictions", pa.int64())]),
    )
    return {
        "id": model.id(),
        "status": model.status(),
        "error": model.error_summary(),
        "waiting_said": str(getattr(model, "_wait_error", None)),
        "runtime": model.config().runtime(),
        "logs": [str(line) for line in model.get_upload_logs() or []],
        "in_list": [one.name() for one in client.list_models()],
        "answers": answers(client, model, given["rows"]) if "rows" in given else None,
    }


def answers(client, model, rows):
    pipeline = deployed(client, "converted", model)
    frame = pipeline.infer(pd.DataFrame({"inputs": rows}))
    pipeline.undeploy()
    return frame["out.predictions"].tolist()
