"""What the claims of a token say about its user."""

from typing import Any

from modelyard.core.identity.external import Admission, ExternalPerson
from modelyard.core.identity.users import normalized
from modelyard.core.kernel.errors import DomainError
from modelyard.issuer_settings import IssuerSettings

_TEXT_MAX = 255


def person_of(claims: dict[str, Any], issuer: IssuerSettings) -> ExternalPerson:
    """The person, from the claims of a token that was verified."""
    subject = str(claims["sub"])
    email = _verified_email(claims, issuer)
    wishes = (_text(claims, issuer.username_claim), email, subject)
    return ExternalPerson(
        issuer=issuer.url,
        subject=subject,
        usernames=tuple(wish for wish in wishes if wish),
        verified_email=email,
        first_name=_text(claims, "given_name") or "",
        last_name=_text(claims, "family_name") or "",
        groups=groups_of(claims, issuer),
    )


def groups_of(claims: dict[str, Any], issuer: IssuerSettings) -> frozenset[str]:
    """The names of the user's groups. A token without the claim says that there are none."""
    value = _found(claims, issuer.groups_claim)
    listed = value if isinstance(value, list) else [value]
    return frozenset(name for each in listed if (name := _printable(each)))


def admission_of(issuer: IssuerSettings) -> Admission:
    """What the operator decided about the issuer's users."""
    admins = frozenset(issuer.admin_groups) or None
    return Admission(issuer.create_users, issuer.link_verified_email, admins)


def _verified_email(claims: dict[str, Any], issuer: IssuerSettings) -> str | None:
    email = _text(claims, issuer.email_claim)
    if email is None or "@" not in email or claims.get("email_verified") is not True:
        return None
    try:
        return normalized("e-mail address", email)
    except DomainError:
        return None


def _text(claims: dict[str, Any], name: str) -> str | None:
    return _printable(_found(claims, name))


def _found(claims: dict[str, Any], name: str) -> Any:
    """The claim of this name; else, for a name like ``realm_access.roles``, what lies at the end of that path."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _printable(value: object) -> str | None:
    return value if isinstance(value, str) and value.isprintable() and 0 < len(value) <= _TEXT_MAX else None
