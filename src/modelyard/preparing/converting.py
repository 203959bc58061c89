"""The stage in which an ONNX model may take the upload's place: where a converter makes one that answers the same."""

import math
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.core.catalogue.artifacts import Upload
from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import Signature
from modelyard.preparing.commission import Commission, Workshop
from modelyard.preparing.isolated import opened, written_by
from modelyard.preparing.options import may_convert
from modelyard.preparing.packages import PackageChoice, built
from modelyard.preparing.telling import StageLog

_MODULE = ("modelyard_runtime.conversion",)
_TARGET = "model.onnx"
_CHUNK = 2**20
_FIGURES = ("rows", "max_difference", "tolerance", "equal_labels")


@dataclass(frozen=True, slots=True)
class Conversion:
    """An ONNX model, kept in the artifact store under ``sha``; ``parity`` as of ``ModelRuntime``."""

    sha: str
    incoming: Upload
    parity: dict[str, Any]


def converted(  # what with, of what, with which packages, to which tensors
    shop: Workshop, job: Commission, choice: PackageChoice, signature: Signature, log: StageLog, uploads: ExitStack
) -> Conversion | None:
    """The ONNX model that answers as the upload does; None where there is none, ``log`` says why.

    Its file is part of ``uploads`` until the version refers to it.
    """
    if not may_convert(job.version):
        log.skip("the upload asks for no conversion")
        return None
    if not job.framework.converter:
        log.skip("there is no converter to ONNX for this framework")
        return None
    try:
        found = _convert(shop, job, choice, log, uploads)
        _check(shop, found.incoming.path, signature)
        found.incoming.keep()
    except (DomainError, OSError) as error:
        log.skip(f"served as it is: {error.message if isinstance(error, DomainError) else error.strerror}")
        return None
    rows, difference = found.parity.get("rows"), found.parity.get("max_difference")
    log.message = f"an ONNX model answers {rows} rows with differences of at most {difference}"
    return found


def _convert(  # see converted
    shop: Workshop, job: Commission, choice: PackageChoice, log: StageLog, uploads: ExitStack
) -> Conversion:
    environment = choice.locked(shop.environments, log.line, job.framework.converter)
    python = built(shop.environments, environment, log.line)
    task = job.task(python, shop.runtime(), _MODULE, {"target": _TARGET})
    answer = written_by(task, job.telling.lost, log.line)
    parity = _figures(answer.get("parity"))
    if answer.get("converted") is not True:
        raise invalid(f"{str(answer.get('reason'))[:1000]} {parity or ''}".rstrip())
    incoming = uploads.enter_context(shop.artifacts.upload(shop.limit))
    with opened(task.folder / _TARGET) as file:
        while chunk := file.read(_CHUNK):
            incoming.write(chunk)
    return Conversion(incoming.finish(), incoming, parity)


def _check(shop: Workshop, path: Path, signature: Signature) -> None:
    """The conversion must itself be a model that can be served, with the tensors of the upload."""
    if shop.check(path).to_json() != signature.to_json():
        raise invalid("the conversion has other inputs or outputs than the model")


def _figures(parity: object) -> dict[str, Any]:
    given = parity if isinstance(parity, dict) else {}
    numbers = {name: given.get(name) for name in _FIGURES}
    return {name: value for name, value in numbers.items() if isinstance(value, int | float) and math.isfinite(value)}
