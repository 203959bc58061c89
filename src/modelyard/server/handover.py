"""How settings reach another process: over an inherited pipe, because others can read arguments and environments."""

import os

from modelyard.settings import Settings


def hand_over(settings: Settings) -> int:
    """Write ``settings`` to a new pipe that a program started next may inherit; returns its reading end."""
    reading, writing = os.pipe()
    os.write(writing, settings.to_json().encode())  # some hundred bytes, with issuers some 20 KiB: a pipe holds 64
    os.close(writing)
    os.set_inheritable(reading, True)
    return reading


def take_over(pipe_end: int) -> Settings:
    """The settings from the pipe that ``hand_over`` made."""
    with os.fdopen(pipe_end, encoding="utf-8") as pipe:
        return Settings.from_json(pipe.read())
