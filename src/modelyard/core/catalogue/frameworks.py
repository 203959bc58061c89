"""The frameworks whose models can be served, and what each needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Framework:
    """``loader`` names what loads its models in ``modelyard_runtime.loaders``.

    ``requirements`` are what its environment holds where the upload asks for nothing else, ``converter`` what is needed
    beside them to make an ONNX model of one (empty: there is no way). ``code`` says that loading a model may run code
    that came with it. ``options`` are for the loader, beside those of the upload.
    """

    loader: str
    requirements: tuple[str, ...] = ()
    converter: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    code: bool = True
    options: Mapping[str, str] = field(default_factory=dict)


ONNX = "onnx"
RUNTIME_REQUIREMENTS = ("numpy", "pyarrow")
"""What every environment holds: with these the model's process talks to the server."""

_RUNTIME = ("onnxruntime",)
"""What a converted model is compared in with the original."""
_SKLEARN = ("skl2onnx", "onnx", *_RUNTIME)
_TREES = ("onnxmltools", *_SKLEARN)
_TENSORFLOW = ("tf2onnx", "onnx", *_RUNTIME)
_TRANSFORMERS = ("transformers>=4.50,<5", "torch", "pillow", "scipy", "sentencepiece")
"""Version 5 has no pipelines for questions, summaries, translations and pictures' texts any more."""

FRAMEWORKS: dict[str, Framework] = {
    "sklearn": Framework("sklearn", ("scikit-learn", "joblib"), _SKLEARN, (".pkl", ".pickle", ".joblib", ".skops")),
    "xgboost": Framework(
        "xgboost", ("xgboost-cpu", "scikit-learn"), _TREES, (".json", ".ubj", ".pkl", ".pickle", ".joblib")
    ),
    "lightgbm": Framework(
        "lightgbm", ("lightgbm", "scikit-learn"), _TREES, (".txt", ".lgb", ".pkl", ".pickle", ".joblib")
    ),
    "tensorflow": Framework("tensorflow", ("tensorflow-cpu",), _TENSORFLOW, (".zip",)),
    "keras": Framework("keras", ("tensorflow-cpu",), _TENSORFLOW, (".keras", ".h5", ".zip")),
    "pytorch": Framework("pytorch", ("torch",), ("onnx", *_RUNTIME), (".pt", ".pth", ".zip")),
    "mlflow": Framework("mlflow", ("mlflow-skinny", "pandas"), (), (".zip",)),
    "python": Framework("python_step", ("pandas",), (), (".py", ".zip")),
    "custom": Framework("custom", (), (), (".zip",)),
} | {
    f"hugging-face-{task}": Framework("hugging_face", _TRANSFORMERS, (), (".zip",), options={"task": task})
    for task in (
        "audio-classification",
        "automatic-speech-recognition",
        "feature-extraction",
        "fill-mask",
        "image-classification",
        "image-segmentation",
        "image-to-text",
        "object-detection",
        "question-answering",
        "sentiment-analysis",
        "summarization",
        "text-classification",
        "text-generation",
        "token-classification",
        "translation",
        "zero-shot-classification",
        "zero-shot-image-classification",
        "zero-shot-object-detection",
    )
}
"""By the name under which uploads ask for them; ONNX is not among them: it needs no preparation."""
