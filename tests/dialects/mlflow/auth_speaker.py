"""Runs in an environment with MLflow: calls methods of its clients, as told by lines of JSON, and tells what came back.

A line is ``{"url", "username", "password", "target", "method", "arguments"}``; an answer ``{"value"}`` or
``{"error_code", "message"}``.
"""

import json
import os
import sys
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.server.auth.client import AuthServiceClient


def plain(value: Any) -> Any:
    """Entities as what their attributes hold."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, (list, tuple, set)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    names = {n for n in dir(type(value)) if not n.startswith("_")} | set(getattr(value, "__dict__", ()))
    held = {name: getattr(value, name) for name in names if not name.startswith("_")}
    return {name: plain(each) for name, each in held.items() if not callable(each)}


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """What the method gives or raises."""
    os.environ["MLFLOW_TRACKING_USERNAME"] = asked["username"]
    os.environ["MLFLOW_TRACKING_PASSWORD"] = asked["password"]
    url = asked["url"]
    target = AuthServiceClient(url) if asked["target"] == "auth" else MlflowClient(url, url)
    try:
        return {"value": plain(getattr(target, asked["method"])(**asked["arguments"]))}
    except MlflowException as error:
        return {"error_code": error.error_code, "message": error.message.removeprefix(f"{error.error_code}: ")}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
