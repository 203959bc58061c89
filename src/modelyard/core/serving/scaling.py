"""How many replicas a model needs: from what they were seen to do over a while to a number between its bounds."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.core.serving.resources import Autoscale

_UP_SHARE, _LEAST_SECONDS = 0.1, 1.0
"""More are started after a tenth of the window: who waits suffers more than who has too many."""
_ROOM = 0.8
"""So full may those be that stay when others go: no load that stays as it is calls them back."""
_CPU_DOWN = 0.7
_LEAST_DEPTH = 0.01


@dataclass(frozen=True, slots=True)
class Sample:
    """The replicas of a model at one moment; all that there should be are ready.

    ``at`` in seconds of a clock that only goes on; ``calls`` run or wait in all of them together; ``cpu`` is the mean
    percentage that they use of the processors they may use; ``asked`` whether anybody asked since the sample before.
    """

    at: float
    calls: int
    cpu: float
    asked: bool


class Scaler:
    """The number of replicas of one model.

    It rises once what is measured for each replica has been at the limit for a tenth of the window, at most to twice as
    many, or two more. It falls once that has been low for the whole window, at most to half as many, and only where the
    rest would not be at the limit then. After a change all is measured anew. 0 where the bounds allow it and nobody
    asked for a window.
    """

    def __init__(self, bounds: Autoscale, replicas: int) -> None:
        self._bounds = bounds
        self._limit, self._low = _limits(bounds)
        self._samples: deque[Sample] = deque()
        self._since: float | None = None
        self.replicas = min(max(replicas, bounds.least, 1), bounds.most)

    def wake(self) -> None:
        """Somebody asks: there is to be one."""
        self.replicas = max(self.replicas, 1)
        self.forget()

    def forget(self) -> None:
        """What was seen until now tells nothing of what is now."""
        self._samples.clear()
        self._since = None

    def note(self, sample: Sample) -> str:
        """Take a sample; why ``replicas`` has changed by it, empty when it stays."""
        self._since = sample.at if self._since is None else self._since
        self._samples.append(sample)
        while self._samples[0].at < sample.at - self._bounds.window_seconds:
            self._samples.popleft()
        replicas, reason = self._decided(sample.at)
        if replicas == self.replicas:
            return ""
        self.replicas = replicas
        self.forget()
        return reason

    def _decided(self, now: float) -> tuple[int, str]:
        """(the number, why)."""
        window = self._bounds.window_seconds
        recent = self._seen(now, max(window * _UP_SHARE, min(window, _LEAST_SECONDS)))
        if recent and (load := self._load(recent)) >= self._limit:
            return self._more(load), self._told(load)
        whole = self._seen(now, window)
        if whole and not any(sample.asked for sample in whole):
            return self._bounds.least, f"nobody asked for {window:g} s"
        if whole and (load := self._load(whole)) < self._low:
            return self._fewer(load), self._told(load)
        return self.replicas, ""

    def _seen(self, now: float, seconds: float) -> Sequence[Sample]:
        """The samples of the last so many seconds, none while there are not all of them."""
        if self._since is None or now - self._since < seconds:
            return ()
        return [sample for sample in self._samples if sample.at >= now - seconds]

    def _load(self, samples: Sequence[Sample]) -> float:
        """For each replica."""
        by_cpu = self._bounds.by == "cpu"
        return sum(s.cpu if by_cpu else s.calls / self.replicas for s in samples) / len(samples)

    def _more(self, load: float) -> int:
        needed = math.floor(load * self.replicas / self._limit) + 1
        return min(needed, max(2 * self.replicas, self.replicas + 2), self._bounds.most)

    def _fewer(self, load: float) -> int:
        needed = math.floor(load * self.replicas / (self._limit * _ROOM)) + 1
        return min(max(needed, math.ceil(self.replicas / 2), self._bounds.least, 1), self.replicas)

    def _told(self, load: float) -> str:
        if self._bounds.by == "cpu":
            return f"{load:.0f} % of the processors are used"
        return f"{load:.1f} calls run or wait for each replica"


def _limits(bounds: Autoscale) -> tuple[float, float]:
    """(from where on there are more, below which there are fewer)."""
    if bounds.by == "cpu":
        return bounds.cpu_percent, bounds.cpu_percent * _CPU_DOWN
    return max(bounds.queue_up, _LEAST_DEPTH), bounds.queue_down
