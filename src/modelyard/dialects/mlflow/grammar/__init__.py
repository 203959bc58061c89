"""MLflow's search grammar: what stands in ``filter`` and ``order_by``, as conditions and orders of the core.

One function per searched thing; each returns the conditions and the orders that were asked for, or raises
``DomainError(INVALID)`` that quotes what is wrong, says where it stands and what is possible there. The vocabularies
say which orders apply by default and which make the order total: see ``core.kernel.search.total_order``.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from modelyard.core.kernel.search import Condition, Order
from modelyard.dialects.mlflow.grammar.filters import read_filter
from modelyard.dialects.mlflow.grammar.orders import read_logged_model_orders, read_orders
from modelyard.dialects.mlflow.grammar.vocabulary import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
)

Search: TypeAlias = tuple[tuple[Condition, ...], tuple[Order, ...]]

__all__ = [
    "EXPERIMENTS",
    "LOGGED_MODELS",
    "MODEL_VERSIONS",
    "REGISTERED_MODELS",
    "RUNS",
    "Search",
    "experiments",
    "logged_models",
    "model_versions",
    "registered_models",
    "runs",
]


def runs(filter_string: str | None, order_by: Iterable[str] | None = None) -> Search:
    """A search for runs."""
    return read_filter(RUNS, filter_string), read_orders(RUNS, order_by)


def experiments(filter_string: str | None, order_by: Iterable[str] | None = None) -> Search:
    """A search for experiments."""
    return read_filter(EXPERIMENTS, filter_string), read_orders(EXPERIMENTS, order_by)


def registered_models(filter_string: str | None, order_by: Iterable[str] | None = None) -> Search:
    """A search for registered models."""
    return read_filter(REGISTERED_MODELS, filter_string), read_orders(REGISTERED_MODELS, order_by)


def model_versions(filter_string: str | None, order_by: Iterable[str] | None = None) -> Search:
    """A search for model versions."""
    return read_filter(MODEL_VERSIONS, filter_string), read_orders(MODEL_VERSIONS, order_by)


def logged_models(filter_string: str | None, order_by: Iterable[Mapping[str, Any]] | None = None) -> Search:
    """A search for logged models, whose order_by consists of JSON objects."""
    return read_filter(LOGGED_MODELS, filter_string), read_logged_model_orders(order_by)
