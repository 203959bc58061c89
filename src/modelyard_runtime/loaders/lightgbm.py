"""Boosters of LightGBM (its text form) and pickles of boosters and of its scikit-learn classes."""

from typing import Any

import lightgbm

from modelyard_runtime.loaders import pickles
from modelyard_runtime.loaders.declared import inputs_of, probed
from modelyard_runtime.loaders.sklearn import estimator_model
from modelyard_runtime.loaders.tabular import TableModel, one_matrix
from modelyard_runtime.model import Model, Source, Unloadable


def load(source: Source) -> Model:
    """The model; a booster gives what its objective gives (a probability for ``binary``)."""
    original = _read(source)
    if not isinstance(original, lightgbm.Booster):
        return estimator_model(original, source)
    inputs = inputs_of(source, one_matrix(original.num_feature()))
    model = TableModel(original, original.predict, inputs)
    model.outputs = probed(source, inputs, model.answer, "predictions")
    return model


def _read(source: Source) -> Any:
    with source.path.open("rb") as file:
        is_text = file.read(5) == b"tree\n"
    if not is_text:
        return pickles.read(source.path)
    try:
        return lightgbm.Booster(model_file=str(source.path))
    except lightgbm.basic.LightGBMError as error:
        raise Unloadable(f"The file is no booster that can be read: {error}.") from error
