"""Several clients of MLflow's users and permissions, spoken to alike."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from modelyard.client import mlflow_auth
from running import environment
from wire import Person

_SPEAKER = Path(__file__).with_name("auth_speaker.py")


class RefusedError(Exception):
    """What the server refused, as the client tells it."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(f"{error_code}: {message}")
        self.error_code = error_code
        self.message = message


Call = Callable[[str, str, dict[str, Any], Person], Any]
"""(target, method, arguments, who asks) -> plain values; raises ``RefusedError``."""


@dataclass(frozen=True)
class Speaker:
    """One user of one client; ``auth`` is its client of users and permissions, ``track`` the one of everything else."""

    call: Call
    who: Person

    def auth(self, method: str, **arguments: Any) -> Any:
        """What a method of ``AuthServiceClient`` gives."""
        return self.call("auth", method, arguments, self.who)

    def track(self, method: str, **arguments: Any) -> Any:
        """What a method of ``MlflowClient`` gives."""
        return self.call("tracking", method, arguments, self.who)

    def refused(self, code: str, method: str, **arguments: Any) -> str:
        """The message with which a method of either is refused, which must have this code."""
        target = "auth" if "permission" in method or "user" in method or "role" in method else "tracking"
        with pytest.raises(RefusedError) as caught:
            self.call(target, method, arguments, self.who)
        assert caught.value.error_code == code, str(caught.value)
        return caught.value.message

    def as_(self, who: Person) -> "Speaker":
        """The same client for somebody else."""
        return Speaker(self.call, who)


@contextmanager
def real_client(python: Path, url: str) -> Iterator[Call]:
    """The clients of an installed MLflow, in a process of their own."""
    settings = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        [str(python), "-W", "ignore", str(_SPEAKER)],
        env=environment(**settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    told, heard = process.stdin, process.stdout

    def call(target: str, method: str, arguments: dict[str, Any], who: Person) -> Any:
        asked = {"url": url, "username": who.email, "password": who.password, "target": target}
        told.write(json.dumps(asked | {"method": method, "arguments": arguments}) + "\n")
        told.flush()
        return _heard(json.loads(heard.readline()))

    try:
        yield call
    finally:
        told.close()
        process.wait(30)
        heard.close()


def our_client(url: str, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Our own ``AuthServiceClient``, in this process."""

    def call(target: str, method: str, arguments: dict[str, Any], who: Person) -> Any:
        assert target == "auth", "there is no client of ours for this"
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", who.email)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", who.password)
        try:
            given = getattr(mlflow_auth.AuthServiceClient(url), method)(**arguments)
        except mlflow_auth.AuthServiceError as error:
            raise RefusedError(error.error_code, error.message) from error
        return json.loads(json.dumps(asdict(given))) if is_dataclass(given) and not isinstance(given, type) else given

    return call


def _heard(answer: dict[str, Any]) -> Any:
    if "error_code" in answer:
        raise RefusedError(answer["error_code"], answer["message"])
    return answer["value"]
