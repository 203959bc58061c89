"""What the program is told."""

from typing import TypedDict


class Orders(TypedDict):
    """What to give up, and what to become.

    ``parent`` is the server's process id, None where a process namespace hides it. ``uid`` is None to stay the same
    user, ``own_namespaces`` asks to make them here. Without ``rules`` there is neither Landlock nor seccomp. ``limits``
    has resource limits by their names without ``RLIMIT_``.
    """

    command: list[str]
    environment: dict[str, str]
    folder: str
    parent: int | None
    uid: int | None
    own_namespaces: bool
    rules: bool
    readable: list[str]
    writable: list[str]
    limits: dict[str, int]
