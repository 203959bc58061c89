"""How far the event loop is behind: requests to models that run on it are refused when it is too far.

Everything that has arrived is handled in one round of the loop, one after another. What is late in a long round has
waited as long as the round lasts already, and whatever arrives meanwhile waits for the next.
"""

import asyncio
import time

from modelyard.core.kernel.errors import DomainError, rate_limited

LONGEST_SECONDS = 0.03
"""A round answers so long, and refuses the rest: who arrives at the worst moment waits for two rounds."""
SPARING_SECONDS = 0.5
"""So long it answers where little speaks for refusing: the round before was short, or answers are cheap."""
CHEAP_SECONDS = 0.0005
"""While answers cost less than that, refusing some would not leave time for many more."""

_LOOK_SECONDS = 0.02
_LONG_SECONDS = 0.005
"""To know the end of a round makes the loop go round once more: short ones are looked at now and then alone."""


class Rounds:
    """The rounds of the running loop."""

    def __init__(self) -> None:
        self._call_soon = asyncio.get_running_loop().call_soon
        self._look_at = 0.0
        self._began = 0.0
        self._worked = 0.0
        self._answers = 0
        self._was_long = False

    def require(self) -> None:
        """There is time for one more in this round; ``RATE_LIMITED`` otherwise."""
        now = time.monotonic()
        if self._began:
            if now - self._began > LONGEST_SECONDS and self._is_behind():
                raise behind()
            self._answers += 1
        elif now >= self._look_at:
            self._began, self._answers, self._worked = now, 1, time.thread_time()
            self._call_soon(self._end)

    def _is_behind(self) -> bool:
        """Whether it was this thread's own work that took so long, not a machine that gave it no time.

        One long round is no overload: a model's first answer makes one, and who asks again after it has not waited.
        """
        took = time.thread_time() - self._worked
        is_spared = not self._was_long or took <= self._answers * CHEAP_SECONDS
        return took > (SPARING_SECONDS if is_spared else LONGEST_SECONDS)

    def _end(self) -> None:
        took = time.thread_time() - self._worked
        self._was_long = took > LONGEST_SECONDS
        self._look_at = 0.0 if took > _LONG_SECONDS else time.monotonic() + _LOOK_SECONDS
        self._began = 0.0


def behind() -> DomainError:
    """What is told of a server that cannot keep up."""
    return rate_limited("more requests arrive than this server can answer; try again in 1 s", 1)
