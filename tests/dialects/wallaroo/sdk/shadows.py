"""Several models on the same rows: a shadow deployment, its logs, other ways to make one answer of several."""

import pandas as pd
import pyarrow as pa
from steps import deployed, in_workspace, text_of, upload


def run(given):
    client = in_workspace(given)
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    table = pa.ipc.open_file(f"{given['examples']}/data/ccfraud_smoke.arrow").read_all()
    champion = upload(client, given, "champion", "ccfraud.onnx")
    challenger = upload(client, given, "challenger", "ccfraud_v2.onnx")
    third = upload(client, given, "third", "ccfraud_v2.onnx")
    threshold = upload(client, given, "threshold", "fraud_threshold.onnx")

    pipeline = client.build_pipeline("shadow").add_shadow_deploy(champion, [challenger, third])
    pipeline.deploy()
    answer, arrow = pipeline.infer(frame), pipeline.infer(table)
    chosen = pipeline.infer(frame, dataset=["out_challenger.dense_1", "out.dense_1"])
    nested = client.deployment_by_name("shadow").infer([{"tensor": frame["tensor"][0]}])
    log = pipeline.logs(limit=8)
    log_arrow = pipeline.logs(limit=8, arrow=True)
    html = pipeline._repr_html_()
    found = {
        "columns": list(answer.columns),
        "champion": first(answer["out.dense_1"]),
        "challenger": first(answer["out_challenger.dense_1"]),
        "third": first(answer["out_third.dense_1"]),
        "arrow": first(arrow["out_challenger.dense_1"].to_pylist()),
        "arrow_columns": arrow.column_names,
        "chosen": list(chosen.columns),
        "nested": sorted(nested[0]),
        "nested_challenger": nested[0]["out_challenger"]["dense_1"][0],
        "log_columns": list(log.columns),
        "log": [first(log["out.dense_1"])[1:], first(log["out_challenger.dense_1"])[1:]],
        "log_arrow": "out_third.dense_1" in log_arrow.column_names,
        "html": "champion" in html,
    }

    found["then"] = chained(client, frame, pipeline, threshold)
    found["replaced"] = replaced(client, frame, champion, challenger)
    found["selected"] = selected(client, frame, champion, challenger)
    found["bad"] = text_of(bad(client, champion, challenger, threshold).deploy)
    return found


def first(column):
    """The first number of each row."""
    return [row[0] for row in column]


def chained(client, frame, pipeline, threshold):
    """The champion's answer goes on to a next step."""
    pipeline.add_model_step(threshold)
    pipeline.deploy()
    answer = pipeline.infer(frame)
    pipeline.undeploy()
    return {"columns": list(answer.columns), "fraud": first(answer["out.fraud"])}


def replaced(client, frame, champion, challenger):
    """One step becomes three, and one again."""
    pipeline = deployed(client, "replaced", champion)
    pipeline.replace_with_shadow_deploy(0, champion, [challenger])
    pipeline.deploy()
    shadow = list(pipeline.infer(frame).columns)
    pipeline.remove_step(2)
    pipeline.remove_step(1)
    pipeline.replace_with_model_step(0, challenger)
    pipeline.deploy()
    answer = pipeline.infer(frame)
    pipeline.replace_with_random_split(0, [(1, champion), (0, challenger)])
    pipeline.deploy()
    split = pipeline.infer(frame)
    pipeline.undeploy()
    return {
        "shadow": shadow,
        "columns": list(answer.columns),
        "scores": first(answer["out.dense_1"]),
        "split": first(split["out.dense_1"]),
    }


def selected(client, frame, champion, challenger):
    """The second of two answers, and the first beside it."""
    pipeline = client.build_pipeline("selected")
    pipeline.add_multi_model_step([champion, challenger]).add_audit("0:1").add_select(1)
    pipeline.deploy()
    answer = pipeline.infer(frame)
    pipeline.undeploy()
    return {"columns": list(answer.columns), "scores": first(answer["out.dense_1"])}


def bad(client, champion, challenger, threshold):
    """A step behind several models that were not made one."""
    return client.build_pipeline("bad").add_multi_model_step([champion, challenger]).add_model_step(threshold)
