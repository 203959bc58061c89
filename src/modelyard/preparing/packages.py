"""Which packages a version needs, and the environment that has them."""

from collections.abc import Callable, Iterable
from pathlib import Path

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.frameworks import RUNTIME_REQUIREMENTS, Framework
from modelyard.core.catalogue.requirements import check_requirements, name_of
from modelyard.core.catalogue.runtimes import Environment
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.engines.environments import SERVER_PYTHON, Environments
from modelyard.engines.environments.locks import pins_of
from modelyard.preparing.looking import Look

Log = Callable[[str], None]

_SKLEARN = "scikit-learn"
_VARIANTS = ("-cpu", "-skinny")
"""Ends of names of packages that hold the same modules as the package without it."""


class PackageChoice:
    """What one version asks for: the upload, its file, its framework, in this order."""

    def __init__(self, version: ModelVersion, framework: Framework, look: Look) -> None:
        own = look.requirements.requirements if look.requirements else []
        self._asked = check_requirements([*version.conversion.get("requirements", []), *own])
        self._framework = framework
        self._sklearn = look.sklearn
        self._look = look

    def remarks(self) -> list[str]:
        """What is not done as the file says."""
        said = self._look.requirements
        if said is None:
            return []
        lines = [f"packages of conda are not installed: {', '.join(said.not_honoured)}"] if said.not_honoured else []
        if said.python not in (None, SERVER_PYTHON):
            lines.append(f"the model was made with Python {said.python}; it runs with Python {SERVER_PYTHON}")
        return lines

    def locked(self, environments: Environments, log: Log, more: Iterable[str] = ()) -> Environment:
        """The versions of all that is needed, with ``more`` beside it.

        A pickled estimator is loaded by the version of scikit-learn that pickled it, where that can be had.
        """
        wanted = self._wanted(more)
        if self._sklearn and _SKLEARN in map(name_of, wanted) and _SKLEARN not in map(name_of, self._asked):
            try:
                return environments.lock([*wanted, f"{_SKLEARN}=={self._sklearn}"], log=log)
            except DomainError as error:
                if error.kind is not ErrorKind.INVALID:
                    raise
                log(f"the model was pickled by scikit-learn {self._sklearn}, which cannot be had: {error.message}")
        return environments.lock(wanted, log=log)

    def _wanted(self, more: Iterable[str]) -> list[str]:
        named = set(map(name_of, self._asked))
        usual = check_requirements([*self._framework.requirements, *RUNTIME_REQUIREMENTS, *more])
        return check_requirements([*self._asked, *(each for each in usual if not _names(each) & named)])


def built(environments: Environments, environment: Environment, log: Log) -> Path:
    """Its interpreter, once it is there; the log names all packages."""
    python = environments.ensure(environment, log)
    for pin in pins_of(environment.lock):
        log(pin)
    return python


def _names(requirement: str) -> set[str]:
    name = name_of(requirement)
    return {name, *(name.removesuffix(end) for end in _VARIANTS)}
