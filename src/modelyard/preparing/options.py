"""What an upload says of how its model is to be loaded and converted."""

from typing import Any

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.frameworks import FRAMEWORKS
from modelyard.core.catalogue.upload_rules import framework_of

_CONVERT = "convert"


def options_of(version: ModelVersion) -> dict[str, Any]:
    """The loader's options: ``framework_config.config``, then ``options`` of the upload; and the framework's own."""
    given = {name: value for name, value in _said(version).items() if name != _CONVERT}
    return {**given, **FRAMEWORKS[framework_of(version.conversion)].options}


def may_convert(version: ModelVersion) -> bool:
    """Whether an ONNX model may take the upload's place; not where the upload says ``"convert": false``."""
    return _said(version).get(_CONVERT) is not False


def _said(version: ModelVersion) -> dict[str, Any]:
    framework_config = _mapping(version.conversion.get("framework_config"))
    convert = {_CONVERT: framework_config[_CONVERT]} if _CONVERT in framework_config else {}
    return convert | _mapping(framework_config.get("config")) | _mapping(version.conversion.get("options"))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
