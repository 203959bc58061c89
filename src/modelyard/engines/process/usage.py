"""What processes take of the machine, all that they started included."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """Resident memory, and seconds of processors' time until now."""

    memory_bytes: int = 0
    cpu_seconds: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.memory_bytes + other.memory_bytes, self.cpu_seconds + other.cpu_seconds)


def usage(pids: Collection[int]) -> dict[int, Usage]:
    """Of each of the processes with everything below it; empty where the system does not tell."""
    if not pids or not _PROC.is_dir():
        return {}
    parents, used = _read()
    totals = dict.fromkeys(pids, Usage())
    for pid, own in used.items():
        above: int | None = pid
        while above is not None and above not in totals:
            above = parents.get(above)
        if above is not None:
            totals[above] += own
    return totals


def _read() -> tuple[dict[int, int], dict[int, Usage]]:
    """(parents, use) of all processes; the fields of ``stat`` are counted in proc(5), from the third on."""
    page, tick = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
    parents, used = {}, {}
    for entry in _PROC.glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(entry.name)
        parents[pid] = int(fields[1])
        used[pid] = Usage(int(fields[21]) * page, (int(fields[11]) + int(fields[12])) / tick)
    return parents, used
