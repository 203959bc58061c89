"""A pipeline of two models, the second fed by the first; its logs; and a model that renames its input column."""

import pandas as pd
from steps import deployed, in_workspace, upload


def run(given):
    client = in_workspace(given)
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    network = upload(client, given, "ccfraud", "ccfraud_v2.onnx")
    threshold = upload(client, given, "threshold", "fraud_threshold.onnx")
    pipeline = deployed(client, "chain", network, threshold)
    answer = pipeline.infer(frame, dataset=["*", "metadata"])
    logs = pipeline.logs(dataset=["out.fraud", "time"])
    table = client.list_pipelines()._repr_html_()
    pipeline.undeploy()

    renamed = network.configure(tensor_fields=["features"])
    configured = deployed(client, "renamed", renamed)
    features = frame.rename(columns={"tensor": "features"})
    by_new_name = configured.infer(features)
    config = configured.model_configs()[0]
    configured.undeploy()
    return {
        "fraud": [row[0] for row in answer["out.fraud"]],
        "probability": [row[0] for row in answer["out.probability"]],
        "columns": [name for name in answer.columns if name.startswith("out")],
        "last_model": answer["metadata.last_model"].iloc[0],
        "elapsed": len(answer["metadata.elapsed"].iloc[0]),
        "log_columns": list(logs.columns),
        "log_fraud": [row[0] for row in logs["out.fraud"]],
        "models_in_the_table": "ccfraud" in table,
        "renamed_columns": list(by_new_name.columns),
        "renamed": [row[0] for row in by_new_name["out.dense_1"]],
        "tensor_fields": config.tensor_fields(),
        "runtime": config.runtime(),
    }
