"""The options that many commands share, with the same names and meaning everywhere."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from cyclopts import Group, Parameter

SHARED = Group("Everywhere", sort_key=100)


class Output(StrEnum):
    """How data are written to standard output."""

    TABLE = "table"
    JSON = "json"


@Parameter(name="*", group=SHARED)
@dataclass(frozen=True)
class Common:
    """What every command that talks to a server takes."""

    url: Annotated[str | None, Parameter(name="--url", env_var="MODELYARD_URL")] = None
    """The server; by default that of the last login, or http://127.0.0.1:8080."""

    output: Annotated[Output, Parameter(name=["--output", "-o"])] = Output.TABLE
    """How to write data to standard output."""

    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="", show_default=False)] = False
    """Say nothing on standard error but errors."""


@Parameter(name="*", group=SHARED)
@dataclass(frozen=True)
class InWorkspace(Common):
    """The same for commands about the things in one workspace."""

    workspace: Annotated[str | None, Parameter(name=["--workspace", "-w"], env_var="MODELYARD_WORKSPACE")] = None
    """The workspace; may be left out by those who see only one."""


COMMON = Common()
IN_WORKSPACE = InWorkspace()


def examples(*lines: str) -> str:
    """The examples below a command's help."""
    return "Examples:\n" + "\n".join(f"  modelyard {line}" for line in lines)
