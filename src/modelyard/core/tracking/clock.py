"""Times as tracking keeps them."""

from datetime import datetime


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
