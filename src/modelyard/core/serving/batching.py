"""Requests that arrive together run together: one call of the model for the rows of several.

Nobody runs the batches but those who ask: the first of a batch waits for others, runs the model for all of them and
hands out the rows; where that fails, each runs its own, so that one that cannot be answered fails alone.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from modelyard.core.catalogue.entities import ModelConfig
from modelyard.core.serving.deadlines import Deadline, deadline_here, require_time, until
from modelyard.core.serving.graph.nodes import LoadedModel
from modelyard.core.serving.tensors import Array

_Key = tuple[tuple[str, str, tuple[int, ...]], ...]


@dataclass(slots=True, eq=False)
class _Call:
    """One request in a batch; ``outputs`` stay None when the batch did not answer it."""

    inputs: dict[str, Array]
    rows: int
    deadline: Deadline | None
    outputs: list[Array] | None = None

    def is_over(self) -> bool:
        return self.deadline is not None and self.deadline.is_over()


@dataclass(slots=True, eq=False)
class _Batch:
    """Calls of the same shape and types; once it ``is_closed`` no more join."""

    calls: list[_Call] = field(default_factory=list)
    rows: int = 0
    is_closed: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class Batched:
    """A model whose concurrent calls are joined along their rows; see ``LoadedModel``. Thread-safe as far as it is.

    A batch runs once it has ``target_rows`` or its first call has waited ``max_delay_ms``; it never has more than
    ``limit`` rows, but a larger call runs by itself. Calls are joined only where names, types and the shapes of a row
    are the same, and a call whose deadline is over is left out.
    """

    inline = False
    yields = False

    def __init__(self, model: LoadedModel, target_rows: int, max_delay_ms: float, limit: int | None = None) -> None:
        self.signature = model.signature
        self._model = model
        self._limit = max(limit or target_rows, 1)
        self._target = min(target_rows, self._limit)
        self._delay = max_delay_ms / 1000
        self._open: dict[_Key, _Batch] = {}
        self._changed = threading.Condition()

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        rows = _rows(inputs)
        if not 0 < rows < self._target:
            return self._model.run(inputs)
        call = _Call(inputs, rows, deadline_here())
        batch, leads = self._join(call)
        if leads:
            self._lead(batch, _key(inputs))
        else:
            batch.done.wait(call.deadline.remaining() if call.deadline else None)
        if call.outputs is not None:
            return call.outputs
        require_time()
        return self._model.run(inputs)

    def _join(self, call: _Call) -> tuple[_Batch, bool]:
        """(the batch that the call is in, whether it is its first)."""
        key = _key(call.inputs)
        with self._changed:
            batch = self._open.get(key)
            if batch is not None and batch.rows + call.rows > self._limit:
                self._close(key, batch)
                batch = None
            leads = batch is None
            if batch is None:
                batch = self._open[key] = _Batch()
            batch.calls.append(call)
            batch.rows += call.rows
            if batch.rows >= self._target:
                self._close(key, batch)
            return batch, leads

    def _close(self, key: _Key, batch: _Batch) -> None:
        batch.is_closed = True
        del self._open[key]
        self._changed.notify_all()

    def _lead(self, batch: _Batch, key: _Key) -> None:
        """Wait until the batch is full or has waited long enough, run it, and let the others go on."""
        try:
            with self._changed:
                self._changed.wait_for(lambda: batch.is_closed, self._delay)
                if not batch.is_closed:
                    self._close(key, batch)
            with suppress(Exception):  # each finds out by itself what is wrong with its own
                self._run([call for call in batch.calls if not call.is_over()])
        finally:
            batch.done.set()

    def _run(self, calls: Sequence[_Call]) -> None:
        if len(calls) < 2:
            return
        joined = {name: np.concatenate([call.inputs[name] for call in calls]) for name in calls[0].inputs}
        with until(_latest(calls)):
            outputs = self._model.run(joined)
        ends = np.cumsum([call.rows for call in calls]).tolist()
        if any(output.shape[:1] != (ends[-1],) for output in outputs):
            return  # these are not one for each row
        for call, end in zip(calls, ends, strict=True):
            call.outputs = [output[end - call.rows : end] for output in outputs]


def batched(model: LoadedModel, config: ModelConfig) -> LoadedModel:
    """The model as its configuration has it: with its calls joined, where that says so and the model lets it."""
    wanted = config.dynamic_batching
    if not wanted or model.signature.fixed_batch:
        return model
    return Batched(model, wanted["batch_size_target"], wanted["max_batch_delay_ms"], wanted.get("batch_size_limit"))


def _rows(inputs: dict[str, Array]) -> int:
    """How many rows the call has; 0 when its tensors do not agree."""
    counts = {array.shape[0] if array.ndim else 0 for array in inputs.values()}
    return counts.pop() if len(counts) == 1 else 0


def _key(inputs: dict[str, Array]) -> _Key:
    return tuple((name, array.dtype.str, array.shape[1:]) for name, array in sorted(inputs.items()))


def _latest(calls: Sequence[_Call]) -> Deadline | None:
    """The deadline of the call that may take longest; None when one may take its time."""
    deadlines = [call.deadline for call in calls]
    known = [deadline for deadline in deadlines if deadline is not None]
    return max(known, key=lambda deadline: deadline.at) if len(known) == len(deadlines) else None
