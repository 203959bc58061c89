"""The unmodified MLflow client against a running server: each scenario of ``client/`` runs in MLflow's own venv."""

import json
import os
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import real_clients
from mlflow_server import MlflowServer
from running import RunningServer

_SCENARIOS = Path(__file__).parent / "client"
_SECONDS = 170


@dataclass(frozen=True)
class Client:
    """MLflow in the environment of ``python``, working in ``folder``."""

    python: Path
    server: RunningServer | MlflowServer
    folder: Path

    def run(self, scenario: str, settings: dict[str, str] | None = None, **given: Any) -> Any:
        """What the scenario returned; as the administrator, if the settings name nobody else."""
        own = self.folder / f"run-{uuid.uuid4().hex[:8]}"
        own.mkdir()
        done = subprocess.run(
            [self.python, _SCENARIOS / "run.py", scenario, own / "result.json"],
            check=False,
            input=json.dumps({"name": f"{scenario} {uuid.uuid4().hex[:8]}"} | given),
            env=self._environment(own, settings or self.administrator),
            cwd=own,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        assert done.returncode == 0, f"{scenario} failed:\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
        return json.loads((own / "result.json").read_text())

    @property
    def administrator(self) -> dict[str, str]:
        """HTTP Basic, as users set it."""
        return {
            "MLFLOW_TRACKING_USERNAME": self.server.admin_username,
            "MLFLOW_TRACKING_PASSWORD": self.server.admin_password,
        }

    def _environment(self, own: Path, settings: dict[str, str]) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
        fixed = {
            "HOME": str(own),
            "MLFLOW_TRACKING_URI": self.server.url,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "NO_PROXY": "127.0.0.1",
        }
        return real_clients.FONTS | kept | fixed | settings
