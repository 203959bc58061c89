"""Models that speak for themselves: forged words on the control descriptor, and answers that are no frames."""

import json
from collections.abc import Iterator

import hostile_kit as kit
import pytest

import model_stand as stand
from dialects.wallaroo import deploying
from running import RunningServer, StartServer, eventually
from wire import Caller, administrator

# In load: find what the process was given, by the name of its configuration, and act in its place.
FIND = """
import json, os, socket, struct, sys, threading, time
CONFIG = json.loads(open(sys.argv[2]).read())
SERVING = "socket_fd" in CONFIG

def say(**event):
    os.write(CONFIG["control_fd"], json.dumps(event).encode() + b"\\n")

def told(inputs, outputs):
    say(event="loaded", inputs=inputs, outputs=outputs)

def answer_all(answers):
    told(INPUTS, OUTPUTS)
    listener = socket.socket(fileno=CONFIG["socket_fd"])
    listener.setblocking(True)
    def each(there):
        while there.recv(2**20):
            for piece in answers: there.sendall(piece)
    threading.Thread(target=lambda: [say(event="beat", busy=False, waiting=0, done=1, since=0) or time.sleep(0.2)
        for _ in range(10_000)], daemon=True).start()
    while True:
        there, _ = listener.accept()
        threading.Thread(target=each, args=(there,), daemon=True).start()

def header(kind, schema, number, body):
    return struct.pack("<BxxxIQIxxxx", kind, schema, number, body)

def load(folder):
    if SERVING:
        hostile()
    return lambda inputs: {"outcome": inputs["attack"]}
"""

FORGED = {
    "names": 'told(INPUTS, [{"name": "x" * 100_000, "dtype": "string", "shape": [None]}])',
    "surrogate": r'told(INPUTS, [{"name": "\ud800", "dtype": "string", "shape": [None]}])',
    "nul": r'told(INPUTS, [{"name": "a\0b", "dtype": "string", "shape": [None]}])',
    "many": 'told(INPUTS, [{"name": str(i), "dtype": "bool", "shape": [None]} for i in range(10_000)])',
    "types": 'told(INPUTS, [{"name": "a", "dtype": "object", "shape": [None]}])',
    "shapes": 'told(INPUTS, [{"name": "a", "dtype": "bool", "shape": [2**63] * 40}])',
    "nothing": "told([], {})",
    "deep": 'os.write(CONFIG["control_fd"], b"[" * 100_000 + b"\\n")',
    "long": "[os.write(CONFIG['control_fd'], b'x' * 2**16) for _ in range(100)]",
    "failure": r'say(event="failed", message="\ud800 \0 in " + os.getcwd() + "/x" + "y" * 10**6)',
}

SPEAKING = {
    "rubbish": "answer_all([b'\\xff' * 4096])",
    "endless": "answer_all([header(2, 0, 1, 2**28 - 8), b'x' * 1000])",
    "beyond": "answer_all([header(2, 8, 1, 2**32 - 1), b'x' * 100])",
    "other": "answer_all([header(3, 0, 77, 4), b'none'])",
    "unschooled": "answer_all([header(2, 0, 1, 8), b'x' * 8])",
    "halves": r"answer_all([header(4, 0, 1, 9), b'/a/b/\x00\xed\xa0\x80'])",
}

CONTROLLING = {
    "refusing": r'say(event="failed", message="\ud800\0 in " + os.getcwd() + "/x"), os._exit(1)',
    "rambling": r'say(event="beat", done="1e5", busy=[], since={}), say(event=7), os._exit(3)',
}


@pytest.fixture(scope="module")
def server(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> RunningServer:
    data = tmp_path_factory.mktemp("words") / "data"
    kit.share_environments(data)
    started = start_module_server(data=data, job_runners=2, inference_timeout_seconds=4)
    assert started.url
    return started


@pytest.fixture(scope="module")
def caller(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture(scope="module")
def space(caller: Caller) -> Iterator[int]:
    """With all models of this module on their way."""
    found = deploying.workspace(caller)
    kit.uploaded(caller, found, "good", kit.custom(FIND + "\ndef hostile(): pass"))
    for name, program in (SPEAKING | CONTROLLING).items():
        kit.uploaded(caller, found, name, kit.custom(f"{FIND}\ndef hostile(): {program}"))
    for name, program in FORGED.items():
        kit.uploaded(caller, found, name, kit.custom(f"{FIND}\n{program}\nos._exit(0)"))
    return found


@pytest.fixture(scope="module")
def good(caller: Caller, space: int) -> str:
    """A deployment that everybody should leave alone."""
    return kit.deployed(caller, space, kit.outcome(caller, space, "good"), "good")


@pytest.mark.parametrize("name", SPEAKING)
def test_what_is_no_answer_is_an_error_of_that_model_alone(
    server: RunningServer, caller: Caller, space: int, good: str, name: str
) -> None:
    namespace = kit.deployed(caller, space, kit.outcome(caller, space, name), name)
    for _ in range(2):
        answer = kit.asked(caller, namespace, "x")
        assert answer.status_code in (500, 503, 504), answer.text
        assert f"model {name}" in answer.text or answer.status_code == 504
        assert "/a/b" not in answer.text
    assert kit.asked(caller, good, "x").status_code == 200
    _undeploy(caller, namespace)


@pytest.mark.parametrize("name", CONTROLLING)
def test_forged_words_of_a_served_model_hurt_nobody(
    server: RunningServer, caller: Caller, space: int, good: str, name: str
) -> None:
    namespace = stand.deploy(caller, space, kit.step(kit.outcome(caller, space, name)), name)
    deploying.wait(caller, namespace, "Error", 60)
    told = json.dumps(kit.sidekick(caller, namespace))
    assert str(server.data) not in told
    assert "cannot be loaded" in told or "exit code 3" in told
    assert kit.asked(caller, good, "x").status_code == 200
    assert "cannot write what became" not in kit.said_by(server)
    _undeploy(caller, namespace)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_signature_is_refused_and_nothing_else_stops(
    server: RunningServer, caller: Caller, space: int, name: str
) -> None:
    found = kit.outcome(caller, space, name)
    assert found["status"] == "error", found
    assert found["error"].startswith("stage loaded: ")
    assert len(found["error"]) < 3000
    assert str(server.data) not in json.dumps(found)
    assert "ended 3 times" not in found["error"]


def test_others_are_prepared_afterwards(server: RunningServer, caller: Caller, space: int) -> None:
    kit.uploaded(caller, space, "afterwards", kit.custom(FIND + "\ndef hostile(): pass"))
    assert kit.outcome(caller, space, "afterwards")["status"] == "ready"
    assert "Traceback" not in kit.said_by(server)


def _undeploy(caller: Caller, namespace: str) -> None:
    caller.post("/v1/api/pipelines/undeploy", {"deployment_id": int(namespace.rpartition("-")[2])})
    assert eventually(lambda: deploying.status(caller, namespace) == "gone", 30)
