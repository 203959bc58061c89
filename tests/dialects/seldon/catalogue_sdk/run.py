"""Calls operations of the real SDK, in its own interpreter: ``run.py GIVEN.json RESULT.json``.

Given are the address, a token and a list of ``[class, operation, positional arguments, keyword arguments]``; an
argument ``{"model": name, …}`` is made with the SDK's class of that name. The result lists, for each call, what the SDK
gave (``answer`` as it would send it, ``type`` of the object) or ``status`` and ``body`` of its ``ApiException``.
"""

import json
import sys
from pathlib import Path

import seldon_deploy_sdk
from seldon_deploy_sdk.rest import ApiException


def made(argument):
    """The argument, as an object of the SDK where it asks for one."""
    if isinstance(argument, dict) and "model" in argument:
        fields = {name: made(value) for name, value in argument.items() if name != "model"}
        return getattr(seldon_deploy_sdk, argument["model"])(**fields)
    if isinstance(argument, list):
        return [made(each) for each in argument]
    return argument


def called(client, name, operation, positional, named):
    try:
        api = getattr(seldon_deploy_sdk, name)(client)
        given = [made(argument) for argument in positional]
        found = getattr(api, operation)(*given, **{key: made(value) for key, value in named.items()})
    except ApiException as error:
        return {"status": error.status, "body": json.loads(error.body)}
    return {"answer": client.sanitize_for_serialization(found), "type": type(found).__name__}


def main(given, result):
    asked = json.loads(Path(given).read_text())
    configuration = seldon_deploy_sdk.Configuration()
    configuration.host = asked["url"] + "/seldon-deploy/api/v1alpha1"
    configuration.id_token = asked["token"]
    client = seldon_deploy_sdk.ApiClient(configuration)
    Path(result).write_text(json.dumps([called(client, *call) for call in asked["calls"]]))


if __name__ == "__main__":
    main(*sys.argv[1:])
