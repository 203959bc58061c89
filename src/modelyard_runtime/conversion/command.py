"""Convert one model in its environment: ``python -m modelyard_runtime.conversion CONFIG.json ANSWER.json``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard_runtime.conversion import NotConvertible, convert
from modelyard_runtime.conversion.parity import compared
from modelyard_runtime.conversion.samples import Rows, drawn, thresholds_of
from modelyard_runtime.loaders import load
from modelyard_runtime.model import Model, Source, as_array


def run(config: Mapping[str, Any]) -> dict[str, Any]:
    """Load, convert, compare, and write the ONNX model to ``target`` where it answers as the original does.

    ``config``: ``loader``, ``path``, ``file_name``, ``scratch``, ``target``, and where they are known ``inputs``,
    ``outputs``, ``options`` and ``rows`` (columns by name). Gives ``{"converted": bool, "reason": str | None,
    "parity": {"rows", "max_difference", "tolerance", "equal_labels"} | None}``.
    """
    model = load(config["loader"], Source.from_config(config))
    try:
        onnx = convert(config["loader"], model)
        result = compared(model, onnx, _groups(config, model))
    except NotConvertible as error:
        return {"converted": False, "reason": str(error), "parity": None}
    if not result.holds:
        reason = "the conversion does not answer as the original does"
        return {"converted": False, "reason": reason, "parity": result.to_json()}
    Path(config["target"]).write_bytes(onnx)
    return {"converted": True, "reason": None, "parity": result.to_json()}


def main(config: str, answer: str) -> None:
    """Run with the configuration in one file and write what came of it to the other."""
    Path(answer).write_text(json.dumps(run(json.loads(Path(config).read_text()))))


def _groups(config: Mapping[str, Any], model: Model) -> list[Rows]:
    groups = list(drawn(tuple(model.inputs), thresholds_of(getattr(model, "original", None))))
    given = config.get("rows")
    if given:
        groups.append({one.name: as_array(given[one.name], one) for one in model.inputs})
    return groups
