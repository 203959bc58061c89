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

    ``grants`` are grant type names. ``redirect_uris`` are where authorization answers may go, ``post_logout_uris``
    where a browser may go after signing out; one that begins with ``/`` is on the server's own origin. With
    ``consent`` each user is asked before the client gets tokens. ``service_user_id`` is the account behind
    ``client_credentials``. With ``id_tokens_as_bearer`` its ID tokens open the APIs that take ID tokens.
    """

    id: str
    secret_hash: str | None
    grants: list[str]
    redirect_uris: list[str]
    post_logout_uris: list[str]
    consent: bool
    service_user_id: str | None
    created_at: datetime
    id_tokens_as_bearer: bool


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
    ``offline`` sessions (scope offline_access) of confidential clients do not rotate. ``authenticated_at`` is when the
    user proved who they are; ``browser_session_id`` is where, when it was in a browser that stays signed in.
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
    authenticated_at: datetime
    browser_session_id: str | None


@dataclass(frozen=True, slots=True)
class RevokedToken:
    """One access token that was revoked before its end; ``id`` is its ``jti``."""

    id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A browser in which a user is signed in; ``token_hash`` is the SHA-256 of its cookie, in hex.

    It ends at ``expires_at``, or when it was not used for a while after ``seen_at``, or at ``ended_at``.
    """

    id: str
    token_hash: str
    user_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What a code stands for until it is redeemed (RFC 6749 section 4.1.2); ``id`` is its SHA-256 in hex.

    ``code_challenge`` is that of PKCE (RFC 7636, S256). ``session_id`` is the session that redeeming it made.
    """

    id: str
    client_id: str
    realm: str
    redirect_uri: str
    scope: str
    code_challenge: str | None
    nonce: str | None
    user_id: str
    browser_session_id: str
    expires_at: datetime
    used_at: datetime | None
    session_id: str | None


@dataclass(frozen=True, slots=True)
class DeviceGrant:
    """A device that asks for tokens (RFC 8628); ``id`` is the SHA-256 of its device code, in hex.

    ``user_code`` is what people type, without its hyphen. ``interval`` is the least time between two polls, seconds.
    The user is known once they have decided.
    """

    id: str
    user_code: str
    client_id: str
    realm: str
    scope: str
    state: str
    interval: int
    polled_at: datetime | None
    expires_at: datetime
    user_id: str | None
    authenticated_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeviceGuess:
    """A user code that was typed and does not exist; ``address`` is where it came from."""

    id: int
    address: str
    guessed_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """``user_id`` lets the client have this scope."""

    id: int
    user_id: str
    client_id: str
    scope: str
    given_at: datetime


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
