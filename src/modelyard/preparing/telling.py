"""Keeps a preparation alive and tells, while a stage goes on, how far it has come."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from modelyard.core.catalogue.preparing import Told, Undertaking, beat, note_stage
from modelyard.core.catalogue.runtimes import Stage, StageState
from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.store import Store
from modelyard.preparing.isolated import StoppedError

_LOG = logging.getLogger(__name__)
_BEAT_SECONDS = 1.0


class FailedError(Exception):
    """A stage failed: ``told`` says which and why."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.message)
        self.told = told


class StageLog:
    """What a stage says of itself while it goes on; ``message`` in a line, ``state`` what becomes of it."""

    def __init__(self, message: str) -> None:
        self.message = message
        self.state = StageState.DONE
        self._lines: list[str] = []

    def line(self, text: str) -> None:
        """Add to the log."""
        if text:
            self._lines.append(text.rstrip("\n"))

    def skip(self, reason: str) -> None:
        """The stage does not apply, or its result is not used."""
        self.state, self.message = StageState.SKIPPED, reason

    def text(self) -> str | None:
        """All lines; None when there is none."""
        return "\n".join(list(self._lines)) or None


class Telling:
    """Used as a context: beats while it is open. ``lost`` once the preparation is not this runner's any longer."""

    def __init__(self, store: Store, work: Undertaking, runner: str) -> None:
        self._store, self._runner = store, runner
        self._id = work.preparation.id
        self._lock = threading.Lock()
        self._current: tuple[Told, StageLog] | None = None
        self._ended, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name="preparation-beat", daemon=True)

    def __enter__(self) -> "Telling":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def lost(self) -> bool:
        """Whether what is done here counts no longer."""
        return self._lost.is_set()

    @contextmanager
    def stage(self, stage: Stage, doing: str) -> Iterator[StageLog]:
        """One stage. ``FailedError`` in place of what goes wrong in it, ``StoppedError`` once it is not ours."""
        log = StageLog(doing)
        self._note(Told(stage, StageState.RUNNING, doing), log)
        try:
            yield log
        except DomainError as error:
            raise FailedError(Told(stage, StageState.FAILED, error.message, log.text())) from error
        except (FailedError, StoppedError):
            raise
        except Exception as error:
            _LOG.exception("stage %s failed", stage)
            message = "internal error; see the server's log"
            raise FailedError(Told(stage, StageState.FAILED, message, log.text())) from error
        finally:
            with self._lock:
                self._current = None
        self._note(Told(stage, log.state, log.message, log.text()))

    def _note(self, told: Told, log: StageLog | None = None) -> None:
        with self._lock:
            if not self._store.run_write(note_stage, self._id, self._runner, told):
                self._lost.set()
            self._current = (told, log) if log else None
        if self.lost():
            raise StoppedError

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT_SECONDS):
            try:
                self._beat_once()
            except Exception:  # noqa: BLE001  # the next beat is tried; who is silent too long loses the preparation
                _LOG.warning("a heartbeat failed", exc_info=True)

    def _beat_once(self) -> None:
        with self._lock:
            if not self._store.run_write(beat, self._id, self._runner):
                self._lost.set()
            elif self._current is not None:
                told, log = self._current
                text = log.text()
                if text != told.log:
                    told = replace(told, log=text)
                    self._store.run_write(note_stage, self._id, self._runner, told)
                    self._current = (told, log)
