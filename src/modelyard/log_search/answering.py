"""From a question to the bytes of its answer, within the process that searches."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.monitoring.log_search import MOST_ROWS, Layout, Search, cursor_text
from modelyard.log_search.database import ALL, MEMORY_MB, Files, opened
from modelyard.log_search.formats import plain, written
from modelyard.log_search.live import LiveRows
from modelyard.log_search.selecting import PLACE, chosen, select, time_of_last, until
from modelyard.log_search.statements import check
from modelyard.log_search.wire import Asked

_BATCH_ROWS = 10_000
_PAGE_BYTES = 64 * 1024 * 1024
_JSON = msgspec.json.Encoder(enc_hook=plain)


def answer(asked: Asked, live: LiveRows, archive: Path, scratch: Path) -> Iterator[bytes]:
    """The pieces of the answer.

    Raises ``DomainError`` for what cannot be asked or takes too much, FileNotFoundError when a file is gone.
    """
    with TemporaryDirectory(dir=scratch) as own:
        files = _files(asked, live, archive, Path(own))
        with opened(asked, files, Path(own)) as (database, views):
            try:
                if asked.layout is Layout.PAGE:
                    yield _page(database, views, asked)
                else:
                    yield from written(_rows(database, views, asked, None), asked.layout)
            except duckdb.Error as error:
                for path in (path for paths in files.values() for path in paths):
                    Path(path).stat()  # what was merged or forgotten meanwhile is no fault of the question
                raise _told(error) from error


def _files(asked: Asked, live: LiveRows, archive: Path, own: Path) -> Files:
    """The Parquet files of each source: those of the archive, and what stands in live segments written to its own."""
    found = {}
    for source in asked.sources:
        number = source.pipeline_id
        kept = [str(archive / path) for path in asked.files.get(number, ())]
        folder = own / str(number)
        folder.mkdir()
        found[number] = kept + live.written(asked.segments.get(number, ()), asked, folder)
    return found


def _rows(
    database: duckdb.DuckDBPyConnection, views: frozenset[str], asked: Asked, limit: int | None
) -> pa.RecordBatchReader:
    if asked.search is not None:
        found = _searched(database, asked.search, limit)
    elif asked.statement is not None:
        check(database, asked.statement.sql, views)
        found = database.sql(asked.statement.sql)
    else:
        raise invalid("nothing is asked")
    rows: pa.RecordBatchReader = found.to_arrow_reader(_BATCH_ROWS)
    return rows


def _searched(database: duckdb.DuckDBPyConnection, search: Search, limit: int | None) -> duckdb.DuckDBPyRelation:
    types = {column: type_ for column, type_, *_ in database.execute(f"DESCRIBE {ALL}").fetchall()}
    rows, most = chosen(search, types), limit or search.limit
    if most:
        sql, values = time_of_last(search, rows, most)
        ((time_ms,),) = database.execute(sql, values).fetchall()
        rows = rows if time_ms is None else until(search, rows, time_ms)
    return database.sql(select(search, types, rows, most, placed=limit is not None), params=list(rows.values))


def _page(database: duckdb.DuckDBPyConnection, views: frozenset[str], asked: Asked) -> bytes:
    """One JSON object; ``next_cursor`` only for a search, ``truncated`` where a statement found more."""
    limit = MOST_ROWS if asked.search is None else min(asked.search.limit or MOST_ROWS, MOST_ROWS)
    reader = _rows(database, views, asked, limit + 1)
    batches, count, size = [], 0, 0
    for batch in reader:
        batches.append(batch)
        count, size = count + batch.num_rows, size + batch.nbytes
        if size > _PAGE_BYTES:
            raise DomainError(ErrorKind.TOO_LARGE, "the answer is too large; ask for fewer rows or columns, or export")
        if count > limit:
            break
    table = pa.Table.from_batches(batches, reader.schema).slice(0, limit)
    more = count > limit
    told: dict[str, Any] = {}
    if asked.search is not None:
        table, told["next_cursor"] = _without_place(table, more=more)
    else:
        told["truncated"] = more
    columns = [{"name": field.name, "type": str(field.type)} for field in table.schema]
    return _JSON.encode({"columns": columns, "rows": table.to_pylist(), **told})


def _without_place(table: pa.Table, *, more: bool) -> tuple[pa.Table, str | None]:
    """(the columns that were asked for, where to go on if there is more)."""
    own = table.num_columns - len(PLACE)
    last: Sequence[Any] = []
    if more:
        last = [table.column(at)[table.num_rows - 1].as_py() for at in range(own, table.num_columns)]
    return table.select(range(own)), cursor_text(last) if more else None


def _told(error: duckdb.Error) -> DomainError:
    """What went wrong, in the words of the database where they are about what was asked."""
    text = str(error).split("\n\nLINE", 1)[0][:500]
    if isinstance(error, duckdb.OutOfMemoryException):
        message = f"the search needs more than {MEMORY_MB} MB; ask for a shorter time range or fewer columns"
        return DomainError(ErrorKind.TOO_LARGE, message)
    if isinstance(error, duckdb.PermissionException | duckdb.IOException):
        return invalid("the statement may read the logs and nothing else")
    return invalid(f"the search cannot be made: {text}")
