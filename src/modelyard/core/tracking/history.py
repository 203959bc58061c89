"""What metrics were over time."""

from collections.abc import Collection
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.search import Order
from modelyard.core.kernel.store import Between, Part, Tx
from modelyard.core.tracking.entities import Metric
from modelyard.core.tracking.limits import check_integer
from modelyard.core.tracking.runs import require_run

RUNS_MAX = 100
_IN_TIME = (Order("attribute", "timestamp"), Order("attribute", "step"), Order("attribute", "value"))
_IN_STEPS = tuple(Order("attribute", field) for field in ("step", "timestamp", "value", "is_nan"))


def metric_history(tx: Tx, actor: Actor, run_id: str, key: str, part: Part | None = None) -> list[Metric]:
    """All measurements of one metric of a run, in the order of their time."""
    run = require_run(tx, actor, Permission.EXPERIMENT_READ, run_id)
    return tx.search(Metric, (), _IN_TIME, part or Part(limit=2**31), run_id=run.id, key=key)


def histories(tx: Tx, actor: Actor, run_ids: Collection[str], key: str, limit: int) -> list[Metric]:
    """The first ``limit`` measurements of one metric of several runs, run by run in the order of their ids."""
    found: list[Metric] = []
    for run_id in sorted(_checked(run_ids)):
        found += metric_history(tx, actor, run_id, key, Part(limit - len(found)))
    return found


def samples(
    tx: Tx, actor: Actor, run_ids: Collection[str], key: str, limit: int, steps: tuple[int | None, int | None]
) -> list[Metric]:
    """At most ``limit`` measurements of one metric of each run, evenly from its first to its last.

    Both ends of ``steps`` are given, or none.
    """
    found: list[Metric] = []
    between = _between(*steps)
    for run_id in _checked(run_ids):
        run = require_run(tx, actor, Permission.EXPERIMENT_READ, run_id)
        found += _thinned(tx.search(Metric, (), _IN_STEPS, Part(2**31), run_id=run.id, key=key, **between), limit)
    return found


def _checked(run_ids: Collection[str]) -> Collection[str]:
    if not 0 < len(run_ids) <= RUNS_MAX:
        raise invalid(f"name at least one run and at most {RUNS_MAX}; {len(run_ids)} were given")
    return run_ids


def _between(first: int | None, last: int | None) -> dict[str, Any]:
    if first is None and last is None:
        return {}
    if first is None or last is None:
        raise invalid("start_step and end_step go together: give both or none")
    check_integer("start_step", first)
    check_integer("end_step", last)
    if first > last:
        raise invalid(f"end_step must not be less than start_step: {last} is less than {first}")
    return {"step": Between(first, last)}


def _thinned(rows: list[Metric], limit: int) -> list[Metric]:
    """The first of each of ``limit`` stretches of about equal length, but of the last stretch the last."""
    if len(rows) <= limit:
        return rows
    length, longer = divmod(len(rows), limit)  # the first stretches are longer by one
    return [rows[number * length + min(number, longer)] for number in range(limit - 1)] + rows[-1:]
