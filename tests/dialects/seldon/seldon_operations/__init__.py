"""The table of all operations of Seldon Deploy's API: how each is called, what it must give; in the order of calls."""

from seldon_operations import core2, monitoring, platform, serving
from seldon_operations.row import Row

ROWS: list[Row] = [
    *platform.ENVIRONMENT,
    *platform.PEOPLE,
    *platform.SECRETS,
    *serving.CREATED,
    *core2.MODELS,
    *core2.PIPELINES,
    *serving.ASKED,
    *serving.JOBS,
    *platform.METADATA,
    *monitoring.LOGS,
    *monitoring.WATCHED,
    *core2.EXPERIMENTS,
    *serving.REVISIONS,
    *serving.DELETED,
    *core2.DELETED,
]

__all__ = ["ROWS", "Row"]
