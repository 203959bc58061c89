"""``--input-schema`` and ``--output-schema``: tensors on the command line, or the file that declares them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pyarrow as pa
from cyclopts import Parameter

from modelyard.cli.failures import UsageError
from modelyard.client.schemas import Schemas, field_of, schema_in, schema_of

_Texts = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]
_HINT = "Give tensors like 'x: float32[20]', each by itself, or one file with an Arrow schema or JSON."


@Parameter(name="*")
@dataclass(frozen=True)
class Declared:
    """What an upload says of a model's tensors."""

    input_schema: _Texts = ()
    """A tensor that the model takes, like 'x: float32[20]'; may be given several times. Or a file that has them all."""

    output_schema: _Texts = ()
    """A tensor that it gives, or a file, in the same way."""

    def schemas(self) -> Schemas:
        """As the client sends them; ``UsageError`` says what is wrong."""
        return Schemas(declared("--input-schema", self.input_schema), declared("--output-schema", self.output_schema))


UNDECLARED = Declared()


def declared(option: str, given: Sequence[str]) -> pa.Schema | None:
    """What the option declares; None where it was not given."""
    if not given:
        return None
    try:
        return _read(given)
    except ValueError as error:
        raise UsageError(f"{option}: {error}.", hint=_HINT) from error


def _read(given: Sequence[str]) -> pa.Schema:
    files = [text for text in given if Path(text).is_file()]
    if not files:
        return schema_of(_field(text) for text in given)
    if len(given) > 1:
        raise ValueError(f"{files[0]} is a file and declares all of them; leave out the others")
    try:
        return schema_in(Path(files[0]).read_bytes())
    except ValueError as error:
        raise ValueError(f"{files[0]}: {error}") from error


def _field(text: str) -> pa.Field:
    if ":" not in text:
        raise ValueError(f"{text!r} is neither a tensor nor a file that is there")
    return field_of(text)
