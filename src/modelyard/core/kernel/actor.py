"""Who is asking."""

from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Actor:
    """The authenticated caller, as every use-case receives it.

    ``user_id`` is opaque to everything but identity. ``platform_roles`` are the roles held on the platform as a
    whole, loaded with the user. ``checked`` collects the permissions that were asked for while one request was
    served, so that the HTTP edge can prove that a route asked for the one it declares. ``address`` is the network
    address that the request came from, None where there was no request.
    """

    user_id: str
    username: str
    email: str | None = None
    client_id: str | None = None
    platform_roles: frozenset[str] = frozenset()
    checked: set[str] = field(default_factory=set, compare=False, repr=False)
    address: str | None = field(default=None, compare=False)

    def for_request(self, address: str | None = None) -> Self:
        """The same caller with an empty record of checks, at this address: one for each request."""
        checked: set[str] = set()
        return type(self)(
            self.user_id, self.username, self.email, self.client_id, self.platform_roles, checked, address
        )
