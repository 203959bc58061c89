"""JSON that can be read, and not be written down or kept: refused by what is wrong with it, never by an inner error."""

from typing import Any

import pytest
from seldon_stand import collection, create, manifest, namespace, predictor, unit, until, upload

from running import RunningServer, StartServer
from wire import Caller, administrator

ROW = [0.5] * 29
BIG, HUGE = "1" + "0" * 30, "1e400"
NESTED = "[" * 300 + "]" * 300
Place = tuple[Caller, str]


def settled(server: RunningServer, protocol: Any = "seldon") -> Place:
    """The deployment ``odd``, and the namespace that it is in."""
    caller = administrator(server)
    space, workspace = namespace(caller)
    upload(caller, workspace, "fraud")
    create(caller, space, manifest("odd", predictor("main", unit("classifier", "fraud")), protocol=protocol))
    until(caller, space, "odd")
    return caller, space


@pytest.fixture(scope="module")
def odd(live_server: RunningServer) -> Place:
    return settled(live_server)


def sent(place: Place, path: str, body: str, method: str = "POST") -> tuple[int, str]:
    caller, space = place
    answer = caller.call(method, path.format(space=space), data=body, headers={"Content-Type": "application/json"})
    return answer.status_code, answer.text


@pytest.mark.parametrize("value", [BIG, NESTED])
@pytest.mark.parametrize("path", ["/seldon/{space}/odd/api/v1.0/predictions", collection("{space}") + "/odd/predict"])
def test_tags_that_cannot_be_repeated_are_refused(odd: Place, path: str, value: str) -> None:
    body = f'{{"meta": {{"tags": {{"a": {value}}}}}, "data": {{"ndarray": [{ROW}]}}}}'
    status, text = sent(odd, path, body)
    assert status == 400
    assert "meta.tags cannot be repeated" in text


def test_a_truth_with_a_number_beyond_all_numbers_is_refused(odd: Place) -> None:
    status, text = sent(odd, "/seldon/{space}/odd/api/v1.0/feedback", f'{{"reward": 1, "truth": {{"a": {HUGE}}}}}')
    assert status == 400
    assert "truth cannot be kept" in text


@pytest.mark.parametrize("value", [HUGE, "1" * 5000])
def test_no_command_is_made_of_a_number_beyond_all_numbers(odd: Place, value: str) -> None:
    path = collection("{space}") + "/odd/predictcurl"
    assert sent(odd, path, value, "PUT")[0] == 400
    assert sent(odd, path, '{"data": {"ndarray": [[1]]}}', "PUT")[0] == 200


@pytest.mark.parametrize("protocol", [None, ""])
def test_a_deployment_that_leaves_its_protocol_empty_speaks_seldons(live_server: RunningServer, protocol: Any) -> None:
    place = settled(live_server, protocol)
    status, text = sent(place, collection("{space}") + "/odd/predict", f'{{"data": {{"ndarray": [{ROW}]}}}}')
    assert status == 200, text


def test_an_uploaded_file_is_read_no_further_than_the_limit(start_server: StartServer) -> None:
    caller, space = settled(start_server(max_body_bytes=400_000))
    path = f"{collection(space)}/odd/predictfile"
    file = b'{"data": {"ndarray": [%s]}}' % str(ROW).encode()
    assert caller.call("POST", path, files={"predictFile": ("rows.json", file)}).status_code == 200
    answer = caller.call("POST", path, files={"predictFile": ("rows.json", b" " * 600_000)})
    assert answer.status_code == 413
    assert "exceeds the limit" in answer.json()["message"]
