"""Calls rows of a table one after another with the real SDK, in its own interpreter: ``replay.py GIVEN RESULT``.

Given are the address, a token, values by name and the rows; see ``Row`` in ``seldon_operations``. The result lists what
came of each row, as it was sent and as the SDK has it, and all public operations that the SDK has. A row that sends the
client elsewhere comes to an error without a status.
"""

import inspect
import json
import sys
import time
from pathlib import Path

import seldon_deploy_sdk
from run import made
from seldon_deploy_sdk import api
from seldon_deploy_sdk.rest import ApiException
from urllib3 import Retry

_SECONDS = 40


def replaced(argument, values):
    """The argument with the values that its names stand for."""
    if isinstance(argument, dict):
        return {name: replaced(value, values) for name, value in argument.items()}
    if isinstance(argument, list):
        return [replaced(each, values) for each in argument]
    if isinstance(argument, str) and argument in values:
        return values[argument]
    return argument.replace("$space", values["$space"]) if isinstance(argument, str) else argument


def at(found, path):
    """What is at a path of attributes and places, as ``items.0.name``; all of it at none."""
    for step in filter(None, path.split(".")):
        if isinstance(found, list | tuple):
            found = found[int(step)]
        else:
            found = found[step] if isinstance(found, dict) else getattr(found, step)
    return found


def called(client, row, values):
    """The result of the operation, once it is what the row waits for."""
    operation = getattr(getattr(api, row["api"])(client), row["operation"])
    given = {name: made(value) for name, value in replaced(row["given"], values).items()}
    end = time.monotonic() + _SECONDS
    while True:
        found = operation(**given)
        if all(at(found, path) in wanted for path, wanted in row["until"].items()):
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{row['operation']} gives {found}")
        time.sleep(0.05)


def outcome(client, row, values):
    """What the row came to."""
    try:
        found = called(client, row, values)
        values.update({name: at(found, path) for name, path in row["keep"].items()})
    except ApiException as error:
        return {"status": error.status, "body": error.body, "content_type": dict(error.headers).get("content-type")}
    except Exception as error:  # noqa: BLE001  # one row that goes wrong must not hide the others
        return {"status": 0, "body": repr(error), "content_type": None}
    return {
        "status": client.last_response.status,
        "type": type(found).__name__,
        "items": sorted({type(each).__name__ for each in found}) if isinstance(found, list) else [],
        "sent": json.loads(client.last_response.data),
        "answer": client.sanitize_for_serialization(found),
        "content_type": client.last_response.urllib3_response.headers.get("content-type"),
    }


def operations():
    """All public operations, as ``[class, operation]``."""
    found = []
    for name, kind in vars(api).items():
        if inspect.isclass(kind):
            names = [each for each in vars(kind) if not each.startswith("_") and not each.endswith("_with_http_info")]
            found += [[name, each] for each in names]
    return found


def main(given, result):
    asked = json.loads(Path(given).read_text())
    configuration = seldon_deploy_sdk.Configuration()
    configuration.host = asked["url"] + "/seldon-deploy/api/v1alpha1"
    configuration.id_token = asked["token"]
    client, values = seldon_deploy_sdk.ApiClient(configuration), dict(asked["values"])
    client.rest_client.pool_manager.connection_pool_kw["retries"] = Retry(redirect=0)
    outcomes = [outcome(client, row, values) for row in asked["rows"]]
    Path(result).write_text(json.dumps({"outcomes": outcomes, "operations": operations()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
