"""Who is asking."""

from dataclasses import dataclass, field, replace
from typing import Self

EVERYONE = "everyone"
"""The subject of grants that hold for every signed-in user."""

_ONE_PURPOSE = frozenset({"INFERENCE"})  # core.access.permissions.Role: clients that act for themselves


@dataclass(frozen=True, slots=True)
class Actor:
    """The authenticated caller, as every use-case receives it.

    ``user_id`` is opaque to everything but identity. ``platform_roles`` are the roles held on the platform as a
    whole, and ``groups`` the subject ids of the groups and custom roles they belong to, both loaded with the user.
    ``scopes`` are the permissions that the token in use is limited to, None for no limit. ``checked`` collects the
    permissions that were asked for while one request was served, so that the HTTP edge can prove that a route asked for
    the one it declares. ``address`` is the network address that the request came from, None where there was no request.
    """

    user_id: str
    username: str
    email: str | None = None
    client_id: str | None = None
    platform_roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    checked: set[str] = field(default_factory=set, compare=False, repr=False)
    address: str | None = field(default=None, compare=False)

    def for_request(self, address: str | None = None) -> Self:
        """The same caller with an empty record of checks, at this address: one for each request."""
        return replace(self, checked=set(), address=address)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everything whose grants count for the caller. Who may do one thing only is not part of everyone."""
        everyone = () if self.platform_roles == _ONE_PURPOSE else (EVERYONE,)
        return (self.user_id, *sorted(self.groups), *everyone)

    def in_scope(self, permission: str) -> bool:
        """Whether the token in use reaches as far as the permission; the user may still lack it."""
        return self.scopes is None or permission in self.scopes
