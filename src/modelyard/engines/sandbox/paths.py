"""Which files a program needs besides its own: the system's libraries and the interpreter's installation."""

from functools import cache
from pathlib import Path

# No file here is anybody's secret: all of them come with the system.
_SYSTEM = (
    *("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/share", "/usr/bin"),
    *("/lib", "/lib32", "/lib64", "/bin", "/etc/alternatives"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node"),
)
# What libraries ask about the machine, and a process about itself. Not all of /proc/self: networks are listed there.
_PROC = (
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems"),
    *("/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/random/boot_id"),
    *("/proc/self/cgroup", "/proc/self/cmdline", "/proc/self/comm", "/proc/self/fd", "/proc/self/limits"),
    *("/proc/self/maps", "/proc/self/mountinfo", "/proc/self/smaps", "/proc/self/smaps_rollup"),
    *("/proc/self/stat", "/proc/self/statm", "/proc/self/status", "/proc/self/environ"),
)
# Where the kernel keeps them (Documentation/admin-guide, cgroup-v2 and cgroup-v1): controller, folder, files.
_LIMITS = (
    ("", "/sys/fs/cgroup", ("cpu.max", "memory.max")),
    ("cpu", "/sys/fs/cgroup/cpu", ("cpu.cfs_quota_us", "cpu.cfs_period_us")),
    ("memory", "/sys/fs/cgroup/memory", ("memory.limit_in_bytes",)),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def system_files() -> tuple[str, ...]:
    """Libraries and programs of the system that are there."""
    return tuple(path for path in _SYSTEM if Path(path).exists())


def kernel_files() -> tuple[str, ...]:
    """Parts of /proc, /sys and /dev to read."""
    return (*_PROC, *limit_files("/proc/self/cgroup"), *_DEVICES)


@cache
def limit_files(cgroups: str) -> tuple[str, ...]:
    """The files with the limits of the groups that a file like /proc/self/cgroup lists, where they are.

    DuckDB 2.0 reads its own, and ends the process where they are there and cannot be opened.
    """
    found: list[Path] = []
    for line in _lines(Path(cgroups)):
        _, controllers, group = line.split(":", 2)
        for controller, folder, names in _LIMITS:
            if controller in controllers.split(","):
                found += [Path(f"{folder}{group}") / name for name in names]
    return tuple(str(path) for path in found if path.exists())


@cache
def interpreter_files(program: str) -> tuple[str, ...]:
    """The folders of a Python interpreter: of its virtual environment, and of each installation behind its links.

    Empty for other programs, and for an interpreter of the system.
    """
    found: list[str] = []
    path = Path(program)
    for _ in range(16):
        found += _installation(path)
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return tuple(dict.fromkeys(folder for folder in found if folder not in {"/", "/usr"}))


def _installation(program: Path) -> list[str]:
    if not program.name.startswith("python") or program.parent.name != "bin":
        return []
    folder = program.parent.parent
    base = _base_of(folder / "pyvenv.cfg")
    return [str(folder), str(folder.resolve()), *([] if base is None else [str(base), str(base.resolve())])]


def _base_of(configuration: Path) -> Path | None:
    """What the environment was made from, by its key ``home``, which names the folder of the programs."""
    pairs = (line.partition("=") for line in _lines(configuration))
    return next((Path(value.strip()).parent for key, _, value in pairs if key.strip() == "home"), None)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
