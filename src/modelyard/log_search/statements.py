"""What a statement of a user may name: the views that were made for it, its own tables, and harmless functions."""

import json
from collections.abc import Iterator, Set
from typing import Any

import duckdb

from modelyard.core.kernel.errors import DomainError, invalid

_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
_NOT_FUNCTIONS = frozenset({"current_setting", "getenv", "getvariable", "write_log", "query", "query_table"})
_NOT_BEGINNINGS = ("__internal", "duckdb_", "pg_", "pragma_", "read_", "sniff_", "has_", "parquet_")
_PARSED = "select json_serialize_sql(?::varchar, skip_null := true, skip_empty := true)"


def check(database: duckdb.DuckDBPyConnection, sql: str, views: Set[str]) -> None:
    """``INVALID`` unless it is one SELECT statement over the views."""
    ((text,),) = database.execute(_PARSED, [sql]).fetchall()
    parsed = json.loads(text)
    if parsed.get("error"):
        raise _refused(parsed)
    if len(parsed["statements"]) != 1:
        raise invalid("sql must be one statement, not several")
    nodes = list(_nodes(parsed))
    tables = views | {entry["key"].lower() for node in nodes for entry in _ctes(node)}
    for node in nodes:
        _check_node(node, tables)


def _refused(parsed: dict[str, Any]) -> DomainError:
    if parsed.get("error_type") == "not implemented":
        return invalid("sql must be a SELECT statement: logs can be read and not changed")
    return invalid(f"sql is not understood: {parsed.get('error_message', '')[:500]}")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """All objects, however deep: a list of what to visit, as texts may nest deeper than calls can."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _ctes(node: dict[str, Any]) -> list[dict[str, Any]]:
    named = node.get("cte_map")
    return named.get("map", []) if isinstance(named, dict) else []


def _check_node(node: dict[str, Any], tables: Set[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        _check_table(node, tables)
    elif kind == "SHOW_REF" and "query" not in node:
        if node.get("show_type") != "SHOW":
            raise invalid(f"SHOW is not possible here; the tables are: {', '.join(sorted(tables))}")
        _check_table(node, tables)
    elif kind == "TABLE_FUNCTION":
        name = node.get("function", {}).get("function_name", "").lower()
        if name not in _TABLE_FUNCTIONS:
            raise invalid(f"the table function {name[:80]!r} cannot be used here")
    elif kind == "FUNCTION":
        name = node.get("function_name", "").lower()
        if name in _NOT_FUNCTIONS or name.startswith(_NOT_BEGINNINGS):
            raise invalid(f"the function {name[:80]!r} cannot be used here")


def _check_table(node: dict[str, Any], tables: Set[str]) -> None:
    name = node.get("table_name", "")
    if name.lower() not in tables or node.get("catalog_name") or node.get("schema_name"):
        raise invalid(f"there is no table {name[:80]!r}; there are: {', '.join(sorted(tables))}")
