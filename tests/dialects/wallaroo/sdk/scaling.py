"""Deployments whose replicas follow the processors or the queue, down to none."""

import time

import pandas as pd
from steps import in_workspace, text_of, upload
from wallaroo import DeploymentConfigBuilder


def by_cpu():
    return DeploymentConfigBuilder().replica_autoscale_min_max(maximum=3).autoscale_cpu_utilization(60).cpus(1)


def by_queue():
    builder = DeploymentConfigBuilder().replica_autoscale_min_max(maximum=2, minimum=0)
    return builder.scale_up_queue_depth(4).scale_down_queue_depth(2).autoscaling_window(1)


def run(given):
    client = in_workspace(given)
    model = upload(client, given, "ccfraud", "ccfraud.onnx")
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    pipeline = client.build_pipeline("scaling").add_model_step(model)
    done = {}
    for name, config in (("cpu", by_cpu().build()), ("queue", by_queue().build())):
        pipeline.deploy(deployment_config=config)
        deployment = client.deployment_by_name("scaling")
        assert deployment.deployed()  # engine_config() alone does not ask for it
        done[name] = deployment.engine_config()["engine"]["autoscale"]
        done[f"{name}_status"] = pipeline.status()["status"]
    pipeline.infer(frame)
    time.sleep(2.5)
    done["woken"] = [row[0] for row in pipeline.infer(frame)["out.dense_1"]]
    wrong = by_queue().build()
    wrong["engine"]["autoscale"]["replica_max"] = 1000
    done["too_many"] = text_of(pipeline.deploy, deployment_config=wrong)
    pipeline.undeploy()
    return done
