"""Reads from an ONNX file what must be known before a runtime may open it, without a runtime.

An ONNX file is one protobuf message, ModelProto (onnx.proto3). Only the fields named here are followed; everything
else is skipped by its length. Reading recurses nowhere and copies nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modelyard.core.kernel.errors import DomainError, invalid

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 64
_MAGIC = {
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"PK\x03\x04": "a zip archive (PyTorch, Keras 3 and MLflow models are zip archives)",
    b"\x89HDF\r\n": "an HDF5 file (Keras)",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF document",
    b"\x7fELF": "an executable",
    b"ARROW1": "an Arrow file",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a PNG picture",
}

# message -> field number -> what it holds: another message, or a fact to keep
_FIELDS: dict[str, dict[int, str]] = {
    "Model": {1: "ir_version", 7: "Graph", 8: "Opset", 25: "Function"},
    "Opset": {1: "domain", 2: "version"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Function": {7: "Node"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Tensor": {13: "Entry", 14: "data_location"},
    "Entry": {1: "key", 2: "value"},
}
_HOLDERS = frozenset({"Graph", "Node", "Attribute", "Function", "Sparse", "Tensor"})
_RAW_DATA = 9  # of TensorProto


@dataclass(frozen=True, slots=True)
class OnnxFacts:
    """The format version, the operator set versions by domain, and the outside files that tensors refer to."""

    ir_version: int
    opsets: dict[str, int]
    external: list[str]


def read_facts(data: memoryview) -> OnnxFacts:
    """The facts of a file; ``INVALID`` says what the bytes are when they are no ONNX model."""
    if not len(data):
        raise invalid("the file is empty")
    _refuse_other_formats(bytes(data[:64]))
    try:
        facts = _walk(data)
    except (ValueError, IndexError) as error:
        raise _not_onnx(bytes(data[:16])) from error
    if not facts.ir_version or not facts.opsets:
        raise _not_onnx(bytes(data[:16]))
    return facts


def _walk(data: memoryview) -> OnnxFacts:
    ir_version, opsets, external = 0, {}, []
    pending: list[tuple[str, memoryview, int]] = [("Model", data, 0)]
    while pending:
        message, content, depth = pending.pop()
        facts, inner = _read(message, content)
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        pending.extend((meaning, value, depth + 1) for meaning, value in inner)
        if message == "Model":
            ir_version = _number(facts, "ir_version")
        elif message == "Opset":
            opsets[_text(facts, "domain")] = _number(facts, "version")
        elif message == "Entry" and facts.get("key") == b"location":
            external.append(_text(facts, "value"))
        elif message == "Tensor" and facts.get("data_location") == 1:
            external.append("")
    return OnnxFacts(ir_version, opsets, external)


def _read(message: str, content: memoryview) -> tuple[dict[str, int | bytes], list[tuple[str, memoryview]]]:
    """(the facts, the messages inside) of one message, as far as ``_FIELDS`` names them."""
    facts: dict[str, int | bytes] = {}
    inner: list[tuple[str, memoryview]] = []
    for number, value, _ in _fields(content):
        meaning = _FIELDS[message].get(number)
        if meaning is None:
            continue
        if meaning not in _FIELDS:
            facts[meaning] = value if isinstance(value, int) else bytes(value[:512])
        elif isinstance(value, int):
            raise ValueError("a number where a message belongs")
        else:
            inner.append((meaning, value))
    return facts, inner


def with_tensors(data: memoryview, read: Callable[[str, int, int | None], bytes]) -> bytes:
    """The model with all its tensors inside, of a file that keeps some in others.

    ``read(name, offset, length)`` gives bytes of another file, from ``offset`` to its end where ``length`` is None.
    ``INVALID`` when a tensor does not say where it is.
    """
    try:
        return b"".join(_rewritten("Model", data, read, 0))
    except (ValueError, IndexError, KeyError) as error:
        raise _not_onnx(bytes(data[:16])) from error


def _rewritten(
    message: str, content: memoryview, read: Callable[[str, int, int | None], bytes], depth: int
) -> Iterator[bytes | memoryview]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    outside = message == "Tensor" and _read(message, content)[0].get("data_location") == 1
    place: dict[str, str] = {}
    for number, value, whole in _fields(content):
        meaning = _FIELDS[message].get(number)
        if outside and isinstance(value, memoryview) and meaning == "Entry":
            facts = _read("Entry", value)[0]
            place[_text(facts, "key")] = _text(facts, "value")
        elif outside and meaning == "data_location":
            continue
        elif meaning in _FIELDS and meaning in _HOLDERS and isinstance(value, memoryview):
            inner = b"".join(_rewritten(meaning, value, read, depth + 1))
            yield _field(number, inner)
        else:
            yield whole
    if outside:
        length = _amount(place, "length") if "length" in place else None
        yield _field(_RAW_DATA, read(place["location"], _amount(place, "offset"), length))


def _amount(place: dict[str, str], name: str) -> int:
    amount = int(place.get(name, 0))
    if amount < 0:
        raise ValueError("less than nothing")
    return amount


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes as protobuf writes it."""
    return _number_bytes(number << 3 | _BYTES) + _number_bytes(len(content)) + content


def _number_bytes(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview, memoryview]]:
    """(field number, value, all its bytes) of one protobuf message (Protocol Buffers, "Encoding")."""
    at, end = 0, len(content)
    while at < end:
        begin = at
        tag, at = _varint(content, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("field number 0")
        if wire == _VARINT:
            value, at = _varint(content, at)
            yield number, value, content[begin:at]
            continue
        if wire == _BYTES:
            length, at = _varint(content, at)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if length > end - at:
            raise ValueError("beyond the end")
        yield number, content[at : at + length], content[begin : at + length]
        at += length


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("varint too long")


def _number(facts: dict[str, int | bytes], name: str) -> int:
    value = facts.get(name, 0)
    return value if isinstance(value, int) else 0


def _text(facts: dict[str, int | bytes], name: str) -> str:
    value = facts.get(name, b"")
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _refuse_other_formats(head: bytes) -> None:
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            raise invalid(f"the file is {name}, not an ONNX model")
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        raise invalid(f"the file is text that begins with {head[:32].decode()!r}, not an ONNX model")


def _not_onnx(head: bytes) -> DomainError:
    return invalid(f"the file is not an ONNX model, or is damaged (it begins with the bytes {head.hex(' ')})")
