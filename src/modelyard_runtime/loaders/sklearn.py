"""Estimators of scikit-learn, as joblib, pickle or skops wrote them.

Options: ``method`` is ``"predict"``, ``"predict_proba"``, ``"decision_function"`` or ``"transform"``.
"""

from typing import Any

from modelyard_runtime import archives
from modelyard_runtime.loaders import pickles
from modelyard_runtime.loaders.declared import inputs_of, probed
from modelyard_runtime.loaders.tabular import TableModel, one_matrix
from modelyard_runtime.model import Model, Source, Unloadable

_METHODS = ("predict", "predict_proba", "decision_function", "transform")
_NAMES = {"predict": "predictions", "predict_proba": "probabilities", "decision_function": "scores"}


def load(source: Source) -> Model:
    """The estimator; where the upload declared no tensors, one matrix in and what a row of zeros gives out."""
    return estimator_model(_read(source), source)


def estimator_model(estimator: Any, source: Source) -> TableModel:
    """The model around anything with scikit-learn's methods."""
    method = source.options.get("method", "predict")
    if method not in _METHODS or not hasattr(estimator, method):
        raise Unloadable(f"{type(estimator).__name__} has no method {method!r} that can be served.")
    width = getattr(estimator, "n_features_in_", None)
    inputs = inputs_of(source, one_matrix(int(width)) if width else ())
    names = [str(name) for name in getattr(estimator, "feature_names_in_", ())]
    model = TableModel(estimator, getattr(estimator, method), inputs, names)
    model.method = method
    model.outputs = probed(source, inputs, model.answer, _NAMES.get(method, "transformed"))
    return model


def _read(source: Source) -> Any:
    if "schema.json" in archives.names(source.path):
        return _read_skops(source)
    return pickles.read(source.path)


def _read_skops(source: Source) -> Any:
    import skops.io  # noqa: PLC0415  # only for files of this form

    untrusted = skops.io.get_untrusted_types(file=source.path)
    if untrusted:
        # The file's own word is no reason to trust what it names.
        message = (
            f"The skops file holds types that are not trusted: {', '.join(untrusted)}. Upload it as joblib instead."
        )
        raise Unloadable(message)
    return skops.io.load(source.path)
