"""Log in, make a workspace, upload, build, deploy, infer in three formats, read the logs, undeploy."""

import pandas as pd
import pyarrow as pa
from steps import deployed, in_workspace, text_of, upload


def run(given):
    client = in_workspace(given)
    model = upload(client, given, "ccfraud", "ccfraud.onnx")
    pipeline = deployed(client, "main-job", model)
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    table = pa.ipc.open_file(f"{given['examples']}/data/ccfraud_smoke.arrow").read_all()

    from_frame = pipeline.infer(frame)
    from_table = pipeline.infer(table)
    from_dict = pipeline.infer({"tensor": frame["tensor"].tolist()})
    with_metadata = pipeline.infer(frame.head(1), dataset=["*", "metadata"])
    nested = pipeline.infer(frame.head(1), dataset=["out"], dataset_separator=None)
    logs = pipeline.logs(limit=100)
    running = pipeline.status()
    url = pipeline.url()
    pipeline.undeploy()
    return {
        "model": {"name": model.name(), "sha": model.sha(), "status": model.status(), "file": model.file_name()},
        "workspace": client.get_current_workspace().name(),
        "frame_columns": list(from_frame.columns),
        "frame_types": {name: str(kind) for name, kind in from_frame.dtypes.items()},
        "frame": [row[0] for row in from_frame["out.dense_1"]],
        "frame_in": from_frame["in.tensor"].tolist(),
        "anomalies": [int(count) for count in from_frame["anomaly.count"]],
        "table_schema": {field.name: str(field.type) for field in from_table.schema},
        "table": [row[0] for row in from_table["out.dense_1"].to_pylist()],
        "dict": from_dict,
        "metadata_columns": list(with_metadata.columns),
        "last_model": with_metadata["metadata.last_model"].iloc[0],
        "nested_columns": list(nested.columns),
        "log_columns": list(logs.columns),
        "log": [row[0] for row in logs["out.dense_1"]],
        "log_times_fall": bool(logs["time"].is_monotonic_decreasing),
        "running": running["status"],
        "url": url,
        "after_undeploy": text_of(pipeline.infer, frame),
        "status_after_undeploy": text_of(pipeline.status),
    }
