"""Asking a deployed pipeline: JSON records or an Arrow table in, the same kind out."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from modelyard.client.arrow import ARROW_FILE, read_arrow, write_arrow
from modelyard.client.pipelines import Deployment
from modelyard.client.transport import Transport, reading

PANDAS_RECORDS = "application/json; format=pandas-records"

Record = dict[str, Any]
Params = list[tuple[str, str]]


class Inference:
    """The inference part of a client.

    Answers have flat columns: ``time`` (ms since the epoch), ``in.*``, ``out.*``, ``anomaly.count``. `dataset` and
    `exclude` choose among them; ``metadata`` comes only when `dataset` names it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def records(
        self,
        deployment: Deployment,
        rows: Sequence[Mapping[str, Any]],
        dataset: Sequence[str] = ("*",),
        exclude: Sequence[str] = (),
    ) -> list[Record]:
        """One answer for each row, in order; a row maps column names to JSON values."""
        response = self._transport.send(
            "POST",
            _path(deployment),
            params=_params(dataset, exclude),
            json=rows,
            headers={"Content-Type": PANDAS_RECORDS, "Accept": PANDAS_RECORDS},
        )
        with reading("the inference"):
            return [dict(row) for row in response.json()]

    def table(
        self,
        deployment: Deployment,
        table: pa.Table,
        dataset: Sequence[str] = ("*",),
        exclude: Sequence[str] = (),
    ) -> pa.Table:
        """The same for an Arrow table: the way for many rows, and for exact numbers."""
        response = self._transport.send(
            "POST",
            _path(deployment),
            params=_params(dataset, exclude),
            content=write_arrow(table),
            headers={"Content-Type": ARROW_FILE, "Accept": ARROW_FILE},
        )
        return read_arrow(response.content)


def _path(deployment: Deployment) -> str:
    return f"/v1/api/pipelines/infer/{deployment.status_name}/{deployment.name}"


def _params(dataset: Sequence[str], exclude: Sequence[str]) -> Params:
    left_out = [*exclude, *(() if "metadata" in dataset else ("metadata",))]
    chosen = [("dataset[]", name) for name in dataset]
    return [*chosen, *(("dataset.exclude[]", name) for name in left_out), ("dataset.separator", ".")]
