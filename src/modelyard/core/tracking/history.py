"""What metrics were over time."""

from collections.abc import Sequence
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.search import Order
from modelyard.core.kernel.store import Between, Part, Tx
from modelyard.core.tracking.entities import Metric
from modelyard.core.tracking.runs import require_run

RUNS_MAX = 100
_IN_TIME = (Order("attribute", "timestamp"), Order("attribute", "step"), Order("attribute", "value"))
_IN_STEPS = (Order("attribute", "step"), Order("attribute", "timestamp"))


def metric_history(tx: Tx, actor: Actor, run_id: str, key: str, part: Part | None = None) -> list[Metric]:
    """All measurements of one metric of a run, in the order of their time."""
    run = require_run(tx, actor, Permission.EXPERIMENT_READ, run_id)
    return tx.search(Metric, (), _IN_TIME, part or Part(limit=2**31), run_id=run.id, key=key)


def histories(
    tx: Tx, actor: Actor, run_ids: Sequence[str], key: str, limit: int, steps: tuple[int | None, int | None]
) -> list[Metric]:
    """One metric of several runs, thinned to about ``limit`` steps a run; first and last step always stay."""
    if not 0 < len(run_ids) <= RUNS_MAX:
        raise invalid(f"name 1 to {RUNS_MAX} runs in run_ids")
    found: list[Metric] = []
    for run_id in run_ids:
        run = require_run(tx, actor, Permission.EXPERIMENT_READ, run_id)
        rows = tx.search(Metric, (), _IN_STEPS, Part(limit=2**31), run_id=run.id, key=key, **_between(steps))
        found += _thinned(rows, limit)
    return found


def _between(steps: tuple[int | None, int | None]) -> dict[str, Any]:
    return {} if steps == (None, None) else {"step": Between(*steps)}


def _thinned(rows: list[Metric], limit: int) -> list[Metric]:
    all_steps = sorted({row.step for row in rows})
    if len(all_steps) <= limit:
        return rows
    every = (len(all_steps) - 1) / max(1, limit - 1)
    chosen = {all_steps[round(number * every)] for number in range(limit)} | {all_steps[-1]}
    return [row for row in rows if row.step in chosen]
