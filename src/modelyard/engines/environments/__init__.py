"""The environments that models run in: locked sets of packages, installed by uv, shared by digest."""

from modelyard.engines.environments.building import BuiltEnvironment
from modelyard.engines.environments.environments import Environments
from modelyard.engines.environments.locks import SERVER_PYTHON
from modelyard.engines.environments.manifest import REMEDY
from modelyard.engines.environments.packages import Packages
from modelyard.engines.environments.uv import uv_version

__all__ = ["REMEDY", "SERVER_PYTHON", "BuiltEnvironment", "Environments", "Packages", "uv_version"]
