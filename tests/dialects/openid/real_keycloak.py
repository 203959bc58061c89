"""The real python-keycloak, which lives in an environment of its own, called as if it were here."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_DRIVER = Path(__file__).parent / "keycloak" / "driver.py"


class RefusedError(Exception):
    """What python-keycloak raised: the name of the class, the status of the answer if there was one, and the text."""

    def __init__(self, error: str, status: int | None, message: str) -> None:
        super().__init__(f"{error} {status}: {message}")
        self.error, self.status, self.message = error, status, message


class Keycloak:
    """Makes objects of python-keycloak: ``admin`` a KeycloakAdmin, ``openid`` a KeycloakOpenID."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def admin(self, **keywords: Any) -> Any:
        """A ``KeycloakAdmin``."""
        return _Remote(self, self.call(-1, "KeycloakAdmin", [], keywords))

    def openid(self, **keywords: Any) -> Any:
        """A ``KeycloakOpenID``."""
        return _Remote(self, self.call(-1, "KeycloakOpenID", [], keywords))

    def call(self, number: int, method: str, args: list[Any], keywords: dict[str, Any]) -> Any:
        """One line there, one line back."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([number, method, args, keywords]) + "\n")
        stdin.flush()
        line = stdout.readline()
        assert line, "the interpreter of python-keycloak ended"
        answer = json.loads(line)
        if "error" in answer:
            raise RefusedError(answer["error"], answer["status"], answer["message"])
        return answer["value"]


class _Remote:
    """An object in the other interpreter: its methods are called there."""

    def __init__(self, keycloak: Keycloak, number: int) -> None:
        self._keycloak, self._number = keycloak, number

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda *args, **keywords: self._keycloak.call(self._number, method, list(args), keywords)


@contextmanager
def running(python: Path) -> Iterator[Keycloak]:
    """An interpreter with python-keycloak, ended at the end."""
    environ = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, _DRIVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            yield Keycloak(process)
        finally:
            process.kill()
