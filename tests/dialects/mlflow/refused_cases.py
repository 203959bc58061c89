"""Calls that should fail: name, method, path and content.

They name things of a world that both servers have: ``<E>`` an experiment, ``<gone>`` a deleted one, ``<R>`` a run,
``<M>`` a registered model with version 1, ``<L>`` a logged model, ``<X>`` a deleted logged model and ``<A>`` the folder
of the run's files.
"""

from dataclasses import dataclass
from typing import Any

from twins import API

NO_RUN, NO_MODEL = "0123456789abcdef0123456789abcdef", f"m-{'0' * 32}"


@dataclass(frozen=True)
class Case:
    """One call. ``content`` holds the keywords of ``requests.request``."""

    name: str
    method: str
    path: str
    content: dict[str, Any]


def post(name: str, path: str, /, **body: Any) -> Case:
    """POST with a JSON object."""
    return Case(name, "POST", API + path, {"json": body})


def get(name: str, path: str, /, **query: Any) -> Case:
    """GET with a query."""
    return Case(name, "GET", API + path, {"params": query})


def patch(name: str, path: str, /, **body: Any) -> Case:
    """PATCH with a JSON object."""
    return Case(name, "PATCH", API + path, {"json": body})


def delete(name: str, path: str, /, **body: Any) -> Case:
    """DELETE with a JSON object."""
    return Case(name, "DELETE", API + path, {"json": body})
