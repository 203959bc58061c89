"""What a benchmark found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; ``good`` says whether the goal is met."""

    what: str
    measured: str
    goal: str
    good: bool
