"""How many processes there are for each model whose number follows the load."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from modelyard.core.serving.entities import ProcessState
from modelyard.core.serving.processes import ProcessKey, WantedProcess
from modelyard.core.serving.scaling import Sample, Scaler
from modelyard.engines.process.supervised import Supervised
from modelyard.engines.process.usage import Usage

_Place = tuple[int, int, int]


class Scaling:
    """For the host's loop."""

    def __init__(self) -> None:
        self._scalers: dict[_Place, Scaler] = {}
        self._watched: dict[_Place, _Watched] = {}

    def fitting(self, wanted: Sequence[WantedProcess]) -> list[WantedProcess]:
        """Those of them that there should be now. One that sleeps is one of them."""
        first = {_place(each.key): each for each in wanted if each.resources.autoscale}
        begun = {place: self._scalers.get(place) or self._begun(place, each) for place, each in first.items()}
        self._scalers = begun
        self._watched = {place: self._watched.get(place) or _Watched() for place in begun}
        return [each for each in wanted if self._is_wanted(each.key)]

    def look(self, processes: Iterable[Supervised], used: Mapping[int, Usage], seconds: float) -> None:
        """Change the numbers by what the processes do; ``seconds`` is how long one may take to fall asleep."""
        at: dict[_Place, list[Supervised]] = defaultdict(list)
        for process in processes:
            if process.wanted.standby or process.state == ProcessState.DRAINING:
                continue  # what is on standby stays as it was
            if _place(process.wanted.key) in self._scalers:
                at[_place(process.wanted.key)].append(process)
        for place, here in at.items():
            self._look(self._scalers[place], self._watched[place], here, used, seconds)

    def _look(
        self,
        scaler: Scaler,
        watched: "_Watched",
        here: list[Supervised],
        used: Mapping[int, Usage],
        seconds: float,
    ) -> None:
        first = min(here, key=lambda process: process.wanted.key.number)
        if first.state == ProcessState.ASLEEP:
            return
        if not scaler.replicas:
            scaler.wake()
        if len(here) != scaler.replicas or any(process.state != ProcessState.READY for process in here):
            scaler.forget()
            watched.forget()
            return
        before, sample = scaler.replicas, watched.sample(here, used)
        reason = scaler.note(sample) if sample else ""
        if not reason:
            return
        if scaler.replicas:
            first.said.append(f"model {first.model} is scaled from {before} to {scaler.replicas}: {reason}")
        else:
            first.said.append(f"model {first.model} falls asleep: {reason}")
            first.sleep(seconds)

    def _begun(self, place: _Place, wanted: WantedProcess) -> Scaler:
        """As many as the deployment had before it changed."""
        assert wanted.resources.autoscale is not None  # noqa: S101  # see ``fitting``
        known = [each.replicas for (deployment, _, at), each in self._scalers.items() if (deployment, at) == place[::2]]
        return Scaler(wanted.resources.autoscale, max([wanted.resources.replicas, *known]))

    def _is_wanted(self, key: ProcessKey) -> bool:
        scaler = self._scalers.get(_place(key))
        return scaler is None or key.number < max(scaler.replicas, 1)


class _Watched:
    """The processes of one model, from one look to the next."""

    def __init__(self) -> None:
        self._at = 0.0
        self._done: dict[int, int] = {}
        self._seconds: dict[int, float] = {}

    def forget(self) -> None:
        """The next look is the first."""
        self._done, self._seconds = {}, {}

    def sample(self, here: Sequence[Supervised], used: Mapping[int, Usage]) -> Sample | None:
        """What they did since the last look; None when it is the first at one of them."""
        now, passed = time.monotonic(), time.monotonic() - self._at
        done = {process.pid or 0: process.done for process in here}
        seconds = {pid: used[pid].cpu_seconds if pid in used else 0.0 for pid in done}
        known = done.keys() == self._done.keys() and passed > 0
        calls = sum(process.busy + process.waiting for process in here)
        asked = bool(calls) or done != self._done
        shares = [(seconds[pid] - self._seconds.get(pid, 0.0)) / passed for pid in done]
        allowed = here[0].wanted.resources.cpu or 1.0
        self._at, self._done, self._seconds = now, done, seconds
        return Sample(now, calls, 100 * sum(shares) / len(shares) / allowed, asked) if known else None


def _place(key: ProcessKey) -> _Place:
    return key.deployment_id, key.revision, key.place
