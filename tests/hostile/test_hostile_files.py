"""Files that nobody should load: each is uploaded to a running server, and refused or locked in while it is looked at.

All are sent before the first is asked for, so that they are prepared beside each other.
"""

import io
import json
import pickle
import secrets
import socket
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile_kit as kit
import onnx
import pytest
from onnx import TensorProto, helper

from dialects.wallaroo import deploying
from running import RunningServer, StartServer
from wire import Caller, administrator

_MARK = f"touched-{secrets.token_hex(6)}"


class _Calls:
    """Calls this while it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


def _program(place: Path, port: int) -> str:
    """Tries whatever would show that it ran outside of the sandbox, and prints what it can see."""
    return f"""
import os, pathlib, socket
print(dict(os.environ))
for path in ({str(place / _MARK)!r}, "/tmp/{_MARK}", "/var/tmp/{_MARK}", "/dev/shm/{_MARK}"):
    try: pathlib.Path(path).write_text("here")
    except OSError: pass
for kind, address in ((socket.AF_INET, ("127.0.0.1", {port})), (socket.AF_UNIX, {str(place / "socket")!r})):
    try: socket.socket(kind).connect(address)
    except OSError: pass
"""


def _by_name(module: str, name: str, argument: str) -> bytes:
    """A pickle in the oldest protocol that calls ``module.name(argument)``."""
    return f"c{module}\n{name}\n(V{argument}\ntR.".encode()


def _pickles(program: str) -> dict[str, tuple[str, bytes]]:
    line = program.encode().hex()
    shell = f"python3 -c \"exec(bytes.fromhex('{line}'))\""
    chain = pickle.dumps(_Calls(exec, program))
    gzip = zlib.compressobj(wbits=31)
    return {
        "exec": ("m.pkl", chain),
        "system": ("m.pkl", _by_name("posix", "system", shell)),
        "popen": ("m.joblib", _by_name("subprocess", "getoutput", shell)),
        "inner": ("m.pkl", pickle.dumps(_Calls(pickle.loads, chain))),
        "eval": ("m.pickle", pickle.dumps(_Calls(eval, f"exec({program!r})"), 0)),
        "late": ("m.pkl", pickle.dumps({"weights": b"0" * 2**16, "model": _Calls(exec, program)}, 4)),
        "twice": ("m.pkl", pickle.dumps([1.0]) + chain),
        "zlib": ("m.joblib", zlib.compress(chain)),
        "gzip": ("m.joblib", gzip.compress(chain) + gzip.flush()),
        "skops": ("m.skops", chain),
        "polyglot": ("m.pkl", chain + kit.zipped({"a.txt": "numbers"})),
        "cut": ("m.pkl", chain[:-1]),
        "protocol": ("m.pkl", b"\x80\x63" + chain),
        "pip": ("m.pkl", _by_name("pip", "main", "install evil")),
        "resolved": ("m.pkl", _by_name("pkgutil", "resolve_name", "os:system")),
    }


def _archives(program: str) -> dict[str, tuple[str, bytes]]:
    code = {"model.py": kit.TEXTS + program}
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../model.py"), io.BytesIO())
    damaged = bytearray(kit.zipped(code | {"a.bin": bytes(range(256)) * 8}))
    damaged[damaged.index(b"model.py") + 20] ^= 0xFF
    return {
        "import": ("m.zip", kit.zipped(code)),
        "up": ("m.zip", kit.zipped(code | {f"../{_MARK}": "here"})),
        "far-up": ("m.zip", kit.zipped(code | {f"a/../../../../../../../../tmp/{_MARK}": "here"})),
        "root": ("m.zip", kit.zipped(code | {f"/tmp/{_MARK}": "here"})),  # noqa: S108
        "windows": ("m.zip", kit.zipped(code | {f"..\\{_MARK}": "here"})),
        "link": ("m.zip", _linked("/etc/passwd")),
        "bomb": ("m.zip", kit.zipped(code | {"zeros": bytes(100 * 2**20)})),
        "lying": ("m.zip", _lying(kit.zipped(code | {"zeros": bytes(90 * 2**20)}), 90 * 2**20)),
        "damaged": ("m.zip", bytes(damaged)),
        "encrypted": ("m.zip", _flagged(kit.zipped(code))),
        "tar": ("m.zip", tar.getvalue()),
        "7z": ("m.zip", b"7z\xbc\xaf\x27\x1c" + bytes(64)),
        "empty": ("m.zip", b"PK\x05\x06" + bytes(18)),
        "many": ("m.zip", kit.zipped(dict.fromkeys(map(str, range(20_001)), ""))),
        "keras": ("m.keras", kit.zipped({f"../{_MARK}": "here", "config.json": "{}"})),
    }


def _linked(target: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        member = zipfile.ZipInfo("model.py")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, target)
    return content.getvalue()


def _lying(content: bytes, size: int) -> bytes:
    """Members that say they are small."""
    return content.replace(struct.pack("<I", size), struct.pack("<I", 100))


def _flagged(content: bytes) -> bytes:
    changed = bytearray(content)
    for at in range(len(changed) - 4):
        if changed[at : at + 4] in (b"PK\x03\x04", b"PK\x01\x02"):
            changed[at + (6 if changed[at + 3] == 4 else 8)] |= 1
    return bytes(changed)


def _packages() -> dict[str, str]:
    return {
        "index": "--index-url http://127.0.0.1:1/simple\nnumpy",
        "extra": "numpy --extra-index-url=http://127.0.0.1:1/",
        "editable": "-e .",
        "url": "evil @ http://127.0.0.1:1/evil-1.0-py3-none-any.whl",
        "git": "git+https://127.0.0.1:1/evil.git",
        "file": "file:///etc/passwd",
        "included": "-r /etc/passwd",
        "folder": "./evil",
        "marker": "numpy; os.system('x')",
        "shell": "numpy==1.0`id`",
        "unknown": "a-package-that-nobody-has-published-ever==0.0.1",
    }


_DEEP = "[" * 100_000
_BOMB = "a: &a [x,x]\n" + "".join(
    f"b{i}: &b{i} [*{'a' if i == 0 else f'b{i - 1}'},{'*b0' if i else '*a'}]\n" for i in range(40)
)
_YAML = {
    "tag": "flavors: !!python/object/apply:os.system ['touch /tmp/x']\n",
    "deep": f"flavors: {_DEEP}",
    "bomb": _BOMB,
    "binary": "\x00\x01",
    "escaping": "flavors: {python_function: {loader_module: os, data: ../../../etc/passwd, env: {conda: ../x}}}\n",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all may write to, with a socket."""
    folder = tmp_path_factory.mktemp("files")
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def arrived(place: Path) -> Iterator[list[Any]]:
    """Who connected to the listeners."""
    found: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(place / "socket"))
        unix.listen()
        (place / "port").write_text(str(tcp.getsockname()[1]))
        for each in (tcp, unix):
            threading.Thread(target=_listen, args=(each, found), daemon=True).start()
        yield found


