"""Archives that nobody vouches for."""

import stat
import struct
import zipfile

import pytest

from modelyard_runtime.archives import Limits, extract
from modelyard_runtime.model import Unloadable


def archive(folder, members):
    path = folder / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for member, content in members:
            opened.writestr(member, content)
    return path


def special(name, mode):
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = mode << 16
    return member


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def test_files_and_folders_come_out_as_they_went_in(tmp_path, target):
    path = archive(tmp_path, [("a/", b""), ("a/one.txt", b"1"), ("two.bin", b"\x00\x01")])
    assert extract(path, target) == target
    assert (target / "a" / "one.txt").read_bytes() == b"1"
    assert (target / "two.bin").read_bytes() == b"\x00\x01"


def test_one_folder_around_all_is_left_out_of_the_way(tmp_path, target):
    path = archive(tmp_path, [("model/one.txt", b"1"), ("__MACOSX/._one.txt", b"x")])
    assert extract(path, target) == target / "model"


@pytest.mark.parametrize(
    "name", ["../out.txt", "a/../../out.txt", "/out.txt", "..\\out.txt", "C:/out.txt", "a/" + "x" * 300]
)
def test_names_that_lead_elsewhere_are_refused_before_anything_is_written(tmp_path, target, name):
    path = archive(tmp_path, [("first.txt", b"1"), (name, b"2")])
    with pytest.raises(Unloadable, match=r"leads out of its folder|cannot be a file's"):
        extract(path, target)
    assert list(target.iterdir()) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["model.zip", "target"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path, target, kind):
    path = archive(tmp_path, [(special("link", kind | 0o777), b"/etc/passwd")])
    with pytest.raises(Unloadable, match="is a link or a device"):
        extract(path, target)


def test_what_unpacks_to_far_more_than_it_is_is_refused(tmp_path, target):
    path = archive(tmp_path, [("zeros", b"\x00" * 4_000_000)])
    with pytest.raises(Unloadable, match="unpacks to 4000000; at most"):
        extract(path, target, Limits(free_bytes=1_000_000))


def test_sizes_and_numbers_have_a_limit(tmp_path, target):
    path = archive(tmp_path, [(f"{number}.txt", b"content") for number in range(5)])
    with pytest.raises(Unloadable, match="unpacks to 35; at most 20"):
        extract(path, target, Limits(bytes=20))
    with pytest.raises(Unloadable, match="holds 5 files; at most 4"):
        extract(path, target, Limits(files=4))


def test_a_member_that_is_larger_than_it_says_is_refused(tmp_path, target):
    path = archive(tmp_path, [("zeros", b"\x00" * 100_000)])
    said = path.read_bytes().replace(struct.pack("<L", 100_000), struct.pack("<L", 10))
    path.write_bytes(said)
    with pytest.raises(Unloadable, match=r"no zip archive that can be read|not as large as it says"):
        extract(path, target)
    assert sum(one.stat().st_size for one in target.iterdir()) <= 10


def test_a_name_that_comes_twice_is_refused(tmp_path, target):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = archive(tmp_path, [("one", b"1"), ("one", b"2")])
    with pytest.raises(Unloadable, match="is there twice"):
        extract(path, target)


def test_an_encrypted_member_is_refused(tmp_path, target):
    path = archive(tmp_path, [("secret", b"1")])
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(Unloadable, match="is encrypted; upload it without a password"):
        extract(path, target)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_what_is_no_archive_is_named_so(tmp_path, target, content):
    (tmp_path / "model.zip").write_bytes(content)
    with pytest.raises(Unloadable, match="no zip archive that can be read"):
        extract(tmp_path / "model.zip", target)
