"""The base of custom models."""

from abc import ABC, abstractmethod
from typing import Any

from ..types import InferenceData  # noqa: TID252  # it is imported as "mac" and as what it lies in


class Inference(ABC):
    """A model and how it answers: subclasses say the types it may have and write ``_predict``."""

    def __init__(self) -> None:
        self._model: Any = None

    @property
    @abstractmethod
    def expected_model_types(self) -> set[Any]:
        """The classes of which one must be the model's."""

    @property
    def model(self) -> Any:
        """The model, None until one is set."""
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        self._raise_error_if_model_is_wrong_type(model)
        self._model = model

    def predict(self, input_data: InferenceData) -> InferenceData:
        """What the model answers."""
        return self._predict(input_data)

    @abstractmethod
    def _predict(self, input_data: InferenceData) -> InferenceData:
        """What the model answers, written by the subclass."""

    def _raise_error_if_model_is_wrong_type(self, model: Any) -> None:
        if not isinstance(model, tuple(self.expected_model_types)):
            expected = ", ".join(sorted(kind.__name__ for kind in self.expected_model_types))
            raise TypeError(f"The model is a {type(model).__name__}; one of {expected} is expected.")