def _listen(listener: socket.socket, found: list[Any]) -> None:
    try:
        while True:
            found.append(listener.accept())
    except OSError:
        pass


@pytest.fixture(scope="module")
def server(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> RunningServer:
    data = tmp_path_factory.mktemp("files-of") / "data"
    kit.share_environments(data)
    started = start_module_server(data=data, job_runners=2)
    assert started.url
    return started


@pytest.fixture(scope="module")
def caller(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture(scope="module")
def space(caller: Caller, place: Path, arrived: list[Any]) -> int:
    """With all the files on their way."""
    found = deploying.workspace(caller)
    program = _program(place, int((place / "port").read_text()))
    for name, (file, content) in _pickles(program).items():
        kit.uploaded(caller, found, f"pickle-{name}", content, file, framework="sklearn")
    for name, (file, content) in _archives(program).items():
        framework = "keras" if file.endswith(".keras") else "custom"
        kit.uploaded(caller, found, f"archive-{name}", content, file, framework=framework)
    for name, text in _packages().items():
        content = kit.zipped({"model.py": kit.TEXTS, "requirements.txt": text})
        kit.uploaded(caller, found, f"packages-{name}", content)
    for name, text in _YAML.items():
        content = kit.zipped({"MLmodel": text, "conda.yaml": text, "requirements.txt": text, "python_env.yaml": text})
        kit.uploaded(caller, found, f"yaml-{name}", content, framework="mlflow")
    return found


@pytest.mark.parametrize("name", _archives("").keys())
def test_a_hostile_archive_is_refused_with_the_stage_and_the_reason(caller: Caller, space: int, name: str) -> None:
    found = kit.outcome(caller, space, f"archive-{name}")
    assert found["status"] == "error"
    stage = "loaded" if name in ("import", "lying", "damaged", "empty") else "scanned"
    assert found["error"].startswith(f"stage {stage}: "), found["error"]
    assert _class_of(found) != "data only"


@pytest.mark.parametrize("name", _packages())
def test_packages_come_from_where_the_operator_said_or_not_at_all(caller: Caller, space: int, name: str) -> None:
    found = kit.outcome(caller, space, f"packages-{name}")
    assert found["status"] == "error"
    stage = "environment" if name == "unknown" else "scanned"
    assert found["error"].startswith(f"stage {stage}: "), found["error"]


@pytest.mark.parametrize("name", _YAML)
def test_what_a_folder_says_of_itself_is_read_as_data(caller: Caller, space: int, name: str) -> None:
    found = kit.outcome(caller, space, f"yaml-{name}")
    assert found["status"] == "error"
    assert "internal error" not in found["error"], found["error"]


@pytest.mark.parametrize("name", _pickles("").keys())
def test_a_hostile_pickle_is_never_called_data_and_never_ready(caller: Caller, space: int, name: str) -> None:
    found = kit.outcome(caller, space, f"pickle-{name}")
    assert found["status"] == "error"
    assert found["error"].startswith("stage loaded: "), found["error"]
    assert _class_of(found) in ("contains code", "unknown")


def test_nothing_got_out(server: RunningServer, caller: Caller, space: int, place: Path, arrived: list[Any]) -> None:
    names = [f"pickle-{name}" for name in _pickles("")] + [f"archive-{name}" for name in _archives("")]
    told = json.dumps([kit.outcome(caller, space, name) for name in names])
    folders = (place, server.data, Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/"))  # noqa: S108
    assert [folder for folder in folders if (folder / _MARK).exists()] == []
    assert arrived == []
    assert "'USER': 'model'" in told  # it did run, and saw this much
    for secret in (server.admin_password, server.client_secret, "MODELYARD_"):
        assert secret not in told
    assert str(server.data) not in told
    assert "Traceback" not in kit.said_by(server)


@pytest.mark.parametrize("location", ["../../../../etc/passwd", "/etc/passwd", "a/../../../x", "blobs/x"])
def test_tensors_outside_of_an_onnx_file_are_refused(caller: Caller, space: int, location: str) -> None:
    query = {"name": "outside", "filename": "m.onnx", "workspace_id": space, "visibility": "private"}
    answer = caller.call("POST", "/v1/api/models/upload_stream", params=query, data=_external(location))
    assert answer.status_code == 400, answer.text
    assert "root:" not in answer.text


def _external(location: str) -> bytes:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    add = helper.make_node("Add", ["x", "w"], ["y"])
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 4]) for name in "xy")
    graph = helper.make_graph([add], "g", [x], [y], [tensor])
    model: onnx.ModelProto = helper.make_model(graph)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    "file", ["../m.zip", "a/b.zip", "m\n.zip", "\u202emz.zip", "x" * 300 + ".zip", "-m.zip", "m.zip\0.onnx"]
)
def test_a_file_s_name_is_only_a_name(server: RunningServer, caller: Caller, space: int, file: str) -> None:
    before = {path.name for path in server.data.parent.iterdir()}
    answer = kit.send(caller, space, "named", file, b"PK")
    assert answer.status_code in (202, 400), answer.text
    assert {path.name for path in server.data.parent.iterdir()} == before


def _class_of(found: Any) -> str:
    (scanned,) = [stage for stage in found["stages"] if stage["stage"] == "scanned"]
    return str(scanned["message"])
