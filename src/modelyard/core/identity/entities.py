"""What identity stores."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person or, with ``service``, the account of a client that acts for itself.

    ``username`` is unique; ``email`` is unique where given; either signs in. Both are kept in lower case.
    """

    id: str
    username: str
    email: str | None
    first_name: str
    last_name: str
    enabled: bool
    service: bool
    created_at: datetime
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True)
class Credential:
    """A user's password hash (PHC string). Kept apart so that no listing of users can carry it."""

    user_id: str
    password_hash: str
    changed_at: datetime
    temporary: bool


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """Who a user is at an external issuer: ``subject`` is unique there and never given to another (OIDC Core 2).

    ``last_seen_at`` is when a token was looked at, to the hour.
    """

    id: int
    issuer: str
    subject: str
    user_id: str
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client of the token service (RFC 6749 section 2); ``secret_hash`` is None for a public one.

    ``grants`` are grant type names. ``service_user_id`` is the account behind ``client_credentials``.
    """

    id: str
    secret_hash: str | None
    grants: list[str]
    service_user_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in, and the family of refresh tokens that came from it.

    ``generation`` numbers the current refresh token; ``rotated_at`` is when it replaced its predecessor.
    ``offline`` sessions (scope offline_access) of confidential clients do not rotate.
    """

    id: str
    user_id: str
    client_id: str
    realm: str
    scope: str
    offline: bool
    generation: int
    rotated_at: datetime
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
