"""A clock that tests move."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The time that use-cases see; ``advance`` moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)
