"""The audit log: who did what, when, from where, and how it ended. For administrators."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from modelyard.client.times import format_time, parse_time
from modelyard.client.transport import Transport, reading

PATH = "/api/v1/audit"
MAX_PAGE = 1000


class AuditFormat(StrEnum):
    """How an export is written: a JSON object a line, or CSV for spreadsheets."""

    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True)
class AuditFilter:
    """Which entries: those for which all that is given holds. Times are aware and inclusive."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    actor_id: str | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    outcome: str | None = None
    address: str | None = None

    def parameters(self) -> dict[str, str]:
        """The same as the API takes it."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: format_time(value) if isinstance(value, datetime) else value for name, value in given.items()}


@dataclass(frozen=True)
class AuditEntry:
    """One entry. ``hash`` chains it to ``previous_hash``, that of the entry before; both 64 hex digits."""

    id: int
    at: datetime
    actor_id: str
    actor_name: str
    client_id: str | None
    address: str | None
    action: str
    object_type: str
    object_id: str
    outcome: str
    details: dict[str, Any]
    previous_hash: str
    hash: str

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read an entry as the API gives it."""
        at = parse_time(row["at"])
        if at is None:
            raise ValueError("an entry without a time")
        return cls(**{name: row[name] for name in cls.__dataclass_fields__} | {"at": at})


class Audit:
    """The audit part of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(self, wanted: AuditFilter = AuditFilter(), limit: int = 100) -> list[AuditEntry]:  # frozen
        """At most ``limit`` entries, newest first."""
        found: list[AuditEntry] = []
        parameters = wanted.parameters()
        while len(found) < limit:
            size = min(limit - len(found), MAX_PAGE)
            page = self._transport.send("GET", PATH, params=parameters | {"limit": str(size)})
            with reading(PATH):
                content = page.json()
                found += [AuditEntry.of(row) for row in content["items"]]
                if content["next_cursor"] is None:
                    break
                parameters["cursor"] = content["next_cursor"]
        return found

    def export(
        self,
        wanted: AuditFilter = AuditFilter(),  # frozen
        file_format: AuditFormat = AuditFormat.JSONL,
    ) -> Iterator[bytes]:
        """All entries up to now, oldest first, piece by piece as they arrive; taking them out is recorded, too."""
        parameters = wanted.parameters() | {"format": str(file_format)}
        with self._transport.stream("GET", f"{PATH}/export", params=parameters) as response:
            yield from response.iter_bytes()
