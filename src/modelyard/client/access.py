"""Grants: who may do what with which thing, and why.

Subjects are written ``user:ada`` (or just ``ada``), ``group:engineers``, ``role:auditor`` and ``everyone``. Objects
are ``experiment:12``, ``model:3/fraud``, ``model:mlflow/churn``, ``pipeline:3/fraud`` and ``workspace:3``, where 3 is a
workspace's number; a ``*`` at the end stands for all that begin so.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from modelyard.client.transport import Transport, reading

_GRANTS, _EXPLAIN = "/api/v1/grants", "/api/v1/access/explain"


@dataclass(frozen=True)
class Grant:
    """The subject has the role, or the level, on the object."""

    subject: str
    object: str
    role: str
    created_at: datetime

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a grant of the wire."""
        created = datetime.fromisoformat(row["created_at"])
        return cls(str(row["subject"]), str(row["object"]), str(row["role"]), created)


@dataclass(frozen=True)
class Explanation:
    """Whether it is allowed and by which rule (``why``); ``grant`` decided, unless no grant did.

    ``through`` leads from the group or role that the user belongs to up to the one that the grant names.
    """

    user: str
    action: str
    object: str
    allowed: bool
    why: str
    grant: Grant | None
    through: tuple[str, ...]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read an explanation of the wire."""
        grant = Grant.of(row["grant"]) if row["grant"] else None
        asked = str(row["user"]), str(row["action"]), str(row["object"])
        return cls(*asked, bool(row["allowed"]), str(row["why"]), grant, tuple(row["through"]))


class Access:
    """The access part of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def grant(self, subject: str, role: str, object: str) -> Grant:  # noqa: A002  # its name everywhere else
        """Give a subject a role on an object, in place of the one it has there; for who manages the object."""
        body = {"subject": subject, "object": object, "role": role}
        response = self._transport.send("PUT", _GRANTS, json=body)
        with reading(_GRANTS):
            return Grant.of(response.json())

    def revoke(self, subject: str, object: str) -> None:  # noqa: A002
        """Take away what a subject has on an object itself."""
        self._transport.send("DELETE", _GRANTS, params={"subject": subject, "object": object})

    def on(self, object: str) -> tuple[Grant, ...]:  # noqa: A002
        """The grants on an object itself, for who manages it."""
        return self._found(object=object)

    def of(self, subject: str) -> tuple[Grant, ...]:
        """The grants of a subject, for administrators."""
        return self._found(subject=subject)

    def explain(self, user: str, action: str, object: str) -> Explanation:  # noqa: A002
        """Whether a user may do something (a permission or a level), and what decides it; for oneself, or as admin."""
        response = self._transport.send("GET", _EXPLAIN, params={"user": user, "action": action, "object": object})
        with reading(_EXPLAIN):
            return Explanation.of(response.json())

    def _found(self, **asked: str) -> tuple[Grant, ...]:
        response = self._transport.send("GET", _GRANTS, params=asked)
        with reading(_GRANTS):
            return tuple(Grant.of(row) for row in response.json()["grants"])
