"""Showing and keeping rows that came out of a pipeline."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelyard.cli.screen import Screen
from modelyard.client.arrow import write_arrow

Record = Mapping[str, Any]

# More rows than this fill no screen usefully; JSON and --out give all.
ROWS_ON_SCREEN = 50


def show_records(screen: Screen, records: Sequence[Record], *, whole: bool) -> None:
    """Write records: all of them in JSON, otherwise the first rows without their inputs and metadata."""
    if whole:
        screen.json(records)
        return
    flat = [flattened(record) for record in records[:ROWS_ON_SCREEN]]
    names = dict.fromkeys(name for row in flat for name in row if not name.startswith(("in.", "metadata.")))
    screen.rows(flat, {name: partial(_readable, name) for name in names})
    if len(records) > ROWS_ON_SCREEN:
        screen.say(f"… and {len(records) - ROWS_ON_SCREEN:,} more; -o json and --out FILE give all.")


def write_result(path: Path, result: "pa.Table | Sequence[Record]") -> None:
    """Keep an answer in a file: an Arrow file if its name ends in .arrow, else JSON records."""
    if path.suffix == ".arrow":
        table = result if isinstance(result, pa.Table) else pa.Table.from_pylist(list(result))
        path.write_bytes(write_arrow(table))
        return
    records = result.to_pylist() if isinstance(result, pa.Table) else result
    path.write_text(json.dumps(records, default=str) + "\n", "utf-8")


def flattened(record: Record, prefix: str = "") -> dict[str, Any]:
    """Nested objects as one level of dotted names: {"out": {"y": 1}} becomes {"out.y": 1}."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat |= flattened(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _readable(name: str, row: Record) -> object:
    value = row.get(name)
    return datetime.fromtimestamp(value / 1000, UTC) if name == "time" and isinstance(value, int) else value
