"""``python -m modelyard_runtime serve|inspect CONFIG.json``: what runs in a model's own process.

The configuration: ``{"loader", "path", "file_name", "options", "inputs", "outputs", "scratch", "control_fd"}`` and,
to serve, ``"socket_fd"``. Events on the control descriptor: ``loaded`` (with the signature), ``failed`` (with
``message``) and ``beat``. To serve it is a socket: what comes over it, like SIGTERM, tells to drain.
"""

import json
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from modelyard_runtime.control import Control
from modelyard_runtime.loaders import load
from modelyard_runtime.model import Model, Rejected, Source, Unloadable, misfit
from modelyard_runtime.serving import Progress, Server, example, told


def main(command: str, path: str) -> int:
    """Do it; the exit code is 1 when the model cannot be loaded."""
    config = json.loads(Path(path).read_text())
    control = Control(config["control_fd"])
    try:
        model = load(config["loader"], Source.from_config(config))
        _warm_up(model, strictly=command == "inspect")
    except BaseException as error:  # noqa: BLE001  # a model's own code may also exit
        traceback.print_exc()
        control.tell("failed", message=told(error))
        return 1
    if command == "inspect":
        control.tell("loaded", **_signature(model))
        return 0
    _serve(model, config, control)
    return 0


def _serve(model: Model, config: dict[str, Any], control: Control) -> None:
    progress = Progress()
    listener, told_by = (socket.socket(fileno=config[name]) for name in ("socket_fd", "control_fd"))
    server = Server(model, listener, told_by, progress)
    signal.signal(signal.SIGTERM, lambda *_: server.drain())
    control.tell("loaded", **_signature(model))
    control.beat(progress)
    server.run()


def _warm_up(model: Model, *, strictly: bool) -> None:
    """The first run is often slow. A model may have good reasons to refuse zeros; missing outputs have none.

    Models for which zeros mean nothing have a row of their own, ``example``.
    """
    own = getattr(model, "example", None)
    try:
        outputs = model.predict(own() if own else example(model.inputs))
    except Rejected:
        return
    except Exception:
        if strictly:
            raise
        return
    for tensor in model.outputs:
        problem = misfit(np.asarray(outputs[tensor.name]), tensor)
        if problem and strictly:
            raise Unloadable(f"The output {problem}; declare output_schema as the model answers.")


def _signature(model: Model) -> dict[str, Any]:
    inputs, outputs = ([tensor.to_json() for tensor in tensors] for tensors in (model.inputs, model.outputs))
    return {"inputs": inputs, "outputs": outputs}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
