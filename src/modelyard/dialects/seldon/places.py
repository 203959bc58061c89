"""Where a deployment stands in URLs: as a SeldonDeployment or as a pipeline, it is found by the same name."""

from typing import Final

from modelyard.core.automation.jobs import Place
from modelyard.dialects.seldon.dialect import BASE
from modelyard.web.call import Call

NAMESPACE: Final = f"{BASE}/namespaces/{{namespace}}"
DEPLOYMENTS: Final = f"{NAMESPACE}/seldondeployments"
PIPELINES: Final = f"{NAMESPACE}/pipelines"
SD: Final = f"{DEPLOYMENTS}/{{name}}"
PL: Final = f"{PIPELINES}/{{name}}"


def place_of(call: Call) -> Place:
    """The deployment that the path names."""
    return Place(call.request.path_params["namespace"], call.request.path_params["name"])
