"""The environments of models: locked before anything is deployed, built once on each machine, shared by equal locks.

<folder>/<id>/            an environment that is complete, read-only
<folder>/<id>.<random>/   one that is being built or removed
<folder>/<id>.lock        held by who does that
<folder>/cache/           uv's; environments share its files by hard links
"""

import contextlib
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from modelyard.core.catalogue.requirements import check_requirements
from modelyard.core.catalogue.runtimes import Environment
from modelyard.core.kernel.errors import DomainError, invalid, not_found
from modelyard.engines.environments.building import (
    BuiltEnvironment,
    build,
    interpreter,
    mark_used,
    read_built,
    remove_tree,
)
from modelyard.engines.environments.holding import held, held_if_free
from modelyard.engines.environments.locks import SERVER_PYTHON, canonical_lock, lock_id
from modelyard.engines.environments.manifest import changed_files, require_unchanged
from modelyard.engines.environments.packages import Packages
from modelyard.engines.environments.uv import Uv

_ID = re.compile(r"[0-9a-f]{64}")
_PYTHON = re.compile(r"3\.\d{1,2}")
_WORK = "work."
_WORK_SECONDS = 86_400
UNWANTED_AGE = timedelta(days=7)


class Environments:
    """Locks, builds and removes environments below a folder; for any number of threads and processes at once."""

    def __init__(
        self, folder: Path, packages: Packages | None = None, *, lock_seconds: int = 300, build_seconds: int = 1800
    ) -> None:
        self._folder = folder.absolute()
        self._packages = packages or Packages()
        self._lock_seconds = lock_seconds
        self._build_seconds = build_seconds

    def has_python(self, python: str) -> bool:
        """Whether this machine has an interpreter of the version, like ``3.11``; the server's own always is there."""
        if python == SERVER_PYTHON or not _PYTHON.fullmatch(python):
            return python == SERVER_PYTHON
        with self._uv() as uv:
            try:
                uv.run(["python", "find", "--no-project", interpreter(python)], self._lock_seconds, lambda _: None)
            except DomainError:
                return False
        return True

    def lock(
        self,
        requirements: Collection[str],
        python: str = SERVER_PYTHON,
        log: Callable[[str], None] = lambda _: None,
    ) -> Environment:
        """Choose a version of each package that is needed, with the hashes of its files; nothing is installed.

        ``requirements`` as of ``check_requirements``, ``python`` like ``3.11``. ``INVALID`` with the reason when there
        is no such choice, ``UNAVAILABLE`` when an index does not answer, ``TIMED_OUT`` when it takes too long.
        """
        if not _PYTHON.fullmatch(python):
            raise invalid(f"{python[:20]!r} is not a version of Python like {SERVER_PYTHON}")
        requested = check_requirements(requirements)
        with self._uv() as uv:
            wanted, chosen = uv.config.with_name("wanted.in"), uv.config.with_name("chosen.txt")
            wanted.write_text("".join(f"{each}\n" for each in requested), encoding="utf-8")
            told = ["pip", "compile", str(wanted), "--output-file", str(chosen)]
            target = ["--python", interpreter(python), "--python-version", python]
            form = ["--generate-hashes", "--no-header", "--no-annotate", "--no-sources"]
            uv.run([*told, *target, *form, *self._packages.flags()], self._lock_seconds, log)
            lock = canonical_lock(chosen.read_text(encoding="utf-8"))
        return Environment(lock_id(lock, python), python, requested, lock, datetime.now(UTC))

    def ensure(self, environment: Environment, log: Callable[[str], None] = lambda _: None) -> Path:
        """The interpreter of the environment, which is built if it is not there; ``log`` gets each line that uv says.

        Whoever asks while it is being built waits for it. ``FAILED_PRECONDITION`` when a package is not the one that
        was locked, or files were changed since it was built, ``UNAVAILABLE`` when one cannot be had, ``TIMED_OUT`` when
        it takes too long.
        """
        place = self._place(environment.id)
        if mark_used(place):
            require_unchanged(place)
        else:
            self._made_folder()
            with held(self._lock_of(environment.id), lambda: log("waiting for the one who builds it already")) as lock:
                if not mark_used(place):
                    self._build(environment, place, lock, log)
        return place / "bin" / "python"

    def readable(self, environment: str) -> tuple[Path, ...]:
        """What a process needs to read to run in the environment: itself, and the installation of Python it is of."""
        place = self._place(environment)
        if not mark_used(place):
            raise not_found("environment", environment)
        return place, (place / "bin" / "python").resolve().parents[1]

    def built(self) -> list[BuiltEnvironment]:
        """Those on this machine, by their ids."""
        places = (path for path in sorted(self._paths()) if _ID.fullmatch(path.name))
        return [found for place in places if (found := read_built(place))]

    def changed(self, *, fully: bool = False) -> dict[str, list[str] | None]:
        """What was changed after it was installed, by the id of each environment; see ``changed_files``."""
        return {each.id: changed_files(self._place(each.id), fully=fully) for each in self.built()}

    def collect(self, wanted: Collection[str], older_than: timedelta = UNWANTED_AGE) -> list[str]:
        """Remove what nobody wants and nobody asked for in so long, and what builds that died left; which it were.

        ``UNAVAILABLE`` or ``TIMED_OUT`` when uv's cache is in use for long: then all stay until the next time.
        """
        for path in self._paths():
            self._clear(path)
        before = datetime.now(UTC) - older_than
        built = self.built()
        gone = [each for each in built if each.id not in wanted and each.used_at < before]
        self._clean_cache(gone, [each for each in built if each not in gone])
        return [each.id for each in gone if self._remove(each.id, before)]

    def _build(self, environment: Environment, place: Path, lock: int, log: Callable[[str], None]) -> None:
        self._discard(environment.id)
        building = self._aside(environment.id)
        try:
            with self._uv() as uv:
                build(environment, building, uv, self._build_seconds, log, lock)
            building.rename(place)
        finally:
            remove_tree(building)

    def _clean_cache(self, gone: list[BuiltEnvironment], stay: list[BuiltEnvironment]) -> None:
        """Let uv drop what no environment shares with it from now on: as long as a file is there, its room is taken."""
        pins = {pin for each in gone for pin in each.packages} - {pin for each in stay for pin in each.packages}
        if names := sorted({pin.partition("==")[0] for pin in pins}):
            with self._uv() as uv:
                uv.run(["cache", "clean", *names], self._lock_seconds, lambda _: None)

    def _remove(self, environment: str, before: datetime) -> bool:
        with held_if_free(self._lock_of(environment)) as free:
            found = read_built(self._place(environment))
            if not free or found is None or found.used_at >= before:
                return False
            self._discard(environment)
            return True

    def _clear(self, path: Path) -> None:
        if path.name.startswith(_WORK):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _WORK_SECONDS:
                    shutil.rmtree(path, ignore_errors=True)
        elif _ID.fullmatch(path.stem) and path.suffix:
            with held_if_free(self._lock_of(path.stem)) as free:
                if free:
                    self._discard_asides(path.stem)

    def _discard(self, environment: str) -> None:
        """With its lock held: away with what is there, the whole one first by its name."""
        with contextlib.suppress(FileNotFoundError):
            self._place(environment).rename(self._aside(environment))
        self._discard_asides(environment)

    def _discard_asides(self, environment: str) -> None:
        for path in self._folder.glob(f"{environment}.*/"):
            remove_tree(path)

    @contextlib.contextmanager
    def _uv(self) -> Iterator[Uv]:
        with tempfile.TemporaryDirectory(prefix=_WORK, dir=self._made_folder()) as work:
            config = Path(work) / "uv.toml"
            config.write_text(self._packages.uv_toml(), encoding="utf-8")
            yield Uv(self._packages, config, self._folder / "cache")

    def _made_folder(self) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    def _paths(self) -> list[Path]:
        return list(self._folder.iterdir()) if self._folder.is_dir() else []

    def _aside(self, environment: str) -> Path:
        return self._folder / f"{environment}.{secrets.token_hex(8)}"

    def _lock_of(self, environment: str) -> Path:
        return self._folder / f"{environment}.lock"

    def _place(self, environment: str) -> Path:
        if not _ID.fullmatch(environment):
            raise not_found("environment", environment[:80])
        return self._folder / environment
