"""The doctor on the environments of models."""

import os
from pathlib import Path

from modelyard.bootstrap.environments import open_environments
from modelyard.doctor import Check, run_doctor
from modelyard.settings import Settings
from tiny_wheels import make_wheel


def finding(settings: Settings) -> Check:
    [check] = [check for check in run_doctor(settings) if check.name == "environments"]
    return check


def test_what_would_be_used_is_told_without_trying_it(tmp_path: Path) -> None:
    check = finding(Settings(data=tmp_path / "data", port=0, package_index="http://reader:hunter22@127.0.0.1:9/simple"))

    assert check.status == "ok"
    assert check.detail.startswith("uv ")
    assert check.detail.endswith("none built yet; an index of its own (not tried)")
    assert not (tmp_path / "data").exists()


def test_wheels_and_environments_are_counted(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "sheep", "1.0")
    settings = Settings(
        data=tmp_path / "data", port=0, package_folders=(str(tmp_path / "wheels"),), package_offline=True
    )
    environments = open_environments(settings)
    environments.ensure(environments.lock(["sheep"]))

    check = finding(settings)

    assert check.status == "ok"
    assert check.detail.endswith("; 1 built, 0 MiB; 1 wheels in package_folders")


def test_files_that_were_changed_after_they_were_installed_are_named(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "sheep", "1.0")
    settings = Settings(
        data=tmp_path / "data", port=0, package_folders=(str(tmp_path / "wheels"),), package_offline=True
    )
    environments = open_environments(settings)
    locked = environments.lock(["sheep"])

    def found(*, fully: bool) -> Check:
        [check] = [check for check in run_doctor(settings, environments=fully) if check.name == "environment files"]
        return check

    assert found(fully=False).detail == "none yet"
    folder = environments.ensure(locked).parents[1]
    assert found(fully=False).detail == "as they were installed (sizes and times; --environments reads every byte)"
    assert found(fully=True).detail == "as they were installed (every byte was read)"
    [module] = folder.glob("lib/*/site-packages/sheep.py")
    seen, name = module.stat(), str(module.relative_to(folder))
    module.chmod(0o600)
    module.write_bytes(module.read_bytes().swapcase())
    os.utime(module, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert found(fully=False).status == "ok"  # a change that hides itself
    assert (found(fully=True).status, found(fully=True).detail) == (
        "fail",
        f"1 files of {locked.id[:12]} were changed after it was built: {name}",
    )
    (folder / "files.json").unlink()
    assert found(fully=True).detail.endswith("; 1 built by an earlier version without a list of their files")


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    check = finding(Settings(data=tmp_path / "data", port=0, package_folders=(str(tmp_path / "none"),)))

    assert (check.status, check.detail) == ("fail", f"{tmp_path / 'none'} of package_folders cannot be read")


def test_being_offline_without_wheels_is_worth_a_warning(tmp_path: Path) -> None:
    check = finding(Settings(data=tmp_path / "data", port=0, package_offline=True))

    assert check.status == "warn"
    assert check.detail == "package_offline is set and package_folders hold no wheel"
