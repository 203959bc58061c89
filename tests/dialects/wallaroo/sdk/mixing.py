"""Pipelines of models in processes of their own beside models of the server; all are uploaded already."""

import json

import pandas as pd
import polars as pl
from steps import deployed, in_workspace


def run(given):
    client = in_workspace(given)
    models = {name: client.get_model(name) for name in ("score", "decide", "decide-otherwise")}
    frame = pd.DataFrame({"tensor": given["rows"]})
    return {
        "chained": chained(client, models, frame),
        "split": split(client, models),
        "shadow": shadow(client, models),
        "checked": checked(client, models, frame),
    }


def chained(client, models, frame):
    """A network in the server, then a process; the log of both."""
    pipeline = deployed(client, "chained", models["score"], models["decide"])
    answer, log = pipeline.infer(frame), pipeline.logs(limit=len(frame))
    in_arrow = pipeline.logs(limit=len(frame), arrow=True)
    pipeline.undeploy()
    return {
        "score": list(answer["out.score"]),
        "decision": list(answer["out.decision"]),
        "reasons": list(answer["out.reasons"]),
        "logged": [json.loads(each) for each in log["out.reasons"]][::-1],
        "logged_in_arrow": [json.loads(each) for each in in_arrow["out.reasons"].to_pylist()][::-1],
    }


SCORES = pd.DataFrame({"dense_1": [[0.25], [0.75]]})


def split(client, models):
    """Either of two processes answers."""
    pipeline = client.build_pipeline("split")
    pipeline.add_random_split([(1, models["decide"]), (1, models["decide-otherwise"])])
    pipeline.deploy()
    deployment = client.deployment_by_name("split")
    answers = [deployment.infer(SCORES) for _ in range(40)]
    pipeline.undeploy()
    return [
        [json.loads(one["out._model_split"][0][0])["model_version"]["name"], *one["out.decision"]] for one in answers
    ]


def shadow(client, models):
    """Both answer, one beside the other."""
    pipeline = client.build_pipeline("shadow")
    pipeline.add_shadow_deploy(models["decide"], [models["decide-otherwise"]])
    pipeline.deploy()
    answer = pipeline.infer(SCORES)
    pipeline.undeploy()
    return [list(answer["out.decision"]), list(answer["out_decide-otherwise.decision"])]


def checked(client, models, frame):
    """Validations of what a process answers: of its numbers and of its texts."""
    pipeline = client.build_pipeline("checked").add_model_step(models["score"]).add_model_step(models["decide"])
    pipeline.add_validations(high=pl.col("out.score") > 0.5, refused=pl.col("out.decision") == "refuse")
    pipeline.deploy()
    answer = pipeline.infer(frame)
    pipeline.undeploy()
    return {name: list(answer[f"anomaly.{name}"]) for name in ("count", "high", "refused")}
