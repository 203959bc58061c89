"""One module for each framework, imported only in the process of one of its models.

A loader is a module of this package with ``load(source: Source) -> Model``.
"""

import importlib

from modelyard_runtime.model import Model, Source


def load(loader: str, source: Source) -> Model:
    """The model, loaded by the loader of this name."""
    model: Model = importlib.import_module(f"modelyard_runtime.loaders.{loader}").load(source)
    return model
