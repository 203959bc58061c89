"""A model that runs in processes of its own, as the graph of a deployment sees it."""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid, timed_out
from modelyard.core.serving.generation import Ending, Question
from modelyard.core.serving.signature import Signature
from modelyard.core.serving.tensors import Array
from modelyard.engines.process.connection import Connection, LateError, LostError, NotSentError, Until
from modelyard.engines.words import shown
from modelyard_runtime import generation
from modelyard_runtime.model import Tensor, misfit
from modelyard_runtime.wire import Frame, Kind

T = TypeVar("T")

LONGEST_SECONDS = 60.0
"""So long a request may take where nobody says how long."""
_REASON = 1000


class ProcessModel:
    """See ``core.serving.graph.nodes.LoadedModel``. Thread-safe: each call has a connection of its own.

    On the event loop a call lets other requests go on while it waits, see ``core.serving.waiting``.

    The replica with the fewest calls under way is asked; one that cannot be reached is passed over.
    """

    inline = False
    yields = True

    def __init__(self, name: str, signature: Signature, data: Path, until: Until = lambda: None) -> None:
        """``data`` is the data folder; ``until`` says when the request that is being answered is of no more use."""
        self.name = name
        self._data = data
        self.signature = signature
        self._inputs = [(spec.name, spec.dtype) for spec in signature.inputs]
        self._outputs = [Tensor(spec.name, spec.dtype, spec.shape) for spec in signature.outputs]
        self._until = until
        self._lock = threading.Lock()
        self._idle: dict[Path, list[Connection]] = {}
        self._busy: dict[Path, int] = {}
        self._closed = False

    def use(self, sockets: Sequence[str]) -> None:
        """Ask the replicas with these sockets from now on, paths below the data folder; calls under way go on."""
        paths = [self._data / socket for socket in sockets]
        with self._lock:
            dropped = [connection for path in set(self._idle) - set(paths) for connection in self._idle[path]]
            self._idle = {path: self._idle.get(path, []) for path in paths}
            self._busy = {path: self._busy.get(path, 0) for path in paths}
        for connection in dropped:
            connection.close()

    def close(self) -> None:
        """Close what is idle, so that the processes see that nobody needs them; calls that come late still work."""
        with self._lock:
            self._closed = True
            dropped = [connection for pool in self._idle.values() for connection in pool]
            for pool in self._idle.values():
                pool.clear()
        for connection in dropped:
            connection.close()

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        tensors = [(name, dtype, inputs[name]) for name, dtype in self._inputs]
        end = self._end()
        with self._explained():
            connection, (frame, outputs) = self._reached(lambda reached: reached.ask(tensors, end, self._until), end)
            self._left(connection, reusable=True)
        return self._read(frame, outputs)

    def generate(self, question: Question) -> Generator[str | Ending, None, None]:
        """See ``core.serving.generation.Generator``; the process sees when it is closed before its end."""
        asked = generation.Question(question.prompt, question.max_tokens, question.parameters, question.stop).to_bytes()
        end = self._end()
        with self._explained():
            connection, _ = self._reached(lambda reached: reached.begin(asked, end), end)
            is_whole = False
            try:
                while (frame := connection.next(self._end(), self._until)).kind is Kind.PIECE:
                    yield bytes(frame.body).decode(errors="replace")
                is_whole = True
            finally:
                self._left(connection, reusable=is_whole)
        yield self._ending(frame)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except LateError as error:
            raise timed_out(f"model {self.name} did not answer in time; allow more time or send fewer rows") from error
        except LostError as error:
            raise _unavailable(f"the process of model {self.name} ended while it ran the request; try again") from error
        except ValueError as error:  # more than a frame holds
            raise DomainError(ErrorKind.TOO_LARGE, f"model {self.name}: {error}; send fewer rows") from error

    def _end(self) -> float:
        end, sooner = time.monotonic() + LONGEST_SECONDS, self._until()
        return end if sooner is None else min(end, sooner)

    def _reached(self, ask: Callable[[Connection], T], end: float) -> tuple[Connection, T]:
        """(the connection to a replica, what it was asked): busy with it until it is ``_left``."""
        passed_over: set[Path] = set()
        while (path := self._taken(passed_over)) is not None:
            try:
                return self._reached_at(path, ask, end)
            except NotSentError:
                passed_over.add(path)
                self._given_back(path)
            except BaseException:
                self._given_back(path)
                raise
        raise _unavailable(
            f"no process of model {self.name} can be reached; it may be starting, try again", unasked=True
        )

    def _reached_at(self, path: Path, ask: Callable[[Connection], T], end: float) -> tuple[Connection, T]:
        while (connection := self._pooled(path)) is not None:
            with suppress(NotSentError):  # it went away: a new connection may reach the process that came after
                return _asked_over(connection, ask)
        return _asked_over(Connection(path, end), ask)

    def _left(self, connection: Connection, *, reusable: bool) -> None:
        self._given_back(connection.path)
        if reusable:
            self._keep(connection)
        else:
            connection.close()

    def _taken(self, passed_over: set[Path]) -> Path | None:
        """The replica with the least to do, counted as having one more."""
        with self._lock:
            left = [path for path in self._busy if path not in passed_over]
            path = min(left, key=self._busy.__getitem__, default=None)
            if path is not None:
                self._busy[path] += 1
            return path

    def _given_back(self, path: Path) -> None:
        with self._lock:
            if path in self._busy:
                self._busy[path] = max(0, self._busy[path] - 1)

    def _pooled(self, path: Path) -> Connection | None:
        """A connection that was good when it was last used, None where there is none."""
        with self._lock:
            pool = self._idle.get(path)
            return pool.pop() if pool else None

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            pool = self._idle.get(connection.path)
            if pool is not None and not self._closed:
                pool.append(connection)
                return
        connection.close()

    def _read(self, frame: Frame, outputs: dict[str, Array]) -> list[Array]:
        self._require_success(frame)
        for tensor in self._outputs:  # the model's own code may have written the frame
            if tensor.name not in outputs:
                raise self._wrong(f"gave no output {tensor.name!r}")
            if problem := misfit(outputs[tensor.name], tensor):
                raise self._wrong(f"broke its word: the output {problem}")
        return [outputs[tensor.name] for tensor in self._outputs]

    def _wrong(self, what: str) -> DomainError:
        return DomainError(ErrorKind.INTERNAL, f"model {self.name} {what}")

    def _ending(self, frame: Frame) -> Ending:
        self._require_success(frame)
        told = generation.Ending.from_text(frame.text())
        return Ending(told.reason, told.prompt_tokens, told.completion_tokens)

    def _require_success(self, frame: Frame) -> None:
        if frame.kind is Kind.REJECTED:
            raise invalid(f"model {self.name} rejected the input: {shown(frame.text(), _REASON)}")
        if frame.kind is Kind.FAILED:
            raise self._wrong(f"failed: {shown(frame.text(), _REASON)}")


def _asked_over(connection: Connection, ask: Callable[[Connection], T]) -> tuple[Connection, T]:
    try:
        return connection, ask(connection)
    except BaseException:
        connection.close()
        raise


def _unavailable(message: str, *, unasked: bool = False) -> DomainError:
    """``unasked`` says that no process has seen the request."""
    return DomainError(ErrorKind.UNAVAILABLE, message, retryable=True, unasked=unasked)
