"""Reference data out of files: CSV and Parquet, their columns named like the features."""

from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from modelyard.core.automation.data_files import Source
from modelyard.core.kernel.errors import invalid
from modelyard.core.monitoring.reference import MOST_FEATURES, MOST_ROWS, Reference, reference_of

SUFFIXES = (".csv", ".parquet")
_BATCH = 1000


def read_reference(source: Source, uri: str) -> Reference:
    """The numbers of the first rows, at most ``MOST_ROWS``; empty places are no numbers. Blocking.

    ``INVALID`` for a file that is no table, or one without numbers.
    """
    try:
        with source.opened() as file:
            table = _first_rows(file, csv=source.name.lower().endswith(".csv"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise invalid(f"{uri} cannot be read as a table: {str(error)[:300]}") from error
    names = [field.name for field in table.schema if _is_number(field.type)][:MOST_FEATURES]
    if not names or not table.num_rows:
        raise invalid(f"{uri} has no columns of numbers, or no rows; name its columns like the deployment's features")
    columns = [table.column(name).cast(pa.float64()).to_numpy() for name in names]
    return reference_of(names, np.stack(columns, axis=1))


def _first_rows(file: IO[bytes], *, csv: bool) -> pa.Table:
    batches, rows = [], 0
    for batch in _batches(file, csv=csv):
        batches.append(batch)
        rows += batch.num_rows
        if rows >= MOST_ROWS:
            break
    if not batches:
        raise ValueError("it is empty")
    return pa.Table.from_batches(batches).slice(0, MOST_ROWS)


def _batches(file: IO[bytes], *, csv: bool) -> Iterator[pa.RecordBatch]:
    if csv:
        with pa.csv.open_csv(file) as reader:
            yield from reader
    else:
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415  # ten megabytes that only who reads such a file pays

        with ParquetFile(file) as parquet:
            yield from parquet.iter_batches(_BATCH)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))
