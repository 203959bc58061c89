"""The schema with its resolvers. Every field has one of ours: nothing is answered by accident."""

from collections.abc import Callable
from importlib import resources
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, build_schema

from modelyard.dialects.wallaroo.graphql import scalars
from modelyard.dialects.wallaroo.graphql.fields import resolver
from modelyard.dialects.wallaroo.graphql.mutations import MUTATIONS
from modelyard.dialects.wallaroo.graphql.queries import QUERIES
from modelyard.dialects.wallaroo.graphql.reader import Info, RootField

_ROOTS: dict[str, dict[str, RootField]] = {"query_root": QUERIES, "mutation_root": MUTATIONS}


def _build() -> GraphQLSchema:
    schema = build_schema(resources.files(__package__).joinpath("schema.graphql").read_text("utf-8"))
    scalars.install(schema)
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in kind.fields.items():
                field.resolve = _resolver(name, field_name)
    return schema


def _resolver(type_name: str, field_name: str) -> Callable[..., Any]:
    if type_name in _ROOTS:
        return _root(_ROOTS[type_name][field_name])
    if type_name.endswith(("_mutation_response", "_aggregate")):
        return lambda answer, _: answer[field_name]
    return resolver(type_name, field_name)


def _root(field: RootField) -> Callable[..., Any]:
    def resolve(_: None, info: Info, **arguments: Any) -> Any:
        answer = field.answer(info.context, **arguments)
        if field.permission not in info.context.actor.checked:
            raise RuntimeError(f"{info.field_name} answered without asking for its permission {field.permission}")
        return answer

    return resolve


SCHEMA = _build()
