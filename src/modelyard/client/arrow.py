"""Arrow tables as bytes of the IPC file format, which is what this API speaks (never the stream format)."""

import pyarrow as pa

from modelyard.client.errors import UnexpectedAnswerError

ARROW_FILE = "application/vnd.apache.arrow.file"


def write_arrow(table: pa.Table) -> bytes:
    """A table as an Arrow IPC file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def read_arrow(content: bytes) -> pa.Table:
    """The table in an Arrow IPC file that a server sent."""
    try:
        with pa.ipc.open_file(content) as reader:
            return reader.read_all()
    except pa.ArrowInvalid as error:
        raise UnexpectedAnswerError(f"The answer is no Arrow file: {error}.") from error
