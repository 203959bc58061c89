"""Which file of a folder is the model: an ONNX file, an MLflow model's, or that of a version in a Triton repository.

Looks at names, and into ``MLmodel``; whether the file can be served is for the check of its content to say.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from modelyard.core.catalogue.mlmodel import flavors_of, onnx_file
from modelyard.core.kernel.errors import invalid

MLMODEL, TRITON = "MLmodel", "config.pbtxt"
_SUFFIX = ".onnx"
_SHOWN = 100

# What a file's name, or the end of it, says of the library that reads it.
_RUNTIMES = {
    "saved_model.pb": "TensorFlow",
    ".savedmodel": "TensorFlow",
    ".joblib": "scikit-learn",
    ".pickle": "scikit-learn",
    ".pkl": "scikit-learn",
    ".bst": "XGBoost",
    ".ubj": "XGBoost",
    ".keras": "Keras",
    ".h5": "Keras",
    ".pt": "PyTorch",
    ".pth": "PyTorch",
    ".plan": "TensorRT",
    ".safetensors": "Hugging Face Transformers",
    ".dill": "Python",
}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The model's file and those in its folder that it may keep tensors in: paths below what was looked at."""

    path: str
    beside: tuple[str, ...]


def find_model(paths: Collection[str], read: Callable[[str], bytes], version: int | None = None) -> ModelFile:
    """The model among these files; ``INVALID`` says why there is none to serve.

    ``read`` gives the content of a small file. ``version`` chooses among numbered folders; the highest by default.
    """
    if MLMODEL in paths:
        return _at(paths, onnx_file(flavors_of(read(MLMODEL))))
    folder = _of_repository(paths)
    below = _inside(paths, folder)
    inside = _version_folder(below, version)
    if inside is None and folder:
        raise invalid(f"the Triton model {folder.rstrip('/')!r} has no folder with a number, that is no version")
    return _only_one(paths, folder + (inside or ""))


def telling_part(uri: str) -> str:
    """The part of a URI that names its model best: ``s3://b/fraud/2/model.onnx`` gives ``fraud``."""
    parts = [part for part in uri.partition(":")[2].split("/") if part]
    parts = [part.removesuffix(_SUFFIX) for part in parts]
    telling = [part for part in parts if not part.isdecimal() and part not in ("model", "artifacts")]
    return (telling or parts or [""])[-1]


def _of_repository(paths: Collection[str]) -> str:
    """The folder with Triton's description of a model, with a slash behind; empty where there is none below."""
    described = sorted(path for path in paths if path.rpartition("/")[2] == TRITON and path.count("/") < 2)
    if not described:
        return ""
    if len(described) > 1:
        names = ", ".join(path.rpartition("/")[0][:_SHOWN] or "." for path in described[:10])
        raise invalid(f"it is a Triton repository of several models ({names}): let the URI name the folder of one")
    return described[0].removesuffix(TRITON)


def _version_folder(paths: Collection[str], version: int | None) -> str | None:
    numbers = sorted({int(path.partition("/")[0]) for path in paths if _numbered(path)})
    if not numbers:
        if version is not None:
            raise invalid(f"there is no folder with the number {version}: no folder here has a number")
        return None
    if version is not None and version not in numbers:
        known = ", ".join(str(number) for number in numbers[-10:])
        raise invalid(f"there is no folder with the number {version}; there are {known}")
    chosen = numbers[-1] if version is None else version
    return next(
        f"{path.partition('/')[0]}/" for path in paths if _numbered(path) and int(path.partition("/")[0]) == chosen
    )


def _numbered(path: str) -> bool:
    first, inside, _ = path.partition("/")
    return bool(inside) and first.isdecimal() and first.isascii() and len(first) < 19


def _only_one(paths: Collection[str], folder: str) -> ModelFile:
    here = [path for path in _inside(paths, folder) if "/" not in path]
    models = sorted(path for path in here if path.lower().endswith(_SUFFIX))
    if len(models) > 1:
        names = ", ".join(name[:_SHOWN] for name in models[:10])
        raise invalid(f"there are {len(models)} ONNX files ({names}): let the URI name one of them")
    if not models:
        raise invalid(_missing_runtime(_inside(paths, folder)))
    return _at(paths, folder + models[0])


def _at(paths: Collection[str], path: str) -> ModelFile:
    if path not in paths:
        raise invalid(f"its file {path[:_SHOWN]!r} is missing")
    folder = path.rpartition("/")[0]
    beside = tuple(p for p in sorted(paths) if p != path and p.rpartition("/")[0] == folder)
    return ModelFile(path, beside)


def _missing_runtime(paths: Collection[str]) -> str:
    for path in sorted(paths, key=lambda p: (p.count("/"), p)):
        name = PurePosixPath(path).name.lower()
        for ending, runtime in _RUNTIMES.items():
            if name.endswith(ending):
                return (
                    f"{path[:_SHOWN]!r} is a model for {runtime}, and this server has no runtime for that yet; "
                    "convert the model to ONNX"
                )
    return "there is no model: a file that ends in .onnx, an MLflow model or a Triton repository is needed"


def _inside(paths: Collection[str], folder: str) -> list[str]:
    return [path.removeprefix(folder) for path in paths if path.startswith(folder)]
