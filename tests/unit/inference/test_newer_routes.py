"""A request that waited while its deployment was replaced."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import LoadedModel, Step
from modelyard.core.serving.graph.plan import model, plan
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.dialects.wallaroo.inference.protocol import WallarooInference
from modelyard.engines.process.client import ProcessModel
from modelyard.segments.writer import SegmentWriter
from modelyard.web.inference.app import InferenceApp
from modelyard.web.inference.keeping import Keeper

SIGNATURE = Signature((TensorSpec("x", "float64", (None, 1)),), (TensorSpec("y", "float64", (None, 1)),))


class Doubling:
    """The model of the newer revision."""

    inline = True
    yields = False
    signature = SIGNATURE

    def run(self, inputs: dict[str, Any]) -> list[Any]:
        return [np.asarray(inputs["x"]) * 2]


class Failures:
    """Counts what is noted."""

    def __init__(self) -> None:
        self.noted = 0

    def note(self, _: Any) -> None:
        self.noted += 1


def route(loaded: LoadedModel, revision: int) -> Route:
    made = plan(model("m", 0))
    return Route(1, revision, "m-1", 1, "space", 1, "m", "version", compile_plan(made, [Step(loaded)]), made, ())


class Stand:
    """An application whose routes may change, and a route whose only process has gone."""

    def __init__(self, folder: Path) -> None:
        self.routes, self.failures = RouteTable(), Failures()
        self.gone = route(ProcessModel("m", SIGNATURE, folder), 1)
        log, noted = SegmentWriter(folder / "logs", "worker"), self.failures
        keeper = Keeper(log, noted)  # type: ignore[arg-type]
        serving: Any = SimpleNamespace(routes=self.routes, keeper=keeper, lanes=None)
        self.app = InferenceApp(WallarooInference(), serving, None, None, 2**20)  # type: ignore[arg-type]

    def answered(self) -> bytes:
        scope = {"type": "http", "method": "POST", "path": "/v1/api/pipelines/infer/m-1/m", "query_string": b""}
        return self.app._infer(self.gone, b'[{"x": [4.0]}]', {b"content-type": b"application/json"}, scope).body


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def test_it_is_answered_by_what_took_the_place_of_its_revision(stand: Stand) -> None:
    stand.routes.replace([route(Doubling(), 2)])
    assert b"[8.0]" in stand.answered()
    assert stand.failures.noted == 0


def test_it_is_told_that_nobody_can_be_asked_where_nothing_took_its_place(stand: Stand) -> None:
    for left in ([], [stand.gone], [replace(stand.gone, revision=1)]):
        stand.routes.replace(left)
        with pytest.raises(DomainError, match="no process of model m can be reached") as caught:
            stand.answered()
        assert caught.value.kind is ErrorKind.UNAVAILABLE
