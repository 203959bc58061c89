"""How many requests to a deployment may be in flight at once in one worker, where they do not run on its event loop."""

from collections.abc import Iterable
from typing import Any, Final

from modelyard.core.catalogue.entities import ModelConfig
from modelyard.core.serving.entities import Deployment

MOST: Final = 64
"""More would only wait in threads instead of the queue."""


def concurrency(deployment: Deployment, configs: Iterable[ModelConfig]) -> int:
    """Two for each replica and two more: one runs while the next is read; with batching enough for two batches.

    As many as a configuration says may run together.
    """
    listed = list(configs)
    batches = [2 * _number(config.dynamic_batching, "batch_size_target") for config in listed]
    batches += [_number(config.continuous_batching, "max_concurrent_batch_size") for config in listed]
    return min(max([2 * _replicas(deployment.engine_config) + 2, *batches]), MOST)


def _replicas(engine_config: Any) -> int:
    """The largest number of replicas that the configuration allows, as clients send it; 1 when it says none."""
    engine = engine_config.get("engine") if isinstance(engine_config, dict) else None
    scaled = engine.get("autoscale") if isinstance(engine, dict) else None
    return max(1, _number(engine, "replicas"), _number(scaled, "replica_max"))


def _number(given: Any, name: str) -> int:
    found = given.get(name) if isinstance(given, dict) else None
    return found if isinstance(found, int) else 0
