"""Steps written in Python: one file, or an archive with one that has such a function.

``predict(inputs: dict[str, ndarray]) -> dict[str, ndarray]`` or ``process_data(input_data: InferenceData)`` with the
same meaning, or ``wallaroo_json(data: pandas.DataFrame)``, which returns one record (a dict) for each row.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelyard_runtime import archives
from modelyard_runtime.loaders import code
from modelyard_runtime.loaders.calling import FunctionModel
from modelyard_runtime.loaders.declared import inputs_of, outputs_of, rows
from modelyard_runtime.model import Array, Model, Source, Unloadable

_FUNCTIONS = ("predict", "process_data", "wallaroo_json")


def load(source: Source) -> Model:
    """The step; its tensors are those that the upload declared."""
    path, name = _step(_files(source))
    code.importable(path.parent)
    module = code.run(path)
    function = getattr(module, name)
    if name == "wallaroo_json":
        function = over_frames(function)
    return FunctionModel(module, function, inputs_of(source), outputs_of(source))


def over_frames(function: Any) -> Any:
    """A function over a DataFrame as one over arrays."""
    import pandas as pd  # noqa: PLC0415  # only for steps of this form

    def answer(inputs: dict[str, Array]) -> Mapping[str, Any]:
        frame = pd.DataFrame({name: _cells(values) for name, values in inputs.items()})
        records = function(frame)
        if isinstance(records, pd.DataFrame):
            records = records.to_dict(orient="records")
        return _columns(records)

    return answer


def _cells(values: Array) -> Any:
    return values if values.ndim == 1 else rows(values)


def _columns(records: Any) -> Mapping[str, Any]:
    if isinstance(records, Mapping):
        return records
    if not isinstance(records, list) or not all(isinstance(record, Mapping) for record in records):
        raise TypeError("wallaroo_json returned something else than a list of records.")
    return {name: _stacked([record[name] for record in records]) for name in (records[0] if records else ())}


def _stacked(values: list[Any]) -> Any:
    try:
        return np.asarray(values)
    except ValueError:  # of unequal length: as JSON or not at all
        return rows(values)


def _files(source: Source) -> list[Path]:
    if archives.names(source.path):
        return sorted(archives.extract(source.path, source.scratch).glob("*.py"))
    # Under its own name, so that errors speak of it.
    path = source.scratch / f"{Path(source.file_name).stem}.py"
    path.symlink_to(source.path.resolve())
    return [path]


def _step(files: list[Path]) -> tuple[Path, str]:
    found = [(path, name) for name in _FUNCTIONS for path in files if name in code.functions(path)]
    if not found:
        raise Unloadable(f"No file at the top has one of the functions {', '.join(_FUNCTIONS)}.")
    return found[0]
