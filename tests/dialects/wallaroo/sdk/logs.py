"""Reading logs back: limits, times, columns, formats, export, and the raw records that drift checks read."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
from steps import deployed, in_workspace, upload


def run(given):
    client = in_workspace(given)
    model = upload(client, given, "house-price", "house_price.onnx")
    pipeline = deployed(client, "logs", model)
    frame = pd.read_json(f"{given['examples']}/data/house_price_smoke.df.json", orient="records")
    start = datetime.now(tz=UTC)
    first = pipeline.infer(frame)
    time.sleep(0.05)
    middle = datetime.now(tz=UTC)
    time.sleep(0.05)
    table = pa.ipc.open_file(f"{given['examples']}/data/house_price_1k.arrow").read_all()
    pipeline.infer(table)
    end = datetime.now(tz=UTC) + timedelta(seconds=1)

    newest = pipeline.logs(limit=3)
    default = pipeline.logs()
    early = pipeline.logs(start_datetime=start, end_datetime=middle)
    late = pipeline.logs(start_datetime=middle, end_datetime=end, limit=2_000)
    arrow = pipeline.logs(limit=4, arrow=True)
    columns = pipeline.logs(limit=1, dataset=["time", "out.variable"])
    without = pipeline.logs(limit=1, dataset_exclude=["in"])
    metadata = pipeline.logs(limit=1, dataset=["*", "metadata"])
    raw = client.get_raw_pipeline_inference_logs(
        client.get_topic_name(pipeline.id()), start=start, end=end, model_name="house-price", limit=100
    )
    pipeline.export_logs(directory="exported", file_prefix="rows", limit=12)
    pipeline.export_logs(directory="exported-arrow", file_prefix="rows", limit=12, arrow=True)
    pipeline.export_logs(
        directory="exported-all", file_prefix="all", start_datetime=start, end_datetime=end, limit=10_000
    )
    pipeline.undeploy()
    return {
        "topic": pipeline.get_topic_name(),
        "first": [row[0] for row in first["out.variable"]],
        "early": [row[0] for row in early["out.variable"]],
        "early_rises": bool(early["time"].is_monotonic_increasing),
        "late": len(late),
        "newest": len(newest),
        "newest_is_last": newest["out.variable"].iloc[0][0] == late["out.variable"].iloc[-1][0],
        "default": len(default),
        "arrow": [arrow.num_rows, arrow.schema.field("time").type == pa.timestamp("ms")],
        "columns": list(columns.columns),
        "without": list(without.columns),
        "metadata": list(metadata.columns),
        "raw": [len(raw), sorted(raw.columns)] if isinstance(raw, pd.DataFrame) else [len(raw), sorted(raw[0])],
        "exported": sum(len(read_json_lines(file)) for file in Path("exported").iterdir()),
        "exported_arrow": sum(pa.ipc.open_file(file).read_all().num_rows for file in Path("exported-arrow").iterdir()),
        "exported_all": sum(len(read_json_lines(file)) for file in Path("exported-all").iterdir()),
        "after_undeploy": len(pipeline.logs(limit=5)),
    }


def read_json_lines(file):
    text = Path(file).read_text(encoding="utf-8")
    return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
