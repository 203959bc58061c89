"""Times on the wire: ISO 8601 texts in UTC."""

from datetime import UTC, datetime


def parse_time(text: str | None) -> datetime | None:
    """A wire time as an aware datetime; a text without offset is UTC. Raises ValueError when it is no time."""
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def format_time(time: datetime) -> str:
    """An aware datetime as the wire writes it: RFC 3339 in UTC."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
