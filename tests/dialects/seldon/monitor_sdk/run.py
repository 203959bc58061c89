"""Run by the SDK's own interpreter: ``python run.py GIVEN_FILE RESULT_FILE``; both files hold JSON.

Calls one operation after another of what watches over a deployment, and writes what each returned: the types of the
SDK's own classes, and their members.
"""

import json
import sys
from pathlib import Path

import seldon_deploy_sdk as sdk
from seldon_deploy_sdk.rest import ApiException


def client(given):
    """The SDK, signed in by a token."""
    config = sdk.Configuration()
    config.host = f"{given['url']}/seldon-deploy/api/v1alpha1"
    config.id_token = given["token"]
    return sdk.ApiClient(config)


def shown(value):
    """A result as JSON, with the name of its class."""
    if isinstance(value, list):
        return [shown(each) for each in value]
    return {"class": type(value).__name__, **value.to_dict()} if hasattr(value, "to_dict") else value


def called(api, call):
    """What one operation gives, or how it failed."""
    operation, args = call["operation"], call.get("args", [])
    types = {name: getattr(sdk, name) for name in ("Body", "Body1", "ApplicationLogsParams", "DeploymentFeatureData")}
    if "body" in call:
        kind = types.get(call.get("type", ""))
        args = [*args, kind(**call["body"]) if kind else call["body"]]
    try:
        return shown(getattr(api, operation)(*args, **call.get("kwargs", {})))
    except ApiException as error:
        return {"status": error.status, **json.loads(error.body)}


def main():
    """Make the calls in order."""
    given, result = sys.argv[1:]
    asked = json.loads(Path(given).read_text())
    api = client(asked)
    results = [called(getattr(sdk, call["api"])(api), call) for call in asked["calls"]]
    Path(result).write_text(json.dumps(results, default=str))


if __name__ == "__main__":
    main()
