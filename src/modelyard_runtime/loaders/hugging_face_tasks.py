"""What the tasks of transformers take and give where an upload does not say: names as the pipelines have them.

Only what a caller must send is among the inputs. What differs in length from row to row is given as JSON.
"""

from dataclasses import dataclass

from modelyard_runtime.model import Tensor


@dataclass(frozen=True)
class Task:
    """``pipeline`` is the name that transformers has for it."""

    pipeline: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def _text(name: str) -> Tensor:
    return Tensor(name, "string", (None,))


def _json(name: str) -> Tensor:
    return Tensor(name, "json", (None,))


def _number(name: str, dtype: str) -> Tensor:
    return Tensor(name, dtype, (None,))


MAIN = "inputs"
_TEXTS = (_text(MAIN),)
_IMAGES = (Tensor(MAIN, "uint8", (None, None, None, 3)),)
_SOUNDS = (Tensor(MAIN, "float32", (None, None)),)
_CLASS = (_text("label"), _number("score", "float64"))
_CANDIDATES = (_json("label"), _json("score"))

TASKS: dict[str, Task] = {
    "audio-classification": Task("audio-classification", _SOUNDS, _CANDIDATES),
    "automatic-speech-recognition": Task("automatic-speech-recognition", _SOUNDS, (_text("text"),)),
    "feature-extraction": Task("feature-extraction", _TEXTS, (_json("output"),)),
    "fill-mask": Task("fill-mask", _TEXTS, (*(_json(name) for name in ("token_str", "score", "sequence")),)),
    "image-classification": Task("image-classification", _IMAGES, _CANDIDATES),
    "image-segmentation": Task("image-segmentation", _IMAGES, (*_CANDIDATES, _json("mask"))),
    "image-to-text": Task("image-to-text", _IMAGES, (_text("generated_text"),)),
    "object-detection": Task("object-detection", _IMAGES, (*_CANDIDATES, _json("box"))),
    "question-answering": Task(
        "question-answering",
        (_text("question"), _text("context")),
        (_text("answer"), _number("score", "float64"), _number("start", "int64"), _number("end", "int64")),
    ),
    "sentiment-analysis": Task("text-classification", _TEXTS, _CLASS),
    "summarization": Task("summarization", _TEXTS, (_text("summary_text"),)),
    "text-classification": Task("text-classification", _TEXTS, _CLASS),
    "text-generation": Task("text-generation", _TEXTS, (_text("generated_text"),)),
    "token-classification": Task(
        "token-classification", _TEXTS, (*(_json(name) for name in ("word", "entity", "score", "start", "end")),)
    ),
    "translation": Task("translation", _TEXTS, (_text("translation_text"),)),
    "zero-shot-classification": Task(
        "zero-shot-classification",
        (*_TEXTS, Tensor("candidate_labels", "string", (None, None))),
        (_text("sequence"), _json("labels"), _json("scores")),
    ),
    "zero-shot-image-classification": Task(
        "zero-shot-image-classification", (*_IMAGES, Tensor("candidate_labels", "string", (None, None))), _CANDIDATES
    ),
    "zero-shot-object-detection": Task(
        "zero-shot-object-detection",
        (*_IMAGES, Tensor("candidate_labels", "string", (None, None))),
        (*_CANDIDATES, _json("box")),
    ),
}
"""By the end of the framework's name."""

IMAGE_TASKS = frozenset(task.pipeline for task in TASKS.values() if task.inputs[:1] == _IMAGES)
SOUND_TASKS = frozenset(task.pipeline for task in TASKS.values() if task.inputs == _SOUNDS)
