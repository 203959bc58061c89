"""Runs in the sandbox: what is believed of a process that may be hostile."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.preparing.isolated import StoppedError, Task, opened, told_by, written_by

PROGRAM = """
import json, os, sys, time
config = json.load(open(sys.argv[1]))
def tell(**event):
    os.write(config["control_fd"], json.dumps(event).encode() + b"\\n")
"""


@pytest.fixture
def task(tmp_path: Path) -> Any:
    """A run of a program in place of ``modelyard_runtime``."""
    number = 0

    def make(program: str, seconds: int = 60) -> Task:
        nonlocal number
        number += 1
        code, folder = tmp_path / f"code{number}", tmp_path / f"folder{number}"
        code.mkdir()
        folder.mkdir()
        (code / "probe.py").write_text(PROGRAM + program)
        python = Path(sys.executable)
        return Task(python, code, ("probe",), {"loader": "x"}, folder, (), 2**30, seconds)

    return make


def never() -> bool:
    return False


def refused(task: Task, ask: Any = told_by) -> DomainError:
    with pytest.raises(DomainError) as caught:
        ask(task, never, lambda _: None)
    return caught.value


def test_the_last_event_is_the_answer_and_all_that_was_printed_is_the_log(task: Any) -> None:
    lines: list[str] = []
    program = "print('one'); print('two', file=sys.stderr); tell(event='beat'); tell(event='loaded', inputs=[1])"
    assert told_by(task(program), never, lines.append) == {"event": "loaded", "inputs": [1]}
    assert {"one", "two"} <= set("\n".join(lines).splitlines())


def test_a_failure_is_told_in_the_process_s_own_words(task: Any) -> None:
    error = refused(task("tell(event='failed', message='no such layer')"))
    assert (error.kind, error.message) == (ErrorKind.INVALID, "no such layer")


@pytest.mark.parametrize("program", ["sys.exit(3)", "os.abort()", "os.write(config['control_fd'], b'[1]\\n{')"])
def test_a_process_that_says_nothing_has_died(task: Any, program: str) -> None:
    assert "before it said anything" in refused(task(program)).message


def test_a_process_that_takes_too_long_is_stopped(task: Any) -> None:
    started = time.monotonic()
    assert refused(task("time.sleep(600)", 2)).kind is ErrorKind.TIMED_OUT
    assert time.monotonic() - started < 60


def test_a_process_whose_result_nobody_wants_is_stopped(task: Any) -> None:
    with pytest.raises(StoppedError):
        told_by(task("time.sleep(600)"), lambda: True, lambda _: None)


def test_endless_words_are_cut_off(task: Any) -> None:
    lines: list[str] = []
    told_by(task("print('x' * 3_000_000 + 'the end'); tell(event='loaded')"), never, lines.append)
    assert lines[0].strip().endswith("the end")
    assert len(lines[0]) < 300_000
    assert "more than" in refused(task("while True: tell(event='x' * 60_000)")).message


def test_an_answer_in_a_file_is_read(task: Any) -> None:
    program = "json.dump({'converted': False}, open(sys.argv[2], 'w'))"
    assert written_by(task(program), never, lambda _: None) == {"converted": False}


def test_an_answer_that_is_a_link_or_a_pipe_is_none(task: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"canary": true}')
    for program in (f"os.symlink({str(secret)!r}, sys.argv[2])", "os.mkfifo(sys.argv[2])", "os.mkdir(sys.argv[2])"):
        assert "before it said anything" in refused(task(program), written_by).message


def test_only_a_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    os.mkfifo(tmp_path / "pipe")
    with opened(tmp_path / "plain") as file:
        assert file.read() == b"x"
    for name in ("link", "pipe", "."):
        with pytest.raises(OSError, match=r".+"):
            opened(tmp_path / name)


def test_the_process_makes_its_scratch_folder_itself_and_may_fill_it(task: Any) -> None:
    program = """
from pathlib import Path
scratch = Path(config["scratch"])
scratch.mkdir()
(scratch / "named").symlink_to("/etc/hostname")
(scratch / "file").write_text("x")
tell(event="loaded", files=sorted(path.name for path in scratch.iterdir()))
"""
    assert told_by(task(program), never, lambda _: None)["files"] == ["file", "named"]
