"""Files of the artifact store that are what their digests say."""

from pathlib import Path

from modelyard.core.catalogue.artifacts import ArtifactStore


class VerifiedFiles:
    """Reads a file to its end when it is new here, or is not the file that it was."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self._known: dict[str, tuple[int, ...]] = {}

    def path(self, sha: str) -> Path:
        """Where the file is; ``NOT_FOUND`` when there is none, ``INTERNAL`` with both digests when it is damaged."""
        path = self._artifacts.path(sha)
        state = _state(path)
        if self._known.get(sha) != state:
            self._artifacts.verify(sha)
            self._known[sha] = state
        return path


def _state(path: Path) -> tuple[int, ...]:
    """Another one once the file was written to or replaced."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
