"""Whether a new revision is kept: what was counted is held against the guard. Nothing here reads or writes anything."""

from dataclasses import dataclass
from enum import StrEnum

from modelyard.core.serving.rollout.counts import Counts
from modelyard.core.serving.rollout.entities import RolloutGuard


class Decision(StrEnum):
    """What is to become of a revision on trial."""

    WAIT = "wait"
    KEEP = "keep"
    ROLL_BACK = "roll back"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, and why in words."""

    decision: Decision
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """How a revision stands: seconds since it was wanted, since all workers serve it (None: they do not yet), and why
    it cannot be served."""

    seconds: float
    serving_seconds: float | None
    error: str | None = None


def decide(guard: RolloutGuard, trial: Trial, before: Counts, since: Counts) -> Verdict:
    """Keep, wait or roll back; ``before`` was counted of the revision that served until then, ``since`` of this one."""
    if trial.error is not None:
        return Verdict(Decision.ROLL_BACK, f"it cannot be served: {trial.error}")
    fault = _errors(guard, since) or _slow(guard, since) or _slower(guard, before, since) or _checks(guard, since)
    if fault:
        return Verdict(Decision.ROLL_BACK, fault)
    if trial.serving_seconds is None:
        late = trial.seconds > guard.load_seconds
        return Verdict(Decision.ROLL_BACK, f"it was not ready within {guard.load_seconds} s") if late else _WAIT
    return Verdict(Decision.KEEP, _kept(guard, since)) if trial.serving_seconds >= guard.bake_seconds else _WAIT


_WAIT = Verdict(Decision.WAIT)


def _errors(guard: RolloutGuard, since: Counts) -> str:
    most = guard.max_error_rate
    if most is None or since.requests < guard.min_requests or since.error_rate <= most:
        return ""
    return f"error rate {_percent(since.error_rate)} of {since.requests} requests, at most {_allowed(most)}"


def _slow(guard: RolloutGuard, since: Counts) -> str:
    most = guard.max_p99_ms
    if most is None or since.answered < guard.min_requests or (found := since.quantile(0.99)) <= most:
        return ""
    return f"99 % of {since.answered} answers took up to {found:.4g} ms, at most {most:.4g} ms allowed"


def _slower(guard: RolloutGuard, before: Counts, since: Counts) -> str:
    most = guard.max_latency_ratio
    if most is None or min(before.answered, since.answered) < guard.min_requests:
        return ""
    old, new = before.quantile(0.5), since.quantile(0.5)
    if new <= most * old:
        return ""
    times = f"{new / old:.3g} times what it was, at most {most:.4g} times allowed"
    return f"the median of {since.answered} answers is {new:.4g} ms, {times}"


def _checks(guard: RolloutGuard, since: Counts) -> str:
    most = guard.max_failed_checks
    if most is None or since.rows < guard.min_requests or since.failed_share <= most:
        return ""
    return f"{_percent(since.failed_share)} of {since.rows} rows failed a validation, at most {_allowed(most)}"


def _kept(guard: RolloutGuard, since: Counts) -> str:
    if since.requests < guard.min_requests:
        return f"nothing spoke against it in {guard.bake_seconds} s, though only {since.requests} requests came"
    return f"it held for {guard.bake_seconds} s: {since.requests} requests, error rate {_percent(since.error_rate)}"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _allowed(share: float) -> str:
    return f"{share * 100:.4g} % allowed"
