"""A real S3 server: moto's, in an environment of its own."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

_VENV = Path(__file__).parents[1] / ".cache" / "venvs" / "moto-5.2.5"
_SECONDS = 30


@dataclass(frozen=True)
class S3Server:
    """``log`` is the file with the lines of all requests that it got."""

    endpoint: str
    log: Path

    def bucket(self, name: str, acl: str = "public-read") -> None:
        """Make a bucket."""
        self._put(name, b"", acl)

    def put(self, bucket: str, key: str, content: bytes, acl: str = "public-read") -> None:
        """Keep an object."""
        self._put(f"{bucket}/{key}", content, acl)

    def _put(self, path: str, content: bytes, acl: str) -> None:
        headers = {"x-amz-acl": acl, "content-type": "application/octet-stream"}
        answer = requests.put(f"{self.endpoint}/{path}", data=content, headers=headers, timeout=_SECONDS)
        assert answer.status_code == 200, answer.text


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Started on a free port, ended afterwards."""
    python = Path(os.environ.get("MODELYARD_TEST_MOTO_PYTHON", _VENV / "bin" / "python"))
    if not python.exists():
        pytest.fail(f"there is no moto at {python}: run scripts/test, or name one in MODELYARD_TEST_MOTO_PYTHON")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "moto.log"
    command = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _await(f"http://127.0.0.1:{port}", process)
        yield S3Server(f"http://127.0.0.1:{port}", log)
    finally:
        process.kill()
        process.wait()


def _await(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "moto ended"
        try:
            requests.get(f"{endpoint}/moto-api/", timeout=1)
        except requests.ConnectionError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(endpoint)
