"""A look at uploads: what kind of file each is, what it asks for, and which are refused unopened."""

import io
import pickle
import stat
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from modelyard.core.catalogue.runtimes import FileClass
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.preparing.looking import look
from modelyard.preparing.pickles import names_in

Members = dict[str, bytes]


class Runs:
    """Calls ``os.system`` when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os  # noqa: PLC0415

        return os.system, ("false",)


def zipped(path: Path, members: Members, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_what_a_pickle_would_import_is_named_in_every_protocol(protocol: int) -> None:
    assert names_in(pickle.dumps([Runs(), {"a": Runs()}], protocol))[0] in ("posix.system", "nt.system")


def test_names_are_read_through_the_memo_too() -> None:
    twice = pickle.dumps([np.float64(1), np.float32(2), LinearRegression()], 4)
    assert "sklearn.linear_model._base.LinearRegression" in names_in(twice)
    assert "numpy.dtype" in names_in(twice)


@pytest.mark.parametrize("content", [b"", b"\x80", b"\x80\x04" + b"\x93" * 100, b"cos\n", b"(" * 10_000, bytes(1000)])
def test_what_is_no_pickle_names_nothing_and_breaks_nothing(content: bytes) -> None:
    assert all(isinstance(name, str) for name in names_in(content))


@pytest.mark.parametrize(
    ("name", "content", "file_class"),
    [
        ("m.json", b'{"learner": {}}', FileClass.DATA),
        ("m.ubj", b"{L\0\0", FileClass.DATA),
        ("m.txt", b"tree\nversion=v4\n", FileClass.DATA),
        ("m.json", pickle.dumps(Runs()), FileClass.CODE),
        ("m.txt", b"MZ\x90", FileClass.UNKNOWN),
        ("m.pkl", b"anything", FileClass.CODE),
        ("m.joblib", b"\x78\x9c compressed", FileClass.CODE),
        ("m.pt", b"anything", FileClass.CODE),
        ("step.py", b"def f(): ...", FileClass.CODE),
        ("m.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), FileClass.UNKNOWN),
        ("m.h5", b'\x89HDF\r\n\x1a\n{"class_name": "Lambda"}', FileClass.CODE),
        ("m.h5", b"not hdf", FileClass.UNKNOWN),
        ("m.skops", b"\x80\x04.", FileClass.CODE),
    ],
)
def test_a_file_is_of_a_class(tmp_path: Path, name: str, content: bytes, file_class: FileClass) -> None:
    assert look(written(tmp_path / "blob", content), name).file_class is file_class


@pytest.mark.parametrize(
    ("name", "members", "file_class"),
    [
        ("m.zip", {"config.json": b"{}", "model.safetensors": b"x"}, FileClass.DATA),
        ("m.zip", {"config.json": b"{}", "pytorch_model.bin": b"x"}, FileClass.CODE),
        ("m.zip", {"a/model.py": b"x"}, FileClass.CODE),
        ("m.zip", {"a/LIB.SO": b"x"}, FileClass.CODE),
        ("m.zip", {"saved_model.pb": b"x"}, FileClass.UNKNOWN),
        ("m.keras", {"config.json": b"{}", "model.weights.h5": b"x"}, FileClass.UNKNOWN),
        ("m.keras", {"config.json": b'{"class_name": "Lambda"}'}, FileClass.CODE),
        ("m.pt", {"archive/data.pkl": b"\x80\x02.", "archive/data/0": b"x"}, FileClass.CODE),
        ("m.skops", {"schema.json": b"{}"}, FileClass.UNKNOWN),
    ],
)
def test_an_archive_is_of_a_class(tmp_path: Path, name: str, members: Members, file_class: FileClass) -> None:
    assert look(zipped(tmp_path / "blob", members), name).file_class is file_class


def test_data_with_something_before_or_behind_it_is_not_called_data(tmp_path: Path) -> None:
    inside = zipped(tmp_path / "plain.zip", {"a.json": b"{}"}).read_bytes()
    before = written(tmp_path / "before", pickle.dumps(Runs()) + inside)
    assert look(before, "m.zip").file_class is not FileClass.DATA
    behind = written(tmp_path / "behind", b'{"learner": {}}' + inside)
    assert look(behind, "m.json").file_class is not FileClass.DATA


def test_the_version_of_scikit_learn_is_read_from_a_pickle_and_from_joblib(tmp_path: Path) -> None:
    import sklearn  # noqa: PLC0415

    model = LinearRegression().fit(np.eye(3), np.arange(3.0))
    joblib.dump(model, tmp_path / "m.joblib")
    for file, name in ((tmp_path / "m.joblib", "m.joblib"), (written(tmp_path / "p", pickle.dumps(model)), "m.pkl")):
        assert look(file, name).sklearn == sklearn.__version__
    joblib.dump(model, tmp_path / "small.joblib", compress=3)
    assert look(tmp_path / "small.joblib", "small.joblib").sklearn is None


@pytest.mark.parametrize("folder", ["", "my-model/"])
def test_requirements_are_read_at_the_top_or_in_the_only_folder(tmp_path: Path, folder: str) -> None:
    members = {f"{folder}requirements.txt": b"pandas>=2\n", f"{folder}model.py": b"x", "__MACOSX/x": b""}
    found = look(zipped(tmp_path / "blob", members), "m.zip").requirements
    assert found is not None
    assert found.requirements == ["pandas>=2"]


def test_requirements_deeper_down_are_not_those_of_the_model(tmp_path: Path) -> None:
    members = {"a/b/requirements.txt": b"pandas\n", "a/model.py": b"x", "c": b"x"}
    assert look(zipped(tmp_path / "blob", members), "m.zip").requirements is None


def link(name: str) -> tuple[zipfile.ZipInfo, bytes]:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member, b"/etc/passwd"


def special(name: str, kind: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (kind | 0o644) << 16
    return member


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("../x.py", b"x")], "leads out of its folder"),
        ([("a/../../x.py", b"x")], "leads out of its folder"),
        ([("/etc/passwd", b"x")], "leads out of its folder"),
        ([("C:/x.py", b"x")], "leads out of its folder"),
        ([("..\\x.py", b"x")], "leads out of its folder"),
        ([link("weights.bin")], "is a link"),
        ([(special("dev", stat.S_IFCHR), b"")], "is a link or a device"),
        ([(special("pipe", stat.S_IFIFO), b"")], "is a link or a device"),
        ([("a.py", b"x"), ("a.py", b"y")], "is there twice"),
        ([("a", b"x"), ("a/b.py", b"y")], "is there twice"),
        ([("bomb.bin", b"\0" * 90_000_000)], "unpacks to 90000000"),
        ([("esc\x1b[2J.py", b"x")], "control characters"),
        ([("requirements.txt", b"x" * 300_000)], "more than 262144 bytes"),
        ([("requirements.txt", b"--index-url http://evil.example\n")], "gives an option"),
        ([("conda.yaml", b"a: &a [1]\nb: *a\n")], "conda.yaml"),
        ([("conda.yaml", b"!!python/object/apply:os.system [x]")], "conda.yaml"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_archives_are_refused_unopened(
    tmp_path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]], words: str
) -> None:
    with zipfile.ZipFile(tmp_path / "blob", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    with pytest.raises(DomainError, match=words) as refused:
        look(tmp_path / "blob", "m.zip")
    assert refused.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)[:-3]])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DomainError):
        look(written(tmp_path / "blob", content), "m.zip")


@pytest.mark.parametrize("flags", [0x01, 0x41])
def test_encrypted_members_are_refused(tmp_path: Path, flags: int) -> None:
    whole = bytearray(zipped(tmp_path / "blob", {"a.py": b"x"}).read_bytes())
    whole[whole.index(b"PK\x01\x02") + 8] |= flags
    with pytest.raises(DomainError, match="is encrypted"):
        look(written(tmp_path / "blob", bytes(whole)), "m.zip")


@pytest.mark.parametrize("at", range(0, 400, 9))
def test_a_damaged_archive_is_refused_or_read_and_nothing_worse(tmp_path: Path, at: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("requirements.txt", "pandas\n" * 30)
        archive.writestr("archive/data.pkl", pickle.dumps(Runs()))
    whole = bytearray(buffer.getvalue())
    whole[at % len(whole)] ^= 0xFF
    try:
        assert look(written(tmp_path / "blob", bytes(whole)), "m.zip").file_class is not FileClass.DATA
    except DomainError as refused:
        assert refused.kind is ErrorKind.INVALID
