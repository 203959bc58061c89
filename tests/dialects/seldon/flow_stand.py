"""What tests of Seldon Core 2's part deploy: Models, Pipelines and experiments, and how they are asked."""

import time
from typing import Any

from seldon_stand import BASE, infer

from wire import Caller

Array = Any


def space_url(space: str) -> str:
    return f"{BASE}/namespaces/{space}"


def model(name: str, uri: str | None = None, **spec: Any) -> dict[str, Any]:
    """A Model, as clients send it: its metadata beside ``spec``."""
    return {"name": name, "spec": {"storageUri": uri or name, **spec}}


def step(name: str, *inputs: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, **({"inputs": list(inputs)} if inputs else {}), **fields}


def pipeline(name: str, steps: list[dict[str, Any]], *output: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "spec": {"steps": steps, "output": {"steps": list(output), **fields}}}


def ready(caller: Caller, path: str, seconds: float = 30) -> dict[str, Any]:
    """The object, once its condition ``Ready`` is true."""
    end = time.monotonic() + seconds
    while True:
        answer = caller.call("GET", path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        conditions = {each["type"]: each for each in found["status"]["conditions"]}
        if conditions["Ready"]["status"] == "True":
            return found
        assert time.monotonic() < end, found["status"]
        time.sleep(0.05)


def add_model(caller: Caller, space: str, name: str, uri: str | None = None) -> None:
    caller.post(f"{space_url(space)}/models", model(name, uri))


def add_pipeline(caller: Caller, space: str, document: dict[str, Any]) -> dict[str, Any]:
    caller.post(f"{space_url(space)}/pipelines", document)
    return ready(caller, f"{space_url(space)}/pipelines/{document['name']}")


def answers(caller: Caller, space: str, name: str, rows: Array, column: str = "x") -> dict[str, list[Any]]:
    """What the pipeline answers to the rows, by tensor."""
    found = infer(caller, space, name, rows, column)
    return {key: [row["out"][key] for row in found] for key in found[0]["out"]}
