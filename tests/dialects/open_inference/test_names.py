"""Deployments of one name: whoever may infer with one of them needs to say no more than the name."""

import json

from requests import Response
from served import Served, deployed, fraud, made, slug

from dialects.wallaroo import deploying
from wire import Caller, invite, sign_in


def test_a_name_means_the_only_deployment_that_the_caller_may_ask(served: Served) -> None:
    """Ann and Bob each have a deployment of the same name; the administrator may ask both."""
    places, people = [], []
    for name in ("ann", "bob"):
        person = invite(served.server, name)
        caller = sign_in(served.server, person.email, person.password)
        workspace_id = deploying.workspace(caller)
        deployed(caller, workspace_id, deploying.MODELS / "ccfraud.onnx", "twin")
        places.append(slug(caller, workspace_id))
        people.append(caller)
    versions = [infer(person, "twin").json()["model_version"] for person in people]
    assert versions == [infer(people[at], f"{places[at]}.twin").json()["model_version"] for at in (0, 1)]
    assert versions[0] != versions[1]
    both = infer(served.caller, "twin")
    assert both.status_code == 400
    assert all(f"{place}.twin" in both.json()["error"] for place in places)
    assert served.caller.call("GET", "/v2/models/twin").status_code == 400
    mine = people[0].call("GET", "/v2/models/twin")
    assert mine.json()["versions"] == [versions[0]]
    stranger = Caller(served.server.url, sign_in_as_stranger(served))
    hidden, missing = infer(stranger, "twin"), infer(stranger, "never")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.text.replace("twin", "never") == missing.text


def test_the_index_says_more_of_a_name_only_where_it_must(served: Served) -> None:
    first, second = (deploying.workspace(served.caller) for _ in range(2))
    for workspace_id in (first, second):
        made(served.caller, workspace_id, deploying.MODELS / "ccfraud.onnx", "double")
    names = [line["name"] for line in served.post("/v2/repository/index", b"").json()]
    assert sorted(name for name in names if "double" in name) == sorted(
        f"{slug(served.caller, workspace_id)}.double" for workspace_id in (first, second)
    )
    assert "every" in names
    assert "double" not in json.dumps(served.post("/v2/repository/index", b'{"ready": true}').json())
    refused = served.post("/v2/repository/models/double/load", b"{}")
    assert refused.status_code == 400
    assert "several models are named double" in refused.json()["error"]


def infer(caller: Caller, model: str) -> Response:
    return caller.call("POST", f"/v2/models/{model}/infer", json=fraud())


def sign_in_as_stranger(served: Served) -> str:
    person = invite(served.server, "stranger")
    return str(sign_in(served.server, person.email, person.password).token)
