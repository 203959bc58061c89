"""From a result to the bytes of the answer."""

from collections.abc import Mapping

import numpy as np
import orjson

from modelyard.core.monitoring.inference_log import anomalies
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Column
from modelyard.dialects.wallaroo.dataset import Dataset
from modelyard.dialects.wallaroo.rows import ARROW_FILE, FREE_JSON, RECORDS, Values, arrow_file, records

_ARROW_FILE, _FREE_JSON, _RECORDS = ARROW_FILE.encode(), FREE_JSON.encode(), RECORDS.encode()


def encode(
    route: Route, time_ms: int, result: Result, extra: Mapping[str, Column], accept: bytes, dataset: Dataset
) -> tuple[bytes, bytes]:
    """(body, content type) as the client asked for it."""
    if b"arrow" in accept:
        return arrow_file(_columns(route, time_ms, result, extra, dataset), dataset), _ARROW_FILE
    kind = _FREE_JSON if b"format=wallaroo" in accept else _RECORDS
    if result.rows == 1 and not extra and dataset.is_plain and result.plain:
        return _one_flat_row(time_ms, result), kind
    return records(_columns(route, time_ms, result, extra, dataset), result.rows, dataset), kind


def _one_flat_row(time_ms: int, result: Result) -> bytes:
    """What the SDK asks for, row by row: the same bytes as ``records`` gives, without its detours."""
    row: dict[str, object] = {"time": time_ms}
    for name, array in result.inputs.items():
        row[f"in.{name}"] = array[0]
    for name, array in result.outputs.items():
        row[f"out.{name}"] = array[0]
    row["anomaly.count"] = 0
    return orjson.dumps([row], option=orjson.OPT_SERIALIZE_NUMPY)


def _columns(
    route: Route, time_ms: int, result: Result, extra: Mapping[str, Column], dataset: Dataset
) -> dict[str, Values]:
    rows = result.rows
    columns: dict[str, Values] = {"time": np.full(rows, time_ms, dtype=np.int64)}
    for name, array in result.inputs.items():
        columns[f"in.{name}"] = array
    for name, values in extra.items():
        columns[f"in.{name}"] = values if isinstance(values, np.ndarray) else list(values)
    for name, array in result.outputs.items():
        columns[f"out.{name}"] = array
    beside = result.beside()
    columns |= {name: array for name, array in beside.items() if not name.startswith("anomaly.")}
    columns |= anomalies(beside, rows)
    if dataset.shows("metadata.last_model") or any(name.startswith("metadata") for name in dataset.include):
        columns["metadata.last_model"] = [result.last_model] * rows
        columns["metadata.pipeline_version"] = [route.pipeline_version] * rows
        columns["metadata.elapsed"] = [list(result.elapsed)] * rows
        columns["metadata.dropped"] = [[] for _ in range(rows)]
        columns["metadata.partition"] = [""] * rows
    return columns
