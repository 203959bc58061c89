"""Boosters of XGBoost (JSON and UBJ) and pickles of its scikit-learn classes."""

from typing import Any

import xgboost

from modelyard_runtime.loaders import pickles
from modelyard_runtime.loaders.declared import inputs_of, probed
from modelyard_runtime.loaders.sklearn import estimator_model
from modelyard_runtime.loaders.tabular import TableModel, one_matrix
from modelyard_runtime.model import Model, Source, Unloadable


def load(source: Source) -> Model:
    """The model; a booster gives what its objective gives (a probability for ``binary:logistic``)."""
    original = _read(source)
    if not isinstance(original, xgboost.Booster):
        return estimator_model(original, source)
    return _booster_model(original, source)


def _booster_model(booster: xgboost.Booster, source: Source) -> TableModel:
    def answer(rows: Any) -> Any:
        return booster.inplace_predict(rows, validate_features=False)

    inputs = inputs_of(source, one_matrix(booster.num_features(), "float32"))
    model = TableModel(booster, answer, inputs)
    model.outputs = probed(source, inputs, model.answer, "predictions")
    return model


def _read(source: Source) -> Any:
    with source.path.open("rb") as file:
        start = file.read(2)
    # Both forms begin with an object; in UBJ a type or a length follows, in JSON a quote or space.
    if not start.startswith(b"{"):
        return pickles.read(source.path)
    form = "json" if start[1:] in (b'"', b" ", b"\n", b"\r", b"\t") else "ubj"
    named = source.scratch / f"model.{form}"
    named.symlink_to(source.path.resolve())
    try:
        return xgboost.Booster(model_file=str(named))
    except xgboost.core.XGBoostError as error:
        raise Unloadable(f"The file is no booster that can be read: {str(error).splitlines()[0]}.") from error
