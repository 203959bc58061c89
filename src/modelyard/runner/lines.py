"""The lines of a batch job's input: JSON lines, or CSV with a header where the file's name ends so."""

import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import msgspec

from modelyard.core.automation.batch import BatchDefinition
from modelyard.core.automation.payloads import Manner, Rows, manner_of, read_rows
from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import TensorSpec

LINE_BYTES = 8 * 2**20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line by its number from 0: its rows, or why it has none; ``size`` is about how many bytes it has.

    A line that is a whole request in the deployment's own protocol has no rows but this request: the ``body``.
    """

    number: int
    rows: Rows
    size: int
    error: str | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How lines are read; ``inputs`` are the columns of the deployment, ``own`` is how it is asked itself."""

    definition: BatchDefinition
    inputs: Sequence[TensorSpec]
    own: Manner


def lines_of(file: IO[bytes], name: str, reading: Reading) -> Iterator[Line]:
    """All lines in their order; what is wrong with one is said in its place. ``name`` is the file's."""
    if name.lower().endswith(".csv"):
        yield from (_line(number, payload, size, reading) for number, (payload, size) in enumerate(_from_csv(file)))
        return
    for number, (given, size) in enumerate(_from_json(file, reading.definition)):
        if isinstance(given, DomainError):
            yield _wrong(number, given)
            continue
        payload = reading.definition.payload(given)
        if _is_whole(given, payload, reading):
            yield Line(number, Rows([], reading.own), size, body=msgspec.json.encode(payload))
        else:
            yield _line(number, payload, size, reading)


def _is_whole(given: Any, payload: Any, reading: Reading) -> bool:
    """Whether the line is a request that can be sent as it is: not rows alone, which may share one with others."""
    rows = isinstance(given, list) and reading.definition.data_type == "data"
    return not rows and isinstance(payload, dict) and manner_of(payload) is reading.own


def _line(number: int, payload: Any, size: int, reading: Reading) -> Line:
    try:
        return Line(number, read_rows(payload, reading.inputs), size)
    except DomainError as error:
        return _wrong(number, error)


def _wrong(number: int, error: DomainError) -> Line:
    return Line(number, Rows([], Manner.SELDON), 0, f"line {number + 1}: {error.message}")


def _from_json(file: IO[bytes], definition: BatchDefinition) -> Iterator[tuple[Any, int]]:
    for text in _bounded(file):
        if isinstance(text, DomainError):
            yield text, 0
            continue
        try:
            as_text = definition.data_type == "str"
            yield text.decode().rstrip("\r\n") if as_text else msgspec.json.decode(text), len(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield invalid(f"not valid JSON: {error}"), 0


def _from_csv(file: IO[bytes]) -> Iterator[tuple[Any, int]]:
    csv.field_size_limit(LINE_BYTES)
    reader = csv.reader(map(_decoded, _bounded(file)))
    try:
        names = next(reader, [])
        for row in reader:
            yield {"data": {"names": names, "ndarray": [[_cell(text) for text in row]]}}, sum(map(len, row))
    except csv.Error as error:
        raise invalid(f"the input is not valid CSV: {error}") from error


def _decoded(text: bytes | DomainError) -> str:
    if isinstance(text, DomainError):
        raise text
    return text.decode(errors="replace")


def _cell(text: str) -> int | float | bool | str:
    try:
        value = msgspec.json.decode(text.strip() or '""')
    except (msgspec.DecodeError, RecursionError):
        return text
    return value if isinstance(value, int | float) else text


def _bounded(file: IO[bytes]) -> Iterator[bytes | DomainError]:
    """The lines; one of more than ``LINE_BYTES`` is passed over."""
    for number in itertools.count():
        line = file.readline(LINE_BYTES + 1)
        if not line:
            return
        if len(line) <= LINE_BYTES:
            yield line.removeprefix(_BOM) if number == 0 else line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(LINE_BYTES)
        yield invalid(f"longer than {LINE_BYTES} bytes")
