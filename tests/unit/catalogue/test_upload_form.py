"""Multipart uploads are read the same however they arrive, and bounded in all that is held in memory."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue_people import kind_of
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.wallaroo.upload_form import FIELDS_BYTES, UploadForm
from modelyard.dialects.wallaroo.upload_metadata import described
from modelyard.web.call import json_bytes

TYPE = "multipart/form-data; boundary=cut"
METADATA = b'{"name": "m", "workspace_id": 7, "conversion": {"framework": "onnx", "unknown": 1}, "unknown": []}'
CONTENT = b"\r\n--cu\r\n--\x00\xff\r\n-cut--\r\n" * 20  # nearly the boundary, again and again


def part(name: str, content: bytes, extra: str = "") -> bytes:
    return f'--cut\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--cut--\r\n"


FILE = part("file", CONTENT, '; filename="m.onnx"')
BODY = body(part("metadata", METADATA), part("extra", b"1"), FILE)


def read(data: bytes, sizes: list[int] | None = None, content_type: str = TYPE) -> tuple[UploadForm, bytes]:
    """The form, and the file's content, of a body in pieces of these sizes and a last one."""
    taken = bytearray()
    form = UploadForm(content_type, taken.extend)
    for size in sizes or []:
        form.feed(data[:size])
        data = data[size:]
    form.feed(data)
    form.finish()
    return form, bytes(taken)


@given(st.lists(st.integers(0, 60), max_size=40))
def test_a_body_reads_the_same_however_it_is_cut(sizes: list[int]) -> None:
    form, content = read(BODY, sizes)
    assert content == CONTENT
    assert (form.file_name, form.fields) == ("m.onnx", {"metadata": METADATA, "extra": b"1"})


def test_parts_may_come_in_any_order() -> None:
    form, _ = read(body(FILE, part("metadata", METADATA, '; filename="metadata"')))
    new = described(form)
    assert new is not None
    assert (new.name, new.workspace_id, new.file_name) == ("m", 7, "m.onnx")


def test_the_model_is_described_as_soon_as_its_part_is_complete() -> None:
    form = UploadForm(TYPE, bytearray().extend)
    form.feed(part("metadata", METADATA)[:-10])
    assert described(form) is None
    form.feed(part("metadata", METADATA)[-10:] + FILE[:10])
    assert described(form) is not None
    assert form.file_name is None


def test_form_fields_describe_a_model_too() -> None:
    fields = [part("workspace_id", b"7"), part("name", b"m"), part("filename", b"C:\\models\\other.onnx")]
    new = described(read(body(*fields, FILE))[0])
    assert new is not None
    assert (new.name, new.workspace_id, new.file_name, new.visibility) == ("m", 7, "other.onnx", "private")


@pytest.mark.parametrize("sent", ['"/home/me/m.onnx"', '"..\\..\\m.onnx"', '"m.onnx"'])
def test_a_file_name_is_only_its_last_part(sent: str) -> None:
    assert read(body(part("file", b"x", f"; filename={sent}")))[0].file_name == "m.onnx"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (body(part("metadata", METADATA)), "no file"),
        (body(FILE, FILE), "two parts named 'file'"),
        (BODY[:-20], "middle of a part"),
        (b"hello", "not valid multipart"),
        (body(*[part("extra", b"1")] * 51), "more than 50 parts"),
        (body(part("metadata", b" " * (FIELDS_BYTES + 1))), "larger than"),
        (body(*[part(f"p{n}", b" " * (FIELDS_BYTES // 4)) for n in range(5)]), "larger than"),
        (b"--cut\r\nA: " + b"b" * 10_000 + b"\r\n\r\n", "header"),
        (b"--cut\r\n" + b"A: b\r\n" * 100 + b"\r\n", "header"),
    ],
)
def test_what_is_no_such_form_is_refused_with_the_reason(data: bytes, says: str) -> None:
    with pytest.raises(DomainError, match=f"(?i){says}") as caught:
        read(data)
    assert caught.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", f"multipart/form-data; boundary={'b' * 71}"]
)
def test_another_kind_of_body_is_refused(content_type: str) -> None:
    assert kind_of(lambda: read(BODY, content_type=content_type)) is ErrorKind.INVALID


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": None}, "name"),
        ({"workspace_id": "7"}, "workspace_id"),
        ({"conversion": {"framework": "onyx"}}, "'onyx' is unknown; use one of custom, .*, onnx, .*, xgboost"),
        ({"conversion": {"framework": "onnx", "python_version": "3.12"}}, "python_version"),
        ({"conversion": {"framework": "onnx", "arch": "z80"}}, "arch"),
        ({"conversion": {"framework": "onnx", "requirements": [1]}}, "requirements"),
    ],
)
def test_metadata_that_clients_could_not_read_back_is_refused(change: dict[str, Any], says: str) -> None:
    metadata = json_bytes({"name": "m", "workspace_id": 7, **change})
    form, _ = read(body(part("metadata", metadata), FILE))
    with pytest.raises(DomainError, match=says):
        described(form)


@pytest.mark.parametrize(("given_version", "kept"), [({}, {}), ({"python_version": "3.8"}, {"python_version": "3.8"})])
def test_a_conversion_is_kept_with_every_field_that_may_be_null(
    given_version: dict[str, str], kept: dict[str, str]
) -> None:
    metadata = {"name": "m", "workspace_id": 7, "conversion": {"framework": "onnx", **given_version}}
    new = described(read(body(part("metadata", json_bytes(metadata)), FILE))[0])
    assert new is not None
    nulls = {"accel": None, "arch": None, "framework_config": None}
    assert new.conversion == {"framework": "onnx", "requirements": [], **nulls, **kept}
