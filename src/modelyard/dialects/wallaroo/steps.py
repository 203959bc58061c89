"""Definitions as clients of Wallaroo read them: a pipeline of another form shows the models that it serves."""

from typing import Any

from modelyard.core.serving.definitions import models_named


def shown(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """The definition, or one step for each model of a document that is not made of steps."""
    if "steps" in definition or "models" not in definition:
        return definition
    models = [{"name": ref.name, "version": ref.version, "sha": ref.sha} for ref in models_named(definition["models"])]
    return {"id": name, "steps": [{"ModelInference": {"models": [model]}} for model in models]}
