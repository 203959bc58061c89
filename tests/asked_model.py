"""Run in the environment of a model: load it and answer rows, or say why not.

Reads a line ``{"loader", "path", "file_name", "inputs", "outputs", "options", "rows", "scratch", "answer"}`` on
standard input and writes ``{"inputs", "outputs", "answers"}`` or ``{"unloadable": message}`` to the file ``answer``,
then the next. Without ``rows``, the answers are to the model's own ``example``. The libraries of the loader that the
command line names are imported once; each line is answered in a copy of this process, so that no model sees what
another one left.
"""

import importlib
import json
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import numpy as np

from modelyard_runtime.loaders import load
from modelyard_runtime.loaders.declared import rows
from modelyard_runtime.model import Source, Tensor, Unloadable, as_array

LIBRARIES = {
    "sklearn": ["pandas", "joblib", "sklearn.linear_model", "sklearn.pipeline"],
    "xgboost": ["xgboost", "sklearn"],
    "lightgbm": ["lightgbm", "sklearn"],
    "tensorflow": ["tensorflow"],
    "keras": ["keras"],
    "pytorch": ["torch"],
    "hugging_face": ["torch", "transformers.pipelines"],
    "mlflow": ["mlflow.pyfunc", "pandas", "sklearn"],
    "python_step": ["pandas"],
}


def tensors(items):
    return None if items is None else tuple(Tensor.from_json(item) for item in items)


def source_of(asked):
    return Source(
        Path(asked["path"]),
        asked["file_name"],
        Path(asked["scratch"]),
        tensors(asked["inputs"]),
        tensors(asked["outputs"]),
        asked["options"],
    )


def given(values, tensor):
    """As they come from the server."""
    return rows(values) if tensor.dtype == "json" else as_array(values, tensor)


def answered(asked):
    try:
        model = load(asked["loader"], source_of(asked))
    except Unloadable as error:
        return {"unloadable": str(error)}
    if asked["rows"] is None:
        return {"answers": {name: array.tolist() for name, array in model.predict(model.example()).items()}}
    answers = model.predict({one.name: given(asked["rows"][one.name], one) for one in model.inputs})
    for array in answers.values():
        assert isinstance(array, np.ndarray)
    return {
        "inputs": [one.to_json() for one in model.inputs],
        "outputs": [one.to_json() for one in model.outputs],
        "answers": {name: array.tolist() for name, array in answers.items()},
    }


def answer(line):
    """In a copy of this process, which ends afterwards."""
    asked = json.loads(line)
    try:
        Path(asked["answer"]).write_text(json.dumps(answered(asked)))
    except BaseException:  # noqa: BLE001  # whatever a model does is to be seen
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(0)


def main(loader):
    """Until there is no more question."""
    for library in LIBRARIES.get(loader, []):
        with suppress(ImportError):
            importlib.import_module(library)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            answer(line)
        os.waitpid(child, 0)
        print("\nend of answer", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
