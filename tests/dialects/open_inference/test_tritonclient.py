"""NVIDIA's own client of the protocol, unmodified, over both of its ways."""

import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from served import FRAUD, Served, made, tensor

from dialects.wallaroo import deploying

TOUR = Path(__file__).parent / "triton" / "tour.py"


@pytest.mark.parametrize("way", ["http", "grpc"])
def test_tritonclient_gets_all_it_asks_for(served: Served, triton_python: Path, way: str) -> None:
    spare = f"spare-{way}"
    made(served.caller, served.workspace_id, deploying.MODELS / "ccfraud.onnx", spare)
    asked = {"inputs": [tensor("tensor", [1, 29], "FP32", FRAUD)]}
    given = {
        "http": urlsplit(served.server.url).netloc,
        "grpc": f"127.0.0.1:{served.grpc_port}",
        "token": served.caller.token,
        "spare": spare,
        "fraud": served.infer("ccfraud", asked).json()["outputs"][0]["data"][0],
    }
    command = [str(triton_python), str(TOUR), json.dumps(given), way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert done.stdout.endswith("done\n")
