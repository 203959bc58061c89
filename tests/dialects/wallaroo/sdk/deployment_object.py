"""What a Deployment object can do: replace the model it serves, stop, and start again as it was."""

import time

import pandas as pd
from steps import deployed, in_workspace, upload


def run(given):
    client = in_workspace(given)
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    pipeline = deployed(client, "object", upload(client, given, "ccfraud", "ccfraud.onnx"))
    second = upload(client, given, "ccfraud", "ccfraud_v2.onnx")
    deployment = client.deployment_by_name("object")

    deployment.replace_model(second).wait_for_running()
    replaced = scores(deployment, frame)
    versions = len(client.get_pipeline("object").versions())
    deployment.undeploy()
    stopped = deployment.deployed()
    deployment.deploy().wait_for_running()
    again = scores(deployment, frame)
    result = {
        "replaced": replaced,
        "versions": versions,
        "stopped": stopped,
        "started": deployment.deployed(),
        "again": again,
        "url": deployment.url(),
        "external_url": pipeline.get_external_url(),
        "engine": sorted(deployment.engine_config()),
    }
    deployment.undeploy()
    return result


def scores(deployment, frame):
    """Asked until the new model answers: a deployment that changes serves the old one until it has the new."""
    found = []
    for _ in range(50):
        found = [row[0] for row in deployment.infer(frame)["out.dense_1"]]
        if found[-1] > 0.5:
            break
        time.sleep(0.1)
    return found
