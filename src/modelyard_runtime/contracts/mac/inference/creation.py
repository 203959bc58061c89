"""What makes a custom model from the folder that was uploaded."""

from abc import ABC, abstractmethod
from typing import Any

from ..config.inference import CustomInferenceConfig  # noqa: TID252  # imported as "mac" and as what it lies in
from . import Inference


class InferenceBuilder(ABC):
    """Makes one kind of inference."""

    @property
    @abstractmethod
    def inference(self) -> Any:
        """The class of what is made."""

    @abstractmethod
    def create(self, config: CustomInferenceConfig) -> Inference:
        """The inference with its model, read from ``config.model_path``."""
