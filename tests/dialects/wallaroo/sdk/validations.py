"""Validations: polars expressions that mark rows as anomalies."""

import pandas as pd
import polars as pl
import pyarrow as pa
from steps import in_workspace, text_of, upload


def run(given):
    client = in_workspace(given)
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    table = pa.ipc.open_file(f"{given['examples']}/data/ccfraud_smoke.arrow").read_all()
    model = upload(client, given, "ccfraud", "ccfraud_v2.onnx")
    threshold = upload(client, given, "threshold", "fraud_threshold.onnx")
    score, amount = pl.col("out.dense_1").list.get(0), pl.col("in.tensor").list.get(28)

    pipeline = client.build_pipeline("checked").add_model_step(model)
    pipeline.add_validations(fraud=score > 0.5, sure=(score < 0.01) | (score > 0.99))
    pipeline.add_validations(large=amount > 0.5)
    pipeline.deploy()
    answer, arrow, log = pipeline.infer(frame), pipeline.infer(table), pipeline.logs(limit=8)
    kept = pipeline.infer(frame, dataset=["time", "out.dense_1", "anomaly.count"], dataset_exclude=["anomaly"])
    one = pipeline.infer(frame.iloc[[6]].reset_index(drop=True))
    log_arrow = pipeline.logs(limit=3, arrow=True)
    pipeline.undeploy()

    chain = client.build_pipeline("checked-chain").add_model_step(model)
    chain.add_validations(between=score > 0.5).add_model_step(threshold)
    chain.add_validations(behind=pl.col("out.fraud").list.get(0) == 1)
    chain.deploy()
    chained = chain.infer(frame)
    chain.undeploy()
    return {
        "columns": list(answer.columns),
        "scores": [row[0] for row in answer["out.dense_1"]],
        "amounts": [row[28] for row in frame["tensor"]],
        "answer": anomalies(answer),
        "arrow": anomalies(arrow.to_pandas()),
        "arrow_types": [str(arrow.schema.field(f"anomaly.{name}").type) for name in ("count", "fraud")],
        "log": anomalies(log),
        "log_columns": list(log.columns),
        "log_arrow": str(log_arrow.schema.field("anomaly.large").type),
        "kept": list(kept.columns),
        "one": anomalies(one),
        "chained": {name: list(chained[f"anomaly.{name}"]) for name in ("between", "behind")},
        "fraud": [row[0] for row in chained["out.fraud"]],
        "unknown_column": text_of(deploying(client, model, wrong=pl.col("out.nothing") > 1)),
        "unserved": text_of(deploying(client, model, wrong=score.max() > 1)),
        "no_truth": text_of(deploying(client, model, wrong=score + 1)),
    }


def anomalies(answer):
    """The columns of the validations."""
    return {name: list(answer[name]) for name in sorted(answer.columns) if name.startswith("anomaly.")}


def deploying(client, model, **validations):
    """The deployment of a model with these validations."""
    return client.build_pipeline("wrong").add_model_step(model).add_validations(**validations).deploy
