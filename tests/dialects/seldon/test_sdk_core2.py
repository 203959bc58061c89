"""The unmodified ``seldon-deploy-sdk`` 2.4.0 works with Models, Pipelines, experiments and revisions."""

import subprocess
from pathlib import Path

from seldon_stand import collection, create, manifest, namespace, predictor, unit, upload
from small_models import affine

from running import RunningServer, environment
from wire import administrator

_SCRIPT = Path(__file__).parent / "sdk" / "core2.py"


def test_the_sdk_works_with_core_2(live_server: RunningServer, seldon_python: Path) -> None:
    caller = administrator(live_server)
    space, workspace = namespace(caller)
    for name, factor in (("one", 2.0), ("two", 3.0)):
        upload(caller, workspace, name, affine(factor, 0.0, 2))
    document = manifest("told", predictor("main", unit("classifier", "one")))
    create(caller, space, document)
    document["metadata"]["labels"] = {"team": "fraud"}
    assert caller.call("PUT", f"{collection(space)}/told", json=document).status_code == 200
    command = [seldon_python, _SCRIPT, live_server.url, str(caller.token), space, "one", "two", "told"]
    done = subprocess.run(command, env=environment(), capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
