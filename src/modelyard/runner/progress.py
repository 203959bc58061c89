"""How far a job has come."""

from dataclasses import dataclass


@dataclass(slots=True)
class Progress:
    """Lines or requests so far; those that failed are among the done."""

    done: int = 0
    failed: int = 0
