"""Showing that something goes on: a bar or a spinner for a person, plain lines for a log file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from modelyard.cli.screen import Screen

# How often an upload writes a plain line, in parts of the whole.
PLAIN_STEPS = 4


@contextmanager
def uploading(screen: Screen, name: str, size: int) -> Iterator[Callable[[int], None]]:
    """Show an upload of `size` bytes; the block calls what it gets with the bytes sent so far."""
    if not screen.lively:
        yield _plain_upload(screen, name, size)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=screen.err, transient=True) as progress:
        task = progress.add_task(f"Uploading {name}", total=size)

        def tell(sent: int) -> None:
            doing = "Uploading" if sent < size else "The server checks"
            progress.update(task, completed=sent, description=f"{doing} {name}")

        yield tell


@contextmanager
def stages(screen: Screen, title: str) -> Iterator[Callable[[str], None]]:
    """Show a wait in stages; the block calls what it gets with the name of the stage it is in."""
    last = ""
    if screen.lively:
        with screen.err.status(f"{title} …") as status:
            yield lambda stage: status.update(f"{title}: {stage}")
        return

    def tell(stage: str) -> None:
        nonlocal last
        if stage != last:
            screen.say(f"{title}: {stage}")
        last = stage

    yield tell


def _plain_upload(screen: Screen, name: str, size: int) -> Callable[[int], None]:
    told = 0

    def tell(sent: int) -> None:
        nonlocal told
        part = sent * PLAIN_STEPS // max(size, 1)
        if part > told:
            told = part
            screen.say(f"Uploading {name}: {100 * part // PLAIN_STEPS} % of {size:,} bytes")

    return tell
