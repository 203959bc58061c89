"""Does preparations: takes one, goes through its stages, says what came of it."""

import logging
import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.frameworks import FRAMEWORKS
from modelyard.core.catalogue.preparing import Prepared, Undertaking, fail, finish, keep_environment, take_preparation
from modelyard.core.catalogue.runtimes import Environment, FileClass, RuntimeKind, Stage
from modelyard.core.catalogue.upload_rules import check_isolation, framework_of, needs_preparation
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.signature import Signature
from modelyard.preparing.commission import Commission, Workshop
from modelyard.preparing.converting import Conversion, converted
from modelyard.preparing.fetching import fetched
from modelyard.preparing.isolated import StoppedError, told_by
from modelyard.preparing.looking import Look, look
from modelyard.preparing.options import options_of
from modelyard.preparing.packages import PackageChoice, built
from modelyard.preparing.signatures import read_signature
from modelyard.preparing.telling import FailedError, StageLog, Telling

_LOG = logging.getLogger(__name__)


class Preparer:
    """``name`` is unique among all runners. Blocking."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._shop = workshop
        self._name = name

    def run_next(self) -> bool:
        """Do one preparation, to whatever end; False when none waits."""
        work = self._shop.store.run_write(take_preparation, self._name)
        if work is None:
            return False
        folder = self._shop.folder / self._name / str(work.preparation.id)
        folder.mkdir(parents=True)
        try:
            with Telling(self._shop.store, work, self._name) as telling:
                self._do(work, folder, telling)
        except StoppedError:
            _LOG.info("the preparation of %s was taken away", work.version.name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return True

    def _do(self, work: Undertaking, folder: Path, telling: Telling) -> None:
        with ExitStack() as uploads:
            try:
                prepared, conversion = self._prepared(work, folder, telling, uploads)
            except FailedError as error:
                self._shop.store.run_write(fail, work.preparation.id, self._name, error.told)
                return
            self._shop.store.run_write(finish, work.preparation.id, self._name, prepared)
            if conversion is not None:
                conversion.incoming.keep()  # in case a sweep fell between: from here on the row protects it

    def _prepared(  # what comes of it, and the file that takes the upload's place
        self, work: Undertaking, folder: Path, telling: Telling, uploads: ExitStack
    ) -> tuple[Prepared, Conversion | None]:
        if not work.version.sha:
            with telling.stage(Stage.UPLOADED, f"downloading {work.version.conversion.get('uri')}") as log:
                work = replace(work, version=fetched(self._shop, work, self._name, telling, log))
        if not needs_preparation(work.version.conversion):
            with telling.stage(Stage.SCANNED, "looking at the file") as log:
                return self._checked(work.version, log), None
        with telling.stage(Stage.SCANNED, "looking at the file") as log:
            job = self._job(work, folder, telling)
            found = self._looked(job, log)
        with telling.stage(Stage.ENVIRONMENT, "choosing and installing packages") as log:
            choice = PackageChoice(job.version, job.framework, found)
            environment, python = self._environment(choice, log)
        with telling.stage(Stage.LOADED, "loading the model in the sandbox") as log:
            signature = self._loaded(job, python, log)
        with telling.stage(Stage.PARITY, "converting to ONNX and comparing") as log:
            conversion = converted(self._shop, job, choice, signature, log, uploads)
        if conversion is not None:
            parts = RuntimeKind.ONNX, conversion.sha, signature.to_json(), found.file_class
            return Prepared(*parts, parity=conversion.parity), conversion
        parts = RuntimeKind.PROCESS, job.version.sha, signature.to_json(), found.file_class
        return Prepared(*parts, job.framework.loader, options_of(job.version), environment.id), None

    def _checked(self, version: ModelVersion, log: StageLog) -> Prepared:
        """An ONNX model, which is served as it is."""
        signature = self._shop.check(self._shop.artifacts.path(version.sha)).to_json()
        log.message = FileClass.DATA
        return Prepared(RuntimeKind.ONNX, version.sha, signature, FileClass.DATA)

    def _job(self, work: Undertaking, folder: Path, telling: Telling) -> Commission:
        framework = FRAMEWORKS[framework_of(work.version.conversion)]
        self._shop.artifacts.verify(work.version.sha)
        path = self._shop.artifacts.path(work.version.sha).absolute()
        return Commission(work, framework, path, folder, telling)

    def _looked(self, job: Commission, log: StageLog) -> Look:
        found = look(job.path, job.version.file_name)
        for line in found.lines:
            log.line(line)
        log.message = found.file_class
        check_isolation(job.framework, self._shop.refusal())
        return found

    def _environment(self, choice: PackageChoice, log: StageLog) -> tuple[Environment, Path]:
        for remark in choice.remarks():
            log.line(remark)
        environment = choice.locked(self._shop.environments, log.line)
        self._keep(environment)
        python = built(self._shop.environments, environment, log.line)
        log.message = f"environment {environment.id[:12]}, {environment.lock.count('==')} packages"
        return environment, python

    def _keep(self, environment: Environment) -> None:
        try:
            self._shop.store.run_write(keep_environment, environment)
        except DomainError as error:
            if error.kind is not ErrorKind.CONFLICT:  # another runner has just kept the same
                raise

    def _loaded(self, job: Commission, python: Path, log: StageLog) -> Signature:
        task = job.task(python, self._shop.runtime(), ("modelyard_runtime", "inspect"), {})
        signature = read_signature(told_by(task, job.telling.lost, log.line))
        log.message = f"{len(signature.inputs)} inputs, {len(signature.outputs)} outputs"
        return signature
