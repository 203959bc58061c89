"""The fields of ``query_root``. Those by primary key are null for what the caller may not see."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.reading import (
    default_workspaces,
    model_configs,
    model_versions,
    search_model_versions,
    tags,
    workspaces,
)
from modelyard.core.serving.reading import deployments, pipeline_versions, pipelines, search_pipeline_versions
from modelyard.dialects.wallaroo.graphql import filters
from modelyard.dialects.wallaroo.graphql.fields import order
from modelyard.dialects.wallaroo.graphql.filters import Translate, Where, conditions
from modelyard.dialects.wallaroo.graphql.reader import Node, Reader, RootField

Order = list[dict[str, str]] | None
Read = Callable[..., Iterable[Any]]


def _by_pk(read: Read) -> Callable[..., Node | None]:
    def resolve(reader: Reader, id: int) -> Node | None:  # noqa: A002  # the schema's name
        return next(iter(reader.nodes(read(reader.tx, reader.actor, id={id}))), None)

    return resolve


def _list(read: Read, fields: Mapping[str, Translate]) -> Callable[..., list[Node]]:
    def resolve(reader: Reader, where: Where | None = None, order_by: Order = None) -> list[Node]:
        found = read(reader.tx, reader.actor, **conditions(reader, fields, where))
        return reader.nodes(_sorted(found, order(order_by)))

    return resolve


def _search(read: Read, fields: Mapping[str, Translate]) -> Callable[..., list[Node]]:
    def resolve(
        reader: Reader,
        args: Mapping[str, Any],
        where: Where | None = None,
        order_by: Order = None,
        distinct_on: list[str] | None = None,
    ) -> list[Node]:
        del distinct_on  # by id only, and no id comes twice
        text = args.get("search") or ""
        found = read(reader.tx, reader.actor, text, **conditions(reader, fields, where))
        return reader.nodes(_sorted(found, order(order_by)))

    return resolve


def _tags(reader: Reader, order_by: Order = None) -> list[Node]:
    return reader.nodes(_sorted(tags(reader.tx, reader.actor), order(order_by)))


def _sorted(rows: Iterable[Any], order_by: str | None) -> Iterable[Any]:
    if order_by is None:
        return rows
    field = order_by.lstrip("-")
    return sorted(rows, key=lambda row: (getattr(row, field), row.id), reverse=order_by.startswith("-"))


def _no_orchestration(_: Reader, id: str) -> None:  # noqa: A002  # the schema's name
    """There are no orchestrations yet, so none can be found."""


QUERIES: dict[str, RootField] = {
    "workspace_by_pk": RootField(Permission.WORKSPACE_READ, _by_pk(workspaces)),
    "user_default_workspace": RootField(
        Permission.WORKSPACE_READ, _list(default_workspaces, filters.USER_DEFAULT_WORKSPACE)
    ),
    "model": RootField(Permission.MODEL_READ, _list(model_versions, filters.MODEL_VERSION)),
    "model_by_pk": RootField(Permission.MODEL_READ, _by_pk(model_versions)),
    "model_config_by_pk": RootField(Permission.MODEL_READ, _by_pk(model_configs)),
    "pipeline": RootField(Permission.PIPELINE_READ, _list(pipelines, filters.PIPELINE)),
    "pipeline_by_pk": RootField(Permission.PIPELINE_READ, _by_pk(pipelines)),
    "pipeline_version_by_pk": RootField(Permission.PIPELINE_READ, _by_pk(pipeline_versions)),
    "deployment": RootField(Permission.PIPELINE_READ, _list(deployments, filters.DEPLOYMENT)),
    "deployment_by_pk": RootField(Permission.PIPELINE_READ, _by_pk(deployments)),
    "tag": RootField(Permission.MODEL_READ, _tags),
    "tag_by_pk": RootField(Permission.MODEL_READ, _by_pk(tags)),
    "orchestration_by_pk": RootField(Permission.SIGNED_IN, _no_orchestration),
    "search_models": RootField(Permission.MODEL_READ, _search(search_model_versions, filters.MODEL_VERSION)),
    "search_pipelines": RootField(
        Permission.PIPELINE_READ, _search(search_pipeline_versions, filters.PIPELINE_VERSION)
    ),
}
