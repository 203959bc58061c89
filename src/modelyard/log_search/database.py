"""A database in memory that sees the logs of one question, as views over Parquet files, and nothing else."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from modelyard.archive.formats import DTYPE_KEY
from modelyard.core.monitoring.log_search import Source
from modelyard.log_search.wire import Asked

MEMORY_MB = 256
_SPILL = "4GB"
ALL = "logs"
"""The view over all pipelines."""
PIPELINE_ID = "metadata.pipeline_id"
_SETTINGS: dict[str, str | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": f"{MEMORY_MB}MB",
    "python_enable_replacements": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "allow_community_extensions": False,
    "preserve_insertion_order": False,
    "enable_object_cache": False,
    "max_temp_directory_size": _SPILL,
}
_NO_ROWS = (
    "SELECT NULL::TIMESTAMPTZ AS time, NULL::VARCHAR AS workspace, NULL::VARCHAR AS pipeline, "
    f'NULL::BIGINT AS "{PIPELINE_ID}", NULL::VARCHAR AS "metadata.request_id", NULL::VARCHAR AS "metadata.partition", '
    'NULL::BIGINT AS "metadata.row" WHERE false'
)

_ELEMENTS = {
    "bool": "BOOLEAN",
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint8": "UTINYINT",
    "uint16": "USMALLINT",
    "uint32": "UINTEGER",
    "uint64": "UBIGINT",
    "halffloat": "FLOAT",
    "float": "FLOAT",
    "double": "DOUBLE",
}

Files = Mapping[int, Sequence[str]]
"""Paths of Parquet files by the number of their pipeline."""


def name(text: str) -> str:
    """A name as SQL has it."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def moment(time_ms: int) -> str:
    """A time as SQL has it."""
    return f"TIMESTAMPTZ '{datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec='milliseconds')}'"


@contextmanager
def opened(asked: Asked, files: Files, scratch: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, frozenset[str]]]:
    """The database, locked, and the names of its views in lower case; what does not fit in memory goes to scratch."""
    database = duckdb.connect(":memory:", config={**_SETTINGS, "temp_directory": str(scratch)})
    try:
        database.execute("SET TimeZone = 'UTC'")
        paths = [path for source in asked.sources for path in files.get(source.pipeline_id, ())]
        database.execute("SET allowed_paths = [" + ", ".join(map(literal, paths)) + "]")
        database.execute("SET enable_external_access = false")
        views = _make_views(database, asked, files)
        database.execute("SET lock_configuration = true")
        yield database, views
    finally:
        database.close()


def _make_views(database: duckdb.DuckDBPyConnection, asked: Asked, files: Files) -> frozenset[str]:
    schemas = {path: pq.read_schema(path) for paths in files.values() for path in paths}
    clashing = _clashing(list(schemas.values()))
    bounds = _bounds(asked)
    views = {
        view: _view(source, files.get(source.pipeline_id, ()), schemas, clashing, bounds)
        for view, source in _named(asked.sources).items()
    }
    for view, select in views.items():
        database.execute(f"CREATE VIEW {name(view)} AS {select}")
    parts = [f"SELECT * FROM {name(view)}" for view in views] or [_NO_ROWS]  # noqa: S608  # names are quoted
    if ALL not in views:
        database.execute(f"CREATE VIEW {ALL} AS " + " UNION ALL BY NAME ".join(parts))
    return frozenset({view.lower() for view in views} | {ALL})


def _named(sources: Sequence[Source]) -> dict[str, Source]:
    """Each pipeline's view is named like it; with its workspace before it where several have the name."""
    names = [source.pipeline.lower() for source in sources]
    return {
        source.pipeline
        if names.count(source.pipeline.lower()) == 1 and source.pipeline.lower() != ALL
        else f"{source.workspace}/{source.pipeline}": source
        for source in sources
    }


def _view(
    source: Source, paths: Sequence[str], schemas: Mapping[str, pa.Schema], clashing: frozenset[str], bounds: str
) -> str:
    """All rows of a pipeline; a column that only some of its files have is null in the others."""
    alike: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    for path in paths:
        alike[tuple((field.name, str(field.type)) for field in schemas[path])].append(path)
    constants = (
        f"{literal(source.workspace)} AS workspace, {literal(source.pipeline)} AS pipeline, "
        f"{source.pipeline_id}::BIGINT AS {name(PIPELINE_ID)}"
    )
    selects = [_NO_ROWS]
    for same in alike.values():
        listed = ", ".join(map(literal, same))
        columns = ", ".join(_column(field, clashing) for field in schemas[same[0]])
        rows = f"read_parquet([{listed}], hive_partitioning = false)"
        selects.append(f"SELECT {constants}, {columns} FROM {rows}{bounds}")  # noqa: S608  # names and texts are quoted
    return " UNION ALL BY NAME ".join(selects)


def _bounds(asked: Asked) -> str:
    conditions = []
    if asked.start_ms is not None:
        conditions.append(f"time >= {moment(asked.start_ms)}")
    if asked.end_ms is not None:
        conditions.append(f"time <= {moment(asked.end_ms)}")
    if asked.request_id is not None:
        conditions.append(f'"metadata.request_id" = {literal(asked.request_id)}')
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _column(field: pa.Field, clashing: frozenset[str]) -> str:
    """A column as the view has it: JSON texts as what they say, lists of whatever length, and what clashes as text."""
    column = name(field.name)
    if (field.metadata or {}).get(DTYPE_KEY) == b"json":
        return f"{column} ->> '$' AS {column}"
    if field.name in clashing:
        return f"to_json({column})::VARCHAR AS {column}"
    if pa.types.is_fixed_size_list(field.type):
        return f"{column}::{_ELEMENTS[str(field.type.value_type)]}[] AS {column}"
    return column


def _clashing(schemas: Sequence[pa.Schema]) -> frozenset[str]:
    """Columns whose values in some files are no kin of those in others: they are given as text."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for schema in schemas:
        for field in schema:
            kinds[field.name].add(_kind(field.type))
    return frozenset(column for column, found in kinds.items() if len(found) > 1)


def _kind(of: pa.DataType) -> str:
    if pa.types.is_list(of) or pa.types.is_fixed_size_list(of):
        return f"list of {_kind(of.value_type)}"
    return "number" if pa.types.is_integer(of) or pa.types.is_floating(of) else str(of)
