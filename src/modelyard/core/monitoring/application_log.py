"""What the server says about deployments: their events, as the lines of an application's log."""

from dataclasses import dataclass

from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring.logged import list_logged
from modelyard.core.serving.entities import DeploymentEvent, Form, Pipeline

MOST = 1000


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events, newest first: ``size`` from number ``offset`` on.

    ``pod`` is a pipeline's name, with or without what follows it (as ``name-predictor-worker``), or a worker's id;
    ``node`` leaves out what is about other nodes.
    """

    namespace: str | None = None
    pod: str = ""
    node: str = ""
    offset: int = 0
    size: int = 100


def read_events(tx: Tx, actor: Actor, query: EventQuery) -> tuple[list[DeploymentEvent], int]:
    """(the events of that part, how many there are in all) of deployments whose log the actor may read."""
    pipelines = [of.pipeline for of in list_logged(tx, actor, list(Form), query.namespace)]
    if query.offset < 0 or query.size < 0:
        raise invalid("from and size must not be negative")
    named = _named(pipelines, query.pod)
    ids = [pipeline.id for pipeline in named or pipelines]
    found = tx.find(DeploymentEvent, order_by="-id", pipeline_id=ids)
    workers = {event.worker_id for event in found if event.worker_id and query.pod.endswith(event.worker_id)}
    if query.pod and not named and not workers:
        return [], 0
    about = [event for event in found if _about(event, workers, query)]
    return about[query.offset : query.offset + min(query.size, MOST)], len(about)


def _named(pipelines: list[Pipeline], pod: str) -> list[Pipeline]:
    """Those that the pod is of: the longest name counts, for names may begin with one another."""
    fitting = [pipeline for pipeline in pipelines if pod == pipeline.name or pod.startswith(f"{pipeline.name}-")]
    longest = max((len(pipeline.name) for pipeline in fitting), default=0)
    return [pipeline for pipeline in fitting if len(pipeline.name) == longest]


def _about(event: DeploymentEvent, workers: set[str], query: EventQuery) -> bool:
    if workers and event.worker_id and event.worker_id not in workers:
        return False
    return query.node in ("", event.node) or not event.node
