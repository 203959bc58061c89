"""Calls of the SDK for what watches over deployments, made in its own interpreter."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wire import Caller

_SCRIPT = Path(__file__).parent / "monitor_sdk" / "run.py"
_SECONDS = 60


class Monitor:
    """``python`` has the SDK; each run has files of its own below ``folder``."""

    def __init__(self, caller: Caller, python: Path, folder: Path) -> None:
        self._caller, self._python, self._folder = caller, python, folder

    def call(self, calls: Sequence[dict[str, Any]]) -> list[Any]:
        """What each operation returned."""
        given, result = self._folder / "given.json", self._folder / "result.json"
        given.write_text(json.dumps({"url": self._caller.url, "token": self._caller.token, "calls": list(calls)}))
        run = subprocess.run(
            [self._python, _SCRIPT, given, result],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
            env={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
        )
        assert run.returncode == 0, run.stdout + run.stderr
        found: list[Any] = json.loads(result.read_text())
        return found


def call(api: str, operation: str, *args: Any, **more: Any) -> dict[str, Any]:
    """One operation; ``body`` is its last argument, of the SDK's class ``type`` where one is named."""
    return {"api": api, "operation": operation, "args": list(args), **more}
