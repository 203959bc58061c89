"""Multipart uploads, read while they arrive. Does no input or output: it is fed, and hands the file on."""

from collections.abc import Callable
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from modelyard.core.kernel.errors import invalid

FIELDS_BYTES = 1024 * 1024
"""What all parts but the file may have together."""

_PARTS, _HEADERS, _HEADER_BYTES, _BOUNDARY_BYTES = 50, 16, 8192, 70


class UploadForm:
    """A form (RFC 7578) whose part ``file`` goes to ``sink`` piece by piece; the parts may come in any order.

    ``fields`` holds the other parts once they are complete. ``file_name`` is None until the file begins.
    """

    def __init__(self, content_type: str, sink: Callable[[bytes], None]) -> None:
        self.fields: dict[str, bytes] = {}
        self.file_name: str | None = None
        self._sink = sink
        self._parser = MultipartParser(_boundary(content_type), self._callbacks())
        self._part = ""
        self._value = bytearray()
        self._header = (b"", b"")
        self._headers: dict[bytes, bytes] = {}
        self._open = False
        self._parts, self._small = 0, 0

    def feed(self, chunk: bytes) -> None:
        """Take in the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise _malformed(error) from error

    def finish(self) -> None:
        """The body ends here."""
        try:
            self._parser.finalize()
        except MultipartParseError as error:
            raise _malformed(error) from error
        if self._open:
            raise invalid("the multipart body ends in the middle of a part")
        if self.file_name is None:
            raise invalid("the upload has no file: send a multipart part named 'file'")

    @property
    def stage(self) -> tuple[int, str | None]:
        """Changes when there is more to know than before, but for the file's content."""
        return len(self.fields), self.file_name

    def text(self, name: str) -> str | None:
        """A field as text."""
        value = self.fields.get(name)
        return None if value is None else value.decode(errors="replace")

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._add_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add_header(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._name_part,
            "on_part_data": lambda data, start, end: self._take(data[start:end]),
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _PARTS:
            raise invalid(f"the multipart body has more than {_PARTS} parts")
        self._headers, self._header, self._part, self._open = {}, (b"", b""), "", True
        self._value.clear()

    def _add_header(self, at: int, data: bytes) -> None:
        name, value = self._header
        self._header = (name + data, value) if at == 0 else (name, value + data)
        if len(self._header[at]) > _HEADER_BYTES or len(self._headers) > _HEADERS:
            raise invalid("a part of the multipart body has too many or too long headers")

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value
        self._header = (b"", b"")

    def _name_part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._part = options.get(b"name", b"").decode(errors="replace")
        if self._part == "file":
            if self.file_name is not None:
                raise invalid("the upload has two parts named 'file'")
            self.file_name = base_name(options.get(b"filename", b"").decode(errors="replace"))

    def _take(self, data: bytes) -> None:
        if self._part == "file":
            self._sink(data)
            return
        self._small += len(data)
        if self._small > FIELDS_BYTES:
            raise invalid(f"the parts beside the file are larger than {FIELDS_BYTES} bytes")
        self._value += data

    def _end(self) -> None:
        self._open = False
        if self._part != "file":
            self.fields[self._part] = bytes(self._value)


def base_name(path: str) -> str:
    """The file's own name: some clients send where it lay."""
    return path.replace("\\", "/").rpartition("/")[2]


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= _BOUNDARY_BYTES:
        raise invalid(f"send the upload as multipart/form-data with a boundary of at most {_BOUNDARY_BYTES} characters")
    return boundary


def _malformed(error: MultipartParseError) -> Exception:
    return invalid(f"the body is not valid multipart/form-data: {error}")
