"""What a worker serves right now: an immutable snapshot that is replaced whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from modelyard.core.serving.graph import Graph


@dataclass(frozen=True, slots=True)
class Route:
    """One deployment in memory. ``last_model`` is the JSON text {"model_name", "model_sha"} of the last step."""

    deployment_id: int
    revision: int
    namespace: str
    workspace_id: int
    pipeline_id: int
    pipeline_name: str
    pipeline_version: str
    graph: Graph
    last_model: str


class RouteTable:
    """Routes by namespace (``{deployment name}-{id}``). Readers need no lock: a swap replaces the whole mapping."""

    def __init__(self) -> None:
        self._routes: Mapping[str, Route] = MappingProxyType({})

    def get(self, namespace: str) -> Route | None:
        """The route, or None."""
        return self._routes.get(namespace)

    def all(self) -> list[Route]:
        """Every route."""
        return list(self._routes.values())

    def replace(self, routes: list[Route]) -> None:
        """Serve these and nothing else from now on."""
        self._routes = MappingProxyType({route.namespace: route for route in routes})
