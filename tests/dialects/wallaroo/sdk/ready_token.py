"""The main job without a password: with a token that was made before, from the file that the SDK reads."""

import json
import os
from pathlib import Path

import pandas as pd
import wallaroo
from steps import deployed, upload


def run(given):
    os.environ["WALLAROO_SDK_CREDENTIALS"] = str(_file(given))
    client = wallaroo.Client(api_endpoint=given["url"], auth_type="token", request_timeout=30)
    client.set_current_workspace(client.get_workspace(given["workspace"], create_if_not_exist=True))
    pipeline = deployed(client, "ready-token", upload(client, given, "ccfraud", "ccfraud.onnx"))
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    answers = [row[0] for row in pipeline.infer(frame)["out.dense_1"]]
    logged = len(pipeline.logs(limit=100))
    pipeline.undeploy()
    return {"answers": answers, "logged": logged}


def _file(given):
    path = Path("token.json")
    path.write_text(json.dumps({name: given[name] for name in ("token", "user_email", "user_id")}), encoding="utf-8")
    return path
