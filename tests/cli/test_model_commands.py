"""``modelyard model``: uploads of other frameworks, and what is shown of them."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression

from modelyard.cli import run
from running import RunningServer

Line = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def line(
    live_server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Line:
    """Runs command lines, signed in as the administrator, in a workspace of their own."""
    for name in ("URL", "TOKEN", "USERNAME", "PASSWORD", "WORKSPACE", "DEBUG"):
        monkeypatch.delenv(f"MODELYARD_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def typed(command: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = run(command.split())
        return code, *capsys.readouterr()

    login = f"login {live_server.url} -u {live_server.admin_username} --password-stdin"
    assert typed(login, live_server.admin_password + "\n")[0] == 0
    typed("workspace create frameworks")
    return typed


def shown(line: Line, name: str) -> Any:
    code, out, err = line(f"model show {name} -w frameworks -o json")
    assert code == 0, err
    return json.loads(out)


def test_an_upload_waits_stage_by_stage_and_shows_what_serves_it(line: Line, tmp_path: Path) -> None:
    rows = np.arange(20.0).reshape(10, 2)
    joblib.dump(LinearRegression().fit(rows, rows.sum(axis=1)), tmp_path / "sum.joblib")
    (tmp_path / "out.schema").write_bytes(pa.schema([pa.field("total", pa.float64())]).serialize())
    schemas = f"--input-schema row:float64[2] --output-schema {tmp_path / 'out.schema'}"
    upload = f"model upload sum {tmp_path / 'sum.joblib'} --framework sklearn {schemas} -w frameworks -o json"
    code, out, err = line(upload)
    assert code == 0, err
    assert json.loads(out)["status"] == "ready"
    assert "Making sum ready: environment" in err
    details = shown(line, "sum")
    assert (details["status"], details["number"], details["framework"]) == ("ready", 1, "sklearn")
    assert details["file_class"] == "contains code"
    assert (details["inputs"], details["outputs"]) == (["row: float64[2]"], ["total: float64"])
    assert [stage["stage"] for stage in details["stages"]] == [
        *("uploaded", "scanned", "environment", "loaded", "parity", "ready")
    ]
    code, out, err = line("model show sum --version 1 --log -w frameworks")
    assert (code, "scikit-learn==" in err, "STAGE parity" in out) == (0, True, True)
    assert "rows, differences of at most" in out


def test_an_upload_that_fails_says_in_which_stage_and_where_its_log_is(line: Line, tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and nothing more")
    code, _, err = line(f"model upload broken {tmp_path / 'broken.zip'} --framework custom -w frameworks")
    assert code == 1
    assert "stage scanned: the file is no zip archive" in err
    assert "modelyard model show broken" in err
    assert shown(line, "broken")["stages"][1]["state"] == "failed"
