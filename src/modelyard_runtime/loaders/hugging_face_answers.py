"""What pipelines of transformers answer, as JSON has it."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def part(answer: Any, name: str) -> Any:
    """What an answer says under this name: of candidates for each of several gaps in a text, a list of lists."""
    if isinstance(answer, list):
        return [part(candidate, name) for candidate in answer]
    if not isinstance(answer, Mapping) or name not in answer:
        raise RuntimeError(f"The pipeline gave no {name!r}.")
    value = answer[name]
    if name == "mask":
        return np.asarray(value).tolist()
    return list(value.values()) if name == "box" else plain(value)


def plain(value: Any) -> Any:
    """Numbers, texts, lists and mappings of Python, where there may be numpy's."""
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
