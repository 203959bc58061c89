"""Checks an uploaded ONNX file in a process of its own, so that a hostile file can hurt nothing but that process.

Run as ``python -m modelyard.engines.onnx_check FILE``: prints ``{"signature": …}`` or ``{"error": …}``.
"""

import mmap
import sys
from pathlib import Path
from typing import Any

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import Signature
from modelyard.engines.child import Work, refusal, run_child, tell

_CPU_SECONDS = 60
_WALL_SECONDS = 120
_BASE_MEMORY = 1024**3  # what onnxruntime and Python may take besides the model


def check_model(path: Path) -> Signature:
    """The tensors of a model that can be served; ``INVALID`` tells why it cannot.

    ``external`` in its details says that only other files, in which it keeps tensors, are missing.
    """
    finished = run_child(_work(path))
    answer = finished.answer
    if answer is None:
        raise invalid(f"the check of the model died ({finished.cause}): the file is damaged, hostile or too large")
    if "error" in answer:
        raise invalid(answer["error"], external=answer.get("external", False))
    return Signature.from_json(answer["signature"])


def _work(path: Path) -> Work:
    return Work(
        module="modelyard.engines.onnx_check",
        path=path,
        doing="the check of the model",
        seconds=_WALL_SECONDS,
        cpu_seconds=_CPU_SECONDS,
        memory_bytes=_BASE_MEMORY + 6 * path.stat().st_size,
    )


def _inspect(path: Path) -> Signature:
    from modelyard.engines import onnx, onnx_file  # noqa: PLC0415  # only under the limits

    with path.open("rb") as file:
        if not path.stat().st_size:
            raise invalid("the file is empty")
        # Left open until the process ends: parts of it live on in the traceback of a refusal.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _refuse(onnx_file.read_facts(memoryview(mapped)))
    return onnx.load(path).signature


def _refuse(facts: Any) -> None:
    """Refuse what the runtime would not: it names versions and operators that it lacks when it loads the file."""
    if facts.external:
        where = next((name for name in facts.external if name), "?")
        raise invalid(
            f"the model keeps tensors in another file ({where[:200]!r}); save it as one file, without external data",
            external=True,
        )


def main(path: Path) -> None:
    """Check the file and print the result as one line of JSON."""
    try:
        answer: dict[str, Any] = {"signature": _inspect(path).to_json()}
    except DomainError as error:
        answer = refusal(error)
    tell(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
