"""What may keep the server from working on this machine, looked at without changing anything.

``run_doctor`` asks every question even when one has a bad answer; the checks need no running server.
"""

from collections.abc import Callable, Iterator
from itertools import chain

from modelyard.doctor.check import Check, Status, fail
from modelyard.doctor.folder import check_address, check_database, check_folder, check_keys
from modelyard.doctor.issuers import check_issuers
from modelyard.doctor.machine import check_disk, check_libraries, check_open_files, check_python, check_sandbox
from modelyard.doctor.packages import check_environment_files, check_environments
from modelyard.settings import Settings

__all__ = ["Check", "Status", "run_doctor"]

_QUESTIONS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    check_python,
    check_libraries,
    check_folder,
    check_disk,
    check_keys,
    check_database,
    check_address,
    check_issuers,
    check_open_files,
    check_sandbox,
    check_environments,
)


def run_doctor(settings: Settings, *, environments: bool = False) -> list[Check]:
    """Findings for each question, in an order in which to mend them.

    ``environments`` has every file of the environments read, which takes a second or more for each.
    """
    questions = (*_QUESTIONS, _check_environment_bytes if environments else check_environment_files)
    return list(chain.from_iterable(_answers(question, settings) for question in questions))


def _check_environment_bytes(settings: Settings) -> Iterator[Check]:
    return check_environment_files(settings, fully=True)


def _answers(question: Callable[[Settings], Iterator[Check]], settings: Settings) -> list[Check]:
    try:
        return list(question(settings))
    except Exception as error:  # noqa: BLE001 - the one thing a doctor must not do is to fall ill
        name = question.__name__.removeprefix("_").removeprefix("check_").replace("_", " ")
        return [fail(name, f"{type(error).__name__}: {error}", "This check did not expect that; please report it.")]
