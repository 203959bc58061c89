"""What a worker serves right now: an immutable snapshot that is replaced whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.serving.generation import Generation
from modelyard.core.serving.graph.graph import Graph
from modelyard.core.serving.graph.plan import Plan
from modelyard.core.serving.rollout.counts import Tally


@dataclass(frozen=True, slots=True)
class Route:
    """One deployment in memory.

    ``namespace`` is ``{deployment name}-{id}``, ``workspace`` the slug of its workspace, ``plan`` what ``graph`` was
    made of, ``models`` the versions that the plan names by their places. ``concurrency`` is how many requests may be in
    flight at once where they do not run on the event loop. ``tally`` counts what becomes of them. ``generation`` is
    there where text is generated.
    """

    deployment_id: int
    revision: int
    namespace: str
    workspace_id: int
    workspace: str
    pipeline_id: int
    pipeline_name: str
    pipeline_version: str
    graph: Graph
    plan: Plan
    models: tuple[ModelVersion, ...]
    concurrency: int = 4
    tally: Tally = field(default_factory=Tally, compare=False)
    generation: Generation | None = None


class RouteTable:
    """Routes by their names. Readers need no lock: a swap replaces whole mappings."""

    def __init__(self) -> None:
        self._routes: Mapping[str, Route] = MappingProxyType({})
        self._by_place: Mapping[tuple[str, str], Route] = MappingProxyType({})
        self._by_name: Mapping[str, Sequence[Route]] = MappingProxyType({})

    def get(self, namespace: str) -> Route | None:
        """The route by its namespace (``{deployment name}-{id}``), or None."""
        return self._routes.get(namespace)

    def at(self, workspace: str, pipeline: str) -> Route | None:
        """The route by its workspace's slug and its pipeline's name, or None."""
        return self._by_place.get((workspace, pipeline))

    def named(self, pipeline: str) -> Sequence[Route]:
        """The routes of all pipelines of this name, in whatever workspace."""
        return self._by_name.get(pipeline, ())

    def all(self) -> list[Route]:
        """Every route."""
        return list(self._routes.values())

    def replace(self, routes: list[Route]) -> None:
        """Serve these and nothing else from now on."""
        by_name: dict[str, list[Route]] = {}
        for route in routes:
            by_name.setdefault(route.pipeline_name, []).append(route)
        self._by_place = MappingProxyType({(route.workspace, route.pipeline_name): route for route in routes})
        self._by_name = MappingProxyType(by_name)
        self._routes = MappingProxyType({route.namespace: route for route in routes})
