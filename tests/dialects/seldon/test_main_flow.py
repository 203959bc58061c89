"""What people do first, with the unmodified ``seldon-deploy-sdk`` 2.4.0 and with curl alone."""

import json
import subprocess
from pathlib import Path

import pytest
from seldon_stand import BASE, create, manifest, namespace, predictor, unit, upload

from running import RunningServer, environment
from wire import Person, administrator, sign_in

_SDK = Path(__file__).parent / "sdk"
_TOKEN = """
payload="username=$SD_USER&password=$SD_PASSWORD&grant_type=password&client_id=sd-api&scope=openid"
endpoint="$HOST/auth/realms/deploy-realm/protocol/openid-connect/token"
RESULT=$(curl -k -s --noproxy '*' --data $payload $endpoint)
TOKEN=$(echo $RESULT | sed 's/.*id_token":"//g' | sed 's/".*//g')
"""
"""Takes the ID token out of the answer as people do: with ``sed``, which needs JSON without spaces."""
_LIST = """
curl -k -s --noproxy '*' -X GET "$HOST/seldon-deploy/api/v1alpha1/namespaces/$NAMESPACE/seldondeployments" \
  -H "Authorization: Bearer $TOKEN"
"""


@pytest.fixture
def space(live_server: RunningServer, person: Person) -> str:
    """A namespace of the person with the model ``fraud-model``, and a project of this name that they may write."""
    caller = sign_in(live_server, person.email, person.password)
    name, workspace_id = namespace(caller)
    upload(caller, workspace_id, "fraud-model")
    write = {"user": person.email, "permission": {"action": "write", "resource": f"project/{name}"}}
    administrator(live_server).post(f"{BASE}/iam/policy", {"userGrants": [write]})
    return name


@pytest.fixture
def deployed(live_server: RunningServer, space: str) -> str:
    """The same with a deployment ``fraud``."""
    create(administrator(live_server), space, manifest("fraud", predictor("main", unit("classifier", "fraud-model"))))
    return space


def _run(command: list[object], **environ: str) -> str:
    texts = [str(each) for each in command]
    done = subprocess.run(texts, env=environment(**environ), capture_output=True, check=False, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_sdk_goes_the_whole_way_from_signing_in_to_deleting(
    live_server: RunningServer, seldon_python: Path, person: Person, space: str
) -> None:
    arguments = [live_server.url, person.email, person.password, space, "fraud-model"]
    assert "all went well" in _run([seldon_python, _SDK / "main_flow.py", *arguments])


def test_the_sdk_lists_deployments_by_the_old_name_of_the_token(
    live_server: RunningServer, seldon_python: Path, person: Person, deployed: str
) -> None:
    arguments = [live_server.url, person.email, person.password, deployed]
    assert _run([seldon_python, _SDK / "listing.py", *arguments]).strip() == "['fraud']"


def test_curl_gets_a_token_and_lists_deployments(live_server: RunningServer, person: Person, deployed: str) -> None:
    who = {"SD_USER": person.email, "SD_PASSWORD": person.password}
    listed = json.loads(_run(["sh", "-c", _TOKEN + _LIST], HOST=live_server.url, NAMESPACE=deployed, **who))
    assert listed["kind"] == "SeldonDeploymentList"
    assert [item["metadata"]["name"] for item in listed["items"]] == ["fraud"]


def test_curl_without_a_token_gets_an_error_in_json(live_server: RunningServer, deployed: str) -> None:
    said = json.loads(_run(["sh", "-c", _LIST], HOST=live_server.url, NAMESPACE=deployed, TOKEN=""))
    assert said["code"] == 401
    assert said["message"]
