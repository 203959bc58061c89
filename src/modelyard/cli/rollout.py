"""``modelyard deployment``: guards, rollouts and rolling back."""

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

from cyclopts import App, Parameter

from modelyard.cli.failures import UsageError
from modelyard.cli.options import IN_WORKSPACE, InWorkspace, examples
from modelyard.cli.screen import Columns
from modelyard.cli.session import in_workspace
from modelyard.client.rollouts import Guard, Rollout

app = App(name="deployment")

_GUARD: Columns[Guard] = {
    "On": lambda guard: guard.enabled,
    "On trial, seconds": lambda guard: guard.bake_seconds,
    "To be ready within, seconds": lambda guard: guard.load_seconds,
    "Judged from, requests": lambda guard: guard.min_requests,
    "Error rate at most": lambda guard: guard.max_error_rate,
    "99th percentile at most, ms": lambda guard: guard.max_p99_ms,
    "Times as slow at most": lambda guard: guard.max_latency_ratio,
    "Rows failing checks at most": lambda guard: guard.max_failed_checks,
}
_ROLLOUTS: Columns[Rollout] = {
    "FROM": lambda row: row.from_revision,
    "TO": lambda row: row.to_revision,
    "STATE": lambda row: row.state,
    "BACK AS": lambda row: row.back_revision,
    "STARTED": lambda row: row.started_at,
    "ENDED": lambda row: row.ended_at,
    "REASON": lambda row: row.reason or None,
}


@Parameter(name="*")
@dataclass(frozen=True)
class Limits:
    """What new revisions must hold to."""

    bake_seconds: int | None = None
    """How long a revision is on trial; 300 by default."""

    load_seconds: int | None = None
    """Within how many seconds it must serve; 300 by default."""

    min_requests: int | None = None
    """It is judged when so many requests have come; 20 by default."""

    max_error_rate: float | None = None
    """The share of requests that may fail; 0.05 by default."""

    max_p99_ms: float | None = None
    """Milliseconds that 99 % of the answers may take."""

    max_latency_ratio: float | None = None
    """How many times as long as before the median answer may take."""

    max_failed_checks: float | None = None
    """The share of rows that may fail validations."""

    def given(self) -> dict[str, Any]:
        """Those that were given."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


_NO_LIMITS = Limits()
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@app.command(
    help_epilogue=examples(
        "deployment guard ccfraud -w fraud",
        "deployment guard ccfraud -w fraud --max-error-rate 0.02 --max-latency-ratio 3",
        "deployment guard ccfraud -w fraud --remove",
    )
)
def guard(
    pipeline: str,
    /,
    *,
    limits: Limits = _NO_LIMITS,
    on: Flag = False,
    remove: Flag = False,
    place: InWorkspace = IN_WORKSPACE,
) -> None:
    """Show what guards a pipeline's deployment, or say so: a new revision that fails is rolled back by itself.

    What is not given has its default.

    Parameters
    ----------
    pipeline
        Its name.
    on
        Guard it, with the defaults for what is not given.
    remove
        Guard it no longer.
    """
    given = limits.given()
    if remove and (given or on):
        raise UsageError("--remove takes the guard away; give it alone.")
    with in_workspace(place) as session:
        chosen, rollouts = session.client.pipelines.get(session.workspace.id, pipeline), session.client.rollouts
        if remove:
            rollouts.remove_guard(chosen)
        elif given or on:
            rollouts.set_guard(chosen, replace(Guard(), **given))
        session.screen.one(rollouts.guard(chosen), _GUARD)


@app.command(help_epilogue=examples("deployment rollouts ccfraud -w fraud"))
def rollouts(pipeline: str, /, *, place: InWorkspace = IN_WORKSPACE) -> None:
    """Show which revisions took whose place, and what became of them.

    Parameters
    ----------
    pipeline
        Its name.
    """
    with in_workspace(place) as session:
        chosen = session.client.pipelines.get(session.workspace.id, pipeline)
        session.screen.rows(session.client.rollouts.list(chosen), _ROLLOUTS)


@app.command(help_epilogue=examples("deployment rollback ccfraud -w fraud"))
def rollback(pipeline: str, /, *, place: InWorkspace = IN_WORKSPACE) -> None:
    """Have served again what was served before the current revision.

    Parameters
    ----------
    pipeline
        Its name.
    """
    with in_workspace(place) as session:
        chosen = session.client.pipelines.get(session.workspace.id, pipeline)
        session.screen.one(session.client.rollouts.roll_back(chosen), _ROLLOUTS)
