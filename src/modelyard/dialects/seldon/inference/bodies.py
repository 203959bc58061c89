"""The ways in which a message may come: a JSON body, a form field or a query parameter ``json``, multipart."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from modelyard.core.kernel.errors import invalid
from modelyard.dialects.seldon.inference.message import Message, read, unreadable

_FORM = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data"
_TEXT_PARTS = frozenset({"strData", "binData"})
"""Parts that are the member itself; all others are JSON."""


def message_in(body: bytes, content_type: bytes, query: bytes) -> Message:
    """The message in a request; ``INVALID`` where there is none."""
    if content_type.startswith(_MULTIPART):
        return _from_parts(body, content_type)
    if content_type.startswith(_FORM) and not body.lstrip().startswith(b"{"):
        return read(_field(body, "the form"))
    return read(body or _field(query, "the query of a request without a body"))


def _field(pairs: bytes, where: str) -> bytes:
    try:
        found = parse_qs(pairs.decode(), max_num_fields=100).get("json")
    except ValueError as error:
        raise invalid(f"{where} cannot be read: {error}") from error
    if not found:
        raise invalid(f"there is no message: send a JSON body, or a field json in {where}")
    return found[0].encode()


def _from_parts(body: bytes, content_type: bytes) -> Message:
    parts = {name: _member(name, content) for name, content in _parts(body, content_type).items()}
    if "json" in parts:
        return read(parts["json"])
    try:
        return msgspec.convert(parts, Message)
    except msgspec.ValidationError as error:
        raise unreadable(error) from error


def _member(name: str, content: bytes) -> Any:
    if name == "json":
        return content
    try:
        return content.decode() if name in _TEXT_PARTS else msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"the part {name[:60]!r} cannot be read: {error}") from error


def _parts(body: bytes, content_type: bytes) -> Mapping[str, bytes]:
    """The contents of the parts by their names."""
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise invalid("the multipart body has no boundary in its content type")
    reader = _Reader()
    try:
        parser = MultipartParser(boundary, reader.callbacks())
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise invalid(f"the multipart body cannot be read: {error}") from error
    return reader.parts


class _Reader:
    """Puts together what the parser finds."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        self._header, self._value, self._content = bytearray(), bytearray(), bytearray()
        self._name = ""

    def callbacks(self) -> Any:
        """What the parser is to call."""
        return {
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._content.extend(data[start:end]),
            "on_part_end": self._end_part,
        }

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            name = parse_options_header(bytes(self._value))[1].get(b"name", b"")
            self._name = name.decode("latin-1")
        self._header.clear()
        self._value.clear()

    def _end_part(self) -> None:
        self.parts[self._name] = bytes(self._content)
        self._content.clear()
        self._name = ""
