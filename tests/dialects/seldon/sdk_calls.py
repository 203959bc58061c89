"""Calls of the real SDK as somebody, one after another."""

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

from wire import Caller

_SCRIPT = Path(__file__).parent / "catalogue_sdk" / "run.py"
_SECONDS = 60

Call = tuple[str, str, list[Any], dict[str, Any]]


class SdkCalls:
    """``python`` has the SDK; files between it and us lie in ``folder``."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._python, self._folder = python, folder

    def all(self, caller: Caller, *calls: Call) -> list[dict[str, Any]]:
        """What each call gave; see ``catalogue_sdk/run.py``."""
        own = self._folder / uuid.uuid4().hex[:8]
        own.mkdir()
        (own / "given.json").write_text(json.dumps({"url": caller.url, "token": caller.token, "calls": calls}))
        command = [self._python, _SCRIPT, own / "given.json", own / "result.json"]
        environ = {"PATH": os.environ["PATH"], "HOME": str(own)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, env=environ, check=False)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads((own / "result.json").read_text())
        return found

    def one(self, caller: Caller, name: str, operation: str, *arguments: Any, **named: Any) -> dict[str, Any]:
        """One call."""
        return self.all(caller, (name, operation, list(arguments), named))[0]
