"""Traffic that is split: by chance, by the value of a column, and row by row; what answers and logs say of it."""

import json
from collections import Counter

import pandas as pd
from steps import in_workspace, text_of, upload


def run(given):
    client = in_workspace(given)
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    control = upload(client, given, "control", "ccfraud.onnx")
    challenger = upload(client, given, "challenger", "ccfraud_v2.onnx")
    return {
        "chance": by_chance(client, frame, control, challenger, given["requests"]),
        "hashed": by_hash(client, frame, control, challenger),
        "key": by_key(client, frame, control, challenger),
        "never": never(client, frame, control, challenger),
        "refused": text_of(client.build_pipeline("zero").add_random_split([(0, control), (0, challenger)]).deploy),
    }


def chosen(answer):
    """The names of the models that answered each row."""
    return [json.loads(row[0])["model_version"]["name"] for row in answer["out._model_split"]]


def scores(answer):
    """The answer's numbers."""
    return [row[0] for row in answer["out.dense_1"]]


def by_chance(client, frame, control, challenger, requests):
    pipeline = client.build_pipeline("chance").add_random_split([(2, control), (1, challenger)])
    pipeline.deploy()
    one = frame.iloc[[6]].reset_index(drop=True)
    deployment = client.deployment_by_name("chance")
    answers = [deployment.infer(one) for _ in range(requests)]
    log = pipeline.logs(limit=requests)
    table = client.list_pipelines()._repr_html_()
    told = json.loads(answers[0]["out._model_split"][0][0])
    pipeline.undeploy()
    return {
        "names": [chosen(answer)[0] for answer in answers],
        "scores": [scores(answer)[0] for answer in answers],
        "log_names": chosen(log),
        "log_scores": scores(log),
        "columns": list(answers[0].columns),
        "log_columns": list(log.columns),
        "told": {key: sorted(value) for key, value in told.items()},
        "in_table": "chance" in table,
        "steps": str(pipeline.steps()),
    }


def by_hash(client, frame, control, challenger):
    pipeline = client.build_pipeline("hashed").add_random_split([(1, control), (1, challenger)], "session_id")
    pipeline.deploy()
    many = pd.concat([frame.iloc[[6]]] * 400, ignore_index=True)
    many["session_id"] = [f"session-{number}" for number in range(400)]
    first, second = pipeline.infer(many), pipeline.infer(many.iloc[::-1].reset_index(drop=True))
    one = many.iloc[[3]].reset_index(drop=True)
    alone = {chosen(pipeline.infer(one))[0] for _ in range(5)}
    fraction = one.assign(session_id=0.6)
    log = pipeline.logs(limit=1)
    result = {
        "names": chosen(first),
        "scores": scores(first),
        "same_again": chosen(first) == chosen(second)[::-1],
        "alone": [*alone] == [chosen(first)[3]],
        "above_one_half": chosen(pipeline.infer(fraction)),
        "without_the_key": len(chosen(pipeline.infer(frame))),
        "passes_through": list(first["in.session_id"][:2]),
        "logged_key": log["in.session_id"][0],
    }
    pipeline.undeploy()
    return result


def by_key(client, frame, control, challenger):
    pipeline = client.build_pipeline("key").add_key_split(control, "card", {"gold": challenger, "1": challenger})
    pipeline.deploy()
    rows = frame.iloc[[6, 6, 6, 6]].reset_index(drop=True).assign(card=["gold", "iron", "1", "gold "])
    answer = pipeline.infer(rows)
    result = {
        "chosen": chosen(answer),
        "scores": scores(answer),
        "number": chosen(pipeline.infer(rows.iloc[[0]].assign(card=1))),
        "without": chosen(pipeline.infer(frame.iloc[[6]].reset_index(drop=True))),
    }
    pipeline.undeploy()
    return result


def never(client, frame, control, challenger):
    pipeline = client.build_pipeline("never").add_random_split([(0, control), (1, challenger)])
    pipeline.deploy()
    one = frame.iloc[[0]].reset_index(drop=True)
    deployment = client.deployment_by_name("never")
    counts = Counter(chosen(deployment.infer(one))[0] for _ in range(40))
    pipeline.undeploy()
    return counts
