"""What an operator reads when the server cannot start: one line, and an exit code."""

import socket
from pathlib import Path

import pytest

from running import StartServer


def refusal(start_tree: StartServer, **settings: object) -> tuple[int, str]:
    server = start_tree(**settings)
    code = server.wait()
    assert server.out == ""
    assert server.err.count("\n") == 1
    return code, server.err.strip()


def test_a_second_server_on_the_same_folder_is_refused(start_tree: StartServer, data: Path) -> None:
    first = start_tree()
    assert first.url

    code, line = refusal(start_tree)

    assert code == 2
    assert line == (
        f"Error: the data folder '{data}' is in use by another server, process {first.pid}; "
        "stop that one or give --data another folder."
    )


def test_a_port_in_use_is_refused(start_tree: StartServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, line = refusal(start_tree, port=port)

    assert code == 2
    assert line == (
        f"Error: port {port} on 127.0.0.1 is in use by another program; stop it or give --port another number."
    )


@pytest.mark.parametrize(
    ("host", "reason"), [("192.0.2.1", "is not an address of this machine"), ("nowhere.invalid", "cannot be resolved")]
)
def test_a_host_that_is_not_ours_is_refused(start_tree: StartServer, host: str, reason: str) -> None:
    code, line = refusal(start_tree, host=host)

    assert code == 2
    assert line.startswith(f"Error: host '{host}' {reason}; give --host")


def test_a_folder_that_cannot_be_used_is_refused(start_tree: StartServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    code, line = refusal(start_tree, data=str(tmp_path / "file"))

    assert code == 2
    assert line.startswith(f"Error: the data folder '{tmp_path / 'file'}' cannot be used: ")
    assert line.endswith("give --data a folder you may write to.")


@pytest.mark.parametrize(
    ("obstacle", "reason"),
    [
        ("broken", "the data folder is from a newer version; upgrade the program"),
        ("buggy", "ZeroDivisionError: nobody expected this"),
        ("unservable", "route GET /x declares no permission"),
    ],
)
def test_what_makes_serving_impossible_is_told_and_ends_the_tree(
    start_tree: StartServer, data: Path, obstacle: str, reason: str
) -> None:
    data.mkdir()
    (data / obstacle).touch()

    code, line = refusal(start_tree)

    assert code == 1
    assert line.endswith(reason)


def test_a_wrong_setting_is_refused_by_the_program(start_server: StartServer) -> None:
    code, line = refusal(start_server, workers="none")

    assert code == 2
    assert line == (
        "Error: workers: 'none' (from environment variable MODELYARD_WORKERS) is not a whole number from 1 to 256."
    )
