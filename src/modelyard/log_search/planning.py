"""Where the rows of a question are at this moment: in files of the archive, or still in segments."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from modelyard.core.kernel.store import Store, Tx
from modelyard.core.monitoring.entities import LogFile
from modelyard.core.monitoring.log_search import Question, Scope
from modelyard.segments.frames import folder_name, place_of


@dataclass(frozen=True, slots=True)
class Places:
    """By the number of a pipeline: files below the archive's folder, segments below that of the logs."""

    files: dict[int, tuple[str, ...]]
    segments: dict[int, tuple[str, ...]]


def places(store: Store, logs: Path, question: Question) -> Places:
    """Each row of the question is in one of them. Blocking."""
    stream = question.scope.stream
    found = {
        source.pipeline_id: sorted((logs / folder_name(source.pipeline_id, stream)).glob("*.seg"), key=place_of)
        for source in question.sources
    }  # before the index is read: what leaves the segments from now on is in the index by then
    files = store.run_read(_files, list(found), str(stream))
    kept = {number: tuple(f.path for f in some if _overlaps(f, question.scope)) for number, some in files.items()}
    live = {number: tuple(_live(paths, files.get(number, []), logs)) for number, paths in found.items()}
    return Places(kept, live)


def _files(tx: Tx, pipelines: list[int], stream: str) -> dict[int, list[LogFile]]:
    found: dict[int, list[LogFile]] = defaultdict(list)
    for file in tx.find(LogFile, pipeline_id=pipelines, stream=stream):
        found[file.pipeline_id].append(file)
    return found


def _live(paths: list[Path], files: list[LogFile], logs: Path) -> list[str]:
    """The segments whose rows are not in files yet."""
    ends: dict[str, int] = {}
    for file in files:
        for partition, (_, end) in file.parts.items():
            ends[partition] = max(ends.get(partition, 0), end)
    live = [path for path in paths if place_of(path)[1] >= ends.get(place_of(path)[0], 0)]
    return [str(path.relative_to(logs)) for path in live]


def _overlaps(file: LogFile, scope: Scope) -> bool:
    early = scope.start is not None and file.last_at < scope.start
    return not early and (scope.end is None or file.first_at <= scope.end)
