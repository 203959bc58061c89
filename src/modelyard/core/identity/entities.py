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
class ServiceAccount:
    """What is known of a user that is a program; ``owner_id`` is the person who manages its tokens."""

    user_id: str
    owner_id: str | None
    description: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A personal access token: a long-lived bearer token of a user, kept as the SHA-256 of its text (hex).

    ``scopes`` are names of ``core.identity.scopes.Scope``. ``created_by`` is a user: the token's own, or who manages
    the service account. ``expires_at`` None is never; ``last_used_at`` lags up to a minute behind.
    """

    id: str
    user_id: str
    name: str
    secret_hash: str
    scopes: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignInRecord:
    """What happened to sign-ins under a name from a place; see ``core.identity.throttle``.

    ``name`` is the SHA-256 (hex) of the name that was given, "" for all names; ``place`` an address or a network, ""
    for all. The failures fade one by one and are gone at ``fades_at``. ``failed_from`` is the last failure's address.
    ``signed_in_at`` is the last time that it went well, None for never.
    """

    id: int
    name: str
    place: str
    failed_at: datetime | None
    fades_at: datetime | None
    failed_from: str
    signed_in_at: datetime | None


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


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users, or a custom role that users are given: both are subjects of grants.

    ``kind`` is ``group`` or ``role``; names are unique among the groups of one parent, and among the roles of one
    ``workspace`` (the text a dialect gives, empty for the platform). A member of a group is one of all groups above.
    """

    id: int
    subject_id: str
    kind: str
    workspace: str
    parent_id: int | None
    name: str
    description: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """A user belongs to a group or holds a custom role; ``issuer`` is who says so, None where it was decided here."""

    id: int
    user_id: str
    group_id: int
    issuer: str | None
    created_at: datetime
