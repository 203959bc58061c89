"""Which deployment an address means.

At the root a model is named ``{deployment}``, which must say enough to the caller, or ``{namespace}.{deployment}``;
``.pipeline`` may follow, as in Seldon Core 2. Below ``/seldon/{namespace}/{deployment}`` there is one deployment, and a
model's name is its own or that of one of its nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from modelyard.core.kernel.errors import DomainError, not_found
from modelyard.core.serving.graph.plan import nodes_of
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.web.inference.protocol import Several

ROOTS: Final = ("/v2/models/", "/v2/pipelines/")
BELOW: Final = ("/seldon/",)
INFERENCE_PATHS: Final = (
    "/v2/models/{model}/infer",
    "/v2/models/{model}/versions/{version}/infer",
    "/v2/pipelines/{model}/infer",
    "/seldon/{namespace}/{deployment}/v2/models/infer",
    "/seldon/{namespace}/{deployment}/v2/models/{model}/infer",
    "/seldon/{namespace}/{deployment}/v2/models/{model}/versions/{version}/infer",
    "/seldon/{namespace}/{deployment}/v2/pipelines/{model}/infer",
)
"""What ``parsed`` knows. These are served before any router, so that nothing declares them but this."""
_SUFFIX = ".pipeline"
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Address:
    """What an address names. ``place`` is (namespace, deployment) where the path says both; ``model`` may be empty."""

    model: str
    version: str | None = None
    place: tuple[str, str] | None = None

    @property
    def shown(self) -> str:
        """The name, as messages say it."""
        return (self.model if self.place is None else ".".join(self.place))[:_SHOWN]


@lru_cache(1024)
def parsed(path: str) -> Address | None:
    """The address in the path of an inference request; None when it is not one."""
    match path.split("/")[1:]:
        case ["v2", "models" | "pipelines", model, "infer"]:
            return Address(model)
        case ["v2", "models", model, "versions", version, "infer"]:
            return Address(model, version)
        case ["seldon", namespace, deployment, "v2", "models", "infer"]:
            return Address("", None, (namespace, deployment))
        case ["seldon", namespace, deployment, "v2", "models" | "pipelines", node, "infer"]:
            return Address(node, None, (namespace, deployment))
        case ["seldon", namespace, deployment, "v2", "models", node, "versions", version, "infer"]:
            return Address(node, version, (namespace, deployment))
    return None


def find(address: Address, routes: RouteTable) -> Route:
    """The deployment; ``NOT_FOUND`` when there is none, ``Several`` when the name is that of more than one."""
    found = candidates(address, routes)
    if len(found) == 1:
        return found[0]
    raise Several(found) if found else missing(address)


def candidates(address: Address, routes: RouteTable) -> Sequence[Route]:
    """The deployments that the address may mean."""
    if address.place is None:
        found = _named(address.model, routes)
    else:
        route = routes.at(*address.place)
        found = [route] if route is not None and _has(route, address.model) else []
    if address.version is None:
        return found
    return [route for route in found if route.pipeline_version == address.version]


def missing(address: Address) -> DomainError:
    """The error for an address that means nothing the caller knows."""
    return not_found("deployment", address.shown)


def _named(name: str, routes: RouteTable) -> Sequence[Route]:
    first, dot, rest = name.partition(".")
    if not dot:
        return routes.named(name)
    qualified = routes.at(first, rest.removesuffix(_SUFFIX))
    plain = routes.named(first) if dot + rest == _SUFFIX else ()
    return [route for route in (qualified, *plain) if route is not None]


def _has(route: Route, model: str) -> bool:
    return model in ("", route.pipeline_name) or any(node.get("name") == model for node in nodes_of(route.plan))
