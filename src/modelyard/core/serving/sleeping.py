"""Models of this process that are dropped while nobody asks, and loaded again by the first request."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTimeError
from operator import itemgetter
from weakref import WeakValueDictionary

from modelyard.core.kernel.errors import DomainError, ErrorKind, timed_out
from modelyard.core.serving.deadlines import current_deadline
from modelyard.core.serving.graph.nodes import LoadedModel
from modelyard.core.serving.tensors import Array


class SleepingModel:
    """See ``LoadedModel``. Thread-safe: whoever comes while it is loaded waits for that one load, until its deadline.

    It is loaded when it is made, so that what cannot be loaded is known then. When a later load fails, those who wait
    for it are told why, and the next request tries again.
    """

    inline = False
    yields = False

    def __init__(self, name: str, load: Callable[[], LoadedModel], idle_seconds: float) -> None:
        """``idle_seconds`` is how long nobody must have asked before ``doze`` drops it."""
        self._name, self._load, self._idle_seconds = name, load, idle_seconds
        model = load()
        self.signature = model.signature
        self._lock = threading.Lock()
        self._loaded: Future[LoadedModel] | None = Future()
        self._loaded.set_result(model)
        self._running = 0
        self._used = time.monotonic()

    @property
    def is_awake(self) -> bool:
        """Whether it is in memory."""
        return self._loaded is not None

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        with self._lock:
            self._running += 1
        try:
            return self._awake().run(inputs)
        finally:
            with self._lock:
                self._running -= 1
                self._used = time.monotonic()

    def doze(self) -> None:
        """Drop it from memory when nobody has asked for long enough."""
        with self._lock:
            if not self._running and time.monotonic() - self._used >= self._idle_seconds:
                self._loaded = None

    def _awake(self) -> LoadedModel:
        with self._lock:
            loads = self._loaded is None
            future = self._loaded = self._loaded or Future()
        if loads:
            self._fill(future)
        deadline = current_deadline()
        try:
            return future.result(None if deadline is None else max(deadline - time.monotonic(), 0))
        except NotInTimeError as error:
            raise timed_out(f"model {self._name} was asleep and is not loaded yet; allow more time") from error

    def _fill(self, future: "Future[LoadedModel]") -> None:
        try:
            future.set_result(self._load())
        except BaseException as error:  # noqa: BLE001  # whoever waits is told
            with self._lock:
                self._loaded = None
            reason = error.message if isinstance(error, DomainError) else f"{type(error).__name__}"
            message = f"model {self._name} was asleep and cannot be loaded again: {reason}"
            future.set_exception(DomainError(ErrorKind.UNAVAILABLE, message, retryable=True))


class Sleepers:
    """The models of a worker that may sleep, as long as they are served."""

    def __init__(self) -> None:
        self._models: WeakValueDictionary[tuple[int, int, int], SleepingModel] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._models)

    def add(self, deployment_id: int, revision: int, place: int, model: SleepingModel) -> SleepingModel:
        """Have the one at this place of the deployment's models dropped when nobody asks."""
        self._models[deployment_id, revision, place] = model
        return model

    def doze(self) -> None:
        """Drop what nobody asked for long enough."""
        for model in list(self._models.values()):
            model.doze()

    def asleep(self) -> dict[tuple[int, int], list[int]]:
        """The places of those that are dropped, in order, by (deployment id, revision)."""
        found: dict[tuple[int, int], list[int]] = {}
        for (deployment_id, revision, place), model in sorted(self._models.items(), key=itemgetter(0)):
            if not model.is_awake:
                found.setdefault((deployment_id, revision), []).append(place)
        return found
