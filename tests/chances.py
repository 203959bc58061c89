"""Statistics for tests that draw at random."""

from math import sqrt


def binomial_bounds(tries: int, chance: float) -> tuple[float, float]:
    """Between which numbers the successes lie in all but one of about ten million runs; exact for 0 and 1."""
    margin = 5.3 * sqrt(tries * chance * (1 - chance))
    return tries * chance - margin, tries * chance + margin
