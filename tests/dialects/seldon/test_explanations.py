"""Explanations of a running deployment: with the package ``shap``, or a clear word about it being missing."""

import threading
import time
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from flow_stand import add_model, add_pipeline, pipeline, space_url, step
from jobs_world import ROW, Site, site
from seldon_stand import create, expected, manifest, namespace, predictor, unit, until, upload

from running import StartServer
from wire import Caller, invite, sign_in

explained = pytest.mark.skipif(find_spec("shap") is None, reason="shap, the extra 'explain', is not installed")


@pytest.fixture(scope="module")
def here(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return site(start_module_server(), tmp_path_factory.mktemp("roots"))


def _explain(here: Site, payload: Any) -> dict[str, Any]:
    answer = here.call("POST", "/explain", json=payload)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.skipif(find_spec("shap") is not None, reason="shap is installed")
def test_without_the_package_it_says_which_to_install(here: Site) -> None:
    answer = here.call("POST", "/explain", json={"data": {"ndarray": [ROW]}})
    assert answer.status_code == 424
    assert "pip install 'modelyard[explain]'" in answer.json()["message"]


@explained
def test_base_and_attributions_sum_up_to_the_prediction(here: Site) -> None:
    rows = [ROW, [value + 0.5 for value in ROW], [*ROW[:-1], 0.0]]
    told = _explain(here, {"data": {"ndarray": rows}})
    data, meta = told["data"], told["meta"]
    assert (meta["background"], meta["backgroundRows"]) == ("zeros", 1)
    values, base = np.array(data["shap_values"]), np.array(data["expected_value"])
    assert values.shape == (1, 3, 29)
    assert base == pytest.approx(np.array(here.expected([0.0] * 29))[0], rel=1e-4)
    expected = np.array(here.expected(*rows)).T
    assert values.sum(axis=2) + base[:, None] == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert data["feature_names"][:2] == ["tensor:0", "tensor:1"]
    assert values[0, [0, 2], 0] == pytest.approx(0)  # as in the background: it can have added nothing
    assert data["output_names"] == ["dense_1"]


@explained
def test_what_was_logged_is_the_background_for_those_who_may_read_it(here: Site) -> None:
    other = site(here.server, here.folder.parent, name="logged")
    other.expected(*([value + at for value in ROW] for at in range(30)))
    told = _explain(other, [{"tensor": ROW}])
    assert told["meta"] | {"background": "the newest logged rows", "backgroundRows": 20} == told["meta"]
    assert sum(told["data"]["shap_values"][0][0]) + told["data"]["expected_value"][0] == pytest.approx(
        told["data"]["raw"]["raw_prediction"][0][0], rel=1e-3, abs=1e-6
    )


@explained
def test_explaining_is_not_logged_and_holds_nobody_up(here: Site) -> None:
    other = site(here.server, here.folder.parent, name="quiet")
    slowest, stop = [0.0], threading.Event()

    def infer() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            assert here.caller.call("GET", "/livez").status_code == 200
            slowest[0] = max(slowest[0], time.perf_counter() - began)

    thread = threading.Thread(target=infer)
    thread.start()
    _explain(other, {"data": {"ndarray": [ROW] * 8}})
    stop.set()
    thread.join()
    assert slowest[0] < 2
    body = {"pipeline_name": other.name, "workspace_id": other.workspace_id}
    assert other.caller.call("POST", "/v1/api/pipelines/get_logs", json=body).json() == []


def test_what_cannot_be_explained_is_refused(here: Site) -> None:
    for payload in ({"data": {"ndarray": [ROW[:-1]]}}, {"data": {"ndarray": [["x"] * 29]}}, [{"a": 1}], {}, [[1]]):
        answer = here.call("POST", "/explain", json=payload)
        assert answer.status_code == 400, f"{payload}: {answer.text}"
    answer = here.call("POST", "/explain", json={"data": {"ndarray": [ROW] * 17}})
    assert (answer.status_code, "17 rows" in answer.json()["message"]) == (400, True)


@pytest.fixture(scope="module")
def space(here: Site) -> str:
    """A namespace with a SeldonDeployment, a data flow, and one that asks for an explainer of alibi's."""
    name, workspace = namespace(here.caller)
    upload(here.caller, workspace, "fraud")
    create(here.caller, name, manifest("tree", predictor("main", unit("m", "fraud"))))
    until(here.caller, name, "tree")
    add_model(here.caller, name, "one", "fraud")
    add_pipeline(here.caller, name, pipeline("flow", [step("one")], "one"))
    add_pipeline(here.caller, name, pipeline("anchored", [step("one")], "one"))
    explainer = {"name": "anchored-explainer", "spec": {"explainer": {"type": "anchor_tabular"}}}
    here.caller.post(f"{space_url(name)}/pipelines/anchored/explainer", explainer)
    return name


def _asked(caller: Caller, space: str, path: str, payload: Any) -> Any:
    return caller.call("POST", f"{space_url(space)}/{path}/explain", json=payload)


@pytest.mark.parametrize("path", ["seldondeployments/tree", "pipelines/flow"])
@pytest.mark.parametrize("manner", ["seldon", "v2", "records"])
def test_every_form_of_deployment_is_explained_or_says_what_is_missing(
    here: Site, space: str, path: str, manner: str
) -> None:
    tensor = {"name": "tensor", "shape": [1, 29], "datatype": "FP32", "data": ROW}
    payloads = {"seldon": {"data": {"ndarray": [ROW]}}, "v2": {"inputs": [tensor]}, "records": [{"tensor": ROW}]}
    answer = _asked(here.caller, space, path, payloads[manner])
    if find_spec("shap") is None:
        assert (answer.status_code, "modelyard[explain]" in answer.json()["message"]) == (424, True)
        return
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    total = sum(data["shap_values"][0][0]) + data["expected_value"][0]
    assert total == pytest.approx(float(expected("ccfraud.onnx", [ROW])[0].ravel()[0]), rel=1e-3, abs=1e-6)


def test_an_explainer_of_alibis_is_refused_by_its_name(here: Site, space: str) -> None:
    answer = _asked(here.caller, space, "pipelines/anchored", {"data": {"ndarray": [ROW]}})
    assert answer.status_code == 424
    assert "'anchor_tabular'" in answer.json()["message"]
    assert "alibi" in answer.json()["message"]


@pytest.mark.parametrize("path", ["seldondeployments/tree", "pipelines/flow"])
def test_rows_that_a_form_does_not_take_are_refused(here: Site, space: str, path: str) -> None:
    for payload in ({"data": {"ndarray": [ROW[:-1]]}}, [{"other": ROW}], {"inputs": []}, {"data": {}}):
        answer = _asked(here.caller, space, path, payload)
        assert answer.status_code == 400, f"{payload}: {answer.text}"


def test_strangers_learn_nothing(here: Site) -> None:
    person = invite(here.server, "stranger")
    stranger = sign_in(here.server, person.email, person.password)
    path = f"/seldon-deploy/api/v1alpha1/namespaces/{here.namespace}/pipelines/{here.name}/explain"
    assert stranger.call("POST", path, json={"data": {"ndarray": [ROW]}}).status_code == 404
