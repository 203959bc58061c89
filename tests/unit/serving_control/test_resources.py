"""What deployments ask of the machine is read as Wallaroo's clients write it, and refused with the field's name."""

from typing import Any

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.resources import Autoscale, Resources


def test_nothing_said_is_one_replica_without_limits() -> None:
    found = Resources.of({}, "m", 1)
    assert (found.replicas, found.cpu, found.memory_bytes, found.autoscale) == (1, None, None, None)


def test_what_the_sdk_sends_is_understood() -> None:
    config = {
        "engine": {
            "cpu": 0.5,
            "replicas": 2,
            "resources": {"limits": {"cpu": 0.5, "memory": "1Gi"}, "requests": {"cpu": 0.5, "memory": "1Gi"}},
            "python": {"load_timeout_millis": 60_000},
        },
        "enginelb": {"resources": {"limits": {"cpu": 1}}},
        "engineAux": {"images": {"m-7": {"resources": {"limits": {"cpu": "1500m", "memory": "500Mi"}}}}},
        "workspace_id": 1,
    }
    assert Resources.of(config, "m", 7) == Resources(2, 1.5, 500 * 2**20, 60.0)
    assert Resources.of(config, "other", 8) == Resources(2, 0.5, 2**30, 60.0)


@pytest.mark.parametrize(
    ("memory", "size"), [("64Mi", 2**26), ("1G", 10**9), ("2Gi", 2**31), (2**27, 2**27), ("134217728", 2**27)]
)
def test_memory_is_a_number_with_or_without_a_unit(memory: Any, size: int) -> None:
    assert Resources.of({"engine": {"resources": {"limits": {"memory": memory}}}}, "m", 1).memory_bytes == size


def test_bounds_of_autoscaling_are_read() -> None:
    autoscale = {"type": "queue", "replica_min": 0, "replica_max": 4, "scale_up_queue_depth": 8}
    found = Resources.of({"engine": {"autoscale": autoscale}}, "m", 1)
    assert found.autoscale == Autoscale("queue", 0, 4, queue_up=8)
    assert (found.replicas, found.most) == (0, 4)
    unsaid = Resources.of({"engine": {"autoscale": {"type": "cpu", "replica_max": 4}}}, "m", 1)
    assert unsaid.autoscale == Autoscale("cpu", 1, 4)  # nobody said that it may sleep


@pytest.mark.parametrize(
    ("engine", "field"),
    [
        ({"replicas": -1}, "engine.replicas"),
        ({"replicas": 1.5}, "engine.replicas"),
        ({"replicas": 10_000}, "engine.replicas"),
        ({"replicas": True}, "engine.replicas"),
        ({"cpu": "much"}, "engine.cpu"),
        ({"resources": []}, "engine.resources"),
        ({"resources": {"limits": {"memory": "1 elephant"}}}, "engine.resources.limits.memory"),
        ({"resources": {"limits": {"memory": 1}}}, "engine.resources.limits.memory"),
        ({"resources": {"limits": {"cpu": float("nan")}}}, "engine.resources.limits.cpu"),
        ({"python": {"load_timeout_millis": 0}}, "engine.python.load_timeout_millis"),
        ({"autoscale": {"type": "moon"}}, "engine.autoscale.type"),
        ({"autoscale": {"type": "cpu", "replica_min": 3, "replica_max": 2}}, "engine.autoscale.replica_max"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_field(engine: dict[str, Any], field: str) -> None:
    with pytest.raises(DomainError) as refused:
        Resources.of({"engine": engine}, "m", 1)
    assert refused.value.kind is ErrorKind.INVALID
    assert refused.value.details["field"] == field
