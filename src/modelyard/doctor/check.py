"""What a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad it is: ``warn`` serves, but not as it should; ``fail`` does not serve."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """``detail`` says what is, ``advice`` what to do about it (empty when nothing is to be done)."""

    name: str
    status: Status
    detail: str
    advice: str = ""


def ok(name: str, detail: str) -> Check:
    """All is well."""
    return Check(name, Status.OK, detail)


def warn(name: str, detail: str, advice: str) -> Check:
    """It works, but should be mended."""
    return Check(name, Status.WARN, detail, advice)


def fail(name: str, detail: str, advice: str) -> Check:
    """The server would not start or not serve."""
    return Check(name, Status.FAIL, detail, advice)
